//! A registry whose bytes are not what their names and sizes say.

use crate::docker_registry::{OCI_CONFIG, OCI_MANIFEST};
use crate::fixture::{Fixture, app, assert_failed, fixture, gzipped, layers};
use crate::http::{Answer, Request};
use crate::pull::Pull;
use crate::server::{Server, Step};
use crate::support::{Said, digest};
use serde_json::{Value, json};

fn before<S: Into<Vec<Step>>>(
    fixture: &Fixture,
    change: impl Fn(&Request, Answer) -> S + Send + Sync + 'static,
) -> (Said, Server) {
    let server = Server::before(&fixture.registry.host, change);
    (Pull::new(&app(&server.host)).run(), server)
}

/// A registry that says `body` for the image's manifest.
fn manifest(fixture: &Fixture, kind: &'static str, body: impl Into<Vec<u8>>) -> Said {
    let body = body.into();
    let change = move |request: &Request, said: Answer| match request.is_manifest() {
        true => Answer::new("200 OK", body.clone()).with("Content-Type", kind),
        false => said,
    };
    before(fixture, change).0
}

/// The same with one byte turned.
fn turned(mut said: Answer, at: usize) -> Answer {
    said.body[at] ^= 1;
    said
}

#[test]
fn a_turned_byte_is_found_and_both_digests_are_named() {
    let Some(fixture) = fixture() else { return };
    let (said, _) =
        before(fixture, |request, said| if request.is_manifest() { turned(said, 30) } else { said });
    assert_failed(&said, &[&fixture.digest, "its content has the digest sha256:", "but it is named"]);
    for layer in layers() {
        let stored = gzipped(&layer).0;
        // In the header of gzip, in the content, in its checksum.
        for at in [4, stored.len() / 2, stored.len() - 6] {
            let name = digest(&stored);
            let mut broken = stored.clone();
            broken[at] ^= 1;
            let path = name.clone();
            let (said, _) =
                before(
                    fixture,
                    move |request, said| {
                        if request.path.ends_with(&path) { turned(said, at) } else { said }
                    },
                );
            let text = format!("its content has the digest {}, but it is named {name}", digest(&broken));
            assert_failed(&said, &["layer: ", &text]);
        }
    }
}

#[test]
fn a_config_is_compared_and_read_with_care() {
    let Some(fixture) = fixture() else { return };
    let config = |body: fn(Vec<u8>) -> Vec<u8>| {
        let stored: Vec<String> = layers().iter().map(|layer| digest(&gzipped(layer).0)).collect();
        let (said, _) = before(fixture, move |request, mut said| {
            if request.is_blob() && !stored.iter().any(|layer| request.path.ends_with(layer)) {
                said.body = body(said.body);
                said = said.clone().with("Content-Length", &said.body.len().to_string());
            }
            said
        });
        said
    };
    let turn = |mut bytes: Vec<u8>| {
        bytes[20] ^= 1;
        bytes
    };
    assert_failed(&config(turn), &["config: its content has the digest sha256:", "but it is named"]);
    assert_failed(&config(|_| b"no".to_vec()), &["holds 2 bytes, but its descriptor says"]);
    assert_failed(&config(|_| vec![b' '; 17 << 20]), &["has more than the 16777216 bytes it may have"]);
}

/// An image whose config is these bytes, and says so.
fn with_config(fixture: &Fixture, config: &[u8]) -> Said {
    let repository = fixture.repository("lies/config");
    let config = repository.blob(config, OCI_CONFIG);
    let (layer, kind) = gzipped(&layers()[0]);
    let layer = repository.blob(&layer, &kind);
    let manifest =
        json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [layer]});
    let pushed = repository.manifest(None, OCI_MANIFEST, &manifest);
    let name = format!("{}/lies/config@{}", fixture.registry.host, pushed["digest"].as_str().unwrap());
    Pull::new(&name).run()
}

#[test]
fn a_config_that_describes_no_image_is_told() {
    let Some(fixture) = fixture() else { return };
    assert_failed(&with_config(fixture, b"<html>"), &["config: it is no JSON"]);
    assert_failed(&with_config(fixture, b"{}"), &["config: it has no rootfs.diff_ids"]);
    let none = br#"{"rootfs": {"type": "layers", "diff_ids": []}}"#;
    assert_failed(&with_config(fixture, none), &["config: it names 0 layers, but the manifest 1"]);
}

#[test]
fn a_size_that_lies_is_found() {
    let Some(fixture) = fixture() else { return };
    let resized = |change: fn(u64) -> u64| {
        let (said, _) = before(fixture, move |request, mut said| {
            if request.is_manifest() {
                let mut manifest: Value = serde_json::from_slice(&said.body).unwrap();
                let size = manifest["layers"][2]["size"].as_u64().unwrap();
                manifest["layers"][2]["size"] = change(size).into();
                let body = manifest.to_string();
                said = Answer::new("200 OK", body).with("Content-Type", OCI_MANIFEST);
            }
            said
        });
        said
    };
    assert_failed(&resized(|size| size - 1), &["layer: ", "has more than the ", " bytes it may have"]);
    assert_failed(&resized(|size| size + 1), &["layer: ", "416"]);
    assert_failed(&resized(|_| 0), &["layer: "]);
    assert_failed(&resized(|_| u64::MAX), &["layer: "]);
}

#[test]
fn a_body_longer_or_shorter_than_said_is_found() {
    let Some(fixture) = fixture() else { return };
    let name = digest(&gzipped(&layers()[2]).0);
    let at_the_layer = |change: fn(&Answer) -> Vec<Step>| {
        let name = name.clone();
        let (said, _) =
            before(
                fixture,
                move |request, said| {
                    if request.path.ends_with(&name) { change(&said) } else { said.into() }
                },
            );
        said
    };
    let longer = at_the_layer(|said| {
        let body = [said.body.as_slice(), b"more"].concat();
        let length = body.len().to_string();
        Answer { body, ..said.clone() }.with("Content-Length", &length).into()
    });
    assert_failed(&longer, &["layer: ", "has more than the ", " bytes it may have"]);
    // Without a length, until the connection ends.
    let endless = at_the_layer(|said| {
        let head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
        vec![Step::Send(head), Step::Send(said.body.clone()), Step::Forever(vec![0; 4096])]
    });
    assert_failed(&endless, &["layer: ", "has more than the ", " bytes it may have"]);
    let shorter = at_the_layer(|said| Answer::new("200 OK", &said.body[..100]).into());
    assert_failed(&shorter, &["layer: ", " ended after 100 of "]);
}

#[test]
fn a_digest_in_the_header_that_lies_is_found() {
    let Some(fixture) = fixture() else { return };
    let wrong = digest(b"nothing");
    let header = wrong.clone();
    let (said, _) = before(fixture, move |request, said| {
        if request.is_manifest() { said.with("Docker-Content-Digest", &header) } else { said }
    });
    let text = format!("its content has the digest {}, but it is named {wrong}", fixture.digest);
    assert_failed(&said, &[&text]);
}

#[test]
fn another_manifest_than_the_one_asked_for_by_digest_is_refused() {
    let Some(fixture) = fixture() else { return };
    let wrong = digest(b"nothing");
    let upstream = fixture.registry.host.clone();
    let server = Server::before(&fixture.registry.host, move |request, said| {
        if !request.is_manifest() {
            return said;
        }
        crate::http::send(&upstream, "GET", "/v2/team/app/manifests/1", &[("Accept", OCI_MANIFEST)], b"")
            .unwrap()
    });
    let said = Pull::new(&format!("{}@{wrong}", app(&server.host))).run();
    let text = format!("its content has the digest {}, but it is named {wrong}", fixture.digest);
    assert_failed(&said, &[&text]);
}

#[test]
fn what_is_no_manifest_is_told_with_what_it_came_as() {
    let Some(fixture) = fixture() else { return };
    let page = "<!DOCTYPE html><html>Welcome to the hotel</html>";
    assert_failed(&manifest(fixture, "text/html", page), &["is no manifest", "it came as `text/html`"]);
    assert_failed(&manifest(fixture, OCI_MANIFEST, ""), &["is no manifest"]);
    assert_failed(&manifest(fixture, OCI_MANIFEST, "[]"), &["is neither index nor manifest"]);
    let both = r#"{"schemaVersion": 2, "manifests": [], "layers": []}"#;
    assert_failed(&manifest(fixture, OCI_MANIFEST, both), &["is index and manifest at once"]);
    let deep = "[".repeat(1_000_000);
    assert_failed(&manifest(fixture, OCI_MANIFEST, deep), &["is no manifest"]);
    let schema_1 = r#"{"schemaVersion": 1, "fsLayers": [], "history": [], "signatures": []}"#;
    let kind = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    assert_failed(&manifest(fixture, kind, schema_1), &["Docker's schema 1", "push the image again"]);
}

#[test]
fn a_manifest_of_a_gigabyte_is_not_read() {
    let Some(fixture) = fixture() else { return };
    let bound = "has more than the 4194304 bytes it may have";
    let (said, _) = before(fixture, |request, said| match request.is_manifest() {
        true => said.with("Content-Length", "1073741824").into(),
        false => Vec::<Step>::from(said),
    });
    assert_failed(&said, &[bound]);
    let (said, _) = before(fixture, |request, said| match request.is_manifest() {
        true => {
            let head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
            vec![Step::Send(head), Step::Forever(vec![b' '; 1 << 16])]
        }
        false => said.into(),
    });
    assert_failed(&said, &[bound]);
}

#[test]
fn ten_thousand_layers_are_too_many_and_none_is_asked_for() {
    let Some(fixture) = fixture() else { return };
    for kind in ["", "nondistributable."] {
        let layers: Vec<Value> = (0..10_000)
            .map(|number: u32| {
                json!({"mediaType": format!("application/vnd.oci.image.layer.{kind}v1.tar+gzip"), "size": 1,
                    "digest": digest(&number.to_be_bytes())})
            })
            .collect();
        let config = json!({"mediaType": OCI_CONFIG, "digest": digest(b"{}"), "size": 2});
        let body = json!({"schemaVersion": 2, "config": config, "layers": layers}).to_string();
        let (said, server) = before(fixture, move |request, said| match request.is_manifest() {
            true => Answer::new("200 OK", body.clone()).with("Content-Type", OCI_MANIFEST),
            false => said,
        });
        let text = "it has 10000 layers, more than the 512 allowed: if it is trusted, raise --max-layers";
        assert_failed(&said, &[text]);
        assert!(server.asked("/blobs/").len() < 2, "{}", server.asked("/blobs/").len());
    }
}
