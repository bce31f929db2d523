//! imagescan's own documents as targets: the facts of an inventory, or of a report without its judgements.

use crate::database;
use imagescan_model::{Facts, INVENTORY_SCHEMA, IncompleteKind, Inventory, REPORT_SCHEMA};
use serde::Deserialize;

/// Why a document cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Not JSON, or not of the shape its schema says.
    #[error("it is no inventory or report of imagescan")]
    Json(#[source] serde_json::Error),
    /// Another schema, or another version of ours.
    #[error("its schema is `{}`: this version reads {INVENTORY_SCHEMA} and {REPORT_SCHEMA}", .0.escape_debug())]
    Schema(String),
    /// No entry: nothing was scanned, and that is not to pass.
    #[error("it holds no image: there is nothing to judge")]
    Empty,
}

#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    schema: String,
}

#[derive(Deserialize)]
struct Body {
    images: Vec<Inventory>,
}

/// The inventories in `bytes`, one document or several, under the name `target`.
///
/// # Errors
/// [`DocumentError`] for anything but a document of ours, of a version we know, with an image in it.
pub fn documents(bytes: &[u8], target: &str) -> Result<Vec<Inventory>, DocumentError> {
    for header in stream::<Header>(bytes) {
        let Header { schema } = header.map_err(DocumentError::Json)?;
        if schema != INVENTORY_SCHEMA && schema != REPORT_SCHEMA {
            return Err(DocumentError::Schema(schema.chars().take(80).collect()));
        }
    }
    let mut images = Vec::new();
    for body in stream::<Body>(bytes) {
        let Body { images: mut own } = body.map_err(DocumentError::Json)?;
        if own.is_empty() {
            return Err(DocumentError::Empty);
        }
        images.append(&mut own);
    }
    if images.is_empty() {
        return Err(DocumentError::Empty);
    }
    for inventory in &mut images {
        inventory.target = target.into();
        inventory.system.lifecycle = None;
        if let Some(age) = &mut inventory.age {
            age.judged = None;
        }
        // Written by us sorted; whoever edited it may not have.
        inventory.packages.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        inventory.pins.sort();
        complete(inventory);
        inventory.incomplete.sort();
    }
    Ok(images)
}

/// One document, or several as `-o jsonl` writes them.
fn stream<T: serde::de::DeserializeOwned>(
    bytes: &[u8],
) -> impl Iterator<Item = Result<T, serde_json::Error>> {
    serde_json::Deserializer::from_slice(bytes).into_iter()
}

/// Says what is lacking where a document is silent: what is not there must not pass for what was looked at. What we
/// write is never silent, so that it stays as it is.
fn complete(inventory: &mut Inventory) {
    let lacks = |kind| inventory.incomplete.iter().any(|entry| entry.what == kind);
    if lacks(IncompleteKind::Image) {
        return;
    }
    if inventory.packages.is_empty()
        && !lacks(IncompleteKind::NoPackageDatabase)
        && !inventory.incomplete.iter().any(database::hides_packages)
    {
        inventory.incomplete.push(database::unlisted());
    }
    // A list of packages has no age. Whatever was taken from an image has one, if only an unknown one.
    if is_of_image(inventory) {
        inventory.age.get_or_insert_default();
    }
}

/// Whether there is anything that only an image has.
fn is_of_image(inventory: &Inventory) -> bool {
    inventory.extractor_version > 0
        || inventory.reference.is_some()
        || inventory.index_digest.is_some()
        || inventory.digest.is_some()
        || inventory.config_digest.is_some()
        || inventory.platform.is_some()
        || !inventory.layers.is_empty()
        || !inventory.pins.is_empty()
        || inventory.facts != Facts::default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn facts_are_taken_and_judgements_left() {
        let report = format!(
            r#"{{"schema": "{REPORT_SCHEMA}", "images": [{{"target": "a", "packages": [{{"type": "deb", "name": "b",
            "version": "1", "purl": ""}}], "age": {{"judged": {{"clock": "build", "confidence": "low"}}}},
            "findings": [{{}}], "verdict": {{}}}}]}}"#
        );
        let inventories = documents(report.as_bytes(), "inventory:x").unwrap();
        assert_eq!(inventories[0].target, "inventory:x");
        assert_eq!(inventories[0].packages[0].name, "b");
        assert_eq!(inventories[0].age.as_ref().unwrap().judged, None);
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        let message = |text: &str| documents(text.as_bytes(), "").unwrap_err().to_string();
        assert!(
            message(r#"{"schema": "imagescan/report/9", "images": []}"#).contains("`imagescan/report/9`")
        );
        assert!(message(r#"{"bomFormat": "CycloneDX"}"#).contains("its schema is ``"));
        let empty = format!(r#"{{"schema": "{INVENTORY_SCHEMA}", "images": []}}"#);
        assert!(message(&empty).contains("it holds no image"));
        assert!(message("{").contains("no inventory"));
        assert!(message(r#"{"schema": "imagescan/report/1"}"#).contains("no inventory"));
    }

    fn only(image: &str) -> Inventory {
        let text = format!(r#"{{"schema": "{INVENTORY_SCHEMA}", "images": [{image}]}}"#);
        documents(text.as_bytes(), "").unwrap().remove(0)
    }

    #[test]
    fn an_image_without_packages_that_does_not_say_why_has_none_that_were_looked_for() {
        let kinds = |image: &str| {
            only(image).incomplete.into_iter().map(|entry| entry.what).collect::<Vec<IncompleteKind>>()
        };
        assert_eq!(kinds(r#"{"target": "x"}"#), [IncompleteKind::NoPackageDatabase]);
        let said = |kind: &str| kinds(&format!(r#"{{"incomplete": [{{"what": "{kind}", "why": ""}}]}}"#));
        assert_eq!(said("no-package-database").len(), 1);
        assert_eq!(said("layer"), [IncompleteKind::Layer]);
        assert_eq!(said("link"), [IncompleteKind::NoPackageDatabase, IncompleteKind::Link]);
    }

    #[test]
    fn an_image_without_an_age_has_an_unknown_one_and_a_list_of_packages_none() {
        let package = r#""packages": [{"type": "deb", "name": "b", "version": "1", "purl": ""}]"#;
        let aged = |more: &str| only(&format!("{{{package}{more}}}")).age.is_some();
        assert!(!aged(""));
        for mark in [
            r#""extractor_version": 1"#,
            r#""reference": "a:1""#,
            r#""layers": [{}]"#,
            r#""facts": {"user": "a"}"#,
        ] {
            assert!(aged(&format!(", {mark}")), "{mark}");
        }
        assert!(!aged(r#", "extractor_version": 1, "incomplete": [{"what": "image", "why": ""}]"#));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, package in "[a-z\"{}:,0-9]{0,40}") {
            drop(documents(&bytes, ""));
            let near = format!(r#"{{"schema": "{INVENTORY_SCHEMA}", "images": [{{"packages": [{package}]}}]}}"#);
            drop(documents(near.as_bytes(), ""));
        }
    }
}
