//! What OSV and OpenVEX documents said so far, small: a statement of one is only understood with the others, which
//! may come later, and there are millions.

use super::{Place, place};
use imagescan_model::{Release, Severity};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A text that is kept once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(u32);

#[derive(Default)]
pub(super) struct Names {
    numbers: HashMap<Arc<str>, Name>,
    texts: Vec<Arc<str>>,
}

impl Names {
    pub(super) fn add(&mut self, text: &str) -> Name {
        if let Some(known) = self.numbers.get(text) {
            return *known;
        }
        let name = Name(u32::try_from(self.texts.len()).unwrap_or(u32::MAX));
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.numbers.insert(text, name);
        name
    }

    pub(super) fn text(&self, Name(number): Name) -> &str {
        self.texts.get(number as usize).map_or("", |text| text)
    }
}

/// The plain archive of a release, or a pocket of it.
pub(super) type Archive = (Release, Option<String>);

/// A number of an [`Archive`].
pub(super) type ArchiveId = u16;

/// A source package that OSV lists as affected.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Listed {
    pub(super) cve: Name,
    pub(super) source: Name,
    pub(super) archive: ArchiveId,
    pub(super) introduced: Option<Name>,
    pub(super) fixed: Option<Name>,
    /// The entry's own, where it has one.
    pub(super) severity: Severity,
}

/// What OpenVEX states of a source package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Statement {
    pub(super) cve: Name,
    pub(super) source: Name,
    pub(super) archive: ArchiveId,
    pub(super) stated: Stated,
}

/// The tracker's status behind a statement. Of two for one package the later in this order counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stated {
    /// There is no such package.
    Absent,
    NotAffected,
    /// In a version that only OSV tells.
    Fixed,
    EndOfLife,
    WillNotFix,
    FixDeferred,
    UnderInvestigation,
    Affected,
}

/// What OSV says of a CVE, whatever the package.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct About {
    pub(super) published: Option<Timestamp>,
    pub(super) title: Option<String>,
    pub(super) severity: Severity,
    pub(super) aliases: Vec<String>,
    /// Notices it names.
    pub(super) notices: Vec<Name>,
}

/// A security notice (USN).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Notice {
    pub(super) published: Timestamp,
    pub(super) id: Name,
    /// CVEs it is about.
    pub(super) cves: Vec<Name>,
}

#[derive(Default)]
pub(super) struct Kept {
    pub(super) names: Names,
    pub(super) archives: Vec<Archive>,
    numbers: BTreeMap<Archive, ArchiveId>,
    pub(super) about: BTreeMap<Name, About>,
    pub(super) listed: Vec<Listed>,
    pub(super) statements: Vec<Statement>,
    /// By archive, source and fixed version.
    pub(super) notices: BTreeMap<(ArchiveId, Name, Name), Vec<Notice>>,
    /// Numbers of releases that are newer than this program, by codename, from documents that have both.
    codenames: BTreeMap<String, Release>,
}

impl Kept {
    pub(super) fn archive(&mut self, archive: Archive) -> ArchiveId {
        if let Some(known) = self.numbers.get(&archive) {
            return *known;
        }
        let number = ArchiveId::try_from(self.archives.len()).unwrap_or(ArchiveId::MAX);
        self.archives.push(archive.clone());
        self.numbers.insert(archive, number);
        number
    }

    /// The archive of that number.
    pub(super) fn archive_of(&self, number: ArchiveId) -> Option<&Archive> {
        self.archives.get(usize::from(number))
    }

    /// The archive that a package URL's `distro` names.
    pub(super) fn archive_named(&mut self, distro: &str) -> Option<ArchiveId> {
        match place(distro) {
            Place::Archive(release, pocket) => Some(self.archive((release, pocket))),
            Place::Development | Place::Upstream | Place::Product => None,
        }
    }

    /// That `distro` names a pocket of `release`, should its codename be unknown.
    pub(super) fn learn(&mut self, distro: &str, release: &Release) {
        if let Place::Archive(named, _) = place(distro)
            && !named.version.starts_with(|first: char| first.is_ascii_digit())
        {
            self.codenames.insert(named.version, release.clone());
        }
    }

    /// Gives releases that were named by an unknown codename their numbers, now that all documents were read.
    pub(super) fn settle(&mut self) {
        for (codename, release) in std::mem::take(&mut self.codenames) {
            let by_name = |(named, _): &Archive| named.version == codename;
            let numbers: Vec<usize> = (0..)
                .zip(&self.archives)
                .filter(|(_, archive)| by_name(archive))
                .map(|(number, _)| number)
                .collect();
            for number in numbers {
                let Some((_, pocket)) = self.archives.get(number) else { continue };
                let wanted = self.archive((release.clone(), pocket.clone()));
                for statement in &mut self.statements {
                    if usize::from(statement.archive) == number {
                        statement.archive = wanted;
                    }
                }
            }
        }
    }
}
