//! A layer in a registry, read by its table of contents: the table, then the wanted files, each by HTTP ranges.
//!
//! Layers of two formats are ordinary archives whose files are compressed one by one, with a table behind them that
//! says where each lies and which digest it has: eStargz ([`estargz`]) and zstd:chunked ([`zstd_chunked`]). An
//! annotation of the layer's descriptor holds the table's digest, so that the manifest vouches for the table, the table
//! for the files, and every byte that counts was compared with a digest.
//!
//! What goes wrong: whoever made the layer can write a table that says something else than the archive. Nothing here can
//! see that, so evidence says that it was read lazily. Anything that does not fit (no annotation, no ranges, a damaged
//! table, a wrong digest) is no error but a reason to read the layer as a whole, which takes nothing on trust.

mod estargz;
mod files;
#[cfg(fuzzing)]
mod fuzzing;
mod members;
mod record;
mod table;
#[cfg(test)]
mod tests;
mod zstd_chunked;

use crate::collect::Collector;
use crate::content::Store;
use crate::evidence::LayerEvidence;
use crate::layer::{LayerError, Reading};
use crate::question::Question;
use imagescan_model::Digest;
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::OnceLock;
use table::Table;

#[cfg(fuzzing)]
pub use fuzzing::read_lazily;

/// Bytes that can be asked for in stretches.
pub(crate) trait Ranges {
    /// How many there are.
    fn len(&self) -> u64;

    /// Those from `start` to before `end`, or an error; never others.
    fn range(&self, start: u64, end: u64) -> Box<dyn Read + '_>;
}

/// What a layer's descriptor says of its table of contents.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// It lies where the blob's footer says; the digest is of the JSON.
    Estargz(Digest),
    ZstdChunked(zstd_chunked::Place),
}

/// A layer's table of contents: where it lies, and what it was found to be.
#[derive(Debug)]
pub(crate) struct Lazy {
    place: Place,
    /// `None`: the layer has to be read as a whole. A question that grows asks again, but not the registry.
    table: OnceLock<Option<Table>>,
}

/// What a layer is asked, and what it is read with.
pub(crate) struct Job<'a> {
    pub question: &'a Question,
    /// Where wanted files are kept, and where tables are: they count against no bound on wanted files.
    pub store: &'a Store,
    pub tables: &'a Store,
    /// Layers in all: they share bounds.
    pub layers: usize,
    /// Stored bytes of all of them.
    pub bytes: u64,
    pub reading: &'a Reading<'a>,
}

impl Job<'_> {
    pub(crate) fn collector(&self) -> Collector<'_> {
        Collector::new(self.question, self.store, self.layers)
    }
}

impl Lazy {
    /// The table that the annotations of a layer's descriptor vouch for, if they do.
    pub(crate) fn announced(annotations: Option<&BTreeMap<String, String>>) -> Option<Self> {
        let annotations = annotations?;
        let estargz = estargz::announced(annotations)?;
        let place = match (zstd_chunked::announced(annotations)?, estargz) {
            // Tools that write zstd:chunked with eStargz's library give both; then both have to hold.
            (Some(place), json) => Place::ZstdChunked(zstd_chunked::Place { json, ..place }),
            (None, Some(digest)) => Place::Estargz(digest),
            (None, None) => return None,
        };
        Some(Self { place, table: OnceLock::new() })
    }

    /// All that the descriptor says, in one text.
    pub(crate) fn vouched(&self) -> String {
        format!("{:?}", self.place)
    }

    /// Reads the layer in `source`, which is called `name`. `None`: it has to be read as a whole.
    ///
    /// # Errors
    /// What would end the reading of a whole layer too.
    pub(crate) fn read(
        &self,
        source: &dyn Ranges,
        name: &Digest,
        job: &Job<'_>,
    ) -> Result<Option<LayerEvidence>, LayerError> {
        match self.try_read(source, name, job) {
            Ok(evidence) => Ok(Some(evidence)),
            Err(error @ (LayerError::Shared(_) | LayerError::Late(_))) => Err(error),
            Err(_) => Ok(None),
        }
    }

    fn try_read(
        &self,
        source: &dyn Ranges,
        name: &Digest,
        job: &Job<'_>,
    ) -> Result<LayerEvidence, LayerError> {
        let table = match self.table.get() {
            Some(table) => table,
            None => match self.open(source, job) {
                Ok(table) => self.table.get_or_init(|| Some(table)),
                Err(error) => {
                    let _ = self.table.set(None);
                    return Err(error);
                }
            },
        };
        table.as_ref().ok_or_else(|| misfit("its table did not fit before"))?.read(source, name, job)
    }

    fn open(&self, source: &dyn Ranges, job: &Job<'_>) -> Result<Table, LayerError> {
        match &self.place {
            Place::Estargz(digest) => estargz::open(source, digest, job),
            Place::ZstdChunked(place) => zstd_chunked::open(source, place, job),
        }
    }
}

/// A reason to read the layer as a whole.
fn misfit(why: &str) -> LayerError {
    LayerError::Misfit(why.into())
}
