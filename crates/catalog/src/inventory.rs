//! All facts of an image, put together.

use crate::attribution::attributed;
use crate::database;
use crate::{age, apk, apk_world, config, dpkg, os_release, purl, rpm};
use imagescan_image::{Image, Question};
use imagescan_model::{EXTRACTOR_VERSION, Facts, Incomplete, IncompleteKind, Inventory, PackageType};

/// What an image must be asked for [`inventory`].
#[must_use]
pub fn question() -> Question {
    let databases = [&dpkg::PATHS[..], &apk::PATHS, &rpm::PATHS].concat();
    let patterns = [&os_release::PATHS[..], &databases, &[apk_world::PATH], &age::PATHS].concat();
    Question::new(&patterns)
}

/// The facts of `image`. Dates are undecided: `freshness` weighs them.
#[must_use]
pub fn inventory(image: &Image) -> Inventory {
    let mut incomplete = image.incomplete.clone();
    let mut layers = image.layers.clone();
    let config = image.config.as_deref().map(|config| config::read(config, &mut layers));
    let config = config.unwrap_or_else(|| Ok(config::Config::default())).unwrap_or_else(|why| {
        incomplete.push(Incomplete { what: IncompleteKind::Config, path: None, why });
        config::Config::default()
    });
    let system = os_release::system(image.tree.top(), &mut incomplete);
    let (found, databases) = attributed(&image.tree);
    incomplete.extend(found.problems);
    if found.packages.is_empty() && !incomplete.iter().any(database::hides_packages) {
        incomplete.push(database::none(&databases));
    }
    let mut packages = found.packages;
    for package in &mut packages {
        if package.package_type == PackageType::Deb {
            dpkg::dates::date(package, &image.tree);
        }
        purl::set(package, &system);
        if layers.is_empty() {
            // A root filesystem has no layers to speak of.
            (package.introduced_in, package.layer) = (None, None);
        }
    }
    let mut pins = apk_world::pins(&image.tree, &mut incomplete);
    if layers.is_empty() {
        pins.iter_mut().for_each(|pin| pin.location.layer = None);
    }
    for layer in &mut layers {
        let introduced = packages.iter().filter(|package| package.introduced_in == Some(layer.index)).count();
        let changed = packages.iter().filter(|package| package.layer == Some(layer.index));
        let changed = changed.filter(|package| package.introduced_in != Some(layer.index)).count();
        layer.packages_added = u32::try_from(introduced).unwrap_or(u32::MAX);
        layer.packages_changed = u32::try_from(changed).unwrap_or(u32::MAX);
    }
    incomplete.sort();
    incomplete.dedup();
    let mut inventory = Inventory {
        target: image.target.clone(),
        reference: image.reference.clone(),
        index_digest: image.index_digest.clone(),
        digest: image.digest.clone(),
        config_digest: image.config_digest.clone(),
        platform: image.platform.clone(),
        extractor_version: EXTRACTOR_VERSION,
        system,
        age: None,
        layers,
        packages,
        pins,
        facts: Facts { languages: image.languages.clone(), ..config.facts },
        incomplete,
    };
    inventory.age = Some(age::evidence(image, &inventory, config.created.as_deref()));
    inventory
}

#[cfg(test)]
mod tests {
    use super::*;
    use imagescan_image::{Tree, TreeBuilder};
    use imagescan_model::Layer;

    const STATUS: &str = "var/lib/dpkg/status";
    const OS_RELEASE: &[u8] = b"ID=debian\nVERSION_ID=12\n";

    fn stanza(name: &str, version: &str) -> String {
        format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n")
    }

    fn kinds(inventory: &Inventory) -> Vec<IncompleteKind> {
        inventory.incomplete.iter().map(|entry| entry.what).collect()
    }

    fn of(tree: TreeBuilder) -> Inventory {
        inventory(&Image { tree: tree.build(), ..Image::default() })
    }

    /// Two layers: the upper one upgrades `a` and adds `b`.
    fn two_layers() -> Tree {
        let upper = [stanza("a", "2"), stanza("b", "1"), stanza("kept", "1")].concat();
        TreeBuilder::new()
            .layer()
            .file("etc/os-release", OS_RELEASE, 0)
            .file(STATUS, [stanza("a", "1"), stanza("kept", "1")].concat().as_bytes(), 0)
            .layer()
            .file(STATUS, upper.as_bytes(), 0)
            .build()
    }

    #[test]
    fn layers_say_what_they_added_and_changed_and_which_command_made_them() {
        let config = br#"{"history": [{"created_by": "ADD"}, {"empty_layer": true}, {"created_by": "RUN"}]}"#;
        let layers = vec![Layer::default(), Layer { index: 1, ..Layer::default() }];
        let image = Image { config: Some(config.to_vec()), layers, tree: two_layers(), ..Image::default() };
        let inventory = inventory(&image);
        let of: Vec<_> = inventory.packages.iter().map(|p| (&*p.purl, p.introduced_in, p.layer)).collect();
        assert_eq!(
            of,
            [
                ("pkg:deb/debian/a@2?arch=amd64&distro=debian-12", Some(0), Some(1)),
                ("pkg:deb/debian/b@1?arch=amd64&distro=debian-12", Some(1), Some(1)),
                ("pkg:deb/debian/kept@1?arch=amd64&distro=debian-12", Some(0), Some(0)),
            ]
        );
        let layers: Vec<_> = inventory
            .layers
            .iter()
            .map(|layer| (layer.packages_added, layer.packages_changed, layer.created_by.as_deref().unwrap()))
            .collect();
        assert_eq!(layers, [(2, 0, "ADD"), (1, 1, "RUN")]);
        assert_eq!(inventory.incomplete, []);
    }

    #[test]
    fn packages_of_a_root_filesystem_are_of_no_layer() {
        let inventory = inventory(&Image { tree: two_layers(), ..Image::default() });
        assert_eq!(inventory.packages.len(), 3);
        assert!(inventory.packages.iter().all(|package| package.layer.or(package.introduced_in).is_none()));
    }

    #[test]
    fn an_image_without_packages_says_why() {
        let system = || TreeBuilder::new().layer().file("etc/os-release", OS_RELEASE, 0);
        let none = of(system());
        assert_eq!(kinds(&none), [IncompleteKind::NoPackageDatabase]);
        assert_eq!(none.incomplete[0].path, None);
        let config = "Package: a\nStatus: deinstall ok config-files\nVersion: 1\n";
        for (path, text) in [(STATUS, ""), (STATUS, "\n"), (STATUS, config), ("lib/apk/db/installed", "")] {
            let empty = of(system().file(path, text.as_bytes(), 0));
            assert_eq!(kinds(&empty), [IncompleteKind::NoPackageDatabase], "{path} {text:?}");
            assert_eq!(empty.incomplete[0].path.as_deref(), Some(path));
        }
        // A link to nothing is no absence.
        for target in ["/etc/shadow", "status"] {
            let linked = of(system().symlink(STATUS, target));
            assert_eq!(kinds(&linked), [IncompleteKind::PackageDatabase], "{target}");
        }
    }

    #[test]
    fn an_unknown_system_has_its_packages_listed_all_the_same() {
        let inventory = of(TreeBuilder::new().layer().file(STATUS, stanza("a", "1").as_bytes(), 0));
        assert_eq!(kinds(&inventory), [IncompleteKind::System]);
        assert_eq!(inventory.packages[0].purl, "pkg:deb/a@1?arch=amd64");
    }

    #[test]
    fn a_damaged_config_is_said() {
        let config = Some(b"{".to_vec());
        let inventory = inventory(&Image { config, tree: two_layers(), ..Image::default() });
        assert_eq!(kinds(&inventory), [IncompleteKind::Config]);
    }
}
