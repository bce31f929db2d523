//! Rows of `cve_data_photon5.0.json`.

use crate::document::Document;
use crate::error::{FeedError, refused};
use crate::list;
use crate::reader::Out;
use crate::text::is_number;
use imagescan_model::{AdvisoryRecord, AdvisoryState, MatchedBy, PackageType, Release, Severity};
use serde::Deserialize;

pub(super) const WHAT: &str = "CVE metadata of Photon OS";

#[derive(Deserialize)]
pub(super) struct Row {
    cve_id: String,
    pkg: String,
    #[serde(default)]
    cve_score: Option<f64>,
    aff_ver: String,
    res_ver: String,
    status: String,
}

/// The release that a document is of, by its versions.
pub(super) fn release(document: &str, bytes: &[u8]) -> Result<Release, FeedError> {
    let mut found: Option<String> = None;
    list::each(&mut Document::new(document, &mut &*bytes), "", WHAT, |row: Row| {
        let Some(major) = major(&row.res_ver) else { return Ok(()) };
        match &found {
            Some(known) if known != major => {
                Err(refused(document, "a version of another release:", &row.res_ver))
            }
            _ => {
                found = Some(major.into());
                Ok(())
            }
        }
    })?;
    let major = found.ok_or_else(|| refused(document, "no version that tells the release in", WHAT))?;
    Ok(Release::new("photon", format!("{major}.0")))
}

/// `4` of `8.16.0-1.ph4`.
fn major(version: &str) -> Option<&str> {
    let (_, major) = version.rsplit_once(".ph")?;
    Some(major).filter(|major| is_number(major))
}

/// What a row says; `None`, and counted, if it is no statement on a CVE.
pub(super) fn record(
    feed: &str,
    document: &str,
    release: &Release,
    row: &Row,
    out: &mut Out<'_>,
) -> Result<Option<AdvisoryRecord>, FeedError> {
    let version =
        |text: &str| Some(text.trim().to_owned()).filter(|text| !matches!(text.as_str(), "" | "NA"));
    let (state, fixed_version) = match (row.status.as_str(), version(&row.res_ver)) {
        ("Not Affected", _) => (AdvisoryState::NotAffected, None),
        ("Fixed", Some(fixed)) => (AdvisoryState::Affected, Some(fixed)),
        ("Fixed", None) if version(&row.aff_ver).is_some() => (AdvisoryState::Affected, None),
        ("Fixed", None) => {
            out.dropped("neither affected nor fixed versions");
            return Ok(None);
        }
        (status, _) => return Err(refused(document, "unknown status", status)),
    };
    if !row.cve_id.starts_with("CVE-") {
        out.dropped("an id that is no CVE");
        return Ok(None);
    }
    let severity = severity(row.cve_score);
    Ok(Some(AdvisoryRecord {
        state,
        fixed_version,
        severity,
        severity_source: (severity != Severity::Unknown).then(|| feed.into()),
        ..AdvisoryRecord::new(release.clone(), PackageType::Rpm, MatchedBy::Binary, &*row.pkg, &*row.cve_id)
    }))
}

/// By CVSS's levels. 0 is a score that nobody has given.
fn severity(score: Option<f64>) -> Severity {
    match score {
        Some(score) if score >= 9.0 => Severity::Critical,
        Some(score) if score >= 7.0 => Severity::High,
        Some(score) if score >= 4.0 => Severity::Medium,
        Some(score) if score > 0.0 => Severity::Low,
        _ => Severity::Unknown,
    }
}
