//! How the packages of each distribution are judged: the one table, which `docs/matching.md` shows to users.
//!
//! A distribution that is not in it is judged by its own advisories, if there are any, under the name of the source.
//! The order of versions and the filter on architectures are the package manager's: dpkg, rpm and apk order; a row
//! that names architectures speaks of those and of packages for all of them.

use crate::Release;

/// What is particular to some distributions.
#[derive(Debug)]
pub struct Family {
    /// os-release `ID`s.
    pub distributions: &'static [&'static str],
    /// Whose advisories apply.
    pub judged: Judged,
    /// Under which names rows are filed.
    pub names: Names,
    /// What the stream of a row means.
    pub streams: Streams,
    /// Fixes for several minors of one major stand side by side, told apart by the `elN_M` of the version.
    pub minors: bool,
    /// How rpm's `Vendor` of the distribution's own packages begins; empty: it is not asked.
    pub vendors: &'static [&'static str],
}

/// Whose advisories a distribution's packages are judged by.
#[derive(Debug, Clone, Copy)]
pub enum Judged {
    /// Its own.
    Itself,
    /// Those of another, whose packages it takes over with their versions: the release of the same number.
    As(&'static str),
    /// The same, with (its number, the other's).
    Numbered(&'static str, &'static [(&'static str, &'static str)]),
    /// Nobody's, because no versions can be compared.
    Never(&'static str),
}

/// Under which of its names a package's rows are filed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// The source package's, with its version.
    Source,
    /// The binary package's.
    Binary,
    /// The binary's; the source's where no row of the id is filed under it.
    Both,
}

/// What it means that a row is for a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streams {
    /// There are none: such a row is about something else.
    None,
    /// Products by CPE: the row counts where the image has the product's repositories (Red Hat).
    Products,
    /// Longer support of the same packages, which has to be paid for: its fixes count where the image has it, and
    /// are told where it has not (Ubuntu Pro, SUSE LTSS).
    Support,
    /// Other builds of the same packages: a row counts for versions that carry its mark (Oracle's ksplice and
    /// FIPS).
    Builds,
    /// Further repositories whose packages follow another line of versions (Amazon's extras).
    Repositories,
}

/// How the `Vendor` of Fedora and EPEL begins.
const FEDORA: &str = "Fedora Project";

const PLAIN: Family = Family {
    distributions: &[],
    judged: Judged::Itself,
    names: Names::Source,
    streams: Streams::None,
    minors: false,
    vendors: &[],
};

/// Of Red Hat and those who rebuild its packages.
const ENTERPRISE: Family = Family { names: Names::Binary, minors: true, ..PLAIN };

const SUSE: Family =
    Family { names: Names::Binary, streams: Streams::Support, vendors: &["SUSE", "openSUSE"], ..PLAIN };

/// The table.
pub const FAMILIES: &[Family] = &[
    Family { distributions: &["debian"], ..PLAIN },
    // Debian's sources, built for other processors: versions get a suffix (`+rpi1`) and stay above the fix.
    Family { distributions: &["raspbian"], judged: Judged::As("debian"), ..PLAIN },
    // Debian's packages but for those that need systemd, which get a suffix `+devuan1`.
    Family {
        distributions: &["devuan"],
        judged: Judged::Numbered("debian", &[("3", "10"), ("4", "11"), ("5", "12"), ("6", "13")]),
        ..PLAIN
    },
    Family {
        distributions: &["kali"],
        judged: Judged::Never("it rolls on Debian's testing with packages of its own"),
        ..PLAIN
    },
    Family { distributions: &["ubuntu"], streams: Streams::Support, ..PLAIN },
    // Ubuntu's archive, with some packages of its own beside it.
    Family { distributions: &["pop"], judged: Judged::As("ubuntu"), streams: Streams::Support, ..PLAIN },
    Family {
        distributions: &["linuxmint"],
        judged: Judged::Never("its numbers do not tell which Ubuntu it is made of"),
        ..PLAIN
    },
    Family { distributions: &["alpine", "wolfi", "chainguard"], ..PLAIN },
    Family {
        distributions: &["rhel"],
        names: Names::Both,
        streams: Streams::Products,
        vendors: &["Red Hat", "CentOS"],
        ..ENTERPRISE
    },
    // CentOS Linux, whose packages were Red Hat's with the same versions; it ended with 8.
    Family { distributions: &["centos"], judged: Judged::As("rhel"), ..ENTERPRISE },
    Family {
        distributions: &["centos-stream"],
        judged: Judged::Never("its packages run ahead of Red Hat's, and nobody publishes advisories for it"),
        ..ENTERPRISE
    },
    Family { distributions: &["almalinux"], vendors: &["AlmaLinux"], ..ENTERPRISE },
    Family { distributions: &["rocky"], vendors: &["Rocky"], ..ENTERPRISE },
    Family { distributions: &["ol"], streams: Streams::Builds, vendors: &["Oracle America"], ..ENTERPRISE },
    Family {
        distributions: &["amzn"],
        names: Names::Binary,
        streams: Streams::Repositories,
        vendors: &["Amazon"],
        ..PLAIN
    },
    Family { distributions: &["fedora", "epel"], names: Names::Both, vendors: &[FEDORA], ..PLAIN },
    Family {
        distributions: &[
            "sles",
            "sle-micro",
            "sl-micro",
            "opensuse",
            "opensuse-leap",
            "opensuse-leap-micro",
            "opensuse-tumbleweed",
        ],
        ..SUSE
    },
    // Tumbleweed's packages, updated in another way.
    Family { distributions: &["opensuse-microos"], judged: Judged::As("opensuse-tumbleweed"), ..SUSE },
    Family { distributions: &["photon"], names: Names::Both, vendors: &["VMware", "Broadcom"], ..PLAIN },
    Family { distributions: &["azurelinux", "mariner"], vendors: &["Microsoft"], ..PLAIN },
];

/// The family of a distribution.
#[must_use]
pub fn family(distribution: &str) -> &'static Family {
    FAMILIES.iter().find(|family| family.distributions.contains(&distribution)).unwrap_or(&PLAIN)
}

/// The release whose advisories apply to a package that `vendor` made, on a system of `release`; `None`: not known.
///
/// Packages of EPEL stand beside those of any rebuild of Red Hat's.
#[must_use]
pub fn judged_release(release: &Release, vendor: Option<&str>) -> Option<Release> {
    let family = family(&release.distribution);
    if family.minors && vendor.is_some_and(|vendor| vendor.starts_with(FEDORA)) {
        return Some(Release::new("epel", release.version.clone()));
    }
    match family.judged {
        Judged::Itself | Judged::Never(_) => Some(release.clone()),
        Judged::As(other) => Some(Release::new(other, release.version.clone())),
        Judged::Numbered(other, numbers) => {
            let (_, number) = numbers.iter().find(|(own, _)| *own == release.version)?;
            Some(Release::new(other, *number))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relatives_are_judged_on_purpose() {
        let of = |release: &str, vendor| {
            let release = release.split_once(':').unwrap();
            judged_release(&Release::new(release.0, release.1), vendor).map(|release| release.to_string())
        };
        assert_eq!(of("raspbian:12", None).as_deref(), Some("debian:12"));
        assert_eq!(of("devuan:5", None).as_deref(), Some("debian:12"));
        assert_eq!(of("devuan:99", None), None);
        assert_eq!(of("pop:22.04", None).as_deref(), Some("ubuntu:22.04"));
        assert_eq!(of("opensuse-microos:", None).as_deref(), Some("opensuse-tumbleweed"));
        assert_eq!(family("sl-micro").names, Names::Binary);
        assert_eq!(of("centos:7", Some("CentOS")).as_deref(), Some("rhel:7"));
        assert_eq!(of("rocky:9", Some("Fedora Project")).as_deref(), Some("epel:9"));
        assert_eq!(of("fedora:40", Some("Fedora Project")).as_deref(), Some("fedora:40"));
        assert!(matches!(family("kali").judged, Judged::Never(_)));
        assert!(matches!(family("centos-stream").judged, Judged::Never(_)));
        assert_eq!(family("somebody's own").names, Names::Source);
    }

    #[test]
    fn users_are_told_of_each() {
        let told = include_str!("../../../docs/matching.md");
        for id in FAMILIES.iter().flat_map(|family| family.distributions) {
            assert!(told.contains(&format!("`{id}`")), "docs/matching.md lacks {id}");
        }
    }

    #[test]
    fn no_distribution_stands_twice() {
        let mut all: Vec<&str> = FAMILIES.iter().flat_map(|family| family.distributions).copied().collect();
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
