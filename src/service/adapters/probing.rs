//! Asks an adapter how it is, on an operator's order. Only the class of what came back is told, and about how long it took:
//! nobody reads through the hub what stands at an address.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::Adapters;
use super::view::{HealthView, health_of};
use crate::domain::dataset::DepartmentId;
use crate::egress::{Document, DocumentError, KeyPin};

/// Largest answer that is read.
const MAX_HEALTH: usize = 16 * 1024;
/// The times that are told apart.
const BUCKETS: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];

/// How an adapter is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AdapterProbe)]
pub struct ProbeView {
    /// `ok`, `failing` (it answers with a problem), `certificate_refused`, `not_allowed` (by the hub's own settings) or
    /// `unreachable`.
    pub status: &'static str,
    /// It took at most this long, milliseconds; absent where it took longer than is waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within_ms: Option<u64>,
    /// How it does in real traffic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic: Option<HealthView>,
}

impl Adapters {
    /// Asks an adapter how it is; `None` where there is none of this id.
    pub async fn probe(&self, id: &str) -> Option<ProbeView> {
        let connecting = self.parts.connecting.as_ref()?;
        let network = &connecting.network;
        let records = self.records();
        let (endpoint, ca, pins, way) = if let Some(record) = records.iter().find(|record| record.id == id) {
            let way = connecting.way(id).filter(|_| record.state.is_asked());
            (record.endpoint.clone(), network.ca.clone()?, record.pins.clone(), way)
        } else {
            let department = DepartmentId::parse(id.strip_suffix("-file")?).ok()?;
            let file = connecting.by_file().get(&department)?;
            (file.endpoint.clone(), file.ca.clone(), Vec::new(), Some(file.way.clone()))
        };
        let begun = Instant::now();
        let status = self.status_at(&endpoint, &ca, &pins).await;
        let took = begun.elapsed();
        let within = BUCKETS.into_iter().find(|bucket| took <= *bucket);
        let within_ms = within.map(|bucket| u64::try_from(bucket.as_millis()).unwrap_or(u64::MAX));
        Some(ProbeView { status, within_ms, traffic: way.as_ref().map(health_of) })
    }

    async fn status_at(&self, endpoint: &str, ca: &str, pins: &[KeyPin]) -> &'static str {
        let Some(connecting) = &self.parts.connecting else { return "unreachable" };
        let (network, url) = (&connecting.network, format!("{endpoint}/v1/health"));
        let identity = Some(network.identity.as_str());
        let read = async { Document::mutual(&network.egress, &url, ca, identity, pins, MAX_HEALTH)?.read().await };
        match read.await {
            Ok(_) => "ok",
            Err(DocumentError::Status(_)) => "failing",
            Err(DocumentError::Tls(_)) => "certificate_refused",
            Err(DocumentError::Egress(error)) if error.is_refusal() => "not_allowed",
            Err(DocumentError::Egress(_) | DocumentError::Exchange(_) | DocumentError::Late) => "unreachable",
        }
    }
}
