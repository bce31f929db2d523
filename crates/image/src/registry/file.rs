//! Small files that the user or the administrator wrote.

use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Bytes of any such file; real ones have a few thousand.
const BOUND: u64 = 1 << 20;

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is there, but cannot be read.
    #[error("cannot read `{}`", path.display().to_string().escape_debug())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is larger than such a file ever is.
    #[error("`{}` has more than {} bytes", .0.display().to_string().escape_debug(), BOUND)]
    TooLarge(PathBuf),
}

/// The bytes of a file; `None` where there is none. A link is followed: these files are often linked to.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    let unreadable = |source| FileError::Unreadable { path: path.into(), source };
    let file = match open(path) {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let mut bytes = Vec::new();
    file.take(BOUND + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > BOUND {
        return Err(FileError::TooLarge(path.into()));
    }
    Ok(Some(bytes))
}

/// Whether nothing has this name, its last part or one before it.
pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Opens a regular file, never waiting for a pipe.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_none_and_a_large_one_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        assert!(read(&path).unwrap().is_none());
        std::fs::write(&path, vec![b' '; 1 << 20]).unwrap();
        assert_eq!(read(&path).unwrap().map(|bytes| bytes.len()), Some(1 << 20));
        assert!(read(&path.join("below a file")).unwrap().is_none());
        std::fs::write(&path, vec![b' '; (1 << 20) + 1]).unwrap();
        assert!(read(&path).unwrap_err().to_string().ends_with("/a` has more than 1048576 bytes"));
        assert!(matches!(read(folder.path()), Err(FileError::Unreadable { .. })));
    }
}
