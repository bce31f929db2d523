//! What a parser makes of a few texts.

use crate::description::{Description, descriptions};
use crate::error::FeedError;
use crate::parse::Input;
use crate::reader::{Reader, Record, Summary};
use imagescan_model::{AdvisoryRecord, FeedCoverage};

pub(crate) fn feed(id: &str) -> Description {
    descriptions().into_iter().find(|feed| feed.id == id).unwrap()
}

/// Records in the order in which they come, and coverage.
pub(crate) fn parse(
    id: &str,
    inputs: &[Input<'_>],
) -> Result<(Vec<AdvisoryRecord>, Vec<FeedCoverage>), FeedError> {
    let (records, summary) = read(id, inputs)?;
    let advisory = |record| match record {
        Record::Advisory(record) => Some(record),
        _ => None,
    };
    Ok((records.into_iter().filter_map(advisory).collect(), summary.coverage))
}

/// All that the feed says in `inputs`, in the order in which it comes, and of itself.
pub(crate) fn read(id: &str, inputs: &[Input<'_>]) -> Result<(Vec<Record>, Summary), FeedError> {
    let mut records = Vec::new();
    let mut sink = |record| records.push(record);
    let mut reader = Reader::new(&feed(id));
    for input in inputs {
        reader.read(input.name, &mut &*input.bytes, &mut sink)?;
    }
    let summary = reader.summary(&mut sink)?;
    Ok((records, summary))
}
