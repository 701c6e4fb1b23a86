//! A witness: keeps of each log it knows the newest head, on another machine than the log's, and cosigns the
//! next one only when it goes on from there.
//!
//! Comparing and keeping are one step: a head is on disk before its cosignature exists anywhere else, and
//! requests that come at the same time are decided one after the other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};

use super::anchor::replace;
use crate::domain::clock::Clock;
use crate::domain::hex::hex;
use crate::tlog::checkpoint::SignedCheckpoint;
use crate::tlog::note::{KeyKind, NoteError, Signature, SignerKey, VerifierKey};
use crate::tlog::witness::{Head, Refusal, cosign, decide};

/// Largest request that is read, bytes: a proof of 63 hashes takes 3 KiB, a checkpoint with some signatures 2 KiB.
pub const MAX_REQUEST: usize = 16 * 1024;
/// Most refused requests that are kept as evidence while the process runs.
const MAX_EVIDENCE: usize = 100;

/// Why a witness cannot start.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// The key is a log's.
    #[error("the key `{0}` is a log's, not a witness's; make one with `hedui witness keygen`")]
    Key(String),
    /// A public key in the list of logs is a witness's.
    #[error("`{0}` is the key of a witness, not of a log; take the one that `hedui log keygen` made")]
    Log(String),
    /// No log.
    #[error("no log is named, so there is nothing to witness; give the public key of one")]
    NoLog,
    /// The state folder cannot be read or written.
    #[error("the state of the witness in {} cannot be read or written: {source}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another process has the state folder.
    #[error("another process witnesses with the state in {}; two would cosign what does not fit together", .0.display())]
    Locked(PathBuf),
    /// What is in the state folder is not what this witness kept.
    #[error(
        "{} does not hold a head that this witness cosigned: {problem}; restore the file as it was, for a witness that forgets helps whoever rewrites a log", file.display()
    )]
    State {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: NoteError,
    },
}

/// Why a request is not answered with a cosignature.
#[derive(Debug, thiserror::Error)]
pub enum Uncosigned {
    /// The specification says so.
    #[error("refused: {0:?}")]
    Refused(Refusal),
    /// The head could not be kept, so it was not cosigned either.
    #[error("the head cannot be kept in {}: {source}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A witness of some logs. Every call may block for as long as the file system does.
pub struct Witness {
    key: SignerKey,
    logs: Vec<VerifierKey>,
    clock: Arc<dyn Clock>,
    folder: PathBuf,
    /// The newest cosigned head of each log, by its name. Held while one request is decided and kept.
    heads: Mutex<BTreeMap<String, SignedCheckpoint>>,
    evidence: AtomicUsize,
    /// Held as long as this process witnesses.
    _lock: std::fs::File,
}

impl Witness {
    /// Opens the state in `folder`, which is made when absent, for witnessing the logs of these keys.
    pub fn open(
        folder: &Path,
        key: SignerKey,
        logs: Vec<VerifierKey>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, WitnessError> {
        if key.verifier().kind() != KeyKind::Witness {
            return Err(WitnessError::Key(key.verifier().to_string()));
        }
        if let Some(other) = logs.iter().find(|key| key.kind() != KeyKind::Log) {
            return Err(WitnessError::Log(other.to_string()));
        }
        if logs.is_empty() {
            return Err(WitnessError::NoLog);
        }
        std::fs::create_dir_all(folder).map_err(|source| WitnessError::File { file: folder.to_owned(), source })?;
        let lock = lock(folder)?;
        let mut heads = BTreeMap::new();
        for log in &logs {
            if let Some(head) = read_head(&head_file(folder, log.name()), log.name(), key.verifier())? {
                heads.insert(log.name().to_owned(), head);
            }
        }
        let (heads, evidence) = (Mutex::new(heads), AtomicUsize::new(0));
        Ok(Self { key, logs, clock, folder: folder.to_owned(), heads, evidence, _lock: lock })
    }

    /// The public key that its cosignatures verify with.
    pub const fn verifier(&self) -> &VerifierKey {
        self.key.verifier()
    }

    /// The names of its logs, each with the newest head it cosigned.
    pub fn heads(&self) -> Vec<(String, Option<SignedCheckpoint>)> {
        let heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<&str> = self.logs.iter().map(VerifierKey::name).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().map(|name| (name.to_owned(), heads.get(name).cloned())).collect()
    }

    /// Answers `add-checkpoint`: the cosignature, on disk before it is returned.
    pub fn add_checkpoint(&self, request: &[u8]) -> Result<Signature, Uncosigned> {
        if request.len() > MAX_REQUEST {
            return Err(Uncosigned::Refused(Refusal::Malformed));
        }
        let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |origin: &str| {
            let head = heads.get(origin)?.checkpoint();
            Some(Head { size: head.size, root: head.root })
        };
        let signed = decide(request, &self.logs, known).map_err(|refusal| {
            self.tell(request, &refusal);
            Uncosigned::Refused(refusal)
        })?;
        let origin = signed.checkpoint().origin.clone();
        let time = u64::try_from(self.clock.now().as_second()).unwrap_or_default();
        let cosignature = cosign(&signed, &self.key, time);
        let kept = signed.only(&self.logs).with(cosignature.clone());
        let file = head_file(&self.folder, &origin);
        replace(&file, kept.to_string().as_bytes()).map_err(|source| Uncosigned::File { file, source })?;
        heads.insert(origin, kept);
        Ok(cosignature)
    }

    /// A request that its log signed and that does not go on from what was cosigned may prove that the log
    /// misbehaves, so it is kept.
    fn tell(&self, request: &[u8], refusal: &Refusal) {
        let is_evidence = matches!(refusal, Refusal::Inconsistent | Refusal::Forked(_));
        if !is_evidence {
            tracing::info!(?refusal, "not cosigned");
            return;
        }
        let name = hex(digest(&SHA256, request).as_ref());
        let file = self.folder.join(format!("{}.refused", name.get(..32).unwrap_or(&name)));
        let is_kept = file.exists()
            || self.evidence.fetch_add(1, Ordering::Relaxed) < MAX_EVIDENCE && replace(&file, request).is_ok();
        tracing::error!(?refusal, is_kept, file = %file.display(), "a log signed a head that does not go on from what was cosigned");
    }
}

/// One process a state folder.
fn lock(folder: &Path) -> Result<std::fs::File, WitnessError> {
    let file = folder.join("lock");
    let failed = |source| WitnessError::File { file: file.clone(), source };
    let handle = std::fs::File::options().create(true).truncate(false).write(true).open(&file).map_err(failed)?;
    match handle.try_lock() {
        Ok(()) => Ok(handle),
        Err(std::fs::TryLockError::WouldBlock) => Err(WitnessError::Locked(folder.to_owned())),
        Err(std::fs::TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// A log's name may hold anything, so its file is named by a digest of it; the first line of the file is the name.
fn head_file(folder: &Path, origin: &str) -> PathBuf {
    let name = hex(digest(&SHA256, origin.as_bytes()).as_ref());
    folder.join(format!("{}.checkpoint", name.get(..32).unwrap_or(&name)))
}

/// The head in a file. The witness's own cosignature proves that it is one it kept, whatever became of the log's key.
fn read_head(file: &Path, origin: &str, own: &VerifierKey) -> Result<Option<SignedCheckpoint>, WitnessError> {
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(WitnessError::File { file: file.to_owned(), source }),
    };
    let wrong = |problem| WitnessError::State { file: file.to_owned(), problem };
    let head = SignedCheckpoint::open_cosigned(&bytes, own).map_err(wrong)?;
    if head.checkpoint().origin != origin {
        return Err(wrong(NoteError::Form("it is the head of another log")));
    }
    Ok(Some(head))
}

#[cfg(test)]
mod tests;
