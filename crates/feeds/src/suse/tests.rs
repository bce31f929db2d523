use super::*;
use crate::parse::Input;
use crate::reader::{Record, Summary};
use crate::testing;
use imagescan_model::{AdvisoryRecord, DateKind, Extent, Severity};
use serde_json::{Value, json};

const VEX: &str = include_str!("../../../../vuln-feeds/samples/suse/cve-2023-5568.json");
const UPDATE: &str = include_str!("../../../../vuln-feeds/samples/suse/suse-su-2015_0011-2.json");

pub(super) fn read(text: &str) -> Result<(Vec<Record>, Summary), FeedError> {
    testing::read("suse", &[Input { name: "x", bytes: text.as_bytes() }])
}

pub(super) fn advisories(records: Vec<Record>) -> Vec<AdvisoryRecord> {
    let advisory = |record| match record {
        Record::Advisory(record) => Some(record),
        _ => None,
    };
    records.into_iter().filter_map(advisory).collect()
}

/// `sles:15.4 a Affected <1-1 [x86_64] ltss`.
pub(super) fn lines(text: &str) -> Vec<String> {
    let line = |record: AdvisoryRecord| {
        let fixed = record.fixed_version.map(|version| format!(" <{version}")).unwrap_or_default();
        let architectures = record.architectures.join("+");
        let stream = record.stream.unwrap_or_default();
        let text = format!("{} {} {:?}{fixed}", record.release, record.package, record.state);
        format!("{text} [{architectures}] {stream}").trim_end().to_string()
    };
    advisories(read(text).unwrap().0).into_iter().map(line).collect()
}

/// The same document with something else in one place.
fn changed(text: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut document: Value = serde_json::from_str(text).unwrap();
    change(&mut document);
    document.to_string()
}

#[test]
fn each_decision_of_the_vex_sample_is_a_record() {
    assert_eq!(
        lines(VEX),
        [
            "opensuse-tumbleweed ctdb Affected <4.19.2+git.322.7e9201cef5-1.1 []",
            "sl-micro:6.0 samba-client-libs Affected <4.19.4+git.339.acf1ccaa02-1.22 []",
            "sles:12.5 samba-libs NotAffected []",
            "sles:15 samba-libs NotAffected [] ltss",
            "sles:15.3 samba-libs NotAffected [] ltss",
            "sles:15.4 samba-libs NotAffected []",
            "sles:15.5 ctdb NotAffected []",
            "sles:15.5 samba-libs NotAffected []",
        ]
    );
    let (records, summary) = read(VEX).unwrap();
    let Record::Cve(cve) = &records[0] else { panic!("{records:?}") };
    assert_eq!((cve.id.as_str(), cve.source.as_str()), ("CVE-2023-5568", "suse"));
    assert_eq!((cve.severity, cve.cvss[0].score), (Severity::Medium, 65));
    assert_eq!(summary.dropped.into_iter().collect::<Vec<_>>(), [("SUSE Manager".into(), 1)]);
    assert!(summary.coverage.iter().all(|covered| covered.extent() == Extent::Full));
    let first = advisories(records).remove(0);
    assert_eq!((first.severity, first.severity_source.as_deref()), (Severity::Medium, Some("suse")));
    assert_eq!((first.title, first.disclosed, first.fix_available), (None, None, None));
}

#[test]
fn an_advisory_has_architectures_and_a_date() {
    let fix = "Affected <9.9.4P2-0.6.1 [s390x+x86_64]";
    assert_eq!(
        lines(UPDATE),
        [
            format!("sles:11.2 bind {fix}"),
            format!("sles:11.2 bind {fix} ltss"),
            format!("sles:11.2 bind {fix} sap"),
            format!("sles:11.2 bind-libs {fix}"),
            format!("sles:11.2 bind-libs {fix} ltss"),
            format!("sles:11.2 bind-libs {fix} sap"),
        ]
    );
    let (records, summary) = read(UPDATE).unwrap();
    assert_eq!(summary.coverage[0].extent(), Extent::FixesOnly);
    let record = advisories(records).remove(0);
    assert_eq!((record.id.as_str(), record.title.as_deref()), ("CVE-2012-1667", Some("An update of bind")));
    let (advisory, fixed) = (&record.advisories[0], record.fix_available.unwrap());
    assert_eq!(advisory.id, "SUSE-SU-2015:0011-2");
    let url = "https://www.suse.com/support/update/announcement/2015/suse-su-20150011-2/";
    assert_eq!(advisory.url.as_deref(), Some(url));
    assert_eq!((fixed.at.to_string().as_str(), fixed.kind), ("2014-01-27T18:38:10Z", DateKind::Advisory));
}

#[test]
fn what_has_no_fix_is_said_of_packages_without_a_version() {
    let with = |status: &str, remediation: Value| {
        changed(VEX, |document| {
            let vulnerability = &mut document["vulnerabilities"][0];
            let ids = vulnerability["product_status"]["known_not_affected"].take();
            vulnerability["product_status"] = json!({status: [ids[0]]});
            vulnerability["remediations"] = remediation;
        })
    };
    assert_eq!(lines(&with("known_affected", json!([]))), ["sles:15.5 ctdb Affected []"]);
    assert_eq!(lines(&with("under_investigation", json!([]))), ["sles:15.5 ctdb UnderInvestigation []"]);
    let never = json!([{"category": "no_fix_planned", "details": ""}]);
    assert_eq!(lines(&with("known_affected", never)), ["sles:15.5 ctdb WillNotFix []"]);
    assert!(read(&with("known_affected", json!([{"category": "fix_planned", "details": ""}]))).is_err());
    assert!(read(&with("first_affected", json!([]))).is_err());
    // The product is one of all its packages' names, and only the tree tells.
    assert!(read(&with("recommended", json!([]))).is_err(), "`ctdb` has no version");
}

#[test]
fn versions_are_split_from_the_right() {
    let renamed = |text: &str| VEX.replace("ctdb-4.19.2+git.322.7e9201cef5-1.1", text);
    assert!(
        lines(&renamed("perl-32bit-x-1.2-3.4"))[0]
            .starts_with("opensuse-tumbleweed perl-32bit-x Affected <1.2-3.4 ")
    );
    for text in ["perl-1.2", "perl", "-1.2-3", "perl--3"] {
        assert!(read(&renamed(text)).is_err(), "{text}");
    }
    // An architecture is taken off where the tree says that it is one.
    assert!(lines(&renamed("a-1-2.noarch"))[0].contains("<1-2.noarch "));
    let source = UPDATE.replace("\"s390x\"", "\"src\"").replace(".s390x", ".src");
    assert!(lines(&source)[0].ends_with("[x86_64]"));
    assert_eq!(read(&source).unwrap().1.dropped["a source package"], 6);
}

#[test]
fn a_sub_package_has_its_own_version() {
    let found = lines(&UPDATE.replace("bind-libs-9.9.4P2-0.6.1", "bind-libs-1.5-2.1"));
    assert!(found[0].contains(" bind Affected <9.9.4P2-0.6.1 "), "{found:?}");
    assert!(found[3].contains(" bind-libs Affected <1.5-2.1 "), "{found:?}");
}

#[test]
fn no_byte_of_a_document_makes_it_panic() {
    for text in [VEX, UPDATE] {
        for (at, byte) in (0..text.len()).step_by(53).zip([b'"', b'9', b'-', b'{', 0xff].into_iter().cycle())
        {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = byte;
            let _ = testing::read("suse", &[Input { name: "x", bytes: &bytes }]);
        }
    }
}

#[test]
fn a_purl_goes_over_the_name() {
    let text = changed(VEX, |document| {
        for branch in document["product_tree"]["branches"][0]["branches"].as_array_mut().unwrap() {
            if branch["name"] == "ctdb-4.19.2+git.322.7e9201cef5-1.1" {
                let purl = "pkg:rpm/suse/ctdb@4.19.2%2Bgit-1.1?upstream=samba&epoch=1";
                branch["product"]["product_identification_helper"] = json!({"purl": purl});
            }
        }
    });
    assert_eq!(lines(&text)[0], "opensuse-tumbleweed ctdb Affected <1:4.19.2+git-1.1 []");
}

#[test]
fn a_product_that_cannot_be_read_is_an_error() {
    let error = read(&VEX.replace("Server 12 SP5", "Server twelve")).unwrap_err().to_string();
    assert!(error.contains("a product without a version"), "{error}");
}

#[test]
fn documents_that_are_deleted_or_without_products_say_nothing() {
    let (records, summary) = read(&VEX.replace("\"interim\"", "\"deleted\"")).unwrap();
    assert_eq!((records.len(), summary.dropped["a document that was deleted"]), (0, 1));
    assert!(read(&VEX.replace("\"interim\"", "\"perhaps\"")).is_err());
    let bare = changed(VEX, |document| {
        document.as_object_mut().unwrap().retain(|key, _| key == "document");
    });
    assert!(read(&bare).unwrap().0.is_empty());
}

#[test]
fn what_lies_beside_the_documents_says_nothing() {
    let list = "\"cve-1999-0002.json\",\"2024-08-06T04:50:06Z\"\n";
    let sum = format!("{}  cve-1999-0003.json\n", "b9".repeat(32));
    for text in [list, &sum, "cve-1999-0002.json\ncve-1999-0003.json\n", "-----BEGIN PGP SIGNATURE-----\n"] {
        assert!(read(text).unwrap().0.is_empty(), "{text}");
    }
    assert!(read("\"cve-1999-0002.json\"").is_err());
}

#[test]
fn other_formats_are_refused() {
    for text in
        ["", "x", "[]", "{}", r#"{"id": "SUSE-SU-403", "affected": []}"#, "<cvrfdoc></cvrfdoc>", "<a></b>"]
    {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn a_cut_document_is_an_error_and_no_panic() {
    for text in [VEX, UPDATE] {
        let text = text.trim_end();
        for cut in (1..text.len()).step_by(61) {
            assert!(read(&text[..cut]).is_err(), "{cut}");
        }
    }
    let deep = format!(r#"{{"product_tree": {{"branches": {}"#, r#"[{"branches": "#.repeat(10_000));
    assert!(read(&deep).is_err());
}
