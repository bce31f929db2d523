//! Who judges a package: its distribution, or nobody.

use imagescan_model::{Family, Judged, MatchKey, PackageType, family};

/// Mailboxes that stand as `Maintainer` in packages which vendors publish for Debian and Ubuntu, and in none of the
/// distributions' own. Few are whole domains: people of many firms maintain packages of Debian.
const VENDOR_MAILBOXES: &[&str] = &[
    "<support@docker.com>",
    "<nginx-packaging@f5.com>",
    "<nginx-packaging@nginx.com>",
    "@nodesource.com>",
    "<packaging@mongodb.com>",
    "<info@elastic.co>",
];

/// Marks that repositories beside the distribution's put into their versions: apt.postgresql.org, the PHP and nginx
/// packages of deb.sury.org, Launchpad's private archives.
const VERSION_MARKS: &[&str] = &[".pgdg", ".gbp", "+sury", "~ppa", "+ppa"];

/// Why a package is judged by nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unjudged {
    /// The system or its release is not known, or versions of the package's kind cannot be compared.
    Unknown,
    /// Of its distribution nothing can be compared.
    Never(&'static str),
    /// It is not the distribution's own.
    ThirdParty,
}

/// The rules that `key` is judged by.
pub(crate) fn judged_by(key: &MatchKey) -> Result<&'static Family, Unjudged> {
    // Versions of languages cannot be compared yet.
    if matches!(key.package_type, PackageType::Other(_)) {
        return Err(Unjudged::Unknown);
    }
    let release = key.release.as_ref().ok_or(Unjudged::Unknown)?;
    let family = family(&release.distribution);
    match family.judged {
        Judged::Never(why) => Err(Unjudged::Never(why)),
        _ if is_third_party(key, family) => Err(Unjudged::ThirdParty),
        _ => Ok(family),
    }
}

/// Whether somebody else made the package: then the distribution's advisories say nothing of it. Where no one is
/// named, it is taken for the distribution's own: rather one finding too many than silence.
fn is_third_party(key: &MatchKey, family: &Family) -> bool {
    let Some(origin) = &key.origin else { return has_mark(key) };
    match key.package_type {
        PackageType::Rpm => {
            !family.vendors.is_empty()
                && !origin.is_empty()
                && !family.vendors.iter().any(|vendor| origin.starts_with(vendor))
        }
        PackageType::Deb => has_mark(key) || VENDOR_MAILBOXES.iter().any(|mailbox| origin.ends_with(mailbox)),
        PackageType::Apk | PackageType::Other(_) => false,
    }
}

fn has_mark(key: &MatchKey) -> bool {
    key.package_type == PackageType::Deb && VERSION_MARKS.iter().any(|mark| key.version.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;
    use imagescan_model::{Package, System};

    fn by(distribution: &str, version_id: &str, package: &Package) -> Result<(), Unjudged> {
        let id = Some(distribution.into());
        let system = System { id, version_id: Some(version_id.into()), ..System::default() };
        judged_by(&MatchKey::of(&system, package)).map(drop)
    }

    #[test]
    fn what_others_made_is_not_judged_by_the_distribution() {
        let deb = |version: &str, maintainer: Option<&str>| {
            let package = Package::new(PackageType::Deb, "a", version);
            by("debian", "12", &Package { maintainer: maintainer.map(String::from), ..package })
        };
        assert_eq!(deb("5:27.0.3-1", Some("Docker <support@docker.com>")), Err(Unjudged::ThirdParty));
        assert_eq!(deb("16.3-1.pgdg120+1", Some("Debian PostgreSQL Maintainers")), Err(Unjudged::ThirdParty));
        assert_eq!(deb("1-1", Some("A Person <person@example.com>")), Ok(()));
        assert_eq!(deb("1-1", None), Ok(()));
        let rpm = |distribution, vendor: &str| {
            let package = Package::new(PackageType::Rpm, "a", "1-1");
            by(distribution, "9", &Package { vendor: Some(vendor.into()), ..package })
        };
        assert_eq!(rpm("rhel", "Red Hat, Inc."), Ok(()));
        assert_eq!(rpm("centos", "CentOS"), Ok(()));
        assert_eq!(rpm("rhel", "Docker"), Err(Unjudged::ThirdParty));
        assert_eq!(rpm("rocky", "Fedora Project"), Ok(()));
        assert_eq!(rpm("amzn", ""), Ok(()));
        assert!(matches!(rpm("centos-stream", "CentOS"), Err(Unjudged::Never(_))));
    }
}
