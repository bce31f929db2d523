//! SUSE: CSAF documents of CVEs (VEX) and of advisories, and OVAL (ftp.suse.com/pub/projects/security).
//!
//! Keyed by binary package and product: a service pack, an extension or module of one, or a distribution of
//! openSUSE ([`product`]). openSUSE Leap has rows of its own, also for the packages it shares with SUSE Linux
//! Enterprise, so nothing is carried over. Service packs never speak for each other.
//!
//! CVRF and OSV say what CSAF says, and less; they are refused.

mod oval;
mod product;
mod vex;

use crate::csaf::{self, Head, ProductTree, Vulnerability};
use crate::document::Document;
use crate::error::FeedError;
use crate::reader::{Out, Parser};
use serde::Deserialize;

const EXPECTED: &str = "CSAF documents of CVEs or advisories, or OVAL; CVRF and OSV are not read";

/// Any of SUSE's documents.
pub(crate) struct Suse {
    feed: String,
}

#[derive(Deserialize)]
struct Json<'a> {
    #[serde(borrow, default)]
    document: Option<Head<'a>>,
    #[serde(borrow, default)]
    product_tree: ProductTree<'a>,
    #[serde(borrow, default)]
    vulnerabilities: Vec<Vulnerability<'a>>,
}

impl Suse {
    pub(crate) fn new(feed: &str) -> Self {
        Self { feed: feed.into() }
    }

    fn json(&self, document: &Document<'_>, bytes: &[u8], out: &mut Out<'_>) -> Result<(), FeedError> {
        let json: Json<'_> = csaf::json(document, bytes, "CSAF document")?;
        let Some(head) = json.document else { return Err(document.unrecognised(&self.feed, EXPECTED)) };
        match &*head.tracking.status {
            "final" | "interim" | "draft" => {
                let said = csaf::Said { head: &head, tree: &json.product_tree, of: &json.vulnerabilities };
                vex::read(&self.feed, document, &said, out)
            }
            "deleted" => {
                out.dropped("a document that was deleted");
                Ok(())
            }
            status => Err(document.value("unknown status of a document", status)),
        }
    }
}

impl Parser for Suse {
    fn read(&mut self, document: &mut Document<'_>, out: &mut Out<'_>) -> Result<(), FeedError> {
        match document.first()? {
            Some(b'<') => oval::read(&self.feed, document, out),
            Some(first) => {
                let bytes = document.bytes()?;
                match first {
                    b'{' => self.json(document, &bytes, out),
                    // What has changed: it says which documents to fetch.
                    b'"' => {
                        let text = String::from_utf8_lossy(&bytes);
                        csaf::dated_names(document, &text).map(|_| ())
                    }
                    _ if csaf::is_companion(document.name(), &bytes) => Ok(()),
                    _ => Err(document.unrecognised(&self.feed, EXPECTED)),
                }
            }
            None => Err(document.unrecognised(&self.feed, EXPECTED)),
        }
    }
}

#[cfg(test)]
mod oval_tests;
#[cfg(test)]
mod tests;
