//! When the support of releases ends: Debian's distro-info-data for Debian and Ubuntu, a table of our own for the
//! others (`vuln-feeds/lifecycles-table.csv`), and, for who wants it, endoflife.date.
//!
//! Sources are not merged: each record names who says it. All days are the last of the support. Nothing in a table
//! tells how many rows it has: one that was cut between two of them looks whole.

mod distro_info;
mod endoflife;
mod table;

use crate::csv::Rows;
use crate::document::Document;
use crate::error::FeedError;
use crate::instant::day;
use crate::reader::{Out, Parser, Record};
use imagescan_model::{LifecycleRecord, Release};
use jiff::civil::Date;

/// Tables and documents of any of the three.
pub(crate) struct Lifecycles {
    feed: String,
}

impl Lifecycles {
    pub(crate) fn new(feed: &str) -> Self {
        Self { feed: feed.into() }
    }
}

impl Parser for Lifecycles {
    fn read(&mut self, document: &mut Document<'_>, out: &mut Out<'_>) -> Result<(), FeedError> {
        let expected = "distro-info-data's CSV, lifecycles-table.csv, or JSON of endoflife.date";
        match document.first()? {
            Some(b'{') => return endoflife::read(document, out),
            None => return Err(document.unrecognised(&self.feed, expected)),
            Some(_) => {}
        }
        let mut rows = Rows::new(document, |_| {})?;
        let header = |index: usize| rows.header().get(index).map(String::as_str);
        match (header(0), header(1)) {
            (Some("release"), Some("released")) => table::read(&mut rows, out),
            (Some("version"), Some("codename")) => distro_info::read(&mut rows, out),
            _ => Err(rows.document().unrecognised(&self.feed, expected)),
        }
    }
}

/// A day that a field has; `None`: none.
fn dated(document: &Document<'_>, text: Option<&str>) -> Result<Option<Date>, FeedError> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    text.map(|text| day(text).ok_or_else(|| document.value("not a day:", text))).transpose()
}

/// Gives a record of when it was released, and of the ends of standard, extended and paid support.
fn give(release: Release, source: &str, dates: [Option<Date>; 4], out: &mut Out<'_>) {
    if dates == [None; 4] {
        return out.dropped("a release without a day, such as sid");
    }
    let [released, standard_end, extended_end, paid_end] = dates;
    out.record(Record::Lifecycle(LifecycleRecord {
        release,
        source: source.into(),
        released,
        standard_end,
        extended_end,
        paid_end,
    }));
}

#[cfg(test)]
mod tests;
