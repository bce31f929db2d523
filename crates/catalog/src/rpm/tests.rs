//! The readers on real databases of `../shared`, whole and damaged.

use super::{Blobs, bdb, ndb, sqlite};
use imagescan_image::TreeBuilder;
use imagescan_model::IncompleteKind;
use std::fs;
use std::path::{Path, PathBuf};

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/images/rpmdb");

type Reader = fn(&[u8]) -> Blobs;

const DATABASES: [(&str, Reader); 3] = [
    ("bdb-ubi8-libuuid", |bytes| bdb::read(&bytes.to_vec())),
    ("ndb-sle15-bci", |bytes| ndb::read(&bytes.to_vec())),
    ("sqlite-mariner2", |bytes| sqlite::read(&bytes.to_vec(), None)),
];

/// The bytes of each real database, its reader and its reference list.
fn real() -> Vec<(&'static str, Vec<u8>, Reader, String)> {
    if !Path::new(SHARED).exists() {
        println!("skipped: no ../shared/images/rpmdb");
        return Vec::new();
    }
    let open = |(name, reader): (&'static str, Reader)| {
        let folder = Path::new(SHARED).join(name);
        let files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        let database =
            files.iter().find(|path| path.extension().is_some_and(|suffix| suffix == "zst")).unwrap();
        let bytes = zstd::decode_all(fs::File::open(database).unwrap()).unwrap();
        (name, bytes, reader, fs::read_to_string(folder.join("packages.tsv")).unwrap())
    };
    DATABASES.into_iter().map(open).collect()
}

/// One line a package, as the reference has it.
fn listed(blobs: &Blobs) -> Vec<String> {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "(none)".into());
    let mut lines: Vec<String> = blobs
        .packages
        .iter()
        .map(|package| {
            let epoch = package.epoch.map_or("(none)".into(), |epoch| epoch.to_string());
            let (arch, source) = (or_none(&package.arch), or_none(&package.source_rpm));
            format!("{}\t{epoch}\t{}\t{}\t{arch}\t{source}", package.name, package.version, package.release)
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn real_databases_hold_what_rpm_lists() {
    for (name, bytes, read, reference) in real() {
        let blobs = read(&bytes);
        assert_eq!(blobs.problems, Vec::<String>::new(), "{name}");
        let mut expected: Vec<&str> = reference.lines().filter(|line| !line.starts_with("name\t")).collect();
        expected.sort_unstable();
        assert_eq!(listed(&blobs), expected, "{name}");
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }
}

#[test]
fn a_cut_database_is_never_taken_for_a_whole_one() {
    for (name, bytes, read, _) in real() {
        let random = &mut Random(1);
        let pages = (0..bytes.len()).step_by(4096);
        let cuts: Vec<usize> = pages.take(200).chain((0..200).map(|_| random.below(bytes.len()))).collect();
        for end in cuts {
            let blobs = read(&bytes[..end]);
            assert!(!blobs.problems.is_empty(), "{name} cut at {end} of {}", bytes.len());
        }
    }
}

#[test]
fn damage_loses_no_package_in_silence() {
    for (name, bytes, read, _) in real() {
        let whole = read(&bytes).packages.len();
        let random = &mut Random(2);
        for round in 0..600 {
            let mut damaged = bytes.clone();
            let at = random.below(bytes.len());
            match round % 3 {
                0 => damaged[at] ^= 1 << random.below(8),
                1 => {
                    let end = (at + 64).min(bytes.len());
                    damaged[at..end].fill(random.below(256) as u8);
                }
                _ => {
                    let page = at / 4096 * 4096;
                    let end = (page + 4096).min(bytes.len());
                    damaged[page..end].fill(0);
                }
            }
            let blobs = read(&damaged);
            assert!(
                blobs.packages.len() == whole || !blobs.problems.is_empty(),
                "{name}, round {round}: {} of {whole} packages and no word",
                blobs.packages.len()
            );
        }
    }
}

#[test]
fn of_several_databases_the_one_that_rpm_uses_is_listed_and_the_others_are_said() {
    let real = real();
    let [(_, bdb, ..), (_, ndb, ..), (_, sqlite, ..)] = &real[..] else { return };
    let kinds = |files: &[(&str, &[u8])]| {
        let tree =
            files.iter().fold(TreeBuilder::new().layer(), |tree, (path, bytes)| tree.file(path, bytes, 0));
        let found = super::read(tree.symlink("usr/share/rpm", "../../var/lib/rpm").build().top());
        (found.packages.len(), found.problems.iter().map(|problem| problem.what).collect::<Vec<_>>())
    };
    let path = "var/lib/rpm/rpmdb.sqlite";
    assert_eq!(kinds(&[(path, sqlite)]), (129, vec![]));
    let second = |other| kinds(&[(path, sqlite), other]);
    assert_eq!(second(("usr/lib/sysimage/rpm/rpmdb.sqlite", sqlite)), (129, vec![]));
    assert_eq!(second(("var/lib/rpm/Packages.db", ndb)), (129, vec![IncompleteKind::File]));
    let other = ("usr/lib/sysimage/rpm/Packages", &bdb[..]);
    assert_eq!(second(other), (129, vec![IncompleteKind::PackageDatabase]));
    // What is empty is damage, and hides no other.
    let hidden = kinds(&[(path, b""), ("var/lib/rpm/Packages.db", ndb)]);
    assert_eq!(hidden, (35, vec![IncompleteKind::PackageDatabase]));
}

#[test]
fn what_stands_in_the_place_of_a_database_is_said() {
    let layer = || TreeBuilder::new().layer();
    for tree in [
        layer().folder("var/lib/rpm/Packages"),
        layer().special("usr/share/rpm/rpmdb.sqlite"),
        layer().symlink("var/lib/rpm", "/nowhere"),
        layer().special("usr/lib/sysimage/rpm"),
    ] {
        let found = super::read(tree.build().top());
        let kinds: Vec<_> = found.problems.iter().map(|problem| problem.what).collect();
        assert_eq!(kinds, [IncompleteKind::PackageDatabase]);
    }
    let empty = layer().folder("usr/lib/sysimage/rpm").symlink("var/lib/rpm", "/usr/lib/sysimage/rpm");
    assert_eq!(super::read(empty.build().top()).problems, []);
    let line = b"a\t1-1\t1\t1\tv\t(none)\t1\tx86_64\t0\ta-1-1.src.rpm\n";
    let listed = layer().symlink("var/lib/rpm", "/nowhere").file(super::MANIFEST, line, 0).build();
    assert_eq!((super::read(listed.top()).packages.len(), super::read(listed.top()).problems.len()), (1, 0));
}
