//! Findings for people: one line for all that one update would end, what to do first on top.

use crate::column::{Cell, rows};
use crate::palette::Palette;
use crate::text::{counted, escaped, wrapped};
use imagescan_model::{AdvisoryState, Finding, FindingKind, HiddenReason, OtherFix, Severity};
use std::collections::{BTreeMap, BTreeSet};

/// Lines of findings that a table shows.
const MOST: usize = 25;

/// Columns that give way, and the least they keep: package, installed, fixed in, what, severity.
const FLEXIBLE: &[(usize, usize)] =
    &[(1, 13), (2, 9), (3, 9), (4, 14), (1, 4), (2, 4), (3, 4), (4, 4), (0, 4)];

/// Findings that one update of one source package would end, or none.
struct Group<'a> {
    severity: Severity,
    packages: BTreeSet<&'a str>,
    version: &'a str,
    fixed: Option<&'a str>,
    state: AdvisoryState,
    /// A fix that comes with support which the image has not.
    other: Option<&'a OtherFix>,
    ids: BTreeSet<(std::cmp::Reverse<Severity>, &'a str)>,
}

/// Whether a finding is about a package, affects it, and is not hidden.
fn is_shown(finding: &&Finding) -> bool {
    finding.kind == FindingKind::Vulnerability
        && finding.hidden.is_none()
        && finding.state != Some(AdvisoryState::NotAffected)
}

/// Distinct ids that affect the image, by severity.
pub(crate) fn by_severity(findings: &[Finding]) -> BTreeMap<std::cmp::Reverse<Severity>, BTreeSet<&str>> {
    let mut severities: BTreeMap<std::cmp::Reverse<Severity>, BTreeSet<&str>> = BTreeMap::new();
    for finding in findings.iter().filter(is_shown) {
        severities.entry(std::cmp::Reverse(finding.severity)).or_default().insert(&finding.id);
    }
    severities
}

/// Packages that a fix exists for.
pub(crate) fn fixable(findings: &[Finding]) -> BTreeSet<&str> {
    let shown = findings.iter().filter(is_shown).filter(|finding| finding.fixed_version.is_some());
    shown.filter_map(|finding| finding.package.as_deref()).collect()
}

/// Source package, installed version, fix, and where there is none the state and the stream that has one.
type Key<'a> = (&'a str, &'a str, Option<&'a str>, Option<(AdvisoryState, Option<&'a OtherFix>)>);

fn groups(findings: &[Finding]) -> Vec<Group<'_>> {
    let mut groups: BTreeMap<Key<'_>, Group<'_>> = BTreeMap::new();
    for finding in findings.iter().filter(is_shown) {
        let source = finding.matched.as_ref().map_or("", |matched| matched.name.as_str());
        let version = finding.version.as_deref().unwrap_or_default();
        let fixed = finding.fixed_version.as_deref();
        let state = finding.state.unwrap_or(AdvisoryState::Affected);
        let other = finding.other_fixes.first().filter(|_| fixed.is_none());
        let key = (source, version, fixed, Some((state, other)).filter(|_| fixed.is_none()));
        let group = groups.entry(key).or_insert_with(|| Group {
            severity: Severity::Unknown,
            packages: BTreeSet::new(),
            version,
            fixed,
            state,
            other,
            ids: BTreeSet::new(),
        });
        group.severity = group.severity.max(finding.severity);
        group.packages.extend(finding.package.as_deref());
        group.ids.insert((std::cmp::Reverse(finding.severity), &finding.id));
    }
    let mut groups: Vec<Group<'_>> = groups.into_values().collect();
    // What has a fix first, then what is worse, then what ends more.
    groups.sort_by_key(|group| {
        (
            group.fixed.is_none(),
            std::cmp::Reverse(group.severity),
            std::cmp::Reverse(group.ids.len()),
            group.state,
        )
    });
    groups
}

/// The lines of a table of `findings`, in at most `columns`.
pub(crate) fn lines(findings: &[Finding], columns: usize, palette: Palette) -> Vec<String> {
    let groups = groups(findings);
    let mut lines = Vec::new();
    if !groups.is_empty() {
        let cells: Vec<Vec<Cell>> = groups.iter().take(MOST).map(|group| cells(group, palette)).collect();
        lines.extend(rows(
            &["SEVERITY", "PACKAGE", "INSTALLED", "FIXED IN", "WHAT"],
            &cells,
            FLEXIBLE,
            columns,
        ));
        let beyond = groups.len().saturating_sub(MOST);
        if beyond > 0 {
            lines.extend(wrapped(
                &format!("… and {}: -o json lists all", counted(beyond, "more line")),
                columns,
            ));
        }
    }
    for (reason, text) in [
        (HiddenReason::Unimportant, "that affect no binary package (unimportant)"),
        (HiddenReason::KernelHeaders, "of kernel headers, whose kernel does not run from this image"),
    ] {
        let of_reason = findings.iter().filter(|finding| finding.hidden == Some(reason));
        let hidden: BTreeSet<&str> = of_reason
            .filter(|finding| finding.state != Some(AdvisoryState::NotAffected))
            .map(|finding| finding.id.as_str())
            .collect();
        if !hidden.is_empty() {
            lines.extend(wrapped(&format!("Not shown: {} {text}", hidden.len()), columns));
        }
    }
    lines
}

fn cells(group: &Group<'_>, palette: Palette) -> Vec<Cell> {
    let severity = group.severity;
    let name = group.packages.first().copied().unwrap_or_default();
    let others = group.packages.len().saturating_sub(1);
    let package = if others > 0 { format!("{} +{others}", escaped(name)) } else { escaped(name) };
    let first = group.ids.first().map(|(_, id)| escaped(id)).unwrap_or_default();
    let more = group.ids.len().saturating_sub(1);
    let what = if more > 0 { format!("{first} +{more}") } else { first };
    vec![
        Cell { text: severity.name().into(), paint: Box::new(move |text| palette.severity(severity, text)) },
        Cell::plain(package),
        Cell::plain(escaped(group.version)),
        Cell::plain(fix(group)),
        Cell::plain(what),
    ]
}

/// The fix, or what stands where one would.
fn fix(group: &Group<'_>) -> String {
    match (group.fixed, group.other) {
        (Some(fixed), _) => escaped(fixed),
        (None, Some(other)) => format!("{} only", escaped(&other.stream)),
        (None, None) => state(group.state).into(),
    }
}

/// Where there is no fix.
fn state(state: AdvisoryState) -> &'static str {
    match state {
        AdvisoryState::NotAffected => "not affected",
        AdvisoryState::Affected => "no fix yet",
        AdvisoryState::FixDeferred => "fix deferred",
        AdvisoryState::WillNotFix => "will not fix",
        AdvisoryState::EndOfLife => "end of life",
        AdvisoryState::UnderInvestigation => "investigated",
    }
}
