//! What is to be read of a target, before any layer is.

use crate::archive::Archive;
use crate::blob::Blob;
use crate::containerd;
use crate::folder::Folder;
use crate::image::Image;
use crate::layer::LayerError;
use crate::lazy::Lazy;
use crate::limits::Limits;
use crate::registry::remote::RemoteBlob;
use imagescan_model::{Digest, Incomplete, IncompleteKind, Layer};
use serde_json::Value;
use std::io;

/// Bytes of a manifest or an index; registries take no larger ones (distribution: 4 MiB).
pub(crate) const MANIFEST_BYTES: u64 = 4 << 20;
/// Bytes of a config.
pub(crate) const CONFIG_BYTES: u64 = 16 << 20;
/// Images of one target.
pub(crate) const IMAGES: usize = 1000;

/// An image whose layers are known, and not yet read.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// All but what the layers say.
    pub image: Image,
    /// Lowest first; as many as `image.layers`.
    pub layers: Vec<Source>,
}

/// Where one layer's bytes lie, and by which digest they are checked.
#[derive(Debug)]
pub(crate) struct Source {
    /// Equal for equal bytes: each is read once.
    pub key: String,
    /// The bytes, or why there are none.
    pub blob: Result<Stored, String>,
    pub check: Check,
}

/// Where bytes lie.
#[derive(Debug)]
pub(crate) enum Stored {
    File(Blob),
    /// In a registry, with its table of contents if the manifest vouches for one.
    Remote(RemoteBlob, Option<Lazy>),
    /// Elsewhere, where nobody looks: a layer that may not be distributed.
    Foreign,
}

impl Stored {
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::File(blob) => blob.len(),
            Self::Remote(blob, _) => blob.len(),
            Self::Foreign => 0,
        }
    }
}

impl Source {
    /// How many bytes there are to read.
    pub(crate) fn len(&self) -> u64 {
        self.blob.as_ref().map_or(0, Stored::len)
    }

    /// Whether there is something to read.
    pub(crate) fn is_here(&self) -> bool {
        matches!(self.blob, Ok(Stored::File(_) | Stored::Remote(..)))
    }

    /// The table of contents that its manifest vouches for.
    pub(crate) fn lazy(&self) -> Option<&Lazy> {
        match &self.blob {
            Ok(Stored::Remote(_, lazy)) => lazy.as_ref(),
            _ => None,
        }
    }
}

/// What names a layer's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Check {
    /// The digest and size of its bytes as they are stored.
    Stored(Digest, u64),
    /// The digest of the tar inside: docker archives know no other.
    DiffId(Digest),
    /// Nothing: archives from before docker 1.10, and root filesystems.
    Nothing,
}

/// Where documents and layers lie by name.
#[derive(Debug)]
pub(crate) enum Container {
    Folder(Folder),
    /// The same, of containerd, which keeps what somebody needed.
    Store(Folder),
    Archive(Archive),
}

impl Container {
    pub(crate) fn layer(&self, path: &str) -> Result<Stored, String> {
        self.blob(path).map(Stored::File)
    }

    pub(crate) fn blob(&self, path: &str) -> Result<Blob, String> {
        match self {
            Self::Folder(folder) => folder.blob(path).map_err(|error| because(path, &error)),
            Self::Store(folder) => folder.blob(path).map_err(|error| containerd::lacks(path, &error)),
            Self::Archive(archive) => {
                archive.blob(path).ok_or_else(|| format!("`{}` is not in the archive", path.escape_debug()))
            }
        }
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        match self {
            Self::Folder(folder) | Self::Store(folder) => folder.blob(path).is_ok(),
            Self::Archive(archive) => archive.has(path),
        }
    }

    /// All bytes of a document.
    pub(crate) fn document(&self, path: &str, bound: u64) -> Result<Vec<u8>, String> {
        self.blob(path)?.bytes(bound).map_err(|error| because(path, &error))
    }
}

pub(crate) fn because(path: &str, error: &io::Error) -> String {
    format!("`{}`: {error}", path.escape_debug())
}

impl Plan {
    /// An image that cannot be read at all.
    pub(crate) fn failed(image: Image, why: String) -> Self {
        let mut plan = Self { image, layers: Vec::new() };
        plan.lacks(IncompleteKind::Image, None, why);
        plan
    }

    pub(crate) fn lacks(&mut self, what: IncompleteKind, path: Option<String>, why: String) {
        self.image.incomplete.push(Incomplete { what, path, why });
    }

    /// Gives each layer the diff ID that the config names for it. A config that is missing, is not one, or
    /// counts other layers is an `incomplete` entry.
    pub(crate) fn read_config(&mut self, config: Result<Vec<u8>, String>) {
        let parsed = config.and_then(|bytes| Ok((diff_ids(&bytes)?, bytes)));
        match parsed {
            Ok((ids, bytes)) if ids.len() == self.image.layers.len() => {
                for (layer, id) in self.image.layers.iter_mut().zip(ids) {
                    layer.diff_id = Some(id);
                }
                self.image.config = Some(bytes);
            }
            Ok((ids, bytes)) => {
                let why = format!(
                    "it names {} layers, but the manifest {}: the image is damaged",
                    ids.len(),
                    self.image.layers.len()
                );
                self.image.config = Some(bytes);
                self.lacks(IncompleteKind::Config, None, why);
            }
            Err(why) => self.lacks(IncompleteKind::Config, None, why),
        }
    }

    pub(crate) fn add_layer(&mut self, layer: Layer, source: Source) {
        let index = u32::try_from(self.image.layers.len()).unwrap_or(u32::MAX);
        self.image.layers.push(Layer { index, ..layer });
        self.layers.push(source);
    }
}

/// `rootfs.diff_ids` of a config (OCI image specification, config.md).
fn diff_ids(config: &[u8]) -> Result<Vec<Digest>, String> {
    let config: Value = serde_json::from_slice(config).map_err(|error| format!("it is no JSON: {error}"))?;
    let ids = config.pointer("/rootfs/diff_ids").and_then(Value::as_array);
    let ids = ids.ok_or("it has no rootfs.diff_ids: it describes no image")?;
    let digest = |id: &Value| id.as_str().unwrap_or_default().parse::<Digest>().map_err(|e| e.to_string());
    ids.iter().map(digest).collect()
}

/// An error for an image with more layers than are allowed.
pub(crate) fn check_count(layers: usize, limits: &Limits) -> Result<(), String> {
    if layers <= limits.layers {
        return Ok(());
    }
    let most = limits.layers;
    Err(format!("it has {layers} layers, more than the {most} allowed: if it is trusted, raise --max-layers"))
}

/// The platform that a config names.
pub(crate) fn platform(config: &[u8]) -> Option<imagescan_model::Platform> {
    let config: Value = serde_json::from_slice(config).ok()?;
    let text = |key| config.get(key).and_then(Value::as_str).filter(|text: &&str| !text.is_empty());
    Some(imagescan_model::Platform {
        os: text("os")?.into(),
        architecture: text("architecture")?.into(),
        variant: text("variant").map(String::from),
    })
}

/// Why a document does not have the digest that names it.
pub(crate) fn compare(bytes: &[u8], expected: &Digest) -> Result<(), String> {
    crate::blob::verify(bytes, expected).map_err(|error: LayerError| error.to_string())
}
