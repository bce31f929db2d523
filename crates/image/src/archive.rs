//! An archive of an image on disk: where each of its members lies, without unpacking any.

use crate::blob::Blob;
use crate::inflate::{self, Compression};
use crate::layer::LayerError;
use crate::limits::{LimitError, Limits};
use crate::path::{join, normal};
use crate::progress::Meter;
use crate::read::Options;
use crate::tar::{self, Entry, EntryKind, TarError, TarLimits, Visitor, Walker};
use std::collections::BTreeMap;
use std::os::unix::fs::FileExt;

/// Members an archive of images may have; a thousand images of a hundred layers have no more.
const MEMBERS: u64 = 200_000;
const LINKS: usize = 40;

/// The index of an archive.
#[derive(Debug)]
pub(crate) struct Archive {
    blob: Blob,
    members: BTreeMap<String, Member>,
}

#[derive(Debug, Clone)]
enum Member {
    /// Where its bytes lie, if in one piece.
    File(Option<(u64, u64)>),
    Link(String),
}

impl Archive {
    /// Indexes the archive in `blob`. A compressed one is inflated into an unlinked file in `cache` first.
    pub(crate) fn open(blob: Blob, options: &Options, meter: &Meter) -> Result<Self, LayerError> {
        let mut head = [0; 512];
        let count = blob.read_at(&mut head, 0)?;
        let head = head.get(..count).unwrap_or_default();
        let blob = match inflate::recognise(head) {
            Compression::None if tar::begins(head) => blob,
            Compression::None => return Err(LayerError::Unsupported("it is no tar archive".into())),
            Compression::Other(name) => {
                return Err(LayerError::Unsupported(format!("it is compressed with {name}")));
            }
            compression => inflated(&blob, compression, options, meter)?,
        };
        let mut index = Index { members: BTreeMap::new() };
        let limits = &options.limits;
        let bounds = TarLimits { entries: MEMBERS.min(limits.entries), path_length: limits.path_length };
        let mut walker = Walker::new(bounds);
        let mut buffer = vec![0; 64 << 10];
        let mut offset = 0;
        while offset < blob.len() {
            let skippable = walker.skippable().min(blob.len() - offset);
            if skippable > 0 {
                walker.skip(skippable);
                offset += skippable;
                continue;
            }
            let count = blob.read_at(&mut buffer, offset)?;
            walker.push(buffer.get(..count).unwrap_or_default(), &mut index)?;
            offset += count as u64;
        }
        walker.finish()?;
        Ok(Self { blob, members: index.members })
    }

    /// Whether a member has this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// The bytes of the file `name`, links between members followed. `None`: there is no such file, or it is
    /// not stored in one piece.
    pub(crate) fn blob(&self, name: &str) -> Option<Blob> {
        let mut name = normal(name);
        for _ in 0..LINKS {
            match self.members.get(&name)? {
                Member::File(place) => {
                    let (start, length) = (*place)?;
                    return self.blob.part(start, length);
                }
                Member::Link(target) => name.clone_from(target),
            }
        }
        None
    }
}

/// Inflates `blob` into a file that has no name.
fn inflated(
    blob: &Blob,
    compression: Compression,
    options: &Options,
    meter: &Meter,
) -> Result<Blob, LayerError> {
    let limits = &options.limits;
    let file = crate::private::unlinked_file(&options.spill).map_err(LayerError::Cache)?;
    let mut length = 0;
    inflate::inflate(&mut blob.reader(), None, compression, options.inflater, |window, read| {
        file.write_all_at(window, length).map_err(LayerError::Cache)?;
        length += window.len() as u64;
        if length > Limits::RATIO_FROM && length / limits.ratio.max(1) > read {
            let what = "inflated bytes for each compressed byte of an archive";
            return Err(LayerError::Limit(LimitError::new(limits.ratio, what, "--max-ratio")));
        }
        meter.inflated(window.len() as u64, limits)
    })?;
    Ok(Blob::whole(file)?)
}

struct Index {
    members: BTreeMap<String, Member>,
}

impl Visitor for Index {
    type Error = TarError;

    fn entry(&mut self, entry: &Entry<'_>) -> Result<bool, TarError> {
        let path = normal(&String::from_utf8_lossy(entry.path));
        let link = String::from_utf8_lossy(entry.link);
        let member = match entry.kind {
            EntryKind::Regular => Member::File(entry.body.map(|start| (start, entry.size))),
            EntryKind::HardLink => Member::Link(normal(&link)),
            EntryKind::Symlink => {
                let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                Member::Link(normal(&join(folder, &link)))
            }
            EntryKind::Folder | EntryKind::Special => return Ok(false),
        };
        self.members.insert(path, member);
        Ok(false)
    }

    fn body(&mut self, _: &[u8]) -> Result<(), TarError> {
        Ok(())
    }

    fn end(&mut self) -> Result<(), TarError> {
        Ok(())
    }
}
