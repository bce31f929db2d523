//! Amazon Linux: updateinfo of the system and of the extras.

use crate::common::{Random, Verdicts, all, database_of, shared};
use crate::plain::{Asked, Said, attribute, between, by_id, check, decide, version_of};
use imagescan_model::AdvisoryState;

/// Every update, package by package.
fn updateinfo(text: &str, said: &mut Vec<Said>) {
    for update in between(text, "<update ", "</update>") {
        let short = attribute(between(update, "<collection", ">").next().unwrap(), "short");
        let (system, topic) = short.split_once("---").unwrap_or((short, ""));
        let version = match system.trim_start_matches("amazon-linux-") {
            "ami" => "1",
            version => version,
        };
        for tag in between(update, "<package", ">") {
            for reference in between(update, "<reference ", ">") {
                if attribute(reference, "type") == "cve" {
                    said.push(Said {
                        release: format!("amzn:{version}"),
                        package: attribute(tag, "name").into(),
                        id: attribute(reference, " id").into(),
                        fix: Some(version_of(tag)),
                        architectures: [attribute(tag, "arch").into()].into(),
                        stream: topic.into(),
                        ..Said::default()
                    });
                }
            }
        }
    }
}

/// The numbers that a version, or the name of a topic, begins with, as far as they are told apart by dots.
fn numbers(text: &str) -> Vec<&str> {
    let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    digits.split(|c: char| !c.is_ascii_digit() && c != '.').next().unwrap().split('.').collect()
}

/// A topic has a line of versions of its own where it is named after one: packages of other lines are not its own.
fn expected(asked: &Asked, said: &[&Said]) -> Verdicts {
    let is_of_topic = |said: &Said| {
        let topic = numbers(&said.stream);
        let fix = said.fix.as_ref().unwrap().rsplit(':').next().unwrap();
        let installed = asked.version.rsplit(':').next().unwrap();
        if said.stream.is_empty() || topic == [""] {
            true
        } else if numbers(fix).starts_with(&topic) {
            numbers(installed).starts_with(&topic)
        } else {
            topic.len() < 2 || numbers(fix)[..2] == numbers(installed)[..2]
        }
    };
    let counts = |said: &&&Said| asked.is_among(&said.architectures) && is_of_topic(said);
    by_id(&said.iter().filter(counts).copied().collect::<Vec<_>>(), |said| decide(asked, said))
}

#[test]
fn real_updates_are_judged_as_updateinfo_says() {
    let files = shared("amazon.tar.zst", |path| path.contains("/updateinfo_"));
    if files.is_empty() {
        return;
    }
    let (_folder, knowledge) = database_of("amazon", all(&files));
    let mut said = Vec::new();
    for bytes in files.values() {
        updateinfo(std::str::from_utf8(bytes).unwrap(), &mut said);
    }
    check("amazon, real", &knowledge, &said, 300, expected);
}

/// An updateinfo of a repository, with several fixes of one id, epochs and architectures.
fn generated(random: &mut Random, short: &str, lines: &[&str]) -> String {
    let mut text = String::from("<?xml version=\"1.0\"?>\n<updates>\n");
    for number in 0..25 {
        let mut references = String::new();
        for _ in 0..=random.below(2) {
            let id = format!("CVE-2024-{:04}", 1000 + random.below(12));
            references += &format!("<reference href=\"x\" id=\"{id}\" title=\"\" type=\"cve\"/>");
        }
        let mut packages = String::new();
        for package in 0..6 {
            let (line, epoch) = (random.of(lines), random.below(2) * (package % 2));
            let version = format!("{line}.{}", random.below(6));
            let arch = ["x86_64", "aarch64", "noarch"][random.below(3)];
            packages += &format!(
                "<package arch=\"{arch}\" epoch=\"{epoch}\" name=\"package{package}\" \
                 release=\"{}.amzn2\" version=\"{version}\"><filename>x</filename></package>",
                1 + random.below(9)
            );
        }
        text += &format!(
            "<update author=\"a\" from=\"a\" status=\"final\" type=\"security\" version=\"1.4\">\
             <id>ALAS2-2024-{number:03}</id><title>t</title><issued date=\"2024-01-11 21:05\"/>\
             <updated date=\"2024-01-16 01:28\"/><severity>important</severity><description>d</description>\
             <references>{references}</references><pkglist><collection short=\"{short}\"><name>n</name>\
             {packages}</collection></pkglist></update>\n"
        );
    }
    text + "</updates>\n"
}

#[test]
fn generated_updates_of_the_system_and_its_extras() {
    let random = &mut Random(21);
    let documents = [
        generated(random, "amazon-linux-2", &["4.14", "10", "13"]),
        generated(random, "amazon-linux-2---kernel-5.15", &["5.15", "1.2"]),
        generated(random, "amazon-linux-2---kernel-5.4", &["5.4"]),
        generated(random, "amazon-linux-2---postgresql14", &["14", "2.1"]),
        generated(random, "amazon-linux-2---docker", &["20.10", "25.0"]),
    ];
    let (_folder, knowledge) =
        database_of("amazon", documents.iter().map(|text| ("updateinfo.xml", text.as_bytes())));
    let mut said = Vec::new();
    documents.iter().for_each(|text| updateinfo(text, &mut said));
    let states = check("amazon, generated", &knowledge, &said, 300, expected);
    let both = [(AdvisoryState::NotAffected, true), (AdvisoryState::Affected, true)];
    assert_eq!(states, both.into());
}
