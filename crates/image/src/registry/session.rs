//! Requests to one repository of one registry, with whatever the registry wants to see.
//!
//! The flow is that of Distribution's "Token Authentication Specification": ask, be told by a 401 what is demanded,
//! show it. What worked is remembered; a token that is about to end is renewed before it is used.

use super::challenge::{self, Bearer, ChallengeError, Demand};
use super::credentials::{Credential, CredentialsError, Sources};
use super::json;
use super::registries_conf::Endpoint;
use super::token::{self, Token, TokenError, TokenRequest};
use crate::limits::Late;
use imagescan_fetch::{
    Client, Document, FetchError, Method, Payload, Request, Secret, Unauthorized, Url, is_this_machine,
};
use serde::Deserialize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Bytes of a token server's reply.
const TOKEN_BYTES: u64 = 1 << 20;
/// Characters of it that an error repeats.
const SHOWN: usize = 300;
/// How long a registry may take when asked for headers only.
const HEAD_PATIENCE: Duration = Duration::from_secs(5);
/// A token is not used in its last seconds: the request is still on its way then.
const SPARE: Duration = Duration::from_secs(5);

/// Why a registry did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    /// Nothing came back, or an error did.
    #[error(transparent)]
    Fetch(FetchError),
    /// There is no time left.
    #[error(transparent)]
    Late(#[from] Late),
    /// There is no such thing.
    #[error("`{registry}` does not have `{what}`")]
    Absent {
        /// The registry.
        registry: String,
        /// Repository and tag or digest.
        what: String,
    },
    /// The registry wants to know who asks. Many say so of what they do not have, too.
    #[error(
        "`{registry}` wants credentials for `{repository}`, and none are known: if it exists, log in with docker or \
         skopeo, or give --username and --password-stdin{}", said(reason.as_deref())
    )]
    Anonymous {
        /// The registry.
        registry: String,
        /// The repository.
        repository: String,
        /// What it says.
        reason: Option<String>,
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

impl From<FetchError> for SessionError {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Deadline { .. } => Self::Late(Late),
            error => Self::Fetch(error),
        }
    }
}

fn because(reason: Option<&str>) -> String {
    reason.map_or_else(String::new, |reason| format!(": {}", printable(reason)))
}

fn said(reason: Option<&str>) -> String {
    reason.map_or_else(String::new, |reason| format!(" ({})", printable(reason)))
}

/// Without control characters, and not longer than a line or two.
fn printable(text: &str) -> String {
    text.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The codes and messages of an error's body (OCI distribution specification, "Error Codes").
fn reason(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Body {
        errors: Vec<Entry>,
    }
    #[derive(Deserialize)]
    struct Entry {
        code: String,
        #[serde(default)]
        message: String,
    }
    let body: Body = json::object(body).ok()?;
    let text = |Entry { code, message }| match message.is_empty() {
        true => code,
        false => format!("{code}: {message}"),
    };
    Some(body.errors.into_iter().take(3).map(text).collect::<Vec<_>>().join(", "))
        .filter(|text| !text.is_empty())
}

/// What the registry is shown.
enum Shown {
    Nothing,
    Basic(Secret),
    Bearer { bearer: Bearer, token: Secret, until: Instant, of_nobody: bool },
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

    /// GETs `path`, of at most `limit` bytes, accepting `accept`, and answers what the registry demands.
    pub(crate) fn get(&self, path: &str, accept: Option<&str>, limit: u64) -> Result<Document, SessionError> {
        self.answered(Method::Get, path, accept, |request| self.client.document(&request, limit))
    }

    /// The same, but only the headers, and without patience: not all registries answer such.
    pub(crate) fn head(&self, path: &str, accept: Option<&str>) -> Result<Document, SessionError> {
        self.answered(Method::Head, path, accept, |mut request| {
            let soon = Instant::now() + HEAD_PATIENCE;
            request.deadline = Some(request.deadline.map_or(soon, |deadline| deadline.min(soon)));
            // Its length is that of the body a GET would have.
            self.client.send_once(&request)?.document(u64::MAX)
        })
    }

    fn answered(
        &self,
        method: Method,
        path: &str,
        accept: Option<&str>,
        transport: impl Fn(Request) -> Result<Document, FetchError>,
    ) -> Result<Document, SessionError> {
        let send = || -> Result<Document, SessionError> {
            let mut request = self.request(path)?;
            request.method = method.clone();
            request.accept = accept.map(String::from);
            Ok(transport(request)?)
        };
        let answer = match send() {
            // Docker asks such places by TLS first, too. Without authorities there is no asking by TLS.
            Err(SessionError::Fetch(error))
                if (error.is_without_tls() || matches!(error, FetchError::NoAuthorities))
                    && self.may_be_plain()
                    && self.state().scheme == "https" =>
            {
                self.state().scheme = "http";
                send()?
            }
            other => other?,
        };
        let answer = if answer.status() == 401 {
            self.answer(&answer.unauthorized())?;
            send()?
        } else {
            answer
        };
        match answer.status() {
            404 => {
                Err(SessionError::Absent { registry: self.endpoint.host().into(), what: self.named(path) })
            }
            401 | 403 => Err(self.denied(answer.bytes())),
            _ => Ok(answer.success()?),
        }
    }

    /// A tag or a digest of the repository as users write it.
    fn named(&self, path: &str) -> String {
        let name = path.rsplit('/').next().unwrap_or_default();
        let mark = if name.contains(':') { '@' } else { ':' };
        format!("{}{mark}{name}", self.endpoint.repository())
    }

    /// Why nothing is given, by the body of an answer that says so.
    pub(crate) fn denied(&self, body: &[u8]) -> SessionError {
        self.refused(reason(body))
    }

    fn refused(&self, reason: Option<String>) -> SessionError {
        let (registry, repository) = (self.endpoint.host().into(), self.endpoint.repository().into());
        match self.state().shown {
            Shown::Nothing | Shown::Bearer { of_nobody: true, .. } => {
                SessionError::Anonymous { registry, repository, reason }
            }
            _ => SessionError::Denied { registry, repository, reason },
        }
    }

    fn may_be_plain(&self) -> bool {
        let url = Url::parse(&format!("http://{}", self.endpoint.server()));
        url.is_ok_and(|url| is_this_machine(&url)) || self.endpoint.insecure
    }

    /// Does what a 401 demands. Its connection must be free by then: the host may have no other for us.
    pub(crate) fn answer(&self, refused: &Unauthorized) -> Result<(), SessionError> {
        let registry = || self.endpoint.host().to_string();
        let demand = challenge::parse(refused.challenges.iter().map(String::as_bytes))
            .and_then(|challenges| challenge::choose(&challenges))
            .map_err(|source| SessionError::Challenge { registry: registry(), source })?;
        match demand {
            Demand::Bearer(bearer) => self.renew(&bearer),
            Demand::Basic => {
                let Some(Credential::Password { username, password }) = self.credential()? else {
                    return Err(self.denied(&refused.body));
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
        if credential.is_some() && !is_trusted(self.endpoint.server(), bearer.realm(), &self.token_hosts) {
            return Err(SessionError::Realm {
                registry: self.endpoint.host().into(),
                realm: bearer.realm().escape_debug().to_string(),
            });
        }
        let (repository, plain) = (self.endpoint.repository(), self.state().scheme == "http");
        let ask = |request| self.ask(bearer, request, credential.is_none());
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
        let of_nobody = credential.is_none();
        self.state().shown = Shown::Bearer { bearer: bearer.clone(), token: token.secret, until, of_nobody };
        Ok(())
    }

    fn ask(&self, bearer: &Bearer, request: TokenRequest, is_anonymous: bool) -> Result<Token, SessionError> {
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
        let answer = self.client.document(&request, TOKEN_BYTES)?;
        if matches!(answer.status(), 401 | 403) {
            let (registry, repository) = (self.endpoint.host().into(), self.endpoint.repository().into());
            let reason = Some(format!("the token server {} says {}", bearer.realm(), answer.status()));
            return Err(match is_anonymous {
                true => SessionError::Anonymous { registry, repository, reason },
                false => SessionError::Denied { registry, repository, reason },
            });
        }
        Ok(token::parse(answer.success()?.bytes())?)
    }
}

/// Whether the token server of `realm` may see the credentials of `registry`: it is the registry itself, a host under
/// the same parent domain (as `auth.` beside `registry.`), or one of `token_hosts`, which the user named.
fn is_trusted(registry: &str, realm: &str, token_hosts: &[String]) -> bool {
    let host_of = |text: &str| Url::parse(text).ok().and_then(|url| url.host_str().map(str::to_lowercase));
    let Some(realm) = host_of(realm) else { return false };
    let Some(registry) = host_of(&format!("https://{registry}")) else { return false };
    let parent = registry.split_once('.').map_or("", |(_, parent)| parent);
    let is_domain = parent.contains('.') && !parent.bytes().all(|byte| byte == b'.' || byte.is_ascii_digit());
    let related = realm == parent || realm.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'));
    realm == registry || (is_domain && related) || token_hosts.contains(&realm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_to_the_registry_its_neighbours_and_whom_the_user_names() {
        let named = ["sso.example".to_string(), "192.0.2.7".into()];
        for (registry, realm, expected) in [
            ("registry.example", "https://registry.example/token", true),
            ("registry.example:5000", "https://Registry.Example:8443/token", true),
            ("localhost:5000", "http://localhost:5001/token", true),
            ("127.0.0.1:5000", "https://127.0.0.1/token", true),
            ("[::1]:5000", "https://[::1]:5001/token", true),
            ("registry-1.docker.io", "https://auth.docker.io/token", true),
            ("registry.team.example", "https://auth.team.example/token", true),
            ("registry.team.example", "https://team.example/token", true),
            ("registry.team.example", "https://auth.eu.team.example/token", true),
            ("registry.example", "https://sso.example/token", true),
            ("registry.example", "https://192.0.2.7/token", true),
            // Another host, however much its name looks like the registry's.
            ("registry.example", "https://auth.example/token", false),
            ("registry.team.example", "https://auth.other.example/token", false),
            ("registry.team.example", "https://otherteam.example/token", false),
            ("registry.team.example", "https://team.example.other.example/token", false),
            ("registry.team.example", "https://example/token", false),
            ("registry.example", "https://sub.sso.example/token", false),
            ("registry.example", "https://registry.example@other.example/token", false),
            ("registry.example", "https://registry.example.other.example/token", false),
            // Addresses have no parents.
            ("10.1.2.3", "https://10.9.2.3/token", false),
            ("10.1.2.3:5000", "https://9.1.2.3/token", false),
            ("127.0.0.1", "https://localhost/token", false),
            ("localhost", "https://127.0.0.1/token", false),
            ("[2001:db8::1]", "https://[2001:db8::2]/token", false),
            ("registry.example", "registry.example/token", false),
            ("registry.example", "", false),
        ] {
            assert_eq!(is_trusted(registry, realm, &named), expected, "{registry} {realm}");
        }
    }

    #[test]
    fn what_a_registry_says_is_told_as_codes_and_messages() {
        let errors = br#"{"errors": [{"code": "DENIED", "message": "go away", "detail": {"a": [1]}}, {"code": "UNKNOWN"}]}"#;
        assert_eq!(reason(errors).unwrap(), "DENIED: go away, UNKNOWN");
        for other in [&b"<html>"[..], b"", b"{}", b"[]", br#"{"errors": []}"#, br#"{"errors": [1]}"#] {
            assert_eq!(reason(other), None);
        }
        assert_eq!(because(Some("a\u{1b}[31m\nb")), ": a [31m b");
        assert_eq!(said(Some(&"x".repeat(1000))).len(), SHOWN + 3);
    }
}
