//! Images in containerd's content store: a folder of blobs by digest, `blobs/ALGORITHM/HEX` as in an OCI layout
//! (containerd, `docs/content-flow.md`). Only read, and asked by digest: names are in a database of containerd's own.

use crate::folder::Folder;
use crate::oci;
use crate::plan::{Container, Plan, because};
use crate::read::{Options, ReadError};
use imagescan_model::{Digest, ImageReference};
use std::io;
use std::path::Path;
use std::str::FromStr;

/// The store within containerd's folder.
const STORE: &str = "io.containerd.content.v1.content";

/// An image in the store: `[REFERENCE@]DIGEST`, of its manifest or index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerdImage {
    digest: Digest,
    /// For people.
    reference: Option<ImageReference>,
}

/// There is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`containerd:{}` has no digest: names are in containerd's own database, which is not read; write \
     containerd:[NAME@]sha256:…, as `ctr -n k8s.io images ls`, `crictl inspecti` or `nerdctl inspect` show it",
    .0.escape_debug()
)]
pub struct ContainerdImageError(String);

impl FromStr for ContainerdImage {
    type Err = ContainerdImageError;

    fn from_str(text: &str) -> Result<Self, ContainerdImageError> {
        if let Ok(digest) = text.parse() {
            return Ok(Self { digest, reference: None });
        }
        let reference: Option<ImageReference> = text.parse().ok();
        let digest = reference.as_ref().and_then(ImageReference::digest).cloned();
        let digest = digest.ok_or_else(|| ContainerdImageError(text.chars().take(160).collect()))?;
        Ok(Self { digest, reference })
    }
}

/// The images of `image` in containerd's folder `root`.
pub(crate) fn plans(
    target: &str,
    image: &ContainerdImage,
    root: &Path,
    options: &Options,
) -> Result<Vec<Plan>, ReadError> {
    let path = root.join(STORE);
    let failed = |why: String| ReadError::Content { path: path.clone(), why };
    let folder = Folder::open(&path).map_err(|error| failed(unopened(&error)))?;
    let reference = image.reference.as_ref().map(ToString::to_string);
    oci::stored(&Container::Store(folder), &image.digest, target, reference.as_deref(), options)
        .map_err(failed)
}

fn unopened(error: &io::Error) -> String {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => ": name containerd's folder by --containerd-root",
        io::ErrorKind::PermissionDenied => ": containerd's folder is for root",
        _ => "",
    };
    format!("{error}{hint}")
}

/// Why the store does not give what `path` names.
pub(crate) fn lacks(path: &str, error: &io::Error) -> String {
    if error.kind() != io::ErrorKind::NotFound {
        return because(path, error);
    }
    format!(
        "`{}` is not in containerd's store: it was not pulled, which happens to other platforms, or it was discarded \
         once it was unpacked (`discard_unpacked_layers`); `ctr content fetch NAME` gets it",
        path.escape_debug()
    )
}
