//! The one file that is replaced: which segments make up the database, and what went into it.
//!
//! JSON whose first member is always `"checksum"`, written as below; it is the SHA-256 of every byte after
//! the comma that follows it. The second member is `"format"`. Both keep their place in every later format,
//! so that an old program can tell another format from damage.

use crate::error::{Damage, KnowledgeError};
use imagescan_model::{Digest, FeedInfo, KnowledgeInfo, SegmentInfo};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// Grows when an old program would misread.
const FORMAT: u32 = 2;
const PREFIX: &[u8] = b"{\n  \"checksum\": \"sha256:";
const HEX_DIGITS: usize = 64;
const AFTER: &[u8] = b"\",";
/// Far above what feeds and lineage come to.
const LONGEST: u64 = 64 << 20;

/// What the manifest says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    pub(crate) built_at: Timestamp,
    pub(crate) lineage: Vec<Digest>,
    pub(crate) segments: Vec<SegmentEntry>,
    pub(crate) feeds: Vec<FeedInfo>,
    /// Feeds that only left rows: an earlier build read them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) carried: Vec<FeedInfo>,
    /// When the first build of the lineage was made.
    pub(crate) known_since: Timestamp,
}

/// A segment, as the manifest names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SegmentEntry {
    /// What it is of: [`Kind`].
    pub(crate) name: String,
    /// SHA-256 of the file.
    pub(crate) digest: Digest,
    /// Bytes of the file.
    pub(crate) size: u64,
    /// Checksum of the file's header, 16 hexadecimal digits; it stands for every block.
    pub(crate) header: String,
}

/// What a segment is of. Names of distributions have no slash, so that a name says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind<'a> {
    /// What is said of the packages of a distribution: its name.
    Advisories(&'a str),
    /// `texts/` and the distribution.
    Texts(&'a str),
    /// `repositories/` and the distribution.
    Repositories(&'a str),
    /// `facts/cves`
    Cves,
    /// `facts/texts`
    FactTexts,
    /// `facts/epss`
    Epss,
    /// `facts/lifecycles`
    Lifecycles,
}

impl<'a> Kind<'a> {
    fn of(name: &'a str) -> Self {
        match name {
            "facts/cves" => Self::Cves,
            "facts/texts" => Self::FactTexts,
            "facts/epss" => Self::Epss,
            "facts/lifecycles" => Self::Lifecycles,
            _ => match name.split_once('/') {
                Some(("texts", distribution)) => Self::Texts(distribution),
                Some(("repositories", distribution)) => Self::Repositories(distribution),
                _ => Self::Advisories(name),
            },
        }
    }

    pub(crate) fn name(self) -> String {
        match self {
            Self::Advisories(distribution) => distribution.into(),
            Self::Texts(distribution) => format!("texts/{distribution}"),
            Self::Repositories(distribution) => format!("repositories/{distribution}"),
            Self::Cves => "facts/cves".into(),
            Self::FactTexts => "facts/texts".into(),
            Self::Epss => "facts/epss".into(),
            Self::Lifecycles => "facts/lifecycles".into(),
        }
    }
}

#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}

/// Where the manifest of a database lies.
pub(crate) fn path(dir: &Path) -> PathBuf {
    dir.join("manifest")
}

/// The folder of the segments.
pub(crate) fn segments_dir(dir: &Path) -> PathBuf {
    dir.join("segments")
}

impl SegmentEntry {
    /// Where the file lies.
    pub(crate) fn path(&self, dir: &Path) -> PathBuf {
        segments_dir(dir).join(self.digest.hex())
    }

    pub(crate) fn kind(&self) -> Kind<'_> {
        Kind::of(&self.name)
    }

    /// The checksum of its header.
    pub(crate) fn header(&self, dir: &Path) -> Result<u64, KnowledgeError> {
        u64::from_str_radix(&self.header, 16)
            .map_err(|_| KnowledgeError::Damaged { path: self.path(dir), damage: Damage::Header })
    }
}

impl Manifest {
    /// A database without ancestors.
    pub(crate) fn new(built_at: Timestamp, segments: Vec<SegmentEntry>, feeds: Vec<FeedInfo>) -> Self {
        let (lineage, carried) = (Vec::new(), Vec::new());
        Self { format: FORMAT, built_at, lineage, segments, feeds, carried, known_since: built_at }
    }

    /// The file's bytes.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        let json = serde_json::to_string_pretty(self)?;
        let rest = format!("{}\n", json.strip_prefix('{').unwrap_or(&json));
        let mut file = PREFIX.to_vec();
        file.extend(sha256(rest.as_bytes()).hex().as_bytes());
        file.extend(AFTER);
        file.extend(rest.as_bytes());
        Ok(file)
    }

    /// Reads the manifest of the database in `dir`, with the digest of the file.
    pub(crate) fn read(dir: &Path) -> Result<(Self, Digest), KnowledgeError> {
        let path = path(dir);
        let bytes = read_bounded(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => KnowledgeError::Missing { dir: dir.into() },
            _ => KnowledgeError::Read { path: path.clone(), source },
        })?;
        Ok((Self::decode(&bytes, &path)?, sha256(&bytes)))
    }

    fn decode(bytes: &[u8], path: &Path) -> Result<Self, KnowledgeError> {
        let damaged = |damage| KnowledgeError::Damaged { path: path.into(), damage };
        let json = checked(bytes).ok_or_else(|| damaged(Damage::Manifest))?;
        let content = |error: serde_json::Error| {
            damaged(Damage::ManifestContent { line: error.line(), column: error.column() })
        };
        let FormatOnly { format } = serde_json::from_slice(&json).map_err(content)?;
        if format != FORMAT {
            return Err(KnowledgeError::Format { path: path.into(), found: format, supported: FORMAT });
        }
        serde_json::from_slice(&json).map_err(content)
    }

    /// The same for reports.
    pub(crate) fn info(&self, digest: Digest) -> KnowledgeInfo {
        let segment = |entry: &SegmentEntry| SegmentInfo {
            name: entry.name.clone(),
            digest: entry.digest.clone(),
            size: entry.size,
        };
        let mut feeds = [&self.feeds[..], &self.carried].concat();
        feeds.sort();
        KnowledgeInfo {
            digest,
            built_at: self.built_at,
            lineage: self.lineage.clone(),
            segments: self.segments.iter().map(segment).collect(),
            feeds,
        }
    }
}

/// The JSON without its first member, if that is the checksum of the rest.
fn checked(bytes: &[u8]) -> Option<Vec<u8>> {
    let (digest, rest) = bytes.strip_prefix(PREFIX)?.split_at_checked(HEX_DIGITS)?;
    let rest = rest.strip_prefix(AFTER)?;
    (sha256(rest).hex().as_bytes() == digest).then(|| [b"{", rest].concat())
}

pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    Digest::from_sha256(&Sha256::digest(bytes).into())
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() || metadata.len() > LONGEST {
        let message = "it is not a regular file of at most 64 MiB";
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}
