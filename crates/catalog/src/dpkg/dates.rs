//! When a Debian package was built and installed.
//!
//! dpkg-deb clamps the times of a package's files to its last changelog entry, so the newest of them, as the
//! layer that brought this version carries them, is the build date. Files written later (configuration, caches)
//! have times of their own: whatever is as young as the `.list` file, which dpkg writes while it installs, was
//! not in the package.

use crate::text::lines;
use imagescan_image::{ModifiedIn, Tree};
use imagescan_model::Package;
use jiff::Timestamp;

/// Sets `built_at` and `installed_at` of `package`, which `layer` last changed.
pub(crate) fn date(package: &mut Package, tree: &Tree, layer: u32) {
    let view = tree.top();
    let architecture = package.architecture.as_deref().unwrap_or_default();
    let multi_arch = format!("var/lib/dpkg/info/{}:{architecture}.list", package.name);
    let plain = format!("var/lib/dpkg/info/{}.list", package.name);
    let file = [multi_arch, plain].iter().find_map(|path| view.file(path).ok().flatten());
    let Some(file) = file else { return };
    let installed = file.modified;
    package.installed_at = Timestamp::from_second(installed).ok();
    let Ok(bytes) = file.bytes() else { return };
    let paths = || lines(&bytes).filter_map(|path| std::str::from_utf8(path).ok());
    let newest = |times: &mut dyn Iterator<Item = i64>| times.filter(|time| *time < installed).max();
    let mut times = tree.modified_in(layer);
    let own = newest(&mut paths().filter_map(|path| times.of(path)));
    // Some builders put files and database into different layers; the lowest has a file as it came.
    let mut layers: Vec<ModifiedIn<'_>> = (0..tree.layers()).map(|layer| tree.modified_in(layer)).collect();
    let mut first = |path| layers.iter_mut().find_map(|times| times.of(path));
    let built = own.or_else(|| newest(&mut paths().filter_map(&mut first)));
    package.built_at = built.and_then(|time| Timestamp::from_second(time).ok());
}

#[cfg(test)]
mod tests {
    use super::*;
    use imagescan_image::TreeBuilder;
    use imagescan_model::PackageType;

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
            .file("usr/bin/a", b"edited", 1900)
            .build();
        let mut package = Package::new(PackageType::Deb, "a", "1");
        package.architecture = Some("amd64".into());
        date(&mut package, &tree, 0);
        assert_eq!(package.built_at, Timestamp::from_second(1100).ok());
        assert_eq!(package.installed_at, Timestamp::from_second(2000).ok());
    }
}
