use super::*;
use crate::parse::Input;
use crate::testing::{dropped, read};

fn lines(name: &str, text: &str) -> Result<(Vec<String>, Vec<String>), FeedError> {
    let (records, summary) = read("lifecycles", &[Input { name, bytes: text.as_bytes() }])?;
    let line = |record| match record {
        Record::Lifecycle(record) => {
            let dates = [record.released, record.standard_end, record.extended_end, record.paid_end];
            let dates = dates.map(|date| date.map_or("-".into(), |date| date.to_string()));
            format!("{} {} {}", record.release, dates.join(" "), record.source)
        }
        record => format!("{record:?}"),
    };
    Ok((records.into_iter().map(line).collect(), dropped(&summary)))
}

#[test]
fn codenames_tell_the_distribution_of_distro_info() {
    let debian = "version,codename,series,created,release,eol,eol-lts,eol-elts\n\
        3.1,Sarge,sarge,2002-07-19,2005-06-06,2008-03-30\n\
        12,Bookworm,bookworm,2021-08-14,2023-06-10,2026-07-11,2028-06-30,2033-06-30\n\
        14,Forky,forky,2025-08-09\n,Sid,sid,1993-08-16\n";
    assert_eq!(
        lines("x", debian).unwrap(),
        (
            vec![
                "debian:sarge 2005-06-06 2008-03-30 - - distro-info-data".into(),
                "debian:12 2023-06-10 2026-07-11 2028-06-30 2033-06-30 distro-info-data".into(),
            ],
            vec!["a release without a day, such as sid: 2".into()]
        )
    );
    let ubuntu = "version,codename,series,created,release,eol,eol-server,eol-esm,eol-legacy\n\
        24.04 LTS,Noble Numbat,noble,2023-10-12,2024-04-25,2029-05-31,2029-05-31,2034-04-25,2039-04-28\n\
        18.04 LTS,Bionic Beaver,bionic,2017-10-19,2018-04-26,2023-05-31,2023-05-31,2028-04-01\n\
        99.10,Zealous Zebra,zealous,2099-04-24,2099-10-15,2100-07-15\n";
    assert_eq!(
        lines("x", ubuntu).unwrap().0,
        [
            "ubuntu:24.04 2024-04-25 2029-05-31 - 2039-04-28 distro-info-data",
            "ubuntu:18.04 2018-04-26 2023-05-31 - 2028-04-01 distro-info-data",
            "ubuntu:99.10 2099-10-15 2100-07-15 - - distro-info-data",
        ]
    );
    let devuan =
        "version,codename,series,created,release,eol\n1,Jessie,jessie,2014-11-26,2017-05-25,2020-06-30\n";
    let elxr = "version,codename,series,created,release,eol,eol-lts,eol-elts\n12.11,aria,aria,2024-06-22\n";
    for other in [devuan, elxr] {
        assert_eq!(lines("x", other).unwrap().1, ["a release of another distribution: 1"]);
    }
}

#[test]
fn every_row_of_our_table_is_read() {
    let table = include_str!("../../../../vuln-feeds/lifecycles-table.csv");
    let (lines, dropped) = lines("x", table).unwrap();
    assert_eq!((lines.len(), dropped.len()), (111, 0));
    assert!(lines.contains(
        &"rhel:8 2019-05-07 2024-05-31 2029-05-31 2033-05-31 https://access.redhat.com/support/policy/updates/errata"
            .into()
    ));
    let mut releases: Vec<&str> = lines.iter().filter_map(|line| line.split(' ').next()).collect();
    releases.sort_unstable();
    releases.dedup();
    assert_eq!(releases.len(), 111, "a release stands twice");
}

#[test]
fn columns_of_endoflife_date_mean_what_the_product_says() {
    let of = |product: &str, cycle: &str| {
        let text = format!(
            r#"{{"result": [{{"name": "{product}", "releases": [{{"name": "{cycle}", "releaseDate": "2020-01-01",
            "eoasFrom": "2021-01-01", "eolFrom": "2022-01-01", "eoesFrom": "2023-01-01"}}]}}]}}"#
        );
        let (lines, dropped) = lines("x", &text).unwrap();
        [lines, dropped].concat().join(";").replace(" endoflife.date", "").replace("-01-01", "")
    };
    assert_eq!(of("rhel", "9"), "rhel:9 2020 2021 2022 2023");
    assert_eq!(of("sles", "15.5"), "sles:15.5 2020 2022 - 2023");
    assert_eq!(of("sles", "15.0"), "sles:15 2020 2022 - 2023");
    assert_eq!(of("ubuntu", "22.04"), "ubuntu:22.04 2020 2022 - 2023");
    assert_eq!(of("debian", "12"), "debian:12 2020 2022 2023 -");
    assert_eq!(of("alpine-linux", "3.20"), "alpine:3.20 2020 2022 2023 -");
    assert_eq!(of("amazon-linux", "2023"), "amzn:2023 2020 2021 2022 2023");
    assert_eq!(of("amazon-linux", "2017.09"), "a release that advisories do not tell apart: 1");
    assert_eq!(of("centos-stream", "8"), "a product that is no distribution of ours: 1");
}

#[test]
fn a_file_of_release_data_is_told_by_its_name() {
    let text = r#"{"releases": {"9": {"name": "9", "releaseDate": "2022-07-06", "eol": "2032-06-30", "eoes": false},
        "10": {"name": "10", "eol": false}}, "versions": {}}"#;
    assert_eq!(
        lines("releases/oracle-linux.json", text).unwrap(),
        (
            vec!["ol:9 2022-07-06 2032-06-30 - - endoflife.date".into()],
            vec!["a release without a day, such as sid: 1".into()]
        )
    );
    assert_eq!(lines("x/angular.json", text).unwrap().1, ["a product that is no distribution of ours: 1"]);
}

#[test]
fn damage_is_an_error() {
    let head = "release,released,standard_end,extended_end,paid_end,source\n";
    for text in [
        String::new(),
        "[]\n".into(),
        "{}".into(),
        r#"{"result": 1}"#.into(),
        r#"{"result": [{"name": "rhel", "releases": [{"name": "9", "eolFrom": "soon"}]}]}"#.into(),
        format!("{head}rhel:9,,,,\n"),
        format!("{head}rhel:9,soon,,,,x\n"),
        format!("{head}r hel:9,,,,,x\n"),
        format!("{head}rhel:9,,,,,x"),
        "version,codename,series,created,release,eol\n1,2,3,4,5,6,7\n".into(),
        "release,released,end\nrhel:9,2020-01-01,2021-01-01\n".into(),
    ] {
        assert!(lines("x", &text).is_err(), "{text}");
    }
}

#[test]
fn a_table_that_was_cut_within_a_row_is_an_error() {
    let table = include_str!("../../../../vuln-feeds/samples/lifecycles/lifecycles-table.csv");
    let ubuntu = include_str!("../../../../vuln-feeds/samples/lifecycles/ubuntu.csv");
    for text in [table, ubuntu] {
        for end in 0..text.len() {
            assert!(text[..end].ends_with('\n') || lines("x", &text[..end]).is_err(), "{end}");
        }
    }
}
