//! What layers said, kept for the next scan: evidence by (layer digest, question version). Beside it the documents of
//! registries by digest, and the facts of whole images.
//!
//! A layer whose evidence is here is not read again, and its bytes are not compared again: they were when the
//! evidence was made, and the digest still names them. Whatever goes wrong with the cache, the scan goes on and
//! reads the layers; [`Cache::remarks`] says what it was.

mod cursor;
mod decode;
mod encode;
mod files;
mod format;
mod key;
mod known;
mod raw;
mod trim;
mod usage;

#[cfg(test)]
pub(crate) mod tests;

pub use key::EntryName;
pub(crate) use key::Key;
#[cfg(test)]
pub(crate) use key::QuestionVersion;
pub(crate) use known::{Keys, Known};
pub use usage::Usage;

use crate::content::Store;
use crate::evidence::{Cost, LayerEvidence};
use crate::folder::Folder;
use crate::layer::LayerError;
use cursor::Damaged;
use decode::DecodeError;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An entry's last use is noted at most this often.
const NOTED: Duration = Duration::from_secs(3600);

/// A folder of evidence. Any number of processes share it.
#[derive(Debug, Clone)]
pub struct Cache(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    max_size: u64,
    now: SystemTime,
    /// It could not be read, or not be written: that is not tried again.
    unreadable: AtomicBool,
    unwritable: AtomicBool,
    cleaned: AtomicBool,
    remarks: Mutex<Vec<String>>,
}

impl Cache {
    /// Bytes that a cache may take unless something else is asked for.
    pub const MAX_SIZE: u64 = 2 << 30;

    /// The cache in `folder`, which is made when something is to be kept. It takes at most `max_size` bytes;
    /// `now` dates what is used.
    #[must_use]
    pub fn new(folder: PathBuf, max_size: u64, now: SystemTime) -> Self {
        Self(Arc::new(Shared {
            folder,
            max_size,
            now,
            unreadable: AtomicBool::new(false),
            unwritable: AtomicBool::new(false),
            cleaned: AtomicBool::new(false),
            remarks: Mutex::default(),
        }))
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// What the user should know of it, since this was last asked.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.remarks.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn remark(&self, remark: String) {
        self.0.remarks.lock().unwrap_or_else(PoisonError::into_inner).push(remark);
    }

    fn named(&self) -> String {
        format!("the layer cache `{}`", self.0.folder.display().to_string().escape_debug())
    }

    fn now(&self) -> i64 {
        let since = self.0.now.duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    }

    /// The evidence of `key`, one of `layers` to be read. `charge` counts what it costs.
    fn load(
        &self,
        key: &Key,
        layers: usize,
        store: &Store,
        charge: impl FnOnce(&Cost) -> Result<(), LayerError>,
    ) -> Result<Option<LayerEvidence>, LayerError> {
        let Some((root, file)) = self.find(key.name()) else { return Ok(None) };
        match decode::read(&file, key, layers, store, charge) {
            Ok(evidence) => {
                self.note_use(&file);
                return Ok(Some(evidence));
            }
            Err(DecodeError::Layer(error)) => return Err(error),
            Err(DecodeError::Other) => {}
            Err(DecodeError::Io(error)) => self.unreadable(&error),
            Err(DecodeError::Damaged(why)) => self.damaged(&root, key.name(), &key.digest.to_string(), &why),
        }
        Ok(None)
    }

    /// The entry of this name.
    fn find(&self, name: EntryName) -> Option<(Folder, File)> {
        if self.0.unreadable.load(Ordering::Relaxed) {
            return None;
        }
        let opened = files::open(&self.0.folder).and_then(|root| {
            let Some(root) = root else { return Ok(None) };
            match files::entry(&root, name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                file => Ok(Some((root, file?))),
            }
        });
        opened.unwrap_or_else(|error| {
            self.unreadable(&error);
            None
        })
    }

    /// One that stays is replaced once the layer was read.
    fn damaged(&self, root: &Folder, name: EntryName, of: &str, why: &Damaged) {
        self.remark(format!("{}: what it holds of {of} is damaged ({why})", self.named()));
        let _ = files::remove(root, name);
    }

    fn unreadable(&self, error: &io::Error) {
        self.0.unwritable.store(true, Ordering::Relaxed);
        if !self.0.unreadable.swap(true, Ordering::Relaxed) {
            self.remark(format!("{} cannot be read ({error}): the scan goes on without it", self.named()));
        }
    }

    /// Makes the entry count as used now.
    fn note_use(&self, file: &File) {
        let used = file.metadata().and_then(|meta| meta.modified()).unwrap_or(UNIX_EPOCH);
        if self.0.now.duration_since(used).is_ok_and(|since| since > NOTED) {
            // In a folder that may only be read, all entries stay as old as they are.
            let _ = file.set_modified(self.0.now);
        }
    }

    /// Keeps evidence of a layer whose digest and size were compared.
    fn store(&self, key: &Key, evidence: &LayerEvidence) {
        if !evidence.cost.cut {
            self.put(key.name(), true, |file| encode::write(file, key, evidence));
        }
    }

    /// Writes the entry of this name as `fill` does.
    fn put(&self, name: EntryName, is_synced: bool, fill: impl FnOnce(&File) -> io::Result<()>) {
        if self.0.unwritable.load(Ordering::Relaxed) {
            return;
        }
        let stored = files::create(&self.0.folder).and_then(|root| {
            self.clean(&root);
            let bytes = files::write(&root, name, is_synced, |file| {
                fill(file)?;
                // As another process would see it.
                file.set_modified(self.0.now)
            })?;
            trim::wrote(&root, bytes)
        });
        self.written(stored);
    }

    /// Removes what is beyond the bound.
    fn trim(&self) {
        if !self.0.unwritable.load(Ordering::Relaxed) {
            self.written(files::create(&self.0.folder).and_then(|root| trim::trim(&root, self.0.max_size)));
        }
    }

    fn written(&self, result: io::Result<()>) {
        let Err(error) = result else { return };
        if !self.0.unwritable.swap(true, Ordering::Relaxed) {
            self.remark(format!(
                "{} cannot be written ({error}): the scan goes on, and layers are not remembered",
                self.named()
            ));
        }
    }

    /// Removes what writers left that were killed, once.
    fn clean(&self, root: &Folder) {
        if self.0.cleaned.swap(true, Ordering::Relaxed) {
            return;
        }
        for name in files::unfinished(root, Some(self.now())).unwrap_or_default() {
            // Another process may be faster.
            let _ = files::remove_unfinished(root, &name);
        }
    }
}
