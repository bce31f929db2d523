//! The command line itself: exit codes, outputs, help.

mod support;

use std::fs;
use support::*;

#[test]
fn every_exit_code_has_its_case() {
    let place = Place::new();
    let db = place.database();
    let young = place.layout(&[debian()]);
    let at = |as_of: &str| run(&["scan", &young, "--db", &db, "--as-of", as_of, "-q"]).code;
    assert_eq!(at("2026-11-24"), 0);
    assert_eq!(at("2027-11-24"), 1);
    let absent = place.path("absent").display().to_string();
    assert_eq!(run(&["scan", &absent, "--db", &db, "-q"]).code, 3);
    assert_eq!(run(&["scan", &young, "--db", &absent, "-q"]).code, 2);
    let none = run(&["scan", &young, "--as-of", AS_OF, "-q", "--cache-dir", &absent]);
    assert_eq!(none.code, 4);
    assert!(none.stdout.contains("there is no advisory database"), "{}", none.stdout);
    assert!(!none.stdout.to_lowercase().contains("no known vuln"), "{}", none.stdout);
}

#[test]
fn a_folder_without_a_database_is_inconclusive_and_a_damaged_one_fails() {
    let place = Place::new();
    let db = place.database();
    let image = place.layout(&[debian()]);
    fs::create_dir(place.path("empty")).unwrap();
    let empty = place.path("empty").display().to_string();
    let scan = |db: &str| scan(&image, db);
    let said = scan(&empty);
    assert_eq!(said.code, 4, "{said:?}");
    let document = said.json();
    let rule = &document["images"][0]["verdict"]["rules"][0];
    assert_eq!(rule["rule"], "no-knowledge");
    for part in ["actual", "fix"] {
        assert!(rule[part].as_str().unwrap().contains(&empty), "{rule}");
    }
    assert!(rule["fix"].as_str().unwrap().contains("imagescan db build"), "{rule}");
    for command in [&["info"][..], &["verify"], &["lookup", "--distro", "debian:12", "bash"]] {
        let said = run(&[&["db"], command, &["--db", &empty]].concat());
        assert_eq!(said.code, 4, "{said:?}");
        assert!(said.stderr.contains(&empty) && said.stderr.contains("imagescan db build"), "{said:?}");
    }
    let manifest = format!("{db}/manifest");
    let whole = fs::read(&manifest).unwrap();
    fs::remove_file(&manifest).unwrap();
    fs::write(&manifest, &whole[..whole.len() - 1]).unwrap();
    let said = scan(&db);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.stderr.contains("damaged"), "{}", said.stderr);
}

#[test]
fn of_several_targets_the_worst_counts_and_one_that_fails_stops_no_other() {
    let place = Place::new();
    let db = place.database();
    let image = place.layout(&[debian()]);
    let absent = place.path("absent").display().to_string();
    let said = run(&["scan", &absent, &image, "--db", &db, "--as-of", "2027-11-24", "-o", "json", "-q"]);
    let document = said.json();
    let codes: Vec<_> = document["images"]
        .as_array()
        .unwrap()
        .iter()
        .map(|image| image["verdict"]["exit_code"].as_u64().unwrap())
        .collect();
    assert_eq!((said.code, codes), (3, vec![3, 1]));
    assert!(said.stderr.starts_with("error: "), "{}", said.stderr);
    let list = place.write("list", format!("# ours\n{image}\n\n{image}\n").as_bytes()).display().to_string();
    let said = run(&["scan", "--targets-file", &list, "--db", &db, "--as-of", AS_OF, "-o", "json", "-q"]);
    assert_eq!(said.json()["images"].as_array().unwrap().len(), 2);
}

#[test]
fn fail_on_changes_the_code_and_nothing_else() {
    let place = Place::new();
    let db = place.database();
    let image = place.layout(&[debian()]);
    let with = |level: &str, as_of: &str| {
        run(&["scan", &image, "--db", &db, "--as-of", as_of, "--fail-on", level, "-o", "json", "-q"])
    };
    let never = with("never", "2027-11-24");
    assert_eq!((never.code, never.json()["images"][0]["verdict"]["result"].as_str()), (0, Some("denied")));
    // Within thirty days of the end: a warning.
    assert_eq!(with("deny", "2027-03-25").code, 0);
    assert_eq!(with("warn", "2027-03-25").code, 1);
}

#[test]
fn wrong_usage_and_invalid_policies_are_code_2() {
    let place = Place::new();
    let image = place.layout(&[debian()]);
    let policy =
        place.write("policy.toml", b"version = 1\n[lifespan]\nmax_agee = \"6mo\"\n").display().to_string();
    let said = run(&["scan", &image, "--policy", &policy]);
    assert_eq!(said.code, 2);
    assert!(
        said.stderr.contains("line 3: unknown key `lifespan.max_agee`: did you mean `max_age`?"),
        "{}",
        said.stderr
    );
    let absent = place.path("absent").display().to_string();
    for arguments in [
        &["scan"][..],
        &["scan", &image, "-o", "pdf"],
        &["scan", &image, "--as-of", "yesterday"],
        &["scan", &image, "--platform", "linux"],
        &["scan", &image, "--policy", &absent],
        &["scan", "--targets-file", &absent],
        &["scan", &image, "--jobs", "0"],
        &["inventory", &image, "-o", "table"],
        &["inventory", "purl:-", "inventory:-"],
        &["db", "build", "-o", &absent, "--input", "nofeed=/etc/hostname"],
        &["db", "build", "-o", &absent, "--input", "debian"],
        &["compare-versions", "npm", "1", "2"],
        &["frobnicate"],
    ] {
        let said = run(arguments);
        assert_eq!(said.code, 2, "{arguments:?}: {said:?}");
        assert!(said.stdout.is_empty() && !said.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn reports_go_to_files_whole_and_to_several_places() {
    let place = Place::new();
    let db = place.database();
    let image = place.layout(&[debian()]);
    let file = place.write("report.json", b"old").display().to_string();
    let said = run(&[
        "scan",
        &image,
        "--db",
        &db,
        "--as-of",
        AS_OF,
        "-q",
        "-o",
        "table",
        "-o",
        &format!("json={file}"),
    ]);
    assert!(said.stdout.contains("PASSED"), "{}", said.stdout);
    let written = fs::read_to_string(&file).unwrap();
    assert_eq!(written, scan(&image, &db).stdout);
    assert_eq!(
        fs::read_dir(place.0.path())
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".tmp"))
            .count(),
        0
    );
    let nowhere = format!("json={}/no/such/folder", place.0.path().display());
    let failed = run(&["scan", &image, "--db", &db, "--as-of", AS_OF, "-q", "-o", &nowhere]);
    assert_eq!(failed.code, 3);
    assert!(failed.stderr.contains("cannot write"), "{}", failed.stderr);
}

#[test]
fn a_report_goes_where_links_lead_and_what_is_open_is_written_to() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let place = Place::new();
    let (db, image) = (place.database(), place.layout(&[debian()]));
    let arguments = |file: &std::path::Path| {
        let output = format!("json={}", file.display());
        let arguments = ["scan", &image, "--db", &db, "--as-of", AS_OF, "-q", "-o", &output];
        arguments.map(String::from)
    };
    let expected = scan(&image, &db).stdout;
    let file = place.write("private.json", b"old");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let link = place.path("link.json");
    symlink("private.json", &link).unwrap();
    run(&arguments(&link).each_ref().map(String::as_str));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&file).unwrap(), expected);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let redirected = fs::File::create(place.path("redirected")).unwrap();
    let stdout = arguments(std::path::Path::new("/dev/stdout"));
    let status = command(&stdout.each_ref().map(String::as_str)).stdout(redirected).status().unwrap();
    assert!(status.success());
    assert_eq!(fs::read_to_string(place.path("redirected")).unwrap(), expected);
    assert!(fs::symlink_metadata("/dev/stdout").unwrap().is_symlink());
}

#[test]
fn findings_are_in_the_report_with_what_is_not_affected_on_demand() {
    let place = Place::new();
    let db = place.database();
    let said = scan(&place.layout(&[debian()]), &db);
    let finding = &said.json()["images"][0]["findings"][0];
    assert_eq!(finding["id"], "CVE-2024-0001");
    assert_eq!(
        (finding["state"].as_str(), finding["fixed_version"].as_str()),
        (Some("affected"), Some("5.2.15-3"))
    );
    let fixed = Tar::new()
        .file("etc/os-release", OS_RELEASE.as_bytes())
        .file("var/lib/dpkg/status", status(&[("bash", "5.2.15-3")]).as_bytes())
        .build();
    let image = place.layout(&[fixed]);
    assert_eq!(scan(&image, &db).json()["images"][0]["findings"].as_array().unwrap().len(), 0);
    let all = run(&["scan", &image, "--db", &db, "--as-of", AS_OF, "-o", "json", "-q", "--all"]);
    assert_eq!(all.json()["images"][0]["findings"][0]["state"], "not_affected");
}

/// Nothing in it varies: stored layers, the committed samples, a fixed instant, a target named from its own folder.
#[test]
fn the_json_report_stays_what_it_is() {
    let place = Place::new();
    let zlib = status(&[("zlib1g", "1:1.2.13.dfsg-1")]).replace("\n\n", "\nSource: zlib\n\n");
    let held = "Package: libcurl4\nStatus: hold ok installed\nArchitecture: amd64\nSource: curl\n\
        Version: 7.88.1-10+deb12u3\n\n";
    let base = Tar::new()
        .file("etc/os-release", OS_RELEASE.as_bytes())
        .file("var/lib/dpkg/status", zlib.as_bytes())
        .build();
    let top = Tar::new()
        .file("var/lib/dpkg/status", format!("{zlib}{held}").as_bytes())
        .file("lib/apk/db/installed", b"P:musl\nV:1.2.5-r0\nA:x86_64\no:musl\n\n")
        .file("app/node_modules/a/package.json", b"{\"name\": \"a\"}")
        .build();
    place.layout_with(&[base, top], |layer| (layer.to_vec(), ""));
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vuln-feeds/samples");
    let inputs: Vec<String> =
        ["alpine", "debian", "osv"].iter().map(|feed| format!("{feed}={samples}/{feed}")).collect();
    let mut build = vec!["db", "build", "-o", "db", "--as-of", AS_OF];
    inputs.iter().for_each(|input| build.extend(["--input", input]));
    assert_eq!(run_in(place.0.path(), &build).code, 0);
    let scan = ["scan", "oci:image", "--db", "db", "--as-of", AS_OF, "-o", "json", "-q"];
    let said = run_in(place.0.path(), &scan);
    // What the database's own format decides is not of the report.
    let knowledge = said.json()["knowledge"].clone();
    let mut report = said.stdout;
    for of_format in knowledge["segments"].as_array().unwrap().iter().chain([&knowledge]) {
        report = report.replace(of_format["digest"].as_str().unwrap(), "sha256:[of the file]");
        if let Some(size) = of_format["size"].as_u64() {
            report = report.replacen(&format!("\"size\": {size}\n"), "\"size\": 0\n", 1);
        }
    }
    insta::assert_snapshot!("report", report);
}

#[test]
fn a_release_that_no_feed_covers_is_never_clean() {
    let place = Place::new();
    let db = place.database();
    for (os_release, kind) in
        [("ID=debian\nVERSION_ID=99\n", "not-covered"), ("NAME=nothing\n", "unknown-system")]
    {
        let layer = Tar::new()
            .file("etc/os-release", os_release.as_bytes())
            .file("var/lib/dpkg/status", status(&[("bash", "1")]).as_bytes())
            .build();
        let image = place.layout(&[layer]);
        let said = scan(&image, &db);
        assert_eq!((said.code, said.json()["images"][0]["findings"][0]["kind"].as_str()), (4, Some(kind)));
        let table = run(&["scan", &image, "--db", &db, "--as-of", AS_OF, "-q"]).stdout;
        assert!(table.contains("INCONCLUSIVE") && table.contains("not looked for"), "{table}");
    }
}

#[test]
fn packages_that_nobody_judges_do_not_pass() {
    let place = Place::new();
    let db = place.database();
    for (list, subject) in [
        ("pkg:npm/lodash@4.17.0\n", "npm"),
        ("pkg:pypi/django@1.0?distro=debian-12\n", "pypi"),
        ("pkg:rpm/debian/openssl@1?distro=debian-12\n", "debian:12 rpm"),
        ("pkg:apk/debian/openssl@1?distro=debian-12\n", "debian:12 apk"),
    ] {
        let said = run_with_input(&["scan", "purl:-", "--db", &db, "--as-of", AS_OF, "-q"], list);
        assert_eq!(said.code, 4, "{said:?}");
        assert!(said.stdout.contains(&format!("OPEN not-covered {subject}\n")), "{}", said.stdout);
        assert!(said.stdout.contains("Vulnerabilities were not looked for."), "{}", said.stdout);
    }
    // What is judged beside them is still reported.
    let list = "pkg:deb/debian/bash@5.2.15-2?distro=debian-12\npkg:npm/lodash@4.17.0?distro=debian-12\n";
    let said = run_with_input(&["scan", "purl:-", "--db", &db, "--as-of", AS_OF, "-q"], list);
    assert_eq!(said.code, 4, "{said:?}");
    assert!(said.stdout.contains("1 known vulnerability"), "{}", said.stdout);
    assert!(said.stdout.contains("Not judged: 1 npm package."), "{}", said.stdout);
}

#[test]
fn a_second_package_database_that_no_feed_covers_is_said_and_language_markers_are_not() {
    let place = Place::new();
    let db = place.database();
    let table = |layer: Vec<u8>| run(&["scan", &place.layout(&[layer]), "--db", &db, "--as-of", AS_OF, "-q"]);
    let system = |version: &str| {
        Tar::new()
            .file("etc/os-release", OS_RELEASE.as_bytes())
            .file("var/lib/dpkg/status", status(&[("bash", version)]).as_bytes())
    };
    let apk = b"P:musl\nV:1.2.5-r0\nA:x86_64\n\nP:zlib\nV:1.3-r0\nA:x86_64\n\n";
    let both = table(system("5.2.15-3").file("lib/apk/db/installed", apk).build());
    assert_eq!(both.code, 4, "{both:?}");
    let said = "no feed of the database speaks of apk packages of debian:12: 2 are not judged";
    assert!(both.stdout.replace("\n     ", " ").contains(said), "{}", both.stdout);
    assert!(both.stdout.contains("No known vulnerability in what was judged."), "{}", both.stdout);
    let marked = system("5.2.15-3").file("app/node_modules/a/package.json", b"{\"name\": \"a\"}").build();
    let marked = table(marked);
    assert_eq!(marked.code, 0, "{marked:?}");
    assert!(marked.stdout.contains("present and not judged: npm: 1"), "{}", marked.stdout);
}

#[test]
fn versions_are_compared_one_by_one_and_by_the_line() {
    assert_eq!(run(&["compare-versions", "deb", "1.0~rc1", "1.0"]).stdout, "<\n");
    assert_eq!(run(&["compare-versions", "rpm", "1.0^git1", "1.0"]).stdout, ">\n");
    let said = run_with_input(&["compare-versions", "apk"], "1.0-r0\t1.0-r0\n1.1\t1.0\n");
    assert_eq!(said.stdout, "=\n>\n");
    let wrong = run_with_input(&["compare-versions", "apk"], "1.0\n");
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("line 1"), "{}", wrong.stderr);
}

#[test]
fn a_database_says_what_it_holds() {
    let place = Place::new();
    let db = place.database();
    let info = run(&["db", "info", "--db", &db]);
    assert!(info.stdout.contains("feed debian: 1 records, debian:12"), "{}", info.stdout);
    let rows = run(&["db", "lookup", "--db", &db, "--distro", "debian:12", "bash", "--version", "5.2.15-3"]);
    assert!(
        rows.stdout.contains("CVE-2024-0001 high affected fixed in 5.2.15-3 (debian)"),
        "{}",
        rows.stdout
    );
    assert!(rows.stdout.contains("CVE-2024-0001 not affected"), "{}", rows.stdout);
    assert_eq!(run(&["db", "lookup", "--db", &db, "--distro", "alpine:3.20", "musl"]).code, 4);
    let tracker = place.path("tracker.json").display().to_string();
    let again = place.path("again").display().to_string();
    let input = format!("debian={tracker}");
    assert_eq!(
        run(&["db", "build", "-o", &again, "--as-of", AS_OF, "--input", &input]).stdout,
        run(&["db", "info", "--db", &db]).stdout
    );
}

#[test]
fn what_a_feed_cannot_say_is_in_the_database_and_in_the_summary() {
    let place = Place::new();
    let built = |feed: &str, document: &str| {
        let file = place.write(&format!("{feed}.json"), document.as_bytes());
        let db = place.path(&format!("{feed}-db")).display().to_string();
        let input = format!("{feed}={}", file.display());
        let said = run(&["db", "build", "-o", &db, "--as-of", AS_OF, "--input", &input]);
        assert_eq!(said.code, 0, "{}", said.stderr);
        (db, said.stdout)
    };
    let scanned = |db: &str, purl: &str| {
        let said = run_with_input(&["scan", "purl:-", "--db", db, "--as-of", AS_OF, "-q"], purl);
        assert_eq!(said.code, 0, "{said:?}");
        said.stdout.replace('\n', " ")
    };
    let osv = |events: &str| {
        format!(
            r#"{{"id": "DEBIAN-CVE-2024-0001", "upstream": ["CVE-2024-0001"], "affected": [{{
            "package": {{"ecosystem": "Debian:12", "name": "bash"}}, "ranges": [{{"type": "ECOSYSTEM",
            "events": [{events}]}}]}}]}}"#
        )
    };
    let purl = "pkg:deb/debian/zlib@1?distro=debian-12\n";
    let (db, said) = built("osv", &osv(r#"{"introduced": "0"}, {"fixed": "5.2.15-3"}"#));
    assert!(said.contains("feed osv: 1 records, debian:12 (fixes only)\n"), "{said}");
    let text = scanned(&db, purl);
    assert!(text.contains("No known vulnerability, of those that were ever fixed"), "{text}");
    let (db, said) = built("osv", &osv(r#"{"introduced": "0"}"#));
    assert!(said.contains("feed osv: 1 records, debian:12 (listed only)\n"), "{said}");
    let text = scanned(&db, purl);
    assert!(text.contains("No known vulnerability, of those that the feed lists"), "{text}");
    let secdb = r#"{"distroversion": "v3.20", "reponame": "main", "packages": [
        {"pkg": {"name": "musl", "secfixes": {"1.2.5-r1": ["CVE-2025-26519"]}}}]}"#;
    let (db, said) = built("alpine", secdb);
    assert!(said.contains("alpine:3.20 (fixes only, main only)\n"), "{said}");
    let text = scanned(&db, "pkg:apk/alpine/nginx@1.26.2-r0?distro=alpine-3.20.3\n");
    assert!(
        text.contains("Advisories are of main only: those of community are not in the database."),
        "{text}"
    );
}

#[test]
fn completions_a_manual_and_help_exist_for_every_command() {
    assert!(run(&["completions", "bash"]).stdout.contains("imagescan"));
    assert!(run(&["man"]).stdout.starts_with(".ie"), "{}", &run(&["man"]).stdout[..40]);
    for command in [
        &["--help"][..],
        &["scan", "--help"],
        &["inventory", "--help"],
        &["db", "--help"],
        &["db", "build", "--help"],
    ] {
        let said = run(command);
        assert_eq!(said.code, 0);
        assert!(said.stdout.contains("Usage:"));
    }
}

#[test]
fn two_databases_are_compared_key_by_key() {
    let place = Place::new();
    let secdb = include_str!("../vuln-feeds/samples/alpine/v3.11-main.json");
    let build = |name: &str, text: &str| {
        let input = place.write(&format!("{name}.json"), text.as_bytes());
        let (folder, input) = (place.path(name).display().to_string(), format!("alpine={}", input.display()));
        let said = run(&["db", "build", "-o", &folder, "--as-of", AS_OF, "--input", &input]);
        assert_eq!(said.code, 0, "{said:?}");
        folder
    };
    let old = build("old", secdb);
    let new = build("new", &secdb.replace("1.30.1-r2", "1.30.1-r3"));
    assert_eq!(run(&["db", "diff", &old, &old]).stdout, "");
    assert_eq!(run(&["db", "diff", &old, &new]).stdout, "advisories alpine:3.11 apk source busybox\n");
    let said = run(&["db", "diff", &old, "/no/such/folder"]);
    assert_eq!(said.code, 2, "{said:?}");
}
