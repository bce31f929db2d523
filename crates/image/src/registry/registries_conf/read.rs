//! Which files count, and how they are merged: containers-registries.conf(5) and
//! containers-registries.conf.d(5).

use super::RegistriesConf;
use super::document::{Document, DocumentError};
use crate::registry::file::{self, FileError, is_absent};
use std::io;
use std::path::{Path, PathBuf};

const FILE: &str = "registries.conf";
const FOLDER: &str = "registries.conf.d";
/// Files in a drop-in folder; real ones have a handful.
const BOUND: usize = 1000;

/// Where to look. Only the command line asks the environment.
#[derive(Debug, Clone)]
pub struct RegistriesPaths {
    /// A file that the user names (`$CONTAINERS_REGISTRIES_CONF`), in place of both others.
    pub explicit: Option<PathBuf>,
    /// `$HOME/.config/containers`. A `registries.conf` in it hides all that the system has.
    pub user_folder: Option<PathBuf>,
    /// `/etc/containers`.
    pub system_folder: PathBuf,
}

/// Why it is not known where images lie.
#[derive(Debug, thiserror::Error)]
pub enum RegistriesError {
    /// A file cannot be read.
    #[error("the registries' configuration cannot be read")]
    File(#[from] FileError),
    /// The file that the user names is not there.
    #[error(
        "there is no file `{}`, which CONTAINERS_REGISTRIES_CONF names",
        .0.display().to_string().escape_debug()
    )]
    Absent(PathBuf),
    /// A drop-in folder is there, but cannot be read.
    #[error("cannot read the folder `{}`", path.display().to_string().escape_debug())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// More files than any folder has.
    #[error("`{}` has more than {} files", .0.display().to_string().escape_debug(), BOUND)]
    TooMany(PathBuf),
    /// A file is wrong.
    #[error("`{}` is not understood", path.display().to_string().escape_debug())]
    Document {
        /// The file.
        path: PathBuf,
        /// Why.
        source: DocumentError,
    },
}

impl RegistriesConf {
    /// Reads every file that counts. None has to be there but one that the user names.
    ///
    /// # Errors
    /// [`RegistriesError`]
    pub fn read(paths: &RegistriesPaths) -> Result<Self, RegistriesError> {
        let mut merged = Self::default();
        let mut hides_system = false;
        if let Some(path) = &paths.explicit {
            if !merged.add(path)? {
                return Err(RegistriesError::Absent(path.clone()));
            }
        } else {
            if let Some(folder) = &paths.user_folder {
                hides_system = merged.add(&folder.join(FILE))?;
            }
            if !hides_system {
                merged.add(&paths.system_folder.join(FILE))?;
            }
        }
        let system = Some(&paths.system_folder).filter(|_| !hides_system);
        for folder in system.into_iter().chain(&paths.user_folder) {
            for path in drop_ins(&folder.join(FOLDER))? {
                merged.add(&path)?;
            }
        }
        Ok(merged)
    }

    /// Merges a file, if it is there: a table stands for an earlier one of its prefix, a search list for the
    /// whole earlier one, an alias for an earlier one of its name (`updateWithConfigurationFrom`).
    fn add(&mut self, path: &Path) -> Result<bool, RegistriesError> {
        let Some(bytes) = file::read(path)? else { return Ok(false) };
        let document = Document::parse(&bytes)
            .map_err(|source| RegistriesError::Document { path: path.into(), source })?;
        let tables = document.tables.into_iter();
        self.tables.extend(tables.map(|(prefix, table)| (prefix, (table, path.into()))));
        if let Some(search) = document.search {
            self.search = search;
            self.search_path = path.into();
        }
        self.aliases.extend(document.aliases);
        Ok(true)
    }
}

/// The files `*.conf` of a folder, by name.
fn drop_ins(folder: &Path) -> Result<Vec<PathBuf>, RegistriesError> {
    let list = || {
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder)?.take(BOUND + 1) {
            paths.push(entry?.path());
        }
        io::Result::Ok(paths)
    };
    let mut paths = match list() {
        Ok(paths) => paths,
        Err(error) if is_absent(&error) => Vec::new(),
        Err(source) => return Err(RegistriesError::Folder { path: folder.into(), source }),
    };
    if paths.len() > BOUND {
        return Err(RegistriesError::TooMany(folder.into()));
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "conf") && !path.is_dir());
    paths.sort();
    Ok(paths)
}
