//! What we know of each feed: `vuln-feeds/*.toml`, compiled in.

use imagescan_model::Release;
use serde::Deserialize;

const BUILT_IN: &[&str] = &[
    include_str!("../../../vuln-feeds/almalinux.toml"),
    include_str!("../../../vuln-feeds/alpine.toml"),
    include_str!("../../../vuln-feeds/amazon.toml"),
    include_str!("../../../vuln-feeds/arch.toml"),
    include_str!("../../../vuln-feeds/azurelinux.toml"),
    include_str!("../../../vuln-feeds/debian.toml"),
    include_str!("../../../vuln-feeds/epss.toml"),
    include_str!("../../../vuln-feeds/fedora.toml"),
    include_str!("../../../vuln-feeds/kev.toml"),
    include_str!("../../../vuln-feeds/lifecycles.toml"),
    include_str!("../../../vuln-feeds/nvd.toml"),
    include_str!("../../../vuln-feeds/oracle.toml"),
    include_str!("../../../vuln-feeds/osv.toml"),
    include_str!("../../../vuln-feeds/osv-languages.toml"),
    include_str!("../../../vuln-feeds/photon.toml"),
    include_str!("../../../vuln-feeds/redhat.toml"),
    include_str!("../../../vuln-feeds/rocky.toml"),
    include_str!("../../../vuln-feeds/suse.toml"),
    include_str!("../../../vuln-feeds/ubuntu.toml"),
    include_str!("../../../vuln-feeds/ubuntu-cve-tracker.toml"),
    include_str!("../../../vuln-feeds/wolfi.toml"),
];

/// One feed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// Its name on the command line.
    pub id: String,
    /// For people.
    pub title: String,
    /// How its documents are read.
    pub parser: Parser,
    /// Where they are published.
    pub urls: Vec<String>,
    /// Distributions it speaks of, by os-release `ID`.
    pub distributions: Vec<String>,
    /// Releases that `{version}` in a URL stands for.
    #[serde(default)]
    pub releases: Vec<Release>,
    /// The first year that `{year}` in a URL stands for.
    #[serde(default)]
    pub first_year: Option<i16>,
    /// Licence of the data.
    pub licence: String,
    /// What it does not tell, for people.
    pub silent: String,
    /// How often it changes, in hours.
    pub cadence_hours: u32,
}

/// The parsers there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Parser {
    /// AlmaLinux's errata.
    Almalinux,
    /// Amazon Linux's updateinfo.
    Amazon,
    /// Arch Linux's tracker.
    Arch,
    /// OVAL of Azure Linux and CBL-Mariner.
    Azurelinux,
    /// Debian's tracker JSON with the DSA and DLA lists.
    DebianTracker,
    /// Updates of Fedora and EPEL.
    Fedora,
    /// OVAL of Oracle Linux.
    Oracle,
    /// Photon OS.
    Photon,
    /// Rocky Linux's errata.
    Rocky,
    /// Alpine's secdb, and that of Wolfi and Chainguard.
    Secdb,
    /// OSV documents of Debian, Alpine and of languages.
    /// EPSS scores of a day.
    Epss,
    /// CISA's list of known exploited vulnerabilities.
    Kev,
    /// Tables of when support ends.
    Lifecycles,
    /// Pages of NVD's API, or its feeds.
    Nvd,
    /// OSV documents of Debian and Alpine.
    Osv,
    /// Red Hat's CSAF documents, list of repositories, and OVAL.
    RedHat,
    /// SUSE's CSAF documents, and OVAL.
    Suse,
    /// Ubuntu's OSV and OpenVEX documents.
    Ubuntu,
    /// Files of the Ubuntu CVE tracker.
    UbuntuCveTracker,
}

/// A description that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the feed description is invalid")]
pub struct DescriptionError(#[source] toml::de::Error);

impl Description {
    /// Reads one description.
    ///
    /// # Errors
    /// [`DescriptionError`] names line and field.
    pub fn parse(text: &str) -> Result<Self, DescriptionError> {
        toml::from_str(text).map_err(DescriptionError)
    }
}

/// The descriptions compiled in, by id.
#[must_use]
pub fn descriptions() -> Vec<Description> {
    // A test reads every one of them.
    BUILT_IN.iter().filter_map(|text| Description::parse(text).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_description_is_valid() {
        for text in BUILT_IN {
            Description::parse(text).unwrap();
        }
        let ids: Vec<_> = descriptions().into_iter().map(|description| description.id).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
        assert!(ids.is_sorted() && ids.len() == BUILT_IN.len(), "{ids:?}");
    }

    #[test]
    fn an_unknown_field_is_refused() {
        let text = format!("{}\nsurprise = 1\n", BUILT_IN[0]);
        assert!(Description::parse(&text).is_err());
    }
}
