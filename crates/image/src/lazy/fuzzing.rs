//! What the fuzz targets call.

use super::table::Table;
use super::{Job, Lazy, Place, Ranges, zstd_chunked};
use crate::content::{Keeper, Store};
use crate::inflate::{Compression, Inflater};
use crate::layer::{LayerError, Reading};
use crate::limits::Limits;
use crate::progress::{Meter, Progress};
use crate::question::Question;
use crate::work::Threads;
use imagescan_model::Digest;
use std::io::Read;
use std::sync::{Arc, OnceLock};

impl Ranges for &[u8] {
    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }

    fn range(&self, start: u64, end: u64) -> Box<dyn Read + '_> {
        let stretch = usize::try_from(start).ok().zip(usize::try_from(end).ok());
        Box::new(stretch.and_then(|(start, end)| self.get(start..end)).expect("a stretch of it"))
    }
}

/// Reads `bytes` as a layer whose annotation vouches for the table that it has, and then as a table, a zero byte and the
/// layer's files. The last eight bytes say where a zstd:chunked layer has its table.
pub fn read_lazily(bytes: &[u8], is_estargz: bool) {
    let limits = Limits { layer_bytes: 16 << 20, ..Limits::default() };
    let store = Store::new(std::env::temp_dir(), &limits);
    let meter = Meter::new(Arc::new(Progress::default()));
    let reading =
        Reading { limits: &limits, meter: &meter, inflater: Inflater::Own, threads: &Threads::default() };
    let question = Question::new(&["etc/os-release", "var/lib/dpkg/status", "var/lib/dpkg/info/*.list"]);
    let job =
        Job { question: &question, store: &store, tables: &store, layers: 1, bytes: 0, reading: &reading };
    let name = Digest::from_sha256(&[0; 32]);
    let read = |digest| {
        let place =
            if is_estargz { Place::Estargz(digest) } else { Place::ZstdChunked(place(bytes, digest)) };
        Lazy { place, table: OnceLock::new() }
            .open(&bytes, &job)
            .and_then(|table| table.read(&bytes, &name, &job))
    };
    if let Err(LayerError::Digest { got, .. }) = read(name.clone()) {
        let _ = read(got);
    }
    let Some(zero) = bytes.iter().position(|byte| *byte == 0) else { return };
    let (json, files) = bytes.split_at(zero);
    let files = &files[1..];
    let mut keeper = Keeper::new();
    keeper.push(&store, json).expect("within the bounds");
    let json = keeper.finish(&store).expect("within the bounds");
    let compression = if is_estargz { Compression::Gzip } else { Compression::Zstd };
    let table = Table { json, files_end: files.len() as u64, fetched: 0, compression };
    let _ = table.read(&files, &name, &job);
}

fn place(bytes: &[u8], checksum: Digest) -> zstd_chunked::Place {
    let number = |from_end: usize| {
        let four = bytes.len().checked_sub(from_end).and_then(|at| bytes.get(at..)?.first_chunk());
        u64::from(u32::from_le_bytes(*four.unwrap_or(&[0; 4])))
    };
    zstd_chunked::Place { checksum, json: None, offset: number(8), length: number(4), inflated: 1 << 20 }
}
