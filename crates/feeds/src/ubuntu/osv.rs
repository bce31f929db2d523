//! OSV documents (documentation.ubuntu.com/security/security-updates/osv): one for each CVE, `UBUNTU-CVE-…`, and one
//! for each notice, `USN-…`, which has the day on which its fixes were published.
//!
//! An ecosystem names the release, and whether it is about the plain archive: `Ubuntu:22.04:LTS`,
//! `Ubuntu:Pro:18.04:LTS`, `Ubuntu:Pro:FIPS-updates:20.04:LTS`, `Ubuntu:Nvidia-BlueField:22.04:LTS`. `Pro` alone is
//! both `esm-infra` and `esm-apps`: which, says the package's URL; in old documents `availability`, where there is a
//! fix.

use super::kept::{About, ArchiveId, Kept, Listed, Notice};
use super::{purl, severity, vex};
use crate::document::Document;
use crate::error::FeedError;
use crate::reader::{Out, title};
use imagescan_model::{Release, Severity};
use imagescan_version::Order;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

#[derive(Deserialize)]
pub(super) struct Affected {
    package: Package,
    #[serde(default)]
    ranges: Vec<Range>,
    #[serde(default)]
    versions: Vec<IgnoredAny>,
    #[serde(default)]
    ecosystem_specific: Option<Specific>,
}

#[derive(Deserialize)]
struct Package {
    ecosystem: String,
    name: String,
    #[serde(default)]
    purl: Option<String>,
}

#[derive(Deserialize)]
struct Range {
    #[serde(rename = "type")]
    kind: String,
    events: Vec<Event>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    Introduced(String),
    Fixed(String),
    LastAffected(String),
    Limit(String),
}

#[derive(Default, Deserialize)]
struct Specific {
    #[serde(default)]
    availability: Option<String>,
    /// Of documents before the schema had a severity for it.
    #[serde(default)]
    ubuntu_priority: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Score {
    #[serde(rename = "type")]
    kind: String,
    score: String,
}

/// A document of either kind: OSV has `affected`, OpenVEX `statements`.
#[derive(Deserialize)]
pub(super) struct Either<'a> {
    #[serde(default)]
    id: String,
    #[serde(default)]
    details: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    upstream: Vec<String>,
    #[serde(default)]
    related: Vec<String>,
    #[serde(default)]
    severity: Vec<Score>,
    #[serde(default)]
    published: Option<Timestamp>,
    #[serde(default)]
    withdrawn: Option<Timestamp>,
    #[serde(default)]
    pub(super) affected: Option<Vec<Affected>>,
    #[serde(borrow, default)]
    pub(super) statements: Option<Vec<vex::Said<'a>>>,
}

impl Either<'_> {
    /// All that it names, without the prefix that OSV gives ids of Ubuntu.
    fn named(&self) -> impl Iterator<Item = &str> {
        let named = self.aliases.iter().chain(&self.upstream).chain(&self.related);
        named.map(|id| id.strip_prefix("UBUNTU-").unwrap_or(id))
    }

    /// The security team's priority of the CVE.
    fn severity(&self, document: &Document<'_>) -> Result<Severity, FeedError> {
        let stated = self.severity.iter().find(|score| score.kind == "Ubuntu");
        stated.map_or(Ok(Severity::Unknown), |score| priority(document, &score.score))
    }
}

fn priority(document: &Document<'_>, text: &str) -> Result<Severity, FeedError> {
    severity(text).ok_or_else(|| document.value("unknown priority", text))
}

/// Keeps what an OSV document says of `affected` packages.
pub(super) fn read(
    document: &Document<'_>,
    either: &Either<'_>,
    affected: &[Affected],
    kept: &mut Kept,
    out: &mut Out<'_>,
) -> Result<(), FeedError> {
    if either.withdrawn.is_some() {
        out.dropped("withdrawn");
    } else if either.id.starts_with("LSN-") {
        out.dropped("a notice of a livepatch, which is no package");
    } else if either.id.starts_with("USN-") {
        notice(document, either, affected, kept)?;
    } else if let Some(id) = either.id.strip_prefix("UBUNTU-").filter(|id| !id.is_empty()) {
        cve(document, either, id, affected, kept)?;
    } else {
        return Err(document.value("an OSV document with an unknown id", &*either.id));
    }
    Ok(())
}

fn cve(
    document: &Document<'_>,
    either: &Either<'_>,
    id: &str,
    affected: &[Affected],
    kept: &mut Kept,
) -> Result<(), FeedError> {
    let cve = kept.names.add(id);
    let notices = either.named().filter(|id| id.starts_with("USN-")).map(|id| kept.names.add(id)).collect();
    let about = About {
        published: either.published,
        title: either.details.as_deref().and_then(title).filter(|title| title != "[Unknown description]"),
        severity: either.severity(document)?,
        aliases: either.aliases.iter().filter(|alias| *alias != id).cloned().collect(),
        notices,
    };
    // Of two documents for one CVE the same counts in any order.
    let known = kept.about.entry(cve).or_default();
    if *known < about {
        *known = about;
    }
    for entry in affected {
        let archive = archive(document, entry, kept)?;
        let source = kept.names.add(&entry.package.name);
        let own = entry.ecosystem_specific.as_ref().and_then(|specific| specific.ubuntu_priority.as_deref());
        let severity = own.map_or(Ok(Severity::Unknown), |text| priority(document, text))?;
        for (introduced, fixed) in spans(document, entry)? {
            let [introduced, fixed] =
                [introduced, fixed].map(|version| version.map(|text| kept.names.add(text)));
            kept.listed.push(Listed { cve, source, archive, introduced, fixed, severity });
        }
    }
    Ok(())
}

fn notice(
    document: &Document<'_>,
    either: &Either<'_>,
    affected: &[Affected],
    kept: &mut Kept,
) -> Result<(), FeedError> {
    let published =
        either.published.ok_or_else(|| document.value("a notice without a date:", &*either.id))?;
    let id = kept.names.add(&either.id);
    let mut cves: Vec<_> =
        either.named().filter(|id| id.starts_with("CVE-")).map(|id| kept.names.add(id)).collect();
    cves.sort_unstable();
    cves.dedup();
    for entry in affected {
        let archive = archive(document, entry, kept)?;
        let source = kept.names.add(&entry.package.name);
        for (_, fixed) in spans(document, entry)? {
            let Some(fixed) = fixed.map(|version| kept.names.add(version)) else { continue };
            let notice = Notice { published, id, cves: cves.clone() };
            kept.notices.entry((archive, source, fixed)).or_default().push(notice);
        }
    }
    Ok(())
}

/// The release that an entry is about, by its ecosystem, and the pocket, by its package URL.
fn archive(document: &Document<'_>, entry: &Affected, kept: &mut Kept) -> Result<ArchiveId, FeedError> {
    let text = entry.package.ecosystem.as_str();
    let unknown = || document.value("unknown ecosystem", text);
    let mut parts = text.split(':');
    if parts.next() != Some("Ubuntu") {
        return Err(unknown());
    }
    let (mut version, mut is_pro, mut words) = (None, false, Vec::new());
    for part in parts {
        match part {
            "LTS" | "for" => {}
            "Pro" => is_pro = true,
            number if number.starts_with(|first: char| first.is_ascii_digit()) => version = Some(number),
            word => words.push(word.to_ascii_lowercase()),
        }
    }
    let release: Release =
        version.and_then(|version| format!("ubuntu:{version}").parse().ok()).ok_or_else(unknown)?;
    let source = entry.package.purl.as_deref().and_then(purl::source);
    if let Some(distro) = source.and_then(|source| source.distro) {
        kept.learn(&distro, &release);
        let pocket = kept.archive_named(&distro).and_then(|named| kept.archive_of(named)?.1.clone());
        if pocket.is_some() {
            return Ok(kept.archive((release, pocket)));
        }
    }
    let available = entry.ecosystem_specific.as_ref().and_then(|specific| specific.availability.as_deref());
    let pocket = match (words.join("-"), available) {
        (words, _) if words.contains("bluefield") => Some("bluefield".into()),
        (words, _) if !words.is_empty() => Some(words),
        (_, Some(available)) if is_pro && available.contains("Infra-only") => Some("esm-infra".into()),
        (_, Some(available)) if is_pro && available.contains("Ubuntu Pro:") => Some("esm-apps".into()),
        _ => is_pro.then(|| "esm".into()),
    };
    Ok(kept.archive((release, pocket)))
}

/// From, up to.
type Span<'a> = (Option<&'a str>, Option<&'a str>);

/// The affected versions. The schema lets events stand in any order.
fn spans<'a>(document: &Document<'_>, entry: &'a Affected) -> Result<Vec<Span<'a>>, FeedError> {
    if entry.ranges.is_empty() && !entry.versions.is_empty() {
        return Err(document.value("versions without a range of", &*entry.package.name));
    }
    let mut spans = Vec::new();
    for range in entry.ranges.iter().filter(|range| range.kind == "ECOSYSTEM") {
        let mut events = Vec::new();
        for event in &range.events {
            match event {
                Event::Introduced(version) => events.push((version.as_str(), true)),
                Event::Fixed(version) => events.push((version.as_str(), false)),
                Event::LastAffected(version) | Event::Limit(version) => {
                    return Err(document.value("an event that Ubuntu does not use, for version", &**version));
                }
            }
        }
        // `0` is before every version, even before those that sort below it, such as `0~1`.
        events.sort_by(|(a, _), (b, _)| (*a != "0").cmp(&(*b != "0")).then_with(|| Order::Deb.compare(a, b)));
        let mut open = None;
        for (version, is_introduced) in events {
            match (is_introduced, open) {
                (true, None) => open = Some(Some(version).filter(|version| *version != "0")),
                (true, Some(_)) => {}
                (false, Some(from)) => {
                    spans.push((from, Some(version)));
                    open = None;
                }
                (false, None) if spans.is_empty() => spans.push((None, Some(version))),
                (false, None) => {}
            }
        }
        spans.extend(open.map(|from| (from, None)));
    }
    Ok(spans)
}
