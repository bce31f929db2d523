//! `imagescan db`: build, info, lookup, verify.

use crate::arguments::{DbBuild, DbDiff, DbInfo, DbLookup, package_type};
use crate::failure::Usage;
use crate::{clock, folders, output, targets};
use anyhow::{Context as _, Result, anyhow};
use imagescan_feeds::{Description, descriptions};
use imagescan_knowledge::{FiledRecord, Knowledge};
use imagescan_match::{Products, judge_key};
use imagescan_model::{
    AdvisoryState, ExitCode, Extent, FeedCoverage, KnowledgeInfo, MatchKey, MatchedBy, Package,
};
use imagescan_update::FeedFiles;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

pub(crate) fn build(arguments: &DbBuild) -> Result<ExitCode> {
    let as_of = arguments.as_of.unwrap_or_else(clock::now);
    let known = known_feeds(arguments.feeds.as_deref())?;
    let mut inputs: BTreeMap<&str, Vec<PathBuf>> = BTreeMap::new();
    for (feed, path) in &arguments.input {
        known.get(feed).ok_or_else(|| unknown(feed, &known))?;
        inputs.entry(feed).or_default().push(targets::existing("--input", path)?);
    }
    let files = inputs.into_iter().filter_map(|(id, paths)| Some(FeedFiles { feed: known.get(id)?, paths }));
    let info = imagescan_update::build(&files.collect::<Vec<_>>(), as_of, &arguments.output).map_err(
        |(feed, error)| match feed.as_str() {
            "" => anyhow!(error).context("cannot build the database"),
            feed => anyhow!(error).context(format!("feed {feed}")),
        },
    )?;
    output::print(&described(&info))?;
    Ok(ExitCode::Passed)
}

pub(super) fn unknown(feed: &str, known: &BTreeMap<String, Description>) -> anyhow::Error {
    let names: Vec<&str> = known.keys().map(String::as_str).collect();
    Usage::of(anyhow!("`{}` is no feed: there is {}", feed.escape_debug(), names.join(", ")))
}

/// Feeds by id: those compiled in, and those of `folder` over them.
pub(super) fn known_feeds(folder: Option<&Path>) -> Result<BTreeMap<String, Description>> {
    let mut known: BTreeMap<String, Description> =
        descriptions().into_iter().map(|feed| (feed.id.clone(), feed)).collect();
    let Some(folder) = folder else { return Ok(known) };
    let folder = targets::existing("--feeds", folder)?;
    let context = || format!("cannot read `{}`", folder.display());
    for entry in std::fs::read_dir(&folder).with_context(context)? {
        let path = entry.with_context(context)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let name = || format!("`{}`", path.display());
            let text = std::fs::read_to_string(&path).with_context(name)?;
            let feed = Description::parse(&text).with_context(name).map_err(Usage::of)?;
            known.insert(feed.id.clone(), feed);
        }
    }
    Ok(known)
}

pub(crate) fn info(arguments: &DbInfo) -> Result<ExitCode> {
    let knowledge = open(arguments)?;
    output::print(&described(knowledge.info()))?;
    Ok(ExitCode::Passed)
}

fn open(arguments: &DbInfo) -> Result<Knowledge> {
    let folder = folders::database(&arguments.database, &arguments.cache)?;
    Knowledge::open(&folder).with_context(|| format!("database `{}`", folder.display()))
}

pub(crate) fn verify(arguments: &DbInfo) -> Result<ExitCode> {
    let folder = folders::database(&arguments.database, &arguments.cache)?;
    let verified =
        imagescan_knowledge::verify(&folder).with_context(|| format!("database `{}`", folder.display()))?;
    output::print(&format!(
        "{} rows under {} names: every byte is as it was built\n",
        verified.rows, verified.keys
    ))?;
    Ok(ExitCode::Passed)
}

pub(super) fn described(info: &KnowledgeInfo) -> String {
    let mut text = format!("database {}\nbuilt as of {}\n", info.digest, info.built_at);
    for feed in &info.feeds {
        let releases: Vec<String> = feed.coverage.iter().map(covered).collect();
        let covers = if releases.is_empty() { String::new() } else { format!(", {}", releases.join(", ")) };
        let _ = writeln!(text, "feed {}: {} records{covers}", feed.id, feed.records);
        for (reason, count) in &feed.dropped {
            let _ = writeln!(text, "  left out: {count}, {reason}");
        }
        if let Some(why) = &feed.stale {
            let _ = writeln!(text, "  stale: {}", why.escape_debug());
        }
    }
    for segment in &info.segments {
        let _ = writeln!(text, "segment {}: {} bytes", segment.name, segment.size);
    }
    text
}

/// `alpine:3.11 (fixes only, main only)`.
fn covered(covered: &FeedCoverage) -> String {
    let mut limits = Vec::new();
    match covered.extent() {
        Extent::FixesOnly => limits.push("fixes only".into()),
        Extent::ListedOnly => limits.push("listed only".into()),
        Extent::Full => {}
    }
    if !covered.missing.is_empty() {
        let read: Vec<&str> = covered.repositories.iter().map(String::as_str).collect();
        limits.push(format!("{} only", read.join(" and ").escape_debug()));
    }
    let limits = if limits.is_empty() { String::new() } else { format!(" ({})", limits.join(", ")) };
    format!("{}{limits}", covered.release)
}

pub(crate) fn lookup(arguments: &DbLookup) -> Result<ExitCode> {
    let folder = folders::database(&arguments.database, &arguments.cache)?;
    let knowledge = Knowledge::open(&folder).with_context(|| format!("database `{}`", folder.display()))?;
    let release = &arguments.distro;
    let kind = package_type(release);
    if knowledge.info().coverage(release, &kind).is_none() {
        output::print(&format!("no feed of the database speaks of {kind} packages of {release}\n"))?;
        return Ok(ExitCode::Inconclusive);
    }
    let mut rows: Vec<FiledRecord> = Vec::new();
    for matched_by in [MatchedBy::Source, MatchedBy::Binary] {
        for row in knowledge.lookup(release, &kind, matched_by, &arguments.package)? {
            rows.push(row?.to_filed()?);
        }
    }
    rows.sort_by(|a, b| a.record.id.cmp(&b.record.id));
    let mut text = String::new();
    for FiledRecord { record: row, feeds } in &rows {
        let fix = row.fixed_version.as_ref().map(|version| format!(" fixed in {version}"));
        let from = row.introduced.as_ref().map(|version| format!(" from {version}"));
        let (fix, from) = (fix.unwrap_or_default(), from.unwrap_or_default());
        let _ = write!(text, "{} {} {}{from}{fix}", row.id, row.severity, state(row.state));
        for (what, part) in [("for", &row.stream), ("in module", &row.module)] {
            if let Some(part) = part {
                let _ = write!(text, " {what} {}", part.escape_debug());
            }
        }
        if !row.architectures.is_empty() {
            let _ = write!(text, " on {}", row.architectures.join(", ").escape_debug());
        }
        for advisory in &row.advisories {
            let _ = write!(text, " {}", advisory.id);
        }
        let _ = writeln!(text, " ({})", feeds.join(", "));
    }
    if let Some(version) = &arguments.version {
        let package = Package::new(kind, arguments.package.clone(), version.clone());
        let mut key = MatchKey::of(&imagescan_model::System::default(), &package);
        key.release = Some(release.clone());
        let _ = writeln!(text, "\n{version}:");
        for judgement in judge_key(&key, &rows, &Products::default()) {
            let fix =
                judgement.fixed_version.map(|version| format!(", fixed in {version}")).unwrap_or_default();
            let _ = writeln!(text, "{} {}{fix}", judgement.row.id, state(judgement.state));
        }
    }
    if rows.is_empty() {
        let _ = writeln!(text, "no row about {} in {release}", arguments.package.escape_debug());
    }
    output::print(&text)?;
    Ok(ExitCode::Passed)
}

/// What differs between two databases, each kind apart.
pub(crate) fn diff(arguments: &DbDiff) -> Result<ExitCode> {
    let open = |folder: &Path| {
        let folder = targets::existing("database", folder)?;
        Knowledge::open(&folder).with_context(|| format!("database `{}`", folder.display()))
    };
    let changes = imagescan_knowledge::diff(&open(&arguments.old)?, &open(&arguments.new)?)?;
    let mut text = String::new();
    for key in &changes.keys {
        let name = if key.matched_by == MatchedBy::Source { "source" } else { "binary" };
        let package = key.package.escape_debug();
        let _ = writeln!(text, "advisories {} {} {name} {package}", key.release, key.package_type);
    }
    for (what, ids) in [("cve", &changes.cves), ("epss", &changes.epss)] {
        for id in ids {
            let _ = writeln!(text, "{what} {}", id.escape_debug());
        }
    }
    for release in &changes.lifecycles {
        let _ = writeln!(text, "lifecycle {release}");
    }
    for (distribution, name) in &changes.repositories {
        let _ = writeln!(text, "repository {} {}", distribution.escape_debug(), name.escape_debug());
    }
    output::print(&text)?;
    Ok(ExitCode::Passed)
}

fn state(state: AdvisoryState) -> &'static str {
    match state {
        AdvisoryState::NotAffected => "not affected",
        AdvisoryState::Affected => "affected",
        AdvisoryState::FixDeferred => "affected, fix deferred",
        AdvisoryState::WillNotFix => "affected, will not be fixed",
        AdvisoryState::EndOfLife => "end of life",
        AdvisoryState::UnderInvestigation => "under investigation",
    }
}
