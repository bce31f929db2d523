//! Rows, borrowed from the map.

use crate::context::Context;
use crate::detail::{self, Detail, Details};
use crate::error::{Damage, KnowledgeError};
use crate::group::GroupReader;
use crate::ids::RowId;
use crate::section::Section;
use crate::segment::{Found, Segment};
use imagescan_model::{
    AdvisoryRecord, AdvisoryReference, AdvisoryState, DatedAs, HiddenReason, MatchedBy, PackageType, Release,
    Severity,
};
use std::iter::FusedIterator;

/// What rows are filed under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key<'a> {
    /// The release.
    pub release: &'a Release,
    /// The package manager.
    pub package_type: &'a PackageType,
    /// Whether `package` is a source or a binary name.
    pub matched_by: MatchedBy,
    /// The package's name.
    pub package: &'a str,
}

/// One record: what matching reads is at hand and borrowed, the rest is decoded when asked for.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// What it is filed under.
    pub key: Key<'a>,
    /// The CVE, or the advisory's own id.
    pub id: RowId<'a>,
    /// What holds below `fixed_version`, or for any version when there is none.
    pub state: AdvisoryState,
    /// First version that is not affected.
    pub fixed_version: Option<&'a str>,
    /// First version that is affected.
    pub introduced: Option<&'a str>,
    /// Module `name:stream`.
    pub module: Option<&'a str>,
    /// Part of the distribution it speaks of.
    pub stream: Option<&'a str>,
    /// Severity on our scale.
    pub severity: Severity,
    /// Who gives the severity.
    pub severity_source: Option<&'a str>,
    /// Why a table may leave it out.
    pub hidden: Option<HiddenReason>,
    place: Place,
    context: Context<'a>,
    segment: &'a Segment,
}

/// Where a row stands, for what is read later.
#[derive(Clone, Copy)]
struct Place {
    key: u32,
    /// Among the rows of its group.
    ordinal: u32,
    /// Number of its id.
    id: u32,
}

/// A record as it was filed, and who gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiledRecord {
    /// What is said.
    pub record: AdvisoryRecord,
    /// The ids of the feeds that say it, sorted.
    pub feeds: Vec<String>,
}

impl<'a> Row<'a> {
    fn checked<T>(&self, result: Result<T, Damage>) -> Result<T, KnowledgeError> {
        result.map_err(|damage| self.segment.damaged(damage))
    }

    /// Architectures it speaks of, sorted; empty: all. Allocates only where there are some.
    pub fn architectures(&self) -> Result<Vec<&'a str>, KnowledgeError> {
        self.checked(self.context.architectures(self.segment).and_then(Iterator::collect))
    }

    /// Whether it speaks of `architecture`; it does where it names none.
    pub fn speaks_of_architecture(&self, architecture: &str) -> Result<bool, KnowledgeError> {
        let speaks = || {
            let mut named = false;
            for other in self.context.architectures(self.segment)? {
                named = true;
                if other? == architecture {
                    return Ok(true);
                }
            }
            Ok(!named)
        };
        self.checked(speaks())
    }

    /// The ids of the feeds that say it, sorted.
    pub fn feeds(&self) -> Result<Vec<&'a str>, KnowledgeError> {
        self.checked(self.context.feeds(self.segment))
    }

    /// Place of its issue and variant of its id's subjects.
    fn parts(&self) -> Result<(u32, u32), Damage> {
        let offset = self.segment.details_of(self.place.key)?;
        match Details::read(self.segment, offset)? {
            Some(details) => details.of_row(self.place.ordinal),
            None => Ok((detail::NONE, 0)),
        }
    }

    /// When it became public, and when a fix could be had. No text is read for it.
    pub fn dates(&self) -> Result<(Option<DatedAs>, Option<DatedAs>), KnowledgeError> {
        let (issue, variant) = self.checked(self.parts())?;
        let subject = self.checked(detail::subject(self.segment, self.place.id, variant))?;
        Ok((subject.disclosed, self.checked(detail::issue(self.segment, issue))?.fix_available))
    }

    /// Aliases, title, announcements and dates.
    pub fn detail(&self) -> Result<Detail, KnowledgeError> {
        let (issue, variant) = self.checked(self.parts())?;
        let subject = self.checked(detail::subject(self.segment, self.place.id, variant))?;
        let issue = self.checked(detail::issue(self.segment, issue))?;
        let told = |number: u32| self.segment.told(number);
        let mut advisories = Vec::with_capacity(issue.advisories.len());
        for (id, url, date) in issue.advisories {
            advisories.push(AdvisoryReference { id: told(id)?, url: url.map(told).transpose()?, date });
        }
        Ok(Detail {
            aliases: subject.aliases.into_iter().map(told).collect::<Result<_, _>>()?,
            title: subject.title.map(told).transpose()?,
            advisories,
            disclosed: subject.disclosed,
            fix_available: issue.fix_available,
        })
    }

    /// The record that was filed, and who gave it.
    pub fn to_filed(&self) -> Result<FiledRecord, KnowledgeError> {
        let feeds = self.feeds()?.into_iter().map(str::to_owned).collect();
        Ok(FiledRecord { record: self.to_record()?, feeds })
    }

    /// The record that was filed.
    pub fn to_record(&self) -> Result<AdvisoryRecord, KnowledgeError> {
        let detail = self.detail()?;
        Ok(AdvisoryRecord {
            release: self.key.release.clone(),
            package_type: self.key.package_type.clone(),
            package: self.key.package.into(),
            matched_by: self.key.matched_by,
            id: self.id.to_string(),
            aliases: detail.aliases,
            state: self.state,
            fixed_version: self.fixed_version.map(str::to_owned),
            introduced: self.introduced.map(str::to_owned),
            architectures: self.architectures()?.into_iter().map(str::to_owned).collect(),
            module: self.module.map(str::to_owned),
            stream: self.stream.map(str::to_owned),
            severity: self.severity,
            severity_source: self.severity_source.map(str::to_owned),
            hidden: self.hidden,
            title: detail.title,
            advisories: detail.advisories,
            disclosed: detail.disclosed,
            fix_available: detail.fix_available,
        })
    }
}

/// The rows of one key, by id: CVEs by year and number, then all else. After an error there is nothing more.
#[derive(Clone)]
pub struct Rows<'a> {
    filed: Option<(Key<'a>, &'a Segment)>,
    reader: GroupReader<'a>,
    place: Place,
    /// Where the group lies, for errors.
    group: u32,
    /// Most rows have the context of the one before.
    context: Option<(u32, Context<'a>)>,
}

impl<'a> Rows<'a> {
    /// No rows: the key is not there.
    pub(crate) fn none() -> Self {
        let place = Place { key: 0, ordinal: 0, id: 0 };
        Self { filed: None, reader: GroupReader::empty(), place, group: 0, context: None }
    }

    pub(crate) fn of(segment: &'a Segment, found: Found<'a>) -> Result<Self, Damage> {
        let Found { scope, name, key, group } = found;
        let place = Place { key, ordinal: 0, id: 0 };
        let key = Key {
            release: &scope.release,
            package_type: &scope.package_type,
            matched_by: scope.matched_by,
            package: name,
        };
        Ok(Self { filed: Some((key, segment)), reader: segment.group(group)?, place, group, context: None })
    }

    /// What they are filed under; `None` where there are none.
    #[must_use]
    pub fn key(&self) -> Option<Key<'a>> {
        self.filed.map(|(key, _)| key)
    }

    #[inline]
    fn decode(&mut self, key: Key<'a>, segment: &'a Segment) -> Result<Row<'a>, Damage> {
        let malformed = Damage::Malformed { section: Section::Groups, offset: self.group.into() };
        let (id, said) = self.reader.next().ok_or(malformed)?;
        let context = match self.context {
            Some((number, context)) if number == said.context => context,
            _ => Context::read(segment, said.context)?,
        };
        self.context = Some((said.context, context));
        let place = Place { id, ..self.place };
        self.place.ordinal = self.place.ordinal.saturating_add(1);
        Ok(Row {
            key,
            id: segment.id(id)?,
            state: said.judgement.state,
            fixed_version: segment.version(said.fixed)?,
            introduced: segment.version(said.introduced)?,
            module: context.module,
            stream: context.stream,
            severity: said.judgement.severity,
            severity_source: context.severity_source,
            hidden: said.judgement.hidden,
            place,
            context,
            segment,
        })
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = Result<Row<'a>, KnowledgeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (key, segment) = self.filed?;
        if self.reader.is_empty() {
            return None;
        }
        let row = self.decode(key, segment);
        if row.is_err() {
            self.reader = GroupReader::empty();
        }
        Some(row.map_err(|damage| segment.damaged(damage)))
    }
}

impl FusedIterator for Rows<'_> {}
