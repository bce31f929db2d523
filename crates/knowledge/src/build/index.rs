//! The tables that lead from a name to its keys.

use super::encode::{Fit, TooLarge, fit};
use super::ranked::Ranked;
use crate::codec::put_blob;
use crate::section::Section;
use crate::segment::{SLOT_BITS, slot_of};

/// A key in the file: ranks of name and scope, where its rows and their details lie, and its number in the order of
/// scopes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Filed {
    pub(crate) name: u32,
    pub(crate) scope: u32,
    pub(crate) group: u32,
    pub(crate) details: u32,
}

/// The sections of the keys, `filed` by name, then scope.
pub(crate) fn index(filed: &[Filed], ranked: &Ranked) -> Fit<Vec<(Section, Vec<u8>)>> {
    let (mut names, mut texts, mut keys, mut details) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut hashed = Vec::new();
    for of_name in filed.chunk_by(|one, other| one.name == other.name) {
        let Some(first) = of_name.first() else { continue };
        let name = ranked.text(first.name);
        put_pair(&mut names, fit(texts.len(), "names")?, fit(keys.len() / 6, "keys")?);
        put_blob(&mut texts, name.as_bytes());
        hashed.push(name);
        for key in of_name {
            keys.extend(u16::try_from(key.scope).map_err(|_| TooLarge("releases"))?.to_le_bytes());
            keys.extend(key.group.to_le_bytes());
            details.extend(key.details.to_le_bytes());
        }
    }
    put_pair(&mut names, 0, fit(keys.len() / 6, "keys")?);
    Ok(vec![
        (Section::Slots, slots(&hashed)?),
        (Section::Names, names),
        (Section::NameTexts, texts),
        (Section::Keys, keys),
        (Section::KeyDetails, details),
    ])
}

/// Two of three slots are taken, so that the search for a name that is not there ends soon.
fn slots(names: &[&str]) -> Fit<Vec<u8>> {
    if names.len() >> SLOT_BITS != 0 {
        return Err(TooLarge("names"));
    }
    let count = names.len() + names.len() / 2 + 1;
    let mut slots = vec![0u32; count];
    for (number, name) in (1..).zip(names) {
        let (tag, start) = slot_of(name, count);
        let free = (0..count).map(|step| (start + step) % count);
        for place in free {
            if let Some(slot) = slots.get_mut(place).filter(|slot| **slot == 0) {
                *slot = tag | number;
                break;
            }
        }
    }
    Ok(slots.iter().flat_map(|slot| slot.to_le_bytes()).collect())
}

fn put_pair(out: &mut Vec<u8>, first: u32, second: u32) {
    out.extend(first.to_le_bytes());
    out.extend(second.to_le_bytes());
}
