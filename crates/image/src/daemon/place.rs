//! Where a container engine listens: the forms of `DOCKER_HOST`.

use super::DaemonSettings;
use super::error::DaemonError;
use imagescan_fetch::{AddressError, Host, HostCertificates, Identity, Settings, Url, is_this_machine};
use std::fmt;
use std::path::PathBuf;

/// The ports that docker takes where none is named, plain and with TLS.
const PORTS: (u16, u16) = (2375, 2376);

/// One place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Socket(PathBuf),
    /// As it was named, and what that means.
    Web(String, Url),
}

impl Place {
    /// Reads `DOCKER_HOST`. `tls`: whether `tcp://` means TLS.
    pub(crate) fn parse(text: &str, tls: bool) -> Result<Self, DaemonError> {
        let fault = |expected| DaemonError::Host { got: masked(text), expected };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| fault(FORMS))?;
        match scheme {
            "unix" if rest.starts_with('/') => return Ok(Self::Socket(rest.into())),
            "unix" => return Err(fault("an absolute path follows unix://")),
            "tcp" | "http" | "https" => {}
            "ssh" => return Err(fault(SSH)),
            "npipe" => {
                return Err(fault("pipes are Windows': write tcp://HOST:PORT, or `docker save` the image"));
            }
            "fd" => {
                return Err(fault("only the engine itself is told so: write unix:///var/run/docker.sock"));
            }
            _ => return Err(fault(FORMS)),
        }
        let url = Url::parse(text).map_err(|_| fault("a host follows ://"))?;
        let host =
            url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| fault("a host follows ://"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(fault("engines know no user and password: they know certificates"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(fault("an engine's address ends with its path"));
        }
        let secure = tls || scheme == "https";
        let default = if secure { PORTS.1 } else { PORTS.0 };
        // The schemes of the web have ports of their own.
        let port = url.port_or_known_default().unwrap_or(default);
        let scheme = if secure { "https" } else { "http" };
        let path = url.path().trim_end_matches('/');
        let url = Url::parse(&format!("{scheme}://{host}:{port}{path}"));
        Ok(Self::Web(text.into(), url.map_err(|_| fault("a host and a port follow ://"))?))
    }

    /// Whether asking there is using the network.
    pub(crate) fn is_remote(&self) -> bool {
        matches!(self, Self::Web(_, url) if !is_this_machine(url))
    }

    /// What the URLs of its API begin with.
    pub(crate) fn base(&self) -> String {
        match self {
            // A server wants a name, though there is but one.
            Self::Socket(_) => "http://localhost".into(),
            Self::Web(_, url) => url.as_str().trim_end_matches('/').into(),
        }
    }

    /// How to fetch from there. Whoever names an engine in plain HTTP gets it, as from docker: nothing secret is sent.
    pub(crate) fn fetch(&self, settings: &DaemonSettings) -> Result<Settings, AddressError> {
        let url = match self {
            Self::Socket(path) => return Ok(Settings { socket: Some(path.clone()), ..Settings::default() }),
            Self::Web(_, url) => url,
        };
        let name = url.host_str().unwrap_or_default();
        let host: Host = url.port().map_or_else(|| name.into(), |port| format!("{name}:{port}")).parse()?;
        let is_secure = url.scheme() == "https";
        let certificates = settings.certificates.as_ref().filter(|_| is_secure).map(|folder| {
            let [authority, certificate, key] =
                ["ca.pem", "cert.pem", "key.pem"].map(|name| folder.join(name));
            let identity = certificate.exists() || key.exists();
            HostCertificates {
                host: host.clone(),
                authorities: if authority.exists() { vec![authority] } else { Vec::new() },
                identity: identity.then_some(Identity { certificate, key }),
            }
        });
        Ok(Settings {
            certificates: certificates.into_iter().collect(),
            insecure_hosts: if is_secure { Vec::new() } else { vec![host.clone()] },
            allow_hosts: vec![host],
            proxies: settings.proxies.clone(),
            ..Settings::default()
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(out, "unix://{}", path.display().to_string().escape_debug()),
            Self::Web(text, _) => write!(out, "{}", text.escape_debug()),
        }
    }
}

/// The beginning of a text that may hold a password.
fn masked(text: &str) -> String {
    let shown = match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        _ => text.into(),
    };
    shown.chars().take(160).collect()
}

const FORMS: &str = "write unix://PATH, tcp://HOST:PORT, http://HOST:PORT or https://HOST:PORT";
const SSH: &str = "SSH is not spoken: forward the socket by `ssh -nNT -L /tmp/engine.sock:/var/run/docker.sock HOST` and \
    write unix:///tmp/engine.sock";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_socket_or_an_address_with_dockers_port() {
        assert_eq!(Place::parse("unix:///run/x.sock", true).unwrap(), Place::Socket("/run/x.sock".into()));
        for (text, tls, base, remote) in [
            ("tcp://engine.example", false, "http://engine.example:2375", true),
            ("tcp://engine.example", true, "https://engine.example:2376", true),
            ("tcp://engine.example:80", false, "http://engine.example", true),
            ("tcp://127.0.0.1:1234/", false, "http://127.0.0.1:1234", false),
            ("tcp://[::1]:1234", false, "http://[::1]:1234", false),
            ("http://localhost", false, "http://localhost", false),
            ("https://engine.example/docker/", false, "https://engine.example/docker", true),
        ] {
            let place = Place::parse(text, tls).unwrap();
            assert_eq!((&*place.base(), place.is_remote(), &*place.to_string()), (base, remote, text));
            place.fetch(&DaemonSettings::default()).unwrap();
        }
    }

    #[test]
    fn what_cannot_be_asked_says_what_to_do() {
        for (text, part) in [
            ("ssh://user@engine.example", "ssh -nNT -L"),
            ("npipe:////./pipe/docker_engine", "tcp://HOST:PORT"),
            ("fd://", "unix:///var/run/docker.sock"),
            ("unix://run/docker.sock", "absolute path"),
            ("tcp://", "a host follows"),
            ("tcp://user:hush@engine.example", "certificates"),
            ("tcp://engine.example?x", "ends with its path"),
            ("engine.example:2375", "write unix://PATH"),
            ("ftp://engine.example", "write unix://PATH"),
        ] {
            let message = Place::parse(text, false).unwrap_err().to_string();
            assert!(!message.contains("hush"), "{message}");
            assert!(message.contains(part) && message.contains("DOCKER_HOST"), "{text}: {message}");
        }
    }
}
