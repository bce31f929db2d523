//! Where documents go: standard output, or a file that is written whole or not at all.

use crate::arguments::{Format, Output, When};
use anyhow::{Context as _, Result};
use std::fs::Permissions;
use std::io::{ErrorKind, IsTerminal, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Columns of a table that goes to no terminal.
const WIDTH: usize = 80;

/// How a table for `output` is drawn: (columns, colour).
pub(crate) fn table_style(output: &Output, color: When) -> (usize, bool) {
    let terminal = output.file.is_none() && std::io::stdout().is_terminal();
    let size = terminal_size::terminal_size().filter(|_| terminal);
    let width = size.map_or(WIDTH, |(width, _)| usize::from(width.0).max(40));
    let plain = || {
        std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb")
    };
    let colour = match color {
        When::Always => true,
        When::Never => false,
        When::Auto => terminal && !plain(),
    };
    (width, colour)
}

/// Writes each document where it is to go.
pub(crate) fn write(outputs: &[Output], document: impl Fn(&Output) -> String) -> Result<()> {
    for output in outputs {
        let text = document(output);
        match &output.file {
            None => print(&text)?,
            Some(file) => replace(file, &text)
                .with_context(|| format!("cannot write `{}`", file.display().to_string().escape_debug()))?,
        }
    }
    Ok(())
}

/// What was asked for, or `default` on standard output.
pub(crate) fn or_default(outputs: &[Output], default: Format) -> Vec<Output> {
    if outputs.is_empty() { vec![Output { format: default, file: None }] } else { outputs.to_vec() }
}

/// Writes to standard output; a reader that went away is no error.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot write to stdout"),
        _ => Ok(()),
    }
}

fn replace(path: &Path, text: &str) -> Result<()> {
    // A device or a pipe is written to, not replaced.
    if std::fs::metadata(path).is_ok_and(|meta| !meta.is_file()) {
        return Ok(std::fs::OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes())?);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let permissions = Permissions::from_mode(0o666);
    let mut file = tempfile::Builder::new().permissions(permissions).tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
