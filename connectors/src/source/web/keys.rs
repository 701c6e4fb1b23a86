//! A key or token that lives for a while: fetched when it is first needed, renewed ahead of its end by whoever
//! uses it, by one at a time.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::super::SourceError;
use crate::clock::Clock;
use crate::secret::Secret;

/// The longest time before its end at which a key is renewed.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// How long an old key is used on after it could not be renewed ahead of its end.
const PAUSE: SignedDuration = SignedDuration::from_secs(30);

/// A key that is held, or is to be fetched.
#[derive(Debug)]
pub(super) struct Held {
    clock: Clock,
    now: Mutex<State>,
    /// Held by the one who fetches.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    kept: Option<Kept>,
    number: u64,
}

#[derive(Debug, Clone)]
struct Kept {
    key: Key,
    until: Timestamp,
    renew_at: Timestamp,
}

/// A key, with the number under which it can be given back as refused.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) secret: Arc<Secret>,
    number: u64,
}

/// A key as it was fetched.
pub(super) struct Fetched {
    pub(super) secret: Secret,
    /// When it runs out.
    pub(super) until: Timestamp,
}

impl Held {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, now: Mutex::default(), fetching: tokio::sync::Mutex::default() }
    }

    /// The key. `fetch` is awaited when there is none, when it has run out, or when it soon will.
    pub(super) async fn get(
        &self,
        fetch: impl Future<Output = Result<Fetched, SourceError>>,
    ) -> Result<Key, SourceError> {
        let now = self.clock.now();
        let held = self.kept(now);
        if let Some(kept) = &held
            && now < kept.renew_at
        {
            return Ok(kept.key.clone());
        }
        let turn = match (&held, self.fetching.try_lock()) {
            (_, Ok(turn)) => turn,
            // Somebody renews it, and it is good still.
            (Some(kept), Err(_)) => return Ok(kept.key.clone()),
            (None, Err(_)) => self.fetching.lock().await,
        };
        // Whoever waited may find it fetched.
        if let Some(kept) = self.kept(self.clock.now()).filter(|kept| self.clock.now() < kept.renew_at) {
            return Ok(kept.key);
        }
        let fetched = fetch.await;
        let now = self.clock.now();
        let key = match (fetched, held) {
            (Ok(Fetched { secret, until }), _) => {
                let ahead = (now.duration_until(until) / 6).clamp(SignedDuration::ZERO, AHEAD);
                let mut state = self.state();
                state.number += 1;
                let key = Key { secret: Arc::new(secret), number: state.number };
                state.kept = Some(Kept { key: key.clone(), until, renew_at: earlier(until, ahead) });
                key
            }
            // It is good still: the service is asked for another in a while.
            (Err(_), Some(kept)) if now < kept.until => {
                let mut state = self.state();
                if let Some(same) = state.kept.as_mut().filter(|same| same.key.number == kept.key.number) {
                    same.renew_at = now.saturating_add(PAUSE).unwrap_or(now).min(same.until);
                }
                kept.key
            }
            (Err(error), _) => return Err(error),
        };
        drop(turn);
        Ok(key)
    }

    /// Forgets a key that the service refused, unless another has taken its place.
    pub(super) fn refused(&self, key: &Key) {
        let mut state = self.state();
        if state.kept.as_ref().is_some_and(|kept| kept.key.number == key.number) {
            state.kept = None;
        }
    }

    fn kept(&self, now: Timestamp) -> Option<Kept> {
        self.state().kept.clone().filter(|kept| now < kept.until)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn earlier(instant: Timestamp, by: SignedDuration) -> Timestamp {
    instant.saturating_sub(by).unwrap_or(instant)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

    use super::*;

    /// A key of thirty minutes, a clock in seconds that is set by hand, and a count of what was fetched.
    struct Service {
        held: Held,
        seconds: Arc<AtomicI64>,
        fetched: AtomicU32,
    }

    impl Service {
        fn new() -> Self {
            let seconds = Arc::new(AtomicI64::new(0));
            let clock = Arc::clone(&seconds);
            let now = move || Timestamp::from_second(clock.load(Ordering::SeqCst)).unwrap();
            Self { held: Held::new(Clock::new(now)), seconds, fetched: AtomicU32::new(0) }
        }

        async fn key(&self, sound: bool) -> Result<String, SourceError> {
            let key = self.held.get(async {
                let number = self.fetched.fetch_add(1, Ordering::SeqCst) + 1;
                tokio::task::yield_now().await;
                let until = Timestamp::from_second(self.seconds.load(Ordering::SeqCst) + 1800).unwrap();
                let fetched = Fetched { secret: Secret::new(format!("key {number}")), until };
                if sound { Ok(fetched) } else { Err(SourceError::Locked) }
            });
            key.await.map(|key| key.secret.reveal().to_owned())
        }

        fn at(&self, seconds: i64) {
            self.seconds.store(seconds, Ordering::SeqCst);
        }
    }

    #[tokio::test]
    async fn thirty_two_callers_fetch_one_key() {
        let service = Service::new();
        let keys = futures_util::future::join_all((0..32).map(|_| service.key(true))).await;
        assert!(keys.iter().all(|key| key.as_deref() == Ok("key 1")));
        assert_eq!(service.fetched.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_key_is_renewed_ahead_of_its_end_and_nobody_waits_for_it() {
        let service = Service::new();
        assert_eq!(service.key(true).await.unwrap(), "key 1");
        service.at(1499);
        assert_eq!(service.key(true).await.unwrap(), "key 1");
        service.at(1500);
        let (first, second) = tokio::join!(service.key(true), service.key(true));
        assert_eq!((first.unwrap().as_str(), second.unwrap().as_str()), ("key 2", "key 1"), "the other goes on");
        assert_eq!(service.fetched.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_key_that_cannot_be_renewed_is_used_to_its_end_and_not_beyond() {
        let service = Service::new();
        service.key(true).await.unwrap();
        service.at(1500);
        assert_eq!(service.key(false).await.unwrap(), "key 1");
        assert_eq!(service.key(false).await.unwrap(), "key 1", "not asked for again at once");
        assert_eq!(service.fetched.load(Ordering::SeqCst), 2);
        service.at(1800);
        assert!(service.key(false).await.is_err());
        assert_eq!(service.key(true).await.unwrap(), "key 4");
    }

    #[tokio::test]
    async fn a_refused_key_is_fetched_anew_once_however_many_were_refused_it() {
        let service = Service::new();
        let fetch = async || service.key(true).await;
        fetch().await.unwrap();
        let key = service.held.get(async { Err(SourceError::Locked) }).await.unwrap();
        service.held.refused(&key);
        assert_eq!(fetch().await.unwrap(), "key 2");
        service.held.refused(&key);
        assert_eq!(fetch().await.unwrap(), "key 2", "the one refused before is another one");
    }
}
