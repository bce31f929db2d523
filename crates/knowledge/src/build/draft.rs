//! The records of one distribution while they are gathered: 40 bytes each, and every text once.

use super::BuildError;
use super::intern::{Id, Interner};
use crate::codes::Judgement;
use crate::detail::DetailDraft;
use crate::scope::Scope;
use imagescan_model::{AdvisoryRecord, Release};

/// A key: scope and name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct KeyDraft {
    pub(crate) scope: Id,
    pub(crate) name: Id,
}

/// A record whose texts, lists and details are numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RowDraft {
    pub(crate) key: Id,
    pub(crate) id: Id,
    pub(crate) fixed_version: Option<Id>,
    pub(crate) introduced: Option<Id>,
    pub(crate) module: Option<Id>,
    pub(crate) stream: Option<Id>,
    pub(crate) architectures: Option<Id>,
    pub(crate) detail: Option<Id>,
    pub(crate) judgement: Judgement,
    /// The feeds that gave it, a bit each. Last, so that sorting brings together what several state alike.
    pub(crate) feeds: u32,
}

impl RowDraft {
    /// Whether both say the same, whoever says it.
    pub(crate) fn states_what(&self, other: &Self) -> bool {
        Self { feeds: 0, ..*self } == Self { feeds: 0, ..*other }
    }
}

/// What one segment will hold.
#[derive(Default)]
pub(crate) struct SegmentDraft {
    pub(crate) strings: Interner<str>,
    pub(crate) lists: Interner<[Id]>,
    pub(crate) details: Interner<DetailDraft>,
    pub(crate) scopes: Interner<Scope>,
    pub(crate) keys: Interner<KeyDraft>,
    /// By the bit that rows have of each.
    pub(crate) feeds: Interner<str>,
    pub(crate) rows: Vec<RowDraft>,
}

/// A lookup names its release as text: what does not come back from text cannot be asked for.
pub(crate) fn check_release(release: &Release) -> Result<(), BuildError> {
    let text = release.to_string();
    if text.parse::<Release>().as_ref() == Ok(release) {
        return Ok(());
    }
    Err(BuildError::Release { release: text })
}

impl SegmentDraft {
    pub(crate) fn add(&mut self, record: &AdvisoryRecord, feed: &str) -> Result<(), BuildError> {
        let distribution = || record.release.distribution.clone();
        let too_large = |what| BuildError::TooLarge { distribution: distribution(), what };
        let feeds = self.feed(feed).ok_or_else(|| too_large("feeds"))?;
        let row = self.row(record, feeds)?.ok_or_else(|| too_large("texts"))?;
        self.rows.push(row);
        Ok(())
    }

    /// The bit of a feed; `None`: there are no more bits.
    fn feed(&mut self, feed: &str) -> Option<u32> {
        1_u32.checked_shl(self.feeds.intern(feed)?.get() - 1)
    }

    /// `None`: more values than numbers.
    fn row(&mut self, record: &AdvisoryRecord, feeds: u32) -> Result<Option<RowDraft>, BuildError> {
        let Some(key) = self.key(record)? else {
            return Ok(None);
        };
        Ok((|| {
            Some(RowDraft {
                key,
                id: self.text(&record.id)?,
                fixed_version: self.text_if(record.fixed_version.as_deref())?,
                introduced: self.text_if(record.introduced.as_deref())?,
                module: self.text_if(record.module.as_deref())?,
                stream: self.text_if(record.stream.as_deref())?,
                architectures: self.architectures(&record.architectures)?,
                detail: self.detail(record)?,
                judgement: Judgement {
                    state: record.state,
                    severity: record.severity,
                    hidden: record.hidden,
                },
                feeds,
            })
        })())
    }

    fn key(&mut self, record: &AdvisoryRecord) -> Result<Option<Id>, BuildError> {
        let scope = Scope {
            release: record.release.clone(),
            package_type: record.package_type.clone(),
            matched_by: record.matched_by,
        };
        check_release(&scope.release)?;
        let scope = self.scopes.intern(scope);
        let name = self.text(&record.package);
        Ok(scope.zip(name).and_then(|(scope, name)| self.keys.intern(KeyDraft { scope, name })))
    }

    fn text(&mut self, text: &str) -> Option<Id> {
        self.strings.intern(text)
    }

    /// The outer `None`: more texts than numbers.
    fn text_if(&mut self, text: Option<&str>) -> Option<Option<Id>> {
        text.map_or(Some(None), |text| self.text(text).map(Some))
    }

    fn texts(&mut self, texts: &[String]) -> Option<Vec<Id>> {
        texts.iter().map(|text| self.text(text)).collect()
    }

    fn architectures(&mut self, architectures: &[String]) -> Option<Option<Id>> {
        if architectures.is_empty() {
            return Some(None);
        }
        let list = self.texts(architectures)?;
        self.lists.intern(list).map(Some)
    }

    fn detail(&mut self, record: &AdvisoryRecord) -> Option<Option<Id>> {
        let mut advisories = Vec::with_capacity(record.advisories.len());
        for reference in &record.advisories {
            advisories.push((
                self.text(&reference.id)?,
                self.text_if(reference.url.as_deref())?,
                reference.date,
            ));
        }
        let detail = DetailDraft {
            aliases: self.texts(&record.aliases)?,
            severity_source: self.text_if(record.severity_source.as_deref())?,
            title: self.text_if(record.title.as_deref())?,
            advisories,
            disclosed: record.disclosed,
            fix_available: record.fix_available,
        };
        if detail == DetailDraft::default() {
            return Some(None);
        }
        self.details.intern(detail).map(Some)
    }
}
