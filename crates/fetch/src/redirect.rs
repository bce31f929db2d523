//! Where a redirect leads, and what goes there.

use crate::error::FetchError;
use crate::request::{Method, Request};
use crate::url::{is_web, shown};
use reqwest::Url;

/// Redirects that are followed for one request; browsers follow twenty, registries need two.
pub(crate) const MOST: usize = 10;

/// One exchange of a request: the first, or after a redirect.
#[derive(Debug, Clone)]
pub(crate) struct Hop {
    pub(crate) url: Url,
    pub(crate) method: Method,
}

impl Hop {
    pub(crate) fn first(request: &Request) -> Self {
        Self { url: request.url.clone(), method: request.method.clone() }
    }

    /// The error for a redirect from here that is not followed.
    pub(crate) fn refuse(&self, to: String, reason: &'static str) -> FetchError {
        FetchError::Redirect { url: shown(&self.url), to, reason }
    }

    /// The exchange that an answer asks for; `None`: it is no redirect.
    pub(crate) fn next(&self, status: u16, location: Option<&str>) -> Result<Option<Self>, FetchError> {
        let (301 | 302 | 303 | 307 | 308, Some(location)) = (status, location) else {
            return Ok(None);
        };
        let joined = self.url.join(location);
        let mut url = joined.map_err(|_| self.refuse("…".into(), "that is no address"))?;
        if !is_web(&url) {
            return Err(self.refuse(shown(&url), "only http and https are followed"));
        }
        if self.url.scheme() == "https" && url.scheme() != "https" {
            return Err(self.refuse(shown(&url), "from HTTPS to plain HTTP is not followed"));
        }
        // Neither was given by the user. These fail for URLs without a host only.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_fragment(None);
        if matches!(self.method, Method::Post(_)) && url.origin() != self.url.origin() {
            return Err(self.refuse(shown(&url), "what is posted goes to no other host"));
        }
        let method = match (&self.method, status) {
            (Method::Post(_), 301..=303) => Method::Get,
            (method, _) => method.clone(),
        };
        Ok(Some(Self { url, method }))
    }
}

/// Whether this header may go to a host that the user did not name.
pub(crate) fn travels(header: &str) -> bool {
    let header = header.to_ascii_lowercase();
    header.starts_with("accept-") || header.starts_with("if-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Payload;

    fn post() -> Method {
        Method::Post(Payload { bytes: b"x".to_vec(), content_type: "text/plain".into() })
    }

    fn next(method: Method, status: u16, location: &str) -> Result<Option<(Method, String)>, String> {
        let hop = Hop { url: Url::parse("https://a.example/x/y?q").unwrap(), method };
        let next = hop.next(status, Some(location)).map_err(|error| error.to_string())?;
        Ok(next.map(|hop| (hop.method, hop.url.to_string())))
    }

    #[test]
    fn locations_are_taken_relative_to_where_we_are() {
        let to = |location| next(Method::Get, 302, location).unwrap().unwrap().1;
        assert_eq!(to("z?r#f"), "https://a.example/x/z?r");
        assert_eq!(to("//b.example/"), "https://b.example/");
        assert_eq!(to("https://user:word@b.example:444/z"), "https://b.example:444/z");
    }

    #[test]
    fn other_answers_are_no_redirects() {
        for status in [200, 201, 300, 304, 305, 401] {
            assert_eq!(next(Method::Get, status, "/"), Ok(None));
        }
        let hop = Hop { url: Url::parse("https://a.example/").unwrap(), method: Method::Get };
        assert!(hop.next(302, None).unwrap().is_none());
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        for (location, end) in [
            ("file:///etc/passwd", "`file:///etc/passwd`: only http and https are followed"),
            ("ftp://b.example/z?s", "`ftp://b.example/z`: only http and https are followed"),
            ("http://a.example/?s=1", "`http://a.example/`: from HTTPS to plain HTTP is not followed"),
            ("https://[", "`…`: that is no address"),
        ] {
            let expected = format!("`https://a.example/x/y` redirects to {end}");
            assert_eq!(next(Method::Get, 302, location), Err(expected));
        }
    }

    #[test]
    fn a_document_is_posted_again_where_it_was_meant_for_only() {
        assert_eq!(next(post(), 303, "/z").unwrap().unwrap().0, Method::Get);
        assert_eq!(next(post(), 308, "/z").unwrap().unwrap().0, post());
        assert_eq!(next(Method::Head, 303, "/z").unwrap().unwrap().0, Method::Head);
        assert_eq!(
            next(post(), 307, "https://a.example:444/"),
            Err("`https://a.example/x/y` redirects to `https://a.example:444/`: what is posted goes to no other host"
                .into())
        );
    }
}
