//! What the targets share: bytes as a file of an image.

use imagescan_image::{Image, TreeBuilder};
use imagescan_model::Inventory;

/// The inventory of an image that holds `bytes` at `path`, beside an os-release.
pub fn inventory(path: &str, bytes: &[u8]) -> Inventory {
    let tree = TreeBuilder::new().layer().file("etc/os-release", b"ID=x\nVERSION_ID=1\n", 0).file(path, bytes, 0);
    imagescan_catalog::inventory(&Image { tree: tree.build(), ..Image::default() })
}

/// As [`inventory`], for a database: it must say something, or hold packages.
pub fn database(path: &str, bytes: &[u8]) {
    let inventory = inventory(path, bytes);
    if path.contains("rpm") {
        assert!(!inventory.packages.is_empty() || !inventory.incomplete.is_empty(), "an empty database in silence");
    }
}
