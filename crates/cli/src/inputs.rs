//! Vendor data as it lies here: files, folders, archives; unpacked in memory, never on disk.

use anyhow::{Context as _, Result, anyhow, bail};
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

/// Bytes of one document; the largest of any vendor today is the Debian tracker's, at 80 MB.
const DOCUMENT_BYTES: u64 = 2 << 30;
/// Bytes of all documents of one input, and how many there may be.
const TOTAL_BYTES: u64 = 8 << 30;
const DOCUMENTS: usize = 2_000_000;
/// Archives within archives, such as a gzip file in a tar.
const DEPTH: usize = 4;

/// One document with the name to use in errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// All documents under `path`, in the order of their names.
pub(crate) fn documents(path: &Path) -> Result<Vec<Document>> {
    let mut gathered = Gathered { documents: Vec::new(), bytes: 0 };
    gathered.path(path, &path.display().to_string())?;
    gathered.documents.sort_by(|a, b| a.name.cmp(&b.name));
    if gathered.documents.is_empty() {
        bail!("`{}` holds no file", path.display());
    }
    Ok(gathered.documents)
}

struct Gathered {
    documents: Vec<Document>,
    bytes: u64,
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

impl Gathered {
    fn path(&mut self, path: &Path, name: &str) -> Result<()> {
        let context = || format!("cannot read `{name}`");
        if !std::fs::metadata(path).with_context(context)?.is_dir() {
            let bytes = bounded(File::open(path).with_context(context)?, name)?;
            return self.bytes(name, bytes, 0);
        }
        let entries = std::fs::read_dir(path).with_context(context)?;
        let mut paths =
            entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>().with_context(context)?;
        paths.sort();
        for path in paths {
            let entry = path.symlink_metadata().with_context(context)?;
            // Links within a folder could make it endless; vendors ship none.
            if entry.is_dir() || entry.is_file() {
                self.path(&path, &path.display().to_string())?;
            }
        }
        Ok(())
    }

    fn bytes(&mut self, name: &str, bytes: Vec<u8>, depth: usize) -> Result<()> {
        if depth > DEPTH {
            bail!("`{name}` is packed more than {DEPTH} times");
        }
        let source = bytes.as_slice();
        let unpacked = match recognise(source) {
            Wrapping::Gzip => bounded(flate2::read::MultiGzDecoder::new(source), name)?,
            Wrapping::Zstd => bounded(zstd::stream::read::Decoder::new(source)?, name)?,
            Wrapping::Xz => bounded(liblzma::read::XzDecoder::new_multi_decoder(source), name)?,
            Wrapping::Bzip2 => bounded(bzip2::read::MultiBzDecoder::new(source), name)?,
            Wrapping::Tar => return self.tar(name, source, depth),
            Wrapping::Zip => return self.zip(name, source, depth),
            Wrapping::None => return self.add(name, bytes),
        };
        self.bytes(name, unpacked, depth + 1)
    }

    fn tar(&mut self, name: &str, bytes: &[u8], depth: usize) -> Result<()> {
        let context = || format!("`{name}` is a damaged tar");
        let mut archive = tar::Archive::new(bytes);
        for entry in archive.entries().with_context(context)? {
            let entry = entry.with_context(context)?;
            if entry.header().entry_type().is_file() {
                let member = format!("{name}:{}", String::from_utf8_lossy(&entry.path_bytes()));
                let bytes = bounded(entry, &member)?;
                self.bytes(&member, bytes, depth + 1)?;
            }
        }
        Ok(())
    }

    fn zip(&mut self, name: &str, bytes: &[u8], depth: usize) -> Result<()> {
        let context = || format!("`{name}` is a damaged zip");
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).with_context(context)?;
        for index in 0..archive.len() {
            let entry = archive.by_index(index).with_context(context)?;
            if entry.is_file() {
                let member = format!("{name}:{}", entry.name().with_context(context)?);
                let bytes = bounded(entry, &member)?;
                self.bytes(&member, bytes, depth + 1)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, name: &str, bytes: Vec<u8>) -> Result<()> {
        self.bytes += bytes.len() as u64;
        if self.bytes > TOTAL_BYTES || self.documents.len() >= DOCUMENTS {
            bail!("`{name}`: the input holds more than {TOTAL_BYTES} bytes or {DOCUMENTS} documents");
        }
        self.documents.push(Document { name: name.into(), bytes });
        Ok(())
    }
}

/// All bytes of `reader`, if they are not too many.
fn bounded(reader: impl Read, name: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader
        .take(DOCUMENT_BYTES + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("`{name}` is damaged"))?;
    if bytes.len() as u64 > DOCUMENT_BYTES {
        return Err(anyhow!("`{name}` holds more than {DOCUMENT_BYTES} bytes"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gathered(name: &str, bytes: &[u8]) -> Result<Vec<(String, String)>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let text = |document: Document| {
            let name = document.name.rsplit_once('/').map_or("", |(_, name)| name).to_string();
            (name, String::from_utf8(document.bytes).unwrap())
        };
        Ok(documents(&path)?.into_iter().map(text).collect())
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
    fn damage_is_an_error_that_names_the_file() {
        let whole = gzip(&[b'x'; 1000]);
        let error = gathered("half.gz", &whole[..whole.len() - 5]).unwrap_err();
        assert!(format!("{error:#}").contains("half.gz"), "{error:#}");
        assert!(documents(Path::new("no/such/file")).is_err());
        assert!(documents(tempfile::tempdir().unwrap().path()).is_err());
    }
}
