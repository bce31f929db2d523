//! Where the environment says that container engines are.

use crate::registries::path;
use imagescan_fetch::Proxies;
use imagescan_image::DaemonSettings;
use std::path::PathBuf;

/// Docker's own variables, and the sockets of docker and podman.
pub(crate) fn settings(offline: bool) -> DaemonSettings {
    let variable = |name| path(name).map(|value| value.to_string_lossy().into_owned());
    let docker = || path("DOCKER_CONFIG").or_else(|| Some(path("HOME")?.join(".docker")));
    let of_user = path("XDG_RUNTIME_DIR").map(|folder| folder.join("podman/podman.sock"));
    let sockets =
        [Some(PathBuf::from("/var/run/docker.sock")), of_user, Some("/run/podman/podman.sock".into())];
    DaemonSettings {
        host: variable("DOCKER_HOST"),
        tls: path("DOCKER_TLS_VERIFY").is_some(),
        certificates: path("DOCKER_CERT_PATH").or_else(docker),
        sockets: sockets.into_iter().flatten().collect(),
        offline,
        proxies: Proxies::from_variables(|name| std::env::var(name).ok()),
    }
}
