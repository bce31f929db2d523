//! The program run on an image in a registry, in an environment of its own.

use crate::support::{AS_OF, Place, Said, command};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::Mutex;

pub(crate) const USER: &str = "tester";
pub(crate) const PASSWORD: &str = "correct-horse-battery";
pub(crate) const WRONG_PASSWORD: &str = "incorrect-horse-battery";
pub(crate) const IDENTITY_TOKEN: &str = "identity-token-of-the-tests";

/// What no run may print: tokens that were given out, beside the words above.
static SECRETS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Remembers a secret; whatever is run later must not print it.
pub(crate) fn secret(text: String) -> String {
    SECRETS.lock().unwrap().push(text.clone());
    text
}

/// The value of `Authorization` in the scheme Basic.
pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", pair(user, password))
}

/// The Base64 of `user:password`.
pub(crate) fn pair(user: &str, password: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"))
}

/// A run to be.
pub(crate) struct Pull {
    place: Place,
    arguments: Vec<String>,
    variables: Vec<(&'static str, PathBuf)>,
    input: String,
}

impl Pull {
    /// `inventory TARGET` by a user who has no files at all.
    pub(crate) fn new(target: &str) -> Self {
        let place = Place::new();
        let arguments = ["inventory", target, "--as-of", AS_OF, "-q", "-vvv"].map(String::from).into();
        let empty = place.write("registries.conf", b"");
        let variables = vec![
            ("HOME", place.path("home")),
            ("XDG_RUNTIME_DIR", place.path("run")),
            ("CONTAINERS_REGISTRIES_CONF", empty),
        ];
        Self { place, arguments, variables, input: String::new() }
    }

    pub(crate) fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(ToString::to_string));
        self
    }

    /// Sets a variable; a later one stands for an earlier one.
    pub(crate) fn variable(mut self, name: &'static str, value: impl Into<PathBuf>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// Writes a file of the user, below `home` or `run` or anywhere else.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        self.place.write(name, text.as_bytes());
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.place.path(name)
    }

    /// With `--username` and `--password-stdin`.
    pub(crate) fn login(mut self, user: &str, password: &str) -> Self {
        self.input = format!("{password}\n");
        self.arguments(&["--username", user, "--password-stdin"])
    }

    /// With a config.toml that has this under `[registries]`.
    pub(crate) fn config(self, text: &str) -> Self {
        self.file("home/.config/imagescan/config.toml", &format!("[registries]\n{text}\n"))
    }

    /// With a registries.conf.
    pub(crate) fn registries_conf(self, text: &str) -> Self {
        self.file("registries.conf", text)
    }

    /// With a layer cache of its own, which stays for the next run.
    pub(crate) fn cached(self) -> Self {
        let folder = self.place.path("cache");
        self.variable("IMAGESCAN_NO_CACHE", "").variable("IMAGESCAN_CACHE_DIR", folder)
    }

    /// The program, running.
    pub(crate) fn start(&self) -> Child {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let mut child = command(&arguments)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Who asks for no password does not read it.
        let _ = child.stdin.take().unwrap().write_all(self.input.as_bytes());
        child
    }

    /// What it says, in which there is nothing secret, however much it logs.
    pub(crate) fn run(&self) -> Said {
        let said: Said = self.start().wait_with_output().unwrap().into();
        assert!(!said.stderr.contains("panicked") && said.code >= 0, "{said:?}");
        let fixed = [PASSWORD, WRONG_PASSWORD, IDENTITY_TOKEN].map(String::from);
        let pairs = [PASSWORD, WRONG_PASSWORD].map(|password| pair(USER, password));
        for secret in SECRETS.lock().unwrap().iter().chain(&fixed).chain(&pairs) {
            let printed = format!("{}{}", said.stdout, said.stderr);
            assert!(!printed.contains(secret.as_str()), "a secret is printed: {printed}");
        }
        said
    }
}
