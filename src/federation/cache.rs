//! Answers kept for a while, by person, each with its own freshness.
//!
//! INVARIANT: an answer can never reach another person, purpose or set of fields. The key holds the
//! person under the name asked (keyed hash), the purpose and the window; the entry repeats the person
//! and is compared on the way out; and only datasets of the present plan are read.
//!
//! One entry a person holds what every department said, so that a verification looks a person up once
//! and not once for each department.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::dataset::{Dataset, DepartmentId};
use crate::domain::id_number::Subject;
use crate::domain::outcome::{Answer, Freshness};
use crate::domain::period::Period;
use crate::domain::purpose::Purpose;

/// What the answers about a person are kept under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PersonKey {
    /// The person, under the name asked.
    pub subject: Subject,
    /// The purpose.
    pub purpose: Purpose,
    /// The window.
    pub period: Period,
}

/// What is known of one person, by department.
#[derive(Debug)]
pub struct Person {
    subject: Subject,
    departments: Mutex<Vec<Kept>>,
    asked_under: Mutex<AskedUnder>,
}

/// Authorisations of other hubs under which a person is asked about, as long as something is remembered of the person.
#[derive(Debug, Default)]
struct AskedUnder {
    known: Vec<Under>,
    /// There were more than are remembered: whichever is revoked, this one may have been under it.
    is_overfull: bool,
}

/// An authorisation of another hub's, as a keyed hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Under(pub(super) Subject);

/// So many of one person are remembered.
const MOST_UNDER: usize = 32;

#[derive(Debug)]
struct Kept {
    department: DepartmentId,
    answers: Vec<Arc<Answer>>,
}

impl Person {
    fn of(subject: Subject) -> Arc<Self> {
        Arc::new(Self { subject, departments: Mutex::default(), asked_under: Mutex::default() })
    }

    /// The person, as a keyed hash.
    pub const fn subject(&self) -> Subject {
        self.subject
    }

    /// Notes that another hub asks about this person under an authorisation of its own.
    pub(super) fn note_under(&self, under: Under) {
        let mut asked_under = self.asked_under.lock().unwrap_or_else(PoisonError::into_inner);
        if asked_under.known.contains(&under) {
            return;
        }
        if asked_under.known.len() < MOST_UNDER {
            asked_under.known.push(under);
        } else {
            asked_under.is_overfull = true;
        }
    }

    fn may_be_under(&self, under: Under) -> bool {
        let asked_under = self.asked_under.lock().unwrap_or_else(PoisonError::into_inner);
        asked_under.is_overfull || asked_under.known.contains(&under)
    }

    /// What a department said of this person in the wanted datasets: all of them, or nothing. With `stale`,
    /// answers past their freshness but within the dataset's `stale_while_error` will do.
    pub fn answers<'a>(
        &self,
        department: &DepartmentId,
        datasets: impl Iterator<Item = &'a Dataset>,
        now: Timestamp,
        stale: bool,
    ) -> Option<Vec<(Arc<Answer>, Freshness)>> {
        let departments = self.departments.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = departments.iter().find(|kept| kept.department == *department)?;
        // Answers of one department mostly came together, so their age is computed once.
        let mut aged: Option<(Timestamp, Duration)> = None;
        datasets
            .map(|dataset| {
                let is_usable = |answer: &Arc<Answer>| !answer.proof.as_ref().is_some_and(|proof| proof.is_refuted());
                let answer = kept.answers.iter().find(|answer| answer.dataset == dataset.id && is_usable(answer))?;
                let age = match aged {
                    Some((received_at, age)) if received_at == answer.received_at => age,
                    _ => Duration::try_from(now.duration_since(answer.received_at)).unwrap_or_default(),
                };
                aged = Some((answer.received_at, age));
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

    /// Keeps what a department said; datasets it answered before and not now are kept too.
    pub fn keep(&self, department: &DepartmentId, answers: &[Arc<Answer>]) {
        let mut departments = self.departments.lock().unwrap_or_else(PoisonError::into_inner);
        match departments.iter_mut().find(|kept| kept.department == *department) {
            None => departments.push(Kept { department: department.clone(), answers: answers.to_vec() }),
            Some(kept) => {
                kept.answers.retain(|old| !answers.iter().any(|new| new.dataset == old.dataset));
                kept.answers.extend(answers.iter().map(Arc::clone));
            }
        }
    }
}

/// The cache.
pub struct AnswerCache(Option<moka::sync::Cache<PersonKey, Arc<Person>>>);

impl AnswerCache {
    /// A cache of at most `people`, each forgotten `keep` after first being asked about. With 0 people nothing is kept.
    pub fn new(people: u64, keep: Duration) -> Self {
        let cache = || {
            moka::sync::Cache::builder().max_capacity(people).time_to_live(keep).support_invalidation_closures().build()
        };
        Self((people > 0).then(cache))
    }

    /// Forgets what was said of these people, for whatever purpose and window.
    pub fn forget(&self, people: HashSet<Subject>) {
        if let Some(cache) = &self.0 {
            cache
                .invalidate_entries_if(move |key, _| people.contains(&key.subject))
                .expect("the cache was built to take such closures");
        }
    }

    /// Forgets what was said of everybody whom another hub asked about under this authorisation, whoever asked first.
    pub fn forget_under(&self, under: Under) {
        if let Some(cache) = &self.0 {
            cache
                .invalidate_entries_if(move |_, person| person.may_be_under(under))
                .expect("the cache was built to take such closures");
        }
    }

    /// The person of this key. One nobody asked about before holds no answers.
    pub fn person(&self, key: PersonKey) -> Arc<Person> {
        let found = self.0.as_ref().map(|cache| cache.get_with(key, || Person::of(key.subject)));
        found.filter(|person| person.subject == key.subject).unwrap_or_else(|| Person::of(key.subject))
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::domain::dataset::{Catalogue, DatasetId};
    use crate::domain::id_number::{IdNumber, SubjectKey};
    use crate::domain::suite::SuiteId;

    fn key(name: &str, purpose: Purpose) -> PersonKey {
        let id = IdNumber::parse("150000198605021015").unwrap();
        PersonKey {
            subject: id.subject_named(&SubjectKey::new(SuiteId::Intl, b"test"), name),
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
            proof: None,
            via: None,
        })
    }

    fn hrss() -> DepartmentId {
        DepartmentId::parse("hrss").unwrap()
    }

    #[test]
    fn an_answer_reaches_no_other_name_purpose_department_or_dataset() {
        let catalogue = Catalogue::shipped();
        let cache = AnswerCache::new(100, Duration::from_secs(1_000_000));
        let now = Timestamp::from_second(1_760_000_000).unwrap();
        cache.person(key("白云", Purpose::Dibao)).keep(&hrss(), &[answer("hrss.pension", now)]);
        let get = |key: PersonKey, department: &DepartmentId, ids: &[&str]| {
            let datasets = ids.iter().map(|id| catalogue.dataset(&DatasetId::parse(id).unwrap()).unwrap());
            cache.person(key).answers(department, datasets, now, false)
        };
        assert!(get(key("白云", Purpose::Dibao), &hrss(), &["hrss.pension"]).is_some());
        assert!(get(key("白雲", Purpose::Dibao), &hrss(), &["hrss.pension"]).is_none());
        assert!(get(key("白云", Purpose::Tekun), &hrss(), &["hrss.pension"]).is_none());
        assert!(get(key("白云", Purpose::Dibao), &hrss(), &["hrss.pension", "hrss.employment"]).is_none());
        let housing = DepartmentId::parse("housing").unwrap();
        assert!(get(key("白云", Purpose::Dibao), &housing, &["hrss.pension"]).is_none());
    }

    #[test]
    fn each_item_has_its_own_freshness_and_stale_answers_say_so() {
        let catalogue = Catalogue::shipped();
        let dataset = catalogue.dataset(&DatasetId::parse("hrss.pension").unwrap()).unwrap();
        let cache = AnswerCache::new(100, Duration::from_secs(100_000_000));
        let start = Timestamp::from_second(1_760_000_000).unwrap();
        cache.person(key("白云", Purpose::Dibao)).keep(&hrss(), &[answer("hrss.pension", start)]);
        let get = |hours: i64, stale: bool| {
            let now = start + SignedDuration::from_hours(hours);
            let person = cache.person(key("白云", Purpose::Dibao));
            person.answers(&hrss(), std::iter::once(dataset), now, stale).map(|found| found[0].1)
        };
        assert_eq!(get(24, false), Some(Freshness::Cached));
        assert_eq!(get(25, false), None);
        assert_eq!(get(25, true), Some(Freshness::Stale));
        assert_eq!(get(24 * 9, true), None);
    }

    #[test]
    fn a_newer_answer_replaces_its_own_dataset_only() {
        let catalogue = Catalogue::shipped();
        let cache = AnswerCache::new(100, Duration::from_secs(1_000_000));
        let start = Timestamp::from_second(1_760_000_000).unwrap();
        let person = cache.person(key("白云", Purpose::Dibao));
        person.keep(&hrss(), &[answer("hrss.pension", start), answer("hrss.employment", start)]);
        let later = start + SignedDuration::from_hours(1);
        person.keep(&hrss(), &[answer("hrss.pension", later)]);
        let dataset = |id: &str| catalogue.dataset(&DatasetId::parse(id).unwrap()).unwrap();
        let both = [dataset("hrss.pension"), dataset("hrss.employment")];
        let found = person.answers(&hrss(), both.into_iter(), later, false).unwrap();
        let received: Vec<_> = found.iter().map(|(answer, _)| answer.received_at).collect();
        assert_eq!(received, [later, start]);
    }

    #[test]
    fn who_is_forgotten_is_forgotten_for_every_purpose_and_nobody_else_is() {
        let catalogue = Catalogue::shipped();
        let cache = AnswerCache::new(100, Duration::from_secs(1_000_000));
        let now = Timestamp::from_second(1_760_000_000).unwrap();
        let keys = [key("白云", Purpose::Dibao), key("白云", Purpose::Tekun), key("白雲", Purpose::Dibao)];
        for key in keys {
            cache.person(key).keep(&hrss(), &[answer("hrss.pension", now)]);
        }
        cache.forget(HashSet::from([keys[0].subject]));
        let dataset = catalogue.dataset(&DatasetId::parse("hrss.pension").unwrap()).unwrap();
        let known = |key| cache.person(key).answers(&hrss(), std::iter::once(dataset), now, false).is_some();
        assert_eq!(keys.map(known), [false, false, true]);
    }

    #[test]
    fn what_a_hub_asked_under_an_authorisation_is_forgotten_with_it_and_nothing_else_is() {
        let catalogue = Catalogue::shipped();
        let cache = AnswerCache::new(100, Duration::from_secs(1_000_000));
        let now = Timestamp::from_second(1_760_000_000).unwrap();
        let tags = SubjectKey::new(SuiteId::Intl, b"test");
        let under = |number: usize| Under(tags.tag("asked-under", &["hub_here", "某局", &number.to_string()]));
        let keys = [key("白云", Purpose::Dibao), key("白云", Purpose::Tekun), key("白雲", Purpose::Dibao)];
        let keep = |key| {
            let person = cache.person(key);
            person.keep(&hrss(), &[answer("hrss.pension", now)]);
            person
        };
        let [first, second, third] = keys.map(keep);
        first.note_under(under(1));
        second.note_under(under(2));
        // More than are remembered: it may have been under any.
        (3..100).for_each(|number| third.note_under(under(number)));
        let dataset = catalogue.dataset(&DatasetId::parse("hrss.pension").unwrap()).unwrap();
        let known = |key| cache.person(key).answers(&hrss(), std::iter::once(dataset), now, false).is_some();
        cache.forget_under(under(1));
        assert_eq!(keys.map(known), [false, true, false]);
        assert!(third.asked_under.lock().unwrap().known.len() <= MOST_UNDER);
    }

    #[test]
    fn without_a_cache_nobody_is_remembered() {
        let cache = AnswerCache::new(0, Duration::from_secs(1_000_000));
        let now = Timestamp::from_second(1_760_000_000).unwrap();
        cache.person(key("白云", Purpose::Dibao)).keep(&hrss(), &[answer("hrss.pension", now)]);
        let catalogue = Catalogue::shipped();
        let dataset = catalogue.dataset(&DatasetId::parse("hrss.pension").unwrap()).unwrap();
        let person = cache.person(key("白云", Purpose::Dibao));
        assert!(person.answers(&hrss(), std::iter::once(dataset), now, false).is_none());
    }
}
