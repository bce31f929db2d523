//! `imagescan cache`: info, clear.

use crate::arguments::CacheArguments;
use crate::progress::size;
use crate::{folders, output};
use anyhow::{Context as _, Result};
use imagescan_image::Cache;
use imagescan_model::ExitCode;
use jiff::Timestamp;
use std::fmt::Write as _;

pub(crate) fn info(arguments: &CacheArguments) -> Result<ExitCode> {
    let cache = folders::layers(&arguments.cache, &arguments.size)?;
    let usage = cache.usage().with_context(|| named(&cache))?;
    let mut text = format!(
        "folder   {}\nentries  {}\nsize     {} of at most {}\n",
        escaped(&cache),
        usage.entries,
        size(usage.bytes),
        size(usage.max_size)
    );
    if let (Some(oldest), Some(newest)) = (usage.oldest_use, usage.newest_use) {
        // Within an hour: that often a use is noted.
        writeln!(text, "used     {} to {}", instant(oldest), instant(newest))?;
    }
    if usage.unfinished > 0 {
        writeln!(text, "being written, or left by a process that was killed: {}", usage.unfinished)?;
    }
    output::print(&text)?;
    Ok(ExitCode::Passed)
}

pub(crate) fn clear(arguments: &CacheArguments) -> Result<ExitCode> {
    let cache = folders::layers(&arguments.cache, &arguments.size)?;
    let usage = cache.clear().with_context(|| named(&cache))?;
    let noun = if usage.entries == 1 { "entry" } else { "entries" };
    output::print(&format!("removed {} {noun}, {}\n", usage.entries, size(usage.bytes)))?;
    Ok(ExitCode::Passed)
}

fn named(cache: &Cache) -> String {
    format!("the layer cache `{}`", escaped(cache))
}

fn escaped(cache: &Cache) -> String {
    cache.folder().display().to_string().escape_debug().to_string()
}

fn instant(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |instant| instant.to_string())
}
