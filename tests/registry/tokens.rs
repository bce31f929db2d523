//! Tokens that end, and challenges that come when nobody expects them.

use crate::fixture::{app, assert_failed, assert_pulled, fixture};
use crate::http::{Answer, Request};
use crate::pull::{PASSWORD, Pull, USER, basic, secret};
use crate::server::Server;
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A registry whose tokens are good for `uses` requests each; `is_free` says what needs none. It is its own token server.
fn counting(host: &str, uses: usize, is_free: fn(&Request) -> bool) -> Server {
    let (issued, used) = (AtomicUsize::new(0), AtomicUsize::new(0));
    Server::before(host, move |request, said| {
        if request.path.starts_with("/token") {
            used.store(0, Ordering::SeqCst);
            let number = issued.fetch_add(1, Ordering::SeqCst) + 1;
            return Answer::new("200 OK", json!({"token": secret(token(number))}).to_string());
        }
        let shown = format!("Bearer {}", token(issued.load(Ordering::SeqCst)));
        let is_known = request.header("authorization") == Some(&shown);
        if is_free(request) || (is_known && used.fetch_add(1, Ordering::SeqCst) < uses) {
            return said;
        }
        let host = request.header("host").unwrap();
        let challenge =
            format!("Bearer realm=\"http://{host}/token\",service=\"tests\",error=\"invalid_token\"");
        Answer::new("401 Unauthorized", r#"{"errors": [{"code": "UNAUTHORIZED", "message": "expired"}]}"#)
            .with("WWW-Authenticate", &challenge)
    })
}

fn token(number: usize) -> String {
    format!("token-number-{number}-of-the-tests")
}

/// One request after the other, so that tokens are used in order.
fn pull(server: &Server) -> Pull {
    Pull::new(&app(&server.host)).arguments(&["--jobs", "1"])
}

#[test]
fn a_token_that_ends_in_the_middle_is_renewed_without_delay() {
    let Some(fixture) = fixture() else { return };
    // Manifest, config and one layer; then two layers more.
    for uses in [1, 2, 3, 4] {
        let start = Instant::now();
        let server = counting(&fixture.registry.host, uses, |_| false);
        assert_pulled(&pull(&server).login(USER, PASSWORD).run());
        assert_eq!(server.asked("/token").len(), 5_usize.div_ceil(uses), "{uses}");
        assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    }
}

#[test]
fn blobs_may_be_closed_where_manifests_are_open() {
    let Some(fixture) = fixture() else { return };
    let server = counting(&fixture.registry.host, 99, Request::is_manifest);
    assert_pulled(&pull(&server).login(USER, PASSWORD).run());
    let server = counting(&fixture.registry.host, 99, |request| {
        request.is_manifest() || request.before == 0 && !request.is_blob()
    });
    assert_pulled(&pull(&server).run());
}

#[test]
fn layers_may_be_closed_where_all_before_is_open() {
    let Some(fixture) = fixture() else { return };
    let config = |request: &Request| {
        request.is_manifest()
            || !crate::fixture::layers().iter().any(|layer| {
                request.path.ends_with(&crate::support::digest(&crate::fixture::gzipped(layer).0))
            })
    };
    let server = counting(&fixture.registry.host, 99, config);
    let start = Instant::now();
    assert_pulled(&pull(&server).login(USER, PASSWORD).run());
    assert_eq!(server.asked("/token").len(), 1);
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}

#[test]
fn a_registry_that_wants_ever_new_tokens_for_a_layer_is_told() {
    let Some(fixture) = fixture() else { return };
    let server = counting(&fixture.registry.host, 2, |_| false);
    let stubborn = counting(&fixture.registry.host, 0, |request| !request.is_blob());
    assert_pulled(&pull(&server).login(USER, PASSWORD).run());
    let said = pull(&stubborn).login(USER, PASSWORD).run();
    assert_failed(&said, &["refuses the credentials for `team/app`", "UNAUTHORIZED: expired"]);
    assert!(stubborn.asked("/token").len() < 10);
}

#[test]
fn many_images_at_once_wait_for_no_connection_that_they_hold_themselves() {
    let Some(fixture) = fixture() else { return };
    let server = Server::before(&fixture.registry.host, |request, said| {
        if request.path.starts_with("/token") {
            return Answer::new("200 OK", json!({"token": secret(token(0))}).to_string());
        }
        if request.header("authorization").is_some() {
            return said;
        }
        let challenge = format!("Bearer realm=\"http://{}/token\"", request.header("host").unwrap());
        Answer::new("401 Unauthorized", "").with("WWW-Authenticate", &challenge)
    });
    let target = app(&server.host);
    let more = [target.as_str(); 11];
    let said = Pull::new(&target).arguments(&more).arguments(&["--jobs", "12", "--max-time", "20"]).run();
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(said.json()["images"].as_array().unwrap().len(), 12);
}

/// A registry with these challenges, each a field of its own, that takes a token or a password; it is its own token server.
fn choosy(host: &str, challenges: &'static [&str]) -> Server {
    Server::before(host, move |request, said| {
        if request.path.starts_with("/token") {
            return Answer::new("200 OK", json!({"token": secret(token(1))}).to_string());
        }
        let known = [format!("Bearer {}", token(1)), basic(USER, PASSWORD)];
        if request.header("authorization").is_some_and(|shown| known.iter().any(|known| known == shown)) {
            return said;
        }
        let host = request.header("host").unwrap();
        let mut answer = Answer::new("401 Unauthorized", "");
        let field = |text: &&str| ("WWW-Authenticate".into(), text.replace("HOST", host));
        answer.headers.extend(challenges.iter().map(field));
        answer
    })
}

#[test]
fn of_several_challenges_the_token_is_taken_before_the_password() {
    let Some(fixture) = fixture() else { return };
    let in_two: &[&str] = &["Basic realm=\"tests\"", "Bearer realm=\"http://HOST/token\",service=\"tests\""];
    let in_one: &[&str] =
        &["Negotiate, Basic realm=\"tests\", Bearer realm=\"http://HOST/token\",service=\"tests\""];
    for challenges in [in_two, in_one] {
        let server = choosy(&fixture.registry.host, challenges);
        assert_pulled(&pull(&server).login(USER, PASSWORD).run());
        assert_eq!(server.asked("/token").len(), 1, "{challenges:?}");
        let at_home = server.asked("/v2/");
        assert!(at_home.iter().all(|asked| asked.header("authorization") != Some(&basic(USER, PASSWORD))));
    }
    let server =
        choosy(&fixture.registry.host, &["Negotiate", "Digest realm=\"tests\", Basic realm=\"tests\""]);
    assert_pulled(&pull(&server).login(USER, PASSWORD).run());
    assert!(server.asked("/token").is_empty());
}

#[test]
fn demands_that_are_not_understood_are_told() {
    let Some(fixture) = fixture() else { return };
    for (challenge, text) in [
        ("Negotiate", "the registry asks for `negotiate` only: Bearer and Basic are understood"),
        ("Bearer realm=\"file:///etc/passwd\"", "its realm is `file:///etc/passwd`"),
        (
            "Bearer realm=\"http://169.254.169.254/token\"",
            "sends the credentials to `http://169.254.169.254/token`",
        ),
        ("Bearer realm=\"", "challenge `Bearer realm=\\\"` is malformed"),
        ("", "understood"),
    ] {
        let server = Server::before(&fixture.registry.host, move |_, _| {
            Answer::new("401 Unauthorized", "").with("WWW-Authenticate", challenge)
        });
        assert_failed(&pull(&server).login(USER, PASSWORD).run(), &[text]);
    }
}

#[test]
fn an_anonymous_token_server_on_an_internal_address_is_not_asked() {
    let Some(fixture) = fixture() else { return };
    let server = Server::before(&fixture.registry.host, |_, _| {
        let challenge = "Bearer realm=\"http://169.254.169.254/token\"";
        Answer::new("401 Unauthorized", "").with("WWW-Authenticate", challenge)
    });
    assert_failed(&pull(&server).run(), &["a cloud's metadata service"]);
}

#[test]
fn a_token_server_that_answers_nonsense_is_told_without_its_words() {
    let Some(fixture) = fixture() else { return };
    for (body, text) in [
        ("<html>token-in-a-page</html>", "is not understood"),
        (r#"{"tokens": "token-in-a-page"}"#, "holds no token"),
        (r#"{"token": "token-in-a-page\n"}"#, "characters that no token has"),
    ] {
        let server = Server::before(&fixture.registry.host, move |request, _| {
            if request.path.starts_with("/token") {
                return Answer::new("200 OK", body);
            }
            let challenge = format!("Bearer realm=\"http://{}/token\"", request.header("host").unwrap());
            Answer::new("401 Unauthorized", "").with("WWW-Authenticate", &challenge)
        });
        let said = pull(&server).run();
        assert_failed(&said, &["token server", text]);
        assert!(!said.stderr.contains("token-in-a-page") && !said.stdout.contains("token-in-a-page"));
    }
}
