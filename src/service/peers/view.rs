//! What hubs are told of each other, and callers of them: who answers for which divisions, and how each does.

use std::sync::Arc;

use connectors::protocol::{AdapterVersion, MAX_SUBJECTS, Manifest, ManifestDataset};
use serde::Serialize;
use utoipa::ToSchema;

use super::{KnownPeer, Peers};
use crate::domain::dataset::{Dataset, DepartmentId};
use crate::domain::division::DivisionCode;
use crate::domain::outcome::Told;
use crate::federation::ask::Federation;

/// A hub of another region, for callers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CatalogueHub)]
pub struct HubView {
    /// Its name.
    #[schema(value_type = String)]
    pub hub: DepartmentId,
    /// The divisions that its departments answer for; the longest prefix wins.
    #[schema(value_type = Vec<String>)]
    pub divisions: Vec<DivisionCode>,
    /// `live`, or `left_alone` while it does not answer.
    pub state: &'static str,
    /// Why it may not be asked now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Told>)]
    pub notice: Option<Arc<Told>>,
}

/// What `GET /v1/health` answers to another hub.
#[derive(Debug, Serialize)]
pub struct Health {
    /// `ok`, or `degraded` when a department cannot be asked now.
    pub status: &'static str,
    /// This hub.
    pub adapter: AdapterVersion,
    /// What is wrong, by its code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<&'static str>,
}

impl HubView {
    /// The hubs that answer for divisions, as they stand now.
    pub fn all(federation: &Federation) -> Vec<Self> {
        let view = |(hub, divisions): (DepartmentId, Vec<DivisionCode>)| {
            let desk = federation.registry().desk(&hub);
            let is_flowing = desk.live.as_ref().is_some_and(|way| !way.adapter.is_left_alone());
            let state = if is_flowing { "live" } else { "left_alone" };
            Self { hub, divisions, state, notice: desk.paused }
        };
        federation.regions().hubs().into_iter().map(view).collect()
    }
}

impl Peers {
    /// This hub as the adapter of its region.
    pub(super) fn version(&self) -> AdapterVersion {
        AdapterVersion { id: self.parts.name.to_string(), version: env!("CARGO_PKG_VERSION").to_owned() }
    }

    /// What this hub offers a peer.
    pub fn manifest(&self, peer: &KnownPeer) -> Manifest {
        let catalogue = self.parts.verifications.federation().catalogue();
        let is_granted =
            |dataset: &&Dataset| peer.datasets.as_ref().is_none_or(|granted| granted.contains(&dataset.id));
        let dataset =
            |dataset: &Dataset| ManifestDataset { id: dataset.id.to_string(), fact: dataset.fact.as_str().to_owned() };
        let (per_second, burst) = peer.quota;
        Manifest {
            adapter: self.version(),
            name_zh: format!("核对平台 {}", self.parts.name),
            name_en: format!("hub {}", self.parts.name),
            contact: String::new(),
            notice: None,
            datasets: catalogue.datasets().iter().filter(is_granted).map(dataset).collect(),
            quota_per_second: per_second.get(),
            quota_burst: burst.get(),
            connector_sha256: None,
            max_subjects: MAX_SUBJECTS,
            answer_key: Some(self.parts.answer_key.public().to_jwk()),
            divisions: peer.divisions.iter().map(ToString::to_string).collect(),
        }
    }

    /// How this hub does.
    pub async fn health(&self) -> Health {
        // What it cannot record it does not answer.
        if self.parts.verifications.store().check_writable().await.is_err() {
            return Health { status: "degraded", adapter: self.version(), trouble: Some("log_unwritable") };
        }
        let federation = self.parts.verifications.federation();
        let is_silent = |department: &crate::domain::dataset::Department| {
            let live = federation.registry().desk(&department.id).live;
            live.is_none_or(|way| way.adapter.is_left_alone())
        };
        let is_degraded = federation.catalogue().departments().iter().any(is_silent);
        let (status, trouble) = if is_degraded { ("degraded", Some("departments_silent")) } else { ("ok", None) };
        Health { status, adapter: self.version(), trouble }
    }
}
