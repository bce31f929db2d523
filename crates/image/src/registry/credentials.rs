//! Which credentials a registry is shown.
//!
//! The first source that has any decides: what the user gave, for the registry it was given for; then the files that containers-auth.json(5)
//! lists, in its order. A file that `$REGISTRY_AUTH_FILE` names stands for all of them (`getAuthFilePaths` in
//! containers/image), and has to be there. Within a file: the helper of the registry (`credHelpers`), the
//! entry with the longest matching key, and last the helper of all registries (`credsStore`, Docker's
//! `config.json`). Where a registry has a helper of its own, the file's entries for it do not count.

use super::auth_file::AuthFile;
use super::file::FileError;
use super::helper::{Helper, HelperError};
use super::json::JsonError;
use imagescan_fetch::Secret;
use imagescan_model::ImageReference;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// User name and password.
    Password {
        /// The user.
        username: String,
        /// The password, or an access token in its place.
        password: Secret,
    },
    /// An OAuth2 refresh token for the token server (`identitytoken`).
    IdentityToken(Secret),
    /// A bearer token for the registry itself (`registrytoken`).
    RegistryToken(Secret),
}

/// What the user gave, and the registry it is for: no mirror is shown it.
#[derive(Debug, Clone)]
pub struct Login {
    /// The registry's `host[:port]`, as references have it.
    pub registry: String,
    /// What to show.
    pub credential: Credential,
}

/// Where to look. Only the command line asks the environment.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// What the user gave.
    pub explicit: Option<Login>,
    /// `$REGISTRY_AUTH_FILE`.
    pub registry_auth_file: Option<PathBuf>,
    /// `$XDG_RUNTIME_DIR`.
    pub runtime_folder: Option<PathBuf>,
    /// Our user id, for `/run/containers/ID`, which stands for a missing `$XDG_RUNTIME_DIR`.
    pub user_id: Option<u32>,
    /// `$XDG_CONFIG_HOME`.
    pub config_folder: Option<PathBuf>,
    /// `$DOCKER_CONFIG`.
    pub docker_folder: Option<PathBuf>,
    /// `$HOME`.
    pub home: Option<PathBuf>,
    /// `$PATH`, where helpers are.
    pub search_path: OsString,
}

/// Why the credentials are not known.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// A file cannot be read.
    #[error("credentials cannot be looked up")]
    File(#[from] FileError),
    /// The file that the user names is not there.
    #[error("there is no file `{}`, which REGISTRY_AUTH_FILE names", .0.display().to_string().escape_debug())]
    Absent(PathBuf),
    /// A file is no JSON, or not of the expected types.
    #[error("the credentials in `{}` are not understood: {place}", path.display().to_string().escape_debug())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where.
        place: JsonError,
    },
    /// The `auth` of an entry is no Base64 of a user name, a colon and a password.
    #[error(
        "the `auth` of `{}` in `{}` is not the Base64 of user:password: log in again",
        key.escape_debug(), path.display().to_string().escape_debug()
    )]
    Auth {
        /// The file.
        path: PathBuf,
        /// The entry.
        key: String,
    },
    /// A helper gave no answer.
    #[error("credentials cannot be looked up")]
    Helper(#[from] HelperError),
}

impl Sources {
    /// The credentials for pulling `reference`; `None` where nobody has any.
    ///
    /// # Errors
    /// [`CredentialsError`], where a source that comes first cannot be understood.
    pub fn find(&self, reference: &ImageReference) -> Result<Option<Credential>, CredentialsError> {
        if let Some(login) = self.explicit.as_ref().filter(|login| login.registry == reference.registry()) {
            return Ok(Some(login.credential.clone()));
        }
        if let Some(path) = &self.registry_auth_file {
            let file = AuthFile::read(path, false)?.ok_or_else(|| CredentialsError::Absent(path.clone()))?;
            return self.find_in(&file, path, reference);
        }
        for (path, is_legacy) in self.files() {
            if let Some(file) = AuthFile::read(&path, is_legacy)?
                && let Some(credential) = self.find_in(&file, &path, reference)?
            {
                return Ok(Some(credential));
            }
        }
        Ok(None)
    }

    /// The files in their order, and whether each has the form of `.dockercfg`.
    fn files(&self) -> Vec<(PathBuf, bool)> {
        let in_home = |path| self.home.as_ref().map(|home| home.join(path));
        let runtime = match (&self.runtime_folder, self.user_id) {
            (Some(folder), _) => Some(folder.join("containers/auth.json")),
            (None, Some(id)) => Some(format!("/run/containers/{id}/auth.json").into()),
            (None, None) => None,
        };
        let config = self.config_folder.clone().or_else(|| in_home(".config"));
        let docker = self.docker_folder.clone().or_else(|| in_home(".docker"));
        let current = [
            runtime,
            config.map(|folder| folder.join("containers/auth.json")),
            docker.map(|folder| folder.join("config.json")),
        ];
        let legacy = in_home(".dockercfg").map(|path| (path, true));
        current.into_iter().flatten().map(|path| (path, false)).chain(legacy).collect()
    }

    fn find_in(
        &self,
        file: &AuthFile,
        path: &Path,
        reference: &ImageReference,
    ) -> Result<Option<Credential>, CredentialsError> {
        let helper = |name| Helper { name, asked_by: path, search_path: &self.search_path };
        let registry = reference.registry();
        if let Some((name, server)) = file.helper(registry) {
            return Ok(helper(name).get(server)?);
        }
        if let Some(credential) = file.find(path, registry, reference.repository())? {
            return Ok(Some(credential));
        }
        match file.store(registry) {
            Some((name, server)) => Ok(helper(name).get(server)?),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests;
