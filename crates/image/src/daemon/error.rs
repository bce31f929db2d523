//! Why an engine did not give an image.

use super::place::Place;
use crate::limits::{Late, LimitError};
use imagescan_fetch::{AddressError, FetchError};
use std::io;
use std::time::Duration;

/// Characters of an answer that an error repeats.
const SHOWN: usize = 300;

/// Why an image of a container engine cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DaemonError {
    /// `DOCKER_HOST` is none.
    #[error("DOCKER_HOST is `{}`, which cannot be asked: {expected}", got.escape_debug())]
    Host {
        /// The beginning of what it is.
        got: String,
        /// What to write.
        expected: &'static str,
    },
    /// No engine was named, and none is where they are.
    #[error(
        "no container engine answers on this machine, tried {tried}: start one, or name its socket by DOCKER_HOST=unix://PATH"
    )]
    Nowhere {
        /// The sockets, each with what is wrong there.
        tried: String,
    },
    /// The one that was named is not there, or not for us.
    #[error("cannot connect to the container engine at `{place}`{}", hint(source))]
    Socket {
        /// As `DOCKER_HOST` has it.
        place: String,
        /// What the system says.
        source: io::Error,
    },
    /// It is on another machine.
    #[error("the container engine at `{place}` is on another machine, which is not asked with --offline")]
    Offline {
        /// As `DOCKER_HOST` has it.
        place: String,
    },
    /// It has no such image.
    #[error(
        "the container engine at `{place}` does not have `{image}`{}: {}", said(message),
        if *has_name { format!("get it with `docker pull {image}`, or read it from its registry as docker://{image}") }
        else { "`docker images --no-trunc` lists the IDs it has".into() }
    )]
    Absent {
        /// Who was asked.
        place: String,
        /// For what.
        image: String,
        /// Whether it is called by a name.
        has_name: bool,
        /// What it says.
        message: String,
    },
    /// It says no.
    #[error("the container engine at `{place}` answered {status}{}", said(message))]
    Answer {
        /// Who was asked.
        place: String,
        /// The HTTP status.
        status: u16,
        /// What it says.
        message: String,
    },
    /// Somebody else listens there.
    #[error(
        "what listens at `{place}` is no container engine of docker's API: it answered {status}{}{}", said(message),
        if message.contains("HTTPS") { "; set DOCKER_TLS_VERIFY=1 for TLS" } else { "" }
    )]
    Foreign {
        /// Who was asked.
        place: String,
        /// The HTTP status.
        status: u16,
        /// The beginning of what it says.
        message: String,
    },
    /// It wants to know who asks.
    #[error(
        "the container engine at `{place}` asks for a client certificate: cert.pem and key.pem belong into the folder \
         DOCKER_CERT_PATH, with ca.pem"
    )]
    NoCertificate {
        /// Who was asked.
        place: String,
    },
    /// It is not known to be the one that was named.
    #[error(
        "the container engine at `{place}` is not believed: ca.pem in the folder DOCKER_CERT_PATH says whom to believe"
    )]
    Tls {
        /// Who was asked.
        place: String,
        /// What failed.
        source: FetchError,
    },
    /// The connection.
    #[error("the container engine at `{place}` cannot be asked")]
    Fetch {
        /// Who was asked.
        place: String,
        /// What failed.
        source: FetchError,
    },
    /// Its host is none.
    #[error("the container engine at `{place}` cannot be asked")]
    Address {
        /// Who was to be asked.
        place: String,
        /// What is wrong.
        source: AddressError,
    },
    /// It accepted, and said nothing.
    #[error("the container engine at `{place}` was silent for {} s", waited.as_secs_f32())]
    Silent {
        /// Who was asked.
        place: String,
        /// For how long.
        waited: Duration,
    },
    /// The image ends early.
    #[error("the container engine at `{place}` broke off `{image}` after {got} bytes")]
    Broken {
        /// Who was asked.
        place: String,
        /// For what.
        image: String,
        /// Bytes that came.
        got: u64,
    },
    /// What came is no image.
    #[error("what the container engine at `{place}` gave for `{image}` cannot be read: {why}")]
    Content {
        /// Who was asked.
        place: String,
        /// For what.
        image: String,
        /// Why not.
        why: String,
    },
    /// Too much came.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// It took too long.
    #[error("{}", Late)]
    Late,
    /// There is no place for it.
    #[error("the private cache cannot hold the image")]
    Cache(#[source] io::Error),
}

impl DaemonError {
    /// Why `place` did not give `image`, by what fetching says.
    pub(super) fn of(place: &Place, image: &str, error: FetchError) -> Self {
        let place = place.to_string();
        match error {
            FetchError::Deadline { .. } => Self::Late,
            FetchError::Silent { waited, .. } => Self::Silent { place, waited },
            FetchError::Socket { source, .. } => Self::Socket { place, source },
            FetchError::NoCertificate { .. } => Self::NoCertificate { place },
            FetchError::BodyBroken { got, .. } => Self::Broken { place, image: image.into(), got },
            source @ FetchError::Tls { .. } => Self::Tls { place, source },
            source => Self::Fetch { place, source },
        }
    }
}

/// What to do where a socket does not open.
pub(super) fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => ", which is for root and the group docker",
        io::ErrorKind::ConnectionRefused => ", where nobody listens any more",
        _ => "",
    }
}

fn said(message: &str) -> String {
    let shown: String = message.chars().take(SHOWN).collect();
    if shown.is_empty() { shown } else { format!(" (`{}`)", shown.escape_debug()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_is_not_for_us_says_for_whom_it_is() {
        let place = Place::Socket("/run/x.sock".into());
        let message = |source: FetchError| DaemonError::of(&place, "app", source).to_string();
        let socket =
            |kind: io::ErrorKind| message(FetchError::Socket { path: "/".into(), source: kind.into() });
        let start = "cannot connect to the container engine at `unix:///run/x.sock`";
        assert_eq!(
            socket(io::ErrorKind::PermissionDenied),
            format!("{start}, which is for root and the group docker")
        );
        assert_eq!(
            socket(io::ErrorKind::ConnectionRefused),
            format!("{start}, where nobody listens any more")
        );
        assert_eq!(socket(io::ErrorKind::NotFound), start);
        let silent = FetchError::Silent { url: String::new(), waited: Duration::from_secs(7) };
        assert_eq!(message(silent), "the container engine at `unix:///run/x.sock` was silent for 7 s");
    }
}
