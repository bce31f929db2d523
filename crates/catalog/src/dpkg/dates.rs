//! When a Debian package was built and installed.
//!
//! dpkg-deb clamps the times of a package's files to its last changelog entry, so the newest of them, as the
//! layer that brought this version carries them, is the build date. That layer is the one that carries the
//! package's `.list` file, which dpkg writes while it unpacks: a later layer may change the package's state, or
//! edit its files. Files written later (configuration, caches) have times of their own: whatever is younger than
//! the `.list` file was not in the package.
//!
//! Builders that set `SOURCE_DATE_EPOCH` put back every later time to that one, the `.list` file's too. A file of
//! just its time may be the package's newest or one that was edited: then nobody can say when it was built.
//!
//! Distroless images have no `.list` but `status.d/NAME.md5sums`, from the package itself: it names the files,
//! and says nothing of the installation.

use crate::lines::Lines;
use imagescan_image::{File, Tree, View};
use imagescan_model::Package;
use jiff::Timestamp;
use std::cmp::Ordering;

/// Sets `built_at` and `installed_at` of `package`.
pub(crate) fn date(package: &mut Package, tree: &Tree) {
    let Some(list) = list(package, tree.top()) else { return };
    package.installed_at = list.installed.and_then(|time| Timestamp::from_second(time).ok());
    let mut own = tree.modified_in(list.file.layer);
    let built = list.newest(&mut |path| own.of(path)).or_else(|| {
        // Some builders put files and database into different layers: the nearest one below has this version.
        let below = (0..=list.file.layer).rev();
        let layers = below.chain(list.file.layer.saturating_add(1)..tree.layers());
        let mut nearest = tree.modified_in_first(layers);
        list.newest(&mut |path| nearest.of(path))
    });
    package.built_at = match built {
        Some(Newest::At(time)) => Timestamp::from_second(time).ok(),
        Some(Newest::PutBack) | None => None,
    };
}

/// The names of a package's files.
struct List<'a> {
    file: File<'a>,
    /// When dpkg wrote it; `None` for the sums of a distroless package.
    installed: Option<i64>,
}

fn list<'a>(package: &Package, view: View<'a>) -> Option<List<'a>> {
    let file = |path: String| view.file(&path).ok().flatten();
    let name = &package.name;
    let architecture = package.architecture.as_deref().unwrap_or_default();
    // Only `Multi-Arch: same` packages have the architecture in the name.
    let list = file(format!("var/lib/dpkg/info/{name}:{architecture}.list"))
        .or_else(|| file(format!("var/lib/dpkg/info/{name}.list")));
    if let Some(file) = list {
        let installed = Some(file.modified);
        return Some(List { file, installed });
    }
    Some(List { file: file(format!("var/lib/dpkg/status.d/{name}.md5sums"))?, installed: None })
}

/// The newest time of a package's files.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Newest {
    At(i64),
    /// Put back by the builder to the time of the `.list` file: it was then or later.
    PutBack,
}

impl List<'_> {
    /// The newest of the times that `modified` gives for the files, of those that came with the package.
    fn newest(&self, modified: &mut dyn FnMut(&str) -> Option<i64>) -> Option<Newest> {
        let mut lines = Lines::new(&self.file);
        let mut newest = None;
        while let Ok(Some(line)) = lines.next() {
            let Ok(line) = std::str::from_utf8(line.bytes) else { continue };
            let path = match self.installed {
                Some(_) => line,
                None => line.split_once("  ").map_or("", |(_, path)| path),
            };
            let came = |time: i64| match self.installed.map(|installed| time.cmp(&installed)) {
                None | Some(Ordering::Less) => Some(Newest::At(time)),
                Some(Ordering::Equal) => Some(Newest::PutBack),
                Some(Ordering::Greater) => None,
            };
            newest = newest.max(modified(path).and_then(came));
        }
        newest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use imagescan_image::TreeBuilder;
    use imagescan_model::PackageType;

    /// Built and installed.
    fn dates(tree: TreeBuilder) -> (Option<i64>, Option<i64>) {
        let mut package = Package::new(PackageType::Deb, "a", "1");
        package.architecture = Some("amd64".into());
        date(&mut package, &tree.build());
        (package.built_at.map(Timestamp::as_second), package.installed_at.map(Timestamp::as_second))
    }

    #[test]
    fn a_package_is_as_old_as_its_newest_file_that_came_with_it() {
        let tree = TreeBuilder::new()
            .layer()
            .file("var/lib/dpkg/info/a:amd64.list", b"/.\n/usr/bin/a\n/etc/a.conf\n/lib/a.so", 2000)
            .symlink("lib", "usr/lib")
            .file("usr/bin/a", b"", 1000)
            .file("usr/lib/a.so", b"", 1100)
            .file("etc/a.conf", b"", 2500)
            .layer()
            .file("usr/bin/a", b"edited", 1900);
        assert_eq!(dates(tree), (Some(1100), Some(2000)));
    }

    #[test]
    fn a_package_whose_newest_files_were_put_back_has_no_build_date() {
        let clamped = |newest: i64| {
            TreeBuilder::new()
                .layer()
                .file("var/lib/dpkg/info/a.list", b"/usr/bin/a\n/usr/lib/a.so\n/etc/a.conf\n", 2000)
                .file("usr/bin/a", b"", 1000)
                .file("usr/lib/a.so", b"", newest)
        };
        assert_eq!(dates(clamped(2000)), (None, Some(2000)));
        assert_eq!(dates(clamped(1999)), (Some(1999), Some(2000)));
        // Neither does a file of it in another layer date it.
        assert_eq!(dates(clamped(2000).layer().file("usr/bin/a", b"", 1500)), (None, Some(2000)));
    }

    #[test]
    fn the_layer_of_the_list_has_the_files_of_this_version() {
        let list = "var/lib/dpkg/info/a.list";
        let upgraded = TreeBuilder::new()
            .layer()
            .file(list, b"/usr/bin/a", 1500)
            .file("usr/bin/a", b"old", 1000)
            .layer()
            .file(list, b"/usr/bin/a", 3000)
            .file("usr/bin/a", b"new", 2000);
        // A third layer holds the package: its files are in none but the second.
        let held = upgraded.layer().file("var/lib/dpkg/status", b"", 4000);
        assert_eq!(dates(held), (Some(2000), Some(3000)));
        let apart = |files: TreeBuilder| files.layer().file(list, b"/usr/bin/a", 3000);
        let below = TreeBuilder::new().layer().file("usr/bin/a", b"", 1).layer().file("usr/bin/a", b"", 2);
        assert_eq!(dates(apart(below)), (Some(2), Some(3000)));
        let above = apart(TreeBuilder::new()).layer().file("usr/bin/a", b"", 1);
        assert_eq!(dates(above), (Some(1), Some(3000)));
    }

    #[test]
    fn a_distroless_package_is_dated_by_the_files_of_its_sums() {
        let sums = b"d41d8cd98f00b204e9800998ecf8427e  usr/lib/a.so\nnonsense\n";
        let tree = TreeBuilder::new().layer().file("var/lib/dpkg/status.d/a.md5sums", sums, 0).file(
            "usr/lib/a.so",
            b"",
            1000,
        );
        assert_eq!(dates(tree), (Some(1000), None));
        assert_eq!(dates(TreeBuilder::new().layer()), (None, None));
    }
}
