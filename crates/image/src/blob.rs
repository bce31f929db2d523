//! Where bytes lie: a whole file, or a stretch of an archive.

use crate::layer::LayerError;
use imagescan_model::{Digest, DigestAlgorithm};
use rustix::fs::{Mode, OFlags};
use sha2::{Digest as _, Sha256, Sha512};
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;

/// A stretch of an open file. Its offsets never change under a reader, unlike a name.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    file: Arc<File>,
    start: u64,
    length: u64,
    stamp: Stamp,
}

/// Which file it is, and what of it changes when somebody writes into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Stamp {
    file: (u64, u64),
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// Equal for the same stretch of the same file in the same state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Stretch(Stamp, u64, u64);

fn stamp(file: &File) -> io::Result<Stamp> {
    let meta = file.metadata()?;
    Ok(Stamp {
        file: (meta.dev(), meta.ino()),
        length: meta.len(),
        modified: (meta.mtime(), meta.mtime_nsec()),
        changed: (meta.ctime(), meta.ctime_nsec()),
    })
}

/// Opens a regular file for reading; never follows a link at its end, never waits for a pipe.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    Ok(file)
}

impl Blob {
    /// All of `file`.
    pub(crate) fn whole(file: File) -> io::Result<Self> {
        let stamp = stamp(&file)?;
        Ok(Self { file: Arc::new(file), start: 0, length: stamp.length, stamp })
    }

    /// A stretch of this one, if it lies inside.
    pub(crate) fn part(&self, start: u64, length: u64) -> Option<Self> {
        let end = start.checked_add(length)?;
        (end <= self.length).then(|| Self { start: self.start + start, length, ..self.clone() })
    }

    pub(crate) fn len(&self) -> u64 {
        self.length
    }

    pub(crate) fn stretch(&self) -> Stretch {
        Stretch(self.stamp, self.start, self.length)
    }

    /// Fills what there is of `buffer` from `offset` on; short only at the end.
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let left = self.length.saturating_sub(offset);
        let want = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let wanted = buffer.get_mut(..want).unwrap_or_default();
        self.file.read_exact_at(wanted, self.start + offset)?;
        Ok(want)
    }

    /// The bytes one after the other.
    pub(crate) fn reader(&self) -> BlobReader<'_> {
        BlobReader { blob: self, offset: 0 }
    }

    /// All bytes, where there are at most `bound`.
    pub(crate) fn bytes(&self, bound: u64) -> io::Result<Vec<u8>> {
        if self.length > bound {
            return Err(io::Error::other(format!(
                "{} bytes are more than the {bound} of any such document",
                self.length
            )));
        }
        let mut bytes = vec![0; usize::try_from(self.length).map_err(io::Error::other)?];
        self.read_at(&mut bytes, 0)?;
        Ok(bytes)
    }

    /// Compares the bytes with the digest that names them.
    pub(crate) fn verify(
        &self,
        expected: &Digest,
        mut passed: impl FnMut(u64) -> Result<(), LayerError>,
    ) -> Result<(), LayerError> {
        let mut hasher = Hasher::new(expected.algorithm());
        let mut buffer = vec![0; 256 << 10];
        let mut offset = 0;
        while offset < self.length {
            let count = self.read_at(&mut buffer, offset)?;
            hasher.update(buffer.get(..count).unwrap_or_default());
            offset += count as u64;
            passed(count as u64)?;
        }
        hasher.compare(expected)?;
        self.unchanged()
    }

    /// An error if the file was written to since it was opened.
    pub(crate) fn unchanged(&self) -> Result<(), LayerError> {
        if stamp(&self.file)? == self.stamp { Ok(()) } else { Err(LayerError::Changed) }
    }
}

/// Reads a blob from its start.
pub(crate) struct BlobReader<'a> {
    blob: &'a Blob,
    offset: u64,
}

impl io::Read for BlobReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.blob.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

/// Either of the registered digest algorithms (OCI image specification, descriptor.md).
pub(crate) enum Hasher {
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hasher {
    pub(crate) fn new(algorithm: DigestAlgorithm) -> Self {
        match algorithm {
            DigestAlgorithm::Sha256 => Self::Sha256(Sha256::new()),
            DigestAlgorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    pub(crate) fn compare(self, expected: &Digest) -> Result<(), LayerError> {
        let got = match self {
            Self::Sha256(hasher) => Digest::from_sha256(&hasher.finalize().into()),
            Self::Sha512(hasher) => Digest::from_sha512(&hasher.finalize().into()),
        };
        if got == *expected {
            return Ok(());
        }
        Err(LayerError::Digest { expected: expected.clone(), got })
    }
}

/// The digest of a document we hold.
pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    Digest::from_sha256(&Sha256::digest(bytes).into())
}

/// Compares a document with the digest that names it.
pub(crate) fn verify(bytes: &[u8], expected: &Digest) -> Result<(), LayerError> {
    let mut hasher = Hasher::new(expected.algorithm());
    hasher.update(bytes);
    hasher.compare(expected)
}
