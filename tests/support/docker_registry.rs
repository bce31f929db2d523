//! Debian's `docker-registry`, and what is pushed into it.

use crate::http;
use crate::support::digest;
use serde_json::{Value, json};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// A running registry.
pub(crate) struct Registry {
    /// Address and port.
    pub host: String,
    /// Ends the registry when we end, however that is: it closes with us.
    child: Child,
    _configuration: tempfile::TempDir,
}

/// Tells that something was not tested, also where tests pass.
pub(crate) fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

/// Whether there is a program of this name.
pub(crate) fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

impl Registry {
    /// A registry that keeps what it has in `storage`; `http` and `auth` are further parts of its configuration. `None`:
    /// there is no such program here.
    pub(crate) fn start(storage: &Path, http: Value, auth: Value) -> Option<Self> {
        if !is_there("docker-registry") {
            skipped("there is no docker-registry");
            return None;
        }
        for _ in 0..5 {
            if let Some(registry) = Self::try_start(storage, &http, &auth) {
                return Some(registry);
            }
        }
        panic!("docker-registry does not start");
    }

    /// Somebody may take the free port before the registry does.
    fn try_start(storage: &Path, http: &Value, auth: &Value) -> Option<Self> {
        let host = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let mut configuration = json!({"version": "0.1", "log": {"level": "error"},
            "storage": {"filesystem": {"rootdirectory": storage}},
            "http": {"addr": host, "secret": "of the tests"},
            "validation": {"manifests": {"urls": {"allow": ["^https?://"]}}}});
        for (key, value) in http.as_object().into_iter().flatten() {
            configuration["http"][key] = value.clone();
        }
        if !auth.is_null() {
            configuration["auth"] = auth.clone();
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.yml");
        // JSON is YAML.
        std::fs::write(&file, configuration.to_string()).unwrap();
        // Ends when its standard input does.
        let script = r#"exec 3<&0; docker-registry serve "$0" >"$0.log" 2>&1 & registry=$!
            (read -r line <&3; kill $registry) 2>/dev/null & wait $registry; kill $! 2>/dev/null"#;
        let mut child = Command::new("sh")
            .arg("-c")
            .arg(script)
            .arg(&file)
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        for _ in 0..400 {
            if TcpStream::connect(&host).is_ok() {
                return Some(Self { host, child, _configuration: folder });
            }
            if child.try_wait().unwrap().is_some() {
                let log = std::fs::read_to_string(file.with_extension("yml.log")).unwrap();
                assert!(log.contains("address already in use"), "{log}");
                return None;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        panic!("docker-registry does not answer");
    }

    /// A repository to push to; the registry has to be open.
    pub(crate) fn repository<'a>(&'a self, name: &'a str) -> Repository<'a> {
        Repository { host: &self.host, name }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Where something is pushed to.
pub(crate) struct Repository<'a> {
    host: &'a str,
    name: &'a str,
}

impl Repository<'_> {
    /// Pushes a blob and gives its descriptor.
    pub(crate) fn blob(&self, bytes: &[u8], media_type: &str) -> Value {
        let name = digest(bytes);
        let begun = http::send(self.host, "POST", &format!("/v2/{}/blobs/uploads/", self.name), &[], b"");
        let begun = begun.unwrap();
        let location = begun.header("location").unwrap_or_else(|| panic!("{begun:?}"));
        let path = location.split_once(self.host).map_or(location, |(_, path)| path);
        let kind = [("Content-Type", "application/octet-stream")];
        let done = http::send(self.host, "PUT", &format!("{path}&digest={name}"), &kind, bytes).unwrap();
        assert!(done.status.starts_with("201"), "{done:?}");
        json!({"mediaType": media_type, "digest": name, "size": bytes.len()})
    }

    /// Pushes a manifest or an index under `tag`, or by its digest alone, and gives its descriptor.
    pub(crate) fn manifest(&self, tag: Option<&str>, media_type: &str, manifest: &Value) -> Value {
        let bytes = manifest.to_string().into_bytes();
        let by_digest = digest(&bytes);
        let path = format!("/v2/{}/manifests/{}", self.name, tag.unwrap_or(&by_digest));
        let done = http::send(self.host, "PUT", &path, &[("Content-Type", media_type)], &bytes).unwrap();
        assert!(done.status.starts_with("201"), "{done:?} {}", String::from_utf8_lossy(&done.body));
        json!({"mediaType": media_type, "digest": by_digest, "size": bytes.len()})
    }

    /// Pushes an image of these uncompressed tars, each stored as `store` makes it.
    pub(crate) fn image(
        &self,
        tag: Option<&str>,
        architecture: &str,
        layers: &[Vec<u8>],
        store: impl Fn(&[u8]) -> (Vec<u8>, String),
    ) -> Value {
        let ids: Vec<String> = layers.iter().map(|layer| digest(layer)).collect();
        let config = json!({"created": "2026-10-01T00:00:00Z", "architecture": architecture, "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": ids}});
        let config = self.blob(config.to_string().as_bytes(), OCI_CONFIG);
        let layers: Vec<Value> = layers
            .iter()
            .map(|layer| {
                let (bytes, media_type) = store(layer);
                self.blob(&bytes, &media_type)
            })
            .collect();
        let manifest =
            json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers});
        self.manifest(tag, OCI_MANIFEST, &manifest)
    }
}
