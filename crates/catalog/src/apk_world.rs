//! `etc/apk/world`: what apk was asked to keep installed, `[!]NAME[@TAG][OPERATOR VERSION]` separated by spaces or
//! ends of lines (apk-world(5); apk-tools' `package.c`, where a dependency is read). `apk upgrade` obeys it, so that
//! an entry that says more than a name is a pin. The operators are made of `<`, `>`, `=` and `~`; behind `><` stands
//! the checksum of one file.

use crate::lines::Lines;
use crate::problem::{self, incomplete};
use crate::text::{is_sane, text};
use imagescan_image::{File, Tree};
use imagescan_model::{Incomplete, IncompleteKind, Pin, PinKind, PinLocation};
use std::collections::BTreeMap;
use std::io;

pub(crate) const PATH: &str = "etc/apk/world";
/// Entries; apk knows no more packages than that.
const MOST: usize = 100_000;

/// An entry that pins, with the number of its line.
struct Entry {
    statement: String,
    line: u32,
}

/// The pins as the container's apk sees them, sorted, each with the layer that wrote it.
pub(crate) fn pins(tree: &Tree, problems: &mut Vec<Incomplete>) -> Vec<Pin> {
    let mut since: BTreeMap<String, u32> = BTreeMap::new();
    let mut entries = Vec::new();
    let mut before = None;
    for layer in 0..tree.layers() {
        let Some(file) = tree.at(layer).file(PATH).ok().flatten() else {
            (before, entries) = (None, Vec::new());
            since.clear();
            continue;
        };
        let digest = Some(file.digest());
        if digest == std::mem::replace(&mut before, digest) {
            continue;
        }
        // What is wrong with a copy that an upper layer replaced matters to nobody.
        entries = read(&file, &mut Vec::new()).unwrap_or_default();
        let first =
            |entry: &Entry| (entry.statement.clone(), since.get(&entry.statement).copied().unwrap_or(layer));
        since = entries.iter().map(first).collect();
    }
    if let Some(file) = problem::file(tree.top(), PATH, IncompleteKind::File, problems)
        && let Err(error) = read(&file, problems)
    {
        problems.push(incomplete(IncompleteKind::File, PATH, error.to_string()));
    }
    let pin = |Entry { statement, line }: Entry| {
        let layer = since.get(&statement).copied();
        let location = PinLocation { path: PATH.into(), line: Some(line), layer };
        Pin { kind: PinKind::ApkWorld, subject: subject(&statement).into(), statement, location }
    };
    let mut pins: Vec<Pin> = entries.into_iter().map(pin).collect();
    pins.sort();
    pins
}

fn read(file: &File<'_>, problems: &mut Vec<Incomplete>) -> io::Result<Vec<Entry>> {
    let mut lines = Lines::new(file);
    let mut entries = Vec::new();
    let (mut number, mut count) = (0_u32, 0_usize);
    while let Some(line) = lines.next()? {
        number = number.saturating_add(1);
        let mut wrong = |why: &str| {
            problems.push(incomplete(IncompleteKind::File, PATH, format!("line {number}: {why}")))
        };
        if line.is_cut {
            wrong("it is absurdly long: what follows is not read");
            break;
        }
        for entry in line.bytes.split(u8::is_ascii_whitespace).map(text).filter(|entry| !entry.is_empty()) {
            count += 1;
            if count > MOST {
                wrong(&format!("more than {MOST} entries: the rest is not read"));
                return Ok(entries);
            }
            if !is_sane(&entry) || subject(&entry).is_empty() {
                wrong("an entry names no package: what follows is not read");
                return Ok(entries);
            }
            if subject(&entry) != entry {
                entries.push(Entry { statement: entry, line: number });
            }
        }
    }
    Ok(entries)
}

/// The package's name.
fn subject(entry: &str) -> &str {
    let name = entry.strip_prefix('!').unwrap_or(entry);
    name.split(['@', '<', '>', '=', '~']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use imagescan_image::TreeBuilder;
    use proptest::prelude::*;

    fn of(world: &[u8]) -> (Vec<Pin>, Vec<Incomplete>) {
        let mut problems = Vec::new();
        let pins = pins(&TreeBuilder::new().layer().file(PATH, world, 0).build(), &mut problems);
        (pins, problems)
    }

    #[test]
    fn an_entry_that_says_more_than_a_name_is_a_pin() {
        let world = b"alpine-base\nbusybox=1.36.1-r2\ncurl<8\nfoo>2\nbar~1.2 baz><Q1x=\nnginx@edge\n!exim\nzlib@edge>=1.3\n";
        let (pins, problems) = of(world);
        assert_eq!(problems, []);
        let found: Vec<_> =
            pins.iter().map(|pin| (&*pin.subject, &*pin.statement, pin.location.line.unwrap())).collect();
        assert_eq!(
            found,
            [
                ("bar", "bar~1.2", 5),
                ("baz", "baz><Q1x=", 5),
                ("busybox", "busybox=1.36.1-r2", 2),
                ("curl", "curl<8", 3),
                ("exim", "!exim", 7),
                ("foo", "foo>2", 4),
                ("nginx", "nginx@edge", 6),
                ("zlib", "zlib@edge>=1.3", 8),
            ]
        );
    }

    #[test]
    fn a_pin_is_of_the_layer_that_wrote_it() {
        let tree = TreeBuilder::new()
            .layer()
            .file(PATH, b"a=1\nb=1\nback=1\n", 0)
            .layer()
            .file(PATH, b"a=1\nb=2\n", 0)
            .layer()
            .file("etc/x", b"", 0)
            .layer()
            .file(PATH, b"a=1\nb=2\nback=1\n", 0)
            .build();
        let layers: Vec<_> = pins(&tree, &mut Vec::new())
            .into_iter()
            .map(|pin| (pin.statement, pin.location.layer.unwrap()))
            .collect();
        assert_eq!(layers, [("a=1".into(), 0), ("b=2".into(), 1), ("back=1".into(), 3)]);
        let removed = TreeBuilder::new().layer().file(PATH, b"a=1\n", 0).layer().whiteout(PATH).build();
        assert_eq!(pins(&removed, &mut Vec::new()), []);
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let long = [b"a=1\nb=", &vec![b'1'; 100_000][..], b"\n"].concat();
        let many = "a=1 ".repeat(MOST + 1);
        let many: String = many.replace("a=1 a=1 ", "a=1\na=1\n");
        for (world, found) in [(&long[..], 1), (b"=1\n", 0), (b"a=1\n!\n", 1), (many.as_bytes(), MOST)] {
            let (pins, problems) = of(world);
            assert_eq!((pins.len(), problems.len()), (found, 1));
            assert_eq!(problems[0].what, IncompleteKind::File);
        }
        let mut problems = Vec::new();
        pins(&TreeBuilder::new().layer().symlink(PATH, "nowhere").build(), &mut problems);
        assert_eq!(problems[0].what, IncompleteKind::Link);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, entry in "[!@<>=~a-z0-9 ]{0,40}") {
            of(&bytes);
            of(entry.as_bytes());
        }
    }
}
