//! The only SQL: verifications with their sealed outcomes, the packs they rest on, registered clients, and access
//! events, on `SQLite`.
//!
//! All writes go through one writer that groups concurrent ones into one durable transaction
//! (`synchronous=FULL`): a caller is answered after its group is on disk, and the flush is paid once
//! for the group. Reads have their own pool.

mod adapter;
mod alert;
mod authorisation;
mod change;
mod client;
mod clock;
mod erasure;
mod event;
mod follow_up;
mod insertion;
mod log;
mod log_search;
mod migrate;
mod notice;
mod pack;
mod peer;
mod proposal;
mod recent;
mod sample;
mod sealing;
mod sequence;
mod usage;
mod verification;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use tokio::sync::{mpsc, oneshot};

pub use adapter::{AdapterChanges, AdapterRow, CounterRow, InvitationRow};
pub use alert::{AlertQuery, AlertRow, MOST_ALERTS};
pub use authorisation::{AuthorisationRow, Revocation};
pub use change::{ChangeDesk, ChangeRequest, Changes};
pub use client::{AssertionRow, ClientRow, SigningKeyRow};
pub use erasure::{Erasable, ErasureRow};
pub use event::EventRow;
pub use follow_up::{FollowUpRow, Postponed, Superseding};
pub use log::{CosignedRow, EntryRow, HeadRow, LogReader, TileRow};
pub use log_search::{LogPage, LogQuery, MAX_FOUND};
pub use notice::{GivenNotice, NoticeQuery, NoticeRow};
pub use pack::PackRow;
pub use peer::{AskedHub, AskedUnder, AskingHub, DueRevocation, PeerChanges, UnderRow};
pub use proposal::{ApprovalChanges, DecisionRow, ProposalRow, SettingsRow};
pub use sample::SampleRow;
pub use sealing::{Rewrapped, SealedTable, SealingKeyRow, WrappedRow};
pub use sequence::Sequence;
pub use usage::{UsageCounts, UsageRow};
pub use verification::{NewVerification, Opened, OutcomeRow, VerificationRow};
use writer::{Write, WriterHandle};

use crate::tlog::tile::MAX_ENTRY;
use crate::tlog::tree::Tree;

/// How many writes may wait for the writer before callers are refused.
const WRITE_QUEUE: usize = 4096;

/// Why the store could not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The database refused or failed.
    #[error("the database failed: {0}")]
    Database(Arc<sqlx::Error>),
    /// The database file is newer than this program, or was changed.
    #[error("the database cannot be migrated: {0}")]
    Migration(Arc<sqlx::migrate::MigrateError>),
    /// More writes are waiting than the queue holds.
    #[error("the database is too busy: more than {WRITE_QUEUE} writes are waiting")]
    Busy,
    /// The writer has stopped.
    #[error("the database writer has stopped")]
    Stopped,
    /// A row does not have the form this program writes.
    #[error("the database holds a {0} that this program did not write")]
    Corrupt(&'static str),
    /// An event is longer than an entry of the access log can be.
    #[error("an access event has {0} bytes; an entry of the access log has at most {MAX_ENTRY}")]
    EntryTooLong(usize),
    /// Another process writes this database.
    #[error("another process has this database open for writing (it holds the lock {})", .0.display())]
    Locked(PathBuf),
    /// The lock file cannot be made.
    #[error("the lock file {} cannot be opened: {source}", file.display())]
    Lock {
        /// The file.
        file: PathBuf,
        /// Why.
        source: Arc<std::io::Error>,
    },
    /// The access log may not go on, so nothing may be recorded.
    #[error("the access log was stopped: it no longer goes on from what was signed")]
    Halted,
    /// The access log could not be anchored for too long.
    #[error("nothing new is accepted: the head of the access log could not be kept elsewhere for too long")]
    Unanchored,
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

/// The embedded store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    read: SqlitePool,
    writes: mpsc::Sender<Write>,
    sequence: Sequence,
    halted: Arc<AtomicBool>,
    holds: Arc<AtomicUsize>,
}

/// Keeps a store from accepting new verifications for as long as it lives.
#[must_use]
pub struct Hold(Arc<AtomicUsize>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The task that owns the write connection; joined at shutdown.
pub struct Writer(WriterHandle);

impl Store {
    /// Opens the database at `path`, makes it when absent, and migrates it forward.
    /// The returned writer must be driven by [`Writer::run`].
    pub async fn open(path: &Path) -> Result<(Self, Writer), StoreError> {
        let lock = lock(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5))
            // Sealed bodies are some KiB each: larger pages take several of a group, and each page written
            // costs two calls and a lookup whatever its size. Counts for a database that is made now.
            .page_size(16_384)
            // 16 MiB of pages stay in memory, and the log of writes grows to 16 MiB before it is folded in:
            // both keep the writer from reading and writing the same pages again and again.
            .pragma("cache_size", "-16384")
            .pragma("wal_autocheckpoint", "1000")
            // A group of rows is one statement, and what would undo half of it stays out of the file system.
            .pragma("temp_store", "MEMORY")
            // What is erased is overwritten, not only given free.
            .pragma("secure_delete", "ON")
            .foreign_keys(true);
        let write = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
        migrate::run(&write).await?;
        let sequence = Sequence::new(open_log(&write).await?);
        // What is looked up is rarely looked up again, and who reads the log on and on needs no page twice.
        let options = options.read_only(true).pragma("cache_size", "-2048");
        let read = SqlitePoolOptions::new().max_connections(4).connect_with(options).await?;
        let (writes, queue) = mpsc::channel(WRITE_QUEUE);
        let handle = WriterHandle::new(write, queue, sequence.clone(), read.clone(), lock);
        Ok((Self { read, writes, sequence, halted: Arc::default(), holds: Arc::default() }, Writer(handle)))
    }

    /// The tree of the access log.
    pub const fn sequence(&self) -> &Sequence {
        &self.sequence
    }

    /// Records nothing any more: the access log was found to be forked or altered. Ends only with the process.
    pub fn halt(&self) {
        self.halted.store(true, Ordering::Release);
    }

    /// Whether nothing is recorded any more.
    pub fn is_halted(&self) -> bool {
        self.halted.load(Ordering::Acquire)
    }

    /// Accepts no new verifications until what is returned, and every other one of it, is dropped; what was
    /// accepted comes to its end.
    pub fn hold(&self) -> Hold {
        self.holds.fetch_add(1, Ordering::AcqRel);
        Hold(Arc::clone(&self.holds))
    }

    /// Whether new verifications are accepted, and new questions of other hubs.
    pub fn check_accepting(&self) -> Result<(), StoreError> {
        if self.holds.load(Ordering::Acquire) > 0 { Err(StoreError::Unanchored) } else { Ok(()) }
    }

    /// How full the queue to the writer is, in thousandths.
    pub fn waiting_thousandths(&self) -> u32 {
        let waiting = self.writes.max_capacity() - self.writes.capacity();
        u32::try_from(waiting * 1_000 / self.writes.max_capacity().max(1)).unwrap_or(u32::MAX)
    }

    /// Hands a write to the writer and waits until its group is durable.
    async fn write<T>(
        &self,
        make: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Write,
    ) -> Result<T, StoreError> {
        if self.halted.load(Ordering::Acquire) {
            return Err(StoreError::Halted);
        }
        self.write_always(make).await
    }

    async fn write_always<T>(
        &self,
        make: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Write,
    ) -> Result<T, StoreError> {
        let (reply, durable) = oneshot::channel();
        self.writes.try_send(make(reply)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            mpsc::error::TrySendError::Closed(_) => StoreError::Stopped,
        })?;
        durable.await.map_err(|_| StoreError::Stopped)?
    }

    /// Makes a write that changes nothing durable: proof that the log can be written.
    pub async fn check_writable(&self) -> Result<(), StoreError> {
        self.write(|reply| Write::Probe { reply }).await
    }
}

/// Only one process may write a log: two would fork it.
fn lock(path: &Path) -> Result<std::fs::File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let failed = |error| StoreError::Lock { file: name.clone(), source: Arc::new(error) };
    let file = std::fs::File::options().create(true).truncate(false).write(true).open(&name).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::Locked(name)),
        Err(std::fs::TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// The tree of the stored log; the first time, made over the entries of before.
async fn open_log(pool: &SqlitePool) -> Result<Tree, StoreError> {
    let mut transaction = pool.begin().await?;
    if log::is_to_adopt(&mut transaction).await? {
        log::adopt(&mut transaction).await?;
    }
    let tree = log::load_tree(&mut transaction).await?;
    transaction.commit().await?;
    Ok(tree)
}

impl Writer {
    /// Groups and commits writes until every [`Store`] is gone, then closes the database.
    pub async fn run(self) {
        self.0.run().await;
    }
}
