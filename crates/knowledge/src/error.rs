//! What can be wrong with a database, on which file, and what to do.

use crate::section::Section;
use std::io;
use std::path::{Path, PathBuf};

/// Why a database cannot be opened, read or believed.
#[derive(Debug, thiserror::Error)]
pub enum KnowledgeError {
    /// The folder has no manifest.
    #[error("there is no knowledge database in `{}`", escaped(dir))]
    Missing {
        /// The folder.
        dir: PathBuf,
    },
    /// The system would not let us read.
    #[error("cannot read knowledge file `{}`", escaped(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is whole, and of a format that this program does not know.
    #[error("knowledge file `{}` has format {found}, this imagescan reads format {supported}", escaped(path))]
    Format {
        /// The file.
        path: PathBuf,
        /// The format it has.
        found: u32,
        /// The format we read.
        supported: u32,
    },
    /// The bytes are not what was written.
    #[error("knowledge file `{}` is damaged: {damage}", escaped(path))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where and how.
        damage: Damage,
    },
}

impl KnowledgeError {
    /// What the user can do about it, as one line.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "make one with `imagescan db build`",
            Self::Read { .. } => "check the folder's owner and permissions",
            Self::Format { .. } | Self::Damaged { .. } => "make it anew with `imagescan db build`",
        }
    }
}

/// What is wrong with a file's bytes. Small and `Copy`: lookups carry it without cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The manifest names a file that is not there.
    #[error("the manifest names it, but it is not there")]
    Absent,
    /// Cut short, or grown; or no regular file.
    #[error("it has {found} bytes where the manifest says {expected}")]
    Size {
        /// Bytes found.
        found: u64,
        /// Bytes the manifest says.
        expected: u64,
    },
    /// The manifest is not text of ours, or its checksum is wrong.
    #[error("the manifest does not match its checksum")]
    Manifest,
    /// The manifest's checksum is right, but its content is not a manifest.
    #[error("the manifest's checksum is right, but its content is not: line {line}, column {column}")]
    ManifestContent {
        /// Line, from 1; 0: the whole.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// The segment's header is not the one that the manifest names.
    #[error("the header does not match the checksum in the manifest")]
    Header,
    /// The list of block checksums does not match its checksum in the header.
    #[error("the list of block checksums does not match its checksum")]
    BlockTable,
    /// A block differs from its checksum.
    #[error("block {index} (64 KiB each) does not match its checksum")]
    Block {
        /// Which one, from 0, counted from the first byte of the body.
        index: usize,
    },
    /// A section that must be there is missing, misplaced or of the wrong length.
    #[error("section {section} is missing or has an impossible place or length")]
    Extent {
        /// Which section.
        section: Section,
    },
    /// A section that readers must understand, which we do not know.
    #[error("it needs section {id}, which this imagescan does not know")]
    UnknownSection {
        /// Its number.
        id: u32,
    },
    /// The checksums are right, but what they cover makes no sense.
    #[error("section {section} makes no sense at byte {offset}")]
    Malformed {
        /// Which section.
        section: Section,
        /// Bytes from the section's start.
        offset: u64,
    },
    /// The file's SHA-256 is not its name.
    #[error("its SHA-256 is not the one in the manifest")]
    Digest,
}

/// A path for a message: nothing in it can move the cursor.
pub(crate) fn escaped(path: &Path) -> String {
    path.to_string_lossy().escape_debug().to_string()
}
