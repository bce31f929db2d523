//! apk's database: `lib/apk/db/installed`, records of `letter:value` lines ended by an empty line
//! (apk-tools' wiki page "Apk spec", installed database; apk-package(5) for the fields). apk ends each record,
//! the last one too, and so does apko: a file that ends otherwise is cut short.

use crate::database::{self, Found};
use crate::lines::{Line, Lines};
use crate::problem::{self, Damage, incomplete};
use crate::text::{is_sane, some, text};
use imagescan_image::{File, View};
use imagescan_model::{IncompleteKind, Package, PackageType, SourcePackage};
use jiff::Timestamp;
use std::io;

/// The database: where it was, and where apk 3 puts it on a merged `/usr`.
pub(crate) const PATHS: [&str; 2] = ["lib/apk/db/installed", "usr/lib/apk/db/installed"];

const FOLDERS: [&str; 2] = ["lib/apk/db", "usr/lib/apk/db"];

/// The database's files in `view`, and what stands in the place of their folder.
pub(crate) fn files(view: View<'_>) -> Vec<String> {
    let mut files: Vec<String> = Vec::new();
    let mut seen = Vec::new();
    for path in PATHS {
        match view.file(path) {
            // Both names lead to one file where `/lib` is a link.
            Ok(Some(file)) if seen.contains(&file.path) => {}
            Ok(Some(file)) => {
                seen.push(file.path);
                files.push(path.into());
            }
            Ok(None) if !view.is_no_file(path) => {}
            Ok(None) | Err(_) => files.push(path.into()),
        }
    }
    files.extend(FOLDERS.into_iter().filter(|folder| view.is_no_folder(folder)).map(String::from));
    files
}

pub(crate) fn read(view: View<'_>) -> Found {
    let mut found = Found::default();
    for path in files(view) {
        let what = IncompleteKind::PackageDatabase;
        let Some(file) = problem::file(view, &path, what, &mut found.problems) else { continue };
        if let Err(error) = read_file(&file, &path, &mut found) {
            found.problems.push(incomplete(what, &path, error.to_string()));
        }
    }
    found
}

/// The letters of a package that matter. `F` begins its list of files, whose letters are others.
const WANTED: &[u8; 7] = b"PVAotmL";

/// The fields of a record that matter.
#[derive(Default)]
struct Record {
    fields: [Option<Box<[u8]>>; WANTED.len()],
    damage: Option<&'static str>,
}

impl Record {
    fn field(&self, letter: u8) -> Option<&[u8]> {
        let index = WANTED.iter().position(|wanted| *wanted == letter)?;
        self.fields.get(index)?.as_deref()
    }

    fn add(&mut self, line: Line<'_>) {
        let [letter, b':', value @ ..] = line.bytes else {
            self.damage = Some("a line is no `letter:value`");
            return;
        };
        let index = WANTED.iter().position(|wanted| wanted == letter);
        match index.and_then(|index| self.fields.get_mut(index)) {
            None if letter.is_ascii_alphabetic() => {}
            None => self.damage = Some("a line is no `letter:value`"),
            // Where the empty line between two records is lost, the second package would vanish.
            Some(Some(_)) => self.damage = Some("a field stands twice"),
            Some(_) if line.is_cut => self.damage = Some("a field is absurdly long"),
            Some(field) => *field = Some(value.into()),
        }
    }
}

fn read_file(file: &File<'_>, path: &str, found: &mut Found) -> io::Result<()> {
    let mut lines = Lines::new(file);
    let mut damage = Damage::of(path);
    let mut record: Option<Record> = None;
    let mut number = 0_u64;
    let mut take = |record: Record, found: &mut Found| {
        number += 1;
        match package(&record) {
            Ok(package) => found.packages.push(package),
            Err(why) => {
                let name = record.field(b'P').map(text).unwrap_or_default();
                damage.add(format!("record {number}"), &name, why, &mut found.problems);
            }
        }
        database::is_full(found.packages.len(), path, &mut found.problems)
    };
    let mut is_full = false;
    while !is_full && let Some(line) = lines.next()? {
        if !line.bytes.is_empty() {
            record.get_or_insert_default().add(line);
        } else if let Some(record) = record.take() {
            is_full = take(record, found);
        }
    }
    let is_open = record.is_some();
    if let Some(record) = record {
        take(record, found);
    }
    damage.end(&mut found.problems);
    let mut damaged = |why: &str| found.problems.push(incomplete(IncompleteKind::PackageDatabase, path, why));
    if is_open {
        damaged("its last record has no end: it is cut short");
    }
    if lines.has_zeros() {
        damaged("it holds zero bytes: it is damaged");
    }
    Ok(())
}

fn package(record: &Record) -> Result<Package, &'static str> {
    if let Some(damage) = record.damage {
        return Err(damage);
    }
    let name = record.field(b'P').map(text).filter(|name| is_sane(name)).ok_or("it has no name (P:)")?;
    let version =
        record.field(b'V').map(text).filter(|version| is_sane(version)).ok_or("it has no version (V:)")?;
    let mut package = Package::new(PackageType::Apk, name, version);
    package.architecture = record.field(b'A').and_then(some);
    package.source = record.field(b'o').and_then(some).map(|name| SourcePackage { name, version: None });
    package.maintainer = record.field(b'm').and_then(some);
    package.licence = record.field(b'L').and_then(some);
    let built = record.field(b't').and_then(|seconds| std::str::from_utf8(seconds).ok()?.trim().parse().ok());
    package.built_at = built.and_then(|seconds: i64| Timestamp::from_second(seconds).ok());
    Ok(package)
}

#[cfg(test)]
mod tests {
    use super::*;
    use imagescan_image::TreeBuilder;
    use proptest::prelude::*;

    const DATABASE: &str = "C:Q1x=\nP:libssl3\nV:3.3.2-r0\nA:x86_64\nS:1\nT:text: with colons\no:openssl\n\
        m:A <a@alpine.example>\nL:Apache-2.0\nt:1725372000\nF:usr/lib\nR:libssl.so.3\nZ:Q1y=\n\nP:musl\nV:1.2.5-r0\nA:x86_64\n\n";

    fn read_file(bytes: &[u8]) -> Found {
        read(TreeBuilder::new().layer().file(PATHS[0], bytes, 0).build().top())
    }

    #[test]
    fn records_say_origin_and_build_time() {
        let found = read_file(DATABASE.as_bytes());
        assert_eq!(found.problems, []);
        let [ssl, musl] = &found.packages[..] else { panic!("{:?}", found.packages) };
        assert_eq!(ssl.source_or_self(), ("openssl", "3.3.2-r0"));
        assert_eq!(ssl.built_at.unwrap().to_string(), "2024-09-03T14:00:00Z");
        assert_eq!(ssl.licence.as_deref(), Some("Apache-2.0"));
        assert_eq!(musl.source, None);
    }

    #[test]
    fn damage_is_never_silence() {
        for text in [
            "P:a\n\n",
            "V:1\n\n",
            "garbage\n\n",
            "P:a\nV:1\nno\n\n",
            "P:a\nV:1\n\0:\n\n",
            "P:a\nV:1\nP:b\n\n",
        ] {
            let found = read_file(text.as_bytes());
            assert!(found.packages.is_empty() && !found.problems.is_empty(), "{text:?}");
        }
        assert_eq!(read_file("x\n\n".repeat(1000).as_bytes()).problems.len(), 101);
    }

    #[test]
    fn a_database_cut_within_a_record_is_never_taken_for_a_whole_one() {
        let between = DATABASE.find("\n\n").unwrap() + 2;
        for end in (1..DATABASE.len()).filter(|end| *end != between) {
            assert!(!read_file(&DATABASE.as_bytes()[..end]).problems.is_empty(), "{end}");
        }
    }

    #[test]
    fn one_database_under_two_names_is_read_once() {
        let tree = TreeBuilder::new()
            .layer()
            .symlink("lib", "usr/lib")
            .file(PATHS[1], DATABASE.as_bytes(), 0)
            .build();
        assert_eq!(read(tree.top()).packages.len(), 2);
    }

    #[test]
    fn what_stands_in_the_place_of_the_database_is_said() {
        let layer = || TreeBuilder::new().layer();
        for tree in [
            layer().folder(PATHS[0]),
            layer().special(PATHS[1]),
            layer().symlink(FOLDERS[0], "nowhere"),
            layer().special(FOLDERS[1]),
        ] {
            assert_eq!(read(tree.build().top()).problems.len(), 1);
        }
        assert_eq!(read(layer().folder(FOLDERS[0]).symlink("usr/lib", "nowhere").build().top()).problems, []);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            read_file(&bytes);
        }
    }
}
