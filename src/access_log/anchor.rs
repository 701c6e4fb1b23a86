//! The anchor: a file away from the database that holds the newest signed checkpoint, so that not even the
//! hub's operator can take the log back to an earlier state, or rewrite it, without being found.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::tlog::checkpoint::SignedCheckpoint;
use crate::tlog::note::{NoteError, VerifierKey};

/// Why an anchor cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// The file cannot be read or written.
    #[error("the anchor {} cannot be read or written: {source}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file does not hold a checkpoint that the log's key signed.
    #[error("the anchor {} does not hold a checkpoint of this log: {source}", file.display())]
    Checkpoint {
        /// The file.
        file: PathBuf,
        /// Why.
        source: NoteError,
    },
}

/// The checkpoint in an anchor file, signed by one of the log's keys. `None` when there is no such file yet.
pub fn read(file: &Path, keys: &[VerifierKey]) -> Result<Option<SignedCheckpoint>, AnchorError> {
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(AnchorError::File { file: file.to_owned(), source }),
    };
    SignedCheckpoint::open_any(&bytes, keys)
        .map(Some)
        .map_err(|source| AnchorError::Checkpoint { file: file.to_owned(), source })
}

/// Replaces what an anchor file holds, in one step: whoever reads it finds the old checkpoint or the new one.
pub fn write(file: &Path, checkpoint: &SignedCheckpoint) -> Result<(), AnchorError> {
    replace(file, checkpoint.to_string().as_bytes())
        .map_err(|source| AnchorError::File { file: file.to_owned(), source })
}

/// Replaces a file in one durable step.
pub(crate) fn replace(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut name = file.as_os_str().to_owned();
    name.push(".new");
    let fresh = PathBuf::from(name);
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut handle = std::fs::File::create(&fresh)?;
    handle.write_all(bytes)?;
    handle.sync_all()?;
    std::fs::rename(&fresh, file)?;
    std::fs::File::open(folder)?.sync_all()
}
