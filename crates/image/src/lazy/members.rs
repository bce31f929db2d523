//! The contents of wanted files, chunk after chunk, each compared with its digest before anybody sees it.

use super::files::Chunk;
use super::{Job, Ranges, misfit};
use crate::blob;
use crate::inflate::{self, Compression};
use crate::layer::{self, LayerError};
use std::io::{self, Read};
use std::ops::Range;
use std::slice::Iter;

/// What is held of an inflated member: writers cut files into chunks of four megabytes, or less.
pub(super) const MEMBER_BYTES: u64 = 16 << 20;

/// The stretches of a layer that were asked for, read forwards.
pub(super) struct Members<'a> {
    source: &'a dyn Ranges,
    requests: Iter<'a, Range<u64>>,
    compression: Compression,
    job: &'a Job<'a>,
    stream: Option<Stream<'a>>,
    /// The last member, inflated, and where it begins: it may hold the next file, too.
    member: (Option<u64>, Vec<u8>),
    inflated: u64,
    read: u64,
}

/// The answer to a request, as far as it was read.
struct Stream<'a> {
    bytes: Box<dyn Read + 'a>,
    position: u64,
    end: u64,
}

impl<'a> Members<'a> {
    pub(super) fn new(
        source: &'a dyn Ranges,
        requests: &'a [Range<u64>],
        compression: Compression,
        job: &'a Job<'a>,
    ) -> Self {
        let requests = requests.iter();
        Self {
            source,
            requests,
            compression,
            job,
            stream: None,
            member: (None, Vec::new()),
            inflated: 0,
            read: 0,
        }
    }

    /// Bytes that members inflated to.
    pub(super) fn inflated(&self) -> u64 {
        self.inflated
    }

    /// The bytes of `chunk`, which lies no further back than the one before.
    pub(super) fn content(&mut self, chunk: &Chunk) -> Result<&[u8], LayerError> {
        if self.member.0 != Some(chunk.offset) {
            self.member.0 = None;
            self.inflate(chunk)?;
            self.member.0 = Some(chunk.offset);
        }
        let index = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        let end = index(chunk.inner.saturating_add(chunk.size));
        let bytes = self.member.1.get(index(chunk.inner)..end);
        let bytes = bytes.ok_or_else(|| misfit("a member holds less than its table says"))?;
        blob::verify(bytes, &chunk.digest)?;
        Ok(bytes)
    }

    /// Reads the member of `chunk`. Whether what it gives is enough, and right, the digest says.
    fn inflate(&mut self, chunk: &Chunk) -> Result<(), LayerError> {
        let Job { reading, .. } = self.job;
        let mut stream = match self.stream.take() {
            Some(stream) if chunk.offset < stream.end => stream,
            _ => self.open(chunk.offset)?,
        };
        let skipped = chunk.offset.checked_sub(stream.position);
        let skipped = skipped.ok_or_else(|| misfit("a member lies before the one that was read"))?;
        let mut bytes = (&mut stream.bytes).take(skipped);
        io::copy(&mut bytes, &mut io::sink())?;
        let length = chunk.end - chunk.offset;
        let mut bytes = (&mut stream.bytes).take(length);
        let (inflated, member) = (&mut self.inflated, &mut self.member.1);
        member.clear();
        let read = self.read;
        let result = inflate::inflate(&mut bytes, None, self.compression, reading.inflater, |window, at| {
            *inflated += window.len() as u64;
            reading.meter.inflated(window.len() as u64, reading.limits)?;
            layer::check(*inflated, read + at, reading.limits)?;
            let room = usize::try_from(MEMBER_BYTES).unwrap_or_default().saturating_sub(member.len());
            member.extend_from_slice(window.get(..room).unwrap_or(window));
            if window.len() > room { Err(misfit("a member is too large to hold")) } else { Ok(()) }
        });
        if let Err(error @ (LayerError::Shared(_) | LayerError::Late(_) | LayerError::Limit(_))) = result {
            return Err(error);
        }
        io::copy(&mut bytes, &mut io::sink())?;
        stream.position = chunk.end;
        self.read += length;
        self.stream = Some(stream);
        Ok(())
    }

    /// Asks for the stretch that holds `offset`.
    fn open(&mut self, offset: u64) -> Result<Stream<'a>, LayerError> {
        let Range { start, end } = self
            .requests
            .find(|request| request.contains(&offset))
            .ok_or_else(|| misfit("a member lies before the one that was read"))?
            .clone();
        self.job.reading.meter.read(end - start);
        Ok(Stream { bytes: self.source.range(start, end), position: start, end })
    }
}
