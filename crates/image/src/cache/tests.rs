//! Whatever becomes of an entry, it is never believed to be more than it was.

use super::key::{Key, Name, QuestionVersion};
use super::*;
use crate::choose::PlatformChoice;
use crate::content::Keeper;
use crate::evidence::{ModificationTimes, Node};
use crate::inflate::Inflater;
use crate::question::Question;
use crate::read::Options;
use crate::read_at::ReadAt;
use crate::{Limits, Progress};
use imagescan_model::{Digest, Incomplete, IncompleteKind};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

const HOUR: Duration = Duration::from_secs(3600);

fn store() -> Store {
    Store::new(std::env::temp_dir(), &Limits::default())
}

fn options() -> Options {
    Options {
        jobs: 1,
        limits: Limits::default(),
        spill: std::env::temp_dir(),
        cache: None,
        platform: PlatformChoice::default(),
        inflater: Inflater::default(),
        progress: Arc::new(Progress::default()),
    }
}

fn key(layer: u8) -> Key {
    let version = QuestionVersion::of(&Question::new(&["etc/os-release"]), &options());
    Key::new(&Digest::from_sha256(&[layer; 32]), 77, &version)
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
}

fn cache(folder: &TempDir) -> Cache {
    Cache::new(folder.path().join("layers"), Cache::MAX_SIZE, at(0))
}

fn content(store: &Store, bytes: &[u8]) -> crate::Content {
    let mut keeper = Keeper::new();
    keeper.push(store, bytes).unwrap();
    keeper.finish(store).unwrap()
}

fn file(store: &Store, bytes: &[u8]) -> LayerEvidence {
    let node = Node::File { content: content(store, bytes), modified: 7 };
    LayerEvidence { nodes: [("etc/os-release".into(), node)].into(), ..LayerEvidence::default() }
}

fn load(cache: &Cache, key: &Key) -> Option<LayerEvidence> {
    cache.load(key, 1, &store(), |_| Ok(())).unwrap()
}

/// All that evidence says, contents by their bytes.
fn said(evidence: &LayerEvidence) -> String {
    let node = |node: &Node| match node {
        Node::File { content, modified } => {
            format!("{modified} {:?} {:?}", content.digest(), content.bytes().unwrap())
        }
        other => format!("{other:?}"),
    };
    let nodes: Vec<_> = evidence.nodes.iter().map(|(path, at)| (path, node(at))).collect();
    format!("{nodes:?} {:?}", LayerEvidence { nodes: BTreeMap::new(), ..evidence.clone() })
}

fn entry_files(folder: &TempDir) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for bucket in fs::read_dir(folder.path().join("layers")).unwrap() {
        let bucket = bucket.unwrap().path();
        if bucket.is_dir() {
            files.extend(fs::read_dir(bucket).unwrap().map(|file| file.unwrap().path()));
        }
    }
    files
}

fn a_node() -> impl Strategy<Value = Result<(Vec<u8>, i64), Node>> {
    let bytes = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        (any::<u8>(), 0..600_000_usize).prop_map(|(byte, length)| vec![byte; length]),
    ];
    prop_oneof![
        (bytes, any::<i64>()).prop_map(Ok),
        ".{0,8}".prop_map(|target| Err(Node::Symlink(target))),
        ".{0,8}".prop_map(|target| Err(Node::HardLink(target))),
        Just(Err(Node::Folder)),
        Just(Err(Node::Other)),
    ]
}

type Plain = (
    BTreeMap<String, Result<(Vec<u8>, i64), Node>>,
    (BTreeSet<String>, BTreeSet<String>),
    (Vec<(String, i64)>, Option<i64>),
    (BTreeSet<(&'static str, String)>, BTreeMap<&'static str, u64>),
    Vec<String>,
    (u64, u64),
);

fn plain() -> impl Strategy<Value = Plain> {
    let paths = || proptest::collection::btree_set(".{0,12}", 0..5);
    let kind = || prop_oneof![Just("npm"), Just("cargo"), Just("pypi")];
    (
        proptest::collection::btree_map(".{0,12}", a_node(), 0..6),
        (paths(), paths()),
        (proptest::collection::vec((".{0,6}", any::<i64>()), 0..20), any::<Option<i64>>()),
        (
            proptest::collection::btree_set((kind(), ".{0,6}"), 0..5),
            proptest::collection::btree_map(kind(), any::<u64>(), 0..3),
        ),
        proptest::collection::vec(".{0,12}", 0..3),
        (any::<u64>(), any::<u64>()),
    )
}

fn evidence(plain: Plain, store: &Store) -> LayerEvidence {
    let (nodes, (whiteouts, opaque), (times, newest_modified), (markers, markers_beyond), why, cost) = plain;
    let mut modified = ModificationTimes::default();
    times.iter().for_each(|(path, seconds)| modified.push(path, *seconds));
    modified.seal();
    let node = |node: Result<(Vec<u8>, i64), Node>| match node {
        Ok((bytes, modified)) => Node::File { content: content(store, &bytes), modified },
        Err(node) => node,
    };
    let incomplete = |why| Incomplete { what: IncompleteKind::Layer, path: None, why };
    LayerEvidence {
        nodes: nodes.into_iter().map(|(path, at)| (path, node(at))).collect(),
        whiteouts,
        opaque,
        modified,
        newest_modified,
        markers,
        markers_beyond,
        incomplete: why.into_iter().map(incomplete).collect(),
        cost: Cost { inflated: cost.0, files: cost.1, ..Cost::default() },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn evidence_comes_back_as_it_was(plain in plain()) {
        let folder = tempfile::tempdir().unwrap();
        let evidence = evidence(plain, &store());
        cache(&folder).store(&key(1), &evidence);
        let cache = cache(&folder);
        let back = load(&cache, &key(1)).unwrap();
        prop_assert_eq!(said(&back), said(&evidence));
        prop_assert_eq!(cache.remarks(), Vec::<String>::new());
    }

    #[test]
    fn bytes_that_are_no_index_end_in_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut cursor = cursor::Cursor::new(&bytes);
        let _ = decode::evidence(&mut cursor, &[], Cost::default(), &store());
    }
}

#[test]
fn every_cut_and_every_altered_bit_is_found_and_the_entry_removed() {
    let folder = tempfile::tempdir().unwrap();
    let store = store();
    cache(&folder).store(&key(1), &file(&store, b"ID=debian"));
    let path = entry_files(&folder).remove(0);
    let whole = fs::read(&path).unwrap();
    let check = |bytes: &[u8], what: &str| {
        fs::write(&path, bytes).unwrap();
        let cache = cache(&folder);
        assert!(load(&cache, &key(1)).is_none(), "{what}");
        let remarks = cache.remarks();
        assert!(remarks[0].contains("is damaged"), "{what}: {remarks:?}");
        assert!(!path.exists(), "{what}");
    };
    for length in 0..whole.len() {
        check(&whole[..length], &format!("cut to {length}"));
    }
    for bit in 0..whole.len() * 8 {
        let mut altered = whole.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        check(&altered, &format!("bit {bit}"));
    }
    check(&[&whole[..], b"x"].concat(), "a byte more");
    fs::write(&path, &whole).unwrap();
    assert!(load(&cache(&folder), &key(1)).is_some());
}

#[test]
fn an_entry_under_another_name_or_size_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    cache(&folder).store(&key(1), &file(&store(), b"a"));
    let (bucket, name) = key(2).name().folder_and_file();
    let foreign = folder.path().join("layers").join(bucket);
    fs::create_dir_all(&foreign).unwrap();
    fs::copy(entry_files(&folder).remove(0), foreign.join(name)).unwrap();
    let used = cache(&folder);
    assert!(load(&used, &key(2)).is_none());
    assert!(used.remarks()[0].contains("another layer"));
    // A descriptor that lies about the size is for the reader to find.
    let version = QuestionVersion::of(&Question::new(&["etc/os-release"]), &options());
    let lying = Key::new(&Digest::from_sha256(&[1; 32]), 78, &version);
    assert!(load(&used, &lying).is_none());
    assert!(used.remarks().is_empty() && load(&used, &key(1)).is_some());
}

#[test]
fn another_question_bound_or_decoder_is_another_version() {
    let question = Question::new(&["etc/os-release"]);
    let mut more = question.clone();
    more.add("srv/status");
    let mut narrow = options();
    narrow.limits.file_bytes = 10;
    let mut other = options();
    other.inflater = Inflater::ZlibRs;
    let plain = QuestionVersion::of(&question, &options());
    assert_eq!(plain, QuestionVersion::of(&question.clone(), &options()));
    for version in [
        QuestionVersion::of(&more, &options()),
        QuestionVersion::of(&question, &narrow),
        QuestionVersion::of(&question, &other),
    ] {
        assert_ne!(plain, version);
    }
}

#[test]
fn kept_evidence_costs_what_reading_the_layer_does() {
    let folder = tempfile::tempdir().unwrap();
    let mut evidence = file(&store(), &[7; 100_000]);
    evidence.cost.names = 1 << 20;
    cache(&folder).store(&key(1), &evidence);
    let used = cache(&folder);
    let loaded = |layers, store: &Store| used.load(&key(1), layers, store, |_| Ok(()));
    assert!(loaded(1, &store()).unwrap().is_some());
    // Of a thousand layers none may take a megabyte for names.
    assert!(loaded(1000, &store()).unwrap().is_none());
    let narrow = Store::new(folder.path().into(), &Limits { kept_bytes: 10_000, ..Limits::default() });
    let error = loaded(1, &narrow).unwrap_err().to_string();
    assert!(error.contains("--max-kept-bytes"), "{error}");
    evidence.cost.cut = true;
    cache(&folder).store(&key(2), &evidence);
    assert!(load(&used, &key(2)).is_none(), "evidence that met a bound is not kept");
}

#[test]
fn large_files_stay_out_of_memory() {
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> =
        (0..24_u32 << 18).flat_map(|word| word.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    cache(&folder).store(&key(1), &file(&store(), &bytes));
    let store = store();
    let back = cache(&folder).load(&key(1), 1, &store, |_| Ok(())).unwrap().unwrap();
    let Some(Node::File { content, .. }) = back.nodes.get("etc/os-release") else { panic!("{back:?}") };
    assert!(store.spilled() > 8 << 20);
    let mut end = [0; 9];
    content.read_exact_at(&mut end, bytes.len() as u64 - 9).unwrap();
    assert_eq!(end, bytes[bytes.len() - 9..]);
}

#[test]
fn writers_of_the_same_entry_and_its_readers_do_not_meet() {
    let folder = tempfile::tempdir().unwrap();
    let evidence = file(&store(), &vec![3; 300_000]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                // Each as a process of its own would.
                let cache = cache(&folder);
                for _ in 0..20 {
                    cache.store(&key(1), &evidence);
                    assert_eq!(said(&load(&cache, &key(1)).unwrap()), said(&evidence));
                    cache.trim();
                }
                assert!(cache.remarks().is_empty());
            });
        }
    });
    assert_eq!(entry_files(&folder).len(), 1);
    assert_eq!(cache(&folder).usage().unwrap().unfinished, 0);
}

#[test]
fn what_a_killed_writer_left_is_removed_after_an_hour() {
    let folder = tempfile::tempdir().unwrap();
    let evidence = file(&store(), b"a");
    cache(&folder).store(&key(1), &evidence);
    let left = folder.path().join("layers/.new-1-1");
    fs::write(&left, b"half of an entry").unwrap();
    let age =
        |age: Duration| File::options().write(true).open(&left).unwrap().set_modified(at(0) - age).unwrap();
    age(HOUR / 2);
    cache(&folder).store(&key(2), &evidence);
    assert!(left.exists(), "its writer may be alive");
    age(HOUR * 2);
    cache(&folder).store(&key(3), &evidence);
    assert!(!left.exists());
    assert_eq!(cache(&folder).usage().unwrap().entries, 3);
}

#[test]
fn what_was_not_used_for_longest_goes_first() {
    let folder = tempfile::tempdir().unwrap();
    let store = store();
    let layers = folder.path().join("layers");
    let later = |seconds| Cache::new(layers.clone(), 100 << 10, at(seconds));
    // Each takes a little over 24 KiB of the 100.
    let keep = |layer: u8, seconds| {
        let cache = later(seconds);
        cache.store(&key(layer), &file(&store, &[layer; 24 << 10]));
        cache.trim();
        assert!(cache.remarks().is_empty());
    };
    keep(1, 0);
    keep(2, 10);
    keep(3, 20);
    assert!(load(&later(30), &key(1)).is_some(), "used within the hour: not noted");
    assert!(load(&later(5000), &key(1)).is_some());
    keep(4, 5010);
    let there: Vec<u8> = (1..=4).filter(|layer| load(&later(5020), &key(*layer)).is_some()).collect();
    assert_eq!(there, [1, 3, 4]);
    assert!(later(0).usage().unwrap().bytes <= 100 << 10);
    fs::write(layers.join("size"), b"nonsense!").unwrap();
    keep(5, 5030);
    assert_eq!(fs::metadata(layers.join("size")).unwrap().len(), 8, "damaged numbers are made anew");
}

#[test]
fn a_folder_that_cannot_be_written_is_said_once() {
    let folder = tempfile::tempdir().unwrap();
    let layers = folder.path().join("layers");
    fs::write(&layers, b"a file stands where the folder should").unwrap();
    let used = cache(&folder);
    used.store(&key(1), &file(&store(), b"a"));
    used.store(&key(2), &file(&store(), b"a"));
    used.trim();
    let remarks = used.remarks();
    assert_eq!(remarks.len(), 1, "{remarks:?}");
    assert!(remarks[0].contains("cannot be written") && remarks[0].contains("are not remembered"));
}

#[test]
fn a_folder_in_which_others_may_write_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    cache(&folder).store(&key(1), &file(&store(), b"a"));
    fs::set_permissions(folder.path().join("layers"), fs::Permissions::from_mode(0o777)).unwrap();
    let used = cache(&folder);
    assert!(load(&used, &key(1)).is_none());
    assert!(used.remarks()[0].contains("somebody else may write there"));
    assert!(used.clear().is_err());
}

#[test]
fn entries_and_folders_are_private() {
    let folder = tempfile::tempdir().unwrap();
    cache(&folder).store(&key(1), &file(&store(), b"a"));
    let entry = entry_files(&folder).remove(0);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&entry), 0o600);
    assert_eq!(mode(entry.parent().unwrap()), 0o700);
    assert_eq!(mode(&folder.path().join("layers")), 0o700);
}

#[test]
fn clearing_removes_what_is_the_caches_and_follows_no_link() {
    let folder = tempfile::tempdir().unwrap();
    let used = cache(&folder);
    used.store(&key(1), &file(&store(), b"a"));
    let layers = folder.path().join("layers");
    let outside = folder.path().join("outside");
    let name = "0".repeat(62);
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join(&name), b"somebody's").unwrap();
    let link = |from: &Path, to: &Path| std::os::unix::fs::symlink(from, to).unwrap();
    // A bucket, an entry and a temporary file that are links.
    let free = ["00", "01"].into_iter().find(|bucket| !layers.join(bucket).exists()).unwrap();
    link(&outside, &layers.join(free));
    link(&outside.join(&name), &entry_files(&folder)[0].parent().unwrap().join(&name));
    link(&outside.join(&name), &layers.join(".new-1-2"));
    fs::write(layers.join("README"), b"the user's").unwrap();
    fs::write(layers.join(".new-1-3"), b"left").unwrap();
    let cleared = used.clear().unwrap();
    assert_eq!((cleared.entries, cleared.unfinished), (1, 1));
    assert_eq!(fs::read(outside.join(&name)).unwrap(), b"somebody's");
    assert!(layers.join("README").exists() && !layers.join(".new-1-3").exists());
    assert_eq!(used.usage().unwrap().entries, 0);
    fs::remove_dir_all(&layers).unwrap();
    link(&outside, &layers);
    assert!(used.clear().is_err(), "the folder itself is a link");
    assert!(outside.join(&name).exists());
}

#[test]
fn a_full_disk_leaves_nothing_half_written() {
    // /dev/full stands for the disk: what cannot be written there cannot be an entry.
    let full = File::options().read(true).write(true).open("/dev/full").unwrap();
    let error = encode::write(&full, &key(1), &file(&store(), b"a")).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    let folder = tempfile::tempdir().unwrap();
    let root = files::create(&folder.path().join("layers")).unwrap();
    files::write(&root, key(1).name(), |_| Err(io::ErrorKind::StorageFull.into())).unwrap_err();
    assert_eq!(root.names(10).unwrap().len(), 0);
}

#[test]
fn names_are_read_back_and_nothing_else_is_one() {
    let name = key(9).name();
    let (folder, file) = name.folder_and_file();
    assert_eq!(Name::parse(folder.as_bytes(), file.as_bytes()), Some(name));
    for (folder, file) in [("AB", &file[..]), ("a", &file), ("ab", &file[1..]), ("abc", &file[1..])] {
        assert_eq!(Name::parse(folder.as_bytes(), file.as_bytes()), None);
    }
}

/// Whoever changes what evidence holds must raise `EXTRACTOR_VERSION`, and then this.
#[test]
fn the_same_layer_gives_the_same_entry_as_long_as_the_version_stays() {
    use crate::tar::Walker;
    let mut tar = tar::Builder::new(Vec::new());
    let mut add = |path: &str, bytes: &[u8], kind| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_entry_type(kind);
        header.set_mode(0o755);
        header.set_mtime(1_790_812_800);
        if kind == tar::EntryType::Symlink {
            header.set_link_name("usr/lib").unwrap();
        }
        tar.append_data(&mut header, path, bytes).unwrap();
    };
    let binary = [b"\x7fELF", &[1; 70_000][..], b"\xff Go buildinf:"].concat();
    add("lib", b"", tar::EntryType::Symlink);
    add("etc/os-release", b"ID=debian", tar::EntryType::Regular);
    add("etc/.wh.passwd", b"", tar::EntryType::Regular);
    add("etc/.wh..wh..opq", b"", tar::EntryType::Regular);
    add("usr/bin/go", &binary, tar::EntryType::Regular);
    add("a/node_modules/b/package.json", b"{}", tar::EntryType::Regular);
    let bytes = tar.into_inner().unwrap();
    let question = Question::new(&["etc/os-release", "etc/passwd"]);
    let store = store();
    let mut collector = crate::collect::Collector::new(&question, &store, 1);
    let limits = crate::tar::TarLimits { entries: 100, path_length: 100 };
    let mut walker = Walker::new(limits);
    walker.push(&bytes, &mut collector).unwrap();
    let evidence = collector.finish(bytes.len() as u64);
    let folder = tempfile::tempdir().unwrap();
    cache(&folder).store(&key(1), &evidence);
    let entry = fs::read(entry_files(&folder).remove(0)).unwrap();
    // Without the name, in which the versions are.
    let checksum = xxhash_rust::xxh3::xxh3_128(&entry[format::HEADER..]);
    assert_eq!(format!("{checksum:032x}"), "49795c03dd911425ab023372f54401b7");
}
