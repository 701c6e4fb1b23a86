//! The registered adapters: where each department is asked, how often, and how long.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use super::client::AdapterClient;
use crate::domain::dataset::DepartmentId;

/// A department's adapter as the hub knows it.
pub struct Adapter {
    /// The department.
    pub department: DepartmentId,
    /// Its connection.
    pub client: AdapterClient,
    /// How long one question may take.
    pub timeout: Duration,
    /// What the department agreed to answer.
    pub quota: DefaultDirectRateLimiter,
}

impl Adapter {
    /// An adapter with its quota.
    pub fn new(
        department: DepartmentId,
        client: AdapterClient,
        timeout: Duration,
        per_second: std::num::NonZeroU32,
        burst: std::num::NonZeroU32,
    ) -> Self {
        let quota = RateLimiter::direct(Quota::per_second(per_second).allow_burst(burst));
        Self { department, client, timeout, quota }
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
