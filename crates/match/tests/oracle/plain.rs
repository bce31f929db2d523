//! What vendors of rpms say, in one plain shape; triples drawn from it; and the simplest way to judge them.

use crate::common::{Random, Verdicts, ours, system};
use crate::rpm::{near, order};
use imagescan_knowledge::Knowledge;
use imagescan_model::{AdvisoryState, Package, PackageType, SourcePackage};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// One statement of a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Said {
    /// `distribution:version`.
    pub(crate) release: String,
    pub(crate) package: String,
    /// The name is a source package's.
    pub(crate) of_source: bool,
    pub(crate) id: String,
    /// Of versions below the fix, or of all.
    pub(crate) state: AdvisoryState,
    pub(crate) fix: Option<String>,
    /// Affected are versions above this only.
    pub(crate) after: Option<String>,
    /// Empty: all.
    pub(crate) architectures: BTreeSet<String>,
    pub(crate) module: String,
    pub(crate) stream: String,
    pub(crate) advisory: String,
}

impl Default for Said {
    fn default() -> Self {
        Said {
            release: String::new(),
            package: String::new(),
            of_source: false,
            id: String::new(),
            state: AdvisoryState::Affected,
            fix: None,
            after: None,
            architectures: BTreeSet::new(),
            module: String::new(),
            stream: String::new(),
            advisory: String::new(),
        }
    }
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Asked {
    pub(crate) release: String,
    pub(crate) package: String,
    pub(crate) of_source: bool,
    pub(crate) version: String,
    pub(crate) architecture: String,
    /// `None`: rpm keeps no label; empty: in no module.
    pub(crate) module: Option<String>,
}

impl Asked {
    pub(crate) fn package(&self) -> Package {
        let name = if self.of_source { format!("{}-part", self.package) } else { self.package.clone() };
        let mut package = Package::new(PackageType::Rpm, name, self.version.clone());
        package.architecture = Some(self.architecture.clone());
        package.module = self.module.clone().map(|module| match module.as_str() {
            "" => module,
            _ => format!("{module}:8090020230627084142:b46abd14"),
        });
        // A source rpm's file name has no epoch.
        let version = self.version.rsplit(':').next().map(String::from);
        package.source = self.of_source.then(|| SourcePackage { name: self.package.clone(), version });
        package
    }

    /// Whether the architecture is one that a statement speaks of.
    pub(crate) fn is_among(&self, architectures: &BTreeSet<String>) -> bool {
        architectures.is_empty()
            || self.architecture == "noarch"
            || architectures.contains(&self.architecture)
    }

    /// Source packages are compared without their epochs.
    fn order(&self, stated: &str) -> Ordering {
        let rest = |version: &str| version.rsplit(':').next().unwrap().to_owned();
        match self.of_source {
            true => order(&rest(&self.version), &rest(stated)),
            false => order(&self.version, stated),
        }
    }

    pub(crate) fn is_below(&self, stated: &str) -> bool {
        self.order(stated).is_lt()
    }

    pub(crate) fn is_above(&self, stated: &str) -> bool {
        self.order(stated).is_gt()
    }
}

/// What `said`, which is all that counts for one id, makes of a version: affected up to the highest fix that it has
/// not; else by the strongest word on what has no fix; else past the highest of the fixes that it has.
pub(crate) fn decide(asked: &Asked, said: &[&Said]) -> Option<(AdvisoryState, Option<String>)> {
    use AdvisoryState::{Affected, EndOfLife, FixDeferred, NotAffected, UnderInvestigation, WillNotFix};
    if said.is_empty() {
        return None;
    }
    if said.iter().any(|said| said.state == NotAffected) {
        return Some((NotAffected, None));
    }
    let begun = |said: &&Said| said.after.as_ref().is_none_or(|after| asked.is_above(after));
    let highest = |fixes: Vec<&String>| fixes.into_iter().max_by(|a, b| order(a, b)).cloned();
    let of = |has: bool| {
        let begun = said.iter().filter(|said| begun(said) || has);
        begun
            .filter_map(|said| said.fix.as_ref())
            .filter(|fix| asked.is_below(fix) != has)
            .collect::<Vec<_>>()
    };
    if let Some(fix) = highest(of(false)) {
        return Some((Affected, Some(fix)));
    }
    let unfixed = |state| said.iter().any(|said| said.fix.is_none() && begun(said) && said.state == state);
    let states = [EndOfLife, WillNotFix, FixDeferred, Affected, UnderInvestigation];
    match states.into_iter().find(|state| unfixed(*state)) {
        Some(state) => Some((state, None)),
        None => Some((NotAffected, highest(of(true)))),
    }
}

/// By id, what `of_id` makes of all that is said of the package.
pub(crate) fn by_id<'a>(
    said: &[&'a Said],
    of_id: impl Fn(&[&'a Said]) -> Option<(AdvisoryState, Option<String>)>,
) -> Verdicts {
    let mut ids: BTreeMap<&str, Vec<&Said>> = BTreeMap::new();
    for said in said {
        ids.entry(&said.id).or_default().push(said);
    }
    ids.into_iter().filter_map(|(id, said)| Some((id.into(), of_id(&said)?))).collect()
}

/// Draws `wanted` triples, or all that the data holds, and holds our verdicts against `expected`.
pub(crate) fn check(
    label: &str,
    knowledge: &Knowledge,
    said: &[Said],
    wanted: usize,
    expected: impl Fn(&Asked, &[&Said]) -> Verdicts,
) -> BTreeSet<(AdvisoryState, bool)> {
    let mut packages: BTreeMap<(&str, &str, bool), Vec<&Said>> = BTreeMap::new();
    for said in said {
        packages.entry((&said.release, &said.package, said.of_source)).or_default().push(said);
    }
    let keys: Vec<_> = packages.keys().copied().collect();
    let random = &mut Random(300);
    let (mut triples, mut verdicts, mut states) = (BTreeSet::new(), 0, BTreeSet::new());
    for _ in 0..wanted * 30 {
        if triples.len() == wanted {
            break;
        }
        let key = *random.of(&keys);
        let of_package = &packages[&key];
        let asked = draw(random, of_package);
        if !triples.insert(asked.clone()) {
            continue;
        }
        let expected = expected(&asked, of_package);
        let (id, version) = asked.release.split_once(':').unwrap();
        let ours = ours(knowledge, system(id, version), asked.package());
        assert_eq!(ours, expected, "{label}: {asked:?}, of {of_package:#?}");
        verdicts += expected.len();
        states.extend(expected.values().map(|(state, fix)| (*state, fix.is_some())));
    }
    println!("{label}: {} triples, {verdicts} verdicts", triples.len());
    states
}

pub(crate) fn draw(random: &mut Random, of_package: &[&Said]) -> Asked {
    let said = *random.of(of_package);
    let fixes: Vec<&str> = of_package.iter().filter_map(|said| said.fix.as_deref()).collect();
    let version = match said.fix.as_ref().or(said.after.as_ref()) {
        Some(fix) => near(random, fix, &fixes),
        None if fixes.is_empty() => "1.2-3".into(),
        None => (*random.of(&fixes)).into(),
    };
    let known: Vec<&String> = of_package.iter().flat_map(|said| &said.architectures).collect();
    let architecture = match random.below(8) {
        0 => "noarch".into(),
        1 => ["riscv64", "i686"][random.below(2)].into(),
        _ if known.is_empty() => "x86_64".into(),
        _ => (*random.of(&known)).clone(),
    };
    let modules: Vec<&String> = of_package.iter().map(|said| &said.module).collect();
    let module = match random.below(6) {
        0 => None,
        1 => Some((*random.of(&modules)).clone()),
        _ if said.module.is_empty() => version.contains(".module").then(String::new),
        _ => Some(said.module.clone()),
    };
    let module = module.filter(|module| !(module.is_empty() && version.contains(".module")));
    let (release, package) = (said.release.clone(), said.package.clone());
    Asked { release, package, of_source: said.of_source, version, architecture, module }
}

/// The pieces of `text` between `start` and `end`.
pub(crate) fn between<'a>(text: &'a str, start: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(start).skip(1).map(move |piece| piece.split(end).next().unwrap())
}

/// The value of an attribute in a tag.
pub(crate) fn attribute<'a>(tag: &'a str, name: &str) -> &'a str {
    let Some((_, rest)) = tag.split_once(&format!("{name}=\"")) else { return "" };
    rest.split('"').next().unwrap()
}

/// Without an epoch of 0, which says nothing.
pub(crate) fn plain_epoch(version: &str) -> String {
    version.strip_prefix("0:").unwrap_or(version).into()
}

/// Of a package tag of updateinfo.
pub(crate) fn version_of(tag: &str) -> String {
    let (epoch, rest) =
        (attribute(tag, "epoch"), format!("{}-{}", attribute(tag, " version"), attribute(tag, "release")));
    plain_epoch(&if epoch.is_empty() { rest } else { format!("{epoch}:{rest}") })
}
