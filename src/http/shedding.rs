//! Who is turned away at the door while the hub has more to do than it can: before token or body cost anything.
//!
//! How hard it is pressed is measured by `app/pressing.rs` and decided in `auth/pressure.rs`; here stands what a request
//! costs while nobody is turned away: two atomic loads.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, HttpBody, to_bytes};
use axum::http::HeaderMap;
use axum::http::header::EXPECT;

use crate::auth::pressure::{Overload, Pressure, has_room};
use crate::domain::class::Class;

/// Steps through the thousandths so that any share of them is met evenly: a number without common divisor, near the
/// golden section of 1000.
const STRIDE: u32 = 617;
/// Longest body that is taken in although its request is refused, bytes; and how long is waited for it.
pub(super) const MAX_PASSED: u64 = 64 * 1024;
const PASSING: Duration = Duration::from_millis(200);

/// Decides who is let in.
pub struct Shedding {
    pressure: Mutex<Pressure>,
    /// Thousandths refused, of single households and of batches.
    refused: [AtomicU32; 2],
    turns: AtomicU32,
    has_batches: AtomicBool,
    most_under_way: usize,
    batch_clients: HashSet<String>,
}

impl Shedding {
    /// Lets in while whoever could run waits less than `longest_delay`, and while fewer verifications than
    /// `most_under_way` are under way. What these clients ask is of the batch class, whatever they say.
    pub fn new(longest_delay: Duration, most_under_way: usize, batch_clients: HashSet<String>) -> Self {
        Self {
            pressure: Mutex::new(Pressure::new(longest_delay)),
            refused: [AtomicU32::new(0), AtomicU32::new(0)],
            turns: AtomicU32::new(0),
            has_batches: AtomicBool::new(false),
            most_under_way,
            batch_clients,
        }
    }

    /// Takes in how long somebody who could run had to wait; `is_end` ends the interval.
    pub fn measured(&self, wait: Duration, is_end: bool) {
        let mut pressure = self.pressure.lock().unwrap_or_else(PoisonError::into_inner);
        pressure.waited(wait);
        if is_end {
            pressure.turn(self.has_batches.swap(false, Ordering::Relaxed));
            let [single, batch] = &self.refused;
            single.store(pressure.refused(Class::Single), Ordering::Relaxed);
            batch.store(pressure.refused(Class::Batch), Ordering::Relaxed);
            metrics::gauge!("hedui_load_refused_thousandths", "class" => "single").set(pressure.refused(Class::Single));
            metrics::gauge!("hedui_load_refused_thousandths", "class" => "batch").set(pressure.refused(Class::Batch));
        }
    }

    /// Whether requests of any class are refused because whoever could run has to wait.
    pub fn is_pressed(&self) -> bool {
        self.refused.iter().any(|refused| refused.load(Ordering::Relaxed) > 0)
    }

    /// The class that a client's requests have, where it is not the one they say.
    pub(super) fn class_of(&self, client: &str, said: Class) -> Class {
        if self.batch_clients.contains(client) { Class::Batch } else { said }
    }

    /// Whether one more request of a class is let in while so many verifications are under way.
    pub(super) fn check(&self, class: Class, under_way: usize) -> Result<(), Overload> {
        let [single, batch] = &self.refused;
        let refused = if class == Class::Single { single } else { batch };
        if class != Class::Single {
            self.has_batches.store(true, Ordering::Relaxed);
        }
        let refused = refused.load(Ordering::Relaxed);
        if refused > 0 && self.turns.fetch_add(1, Ordering::Relaxed).wrapping_mul(STRIDE) % 1_000 < refused {
            return Err(Overload::Processor);
        }
        if has_room(class, under_way, self.most_under_way) { Ok(()) } else { Err(Overload::UnderWay) }
    }
}

/// The class that a request says it has: an urgency below the usual one is a batch (`Priority`, RFC 9218 section 4.1).
pub(super) fn said(headers: &HeaderMap) -> Class {
    let priorities = headers.get_all("priority").iter().filter_map(|value| value.to_str().ok());
    let urgency = priorities.flat_map(|value| value.split(',')).find_map(|parameter| {
        let (name, urgency) = parameter.split_once('=')?;
        (name.trim() == "u").then(|| urgency.trim().parse::<u8>().ok())?
    });
    if urgency.is_some_and(|urgency| (4..=7).contains(&urgency)) { Class::Batch } else { Class::Single }
}

/// Takes in a body that nobody reads, where it is short and on its way: HTTP/1.1 has to close a connection on which one is
/// left, and a handshake for the next request costs far more than the bytes of this one.
pub(super) async fn let_pass(headers: &HeaderMap, body: Body) {
    // Who waits to be told to go on has sent nothing yet, and need not.
    if headers.contains_key(EXPECT) || body.size_hint().upper().is_none_or(|most| most > MAX_PASSED) {
        return;
    }
    // One that breaks off or does not come in time leaves a connection to close, as it would have been without this.
    drop(tokio::time::timeout(PASSING, to_bytes(body, usize::MAX)).await);
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn pressed(intervals: usize) -> Shedding {
        let shedding = Shedding::new(Duration::from_millis(15), 100, HashSet::from(["nightly".to_owned()]));
        for _ in 0..intervals {
            shedding.measured(Duration::from_millis(30), true);
        }
        shedding
    }

    #[test]
    fn the_share_that_is_refused_is_met_evenly() {
        let shedding = pressed(1);
        let (single, batch) =
            (shedding.refused[0].load(Ordering::Relaxed), shedding.refused[1].load(Ordering::Relaxed));
        assert_eq!((single, batch), (0, 1_000), "nobody asked in a batch, so single households are next at once");
        let shedding = pressed(4);
        let share = shedding.refused[0].load(Ordering::Relaxed);
        assert!((100..500).contains(&share), "{share}");
        for _ in 0..10 {
            let refused = (0..1_000).filter(|_| shedding.check(Class::Single, 0).is_err()).count();
            assert_eq!(refused, usize::try_from(share).unwrap());
        }
        assert!(shedding.is_pressed() && pressed(1).is_pressed() && !pressed(0).is_pressed());
        assert_eq!(pressed(0).check(Class::Batch, 80), Err(Overload::UnderWay));
        assert_eq!(pressed(0).check(Class::Single, 80), Ok(()));
    }

    #[test]
    fn a_lower_urgency_is_a_batch_and_garbage_is_not() {
        let class = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("priority", HeaderValue::from_str(value).unwrap());
            said(&headers)
        };
        assert_eq!((class("u=5"), class("i, u=7"), class("u=3")), (Class::Batch, Class::Batch, Class::Single));
        for garbage in ["", "u", "u=", "u=x", "u=-1", "u=8", "u=999", "urgency=7"] {
            assert_eq!(class(garbage), Class::Single, "{garbage}");
        }
        assert_eq!(said(&HeaderMap::new()), Class::Single);
        assert_eq!(pressed(0).class_of("nightly", Class::Single), Class::Batch);
        assert_eq!(pressed(0).class_of("desk", Class::Batch), Class::Batch);
    }
}
