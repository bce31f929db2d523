//! Certificates and keys made for one test.

use rcgen::{CertifiedKey, KeyPair, SigningKey, generate_simple_self_signed};
use rustls::RootCertStore;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use std::path::PathBuf;
use std::sync::Arc;

/// A certificate that vouches for itself, and its key.
pub(crate) struct Identity {
    pair: CertifiedKey<KeyPair>,
    folder: tempfile::TempDir,
}

impl Identity {
    /// Of this machine, by any of its names.
    pub(crate) fn new() -> Self {
        let pair = generate_simple_self_signed(["127.0.0.1".into(), "localhost".into()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("certificate.pem"), pair.cert.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), pair.signing_key.serialize_pem()).unwrap();
        Self { pair, folder }
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    pub(crate) fn der(&self) -> &[u8] {
        self.pair.cert.der()
    }

    /// What a server shows, and whom it wants to see.
    pub(crate) fn server(&self, visitor: Option<&Self>) -> Arc<rustls::ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::try_from(self.pair.signing_key.serialize_der()).unwrap();
        let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let builder = match visitor {
            None => builder.with_no_client_auth(),
            Some(visitor) => {
                let mut roots = RootCertStore::empty();
                roots.add(visitor.pair.cert.der().clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        Arc::new(builder.with_single_cert(vec![self.pair.cert.der().clone()], key).unwrap())
    }

    /// An ES256 signature as JSON web tokens have it (RFC 7518, section 3.4): both numbers, 32 bytes each.
    pub(crate) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        let der = self.pair.signing_key.sign(bytes).unwrap();
        // A sequence of two integers, each with its length.
        let first = usize::from(der[3]);
        let numbers = [&der[4..4 + first], &der[6 + first..]];
        let mut signature = Vec::new();
        for number in numbers {
            let number = number.strip_prefix(&[0]).unwrap_or(number);
            signature.resize(signature.len() + 32 - number.len(), 0);
            signature.extend_from_slice(number);
        }
        signature
    }
}
