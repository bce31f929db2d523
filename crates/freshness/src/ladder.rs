//! Which statement decides an age.
//!
//! First what somebody who knows says (the push), then the config's `created`, the newest layer of the history,
//! label and annotation; last, as a bound, the newest thing in the content: the image was not built before. An
//! image is as old as its packages, too: those date from the layer that brought them, or from the content.

use crate::set_aside::{mark, mark_inconsistent, proof};
use imagescan_model::{Age, AgeBound, AgeEvidence, AgeFact, EvidenceSource};
use jiff::Timestamp;

/// Decides the ages of an image at `as_of`. What an earlier call decided is forgotten first.
pub fn date(age: &mut Age, as_of: Timestamp) {
    for fact in [&mut age.build, &mut age.base, &mut age.packages] {
        mark(&mut fact.evidence, as_of);
    }
    let newest = proof(&age.build.evidence);
    mark_inconsistent(&mut age.build.evidence, newest);
    // A lower layer is rightly older than the image's newest content.
    for fact in [&mut age.base, &mut age.packages] {
        let own = proof(&fact.evidence);
        mark_inconsistent(&mut fact.evidence, own);
    }
    for fact in [&mut age.build, &mut age.base, &mut age.packages] {
        decide(fact);
    }
}

/// Claims in the order in which they are asked.
const LADDER: [EvidenceSource; 5] = [
    EvidenceSource::Pushed,
    EvidenceSource::ConfigCreated,
    EvidenceSource::HistoryCreated,
    EvidenceSource::LabelCreated,
    EvidenceSource::AnnotationCreated,
];

fn decide(fact: &mut AgeFact) {
    let newest = |source: EvidenceSource| {
        let counts = |said: &&AgeEvidence| said.source == source && said.set_aside.is_none();
        fact.evidence.iter().filter(counts).filter_map(|said| said.at).max()
    };
    let claimed: Option<Timestamp> = LADDER.into_iter().find_map(newest);
    let bounded = proof(&fact.evidence);
    (fact.at, fact.bound) = match (claimed, bounded) {
        (Some(at), _) => (Some(at), Some(AgeBound::Exact)),
        (None, Some(at)) => (Some(at), Some(AgeBound::AtMost)),
        (None, None) => (None, None),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use imagescan_model::SetAside;

    fn said(source: EvidenceSource, at: &str) -> AgeEvidence {
        let at: Option<Timestamp> = at.parse().ok();
        AgeEvidence { source, at, text: None, layer: None, subject: None, set_aside: None }
    }

    fn build(evidence: &[(EvidenceSource, &str)]) -> AgeFact {
        let mut age = Age::default();
        age.build.evidence = evidence.iter().map(|(source, at)| said(*source, at)).collect();
        date(&mut age, "2026-11-24T00:00:00Z".parse().unwrap());
        age.build
    }

    #[test]
    fn values_that_builders_write_into_every_image_are_set_aside() {
        for (at, reason) in [
            ("0001-01-01T00:00:00Z", SetAside::Sentinel),
            ("1970-01-01T00:00:00Z", SetAside::Sentinel),
            ("1970-01-01T00:00:01Z", SetAside::Sentinel),
            ("1980-01-01T00:00:00Z", SetAside::Sentinel),
            ("1980-01-01T00:00:01Z", SetAside::Sentinel),
            ("1999-01-01T00:00:00Z", SetAside::TooEarly),
            ("2013-03-19T23:59:59Z", SetAside::TooEarly),
            ("2026-11-25T00:00:01Z", SetAside::Future),
            ("nonsense", SetAside::NotADate),
        ] {
            let fact = build(&[(EvidenceSource::ConfigCreated, at)]);
            assert_eq!((fact.at, fact.evidence[0].set_aside), (None, Some(reason)), "{at}");
        }
        for at in ["2013-03-20T00:00:00Z", "2026-11-25T00:00:00Z"] {
            assert_eq!(build(&[(EvidenceSource::ConfigCreated, at)]).bound, Some(AgeBound::Exact), "{at}");
        }
    }

    #[test]
    fn a_claim_older_than_the_content_gives_way_to_the_next_rung() {
        use EvidenceSource::{ConfigCreated, FileModified, HistoryCreated, PackageBuilt};
        let fact = build(&[
            (ConfigCreated, "2024-01-01T00:00:00Z"),
            (HistoryCreated, "2025-06-01T00:00:00Z"),
            (PackageBuilt, "2025-05-01T00:00:00Z"),
        ]);
        assert_eq!(fact.evidence[0].set_aside, Some(SetAside::CreatedInconsistent));
        assert_eq!(fact.at.unwrap().to_string(), "2025-06-01T00:00:00Z");
        let fact = build(&[(ConfigCreated, "1970-01-01T00:00:00Z"), (FileModified, "2025-05-01T00:00:00Z")]);
        assert_eq!(
            (fact.at.unwrap().to_string().as_str(), fact.bound),
            ("2025-05-01T00:00:00Z", Some(AgeBound::AtMost))
        );
        // A day of slack.
        let fact = build(&[(ConfigCreated, "2025-05-01T00:00:00Z"), (FileModified, "2025-05-02T00:00:00Z")]);
        assert_eq!(fact.bound, Some(AgeBound::Exact));
    }

    #[test]
    fn the_history_of_lower_layers_is_rightly_older_than_the_content() {
        use EvidenceSource::{ConfigCreated, FileModified, HistoryCreated};
        let fact = build(&[
            (ConfigCreated, "2026-02-01T00:00:00Z"),
            (HistoryCreated, "2025-12-01T00:00:00Z"),
            (HistoryCreated, "2026-02-01T00:00:00Z"),
            (FileModified, "2026-02-01T00:00:00Z"),
        ]);
        assert!(fact.evidence.iter().all(|said| said.set_aside.is_none()));
        // A history whose newest entry is older than the content lies as a whole.
        let fact = build(&[
            (HistoryCreated, "2025-11-01T00:00:00Z"),
            (HistoryCreated, "2025-12-01T00:00:00Z"),
            (FileModified, "2026-02-01T00:00:00Z"),
        ]);
        let aside = fact.evidence.iter().filter(|said| said.set_aside == Some(SetAside::CreatedInconsistent));
        assert_eq!((aside.count(), fact.bound), (2, Some(AgeBound::AtMost)));
    }

    #[test]
    fn dating_again_forgets_what_was_decided() {
        let mut age = Age::default();
        age.build.evidence = vec![said(EvidenceSource::ConfigCreated, "2026-01-01T00:00:00Z")];
        date(&mut age, "2025-01-01T00:00:00Z".parse().unwrap());
        assert_eq!(age.build.evidence[0].set_aside, Some(SetAside::Future));
        date(&mut age, "2026-06-01T00:00:00Z".parse().unwrap());
        assert_eq!((age.build.evidence[0].set_aside, age.build.bound), (None, Some(AgeBound::Exact)));
    }

    #[test]
    fn old_packages_keep_their_date_under_a_young_build() {
        let mut age = Age::default();
        age.build.evidence = vec![
            said(EvidenceSource::ConfigCreated, "2026-11-01T00:00:00Z"),
            said(EvidenceSource::FileModified, "2026-11-01T00:00:00Z"),
        ];
        age.packages.evidence = vec![
            said(EvidenceSource::HistoryCreated, "2025-01-01T00:00:00Z"),
            said(EvidenceSource::PackageBuilt, "2024-12-31T12:00:00Z"),
        ];
        date(&mut age, "2026-11-24T00:00:00Z".parse().unwrap());
        assert_eq!(age.packages.at.unwrap().to_string(), "2025-01-01T00:00:00Z");
    }
}
