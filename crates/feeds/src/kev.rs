//! KEV: CISA's list of vulnerabilities that are exploited (cisa.gov/known-exploited-vulnerabilities-catalog), as
//! JSON or CSV.
//!
//! The order of its entries says nothing, and a day may lie in the future. The CSV does not tell how many entries
//! there are, so a CSV that was cut between two rows looks whole; the JSON is the better source.

use crate::csv::Rows;
use crate::document::Document;
use crate::error::FeedError;
use crate::instant::day;
use crate::reader::{Out, Parser, Record, title};
use imagescan_model::{CveRecord, Exploited};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Catalog {
    count: usize,
    vulnerabilities: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "cveID")]
    cve_id: String,
    vulnerability_name: String,
    date_added: String,
    #[serde(default)]
    due_date: Option<String>,
    /// The first lists did not have it.
    #[serde(default)]
    known_ransomware_campaign_use: Option<String>,
}

/// The list, in either form.
pub(crate) struct Kev {
    feed: String,
}

impl Kev {
    pub(crate) fn new(feed: &str) -> Self {
        Self { feed: feed.into() }
    }

    fn csv(&self, document: &mut Document<'_>, out: &mut Out<'_>) -> Result<(), FeedError> {
        let mut rows = Rows::new(document, |_| {})?;
        let needed = ["cveID", "vulnerabilityName", "dateAdded", "dueDate"];
        if !needed.iter().all(|name| rows.header().iter().any(|known| known == name)) {
            return Err(rows.document().unrecognised(&self.feed, EXPECTED));
        }
        while let Some(row) = rows.next()? {
            let text = |name| String::from(row.get(name).unwrap_or_default());
            let entry = Entry {
                cve_id: text("cveID"),
                vulnerability_name: text("vulnerabilityName"),
                date_added: text("dateAdded"),
                due_date: Some(text("dueDate")),
                known_ransomware_campaign_use: row.get("knownRansomwareCampaignUse").map(String::from),
            };
            let record = self.record(rows.document(), entry)?;
            out.record(Record::Cve(record));
        }
        Ok(())
    }

    fn record(&self, document: &Document<'_>, entry: Entry) -> Result<CveRecord, FeedError> {
        if !entry.cve_id.starts_with("CVE-") {
            return Err(document.value("an entry is about no CVE:", entry.cve_id));
        }
        let date = |text: &str| day(text).ok_or_else(|| document.value("not a day:", text));
        let due = entry.due_date.filter(|text| !text.is_empty());
        let ransomware = match entry.known_ransomware_campaign_use.as_deref() {
            Some("Known") => true,
            Some("Unknown" | "") | None => false,
            Some(word) => return Err(document.value("unknown knownRansomwareCampaignUse", word)),
        };
        let exploited = Exploited {
            added: date(&entry.date_added)?,
            due: due.map(|text| date(&text)).transpose()?,
            ransomware,
        };
        Ok(CveRecord {
            title: title(&entry.vulnerability_name),
            exploited: Some(exploited),
            ..CveRecord::new(entry.cve_id, &*self.feed)
        })
    }
}

const EXPECTED: &str = "known_exploited_vulnerabilities.json or .csv";

impl Parser for Kev {
    fn read(&mut self, document: &mut Document<'_>, out: &mut Out<'_>) -> Result<(), FeedError> {
        match document.first()? {
            Some(b'{') => {
                let catalog: Catalog = document.json("list of known exploited vulnerabilities")?;
                if catalog.count != catalog.vulnerabilities.len() {
                    let held = catalog.vulnerabilities.len().to_string();
                    return Err(document.value("the number of entries is not what `count` says:", held));
                }
                for entry in catalog.vulnerabilities {
                    out.record(Record::Cve(self.record(document, entry)?));
                }
                Ok(())
            }
            Some(b'c' | b'"') => self.csv(document, out),
            _ => Err(document.unrecognised(&self.feed, EXPECTED)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::Input;
    use crate::testing::read;

    const JSON: &str = include_str!("../../../vuln-feeds/samples/kev/known_exploited_vulnerabilities.json");

    fn lines(text: &str) -> Result<Vec<String>, FeedError> {
        let (records, _) = read("kev", &[Input { name: "x", bytes: text.as_bytes() }])?;
        let line = |record| match record {
            Record::Cve(CveRecord { id, title, exploited: Some(exploited), .. }) => {
                let due = exploited.due.map(|day| day.to_string()).unwrap_or_default();
                let title = title.unwrap_or_default();
                format!("{id} {} {due} {} {title}", exploited.added, exploited.ransomware)
            }
            record => format!("{record:?}"),
        };
        Ok(records.into_iter().map(line).collect())
    }

    #[test]
    fn both_forms_say_the_same() {
        let csv = "cveID,vendorProject,vulnerabilityName,dateAdded,dueDate,knownRansomwareCampaignUse\n\
            CVE-2014-0160,OpenSSL,\"OpenSSL Information Disclosure Vulnerability\",2022-05-04,2022-05-25,Unknown\n\
            CVE-2021-44228,Apache,Apache Log4j2 Remote Code Execution Vulnerability ,2021-12-10,2021-12-24,Known\n";
        let expected = [
            "CVE-2014-0160 2022-05-04 2022-05-25 false OpenSSL Information Disclosure Vulnerability",
            "CVE-2021-44228 2021-12-10 2021-12-24 true Apache Log4j2 Remote Code Execution Vulnerability",
        ];
        assert_eq!(lines(JSON).unwrap(), expected);
        assert_eq!(lines(csv).unwrap(), expected);
        assert!(lines(&csv.replace("Known\n", "Maybe\n")).is_err());
        assert!(lines(&csv.replace("2022-05-04", "")).is_err());
    }

    #[test]
    fn a_list_that_says_another_count_is_damaged() {
        let error = lines(&JSON.replace("\"count\": 2", "\"count\": 3")).unwrap_err().to_string();
        assert_eq!(error, "`x`: the number of entries is not what `count` says: `2`");
    }

    #[test]
    fn a_day_in_the_future_stays_one() {
        assert!(lines(&JSON.replace("2022-05-25", "2099-01-01")).unwrap()[0].contains(" 2099-01-01 "));
    }

    #[test]
    fn what_was_cut_is_an_error() {
        for end in 0..JSON.trim_end().len() {
            assert!(lines(&JSON[..end]).is_err(), "{end}");
        }
    }
}
