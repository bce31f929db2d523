//! The folder: shared, bounded, private, emptied.

use super::*;
use std::os::unix::fs::PermissionsExt;

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
    files::write(&root, key(1).name(), true, |_| Err(io::ErrorKind::StorageFull.into())).unwrap_err();
    assert_eq!(root.names(10).unwrap().len(), 0);
}
