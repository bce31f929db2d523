//! Ubuntu, keyed by source package. Canonical publishes the same knowledge in two ways, which are two feeds: OSV and
//! OpenVEX documents, and the files of its CVE tracker.
//!
//! Both name the parts of the archive that a statement is about by *pocket*: a codename alone is the plain archive,
//! `esm-infra/xenial` is what Ubuntu Pro adds to it, `fips-updates/focal` what certified machines get instead. A
//! pocket is the `stream` of a record. What is said of one says nothing of the others.

mod tracker;

pub(crate) use tracker::Tracker;

use imagescan_model::{Release, Severity};

/// What a release's name in a statement stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// A release, or a pocket of it.
    Archive(Release, Option<String>),
    /// The release that is being made, whose number the statement does not tell.
    Development,
    /// The original project.
    Upstream,
    /// A snap, or a product of Canonical: no package of a release.
    Product,
}

/// `jammy`, `esm-infra/xenial`, in old files `vivid/ubuntu-core`. One pocket has two spellings: `trusty/esm` is
/// `esm-infra-legacy/trusty`. A release that is newer than this program keeps its codename.
fn place(text: &str) -> Place {
    let archive = |codename: &str, pocket: Option<&str>| match codename {
        "devel" => Place::Development,
        _ => Place::Archive(
            Release::ubuntu_codename(codename).unwrap_or_else(|| Release::new("ubuntu", codename)),
            pocket.map(|pocket| if pocket == "esm" { "esm-infra-legacy" } else { pocket }.into()),
        ),
    };
    match text.split_once('/').unwrap_or((text, "")) {
        ("upstream", _) => Place::Upstream,
        ("product" | "snap", _) => Place::Product,
        (codename, "") => archive(codename, None),
        (codename, pocket) if Release::ubuntu_codename(codename).is_some() || pocket == "esm" => {
            archive(codename, Some(pocket))
        }
        (pocket, codename) => archive(codename, Some(pocket)),
    }
}

/// The security team's priority (ubuntu.com/security/cves/about).
fn severity(priority: &str) -> Option<Severity> {
    Some(match priority {
        "untriaged" | "not-for-us" | "" => Severity::Unknown,
        "negligible" => Severity::Negligible,
        "low" => Severity::Low,
        "medium" => Severity::Medium,
        "high" => Severity::High,
        "critical" => Severity::Critical,
        _ => return None,
    })
}

/// Whether a remark says that support has ended: `reached end-of-life`, `end of standard support, was needed`,
/// `out of standard support`, `upstream sun-java5 is EoL`. `libv8 not supported` does not.
fn is_end_of_life(remark: &str) -> bool {
    let plain = remark.to_ascii_lowercase().replace('-', " ");
    let ended = plain.contains("end of") || plain.contains("out of");
    plain.contains("end of li")
        || (ended && plain.contains("support"))
        || plain.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == "eol")
}

/// Whether it can be a version of a package, rather than a remark.
fn is_version(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+:~-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pockets_stand_before_or_after_the_codename() {
        for (text, expected) in [
            ("jammy", "ubuntu:22.04"),
            ("esm-infra/xenial", "ubuntu:16.04 esm-infra"),
            ("esm-apps/jammy", "ubuntu:22.04 esm-apps"),
            ("trusty/esm", "ubuntu:14.04 esm-infra-legacy"),
            ("esm-infra-legacy/trusty", "ubuntu:14.04 esm-infra-legacy"),
            ("precise/esm", "ubuntu:12.04 esm-infra-legacy"),
            ("vivid/stable-phone-overlay", "ubuntu:15.04 stable-phone-overlay"),
            ("fips-updates/focal", "ubuntu:20.04 fips-updates"),
            ("ros-esm/xenial", "ubuntu:16.04 ros-esm"),
            ("stable-phone/vivid", "ubuntu:15.04 stable-phone"),
            ("zealous", "ubuntu:zealous"),
            ("esm-infra/zealous", "ubuntu:zealous esm-infra"),
        ] {
            let Place::Archive(release, pocket) = place(text) else { panic!("{text}") };
            let said = pocket.map(|pocket| format!(" {pocket}")).unwrap_or_default();
            assert_eq!(format!("{release}{said}"), expected, "{text}");
        }
        assert_eq!(["devel", "esm-apps/devel"].map(place), [Place::Development, Place::Development]);
        assert_eq!(place("upstream"), Place::Upstream);
        assert_eq!(["product", "product/x", "snap"].map(place), [(); 3].map(|()| Place::Product));
    }

    #[test]
    fn the_end_of_support_has_many_wordings() {
        for remark in [
            "reached end-of-life",
            "end of standard support, was needed",
            "was needs-triage now end-of-life",
            "out of standard support",
            "end of ESM support",
            "readched end-of-life",
            "upstream sun-java5 is EoL",
            "end of life",
        ] {
            assert!(is_end_of_life(remark), "{remark}");
        }
        for remark in ["", "libv8 not supported", "abandoned", "superseded by linux-hwe", "end of stream bug"]
        {
            assert!(!is_end_of_life(remark), "{remark}");
        }
    }
}
