//! What an image is called at an engine.

use imagescan_model::{Digest, ImageReference, ReferenceError};
use std::fmt;
use std::str::FromStr;

/// An image of a container engine: `NAME[:TAG|@DIGEST]` or `sha256:ID` (containers-transports(5), `docker-daemon`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaemonImage {
    asked: String,
    has_name: bool,
}

/// Why a text names no image of an engine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DaemonImageError {
    /// Neither a name nor an ID.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// Part of an ID. Docker keeps the name `sha256` for IDs, too.
    #[error("`{}` is no whole ID: sha256: and 64 hexadecimal digits", .0.escape_debug())]
    ShortId(String),
}

impl DaemonImage {
    /// The name for the engine's API: as it was written, so that an engine may search for a short one, and with a tag, for
    /// a name alone stands for all tags there.
    pub(crate) fn asked(&self) -> &str {
        &self.asked
    }

    /// Whether it could be pulled under what it is called.
    pub(crate) fn has_name(&self) -> bool {
        self.has_name
    }
}

impl fmt::Display for DaemonImage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.asked)
    }
}

impl FromStr for DaemonImage {
    type Err = DaemonImageError;

    fn from_str(text: &str) -> Result<Self, DaemonImageError> {
        if let Ok(id) = text.parse::<Digest>() {
            return Ok(Self { asked: id.to_string(), has_name: false });
        }
        if text.starts_with("sha256:") {
            return Err(DaemonImageError::ShortId(text.chars().take(160).collect()));
        }
        let reference: ImageReference = text.parse()?;
        let tag = match (reference.tag(), reference.digest()) {
            (None, None) => ":latest",
            _ => "",
        };
        Ok(Self { asked: format!("{text}{tag}"), has_name: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_asked_for_as_written_and_with_a_tag() {
        let id = format!("sha256:{}", "a".repeat(64));
        for (text, asked) in [
            ("alpine", "alpine:latest"),
            ("localhost/app:1", "localhost/app:1"),
            ("registry.example:5000/app", "registry.example:5000/app:latest"),
            (&id, &id),
            (&format!("app@{id}"), &format!("app@{id}")),
        ] {
            assert_eq!(text.parse::<DaemonImage>().unwrap().asked(), asked);
        }
        assert!(matches!("sha256:aaaa".parse::<DaemonImage>(), Err(DaemonImageError::ShortId(_))));
        assert!(matches!("App".parse::<DaemonImage>(), Err(DaemonImageError::Reference(_))));
    }
}
