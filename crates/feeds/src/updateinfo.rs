//! yum's `updateinfo.xml`, in which Amazon, Fedora, AlmaLinux and Rocky Linux announce updates.
//!
//! An update lists the binary packages that hold it, one for each architecture, in collections: one for each
//! repository or module. Which release and stream a collection is of, is the vendor's way to say it, and in the
//! vendor's module. It tells fixes only: nothing of what has none.

use crate::announced::{Built, evr, instant, severity};
use crate::document::Document;
use crate::error::FeedError;
use crate::reader::title;
use crate::xml::{self, Element};
use imagescan_model::Severity;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Types of update that are not about security.
const OTHER_TYPES: [&str; 7] =
    ["bugfix", "enhancement", "newpackage", "recommended", "optional", "unspecified", "feature"];

/// One update.
pub(crate) struct Update {
    pub(crate) id: String,
    pub(crate) security: bool,
    pub(crate) status: String,
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) severity: Severity,
    pub(crate) issued: Option<Timestamp>,
    pub(crate) references: Vec<Reference>,
    pub(crate) collections: Vec<Collection>,
}

/// What an update refers to.
pub(crate) struct Reference {
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) url: Option<String>,
}

/// Packages of one repository or module.
pub(crate) struct Collection {
    pub(crate) short: String,
    pub(crate) module: Option<String>,
    pub(crate) packages: Vec<Built>,
}

impl Update {
    /// The CVEs that it refers to as such.
    pub(crate) fn cves(&self) -> BTreeSet<String> {
        let cves = self.references.iter().filter(|reference| reference.kind == "cve");
        cves.map(|reference| reference.id.clone()).filter(|id| id.starts_with("CVE-")).collect()
    }

    /// Its own address, where it gives one.
    pub(crate) fn url(&self) -> Option<String> {
        self.references.iter().find(|reference| reference.kind == "self")?.url.clone()
    }
}

/// Gives each update of a document.
pub(crate) fn each(
    document: &mut Document<'_>,
    mut give: impl FnMut(Update) -> Result<(), FeedError>,
) -> Result<(), FeedError> {
    let name = document.name().to_owned();
    xml::each(document, &["update"], |element| {
        let wrong =
            |(why, value): (&'static str, String)| FeedError::Value { name: name.clone(), why, value };
        give(update(&element).map_err(wrong)?)
    })
}

fn update(element: &Element) -> Result<Update, (&'static str, String)> {
    let id = element.text_of("id").ok_or(("an update without an id:", String::new()))?;
    let lacks = |why| (why, id.to_owned());
    let security = match element.get("type").ok_or_else(|| lacks("no type of update"))? {
        "security" => true,
        other if OTHER_TYPES.contains(&other) => false,
        other => return Err(("unknown type of update", other.into())),
    };
    let word = element.text_of("severity").unwrap_or_default();
    let date = element.child("issued").and_then(|issued| issued.get("date"));
    Ok(Update {
        id: id.into(),
        security,
        status: element.get("status").unwrap_or_default().into(),
        title: element.text_of("title").and_then(title),
        description: element.text_of("description").map(String::from),
        severity: severity(word).ok_or_else(|| ("unknown severity", word.to_owned()))?,
        issued: date.map(|date| instant(date).ok_or_else(|| ("no date", date.to_owned()))).transpose()?,
        references: element
            .child("references")
            .map(|list| list.all("reference").map(reference).collect())
            .unwrap_or_default(),
        collections: element
            .child("pkglist")
            .map(|list| list.all("collection").map(|element| collection(element, id)).collect())
            .unwrap_or_else(|| Err(lacks("no list of packages in")))?,
    })
}

fn reference(element: &Element) -> Reference {
    let text = |name| element.get(name).unwrap_or_default().to_owned();
    Reference {
        kind: text("type"),
        id: text("id"),
        title: text("title"),
        url: element.get("href").map(String::from),
    }
}

fn collection(element: &Element, id: &str) -> Result<Collection, (&'static str, String)> {
    let module = element.child("module").and_then(|module| {
        let (name, stream) = (module.get("name")?, module.get("stream")?);
        Some(format!("{name}:{stream}"))
    });
    let built = |package: &Element| {
        let text = |name| package.get(name).filter(|text| !text.is_empty());
        Some(Built {
            name: text("name")?.into(),
            version: evr(text("epoch"), text("version")?, text("release")?),
            module: module.clone(),
            architecture: text("arch")?.into(),
        })
    };
    let packages = element.all("package").map(built).collect::<Option<_>>();
    Ok(Collection {
        short: element.get("short").unwrap_or_default().into(),
        packages: packages
            .ok_or_else(|| ("a package without name, version or architecture in", id.into()))?,
        module,
    })
}
