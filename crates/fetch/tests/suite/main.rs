//! The client against a server on loopback.

mod guard;
mod redirect;
mod resume;
mod retry;
mod self_signed;
mod send;
mod server;
mod socket;
mod tls;

use imagescan_fetch::{Client, FetchError, Request, Response, Retries, Settings};
use server::Server;
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Settings under which `servers` may be asked.
fn settings(servers: &[&Server]) -> Settings {
    let allow_hosts = servers.iter().map(|server| server.host.parse().unwrap()).collect();
    let retries = Retries { count: 3, base: Duration::from_secs(1), ..Retries::default() };
    Settings { user_agent: "test".into(), allow_hosts, retries, ..Settings::default() }
}

/// A client that does not wait between attempts, but says how long it would have.
fn patient(settings: Settings) -> (Client, Arc<Mutex<Vec<Duration>>>) {
    let waits = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&waits);
    (Client::with_sleep(settings, move |wait| log.lock().unwrap().push(wait)).unwrap(), waits)
}

fn client(servers: &[&Server]) -> Client {
    patient(settings(servers)).0
}

fn get(client: &Client, url: &str) -> Result<Response, FetchError> {
    client.send(&Request::get(url).unwrap())
}

/// The message of the error, as far as it is ours.
fn message<T>(result: Result<T, FetchError>) -> String {
    result.err().expect("an error").to_string()
}

/// The error and all its causes.
fn chain(error: &dyn Error) -> String {
    let mut texts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(error) = next {
        texts.push(error.to_string());
        next = error.source();
    }
    texts.join(": ")
}
