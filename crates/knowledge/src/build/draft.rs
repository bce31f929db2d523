//! The records of one distribution while they are gathered: 36 bytes each, and every text once.

use super::BuildError;
use super::intern::{Id, Interner};
use super::lineage::Previous;
use crate::codes::Judgement;
use crate::context::ContextDraft;
use crate::detail::{Issue, Subject};
use crate::history::Known;
use crate::row::FiledRecord;
use crate::scope::Scope;
use imagescan_model::{AdvisoryRecord, PackageType, Release};
use std::collections::BTreeSet;

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
    /// Of a database that descends from another.
    pub(crate) previous: Option<Previous>,
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

    /// Adds a row of the database before, with what is known of it.
    pub(crate) fn add_previous(&mut self, filed: &FiledRecord, known: Known) -> Result<(), BuildError> {
        let too_large = |what| super::too_large(&filed.record.release.distribution, what);
        let mut feeds = 0;
        for feed in &filed.feeds {
            feeds |= self.feed(feed).ok_or_else(|| too_large("feeds"))?;
        }
        let row = self.row(&filed.record, feeds)?.ok_or_else(|| too_large("texts"))?;
        self.previous.get_or_insert_default().rows.push((row, known));
        Ok(())
    }

    /// Of which packages there are rows now.
    pub(crate) fn scopes_with_rows(&self) -> BTreeSet<(Release, PackageType)> {
        self.rows
            .iter()
            .map(|row| row.key)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .filter_map(|key| {
                let scope = self.scope_of(key)?;
                Some((scope.release.clone(), scope.package_type.clone()))
            })
            .collect()
    }

    fn scope_of(&self, key: u32) -> Option<&Scope> {
        let key = self.keys.values().get((key as usize).checked_sub(1)?)?;
        self.scopes.values().get(key.scope.get() as usize - 1).map(AsRef::as_ref)
    }

    /// Takes over the rows of the database before that `is_kept` chooses by scope and feeds; of which packages they are.
    pub(crate) fn carry_over(
        &mut self,
        is_kept: impl Fn(&Scope, &[&str]) -> bool,
    ) -> BTreeSet<(Release, PackageType)> {
        let (mut rows, mut carried) = (Vec::new(), BTreeSet::new());
        let before = self.previous.iter().flat_map(|previous| &previous.rows);
        for (row, _) in before.filter(|(_, known)| known.until.is_none()) {
            let Some(scope) = self.scope_of(row.key) else { continue };
            let named = (0..).zip(self.feeds.values()).filter(|(bit, _)| row.feeds & 1 << bit != 0);
            let named: Vec<&str> = named.map(|(_, feed)| &**feed).collect();
            if is_kept(scope, &named) {
                rows.push(*row);
                carried.insert((scope.release.clone(), scope.package_type.clone()));
            }
        }
        self.rows.extend(rows);
        carried
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
