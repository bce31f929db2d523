//! Azure Linux, and CBL-Mariner before it: OVAL for each release, by source package.
//!
//! | operation | patchable | |
//! |---|---|---|
//! | less than X | true | affected below X, fixed in X |
//! | less than or equal X | false | affected, no fix: X is the newest that there is |
//! | greater than X | | affected above X only, beside one of the former |
//! | the other way round | | under investigation |
//! | any | Not Applicable | it is not, or was never, affected: no statement |
//!
//! The comments leave out the distribution's part of a version (`.azl3`, `.cm2`), so the tests are read. That part
//! tells the release; the document itself does not.

use crate::announced;
use crate::document::Document;
use crate::error::{FeedError, refused};
use crate::oval::{self, Definition, State, Tests};
use crate::reader::{Out, Parser};
use imagescan_model::{
    AdvisoryRecord, AdvisoryReference, AdvisoryState, CoveredState, DateKind, DatedAs, MatchedBy,
    PackageType, Release, Severity,
};

/// The parts of versions that tell the release.
const RELEASES: [(&str, &str, &str); 3] =
    [(".azl3", "azurelinux", "3.0"), (".cm2", "mariner", "2.0"), (".cm1", "mariner", "1.0")];

const STATES: [CoveredState; 3] =
    [CoveredState::Fixed, CoveredState::Unfixed, CoveredState::UnderInvestigation];

/// Documents of any releases.
pub(crate) struct Azurelinux {
    feed: String,
}

impl Azurelinux {
    pub(crate) fn new(feed: &str) -> Self {
        Self { feed: feed.into() }
    }

    fn definition(
        &self,
        name: &str,
        definition: &Definition,
        tests: &Tests,
        out: &mut Out<'_>,
    ) -> Result<(), FeedError> {
        if definition.class != "vulnerability" {
            return Err(refused(name, "unknown class of definition", &definition.class));
        }
        let (package, states) = tested(name, definition, tests)?;
        let version = states.first().map_or("", |state| state.version.as_str());
        let release = release(version).ok_or_else(|| refused(name, "unknown release of", version))?;
        out.covers(&release, &PackageType::Rpm, STATES);
        let patchable = match definition.metadata.text_of("patchable") {
            Some("true") => true,
            Some("false") => false,
            Some("Not Applicable") => {
                out.dropped("not applicable, or not any more");
                return Ok(());
            }
            other => return Err(refused(name, "unknown word for patchable", other.unwrap_or_default())),
        };
        let mut ids = definition.references("CVE").filter_map(|reference| reference.get("ref_id")).peekable();
        if ids.peek().is_none() {
            return Err(refused(name, "no CVE in", &definition.id));
        }
        for id in ids {
            let record = self.record(name, definition, release.clone(), package, id)?;
            let record = states.iter().try_fold(record, |record, state| apply(name, record, state))?;
            out.advisory(if record.fixed_version.is_some() == patchable { record } else { unclear(record) });
        }
        Ok(())
    }

    fn record(
        &self,
        name: &str,
        definition: &Definition,
        release: Release,
        package: &str,
        id: &str,
    ) -> Result<AdvisoryRecord, FeedError> {
        let metadata = &definition.metadata;
        let word = metadata.text_of("severity").unwrap_or_default();
        let severity = announced::severity(word).ok_or_else(|| refused(name, "unknown severity", word))?;
        let date = metadata.text_of("advisory_date");
        let instant = |date| announced::instant(date).ok_or_else(|| refused(name, "no date", date));
        let date = date.map(instant).transpose()?;
        let reference = |id: &str| AdvisoryReference { id: id.into(), url: None, date };
        Ok(AdvisoryRecord {
            severity,
            severity_source: (severity != Severity::Unknown).then(|| self.feed.clone()),
            title: definition.title.clone(),
            advisories: metadata.text_of("advisory_id").map(reference).into_iter().collect(),
            fix_available: date.map(|at| DatedAs { at, kind: DateKind::Advisory }),
            ..AdvisoryRecord::new(release, PackageType::Rpm, MatchedBy::Source, package, id)
        })
    }
}

impl Parser for Azurelinux {
    fn read(&mut self, document: &mut Document<'_>, out: &mut Out<'_>) -> Result<(), FeedError> {
        if document.first()? != Some(b'<') {
            return Err(document.unrecognised(&self.feed, "OVAL such as azurelinux-3.0-oval.xml"));
        }
        let name = document.name().to_owned();
        let (definitions, tests) = oval::all(document)?;
        definitions.iter().try_for_each(|definition| self.definition(&name, definition, &tests, out))
    }
}

/// The package, and what its version must be: one comparison, or two that hold together.
fn tested<'t>(
    document: &str,
    definition: &Definition,
    tests: &'t Tests,
) -> Result<(&'t str, Vec<&'t State>), FeedError> {
    let leaves = definition.criteria.leaves();
    let found: Option<Vec<_>> = leaves.iter().map(|leaf| tests.package(&leaf.test)).collect();
    let found = found.ok_or_else(|| refused(document, "no test of", &definition.id))?;
    match found.first() {
        Some((package, _))
            if definition.criteria.holds_together() && found.iter().all(|(name, _)| name == package) =>
        {
            Ok((package, found.iter().map(|(_, state)| *state).collect()))
        }
        _ => Err(refused(document, "not one package in", &definition.id)),
    }
}

fn release(version: &str) -> Option<Release> {
    let (_, distribution, number) = RELEASES.iter().find(|(part, ..)| version.ends_with(part))?;
    Some(Release::new(*distribution, *number))
}

/// A fix that is none, or none where there should be one: nothing to rely on.
fn unclear(record: AdvisoryRecord) -> AdvisoryRecord {
    let state = AdvisoryState::UnderInvestigation;
    AdvisoryRecord { state, fixed_version: None, fix_available: None, ..record }
}

/// Which versions are affected.
fn apply(document: &str, record: AdvisoryRecord, state: &State) -> Result<AdvisoryRecord, FeedError> {
    let version = state.version.strip_prefix("0:").unwrap_or(&state.version).to_owned();
    Ok(match state.operation.as_str() {
        "less than" => AdvisoryRecord { fixed_version: Some(version), ..record },
        // Nothing comes between a release and the same with a caret (rpm's version order).
        "greater than" => AdvisoryRecord { introduced: Some(format!("{version}^")), ..record },
        "greater than or equal" => AdvisoryRecord { introduced: Some(version), ..record },
        "less than or equal" => AdvisoryRecord { fix_available: None, ..record },
        other => return Err(refused(document, "unknown comparison", other)),
    })
}

#[cfg(test)]
mod tests;
