//! Keeps the cache within its size: what was used least recently goes first.
//!
//! To count the entries at each write would take longer than many a layer, so each writer appends what it wrote
//! to a file of numbers, and only when their sum passes the bound are the entries counted, and the numbers
//! replaced by what remains. A number that is lost to a race is found at the next count.

use super::files::{self, Listed, SIZE};
use crate::folder::{Folder, os};
use rustix::fs::{AtFlags, Mode, OFlags};
use std::fs::File;
use std::io::{self, Read, Write};

/// Bytes of the file of numbers, beyond which it is made anew.
const NUMBERS: u64 = 64 << 10;

/// Adds to what was written.
pub(super) fn wrote(root: &Folder, bytes: u64) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file = rustix::fs::openat(root, SIZE, flags, Mode::RUSR | Mode::WUSR)?;
    File::from(file).write_all(&bytes.to_le_bytes())
}

/// Removes entries when there may be more than `bound` bytes of them.
pub(super) fn trim(root: &Folder, bound: u64) -> io::Result<()> {
    if written(root).is_ok_and(|sum| sum.is_some_and(|sum| sum <= bound)) {
        return Ok(());
    }
    let mut entries = files::list(root)?;
    entries.sort_unstable_by_key(|entry| (entry.used, entry.name));
    let mut sum = entries.iter().map(|entry| entry.bytes).sum::<u64>();
    // A tenth is left free, or the next write would have to count again.
    let aim = if sum > bound { bound - bound / 10 } else { bound };
    for Listed { name, bytes, .. } in entries {
        if sum <= aim {
            break;
        }
        files::gone(files::remove(root, name))?;
        sum -= bytes;
    }
    let (temporary, mut file) = files::temporary(root)?;
    file.write_all(&sum.to_le_bytes())?;
    Ok(rustix::fs::renameat(root, temporary, root, SIZE)?)
}

/// The sum of the numbers. `None`: they are damaged, or too many.
fn written(root: &Folder) -> io::Result<Option<u64>> {
    let mut bytes = Vec::new();
    root.file(os(SIZE.as_bytes()))?.take(NUMBERS + 1).read_to_end(&mut bytes)?;
    let (numbers, rest) = bytes.as_chunks::<8>();
    if bytes.len() as u64 > NUMBERS || !rest.is_empty() {
        return Ok(None);
    }
    Ok(numbers.iter().try_fold(0_u64, |sum, number| sum.checked_add(u64::from_le_bytes(*number))))
}

/// Removes the file of numbers.
pub(super) fn forget(root: &Folder) {
    // Without it the entries are counted.
    let _ = rustix::fs::unlinkat(root, SIZE, AtFlags::empty());
}
