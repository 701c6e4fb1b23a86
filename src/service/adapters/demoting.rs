//! Demotion and return: the hub takes an adapter off whose answers are not what they used to be, lets the version before
//! it stand in where there is one, and asks it again once it is well. Both are entries of the log, told to callers and
//! operators; neither brings on anything that two persons have not agreed to.
//!
//! INVARIANT: nobody comes and goes. It must ail for a time before it is demoted, and be well for longer before it returns;
//! what counts as well is stricter than what counts as ailing (`federation/health.rs`), and each further demotion within
//! a day doubles the time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::change::{AdapterFault, Change};
use super::record::{AdapterRecord, StepTaken};
use super::{Adapters, Connecting, HUB};
use crate::domain::adapter::{AdapterState, Move};
use crate::domain::dataset::{DatasetId, DepartmentId};
use crate::domain::problem::Text;
use crate::federation::adapter::Adapter;
use crate::federation::health::{Ailment, Symptom};
use crate::service::changes::{Answer, Order};
use crate::store::{Changes, StoreError};

/// So many answers are needed before an adapter is called well.
const ENOUGH: u64 = 64;
/// Longest time that an adapter must be well before it returns.
const LONGEST: Duration = Duration::from_hours(24);
/// Demotions closer together than this double that time.
const AGAIN_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// When the hub demotes an adapter by itself.
#[derive(Debug, Clone, Copy)]
pub struct DemotionRules {
    /// Whether it does.
    pub is_on: bool,
    /// For how long it must ail.
    pub after: Duration,
    /// For how long it must be well again.
    pub returns_after: Duration,
}

/// Why an adapter was demoted, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Demotion {
    /// What was wrong.
    pub ailments: Vec<Ailment>,
    /// How many of a hundred answers of each dataset were "no record" before.
    #[schema(value_type = Vec<Object>)]
    pub usual: Vec<(DatasetId, u32)>,
    /// Who stands in: the version before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stands_in: Option<String>,
    /// The how-manyeth it is within a day.
    pub times: u32,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// When it returned, or an operator decided otherwise; absent while it is demoted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
}

/// Since when adapters have been as they are.
#[derive(Default)]
pub(super) struct Watched(Mutex<HashMap<String, Seen>>);

/// What was seen of an adapter.
#[derive(Debug, Clone, Copy)]
enum Seen {
    /// Live, and ailing.
    Ailing { since: Timestamp },
    /// Demoted, and well again.
    Well { since: Timestamp },
}

/// An adapter as it stands.
struct Stand<'a> {
    /// Its id.
    id: &'a str,
    /// Whether its answers count.
    is_live: bool,
    /// The version that stands in if it is demoted.
    former: Option<String>,
    /// Its last demotion; the one it is under where it is not live.
    last: Option<&'a Demotion>,
}

/// What is to be done about an adapter.
#[derive(Debug)]
enum Due {
    /// It is demoted.
    Demote(Box<Demotion>),
    /// It returns.
    Return,
}

/// How an adapter does.
struct Condition {
    /// What is wrong now.
    ailments: Vec<Ailment>,
    /// How many of a hundred answers of each dataset are usually "no record".
    usual: Vec<(DatasetId, u32)>,
    /// How many questions it was asked since the hub started, and the fewest answers of a dataset for which it was demoted.
    heard: (u64, u64),
}

impl Demotion {
    /// What callers are told, and the log keeps.
    pub fn notice(&self) -> Text {
        let zh: Vec<String> = self.ailments.iter().take(3).map(|ailment| told(ailment).zh).collect();
        let en: Vec<String> = self.ailments.iter().take(3).map(|ailment| told(ailment).en).collect();
        Text::new(
            format!("该部门近来的答复与平常不同（{}），平台已自动暂停使用，恢复正常后自动启用。", zh.join("；")),
            format!(
                "The department's answers are not what they used to be ({}). The hub has stopped using them, and starts again by itself once they are.",
                en.join("; ")
            ),
        )
    }
}

fn told(ailment: &Ailment) -> Text {
    let Ailment { symptom, dataset, field, before, now } = ailment;
    let (dataset, before) = (dataset.as_ref().map_or("", DatasetId::as_str), before.unwrap_or_default());
    let field = field.as_deref().unwrap_or_default();
    match symptom {
        Symptom::FailsOften => Text::new(
            format!("每百次查询仅 {now} 次得到答复"),
            format!("only {now} of a hundred questions are answered"),
        ),
        Symptom::MoreNoRecord | Symptom::FewerNoRecord => Text::new(
            format!("{dataset}：“查无记录”由每百次 {before} 次变为 {now} 次"),
            format!("{dataset}: \"no record\" went from {before} to {now} of a hundred"),
        ),
        Symptom::Malformed => Text::new(
            format!("{dataset}：每百次答复有 {now} 次不合格式"),
            format!("{dataset}: {now} of a hundred answers do not fit their form"),
        ),
        Symptom::FieldLeftOut => Text::new(
            format!("{dataset}：每百条记录缺 {field} 的由 {before} 条变为 {now} 条"),
            format!("{dataset}: records without {field} went from {before} to {now} of a hundred"),
        ),
    }
}

/// What a demotion or return makes of the records: those that change, the one it is about first.
pub(super) fn applied(
    records: &[AdapterRecord],
    change: &Change,
    step: impl Fn(Option<Move>, AdapterState) -> StepTaken,
) -> Result<Vec<AdapterRecord>, AdapterFault> {
    let (Change::Demote { id, .. } | Change::Return { id }) = change else { return Ok(Vec::new()) };
    let find = |id: &str| records.iter().find(|record| record.id == id).cloned().ok_or(AdapterFault::Unknown);
    let mut next = find(id)?;
    let move_to = |record: &mut AdapterRecord, by: Move| -> Result<(), AdapterFault> {
        let state = record.state.after(by)?;
        record.took(step(Some(by), state));
        Ok(())
    };
    if let Change::Demote { demotion, .. } = change {
        move_to(&mut next, Move::Demote)?;
        next.notice = Some(demotion.notice());
        next.demotion = Some(demotion.clone());
        let Some(stands_in) = &demotion.stands_in else { return Ok(vec![next]) };
        let mut former = find(stands_in)?;
        move_to(&mut former, Move::StandIn)?;
        former.notice = None;
        return Ok(vec![next, former]);
    }
    let stands_in =
        next.demotion.as_ref().filter(|_| next.is_on_trial()).ok_or(AdapterFault::Unknown)?.stands_in.clone();
    let live =
        records.iter().find(|other| other.department == next.department && other.state == AdapterState::Live).cloned();
    move_to(&mut next, Move::Return)?;
    next.notice = None;
    next.end_demotion(next.changed_at());
    match live {
        None => Ok(vec![next]),
        Some(mut former) if Some(&former.id) == stands_in.as_ref() => {
            move_to(&mut former, Move::Drain)?;
            Ok(vec![next, former])
        }
        // Two persons let another version on meanwhile: that one stands.
        Some(other) => Err(AdapterFault::Other { other: other.id, state: AdapterState::Live }),
    }
}

/// The version that gave way when this one went live, if nobody has decided anything about it since.
fn former<'a>(records: &'a [AdapterRecord], record: &AdapterRecord) -> Option<&'a AdapterRecord> {
    let went_live_at = record.steps.iter().rfind(|step| step.by == Some(Move::GoLive))?.at;
    records.iter().find(|other| {
        let gave_way = other.steps.iter().rposition(|step| step.by == Some(Move::Drain) && step.at == went_live_at);
        let own_steps_alone = |from: usize| {
            let mut later = other.steps.iter().skip(from + 1);
            later
                .all(|step| step.by.is_some_and(Move::is_own) || step.by == Some(Move::Drain) && step.entered_by == HUB)
        };
        other.department == record.department
            && other.id != record.id
            && other.state.is_paused()
            && gave_way.is_some_and(own_steps_alone)
            && !other.is_on_trial()
    })
}

/// Whether an adapter is taken off for this where nobody stands in: an answer that may be wrong is worse than none, but some
/// answers are better than none at all.
fn misleads(ailments: &[Ailment]) -> bool {
    let misleads = |symptom| matches!(symptom, Symptom::MoreNoRecord | Symptom::FewerNoRecord | Symptom::FieldLeftOut);
    ailments.iter().any(|ailment| misleads(ailment.symptom))
}

impl Condition {
    fn of(adapter: &Adapter, demotion: Option<&Demotion>) -> Self {
        let ailing = demotion.into_iter().flat_map(|demotion| &demotion.ailments);
        let heard = adapter.heard_of(ailing.filter_map(|ailment| ailment.dataset.as_ref()));
        Self { ailments: adapter.ailments(), usual: adapter.usual(), heard }
    }
}

/// Whether so much time has passed.
fn is_over(since: Timestamp, time: Duration, now: Timestamp) -> bool {
    now.duration_since(since) >= SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX)
}

impl Watched {
    /// Notes how a registered adapter does. What is to be done about it now.
    fn look(
        &self,
        rules: DemotionRules,
        (records, record): (&[AdapterRecord], &AdapterRecord),
        condition: Condition,
        now: Timestamp,
    ) -> Option<Change> {
        let is_live = record.state == AdapterState::Live;
        let former = former(records, record).filter(|_| is_live).map(|former| former.id.clone());
        let stand = Stand { id: &record.id, is_live, former, last: record.demotion.as_deref() };
        let id = record.id.clone();
        Some(match self.due(rules, stand, condition, now)? {
            Due::Demote(demotion) => Change::Demote { id, demotion },
            Due::Return => Change::Return { id },
        })
    }

    /// Notes how an adapter does. What is to be done about it now.
    fn due(&self, rules: DemotionRules, stand: Stand<'_>, condition: Condition, now: Timestamp) -> Option<Due> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Condition { ailments, usual, heard } = condition;
        let Stand { id, is_live, former, last } = stand;
        let id = id.to_owned();
        if is_live {
            if ailments.is_empty() || former.is_none() && !misleads(&ailments) {
                all.remove(&id);
                return None;
            }
            let since = match all.get(&id) {
                Some(Seen::Ailing { since }) => *since,
                _ => now,
            };
            all.insert(id, Seen::Ailing { since });
            if !is_over(since, rules.after, now) {
                return None;
            }
            let is_near = |last: &&Demotion| last.ended_at.is_some_and(|at| now.duration_since(at) < AGAIN_WITHIN);
            let times = last.filter(is_near).map_or(0, |last| last.times) + 1;
            let demotion = Demotion { ailments, usual, stands_in: former, times, at: now, ended_at: None };
            return Some(Due::Demote(Box::new(demotion)));
        }
        let demotion = last?;
        // After a restart nothing has been heard: that nothing is wrong says nothing then.
        if !ailments.is_empty() || heard.0 < ENOUGH || heard.1 < ENOUGH {
            all.remove(&id);
            return None;
        }
        let since = match all.get(&id) {
            Some(Seen::Well { since }) => *since,
            _ => now,
        };
        all.insert(id, Seen::Well { since });
        let pause = rules.returns_after.saturating_mul(1 << demotion.times.saturating_sub(1).min(16)).min(LONGEST);
        is_over(since, pause, now).then_some(Due::Return)
    }

    fn forget(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

impl Adapters {
    /// Demotes who ails and lets return who is well again.
    pub(super) async fn watch(&self) -> Result<(), StoreError> {
        let (Some(connecting), Some(rules)) = (&self.parts.connecting, &self.parts.rules) else { return Ok(()) };
        let records = self.records();
        let by_file = connecting.demotions().values().filter(|demotion| demotion.ended_at.is_none()).count();
        let demoted = records.iter().filter(|record| record.is_on_trial()).count() + by_file;
        metrics::gauge!("hedui_adapters_demoted").set(u32::try_from(demoted).unwrap_or(u32::MAX));
        if !rules.demotion.is_on {
            return Ok(());
        }
        let now = self.parts.clock.now();
        for record in records.iter().filter(|record| record.state == AdapterState::Live || record.is_on_trial()) {
            let Some(way) = connecting.way(&record.id) else { continue };
            let condition = Condition::of(&way.adapter, record.demotion.as_deref());
            let Some(change) = self.watched.look(rules.demotion, (&records, record), condition, now) else { continue };
            self.watched.forget(&record.id);
            match self.make_in_turn(Order { by: HUB, ..Order::default() }, &change, None).await? {
                Ok(_) => tell(&record.id, change.demotion()),
                Err(fault) => tracing::debug!(adapter = record.id, %fault, "is left as it is"),
            }
        }
        self.watch_by_file(rules.demotion, connecting, &records, now).await
    }

    /// The same of the adapters of the configuration file, which have no record: what the hub does with them lasts as long as
    /// it runs. Hubs of other regions are not among them: their departments are theirs to watch.
    async fn watch_by_file(
        &self,
        rules: DemotionRules,
        connecting: &Connecting,
        records: &[AdapterRecord],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let demotions = connecting.demotions();
        for (department, file) in connecting.by_file().iter().filter(|(department, _)| self.knows(department)) {
            let (id, last) = (format!("{department}-file"), demotions.get(department));
            if is_taken_over(records, department) {
                self.watched.forget(&id);
                continue;
            }
            let is_live = last.is_none_or(|last| last.ended_at.is_some());
            let condition = Condition::of(&file.way.adapter, last);
            let stand = Stand { id: &id, is_live, former: None, last };
            let Some(due) = self.watched.due(rules, stand, condition, now) else { continue };
            self.watched.forget(&id);
            let demotion = match (due, last) {
                (Due::Demote(demotion), _) => *demotion,
                (Due::Return, Some(last)) => Demotion { ended_at: Some(now), ..last.clone() },
                (Due::Return, None) => continue,
            };
            let told = demotion.ended_at.is_none().then(|| demotion.clone());
            self.move_by_file(Order { by: HUB, ..Order::default() }, (department, demotion), (None, true)).await?;
            tell(&id, told.as_ref());
        }
        Ok(())
    }

    /// Demotes an adapter of the configuration file, or ends its demotion: on record first, then in force.
    async fn move_by_file(
        &self,
        order: Order<'_>,
        (department, demotion): (&DepartmentId, Demotion),
        (request, is_own): (Option<i64>, bool),
    ) -> Result<String, StoreError> {
        let _alone = self.alone.lock().await;
        let (states, reason) = match demotion.ended_at {
            None => (["live", "suspended"], Some(demotion.notice().zh)),
            Some(_) => (["suspended", "live"], None),
        };
        let [before, object] = states.map(|state| format!("adapter/{department}-file/{state}"));
        let now = self.parts.clock.now();
        let event = self.event(order, &object, Some(&before), reason.as_deref(), now, is_own)?;
        let answered = request.map(|number| (number, Answer::Done(object.clone()).to_json()));
        let changes = Changes { answered, approval: order.end(now), ..Changes::default() };
        self.parts.store.change(changes, vec![event]).await?;
        if let Some(connecting) = &self.parts.connecting {
            connecting.demoted(department.clone(), demotion);
        }
        self.put_in_force(&self.records());
        Ok(object)
    }

    /// The department and demotion of an adapter of the configuration file that an operator lets be asked again.
    pub(super) fn resumed_by_file(&self, change: &Change) -> Option<(DepartmentId, Demotion)> {
        let Change::Move { id, by: Move::Resume, .. } = change else { return None };
        let department = DepartmentId::parse(id.strip_suffix("-file")?).ok()?;
        let demotion = self.parts.connecting.as_ref()?.demotions().remove(&department)?;
        demotion.ended_at.is_none().then_some((department, demotion))
    }

    /// Lets an adapter of the configuration file be asked again because an operator says so. What it answers now is usual.
    pub(super) async fn resume_by_file(
        &self,
        order: Order<'_>,
        (department, demotion): (DepartmentId, Demotion),
        request: Option<i64>,
    ) -> Result<String, StoreError> {
        let demotion = Demotion { ended_at: Some(self.parts.clock.now()), ..demotion };
        self.watched.forget(&format!("{department}-file"));
        let file = self.parts.connecting.as_ref().and_then(|own| own.by_file().get(&department));
        if let Some(file) = file {
            file.way.adapter.learn_anew();
        }
        self.move_by_file(order, (&department, demotion), (request, false)).await
    }

    /// What an adapter answers now is usual, where an operator ended its demotion: otherwise it would be demoted again for what
    /// that person saw and let pass.
    pub(super) fn learn_anew(&self, id: &str) {
        self.watched.forget(id);
        if let Some(way) = self.parts.connecting.as_ref().and_then(|own| own.way(id)) {
            way.adapter.learn_anew();
        }
    }
}

/// Whether a registered adapter stands for a department, or its notice does: then the configuration file's is not asked.
pub(super) fn is_taken_over(records: &[AdapterRecord], department: &DepartmentId) -> bool {
    let mut own = records.iter().filter(|record| record.department == *department);
    own.any(|record| record.state == AdapterState::Live || record.state.is_paused())
}

/// Tells operators.
fn tell(adapter: &str, demotion: Option<&Demotion>) {
    let what = if let Some(demotion) = demotion {
        let stands_in = demotion.stands_in.as_deref().unwrap_or("nobody");
        tracing::error!(adapter, stands_in, reason = demotion.notice().en, "is demoted");
        "demoted"
    } else {
        tracing::warn!(adapter, "answers as it used to, and is asked again");
        "returned"
    };
    metrics::counter!("hedui_adapter_demotions_total", "adapter" => adapter.to_owned(), "what" => what).increment(1);
}

#[cfg(test)]
mod tests;
