//! Azure Linux and CBL-Mariner: OVAL on source packages.

use crate::common::{Random, Verdicts, all, database_of, shared};
use crate::plain::{Asked, Said, attribute, between, by_id, check, decide, plain_epoch};
use imagescan_model::AdvisoryState;
use std::collections::BTreeMap;
use std::fmt::Write;

fn oval(text: &str, release: &str, said: &mut Vec<Said>) {
    let mut elements: BTreeMap<&str, &str> = BTreeMap::new();
    for kind in ["test", "object", "state"] {
        let (start, end) = (format!("rpminfo_{kind} "), format!("rpminfo_{kind}>"));
        for element in text.split(&start).skip(1) {
            let element = element.split(&end).next().unwrap();
            elements.insert(attribute(element, "id"), element);
        }
    }
    for definition in between(text, "<definition ", "</definition>") {
        let patchable = between(definition, "<patchable>", "<").next().unwrap();
        if patchable == "Not Applicable" {
            continue;
        }
        let mut found = Said { release: release.into(), of_source: true, ..Said::default() };
        found.id = between(definition, "ref_id=\"", "\"").next().unwrap().into();
        for test in between(definition, "test_ref=\"", "\"").map(|id| elements[id]) {
            let object = elements[attribute(test, "object_ref")];
            let state = elements[attribute(test, "state_ref")];
            let (tag, version) = between(state, ":evr ", "<").next().unwrap().split_once('>').unwrap();
            found.package = between(object, "name>", "<").next().unwrap().into();
            let version = plain_epoch(&version.replace(' ', ""));
            match attribute(tag, "operation") {
                "less than" => found.fix = Some(version),
                "greater than" => found.after = Some(version),
                // Up to what the repository has; nothing is said of a version without it.
                "less than or equal" => {}
                other => panic!("{other}"),
            }
        }
        said.push(found);
    }
}

fn expected(asked: &Asked, said: &[&Said]) -> Verdicts {
    by_id(said, |said| decide(asked, said))
}

#[test]
fn real_definitions_are_judged_as_oval_says() {
    let files = shared("azurelinux.tar.zst", |path| path.contains("-oval.xml"));
    if files.is_empty() {
        return;
    }
    let (_folder, knowledge) = database_of("azurelinux", all(&files));
    let mut said = Vec::new();
    for (path, bytes) in &files {
        let release = match path.rsplit('/').next().unwrap() {
            name if name.contains("mariner-1.0") => "mariner:1.0",
            name if name.contains("2.0") => "mariner:2.0",
            _ => "azurelinux:3.0",
        };
        oval(std::str::from_utf8(bytes).unwrap(), release, &mut said);
    }
    check("azurelinux, real", &knowledge, &said, 300, expected);
}

/// Definitions with every operation and every word of `patchable`.
fn generated(random: &mut Random) -> String {
    let (mut definitions, mut tests, mut objects, mut states) = <(String, String, String, String)>::default();
    for number in 0..150 {
        let package = ["vim", "curl", "perl"][random.below(3)];
        let version = format!(
            "{}:{}.{}-{}.azl3",
            random.below(2),
            4 + random.below(2),
            random.below(6),
            random.below(3)
        );
        let (patchable, operations): (_, &[&str]) = match random.below(6) {
            0 => ("false", &["less than or equal"]),
            1 => ("true", &["greater than", "less than"]),
            2 => ("Not Applicable", &["less than"]),
            _ => ("true", &["less than"]),
        };
        let mut criteria = String::new();
        for (index, operation) in operations.iter().enumerate() {
            let (id, p) = (format!("{number}{index:03}"), "oval:com.microsoft.azurelinux");
            // The version that brought it is before the one that mended it.
            let version = if *operation == "greater than" {
                version.replace(":4.", ":3.").replace(":5.", ":4.")
            } else {
                version.clone()
            };
            let word = match *operation {
                "less than" => "earlier than",
                "greater than" => "greater than",
                _ => "earlier than or equal to",
            };
            write!(criteria, "<criterion comment=\"Package {package} is {word} {version}, affected by CVE-2024-{:04}\" test_ref=\"{p}:tst:{id}\"/>", 1000 + number).unwrap();
            write!(tests, "<linux-def:rpminfo_test check=\"at least one\" comment=\"c\" id=\"{p}:tst:{id}\" version=\"1\"><linux-def:object object_ref=\"{p}:obj:{id}\"/><linux-def:state state_ref=\"{p}:ste:{id}\"/></linux-def:rpminfo_test>").unwrap();
            write!(objects, "<linux-def:rpminfo_object id=\"{p}:obj:{id}\" version=\"1\"><linux-def:name>{package}</linux-def:name></linux-def:rpminfo_object>").unwrap();
            write!(states, "<linux-def:rpminfo_state id=\"{p}:ste:{id}\" version=\"1\"><linux-def:evr datatype=\"evr_string\" operation=\"{operation}\">{version}</linux-def:evr></linux-def:rpminfo_state>").unwrap();
        }
        write!(definitions, "<definition class=\"vulnerability\" id=\"oval:com.microsoft.azurelinux:def:{number}\" version=\"1\"><metadata><title>t</title><affected family=\"unix\"><platform>Azure Linux</platform></affected><reference ref_id=\"CVE-2024-{:04}\" ref_url=\"x\" source=\"CVE\"/><patchable>{patchable}</patchable><advisory_date>2024-01-19T03:54:24Z</advisory_date><advisory_id>{number}-1</advisory_id><severity>High</severity><description>d</description></metadata><criteria operator=\"AND\">{criteria}</criteria></definition>", 1000 + number).unwrap();
    }
    format!(
        "<oval_definitions xmlns=\"http://oval.mitre.org/XMLSchema/oval-definitions-5\" \
         xmlns:oval=\"http://oval.mitre.org/XMLSchema/oval-common-5\" \
         xmlns:linux-def=\"http://oval.mitre.org/XMLSchema/oval-definitions-5#linux\">\
         <generator><oval:product_name>Azure Linux OVAL Definition Generator</oval:product_name>\
         <oval:product_version>3</oval:product_version><oval:schema_version>5.11</oval:schema_version>\
         <oval:timestamp>2024-01-22T13:02:00Z</oval:timestamp></generator>\
         <definitions>{definitions}</definitions><tests>{tests}</tests><objects>{objects}</objects>\
         <states>{states}</states></oval_definitions>"
    )
}

#[test]
fn generated_definitions_have_every_operation() {
    let text = generated(&mut Random(61));
    let (_folder, knowledge) = database_of("azurelinux", [("azurelinux-3.0-oval.xml", text.as_bytes())]);
    let mut said = Vec::new();
    oval(&text, "azurelinux:3.0", &mut said);
    assert!(said.iter().any(|said| said.after.is_some()) && said.iter().any(|said| said.fix.is_none()));
    let states = check("azurelinux, generated", &knowledge, &said, 300, expected);
    use AdvisoryState::{Affected, NotAffected};
    assert!(states.is_superset(&[(Affected, true), (Affected, false), (NotAffected, true)].into()));
}
