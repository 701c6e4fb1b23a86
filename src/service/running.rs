//! Verifications that are running in this process: what has come so far, and who waits.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::answer::DepartmentRow;
use super::case::Case;
use crate::domain::authorisation::canonical_number;
use crate::domain::class::Class;
use crate::store::StoreError;

/// A completed answer, serialised once.
pub type Finished = bytes::Bytes;

/// How a verification ended: its answer, or why it could not be made durable.
pub type End = Result<Finished, StoreError>;

/// A verification that is running in this process.
pub struct Running {
    /// Its id.
    pub id: String,
    /// The client that asked.
    pub client_id: String,
    /// When it was accepted.
    pub opened_at: jiff::Timestamp,
    /// The request, with what it rests on.
    pub case: Case,
    /// How urgent it is.
    pub class: Class,
    /// Says that its authorisation was revoked while it ran.
    pub revoked: CancellationToken,
    /// The departments that have answered, in that order; followers watch this.
    pub departments: watch::Sender<Vec<DepartmentRow>>,
    /// How it ended, once it has; apart from the departments, so that who waits for the end is woken once.
    pub end: watch::Sender<Option<End>>,
}

/// The verifications running in this process by id, and how many they are.
#[derive(Default)]
pub struct RunningTable(Mutex<HashMap<String, Arc<Running>>>, AtomicUsize);

impl RunningTable {
    /// Adds one. `None` when it is there already.
    pub fn insert(&self, running: Running) -> Option<Arc<Running>> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.contains_key(&running.id) {
            return None;
        }
        let running = Arc::new(running);
        table.insert(running.id.clone(), Arc::clone(&running));
        self.1.store(table.len(), Ordering::Relaxed);
        Some(running)
    }

    /// The running verification of this id.
    pub fn get(&self, id: &str) -> Option<Arc<Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).map(Arc::clone)
    }

    /// All of one client that rest on the authorisation of this canonical number, however they write it.
    pub fn resting_on(&self, client_id: &str, number: &str) -> Vec<Arc<Running>> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rests = |running: &&Arc<Running>| {
            running.client_id == client_id && canonical_number(&running.case.request.authorisation.number) == number
        };
        table.values().filter(rests).map(Arc::clone).collect()
    }

    /// Removes one that has come to its end.
    pub fn remove(&self, id: &str) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.remove(id);
        self.1.store(table.len(), Ordering::Relaxed);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.1.load(Ordering::Relaxed)
    }
}
