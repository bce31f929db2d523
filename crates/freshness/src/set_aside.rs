//! Which statements about dates do not count.

use imagescan_model::{AgeEvidence, EvidenceSource, SetAside};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// The first public release of Docker, 2013-03-20: no image is older.
const FIRST_IMAGES: i64 = 1_363_737_600;
/// How far ahead of ours a builder's clock may be.
const SKEW: SignedDuration = SignedDuration::from_hours(24);
/// How much older than its content a claim may be: builders write `created` when they begin.
const SLACK: SignedDuration = SignedDuration::from_hours(24);

/// What builders write where they want the same bytes each time: Go's zero time, the epoch (Bazel, jib, ko and
/// distroless; Nix one second later), 1980 (buildpacks, with and without the second).
fn is_sentinel(at: Timestamp) -> bool {
    const GO_ZERO: i64 = -62_135_596_800;
    const YEAR_1980: i64 = 315_532_800;
    matches!(at.as_second(), GO_ZERO | 0 | 1 | YEAR_1980) || at.as_second() == YEAR_1980 + 1
}

/// Whether somebody claims the date, as against the content proving it.
pub(crate) fn is_claim(source: EvidenceSource) -> bool {
    use EvidenceSource as Source;
    match source {
        Source::ConfigCreated | Source::HistoryCreated | Source::LabelCreated | Source::AnnotationCreated => {
            true
        }
        Source::Pushed
        | Source::PackageBuilt
        | Source::PackageInstalled
        | Source::AptLog
        | Source::DpkgLog
        | Source::RepositoryIndex
        | Source::OsRelease
        | Source::FileModified => false,
    }
}

/// Whether the content proves the date: nothing can be older than what is in it.
pub(crate) fn is_content(source: EvidenceSource) -> bool {
    !is_claim(source) && source != EvidenceSource::Pushed
}

/// Marks what does not count at `as_of`, each rung of the ladder alike.
pub(crate) fn mark(evidence: &mut [AgeEvidence], as_of: Timestamp) {
    for said in evidence.iter_mut() {
        said.set_aside = match said.at {
            None => Some(SetAside::NotADate),
            Some(at) if is_sentinel(at) => Some(SetAside::Sentinel),
            Some(at) if at.as_second() < FIRST_IMAGES => Some(SetAside::TooEarly),
            Some(at) if at.duration_since(as_of) > SKEW => Some(SetAside::Future),
            Some(_) => None,
        };
    }
}

/// Marks claims that are older than `proof`, the newest date that the content proves.
///
/// Of one source the newest claim speaks for all: an older one is of a lower layer, and that is rightly older than
/// what the layers above it hold.
pub(crate) fn mark_inconsistent(evidence: &mut [AgeEvidence], proof: Option<Timestamp>) {
    let Some(proof) = proof else { return };
    let counts = |said: &AgeEvidence| said.set_aside.is_none() && is_claim(said.source);
    let mut newest: BTreeMap<EvidenceSource, Timestamp> = BTreeMap::new();
    for said in evidence.iter().filter(|said| counts(said)) {
        if let Some(at) = said.at {
            newest.entry(said.source).and_modify(|known| *known = at.max(*known)).or_insert(at);
        }
    }
    for said in evidence.iter_mut().filter(|said| counts(said)) {
        if newest.get(&said.source).is_some_and(|at| proof.duration_since(*at) > SLACK) {
            said.set_aside = Some(SetAside::CreatedInconsistent);
        }
    }
}

/// The newest date that the content proves.
pub(crate) fn proof(evidence: &[AgeEvidence]) -> Option<Timestamp> {
    let counts = evidence.iter().filter(|said| said.set_aside.is_none() && is_content(said.source));
    counts.filter_map(|said| said.at).max()
}
