//! Amazon's real documents.

mod real;

use real::{Row, attribute, between, compare, dropped, evr, files, parsed};
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn amazon_says_what_its_updateinfo_says() {
    let Some(files) = files("amazon.tar.zst") else { return };
    let wanted = |name: &str| name.contains("/updateinfo_") || name.ends_with("extras-catalog_valid.json");
    let documents: Vec<_> = files.iter().filter(|(name, _)| wanted(name)).collect();
    assert_eq!(documents.len(), 8);
    let found = parsed("amazon", &documents);
    let mut expected = BTreeSet::new();
    for (name, bytes) in &documents {
        if name.ends_with(".xml") {
            plain(std::str::from_utf8(bytes).unwrap(), &mut expected);
        }
    }
    compare(&found, &expected);
    assert_eq!(dropped(&found), [] as [&str; 0]);
    assert_eq!(found.records.len(), 268);
}

fn plain(text: &str, rows: &mut BTreeSet<String>) {
    for update in between(text, "<update ", "</update>") {
        let cves: Vec<&str> = between(update, "<reference ", ">")
            .filter(|tag| attribute(tag, "type") == "cve")
            .map(|tag| attribute(tag, "id"))
            .collect();
        assert!(!cves.is_empty());
        let short = attribute(between(update, "<collection", ">").next().unwrap(), "short");
        let (release, stream) = match short {
            "amazon-linux-ami" => ("amzn:1", ""),
            "amazon-linux-2" => ("amzn:2", ""),
            "amazon-linux-2---kernel-5.15" => ("amzn:2", "kernel-5.15"),
            "amazon-linux-2022" => ("amzn:2022", ""),
            "amazon-linux-2023" => ("amzn:2023", ""),
            "amazon-linux-2023---kernel-livepatch" => ("amzn:2023", "kernel-livepatch"),
            "amazon-linux-2023---nvidia" => ("amzn:2023", "nvidia"),
            other => panic!("{other}"),
        };
        let mut fixes: BTreeMap<(&str, String), BTreeSet<&str>> = BTreeMap::new();
        for tag in between(update, "<package", ">") {
            fixes.entry((attribute(tag, "name"), evr(tag))).or_default().insert(attribute(tag, "arch"));
        }
        for ((package, fixed), architectures) in &fixes {
            let architectures: Vec<&str> = architectures.iter().copied().collect();
            let architectures = &architectures.join(" ");
            for id in &cves {
                rows.insert(
                    Row { release, package, id, fixed, architectures, stream, ..Row::default() }.line(),
                );
            }
        }
    }
}
