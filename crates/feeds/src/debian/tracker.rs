//! The tracker's JSON: source package → id → release → what holds.
//!
//! The document has some 70 MB. It is read as a stream: of the JSON one issue is held at a time, and what a
//! record does not need (descriptions past the first line, bug numbers) is passed over.

use super::{empty, release, severity};
use crate::document::Document;
use crate::entries::Entries;
use crate::error::FeedError;
use crate::reader::title;
use imagescan_model::{AdvisoryRecord, AdvisoryState};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

#[derive(Deserialize)]
struct Issue<'a> {
    #[serde(borrow, default)]
    description: Option<Text<'a>>,
    #[serde(borrow)]
    releases: Entries<Text<'a>, InRelease<'a>>,
}

/// Borrowed from the document where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct InRelease<'a> {
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    urgency: Text<'a>,
    #[serde(borrow, default)]
    fixed_version: Option<Text<'a>>,
    #[serde(borrow, default)]
    nodsa: Option<Text<'a>>,
    #[serde(borrow, default)]
    nodsa_reason: Option<Text<'a>>,
}

pub(super) fn parse(document: &mut Document<'_>) -> Result<Vec<AdvisoryRecord>, FeedError> {
    let bytes = document.bytes()?;
    let mut records = Vec::new();
    let mut json = serde_json::Deserializer::from_slice(&bytes);
    Sources { records: &mut records }.deserialize(&mut json).and_then(|()| json.end()).map_err(|source| {
        FeedError::Json { name: document.name().into(), what: "JSON of Debian's security tracker", source }
    })?;
    Ok(records)
}

/// The document: issues by source package.
struct Sources<'r> {
    records: &'r mut Vec<AdvisoryRecord>,
}

impl<'de> DeserializeSeed<'de> for Sources<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Sources<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("issues by source package")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(source)) = map.next_key()? {
            map.next_value_seed(Issues { source: &source, records: self.records })?;
        }
        Ok(())
    }
}

/// The issues of one source package, by id.
struct Issues<'r> {
    source: &'r str,
    records: &'r mut Vec<AdvisoryRecord>,
}

impl<'de> DeserializeSeed<'de> for Issues<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Issues<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("issues by id")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((Text(id), issue)) = map.next_entry::<_, Issue<'_>>()? {
            let title = issue.description.as_ref().and_then(|Text(text)| title(text));
            for (Text(codename), said) in &issue.releases.0 {
                let mut record = empty(&release(codename), self.source, &id);
                (record.state, record.fixed_version) = state(said).map_err(A::Error::custom)?;
                let Text(urgency) = &said.urgency;
                (record.severity, record.hidden) = severity(urgency).ok_or_else(|| {
                    A::Error::custom(format!("unknown urgency `{}`", urgency.escape_debug()))
                })?;
                record.severity_source = Some("debian".into());
                record.title.clone_from(&title);
                self.records.push(record);
            }
        }
        Ok(())
    }
}

/// The decision for one release (`bin/tracker_service.py` of the tracker writes the fields).
///
/// `resolved` means that some suite of the release has the fix: the installed version is still to be compared.
/// Where it is open, a `fixed_version` is unstable's, and no fix for this release.
fn state(said: &InRelease<'_>) -> Result<(AdvisoryState, Option<String>), String> {
    let text = |text: &Option<Text<'_>>| text.as_ref().map(|Text(text)| text.to_string());
    let Text(status) = &said.status;
    let state = match (&**status, text(&said.fixed_version)) {
        ("resolved" | "open" | "undetermined", Some(version)) if version == "0" => AdvisoryState::NotAffected,
        ("resolved", Some(version)) => return Ok((AdvisoryState::Affected, Some(version))),
        // Nothing to compare with: someone looked, and did not say which version.
        ("resolved", None) | ("undetermined", _) => AdvisoryState::UnderInvestigation,
        ("open", _) if said.urgency.0 == "end-of-life" => AdvisoryState::EndOfLife,
        ("open", _) if said.nodsa.is_none() => AdvisoryState::Affected,
        ("open", _) => match text(&said.nodsa_reason).unwrap_or_default().as_str() {
            "" | "postponed" => AdvisoryState::FixDeferred,
            "ignored" => AdvisoryState::WillNotFix,
            reason => return Err(format!("unknown nodsa_reason `{}`", reason.escape_debug())),
        },
        _ => return Err(format!("unknown status `{}`", status.escape_debug())),
    };
    Ok((state, None))
}
