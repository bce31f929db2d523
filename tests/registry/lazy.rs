//! Layers with a table of contents: the same images pulled as a whole and lazily, and those that may not be read so.

use crate::docker_registry::{OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, Repository};
use crate::fixture::{Fixture, content, fixture, noise};
use crate::http::{Answer, Request};
use crate::packed::{Cut, Packed, USUAL, estargz, estargz_of, footer, zstd_chunked};
use crate::pull::Pull;
use crate::server::{Server, Step};
use crate::support::{OS_RELEASE, Place, Said, Tar, digest, status};
use serde_json::{Value, json};

/// Uncompressed layers: a system, an upgrade that removes something, and many bytes that nobody wants.
fn layers() -> Vec<Vec<u8>> {
    let packages: Vec<String> = (0..50).map(|number| format!("package-{number}")).collect();
    let mut system = Tar::new()
        .file("etc/os-release", OS_RELEASE.as_bytes())
        .symlink("lib", "usr/lib")
        .file("app/node_modules/left-pad/package.json", b"{}")
        .file("srv/noise", &noise(2 << 20, 1));
    for package in &packages {
        let list = format!("/.\n/usr/share/{package}\n");
        system = system
            .file(&format!("var/lib/dpkg/info/{package}.list"), list.as_bytes())
            .file(&format!("var/lib/dpkg/info/{package}.md5sums"), &noise(20, 2));
    }
    let all: Vec<(&str, &str)> = packages.iter().map(|package| (package.as_str(), "1.0-1")).collect();
    let newer: Vec<(&str, &str)> = all.iter().skip(1).copied().chain([("curl", "7.88.1-10")]).collect();
    let system = system.file("var/lib/dpkg/status", status(&all).as_bytes()).build();
    let upper = Tar::new()
        .file("var/lib/dpkg/status", status(&newer).as_bytes())
        .file("var/lib/dpkg/info/.wh.package-0.list", b"")
        .file("app/.wh.node_modules", b"")
        .file("srv/more", &noise(1 << 20, 3))
        .build();
    vec![system, upper, Tar::new().file("srv/most", &noise(3 << 20, 4)).build()]
}

/// Pushes an image of `layers`.
fn push(repository: &Repository<'_>, layers: &[Packed]) {
    let ids: Vec<&str> = layers.iter().map(|layer| layer.diff_id.as_str()).collect();
    let config = json!({"created": "2026-10-01T00:00:00Z", "architecture": "amd64", "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": ids}});
    let config = repository.blob(config.to_string().as_bytes(), OCI_CONFIG);
    let described = |layer: &Packed| {
        let kind = if layer.bytes.starts_with(b"\x1f\x8b") { "gzip" } else { "zstd" };
        let mut descriptor = repository.blob(&layer.bytes, &format!("{OCI_LAYER}+{kind}"));
        descriptor["annotations"] = layer.annotations.clone();
        descriptor
    };
    let layers: Vec<Value> = layers.iter().map(described).collect();
    let manifest = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers});
    repository.manifest(Some("1"), OCI_MANIFEST, &manifest);
}

/// A server before the registry, and the pull of `name` through it.
fn through<S: Into<Vec<Step>>>(
    fixture: &Fixture,
    name: &str,
    change: impl Fn(&Request, Answer) -> S + Send + Sync + 'static,
) -> (Server, Pull) {
    let server = Server::before(&fixture.registry.host, change);
    let pull = Pull::new(&format!("{}/{name}:1", server.host));
    (server, pull)
}

/// How each layer of the first image was read.
fn read(said: &Said) -> Vec<String> {
    let document = said.json();
    let layers = document["images"][0]["layers"].as_array().unwrap().clone();
    layers.iter().map(|layer| layer["read"].as_str().unwrap_or("not").into()).collect()
}

/// Bytes of blobs that the registry was asked for; of the config, few.
fn fetched(server: &Server, layers: &[Packed]) -> u64 {
    let bytes = |request: &Request| match request.header("range") {
        Some(range) => {
            let (first, last) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
            last.parse::<u64>().unwrap() + 1 - first.parse::<u64>().unwrap()
        }
        None => {
            let whole = layers.iter().find(|layer| request.path.ends_with(&digest(&layer.bytes)));
            whole.map_or(0, |layer| layer.bytes.len() as u64)
        }
    };
    server.asked("/blobs/").iter().map(bytes).sum()
}

#[test]
fn a_lazy_pull_says_what_a_whole_one_does_by_a_fiftieth_of_the_bytes() {
    let Some(fixture) = fixture() else { return };
    let cut = Cut { chunk: 100_000, ..USUAL };
    for (name, pack) in
        [("lazy/estargz", estargz as fn(&[u8], Cut) -> Packed), ("lazy/zstd-chunked", zstd_chunked)]
    {
        let packed: Vec<Packed> = layers().iter().map(|layer| pack(layer, cut)).collect();
        push(&fixture.repository(name), &packed);
        let (whole_server, pull) = through(fixture, name, |_, said| said);
        let whole = pull.arguments(&["--whole"]).run();
        let (server, pull) = through(fixture, name, |_, said| said);
        let lazy = pull.run();
        assert_eq!((whole.code, lazy.code), (0, 0), "{lazy:?}");
        assert_eq!(content(&lazy), content(&whole), "{name}");
        assert_eq!(read(&lazy), ["lazy"; 3]);
        assert_eq!(read(&whole), ["whole"; 3]);
        let size: u64 = packed.iter().map(|layer| layer.bytes.len() as u64).sum();
        assert_eq!(fetched(&whole_server, &packed), size);
        let fetched = fetched(&server, &packed);
        assert!(fetched * 50 <= size, "{name}: {fetched} of {size}");
        assert!(server.asked("/blobs/").len() < 15, "{:?}", server.asked("/blobs/"));
        let (_, pull) = through(fixture, name, |_, said| said);
        assert_eq!(read(&pull.variable("IMAGESCAN_WHOLE", "1").run()), ["whole"; 3]);
    }
}

/// The image of these layers, read through `change`: as a whole, and right.
#[track_caller]
fn assert_whole<S: Into<Vec<Step>>>(
    name: &str,
    packed: &[Packed],
    change: impl Fn(&Request, Answer) -> S + Send + Sync + 'static,
) {
    let Some(fixture) = fixture() else { return };
    push(&fixture.repository(name), packed);
    let (_, plain) = through(fixture, name, |_, said| said);
    let expected = plain.arguments(&["--whole"]).run();
    let (_, pull) = through(fixture, name, change);
    let said = pull.run();
    assert_eq!((said.code, read(&said)), (0, vec!["whole".to_string(); packed.len()]), "{said:?}");
    assert_eq!(content(&said), content(&expected));
}

fn small() -> Vec<u8> {
    Tar::new()
        .file("etc/os-release", OS_RELEASE.as_bytes())
        .file("srv/noise", &noise(100_000, 1))
        .file("var/lib/dpkg/status", status(&[("bash", "5.2.15-2")]).as_bytes())
        .build()
}

#[test]
fn without_ranges_layers_are_read_as_a_whole() {
    assert_whole("lazy/no-ranges", &[estargz(&small(), USUAL)], |request, said| {
        if request.header("range").is_none() {
            return said;
        }
        // As a registry that knows none: all of it.
        let mut whole = said.clone();
        whole.body = estargz(&small(), USUAL).bytes;
        Answer { status: "200 OK".into(), headers: Vec::new(), body: whole.body }
    });
    assert_whole("lazy/refused-ranges", &[estargz(&small(), USUAL)], |request, said| {
        match request.header("range") {
            Some(_) => Answer::new("416 Range Not Satisfiable", ""),
            None => said,
        }
    });
    // Another stretch than the one asked for.
    assert_whole("lazy/other-ranges", &[estargz(&small(), USUAL)], |_, said| {
        match said.header("content-range").map(String::from) {
            Some(range) => said.with("Content-Range", &range.replacen("bytes ", "bytes 1", 1)),
            None => said,
        }
    });
}

#[test]
fn what_its_annotation_or_its_footer_does_not_fit_is_read_as_a_whole() {
    let right = estargz(&small(), USUAL);
    let mut annotations = right.annotations.clone();
    annotations["containerd.io/snapshot/stargz/toc.digest"] = digest(b"another").into();
    assert_whole("lazy/other-table", &[Packed { annotations, ..right.clone() }], |_, said| said);
    let mut beyond = right.clone();
    beyond.bytes.truncate(right.bytes.len() - 51);
    beyond.bytes.extend(footer(1 << 40));
    assert_whole("lazy/beyond", &[beyond], |_, said| said);
    let mut none = right.clone();
    none.annotations = json!({});
    assert_whole("lazy/none", &[none], |_, said| said);
    let mut huge = zstd_chunked(&small(), USUAL);
    huge.annotations["io.github.containers.zstd-chunked.manifest-position"] =
        format!("{}:1073741824:1073741824:1", huge.table_at).into();
    assert_whole("lazy/huge", &[huge], |_, said| said);
}

#[test]
fn a_wrong_byte_in_an_answer_is_found_and_the_whole_layer_read() {
    for (name, packed) in
        [("lazy/turned", estargz(&small(), USUAL)), ("lazy/turned-zstd", zstd_chunked(&small(), USUAL))]
    {
        assert_whole(name, &[packed], |request, mut said| {
            // In the table's answer and the files': all but the last bytes, where the footer is.
            if request.header("range").is_some() && said.body.len() > 60 {
                let middle = said.body.len() / 2;
                said.body[middle] ^= 1;
            }
            said
        });
    }
}

#[test]
fn a_table_and_an_archive_that_disagree_are_told_apart_by_how_the_layer_was_read() {
    let Some(fixture) = fixture() else { return };
    let path = "var/lib/dpkg/status";
    // Of two files of a name the last counts, and the table does not have it.
    let tar = Tar::new()
        .file("etc/os-release", OS_RELEASE.as_bytes())
        .file(path, status(&[("bash", "1")]).as_bytes())
        .file(path, status(&[("bash", "1"), ("curl", "1")]).as_bytes())
        .build();
    let honest = estargz(&tar, USUAL);
    let mut table = honest.table.clone();
    table["entries"].as_array_mut().unwrap().pop().unwrap();
    let lying = estargz_of(honest.bytes[..honest.table_at].to_vec(), table);
    push(&fixture.repository("lazy/lying"), &[lying]);
    let said = |arguments: &[&str]| {
        let (_, pull) = through(fixture, "lazy/lying", |_, said| said);
        let said = pull.arguments(arguments).run();
        (said.packages().join(" "), read(&said).join(" "))
    };
    assert_eq!(said(&[]), ("bash".into(), "lazy".into()));
    assert_eq!(said(&["--whole"]), ("bash curl".into(), "whole".into()));
}

#[test]
fn what_one_manifest_vouches_for_is_nothing_to_another() {
    let Some(fixture) = fixture() else { return };
    let honest = estargz(&small(), USUAL);
    let mut table = honest.table.clone();
    for entry in table["entries"].as_array_mut().unwrap() {
        if entry["name"] == "var/lib/dpkg/status" {
            entry["name"] = "var/lib/dpkg/other".into();
        }
    }
    // A table that hides all packages, in a layer that another manifest names without vouching for any table.
    let lying = estargz_of(honest.bytes[..honest.table_at].to_vec(), table);
    push(&fixture.repository("lazy/hostile"), std::slice::from_ref(&lying));
    push(&fixture.repository("lazy/victim"), &[Packed { annotations: json!({}), ..lying }]);
    let place = Place::new();
    let [hostile, victim] =
        ["hostile", "victim"].map(|name| format!("{}/lazy/{name}:1", fixture.registry.host));
    let images = |targets: &[&str]| {
        let pull = Pull::new(targets[0]).arguments(&targets[1..]).arguments(&["--jobs", "2"]);
        let pull =
            pull.variable("IMAGESCAN_NO_CACHE", "").variable("IMAGESCAN_CACHE_DIR", place.path("cache"));
        let images = pull.run().json()["images"].as_array().unwrap().clone();
        let said = |image: &Value| {
            let packages = image["packages"].as_array().map_or(0, Vec::len);
            (packages, image["layers"][0]["read"].as_str().unwrap().to_string())
        };
        images.iter().map(said).collect::<Vec<_>>()
    };
    assert_eq!(images(&[&hostile]), [(0, "lazy".into())]);
    // Neither by the cache nor in one run; what was read as a whole is believed before any table.
    assert_eq!(images(&[&hostile, &victim])[1], (1, "whole".into()));
    std::fs::remove_dir_all(place.path("cache")).unwrap();
    for targets in [[&*hostile, &victim], [&victim, &hostile]] {
        let victims = targets.iter().zip(images(&targets)).filter(|(target, _)| **target == victim);
        assert_eq!(victims.map(|(_, said)| said).collect::<Vec<_>>(), [(1, "whole".into())]);
    }
}

#[test]
fn the_cache_keeps_how_a_layer_was_read_until_the_whole_is_demanded() {
    let Some(fixture) = fixture() else { return };
    let packed = estargz(&small(), USUAL);
    push(&fixture.repository("lazy/cached"), std::slice::from_ref(&packed));
    let place = Place::new();
    let pull = |arguments: &[&str]| {
        let (server, pull) = through(fixture, "lazy/cached", |_, said| said);
        let pull =
            pull.variable("IMAGESCAN_NO_CACHE", "").variable("IMAGESCAN_CACHE_DIR", place.path("cache"));
        let said = pull.arguments(arguments).run();
        (said.code, read(&said).join(" "), server.asked(&digest(&packed.bytes)).len())
    };
    let (code, how, asked) = pull(&[]);
    assert_eq!((code, how.as_str()), (0, "lazy"));
    assert!(asked > 1);
    assert_eq!(pull(&[]), (0, "lazy".into(), 0));
    assert_eq!(pull(&["--whole"]), (0, "whole".into(), 1));
    assert_eq!(pull(&[]), (0, "whole".into(), 0));
}
