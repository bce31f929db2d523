//! An image in a registry: its documents by digest, its layers as streams (OCI distribution specification, "Pull").

use super::session::{Session, SessionError};
use crate::cache::Cache;
use crate::chain::chain;
use crate::lazy::Ranges;
use crate::plan::{self, MANIFEST_BYTES};
use imagescan_fetch::{Body, Document, Request, Unauthorized};
use imagescan_model::{Digest, ImageReference};
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
    cache: Option<Cache>,
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
    pub(crate) fn new(session: Session, cache: Option<Cache>) -> Self {
        Self { session: Arc::new(session), cache, manifests: Mutex::default() }
    }

    /// Reads the manifest or index that the endpoint's reference names.
    pub(crate) fn resolve(&self) -> Result<Resolved, String> {
        let reference = &self.session.endpoint().reference;
        let (digest, bytes, media_type) = match self.known(reference) {
            Some((digest, bytes)) => (digest, bytes, String::new()),
            None => self.top(reference).map_err(|error| chain(&error))?,
        };
        plan::compare(&bytes, &digest).map_err(|why| format!("the manifest of `{reference}`: {why}"))?;
        let is_index =
            kind(&bytes, &media_type).map_err(|why| format!("the manifest of `{reference}` {why}"))?;
        let size = bytes.len() as u64;
        tracing::info!("`{reference}` is {digest}");
        if let Some(cache) = &self.cache {
            cache.remember_document(&digest, &bytes);
            cache.remember_name(reference);
        }
        self.manifests.lock().unwrap_or_else(PoisonError::into_inner).insert(digest.clone(), bytes);
        Ok(Resolved { digest, size, is_index })
    }

    /// What the cache has of what `reference` names. Where a tag leads must be asked, but a HEAD is answered faster than
    /// a GET, and Docker Hub does not count it; who never was here before need not try.
    fn known(&self, reference: &ImageReference) -> Option<(Digest, Vec<u8>)> {
        let cache = self.cache.as_ref()?;
        // Under another name the same digest is another matter: whoever asks may mistype it, or not be allowed to see it.
        if !cache.knows_name(reference) {
            return None;
        }
        let digest = match reference.digest() {
            Some(digest) => digest.clone(),
            None => {
                let head = self.session.head(&manifest_of(reference), Some(ACCEPT)).ok()?;
                tell_quota(&head, reference);
                stated_digest(&head)?
            }
        };
        let bytes = cache.document(&digest)?;
        Some((digest, bytes))
    }

    /// The registry's own answer, its digest and media type.
    fn top(&self, reference: &ImageReference) -> Result<(Digest, Vec<u8>, String), SessionError> {
        let answer = self.session.get(&manifest_of(reference), Some(ACCEPT), MANIFEST_BYTES)?;
        tell_quota(&answer, reference);
        let stated = stated_digest(&answer);
        let media_type = answer.header("content-type").unwrap_or_default().to_string();
        let bytes = answer.into_bytes();
        let named = reference.digest().cloned().or(stated);
        Ok((named.unwrap_or_else(|| crate::blob::sha256(&bytes)), bytes, media_type))
    }

    /// A manifest by its digest; the caller compares.
    pub(crate) fn manifest(&self, digest: &Digest, bound: u64) -> Result<Vec<u8>, String> {
        if let Some(bytes) = self.manifests.lock().unwrap_or_else(PoisonError::into_inner).get(digest) {
            return Ok(bytes.clone());
        }
        self.document("manifests", digest, Some(ACCEPT), bound)
    }

    /// A config by its digest; the caller compares.
    pub(crate) fn config(&self, digest: &Digest, bound: u64) -> Result<Vec<u8>, String> {
        self.document("blobs", digest, None, bound)
    }

    fn document(
        &self,
        kind: &str,
        digest: &Digest,
        accept: Option<&str>,
        bound: u64,
    ) -> Result<Vec<u8>, String> {
        if let Some(bytes) = self.cache.as_ref().and_then(|cache| cache.document(digest)) {
            return Ok(bytes);
        }
        let path = format!("{kind}/{digest}");
        let bytes = self.session.get(&path, accept, bound).map_err(|error| chain(&error))?.into_bytes();
        if let Some(cache) = self.cache.as_ref().filter(|_| plan::compare(&bytes, digest).is_ok()) {
            cache.remember_document(digest, &bytes);
        }
        Ok(bytes)
    }

    pub(crate) fn blob(&self, digest: &Digest, size: u64) -> RemoteBlob {
        RemoteBlob { session: Arc::clone(&self.session), digest: digest.clone(), size }
    }

    /// Whether the registry has this blob.
    pub(crate) fn has(&self, digest: &Digest) -> bool {
        // None of its bytes are wanted, so that they are too many.
        !matches!(self.session.get(&format!("blobs/{digest}"), None, 0), Err(SessionError::Absent { .. }))
    }
}

fn manifest_of(reference: &ImageReference) -> String {
    match reference.digest() {
        Some(digest) => format!("manifests/{digest}"),
        None => format!("manifests/{}", reference.tag_or_latest()),
    }
}

/// Tells how many more pulls a registry allows, where it says so as Docker Hub does: `76;w=21600` are 76 in six hours
/// (docs.docker.com, "Pull usage and limits").
fn tell_quota(answer: &Document, reference: &ImageReference) {
    if let Some((left, limit)) = quota(|name| answer.header(name)) {
        tracing::info!("{}: {left} of {limit} are left", reference.registry());
    }
}

/// What is left, and of how many.
fn quota<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Option<(u64, String)> {
    let parse = |text: &str| -> Option<(u64, Option<u64>)> {
        let (count, window) =
            text.split_once(";w=").map_or((text, None), |(count, window)| (count, Some(window)));
        Some((count.trim().parse().ok()?, window.and_then(|window| window.trim().parse().ok())))
    };
    let (left, window) = parse(header("ratelimit-remaining")?)?;
    let (limit, limits_window) = parse(header("ratelimit-limit")?)?;
    Some((
        left,
        match window.or(limits_window) {
            Some(seconds) => format!("{limit} pulls in {} h", seconds.div_ceil(3600)),
            None => format!("{limit} pulls"),
        },
    ))
}

/// The digest that a registry states of the manifest it names.
fn stated_digest(answer: &Document) -> Option<Digest> {
    answer.header("docker-content-digest")?.parse().ok()
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
        Body::new(self.session.client().clone(), self.size, self.requests())
    }

    fn requests(&self) -> impl FnMut(Option<Unauthorized>) -> Result<Request, SessionError> + '_ {
        let path = format!("blobs/{}", self.digest);
        let mut was_refused = false;
        move |refused| {
            match &refused {
                // What was shown is what it had demanded.
                Some(refused) if was_refused => return Err(self.session.denied(&refused.body)),
                Some(refused) => self.session.answer(refused)?,
                None => {}
            }
            was_refused = refused.is_some();
            self.session.request(&path)
        }
    }
}

impl Ranges for RemoteBlob {
    fn len(&self) -> u64 {
        self.size
    }

    fn range(&self, start: u64, end: u64) -> Box<dyn Read + '_> {
        Box::new(Body::part(self.session.client().clone(), self.size, start..end, self.requests()))
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
    // It has a field `config` of its own.
    if has("rootfs") && !has("layers") && !has("manifests") {
        return Err("is an image's config: the digest of its manifest or index is wanted".into());
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
    fn a_quota_is_told_as_docker_hub_states_it() {
        let of = |left: &'static str, limit: &'static str| {
            quota(|name| Some(if name == "ratelimit-limit" { limit } else { left }))
        };
        assert_eq!(of("76;w=21600", "100;w=21600"), Some((76, "100 pulls in 6 h".into())));
        assert_eq!(of("0", "10"), Some((0, "10 pulls".into())));
        assert_eq!(of("\u{1b}", "10"), None);
        assert_eq!(quota(|_| None), None);
    }

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
