//! Images in containerd's store.

use crate::engine::{images, layers};
use crate::support::{AS_OF, Place, Said, assert_failed, debian, digest, gzip, inventory, run};
use serde_json::{Value, json};
use std::fs;

/// A folder of containerd's with one image.
struct Store {
    place: Place,
    /// The digest of the image's manifest.
    digest: String,
    /// The same image from a layout.
    expected: Value,
}

impl Store {
    fn new() -> Self {
        let place = Place::new();
        let target = place.layout(&layers());
        let index: Value =
            serde_json::from_slice(&fs::read(place.path("image/index.json")).unwrap()).unwrap();
        let expected = images(&inventory(&target));
        fs::create_dir(place.path("root")).unwrap();
        // The store has no index of its own.
        fs::remove_file(place.path("image/index.json")).unwrap();
        fs::remove_file(place.path("image/oci-layout")).unwrap();
        fs::rename(place.path("image"), place.path("root/io.containerd.content.v1.content")).unwrap();
        Self { place, digest: index["manifests"][0]["digest"].as_str().unwrap().into(), expected }
    }

    fn blob(&self, digest: &str) -> std::path::PathBuf {
        self.place.path("root/io.containerd.content.v1.content/blobs").join(digest.replace(':', "/"))
    }

    /// Adds a document.
    fn add(&self, document: &Value) -> String {
        let bytes = document.to_string().into_bytes();
        let digest = digest(&bytes);
        fs::write(self.blob(&digest), bytes).unwrap();
        digest
    }

    fn read(&self, name: &str) -> Said {
        let root = self.place.path("root").display().to_string();
        let target = format!("containerd:{name}");
        run(&["inventory", &target, "--containerd-root", &root, "--as-of", AS_OF, "-q"])
    }
}

#[test]
fn an_image_is_found_by_the_digest_of_its_manifest() {
    let store = Store::new();
    let said = store.read(&store.digest);
    assert_eq!((said.code, images(&said)), (0, store.expected.clone()), "{said:?}");
    let name = format!("registry.example/app:1@{}", store.digest);
    let named = store.read(&name);
    assert_eq!(named.json()["images"][0]["reference"], name);
    assert_eq!(named.packages(), ["bash", "curl"]);
}

#[test]
fn an_index_is_chosen_from_by_platform_though_other_platforms_were_not_pulled() {
    let store = Store::new();
    let entry = |architecture: &str, digest: &str, size: u64| {
        json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": size,
            "platform": {"os": "linux", "architecture": architecture}})
    };
    let size = fs::metadata(store.blob(&store.digest)).unwrap().len();
    let absent = digest(b"nothing");
    let manifests = [entry("amd64", &store.digest, size), entry("arm64", &absent, 7)];
    let index = store.add(&json!({"schemaVersion": 2, "manifests": manifests}));
    let root = store.place.path("root").display().to_string();
    let read = |platform| {
        let target = format!("containerd:{index}");
        run(&[
            "inventory",
            &target,
            "--containerd-root",
            &root,
            "--platform",
            platform,
            "--as-of",
            AS_OF,
            "-q",
        ])
    };
    let said = read("linux/amd64");
    assert_eq!(
        (said.code, said.json()["images"][0]["index_digest"].as_str()),
        (0, Some(&*index)),
        "{said:?}"
    );
    assert_failed(&read("linux/arm64"), &[&absent[7..], "is not in containerd's store", "not pulled"]);
}

#[test]
fn a_layer_that_was_discarded_is_incomplete() {
    let store = Store::new();
    let layer = digest(&gzip(&layers()[1]));
    fs::remove_file(store.blob(&layer)).unwrap();
    let said = store.read(&store.digest);
    assert_failed(
        &said,
        &["layer: ", "is not in containerd's store", "discard_unpacked_layers", "ctr content fetch"],
    );
    assert_eq!(said.packages(), ["bash", "zlib1g"], "the rest is read");
}

#[test]
fn blobs_are_compared_with_their_names_and_links_are_not_followed() {
    let store = Store::new();
    let blob = store.blob(&store.digest);
    let bytes = fs::read(&blob).unwrap();
    fs::write(&blob, String::from_utf8(bytes.clone()).unwrap().replace("schemaVersion", "schemaversion"))
        .unwrap();
    assert_failed(&store.read(&store.digest), &["its content has the digest"]);
    fs::rename(&blob, store.place.path("elsewhere")).unwrap();
    fs::write(store.place.path("elsewhere"), bytes).unwrap();
    std::os::unix::fs::symlink(store.place.path("elsewhere"), &blob).unwrap();
    assert_failed(&store.read(&store.digest), &["symbolic link"]);
    let layer = digest(&gzip(&debian()));
    let store = Store::new();
    let mut bytes = fs::read(store.blob(&layer)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(store.blob(&layer), bytes).unwrap();
    assert_failed(&store.read(&store.digest), &["layer: its content has the digest"]);
}

#[test]
fn what_is_no_image_says_what_to_do() {
    let store = Store::new();
    let absent = digest(b"nothing");
    assert_failed(&store.read(&absent), &[&absent[7..], "is not in containerd's store"]);
    // What crictl shows as an image's ID.
    let bare = store.expected[0]["config_digest"].as_str().unwrap().to_string();
    let real = json!({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["sh"]}, "rootfs": {"diff_ids": []}});
    for config in [bare, store.add(&real)] {
        assert_failed(&store.read(&config), &[&config, "is an image's config", "manifest"]);
    }
    let name = store.read("registry.example/app:1");
    assert_failed(
        &name,
        &["`containerd:registry.example/app:1` has no digest", "crictl inspecti", "nerdctl inspect"],
    );
}

#[test]
fn the_folder_is_an_option_or_a_variable() {
    let store = Store::new();
    let target = format!("containerd:{}", store.digest);
    let with = |root: &str| {
        let mut command = crate::support::command(&["inventory", &target, "--as-of", AS_OF, "-q"]);
        Said::from(command.env("IMAGESCAN_CONTAINERD_ROOT", store.place.path(root)).output().unwrap())
    };
    assert_eq!(images(&with("root")), store.expected);
    fs::create_dir(store.place.path("empty")).unwrap();
    assert_failed(&with("empty"), &["io.containerd.content.v1.content", "--containerd-root"]);
    let absent = with("absent");
    assert_eq!(absent.code, 2, "{absent:?}");
}
