//! Our orders against the tools that define them, on random and mutated pairs drawn from real versions.
//!
//! `IMAGESCAN_SOAK_PAIRS=full` compares a million pairs for deb and rpm and a hundred thousand for apk, else a
//! twentieth; `IMAGESCAN_SOAK_SEED` chooses them. Without a tool, the test says so and passes.

#![expect(clippy::print_stdout, reason = "what was compared, and what could not be")]

use imagescan_version::Order;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// xorshift64*: pairs must come again from their seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize) % bound
    }

    fn text(&mut self, texts: &[&'static str]) -> &'static str {
        texts[self.below(texts.len())]
    }

    fn of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

fn seed() -> u64 {
    std::env::var("IMAGESCAN_SOAK_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_124)
}

fn pairs_of(full: usize) -> usize {
    let is_full = std::env::var("IMAGESCAN_SOAK_PAIRS").is_ok_and(|pairs| pairs == "full");
    if is_full { full } else { full / 20 }
}

/// Texts of a file that look like versions: quoted or after a blank, with a digit first or an epoch.
fn gather(text: &[u8], versions: &mut BTreeSet<String>) {
    let is_version = |byte: &u8| byte.is_ascii_alphanumeric() || b".+-~^:_".contains(byte);
    for word in text.split(|byte| !is_version(byte)) {
        let shape = word.first().is_some_and(u8::is_ascii_digit)
            && (3..60).contains(&word.len())
            && word.iter().any(|byte| b".-".contains(byte));
        if shape {
            versions.insert(String::from_utf8_lossy(word).into_owned());
        }
    }
}

/// Versions of the archives in `../shared/feeds` and of this machine, and a few of our own.
fn real(archives: &[&str], own: &[&str]) -> Vec<String> {
    let mut versions: BTreeSet<String> = own.iter().map(|version| String::from(*version)).collect();
    gather(&fs::read("/var/lib/dpkg/status").unwrap_or_default(), &mut versions);
    for name in archives {
        let path = Path::new(HERE).join("../../../shared/feeds").join(name);
        let Ok(file) = fs::File::open(path) else { continue };
        let mut text = Vec::new();
        zstd::Decoder::new(file).unwrap().take(64 << 20).read_to_end(&mut text).unwrap();
        gather(&text, &mut versions);
    }
    versions.into_iter().collect()
}

/// A version near `version`: a byte taken away, put in or changed, or a piece of another one.
fn mutate(version: &str, other: &str, alphabet: &[u8], random: &mut Random) -> String {
    let mut bytes = version.as_bytes().to_vec();
    for _ in 0..=random.below(2) {
        let at = random.below(bytes.len().max(1)).min(bytes.len());
        match random.below(5) {
            0 if !bytes.is_empty() => drop(bytes.remove(at.min(bytes.len() - 1))),
            1 => bytes.insert(at, *random.of(alphabet)),
            2 if !bytes.is_empty() => {
                let at = at.min(bytes.len() - 1);
                bytes[at] = *random.of(alphabet);
            }
            3 => bytes.truncate(at),
            _ => {
                bytes.truncate(at);
                bytes.extend(&other.as_bytes()[random.below(other.len())..]);
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Pairs of the same version, of its neighbours in the list, of mutants, and of strangers.
fn pairs(versions: &[String], count: usize, alphabet: &[u8], random: &mut Random) -> Vec<(String, String)> {
    let one = |random: &mut Random| {
        let index = random.below(versions.len());
        let a = &versions[index];
        let b = match random.below(4) {
            0 => random.of(versions).clone(),
            1 => versions[(index + 1 + random.below(3)) % versions.len()].clone(),
            _ => {
                let other: &String = random.of(versions);
                mutate(a, other, alphabet, random)
            }
        };
        (a.clone(), b)
    };
    std::iter::repeat_with(|| one(random))
        .filter(|(a, b)| !a.is_empty() && !b.is_empty())
        .take(count)
        .collect()
}

/// Compares ours with what `tool` answers to the pairs.
fn agree(name: &str, order: Order, pairs: &[(String, String)], mut tool: Command) {
    let mut child = tool.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let text: String = pairs.iter().map(|(a, b)| format!("{a}\t{b}\n")).collect();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()).unwrap());
    let mut answers = String::new();
    child.stdout.take().unwrap().read_to_string(&mut answers).unwrap();
    writer.join().unwrap();
    assert!(child.wait().unwrap().success());
    let answers: Vec<&str> = answers.lines().collect();
    assert_eq!(answers.len(), pairs.len(), "{name} answers each pair");
    let mut valid = 0;
    let mut wrong = Vec::new();
    for ((a, b), answer) in pairs.iter().zip(answers) {
        let ours = match order.compare(a, b) {
            Ordering::Less => "<",
            Ordering::Equal => "=",
            Ordering::Greater => ">",
        };
        valid += usize::from(answer != "?");
        if answer != "?" && ours != answer {
            wrong.push(format!("{a} {answer} {b}, ours {ours}"));
        }
    }
    println!("soak version-{name} seed={} pairs={valid} disagreements={}", seed(), wrong.len());
    assert!(wrong.is_empty(), "{} of {valid}, such as {:#?}", wrong.len(), &wrong[..wrong.len().min(20)]);
    assert!(valid * 3 > pairs.len(), "only {valid} of {} pairs were valid", pairs.len());
}

fn skipped(why: &str) {
    println!("skipped: {why}");
}

#[test]
fn deb_order_is_dpkgs() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("order");
    let flags = Command::new("pkg-config").args(["--cflags", "--libs", "--static", "libdpkg"]).output();
    let flags = flags.map(|output| String::from_utf8(output.stdout).unwrap()).unwrap_or_default();
    let source = Path::new(HERE).join("tests/reference/deb.c");
    let mut compiler = Command::new("cc");
    compiler.arg("-o").arg(&program).arg(source).args(flags.split_whitespace()).stderr(Stdio::null());
    if flags.is_empty() || !compiler.status().is_ok_and(|status| status.success()) {
        return skipped("no libdpkg-dev, pkg-config or C compiler");
    }
    let own = ["1.0-1", "1:2.0~rc1-1", "2.36-9+deb12u3", "7.88.1-10+deb12u15", "0", "1.0~~"];
    let versions = real(&["debian.tar.zst", "ubuntu.tar.zst"], &own);
    let pairs = pairs(&versions, pairs_of(1_000_000) * 3 / 2, b"0019.a~+-:Z", &mut Random(seed()));
    agree("deb", Order::Deb, &pairs, Command::new(program));
}

#[test]
fn rpm_order_is_librpms() {
    let knows_rpm = |python: &&&str| {
        let known = Command::new(python).args(["-c", "import rpm"]).stderr(Stdio::null()).status();
        known.is_ok_and(|status| status.success())
    };
    // The distribution's python has the module, even where another one comes first.
    let Some(python) = ["python3", "/usr/bin/python3"].iter().find(knows_rpm) else {
        return skipped("no python3-rpm");
    };
    let own = ["1.0-1", "1:2.0~rc1-1.el9", "2.28-236.el8_9.12", "1.0^git1-1", "5.14.0-427.13.1.el9_4"];
    let versions = real(&["redhat.tar.zst", "alma.tar.zst", "suse.tar.zst", "fedora.tar.zst"], &own);
    let pairs = pairs(&versions, pairs_of(1_000_000) * 3 / 2, b"0019.a~^-:_Z", &mut Random(seed()));
    let mut tool = Command::new(python);
    tool.arg(Path::new(HERE).join("tests/reference/librpm.py"));
    agree("rpm", Order::Rpm, &pairs, tool);
}

/// The newest stable minirootfs of `../shared/images`, unpacked.
fn minirootfs(folder: &Path) -> Option<PathBuf> {
    let archives = fs::read_dir(Path::new(HERE).join("../../../shared/images/alpine")).ok()?;
    let mut names: Vec<PathBuf> = archives.filter_map(|entry| Some(entry.ok()?.path())).collect();
    names
        .retain(|path| path.to_string_lossy().contains("-3.20") && path.to_string_lossy().contains("x86_64"));
    let archive = names.pop()?;
    let status = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(folder).status().ok()?;
    status.success().then(|| folder.into())
}

/// apk-tools 2.14 calls some texts valid that its comparison has no consistent place for: numbers without
/// digits (`1..2`, `1.0-r`), suffixes without a name (`1_`), a second revision.
fn is_proper(version: &str) -> bool {
    let (base, revision) = version.rsplit_once("-r").unwrap_or((version, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = |part: &str| part.starts_with(|first: char| first.is_ascii_digit());
    digits(revision) && base.split('.').all(number) && !base.contains('-') && !base.ends_with('_')
}

/// A version by apk's grammar, from few parts so that many begin alike.
fn generated(random: &mut Random) -> String {
    let mut version = random.text(&["0", "1", "2", "10", "20240101"]).to_string();
    for _ in 0..random.below(4) {
        version = format!("{version}.{}", random.text(&["0", "1", "01", "010", "9", "00", "12"]));
    }
    version += random.text(&["", "", "", "a", "b", "z"]);
    for _ in 0..random.below(3) {
        let suffix = random.text(&["alpha", "beta", "pre", "rc", "cvs", "svn", "git", "hg", "p"]);
        version = format!("{version}_{suffix}{}", random.text(&["", "0", "1", "2", "10", "20230101"]));
    }
    version += random.text(&["", "", "", "~ab12", "~0"]);
    version + random.text(&["", "-r0", "-r1", "-r10"])
}

#[test]
fn apk_order_is_apk_tools() {
    let folder = tempfile::tempdir().unwrap();
    let Some(root) = minirootfs(folder.path()) else {
        return skipped("no x86_64 minirootfs in ../shared/images");
    };
    let runs = Command::new("chroot").arg(&root).args(["apk", "--version"]).output();
    if !runs.is_ok_and(|output| output.status.success()) {
        return skipped("chroot into the minirootfs needs root");
    }
    let own =
        ["1.0-r0", "1.2_rc1-r3", "3.1.4-r5", "1.0a_p1-r2", "1.01", "20230101", "0.0_git20230101~ab12-r0"];
    let mut versions = real(&["alpine.tar.zst"], &own);
    versions.retain(|version| version.contains("-r") && is_proper(version));
    let random = &mut Random(seed());
    let mut all = pairs(&versions, pairs_of(100_000), b"0019.a_-r~", random);
    all.extend((0..pairs_of(100_000)).map(|_| (generated(random), generated(random))));
    all.retain(|(a, b)| is_proper(a) && is_proper(b));
    fs::copy(Path::new(HERE).join("tests/reference/apk.sh"), root.join("order.sh")).unwrap();
    let mut tool = Command::new("chroot");
    tool.arg(&root).args(["sh", "/order.sh"]);
    agree("apk", Order::Apk, &all, tool);
}
