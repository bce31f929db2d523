//! Requests to one repository of one registry, with whatever the registry wants to see.
//!
//! The flow is that of Distribution's "Token Authentication Specification": ask, be told by a 401 what is demanded,
//! show it. What worked is remembered; a token that is about to end is renewed before it is used.

use super::challenge::{self, Bearer, ChallengeError, Demand};
use super::credentials::{Credential, CredentialsError, Sources};
use super::registries_conf::Endpoint;
use super::token::{self, Token, TokenError, TokenRequest};
use imagescan_fetch::{Client, FetchError, Payload, Request, Response, Secret, Url};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Bytes of a token server's reply.
const TOKEN_BYTES: u64 = 1 << 20;
/// A token is not used in its last seconds: the request is still on its way then.
const SPARE: Duration = Duration::from_secs(5);

/// Why a registry did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    /// Nothing came back, or an error did.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// There is no such thing.
    #[error("`{registry}` does not have `{what}`")]
    Absent {
        /// The registry.
        registry: String,
        /// Repository and tag or digest.
        what: String,
    },
    /// The registry wants to know who asks.
    #[error(
        "`{registry}` wants credentials for `{repository}`, and none are known: log in with docker or skopeo"
    )]
    Anonymous {
        /// The registry.
        registry: String,
        /// The repository.
        repository: String,
    },
    /// The registry does not accept what it was shown.
    #[error("`{registry}` refuses the credentials for `{repository}`{}", because(reason.as_deref()))]
    Denied {
        /// The registry.
        registry: String,
        /// The repository.
        repository: String,
        /// What it says.
        reason: Option<String>,
    },
    /// The token server has another name, and nobody said that it may see the credentials.
    #[error(
        "`{registry}` sends the credentials to `{realm}`: if that is right, add the host to `token_hosts` under \
         [registries] in config.toml"
    )]
    Realm {
        /// The registry.
        registry: String,
        /// The token server.
        realm: String,
    },
    /// The demand is not understood.
    #[error("`{registry}` demands something that is not understood")]
    Challenge {
        /// The registry.
        registry: String,
        /// Why.
        source: ChallengeError,
    },
    /// The files with credentials are wrong.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The token server's reply is wrong.
    #[error(transparent)]
    Token(#[from] TokenError),
}

fn because(reason: Option<&str>) -> String {
    reason.map_or_else(String::new, |reason| format!(": {}", reason.escape_debug()))
}

/// What the registry is shown.
enum Shown {
    Nothing,
    Basic(Secret),
    Bearer { bearer: Bearer, token: Secret, until: Instant },
}

/// One repository at one place.
pub(crate) struct Session {
    client: Client,
    endpoint: Endpoint,
    sources: Arc<Sources>,
    token_hosts: Arc<[String]>,
    deadline: Option<Instant>,
    state: Mutex<State>,
}

struct State {
    /// Plain HTTP where TLS found nobody, at a place that may.
    scheme: &'static str,
    shown: Shown,
}

impl Session {
    pub(crate) fn new(
        client: Client,
        endpoint: Endpoint,
        sources: Arc<Sources>,
        token_hosts: Arc<[String]>,
        deadline: Option<Instant>,
    ) -> Self {
        let state = Mutex::new(State { scheme: "https", shown: Shown::Nothing });
        Self { client, endpoint, sources, token_hosts, deadline, state }
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whatever was written there is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A GET of `path` below the repository, with what the registry wants to see as far as that is known.
    pub(crate) fn request(&self, path: &str) -> Result<Request, SessionError> {
        let expired = match &self.state().shown {
            Shown::Bearer { bearer, until, .. } if *until <= Instant::now() => Some(bearer.clone()),
            _ => None,
        };
        if let Some(bearer) = expired {
            self.renew(&bearer)?;
        }
        let state = self.state();
        let (server, repository) = (self.endpoint.server(), self.endpoint.repository());
        let mut request = Request::get(&format!("{}://{server}/v2/{repository}/{path}", state.scheme))?;
        request.deadline = self.deadline;
        request.authorization = match &state.shown {
            Shown::Nothing => None,
            Shown::Basic(authorization) => Some(authorization.clone()),
            Shown::Bearer { token, .. } => Some(Secret::new(format!("Bearer {}", token.expose()))),
        };
        Ok(request)
    }

    /// Forgets a token that was refused, so that the next request has a fresh one.
    pub(crate) fn distrust(&self) {
        if let Shown::Bearer { until, .. } = &mut self.state().shown {
            *until = Instant::now();
        }
    }

    /// GETs `path`, accepting `accept`, and answers what the registry demands.
    pub(crate) fn get(&self, path: &str, accept: Option<&str>) -> Result<Response, SessionError> {
        let send = || -> Result<Response, SessionError> {
            let mut request = self.request(path)?;
            request.accept = accept.map(String::from);
            Ok(self.client.send(&request)?)
        };
        let response = match send() {
            // Docker asks such places by TLS first, too.
            Err(SessionError::Fetch(FetchError::Tls { .. } | FetchError::NoAnswer { .. }))
                if self.may_be_plain() && self.state().scheme == "https" =>
            {
                self.state().scheme = "http";
                send()?
            }
            other => other?,
        };
        let response = if response.status() == 401 {
            self.answer(&response)?;
            send()?
        } else {
            response
        };
        let registry = || self.endpoint.host().to_string();
        match response.status() {
            404 => {
                let what = format!("{}/{path}", self.endpoint.repository());
                Err(SessionError::Absent { registry: registry(), what })
            }
            401 | 403 => {
                let reason = response.success().err().map(|error| error.to_string());
                Err(SessionError::Denied {
                    registry: registry(),
                    repository: self.endpoint.repository().into(),
                    reason,
                })
            }
            _ => Ok(response.success()?),
        }
    }

    fn may_be_plain(&self) -> bool {
        let url = Url::parse(&format!("http://{}", self.endpoint.server()));
        let loopback = url.is_ok_and(|url| match url.host_str() {
            Some("localhost" | "[::1]") => true,
            Some(host) => host.starts_with("127."),
            None => false,
        });
        loopback || self.endpoint.insecure
    }

    /// Does what a 401 demands.
    fn answer(&self, response: &Response) -> Result<(), SessionError> {
        let registry = || self.endpoint.host().to_string();
        let fields: Vec<&str> = response.headers("www-authenticate").collect();
        let demand = challenge::parse(fields.iter().map(|field| field.as_bytes()))
            .and_then(|challenges| challenge::choose(&challenges))
            .map_err(|source| SessionError::Challenge { registry: registry(), source })?;
        match demand {
            Demand::Bearer(bearer) => self.renew(&bearer),
            Demand::Basic => {
                let Some(Credential::Password { username, password }) = self.credential()? else {
                    return Err(SessionError::Anonymous {
                        registry: registry(),
                        repository: self.endpoint.repository().into(),
                    });
                };
                self.state().shown = Shown::Basic(token::basic(&username, &password));
                Ok(())
            }
        }
    }

    fn credential(&self) -> Result<Option<Credential>, SessionError> {
        Ok(self.sources.find(&self.endpoint.reference)?)
    }

    /// Gets a token.
    fn renew(&self, bearer: &Bearer) -> Result<(), SessionError> {
        let credential = self.credential()?;
        if credential.is_some() && !self.is_trusted(bearer.realm()) {
            return Err(SessionError::Realm {
                registry: self.endpoint.host().into(),
                realm: bearer.realm().escape_debug().to_string(),
            });
        }
        let (repository, plain) = (self.endpoint.repository(), self.state().scheme == "http");
        let ask = |request| self.ask(bearer, request);
        let token = match ask(token::request(bearer, repository, credential.as_ref(), plain)?) {
            // A token server that answers forms only (Distribution, "OAuth2 Token Authentication").
            Err(SessionError::Fetch(FetchError::Status { status: 404 | 405, .. }))
                if credential.is_some() =>
            {
                let Some(credential) = &credential else { return Ok(()) };
                ask(token::oauth_request(bearer, repository, credential, plain)?)?
            }
            other => other?,
        };
        let until = Instant::now() + Duration::from_secs(token.lifetime.min(86_400)).saturating_sub(SPARE);
        self.state().shown = Shown::Bearer { bearer: bearer.clone(), token: token.secret, until };
        Ok(())
    }

    fn ask(&self, bearer: &Bearer, request: TokenRequest) -> Result<Token, SessionError> {
        let mut request = match request {
            TokenRequest::Ready(secret) => {
                return Ok(Token { secret, lifetime: 86_400, issued_at: None, refresh_token: None });
            }
            TokenRequest::Get { url, authorization } => {
                let mut request = Request::get(&url)?;
                request.authorization = authorization;
                request
            }
            TokenRequest::Post { url, form } => {
                let content_type = "application/x-www-form-urlencoded".into();
                Request::post(&url, Payload { bytes: form.expose().as_bytes().to_vec(), content_type })?
            }
        };
        request.deadline = self.deadline;
        let response = self.client.send(&request)?;
        if matches!(response.status(), 401 | 403) {
            return Err(SessionError::Denied {
                registry: self.endpoint.host().into(),
                repository: self.endpoint.repository().into(),
                reason: Some(format!("the token server {} says {}", bearer.realm(), response.status())),
            });
        }
        Ok(token::parse(&response.success()?.bytes(TOKEN_BYTES)?)?)
    }

    /// Whether a token server may see the registry's credentials: the registry itself, a host under the same
    /// parent domain (as `auth.` beside `registry.`), or one that the user names.
    fn is_trusted(&self, realm: &str) -> bool {
        let host_of =
            |text: &str| Url::parse(text).ok().and_then(|url| url.host_str().map(str::to_lowercase));
        let Some(realm) = host_of(realm) else { return false };
        let Some(registry) = host_of(&format!("https://{}", self.endpoint.server())) else { return false };
        let parent = registry.split_once('.').map_or("", |(_, parent)| parent);
        let is_domain =
            parent.contains('.') && !parent.bytes().all(|byte| byte == b'.' || byte.is_ascii_digit());
        let related = realm == parent || realm.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'));
        realm == registry || (is_domain && related) || self.token_hosts.contains(&realm)
    }
}
