//! EPSS: FIRST's daily estimates of how likely each CVE is to be exploited (first.org/epss).
//!
//! Three forms: before September 2021 without a percentile, before February 2022 without the comment that has the
//! day. Scores change daily, so the day belongs to them: where the comment is missing, the document's name has it.
//! Nothing tells how many rows there are: a file that was cut between two rows looks whole, but is found by the
//! end of the compressed data.

use crate::csv::Rows;
use crate::document::Document;
use crate::error::FeedError;
use crate::instant::{day, instant};
use crate::reader::{Out, Parser, Record};
use imagescan_model::{CveRecord, Epss as Score};
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Files of any days.
pub(crate) struct Epss {
    feed: String,
}

impl Epss {
    pub(crate) fn new(feed: &str) -> Self {
        Self { feed: feed.into() }
    }
}

impl Parser for Epss {
    fn read(&mut self, document: &mut Document<'_>, out: &mut Out<'_>) -> Result<(), FeedError> {
        let mut computed = None;
        let mut rows = Rows::new(document, |comment| computed = computed.or_else(|| score_date(comment)))?;
        let header: Vec<&str> = rows.header().iter().map(String::as_str).collect();
        if !matches!(header[..], ["cve", "epss"] | ["cve", "epss", "percentile"]) {
            let expected = "epss_scores-YYYY-MM-DD.csv, with columns cve, epss and percentile";
            return Err(rows.document().unrecognised(&self.feed, expected));
        }
        let name = rows.document().name();
        let value = |why, value: &str| FeedError::Value { name: name.into(), why, value: value.into() };
        let date = computed
            .or_else(|| date_in(name))
            .ok_or_else(|| value("no day, neither as score_date nor in its name:", name))?;
        while let Some(row) = rows.next()? {
            let cve = row.get("cve").unwrap_or_default();
            if !cve.starts_with("CVE-") {
                return Err(value("a row is about no CVE:", cve));
            }
            let share = |text: &str| fraction(text).ok_or_else(|| value("not between 0 and 1:", text));
            let score = share(row.get("epss").unwrap_or_default())?;
            let percentile = row.get("percentile").map(share).transpose()?;
            let epss = Some(Score { score, percentile, date });
            out.record(Record::Cve(CveRecord { epss, ..CveRecord::new(cve, &*self.feed) }));
        }
        Ok(())
    }
}

/// Of `model_version:v2023.03.01,score_date:2023-03-07T00:00:00+0000`.
fn score_date(comment: &str) -> Option<Date> {
    let text = comment.split(',').find_map(|part| part.trim().strip_prefix("score_date:"))?;
    Some(TimeZone::UTC.to_datetime(instant(text)?).date())
}

/// Of `…/epss_scores-2021-04-14.csv`.
fn date_in(name: &str) -> Option<Date> {
    let (_, rest) = name.rsplit_once("epss_scores-")?;
    day(rest.get(..10)?)
}

/// In hundred-thousandths.
fn fraction(text: &str) -> Option<u32> {
    let value: f64 = text.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 1")]
    (0.0..=1.0).contains(&value).then(|| (value * 100_000.0).round() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::Input;

    fn read(name: &str, text: &str) -> Result<Vec<String>, FeedError> {
        let (records, _) = crate::testing::read("epss", &[Input { name, bytes: text.as_bytes() }])?;
        let line = |record| match record {
            Record::Cve(CveRecord { id, epss: Some(epss), .. }) => {
                format!("{id} {} {:?} {}", epss.score, epss.percentile, epss.date)
            }
            record => format!("{record:?}"),
        };
        Ok(records.into_iter().map(line).collect())
    }

    #[test]
    fn the_three_forms_are_read() {
        let new = include_str!("../../../vuln-feeds/samples/epss/epss_scores-2023-03-07.csv");
        assert_eq!(
            read("x", new).unwrap(),
            ["CVE-2020-5902 97567 Some(99995) 2023-03-07", "CVE-2018-19571 113 Some(43131) 2023-03-07"]
        );
        let old = "cve,epss,percentile\nCVE-2020-5902,0.65117,0.9981063485700858\n";
        assert_eq!(
            read("in/epss_scores-2021-09-01.csv", old).unwrap(),
            ["CVE-2020-5902 65117 Some(99811) 2021-09-01"]
        );
        let oldest = "cve,epss\nCVE-2020-5902,6e-05\n";
        assert_eq!(
            read("epss_scores-2021-04-14.csv.gz", oldest).unwrap(),
            ["CVE-2020-5902 6 None 2021-04-14"]
        );
    }

    #[test]
    fn a_score_without_a_day_is_an_error() {
        let text = "#model_version:v2023.03.01\ncve,epss,percentile\nCVE-1999-0001,0.00383,0.73075\n";
        assert!(read("missing-date.csv", text).is_err());
    }

    #[test]
    fn damage_is_an_error() {
        for row in
            ["CVE-1,1.5,0", "CVE-1,-1,0", "CVE-1,NaN,0", "CVE-1,,0", "X,0.5,0", "CVE-1,0.5", "CVE-1,0.5,0,0"]
        {
            let text = format!("#score_date:2023-03-07T00:00:00+0000\ncve,epss,percentile\n{row}\n");
            assert!(read("x", &text).is_err(), "{row}");
        }
        for text in ["", "{}", "#score_date:2023-03-07\ninvalid,header,format\n", "\u{0}\n"] {
            assert!(read("epss_scores-2021-04-14.csv", text).is_err(), "{text}");
        }
    }
}
