//! Layers read lazily against the same layers read as a whole, and everything that must not be read so.

#[path = "../../../../tests/support/packed.rs"]
mod packed;

use super::*;
use crate::evidence::Node;
use crate::inflate::{self, Inflater, recognise};
use crate::limits::Limits;
use crate::progress::{Meter, Progress};
use crate::tar::{TarLimits, Walker};
use crate::work::Threads;
use imagescan_model::LayerRead;
use packed::{
    Cut, Packed, USUAL, estargz, estargz_of, estargz_with, footer, old_footer, zstd_chunked, zstd_chunked_of,
};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

const LIST: &str = "var/lib/dpkg/info/*.list";

/// A blob that notes what was asked of it.
struct Asked<'a>(&'a [u8], RefCell<Vec<Range<u64>>>);

impl Ranges for Asked<'_> {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn range(&self, start: u64, end: u64) -> Box<dyn Read + '_> {
        if start < end {
            self.1.borrow_mut().push(start..end);
        }
        Box::new(&self.0[start as usize..end as usize])
    }
}

/// Reads with a fresh store and these limits.
fn with<T>(limits: &Limits, read: impl FnOnce(&Job<'_>) -> T) -> T {
    let [store, tables] = [limits, &Limits::default()].map(|limits| Store::new(std::env::temp_dir(), limits));
    let meter = Meter::new(Arc::new(Progress::default()));
    let reading = Reading { limits, meter: &meter, inflater: Inflater::Own, threads: &Threads::default() };
    let question = Question::new(&["etc/os-release", "var/lib/dpkg/status", LIST]);
    read(&Job { question: &question, store: &store, tables: &tables, layers: 1, bytes: 0, reading: &reading })
}

fn announced(annotations: &Value) -> Option<Lazy> {
    let annotations: BTreeMap<String, String> = serde_json::from_value(annotations.clone()).unwrap();
    Lazy::announced(Some(&annotations))
}

fn digest() -> Digest {
    Digest::from_sha256(&[7; 32])
}

/// What is said lazily, and what was asked for.
fn lazily(packed: &Packed) -> (Result<String, String>, Vec<Range<u64>>) {
    let source = Asked(&packed.bytes, RefCell::default());
    let lazy = announced(&packed.annotations).expect("annotations");
    let said = with(&Limits::default(), |job| {
        let evidence = lazy.try_read(&source, &digest(), job).map_err(|error| error.to_string())?;
        assert_eq!(evidence.read, LayerRead::Lazy);
        Ok(said(&evidence))
    });
    (said, source.1.into_inner())
}

fn whole(bytes: &[u8]) -> String {
    with(&Limits::default(), |job| {
        let mut walker = Walker::new(TarLimits { entries: 10_000, path_length: 4096 });
        let mut collector = job.collector();
        let mut source = bytes;
        inflate::inflate(&mut source, None, recognise(bytes), Inflater::Own, |window, _| {
            walker.push(window, &mut collector)
        })
        .unwrap();
        walker.finish().unwrap();
        said(&collector.finish(0))
    })
}

/// All that evidence says of the layer.
fn said(evidence: &LayerEvidence) -> String {
    let nodes: Vec<String> = evidence
        .nodes
        .iter()
        .map(|(path, node)| match node {
            Node::File { content, modified } => {
                format!("{path} {modified} {}", String::from_utf8_lossy(&content.bytes().unwrap()))
            }
            node => format!("{path} {node:?}"),
        })
        .collect();
    let LayerEvidence { whiteouts, opaque, modified, newest_modified, markers, incomplete, .. } = evidence;
    format!(
        "{nodes:#?} {whiteouts:?} {opaque:?} {:?} {newest_modified:?} {markers:?} {incomplete:?}",
        modified.pairs()
    )
}

fn noise(count: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// A tar with a bit of everything, and `more` files.
fn tar(more: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut add = |path: &str, kind, link: &str, modified, content: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_entry_type(kind);
        header.set_mode(if path.starts_with("usr/bin") { 0o755 } else { 0o644 });
        header.set_mtime(modified);
        if !link.is_empty() {
            header.set_link_name(link).unwrap();
        }
        tar.append_data(&mut header, path, content).unwrap();
    };
    use tar::EntryType::{Directory, Fifo, Link, Regular, Symlink};
    let status = "Package: bash\n".repeat(1000);
    add("etc/", Directory, "", 1_700_000_000, b"");
    add("etc/os-release", Regular, "", 1_700_000_001, b"ID=debian\n");
    add("etc/passwd", Regular, "", 1_790_812_800, b"root");
    add("etc/.wh.shadow", Regular, "", 0, b"");
    add("var/lib/dpkg/.wh..wh..opq", Regular, "", 0, b"");
    add("lib", Symlink, "usr/lib", 0, b"");
    add("var/lib/dpkg/status", Regular, "", 1_700_000_002, status.as_bytes());
    add("var/lib/dpkg/info/a.list", Regular, "", 3, b"/.\n/etc\n");
    add("var/lib/dpkg/info/a.md5sums", Regular, "", 3, b"0123");
    add("var/lib/dpkg/info/b.list", Link, "var/lib/dpkg/info/a.list", 3, b"");
    add("var/lib/dpkg/info/c.list", Regular, "", 4, b"");
    add("var/lib/dpkg/info/d.list", Fifo, "", 4, b"");
    // The last of a name counts.
    add("var/lib/dpkg/info/a.list", Regular, "", 5, b"/usr\n");
    add(&format!("usr/share/{}/x", "long/".repeat(40)), Regular, "", 6, b"x");
    add("app/node_modules/left-pad/package.json", Regular, "", 7, b"{}");
    for (path, content) in more {
        add(path, Regular, "", 8, content);
    }
    add("var/lib/dpkg/info/z.list", Regular, "", 9, b"/z\n");
    tar.into_inner().unwrap()
}

fn packed(tar: &[u8]) -> Vec<Packed> {
    let cuts = [
        USUAL,
        Cut { chunk: 3000, ..USUAL },
        Cut { chunk: 5000, member: 3000 },
        Cut { chunk: 64, member: 100_000 },
    ];
    cuts.into_iter().flat_map(|cut| [estargz(tar, cut), zstd_chunked(tar, cut)]).collect()
}

#[test]
fn a_layer_says_the_same_however_it_is_read_and_packed() {
    let big = noise(400_000);
    for (index, packed) in packed(&tar(&[("srv/noise", &big)])).iter().enumerate() {
        let (said, asked) = lazily(packed);
        assert_eq!(said.unwrap(), whole(&packed.bytes), "{index}");
        let asked: u64 = asked.iter().map(|range| range.end - range.start).sum();
        // Where one member holds nearly all, it is read.
        assert!(index > 3 || asked < 50_000, "{index}: {asked}");
    }
}

#[test]
fn most_tables_come_with_the_footer_and_larger_ones_with_one_request_more() {
    let small = estargz(&tar(&[("srv/noise", &noise(400_000))]), USUAL);
    assert_eq!(lazily(&small).1.first().unwrap().end, small.bytes.len() as u64);
    let names: Vec<String> = (0..2000).map(|number| format!("srv/{number}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (&**name, name.as_bytes())).collect();
    let large = estargz(&tar(&files), USUAL);
    let (said, asked) = lazily(&large);
    assert_eq!(said.unwrap(), whole(&large.bytes));
    assert_eq!(asked[1].start, large.table_at as u64);
    assert_eq!(asked[0].start, asked[1].end);
}

#[test]
fn executables_are_looked_into_as_far_as_the_share_goes_and_the_rest_is_told() {
    let (big, program) = (noise(4 << 20), noise(17 << 20));
    let small = [b"\x7fELF", &[1; 70_000][..], b"\xff Go buildinf:"].concat();
    let looked = estargz(&tar(&[("srv/noise", &big), ("usr/bin/go", &small)]), USUAL);
    let said = lazily(&looked).0.unwrap();
    assert!(said.contains("golang") && !said.contains("were not looked into"), "{said}");
    let unlooked =
        estargz(&tar(&[("srv/noise", &big), ("usr/bin/x", &program), ("usr/bin/go", &small)]), USUAL);
    let (said, asked) = lazily(&unlooked);
    let said = said.unwrap();
    assert!(said.contains("2 executables of this layer were not looked into"), "{said}");
    assert!(said.contains(&digest().to_string()));
    let asked: u64 = asked.iter().map(|range| range.end - range.start).sum();
    assert!(asked * 50 < unlooked.bytes.len() as u64, "{asked}");
}

#[test]
fn both_footers_are_read_and_nothing_else_is_one() {
    let after = |tail: &[u8]| estargz::footer(&[&b"before"[..], tail].concat());
    assert_eq!(after(&footer(0x1234)), Some((0x1234, 51)));
    assert_eq!(after(&old_footer(0x1234)), Some((0x1234, 47)));
    for at in 0..51 {
        let mut altered = footer(1);
        altered[at] ^= 0x80;
        // The header's own date and system say nothing.
        assert_eq!(after(&altered).is_some(), (4..10).contains(&at), "{at}");
    }
    assert_eq!(estargz::footer(&footer(1)[1..]), None);
    assert_eq!(estargz::footer(b""), None);
}

#[test]
fn annotations_that_are_not_understood_are_none() {
    let of = |key: &str, value: &str| announced(&json!({ key: value }));
    let digest = digest().to_string();
    let toc = "containerd.io/snapshot/stargz/toc.digest";
    assert!(of(toc, &digest).is_some());
    for (key, value) in [(toc, "sha256:1"), (toc, ""), ("toc.digest", &digest)] {
        assert!(of(key, value).is_none(), "{key} {value}");
    }
    assert!(Lazy::announced(None).is_none());
    let position = |position: &str| {
        announced(&json!({"io.github.containers.zstd-chunked.manifest-checksum": digest,
            "io.github.containers.zstd-chunked.manifest-position": position}))
    };
    assert!(position("1:2:3:1").is_some());
    for other in ["1:2:3:2", "1:2:3", "1:2:3:1:4", "-1:2:3:1", "", "1:2:99999999999999999999:1"] {
        assert!(position(other).is_none(), "{other}");
    }
}

/// The same layer with another table that its annotation vouches for.
fn with_table(packed: &Packed, change: impl FnOnce(&mut Value)) -> Packed {
    let mut table = packed.table.clone();
    change(&mut table);
    let is_gzip = packed.bytes.starts_with(b"\x1f\x8b");
    let files = packed.bytes[..packed.table_at - if is_gzip { 0 } else { 8 }].to_vec();
    if is_gzip { estargz_of(files, table) } else { zstd_chunked_of(files, table) }
}

/// The first record of a path.
fn record<'a>(table: &'a mut Value, name: &str) -> &'a mut Value {
    let records = table["entries"].as_array_mut().unwrap();
    records.iter_mut().find(|record| record["name"] == name).unwrap()
}

#[test]
fn a_table_that_lies_about_a_wanted_file_does_not_fit() {
    let status = "var/lib/dpkg/status";
    let other = Digest::from_sha256(&[1; 32]).to_string();
    let lies: [(&str, &str, Value, &str); 15] = [
        (status, "chunkDigest", json!(other), "its content has the digest"),
        (status, "chunkDigest", json!("md5:1"), "has no digest"),
        (status, "chunkDigest", json!(null), "its table is damaged"),
        (status, "size", json!(100_000), "lacks chunks|holds less than its table says"),
        (status, "size", json!(10), "too large, or do not follow"),
        (status, "size", json!(-1), "its table is damaged"),
        (status, "chunkSize", json!(100_000), "too large, or do not follow"),
        (status, "chunkOffset", json!(1), "too large, or do not follow"),
        (status, "innerOffset", json!(u64::MAX), "too large, or do not follow"),
        (status, "innerOffset", json!(1 << 20), "holds less than its table says"),
        (status, "offset", json!(0), "does not follow the archive"),
        (status, "offset", json!(u64::MAX), "does not follow the archive"),
        (status, "type", json!("socket"), "its table is damaged"),
        (status, "modtime", json!("yesterday"), "a time of its table"),
        ("etc/passwd", "name", json!("etc/\u{fffd}"), "a name in its table"),
    ];
    let tar = tar(&[]);
    for packed in
        [estargz(&tar, Cut { chunk: 5000, member: 0 }), zstd_chunked(&tar, Cut { chunk: 5000, member: 0 })]
    {
        for (name, key, value, expected) in &lies {
            let lying = with_table(&packed, |table| record(table, name)[*key] = value.clone());
            let why = lazily(&lying).0.unwrap_err();
            assert!(expected.split('|').any(|part| why.contains(part)), "{key} {value}: {why}");
        }
        type Change = fn(&mut Value);
        let changes: [(Change, &str); 6] = [
            (|table| table["version"] = json!(2), "its version is not 1"),
            (|table| drop(table.as_object_mut().unwrap().remove("version")), "its version is not 1"),
            (|table| table["entries"] = json!({}), "a list of entries"),
            (|table| table["entries"][0] = json!({"name": "x"}), "has no type"),
            (|table| table["entries"][0] = json!({"type": "chunk"}), "of no file"),
            (|table| *table = json!([]), "a table of contents"),
        ];
        for (change, expected) in changes {
            let why = lazily(&with_table(&packed, change)).0.unwrap_err();
            assert!(why.contains(expected), "{expected}: {why}");
        }
        // What nobody wants may be anything.
        let fine = with_table(&packed, |table| record(table, "etc/passwd")["chunkDigest"] = json!("none"));
        assert_eq!(lazily(&fine).0.unwrap(), lazily(&packed).0.unwrap());
    }
}

#[test]
fn a_table_that_its_annotation_does_not_vouch_for_does_not_fit() {
    let tar = tar(&[]);
    for packed in [estargz(&tar, USUAL), zstd_chunked(&tar, USUAL)] {
        let mut lying = with_table(&packed, |table| record(table, "etc/passwd")["mode"] = json!(0o777));
        let annotations = lying.annotations.as_object_mut().unwrap();
        for (_, value) in annotations.iter_mut().filter(|(key, _)| !key.ends_with("position")) {
            *value = digest().to_string().into();
        }
        let why = lazily(&lying).0.unwrap_err();
        assert!(why.contains("its content has the digest"), "{why}");
    }
    let packed = zstd_chunked(&tar, USUAL);
    let mut both = packed.annotations.clone();
    let json = serde_json::to_vec(&packed.table).unwrap();
    both["containerd.io/snapshot/stargz/toc.digest"] = crate::blob::sha256(&json).to_string().into();
    assert!(lazily(&Packed { annotations: both.clone(), ..packed.clone() }).0.is_ok());
    both["containerd.io/snapshot/stargz/toc.digest"] = digest().to_string().into();
    assert!(lazily(&Packed { annotations: both, ..packed }).0.unwrap_err().contains("has the digest"));
}

#[test]
fn a_place_that_cannot_be_does_not_fit_and_nothing_is_asked_for() {
    let packed = estargz(&tar(&[]), USUAL);
    let body = &packed.bytes[..packed.bytes.len() - 51];
    let ending = |tail: Vec<u8>| lazily(&Packed { bytes: [body, &tail].concat(), ..packed.clone() });
    assert!(ending(footer(packed.table_at as u64)).0.is_ok());
    assert!(ending(old_footer(packed.table_at as u64)).0.is_ok());
    for (place, expected) in [
        (packed.bytes.len() as u64 - 51, "lies outside"),
        (u64::MAX, "lies outside"),
        (0, "something else stands where its table should"),
        (packed.table_at as u64 + 1, "damaged gzip header"),
    ] {
        let (said, asked) = ending(footer(place));
        let why = said.unwrap_err();
        assert!(why.contains(expected), "{place}: {why}");
        assert!(asked.len() < 3);
    }
    assert!(ending(vec![0; 51]).0.unwrap_err().contains("no footer"));
    let short = Packed { bytes: vec![1; 10], ..packed };
    assert!(lazily(&short).0.unwrap_err().contains("no footer"));
    let packed = zstd_chunked(&tar(&[]), USUAL);
    let at = packed.table_at;
    for position in [
        format!("{at}:1073741824:1073741824:1"),
        format!("{at}:10:1073741824:1"),
        format!("{}:10:10:1", u64::MAX),
        "0:10:10:1".into(),
        format!("{at}:0:0:1"),
    ] {
        let mut annotations = packed.annotations.clone();
        annotations["io.github.containers.zstd-chunked.manifest-position"] = position.clone().into();
        let (said, asked) = lazily(&Packed { annotations, ..packed.clone() });
        assert!(said.unwrap_err().contains("lies outside"), "{position}");
        assert!(asked.is_empty());
    }
}

#[test]
fn a_table_that_inflates_without_end_is_given_up() {
    // 200 MB of blanks before the table's first brace.
    let mut bytes = Vec::new();
    let blanks = vec![b' '; 200 << 20];
    let mut tar = tar::Builder::new(&mut bytes);
    let mut header = tar::Header::new_gnu();
    header.set_size(blanks.len() as u64);
    header.set_mtime(0);
    tar.append_data(&mut header, packed::TABLE, &blanks[..]).unwrap();
    drop(tar);
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&bytes).unwrap();
    let bytes = [encoder.finish().unwrap(), footer(0)].concat();
    let annotations = json!({"containerd.io/snapshot/stargz/toc.digest": digest().to_string()});
    let bomb = Packed { bytes, annotations, diff_id: String::new(), table: json!({}), table_at: 0 };
    assert!(lazily(&bomb).0.unwrap_err().contains("too large"));
}

#[test]
fn bounds_hold_and_a_question_that_grows_asks_for_no_table_again() {
    let packed = estargz(&tar(&[]), USUAL);
    let lazy = announced(&packed.annotations).unwrap();
    let source = Asked(&packed.bytes, RefCell::default());
    for limits in [
        Limits { entries: 3, ..Limits::default() },
        Limits { path_length: 20, ..Limits::default() },
        Limits { layer_bytes: 100, ..Limits::default() },
        Limits { file_bytes: 100, ..Limits::default() },
    ] {
        let read = with(&limits, |job| announced(&packed.annotations).unwrap().read(&source, &digest(), job));
        assert!(matches!(read, Ok(None)), "{limits:?}");
    }
    let shared = Limits { kept_bytes: 100, ..Limits::default() };
    let read = with(&shared, |job| announced(&packed.annotations).unwrap().read(&source, &digest(), job));
    assert!(matches!(read, Err(LayerError::Shared(_))));
    with(&Limits::default(), |job| {
        source.1.take();
        assert!(lazy.read(&source, &digest(), job).unwrap().is_some());
        let first = source.1.take();
        assert!(lazy.read(&source, &digest(), job).unwrap().is_some());
        assert_eq!(source.1.take(), first[1..]);
    });
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

    #[test]
    fn a_damaged_layer_never_panics_and_says_nothing_else(at: usize, value: u8) {
        let tar = tar(&[]);
        for packed in [estargz(&tar, Cut { chunk: 5000, member: 3000 }), zstd_chunked(&tar, USUAL)] {
            let right = lazily(&packed).0.unwrap();
            let mut damaged = packed.clone();
            let at = at % damaged.bytes.len();
            damaged.bytes[at] = value;
            if let Ok(said) = lazily(&damaged).0 {
                proptest::prop_assert_eq!(said, right);
            }
        }
    }

    #[test]
    fn a_damaged_table_never_panics_whoever_vouches_for_it(at: usize, with in "[ -~]{0,3}", cut in 0..3_usize) {
        let packed = estargz(&tar(&[]), Cut { chunk: 5000, member: 3000 });
        let mut text = serde_json::to_vec(&packed.table).unwrap();
        let at = at % text.len();
        let end = (at + cut).min(text.len());
        text.splice(at..end, with.bytes());
        let _ = lazily(&estargz_with(packed.bytes[..packed.table_at].to_vec(), &text));
    }
}
