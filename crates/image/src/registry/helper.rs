//! Credential helpers: programs `docker-credential-NAME` that keep secrets elsewhere.
//!
//! The protocol is that of the docker-credential-helpers project: `get` as the only argument, the server on
//! standard input, a JSON object on standard output. A helper is the user's program, but it may hang, talk
//! without end or print what nobody should see: it has ten seconds and 64 KiB, and its words are not repeated
//! if they may be JSON.

use super::credentials::Credential;
use super::json::{self, JsonError};
use imagescan_fetch::Secret;
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long a helper may take; one that asks for a passphrase has to be unlocked before.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes it may print.
const BOUND: u64 = 64 << 10;
/// Bytes of a server's name: a pipe takes as many without anybody reading.
const SERVER_BOUND: usize = 4096;
/// Characters of its message that an error repeats.
const SHOWN: usize = 200;
/// `errCredentialsNotFoundMessage` in docker-credential-helpers.
const NOT_FOUND: &str = "credentials not found in native keychain";
/// The user name that marks an identity token (docker-credential-helpers, README).
const TOKEN_USER: &str = "<token>";

/// A program that a file asks for.
#[derive(Debug, Clone, Copy)]
pub struct Helper<'a> {
    /// What follows `docker-credential-`.
    pub name: &'a str,
    /// The file that names it.
    pub asked_by: &'a Path,
    /// `$PATH`.
    pub search_path: &'a OsStr,
}

/// A helper that gave no answer; the cause says why.
#[derive(Debug, thiserror::Error)]
#[error(
    "the credential helper `docker-credential-{}`, which `{}` asks for, gave no credentials",
    name.escape_debug(), asked_by.display().to_string().escape_debug()
)]
pub struct HelperError {
    name: String,
    asked_by: PathBuf,
    source: HelperFailure,
}

/// Why a helper gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum HelperFailure {
    /// No name of a program.
    #[error("its name may have letters, digits, `_`, `.` and `-` only")]
    Name,
    /// No such program.
    #[error("there is no such program in PATH: install it, or remove it from the file")]
    Missing,
    /// The server's name is longer than any.
    #[error("the server's name has more than {} bytes", SERVER_BOUND)]
    Server,
    /// It cannot be started or read.
    #[error("it cannot be run")]
    Run(#[source] io::Error),
    /// It was stopped.
    #[error("it was stopped after {} seconds; what keeps its secrets may have to be unlocked", .0.as_secs())]
    Slow(Duration),
    /// It was stopped.
    #[error("it was stopped: it printed more than {} bytes", BOUND)]
    TooLarge,
    /// It says no.
    #[error("it failed ({status}){message}")]
    Failed {
        /// How it ended.
        status: ExitStatus,
        /// Empty, or what it printed, escaped and bounded.
        message: String,
    },
    /// What it printed is not JSON, or not the JSON of the protocol.
    #[error("its answer is not understood: {0}")]
    Malformed(JsonError),
}

impl Helper<'_> {
    /// Asks for the credentials of `server`; `None` where the helper knows none.
    ///
    /// # Errors
    /// [`HelperError`]; the program and all it started are gone then.
    pub fn get(&self, server: &str) -> Result<Option<Credential>, HelperError> {
        self.get_within(server, PATIENCE).map_err(|source| HelperError {
            name: self.name.chars().take(SHOWN).collect(),
            asked_by: self.asked_by.into(),
            source,
        })
    }

    fn get_within(&self, server: &str, patience: Duration) -> Result<Option<Credential>, HelperFailure> {
        if server.len() > SERVER_BOUND {
            return Err(HelperFailure::Server);
        }
        let (status, output) = run(&self.program()?, server, patience)?;
        if status.success() {
            return understand(&output);
        }
        let text = String::from_utf8_lossy(&output);
        match text.trim() {
            NOT_FOUND => Ok(None),
            text => Err(HelperFailure::Failed { status, message: shown(text) }),
        }
    }

    /// The first of that name in the search path. Relative entries are passed over: they would name a program
    /// of whatever folder we were started in.
    fn program(&self) -> Result<PathBuf, HelperFailure> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        if self.name.is_empty() || !self.name.bytes().all(known) {
            return Err(HelperFailure::Name);
        }
        let file = format!("docker-credential-{}", self.name);
        std::env::split_paths(self.search_path)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join(&file))
            .find(|path| is_program(path))
            .ok_or(HelperFailure::Missing)
    }
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// What a failed helper printed, unless it may hold a secret.
fn shown(text: &str) -> String {
    if text.is_empty() || text.starts_with(['{', '[', '"']) {
        return String::new();
    }
    format!(": `{}`", text.chars().take(SHOWN).collect::<String>().escape_debug())
}

fn understand(output: &[u8]) -> Result<Option<Credential>, HelperFailure> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        #[serde(default)]
        username: String,
        #[serde(default)]
        secret: String,
    }
    let Answer { username, secret } = json::object(output).map_err(HelperFailure::Malformed)?;
    let secret = Secret::new(secret);
    Ok(match username.as_str() {
        TOKEN_USER => Some(Credential::IdentityToken(secret)),
        "" if secret.is_empty() => None,
        _ => Some(Credential::Password { username, password: secret }),
    })
}

/// A process group of its own, which does not outlive this value unless it was waited for.
struct Running {
    child: Child,
    is_over: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_over {
            // Not waited for yet, so the number still is this group's.
            let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

fn run(program: &Path, server: &str, patience: Duration) -> Result<(ExitStatus, Vec<u8>), HelperFailure> {
    let end = Instant::now() + patience;
    let child = Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(HelperFailure::Run)?;
    let mut running = Running { child, is_over: false };
    if let Some(mut input) = running.child.stdin.take() {
        // A helper that does not listen says why by its exit status.
        let _ = input.write_all(server.as_bytes());
    }
    let output =
        running.child.stdout.take().ok_or_else(|| HelperFailure::Run(io::ErrorKind::BrokenPipe.into()))?;
    let (sender, receiver) = mpsc::channel();
    // The thread ends with the pipe; where a process that left the group holds it, nobody waits for either.
    std::thread::Builder::new()
        .spawn(move || {
            let mut bytes = Vec::new();
            let result = output.take(BOUND + 1).read_to_end(&mut bytes);
            let _ = sender.send(result.map(|_| bytes));
        })
        .map_err(HelperFailure::Run)?;
    let output = match receiver.recv_timeout(patience) {
        Ok(output) => output.map_err(HelperFailure::Run)?,
        Err(_) => return Err(HelperFailure::Slow(patience)),
    };
    if output.len() as u64 > BOUND {
        return Err(HelperFailure::TooLarge);
    }
    loop {
        if let Some(status) = running.child.try_wait().map_err(HelperFailure::Run)? {
            running.is_over = true;
            return Ok((status, output));
        }
        if Instant::now() >= end {
            return Err(HelperFailure::Slow(patience));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::error::Error as _;

    /// Writes a helper. The shell does it: a program that this process has open for writing cannot be started,
    /// and another test's child may hold it open.
    pub(in super::super) fn write_helper(folder: &Path, name: &str, script: &str) {
        let path = folder.join(format!("docker-credential-{name}"));
        let write = "printf '#!/bin/sh\n%s\n' \"$2\" > \"$1\" && chmod 755 \"$1\"";
        let status = Command::new("sh").args(["-c", write, "sh"]).arg(path).arg(script).status().unwrap();
        assert!(status.success());
    }

    fn ask(name: &str, script: &str, patience: Duration) -> Result<Option<Credential>, HelperFailure> {
        let folder = tempfile::tempdir().unwrap();
        write_helper(folder.path(), "test", script);
        let helper =
            Helper { name, asked_by: Path::new("config.json"), search_path: folder.path().as_os_str() };
        helper.get_within("registry.example", patience)
    }

    fn answer(script: &str) -> Result<Option<Credential>, HelperFailure> {
        ask("test", script, PATIENCE)
    }

    fn message(script: &str) -> String {
        answer(script).unwrap_err().to_string()
    }

    #[test]
    fn a_helper_is_told_the_server_and_answers_in_json() {
        let script = "[ \"$1\" = get ] || exit 3\nserver=$(cat)\necho '{\"ServerURL\":\"x\",\"Username\":\"user of '$server'\",\"Secret\":\"s\"}'";
        let username = "user of registry.example".into();
        assert_eq!(
            answer(script).unwrap(),
            Some(Credential::Password { username, password: Secret::new("s") })
        );
        let token = answer("echo '{\"Username\":\"<token>\",\"Secret\":\"t\"}'").unwrap();
        assert_eq!(token, Some(Credential::IdentityToken(Secret::new("t"))));
    }

    #[test]
    fn a_helper_that_knows_nothing_is_no_error() {
        assert_eq!(answer("echo credentials not found in native keychain; exit 1").unwrap(), None);
        assert_eq!(answer("echo '{\"Username\":\"\",\"Secret\":\"\"}'").unwrap(), None);
    }

    #[test]
    fn a_failure_shows_what_is_no_json_and_never_standard_error() {
        let failed = message("echo hunter2 >&2; printf 'locked\\033[2J\\n'; exit 7");
        assert_eq!(failed, "it failed (exit status: 7): `locked\\u{1b}[2J`");
        assert_eq!(message("echo '{\"Secret\":\"hunter2\"}'; exit 1"), "it failed (exit status: 1)");
        assert!(message("head -c 60000 /dev/zero | tr '\\0' x; exit 1").len() < 300);
    }

    #[test]
    fn an_answer_that_is_not_understood_is_not_repeated() {
        for script in [
            "echo '{\"Secret\":[\"hunter2\"]}'",
            "echo hunter2",
            "printf '\\377\\376'",
            "exit 0",
            "yes [ | head -n 9000",
        ] {
            let message = message(script);
            assert!(
                message.starts_with("its answer is not understood") && !message.contains("hunter2"),
                "{message}"
            );
        }
    }

    #[test]
    fn a_helper_without_end_is_stopped_with_all_it_started() {
        assert_eq!(message("yes"), "it was stopped: it printed more than 65536 bytes");
        let begin = Instant::now();
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("mark");
        let script = format!("(sleep 1; touch '{}') & wait", mark.display());
        for script in [&*script, "exec >&-; sleep 30"] {
            let slow = ask("test", script, Duration::from_millis(300)).unwrap_err();
            assert!(slow.to_string().starts_with("it was stopped after 0 seconds"), "{slow}");
        }
        assert!(begin.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(1500).saturating_sub(begin.elapsed()));
        assert!(!mark.exists(), "its child went on");
    }

    #[test]
    fn a_missing_helper_names_itself_and_who_asks() {
        let helper = Helper {
            name: "none",
            asked_by: Path::new("config.json"),
            search_path: OsStr::new("/nowhere:bin:"),
        };
        let error = helper.get("registry.example").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the credential helper `docker-credential-none`, which `config.json` asks for, gave no credentials"
        );
        assert!(error.source().unwrap().to_string().starts_with("there is no such program in PATH"));
        for name in ["", "../test", "a b", "\u{e9}", "test\0"] {
            assert!(matches!(ask(name, "", PATIENCE), Err(HelperFailure::Name)), "{name}");
        }
        let long = helper.get(&"a".repeat(5000)).unwrap_err();
        assert!(matches!(long.source, HelperFailure::Server));
    }
}
