//! What the user may set.

use crate::address::{Host, Network};
use crate::request::Secret;
use std::path::PathBuf;
use std::time::Duration;

/// How to fetch. The default trusts the system's authorities and refuses internal addresses.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How we introduce ourselves.
    pub user_agent: String,
    /// How long a connection may take to stand.
    pub connect_timeout: Duration,
    /// How long a server may be silent.
    pub idle_timeout: Duration,
    /// What is done after a failure that may pass.
    pub retries: Retries,
    /// Requests to one host at the same time.
    pub requests_per_host: usize,
    /// Files of further certificate authorities (PEM).
    pub authorities: Vec<PathBuf>,
    /// What is trusted and shown at single hosts.
    pub certificates: Vec<HostCertificates>,
    /// Internal networks that may be fetched from.
    pub allow_addresses: Vec<Network>,
    /// Hosts that may be fetched from wherever they are: those that the user named.
    pub allow_hosts: Vec<Host>,
    /// Hosts where plain HTTP and any certificate will do.
    pub insecure_hosts: Vec<Host>,
    /// Proxies.
    pub proxies: Proxies,
    /// A socket that all requests go to, whatever their URLs say. The user named it: the guard and proxies have no say.
    pub socket: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            user_agent: concat!("imagescan/", env!("CARGO_PKG_VERSION")).into(),
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            retries: Retries::default(),
            requests_per_host: 8,
            authorities: Vec::new(),
            certificates: Vec::new(),
            allow_addresses: Vec::new(),
            allow_hosts: Vec::new(),
            insecure_hosts: Vec::new(),
            proxies: Proxies::default(),
            socket: None,
        }
    }
}

/// How failures that may pass are met.
#[derive(Debug, Clone)]
pub struct Retries {
    /// How many times more a request is sent.
    pub count: u32,
    /// The wait before the first of them; it doubles each time.
    pub base: Duration,
    /// The longest such wait.
    pub cap: Duration,
    /// Where the sequence of random parts of waits begins.
    pub seed: u64,
}

impl Default for Retries {
    fn default() -> Self {
        Self { count: 4, base: Duration::from_millis(500), cap: Duration::from_secs(20), seed: 0 }
    }
}

/// Certificates for one host, as in a folder of Docker's `certs.d`.
#[derive(Debug, Clone)]
pub struct HostCertificates {
    /// The host.
    pub host: Host,
    /// Files of authorities trusted there, beside the others (`*.crt`).
    pub authorities: Vec<PathBuf>,
    /// What we show there.
    pub identity: Option<Identity>,
}

/// A client certificate and its key, both PEM.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The file of the certificate and those that it is signed by (`*.cert`).
    pub certificate: PathBuf,
    /// The file of the key (`*.key`).
    pub key: PathBuf,
}

/// Proxies, by the usual environment variables. Their addresses may hold passwords.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    /// The proxy for `http` URLs.
    pub http: Option<Secret>,
    /// The proxy for `https` URLs.
    pub https: Option<Secret>,
    /// Hosts, domains and networks that are asked directly, separated by commas.
    pub direct: String,
}

impl Proxies {
    /// Reads `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, or else their lower-case forms.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let read = |name: &str| {
            let value = variable(name).filter(|value| !value.is_empty());
            value.or_else(|| variable(&name.to_lowercase()).filter(|value| !value.is_empty()))
        };
        let proxy = |name| read(name).or_else(|| read("ALL_PROXY")).map(Secret::new);
        Self {
            http: proxy("HTTP_PROXY"),
            https: proxy("HTTPS_PROXY"),
            direct: read("NO_PROXY").unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_read_in_both_cases_and_empty_ones_are_none() {
        let read = |variables: &'static [(&str, &str)]| {
            let find = move |name: &str| variables.iter().find(|(key, _)| *key == name);
            let proxies = Proxies::from_variables(|name| find(name).map(|(_, value)| (*value).into()));
            let text = |proxy: Option<Secret>| proxy.map(|proxy| proxy.expose().to_string());
            (text(proxies.http), text(proxies.https), proxies.direct)
        };
        let some = |text: &str| Some(text.to_string());
        assert_eq!(
            read(&[("HTTP_PROXY", "a"), ("http_proxy", "b"), ("https_proxy", "c"), ("no_proxy", "d")]),
            (some("a"), some("c"), "d".into())
        );
        assert_eq!(
            read(&[("HTTPS_PROXY", ""), ("all_proxy", "e"), ("HTTP_PROXY", "a")]),
            (some("a"), some("e"), String::new())
        );
        assert_eq!(read(&[]), (None, None, String::new()));
    }
}
