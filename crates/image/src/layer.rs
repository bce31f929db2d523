//! One layer: compressed bytes → tar → evidence.

use crate::blob::{Blob, Hasher};
use crate::collect::Collector;
use crate::content::KeepError;
use crate::evidence::LayerEvidence;
use crate::inflate::{self, Compression, Inflater};
use crate::limits::{Late, LimitError, Limits};
use crate::progress::Meter;
use crate::registry::remote::RemoteBlob;
use crate::tar::{self, TarError, TarLimits, Walker};
use crate::work::Threads;
use imagescan_fetch::FetchError;
use imagescan_model::Digest;
use std::io::{self, Read};
use std::time::Instant;

/// What is wrong with a layer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LayerError {
    #[error("its content has the digest {got}, but it is named {expected}")]
    Digest { expected: Digest, got: Digest },
    #[error("it holds {got} bytes, but its descriptor says {expected}")]
    Size { expected: u64, got: u64 },
    #[error("it was written to while it was read: scan it again when nobody writes")]
    Changed,
    #[error("{0}")]
    Tar(TarError),
    #[error("{0}")]
    Inflate(String),
    #[error("{0}: layers are tar, plain or compressed with gzip or zstd")]
    Unsupported(String),
    /// Not an error of the layer: it has to be read as a whole.
    #[error("it cannot be read lazily: {0}")]
    Misfit(String),
    #[error(transparent)]
    Limit(LimitError),
    /// A bound that several layers share: which of them meets it is chance, so all fail together.
    #[error(transparent)]
    Shared(LimitError),
    #[error(transparent)]
    Late(#[from] Late),
    #[error("the private cache: {0}")]
    Cache(io::Error),
    #[error(transparent)]
    Io(io::Error),
}

impl From<io::Error> for LayerError {
    fn from(error: io::Error) -> Self {
        match FetchError::inside(&error) {
            Some(FetchError::Deadline { .. }) => Self::Late(Late),
            _ => Self::Io(error),
        }
    }
}

impl From<KeepError> for LayerError {
    fn from(error: KeepError) -> Self {
        match error {
            KeepError::Limit(limit) if limit.option == "--max-kept-bytes" => Self::Shared(limit),
            KeepError::Limit(limit) => Self::Limit(limit),
            KeepError::Io(error) => Self::Cache(error),
        }
    }
}

/// What a layer is read with.
pub(crate) struct Reading<'a> {
    pub limits: &'a Limits,
    pub meter: &'a Meter,
    pub inflater: Inflater,
    /// Those that may have nothing to do.
    pub threads: &'a Threads,
}

/// Reads `blob` to its end into `collector`; compares the inflated bytes with `diff_id` where that is asked.
///
/// Its stored bytes are compared by whoever reads them from the file.
pub(crate) fn read(
    blob: &Blob,
    diff_id: Option<&Digest>,
    collector: Collector<'_>,
    reading: &Reading<'_>,
) -> Result<LayerEvidence, LayerError> {
    let evidence = walk(&mut blob.reader(), Some(blob), blob.len(), diff_id, collector, reading)?;
    blob.unchanged()?;
    Ok(evidence)
}

/// The same as the bytes come in, which are compared with `expected` on their way.
pub(crate) fn stream(
    blob: &RemoteBlob,
    expected: &Digest,
    collector: Collector<'_>,
    reading: &Reading<'_>,
) -> Result<LayerEvidence, LayerError> {
    let mut source = Verified::new(blob.reader(), expected);
    let evidence = walk(&mut source, None, blob.len(), None, collector, reading);
    match evidence {
        // The rest says whether the bytes are wrong, or only what they hold. A connection that is gone says nothing.
        Err(LayerError::Inflate(_) | LayerError::Tar(_) | LayerError::Unsupported(_)) | Ok(_) => {
            source.finish()?
        }
        Err(_) => {}
    }
    evidence
}

/// A stream on its way to somebody, hashed.
pub(crate) struct Verified<'a, R> {
    source: R,
    hasher: Hasher,
    expected: &'a Digest,
}

impl<'a, R: Read> Verified<'a, R> {
    pub(crate) fn new(source: R, expected: &'a Digest) -> Self {
        Self { source, hasher: Hasher::new(expected.algorithm()), expected }
    }

    /// Reads what is left, and compares.
    pub(crate) fn finish(mut self) -> Result<(), LayerError> {
        let mut buffer = vec![0; 64 << 10];
        while self.read(&mut buffer)? > 0 {}
        self.hasher.compare(self.expected)
    }
}

impl<R: Read> Read for Verified<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.hasher.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

/// Walks the tar in `source`, of `length` bytes. In a `file`, bodies that nobody wants need not even be read.
fn walk(
    source: &mut dyn Read,
    file: Option<&Blob>,
    length: u64,
    diff_id: Option<&Digest>,
    mut collector: Collector<'_>,
    reading: &Reading<'_>,
) -> Result<LayerEvidence, LayerError> {
    let limits = reading.limits;
    let mut head = Vec::with_capacity(512);
    (&mut *source).take(512).read_to_end(&mut head)?;
    let head = head.as_slice();
    let mut walker = Walker::new(TarLimits { entries: limits.entries, path_length: limits.path_length });
    let mut hasher = diff_id.map(|digest| Hasher::new(digest.algorithm()));
    let mut inflated = 0;
    match inflate::recognise(head) {
        Compression::None if !(head.is_empty() || tar::begins(head)) => {
            return Err(LayerError::Unsupported(format!("its first bytes are `{}`", first_bytes(head))));
        }
        Compression::Other(name) => {
            return Err(LayerError::Unsupported(format!("it is compressed with {name}")));
        }
        compression => {
            if let (Compression::None, Some(blob)) = (compression, file) {
                plain(blob, &mut walker, &mut collector, hasher.as_mut(), reading)?;
                inflated = blob.len();
            } else {
                let mut seen = 0;
                let file = file.map(|blob| (blob, reading.threads));
                inflate::inflate(
                    &mut head.chain(source),
                    file,
                    compression,
                    reading.inflater,
                    |window, read| {
                        inflated += window.len() as u64;
                        check(inflated, read, limits)?;
                        reading.meter.inflated(window.len() as u64, limits)?;
                        // A decoder gives back what it took too many.
                        reading.meter.read(read.saturating_sub(seen));
                        seen = seen.max(read);
                        if let Some(hasher) = &mut hasher {
                            hasher.update(window);
                        }
                        walker.push(window, &mut collector)
                    },
                )?;
                reading.meter.read(length - seen);
            }
        }
    }
    walker.finish()?;
    if let (Some(hasher), Some(expected)) = (hasher, diff_id) {
        hasher.compare(expected)?;
    }
    Ok(collector.finish(inflated))
}

/// A tar as it is: bodies that nobody wants are not even read, unless they must be hashed.
fn plain(
    blob: &Blob,
    walker: &mut Walker,
    collector: &mut Collector<'_>,
    mut hasher: Option<&mut Hasher>,
    reading: &Reading<'_>,
) -> Result<(), LayerError> {
    let mut buffer = vec![0; 256 << 10];
    let mut offset = 0;
    while offset < blob.len() {
        let skippable = walker.skippable().min(blob.len() - offset);
        let step = if hasher.is_none() && skippable >= buffer.len() as u64 {
            walker.skip(skippable);
            skippable
        } else {
            let count = blob.read_at(&mut buffer, offset)?;
            let bytes = buffer.get(..count).unwrap_or_default();
            if let Some(hasher) = &mut hasher {
                hasher.update(bytes);
            }
            walker.push(bytes, collector)?;
            count as u64
        };
        offset += step;
        check(offset, offset, reading.limits)?;
        reading.meter.inflated(step, reading.limits)?;
        reading.meter.read(step);
    }
    Ok(())
}

pub(crate) fn check(inflated: u64, read: u64, limits: &Limits) -> Result<(), LayerError> {
    if inflated > limits.layer_bytes {
        let what = "inflated bytes in a layer";
        return Err(LayerError::Limit(LimitError::new(limits.layer_bytes, what, "--max-layer-bytes")));
    }
    if inflated > Limits::RATIO_FROM && inflated / limits.ratio.max(1) > read {
        let what = "inflated bytes for each compressed byte of a layer";
        return Err(LayerError::Limit(LimitError::new(limits.ratio, what, "--max-ratio")));
    }
    Ok(())
}

/// An error once the time is over.
pub(crate) fn in_time(deadline: Option<Instant>) -> Result<(), LayerError> {
    match deadline {
        Some(deadline) if Instant::now() > deadline => Err(Late.into()),
        _ => Ok(()),
    }
}

fn first_bytes(head: &[u8]) -> String {
    head.get(..head.len().min(8)).unwrap_or_default().escape_ascii().to_string()
}
