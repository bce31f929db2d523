//! One entry: damaged, foreign, or of another question.

use super::*;

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
fn what_was_read_lazily_is_known_to_manifests_that_vouch_for_the_same_table_only() {
    let folder = tempfile::tempdir().unwrap();
    let lazy = LayerEvidence { read: LayerRead::Lazy, ..file(&store(), b"lazy") };
    let cache = cache(&folder);
    let (whole, vouched) = (key(1), key(1).lazily("this table"));
    cache.store(&vouched, &lazy);
    assert_eq!(load(&cache, &vouched).map(|evidence| evidence.read), Some(LayerRead::Lazy));
    assert!(load(&cache, &whole).is_none());
    assert!(load(&cache, &key(1).lazily("another table")).is_none());
    // An entry under the other's name is no such thing.
    cache.store(&whole, &lazy);
    assert!(load(&cache, &whole).is_none() && cache.remarks().len() == 1);
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
fn names_are_read_back_and_nothing_else_is_one() {
    let name = key(9).name();
    let (folder, file) = name.folder_and_file();
    assert_eq!(EntryName::parse(folder.as_bytes(), file.as_bytes()), Some(name));
    for (folder, file) in [("AB", &file[..]), ("a", &file), ("ab", &file[1..]), ("abc", &file[1..])] {
        assert_eq!(EntryName::parse(folder.as_bytes(), file.as_bytes()), None);
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
