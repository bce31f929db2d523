//! How fixes of Red Hat's kin are read where several stand side by side: for modules, for minors, for builds of one
//! advisory. From the vendors' descriptions and the traps that others fell into.

use crate::common::Verdicts;
use crate::plain::{Asked, Said, by_id, decide};
use crate::rpm::order;
use imagescan_model::AdvisoryState;
use std::collections::BTreeMap;

/// The verdict of rebuilds whose statements are fixes.
pub(crate) fn expected(asked: &Asked, said: &[&Said]) -> Verdicts {
    by_id(said, |said| {
        let about: Vec<&Said> =
            said.iter().copied().filter(|said| asked.is_among(&said.architectures)).collect();
        of_id(asked, &about)
    })
}

/// The same of statements whose architectures and products are known to be asked for.
pub(crate) fn of_id(asked: &Asked, said: &[&Said]) -> Option<(AdvisoryState, Option<String>)> {
    let said: Vec<&Said> = said.iter().copied().filter(|said| is_of_module(asked, said)).collect();
    let last = decide(asked, &said)?;
    let branch = of_minor(asked, lowest_builds(of_stream(asked, said.clone())));
    match decide(asked, &branch) {
        Some((AdvisoryState::Affected, fix)) => Some((AdvisoryState::Affected, fix)),
        Some(found) if found.0 != AdvisoryState::NotAffected => Some(found),
        Some((_, None)) if last.0 == AdvisoryState::NotAffected => Some(last),
        // It is past what is asked of its branch: it has the highest fix that it is not below.
        _ => {
            let fixes = said.iter().filter_map(|said| said.fix.clone());
            let had = fixes.filter(|fix| !asked.is_below(fix)).max_by(|a, b| order(a, b));
            Some((AdvisoryState::NotAffected, had))
        }
    }
}

fn is_modular(version: &str) -> bool {
    version.contains(".module")
}

fn without_epoch(version: &str) -> &str {
    version.rsplit(':').next().unwrap()
}

/// The numbers that a version begins with.
fn numbers(version: &str) -> Vec<String> {
    let version = without_epoch(version);
    let end = version.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(version.len());
    version[..end].split('.').filter(|number| !number.is_empty()).map(String::from).collect()
}

/// A module's builds and plain ones have nothing to do with each other, and streams have not either.
fn is_of_module(asked: &Asked, said: &Said) -> bool {
    let modular_fix = said.fix.as_deref().is_some_and(is_modular);
    match (asked.module.as_deref(), said.module.as_str()) {
        (None, "") => is_modular(&asked.version) == modular_fix,
        (Some(own), "") => modular_fix == (!own.is_empty() || is_modular(&asked.version)),
        (Some(own), module) => own == module,
        // Nobody tells the stream: a stream called 2.7 has versions 2.7, and packages beside it agree in two numbers.
        (None, module) => {
            let name = module.split(':').nth(1).unwrap_or_default();
            let stream = numbers(name.trim_start_matches(|c: char| !c.is_ascii_digit()));
            let Some(fix) = said.fix.as_deref().map(numbers) else { return is_modular(&asked.version) };
            let own = numbers(&asked.version);
            let agree = match fix.starts_with(&stream) {
                true => own.starts_with(&stream),
                false => stream.len() == 1 || own.iter().take(2).eq(fix.iter().take(2)),
            };
            is_modular(&asked.version) && agree
        }
    }
}

/// Of builds of unknown streams, those that begin with the most numbers of the version.
fn of_stream<'a>(asked: &Asked, said: Vec<&'a Said>) -> Vec<&'a Said> {
    if asked.module.is_some() && said.iter().any(|said| !said.module.is_empty()) {
        return said.into_iter().filter(|said| !said.module.is_empty()).collect();
    }
    if !is_modular(&asked.version) {
        return said;
    }
    let own = numbers(&asked.version);
    let alike = |said: &Said| {
        let fix = numbers(said.fix.as_deref().unwrap_or_default());
        (0..fix.len().min(own.len())).take_while(|at| fix[*at] == own[*at]).count()
    };
    let most = said.iter().filter(|said| said.fix.is_some()).map(|said| alike(said)).max().unwrap_or(0);
    said.into_iter().filter(|said| said.fix.is_none() || alike(said) == most).collect()
}

fn upstream(version: &str) -> &str {
    without_epoch(version).rsplit_once('-').unwrap().0
}

/// AlmaLinux lists several builds of one version in an advisory, and not for which architecture each is: any will do.
fn lowest_builds(said: Vec<&Said>) -> Vec<&Said> {
    let mut lowest: BTreeMap<(&str, &str), &Said> = BTreeMap::new();
    let (listed, others): (Vec<&Said>, Vec<&Said>) = said
        .into_iter()
        .partition(|said| said.fix.is_some() && said.architectures.is_empty() && !said.advisory.is_empty());
    for said in listed {
        let fix = said.fix.as_deref().unwrap();
        let known = lowest.entry((&said.advisory, upstream(fix))).or_insert(said);
        if order(fix, known.fix.as_deref().unwrap()).is_lt() {
            *known = said;
        }
    }
    lowest.into_values().chain(others).collect()
}

/// 4 of `el9_4`.
fn minor(version: &str) -> Option<u64> {
    let release = version.rsplit_once('-').unwrap().1;
    let tag = release.split('.').find(|part| part.starts_with("el"))?;
    let number = tag.split_once('_')?.1;
    number.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}

/// `< 3.9.18-3.el9_4.5 || >= 3.9.19, < 3.9.19-8.el9`: a build of minor 4 needs the fix of minor 4; where there is
/// none, that which every minor has, or else that of the next minor. Who has reached a fix is past it; what was
/// rebased before or after says nothing to it.
fn of_minor<'a>(asked: &Asked, said: Vec<&'a Said>) -> Vec<&'a Said> {
    let own = minor(&asked.version);
    let fixed = |said: &&&Said| said.fix.is_some();
    let minors = said.iter().filter(fixed).map(|said| minor(said.fix.as_deref().unwrap()));
    let minors: Vec<Option<u64>> = minors.collect();
    let next = minors.iter().copied().filter(|minor| *minor > own && own.is_some()).min().flatten();
    let wanted = [own, None, next].into_iter().find(|minor| minors.contains(minor));
    let candidate = |said: &&Said| match said.fix.as_deref() {
        None => true,
        Some(fix) => wanted.is_none_or(|wanted| minor(fix) == wanted),
    };
    let of_branch: Vec<&Said> = said.into_iter().filter(candidate).collect();
    let reached = of_branch.iter().any(|said| said.fix.as_deref().is_some_and(|fix| !asked.is_below(fix)));
    let same = |said: &&Said| {
        said.fix.as_deref().is_none_or(|fix| upstream(fix) == upstream(&asked.version)) || !reached
    };
    of_branch.into_iter().filter(same).collect()
}
