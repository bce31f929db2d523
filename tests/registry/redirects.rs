//! Where a registry leads, and what is shown there.

use crate::fixture::{Fixture, app, assert_failed, assert_pulled, fixture};
use crate::http::Answer;
use crate::pull::{PASSWORD, Pull, USER, basic};
use crate::server::Server;

/// A registry that wants user and password, and redirects whoever asks for a blob; `to` makes the location.
fn redirecting(fixture: &Fixture, to: impl Fn(&str) -> String + Send + Sync + 'static) -> Server {
    Server::before(&fixture.registry.host, move |request, said| {
        if request.header("authorization") != Some(&basic(USER, PASSWORD)) {
            return Answer::new("401 Unauthorized", "").with("WWW-Authenticate", "Basic realm=\"tests\"");
        }
        if !request.is_blob() {
            return said;
        }
        Answer::new("307 Temporary Redirect", "").with("Location", &to(&request.path))
    })
}

fn pull(server: &Server) -> Pull {
    Pull::new(&app(&server.host)).login(USER, PASSWORD)
}

#[test]
fn a_blob_store_is_followed_where_it_may_be_and_sees_no_credentials() {
    let Some(fixture) = fixture() else { return };
    let store = Server::before(&fixture.registry.host, |_, said| said);
    let host = store.host.clone();
    let server = redirecting(fixture, move |path| format!("http://{host}{path}?signature=of-the-store"));
    let said = pull(&server).run();
    let refused = "`127.0.0.1` is at 127.0.0.1, which is loopback, which is this machine: nothing is fetched from there";
    assert_failed(&said, &[refused]);
    assert!(!said.incomplete().contains("signature"), "{}", said.incomplete());
    assert!(store.seen().is_empty());
    assert_pulled(&pull(&server).config(&format!("allow = [\"{}\"]", store.host)).run());
    assert!(store.seen().len() >= 4);
    assert!(store.seen().iter().all(|request| request.header("authorization").is_none()));
    assert!(server.seen().iter().filter(|request| request.header("authorization").is_some()).count() >= 5);
}

#[test]
fn nothing_internal_and_nothing_that_is_no_web_server_is_followed() {
    let Some(fixture) = fixture() else { return };
    for (location, text) in [
        ("http://169.254.169.254/latest/meta-data/", "which is a cloud's metadata service"),
        ("https://[::ffff:10.0.0.1]/", "which is private"),
        ("http://0.0.0.0/", "which is unspecified"),
        ("http://192.0.2.1/", "is plain HTTP, which is for this machine"),
        ("file:///etc/passwd", "redirects to `file:///etc/passwd`: only http and https are followed"),
        ("gopher://registry.example/", "only http and https are followed"),
        ("http://[", "that is no address"),
    ] {
        let server = redirecting(fixture, move |_| location.into());
        assert_failed(&pull(&server).run(), &[text]);
    }
}

#[test]
fn a_loop_ends() {
    let Some(fixture) = fixture() else { return };
    let server = redirecting(fixture, str::to_string);
    assert_failed(&pull(&server).run(), &["that is one redirect too many"]);
}

#[test]
fn a_redirect_within_the_registry_keeps_the_credentials() {
    let Some(fixture) = fixture() else { return };
    let server = Server::before(&fixture.registry.host, |request, said| {
        if request.header("authorization") != Some(&basic(USER, PASSWORD)) {
            return Answer::new("401 Unauthorized", "").with("WWW-Authenticate", "Basic realm=\"tests\"");
        }
        if !request.is_blob() || request.path.contains('?') {
            return said;
        }
        let location = format!("{}?again", request.path);
        Answer::new("302 Found", "").with("Location", &location)
    });
    assert_pulled(&pull(&server).run());
}
