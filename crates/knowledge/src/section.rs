//! The names of what stands in a segment's body.

use std::fmt;

/// The parts of segments' bodies. Which of them a segment has depends on what it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// (release, package type, source or binary), sorted.
    Scopes,
    /// Hash table from a name to its place in `Names`.
    Slots,
    /// Each name, sorted, with the first of its `Keys`.
    Names,
    /// (scope, group), by name, then scope.
    Keys,
    /// The rows of a key; keys with the same rows share them.
    Groups,
    /// Lists of architectures, and of feeds.
    Lists,
    /// What a row says that matching does not read: aliases, titles, dates.
    Details,
    /// Texts, each once, sorted.
    Strings,
    /// Ids, packed and sorted.
    Ids,
    /// Ids that are not of the usual form.
    OddIds,
    /// Where each record or block lies.
    Offsets,
    /// What is said of each id or name.
    Records,
    /// Compressed texts.
    Blocks,
}

impl Section {
    /// All, in the order of their ids.
    pub(crate) const ALL: [Self; 13] = [
        Self::Scopes,
        Self::Slots,
        Self::Names,
        Self::Keys,
        Self::Groups,
        Self::Lists,
        Self::Details,
        Self::Strings,
        Self::Ids,
        Self::OddIds,
        Self::Offsets,
        Self::Records,
        Self::Blocks,
    ];

    pub(crate) fn id(self) -> u32 {
        self as u32 + 1
    }
}

impl fmt::Display for Section {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Scopes => "scopes",
            Self::Slots => "slots",
            Self::Names => "names",
            Self::Keys => "keys",
            Self::Groups => "groups",
            Self::Lists => "lists",
            Self::Details => "details",
            Self::Strings => "strings",
            Self::Ids => "ids",
            Self::OddIds => "odd ids",
            Self::Offsets => "offsets",
            Self::Records => "records",
            Self::Blocks => "blocks",
        })
    }
}
