//! All facts of an image, put together.

use crate::attribution::attributed;
use crate::database;
use crate::{age, apk, config, dpkg, os_release, purl, rpm};
use imagescan_image::{Image, Question};
use imagescan_model::{EXTRACTOR_VERSION, Facts, Incomplete, IncompleteKind, Inventory, PackageType};

/// What an image must be asked for [`inventory`].
#[must_use]
pub fn question() -> Question {
    let patterns = [&os_release::PATHS[..], &dpkg::PATHS, &apk::PATHS, &rpm::PATHS, &age::PATHS].concat();
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
    // Where the image itself is lacking, that is what is wrong.
    if !incomplete.iter().any(|entry| matches!(entry.what, IncompleteKind::Image | IncompleteKind::Layer)) {
        incomplete.extend(database::none(&databases));
    }
    let mut packages = found.packages;
    for package in &mut packages {
        if let (PackageType::Deb, Some(layer)) = (&package.package_type, package.layer) {
            dpkg::dates::date(package, &image.tree, layer);
        }
        purl::set(package, &system);
        if layers.is_empty() {
            // A root filesystem has no layers to speak of.
            (package.introduced_in, package.layer) = (None, None);
        }
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
        facts: Facts { languages: image.languages.clone(), ..config.facts },
        incomplete,
    };
    inventory.age = Some(age::evidence(image, &inventory, config.created.as_deref()));
    inventory
}
