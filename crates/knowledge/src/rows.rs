//! The rows of one key, one after another.

use crate::context::Context;
use crate::error::{Damage, KnowledgeError};
use crate::group::GroupReader;
use crate::history::{History, Known};
use crate::row::{Key, Place, Row};
use crate::section::Section;
use crate::segment::{Found, Segment};
use jiff::Timestamp;
use std::iter::FusedIterator;

/// Contexts of the rows before that are remembered.
const REMEMBERED: usize = 2;

/// The rows of one key, by id: CVEs by year and number, then all else. After an error there is nothing more.
#[derive(Clone)]
pub struct Rows<'a> {
    filed: Option<(Key<'a>, &'a Segment)>,
    reader: GroupReader<'a>,
    place: Place,
    /// Where the group lies, for errors.
    group: u32,
    /// Most rows have a context that one shortly before had.
    contexts: [Option<(u32, Context<'a>)>; REMEMBERED],
}

impl<'a> Rows<'a> {
    /// No rows: the key is not there.
    pub(crate) fn none() -> Self {
        let place = Place { key: 0, ordinal: 0, id: 0, past: None };
        Self { filed: None, reader: GroupReader::empty(), place, group: 0, contexts: [None; REMEMBERED] }
    }

    pub(crate) fn of(segment: &'a Segment, found: Found<'a>) -> Result<Self, Damage> {
        let Found { scope, name, key, group } = found;
        let place = Place { key, ordinal: 0, id: 0, past: None };
        let key = Key {
            release: &scope.release,
            package_type: &scope.package_type,
            matched_by: scope.matched_by,
            package: name,
        };
        Ok(Self {
            filed: Some((key, segment)),
            reader: segment.group(group)?,
            place,
            group,
            contexts: [None; REMEMBERED],
        })
    }

    /// There are no more rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.reader.is_empty()
    }

    /// What is known of the rows.
    pub(crate) fn history(&self) -> Result<History, KnowledgeError> {
        let Some((_, segment)) = self.filed else { return Ok(History::default()) };
        let history = History::read(segment, self.place.key).map_err(|damage| segment.damaged(damage))?;
        Ok(history.unwrap_or_default())
    }

    /// The rows that were known before, in the same order, with what is known of each.
    pub(crate) fn past(&self) -> Result<Vec<(Row<'a>, Known)>, KnowledgeError> {
        let Some((key, segment)) = self.filed else { return Ok(Vec::new()) };
        let read = || {
            let history = History::read(segment, self.place.key)?;
            let Some((group, details, known)) = history.and_then(|history| history.past) else {
                return Ok(Vec::new());
            };
            let place = Place { past: Some(details), ordinal: 0, ..self.place };
            let mut rows = Self { reader: segment.group(group)?, place, group, ..self.clone() };
            let mut past = Vec::new();
            for known in known {
                past.push((rows.decode(key, segment)?, known));
            }
            let malformed = Damage::Malformed { section: Section::Groups, offset: group.into() };
            if rows.reader.is_empty() { Ok(past) } else { Err(malformed) }
        };
        read().map_err(|damage| segment.damaged(damage))
    }

    /// The rows as they were known at `instant`.
    pub(crate) fn at(self, instant: Timestamp) -> Result<Vec<Row<'a>>, KnowledgeError> {
        let Some((_, segment)) = self.filed else { return Ok(Vec::new()) };
        let history = History::read(segment, self.place.key).map_err(|damage| segment.damaged(damage))?;
        let mut rows = Vec::new();
        if let Some(history) = history {
            let known_then = |(row, known): (Row<'a>, Known)| known.at(instant).then_some(row);
            rows.extend(self.past()?.into_iter().filter_map(known_then));
            for row in self {
                rows.extend(Some(row?).filter(|row| history.of_row(row.place.ordinal).at(instant)));
            }
            rows.sort_by_key(|row| row.id);
        } else {
            for row in self {
                rows.push(row?);
            }
        }
        Ok(rows)
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
        let context = match self.contexts.get_mut(said.context as usize % REMEMBERED) {
            Some(Some((number, context))) if *number == said.context => *context,
            place => {
                let context = Context::read(segment, said.context)?;
                if let Some(place) = place {
                    *place = Some((said.context, context));
                }
                context
            }
        };
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
            lists: context.lists,
            context_number: said.context,
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
