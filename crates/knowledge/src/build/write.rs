//! Files into their folder, so that at any instant the database there is the old one or the new one.
//!
//! Segments first, each under a temporary name, synced, then renamed to its digest; then the folder is synced;
//! then the manifest the same way. Readers take no lock: they read the manifest and map what it names.
//! Builds take one, on the file `lock`, so that one may clear away what a killed one left.

use super::BuildError;
use crate::manifest::{self, Manifest};
use imagescan_model::Digest;
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

const TEMPORARY: &str = ".new-";

/// A database folder that this build alone writes to.
pub(crate) struct Folder {
    dir: PathBuf,
    segments: PathBuf,
    /// Held, not read: the lock ends with it.
    _lock: File,
}

impl Folder {
    /// Makes the folder where there is none, and locks it.
    pub(crate) fn open(dir: &Path) -> Result<Self, BuildError> {
        let segments = manifest::segments_dir(dir);
        fs::create_dir_all(&segments).map_err(|source| failed("make", &segments, source))?;
        let lock_path = dir.join("lock");
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(|source| failed("open", &lock_path, source))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => BuildError::Busy { dir: dir.into() },
            TryLockError::Error(source) => failed("lock", &lock_path, source),
        })?;
        let folder = Self { dir: dir.into(), segments, _lock: lock };
        folder.remove_leftovers();
        Ok(folder)
    }

    /// Puts a segment in place, unless the very same file is there.
    pub(crate) fn put_segment(&self, digest: &Digest, bytes: &[u8]) -> Result<(), BuildError> {
        let path = self.segments.join(digest.hex());
        // By content, not by name: a build mends a damaged file.
        let same = |found: fs::Metadata| found.is_file() && found.len() == bytes.len() as u64;
        if fs::symlink_metadata(&path).is_ok_and(same) && fs::read(&path).is_ok_and(|found| found == bytes) {
            return Ok(());
        }
        replace(&path, digest.hex(), bytes)
    }

    /// Makes `manifest`, whose bytes are `bytes`, the one that readers find. From then on the build stands.
    pub(crate) fn put_manifest(&self, bytes: &[u8], manifest: &Manifest) -> Result<(), BuildError> {
        let previous = Manifest::read(&self.dir).ok().map(|(previous, _)| previous);
        sync(&self.segments)?;
        sync(&self.dir)?;
        if previous.as_ref() == Some(manifest) {
            return Ok(());
        }
        replace(&manifest::path(&self.dir), "manifest", bytes)?;
        sync(&self.dir)?;
        // Whoever read the previous manifest may not have opened its segments yet.
        if let Some(previous) = previous {
            self.remove_unnamed(&[&previous, manifest]);
        }
        Ok(())
    }

    /// Removes segments that none of `manifests` names. What cannot be removed now is for the next build: the
    /// database is in place either way.
    fn remove_unnamed(&self, manifests: &[&Manifest]) {
        let named: BTreeSet<_> = manifests
            .iter()
            .flat_map(|manifest| &manifest.segments)
            .map(|segment| segment.digest.hex())
            .collect();
        let is_segment = |name: &str| name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        remove_where(&self.segments, |name| is_segment(name) && !named.contains(name));
    }

    /// Removes what killed builds left: nobody else can be writing, the lock is ours.
    fn remove_leftovers(&self) {
        for dir in [&self.dir, &self.segments] {
            remove_where(dir, |name| name.starts_with(TEMPORARY));
        }
    }
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> BuildError {
    BuildError::Write { doing, path: path.into(), source }
}

/// Writes `bytes` beside `path`, then renames it there; on failure nothing is left.
fn replace(path: &Path, name: &str, bytes: &[u8]) -> Result<(), BuildError> {
    let temporary = path.with_file_name(format!("{TEMPORARY}{name}"));
    let result = write_synced(&temporary, bytes)
        .map_err(|source| failed("write", &temporary, source))
        .and_then(|()| fs::rename(&temporary, path).map_err(|source| failed("rename", path, source)));
    if result.is_err() {
        // A second failure changes nothing: the next build removes it.
        let _ = fs::remove_file(&temporary);
    }
    result
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    let mut permissions = file.metadata()?.permissions();
    permissions.set_readonly(true);
    file.set_permissions(permissions)?;
    file.sync_all()
}

/// A rename lasts when its folder is on disk.
fn sync(dir: &Path) -> Result<(), BuildError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|source| failed("sync", dir, source))
}

fn remove_where(dir: &Path, condition: impl Fn(&str) -> bool) {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    for entry in entries {
        if entry.file_name().to_str().is_some_and(&condition) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
