//! Alpine's secdb: which version of a source package fixed which ids, a file for each branch and repository
//! (secdb.alpinelinux.org).
//!
//! It knows fixed issues only: silence does not mean 'not affected'. The version `0` marks what was found not to
//! affect the package. Of two versions for one id the higher is the full fix; both are kept.

use crate::error::FeedError;
use crate::parse::Input;
use imagescan_model::{
    AdvisoryRecord, AdvisoryState, FeedCoverage, MatchedBy, PackageType, Release, Severity,
};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Document {
    distroversion: String,
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    pkg: Described,
}

#[derive(Deserialize)]
struct Described {
    name: String,
    /// `null` where a version fixed nothing, and for packages without fixes.
    #[serde(default)]
    secfixes: Option<BTreeMap<String, Option<Ids>>>,
}

/// Ids that a version fixed; an empty text stands for none in old branches.
#[derive(Deserialize)]
#[serde(untagged)]
enum Ids {
    Many(Vec<String>),
    One(String),
}

impl Ids {
    fn into_list(self) -> Vec<String> {
        match self {
            Self::Many(ids) => ids,
            Self::One(id) => vec![id],
        }
    }
}

pub(crate) fn parse(
    feed: &str,
    inputs: &[Input<'_>],
) -> Result<(Vec<AdvisoryRecord>, Vec<FeedCoverage>), FeedError> {
    let mut records = Vec::new();
    let mut coverage = Vec::new();
    for input in inputs {
        let name = || input.name.to_string();
        if !input.bytes.trim_ascii_start().starts_with(b"{") {
            let expected = "secdb JSON such as main.json";
            return Err(FeedError::Unrecognised { name: name(), feed: feed.into(), expected });
        }
        let document: Document = serde_json::from_slice(input.bytes).map_err(|source| FeedError::Json {
            name: name(),
            what: "secdb document",
            source,
        })?;
        let branch = document.distroversion.strip_prefix('v').unwrap_or(&document.distroversion);
        let release = format!("alpine:{branch}").parse::<Release>().map_err(|_| FeedError::Value {
            name: name(),
            why: "unknown distroversion",
            value: document.distroversion.clone(),
        })?;
        coverage.push(FeedCoverage { release: release.clone(), fixes_only: true });
        for Package { pkg } in document.packages {
            for (version, ids) in pkg.secfixes.unwrap_or_default() {
                for id in ids.map(Ids::into_list).unwrap_or_default() {
                    let Some((id, aliases)) = ids_of(&id) else { continue };
                    records.push(record(&release, &pkg.name, &version, id, aliases));
                }
            }
        }
    }
    Ok((records, coverage))
}

/// The id of an entry and its other names: `CVE-2019-9210 GHSA-…`, `CVE-2017-2616 (+ regression fix)`.
fn ids_of(entry: &str) -> Option<(String, Vec<String>)> {
    let corrected = entry.replace("CVE_", "CVE-");
    let words = corrected.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let is_id = |word: &&str| {
        let named = word.starts_with(|first: char| first.is_ascii_uppercase());
        word.contains('-') && (named || word.contains(|c: char| c.is_ascii_digit()))
    };
    let ids = words.map(|word| word.trim_matches('-')).filter(is_id);
    let mut ids: Vec<String> = ids.map(String::from).collect();
    // CVE first, then GHSA, then what else they are called.
    ids.sort_by_key(|id| (!id.starts_with("CVE-"), !id.starts_with("GHSA-"), id.clone()));
    ids.dedup();
    let mut ids = ids.into_iter();
    let first = ids.next()?;
    let mut aliases: Vec<String> = ids.collect();
    aliases.sort();
    Some((first, aliases))
}

fn record(
    release: &Release,
    package: &str,
    version: &str,
    id: String,
    aliases: Vec<String>,
) -> AdvisoryRecord {
    let (state, fixed_version) = match version {
        "0" => (AdvisoryState::NotAffected, None),
        version => (AdvisoryState::Affected, Some(version.into())),
    };
    AdvisoryRecord {
        release: release.clone(),
        package_type: PackageType::Apk,
        package: package.into(),
        matched_by: MatchedBy::Source,
        id,
        aliases,
        state,
        fixed_version,
        introduced: None,
        architectures: Vec::new(),
        module: None,
        severity: Severity::Unknown,
        severity_source: None,
        hidden: None,
        title: None,
        advisories: Vec::new(),
        disclosed: None,
        fix_available: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(Vec<AdvisoryRecord>, Vec<FeedCoverage>), FeedError> {
        parse("alpine", &[Input { name: "main.json", bytes: text.as_bytes() }])
    }

    #[test]
    fn fixes_are_records_and_zero_is_not_affected() {
        let (records, coverage) = read(
            r#"{"distroversion": "v3.11", "packages": [{"pkg": {"name": "openssl", "secfixes": {
                "1.1.1d-r3": ["CVE-2019-1551"], "0": ["CVE-2019-0001"], "1.1.1e-r0": null}}},
                {"pkg": {"name": "none", "secfixes": null}}]}"#,
        )
        .unwrap();
        assert_eq!(coverage[0].release.to_string(), "alpine:3.11");
        assert!(coverage[0].fixes_only);
        let states: Vec<_> =
            records.iter().map(|record| (record.state, record.fixed_version.as_deref())).collect();
        assert_eq!(
            states,
            [(AdvisoryState::NotAffected, None), (AdvisoryState::Affected, Some("1.1.1d-r3"))]
        );
    }

    #[test]
    fn entries_hold_several_names_and_remarks() {
        for (entry, id, aliases) in [
            ("CVE-2017-2616 (+ regression fix)", "CVE-2017-2616", &[][..]),
            ("GHSA-aaaa CVE-2019-9210", "CVE-2019-9210", &["GHSA-aaaa"]),
            ("CVE_2019-2426", "CVE-2019-2426", &[]),
            ("XSA-248", "XSA-248", &[]),
            ("CVE-2017-8073.patch", "CVE-2017-8073", &[]),
        ] {
            let (found, others) = ids_of(entry).unwrap();
            assert_eq!(
                (found.as_str(), others),
                (id, aliases.iter().map(|a| String::from(*a)).collect()),
                "{entry}"
            );
        }
        assert!(ids_of("CVE-????-?????").is_none());
    }

    #[test]
    fn half_a_document_is_an_error() {
        for text in [
            "",
            "{",
            r#"{"packages": []}"#,
            r#"{"distroversion": "v3.11"}"#,
            r#"{"distroversion": "x y", "packages": []}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
