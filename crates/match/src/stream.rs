//! Which rows count for a package: by the stream of the row, and by the branch of its fix.

use imagescan_model::{AdvisoryRecord, Family, MatchKey, Streams};

/// The products of an image, for rows that are filed by CPE.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Products {
    /// CPE names; empty: the image does not say, and has what comes with the system.
    pub cpes: Vec<String>,
}

/// A CPE name without its part, as far as rows use it: vendor, product, version, edition.
#[derive(Debug, PartialEq, Eq)]
struct Cpe<'a> {
    product: &'a str,
    version: &'a str,
    edition: Option<&'a str>,
}

impl<'a> Cpe<'a> {
    /// `cpe:/a:redhat:enterprise_linux:8::appstream` (CPE 2.2 URI); part and vendor are not looked at: the same
    /// repository is called application here and operating system there.
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.strip_prefix("cpe:/")?.split(':').skip(2);
        let (product, version) = (parts.next()?, parts.next().unwrap_or_default());
        let edition = parts.nth(1).filter(|edition| !edition.is_empty());
        Some(Self { product, version, edition })
    }

    fn major(&self) -> &'a str {
        self.version.split('.').next().unwrap_or_default()
    }
}

/// The product that Red Hat Enterprise Linux itself is.
const SYSTEM: &str = "enterprise_linux";

/// Whether a row is of all of a product, not of one of its repositories: so what has no fix is filed.
pub(crate) fn is_bare(row: &AdvisoryRecord) -> bool {
    row.stream.as_deref().and_then(Cpe::parse).is_some_and(|cpe| cpe.edition.is_none())
}

impl Products {
    /// What these CPE names say on a system of `version_id`. Repositories of extended support are listed with all of
    /// their minors: the image's is meant.
    #[must_use]
    pub fn of(mut cpes: Vec<String>, version_id: Option<&str>) -> Self {
        cpes.sort();
        cpes.dedup();
        let minors = |product: &str| {
            let same = cpes.iter().filter_map(|cpe| Cpe::parse(cpe)).filter(|cpe| cpe.product == product);
            same.map(|cpe| cpe.version).collect::<std::collections::BTreeSet<_>>().len()
        };
        let is_meant = |cpe: &String| {
            Cpe::parse(cpe).is_none_or(|cpe| {
                !cpe.version.contains('.') || minors(cpe.product) == 1 || Some(cpe.version) == version_id
            })
        };
        let cpes = cpes.iter().filter(|cpe| is_meant(cpe)).cloned().collect();
        Self { cpes }
    }

    /// Whether rows of the product `cpe` are about an image of `release`.
    fn has(&self, cpe: &str, major: &str) -> bool {
        let Some(row) = Cpe::parse(cpe) else { return false };
        if self.cpes.is_empty() {
            return row.product == SYSTEM && row.major() == major;
        }
        let same = |own: Cpe<'_>| {
            let edition = row.edition.is_none() || own.edition.is_none() || row.edition == own.edition;
            // The system's own repositories go from minor to minor (`enterprise_linux:10.1`).
            let version = match row.product {
                SYSTEM => own.major() == row.major(),
                _ => own.version == row.version,
            };
            own.product == row.product && version && edition
        };
        self.cpes.iter().filter_map(|cpe| Cpe::parse(cpe)).any(same)
    }
}

/// Repositories of openSUSE and SUSE that everybody has, with packages of their own beside the system's.
const BESIDE: [&str; 2] = ["nonfree", "packagehub"];

/// What a row's stream makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It counts.
    Counts,
    /// It counts, and what others say of the same id does not: the package comes from this stream.
    Prevails,
    /// Who had the stream would have its fix.
    Elsewhere,
    /// It is about something else.
    Other,
}

/// What the stream of `row` means for `key`.
pub(crate) fn standing(
    key: &MatchKey,
    version: &str,
    row: &AdvisoryRecord,
    family: &Family,
    products: &Products,
) -> Standing {
    let counts = |holds| if holds { Standing::Counts } else { Standing::Other };
    match (family.streams, row.stream.as_deref()) {
        // Builds with a mark are compared with their like only.
        (Streams::Builds, stream) => counts(stream == build(version)),
        (_, None) => Standing::Counts,
        (Streams::None, Some(_)) => Standing::Other,
        (Streams::Products, Some(cpe)) => {
            let major = key.release.as_ref().map_or("", |release| &release.version);
            counts(products.has(cpe, major))
        }
        (Streams::Support, Some(stream)) if BESIDE.contains(&stream) => Standing::Counts,
        (Streams::Support, Some(stream)) if has_support(key, version, stream) => Standing::Prevails,
        (Streams::Support, Some(_)) => Standing::Elsewhere,
        (Streams::Repositories, Some(stream)) => counts(follows(version, row, stream)),
    }
}

/// The mark of one of Oracle's builds.
fn build(version: &str) -> Option<&'static str> {
    if version.contains("ksplice") {
        Some("ksplice")
    } else if version.contains("_fips") {
        Some("fips")
    } else {
        None
    }
}

/// Whether the image has the stream: it says so, or the installed version came from there.
fn has_support(key: &MatchKey, version: &str, stream: &str) -> bool {
    let pro = key.pro.unwrap_or_default();
    let is_esm = stream.starts_with("esm");
    let enabled = match stream {
        "esm-infra" | "esm-infra-legacy" => pro.infra,
        "esm-apps" => pro.apps,
        "esm" => pro.infra || pro.apps,
        // SUSE Linux Enterprise Server for SAP Applications, by os-release's CPE name.
        "sap" => key.conditions.iter().any(|name| name.contains(":sles_sap:")),
        _ => false,
    };
    let is_fips = stream.starts_with("fips");
    enabled
        || is_esm && version.contains("esm")
        || is_fips && (version.contains("fips") || version.contains("Fips"))
}

/// Whether a version is of a repository's line: those of `kernel-5.15` are 5.15; a topic without a number is the only
/// one that has its packages.
fn follows(version: &str, row: &AdvisoryRecord, stream: &str) -> bool {
    row.fixed_version.as_deref().is_none_or(|fixed| is_of_line(version, fixed, stream))
}

/// Whether `version` is of the line that a topic or a stream is named after, as `5.15` of `kernel-5.15`: if `fixed` is
/// of that line, it has to be, too. Else `fixed` is of another package beside, and the first two numbers have to
/// agree; where the name has one number only (`8` of `ol8`), nothing is told by it.
pub(crate) fn is_of_line(version: &str, fixed: &str, name: &str) -> bool {
    let named = numbers(name.trim_start_matches(|c: char| !c.is_ascii_digit()));
    let (version, fixed) = (numbers(version), numbers(fixed));
    if fixed.starts_with(&named) {
        version.starts_with(&named)
    } else {
        named.len() < 2 || version.iter().take(2).eq(fixed.iter().take(2))
    }
}

/// The numbers that a version begins with, without its epoch.
pub(crate) fn numbers(version: &str) -> Vec<&str> {
    let version = version.split_once(':').map_or(version, |(_, version)| version);
    let plain = version.split(|c: char| !c.is_ascii_digit() && c != '.').next().unwrap_or_default();
    plain.split('.').filter(|number| !number.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_told_by_its_name_and_version_and_where_given_by_its_edition() {
        let image = |cpes: &[&str]| Products { cpes: cpes.iter().map(|cpe| String::from(*cpe)).collect() };
        let (base, apps) =
            ("cpe:/o:redhat:enterprise_linux:8::baseos", "cpe:/a:redhat:enterprise_linux:8::appstream");
        assert!(image(&[base]).has(base, "8") && !image(&[base]).has(apps, "8"));
        // What has no fix is filed under the product itself.
        assert!(image(&[base]).has("cpe:/o:redhat:enterprise_linux:8", "8"));
        assert!(image(&[apps]).has("cpe:/o:redhat:enterprise_linux:8", "8"));
        let extended = "cpe:/a:redhat:rhel_eus:8.6::appstream";
        assert!(!image(&[base, apps]).has(extended, "8"));
        assert!(image(&[extended]).has(extended, "8"));
        let tenth = image(&["cpe:/o:redhat:enterprise_linux:10.1::baseos"]);
        assert!(tenth.has("cpe:/o:redhat:enterprise_linux:10", "10"));
        let minors = ["8.4", "8.6"].map(|minor| format!("cpe:/a:redhat:rhel_eus:{minor}::appstream"));
        let meant = Products::of(minors.into(), Some("8.6"));
        assert!(meant.has(extended, "8") && !meant.has("cpe:/a:redhat:rhel_eus:8.4::appstream", "8"));
        // An image that does not say has the system, and nothing else.
        assert!(image(&[]).has(base, "8") && image(&[]).has(apps, "8"));
        let (tenth, next) =
            ("cpe:/o:redhat:enterprise_linux:10.1::baseos", "cpe:/o:redhat:enterprise_linux:10.2::baseos");
        assert!(image(&[]).has(tenth, "10") && image(&[tenth]).has(next, "10"));
        assert!(image(&[tenth]).has("cpe:/o:redhat:enterprise_linux:10", "10"));
        assert!(!image(&[tenth]).has("cpe:/o:redhat:enterprise_linux_eus:10.1::baseos", "10"));
        assert!(!image(&[]).has(extended, "8") && !image(&[]).has(base, "9"));
    }

    #[test]
    fn a_line_of_versions_is_told_by_the_name_it_has() {
        for (version, fixed, name, is) in [
            ("5.15.80-1", "5.15.90-1", "kernel-5.15", true),
            ("5.10.80-1", "5.15.90-1", "kernel-5.15", false),
            ("1.0-0~rc1", "1.0-0", "kernel-5.15", true),
            ("13.4-1", "14.6-1", "postgresql14", false),
            ("14.4-1", "14.6-1", "postgresql14", true),
            ("20.10.1-1", "25.0.1-1", "docker", true),
            ("1:14.18.2-1", "1:14.21.1-1", "14", true),
            ("1:12.22.1-1", "1:14.21.1-1", "14", false),
            ("3.2.2-1", "3.2.9-1", "2.7", true),
            ("3.1.2-1", "3.2.9-1", "2.7", false),
            ("4.2-1", "4.9-1", "ol8", true),
        ] {
            assert_eq!(is_of_line(version, fixed, name), is, "{version} {fixed} {name}");
        }
    }
}
