//! Alpine's secdb: which version of a source package fixed which ids, a file for each branch and repository
//! (secdb.alpinelinux.org).
//!
//! It knows fixed issues only: silence does not mean 'not affected'. The version `0` marks what was found not to
//! affect the package. Of two versions for one id the higher is the full fix; both are kept.
//!
//! Wolfi and Chainguard publish the same without a branch: they roll. Their documents are told apart by where
//! their packages are; CVEs stand beside GHSAs of the same thing, and which belong together is not told.

use crate::document::Document;
use crate::entries::Entries;
use crate::error::FeedError;
use crate::reader::{Out, Parser};
use imagescan_model::{AdvisoryRecord, AdvisoryState, CoveredState, MatchedBy, PackageType, Release};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize)]
struct Branch {
    #[serde(default)]
    distroversion: Option<String>,
    reponame: String,
    #[serde(default)]
    urlprefix: Option<String>,
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    pkg: Described,
}

#[derive(Deserialize)]
struct Described {
    name: String,
    /// `null` where a version fixed nothing, and for packages without fixes.
    #[serde(default)]
    secfixes: Option<Entries<String, Option<Ids>>>,
}

/// Ids that a version fixed; an empty text stands for none in old branches.
#[derive(Deserialize)]
#[serde(untagged)]
enum Ids {
    Many(Vec<String>),
    One(String),
}

impl Ids {
    fn into_list(self) -> Vec<String> {
        match self {
            Self::Many(ids) => ids,
            Self::One(id) => vec![id],
        }
    }
}

/// secdb documents of any branches.
pub(crate) struct Secdb {
    feed: String,
    repositories: BTreeMap<Release, BTreeSet<String>>,
}

impl Secdb {
    pub(crate) fn new(feed: &str) -> Self {
        Self { feed: feed.into(), repositories: BTreeMap::new() }
    }
}

impl Parser for Secdb {
    fn read(&mut self, document: &mut Document<'_>, out: &mut Out<'_>) -> Result<(), FeedError> {
        if document.first()? != Some(b'{') {
            return Err(document.unrecognised(&self.feed, "secdb JSON such as main.json"));
        }
        let Branch { distroversion, reponame, urlprefix, packages } = document.json("secdb document")?;
        let release = match distroversion {
            Some(branch) => {
                let release = format!("alpine:{}", branch.strip_prefix('v').unwrap_or(&branch)).parse();
                release.map_err(|_| document.value("unknown distroversion", branch))?
            }
            None => {
                let place = urlprefix.unwrap_or_default();
                rolling(&place).ok_or_else(|| document.value("neither a branch nor a known place:", place))?
            }
        };
        self.repositories.entry(release.clone()).or_default().insert(reponame);
        for Package { pkg } in packages {
            for (version, ids) in pkg.secfixes.map(|fixes| fixes.0).unwrap_or_default() {
                for entry in ids.map(Ids::into_list).unwrap_or_default() {
                    for (id, aliases) in ids_of(&entry) {
                        out.advisory(record(&release, &pkg.name, &version, id, aliases));
                    }
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Out<'_>) -> Result<(), FeedError> {
        for (release, repositories) in std::mem::take(&mut self.repositories) {
            let states = [CoveredState::NotAffected, CoveredState::Fixed];
            let covered = out.covers(&release, &PackageType::Apk, states);
            let published = published(&release).iter().map(|name| String::from(*name));
            covered.missing = published.filter(|name| !repositories.contains(name)).collect();
            covered.repositories = repositories;
        }
        Ok(())
    }
}

/// The distribution whose packages are at `place`, and which has no branches.
fn rolling(place: &str) -> Option<Release> {
    let host = place.strip_prefix("https://")?.split('/').next()?;
    Some(match host {
        "packages.wolfi.dev" => Release::new("wolfi", ""),
        "packages.cgr.dev" => Release::new("chainguard", ""),
        _ => return None,
    })
}

/// The repositories of a branch that secdb has a document of: `community` began with 3.3.
fn published(release: &Release) -> &'static [&'static str] {
    if release.distribution != "alpine" {
        return &[];
    }
    let number = |part: Option<&str>| part.and_then(|part| part.parse::<u32>().ok());
    let mut parts = release.version.split('.');
    match (number(parts.next()), number(parts.next())) {
        (Some(major), Some(minor)) if (major, minor) < (3, 3) => &["main"],
        _ => &["community", "main"],
    }
}

/// The ids of an entry, each with its other names. `CVE-2019-9210 GHSA-…` is one thing with two names,
/// `CVE-2018-3620 CVE-2018-3646 XSA-273` two things with a third name in common; the rest is remarks, as in
/// `CVE-2017-2616 (+ regression fix)`. An entry without any id is its own: what was fixed is not lost.
fn ids_of(entry: &str) -> Vec<(String, Vec<String>)> {
    let corrected = entry.replace("CVE_", "CVE-").replace("CVE 1", "CVE-1").replace("CVE 2", "CVE-2");
    let words = corrected.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let words: Vec<&str> = words.map(|word| word.trim_matches('-')).collect();
    let mut cves: Vec<String> = words.iter().filter_map(|word| cve(word)).collect();
    cves.sort();
    cves.dedup();
    let mut others: Vec<String> =
        words.iter().filter(|word| is_other_id(word)).map(|word| (*word).into()).collect();
    others.sort_by_key(|id| (!id.starts_with("GHSA-"), id.clone()));
    others.dedup();
    if cves.is_empty() {
        if others.is_empty() {
            others.extend(Some(entry.trim().to_string()).filter(|entry| !entry.is_empty()));
        }
        cves = others.drain(..others.len().min(1)).collect();
    }
    others.sort();
    cves.into_iter().map(|id| (id, others.clone())).collect()
}

/// `CVE-2017-17434` of `CVE-2017-17434-2`: year and number, without what was put behind them.
fn cve(word: &str) -> Option<String> {
    let mut parts = word.strip_prefix("CVE-")?.split('-');
    let (year, number) = (parts.next()?, parts.next()?);
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (year.len() == 4 && digits(year) && digits(number)).then(|| format!("CVE-{year}-{number}"))
}

/// `XSA-248`, `GHSA-…`, `wnpa-sec-2017-18`.
fn is_other_id(word: &str) -> bool {
    let named = word.starts_with(|first: char| first.is_ascii_alphabetic()) && word.contains('-');
    let numbered = word.starts_with("GHSA-") || word.contains(|c: char| c.is_ascii_digit());
    named && numbered && cve(word).is_none()
}

fn record(
    release: &Release,
    package: &str,
    version: &str,
    id: String,
    aliases: Vec<String>,
) -> AdvisoryRecord {
    let (state, fixed_version) = match version {
        "0" => (AdvisoryState::NotAffected, None),
        version => (AdvisoryState::Affected, Some(version.into())),
    };
    AdvisoryRecord {
        aliases,
        state,
        fixed_version,
        ..AdvisoryRecord::new(release.clone(), PackageType::Apk, MatchedBy::Source, package, id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::Input;
    use crate::testing::parse;
    use imagescan_model::{Extent, FeedCoverage};

    fn read(text: &str) -> Result<(Vec<AdvisoryRecord>, Vec<FeedCoverage>), FeedError> {
        parse("alpine", &[Input { name: "main.json", bytes: text.as_bytes() }])
    }

    #[test]
    fn fixes_are_records_and_zero_is_not_affected() {
        let (records, coverage) = read(
            r#"{"distroversion": "v3.11", "reponame": "main", "packages": [{"pkg": {"name": "openssl", "secfixes": {
                "1.1.1d-r3": ["CVE-2019-1551"], "0": ["CVE-2019-0001"], "1.1.1e-r0": null}}},
                {"pkg": {"name": "none", "secfixes": null}}]}"#,
        )
        .unwrap();
        assert_eq!(coverage[0].release.to_string(), "alpine:3.11");
        assert_eq!(coverage[0].extent(), Extent::FixesOnly);
        let states: Vec<_> =
            records.iter().map(|record| (record.state, record.fixed_version.as_deref())).collect();
        assert_eq!(
            states,
            [(AdvisoryState::Affected, Some("1.1.1d-r3")), (AdvisoryState::NotAffected, None)]
        );
    }

    #[test]
    fn entries_hold_several_names_and_remarks() {
        for (entry, expected) in [
            ("CVE-2017-2616 (+ regression fix)", "CVE-2017-2616"),
            ("GHSA-aaaa CVE-2019-9210", "CVE-2019-9210 = GHSA-aaaa"),
            ("CVE_2019-2426", "CVE-2019-2426"),
            ("CVE 2018-16859", "CVE-2018-16859"),
            ("CVE-2017-17434-2", "CVE-2017-17434"),
            ("CVE-2017-8073.patch", "CVE-2017-8073"),
            ("CVE-2018-3620 CVE-2018-3646  XSA-273", "CVE-2018-3620 = XSA-273; CVE-2018-3646 = XSA-273"),
            ("CVE-????-?????  XSA-284", "XSA-284"),
            ("ZBX-1 GHSA-bbbb", "GHSA-bbbb = ZBX-1"),
            ("CVE-2018-14879 (tcpdump -V)", "CVE-2018-14879"),
            ("wnpa-sec-2017-18", "wnpa-sec-2017-18"),
            ("no number yet", "no number yet"),
            (" ", ""),
        ] {
            let said = |(id, aliases): (String, Vec<String>)| [vec![id], aliases].concat().join(" = ");
            let found: Vec<String> = ids_of(entry).into_iter().map(said).collect();
            assert_eq!(found.join("; "), expected, "{entry}");
        }
    }

    #[test]
    fn a_version_that_stands_twice_is_read_twice() {
        let (records, _) = read(
            r#"{"distroversion": "edge", "reponame": "main", "packages": [{"pkg": {"name": "a", "secfixes": {
                "1-r0": ["CVE-2019-1551"], "1-r0": ["CVE-2019-1552"]}}}]}"#,
        )
        .unwrap();
        assert_eq!(records.len(), 2);
        assert_eq!(records[0].release.to_string(), "alpine:edge");
    }

    #[test]
    fn coverage_names_the_repositories_of_a_branch_that_were_not_read() {
        let of = |documents: &[(&str, &str)]| {
            let text = |(branch, name): &(&str, &str)| {
                format!(r#"{{"distroversion": "{branch}", "reponame": "{name}", "packages": []}}"#)
            };
            let texts: Vec<String> = documents.iter().map(text).collect();
            let inputs: Vec<Input<'_>> =
                texts.iter().map(|text| Input { name: "x", bytes: text.as_bytes() }).collect();
            let names = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>().join("+");
            let line = |covered: FeedCoverage| {
                format!("{}: {} -{}", covered.release, names(covered.repositories), names(covered.missing))
            };
            parse("alpine", &inputs).unwrap().1.into_iter().map(line).collect::<Vec<_>>()
        };
        assert_eq!(of(&[("v3.11", "main")]), ["alpine:3.11: main -community"]);
        assert_eq!(of(&[("v3.11", "community"), ("v3.11", "main")]), ["alpine:3.11: community+main -"]);
        assert_eq!(
            of(&[("v3.2", "main"), ("edge", "community")]),
            ["alpine:3.2: main -", "alpine:edge: community -main"]
        );
    }

    #[test]
    fn what_rolls_is_told_by_where_its_packages_are() {
        let (records, summary) = crate::testing::read_samples("wolfi");
        assert_eq!(
            records.iter().map(crate::testing::line).collect::<Vec<_>>(),
            [
                "chainguard curl CVE-2023-38545 affected <8.4.0-r0",
                "wolfi curl CVE-2020-19909 notaffected",
                "wolfi curl CVE-2023-38545 affected <8.4.0-r0",
                "wolfi curl CVE-2023-38546 affected <8.4.0-r0",
            ]
        );
        let line = |covered: &FeedCoverage| format!("{}: {:?}", covered.release, covered.missing);
        assert_eq!(summary.coverage.iter().map(line).collect::<Vec<_>>(), ["chainguard: {}", "wolfi: {}"]);
        let elsewhere = r#"{"urlprefix": "https://example.org", "reponame": "os", "packages": []}"#;
        assert!(read(elsewhere).is_err());
    }

    #[test]
    fn half_a_document_is_an_error() {
        for text in [
            "",
            "{",
            r#"{"reponame": "main", "packages": []}"#,
            r#"{"distroversion": "v3.11", "packages": []}"#,
            r#"{"distroversion": "v3.11", "reponame": "main"}"#,
            r#"{"distroversion": "x y", "reponame": "main", "packages": []}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
