use crate::server::{Server, Step, answer, raw};
use crate::{chain, client, get, message, patient, settings};
use imagescan_fetch::{FetchError, Method, Payload, Proxies, Request, Secret, Settings};
use std::io::Read;
use std::time::{Duration, Instant};

#[test]
fn a_request_says_what_it_was_given() {
    let server = Server::start(|_| answer("200 OK", "X-One: 1\r\nX-One: 2\r\n", b"body"));
    let mut request = Request::get(&server.url("/p?q=1#f")).unwrap().header("If-None-Match", "\"tag\"");
    request.authorization = Some(Secret::new("Bearer word"));
    request.accept = Some("text/plain".into());
    request.range_from = Some(7);
    let response = client(&[&server]).send(&request).unwrap();
    let seen = &server.seen()[0];
    assert_eq!(seen.line, "GET /p?q=1 HTTP/1.1");
    let sent = ["if-none-match", "authorization", "accept", "range", "user-agent", "accept-encoding"];
    assert_eq!(
        sent.map(|name| seen.header(name)),
        [Some("\"tag\""), Some("Bearer word"), Some("text/plain"), Some("bytes=7-"), Some("test"), None]
    );
    assert_eq!((response.status(), response.content_length()), (200, Some(4)));
    assert_eq!((response.header("x-ONE"), response.header("x-two")), (Some("1"), None));
    assert_eq!(response.headers("x-one").collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(response.url().as_str(), server.url("/p?q=1"));
    assert_eq!(response.bytes(4).unwrap(), b"body");
}

#[test]
fn a_document_is_posted_and_a_head_has_a_length_without_a_body() {
    let server = Server::start(|seen| match seen.line.as_str() {
        "HEAD / HTTP/1.1" => raw("200 OK", "Content-Length: 12345\r\n", b""),
        _ => answer("200 OK", "", b"{}"),
    });
    let client = client(&[&server]);
    let payload =
        Payload { bytes: b"a=b".to_vec(), content_type: "application/x-www-form-urlencoded".into() };
    client.send(&Request::post(&server.url("/token"), payload).unwrap()).unwrap();
    let head = Request::head(&server.url("/")).unwrap();
    assert_eq!(head.method, Method::Head);
    let head = client.send(&head).unwrap();
    assert_eq!(head.content_length(), Some(12345));
    assert!(head.bytes(20_000).unwrap().is_empty());
    let seen = &server.seen()[0];
    assert_eq!((seen.line.as_str(), seen.body.as_slice()), ("POST /token HTTP/1.1", b"a=b".as_slice()));
    assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
}

#[test]
fn other_statuses_are_answers_until_somebody_wants_success() {
    for status in [304, 401, 404] {
        let server = Server::start(move |_| answer(&format!("{status} So"), "", b"because\n\x1b[1m"));
        let response = get(&client(&[&server]), &server.url("/p?signature=1")).unwrap();
        assert_eq!(response.status(), status);
        if status != 304 {
            assert_eq!(
                message(response.success()),
                format!("`{}` answered {status}: `because\\n\\u{{1b}}[1m`", server.url("/p"))
            );
        }
        assert_eq!(server.seen().len(), 1);
    }
}

#[test]
fn a_body_may_not_be_longer_than_its_bound() {
    let stated = Server::start(|_| answer("200 OK", "", b"12345"));
    let unstated = Server::start(|_| raw("200 OK", "", b"12345"));
    for server in [&stated, &unstated] {
        let response = get(&client(&[server]), &server.url("/p?q")).unwrap();
        let error = response.bytes(4);
        assert_eq!(message(error), format!("`{}` has more than the 4 bytes it may have", server.url("/p")));
        assert_eq!(get(&client(&[server]), &server.url("/")).unwrap().bytes(5).unwrap(), b"12345");
    }
}

#[test]
fn nothing_is_inflated() {
    let server = Server::start(|_| answer("200 OK", "Content-Encoding: gzip\r\n", b"no gzip"));
    assert_eq!(get(&client(&[&server]), &server.url("/")).unwrap().bytes(99).unwrap(), b"no gzip");
}

#[test]
fn a_body_that_breaks_off_is_an_error_also_when_read_on() {
    let server = Server::start(|_| raw("200 OK", "Content-Length: 10\r\n", b"12345"));
    let mut reader = get(&client(&[&server]), &server.url("/p")).unwrap().reader();
    let mut bytes = Vec::new();
    let error = reader.read_to_end(&mut bytes).unwrap_err();
    assert_eq!(bytes, b"12345");
    assert_eq!(error.to_string(), format!("`{}` broke off after 5 bytes", server.url("/p")));
    assert_eq!(
        chain(FetchError::inside(&error).unwrap()),
        format!("{error}: error reading a body from connection: end of file before message length reached")
    );
    assert!(reader.read(&mut [0]).is_err());
}

#[test]
fn a_trickling_server_is_ended_by_the_deadline() {
    let server = Server::start(|_| {
        let mut steps = raw("200 OK", "Content-Length: 1000\r\n", b"");
        for _ in 0..1000 {
            steps.push(Step::Send(b"x".to_vec()));
            steps.push(Step::Pause(Duration::from_millis(10)));
        }
        steps
    });
    let mut request = Request::get(&server.url("/p")).unwrap();
    let start = Instant::now();
    request.deadline = Some(start + Duration::from_millis(700));
    let response = client(&[&server]).send(&request).unwrap();
    let error = response.bytes(1000);
    assert_eq!(message(error), format!("`{}` was not done by its deadline", server.url("/p")));
    assert!(start.elapsed() < Duration::from_secs(5));
    request.deadline = Some(start);
    assert!(matches!(client(&[&server]).send(&request), Err(FetchError::Deadline { .. })));
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_silent_server_is_given_up() {
    let server = Server::start(|seen| {
        let head = if seen.path() == "/body" { raw("200 OK", "", b"x") } else { Vec::new() };
        head.into_iter().chain([Step::Pause(Duration::from_secs(20))]).collect()
    });
    let mut settings = settings(&[&server]);
    (settings.idle_timeout, settings.connect_timeout) = (Duration::from_millis(50), Duration::from_secs(1));
    settings.retries.count = 0;
    let (client, _) = patient(settings);
    assert_eq!(
        message(get(&client, &server.url("/body")).unwrap().bytes(9)),
        format!("`{}` was silent for 0.05 s", server.url("/body"))
    );
    assert_eq!(
        message(get(&client, &server.url("/head"))),
        format!("`{}` was silent for 1.05 s", server.url("/head"))
    );
}

#[test]
fn a_host_gets_so_many_requests_at_once_and_no_more() {
    let server = Server::start(|_| answer("200 OK", "", b"x"));
    let (client, _) = patient(Settings { requests_per_host: 2, ..settings(&[&server]) });
    let held = [get(&client, &server.url("/1")).unwrap(), get(&client, &server.url("/2")).unwrap()];
    let mut third = Request::get(&server.url("/3")).unwrap();
    third.deadline = Some(Instant::now() + Duration::from_millis(50));
    assert!(matches!(client.send(&third), Err(FetchError::Deadline { .. })));
    assert_eq!(server.seen().len(), 2);
    let [first, _second] = held;
    first.bytes(1).unwrap();
    third.deadline = None;
    client.send(&third).unwrap();
}

#[test]
fn headers_that_cannot_be_sent_are_told_without_their_values() {
    let server = Server::start(|_| answer("200 OK", "", b""));
    let with = |name: &str, value: &str| {
        message(client(&[&server]).send(&Request::get(&server.url("/")).unwrap().header(name, value)))
    };
    assert_eq!(with("a b", "x"), "the header `a b` cannot be sent: that is no name of one");
    assert_eq!(
        with("X-Key", "hush\n"),
        "the header `X-Key` cannot be sent: its value has characters no header may"
    );
    assert_eq!(
        with("Authorization", "hush"),
        "the header `Authorization` cannot be sent: the request has a place of its own for it"
    );
    let mut request = Request::get(&server.url("/")).unwrap();
    request.authorization = Some(Secret::new("hush\n"));
    assert_eq!(
        message(client(&[&server]).send(&request)),
        "the header `authorization` cannot be sent: its value has characters no header may"
    );
    assert!(server.seen().is_empty());
}

#[test]
fn a_proxy_is_asked_for_what_it_is_for() {
    let proxy = Server::start(|_| answer("200 OK", "", b"by proxy"));
    let direct = Server::start(|_| answer("200 OK", "", b"direct"));
    let mut settings = settings(&[&direct]);
    settings.insecure_hosts = vec!["far.example".parse().unwrap()];
    settings.proxies = Proxies {
        http: Some(Secret::new(format!("http://user:word@{}", proxy.host))),
        https: None,
        direct: "192.0.2.0/24".into(),
    };
    let (client, _) = patient(settings.clone());
    assert_eq!(get(&client, "http://far.example/p").unwrap().bytes(99).unwrap(), b"by proxy");
    assert_eq!(get(&client, &direct.url("/")).unwrap().bytes(99).unwrap(), b"direct");
    let seen = &proxy.seen()[0];
    assert_eq!(seen.line, "GET http://far.example/p HTTP/1.1");
    assert_eq!(seen.header("proxy-authorization"), Some("Basic dXNlcjp3b3Jk"));
    assert!(!format!("{client:?}").contains("word"));
    assert!(matches!(get(&client, "http://10.0.0.1/"), Err(FetchError::Refused(_))));
    assert!(matches!(get(&client, "http://localhost:1/"), Err(FetchError::Refused(_))));
    assert_eq!(proxy.seen().len(), 1);
    for address in ["socks5://hush", "://", "http://"] {
        settings.proxies.https = Some(Secret::new(address));
        assert_eq!(
            message(imagescan_fetch::Client::new(settings.clone())),
            "the proxy for https is no address of an HTTP proxy, like http://proxy.example:3128"
        );
    }
}
