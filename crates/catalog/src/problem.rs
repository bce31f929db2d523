//! `incomplete` entries, from whatever could not be read.

use imagescan_image::{File, LinkError, View};
use imagescan_model::{Incomplete, IncompleteKind};

pub(crate) fn incomplete(what: IncompleteKind, path: &str, why: impl Into<String>) -> Incomplete {
    Incomplete { what, path: Some(path.into()), why: why.into() }
}

/// The file at `path`. A link that cannot be followed is a problem of kind `what`.
pub(crate) fn file<'a>(
    view: View<'a>,
    path: &str,
    what: IncompleteKind,
    problems: &mut Vec<Incomplete>,
) -> Option<File<'a>> {
    match view.file(path) {
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
