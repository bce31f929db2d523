//! Lists of purls as targets: one a line, an inventory for each distribution.

use imagescan_model::{Inventory, Package, PackageType, Release, SourcePackage, System};
use std::collections::BTreeMap;

/// Lines of a list.
const LINES: usize = 1_000_000;

/// Why a list cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PurlError {
    /// A line that is no purl, or one we need more of.
    #[error("line {line}, `{}`: {why}", text.escape_debug())]
    Line {
        /// Its number, from 1.
        line: usize,
        /// Its beginning.
        text: String,
        /// What is wrong.
        why: &'static str,
    },
    /// More lines than anybody lists.
    #[error("more than {LINES} lines")]
    TooMany,
    /// No purl at all.
    #[error(
        "there is no purl in it: write one a line, such as pkg:deb/debian/bash@5.2.15-2?distro=debian-12"
    )]
    Empty,
}

/// What tells one system from another: `id`, `version_id`, `codename`.
type SystemKey = (Option<String>, Option<String>, Option<String>);

/// The packages that `text` lists, by distribution, sorted. Empty lines and lines that begin with `#` are
/// skipped. Such a list has no age.
///
/// # Errors
/// [`PurlError`] names the line.
pub fn purls(text: &str, target: &str) -> Result<Vec<Inventory>, PurlError> {
    let mut systems: BTreeMap<SystemKey, (System, Vec<Package>)> = BTreeMap::new();
    for (line, content) in (1..).zip(text.lines()) {
        if line > LINES {
            return Err(PurlError::TooMany);
        }
        let content = content.trim();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let failed = |why| PurlError::Line { line, text: content.chars().take(120).collect(), why };
        let (system, package) = parse(content).map_err(failed)?;
        let key = (system.id.clone(), system.version_id.clone(), system.codename.clone());
        systems.entry(key).or_insert_with(|| (system, Vec::new())).1.push(package);
    }
    if systems.is_empty() {
        return Err(PurlError::Empty);
    }
    let inventory = |(system, mut packages): (System, Vec<Package>)| {
        packages.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        // The same package, its purl written in another way.
        packages
            .dedup_by(|a, b| (a.sort_key(), &a.source, &a.module) == (b.sort_key(), &b.source, &b.module));
        Inventory { target: target.into(), system, packages, ..Inventory::default() }
    };
    Ok(systems.into_values().map(inventory).collect())
}

/// The system and the package of one purl.
fn parse(text: &str) -> Result<(System, Package), &'static str> {
    let rest = text.strip_prefix("pkg:").ok_or("it does not begin with pkg:")?;
    let rest = rest.split('#').next().unwrap_or(rest);
    let (path, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
    let mut fields = BTreeMap::new();
    for pair in qualifiers.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or("a qualifier has no value")?;
        fields.insert(name.to_ascii_lowercase(), decode(value)?);
    }
    let (path, version) = path.rsplit_once('@').ok_or("it has no version")?;
    let mut segments = path.trim_matches('/').split('/').filter(|segment| !segment.is_empty());
    let kind = segments.next().ok_or("it has no type")?.to_ascii_lowercase();
    let mut names: Vec<String> = segments.map(decode).collect::<Result<_, _>>()?;
    let name = names.pop().filter(|name| !name.is_empty()).ok_or("it has no name")?;
    let version = decode(version)?;
    if version.is_empty() {
        return Err("it has no version");
    }
    let version = match fields.get("epoch") {
        Some(epoch) => with_epoch(&kind, epoch, version)?,
        None => version,
    };
    let mut package = Package::new(PackageType::from(kind), name, version);
    package.architecture = fields.get("arch").cloned();
    package.module = fields.get("rpmmod").cloned();
    // No upstream: name and version are the source's.
    package.source = fields.get("upstream").map(|upstream| match upstream.split_once('@') {
        Some((name, version)) => SourcePackage { name: name.into(), version: Some(version.into()) },
        None => SourcePackage { name: upstream.clone(), version: None },
    });
    package.purl = text.into();
    let system = system(fields.get("distro").map(String::as_str), names.first().map(String::as_str));
    Ok((system, package))
}

/// `version` with the qualifier's epoch, written as the type's own tool writes it.
fn with_epoch(kind: &str, epoch: &str, version: String) -> Result<String, &'static str> {
    let number: u32 = epoch.parse().map_err(|_| "its epoch is no number")?;
    if !matches!(kind, "alpm" | "deb" | "rpm") {
        return Err("versions of its type have no epoch");
    }
    match version.split_once(':') {
        Some((own, _)) if own.parse() == Ok(number) => Ok(version),
        Some(_) => Err("the epoch in its version is not that of its qualifier"),
        // Of a missing epoch and 0, only rpm writes the second.
        None if number == 0 && kind != "rpm" => Ok(version),
        None => Ok(format!("{number}:{version}")),
    }
}

/// `debian-12`, `debian-bookworm`, `rhel-9.4`, `alpine-3.20.3`; the purl's namespace where the id is missing.
fn system(distro: Option<&str>, namespace: Option<&str>) -> System {
    let Some(distro) = distro else { return System::default() };
    let (id, version) = distro.rsplit_once('-').unwrap_or_else(|| {
        let is_id = !distro.starts_with(|first: char| first.is_ascii_digit());
        if is_id && namespace.is_none_or(|namespace| namespace == distro) {
            (distro, "")
        } else {
            (namespace.unwrap_or_default(), distro)
        }
    });
    let numeric = version.starts_with(|first: char| first.is_ascii_digit());
    let text = |text: &str| Some(String::from(text)).filter(|text| !text.is_empty());
    let named =
        Release::debian_codename(version).filter(|release| id == "debian" && release.version != "sid");
    System {
        id: text(&id.to_ascii_lowercase()),
        // `debian-bookworm` is `debian-12`.
        codename: text(version).filter(|_| !numeric && named.is_none()),
        version_id: named.map(|release| release.version).or_else(|| text(version).filter(|_| numeric)),
        ..System::default()
    }
}

fn decode(text: &str) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) =
            rest.split_at_checked(2).ok_or("a percent sign is not followed by two digits")?;
        let digits = std::str::from_utf8(digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(digits.ok_or("a percent sign is not followed by two digits")?);
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| "it is no UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_distribution_is_an_entry_of_its_own() {
        let text = "# ours\npkg:deb/debian/libstdc%2B%2B6@12.2.0-14?arch=amd64&distro=debian-12&upstream=gcc-12\n\n\
            pkg:apk/alpine/musl@1.2.5-r0?distro=alpine-3.20.3\n\
            pkg:deb/debian/bash@5.2.15-2+b8?upstream=bash@5.2.15-2&distro=debian-12\n\
            pkg:rpm/rhel/bind@9.16-1?epoch=32&distro=rhel-9.4\n";
        let lists = purls(text, "purl:x").unwrap();
        let releases: Vec<_> = lists.iter().map(|list| list.system.release().unwrap().to_string()).collect();
        assert_eq!(releases, ["alpine:3.20", "debian:12", "rhel:9"]);
        let debian = &lists[1];
        assert_eq!(debian.packages[0].source_or_self(), ("bash", "5.2.15-2"));
        assert_eq!(debian.packages[1].source_or_self(), ("gcc-12", "12.2.0-14"));
        assert_eq!(lists[2].packages[0].version, "32:9.16-1");
        assert!(debian.age.is_none());
    }

    #[test]
    fn an_epoch_is_said_in_the_version_or_in_the_qualifier() {
        let version = |purl: &str| match purls(purl, "") {
            Ok(lists) => lists[0].packages[0].version.clone(),
            Err(error) => error.to_string(),
        };
        for (purl, expected) in [
            ("pkg:deb/debian/zlib1g@1.2.13?epoch=1&distro=debian-12", "1:1.2.13"),
            ("pkg:deb/debian/zlib1g@1:1.2.13?epoch=1", "1:1.2.13"),
            ("pkg:deb/debian/zlib1g@1%3A1.2.13?epoch=1", "1:1.2.13"),
            ("pkg:deb/debian/bash@5.2?epoch=0", "5.2"),
            ("pkg:alpm/arch/a@1-1?epoch=2", "2:1-1"),
            ("pkg:rpm/rhel/bash@5.1-1?epoch=0", "0:5.1-1"),
            ("pkg:rpm/rhel/bind@32:9.16-1?epoch=32", "32:9.16-1"),
        ] {
            assert_eq!(version(purl), expected, "{purl}");
        }
        for (purl, why) in [
            ("pkg:deb/debian/a@2:1?epoch=1", "not that of its qualifier"),
            ("pkg:rpm/rhel/a@0:1-1?epoch=1", "not that of its qualifier"),
            ("pkg:deb/debian/a@1?epoch=one", "no number"),
            ("pkg:apk/alpine/a@1-r0?epoch=1", "have no epoch"),
        ] {
            assert!(version(purl).contains(why), "{purl}: {}", version(purl));
        }
    }

    #[test]
    fn codenames_and_bare_versions_name_a_release() {
        for (distro, release) in [
            ("debian-bookworm", "debian:12"),
            ("bookworm", "debian:12"),
            ("debian-sid", "debian:sid"),
            ("12", "debian:12"),
        ] {
            let lists = purls(&format!("pkg:deb/debian/a@1?distro={distro}"), "").unwrap();
            assert_eq!(
                lists[0].system.release().map(|release| release.to_string()).as_deref(),
                Some(release)
            );
        }
        assert_eq!(purls("pkg:deb/debian/a@1", "").unwrap()[0].system, System::default());
    }

    #[test]
    fn one_release_is_one_entry_however_it_is_written() {
        let text = "pkg:deb/debian/a@1?distro=debian-bookworm\npkg:deb/debian/b@1?distro=12\n\
            pkg:deb/debian/c@1?distro=debian-12\npkg:deb/devuan/d@1?distro=12\npkg:deb/debian/a@1?distro=bookworm\n";
        let lists = purls(text, "").unwrap();
        let names =
            |list: &Inventory| list.packages.iter().map(|package| package.name.clone()).collect::<String>();
        let found: Vec<_> = lists.iter().map(|list| (list.system.id.clone().unwrap(), names(list))).collect();
        assert_eq!(found, [("debian".into(), "abc".into()), ("devuan".into(), "d".into())]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String, line in "pkg:[a-z/%@?&=:#0-9é]{0,40}") {
            drop(purls(&text, ""));
            drop(purls(&line, ""));
        }
    }

    #[test]
    fn a_wrong_line_is_named() {
        for text in ["x", "pkg:deb/a", "pkg:deb/@1", "pkg:deb/a%4@1", "pkg:deb/a@1?x", "pkg:@1", ""] {
            assert!(purls(text, "").is_err(), "{text}");
        }
        let error = purls("\npkg:deb/a\u{1b}", "").unwrap_err();
        assert_eq!(error.to_string(), "line 2, `pkg:deb/a\\u{1b}`: it has no version");
    }
}
