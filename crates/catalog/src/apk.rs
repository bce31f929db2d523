//! apk's database: `lib/apk/db/installed`, records of `letter:value` lines ended by an empty line
//! (apk-tools' wiki page "Apk spec", installed database; apk-package(5) for the fields).

use crate::database::Found;
use crate::problem::{self, incomplete};
use crate::text::{is_sane, lines, some, text};
use imagescan_image::View;
use imagescan_model::{IncompleteKind, Package, PackageType, SourcePackage};
use jiff::Timestamp;

/// The database: where it was, and where apk 3 puts it on a merged `/usr`.
pub(crate) const PATHS: [&str; 2] = ["lib/apk/db/installed", "usr/lib/apk/db/installed"];

/// The database's files in `view`.
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
            Ok(None) => {}
            Err(_) => files.push(path.into()),
        }
    }
    files
}

pub(crate) fn read(view: View<'_>) -> Found {
    let mut found = Found::default();
    for path in files(view) {
        let what = IncompleteKind::PackageDatabase;
        let Some(file) = problem::file(view, &path, what, &mut found.problems) else { continue };
        let Some(bytes) = problem::bytes(&file, what, &mut found.problems) else { continue };
        parse(&bytes, &path, &mut found);
    }
    found
}

/// The fields of a record that matter.
#[derive(Default)]
struct Record<'a> {
    fields: Vec<(u8, &'a [u8])>,
    damaged: bool,
}

impl<'a> Record<'a> {
    fn field(&self, letter: u8) -> Option<&'a [u8]> {
        self.fields.iter().find(|(field, _)| *field == letter).map(|(_, value)| *value)
    }
}

fn parse(bytes: &[u8], path: &str, found: &mut Found) {
    let mut record: Option<Record<'_>> = None;
    let mut number = 0;
    let ends = std::iter::once(&b""[..]);
    for line in lines(bytes).chain(ends) {
        if line.is_empty() {
            if let Some(record) = record.take() {
                number += 1;
                match package(&record) {
                    Ok(package) => found.packages.push(package),
                    Err(why) => {
                        let name = record.field(b'P').map(text).unwrap_or_default();
                        let why = format!("record {number} (`{}`): {why}", name.escape_debug());
                        found.problems.push(incomplete(IncompleteKind::Package, path, why));
                    }
                }
            }
            continue;
        }
        let record = record.get_or_insert_default();
        match line {
            // `F` begins the list of files; its letters repeat, and none of the package's come after it.
            [letter @ (b'P' | b'V' | b'A' | b'o' | b't' | b'm' | b'L'), b':', value @ ..] => {
                if record.field(*letter).is_none() {
                    record.fields.push((*letter, value));
                }
            }
            [letter, b':', ..] if letter.is_ascii_alphabetic() => {}
            _ => record.damaged = true,
        }
    }
    if number == 0 && !bytes.trim_ascii().is_empty() {
        let why = "it holds no record: it is damaged";
        found.problems.push(incomplete(IncompleteKind::PackageDatabase, path, why));
    }
}

fn package(record: &Record<'_>) -> Result<Package, &'static str> {
    if record.damaged {
        return Err("a line is no `letter:value`");
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
        m:A <a@alpine.example>\nL:Apache-2.0\nt:1725372000\nF:usr/lib\nR:libssl.so.3\nZ:Q1y=\n\nP:musl\nV:1.2.5-r0\nA:x86_64";

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
        for bytes in [&b"P:a\n\n"[..], b"V:1\n", b"garbage", b"P:a\nV:1\nnonsense\n", b"C:x"] {
            assert!(!read_file(bytes).problems.is_empty(), "{}", bytes.escape_ascii());
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

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            read_file(&bytes);
        }
    }
}
