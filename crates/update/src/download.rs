//! One document into an unlinked file: only if it changed, going on where the connection broke, within bounds.

use crate::error::UpdateError;
use crate::state::Validators;
use imagescan_fetch::{Client, FetchError, Request, Response};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Attempts in a row that bring nothing new.
const FRUITLESS: u32 = 4;

/// What may be fetched in all, by every feed together.
#[derive(Debug)]
pub struct Allowance {
    /// Bytes that are left.
    left: AtomicU64,
    /// When everything has to be here.
    deadline: Option<Instant>,
}

impl Allowance {
    /// At most `bytes`, until `deadline`.
    #[must_use]
    pub fn new(bytes: u64, deadline: Option<Instant>) -> Self {
        Self { left: AtomicU64::new(bytes), deadline }
    }

    fn take(&self, bytes: u64, url: &str) -> Result<(), UpdateError> {
        let taken =
            self.left.try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        taken.map(drop).map_err(|limit| UpdateError::TooLarge { url: url.into(), limit })
    }
}

/// What came of asking.
#[derive(Debug)]
pub(crate) enum Download {
    /// It is what we had.
    Unchanged,
    /// It is in the file, which is read from its start.
    New(File, Validators),
}

/// Asks for `url`, unless it is still what `known` describes. `progress` is given the bytes as they come.
pub(crate) fn download(
    client: &Client,
    url: &str,
    known: Option<&Validators>,
    spool: &Path,
    allowance: &Allowance,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Download, UpdateError> {
    let mut file = tempfile::tempfile_in(spool)
        .map_err(UpdateError::io(format!("cannot make a file in `{}`", spool.display())))?;
    let (mut position, mut fruitless) = (0, 0);
    let mut validators = Validators::default();
    loop {
        let response = client.send(&request(url, position, &validators, known, allowance)?)?;
        match response.status() {
            304 if position == 0 && known.is_some() => return Ok(Download::Unchanged),
            206 if position > 0 && begins_at(&response, position) => {}
            _ => {
                // From the start: the first answer, or another document than we had begun with.
                position = 0;
                file.set_len(0).and_then(|()| file.rewind()).map_err(UpdateError::io("the spool file"))?;
            }
        }
        let response = response.success()?;
        if position == 0 && response.status() == 206 {
            return Err(UpdateError::Leads {
                url: url.into(),
                why: "was answered with a part that nobody asked for",
            });
        }
        if position == 0 {
            validators = validators_of(&response);
        }
        let before = position;
        match copy(response, &mut file, &mut position, url, allowance, progress)? {
            None => break,
            Some(error) => {
                fruitless = if position > before { 0 } else { fruitless + 1 };
                tracing::info!("`{url}` broke off after {position} bytes: {error}");
                if fruitless >= FRUITLESS {
                    return Err(broken(url, error));
                }
            }
        }
    }
    file.rewind().map_err(UpdateError::io("the spool file"))?;
    Ok(Download::New(file, validators))
}

fn request(
    url: &str,
    position: u64,
    validators: &Validators,
    known: Option<&Validators>,
    allowance: &Allowance,
) -> Result<Request, FetchError> {
    let mut request = Request::get(url)?;
    request.deadline = allowance.deadline;
    if position > 0 {
        // The rest of the same version only (RFC 9110, 13.1.5); weak tags do not say that bytes are the same.
        let strong = validators.etag.as_deref().filter(|etag| !etag.starts_with("W/"));
        if let Some(version) = strong.or(validators.last_modified.as_deref()) {
            request.range_from = Some(position);
            return Ok(request.header("if-range", version));
        }
        return Ok(request);
    }
    if let Some(etag) = known.and_then(|known| known.etag.as_deref()) {
        request = request.header("if-none-match", etag);
    }
    if let Some(date) = known.and_then(|known| known.last_modified.as_deref()) {
        request = request.header("if-modified-since", date);
    }
    Ok(request)
}

/// Whether a part begins where the file ends (RFC 9110, 14.4).
fn begins_at(response: &Response, position: u64) -> bool {
    response.header("content-range").is_some_and(|range| range.starts_with(&format!("bytes {position}-")))
}

fn validators_of(response: &Response) -> Validators {
    let text = |name| response.header(name).map(String::from);
    Validators { etag: text("etag"), last_modified: text("last-modified") }
}

/// Copies what comes; the error that broke it off, if one did.
fn copy(
    response: Response,
    file: &mut File,
    position: &mut u64,
    url: &str,
    allowance: &Allowance,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Option<io::Error>, UpdateError> {
    let mut reader = response.reader();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => return Ok(None),
            Ok(count) => count,
            Err(error) => return Ok(Some(error)),
        };
        let bytes = buffer.get(..count).unwrap_or_default();
        allowance.take(count as u64, url)?;
        file.write_all(bytes).map_err(UpdateError::io("cannot keep what is fetched"))?;
        *position += count as u64;
        progress(count as u64);
    }
}

fn broken(url: &str, source: io::Error) -> UpdateError {
    UpdateError::Io { what: format!("`{url}` broke off"), source }
}
