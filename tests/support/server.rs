//! A server on loopback that does what a test says, also between us and a registry.

use crate::http::{self, Answer, Request};
use crate::identity::Identity;
use rustls::{ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What is done with one request; behind the last step the connection is closed.
#[derive(Debug)]
pub(crate) enum Step {
    Send(Vec<u8>),
    Pause(Duration),
    /// Sends these bytes until nobody takes them.
    Forever(Vec<u8>),
}

impl From<Answer> for Vec<Step> {
    fn from(answer: Answer) -> Self {
        vec![Step::Send(answer.head()), Step::Send(answer.body)]
    }
}

/// A running server. Its threads end with the tests.
pub(crate) struct Server {
    /// Address and port, or the socket's path.
    pub host: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Answers.
    pub(crate) fn open<S: Into<Vec<Step>>>(answer: impl Fn(&Request) -> S + Send + Sync + 'static) -> Self {
        Self::over(plain, answer)
    }

    /// Answers at the socket `path`.
    pub(crate) fn at_socket<S: Into<Vec<Step>>>(
        path: &Path,
        answer: impl Fn(&Request) -> S + Send + Sync + 'static,
    ) -> Self {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let listener = UnixListener::bind(path).unwrap();
        let accept = move || Some(listener.accept().ok()?.0);
        Self::accepting(path.display().to_string(), accept, Some, answer)
    }

    /// Answers over TLS.
    pub(crate) fn secure<S: Into<Vec<Step>>>(
        identity: &Identity,
        answer: impl Fn(&Request) -> S + Send + Sync + 'static,
    ) -> Self {
        Self::secure_for(identity, None, answer)
    }

    /// Answers over TLS, only `visitor` if there is one.
    pub(crate) fn secure_for<S: Into<Vec<Step>>>(
        identity: &Identity,
        visitor: Option<&Identity>,
        answer: impl Fn(&Request) -> S + Send + Sync + 'static,
    ) -> Self {
        let config = identity.server(visitor);
        let wrap = move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config)).ok()?;
            Some(StreamOwned::new(connection, stream))
        };
        Self::over(wrap, answer)
    }

    /// Stands before the registry at `host`: `answer` gets what the registry would say.
    pub(crate) fn before<S: Into<Vec<Step>>>(
        host: &str,
        answer: impl Fn(&Request, Answer) -> S + Send + Sync + 'static,
    ) -> Self {
        Self::over(plain, through(host, answer))
    }

    /// As [`Server::before`], but hangs up on whoever tries TLS.
    pub(crate) fn curt(host: &str) -> Self {
        Self::over(|stream| is_plain(&stream).then_some(stream), through(host, |_, said| said))
    }

    fn over<C: Read + Write, S: Into<Vec<Step>>>(
        wrap: impl Fn(TcpStream) -> Option<C> + Send + Sync + 'static,
        answer: impl Fn(&Request) -> S + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        Self::accepting(host, move || Some(listener.accept().ok()?.0), wrap, answer)
    }

    fn accepting<T: Send + 'static, C: Read + Write, S: Into<Vec<Step>>>(
        host: String,
        accept: impl Fn() -> Option<T> + Send + 'static,
        wrap: impl Fn(T) -> Option<C> + Send + Sync + 'static,
        answer: impl Fn(&Request) -> S + Send + Sync + 'static,
    ) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, job) = (Arc::clone(&seen), Arc::new((wrap, answer)));
        std::thread::spawn(move || {
            while let Some(stream) = accept() {
                let (log, job) = (Arc::clone(&log), Arc::clone(&job));
                std::thread::spawn(move || serve(job.0(stream)?, &log, &job.1));
            }
        });
        Self { host, seen }
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// Requests for paths that hold `part`.
    pub(crate) fn asked(&self, part: &str) -> Vec<Request> {
        self.seen().into_iter().filter(|request| request.path.contains(part)).collect()
    }
}

/// What `answer` makes of what the registry at `host` says.
fn through<S: Into<Vec<Step>>>(
    host: &str,
    answer: impl Fn(&Request, Answer) -> S + Send + Sync + 'static,
) -> impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static {
    let host = host.to_string();
    move |request| {
        let passed =
            |(name, _): &&(String, String)| ["accept", "range"].contains(&name.to_lowercase().as_str());
        let headers: Vec<(&str, &str)> =
            request.headers.iter().filter(passed).map(|(name, value)| (&**name, &**value)).collect();
        let said = http::send(&host, &request.method, &request.path, &headers, &request.body).unwrap();
        answer(request, said).into()
    }
}

fn is_plain(stream: &TcpStream) -> bool {
    let mut first = [0];
    stream.peek(&mut first).is_ok() && first != [0x16]
}

/// A connection that speaks HTTP. To one that tries TLS first we say what nginx and Go say.
fn plain(mut stream: TcpStream) -> Option<TcpStream> {
    if is_plain(&stream) {
        return Some(stream);
    }
    // Unread bytes would reset the connection.
    let _ = stream.read(&mut [0; 16 << 10]);
    let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    None
}

/// What goes wrong here is seen by the client, or wanted by the test.
fn serve<S: Into<Vec<Step>>>(
    mut stream: impl Read + Write,
    log: &Mutex<Vec<Request>>,
    answer: &dyn Fn(&Request) -> S,
) -> Option<()> {
    let mut request = http::request(&mut stream)?;
    {
        let mut log = log.lock().unwrap();
        request.before = log.iter().filter(|earlier| earlier.path == request.path).count();
        log.push(request.clone());
    }
    for step in answer(&request).into() {
        match step {
            Step::Send(bytes) => stream.write_all(&bytes).and_then(|()| stream.flush()).ok()?,
            Step::Pause(time) => std::thread::sleep(time),
            Step::Forever(bytes) => loop {
                stream.write_all(&bytes).ok()?;
            },
        }
    }
    Some(())
}
