//! A feed's documents, by the feed's parser.

use crate::description::{Description, Parser};
use crate::error::FeedError;
use crate::{alpine, debian, osv};
use imagescan_model::{AdvisoryRecord, Digest, FeedCoverage};
use sha2::{Digest as _, Sha256};

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
    /// Sorted, each once.
    pub records: Vec<AdvisoryRecord>,
    /// Releases it speaks of, sorted.
    pub coverage: Vec<FeedCoverage>,
    /// SHA-256 over the contents of the documents, sorted: their names and order do not count.
    pub digest: Digest,
}

/// Reads all documents of one feed.
///
/// # Errors
/// [`FeedError`] for a document that is damaged, unknown, or says what no rule covers.
pub fn parse(feed: &Description, inputs: &[Input<'_>]) -> Result<Parsed, FeedError> {
    let (mut records, mut coverage) = match feed.parser {
        Parser::DebianTracker => debian::parse(&feed.id, inputs)?,
        Parser::Secdb => alpine::parse(&feed.id, inputs)?,
        Parser::Osv => osv::parse(&feed.id, inputs)?,
    };
    if records.is_empty() {
        return Err(FeedError::Empty(feed.id.clone()));
    }
    records.sort();
    records.dedup();
    coverage.sort();
    coverage.dedup();
    let mut digests: Vec<[u8; 32]> = inputs.iter().map(|input| Sha256::digest(input.bytes).into()).collect();
    digests.sort_unstable();
    let digest = Digest::from_sha256(&Sha256::digest(digests.concat()).into());
    Ok(Parsed { records, coverage, digest })
}

/// The first line of a text for people, without control characters.
pub(crate) fn title(text: &str) -> Option<String> {
    const LONGEST: usize = 240;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let mut title: String = line.chars().filter(|c| !c.is_control()).take(LONGEST + 1).collect();
    if title.chars().count() > LONGEST {
        title.pop();
        title.push('…');
    }
    Some(title)
}
