//! dpkg's database: `var/lib/dpkg/status`, its journal, and the one-file-a-package form of distroless images.
//!
//! dpkg(1) rewrites `status` rarely: between, each change is a numbered file in `updates/`, later ones over
//! earlier ones and over `status` (dpkg's `dbmodify.c`). Distroless images have `status.d/NAME` instead, one
//! stanza each, without a `Status` field, beside `NAME.md5sums`.

pub(crate) mod dates;
mod stanza;

use crate::database::Found;
use crate::problem::{self, incomplete};
use crate::text::{is_sane, some, text};
use imagescan_image::View;
use imagescan_model::{IncompleteKind, Package, PackageState, PackageType, SourcePackage};
use stanza::{Stanza, stanzas};
use std::collections::BTreeMap;

const STATUS: &str = "var/lib/dpkg/status";
const UPDATES: &str = "var/lib/dpkg/updates";
const STATUS_D: &str = "var/lib/dpkg/status.d";

/// What to ask an image for.
pub(crate) const PATHS: [&str; 4] =
    [STATUS, "var/lib/dpkg/updates/*", "var/lib/dpkg/status.d/*", "var/lib/dpkg/info/*.list"];

/// The database's files in `view`, in the order they are read. Empty: there is none.
pub(crate) fn files(view: View<'_>) -> Vec<String> {
    let mut files = vec![String::from(STATUS)];
    // dpkg takes names of digits only, all of one length, and reads them in order.
    let updates = view.list(UPDATES).unwrap_or_default();
    let is_journal = |name: &&String| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    files.extend(updates.iter().filter(is_journal).map(|name| format!("{UPDATES}/{name}")));
    let single = view.list(STATUS_D).unwrap_or_default();
    files.extend(
        single.iter().filter(|name| !name.ends_with(".md5sums")).map(|name| format!("{STATUS_D}/{name}")),
    );
    files.retain(|path| !matches!(view.file(path), Ok(None)));
    files
}

/// The packages whose files are on disk.
pub(crate) fn read(view: View<'_>) -> Found {
    let mut found = Found::default();
    let mut packages: BTreeMap<(String, String), Package> = BTreeMap::new();
    for path in files(view) {
        let what = IncompleteKind::PackageDatabase;
        let Some(file) = problem::file(view, &path, what, &mut found.problems) else { continue };
        let Some(bytes) = problem::bytes(&file, what, &mut found.problems) else { continue };
        let single = path.starts_with(STATUS_D);
        let mut count = 0;
        for (number, stanza) in (1..).zip(stanzas(&bytes)) {
            count = number;
            match package(&stanza, single) {
                Ok(Said::Installed(package)) => {
                    let key = (package.name.clone(), package.architecture.clone().unwrap_or_default());
                    packages.insert(key, *package);
                }
                // A later entry of the journal takes it away.
                Ok(Said::Gone(name, architecture)) => {
                    packages.remove(&(name, architecture));
                }
                Err(why) => {
                    let name = stanza.field("Package").map(text).unwrap_or_default();
                    let why = format!("entry {number} (`{}`): {why}", name.escape_debug());
                    found.problems.push(incomplete(IncompleteKind::Package, &path, why));
                }
            }
        }
        // An empty status is what dpkg itself starts from; anything else with no entry is damage.
        if count == 0 && !bytes.trim_ascii().is_empty() {
            found.problems.push(incomplete(what, &path, "it holds no entry: it is damaged"));
        }
        if bytes.contains(&0) {
            found.problems.push(incomplete(what, &path, "it holds zero bytes: it is damaged"));
        }
    }
    found.packages = packages.into_values().collect();
    found
}

enum Said {
    Installed(Box<Package>),
    Gone(String, String),
}

/// What one stanza says.
fn package(stanza: &Stanza<'_>, single: bool) -> Result<Said, &'static str> {
    if stanza.damaged {
        return Err("a line is neither a field nor a continuation");
    }
    let name = stanza.field("Package").map(text).filter(|name| is_sane(name)).ok_or("it has no name")?;
    let architecture = stanza.field("Architecture").and_then(some);
    let (hold, state) = match stanza.field("Status") {
        None if single => (false, Some(PackageState::Installed)),
        None => return Err("it has no status"),
        Some(status) => status_of(&text(status))?,
    };
    let Some(state) = state else { return Ok(Said::Gone(name, architecture.unwrap_or_default())) };
    let version = stanza.field("Version").map(text).filter(|version| is_sane(version));
    let mut package = Package::new(PackageType::Deb, name, version.ok_or("it has no version")?);
    package.architecture = architecture;
    package.state = state;
    package.hold = hold;
    package.source = stanza.field("Source").map(source);
    package.maintainer = stanza.field("Maintainer").and_then(some);
    package.origin = stanza.field("Origin").and_then(some);
    package.essential = stanza.field("Essential").is_some_and(|value| value.eq_ignore_ascii_case(b"yes"));
    package.multi_arch = stanza.field("Multi-Arch").and_then(some).filter(|value| value != "no");
    if let Some(built) = stanza.field("Built-Using").and_then(some) {
        package.built_using = built.split(',').map(|source| source.trim().to_string()).collect();
        package.built_using.retain(|source| !source.is_empty());
        package.built_using.sort();
    }
    Ok(Said::Installed(Box::new(package)))
}

/// `Status: want flag state` (dpkg-query(1)): whether it is on hold, and the state if files are on disk.
fn status_of(status: &str) -> Result<(bool, Option<PackageState>), &'static str> {
    let words: Vec<&str> = status.split_whitespace().collect();
    let &[want, _, state] = words.as_slice() else { return Err("its status is not three words") };
    let state = match state {
        "installed" => Some(PackageState::Installed),
        "unpacked" => Some(PackageState::Unpacked),
        "half-configured" => Some(PackageState::HalfConfigured),
        "triggers-awaited" => Some(PackageState::TriggersAwaited),
        "triggers-pending" => Some(PackageState::TriggersPending),
        "not-installed" | "config-files" | "half-installed" => None,
        _ => return Err("its state is none of dpkg's"),
    };
    Ok((want == "hold", state))
}

/// `NAME` or `NAME (VERSION)`.
fn source(value: &[u8]) -> SourcePackage {
    let value = text(value);
    match value.split_once('(') {
        Some((name, version)) => {
            let version = version.trim_end().trim_end_matches(')').trim();
            SourcePackage { name: name.trim().into(), version: Some(version.into()) }
        }
        None => SourcePackage { name: value, version: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use imagescan_image::TreeBuilder;
    use proptest::prelude::*;

    fn read_files(files: &[(&str, &[u8])]) -> Found {
        let tree =
            files.iter().fold(TreeBuilder::new().layer(), |tree, (path, bytes)| tree.file(path, bytes, 0));
        read(tree.build().top())
    }

    const STATUS_TEXT: &str = "\
Package: openssl
Essential: yes
Status: hold ok installed
Maintainer: A <a@deb.example>
Architecture: amd64
Multi-Arch: same
Source: openssl-src (3.0.11-1)
Version: 3.0.11-1+b1
Built-Using: glibc (= 2.36-9), a (= 1)
Description: x
 Status: deinstall ok config-files

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: half
Status: install reinstreq half-installed
Architecture: amd64
Version: 1

Package: waits
Status: install ok triggers-awaited
Architecture: all
Version: 2";

    #[test]
    fn packages_whose_files_are_on_disk_are_listed_with_what_dpkg_says_of_them() {
        let found = read_files(&[(STATUS, STATUS_TEXT.as_bytes())]);
        assert_eq!(found.problems, []);
        let [openssl, waits] = &found.packages[..] else { panic!("{:?}", found.packages) };
        assert!(openssl.hold && openssl.essential);
        assert_eq!(openssl.multi_arch.as_deref(), Some("same"));
        assert_eq!(openssl.source_or_self(), ("openssl-src", "3.0.11-1"));
        assert_eq!(openssl.built_using, ["a (= 1)", "glibc (= 2.36-9)"]);
        assert_eq!((waits.state, waits.source_or_self()), (PackageState::TriggersAwaited, ("waits", "2")));
    }

    #[test]
    fn the_journal_goes_over_the_status_file() {
        let newer = "Package: openssl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 9\n";
        let gone = "Package: waits\nStatus: purge ok not-installed\nArchitecture: all\n";
        let found = read_files(&[
            (STATUS, STATUS_TEXT.as_bytes()),
            ("var/lib/dpkg/updates/0001", newer.as_bytes()),
            ("var/lib/dpkg/updates/0002", gone.as_bytes()),
            ("var/lib/dpkg/updates/tmp.i", b"Package: waits\n"),
        ]);
        assert_eq!(found.problems, []);
        assert_eq!(found.packages.len(), 1);
        assert_eq!((&*found.packages[0].version, found.packages[0].hold), ("9", false));
    }

    #[test]
    fn distroless_packages_have_a_file_each() {
        let found = read_files(&[
            ("var/lib/dpkg/status.d/libc6", b"Package: libc6\nVersion: 2.36-9\nArchitecture: amd64\n"),
            ("var/lib/dpkg/status.d/libc6.md5sums", b"0123 usr/lib/libc.so.6\n"),
        ]);
        assert_eq!((found.packages.len(), found.problems.len()), (1, 0));
    }

    #[test]
    fn damage_is_never_silence() {
        let cut = &STATUS_TEXT.as_bytes()[..STATUS_TEXT.len() - 12];
        for (bytes, packages) in [
            (cut, 1),
            (&b"nonsense"[..], 0),
            (b"Package: a\nStatus: install ok installed\n\n", 0),
            (b"Package: a\nVersion: 1\n", 0),
            (b"Package: a\nVersion: 1\nStatus: install ok shining\n", 0),
            (b"\0\0\0\0", 0),
        ] {
            let found = read_files(&[(STATUS, bytes)]);
            assert_eq!(found.packages.len(), packages, "{}", bytes.escape_ascii());
            assert!(!found.problems.is_empty(), "{}", bytes.escape_ascii());
        }
        let odd = read_files(&[(
            STATUS,
            b"Package: \xff\nVersion: 1\nArchitecture: a\nStatus: install ok installed",
        )]);
        assert_eq!((odd.packages.len(), odd.problems.len()), (1, 0));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, cut in 0..STATUS_TEXT.len(), at in 0..STATUS_TEXT.len(), byte: u8) {
            read_files(&[(STATUS, &bytes)]);
            let mut near = STATUS_TEXT.as_bytes().to_vec();
            near[at] = byte;
            near.truncate(cut);
            read_files(&[(STATUS, &near)]);
        }
    }
}
