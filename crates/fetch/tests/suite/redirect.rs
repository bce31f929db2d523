use crate::server::{Server, answer, redirect};
use crate::{client, get, message};
use imagescan_fetch::{Request, Secret};

#[test]
fn credentials_stay_with_the_host_they_are_for() {
    let other = Server::start(|_| answer("200 OK", "", b"blob"));
    let elsewhere = other.url("/blob?signature=1");
    let home = Server::start(move |seen| match seen.path() {
        "/first" => redirect("301 Moved Permanently", "/second"),
        _ => redirect("307 Temporary Redirect", &elsewhere),
    });
    let mut request =
        Request::get(&home.url("/first")).unwrap().header("X-Key", "hush").header("If-Match", "1");
    request.authorization = Some(Secret::new("Bearer hush"));
    request.accept = Some("text/plain".into());
    request.range_from = Some(3);
    let response = client(&[&home, &other]).send(&request).unwrap();
    assert_eq!(response.url().as_str(), other.url("/blob?signature=1"));
    for seen in home.seen() {
        assert_eq!((seen.header("authorization"), seen.header("x-key")), (Some("Bearer hush"), Some("hush")));
    }
    assert_eq!(home.seen().len(), 2);
    let seen = &other.seen()[0];
    let sent = ["authorization", "x-key", "referer", "cookie", "if-match", "accept", "range"];
    assert_eq!(
        sent.map(|name| seen.header(name)),
        [None, None, None, None, Some("1"), Some("text/plain"), Some("bytes=3-")]
    );
}

#[test]
fn a_password_in_a_location_is_not_used() {
    let server = Server::start(|seen| match seen.path() {
        "/" => redirect("302 Found", &format!("http://user:word@{}/next", seen.header("host").unwrap())),
        _ => answer("200 OK", "", b""),
    });
    let response = get(&client(&[&server]), &server.url("/")).unwrap();
    assert_eq!(response.url().as_str(), server.url("/next"));
    assert_eq!(server.seen()[1].header("authorization"), None);
}

#[test]
fn a_loop_ends() {
    let server = Server::start(|_| redirect("302 Found", "/round?signature=1"));
    assert_eq!(
        message(get(&client(&[&server]), &server.url("/start"))),
        format!(
            "`{}` redirects to `{}`: that is one redirect too many",
            server.url("/start"),
            server.url("/round")
        )
    );
    assert_eq!(server.seen().len(), 11);
}

#[test]
fn files_and_other_schemes_are_not_followed() {
    let server = Server::start(|_| redirect("302 Found", "file:///etc/passwd"));
    assert_eq!(
        message(get(&client(&[&server]), &server.url("/"))),
        format!("`{}` redirects to `file:///etc/passwd`: only http and https are followed", server.url("/"))
    );
}
