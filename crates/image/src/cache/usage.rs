//! What a cache holds, and its end.

use super::files::{self, Listed};
use super::{Cache, trim};
use std::io;

/// What a cache holds. Times are seconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Entries: layers, once for each question asked of them.
    pub entries: u64,
    /// Bytes on the disk.
    pub bytes: u64,
    /// When the entry that was not used for longest was.
    pub oldest_use: Option<i64>,
    /// When any was.
    pub newest_use: Option<i64>,
    /// Entries being written, or left by a writer that was killed.
    pub unfinished: u64,
    /// Bytes that it may take.
    pub max_size: u64,
}

impl Cache {
    /// Counts what there is.
    ///
    /// # Errors
    /// What reading the folder says. One that is not there is empty.
    pub fn usage(&self) -> io::Result<Usage> {
        let empty = Usage { max_size: self.0.max_size, ..Usage::default() };
        let Some(root) = files::open(&self.0.folder)? else { return Ok(empty) };
        let entries = files::list(&root)?;
        Ok(Usage {
            entries: entries.len() as u64,
            bytes: entries.iter().map(|entry| entry.bytes).sum(),
            oldest_use: entries.iter().map(|entry| entry.used).min(),
            newest_use: entries.iter().map(|entry| entry.used).max(),
            unfinished: files::unfinished(&root, None)?.len() as u64,
            ..empty
        })
    }

    /// Removes every entry and temporary file, and nothing else; gives what there was.
    ///
    /// # Errors
    /// What the folder says: some may be removed then.
    pub fn clear(&self) -> io::Result<Usage> {
        let usage = self.usage()?;
        let Some(root) = files::open(&self.0.folder)? else { return Ok(usage) };
        for Listed { name, .. } in files::list(&root)? {
            files::gone(files::remove(&root, name))?;
        }
        for name in files::unfinished(&root, None)? {
            files::gone(files::remove_unfinished(&root, &name))?;
        }
        trim::forget(&root);
        Ok(usage)
    }
}
