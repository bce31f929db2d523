//! The tracker's JSON: source package → id → release → what holds.

use super::{empty, release, severity};
use crate::error::FeedError;
use crate::parse::{Input, title};
use imagescan_model::{AdvisoryRecord, AdvisoryState};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Issue<'a> {
    #[serde(borrow, default)]
    description: Option<Cow<'a, str>>,
    #[serde(borrow)]
    releases: BTreeMap<Cow<'a, str>, InRelease<'a>>,
}

#[derive(Deserialize)]
struct InRelease<'a> {
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow, default)]
    fixed_version: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    urgency: Cow<'a, str>,
    #[serde(borrow, default)]
    nodsa: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    nodsa_reason: Option<Cow<'a, str>>,
}

type Document<'a> = BTreeMap<Cow<'a, str>, BTreeMap<Cow<'a, str>, Issue<'a>>>;

pub(super) fn parse(input: &Input<'_>) -> Result<Vec<AdvisoryRecord>, FeedError> {
    let name = || input.name.to_string();
    let what = "JSON of Debian's security tracker";
    let document: Document<'_> = serde_json::from_slice(input.bytes).map_err(|source| FeedError::Json {
        name: name(),
        what,
        source,
    })?;
    let mut records = Vec::new();
    for (source, issues) in &document {
        for (id, issue) in issues {
            let title = issue.description.as_deref().and_then(title);
            for (codename, said) in &issue.releases {
                let mut record = empty(&release(codename), source, id);
                let unknown = |why, value: &str| FeedError::Value { name: name(), why, value: value.into() };
                (record.state, record.fixed_version) =
                    state(said).ok_or_else(|| unknown("unknown status", &said.status))?;
                (record.severity, record.hidden) =
                    severity(&said.urgency).ok_or_else(|| unknown("unknown urgency", &said.urgency))?;
                record.severity_source = Some("debian".into());
                record.title.clone_from(&title);
                records.push(record);
            }
        }
    }
    Ok(records)
}

/// The decision for one release (`bin/tracker_service.py` of the tracker writes the fields).
///
/// `resolved` means that some suite of the release has the fix: the installed version is still to be compared.
/// Where it is open, a `fixed_version` is unstable's, and no fix for this release.
fn state(said: &InRelease<'_>) -> Option<(AdvisoryState, Option<String>)> {
    let state = match (&*said.status, said.fixed_version.as_deref()) {
        (_, Some("0")) => AdvisoryState::NotAffected,
        ("resolved", Some(version)) => return Some((AdvisoryState::Affected, Some(version.into()))),
        // Nothing to compare with: someone looked, and did not say which version.
        ("resolved", None) | ("undetermined", _) => AdvisoryState::UnderInvestigation,
        ("open", _) if said.urgency == "end-of-life" => AdvisoryState::EndOfLife,
        ("open", _) if said.nodsa.is_none() => AdvisoryState::Affected,
        ("open", _) if said.nodsa_reason.as_deref() == Some("ignored") => AdvisoryState::WillNotFix,
        ("open", _) => AdvisoryState::FixDeferred,
        _ => return None,
    };
    Some((state, None))
}
