use crate::server::{Server, answer};
use crate::{chain, get, message, patient, settings};
use imagescan_fetch::{FetchError, HostCertificates, Identity, Settings};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use std::path::PathBuf;
use std::sync::Arc;

/// A server whose certificate nobody knows, and which wants that of `visitor`.
struct Secure {
    server: Server,
    /// Where its certificate, and a visitor's with its key, lie.
    folder: tempfile::TempDir,
}

impl Secure {
    fn start(wants_certificate: bool) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["127.0.0.1".into()]).unwrap();
        let visitor = generate_simple_self_signed(["visitor".into()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
        write("ca.crt", cert.pem());
        write("visitor.cert", visitor.cert.pem());
        write("visitor.key", visitor.signing_key.serialize_pem());
        write("empty.crt", String::new());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let builder = if wants_certificate {
            let mut roots = RootCertStore::empty();
            roots.add(visitor.cert.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let config = Arc::new(builder.with_single_cert(vec![cert.der().clone()], key).unwrap());
        let wrap =
            move |stream| StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
        Self { server: Server::over(|_| answer("200 OK", "", b"secure"), wrap), folder }
    }

    fn url(&self) -> String {
        self.server.url("/").replace("http:", "https:")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn settings(&self) -> Settings {
        settings(&[&self.server])
    }

    fn fetch(&self, settings: Settings) -> Result<Vec<u8>, FetchError> {
        get(&patient(settings).0, &self.url())?.bytes(99)
    }
}

#[test]
fn a_certificate_of_nobody_is_refused_and_not_tried_again() {
    let secure = Secure::start(false);
    // Another authority, so that there is one even where the system has none.
    let authorities = vec![secure.file("visitor.cert")];
    let (client, waits) = patient(Settings { authorities, ..secure.settings() });
    let error = get(&client, &secure.url()).unwrap_err();
    assert_eq!(error.to_string(), format!("no secure connection to `{}`", secure.server.host));
    assert!(chain(&error).contains("invalid peer certificate"), "{}", chain(&error));
    assert!(waits.lock().unwrap().is_empty());
}

#[test]
fn authorities_are_trusted_everywhere_or_at_one_host() {
    let secure = Secure::start(false);
    let authorities = vec![secure.file("ca.crt")];
    let everywhere = Settings { authorities: authorities.clone(), ..secure.settings() };
    assert_eq!(secure.fetch(everywhere).unwrap(), b"secure");
    let at = |host: &str| HostCertificates {
        host: host.parse().unwrap(),
        authorities: authorities.clone(),
        identity: None,
    };
    let mut settings = secure.settings();
    settings.authorities = vec![secure.file("visitor.cert")];
    settings.certificates = vec![at("other.example"), at(&secure.server.host)];
    assert_eq!(secure.fetch(settings.clone()).unwrap(), b"secure");
    settings.certificates.pop();
    assert!(matches!(secure.fetch(settings), Err(FetchError::Tls { .. })));
}

#[test]
fn any_certificate_will_do_where_the_user_says_so() {
    let secure = Secure::start(false);
    let insecure_hosts = vec![secure.server.host.parse().unwrap()];
    assert_eq!(secure.fetch(Settings { insecure_hosts, ..secure.settings() }).unwrap(), b"secure");
}

#[test]
fn our_certificate_is_shown_to_its_host() {
    let secure = Secure::start(true);
    let mut settings = secure.settings();
    settings.certificates = vec![HostCertificates {
        host: secure.server.host.parse().unwrap(),
        authorities: vec![secure.file("ca.crt")],
        identity: None,
    }];
    assert!(secure.fetch(settings.clone()).is_err());
    let identity = Identity { certificate: secure.file("visitor.cert"), key: secure.file("visitor.key") };
    settings.certificates[0].identity = Some(identity);
    assert_eq!(secure.fetch(settings).unwrap(), b"secure");
}

#[test]
fn files_without_certificates_are_named() {
    let secure = Secure::start(false);
    for name in ["absent.crt", "empty.crt", "visitor.key"] {
        let authorities = vec![secure.file(name)];
        assert_eq!(
            message(secure.fetch(Settings { authorities, ..secure.settings() })),
            format!("cannot use the certificates or the key in `{}`", secure.file(name).display())
        );
    }
}
