//! Watching the access log: reads new entries, asks the rules, and makes alerts durable with the entries that record
//! them. Beside the requests, never in their way.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Mutex;

use super::ids::Ids;
use crate::access_log::{AccessEvent, Action};
use crate::domain::clock::Clock;
use crate::review::entry::{Entry, EntryRef};
use crate::review::evaluator::{Evaluator, Health};
use crate::review::finding::Finding;
use crate::review::gathering::{Alert, key};
use crate::review::people::People;
use crate::review::rules::Rules;
use crate::review::state::State;
use crate::store::{AlertRow, Changes, EntryRow, EventRow, Store, StoreError};
use crate::tlog::Hash;

/// Held while an alert is read, changed and written: by the rules that add evidence, and by officers.
pub type Desk = Arc<Mutex<()>>;

/// What [`Alerting`] is made from.
#[derive(Clone)]
pub struct Parts {
    /// Where the log is, and where alerts are kept.
    pub store: Store,
    /// The rules.
    pub rules: Arc<Rules>,
    /// Staff and watched persons.
    pub people: Arc<People>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids of events.
    pub ids: Ids,
    /// Shared with the officers' use cases.
    pub desk: Desk,
}

/// Watches the log.
pub struct Alerting {
    parts: Parts,
    evaluator: Evaluator,
    next: u64,
    /// How far was read is durable up to here.
    marked: u64,
}

/// Marks where the rules begin to read, before anybody is served: the first time at the end of the log. What lies
/// before is for `hedui alert rules dry-run`.
pub async fn begin(store: &Store) -> Result<(), StoreError> {
    if store.alert_cursor().await?.is_some() {
        return Ok(());
    }
    let alert_cursor = Some(store.log().size().await?);
    store.change(Changes { alert_cursor, ..Changes::default() }, Vec::new()).await
}

/// So many entries are taken in at a stretch.
const BETWEEN_ANSWERS: usize = 16;

/// So many entries in which nothing was found are read again at most after a start: a mark for each time would be one
/// more write beside those that somebody waits for.
const UNMARKED: u64 = 4_096;

impl Alerting {
    /// Reads again what the rules must remember, and stands where they stopped.
    pub async fn open(parts: Parts) -> Result<Self, StoreError> {
        let log = parts.store.log();
        let next = match parts.store.alert_cursor().await? {
            Some(next) => next,
            None => log.size().await?,
        };
        let now = parts.clock.now();
        let remembered = now.saturating_sub(parts.rules.longest_memory()).unwrap_or(Timestamp::MIN);
        let evaluator = Evaluator::new(Arc::clone(&parts.rules), Arc::clone(&parts.people));
        let mut alerting = Self { parts, evaluator, next, marked: next };
        let mut index = log.index_before(remembered.as_microsecond()).await?.min(next);
        while index < next {
            let rows = log.entries(index).await?;
            let Some(last) = rows.last() else { break };
            index = last.index + 1;
            for row in rows.iter().filter(|row| row.index < next) {
                if let Ok(entry) = Entry::read(row.index, &row.body) {
                    alerting.evaluator.observe(&entry);
                }
            }
            tokio::task::yield_now().await;
        }
        Ok(alerting)
    }

    /// Takes in what was recorded since, lets time pass, and makes what the rules find durable. How many alerts were raised.
    pub async fn step(&mut self) -> Result<usize, StoreError> {
        let log = self.parts.store.log();
        let now = self.parts.clock.now();
        let mut raised = 0;
        let size = log.size().await?;
        if size < self.next {
            let shorter = Health::Shorter { size, before: self.next };
            let found = self.evaluator.health(&shorter, now).into_iter().collect();
            self.next = size;
            raised += self.keep(found, size).await?;
        }
        loop {
            let (found, next) = match self.parts.store.sequence().follow(self.next) {
                Some(rows) => self.take_in(rows, now).await,
                None => self.read_back(log.entries(self.next).await?, now).await,
            };
            if next == self.next {
                break;
            }
            if !found.is_empty() || next - self.marked >= UNMARKED {
                raised += self.keep(found, next).await?;
            }
            self.next = next;
            tokio::task::yield_now().await;
        }
        let found = self.evaluator.pass(now);
        if !found.is_empty() {
            raised += self.keep(found, self.next).await?;
        }
        Ok(raised)
    }

    /// Takes in entries as they became durable. What was found, and the index after the last.
    async fn take_in(&mut self, rows: VecDeque<EventRow>, now: Timestamp) -> (Vec<Finding>, u64) {
        let (mut found, mut next) = (Vec::new(), self.next);
        for (place, row) in rows.iter().enumerate() {
            make_way(place).await;
            match Entry::read(next, row.body()) {
                Ok(entry) => found.extend(self.evaluator.observe(&entry)),
                Err(_) => found.extend(self.unread(EntryRef { index: next, id: row.id().into() }, now)),
            }
            next += 1;
        }
        (found, next)
    }

    /// Takes in entries as the database holds them. What was found, and the index after the last.
    async fn read_back(&mut self, rows: Vec<EntryRow>, now: Timestamp) -> (Vec<Finding>, u64) {
        let (mut found, mut next) = (Vec::new(), self.next);
        for (place, row) in rows.iter().enumerate() {
            make_way(place).await;
            found.extend(self.read(row, now));
            next = row.index + 1;
        }
        (found, next)
    }

    /// Takes in what whoever watches the log says of it. How many alerts were raised.
    pub async fn health(&mut self, health: &Health) -> Result<usize, StoreError> {
        match self.evaluator.health(health, self.parts.clock.now()) {
            Some(finding) => self.keep(vec![finding], self.next).await,
            None => Ok(0),
        }
    }

    fn read(&mut self, row: &EntryRow, now: Timestamp) -> Vec<Finding> {
        let is_sound = Hash::leaf(row.body.as_bytes()).as_bytes().as_slice() == row.leaf;
        let altered = || Health::Altered { entry: EntryRef { index: row.index, id: row.id.as_str().into() } };
        match Entry::read(row.index, &row.body) {
            Ok(entry) if is_sound => self.evaluator.observe(&entry),
            Ok(entry) => {
                let mut found = self.evaluator.observe(&entry);
                found.extend(self.evaluator.health(&altered(), now));
                found
            }
            Err(_) => self.unread(EntryRef { index: row.index, id: row.id.as_str().into() }, now).into_iter().collect(),
        }
    }

    /// An entry that the rules cannot read.
    fn unread(&mut self, entry: EntryRef, now: Timestamp) -> Option<Finding> {
        self.evaluator.pass_over(entry.index);
        self.evaluator.health(&Health::Altered { entry }, now)
    }

    /// Gathers findings into alerts and makes them durable, with the entries that record new ones and with how far was
    /// read, in one transaction: an alert is raised once, whenever this process ends. How many are new.
    async fn keep(&mut self, found: Vec<Finding>, next: u64) -> Result<usize, StoreError> {
        let _held = self.parts.desk.lock().await;
        let mut alerts: BTreeMap<String, (Alert, AlertRow, bool)> = BTreeMap::new();
        for finding in found {
            let key = key(&finding);
            if let Some((alert, ..)) = alerts.get_mut(&key) {
                alert.gather(finding);
                continue;
            }
            let known = self.parts.store.alert_of(&key).await?;
            let open = known.as_ref().filter(|row| !State::parse(&row.state).is_some_and(State::is_closed));
            let held = if let Some(row) = open {
                let mut alert: Alert = serde_json::from_str(&row.body).map_err(|_| StoreError::Corrupt("alert"))?;
                alert.gather(finding);
                (alert, row.clone(), false)
            } else {
                let number = known.map_or(0, |row| row.number + 1);
                let alert = Alert::of(finding, number);
                let row = new_row(&alert, &key);
                (alert, row, true)
            };
            alerts.insert(key, held);
        }
        let mut events = Vec::new();
        let mut rows = Vec::with_capacity(alerts.len());
        for (alert, row, is_new) in alerts.into_values() {
            if is_new {
                events.push(self.raised(&alert)?);
                metrics::counter!("hedui_alerts_raised_total", "rule" => alert.rule.as_str()).increment(1);
            }
            let score = i64::try_from(alert.score).unwrap_or(i64::MAX);
            let severity = alert.severity.as_str().to_owned();
            let body = serde_json::to_string(&alert).map_err(|_| StoreError::Corrupt("alert"))?;
            rows.push(AlertRow { severity, score, body, ..row });
        }
        let count = events.len();
        let changes = Changes { alerts: rows, alert_cursor: Some(next), ..Changes::default() };
        self.parts.store.change(changes, events).await?;
        self.marked = next;
        Ok(count)
    }

    /// The entry that records a new alert: who deletes it from the table cannot delete it from the log.
    fn raised(&self, alert: &Alert) -> Result<EventRow, StoreError> {
        let id = self.parts.ids.next("ev");
        let object = format!("alerts/{}", alert.id);
        let objects: Vec<String> = alert.entries.iter().map(|entry| entry.id.to_string()).collect();
        let mut event = AccessEvent::new(id.clone(), self.parts.clock.now(), Action::AlertRaised, None, &id);
        event.division = alert.division;
        event.object = Some(&object);
        event.objects = &objects;
        event.role = Some(crate::domain::actor::Role::System);
        event.rule = Some(alert.rule.as_str());
        event.to_row()
    }
}

/// Whoever waits for an answer goes first.
async fn make_way(place: usize) {
    if place.is_multiple_of(BETWEEN_ANSWERS) {
        tokio::task::yield_now().await;
    }
}

fn new_row(alert: &Alert, key: &str) -> AlertRow {
    AlertRow {
        id: alert.id.clone(),
        key: key.to_owned(),
        number: alert.number,
        rule: alert.rule.as_str().to_owned(),
        severity: String::new(),
        score: 0,
        state: State::Open.as_str().to_owned(),
        division: alert.division.map(|division| division.to_string()),
        actor: alert.who.as_ref().map(|who| who.actor.clone()),
        raised_at: alert.raised_at.as_microsecond(),
        body: String::new(),
        steps: "[]".to_owned(),
    }
}
