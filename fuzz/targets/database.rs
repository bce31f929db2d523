#![no_main]

use imagescan_knowledge::{Knowledge, verify};

// The first two bytes say how much is the manifest; the rest is the segment that it names, if it names one.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((length, rest)) = bytes.split_first_chunk() else { return };
    let (manifest, segment) = rest.split_at(rest.len().min(usize::from(u16::from_le_bytes(*length))));
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("segments")).unwrap();
    std::fs::write(folder.path().join("manifest"), manifest).unwrap();
    // Before the segments stands the manifest's own checksum.
    let listed = manifest.windows(10).position(|word| word == b"\"segments\"").unwrap_or_default();
    let digests = || manifest[listed..].windows(64);
    let name: String = digests().find(|hex| hex.iter().all(u8::is_ascii_hexdigit)).map_or_else(
        || "none".into(),
        |hex| String::from_utf8_lossy(hex).into_owned(),
    );
    std::fs::write(folder.path().join("segments").join(name), segment).unwrap();
    let _ = verify(folder.path());
    if let Ok(knowledge) = Knowledge::open(folder.path()) {
        for rows in knowledge.keys() {
            let Ok(rows) = rows else { break };
            rows.for_each(|row| drop(row.map(|row| row.to_filed())));
        }
    }
});
