//! `incomplete` entries, from whatever could not be read.
//!
//! How many there are is bounded: a file of 200 MB can hold a hundred million damaged entries.

use imagescan_image::{File, LinkError, View};
use imagescan_model::{Incomplete, IncompleteKind};

pub(crate) fn incomplete(what: IncompleteKind, path: &str, why: impl Into<String>) -> Incomplete {
    Incomplete { what, path: Some(path.into()), why: why.into() }
}

/// Damaged entries of one database that are named; the others are counted.
const NAMED: usize = 100;

/// The damaged entries of the database at `path`.
pub(crate) struct Damage<'a> {
    path: &'a str,
    count: usize,
}

impl<'a> Damage<'a> {
    pub(crate) fn of(path: &'a str) -> Self {
        Self { path, count: 0 }
    }

    /// `place` says which entry, `name` which package it seems to be, `why` what is wrong with it.
    pub(crate) fn add(&mut self, place: String, name: &str, why: &str, problems: &mut Vec<Incomplete>) {
        self.count += 1;
        if self.count <= NAMED {
            let name: String = name.chars().take(80).collect();
            let why = format!("{place} (`{}`): {why}", name.escape_debug());
            problems.push(incomplete(IncompleteKind::Package, self.path, why));
        }
    }

    /// Says how many more there were than are named.
    pub(crate) fn end(self, problems: &mut Vec<Incomplete>) {
        let more = self.count.saturating_sub(NAMED);
        if more > 0 {
            let why = format!("{more} more entries are damaged");
            problems.push(incomplete(IncompleteKind::PackageDatabase, self.path, why));
        }
    }
}

/// Whether a file of a database is at `path`, or something that cannot be one: that is no absence.
pub(crate) fn stands(view: View<'_>, path: &str) -> bool {
    !matches!(view.file(path), Ok(None)) || view.is_no_file(path)
}

/// The file at `path`. A link that cannot be followed is a problem of kind `what`, and so is whatever stands in the
/// place of a database.
pub(crate) fn file<'a>(
    view: View<'a>,
    path: &str,
    what: IncompleteKind,
    problems: &mut Vec<Incomplete>,
) -> Option<File<'a>> {
    match view.file(path) {
        Ok(None) if what == IncompleteKind::PackageDatabase && view.is_no_file(path) => {
            problems.push(incomplete(what, path, "what stands there is no file that could be read"));
            None
        }
        Ok(file) => file,
        Err(error) => {
            let link = matches!(error, LinkError::Dangling { .. }) && what != IncompleteKind::PackageDatabase;
            let what = if link { IncompleteKind::Link } else { what };
            problems.push(incomplete(what, path, error.to_string()));
            None
        }
    }
}

/// All bytes of `file`; what the private cache could not give back is a problem.
pub(crate) fn bytes(
    file: &File<'_>,
    what: IncompleteKind,
    problems: &mut Vec<Incomplete>,
) -> Option<Vec<u8>> {
    match file.bytes() {
        Ok(bytes) => Some(bytes.into_owned()),
        Err(error) => {
            problems.push(incomplete(what, &file.path, error.to_string()));
            None
        }
    }
}
