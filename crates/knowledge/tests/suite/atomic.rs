//! At any instant the folder holds the old database or the new one.

use crate::common::*;
use imagescan_knowledge::{BuildError, Builder, Knowledge, verify};
use imagescan_model::AdvisoryRecord;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const CHILD: &str = "IMAGESCAN_KNOWLEDGE_BUILD_IN";

/// One of two generations: Debian's segment differs, Alpine's does not.
fn generation(fixed: &str) -> Vec<AdvisoryRecord> {
    let debian = (0..3000).map(|n| record("debian:12", &format!("package-{n}"), "CVE-2024-1", Some(fixed)));
    let alpine =
        (0..3000).map(|n| record("alpine:3.20", &format!("package-{n}"), "CVE-2024-1", Some("1-r0")));
    debian.chain(alpine).collect()
}

fn build_for_ever(dir: &Path) -> ! {
    loop {
        build(dir, generation("1"));
        build(dir, generation("2"));
    }
}

/// Kills and reaps the child whatever becomes of the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whole, and one of the two; returns which.
fn assert_old_or_new(dir: &Path) -> String {
    let verified = verify(dir).unwrap();
    assert_eq!((verified.keys, verified.rows), (6000, 6000));
    let knowledge = Knowledge::open(dir).unwrap();
    let records = everything(&knowledge).unwrap();
    let fixed = records.last().unwrap().fixed_version.clone().unwrap();
    assert_eq!(by_key(&records), by_key(&generation(&fixed)));
    fixed
}

/// `IMAGESCAN_SOAK_KILLS` says how often; 20 without it. The child is this same test in another process.
#[test]
fn a_killed_build_leaves_the_old_database_or_the_new_one() {
    if let Some(dir) = std::env::var_os(CHILD) {
        build_for_ever(Path::new(&dir));
    }
    let kills = std::env::var("IMAGESCAN_SOAK_KILLS").map_or(20, |count| count.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    build(dir.path(), generation("1"));
    let mut random = Random(0x5eed);
    let mut met = std::collections::BTreeSet::new();
    for _ in 0..kills {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "atomic::a_killed_build_leaves_the_old_database_or_the_new_one"]);
        command.env(CHILD, dir.path()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = Killed(command.spawn().unwrap());
        std::thread::sleep(Duration::from_micros(random.below(200_000) as u64));
        assert!(child.0.try_wait().unwrap().is_none(), "the child ended by itself");
        drop(child);
        met.insert(assert_old_or_new(dir.path()));
    }
    // What the killed ones left is cleared away by the next build.
    build(dir.path(), generation("3"));
    build(dir.path(), generation("4"));
    assert!(files(dir.path()).keys().all(|name| !name.contains(".new-")));
    // Manifest, Alpine, two of Debian, five of facts.
    assert_eq!(files(dir.path()).len(), 9);
    println!("{kills} kills, met generations {met:?}");
}

#[test]
fn readers_meet_a_whole_database_while_builds_go_on() {
    let dir = tempfile::tempdir().unwrap();
    build(dir.path(), generation("1"));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..12 {
                build(dir.path(), generation(&number.to_string()));
            }
            done.store(true, Ordering::Relaxed);
        });
        while !done.load(Ordering::Relaxed) {
            let knowledge = Knowledge::open(dir.path()).unwrap();
            assert_eq!(knowledge.keys().filter(|rows| rows.is_ok()).count(), 6000);
        }
    });
}

#[test]
fn an_opened_database_stays_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    build(dir.path(), generation("1"));
    let old = Knowledge::open(dir.path()).unwrap();
    for number in 2..6 {
        build(dir.path(), generation(&number.to_string()));
    }
    assert_eq!(by_key(&everything(&old).unwrap()), by_key(&generation("1")));
}

fn inodes(dir: &Path) -> std::collections::BTreeMap<PathBuf, u64> {
    use std::os::unix::fs::MetadataExt as _;
    let entries = fs::read_dir(dir.join("segments")).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.clone(), fs::metadata(&path).unwrap().ino())).collect()
}

#[test]
fn only_what_changed_is_written_and_only_two_generations_stay() {
    let dir = tempfile::tempdir().unwrap();
    let first = build(dir.path(), generation("1"));
    let before = inodes(dir.path());
    fs::write(dir.path().join("segments/README"), "not ours").unwrap();
    let second = build(dir.path(), generation("2"));
    let after = inodes(dir.path());
    let path = |digest: &imagescan_model::Digest| dir.path().join("segments").join(digest.hex());
    let [alpine, debian, ..] = &first.segments[..] else { panic!("{first:?}") };
    assert_eq!(second.segments[0], *alpine);
    assert_ne!(second.segments[1].digest, debian.digest);
    assert_eq!(before[&path(&alpine.digest)], after[&path(&alpine.digest)]);
    assert!(path(&debian.digest).exists(), "the previous generation stays");
    build(dir.path(), generation("3"));
    assert!(!path(&debian.digest).exists(), "the one before it goes");
    assert!(path(&second.segments[1].digest).exists());
    // The same once more is no new generation.
    build(dir.path(), generation("3"));
    assert!(path(&second.segments[1].digest).exists());
    assert!(dir.path().join("segments/README").exists());
}

#[test]
fn a_second_build_at_the_same_time_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    build(dir.path(), sample());
    let lock = File::open(dir.path().join("lock")).unwrap();
    lock.lock().unwrap();
    let refused = Builder::new(instant("2026-08-02T00:00:00Z")).write(dir.path());
    assert!(matches!(refused, Err(BuildError::Busy { .. })), "{refused:?}");
    lock.unlock().unwrap();
    build(dir.path(), sample());
}

/// A file system of its own that is unmounted whatever happens.
struct Mounted(tempfile::TempDir);

impl Mounted {
    fn new(size: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(dir.path());
        let mounted = mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        mounted.then_some(Self(dir))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

/// With ever more room left, so that each step of the build is once the one that fails.
#[test]
fn a_full_disk_leaves_the_old_database() {
    let Some(mounted) = Mounted::new("2m") else {
        println!("skipped: a small file system cannot be mounted here (needs root)");
        return;
    };
    let (dir, filler) = (mounted.0.path().join("db"), mounted.0.path().join("filler"));
    build(&dir, generation("1"));
    let (mut failed, mut built) = (0, 0);
    for room in (0..).step_by(8 * 1024) {
        fs::write(&filler, b"").unwrap();
        let _ = fs::write(&filler, vec![0; 2 << 20]);
        let full = fs::metadata(&filler).unwrap().len();
        File::options().write(true).open(&filler).unwrap().set_len(full.saturating_sub(room)).unwrap();
        let mut builder = Builder::new(instant("2026-08-02T00:00:00Z"));
        builder.records("debian", generation("2")).unwrap();
        match builder.write(&dir) {
            Err(error) => {
                assert!(matches!(error, BuildError::Write { .. }), "{error:?}");
                assert_eq!(assert_old_or_new(&dir), "1");
                assert!(files(&dir).keys().all(|name| !name.contains(".new-")));
                failed += 1;
            }
            Ok(_) => {
                assert_eq!(assert_old_or_new(&dir), "2");
                built += 1;
                break;
            }
        }
    }
    assert!(failed > 3 && built == 1, "{failed} {built}");
}
