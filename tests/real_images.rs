//! Real images, built by the scripts in `../shared/images`: our inventory against what dpkg, rpm and apk list.
//!
//! The builder needs root, its Debian packages and a mirror; what it built stays in the target folder.

mod support;

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use support::*;

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/images");

#[expect(clippy::print_stdout, reason = "what could not be compared")]
fn skipped(why: &str) {
    println!("skipped: {why}");
}

/// The folder with the images, built once. `None`: they cannot be built here.
fn images() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("real-images");
        let script = Path::new(SHARED).join("make-images.sh");
        for what in ["slim", "stack", "rpm", "alpine"] {
            let mark = folder.join(format!(".{what}"));
            if mark.exists() {
                continue;
            }
            // What a killed run left looks whole to the builder.
            for part in fs::read_dir(&folder).into_iter().flatten().flatten() {
                if part.file_name().to_string_lossy().starts_with(what) {
                    let path = part.path();
                    fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path)).ok()?;
                }
            }
            let output = Command::new(&script).arg(&folder).arg(what).output().ok()?;
            if !output.status.success() {
                skipped(&format!(
                    "make-images.sh {what}: {}",
                    String::from_utf8_lossy(&output.stderr).trim()
                ));
                return None;
            }
            fs::write(mark, "").ok()?;
        }
        Some(folder)
    });
    if built.is_none() {
        skipped(
            "../shared/images/make-images.sh is not there, or cannot build here (root, mmdebstrap, skopeo, umoci, a mirror)",
        );
    }
    built.as_deref()
}

/// Lines of `inventory TARGET`, one a package, as `line` makes them; sorted.
fn listed(target: &str, more: &[&str], line: impl Fn(&Value) -> String) -> Vec<String> {
    let said = run(&[&["inventory", target, "-q"], more].concat());
    assert_eq!(said.code, 0, "{target}: {}", said.stderr);
    let document = said.json();
    assert!(document["images"][0].get("incomplete").is_none(), "{target}: {}", said.incomplete());
    let mut lines: Vec<String> =
        document["images"][0]["packages"].as_array().unwrap().iter().map(line).collect();
    lines.sort();
    lines
}

fn reference(path: &Path) -> Vec<String> {
    let mut lines: Vec<String> = fs::read_to_string(path).unwrap().lines().map(String::from).collect();
    lines.sort();
    lines
}

fn text<'a>(package: &'a Value, key: &str) -> &'a str {
    package[key].as_str().unwrap_or_default()
}

/// package, version, architecture, source, source version, wanted state.
fn dpkg_line(package: &Value) -> String {
    let (name, version) = (text(package, "name"), text(package, "version"));
    let source = package["source"]["name"].as_str().unwrap_or(name);
    let source_version = package["source"]["version"].as_str().unwrap_or(version);
    let want = if package["hold"] == true { "hold" } else { "install" };
    format!("{name}\t{version}\t{}\t{source}\t{source_version}\t{want}", text(package, "architecture"))
}

#[test]
fn debian_images_hold_what_dpkg_query_lists() {
    let Some(folder) = images() else { return };
    let at = |name: &str| folder.join(name).display().to_string();
    for (target, list) in [
        (format!("oci:{}", at("slim")), "slim"),
        (format!("oci:{}", at("stack")), "stack"),
        (format!("oci:{}", at("stack-zstd")), "stack"),
        (format!("docker-archive:{}", at("stack.docker.tar")), "stack"),
    ] {
        let expected = reference(&folder.join(format!("{list}.packages")));
        assert_eq!(listed(&target, &[], dpkg_line), expected, "{target}");
    }
}

#[test]
fn rpm_root_filesystems_hold_what_rpm_lists() {
    let Some(folder) = images() else { return };
    let line = |package: &Value| {
        let version = text(package, "version");
        let (epoch, rest) = version.split_once(':').unwrap_or(("(none)", version));
        let (version, release) = rest.rsplit_once('-').unwrap();
        let source = format!(
            "{}-{}.src.rpm",
            package["source"]["name"].as_str().unwrap(),
            package["source"]["version"].as_str().unwrap()
        );
        format!(
            "{}\t{epoch}\t{version}\t{release}\t{}\t{source}",
            text(package, "name"),
            text(package, "architecture")
        )
    };
    for name in ["rpm-sqlite", "rpm-bdb"] {
        let target = format!("rootfs:{}", folder.join(name).display());
        assert_eq!(listed(&target, &[], line), reference(&folder.join(format!("{name}.packages"))), "{name}");
    }
}

fn apk_line(package: &Value) -> String {
    format!("{}\t{}", text(package, "name"), text(package, "version"))
}

#[test]
fn both_platforms_of_an_alpine_index_hold_what_apk_lists() {
    let Some(folder) = images() else { return };
    let target = format!("oci:{}", folder.join("alpine").display());
    for platform in ["amd64", "arm64"] {
        let expected = reference(&folder.join(format!("alpine-{platform}.packages")));
        assert_eq!(
            listed(&target, &["--platform", &format!("linux/{platform}")], apk_line),
            expected,
            "{platform}"
        );
    }
}

#[test]
fn minirootfs_archives_hold_what_their_database_lists() {
    let Ok(entries) = fs::read_dir(Path::new(SHARED).join("alpine")) else {
        return skipped("no ../shared/images/alpine");
    };
    let mut compared = 0;
    for path in
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.to_string_lossy().ends_with(".tar.gz"))
    {
        let database =
            Command::new("tar").arg("-xzOf").arg(&path).arg("./lib/apk/db/installed").output().unwrap();
        let database = String::from_utf8(database.stdout).unwrap();
        let mut expected: Vec<String> = database
            .split("\n\n")
            .filter(|record| !record.trim().is_empty())
            .map(|record| {
                let field = |letter: &str| {
                    record.lines().find_map(|line| line.strip_prefix(letter)).unwrap().to_string()
                };
                format!("{}\t{}", field("P:"), field("V:"))
            })
            .collect();
        expected.sort();
        assert_eq!(listed(&path.display().to_string(), &[], apk_line), expected, "{}", path.display());
        compared += 1;
    }
    assert!(compared >= 4, "{compared} archives");
}

/// Paths of `.list` files in each layer of a layout, lowest first: what the layer's own tar says was installed there.
fn lists_by_layer(layout: &Path) -> Vec<BTreeSet<String>> {
    let blob = |digest: &str| layout.join("blobs/sha256").join(&digest[7..]);
    let json = |path: &Path| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    let index = json(&layout.join("index.json"));
    let manifest = json(&blob(index["manifests"][0]["digest"].as_str().unwrap()));
    let names = |layer: &Value| {
        let tar =
            Command::new("tar").arg("-tzf").arg(blob(layer["digest"].as_str().unwrap())).output().unwrap();
        let text = String::from_utf8(tar.stdout).unwrap();
        let names =
            text.lines().filter_map(|path| path.split("var/lib/dpkg/info/").nth(1)?.strip_suffix(".list"));
        names.map(|name| name.split(':').next().unwrap().to_string()).collect()
    };
    manifest["layers"].as_array().unwrap().iter().map(names).collect()
}

#[test]
fn each_package_of_the_stack_has_the_layer_whose_tar_carries_it() {
    let Some(folder) = images() else { return };
    let layout = folder.join("stack");
    let lists = lists_by_layer(&layout);
    let said = inventory(&format!("oci:{}", layout.display()));
    let document = said.json();
    let packages = document["images"][0]["packages"].as_array().unwrap();
    let mut layers: BTreeMap<&str, u64> = BTreeMap::new();
    for package in packages {
        let name = text(package, "name");
        let (first, last) = (package["introduced_in"].as_u64().unwrap(), package["layer"].as_u64().unwrap());
        // dpkg writes the list of a package when it unpacks it; a hold writes none.
        let carried: Vec<u64> =
            (0..).zip(&lists).filter(|(_, names)| names.contains(name)).map(|(layer, _)| layer).collect();
        assert_eq!(Some(&first), carried.first(), "{name} came with {carried:?}");
        if package["hold"] != true {
            assert_eq!(Some(&last), carried.last(), "{name} was last unpacked in {carried:?}");
        }
        layers.insert(name, last);
    }
    assert!(packages.iter().any(|package| package["hold"] == true), "the hold is seen");
    assert!(layers.values().collect::<BTreeSet<_>>().len() > 2, "several layers brought packages");
}

#[test]
fn a_fresh_debian_is_listed_as_its_own_dpkg_lists_it() {
    let Some(folder) = images() else { return };
    let rootfs = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fresh.tar");
    if !rootfs.exists() {
        let mirror = Command::new("sh")
            .args(["-c", "apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' | awk '$1==\"bookworm\"{print $2; exit}'"])
            .output()
            .unwrap();
        let mirror = String::from_utf8(mirror.stdout).unwrap();
        let source = format!("deb {} bookworm main", mirror.trim());
        let built = Command::new("mmdebstrap")
            .args(["--variant=essential", "bookworm"])
            .arg(&rootfs)
            .arg(source)
            .output();
        if !built.is_ok_and(|output| output.status.success()) {
            return skipped("mmdebstrap cannot build here");
        }
    }
    let unpacked = tempfile::tempdir().unwrap();
    let status = Command::new("tar")
        .arg("-xf")
        .arg(&rootfs)
        .arg("-C")
        .arg(unpacked.path())
        .args(["--wildcards", "./var/lib/dpkg/*"])
        .status();
    assert!(status.unwrap().success());
    let query = Command::new("dpkg-query")
        .arg(format!("--admindir={}", unpacked.path().join("var/lib/dpkg").display()))
        .args(["-W", "-f", "${Package}\\t${Version}\\t${Architecture}\\t${source:Package}\\t${source:Version}\\t${db:Status-Want}\\n"])
        .output()
        .unwrap();
    let mut expected: Vec<String> =
        String::from_utf8(query.stdout).unwrap().lines().map(String::from).collect();
    expected.sort();
    assert!(expected.len() > 20 && folder.exists());
    assert_eq!(listed(&format!("rootfs:{}", rootfs.display()), &[], dpkg_line), expected);
}
