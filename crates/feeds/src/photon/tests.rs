use crate::parse::Input;
use crate::testing::{dropped, line, parse, read_samples, refuses_or_repeats};
use imagescan_model::{AdvisoryRecord, AdvisoryState, MatchedBy};

#[test]
fn the_sample_says_what_is_fixed_and_what_is_not_affected() {
    let (mut records, summary) = read_samples("photon");
    records.retain(|record| record.matched_by == MatchedBy::Binary);
    assert_eq!(
        records.iter().map(line).collect::<Vec<_>>(),
        [
            "photon:3.0 sqlite CVE-2019-16168 affected <3.27.2-5.ph3 high 2019-10-23",
            "photon:3.0 sqlite-libs CVE-2019-16168 affected <3.27.2-5.ph3 high 2019-10-23",
            "photon:4.0 curl CVE-2023-38545 affected <7.88.1-4.ph4 critical 2023-10-11",
            "photon:4.0 curl-libs CVE-2023-38546 affected <7.88.1-4.ph4 low 2023-10-11",
            "photon:4.0 httpd CVE-2023-44487 notaffected high",
            "photon:4.0 nghttp2 CVE-2023-44487 affected <1.57.0-1.ph4 high",
            "photon:5.0 ansible CVE-2023-5115 affected <2.14.12-1.ph5 medium",
        ]
    );
    assert_eq!(dropped(&summary), ["an id that is no CVE: 2", "neither affected nor fixed versions: 1"]);
    assert_eq!(records[2].advisories[0].id, "PHSA-2023-4.0-0500");
}

const ROW: &str = r#"[{"cve_id": "CVE-2024-1", "pkg": "a", "cve_score": 0.0, "aff_ver": "all", "res_ver": "1-1.ph4",
    "status": "Fixed"}, {"cve_id": "CVE-2024-2", "pkg": "a", "aff_ver": "all", "res_ver": "NA", "status": "Fixed"}]"#;

#[test]
fn what_has_no_fix_is_affected() {
    let (mut records, _) = parse("photon", &[Input { name: "x", bytes: ROW.as_bytes() }]).unwrap();
    records.retain(|record| record.matched_by == MatchedBy::Binary);
    let said: Vec<_> = records.iter().map(|record| (record.state, record.fixed_version.as_deref())).collect();
    assert_eq!(said, [(AdvisoryState::Affected, Some("1-1.ph4")), (AdvisoryState::Affected, None)]);
}

#[test]
fn a_row_of_the_metadata_speaks_of_a_binary_and_of_a_source() {
    let (records, _) = parse("photon", &[Input { name: "x", bytes: ROW.as_bytes() }]).unwrap();
    let of = |matched_by| {
        let of_it = records.iter().filter(move |record| record.matched_by == matched_by);
        of_it
            .map(|record| AdvisoryRecord { matched_by: MatchedBy::Binary, ..record.clone() })
            .collect::<Vec<_>>()
    };
    assert_eq!((records.len(), of(MatchedBy::Binary)), (4, of(MatchedBy::Source)));
}

#[test]
fn what_no_rule_covers_is_an_error() {
    let read = |text: &str| parse("photon", &[Input { name: "x", bytes: text.as_bytes() }]);
    for (from, to) in [
        ("\"Fixed\"", "\"Open\""),
        ("1-1.ph4", "1-1"),
        ("\"NA\"", "\"1-1.ph5\""),
        ("\"pkg\"", "\"other\""),
        ("0.0", "\"high\""),
        ("}]", "}"),
    ] {
        assert!(read(&ROW.replacen(from, to, 1)).is_err(), "{from} {to}");
    }
    let update =
        "# Update\nAdvisory Id : PHSA-1\nIssue date : 2023-10-11\nAffected Release: 4.0\n## Solution\n";
    assert!(read(update).is_ok());
    for part in ["Advisory Id", "Issue date", "Affected Release", "2023-10-11", "## Solution"] {
        assert!(read(&update.replace(part, "")).is_err(), "{part}");
    }
    assert!(read("hello").is_err());
    assert!(read("{}").is_err());
}

#[test]
fn damage_is_found() {
    refuses_or_repeats("photon");
}
