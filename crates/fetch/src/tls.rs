//! Whom we trust, and what we show.

use crate::error::FetchError;
use crate::settings::Identity;
use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whose certificates are believed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Trust {
    /// Nobody's: there is no TLS.
    Nobody,
    /// Those of the system's authorities and of these.
    Authorities(Vec<PathBuf>),
    /// Everybody's.
    Anybody,
}

/// Whether a server asked for a certificate that we do not have. With TLS 1.3 it refuses us only after the handshake, by
/// an alert that is lost when it hangs up meanwhile: then this is all that tells why.
#[derive(Debug, Default)]
pub(crate) struct Asked(AtomicBool);

impl Asked {
    pub(crate) fn was(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// A server answered all the same.
    pub(crate) fn in_vain(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl ResolvesClientCert for Asked {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// TLS as one kind of host wants it.
pub(crate) fn configuration(
    trust: &Trust,
    identity: Option<&Identity>,
    asked: &Arc<Asked>,
) -> Result<ClientConfig, FetchError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| FetchError::Start(error.into()))?;
    let builder = match trust {
        Trust::Nobody => builder.with_root_certificates(RootCertStore::empty()),
        Trust::Authorities(files) => builder.with_root_certificates(roots(files)?),
        Trust::Anybody => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(BelieveAnybody(provider)))
        }
    };
    let mut configuration = match identity {
        None => builder.with_client_cert_resolver(Arc::<Asked>::clone(asked)),
        Some(Identity { certificate, key }) => {
            let fault = |error: Box<dyn Error + Send + Sync>| fault(key, error);
            let chain = certificates(certificate)?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(|error| fault(error.into()))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| fault(error.into()))?
        }
    };
    configuration.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(configuration)
}

fn roots(files: &[PathBuf]) -> Result<RootCertStore, FetchError> {
    let mut store = RootCertStore::empty();
    // A system's list may hold some that are of no use; that is no reason to trust none.
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for file in files {
        for certificate in certificates(file)? {
            store.add(certificate).map_err(|error| fault(file, error.into()))?;
        }
    }
    if store.is_empty() { Err(FetchError::NoAuthorities) } else { Ok(store) }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, FetchError> {
    let all = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    let all: Vec<_> = all.map_err(|error| fault(file, error.into()))?;
    if all.is_empty() { Err(fault(file, "it holds no certificate in PEM".into())) } else { Ok(all) }
}

fn fault(path: &Path, source: Box<dyn Error + Send + Sync>) -> FetchError {
    FetchError::Certificates { path: path.into(), source }
}

/// For hosts where the user asked for it.
#[derive(Debug)]
struct BelieveAnybody(Arc<CryptoProvider>);

impl ServerCertVerifier for BelieveAnybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
