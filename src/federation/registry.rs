//! The registered adapters: where each department is asked, how often, and how long.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::adapter::Adapter;
use crate::domain::dataset::DepartmentId;

/// What a department agreed to answer.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// How long one question may take.
    pub timeout: Duration,
    /// Questions a second, in the long run.
    pub per_second: NonZeroU32,
    /// Questions at once, after a pause.
    pub burst: NonZeroU32,
    /// Questions in flight at the same time, at most.
    pub in_flight: NonZeroU32,
    /// People in one query of several households, at most; 1: households never share a query.
    pub shared_subjects: usize,
    /// Whether a question may be asked a second time when the answer takes longer than most.
    pub may_hedge: bool,
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
