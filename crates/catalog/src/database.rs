//! The package databases of one view of an image.

use crate::problem::incomplete;
use crate::{apk, dpkg, rpm};
use imagescan_image::View;
use imagescan_model::{Incomplete, IncompleteKind, Package};

/// Packages of one database. Debian, the largest distribution, has 70,000 in all.
const MOST: usize = 100_000;

/// Packages, and what could not be read.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub packages: Vec<Package>,
    pub problems: Vec<Incomplete>,
}

/// Whether a database of `count` packages is full; then that is said.
pub(crate) fn is_full(count: usize, path: &str, problems: &mut Vec<Incomplete>) -> bool {
    if count >= MOST {
        let why = format!("more than {MOST} packages: the rest is not read");
        problems.push(incomplete(IncompleteKind::PackageDatabase, path, why));
    }
    count >= MOST
}

/// What decides whether two views have the same databases: their files by name and content.
pub(crate) type Signature = Vec<(String, Option<[u8; 32]>)>;

/// Files of all databases in `view`.
pub(crate) fn signature(view: View<'_>) -> Signature {
    let files = [dpkg::files(view), apk::files(view), rpm::files(view)].concat();
    let digest = |path: &String| Some(view.file(path).ok()??.digest());
    files.into_iter().map(|path| (path.clone(), digest(&path))).collect()
}

/// All packages in `view`, sorted.
pub(crate) fn read(view: View<'_>) -> Found {
    let mut found = dpkg::read(view);
    for more in [apk::read(view), rpm::read(view)] {
        found.packages.extend(more.packages);
        found.problems.extend(more.problems);
    }
    found.packages.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    // A database may say the same twice (dpkg's status and status.d); once is enough.
    found.packages.dedup_by(|a, b| a.sort_key() == b.sort_key());
    found
}

/// Whether packages may be missing because of `entry`: then that is what is wrong where there are none.
pub(crate) fn hides_packages(entry: &Incomplete) -> bool {
    use IncompleteKind::{Image, Layer, Package, PackageDatabase};
    matches!(entry.what, Image | Layer | PackageDatabase | Package)
}

const THEN: &str = "nothing can be said of its packages; [os] no_packages in the policy says what follows";

/// Says that a document lists no package, and not why.
pub(crate) fn unlisted() -> Incomplete {
    let why = format!("the document lists no package of the image: {THEN}");
    Incomplete { what: IncompleteKind::NoPackageDatabase, path: None, why }
}

/// Says why there are no packages: no database, or an empty one, which may be what damage left.
pub(crate) fn none(signature: &Signature) -> Incomplete {
    let (path, why) = match signature.first() {
        None => (None, format!("no package database of dpkg, rpm or apk is in the image: {THEN}")),
        Some((path, _)) => (Some(path.clone()), format!("the package database lists no package: {THEN}")),
    };
    Incomplete { what: IncompleteKind::NoPackageDatabase, path, why }
}
