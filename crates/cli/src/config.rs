//! `config.toml`: how the tool works, never what an image must be. It is not looked for in the working folder, so that
//! a pull request cannot allow itself a host.

use crate::arguments::Config;
use crate::failure::Usage;
use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::path::PathBuf;

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct File {
    pub cache: Cache,
    pub registries: Registries,
}

/// Where layers are remembered.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Cache {
    /// As `--cache-dir`.
    pub dir: Option<PathBuf>,
    /// As `--cache-max-size`.
    pub max_size: Option<u64>,
}

/// What images may be pulled from, and how.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Registries {
    /// `HOST[:PORT]`: servers that may be on internal addresses although a registry leads to them.
    pub allow: Vec<String>,
    /// `ADDRESS[/BITS]`: internal networks that may be fetched from.
    pub allow_addresses: Vec<String>,
    /// `HOST[:PORT]`: as `--insecure-registry`.
    pub insecure: Vec<String>,
    /// Token servers that may see the credentials of registries with other names.
    pub token_hosts: Vec<String>,
    /// As `--ca-file`.
    pub ca_files: Vec<PathBuf>,
}

/// Reads the file named, which must be there, or the user's, which need not be.
pub(crate) fn read(arguments: &Config) -> Result<File> {
    let path = match &arguments.config {
        Some(path) => crate::targets::existing("--config", path)?,
        None => {
            let user = crate::folders::config().map(|folder| folder.join("imagescan/config.toml"));
            match user.filter(|path| path.exists()) {
                Some(path) => path,
                None => return Ok(File::default()),
            }
        }
    };
    let name = || format!("configuration `{}`", path.display().to_string().escape_debug());
    let text = std::fs::read_to_string(&path).with_context(name).map_err(Usage::of)?;
    toml::from_str(&text).with_context(name).map_err(Usage::of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_not_known_is_an_error() {
        assert!(toml::from_str::<File>("[registries]\ninsecure = [\"localhost:5000\"]\n").is_ok());
        let error = toml::from_str::<File>("[registries]\ninsecur = []\n").unwrap_err().to_string();
        assert!(error.contains("unknown field `insecur`") && error.contains("line 2"), "{error}");
    }
}
