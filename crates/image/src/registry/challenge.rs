//! What a registry demands: the header field `WWW-Authenticate` of RFC 9110, section 11.6.1.
//!
//! The trap of this grammar: commas part challenges as well as a challenge's parameters, so that only the `=`
//! after a name tells which of the two begins.

use std::collections::BTreeMap;

/// Bytes of all challenges of an answer.
const BOUND: usize = 8 << 10;
const SHOWN: usize = 160;

/// One challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The scheme, in lower case.
    pub scheme: String,
    /// The parameters, their names in lower case. A token68 is dropped: no scheme we know has one.
    pub parameters: BTreeMap<String, String>,
}

/// What to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Demand {
    /// A token of a token server.
    Bearer(Bearer),
    /// User name and password.
    Basic,
}

/// Where a token is had (Distribution's token authentication specification).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    realm: String,
    service: Option<String>,
    error: Option<String>,
}

/// Why a demand cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeError {
    /// More bytes than any registry sends.
    #[error("the registry's challenges have {0} bytes, more than {max}", max = BOUND)]
    TooLong(usize),
    /// It breaks the grammar.
    #[error("the registry's challenge `{}` is malformed at byte {at}", got.escape_debug())]
    Malformed {
        /// Its beginning.
        got: String,
        /// Where.
        at: usize,
    },
    /// Neither Bearer nor Basic.
    #[error("the registry asks for {} only: Bearer and Basic are understood", list(.0))]
    Unknown(Vec<String>),
    /// A Bearer challenge whose realm is no URL of a web server.
    #[error("the registry names no token server: its realm is `{}`", .0.escape_debug())]
    Realm(String),
}

fn list(schemes: &[String]) -> String {
    let quoted = schemes.iter().map(|scheme| format!("`{}`", scheme.escape_debug()));
    if schemes.is_empty() { "nothing".into() } else { quoted.collect::<Vec<_>>().join(", ") }
}

impl Bearer {
    /// The token server's URL: `http` or `https`, visible ASCII, neither user nor fragment.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// The name of the registry for the token server.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        self.service.as_deref()
    }

    /// What was wrong with the token that was sent, such as `invalid_token` (RFC 6750, section 3.1).
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// Whether what is sent to the token server is encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        has_scheme(&self.realm, "https://")
    }
}

/// Reads every challenge in the values of one answer's `WWW-Authenticate` fields.
///
/// # Errors
/// [`ChallengeError::TooLong`] and [`ChallengeError::Malformed`].
pub fn parse<'a>(
    fields: impl IntoIterator<Item = &'a [u8], IntoIter: Clone>,
) -> Result<Vec<Challenge>, ChallengeError> {
    let fields = fields.into_iter();
    let length = fields.clone().map(<[u8]>::len).sum();
    if length > BOUND {
        return Err(ChallengeError::TooLong(length));
    }
    let mut challenges = Vec::new();
    for field in fields {
        let mut cursor = Cursor { rest: field };
        cursor.challenges(&mut challenges).ok_or_else(|| ChallengeError::Malformed {
            got: String::from_utf8_lossy(field).chars().take(SHOWN).collect(),
            at: field.len() - cursor.rest.len(),
        })?;
    }
    Ok(challenges)
}

/// The demand to answer: Bearer before Basic, whatever their order; schemes we do not know are passed over.
///
/// # Errors
/// [`ChallengeError::Unknown`] and [`ChallengeError::Realm`].
pub fn choose(challenges: &[Challenge]) -> Result<Demand, ChallengeError> {
    let of = |scheme| challenges.iter().find(|challenge: &&Challenge| challenge.scheme == scheme);
    if let Some(Challenge { parameters, .. }) = of("bearer") {
        let parameter = |name| parameters.get(name).cloned();
        let realm = parameter("realm").unwrap_or_default();
        if !is_server(&realm) {
            return Err(ChallengeError::Realm(realm.chars().take(SHOWN).collect()));
        }
        return Ok(Demand::Bearer(Bearer {
            realm,
            service: parameter("service"),
            error: parameter("error"),
        }));
    }
    let schemes = || challenges.iter().map(|challenge| challenge.scheme.clone()).collect();
    of("basic").map(|_| Demand::Basic).ok_or_else(|| ChallengeError::Unknown(schemes()))
}

fn has_scheme(url: &str, scheme: &str) -> bool {
    url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

/// An absolute URL with a host (RFC 3986). A user in it would hide the host, a fragment swallow the query.
fn is_server(url: &str) -> bool {
    let scheme = ["https://", "http://"].into_iter().find(|scheme| has_scheme(url, scheme));
    let after = scheme.and_then(|scheme| url.get(scheme.len()..)).unwrap_or_default();
    let authority = after.split(['/', '?']).next().unwrap_or_default();
    let host = !authority.is_empty() && !authority.starts_with(':') && !authority.contains(['@', '\\']);
    host && url.bytes().all(|byte| byte.is_ascii_graphic()) && !url.contains('#')
}

/// The rest of a field. `None` from any of its functions: malformed here.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn challenges(&mut self, challenges: &mut Vec<Challenge>) -> Option<()> {
        loop {
            self.skip(|byte| is_space(byte) || byte == b',');
            if self.rest.is_empty() {
                return Some(());
            }
            let scheme = self.token()?.to_ascii_lowercase();
            let parameters = if self.skip(is_space) > 0 { self.parameters()? } else { BTreeMap::new() };
            challenges.push(Challenge { scheme, parameters });
            if !matches!(self.rest, [] | [b',', ..]) {
                return None;
            }
        }
    }

    /// A token68, or parameters up to the next challenge or the end.
    fn parameters(&mut self) -> Option<BTreeMap<String, String>> {
        let mut parameters = BTreeMap::new();
        if self.token68() {
            return Some(parameters);
        }
        while let Some(name) = self.parameter_name() {
            let value = match self.rest {
                [b'"', ..] => self.quoted()?,
                _ => self.token()?,
            };
            // A second value would let two readers see two demands; RFC 9110 forbids it (section 11.2).
            if parameters.insert(name, value).is_some() {
                return None;
            }
            self.skip(is_space);
            if !matches!(self.rest, [] | [b',', ..]) {
                return None;
            }
        }
        Some(parameters)
    }

    /// A name with its `=`, after any commas; else nothing is taken.
    fn parameter_name(&mut self) -> Option<String> {
        let before = self.rest;
        self.skip(|byte| is_space(byte) || byte == b',');
        let name = self.token();
        self.skip(is_space);
        if let (Some(name), [b'=', after @ ..]) = (name, self.rest) {
            self.rest = after;
            self.skip(is_space);
            return Some(name.to_ascii_lowercase());
        }
        self.rest = before;
        None
    }

    /// Takes `token68`, if the whole of what stands before the next comma is one.
    fn token68(&mut self) -> bool {
        let before = self.rest;
        let of_alphabet = |byte: u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
        };
        let length = self.skip(of_alphabet);
        self.skip(|byte| byte == b'=');
        self.skip(is_space);
        let is_whole = length > 0 && matches!(self.rest, [] | [b',', ..]);
        if !is_whole {
            self.rest = before;
        }
        is_whole
    }

    fn token(&mut self) -> Option<String> {
        let start = self.rest;
        let length = self.skip(is_token);
        let token = start.get(..length).filter(|token| !token.is_empty())?;
        Some(String::from_utf8_lossy(token).into_owned())
    }

    /// `quoted-string` (RFC 9110, section 5.6.4), without its quotes and escapes.
    fn quoted(&mut self) -> Option<String> {
        let mut text = Vec::new();
        let mut rest: &'a [u8] = self.rest.strip_prefix(b"\"")?;
        loop {
            let (byte, after) = match rest {
                [b'"', after @ ..] => {
                    self.rest = after;
                    return Some(String::from_utf8_lossy(&text).into_owned());
                }
                [b'\\', byte, after @ ..] | [byte, after @ ..] => (*byte, after),
                [] => return None,
            };
            if byte.is_ascii_control() && byte != b'\t' {
                return None;
            }
            text.push(byte);
            rest = after;
        }
    }

    /// Steps over the bytes that `belongs` takes, and says how many.
    fn skip(&mut self, belongs: impl Fn(u8) -> bool) -> usize {
        let length = self.rest.iter().take_while(|byte| belongs(**byte)).count();
        self.rest = self.rest.get(length..).unwrap_or_default();
        length
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// `tchar` (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Challenges as `scheme name=value …`, one a line.
    fn read(fields: &[&str]) -> String {
        let challenges = parse(fields.iter().map(|field| field.as_bytes()));
        let line = |Challenge { scheme, parameters }: Challenge| {
            parameters.iter().fold(scheme, |line, (name, value)| format!("{line} {name}={value}"))
        };
        challenges.map_or_else(
            |error| error.to_string(),
            |all| all.into_iter().map(line).collect::<Vec<_>>().join("\n"),
        )
    }

    fn demand(fields: &[&str]) -> Result<Demand, ChallengeError> {
        choose(&parse(fields.iter().map(|field| field.as_bytes()))?)
    }

    #[test]
    fn challenges_are_parted_from_parameters() {
        for (fields, expected) in [
            (
                &[r#"Bearer realm="https://auth.example/token",service="registry.example""#][..],
                "bearer realm=https://auth.example/token service=registry.example",
            ),
            (&["Basic realm=registry"], "basic realm=registry"),
            (&["basic"], "basic"),
            (&["BASIC  Realm = \"a\\\"b\\\\c, d\" , charset=UTF-8"], "basic charset=UTF-8 realm=a\"b\\c, d"),
            (
                &["Basic realm=\"a\", Bearer realm=\"b\",scope=\"x:y:pull,push\""],
                "basic realm=a\nbearer realm=b scope=x:y:pull,push",
            ),
            (&["Negotiate, Basic realm=a"], "negotiate\nbasic realm=a"),
            (
                &["Negotiate YWJj/+==, Basic realm=a", "Bearer realm=b"],
                "negotiate\nbasic realm=a\nbearer realm=b",
            ),
            (
                &[
                    ", ,Newauth realm=\"apps\",, type=1, title=\"Login to \\\"apps\\\"\", Basic realm=\"simple\",",
                ],
                "newauth realm=apps title=Login to \"apps\" type=1\nbasic realm=simple",
            ),
            (&["Basic realm=\"\""], "basic realm="),
            (&["", " "], ""),
        ] {
            assert_eq!(read(fields), expected, "{fields:?}");
        }
    }

    #[test]
    fn what_breaks_the_grammar_is_malformed() {
        for (field, at) in [
            ("Bearer realm=\"open", 13),
            ("Bearer realm=\"open\\", 13),
            ("Bearer realm=\"a\r\nb\"", 13),
            ("Bearer realm=https://auth.example/token", 18),
            ("Bearer realm=a service=b", 15),
            ("Bearer realm=a, realm=b", 23),
            ("Bearer a b", 7),
            ("=", 0),
            ("Basic\u{0}", 5),
            ("\u{e9}", 0),
        ] {
            let error = parse([field.as_bytes()]).unwrap_err();
            assert_eq!(error, ChallengeError::Malformed { got: field.into(), at }, "{field}");
        }
        assert_eq!(
            read(&["Basic\u{1b}[2J"]),
            "the registry's challenge `Basic\\u{1b}[2J` is malformed at byte 5"
        );
    }

    #[test]
    fn more_than_eight_kibibytes_are_not_read() {
        let field = "a, ".repeat(4000);
        assert_eq!(read(&[&field, "b"]), "the registry's challenges have 12001 bytes, more than 8192");
        assert_eq!(
            read(&[&"\"".repeat(1 << 20)]).len(),
            "the registry's challenges have 1048576 bytes, more than 8192".len()
        );
    }

    #[test]
    fn bearer_comes_before_basic_and_others_are_passed_over() {
        let fields = [
            "Negotiate",
            "Basic realm=a",
            r#"Bearer realm="HTTPS://auth.example/token?a=b",error=invalid_token"#,
        ];
        let Ok(Demand::Bearer(bearer)) = demand(&fields) else { panic!() };
        assert_eq!(bearer.realm(), "HTTPS://auth.example/token?a=b");
        assert_eq!((bearer.service(), bearer.error()), (None, Some("invalid_token")));
        assert!(bearer.is_encrypted());
        assert_eq!(demand(&["Negotiate", "Basic realm=a"]), Ok(Demand::Basic));
        let unknown = demand(&["Negotiate", "Digest realm=a"]).unwrap_err().to_string();
        assert_eq!(
            unknown,
            "the registry asks for `negotiate`, `digest` only: Bearer and Basic are understood"
        );
        assert!(demand(&[]).unwrap_err().to_string().contains("asks for nothing"));
    }

    #[test]
    fn a_realm_is_the_url_of_a_web_server() {
        for realm in [
            "",
            "registry",
            "/token",
            "//auth.example/token",
            "file:///etc/passwd",
            "https://",
            "https:///token",
            "https://:443/",
            "https://user@auth.example/",
            "https://registry.example\\@auth.example/",
            "https://auth.example/#x",
            "https://auth.example/a b",
            "https://auth.ex\u{e4}mple/",
        ] {
            let field = format!("Bearer realm=\"{}\"", realm.replace('\\', "\\\\"));
            assert_eq!(demand(&[&field]), Err(ChallengeError::Realm(realm.into())), "{realm}");
        }
        assert!(matches!(demand(&["Bearer"]), Err(ChallengeError::Realm(_))));
        let Ok(Demand::Bearer(bearer)) = demand(&["Bearer realm=\"http://[::1]:5000/token\""]) else {
            panic!()
        };
        assert!(!bearer.is_encrypted());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, near in "(Basic|Bearer|[a-z]{1,3}) ?([a-z\"\\\\=, ]{0,6}){0,9}") {
            for field in [&*bytes, near.as_bytes()] {
                if let Ok(challenges) = parse([field]) {
                    drop(choose(&challenges));
                }
            }
        }
    }
}
