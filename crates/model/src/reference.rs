//! Image references as the package `reference` of CNCF Distribution defines and normalises them:
//! `[domain/]path[:tag][@digest]`, with Docker Hub where no domain stands in front.

mod grammar;
#[cfg(test)]
mod tests;

use crate::{Digest, DigestError};
use grammar::{TAG_LENGTH, is_component, is_domain, is_tag, split_domain};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The domain of a reference that names none (`defaultDomain` in Distribution's `normalize.go`).
const DOCKER_HUB: &str = "docker.io";
/// Docker Hub's older name, still accepted.
const DOCKER_INDEX: &str = "index.docker.io";
/// Where Docker Hub keeps the images that have no namespace.
const OFFICIAL: &str = "library/";
/// `RepositoryNameTotalLengthMax` in Distribution's `reference.go`: the path, without the domain.
const PATH_LENGTH: usize = 255;
/// Characters of a wrong text that an error repeats.
const SHOWN: usize = 160;

/// A reference that is known to be well formed, with its domain: its parts can safely stand in a URL's path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageReference {
    registry: Box<str>,
    repository: Box<str>,
    tag: Option<Box<str>>,
    digest: Option<Digest>,
}

/// Why a text is no image reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// No path.
    #[error("image reference `{}` has no repository", .0.escape_debug())]
    Empty(String),
    /// Docker takes it for an image's id.
    #[error("`{}` is an image id, not a reference: it is 64 hexadecimal digits", .0.escape_debug())]
    Identifier(String),
    /// Neither a host name nor an address.
    #[error(
        "image reference `{}` has no valid registry: `{}` is no host[:port]",
        got.escape_debug(), domain.escape_debug()
    )]
    Domain {
        /// The whole text.
        got: String,
        /// What stands before the first slash.
        domain: String,
    },
    /// Upper case in the path.
    #[error("image reference `{}` must be lower case: `{}` is not", got.escape_debug(), path.escape_debug())]
    UpperCase {
        /// The whole text.
        got: String,
        /// The repository.
        path: String,
    },
    /// A part between slashes breaks the grammar.
    #[error(
        "image reference `{}` has an invalid part `{}`: lower-case letters and digits, separated by \
         `.`, `_`, `__` or dashes",
        got.escape_debug(), component.escape_debug()
    )]
    Component {
        /// The whole text.
        got: String,
        /// The part.
        component: String,
    },
    /// The path is too long.
    #[error(
        "the repository of image reference `{}` has {length} characters, {} are allowed",
        got.escape_debug(), PATH_LENGTH
    )]
    Length {
        /// The beginning of the text.
        got: String,
        /// Characters of the repository.
        length: usize,
    },
    /// What follows the colon is no tag.
    #[error(
        "image reference `{}` has an invalid tag `{}`: up to {} letters, digits, `_`, `.` and `-`, \
         not starting with `.` or `-`",
        got.escape_debug(), tag.escape_debug(), TAG_LENGTH
    )]
    Tag {
        /// The whole text.
        got: String,
        /// The tag.
        tag: String,
    },
    /// What follows `@` is no digest.
    #[error("image reference `{}` has an invalid digest", got.escape_debug())]
    Digest {
        /// The whole text.
        got: String,
        /// What is wrong with it.
        source: DigestError,
    },
}

impl ImageReference {
    /// Whether `text` names no registry, so that Docker Hub or a search list decides (`splitDockerDomain`).
    #[must_use]
    pub fn is_short(text: &str) -> bool {
        split_domain(text).0.is_none()
    }

    /// The registry's `host[:port]`; `docker.io` for Docker Hub.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The path within the registry, `library/` included.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag, if one was written.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if one was written. It decides; a tag beside it is for people (`ParseDockerRef`).
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The tag, or `latest` (`TagNameOnly`).
    #[must_use]
    pub fn tag_or_latest(&self) -> &str {
        self.tag().unwrap_or("latest")
    }

    /// The short form: without Docker Hub's name and `library/`.
    #[must_use]
    pub fn familiar(&self) -> String {
        self.familiar_name() + &self.suffix()
    }

    /// The short form without tag and digest (`familiarizeName`).
    #[must_use]
    pub fn familiar_name(&self) -> String {
        if &*self.registry != DOCKER_HUB {
            return self.name();
        }
        let official = self.repository.strip_prefix(OFFICIAL).filter(|name| !name.contains('/'));
        official.unwrap_or(&self.repository).into()
    }

    /// Registry and repository alone.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// What follows the name: `[:tag][@digest]`.
    #[must_use]
    pub fn suffix(&self) -> String {
        let tag = self.tag().map(|tag| format!(":{tag}")).unwrap_or_default();
        let digest = self.digest().map(|digest| format!("@{digest}")).unwrap_or_default();
        tag + &digest
    }
}

impl FromStr for ImageReference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let got = || shown(text);
        if text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(ReferenceError::Identifier(got()));
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => {
                let digest =
                    digest.parse().map_err(|source| ReferenceError::Digest { got: got(), source })?;
                (name, Some(digest))
            }
            None => (text, None),
        };
        let (domain, rest) = split_domain(name);
        if let Some(domain) = domain.filter(|domain| !is_domain(domain)) {
            return Err(ReferenceError::Domain { got: got(), domain: shown(domain) });
        }
        let (path, tag) = match rest.split_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (rest, None),
        };
        check_path(text, path)?;
        if let Some(tag) = tag.filter(|tag| !is_tag(tag)) {
            return Err(ReferenceError::Tag { got: got(), tag: shown(tag) });
        }
        let registry = match domain {
            None | Some(DOCKER_INDEX) => DOCKER_HUB,
            Some(domain) => domain,
        };
        let official = if registry == DOCKER_HUB && !path.contains('/') { OFFICIAL } else { "" };
        let length = official.len() + path.len();
        if length > PATH_LENGTH {
            return Err(ReferenceError::Length { got: got(), length });
        }
        let repository = format!("{official}{path}").into();
        Ok(Self { registry: registry.into(), repository, tag: tag.map(Into::into), digest })
    }
}

fn check_path(text: &str, path: &str) -> Result<(), ReferenceError> {
    let got = || shown(text);
    if path.is_empty() {
        return Err(ReferenceError::Empty(got()));
    }
    if path.chars().any(char::is_uppercase) {
        return Err(ReferenceError::UpperCase { got: got(), path: shown(path) });
    }
    match path.split('/').find(|component| !is_component(component)) {
        Some(component) => Err(ReferenceError::Component { got: got(), component: shown(component) }),
        None => Ok(()),
    }
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

impl TryFrom<String> for ImageReference {
    type Error = ReferenceError;

    fn try_from(text: String) -> Result<Self, ReferenceError> {
        text.parse()
    }
}

impl From<ImageReference> for String {
    fn from(reference: ImageReference) -> Self {
        reference.to_string()
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}{}", self.registry, self.repository, self.suffix())
    }
}

impl fmt::Debug for ImageReference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}
