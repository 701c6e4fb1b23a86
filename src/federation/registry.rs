//! The registered adapters: where each department is asked, how often, and how long.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::client::AdapterClient;
use crate::domain::dataset::DepartmentId;
use crate::domain::outcome::GapReason;

/// A department's adapter as the hub knows it.
pub struct Adapter {
    /// The department.
    pub department: DepartmentId,
    /// How long one question may take.
    pub timeout: Duration,
    client: AdapterClient,
    quota: DefaultDirectRateLimiter,
    /// Places for questions in flight: a department that answers slowly costs so many connections and
    /// buffers, and no more.
    places: Semaphore,
}

/// What a department agreed to answer.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// How long one question may take.
    pub timeout: Duration,
    /// Questions a second, in the long run.
    pub per_second: NonZeroU32,
    /// Questions at once, after a pause.
    pub burst: NonZeroU32,
    /// Questions in flight at the same time.
    pub in_flight: NonZeroU32,
}

impl Adapter {
    /// An adapter on these terms.
    pub fn new(department: DepartmentId, client: AdapterClient, terms: Terms) -> Self {
        let quota = RateLimiter::direct(Quota::per_second(terms.per_second).allow_burst(terms.burst));
        let places = Semaphore::new(usize::try_from(terms.in_flight.get()).unwrap_or(Semaphore::MAX_PERMITS));
        Self { department, timeout: terms.timeout, client, quota, places }
    }

    /// Waits for quota and for a place, asks, and gives up at the deadline.
    pub(super) async fn call(&self, body: Vec<u8>, deadline: Instant) -> Result<Vec<u8>, GapReason> {
        if self.quota.check().is_err() {
            timeout_at(deadline, self.quota.until_ready()).await.map_err(|_| GapReason::QuotaExceeded)?;
        }
        let asked = async {
            let _place = self.places.acquire().await.map_err(|_| GapReason::Unavailable)?;
            self.client.query(body).await
        };
        timeout_at(deadline, asked).await.map_err(|_| GapReason::Timeout)?
    }
}

/// The adapters by department.
#[derive(Default)]
pub struct Registry(HashMap<DepartmentId, Arc<Adapter>>);

impl Registry {
    /// A registry of these adapters.
    pub fn new(adapters: impl IntoIterator<Item = Adapter>) -> Self {
        Self(adapters.into_iter().map(|adapter| (adapter.department.clone(), Arc::new(adapter))).collect())
    }

    /// The adapter of a department.
    pub fn get(&self, department: &DepartmentId) -> Option<&Arc<Adapter>> {
        self.0.get(department)
    }

    /// How many adapters are registered.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when none is registered.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
