use crate::server::{Seen, Server, Step, answer, part, raw};
use crate::{chain, patient, settings};
use imagescan_fetch::{Body, FetchError, Request, Secret, Unauthorized};
use std::io::Read;
use std::time::{Duration, Instant};

const BLOB: &[u8] = b"0123456789abcdefghij";

/// Reads a blob of `length` bytes: what came, and the error with its cause.
fn read(server: &Server, length: u64) -> (Vec<u8>, Option<String>) {
    let (client, _) = patient(settings(&[server]));
    let url = server.url("/blob");
    let mut body = Body::new(client, length, |_| Request::get(&url));
    let mut bytes = Vec::new();
    let error = body.read_to_end(&mut bytes).err().map(|error| error.to_string().replace(&url, "URL"));
    (bytes, error)
}

fn ranges(server: &Server) -> Vec<Option<usize>> {
    server.seen().iter().map(Seen::range).collect()
}

fn all(bytes: &[u8]) -> (Vec<u8>, Option<String>) {
    (bytes.to_vec(), None)
}

#[test]
fn a_whole_blob_is_read_at_once() {
    let server = Server::start(|seen| part(seen, BLOB, 99));
    assert_eq!(read(&server, 20), all(BLOB));
    assert_eq!(ranges(&server), [None]);
    assert_eq!(read(&server, 0), all(b""));
    assert_eq!(ranges(&server), [None]);
}

#[test]
fn a_broken_connection_is_taken_up_where_it_broke() {
    let server = Server::start(|seen| part(seen, BLOB, 3));
    assert_eq!(read(&server, 20), all(BLOB));
    assert_eq!(ranges(&server), [None, Some(3), Some(6), Some(9), Some(12), Some(15), Some(18)]);
    // An end that the server does not know to be early.
    let server = Server::start(|seen| match seen.range() {
        None => raw("200 OK", "", &BLOB[..7]),
        Some(_) => part(seen, BLOB, 99),
    });
    assert_eq!(read(&server, 20), all(BLOB));
    assert_eq!(ranges(&server), [None, Some(7)]);
}

#[test]
fn attempts_that_bring_nothing_are_counted() {
    let server = Server::start(|seen| part(seen, BLOB, if seen.range().is_some() { 0 } else { 5 }));
    assert_eq!(read(&server, 20), (BLOB[..5].to_vec(), Some("`URL` ended after 5 of 20 bytes".into())));
    assert_eq!(ranges(&server), [None, Some(5), Some(5), Some(5)]);
}

#[test]
fn a_server_that_goes_away_meanwhile_is_named_with_the_cause() {
    let server = Server::start(|seen| match seen.range() {
        None => part(seen, BLOB, 5),
        Some(_) => answer("503 Busy", "", b"later"),
    });
    let (client, _) = patient(settings(&[&server]));
    let url = server.url("/blob");
    let error = Body::new(client, 20, |_| Request::get(&url)).read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(
        chain(FetchError::inside(&error).unwrap()),
        format!("`{url}` ended after 5 of 20 bytes: `{url}` answered 503 (4 attempts): `later`")
    );
}

#[test]
fn a_server_without_ranges_begins_anew_and_what_is_known_is_skipped() {
    let cut = |seen: &Seen| 8 * (seen.before + 1);
    let server = Server::start(move |_seen| {
        let length = format!("Content-Length: {}\r\n", BLOB.len());
        raw("200 OK", &length, &BLOB[..BLOB.len().min(cut(_seen))])
    });
    assert_eq!(read(&server, 20), all(BLOB));
    assert_eq!(ranges(&server), [None, Some(8), Some(16)]);
    // One byte more each time is no progress.
    let server = Server::start(|seen| raw("200 OK", "Content-Length: 20\r\n", &BLOB[..=seen.before]));
    let (bytes, error) = read(&server, 20);
    assert!(bytes.len() < 5 && server.seen().len() < 6, "{bytes:?}");
    assert_eq!(error.unwrap(), format!("`URL` ended after {} of 20 bytes", bytes.len()));
}

#[test]
fn a_part_that_was_not_asked_for_is_refused() {
    for (range, shown) in [
        ("Content-Range: bytes 4-19/20\r\n", "bytes 4-19/20"),
        ("Content-Range: bytes 5-19/21\r\n", "bytes 5-19/21"),
        ("Content-Range: 5-19/20\r\n", "5-19/20"),
        ("", ""),
    ] {
        let server = Server::start(move |seen| match seen.range() {
            None => part(seen, BLOB, 5),
            Some(_) => answer("206 Partial Content", range, &BLOB[5..]),
        });
        let error = format!("`URL` was asked for the bytes from 5 on and answered `{shown}`");
        assert_eq!(read(&server, 20), (BLOB[..5].to_vec(), Some(error)));
        assert_eq!(server.seen().len(), 2);
    }
}

#[test]
fn more_bytes_than_declared_are_an_error() {
    let error = Some("`URL` has more than the 10 bytes it may have".to_string());
    let stated = Server::start(|seen| part(seen, BLOB, 99));
    assert_eq!(read(&stated, 10), (Vec::new(), error.clone()));
    let unstated = Server::start(|_| raw("200 OK", "", BLOB));
    assert_eq!(read(&unstated, 10).1, error);
    let later = Server::start(|_| {
        let mut steps = raw("200 OK", "", &BLOB[..10]);
        steps.extend([Step::Pause(Duration::from_millis(50)), Step::Send(b"more".to_vec())]);
        steps
    });
    assert_eq!(read(&later, 10), (BLOB[..10].to_vec(), error));
}

#[test]
fn fewer_bytes_than_declared_are_an_error_that_names_both() {
    let server = Server::start(|seen| match seen.range() {
        None => answer("200 OK", "", BLOB),
        Some(_) => answer("416 Range Not Satisfiable", "", b"no"),
    });
    assert_eq!(read(&server, 30), (BLOB.to_vec(), Some("`URL` answered 416: `no`".into())));
    let server = Server::start(|_| answer("200 OK", "", BLOB));
    assert_eq!(read(&server, 30), (BLOB.to_vec(), Some("`URL` ended after 20 of 30 bytes".into())));
}

#[test]
fn each_attempt_has_its_own_token_and_is_told_what_was_demanded() {
    let server = Server::start(|seen| match (seen.before, seen.header("authorization")) {
        (1, Some("2")) => part(seen, BLOB, 5),
        (3, Some("4")) => part(seen, BLOB, 99),
        _ => answer("401 Unauthorized", "WWW-Authenticate: a\r\nWWW-Authenticate: b\r\n", b"why"),
    });
    let (client, waits) = patient(settings(&[&server]));
    let (mut tokens, mut demands) = (0, Vec::new());
    let url = server.url("/blob");
    let mut body = Body::new(client.clone(), 20, |refused: Option<Unauthorized>| {
        tokens += 1;
        demands.push(refused.map(|Unauthorized { challenges, body }| (challenges.concat(), body)));
        let mut request = Request::get(&url)?;
        request.authorization = Some(Secret::new(tokens.to_string()));
        Ok::<_, FetchError>(request)
    });
    let mut bytes = Vec::new();
    body.read_to_end(&mut bytes).unwrap();
    drop(body);
    assert_eq!(bytes, BLOB);
    let demanded = Some(("ab".to_string(), b"why".to_vec()));
    assert_eq!(demands, [None, demanded.clone(), None, demanded]);
    assert_eq!(waits.lock().unwrap().len(), 1, "for the broken connection alone");
    // Who never shows anything else hears it at last.
    let mut body = Body::new(client.clone(), 20, |_| Request::get(&url));
    let error = body.read(&mut [0]).unwrap_err();
    assert!(matches!(FetchError::inside(&error), Some(FetchError::Status { status: 401, .. })));
    assert_eq!(server.seen().len(), 4 + 4);
    let mut body = Body::new(client, 20, |_| Err("no token"));
    assert_eq!(body.read(&mut [0]).unwrap_err().to_string(), "no token");
}

#[test]
fn the_deadline_ends_all_attempts() {
    let server = Server::start(|seen| {
        let mut steps = part(seen, BLOB, 1);
        steps.push(Step::Pause(Duration::from_secs(20)));
        steps
    });
    let (client, _) = patient(settings(&[&server]));
    let start = Instant::now();
    let mut body = Body::new(client, 20, |_| {
        let mut request = Request::get(&server.url("/"))?;
        request.deadline = Some(start + Duration::from_millis(100));
        Ok::<_, FetchError>(request)
    });
    let error = body.read_to_end(&mut Vec::new()).unwrap_err();
    assert!(matches!(FetchError::inside(&error), Some(FetchError::Deadline { .. })));
    assert!(start.elapsed() < Duration::from_secs(5));
}

/// Reads a part of a blob of 20 bytes: what came, or the error.
fn read_part(server: &Server, wanted: std::ops::Range<u64>) -> Result<Vec<u8>, String> {
    let (client, _) = patient(settings(&[server]));
    let url = server.url("/blob");
    let mut body = Body::part(client, 20, wanted, |_| Request::get(&url));
    let mut bytes = Vec::new();
    let read = body.read_to_end(&mut bytes);
    read.map(|_| bytes).map_err(|error| error.to_string().replace(&url, "URL"))
}

/// The bytes that were asked for, from the first to the last, cut after `most`.
fn exact(seen: &Seen, most: usize) -> Vec<Step> {
    let range = seen.header("range").unwrap().strip_prefix("bytes=").unwrap();
    let (first, last) = range.split_once('-').unwrap();
    let stretch = &BLOB[first.parse().unwrap()..=last.parse().unwrap()];
    let head = format!("Content-Length: {}\r\nContent-Range: bytes {range}/20\r\n", stretch.len());
    raw("206 Partial Content", &head, &stretch[..stretch.len().min(most)])
}

#[test]
fn a_part_is_asked_for_and_taken_up_where_it_broke() {
    let server = Server::start(|seen| exact(seen, 3));
    assert_eq!(read_part(&server, 5..12), Ok(BLOB[5..12].to_vec()));
    assert_eq!(ranges(&server), [Some(5), Some(8), Some(11)]);
    assert_eq!(server.seen()[0].header("range"), Some("bytes=5-11"));
    assert_eq!(read_part(&server, 5..5), Ok(Vec::new()));
    let server = Server::start(|seen| exact(seen, 0));
    assert_eq!(read_part(&server, 5..12), Err("`URL` ended after 0 of 7 bytes".into()));
}

#[test]
fn what_is_not_the_part_that_was_asked_for_is_an_error() {
    let server = Server::start(|_| answer("200 OK", "", BLOB));
    let why = "`URL` was asked for the bytes from 5 on and answered `all of it`";
    assert_eq!(read_part(&server, 5..12), Err(why.into()));
    // All of a blob is no part.
    assert_eq!(read_part(&server, 0..20), Ok(BLOB.to_vec()));
    let server = Server::start(|seen| part(seen, BLOB, 99));
    assert_eq!(read_part(&server, 5..12), Err("`URL` has more than the 7 bytes it may have".into()));
    let head = "Content-Range: bytes 4-10/20\r\n";
    let server = Server::start(|_| answer("206 Partial Content", head, &BLOB[4..11]));
    let why = "`URL` was asked for the bytes from 5 on and answered `bytes 4-10/20`";
    assert_eq!(read_part(&server, 5..12), Err(why.into()));
    let server = Server::start(|_| answer("416 No", "", b""));
    assert_eq!(read_part(&server, 5..12), Err("`URL` answered 416".into()));
}
