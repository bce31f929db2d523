//! One open registry for all tests, with an image in it.

pub(crate) use crate::support::assert_failed;

use crate::docker_registry::{OCI_LAYER, Registry, Repository};
use crate::pull::Pull;
use crate::support::{Place, Said, Tar, debian, gzip, inventory, status};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Repository and tag of the image that most tests pull.
pub(crate) const APP: &str = "team/app:1";

pub(crate) struct Fixture {
    pub registry: Registry,
    /// Other registries may be started on the same storage.
    pub storage: PathBuf,
    /// The digest of the image's manifest.
    pub digest: String,
}

/// The registry. `None`: it cannot be started here, and that was said.
pub(crate) fn fixture() -> Option<&'static Fixture> {
    static FIXTURE: OnceLock<Option<Fixture>> = OnceLock::new();
    let start = || {
        let storage = Path::new(env!("CARGO_TARGET_TMPDIR")).join("registry");
        let _ = std::fs::remove_dir_all(&storage);
        let registry = Registry::start(&storage, json!({}), Value::Null)?;
        let pushed = registry.repository("team/app").image(Some("1"), "amd64", &layers(), gzipped);
        let digest = pushed["digest"].as_str().unwrap().into();
        Some(Fixture { registry, storage, digest })
    };
    FIXTURE.get_or_init(start).as_ref()
}

impl Fixture {
    /// A pull of the image.
    pub(crate) fn pull(&self) -> Pull {
        Pull::new(&self.app())
    }

    /// The image's name.
    pub(crate) fn app(&self) -> String {
        app(&self.registry.host)
    }

    pub(crate) fn repository<'a>(&'a self, name: &'a str) -> Repository<'a> {
        self.registry.repository(name)
    }
}

/// The image's name at `host`.
pub(crate) fn app(host: &str) -> String {
    format!("{host}/{APP}")
}

/// The uncompressed layers of the image; the last is large.
pub(crate) fn layers() -> Vec<Vec<u8>> {
    let upper = Tar::new()
        .file("var/lib/dpkg/status", status(&[("bash", "5.2.15-3"), ("curl", "7.88.1-10")]).as_bytes())
        .build();
    vec![debian(), upper, Tar::new().file("srv/noise", &noise(300_000, 1)).build()]
}

/// Bytes that do not compress.
pub(crate) fn noise(count: usize, mut state: u64) -> Vec<u8> {
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(count).collect()
}

pub(crate) fn gzipped(layer: &[u8]) -> (Vec<u8>, String) {
    (gzip(layer), format!("{OCI_LAYER}+gzip"))
}

/// What the image holds, as it is read from a folder.
pub(crate) fn expected() -> &'static Vec<Value> {
    static EXPECTED: OnceLock<Vec<Value>> = OnceLock::new();
    EXPECTED.get_or_init(|| content(&inventory(&Place::new().layout(&layers()))))
}

/// The images of a document but for what differs by where they lie and how they are packed.
pub(crate) fn content(said: &Said) -> Vec<Value> {
    let document = said.json();
    let mut images = document["images"].as_array().unwrap().clone();
    let strip = |value: &mut Value, keys: &[&str]| {
        for key in keys {
            value.as_object_mut().unwrap().remove(*key);
        }
    };
    for image in &mut images {
        strip(image, &["target", "reference", "digest", "index_digest", "config_digest"]);
        for layer in image["layers"].as_array_mut().into_iter().flatten() {
            strip(layer, &["digest", "size", "media_type", "read"]);
        }
    }
    images
}

/// It was pulled, and holds what it should.
#[track_caller]
pub(crate) fn assert_pulled(said: &Said) {
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(&content(said), expected());
}
