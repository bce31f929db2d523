//! What keeps a package at a version, or away: as somebody wrote it.

use serde::{Deserialize, Serialize};

/// One statement that constrains a package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pin {
    /// Where such statements are made.
    pub kind: PinKind,
    /// The package it is about.
    pub subject: String,
    /// The statement as found.
    pub statement: String,
    /// Where it stands.
    pub location: PinLocation,
}

/// The kinds of pins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PinKind {
    /// An entry of `/etc/apk/world` with a version, a tag or a `!`; `apk upgrade` obeys it.
    ApkWorld,
}

impl PinKind {
    /// All of them, in the documented order.
    pub const ALL: [Self; 1] = [Self::ApkWorld];
}

/// Where a pin stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PinLocation {
    /// The file, in the image.
    pub path: String,
    /// Its line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The first layer whose copy of the file has it, without a gap up to the top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<u32>,
}
