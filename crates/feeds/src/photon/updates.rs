//! The text of a security update (`Security-Update-4.0-500.md` of the project's wiki): which advisory, of which
//! day, is of which packages and CVEs.

use super::Key;
use crate::announced;
use crate::cve;
use crate::document::Document;
use crate::error::{FeedError, refused};
use imagescan_model::{AdvisoryReference, Release};

/// What the update is of; the version that it brings is not told.
pub(super) fn read(document: &mut Document<'_>) -> Result<Vec<(Key, AdvisoryReference)>, FeedError> {
    let name = document.name();
    let bytes = document.bytes()?;
    let text = std::str::from_utf8(&bytes).map_err(|_| refused(name, "no text:", "security update"))?;
    let field = |field: &'static str| {
        let value = text.lines().find_map(|line| line.strip_prefix(field)?.trim_start().strip_prefix(':'));
        value.map(str::trim).ok_or_else(|| refused(name, "a security update without", field))
    };
    // It comes last: without it the text was cut.
    if !text.lines().any(|line| line.trim() == "## Solution") {
        return Err(refused(name, "a security update without", "## Solution"));
    }
    let date = field("Issue date")?;
    let date = announced::instant(date).ok_or_else(|| refused(name, "no date", date))?;
    let release = Release::new("photon", field("Affected Release")?);
    let reference = AdvisoryReference { id: field("Advisory Id")?.into(), url: None, date: Some(date) };
    let of_package = |line: &str| {
        let (package, ids) = line.split_once(" - [")?;
        let key = |id| (release.clone(), package.trim().to_owned(), id);
        Some(cve::ids([ids]).into_iter().map(key).collect::<Vec<_>>())
    };
    let keys = text.lines().filter_map(of_package).flatten();
    Ok(keys.map(|key| (key, reference.clone())).collect())
}
