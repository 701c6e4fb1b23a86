//! The newest entries of the access log as they became durable, for whoever follows it: reading each back from the
//! database costs more than what is then done with it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::event::EventRow;

/// At most so many entries wait here. Who comes later than that finds the rest in the database.
const HELD: usize = 4_096;

/// So many are worth waking somebody.
const MANY: usize = 1_024;

/// Entries that nobody took yet, in order and without a gap.
#[derive(Clone, Default)]
pub(super) struct Recent {
    held: Arc<Mutex<Held>>,
    many: Arc<Notify>,
}

#[derive(Default)]
struct Held {
    /// The index of the first.
    first: u64,
    rows: VecDeque<EventRow>,
}

impl Held {
    fn next(&self) -> u64 {
        self.first.saturating_add(u64::try_from(self.rows.len()).unwrap_or(u64::MAX))
    }

    fn forget_first(&mut self) {
        if self.rows.pop_front().is_some() {
            self.first = self.first.saturating_add(1);
        }
    }
}

impl Recent {
    /// Holds entries that became durable, the first of them at `index`.
    pub(super) fn add(&self, index: u64, rows: &[&EventRow]) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.next() != index {
            // Others became durable of which this process does not know: the database tells of them.
            *held = Held { first: index, rows: VecDeque::new() };
        }
        for row in rows {
            if held.rows.len() >= HELD {
                held.forget_first();
            }
            held.rows.push_back((*row).clone());
        }
        if held.rows.len() >= MANY {
            self.many.notify_one();
        }
    }

    /// The entries from index `from` on, which are held no longer. `None` when an earlier one has to be read from the
    /// database first.
    pub(super) fn take(&self, from: u64) -> Option<VecDeque<EventRow>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if from < held.first {
            return None;
        }
        while !held.rows.is_empty() && held.first < from {
            held.forget_first();
        }
        if held.first < from {
            return None;
        }
        held.first = held.next();
        Some(std::mem::take(&mut held.rows))
    }

    /// Waits until many wait.
    pub(super) async fn many(&self) {
        self.many.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u64) -> EventRow {
        EventRow::new(format!("ev_{number}"), 0, format!("{{\"number\":{number}}}")).unwrap()
    }

    fn add(recent: &Recent, numbers: std::ops::Range<u64>) {
        let (first, rows) = (numbers.start, numbers.map(row).collect::<Vec<_>>());
        recent.add(first, &rows.iter().collect::<Vec<_>>());
    }

    fn taken(recent: &Recent, from: u64) -> Option<Vec<String>> {
        Some(recent.take(from)?.iter().map(|row| row.id().to_owned()).collect())
    }

    #[test]
    fn each_entry_is_handed_over_once_and_in_order() {
        let recent = Recent::default();
        add(&recent, 0..2);
        add(&recent, 2..3);
        assert_eq!(taken(&recent, 1).unwrap(), ["ev_1", "ev_2"]);
        assert!(taken(&recent, 3).unwrap().is_empty());
        add(&recent, 3..4);
        assert_eq!(taken(&recent, 3).unwrap(), ["ev_3"]);
    }

    #[test]
    fn what_came_before_is_left_to_the_database() {
        let recent = Recent::default();
        add(&recent, 7..9);
        assert!(taken(&recent, 5).is_none());
        assert_eq!(taken(&recent, 7).unwrap().len(), 2);
    }

    #[test]
    fn a_gap_is_never_skipped() {
        let recent = Recent::default();
        add(&recent, 0..3);
        add(&recent, 5..6);
        assert!(taken(&recent, 0).is_none(), "entries 3 and 4 are in the database only");
        assert!(taken(&recent, 9).is_none(), "the follower knows more than what is held");
        assert_eq!(taken(&recent, 5).unwrap_or_default(), Vec::<String>::new(), "they were let go");
    }

    #[test]
    fn no_more_is_held_than_the_bound() {
        let recent = Recent::default();
        let held = HELD as u64;
        add(&recent, 0..held + 10);
        assert!(taken(&recent, 0).is_none());
        assert_eq!(taken(&recent, 10).unwrap().len(), HELD);
    }
}
