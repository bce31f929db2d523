//! One file in the form of containers-registries.conf(5), checked as `postProcessRegistries` in
//! containers/image does.

use imagescan_model::ImageReference;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// What a file says. Keys we do not know are passed over.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// By prefix.
    pub(super) tables: BTreeMap<String, Table>,
    pub(super) search: Option<Vec<String>>,
    /// `None`: an alias of an earlier file is taken back.
    pub(super) aliases: BTreeMap<String, Option<ImageReference>>,
}

/// A `[[registry]]`.
#[derive(Debug)]
pub(super) struct Table {
    /// `None`: where the reference says, which a prefix with a wildcard allows.
    pub(super) location: Option<String>,
    pub(super) insecure: bool,
    pub(super) blocked: bool,
    pub(super) mirror_by_digest_only: bool,
    pub(super) mirrors: Vec<Mirror>,
}

/// A `[[registry.mirror]]`.
#[derive(Debug)]
pub(super) struct Mirror {
    pub(super) location: String,
    pub(super) insecure: bool,
    pub(super) used_for: MirrorUse,
}

/// `pull-from-mirror`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum MirrorUse {
    #[default]
    #[serde(alias = "")]
    All,
    DigestOnly,
    TagOnly,
}

/// Why a file's content is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Not UTF-8.
    #[error("it is not UTF-8")]
    Encoding,
    /// Not TOML, or not of the expected types.
    #[error("line {line}: {}", message.escape_debug())]
    Toml {
        /// From 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// `[registries.search]` and the like.
    #[error(
        "it is in version 1 of the format, which has `[registries]`: write `[[registry]]` tables instead"
    )]
    VersionOne,
    /// A location that is a URL.
    #[error("the location `{}` is a URL: write host[:port][/path]", .0.escape_debug())]
    Url(String),
    /// A table without both, or with a prefix that is no wildcard and no location.
    #[error("a [[registry]] table with prefix `{}` has no location", .0.escape_debug())]
    NoLocation(String),
    /// A mirror of no place.
    #[error("a mirror of `{}` has no location", .0.escape_debug())]
    NoMirrorLocation(String),
    /// A `*` that is more than a host's beginning.
    #[error(
        "the prefix `{}` has a wildcard and a port or path: only `*.host` is possible",
        .0.escape_debug()
    )]
    Wildcard(String),
    /// `pull-from-mirror` outside of a mirror, or beside `mirror-by-digest-only`.
    #[error(
        "`pull-from-mirror` of `{}` belongs in a mirror, and only without `mirror-by-digest-only`",
        .0.escape_debug()
    )]
    PullFromMirror(String),
    /// A search list's entry.
    #[error("`{}` in unqualified-search-registries is no host[:port]", .0.escape_debug())]
    Search(String),
    /// An alias for something else than a short name.
    #[error("the alias `{}` is no name without registry, tag and digest", .0.escape_debug())]
    AliasName(String),
    /// An alias of something else than a full name.
    #[error(
        "the alias `{}` means `{}`, which is no name with a registry and without tag and digest",
        name.escape_debug(), value.escape_debug()
    )]
    AliasValue {
        /// The alias.
        name: String,
        /// What it stands for.
        value: String,
    },
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Wire {
    unqualified_search_registries: Option<Vec<String>>,
    /// Read for its value to be checked: we never ask, whatever the mode.
    #[serde(rename = "short-name-mode")]
    _short_name_mode: ShortNameMode,
    registry: Vec<WireTable>,
    aliases: BTreeMap<String, String>,
    /// Version 1.
    registries: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ShortNameMode {
    #[default]
    #[serde(alias = "")]
    Permissive,
    Enforcing,
    Disabled,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct WireTable {
    #[serde(default)]
    prefix: String,
    #[serde(flatten)]
    endpoint: WireEndpoint,
    #[serde(default)]
    blocked: bool,
    #[serde(default)]
    mirror_by_digest_only: bool,
    #[serde(default)]
    mirror: Vec<WireEndpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct WireEndpoint {
    #[serde(default)]
    location: String,
    #[serde(default)]
    insecure: bool,
    pull_from_mirror: Option<MirrorUse>,
}

impl Document {
    /// Reads a file's bytes.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        let text = std::str::from_utf8(bytes).map_err(|_| DocumentError::Encoding)?;
        let wire: Wire = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            DocumentError::Toml { line: before.matches('\n').count() + 1, message: error.message().into() }
        })?;
        if wire.registries.is_some() {
            return Err(DocumentError::VersionOne);
        }
        let mut tables = BTreeMap::new();
        for table in wire.registry {
            let (prefix, table) = check(table)?;
            // Of two with the same prefix the first counts.
            tables.entry(prefix).or_insert(table);
        }
        let search = wire.unqualified_search_registries.map(|list| list.into_iter().map(searched).collect());
        let aliases = wire.aliases.into_iter().map(alias).collect::<Result<_, _>>()?;
        Ok(Self { tables, search: search.transpose()?, aliases })
    }
}

fn check(wire: WireTable) -> Result<(String, Table), DocumentError> {
    let location = location(&wire.endpoint.location)?;
    let prefix = location_or(&wire.prefix, &location)?;
    if prefix.is_empty() || (location.is_empty() && !prefix.starts_with("*.")) {
        return Err(DocumentError::NoLocation(prefix));
    }
    if prefix.starts_with("*.") && prefix.contains(['/', '@', ':']) {
        return Err(DocumentError::Wildcard(prefix));
    }
    let is_ruled_twice =
        wire.mirror_by_digest_only && wire.mirror.iter().any(|mirror| mirror.pull_from_mirror.is_some());
    if is_ruled_twice || wire.endpoint.pull_from_mirror.is_some() {
        return Err(DocumentError::PullFromMirror(prefix));
    }
    let mirrors = wire.mirror.into_iter().map(|mirror| {
        let location = self::location(&mirror.location)?;
        if location.is_empty() {
            return Err(DocumentError::NoMirrorLocation(prefix.clone()));
        }
        let used_for = mirror.pull_from_mirror.unwrap_or_default();
        Ok(Mirror { location, insecure: mirror.insecure, used_for })
    });
    let mirrors = mirrors.collect::<Result<_, _>>()?;
    let table = Table {
        location: Some(location).filter(|location| !location.is_empty()),
        insecure: wire.endpoint.insecure,
        blocked: wire.blocked,
        mirror_by_digest_only: wire.mirror_by_digest_only,
        mirrors,
    };
    Ok((prefix, table))
}

/// `parseLocation` in containers/image.
fn location(text: &str) -> Result<String, DocumentError> {
    let trimmed = text.trim_end_matches('/');
    if trimmed.starts_with("http://") || trimmed.starts_with("https://") {
        return Err(DocumentError::Url(text.into()));
    }
    Ok(trimmed.into())
}

fn location_or(prefix: &str, other: &str) -> Result<String, DocumentError> {
    if prefix.is_empty() { Ok(other.into()) } else { location(prefix) }
}

fn searched(registry: String) -> Result<String, DocumentError> {
    let host = location(&registry)?;
    let image = format!("{host}/image");
    let is_host =
        !ImageReference::is_short(&image) && !host.contains('/') && image.parse::<ImageReference>().is_ok();
    if is_host { Ok(host) } else { Err(DocumentError::Search(registry)) }
}

/// `validateShortName` and `parseShortNameValue` in containers/image.
fn alias((name, value): (String, String)) -> Result<(String, Option<ImageReference>), DocumentError> {
    let bare =
        |text: &str| text.parse().ok().filter(|reference: &ImageReference| reference.suffix().is_empty());
    if ImageReference::is_short(&name) && bare(&name).is_some() {
        if value.is_empty() {
            return Ok((name, None));
        }
        return match bare(&value).filter(|_| !ImageReference::is_short(&value)) {
            Some(target) => Ok((name, Some(target))),
            None => Err(DocumentError::AliasValue { name, value }),
        };
    }
    Err(DocumentError::AliasName(name))
}
