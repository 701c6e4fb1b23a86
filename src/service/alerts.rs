//! What a security officer does with alerts. Every look and every step is itself an entry of the log, durable before it
//! is answered. Foreign alerts, and those about oneself, are as if they were not there.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::alerting::Desk;
use super::error::ServiceError;
use super::ids::Ids;
use super::verify::Caller;
use crate::access_log::{AccessEvent, Action};
use crate::auth::access::{self, Object, authorise};
use crate::domain::clock::Clock;
use crate::domain::division::DivisionCode;
use crate::domain::problem::{Finding, Text};
use crate::review::gathering::Alert;
use crate::review::rules::titled;
use crate::review::state::{self, Move, Refusal, State, Step};
use crate::store::{AlertQuery, AlertRow, Changes, Store, StoreError};

/// An alert with its state.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertView {
    /// What the rule found.
    #[serde(flatten)]
    pub alert: Alert,
    /// What the rule is called.
    pub title: Text,
    /// Its state.
    pub state: State,
    /// What was done with it.
    pub steps: Vec<Step>,
    /// Where each entry of the evidence can be looked at, and proved to be in the log.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<EvidenceLink>,
}

/// Where an entry of the evidence is.
#[derive(Debug, Serialize, ToSchema)]
pub struct EvidenceLink {
    /// The entry.
    pub entry: String,
    /// Its inclusion proof.
    pub proof: String,
}

/// Alerts that were found.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertPage {
    /// The alerts, the highest score first.
    pub alerts: Vec<AlertView>,
    /// Where to go on, as `after`; absent when there are no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_after: Option<String>,
    /// The receipt of this look.
    pub receipt: String,
}

/// What is to be done with an alert.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Transition {
    /// Where to.
    pub to: Move,
    /// Why: 6 to 400 characters that say something, and no identity number. It stands in the access log.
    #[schema(min_length = 6, max_length = 400)]
    pub reason: String,
    /// Until when the actor is to explain; with `asked`, and only then.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due_at: Option<Timestamp>,
}

/// The use cases of alerts.
pub struct Alerts {
    store: Store,
    clock: std::sync::Arc<dyn Clock>,
    ids: Ids,
    desk: Desk,
}

impl Alerts {
    /// The use cases over these parts.
    pub fn new(store: Store, clock: std::sync::Arc<dyn Clock>, ids: Ids, desk: Desk) -> Self {
        Self { store, clock, ids, desk }
    }

    /// Alerts, the highest score first.
    pub async fn list(&self, caller: Caller<'_>, mut query: AlertQuery) -> Result<AlertPage, ServiceError> {
        let told = [("state", &query.state), ("rule", &query.rule), ("severity", &query.severity)];
        let told = told.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
        let told: BTreeMap<&str, String> = std::iter::once(("alerts", "list".to_owned())).chain(told).collect();
        let division = caller.client.division;
        query.division_prefix = (division != DivisionCode::NATION).then(|| division.significant().to_owned());
        query.not_about = Some(caller.client.id.clone());
        let rows = self.store.alerts(&query).await?;
        let is_full = rows.len() >= usize::try_from(query.limit.unwrap_or(50)).unwrap_or(usize::MAX);
        let next_after = rows.last().filter(|_| is_full).map(|row| row.id.clone());
        let mut event = self.event(caller, Action::LogSearched);
        event.search = told;
        let receipt = event.id.clone();
        self.store.record_events(vec![event.to_row()?]).await?;
        // The query keeps foreign alerts out; what is shown is decided like every other access.
        let shown = rows.into_iter().filter(|row| may_see(caller, row));
        let alerts = shown.map(|row| view(&row, false)).collect::<Result<_, _>>()?;
        Ok(AlertPage { alerts, next_after, receipt })
    }

    /// One alert with its evidence.
    pub async fn show(&self, caller: Caller<'_>, id: &str) -> Result<AlertView, ServiceError> {
        let row = self.visible(caller, id).await?;
        let object = format!("alerts/{id}");
        let mut event = self.event(caller, Action::Viewed);
        event.object = Some(&object);
        event.rule = Some(&row.rule);
        self.store.record_events(vec![event.to_row()?]).await?;
        view(&row, true)
    }

    /// Brings an alert to another state, with the entry that records it.
    pub async fn bring(&self, caller: Caller<'_>, id: &str, to: &Transition) -> Result<AlertView, ServiceError> {
        let _held = self.desk.lock().await;
        let row = self.visible(caller, id).await?;
        let mut seen = view(&row, true)?;
        let now = self.clock.now();
        let by = &caller.client.id;
        let reason = to.reason.trim();
        let state =
            state::next(&seen.steps, seen.alert.severity, to.to, by, reason, to.due_at, now).map_err(refused)?;
        seen.state = state;
        seen.steps.push(Step { state, by: by.clone(), at: now, reason: reason.to_owned(), due_at: to.due_at });
        let object = format!("alerts/{id}");
        let mut event = self.event(caller, Action::AlertChanged);
        event.object = Some(&object);
        event.reason = Some(reason);
        event.rule = Some(&row.rule);
        event.state = Some(state.as_str());
        let event = event.to_row()?;
        let steps = serde_json::to_string(&seen.steps).map_err(|_| StoreError::Corrupt("alert"))?;
        let changed = AlertRow { state: state.as_str().to_owned(), steps, ..row };
        self.store.change(Changes { alerts: vec![changed], ..Changes::default() }, vec![event]).await?;
        Ok(seen)
    }

    async fn visible(&self, caller: Caller<'_>, id: &str) -> Result<AlertRow, ServiceError> {
        self.store.alert(id).await?.filter(|row| may_see(caller, row)).ok_or(ServiceError::NoAlert)
    }

    fn event<'a>(&self, caller: Caller<'a>, action: Action) -> AccessEvent<'a> {
        AccessEvent::new(self.ids.next("ev"), self.clock.now(), action, Some(caller.client), caller.request_id)
    }
}

fn may_see(caller: Caller<'_>, row: &AlertRow) -> bool {
    let division = row.division.as_deref().and_then(|division| DivisionCode::parse(division).ok());
    let object = Object::Alert { division, about: row.actor.as_deref() };
    authorise(caller.client, access::Action::ReviewAlerts, &object).is_permit()
}

fn view(row: &AlertRow, with_links: bool) -> Result<AlertView, ServiceError> {
    let corrupt = |_| StoreError::Corrupt("alert");
    let alert: Alert = serde_json::from_str(&row.body).map_err(corrupt)?;
    let entries = alert.entries.iter().filter(|_| with_links);
    let links = entries.map(|entry| EvidenceLink {
        entry: format!("/v1/access-log/{}", entry.index),
        proof: format!("/v1/access-log/proofs/inclusion/{}", entry.index),
    });
    Ok(AlertView {
        links: links.collect(),
        title: titled(alert.rule),
        state: State::parse(&row.state).ok_or(StoreError::Corrupt("alert"))?,
        steps: serde_json::from_str(&row.steps).map_err(corrupt)?,
        alert,
    })
}

fn refused(refusal: Refusal) -> ServiceError {
    let (pointer, code, zh) = match refusal {
        Refusal::State => return ServiceError::AlertState,
        Refusal::FourEyes => return ServiceError::FourEyes,
        Refusal::Reason => ("/reason", "empty_reason", "事由须说明情况，6 到 400 个字，不得以重复字符充数。"),
        Refusal::IdentityNumber => ("/reason", "identity_number", "事由中不得填写公民身份号码：该内容会写入访问日志。"),
        Refusal::Due => ("/due_at", "invalid_value", "要求说明时须给出将来的时限；其他处理不填时限。"),
    };
    let detail = Text::new(zh, format!("{refusal}."));
    ServiceError::Invalid(vec![Finding { pointer: pointer.to_owned(), code, detail }])
}
