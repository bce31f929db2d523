//! What is known of a CVE, a release or a repository, whatever package is asked about: segments beside those of
//! distributions, each searched in place.

pub(crate) mod cve;
pub(crate) mod ids;
pub(crate) mod names;
pub(crate) mod other;

use crate::error::{Damage, KnowledgeError};
use crate::ids::RowId;
use crate::manifest::{Kind, SegmentEntry};
use crate::texts::Texts;
use ids::ById;
use imagescan_model::{CveRecord, Epss, LifecycleRecord, Release, RepositoryRecord};
use names::{Names, Said};
use std::collections::BTreeMap;
use std::path::Path;

/// What is said of an id.
pub(crate) type OfId<'a> = (Option<RowId<'a>>, Vec<CveRecord>);

/// The facts of a database; what was never given has no segment.
#[derive(Default)]
pub(crate) struct Facts {
    cves: Option<ById>,
    texts: Option<Texts>,
    epss: Option<ById>,
    lifecycles: Option<Names>,
    /// By distribution.
    repositories: BTreeMap<String, Names>,
}

impl Facts {
    /// Opens a segment, if it is one of facts.
    pub(crate) fn open(&mut self, dir: &Path, entry: &SegmentEntry) -> Result<(), KnowledgeError> {
        let (path, size, header) = (entry.path(dir), entry.size, entry.header(dir)?);
        match entry.kind() {
            Kind::Cves => self.cves = Some(ById::open(&path, size, header)?),
            Kind::FactTexts => self.texts = Some(Texts::open(&path, size, header)?),
            Kind::Epss => self.epss = Some(ById::open(&path, size, header)?),
            Kind::Lifecycles => self.lifecycles = Some(Names::open(&path, size, header)?),
            Kind::Repositories(distribution) => {
                self.repositories.insert(distribution.into(), Names::open(&path, size, header)?);
            }
            Kind::Advisories(_) | Kind::Texts(_) => (),
        }
        Ok(())
    }

    /// What each source says of a CVE; what EPSS says is a record of its own.
    pub(crate) fn cve(&self, id: &str) -> Result<Vec<CveRecord>, KnowledgeError> {
        let mut records = Vec::new();
        if let Some(table) = &self.cves {
            let found = table.find(id).map_err(|damage| table.file.damaged(damage))?;
            if let Some(said) = found {
                self.read_cve(table, id, said, &mut records)?;
            }
        }
        if let Some(table) = &self.epss {
            let damaged = |damage| table.file.damaged(damage);
            if let Some(said) = table.find(id).map_err(damaged)? {
                read_estimates(said, id, &mut records).map_err(damaged)?;
            }
        }
        records.sort();
        Ok(records)
    }

    fn read_cve(
        &self,
        table: &ById,
        id: &str,
        mut said: Said<'_>,
        records: &mut Vec<CveRecord>,
    ) -> Result<(), KnowledgeError> {
        let damaged = |damage| table.file.damaged(damage);
        while !said.is_empty() {
            let (mut record, title) = cve::read(&mut said, id).map_err(damaged)?;
            if let Some(number) = title {
                let texts = self.texts.as_ref().ok_or_else(|| damaged(said.malformed))?;
                record.title = Some(texts.get(number)?);
            }
            records.push(record);
        }
        Ok(())
    }

    /// The first estimate of a CVE.
    pub(crate) fn epss(&self, id: &str) -> Result<Option<Epss>, KnowledgeError> {
        let Some(table) = &self.epss else { return Ok(None) };
        let found = table.find(id).and_then(|said| match said {
            Some(mut said) => cve::read_epss(&mut said).map(|(_, epss)| Some(epss)),
            None => Ok(None),
        });
        found.map_err(|damage| table.file.damaged(damage))
    }

    pub(crate) fn lifecycle(&self, release: &Release) -> Result<Vec<LifecycleRecord>, KnowledgeError> {
        let Some(table) = &self.lifecycles else { return Ok(Vec::new()) };
        let found = table.find(&other::release_key(release)).and_then(|said| match said {
            Some(said) => other::read_lifecycles(said, release),
            None => Ok(Vec::new()),
        });
        found.map_err(|damage| table.file.damaged(damage))
    }

    pub(crate) fn repository(
        &self,
        distribution: &str,
        name: &str,
    ) -> Result<Option<Vec<&str>>, KnowledgeError> {
        let Some(table) = self.repositories.get(distribution) else { return Ok(None) };
        let found = table.find(name.as_bytes()).and_then(|said| said.map(other::read_repository).transpose());
        found.map_err(|damage| table.file.damaged(damage))
    }

    /// Every CVE's records, in the order of the ids, then every estimate.
    pub(crate) fn cves(&self) -> impl Iterator<Item = Result<CveRecord, KnowledgeError>> {
        let all = self.by_cve().map(|entry| entry.map(|(_, records)| records));
        flattened(all.chain(self.by_estimated().map(|entry| entry.map(|(_, records)| records))))
    }

    /// What is known of each CVE but its EPSS; every entry has an id.
    pub(crate) fn by_cve(&self) -> impl Iterator<Item = Result<OfId<'_>, KnowledgeError>> {
        self.cves.iter().flat_map(move |table| {
            table.all().map(move |entry| {
                let (id, said) = entry.map_err(|damage| table.file.damaged(damage))?;
                let mut records = Vec::new();
                self.read_cve(table, &id.to_string(), said, &mut records)?;
                Ok((Some(id), records))
            })
        })
    }

    /// The EPSS of each CVE; every entry has an id.
    pub(crate) fn by_estimated(&self) -> impl Iterator<Item = Result<OfId<'_>, KnowledgeError>> {
        self.epss.iter().flat_map(|table| {
            table.all().map(move |entry| {
                let read = entry.and_then(|(id, said)| {
                    let mut records = Vec::new();
                    read_estimates(said, &id.to_string(), &mut records)?;
                    Ok((Some(id), records))
                });
                read.map_err(|damage| table.file.damaged(damage))
            })
        })
    }

    /// Every lifecycle, by release.
    pub(crate) fn lifecycles(&self) -> impl Iterator<Item = Result<LifecycleRecord, KnowledgeError>> {
        flattened(self.lifecycles.iter().flat_map(|table| {
            table.all().map(move |entry| {
                let read = entry.and_then(|(key, said)| {
                    let release = other::release_of(key).ok_or(said.malformed)?;
                    other::read_lifecycles(said, &release)
                });
                read.map_err(|damage| table.file.damaged(damage))
            })
        }))
    }

    /// Every repository, by distribution and name.
    pub(crate) fn repositories(&self) -> impl Iterator<Item = Result<RepositoryRecord, KnowledgeError>> {
        self.repositories.iter().flat_map(|(distribution, table)| {
            table.all().map(move |entry| {
                let read = entry.and_then(|(name, said)| {
                    let repository = str::from_utf8(name).map_err(|_| said.malformed)?.to_owned();
                    let cpes = other::read_repository(said)?.into_iter().map(str::to_owned).collect();
                    Ok(RepositoryRecord { distribution: distribution.clone(), repository, cpes })
                });
                read.map_err(|damage| table.file.damaged(damage))
            })
        })
    }

    /// Every checksum is right, names ascend, and all that is said can be read.
    pub(crate) fn verify(&self) -> Result<(), KnowledgeError> {
        for table in [&self.cves, &self.epss].into_iter().flatten() {
            table.verify().map_err(|damage| table.file.damaged(damage))?;
        }
        if let Some(texts) = &self.texts {
            texts.verify()?;
        }
        for table in self.lifecycles.iter().chain(self.repositories.values()) {
            table.verify().map_err(|damage| table.file.damaged(damage))?;
        }
        self.cves().try_for_each(|record| record.map(drop))?;
        self.lifecycles().try_for_each(|record| record.map(drop))?;
        self.repositories().try_for_each(|record| record.map(drop))
    }
}

fn read_estimates(mut said: Said<'_>, id: &str, records: &mut Vec<CveRecord>) -> Result<(), Damage> {
    while !said.is_empty() {
        let (source, epss) = cve::read_epss(&mut said)?;
        records.push(CveRecord { epss: Some(epss), ..CveRecord::new(id, source) });
    }
    Ok(())
}

/// Each record of each list, and each error once.
fn flattened<T>(
    lists: impl Iterator<Item = Result<Vec<T>, KnowledgeError>>,
) -> impl Iterator<Item = Result<T, KnowledgeError>> {
    lists.flat_map(|list| match list {
        Ok(records) => records.into_iter().map(Ok).collect::<Vec<_>>(),
        Err(error) => vec![Err(error)],
    })
}
