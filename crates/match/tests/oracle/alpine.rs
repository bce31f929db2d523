//! Alpine: secdb.

use crate::common::{Random, database, ours_of_source, shared};
use imagescan_model::{AdvisoryState, PackageType};
use serde_json::Value;
use std::collections::BTreeMap;

/// The CVEs of an entry, wherever they stand in it: a year and a number behind `CVE` and one more character.
fn cves(text: &str) -> Vec<String> {
    let number = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    let mut found = Vec::new();
    for (start, _) in text.match_indices("CVE") {
        let Some(rest) = text.get(start + 4..) else { continue };
        let year = number(rest);
        let digits = rest.get(year.len() + 1..).map(number).unwrap_or_default();
        if year.len() == 4 && !digits.is_empty() {
            found.push(format!("CVE-{year}-{digits}"));
        }
    }
    found
}

/// Order of the versions that secdb has, slowly: each is cut into parts, each part made a text or a number that
/// sorts as it should (wiki.alpinelinux.org, APKBUILD Reference, pkgver).
fn apk_order(a: &str, b: &str) -> std::cmp::Ordering {
    apk_parts(a).cmp(&apk_parts(b))
}

/// Numbers, letter, suffixes, revision. After the last suffix stands what sorts between `_rc` and `_cvs`. `None`
/// for the few versions that no rule gives an order, such as `4.10-1-r1`.
#[expect(clippy::type_complexity, reason = "parts in the order in which they count")]
fn apk_parts(version: &str) -> Option<(Vec<u64>, String, Vec<(usize, u64)>, u64)> {
    const SUFFIXES: [&str; 10] = ["alpha", "beta", "pre", "rc", "", "cvs", "svn", "git", "hg", "p"];
    let (version, revision) = version.rsplit_once("-r").unwrap_or((version, "0"));
    let mut parts = version.split('_');
    let plain = parts.next()?;
    let numbers = plain.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let mut suffixes: Vec<(usize, u64)> = parts
        .map(|part| {
            let name = part.trim_end_matches(|c: char| c.is_ascii_digit());
            let rank = SUFFIXES.iter().position(|suffix| *suffix == name)?;
            Some((rank, part[name.len()..].parse().unwrap_or(0)))
        })
        .collect::<Option<_>>()?;
    suffixes.push((4, 0));
    let letter = plain[numbers.len()..].into();
    let numbers = numbers.split('.').map(|number| number.parse().ok()).collect::<Option<_>>()?;
    Some((numbers, letter, suffixes, revision.parse().ok()?))
}

#[test]
fn real_alpine_branches_are_judged_as_secdb_says() {
    let files = shared("alpine.tar.zst", |path| path.contains("secdb-json/") && path.ends_with(".json"));
    if files.is_empty() {
        return;
    }
    let documents: Vec<&[u8]> = files.values().map(Vec::as_slice).collect();
    let (_folder, knowledge) = database("alpine", &documents);
    // (branch, package, id) → versions.
    let mut fixes: BTreeMap<(String, String), BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for bytes in files.values() {
        let document: Value = serde_json::from_slice(bytes).unwrap();
        let branch = document["distroversion"].as_str().unwrap().trim_start_matches('v').to_string();
        for package in document["packages"].as_array().unwrap() {
            let name = package["pkg"]["name"].as_str().unwrap().to_string();
            let of_package = fixes.entry((branch.clone(), name)).or_default();
            for (version, ids) in package["pkg"]["secfixes"].as_object().into_iter().flatten() {
                let texts = ids.as_array().into_iter().flatten().filter_map(Value::as_str);
                for cve in texts.flat_map(cves) {
                    of_package.entry(cve).or_default().push(version.clone());
                }
            }
        }
    }
    let several = ["CVE-2017-5753", "CVE-2017-5715", "CVE-2017-5754"];
    assert!(several.iter().all(|id| fixes[&("3.7".into(), "xen".into())].contains_key(*id)));
    let random = &mut Random(11);
    let ordered = |version: &String| apk_parts(version).is_some();
    let sound = |(_, ids): &(_, &BTreeMap<String, Vec<String>>)| ids.values().flatten().all(ordered);
    let keys: Vec<&(String, String)> = fixes.iter().filter(sound).map(|(key, _)| key).collect();
    assert!(keys.len() + 30 > fixes.len(), "{} of {} are sound", keys.len(), fixes.len());
    let mut compared = 0;
    for _ in 0..300 {
        let key = keys[random.below(keys.len())];
        let ids = &fixes[key];
        let versions: Vec<String> =
            ids.values().flatten().filter(|version| *version != "0").cloned().collect();
        let installed = if versions.is_empty() { "1.0-r0" } else { random.of(&versions) };
        let ours = ours_of_source(
            &knowledge,
            "alpine",
            &format!("{}.1", key.0),
            PackageType::Apk,
            &key.1,
            installed,
        );
        for (id, versions) in ids {
            let highest = versions.iter().max_by(|a, b| apk_order(a, b)).unwrap();
            let expected =
                if versions.iter().any(|version| version == "0") || apk_order(installed, highest).is_ge() {
                    AdvisoryState::NotAffected
                } else {
                    AdvisoryState::Affected
                };
            assert_eq!(ours.get(id).map(|verdict| verdict.0), Some(expected), "{key:?} {id} {installed}");
            compared += 1;
        }
    }
    assert!(compared > 300, "{compared} verdicts");
}
