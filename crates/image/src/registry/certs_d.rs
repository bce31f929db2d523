//! Certificates for one registry: folders `certs.d/HOST[:PORT]` as containers-certs.d(5) and Docker have them.
//!
//! Only names are looked at here; what the files hold is the TLS library's to judge.

use super::file::is_absent;
use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Files in a registry's folder; real ones have three.
const BOUND: usize = 1000;

/// What a registry's folder holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Certificates {
    /// `*.crt`: authorities that are trusted beside the system's.
    pub authorities: Vec<PathBuf>,
    /// `*.cert` with its `*.key`: what we show of ourselves.
    pub clients: Vec<ClientCertificate>,
}

/// A certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate's file.
    pub certificate: PathBuf,
    /// The key's file.
    pub key: PathBuf,
}

/// Why a registry's certificates are not known.
#[derive(Debug, thiserror::Error)]
pub enum CertificatesError {
    /// The folder is there, but cannot be read.
    #[error("cannot read the certificates in `{}`", path.display().to_string().escape_debug())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// More files than any registry needs.
    #[error("`{}` has more than {} files", .0.display().to_string().escape_debug(), BOUND)]
    TooMany(PathBuf),
    /// A certificate without its key.
    #[error(
        "the client certificate `{}` has no key beside it: its name ends in .key, that of an authority in .crt",
        .0.display().to_string().escape_debug()
    )]
    NoKey(PathBuf),
    /// A key without its certificate.
    #[error(
        "the key `{}` has no client certificate beside it: its name ends in .cert",
        .0.display().to_string().escape_debug()
    )]
    NoCertificate(PathBuf),
    /// No name of a folder.
    #[error("`{}` is no host[:port]", .0.escape_debug())]
    Host(String),
}

/// The certificates for `host`, which may have a port, from the first of `folders` that has a folder of this
/// name (`dockerCertDir` in containers/image, which looks in `~/.config/containers/certs.d`,
/// `/etc/containers/certs.d` and `/etc/docker/certs.d`, in this order, and passes over what it may not enter).
///
/// # Errors
/// [`CertificatesError`]
pub fn find(folders: &[PathBuf], host: &str) -> Result<Certificates, CertificatesError> {
    let mut parts = Path::new(host).components();
    if !matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == host) {
        return Err(CertificatesError::Host(host.chars().take(160).collect()));
    }
    for folder in folders {
        let path = folder.join(host);
        match names(&path) {
            Ok(Some(names)) => return certificates(&path, &names),
            Ok(None) => return Err(CertificatesError::TooMany(path)),
            Err(error) if is_absent(&error) || error.kind() == io::ErrorKind::PermissionDenied => {}
            Err(source) => return Err(CertificatesError::Unreadable { path, source }),
        }
    }
    Ok(Certificates::default())
}

/// The names in a folder, sorted; `None`: too many.
fn names(folder: &Path) -> io::Result<Option<Vec<PathBuf>>> {
    let names = std::fs::read_dir(folder)?.take(BOUND + 1).map(|entry| Ok(PathBuf::from(entry?.file_name())));
    let mut names = names.collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok((names.len() <= BOUND).then_some(names))
}

fn certificates(folder: &Path, names: &[PathBuf]) -> Result<Certificates, CertificatesError> {
    let mut found = Certificates::default();
    for name in names {
        let beside = |extension| Some(name.with_extension(extension)).filter(|other| names.contains(other));
        let path = folder.join(name);
        match name.extension().and_then(OsStr::to_str) {
            Some("crt") => found.authorities.push(path),
            Some("cert") => match beside("key") {
                Some(key) => {
                    found.clients.push(ClientCertificate { certificate: path, key: folder.join(key) });
                }
                None => return Err(CertificatesError::NoKey(path)),
            },
            Some("key") if beside("cert").is_none() => return Err(CertificatesError::NoCertificate(path)),
            _ => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        folder
    }

    fn find_in(folder: &tempfile::TempDir, host: &str) -> Result<Certificates, CertificatesError> {
        let path = folder.path();
        find(&[path.join("user"), path.join("containers"), path.join("docker")], host)
    }

    #[test]
    fn authorities_and_pairs_are_told_by_their_names() {
        let host = "containers/registry.example:5000";
        let files =
            ["b.crt", "a.crt", "client.cert", "client.key", "README"].map(|name| format!("{host}/{name}"));
        let folder = folder(&files.each_ref().map(|file| &**file));
        let at = |name: &str| folder.path().join(host).join(name);
        let expected = Certificates {
            authorities: vec![at("a.crt"), at("b.crt")],
            clients: vec![ClientCertificate { certificate: at("client.cert"), key: at("client.key") }],
        };
        assert_eq!(find_in(&folder, "registry.example:5000").unwrap(), expected);
        assert_eq!(find_in(&folder, "registry.example").unwrap(), Certificates::default());
    }

    #[test]
    fn the_first_folder_that_has_the_host_stands_alone() {
        let folder =
            folder(&["docker/registry.example/a.crt", "containers/registry.example/b.crt", "user/x"]);
        let found = find_in(&folder, "registry.example").unwrap().authorities;
        assert_eq!(found, [folder.path().join("containers/registry.example/b.crt")]);
    }

    #[test]
    fn half_a_pair_is_an_error_that_names_it() {
        let message = |file| find_in(&folder(&[file]), "registry.example").unwrap_err().to_string();
        let no_key = message("user/registry.example/client.cert");
        assert!(no_key.contains("/client.cert` has no key beside it"), "{no_key}");
        let no_certificate = message("user/registry.example/client.key");
        assert!(
            no_certificate.contains("/client.key` has no client certificate beside it"),
            "{no_certificate}"
        );
    }

    #[test]
    fn no_host_leads_out_of_the_folders() {
        let folder = folder(&["user/a/b.crt", "containers/x"]);
        for host in ["", ".", "..", "a/b", "a/", "/", "../containers", "./a"] {
            assert!(matches!(find_in(&folder, host), Err(CertificatesError::Host(_))), "{host}");
        }
    }
}
