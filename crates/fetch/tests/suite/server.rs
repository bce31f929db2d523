//! A server on loopback that does exactly what a test says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Method and target.
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// How many came before.
    pub(crate) before: usize,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap()
    }

    /// Where the wanted bytes begin.
    pub(crate) fn range(&self) -> Option<usize> {
        let range = self.header("range")?.strip_prefix("bytes=").unwrap();
        Some(range.split('-').next().unwrap().parse().unwrap())
    }
}

/// What the server does next; behind the last step it closes the connection.
#[derive(Debug)]
pub(crate) enum Step {
    Send(Vec<u8>),
    Pause(Duration),
}

/// Answers each connection's one request.
pub(crate) struct Server {
    pub(crate) host: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub(crate) fn start<F>(answer: F) -> Self
    where
        F: Fn(&Seen) -> Vec<Step> + Send + Sync + 'static,
    {
        Self::over(answer, |stream| stream)
    }

    /// One that wraps connections, in TLS.
    pub(crate) fn over<F, S>(answer: F, wrap: impl Fn(TcpStream) -> S + Send + Sync + 'static) -> Self
    where
        F: Fn(&Seen) -> Vec<Step> + Send + Sync + 'static,
        S: Read + Write,
    {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, job) = (Arc::clone(&seen), Arc::new((answer, wrap)));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (log, job) = (Arc::clone(&log), Arc::clone(&job));
                std::thread::spawn(move || serve(job.1(stream), &log, &job.0));
            }
        });
        Self { host, seen }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// What goes wrong here is seen by the client, or wanted by the test.
fn serve(
    stream: impl Read + Write,
    log: &Mutex<Vec<Seen>>,
    answer: &dyn Fn(&Seen) -> Vec<Step>,
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_string()),
        }
    }
    let headers: Vec<(String, String)> = lines
        .iter()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    let mut seen = Seen { line: lines[0].clone(), headers, body: Vec::new(), before: 0 };
    let length = seen.header("content-length").map_or(0, |length| length.parse().unwrap());
    seen.body.resize(length, 0);
    reader.read_exact(&mut seen.body).ok()?;
    {
        let mut log = log.lock().unwrap();
        seen.before = log.len();
        log.push(seen.clone());
    }
    let stream = reader.get_mut();
    for step in answer(&seen) {
        match step {
            Step::Send(bytes) => stream.write_all(&bytes).and_then(|()| stream.flush()).ok()?,
            Step::Pause(time) => std::thread::sleep(time),
        }
    }
    Some(())
}

/// A head and what follows it, as they are.
pub(crate) fn raw(status: &str, headers: &str, body: &[u8]) -> Vec<Step> {
    let mut bytes = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n").into_bytes();
    bytes.extend_from_slice(body);
    vec![Step::Send(bytes)]
}

/// A complete answer.
pub(crate) fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<Step> {
    raw(status, &format!("{headers}Content-Length: {}\r\n", body.len()), body)
}

pub(crate) fn redirect(status: &str, to: &str) -> Vec<Step> {
    answer(status, &format!("Location: {to}\r\n"), b"")
}

/// The part of `blob` that was asked for, cut after `most` bytes.
pub(crate) fn part(seen: &Seen, blob: &[u8], most: usize) -> Vec<Step> {
    let start = seen.range().unwrap_or(0);
    let rest = &blob[start..];
    let cut = &rest[..rest.len().min(most)];
    let length = format!("Content-Length: {}\r\n", rest.len());
    match seen.range() {
        None => raw("200 OK", &length, cut),
        Some(_) => {
            let range = format!("{length}Content-Range: bytes {start}-{}/{}\r\n", blob.len() - 1, blob.len());
            raw("206 Partial Content", &range, cut)
        }
    }
}
