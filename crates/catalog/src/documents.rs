//! imagescan's own documents as targets: the facts of an inventory, or of a report without its judgements.

use imagescan_model::{INVENTORY_SCHEMA, Inventory, REPORT_SCHEMA};
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

/// The inventories in `bytes`, under the name `target`.
///
/// # Errors
/// [`DocumentError`] for anything but a document of ours, of a version we know.
pub fn documents(bytes: &[u8], target: &str) -> Result<Vec<Inventory>, DocumentError> {
    let header: Header = serde_json::from_slice(bytes).map_err(DocumentError::Json)?;
    if header.schema != INVENTORY_SCHEMA && header.schema != REPORT_SCHEMA {
        return Err(DocumentError::Schema(header.schema.chars().take(80).collect()));
    }
    let Body { mut images } = serde_json::from_slice(bytes).map_err(DocumentError::Json)?;
    for inventory in &mut images {
        inventory.target = target.into();
        inventory.system.lifecycle = None;
        if let Some(age) = &mut inventory.age {
            age.judged = None;
        }
        // Written by us sorted; whoever edited it may not have.
        inventory.packages.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        inventory.incomplete.sort();
    }
    Ok(images)
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
        assert!(message("{").contains("no inventory"));
        assert!(message(r#"{"schema": "imagescan/report/1"}"#).contains("no inventory"));
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
