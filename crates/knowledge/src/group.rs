//! The rows of a key as numbers.
//!
//! ```text
//! group      base, then rows to the end of the blob, by id
//! row        distance of the id's number from the row before · 4 + 0: the statement of the row before
//!                                                             + 1: a statement follows
//!                                                             + 2: the place of an earlier statement in the group follows
//! statement  judgement u8 (`codes`) · context · 4 + 1 if fixed + 2 if introduced · [fixed] · [introduced]
//! ```
//!
//! All but the judgement are varints. A version is its place in `Versions` as a signed distance from `base`: since
//! versions stand there in the order of first use, those of a group lie side by side.

use crate::codec::{Cursor, put_signed, put_varint};
use crate::codes::Judgement;
use hashbrown::HashMap;

const SAME: u64 = 0;
const NEW: u64 = 1;
const EARLIER: u64 = 2;
const FIXED: u64 = 1;
const INTRODUCED: u64 = 2;

/// What a row says of its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Statement {
    pub(crate) judgement: Judgement,
    /// Number in `ContextPlaces`.
    pub(crate) context: u32,
    /// Places in `Versions`.
    pub(crate) fixed: Option<u32>,
    pub(crate) introduced: Option<u32>,
}

impl Statement {
    fn write(&self, out: &mut Vec<u8>, base: u32) {
        out.push(self.judgement.code());
        let flags =
            u64::from(self.fixed.is_some()) * FIXED + u64::from(self.introduced.is_some()) * INTRODUCED;
        put_varint(out, u64::from(self.context) << 2 | flags);
        for version in [self.fixed, self.introduced].into_iter().flatten() {
            put_signed(out, i64::from(version) - i64::from(base));
        }
    }

    #[inline]
    fn read(cursor: &mut Cursor<'_>, base: u32) -> Option<Self> {
        let judgement = Judgement::of_code(cursor.byte()?)?;
        let word = cursor.varint()?;
        let mut version = |bit| {
            if word & bit == 0 {
                return Some(None);
            }
            let place = i64::from(base).checked_add(cursor.signed()?)?;
            u32::try_from(place).ok().map(Some)
        };
        let (fixed, introduced) = (version(FIXED)?, version(INTRODUCED)?);
        Some(Self { judgement, context: u32::try_from(word >> 2).ok()?, fixed, introduced })
    }
}

/// The blob of rows, which are sorted by id.
pub(crate) fn encode(rows: impl IntoIterator<Item = (u32, Statement)>, out: &mut Vec<u8>) {
    let mut rows = rows.into_iter().peekable();
    let base = rows.peek().and_then(|(_, statement)| statement.fixed.or(statement.introduced)).unwrap_or(0);
    put_varint(out, base.into());
    let mut places: HashMap<Statement, usize> = HashMap::new();
    let (mut last_id, mut last) = (0, None);
    for (id, statement) in rows {
        let distance = u64::from(id.saturating_sub(last_id)) << 2;
        if last == Some(statement) {
            put_varint(out, distance | SAME);
        } else if let Some(place) = places.get(&statement) {
            put_varint(out, distance | EARLIER);
            put_varint(out, *place as u64);
        } else {
            put_varint(out, distance | NEW);
            places.insert(statement, out.len());
            statement.write(out, base);
        }
        (last_id, last) = (id, Some(statement));
    }
}

/// Reads a group forward.
#[derive(Clone, Copy)]
pub(crate) struct GroupReader<'a> {
    whole: &'a [u8],
    rest: Cursor<'a>,
    base: u32,
    id: u32,
    last: Option<Statement>,
}

impl<'a> GroupReader<'a> {
    pub(crate) fn new(whole: &'a [u8]) -> Option<Self> {
        let mut rest = Cursor::new(whole);
        let base = rest.offset()?;
        Some(Self { whole, rest, base, id: 0, last: None })
    }

    /// No rows.
    pub(crate) fn empty() -> Self {
        Self { whole: &[], rest: Cursor::new(&[]), base: 0, id: 0, last: None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Number of the id, and what is said of it; `None`: the bytes make no sense.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<(u32, Statement)> {
        let word = self.rest.varint()?;
        self.id = self.id.checked_add(u32::try_from(word >> 2).ok()?)?;
        let statement = match word & 3 {
            SAME => self.last?,
            NEW => Statement::read(&mut self.rest, self.base)?,
            EARLIER => {
                let place = usize::try_from(self.rest.varint()?).ok()?;
                // Always behind us, whatever the bytes say; it only has to be read within bounds.
                Statement::read(&mut Cursor::new(self.whole.get(place..)?), self.base)?
            }
            _ => return None,
        };
        self.last = Some(statement);
        Some((self.id, statement))
    }
}
