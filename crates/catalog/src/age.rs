//! What an image says of its age: every statement as found, in the order of the ladder, none of them judged.

use crate::lines::Lines;
use crate::os_release;
use crate::text::text;
use imagescan_image::{Image, View};
use imagescan_model::{Age, AgeEvidence, AgeFact, EvidenceSource, Inventory, Package};
use jiff::Timestamp;
use std::collections::BTreeMap;

const CREATED: &str = "org.opencontainers.image.created";
const APT_LOG: &str = "var/log/apt/history.log";
const DPKG_LOG: &str = "var/log/dpkg.log";
const LISTS: &str = "var/lib/apt/lists";
/// Characters of a statement that is no instant.
const STATEMENT: usize = 64;

/// What to ask an image for.
pub(crate) const PATHS: [&str; 3] = [APT_LOG, DPKG_LOG, "var/lib/apt/lists/*Release"];

/// All evidence in `image`, whose other facts are in `inventory`; `created` is the config's.
pub(crate) fn evidence(image: &Image, inventory: &Inventory, created: Option<&str>) -> Age {
    let mut build = Vec::new();
    build.extend(created.map(|created| statement(EvidenceSource::ConfigCreated, created)));
    for entry in &inventory.facts.history {
        if let (Some(layer), Some(created)) = (entry.layer, &entry.created) {
            let said = statement(EvidenceSource::HistoryCreated, created);
            build.push(AgeEvidence { layer: Some(layer), ..said });
        }
    }
    let stated = |source, labels: &BTreeMap<String, String>| Some(statement(source, labels.get(CREATED)?));
    build.extend(stated(EvidenceSource::LabelCreated, &inventory.facts.labels));
    build.extend(stated(EvidenceSource::AnnotationCreated, &image.annotations));
    let content = content_of(image.tree.top(), &inventory.packages);
    let of_layers = !image.layers.is_empty();
    let modified = |index: u32| {
        let newest = image.newest_modified.get(usize::try_from(index).ok()?)?;
        let at = Timestamp::from_second((*newest)?).ok()?;
        let layer = of_layers.then_some(index);
        Some(AgeEvidence { layer, ..dated(EvidenceSource::FileModified, at) })
    };
    let layers = image.tree.layers();
    let packages =
        inventory.packages.iter().filter_map(|package| package.layer.max(package.introduced_in)).max();
    let of_layer = |layer: u32| build.iter().filter(move |said| said.layer == Some(layer)).cloned();
    let packages: Vec<AgeEvidence> = match packages.or((!of_layers).then_some(0)) {
        // What a later layer left (a log, an index) says nothing of the packages below it.
        Some(layer) if layer + 1 < layers => {
            let below = content_of(image.tree.at(layer), &inventory.packages);
            of_layer(layer).chain(below).chain(modified(layer)).collect()
        }
        Some(layer) => of_layer(layer).chain(content.iter().cloned()).chain(modified(layer)).collect(),
        None => Vec::new(),
    };
    let base = of_layer(0).chain(modified(0).filter(|_| of_layers)).collect();
    build.extend(content);
    build.extend((0..layers).filter_map(modified));
    let fact = |evidence| AgeFact { evidence, ..AgeFact::default() };
    Age { build: fact(build), base: fact(base), packages: fact(packages), judged: None }
}

fn dated(source: EvidenceSource, at: Timestamp) -> AgeEvidence {
    AgeEvidence { source, at: Some(at), text: None, layer: None, subject: None, set_aside: None }
}

/// What somebody wrote, as an instant if it is one.
fn statement(source: EvidenceSource, written: &str) -> AgeEvidence {
    let at = written.parse().ok();
    let text = at.is_none().then(|| written.chars().take(STATEMENT).collect());
    AgeEvidence { source, at, text, layer: None, subject: None, set_aside: None }
}

/// What the files prove: the image was not built before.
fn content_of(view: View<'_>, packages: &[Package]) -> Vec<AgeEvidence> {
    let mut content = Vec::new();
    let mut newest = |source, date: fn(&Package) -> Option<Timestamp>| {
        // Of equal dates the first name, so that the choice is no accident.
        let dated_packages = packages.iter().rev().filter_map(|package| Some((date(package)?, package)));
        if let Some((at, package)) = dated_packages.max_by_key(|(at, _)| *at) {
            content.push(AgeEvidence { subject: Some(package.name.clone()), ..dated(source, at) });
        }
    };
    newest(EvidenceSource::PackageBuilt, |package| package.built_at);
    newest(EvidenceSource::PackageInstalled, |package| package.installed_at);
    let log = |source, path: &str, read: fn(&mut Lines<'_>) -> Option<Timestamp>| {
        let file = view.file(path).ok()??;
        let at = read(&mut Lines::new(&file))?;
        Some(AgeEvidence { subject: Some(format!("/{path}")), ..dated(source, at) })
    };
    content.extend(log(EvidenceSource::AptLog, APT_LOG, last_apt_run));
    content.extend(log(EvidenceSource::DpkgLog, DPKG_LOG, last_dpkg_line));
    let names = view.list(LISTS).unwrap_or_default();
    let releases = names
        .iter()
        .filter(|name| name.ends_with("Release"))
        .filter_map(|name| log(EvidenceSource::RepositoryIndex, &format!("{LISTS}/{name}"), release_date));
    content.extend(releases.max_by_key(|said| said.at));
    content.extend(os_release::build_day(view).map(|(path, at)| {
        let subject = Some(format!("/{path}"));
        AgeEvidence { subject, ..dated(EvidenceSource::OsRelease, at) }
    }));
    content
}

/// `End-Date: 2024-02-11  10:00:00` of the last entry. apt writes local time; images have UTC.
fn last_apt_run(log: &mut Lines<'_>) -> Option<Timestamp> {
    last(log, |line| local_time(&text(line.strip_prefix(b"End-Date:")?)))
}

/// `2024-02-11 10:00:00 status installed …`.
fn last_dpkg_line(log: &mut Lines<'_>) -> Option<Timestamp> {
    last(log, |line| local_time(&text(line.get(..19)?)))
}

/// The date of the last line that has one. What cannot be read proves nothing.
fn last(log: &mut Lines<'_>, date: fn(&[u8]) -> Option<Timestamp>) -> Option<Timestamp> {
    let mut last = None;
    while let Ok(Some(line)) = log.next() {
        last = date(line.bytes).or(last);
    }
    last
}

fn local_time(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once(' ')?;
    format!("{date}T{}Z", time.trim()).parse().ok()
}

/// `Date: Sat, 10 Feb 2024 11:07:25 UTC` (RFC 5322 with UTC, Debian repository format).
fn release_date(release: &mut Lines<'_>) -> Option<Timestamp> {
    let value = loop {
        let line = release.next().ok()??;
        if let Some(value) = line.bytes.strip_prefix(b"Date:") {
            break text(value);
        }
    };
    let mut words = value.split_whitespace().skip_while(|word| word.ends_with(','));
    let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    format!("{year}-{month:02}-{day:0>2}T{time}Z").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use imagescan_image::TreeBuilder;

    fn date(read: fn(&mut Lines<'_>) -> Option<Timestamp>, text: &str) -> Option<String> {
        let bytes = text.as_bytes().to_vec();
        read(&mut Lines::new(&bytes)).map(|at| at.to_string())
    }

    #[test]
    fn logs_and_indexes_say_their_dates() {
        let apt = "Start-Date: 2024-02-11  09:00:00\nEnd-Date: 2024-02-11  09:01:02\n\nEnd-Date: 2024-03-01  10:00:00\n";
        assert_eq!(date(last_apt_run, apt).as_deref(), Some("2024-03-01T10:00:00Z"));
        let dpkg =
            "2024-02-11 10:00:00 startup archives unpack\n2024-02-11 10:00:05 status installed a\nhalf";
        assert_eq!(date(last_dpkg_line, dpkg).as_deref(), Some("2024-02-11T10:00:05Z"));
        let release = "Origin: Debian\nDate: Sat, 10 Feb 2024 11:07:25 UTC\n";
        assert_eq!(date(release_date, release).as_deref(), Some("2024-02-10T11:07:25Z"));
        assert_eq!(date(release_date, "Date: soon\n"), None);
        assert_eq!(date(release_date, "Origin: Debian\n"), None);
    }

    #[test]
    fn an_index_that_a_later_layer_left_does_not_date_the_packages() {
        let package = Package {
            layer: Some(0),
            introduced_in: Some(0),
            ..Package::new(imagescan_model::PackageType::Deb, "a", "1")
        };
        let index = b"Date: Sat, 10 Jan 2026 11:07:25 UTC\n";
        let tree = TreeBuilder::new().layer().layer().file("var/lib/apt/lists/a_InRelease", index, 0).build();
        let image = Image { tree, layers: vec![Default::default(); 2], ..Image::default() };
        let age = evidence(&image, &Inventory { packages: vec![package], ..Inventory::default() }, None);
        let sources = |fact: &AgeFact| fact.evidence.iter().map(|said| said.source).collect::<Vec<_>>();
        assert_eq!(sources(&age.build), [EvidenceSource::RepositoryIndex]);
        assert_eq!(sources(&age.packages), []);
    }

    #[test]
    fn the_build_of_the_system_is_evidence() {
        let tree = TreeBuilder::new().layer().file("etc/os-release", b"BUILD_ID=20260110.1\n", 0).build();
        let age = evidence(&Image { tree, ..Image::default() }, &Inventory::default(), None);
        let said = &age.build.evidence[0];
        assert_eq!(
            (said.source, said.subject.as_deref()),
            (EvidenceSource::OsRelease, Some("/etc/os-release"))
        );
        assert_eq!(said.at.unwrap().to_string(), "2026-01-10T00:00:00Z");
    }

    #[test]
    fn a_statement_that_is_no_instant_is_kept_as_written() {
        let said = statement(EvidenceSource::ConfigCreated, "yesterday");
        assert_eq!((said.at, said.text.as_deref()), (None, Some("yesterday")));
    }
}
