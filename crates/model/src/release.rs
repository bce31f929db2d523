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
    /// As advisories count: Debian's major (`12`) or `sid`, Alpine's branch (`3.20`) or `edge`, the major of Red
    /// Hat and its kin (`9`), the rest as `VERSION_ID` has it; empty for a distribution that rolls.
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

/// Ubuntu's codenames, from distro-info-data `ubuntu.csv`, as far back as its advisories go.
const UBUNTU_CODENAMES: &[(&str, &str)] = &[
    ("warty", "4.10"),
    ("hoary", "5.04"),
    ("breezy", "5.10"),
    ("dapper", "6.06"),
    ("edgy", "6.10"),
    ("feisty", "7.04"),
    ("gutsy", "7.10"),
    ("hardy", "8.04"),
    ("intrepid", "8.10"),
    ("jaunty", "9.04"),
    ("karmic", "9.10"),
    ("lucid", "10.04"),
    ("maverick", "10.10"),
    ("natty", "11.04"),
    ("oneiric", "11.10"),
    ("precise", "12.04"),
    ("quantal", "12.10"),
    ("raring", "13.04"),
    ("saucy", "13.10"),
    ("trusty", "14.04"),
    ("utopic", "14.10"),
    ("vivid", "15.04"),
    ("wily", "15.10"),
    ("xenial", "16.04"),
    ("yakkety", "16.10"),
    ("zesty", "17.04"),
    ("artful", "17.10"),
    ("bionic", "18.04"),
    ("cosmic", "18.10"),
    ("disco", "19.04"),
    ("eoan", "19.10"),
    ("focal", "20.04"),
    ("groovy", "20.10"),
    ("hirsute", "21.04"),
    ("impish", "21.10"),
    ("jammy", "22.04"),
    ("kinetic", "22.10"),
    ("lunar", "23.04"),
    ("mantic", "23.10"),
    ("noble", "24.04"),
    ("oracular", "24.10"),
    ("plucky", "25.04"),
    ("questing", "25.10"),
    ("resolute", "26.04"),
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

    /// The Ubuntu release of `codename` (`jammy` is `ubuntu:22.04`), if it is one.
    #[must_use]
    pub fn ubuntu_codename(codename: &str) -> Option<Self> {
        let (_, version) = UBUNTU_CODENAMES.iter().find(|(name, _)| *name == codename)?;
        Some(Self::new("ubuntu", *version))
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
            "wolfi" | "chainguard" | "arch" | "opensuse-microos" | "opensuse-tumbleweed" => {
                Some(Self::new(id, ""))
            }
            // Languages: what OSV says of their packages holds whatever the system.
            "pypi" | "cargo" | "golang" | "npm" | "maven" | "gem" | "nuget" | "composer" | "bitnami"
            | "hex" | "pub" => Some(Self::new(id, "")),
            _ if version.is_empty() => None,
            // Their minors are not kept apart in what advisories say; Red Hat's streams are, by CPE.
            "rhel" | "centos" | "centos-stream" | "epel" | "almalinux" | "rocky" | "ol" => {
                version.split('.').next().map(|major| Self::new(id, major))
            }
            // The first was named by year and month.
            "amzn" if version.starts_with("201") || version == "1" => Some(Self::new(id, "1")),
            // Versions of its repository stand behind the release, as in 2023.5.20240708.
            "amzn" => version.split('.').next().map(|release| Self::new(id, release)),
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
        let by_codename = match id {
            "debian" => Self::debian_codename(version),
            "ubuntu" => Self::ubuntu_codename(version),
            _ => None,
        };
        if let Some(release) = by_codename {
            return Ok(release);
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
        assert_eq!(of("rhel", Some("9.4"), None).as_deref(), Some("rhel:9"));
        assert_eq!(of("ubuntu", Some("22.04"), Some("jammy")).as_deref(), Some("ubuntu:22.04"));
        assert_eq!(of("amzn", Some("2018.03"), None).as_deref(), Some("amzn:1"));
        assert_eq!(of("amzn", Some("2023"), None).as_deref(), Some("amzn:2023"));
        assert_eq!(of("sles", Some("15.5"), None).as_deref(), Some("sles:15.5"));
        assert_eq!(of("opensuse-tumbleweed", Some("20240101"), None).as_deref(), Some("opensuse-tumbleweed"));
    }

    #[test]
    fn codenames_and_point_releases_parse_to_the_same_key() {
        for text in ["debian:12", "debian:12.5", "debian:bookworm"] {
            assert_eq!(text.parse::<Release>().unwrap().to_string(), "debian:12");
        }
        assert_eq!("ubuntu:jammy".parse::<Release>().unwrap().to_string(), "ubuntu:22.04");
        assert!("debian".parse::<Release>().is_err());
        assert!("de bian:12".parse::<Release>().is_err());
    }
}
