//! distro-info-data: `debian.csv` and `ubuntu.csv` (salsa.debian.org/debian/distro-info-data).
//!
//! Neither says of which distribution it is: the names of the releases do. A row ends where nothing more is known.
//! Ubuntu Pro has two ends, `eol-esm` and, with the legacy add-on, `eol-legacy`: the later is the last day on
//! which fixes can be had for money. Files of other distributions, which lie beside, are counted.

use super::{dated, give};
use crate::csv::Rows;
use crate::error::FeedError;
use crate::reader::Out;
use imagescan_model::Release;
use jiff::civil::Date;

/// Who says it.
const SOURCE: &str = "distro-info-data";

struct Row {
    version: String,
    series: String,
    dates: [Option<Date>; 6],
}

pub(super) fn read(rows: &mut Rows<'_, '_>, out: &mut Out<'_>) -> Result<(), FeedError> {
    let columns = ["release", "eol", "eol-lts", "eol-elts", "eol-esm", "eol-legacy"];
    let has = |rows: &Rows<'_, '_>, name: &str| rows.header().iter().any(|known| known == name);
    let (is_debian, is_ubuntu) = (has(rows, "eol-elts"), has(rows, "eol-esm"));
    let mut releases = Vec::new();
    while let Some(row) = rows.next_short()? {
        let [version, series] =
            ["version", "series"].map(|name| row.get(name).unwrap_or_default().to_owned());
        let texts = columns.map(|name| row.get(name).map(String::from));
        let document = rows.document();
        let mut dates = [None; 6];
        for (date, text) in dates.iter_mut().zip(&texts) {
            *date = dated(document, text.as_deref())?;
        }
        releases.push(Row { version, series, dates });
    }
    let known = |find: fn(&str) -> Option<Release>| releases.iter().any(|row| find(&row.series).is_some());
    if is_debian && known(Release::debian_codename) {
        releases.iter().for_each(|row| debian(row, out));
    } else if is_ubuntu && known(Release::ubuntu_codename) {
        releases.iter().for_each(|row| ubuntu(row, out));
    } else {
        releases.iter().for_each(|_| out.dropped("a release of another distribution"));
    }
    Ok(())
}

fn debian(row: &Row, out: &mut Out<'_>) {
    let release =
        Release::debian_codename(&row.series).unwrap_or_else(|| Release::new("debian", row.series.clone()));
    let [released, standard_end, extended_end, paid_end, ..] = row.dates;
    give(release, SOURCE, [released, standard_end, extended_end, paid_end], out);
}

fn ubuntu(row: &Row, out: &mut Out<'_>) {
    let number = row.version.split(' ').next().unwrap_or_default();
    let release = Release::ubuntu_codename(&row.series).unwrap_or_else(|| Release::new("ubuntu", number));
    let [released, standard_end, _, _, esm, legacy] = row.dates;
    give(release, SOURCE, [released, standard_end, None, esm.max(legacy)], out);
}
