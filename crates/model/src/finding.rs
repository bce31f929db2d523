//! One thing that is wrong with one package of one image, or with our knowledge of it.

use crate::{AdvisoryReference, AdvisoryState, DatedAs, Exploited, HiddenReason, PackageType, Severity};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A finding. One for each (installed package, architecture, CVE).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The CVE; the advisory's id where there is none; [`crate::MatchKey::covered_as`] for a finding about
    /// knowledge.
    pub id: String,
    /// What kind.
    pub kind: FindingKind,
    /// Other names, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Package name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// Installed version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Package manager.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub package_type: Option<PackageType>,
    /// Architecture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// By which name the row was found.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub matched: Option<FindingMatch>,
    /// What the vendor says of the installed version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<AdvisoryState>,
    /// First version without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_version: Option<String>,
    /// Fixes that the image would get with support that it does not have, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_fixes: Vec<OtherFix>,
    /// How bad.
    pub severity: Severity,
    /// Who says how bad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity_source: Option<String>,
    /// One line for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Where to read on, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Advisories, sorted by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub advisories: Vec<AdvisoryReference>,
    /// Base scores, by source, then vector.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cvss: Vec<FindingCvss>,
    /// How likely it is to be exploited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epss: Option<FindingEpss>,
    /// Its entry in CISA's list of exploited vulnerabilities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kev: Option<Exploited>,
    /// Dates, each of its own kind.
    #[serde(default, skip_serializing_if = "FindingDates::is_empty")]
    pub dates: FindingDates,
    /// Why a table may only count it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<HiddenReason>,
    /// Layer that last changed the package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<u32>,
    /// Layer that introduced the package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introduced_in: Option<u32>,
    /// [`fingerprint`] of it.
    pub fingerprint: String,
    /// Feeds that say so, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
}

/// A fix in a stream that has to be paid for: Ubuntu Pro, SUSE LTSS.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OtherFix {
    /// `esm-infra`, `ltss` …
    pub stream: String,
    /// First version without it there.
    pub version: String,
}

/// A CVSS base score, and who gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingCvss {
    /// `nvd`, `redhat`, a CNA.
    pub source: String,
    /// As given.
    pub vector: String,
    /// In tenths; in JSON the number, such as 9.8.
    #[serde(with = "tenths")]
    pub score: u8,
}

/// FIRST's estimate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingEpss {
    /// Probability in hundred-thousandths; in JSON the number, such as 0.00123.
    #[serde(with = "hundred_thousandths")]
    pub score: u32,
    /// Share of CVEs with at most this score, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "some_hundred_thousandths")]
    pub percentile: Option<u32>,
    /// The day it was computed for.
    pub date: jiff::civil::Date,
}

mod tenths {
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's way")]
    pub(super) fn serialize<S: Serializer>(score: &u8, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(f64::from(*score) / 10.0)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u8, D::Error> {
        // A float beyond the type's range becomes its end.
        f64::deserialize(from).map(|score| (score * 10.0).round() as u8)
    }
}

mod hundred_thousandths {
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's way")]
    pub(super) fn serialize<S: Serializer>(share: &u32, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(f64::from(*share) / 100_000.0)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
        f64::deserialize(from).map(|share| (share * 100_000.0).round() as u32)
    }
}

mod some_hundred_thousandths {
    use super::hundred_thousandths;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(share: &Option<u32>, to: S) -> Result<S::Ok, S::Error> {
        match share {
            Some(share) => hundred_thousandths::serialize(share, to),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
        let share = Option::<f64>::deserialize(from)?;
        Ok(share.map(|share| (share * 100_000.0).round() as u32))
    }
}

/// Kinds of finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// A package is vulnerable.
    Vulnerability,
    /// The release has reached its end.
    EndOfLife,
    /// No feed covers packages of this type in this release.
    NotCovered,
    /// Advisories are older than the policy allows.
    StaleKnowledge,
    /// Nobody knows what system this is.
    UnknownSystem,
}

/// Through which of its names a package was matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingMatch {
    /// The name looked up.
    pub name: String,
    /// What that name is of the package.
    pub via: MatchVia,
}

/// Kinds of name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MatchVia {
    /// dpkg's or rpm's source package.
    Source,
    /// The package's own name.
    Binary,
    /// apk's origin.
    Origin,
}

/// Dates of a finding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FindingDates {
    /// Became public.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disclosed: Option<DatedAs>,
    /// A fix could be had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix_available: Option<DatedAs>,
    /// Known to be exploited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exploited: Option<Timestamp>,
    /// Our builds first saw the row; only where the database descends from earlier builds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_observed: Option<Timestamp>,
}

impl FindingDates {
    /// Whether no date is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// SHA-256, in hexadecimal, of what a finding is about: kind, id, package type, name, architecture and rule.
/// No version, digest, layer or tag goes in, so that it survives rebuilds. Each part is preceded by its
/// length, so that no two lists of parts spell the same bytes.
#[must_use]
pub fn fingerprint(parts: [&str; 6]) -> String {
    use std::fmt::Write as _;
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_tells_where_one_part_ends() {
        let a = fingerprint(["vulnerability", "CVE-1", "deb", "ab", "c", ""]);
        let b = fingerprint(["vulnerability", "CVE-1", "deb", "a", "bc", ""]);
        assert_ne!(a, b);
        assert_eq!(a.len(), 64);
    }
}
