//! Connections and servers that fail, for a while or for good.

use crate::fixture::{Fixture, app, assert_failed, assert_pulled, fixture, gzipped, layers, noise};
use crate::http::{Answer, Request};
use crate::pull::Pull;
use crate::server::{Server, Step};
use crate::support::{Tar, digest, status};
use std::time::{Duration, Instant};

/// The path of the image's large layer ends so.
fn large() -> String {
    digest(&gzipped(&layers()[2]).0)
}

fn size() -> usize {
    gzipped(&layers()[2]).0.len()
}

/// A server before the registry that changes what is said about the large layer.
fn at_the_layer<S: Into<Vec<Step>>>(
    fixture: &Fixture,
    change: impl Fn(&Request, Answer) -> S + Send + Sync + 'static,
) -> Server {
    let layer = large();
    Server::before(&fixture.registry.host, move |request, said| match request.path.ends_with(&layer) {
        true => change(request, said).into(),
        false => said.into(),
    })
}

fn pull(server: &Server) -> Pull {
    Pull::new(&app(&server.host))
}

/// The first `count` bytes of an answer, head and all; then the connection ends.
fn cut(said: &Answer, count: usize) -> Vec<Step> {
    let mut bytes = [said.head(), said.body.clone()].concat();
    bytes.truncate(count);
    vec![Step::Send(bytes)]
}

#[test]
fn a_layer_is_taken_up_wherever_the_connection_breaks() {
    let Some(fixture) = fixture() else { return };
    let size = size();
    // Within the head and at its end, at the first and last bytes of the body, and between.
    let offsets = [0, 1, 40, 5_000, 65_536, 100_001, 200_000, 299_000];
    std::thread::scope(|scope| {
        for count in offsets.into_iter().chain([size - 1]) {
            scope.spawn(move || {
                let server = at_the_layer(fixture, move |request, said| match request.before {
                    0 => cut(&said, count),
                    _ => said.into(),
                });
                assert_pulled(&pull(&server).run());
                let asked = server.asked(&large());
                assert_eq!(asked.len(), 2, "{count}");
                assert_eq!(asked[1].header("range").is_some(), count >= 5_000, "{count}");
            });
        }
    });
}

/// Cuts the first answer at each path after `offset` bytes: manifest, config and layers, and the token for them.
fn cutting(fixture: &Fixture, offset: usize) -> Server {
    Server::before(&fixture.registry.host, move |request, said| {
        let answer = if request.path.starts_with("/token") {
            Answer::new("200 OK", r#"{"token": "token-of-the-cut-registry"}"#)
        } else if request.header("authorization").is_none() {
            let challenge = format!("Bearer realm=\"http://{}/token\"", request.header("host").unwrap());
            return Answer::new("401 Unauthorized", "").with("WWW-Authenticate", &challenge).into();
        } else {
            said
        };
        // The first one at a manifest was the demand for a token.
        let first = usize::from(request.is_manifest());
        if request.before == first { cut(&answer, offset) } else { answer.into() }
    })
}

#[test]
fn manifest_config_and_token_are_asked_for_again_wherever_the_connection_breaks() {
    let Some(fixture) = fixture() else { return };
    std::thread::scope(|scope| {
        for offset in (0..1200).step_by(61) {
            scope.spawn(move || {
                let server = cutting(fixture, offset);
                assert_pulled(&pull(&server).arguments(&["--jobs", "1"]).run());
                // The demand, the cut one and the whole; heads alone have more than 200 bytes.
                let manifests = server.asked("/manifests/").len();
                assert!(manifests == 3 || (manifests == 2 && offset > 200), "{manifests} at {offset}");
            });
        }
    });
}

#[test]
fn a_layer_comes_through_many_breaks() {
    let Some(fixture) = fixture() else { return };
    let server = at_the_layer(fixture, |_, said| cut(&said, 60_000));
    assert_pulled(&pull(&server).run());
    assert!(server.asked(&large()).len() >= 5);
}

#[test]
fn a_registry_without_ranges_begins_anew() {
    let Some(fixture) = fixture() else { return };
    let host = fixture.registry.host.clone();
    let server = at_the_layer(fixture, move |request, said| match request.before {
        0 => cut(&said, 100_000),
        _ => crate::http::send(&host, "GET", &request.path, &[], b"").unwrap().into(),
    });
    assert_pulled(&pull(&server).run());
    let asked = server.asked(&large());
    assert!(asked.len() == 2 && asked[1].header("range").is_some());
}

#[test]
fn a_part_that_was_not_asked_for_is_refused() {
    let Some(fixture) = fixture() else { return };
    let server = at_the_layer(fixture, |request, said| match request.before {
        0 => cut(&said, 100_000),
        _ => said.with("Content-Range", "bytes 7-9/10").into(),
    });
    assert_failed(&pull(&server).run(), &["was asked for the bytes from", "answered `bytes 7-9/10`"]);
}

#[test]
fn a_registry_that_always_breaks_off_is_told_with_the_count() {
    let Some(fixture) = fixture() else { return };
    let server = at_the_layer(fixture, |request, said| match request.before {
        0 => cut(&said, 100_000),
        _ => Vec::new(),
    });
    let said = pull(&server).run();
    assert_failed(&said, &["layer: ", &format!("of {} bytes", size()), "gave no answer"]);
}

#[test]
fn a_busy_registry_is_asked_again_when_it_says() {
    let Some(fixture) = fixture() else { return };
    let start = Instant::now();
    let server = Server::before(&fixture.registry.host, |request, said| match request.before {
        0 if request.is_manifest() => Answer::new("429 Too Many Requests", "").with("Retry-After", "1"),
        0 if request.is_blob() => Answer::new("503 Service Unavailable", "").with("Retry-After", "0"),
        _ => said,
    });
    assert_pulled(&pull(&server).run());
    assert!(start.elapsed() >= Duration::from_secs(1));
    let server = Server::before(&fixture.registry.host, |request, said| match request.before {
        0 => Answer::new("502 Bad Gateway", "<html>").into(),
        1 => Vec::new(),
        _ => Vec::<Step>::from(said),
    });
    assert_pulled(&pull(&server).run());
}

#[test]
fn a_registry_that_stays_busy_is_told_with_the_number_of_attempts() {
    let Some(fixture) = fixture() else { return };
    let busy = |_: &Request, _| Answer::new("429 Too Many Requests", "slow down").with("Retry-After", "0");
    let server = Server::before(&fixture.registry.host, busy);
    assert_failed(&pull(&server).run(), &["answered 429 (5 attempts): `slow down`"]);
}

#[test]
fn a_layer_is_inflated_and_walked_before_its_end_is_there() {
    let Some(fixture) = fixture() else { return };
    let repository = fixture.repository("faults/stream");
    let database = Tar::new().file("var/lib/dpkg/status", status(&[("bash", "5.2.15-3")]).as_bytes());
    // More than one window of the decoder, in few bytes; then many.
    let tar = database.file("srv/void", &vec![0; 2 << 20]).file("srv/noise", &noise(300_000, 2));
    repository.image(Some("1"), "amd64", &[tar.build()], gzipped);
    // The rest does not come, so that only who walks what is there meets a bound in it.
    let server = Server::before(&fixture.registry.host, |_, said| match said.body.len() > 200_000 {
        true => {
            let mut steps = cut(&said, 100_000);
            steps.push(Step::Pause(Duration::from_secs(60)));
            steps
        }
        false => said.into(),
    });
    let start = Instant::now();
    let pull = Pull::new(&format!("{}/faults/stream:1", server.host));
    assert_failed(&pull.arguments(&["--max-kept-bytes", "10"]).run(), &["--max-kept-bytes"]);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn a_trickle_ends_with_the_time() {
    let Some(fixture) = fixture() else { return };
    let trickle = |said: &Answer| {
        let mut steps = vec![Step::Send(said.head())];
        steps.extend(
            said.body
                .chunks(1)
                .take(100)
                .flat_map(|byte| [Step::Send(byte.to_vec()), Step::Pause(Duration::from_millis(200))]),
        );
        steps
    };
    let layer = large();
    for part in ["/manifests/".to_string(), layer] {
        let slow = part.clone();
        let server = Server::before(&fixture.registry.host, move |request, said| {
            if request.path.contains(&slow) { trickle(&said) } else { said.into() }
        });
        let start = Instant::now();
        let said = pull(&server).arguments(&["--max-time", "2"]).run();
        assert_failed(&said, &["--max-time"]);
        assert!(!said.incomplete().contains(" 0 seconds"), "{}", said.incomplete());
        assert!((2..6).contains(&start.elapsed().as_secs()), "{part}: {:?}", start.elapsed());
    }
}
