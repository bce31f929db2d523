//! The records of one distribution while they are gathered: 36 bytes each, and every text once.

use super::BuildError;
use super::intern::{Id, Interner};
use crate::codes::Judgement;
use crate::context::ContextDraft;
use crate::detail::{Issue, Subject};
use crate::scope::Scope;
use imagescan_model::{AdvisoryRecord, Release};

/// A key: scope and name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct KeyDraft {
    pub(crate) scope: Id,
    pub(crate) name: Id,
}

/// A record as numbers: those of the interners, later the ranks of what these stand for. 0: there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RowDraft {
    pub(crate) key: u32,
    pub(crate) id: u32,
    pub(crate) judgement: Judgement,
    pub(crate) fixed: u32,
    pub(crate) introduced: u32,
    pub(crate) context: u32,
    pub(crate) subject: u32,
    pub(crate) issue: u32,
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
    pub(crate) contexts: Interner<ContextDraft<Id>>,
    pub(crate) subjects: Interner<Subject<Id>>,
    pub(crate) issues: Interner<Issue<Id>>,
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
        let too_large = |what| super::too_large(&record.release.distribution, what);
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
                key: key.get(),
                id: self.text(&record.id)?.get(),
                judgement: Judgement {
                    state: record.state,
                    severity: record.severity,
                    hidden: record.hidden,
                },
                fixed: self.text_if(record.fixed_version.as_deref())?.map_or(0, Id::get),
                introduced: self.text_if(record.introduced.as_deref())?.map_or(0, Id::get),
                context: self.context(record)?.get(),
                subject: self.subject(record)?.get(),
                issue: self.issue(record)?.get(),
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

    fn context(&mut self, record: &AdvisoryRecord) -> Option<Id> {
        let context = ContextDraft {
            severity_source: self.text_if(record.severity_source.as_deref())?,
            module: self.text_if(record.module.as_deref())?,
            stream: self.text_if(record.stream.as_deref())?,
            architectures: self.texts(&record.architectures)?,
        };
        self.contexts.intern(context)
    }

    fn subject(&mut self, record: &AdvisoryRecord) -> Option<Id> {
        let subject = Subject {
            title: self.text_if(record.title.as_deref())?,
            disclosed: record.disclosed,
            aliases: self.texts(&record.aliases)?,
        };
        self.subjects.intern(subject)
    }

    fn issue(&mut self, record: &AdvisoryRecord) -> Option<Id> {
        let mut advisories = Vec::with_capacity(record.advisories.len());
        for reference in &record.advisories {
            let (id, url) = (self.text(&reference.id)?, self.text_if(reference.url.as_deref())?);
            advisories.push((id, url, reference.date));
        }
        self.issues.intern(Issue { fix_available: record.fix_available, advisories })
    }
}
