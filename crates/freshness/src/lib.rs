//! How old an image, its base and its packages are, and by which evidence.
//!
//! Comes in: an [`imagescan_model::Age`] whose evidence is as found, and the instant to judge at. Goes out: the
//! same with what does not count marked, and each age decided. Nobody's `created` is believed where the content
//! proves otherwise, and nothing is dated by a value that reproducible builds write into every image.

mod ladder;
mod set_aside;

pub use ladder::date;
