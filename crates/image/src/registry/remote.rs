//! An image in a registry: its documents by digest, its layers as streams (OCI distribution specification, "Pull").

use super::session::{Session, SessionError};
use crate::chain::chain;
use crate::plan::{self, MANIFEST_BYTES};
use imagescan_fetch::{Body, Request, Unauthorized};
use imagescan_model::Digest;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

/// Every kind of manifest there is, so that a registry says what it has rather than that it has nothing.
const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json, \
    application/vnd.docker.distribution.manifest.v1+prettyjws, application/vnd.docker.distribution.manifest.v1+json";

/// A repository, with the manifests that were read of it.
pub(crate) struct Remote {
    session: Arc<Session>,
    manifests: Mutex<BTreeMap<Digest, Vec<u8>>>,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Remote({})", self.session.endpoint().reference)
    }
}

/// What a reference leads to.
pub(crate) struct Resolved {
    pub digest: Digest,
    pub size: u64,
    pub is_index: bool,
}

impl Remote {
    pub(crate) fn new(session: Session) -> Self {
        Self { session: Arc::new(session), manifests: Mutex::default() }
    }

    /// Reads the manifest or index that the endpoint's reference names.
    pub(crate) fn resolve(&self) -> Result<Resolved, String> {
        let reference = &self.session.endpoint().reference;
        let name = match reference.digest() {
            Some(digest) => digest.to_string(),
            None => reference.tag_or_latest().to_string(),
        };
        let failed = |error: SessionError| chain(&error);
        let response = self.session.get(&format!("manifests/{name}"), Some(ACCEPT)).map_err(failed)?;
        let said = response.header("docker-content-digest").and_then(|digest| digest.parse::<Digest>().ok());
        let media_type = response.header("content-type").unwrap_or_default().to_string();
        let bytes = response.bytes(MANIFEST_BYTES).map_err(|error| failed(error.into()))?;
        let named = reference.digest().cloned().or(said);
        let digest = named.unwrap_or_else(|| crate::blob::sha256(&bytes));
        plan::compare(&bytes, &digest).map_err(|why| format!("the manifest of `{reference}`: {why}"))?;
        let is_index =
            kind(&bytes, &media_type).map_err(|why| format!("the manifest of `{reference}` {why}"))?;
        let size = bytes.len() as u64;
        self.manifests.lock().unwrap_or_else(PoisonError::into_inner).insert(digest.clone(), bytes);
        Ok(Resolved { digest, size, is_index })
    }

    /// A manifest by its digest; the caller compares.
    pub(crate) fn manifest(&self, digest: &Digest, bound: u64) -> Result<Vec<u8>, String> {
        if let Some(bytes) = self.manifests.lock().unwrap_or_else(PoisonError::into_inner).get(digest) {
            return Ok(bytes.clone());
        }
        self.document(&format!("manifests/{digest}"), Some(ACCEPT), bound)
    }

    /// A config by its digest; the caller compares.
    pub(crate) fn config(&self, digest: &Digest, bound: u64) -> Result<Vec<u8>, String> {
        self.document(&format!("blobs/{digest}"), None, bound)
    }

    fn document(&self, path: &str, accept: Option<&str>, bound: u64) -> Result<Vec<u8>, String> {
        let read = || -> Result<Vec<u8>, SessionError> { Ok(self.session.get(path, accept)?.bytes(bound)?) };
        read().map_err(|error| chain(&error))
    }

    pub(crate) fn blob(&self, digest: &Digest, size: u64) -> RemoteBlob {
        RemoteBlob { session: Arc::clone(&self.session), digest: digest.clone(), size }
    }

    /// Whether the registry has this blob.
    pub(crate) fn has(&self, digest: &Digest) -> bool {
        !matches!(self.session.get(&format!("blobs/{digest}"), None), Err(SessionError::Absent { .. }))
    }
}

/// A layer in a registry.
#[derive(Clone)]
pub(crate) struct RemoteBlob {
    session: Arc<Session>,
    digest: Digest,
    size: u64,
}

impl std::fmt::Debug for RemoteBlob {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "RemoteBlob({}, {} bytes)", self.digest, self.size)
    }
}

impl RemoteBlob {
    pub(crate) fn len(&self) -> u64 {
        self.size
    }

    /// Its bytes, as many as its descriptor says; a broken connection is taken up where it broke.
    pub(crate) fn reader(&self) -> impl Read + '_ {
        let path = format!("blobs/{}", self.digest);
        let mut was_refused = false;
        let request = move |refused: Option<Unauthorized>| -> Result<Request, SessionError> {
            match &refused {
                // What was shown is what it had demanded.
                Some(refused) if was_refused => return Err(self.session.denied(&refused.body)),
                Some(refused) => self.session.answer(refused)?,
                None => {}
            }
            was_refused = refused.is_some();
            self.session.request(&path)
        };
        Body::new(self.session.client().clone(), self.size, request)
    }
}

/// Whether a document is an index; or what it is that is neither index nor manifest.
pub(crate) fn kind(bytes: &[u8], media_type: &str) -> Result<bool, String> {
    let document: Value = serde_json::from_slice(bytes)
        .map_err(|error| format!("is no manifest ({error}); it came as `{}`", media_type.escape_debug()))?;
    let has = |key| document.get(key).is_some();
    if document.get("schemaVersion").and_then(Value::as_u64) == Some(1) {
        return Err(
            "is of Docker's schema 1, which names no config and was given up in 2017: push the image \
                    again with a current tool"
                .into(),
        );
    }
    // Two readings of one document are two images (CVE-2021-41190).
    match (has("manifests"), has("config") || has("layers")) {
        (true, true) => Err("is index and manifest at once: no runtime should take it".into()),
        (false, false) => {
            Err(format!("is neither index nor manifest; it came as `{}`", media_type.escape_debug()))
        }
        (is_index, _) => Ok(is_index),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_an_index_or_a_manifest_and_never_both() {
        for (document, expected) in [
            (r#"{"schemaVersion": 2, "manifests": []}"#, Ok(true)),
            (r#"{"schemaVersion": 2, "config": {}, "layers": []}"#, Ok(false)),
            (r#"{"layers": []}"#, Ok(false)),
            (r#"{"manifests": [], "config": {}}"#, Err("is index and manifest at once")),
            (r#"{"manifests": [], "layers": []}"#, Err("is index and manifest at once")),
            (r#"{"schemaVersion": 1, "fsLayers": []}"#, Err("is of Docker's schema 1")),
            (r#"{"schemaVersion": 1, "manifests": []}"#, Err("is of Docker's schema 1")),
            (r#"{"schemaVersion": 2}"#, Err("is neither index nor manifest; it came as `text/\\u{1b}`")),
            ("[]", Err("is neither index nor manifest")),
            ("null", Err("is neither index nor manifest")),
            ("", Err("is no manifest (")),
            ("<html>", Err("it came as `text/\\u{1b}`")),
            (r#"{"layers": []} {"manifests": []}"#, Err("is no manifest (")),
        ] {
            let got = kind(document.as_bytes(), "text/\u{1b}");
            match expected {
                Ok(is_index) => assert_eq!(got, Ok(is_index), "{document}"),
                Err(part) => {
                    assert!(got.as_ref().is_err_and(|why| why.contains(part)), "{document}: {got:?}")
                }
            }
        }
    }
}
