//! URLs as they are taken, and as they are shown.

use crate::error::FetchError;
use reqwest::Url;

/// Parses what a request is for.
pub(crate) fn parse(text: &str) -> Result<Url, FetchError> {
    let fault = |reason: String| FetchError::BadUrl { url: masked(text), reason };
    let mut url = Url::parse(text).map_err(|error| fault(error.to_string()))?;
    if !is_web(&url) {
        return Err(fault("only http and https are fetched".into()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fault("credentials do not belong in an address".into()));
    }
    url.set_fragment(None);
    Ok(url)
}

pub(crate) fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host()
}

/// Scheme, host, port and path. The query may hold a signature, the part before the host a password.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // These fail for schemes that have no such part.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

/// Host and port, for messages and as the name of a queue.
pub(crate) fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| name.into(), |port| format!("{name}:{port}"))
}

/// A text that may be no URL at all, without what may be a secret.
fn masked(text: &str) -> String {
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = text.split_once("//").map_or(("", text), |(scheme, rest)| (scheme, rest));
    let slashes = if rest.len() == text.len() { "" } else { "//" };
    let rest = rest.rsplit_once('@').map_or_else(|| rest.into(), |(_, rest)| format!("…@{rest}"));
    format!("{scheme}{slashes}{rest}").escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_shown() {
        let url = Url::parse("https://user:word@host:8443/a%20b?signature=1#x").unwrap();
        assert_eq!(shown(&url), "https://host:8443/a%20b");
        assert_eq!(shown(&Url::parse("file:///etc/passwd?x").unwrap()), "file:///etc/passwd");
        assert_eq!(shown(&Url::parse("mailto:a@b?x").unwrap()), "mailto:a@b");
    }

    #[test]
    fn what_is_no_address_is_told_without_its_secrets() {
        for (text, message) in [
            (
                "https://user:word@host/p?q",
                "`https://…@host/p` is no address to fetch from: credentials do not belong in an address",
            ),
            (
                "https://user:w@rd@host:x/",
                "`https://…@host:x/` is no address to fetch from: invalid port number",
            ),
            (
                "file:///etc/passwd",
                "`file:///etc/passwd` is no address to fetch from: only http and https are fetched",
            ),
            (
                "host/path\u{1b}",
                "`host/path\\u{1b}` is no address to fetch from: relative URL without a base",
            ),
            ("https://", "`https://` is no address to fetch from: empty host"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), message);
        }
    }
}
