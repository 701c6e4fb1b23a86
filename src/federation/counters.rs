//! What is counted of departments and outlives a restart: the questions of a quota's time, and what came of shadow
//! questions. Numbers in memory; whoever owns the store writes those that changed and loads them at start.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One counter.
#[derive(Debug, Clone, Copy, Default)]
struct Counter {
    /// When the counted time began, seconds since 1970; 0 where there is no end to it.
    starts_at: i64,
    value: u64,
    saved: u64,
    is_saved_for: Option<i64>,
}

/// A count as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// A department, or an adapter.
    pub owner: String,
    /// What is counted.
    pub name: String,
    /// When the counted time began, seconds since 1970; 0 where there is no end to it.
    pub starts_at: i64,
    /// How many.
    pub value: u64,
}

/// A limit on a counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// The counter's name.
    pub name: String,
    /// When its time began, seconds since 1970.
    pub starts_at: i64,
    /// How many there may be in it.
    pub most: u64,
}

/// The counters by owner and name.
#[derive(Debug, Default)]
pub struct Counters(Mutex<HashMap<(String, String), Counter>>);

impl Counters {
    /// Counts one on every limit of an owner, or on none: then the position of the first that leaves no room.
    pub fn take(&self, owner: &str, limits: &[Limit]) -> Result<(), usize> {
        let mut counters = self.lock();
        let key = |limit: &Limit| (owner.to_owned(), limit.name.clone());
        let used = |counters: &HashMap<_, Counter>, limit: &Limit| {
            // A time that began before another one has ended: a clock that goes back takes nothing away.
            counters
                .get(&key(limit))
                .filter(|counter| counter.starts_at >= limit.starts_at)
                .map_or(0, |counter| counter.value)
        };
        if let Some(full) = limits.iter().position(|limit| used(&counters, limit) >= limit.most) {
            return Err(full);
        }
        for limit in limits {
            let counter = counters.entry(key(limit)).or_default();
            if counter.starts_at < limit.starts_at {
                *counter = Counter { starts_at: limit.starts_at, ..Counter::default() };
            }
            counter.value += 1;
        }
        Ok(())
    }

    /// Counts some more of something that has no time.
    pub fn add(&self, owner: &str, name: &str, more: u64) {
        let mut counters = self.lock();
        let counter = counters.entry((owner.to_owned(), name.to_owned())).or_default();
        counter.value = counter.value.saturating_add(more);
    }

    /// What is counted of an owner, by name.
    pub fn of(&self, owner: &str) -> BTreeMap<String, u64> {
        let counters = self.lock();
        counters
            .iter()
            .filter(|((of, _), _)| of == owner)
            .map(|((_, name), counter)| (name.clone(), counter.value))
            .collect()
    }

    /// Takes up what was kept.
    pub fn load(&self, counts: impl IntoIterator<Item = Count>) {
        let mut counters = self.lock();
        for Count { owner, name, starts_at, value } in counts {
            let counter = Counter { starts_at, value, saved: value, is_saved_for: Some(starts_at) };
            counters.insert((owner, name), counter);
        }
    }

    /// What changed since it was kept. What is counted by the second is over before it could be read again.
    pub fn unsaved(&self) -> Vec<Count> {
        let counters = self.lock();
        let changed = counters.iter().filter(|((_, name), counter)| {
            !name.starts_with("quota/second/")
                && (counter.value != counter.saved || counter.is_saved_for != Some(counter.starts_at))
        });
        changed
            .map(|((owner, name), counter)| Count {
                owner: owner.clone(),
                name: name.clone(),
                starts_at: counter.starts_at,
                value: counter.value,
            })
            .collect()
    }

    /// These are kept now.
    pub fn saved(&self, counts: &[Count]) {
        let mut counters = self.lock();
        for count in counts {
            if let Some(counter) = counters.get_mut(&(count.owner.clone(), count.name.clone())) {
                (counter.saved, counter.is_saved_for) = (count.value, Some(count.starts_at));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, String), Counter>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(name: &str, starts_at: i64, most: u64) -> Limit {
        Limit { name: name.to_owned(), starts_at, most }
    }

    #[test]
    fn a_question_counts_on_every_quota_or_on_none() {
        let counters = Counters::default();
        let both = [limit("quota/day/all/any", 100, 2), limit("quota/hour/all/any", 100, 1)];
        assert_eq!(counters.take("hrss", &both), Ok(()));
        assert_eq!(counters.take("hrss", &both), Err(1));
        assert_eq!(counters.of("hrss")["quota/day/all/any"], 1, "what was refused took nothing of the day");
        let next_hour = [both[0].clone(), limit("quota/hour/all/any", 200, 1)];
        assert_eq!(counters.take("hrss", &next_hour), Ok(()));
        assert_eq!(counters.take("hrss", &next_hour), Err(0));
        assert_eq!(counters.take("health", &next_hour), Ok(()), "departments count apart");
        let earlier = [limit("quota/hour/all/any", 100, 1)];
        assert_eq!(counters.take("hrss", &earlier), Err(0), "a clock that goes back gives nothing again");
    }

    #[test]
    fn what_was_kept_is_not_given_again() {
        let counters = Counters::default();
        let day = [limit("quota/day/all/any", 100, 2)];
        counters.take("hrss", &day).unwrap();
        counters.take("hrss", &[limit("quota/second/all/any", 7, 9)]).unwrap();
        counters.add("hrss-2", "hrss.pension/agreed", 3);
        let kept = counters.unsaved();
        assert_eq!(kept.len(), 2, "{kept:?}");
        counters.saved(&kept);
        assert_eq!(counters.unsaved(), []);
        let again = Counters::default();
        again.load(kept);
        assert_eq!(again.unsaved(), []);
        assert_eq!(again.take("hrss", &day), Ok(()));
        assert_eq!(again.take("hrss", &day), Err(0));
        assert_eq!(again.of("hrss-2")["hrss.pension/agreed"], 3);
    }
}
