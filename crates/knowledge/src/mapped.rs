//! The only `unsafe` of the crate: a file's bytes as a slice.
//!
//! A map is sound while nobody changes the file under it. Segments promise that: a build writes to a temporary
//! name, syncs, takes away the write permission, renames to the digest and never opens the file for writing
//! again; removing a name leaves the map whole. Who writes into such a file by hand breaks the promise: what was
//! checked may then change. Who truncates it while it is mapped gets the process killed (SIGBUS); a file that
//! was short before is refused here, by its size.

use crate::error::{Damage, KnowledgeError};
use memmap2::Mmap;
use std::fs::File;
use std::io;
use std::path::Path;

/// Opens `path` for reading, which must be a regular file of `size` bytes.
pub(crate) fn open(path: &Path, size: u64) -> Result<File, KnowledgeError> {
    let read = |source| KnowledgeError::Read { path: path.into(), source };
    let damaged = |damage| KnowledgeError::Damaged { path: path.into(), damage };
    // Asked before opening too: opening a pipe would wait for a writer.
    let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => damaged(Damage::Absent),
        _ => read(error),
    })?;
    let file = if metadata.is_file() {
        File::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => damaged(Damage::Absent),
            _ => read(error),
        })?
    } else {
        return Err(damaged(Damage::Size { found: 0, expected: size }));
    };
    check_size(&file, path, size)?;
    Ok(file)
}

fn check_size(file: &File, path: &Path, size: u64) -> Result<(), KnowledgeError> {
    let metadata = file.metadata().map_err(|source| KnowledgeError::Read { path: path.into(), source })?;
    // An empty file cannot be mapped, and is no segment either.
    if metadata.len() != size || size == 0 {
        let damage = Damage::Size { found: metadata.len(), expected: size };
        return Err(KnowledgeError::Damaged { path: path.into(), damage });
    }
    Ok(())
}

/// A whole file, mapped for reading.
pub(crate) struct Mapped(Mmap);

impl Mapped {
    /// Maps a file that [`open()`] gave, perhaps long ago.
    pub(crate) fn of(file: &File, path: &Path, size: u64) -> Result<Self, KnowledgeError> {
        check_size(file, path, size)?;
        Ok(Self(map(file).map_err(|source| KnowledgeError::Read { path: path.into(), source })?))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

#[expect(
    unsafe_code,
    reason = "mapping a file cannot be made safe by types; the module says what makes it so"
)]
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: segments are never written in place, and nobody is asked to (see the module's docs).
    unsafe { Mmap::map(file) }
}
