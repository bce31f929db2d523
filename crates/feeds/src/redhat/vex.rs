//! CSAF documents: one for each CVE (VEX), and one for each advisory.
//!
//! What a VEX document says is the last word on its CVE. An advisory's document says which builds it fixes, and
//! when it was published; of what it does not fix it speaks of its own builds only, so that is left out.

use super::package::{self, Package};
use crate::csaf::{
    self, ByProduct, Common, Head, Key, Products, Remediation, Rows, Said, Status, Threat, Vulnerability,
};
use crate::document::Document;
use crate::error::FeedError;
use crate::reader::{Out, Record, title};
use imagescan_model::{
    AdvisoryReference, AdvisoryState, CoveredState, CveRecord, MatchedBy, PackageType, Severity,
};
use jiff::Timestamp;
use std::collections::HashSet;

pub(super) fn read(
    feed: &str,
    document: &Document<'_>,
    said: &Said<'_>,
    out: &mut Out<'_>,
) -> Result<(), FeedError> {
    let products = Products::new(document, said.tree)?;
    let is_vex = said.head.tracking.id.starts_with("CVE-");
    for vulnerability in said.of {
        let disclosed = disclosed(said.head, vulnerability, is_vex);
        let id = vulnerability.cve.as_deref().unwrap_or(&said.head.tracking.id);
        let line = vulnerability.title.as_deref().unwrap_or(&said.head.title);
        let title = title(line).filter(|title| title != id);
        if is_vex {
            out.record(Record::Cve(CveRecord {
                published: disclosed,
                severity: worst(document, said.head, vulnerability)?,
                cvss: vulnerability.cvss(document)?,
                title: title.clone(),
                ..CveRecord::new(id, feed)
            }));
        }
        let about = About::new(document, said.head, vulnerability, is_vex)?;
        let mut rows = Rows::default();
        for statement in statements(document, &products, vulnerability, out)? {
            about.add(&mut rows, &statement, out)?;
        }
        let states: &[CoveredState] = if is_vex { &CoveredState::ALL } else { &[CoveredState::Fixed] };
        for release in rows.releases() {
            out.covers(release, &PackageType::Rpm, states.iter().copied());
        }
        rows.give(&Common { feed, id, title, disclosed }, out);
    }
    Ok(())
}

/// The day it became public. `discovery_date` is when the vendor heard of it, which can be before. Where the date is
/// missing, that of the first version of the document is the same, unless it is the first of January, which
/// stands for a year that is all one knew.
fn disclosed(head: &Head<'_>, vulnerability: &Vulnerability<'_>, is_vex: bool) -> Option<Timestamp> {
    let initial = head.tracking.initial_release_date;
    let only_a_year = initial.to_string().ends_with("-01-01T00:00:00Z");
    vulnerability.release_date.or_else(|| (is_vex && !only_a_year).then_some(initial))
}

/// What the vendor says of the CVE as a whole, else the worst of what it says of its products.
fn worst(
    document: &Document<'_>,
    head: &Head<'_>,
    vulnerability: &Vulnerability<'_>,
) -> Result<Severity, FeedError> {
    if let Some(aggregate) = &head.aggregate_severity {
        return csaf::severity(document, &aggregate.text);
    }
    let impacts = vulnerability.threats.iter().filter(|threat| &*threat.category == "impact");
    impacts
        .map(|threat| csaf::severity(document, &threat.details))
        .try_fold(Severity::Unknown, |worst, next| Ok(worst.max(next?)))
}

/// A statement with what it is about.
struct Statement<'v> {
    status: Status,
    product: &'v str,
    package: Package<'v>,
}

/// What is said of packages; the rest is counted.
fn statements<'v>(
    document: &Document<'_>,
    products: &Products<'v>,
    vulnerability: &'v Vulnerability<'_>,
    out: &mut Out<'_>,
) -> Result<Vec<Statement<'v>>, FeedError> {
    let mut all = Vec::new();
    for (status, product) in vulnerability.statements(document, "fixed")? {
        match package::of(document, &products.resolve(document, product)?)? {
            Ok(package) => all.push(Statement { status, product, package }),
            Err(why) => out.dropped(why),
        }
    }
    // Of a source package whose binaries are listed nothing is said that is not said of them.
    let built = |statement: &Statement<'v>| {
        let package = &statement.package;
        (statement.status, package.product, package.version.clone())
    };
    let is_binary = |statement: &&Statement<'v>| statement.package.matched_by == MatchedBy::Binary;
    let listed: HashSet<_> = all.iter().filter(is_binary).map(built).collect();
    all.retain(|statement| {
        let source = !is_binary(&statement) && statement.package.version.is_some();
        let repeated = source && listed.contains(&built(statement));
        if repeated {
            out.dropped("a source package whose binaries are listed");
        }
        !repeated
    });
    Ok(all)
}

/// What is said of the products of a vulnerability beside their status.
struct About<'v, 'd> {
    document: &'v Document<'d>,
    is_vex: bool,
    /// The date of a fix that has none of its own.
    published: Option<Timestamp>,
    remediations: ByProduct<'v, Remediation<'v>>,
    impacts: ByProduct<'v, Threat<'v>>,
}

impl<'v, 'd> About<'v, 'd> {
    fn new(
        document: &'v Document<'d>,
        head: &Head<'_>,
        vulnerability: &'v Vulnerability<'v>,
        is_vex: bool,
    ) -> Result<Self, FeedError> {
        let impacts = vulnerability.threats.iter().filter(|threat| &*threat.category == "impact");
        Ok(Self {
            document,
            is_vex,
            published: (!is_vex).then_some(head.tracking.initial_release_date),
            remediations: csaf::by_product(document, vulnerability.remediations.iter())?,
            impacts: csaf::by_product(document, impacts)?,
        })
    }

    fn add(&self, rows: &mut Rows, statement: &Statement<'_>, out: &mut Out<'_>) -> Result<(), FeedError> {
        let Statement { status, product, package } = statement;
        if !self.is_vex && *status != Status::Fixed {
            out.dropped("what an advisory says of builds that it does not fix");
            return Ok(());
        }
        let state = match status {
            Status::Fixed => AdvisoryState::Affected,
            Status::NotAffected => AdvisoryState::NotAffected,
            Status::UnderInvestigation => AdvisoryState::UnderInvestigation,
            Status::Affected => self.unfixed(product)?,
        };
        let mut fixed_version = None;
        if *status == Status::Fixed {
            if let Some(why) = package.unusable() {
                out.dropped(why);
                return Ok(());
            }
            fixed_version.clone_from(&package.version);
        }
        let key = Key {
            release: package.release.clone(),
            matched_by: package.matched_by,
            package: package.name.to_string(),
            module: package.module.clone(),
            stream: Some(package.cpe.into()),
            state,
            fixed_version,
        };
        // Only what is fixed is said of single architectures.
        let architecture = package.architecture.as_deref().filter(|_| *status == Status::Fixed);
        let row = rows.add(key, architecture.as_slice());
        for impact in self.impacts.get(product) {
            row.severity = row.severity.max(csaf::severity(self.document, &impact.details)?);
        }
        if *status == Status::Fixed {
            for fix in self.remediations.get(product).filter(|fix| &*fix.category == "vendor_fix") {
                let date = fix.date.or(self.published);
                row.announce(advisory(fix, date), date);
            }
        }
        Ok(())
    }

    /// What will become of a product that is affected.
    fn unfixed(&self, product: &str) -> Result<AdvisoryState, FeedError> {
        let mut states = Vec::new();
        for remediation in self.remediations.get(product) {
            let details = remediation.details.trim();
            states.push(match (&*remediation.category, details) {
                ("workaround" | "mitigation", _) => continue,
                ("none_available", "Affected") => AdvisoryState::Affected,
                ("none_available", "Deferred" | "Fix deferred") => AdvisoryState::FixDeferred,
                ("no_fix_planned", "Will not fix") => AdvisoryState::WillNotFix,
                ("no_fix_planned", "Out of support scope") => AdvisoryState::EndOfLife,
                (category, _) => {
                    let value = format!("{category}: {details}");
                    return Err(self.document.value("unknown remediation of what is affected:", value));
                }
            });
        }
        states.dedup();
        match states.as_slice() {
            [] => Ok(AdvisoryState::Affected),
            [state] => Ok(*state),
            _ => Err(self.document.value("several remediations contradict each other about", product)),
        }
    }
}

/// `RHSA-2024:2011` of `https://access.redhat.com/errata/RHSA-2024:2011`.
fn advisory(fix: &Remediation<'_>, date: Option<Timestamp>) -> Option<AdvisoryReference> {
    let url = fix.url.as_deref()?;
    let id = url.rsplit('/').next().filter(|id| id.starts_with("RH") && id.contains(':'))?;
    Some(AdvisoryReference { id: id.into(), url: Some(url.into()), date })
}
