//! What was made of whole images before, so that a known image is not read again.

use imagescan_image::{Cache, Image};
use imagescan_model::Inventory;

/// Keeps the facts of an image that was read whole; of others, the next reading may say more.
pub fn remember(cache: &Cache, image: &Image, inventory: &Inventory) {
    if inventory.incomplete.is_empty()
        && let Ok(facts) = serde_json::to_vec(inventory)
    {
        cache.remember_image(image, &facts);
    }
}

/// The facts that were kept of an image, under the name it has now. `None`: there are none, or they are not in a form
/// that is understood.
#[must_use]
pub fn remembered(image: &Image) -> Option<Inventory> {
    let inventory: Inventory = serde_json::from_slice(image.remembered.as_deref()?).ok()?;
    Some(Inventory {
        target: image.target.clone(),
        reference: image.reference.clone(),
        index_digest: image.index_digest.clone(),
        ..inventory
    })
}
