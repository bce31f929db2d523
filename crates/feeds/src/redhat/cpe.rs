//! The release that a product or a build belongs to.

use imagescan_model::Release;

/// Products whose version is that of Red Hat Enterprise Linux, with the minor of a stream that stays on it: those
/// of repository-to-cpe.json of which it is known. So is that of everything that begins with `rhel_extras`.
const OWN: [&str; 16] = [
    "enterprise_linux",
    "enterprise_linux_e2s",
    "rhel_atomic",
    "rhel_aus",
    "rhel_cluster",
    "rhel_cluster_storage",
    "rhel_e4s",
    "rhel_els",
    "rhel_eus",
    "rhel_mission_critical",
    "rhel_productivity",
    "rhel_rhn_tools",
    "rhel_scalefs",
    "rhel_sjis",
    "rhel_tus",
    "rhel_virtualization",
];

/// `rhel:8` of `cpe:/a:redhat:enterprise_linux:8::appstream`, of `cpe:/a:redhat:rhel_eus:8.6::appstream`, and of
/// `cpe:/a:redhat:jboss_core_services:1::el8`; else that of the package's build.
pub(super) fn release(cpe: &str, version: Option<&str>) -> Option<Release> {
    let mut parts = cpe.strip_prefix("cpe:/")?.split(':').skip(2);
    let (product, number) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let of_edition = parts.find_map(of_tag);
    let is_own = OWN.contains(&product) || product.starts_with("rhel_extras");
    let own = number.split('.').next().filter(|major| is_own && is_number(major));
    let major = of_edition.or(own).or_else(|| of_build(version?))?;
    Some(Release::new("rhel", major))
}

/// `8` of `el8`, `el8sat` and `ael8b`.
fn of_tag(tag: &str) -> Option<&str> {
    let number = tag.strip_prefix('a').unwrap_or(tag).strip_prefix("el")?;
    let digits = number.bytes().take_while(u8::is_ascii_digit).count();
    number.get(..digits).filter(|major| is_number(major))
}

/// `8` of `1.33.0-2.SP1_redhat_00001.1.el8eap` and of `6.2.17-1.module+el8.10.0+22680+748527fd`.
fn of_build(version: &str) -> Option<&str> {
    let (_, release) = version.rsplit_once('-')?;
    release.split(['.', '+', '_', '~', '^']).find_map(of_tag)
}

fn is_number(text: &str) -> bool {
    matches!(text.len(), 1 | 2) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_that_of_the_product_else_of_the_build() {
        let of = |cpe, version| release(cpe, version).map(|release| release.version);
        for (cpe, version, major) in [
            ("cpe:/o:redhat:enterprise_linux:8", None, Some("8")),
            ("cpe:/a:redhat:enterprise_linux:8::appstream", Some("1-1.el9"), Some("8")),
            ("cpe:/a:redhat:rhel_eus:8.6::appstream", None, Some("8")),
            ("cpe:/o:redhat:enterprise_linux:10.0", None, Some("10")),
            ("cpe:/o:redhat:rhel_eus:4.5::as", None, Some("4")),
            ("cpe:/a:redhat:rhel_extras_sap_hana_eus:7.6", None, Some("7")),
            ("cpe:/a:redhat:rhel_cluster:5:update9", None, Some("5")),
            ("cpe:/a:redhat:rhel_software_collections:3", None, None),
            ("cpe:/a:redhat:jboss_core_services:1::el7", None, Some("7")),
            ("cpe:/a:redhat:openstack:16.1", Some("1-2.20230101.el8ost"), Some("8")),
            ("cpe:/a:redhat:directory_server:11", Some("1-21.module+el8dsrv+24083+d25f"), Some("8")),
            ("cpe:/a:redhat:openshift:3.11", None, None),
            ("cpe:/a:redhat:openshift:3.11", Some("1.el7-1"), None),
            ("cpe:/a:redhat:optaplanner:::el6", None, Some("6")),
            ("cpe:/a:redhat", None, None),
            ("redhat:8", Some("1-1.el8"), None),
        ] {
            assert_eq!(of(cpe, version).as_deref(), major, "{cpe} {version:?}");
        }
    }
}
