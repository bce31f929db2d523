//! Vendor data as it lies here: files, folders, archives; unpacked as it is read, never on disk.

use crate::error::UpdateError;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

/// Bytes of one document; the largest of any vendor today is the Debian tracker's, at 80 MB.
const DOCUMENT_BYTES: u64 = 2 << 30;
/// Bytes of all documents of one input, and how many there may be.
const TOTAL_BYTES: u64 = 8 << 30;
const DOCUMENTS: usize = 2_000_000;
/// Bytes of a zip file.
const ZIP_BYTES: u64 = 2 << 30;
/// Bytes that one fetched byte may unpack to, beyond the first few.
const RATIO: u64 = 500;
const SMALL: u64 = 64 << 20;
/// Archives within archives, such as a gzip file in a tar.
const DEPTH: usize = 4;

/// What is done with each document: its name for errors, and its bytes.
pub(crate) type Give<'a> = dyn FnMut(&str, &mut dyn Read) -> Result<(), UpdateError> + 'a;

/// Gives each document under `path`: files of a folder by name, members of an archive as they come.
pub(crate) fn each(path: &Path, give: &mut Give<'_>) -> Result<(), UpdateError> {
    let mut walk = Walk::new(give);
    walk.path(path, &path.display().to_string())?;
    walk.ended(&path.display().to_string())
}

/// The same of a file that was fetched from `name`, of `size` bytes.
pub(crate) fn each_in(
    name: &str,
    file: &mut dyn Read,
    size: u64,
    give: &mut Give<'_>,
) -> Result<(), UpdateError> {
    let mut walk = Walk::new(give);
    walk.most = size.saturating_mul(RATIO).clamp(SMALL, TOTAL_BYTES);
    walk.stream(name, file, 0)?;
    walk.ended(name)
}

struct Walk<'a, 'g> {
    give: &'a mut Give<'g>,
    /// Bytes of documents, and how many there may be.
    bytes: u64,
    most: u64,
    documents: usize,
}

/// What the first bytes of a file show.
enum Wrapping {
    Gzip,
    Zstd,
    Xz,
    Bzip2,
    Zip,
    Tar,
    None,
}

fn recognise(bytes: &[u8]) -> Wrapping {
    match bytes {
        [0x1f, 0x8b, ..] => Wrapping::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Wrapping::Zstd,
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Wrapping::Xz,
        [b'B', b'Z', b'h', ..] => Wrapping::Bzip2,
        [b'P', b'K', 3 | 5, 4 | 6, ..] => Wrapping::Zip,
        _ if bytes.get(257..262) == Some(b"ustar") => Wrapping::Tar,
        _ => Wrapping::None,
    }
}

impl<'a, 'g> Walk<'a, 'g> {
    fn new(give: &'a mut Give<'g>) -> Self {
        Self { give, bytes: 0, most: TOTAL_BYTES, documents: 0 }
    }

    fn ended(&self, name: &str) -> Result<(), UpdateError> {
        if self.documents == 0 { Err(UpdateError::packed(name, "holds no file")) } else { Ok(()) }
    }

    fn path(&mut self, path: &Path, name: &str) -> Result<(), UpdateError> {
        let failed = || UpdateError::io(format!("cannot read `{name}`"));
        if !std::fs::metadata(path).map_err(failed())?.is_dir() {
            let mut file = File::open(path).map_err(failed())?;
            return self.stream(name, &mut file, 0);
        }
        let entries = std::fs::read_dir(path).map_err(failed())?;
        let mut paths =
            entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>().map_err(failed())?;
        paths.sort();
        for path in paths {
            let entry = path.symlink_metadata().map_err(failed())?;
            // Links within a folder could make it endless; vendors ship none.
            if entry.is_dir() || entry.is_file() && is_data(path.as_os_str().as_encoded_bytes()) {
                self.path(&path, &path.display().to_string())?;
            }
        }
        Ok(())
    }

    /// Takes off what its first bytes show, and gives what is inside.
    fn stream(&mut self, name: &str, source: &mut dyn Read, depth: usize) -> Result<(), UpdateError> {
        if depth > DEPTH {
            return Err(UpdateError::packed(name, format!("is packed more than {DEPTH} times")));
        }
        let mut head = Vec::new();
        let damaged = |error: io::Error| UpdateError::packed(name, format!("is damaged: {error}"));
        source.take(512).read_to_end(&mut head).map_err(damaged)?;
        let mut source = head.chain(source);
        let deeper = depth + 1;
        match recognise(&head) {
            Wrapping::Gzip => self.stream(name, &mut flate2::read::MultiGzDecoder::new(source), deeper),
            Wrapping::Zstd => {
                let mut inside = zstd::stream::read::Decoder::new(source).map_err(damaged)?;
                self.stream(name, &mut inside, deeper)
            }
            Wrapping::Xz => {
                self.stream(name, &mut liblzma::read::XzDecoder::new_multi_decoder(source), deeper)
            }
            Wrapping::Bzip2 => self.stream(name, &mut bzip2::read::MultiBzDecoder::new(source), deeper),
            Wrapping::Tar => self.tar(name, &mut source, depth),
            Wrapping::Zip => self.zip(name, source, depth),
            Wrapping::None => self.document(name, &mut source),
        }
    }

    fn tar(&mut self, name: &str, source: &mut dyn Read, depth: usize) -> Result<(), UpdateError> {
        let damaged = |error: io::Error| UpdateError::packed(name, format!("is a damaged tar: {error}"));
        let mut archive = tar::Archive::new(source);
        for entry in archive.entries().map_err(damaged)? {
            let mut entry = entry.map_err(damaged)?;
            if entry.header().entry_type().is_file() && is_data(&entry.path_bytes()) {
                let member = format!("{name}:{}", String::from_utf8_lossy(&entry.path_bytes()));
                self.stream(&member, &mut entry, depth + 1)?;
            }
        }
        Ok(())
    }

    /// The list of a zip's members is at its end, so it is held as it is.
    fn zip(&mut self, name: &str, source: impl Read, depth: usize) -> Result<(), UpdateError> {
        let damaged =
            |error: &dyn std::fmt::Display| UpdateError::packed(name, format!("is a damaged zip: {error}"));
        let mut bytes = Vec::new();
        source.take(ZIP_BYTES + 1).read_to_end(&mut bytes).map_err(|error| damaged(&error))?;
        if bytes.len() as u64 > ZIP_BYTES {
            return Err(UpdateError::packed(name, format!("is a zip of more than {ZIP_BYTES} bytes")));
        }
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?;
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).map_err(|error| damaged(&error))?;
            if entry.is_file() && is_data(entry.name_raw()) {
                let member = entry.name().map_err(|error| damaged(&error))?;
                let member = format!("{name}:{member}");
                self.stream(&member, &mut entry, depth + 1)?;
            }
        }
        Ok(())
    }

    fn document(&mut self, name: &str, source: &mut dyn Read) -> Result<(), UpdateError> {
        self.documents += 1;
        if self.documents > DOCUMENTS {
            return Err(UpdateError::packed(name, format!("is one of more than {DOCUMENTS} documents")));
        }
        let left = self.most.saturating_sub(self.bytes).min(DOCUMENT_BYTES);
        let mut source = Bounded { source, left, read: 0 };
        let given = (self.give)(name, &mut source);
        self.bytes += source.read;
        given
    }
}

/// Whether a file of an archive or folder may be a document, and not one of those that stand beside data in a
/// repository: licences, descriptions, and what makes the data. No vendor names documents so.
fn is_data(path: &[u8]) -> bool {
    const BEGINNINGS: [&str; 7] = [".", "license", "copying", "copyright", "readme", "changelog", "makefile"];
    const ENDINGS: [&str; 6] = [".md", ".lua", ".py", ".sh", ".rb", ".rst"];
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let name = String::from_utf8_lossy(name).to_lowercase();
    !BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
        && !ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// A document that ends in an error where it gets too long.
struct Bounded<'a> {
    source: &'a mut dyn Read,
    left: u64,
    read: u64,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.read += count as u64;
        if self.read > self.left {
            let why = format!("it unpacks to more than the {} bytes that are read of it", self.left);
            return Err(io::Error::other(why));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gathered(name: &str, bytes: &[u8]) -> Result<Vec<(String, String)>, UpdateError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let mut gathered = Vec::new();
        each(&path, &mut |name, source| {
            let name = name.rsplit_once('/').map_or("", |(_, name)| name).to_string();
            let mut text = String::new();
            source.read_to_string(&mut text).map_err(UpdateError::io(name.as_str()))?;
            gathered.push((name, text));
            Ok(())
        })?;
        Ok(gathered)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn tarred(name: &str, bytes: &[u8]) -> Vec<u8> {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        let mut builder = tar::Builder::new(Vec::new());
        builder.append_data(&mut header, name, bytes).unwrap();
        builder.into_inner().unwrap()
    }

    #[test]
    fn every_wrapping_is_recognised_by_its_bytes() {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("a.json", zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(b"{}").unwrap();
        let zip = zip.finish().unwrap().into_inner();
        let mut xz = Vec::new();
        liblzma::read::XzEncoder::new(&b"{}"[..], 1).read_to_end(&mut xz).unwrap();
        let mut bz2 = Vec::new();
        bzip2::read::BzEncoder::new(&b"{}"[..], bzip2::Compression::fast()).read_to_end(&mut bz2).unwrap();
        let zstd = zstd::encode_all(&b"{}"[..], 1).unwrap();
        for bytes in [&b"{}"[..], &gzip(b"{}"), &zstd, &xz, &bz2] {
            assert_eq!(gathered("x", bytes).unwrap(), [("x".into(), "{}".into())]);
        }
        assert_eq!(gathered("x", &zip).unwrap(), [("x:a.json".into(), "{}".into())]);
        let nested = gzip(&tarred("a.json.gz", &gzip(b"{}")));
        assert_eq!(gathered("x", &nested).unwrap(), [("x:a.json.gz".into(), "{}".into())]);
    }

    #[test]
    fn what_stands_beside_data_in_a_repository_is_none() {
        for name in ["repo/LICENSE", "README.md", "a/.gitignore", "Makefile", "x/secfixes.lua"] {
            assert!(!is_data(name.as_bytes()), "{name}");
        }
        for name in ["data/DSA/list", "a.json", "archive_latest.txt", "active/CVE-2024-1", "deletions.csv"] {
            assert!(is_data(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn damage_is_an_error_that_names_the_file() {
        let whole = gzip(&[b'x'; 1000]);
        let error = gathered("half.gz", &whole[..whole.len() - 5]).unwrap_err();
        assert!(error.told().contains("half.gz"), "{error}");
        let nothing = &mut |_: &str, _: &mut dyn Read| Ok::<(), UpdateError>(());
        assert!(each(Path::new("no/such/file"), nothing).is_err());
        assert!(each(tempfile::tempdir().unwrap().path(), nothing).is_err());
    }
}
