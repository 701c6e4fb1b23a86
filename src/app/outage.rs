//! How long a place that keeps the head of the access log has been failing, and what follows: somebody is told,
//! and after the configured time nothing new is accepted.

use std::time::Duration;

use tokio::time::Instant;

use crate::store::{Hold, Store};

/// How long the head may be known nowhere else before somebody is told (A54).
const ALARM_AFTER: Duration = Duration::from_mins(5);

/// A place that keeps the head, seen from the hub.
pub(super) struct Outage {
    place: Place,
    refuse_after: Duration,
    since: Option<Instant>,
    told_at: Option<Instant>,
    hold: Option<Hold>,
}

/// What kind of place it is.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// A file elsewhere.
    Anchor,
    /// A witness, by its name.
    Witness(String),
}

/// What is to be said of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tell {
    Nothing,
    Warning,
    Alarm,
}

impl Outage {
    /// Nothing has failed yet.
    pub(super) const fn new(place: Place, refuse_after: Duration) -> Self {
        Self { place, refuse_after, since: None, told_at: None, hold: None }
    }

    /// Whether it is failing.
    pub(super) const fn goes_on(&self) -> bool {
        self.since.is_some()
    }

    /// For how long it has been failing.
    pub(super) fn failing_for(&self) -> Option<Duration> {
        self.since.map(|since| since.elapsed())
    }

    /// It works.
    pub(super) fn ended(&mut self) {
        if let (Place::Witness(witness), Some(since)) = (&self.place, self.since) {
            tracing::info!(witness, failed_for = ?since.elapsed(), "the witness cosigns again");
        }
        self.since = None;
        self.told_at = None;
        self.hold = None;
        self.measure(Duration::ZERO);
    }

    /// It failed.
    pub(super) fn failed(&mut self, store: &Store, error: &str) {
        let (failing_for, tell) = self.step(Instant::now());
        self.measure(failing_for);
        match (&self.place, tell) {
            (_, Tell::Nothing) => {}
            (Place::Anchor, Tell::Alarm | Tell::Warning) => {
                tracing::error!(
                    error,
                    ?failing_for,
                    "the access log cannot be anchored: its head is known nowhere else"
                );
            }
            (Place::Witness(witness), Tell::Alarm) => {
                tracing::error!(error, witness, ?failing_for, "a witness does not cosign the access log");
            }
            (Place::Witness(witness), Tell::Warning) => {
                tracing::warn!(error, witness, "a witness does not cosign the access log");
            }
        }
        if failing_for >= self.refuse_after {
            self.hold.get_or_insert_with(|| store.hold());
        }
    }

    /// How long it has been failing at `now`, and what is to be said: at once, and every five minutes.
    fn step(&mut self, now: Instant) -> (Duration, Tell) {
        let failing_for = now.duration_since(*self.since.get_or_insert(now));
        let tell = match self.told_at {
            // A witness may be away for a moment, as while it is restarted.
            None => Tell::Warning,
            Some(at) if now.duration_since(at) >= ALARM_AFTER => Tell::Alarm,
            Some(_) => Tell::Nothing,
        };
        if tell != Tell::Nothing {
            self.told_at = Some(now);
        }
        (failing_for, tell)
    }

    fn measure(&self, failing_for: Duration) {
        let gauge = match &self.place {
            Place::Anchor => metrics::gauge!("hedui_access_log_unanchored_seconds"),
            Place::Witness(witness) => {
                metrics::gauge!("hedui_access_log_unwitnessed_seconds", "witness" => witness.clone())
            }
        };
        gauge.set(failing_for.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a54_somebody_is_told_at_once_and_alarmed_every_five_minutes_until_it_ends() {
        let mut outage = Outage::new(Place::Witness("witness.example/w1".to_owned()), Duration::from_hours(4));
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let told: Vec<(u64, Tell)> = (0..=900)
            .step_by(10)
            .map(|second| (second, outage.step(at(second)).1))
            .filter(|(_, tell)| *tell != Tell::Nothing)
            .collect();
        assert_eq!(told, [(0, Tell::Warning), (300, Tell::Alarm), (600, Tell::Alarm), (900, Tell::Alarm)]);
        assert_eq!(outage.step(at(910)).0, Duration::from_secs(910));
        assert!(outage.goes_on());
        outage.ended();
        assert!(!outage.goes_on());
        assert_eq!(outage.step(at(1000)), (Duration::ZERO, Tell::Warning));
    }
}
