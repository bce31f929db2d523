//! Images of a container engine, as docker's API exports them (`GET /images/{name}/get`; podman speaks it, too).
//!
//! The answer is the archive that `docker save` writes. An archive's index may stand at its end, so it goes into a file
//! without a name first, within the bounds. The engine is trusted to give the image that it was asked for, as it is by
//! whoever runs it; what it gives is as hostile as any archive. Nothing secret is sent, and redirects are not followed.

mod error;
mod name;
mod place;

pub use error::DaemonError;
pub use name::{DaemonImage, DaemonImageError};

use crate::blob::Blob;
use crate::choose::PlatformChoice;
use crate::limits::LimitError;
use crate::progress::Meter;
use crate::read::Options;
use imagescan_fetch::{BodyReader, Client, FetchError, Proxies, Request, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use place::Place;
use serde::Deserialize;
use serde_json::json;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::Duration;

/// Engines write the whole archive to their disk before they send its first byte, and say nothing meanwhile.
const PATIENCE: Duration = Duration::from_mins(10);
/// Bytes of an answer that is no image.
const REASON: usize = 4096;
/// The first version of the API in which an image is exported for one platform.
const PLATFORMS: (u32, u32) = (1, 48);

/// Where to find an engine. Only the command line asks the environment.
#[derive(Debug, Clone, Default)]
pub struct DaemonSettings {
    /// `DOCKER_HOST`.
    pub host: Option<String>,
    /// `DOCKER_TLS_VERIFY`: whether `tcp://` means TLS.
    pub tls: bool,
    /// `DOCKER_CERT_PATH`: the folder of `ca.pem`, `cert.pem` and `key.pem`.
    pub certificates: Option<PathBuf>,
    /// Where engines listen that nobody named; the first that can be connected to is asked.
    pub sockets: Vec<PathBuf>,
    /// Whether other machines are left alone.
    pub offline: bool,
    /// Proxies, for engines on other machines.
    pub proxies: Proxies,
}

/// An engine that answers.
struct Engine {
    place: Place,
    client: Client,
    version: Option<(u32, u32)>,
}

/// An archive with `image`, from the engine that `settings` lead to, whose name is given, too.
pub(crate) fn export(
    image: &DaemonImage,
    settings: &DaemonSettings,
    options: &Options,
    meter: &Meter,
) -> Result<(String, Blob), DaemonError> {
    let engine = Engine::find(image, settings, options)?;
    let blob = engine.spool(image, engine.image(image, options)?, options, meter)?;
    Ok((engine.place.to_string(), blob))
}

impl Engine {
    fn find(image: &DaemonImage, settings: &DaemonSettings, options: &Options) -> Result<Self, DaemonError> {
        let connect = |place: Place| {
            if settings.offline && place.is_remote() {
                return Err(DaemonError::Offline { place: place.to_string() });
            }
            Self::connect(place, image, settings, options)
        };
        if let Some(host) = &settings.host {
            return connect(Place::parse(host, settings.tls)?);
        }
        let mut tried = Vec::new();
        for socket in &settings.sockets {
            match connect(Place::Socket(socket.clone())) {
                Err(DaemonError::Socket { source, .. }) => {
                    let path = socket.display().to_string();
                    tried.push(format!("`{}` ({source}{})", path.escape_debug(), error::hint(&source)));
                }
                other => return other,
            }
        }
        Err(DaemonError::Nowhere { tried: tried.join(", ") })
    }

    /// Asks who is there, and which version of the API is spoken: requests without one are on their way out.
    fn connect(
        place: Place,
        image: &DaemonImage,
        settings: &DaemonSettings,
        options: &Options,
    ) -> Result<Self, DaemonError> {
        let fetch = place.fetch(settings);
        let fetch = fetch.map_err(|source| DaemonError::Address { place: place.to_string(), source })?;
        let failed = |error| DaemonError::of(&place, image.asked(), error);
        let client = Client::new(fetch).map_err(failed)?;
        let mut request = Request::get(&format!("{}/_ping", place.base())).map_err(failed)?;
        request.deadline = options.limits.deadline;
        let response = client.send_once(&request).map_err(failed)?;
        let status = response.status();
        let version = response.header("api-version").map(String::from);
        let body = response.beginning(REASON);
        match (status, &version, message(&body)) {
            (200, Some(_), _) => {}
            (200, None, _) if body == b"OK" => {}
            (200, ..) | (_, _, None) => return Err(foreign(&place, status, &body)),
            (_, _, Some(message)) => {
                return Err(DaemonError::Answer { place: place.to_string(), status, message });
            }
        }
        Ok(Self { place, client, version: version.and_then(|version| parse(&version)) })
    }

    /// The answer that holds the image.
    fn image(&self, image: &DaemonImage, options: &Options) -> Result<Response, DaemonError> {
        let failed = |error| DaemonError::of(&self.place, image.asked(), error);
        let version = self.version.map(|(major, minor)| format!("/v{major}.{minor}")).unwrap_or_default();
        let platform = match &options.platform {
            PlatformChoice::One(platform) if self.version >= Some(PLATFORMS) => {
                let platform = json!({"os": platform.os, "architecture": platform.architecture,
                    "variant": platform.variant})
                .to_string();
                format!("?platform={}", utf8_percent_encode(&platform, NON_ALPHANUMERIC))
            }
            _ => String::new(),
        };
        let url = format!("{}{version}/images/{}/get{platform}", self.place.base(), image.asked());
        let mut request = Request::get(&url).map_err(failed)?;
        request.deadline = options.limits.deadline;
        request.idle_timeout = Some(PATIENCE);
        let response = self.client.send_once(&request).map_err(failed)?;
        let status = response.status();
        let is_page = response.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
        if status == 200 && !is_page {
            return Ok(response);
        }
        let body = response.beginning(REASON);
        let place = self.place.to_string();
        Err(match (status, message(&body)) {
            (404, Some(message)) => {
                DaemonError::Absent { place, image: image.to_string(), has_name: image.has_name(), message }
            }
            (_, Some(message)) => DaemonError::Answer { place, status, message },
            (_, None) => foreign(&self.place, status, &body),
        })
    }

    /// Writes what comes into a file that has no name.
    fn spool(
        &self,
        image: &DaemonImage,
        response: Response,
        options: &Options,
        meter: &Meter,
    ) -> Result<Blob, DaemonError> {
        let file = crate::private::unlinked_file(&options.spill).map_err(DaemonError::Cache)?;
        let most = options.limits.total_bytes;
        let mut reader = response.reader();
        let mut buffer = vec![0; 256 << 10];
        let mut length = 0;
        loop {
            let count = self.read(image, &mut reader, &mut buffer)?;
            let bytes = buffer.get(..count).unwrap_or_default();
            if bytes.is_empty() {
                break;
            }
            if length + count as u64 > most {
                let what = "bytes of an image from an engine";
                return Err(LimitError::new(most, what, "--max-total-bytes").into());
            }
            file.write_all_at(bytes, length).map_err(DaemonError::Cache)?;
            length += count as u64;
            meter.received(count as u64);
        }
        Blob::whole(file).map_err(DaemonError::Cache)
    }

    fn read(
        &self,
        image: &DaemonImage,
        reader: &mut BodyReader,
        buffer: &mut [u8],
    ) -> Result<usize, DaemonError> {
        reader.read(buffer).map_err(|error| match error.downcast::<FetchError>() {
            Ok(error) => DaemonError::of(&self.place, image.asked(), error),
            Err(error) => DaemonError::Cache(error),
        })
    }
}

fn foreign(place: &Place, status: u16, body: &[u8]) -> DaemonError {
    let message = String::from_utf8_lossy(body).trim().into();
    DaemonError::Foreign { place: place.to_string(), status, message }
}

/// `MAJOR.MINOR`.
fn parse(version: &str) -> Option<(u32, u32)> {
    let (major, minor) = version.trim().split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// What an engine says instead (`ErrorResponse` of the API).
fn message(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Body {
        message: String,
    }
    serde_json::from_slice(body).ok().map(|Body { message }| message)
}

/// What an engine that failed half-way wrote behind the piece of an archive: it can no longer answer otherwise.
pub(crate) fn last_words(blob: &Blob) -> Option<String> {
    #[derive(Deserialize)]
    struct Words {
        error: String,
    }
    let mut tail = [0; REASON];
    let count = blob.read_at(&mut tail, blob.len().saturating_sub(REASON as u64)).ok()?;
    let tail = tail.get(..count)?;
    let mark = b"{\"errorDetail\":";
    let at = tail.windows(mark.len()).rposition(|window| window == mark)?;
    let words: Words = serde_json::from_slice(tail.get(at..)?.trim_ascii()).ok()?;
    Some(words.error.escape_debug().to_string())
}
