//! No byte of a document can stop the program: damaged anywhere, it is an error, or it says something else.

use imagescan_feeds::{Reader, descriptions};
use std::fs;
use std::path::Path;

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vuln-feeds/samples");

#[test]
fn damaged_samples_never_panic() {
    let mut errors = 0;
    for feed in descriptions() {
        let entries = fs::read_dir(Path::new(SAMPLES).join(&feed.id)).unwrap();
        for path in entries.map(|entry| entry.unwrap().path()) {
            let (name, bytes) = (path.display().to_string(), fs::read(&path).unwrap());
            let mut read = |bytes: &[u8]| {
                let mut reader = Reader::new(&feed);
                let read = reader.read(&name, &mut &*bytes, &mut |_| {});
                errors += usize::from(read.and_then(|()| reader.finish(&mut |_| {})).is_err());
            };
            for place in (0..bytes.len()).step_by((bytes.len() / 60).max(1)) {
                read(&bytes[..place]);
                read(&bytes[place..]);
                // Quotes, brackets and separators of all formats, and no character at all.
                for other in *b"\"{[<>:,_/ \n0\xff" {
                    let mut changed = bytes.clone();
                    changed[place] = other;
                    read(&changed);
                }
            }
            read(&bytes.repeat(2));
            read(&vec![b'['; 100_000]);
        }
    }
    assert!(errors > 1000, "{errors}");
}
