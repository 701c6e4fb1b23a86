//! The only SQL: verifications with their sealed outcomes, and access events, on `SQLite`.
//!
//! All writes go through one writer that groups concurrent ones into one durable transaction
//! (`synchronous=FULL`): a caller is answered after its group is on disk, and the flush is paid once
//! for the group. Reads have their own pool.

mod event;
mod migrate;
mod verification;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use tokio::sync::{mpsc, oneshot};

pub use event::EventRow;
pub use verification::{NewVerification, Opened, OutcomeRow, VerificationRow};
use writer::{Write, WriterHandle};

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
}

/// The task that owns the write connection; joined at shutdown.
pub struct Writer(WriterHandle);

impl Store {
    /// Opens the database at `path`, makes it when absent, and migrates it forward.
    /// The returned writer must be driven by [`Writer::run`].
    pub async fn open(path: &Path) -> Result<(Self, Writer), StoreError> {
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
            .foreign_keys(true);
        let write = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
        migrate::run(&write).await?;
        let read = SqlitePoolOptions::new().max_connections(4).connect_with(options.read_only(true)).await?;
        let (writes, queue) = mpsc::channel(WRITE_QUEUE);
        Ok((Self { read, writes }, Writer(WriterHandle::new(write, queue))))
    }

    /// Hands a write to the writer and waits until its group is durable.
    async fn write<T>(
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

    /// Makes an empty write durable: proof that the log can be written.
    pub async fn check_writable(&self) -> Result<(), StoreError> {
        self.write(|reply| Write::Events { rows: Vec::new(), reply }).await
    }
}

impl Writer {
    /// Groups and commits writes until every [`Store`] is gone, then closes the database.
    pub async fn run(self) {
        self.0.run().await;
    }
}
