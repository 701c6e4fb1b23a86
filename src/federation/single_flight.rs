//! Single flight: one call for all who ask the same now. The first leads, the others join.
//!
//! The leader's call runs on a task of its own, so it lands whether or not anybody still waits. A flight
//! that is dropped without landing (a panic, a shutdown) closes, and who waits is told so.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// What makes two questions the same.
pub(super) type FlightKey = [u8; 32];

type Table<T> = Mutex<HashMap<FlightKey, watch::Receiver<Option<T>>>>;

/// The flights under way.
pub(super) struct Flights<T>(Arc<Table<T>>);

/// A place on a flight: what it brings, once it has landed.
pub(super) struct Seat<T>(watch::Receiver<Option<T>>);

/// The leader's duty: to land the flight.
pub(super) struct Landing<T> {
    key: FlightKey,
    table: Arc<Table<T>>,
    landed: watch::Sender<Option<T>>,
}

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Clone> Flights<T> {
    /// Boards the flight of this key. Whoever gets a [`Landing`] with the seat leads it.
    pub(super) fn board(&self, key: FlightKey) -> (Seat<T>, Option<Landing<T>>) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = table.get(&key) {
            return (Seat(flight.clone()), None);
        }
        let (landed, seat) = watch::channel(None);
        table.insert(key, seat.clone());
        (Seat(seat), Some(Landing { key, table: Arc::clone(&self.0), landed }))
    }
}

impl<T: Clone> Seat<T> {
    /// Waits for the flight. `None` when it was dropped without landing.
    pub(super) async fn landed(mut self) -> Option<T> {
        self.0.wait_for(Option::is_some).await.ok()?.clone()
    }
}

impl<T> Landing<T> {
    /// Ends the flight: who asks from now on boards another one.
    pub(super) fn land(self, result: T) {
        self.landed.send_replace(Some(result));
    }
}

impl<T> Drop for Landing<T> {
    fn drop(&mut self) {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn joiners_get_what_the_leader_lands_and_the_next_one_leads_anew() {
        let flights: Flights<u32> = Flights::default();
        let (leader, landing) = flights.board([1; 32]);
        let (joiner, none) = flights.board([1; 32]);
        assert!(none.is_none());
        let (_, other) = flights.board([2; 32]);
        assert!(other.is_some(), "another question is another flight");
        landing.unwrap().land(7);
        assert_eq!((leader.landed().await, joiner.landed().await), (Some(7), Some(7)));
        assert!(flights.board([1; 32]).1.is_some());
    }

    #[tokio::test]
    async fn a_flight_that_never_lands_leaves_nobody_waiting() {
        let flights: Flights<u32> = Flights::default();
        let (leader, landing) = flights.board([1; 32]);
        let (joiner, _) = flights.board([1; 32]);
        drop(landing);
        assert_eq!((leader.landed().await, joiner.landed().await), (None, None));
        assert!(flights.board([1; 32]).1.is_some());
    }
}
