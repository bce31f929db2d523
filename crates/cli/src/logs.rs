//! What is said beside the report: on stderr, as much as `-v` asks for, as text or as JSON lines.

use crate::arguments::{Log, LogFormat};
use std::sync::OnceLock;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The form of the log, and whether there is more than warnings.
static CHOSEN: OnceLock<(LogFormat, bool)> = OnceLock::new();

/// Begins to log. Only what our own crates say is logged: libraries below would tell headers, and with them secrets.
pub(crate) fn start(arguments: &Log) {
    let level = match arguments.verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let ours = Targets::new().with_target("imagescan", level);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).log_internal_errors(false);
    let registry = tracing_subscriber::registry().with(ours);
    match arguments.log_format {
        LogFormat::Text => registry.with(lines.with_target(false).with_ansi(false)).init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).init(),
    }
    let _ = CHOSEN.set((arguments.log_format, arguments.verbose > 0));
}

/// Whether everything on stderr is to be JSON.
pub(crate) fn is_json() -> bool {
    CHOSEN.get().is_some_and(|(format, _)| *format == LogFormat::Json)
}

/// Whether lines come that a line of progress would stand in the way of.
pub(crate) fn is_busy() -> bool {
    is_json() || CHOSEN.get().is_some_and(|(_, is_verbose)| *is_verbose)
}
