use super::*;
use crate::parse::Input;
use crate::testing::parse;
use imagescan_model::Extent;

const TRACKER: &str = r#"{"openssl": {
    "CVE-1": {"description": "first\nline", "releases": {
        "bookworm": {"status": "resolved", "repositories": {}, "fixed_version": "3.0.10-1", "urgency": "high**"},
        "sid": {"status": "open", "urgency": "not yet assigned"}}},
    "CVE-2": {"releases": {"bookworm": {"status": "open", "urgency": "low", "nodsa": "Minor", "nodsa_reason": "ignored"}}},
    "CVE-3": {"releases": {"bookworm": {"status": "open", "urgency": "low", "nodsa": "Minor", "nodsa_reason": ""}}},
    "CVE-4": {"releases": {"bookworm": {"status": "resolved", "fixed_version": "0", "urgency": "unimportant"}}},
    "CVE-5": {"releases": {"bookworm": {"status": "open", "fixed_version": "3.1-1", "urgency": "end-of-life"}}},
    "CVE-6": {"releases": {"bookworm": {"status": "undetermined", "urgency": "medium"}}}}}"#;

const LIST: &str = "\
[30 Mar 2023] DSA-9-2 openssl - regression update
\t[bookworm] - openssl 3.0.11-1
[29 Mar 2023] DSA-9-1 openssl - security update
\t{CVE-1 CVE-3}
\t[bookworm] - openssl 3.0.10-2
\t[buster] - openssl <end-of-life>
\tNOTE: a remark
[01 Jan 2020] DLA-1-1 nss - security update
\t[jessie] - nss 1.0
";

fn records(documents: &[&str]) -> Vec<AdvisoryRecord> {
    let inputs: Vec<Input<'_>> =
        documents.iter().map(|text| Input { name: "x", bytes: text.as_bytes() }).collect();
    parse("debian", &inputs).unwrap().0
}

fn said(records: &[AdvisoryRecord], release: &str, id: &str) -> (AdvisoryState, Option<String>) {
    let found =
        records.iter().find(|record| record.release.to_string() == release && record.id == id).unwrap();
    (found.state, found.fixed_version.clone())
}

#[test]
fn each_state_of_the_tracker_stays_apart() {
    use AdvisoryState::*;
    let records = records(&[TRACKER]);
    for (id, state) in [
        ("CVE-2", WillNotFix),
        ("CVE-3", FixDeferred),
        ("CVE-4", NotAffected),
        ("CVE-5", EndOfLife),
        ("CVE-6", UnderInvestigation),
    ] {
        assert_eq!(said(&records, "debian:12", id), (state, None), "{id}");
    }
    assert_eq!(said(&records, "debian:12", "CVE-1"), (Affected, Some("3.0.10-1".into())));
    assert_eq!(said(&records, "debian:sid", "CVE-1"), (Affected, None));
    let first = records.iter().find(|record| record.id == "CVE-1").unwrap();
    assert_eq!((first.severity, first.title.as_deref()), (Severity::High, Some("first")));
}

#[test]
fn an_advisory_goes_over_the_tracker_and_its_regression_update_over_both() {
    let records = records(&[TRACKER, LIST]);
    for id in ["CVE-1", "CVE-3"] {
        assert_eq!(said(&records, "debian:12", id), (AdvisoryState::Affected, Some("3.0.11-1".into())));
    }
    let first = records.iter().find(|record| record.id == "CVE-1" && record.release.version == "12").unwrap();
    let ids: Vec<_> = first.advisories.iter().map(|advisory| advisory.id.as_str()).collect();
    assert_eq!(ids, ["DSA-9-1", "DSA-9-2"]);
    assert_eq!(first.fix_available.unwrap().at.to_string(), "2023-03-30T00:00:00Z");
    assert_eq!(said(&records, "debian:10", "CVE-1"), (AdvisoryState::EndOfLife, None));
    assert_eq!(said(&records, "debian:8", "DLA-1-1"), (AdvisoryState::Affected, Some("1.0".into())));
}

#[test]
fn releases_that_only_the_lists_know_are_covered_for_fixes_only() {
    let inputs = [TRACKER, LIST].map(|text| Input { name: "x", bytes: text.as_bytes() });
    let (_, coverage) = parse("debian", &inputs).unwrap();
    let mut covered: Vec<_> =
        coverage.iter().map(|covered| (covered.release.to_string(), covered.extent())).collect();
    covered.sort();
    covered.dedup();
    let (full, fixes) = (Extent::Full, Extent::FixesOnly);
    let expected = [("debian:10", fixes), ("debian:12", full), ("debian:8", fixes), ("debian:sid", full)];
    assert_eq!(covered, expected.map(|(release, extent)| (String::from(release), extent)));
}

#[test]
fn damage_is_an_error_that_says_where() {
    for text in [
        &TRACKER[..300],
        "[29 Mar 2023] DSA-1-1 x\n\tsurprise\n",
        "[29 Foo 2023] DSA-1-1 x\n",
        "[29 Mar 2023] DSA-1-1 x\n\t{CVE-1\n",
        "[29 Mar 2023] DSA-1-1 x\n\t[bookworm] openssl\n",
        "hello",
        r#"{"a": {"CVE-1": {"releases": {"bookworm": {"status": "shiny", "urgency": "low"}}}}}"#,
        r#"{"a": {"CVE-1": {"releases": {"bookworm": {"status": "open", "urgency": "huge"}}}}}"#,
        r#"{"a": {"CVE-1": {"releases": {"bookworm": {"status": "open"}}}}}"#,
        r#"{"a": {"CVE-1": {"releases": {"bookworm": {"status": "shiny", "urgency": "low", "fixed_version": "0"}}}}}"#,
        r#"{"a": {"CVE-1": {"releases": {"bookworm":
            {"status": "open", "urgency": "low", "nodsa": "", "nodsa_reason": "mood"}}}}}"#,
        r#"{"a": {}} {}"#,
        "[29 Mar 2023] DSA-1-1 x\n\t[bookworm] - x <surprise>\n",
    ] {
        assert!(parse("debian", &[Input { name: "x", bytes: text.as_bytes() }]).is_err(), "{text}");
    }
}

#[test]
fn a_damaged_document_is_named_with_the_place() {
    let text = r#"{"a": {"CVE-1": {"releases": {"bookworm": {"status": "open", "urgency": "huge"}}}}}"#;
    let error = parse("debian", &[Input { name: "json", bytes: text.as_bytes() }]).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(error.to_string(), "`json` is no JSON of Debian's security tracker, or damaged");
    assert!(cause.starts_with("unknown urgency `huge` at line 1 column "), "{cause}");
}

#[test]
fn statements_that_contradict_each_other_are_an_error() {
    let one = |state: &str| {
        format!(
            r#""a": {{"CVE-1": {{"releases": {{"bookworm": {{"status": "{state}", "urgency": "low"}}}}}}}}"#
        )
    };
    let read = |text: &str| parse("debian", &[Input { name: "x", bytes: text.as_bytes() }]);
    let twice = format!("{{{}, {}}}", one("open"), one("open"));
    assert_eq!(read(&twice).unwrap().0.len(), 1);
    let against = format!("{{{}, {}}}", one("open"), one("undetermined"));
    let error = read(&against).unwrap_err().to_string();
    assert_eq!(error, "`x`: two statements contradict each other about `debian:12 a CVE-1`");
}

#[test]
fn a_mark_does_not_take_back_a_published_fix() {
    let list = "\
[09 Jan 2003] DSA-3-1 xpdf - more
\t{CVE-1}
\t[woody] - xpdf <not-affected>
\t[sarge] - xpdf <unfixed>
[08 Jan 2003] DSA-2-1 xpdf - security update
\t{CVE-1}
\t[woody] - xpdf 1.00-3.1
[07 Jan 2003] DSA-1-1 openssl - security update
\t{CVE-4 CVE-6}
\t[bookworm] - openssl <unfixed>
";
    let records = records(&[TRACKER, list]);
    assert_eq!(said(&records, "debian:woody", "CVE-1"), (AdvisoryState::Affected, Some("1.00-3.1".into())));
    assert_eq!(said(&records, "debian:sarge", "CVE-1"), (AdvisoryState::Affected, None));
    // The tracker knows better than 'unfixed'.
    assert_eq!(said(&records, "debian:12", "CVE-4"), (AdvisoryState::NotAffected, None));
    assert_eq!(said(&records, "debian:12", "CVE-6"), (AdvisoryState::UnderInvestigation, None));
}
