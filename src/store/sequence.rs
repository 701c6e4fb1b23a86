//! The sequencer: gives each entry of the access log its index, in the order of the writer's transactions,
//! and keeps the tree over them.
//!
//! INVARIANT: the tree in memory is the tree of what is committed. A transaction grows a copy, which takes
//! its place after the commit; after a transaction that failed, the tree is read again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::SqliteConnection;
use tokio::sync::watch;

use super::event::EventRow;
use super::recent::Recent;
use super::{StoreError, log};
use crate::tlog::Hash;
use crate::tlog::tree::{FullTile, Tree};

/// The tree of the access log, shared between the writer, which grows it, and the publisher, which signs its root.
#[derive(Clone)]
pub struct Sequence {
    tree: Arc<Mutex<Tree>>,
    grown: watch::Sender<u64>,
    recent: Recent,
}

/// The tree with entries more, to be taken over when they are committed.
pub(super) struct Grown {
    /// The index of the first of them.
    pub(super) first: u64,
    /// The tiles that filled up.
    pub(super) full: Vec<FullTile>,
    /// The tree.
    pub(super) tree: Tree,
}

impl Sequence {
    pub(super) fn new(tree: Tree) -> Self {
        let grown = watch::Sender::new(tree.size());
        Self { tree: Arc::new(Mutex::new(tree)), grown, recent: Recent::default() }
    }

    /// How many entries are durable, and the root over them.
    pub fn head(&self) -> (u64, Hash) {
        let tree = self.tree.lock().unwrap_or_else(PoisonError::into_inner);
        (tree.size(), tree.root())
    }

    /// Tells whenever entries became durable: how many there are.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.grown.subscribe()
    }

    /// Gives each event its index. `None` for no events.
    pub(super) fn grow(&self, rows: &[&EventRow]) -> Option<Grown> {
        if rows.is_empty() {
            return None;
        }
        let mut tree = self.tree.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (first, mut full) = (tree.size(), Vec::new());
        for row in rows {
            tree.append(row.leaf(), &mut full);
        }
        Some(Grown { first, full, tree })
    }

    /// The entries from index `from` on, for the one who follows the log: each is handed over once. `None` when an
    /// earlier one has to be read from the database first.
    pub fn follow(&self, from: u64) -> Option<VecDeque<EventRow>> {
        self.recent.take(from)
    }

    /// Waits until so many entries wait to be followed that it is worth the while.
    pub async fn many_to_follow(&self) {
        self.recent.many().await;
    }

    /// Takes over what was grown by these events, after the commit.
    pub(super) fn take_grown(&self, grown: Grown, rows: &[&EventRow]) {
        self.recent.add(grown.first, rows);
        self.take(grown.tree);
    }

    fn take(&self, tree: Tree) {
        let size = tree.size();
        *self.tree.lock().unwrap_or_else(PoisonError::into_inner) = tree;
        self.grown.send_replace(size);
    }

    /// Reads the tree again, after a transaction of which nobody can say whether it counts.
    pub(super) async fn reload(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let tree = log::load_tree(connection).await?;
        self.take(tree);
        Ok(())
    }
}
