//! A tar archive, walked as its bytes arrive.
//!
//! Headers are parsed where they lie in the decoder's output window; bodies that nobody wants are stepped over
//! without a look. The walker never holds more than one header, one path and one bounded set of PAX records.

mod header;
mod pax;
mod sparse;

use crate::limits::LimitError;
use header::{BLOCK, Block, Header, Kind};
use pax::Pax;
use sparse::Expander;

/// Bytes of PAX records or of a sparse map (Go's archive/tar has the same bound).
const EXTENSION: u64 = 1 << 20;

/// What is wrong with an archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TarError {
    #[error("the tar header at byte {offset} has an invalid {what}")]
    Header { offset: u64, what: &'static str },
    #[error("the archive ends inside the entry at byte {offset}")]
    Truncated { offset: u64 },
    #[error("{count} bytes or more follow the end of the archive at byte {offset}")]
    Trailing { offset: u64, count: u64 },
    #[error(transparent)]
    Limit(#[from] LimitError),
}

/// What kind of thing an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    Regular,
    HardLink,
    Symlink,
    Folder,
    Special,
}

/// An entry, before its body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub kind: EntryKind,
    pub path: &'a [u8],
    pub link: &'a [u8],
    /// Bytes of the file, holes included.
    pub size: u64,
    pub mode: u32,
    /// Seconds since 1970.
    pub modified: i64,
    /// Where the body lies, if it lies there in one piece.
    pub body: Option<u64>,
}

/// Sees the entries as they pass.
pub(crate) trait Visitor {
    type Error: From<TarError>;

    /// Whether the body is wanted.
    fn entry(&mut self, entry: &Entry<'_>) -> Result<bool, Self::Error>;
    /// The next bytes of a wanted body.
    fn body(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;
    /// The wanted body is complete.
    fn end(&mut self) -> Result<(), Self::Error>;
}

/// Bounds of the walk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TarLimits {
    pub entries: u64,
    pub path_length: usize,
}

/// What the next bytes are.
enum State {
    Header,
    /// More of an old sparse map.
    SparseMap(Box<Header>, u64),
    /// A GNU long name or PAX records.
    Extension(Kind),
    Body,
    /// One zero block was seen.
    Ending,
    Ended,
}

/// The walker.
pub(crate) struct Walker {
    state: State,
    limits: TarLimits,
    entries: u64,
    /// Bytes of the archive taken so far.
    position: u64,
    /// Where the current entry's header lies.
    entry_at: u64,
    /// Bytes of a block that came in two parts.
    partial: Vec<u8>,
    /// Bytes left of the current body, and of the padding after it.
    body: u64,
    padding: u64,
    wanted: bool,
    expander: Option<Expander>,
    extension: Vec<u8>,
    long_path: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
    pax: Option<Pax>,
    sparse_map: Vec<(u64, u64)>,
    trailing: u64,
}

impl Walker {
    pub(crate) fn new(limits: TarLimits) -> Self {
        Self {
            state: State::Header,
            limits,
            entries: 0,
            position: 0,
            entry_at: 0,
            partial: Vec::new(),
            body: 0,
            padding: 0,
            wanted: false,
            expander: None,
            extension: Vec::new(),
            long_path: None,
            long_link: None,
            pax: None,
            sparse_map: Vec::new(),
            trailing: 0,
        }
    }

    /// How many of the next bytes may be stepped over with [`Walker::skip`] instead of being pushed.
    pub(crate) fn skippable(&self) -> u64 {
        match self.state {
            State::Body if !self.wanted => self.body + self.padding,
            _ => 0,
        }
    }

    /// Steps over `count` bytes, at most [`Walker::skippable`].
    pub(crate) fn skip(&mut self, count: u64) {
        let body = count.min(self.body);
        self.body -= body;
        self.padding -= (count - body).min(self.padding);
        self.position += count;
        if self.body == 0 && self.padding == 0 {
            self.state = State::Header;
        }
    }

    /// Takes the next bytes of the archive.
    pub(crate) fn push<V: Visitor>(&mut self, mut bytes: &[u8], visitor: &mut V) -> Result<(), V::Error> {
        while !bytes.is_empty() {
            match self.state {
                State::Body if !self.wanted => {
                    let count = self.skippable().min(bytes.len() as u64);
                    self.skip(count);
                    bytes = rest(bytes, count);
                }
                State::Body | State::Extension(_) => bytes = self.push_body(bytes, visitor)?,
                State::Ended => {
                    self.trailing += bytes.iter().filter(|byte| **byte != 0).count() as u64;
                    self.position += bytes.len() as u64;
                    return Ok(());
                }
                State::Header | State::SparseMap(..) | State::Ending => {
                    let Some((block, later)) = self.take_block(bytes) else {
                        return Ok(());
                    };
                    bytes = later;
                    self.block(&block, visitor)?;
                }
            }
        }
        Ok(())
    }

    /// To be called when the archive is over.
    pub(crate) fn finish(&self) -> Result<(), TarError> {
        if self.trailing > 0 {
            return Err(TarError::Trailing { offset: self.entry_at, count: self.trailing });
        }
        match self.state {
            // Writers may leave out the end marker; padding of the last body as well.
            State::Header if self.partial.is_empty() => Ok(()),
            State::Ending | State::Ended => Ok(()),
            State::Body if self.body == 0 => Ok(()),
            _ => Err(TarError::Truncated { offset: self.entry_at }),
        }
    }

    fn take_block<'a>(&mut self, bytes: &'a [u8]) -> Option<(Block, &'a [u8])> {
        let missing = BLOCK - self.partial.len();
        let (now, later) = bytes.split_at(missing.min(bytes.len()));
        self.position += now.len() as u64;
        self.partial.extend_from_slice(now);
        let block = Block::try_from(self.partial.as_slice()).ok()?;
        self.partial.clear();
        Some((block, later))
    }

    fn block<V: Visitor>(&mut self, block: &Block, visitor: &mut V) -> Result<(), V::Error> {
        let offset = self.position - BLOCK as u64;
        let zero = block.iter().all(|byte| *byte == 0);
        match std::mem::replace(&mut self.state, State::Header) {
            State::Ending if zero => {
                self.entry_at = self.position;
                self.state = State::Ended;
                Ok(())
            }
            State::Ending => Err(TarError::Header { offset, what: "zero block before it" }.into()),
            State::SparseMap(header, size) => {
                let damaged = TarError::Header { offset, what: "sparse map" };
                let (pairs, more) = header::sparse_continued(block).ok_or_else(|| damaged.clone())?;
                self.sparse_map.extend(pairs);
                if self.sparse_map.len() as u64 * 16 > EXTENSION {
                    return Err(damaged.into());
                }
                if more {
                    self.state = State::SparseMap(header, size);
                    return Ok(());
                }
                let map = std::mem::take(&mut self.sparse_map);
                let expander = Expander::new(map, size).ok_or(damaged)?;
                self.begin(*header, Some(expander), visitor)
            }
            _ if zero => {
                self.state = State::Ending;
                Ok(())
            }
            _ => self.header(block, offset, visitor),
        }
    }

    fn header<V: Visitor>(&mut self, block: &Block, offset: u64, visitor: &mut V) -> Result<(), V::Error> {
        self.entry_at = offset;
        let header = Header::parse(block, offset)?;
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(
                TarError::from(LimitError::new(self.limits.entries, "entries", "--max-entries")).into()
            );
        }
        match header.kind {
            Kind::LongPath | Kind::LongLink | Kind::Pax => {
                let (bound, what, option) = match header.kind {
                    Kind::Pax => {
                        (EXTENSION, "bytes of PAX records for one entry", "nothing: no writer needs that")
                    }
                    _ => (self.limits.path_length as u64 + 1, "bytes in a path", "--max-path-length"),
                };
                if header.size > bound {
                    return Err(TarError::from(LimitError::new(bound, what, option)).into());
                }
                self.extension.clear();
                self.set_body(header.size, true);
                self.state = State::Extension(header.kind);
                if header.size == 0 {
                    self.end_extension(header.kind)?;
                }
                Ok(())
            }
            Kind::Skipped => {
                self.set_body(header.size, false);
                Ok(())
            }
            Kind::Sparse => {
                let damaged = TarError::Header { offset, what: "sparse map" };
                let (map, more, size) = header::sparse_map(block).ok_or_else(|| damaged.clone())?;
                if more {
                    self.sparse_map = map;
                    self.state = State::SparseMap(Box::new(header), size);
                    return Ok(());
                }
                let expander = Expander::new(map, size).ok_or(damaged)?;
                self.begin(header, Some(expander), visitor)
            }
            _ => self.begin(header, None, visitor),
        }
    }

    fn set_body(&mut self, size: u64, wanted: bool) {
        self.body = size;
        self.padding = size.wrapping_neg() % BLOCK as u64;
        self.wanted = wanted;
        self.state = if size == 0 { State::Header } else { State::Body };
    }

    /// Shows a file's header to the visitor, with what extensions said of it.
    fn begin<V: Visitor>(
        &mut self,
        mut header: Header,
        mut expander: Option<Expander>,
        visitor: &mut V,
    ) -> Result<(), V::Error> {
        let damaged = |what| TarError::Header { offset: self.entry_at, what };
        let kind = match header.kind {
            Kind::HardLink => EntryKind::HardLink,
            Kind::Symlink => EntryKind::Symlink,
            Kind::Folder => EntryKind::Folder,
            Kind::Special => EntryKind::Special,
            _ => EntryKind::Regular,
        };
        if let Some(path) = self.long_path.take() {
            header.path = path;
        }
        if let Some(link) = self.long_link.take() {
            header.link = link;
        }
        if let Some(pax) = self.pax.take() {
            header.path = pax.path.unwrap_or(header.path);
            header.link = pax.link.unwrap_or(header.link);
            header.modified = pax.modified.unwrap_or(header.modified);
            if kind == EntryKind::Regular {
                header.size = pax.size.unwrap_or(header.size);
            }
            if let Some(sparse) = pax.sparse.filter(|_| kind == EntryKind::Regular) {
                header.path = sparse.name.unwrap_or(header.path);
                let size = sparse.real_size.unwrap_or(header.size);
                expander = Some(if sparse.in_body {
                    Expander::with_map_in_body(size)
                } else {
                    Expander::new(sparse.map, size).ok_or_else(|| damaged("sparse map"))?
                });
            }
        }
        if header.path.len().max(header.link.len()) > self.limits.path_length {
            let limit =
                LimitError::new(self.limits.path_length as u64, "bytes in a path", "--max-path-length");
            return Err(TarError::from(limit).into());
        }
        // No medium holds it: refused here so that sums of sizes cannot overflow.
        if header.size > i64::MAX as u64 / 2 {
            return Err(damaged("size").into());
        }
        let entry = Entry {
            kind,
            path: &header.path,
            link: &header.link,
            size: expander.as_ref().map_or(header.size, Expander::size),
            mode: header.mode,
            modified: header.modified,
            body: expander.is_none().then_some(self.position),
        };
        let wanted = visitor.entry(&entry)?;
        self.set_body(header.size, wanted);
        self.expander = expander.filter(|_| wanted);
        if header.size == 0 && wanted {
            self.end_body(visitor)?;
        }
        Ok(())
    }

    fn push_body<'a, V: Visitor>(&mut self, bytes: &'a [u8], visitor: &mut V) -> Result<&'a [u8], V::Error> {
        let (now, later) = bytes.split_at(clamp(self.body).min(bytes.len()));
        self.body -= now.len() as u64;
        self.position += now.len() as u64;
        let extension = match self.state {
            State::Extension(kind) => Some(kind),
            _ => None,
        };
        if !now.is_empty() {
            match (&extension, &mut self.expander) {
                (Some(_), _) => self.extension.extend_from_slice(now),
                (None, None) => visitor.body(now)?,
                (None, Some(expander)) => {
                    let mut failed = None;
                    let fits = expander.push(now, &mut |bytes| match visitor.body(bytes) {
                        Ok(()) => true,
                        Err(error) => {
                            failed = Some(error);
                            false
                        }
                    });
                    if let Some(error) = failed {
                        return Err(error);
                    }
                    if !fits {
                        return Err(TarError::Header { offset: self.entry_at, what: "sparse map" }.into());
                    }
                }
            }
            if self.body == 0 {
                match extension {
                    Some(kind) => self.end_extension(kind)?,
                    None => self.end_body(visitor)?,
                }
            }
        }
        // What is left of this entry is padding.
        if self.body == 0 {
            let (padding, later) = later.split_at(clamp(self.padding).min(later.len()));
            self.padding -= padding.len() as u64;
            self.position += padding.len() as u64;
            if self.padding == 0 {
                self.state = State::Header;
            }
            return Ok(later);
        }
        Ok(later)
    }

    fn end_body<V: Visitor>(&mut self, visitor: &mut V) -> Result<(), V::Error> {
        if let Some(expander) = self.expander.take() {
            let mut failed = None;
            let whole = expander.finish(&mut |bytes| match visitor.body(bytes) {
                Ok(()) => true,
                Err(error) => {
                    failed = Some(error);
                    false
                }
            });
            if let Some(error) = failed {
                return Err(error);
            }
            if !whole {
                return Err(TarError::Header { offset: self.entry_at, what: "sparse map" }.into());
            }
        }
        visitor.end()
    }

    fn end_extension(&mut self, kind: Kind) -> Result<(), TarError> {
        let body = std::mem::take(&mut self.extension);
        let text = || body.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
        match kind {
            Kind::LongPath => self.long_path = Some(text()),
            Kind::LongLink => self.long_link = Some(text()),
            _ => {
                let damaged = TarError::Header { offset: self.entry_at, what: "set of PAX records" };
                self.pax = Some(pax::parse(&body).ok_or(damaged)?);
            }
        }
        if self.padding == 0 {
            self.state = State::Header;
        }
        Ok(())
    }
}

fn clamp(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn rest(bytes: &[u8], count: u64) -> &[u8] {
    bytes.get(clamp(count)..).unwrap_or_default()
}

/// Whether `bytes` begin like an archive: a header with a right checksum, or the zero block of an empty one.
pub(crate) fn begins(bytes: &[u8]) -> bool {
    bytes
        .first_chunk::<BLOCK>()
        .is_some_and(|block| block.iter().all(|byte| *byte == 0) || Header::parse(block, 0).is_ok())
}

#[cfg(test)]
mod tests;
