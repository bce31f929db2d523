//! Which layer introduced a package, and which one last changed it.
//!
//! The database is read as it stood after each layer that touched it. Of a lower layer only names, versions and
//! states are kept, and only until the next one is read.

use crate::database::{self, Found, Signature};
use imagescan_image::Tree;
use imagescan_model::{Package, PackageState, PackageType};
use std::collections::BTreeMap;

/// A package by what stays the same when it is upgraded.
type Key = (PackageType, String, Option<String>);
/// What an upgrade changes: version, state, hold.
type Stand = (String, PackageState, bool);

/// Since when a key is there, and each of its stands (several versions may be installed side by side).
struct Known {
    introduced: u32,
    stands: Vec<(Stand, u32)>,
}

/// The packages as the container sees them, with their layers, and the databases they came from.
pub(crate) fn attributed(tree: &Tree) -> (Found, Signature) {
    let mut known: BTreeMap<Key, Known> = BTreeMap::new();
    let mut before = Signature::new();
    let mut found = Found::default();
    for layer in 0..tree.layers() {
        let view = tree.at(layer);
        let signature = database::signature(view);
        if signature == before && layer > 0 {
            continue;
        }
        found = database::read(view);
        known = step(&known, &found.packages, layer);
        before = signature;
    }
    for package in &mut found.packages {
        let of_key = known.get(&key(package));
        package.introduced_in = of_key.map(|known| known.introduced);
        package.layer = of_key.and_then(|known| since(known, &stand(package)));
    }
    (found, before)
}

fn step(before: &BTreeMap<Key, Known>, packages: &[Package], layer: u32) -> BTreeMap<Key, Known> {
    let mut after: BTreeMap<Key, Known> = BTreeMap::new();
    for package in packages {
        let key = key(package);
        let stand = stand(package);
        let known = before.get(&key);
        let first = known.and_then(|known| since(known, &stand)).unwrap_or(layer);
        let introduced = known.map_or(layer, |known| known.introduced);
        after.entry(key).or_insert(Known { introduced, stands: Vec::new() }).stands.push((stand, first));
    }
    after
}

fn key(package: &Package) -> Key {
    (package.package_type.clone(), package.name.clone(), package.architecture.clone())
}

fn stand(package: &Package) -> Stand {
    (package.version.clone(), package.state, package.hold)
}

fn since(known: &Known, stand: &Stand) -> Option<u32> {
    known.stands.iter().find(|(known, _)| known == stand).map(|(_, layer)| *layer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use imagescan_image::TreeBuilder;

    const STATUS: &str = "var/lib/dpkg/status";

    fn status(packages: &[(&str, &str, &str)]) -> String {
        let stanza = |(name, version, want): &(&str, &str, &str)| {
            format!(
                "Package: {name}\nStatus: {want} ok installed\nArchitecture: amd64\nVersion: {version}\n\n"
            )
        };
        packages.iter().map(stanza).collect()
    }

    #[test]
    fn each_package_knows_its_first_and_its_last_layer() {
        let layers = [
            status(&[("kept", "1", "install"), ("upgraded", "1", "install"), ("held", "1", "install")]),
            status(&[
                ("kept", "1", "install"),
                ("upgraded", "2", "install"),
                ("held", "1", "install"),
                ("back", "1", "install"),
            ]),
            status(&[("kept", "1", "install"), ("upgraded", "2", "install"), ("held", "1", "hold")]),
            status(&[
                ("kept", "1", "install"),
                ("upgraded", "2", "install"),
                ("held", "1", "hold"),
                ("back", "1", "install"),
            ]),
        ];
        let mut tree = TreeBuilder::new().layer().file("etc/x", b"", 0);
        for layer in &layers {
            tree = tree.layer().file(STATUS, layer.as_bytes(), 0);
        }
        let (found, _) = attributed(&tree.layer().file("etc/y", b"", 0).build());
        let layers: Vec<_> = found
            .packages
            .iter()
            .map(|p| (p.name.as_str(), p.introduced_in.unwrap(), p.layer.unwrap()))
            .collect();
        assert_eq!(layers, [("back", 4, 4), ("held", 1, 3), ("kept", 1, 1), ("upgraded", 1, 2)]);
    }

    #[test]
    fn a_database_that_a_layer_removes_is_gone() {
        let tree = TreeBuilder::new()
            .layer()
            .file(STATUS, status(&[("a", "1", "install")]).as_bytes(), 0)
            .layer()
            .whiteout("var/lib/dpkg")
            .build();
        let (found, signature) = attributed(&tree);
        assert!(found.packages.is_empty() && signature.is_empty());
    }
}
