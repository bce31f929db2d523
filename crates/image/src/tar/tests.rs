use super::*;
use std::collections::BTreeMap;

/// Keeps everything it is shown.
#[derive(Debug, Default)]
struct Recorder {
    entries: Vec<(EntryKind, String, String, u64, i64)>,
    bodies: BTreeMap<String, Vec<u8>>,
    current: String,
}

impl Visitor for Recorder {
    type Error = TarError;

    fn entry(&mut self, entry: &Entry<'_>) -> Result<bool, TarError> {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        self.current = text(entry.path);
        self.entries.push((entry.kind, text(entry.path), text(entry.link), entry.size, entry.modified));
        self.bodies.insert(self.current.clone(), Vec::new());
        Ok(entry.kind == EntryKind::Regular)
    }

    fn body(&mut self, bytes: &[u8]) -> Result<(), TarError> {
        self.bodies.get_mut(&self.current).unwrap().extend_from_slice(bytes);
        Ok(())
    }

    fn end(&mut self) -> Result<(), TarError> {
        Ok(())
    }
}

const LIMITS: TarLimits = TarLimits { entries: 1000, path_length: 4096 };

fn walk(archive: &[u8], step: usize) -> Result<Recorder, TarError> {
    let mut walker = Walker::new(LIMITS);
    let mut recorder = Recorder::default();
    for chunk in archive.chunks(step) {
        walker.push(chunk, &mut recorder)?;
    }
    walker.finish()?;
    Ok(recorder)
}

fn header(path: &str, size: u64, kind: tar::EntryType) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_path(path).unwrap();
    header.set_size(size);
    header.set_entry_type(kind);
    header.set_mtime(1_700_000_000);
    header.set_mode(0o644);
    header.set_cksum();
    header
}

fn archive() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    builder.append(&header("etc/os-release", 5, tar::EntryType::Regular), &b"ID=x\n"[..]).unwrap();
    builder.append(&header("empty", 0, tar::EntryType::Regular), &b""[..]).unwrap();
    let long = "d/".repeat(120) + "file";
    let mut large = header("x", 1024, tar::EntryType::Regular);
    builder.append_data(&mut large, &long, &[7; 1024][..]).unwrap();
    let mut link = header("link", 0, tar::EntryType::Symlink);
    builder.append_link(&mut link, "lib", "usr/lib").unwrap();
    builder
        .append_pax_extensions([("path", &b"from/pax"[..]), ("mtime", b"12.5"), ("SCHILY.xattr.a", b"\0\n")])
        .unwrap();
    builder.append(&header("short", 3, tar::EntryType::Regular), &b"abc"[..]).unwrap();
    builder.into_inner().unwrap()
}

#[test]
fn every_dialect_reads_the_same_in_any_step() {
    let archive = archive();
    for step in [1, 7, 511, 512, 513, 4096, 1 << 20] {
        let recorder = walk(&archive, step).unwrap();
        let long = "d/".repeat(120) + "file";
        let paths: Vec<&str> = recorder.entries.iter().map(|entry| entry.1.as_str()).collect();
        assert_eq!(paths, ["etc/os-release", "empty", &long, "lib", "from/pax"]);
        assert_eq!(recorder.bodies["etc/os-release"], b"ID=x\n");
        assert_eq!(recorder.bodies[&long], [7; 1024]);
        assert_eq!(recorder.bodies["from/pax"], b"abc");
        assert_eq!(recorder.entries[3].2, "usr/lib");
        assert_eq!(recorder.entries[4].4, 12);
    }
}

#[test]
fn an_archive_cut_anywhere_is_truncated_or_whole_entries() {
    let archive = archive();
    for length in 0..archive.len() {
        match walk(&archive[..length], 4096) {
            Ok(recorder) => assert!(recorder.entries.len() <= 5),
            Err(error) => assert!(matches!(error, TarError::Truncated { .. }), "{length}: {error}"),
        }
    }
}

#[test]
fn what_follows_the_end_is_reported_unless_it_is_zero() {
    let mut archive = archive();
    archive.extend([0; 5000]);
    assert!(walk(&archive, 999).is_ok());
    archive.extend(b"junk");
    assert!(matches!(walk(&archive, 999), Err(TarError::Trailing { count: 4, .. })));
}

#[test]
fn lying_headers_are_errors() {
    let lie = |change: &dyn Fn(&mut tar::Header)| {
        let mut header = header("a", 0, tar::EntryType::Regular);
        change(&mut header);
        header.set_cksum();
        walk(header.as_bytes(), 512).err().map(|error| error.to_string())
    };
    let size = |bytes: &'static [u8; 12]| lie(&move |header| header.as_old_mut().size = *bytes);
    assert_eq!(size(&[0xff; 12]).as_deref(), Some("the tar header at byte 0 has an invalid size"));
    let eight_exabytes = b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff";
    assert_eq!(size(eight_exabytes).as_deref(), Some("the tar header at byte 0 has an invalid size"));
    assert_eq!(size(b"00000000010\0").as_deref(), Some("the archive ends inside the entry at byte 0"));
    let pax = lie(&|header| {
        header.set_entry_type(tar::EntryType::XHeader);
        header.set_size(100 << 20);
    });
    assert!(pax.unwrap().contains("PAX records"));
    let mut block = *header("a", 0, tar::EntryType::Regular).as_bytes();
    block[0] ^= 1;
    assert!(walk(&block, 512).unwrap_err().to_string().contains("checksum"));
}

#[test]
fn old_gnu_sparse_files_get_their_holes_back() {
    let mut header = header("sparse", 1024, tar::EntryType::GNUSparse);
    let gnu = header.as_gnu_mut().unwrap();
    gnu.set_real_size(10_000);
    gnu.sparse[0].set_offset(0);
    gnu.sparse[0].set_length(512);
    gnu.sparse[1].set_offset(8192);
    gnu.sparse[1].set_length(512);
    header.set_cksum();
    let mut archive = header.as_bytes().to_vec();
    archive.extend([1; 512]);
    archive.extend([2; 512]);
    let recorder = walk(&archive, 100).unwrap();
    let body = &recorder.bodies["sparse"];
    assert_eq!(body.len(), 10_000);
    assert_eq!((body[511], body[512], body[8191], body[8192], body[8703], body[8704]), (1, 0, 0, 2, 2, 0));
}

#[test]
fn pax_sparse_files_of_all_versions_get_their_holes_back() {
    let whole = [&[1; 512][..], &[0; 1024], &[2; 512], &[0; 52]].concat();
    let data = [[1; 512], [2; 512]].concat();
    let records: [&[(&str, &[u8])]; 3] = [
        &[
            ("GNU.sparse.size", b"2100"),
            ("GNU.sparse.offset", b"0"),
            ("GNU.sparse.numbytes", b"512"),
            ("GNU.sparse.offset", b"1536"),
            ("GNU.sparse.numbytes", b"512"),
        ],
        &[
            ("GNU.sparse.size", b"2100"),
            ("GNU.sparse.name", b"sparse"),
            ("GNU.sparse.map", b"0,512,1536,512"),
        ],
        &[
            ("GNU.sparse.major", b"1"),
            ("GNU.sparse.minor", b"0"),
            ("GNU.sparse.name", b"sparse"),
            ("GNU.sparse.realsize", b"2100"),
        ],
    ];
    for (version, records) in records.iter().enumerate() {
        let mut stored = data.clone();
        if version == 2 {
            let mut map = b"2\n0\n512\n1536\n512\n".to_vec();
            map.resize(512, 0);
            stored.splice(0..0, map);
        }
        let mut builder = tar::Builder::new(Vec::new());
        builder.append_pax_extensions(records.iter().copied()).unwrap();
        builder.append(&header("sparse", stored.len() as u64, tar::EntryType::Regular), &stored[..]).unwrap();
        for step in [13, 100_000] {
            let recorder = walk(&builder.get_ref().clone(), step).unwrap();
            assert!(recorder.bodies["sparse"] == whole, "version {version}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn damaged_archives_never_panic(at in 0_usize..4096, value: u8, step in 1_usize..2000) {
        let mut archive = archive();
        let index = at % archive.len();
        archive[index] = value;
        let _ = walk(&archive, step);
    }
}

#[test]
fn an_entry_of_no_known_type_is_not_passed_over() {
    for (flag, known) in
        [(b'0', true), (b'g', true), (b'V', true), (b'Z', false), (b'A', false), (b'9', false)]
    {
        let mut header = tar::Header::new_gnu();
        header.set_path("var/lib/dpkg/status").unwrap();
        header.set_size(0);
        header.set_mtime(0);
        header.as_mut_bytes()[156] = flag;
        header.set_cksum();
        let archive = [&header.as_bytes()[..], &[0; 1024]].concat();
        assert_eq!(walk(&archive, 512).is_ok(), known, "{}", char::from(flag));
    }
}
