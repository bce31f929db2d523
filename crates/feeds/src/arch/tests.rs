use crate::parse::Input;
use crate::testing::{line, parse, read_samples, refuses_or_repeats};
use imagescan_model::AdvisoryRecord;

fn read(documents: &[&str]) -> Result<Vec<AdvisoryRecord>, crate::FeedError> {
    let inputs: Vec<Input<'_>> =
        documents.iter().map(|text| Input { name: "x", bytes: text.as_bytes() }).collect();
    Ok(parse("arch", &inputs)?.0)
}

#[test]
fn the_sample_says_what_was_fixed() {
    let (records, _) = read_samples("arch");
    assert_eq!(
        records.iter().map(line).collect::<Vec<_>>(),
        [
            "arch lib32-gdk-pixbuf2 CVE-2016-6352 affected <2.36.0+2+ga7c869a-1 critical",
            "arch libtiff CVE-2015-7554 affected <4.0.8-2 critical",
            "arch libtiff CVE-2016-10095 affected <4.0.8-2 critical",
        ]
    );
}

fn group(status: &str, fixed: &str) -> String {
    format!(
        r#"[{{"name": "AVG-9", "packages": ["a", "lib32-a"], "status": "{status}", "severity": "Unknown",
        "affected": "1-1", "fixed": {fixed}, "issues": ["CVE-2021-1"], "advisories": ["ASA-202106-1", "ASA-202106-2"]}}]"#
    )
}

#[test]
fn each_status_stays_apart() {
    for (status, fixed, expected) in [
        ("Fixed", "\"2-1\"", "affected <2-1"),
        ("Testing", "\"2-1\"", "affected <2-1"),
        ("Testing", "null", "affected"),
        ("Vulnerable", "null", "affected"),
        ("Not affected", "null", "notaffected"),
        ("Unknown", "null", "underinvestigation"),
    ] {
        let records = read(&[&group(status, fixed)]).unwrap();
        assert_eq!(line(&records[0]), format!("arch a CVE-2021-1 {expected}"), "{status}");
        assert_eq!(records.len(), 2);
    }
    for (status, fixed) in [("Fixed", "null"), ("Shiny", "null"), ("Vulnerable", "1")] {
        assert!(read(&[&group(status, fixed)]).is_err(), "{status}");
    }
    assert!(read(&[&group("Fixed", "\"1\"").replace("\"Unknown\"", "\"Dire\"")]).is_err());
}

#[test]
fn an_advisory_dates_its_own_package() {
    let advisory = "Arch Linux Security Advisory ASA-202106-2\n====\n\nSeverity: High\nDate    : 2021-06-22\n\
                    CVE-ID  : CVE-2021-1\nPackage : lib32-a\n";
    let group = group("Fixed", "\"2-1\"");
    for documents in [[advisory, &group], [&group, advisory]] {
        let records = read(&documents).unwrap();
        let ids = |record: &AdvisoryRecord| {
            record.advisories.iter().map(|advisory| advisory.id.clone()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(ids(&records[0]), "ASA-202106-1 AVG-9");
        assert_eq!(ids(&records[1]), "ASA-202106-1 ASA-202106-2 AVG-9");
        assert_eq!(line(&records[0]), "arch a CVE-2021-1 affected <2-1");
        assert_eq!(line(&records[1]), "arch lib32-a CVE-2021-1 affected <2-1 2021-06-22");
    }
    for part in ["Date", "Package", "2021-06-22", "ASA-202106-2", "Arch Linux"] {
        assert!(read(&[&advisory.replace(part, "")]).is_err(), "{part}");
    }
}

#[test]
fn damage_is_found() {
    refuses_or_repeats("arch");
}
