//! Every form of target, on images made here.

mod support;

use serde_json::{Value, json};
use std::process::Command;
use support::*;

/// The images of a document without what names them.
fn content(said: &Said) -> Vec<Value> {
    let document = said.json();
    let images = document["images"].as_array().unwrap().clone();
    let strip = |mut image: Value| {
        for key in ["target", "reference", "digest", "index_digest", "config_digest", "layers"] {
            image.as_object_mut().unwrap().remove(key);
        }
        image
    };
    images.into_iter().map(strip).collect()
}

fn two_layers() -> Vec<Vec<u8>> {
    let upper = Tar::new()
        .file("var/lib/dpkg/status", status(&[("bash", "5.2.15-3"), ("curl", "7.88.1-10")]).as_bytes())
        .build();
    vec![debian(), upper]
}

/// The tar of a folder, as `tar` makes it.
fn tar_of(place: &Place, folder: &str, file: &str) -> String {
    let file = place.path(file).display().to_string();
    let status = Command::new("tar").args(["-cf", &file, "-C"]).arg(place.path(folder)).arg(".").status();
    assert!(status.unwrap().success());
    file
}

#[test]
fn layers_of_any_compression_hold_the_same_image() {
    let place = Place::new();
    let gzipped = content(&inventory(&place.layout(&two_layers())));
    let plain = Place::new();
    let plain = content(&inventory(&plain.layout_with(&two_layers(), |layer| (layer.to_vec(), ""))));
    let zstd = Place::new();
    let compress = |layer: &[u8]| (zstd::encode_all(layer, 3).unwrap(), "+zstd");
    let zstd = content(&inventory(&zstd.layout_with(&two_layers(), compress)));
    // A media type that lies: the bytes decide.
    let lying = Place::new();
    let lying = content(&inventory(&lying.layout_with(&two_layers(), |layer| (gzip(layer), "+zstd"))));
    assert_eq!(gzipped, plain);
    assert_eq!(gzipped, zstd);
    assert_eq!(gzipped, lying);
    let packages = gzipped[0]["packages"].as_array().unwrap();
    let layers: Vec<_> = packages
        .iter()
        .map(|package| {
            (package["name"].as_str().unwrap(), package["introduced_in"].as_u64(), package["layer"].as_u64())
        })
        .collect();
    assert_eq!(layers, [("bash", Some(0), Some(1)), ("curl", Some(1), Some(1))]);
}

#[test]
fn archives_and_folders_hold_the_same_packages() {
    let place = Place::new();
    let layout = inventory(&place.layout(&two_layers()));
    let archive = tar_of(&place, "image", "image.tar");
    assert_eq!(content(&inventory(&format!("oci-archive:{archive}"))), content(&layout));
    assert_eq!(content(&inventory(&archive)), content(&layout), "recognised by what is in it");
    let folder = place.path("image").display().to_string();
    assert_eq!(content(&inventory(&folder)), content(&layout));
    let compressed = place.write("image.tar.gz", &gzip(&std::fs::read(&archive).unwrap()));
    assert_eq!(content(&inventory(&compressed.display().to_string())), content(&layout));
}

#[test]
fn a_root_filesystem_is_a_folder_or_a_tar_of_one() {
    let place = Place::new();
    place.write("root/etc/os-release", OS_RELEASE.as_bytes());
    place.write("root/var/lib/dpkg/status", status(&[("bash", "5.2.15-2")]).as_bytes());
    let folder = format!("rootfs:{}", place.path("root").display());
    let said = inventory(&folder);
    assert_eq!((said.code, said.packages()), (0, vec!["bash".to_string()]));
    assert!(said.json()["images"][0].get("layers").is_none());
    let file = tar_of(&place, "root", "root.tar");
    assert_eq!(inventory(&format!("rootfs:{file}")).packages(), said.packages());
    assert_eq!(inventory(&file).packages(), said.packages());
    assert_eq!(inventory(&place.path("root").display().to_string()).packages(), said.packages());
}

#[test]
fn docker_archives_hold_several_images_whose_layers_are_compared_with_their_diff_ids() {
    for compressed in [false, true] {
        let place = Place::new();
        let images = [("registry.example/a:1", two_layers()), ("registry.example/b:latest", vec![debian()])];
        let archive = docker_archive(&place, &images, compressed);
        let all = inventory(&format!("docker-archive:{archive}"));
        assert_eq!(all.json()["images"].as_array().unwrap().len(), 2, "{all:?}");
        assert_eq!(inventory(&archive).json()["images"].as_array().unwrap().len(), 2);
        let one = inventory(&format!("docker-archive:{archive}:registry.example/b"));
        assert_eq!(one.json()["images"][0]["reference"], "registry.example/b:latest");
        assert_eq!(one.packages(), ["bash", "zlib1g"]);
        assert_eq!(inventory(&format!("docker-archive:{archive}:@0")).packages(), ["bash", "curl"]);
        let none = inventory(&format!("docker-archive:{archive}:registry.example/c"));
        assert_eq!(none.code, 3);
        assert!(
            none.stderr.contains("it has registry.example/a:1, registry.example/b:latest"),
            "{}",
            none.stderr
        );
    }
}

#[test]
fn archives_from_before_manifests_are_followed_by_their_parents() {
    let place = Place::new();
    let [lower, upper] = &two_layers()[..] else { unreachable!() };
    let tar = Tar::new()
        .file("aa/layer.tar", lower)
        .file("aa/json", br#"{"id": "aa", "created": "2015-01-01T00:00:00Z"}"#)
        .file("bb/layer.tar", upper)
        .file("bb/json", br#"{"id": "bb", "parent": "aa", "created": "2015-02-01T00:00:00Z", "os": "linux", "architecture": "amd64"}"#)
        .file("repositories", br#"{"registry.example/old": {"1.0": "bb"}}"#)
        .build();
    let file = place.write("old.tar", &tar).display().to_string();
    let said = inventory(&format!("docker-archive:{file}"));
    assert_eq!((said.code, said.packages()), (0, vec!["bash".to_string(), "curl".to_string()]), "{said:?}");
    assert_eq!(said.json()["images"][0]["reference"], "registry.example/old:1.0");
    let round = Tar::new()
        .file("aa/json", br#"{"parent": "aa"}"#)
        .file("repositories", br#"{"registry.example/old": {"1.0": "aa"}}"#)
        .build();
    let file = place.write("round.tar", &round).display().to_string();
    assert!(inventory(&format!("docker-archive:{file}")).incomplete().contains("its own ancestor"));
}

#[test]
fn an_index_is_chosen_from_by_platform() {
    let place = Place::new();
    let layer = place.blob(&gzip(&debian()), "application/vnd.oci.image.layer.v1.tar+gzip");
    let of = |architecture: &str| {
        let config = json!({"created": "2026-10-01T00:00:00Z", "architecture": architecture, "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [digest(&debian())]}});
        let mut manifest = place.manifest(&config, std::slice::from_ref(&layer));
        manifest["platform"] = json!({"os": "linux", "architecture": architecture});
        manifest
    };
    let mut attestation = of("s390x");
    attestation["platform"] = json!({"os": "unknown", "architecture": "unknown"});
    let index = json!({"schemaVersion": 2, "manifests": [of("arm64"), of("riscv64"), attestation]});
    let index = place.blob(index.to_string().as_bytes(), "application/vnd.oci.image.index.v1+json");
    let target = place.index(&[index]);
    let platforms = |choice: &str| -> Vec<String> {
        let said = run(&["inventory", &target, "--platform", choice, "--as-of", AS_OF, "-q"]);
        let document = said.json();
        let images = document["images"].as_array().unwrap();
        images.iter().filter_map(|image| Some(image["platform"].as_str()?.to_string())).collect()
    };
    assert_eq!(platforms("linux/arm64"), ["linux/arm64"]);
    assert_eq!(platforms("all"), ["linux/arm64", "linux/riscv64"]);
    let absent = run(&["inventory", &target, "--platform", "linux/amd64", "--as-of", AS_OF, "-q"]);
    assert_eq!(absent.code, 3);
    assert!(
        absent.incomplete().contains("no image for linux/amd64: it has linux/arm64, linux/riscv64"),
        "{absent:?}"
    );
}

#[test]
fn a_single_image_is_read_whatever_its_platform_unless_one_is_asked_for() {
    let place = Place::new();
    let target = place.layout(&[debian()]);
    assert_eq!(inventory(&target).code, 0);
    let other = run(&["inventory", &target, "--platform", "linux/s390x", "-q"]);
    assert!(other.incomplete().contains("no image for linux/s390x: it has linux/amd64"), "{other:?}");
}

#[test]
fn an_inventory_is_scanned_like_the_image_it_came_from_byte_for_byte() {
    let place = Place::new();
    let db = place.database();
    let image = place.layout(&two_layers());
    let facts = inventory(&image);
    let file = place.write("facts.json", facts.stdout.as_bytes()).display().to_string();
    let named = |said: &Said, target: &str| {
        said.stdout.replace(&format!("\"target\": \"{target}\""), "\"target\": \"\"")
    };
    let of_image = scan(&image, &db);
    let of_facts = scan(&format!("inventory:{file}"), &db);
    assert_eq!(of_image.code, of_facts.code);
    assert_eq!(named(&of_image, &image), named(&of_facts, &format!("inventory:{file}")));
    // A report is as good as an inventory: its judgements are made anew.
    let report = place.write("report.json", of_image.stdout.as_bytes()).display().to_string();
    assert_eq!(named(&scan(&report, &db), &report), named(&of_image, &image));
    let piped = run_with_input(
        &["scan", "inventory:-", "--db", &db, "--as-of", AS_OF, "-o", "json", "-q"],
        &facts.stdout,
    );
    assert_eq!(named(&piped, "inventory:-"), named(&of_image, &image));
}

#[test]
fn a_document_that_is_silent_does_not_pass() {
    let place = Place::new();
    let db = place.database();
    let with = |images: &str| {
        let document = format!("{{\"schema\": \"imagescan/inventory/1\", \"images\": [{images}]}}");
        let file = place.write("facts.json", document.as_bytes()).display().to_string();
        scan(&format!("inventory:{file}"), &db)
    };
    let none = with("");
    assert_eq!(none.code, 3);
    assert!(none.incomplete().contains("it holds no image"), "{none:?}");
    let packageless = with("{\"target\": \"x\"}");
    assert_eq!(packageless.code, 4);
    assert!(packageless.stdout.contains("os.no_packages"), "{packageless:?}");
    let mut facts = inventory(&place.layout(&[debian()])).json();
    facts["images"][0].as_object_mut().unwrap().remove("age");
    let ageless = with(&facts["images"][0].to_string());
    assert_eq!(ageless.code, 1);
    assert!(ageless.stdout.contains("lifespan.unknown_age"), "{ageless:?}");
}

#[test]
fn constrained_entries_of_apks_world_are_pins() {
    let place = Place::new();
    let db = place.database();
    let lower = Tar::new()
        .file("etc/os-release", b"ID=alpine\nVERSION_ID=3.20.3\n")
        .file("lib/apk/db/installed", b"P:musl\nV:1.2.5-r0\n\n")
        .file("etc/apk/world", b"musl\ncurl<8\n");
    let upper = Tar::new().file("etc/apk/world", b"musl=1.2.5-r0\ncurl<8\n");
    let image = place.layout(&[lower.build(), upper.build()]);
    let facts = inventory(&image);
    let pin = |subject: &str, statement: &str, line: u32, layer: u32| {
        serde_json::json!({"kind": "apk-world", "subject": subject, "statement": statement,
            "location": {"path": "etc/apk/world", "line": line, "layer": layer}})
    };
    let expected = serde_json::json!([pin("curl", "curl<8", 2, 0), pin("musl", "musl=1.2.5-r0", 1, 1)]);
    assert_eq!(facts.json()["images"][0]["pins"], expected);
    let file = place.write("facts.json", facts.stdout.as_bytes()).display().to_string();
    let named = |target: &str| {
        scan(target, &db).stdout.replace(&format!("\"target\": \"{target}\""), "\"target\": \"\"")
    };
    assert_eq!(named(&image), named(&format!("inventory:{file}")));
}

#[test]
fn lists_of_purls_are_scanned_like_their_inventories_byte_for_byte() {
    let place = Place::new();
    let db = place.database();
    let list =
        "pkg:deb/debian/bash@5.2.15-2?distro=debian-12\npkg:apk/alpine/musl@1.2-r0?distro=alpine-3.20\n";
    let list = format!("purl:{}", place.write("list", list.as_bytes()).display());
    let file = place.write("facts.json", inventory(&list).stdout.as_bytes()).display().to_string();
    let facts = format!("inventory:{file}");
    let named = |target: &str| {
        scan(target, &db).stdout.replace(&format!("\"target\": \"{target}\""), "\"target\": \"\"")
    };
    assert_eq!(named(&list), named(&facts));
}

#[test]
fn purls_are_judged_by_their_distribution_and_have_no_age() {
    let place = Place::new();
    let db = place.database();
    let list = "pkg:deb/debian/bash@5.2.15-2?arch=amd64&distro=debian-12\npkg:apk/alpine/musl@1.2-r0?distro=alpine-3.20\n";
    let said = run_with_input(&["scan", "purl:-", "--db", &db, "--as-of", AS_OF, "-o", "json", "-q"], list);
    let document = said.json();
    let images = document["images"].as_array().unwrap();
    assert_eq!(images.len(), 2);
    assert_eq!(images[0]["findings"][0]["kind"], "not-covered");
    assert_eq!(images[1]["findings"][0]["id"], "CVE-2024-0001");
    assert!(images[1].get("age").is_none());
    assert_eq!((said.code, images[1]["verdict"]["exit_code"].as_u64()), (4, Some(0)));
}

#[test]
fn the_same_input_gives_the_same_bytes_however_many_threads_read_it() {
    let place = Place::new();
    let db = place.database();
    let image = place.layout(&two_layers());
    let with = |jobs: &str| {
        run(&["scan", &image, "--db", &db, "--as-of", AS_OF, "-o", "json", "-q", "-j", jobs]).stdout
    };
    assert_eq!(with("1"), with("1"));
    assert_eq!(with("1"), with("16"));
}
