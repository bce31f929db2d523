//! What a key says beside the name: release, package manager, source or binary.
//!
//! A segment has few of them (a dozen or two), so they are read when it is opened and then searched in memory.
//! In the file: distribution, count, then version, package type and matched-by of each, sorted in that order.

use crate::codec::{Cursor, put_blob, put_varint};
use crate::codes::{matched_by_code, matched_by_of_code};
use imagescan_model::{MatchedBy, PackageType, Release};

/// Of one segment; so all have the same distribution.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Scope {
    pub(crate) release: Release,
    pub(crate) package_type: PackageType,
    pub(crate) matched_by: MatchedBy,
}

impl Scope {
    /// The order in the file.
    pub(crate) fn sort_key(&self) -> (&str, &str, u8) {
        sort_key(&self.release, &self.package_type, self.matched_by)
    }
}

fn sort_key<'a>(
    release: &'a Release,
    package_type: &'a PackageType,
    matched_by: MatchedBy,
) -> (&'a str, &'a str, u8) {
    (&release.version, package_type.name(), matched_by_code(matched_by))
}

/// The section's bytes; `scopes` sorted.
pub(crate) fn encode<'a>(distribution: &str, scopes: impl ExactSizeIterator<Item = &'a Scope>) -> Vec<u8> {
    let mut out = Vec::new();
    put_blob(&mut out, distribution.as_bytes());
    put_varint(&mut out, scopes.len() as u64);
    for scope in scopes {
        let (version, package_type, matched_by) = scope.sort_key();
        put_blob(&mut out, version.as_bytes());
        put_blob(&mut out, package_type.as_bytes());
        out.push(matched_by);
    }
    out
}

/// The scopes of a section, which must be of `distribution`, sorted and without repetition.
pub(crate) fn decode(bytes: &[u8], distribution: &str) -> Option<Vec<Scope>> {
    let mut cursor = Cursor::new(bytes);
    if cursor.text()? != distribution {
        return None;
    }
    let mut scopes: Vec<Scope> = Vec::new();
    for _ in 0..cursor.varint()? {
        let scope = Scope {
            release: Release::new(distribution, cursor.text()?),
            package_type: PackageType::from(cursor.text()?.to_owned()),
            matched_by: matched_by_of_code(cursor.byte()?)?,
        };
        if scopes.last().is_some_and(|last| last.sort_key() >= scope.sort_key()) {
            return None;
        }
        scopes.push(scope);
    }
    cursor.is_empty().then_some(scopes)
}

/// The number of a scope among the sorted `scopes`.
pub(crate) fn find(
    scopes: &[Scope],
    release: &Release,
    package_type: &PackageType,
    matched_by: MatchedBy,
) -> Option<usize> {
    let wanted = sort_key(release, package_type, matched_by);
    scopes.binary_search_by(|scope| scope.sort_key().cmp(&wanted)).ok()
}
