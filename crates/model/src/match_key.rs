//! Everything of a package that matching may look at, and nothing else.
//!
//! Two packages with the same key get the same judgement, in whatever image they are: that is what lets a
//! rescan judge a key once however many images hold it. A rule that needs another fact adds it here.

use crate::{Package, PackageType, Pro, Release, System, judged_release};
use serde::{Deserialize, Serialize};

/// match's only package input.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MatchKey {
    /// Package manager.
    #[serde(rename = "type")]
    pub package_type: PackageType,
    /// Release whose advisories apply; `None`: the system is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Release>,
    /// Binary name.
    pub name: String,
    /// Binary version, a missing epoch left missing.
    pub version: String,
    /// Source name; the binary's own where the database names none.
    pub source_name: String,
    /// Source version; the binary's own where the database names none.
    pub source_version: String,
    /// As recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// rpm module, `name:stream`. `Some("")`: the database says that it is in none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Who made it: rpm's Vendor, dpkg's Maintainer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The release is not the system's own but the one the package was rebuilt from (Debian backports). A
    /// missing fix there says nothing about the rebuilt package's own suite.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rebuilt: bool,
    /// CPE names or content sets of the system that advisories may ask for, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<String>,
    /// Ubuntu Pro.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pro: Option<Pro>,
}

impl MatchKey {
    /// What must be covered for the package to be judged: its release, or for packages of a language that
    /// language's purl type, whatever the system. `None`: the system is unknown.
    #[must_use]
    pub fn covered_as(&self) -> Option<String> {
        match &self.package_type {
            PackageType::Other(language) => Some(language.to_string()),
            PackageType::Apk | PackageType::Deb | PackageType::Rpm => {
                self.release.as_ref().map(Release::to_string)
            }
        }
    }

    /// The key of `package` on `system`.
    #[must_use]
    pub fn of(system: &System, package: &Package) -> Self {
        let (source_name, source_version) = package.source_or_self();
        let backport = backport_release(system, package);
        let mut conditions = system.content_sets.clone();
        conditions.extend(system.cpe_name.clone().filter(|_| package.package_type == PackageType::Rpm));
        Self {
            package_type: package.package_type.clone(),
            rebuilt: backport.is_some(),
            release: backport.or_else(|| judged_release(&system.release()?, package.vendor.as_deref())),
            name: package.name.clone(),
            version: package.version.clone(),
            source_name: source_name.into(),
            source_version: source_version.into(),
            architecture: package.architecture.clone(),
            module: package.module.as_deref().map(module_stream),
            origin: package.vendor.clone().or_else(|| maintainer(package)),
            conditions,
            pro: system.pro,
        }
    }
}

/// Of a deb: nothing else tells who made it.
fn maintainer(package: &Package) -> Option<String> {
    package.maintainer.clone().filter(|_| package.package_type == PackageType::Deb)
}

/// `name:stream` of a MODULARITYLABEL `name:stream:version:context`.
fn module_stream(label: &str) -> String {
    label.splitn(3, ':').take(2).collect::<Vec<_>>().join(":")
}

/// `6.12.90-2~bpo12+1` on Debian 12 was rebuilt from Debian 13: that release's advisories apply, for the base
/// suite's 'no fix' says nothing about a version it never had (backports.debian.org/Contribute, versioning).
fn backport_release(system: &System, package: &Package) -> Option<Release> {
    if package.package_type != PackageType::Deb || system.id.as_deref() != Some("debian") {
        return None;
    }
    let (_, version) = package.source_or_self();
    let (_, after) = version.rsplit_once("~bpo")?;
    let base: u32 = after.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    Some(Release::new("debian", base.checked_add(1)?.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SourcePackage;

    fn debian() -> System {
        System { id: Some("debian".into()), version_id: Some("12".into()), ..System::default() }
    }

    #[test]
    fn a_backport_is_judged_by_the_release_it_was_rebuilt_from() {
        let package = Package::new(PackageType::Deb, "linux-image-amd64", "6.12.90-2~bpo12+1");
        let key = MatchKey::of(&debian(), &package);
        assert_eq!(key.release, Some(Release::new("debian", "13")));
        assert!(key.rebuilt);
        let package = Package::new(PackageType::Deb, "bash", "5.2.15-2+b8");
        assert_eq!(MatchKey::of(&debian(), &package).release, Some(Release::new("debian", "12")));
    }

    #[test]
    fn the_source_version_is_not_the_binary_one() {
        let mut package = Package::new(PackageType::Deb, "libldb2", "2:2.6.2+samba4.17.12+dfsg-0+deb12u1");
        package.source =
            Some(SourcePackage { name: "samba".into(), version: Some("2:4.17.12+dfsg-0+deb12u1".into()) });
        let key = MatchKey::of(&debian(), &package);
        assert_eq!((&*key.source_name, &*key.source_version), ("samba", "2:4.17.12+dfsg-0+deb12u1"));
    }

    #[test]
    fn a_module_label_is_cut_to_its_stream() {
        let mut package = Package::new(PackageType::Rpm, "ruby", "2.7.4-137");
        package.module = Some("ruby:2.7:8090020230627084142:b46abd14".into());
        assert_eq!(MatchKey::of(&System::default(), &package).module.as_deref(), Some("ruby:2.7"));
    }
}
