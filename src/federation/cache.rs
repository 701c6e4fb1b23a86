//! Answers kept for a while, each with its own freshness.
//!
//! INVARIANT: an answer can never reach another person, purpose or set of fields. The key holds the
//! department, the person under the name asked (keyed hash), the purpose and the window; the entry
//! repeats the person and is compared on the way out; and only datasets of the present plan are read.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::dataset::{Dataset, DepartmentId};
use crate::domain::id_number::Subject;
use crate::domain::outcome::{Answer, Freshness};
use crate::domain::period::Period;
use crate::domain::purpose::Purpose;

/// What an answer is kept under.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CacheKey {
    /// The department.
    pub department: DepartmentId,
    /// The person, under the name asked.
    pub subject: Subject,
    /// The purpose.
    pub purpose: Purpose,
    /// The window.
    pub period: Period,
}

struct Entry {
    subject: Subject,
    answers: Vec<Arc<Answer>>,
}

/// The cache.
pub struct AnswerCache(moka::sync::Cache<CacheKey, Arc<Entry>>);

impl AnswerCache {
    /// A cache of at most `entries`, none older than `keep`.
    pub fn new(entries: u64, keep: Duration) -> Self {
        Self(moka::sync::Cache::builder().max_capacity(entries).time_to_live(keep).build())
    }

    /// The answers of one person in the wanted datasets: all of them, or nothing. With `stale`, answers
    /// past their freshness but within the dataset's `stale_while_error` will do.
    pub fn get(
        &self,
        key: &CacheKey,
        datasets: &[&Dataset],
        now: Timestamp,
        stale: bool,
    ) -> Option<Vec<(Arc<Answer>, Freshness)>> {
        let entry = self.0.get(key).filter(|entry| entry.subject == key.subject)?;
        datasets
            .iter()
            .map(|dataset| {
                let answer = entry.answers.iter().find(|answer| answer.dataset == dataset.id)?;
                let age = Duration::try_from(now.duration_since(answer.received_at)).unwrap_or_default();
                if age <= dataset.fresh {
                    Some((Arc::clone(answer), Freshness::Cached))
                } else if stale && age <= dataset.fresh.saturating_add(dataset.stale_while_error) {
                    Some((Arc::clone(answer), Freshness::Stale))
                } else {
                    None
                }
            })
            .collect()
    }

    /// Keeps answers of one person; datasets answered before and not now are kept too.
    pub fn put(&self, key: CacheKey, answers: &[Arc<Answer>]) {
        let subject = key.subject;
        let mut kept = answers.to_vec();
        if let Some(before) = self.0.get(&key).filter(|entry| entry.subject == subject) {
            kept.extend(
                before
                    .answers
                    .iter()
                    .filter(|old| !answers.iter().any(|new| new.dataset == old.dataset))
                    .map(Arc::clone),
            );
        }
        self.0.insert(key, Arc::new(Entry { subject, answers: kept }));
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::domain::dataset::{Catalogue, DatasetId};
    use crate::domain::id_number::{IdNumber, SubjectKey};

    fn key(name: &str, purpose: Purpose) -> CacheKey {
        let id = IdNumber::parse("150000198605021015").unwrap();
        CacheKey {
            department: DepartmentId::parse("hrss").unwrap(),
            subject: id.subject_named(&SubjectKey::new(b"test"), name),
            purpose,
            period: Period::months_before(jiff::civil::date(2025, 3, 15), 12),
        }
    }

    fn answer(dataset: &str, at: Timestamp) -> Arc<Answer> {
        Arc::new(Answer {
            dataset: DatasetId::parse(dataset).unwrap(),
            as_of: None,
            adapter_version: "1".into(),
            received_at: at,
            facts: Arc::new([]),
        })
    }

    #[test]
    fn an_answer_reaches_no_other_name_purpose_or_dataset() {
        let catalogue = Catalogue::shipped();
        let dataset = |id: &str| catalogue.dataset(&DatasetId::parse(id).unwrap()).unwrap();
        let cache = AnswerCache::new(100, Duration::from_secs(1_000_000));
        let now = Timestamp::from_second(1_760_000_000).unwrap();
        cache.put(key("白云", Purpose::Dibao), &[answer("hrss.pension", now)]);
        let get = |key: &CacheKey, ids: &[&str]| {
            let datasets: Vec<_> = ids.iter().map(|id| dataset(id)).collect();
            cache.get(key, &datasets, now, false)
        };
        assert!(get(&key("白云", Purpose::Dibao), &["hrss.pension"]).is_some());
        assert!(get(&key("白雲", Purpose::Dibao), &["hrss.pension"]).is_none());
        assert!(get(&key("白云", Purpose::Tekun), &["hrss.pension"]).is_none());
        assert!(get(&key("白云", Purpose::Dibao), &["hrss.pension", "hrss.employment"]).is_none());
    }

    #[test]
    fn each_item_has_its_own_freshness_and_stale_answers_say_so() {
        let catalogue = Catalogue::shipped();
        let dataset = catalogue.dataset(&DatasetId::parse("hrss.pension").unwrap()).unwrap();
        let cache = AnswerCache::new(100, Duration::from_secs(100_000_000));
        let start = Timestamp::from_second(1_760_000_000).unwrap();
        cache.put(key("白云", Purpose::Dibao), &[answer("hrss.pension", start)]);
        let get = |hours: i64, stale: bool| {
            let now = start + SignedDuration::from_hours(hours);
            cache.get(&key("白云", Purpose::Dibao), &[dataset], now, stale).map(|found| found[0].1)
        };
        assert_eq!(get(24, false), Some(Freshness::Cached));
        assert_eq!(get(25, false), None);
        assert_eq!(get(25, true), Some(Freshness::Stale));
        assert_eq!(get(24 * 9, true), None);
    }
}
