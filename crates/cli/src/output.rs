//! Where documents go: standard output, or a file that is written whole or not at all.

use crate::arguments::{Format, Output, When};
use anyhow::{Context as _, Result};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat};
use std::fs::{File, Permissions};
use std::io::{ErrorKind, IsTerminal, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

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

/// The documents that were asked for.
pub(crate) struct Documents {
    outputs: Vec<Output>,
    /// Where lines go as they come.
    lines: Vec<Lines>,
    /// Standard output's reader went away.
    is_unread: bool,
}

/// Whoever read standard output has enough, and nothing else is written: there is no more to do.
#[derive(Debug)]
pub(crate) struct Unread;

impl std::fmt::Display for Unread {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("nobody reads the report")
    }
}

impl std::error::Error for Unread {}

enum Lines {
    Stdout,
    File(PathBuf, Replacement),
}

impl Documents {
    /// What was asked for, or `default` on standard output.
    pub(crate) fn new(outputs: &[Output], default: Format) -> Result<Self> {
        let default = [Output { format: default, file: None }];
        let outputs = if outputs.is_empty() { &default } else { outputs };
        let (lines, outputs): (Vec<Output>, _) =
            outputs.iter().cloned().partition(|output| output.format == Format::Jsonl);
        let open = |output: Output| match output.file {
            None => Ok(Lines::Stdout),
            Some(file) => {
                let replacement = Replacement::of(&file).with_context(|| cannot_write(&file))?;
                Ok(Lines::File(file, replacement))
            }
        };
        Ok(Self { outputs, lines: lines.into_iter().map(open).collect::<Result<_>>()?, is_unread: false })
    }

    pub(crate) fn has(&self, format: Format) -> bool {
        self.outputs.iter().any(|output| output.format == format)
    }

    /// Whether anything is written of all images together.
    pub(crate) fn is_whole(&self) -> bool {
        !self.outputs.is_empty()
    }

    /// Whether anything is written of each image.
    pub(crate) fn is_lines(&self) -> bool {
        !self.lines.is_empty()
    }

    /// Whether lines come on a terminal, where a line of progress would stand in their way.
    pub(crate) fn is_seen(&self) -> bool {
        let to_stdout = self.lines.iter().any(|lines| matches!(lines, Lines::Stdout));
        to_stdout && std::io::stdout().is_terminal()
    }

    /// Writes the line of one image. [`Unread`] once nobody wants any more.
    pub(crate) fn line(&mut self, line: &str) -> Result<()> {
        for lines in &mut self.lines {
            match lines {
                Lines::Stdout => self.is_unread |= !printed(line)?,
                Lines::File(path, file) => file.write(line.as_bytes()).with_context(|| cannot_write(path))?,
            }
        }
        let only_stdout =
            self.outputs.is_empty() && self.lines.iter().all(|lines| matches!(lines, Lines::Stdout));
        if self.is_unread && only_stdout { Err(Unread.into()) } else { Ok(()) }
    }

    /// Writes each document where it is to go.
    pub(crate) fn finish(self, document: impl Fn(&Output) -> String) -> Result<()> {
        for lines in self.lines {
            if let Lines::File(path, file) = lines {
                file.place().with_context(|| cannot_write(&path))?;
            }
        }
        for output in &self.outputs {
            let text = document(output);
            match &output.file {
                None => print(&text)?,
                Some(path) => replace(path, &text).with_context(|| cannot_write(path))?,
            }
        }
        Ok(())
    }
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write `{}`", path.display().to_string().escape_debug())
}

/// Writes to standard output; a reader that went away is no error.
pub(crate) fn print(text: &str) -> Result<()> {
    printed(text).map(|_| ())
}

/// The same, and whether anybody reads it.
fn printed(text: &str) -> Result<bool> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error).context("cannot write to stdout"),
        Ok(()) => Ok(true),
    }
}

fn replace(path: &Path, text: &str) -> Result<()> {
    let mut file = Replacement::of(path)?;
    file.write(text.as_bytes())?;
    file.place()
}

/// A file that takes another's place once it is whole.
struct Replacement {
    /// Where it goes: what links lead to, so that they stay links.
    path: PathBuf,
    file: Replacing,
}

enum Replacing {
    /// It has no name until then, so that nothing is left of a command that was killed.
    Nameless(File),
    /// The same where the file system gives every file a name.
    Named(NamedTempFile),
    /// A device or a pipe is written to, not replaced; so is what is open already (`/dev/stdout`).
    Device(File),
}

impl Replacement {
    fn of(path: &Path) -> Result<Self> {
        let known = std::fs::metadata(path).ok();
        let is_open = ["/dev", "/proc"].iter().any(|folder| path.starts_with(folder));
        if is_open || known.as_ref().is_some_and(|meta| !meta.is_file()) {
            let file = File::options().write(true).open(path)?;
            return Ok(Self { path: path.into(), file: Replacing::Device(file) });
        }
        let path = if known.is_some() { path.canonicalize()? } else { path.into() };
        let mut file = Replacing::beside(&path)?;
        if let Some(known) = known {
            file.file().set_permissions(known.permissions())?;
        }
        Ok(Self { path, file })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.file.file().write_all(bytes)?)
    }

    fn place(mut self) -> Result<()> {
        if !matches!(self.file, Replacing::Device(_)) {
            self.file.file().sync_all()?;
        }
        match self.file {
            Replacing::Device(_) => {}
            Replacing::Named(file) => drop(file.persist(&self.path)?),
            Replacing::Nameless(file) => {
                let open = format!("/proc/self/fd/{}", file.as_raw_fd());
                let link = |name: &Path| Ok(linkat(CWD, &open, CWD, name, AtFlags::SYMLINK_FOLLOW)?);
                let named = tempfile::Builder::new().prefix(PREFIX).make_in(folder(&self.path), link)?;
                named.persist(&self.path)?;
            }
        }
        Ok(())
    }
}

impl Replacing {
    fn beside(path: &Path) -> Result<Self> {
        let folder = folder(path);
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        match rustix::fs::open(folder, flags, Mode::from_raw_mode(MODE)) {
            // It gets its name by way of this folder.
            Ok(file) if Path::new("/proc/self/fd").exists() => Ok(Self::Nameless(file.into())),
            _ => {
                let permissions = Permissions::from_mode(MODE);
                let file =
                    tempfile::Builder::new().prefix(PREFIX).permissions(permissions).tempfile_in(folder)?;
                Ok(Self::Named(file))
            }
        }
    }

    fn file(&mut self) -> &mut File {
        match self {
            Self::Nameless(file) | Self::Device(file) => file,
            Self::Named(file) => file.as_file_mut(),
        }
    }
}

/// Of files that are made, less what the umask takes.
const MODE: u32 = 0o666;
const PREFIX: &str = ".imagescan-";

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
