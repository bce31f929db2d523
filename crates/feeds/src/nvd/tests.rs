use super::*;
use crate::parse::Input;

const SAMPLE: &str = include_str!("../../../../vuln-feeds/samples/nvd/page.json");

fn read(text: &str) -> Result<Vec<CveRecord>, FeedError> {
    let (records, _) = crate::testing::read("nvd", &[Input { name: "x", bytes: text.as_bytes() }])?;
    let cve = |record| match record {
        Record::Cve(record) => record,
        record => panic!("{record:?}"),
    };
    Ok(records.into_iter().map(cve).collect())
}

#[test]
fn each_authority_says_its_own() {
    let line = |record: &CveRecord| {
        let scores: Vec<String> = record.cvss.iter().map(|cvss| cvss.score.to_string()).collect();
        format!(
            "{} {} {} {} {}",
            record.id,
            record.source,
            record.rejected,
            record.severity,
            scores.join("+")
        )
    };
    let lines: Vec<String> = read(SAMPLE).unwrap().iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "CVE-2024-3094 nvd false critical 100",
            "CVE-2024-3094 secalert@redhat.com false critical 100",
            "CVE-2000-0388 nvd false high 75",
            "CVE-2023-46009 nvd false unknown ",
        ]
    );
}

#[test]
fn dates_without_a_zone_are_in_utc_and_titles_are_in_english() {
    let first = &read(SAMPLE).unwrap()[0];
    assert_eq!(first.published.unwrap().to_string(), "2024-03-29T17:15:21.15Z");
    assert_eq!(first.title.as_deref(), Some("xz 5.6.0 and 5.6.1 were released with a backdoor"));
}

fn page(status: &str, metrics: &str) -> String {
    format!(
        r#"{{"format": "NVD_CVE", "version": "2.0", "vulnerabilities": [{{"cve": {{"id": "CVE-1",
        "published": "2024-01-01T00:00:00.000", "vulnStatus": "{status}", "metrics": {{{metrics}}}}}}}]}}"#
    )
}

fn metric(key: &str, kind: &str, source: &str, score: &str, word: &str) -> String {
    format!(
        r#""{key}": [{{"source": "{source}", "type": "{kind}",
        "cvssData": {{"vectorString": "{key}", "baseScore": {score}, "baseSeverity": "{word}"}}}}]"#
    )
}

#[test]
fn a_rejected_cve_is_said_to_be() {
    let records = read(&page("Rejected", "")).unwrap();
    assert!(records[0].rejected);
    assert!(!read(&page("Not Scheduled", "")).unwrap()[0].rejected);
    assert!(read(&page("Vanished", "")).is_err());
}

#[test]
fn the_newest_version_of_the_primary_score_is_the_severity() {
    let of = |metrics: &[String]| {
        let records = read(&page("Analyzed", &metrics.join(","))).unwrap();
        records
            .into_iter()
            .map(|record| format!("{} {} {}", record.source, record.severity, record.cvss.len()))
            .collect::<Vec<_>>()
    };
    let nist = "nvd@nist.gov";
    let old = metric("cvssMetricV31", "Primary", nist, "9.8", "CRITICAL");
    let new = metric("cvssMetricV40", "Secondary", nist, "5", "MEDIUM");
    assert_eq!(of(&[old.clone(), new]), ["nvd critical 2"]);
    let new = metric("cvssMetricV40", "Primary", nist, "5", "MEDIUM");
    assert_eq!(of(&[old.clone(), new]), ["nvd medium 2"]);
    let other = metric("cvssMetricV30", "Secondary", "a@b", "0.0", "NONE");
    assert_eq!(of(&[old, other]), ["a@b negligible 1", "nvd critical 1"]);
}

#[test]
fn damage_is_an_error() {
    for end in 0..SAMPLE.trim_end().len() {
        assert!(read(&SAMPLE[..end]).is_err(), "{end}");
    }
    let good = page("Analyzed", &metric("cvssMetricV31", "Primary", "a", "1", "LOW"));
    assert!(read(&good).is_ok());
    for (from, to) in [
        ("NVD_CVE", "MITRE"),
        ("vulnerabilities", "items"),
        ("LOW", "TINY"),
        ("Primary", "Third"),
        (": 1,", ": 11,"),
        (": 1,", ": \"1\","),
        ("2024-01-01T", "then"),
    ] {
        assert!(read(&good.replace(from, to)).is_err(), "{from}");
    }
    let deep = format!("{{\"x\": {}", "[".repeat(100_000));
    assert!(read(&deep).is_err());
}
