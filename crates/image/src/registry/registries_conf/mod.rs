//! Where an image lies, by containers-registries.conf(5), version 2.
//!
//! A name without a registry is completed by an alias or the search list; the `[[registry]]` table with the
//! longest matching prefix then blocks the image, or sends us to its mirrors and its location. Podman and we
//! agree but for one thing: where several registries are searched, it asks or tries them in turn, and so may
//! take whatever image somebody put under this name at the first; we ask for a full name, whatever
//! `short-name-mode` says.

mod document;
mod read;
#[cfg(test)]
mod tests;

pub use document::DocumentError;
pub use read::{RegistriesError, RegistriesPaths};

use document::{MirrorUse, Table};
use imagescan_model::{ImageReference, ReferenceError};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// All files, merged.
#[derive(Debug, Default)]
pub struct RegistriesConf {
    /// By prefix, with the file each is from.
    tables: BTreeMap<String, (Table, PathBuf)>,
    search: Vec<String>,
    search_path: PathBuf,
    /// `None`: taken back by a later file.
    aliases: BTreeMap<String, Option<ImageReference>>,
}

/// One place to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// What to ask for. It has a digest or a tag, not both.
    pub reference: ImageReference,
    /// Whether plain HTTP, or a certificate that nobody vouches for, will do.
    pub insecure: bool,
}

impl Endpoint {
    /// The registry's `host[:port]`, as credentials and certificates know it.
    #[must_use]
    pub fn host(&self) -> &str {
        self.reference.registry()
    }

    /// The `host[:port]` that answers: Docker Hub's is not its name (`dockerRegistry` in containers/image).
    #[must_use]
    pub fn server(&self) -> &str {
        if self.host() == "docker.io" { "registry-1.docker.io" } else { self.host() }
    }

    /// The repository within the registry.
    #[must_use]
    pub fn repository(&self) -> &str {
        self.reference.repository()
    }
}

/// Why there is no place to ask.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// A table says so.
    #[error(
        "`{reference}` is blocked: `{}` blocks `{}`",
        path.display().to_string().escape_debug(), prefix.escape_debug()
    )]
    Blocked {
        /// The image.
        reference: ImageReference,
        /// The table's prefix.
        prefix: String,
        /// Its file.
        path: PathBuf,
    },
    /// The name could mean several images.
    #[error(
        "`{name}` is ambiguous: `{}` searches {}; write the registry in front, as in `{example}`",
        path.display().to_string().escape_debug(), quoted(registries)
    )]
    Ambiguous {
        /// The name.
        name: String,
        /// Where it would be searched.
        registries: Vec<String>,
        /// The first it could mean.
        example: String,
        /// The file with the search list.
        path: PathBuf,
    },
    /// A location and the rest of the name make no reference with a registry.
    #[error(
        "`{}` sends us to `{}`, which names no registry",
        path.display().to_string().escape_debug(), got.escape_debug()
    )]
    Location {
        /// What came out.
        got: String,
        /// The file.
        path: PathBuf,
    },
    /// A location and the rest of the name make no reference.
    #[error("`{}` sends us to no image", path.display().to_string().escape_debug())]
    Reference {
        /// The file.
        path: PathBuf,
        /// What is wrong with what came out.
        source: ReferenceError,
    },
}

fn quoted(texts: &[String]) -> String {
    texts.iter().map(|text| format!("`{}`", text.escape_debug())).collect::<Vec<_>>().join(", ")
}

impl RegistriesConf {
    /// The places to ask for `reference`, in order: mirrors first. `was_short` tells that the user wrote no
    /// registry ([`ImageReference::is_short`]).
    ///
    /// # Errors
    /// [`ResolveError`]
    pub fn resolve(
        &self,
        reference: &ImageReference,
        was_short: bool,
    ) -> Result<Vec<Endpoint>, ResolveError> {
        let reference = self.full(reference, was_short)?;
        // As podman, which drops the tag beside a digest before it looks at prefixes.
        let text = match reference.digest() {
            Some(digest) => format!("{}@{digest}", reference.name()),
            None => format!("{}:{}", reference.name(), reference.tag_or_latest()),
        };
        let Some((prefix, (table, path), matched)) = self.table(&text) else {
            let path = PathBuf::new();
            return Ok(vec![Endpoint { reference: parse(&text, path)?, insecure: false }]);
        };
        if table.blocked {
            return Err(ResolveError::Blocked { reference, prefix: prefix.into(), path: path.clone() });
        }
        let rest = text.get(matched..).unwrap_or_default();
        let has_digest = reference.digest().is_some();
        let mirrors = table.mirrors.iter().filter(|mirror| match mirror.used_for {
            MirrorUse::All => !table.mirror_by_digest_only || has_digest,
            MirrorUse::DigestOnly => has_digest,
            MirrorUse::TagOnly => !has_digest,
        });
        let mirrors = mirrors.map(|mirror| (format!("{}{rest}", mirror.location), mirror.insecure));
        let primary = match &table.location {
            Some(location) => format!("{location}{rest}"),
            None => text.clone(),
        };
        mirrors
            .chain([(primary, table.insecure)])
            .map(|(text, insecure)| Ok(Endpoint { reference: parse(&text, path.clone())?, insecure }))
            .collect()
    }

    /// The image that the user means, before mirrors and rewrites.
    pub(crate) fn full(
        &self,
        reference: &ImageReference,
        was_short: bool,
    ) -> Result<ImageReference, ResolveError> {
        if was_short { self.complete(reference) } else { Ok(reference.clone()) }
    }

    /// A reference with the registry that an alias or the search list gives it.
    fn complete(&self, reference: &ImageReference) -> Result<ImageReference, ResolveError> {
        let name = reference.familiar_name();
        let (completed, path) = match (self.aliases.get(&name), &*self.search) {
            (Some(Some(target)), _) => (target.name(), PathBuf::new()),
            (_, []) => return Ok(reference.clone()),
            (_, [registry]) => (format!("{registry}/{name}"), self.search_path.clone()),
            (_, [first, ..]) => {
                return Err(ResolveError::Ambiguous {
                    example: format!("{first}/{}", reference.familiar()),
                    name,
                    registries: self.search.clone(),
                    path: self.search_path.clone(),
                });
            }
        };
        parse(&(completed + &reference.suffix()), path)
    }

    /// The table with the longest prefix, and how much of `text` it matches; among equals the first.
    fn table(&self, text: &str) -> Option<(&str, &(Table, PathBuf), usize)> {
        let matching = self.tables.iter().filter_map(|(prefix, table)| {
            matched(text, prefix).map(|length| (prefix.as_str(), table, length))
        });
        matching.rev().max_by_key(|(prefix, ..)| prefix.len())
    }
}

/// How much of a full reference a prefix matches (`refMatchingPrefix` in containers/image). As there, a host
/// matches with any port: the colon may begin a tag.
fn matched(text: &str, prefix: &str) -> Option<usize> {
    let length = match prefix.strip_prefix('*') {
        Some(parent) => {
            let host = text.split('/').next().unwrap_or_default();
            let end = host.find(':').unwrap_or(host.len());
            host.get(..end)?.ends_with(parent).then_some(end)?
        }
        None => text.starts_with(prefix).then_some(prefix.len())?,
    };
    matches!(text.as_bytes().get(length), None | Some(b':' | b'/' | b'@')).then_some(length)
}

fn parse(text: &str, path: PathBuf) -> Result<ImageReference, ResolveError> {
    if ImageReference::is_short(text) {
        return Err(ResolveError::Location { got: text.into(), path });
    }
    text.parse().map_err(|source| ResolveError::Reference { path, source })
}
