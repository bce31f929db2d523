//! AlmaLinux and Rocky Linux: OSV, updateinfo, and each one's own errata.

use crate::common::{Files, Random, all, database_of, shared};
use crate::kin::expected;
use crate::plain::{Said, attribute, between, check, plain_epoch, version_of};
use imagescan_model::AdvisoryState::{Affected, NotAffected};
use serde_json::{Value, json};

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The CVEs it is related to, or refers to; an advisory on security without any is told by its own id.
fn ids(document: &Value) -> Vec<String> {
    let own = text(&document["id"]);
    let related: Vec<String> = list(&document["related"]).iter().map(|id| text(id).into()).collect();
    let pages =
        list(&document["references"]).iter().filter_map(|page| text(&page["url"]).split("/CVE-").nth(1));
    let referred: Vec<String> = pages.map(|id| format!("CVE-{}", id.trim_end_matches(".html"))).collect();
    match (related.is_empty(), referred.is_empty()) {
        (false, _) => related,
        (true, false) => referred,
        (true, true) if own.contains("SA-") => vec![own.into()],
        (true, true) => Vec::new(),
    }
}

fn osv(document: &Value, said: &mut Vec<Said>) {
    let own = text(&document["id"]);
    // Of special interest groups.
    if own.starts_with("RX") {
        return;
    }
    for affected in list(&document["affected"]) {
        let (vendor, version) = text(&affected["package"]["ecosystem"]).split_once(':').unwrap();
        let distribution = if vendor == "AlmaLinux" { "almalinux" } else { "rocky" };
        for id in ids(document) {
            said.push(Said {
                release: format!("{distribution}:{version}"),
                package: text(&affected["package"]["name"]).into(),
                id,
                fix: Some(plain_epoch(text(&affected["ranges"][0]["events"][1]["fixed"]))),
                advisory: own.into(),
                ..Said::default()
            });
        }
    }
}

fn updateinfo(document: &str, distribution: &str, said: &mut Vec<Said>) {
    for update in between(document, "<update ", "</update>") {
        let own = between(update, "<id>", "</id>").next().unwrap();
        let short = attribute(between(update, "<collection", ">").next().unwrap(), "short");
        let major = short.split("linux-").nth(1).unwrap().split('-').next().unwrap();
        for tag in between(update, "<package", ">").filter(|tag| attribute(tag, "arch") != "src") {
            for id in between(update, "<reference ", ">").filter(|tag| attribute(tag, "type") == "cve") {
                said.push(Said {
                    release: format!("{distribution}:{major}"),
                    package: attribute(tag, "name").into(),
                    id: attribute(id, " id").into(),
                    fix: Some(version_of(tag)),
                    architectures: [attribute(tag, "arch").into()].into(),
                    advisory: own.into(),
                    ..Said::default()
                });
            }
        }
    }
}

/// `errata.full.json`: with modules and architectures.
fn errata(document: &Value, said: &mut Vec<Said>) {
    for erratum in list(&document["data"]) {
        for package in list(&erratum["packages"]).iter().filter(|package| package["arch"] != "src") {
            let part = |name: &str| text(&package[name]);
            let fix = format!("{}:{}-{}", part("epoch"), part("version"), part("release"));
            let module: Vec<&str> = part("module").split(':').take(2).collect();
            for id in list(&erratum["references"]).iter().filter(|reference| reference["type"] == "cve") {
                said.push(Said {
                    release: "almalinux:8".into(),
                    package: part("name").into(),
                    id: text(&id["id"]).into(),
                    fix: Some(plain_epoch(&fix)),
                    architectures: [part("arch").into()].into(),
                    module: module.join(":"),
                    advisory: text(&erratum["id"]).into(),
                    ..Said::default()
                });
            }
        }
    }
}

/// A page of Apollo: with modules and architectures.
fn apollo(document: &Value, said: &mut Vec<Said>) {
    for advisory in list(&document["advisories"]) {
        for package in list(&advisory["packages"]) {
            let nevra = text(&package["nevra"]).trim_end_matches(".rpm");
            let (nevr, architecture) = nevra.rsplit_once('.').unwrap();
            let parts: Vec<&str> = nevr.rsplitn(3, '-').collect();
            let module = match (text(&package["module_name"]), text(&package["module_stream"])) {
                ("", _) => String::new(),
                (name, stream) => format!("{name}:{stream}"),
            };
            let major = text(&package["product_name"]).split([' ', '.']).nth(2).unwrap();
            for cve in list(&advisory["cves"]).iter().filter(|_| architecture != "src") {
                said.push(Said {
                    release: format!("rocky:{major}"),
                    package: parts[2].into(),
                    id: text(&cve["cve"]).into(),
                    fix: Some(plain_epoch(&format!("{}-{}", parts[1], parts[0]))),
                    architectures: [architecture.into()].into(),
                    module: module.clone(),
                    advisory: text(&advisory["name"]).into(),
                    ..Said::default()
                });
            }
        }
    }
}

fn said(files: &Files, distribution: &str) -> Vec<Said> {
    let mut said = Vec::new();
    for bytes in files.values() {
        let text = std::str::from_utf8(bytes).unwrap();
        if text.starts_with('<') {
            updateinfo(text, distribution, &mut said);
            continue;
        }
        let document: Value = serde_json::from_str(text).unwrap();
        if document["data"].is_array() {
            errata(&document, &mut said);
        } else if document["advisories"].is_array() {
            apollo(&document, &mut said);
        } else {
            osv(&document, &mut said);
        }
    }
    said
}

fn real(archive: &str, distribution: &str, label: &str, wanted: impl Fn(&str) -> bool) {
    let files = shared(archive, wanted);
    if !files.is_empty() {
        let (_folder, knowledge) = database_of(distribution, all(&files));
        check(label, &knowledge, &said(&files, distribution), 300, expected);
    }
}

#[test]
fn real_advisories_of_almalinux_are_judged_as_osv_says() {
    real("alma.tar.zst", "almalinux", "almalinux, real OSV", |path| path.contains("/advisories/"));
}

#[test]
fn real_errata_of_almalinux_are_judged_as_they_say() {
    let wanted = |path: &str| path.contains("errata.full.json") || path.contains("-updateinfo.xml");
    real("alma.tar.zst", "almalinux", "almalinux, real errata", wanted);
}

#[test]
fn real_errata_of_rocky_are_judged_as_they_say() {
    let wanted = |path: &str| {
        path.contains("/osv/") || path.contains("errata/happy/page") || path.contains("-updateinfo.xml")
    };
    real("rocky.tar.zst", "rocky", "rocky, real", wanted);
}

/// A release that is plain, of a minor, or of a module's build.
fn release(random: &mut Random, major: &str, module: bool) -> String {
    let (number, build) = (1 + random.below(9), 100 + random.below(50));
    match (module, random.below(3)) {
        (true, _) => format!("{number}.module_el{major}.{}.0+{build}+0a1b2c3d", random.below(9)),
        (_, 0) => format!("{number}.el{major}"),
        (_, 1) => format!("{number}.el{major}_{}", 3 + random.below(3)),
        _ => format!("{number}.el{major}_{}.{}", 3 + random.below(3), random.below(4)),
    }
}

/// OSV documents: minors side by side, module streams that nothing tells, several builds of one advisory.
fn generated_osv(random: &mut Random) -> Files {
    let mut files = Files::new();
    for number in 0..60 {
        let module = random.below(2) == 0;
        let stream = if module { ["12.2", "14.1", "2.6", "2.7"] } else { ["3.9", "3.9", "3.9", "3.10"] };
        let line = stream[random.below(4)];
        let affected: Vec<Value> = (0..=random.below(6))
            .map(|_| {
                let version = format!("{line}.{}-{}", random.below(3), release(random, "8", module));
                let epoch = if random.below(8) == 0 { "1:" } else { "" };
                json!({"package": {"ecosystem": "AlmaLinux:8", "name": format!("package{}", random.below(4))},
                    "ranges": [{"type": "ECOSYSTEM",
                        "events": [{"introduced": "0"}, {"fixed": format!("{epoch}{version}")}]}]})
            })
            .collect();
        let related: Vec<String> =
            (0..random.below(3)).map(|_| format!("CVE-2024-{:04}", 1000 + random.below(8))).collect();
        let kind = ["ALSA", "ALSA", "ALBA"][random.below(3)];
        let id = format!("{kind}-2024:{:04}", 1000 + number);
        let document = json!({"id": id, "summary": "Important: a security update", "affected": affected,
            "related": related, "published": "2024-01-02T00:00:00Z", "modified": "2024-01-04T07:42:29Z",
            "references": []});
        files.insert(format!("{id}.json"), document.to_string().into_bytes());
    }
    files
}

/// Pages of Apollo: the same with streams and architectures.
fn generated_apollo(random: &mut Random) -> Value {
    let mut advisories = Vec::new();
    for number in 0..60 {
        let streams = ["", "", "nodejs:14", "nodejs:16", "ruby:2.7", "container-tools:rhel8"];
        let stream = streams[random.below(6)];
        let line = stream.split_once(':').map_or("3.9", |(_, stream)| stream).replace("rhel8", "4.1");
        let packages: Vec<Value> = (0..=random.below(5))
            .map(|_| {
                let release = release(random, "9", !stream.is_empty()).replace("module_", "module+");
                let arch = ["x86_64", "aarch64", "noarch", "src"][random.below(4)];
                let (package, last) = (random.below(4), random.below(3));
                let (name, version) =
                    stream.split_once(':').map_or((None, None), |(a, b)| (Some(a), Some(b)));
                json!({"nevra": format!("package{package}-0:{line}.{last}-{release}.{arch}.rpm"),
                    "module_name": name, "module_stream": version, "repo_name": "AppStream",
                    "product_name": format!("Rocky Linux 9 {}", arch.replace("noarch", "x86_64"))})
            })
            .collect();
        let cves: Vec<Value> = (0..=random.below(2))
            .map(|_| json!({"cve": format!("CVE-2024-{:04}", 1000 + random.below(8))}))
            .collect();
        advisories.push(
            json!({"name": format!("RLSA-2024:{:04}", 1000 + number), "synopsis": "Important: a",
            "severity": "Important", "kind": "Security", "published_at": "2024-01-02T00:00:00Z",
            "cves": cves, "packages": packages}),
        );
    }
    json!({"advisories": advisories, "total": 60, "page": 1, "size": 60})
}

#[test]
fn generated_advisories_of_almalinux() {
    let files = generated_osv(&mut Random(71));
    let (_folder, knowledge) = database_of("almalinux", all(&files));
    let states = check("almalinux, generated", &knowledge, &said(&files, "almalinux"), 400, expected);
    assert!(states.is_superset(&[(NotAffected, true), (Affected, true)].into()));
}

#[test]
fn generated_advisories_of_rocky() {
    let text = generated_apollo(&mut Random(72)).to_string();
    let files: Files = [("page.json".into(), text.into_bytes())].into();
    let (_folder, knowledge) = database_of("rocky", all(&files));
    let states = check("rocky, generated", &knowledge, &said(&files, "rocky"), 400, expected);
    assert!(states.is_superset(&[(NotAffected, true), (Affected, true)].into()));
}
