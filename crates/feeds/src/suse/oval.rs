//! OVAL: a file for each line of products; `-affected` files have a definition for each CVE, `-patch` files one for
//! each update.
//!
//! Criteria join products and packages: one of the products, and one of the packages. What holds of a package is in
//! the state of its test: a version less than the one that fixes it, or the version `0`, which no package has, where
//! it is not affected. A definition of a CVE names the updates about it, but not which of them fixed what; so only
//! patches have advisories and dates.

use super::product::{self, Product};
use crate::csaf::{self, Common, Key, Rows};
use crate::document::Document;
use crate::error::FeedError;
use crate::oval_checks::{self, Bound, Checks, Id, MOST};
use crate::reader::{Out, title};
use crate::xml::{self, Element};
use imagescan_model::{AdvisoryReference, AdvisoryState, MatchedBy, PackageType, Severity};
use jiff::Timestamp;
use std::collections::HashMap;

/// What a criterion says of a package, by its comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    /// `vim-9.0-1.1 is installed`: the test tells below which version it is affected.
    Installed,
    /// `vim is affected`.
    Affected,
    /// `vim is not affected`.
    NotAffected,
}

/// Products and packages that stand together in the criteria.
#[derive(Default)]
struct Group {
    products: Vec<usize>,
    packages: Vec<(Claim, Id)>,
}

/// A definition, without its texts.
struct Definition {
    issues: Vec<String>,
    severity: Severity,
    title: Option<String>,
    /// Of a patch.
    advisories: Vec<AdvisoryReference>,
    issued: Option<Timestamp>,
    groups: Vec<Group>,
}

#[derive(Default)]
struct Reading {
    checks: Checks,
    products: Vec<Product>,
    names: HashMap<String, usize>,
    definitions: Vec<Definition>,
}

pub(super) fn read(feed: &str, document: &mut Document<'_>, out: &mut Out<'_>) -> Result<(), FeedError> {
    let place = Place { name: document.name().to_owned() };
    let (mut reading, mut is_ours) = (Reading::default(), None);
    let names = [&["generator", "definition"][..], &oval_checks::ELEMENTS[..]].concat();
    xml::each(document, &names, |element| {
        match element.name.as_str() {
            "generator" => is_ours = is_ours.or(Some(true)),
            "definition"
                if !element.get("id").is_some_and(|id| id.starts_with("oval:org.opensuse.security:")) =>
            {
                is_ours = Some(false);
            }
            "definition" => {
                let definition = reading.definition(&place, &element, out)?;
                reading.definitions.push(definition);
            }
            _ => reading.checks.add(&element),
        }
        Ok(())
    })?;
    if is_ours != Some(true) {
        return Err(document.unrecognised(feed, super::EXPECTED));
    }
    reading.definitions.iter().try_for_each(|definition| reading.give(feed, &place, definition, out))
}

/// The document, for errors.
struct Place {
    name: String,
}

impl Place {
    fn value(&self, why: &'static str, value: impl Into<String>) -> FeedError {
        FeedError::Value { name: self.name.clone(), why, value: value.into() }
    }
}

impl Reading {
    fn definition(
        &mut self,
        place: &Place,
        definition: &Element,
        out: &mut Out<'_>,
    ) -> Result<Definition, FeedError> {
        let id = definition.get("id").unwrap_or_default();
        let metadata = definition.child("metadata").ok_or_else(|| place.value("no metadata in", id))?;
        let criteria = definition.child("criteria").ok_or_else(|| place.value("no criteria in", id))?;
        let name = metadata.text_of("title").unwrap_or_default();
        let advisory = metadata.child("advisory");
        let word = advisory.and_then(|advisory| advisory.text_of("severity")).unwrap_or_default();
        let severity = csaf::level(word).ok_or_else(|| place.value("unknown severity", word))?;
        let mut found = Definition {
            issues: vec![name.into()],
            severity,
            title: None,
            advisories: Vec::new(),
            issued: None,
            groups: Vec::new(),
        };
        match definition.get("class") {
            Some("vulnerability") if name.starts_with("CVE-") => {}
            Some("vulnerability") => return Err(place.value("no CVE in the title of", id)),
            Some("patch") => patch(place, metadata, &mut found)?,
            class => return Err(place.value("unknown class of definition", class.unwrap_or_default())),
        }
        let rest = self.group(place, criteria, &mut found.groups)?;
        if !rest.packages.is_empty() {
            found.groups.push(rest);
        }
        for group in found.groups.iter().filter(|group| group.products.is_empty()) {
            group.packages.iter().for_each(|_| out.dropped("a package of no product that is named"));
        }
        Ok(found)
    }

    /// What `criteria` say that has no counterpart in them: products, or packages. What stands together is a group.
    fn group(
        &mut self,
        place: &Place,
        criteria: &Element,
        groups: &mut Vec<Group>,
    ) -> Result<Group, FeedError> {
        let mut own = Group::default();
        for child in &criteria.children {
            match child.name.as_str() {
                "criterion" => self.criterion(place, child, &mut own)?,
                "criteria" => {
                    let inner = self.group(place, child, groups)?;
                    own.products.extend(inner.products);
                    own.packages.extend(inner.packages);
                }
                _ => {}
            }
        }
        let together = criteria.get("operator") != Some("OR");
        if !own.products.is_empty() && !own.packages.is_empty() {
            if !together {
                return Err(
                    place.value("products beside packages, of which either is enough, in", "criteria")
                );
            }
            groups.push(std::mem::take(&mut own));
        }
        Ok(own)
    }

    fn criterion(&mut self, place: &Place, criterion: &Element, group: &mut Group) -> Result<(), FeedError> {
        let comment = criterion.get("comment").unwrap_or_default();
        let test = criterion.get("test_ref").ok_or_else(|| place.value("no test in criterion", comment))?;
        let ends = [
            (" is installed", Claim::Installed),
            (" is not affected", Claim::NotAffected),
            (" is affected", Claim::Affected),
        ];
        let claim = ends.iter().find_map(|(end, claim)| Some((comment.strip_suffix(end)?, *claim)));
        match claim {
            // A package has no blank in its name, a product has.
            Some((name, Claim::Installed)) if name.contains(' ') => {
                let product = self.product(place, name)?;
                group.products.push(product);
            }
            Some((_, claim)) => group.packages.push((claim, self.checks.id(test))),
            // In the oldest files: `krb5 less than 1.4.3-19.49.53.1`.
            None if comment.contains(" less than ") => {
                group.packages.push((Claim::Installed, self.checks.id(test)));
            }
            None if comment.contains(" is signed with ") => {}
            None => return Err(place.value("unknown criterion", comment)),
        }
        Ok(())
    }

    fn product(&mut self, place: &Place, name: &str) -> Result<usize, FeedError> {
        if let Some(known) = self.names.get(name) {
            return Ok(*known);
        }
        let product = product::of(name).ok_or_else(|| place.value("a product without a version:", name))?;
        let at = self.products.len();
        self.products.push(product);
        self.names.insert(name.into(), at);
        Ok(at)
    }

    fn give(
        &self,
        feed: &str,
        place: &Place,
        definition: &Definition,
        out: &mut Out<'_>,
    ) -> Result<(), FeedError> {
        let pairs = |group: &Group| group.products.len().saturating_mul(group.packages.len());
        if definition.groups.iter().map(pairs).fold(0, usize::saturating_add) > MOST {
            return Err(
                place.value("a definition of more packages and products than there are:", MOST.to_string())
            );
        }
        for issue in &definition.issues {
            let mut rows = Rows::default();
            for group in &definition.groups {
                self.add(place, definition, group, &mut rows, out)?;
            }
            for (release, state) in rows.states() {
                out.covers(release, &PackageType::Rpm, [state]);
            }
            let title = definition.title.clone();
            rows.give(&Common { feed, id: issue, title, disclosed: None }, out);
        }
        Ok(())
    }

    fn add(
        &self,
        place: &Place,
        definition: &Definition,
        group: &Group,
        rows: &mut Rows,
        out: &mut Out<'_>,
    ) -> Result<(), FeedError> {
        let products = group.products.iter().filter_map(|product| self.products.get(*product));
        let mut parts = Vec::new();
        for product in products {
            match product {
                Product::Of(releases, stream) => {
                    parts.extend(releases.iter().map(|release| (release, stream)));
                }
                Product::Other(why) => group.packages.iter().for_each(|_| out.dropped(why)),
            }
        }
        for (claim, test) in &group.packages {
            let Some(check) = self.checks.get(*test) else {
                out.dropped("a criterion whose test is not in the document");
                continue;
            };
            // In the oldest files products have no blank in their name, but their test is of a release package.
            if check.package.ends_with("-release") && !matches!(check.bound, Some(Bound::Below(_))) {
                out.dropped("a product of before 2011");
                continue;
            }
            let (state, fixed_version) = match (claim, check.bound) {
                (Claim::Installed, Some(Bound::Below(version))) => (AdvisoryState::Affected, Some(version)),
                (Claim::NotAffected, Some(Bound::Never)) => (AdvisoryState::NotAffected, None),
                (Claim::Affected, None | Some(Bound::Other(_))) => (AdvisoryState::Affected, None),
                (_, bound) => {
                    let value = format!("{} {bound:?}", check.package);
                    return Err(place.value("a test that does not say what its criterion does:", value));
                }
            };
            for (release, stream) in &parts {
                let key = Key {
                    release: (*release).clone(),
                    matched_by: MatchedBy::Binary,
                    package: check.package.into(),
                    module: None,
                    stream: (*stream).clone(),
                    state,
                    fixed_version: fixed_version.cloned(),
                };
                let row = rows.add(key, check.architectures);
                row.severity = definition.severity;
                row.announce(None, definition.issued);
                definition.advisories.iter().for_each(|advisory| row.announce(Some(advisory.clone()), None));
            }
        }
        Ok(())
    }
}

/// The CVEs, advisories and date of a patch.
fn patch(place: &Place, metadata: &Element, found: &mut Definition) -> Result<(), FeedError> {
    let issued = metadata.child("advisory").and_then(|advisory| advisory.child("issued"));
    if let Some(date) = issued.and_then(|issued| issued.get("date")) {
        let at = format!("{date}T00:00:00Z").parse().map_err(|_| place.value("no date:", date))?;
        found.issued = Some(at);
    }
    let of = |source: &'static str| {
        metadata.all("reference").filter(move |reference| reference.get("source") == Some(source))
    };
    for reference in of("SUSE-SU") {
        let Some(id) = reference.get("ref_id") else { continue };
        let url = reference.get("ref_url").map(String::from);
        found.advisories.push(AdvisoryReference { id: id.into(), url, date: found.issued });
    }
    let cves = of("CVE").filter_map(|reference| reference.get("ref_id"));
    let cves: Vec<String> = cves.map(|id| id.trim_start_matches("Mitre ").into()).collect();
    if !cves.is_empty() {
        found.issues = cves;
    }
    found.title = metadata.text_of("title").and_then(title);
    Ok(())
}
