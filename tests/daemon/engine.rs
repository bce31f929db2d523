//! An engine with one image, and what is asked of it.

use crate::http::{Answer, Request};
use crate::pull::Pull;
use crate::server::{Server, Step};
use crate::support::{
    Place, Said, Tar, assert_failed, debian, digest, docker_archive, gzip, inventory, status,
};
use serde_json::{Value, json};
use std::path::PathBuf;

pub(crate) const NAME: &str = "registry.example/app:1";

/// A running engine at a socket, with what it has.
pub(crate) struct Engine {
    pub server: Server,
    pub place: Place,
    pub archive: PathBuf,
}

impl Engine {
    /// One that has the image [`NAME`].
    pub(crate) fn start() -> Self {
        Self::saying(|archive| image(&archive))
    }

    /// One that says this instead of the image, whose archive is given.
    pub(crate) fn saying<S: Into<Vec<Step>>>(say: impl Fn(Vec<u8>) -> S + Send + Sync + 'static) -> Self {
        let place = Place::new();
        let archive = PathBuf::from(docker_archive(&place, &[(NAME, layers())], false));
        let bytes = std::fs::read(&archive).unwrap();
        let answer = move |request: &Request| answer(request, |_| say(bytes.clone()).into());
        let server = Server::at_socket(&place.path("engine.sock"), answer);
        Self { server, place, archive }
    }

    /// A run on `target`, with the engine named by `DOCKER_HOST`.
    pub(crate) fn run(&self, target: &str) -> Pull {
        Pull::new(target).variable("DOCKER_HOST", format!("unix://{}", self.server.host))
    }
}

/// What an engine of the API 1.47 answers, `say` being asked for images.
pub(crate) fn answer(request: &Request, say: impl Fn(&Request) -> Vec<Step>) -> Vec<Step> {
    match request.path.as_str() {
        "/_ping" => pong("1.47"),
        path if path.starts_with("/v1.47/images/") && path.ends_with("/get") => say(request),
        _ => Answer::new("400 Bad Request", r#"{"message": "page not found"}"#).into(),
    }
}

pub(crate) fn pong(version: &str) -> Vec<Step> {
    let pong = Answer::new("200 OK", "OK").with("Content-Type", "text/plain; charset=utf-8");
    pong.with("Api-Version", version).with("Ostype", "linux").into()
}

/// An archive in chunks.
pub(crate) fn image(archive: &[u8]) -> Vec<Step> {
    let mut steps = chunks(archive);
    steps.push(Step::Send(b"0\r\n\r\n".to_vec()));
    steps
}

/// The same without its end.
pub(crate) fn chunks(archive: &[u8]) -> Vec<Step> {
    let head = Answer::new("200 OK", "").with("Content-Type", "application/x-tar");
    let mut steps = vec![Step::Send(head.with("Transfer-Encoding", "chunked").head())];
    for chunk in archive.chunks(1000) {
        steps.push(Step::Send(format!("{:x}\r\n", chunk.len()).into_bytes()));
        steps.push(Step::Send([chunk, b"\r\n"].concat()));
    }
    steps
}

pub(crate) fn layers() -> Vec<Vec<u8>> {
    let upper = Tar::new()
        .file("var/lib/dpkg/status", status(&[("bash", "5.2.15-3"), ("curl", "7.88.1-10")]).as_bytes())
        .build();
    vec![debian(), upper]
}

/// The images of a document, but for their targets.
pub(crate) fn images(said: &Said) -> Value {
    let mut document = said.json();
    for image in document["images"].as_array_mut().unwrap() {
        image.as_object_mut().unwrap().remove("target");
    }
    document["images"].clone()
}

#[test]
fn an_engines_image_is_that_of_its_archive() {
    let engine = Engine::start();
    let expected = inventory(&format!("docker-archive:{}", engine.archive.display()));
    let id = expected.json()["images"][0]["config_digest"].as_str().unwrap().to_string();
    for name in [NAME, &id, &format!("registry.example/app@{id}")] {
        let said = engine.run(&format!("docker-daemon:{name}")).run();
        assert_eq!(said.code, 0, "{said:?}");
        assert_eq!(images(&said), images(&expected));
        assert_eq!(said.json()["images"][0]["target"], format!("docker-daemon:{name}"));
        assert_eq!(engine.server.asked(name)[0].path, format!("/v1.47/images/{name}/get"));
    }
    assert_eq!(engine.server.seen().len(), 6, "one ping and one question a target");
}

#[test]
fn an_image_without_tags_is_called_what_it_was_asked_for() {
    let (old, new) = (format!("\"RepoTags\":[\"{NAME}\"]"), "\"RepoTags\":null");
    let engine = Engine::saying(move |mut archive| {
        let at = archive.windows(old.len()).position(|window| window == old.as_bytes()).unwrap();
        archive[at..at + old.len()].copy_from_slice(format!("{new:0$}", old.len()).as_bytes());
        image(&archive)
    });
    let digest = digest(b"manifest");
    let reference = |name: &str| {
        engine.run(&format!("docker-daemon:{name}")).run().json()["images"][0]["reference"].clone()
    };
    let name = format!("registry.example/app@{digest}");
    assert_eq!(reference(&name), name);
    assert_eq!(reference(&digest), Value::Null);
}

#[test]
fn a_name_without_a_tag_is_the_latest() {
    let engine = Engine::start();
    let said = engine.run("docker-daemon:app").run();
    // The engine knows best what it calls so.
    assert_eq!(said.json()["images"][0]["reference"], NAME);
    assert_eq!(engine.server.asked("app").len(), engine.server.asked("/images/app:latest/get").len());
}

#[test]
fn of_several_images_the_one_asked_for_is_taken() {
    let place = Place::new();
    let tagged = [("registry.example/app:1", layers()), ("registry.example/base:1", vec![debian()])];
    let archive = std::fs::read(docker_archive(&place, &tagged, true)).unwrap();
    let engine = Engine::saying(move |_| image(&archive));
    let base = engine.run("docker-daemon:registry.example/base:1").run();
    assert_eq!(base.json()["images"].as_array().unwrap().len(), 1);
    assert_eq!(base.packages(), ["bash", "zlib1g"]);
    let id = base.json()["images"][0]["config_digest"].as_str().unwrap().to_string();
    assert_eq!(images(&engine.run(&format!("docker-daemon:{id}")).run()), images(&base));
    let none = engine.run("docker-daemon:registry.example/other:1").run();
    assert_failed(
        &none,
        &["of its 2 images none is `registry.example/other:1`", "it has registry.example/app:1"],
    );
}

#[test]
fn what_docker_writes_since_25_is_an_image_too() {
    let (config, layers) = (config(), layers().iter().map(|layer| gzip(layer)).collect::<Vec<_>>());
    let path = |bytes: &[u8]| format!("blobs/sha256/{}", &digest(bytes)[7..]);
    let describe = |kind: &str, bytes: &[u8]| json!({"mediaType": format!("application/vnd.oci.image.{kind}"), "digest": digest(bytes), "size": bytes.len()});
    let described: Vec<Value> = layers.iter().map(|layer| describe("layer.v1.tar+gzip", layer)).collect();
    let manifest = json!({"schemaVersion": 2, "config": describe("config.v1+json", config.as_bytes()),
        "layers": described})
    .to_string();
    let index = json!({"schemaVersion": 2, "manifests": [describe("manifest.v1+json", manifest.as_bytes())]});
    let paths: Vec<String> = layers.iter().map(|layer| path(layer)).collect();
    let old = json!([{"Config": path(config.as_bytes()), "RepoTags": [NAME], "Layers": paths}]);
    let build = |with_old: bool| {
        let blobs = layers.iter().map(Vec::as_slice).chain([config.as_bytes(), manifest.as_bytes()]);
        let tar = blobs.fold(Tar::new(), |tar, blob| tar.file(&path(blob), blob));
        let tar = tar.file("index.json", index.to_string().as_bytes());
        let tar = tar.file("oci-layout", br#"{"imageLayoutVersion": "1.0.0"}"#);
        if with_old { tar.file("manifest.json", old.to_string().as_bytes()).build() } else { tar.build() }
    };
    for with_old in [true, false] {
        let archive = build(with_old);
        let engine = Engine::saying(move |_| image(&archive));
        let said = engine.run(&format!("docker-daemon:{NAME}")).run();
        assert_eq!(
            (said.code, said.packages()),
            (0, vec!["bash".to_string(), "curl".to_string()]),
            "{said:?}"
        );
        assert_eq!(said.json()["images"][0]["config_digest"], digest(config.as_bytes()));
    }
}

fn config() -> String {
    let ids: Vec<String> = layers().iter().map(|layer| digest(layer)).collect();
    json!({"created": "2026-10-01T00:00:00Z", "architecture": "amd64", "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": ids}})
    .to_string()
}

#[test]
fn a_platform_is_asked_for_where_the_api_knows_how() {
    let place = Place::new();
    let archive = std::fs::read(docker_archive(&place, &[(NAME, layers())], false)).unwrap();
    for (version, query) in [("1.41", ""), ("1.48", "?platform=%7B%22")] {
        let archive = archive.clone();
        let server = Server::open(move |request| match request.path.as_str() {
            "/_ping" => pong(version),
            _ => image(&archive),
        });
        let said = Pull::new(&format!("docker-daemon:{NAME}"))
            .variable("DOCKER_HOST", format!("tcp://{}", server.host))
            .arguments(&["--platform", "linux/arm64"])
            .run();
        assert_failed(&said, &["no image for linux/arm64: it has linux/amd64"]);
        let asked = server.asked(&format!("/v{version}/images/{NAME}/get{query}"));
        assert_eq!(asked.len(), 1, "{:?}", server.seen());
        assert_eq!(asked[0].path.contains("%22architecture%22%3A%22arm64%22"), !query.is_empty());
    }
}

#[test]
fn several_images_of_an_engine_are_read_side_by_side() {
    let engine = Engine::start();
    let (one, other) = (format!("docker-daemon:{NAME}"), "docker-daemon:other:2");
    let said = engine.run(&one).arguments(&[other, "--jobs", "2"]).run();
    let document = said.json();
    let targets = [0, 1].map(|index| document["images"][index]["target"].as_str().unwrap().to_string());
    assert_eq!((said.code, targets), (0, [one, other.to_string()]));
}
