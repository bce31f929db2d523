//! All that the user's configuration says of registries, and one client for all of them.

use super::certs_d::{self, CertificatesError};
use super::credentials::{Credential, Login, Sources};
use super::registries_conf::{Endpoint, RegistriesConf, ResolveError};
use super::remote::{Remote, Resolved};
use super::session::Session;
use crate::cache::Cache;
use crate::chain::chain;
use imagescan_fetch::{AddressError, Client, FetchError, Host, HostCertificates, Identity, Settings};
use imagescan_model::ImageReference;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// What to pull with. Only the command line asks the environment.
#[derive(Debug, Default)]
pub struct RegistrySettings {
    /// Where images lie.
    pub conf: RegistriesConf,
    /// Where credentials are.
    pub sources: Sources,
    /// What the user gave for the registry of the images.
    pub login: Option<Credential>,
    /// Folders of certificates by host, the first that has a host counts.
    pub certificate_folders: Vec<PathBuf>,
    /// Hosts that may be asked by plain HTTP or show any certificate.
    pub insecure: Vec<Host>,
    /// Token servers that may see credentials of registries with another name.
    pub token_hosts: Vec<String>,
    /// How to fetch.
    pub fetch: Settings,
}

/// Why no registry can be asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistrySetupError {
    /// A registry's certificates.
    #[error(transparent)]
    Certificates(#[from] CertificatesError),
    /// The client.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// What the user gave could be for any of these, and is for one.
    #[error(
        "--username and --password-stdin are for one registry, but the targets name {}: log in to each with docker \
         or skopeo instead, whose files say which credentials are for whom", .0.join(", ")
    )]
    Login(Vec<String>),
    /// A registry's name.
    #[error("a registry's name cannot be asked")]
    Host(#[from] AddressError),
}

/// An image that the user names, and where to ask for it.
#[derive(Debug)]
pub struct Pull {
    pub(crate) reference: ImageReference,
    endpoints: Result<Vec<Endpoint>, ResolveError>,
}

/// Registries, ready to be asked.
#[derive(Debug)]
pub struct Registries {
    client: Client,
    sources: Arc<Sources>,
    token_hosts: Arc<[String]>,
}

impl Registries {
    /// A client for pulling `references`, and where each of them lies. Their registries and mirrors are named by the
    /// user, so they may be on internal addresses; whatever they lead to may not.
    ///
    /// # Errors
    /// [`RegistrySetupError`] for files that cannot be used. A reference that leads nowhere fails when it is read.
    pub fn new(
        settings: RegistrySettings,
        references: impl IntoIterator<Item = (ImageReference, bool)>,
    ) -> Result<(Self, Vec<Pull>), RegistrySetupError> {
        let RegistrySettings {
            conf,
            mut sources,
            login,
            certificate_folders,
            insecure,
            token_hosts,
            mut fetch,
        } = settings;
        let mut pulls = Vec::new();
        let mut named = BTreeSet::new();
        for (reference, was_short) in references {
            let endpoints = conf.resolve(&reference, was_short);
            named.extend(conf.full(&reference, was_short).map(|full| full.registry().to_string()));
            for endpoint in endpoints.as_deref().unwrap_or_default() {
                let host: Host = endpoint.server().parse()?;
                if fetch.allow_hosts.contains(&host) {
                    continue;
                }
                if endpoint.insecure {
                    fetch.insecure_hosts.push(host.clone());
                }
                fetch.certificates.extend(certificates(&certificate_folders, endpoint.host(), &host)?);
                fetch.allow_hosts.push(host);
            }
            pulls.push(Pull { reference, endpoints });
        }
        fetch.insecure_hosts.extend(insecure.iter().cloned());
        for endpoint in pulls.iter_mut().flat_map(|pull| pull.endpoints.iter_mut().flatten()) {
            let host: Host = endpoint.server().parse()?;
            endpoint.insecure |= insecure.contains(&host);
        }
        if let Some(credential) = login {
            sources.explicit = Self::login(credential, named)?;
        }
        let registries = Self {
            client: Client::new(fetch)?,
            sources: Arc::new(sources),
            token_hosts: token_hosts.into_iter().map(|host| host.to_lowercase()).collect(),
        };
        Ok((registries, pulls))
    }

    /// What the user gave is for the one registry that the images are of, never for its mirrors (as
    /// `newImageSourceAttempt` in containers/image). Where all names are ambiguous, nobody is asked.
    fn login(credential: Credential, named: BTreeSet<String>) -> Result<Option<Login>, RegistrySetupError> {
        if named.len() > 1 {
            return Err(RegistrySetupError::Login(named.iter().map(|name| format!("`{name}`")).collect()));
        }
        Ok(named.into_iter().next().map(|registry| Login { registry, credential }))
    }

    /// The first place that has the image.
    pub(crate) fn find(
        &self,
        pull: &Pull,
        cache: Option<&Cache>,
        deadline: Option<Instant>,
    ) -> Result<(Remote, Resolved), String> {
        let endpoints = pull.endpoints.as_ref().map_err(|error| chain(error))?;
        let mut failures: Vec<String> = Vec::new();
        for endpoint in endpoints {
            let (client, sources) = (self.client.clone(), Arc::clone(&self.sources));
            let session =
                Session::new(client, endpoint.clone(), sources, Arc::clone(&self.token_hosts), deadline);
            let remote = Remote::new(session, cache.cloned());
            match remote.resolve() {
                Ok(resolved) => return Ok((remote, resolved)),
                Err(why) => failures.push(why),
            }
        }
        Err(failures.join("; "))
    }
}

/// The certificates for one host.
fn certificates(
    folders: &[PathBuf],
    name: &str,
    host: &Host,
) -> Result<Option<HostCertificates>, CertificatesError> {
    let found = certs_d::find(folders, name)?;
    let identity = found.clients.into_iter().next();
    if found.authorities.is_empty() && identity.is_none() {
        return Ok(None);
    }
    let identity = identity.map(|client| Identity { certificate: client.certificate, key: client.key });
    Ok(Some(HostCertificates { host: host.clone(), authorities: found.authorities, identity }))
}
