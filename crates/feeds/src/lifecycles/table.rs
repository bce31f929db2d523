//! Our own table: a row for each release, with the vendor's page that says it.

use super::{dated, give};
use crate::csv::Rows;
use crate::error::FeedError;
use crate::reader::Out;

pub(super) fn read(rows: &mut Rows<'_, '_>, out: &mut Out<'_>) -> Result<(), FeedError> {
    while let Some(row) = rows.next()? {
        let fields = ["release", "source", "released", "standard_end", "extended_end", "paid_end"]
            .map(|name| row.get(name).map(String::from));
        let document = rows.document();
        let [Some(release), Some(source), dates @ ..] = &fields else {
            return Err(document.value("the table lacks a column:", "release or source"));
        };
        let [released, standard_end, extended_end, paid_end] =
            dates.each_ref().map(|text| dated(document, text.as_deref()));
        let release = release.parse().map_err(|_| document.value("unknown release", &**release))?;
        give(release, source, [released?, standard_end?, extended_end?, paid_end?], out);
    }
    Ok(())
}
