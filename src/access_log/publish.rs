//! Publishing: signing the head of the log, after checking that it goes on from what was signed before.
//!
//! A head is signed, then takes the place of the last one in the store in one step with the comparison, and
//! only then is shown to anybody: two processes on one log cannot both go on.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use super::anchor::{self, AnchorError};
use super::offer::OtherHistory;
use crate::domain::clock::Clock;
use crate::store::{CosignedRow, HeadRow, Sequence, Store, StoreError};
use crate::tlog::Hash;
use crate::tlog::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::tlog::note::{NoteError, Signature, SignerKey, VerifierKey};
use crate::tlog::proof::Plan;

/// Why the log cannot be opened or go on.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The anchor.
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    /// The signed head does not open.
    #[error(
        "the head of the access log cannot be believed: {0}; if the log's key was changed, name the former public key in [access_log] former_keys; otherwise the log was altered: `hedui log verify` says where"
    )]
    Head(NoteError),
    /// Entries that were signed are gone.
    #[error(
        "the access log was cut: {signed} entries were signed and {entries} are there; restore the database that holds them all"
    )]
    Cut {
        /// How many are there.
        entries: u64,
        /// How many were signed.
        signed: u64,
    },
    /// The entries are not those that were signed.
    #[error(
        "the access log was altered among its first {0} entries: they do not lead to the root that was signed; `hedui log verify` says where"
    )]
    Altered(u64),
    /// An entry, a tile or the head is not what was written.
    #[error(
        "the access log was altered: entry {index}: {detail} `hedui log verify` says more; nothing is signed on top of it"
    )]
    Tampered {
        /// The first entry that is concerned.
        index: u64,
        /// What is wrong.
        detail: String,
    },
    /// The log is behind its anchor.
    #[error(
        "the access log is behind its anchor {}: it has {entries} entries, and {anchored} were signed; a former state of the database was restored, or entries were removed", file.display()
    )]
    BehindAnchor {
        /// The anchor.
        file: PathBuf,
        /// How many entries there are.
        entries: u64,
        /// How many the anchor knows of.
        anchored: u64,
    },
    /// The log is another one than the anchor's.
    #[error("the access log was rewritten: its first {anchored} entries are not those that the anchor {} holds the root of; keep both as evidence", file.display())]
    Rewritten {
        /// The anchor.
        file: PathBuf,
        /// How many entries the anchor knows of.
        anchored: u64,
    },
    /// A witness knows another history.
    #[error(transparent)]
    Witness(#[from] OtherHistory),
    /// Somebody else signed a head in the meantime.
    #[error("another process signed this access log; this one records nothing any more, so that the log does not fork")]
    Forked,
}

/// Signs the heads of a log.
pub struct Publisher {
    store: Store,
    key: SignerKey,
    /// The key whose place this one takes.
    gave_way: Option<VerifierKey>,
    clock: Arc<dyn Clock>,
    anchor: Option<PathBuf>,
    head: watch::Sender<Arc<SignedCheckpoint>>,
}

impl Publisher {
    /// Opens the log of a store for signing. Refuses one whose entries are not those that were signed, or
    /// that is behind its anchor. `former` are the public keys that the log had before this one.
    pub async fn open(
        store: Store,
        key: SignerKey,
        former: &[VerifierKey],
        anchor: Option<PathBuf>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LogError> {
        let verifier = key.verifier();
        let of_log = |key: &&VerifierKey| key.name() == verifier.name() && key.kind() == verifier.kind();
        let mut keys = vec![verifier.clone()];
        keys.extend(former.iter().filter(of_log).cloned());
        let mut gave_way = None;
        let signed = match store.log().head().await? {
            Some(row) => {
                // The head names its key: one that was not given is not believed.
                let key = keys.iter().find(|key| key.to_string() == row.key).unwrap_or(verifier);
                gave_way = (key != verifier).then(|| key.clone());
                Some(check_head(&store, &row, key).await?)
            }
            None => None,
        };
        if let Some(file) = &anchor {
            match anchor::read(file, &keys)? {
                Some(anchored) => check_anchor(&store, file, anchored.checkpoint()).await?,
                None if signed.is_some() => {
                    tracing::warn!(anchor = %file.display(), "the access log has no anchor there yet; it is made now");
                }
                None => {}
            }
        }
        let signed = if let Some(signed) = signed {
            signed
        } else {
            let (size, root) = store.sequence().head();
            let first = sign(&key, size, root, clock.as_ref());
            if !store.replace_head(None, row(&first, verifier)).await? {
                return Err(LogError::Forked);
            }
            first
        };
        let publisher = Self { store, key, gave_way, clock, anchor, head: watch::Sender::new(Arc::new(signed)) };
        // The first head of a new key covers the entry that says so.
        if publisher.gave_way.is_none() {
            publisher.publish().await?;
        }
        Ok(publisher)
    }

    /// The key that signed the newest head, where that is not the configured one any more. Whoever opened the log then
    /// records that it gave way, and publishes.
    pub const fn gave_way(&self) -> Option<&VerifierKey> {
        self.gave_way.as_ref()
    }

    /// The newest head that was signed and stored.
    pub fn head(&self) -> Arc<SignedCheckpoint> {
        Arc::clone(&self.head.borrow())
    }

    /// Tells of every head that is signed from now on.
    pub fn heads(&self) -> watch::Receiver<Arc<SignedCheckpoint>> {
        self.head.subscribe()
    }

    /// The store of the log.
    pub(super) const fn store(&self) -> &Store {
        &self.store
    }

    /// Keeps a head with the cosignature of `witness` in the store, and shows it when it is still the newest.
    pub(super) async fn keep_cosigned(
        &self,
        witness: &VerifierKey,
        head: &SignedCheckpoint,
        cosignature: Signature,
    ) -> Result<(), StoreError> {
        let keys = [self.key.verifier().clone(), witness.clone()];
        let cosigned = head.clone().with(cosignature.clone()).only(&keys);
        let size = cosigned.checkpoint().size;
        let row = CosignedRow { witness: witness.to_string(), size, checkpoint: cosigned.to_string() };
        self.store.keep_cosigned(row).await?;
        // Nobody waits for a cosignature, so nobody is woken.
        self.head.send_if_modified(|newest| {
            if newest.checkpoint() == head.checkpoint() {
                *newest = Arc::new(SignedCheckpoint::clone(newest).with(cosignature));
            }
            false
        });
        Ok(())
    }

    /// The public key of the log.
    pub const fn verifier(&self) -> &VerifierKey {
        self.key.verifier()
    }

    /// The log's tree.
    pub const fn sequence(&self) -> &Sequence {
        self.store.sequence()
    }

    /// Signs the head as it is now and publishes it, unless it was signed before. Says whether there is a new one.
    pub async fn publish(&self) -> Result<bool, LogError> {
        let (size, root) = self.store.sequence().head();
        let last = self.head();
        if size == last.checkpoint().size {
            return Ok(false);
        }
        if self.store.is_halted() {
            return Err(StoreError::Halted.into());
        }
        let next = sign(&self.key, size, root, self.clock.as_ref());
        let expected = (last.checkpoint().size, last.checkpoint().root);
        if !self.store.replace_head(Some(expected), row(&next, self.key.verifier())).await? {
            return self.recover().await;
        }
        self.head.send_replace(Arc::new(next));
        Ok(true)
    }

    /// The stored head is not the one that was published last. When it is one that this log leads to, an
    /// answer was lost; anything else is a fork.
    async fn recover(&self) -> Result<bool, LogError> {
        let stored = self.store.log().head().await?;
        let known = match stored {
            Some(row) => check_head(&self.store, &row, self.key.verifier()).await,
            None => Err(LogError::Forked),
        };
        match known {
            Ok(known) => {
                self.head.send_replace(Arc::new(known));
                Ok(true)
            }
            Err(LogError::Store(error)) => Err(error.into()),
            Err(_) => {
                self.store.halt();
                Err(LogError::Forked)
            }
        }
    }

    /// Writes the newest head into the anchor. Says how many entries that covers; `None` without an anchor.
    /// May block for as long as the file system does.
    pub fn write_anchor(&self) -> Result<Option<u64>, AnchorError> {
        let Some(file) = &self.anchor else { return Ok(None) };
        let head = self.head();
        anchor::write(file, &head)?;
        Ok(Some(head.checkpoint().size))
    }
}

fn sign(key: &SignerKey, size: u64, root: Hash, clock: &dyn Clock) -> SignedCheckpoint {
    let time = u64::try_from(clock.now().as_second()).unwrap_or_default();
    Checkpoint::new(key.verifier().name(), size, root).sign(key, time)
}

fn row(signed: &SignedCheckpoint, key: &VerifierKey) -> HeadRow {
    HeadRow {
        size: signed.checkpoint().size,
        root: signed.checkpoint().root.as_bytes().to_vec(),
        checkpoint: signed.to_string(),
        key: key.to_string(),
    }
}

/// The root over the first `size` entries, from the stored tiles.
async fn root(store: &Store, size: u64) -> Result<Hash, StoreError> {
    let hashes = store.log().resolve(&Plan::root(size)).await?;
    Ok(hashes.first().copied().unwrap_or_else(Hash::empty_root))
}

async fn check_head(store: &Store, row: &HeadRow, key: &VerifierKey) -> Result<SignedCheckpoint, LogError> {
    let signed = SignedCheckpoint::open(row.checkpoint.as_bytes(), key).map_err(LogError::Head)?;
    let head = signed.checkpoint();
    if head.size != row.size || head.root.as_bytes().as_slice() != row.root {
        return Err(LogError::Head(NoteError::Form("its columns are not those of its text")));
    }
    let (entries, _) = store.sequence().head();
    if entries < head.size {
        return Err(LogError::Cut { entries, signed: head.size });
    }
    if root(store, head.size).await? != head.root {
        return Err(LogError::Altered(head.size));
    }
    Ok(signed)
}

async fn check_anchor(store: &Store, file: &std::path::Path, anchored: &Checkpoint) -> Result<(), LogError> {
    let (entries, _) = store.sequence().head();
    let file = file.to_owned();
    if entries < anchored.size {
        return Err(LogError::BehindAnchor { file, entries, anchored: anchored.size });
    }
    if root(store, anchored.size).await? != anchored.root {
        return Err(LogError::Rewritten { file, anchored: anchored.size });
    }
    Ok(())
}
