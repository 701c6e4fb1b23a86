//! Who is turned away at the door while the hub has more to do than it can: before token or body cost anything.
//!
//! How hard it is pressed is measured by `app/pressing.rs` and decided in `auth/pressure.rs`; here stands what a request
//! costs while nobody is turned away: a few atomic operations.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, HttpBody, to_bytes};
use axum::http::HeaderMap;
use axum::http::header::EXPECT;

use crate::auth::pressure::{Overload, Pressure, Seen, has_room};
use crate::domain::class::Class;

/// Longest body that is taken in although its request is refused, bytes; and how long is waited for it.
pub(super) const MAX_PASSED: u64 = 64 * 1024;
const PASSING: Duration = Duration::from_millis(200);

/// Decides who is let in.
pub struct Shedding {
    /// With how many were inside when the last interval ended.
    pressure: Mutex<(Pressure, usize)>,
    /// How many may be inside because of the pressure; [`usize::MAX`] while there is none.
    limit: AtomicUsize,
    /// Requests that were let in and are not answered yet.
    asking: AtomicUsize,
    /// Who was let in since the last interval ended.
    let_in: AtomicU32,
    /// Who was turned away since then because of the pressure.
    refused: AtomicU32,
    most_under_way: usize,
    batch_clients: HashSet<String>,
}

/// A request that was let in, as long as it is not answered.
pub(super) struct Inside<'a>(&'a Shedding);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.asking.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is measured in an interval besides what the door sees itself.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// How long the interval was.
    pub interval: Duration,
    /// How many verifications are under way at its end.
    pub under_way: usize,
    /// How long somebody who came now would wait for a place at most departments.
    pub queue: Duration,
    /// How full the queue to the log is, in thousandths.
    pub to_log: u32,
    /// How long the slowest department takes for half of its questions.
    pub half: Duration,
}

impl Shedding {
    /// Lets everybody in while one waits less than `longest_delay` for the processor, and while fewer verifications than
    /// `most_under_way` are under way. What these clients ask is of the batch class, whatever they say.
    pub fn new(longest_delay: Duration, most_under_way: usize, batch_clients: HashSet<String>) -> Self {
        Self {
            pressure: Mutex::new((Pressure::new(longest_delay), 0)),
            limit: AtomicUsize::new(usize::MAX),
            asking: AtomicUsize::new(0),
            let_in: AtomicU32::new(0),
            refused: AtomicU32::new(0),
            most_under_way,
            batch_clients,
        }
    }

    /// Takes in how long somebody who could run had to wait.
    pub fn waited(&self, wait: Duration) {
        self.pressure.lock().unwrap_or_else(PoisonError::into_inner).0.waited(wait);
    }

    /// Ends an interval.
    pub fn turn(&self, measured: Measured) {
        let Measured { interval, under_way, queue, to_log, half } = measured;
        let (refused, inside) = (self.refused.swap(0, Ordering::Relaxed), self.inside(under_way));
        let let_in = usize::try_from(self.let_in.swap(0, Ordering::Relaxed)).unwrap_or(usize::MAX);
        let mut guard = self.pressure.lock().unwrap_or_else(PoisonError::into_inner);
        let (pressure, before) = &mut *guard;
        let ended = before.saturating_add(let_in).saturating_sub(inside);
        *before = inside;
        let ended = u32::try_from(ended).unwrap_or(u32::MAX);
        pressure.turn(Seen { interval, refused, ended, queue, to_log, half });
        self.limit.store(pressure.limit().unwrap_or(usize::MAX), Ordering::Relaxed);
        let most = pressure.limit().unwrap_or(usize::MAX).min(self.most_under_way);
        metrics::gauge!("hedui_load_room").set(u32::try_from(most).unwrap_or(u32::MAX));
        metrics::gauge!("hedui_load_inside").set(u32::try_from(inside).unwrap_or(u32::MAX));
    }

    /// Whether not everybody is let in because one has to wait inside.
    pub fn is_pressed(&self) -> bool {
        self.limit.load(Ordering::Relaxed) < usize::MAX
    }

    /// The class that a client's requests have, where it is not the one they say.
    pub(super) fn class_of(&self, client: &str, said: Class) -> Class {
        if self.batch_clients.contains(client) { Class::Batch } else { said }
    }

    /// Lets in one more request of a class while so many verifications are under way, if there is room.
    pub(super) fn let_in(&self, class: Class, under_way: usize) -> Result<Inside<'_>, Overload> {
        self.check(class, under_way)?;
        self.let_in.fetch_add(1, Ordering::Relaxed);
        self.asking.fetch_add(1, Ordering::Relaxed);
        Ok(Inside(self))
    }

    /// Whether there is room for one more request of a class while so many verifications are under way.
    pub(super) fn check(&self, class: Class, under_way: usize) -> Result<(), Overload> {
        let inside = self.inside(under_way);
        if !has_room(class, inside, self.limit.load(Ordering::Relaxed)) {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(Overload::Pressed);
        }
        if has_room(class, under_way, self.most_under_way) { Ok(()) } else { Err(Overload::UnderWay) }
    }

    /// How many are inside. Some are asked for by nobody any more, and some are not under way yet; most are both.
    fn inside(&self, under_way: usize) -> usize {
        self.asking.load(Ordering::Relaxed).max(under_way)
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

    fn shedding() -> Shedding {
        Shedding::new(Duration::from_millis(15), 1_000, HashSet::from(["nightly".to_owned()]))
    }

    /// Ends an interval in which one waited so long.
    fn turned(shedding: &Shedding, wait: Duration) {
        shedding.waited(wait);
        let interval = Duration::from_millis(100);
        let (queue, half) = (Duration::ZERO, Duration::ZERO);
        shedding.turn(Measured { interval, under_way: 0, queue, to_log: 0, half });
    }

    #[test]
    fn as_many_are_inside_as_may_be_and_whoever_leaves_makes_room() {
        let shedding = shedding();
        let mut inside: Vec<Inside<'_>> = (0..400).map(|_| shedding.let_in(Class::Single, 0).unwrap()).collect();
        assert!(!shedding.is_pressed());
        turned(&shedding, Duration::from_millis(30));
        assert!(shedding.is_pressed());
        assert_eq!(shedding.let_in(Class::Single, 0).err(), Some(Overload::Pressed));
        let room = shedding.limit.load(Ordering::Relaxed);
        inside.truncate(room * 9 / 10);
        assert!(shedding.let_in(Class::Batch, 0).is_err(), "the last fifth is for single households");
        assert!(shedding.let_in(Class::Single, 0).is_ok());
        inside.clear();
        for _ in 0..11 {
            assert!(shedding.is_pressed());
            turned(&shedding, Duration::ZERO);
        }
        assert!(!shedding.is_pressed() && shedding.let_in(Class::Batch, 0).is_ok());
        assert_eq!(shedding.check(Class::Batch, 800), Err(Overload::UnderWay));
        assert_eq!(shedding.check(Class::Single, 800), Ok(()));
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
        assert_eq!(shedding().class_of("nightly", Class::Single), Class::Batch);
        assert_eq!(shedding().class_of("desk", Class::Batch), Class::Batch);
    }
}
