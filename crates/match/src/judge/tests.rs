use super::*;
use imagescan_model::{Package, Pro, Release, SourcePackage, System};

fn row(id: &str, state: AdvisoryState, introduced: Option<&str>, fixed: Option<&str>) -> FiledRecord {
    let release = Release::new("debian", "12");
    let record = AdvisoryRecord {
        state,
        fixed_version: fixed.map(String::from),
        introduced: introduced.map(String::from),
        ..AdvisoryRecord::new(release, PackageType::Deb, MatchedBy::Source, "a", id)
    };
    FiledRecord { record, feeds: vec!["debian".into()] }
}

fn key(version: &str) -> MatchKey {
    let system = System { id: Some("debian".into()), version_id: Some("12".into()), ..System::default() };
    let mut package = Package::new(PackageType::Deb, "a1", "9:9");
    package.source = Some(SourcePackage { name: "a".into(), version: Some(version.into()) });
    MatchKey::of(&system, &package)
}

fn verdict(version: &str, rows: &[FiledRecord]) -> (AdvisoryState, Option<String>) {
    let judgements = judge_key(&key(version), rows, &Products::default());
    assert_eq!(judgements.len(), 1);
    (judgements[0].state, judgements[0].fixed_version.map(String::from))
}

#[test]
fn a_version_below_the_fix_is_affected_and_the_fix_itself_is_not() {
    use AdvisoryState::{Affected, NotAffected};
    let rows = [row("CVE-1", Affected, None, Some("1.0-2"))];
    assert_eq!(verdict("1.0-1", &rows), (Affected, Some("1.0-2".into())));
    assert_eq!(verdict("1.0-2~deb12u1", &rows).0, Affected);
    assert_eq!(verdict("1.0-2", &rows), (NotAffected, Some("1.0-2".into())));
}

#[test]
fn several_rows_of_an_id_are_one_judgement() {
    use AdvisoryState::{Affected, FixDeferred, NotAffected};
    let mended = [row("CVE-1", Affected, None, Some("1.0-2")), row("CVE-1", Affected, None, Some("1.0-4"))];
    assert_eq!(verdict("1.0-1", &mended), (Affected, Some("1.0-4".into())));
    assert_eq!(verdict("1.0-3", &mended), (Affected, Some("1.0-4".into())));
    let ranges = [row("CVE-1", Affected, None, Some("1.5")), row("CVE-1", Affected, Some("2.0"), None)];
    assert_eq!(verdict("1.7", &ranges).0, NotAffected);
    assert_eq!(verdict("2.0", &ranges), (Affected, None));
    let denied = [row("CVE-1", Affected, None, Some("9")), row("CVE-1", NotAffected, None, None)];
    assert_eq!(verdict("1", &denied), (NotAffected, None));
    let states = [row("CVE-1", FixDeferred, None, None), row("CVE-1", Affected, None, Some("9"))];
    assert_eq!(verdict("1", &states), (Affected, Some("9".into())));
}

#[test]
fn the_fix_that_a_version_has_is_the_highest_of_those_it_has() {
    use AdvisoryState::{Affected, NotAffected};
    let rows = [
        row("CVE-1", Affected, None, Some("1.5")),
        row("CVE-1", Affected, None, Some("1.7")),
        row("CVE-1", Affected, Some("2.0"), Some("2.2")),
    ];
    assert_eq!(verdict("1.8", &rows), (NotAffected, Some("1.7".into())));
    assert_eq!(verdict("2.3", &rows), (NotAffected, Some("2.2".into())));
    // Before it was brought in there is nothing to fix.
    assert_eq!(verdict("1.8", &rows[2..]), (NotAffected, None));
}

#[test]
fn a_feed_that_knows_why_there_is_no_fix_is_believed() {
    use AdvisoryState::{Affected, EndOfLife, FixDeferred, UnderInvestigation, WillNotFix};
    for (said, over) in [
        (WillNotFix, Affected),
        (FixDeferred, Affected),
        (EndOfLife, Affected),
        (Affected, UnderInvestigation),
    ] {
        let mut rows = [row("CVE-1", said, None, None), row("CVE-1", over, None, None)];
        assert_eq!(verdict("1", &rows), (said, None));
        rows.reverse();
        assert_eq!(verdict("1", &rows), (said, None));
    }
}

#[test]
fn the_feeds_named_are_those_whose_rows_decide() {
    use AdvisoryState::{Affected, NotAffected};
    let of = |feed: &str, state, introduced, fixed| FiledRecord {
        feeds: vec![feed.into()],
        ..row("CVE-1", state, introduced, fixed)
    };
    let feeds = |version: &str, rows: &[FiledRecord]| {
        judge_key(&key(version), rows, &Products::default())
            .iter()
            .map(|found| found.feeds.join(" "))
            .collect::<Vec<_>>()
    };
    let mended = [of("debian", Affected, None, Some("1.0-4")), of("osv", Affected, None, Some("1.0-2"))];
    assert_eq!(feeds("1.0-1", &mended), ["debian"]);
    let alike = [of("debian", Affected, None, Some("2")), of("osv", Affected, Some("1"), Some("2"))];
    assert_eq!(feeds("1.5", &alike), ["debian osv"]);
    assert_eq!(feeds("0.5", &alike), ["debian"]);
    let denied = [of("debian", NotAffected, None, None), of("osv", Affected, None, Some("2"))];
    assert_eq!(feeds("1", &denied), ["debian"]);
}

#[test]
fn a_backport_has_what_its_original_has() {
    use AdvisoryState::{Affected, NotAffected, WillNotFix};
    let rows = [row("CVE-1", Affected, None, Some("1.2-3"))];
    assert_eq!(verdict("1.2-3~bpo12+1", &rows).0, NotAffected);
    assert_eq!(verdict("1.2-2~bpo12+1", &rows).0, Affected);
    assert_eq!(verdict("1.2-2~bpo12+1", &[row("CVE-1", WillNotFix, None, None)]).0, Affected);
}

#[test]
fn rows_of_other_architectures_and_modules_do_not_count() {
    let mut other = row("CVE-1", AdvisoryState::Affected, None, None);
    other.record.architectures = vec!["arm64".into()];
    let mut armed = key("1");
    armed.architecture = Some("amd64".into());
    assert!(judge_key(&armed, &[other.clone()], &Products::default()).is_empty());
    armed.architecture = Some("arm64".into());
    assert_eq!(judge_key(&armed, &[other], &Products::default()).len(), 1);
    let mut module = row("CVE-1", AdvisoryState::Affected, None, None);
    module.record.module = Some("ruby:3.1".into());
    assert!(judge_key(&key("1"), &[module], &Products::default()).is_empty());
}

/// A package of a distribution, with what a test changes of it.
fn rpm(distribution: &str, version_id: &str, version: &str) -> MatchKey {
    let id = Some(distribution.into());
    let system = System { id, version_id: Some(version_id.into()), ..System::default() };
    let mut package = Package::new(PackageType::Rpm, "a", version);
    package.architecture = Some("x86_64".into());
    MatchKey::of(&system, &package)
}

fn of_stream(mut row: FiledRecord, stream: Option<&str>) -> FiledRecord {
    row.record.stream = stream.map(String::from);
    row
}

fn binary(mut row: FiledRecord) -> FiledRecord {
    row.record.matched_by = MatchedBy::Binary;
    row
}

fn state_of(key: &MatchKey, rows: &[FiledRecord]) -> Option<AdvisoryState> {
    judge_key(key, rows, &Products::default()).first().map(|judgement| judgement.state)
}

#[test]
fn a_fix_of_paid_support_is_told_and_does_not_count_without_it() {
    use AdvisoryState::{Affected, NotAffected, WillNotFix};
    let mut plain = key("1.0-1");
    plain.release = Some(Release::new("ubuntu", "18.04"));
    let rows = [
        row("CVE-1", WillNotFix, None, None),
        of_stream(row("CVE-1", Affected, None, Some("1.0-1ubuntu0.1~esm1")), Some("esm-infra")),
    ];
    let judgements = judge_key(&plain, &rows, &Products::default());
    assert_eq!((judgements[0].state, judgements[0].fixed_version), (WillNotFix, None));
    assert_eq!(judgements[0].elsewhere, [("esm-infra", "1.0-1ubuntu0.1~esm1")]);
    let pro = MatchKey { pro: Some(Pro { infra: true, apps: false }), ..plain.clone() };
    let judgements = judge_key(&pro, &rows, &Products::default());
    assert_eq!((judgements[0].state, judgements[0].fixed_version), (Affected, Some("1.0-1ubuntu0.1~esm1")));
    assert_eq!(judgements[0].elsewhere, []);
    // A row of the release alone, and what only support fixes.
    let judgements = judge_key(&plain, &rows[1..], &Products::default());
    assert_eq!((judgements[0].state, judgements[0].elsewhere.len()), (WillNotFix, 1));
    assert_eq!(state_of(&MatchKey { source_version: "2".into(), ..plain }, &rows[1..]), None);
    assert_eq!(state_of(&MatchKey { source_version: "2".into(), ..pro }, &rows), Some(NotAffected));
}

#[test]
fn a_build_of_paid_support_is_judged_by_its_own_rows() {
    use AdvisoryState::{Affected, NotAffected};
    let mut esm = key("1.0-1ubuntu0.1~esm1");
    esm.release = Some(Release::new("ubuntu", "18.04"));
    // The plain row must not beat that of the stream which the build came from.
    let rows = [
        row("CVE-1", Affected, None, None),
        of_stream(row("CVE-1", Affected, None, Some("1.0-1ubuntu0.1~esm1")), Some("esm-apps")),
    ];
    assert_eq!(state_of(&esm, &rows), Some(NotAffected));
}

#[test]
fn oracles_builds_are_compared_with_their_like() {
    use AdvisoryState::{Affected, NotAffected};
    let rows = [
        binary(row("CVE-1", Affected, None, Some("2.17-5.el7"))),
        binary(of_stream(row("CVE-1", Affected, None, Some("2:2.17-3.ksplice1.el7")), Some("ksplice"))),
        binary(of_stream(row("CVE-1", Affected, None, Some("10:1.1-9_fips.el7")), Some("fips"))),
    ];
    assert_eq!(state_of(&rpm("ol", "7.9", "2.17-5.el7"), &rows), Some(NotAffected));
    assert_eq!(state_of(&rpm("ol", "7.9", "2.17-4.el7"), &rows), Some(Affected));
    assert_eq!(state_of(&rpm("ol", "7.9", "2:2.17-2.ksplice1.el7"), &rows), Some(Affected));
    assert_eq!(state_of(&rpm("ol", "7.9", "2:2.17-3.ksplice1.el7"), &rows), Some(NotAffected));
    assert_eq!(state_of(&rpm("ol", "7.9", "10:1.1-9_fips.el7"), &rows), Some(NotAffected));
    assert_eq!(state_of(&rpm("ol", "7.9", "2.17-4.el7"), &rows[1..]), None);
}

#[test]
fn a_fix_of_a_product_that_the_image_has_not_says_nothing() {
    use AdvisoryState::Affected;
    let apps = "cpe:/a:redhat:enterprise_linux:8::appstream";
    let extended = "cpe:/a:redhat:rhel_eus:8.6::appstream";
    let rows = [
        binary(of_stream(row("CVE-1", Affected, None, Some("1-2.el8_6.1")), Some(extended))),
        binary(of_stream(row("CVE-1", Affected, None, Some("1-3.el8_7")), Some(apps))),
    ];
    let fix = |products: &[&str]| {
        let products = Products { cpes: products.iter().map(|cpe| String::from(*cpe)).collect() };
        let key = rpm("rhel", "8.6", "1-1.el8");
        let judgements = judge_key(&key, &rows, &products);
        judgements.first().map(|judgement| judgement.fixed_version.unwrap().to_string())
    };
    assert_eq!(fix(&[]).as_deref(), Some("1-3.el8_7"));
    assert_eq!(fix(&[apps]).as_deref(), Some("1-3.el8_7"));
    assert_eq!(fix(&[extended]).as_deref(), Some("1-2.el8_6.1"));
    assert_eq!(fix(&["cpe:/o:redhat:enterprise_linux:8::baseos"]), None);
}

#[test]
fn a_fix_in_a_repository_goes_before_what_is_said_of_the_product() {
    use AdvisoryState::{Affected, NotAffected, WillNotFix};
    let apps = "cpe:/a:redhat:enterprise_linux:8::appstream";
    let bare = "cpe:/o:redhat:enterprise_linux:8";
    let rows = [
        binary(of_stream(row("CVE-1", Affected, None, Some("1-3.el8")), Some(apps))),
        binary(of_stream(row("CVE-1", WillNotFix, None, None), Some(bare))),
    ];
    assert_eq!(state_of(&rpm("rhel", "8.6", "1-3.el8"), &rows), Some(NotAffected));
    assert_eq!(state_of(&rpm("rhel", "8.6", "1-2.el8"), &rows), Some(Affected));
    assert_eq!(state_of(&rpm("rhel", "8.6", "1-3.el8"), &rows[1..]), Some(WillNotFix));
    // Where the fix is in a product that the image has not, the product's word stands.
    let products = Products { cpes: vec!["cpe:/o:redhat:enterprise_linux:8::baseos".into()] };
    let key = rpm("rhel", "8.6", "1-3.el8");
    assert_eq!(judge_key(&key, &rows, &products)[0].state, WillNotFix);
}

#[test]
fn a_module_fix_and_a_plain_package_have_nothing_to_do_with_each_other() {
    use AdvisoryState::Affected;
    let fix = "1.2-3.module_el8.5.0+119";
    let unlabelled = [binary(row("CVE-1", Affected, None, Some(fix)))];
    assert_eq!(state_of(&rpm("almalinux", "8.5", "1.2-1.el8"), &unlabelled), None);
    assert_eq!(state_of(&rpm("almalinux", "8.5", "1.2-1.module_el8.5.0+1"), &unlabelled), Some(Affected));
    let plain = [binary(row("CVE-1", Affected, None, Some("1.2-3.el8")))];
    assert_eq!(state_of(&rpm("almalinux", "8.5", "1.2-1.module_el8.5.0+1"), &plain), None);
    let mut labelled = binary(row("CVE-1", Affected, None, Some("1.2-3.module+el8+1")));
    labelled.record.module = Some("ruby:1.2".into());
    let mut key = rpm("ol", "8", "1.2-1.module+el8+0");
    // rpm kept no label: a line of versions is one stream.
    assert_eq!(state_of(&key, std::slice::from_ref(&labelled)), Some(Affected));
    key.module = Some("ruby:1.3".into());
    assert_eq!(state_of(&key, &[labelled]), None);
}

#[test]
fn a_source_package_has_no_epoch_to_compare() {
    use AdvisoryState::{Affected, NotAffected};
    let mut key = rpm("azurelinux", "3.0", "4:5.26.3-1.azl3");
    (key.source_name, key.source_version) = ("a".into(), "5.26.3-1.azl3".into());
    assert_eq!(state_of(&key, &[row("CVE-1", Affected, None, Some("4:5.26.3-1.azl3"))]), Some(NotAffected));
    assert_eq!(state_of(&key, &[row("CVE-1", Affected, None, Some("4:5.26.3-2.azl3"))]), Some(Affected));
}

#[test]
fn extras_follow_their_own_line_of_versions() {
    use AdvisoryState::{Affected, NotAffected};
    let rows = [
        binary(row("CVE-1", Affected, None, Some("4.14.300-1.amzn2"))),
        binary(of_stream(row("CVE-1", Affected, None, Some("5.15.90-1.amzn2")), Some("kernel-5.15"))),
    ];
    assert_eq!(state_of(&rpm("amzn", "2", "5.15.80-1.amzn2"), &rows), Some(Affected));
    assert_eq!(state_of(&rpm("amzn", "2", "5.15.90-1.amzn2"), &rows), Some(NotAffected));
    assert_eq!(state_of(&rpm("amzn", "2", "4.14.300-1.amzn2"), &rows), Some(NotAffected));
    assert_eq!(state_of(&rpm("amzn", "2", "4.14.200-1.amzn2"), &rows), Some(Affected));
}

fn fixes_of(key: &MatchKey, rows: &[FiledRecord]) -> (AdvisoryState, Option<String>) {
    let judgements = judge_key(key, rows, &Products::default());
    (judgements[0].state, judgements[0].fixed_version.map(String::from))
}

#[test]
fn builds_of_several_streams_are_told_apart_by_their_versions_where_nothing_else_does() {
    use AdvisoryState::{Affected, NotAffected};
    let fix = |version: &str| binary(row("CVE-1", Affected, None, Some(version)));
    let rows = [fix("1:12.22-1.module_el8+1"), fix("1:14.21-1.module_el8+2"), fix("1:16.13-1.module_el8+3")];
    let of = |version| fixes_of(&rpm("almalinux", "8.5", version), &rows);
    assert_eq!(of("1:14.18-1.module_el8+0"), (Affected, Some("1:14.21-1.module_el8+2".into())));
    assert_eq!(of("1:14.21-1.module_el8+2"), (NotAffected, Some("1:14.21-1.module_el8+2".into())));
    // Where some rows tell the package's own stream, those that tell none say nothing more.
    let mut told = fix("1:14.21-1.module_el8+2");
    told.record.module = Some("nodejs:14".into());
    let mut key = rpm("almalinux", "8.5", "1:14.21-1.module_el8+2");
    key.module = Some("nodejs:14".into());
    assert_eq!(fixes_of(&key, &[fix("1:14.99-1.module_el8+2"), told]).0, NotAffected);
}

#[test]
fn a_stream_named_after_a_version_has_builds_of_that_version_only() {
    let mut fix = binary(row("CVE-1", AdvisoryState::Affected, None, Some("1:14.21.1-1.module+el8+2")));
    fix.record.module = Some("nodejs:14".into());
    let of = |version| state_of(&rpm("ol", "8", version), std::slice::from_ref(&fix));
    assert_eq!(of("1:14.18.2-1.module+el8+1"), Some(AdvisoryState::Affected));
    assert_eq!(of("1:12.22.2-1.module+el8+1"), None);
}

#[test]
fn whoever_has_any_of_several_builds_of_one_advisory_has_it_fixed() {
    use AdvisoryState::{Affected, NotAffected};
    let by = |id: &str, version: &str| {
        let mut row = binary(row("CVE-1", Affected, None, Some(version)));
        row.record.advisories =
            vec![imagescan_model::AdvisoryReference { id: id.into(), url: None, date: None }];
        row
    };
    let rows = [by("ALSA-1", "2:8.0-16.el8"), by("ALSA-1", "2:8.0-16.el8_5.13")];
    let of = |version, rows: &[FiledRecord]| fixes_of(&rpm("almalinux", "8.5", version), rows);
    assert_eq!(of("2:8.0-16.el8_5.4", &rows), (NotAffected, Some("2:8.0-16.el8".into())));
    assert_eq!(of("2:8.0-15.el8", &rows), (Affected, Some("2:8.0-16.el8".into())));
    // A later advisory is another matter.
    let later = [rows[0].clone(), by("ALSA-2", "2:8.0-17.el8")];
    assert_eq!(of("2:8.0-16.el8", &later), (Affected, Some("2:8.0-17.el8".into())));
}

#[test]
fn oracle_names_the_architecture_of_the_system() {
    let mut fix = binary(row("CVE-1", AdvisoryState::Affected, None, Some("2-1.el8")));
    fix.record.architectures = vec!["x86_64".into()];
    let of = |distribution, architecture: &str| {
        let mut key = rpm(distribution, "8", "1-1.el8");
        key.architecture = Some(architecture.into());
        state_of(&key, std::slice::from_ref(&fix))
    };
    assert_eq!(of("ol", "i686"), Some(AdvisoryState::Affected));
    assert_eq!(of("ol", "aarch64"), None);
    assert_eq!(of("rhel", "i686"), None);
}

#[test]
fn who_has_a_build_of_suses_longer_support_has_its_fix() {
    use AdvisoryState::{Affected, NotAffected, WillNotFix};
    let rows = [
        binary(row("CVE-1", Affected, None, None)),
        binary(of_stream(row("CVE-1", Affected, None, Some("9.0-150400.5")), Some("ltss"))),
    ];
    let of = |version, rows: &[FiledRecord]| fixes_of(&rpm("sles", "15.4", version), rows);
    assert_eq!(of("9.0-150400.5", &rows), (NotAffected, Some("9.0-150400.5".into())));
    assert_eq!(of("9.0-150400.4", &rows), (Affected, None));
    assert_eq!(of("9.0-150400.4", &rows[1..]), (WillNotFix, None));
    assert_eq!(of("9.0-150400.5", &rows[1..]).0, NotAffected);
    // What is fixed for all is judged by that.
    let mended = [binary(row("CVE-1", Affected, None, Some("9.0-150400.9"))), rows[1].clone()];
    assert_eq!(of("9.0-150400.6", &mended), (Affected, Some("9.0-150400.9".into())));
}

#[test]
fn repositories_that_everybody_has_are_no_paid_support() {
    use AdvisoryState::{Affected, WillNotFix};
    let of = |key: &MatchKey, stream| {
        let row = binary(of_stream(row("CVE-1", Affected, None, Some("2-1")), Some(stream)));
        state_of(key, &[row])
    };
    let mut key = rpm("sles", "15.4", "1-1");
    assert_eq!(of(&key, "packagehub"), Some(Affected));
    assert_eq!(of(&key, "sap"), Some(WillNotFix));
    key.conditions = vec!["cpe:/o:suse:sles_sap:15:sp4".into()];
    assert_eq!(of(&key, "sap"), Some(Affected));
    assert_eq!(of(&key, "ltss"), Some(WillNotFix));
    assert_eq!(of(&rpm("sl-micro", "6.0", "1-1"), "extreme"), Some(WillNotFix));
}

fn ubuntu(version: &str) -> MatchKey {
    MatchKey { release: Some(Release::new("ubuntu", "18.04")), ..key(version) }
}

#[test]
fn what_esm_calls_not_affected_is_not_affected_where_support_has_ended() {
    use AdvisoryState::{Affected, EndOfLife, NotAffected, WillNotFix};
    let denied = of_stream(row("CVE-1", NotAffected, None, None), Some("esm-infra"));
    let of = |state| state_of(&ubuntu("1"), &[row("CVE-1", state, None, None), denied.clone()]);
    assert_eq!(of(EndOfLife), Some(NotAffected));
    // Somebody did look at these.
    assert_eq!((of(WillNotFix), of(Affected)), (Some(WillNotFix), Some(Affected)));
    let fips = of_stream(row("CVE-1", NotAffected, None, None), Some("fips"));
    assert_eq!(state_of(&ubuntu("1"), &[row("CVE-1", EndOfLife, None, None), fips]), Some(EndOfLife));
    assert_eq!(state_of(&ubuntu("1"), &[denied]), None);
}

#[test]
fn what_only_fips_or_real_time_builds_have_says_nothing_of_the_release() {
    use AdvisoryState::{Affected, WillNotFix};
    let of = |stream| {
        let row = of_stream(row("CVE-1", Affected, None, Some("1.1.1-1ubuntu2.fips.9")), Some(stream));
        (
            state_of(&ubuntu("1.1.1-1ubuntu2.1"), std::slice::from_ref(&row)),
            state_of(&ubuntu("1.1.1-1ubuntu2.fips.1"), &[row]),
        )
    };
    assert_eq!(of("fips-updates"), (None, Some(Affected)));
    assert_eq!(of("realtime"), (None, None));
    assert_eq!(of("esm-apps"), (Some(WillNotFix), Some(WillNotFix)));
}
