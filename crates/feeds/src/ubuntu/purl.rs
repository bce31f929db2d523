//! Package URLs as Canonical writes them: `pkg:deb/ubuntu/curl@7.81.0-1ubuntu1.24?arch=source&distro=esm-infra/jammy`.

use std::borrow::Cow;

/// What a URL of a source package says. Its version is the one that the archive had when the document was made, and
/// not the one that fixed something.
pub(super) struct Source<'a> {
    pub(super) name: Cow<'a, str>,
    /// Codename, with the pocket.
    pub(super) distro: Option<Cow<'a, str>>,
}

/// `None`: it is one of a binary package, or none at all.
pub(super) fn source(purl: &str) -> Option<Source<'_>> {
    let (path, qualifiers) = purl.strip_prefix("pkg:deb/ubuntu/")?.split_once('?')?;
    let mut qualifiers = qualifiers.split('&').filter_map(|qualifier| qualifier.split_once('='));
    if !qualifiers.clone().any(|qualifier| qualifier == ("arch", "source")) {
        return None;
    }
    let name = path.split('@').next().unwrap_or_default();
    let distro = qualifiers.find(|(key, _)| *key == "distro").map(|(_, value)| decoded(value));
    Some(Source { name: decoded(name), distro })
}

/// Without percent-encoding; what is no encoding stays.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return text.into();
    }
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend(part.bytes().skip(2));
            }
            None => {
                bytes.push(b'%');
                bytes.extend(part.bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_pocket_of_a_source() {
        let of = |purl: &str| {
            source(purl).map(|source| format!("{} {}", source.name, source.distro.unwrap_or("-".into())))
        };
        for (purl, expected) in [
            ("pkg:deb/ubuntu/curl@7.35.0?arch=source&distro=trusty/esm", "curl trusty/esm"),
            (
                "pkg:deb/ubuntu/libsigc%2B%2B-2.0@2?distro=esm-apps%2Fjammy&arch=source",
                "libsigc++-2.0 esm-apps/jammy",
            ),
            ("pkg:deb/ubuntu/a%2?arch=source", "a%2 -"),
        ] {
            assert_eq!(of(purl).as_deref(), Some(expected), "{purl}");
        }
        for purl in [
            "",
            "pkg:deb/ubuntu/curl@7?arch=amd64&distro=jammy",
            "pkg:deb/ubuntu/curl@7",
            "pkg:deb/debian/curl@7?arch=source",
            "pkg:oci/curl?arch=source",
        ] {
            assert_eq!(of(purl), None, "{purl}");
        }
    }
}
