//! What an entry is called: the layer's digest, and the question that it answers.

use crate::plan::{Check, Source, Stored};
use crate::question::Question;
use crate::read::Options;
use imagescan_model::{Digest, LayerRead};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;

/// To be raised whenever the same layer and question give other evidence than before.
const EXTRACTOR_VERSION: u64 = 1;

/// Names a question, with all beside it that decides what evidence holds: who reads, and within which bounds.
///
/// Images grow the question by their links, so the hash is one that nobody can find collisions of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QuestionVersion([u8; 32]);

impl QuestionVersion {
    pub(crate) fn of(question: &Question, options: &Options) -> Self {
        let limits = &options.limits;
        let mut hasher = Sha256::new();
        let numbers = [
            u64::from(super::format::FORMAT),
            EXTRACTOR_VERSION,
            limits.layer_bytes,
            limits.ratio,
            limits.entries,
            limits.path_length as u64,
            limits.file_bytes,
            // Whoever chooses another decoder doubts what the first one gave.
            options.inflater as u64,
        ];
        numbers.iter().for_each(|number| hasher.update(number.to_le_bytes()));
        let patterns: BTreeSet<(&str, String)> = question.patterns().collect();
        for text in patterns.iter().flat_map(|(folder, name)| [*folder, name.as_str()]) {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text);
        }
        Self(hasher.finalize().into())
    }
}

impl std::fmt::Display for QuestionVersion {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

/// What evidence is asked for by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub digest: Digest,
    pub size: u64,
    /// How the layer was read.
    pub read: LayerRead,
    name: EntryName,
}

impl Key {
    pub(crate) fn new(digest: &Digest, size: u64, version: &QuestionVersion) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(version.0);
        hasher.update(digest.to_string());
        let name = EntryName(hasher.finalize().into());
        Self { digest: digest.clone(), size, read: LayerRead::Whole, name }
    }

    /// The key of the same layer, read by the table of contents that its manifest vouches for as `vouched` says. Another
    /// manifest that names the layer does not vouch for that table, so it must not find what it said.
    pub(crate) fn lazily(&self, vouched: &str) -> Self {
        let name = self.name.lazily(vouched);
        Self { digest: self.digest.clone(), read: LayerRead::Lazy, name, ..*self }
    }

    /// `None`: no evidence of this layer is kept, for its digest is not that of its stored bytes, or there are
    /// no bytes, or another number of them than its descriptor says.
    pub(crate) fn of(source: &Source, version: &QuestionVersion) -> Option<Self> {
        let (Ok(stored @ (Stored::File(_) | Stored::Remote(..))), Check::Stored(digest, size)) =
            (&source.blob, &source.check)
        else {
            return None;
        };
        (stored.len() == *size).then(|| Self::new(digest, *size, version))
    }

    pub(crate) fn name(&self) -> EntryName {
        self.name
    }
}

/// An entry's name: two hexadecimal digits of folder, the others of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryName(pub(crate) [u8; 32]);

impl EntryName {
    /// What the same is called when it was read lazily.
    pub(crate) fn lazily(self, vouched: &str) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(self.0);
        hasher.update(vouched);
        Self(hasher.finalize().into())
    }

    pub(crate) fn folder_and_file(self) -> (String, String) {
        let hex: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        let (folder, file) = hex.split_at(2);
        (folder.into(), file.into())
    }

    /// The reverse. `None`: it is no entry's name.
    pub(crate) fn parse(folder: &[u8], file: &[u8]) -> Option<Self> {
        let digits = [folder, file].concat();
        if folder.len() != 2 || digits.len() != 64 {
            return None;
        }
        let value = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        let mut name = [0; 32];
        for (byte, pair) in name.iter_mut().zip(digits.as_chunks::<2>().0) {
            let [high, low] = pair.map(value);
            *byte = (high? << 4) | low?;
        }
        Some(Self(name))
    }
}
