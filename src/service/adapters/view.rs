//! Adapters and catalogue as they are shown: what is registered, how it does, what it agreed to and how far that is used.
//! Counts and times only; nothing in it is about a person.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::Adapters;
use super::conformance::Conformance;
use super::connecting::Connecting;
use super::demoting::Demotion;
use super::own::may_see;
use super::record::{AdapterRecord, ServedDataset, StepTaken};
use super::sustained::{SustainedView, sustained};
use crate::domain::actor::Client;
use crate::domain::adapter::AdapterState;
use crate::domain::agreement::Agreement;
use crate::domain::dataset::{Catalogue, Dataset, DatasetId, DepartmentId};
use crate::domain::outcome::Told;
use crate::domain::period::date_in_china;
use crate::domain::problem::Text;
use crate::federation::health::Ailment;
use crate::federation::registry::Way;

/// An adapter.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Adapter)]
pub struct AdapterView {
    /// Its id: `hrss-2`, or `hrss-file`.
    pub id: String,
    /// The department it answers for.
    #[schema(value_type = String)]
    pub department: DepartmentId,
    /// Whether it stands in the hub's configuration file, and is changed there.
    pub by_file: bool,
    /// Where it stands.
    pub state: AdapterState,
    /// Where it is.
    pub endpoint: String,
    /// The version of its connector, where it was registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What it calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// Whom to call when it is down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// What it serves.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub datasets: Vec<ServedDataset>,
    /// The keys its certificate may have (SHA-256 of the SPKI, hexadecimal).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pins: Vec<String>,
    /// The thumbprint of the key that its answers must be signed with; they need not be signed when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_key: Option<String>,
    /// What callers are told while it is not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<Text>,
    /// What its department agreed to.
    pub agreement: Agreement,
    /// What was agreed to before the department tightened it by itself, which it may go back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreed: Option<Agreement>,
    /// The report it was let on with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conformance: Option<Conformance>,
    /// Who invited the department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invited_by: Option<String>,
    /// From where it was registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registered_from: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub registered_at: Option<Timestamp>,
    /// What was done with it since, the newest last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepTaken>,
    /// How it does; absent where it is not connected to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthView>,
    /// How much of its quotas is used, by quota.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub used: BTreeMap<String, u64>,
    /// How far it agreed with the live one while it was a shadow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowView>,
    /// How far it holds in shadow: level 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sustained: Option<SustainedView>,
    /// When it had reached level 5, before it went live.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub sustained_at: Option<Timestamp>,
    /// Why the hub demoted it the last time, and until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub demotion: Option<Demotion>,
}

/// How an adapter does, from real traffic.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AdapterHealth)]
pub struct HealthView {
    /// Questions under way.
    pub under_way: usize,
    /// Left alone for a while because it does not answer.
    pub left_alone: bool,
    /// Half of its answers take at most this long, milliseconds; absent before enough have come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub half_ms: Option<u64>,
    /// Nineteen of twenty take at most this long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_ms: Option<u64>,
    /// What is not as it used to be in its answers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ailments: Vec<Ailment>,
}

/// How far a shadow agreed.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = ShadowAgreement)]
pub struct ShadowView {
    /// Questions that were put to it.
    pub asked: u64,
    /// Questions that it did not answer, or with nothing that is an answer, by reason.
    pub missed: BTreeMap<String, u64>,
    /// People of whom both said the same, and of whom they did not, by dataset.
    pub datasets: BTreeMap<String, ShadowDatasetView>,
    /// Thousandths of the compared answers that agree; absent before there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement_permille: Option<u64>,
}

/// How far a shadow agreed on one dataset.
#[derive(Debug, Default, Clone, Copy, Serialize, ToSchema)]
#[schema(as = ShadowDataset)]
pub struct ShadowDatasetView {
    /// People of whom both said the same.
    pub agreed: u64,
    /// People of whom they said otherwise.
    pub differed: u64,
}

/// A department of the catalogue, for callers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CatalogueDepartment)]
pub struct CatalogueView {
    /// Its id.
    #[schema(value_type = String)]
    pub department: DepartmentId,
    /// Its name.
    pub name: Text,
    /// `live`, `draining`, `suspended`, or `not_connected`.
    pub state: &'static str,
    /// Why it may not be asked now: its notice, a maintenance window, its hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<Told>,
    /// Whom to call when it is down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// The conformance level it was let on with, where it registered itself; 5 where the hub had seen it hold for days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conformance_level: Option<u8>,
    /// When that report was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub conformance_at: Option<Timestamp>,
    /// Its datasets.
    pub datasets: Vec<CatalogueDatasetView>,
}

/// A dataset of the catalogue, for callers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CatalogueDataset)]
pub struct CatalogueDatasetView {
    /// The dataset.
    #[schema(value_type = String)]
    pub id: DatasetId,
    /// Its name.
    pub name: Text,
    /// The type of its facts.
    pub fact: &'static str,
    /// Whether a record settles the matter (`conclusive`) or is a reason to ask (`hint`).
    #[schema(value_type = String)]
    pub authority: crate::domain::dataset::Authority,
    /// How long an answer is used again as if just asked, seconds.
    pub fresh_seconds: u64,
    /// How long after that an old answer may stand in when the department does not answer, seconds.
    pub stale_seconds: u64,
    /// Purposes for which it may be asked.
    pub purposes: Vec<&'static str>,
}

/// How an adapter does.
pub(super) fn health_of(way: &Way) -> HealthView {
    let milliseconds = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let delays = way.adapter.delays();
    HealthView {
        under_way: way.adapter.under_way(),
        left_alone: way.adapter.is_left_alone(),
        half_ms: delays.map(|(half, _)| milliseconds(half)),
        most_ms: delays.map(|(_, most)| milliseconds(most)),
        ailments: way.adapter.ailments(),
    }
}

impl Adapters {
    /// All adapters that this client may see, those of the configuration file too, by department and number.
    pub fn list(&self, client: &Client) -> Vec<AdapterView> {
        let records = self.records();
        let mut all: Vec<AdapterView> = records.iter().map(|record| self.view(record)).collect();
        let by_file = self.parts.connecting.iter().flat_map(|own| own.by_file().keys().map(move |id| (own, id)));
        all.extend(by_file.filter_map(|(own, department)| file_view(own, department)));
        all.retain(|view| may_see(client, &view.department));
        let number = |view: &AdapterView| view.id.rsplit('-').next().and_then(|number| number.parse::<u32>().ok());
        all.sort_by(|one, other| (&one.department, number(one)).cmp(&(&other.department, number(other))));
        all
    }

    /// One adapter, where this client may see it.
    pub fn shown_to(&self, client: &Client, id: &str) -> Option<AdapterView> {
        self.show(id).filter(|view| may_see(client, &view.department))
    }

    /// One adapter.
    pub fn show(&self, id: &str) -> Option<AdapterView> {
        if let Some(record) = self.records().iter().find(|record| record.id == id) {
            return Some(self.view(record));
        }
        let department = DepartmentId::parse(id.strip_suffix("-file")?).ok()?;
        file_view(self.parts.connecting.as_ref()?, &department)
    }

    /// The catalogue as it stands now.
    pub fn catalogue(&self) -> Vec<CatalogueView> {
        let (Some(connecting), records) = (&self.parts.connecting, self.records()) else { return Vec::new() };
        let (catalogue, now) = (&*self.parts.catalogue, self.parts.clock.now());
        let of_department = |department: &crate::domain::dataset::Department| {
            let desk = connecting.registry().desk(&department.id);
            // Whom to call is asked most while it is paused.
            let own = || records.iter().filter(|record| record.department == department.id);
            let live = own().find(|record| record.state == AdapterState::Live);
            let paused_record =
                || own().filter(|record| record.state.is_paused()).max_by_key(|record| record.newness());
            let standing = live.or_else(paused_record);
            let paused = desk.paused.as_deref();
            let state = match (&desk.live, paused) {
                (Some(_), _) => "live",
                (None, Some(told)) => told.code,
                (None, None) => "not_connected",
            };
            let shut = desk.live.as_ref().and_then(|way| way.agreement.shut(now));
            CatalogueView {
                department: department.id.clone(),
                name: Text::clone(&department.name),
                state,
                notice: shut.or_else(|| paused.cloned()),
                contact: standing.map(|record| record.contact.clone()),
                conformance_level: standing.and_then(AdapterRecord::level),
                conformance_at: standing.and_then(|record| Some(record.conformance.as_ref()?.made_at)),
                datasets: datasets_of(catalogue, &department.id).map(dataset_view).collect(),
            }
        };
        catalogue.departments().iter().map(of_department).collect()
    }

    /// How far an adapter holds while it is a shadow.
    fn sustained(&self, record: &AdapterRecord, counts: &BTreeMap<String, u64>) -> Option<SustainedView> {
        let rules = self.parts.rules.as_ref().filter(|_| record.state == AdapterState::Shadow)?;
        Some(sustained(counts, date_in_china(self.parts.clock.now()), rules.sustained_days))
    }

    fn view(&self, record: &AdapterRecord) -> AdapterView {
        let connecting = self.parts.connecting.as_ref();
        let way =
            connecting.filter(|_| record.state.is_asked() || record.is_on_trial()).and_then(|own| own.way(&record.id));
        let counts = |owner: &str| connecting.map(|own| own.registry().counters().of(owner)).unwrap_or_default();
        AdapterView {
            id: record.id.clone(),
            department: record.department.clone(),
            by_file: false,
            state: record.state,
            endpoint: record.endpoint.clone(),
            version: Some(record.version.clone()),
            name: Some(record.name.clone()),
            contact: Some(record.contact.clone()),
            datasets: record.datasets.clone(),
            pins: record.pins.iter().map(|pin| pin.as_str().to_owned()).collect(),
            answer_key: record.answer_key.as_ref().map(|key| key.public().id().to_owned()),
            notice: record.notice.clone(),
            agreement: record.agreement.clone(),
            agreed: record.agreed.as_deref().cloned(),
            conformance: record.conformance.clone(),
            invited_by: Some(record.invited_by.clone()),
            registered_from: record.registered_from.clone(),
            registered_at: Some(record.registered_at),
            steps: record.steps.clone(),
            health: way.as_ref().map(health_of),
            used: record.quota_owner().map(|owner| used_view(counts(owner))).unwrap_or_default(),
            shadow: shadow_view(&counts(&record.id)),
            sustained: self.sustained(record, &counts(&record.id)),
            sustained_at: record.sustained_at,
            demotion: record.demotion.as_deref().cloned(),
        }
    }
}

fn file_view(connecting: &Connecting, department: &DepartmentId) -> Option<AdapterView> {
    let file = connecting.by_file().get(department)?;
    let demotion = connecting.demotions().remove(department);
    // A registered adapter that was live stands in its place.
    let desk = connecting.registry().desk(department);
    let is_asked = desk.live.as_ref().is_some_and(|way| std::sync::Arc::ptr_eq(&way.adapter, &file.way.adapter));
    Some(AdapterView {
        id: format!("{department}-file"),
        department: department.clone(),
        by_file: true,
        state: if is_asked { AdapterState::Live } else { AdapterState::Suspended },
        endpoint: file.endpoint.clone(),
        version: None,
        name: None,
        contact: None,
        datasets: Vec::new(),
        pins: Vec::new(),
        answer_key: file.way.adapter.answer_keys().first().map(|key| key.id().to_owned()),
        notice: demotion.as_ref().filter(|demotion| demotion.ended_at.is_none()).map(Demotion::notice),
        agreement: file.way.agreement.as_ref().clone(),
        agreed: None,
        conformance: None,
        invited_by: None,
        registered_from: None,
        registered_at: None,
        steps: Vec::new(),
        health: Some(health_of(&file.way)),
        used: BTreeMap::new(),
        shadow: None,
        sustained: None,
        sustained_at: None,
        demotion,
    })
}

fn datasets_of<'a>(catalogue: &'a Catalogue, department: &DepartmentId) -> impl Iterator<Item = &'a Dataset> {
    let department = department.clone();
    catalogue.datasets().iter().filter(move |dataset| dataset.department == department)
}

fn dataset_view(dataset: &Dataset) -> CatalogueDatasetView {
    CatalogueDatasetView {
        id: dataset.id.clone(),
        name: dataset.name.clone(),
        fact: dataset.fact.as_str(),
        authority: dataset.authority,
        fresh_seconds: dataset.fresh.as_secs(),
        stale_seconds: dataset.stale_while_error.as_secs(),
        purposes: dataset.purposes.iter().map(|purpose| purpose.as_str()).collect(),
    }
}

/// What is used of quotas, without what names a second that is over.
pub fn used_view(counts: BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let quotas = counts.into_iter().filter_map(|(name, count)| Some((name.strip_prefix("quota/")?.to_owned(), count)));
    quotas.filter(|(name, _)| !name.starts_with("second/")).collect()
}

/// What was counted of a shadow (`shadowing.rs`); none where nothing was.
pub fn shadow_view(counts: &BTreeMap<String, u64>) -> Option<ShadowView> {
    let mut view = ShadowView::default();
    for (name, count) in counts {
        let parts: Vec<&str> = name.split('/').collect();
        match parts.as_slice() {
            ["shadow", "asked"] => view.asked = *count,
            ["shadow", "missed", reason] => drop(view.missed.insert((*reason).to_owned(), *count)),
            ["shadow", dataset, "agreed"] => view.datasets.entry((*dataset).to_owned()).or_default().agreed = *count,
            ["shadow", dataset, "differed"] => {
                view.datasets.entry((*dataset).to_owned()).or_default().differed = *count;
            }
            _ => {}
        }
    }
    let agreed: u64 = view.datasets.values().map(|dataset| dataset.agreed).sum();
    let all: u64 = view.datasets.values().map(|dataset| dataset.agreed + dataset.differed).sum();
    view.agreement_permille = (agreed * 1_000).checked_div(all);
    (view.asked > 0 || !view.missed.is_empty()).then_some(view)
}
