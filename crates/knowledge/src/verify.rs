//! Checks everything there is to check. Whatever bit differs from what was built, this says so.

use crate::error::{Damage, KnowledgeError};
use crate::history::History;
use crate::knowledge::{Knowledge, keys_of};
use crate::manifest::{Manifest, SegmentEntry};
use crate::section::Section;
use crate::segment::{KEY, PAIR, Segment};
use imagescan_model::{Digest, KnowledgeInfo};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io;
use std::path::Path;

/// A database in which everything is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What the manifest says.
    pub info: KnowledgeInfo,
    /// How many (release, package type, matched-by, package).
    pub keys: u64,
    /// How many rows these have.
    pub rows: u64,
}

/// Verifies the database in `dir`: the manifest's checksum, each segment's SHA-256 and block checksums, and that
/// every name is found, every row and every reference can be read.
pub fn verify(dir: &Path) -> Result<Verified, KnowledgeError> {
    let generation = Manifest::read(dir)?;
    let knowledge = Knowledge::open_generation(dir, &generation)?;
    for entry in &generation.0.segments {
        check_digest(&entry.path(dir), entry)?;
    }
    let mut verified = Verified { info: knowledge.info().clone(), keys: 0, rows: 0 };
    for segment in knowledge.segments() {
        segment.verify()?;
        check_names(segment).map_err(|damage| segment.damaged(damage))?;
        History::verify(segment).map_err(|damage| segment.damaged(damage))?;
        for rows in keys_of(segment) {
            let rows = rows?;
            rows.past()?.iter().try_for_each(|(row, _)| row.verify())?;
            let before = verified.rows;
            for row in rows {
                row?.verify()?;
                verified.rows += 1;
            }
            verified.keys += u64::from(verified.rows > before);
        }
    }
    knowledge.facts().verify()?;
    Ok(verified)
}

fn check_digest(path: &Path, entry: &SegmentEntry) -> Result<(), KnowledgeError> {
    let read = |source| KnowledgeError::Read { path: path.into(), source };
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(path).map_err(read)?, &mut HashWriter(&mut hasher)).map_err(read)?;
    if Digest::from_sha256(&hasher.finalize().into()) != entry.digest {
        return Err(KnowledgeError::Damaged { path: path.into(), damage: Damage::Digest });
    }
    Ok(())
}

struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Names ascend and are found; the keys of each ascend, and all keys belong to some name.
fn check_names(segment: &Segment) -> Result<(), Damage> {
    let mut last = None;
    let mut end = 0;
    for index in 0..segment.names() {
        let (name, keys) = segment.name(index)?;
        let malformed = Damage::Malformed { section: Section::Names, offset: (index * PAIR) as u64 };
        if last.replace(name).is_some_and(|last| last >= name) || keys.start != end || keys.is_empty() {
            return Err(malformed);
        }
        end = keys.end;
        if segment.find_name(name)? != Some(index) {
            return Err(Damage::Malformed { section: Section::Slots, offset: 0 });
        }
        let mut last_scope = None;
        for key in keys {
            let scope = segment.scope_of(key)?;
            if last_scope.replace(scope).is_some_and(|last| last >= scope) {
                return Err(Damage::Malformed { section: Section::Keys, offset: (key * KEY) as u64 });
            }
        }
    }
    if end != segment.keys() {
        return Err(Damage::Malformed { section: Section::Keys, offset: (end * KEY) as u64 });
    }
    Ok(())
}
