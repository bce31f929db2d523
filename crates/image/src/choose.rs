//! Which images of a target somebody wants.

use imagescan_model::Platform;
use std::fmt;

/// The choice among the platforms of an index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum PlatformChoice {
    /// `linux` on this machine's architecture; an image that comes alone is read whatever it is for.
    #[default]
    Host,
    /// This one and no other.
    One(Platform),
    /// Every one.
    All,
}

impl PlatformChoice {
    /// The platform to look for in an index; `None`: all.
    pub(crate) fn wanted(&self) -> Option<Platform> {
        match self {
            Self::Host => Some(host()),
            Self::One(platform) => Some(platform.clone()),
            Self::All => None,
        }
    }

    /// Whether an image that comes alone, for `platform`, is wanted.
    pub(crate) fn takes_single(&self, platform: Option<&Platform>) -> bool {
        match self {
            Self::Host | Self::All => true,
            Self::One(wanted) => platform.is_none_or(|platform| wanted.accepts(platform)),
        }
    }
}

/// `linux/` and this machine's architecture, by Go's name.
fn host() -> Platform {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        other => other,
    };
    Platform { os: "linux".into(), architecture: architecture.into(), variant: None }
}

/// A sorted, comma-separated list for messages, cut after twenty.
pub(crate) fn list<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let mut texts: Vec<String> =
        items.into_iter().map(|item| item.to_string().escape_debug().to_string()).collect();
    texts.sort();
    texts.dedup();
    let more = texts.len().saturating_sub(20);
    texts.truncate(20);
    let mut text = texts.join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    if text.is_empty() { "none".into() } else { text }
}
