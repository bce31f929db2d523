//! Oracle Linux: OVAL of errata.

use crate::common::{Random, Verdicts, all, database_of, shared};
use crate::kin::of_id;
use crate::plain::{Asked, Said, attribute, between, by_id, check, plain_epoch};
use imagescan_model::AdvisoryState::{Affected, NotAffected};
use std::fmt::Write;

fn flavour(version: &str) -> &'static str {
    ["ksplice", "_fips"].into_iter().find(|mark| version.contains(mark)).unwrap_or_default()
}

/// Group by group: what a group says of system, architecture and module holds for what is in it.
fn oval(text: &str, said: &mut Vec<Said>) {
    for definition in between(text, "<definition ", "</definition>") {
        let mut ids: Vec<&str> =
            between(definition, "source=\"CVE\"", "/>").map(|tag| attribute(tag, "ref_id")).collect();
        if ids.is_empty() {
            ids.extend(between(definition, "source=\"elsa\"", "/>").map(|tag| attribute(tag, "ref_id")));
        }
        let own = between(definition, "source=\"elsa\" ref_id=\"", "\"").next().unwrap();
        // System, architecture, module.
        let mut groups: Vec<[&str; 3]> = vec![[""; 3]; 2];
        for piece in definition.split_once("<criteria").unwrap().1.split('<') {
            let last = *groups.last().unwrap();
            if piece.starts_with("criteria") {
                groups.push(last);
            } else if piece.starts_with("/criteria") {
                groups.pop();
            }
            let comment = attribute(piece, "comment");
            let group = groups.last_mut().unwrap();
            if let Some(architecture) = comment.strip_prefix("Oracle Linux arch is ") {
                group[1] = architecture;
            } else if let Some(rest) = comment.strip_prefix("Oracle Linux ") {
                group[0] = rest.trim_end_matches(" is installed");
            } else if let Some(rest) = comment.strip_prefix("Module ") {
                group[2] = rest.trim_end_matches(" is enabled");
            }
            let Some((package, fix)) = comment.split_once(" is earlier than ") else { continue };
            for id in &ids {
                said.push(Said {
                    release: format!("ol:{}", group[0]),
                    package: package.into(),
                    id: (*id).into(),
                    fix: Some(plain_epoch(fix)),
                    architectures: [group[1]]
                        .map(String::from)
                        .into_iter()
                        .filter(|name| !name.is_empty())
                        .collect(),
                    module: group[2].into(),
                    stream: flavour(fix).into(),
                    advisory: own.into(),
                    ..Said::default()
                });
            }
        }
    }
}

/// The architecture is the system's: packages for 32 bits run on both.
fn runs_on(asked: &Asked, said: &Said) -> bool {
    let is_small = asked.architecture.starts_with('i') && asked.architecture.ends_with("86");
    let mut systems = said.architectures.iter();
    asked.is_among(&said.architectures)
        || is_small && systems.any(|system| system == "x86_64" || system == "i386")
}

/// Of several errata the highest fix of the architecture, the flavour, the module and the minor.
fn expected(asked: &Asked, said: &[&Said]) -> Verdicts {
    let of_flavour = |said: &&&Said| said.stream == flavour(&asked.version) && runs_on(asked, said);
    by_id(&said.iter().filter(of_flavour).copied().collect::<Vec<_>>(), |said| of_id(asked, said))
}

#[test]
fn real_errata_are_judged_as_oval_says() {
    let wanted = |path: &str| path.contains("com.oracle.elsa-all") || path.contains("/mock_");
    let files = shared("oracle.tar.zst", wanted);
    if files.is_empty() {
        return;
    }
    let (_folder, knowledge) = database_of("oracle", all(&files));
    let mut said = Vec::new();
    files.values().for_each(|bytes| oval(std::str::from_utf8(bytes).unwrap(), &mut said));
    check("oracle, real", &knowledge, &said, 300, expected);
}

/// Errata with respins for architectures, the three flavours, minors and modules.
fn generated(random: &mut Random) -> String {
    let mut definitions = String::new();
    for number in 0..50 {
        let kind = random.below(6);
        let module = ["nodejs:14", "nodejs:16", "virt:kvm_utils"][random.below(3)];
        let mut parts = String::new();
        for arch in ["x86_64", "aarch64", "i386"] {
            let mut packages = String::new();
            for _ in 0..=random.below(3) {
                let (package, respin) = (random.below(3), random.below(4));
                let line = if kind == 5 { ["14.2", "16.1"][random.below(2)] } else { "2.17" };
                let release = match kind {
                    0 => format!("{}.ksplice1.el8", 3 + random.below(3)),
                    1 => format!("{}.el8_fips", 3 + random.below(3)),
                    2 => format!("{}.0.{respin}.el8", 3 + random.below(3)),
                    5 => format!("{}.module+el8.7.0+2103{respin}+8ee66348", 1 + random.below(3)),
                    _ => format!("{}.el8_{}", 3 + random.below(3), 6 + random.below(2)),
                };
                let epoch = [2, 10, 0][kind.min(2)];
                write!(packages, "<criteria operator=\"AND\"><criterion test_ref=\"t\" comment=\"package{package} is earlier than {epoch}:{line}-{release}\"/><criterion test_ref=\"t\" comment=\"package{package} is signed with the Oracle Linux 8 key\"/></criteria>").unwrap();
            }
            let packages = format!("<criteria operator=\"OR\">{packages}</criteria>");
            let enabled = match kind {
                5 => format!(
                    "<criteria operator=\"AND\"><criterion test_ref=\"t\" comment=\"Module {module} is enabled\"/>{packages}</criteria>"
                ),
                _ => packages,
            };
            write!(parts, "<criteria operator=\"AND\"><criterion test_ref=\"t\" comment=\"Oracle Linux arch is {arch}\"/>{enabled}</criteria>").unwrap();
        }
        let elsa = format!("ELSA-2024-{}", 1000 + number);
        let cves: Vec<String> =
            (0..random.below(3)).map(|_| format!("CVE-2024-{}", 1000 + random.below(6))).collect();
        let references: String = cves
            .iter()
            .map(|id| format!("<reference source=\"CVE\" ref_id=\"{id}\" ref_url=\"x\"/>"))
            .collect();
        let details: String =
            cves.iter().map(|id| format!("<cve href=\"x\" public=\"20240101\">{id}</cve>")).collect();
        write!(definitions, "<definition id=\"oval:com.oracle.elsa:def:{number}\" version=\"501\" class=\"patch\"><metadata><title>{elsa}: a</title><affected family=\"unix\"><platform>Oracle Linux 8</platform></affected><reference source=\"elsa\" ref_id=\"{elsa}\" ref_url=\"x\"/>{references}<description>d</description><advisory><severity>IMPORTANT</severity><rights>r</rights><issued date=\"2024-01-02\"/>{details}</advisory></metadata><criteria operator=\"AND\"><criterion test_ref=\"t\" comment=\"Oracle Linux 8 is installed\"/><criteria operator=\"OR\">{parts}</criteria></criteria></definition>").unwrap();
    }
    format!(
        "<oval_definitions xmlns=\"http://oval.mitre.org/XMLSchema/oval-definitions-5\"><definitions>\
         {definitions}</definitions></oval_definitions>"
    )
}

#[test]
fn generated_errata_of_three_flavours() {
    let text = generated(&mut Random(81));
    let (_folder, knowledge) = database_of("oracle", [("com.oracle.elsa-all.xml", text.as_bytes())]);
    let mut said = Vec::new();
    oval(&text, &mut said);
    let states = check("oracle, generated", &knowledge, &said, 400, expected);
    assert_eq!(states, [(NotAffected, true), (Affected, true)].into());
}
