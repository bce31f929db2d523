//! All rules over one image, and what they come to.

use crate::lifespan;
use crate::outcome::{
    END_OF_LIFE, INCOMPLETE, LAZY_LAYERS, NO_KNOWLEDGE, NO_PACKAGES, NOT_COVERED, STALE_KNOWLEDGE,
    UNKNOWN_SYSTEM, outcome,
};
use crate::policy::{Policy, RuleLevel};
use imagescan_model::{
    ExitCode, Finding, FindingKind, IncompleteKind, Inventory, LayerRead, Level, PackageType, RuleOutcome,
    Verdict, VerdictResult,
};
use jiff::Timestamp;

/// `--fail-on`: from which level on an image fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FailOn {
    /// Warnings fail, too.
    Warn,
    /// What the policy denies.
    #[default]
    Deny,
    /// Nothing: exit code 1 becomes 0, and no other.
    Never,
}

/// What there was to judge an image's packages by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known<'a> {
    /// A database, which gave these findings.
    Findings(&'a [Finding]),
    /// No database, in the folder that the user named, if any.
    NoDatabase(Option<&'a str>),
}

/// The verdict on `inventory`, whose age is decided and gets its judgement here.
pub fn judge(
    policy: &Policy,
    inventory: &mut Inventory,
    known: Known<'_>,
    as_of: Timestamp,
    fail_on: FailOn,
) -> Verdict {
    let mut rules = Vec::new();
    let unread = inventory.incomplete.iter().any(|entry| entry.what == IncompleteKind::Image);
    if let Some(age) = inventory.age.as_mut().filter(|_| !unread) {
        lifespan::judge(&policy.lifespan, age, as_of, &mut rules);
    }
    rules.extend(lacking(policy, inventory));
    rules.extend(lazily_read(policy, inventory));
    rules.extend(knowledge(inventory, known));
    rules.sort_by(|a, b| (a.level, &a.rule, &a.subject).cmp(&(b.level, &b.rule, &b.subject)));
    let failed = inventory.incomplete.iter().any(|entry| entry.what.is_fatal());
    let has = |level| rules.iter().any(|rule: &RuleOutcome| rule.level == level);
    let denied = has(Level::Deny) || fail_on == FailOn::Warn && has(Level::Warn);
    let inconclusive = has(Level::Inconclusive);
    let (result, exit_code) = match (failed, denied, inconclusive) {
        (true, ..) => (VerdictResult::Error, ExitCode::Failed),
        (_, true, false) if fail_on == FailOn::Never => (VerdictResult::Denied, ExitCode::Passed),
        (_, true, true) if fail_on == FailOn::Never => (VerdictResult::Denied, ExitCode::Inconclusive),
        (_, true, _) => (VerdictResult::Denied, ExitCode::Denied),
        (_, _, true) => (VerdictResult::Inconclusive, ExitCode::Inconclusive),
        _ => (VerdictResult::Passed, ExitCode::Passed),
    };
    Verdict { result, exit_code, rules }
}

/// What could not be read. Fatal things make the image an error, whatever the policy says.
fn lacking(policy: &Policy, inventory: &Inventory) -> Vec<RuleOutcome> {
    let mut rules = Vec::new();
    for entry in &inventory.incomplete {
        let level = match (entry.what, policy.no_packages) {
            (IncompleteKind::NoPackageDatabase, RuleLevel::Off) => continue,
            (IncompleteKind::NoPackageDatabase, RuleLevel::Warn) => Level::Warn,
            (IncompleteKind::NoPackageDatabase, _) => Level::Inconclusive,
            (kind, _) if kind.is_fatal() => Level::Inconclusive,
            _ => Level::Note,
        };
        let rule = if entry.what == IncompleteKind::NoPackageDatabase { NO_PACKAGES } else { INCOMPLETE };
        let subject = entry.path.as_deref().unwrap_or("image");
        rules.push(RuleOutcome { actual: Some(entry.why.clone()), ..outcome(rule, level, subject) });
    }
    rules
}

/// Layers of which only the table of contents and some files were read: a publisher can make table and archive disagree.
fn lazily_read(policy: &Policy, inventory: &Inventory) -> Vec<RuleOutcome> {
    let level = match policy.lazy_layers {
        RuleLevel::Off => return Vec::new(),
        RuleLevel::Warn => Level::Warn,
        RuleLevel::Deny | RuleLevel::Inconclusive => Level::Deny,
    };
    let lazy = inventory.layers.iter().filter(|layer| layer.read == Some(LayerRead::Lazy));
    lazy.map(|layer| RuleOutcome {
        actual: Some("it was read by its table of contents".into()),
        limit: Some("layers read as a whole".into()),
        layer: Some(layer.index),
        fix: Some("scan with --whole".into()),
        ..outcome(LAZY_LAYERS, level, &format!("layer {}", layer.index))
    })
    .collect()
}

/// What is not known about the image's packages.
fn knowledge(inventory: &Inventory, known: Known<'_>) -> Vec<RuleOutcome> {
    let findings = match known {
        Known::Findings(findings) => findings,
        Known::NoDatabase(_) if inventory.packages.is_empty() => return Vec::new(),
        Known::NoDatabase(folder) => {
            let place = folder.map(|folder| format!(" in `{folder}`")).unwrap_or_default();
            let actual = format!("there is no advisory database{place}: vulnerabilities were not looked for");
            let fix = match folder {
                Some(folder) => format!("build one there: imagescan db build -o {folder} --input FEED=PATH"),
                None => "build one with `imagescan db build`, and name it with --db".into(),
            };
            let rule = outcome(NO_KNOWLEDGE, Level::Inconclusive, "image");
            return vec![RuleOutcome { actual: Some(actual), fix: Some(fix), ..rule }];
        }
    };
    let about_knowledge = |finding: &Finding| {
        let (rule, level) = match finding.kind {
            // One package of somebody else, whose advisories are not looked for: told, and no more.
            FindingKind::NotCovered if finding.package.is_some() => return None,
            FindingKind::NotCovered => (NOT_COVERED, Level::Inconclusive),
            FindingKind::UnknownSystem => (UNKNOWN_SYSTEM, Level::Inconclusive),
            FindingKind::StaleKnowledge => (STALE_KNOWLEDGE, Level::Warn),
            FindingKind::EndOfLife => (END_OF_LIFE, Level::Warn),
            FindingKind::Vulnerability => return None,
        };
        let fix = match (finding.kind, &finding.package_type) {
            // Of a language's packages no feed that we read speaks.
            (FindingKind::EndOfLife, _) => Some(String::from("build on a release that is supported")),
            (FindingKind::UnknownSystem, _) | (_, Some(PackageType::Other(_))) => None,
            _ => Some(String::from("build the database anew, from feeds that speak of this release")),
        };
        let subject = match &finding.package_type {
            Some(kind) if kind.name() != finding.id => format!("{} {kind}", finding.id),
            _ => finding.id.clone(),
        };
        Some(RuleOutcome { actual: finding.title.clone(), fix, ..outcome(rule, level, &subject) })
    };
    findings.iter().filter_map(about_knowledge).collect()
}

#[cfg(test)]
mod tests;
