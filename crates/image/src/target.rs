//! What a user may name: transports as in containers-transports(5), and plain paths.

use crate::blob::open_file;
use crate::containerd::{ContainerdImage, ContainerdImageError};
use crate::daemon::{DaemonImage, DaemonImageError};
use imagescan_model::{ImageReference, ReferenceError};
use std::io::Read;
use std::path::{Path, PathBuf};

/// A parsed target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An image or a root filesystem on this machine.
    Image(Location),
    /// An image in a registry, and whether the user left the registry out.
    Registry(ImageReference, bool),
    /// An image of a container engine.
    Daemon(DaemonImage),
    /// An image in containerd's store.
    Containerd(ContainerdImage),
    /// An inventory or a report that imagescan wrote.
    Inventory(Document),
    /// A list of purls.
    Purl(Document),
}

/// Where an image lies, and which one of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    pub(crate) form: Form,
    pub(crate) path: PathBuf,
    pub(crate) reference: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Oci,
    OciArchive,
    DockerArchive,
    Rootfs,
    /// To be recognised by what is in it.
    Any,
}

/// Where a text lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// Standard input, written `-`.
    Stdin,
    /// A file.
    File(PathBuf),
}

/// Why a text is no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// No name or ID after `docker-daemon:`.
    #[error(
        "`{}` names no image of a container engine: write docker-daemon:NAME[:TAG|@DIGEST] or docker-daemon:sha256:ID",
        text.escape_debug()
    )]
    Daemon {
        /// What was given.
        text: String,
        /// Why it is no name.
        source: DaemonImageError,
    },
    /// No digest after `containerd:`.
    #[error(transparent)]
    Containerd(#[from] ContainerdImageError),
    /// `sbom:`.
    #[error("`{}` cannot be read: SBOMs are not understood yet; use inventory: or purl:", .0.escape_debug())]
    Sbom(String),
    /// Nothing of that name.
    #[error("there is no file or folder `{}`", .0.escape_debug())]
    Absent(String),
    /// Neither a file nor an image's name.
    #[error("there is no file or folder `{}`, and it names no image in a registry", text.escape_debug())]
    Reference {
        /// What was given.
        text: String,
        /// Why it is no name.
        source: ReferenceError,
    },
    /// Nothing after the prefix.
    #[error("`{}` names nothing: a path or a name follows the colon", .0.escape_debug())]
    Empty(String),
}

impl Target {
    /// Reads a target as the command line has it. A path without a prefix is looked at, nothing else is.
    ///
    /// # Errors
    /// [`TargetError`] for what cannot be read or is not there.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let Some((transport, rest)) = text.split_once(':') else { return bare(text) };
        if let ("docker", Some(name)) = (transport, rest.strip_prefix("//")) {
            return registry(text, name);
        }
        let form = match transport {
            "sbom" => return Err(TargetError::Sbom(text.into())),
            "oci" => Form::Oci,
            "oci-archive" => Form::OciArchive,
            "docker-archive" => Form::DockerArchive,
            "rootfs" => Form::Rootfs,
            "docker-daemon" | "containerd" | "inventory" | "purl" if rest.is_empty() => {
                return Err(TargetError::Empty(text.into()));
            }
            "docker-daemon" => return daemon(text, rest),
            "containerd" => return Ok(Self::Containerd(rest.parse()?)),
            "inventory" => return Ok(Self::Inventory(document(rest))),
            "purl" => return Ok(Self::Purl(document(rest))),
            _ => return bare(text),
        };
        if rest.is_empty() {
            return Err(TargetError::Empty(text.into()));
        }
        let (path, reference) = match form {
            Form::Rootfs => (rest, None),
            _ => split_reference(rest),
        };
        Ok(Self::Image(Location { form, path: path.into(), reference: reference.map(String::from) }))
    }
}

fn document(rest: &str) -> Document {
    if rest == "-" { Document::Stdin } else { Document::File(rest.into()) }
}

/// `PATH[:REF]`. A path with a colon is one if it exists as a whole.
fn split_reference(text: &str) -> (&str, Option<&str>) {
    if Path::new(text).exists() {
        return (text, None);
    }
    match text.split_once(':') {
        Some((path, reference)) if !reference.is_empty() => (path, Some(reference)),
        _ => (text.strip_suffix(':').unwrap_or(text), None),
    }
}

fn bare(text: &str) -> Result<Target, TargetError> {
    let path = Path::new(text);
    if !path.exists() {
        // What is written as a path is meant as one.
        return match text.starts_with(['.', '/', '~']) {
            true => Err(TargetError::Absent(text.into())),
            false => registry(text, text),
        };
    }
    Ok(match first_bytes(path).unwrap_or_default().trim_ascii_start() {
        [b'{', ..] => Target::Inventory(Document::File(path.into())),
        [b'p', b'k', b'g', b':', ..] | [b'#', ..] => Target::Purl(Document::File(path.into())),
        _ => Target::Image(Location { form: Form::Any, path: path.into(), reference: None }),
    })
}

fn registry(text: &str, name: &str) -> Result<Target, TargetError> {
    let is_short = ImageReference::is_short(name);
    let reference = name.parse().map_err(|source| TargetError::Reference { text: masked(text), source })?;
    Ok(Target::Registry(reference, is_short))
}

fn daemon(text: &str, name: &str) -> Result<Target, TargetError> {
    let image = name.parse().map_err(|source| TargetError::Daemon { text: text.into(), source })?;
    Ok(Target::Daemon(image))
}

/// A name without the password that somebody wrote into it.
fn masked(text: &str) -> String {
    let (before, rest) = text.split_once("//").map_or(("", text), |(before, rest)| (before, rest));
    match rest.split_once('@') {
        Some((user, host)) if user.contains(':') && !user.contains('/') => {
            let start = if before.is_empty() { String::new() } else { format!("{before}//") };
            format!("{start}…@{host}")
        }
        _ => text.into(),
    }
}

fn first_bytes(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    open_file(path).ok()?.take(64).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(text: &str) -> (Form, String, Option<String>) {
        match Target::parse(text) {
            Ok(Target::Image(Location { form, path, reference })) => {
                (form, path.to_string_lossy().into_owned(), reference)
            }
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn targets_have_a_transport_a_path_and_perhaps_a_reference() {
        assert_eq!(location("oci:a/b"), (Form::Oci, "a/b".into(), None));
        let tagged = location("oci-archive:a.tar:registry.example/b:1.0");
        assert_eq!(tagged, (Form::OciArchive, "a.tar".into(), Some("registry.example/b:1.0".into())));
        assert_eq!(
            location("docker-archive:a.tar:@1"),
            (Form::DockerArchive, "a.tar".into(), Some("@1".into()))
        );
        assert_eq!(location("rootfs:a:b"), (Form::Rootfs, "a:b".into(), None));
        assert_eq!(Target::parse("purl:-"), Ok(Target::Purl(Document::Stdin)));
        assert_eq!(Target::parse("inventory:a"), Ok(Target::Inventory(Document::File("a".into()))));
    }

    #[test]
    fn what_cannot_be_read_says_what_to_do() {
        let message = |text| Target::parse(text).unwrap_err().to_string();
        assert!(message("docker-daemon:App").contains("docker-daemon:sha256:ID"));
        assert!(message("containerd:alpine:3.20").contains("ctr -n k8s.io images ls"));
        assert!(message("docker-daemon:").contains("names nothing"));
        assert!(message("sbom:x").contains("inventory:"));
        assert!(message("./no-such-image").contains("no file or folder"));
        assert!(message("No-Such-Image").contains("names no image"));
        assert!(message("oci:").contains("names nothing"));
        let secret = message("docker://user:hush@registry.example/a:1");
        assert!(!secret.contains("hush") && secret.contains("…@registry.example"), "{secret}");
    }

    #[test]
    fn what_is_no_path_is_an_image_in_a_registry() {
        let reference = |text| match Target::parse(text) {
            Ok(Target::Registry(reference, is_short)) => (reference.to_string(), is_short),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(reference("alpine:3.20"), ("docker.io/library/alpine:3.20".into(), true));
        let full = ("registry.example:5000/a:1".into(), false);
        assert_eq!(reference("docker://registry.example:5000/a:1"), full);
        assert_eq!(reference("registry.example:5000/a:1"), full);
    }

    #[test]
    fn daemons_are_asked_by_name_and_containerd_by_digest() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for name in ["alpine", "registry.example/app:1", &digest, &format!("alpine@{digest}")] {
            let parsed = Target::parse(&format!("docker-daemon:{name}"));
            assert_eq!(parsed, Ok(Target::Daemon(name.parse().unwrap())));
        }
        for name in [digest.clone(), format!("docker.io/library/alpine:3.20@{digest}")] {
            let parsed = Target::parse(&format!("containerd:{name}"));
            assert_eq!(parsed, Ok(Target::Containerd(name.parse().unwrap())));
        }
    }

    #[test]
    fn a_path_without_a_prefix_is_recognised_by_its_first_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            Target::parse(path.to_str().unwrap()).unwrap()
        };
        assert!(matches!(file("a", b"\n { \"schema\""), Target::Inventory(_)));
        assert!(matches!(file("b", b"pkg:deb/debian/a@1"), Target::Purl(_)));
        assert!(matches!(file("c:d", b"anything"), Target::Image(Location { form: Form::Any, .. })));
    }
}
