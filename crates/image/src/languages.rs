//! Signs of language packages: present, counted, not judged.
//!
//! By name: Python's `*.dist-info/METADATA` (PEP 376, core metadata), `*.egg-info`; npm's
//! `node_modules/NAME/package.json`; Java archives; Ruby's `specifications/*.gemspec`. By content, in
//! executables: Go's build info (`debug/buildinfo`: magic `\xff Go buildinf:`), and the standard library's
//! paths that rustc leaves in panic messages (`/rustc/COMMIT/library/`).

use memchr::memmem::Finder;
use std::sync::LazyLock;

/// Every kind that there is.
const KINDS: [&str; 6] = ["cargo", "gem", "golang", "maven", "npm", "pypi"];

/// The kind of this name.
pub(crate) fn kind(name: &str) -> Option<&'static str> {
    KINDS.into_iter().find(|kind| *kind == name)
}

/// Executables below this size hold neither language's runtime.
const SMALLEST_EXECUTABLE: u64 = 64 << 10;

/// The kind (a purl type) that a regular file's path alone shows.
pub(crate) fn of_path(path: &str) -> Option<&'static str> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let above = folder.rsplit_once('/').map_or(folder, |(_, name)| name);
    match name {
        "METADATA" if above.ends_with(".dist-info") => Some("pypi"),
        "PKG-INFO" if above.ends_with(".egg-info") => Some("pypi"),
        "package.json" if is_module(folder) => Some("npm"),
        _ => {
            let (stem, extension) = name.rsplit_once('.')?;
            match extension {
                "egg-info" => Some("pypi"),
                "jar" | "war" | "ear" if !stem.is_empty() => Some("maven"),
                "gemspec" if above == "specifications" || above == "default" => Some("gem"),
                _ => None,
            }
        }
    }
}

/// `…/node_modules/NAME` or `…/node_modules/@SCOPE/NAME`.
fn is_module(folder: &str) -> bool {
    let mut names = folder.rsplit('/').skip(1);
    match names.next() {
        Some("node_modules") => true,
        Some(scope) if scope.starts_with('@') => names.next() == Some("node_modules"),
        _ => false,
    }
}

/// Whether a file's content is worth a look.
pub(crate) fn may_be_executable(mode: u32, size: u64) -> bool {
    mode & 0o111 != 0 && size >= SMALLEST_EXECUTABLE
}

const ELF: &[u8] = b"\x7fELF";
/// Length of a pattern's window, less one: what may straddle two pieces.
const OVERLAP: usize = 64;

static GO: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\xff Go buildinf:"));
static RUST: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"/rustc/"));

/// Looks at an executable as it streams by.
#[derive(Default)]
pub(crate) struct Executable {
    started: bool,
    decided: Option<Option<&'static str>>,
    tail: Vec<u8>,
}

impl Executable {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.decided.is_some() {
            return;
        }
        if !self.started {
            self.tail.extend_from_slice(bytes.get(..4).unwrap_or(bytes));
            if self.tail.len() < 4 {
                return;
            }
            if !self.tail.starts_with(ELF) {
                self.decided = Some(None);
                return;
            }
            self.started = true;
            self.tail.clear();
        }
        let before = self.tail.len();
        self.tail.extend_from_slice(bytes.get(..OVERLAP).unwrap_or(bytes));
        self.decided = find(&self.tail).or_else(|| find(bytes)).map(Some);
        self.tail.truncate(before);
        self.tail.extend_from_slice(bytes.get(bytes.len().saturating_sub(OVERLAP)..).unwrap_or_default());
        let excess = self.tail.len().saturating_sub(OVERLAP);
        self.tail.drain(..excess);
    }

    /// The purl type, if it is one of ours.
    pub(crate) fn finish(&mut self) -> Option<&'static str> {
        let found = self.decided.flatten();
        *self = Self::default();
        found
    }
}

fn find(bytes: &[u8]) -> Option<&'static str> {
    if GO.find(bytes).is_some() {
        return Some("golang");
    }
    let is_commit = |at: usize| {
        let after = bytes.get(at + 7..)?;
        let commit = after.get(..40)?;
        (commit.iter().all(u8::is_ascii_hexdigit) && after.get(40..)?.starts_with(b"/library/"))
            .then_some("cargo")
    };
    RUST.find_iter(bytes).find_map(is_commit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_show_their_language() {
        for (path, expected) in [
            ("usr/lib/python3/dist-packages/six-1.16.0.dist-info/METADATA", Some("pypi")),
            ("usr/lib/python3/dist-packages/six-1.16.0.egg-info", Some("pypi")),
            ("app/node_modules/left-pad/package.json", Some("npm")),
            ("app/node_modules/@babel/core/package.json", Some("npm")),
            ("app/node_modules/left-pad/test/package.json", None),
            ("app/package.json", None),
            ("app/lib/log4j-core.jar", Some("maven")),
            ("usr/lib/ruby/gems/specifications/rake-13.gemspec", Some("gem")),
            ("usr/bin/ls", None),
        ] {
            assert_eq!(of_path(path), expected, "{path}");
        }
    }

    #[test]
    fn executables_show_their_language_in_pieces_of_any_size() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let rust = format!("\x7fELF{}/rustc/{commit}/library/core/src{}", "x".repeat(500), "y".repeat(90));
        let go = [&b"\x7fELF"[..], &[0; 300], b"\xff Go buildinf:\x08", &[0; 300]].concat();
        let plain = [&b"\x7fELF"[..], b"/rustc/nothing", &[0; 300]].concat();
        let script = b"#!/bin/sh\n\xff Go buildinf:".to_vec();
        for step in [1, 3, 17, 63, 64, 65, 200, 10_000] {
            for (bytes, expected) in
                [(rust.as_bytes(), Some("cargo")), (&go, Some("golang")), (&plain, None), (&script, None)]
            {
                let mut executable = Executable::default();
                bytes.chunks(step).for_each(|chunk| executable.push(chunk));
                assert_eq!(executable.finish(), expected, "step {step}");
            }
        }
    }
}
