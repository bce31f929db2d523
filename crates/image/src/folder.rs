//! Folders of the machine, entered step by step and never through a link.

use crate::blob::Blob;
use rustix::fs::{AtFlags, Mode, OFlags, Stat};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const ENTER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// An open folder.
#[derive(Debug)]
pub(crate) struct Folder(OwnedFd);

impl Folder {
    /// The folder that the user named: links on the way are the user's own.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(rustix::fs::open(path, ENTER, Mode::empty())?))
    }

    /// The folder `name` in this one, if it is no link.
    pub(crate) fn enter(&self, name: &OsStr) -> io::Result<Self> {
        Ok(Self(rustix::fs::openat(&self.0, name, ENTER | OFlags::NOFOLLOW, Mode::empty())?))
    }

    /// The regular file `name` in this one, if it is no link.
    pub(crate) fn file(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = File::from(rustix::fs::openat(&self.0, name, flags, Mode::empty())?);
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        Ok(file)
    }

    /// The regular file at `path`, relative and without `..`, none of whose parts is a link.
    pub(crate) fn blob(&self, path: &str) -> io::Result<Blob> {
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut here = None;
        for folder in folders.split('/').filter(|folder| !folder.is_empty()) {
            let next = here.as_ref().unwrap_or(self).enter(OsStr::new(folder))?;
            here = Some(next);
        }
        Blob::whole(here.as_ref().unwrap_or(self).file(OsStr::new(name))?)
    }

    /// What `name` is, links not followed.
    pub(crate) fn stat(&self, name: &OsStr) -> io::Result<Stat> {
        Ok(rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// What this folder is.
    pub(crate) fn own_stat(&self) -> io::Result<Stat> {
        Ok(rustix::fs::fstat(&self.0)?)
    }

    /// Where the link `name` leads, as written.
    pub(crate) fn link(&self, name: &OsStr) -> io::Result<Vec<u8>> {
        Ok(rustix::fs::readlinkat(&self.0, name, Vec::new())?.into_bytes())
    }

    /// Names in this folder, sorted as bytes; an error when there are more than `bound`.
    pub(crate) fn names(&self, bound: u64) -> io::Result<Vec<Vec<u8>>> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.0)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b"..") {
                names.push(name.to_vec());
            }
            if names.len() as u64 > bound {
                return Err(io::Error::other(format!("more than {bound} names: raise --max-entries")));
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A name as the machine takes it.
pub(crate) fn os(name: &[u8]) -> &OsStr {
    OsStr::from_bytes(name)
}
