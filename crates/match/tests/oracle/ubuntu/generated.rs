//! Files of the tracker, and OSV with OpenVEX, with every status in every pocket.

use super::check_tracker;
use super::documents::check_documents;
use crate::common::{Files, Random};
use imagescan_model::AdvisoryState::{
    Affected, EndOfLife, FixDeferred, NotAffected, UnderInvestigation, WillNotFix,
};
use serde_json::{Value, json};
use std::fmt::Write;

const PLACES: [&str; 9] = [
    "trusty",
    "trusty/esm",
    "bionic",
    "esm-infra/bionic",
    "esm-apps/bionic",
    "fips-updates/bionic",
    "jammy",
    "esm-apps/jammy",
    "realtime/jammy",
];

fn version(random: &mut Random, place: &str) -> String {
    let tail = match place.split('/').next().unwrap() {
        "trusty" if place.contains('/') => "~esm2",
        "esm-infra" | "esm-apps" => "~esm1",
        "fips-updates" => ".fips.3",
        _ => "",
    };
    format!("1.{}-{}ubuntu0.{}{tail}", random.below(3), 1 + random.below(3), random.below(4))
}

fn file(random: &mut Random, id: &str) -> String {
    let mut text = format!("Candidate: {id}\nPublicDate: 2024-01-02 06:15:00 UTC\nPriority: medium\n");
    for source in ["openssl", "systemd", "jansson"] {
        writeln!(text, "upstream_{source}: released (243-5)\ndevel_{source}: not-affected (2)").unwrap();
        for place in PLACES {
            let fix = version(random, place);
            let plain = !place.contains('/');
            let status = match random.below(16) {
                0 => continue,
                1 => "DNE".into(),
                2 => "needed".into(),
                3 => "needs-triage".into(),
                4 => format!("pending ({fix})"),
                5 => "deferred (2024-06-01)".into(),
                6 => "ignored (superseded by another)".into(),
                7 => "ignored (out of standard support)".into(),
                8 => "ignored (reached end-of-life)".into(),
                9 => "not-affected (code not present)".into(),
                10 => "released (see the notice)".into(),
                11 => "in-progress".into(),
                12 if plain => format!("released-esm ({fix})"),
                _ => format!("released ({fix})"),
            };
            writeln!(text, "{place}_{source}: {status}").unwrap();
        }
    }
    text
}

#[test]
fn generated_files_of_the_tracker_have_every_status() {
    let random = &mut Random(111);
    let mut files = Files::new();
    for number in 0..12 {
        let id = format!("CVE-2024-{}", 1000 + number);
        files.insert(format!("active/{id}"), file(random, &id).into_bytes());
    }
    let states = check_tracker("ubuntu-cve-tracker, generated", &files);
    let all = [
        (NotAffected, false),
        (NotAffected, true),
        (Affected, false),
        (Affected, true),
        (FixDeferred, false),
        (WillNotFix, false),
        (EndOfLife, false),
        (UnderInvestigation, false),
    ];
    assert_eq!(states, all.into());
}

/// An OSV document, and the OpenVEX document of the same CVE.
fn documents(random: &mut Random, id: &str) -> (Value, Value) {
    let ecosystems = [
        ("trusty", "Ubuntu:14.04:LTS"),
        ("esm-infra-legacy/trusty", "Ubuntu:Pro:14.04:LTS"),
        ("bionic", "Ubuntu:18.04:LTS"),
        ("esm-infra/bionic", "Ubuntu:Pro:18.04:LTS"),
        ("esm-apps/bionic", "Ubuntu:Pro:18.04:LTS"),
        ("fips-updates/bionic", "Ubuntu:Pro:FIPS-updates:18.04:LTS"),
        ("jammy", "Ubuntu:22.04:LTS"),
        ("esm-apps/jammy", "Ubuntu:Pro:22.04:LTS"),
        ("realtime/jammy", "Ubuntu:Pro:Realtime:22.04:LTS"),
    ];
    let (mut affected, mut statements) = (Vec::new(), Vec::new());
    for source in ["openssl", "systemd", "jansson"] {
        for (place, ecosystem) in ecosystems {
            let (shape, fix) = (random.below(9), version(random, place));
            let purl = format!("pkg:deb/ubuntu/{source}@{fix}?arch=source&distro={place}");
            let action = "This package (for the given release) is vulnerable to the CVE, ";
            let (status, action) = match shape {
                0 => continue,
                1 => ("not_affected", String::new()),
                2 => ("affected", format!("{action}but the Ubuntu Security Team decided to not fix it.")),
                3 => ("affected", format!("{action}but is no longer supported.")),
                4 => ("affected", format!("{action}and needs fixing.")),
                _ => ("fixed", String::new()),
            };
            if status != "not_affected" {
                let mut events = vec![json!({"introduced": "0"})];
                if status == "fixed" {
                    events.push(json!({"fixed": fix}));
                }
                let purl = format!("pkg:deb/ubuntu/{source}@{fix}?arch=source&distro={place}");
                affected.push(json!({"package": {"ecosystem": ecosystem, "name": source, "purl": purl},
                    "ranges": [{"type": "ECOSYSTEM", "events": events}], "versions": [],
                    "ecosystem_specific": {"binaries": []}}));
            }
            let mut statement = json!({"vulnerability": {"@id": "x", "name": id, "aliases": []},
                "timestamp": "2024-01-02T05:15:00Z", "products": [{"@id": purl}], "status": status});
            if !action.is_empty() {
                statement["action_statement"] = action.into();
            } else if status == "not_affected" {
                statement["justification"] = "vulnerable_code_not_present".into();
            }
            // OSV alone tells no reason.
            if random.below(5) > 0 {
                statements.push(statement);
            }
        }
    }
    let osv = json!({"schema_version": "1.7.0", "id": format!("UBUNTU-{id}"), "details": "d", "aliases": [],
        "upstream": [id], "severity": [{"type": "Ubuntu", "score": "medium"}], "affected": affected,
        "published": "2024-01-02T00:00:00Z", "modified": "2024-01-03T00:00:00Z"});
    let vex = json!({"@context": "https://openvex.dev/ns/v0.2.0", "@id": id, "author": "Canonical Ltd.",
        "timestamp": "2024-01-02T00:00:00Z", "version": 1, "statements": statements});
    (osv, vex)
}

#[test]
fn generated_osv_and_openvex_have_every_status() {
    let random = &mut Random(112);
    let mut files = Files::new();
    for number in 0..12 {
        let id = format!("CVE-2024-{}", 1000 + number);
        let (osv, vex) = documents(random, &id);
        files.insert(format!("osv/UBUNTU-{id}.json"), osv.to_string().into_bytes());
        files.insert(format!("vex/{id}.json"), vex.to_string().into_bytes());
    }
    let states = check_documents("ubuntu, generated", &files);
    let all = [
        (NotAffected, false),
        (NotAffected, true),
        (Affected, false),
        (Affected, true),
        (WillNotFix, false),
        (EndOfLife, false),
    ];
    assert_eq!(states, all.into());
}
