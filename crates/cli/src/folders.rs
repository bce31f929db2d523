//! Where cache and database lie (XDG Base Directory Specification).

use crate::arguments::{Cache, CacheSize, Database};
use crate::{clock, config};
use anyhow::{Result, anyhow};
use std::ffi::OsString;
use std::path::PathBuf;

/// The cache folder; it need not exist.
pub(crate) fn cache(cache: &Cache) -> Result<PathBuf> {
    if let Some(folder) = cache.cache_dir.clone().or(config::read(&cache.config)?.cache.dir) {
        return Ok(folder);
    }
    let folder = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
    let folder = folder.ok_or_else(|| anyhow!("neither XDG_CACHE_HOME nor HOME is set: give --cache-dir"));
    Ok(folder.map_err(crate::failure::Usage::of)?.join("imagescan"))
}

/// What layers said before.
pub(crate) fn layers(cache: &Cache, size: &CacheSize) -> Result<imagescan_image::Cache> {
    let folder = self::cache(cache)?.join("layers");
    let configured = config::read(&cache.config)?.cache.max_size;
    let max_size = size.cache_max_size.or(configured).unwrap_or(imagescan_image::Cache::MAX_SIZE);
    Ok(imagescan_image::Cache::new(folder, max_size, clock::of_files()))
}

/// The folder of configuration files.
pub(crate) fn config() -> Option<PathBuf> {
    absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))
}

/// What a variable names, unless it is relative, which the specification has us pass over.
fn absolute(name: &str) -> Option<PathBuf> {
    let value: OsString = std::env::var_os(name)?;
    Some(PathBuf::from(value)).filter(|path| path.is_absolute())
}

/// The database's folder: the one named, which must exist, or the cache's, which may not.
pub(crate) fn database(database: &Database, cache: &Cache) -> Result<PathBuf> {
    match &database.db {
        Some(folder) => crate::targets::existing("--db", folder),
        None => Ok(self::cache(cache)?.join("db")),
    }
}
