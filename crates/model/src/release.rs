//! A distribution's release as advisories name it: `debian:12`, `alpine:3.20`, `debian:sid`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The key under which knowledge is filed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Release {
    /// os-release `ID`, lower case: `debian`, `alpine`, `ubuntu`, `rhel` …
    pub distribution: String,
    /// As advisories count: Debian's major (`12`) or `sid`, Alpine's branch (`3.20`) or `edge`; empty for a
    /// distribution that rolls.
    pub version: String,
}

/// Debian's codenames, from distro-info-data `debian.csv`. `sid` never gets a number;
/// woody and sarge (3.0 and 3.1) would share one.
const DEBIAN_CODENAMES: &[(&str, &str)] = &[
    ("etch", "4"),
    ("lenny", "5"),
    ("squeeze", "6"),
    ("wheezy", "7"),
    ("jessie", "8"),
    ("stretch", "9"),
    ("buster", "10"),
    ("bullseye", "11"),
    ("bookworm", "12"),
    ("trixie", "13"),
    ("forky", "14"),
    ("duke", "15"),
    ("sid", "sid"),
];

impl Release {
    /// A release from its two parts.
    #[must_use]
    pub fn new(distribution: impl Into<String>, version: impl Into<String>) -> Self {
        Self { distribution: distribution.into(), version: version.into() }
    }

    /// The Debian release of `codename` (`bookworm` is `debian:12`), if it is one.
    #[must_use]
    pub fn debian_codename(codename: &str) -> Option<Self> {
        let (_, version) = DEBIAN_CODENAMES.iter().find(|(name, _)| *name == codename)?;
        Some(Self::new("debian", *version))
    }

    /// The release that os-release's `ID`, `VERSION_ID` and `VERSION_CODENAME` say, in the form advisories
    /// use. `None` where they do not say enough.
    #[must_use]
    pub fn from_os_release(id: &str, version_id: Option<&str>, codename: Option<&str>) -> Option<Self> {
        let version = version_id.unwrap_or_default();
        match id {
            // Testing and unstable carry no VERSION_ID; sid's images name both, as in `forky/sid`.
            "debian" => match (version.split('.').next().unwrap_or_default(), codename) {
                ("", Some(codename)) if codename.ends_with("/sid") => Some(Self::new(id, "sid")),
                ("", codename) => Self::debian_codename(codename?),
                (major, _) => Some(Self::new(id, major)),
            },
            // 3.21_alpha20240807 is edge on its way to 3.21 (alpine-release of edge images).
            "alpine" if version.contains("_alpha") || version == "edge" => Some(Self::new(id, "edge")),
            "alpine" => {
                let mut parts = version.split('.');
                match (parts.next(), parts.next()) {
                    (Some(major), Some(minor)) if !major.is_empty() => {
                        Some(Self::new(id, format!("{major}.{minor}")))
                    }
                    _ => None,
                }
            }
            "wolfi" | "chainguard" | "arch" => Some(Self::new(id, "")),
            _ if version.is_empty() => None,
            _ => Some(Self::new(id, version)),
        }
    }
}

/// A text that is not `distribution:version`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a release: write it as distribution:version, such as debian:12", .0.escape_debug())]
pub struct ReleaseError(String);

impl FromStr for Release {
    type Err = ReleaseError;

    /// Accepts `debian:12`, `debian:bookworm`, `debian:12.5` and `alpine:3.20.3`; a rolling distribution
    /// stands alone: `wolfi`.
    fn from_str(text: &str) -> Result<Self, ReleaseError> {
        let (id, version) = text.split_once(':').unwrap_or((text, ""));
        let plain = |part: &str| {
            part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        };
        if id.is_empty() || !plain(id) || !plain(version) {
            return Err(ReleaseError(text.into()));
        }
        if id == "debian" && Self::debian_codename(version).is_some() {
            return Self::debian_codename(version).ok_or_else(|| ReleaseError(text.into()));
        }
        Self::from_os_release(id, Some(version).filter(|version| !version.is_empty()), None)
            .ok_or_else(|| ReleaseError(text.into()))
    }
}

impl TryFrom<String> for Release {
    type Error = ReleaseError;

    fn try_from(text: String) -> Result<Self, ReleaseError> {
        text.parse()
    }
}

impl From<Release> for String {
    fn from(release: Release) -> Self {
        release.to_string()
    }
}

impl fmt::Display for Release {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.version.is_empty() {
            return write!(out, "{}", self.distribution);
        }
        write!(out, "{}:{}", self.distribution, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_named_as_advisories_count_them() {
        let of = |id, version, codename| {
            Release::from_os_release(id, version, codename).map(|release| release.to_string())
        };
        assert_eq!(of("debian", Some("12"), Some("bookworm")).as_deref(), Some("debian:12"));
        assert_eq!(of("debian", None, Some("forky")).as_deref(), Some("debian:14"));
        assert_eq!(of("debian", None, Some("forky/sid")).as_deref(), Some("debian:sid"));
        assert_eq!(of("debian", None, None), None);
        assert_eq!(of("alpine", Some("3.20.3"), None).as_deref(), Some("alpine:3.20"));
        assert_eq!(of("alpine", Some("3.21_alpha20240807"), None).as_deref(), Some("alpine:edge"));
        assert_eq!(of("wolfi", Some("20230201"), None).as_deref(), Some("wolfi"));
        assert_eq!(of("rhel", Some("9.4"), None).as_deref(), Some("rhel:9.4"));
    }

    #[test]
    fn codenames_and_point_releases_parse_to_the_same_key() {
        for text in ["debian:12", "debian:12.5", "debian:bookworm"] {
            assert_eq!(text.parse::<Release>().unwrap().to_string(), "debian:12");
        }
        assert!("debian".parse::<Release>().is_err());
        assert!("de bian:12".parse::<Release>().is_err());
    }
}
