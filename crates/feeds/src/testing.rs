//! What a parser makes of a few texts.

use crate::description::{Description, descriptions};
use crate::error::FeedError;
use crate::parse::Input;
use crate::reader::{Reader, Record, Summary};
use imagescan_model::{AdvisoryRecord, FeedCoverage, Severity};
use std::fs;
use std::path::Path;

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

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vuln-feeds/samples");

/// The documents of a feed's sample.
fn samples(id: &str) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(Path::new(SAMPLES).join(id)).unwrap().map(|entry| entry.unwrap());
    let mut documents: Vec<_> = entries
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    documents.sort();
    documents
}

/// What a feed's sample says of packages, sorted, whatever the order of its documents.
pub(crate) fn read_samples(id: &str) -> (Vec<AdvisoryRecord>, Summary) {
    let documents = samples(id);
    let mut inputs: Vec<Input<'_>> = documents.iter().map(|(name, bytes)| Input { name, bytes }).collect();
    let read = |inputs: &[Input<'_>]| {
        let (mut records, summary) = read(id, inputs).unwrap();
        records.sort();
        (records, summary)
    };
    let (records, summary) = read(&inputs);
    inputs.reverse();
    assert_eq!(read(&inputs), (records.clone(), summary.clone()));
    let advisory = |record| match record {
        Record::Advisory(record) => Some(record),
        _ => None,
    };
    (records.into_iter().filter_map(advisory).collect(), summary)
}

/// A record in a line: release, package, id, state, fix, and what is not usual of it.
pub(crate) fn line(record: &AdvisoryRecord) -> String {
    let mut line = format!("{} {} {} ", record.release, record.package, record.id);
    line += &format!("{:?}", record.state).to_lowercase();
    let mut say = |what: &Option<String>, before: &str| {
        if let Some(what) = what {
            line += &format!(" {before}{what}");
        }
    };
    say(&record.introduced, ">=");
    say(&record.fixed_version, "<");
    let architectures = format!("[{}]", record.architectures.join(" "));
    say(&Some(architectures).filter(|_| !record.architectures.is_empty()), "");
    say(&record.module, "module ");
    say(&record.stream, "in ");
    say(&Some(record.severity.to_string()).filter(|_| record.severity != Severity::Unknown), "");
    say(&record.fix_available.map(|date| date.at.to_string()[..10].into()), "");
    line
}

/// Each sample cut anywhere is an error, or says the same: no document, no panic and no fewer rows.
pub(crate) fn refuses_or_repeats(id: &str) {
    for (name, bytes) in samples(id) {
        let read = |bytes: &[u8]| read(id, &[Input { name: &name, bytes }]);
        let whole = read(&bytes).unwrap();
        let step = (bytes.len() / 200).max(1);
        for end in (0..bytes.len()).step_by(step) {
            if let Ok((records, summary)) = read(&bytes[..end]) {
                assert_eq!((&records, &summary.dropped), (&whole.0, &whole.1.dropped), "{name} cut at {end}");
            }
            let mut flipped = bytes.clone();
            flipped[end] ^= 0x15;
            let _ = read(&flipped);
        }
    }
}

/// What was left out, as `reason: count`.
pub(crate) fn dropped(summary: &Summary) -> Vec<String> {
    summary.dropped.iter().map(|(reason, count)| format!("{reason}: {count}")).collect()
}
