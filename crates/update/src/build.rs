//! A database from files that are here.

use crate::documents::{self, Give};
use crate::error::UpdateError;
use imagescan_feeds::{Description, Reader, Record, Summary};
use imagescan_knowledge::Builder;
use imagescan_model::{FeedInfo, KnowledgeInfo};
use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// A feed and where its documents lie.
#[derive(Debug)]
pub struct FeedFiles<'a> {
    /// The feed.
    pub feed: &'a Description,
    /// Files, folders and archives.
    pub paths: Vec<PathBuf>,
}

/// Builds the database of `feeds` in `folder`, for the instant `as_of`. A feed that cannot be read is an error.
///
/// # Errors
/// [`UpdateError`], with the id of the feed it is about.
pub fn build(
    feeds: &[FeedFiles<'_>],
    as_of: Timestamp,
    folder: &Path,
) -> Result<KnowledgeInfo, (String, UpdateError)> {
    let mut builder = Builder::new(as_of);
    for FeedFiles { feed, paths } in feeds {
        let documents = |give: &mut Give<'_>| paths.iter().try_for_each(|path| documents::each(path, give));
        let summary = read(feed, &mut builder, documents).map_err(|error| (feed.id.clone(), error))?;
        builder.feed(info(feed, summary, as_of, None));
    }
    builder.write(folder).map_err(|error| (String::new(), error.into()))
}

/// Adds what the documents that `each` gives say.
pub(crate) fn read(
    feed: &Description,
    builder: &mut Builder,
    each: impl FnOnce(&mut Give<'_>) -> Result<(), UpdateError>,
) -> Result<Summary, UpdateError> {
    let mut reader = Reader::new(feed);
    let mut built = Ok(());
    let mut sink = |record| {
        if built.is_ok() {
            built = match &record {
                Record::Advisory(record) => builder.record(&feed.id, record),
                Record::Cve(record) => builder.fact(record),
                Record::Lifecycle(record) => builder.lifecycle(record),
                Record::Repository(record) => {
                    builder.repository(record);
                    Ok(())
                }
            };
        }
    };
    each(&mut |name, source| Ok(reader.read(name, source, &mut sink)?))?;
    let summary = reader.finish(&mut sink)?;
    built?;
    Ok(summary)
}

/// What the database says of a feed.
pub(crate) fn info(
    feed: &Description,
    summary: Summary,
    as_of: Timestamp,
    fetched_at: Option<Timestamp>,
) -> FeedInfo {
    FeedInfo {
        id: feed.id.clone(),
        as_of,
        fetched_at,
        stale: None,
        records: summary.records,
        licence: Some(feed.licence.clone()),
        dropped: summary.dropped,
        digest: summary.digest,
        coverage: summary.coverage,
    }
}
