//! From records to adapters that can be asked: connections are made with the pinned keys, kept as long as anything is under
//! way on them, and put on the desks that the federation asks from.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connectors::keys::PublicKey;

use super::demoting::{Demotion, is_taken_over};
use super::record::AdapterRecord;
use crate::domain::adapter::AdapterState;
use crate::domain::agreement::Agreement;
use crate::domain::clock::Randomness;
use crate::domain::dataset::DepartmentId;
use crate::domain::outcome::Told;
use crate::domain::problem::Text;
use crate::egress::Egress;
use crate::egress::client::ClientError;
use crate::federation::adapter::Adapter;
use crate::federation::client::{AdapterClient, ClientOptions};
use crate::federation::proving::AnswerKeys;
use crate::federation::registry::{Desk, Registry, Shadow, Terms, Way};

/// How registered adapters are connected to.
pub struct Network {
    /// The way out.
    pub egress: Egress,
    /// The authority of adapters that register themselves, PEM; none where nobody may.
    pub ca: Option<String>,
    /// The hub's own certificate chain and key, PEM.
    pub identity: String,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// Largest answer, bytes.
    pub max_answer: usize,
    /// For the adapters' own use.
    pub randomness: Arc<dyn Randomness>,
}

/// The running hub's side of the registry.
pub struct Connecting {
    registry: Arc<Registry>,
    by_file: HashMap<DepartmentId, FileAdapter>,
    pub(super) network: Network,
    /// The connections of each adapter, the newest last: former ones as long as something is under way on them.
    ways: Mutex<HashMap<String, Vec<Way>>>,
    shadows: Mutex<HashMap<String, Arc<Shadow>>>,
    /// The last demotion of each adapter of the configuration file.
    demotions: Mutex<HashMap<DepartmentId, Demotion>>,
}

/// An adapter of the configuration file.
#[derive(Clone)]
pub struct FileAdapter {
    /// Where it is.
    pub endpoint: String,
    /// The authority of its certificate, PEM.
    pub ca: String,
    /// How it is asked.
    pub way: Way,
}

impl Connecting {
    /// Over these parts. What the configuration file names stands on the desks already.
    pub fn new(
        registry: Arc<Registry>,
        by_file: impl IntoIterator<Item = (DepartmentId, String, String)>,
        network: Network,
    ) -> Self {
        let known = |(department, endpoint, ca)| {
            let way = registry.desk(&department).live?;
            Some((department, FileAdapter { endpoint, ca, way }))
        };
        let by_file = by_file.into_iter().filter_map(known).collect();
        let (ways, shadows, demotions) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { registry, by_file, network, ways, shadows, demotions }
    }

    /// What the federation asks from.
    pub const fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// The adapters of the configuration file, by department.
    pub const fn by_file(&self) -> &HashMap<DepartmentId, FileAdapter> {
        &self.by_file
    }

    /// The last demotion of each adapter of the configuration file, since the hub started.
    pub(super) fn demotions(&self) -> HashMap<DepartmentId, Demotion> {
        self.demotions.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes the last demotion of an adapter of the configuration file.
    pub(super) fn demoted(&self, department: DepartmentId, demotion: Demotion) {
        self.demotions.lock().unwrap_or_else(PoisonError::into_inner).insert(department, demotion);
    }

    /// The desk of an adapter of the configuration file.
    fn desk_by_file(&self, (department, file): (&DepartmentId, &FileAdapter), demotion: &Demotion, share: u64) -> Desk {
        let id = format!("{department}-file");
        let way = Way { owner: id.as_str().into(), ..file.way.clone() };
        let told = Told { code: "suspended", text: demotion.notice(), until: None };
        Desk { paused: Some(Arc::new(told)), on_trial: Some(self.shadow(&id, way, share)), ..Desk::default() }
    }

    /// Whether nothing is under way to an adapter.
    pub fn is_idle(&self, id: &str) -> bool {
        let ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        ways.get(id).is_none_or(|ways| ways.iter().all(|way| way.adapter.under_way() == 0))
    }

    /// The newest connection of an adapter.
    pub fn way(&self, id: &str) -> Option<Way> {
        let ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        ways.get(id).and_then(|ways| ways.last()).cloned()
    }

    /// Puts on every desk what the records say.
    pub(super) fn put_in_force(&self, records: &[AdapterRecord], share: u64) {
        let mut desks: HashMap<DepartmentId, Desk> = HashMap::new();
        let demotions = self.demotions();
        for (department, file) in &self.by_file {
            let demotion = demotions.get(department).filter(|demotion| demotion.ended_at.is_none());
            let desk = match demotion.filter(|_| !is_taken_over(records, department)) {
                None => Desk { live: Some(file.way.clone()), ..Desk::default() },
                Some(demotion) => self.desk_by_file((department, file), demotion, share),
            };
            desks.insert(department.clone(), desk);
        }
        for record in records {
            let desk = desks.entry(record.department.clone()).or_default();
            match record.state {
                AdapterState::Live => match self.connected(record, record.department.as_str()) {
                    Ok(way) => (desk.live, desk.paused) = (Some(way), None),
                    Err(error) => {
                        tracing::error!(adapter = record.id, %error, "cannot be connected to; its department is not asked");
                        (desk.live, desk.paused) = (None, Some(Arc::new(unreachable_told())));
                    }
                },
                AdapterState::Shadow => match self.connected(record, &record.id) {
                    Ok(way) => desk.shadow = Some(self.shadow(&record.id, way, share)),
                    Err(error) => tracing::error!(adapter = record.id, %error, "cannot be connected to"),
                },
                _ if record.is_on_trial() => match self.connected(record, &record.id) {
                    Ok(way) => {
                        // After a restart nothing is known of what was usual.
                        if let Some(demotion) = &record.demotion
                            && way.adapter.usual().is_empty()
                        {
                            way.adapter.expect(&demotion.usual, &demotion.ailments);
                        }
                        desk.on_trial = Some(self.shadow(&record.id, way, share));
                    }
                    Err(error) => tracing::error!(adapter = record.id, %error, "cannot be connected to"),
                },
                _ => {}
            }
        }
        // Where a registered adapter was live and none is, it stands for its department: with its notice.
        for record in records.iter().filter(|record| record.state.is_paused()) {
            let mut others = records.iter().filter(|other| other.department == record.department);
            let is_last = !others.any(|other| {
                other.state == AdapterState::Live || other.state.is_paused() && other.newness() > record.newness()
            });
            if let Some(desk) = desks.get_mut(&record.department).filter(|_| is_last) {
                (desk.live, desk.paused) = (None, Some(Arc::new(paused_told(record))));
            }
        }
        let mut keys: HashMap<DepartmentId, Vec<PublicKey>> = HashMap::new();
        for (department, file) in &self.by_file {
            keys.entry(department.clone()).or_default().extend_from_slice(file.way.adapter.answer_keys());
        }
        for record in records.iter().filter(|record| record.was_live()) {
            keys.entry(record.department.clone())
                .or_default()
                .extend(record.answer_key.iter().map(|key| key.public().clone()));
        }
        self.registry.prove_with(keys);
        desks.retain(|_, desk| desk.live.is_some() || desk.paused.is_some() || desk.shadow.is_some());
        self.registry.replace(desks);
    }

    /// A connection of a record: the one there is, while what it was made from stays the same. Whose quotas it counts on,
    /// hours and quotas may change over it: an adapter that goes live keeps the connections, and what was learnt of its
    /// delays, from when it was a shadow.
    fn connected(&self, record: &AdapterRecord, owner: &str) -> Result<Way, ClientError> {
        let mut ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        let own = ways.entry(record.id.clone()).or_default();
        if let Some(way) = own.iter().find(|way| is_of(way, &record.agreement, owner)).cloned() {
            own.retain(|other| is_of(other, &record.agreement, owner) || other.adapter.under_way() > 0);
            return Ok(way);
        }
        let terms = Terms::of(&record.agreement);
        let adapter = match own.iter().rfind(|way| Terms::of(&way.agreement) == terms) {
            Some(way) => Arc::clone(&way.adapter),
            None => Arc::new(self.connect(record, terms)?),
        };
        own.retain(|way| way.adapter.under_way() > 0);
        let way = Way { adapter, agreement: Arc::new(record.agreement.clone()), owner: owner.into() };
        own.push(way.clone());
        Ok(way)
    }

    fn connect(&self, record: &AdapterRecord, terms: Terms) -> Result<Adapter, ClientError> {
        let unusable = || ClientError::Certificates {
            endpoint: record.endpoint.clone(),
            problem: "the hub's configuration has no [registry] any more".to_owned(),
        };
        let client = AdapterClient::new(&ClientOptions {
            endpoint: &record.endpoint,
            ca: self.network.ca.as_deref().ok_or_else(unusable)?,
            identity: &self.network.identity,
            pins: &record.pins,
            connect_timeout: self.network.connect_timeout,
            max_answer: self.network.max_answer,
            egress: &self.network.egress,
        })?;
        let keys: Vec<PublicKey> = record.answer_key.iter().map(|key| key.public().clone()).collect();
        let answer_keys = AnswerKeys { are_required: !keys.is_empty(), keys, before_use: false };
        let randomness = Arc::clone(&self.network.randomness);
        Ok(Adapter::new(record.department.clone(), (client, answer_keys), terms, randomness))
    }

    /// The shadow of an adapter: the one there is, so that its share goes on evenly.
    fn shadow(&self, id: &str, way: Way, share: u64) -> Arc<Shadow> {
        let mut shadows = self.shadows.lock().unwrap_or_else(PoisonError::into_inner);
        match shadows.get(id) {
            Some(shadow) if Arc::ptr_eq(&shadow.way.adapter, &way.adapter) => Arc::clone(shadow),
            _ => {
                let shadow = Arc::new(Shadow::new(way, share));
                shadows.insert(id.to_owned(), Arc::clone(&shadow));
                shadow
            }
        }
    }
}

/// Whether a connection was made for these terms in this name.
fn is_of(way: &Way, agreement: &Agreement, owner: &str) -> bool {
    *way.agreement == *agreement && &*way.owner == owner
}

fn paused_told(record: &AdapterRecord) -> Told {
    let (code, usual) = if record.state == AdapterState::Draining {
        (
            "draining",
            Text::new("该部门的查询即将停用，暂不受理新的查询。", "The department takes no new questions for now."),
        )
    } else {
        ("suspended", Text::new("该部门的查询已暂停。", "Questions to the department are suspended."))
    };
    Told { code, text: record.notice.clone().unwrap_or(usual), until: None }
}

fn unreachable_told() -> Told {
    Told {
        code: "suspended",
        text: Text::new(
            "按平台现行配置不能连接该部门的适配器。",
            "The hub's settings do not allow it to connect to the department's adapter.",
        ),
        until: None,
    }
}
