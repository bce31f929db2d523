//! The regular expressions of Distribution's `regexp.go`, as functions.

/// Characters of a tag.
pub(super) const TAG_LENGTH: usize = 128;

/// Domain and remainder. What stands before the first slash is a domain if it has a dot or a colon, is
/// `localhost`, or has upper case, which no path has (`splitDockerDomain`).
pub(super) fn split_domain(text: &str) -> (Option<&str>, &str) {
    match text.split_once('/') {
        Some((first, rest))
            if first == "localhost"
                || first.contains(['.', ':'])
                || first.chars().any(|character| character.is_ascii_uppercase()) =>
        {
            (Some(first), rest)
        }
        _ => (None, text),
    }
}

/// `domainAndPort` in Distribution's `regexp.go`.
pub(super) fn is_domain(domain: &str) -> bool {
    let (host, after) = match domain.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, after)) => {
            let of_address = |byte: u8| byte.is_ascii_hexdigit() || byte == b':';
            if address.is_empty() || !address.bytes().all(of_address) {
                return false;
            }
            (None, after)
        }
        None => {
            let end = domain.find(':').unwrap_or(domain.len());
            let (host, after) = domain.split_at(end);
            (Some(host), after)
        }
    };
    let port = after
        .strip_prefix(':')
        .map_or(after.is_empty(), |port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
    port && host.is_none_or(|host| host.split('.').all(is_domain_component))
}

fn is_domain_component(component: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !component.is_empty()
        && component.bytes().all(inner)
        && !component.starts_with('-')
        && !component.ends_with('-')
}

/// `pathComponent` in Distribution's `regexp.go`: letters and digits around `.`, `_`, `__` or dashes.
pub(super) fn is_component(component: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut rest = component.as_bytes();
    loop {
        let length = rest.iter().take_while(|byte| word(**byte)).count();
        rest = match rest.split_at_checked(length) {
            Some((_, [])) => return length > 0,
            Some((_, after)) if length > 0 => after,
            _ => return false,
        };
        rest = match rest {
            [b'_', b'_', after @ ..] | [b'.' | b'_', after @ ..] => after,
            [b'-', ..] => {
                let dashes = rest.iter().take_while(|byte| **byte == b'-').count();
                rest.get(dashes..).unwrap_or_default()
            }
            _ => return false,
        };
    }
}

pub(super) fn is_tag(tag: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    (1..=TAG_LENGTH).contains(&tag.len()) && tag.bytes().all(inner) && !tag.starts_with(['.', '-'])
}
