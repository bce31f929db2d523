//! What an image may look like in a registry.

use crate::docker_registry::{OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, Repository, is_there, skipped};
use crate::fixture::{Fixture, assert_failed, assert_pulled, content, fixture, gzipped, layers};
use crate::http::Answer;
use crate::pull::Pull;
use crate::server::Server;
use crate::support::{Place, Said, debian, digest, gzip, inventory};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

fn pulled(fixture: &Fixture, name: &str, more: &[&str]) -> Said {
    Pull::new(&format!("{}/{name}", fixture.registry.host)).arguments(more).run()
}

#[test]
fn layers_of_any_compression_hold_the_same_image() {
    let Some(fixture) = fixture() else { return };
    let repository = fixture.repository("shapes/compressed");
    let zstd = |layer: &[u8]| zstd::encode_all(layer, 3).unwrap();
    repository.image(Some("zstd"), "amd64", &layers(), |layer| (zstd(layer), format!("{OCI_LAYER}+zstd")));
    repository.image(Some("plain"), "amd64", &layers(), |layer| (layer.to_vec(), OCI_LAYER.into()));
    // Media types that lie: the bytes decide.
    repository.image(Some("lying"), "amd64", &layers(), |layer| (gzip(layer), format!("{OCI_LAYER}+zstd")));
    repository.image(Some("odd"), "amd64", &layers(), |layer| (gzip(layer), "text/plain".into()));
    for tag in ["zstd", "plain", "lying", "odd"] {
        assert_pulled(&pulled(fixture, &format!("shapes/compressed:{tag}"), &[]));
    }
}

#[test]
fn an_image_of_dockers_schema_2_is_one() {
    let Some(fixture) = fixture() else { return };
    let repository = fixture.repository("shapes/docker");
    let kind = |what: &str| format!("application/vnd.docker.{what}");
    let ids: Vec<String> = layers().iter().map(|layer| digest(layer)).collect();
    let config = json!({"created": "2026-10-01T00:00:00Z", "architecture": "amd64", "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": ids}});
    let config = repository.blob(config.to_string().as_bytes(), &kind("container.image.v1+json"));
    let layer = |layer: &Vec<u8>| repository.blob(&gzip(layer), &kind("image.rootfs.diff.tar.gzip"));
    let layers: Vec<Value> = layers().iter().map(layer).collect();
    let (manifest, list) =
        (kind("distribution.manifest.v2+json"), kind("distribution.manifest.list.v2+json"));
    let body = json!({"schemaVersion": 2, "mediaType": manifest, "config": config, "layers": layers});
    let mut described = repository.manifest(Some("1"), &manifest, &body);
    assert_pulled(&pulled(fixture, "shapes/docker:1", &[]));
    described["platform"] = json!({"os": "linux", "architecture": "amd64"});
    let body = json!({"schemaVersion": 2, "mediaType": list, "manifests": [described]});
    repository.manifest(Some("list"), &list, &body);
    assert_pulled(&pulled(fixture, "shapes/docker:list", &[]));
}

fn platform(mut descriptor: Value, os: &str, architecture: &str) -> Value {
    descriptor["platform"] = json!({"os": os, "architecture": architecture});
    descriptor
}

fn index(repository: &Repository<'_>, tag: Option<&str>, manifests: &[Value]) -> Value {
    let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests});
    repository.manifest(tag, OCI_INDEX, &index)
}

/// A manifest with a config of another kind.
fn artifact(repository: &Repository<'_>, tag: Option<&str>, kind: &str) -> Value {
    let config = repository.blob(b"{}", kind);
    let layer = repository.blob(b"anything", "application/octet-stream");
    let manifest =
        json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [layer]});
    repository.manifest(tag, OCI_MANIFEST, &manifest)
}

#[test]
fn an_index_is_chosen_from_by_platform_however_deep_it_is() {
    let Some(fixture) = fixture() else { return };
    let repository = fixture.repository("shapes/index");
    let of = |architecture: &str| {
        platform(repository.image(None, architecture, &layers(), gzipped), "linux", architecture)
    };
    // As BuildKit writes it: an attestation is a manifest for a platform that nothing runs on.
    let attestation = artifact(&repository, None, "application/vnd.in-toto+json");
    let manifests = [of("amd64"), of("arm64"), platform(attestation, "unknown", "unknown")];
    let inner = index(&repository, Some("flat"), &manifests);
    index(&repository, Some("nested"), &[inner]);
    for tag in ["flat", "nested"] {
        let name = format!("shapes/index:{tag}");
        let platforms = |choice: &str| -> Vec<String> {
            let said = pulled(fixture, &name, &["--platform", choice]);
            let images = said.json()["images"].as_array().unwrap().clone();
            images.iter().filter_map(|image| Some(image["platform"].as_str()?.to_string())).collect()
        };
        assert_eq!(platforms("linux/arm64"), ["linux/arm64"]);
        assert_eq!(platforms("all"), ["linux/amd64", "linux/arm64"]);
        let said = pulled(fixture, &name, &["--platform", "linux/amd64"]);
        assert_pulled(&said);
        assert!(said.json()["images"][0]["index_digest"].as_str().unwrap().starts_with("sha256:"));
        let said = pulled(fixture, &name, &["--platform", "linux/s390x"]);
        assert_failed(&said, &["no image for linux/s390x: it has linux/amd64, linux/arm64"]);
    }
}

#[test]
fn what_is_no_image_is_named_as_what_it_is() {
    let Some(fixture) = fixture() else { return };
    let repository = fixture.repository("shapes/artifact");
    for (tag, kind) in [
        ("helm", "application/vnd.cncf.helm.config.v1+json"),
        ("wasm", "application/vnd.wasm.config.v0+json"),
        ("empty", "application/vnd.oci.empty.v1+json"),
    ] {
        artifact(&repository, Some(tag), kind);
        let said = pulled(fixture, &format!("shapes/artifact:{tag}"), &[]);
        assert_failed(&said, &[&format!("it is no container image, but `{kind}`")]);
    }
    let unknown = platform(artifact(&repository, None, "application/vnd.in-toto+json"), "unknown", "unknown");
    index(&repository, Some("attested"), &[unknown]);
    assert_failed(&pulled(fixture, "shapes/artifact:attested", &[]), &["it holds no image"]);
    index(&repository, Some("void"), &[]);
    assert_failed(&pulled(fixture, "shapes/artifact:void", &[]), &["it holds no image"]);
}

#[test]
fn a_signature_under_an_images_config_is_named_as_one() {
    let Some(fixture) = fixture() else { return };
    let repository = fixture.repository("shapes/cosign");
    for (tag, kind) in [
        ("sig", "application/vnd.dev.cosign.simplesigning.v1+json"),
        ("att", "application/vnd.dsse.envelope.v1+json"),
        ("prov", "application/vnd.in-toto+json"),
        ("sbom", "text/spdx+json"),
    ] {
        let layer = repository.blob(b"{\"critical\": {}}", kind);
        // As cosign writes it.
        let config = json!({"architecture": "", "os": "", "config": {},
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}});
        let config = repository.blob(config.to_string().as_bytes(), OCI_CONFIG);
        let manifest =
            json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [layer]});
        repository.manifest(Some(tag), OCI_MANIFEST, &manifest);
        let said = pulled(fixture, &format!("shapes/cosign:{tag}"), &[]);
        assert_failed(&said, &[&format!("it is no container image, but `{kind}`")]);
    }
}

#[test]
fn an_artifact_is_what_it_calls_itself() {
    let Some(fixture) = fixture() else { return };
    let repository = fixture.repository("shapes/typed");
    let config = repository.blob(b"{}", "application/vnd.oci.empty.v1+json");
    let layer = repository.blob(b"anything", "application/octet-stream");
    let kind = "application/vnd.example.sbom";
    let manifest = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": kind,
        "config": config, "layers": [layer]});
    repository.manifest(Some("1"), OCI_MANIFEST, &manifest);
    let said = pulled(fixture, "shapes/typed:1", &[]);
    assert_failed(&said, &[&format!("it is no container image, but `{kind}`")]);
}

#[test]
fn a_layer_that_may_not_be_distributed_is_passed_over_and_told() {
    let Some(fixture) = fixture() else { return };
    let repository = fixture.repository("shapes/foreign");
    let absent = Vec::from("a layer of somebody else");
    let config = json!({"created": "2026-10-01T00:00:00Z", "architecture": "amd64", "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [digest(&absent), digest(&debian())]}});
    let foreign = json!({"mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "digest": digest(&absent), "size": 24, "urls": ["http://169.254.169.254/layer"]});
    let layer = repository.blob(&gzip(&debian()), &format!("{OCI_LAYER}+gzip"));
    let config = repository.blob(config.to_string().as_bytes(), OCI_CONFIG);
    let manifest = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config,
        "layers": [foreign, layer]});
    repository.manifest(Some("1"), OCI_MANIFEST, &manifest);
    let said = pulled(fixture, "shapes/foreign:1", &[]);
    assert_eq!(said.packages(), ["bash", "zlib1g"], "{said:?}");
    assert!(said.incomplete().contains("foreign-layer: "), "{}", said.incomplete());
}

/// The folder with real images that another test builds, if it has.
const REAL: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/real-images");

/// Copies an image with skopeo.
fn copied(from: &str, to: &str, more: &[&str]) {
    let mut command = Command::new("skopeo");
    command.args(["copy", "--quiet", "--insecure-policy", "--dest-tls-verify=false"]).args(more);
    let output = command.arg(from).arg(to).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_real_image_is_the_same_whichever_way_it_came() {
    let Some(fixture) = fixture() else { return };
    let stack = Path::new(REAL).join("stack");
    // The mark says that it is complete.
    if !Path::new(REAL).join(".stack").exists() || !is_there("skopeo") {
        return skipped("no real image `stack` was built, or there is no skopeo");
    }
    let layout = format!("oci:{}", stack.display());
    let name = format!("{}/real/stack", fixture.registry.host);
    copied(&layout, &format!("docker://{name}:oci"), &[]);
    copied(&layout, &format!("docker://{name}:docker"), &["--format", "v2s2"]);
    let expected = content(&inventory(&layout));
    assert!(expected[0]["packages"].as_array().unwrap().len() > 50);
    let place = Place::new();
    let archive = format!("oci-archive:{}", place.path("stack.tar").display());
    copied(&layout, &archive, &[]);
    let docker_archive = format!("{}.docker.tar", stack.display());
    let socket = place.path("engine.sock");
    let _engine = engine(&socket, docker_archive.clone());
    let (store, digest) = containerd(&place, &stack);
    let cached = Pull::new(&format!("{name}:oci")).cached();
    let lazy = place.path("lazy").display().to_string();
    let convert = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/estargz.py");
    assert!(
        Command::new("python3")
            .env("LEVEL", "1")
            .arg(convert)
            .arg(&stack)
            .arg(&lazy)
            .status()
            .unwrap()
            .success()
    );
    copied(&format!("oci:{lazy}"), &format!("docker://{name}:lazy"), &[]);
    // Made by skopeo: layers of thousands of frames, and a table of them.
    let chunked = format!("oci:{}", place.path("chunked").display());
    copied(&layout, &chunked, &["--dest-compress", "--dest-compress-format", "zstd:chunked"]);
    copied(&chunked, &format!("docker://{name}:chunked"), &[]);
    let lazily = [Pull::new(&format!("{name}:lazy")).run(), Pull::new(&format!("{name}:chunked")).run()];
    let read = |layer: &Value| layer["read"].clone();
    for lazily in &lazily {
        let layers =
            lazily.json()["images"][0]["layers"].as_array().unwrap().iter().map(read).collect::<Vec<_>>();
        assert_eq!(layers, vec![Value::from("lazy"); layers.len()]);
    }
    let [lazily, lazily_chunked] = lazily;
    // Other archives, of the same files.
    let files = |said: &Said| {
        let mut images = content(said);
        for layer in images.iter_mut().flat_map(|image| image["layers"].as_array_mut().unwrap()) {
            layer.as_object_mut().unwrap().remove("diff_id");
        }
        images
    };
    assert!(files(&lazily) == files(&inventory(&layout)), "another image lazily: {}", lazily.incomplete());
    for (way, said) in [
        ("docker-archive", inventory(&format!("docker-archive:{docker_archive}"))),
        ("oci-archive", inventory(&archive)),
        ("many frames", inventory(&chunked)),
        ("many frames, lazily", lazily_chunked),
        ("oci", Pull::new(&format!("{name}:oci")).run()),
        ("docker", Pull::new(&format!("{name}:docker")).run()),
        (
            "docker-daemon",
            Pull::new("docker-daemon:stack:latest")
                .variable("DOCKER_HOST", format!("unix://{}", socket.display()))
                .run(),
        ),
        (
            "containerd",
            Pull::new(&format!("containerd:{digest}")).variable("IMAGESCAN_CONTAINERD_ROOT", store).run(),
        ),
        ("cache, filled", cached.run()),
        ("cache, asked", cached.run()),
    ] {
        // Both are too long to print.
        assert!(content(&said) == expected, "another image by {way}: {}", said.incomplete());
    }
}

/// A container engine at `socket` that exports this archive.
fn engine(socket: &Path, archive: String) -> Server {
    Server::at_socket(socket, move |request| match request.path.as_str() {
        "/_ping" => Answer::new("200 OK", "OK").with("Api-Version", "1.47"),
        _ => Answer::new("200 OK", std::fs::read(&archive).unwrap()),
    })
}

/// The content store of containerd with the image of this layout, and the digest of its manifest.
fn containerd(place: &Place, layout: &Path) -> (PathBuf, String) {
    let (root, blobs) = (place.path("containerd"), "io.containerd.content.v1.content/blobs");
    std::fs::create_dir_all(root.join("io.containerd.content.v1.content")).unwrap();
    let copied =
        Command::new("cp").arg("-r").args([layout.join("blobs"), root.join(blobs)]).status().unwrap();
    assert!(copied.success());
    let index: Value = serde_json::from_slice(&std::fs::read(layout.join("index.json")).unwrap()).unwrap();
    (root, index["manifests"][0]["digest"].as_str().unwrap().into())
}
