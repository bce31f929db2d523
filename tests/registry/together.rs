//! Several images in one run.

use crate::docker_registry::Repository;
use crate::fixture::{Fixture, app, assert_failed, assert_pulled, fixture, gzipped};
use crate::http::Answer;
use crate::pull::Pull;
use crate::server::{Server, Step};
use crate::support::{Tar, debian, status, validate};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Duration;

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

/// A pull of `count` images that have a base in common, from `server`.
fn pull(fixture: &Fixture, server: &Server, name: &str, count: usize) -> Pull {
    let tags = family(&fixture.repository(name), count);
    let targets: Vec<String> = tags.iter().map(|tag| format!("{}/{name}:{tag}", server.host)).collect();
    let (first, others) = targets.split_first().unwrap();
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    Pull::new(first).arguments(&others)
}

fn open_door(fixture: &Fixture) -> Server {
    Server::before(&fixture.registry.host, |_, said| said)
}

/// The documents on the lines of stdout, each held to its schema.
fn documents(stdout: &str) -> Vec<Value> {
    let documents: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    documents.iter().for_each(validate);
    documents
}

#[test]
fn what_images_have_in_common_is_fetched_once() {
    let Some(fixture) = fixture() else { return };
    for (name, jobs, is_cached) in [("cached", "4", true), ("uncached", "4", false), ("alone", "1", false)] {
        let server = open_door(fixture);
        let pull = pull(fixture, &server, &format!("together/{name}"), 6).arguments(&["--jobs", jobs]);
        let said = if is_cached { pull.cached() } else { pull }.run();
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

#[test]
fn a_second_pull_asks_where_the_tag_leads_and_nothing_else() {
    let Some(fixture) = fixture() else { return };
    let quota = [("ratelimit-limit", "100;w=21600"), ("ratelimit-remaining", "76;w=21600")];
    let server = Server::before(&fixture.registry.host, move |_, said| {
        quota.iter().fold(said, |said, (name, value)| said.with(name, value))
    });
    let pull = Pull::new(&app(&server.host)).cached();
    let cold = pull.run();
    assert_pulled(&cold);
    assert!(cold.stderr.contains("76 of 100 pulls in 6 h are left"), "{}", cold.stderr);
    let before = server.seen().len();
    let warm = pull.run();
    assert_eq!(warm.stdout, cold.stdout);
    assert!(warm.stderr.contains("76 of 100 pulls in 6 h are left"), "{}", warm.stderr);
    let asked: Vec<_> = server.seen().drain(before..).map(|request| (request.method, request.path)).collect();
    assert_eq!(asked, [("HEAD".to_string(), "/v2/team/app/manifests/1".to_string())]);
    // By its digest it is known without asking, once it was pulled by that name.
    let by_digest = |name: &str| {
        let pulled = Pull::new(&format!("{}/{name}@{}", server.host, fixture.digest));
        let pulled = pulled.variable("IMAGESCAN_NO_CACHE", "");
        pulled.variable("IMAGESCAN_CACHE_DIR", pull.path("cache")).run()
    };
    assert_pulled(&by_digest("team/app"));
    assert_eq!(server.seen().len(), before + 2);
    assert_pulled(&by_digest("team/app"));
    assert_eq!(server.seen().len(), before + 2);
    assert_failed(&by_digest("team/mistyped"), &["does not have"]);
}

#[test]
fn a_registry_that_answers_no_head_is_asked_as_if_nothing_were_known() {
    let Some(fixture) = fixture() else { return };
    for (status, wait) in [("500 Oops", 0), ("429 Busy", 0), ("405 No", 0), ("200 OK", 30)] {
        let server = Server::before(&fixture.registry.host, move |request, said| match &*request.method {
            "HEAD" => vec![
                Step::Pause(Duration::from_secs(wait)),
                Step::Send(Answer::new(status, "").with("Retry-After", "20").head()),
            ],
            _ => said.into(),
        });
        let pull = Pull::new(&app(&server.host)).cached();
        assert_pulled(&pull.run());
        let begun = std::time::Instant::now();
        assert_pulled(&pull.run());
        assert!(begun.elapsed() < Duration::from_secs(8), "{status}: {:?}", begun.elapsed());
        assert_eq!(server.asked("/manifests/1").len(), 3);
    }
}

#[test]
fn a_tag_that_moved_is_pulled_anew() {
    let Some(fixture) = fixture() else { return };
    let repository = fixture.repository("together/moving");
    let pull = Pull::new(&format!("{}/together/moving:1", fixture.registry.host)).cached();
    for (version, expected) in [("1", "first"), ("2", "second")] {
        let layer = Tar::new().file("var/lib/dpkg/status", status(&[(expected, version)]).as_bytes()).build();
        repository.image(Some("1"), "amd64", &[debian(), layer], gzipped);
        for _ in 0..2 {
            assert_eq!(pull.run().packages(), [expected]);
        }
    }
}

#[test]
fn lines_come_in_the_order_asked_for_and_a_failure_is_one_of_them() {
    let Some(fixture) = fixture() else { return };
    let server = open_door(fixture);
    let pull = pull(fixture, &server, "together/lines", 5);
    let missing = format!("{}/together/missing:1", server.host);
    let pull = pull.arguments(&[&missing, "./no-such-file", "-o", "jsonl", "--jobs", "3"]);
    let said = pull.run();
    assert_eq!(said.code, 3, "{said:?}");
    let documents = documents(&said.stdout);
    assert_eq!(documents.len(), 7);
    for (number, document) in documents.iter().enumerate() {
        let image = &document["images"][0];
        assert_eq!(document["images"].as_array().unwrap().len(), 1);
        match number {
            0..5 => assert_eq!(image["packages"][0]["name"], format!("member-{number}")),
            5 => assert_eq!(image["target"], missing),
            _ => assert_eq!(image["target"], "./no-such-file"),
        }
        assert_eq!(image["incomplete"].is_array(), number >= 5, "{image}");
    }
    // They are targets again.
    let path = pull.path("all.jsonl");
    std::fs::write(&path, &said.stdout).unwrap();
    let again = crate::support::inventory(&format!("inventory:{}", path.display()));
    assert_eq!(again.json()["images"].as_array().unwrap().len(), 7);
}

#[test]
fn what_is_finished_is_told_when_somebody_interrupts() {
    let Some(fixture) = fixture() else { return };
    let server = Server::before(&fixture.registry.host, |request, said| {
        let wait = if request.path.ends_with("manifests/member-1") { 60 } else { 0 };
        let answer: Vec<Step> = said.into();
        [Step::Pause(Duration::from_secs(wait))].into_iter().chain(answer).collect::<Vec<_>>()
    });
    let pull = pull(fixture, &server, "together/interrupted", 4);
    let file = pull.path("report.json");
    let json = format!("json={}", file.display());
    let pull = pull.arguments(&["-o", "jsonl", "-o", &json, "--jobs", "1"]);
    for signal in ["INT", "TERM"] {
        let mut child = pull.start();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut stdout = String::new();
        // The first is told while the second is waited for.
        lines.read_line(&mut stdout).unwrap();
        let kill = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        lines.read_to_string(&mut stdout).unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.signal(), Some(if signal == "INT" { 2 } else { 15 }), "{status:?}");
        let images: Vec<Value> =
            documents(&stdout).into_iter().map(|document| document["images"][0].clone()).collect();
        assert_eq!(images.len(), 4);
        assert_eq!(images[0]["packages"][0]["name"], "member-0");
        for image in &images[1..] {
            assert_eq!(image["incomplete"][0]["why"], "interrupted before it was read");
        }
        let whole: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(whole["images"].as_array().unwrap(), &images);
    }
}

#[test]
fn a_command_that_is_killed_leaves_what_was_there_and_nothing_else() {
    let Some(fixture) = fixture() else { return };
    let server = Server::before(&fixture.registry.host, |request, said| {
        let wait = if request.path.ends_with("manifests/member-1") { 60 } else { 0 };
        let answer: Vec<Step> = said.into();
        [Step::Pause(Duration::from_secs(wait))].into_iter().chain(answer).collect::<Vec<_>>()
    });
    let pull = pull(fixture, &server, "together/killed", 2).file("reports/lines.jsonl", "of yesterday");
    let lines = pull.path("reports/lines.jsonl");
    let jsonl = format!("jsonl={}", lines.display());
    let pull = pull.arguments(&["-o", "jsonl", "-o", &jsonl, "--jobs", "1"]);
    let mut child = pull.start();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let left: Vec<_> =
        std::fs::read_dir(lines.parent().unwrap()).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(left, std::slice::from_ref(&lines));
    assert_eq!(std::fs::read_to_string(lines).unwrap(), "of yesterday");
}

#[test]
fn what_is_done_is_logged_as_text_or_json() {
    let Some(fixture) = fixture() else { return };
    let pull = || Pull::new(&fixture.app());
    let text = pull().run().stderr;
    assert!(text.contains("GET http") && text.contains(": 200 over HTTP/1.1"), "{text}");
    let json = pull().arguments(&["--log-format", "json"]).run().stderr;
    let lines: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|line| line["message"].as_str().unwrap().contains("team/app")), "{json}");
    let failed =
        Pull::new(&format!("{}/no/such:1", fixture.registry.host)).arguments(&["--log-format", "json"]);
    let failed = failed.run();
    assert_eq!(failed.code, 3);
    let last: Value = serde_json::from_str(failed.stderr.lines().last().unwrap()).unwrap();
    assert_eq!(last["level"], "ERROR", "{last}");
}
