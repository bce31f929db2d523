//! Arch Linux's real documents.

mod real;

use real::{Row, compare, files, parsed};
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn arch_says_what_its_tracker_says() {
    let Some(files) = files("arch.tar.zst") else { return };
    let documents: Vec<_> = files.iter().filter(|(name, _)| name.ends_with(".json")).collect();
    assert_eq!(documents.len(), 1);
    let found = parsed("arch", &documents);
    let groups: Value = serde_json::from_slice(&documents[0].1).unwrap();
    let mut rows = BTreeSet::new();
    for group in groups.as_array().unwrap() {
        assert_eq!(group["status"], "Fixed");
        for package in group["packages"].as_array().unwrap() {
            for id in group["issues"].as_array().unwrap() {
                let [package, id, fixed] = [package, id, &group["fixed"]].map(|text| text.as_str().unwrap());
                rows.insert(Row { release: "arch", package, id, fixed, ..Row::default() }.line());
            }
        }
    }
    compare(&found, &rows);
    assert_eq!(found.records.len(), 3);
}
