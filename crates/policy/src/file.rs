//! `imagescan.toml`, read strictly.

use crate::duration::Duration;
use crate::policy::{ClockChoice, Policy, RuleLevel, UnknownAge};
use imagescan_model::Digest;
use sha2::{Digest as _, Sha256};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Why a file is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// No TOML.
    #[error("{0}")]
    Syntax(String),
    /// A key or value that a policy does not have.
    #[error("line {line}: {why}")]
    Content {
        /// From 1.
        line: usize,
        /// What is wrong, and what to write.
        why: String,
    },
    /// No version.
    #[error("it has no `version = 1`: that line says how the file is to be read")]
    Version,
}

/// Keys of the file, and of the tables that are understood.
const TOP: [&str; 5] = ["version", "name", "lifespan", "os", "trust"];
const LIFESPAN: [&str; 7] =
    ["level", "max_age", "clock", "unknown_age", "warn_before", "grace", "max_base_age"];
const OS: [&str; 1] = ["no_packages"];
const TRUST: [&str; 1] = ["lazy_layers"];
/// What the format has and this version does not judge yet. To pass over it would be to pass images.
const LATER: [&str; 10] = [
    "mode",
    "settings",
    "outdated",
    "pins",
    "vulnerabilities",
    "packages",
    "users",
    "hardening",
    "environment",
    "exempt",
];

type Entry<'a> = (&'a str, usize, &'a DeValue<'a>);

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// [`PolicyError`] names the line, and the key that was perhaps meant.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let table = DeTable::parse(text)
            .map_err(|error| PolicyError::Syntax(error.to_string().trim_end().replace('\n', "\n  ")))?;
        let mut policy =
            Self { digest: Some(Digest::from_sha256(&Sha256::digest(text).into())), ..Self::default() };
        let mut version = false;
        for (key, start, value) in entries(table.get_ref()) {
            let line = line_of(text, start);
            match key {
                "version" => {
                    let one = value.as_integer().is_some_and(|number| number.as_str() == "1");
                    version = one;
                    if !one {
                        return Err(content(line, "version is not 1: this version of imagescan reads 1"));
                    }
                }
                "name" => policy.name = string(value, line, key)?.chars().take(200).collect(),
                "lifespan" => lifespan(&mut policy, text, table_of(value, line, key)?)?,
                "os" => os(&mut policy, text, table_of(value, line, key)?)?,
                "trust" => trust(&mut policy, text, table_of(value, line, key)?)?,
                later if LATER.contains(&later) => {
                    let why =
                        format!("`{later}` is not supported yet: take it out, no rule of it would be judged");
                    return Err(PolicyError::Content { line, why });
                }
                other => return Err(unknown(line, "", other, &TOP)),
            }
        }
        if version { Ok(policy) } else { Err(PolicyError::Version) }
    }
}

fn lifespan(policy: &mut Policy, text: &str, table: &DeTable<'_>) -> Result<(), PolicyError> {
    let lifespan = &mut policy.lifespan;
    for (key, start, value) in entries(table) {
        let line = line_of(text, start);
        let duration = || -> Result<Duration, PolicyError> {
            let written = string(value, line, key)?;
            written.parse().map_err(|error| content(line, &format!("{key}: {error}")))
        };
        match key {
            "level" => {
                let levels = [("deny", RuleLevel::Deny), ("warn", RuleLevel::Warn), ("off", RuleLevel::Off)];
                lifespan.level = one_of(value, line, key, &levels)?;
            }
            "max_age" => lifespan.max_age = duration()?,
            "clock" => {
                let clocks = [
                    ("strictest", ClockChoice::Strictest),
                    ("build", ClockChoice::Build),
                    ("packages", ClockChoice::Packages),
                    ("base", ClockChoice::Base),
                    ("pushed", ClockChoice::Pushed),
                ];
                lifespan.clock = one_of(value, line, key, &clocks)?;
            }
            "unknown_age" => {
                let levels = [
                    ("deny", UnknownAge::Deny),
                    ("warn", UnknownAge::Warn),
                    ("inconclusive", UnknownAge::Inconclusive),
                ];
                lifespan.unknown_age = one_of(value, line, key, &levels)?;
            }
            "warn_before" => lifespan.warn_before = duration()?,
            "grace" => lifespan.grace = duration()?,
            "max_base_age" => lifespan.max_base_age = Some(duration()?),
            other => return Err(unknown(line, "lifespan.", other, &LIFESPAN)),
        }
    }
    Ok(())
}

fn trust(policy: &mut Policy, text: &str, table: &DeTable<'_>) -> Result<(), PolicyError> {
    for (key, start, value) in entries(table) {
        let line = line_of(text, start);
        match key {
            "lazy_layers" => {
                let levels =
                    [("allow", RuleLevel::Off), ("warn", RuleLevel::Warn), ("deny", RuleLevel::Deny)];
                policy.lazy_layers = one_of(value, line, key, &levels)?;
            }
            "registries" | "base_images" | "signers" | "third_party_packages" => {
                let why = format!("`trust.{key}` is not supported yet: take it out, it would not be judged");
                return Err(PolicyError::Content { line, why });
            }
            other => return Err(unknown(line, "trust.", other, &TRUST)),
        }
    }
    Ok(())
}

fn os(policy: &mut Policy, text: &str, table: &DeTable<'_>) -> Result<(), PolicyError> {
    for (key, start, value) in entries(table) {
        let line = line_of(text, start);
        match key {
            "no_packages" => {
                let levels = [
                    ("inconclusive", RuleLevel::Inconclusive),
                    ("warn", RuleLevel::Warn),
                    ("allow", RuleLevel::Off),
                ];
                policy.no_packages = one_of(value, line, key, &levels)?;
            }
            "eol" | "warn_before_eol" | "allow" => {
                let why = format!("`os.{key}` is not supported yet: take it out, it would not be judged");
                return Err(PolicyError::Content { line, why });
            }
            other => return Err(unknown(line, "os.", other, &OS)),
        }
    }
    Ok(())
}

/// The entries of a table, in the order of the file.
fn entries<'a>(table: &'a DeTable<'a>) -> Vec<Entry<'a>> {
    let entry = |(key, value): (&'a Spanned<_>, &'a Spanned<DeValue<'a>>)| -> Entry<'a> {
        let key: &'a Spanned<std::borrow::Cow<'a, str>> = key;
        (key.get_ref(), key.span().start, value.get_ref())
    };
    let mut entries: Vec<Entry<'a>> = table.iter().map(entry).collect();
    entries.sort_by_key(|(_, start, _)| *start);
    entries
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

fn content(line: usize, why: &str) -> PolicyError {
    PolicyError::Content { line, why: why.into() }
}

fn string<'a>(value: &'a DeValue<'_>, line: usize, key: &str) -> Result<&'a str, PolicyError> {
    value.as_str().ok_or_else(|| content(line, &format!("`{key}` is no text: write it in quotes")))
}

fn table_of<'a>(value: &'a DeValue<'a>, line: usize, key: &str) -> Result<&'a DeTable<'a>, PolicyError> {
    value.as_table().ok_or_else(|| content(line, &format!("`{key}` is no table: write [{key}]")))
}

fn one_of<T: Copy>(
    value: &DeValue<'_>,
    line: usize,
    key: &str,
    choices: &[(&str, T)],
) -> Result<T, PolicyError> {
    let written = string(value, line, key)?;
    let found = choices.iter().find(|(name, _)| *name == written).map(|(_, choice)| *choice);
    found.ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        content(line, &format!("{key}: `{}` is none of {}", written.escape_debug(), names.join(", ")))
    })
}

/// An unknown key, with the one that was perhaps meant.
fn unknown(line: usize, table: &str, key: &str, known: &[&str]) -> PolicyError {
    let nearest = known.iter().copied().min_by_key(|name| strsim::damerau_levenshtein(name, key));
    let near = nearest.filter(|name| strsim::damerau_levenshtein(name, key) <= 3.min(name.len() / 2 + 1));
    let key: String = key.chars().take(60).collect();
    let why = match near {
        Some(name) => format!("unknown key `{table}{}`: did you mean `{name}`?", key.escape_debug()),
        None => format!("unknown key `{table}{}`: there is {}", key.escape_debug(), known.join(", ")),
    };
    PolicyError::Content { line, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        Policy::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn keys_that_are_not_given_keep_their_defaults() {
        let policy = Policy::parse("version = 1\nname = \"ours\"\n[lifespan]\nmax_age = \"90d\"\n").unwrap();
        assert_eq!((policy.name.as_str(), policy.lifespan.max_age), ("ours", Duration::days(90)));
        assert_eq!(policy.lifespan.warn_before, Duration::days(30));
        assert!(policy.info().digest.is_some());
        let off =
            Policy::parse("version = 1\n[lifespan]\nlevel = \"off\"\n[os]\nno_packages = \"allow\"").unwrap();
        assert_eq!((off.lifespan.level, off.no_packages), (RuleLevel::Off, RuleLevel::Off));
    }

    #[test]
    fn whatever_is_not_understood_is_refused_with_its_line() {
        for (text, expected) in [
            (
                "version = 1\n\n[lifespan]\nmax_agee = \"6mo\"",
                "line 4: unknown key `lifespan.max_agee`: did you mean `max_age`?",
            ),
            ("version = 1\nlifespam = 3", "line 2: unknown key `lifespam`: did you mean `lifespan`?"),
            (
                "version = 1\nsomething = 3",
                "line 2: unknown key `something`: there is version, name, lifespan, os, trust",
            ),
            ("version = 2", "line 1: version is not 1: this version of imagescan reads 1"),
            ("name = \"x\"", "it has no `version = 1`: that line says how the file is to be read"),
            (
                "version = 1\n[pins]\n",
                "line 2: `pins` is not supported yet: take it out, no rule of it would be judged",
            ),
            ("version = 1\nlifespan = 3", "line 2: `lifespan` is no table: write [lifespan]"),
            ("version = 1\n[lifespan]\nmax_age = 6", "line 3: `max_age` is no text: write it in quotes"),
            (
                "version = 1\n[lifespan]\nunknown_age = \"allow\"",
                "line 3: unknown_age: `allow` is none of deny, warn, inconclusive",
            ),
            (
                "version = 1\n[lifespan]\ngrace = \"1 week\\u001b\"",
                "line 3: grace: `1 week\\u{1b}` is no duration: write a whole number and h, d, w, mo or y, such as 6mo",
            ),
        ] {
            assert_eq!(message(text), expected);
        }
        assert!(message("version = ").contains("line 1"));
    }
}
