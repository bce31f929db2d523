//! As much of HTTP/1 as the tests need, on both sides of it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

type Headers = Vec<(String, String)>;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub method: String,
    pub path: String,
    pub headers: Headers,
    pub body: Vec<u8>,
    /// How many came for the same path before.
    pub before: usize,
}

/// An answer, before it is sent or after it came.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// Code and reason.
    pub status: String,
    pub headers: Headers,
    pub body: Vec<u8>,
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    pub(crate) fn is_blob(&self) -> bool {
        self.path.contains("/blobs/")
    }

    pub(crate) fn is_manifest(&self) -> bool {
        self.path.contains("/manifests/")
    }
}

impl Answer {
    pub(crate) fn new(status: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status: status.into(), headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// With this header in place of any of its name.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The head, with a `Content-Length` unless there is one, or chunks.
    pub(crate) fn head(&self) -> Vec<u8> {
        let mut text = format!("HTTP/1.1 {}\r\nConnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.header("content-length").is_none() && self.header("transfer-encoding").is_none() {
            text.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        text.push_str("\r\n");
        text.into_bytes()
    }
}

/// The first line, the headers and the body of a message. `None`: it ends early.
fn message(stream: impl Read) -> Option<(String, Headers, Vec<u8>)> {
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
    let headers = lines.iter().skip(1).filter_map(|line| line.split_once(": "));
    let headers: Headers = headers.map(|(name, value)| (name.into(), value.into())).collect();
    let length = find(&headers, "content-length").and_then(|length| length.parse().ok());
    let mut body = Vec::new();
    reader.take(length.unwrap_or(0)).read_to_end(&mut body).ok()?;
    Some((lines.first()?.clone(), headers, body))
}

/// Reads one request.
pub(crate) fn request(stream: impl Read) -> Option<Request> {
    let (line, headers, body) = message(stream)?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.into(), words.next()?.into());
    Some(Request { method, path, headers, body, before: 0 })
}

/// Sends one request to `host` and reads the answer.
pub(crate) fn send(
    host: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(host)?;
    // HTTP/1.0, so that nothing comes in chunks.
    let mut head = format!("{method} {path} HTTP/1.0\r\nHost: {host}\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    stream.write_all(body)?;
    let (line, headers, body) = message(stream).ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = line.split_once(' ').map(|(_, status)| status.to_string()).unwrap_or_default();
    Ok(Answer { status, headers, body })
}
