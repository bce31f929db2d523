//! A table of contents that was compared with its digest, and what it and the wanted files say of the layer.

use super::files::Files;
use super::members::Members;
use super::record::{self, Record, Type};
use super::{Job, Ranges, estargz, misfit};
use crate::blob::Hasher;
use crate::collect::Collector;
use crate::content::{Content, KeepError, Keeper};
use crate::evidence::LayerEvidence;
use crate::inflate::Compression;
use crate::layer::LayerError;
use crate::limits::LimitError;
use crate::tar::{Entry, EntryKind, Visitor};
use imagescan_model::{Digest, Incomplete, IncompleteKind, LayerRead};
use std::ops::RangeInclusive;

/// Bytes of a table, compressed or not: some 300,000 files (containers/storage allows 150 MiB).
pub(super) const WITHIN: RangeInclusive<u64> = 1..=128 << 20;

/// The table.
#[derive(Debug)]
pub(super) struct Table {
    pub json: Content,
    /// Where the table begins, and files end.
    pub files_end: u64,
    /// Bytes it took to get it.
    pub fetched: u64,
    pub compression: Compression,
}

/// A table's JSON as it comes.
pub(super) struct Json<'a> {
    job: &'a Job<'a>,
    keeper: Keeper,
    length: u64,
    hasher: Option<(Hasher, &'a Digest)>,
}

impl<'a> Json<'a> {
    /// To be compared with `digest`, where the compressed bytes are not.
    pub(super) fn new(digest: Option<&'a Digest>, job: &'a Job<'a>) -> Self {
        let hasher = digest.map(|digest| (Hasher::new(digest.algorithm()), digest));
        Self { job, keeper: Keeper::new(), length: 0, hasher }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), LayerError> {
        self.length += bytes.len() as u64;
        if self.length > *WITHIN.end() {
            return Err(misfit("its table is too large"));
        }
        self.job.reading.meter.inflated(bytes.len() as u64, self.job.reading.limits)?;
        if let Some((hasher, _)) = &mut self.hasher {
            hasher.update(bytes);
        }
        self.keeper.push(self.job.tables, bytes).map_err(unkept)
    }

    pub(super) fn finish(self) -> Result<Content, LayerError> {
        if let Some((hasher, digest)) = self.hasher {
            hasher.compare(digest)?;
        }
        self.keeper.finish(self.job.tables).map_err(unkept)
    }
}

/// A table that has no place is no reason not to read the layer.
fn unkept(error: KeepError) -> LayerError {
    LayerError::Misfit(error.to_string())
}

impl Table {
    /// What the layer in `source`, which is called `name`, says, as far as anybody asked.
    pub(super) fn read(
        &self,
        source: &dyn Ranges,
        name: &Digest,
        job: &Job<'_>,
    ) -> Result<LayerEvidence, LayerError> {
        let files = Files::choose(self, source.len(), job)?;
        let mut collector = job.collector();
        let told = self.tell(&files, source, job, &mut collector);
        let (inflated, unlooked) = match told {
            Ok(told) => told,
            Err(error) => {
                // The same files are counted again.
                collector.abandon();
                return Err(error);
            }
        };
        let mut evidence = collector.finish(inflated);
        evidence.read = LayerRead::Lazy;
        if unlooked > 0 {
            let why = format!(
                "{unlooked} executables of this layer were not looked into for Go and Rust, for it was read lazily: --whole does"
            );
            let path = Some(name.to_string());
            evidence.incomplete.push(Incomplete { what: IncompleteKind::Languages, path, why });
        }
        Ok(evidence)
    }

    /// Shows the collector every entry as the archive's walker would. Gives the inflated bytes, and the executables
    /// that nobody looked into.
    fn tell(
        &self,
        files: &Files,
        source: &dyn Ranges,
        job: &Job<'_>,
        collector: &mut Collector<'_>,
    ) -> Result<(u64, u64), LayerError> {
        let mut members = Members::new(source, files.requests(), self.compression, job);
        let mut chosen = files.iter();
        let mut next = chosen.next();
        let mut unlooked = 0;
        let mut number = 0;
        record::each(&self.json, |record| {
            number += 1;
            if record.kind == Type::Chunk {
                return Ok(());
            }
            let modified = record.modified()?;
            if !collector.entry(&record.entry(modified))? {
                return Ok(());
            }
            match next.filter(|file| file.record == number) {
                Some(file) => {
                    for chunk in file.chunks {
                        collector.body(members.content(chunk)?)?;
                    }
                    collector.end()?;
                    next = chosen.next();
                }
                None if collector.pass_over() => unlooked += 1,
                None => return Err(misfit("a wanted file was not chosen")),
            }
            Ok(())
        })?;
        if self.compression == Compression::Gzip {
            // The archive's last file is the table, which is not in itself; its writer dates it 1970.
            let entry = Entry {
                kind: EntryKind::Regular,
                path: estargz::NAME.as_bytes(),
                link: &[],
                size: 0,
                mode: 0,
                modified: 0,
                body: None,
            };
            if collector.entry(&entry)? {
                return Err(misfit("its table is a wanted file"));
            }
        }
        Ok((members.inflated(), unlooked))
    }

    /// Shows `each` every record with its number.
    pub(super) fn records(
        &self,
        job: &Job<'_>,
        mut each: impl FnMut(u64, &Record) -> Result<(), LayerError>,
    ) -> Result<(), LayerError> {
        let limits = job.reading.limits;
        let (mut number, mut entries) = (0, 0);
        record::each(&self.json, |record| {
            number += 1;
            entries += u64::from(record.kind != Type::Chunk);
            if entries > limits.entries {
                return Err(LayerError::Limit(LimitError::new(limits.entries, "entries", "--max-entries")));
            }
            if record.name.len().max(record.link.len()) > limits.path_length {
                let bound = limits.path_length as u64;
                return Err(LayerError::Limit(LimitError::new(
                    bound,
                    "bytes in a path",
                    "--max-path-length",
                )));
            }
            each(number, record)
        })
    }
}
