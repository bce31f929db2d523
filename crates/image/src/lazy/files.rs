//! Which files of a layer are read, where their bytes lie, and which requests bring them.
//!
//! A member or frame ends where the next begins, as the table lists them: in the archive's order, so that offsets never
//! go back. Where one member holds several files, each has its place in what that inflates to.

use super::members::MEMBER_BYTES;
use super::record::{Record, Type};
use super::table::Table;
use super::{Job, misfit};
use crate::collect::{Use, use_of};
use crate::layer::LayerError;
use imagescan_model::Digest;
use std::ops::Range;

/// Files that are read of a layer, and chunks of all of them: a gigabyte in pieces of ten kilobytes.
const MOST_CHUNKS: usize = 100_000;

/// Requests for one layer: more are not worth the bytes between.
const MOST_REQUESTS: usize = 256;

/// What lies between two wanted files is read if it is no more: it takes as long as another request.
const BRIDGED: u64 = 128 << 10;

/// At most a fiftieth of an image is read as far as that is ours to decide. Of each layer three parts in two hundred, for
/// executables and for what lies between wanted files; the rest of all layers, for the latter only, in equal shares.
fn allowances(length: u64, job: &Job<'_>) -> (u64, u64) {
    (length / 200 * 3, job.bytes / 200 / job.layers.max(1) as u64)
}

/// Bytes of a layer's executables that are fetched whatever their share: so small an image is fetched in a moment, and
/// its report lacks nothing.
const SOON: u64 = 16 << 20;

/// A piece of a file.
#[derive(Debug)]
pub(super) struct Chunk {
    /// The member or frame that holds it.
    pub offset: u64,
    pub end: u64,
    /// Which bytes of what that inflates to.
    pub inner: u64,
    pub size: u64,
    pub digest: Digest,
}

/// A file that is read.
#[derive(Clone, Copy)]
pub(super) struct File<'a> {
    /// The number of its record.
    pub record: u64,
    pub chunks: &'a [Chunk],
}

/// All files that are read, in the table's order.
#[derive(Debug)]
pub(super) struct Files {
    files: Vec<Chosen>,
    chunks: Vec<Chunk>,
    requests: Vec<Range<u64>>,
}

#[derive(Debug)]
struct Chosen {
    record: u64,
    purpose: Use,
    /// Which of all chunks are its.
    chunks: Range<usize>,
}

impl Chosen {
    fn chunks<'a>(&self, all: &'a [Chunk]) -> &'a [Chunk] {
        all.get(self.chunks.clone()).unwrap_or_default()
    }
}

impl Files {
    /// Those that `table` lists and somebody wants, of a layer of `length` bytes. Executables are looked into if that takes
    /// no more than the share of the layer that is left.
    pub(super) fn choose(table: &Table, length: u64, job: &Job<'_>) -> Result<Self, LayerError> {
        let mut choosing = Choosing { end: table.files_end, ..Choosing::default() };
        table.records(job, |number, record| choosing.take(number, record, job))?;
        choosing.finish_file()?;
        let Choosing { mut files, chunks, .. } = choosing;
        let of = |file: &Chosen| file.chunks(&chunks);
        let bytes = |purpose| {
            let files = files.iter().filter(|file| file.purpose == purpose);
            stretches(files.flat_map(of)).iter().map(|stretch| stretch.end - stretch.start).sum::<u64>()
        };
        let (kept, looked_into) = (bytes(Use::Keep), bytes(Use::Look));
        let (own, shared) = allowances(length, job);
        let mut allowance = own.saturating_sub(table.fetched).saturating_sub(kept);
        if looked_into > allowance.max(SOON) {
            files.retain(|file| file.purpose == Use::Keep);
        } else {
            allowance = allowance.saturating_sub(looked_into);
        }
        let requests = requests(stretches(files.iter().flat_map(of)), allowance.saturating_add(shared));
        Ok(Self { files, chunks, requests })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = File<'_>> {
        self.files.iter().map(|file| File { record: file.record, chunks: file.chunks(&self.chunks) })
    }

    /// Which bytes to ask for: in order, apart.
    pub(super) fn requests(&self) -> &[Range<u64>] {
        &self.requests
    }
}

/// The members of these chunks, in order; what touches is one.
fn stretches<'a>(chunks: impl Iterator<Item = &'a Chunk>) -> Vec<Range<u64>> {
    let mut stretches: Vec<Range<u64>> = Vec::new();
    for chunk in chunks {
        match stretches.last_mut() {
            Some(last) if chunk.offset <= last.end => last.end = last.end.max(chunk.end),
            _ => stretches.push(chunk.offset..chunk.end),
        }
    }
    stretches
}

/// Joins stretches across small gaps, the smallest first, as long as these are no more than `allowance` bytes in all.
fn requests(stretches: Vec<Range<u64>>, allowance: u64) -> Vec<Range<u64>> {
    let mut gaps: Vec<u64> = stretches
        .iter()
        .zip(stretches.iter().skip(1))
        .map(|(before, after)| after.start - before.end)
        .collect();
    gaps.sort_unstable();
    let (mut bridged, mut sum) = (0, 0_u64);
    for (index, gap) in gaps.iter().enumerate() {
        sum = sum.saturating_add(*gap);
        let is_last_of_its_size = gaps.get(index + 1) != Some(gap);
        let is_cheap = *gap <= BRIDGED && sum <= allowance;
        if is_last_of_its_size && (is_cheap || gaps.len() - index >= MOST_REQUESTS) {
            bridged = *gap;
        }
    }
    let mut requests: Vec<Range<u64>> = Vec::new();
    for stretch in stretches {
        match requests.last_mut() {
            Some(last) if stretch.start - last.end <= bridged => last.end = stretch.end,
            _ => requests.push(stretch),
        }
    }
    requests
}

/// The files as the table lists them.
#[derive(Default)]
struct Choosing {
    /// Where files end.
    end: u64,
    files: Vec<Chosen>,
    chunks: Vec<Chunk>,
    /// The last member that was named, and the first chunk in it.
    last: u64,
    open: usize,
    current: Option<Current>,
}

/// The regular file whose chunks are listed.
struct Current {
    /// It is the last of the chosen.
    is_chosen: bool,
    size: u64,
    covered: u64,
    end: u64,
}

impl Choosing {
    fn take(&mut self, number: u64, record: &Record, job: &Job<'_>) -> Result<(), LayerError> {
        if record.kind == Type::Chunk {
            if self.current.is_none() {
                return Err(misfit("a chunk in its table is of no file"));
            }
            return self.chunk(record);
        }
        self.finish_file()?;
        if record.kind != Type::Reg {
            return Ok(());
        }
        let purpose = use_of(job.question, &record.entry(0));
        let is_chosen = purpose != Use::Nothing;
        if self.files.len() >= MOST_CHUNKS {
            return Err(misfit("too many of its files are wanted"));
        }
        if is_chosen {
            let none = self.chunks.len()..self.chunks.len();
            self.files.push(Chosen { record: number, purpose, chunks: none });
        }
        self.current = Some(Current { is_chosen, size: record.size, covered: 0, end: record.end_offset });
        if record.size > 0 { self.chunk(record) } else { Ok(()) }
    }

    fn chunk(&mut self, record: &Record) -> Result<(), LayerError> {
        let Self { end, files, chunks, last, open, current } = self;
        let offset = record.offset;
        if offset < *last || offset >= *end {
            return Err(misfit("its table does not follow the archive"));
        }
        if offset > *last {
            // Whoever lies in the member before knows now where it ends.
            let before = chunks.iter_mut().skip(*open);
            before.for_each(|chunk| chunk.end = chunk.end.min(offset));
            (*last, *open) = (offset, chunks.len());
        }
        let current = current.as_mut().filter(|current| current.is_chosen);
        let (Some(current), Some(file)) = (current, files.last_mut()) else { return Ok(()) };
        let left = current.size - current.covered;
        let size = if record.chunk_size == 0 { left } else { record.chunk_size };
        let fits = record.inner_offset.checked_add(size).is_some_and(|end| end <= MEMBER_BYTES);
        if record.chunk_offset != current.covered
            || size == 0
            || size > left
            || !fits
            || chunks.len() >= MOST_CHUNKS
        {
            return Err(misfit("a wanted file's chunks are too large, or do not follow each other"));
        }
        let digest = match record.chunk_digest.as_str() {
            // The only chunk of a file is the file.
            "" if size == current.size => &record.digest,
            digest => digest,
        };
        let digest = digest.parse().map_err(|_| misfit("a wanted file has no digest"))?;
        current.covered += size;
        chunks.push(Chunk { offset, end: *end, inner: record.inner_offset, size, digest });
        file.chunks.end = chunks.len();
        Ok(())
    }

    fn finish_file(&mut self) -> Result<(), LayerError> {
        let Some(current) = self.current.take().filter(|current| current.is_chosen) else { return Ok(()) };
        if current.covered != current.size {
            return Err(misfit("a wanted file lacks chunks"));
        }
        match self.chunks.last_mut().filter(|_| current.end > 0 && current.size > 0) {
            Some(last) if current.end <= last.offset => Err(misfit("a wanted file ends before it begins")),
            Some(last) => {
                last.end = last.end.min(current.end);
                Ok(())
            }
            None => Ok(()),
        }
    }
}
