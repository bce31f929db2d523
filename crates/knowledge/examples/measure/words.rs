//! Words of made-up names and titles.

use crate::full::hash;

pub(crate) const WORDS: [&str; 64] = [
    "lib",
    "python",
    "perl",
    "linux",
    "kernel",
    "open",
    "ssl",
    "image",
    "buffer",
    "overflow",
    "read",
    "write",
    "heap",
    "stack",
    "remote",
    "local",
    "attacker",
    "crafted",
    "file",
    "input",
    "denial",
    "service",
    "memory",
    "use",
    "free",
    "after",
    "integer",
    "validation",
    "improper",
    "allows",
    "server",
    "client",
    "request",
    "header",
    "parser",
    "bounds",
    "out",
    "null",
    "pointer",
    "dereference",
    "race",
    "condition",
    "driver",
    "network",
    "packet",
    "session",
    "cross",
    "site",
    "script",
    "injection",
    "query",
    "privilege",
    "escalation",
    "bypass",
    "token",
    "certificate",
    "check",
    "missing",
    "function",
    "component",
    "handling",
    "via",
    "causes",
    "code",
];

/// Some ninety bytes.
pub(crate) fn title(cve: u64) -> String {
    let mut words = String::new();
    for place in 0..13 {
        // Some words are more frequent than others.
        let number = hash(&[cve, place, 12]) % 64 * (hash(&[cve, place, 13]) % 64) / 64;
        words.push_str(WORDS.get(number as usize).unwrap_or(&"flaw"));
        words.push(if place < 12 { ' ' } else { '.' });
    }
    words
}

pub(crate) fn architectures(number: u64) -> Vec<String> {
    let list: &[&str] = match number % 10 {
        0..3 => &["noarch"],
        3..8 => &["aarch64", "ppc64le", "s390x", "x86_64"],
        8 => &["aarch64", "i686", "ppc64le", "s390x", "x86_64"],
        _ => &["x86_64"],
    };
    list.iter().map(|name| (*name).to_owned()).collect()
}
