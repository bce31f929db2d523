//! rpm's database, in each form it has had: our own readers over the file's bytes, bounded and checking.
//!
//! A reader gives every header it can reach and a text for everything that is not as it should be. It never
//! gives nothing without saying why: two tools in wide use answer 'no packages' for most damaged databases.

mod bdb;
mod bytes;
mod header;
mod manifest;
mod ndb;
mod sqlite;
#[cfg(test)]
mod tests;

use crate::database::Found;
use crate::problem::{self, incomplete};
use header::RpmPackage;
use imagescan_image::{ReadAt, View};
use imagescan_model::{IncompleteKind, Package, PackageType, SourcePackage};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Folders of the database: the classic one, rpm's own since 4.16 in SUSE and Fedora, and rpm-ostree's.
const FOLDERS: [&str; 3] = ["var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm"];
/// Databases in the order in which one is preferred: a conversion leaves the older file behind.
const NAMES: [&str; 3] = ["rpmdb.sqlite", "Packages.db", "Packages"];
const MANIFEST: &str = "var/lib/rpmmanifest/container-manifest-2";

/// What to ask an image for.
pub(crate) const PATHS: [&str; 16] = [
    "var/lib/rpm/rpmdb.sqlite",
    "var/lib/rpm/rpmdb.sqlite-wal",
    "var/lib/rpm/rpmdb.sqlite-journal",
    "var/lib/rpm/Packages.db",
    "var/lib/rpm/Packages",
    "usr/lib/sysimage/rpm/rpmdb.sqlite",
    "usr/lib/sysimage/rpm/rpmdb.sqlite-wal",
    "usr/lib/sysimage/rpm/rpmdb.sqlite-journal",
    "usr/lib/sysimage/rpm/Packages.db",
    "usr/lib/sysimage/rpm/Packages",
    "usr/share/rpm/rpmdb.sqlite",
    "usr/share/rpm/rpmdb.sqlite-wal",
    "usr/share/rpm/rpmdb.sqlite-journal",
    "usr/share/rpm/Packages.db",
    "usr/share/rpm/Packages",
    MANIFEST,
];

/// Headers of a database, parsed, and what could not be read.
#[derive(Debug, Default)]
pub(crate) struct Blobs {
    pub packages: Vec<RpmPackage>,
    pub problems: Vec<String>,
}

impl Blobs {
    /// Takes the header that lies at `place`.
    fn take(&mut self, blob: &[u8], place: &str) {
        match header::parse(blob) {
            Ok(package) => self.packages.push(package),
            Err(error) => self.problems.push(format!("{place}: {error}")),
        }
    }
}

/// The database's files in `view`, each with its log; where there is none, the manifest.
pub(crate) fn files(view: View<'_>) -> Vec<String> {
    databases(view).iter().flat_map(|path| with_logs(view, path)).collect()
}

/// `path`, and its write-ahead log and rollback journal as far as they are there.
fn with_logs(view: View<'_>, path: &str) -> Vec<String> {
    let logs = ["-wal", "-journal"].map(|suffix| format!("{path}{suffix}"));
    std::iter::once(path.into()).chain(logs.into_iter().filter(|log| problem::stands(view, log))).collect()
}

/// The databases, the one that rpm uses first. One under several names (`var/lib/rpm` is often a link to the
/// second folder), or copied, is one.
fn databases(view: View<'_>) -> Vec<String> {
    let mut seen = Vec::new();
    let mut paths = Vec::new();
    for folder in FOLDERS {
        for path in NAMES.map(|name| format!("{folder}/{name}")) {
            if !problem::stands(view, &path) {
                continue;
            }
            let digest = |path: &String| Some(view.file(path).ok()??.digest());
            let content: Vec<Option<[u8; 32]>> = with_logs(view, &path).iter().map(digest).collect();
            // What cannot be opened is like nothing else.
            if content.contains(&None) || !seen.contains(&content) {
                seen.push(content);
                paths.push(path);
            }
        }
    }
    if paths.is_empty() && problem::stands(view, MANIFEST) {
        paths.push(MANIFEST.into());
    }
    // Without any other, what stands in the place of a folder hid one.
    if paths.is_empty() {
        paths.extend(FOLDERS.into_iter().filter(|folder| view.is_no_folder(folder)).map(String::from));
    }
    paths
}

/// All packages that rpm knows in `view`. Where several databases hold packages, those of the first: within one
/// folder that is the one rpm reads, and the others are remains. Which folder it reads is its configuration, so
/// that a second one which knows more is damage.
pub(crate) fn read(view: View<'_>) -> Found {
    let mut found = Found::default();
    let mut used: Option<String> = None;
    for path in databases(view) {
        let more = read_one(view, &path);
        found.problems.extend(more.problems);
        let Some(used) = &used else {
            used = (!more.packages.is_empty()).then_some(path);
            found.packages = more.packages;
            continue;
        };
        let known: BTreeSet<_> = found.packages.iter().map(Package::sort_key).collect();
        let unknown = more.packages.iter().filter(|package| !known.contains(&package.sort_key())).count();
        if unknown > 0 {
            let folder = |path: &str| path.rsplit_once('/').map(|(folder, _)| String::from(folder));
            let why =
                format!("a second database: {unknown} packages of it are not in `{used}`, which is listed");
            let remains = folder(used) == folder(&path);
            let what = if remains { IncompleteKind::File } else { IncompleteKind::PackageDatabase };
            found.problems.push(incomplete(what, &path, why));
        }
    }
    found
}

fn read_one(view: View<'_>, path: &str) -> Found {
    let mut found = Found::default();
    let what = IncompleteKind::PackageDatabase;
    let Some(file) = problem::file(view, path, what, &mut found.problems) else { return found };
    let files = with_logs(view, path);
    let beside = |suffix: &str| files.iter().find(|path| path.ends_with(suffix));
    let wal = beside("-wal").and_then(|wal| problem::file(view, wal, what, &mut found.problems));
    let blobs = match path.rsplit('/').next().unwrap_or_default() {
        "rpmdb.sqlite" => sqlite::read(&file, wal.as_ref().map(|wal| wal as &dyn ReadAt)),
        "Packages.db" => ndb::read(&file),
        "Packages" => bdb::read(&file),
        _ => {
            let bytes = problem::bytes(&file, what, &mut found.problems).unwrap_or_default();
            let (packages, problems) = manifest::read(&bytes);
            Blobs { packages, problems }
        }
    };
    // A rollback journal with content: the database was being written when the layer was made.
    let journal = beside("-journal").and_then(|path| view.file(path).ok().flatten());
    if journal.is_some_and(|journal| !journal.is_empty()) {
        found.problems.push(incomplete(what, path, "a rollback journal lies beside it: rpm was interrupted"));
    }
    if blobs.packages.is_empty() && blobs.problems.is_empty() {
        found.problems.push(incomplete(
            what,
            path,
            "it holds no package: no system has an empty one, it is damaged",
        ));
    }
    found.problems.extend(blobs.problems.into_iter().map(|why| incomplete(what, path, why)));
    found.packages = blobs.packages.into_iter().map(package).collect();
    found
}

fn package(rpm: RpmPackage) -> Package {
    let version = match rpm.epoch {
        Some(epoch) => format!("{epoch}:{}-{}", rpm.version, rpm.release),
        None => format!("{}-{}", rpm.version, rpm.release),
    };
    let time = |seconds: Option<u32>| Timestamp::from_second(i64::from(seconds?)).ok();
    Package {
        architecture: rpm.arch,
        source: rpm.source_rpm.as_deref().and_then(source),
        module: rpm.module,
        vendor: rpm.vendor,
        maintainer: rpm.packager,
        licence: rpm.licence,
        built_at: time(rpm.build_time),
        installed_at: time(rpm.install_time),
        ..Package::new(PackageType::Rpm, rpm.name, version)
    }
}

/// `NAME-VERSION-RELEASE.src.rpm`.
fn source(file: &str) -> Option<SourcePackage> {
    let stem = file.strip_suffix(".src.rpm").or_else(|| file.strip_suffix(".nosrc.rpm"))?;
    let (rest, release) = stem.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    Some(SourcePackage { name: name.into(), version: Some(format!("{version}-{release}")) })
}
