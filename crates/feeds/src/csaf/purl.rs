//! Package URLs (the purl specification), as far as CSAF documents use them.

use std::borrow::Cow;

/// `pkg:type/namespace/name@version?qualifiers`, its parts decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Purl<'a> {
    pub(crate) kind: &'a str,
    pub(crate) name: Cow<'a, str>,
    pub(crate) version: Option<Cow<'a, str>>,
    qualifiers: &'a str,
}

impl<'a> Purl<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix("pkg:")?.trim_start_matches('/');
        let text = text.split_once('#').map_or(text, |(text, _)| text);
        let (path, qualifiers) = text.split_once('?').unwrap_or((text, ""));
        let (kind, path) = path.split_once('/')?;
        // An `@` of a name is written %40.
        let (path, version) = path.split_once('@').map_or((path, None), |(path, at)| (path, Some(at)));
        let name = decoded(path.rsplit('/').next()?)?;
        if kind.is_empty() || name.is_empty() {
            return None;
        }
        let version = version.filter(|version| !version.is_empty()).map(decoded);
        let version = if let Some(version) = version { Some(version?) } else { None };
        Some(Self { kind, name, version, qualifiers })
    }

    /// The value of a qualifier, if there is one and it is not empty.
    pub(crate) fn qualifier(&self, name: &str) -> Option<Cow<'a, str>> {
        let mut pairs = self.qualifiers.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, value)| *key == name && !value.is_empty()).and_then(|(_, value)| decoded(value))
    }
}

/// Percent-decoded; `None` where that is no text.
fn decoded(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(text.into());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
            let value = digit(rest.next())? * 16 + digit(rest.next())?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_decoded() {
        let purl =
            Purl::parse("pkg:rpm/redhat/ruby@2.7.8-139.module%2Bel8?arch=src&rpmmod=ruby:2.7:8:c").unwrap();
        assert_eq!((purl.kind, &*purl.name), ("rpm", "ruby"));
        assert_eq!(purl.version.as_deref(), Some("2.7.8-139.module+el8"));
        assert_eq!(purl.qualifier("rpmmod").as_deref(), Some("ruby:2.7:8:c"));
        assert_eq!(purl.qualifier("epoch"), None);
        let scoped = Purl::parse("pkg:npm/%40keycloak/keycloak-admin-client").unwrap();
        assert_eq!((&*scoped.name, scoped.version), ("keycloak-admin-client", None));
    }

    #[test]
    fn what_is_no_purl_is_none() {
        for text in ["", "rpm/a", "pkg:", "pkg:rpm", "pkg:rpm/", "pkg:rpm/a%zz", "pkg:rpm/a%", "pkg:rpm/%ff"]
        {
            assert_eq!(Purl::parse(text), None, "{text}");
        }
    }
}
