//! The adapters a hub starts with: those of the configuration file, and those that departments registered.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{StartError, proving};
use crate::config::{Config, read_setting_file};
use crate::domain::clock::{Clock, Randomness};
use crate::domain::dataset::{Catalogue, DepartmentId};
use crate::egress::Egress;
use crate::federation::adapter::Adapter;
use crate::federation::client::{AdapterClient, ClientOptions};
use crate::federation::registry::{Registry, Terms, WHOLE};
use crate::service::adapters::{self, Adapters, Connecting, DemotionRules, Network, Rules};
use crate::service::ids::Ids;
use crate::store::Store;

/// The running hub's side of the registry, with the adapters of the configuration file on their desks.
pub(super) fn connecting(
    config: &Config,
    catalogue: &Catalogue,
    egress: &Egress,
    randomness: &Arc<dyn Randomness>,
) -> Result<Connecting, StartError> {
    let certificate = read_setting_file("federation.certificate", &config.federation.certificate)?;
    let key = read_setting_file("federation.private_key", &config.federation.private_key)?;
    let identity = format!("{certificate}\n{key}");
    let mut named: Vec<Adapter> = Vec::with_capacity(config.adapters.len());
    let mut by_file: Vec<(DepartmentId, String, String)> = Vec::with_capacity(config.adapters.len());
    for adapter in &config.adapters {
        let department = |why| StartError::Department(adapter.department.to_string(), why);
        if catalogue.department(&adapter.department).is_none() {
            return Err(department("this department is not in the catalogue; add it there"));
        }
        if named.iter().any(|known| known.department == adapter.department) {
            return Err(department("this department has an adapter already"));
        }
        let ca = read_setting_file("adapter.ca", &adapter.ca)?;
        let options = ClientOptions {
            endpoint: &adapter.endpoint,
            ca: &ca,
            identity: &identity,
            pins: &[],
            connect_timeout: config.federation.connect_timeout,
            max_answer: config.federation.max_answer,
            egress,
        };
        let client =
            AdapterClient::new(&options).map_err(|error| StartError::Adapter(adapter.department.to_string(), error))?;
        let terms = Terms {
            timeout: adapter.timeout,
            per_second: adapter.quota_per_second,
            burst: adapter.quota_burst,
            in_flight: adapter.in_flight,
            shared_subjects: adapter.shared_subjects,
            may_hedge: adapter.hedge,
        };
        by_file.push((adapter.department.clone(), adapter.endpoint.clone(), ca));
        let way = (client, proving::answer_keys(adapter)?);
        named.push(Adapter::new(adapter.department.clone(), way, terms, Arc::clone(randomness)));
    }
    let ca = config.registry.as_ref().map(|registry| read_setting_file("registry.ca", &registry.ca)).transpose()?;
    let network = Network {
        egress: egress.clone(),
        ca,
        identity,
        connect_timeout: config.federation.connect_timeout,
        max_answer: config.federation.max_answer,
        randomness: Arc::clone(randomness),
    };
    Ok(Connecting::new(Arc::new(Registry::new(named)), by_file, network))
}

/// What the settings say of registration.
pub fn rules(config: &Config) -> Option<Rules> {
    config.registry.as_ref().map(|registry| Rules {
        conformance_level: registry.conformance_level,
        sustained_days: registry.sustained_days,
        demotion: DemotionRules {
            is_on: registry.demotion,
            after: registry.demote_after,
            returns_after: registry.return_after,
        },
        shadow_share: u64::from(registry.shadow_percent) * WHOLE / 100,
        invitation_valid_for: registry.invitation_valid_for,
    })
}

/// Reads what is registered and puts it in force.
pub(super) async fn open(
    config: &Config,
    connecting: Connecting,
    catalogue: &Arc<Catalogue>,
    store: &Store,
    clock: &Arc<dyn Clock>,
    ids: &Ids,
) -> Result<Arc<Adapters>, StartError> {
    let parts = adapters::Parts {
        store: store.clone(),
        clock: Arc::clone(clock),
        ids: ids.clone(),
        catalogue: Arc::clone(catalogue),
        rules: rules(config),
        connecting: Some(connecting),
    };
    let unreadable = |error| StartError::Store(config.store.path.clone(), error);
    Ok(Arc::new(Adapters::open(parts).await.map_err(unreadable)?))
}

/// Settles what is draining and keeps what is counted, until the hub stops.
pub(super) async fn settle(adapters: Arc<Adapters>, stopping: CancellationToken) {
    let mut tick = tokio::time::interval(super::CHANGES);
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            _ = tick.tick() => {}
        }
        if let Err(error) = adapters.settle().await {
            tracing::error!(%error, "what is counted of adapters cannot be kept now");
        }
    }
}
