//! One file of credentials: `auth.json`, Docker's `config.json`, or the older `.dockercfg`.

use super::credentials::{Credential, CredentialsError};
use super::{file, json};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use imagescan_fetch::Secret;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Writers differ in whether they pad.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a file says. Fields we do not know are passed over.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct AuthFile {
    auths: Option<BTreeMap<String, Option<Entry>>>,
    cred_helpers: Option<BTreeMap<String, String>>,
    creds_store: Option<String>,
    #[serde(skip)]
    is_legacy: bool,
}

/// An entry (`AuthConfig` in Docker's `cli/config/types`).
#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    #[serde(rename = "identitytoken")]
    identity_token: Option<String>,
    #[serde(rename = "registrytoken")]
    registry_token: Option<String>,
}

impl AuthFile {
    /// Reads the file at `path`; `None` where there is none.
    pub(super) fn read(path: &Path, is_legacy: bool) -> Result<Option<Self>, CredentialsError> {
        let Some(bytes) = file::read(path)? else { return Ok(None) };
        let malformed = |place| CredentialsError::Malformed { path: path.into(), place };
        if is_legacy {
            let auths = json::object(&bytes).map_err(malformed)?;
            return Ok(Some(Self { auths, is_legacy, ..Self::default() }));
        }
        json::object(&bytes).map(Some).map_err(malformed)
    }

    /// The helper for a registry, with the name it knows the registry by.
    pub(super) fn helper(&self, registry: &str) -> Option<(&str, &str)> {
        let helpers = self.cred_helpers.as_ref()?;
        let names = [registry].into_iter().chain(hub_names(registry).iter().copied());
        names.filter_map(|name| helpers.get_key_value(name)).map(|(server, name)| (&**name, &**server)).next()
    }

    /// The helper for every registry that has no other, with the name it knows this one by.
    pub(super) fn store<'a>(&'a self, registry: &'a str) -> Option<(&'a str, &'a str)> {
        let name = self.creds_store.as_deref().filter(|name| !name.is_empty())?;
        Some((name, hub_names(registry).last().copied().unwrap_or(registry)))
    }

    /// The entry of the longest key that is `registry/repository` or one of its parents; else of a key that is
    /// the URL of the registry (`findCredentialsInFile` in containers/image).
    pub(super) fn find(
        &self,
        path: &Path,
        registry: &str,
        repository: &str,
    ) -> Result<Option<Credential>, CredentialsError> {
        let Some(auths) = &self.auths else { return Ok(None) };
        let name = format!("{registry}/{repository}");
        let longest = if self.is_legacy { registry } else { &name };
        let parents = std::iter::successors(Some(longest), |name| Some(name.rsplit_once('/')?.0));
        let exact = parents.filter_map(|key| auths.get_key_value(key)).next();
        let of_url = || auths.iter().find(|(key, _)| host(key, self.is_legacy) == hub_index(registry));
        match exact.or_else(of_url) {
            Some((key, Some(entry))) => entry
                .credential()
                .map_err(|Undecodable| CredentialsError::Auth { path: path.into(), key: key.clone() }),
            _ => Ok(None),
        }
    }
}

struct Undecodable;

impl Entry {
    /// The strongest of what the entry has. Docker writes empty entries beside a credential store.
    fn credential(&self) -> Result<Option<Credential>, Undecodable> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if let Some(token) = given(&self.registry_token) {
            return Ok(Some(Credential::RegistryToken(Secret::new(token))));
        }
        if let Some(token) = given(&self.identity_token) {
            return Ok(Some(Credential::IdentityToken(Secret::new(token))));
        }
        let (username, password) = match given(&self.auth) {
            Some(auth) => decode(&auth).ok_or(Undecodable)?,
            None => (given(&self.username).unwrap_or_default(), given(&self.password).unwrap_or_default()),
        };
        let is_empty = username.is_empty() || password.is_empty();
        Ok((!is_empty).then(|| Credential::Password { username, password: Secret::new(password) }))
    }
}

/// User name and password of `base64(username:password)`. Docker once padded the password with zeros.
fn decode(auth: &str) -> Option<(String, String)> {
    let pair = String::from_utf8(BASE64.decode(auth.trim()).ok()?).ok()?;
    let (username, password) = pair.split_once(':')?;
    Some((username.into(), password.trim_matches('\0').into()))
}

/// The host of a key (`normalizeAuthFileKey` in containers/image): some are URLs such as `https://HOST/v1/`.
fn host(key: &str, is_legacy: bool) -> &str {
    let stripped = key.strip_prefix("http://").unwrap_or(key);
    let stripped = stripped.strip_prefix("https://").unwrap_or(stripped);
    let is_url = is_legacy || stripped.len() != key.len();
    hub_index(if is_url { stripped.split('/').next().unwrap_or_default() } else { stripped })
}

/// Docker Hub's hosts under one name (`normalizeRegistry` in containers/image).
fn hub_index(host: &str) -> &str {
    if matches!(host, "docker.io" | "registry-1.docker.io") { "index.docker.io" } else { host }
}

/// What Docker's helpers call Docker Hub; the last is Docker's own (`IndexServer` in docker/cli).
fn hub_names(registry: &str) -> &'static [&'static str] {
    if registry == "docker.io" { &["index.docker.io", "https://index.docker.io/v1/"] } else { &[] }
}
