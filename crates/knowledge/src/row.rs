//! A row, borrowed from the map.

use crate::context::Lists;
use crate::detail::{self, Detail, Details, Issue, Subject};
use crate::error::{Damage, KnowledgeError};
use crate::history::{History, Known};
use crate::ids::RowId;
use crate::segment::Segment;
use imagescan_model::{
    AdvisoryRecord, AdvisoryReference, AdvisoryState, DatedAs, HiddenReason, MatchedBy, PackageType, Release,
    Severity,
};
use jiff::Timestamp;

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
    pub(crate) place: Place,
    pub(crate) lists: Lists<'a>,
    pub(crate) context_number: u32,
    pub(crate) segment: &'a Segment,
}

/// Where a row stands, for what is read later.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) key: u32,
    /// Among the rows of its group.
    pub(crate) ordinal: u32,
    /// Number of its id.
    pub(crate) id: u32,
    /// Where the details of its group lie, if it is not the key's own group but one of rows known before.
    pub(crate) past: Option<u32>,
}

/// Where a row's details stand.
#[derive(Clone, Copy)]
pub(crate) struct Parts {
    /// Place of the issue.
    pub(crate) issue: u32,
    pub(crate) subject: SubjectPlace,
}

/// An id's number, and which variant of its subjects.
pub(crate) type SubjectPlace = (u32, u32);

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
        self.checked(self.lists.architectures(self.segment).and_then(Iterator::collect))
    }

    /// Whether it speaks of `architecture`; it does where it names none.
    pub fn speaks_of_architecture(&self, architecture: &str) -> Result<bool, KnowledgeError> {
        let speaks = || {
            let mut named = false;
            for other in self.lists.architectures(self.segment)? {
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
        self.checked(self.lists.feeds(self.segment))
    }

    /// Where what is read apart stands.
    pub(crate) fn detail_parts(&self) -> Result<Parts, KnowledgeError> {
        let parts = || {
            let offset = match self.place.past {
                Some(details) => details,
                None => self.segment.details_of(self.place.key)?,
            };
            match Details::read(self.segment, offset)? {
                Some(details) => details.of_row(self.place.ordinal),
                None => Ok((detail::NONE, 0)),
            }
        };
        let (issue, variant) = self.checked(parts())?;
        Ok(Parts { issue, subject: (self.place.id, variant) })
    }

    pub(crate) fn context_number(&self) -> u32 {
        self.context_number
    }

    fn known(&self) -> Result<Known, KnowledgeError> {
        let history = self.checked(History::read(self.segment, self.place.key))?.unwrap_or_default();
        let past = history.past.as_ref().filter(|_| self.place.past.is_some());
        let Some((_, _, rows)) = past else { return Ok(history.of_row(self.place.ordinal)) };
        Ok(rows.get(self.place.ordinal as usize).copied().unwrap_or_default())
    }

    /// When a build of the lineage first had a row of this id and fixed version; `None`: the first one had it, or nobody
    /// had looked before.
    pub fn first_observed(&self) -> Result<Option<Timestamp>, KnowledgeError> {
        Ok(self.known()?.first_observed)
    }

    /// The instants of the builds that first had the row as it is, and no longer had it; `None`: from the first of the
    /// lineage on, and to this day.
    pub fn known_between(&self) -> Result<(Option<Timestamp>, Option<Timestamp>), KnowledgeError> {
        let known = self.known()?;
        Ok((known.from, known.until))
    }

    /// What is said of its id, with the texts.
    pub(crate) fn subject(&self, parts: Parts) -> Result<Subject<String>, KnowledgeError> {
        let subject = self.checked(detail::subject(self.segment, parts.subject.0, parts.subject.1))?;
        let told = |number: u32| self.segment.told(number);
        Ok(Subject {
            title: subject.title.map(told).transpose()?,
            disclosed: subject.disclosed,
            aliases: subject.aliases.into_iter().map(told).collect::<Result<_, _>>()?,
        })
    }

    /// What is said of its fix, with the texts.
    pub(crate) fn issue(&self, parts: Parts) -> Result<Issue<String>, KnowledgeError> {
        let issue = self.checked(detail::issue(self.segment, parts.issue))?;
        let told = |number: u32| self.segment.told(number);
        let mut advisories = Vec::with_capacity(issue.advisories.len());
        for (id, url, date) in issue.advisories {
            advisories.push((told(id)?, url.map(told).transpose()?, date));
        }
        Ok(Issue { fix_available: issue.fix_available, advisories })
    }

    /// When it became public, and when a fix could be had. No text is read for it.
    pub fn dates(&self) -> Result<(Option<DatedAs>, Option<DatedAs>), KnowledgeError> {
        let Parts { issue, subject: (id, variant) } = self.detail_parts()?;
        let subject = self.checked(detail::subject(self.segment, id, variant))?;
        Ok((subject.disclosed, self.checked(detail::issue(self.segment, issue))?.fix_available))
    }

    /// Aliases, title, announcements and dates.
    pub fn detail(&self) -> Result<Detail, KnowledgeError> {
        let parts = self.detail_parts()?;
        let (subject, issue) = (self.subject(parts)?, self.issue(parts)?);
        let reference = |(id, url, date)| AdvisoryReference { id, url, date };
        Ok(Detail {
            aliases: subject.aliases,
            title: subject.title,
            advisories: issue.advisories.into_iter().map(reference).collect(),
            disclosed: subject.disclosed,
            fix_available: issue.fix_available,
        })
    }

    /// All that it refers to is there.
    pub(crate) fn verify(&self) -> Result<(), KnowledgeError> {
        self.architectures()?;
        self.feeds()?;
        let Parts { issue, subject: (id, variant) } = self.detail_parts()?;
        let subject = self.checked(detail::subject(self.segment, id, variant))?;
        let issue = self.checked(detail::issue(self.segment, issue))?;
        let announced = issue.advisories.iter().flat_map(|(id, url, _)| [Some(*id), *url]).flatten();
        let told = subject.title.into_iter().chain(subject.aliases).chain(announced);
        told.into_iter().try_for_each(|number| self.segment.is_told(number))
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
