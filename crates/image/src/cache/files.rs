//! The cache's folder, of which no lock is taken.
//!
//! ```text
//! 3f/…           entries, named by what they answer: 2 and 62 hexadecimal digits
//! .new-PID-N     one that is being written
//! size           how much was written since the entries were last counted: see `trim.rs`
//! ```
//!
//! An entry is written under a temporary name and renamed: whoever opens it sees it whole or not at all. What took a
//! layer's reading to make is synced first, and its folder after, so that it outlives the machine's end; what is made
//! fast need not, and is found damaged by its checksum then. Links are never followed.

use super::key::EntryName;
use crate::folder::{Folder, os};
use rustix::fs::{AtFlags, Mode, OFlags};
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) const SIZE: &str = "size";
const NEW: &str = ".new-";
/// Seconds after which a temporary file's writer is taken for dead.
const ABANDONED: i64 = 3600;

const OWN: Mode = Mode::RWXU;

/// Opens the folder; `None`: there is none. An error when somebody else may write there, and could have
/// the scan say what they like.
pub(super) fn open(path: &Path) -> io::Result<Option<Folder>> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let folder = Folder::open(parent).and_then(|parent| parent.enter(name));
    let folder = match folder {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        folder => folder?,
    };
    let stat = folder.own_stat()?;
    let user = rustix::process::geteuid().as_raw();
    let foreign = stat.st_uid != user && stat.st_uid != 0;
    if foreign || stat.st_mode & 0o022 != 0 {
        return Err(io::Error::other("somebody else may write there"));
    }
    Ok(Some(folder))
}

/// The same, made where it is not there.
pub(super) fn create(path: &Path) -> io::Result<Folder> {
    if let Some(folder) = open(path)? {
        return Ok(folder);
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    open(path)?.ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// The entry of this name.
pub(super) fn entry(root: &Folder, name: EntryName) -> io::Result<File> {
    let (folder, file) = name.folder_and_file();
    root.enter(os(folder.as_bytes()))?.file(os(file.as_bytes()))
}

pub(super) fn remove(root: &Folder, name: EntryName) -> io::Result<()> {
    let (folder, file) = name.folder_and_file();
    let folder = root.enter(os(folder.as_bytes()))?;
    Ok(rustix::fs::unlinkat(&folder, file, AtFlags::empty())?)
}

pub(super) fn remove_unfinished(root: &Folder, name: &[u8]) -> io::Result<()> {
    Ok(rustix::fs::unlinkat(root, os(name), AtFlags::empty())?)
}

/// What is gone already need not be removed.
pub(super) fn gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Writes the entry of this name as `fill` does, and gives the bytes that it takes on the disk.
pub(super) fn write(
    root: &Folder,
    name: EntryName,
    is_synced: bool,
    fill: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<u64> {
    let (temporary, file) = temporary(root)?;
    let placed = fill(&file).and_then(|()| {
        if is_synced {
            file.sync_all()?;
        }
        let (folder, entry) = name.folder_and_file();
        match rustix::fs::mkdirat(root, &folder, OWN) {
            Ok(()) | Err(rustix::io::Errno::EXIST) if is_synced => rustix::fs::fsync(root)?,
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let folder = root.enter(os(folder.as_bytes()))?;
        rustix::fs::renameat(root, &temporary, &folder, entry)?;
        if is_synced {
            rustix::fs::fsync(&folder)?;
        }
        Ok(taken(&file.metadata()?))
    });
    if placed.is_err() {
        // What cannot be removed now is removed by a later run.
        let _ = remove_unfinished(root, temporary.as_bytes());
    }
    placed
}

fn taken(meta: &std::fs::Metadata) -> u64 {
    meta.blocks().saturating_mul(512)
}

/// A new file that nobody else has, and its name.
pub(super) fn temporary(root: &Folder) -> io::Result<(String, File)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    loop {
        let name = format!("{NEW}{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        match rustix::fs::openat(root, &name, flags, Mode::RUSR | Mode::WUSR) {
            Ok(file) => return Ok((name, File::from(file))),
            // Another machine's process of this number, or one that is gone.
            Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// An entry as the folder shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Listed {
    pub name: EntryName,
    /// On the disk.
    pub bytes: u64,
    /// Seconds since 1970.
    pub used: i64,
}

/// Every entry, in no order.
pub(super) fn list(root: &Folder) -> io::Result<Vec<Listed>> {
    let mut listed = Vec::new();
    for folder in root.names(u64::MAX)?.iter().filter(|name| name.len() == 2) {
        let Ok(here) = root.enter(os(folder)) else { continue };
        for file in here.names(u64::MAX)? {
            let Some(name) = EntryName::parse(folder, &file) else { continue };
            // Another process may just have removed it.
            let Ok(stat) = here.stat(os(&file)) else { continue };
            if is_file(&stat) {
                let bytes = u64::try_from(stat.st_blocks).unwrap_or_default().saturating_mul(512);
                listed.push(Listed { name, bytes, used: stat.st_mtime });
            }
        }
    }
    Ok(listed)
}

/// Names of temporary files; with `now`, only of those whose writer must be dead.
pub(super) fn unfinished(root: &Folder, now: Option<i64>) -> io::Result<Vec<Vec<u8>>> {
    let mut names = root.names(u64::MAX)?;
    names.retain(|name| {
        let is_old = |modified: i64| now.is_none_or(|now| now.saturating_sub(modified) > ABANDONED);
        name.starts_with(NEW.as_bytes())
            && root.stat(os(name)).is_ok_and(|stat| is_file(&stat) && is_old(stat.st_mtime))
    });
    Ok(names)
}

fn is_file(stat: &rustix::fs::Stat) -> bool {
    rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::RegularFile
}
