//! One image's part of the table.

use crate::findings;
use crate::known;
use crate::palette::Palette;
use crate::text::{counted, cut, escaped, width, wrapped};
use imagescan_model::{
    AgeBound, AgeFact, ImageReport, Inventory, LayerRead, Level, PackageType, Report, RuleOutcome,
    VerdictResult,
};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Notes and rules of one kind that are shown.
const MOST: usize = 12;

/// The lines of `image`, none wider than `columns`.
pub(crate) fn lines(report: &Report, image: &ImageReport, columns: usize, palette: Palette) -> Vec<String> {
    let inventory = &image.inventory;
    let mut lines = heading(image, columns, palette);
    for fact in facts(inventory, report.as_of) {
        lines.extend(indented("  ", &fact, columns).into_iter().map(|line| palette.dim(&line)));
    }
    let (shown, cut_off) = image.verdict.rules.split_at(image.verdict.rules.len().min(MOST));
    for outcome in shown {
        lines.push(String::new());
        lines.extend(rule(outcome, columns, palette));
    }
    if !cut_off.is_empty() {
        lines.push(format!("  … and {}: -o json lists all", counted(cut_off.len(), "more rule")));
    }
    let table = findings::lines(&image.findings, columns, palette);
    if !table.is_empty() {
        lines.push(String::new());
        lines.extend(table);
    }
    lines.push(String::new());
    let summary = wrapped(&summary(report, image), columns);
    lines.extend(summary.iter().map(|line| palette.bold(line)));
    lines
}

/// `NAME  DIGEST  SYSTEM  PLATFORM  VERDICT`, on two lines where one is too short.
fn heading(image: &ImageReport, columns: usize, palette: Palette) -> Vec<String> {
    let inventory = &image.inventory;
    let verdict = match image.verdict.result {
        VerdictResult::Passed => "PASSED",
        VerdictResult::Denied => "DENIED",
        VerdictResult::Inconclusive => "INCONCLUSIVE",
        VerdictResult::Error => "ERROR",
    };
    let mut name = escaped(&inventory.target);
    if let Some(reference) =
        inventory.reference.as_ref().filter(|reference| !inventory.target.contains(*reference))
    {
        name = format!("{name} ({})", escaped(reference));
    }
    let name = cut(&name, columns.saturating_sub(verdict.len() + 2));
    let gap = columns.saturating_sub(width(&name) + verdict.len());
    let painted = palette.result(image.verdict.result, verdict);
    let mut lines = vec![format!("{}{}{painted}", palette.bold(&name), " ".repeat(gap.min(columns)))];
    let digest = inventory.digest.as_ref().or(inventory.config_digest.as_ref());
    let digest = digest.map(|digest| {
        format!("{}:{}…", digest.algorithm().name(), digest.hex().get(..12).unwrap_or_default())
    });
    let system = inventory.system.pretty_name.clone().or_else(|| {
        let id = inventory.system.id.clone()?;
        Some(inventory.system.version_id.as_ref().map_or(id.clone(), |version| format!("{id} {version}")))
    });
    let system = system.as_deref().map(escaped);
    let platform = inventory.platform.as_ref().map(|platform| escaped(&platform.to_string()));
    let parts: Vec<String> = [system, platform, digest].into_iter().flatten().collect();
    if !parts.is_empty() {
        lines.push(cut(&parts.join(" · "), columns));
    }
    lines
}

/// What is in the image and how old it is, in short sentences.
fn facts(inventory: &Inventory, as_of: Timestamp) -> Vec<String> {
    let mut facts = Vec::new();
    let mut kinds: BTreeMap<&PackageType, usize> = BTreeMap::new();
    for package in &inventory.packages {
        *kinds.entry(&package.package_type).or_default() += 1;
    }
    let kinds: Vec<String> = kinds
        .iter()
        .map(|(kind, count)| counted(*count, &format!("{} package", escaped(kind.name()))))
        .collect();
    let layers = inventory.layers.len();
    if !kinds.is_empty() {
        let layers = if layers > 0 { format!(" in {}", counted(layers, "layer")) } else { String::new() };
        let lazy = inventory.layers.iter().filter(|layer| layer.read == Some(LayerRead::Lazy)).count();
        let layers = if lazy > 0 { format!("{layers} ({lazy} read lazily)") } else { layers };
        facts.push(format!("{}{layers}", kinds.join(", ")));
    }
    if let Some(age) = &inventory.age {
        let ages = [("built", &age.build), ("packages", &age.packages), ("base", &age.base)];
        let ages: Vec<String> = ages.iter().filter_map(|(name, fact)| dated(name, fact, as_of)).collect();
        if !ages.is_empty() {
            facts.push(ages.join(", "));
        }
        if let Some(expires) = age.judged.as_ref().and_then(|judged| judged.expires_at) {
            let word = if as_of > expires { "expired" } else { "expires" };
            facts.push(format!("{word} {}", day(expires)));
        }
    }
    let holds: Vec<String> = inventory
        .packages
        .iter()
        .filter(|package| package.hold)
        .map(|package| escaped(&package.name))
        .collect();
    if !holds.is_empty() {
        facts.push(format!("on hold: {}", holds.join(", ")));
    }
    if !inventory.pins.is_empty() {
        let (shown, cut_off) = inventory.pins.split_at(inventory.pins.len().min(MOST));
        let mut pins: Vec<String> = shown.iter().map(|pin| escaped(&pin.statement)).collect();
        if !cut_off.is_empty() {
            pins.push(format!("… and {} more", cut_off.len()));
        }
        facts.push(format!("pinned: {}", pins.join(", ")));
    }
    let languages = inventory.facts.languages.iter();
    let languages: Vec<String> =
        languages.map(|found| format!("{}: {}", escaped(&found.kind), found.count)).collect();
    if !languages.is_empty() {
        facts.push(format!("present and not judged: {}", languages.join(", ")));
    }
    facts
}

fn dated(name: &str, fact: &AgeFact, as_of: Timestamp) -> Option<String> {
    let at = fact.at?;
    let days = as_of.duration_since(at).as_hours() / 24;
    let bound = if fact.bound == Some(AgeBound::AtMost) { "not before " } else { "" };
    Some(format!("{name} {bound}{} ({days} d)", day(at)))
}

fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

/// `LEVEL  RULE  what was found`, then limit, evidence and what to do.
fn rule(outcome: &RuleOutcome, columns: usize, palette: Palette) -> Vec<String> {
    let level = match outcome.level {
        Level::Deny => "DENY",
        Level::Warn => "WARN",
        Level::Inconclusive if outcome.rule == "incomplete" => "ERROR",
        Level::Inconclusive => "OPEN",
        Level::Exempt => "EXEMPT",
        Level::Note => "NOTE",
    };
    let mut text = escaped(&outcome.rule);
    if outcome.subject != "image" {
        text = format!("{text} {}", escaped(&outcome.subject));
    }
    let mut details = Vec::new();
    if let Some(actual) = &outcome.actual {
        let limit = outcome.limit.as_ref().map(|limit| format!("; limit {}", escaped(limit)));
        details.push(format!("{}{}", escaped(actual), limit.unwrap_or_default()));
    }
    if let Some(since) = outcome.since {
        let grace = outcome.due.filter(|due| *due != since).map(|due| format!(", denied from {}", day(due)));
        details.push(format!("over since {}{}", day(since), grace.unwrap_or_default()));
    }
    if !outcome.evidence.is_empty() {
        let evidence: Vec<String> = outcome.evidence.iter().map(|line| escaped(line)).collect();
        details.push(format!("evidence: {}", evidence.join("; ")));
    }
    if let Some(fix) = &outcome.fix {
        details.push(format!("fix: {}", escaped(fix)));
    }
    let mut lines = vec![format!(
        "{} {}",
        palette.level(outcome.level, level),
        cut(&text, columns.saturating_sub(level.len() + 1))
    )];
    lines.extend(details.iter().flat_map(|detail| indented("     ", detail, columns)));
    lines
}

/// `text`, wrapped, each line after `indent`.
fn indented(indent: &str, text: &str, columns: usize) -> Vec<String> {
    let lines = wrapped(text, columns.saturating_sub(indent.len()));
    lines.into_iter().map(|line| format!("{indent}{line}")).collect()
}

/// What is wrong, how bad, and what to do next, in one or two sentences.
pub(crate) fn summary(report: &Report, image: &ImageReport) -> String {
    let mut sentences = Vec::new();
    sentences.push(match image.verdict.result {
        VerdictResult::Passed => "Passed.".to_string(),
        VerdictResult::Error => "Could not be scanned whole.".to_string(),
        VerdictResult::Inconclusive => "Cannot be decided.".to_string(),
        VerdictResult::Denied => {
            let denied = image.verdict.rules.iter().filter(|rule| rule.level == Level::Deny);
            let names: Vec<&str> = denied.map(|rule| rule.rule.as_str()).collect();
            if names.is_empty() {
                "Denied by a warning.".into()
            } else {
                format!("Denied by {}.", names.join(", "))
            }
        }
    });
    sentences.extend(known::sentences(report, image));
    let old =
        image.verdict.rules.iter().find(|rule| rule.level == Level::Deny).and_then(|rule| rule.fix.as_ref());
    let fixable = findings::fixable(&image.findings).len();
    if image.verdict.result == VerdictResult::Error {
        sentences.push("Next: see to what ERROR names above, and scan again.".into());
    } else if let Some(fix) = old {
        sentences.push(format!("Next: {}.", escaped(fix)));
    } else if fixable > 0 {
        sentences.push(format!("Next: update {}; rebuilding the image does.", counted(fixable, "package")));
    }
    sentences.join(" ")
}
