use crate::server::{Server, Step, answer, raw};
use crate::{chain, client, get, message, patient, settings};
use imagescan_fetch::{FetchError, Payload, Request};
use std::time::{Duration, Instant};

#[test]
fn failures_that_may_pass_are_borne() {
    for failure in ["408 A", "429 B", "500 C", "502 D", "503 E", "504 F", ""] {
        let server = Server::start(move |seen| match (seen.before, failure) {
            (0 | 1, "") => Vec::new(),
            (0 | 1, failure) => answer(failure, "", b""),
            _ => answer("200 OK", "", b"done"),
        });
        let (client, waits) = patient(settings(&[&server]));
        assert_eq!(get(&client, &server.url("/")).unwrap().bytes(9).unwrap(), b"done", "{failure}");
        let waits: Vec<f64> = waits.lock().unwrap().iter().map(Duration::as_secs_f64).collect();
        assert!(matches!(waits[..], [0.5..=1.0, 1.0..=2.0]), "{waits:?}");
    }
}

#[test]
fn a_document_is_asked_for_again_wherever_it_breaks_off() {
    let body = b"{\"token\": \"all of it\"}";
    let whole = || match answer("200 OK", "", body).remove(0) {
        Step::Send(bytes) => bytes,
        Step::Pause(_) => Vec::new(),
    };
    for offset in 0..whole().len() {
        let server = Server::start(move |seen| {
            vec![Step::Send(whole().into_iter().take(if seen.before == 0 { offset } else { 999 }).collect())]
        });
        let (client, waits) = patient(settings(&[&server]));
        let got = client.document(&Request::get(&server.url("/")).unwrap(), 99).unwrap();
        assert_eq!(got.into_bytes(), body, "{offset}");
        assert_eq!((server.seen().len(), waits.lock().unwrap().len()), (2, 1), "{offset}");
    }
}

#[test]
fn a_document_that_always_breaks_off_is_told_at_last() {
    let server = Server::start(|_| raw("200 OK", "Content-Length: 9\r\n", b"half"));
    let document = client(&[&server]).document(&Request::get(&server.url("/")).unwrap(), 99);
    assert_eq!(message(document), format!("`{}` broke off after 4 bytes", server.url("/")));
    assert_eq!(server.seen().len(), 4);
}

#[test]
fn a_document_that_is_too_long_is_not_asked_for_again() {
    let server = Server::start(|_| answer("200 OK", "", b"ten bytes!"));
    let get = |limit| client(&[&server]).document(&Request::get(&server.url("/")).unwrap(), limit);
    assert_eq!(get(10).unwrap().bytes(), b"ten bytes!");
    assert_eq!(message(get(9)), format!("`{}` has more than the 9 bytes it may have", server.url("/")));
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn of_what_is_no_success_the_beginning_is_kept() {
    let server = Server::start(|_| {
        answer("401 Who", "WWW-Authenticate: Basic\r\nWWW-Authenticate: Bearer\r\n", &[b'x'; 5000])
    });
    let document = client(&[&server]).document(&Request::get(&server.url("/")).unwrap(), 99).unwrap();
    assert_eq!((document.status(), document.header("www-authenticate")), (401, Some("Basic")));
    let refused = document.unauthorized();
    assert_eq!(refused.challenges, ["Basic", "Bearer"]);
    assert_eq!(refused.body, [b'x'; 4096]);
}

#[test]
fn at_last_the_failure_stands() {
    let body: String = "\u{1b}<é>".chars().chain("x".repeat(400).chars()).collect();
    let server = Server::start(move |_| answer("503 Busy", "", body.as_bytes()));
    assert_eq!(
        message(get(&client(&[&server]), &server.url("/p?signature=1"))),
        format!("`{}` answered 503 (4 attempts): `\\u{{1b}}<é>{}`", server.url("/p"), "x".repeat(295))
    );
    assert_eq!(server.seen().len(), 4);
}

#[test]
fn a_server_says_when_to_come_back() {
    let server = Server::start(|seen| match seen.before {
        0 => answer("429 Slow", "Retry-After: 7\r\n", b""),
        1 => answer(
            "503 Busy",
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:49:50 GMT\r\n",
            b"",
        ),
        2 => answer("429 Slow", "Retry-After: 86400\r\n", b""),
        _ => answer("200 OK", "", b""),
    });
    let (client, waits) = patient(settings(&[&server]));
    get(&client, &server.url("/")).unwrap();
    assert_eq!(*waits.lock().unwrap(), [7, 13, 60].map(Duration::from_secs));
}

#[test]
fn nobody_waits_past_the_deadline() {
    let server = Server::start(|_| answer("429 Slow", "Retry-After: 30\r\n", b"later"));
    let (client, waits) = patient(settings(&[&server]));
    let mut request = Request::get(&server.url("/")).unwrap();
    request.deadline = Some(Instant::now() + Duration::from_secs(20));
    assert_eq!(message(client.send(&request)), format!("`{}` answered 429: `later`", server.url("/")));
    assert!(waits.lock().unwrap().is_empty());
}

#[test]
fn what_is_posted_is_posted_once() {
    let server =
        Server::start(|seen| if seen.path() == "/" { answer("503 Busy", "", b"") } else { Vec::new() });
    let payload = Payload { bytes: Vec::new(), content_type: "text/plain".into() };
    let post =
        |path: &str| client(&[&server]).send(&Request::post(&server.url(path), payload.clone()).unwrap());
    assert_eq!(message(post("/")), format!("`{}` answered 503", server.url("/")));
    assert_eq!(message(post("/reset")), format!("`{}` gave no answer", server.url("/reset")));
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn a_closed_port_is_tried_once_more_and_told() {
    let closed = "127.0.0.1:1";
    let mut settings = settings(&[]);
    settings.allow_hosts = vec![closed.parse().unwrap()];
    let (client, waits) = patient(settings);
    let error = get(&client, &format!("http://{closed}/p?signature=1")).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot connect to `{closed}`"));
    let refused = "tcp connect error: Connection refused (os error 111)";
    assert_eq!(chain(&error), format!("{error}: {refused}"));
    assert_eq!(waits.lock().unwrap().len(), 1);
}

#[test]
fn what_is_no_http_is_no_answer() {
    let server = Server::start(|_| raw("two hundred", "", b""));
    let error = get(&client(&[&server]), &server.url("/p?signature=1")).unwrap_err();
    assert_eq!(error.to_string(), format!("`{}` gave no answer", server.url("/p")));
    assert_eq!(chain(&error), format!("{error}: invalid HTTP status-code parsed"));
    assert!(error.is_transient());
    assert!(!matches!(error, FetchError::Connect { .. }));
}
