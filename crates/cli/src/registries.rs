//! What the environment, the arguments and config.toml say of registries.

use crate::arguments::{Config, Registries as Arguments};
use crate::failure::Usage;
use crate::{config, folders};
use anyhow::{Context as _, Result};
use imagescan_fetch::{Proxies, Secret, Settings};
use imagescan_image::registry::credentials::{Credential, Sources};
use imagescan_image::registry::registries_conf::{RegistriesConf, RegistriesPaths};
use imagescan_image::registry::{Pull, Registries, RegistrySettings, RegistrySetupError};
use imagescan_model::ImageReference;
use std::fmt::Display;
use std::io::Read;
use std::path::PathBuf;
use std::str::FromStr;

/// A password's bytes; tokens used as such have a few thousand.
const PASSWORD_BYTES: u64 = 64 << 10;

/// Readies whatever pulling `references` needs.
pub(crate) fn open(
    arguments: &Arguments,
    config: &Config,
    references: Vec<(ImageReference, bool)>,
) -> Result<(Registries, Vec<Pull>)> {
    let config = config::read(config)?.registries;
    let mut authorities = config.ca_files;
    for file in &arguments.ca_file {
        authorities.push(crate::targets::existing("--ca-file", file)?);
    }
    let insecure = config.insecure.iter().chain(&arguments.insecure_registry);
    let settings = RegistrySettings {
        conf: RegistriesConf::read(&RegistriesPaths {
            explicit: path("CONTAINERS_REGISTRIES_CONF"),
            user_folder: path("HOME").map(|home| home.join(".config/containers")),
            system_folder: "/etc/containers".into(),
        })?,
        sources: sources(),
        login: login(arguments)?,
        certificate_folders: certificate_folders(),
        insecure: parsed("insecure registry", insecure)?,
        token_hosts: config.token_hosts,
        fetch: Settings {
            authorities,
            allow_hosts: parsed("[registries] allow", &config.allow)?,
            allow_addresses: parsed("[registries] allow_addresses", &config.allow_addresses)?,
            proxies: Proxies::from_variables(|name| std::env::var(name).ok()),
            ..Settings::default()
        },
    };
    Registries::new(settings, references).map_err(|error| match error {
        RegistrySetupError::Login(_) => Usage::of(error.into()),
        error => error.into(),
    })
}

fn login(arguments: &Arguments) -> Result<Option<Credential>> {
    let Some(username) = &arguments.username else { return Ok(None) };
    let mut password = String::new();
    let input = std::io::stdin().lock().take(PASSWORD_BYTES);
    std::io::BufReader::new(input).read_to_string(&mut password).context("--password-stdin")?;
    let password = Secret::new(password.trim_end_matches(['\r', '\n']));
    Ok(Some(Credential::Password { username: username.clone(), password }))
}

fn sources() -> Sources {
    Sources {
        explicit: None,
        registry_auth_file: path("REGISTRY_AUTH_FILE"),
        runtime_folder: path("XDG_RUNTIME_DIR"),
        user_id: Some(rustix::process::geteuid().as_raw()),
        config_folder: folders::config(),
        docker_folder: path("DOCKER_CONFIG"),
        home: path("HOME"),
        search_path: std::env::var_os("PATH").unwrap_or_default(),
    }
}

/// As containers-certs.d(5) has them.
fn certificate_folders() -> Vec<PathBuf> {
    let home = path("HOME").map(|home| home.join(".config/containers/certs.d"));
    home.into_iter().chain(["/etc/containers/certs.d".into(), "/etc/docker/certs.d".into()]).collect()
}

/// What a variable names, if anything.
pub(crate) fn path(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn parsed<'a, T>(what: &str, texts: impl IntoIterator<Item = &'a String>) -> Result<Vec<T>>
where
    T: FromStr<Err: Display + std::error::Error + Send + Sync + 'static>,
{
    let parse = |text: &String| text.parse::<T>().with_context(|| String::from(what)).map_err(Usage::of);
    texts.into_iter().map(parse).collect()
}
