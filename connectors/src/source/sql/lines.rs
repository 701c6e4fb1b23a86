//! A few open connections to a database server: as many as agreed, each asked by one question at a time.
//!
//! The driver's own pool tries again by itself and tells a refused connection as a time-out; an operator
//! must be told which of the two it was. A connection is kept only when its question came to its end:
//! one that was given up half-way is closed, so that the server stops working on it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::Connection;
use tokio::sync::Semaphore;

/// Unused for longer, a connection is tried before it is asked: the server may have closed it.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// A connection is made anew after this time, and with it what is looked at when one is made.
const MAX_AGE: Duration = Duration::from_mins(10);

/// The connections to one database.
#[derive(Debug)]
pub(super) struct Lines<C> {
    permits: Semaphore,
    idle: Mutex<Vec<Line<C>>>,
}

/// An open connection.
#[derive(Debug)]
pub(super) struct Line<C> {
    pub(super) connection: C,
    made: Instant,
    used: Instant,
}

impl<C: Connection> Lines<C> {
    /// At most `most` connections; none is made yet.
    pub(super) fn new(most: u32) -> Self {
        let permits = Semaphore::new(usize::try_from(most).unwrap_or(1));
        Self { permits, idle: Mutex::default() }
    }

    /// Does `work` on a connection, an open one or one that `open` makes, waiting for its turn. After an
    /// error that `spoils` the connection, or when this future is dropped, the connection is closed.
    pub(super) async fn with<T, E>(
        &self,
        open: impl AsyncFnOnce() -> Result<C, E>,
        work: impl AsyncFnOnce(&mut C) -> Result<T, E>,
        spoils: impl FnOnce(&E) -> bool,
    ) -> Result<T, E> {
        let permit = self.permits.acquire().await;
        let mut line = match self.open_line().await {
            Some(line) => line,
            None => Line { connection: open().await?, made: Instant::now(), used: Instant::now() },
        };
        let done = work(&mut line.connection).await;
        if !done.as_ref().err().is_some_and(spoils) && !self.permits.is_closed() {
            line.used = Instant::now();
            self.idle().push(line);
        }
        drop(permit);
        done
    }

    async fn open_line(&self) -> Option<Line<C>> {
        loop {
            let mut line = self.idle().pop()?;
            if line.made.elapsed() > MAX_AGE {
                continue;
            }
            if line.used.elapsed() < TRUSTED_FOR || line.connection.ping().await.is_ok() {
                return Some(line);
            }
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Line<C>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says farewell on every connection that is not in use.
    pub(super) async fn close(&self) {
        self.permits.close();
        let lines = std::mem::take(&mut *self.idle());
        for line in lines {
            // The server closes what it did not hear from again; nothing is lost.
            drop(line.connection.close().await);
        }
    }
}
