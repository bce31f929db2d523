use super::*;
use crate::parse::Input;
use crate::testing::{dropped, line, read, read_samples};
use imagescan_model::Extent;

fn parsed(text: &str) -> Result<(Vec<Record>, Vec<String>), FeedError> {
    let input = Input { name: "active/CVE-2020-1", bytes: text.as_bytes() };
    let (records, summary) = read("ubuntu-cve-tracker", &[input])?;
    Ok((records, dropped(&summary)))
}

fn lines(text: &str) -> Vec<String> {
    let (records, _) = parsed(&format!("Candidate: CVE-2020-1\nPriority: low\n{text}")).unwrap();
    let advisory = |record| match record {
        Record::Advisory(record) => line(&record),
        record => format!("{record:?}"),
    };
    records.into_iter().map(advisory).collect()
}

#[test]
fn each_status_stays_what_it_is() {
    for (status, expected) in [
        ("released (1-1ubuntu2.3)", "affected <1-1ubuntu2.3"),
        ("released [2:2.6.3-1~ubuntu14.04.1]", "affected <2:2.6.3-1~ubuntu14.04.1"),
        ("released (3.6.9+build1-0ubuntu1 )", "affected <3.6.9+build1-0ubuntu1"),
        ("released (1.6.19-1.2ubuntu1", "affected <1.6.19-1.2ubuntu1"),
        ("1.2-3", "affected <1.2-3"),
        ("released", "underinvestigation"),
        ("released ()", "underinvestigation"),
        ("released (0.27-1, 0.28-1)", "underinvestigation"),
        ("released (nova - 2011.2-0ubuntu1.2)", "underinvestigation"),
        ("needed", "affected"),
        ("active (by somebody)", "affected"),
        ("in-progress", "affected"),
        ("pending (1-1ubuntu2.4)", "affected"),
        ("deferred (2017-08-01)", "fixdeferred"),
        ("ignored (abandoned)", "willnotfix"),
        ("ignored (superseded by linux-riscv-5.8)", "willnotfix"),
        ("ignored (reached end-of-life)", "endoflife"),
        ("ignored (out of standard support)", "endoflife"),
        ("ignored (end of standard support, was needed)", "endoflife"),
        ("needed (reached end-of-life)", "endoflife"),
        ("needs-triage (reached end-of-life)", "endoflife"),
        ("needs-triage", "underinvestigation"),
        ("", "underinvestigation"),
        ("not-affected (code not present)", "notaffected"),
        ("not-affected (244-3ubuntu1)", "notaffected"),
        ("not-affected", "notaffected"),
    ] {
        let expected = format!("ubuntu:18.04 a CVE-2020-1 {expected} low");
        assert_eq!(lines(&format!("bionic_a: {status}\n")), [expected], "{status}");
    }
}

#[test]
fn a_fix_in_esm_alone_leaves_the_plain_archive_without_one() {
    assert_eq!(
        lines("precise_a: released-esm (1-1+esm2)\n"),
        [
            "ubuntu:12.04 a CVE-2020-1 affected <1-1+esm2 in esm-infra low",
            "ubuntu:12.04 a CVE-2020-1 willnotfix low",
        ]
    );
}

#[test]
fn pockets_are_streams_and_say_nothing_of_each_other() {
    let text = "xenial_a: ignored (end of standard support)\nesm-infra/xenial_a: released (1-1+esm2)\n\
        trusty/esm_a-b+c1.0: needed\nfips-updates/focal_a: pending (1)\nros-esm/xenial_a: not-affected\n";
    assert_eq!(
        lines(text),
        [
            "ubuntu:16.04 a CVE-2020-1 endoflife low",
            "ubuntu:16.04 a CVE-2020-1 affected <1-1+esm2 in esm-infra low",
            "ubuntu:14.04 a-b+c1.0 CVE-2020-1 affected in esm-infra-legacy low",
            "ubuntu:20.04 a CVE-2020-1 affected in fips-updates low",
            "ubuntu:16.04 a CVE-2020-1 notaffected in ros-esm low",
        ]
    );
}

#[test]
fn what_is_no_package_of_a_release_is_counted() {
    let text = "Candidate: CVE-2020-1\nupstream_a: released (1)\ndevel_a: needed\nsnap_a: needed\n\
        product_a: needed\nxenial_a: DNE\nbionic_a: DNE (bionic was needed)\n";
    let (records, dropped) = parsed(text).unwrap();
    assert_eq!(records, []);
    assert_eq!(
        dropped,
        [
            "a status in the release being made, whose number is not told: 1",
            "a status of a snap or product, which is no package of a release: 2",
            "a status of the original project: 1",
            "there is no such package in the release: 2",
        ]
    );
}

#[test]
fn a_package_may_have_a_priority_of_its_own_and_reasons_stand_behind() {
    let text = "Candidate: CVE-2020-1\nPriority: medium\n only reachable locally\nPriority_b: high (b listens)\n\
        Priority_b_xenial: negligible\nxenial_a: needed\nxenial_b: needed\nbionic_b: needed\n";
    let (records, _) = parsed(text).unwrap();
    let severity = |record: &Record| match record {
        Record::Advisory(record) => record.severity,
        _ => Severity::Unknown,
    };
    let severities: Vec<Severity> = records.iter().map(severity).collect();
    assert_eq!(severities, [Severity::Medium, Severity::Negligible, Severity::High]);
}

#[test]
fn the_day_of_disclosure_is_the_one_that_was_known_then() {
    let of = |fields: &str| {
        let (records, dropped) =
            parsed(&format!("Candidate: CVE-2020-1\n{fields}xenial_a: needed\n")).unwrap();
        let Record::Advisory(record) = &records[0] else { panic!() };
        record.disclosed.map_or_else(|| dropped.join(""), |date| date.at.to_string())
    };
    let public = "PublicDate: 2020-01-21 06:15:00 UTC\n";
    assert_eq!(of(public), "2020-01-21T06:15:00Z");
    assert_eq!(of(&format!("PublicDateAtUSN: 2020-01-20\n{public}")), "2020-01-20T00:00:00Z");
    let coordinated = format!("{public}CRD: 2020-01-19 14:00:00 CEST\nPublicDateAtUSN: 2020-01-20\n");
    assert_eq!(of(&coordinated), "2020-01-19T12:00:00Z");
    assert_eq!(of("PublicDate: 2011-01-01 12:00:00 -0500\n"), "2011-01-01T17:00:00Z");
    assert_eq!(of("PublicDate: unknown\n"), "");
    assert_eq!(of("PublicDate: last week\n"), "a date that is none: 1");
}

#[test]
fn vectors_are_records_of_who_gave_them() {
    let text = "Candidate: CVE-2020-1\nCVSS:\n nvd: CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:H [5.5 MEDIUM]\n \
        redhat: CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H\n nvd: CVSS:4.0/AV:N/X [9.3 CRITICAL]\n x: AV:N\n";
    let (records, dropped) = parsed(text).unwrap();
    let line = |record: &Record| match record {
        Record::Cve(record) => {
            let scores: Vec<u8> = record.cvss.iter().map(|cvss| cvss.score).collect();
            format!("{} {} {} {scores:?}", record.id, record.source, record.severity)
        }
        record => format!("{record:?}"),
    };
    let lines: Vec<String> = records.iter().map(line).collect();
    assert_eq!(lines, ["CVE-2020-1 nvd critical [55, 93]", "CVE-2020-1 redhat critical [98]"]);
    assert_eq!(dropped, ["a CVSS vector without a score: 1"]);
}

#[test]
fn templates_and_other_files_of_the_tree_are_counted() {
    let files = [
        ("active/00boilerplate", "Candidate: \nPriority: untriaged\n#trusty_PKG:\n"),
        ("README", "Read me.\n"),
        ("ubuntu-cve-tracker/scripts/cve_lib.py", "import os\n"),
    ];
    let inputs = files.map(|(name, text)| Input { name, bytes: text.as_bytes() });
    let (records, summary) = read("ubuntu-cve-tracker", &inputs).unwrap();
    assert_eq!(records, []);
    assert_eq!(dropped(&summary), ["a template for new files: 1", "another file of the tracker's tree: 2"]);
}

#[test]
fn damage_is_an_error() {
    for text in [
        "",
        "xenial_a: needed\n",
        "Candidate: CVE-2020-1\nxenial_a: perhaps\n",
        "Candidate: CVE-2020-1\nxenial_a: released-esm-x (1)\n",
        "Candidate: CVE-2020-1\nxenial_a\n",
        "Candidate: CVE-2020-1\nPriority: huge\nxenial_a: needed\n",
        "Candidate: CVE-2020-1\nxenial_a: needed\nxenial_a: not-affected\n",
    ] {
        assert!(parsed(text).is_err(), "{text}");
    }
    let error = parsed("Candidate: CVE-2020-1\n\nxenial_a: perhaps\n").unwrap_err().to_string();
    assert_eq!(error, "`active/CVE-2020-1`, line 3: its status is unknown");
    let twice = "Candidate: CVE-2020-1\nxenial_a: needed\nxenial_a: needed\n";
    assert_eq!(parsed(twice).unwrap().0.len(), 1);
}

#[test]
fn the_sample_says_what_the_tracker_says() {
    let (records, summary) = read_samples("ubuntu-cve-tracker");
    let lines: Vec<String> = records.iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "ubuntu:12.04 openssl CVE-2019-1551 affected in esm-infra-legacy low",
            "ubuntu:14.04 coreutils CVE-2016-2781 fixdeferred in esm-infra-legacy low",
            "ubuntu:14.04 coreutils CVE-2016-2781 endoflife low",
            "ubuntu:14.04 nodejs CVE-2019-1551 notaffected in esm-infra-legacy low",
            "ubuntu:14.04 openssl CVE-2019-1551 affected in esm-infra-legacy low",
            "ubuntu:14.04 openssl CVE-2019-1551 endoflife low",
            "ubuntu:14.04 systemd CVE-2019-20386 underinvestigation in esm-infra-legacy low",
            "ubuntu:15.04 coreutils CVE-2016-2781 endoflife in stable-phone-overlay low",
            "ubuntu:15.04 coreutils CVE-2016-2781 endoflife in ubuntu-core low",
            "ubuntu:16.04 coreutils CVE-2016-2781 fixdeferred low",
            "ubuntu:16.04 linux CVE-2022-36879 endoflife medium",
            "ubuntu:16.04 linux CVE-2022-36879 underinvestigation in esm-infra medium",
            "ubuntu:16.04 openssl CVE-2019-1551 affected low",
            "ubuntu:16.04 systemd CVE-2019-20386 affected <229-4ubuntu21.27 low",
            "ubuntu:18.04 nodejs CVE-2019-1551 notaffected low",
            "ubuntu:18.04 openssl CVE-2019-1551 affected low",
            "ubuntu:18.04 systemd CVE-2019-20386 affected <237-3ubuntu10.38 low",
            "ubuntu:18.04 uriparser CVE-2018-19198 affected medium",
            "ubuntu:19.04 openssl CVE-2019-1551 endoflife low",
            "ubuntu:19.04 uriparser CVE-2018-19198 affected medium",
            "ubuntu:19.10 systemd CVE-2019-20386 affected <242-7ubuntu3.6 low",
            "ubuntu:20.04 linux-riscv CVE-2022-36879 willnotfix medium",
            "ubuntu:22.04 linux-riscv CVE-2022-36879 underinvestigation medium",
        ]
    );
    assert_eq!(
        dropped(&summary),
        [
            "a status in the release being made, whose number is not told: 2",
            "a status of the original project: 6",
            "there is no such package in the release: 1",
        ]
    );
    assert!(summary.coverage.iter().all(|covered| covered.extent() == Extent::Full));
}

#[test]
fn a_file_that_was_cut_says_no_more_than_the_whole() {
    let text = include_str!("../../../../../vuln-feeds/samples/ubuntu-cve-tracker/CVE-2016-2781");
    let about = |text: &str| parsed(text).map(|(records, _)| records.len());
    let whole = about(text).unwrap();
    for end in 0..text.len() {
        match about(&text[..end]) {
            Ok(count) => assert!(count <= whole && text[..end].ends_with('\n'), "{end}"),
            Err(error) => drop(error),
        }
    }
}
