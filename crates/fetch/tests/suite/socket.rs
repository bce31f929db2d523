use crate::{chain, message};
use imagescan_fetch::{Client, Proxies, Request, Secret, Settings};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

fn client(path: &Path, idle_timeout: Duration) -> Client {
    // Neither may have a say.
    let proxies = Proxies { http: Some(Secret::new("http://127.0.0.1:1")), ..Proxies::default() };
    Client::new(Settings { socket: Some(path.into()), proxies, idle_timeout, ..Settings::default() }).unwrap()
}

/// A socket whose visitors are told `answer`, after `pause`.
fn listen(path: &Path, answer: &'static str, pause: Duration) {
    let listener = UnixListener::bind(path).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 4096]);
            std::thread::sleep(pause);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
}

#[test]
fn a_socket_is_asked_whatever_the_url_says_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    listen(
        &path,
        "HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\nContent-Length: 4\r\n\r\nbody",
        Duration::ZERO,
    );
    let client = client(&path, Duration::from_secs(10));
    let response = client.send_once(&Request::get("http://10.0.0.2/").unwrap()).unwrap();
    assert_eq!((response.status(), response.bytes(4).unwrap().as_slice()), (302, b"body".as_slice()));
}

#[test]
fn a_socket_that_is_not_there_is_told_with_the_systems_reason() {
    let request = Request::get("http://localhost/").unwrap();
    let error =
        client(Path::new("/nowhere/socket"), Duration::from_secs(10)).send_once(&request).unwrap_err();
    assert!(
        chain(&error).starts_with("cannot connect to the socket `/nowhere/socket`: No such file"),
        "{error}"
    );
    let imagescan_fetch::FetchError::Socket { source, .. } = error else { panic!("{error:?}") };
    assert_eq!(source.kind(), ErrorKind::NotFound);
}

#[test]
fn a_request_may_have_a_patience_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    listen(&path, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Duration::from_millis(500));
    let settings = |idle_timeout| Settings {
        socket: Some(path.clone()),
        connect_timeout: Duration::from_millis(50),
        idle_timeout,
        ..Settings::default()
    };
    let mut request = Request::get("http://localhost/").unwrap();
    request.idle_timeout = Some(Duration::from_millis(100));
    let impatient = Client::new(settings(Duration::from_secs(10))).unwrap();
    assert_eq!(message(impatient.send_once(&request)), "`http://localhost/` was silent for 0.15 s");
    request.idle_timeout = Some(Duration::from_secs(10));
    let patient = Client::new(settings(Duration::from_millis(1))).unwrap();
    assert_eq!(patient.send_once(&request).unwrap().status(), 200);
}
