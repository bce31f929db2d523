//! Tokens of a registry: what to ask the token server, and what its reply means.
//!
//! The rules are those of CNCF Distribution's "Token Authentication Specification" (GET, with Basic) and of its
//! "OAuth2 Token Authentication" (POST, with a form). The choice is Docker's: the form for an identity token,
//! else GET.

use super::challenge::Bearer;
use super::credentials::Credential;
use super::json::{self, JsonError};
use imagescan_fetch::Secret;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

/// Bytes of a reply. Tokens have a few thousand.
const BOUND: usize = 1 << 20;
/// Seconds a token is good for if the reply does not say, and at least, for clients that never asked.
const LIFETIME: u64 = 60;
/// Who asks, in the form.
const CLIENT: &str = "imagescan";
/// `unreserved` of RFC 3986 stays as it is.
const ENCODED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How to come by a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenRequest {
    /// It is there: the credentials were one.
    Ready(Secret),
    /// GET of `url`.
    Get {
        /// The realm with its query.
        url: String,
        /// The value of the field `Authorization`, if there are credentials.
        authorization: Option<Secret>,
    },
    /// POST to `url`.
    Post {
        /// The realm.
        url: String,
        /// The body, `application/x-www-form-urlencoded`.
        form: Secret,
    },
}

/// A token server's reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The token, fit for a header field.
    pub secret: Secret,
    /// Seconds from `issued_at`.
    pub lifetime: u64,
    /// When it was issued; if not said, when the reply came.
    pub issued_at: Option<Timestamp>,
    /// For the next request.
    pub refresh_token: Option<Secret>,
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The credentials would be readable on their way.
    #[error(
        "the token server `{}` is asked without encryption: no credentials are sent there unless the registry is \
         marked insecure", .0.escape_debug()
    )]
    Plain(String),
    /// The reply is too large.
    #[error("the token server's reply has more than {max} bytes", max = BOUND)]
    TooLarge,
    /// The reply is no JSON object of the expected types.
    #[error("the token server's reply is not understood: {0}")]
    Malformed(JsonError),
    /// The reply has neither `token` nor `access_token`.
    #[error("the token server's reply holds no token")]
    Absent,
    /// The token has characters that no header field may have.
    #[error("the token server's token has characters that no token has (RFC 6750, section 2.1)")]
    Characters,
}

/// What to send for a token that pulls `repository`, with `credential` if there is one.
///
/// # Errors
/// [`TokenError::Plain`], unless `is_insecure`.
pub fn request(
    bearer: &Bearer,
    repository: &str,
    credential: Option<&Credential>,
    is_insecure: bool,
) -> Result<TokenRequest, TokenError> {
    let (account, authorization) = match credential {
        None => (None, None),
        Some(Credential::RegistryToken(token)) => return Ok(TokenRequest::Ready(token.clone())),
        Some(credential @ Credential::IdentityToken(_)) => {
            return oauth_request(bearer, repository, credential, is_insecure);
        }
        Some(Credential::Password { username, password }) => {
            check_encrypted(bearer, is_insecure)?;
            (Some(&**username), Some(basic(username, password)))
        }
    };
    let scope = scope(repository);
    let fields = [("account", account), ("service", bearer.service()), ("scope", Some(&*scope))];
    let separator = if bearer.realm().contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}{}", bearer.realm(), encoded(fields));
    Ok(TokenRequest::Get { url, authorization })
}

/// The same as a form, for a token server that answers no GET.
///
/// # Errors
/// [`TokenError::Plain`], unless `is_insecure`.
pub fn oauth_request(
    bearer: &Bearer,
    repository: &str,
    credential: &Credential,
    is_insecure: bool,
) -> Result<TokenRequest, TokenError> {
    check_encrypted(bearer, is_insecure)?;
    let scope = scope(repository);
    let (grant, secrets) = match credential {
        Credential::RegistryToken(token) => return Ok(TokenRequest::Ready(token.clone())),
        Credential::IdentityToken(token) => {
            ("refresh_token", [("refresh_token", Some(token.expose())), ("", None)])
        }
        Credential::Password { username, password } => {
            ("password", [("username", Some(&**username)), ("password", Some(password.expose()))])
        }
    };
    let fields = [
        ("grant_type", Some(grant)),
        ("client_id", Some(CLIENT)),
        ("service", bearer.service()),
        ("scope", Some(&*scope)),
    ];
    let form = Secret::new(encoded(fields.into_iter().chain(secrets)));
    Ok(TokenRequest::Post { url: bearer.realm().into(), form })
}

/// The value of the field `Authorization` in the scheme Basic (RFC 7617).
#[must_use]
pub fn basic(username: &str, password: &Secret) -> Secret {
    use base64::Engine as _;
    let pair = format!("{username}:{}", password.expose());
    Secret::new(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
}

/// Reads a token server's reply.
///
/// # Errors
/// [`TokenError`], which never repeats what the reply says.
pub fn parse(reply: &[u8]) -> Result<Token, TokenError> {
    #[derive(Deserialize)]
    struct Reply {
        token: Option<String>,
        access_token: Option<String>,
        expires_in: Option<i64>,
        issued_at: Option<String>,
        refresh_token: Option<String>,
    }
    if reply.len() > BOUND {
        return Err(TokenError::TooLarge);
    }
    let reply: Reply = json::object(reply).map_err(TokenError::Malformed)?;
    let given = |text: &String| !text.is_empty();
    let token = reply.access_token.filter(given).or(reply.token.filter(given)).ok_or(TokenError::Absent)?;
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(TokenError::Characters);
    }
    Ok(Token {
        secret: Secret::new(token),
        lifetime: reply
            .expires_in
            .and_then(|seconds| seconds.try_into().ok())
            .unwrap_or(LIFETIME)
            .max(LIFETIME),
        issued_at: reply.issued_at.and_then(|instant| instant.parse().ok()),
        refresh_token: reply.refresh_token.filter(given).map(Secret::new),
    })
}

fn check_encrypted(bearer: &Bearer, is_insecure: bool) -> Result<(), TokenError> {
    if bearer.is_encrypted() || is_insecure { Ok(()) } else { Err(TokenError::Plain(bearer.realm().into())) }
}

/// Distribution's "Token Scope Documentation".
fn scope(repository: &str) -> String {
    format!("repository:{repository}:pull")
}

fn encoded<'a>(fields: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> String {
    let pair = |(name, value): (&str, Option<&str>)| {
        value.map(|value| format!("{name}={}", utf8_percent_encode(value, &ENCODED)))
    };
    fields.into_iter().filter_map(pair).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::super::challenge::{Demand, choose, parse as challenges};
    use super::*;

    fn bearer(parameters: &str) -> Bearer {
        match choose(&challenges([format!("Bearer {parameters}").as_bytes()]).unwrap()) {
            Ok(Demand::Bearer(bearer)) => bearer,
            other => panic!("{other:?}"),
        }
    }

    fn password() -> Credential {
        Credential::Password { username: "a b".into(), password: Secret::new("p&w:\u{e9}") }
    }

    #[test]
    fn a_get_carries_service_scope_and_basic() {
        let bearer = bearer(r#"realm="https://auth.example/token?x=1",service="registry.example""#);
        let anonymous = request(&bearer, "team/app", None, false);
        let url =
            "https://auth.example/token?x=1&service=registry.example&scope=repository%3Ateam%2Fapp%3Apull";
        assert_eq!(anonymous, Ok(TokenRequest::Get { url: url.into(), authorization: None }));
        let Ok(TokenRequest::Get { url, authorization }) = request(&bearer, "a", Some(&password()), false)
        else {
            panic!()
        };
        assert!(url.contains("&account=a%20b&service="), "{url}");
        assert_eq!(authorization.unwrap().expose(), "Basic YSBiOnAmdzrDqQ==");
    }

    #[test]
    fn an_identity_token_is_posted_and_a_password_can_be() {
        let bearer = bearer("realm=\"https://auth.example/token\"");
        let identity = Credential::IdentityToken(Secret::new("a+b="));
        let start = "client_id=imagescan&scope=repository%3Aa%3Apull";
        for (got, expected) in [
            (
                request(&bearer, "a", Some(&identity), false),
                format!("grant_type=refresh_token&{start}&refresh_token=a%2Bb%3D"),
            ),
            (
                oauth_request(&bearer, "a", &password(), false),
                format!("grant_type=password&{start}&username=a%20b&password=p%26w%3A%C3%A9"),
            ),
        ] {
            let Ok(TokenRequest::Post { url, form }) = got else { panic!("{got:?}") };
            assert_eq!((&*url, form.expose()), ("https://auth.example/token", &*expected));
        }
    }

    #[test]
    fn a_registry_token_needs_no_request() {
        let credential = Credential::RegistryToken(Secret::new("t"));
        let ready = Ok(TokenRequest::Ready(Secret::new("t")));
        assert_eq!(request(&bearer("realm=\"http://auth.example\""), "a", Some(&credential), false), ready);
    }

    #[test]
    fn credentials_are_not_sent_in_the_open() {
        let bearer = bearer("realm=\"http://auth.example/token\"");
        let plain = Err(TokenError::Plain("http://auth.example/token".into()));
        assert_eq!(request(&bearer, "a", Some(&password()), false), plain);
        assert_eq!(oauth_request(&bearer, "a", &password(), false), plain);
        assert!(request(&bearer, "a", Some(&password()), true).is_ok());
        assert!(request(&bearer, "a", None, false).is_ok());
    }

    #[test]
    fn a_reply_has_a_token_of_either_name_and_a_lifetime() {
        for (reply, token, lifetime) in [
            (r#"{"token": "a"}"#, "a", 60),
            (r#"{"access_token": "b", "token": "a", "expires_in": 300, "scope": ["x"]}"#, "b", 300),
            (r#"{"access_token": "", "token": "a", "expires_in": 1}"#, "a", 60),
            (r#"{"token": "a", "expires_in": -9223372036854775808, "issued_at": "yesterday"}"#, "a", 60),
            (r#"{"token": "a", "access_token": null, "expires_in": null}"#, "a", 60),
        ] {
            let got = parse(reply.as_bytes()).unwrap();
            assert_eq!(
                (got.secret.expose(), got.lifetime, got.issued_at),
                (token, lifetime, None),
                "{reply}"
            );
        }
        let all = r#"{"token": "a", "issued_at": "2026-01-02T03:04:05Z", "refresh_token": "r"}"#;
        let all = parse(all.as_bytes()).unwrap();
        assert_eq!(all.issued_at, Some("2026-01-02T03:04:05Z".parse().unwrap()));
        assert_eq!(all.refresh_token, Some(Secret::new("r")));
    }

    #[test]
    fn a_broken_reply_is_an_error_that_does_not_repeat_it() {
        let nested = format!("{{\"x\": {}", "[".repeat(100_000));
        for (reply, expected) in [
            (&b"{}"[..], "holds no token"),
            (b"{\"token\": \"\"}", "holds no token"),
            (b"{\"token\": \"hunter2\\r\\nX: y\"}", "characters that no token has"),
            (b"{\"token\": [\"hunter2\"]}", "line 1, column 10"),
            (b"{\"token\": \"hunter2\", \"expires_in\": \"hunter2\"}", "line 1, column"),
            (b"<html>hunter2", "line 1, column 1"),
            (b"\xff\xfe", "line 1, column 1"),
            (b"", "line 1, column 0"),
            (b"[\"hunter2\"]", "line 1, column 1"),
            (nested.as_bytes(), "line 1, column"),
            (&vec![b' '; (1 << 20) + 1], "more than 1048576 bytes"),
        ] {
            let message = parse(reply).unwrap_err().to_string();
            assert!(message.contains(expected) && !message.contains("hunter2"), "{message}");
        }
    }
}
