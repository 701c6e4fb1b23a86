//! Single flight: one call for all who ask the same now. The first leads, the others join.
//!
//! A flight that is dropped without landing (a panic, a shutdown) closes, and who waits is told so.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

/// What makes two questions the same.
pub(super) type FlightKey = Box<[u8]>;

/// Who joined each flight, in the order in which they came and are told.
type Table<T> = Mutex<HashMap<FlightKey, Vec<oneshot::Sender<T>>>>;

/// The flights under way.
pub(super) struct Flights<T>(Arc<Table<T>>);

/// Who is on board.
pub(super) enum Boarded<T> {
    /// Nobody asks this yet: lead, and land.
    Leading(Landing<T>),
    /// Somebody leads: wait.
    Joined(Seat<T>),
}

/// A joiner's place on a flight: what it brings, once it has landed.
pub(super) struct Seat<T>(oneshot::Receiver<T>);

/// The leader's duty: to land the flight.
pub(super) struct Landing<T> {
    key: FlightKey,
    table: Arc<Table<T>>,
    is_over: bool,
}

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Clone> Flights<T> {
    /// Boards the flight of this key.
    pub(super) fn board(&self, key: FlightKey) -> Boarded<T> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seats) = table.get_mut(&key) {
            let (told, seat) = oneshot::channel();
            seats.push(told);
            return Boarded::Joined(Seat(seat));
        }
        table.insert(key.clone(), Vec::new());
        Boarded::Leading(Landing { key, table: Arc::clone(&self.0), is_over: false })
    }
}

impl<T> Seat<T> {
    /// Waits for the flight. `None` when it was dropped without landing.
    pub(super) async fn landed(self) -> Option<T> {
        self.0.await.ok()
    }
}

impl<T: Clone> Landing<T> {
    /// Ends the flight: who asks from now on boards another one.
    pub(super) fn land(mut self, result: T) {
        for seat in self.end() {
            // Who left the flight is not told.
            drop(seat.send(result.clone()));
        }
    }
}

impl<T> Landing<T> {
    fn end(&mut self) -> Vec<oneshot::Sender<T>> {
        self.is_over = true;
        self.table.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key).unwrap_or_default()
    }
}

impl<T> Drop for Landing<T> {
    fn drop(&mut self) {
        if !self.is_over {
            drop(self.end());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(flights: &Flights<u32>, key: u8) -> (Option<Landing<u32>>, Option<Seat<u32>>) {
        match flights.board(Box::new([key])) {
            Boarded::Leading(landing) => (Some(landing), None),
            Boarded::Joined(seat) => (None, Some(seat)),
        }
    }

    #[tokio::test]
    async fn joiners_get_what_the_leader_lands_and_the_next_one_leads_anew() {
        let flights: Flights<u32> = Flights::default();
        let landing = board(&flights, 1).0.unwrap();
        let joiner = board(&flights, 1).1.unwrap();
        assert!(board(&flights, 2).0.is_some(), "another question is another flight");
        landing.land(7);
        assert_eq!(joiner.landed().await, Some(7));
        assert!(board(&flights, 1).0.is_some());
    }

    #[tokio::test]
    async fn a_flight_that_never_lands_leaves_nobody_waiting() {
        let flights: Flights<u32> = Flights::default();
        let landing = board(&flights, 1).0.unwrap();
        let joiner = board(&flights, 1).1.unwrap();
        drop(landing);
        assert_eq!(joiner.landed().await, None);
        assert!(board(&flights, 1).0.is_some());
    }
}
