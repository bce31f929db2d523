//! A root filesystem in a folder: read as if it were one layer, in the order of its names.
//!
//! No link is followed, no other file system entered (`/proc` of a running system), no device opened.

use crate::collect::Collector;
use crate::evidence::LayerEvidence;
use crate::folder::{Folder, os};
use crate::layer::LayerError;
use crate::limits::{LimitError, Limits};
use crate::path::join;
use crate::progress::Meter;
use crate::question::Question;
use crate::tar::{Entry, EntryKind, Visitor};
use imagescan_model::{Incomplete, IncompleteKind};
use rustix::fs::{FileType, Stat};
use std::io::{self, Read};
use std::path::Path;

/// Folders within folders: each open one takes a descriptor.
const DEPTH: usize = 256;

/// What the walk carries along.
struct Walk<'a> {
    collector: Collector<'a>,
    question: &'a Question,
    limits: &'a Limits,
    meter: &'a Meter,
    device: u64,
    incomplete: Vec<Incomplete>,
    buffer: Vec<u8>,
}

/// A folder that is being walked.
struct Level {
    folder: Folder,
    path: String,
    names: std::vec::IntoIter<Vec<u8>>,
}

/// Reads the folder at `path`.
pub(crate) fn read(
    path: &Path,
    question: &Question,
    collector: Collector<'_>,
    limits: &Limits,
    meter: &Meter,
) -> Result<LayerEvidence, LayerError> {
    let folder = Folder::open(path)?;
    let device = folder.own_stat()?.st_dev;
    let buffer = vec![0; 256 << 10];
    let mut walk = Walk { collector, question, limits, meter, device, incomplete: Vec::new(), buffer };
    let names = folder.names(limits.entries)?.into_iter();
    let mut levels = vec![Level { folder, path: String::new(), names }];
    while let Some(level) = levels.last_mut() {
        let Some(name) = level.names.next() else {
            levels.pop();
            continue;
        };
        let path = join(&level.path, &String::from_utf8_lossy(&name));
        if path.len() > limits.path_length {
            let bound = limits.path_length as u64;
            return Err(LayerError::Limit(LimitError::new(bound, "bytes in a path", "--max-path-length")));
        }
        if let Some(next) = walk.entry(&level.folder, &name, &path)? {
            if levels.len() == DEPTH {
                walk.unread(&path, format!("folders are nested more than {DEPTH} deep"));
            } else {
                levels.push(next);
            }
        }
    }
    let mut evidence = walk.collector.finish(0);
    evidence.incomplete.append(&mut walk.incomplete);
    Ok(evidence)
}

impl Walk<'_> {
    /// Looks at one name; gives the folder to walk next, if it is one.
    fn entry(&mut self, folder: &Folder, name: &[u8], path: &str) -> Result<Option<Level>, LayerError> {
        let result = folder.stat(os(name)).and_then(|stat| self.look(folder, name, path, &stat));
        match result {
            Ok(Seen::Folder(next)) => Ok(Some(next)),
            Ok(Seen::Entry(kind, link, stat)) => {
                self.show(path, kind, &link, &stat)?;
                Ok(None)
            }
            Ok(Seen::File(mut file, stat)) => {
                if self.show(path, EntryKind::Regular, &[], &stat)? {
                    self.copy(&mut file, path)?;
                }
                Ok(None)
            }
            // It vanished while we looked: there is nothing to say of it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => {
                self.unread(path, error.to_string());
                Ok(None)
            }
        }
    }

    fn look(&self, folder: &Folder, name: &[u8], path: &str, stat: &Stat) -> io::Result<Seen> {
        Ok(match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory if stat.st_dev != self.device => {
                return Err(io::Error::other(
                    "another file system is mounted there: unpack it into the folder",
                ));
            }
            FileType::Directory => {
                let folder = folder.enter(os(name))?;
                let names = folder.names(self.limits.entries)?.into_iter();
                Seen::Folder(Level { folder, path: path.into(), names })
            }
            FileType::Symlink => Seen::Entry(EntryKind::Symlink, folder.link(os(name))?, *stat),
            // Opened before it is shown: what cannot be opened was not seen.
            FileType::RegularFile => Seen::File(folder.file(os(name))?, *stat),
            _ => Seen::Entry(EntryKind::Special, Vec::new(), *stat),
        })
    }

    fn show(&mut self, path: &str, kind: EntryKind, link: &[u8], stat: &Stat) -> Result<bool, LayerError> {
        let entry = Entry {
            kind,
            path: path.as_bytes(),
            link,
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            mode: stat.st_mode,
            modified: stat.st_mtime,
            body: None,
        };
        self.collector.entry(&entry)
    }

    fn copy(&mut self, file: &mut impl Read, path: &str) -> Result<(), LayerError> {
        loop {
            match file.read(&mut self.buffer) {
                Ok(0) => break,
                Ok(count) => {
                    self.meter.inflated(count as u64, self.limits)?;
                    self.meter.read(count as u64);
                    self.collector.body(self.buffer.get(..count).unwrap_or_default())?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.unread(path, error.to_string());
                    break;
                }
            }
        }
        self.collector.end()
    }

    /// What cannot be read matters only on the way to something that was asked for.
    fn unread(&mut self, path: &str, why: String) {
        if self.question.wants(path) || self.question.leads(path) {
            self.incomplete.push(Incomplete { what: IncompleteKind::Layer, path: Some(path.into()), why });
        }
    }
}

enum Seen {
    Folder(Level),
    File(std::fs::File, Stat),
    Entry(EntryKind, Vec<u8>, Stat),
}
