//! Engines that fail, and what is no engine.

use crate::engine::{Engine, NAME, answer, chunks, image};
use crate::http::Answer;
use crate::pull::Pull;
use crate::server::{Server, Step};
use crate::support::{Said, assert_failed};
use serde_json::json;
use std::fs;
use std::time::{Duration, Instant};

/// What is said where the engine says `say` instead of the image; nothing stays on disk.
fn said<S: Into<Vec<Step>>>(say: impl Fn(Vec<u8>) -> S + Send + Sync + 'static, arguments: &[&str]) -> Said {
    let engine = Engine::saying(say);
    let cache = engine.place.path("cache");
    let said = engine
        .run(&format!("docker-daemon:{NAME}"))
        .variable("IMAGESCAN_CACHE_DIR", &cache)
        .arguments(arguments)
        .run();
    if let Ok(files) = fs::read_dir(cache.join("spill")) {
        assert_eq!(files.count(), 0);
    }
    said
}

fn json_error(status: &str, message: &str) -> Answer {
    Answer::new(status, json!({"message": message}).to_string()).with("Content-Type", "application/json")
}

#[test]
fn nothing_stays_on_disk() {
    assert_eq!(said(|archive| image(&archive), &[]).code, 0);
}

#[test]
fn an_image_that_is_not_there_is_told_with_what_to_do() {
    let absent = || json_error("404 Not Found", "No such image: registry.example/app:1\u{1b}[31m");
    let by_name = said(move |_| absent(), &[]);
    assert_failed(
        &by_name,
        &["does not have `registry.example/app:1`", r"(`No such image: registry.example/app:1\u{1b}[31m`)"],
    );
    assert_failed(&by_name, &["`docker pull registry.example/app:1`", "docker://registry.example/app:1"]);
    let engine = Engine::saying(move |_| absent());
    let by_id = engine.run(&format!("docker-daemon:sha256:{}", "a".repeat(64))).run();
    assert_failed(&by_id, &["does not have `sha256:aaaa", "docker images --no-trunc"]);
}

#[test]
fn what_an_engine_says_instead_is_repeated() {
    let failed = said(|_| json_error("500 Internal Server Error", "disk\nfull"), &[]);
    assert_failed(&failed, &["answered 500 (`disk\\nfull`)"]);
    // What guards a socket may forbid it.
    let forbidden = said(|_| json_error("403 Forbidden", "not yours"), &[]);
    assert_failed(&forbidden, &["answered 403 (`not yours`)"]);
    let long = said(|_| json_error("500 Internal Server Error", &"x".repeat(2000)), &[]);
    assert_failed(&long, &[&format!("(`{}`)", "x".repeat(300))]);
}

#[test]
fn a_page_is_no_engine() {
    let page = |status: &str| {
        Answer::new(status, "<html>\u{1b}hello</html>").with("Content-Type", "text/html; charset=utf-8")
    };
    for status in ["200 OK", "404 Not Found", "502 Bad Gateway"] {
        let code = &status[..3];
        let expected = format!(
            "no container engine of docker's API: it answered {code} (`<html>\\u{{1b}}hello</html>`)"
        );
        assert_failed(&said(move |_| page(status), &[]), &[&expected]);
        let server = Server::open(move |_| page(status));
        let pull = Pull::new(&format!("docker-daemon:{NAME}"));
        assert_failed(&pull.variable("DOCKER_HOST", format!("tcp://{}", server.host)).run(), &[&expected]);
        assert_eq!(server.seen().len(), 1, "nothing is asked twice");
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Server::open(|_| Answer::new("200 OK", ""));
    let location = format!("http://{}/", elsewhere.host);
    let said = said(move |_| Answer::new("302 Found", "").with("Location", &location), &[]);
    assert_failed(&said, &["answered 302"]);
    assert!(elsewhere.seen().is_empty());
}

#[test]
fn a_stream_cut_short_is_told() {
    let cut = said(|archive| chunks(&archive[..5000]), &[]);
    assert_failed(&cut, &["broke off `registry.example/app:1` after 5000 bytes"]);
    let short = said(
        |archive| {
            let length = archive.len().to_string();
            let answer = Answer::new("200 OK", &archive[..5000]).with("Content-Length", &length);
            Vec::<Step>::from(answer)
        },
        &[],
    );
    assert_failed(&short, &["broke off `registry.example/app:1` after 5000 bytes"]);
    // Chunks that end properly, of an archive that does not.
    let half = said(|archive| image(&archive[..5000]), &[]);
    assert_failed(&half, &["cannot be read: the archive ends inside the entry"]);
    let hung_up = said(|_| Vec::new(), &[]);
    assert_failed(&hung_up, &["cannot be asked", "gave no answer"]);
}

#[test]
fn an_engine_that_fails_half_way_says_so_at_the_end() {
    let failed = said(
        |archive| {
            let words = "{\"errorDetail\":{\"message\":\"disk gone\"},\"error\":\"disk gone\"}\r\n";
            image(&[&archive[..5000], words.as_bytes()].concat())
        },
        &[],
    );
    assert_failed(&failed, &["gave for `registry.example/app:1` cannot be read: disk gone"]);
}

#[test]
fn what_is_no_archive_is_told() {
    assert_failed(&said(|_| image(b"hello"), &[]), &["cannot be read: it is no tar archive"]);
    assert_failed(&said(|_| image(b""), &[]), &["cannot be read: it is no tar archive"]);
    let empty = crate::support::Tar::new().file("a", b"").build();
    assert_failed(&said(move |_| image(&empty), &[]), &["cannot be read", "index.json"]);
}

#[test]
fn an_image_without_end_meets_the_bound() {
    let said = said(
        |archive| {
            let mut steps = chunks(&archive);
            let chunk = [b"10000\r\n".as_slice(), &[0; 0x10000], b"\r\n"].concat();
            steps.push(Step::Forever(chunk));
            steps
        },
        &["--max-total-bytes", "30000000"],
    );
    assert_failed(&said, &["more than 30000000 bytes of an image from an engine", "--max-total-bytes"]);
}

#[test]
fn a_trickle_and_silence_end_with_the_time() {
    let trickle = |archive: Vec<u8>| {
        let steps = chunks(&archive).into_iter();
        let slow = steps.flat_map(|step| [step, Step::Pause(Duration::from_millis(300))]);
        slow.collect::<Vec<_>>()
    };
    let start = Instant::now();
    assert_failed(&said(trickle, &["--max-time", "2"]), &["--max-time"]);
    assert_failed(
        &said(|_| vec![Step::Pause(Duration::from_secs(8))], &["--max-time", "1"]),
        &["--max-time"],
    );
    let server = Server::open(|_| vec![Step::Pause(Duration::from_secs(8))]);
    let pull = Pull::new(&format!("docker-daemon:{NAME}")).arguments(&["--max-time", "1"]);
    assert_failed(&pull.variable("DOCKER_HOST", format!("tcp://{}", server.host)).run(), &["--max-time"]);
    assert!((4..9).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[test]
fn a_layer_that_is_not_what_the_config_names_is_told() {
    let said = said(
        |mut archive| {
            // Inside the first layer's os-release.
            let at = archive.windows(6).position(|window| window == b"Debian").unwrap();
            archive[at] = b'd';
            image(&archive)
        },
        &[],
    );
    assert_failed(&said, &["layer: its content has the digest"]);
}

#[test]
fn an_engine_of_the_first_api_is_asked_without_a_version() {
    let place = Engine::start();
    let archive = fs::read(&place.archive).unwrap();
    let server = Server::open(move |request| match request.path.as_str() {
        "/_ping" => Answer::new("200 OK", "OK").into(),
        path if path.starts_with("/images/") => image(&archive),
        _ => answer(request, |_| Vec::new()),
    });
    let pull = Pull::new(&format!("docker-daemon:{NAME}"));
    let said = pull.variable("DOCKER_HOST", format!("tcp://{}", server.host)).run();
    assert_eq!((said.code, said.packages().len()), (0, 2), "{said:?}");
}
