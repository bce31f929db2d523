//! Several images in one run.

use crate::docker_registry::Repository;
use crate::fixture::{Fixture, fixture, gzipped};
use crate::pull::Pull;
use crate::server::Server;
use crate::support::{Said, Tar, debian, status};
use std::collections::BTreeMap;

/// Images that differ in their last layer only.
fn family(repository: &Repository<'_>, count: usize) -> Vec<String> {
    let base = [debian(), Tar::new().file("usr/share/base", &vec![7; 200_000]).build()];
    let tags: Vec<String> = (0..count).map(|number| format!("member-{number}")).collect();
    for tag in &tags {
        let own = Tar::new().file("var/lib/dpkg/status", status(&[(tag, "1")]).as_bytes()).build();
        let layers = [base.as_slice(), &[own]].concat();
        repository.image(Some(tag), "amd64", &layers, gzipped);
    }
    tags
}

/// How often each layer or config was asked for.
fn fetched(server: &Server) -> BTreeMap<String, usize> {
    let mut fetched = BTreeMap::new();
    for request in server.asked("/blobs/").into_iter().filter(|request| request.method == "GET") {
        *fetched.entry(request.path).or_default() += 1;
    }
    fetched
}

fn scan(fixture: &Fixture, name: &str, count: usize, more: &[&str]) -> (Said, Server) {
    let tags = family(&fixture.repository(name), count);
    let server = Server::before(&fixture.registry.host, |_, said| said);
    let targets: Vec<String> = tags.iter().map(|tag| format!("{}/{name}:{tag}", server.host)).collect();
    let (first, others) = targets.split_first().unwrap();
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    let said = Pull::new(first).arguments(&others).arguments(more).run();
    (said, server)
}

#[test]
fn what_images_have_in_common_is_fetched_once() {
    let Some(fixture) = fixture() else { return };
    for (name, more) in [
        ("together/cached", &["--jobs", "4"][..]),
        ("together/uncached", &["--jobs", "4", "--no-cache"]),
        ("together/alone", &["--jobs", "1", "--no-cache"]),
    ] {
        let (said, server) = scan(fixture, name, 6, more);
        assert_eq!(said.code, 0, "{said:?}");
        let document = said.json();
        let images = document["images"].as_array().unwrap();
        for (number, image) in images.iter().enumerate() {
            assert_eq!(image["packages"][0]["name"], format!("member-{number}"));
            assert_eq!(image["layers"].as_array().unwrap().len(), 3);
        }
        let fetched = fetched(&server);
        // Two layers of the base, and of each image a layer and a config.
        assert_eq!(fetched.len(), 2 + 2 * images.len(), "{fetched:?}");
        assert!(fetched.values().all(|count| *count == 1), "{fetched:?}");
    }
}
