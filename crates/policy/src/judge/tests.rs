use super::*;
use imagescan_model::{
    Age, AgeBound, AgeConfidence, AgeEvidence, AgeFact, Clock, EvidenceSource, Incomplete, Layer, LayerRead,
    Package, PackageType,
};

fn fact(source: EvidenceSource, at: &str, bound: AgeBound) -> AgeFact {
    let at: Option<Timestamp> = at.parse().ok();
    let said = AgeEvidence { source, at, text: None, layer: None, subject: None, set_aside: None };
    AgeFact { at, bound: at.map(|_| bound), evidence: vec![said] }
}

fn built(at: &str) -> Inventory {
    let build = fact(EvidenceSource::ConfigCreated, at, AgeBound::Exact);
    Inventory { age: Some(Age { build, ..Age::default() }), ..Inventory::default() }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Exit code and (level, rule) of each outcome, and the inventory after.
fn verdict(policy: &str, mut inventory: Inventory, as_of: &str) -> (u8, Vec<(Level, String)>, Inventory) {
    let policy = Policy::parse(&format!("version = 1\n{policy}")).unwrap();
    let verdict = judge(&policy, &mut inventory, Known::Findings(&[]), at(as_of), FailOn::Deny);
    let rules = verdict.rules.into_iter().map(|rule| (rule.level, rule.rule)).collect();
    (verdict.exit_code.into(), rules, inventory)
}

#[test]
fn the_last_instant_passes_and_the_next_nanosecond_fails() {
    for (created, last, next) in [
        ("2026-05-24T12:00:00Z", "2026-11-24T12:00:00Z", "2026-11-24T12:00:00.000000001Z"),
        ("2025-08-31T00:00:00Z", "2026-02-28T00:00:00Z", "2026-02-28T00:00:00.000000001Z"),
        ("2023-08-31T00:00:00Z", "2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000001Z"),
    ] {
        let (code, rules, inventory) = verdict("", built(created), last);
        assert_eq!((code, rules), (0, vec![(Level::Warn, "lifespan.max_age".into())]), "{created}");
        assert_eq!(inventory.age.unwrap().judged.unwrap().expires_at, Some(at(last)));
        assert_eq!(verdict("", built(created), next).0, 1, "{created}");
    }
}

#[test]
fn it_warns_before_the_end_and_during_the_grace() {
    let policy = "[lifespan]\nmax_age = \"90d\"\nwarn_before = \"10d\"\ngrace = \"7d\"";
    for (as_of, code, level) in [
        ("2026-03-21T23:59:59Z", 0, None),
        ("2026-03-22T00:00:00Z", 0, Some(Level::Warn)),
        ("2026-04-01T00:00:01Z", 0, Some(Level::Warn)),
        ("2026-04-08T00:00:00Z", 0, Some(Level::Warn)),
        ("2026-04-08T00:00:01Z", 1, Some(Level::Deny)),
    ] {
        let (got, rules, _) = verdict(policy, built("2026-01-01T00:00:00Z"), as_of);
        assert_eq!((got, rules.first().map(|rule| rule.0)), (code, level), "{as_of}");
    }
}

#[test]
fn a_push_counts_only_where_somebody_knows_it() {
    let policy = "[lifespan]\nclock = \"pushed\"";
    let clock =
        |inventory| verdict(policy, inventory, "2026-02-01T00:00:00Z").2.age.unwrap().judged.unwrap().clock;
    assert_eq!(clock(built("2026-01-01T00:00:00Z")), Clock::Build);
    let build = fact(EvidenceSource::Pushed, "2026-01-02T00:00:00Z", AgeBound::Exact);
    let pushed = Inventory { age: Some(Age { build, ..Age::default() }), ..Inventory::default() };
    assert_eq!(clock(pushed), Clock::Pushed);
}

#[test]
fn the_strictest_clock_is_the_older_one() {
    let mut inventory = built("2026-11-01T00:00:00Z");
    inventory.age.as_mut().unwrap().packages =
        fact(EvidenceSource::HistoryCreated, "2025-01-01T00:00:00Z", AgeBound::Exact);
    let (code, rules, after) = verdict("", inventory.clone(), "2026-11-24T00:00:00Z");
    assert_eq!((code, rules[0].1.as_str()), (1, "lifespan.max_age"));
    assert_eq!(after.age.unwrap().judged.unwrap().clock, Clock::Packages);
    assert_eq!(verdict("[lifespan]\nclock = \"build\"", inventory, "2026-11-24T00:00:00Z").0, 0);
}

#[test]
fn of_a_history_that_lies_the_newest_entry_is_named() {
    let mut inventory = built("2026-11-01T00:00:00Z");
    let said = |day: &str| AgeEvidence {
        set_aside: Some(imagescan_model::SetAside::CreatedInconsistent),
        ..fact(EvidenceSource::HistoryCreated, day, AgeBound::Exact).evidence.remove(0)
    };
    let evidence = &mut inventory.age.as_mut().unwrap().build.evidence;
    evidence.extend([said("2025-01-01T00:00:00Z"), said("2025-03-01T00:00:00Z")]);
    let as_of = at("2026-11-24T00:00:00Z");
    let verdict = judge(&Policy::default(), &mut inventory, Known::Findings(&[]), as_of, FailOn::Deny);
    let note = verdict.rules.iter().find(|rule| rule.rule == "created-inconsistent").unwrap();
    assert!(note.actual.as_ref().unwrap().contains("history created 2025-03-01"), "{note:?}");
}

#[test]
fn a_bound_passes_within_the_limit_and_beyond_it_is_unknown() {
    let bounded = |at: &str| {
        let build = fact(EvidenceSource::FileModified, at, AgeBound::AtMost);
        Inventory { age: Some(Age { build, ..Age::default() }), ..Inventory::default() }
    };
    assert_eq!(verdict("", bounded("2026-11-01T00:00:00Z"), "2026-11-24T00:00:00Z").0, 0);
    for (level, code) in [("deny", 1), ("warn", 0), ("inconclusive", 4)] {
        let policy = format!("[lifespan]\nunknown_age = \"{level}\"");
        let (got, rules, after) = verdict(&policy, bounded("2025-01-01T00:00:00Z"), "2026-11-24T00:00:00Z");
        assert_eq!((got, rules[0].1.as_str()), (code, "lifespan.unknown_age"), "{level}");
        assert_eq!(after.age.unwrap().judged.unwrap().confidence, AgeConfidence::Low);
        let none = Inventory { age: Some(Age::default()), ..Inventory::default() };
        assert_eq!(verdict(&policy, none, "2026-11-24T00:00:00Z").0, code);
    }
}

#[test]
fn a_base_has_its_own_limit_and_a_list_of_packages_has_no_age() {
    let mut inventory = built("2026-11-01T00:00:00Z");
    inventory.age.as_mut().unwrap().base =
        fact(EvidenceSource::HistoryCreated, "2026-01-01T00:00:00Z", AgeBound::Exact);
    let (code, rules, _) = verdict("[lifespan]\nmax_base_age = \"90d\"", inventory, "2026-11-24T00:00:00Z");
    assert_eq!((code, rules[0].1.as_str()), (1, "lifespan.max_base_age"));
    assert_eq!(verdict("", Inventory::default(), "2026-11-24T00:00:00Z").0, 0);
    assert_eq!(
        verdict("[lifespan]\nlevel = \"off\"", built("2020-01-01T00:00:00Z"), "2026-11-24T00:00:00Z").0,
        0
    );
}

#[test]
fn the_worst_counts_in_the_order_3_1_4_0() {
    let lacks = |what| Incomplete { what, path: None, why: String::new() };
    let young = "2026-11-01T00:00:00Z";
    let with = |created: &str, what: &[IncompleteKind]| Inventory {
        incomplete: what.iter().map(|what| lacks(*what)).collect(),
        ..built(created)
    };
    let code = |inventory| verdict("", inventory, "2026-11-24T00:00:00Z").0;
    assert_eq!(code(with(young, &[IncompleteKind::NoPackageDatabase])), 4);
    assert_eq!(code(with("2020-01-01T00:00:00Z", &[IncompleteKind::NoPackageDatabase])), 1);
    assert_eq!(code(with("2020-01-01T00:00:00Z", &[IncompleteKind::Layer])), 3);
    assert_eq!(code(with(young, &[IncompleteKind::Link])), 0);
    let allowed = verdict(
        "[os]\nno_packages = \"allow\"",
        with(young, &[IncompleteKind::NoPackageDatabase]),
        "2026-11-24T00:00:00Z",
    );
    assert_eq!((allowed.0, allowed.1), (0, Vec::new()));
}

#[test]
fn not_to_know_is_inconclusive_and_fail_on_changes_only_denials() {
    let mut inventory = built("2026-11-01T00:00:00Z");
    inventory.packages.push(Package::new(PackageType::Deb, "a", "1"));
    let as_of = at("2026-11-24T00:00:00Z");
    let code = |mut inventory: Inventory, known: Known<'_>, fail_on| {
        judge(&Policy::default(), &mut inventory, known, as_of, fail_on).exit_code
    };
    assert_eq!(code(inventory.clone(), Known::NoDatabase(None), FailOn::Never), ExitCode::Inconclusive);
    assert_eq!(code(inventory, Known::Findings(&[]), FailOn::Deny), ExitCode::Passed);
    assert_eq!(code(built("2020-01-01T00:00:00Z"), Known::Findings(&[]), FailOn::Never), ExitCode::Passed);
    assert_eq!(code(built("2026-06-01T00:00:00Z"), Known::Findings(&[]), FailOn::Warn), ExitCode::Denied);
}

#[test]
fn a_layer_that_was_not_read_as_a_whole_can_be_refused() {
    let layer = |index, read| Layer { index, read: Some(read), ..Layer::default() };
    let layers = vec![layer(0, LayerRead::Whole), layer(1, LayerRead::Lazy)];
    let lazy = Inventory { layers, ..built("2026-11-01T00:00:00Z") };
    let verdict = |policy: &str| verdict(policy, lazy.clone(), "2026-11-24T00:00:00Z");
    assert_eq!(verdict("").0, 0);
    assert_eq!(verdict("[trust]\nlazy_layers = \"allow\"").0, 0);
    assert_eq!(verdict("[trust]\nlazy_layers = \"warn\"").0, 0);
    let denied = verdict("[trust]\nlazy_layers = \"deny\"");
    assert_eq!(denied.0, 1);
    assert!(denied.1.iter().any(|rule| rule.1 == "trust.lazy_layers"), "{:?}", denied.1);
}

#[test]
fn every_rule_has_a_section_in_the_documentation() {
    let documentation = include_str!("../../../../docs/policy.md");
    for rule in crate::RULES {
        assert!(documentation.contains(&format!("### `{rule}`")), "{rule}");
    }
}
