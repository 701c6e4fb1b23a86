//! What a department is told of its use: who asked it what for, how often, about how many people, what came of it, and
//! what it was spared.
//!
//! All of it is counted from the access log, so that the account rests on what cannot be altered unseen, and asking costs
//! nothing more than the entry it is anyway. Nobody's person is in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use connectors::reconcile::AccountedQuestion;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use utoipa::ToSchema;

use super::error::ServiceError;
use super::ids::Ids;
use super::verify::Caller;
use crate::access_log::{AccessEvent, Action};
use crate::auth::access::{self, Denial, Object, authorise};
use crate::domain::clock::Clock;
use crate::domain::dataset::{Catalogue, DepartmentId};
use crate::domain::outcome::AskedOnce;
use crate::domain::period::date_in_china;
use crate::federation::tally::question_id;
use crate::store::{Changes, EntryRow, Store, StoreError, UsageCounts, UsageRow};

/// So many entries are read at a stretch.
const STRETCH: u64 = 4_000;
/// So many entries one answer about single questions looks at.
const PAGE: u64 = 20_000;
/// Times of entries follow their indexes closely and not strictly: an entry of an instant lies within so many of the
/// first that is later.
const DISORDER: u64 = 20_000;

/// Which days of which adapter.
#[derive(Debug, Clone)]
pub struct UsageQuery {
    /// The department, or a hub of another region that was asked in the place of its departments.
    pub department: DepartmentId,
    /// First day, of China.
    pub from: Date,
    /// Last day.
    pub to: Date,
}

/// What a department was asked and spared.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UsageReport {
    /// The adapter: the department's id.
    pub adapter: String,
    /// First day.
    #[schema(value_type = String, format = Date)]
    pub from: Date,
    /// Last day.
    #[schema(value_type = String, format = Date)]
    pub to: Date,
    /// When this was counted, UTC.
    #[schema(value_type = String, format = DateTime)]
    pub taken_at: Timestamp,
    /// By day, organisation and purpose; what is not here was not asked.
    pub days: Vec<UsageDay>,
    /// All of them together.
    pub total: Usage,
}

/// The use of one day by one organisation for one purpose.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UsageDay {
    /// The day, of China.
    pub day: String,
    /// Who asked.
    pub organisation: String,
    /// What for.
    pub purpose: String,
    /// How much.
    pub usage: Usage,
}

/// How much a department was asked and spared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Usage {
    /// Verifications in which the department had something to say.
    pub verifications: i64,
    /// Questions that were sent.
    pub questions: i64,
    /// Persons they were about; somebody asked about twice counts twice.
    pub people: i64,
    /// Questions that were sent a second time, because the answer was slow or lost.
    pub again: i64,
    /// What came of them: `answered`, or why there was no answer.
    pub outcomes: BTreeMap<String, i64>,
    /// Questions that the department was spared.
    pub spared: SparedUse,
}

/// Questions that a department was spared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct SparedUse {
    /// The answer was at hand.
    pub cached: i64,
    /// Somebody else was asking the same just then.
    pub joined: i64,
    /// No answer could have changed the verdict.
    pub unneeded: i64,
}

/// Single questions, for a department to hold against its ledger.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct QuestionPage {
    /// The adapter: the department's id.
    pub adapter: String,
    /// First day.
    #[schema(value_type = String, format = Date)]
    pub from: Date,
    /// Last day.
    #[schema(value_type = String, format = Date)]
    pub to: Date,
    /// When this was read, UTC.
    #[schema(value_type = String, format = DateTime)]
    pub taken_at: Timestamp,
    /// The questions: id, when their verification ended, organisation, purpose, people, second requests, outcome.
    #[schema(value_type = Vec<Object>)]
    pub questions: Vec<AccountedQuestion>,
    /// Where to go on (`after`); absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// The part of an entry that tells of questions.
#[derive(Deserialize)]
struct Told {
    at: Timestamp,
    #[serde(default)]
    organisation: String,
    #[serde(default)]
    purpose: String,
    #[serde(default)]
    verification: String,
    questions: Vec<ToldQuestions>,
}

#[derive(Deserialize)]
struct ToldQuestions {
    #[serde(default)]
    attempt: Option<String>,
    #[serde(default)]
    cached: i64,
    department: String,
    #[serde(default)]
    joined: i64,
    #[serde(default)]
    sent: Vec<AskedOnce>,
    #[serde(default)]
    unneeded: i64,
}

impl Told {
    /// What an entry tells. `None` for one that only looks as if it did.
    fn read(entry: &EntryRow) -> Option<Self> {
        serde_json::from_str(&entry.body).ok()
    }
}

/// What a question that was sent came to.
fn outcome_of(asked: &AskedOnce) -> &'static str {
    asked.outcome.map_or("answered", |reason| reason.as_str())
}

/// The account of departments' use.
pub struct Accounts {
    store: Store,
    catalogue: Arc<Catalogue>,
    hubs: Vec<DepartmentId>,
    clock: Arc<dyn Clock>,
    ids: Ids,
    /// One counts at a time.
    counting: Mutex<()>,
}

impl Accounts {
    /// The account kept in this store.
    pub fn new(store: Store, catalogue: Arc<Catalogue>, clock: Arc<dyn Clock>, ids: Ids) -> Self {
        Self { store, catalogue, hubs: Vec::new(), clock, ids, counting: Mutex::default() }
    }

    /// The same, with what these hubs of other regions were asked.
    pub fn among(self, hubs: Vec<DepartmentId>) -> Self {
        Self { hubs, ..self }
    }

    /// Counts what was recorded since the last time. What is counted and how far the log was read are durable together,
    /// so that nothing counts twice or not at all, whenever this ends.
    pub async fn count(&self) -> Result<(), StoreError> {
        let _alone = self.counting.lock().await;
        let log = self.store.log();
        let size = log.size().await?;
        let mut next = self.store.usage_cursor().await?;
        while next < size {
            let end = (next + STRETCH).min(size);
            let entries = log.entries_of_questions(next, end).await?;
            let mut counts: BTreeMap<[String; 5], i64> = BTreeMap::new();
            for told in entries.iter().filter_map(Told::read) {
                add(&mut counts, told);
            }
            let row = |([department, day, organisation, purpose, what], count): ([String; 5], i64)| UsageRow {
                department,
                day,
                organisation,
                purpose,
                what,
                count,
            };
            let usage = Some(UsageCounts { rows: counts.into_iter().map(row).collect(), next: end });
            self.store.change(Changes { usage, ..Changes::default() }, Vec::new()).await?;
            next = end;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// What a department was asked and spared. The look is durable before it is answered.
    pub async fn report(&self, caller: Caller<'_>, query: &UsageQuery) -> Result<UsageReport, ServiceError> {
        self.admit(caller, query).await?;
        self.count().await?;
        let (from, to) = (query.from.to_string(), query.to.to_string());
        let (mut days, mut total): (Vec<UsageDay>, _) = (Vec::new(), Usage::default());
        for row in self.store.usage(query.department.as_str(), &from, &to).await? {
            let UsageRow { day, organisation, purpose, what, count, .. } = row;
            total.add(&what, count);
            let is_same =
                |known: &UsageDay| (&known.day, &known.organisation, &known.purpose) == (&day, &organisation, &purpose);
            if let Some(known) = days.last_mut().filter(|known| is_same(known)) {
                known.usage.add(&what, count);
            } else {
                let mut usage = Usage::default();
                usage.add(&what, count);
                days.push(UsageDay { day, organisation, purpose, usage });
            }
        }
        let taken_at = self.clock.now();
        Ok(UsageReport { adapter: query.department.to_string(), from: query.from, to: query.to, taken_at, days, total })
    }

    /// Single questions to a department, read from the log a stretch at a time, from `after` on. The look is durable
    /// before it is answered.
    pub async fn questions(
        &self,
        caller: Caller<'_>,
        query: &UsageQuery,
        after: Option<u64>,
    ) -> Result<QuestionPage, ServiceError> {
        self.admit(caller, query).await?;
        let log = self.store.log();
        let taken_at = self.clock.now();
        let size = log.size().await?;
        let start = match after {
            Some(after) => after,
            None => log.index_before(begin_of(query.from)).await?,
        };
        let last = log.index_before(begin_of(query.to.tomorrow().unwrap_or(query.to))).await?;
        let end = last.saturating_add(DISORDER).min(size);
        let stop = start.saturating_add(PAGE).min(end);
        let mut questions = Vec::new();
        for told in log.entries_of_questions(start, stop).await?.iter().filter_map(Told::read) {
            if (query.from..=query.to).contains(&date_in_china(told.at)) {
                questions.extend(accounted(told, query.department.as_str()));
            }
        }
        let next = (stop < end).then_some(stop);
        let adapter = query.department.to_string();
        Ok(QuestionPage { adapter, from: query.from, to: query.to, taken_at, questions, next })
    }

    /// Whether this may be looked at; the look is an entry.
    async fn admit(&self, caller: Caller<'_>, query: &UsageQuery) -> Result<(), ServiceError> {
        let object = Object::Department(&query.department);
        authorise(caller.client, access::Action::ReadUsage, &object).check().map_err(|denial| match denial {
            Denial::Absent => ServiceError::NoDepartment,
            denial => denial.into(),
        })?;
        if self.catalogue.department(&query.department).is_none() && !self.hubs.contains(&query.department) {
            return Err(ServiceError::NoDepartment);
        }
        let (id, object) = (self.ids.next("ev"), format!("usage/{}", query.department));
        let mut event = AccessEvent::new(id, self.clock.now(), Action::Viewed, Some(caller.client), caller.request_id);
        event.object = Some(&object);
        event.search = BTreeMap::from([("from", query.from.to_string()), ("to", query.to.to_string())]);
        self.store.record_events(vec![event.to_row()?]).await?;
        Ok(())
    }
}

/// The instant at which a day begins in China, microseconds since 1970.
fn begin_of(day: Date) -> i64 {
    Offset::constant(8).to_timestamp(day.at(0, 0, 0, 0)).map_or(i64::MAX, Timestamp::as_microsecond)
}

/// Adds what one entry tells.
fn add(counts: &mut BTreeMap<[String; 5], i64>, told: Told) {
    let day = date_in_china(told.at).to_string();
    for ToldQuestions { attempt, cached, department, joined, sent, unneeded } in told.questions {
        let mut add = |what: String, count: i64| {
            let key = [department.clone(), day.clone(), told.organisation.clone(), told.purpose.clone(), what];
            *counts.entry(key).or_default() += count;
        };
        // Who is asked again is asked for the same verification.
        if attempt.is_none() {
            add("verifications".to_owned(), 1);
        }
        for (what, count) in [("cached", cached), ("joined", joined), ("unneeded", unneeded)] {
            if count > 0 {
                add(what.to_owned(), count);
            }
        }
        for asked in sent.iter().filter(|asked| asked.people > 0) {
            add("questions".to_owned(), 1);
            add("people".to_owned(), i64::from(asked.people));
            if asked.again > 0 {
                add("again".to_owned(), i64::from(asked.again));
            }
            add(format!("outcome:{}", outcome_of(asked)), 1);
        }
    }
}

/// The questions to one department that an entry tells of.
fn accounted(told: Told, department: &str) -> Vec<AccountedQuestion> {
    let Told { at, organisation, purpose, verification, questions } = told;
    let own = questions.into_iter().filter(|questions| questions.department == department);
    own.flat_map(|ToldQuestions { attempt, sent, .. }| {
        sent.into_iter().enumerate().map(move |(number, asked)| (attempt.clone(), number, asked))
    })
    .filter(|(_, _, asked)| asked.people > 0)
    .map(|(attempt, number, asked)| AccountedQuestion {
        id: question_id(&verification, department, attempt.as_deref(), number),
        at,
        organisation: organisation.clone(),
        purpose: purpose.clone(),
        people: u64::from(asked.people),
        again: u64::from(asked.again),
        outcome: outcome_of(&asked).to_owned(),
    })
    .collect()
}

impl Usage {
    fn add(&mut self, what: &str, count: i64) {
        let place = match what {
            "verifications" => &mut self.verifications,
            "questions" => &mut self.questions,
            "people" => &mut self.people,
            "again" => &mut self.again,
            "cached" => &mut self.spared.cached,
            "joined" => &mut self.spared.joined,
            "unneeded" => &mut self.spared.unneeded,
            other => self.outcomes.entry(other.trim_start_matches("outcome:").to_owned()).or_default(),
        };
        *place += count;
    }
}
