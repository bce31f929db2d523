//! CSAF documents: one for each CVE (VEX), and one for each advisory.
//!
//! `recommended` names the version that fixes; what else is said is said of packages without a version. VEX has
//! neither architectures nor dates of fixes, an advisory's document has both. When a CVE became public is in neither:
//! the first version of a VEX document can be years younger.

use super::product::{self, Product};
use crate::csaf::{
    self, ByProduct, Common, Head, Key, Leaf, Meaning, Products, Purl, Remediation, Rows, Said, Status,
    Threat, Vulnerability,
};
use crate::document::Document;
use crate::error::FeedError;
use crate::reader::{Out, Record, title};
use imagescan_model::{
    AdvisoryReference, AdvisoryState, CoveredState, CveRecord, MatchedBy, PackageType, Severity,
};
use jiff::Timestamp;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// What a VEX document can say of a package.
const STATES: [CoveredState; 5] = [
    CoveredState::NotAffected,
    CoveredState::Fixed,
    CoveredState::Unfixed,
    CoveredState::WillNotFix,
    CoveredState::UnderInvestigation,
];

pub(super) fn read(
    feed: &str,
    document: &Document<'_>,
    said: &Said<'_>,
    out: &mut Out<'_>,
) -> Result<(), FeedError> {
    let products = Products::new(document, said.tree)?;
    let is_vex = said.head.tracking.id.starts_with("CVE-");
    let advisory = (!is_vex).then(|| advisory(said.head));
    let mut reader = Reader { document, products, names: HashMap::new(), advisory };
    for vulnerability in said.of {
        let id = vulnerability.cve.as_deref().unwrap_or(&said.head.tracking.id);
        let rows = reader.rows(vulnerability, out)?;
        let title = if is_vex { None } else { title(&said.head.title) };
        if is_vex {
            let aggregate = said.head.aggregate_severity.as_ref().map(|aggregate| &*aggregate.text);
            out.record(Record::Cve(CveRecord {
                severity: csaf::severity(document, aggregate.unwrap_or_default())?,
                cvss: vulnerability.cvss(document)?,
                ..CveRecord::new(id, feed)
            }));
        }
        let states: &[CoveredState] = if is_vex { &STATES } else { &[CoveredState::Fixed] };
        for release in rows.releases() {
            out.covers(release, &PackageType::Rpm, states.iter().copied());
        }
        rows.give(&Common { feed, id, title, disclosed: None }, out);
    }
    Ok(())
}

/// The advisory that the document is.
fn advisory(head: &Head<'_>) -> AdvisoryReference {
    let own = || head.references.iter().filter(|reference| reference.category.as_deref() == Some("self"));
    let announcement = own().find(|reference| reference.url.contains("/announcement/"));
    let url = announcement.or_else(|| own().next()).map(|reference| reference.url.to_string());
    AdvisoryReference {
        id: head.tracking.id.to_string(),
        url,
        date: Some(head.tracking.initial_release_date),
    }
}

struct Reader<'t, 'd> {
    document: &'t Document<'d>,
    products: Products<'t>,
    /// Products by name: there are few, and they stand in every statement.
    names: HashMap<&'t str, Product>,
    advisory: Option<AdvisoryReference>,
}

/// A package: name, version, architecture.
type Package<'t> = (String, Option<String>, Option<&'t str>);

impl<'t> Reader<'t, '_> {
    fn rows(&mut self, vulnerability: &Vulnerability<'_>, out: &mut Out<'_>) -> Result<Rows, FeedError> {
        let impacts = vulnerability.threats.iter().filter(|threat| &*threat.category == "impact");
        let impacts = csaf::by_product(self.document, impacts)?;
        let remediations = csaf::by_product(self.document, vulnerability.remediations.iter())?;
        let mut rows = Rows::default();
        for (status, id) in vulnerability.statements(self.document, "recommended")? {
            let Meaning::Component { package, product, module: None } =
                self.products.resolve(self.document, id)?
            else {
                out.dropped("a product without its packages");
                continue;
            };
            if self.advisory.is_some() && status != Status::Fixed {
                out.dropped("what an advisory says of builds that it does not fix");
                continue;
            }
            let (releases, stream) = match self.product(product.id)? {
                Product::Of(releases, stream) => (releases.clone(), stream.clone()),
                Product::Other(why) => {
                    out.dropped(why);
                    continue;
                }
            };
            let (name, fixed_version, architecture) = self.package(&package, status)?;
            if matches!(architecture, Some("src" | "nosrc")) {
                out.dropped("a source package");
                continue;
            }
            let state = self.state(status, id, &remediations)?;
            let severity = self.severity(id, &impacts)?;
            for release in releases {
                let key = Key {
                    release,
                    matched_by: MatchedBy::Binary,
                    package: name.clone(),
                    module: None,
                    stream: stream.clone(),
                    state,
                    fixed_version: fixed_version.clone(),
                };
                let row = rows.add(key, architecture.as_slice());
                row.severity = row.severity.max(severity);
                if status == Status::Fixed {
                    row.announce(self.advisory.clone(), self.available(id, &remediations));
                }
            }
        }
        Ok(rows)
    }

    fn product(&mut self, name: &'t str) -> Result<&Product, FeedError> {
        match self.names.entry(name) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(new) => {
                let unreadable = || self.document.value("a product without a version:", name);
                Ok(new.insert(product::of(name).ok_or_else(unreadable)?))
            }
        }
    }

    fn package(&self, leaf: &Leaf<'t>, status: Status) -> Result<Package<'t>, FeedError> {
        let unreadable = || self.document.value("no name, version and release in", leaf.id);
        if let Some(text) = leaf.purl {
            let purl = Purl::parse(text).filter(|purl| purl.kind == "rpm");
            let purl = purl.ok_or_else(|| self.document.value("no package URL of an rpm:", text))?;
            let epoch = purl.qualifier("epoch").filter(|epoch| epoch != "0");
            let version = purl.version.map(|version| match epoch {
                Some(epoch) => format!("{epoch}:{version}"),
                None => version.into_owned(),
            });
            let version = version.filter(|_| status == Status::Fixed);
            if status == Status::Fixed && version.is_none() {
                return Err(unreadable());
            }
            return Ok((purl.name.into_owned(), version, leaf.architecture));
        }
        if status != Status::Fixed {
            return Ok((leaf.id.into(), None, None));
        }
        let ending = leaf.architecture.and_then(|name| leaf.id.strip_suffix(name)?.strip_suffix('.'));
        let text = ending.unwrap_or(leaf.id);
        // Neither a version nor a release has a `-`; a name may.
        let mut parts = text.rsplitn(3, '-');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(release), Some(version), Some(name))
                if ![release, version, name].iter().any(|part| part.is_empty()) =>
            {
                Ok((name.into(), Some(format!("{version}-{release}")), leaf.architecture))
            }
            _ => Err(unreadable()),
        }
    }

    fn state(
        &self,
        status: Status,
        id: &str,
        remediations: &ByProduct<'_, Remediation<'_>>,
    ) -> Result<AdvisoryState, FeedError> {
        let mut state = match status {
            Status::Fixed | Status::Affected => AdvisoryState::Affected,
            Status::NotAffected => AdvisoryState::NotAffected,
            Status::UnderInvestigation => AdvisoryState::UnderInvestigation,
        };
        if status == Status::Affected {
            for remediation in remediations.get(id) {
                match &*remediation.category {
                    "none_available" | "vendor_fix" | "workaround" | "mitigation" => {}
                    "no_fix_planned" => state = AdvisoryState::WillNotFix,
                    word => {
                        return Err(self.document.value("unknown remediation of what is affected:", word));
                    }
                }
            }
        }
        Ok(state)
    }

    fn severity(&self, id: &str, impacts: &ByProduct<'_, Threat<'_>>) -> Result<Severity, FeedError> {
        impacts.get(id).try_fold(Severity::Unknown, |worst, impact| {
            Ok(worst.max(csaf::severity(self.document, &impact.details)?))
        })
    }

    /// The date of the fix, else that of the advisory.
    fn available(&self, id: &str, remediations: &ByProduct<'_, Remediation<'_>>) -> Option<Timestamp> {
        let fixes = remediations.get(id).filter(|remediation| &*remediation.category == "vendor_fix");
        let own = fixes.filter_map(|fix| fix.date).min();
        own.or_else(|| self.advisory.as_ref().and_then(|advisory| advisory.date))
    }
}
