//! `data/DSA/list` and `data/DLA/list`:
//!
//! ```text
//! [29 Mar 2023] DSA-5380-1 xorg-server - security update
//!     {CVE-2023-1393}
//!     [bullseye] - xorg-server 2:1.20.11-1+deb11u6
//!     NOTE: …
//! ```

use super::release;
use crate::document::Document;
use crate::error::FeedError;
use imagescan_model::{AdvisoryState, Release};
use jiff::Timestamp;

/// One advisory.
#[derive(Debug)]
pub(super) struct Advisory {
    /// `DSA-5380-1`.
    pub id: String,
    pub date: Timestamp,
    /// CVEs; some advisories have none.
    pub ids: Vec<String>,
    pub fixes: Vec<Fix>,
}

#[derive(Debug)]
pub(super) struct Fix {
    pub release: Release,
    pub source: String,
    pub listed: Listed,
}

/// What stands after the package's name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Listed {
    /// The version that fixes it.
    Version(String),
    /// A mark such as `<not-affected>` instead.
    Unfixed(AdvisoryState),
}

pub(super) fn parse(document: &mut Document<'_>) -> Result<Vec<Advisory>, FeedError> {
    let bytes = document.bytes()?;
    let text = String::from_utf8_lossy(&bytes);
    let mut advisories: Vec<Advisory> = Vec::new();
    for (line, content) in (1..).zip(text.lines()) {
        let failed = |why| FeedError::Line { name: document.name().into(), line, why };
        let content = content.trim_end();
        if content.is_empty() {
            continue;
        }
        if content.starts_with('[') {
            advisories.push(head(content).ok_or_else(|| failed("it is no `[date] DSA-… title`"))?);
            continue;
        }
        let advisory = advisories.last_mut().ok_or_else(|| failed("it belongs to no advisory"))?;
        let detail = content.trim_start();
        if let Some(ids) = detail.strip_prefix('{') {
            let ids = ids.strip_suffix('}').ok_or_else(|| failed("its list of ids has no end"))?;
            advisory.ids.extend(ids.split_whitespace().map(String::from));
        } else if detail.starts_with('[') {
            let fix = fix(detail)
                .ok_or_else(|| failed("it is no `[release] - source version`, or has an unknown mark"))?;
            advisory.fixes.push(fix);
        } else if !is_remark(detail) {
            return Err(failed("it fits no rule of such a list"));
        }
    }
    Ok(advisories)
}

fn is_remark(detail: &str) -> bool {
    ["NOTE:", "TODO:", "NOT-FOR-US", "-", "!"].iter().any(|start| detail.starts_with(start))
}

/// `[29 Mar 2023] DSA-5380-1 title`.
fn head(line: &str) -> Option<Advisory> {
    let (date, rest) = line.strip_prefix('[')?.split_once(']')?;
    let id = rest.split_whitespace().next().filter(|id| id.contains('-'))?;
    Some(Advisory { id: id.into(), date: day(date)?, ids: Vec::new(), fixes: Vec::new() })
}

/// `29 Mar 2023`, as its first instant.
fn day(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let mut words = text.split_whitespace();
    let (day, month, year) = (words.next()?, words.next()?.to_ascii_lowercase(), words.next()?);
    let month = MONTHS.iter().position(|name| month.starts_with(name))? + 1;
    format!("{year}-{month:02}-{day:0>2}T00:00:00Z").parse().ok()
}

/// `[bullseye] - xorg-server 2:1.20.11-1+deb11u6`.
fn fix(line: &str) -> Option<Fix> {
    let (codename, rest) = line.strip_prefix('[')?.split_once(']')?;
    let mut words = rest.trim_start().strip_prefix('-')?.split_whitespace();
    let source = words.next()?;
    let listed = match words.next()? {
        mark if mark.starts_with('<') => Listed::Unfixed(marked(mark)?),
        version => Listed::Version(version.into()),
    };
    Some(Fix { release: release(codename.trim()), source: source.into(), listed })
}

/// The marks of the tracker's lists (security-team.debian.org/security_tracker.html).
fn marked(mark: &str) -> Option<AdvisoryState> {
    Some(match mark {
        "<not-affected>" => AdvisoryState::NotAffected,
        "<end-of-life>" => AdvisoryState::EndOfLife,
        "<unfixed>" | "<removed>" => AdvisoryState::Affected,
        "<no-dsa>" | "<postponed>" => AdvisoryState::FixDeferred,
        "<ignored>" => AdvisoryState::WillNotFix,
        "<undetermined>" => AdvisoryState::UnderInvestigation,
        _ => return None,
    })
}

/// A second advisory on the same matter (`DSA-5380-2`) often names no ids: they are the first one's.
pub(super) fn adopt_ids(advisories: &mut [Advisory]) {
    let base = |id: &str| id.rsplit_once('-').map(|(base, _)| String::from(base)).unwrap_or_default();
    let mut known: Vec<(String, Vec<String>)> = advisories
        .iter()
        .filter(|advisory| !advisory.ids.is_empty())
        .map(|advisory| (base(&advisory.id), advisory.ids.clone()))
        .collect();
    // Stable: the list has the newest first, and the first advisory is the one with all ids.
    known.reverse();
    known.sort_by(|a, b| a.0.cmp(&b.0));
    for advisory in advisories.iter_mut().filter(|advisory| advisory.ids.is_empty()) {
        let base = base(&advisory.id);
        let found = known.partition_point(|(known, _)| *known < base);
        if let Some((_, ids)) = known.get(found).filter(|(known, _)| *known == base) {
            advisory.ids.clone_from(ids);
        }
    }
}
