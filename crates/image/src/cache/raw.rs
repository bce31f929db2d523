//! Entries that are one run of bytes: documents of registries, and what was made of whole images.
//!
//! ```text
//! magic "iscanraw" · name (32 bytes) · xxh3-128 of name and bytes · bytes
//! ```

use super::Cache;
use super::cursor::Damaged;
use super::key::{EntryName, Key, QuestionVersion};
use crate::image::Image;
use crate::plan::Plan;
use crate::question::Question;
use crate::read::{LayerExtent, Options};
use imagescan_model::{Digest, EXTRACTOR_VERSION, ImageReference, LayerRead};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, Read, Write};
use xxhash_rust::xxh3::Xxh3Default;

const MAGIC: [u8; 8] = *b"iscanraw";
const HEADER: u64 = 56;
/// Bytes that are kept: the facts of no image within the default limits come near.
const LONGEST: u64 = 512 << 20;

impl EntryName {
    /// The name of what is called `texts` among things of this kind.
    fn of(kind: &str, texts: &[&str]) -> Self {
        let mut hasher = Sha256::new();
        for text in [kind].iter().chain(texts) {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text);
        }
        Self(hasher.finalize().into())
    }

    fn of_document(digest: &Digest) -> Self {
        Self::of("document", &[&digest.to_string()])
    }

    /// What the facts of an image are called: whatever they depend on is in it. `None`: they are not kept, for not
    /// all of the image is named by digests, or not all of it is there.
    pub(crate) fn of_image(plan: &Plan, question: &Question, options: &Options) -> Option<Self> {
        let image = &plan.image;
        let version = QuestionVersion::of(question, options);
        if !image.incomplete.is_empty() || !plan.layers.iter().all(|layer| Key::of(layer, &version).is_some())
        {
            return None;
        }
        let limits = &options.limits;
        let bounds = [limits.total_bytes, limits.kept_bytes, limits.layers as u64];
        let described = format!("{bounds:?} {:?} {:?}", image.platform, image.annotations);
        let made_by = format!("{EXTRACTOR_VERSION} {}", env!("CARGO_PKG_VERSION"));
        let manifest = image.digest.as_ref()?.to_string();
        Some(Self::of("image", &[&version.to_string(), &described, &made_by, &manifest]))
    }
}

impl Cache {
    /// Keeps what was made of an image that was read whole, for [`Image::remembered`] of the next time. `facts` must
    /// depend on nothing but the image, without the name that the user gave it, and this program.
    pub fn remember_image(&self, image: &Image, facts: &[u8]) {
        if let Some(name) = image.name.filter(|_| image.remembered.is_none() && image.incomplete.is_empty()) {
            let is_lazy = image.layers.iter().any(|layer| layer.read == Some(LayerRead::Lazy));
            self.remember(if is_lazy { name.lazily("") } else { name }, facts);
        }
    }

    /// What was made of the image of this name; of one whose layers were not all read as a whole only if `extent` allows.
    pub(crate) fn recall_image(&self, name: EntryName, extent: LayerExtent) -> Option<Vec<u8>> {
        self.recall(name).or_else(|| match extent {
            LayerExtent::Whole => None,
            LayerExtent::Needed => self.recall(name.lazily("")),
        })
    }

    /// A document of a registry, which whoever asks compares with its digest.
    pub(crate) fn document(&self, digest: &Digest) -> Option<Vec<u8>> {
        self.recall(EntryName::of_document(digest))
    }

    /// Keeps a document that was compared with its digest.
    pub(crate) fn remember_document(&self, digest: &Digest, bytes: &[u8]) {
        self.remember(EntryName::of_document(digest), bytes);
    }

    /// Whether an image was pulled by this name before.
    pub(crate) fn knows_name(&self, reference: &ImageReference) -> bool {
        self.find(EntryName::of("name", &[&reference.to_string()])).is_some()
    }

    pub(crate) fn remember_name(&self, reference: &ImageReference) {
        if !self.knows_name(reference) {
            self.remember(EntryName::of("name", &[&reference.to_string()]), b"");
        }
    }

    /// The bytes that were kept under `name`.
    pub(crate) fn recall(&self, name: EntryName) -> Option<Vec<u8>> {
        let (root, file) = self.find(name)?;
        match read(&file, name) {
            Ok(Ok(bytes)) => {
                self.note_use(&file);
                return Some(bytes);
            }
            Ok(Err(why)) => self.damaged(&root, name, "an image or a document", &why),
            Err(error) => self.unreadable(&error),
        }
        None
    }

    /// Keeps bytes that were compared with whatever names them.
    pub(crate) fn remember(&self, name: EntryName, bytes: &[u8]) {
        if bytes.len() as u64 <= LONGEST {
            self.put(name, false, |file| write(file, name, bytes));
            self.trim();
        }
    }
}

fn checksum(name: EntryName, bytes: &[u8]) -> u128 {
    let mut hasher = Xxh3Default::new();
    hasher.update(&name.0);
    hasher.update(bytes);
    hasher.digest128()
}

fn write(mut file: &File, name: EntryName, bytes: &[u8]) -> io::Result<()> {
    let header = [&MAGIC[..], &name.0, &checksum(name, bytes).to_le_bytes()].concat();
    file.write_all(&header)?;
    file.write_all(bytes)
}

fn read(file: &File, name: EntryName) -> io::Result<Result<Vec<u8>, Damaged>> {
    let mut bytes = Vec::new();
    file.take(HEADER + LONGEST + 1).read_to_end(&mut bytes)?;
    Ok(checked(bytes, name))
}

fn checked(mut bytes: Vec<u8>, name: EntryName) -> Result<Vec<u8>, Damaged> {
    let mut cursor = super::cursor::Cursor::new(&bytes);
    if cursor.array()? != MAGIC || cursor.array()? != name.0 {
        return Err(Damaged("it does not begin as its name says"));
    }
    let stated = cursor.u128()?;
    if cursor.rest().len() as u64 > LONGEST || checksum(name, cursor.rest()) != stated {
        return Err(Damaged("its checksum is wrong"));
    }
    bytes.drain(..HEADER as usize);
    Ok(bytes)
}
