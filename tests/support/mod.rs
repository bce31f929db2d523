//! Images made for one test, and the program run on them.

#![expect(dead_code, reason = "each test file uses a part")]

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

pub(crate) const AS_OF: &str = "2026-11-24T12:00:00Z";

pub(crate) fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A tar, entry by entry.
pub(crate) struct Tar(tar::Builder<Vec<u8>>);

impl Tar {
    pub(crate) fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    fn header(size: u64, kind: tar::EntryType) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.set_size(size);
        header.set_entry_type(kind);
        header.set_mode(0o644);
        // 2026-10-01.
        header.set_mtime(1_790_812_800);
        header
    }

    pub(crate) fn file(mut self, path: &str, bytes: &[u8]) -> Self {
        let mut header = Self::header(bytes.len() as u64, tar::EntryType::Regular);
        // As written: the library would refuse what tests must try.
        header.as_gnu_mut().unwrap().name[..path.len().min(100)]
            .copy_from_slice(&path.as_bytes()[..path.len().min(100)]);
        header.set_cksum();
        self.0.append(&header, bytes).unwrap();
        self
    }

    pub(crate) fn link(mut self, path: &str, target: &str, kind: tar::EntryType) -> Self {
        let mut header = Self::header(0, kind);
        header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
        header.as_gnu_mut().unwrap().linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_cksum();
        self.0.append(&header, &b""[..]).unwrap();
        self
    }

    pub(crate) fn symlink(self, path: &str, target: &str) -> Self {
        self.link(path, target, tar::EntryType::Symlink)
    }

    pub(crate) fn build(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

/// A dpkg status file of installed packages: (name, version).
pub(crate) fn status(packages: &[(&str, &str)]) -> String {
    let stanza = |(name, version): &(&str, &str)| {
        format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n")
    };
    packages.iter().map(stanza).collect()
}

pub(crate) const OS_RELEASE: &str = "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian 12\"\n";

/// A layer with a small Debian system.
pub(crate) fn debian() -> Vec<u8> {
    Tar::new()
        .file("etc/os-release", OS_RELEASE.as_bytes())
        .file(
            "var/lib/dpkg/status",
            status(&[("bash", "5.2.15-2"), ("zlib1g", "1:1.2.13.dfsg-1")]).as_bytes(),
        )
        .build()
}

/// A folder with everything of one test.
pub(crate) struct Place(pub tempfile::TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// An image layout of uncompressed tars; each is stored as `store` makes it. Gives the target.
    pub(crate) fn layout_with(
        &self,
        layers: &[Vec<u8>],
        store: impl Fn(&[u8]) -> (Vec<u8>, &'static str),
    ) -> String {
        let descriptors: Vec<Value> = layers
            .iter()
            .map(|layer| {
                let (bytes, kind) = store(layer);
                self.blob(&bytes, &format!("application/vnd.oci.image.layer.v1.tar{kind}"))
            })
            .collect();
        let ids: Vec<String> = layers.iter().map(|layer| digest(layer)).collect();
        let config = json!({"created": "2026-10-01T00:00:00Z", "architecture": "amd64", "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": ids}});
        self.index(&[self.manifest(&config, &descriptors)])
    }

    pub(crate) fn layout(&self, layers: &[Vec<u8>]) -> String {
        self.layout_with(layers, |layer| (gzip(layer), "+gzip"))
    }

    pub(crate) fn manifest(&self, config: &Value, layers: &[Value]) -> Value {
        let config = self.blob(config.to_string().as_bytes(), "application/vnd.oci.image.config.v1+json");
        let manifest = json!({"schemaVersion": 2, "config": config, "layers": layers});
        self.blob(manifest.to_string().as_bytes(), "application/vnd.oci.image.manifest.v1+json")
    }

    pub(crate) fn index(&self, manifests: &[Value]) -> String {
        let index = json!({"schemaVersion": 2, "manifests": manifests});
        self.write("image/index.json", index.to_string().as_bytes());
        self.write("image/oci-layout", br#"{"imageLayoutVersion": "1.0.0"}"#);
        format!("oci:{}", self.path("image").display())
    }

    /// Stores a blob and gives its descriptor.
    pub(crate) fn blob(&self, bytes: &[u8], media_type: &str) -> Value {
        let digest = digest(bytes);
        self.write(&format!("image/blobs/sha256/{}", &digest[7..]), bytes);
        json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    }

    /// The path of the blob that is the image's only layer.
    pub(crate) fn largest_blob(&self) -> PathBuf {
        let blobs = fs::read_dir(self.path("image/blobs/sha256")).unwrap();
        blobs.map(|entry| entry.unwrap().path()).max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap()
    }

    /// A database of Debian 12 in which bash has a vulnerability.
    pub(crate) fn database(&self) -> String {
        let tracker = r#"{"bash": {"CVE-2024-0001": {"releases": {"bookworm": {"status": "resolved",
            "fixed_version": "5.2.15-3", "urgency": "high"}}}}}"#;
        let tracker = self.write("tracker.json", tracker.as_bytes());
        let db = self.path("db").display().to_string();
        let input = format!("debian={}", tracker.display());
        let built = run(&["db", "build", "-o", &db, "--as-of", AS_OF, "--input", &input]);
        assert_eq!(built.code, 0, "{}", built.stderr);
        db
    }
}

/// A docker archive of `layers`, with compressed tars where asked.
pub(crate) fn docker_archive(place: &Place, images: &[(&str, Vec<Vec<u8>>)], compressed: bool) -> String {
    let mut tar = Tar::new();
    let mut manifest = Vec::new();
    for (number, (tag, layers)) in images.iter().enumerate() {
        let ids: Vec<String> = layers.iter().map(|layer| digest(layer)).collect();
        let config = json!({"created": "2026-10-01T00:00:00Z", "architecture": "amd64", "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": ids}})
        .to_string();
        let name = format!("{}.json", &digest(config.as_bytes())[7..]);
        let names: Vec<String> =
            (0..layers.len()).map(|layer| format!("{number}-{layer}/layer.tar")).collect();
        for (name, layer) in names.iter().zip(layers) {
            tar = tar.file(name, &if compressed { gzip(layer) } else { layer.clone() });
        }
        tar = tar.file(&name, config.as_bytes());
        manifest.push(json!({"Config": name, "RepoTags": [tag], "Layers": names}));
    }
    let tar = tar.file("manifest.json", json!(manifest).to_string().as_bytes()).build();
    place.write("docker.tar", &tar).display().to_string()
}

/// What the program said.
#[derive(Debug)]
pub(crate) struct Said {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Every document that a test reads is one of the two that are published.
pub(crate) fn validate(document: &Value) {
    static SCHEMAS: LazyLock<[jsonschema::Validator; 2]> = LazyLock::new(|| {
        [include_str!("../../docs/report.schema.json"), include_str!("../../docs/inventory.schema.json")]
            .map(|text| jsonschema::validator_for(&serde_json::from_str(text).unwrap()).unwrap())
    });
    let [report, inventory] = &*SCHEMAS;
    let schema = match document["schema"].as_str() {
        Some("imagescan/report/1") => report,
        Some("imagescan/inventory/1") => inventory,
        // What `db info` and its like write.
        _ => return,
    };
    let errors: Vec<String> =
        schema.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

impl Said {
    /// The document on stdout, held to its schema.
    pub(crate) fn json(&self) -> Value {
        let document: Value =
            serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        validate(&document);
        document
    }

    /// `incomplete` of the first image, as `what: why`.
    pub(crate) fn incomplete(&self) -> String {
        let document = self.json();
        let entries = document["images"][0]["incomplete"].as_array().cloned().unwrap_or_default();
        let line = |entry: &Value| {
            format!("{}: {}", entry["what"].as_str().unwrap(), entry["why"].as_str().unwrap())
        };
        entries.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn packages(&self) -> Vec<String> {
        let document = self.json();
        let packages = document["images"][0]["packages"].as_array().cloned().unwrap_or_default();
        packages.iter().map(|package| package["name"].as_str().unwrap().to_string()).collect()
    }
}

/// It failed with exit code 3, and every text of `parts` is in what is said about it.
#[track_caller]
pub(crate) fn assert_failed(said: &Said, parts: &[&str]) {
    assert_eq!(said.code, 3, "{said:?}");
    let text = format!("{}\n{}", said.incomplete(), said.stderr);
    for part in parts {
        assert!(text.contains(part), "no `{part}` in: {text}");
    }
}

/// The program, which neither asks nor fills the layer cache: tests make layers of the same digest, right and wrong.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_imagescan"));
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
    command.args(arguments).env_clear().env("IMAGESCAN_CACHE_DIR", cache).current_dir("/");
    command.env("IMAGESCAN_NO_CACHE", "1");
    command
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

pub(crate) fn run(arguments: &[&str]) -> Said {
    let said: Said = command(arguments).output().unwrap().into();
    assert!(!said.stderr.contains("panicked"), "{}", said.stderr);
    assert!(said.code >= 0, "killed: {said:?}");
    said
}

/// [`run`] in a folder, so that paths in a document are the same wherever that is.
pub(crate) fn run_in(folder: &Path, arguments: &[&str]) -> Said {
    command(arguments).current_dir(folder).output().unwrap().into()
}

pub(crate) fn run_with_input(arguments: &[&str], input: &str) -> Said {
    let mut child = command(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

/// `scan TARGET -o json` at [`AS_OF`] with `database`.
pub(crate) fn scan(target: &str, database: &str) -> Said {
    run(&["scan", target, "--db", database, "--as-of", AS_OF, "-o", "json", "-q"])
}

/// `inventory TARGET` at [`AS_OF`].
pub(crate) fn inventory(target: &str) -> Said {
    run(&["inventory", target, "--as-of", AS_OF, "-q"])
}
