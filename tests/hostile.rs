//! Bad input: a clear error or an `incomplete` entry, never a panic, never 'clean', never a file of this machine.

mod support;

use serde_json::json;
use std::fs;
use support::*;

/// The layer's entry in `incomplete` of an image with `layer`.
fn layer_problem(layer: &[u8]) -> String {
    let place = Place::new();
    let said = inventory(&place.layout(&[layer.to_vec()]));
    assert_eq!(said.code, 3, "{said:?}");
    said.incomplete()
}

#[test]
fn a_cut_or_altered_blob_is_found_by_its_digest_or_size() {
    for damage in ["cut", "flip", "grown", "gone"] {
        let place = Place::new();
        let target = place.layout(&[debian()]);
        let blob = fs::read(place.path("image/index.json")).unwrap();
        assert!(!blob.is_empty());
        let layer = gzip(&debian());
        let path = place.path(&format!("image/blobs/sha256/{}", &digest(&layer)[7..]));
        match damage {
            "cut" => fs::write(&path, &layer[..layer.len() / 2]).unwrap(),
            "flip" => {
                let mut bytes = layer.clone();
                bytes[layer.len() / 2] ^= 1;
                fs::write(&path, bytes).unwrap();
            }
            "grown" => fs::write(&path, [&layer[..], b"x"].concat()).unwrap(),
            _ => fs::remove_file(&path).unwrap(),
        }
        let said = inventory(&target);
        assert_eq!(said.code, 3, "{damage}");
        let why = said.incomplete();
        assert!(why.starts_with("layer: "), "{damage}: {why}");
        if damage == "flip" {
            assert!(why.contains(&digest(&layer)) && why.matches("sha256:").count() == 2, "{why}");
        }
        assert!(said.packages().is_empty(), "evidence counts only after the comparison");
    }
}

#[test]
fn a_wrong_diff_id_of_a_docker_archive_is_found() {
    let place = Place::new();
    let config = json!({"rootfs": {"type": "layers", "diff_ids": [digest(b"another")]}}).to_string();
    let manifest = json!([{"Config": "config.json", "RepoTags": [], "Layers": ["layer.tar"]}]).to_string();
    let tar = Tar::new()
        .file("layer.tar", &debian())
        .file("config.json", config.as_bytes())
        .file("manifest.json", manifest.as_bytes())
        .build();
    let said = inventory(&place.write("image.tar", &tar).display().to_string());
    assert_eq!((said.code, said.packages().len()), (3, 0));
    assert!(said.incomplete().contains(&digest(b"another")), "{}", said.incomplete());
}

#[test]
fn digests_that_are_paths_and_documents_that_lie_are_refused() {
    let place = Place::new();
    place.layout(&[debian()]);
    for (manifest, expected) in [
        (json!({"mediaType": "m", "digest": "../../../etc/passwd", "size": 1}), "no known algorithm"),
        (json!({"mediaType": "m", "digest": "sha256:../../../../etc/passwd", "size": 1}), "hexadecimal"),
        (json!({"mediaType": "m", "digest": digest(b"absent"), "size": 6}), "No such file"),
        (json!({"mediaType": "m", "digest": 5, "size": 6}), "index.json"),
    ] {
        let said = inventory(&place.index(&[manifest]));
        assert_eq!(said.code, 3);
        assert!(said.incomplete().contains(expected), "{}", said.incomplete());
        assert!(!said.stdout.contains("root:"), "{}", said.stdout);
    }
    let mut lying = place.manifest(&json!({"rootfs": {"diff_ids": []}}), &[]);
    lying["size"] = json!(7);
    assert!(inventory(&place.index(&[lying])).incomplete().contains("its descriptor says 7"));
    let helm = place.blob(
        br#"{"config": {"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": "x", "size": 1}}"#,
        "m",
    );
    assert!(
        inventory(&place.index(&[helm]))
            .incomplete()
            .contains("no container image, but `application/vnd.cncf.helm")
    );
}

#[test]
fn an_index_that_contains_itself_ends() {
    let place = Place::new();
    // No index can hold its own digest; one that pretends is found out.
    let own =
        json!({"mediaType": "application/vnd.oci.image.index.v1+json", "digest": digest(b"x"), "size": 200});
    let bytes = json!({"manifests": [own]}).to_string();
    place.write(&format!("image/blobs/sha256/{}", &digest(b"x")[7..]), bytes.as_bytes());
    let said = inventory(&place.index(&[own]));
    assert_eq!(said.code, 3);
    let mut nested = place.blob(br#"{"manifests": []}"#, "application/vnd.oci.image.index.v1+json");
    for _ in 0..10 {
        nested = place.blob(
            json!({"manifests": [nested]}).to_string().as_bytes(),
            "application/vnd.oci.image.index.v1+json",
        );
    }
    assert!(inventory(&place.index(&[nested])).incomplete().contains("nested more than 4 deep"));
}

#[test]
fn a_missing_or_foolish_config_is_an_error() {
    for (config, expected) in [
        (json!({"created": "x"}), "no rootfs.diff_ids"),
        (json!({"rootfs": {"diff_ids": []}}), "it names 0 layers, but the manifest 1"),
        (json!({"rootfs": {"diff_ids": ["md5:0"]}}), "no known algorithm"),
    ] {
        let place = Place::new();
        let layer = place.blob(&gzip(&debian()), "application/vnd.oci.image.layer.v1.tar+gzip");
        let manifest = place.manifest(&config, &[layer]);
        let said = inventory(&place.index(&[manifest]));
        assert_eq!(said.code, 3, "{expected}");
        assert!(said.incomplete().contains(expected), "{}", said.incomplete());
    }
    let place = Place::new();
    let layer = place.blob(&gzip(&debian()), "application/vnd.oci.image.layer.v1.tar+gzip");
    let manifest = place.manifest(&json!({"rootfs": {"diff_ids": [digest(&debian())]}}), &[layer]);
    let config = digest(json!({"rootfs": {"diff_ids": [digest(&debian())]}}).to_string().as_bytes());
    fs::remove_file(place.path(&format!("image/blobs/sha256/{}", &config[7..]))).unwrap();
    let said = inventory(&place.index(&[manifest]));
    assert!(said.code == 3 && said.incomplete().starts_with("config: "), "{said:?}");
}

/// A header of `path` whose size field is `field`.
fn header_with_size(path: &str, field: &[u8]) -> Vec<u8> {
    let mut block = Tar::new().file(path, b"").build()[..512].to_vec();
    block[124..136].fill(0);
    block[124..124 + field.len()].copy_from_slice(field);
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

#[test]
fn tar_sizes_that_lie_are_errors() {
    for field in [
        &b"77777777777\0"[..],
        b"-1         \0",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"zzzzzzzzzzz\0",
    ] {
        let why = layer_problem(&[header_with_size("var/lib/dpkg/status", field), vec![0; 1024]].concat());
        assert!(
            why.contains("tar header") || why.contains("ends inside") || why.contains("more than"),
            "{why}"
        );
    }
}

#[test]
fn pax_records_of_a_hundred_megabytes_are_not_read() {
    let mut header = header_with_size("x", b"00600000000\0");
    header[156] = b'x';
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let why = layer_problem(&[header, vec![b'1'; 1 << 20]].concat());
    assert!(why.contains("PAX records"), "{why}");
}

/// A file of so many GiB of zeros, whose deflate blocks are made once for a megabyte.
fn gigabytes_of_zeros(count: u64) -> Vec<u8> {
    let megabyte = vec![0; 1 << 20];
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let mut encoder = flate2::Compress::new(flate2::Compression::default(), false);
    let mut block = |content: &[u8], into: &mut Vec<u8>, flush| {
        into.reserve(8192);
        encoder.compress_vec(content, into, flush).unwrap();
    };
    let header = header_with_size("zeros", format!("{:012o}", count << 30).as_bytes());
    block(&header, &mut bytes, flate2::FlushCompress::Full);
    let mut repeated = Vec::new();
    block(&megabyte, &mut repeated, flate2::FlushCompress::Full);
    let mut sum = flate2::Crc::new();
    sum.update(&header);
    for _ in 0..count << 10 {
        bytes.extend_from_slice(&repeated);
        sum.update(&megabyte);
    }
    block(&[], &mut bytes, flate2::FlushCompress::Finish);
    bytes.extend_from_slice(&sum.sum().to_le_bytes());
    bytes.extend_from_slice(&sum.amount().to_le_bytes());
    bytes
}

#[test]
fn ten_gigabytes_of_zeros_meet_the_ratio() {
    let place = Place::new();
    let bomb = gigabytes_of_zeros(10);
    assert!(bomb.len() < 11_000_000);
    let target = place.layout_with(&[debian()], |_| (bomb.clone(), "+gzip"));
    let said = inventory(&target);
    assert!(said.code == 3 && said.incomplete().contains("--max-ratio"), "{}", said.incomplete());
    let bounded = run(&["inventory", &target, "-q", "--max-layer-bytes", "1000000"]);
    assert!(bounded.incomplete().contains("--max-layer-bytes"), "{}", bounded.incomplete());
    let total = run(&["inventory", &target, "-q", "--max-total-bytes", "1000000"]);
    assert!(total.incomplete().contains("--max-total-bytes"), "{}", total.incomplete());
}

#[test]
fn every_limit_is_named_when_it_is_hit() {
    let place = Place::new();
    let target = place.layout(&[debian(), debian()]);
    for (option, value) in [
        ("--max-entries", "1"),
        ("--max-path-length", "5"),
        ("--max-file-bytes", "10"),
        ("--max-kept-bytes", "10"),
        ("--max-layers", "1"),
        ("--max-time", "0"),
    ] {
        let said = run(&["inventory", &target, "-q", option, value]);
        assert_eq!(said.code, 3, "{option}");
        assert!(said.incomplete().contains(option), "{option}: {}", said.incomplete());
    }
}

#[test]
fn a_hundred_thousand_entries_of_one_name_are_one_file() {
    let mut tar = Tar::new();
    let first = status(&[("bash", "1")]);
    for _ in 0..100_000 {
        tar = tar.file("var/lib/dpkg/status", first.as_bytes());
    }
    let layer = tar.file("var/lib/dpkg/status", status(&[("last", "1")]).as_bytes()).build();
    let place = Place::new();
    let said = inventory(&place.layout(&[layer]));
    assert_eq!((said.code, said.packages()), (0, vec!["last".to_string()]));
}

#[test]
fn links_never_leave_the_image() {
    for (path, target) in [
        ("var/lib/dpkg/status", "/etc/shadow"),
        ("var/lib/dpkg/status", "../../../../../../../etc/passwd"),
        ("var/lib/dpkg", "/proc/self/root/var/lib/dpkg"),
        ("var/lib/dpkg/status", "status"),
    ] {
        let layer = Tar::new().file("etc/os-release", OS_RELEASE.as_bytes()).symlink(path, target).build();
        let place = Place::new();
        let said = inventory(&place.layout(&[layer]));
        assert!(said.code == 3 || said.code == 4, "{target}: {said:?}");
        assert!(said.packages().is_empty() && !said.stdout.contains("root:"), "{target}");
    }
    // The same on disk: a link in a root filesystem is the root filesystem's.
    let place = Place::new();
    place.write("root/etc/os-release", OS_RELEASE.as_bytes());
    place.write("outside/status", status(&[("outside", "1")]).as_bytes());
    fs::create_dir_all(place.path("root/var/lib/dpkg")).unwrap();
    std::os::unix::fs::symlink(place.path("outside/status"), place.path("root/var/lib/dpkg/status")).unwrap();
    let said = inventory(&format!("rootfs:{}", place.path("root").display()));
    assert!(said.code == 3 && said.packages().is_empty(), "{said:?}");
    let linked = Tar::new()
        .file("etc/os-release", OS_RELEASE.as_bytes())
        .link("var/lib/dpkg/status", "../../etc/passwd", tar::EntryType::Link)
        .build();
    assert!(inventory(&place.layout(&[linked])).packages().is_empty());
}

#[test]
fn links_inside_the_image_are_followed() {
    let layer = Tar::new()
        .symlink("etc/os-release", "../usr/share/deep/os-release")
        .file("usr/share/deep/os-release", OS_RELEASE.as_bytes())
        .symlink("var/lib/dpkg", "/srv/dpkg")
        .file("srv/dpkg/status", status(&[("bash", "1")]).as_bytes())
        .build();
    let place = Place::new();
    let said = inventory(&place.layout(&[layer]));
    assert_eq!((said.code, said.packages()), (0, vec!["bash".to_string()]), "{said:?}");
    assert_eq!(said.json()["images"][0]["system"]["id"], "debian");
}

#[test]
fn whiteouts_work_in_any_order_and_the_roots_is_refused() {
    let upper = Tar::new()
        .file("var/lib/dpkg/status", status(&[("new", "1")]).as_bytes())
        .file("var/lib/dpkg/.wh..wh..opq", b"")
        .file("etc/.wh.os-release", b"")
        .build();
    let place = Place::new();
    let said = inventory(&place.layout(&[debian(), upper]));
    assert_eq!(said.packages(), ["new"]);
    assert!(said.incomplete().contains("no file says which system"), "{}", said.incomplete());
    let root = Tar::new().file(".wh..", b"").build();
    let said = inventory(&place.layout(&[debian(), root]));
    assert!(said.code == 3 && said.incomplete().contains("whiteout"), "{said:?}");
}

#[test]
fn a_layer_with_something_behind_it_is_refused() {
    let place = Place::new();
    let garbage = |layer: &[u8]| ([gzip(layer), b"garbage".to_vec()].concat(), "+gzip");
    let said = inventory(&place.layout_with(&[debian()], garbage));
    assert!(said.code == 3 && said.incomplete().contains("belong to nothing"), "{}", said.incomplete());
    let inside = [debian(), b"garbage".to_vec()].concat();
    assert!(layer_problem(&inside).contains("follow the end of the archive"));
}

#[test]
fn a_status_file_may_be_huge_odd_and_without_an_end() {
    let place = Place::new();
    let mut text = String::with_capacity(210 << 20);
    text.push_str(&status(&[("first", "1")]));
    text.push_str(
        "Package: wide\nStatus: install ok installed\nArchitecture: all\nVersion: 1\nDescription: ",
    );
    text.push_str(&"x".repeat(10 << 20));
    text.push_str("\n\n");
    while text.len() < 200 << 20 {
        text.push_str("Package: filler\nStatus: deinstall ok config-files\nVersion: 1\nDescription: a filler of some length\n\n");
    }
    text.push_str("Package: last\nStatus: install ok installed\nArchitecture: amd64\nVersion: 3");
    let mut bytes = text.into_bytes();
    bytes[60] = 0xff;
    place.write("root/etc/os-release", OS_RELEASE.as_bytes());
    place.write("root/var/lib/dpkg/status", &bytes);
    let said = inventory(&format!("rootfs:{}", place.path("root").display()));
    let names = said.packages();
    assert!(names.contains(&"last".into()) && names.contains(&"wide".into()), "{}", said.incomplete());
}

#[test]
fn an_image_without_packages_says_so_and_names_the_policy() {
    let place = Place::new();
    let layer = Tar::new().file("etc/os-release", OS_RELEASE.as_bytes()).file("app", b"x").build();
    let target = place.layout(&[layer]);
    assert_eq!(inventory(&target).code, 4);
    let said = scan(&target, &place.database());
    assert_eq!(said.code, 4);
    assert!(said.stdout.contains("[os] no_packages"), "{}", said.stdout);
    let policy = place.write("imagescan.toml", b"version = 1\n[os]\nno_packages = \"allow\"\n");
    let policy = policy.display().to_string();
    let db = place.path("db").display().to_string();
    let allowed = run(&["scan", &target, "--db", &db, "--as-of", AS_OF, "--policy", &policy, "-q"]);
    assert_eq!(allowed.code, 0, "{}", allowed.stdout);
}

#[test]
fn damaged_rpm_databases_are_errors_and_never_empty() {
    for (name, bytes) in [
        ("rpmdb.sqlite", &b"SQLite format 3\0garbage"[..]),
        ("rpmdb.sqlite", b""),
        ("Packages.db", b"RpmP"),
        ("Packages", &[0; 8192]),
    ] {
        let place = Place::new();
        let path = format!("var/lib/rpm/{name}");
        let layer =
            Tar::new().file("etc/os-release", b"ID=rhel\nVERSION_ID=9.4\n").file(&path, bytes).build();
        let said = inventory(&place.layout(&[layer]));
        assert_eq!(said.code, 3, "{name}");
        assert!(said.incomplete().contains("package-database: "), "{}", said.incomplete());
    }
}

#[test]
fn an_altered_database_fails_or_gives_the_same_bytes() {
    let place = Place::new();
    let db = place.database();
    let target = place.layout(&[debian()]);
    let whole = scan(&target, &db);
    assert_eq!(run(&["db", "verify", "--db", &db]).code, 0);
    let files: Vec<_> = ["manifest", "segments"]
        .iter()
        .flat_map(|name| match fs::read_dir(place.path("db").join(name)) {
            Ok(folder) => folder.map(|entry| entry.unwrap().path()).collect(),
            Err(_) => vec![place.path("db").join(name)],
        })
        .collect();
    assert_eq!(files.len(), 2, "{files:?}");
    for file in files {
        let bytes = fs::read(&file).unwrap();
        for step in 0..40 {
            let at = step * bytes.len() / 40;
            let mut damaged = bytes.clone();
            if step % 4 == 3 {
                damaged.truncate(at)
            } else {
                damaged[at] ^= 1 << (step % 8)
            }
            fs::write(&file, &damaged).unwrap();
            let verified = run(&["db", "verify", "--db", &db]);
            assert_eq!(verified.code, 3, "{} at {at}: {}", file.display(), verified.stdout);
            let said = scan(&target, &db);
            assert!(
                said.code == 3 && said.stdout.is_empty() || said.stdout == whole.stdout,
                "at {at}: {said:?}"
            );
        }
        fs::write(&file, &bytes).unwrap();
    }
}

#[test]
fn terminal_escapes_of_an_image_stay_inside_it() {
    let place = Place::new();
    let evil = "ev\u{1b}[2J\u{202e}il";
    let layer = Tar::new()
        .file("etc/os-release", format!("ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"{evil}\"\n").as_bytes())
        .file("var/lib/dpkg/status", status(&[(evil, "1"), ("bash", evil)]).as_bytes())
        .build();
    let target = place.layout(&[layer]);
    let said = run(&["scan", &target, "--db", &place.database(), "--as-of", AS_OF, "--color", "never"]);
    for text in [&said.stdout, &said.stderr] {
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    }
}

#[test]
fn random_damage_to_an_image_never_panics_and_never_loses_packages_in_silence() {
    let place = Place::new();
    let target = place.layout(&[debian()]);
    let mut seed = 7_u64;
    let mut random = |bound: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((seed >> 33) as usize) % bound
    };
    let blobs: Vec<_> =
        fs::read_dir(place.path("image/blobs/sha256")).unwrap().map(|entry| entry.unwrap().path()).collect();
    for round in 0..60 {
        let path = &blobs[round % blobs.len()];
        let bytes = fs::read(path).unwrap();
        let mut damaged = bytes.clone();
        let at = random(bytes.len());
        if round % 2 == 0 {
            damaged[at] ^= 1 << random(8)
        } else {
            damaged.truncate(at)
        }
        fs::write(path, &damaged).unwrap();
        assert_eq!(inventory(&target).code, 3, "{} at {at}", path.display());
        fs::write(path, &bytes).unwrap();
    }
}

#[test]
fn a_damaged_copy_beside_a_good_one_is_found() {
    let (good, bad) = (Place::new(), Place::new());
    let targets = [good.layout(&[debian()]), bad.layout(&[debian()])];
    let blob = bad.largest_blob();
    let mut bytes = fs::read(&blob).unwrap();
    let last = bytes.len() - 20;
    bytes[last] ^= 1;
    fs::write(&blob, bytes).unwrap();
    for (order, jobs) in [([0, 1], "1"), ([1, 0], "1"), ([0, 1], "2"), ([1, 0], "2")] {
        let [first, second] = order.map(|index| targets[index].as_str());
        let said = run(&["inventory", first, second, "-q", "--jobs", jobs]);
        assert_eq!(said.code, 3, "{order:?}");
        let document = said.json();
        for (index, image) in order.iter().zip(document["images"].as_array().unwrap()) {
            assert_eq!(image["incomplete"].is_array(), *index == 1, "{order:?}: {image}");
        }
    }
}

#[test]
fn bounds_count_what_another_target_read() {
    let place = Place::new();
    let target = place.layout(&[debian()]);
    for option in ["--max-kept-bytes", "--max-total-bytes", "--max-entries"] {
        let said = run(&["inventory", &target, &target, "-q", "--jobs", "1", option, "1"]);
        let document = said.json();
        let texts: Vec<&str> = document["images"]
            .as_array()
            .unwrap()
            .iter()
            .map(|image| image["incomplete"][0]["why"].as_str().unwrap())
            .collect();
        assert!(texts.len() == 2 && texts.iter().all(|why| why.contains(option)), "{texts:?}");
    }
}
