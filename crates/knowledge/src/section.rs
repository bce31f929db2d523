//! The names of what stands in a segment's body.

use std::fmt;

/// The parts of segments' bodies. Which of them a segment has depends on what it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// (release, package type, source or binary), sorted.
    Scopes,
    /// Hash table from a name to its place in `Names`.
    Slots,
    /// Each name's text and the first of its `Keys`, sorted by text.
    Names,
    /// The names, sorted.
    NameTexts,
    /// (scope, group), by name, then scope.
    Keys,
    /// The rows of a key; keys with the same rows share them.
    Groups,
    /// Versions, each once, in the order in which rows first name them.
    Versions,
    /// Who says it, of which architectures, module and part of the distribution.
    Contexts,
    /// Where each of `Contexts` lies, the most used first.
    ContextPlaces,
    /// Short texts that matching reads, each once, sorted.
    Strings,
    /// Ids, packed and sorted.
    Ids,
    /// Ids that are not of the usual form.
    OddIds,
    /// Where each key's `Details` lie.
    KeyDetails,
    /// Which `Subjects` and `Issues` the rows of a key have.
    Details,
    /// Where each id's `Subjects` lie.
    SubjectPlaces,
    /// What is said of an id, whatever the package: title, aliases, when it became public.
    Subjects,
    /// What is said of a fix: its date, the advisories that announce it.
    Issues,
    /// When the builds were made that saw something change.
    Instants,
    /// Keys that have changed, and where their `History` lies.
    HistoryPlaces,
    /// Since when rows are known, and the rows that were known before.
    History,
    /// Where each record or block lies.
    Offsets,
    /// What is said of each id or name.
    Records,
    /// Compressed texts.
    Blocks,
}

impl Section {
    /// All, in the order of their ids.
    pub(crate) const ALL: [Self; 23] = [
        Self::Scopes,
        Self::Slots,
        Self::Names,
        Self::NameTexts,
        Self::Keys,
        Self::Groups,
        Self::Versions,
        Self::Contexts,
        Self::ContextPlaces,
        Self::Strings,
        Self::Ids,
        Self::OddIds,
        Self::KeyDetails,
        Self::Details,
        Self::SubjectPlaces,
        Self::Subjects,
        Self::Issues,
        Self::Instants,
        Self::HistoryPlaces,
        Self::History,
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
            Self::NameTexts => "name texts",
            Self::Keys => "keys",
            Self::Groups => "groups",
            Self::Versions => "versions",
            Self::Contexts => "contexts",
            Self::ContextPlaces => "context places",
            Self::Strings => "strings",
            Self::Ids => "ids",
            Self::OddIds => "odd ids",
            Self::KeyDetails => "key details",
            Self::Details => "details",
            Self::SubjectPlaces => "subject places",
            Self::Subjects => "subjects",
            Self::Issues => "issues",
            Self::Instants => "instants",
            Self::HistoryPlaces => "history places",
            Self::History => "history",
            Self::Offsets => "offsets",
            Self::Records => "records",
            Self::Blocks => "blocks",
        })
    }
}
