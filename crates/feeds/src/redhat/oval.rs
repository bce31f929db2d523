//! OVAL version 2, which Red Hat published before VEX: a file for each product and release.
//!
//! Three kinds of definition. `patch`: an advisory, with the version that fixes each package, and the module that
//! must be enabled. `vulnerability`: what has no fix, as a state for each component, which is a source package.
//! `vulnerability` whose id has `unaffected`: binary packages that the CVE does not affect. All hold in the products
//! whose CPE is listed; one without a repository stands for all of its repositories.

use super::cpe;
use crate::csaf::{self, Common, Key, Rows};
use crate::document::Document;
use crate::error::FeedError;
use crate::oval_checks::{self, Bound, Checks, Id, MOST};
use crate::reader::{Out, title};
use crate::xml::{self, Element};
use imagescan_model::{AdvisoryReference, AdvisoryState, CoveredState, MatchedBy, PackageType, Severity};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// A definition, without its texts: files have tens of thousands, and what they refer to stands behind them.
struct Definition {
    /// CVEs; the advisory's own id where it names none.
    issues: Vec<Issue>,
    advisory: Option<AdvisoryReference>,
    issued: Option<Timestamp>,
    title: Option<String>,
    cpes: Vec<String>,
    claims: Claims,
}

struct Issue {
    id: String,
    severity: Severity,
    public: Option<Timestamp>,
}

enum Claims {
    /// A module that must be enabled, and the test that is false once the fix is installed.
    Fixes(Vec<(Option<String>, Id)>),
    /// Tests of packages that are not affected.
    NotAffected(Vec<Id>),
    /// States of source packages, with the module they are from.
    Unfixed(Vec<(AdvisoryState, Option<String>, String)>),
}

pub(super) fn read(feed: &str, document: &mut Document<'_>, out: &mut Out<'_>) -> Result<(), FeedError> {
    let place = Place { name: document.name().to_owned() };
    let (mut checks, mut definitions, mut is_ours) = (Checks::default(), Vec::new(), None);
    let names = [&["generator", "definition"][..], &oval_checks::ELEMENTS[..]].concat();
    xml::each(document, &names, |element| {
        match element.name.as_str() {
            "generator" => is_ours = is_ours.or(Some(true)),
            "definition" if !element.get("id").is_some_and(|id| id.starts_with("oval:com.redhat.")) => {
                is_ours = Some(false);
            }
            "definition" => definitions.push(place.definition(&element, &mut checks, out)?),
            _ => checks.add(&element),
        }
        Ok(())
    })?;
    if is_ours != Some(true) {
        return Err(document.unrecognised(feed, super::EXPECTED));
    }
    definitions.iter().try_for_each(|definition| give(feed, &place, definition, &checks, out))
}

/// The document, for errors.
struct Place {
    name: String,
}

impl Place {
    fn value(&self, why: &'static str, value: impl Into<String>) -> FeedError {
        FeedError::Value { name: self.name.clone(), why, value: value.into() }
    }

    fn definition(
        &self,
        definition: &Element,
        checks: &mut Checks,
        out: &mut Out<'_>,
    ) -> Result<Definition, FeedError> {
        let id = definition.get("id").unwrap_or_default();
        let metadata = definition.child("metadata").ok_or_else(|| self.value("no metadata in", id))?;
        let advisory = metadata.child("advisory").ok_or_else(|| self.value("no advisory in", id))?;
        let criteria = definition.child("criteria").ok_or_else(|| self.value("no criteria in", id))?;
        let issued = advisory.child("issued").and_then(|issued| issued.get("date"));
        let issued = issued.map(|date| self.day(date)).transpose()?;
        let announced = metadata.all("reference").find(|reference| reference.get("source") == Some("RHSA"));
        let announced = announced.and_then(|reference| {
            let url = reference.get("ref_url").map(String::from);
            Some(AdvisoryReference { id: reference.get("ref_id")?.into(), url, date: issued })
        });
        let claims = match (definition.get("class"), id.contains(".unaffected:")) {
            (Some("patch"), _) => {
                let mut fixes = Vec::new();
                self.fixes(criteria, None, checks, &mut fixes)?;
                Claims::Fixes(fixes)
            }
            (Some("vulnerability"), true) => {
                Claims::NotAffected(installed(criteria).map(|test| checks.id(test)).collect())
            }
            (Some("vulnerability"), false) => Claims::Unfixed(self.unfixed(advisory)?),
            (class, _) => return Err(self.value("unknown class of definition", class.unwrap_or_default())),
        };
        let cpes = advisory.child("affected_cpe_list").map(products).unwrap_or_default();
        if cpes.is_empty() {
            out.dropped("a definition without products");
        }
        let title = metadata.text_of("title").and_then(title);
        let issues = self.issues(advisory, announced.as_ref())?;
        Ok(Definition { issues, advisory: announced, issued, title, cpes, claims })
    }

    fn issues(
        &self,
        advisory: &Element,
        announced: Option<&AdvisoryReference>,
    ) -> Result<Vec<Issue>, FeedError> {
        let whole = self.severity(advisory.text_of("severity").unwrap_or_default())?;
        let mut issues = Vec::new();
        for cve in advisory.all("cve") {
            let own = cve.get("impact").map(|word| self.severity(word)).transpose()?;
            let public = cve.get("public").map(|date| self.day(date)).transpose()?;
            issues.push(Issue { id: cve.text.clone(), severity: own.unwrap_or(whole), public });
        }
        if let (Some(advisory), true) = (announced, issues.is_empty()) {
            issues.push(Issue { id: advisory.id.clone(), severity: whole, public: None });
        }
        Ok(issues)
    }

    fn severity(&self, word: &str) -> Result<Severity, FeedError> {
        csaf::level(word).ok_or_else(|| self.value("unknown severity", word))
    }

    /// `2022-05-27`, `20220520`, or `20221209:1000` with the time.
    fn day(&self, text: &str) -> Result<Timestamp, FeedError> {
        let (day, time) = text.split_once(':').unwrap_or((text, "0000"));
        let day = day.replace('-', "");
        let date = (|| {
            let (year, month, day) = (day.get(..4)?, day.get(4..6)?, day.get(6..)?);
            format!("{year}-{month}-{day}T{}:{}:00Z", time.get(..2)?, time.get(2..)?).parse().ok()
        })();
        date.ok_or_else(|| self.value("no date:", text))
    }

    /// Tests that compare versions, each with the module that is named beside it or above it.
    fn fixes(
        &self,
        criteria: &Element,
        module: Option<&str>,
        checks: &mut Checks,
        found: &mut Vec<(Option<String>, Id)>,
    ) -> Result<(), FeedError> {
        let comments = criteria.all("criterion").filter_map(|criterion| criterion.get("comment"));
        let mut enabled =
            comments.filter_map(|comment| comment.strip_prefix("Module ")?.strip_suffix(" is enabled"));
        let module = enabled.next().or(module);
        for criterion in criteria.all("criterion") {
            if criterion.get("comment").is_some_and(|comment| comment.contains(" is earlier than ")) {
                let test = criterion.get("test_ref").ok_or_else(|| self.value("no test in", "criterion"))?;
                found.push((module.map(String::from), checks.id(test)));
            }
        }
        criteria.all("criteria").try_for_each(|criteria| self.fixes(criteria, module, checks, found))
    }

    fn unfixed(&self, advisory: &Element) -> Result<Vec<(AdvisoryState, Option<String>, String)>, FeedError> {
        let mut found = Vec::new();
        for resolution in advisory.all("affected").flat_map(|affected| affected.all("resolution")) {
            let state = match resolution.get("state").unwrap_or_default() {
                "Affected" => AdvisoryState::Affected,
                "Fix deferred" => AdvisoryState::FixDeferred,
                "Will not fix" => AdvisoryState::WillNotFix,
                "Out of support scope" => AdvisoryState::EndOfLife,
                "Under investigation" => AdvisoryState::UnderInvestigation,
                word => return Err(self.value("unknown state of a component", word)),
            };
            for component in resolution.all("component") {
                // `ruby:2.5/ruby`: of a module.
                let (module, name) = match component.text.split_once('/') {
                    Some((module, name)) if module.contains(':') => (Some(module.into()), name),
                    _ => (None, component.text.as_str()),
                };
                found.push((state, module, name.into()));
            }
        }
        Ok(found)
    }
}

/// Tests of packages that are installed, at any depth.
fn installed(criteria: &Element) -> Box<dyn Iterator<Item = &str> + '_> {
    let is_package = |criterion: &&Element| {
        let comment = criterion.get("comment").unwrap_or_default();
        comment.strip_suffix(" is installed").is_some_and(|name| !name.contains(' '))
    };
    let own = criteria.all("criterion").filter(is_package).filter_map(|criterion| criterion.get("test_ref"));
    Box::new(own.chain(criteria.all("criteria").flat_map(installed)))
}

/// The CPEs of a list, without those of repositories of a release that is listed itself.
fn products(list: &Element) -> Vec<String> {
    let all: BTreeSet<&str> = list.all("cpe").map(|cpe| cpe.text.as_str()).collect();
    let is_release = |cpe: &str| all.contains(cpe) && cpe::release(cpe, None).is_some();
    let is_covered = |cpe: &&&str| cpe.split_once("::").is_some_and(|(whole, _)| is_release(whole));
    all.iter().filter(|cpe| !is_covered(cpe)).map(|cpe| String::from(*cpe)).collect()
}

/// A package with what is said of it.
struct Claim<'a> {
    matched_by: MatchedBy,
    package: &'a str,
    module: Option<&'a str>,
    state: AdvisoryState,
    fixed_version: Option<&'a str>,
    architectures: &'a [String],
}

fn claims<'a>(definition: &'a Definition, checks: &'a Checks, out: &mut Out<'_>) -> Vec<Claim<'a>> {
    let mut missing = 0;
    let claim = |matched_by, package, state| Claim {
        matched_by,
        package,
        module: None,
        state,
        fixed_version: None,
        architectures: &[],
    };
    let found = match &definition.claims {
        Claims::Fixes(fixes) => {
            let fix = |(module, test): &'a (Option<String>, Id)| {
                let check = checks.get(*test)?;
                let Some(Bound::Below(version)) = check.bound else { return None };
                Some(Claim {
                    module: module.as_deref(),
                    fixed_version: Some(version),
                    architectures: check.architectures,
                    ..claim(MatchedBy::Binary, check.package, AdvisoryState::Affected)
                })
            };
            fixes.iter().map(fix).collect::<Vec<_>>()
        }
        Claims::NotAffected(tests) => {
            let state = AdvisoryState::NotAffected;
            let one = |test: &Id| Some(claim(MatchedBy::Binary, checks.get(*test)?.package, state));
            tests.iter().map(one).collect()
        }
        Claims::Unfixed(components) => {
            let one = |(state, module, name): &'a (AdvisoryState, Option<String>, String)| {
                Some(Claim { module: module.as_deref(), ..claim(MatchedBy::Source, name, *state) })
            };
            components.iter().map(one).collect()
        }
    };
    let found =
        found.into_iter().inspect(|claim| missing += usize::from(claim.is_none())).flatten().collect();
    (0..missing).for_each(|_| out.dropped("a criterion whose test is not in the document"));
    found
}

fn give(
    feed: &str,
    place: &Place,
    definition: &Definition,
    checks: &Checks,
    out: &mut Out<'_>,
) -> Result<(), FeedError> {
    let states: &[CoveredState] = match definition.claims {
        Claims::Fixes(_) => &[CoveredState::Fixed],
        Claims::NotAffected(_) => &[CoveredState::NotAffected],
        Claims::Unfixed(_) => &[
            CoveredState::Unfixed,
            CoveredState::FixDeferred,
            CoveredState::WillNotFix,
            CoveredState::EndOfLife,
            CoveredState::UnderInvestigation,
        ],
    };
    let claims = claims(definition, checks, out);
    if claims.len().saturating_mul(definition.cpes.len()) > MOST {
        return Err(
            place.value("a definition of more packages and products than there are:", MOST.to_string())
        );
    }
    for issue in &definition.issues {
        let mut rows = Rows::default();
        for cpe in &definition.cpes {
            for claim in &claims {
                let Some(release) = cpe::release(cpe, claim.fixed_version) else {
                    out.dropped("a product that names no release of Red Hat Enterprise Linux");
                    continue;
                };
                let key = Key {
                    release,
                    matched_by: claim.matched_by,
                    package: claim.package.into(),
                    module: claim.module.map(String::from),
                    stream: Some(cpe.clone()),
                    state: claim.state,
                    fixed_version: claim.fixed_version.map(String::from),
                };
                let row = rows.add(key, claim.architectures);
                row.severity = issue.severity;
                row.announce(definition.advisory.clone(), definition.issued);
            }
        }
        for release in rows.releases() {
            out.covers(release, &PackageType::Rpm, states.iter().copied());
        }
        let title = definition.title.clone();
        rows.give(&Common { feed, id: &issue.id, title, disclosed: issue.public }, out);
    }
    Ok(())
}
