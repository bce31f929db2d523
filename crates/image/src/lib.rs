//! Container images and root filesystems, streamed into the few files somebody asked for.
//!
//! Comes in: a [`Target`]'s [`Location`] (or its name in a registry, an engine or containerd's store), a [`Question`] (path patterns) and [`Limits`]. Goes out: [`Image`]s,
//! each a [`Tree`] of the wanted files as the container sees them after any of its layers, with what could not
//! be read in `incomplete`. Every byte of an image is hostile: nothing is unpacked, no link is followed out of
//! the image, nothing counts before its digest was compared. Nothing here knows what a package is.

mod archive;
mod blob;
mod cache;
mod chain;
mod choose;
mod collect;
mod containerd;
mod content;
mod daemon;
mod docker;
mod evidence;
mod folder;
mod image;
mod inflate;
mod languages;
mod layer;
mod lazy;
mod limits;
mod markers;
mod oci;
mod path;
mod plan;
mod private;
mod progress;
mod question;
mod read;
mod read_at;
mod reader;
pub mod registry;
mod rootfs;
mod shared;
mod tar;
mod target;
mod tree;
mod work;

pub use cache::{Cache, EntryName, Usage};
pub use choose::PlatformChoice;
pub use containerd::{ContainerdImage, ContainerdImageError};
pub use content::Content;
pub use daemon::{DaemonError, DaemonImage, DaemonImageError, DaemonSettings};
pub use image::Image;
pub use inflate::Inflater;
#[cfg(fuzzing)]
pub use inflate::agreed;
#[cfg(fuzzing)]
pub use lazy::read_lazily;
pub use limits::{LimitError, Limits};
#[cfg(fuzzing)]
pub use oci::documents;
pub use progress::Progress;
pub use question::Question;
pub use read::{LayerExtent, Options, ReadError, export, pull, read, stored};
pub use read_at::ReadAt;
pub use shared::SharedLayers;
pub use target::{Document, Location, Target, TargetError};
pub use tree::{File, LinkError, ModifiedIn, Tree, TreeBuilder, View};
pub use work::Threads;
