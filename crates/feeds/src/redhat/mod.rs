//! Red Hat: VEX documents, one for each CVE; beside them the advisories, the list of repositories, and OVAL, which
//! came before them (security.access.redhat.com/data; csaf/v2, meta/v1, oval/v2).
//!
//! Keyed by binary package, and by more than its name: a fix is one of a product, of some architectures, and of a
//! module's stream where the package comes from one. The product is given as its CPE, whole, as the record's
//! stream: `cpe:/a:redhat:enterprise_linux:8::appstream` is a repository of Red Hat Enterprise Linux 8,
//! `cpe:/o:redhat:enterprise_linux:8` all of it, `cpe:/a:redhat:rhel_eus:8.6::appstream` one that only its
//! subscribers have. Which of them an image has is told by its content sets, which the list of repositories
//! ([`repositories`]) translates.
//!
//! A document that was deleted says nothing: its status is `deleted`, or deletions.csv names it. That list must
//! come before the documents it takes back, since their records are gone by then; the other order is an error.

mod cpe;
mod oval;
mod package;
mod vex;

use crate::csaf::{self, Head, ProductTree, Text, Vulnerability};
use crate::document::Document;
use crate::entries::Entries;
use crate::error::FeedError;
use crate::reader::{Out, Parser, Record};
use imagescan_model::RepositoryRecord;
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::HashMap;

const EXPECTED: &str = "CSAF documents, changes.csv, deletions.csv, repository-to-cpe.json or OVAL";

/// Any of Red Hat's documents.
pub(crate) struct RedHat {
    feed: String,
    /// When the document of that name was deleted.
    deleted: HashMap<String, Timestamp>,
    /// The date of each document whose records are out.
    given: HashMap<String, Timestamp>,
}

/// Either a CSAF document or the list of repositories: they are told apart by what they hold.
#[derive(Deserialize)]
struct Json<'a> {
    #[serde(borrow, default)]
    document: Option<Head<'a>>,
    #[serde(borrow, default)]
    product_tree: ProductTree<'a>,
    #[serde(borrow, default)]
    vulnerabilities: Vec<Vulnerability<'a>>,
    #[serde(borrow, default)]
    data: Option<Entries<Text<'a>, Repository>>,
}

#[derive(Deserialize)]
struct Repository {
    cpes: Vec<String>,
}

impl RedHat {
    pub(crate) fn new(feed: &str) -> Self {
        Self { feed: feed.into(), deleted: HashMap::new(), given: HashMap::new() }
    }

    /// Whether the records of a CSAF document may go out.
    fn is_current(&mut self, document: &Document<'_>, head: &Head<'_>) -> Result<bool, FeedError> {
        match &*head.tracking.status {
            "final" | "interim" | "draft" => {}
            "deleted" => return Ok(false),
            status => return Err(document.value("unknown status of a document", status)),
        }
        let name = csaf::file_name(&head.tracking.id);
        let date = head.tracking.current_release_date;
        if self.deleted.get(&name).is_some_and(|deleted| *deleted >= date) {
            return Ok(false);
        }
        let newest = self.given.entry(name).or_insert(date);
        *newest = date.max(*newest);
        Ok(true)
    }

    fn list(&mut self, document: &Document<'_>, bytes: &[u8]) -> Result<(), FeedError> {
        let text = std::str::from_utf8(bytes).map_err(|_| document.unrecognised(&self.feed, EXPECTED))?;
        // What is deleted and what has changed looks the same; only the name tells.
        let rows = csaf::dated_names(document, text)?;
        match document.name() {
            name if name.ends_with("changes.csv") => Ok(()),
            name if name.ends_with("deletions.csv") => rows.into_iter().try_for_each(|(name, date)| {
                if self.given.get(&name).is_some_and(|given| *given <= date) {
                    let why = "deletions.csv must be read before the documents that it takes back:";
                    return Err(document.value(why, name));
                }
                let newest = self.deleted.entry(name).or_insert(date);
                *newest = date.max(*newest);
                Ok(())
            }),
            _ => Err(document.unrecognised(&self.feed, EXPECTED)),
        }
    }

    fn json(&mut self, document: &Document<'_>, bytes: &[u8], out: &mut Out<'_>) -> Result<(), FeedError> {
        let json: Json<'_> = csaf::json(document, bytes, "CSAF document")?;
        match (json.document, json.data) {
            (Some(head), None) if self.is_current(document, &head)? => {
                let said = csaf::Said { head: &head, tree: &json.product_tree, of: &json.vulnerabilities };
                vex::read(&self.feed, document, &said, out)
            }
            (Some(_), None) => {
                out.dropped("a document that was deleted");
                Ok(())
            }
            (None, Some(data)) => {
                repositories(data, out);
                Ok(())
            }
            _ => Err(document.unrecognised(&self.feed, EXPECTED)),
        }
    }
}

impl Parser for RedHat {
    fn read(&mut self, document: &mut Document<'_>, out: &mut Out<'_>) -> Result<(), FeedError> {
        match document.first()? {
            Some(b'<') => oval::read(&self.feed, document, out),
            Some(first) => {
                let bytes = document.bytes()?;
                match first {
                    b'{' => self.json(document, &bytes, out),
                    b'"' => self.list(document, &bytes),
                    _ if csaf::is_companion(document.name(), &bytes) => Ok(()),
                    _ => Err(document.unrecognised(&self.feed, EXPECTED)),
                }
            }
            None => Err(document.unrecognised(&self.feed, EXPECTED)),
        }
    }
}

/// Which products a repository belongs to.
fn repositories(data: Entries<Text<'_>, Repository>, out: &mut Out<'_>) {
    for (repository, Repository { mut cpes }) in data.0 {
        cpes.sort();
        cpes.dedup();
        let (distribution, repository) = ("rhel".into(), repository.to_string());
        out.record(Record::Repository(RepositoryRecord { distribution, repository, cpes }));
    }
}

#[cfg(test)]
mod oval_tests;
#[cfg(test)]
mod tests;
