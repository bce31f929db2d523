//! Facts while they are gathered, and their segments: what is said of one id or name side by side, all sorted.

use super::intern::{Id, Interner, of};
use super::stored::Stored;
use crate::codec::put_varint;
use crate::facts::cve::{self, Facts};
use crate::facts::other::{self, Dates};
use crate::facts::{ids, names};
use crate::ids::RowId;
use crate::layout::assemble;
use crate::texts;
use imagescan_model::{CveRecord, Epss, LifecycleRecord, RepositoryRecord};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is said of CVEs. `None` anywhere: it does not fit 32 bits.
#[derive(Default)]
pub(crate) struct CveDrafts {
    /// Ids, sources, vectors and titles.
    strings: Interner<str>,
    known: Vec<(Id, Facts<Id>)>,
    estimated: Vec<(Id, Id, Epss)>,
}

impl CveDrafts {
    pub(crate) fn add(&mut self, record: &CveRecord) -> Option<()> {
        let id = self.strings.intern(&*record.id)?;
        let source = self.strings.intern(&*record.source)?;
        if let Some(epss) = record.epss {
            self.estimated.push((id, source, epss));
            let nothing_else = CveRecord { epss: Some(epss), ..CveRecord::new(&*record.id, &*record.source) };
            if *record == nothing_else {
                return Some(());
            }
        }
        let title = match &record.title {
            Some(title) => Some(self.strings.intern(&**title)?),
            None => None,
        };
        let mut cvss = Vec::with_capacity(record.cvss.len());
        for scored in &record.cvss {
            cvss.push((self.strings.intern(&*scored.vector)?, scored.score));
        }
        let facts = Facts {
            source,
            rejected: record.rejected,
            published: record.published,
            severity: record.severity,
            cvss,
            title,
            exploited: record.exploited,
        };
        self.known.push((id, facts));
        Some(())
    }

    /// The segments of what is known, of its texts, and of estimates; those that say something.
    pub(crate) fn encode(self) -> Option<[Option<Vec<u8>>; 3]> {
        let strings = self.strings.into_values();
        let [known, texts] = encode_known(self.known, &strings)?;
        Some([known, texts, encode_estimates(self.estimated, &strings)?])
    }
}

fn encode_known(mut known: Vec<(Id, Facts<Id>)>, strings: &[Arc<str>]) -> Option<[Option<Vec<u8>>; 2]> {
    if known.is_empty() {
        return Some([None, None]);
    }
    let text = |id: Id| &**of(strings, id);
    let sources = known.iter().map(|(_, facts)| facts.source);
    let vectors = known.iter().flat_map(|(_, facts)| facts.cvss.iter().map(|(vector, _)| *vector));
    let stored = Stored::of(sources.chain(vectors).map(text))?;
    // By what is said, not by number, so that the order of arrival leaves no trace.
    known.sort_by(|(one_id, one), (other_id, other)| {
        let by_id = RowId::from(text(*one_id)).cmp(&RowId::from(text(*other_id)));
        by_id.then_with(|| one.of_texts(text).cmp(&other.of_texts(text)))
    });
    known.dedup();
    let mut titles: Vec<Id> = Vec::new();
    let mut numbers = vec![None; strings.len() + 1];
    let mut entries = Vec::new();
    for of_id in known.chunk_by(|(one, _), (other, _)| one == other) {
        let Some((id, _)) = of_id.first() else { continue };
        let mut said = Vec::new();
        for (_, facts) in of_id {
            let title = facts.title.map(|title| number(title, &mut titles, &mut numbers));
            let mut facts = facts.of_texts(|id| stored.offset(text(id)));
            facts.title = title;
            facts.write(&mut said);
        }
        entries.push((RowId::from(text(*id)), said));
    }
    let texts = (!titles.is_empty()).then(|| texts::encode(titles.iter().map(|title| text(*title))));
    let texts = match texts {
        Some(sections) => Some(assemble(&sections?)),
        None => None,
    };
    Some([Some(assemble(&ids::encode(&entries, stored.section)?)), texts])
}

/// The number of a text that is read apart; texts are numbered as they come.
fn number(text: Id, order: &mut Vec<Id>, numbers: &mut [Option<u32>]) -> u32 {
    let next = order.len() as u32;
    match numbers.get_mut(text.get() as usize) {
        Some(Some(number)) => *number,
        place => {
            if let Some(place) = place {
                *place = Some(next);
            }
            order.push(text);
            next
        }
    }
}

fn encode_estimates(mut estimated: Vec<(Id, Id, Epss)>, strings: &[Arc<str>]) -> Option<Option<Vec<u8>>> {
    if estimated.is_empty() {
        return Some(None);
    }
    let text = |id: Id| &**of(strings, id);
    let stored = Stored::of(estimated.iter().map(|(_, source, _)| text(*source)))?;
    estimated.sort_by_key(|(id, source, epss)| (RowId::from(text(*id)), text(*source), *epss));
    estimated.dedup();
    let mut entries = Vec::new();
    for of_id in estimated.chunk_by(|(one, ..), (other, ..)| one == other) {
        let Some((id, ..)) = of_id.first() else { continue };
        let mut said = Vec::new();
        for (_, source, epss) in of_id {
            cve::write_epss(&mut said, stored.offset(text(*source)), epss);
        }
        entries.push((RowId::from(text(*id)), said));
    }
    Some(Some(assemble(&ids::encode(&entries, stored.section)?)))
}

/// Lifecycles by release, then source.
#[derive(Default)]
pub(crate) struct LifecycleDrafts(BTreeMap<Vec<u8>, BTreeSet<(String, Dates)>>);

impl LifecycleDrafts {
    pub(crate) fn add(&mut self, record: &LifecycleRecord) {
        let dates = [record.released, record.standard_end, record.extended_end, record.paid_end];
        let key = other::release_key(&record.release);
        self.0.entry(key).or_default().insert((record.source.clone(), dates));
    }

    pub(crate) fn encode(&self) -> Option<Option<Vec<u8>>> {
        if self.0.is_empty() {
            return Some(None);
        }
        let sources = self.0.values().flatten().map(|(source, _)| source.as_str());
        let stored = Stored::of(sources)?;
        let entries = self.0.iter().map(|(key, records)| {
            let mut said = Vec::new();
            for (source, dates) in records {
                other::write_lifecycle(&mut said, stored.offset(source), dates);
            }
            (key.as_slice(), said)
        });
        let entries: Vec<_> = entries.collect();
        Some(Some(assemble(&names::encode(entries, stored.section)?)))
    }
}

/// The repositories of a distribution.
#[derive(Default)]
pub(crate) struct RepositoryDrafts(BTreeMap<String, BTreeSet<String>>);

impl RepositoryDrafts {
    /// What several records say of one repository is true together.
    pub(crate) fn add(&mut self, record: &RepositoryRecord) {
        self.0.entry(record.repository.clone()).or_default().extend(record.cpes.iter().cloned());
    }

    pub(crate) fn encode(&self) -> Option<Vec<u8>> {
        let stored = Stored::of(self.0.values().flatten().map(String::as_str))?;
        let entries = self.0.iter().map(|(name, cpes)| {
            let mut said = Vec::new();
            cpes.iter().for_each(|cpe| put_varint(&mut said, stored.offset(cpe).into()));
            (name.as_bytes(), said)
        });
        let entries: Vec<_> = entries.collect();
        Some(assemble(&names::encode(entries, stored.section)?))
    }
}
