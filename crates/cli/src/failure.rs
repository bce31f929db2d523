//! How errors end: what is printed, and with which code.

use imagescan_knowledge::KnowledgeError;
use imagescan_model::ExitCode;
use std::fmt;
use std::io::Write;

/// Marks an error of the command line itself: exit code 2.
#[derive(Debug)]
pub(crate) struct Usage(anyhow::Error);

impl Usage {
    pub(crate) fn of(error: anyhow::Error) -> anyhow::Error {
        anyhow::Error::new(Self(error))
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl std::error::Error for Usage {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

/// The error and its causes, one level each.
pub(crate) fn describe(error: &anyhow::Error, between: &str) -> String {
    let levels: Vec<String> = error.chain().map(|level| printable(&level.to_string())).collect();
    let mut levels = levels;
    levels.dedup();
    levels.join(between)
}

/// Messages may carry what an image says: no control character of it reaches the terminal.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push(c),
            c if c.is_control() => out.extend(c.escape_debug()),
            // Characters that turn the reading direction.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' => {
                out.extend(c.escape_unicode());
            }
            c => out.push(c),
        }
    }
    out
}

/// Prints `error:` and the message on stderr.
pub(crate) fn print(message: &str) {
    if crate::logs::is_json() {
        return tracing::error!("{message}");
    }
    // Nobody is left to be told that stderr is gone.
    let _ = writeln!(std::io::stderr(), "error: {message}");
}

/// Prints what the user should know and need not act on.
pub(crate) fn note(message: &str) {
    if crate::logs::is_json() {
        return tracing::warn!("{}", printable(message));
    }
    let _ = writeln!(std::io::stderr(), "note: {}", printable(message));
}

/// Prints an error that ends the command, and gives its exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if error.is::<crate::output::Unread>() {
        return ExitCode::Failed;
    }
    let about_database = error.chain().find_map(|level| level.downcast_ref::<KnowledgeError>());
    let hint = about_database.map(|error| format!("\n\nhint: {}", error.hint())).unwrap_or_default();
    print(&format!("{}{hint}", describe(error, "\n  caused by: ")));
    match about_database {
        _ if error.downcast_ref::<Usage>().is_some() => ExitCode::Usage,
        Some(KnowledgeError::Missing { .. }) => ExitCode::Inconclusive,
        _ => ExitCode::Failed,
    }
}
