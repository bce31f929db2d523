//! OSV, OpenVEX and notices put together, by CVE, source package and pocket.
//!
//! Where OSV has a fix, that is what holds: the version is to be compared. Where it has none, it does not say
//! whether one will come: OpenVEX does. What only OpenVEX speaks of holds as well.
//!
//! OSV lists nothing of the plain archive where the fix is in Ubuntu Pro alone. So if a CVE is listed for an ESM
//! pocket, and neither says anything of the plain archive, no fix will come there; if it is being looked into, there
//! as well. What is said stays: this is added, and never put over it.

use super::kept::{ArchiveId, Kept, Listed, Name, Notice, Stated, Statement};
use crate::reader::Out;
use imagescan_model::{
    AdvisoryRecord, AdvisoryReference, AdvisoryState, CoveredState, DateKind, DatedAs, MatchedBy,
    PackageType, Release, Severity,
};
use std::collections::{BTreeMap, BTreeSet};

/// Gives all records.
pub(super) fn finish(feed: &str, mut kept: Kept, out: &mut Out<'_>) {
    kept.settle();
    kept.notices.values_mut().for_each(|notices| notices.sort());
    let (mut listed, mut statements) =
        (std::mem::take(&mut kept.listed), std::mem::take(&mut kept.statements));
    listed.sort_unstable();
    listed.dedup();
    statements.sort_unstable();
    // The last of those for one package counts.
    statements.reverse();
    statements.dedup_by_key(|statement| (statement.cve, statement.source, statement.archive));
    statements.reverse();
    cover(&kept, &listed, &statements, out);
    let plain = plain(&mut kept);
    let join = Join { feed, kept, plain };
    let (mut listed, mut statements) = (listed.as_slice(), statements.as_slice());
    loop {
        let keys = [
            listed.first().map(|listed| (listed.cve, listed.source)),
            statements.first().map(|statement| (statement.cve, statement.source)),
        ];
        let Some(key) = keys.into_iter().flatten().min() else { return };
        let (own_listed, rest) =
            listed.split_at(listed.partition_point(|listed| (listed.cve, listed.source) == key));
        listed = rest;
        let (own_statements, rest) = statements
            .split_at(statements.partition_point(|statement| (statement.cve, statement.source) == key));
        statements = rest;
        join.package(own_listed, own_statements, out);
    }
}

/// Says what documents of the kinds at hand can express of their releases.
fn cover(kept: &Kept, listed: &[Listed], statements: &[Statement], out: &mut Out<'_>) {
    let releases = |numbers: BTreeSet<ArchiveId>| -> BTreeSet<&Release> {
        numbers.into_iter().filter_map(|number| Some(&kept.archive_of(number)?.0)).collect()
    };
    for release in releases(listed.iter().map(|listed| listed.archive).collect()) {
        let states = [CoveredState::Fixed, CoveredState::Unfixed, CoveredState::WillNotFix];
        out.covers(release, &PackageType::Deb, states);
    }
    for release in releases(statements.iter().map(|statement| statement.archive).collect()) {
        let states = CoveredState::ALL.into_iter().filter(|state| *state != CoveredState::Fixed);
        out.covers(release, &PackageType::Deb, states);
    }
}

/// The plain archive behind each ESM pocket, by the pocket's number.
fn plain(kept: &mut Kept) -> Vec<Option<ArchiveId>> {
    let archives = kept.archives.clone();
    let is_esm = |pocket: &str| pocket == "esm" || pocket.starts_with("esm-");
    let plain = |(release, pocket): (Release, Option<String>)| {
        pocket.filter(|pocket| is_esm(pocket)).map(|_| kept.archive((release, None)))
    };
    archives.into_iter().map(plain).collect()
}

struct Join<'f> {
    feed: &'f str,
    kept: Kept,
    plain: Vec<Option<ArchiveId>>,
}

impl Join<'_> {
    /// All that is said of one CVE in one source package.
    fn package(&self, listed: &[Listed], statements: &[Statement], out: &mut Out<'_>) {
        let stated = |archive| statements.iter().find(|statement| statement.archive == archive);
        let is_listed = |archive| listed.iter().any(|listed| listed.archive == archive);
        let mut inferred = BTreeMap::new();
        let mut infer = |archive: ArchiveId, stated: Stated| {
            let state = match stated {
                Stated::Absent | Stated::NotAffected => return,
                Stated::UnderInvestigation => AdvisoryState::UnderInvestigation,
                _ => AdvisoryState::WillNotFix,
            };
            if let Some(plain) = self.plain.get(usize::from(archive)).copied().flatten() {
                let known = inferred.entry(plain).or_insert(state);
                *known = state.min(*known);
            }
        };
        let about = listed.first().map(|listed| (listed.cve, listed.source));
        let about = about.or_else(|| statements.first().map(|statement| (statement.cve, statement.source)));
        let Some((cve, source)) = about else { return };
        for listed in listed {
            let stated = stated(listed.archive).map_or(Stated::Affected, |statement| statement.stated);
            infer(listed.archive, if listed.fixed.is_some() { Stated::Fixed } else { stated });
            self.listed(listed, stated, out);
        }
        for statement in statements.iter().filter(|statement| !is_listed(statement.archive)) {
            infer(statement.archive, statement.stated);
            match statement.stated {
                Stated::Absent => out.dropped("there is no such package in the release"),
                Stated::Fixed => out.dropped("fixed, in a version that no document tells"),
                stated => {
                    if let Some(record) = self.record(statement.archive, cve, source) {
                        out.advisory(AdvisoryRecord { state: state(stated), ..record });
                    }
                }
            }
        }
        let inferred =
            inferred.into_iter().filter(|(plain, _)| !is_listed(*plain) && stated(*plain).is_none());
        for (plain, state) in inferred {
            if let Some(record) = self.record(plain, cve, source) {
                out.advisory(AdvisoryRecord { state, ..record });
            }
        }
    }

    fn listed(&self, listed: &Listed, stated: Stated, out: &mut Out<'_>) {
        let Some(mut record) = self.record(listed.archive, listed.cve, listed.source) else { return };
        if listed.severity != Severity::Unknown {
            record.severity = listed.severity;
            record.severity_source = Some(self.feed.into());
        }
        record.introduced = listed.introduced.map(|version| self.kept.names.text(version).into());
        let Some(fixed) = listed.fixed else {
            return match stated {
                Stated::Absent => out.dropped("there is no such package in the release"),
                stated => out.advisory(AdvisoryRecord { state: state(stated), ..record }),
            };
        };
        record.fixed_version = Some(self.kept.names.text(fixed).into());
        let notices =
            self.kept.notices.get(&(listed.archive, listed.source, fixed)).map_or(&[][..], Vec::as_slice);
        if let Some(first) = notices.first() {
            record.fix_available = Some(DatedAs { at: first.published, kind: DateKind::Advisory });
        }
        let named = self.kept.about.get(&listed.cve).map_or(&[][..], |about| about.notices.as_slice());
        let is_about = |notice: &&Notice| notice.cves.contains(&listed.cve) || named.contains(&notice.id);
        record.advisories = notices.iter().filter(is_about).map(|notice| self.reference(notice)).collect();
        record.advisories.sort();
        record.advisories.dedup();
        out.advisory(record);
    }

    fn reference(&self, notice: &Notice) -> AdvisoryReference {
        let id = self.kept.names.text(notice.id);
        AdvisoryReference {
            id: id.into(),
            url: Some(format!("https://ubuntu.com/security/notices/{id}")),
            date: Some(notice.published),
        }
    }

    /// A record that says `affected`. There is always one: archives are numbered as they are met.
    fn record(&self, archive: ArchiveId, cve: Name, source: Name) -> Option<AdvisoryRecord> {
        let (release, stream) = self.kept.archive_of(archive)?.clone();
        let names = &self.kept.names;
        let (id, package) = (names.text(cve), names.text(source));
        let record = AdvisoryRecord {
            stream,
            ..AdvisoryRecord::new(release, PackageType::Deb, MatchedBy::Source, package, id)
        };
        let Some(about) = self.kept.about.get(&cve) else { return Some(record) };
        Some(AdvisoryRecord {
            aliases: about.aliases.clone(),
            severity: about.severity,
            severity_source: (about.severity != Severity::Unknown).then(|| self.feed.into()),
            title: about.title.clone(),
            disclosed: about.published.map(|at| DatedAs { at, kind: DateKind::Disclosed }),
            ..record
        })
    }
}

/// The state of what has no fix that one could install.
fn state(stated: Stated) -> AdvisoryState {
    match stated {
        Stated::NotAffected => AdvisoryState::NotAffected,
        Stated::EndOfLife => AdvisoryState::EndOfLife,
        Stated::WillNotFix => AdvisoryState::WillNotFix,
        Stated::FixDeferred => AdvisoryState::FixDeferred,
        Stated::UnderInvestigation => AdvisoryState::UnderInvestigation,
        // Where OSV has no version for it yet, there is none to install.
        Stated::Affected | Stated::Fixed | Stated::Absent => AdvisoryState::Affected,
    }
}
