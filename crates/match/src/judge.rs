//! One package against the rows filed under its names: what holds for its version.
//!
//! A row holds for a version from `introduced` on and below `fixed_version`. Several rows of one id (ranges,
//! streams, a fix that was mended) are one judgement: affected if any holds, and safe from the highest fix of
//! those that hold. A vendor's 'not affected' is final. Which rows count at all is `stream`'s to say.

use crate::branch;
use crate::family::judged_by;
use crate::stream::{Products, Standing, is_bare, is_of_line, standing};
use imagescan_knowledge::FiledRecord;
use imagescan_model::{
    AdvisoryRecord, AdvisoryState, Family, MatchKey, MatchedBy, Names, PackageType, Streams,
};
use imagescan_version::Order;
use std::cmp::Ordering;

/// What holds for one package and one id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement<'a> {
    /// The state for the installed version: [`AdvisoryState::NotAffected`] also where it is past the fix.
    pub state: AdvisoryState,
    /// First version without it, where that is a version one can have in this release.
    pub fixed_version: Option<&'a str>,
    /// Fixes that one would have with support that the image does not have: (stream, version), sorted.
    pub elsewhere: Vec<(&'a str, &'a str)>,
    /// The row that decided.
    pub row: &'a AdvisoryRecord,
    /// The feeds that say so, sorted: of that row, and of those that come to the same.
    pub feeds: Vec<&'a str>,
}

/// The order of a package manager's versions; `None`: we know none.
fn order(package_type: &PackageType) -> Option<Order> {
    match package_type {
        PackageType::Apk => Some(Order::Apk),
        PackageType::Deb => Some(Order::Deb),
        PackageType::Rpm => Some(Order::Rpm),
        PackageType::Other(_) => None,
    }
}

/// Judges `key` by `rows`, which are filed under its names and sorted by id. One judgement an id.
#[must_use]
pub fn judge_key<'a>(key: &MatchKey, rows: &'a [FiledRecord], products: &Products) -> Vec<Judgement<'a>> {
    let (Some(order), Ok(family)) = (order(&key.package_type), judged_by(key)) else { return Vec::new() };
    let judge = Judge { key, family, products, order };
    rows.chunk_by(|a, b| a.record.id == b.record.id).filter_map(|rows| judge.id(rows)).collect()
}

/// What a package is judged with.
struct Judge<'k> {
    key: &'k MatchKey,
    family: &'static Family,
    products: &'k Products,
    order: Order,
}

impl Judge<'_> {
    /// The version that a row is compared with.
    ///
    /// A backport `1.2-3~bpo12+1` has all that `1.2-3` of the release it was rebuilt from has, though it sorts below.
    fn version(&self, row: &AdvisoryRecord) -> &str {
        let version = match row.matched_by {
            MatchedBy::Source => &self.key.source_version,
            MatchedBy::Binary => &self.key.version,
        };
        match version.rsplit_once("~bpo") {
            Some((original, _)) if self.key.rebuilt => original,
            _ => version,
        }
    }

    /// Source packages of rpm are known without their epoch, which then says nothing on either side.
    fn compare(&self, row: &AdvisoryRecord, stated: &str) -> Ordering {
        let version = self.version(row);
        let is_source = self.order == Order::Rpm && row.matched_by == MatchedBy::Source;
        let stated = match stated.split_once(':') {
            Some((_, rest)) if is_source && !version.contains(':') => rest,
            _ => stated,
        };
        self.order.compare(version, stated)
    }

    fn id<'a>(&self, rows: &'a [FiledRecord]) -> Option<Judgement<'a>> {
        let about: Vec<(&FiledRecord, Standing)> = rows
            .iter()
            .filter(|row| self.speaks_of(&row.record))
            .map(|row| (row, self.standing(&row.record)))
            .collect();
        let of = |wanted| about.iter().filter(move |(_, is)| *is == wanted).map(|(row, _)| *row);
        let mut counting: Vec<&FiledRecord> = of(Standing::Prevails).collect();
        if counting.is_empty() {
            counting = of(Standing::Counts).collect();
        }
        let by = |matched_by| move |row: &&FiledRecord| row.record.matched_by == matched_by;
        if self.family.names == Names::Both && counting.iter().any(by(MatchedBy::Binary)) {
            counting.retain(by(MatchedBy::Binary));
        }
        // A fix in a repository that the image has goes before what is said of all of the product.
        let products = self.family.streams == Streams::Products;
        if products && counting.iter().any(|row| row.record.fixed_version.is_some()) {
            counting.retain(|row| row.record.fixed_version.is_some() || !is_bare(&row.record));
        }
        let supported: Vec<&FiledRecord> =
            of(Standing::Elsewhere).filter(|row| row.record.fixed_version.is_some()).collect();
        // Longer support goes on with the same builds (SUSE; Ubuntu marks them): who has its fix has it fixed.
        let unfixed = counting.iter().all(|row| row.record.fixed_version.is_none());
        if self.order == Order::Rpm && unfixed && supported.iter().any(|row| self.has_fix(row)) {
            counting = supported.iter().copied().filter(|row| self.has_fix(row)).collect();
        }
        // Nobody looks at an old release, but at what is built on it: not affected there is not affected here.
        let ended = |row: &&FiledRecord| row.record.state == AdvisoryState::EndOfLife;
        let denies =
            |row: &&FiledRecord| row.record.state == AdvisoryState::NotAffected && self.goes_on(&row.record);
        if !counting.is_empty()
            && counting.iter().all(ended)
            && of(Standing::Elsewhere).any(|row| denies(&row))
        {
            counting = of(Standing::Elsewhere).filter(denies).collect();
        }
        let elsewhere: Vec<&FiledRecord> = supported.into_iter().filter(|row| self.holds(row)).collect();
        let silent = elsewhere.iter().find(|row| self.goes_on(&row.record));
        let mut judgement = match (counting.is_empty(), silent) {
            (false, _) => self.of_counting(&counting)?,
            // The release itself is silent, for its own support is over.
            (true, Some(first)) => {
                Judgement { fixed_version: None, ..judgement(AdvisoryState::WillNotFix, first, &elsewhere) }
            }
            (true, None) => return None,
        };
        if judgement.state != AdvisoryState::NotAffected && judgement.fixed_version.is_none() {
            let fix = |row: &&'a FiledRecord| {
                Some((row.record.stream.as_deref()?, row.record.fixed_version.as_deref()?))
            };
            judgement.elsewhere = elsewhere.iter().filter_map(fix).collect();
            judgement.elsewhere.sort_unstable();
            judgement.elsewhere.dedup();
        }
        Some(judgement)
    }

    fn of_counting<'a>(&self, rows: &[&'a FiledRecord]) -> Option<Judgement<'a>> {
        let first = *rows.first()?;
        if let Some(row) = rows.iter().find(|row| row.record.state == AdvisoryState::NotAffected) {
            return Some(judgement(AdvisoryState::NotAffected, row, rows));
        }
        let of_branch = if self.family.minors { self.of_branch(rows) } else { rows.to_vec() };
        let holding: Vec<&FiledRecord> = of_branch.iter().copied().filter(|row| self.holds(row)).collect();
        // Ties are decided by the rows themselves, so that their order never shows.
        let row = holding
            .iter()
            .copied()
            .max_by(|a, b| weigh(&a.record, &b.record, self.order).then_with(|| b.record.cmp(&a.record)));
        Some(match row {
            Some(row) => judgement(self.state(&row.record), row, &holding),
            None => {
                let had = rows.iter().copied().filter(|row| self.has_fix(row));
                match had.max_by(|a, b| weigh(&a.record, &b.record, self.order)) {
                    Some(row) => judgement(AdvisoryState::NotAffected, row, rows),
                    None => Judgement {
                        fixed_version: None,
                        ..judgement(AdvisoryState::NotAffected, first, rows)
                    },
                }
            }
        })
    }

    /// Of Red Hat's and its kin's rows, those of the module stream and of the minor that the package is of.
    fn of_branch<'a>(&self, rows: &[&'a FiledRecord]) -> Vec<&'a FiledRecord> {
        let fix = |row: &&'a FiledRecord| row.record.fixed_version.as_deref();
        let mut kept = rows.to_vec();
        // A row with the package's own stream says more than one that tells no stream.
        if self.key.module.is_some() && kept.iter().any(|row| row.record.module.is_some()) {
            kept.retain(|row| row.record.module.is_some());
        } else if let Some(row) = kept.first() {
            let version = self.version(&row.record);
            if version.contains(".module") {
                let fixes: Vec<&str> = kept.iter().filter_map(fix).collect();
                let nearest = branch::nearest(version, &fixes);
                kept.retain(|row| fix(row).is_none_or(|fixed| nearest.contains(&fixed)));
            }
        }
        let all = kept.clone();
        kept.retain(|row| !branch::is_rebuilt(&row.record, &all, self.order));
        let Some(row) = kept.first() else { return kept };
        let fixes: Vec<&str> = kept.iter().filter_map(fix).collect();
        let governing = branch::governing(self.version(&row.record), &fixes, self.order);
        kept.retain(|row| fix(row).is_none_or(|fixed| governing.contains(&fixed)));
        kept
    }

    /// Whether a row's stream goes on where the support of the release ends. FIPS and real-time builds stand beside it:
    /// what is fixed there may never have been in the release.
    fn goes_on(&self, row: &AdvisoryRecord) -> bool {
        self.order == Order::Rpm || row.stream.as_deref().is_some_and(|stream| stream.starts_with("esm"))
    }

    fn has_fix(&self, row: &FiledRecord) -> bool {
        row.record.fixed_version.as_deref().is_some_and(|fixed| self.compare(&row.record, fixed).is_ge())
    }

    fn holds(&self, row: &FiledRecord) -> bool {
        let row = &row.record;
        let begun = row.introduced.as_deref().is_none_or(|from| self.compare(row, from).is_ge());
        begun && row.fixed_version.as_deref().is_none_or(|fixed| self.compare(row, fixed).is_lt())
    }

    fn standing(&self, row: &AdvisoryRecord) -> Standing {
        standing(self.key, self.version(row), row, self.family, self.products)
    }

    /// Whether a row is about this architecture and this module stream.
    fn speaks_of(&self, row: &AdvisoryRecord) -> bool {
        let architecture = match &self.key.architecture {
            Some(architecture) if !row.architectures.is_empty() => {
                matches!(architecture.as_str(), "all" | "noarch")
                    || row.architectures.contains(architecture)
                    || self.family.streams == Streams::Builds && runs_on(architecture, &row.architectures)
            }
            _ => true,
        };
        architecture && self.is_of_module(row)
    }

    /// Builds of a module and plain builds of the same name are different packages.
    fn is_of_module(&self, row: &AdvisoryRecord) -> bool {
        let marked = |version: &str| version.contains(".module");
        let fixed = row.fixed_version.as_deref();
        let version = self.version(row);
        match (self.key.module.as_deref(), row.module.as_deref()) {
            (Some(own), Some(module)) => own == module,
            // Some builds of rpm kept no label: the line of versions has to do.
            (None, Some(module)) => {
                let (_, stream) = module.split_once(':').unwrap_or_default();
                marked(version) && fixed.is_none_or(|fixed| is_of_line(version, fixed, stream))
            }
            (own, None) => {
                let is_modular = own.is_some_and(|own| !own.is_empty()) || marked(version);
                fixed.is_some_and(marked) == is_modular
            }
        }
    }

    /// The row's state. What a release will not fix, a rebuilt package's own suite may: there it is only unfixed.
    fn state(&self, row: &AdvisoryRecord) -> AdvisoryState {
        match row.state {
            AdvisoryState::FixDeferred | AdvisoryState::WillNotFix | AdvisoryState::EndOfLife
                if self.key.rebuilt =>
            {
                AdvisoryState::Affected
            }
            state => state,
        }
    }
}

/// Oracle names the architectures of systems: packages for 32 bits run on those for 64, too.
fn runs_on(architecture: &str, systems: &[String]) -> bool {
    let is_small = matches!(architecture, "i386" | "i486" | "i586" | "i686");
    is_small && systems.iter().any(|system| matches!(system.as_str(), "i386" | "x86_64"))
}

/// What `row` decides among `rows`.
fn judgement<'a>(state: AdvisoryState, row: &'a FiledRecord, rows: &[&'a FiledRecord]) -> Judgement<'a> {
    let said = |row: &'a FiledRecord| (row.record.state, row.record.fixed_version.as_deref());
    let alike = rows.iter().filter(|other| said(other) == said(row));
    let mut feeds: Vec<&str> = alike.flat_map(|row| &row.feeds).map(String::as_str).collect();
    feeds.sort_unstable();
    feeds.dedup();
    let fixed_version = row.record.fixed_version.as_deref();
    Judgement { state, fixed_version, elsewhere: Vec::new(), row: &row.record, feeds }
}

/// Which of two rows that hold says more: a fix over none, the higher fix, the better known state. A feed that
/// cannot tell why there is no fix (OSV) says less than one that can.
fn weigh(a: &AdvisoryRecord, b: &AdvisoryRecord, order: Order) -> Ordering {
    match (&a.fixed_version, &b.fixed_version) {
        (Some(a), Some(b)) => order.compare(a, b),
        (None, None) => known(a.state).cmp(&known(b.state)),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// How much a state says of what has no fix.
fn known(state: AdvisoryState) -> u8 {
    match state {
        AdvisoryState::NotAffected | AdvisoryState::UnderInvestigation => 0,
        AdvisoryState::Affected => 1,
        AdvisoryState::FixDeferred => 2,
        AdvisoryState::WillNotFix => 3,
        AdvisoryState::EndOfLife => 4,
    }
}

#[cfg(test)]
mod tests;
