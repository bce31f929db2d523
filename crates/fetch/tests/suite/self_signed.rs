//! Servers whose own certificate is the one that the user named, marked as an authority's.

use crate::server::{Server, answer};
use crate::{chain, get, patient, settings};
use imagescan_fetch::{FetchError, HostCertificates, Settings};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// A server, and the file with its certificate.
struct Own {
    server: Server,
    file: PathBuf,
    _folder: tempfile::TempDir,
}

/// A certificate for this machine, but for what `change` does.
fn own(change: impl FnOnce(&mut CertificateParams)) -> Own {
    let key = KeyPair::generate().unwrap();
    own_with(&key, &key, change)
}

fn own_with(signed: &KeyPair, shown: &KeyPair, change: impl FnOnce(&mut CertificateParams)) -> Own {
    let mut parameters = CertificateParams::new(["127.0.0.1".into()]).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    change(&mut parameters);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.crt"), parameters.self_signed(signed).unwrap().pem()).unwrap();
    std::fs::write(folder.path().join("own.key"), shown.serialize_pem()).unwrap();
    started(folder)
}

/// A server with `ca.crt` and `own.key` of this folder, whether or not they belong together.
fn started(folder: tempfile::TempDir) -> Own {
    let file = folder.path().join("ca.crt");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::from_pem_file(folder.path().join("own.key")).unwrap();
    let key = provider.key_provider.load_private_key(key).unwrap();
    let chain = vec![CertificateDer::from_pem_file(&file).unwrap()];
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let resolver = SingleCertAndKey::from(CertifiedKey::new(chain, key));
    let config = Arc::new(builder.unwrap().with_no_client_auth().with_cert_resolver(Arc::new(resolver)));
    let wrap = move |stream| StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
    Own { server: Server::over(|_| answer("200 OK", "", b"own"), wrap), file, _folder: folder }
}

impl Own {
    fn fetch(&self, settings: Settings) -> Result<Vec<u8>, FetchError> {
        get(&patient(settings).0, &self.server.url("/").replace("http:", "https:"))?.bytes(99)
    }

    fn trusting(&self, file: &Path) -> Settings {
        Settings { authorities: vec![file.into()], ..settings(&[&self.server]) }
    }

    /// This one's certificate for `host` only, and `other`'s everywhere, so that there is an authority even where the
    /// system has none.
    fn trusting_at(&self, host: &str, other: &Self) -> Settings {
        let authorities = vec![self.file.clone()];
        let certificates =
            vec![HostCertificates { host: host.parse().unwrap(), authorities, identity: None }];
        Settings { certificates, ..self.trusting(&other.file) }
    }

    #[track_caller]
    fn assert_refused(&self, settings: Settings, why: &str) {
        let error = self.fetch(settings).unwrap_err();
        assert!(matches!(error, FetchError::Tls { .. }) && chain(&error).contains(why), "{}", chain(&error));
    }
}

#[test]
fn a_server_may_show_the_very_authority_that_the_user_named() {
    let (first, other) = (own(|_| ()), own(|_| ()));
    assert_eq!(first.fetch(first.trusting(&first.file)).unwrap(), b"own");
    assert_eq!(first.fetch(first.trusting_at(&first.server.host, &other)).unwrap(), b"own");
}

#[test]
fn an_authority_that_was_not_named_for_the_host_is_no_server() {
    let (first, other) = (own(|_| ()), own(|_| ()));
    first.assert_refused(first.trusting(&other.file), "CaUsedAsEndEntity");
    first.assert_refused(first.trusting_at("other.example", &other), "CaUsedAsEndEntity");
}

#[test]
fn a_named_certificate_is_for_its_names_only() {
    let own = own(|parameters| {
        parameters.subject_alt_names =
            CertificateParams::new(["other.example".into()]).unwrap().subject_alt_names;
    });
    own.assert_refused(own.trusting(&own.file), "not valid for name");
}

#[test]
fn a_named_certificate_is_good_within_its_dates_only() {
    let ended = own(|parameters| parameters.not_after = date_time_ymd(2020, 1, 1));
    ended.assert_refused(ended.trusting(&ended.file), "certificate expired");
    let early = own(|parameters| parameters.not_before = date_time_ymd(4000, 1, 1));
    early.assert_refused(early.trusting(&early.file), "certificate not valid yet");
}

#[test]
fn who_has_a_named_certificate_without_its_key_is_refused() {
    let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let thief = own_with(&key, &other, |_| ());
    thief.assert_refused(thief.trusting(&thief.file), "BadSignature");
}

#[test]
fn what_openssl_makes_for_a_server_is_believed_where_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("openssl")
        .args(
            "req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -keyout own.key -out ca.crt"
                .split(' '),
        )
        .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .current_dir(folder.path())
        .output();
    if made.is_err() {
        let _ = writeln!(std::io::stderr(), "skipped: there is no openssl");
        return;
    }
    let (made, other) = (started(folder), own(|_| ()));
    assert_eq!(made.fetch(made.trusting(&made.file)).unwrap(), b"own");
    made.assert_refused(made.trusting_at("other.example", &other), "CaUsedAsEndEntity");
}
