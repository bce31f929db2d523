//! Whom we trust, and what we show.

use crate::error::FetchError;
use crate::settings::Identity;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
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
    let verifier: Option<Arc<dyn ServerCertVerifier>> = match trust {
        Trust::Nobody => None,
        Trust::Authorities(files) => Some(Arc::new(BelieveNamed::new(files, provider)?)),
        Trust::Anybody => Some(Arc::new(BelieveAnybody(provider))),
    };
    let builder = match verifier {
        None => builder.with_root_certificates(RootCertStore::empty()),
        Some(verifier) => builder.dangerous().with_custom_certificate_verifier(verifier),
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

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, FetchError> {
    let all = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    let all: Vec<_> = all.map_err(|error| fault(file, error.into()))?;
    if all.is_empty() { Err(fault(file, "it holds no certificate in PEM".into())) } else { Ok(all) }
}

fn fault(path: &Path, source: Box<dyn Error + Send + Sync>) -> FetchError {
    FetchError::Certificates { path: path.into(), source }
}

/// Believes whom rustls believes, and a server whose very certificate the user named. What `openssl req -x509` makes says
/// that it is an authority, which rustls takes for no server, and everybody else does.
#[derive(Debug)]
struct BelieveNamed {
    usual: Arc<WebPkiServerVerifier>,
    named: Vec<CertificateDer<'static>>,
}

impl BelieveNamed {
    /// The system's authorities and those of `files`.
    fn new(files: &[PathBuf], provider: Arc<CryptoProvider>) -> Result<Self, FetchError> {
        let mut store = RootCertStore::empty();
        // A system's list may hold some that are of no use; that is no reason to trust none.
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let mut named = Vec::new();
        for file in files {
            for certificate in certificates(file)? {
                store.add(certificate.clone()).map_err(|error| fault(file, error.into()))?;
                named.push(certificate);
            }
        }
        if store.is_empty() {
            return Err(FetchError::NoAuthorities);
        }
        let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider).build();
        Ok(Self { usual: usual.map_err(|error| FetchError::Start(error.into()))?, named })
    }
}

impl ServerCertVerifier for BelieveNamed {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let usual = self.usual.verify_server_cert(end_entity, intermediates, name, ocsp_response, now);
        let is_named = || self.named.iter().any(|named| named.as_ref() == end_entity.as_ref());
        match usual {
            Err(error) if is_authority(&error) && is_named() => {
                // Its dates were good: webpki looks at them before it looks at what a certificate is for.
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            usual => usual,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usual.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usual.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

/// Whether all that is wrong so far is that an authority's certificate is shown by a server.
fn is_authority(error: &rustls::Error) -> bool {
    let rustls::Error::InvalidCertificate(CertificateError::Other(other)) = error else { return false };
    matches!(other.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
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
