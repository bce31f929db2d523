//! A whole feed at once, for documents that are few and at hand.

use crate::description::Description;
use crate::error::FeedError;
use crate::reader::{Reader, Record};
use imagescan_model::{AdvisoryRecord, Digest, FeedCoverage};
use std::collections::BTreeMap;

/// A document and the name it has in errors.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// For errors.
    pub name: &'a str,
    /// Its content.
    pub bytes: &'a [u8],
}

/// What a feed says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// What it says of packages: sorted, each once.
    pub records: Vec<AdvisoryRecord>,
    /// What it says of anything else: sorted, each once.
    pub others: Vec<Record>,
    /// What was left out, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Releases it speaks of, sorted.
    pub coverage: Vec<FeedCoverage>,
    /// SHA-256 over the contents of the documents, sorted: their names and order do not count.
    pub digest: Digest,
}

/// Reads all documents of one feed.
///
/// # Errors
/// As [`Reader::read`] and [`Reader::finish`].
pub fn parse(feed: &Description, inputs: &[Input<'_>]) -> Result<Parsed, FeedError> {
    let (mut records, mut others) = (Vec::new(), Vec::new());
    let mut sink = |record| match record {
        Record::Advisory(record) => records.push(record),
        record => others.push(record),
    };
    let mut reader = Reader::new(feed);
    for input in inputs {
        reader.read(input.name, &mut &*input.bytes, &mut sink)?;
    }
    let summary = reader.finish(&mut sink)?;
    records.sort();
    records.dedup();
    others.sort();
    others.dedup();
    let (dropped, coverage, digest) = (summary.dropped, summary.coverage, summary.digest);
    Ok(Parsed { records, others, dropped, coverage, digest })
}
