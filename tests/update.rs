//! `db update` against a server that behaves as vendors' servers do, and as they should not.

mod support;

#[expect(dead_code, reason = "each test file uses a part")]
#[path = "support/http.rs"]
mod http;
#[expect(dead_code, reason = "each test file uses a part")]
#[path = "support/identity.rs"]
mod identity;
#[expect(dead_code, reason = "each test file uses a part")]
#[path = "support/server.rs"]
mod server;

use http::{Answer, Request};
use server::{Server, Step};
use std::io::Write;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::{Place, Said, command, gzip, run};

const SECDB: &str = include_str!("../vuln-feeds/samples/alpine/v3.11-main.json");
const KEV: &str = include_str!("../vuln-feeds/samples/kev/known_exploited_vulnerabilities.json");

/// A user whose feeds `alpine` and `kev` are published by a server of the test.
struct User {
    place: Place,
    server: Server,
}

impl User {
    fn new<S: Into<Vec<Step>>>(answer: impl Fn(&Request) -> S + Send + Sync + 'static) -> Self {
        let (place, server) = (Place::new(), Server::open(answer));
        for (id, parser, path, distributions) in [
            ("alpine", "secdb", "v{version}/main.json", "[\"alpine\"]\nreleases = [\"alpine:3.11\"]"),
            ("kev", "kev", "kev.json", "[]"),
        ] {
            let text = format!(
                "id = \"{id}\"\ntitle = \"{id}\"\nparser = \"{parser}\"\nurls = [\"http://{}/{path}\"]\n\
                 distributions = {distributions}\nlicence = \"none\"\nsilent = \"all\"\ncadence_hours = 1\n",
                server.host
            );
            place.write(&format!("feeds/{id}.toml"), text.as_bytes());
        }
        Self { place, server }
    }

    fn arguments(&self, more: &[&str]) -> Vec<String> {
        let path = |name: &str| self.place.path(name).display().to_string();
        let mut arguments: Vec<String> = ["db", "update"].map(String::from).into();
        arguments.extend(["--feeds".into(), path("feeds"), "--db".into(), path("db")]);
        arguments.extend(["--cache-dir".into(), path("cache")]);
        arguments.extend(more.iter().map(ToString::to_string));
        arguments
    }

    fn update(&self, more: &[&str]) -> Said {
        run(&self.arguments(more).iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn lookup(&self, package: &str) -> String {
        let database = self.place.path("db").display().to_string();
        run(&["db", "lookup", "--distro", "alpine:3.11", package, "--db", &database]).stdout
    }

    fn assert_verified(&self) {
        let database = self.place.path("db").display().to_string();
        let said = run(&["db", "verify", "--db", &database]);
        assert_eq!(said.code, 0, "{said:?}");
    }

    /// How many documents were answered in full.
    fn sent(&self, path: &str) -> usize {
        self.server.asked(path).len()
    }
}

/// What an honest server says: with a tag, ranges, and nothing where nothing changed.
fn honest(request: &Request, body: &[u8]) -> Answer {
    let etag = format!("\"{}\"", &support::digest(body)[7..20]);
    if request.header("if-none-match") == Some(etag.as_str()) {
        return Answer::new("304 Not Modified", "").with("ETag", &etag);
    }
    let from = request
        .header("range")
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    match from {
        Some(from) if request.header("if-range") == Some(etag.as_str()) => {
            Answer::new("206 Partial Content", body.get(from..).unwrap_or_default())
                .with("Content-Range", &format!("bytes {from}-{}/{}", body.len() - 1, body.len()))
                .with("ETag", &etag)
        }
        _ => Answer::new("200 OK", body).with("ETag", &etag),
    }
}

fn usual(request: &Request) -> Answer {
    match request.path.as_str() {
        "/v3.11/main.json" => honest(request, SECDB.as_bytes()),
        "/kev.json" => honest(request, KEV.as_bytes()),
        _ => Answer::new("404 Not Found", ""),
    }
}

#[test]
fn what_did_not_change_is_not_sent_again_and_stays() {
    let user = User::new(usual);
    let said = user.update(&["alpine", "kev"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.contains("feed alpine: ") && said.stdout.contains("feed kev: "), "{said:?}");
    let rows = user.lookup("busybox");
    assert!(rows.contains("CVE-2019-5747"), "{rows}");
    let said = user.update(&[]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stderr.contains("feed alpine: nothing changed"), "{said:?}");
    assert_eq!((user.lookup("busybox"), user.sent("main.json")), (rows, 2));
    let asked = user.server.asked("main.json");
    assert!(asked[0].header("if-none-match").is_none() && asked[1].header("if-none-match").is_some());
    user.assert_verified();
}

#[test]
fn a_feed_that_fails_keeps_its_rows_and_the_others_are_renewed() {
    for bad in [
        Answer::new("500 Internal Server Error", "no"),
        Answer::new("404 Not Found", "no"),
        Answer::new("200 OK", "<html>captive portal</html>"),
        Answer::new("200 OK", &SECDB[..SECDB.len() / 2]),
        Answer::new("200 OK", "[".repeat(100_000)),
        Answer::new("200 OK", gzip(&vec![b' '; 600 << 20])),
    ] {
        let calls = Arc::new(AtomicUsize::new(0));
        let user = User::new(move |request: &Request| match request.path.as_str() {
            "/v3.11/main.json" if calls.fetch_add(1, Ordering::Relaxed) > 0 => {
                Answer { headers: bad.headers.clone(), body: bad.body.clone(), status: bad.status.clone() }
            }
            _ => usual(request),
        });
        assert_eq!(user.update(&["alpine"]).code, 0);
        let rows = user.lookup("busybox");
        let said = user.update(&["alpine", "kev"]);
        let listed = |said: &Said| said.stdout.contains("segment facts/cves: ");
        assert!(listed(&said) && listed(&user.update(&["alpine"])), "facts were lost: {said:?}");
        assert_eq!(said.code, 4, "{said:?}");
        assert!(said.stderr.contains("feed alpine keeps what it had: "), "{said:?}");
        assert!(said.stdout.contains("  stale: ") && said.stdout.contains("feed kev: "), "{said:?}");
        assert_eq!(user.lookup("busybox"), rows);
        user.assert_verified();
    }
}

#[test]
fn a_download_that_breaks_off_goes_on_where_it_broke() {
    let calls = Arc::new(AtomicUsize::new(0));
    let user = User::new(move |request: &Request| {
        let answer = usual(request);
        let half = answer.body.len() / 2;
        match calls.fetch_add(1, Ordering::Relaxed) {
            0 => vec![Step::Send(answer.head()), Step::Send(answer.body[..half].into())],
            _ => answer.into(),
        }
    });
    let said = user.update(&["alpine"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(user.lookup("busybox").contains("CVE-2019-5747"));
    let asked = user.server.asked("main.json");
    assert_eq!(asked.len(), 2);
    assert!(asked[1].header("range").is_some() && asked[1].header("if-range").is_some(), "{asked:?}");
}

#[test]
fn more_than_allowed_is_not_fetched() {
    let user = User::new(usual);
    let said = user.update(&["alpine", "--max-download", "100"]);
    assert_eq!(said.code, 4, "{said:?}");
    assert!(said.stderr.contains("--max-download"), "{said:?}");
}

#[test]
fn a_database_survives_a_kill_at_any_instant() {
    let number = Arc::new(AtomicUsize::new(0));
    let user = User::new(move |request: &Request| {
        // Another document each time, so that each run has something to write.
        let changed = format!("{SECDB}{}", " ".repeat(number.fetch_add(1, Ordering::Relaxed)));
        match request.path.as_str() {
            "/v3.11/main.json" => honest(request, changed.as_bytes()),
            _ => usual(request),
        }
    });
    assert_eq!(user.update(&["alpine", "kev"]).code, 0);
    let kills = std::env::var("IMAGESCAN_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(20);
    let mut random: u64 =
        std::env::var("IMAGESCAN_SOAK_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(5);
    for _ in 0..kills {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let arguments = user.arguments(&[]);
        let mut child = command(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(random >> 33 & 0xffff));
        child.kill().unwrap();
        child.wait().unwrap();
        user.assert_verified();
        assert!(user.lookup("busybox").contains("CVE-2019-5747"));
    }
    assert_eq!(user.update(&[]).code, 0);
    user.assert_verified();
    let _ = std::io::stdout().flush();
}

#[test]
fn a_database_to_come_needs_names_or_all() {
    let user = User::new(usual);
    let said = user.update(&[]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("--all"), "{said:?}");
    let said = user.update(&["debain"]);
    assert_eq!(said.code, 2, "{said:?}");
}
