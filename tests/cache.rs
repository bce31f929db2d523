//! The layer cache: a second scan says what the first did, and reads no layer.

mod support;

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use support::*;

/// `imagescan ARGUMENTS` with the cache in the place's folder `cache`.
fn with_cache(place: &Place, arguments: &[&str]) -> Said {
    let mut command = command(arguments);
    command.env_remove("IMAGESCAN_NO_CACHE").env("IMAGESCAN_CACHE_DIR", place.path("cache"));
    command.output().unwrap().into()
}

fn cached(place: &Place, target: &str) -> Said {
    with_cache(place, &["inventory", target, "--as-of", AS_OF])
}

/// An image whose question grows: the database lies behind a link.
fn linked() -> Vec<Vec<u8>> {
    let lower = Tar::new()
        .file("etc/os-release", OS_RELEASE.as_bytes())
        .symlink("var/lib/dpkg", "../../srv/dpkg")
        .file("srv/dpkg/status", status(&[("bash", "5.2.15-2"), ("curl", "7.88.1-10")]).as_bytes())
        .file("app/node_modules/left-pad/package.json", b"{}")
        .build();
    let upper = Tar::new()
        .file("srv/dpkg/status", status(&[("bash", "5.2.15-3")]).as_bytes())
        .file("app/.wh.node_modules", b"")
        .build();
    vec![lower, upper]
}

/// Puts garbage of the same length in place of every blob that is a layer.
fn spoil(place: &Place) {
    for blob in fs::read_dir(place.path("image/blobs/sha256")).unwrap() {
        let path = blob.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        if bytes.starts_with(&[0x1f, 0x8b]) {
            fs::write(&path, vec![0x55; bytes.len()]).unwrap();
        }
    }
}

fn entries(place: &Place) -> Vec<PathBuf> {
    let folders = fs::read_dir(place.path("cache/layers")).unwrap().map(|folder| folder.unwrap().path());
    let folders = folders.filter(|path| path.is_dir());
    let mut entries: Vec<PathBuf> =
        folders.flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

/// Removes what is known of images as a whole, so that only their layers are.
fn forget_images(place: &Place) {
    for entry in entries(place).into_iter().filter(|entry| fs::read(entry).unwrap().starts_with(b"iscanraw"))
    {
        fs::remove_file(entry).unwrap();
    }
}

#[test]
fn a_second_scan_says_the_same_and_reads_no_layer() {
    let place = Place::new();
    let target = place.layout(&linked());
    let fresh = inventory(&target);
    assert_eq!(fresh.packages(), ["bash"]);
    let cold = cached(&place, &target);
    assert!(cold.stderr.starts_with("read 4/4 layers"), "two, each for two questions: {}", cold.stderr);
    // What no scan opens may be anything.
    spoil(&place);
    let warm = cached(&place, &target);
    assert_eq!(warm.stdout, fresh.stdout);
    assert_eq!(cold.stdout, fresh.stdout);
    assert!(warm.stderr.starts_with("read 2 layers from the cache"), "{}", warm.stderr);
    forget_images(&place);
    let by_layers = cached(&place, &target);
    assert_eq!(by_layers.stdout, fresh.stdout);
    assert!(by_layers.stderr.starts_with("read 4 layers from the cache"), "{}", by_layers.stderr);
    let refused = with_cache(&place, &["inventory", &target, "--as-of", AS_OF, "--no-cache"]);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.incomplete().contains("but it is named"), "{refused:?}");
}

/// Facts are remembered by `EXTRACTOR_VERSION` of the model: whoever changes what is made of an image must raise it, and
/// then this.
#[test]
fn known_images_keep_the_facts_of_this_version() {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/demo");
    let said = inventory(&format!("oci:{}", demo.display())).json();
    let mut image = said["images"][0].clone();
    image["target"] = Value::Null;
    let expected = "sha256:a08ce56c4d62a621335d87015ce134dde2ee5ba9be9ea29ca360b3995735d36e";
    assert_eq!(
        (&image["extractor_version"], digest(image.to_string().as_bytes()).as_str()),
        (&Value::from(1), expected)
    );
}

#[test]
fn an_image_is_known_by_all_that_its_facts_depend_on() {
    let place = Place::new();
    let (debian, other) = (place.layout(&[debian()]), Place::new());
    let other_target = other.layout(&linked());
    let fresh = inventory(&debian).stdout;
    assert_eq!(cached(&place, &debian).stdout, fresh);
    assert_ne!(cached(&place, &other_target).stdout, fresh);
    assert_eq!(cached(&place, &debian).stdout, fresh);
    // The same image under another name, and in an index that says more of it.
    let moved = place.path("moved");
    fs::rename(place.path("image"), &moved).unwrap();
    let moved = moved.display().to_string();
    assert_eq!(cached(&place, &moved).stdout, inventory(&moved).stdout);
    let index = fs::read_to_string(format!("{moved}/index.json")).unwrap();
    let more = r#""annotations":{"org.opencontainers.image.created":"2026-01-02T03:04:05Z"},"digest""#;
    fs::write(format!("{moved}/index.json"), index.replacen(r#""digest""#, more, 1)).unwrap();
    let annotated = inventory(&moved).stdout;
    assert!(annotated.contains("2026-01-02T03:04:05Z"), "{annotated}");
    assert_eq!(cached(&place, &moved).stdout, annotated);
    // A layer that is gone is missed, whatever is known.
    fs::rename(&moved, place.path("image")).unwrap();
    fs::remove_file(place.largest_blob()).unwrap();
    assert_eq!(cached(&place, &debian).code, 3);
}

#[test]
fn a_new_image_on_a_known_base_reads_its_own_layers_only() {
    let place = Place::new();
    cached(&place, &place.layout(&[debian()]));
    let upper = Tar::new().file("var/lib/dpkg/status", status(&[("bash", "6")]).as_bytes()).build();
    let said = cached(&place, &place.layout(&[debian(), upper]));
    assert!(said.stderr.starts_with("read 1/1 layer and 1 from the cache"), "{}", said.stderr);
    assert_eq!(said.packages(), ["bash"]);
}

#[test]
fn what_is_not_what_its_name_says_is_not_remembered() {
    let place = Place::new();
    let target = place.layout(&[debian()]);
    let blob = place.largest_blob();
    let right = fs::read(&blob).unwrap();
    // A layer as good as the right one, under its name.
    let mut wrong = gzip(&linked()[0]);
    wrong.resize(right.len(), 0);
    fs::write(&blob, wrong).unwrap();
    assert_eq!(cached(&place, &target).code, 3);
    fs::write(&blob, right).unwrap();
    assert_eq!(cached(&place, &target).packages(), ["bash", "zlib1g"]);
}

#[test]
fn a_damaged_entry_is_said_and_the_layer_read_again() {
    let place = Place::new();
    let target = place.layout(&[debian()]);
    let cold = cached(&place, &target);
    let whole: Vec<_> = entries(&place).into_iter().map(|entry| (fs::read(&entry).unwrap(), entry)).collect();
    for (bytes, entry) in &whole {
        fs::write(entry, &bytes[..bytes.len() / 2]).unwrap();
    }
    let said = cached(&place, &target);
    assert_eq!((said.code, said.stdout), (0, cold.stdout));
    assert_eq!(said.stderr.matches("note: the layer cache").count(), whole.len(), "{}", said.stderr);
    assert_eq!(said.stderr.matches("is damaged").count(), whole.len(), "{}", said.stderr);
    for (bytes, entry) in &whole {
        assert_eq!(&fs::read(entry).unwrap(), bytes, "written anew");
    }
    assert!(!cached(&place, &target).stderr.contains("note:"));
}

#[test]
fn a_scan_goes_on_without_a_cache_that_cannot_be_written() {
    let place = Place::new();
    let target = place.layout(&[debian()]);
    place.write("cache/layers", b"no folder");
    let said = cached(&place, &target);
    assert_eq!((said.code, said.packages().len()), (0, 2), "{said:?}");
    assert_eq!(said.stderr.matches("note:").count(), 1, "{}", said.stderr);
    assert!(said.stderr.contains("the layer cache"), "{}", said.stderr);
    let quiet = with_cache(&place, &["inventory", &target, "--as-of", AS_OF, "-q"]);
    assert_eq!((quiet.code, quiet.stderr.as_str()), (0, ""));
}

#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn skipped(why: &str) {
    println!("skipped: {why}");
}

/// The same where `mount` was done to the folder `$CACHE`, for this process alone. `None`: that needs root.
fn cached_on(place: &Place, mount: &str, target: &str) -> Option<Said> {
    let inner = command(&["inventory", target, "--as-of", AS_OF]);
    let mut command = std::process::Command::new("unshare");
    command.args(["-m", "sh", "-c", &format!("{mount} || exit 77\nexec \"$0\" \"$@\"")]);
    command.arg(inner.get_program()).args(inner.get_args());
    command.env("CACHE", place.path("cache")).env("IMAGESCAN_CACHE_DIR", place.path("cache"));
    let said: Said = command.output().ok()?.into();
    if matches!(said.code, 1 | 77) {
        skipped("nothing can be mounted here (needs root)");
        return None;
    }
    Some(said)
}

#[test]
fn a_read_only_cache_is_still_read() {
    let place = Place::new();
    let target = place.layout(&[debian()]);
    cached(&place, &target);
    let mount = "mount --bind \"$CACHE\" \"$CACHE\" && mount -o remount,bind,ro \"$CACHE\"";
    let Some(known) = cached_on(&place, mount, &target) else { return };
    assert!(
        known.stderr.contains("1 layer from the cache") && !known.stderr.contains("note:"),
        "{}",
        known.stderr
    );
    let other = Place::new();
    let said = cached_on(&place, mount, &other.layout(&linked())).unwrap();
    assert_eq!((said.code, said.packages()), (0, vec!["bash".to_string()]), "{said:?}");
    assert_eq!(said.stderr.matches("cannot be written (Read-only file system").count(), 1, "{}", said.stderr);
}

#[test]
fn a_full_disk_stops_no_scan() {
    let place = Place::new();
    let packages: Vec<String> = (0..3000).map(|number| format!("package-{number}")).collect();
    let packages: Vec<(&str, &str)> = packages.iter().map(|name| (name.as_str(), "1.0")).collect();
    let layer = Tar::new()
        .file("etc/os-release", OS_RELEASE.as_bytes())
        .file("var/lib/dpkg/status", status(&packages).as_bytes())
        .build();
    let target = place.layout(&[layer]);
    place.write("cache/there", b"");
    let mount = "mount -t tmpfs -o size=64k tmpfs \"$CACHE\"";
    let Some(said) = cached_on(&place, mount, &target) else { return };
    assert_eq!((said.code, said.packages().len()), (0, 3000), "{}", said.stderr);
    assert_eq!(said.stderr.matches("cannot be written (No space left").count(), 1, "{}", said.stderr);
}

#[test]
fn bounds_hold_for_what_the_cache_knows() {
    let place = Place::new();
    let target = place.layout(&[debian()]);
    let with = |bound: &str| with_cache(&place, &["inventory", &target, "--as-of", AS_OF, bound]);
    assert_eq!(cached(&place, &target).code, 0);
    for bound in ["--max-kept-bytes=1", "--max-total-bytes=1", "--max-file-bytes=1", "--max-layer-bytes=1"] {
        let (warm, fresh) = (with(bound), run(&["inventory", &target, "--as-of", AS_OF, bound]));
        assert_eq!((warm.code, warm.stdout), (3, fresh.stdout), "{bound}");
    }
}

#[test]
fn the_cache_is_shown_bounded_and_cleared() {
    let place = Place::new();
    let info = || with_cache(&place, &["cache", "info"]).stdout;
    assert!(info().contains("entries  0\n"), "{}", info());
    let target = place.layout(&linked());
    cached(&place, &target);
    assert!(info().contains("entries  5\n") && info().contains("used     20"), "{}", info());
    let left = place.write("cache/layers/.new-1-1", b"left by a process that was killed");
    assert!(info().contains("killed: 1"), "{}", info());
    let kept = place.write("cache/spill/other", b"not the layer cache's");
    let said = with_cache(&place, &["cache", "clear"]);
    assert!(said.code == 0 && said.stdout.starts_with("removed 5 entries, "), "{said:?}");
    assert!(entries(&place).is_empty() && !left.exists() && kept.exists());
    with_cache(&place, &["inventory", &target, "--as-of", AS_OF, "--cache-max-size", "5000"]);
    assert_eq!(entries(&place).len(), 1);
}

#[test]
fn the_users_configuration_says_where_it_is_and_how_large() {
    let place = Place::new();
    let target = place.layout(&linked());
    let config = place.path("config.toml").display().to_string();
    let text = format!("[cache]\ndir = \"{}\"\nmax_size = 5000\n", place.path("cache").display());
    place.write("config.toml", text.as_bytes());
    let run = |arguments: &[&str]| -> Said {
        let mut command = command(arguments);
        command
            .env_remove("IMAGESCAN_NO_CACHE")
            .env_remove("IMAGESCAN_CACHE_DIR")
            .env("IMAGESCAN_CONFIG", &config);
        command.output().unwrap().into()
    };
    assert_eq!(run(&["inventory", &target, "--as-of", AS_OF]).code, 0);
    assert_eq!(entries(&place).len(), 1);
    assert!(run(&["cache", "info"]).stdout.contains("at most 5 kB"));
    let larger = run(&["cache", "info", "--cache-max-size", "1000000"]);
    assert!(larger.stdout.contains("at most 1.0 MB"), "{larger:?}");
    let other = run(&["cache", "info", "--cache-dir", "/nowhere"]);
    assert!(other.stdout.contains("folder   /nowhere/layers"), "{other:?}");
}

#[test]
fn many_processes_share_a_cache() {
    let place = Place::new();
    let target = place.layout(&linked());
    let fresh = inventory(&target).stdout;
    std::thread::scope(|scope| {
        let scans: Vec<_> = (0..8).map(|_| scope.spawn(|| cached(&place, &target))).collect();
        for scan in scans {
            let said = scan.join().unwrap();
            assert_eq!(
                (said.stdout.as_str(), said.stderr.contains("note:")),
                (fresh.as_str(), false),
                "{said:?}"
            );
        }
    });
    assert_eq!(entries(&place).len(), 5);
}
