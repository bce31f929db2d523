//! Ubuntu: the files of its tracker, OSV and OpenVEX documents.

use crate::common::{Files, Random, Verdicts, all, database_of, dpkg_less, ours, shared, system};
use imagescan_knowledge::Knowledge;
use imagescan_model::AdvisoryState::{
    self, Affected, EndOfLife, FixDeferred, NotAffected, UnderInvestigation, WillNotFix,
};
use imagescan_model::{Package, PackageType, Pro, SourcePackage};
use std::collections::{BTreeMap, BTreeSet};

mod documents;
mod generated;

/// What is said of a source in a pocket of a release: the state, and the fix.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    release: &'static str,
    /// Empty: the plain archive.
    pocket: String,
    source: String,
    id: String,
    state: AdvisoryState,
    fix: Option<String>,
}

const CODENAMES: &str = "dapper 6.06 edgy 6.10 feisty 7.04 gutsy 7.10 hardy 8.04 intrepid 8.10 jaunty 9.04 \
    karmic 9.10 lucid 10.04 maverick 10.10 natty 11.04 oneiric 11.10 precise 12.04 quantal 12.10 raring 13.04 \
    saucy 13.10 trusty 14.04 utopic 14.10 vivid 15.04 wily 15.10 xenial 16.04 yakkety 16.10 zesty 17.04 \
    artful 17.10 bionic 18.04 cosmic 18.10 disco 19.04 eoan 19.10 focal 20.04 jammy 22.04 noble 24.04 \
    oracular 24.10 plucky 25.04 questing 25.10 resolute 26.04";

fn number(codename: &str) -> Option<&'static str> {
    CODENAMES.split(' ').skip_while(|word| *word != codename).nth(1)
}

/// Release and pocket of `jammy`, `esm-infra/xenial` or `trusty/esm`.
fn place(text: &str) -> Option<(&'static str, String)> {
    match text.split_once('/') {
        None => Some((number(text)?, String::new())),
        Some((codename, "esm")) => Some((number(codename)?, "esm-infra-legacy".into())),
        Some((pocket, codename)) => match number(codename) {
            Some(number) => Some((number, pocket.into())),
            None => Some((number(pocket)?, codename.into())),
        },
    }
}

/// A file of the tracker.
fn tracked(text: &str, said: &mut Vec<Said>) {
    let candidate = text.lines().find_map(|line| line.strip_prefix("Candidate:"));
    let Some(id) = candidate.map(str::trim).filter(|id| !id.is_empty()) else { return };
    for line in text.lines() {
        let Some((key, status)) = line.split_once(':') else { continue };
        let Some((at, source)) = key.split_once('_') else { continue };
        let Some((release, pocket)) = place(at) else { continue };
        let (word, remark) = status.trim().split_once(' ').unwrap_or((status.trim(), ""));
        let note = remark.trim_matches(|c| "()[] ".contains(c));
        let version = note.starts_with(|c: char| c.is_ascii_digit()) && !note.contains([' ', ',', '_', ')']);
        let lower = note.to_lowercase().replace('-', " ");
        let ended = ["end of li", "eol", "of standard support", "out of support", "end of support"];
        let (state, fix) = match word {
            "DNE" => continue,
            "released" | "released-esm" if version => (Affected, Some(note.into())),
            "released" | "released-esm" => (UnderInvestigation, None),
            "not-affected" => (NotAffected, None),
            _ if ended.iter().any(|wording| lower.contains(wording)) => (EndOfLife, None),
            "needed" | "active" | "in-progress" | "pending" => (Affected, None),
            "needs-triage" => (UnderInvestigation, None),
            "deferred" => (FixDeferred, None),
            "ignored" => (WillNotFix, None),
            other => panic!("{other} in {id}"),
        };
        let mut add = |pocket: String, state, fix| {
            said.push(Said { release, pocket, source: source.into(), id: id.into(), state, fix });
        };
        if word == "released-esm" {
            add(String::new(), WillNotFix, None);
            add("esm".into(), state, fix);
        } else {
            add(pocket, state, fix);
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    release: &'static str,
    source: String,
    version: String,
    /// Ubuntu Pro: its infra and its apps part.
    pro: (bool, bool),
}

impl Asked {
    /// Whether the image takes its packages from a pocket: it is subscribed, or the installed build is from there.
    fn has(&self, pocket: &str) -> bool {
        let (infra, apps) = self.pro;
        let subscribed = match pocket {
            "esm-infra" | "esm-infra-legacy" => infra,
            "esm-apps" => apps,
            "esm" => infra || apps,
            _ => false,
        };
        subscribed
            || (pocket.starts_with("esm") && self.version.contains("esm"))
            || (pocket.starts_with("fips") && self.version.to_lowercase().contains("fips"))
    }

    fn decide(&self, said: &[&Said]) -> (AdvisoryState, Option<String>) {
        if said.iter().any(|said| said.state == NotAffected) {
            return (NotAffected, None);
        }
        let highest = |below: bool| {
            let mut highest: Option<&str> = None;
            for fix in said.iter().filter_map(|said| said.fix.as_deref()) {
                let higher = highest.is_none_or(|known| dpkg_less(known, fix));
                if higher && dpkg_less(&self.version, fix) == below {
                    highest = Some(fix);
                }
            }
            highest.map(String::from)
        };
        if let Some(fix) = highest(true) {
            return (Affected, Some(fix));
        }
        let unfixed = |state| said.iter().any(|said| said.fix.is_none() && said.state == state);
        let states = [EndOfLife, WillNotFix, FixDeferred, Affected, UnderInvestigation];
        match states.into_iter().find(|state| unfixed(*state)) {
            Some(state) => (state, None),
            None => (NotAffected, highest(false)),
        }
    }

    /// The pocket in use speaks; else the release does; where it is silent and paid support is not, nothing will come.
    fn verdict(&self, said: &[&Said]) -> Option<(AdvisoryState, Option<String>)> {
        let of = |wanted: &dyn Fn(&str) -> bool| {
            said.iter().filter(|said| wanted(&said.pocket)).copied().collect::<Vec<_>>()
        };
        let (used, own) = (of(&|pocket| self.has(pocket)), of(&str::is_empty));
        let esm = of(&|pocket| pocket.starts_with("esm"));
        if !used.is_empty() {
            return Some(self.decide(&used));
        }
        if own.is_empty() {
            let missed = esm.iter().filter_map(|said| said.fix.as_deref());
            let below = missed.into_iter().any(|fix| dpkg_less(&self.version, fix));
            return below.then_some((WillNotFix, None));
        }
        match self.decide(&own) {
            // What has ended was looked at in longer support only, which has the same builds.
            (EndOfLife, _) if esm.iter().any(|said| said.state == NotAffected) => Some((NotAffected, None)),
            verdict => Some(verdict),
        }
    }
}

fn expected(asked: &Asked, said: &[&Said]) -> Verdicts {
    let mut ids: BTreeMap<&str, Vec<&Said>> = BTreeMap::new();
    for said in said {
        ids.entry(&said.id).or_default().push(said);
    }
    ids.into_iter().filter_map(|(id, said)| Some((id.into(), asked.verdict(&said)?))).collect()
}

/// Draws up to `wanted` triples of sources about which not too much is said: dpkg is a process each time.
fn check(
    label: &str,
    knowledge: &Knowledge,
    said: &[Said],
    wanted: usize,
) -> BTreeSet<(AdvisoryState, bool)> {
    let mut sources: BTreeMap<(&str, &str), Vec<&Said>> = BTreeMap::new();
    for said in said {
        sources.entry((said.release, &said.source)).or_default().push(said);
    }
    sources.retain(|_, said| said.len() < 40);
    let groups: Vec<&Vec<&Said>> = sources.values().collect();
    let random = &mut Random(300);
    let (mut triples, mut verdicts, mut states) = (BTreeSet::new(), 0, BTreeSet::new());
    for _ in 0..wanted * 20 {
        if triples.len() == wanted {
            break;
        }
        let group = random.of(&groups);
        let one = random.of(group);
        let fixes: Vec<&String> = group.iter().filter_map(|said| said.fix.as_ref()).collect();
        let fix = if fixes.is_empty() { "1.0-1ubuntu2" } else { random.of(&fixes).as_str() };
        let version = match random.below(7) {
            0 => format!("{fix}~"),
            1 => format!("{fix}.1"),
            2 => format!("{fix}~esm1"),
            3 => format!("{}fips.1", fix.trim_end_matches(char::is_numeric)),
            4 => "0.1-1".into(),
            _ => fix.into(),
        };
        let pro = [(false, false), (false, false), (true, false), (true, true)][random.below(4)];
        let asked = Asked { release: one.release, source: one.source.clone(), version, pro };
        if !triples.insert(asked.clone()) {
            continue;
        }
        let expected = expected(&asked, group);
        let mut installed = system("ubuntu", asked.release);
        installed.pro = Some(Pro { infra: asked.pro.0, apps: asked.pro.1 });
        let mut package = Package::new(PackageType::Deb, format!("lib{}", asked.source), "0-1");
        package.source =
            Some(SourcePackage { name: asked.source.clone(), version: Some(asked.version.clone()) });
        let ours = ours(knowledge, installed, package);
        assert_eq!(ours, expected, "{label}: {asked:?}, of {group:#?}");
        verdicts += expected.len();
        states.extend(expected.values().map(|(state, fix)| (*state, fix.is_some())));
    }
    println!("{label}: {} triples, {verdicts} verdicts", triples.len());
    states
}

fn check_tracker(label: &str, files: &Files) -> BTreeSet<(AdvisoryState, bool)> {
    let (_folder, knowledge) = database_of("ubuntu-cve-tracker", all(files));
    let mut said = Vec::new();
    files.values().for_each(|bytes| tracked(std::str::from_utf8(bytes).unwrap(), &mut said));
    check(label, &knowledge, &said, 300)
}

#[test]
fn real_files_of_the_tracker_are_judged_as_they_say() {
    let wanted = |path: &str| path.contains("-cve-tracker-2020-") && path.contains("/CVE-");
    let files = shared("ubuntu.tar.zst", wanted);
    if !files.is_empty() {
        check_tracker("ubuntu-cve-tracker, real", &files);
    }
}
