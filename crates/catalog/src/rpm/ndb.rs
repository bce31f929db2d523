//! SUSE's `Packages.db` (rpm's `lib/backend/ndb/rpmpkg.c`): slots that point to blobs, each with its own magic
//! at both ends and an Adler-32 checksum. Little-endian; blocks of 16 bytes, slot pages of 4096.

use super::Blobs;
use super::bytes::{Endian, index};
use super::header;
use imagescan_image::ReadAt;
use std::collections::BTreeSet;

const LITTLE: Endian = Endian::Little;
const BLOCK: u64 = 16;
const PAGE: u64 = 4096;
const HEAD: usize = 16;
const TAIL: usize = 12;

const DATABASE: u32 = u32::from_le_bytes(*b"RpmP");
const SLOT: u32 = u32::from_le_bytes(*b"Slot");
const BLOB_START: u32 = u32::from_le_bytes(*b"BlbS");
const BLOB_END: u32 = u32::from_le_bytes(*b"BlbE");

/// Reads all headers of `file`.
pub(crate) fn read(file: &dyn ReadAt) -> Blobs {
    let mut blobs = Blobs::default();
    if let Err(why) = slots(file, &mut blobs) {
        blobs.problems.push(why);
    }
    blobs
}

fn slots(file: &dyn ReadAt, blobs: &mut Blobs) -> Result<(), String> {
    let mut head = [0; 32];
    file.read_exact_at(&mut head, 0).map_err(|_| "it is shorter than a database's header".to_string())?;
    let field = |at| LITTLE.u32(&head, at).unwrap_or_default();
    if field(0) != DATABASE {
        return Err("it does not begin like an ndb database".into());
    }
    if field(4) != 0 {
        return Err(format!("its version is {}: version 0 is known", field(4)));
    }
    let pages = u64::from(field(12));
    if pages == 0 || pages * PAGE > file.len() {
        return Err(format!(
            "its {pages} pages of slots do not fit into its {} bytes: it is cut",
            file.len()
        ));
    }
    let mut seen = BTreeSet::new();
    let mut page = vec![0; 4096];
    for number in 0..pages {
        file.read_exact_at(&mut page, number * PAGE).map_err(|error| error.to_string())?;
        // The first two slots of the first page are the header.
        for (slot, bytes) in page.chunks_exact(16).enumerate().skip(if number == 0 { 2 } else { 0 }) {
            let field = |at| LITTLE.u32(bytes, at).unwrap_or_default();
            let name = format!("slot {slot} of page {number}");
            if field(0) != SLOT {
                return Err(format!("{name} is damaged"));
            }
            // A free slot has no package and, in the block count, what may be left of the old one.
            if field(4) == 0 {
                continue;
            }
            if !seen.insert(field(4)) {
                blobs.problems.push(format!("{name}: package {} is there twice", field(4)));
            }
            match blob(file, field(4), field(8), field(12)) {
                Ok(blob) => blobs.take(&blob, &name),
                Err(why) => blobs.problems.push(format!("{name}: {why}")),
            }
        }
    }
    Ok(())
}

fn blob(file: &dyn ReadAt, package: u32, start: u32, blocks: u32) -> Result<Vec<u8>, String> {
    let length = u64::from(blocks) * BLOCK;
    if length > header::LONGEST as u64 || length < (HEAD + TAIL) as u64 {
        return Err(format!("{blocks} blocks are no package"));
    }
    let mut bytes = vec![0; index(blocks) * 16];
    file.read_exact_at(&mut bytes, u64::from(start) * BLOCK).map_err(|_| "it lies outside of the file")?;
    let field = |at| LITTLE.u32(&bytes, at).unwrap_or_default();
    let stated = index(field(12));
    if field(0) != BLOB_START || field(4) != package {
        return Err("another package lies there: it is damaged".into());
    }
    let tail = bytes.len() - TAIL;
    let needed = stated.saturating_add(HEAD + TAIL).div_ceil(16) * 16;
    if needed != bytes.len() || index(field(tail + 4)) != stated || field(tail + 8) != BLOB_END {
        return Err("its length is not what its slot says: it is damaged".into());
    }
    let summed = bytes.get(..tail).unwrap_or_default();
    if adler32(summed) != field(tail) {
        return Err("its checksum is wrong".into());
    }
    Ok(bytes.get(HEAD..HEAD + stated).unwrap_or_default().to_vec())
}

/// Adler-32 (RFC 1950, 8.2).
fn adler32(bytes: &[u8]) -> u32 {
    let (mut a, mut b) = (1_u32, 0_u32);
    // As many additions as cannot overflow.
    for chunk in bytes.chunks(5552) {
        for byte in chunk {
            a += u32::from(*byte);
            b += a;
        }
        a %= 65_521;
        b %= 65_521;
    }
    b << 16 | a
}
