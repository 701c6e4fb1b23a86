//! The folder that deliveries are put into: only plain files in it are read, each within its bound.
//!
//! Whoever may write into the folder must not be able to have another file of this machine read through it.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A control file is at most this large, in bytes.
pub(super) const MAX_CONTROL: u64 = 64 * 1024;

/// Why a file is not read.
#[derive(Debug)]
pub(super) enum Unread {
    /// Its name leads out of the folder, or is none.
    Name,
    /// It is a link, a folder, a pipe or a device.
    Kind,
    /// It is larger than this.
    Large(u64),
    /// The operating system says so.
    Io(io::Error),
}

/// What tells a file from what was there before under its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    length: u64,
    changed: Option<SystemTime>,
    inode: u64,
}

/// True for the name of a file in a folder: no path, nothing hidden, nothing that a system reads otherwise.
pub(super) fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 200
        && !name.starts_with('.')
        && !name.chars().any(|it| matches!(it, '/' | '\\' | ':') || it.is_control())
}

/// The bytes of the file `name` in `folder`.
pub(super) fn read(folder: &Path, name: &str, most: u64) -> Result<Vec<u8>, Unread> {
    if !is_plain(name) {
        return Err(Unread::Name);
    }
    let path = folder.join(name);
    // Looked at before it is opened: to open a pipe would wait for somebody who writes into it.
    let before = fs::symlink_metadata(&path).map_err(Unread::Io)?;
    if !before.is_file() {
        return Err(Unread::Kind);
    }
    let file = File::open(&path).map_err(Unread::Io)?;
    let opened = file.metadata().map_err(Unread::Io)?;
    if !opened.is_file() || inode(&opened) != inode(&before) {
        return Err(Unread::Kind);
    }
    if opened.len() > most {
        return Err(Unread::Large(opened.len()));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(opened.len()).unwrap_or_default());
    // It may grow while it is read.
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(Unread::Io)?;
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if length > most { Err(Unread::Large(length)) } else { Ok(bytes) }
}

/// The stamp of a file; `None` when it is not there.
pub(super) fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::symlink_metadata(path).ok()?;
    Some(Stamp { length: metadata.len(), changed: metadata.modified().ok(), inode: inode(&metadata) })
}

/// Files with their stamps.
pub(super) fn stamps(folder: &Path, names: impl Iterator<Item = String>) -> Vec<(PathBuf, Option<Stamp>)> {
    names.map(|name| folder.join(name)).map(|path| (path.clone(), stamp(&path))).collect()
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

/// Only POSIX tells files apart by number.
#[cfg(not(unix))]
fn inode(_metadata: &Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_that_of_a_file_in_the_folder() {
        for name in ["台账.csv", "a-20250301.csv", "A b.XML"] {
            assert!(is_plain(name), "{name}");
        }
        for name in ["", ".", "..", "../x", "/etc/passwd", "a/b", "a\\b", "C:x", ".hidden", "a\nb", "a\0b"] {
            assert!(!is_plain(name), "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn nothing_but_a_plain_file_in_the_folder_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("a.csv"), "abc").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", at("out.csv")).unwrap();
        std::os::unix::fs::symlink(at("a.csv"), at("in.csv")).unwrap();
        fs::create_dir(at("folder.csv")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(at("pipe.csv")).status().unwrap().success());
        assert_eq!(read(folder.path(), "a.csv", 3).unwrap(), b"abc");
        assert!(matches!(read(folder.path(), "a.csv", 2), Err(Unread::Large(3))));
        for name in ["out.csv", "in.csv", "folder.csv", "pipe.csv"] {
            assert!(matches!(read(folder.path(), name, 100), Err(Unread::Kind)), "{name}");
        }
        assert!(matches!(read(folder.path(), "../a.csv", 100), Err(Unread::Name)));
        assert!(matches!(read(folder.path(), "none.csv", 100), Err(Unread::Io(_))));
    }
}
