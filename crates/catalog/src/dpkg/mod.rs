//! dpkg's database: `var/lib/dpkg/status`, its journal, and the one-file-a-package form of distroless images.
//!
//! dpkg(1) rewrites `status` rarely: between, each change is a numbered file in `updates/`, later ones over
//! earlier ones and over `status` (dpkg's `dbmodify.c`). Distroless images have `status.d/NAME` instead, one
//! stanza each, without a `Status` field, beside `NAME.md5sums`.

pub(crate) mod dates;
mod stanza;

use crate::database::{self, Found};
use crate::problem::{self, Damage, incomplete};
use crate::text::{is_sane, some, text};
use imagescan_image::{File, View};
use imagescan_model::{Incomplete, IncompleteKind, Package, PackageState, PackageType, SourcePackage};
use stanza::{Stanza, Stanzas};
use std::collections::BTreeMap;
use std::io;

const FOLDER: &str = "var/lib/dpkg";
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
    let is_journal = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    files.extend(listed(view, UPDATES, is_journal));
    files.extend(listed(view, STATUS_D, |name| !name.ends_with(".md5sums")));
    files.retain(|path| problem::stands(view, path));
    files.extend(
        [FOLDER, UPDATES, STATUS_D].into_iter().filter(|folder| view.is_no_folder(folder)).map(String::from),
    );
    files.dedup();
    files
}

/// The paths in `folder` whose names are wanted; the folder's own where it cannot be listed, so that reading it
/// says why.
fn listed(view: View<'_>, folder: &str, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
    match view.list(folder) {
        Ok(names) => {
            names.iter().filter(|name| is_wanted(name)).map(|name| format!("{folder}/{name}")).collect()
        }
        Err(_) => vec![folder.into()],
    }
}

/// By name and architecture.
type Packages = BTreeMap<(String, String), Package>;

/// What a file of the database holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// All packages.
    Status,
    /// What changed since.
    Journal,
    /// One package of a distroless image.
    Single,
}

/// The packages whose files are on disk.
pub(crate) fn read(view: View<'_>) -> Found {
    let mut problems = Vec::new();
    let mut packages = Packages::new();
    for path in files(view) {
        let what = IncompleteKind::PackageDatabase;
        let Some(file) = problem::file(view, &path, what, &mut problems) else { continue };
        let form = match path.as_str() {
            STATUS => Form::Status,
            path if path.starts_with(UPDATES) => Form::Journal,
            _ => Form::Single,
        };
        if let Err(error) = read_file(&file, &path, form, &mut packages, &mut problems) {
            problems.push(incomplete(what, &path, error.to_string()));
        }
    }
    Found { packages: packages.into_values().collect(), problems }
}

fn read_file(
    file: &File<'_>,
    path: &str,
    form: Form,
    packages: &mut Packages,
    problems: &mut Vec<Incomplete>,
) -> io::Result<()> {
    let mut stanzas = Stanzas::new(file);
    let mut damage = Damage::of(path);
    let mut number = 0_u64;
    while let Some(stanza) = stanzas.next()? {
        number += 1;
        let taken = said(&stanza, form).and_then(|said| take(said, form, packages));
        if let Err(why) = taken {
            let name = stanza.field("Package").map(text).unwrap_or_default();
            damage.add(format!("entry {number}"), &name, why, problems);
        }
        if database::is_full(packages.len(), path, problems) {
            break;
        }
    }
    damage.end(problems);
    let mut damaged = |why: &str| problems.push(incomplete(IncompleteKind::PackageDatabase, path, why));
    if stanzas.lines.has_zeros() {
        damaged("it holds zero bytes: it is damaged");
    }
    // dpkg itself refuses such a file. Builders of distroless images are less strict with theirs.
    if stanzas.lines.is_unended() && form != Form::Single {
        damaged("its last line has no end: it is cut short");
    }
    if number == 0 && form == Form::Single {
        damaged("it holds no package");
    }
    Ok(())
}

/// What one stanza says.
enum Said {
    Installed(Box<Package>),
    /// By name and architecture, where that is said.
    Gone(String, String),
}

/// Lets what a stanza said hold.
fn take(said: Said, form: Form, packages: &mut Packages) -> Result<(), &'static str> {
    let others = |packages: &Packages, name: &String| -> Vec<(String, String)> {
        let of_name = packages.range((name.clone(), String::new())..);
        of_name.map(|(key, _)| key).take_while(|key| key.0 == *name).cloned().collect()
    };
    match said {
        Said::Installed(package) => {
            // Only a `Multi-Arch: same` package can stand beside itself: any other is replaced, whatever its
            // architecture was (dpkg's parsedb.c, where a stanza finds its slot).
            if form == Form::Journal && package.multi_arch.as_deref() != Some("same") {
                others(packages, &package.name).iter().for_each(|key| drop(packages.remove(key)));
            }
            let key = (package.name.clone(), package.architecture.clone().unwrap_or_default());
            packages.insert(key, *package);
        }
        Said::Gone(name, architecture) => {
            let key = (name, architecture);
            if packages.remove(&key).is_none() && form == Form::Journal {
                // What is purged has no architecture any more.
                match others(packages, &key.0).as_slice() {
                    [] => {}
                    [other] => drop(packages.remove(other)),
                    _ => return Err("it does not say which architecture is gone"),
                }
            }
        }
    }
    Ok(())
}

fn said(stanza: &Stanza, form: Form) -> Result<Said, &'static str> {
    if let Some(damage) = stanza.damage {
        return Err(damage);
    }
    let name = stanza.field("Package").map(text).filter(|name| is_sane(name)).ok_or("it has no name")?;
    let architecture = stanza.field("Architecture").and_then(some);
    let (hold, state) = match stanza.field("Status") {
        None if form == Form::Single => (false, Some(PackageState::Installed)),
        None => return Err("it has no status"),
        Some(status) => status_of(&text(status))?,
    };
    let Some(state) = state else { return Ok(Said::Gone(name, architecture.unwrap_or_default())) };
    let version = stanza.field("Version").map(text).filter(|version| is_sane(version));
    let mut package = Package::new(PackageType::Deb, name, version.ok_or("it has no version")?);
    package.architecture = architecture;
    package.state = state;
    package.hold = hold;
    package.source = stanza.field("Source").filter(|source| !source.is_empty()).map(source).transpose()?;
    package.maintainer = stanza.field("Maintainer").and_then(some);
    package.origin = stanza.field("Origin").and_then(some);
    package.essential = stanza.field("Essential").is_some_and(|value| value.eq_ignore_ascii_case(b"yes"));
    package.multi_arch = stanza.field("Multi-Arch").and_then(some).filter(|value| value != "no");
    if let Some(built) = stanza.field("Built-Using").map(text) {
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
    if !matches!(want, "unknown" | "install" | "hold" | "deinstall" | "purge") {
        return Err("its wanted state is none of dpkg's");
    }
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
fn source(value: &[u8]) -> Result<SourcePackage, &'static str> {
    let value = text(value);
    let (name, version) = match value.split_once('(') {
        Some((name, version)) => (name.trim(), Some(version.trim_end_matches(')').trim())),
        None => (value.as_str(), None),
    };
    if !is_sane(name) || version.is_some_and(|version| !is_sane(version)) {
        return Err("its source is no `name (version)`");
    }
    Ok(SourcePackage { name: name.into(), version: version.map(String::from) })
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
Version: 2
";

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
    fn a_journal_entry_replaces_the_package_whatever_its_architecture() {
        let stanza = |name: &str, status: &str, rest: &str| {
            format!("Package: {name}\nStatus: {status}\n{rest}Version: 1\n\n")
        };
        let installed = "install ok installed";
        let same = |architecture: &str| format!("Multi-Arch: same\nArchitecture: {architecture}\n");
        let status = [
            stanza("a", installed, "Architecture: amd64\n"),
            stanza("libc6", installed, &same("amd64")),
            stanza("libc6", installed, &same("i386")),
            stanza("purged", installed, "Architecture: amd64\n"),
        ];
        let read = |journal: &str| {
            let found = read_files(&[
                (STATUS, status.concat().as_bytes()),
                ("var/lib/dpkg/updates/0", journal.as_bytes()),
            ]);
            let named =
                |package: &Package| format!("{}:{}", package.name, package.architecture.as_deref().unwrap());
            (found.packages.iter().map(named).collect::<Vec<_>>().join(" "), found.problems.len())
        };
        let all = stanza("a", installed, "Architecture: all\n");
        assert_eq!(read(&all), ("a:all libc6:amd64 libc6:i386 purged:amd64".into(), 0));
        let newer = stanza("libc6", installed, &same("i386"));
        assert_eq!(read(&newer), ("a:amd64 libc6:amd64 libc6:i386 purged:amd64".into(), 0));
        let purged = stanza("purged", "unknown ok not-installed", "");
        assert_eq!(read(&purged), ("a:amd64 libc6:amd64 libc6:i386".into(), 0));
        // dpkg would not know which one either.
        let either = stanza("libc6", "unknown ok not-installed", "");
        assert_eq!(read(&either), ("a:amd64 libc6:amd64 libc6:i386 purged:amd64".into(), 1));
    }

    #[test]
    fn damage_is_never_silence() {
        let whole = |text: &str| format!("{text}\nVersion: 1\nStatus: install ok installed\n");
        let unended = STATUS_TEXT.trim_end();
        let source = whole("Package: a\nSource: (1)");
        let merged = whole(&whole("Package: a").replace("Status", "Package: b\nStatus"));
        for (text, packages) in [
            (unended, 2),
            ("nonsense", 0),
            ("nonsense\n", 0),
            ("Package: a\nStatus: install ok installed\n\n", 0),
            ("Package: a\nVersion: 1\n", 0),
            ("Package: a\nVersion: 1\nStatus: install ok shining\n", 0),
            ("Package: a\nVersion: 1\nStatus: hole ok installed\n", 0),
            ("\0\0\0\0", 0),
            (&source, 0),
            (&merged, 0),
        ] {
            let found = read_files(&[(STATUS, text.as_bytes())]);
            assert_eq!(found.packages.len(), packages, "{text:?}");
            assert!(!found.problems.is_empty(), "{text:?}");
        }
        let odd = whole("Package: \u{1}").replace('\u{1}', "x").into_bytes();
        let odd: Vec<u8> = odd.into_iter().map(|byte| if byte == b'x' { 0xff } else { byte }).collect();
        let odd = read_files(&[(STATUS, &odd)]);
        assert_eq!((odd.packages.len(), odd.problems.len()), (1, 0));
    }

    #[test]
    fn damaged_entries_are_named_up_to_a_bound_and_then_counted() {
        let found = read_files(&[(STATUS, "x\n\n".repeat(1000).as_bytes())]);
        assert_eq!(found.problems.len(), 101);
        assert_eq!(found.problems[100].why, "900 more entries are damaged");
        let one = |number: u32| format!("Package: {number}\nVersion: 1\nStatus: hold ok installed\n\n");
        let many = read_files(&[(STATUS, (0..100_001).map(one).collect::<String>().as_bytes())]);
        assert_eq!((many.packages.len(), many.problems.len()), (100_000, 1));
    }

    #[test]
    fn what_stands_in_the_place_of_the_database_is_said() {
        let layer = || TreeBuilder::new().layer();
        for tree in [
            layer().symlink(STATUS_D, "status.d"),
            layer().symlink(STATUS_D, "nowhere"),
            layer().symlink(FOLDER, "/srv/nowhere"),
            layer().special(FOLDER),
            layer().special(STATUS),
            layer().folder(STATUS),
            layer().special("var/lib/dpkg/updates/0001"),
        ] {
            let found = read(tree.build().top());
            let kinds: Vec<_> = found.problems.iter().map(|problem| problem.what).collect();
            assert_eq!(kinds, [IncompleteKind::PackageDatabase], "{:?}", found.problems);
        }
        let empty = layer().folder(FOLDER).folder(UPDATES).symlink("srv", FOLDER);
        assert_eq!(read(empty.build().top()).problems, []);
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
