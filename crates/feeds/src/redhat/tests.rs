use super::*;
use crate::parse::Input;
use crate::reader::Summary;
use crate::testing;
use imagescan_model::{AdvisoryRecord, AdvisoryState, CoveredState, DateKind, Extent, Severity};
use serde_json::{Value, json};

const SAMPLES: [&str; 7] = [
    include_str!("../../../../vuln-feeds/samples/redhat/cve-2022-24834.json"),
    include_str!("../../../../vuln-feeds/samples/redhat/cve-2023-28484.json"),
    include_str!("../../../../vuln-feeds/samples/redhat/cve-2023-6237.json"),
    include_str!("../../../../vuln-feeds/samples/redhat/cve-2024-1597.json"),
    include_str!("../../../../vuln-feeds/samples/redhat/cve-2024-6923.json"),
    include_str!("../../../../vuln-feeds/samples/redhat/cve-2026-11611.json"),
    include_str!("../../../../vuln-feeds/samples/redhat/repository-to-cpe.json"),
];
const BASE: &str = "cpe:/o:redhat:enterprise_linux:8::baseos";
const APPS: &str = "cpe:/a:redhat:enterprise_linux:8::appstream";
const EUS: &str = "cpe:/a:redhat:rhel_eus:8.6::appstream";

pub(super) fn read(documents: &[(&str, &str)]) -> Result<(Vec<Record>, Summary), FeedError> {
    let inputs: Vec<Input<'_>> =
        documents.iter().map(|(name, text)| Input { name, bytes: text.as_bytes() }).collect();
    testing::read("redhat", &inputs)
}

pub(super) fn advisories(records: Vec<Record>) -> Vec<AdvisoryRecord> {
    let advisory = |record| match record {
        Record::Advisory(record) => Some(record),
        _ => None,
    };
    records.into_iter().filter_map(advisory).collect()
}

/// `Binary a (ruby:2.7) Affected <1-1 [x86_64] in CPE`.
pub(super) fn line(record: &AdvisoryRecord) -> String {
    let module = record.module.as_ref().map(|module| format!(" ({module})")).unwrap_or_default();
    let fixed = record.fixed_version.as_ref().map(|version| format!(" <{version}")).unwrap_or_default();
    let architectures = record.architectures.join("+");
    let (matched_by, name, state) = (record.matched_by, &record.package, record.state);
    let stream = record.stream.as_deref().unwrap_or_default();
    format!("{} {matched_by:?} {name}{module} {state:?}{fixed} [{architectures}] {stream}", record.release)
}

/// A VEX document. Packages are (name, purl), products CPEs; what is said is (status, package, product).
fn vex(packages: &[(&str, &str)], said: &[(&str, &str, &str)], remediations: Value) -> Value {
    let leaf = |id: &str, key: &str, value: &str| {
        json!({"category": "product_version", "name": id,
            "product": {"name": id, "product_id": id, "product_identification_helper": {key: value}}})
    };
    let mut leaves: Vec<Value> = packages.iter().map(|(id, purl)| leaf(id, "purl", purl)).collect();
    let (mut relations, mut status) = (Vec::new(), serde_json::Map::new());
    for (word, package, cpe) in said {
        leaves.push(leaf(cpe, "cpe", cpe));
        let id = pair(package, cpe);
        relations.push(json!({"category": "default_component_of", "product_reference": package,
            "relates_to_product_reference": cpe, "full_product_name": {"name": id, "product_id": id}}));
        status.entry(*word).or_insert(json!([])).as_array_mut().unwrap().push(json!(id));
    }
    json!({"document": {"title": "a: b", "tracking": {"id": "CVE-2024-1", "status": "final",
            "initial_release_date": "2024-01-01T00:00:00Z", "current_release_date": "2024-06-01T00:00:00Z"}},
        "product_tree": {"branches": [{"category": "vendor", "name": "R", "branches": leaves}],
            "relationships": relations},
        "vulnerabilities": [{"cve": "CVE-2024-1", "product_status": status, "remediations": remediations}]})
}

/// Nothing that one could split.
fn pair(package: &str, cpe: &str) -> String {
    format!("<{package}|{cpe}>")
}

fn lines(document: &Value) -> Vec<String> {
    let (records, _) = read(&[("x", &document.to_string())]).unwrap();
    advisories(records).iter().map(line).collect()
}

fn dropped(document: &Value) -> Vec<String> {
    let (_, summary) = read(&[("x", &document.to_string())]).unwrap();
    summary.dropped.into_iter().map(|(why, count)| format!("{count} {why}")).collect()
}

fn refused(document: &Value) -> String {
    read(&[("x", &document.to_string())]).unwrap_err().to_string()
}

#[test]
fn each_decision_of_the_sample_is_a_record() {
    let documents: Vec<(&str, &str)> = SAMPLES.iter().map(|text| ("x", *text)).collect();
    let (records, summary) = read(&documents).unwrap();
    let all: Vec<String> = advisories(records).iter().map(|r| format!("{} {}", r.id, line(r))).collect();
    for expected in [
        "CVE-2022-24834 rhel:8 Binary redis (redis:6) Affected <6.2.17-1.module+el8.10.0+22680+748527fd [aarch64+x86_64] cpe:/a:redhat:enterprise_linux:8::appstream",
        "CVE-2022-24834 rhel:9 Binary redis Affected <6.2.17-1.el9_5 [aarch64+x86_64] cpe:/a:redhat:enterprise_linux:9::appstream",
        "CVE-2023-28484 rhel:8 Binary libxml2 Affected <2.9.7-13.el8_6.4 [x86_64] cpe:/o:redhat:rhel_eus:8.6::baseos",
        "CVE-2023-28484 rhel:8 Binary libxml2 Affected <2.9.7-16.el8_8.1 [x86_64] cpe:/o:redhat:enterprise_linux:8::baseos",
        "CVE-2023-28484 rhel:7 Binary libxml2-python EndOfLife [] cpe:/o:redhat:enterprise_linux:7",
        "CVE-2023-28484 rhel:6 Source libxml2 EndOfLife [] cpe:/o:redhat:enterprise_linux:6",
        "CVE-2023-6237 rhel:9 Binary openssl Affected <1:3.0.7-27.el9 [aarch64+ppc64le+s390x+x86_64] cpe:/o:redhat:enterprise_linux:9::baseos",
        "CVE-2023-6237 rhel:9 Source edk2 Affected [] cpe:/o:redhat:enterprise_linux:9",
        "CVE-2024-1597 rhel:8 Binary postgresql-jdbc (libreoffice:flatpak) WillNotFix [] cpe:/o:redhat:enterprise_linux:8",
        "CVE-2024-1597 rhel:7 Binary postgresql-jdbc NotAffected [] cpe:/o:redhat:enterprise_linux:7",
        "CVE-2024-6923 rhel:8 Source python3 Affected <3.6.8-67.el8_10 [] cpe:/o:redhat:enterprise_linux:8::baseos",
        "CVE-2024-6923 rhel:9 Source python3.9 Affected [] cpe:/a:redhat:rhel_eus:9.4",
        "CVE-2026-11611 rhel:10 Binary 389-ds-base-libs FixDeferred [] cpe:/o:redhat:enterprise_linux:10",
    ] {
        assert!(all.iter().any(|line| line == expected), "{expected}\n{all:#?}");
    }
    assert!(summary.coverage.iter().all(|covered| covered.extent() == Extent::Full));
}

#[test]
fn a_record_has_severity_dates_and_advisories() {
    let (records, _) = read(&[("x", SAMPLES[0])]).unwrap();
    let cve = records.iter().find_map(|record| match record {
        Record::Cve(cve) => Some(cve.clone()),
        _ => None,
    });
    let cve = cve.unwrap();
    assert_eq!((cve.source.as_str(), cve.severity, cve.cvss[0].score), ("redhat", Severity::Medium, 70));
    let redis = advisories(records).into_iter().find(|record| record.module.is_some()).unwrap();
    assert_eq!((redis.severity, redis.severity_source.as_deref()), (Severity::Medium, Some("redhat")));
    assert_eq!(redis.title.as_deref(), Some("redis: heap overflow in two Lua libraries"));
    assert_eq!(redis.disclosed.unwrap().at.to_string(), "2023-07-10T00:00:00Z");
    let fixed = redis.fix_available.unwrap();
    assert_eq!((fixed.at.to_string().as_str(), fixed.kind), ("2025-01-22T10:42:40Z", DateKind::Advisory));
    assert_eq!(redis.advisories[0].id, "RHSA-2025:0595");
    assert_eq!(redis.advisories[0].url.as_deref(), Some("https://access.redhat.com/errata/RHSA-2025:0595"));
}

#[test]
fn a_module_fix_does_not_speak_of_plain_packages() {
    let modular = "pkg:rpm/redhat/ruby@2.7-1.module%2Bel8?arch=x86_64&rpmmod=ruby:2.7:8080:c";
    let plain = "pkg:rpm/redhat/ruby@2.5-1.el8?arch=x86_64";
    let untold = "pkg:rpm/redhat/ruby@2.6-1.module%2Bel8?arch=x86_64";
    let packages = [("m", modular), ("p", plain), ("u", untold)];
    let document =
        vex(&packages, &[("fixed", "m", APPS), ("fixed", "p", APPS), ("fixed", "u", APPS)], json!([]));
    assert_eq!(
        lines(&document),
        [
            format!("rhel:8 Binary ruby Affected <2.5-1.el8 [x86_64] {APPS}"),
            format!("rhel:8 Binary ruby (ruby:2.7) Affected <2.7-1.module+el8 [x86_64] {APPS}"),
        ]
    );
    assert_eq!(dropped(&document), ["1 a package of a module that is not told"]);
}

#[test]
fn a_module_may_stand_between_package_and_product() {
    let packages = [("p", "pkg:rpm/redhat/ruby?arch=src"), ("m", "pkg:rpmmod/redhat/ruby@2.5:8010:c")];
    let mut document = vex(&packages, &[("known_affected", "m", APPS)], json!([]));
    let (module, whole) = (pair("m", APPS), "<all of it>");
    document["product_tree"]["relationships"].as_array_mut().unwrap().push(json!({
        "category": "default_component_of", "product_reference": "p", "relates_to_product_reference": module,
        "full_product_name": {"name": whole, "product_id": whole}}));
    assert_eq!(lines(&document), Vec::<String>::new());
    document["vulnerabilities"][0]["product_status"] = json!({"known_affected": [whole]});
    assert_eq!(lines(&document), [format!("rhel:8 Source ruby (ruby:2.5) Affected [] {APPS}")]);
}

#[test]
fn fixes_of_several_streams_are_several_records() {
    let packages = [
        ("old", "pkg:rpm/redhat/a@1-1.el8_6?arch=x86_64"),
        ("new", "pkg:rpm/redhat/a@2-1.el8_8?arch=x86_64"),
    ];
    let said = [("fixed", "old", EUS), ("fixed", "new", APPS)];
    assert_eq!(
        lines(&vex(&packages, &said, json!([]))),
        [
            format!("rhel:8 Binary a Affected <2-1.el8_8 [x86_64] {APPS}"),
            format!("rhel:8 Binary a Affected <1-1.el8_6 [x86_64] {EUS}"),
        ]
    );
}

#[test]
fn builds_that_differ_in_their_architecture_only_are_one_record() {
    let purl = |arch| format!("pkg:rpm/redhat/a@1-1.el8?arch={arch}&epoch=0");
    let (x, s, n) = (purl("x86_64"), purl("src"), purl("noarch"));
    let packages = [("x", x.as_str()), ("s", &s), ("n", &n)];
    let document =
        vex(&packages, &[("fixed", "x", BASE), ("fixed", "s", BASE), ("fixed", "n", BASE)], json!([]));
    assert_eq!(lines(&document), [format!("rhel:8 Binary a Affected <1-1.el8 [noarch+x86_64] {BASE}")]);
    assert_eq!(dropped(&document), ["1 a source package whose binaries are listed"]);
}

#[test]
fn a_build_whose_binaries_are_not_listed_is_one_of_its_source() {
    let packages =
        [("s", "pkg:rpm/redhat/a@1-1.el8?arch=src&epoch=2"), ("n", "pkg:rpm/redhat/b@1-1.el8?epoch=0")];
    assert_eq!(
        lines(&vex(&packages, &[("fixed", "s", BASE), ("fixed", "n", BASE)], json!([]))),
        [
            format!("rhel:8 Source a Affected <2:1-1.el8 [] {BASE}"),
            format!("rhel:8 Source b Affected <1-1.el8 [] {BASE}")
        ]
    );
}

#[test]
fn the_version_of_a_modules_own_build_is_compared_with_nothing() {
    // python39 has versions such as 3.9.19-7, which would count as fixed.
    let packages = [("m", "pkg:rpm/redhat/python39@3.9-8100020240826142629.d47b87a4?epoch=0")];
    let document = vex(&packages, &[("fixed", "m", APPS)], json!([]));
    assert_eq!(lines(&document), Vec::<String>::new());
    assert_eq!(dropped(&document), ["1 a build of a module, whose version no package has"]);
}

#[test]
fn a_build_that_is_not_affected_does_not_speak_for_the_package() {
    let packages =
        [("old", "pkg:rpm/redhat/a@1-1.el8?arch=x86_64"), ("new", "pkg:rpm/redhat/a@2-1.el8?arch=x86_64")];
    let document = vex(&packages, &[("known_not_affected", "old", BASE), ("fixed", "new", BASE)], json!([]));
    assert_eq!(lines(&document), [format!("rhel:8 Binary a Affected <2-1.el8 [x86_64] {BASE}")]);
    let elsewhere = vex(&packages, &[("known_not_affected", "old", BASE), ("fixed", "new", EUS)], json!([]));
    assert_eq!(lines(&elsewhere).len(), 2);
}

#[test]
fn states_of_what_has_no_fix_stay_apart() {
    let state = |category: &str, details: &str| {
        let remediation = json!([{"category": category, "details": details, "product_ids": [pair("a", BASE)]},
            {"category": "workaround", "details": "pull the plug", "product_ids": [pair("a", BASE)]}]);
        let document = vex(&[("a", "pkg:rpm/redhat/a")], &[("known_affected", "a", BASE)], remediation);
        read(&[("x", &document.to_string())]).map(|(records, _)| advisories(records)[0].state)
    };
    for (category, details, expected) in [
        ("none_available", "Affected", AdvisoryState::Affected),
        ("none_available", "Fix deferred", AdvisoryState::FixDeferred),
        ("none_available", "Deferred", AdvisoryState::FixDeferred),
        ("no_fix_planned", "Will not fix", AdvisoryState::WillNotFix),
        ("no_fix_planned", "Out of support scope", AdvisoryState::EndOfLife),
    ] {
        assert_eq!(state(category, details).unwrap(), expected, "{category} {details}");
    }
    assert!(state("none_available", "Perhaps").is_err());
    assert!(state("fix_planned", "Affected").is_err());
    let asked = vex(&[("a", "pkg:rpm/redhat/a")], &[("under_investigation", "a", BASE)], json!([]));
    assert_eq!(lines(&asked), [format!("rhel:8 Binary a UnderInvestigation [] {BASE}")]);
}

#[test]
fn what_no_rule_covers_is_an_error() {
    let good = vex(&[("a", "pkg:rpm/redhat/a")], &[("known_affected", "a", BASE)], json!([]));
    let with = |change: &dyn Fn(&mut Value)| {
        let mut document = good.clone();
        change(&mut document);
        refused(&document)
    };
    let status = |d: &mut Value| d["vulnerabilities"][0]["product_status"] = json!({"first_affected": []});
    assert!(with(&status).contains("unknown product status `first_affected`"));
    let dangling = |d: &mut Value| d["vulnerabilities"][0]["product_status"] = json!({"fixed": ["z"]});
    assert!(with(&dangling).contains("the product tree does not say what is `z`"));
    let relation = |d: &mut Value| d["product_tree"]["relationships"][0]["category"] = json!("installed_on");
    assert!(with(&relation).contains("unknown relationship"));
    let circle = |d: &mut Value| {
        let id = d["product_tree"]["relationships"][0]["full_product_name"]["product_id"].clone();
        d["product_tree"]["relationships"][0]["product_reference"] = id;
    };
    assert!(with(&circle).contains("the product tree does not say"));
    let group = |d: &mut Value| {
        let fix = json!([{"category": "vendor_fix", "details": "", "group_ids": ["g"]}]);
        d["vulnerabilities"][0]["remediations"] = fix;
    };
    assert!(with(&group).contains("a group of products"));
    let threat = |d: &mut Value| {
        d["vulnerabilities"][0]["threats"] = json!([{"category": "impact", "details": "Terrible"}]);
    };
    assert!(with(&threat).contains("unknown severity `Terrible`"));
    let tracking = |d: &mut Value| d["document"]["tracking"]["status"] = json!("maybe");
    assert!(with(&tracking).contains("unknown status of a document"));
}

#[test]
fn a_deleted_document_says_nothing() {
    let mut document = vex(&[("a", "pkg:rpm/redhat/a")], &[("known_affected", "a", BASE)], json!([]));
    let text = document.to_string();
    let list = r#""2024/cve-2024-1.json","2024-06-02T00:00:00+00:00""#;
    let changes = ("v2/vex/changes.csv", list);
    let (records, summary) = read(&[("v2/vex/deletions.csv", list), changes, ("x", &text)]).unwrap();
    assert!(records.is_empty());
    assert_eq!(summary.dropped["a document that was deleted"], 1);
    // Of the two orders one is refused, so that the records do not depend on it.
    let error = read(&[("x", &text), ("deletions.csv", list)]).unwrap_err().to_string();
    assert!(error.contains("must be read before"), "{error}");
    // Published again since.
    let before = r#""2024/cve-2024-1.json","2024-05-31T00:00:00+00:00""#;
    for documents in
        [[("x", text.as_str()), ("deletions.csv", before)], [("deletions.csv", before), ("x", &text)]]
    {
        assert_eq!(advisories(read(&documents).unwrap().0).len(), 1);
    }
    document["document"]["tracking"]["status"] = json!("deleted");
    assert!(read(&[("x", &document.to_string())]).unwrap().0.is_empty());
    assert!(read(&[("deletions.csv", "\"2024/cve-2024-1.json\"")]).is_err());
    assert!(read(&[("other.csv", list)]).is_err());
}

#[test]
fn the_day_of_discovery_is_not_the_day_it_became_public() {
    let of = |released: Value, initial: &str| {
        let mut document = vex(&[("a", "pkg:rpm/redhat/a")], &[("known_affected", "a", BASE)], json!([]));
        document["vulnerabilities"][0]["discovery_date"] = json!("2023-10-03T00:00:00Z");
        document["document"]["tracking"]["initial_release_date"] = json!(initial);
        if !released.is_null() {
            document["vulnerabilities"][0]["release_date"] = released;
        }
        let (records, _) = read(&[("x", &document.to_string())]).unwrap();
        advisories(records)[0].disclosed.map(|dated| dated.at.to_string())
    };
    let (public, first) = (json!("2023-10-11T00:00:00Z"), "2023-10-12T00:00:00Z");
    assert_eq!(of(public, first).as_deref(), Some("2023-10-11T00:00:00Z"));
    assert_eq!(of(Value::Null, first).as_deref(), Some("2023-10-12T00:00:00Z"));
    assert_eq!(of(Value::Null, "2023-01-01T00:00:00Z"), None);
}

#[test]
fn an_advisory_speaks_of_its_fixes_only() {
    let packages =
        [("a", "pkg:rpm/redhat/a@1-1.el8?arch=x86_64"), ("b", "pkg:rpm/redhat/b@1-1.el8?arch=x86_64")];
    let fix = json!([{"category": "vendor_fix", "details": "", "url": "https://access.redhat.com/errata/RHSA-2024:1",
        "product_ids": [pair("a", BASE)]}]);
    let mut document = vex(&packages, &[("fixed", "a", BASE), ("known_not_affected", "b", BASE)], fix);
    document["document"]["tracking"]["id"] = json!("RHSA-2024:1");
    document["document"]["tracking"]["initial_release_date"] = json!("2024-02-01T10:00:00Z");
    let (records, summary) = read(&[("x", &document.to_string())]).unwrap();
    assert!(records.iter().all(|record| matches!(record, Record::Advisory(_))));
    let records = advisories(records);
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].id, "CVE-2024-1");
    assert_eq!(records[0].fix_available.unwrap().at.to_string(), "2024-02-01T10:00:00Z");
    assert_eq!(records[0].disclosed, None);
    assert_eq!(summary.coverage[0].states, [CoveredState::Fixed].into());
}

#[test]
fn repositories_belong_to_products() {
    let (records, _) = read(&[("x", SAMPLES[6])]).unwrap();
    let Record::Repository(first) = &records[0] else { panic!("{records:?}") };
    assert_eq!(
        (first.distribution.as_str(), first.repository.as_str()),
        ("rhel", "rhel-8-for-x86_64-baseos-rpms")
    );
    assert_eq!(first.cpes, [BASE]);
}

#[test]
fn a_cut_document_is_an_error_and_no_panic() {
    for text in SAMPLES {
        let text = text.trim_end();
        for cut in (1..text.len()).step_by(97) {
            assert!(read(&[("x", &text[..cut])]).is_err(), "{cut}");
        }
    }
    let deep = "[".repeat(100_000);
    let nested = format!(r#"{{"document": {{"title": {deep}"#);
    for text in
        ["", " ", "x", "null", "[]", "{}", "{\"document\": 1}", "{\"data\": {\"a\": []}}", &deep, &nested]
    {
        assert!(read(&[("x", text)]).is_err(), "{}", &text[..text.len().min(40)]);
    }
    let branches = r#"{"category": "c", "name": "n", "branches": ["#.repeat(10_000);
    let text = format!(r#"{{"product_tree": {{"branches": [{branches}"#);
    assert!(read(&[("x", &text)]).is_err());
}

#[test]
fn no_byte_of_a_document_makes_it_panic() {
    for text in &SAMPLES[..3] {
        for (at, byte) in (0..text.len()).step_by(101).zip([b'"', b'9', b':', b'{', 0xff].into_iter().cycle())
        {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = byte;
            let _ = testing::read("redhat", &[Input { name: "x", bytes: &bytes }]);
        }
    }
}

#[test]
fn an_epoch_is_kept_unless_it_is_zero() {
    let packages = [
        ("a", "pkg:rpm/redhat/a@1-1.el8?arch=x86_64&epoch=0"),
        ("b", "pkg:rpm/redhat/b@1-1.el8?arch=x86_64&epoch=1"),
    ];
    let said = [("fixed", "a", BASE), ("fixed", "b", BASE)];
    let expected = [("a", "1-1.el8"), ("b", "1:1-1.el8")];
    let expected =
        expected.map(|(name, version)| format!("rhel:8 Binary {name} Affected <{version} [x86_64] {BASE}"));
    assert_eq!(lines(&vex(&packages, &said, json!([]))), expected);
}

#[test]
fn a_fix_in_a_repository_does_not_hide_what_is_open_in_the_release() {
    // RHEL 9 is affected where no advisory is; which of the two holds is the matcher's to say.
    let (whole, packages) = (
        "cpe:/o:redhat:enterprise_linux:8",
        [("a", "pkg:rpm/redhat/a"), ("b", "pkg:rpm/redhat/a@2-1.el8?arch=s390x")],
    );
    let document = vex(&packages, &[("known_affected", "a", whole), ("fixed", "b", BASE)], json!([]));
    assert_eq!(
        lines(&document),
        [
            format!("rhel:8 Binary a Affected [] {whole}"),
            format!("rhel:8 Binary a Affected <2-1.el8 [s390x] {BASE}")
        ]
    );
}

#[test]
fn the_form_of_an_id_does_not_matter() {
    let purl = "pkg:rpm/redhat/ruby@2.7-1.module%2Bel8?arch=x86_64&rpmmod=ruby:2.7:8080:c";
    let document = vex(&[("m", purl)], &[("fixed", "m", APPS)], json!([])).to_string();
    let of = |id: &str| {
        let (records, _) = read(&[("x", &document.replace(&pair("m", APPS), id))]).unwrap();
        advisories(records)
    };
    let ids = [
        "AppStream-8.8.0:ruby-2.7-1.x86_64.rpm-ruby:2.7",
        "AppStream-8.8.0:ruby-0:2.7-1.x86_64::ruby:2.7",
        "?",
    ];
    assert_eq!(of(ids[0]), of(ids[1]));
    assert_eq!(of(ids[0]), of(ids[2]));
}

#[test]
fn what_lies_beside_the_documents_says_nothing() {
    let sum = format!("{}  cve-2024-1.json\n", "0a".repeat(32));
    let companions =
        ["csaf_vex_2024-08-04.tar.zst", &sum, "-----BEGIN PGP SIGNATURE-----\n", "2024/cve-2024-1.json\n"];
    for text in companions {
        assert!(read(&[("x", text)]).unwrap().0.is_empty(), "{text}");
    }
}
