//! A token server as Distribution's token authentication specifies it, for a real registry.

use crate::http::{Answer, Request};
use crate::identity::Identity;
use crate::pull::{IDENTITY_TOKEN, PASSWORD, USER, basic, secret};
use crate::server::Server;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::sync::Arc;

const SERVICE: &str = "registry of the tests";
const ISSUER: &str = "token server of the tests";

/// The server. Who shows no credentials gets a token that opens nothing.
pub(crate) struct TokenServer {
    pub server: Server,
    identity: Arc<Identity>,
}

impl TokenServer {
    pub(crate) fn start(identity: &Arc<Identity>) -> Self {
        let own = Arc::clone(identity);
        Self {
            server: Server::secure(identity, move |request| answer(request, &own)),
            identity: Arc::clone(identity),
        }
    }

    /// What the registry has to know: `auth` of its configuration. The server is called `name`.
    pub(crate) fn configuration(&self, name: &str) -> Value {
        let realm = format!("https://{}/token", self.server.host.replace("127.0.0.1", name));
        json!({"token": {"realm": realm, "service": SERVICE, "issuer": ISSUER,
            "rootcertbundle": self.identity.certificate()}})
    }
}

/// A token for pulling from any of `repositories`.
pub(crate) fn token(identity: &Identity, repositories: &[&str]) -> String {
    let access = |name: &&str| json!({"type": "repository", "name": name, "actions": ["pull"]});
    let access: Vec<Value> = repositories.iter().map(access).collect();
    let header = json!({"typ": "JWT", "alg": "ES256", "x5c": [STANDARD.encode(identity.der())]});
    // Good until 2100: the registry asks the real clock.
    let claims = json!({"iss": ISSUER, "aud": SERVICE, "sub": USER, "jti": "1", "iat": 0, "nbf": 0,
        "exp": 4_102_444_800_u64, "access": access});
    let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", encode(header), encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(identity.sign(text.as_bytes()));
    secret(format!("{text}.{signature}"))
}

fn answer(request: &Request, identity: &Identity) -> Answer {
    let form = String::from_utf8_lossy(&request.body).into_owned();
    let query = if form.is_empty() { request.path.split('?').nth(1).unwrap_or_default() } else { &form };
    let has = |pair: &str| query.split('&').any(|other| other == pair);
    if !has("service=registry%20of%20the%20tests") || !has("scope=repository%3Ateam%2Fapp%3Apull") {
        return Answer::new("400 Bad Request", query);
    }
    let may_pull = match (request.method.as_str(), request.header("authorization")) {
        ("POST", None) if has("grant_type=refresh_token") => has(&format!("refresh_token={IDENTITY_TOKEN}")),
        ("GET", None) => return Answer::new("200 OK", json!({"token": token(identity, &[])}).to_string()),
        ("GET", Some(given)) => given == basic(USER, PASSWORD) && has(&format!("account={USER}")),
        _ => false,
    };
    match may_pull {
        true => Answer::new("200 OK", json!({"access_token": token(identity, &["team/app"])}).to_string()),
        false => Answer::new("401 Unauthorized", r#"{"details": "who is that?"}"#),
    }
}
