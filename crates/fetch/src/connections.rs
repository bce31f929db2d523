//! A pool of connections for each way in which hosts are to be treated.

use crate::error::FetchError;
use crate::guard::{Guard, GuardedResolver};
use crate::request::Secret;
use crate::settings::{Identity, Settings};
use crate::tls::{self, Asked, Trust};
use crate::url::shown;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use reqwest::{Proxy, Url};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// The pools. Each is made when its first URL comes.
pub(crate) struct Connections {
    settings: Arc<Settings>,
    guard: Arc<Guard>,
    proxies: Matcher,
    pools: Mutex<HashMap<Kind, Pool>>,
}

/// Connections to hosts of one kind.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    pub(crate) client: reqwest::Client,
    /// Whether one of the hosts asked for a certificate in vain.
    pub(crate) asked: Arc<Asked>,
}

/// What distinguishes pools. A connection that the guard did not see must never serve a request that it is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kind {
    resolver: Resolver,
    trust: Trust,
    /// Which of the hosts with certificates shows its own.
    identity: Option<usize>,
}

/// Who turns names into addresses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Resolver {
    Guarded,
    System,
    /// Nobody: there is one socket, and it was named.
    Socket,
    /// The proxy at this address, which the user named.
    Proxy(String),
}

impl Connections {
    pub(crate) fn new(settings: Arc<Settings>) -> Result<Self, FetchError> {
        let guard = Arc::new(Guard { allowed: settings.allow_addresses.clone() });
        let text = |proxy: &Option<Secret>| proxy.as_ref().map_or("", Secret::expose).to_string();
        let proxies = Matcher::builder()
            .http(text(&settings.proxies.http))
            .https(text(&settings.proxies.https))
            .no(settings.proxies.direct.clone())
            .build();
        // The matcher passes over what it cannot read, and we would connect directly.
        for (scheme, proxy) in [("http", &settings.proxies.http), ("https", &settings.proxies.https)] {
            let matcher = Matcher::builder().all(text(proxy)).build();
            if proxy.is_some() && !intercept(&matcher, "http://host/").is_some_and(|proxy| is_http(&proxy)) {
                return Err(FetchError::BadProxy { scheme });
            }
        }
        Ok(Self { settings, guard, proxies, pools: Mutex::default() })
    }

    /// The pool for `url`, if it may be fetched at all.
    pub(crate) fn pool(&self, url: &Url) -> Result<Pool, FetchError> {
        let settings = &self.settings;
        if settings.socket.is_some() {
            let kind = Kind { resolver: Resolver::Socket, trust: Trust::Nobody, identity: None };
            return self.pool_of(kind, None, None);
        }
        let listed = settings.allow_hosts.iter().any(|host| host.is_of(url));
        let insecure = settings.insecure_hosts.iter().any(|host| host.is_of(url));
        if !listed {
            self.guard.check_literal(url)?;
        }
        let plain = url.scheme() == "http";
        let this_machine = is_this_machine(url);
        if plain && !insecure && !this_machine {
            return Err(FetchError::PlainHttp { url: shown(url) });
        }
        // A proxy's own loopback is neither ours nor guarded.
        let proxy = if this_machine { None } else { intercept(&self.proxies, url.as_str()) };
        let at_host = settings.certificates.iter().position(|entry| entry.host.is_of(url));
        let entry = at_host.and_then(|index| settings.certificates.get(index));
        let identity = entry.and_then(|entry| entry.identity.as_ref());
        let trust = if plain && proxy.is_none() {
            Trust::Nobody
        } else if insecure {
            Trust::Anybody
        } else {
            let own = entry.into_iter().flat_map(|entry| &entry.authorities);
            Trust::Authorities(settings.authorities.iter().chain(own).cloned().collect())
        };
        let resolver = match &proxy {
            Some(proxy) => Resolver::Proxy(proxy.uri().to_string()),
            None if listed => Resolver::System,
            None => Resolver::Guarded,
        };
        let kind = Kind { resolver, trust, identity: at_host.filter(|_| identity.is_some()) };
        self.pool_of(kind, identity, proxy.as_ref())
    }

    fn pool_of(
        &self,
        kind: Kind,
        identity: Option<&Identity>,
        proxy: Option<&Intercept>,
    ) -> Result<Pool, FetchError> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.get(&kind) {
            return Ok(pool.clone());
        }
        let pool = self.open(&kind, identity, proxy)?;
        pools.insert(kind, pool.clone());
        Ok(pool)
    }

    fn open(
        &self,
        kind: &Kind,
        identity: Option<&Identity>,
        proxy: Option<&Intercept>,
    ) -> Result<Pool, FetchError> {
        let asked = Arc::new(Asked::default());
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::configuration(&kind.trust, identity, &asked)?)
            .user_agent(&self.settings.user_agent)
            .connect_timeout(self.settings.connect_timeout)
            .pool_max_idle_per_host(self.settings.requests_per_host)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy();
        if kind.resolver == Resolver::Guarded {
            builder = builder.dns_resolver(GuardedResolver(Arc::clone(&self.guard)));
        }
        if let Some(socket) = &self.settings.socket {
            builder = builder.unix_socket(socket.clone());
        }
        let start = |error: reqwest::Error| FetchError::Start(error.without_url().into());
        if let Some(proxy) = proxy {
            let mut via = Proxy::all(proxy.uri().to_string()).map_err(start)?;
            if let Some(credentials) = proxy.basic_auth() {
                via = via.custom_http_auth(credentials.clone());
            }
            builder = builder.proxy(via);
        }
        Ok(Pool { client: builder.build().map_err(start)?, asked })
    }
}

/// The proxy for `url`.
fn intercept(proxies: &Matcher, url: &str) -> Option<Intercept> {
    proxies.intercept(&url.parse().ok()?)
}

fn is_http(proxy: &Intercept) -> bool {
    matches!(proxy.uri().scheme_str(), Some("http" | "https"))
}

/// Whether what goes there crosses no wire.
#[must_use]
pub fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let literal: Result<IpAddr, _> = host.trim_start_matches('[').trim_end_matches(']').parse();
    literal.map_or(host == "localhost", |address| address.is_loopback())
}
