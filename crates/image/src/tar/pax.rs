//! PAX records: `LENGTH KEY=VALUE\n`, the length counting itself (POSIX pax(1), "pax Extended Header").

/// What records say of the entry that follows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pax {
    pub path: Option<Vec<u8>>,
    pub link: Option<Vec<u8>>,
    pub size: Option<u64>,
    pub modified: Option<i64>,
    /// GNU sparse files in PAX archives: versions 0.0, 0.1 and 1.0.
    pub sparse: Option<Sparse>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sparse {
    /// The map begins the body (version 1.0), or is `map`.
    pub in_body: bool,
    pub map: Vec<(u64, u64)>,
    pub real_size: Option<u64>,
    pub name: Option<Vec<u8>>,
}

/// Parses all of `bytes`; `None` where they are not records.
pub(crate) fn parse(mut bytes: &[u8]) -> Option<Pax> {
    let mut pax = Pax::default();
    let mut offset = None;
    while !bytes.is_empty() {
        let blank = bytes.iter().position(|byte| *byte == b' ')?;
        let length: usize = decimal(bytes.get(..blank)?)?.try_into().ok()?;
        let record = bytes.get(blank + 1..length)?.strip_suffix(b"\n")?;
        let equals = record.iter().position(|byte| *byte == b'=')?;
        let (key, value) = (record.get(..equals)?, record.get(equals + 1..)?);
        match key {
            // An empty value takes back what was said before.
            b"path" => pax.path = Some(value.to_vec()).filter(|value| !value.is_empty()),
            b"linkpath" => pax.link = Some(value.to_vec()).filter(|value| !value.is_empty()),
            b"size" if !value.is_empty() => pax.size = Some(decimal(value)?),
            b"mtime" if !value.is_empty() => pax.modified = Some(seconds(value)?),
            _ => {
                if let Some(key) = key.strip_prefix(b"GNU.sparse.") {
                    sparse(pax.sparse.get_or_insert_default(), key, value, &mut offset)?;
                }
            }
        }
        bytes = bytes.get(length..)?;
    }
    Some(pax)
}

fn sparse(sparse: &mut Sparse, key: &[u8], value: &[u8], offset: &mut Option<u64>) -> Option<()> {
    match key {
        b"major" => sparse.in_body = decimal(value)? > 0,
        b"name" => sparse.name = Some(value.to_vec()),
        b"realsize" | b"size" => sparse.real_size = Some(decimal(value)?),
        b"map" => {
            let mut numbers = value.split(|byte| *byte == b',').map(decimal);
            sparse.map.clear();
            while let Some(offset) = numbers.next() {
                sparse.map.push((offset?, numbers.next()??));
            }
        }
        b"offset" => *offset = Some(decimal(value)?),
        b"numbytes" => sparse.map.push((offset.take()?, decimal(value)?)),
        _ => {}
    }
    Some(())
}

pub(crate) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, digit| match digit {
        b'0'..=b'9' => value.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

/// Whole seconds of `[-]SECONDS[.FRACTION]`, towards the past.
fn seconds(value: &[u8]) -> Option<i64> {
    let (negative, digits) = match value.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, value),
    };
    let mut parts = digits.splitn(2, |byte| *byte == b'.');
    let whole = i64::try_from(decimal(parts.next()?)?).ok()?;
    let fraction = parts.next().unwrap_or_default();
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let below = i64::from(fraction.iter().any(|digit| *digit != b'0'));
    Some(if negative { -whole - below } else { whole })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &str, value: &[u8]) -> Vec<u8> {
        let bare = key.len() + value.len() + 3;
        let length = (bare + 1..).find(|length| length.to_string().len() + bare == *length).unwrap();
        [length.to_string().as_bytes(), b" ", key.as_bytes(), b"=", value, b"\n"].concat()
    }

    #[test]
    fn records_say_what_the_next_entry_is() {
        let records = [
            record("mtime", b"1700000000.5"),
            record("path", b"a\nb"),
            record("SCHILY.xattr.user.x", b"\0\n\xff binary"),
            record("size", b"777"),
        ];
        let pax = parse(&records.concat()).unwrap();
        assert_eq!(pax.path.as_deref(), Some(&b"a\nb"[..]));
        assert_eq!((pax.size, pax.modified), (Some(777), Some(1_700_000_000)));
    }

    #[test]
    fn damaged_records_are_no_records() {
        for records in
            [&b"x"[..], b"5 a=b", b"99 path=a\n", b"0 path=a\n", b"9 path:a\n", b"3 \n", b"11 size=-1\n"]
        {
            assert_eq!(parse(records), None, "{}", records.escape_ascii());
        }
    }

    #[test]
    fn times_before_1970_round_towards_the_past() {
        assert_eq!(seconds(b"-1.5"), Some(-2));
        assert_eq!(seconds(b"1.9"), Some(1));
        assert_eq!(seconds(b"1.x"), None);
    }
}
