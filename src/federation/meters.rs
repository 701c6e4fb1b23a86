//! What is counted of departments: outcomes by reason, and how long they took.

use std::collections::HashMap;

use metrics::{Counter, Gauge, Histogram};

use super::ask::DepartmentOutcome;
use crate::domain::dataset::{Catalogue, DepartmentId};
use crate::domain::outcome::GapReason;

/// What is counted of the way to one department.
pub(super) struct AdapterMeters {
    /// First requests.
    pub(super) first: Counter,
    /// Second requests because the first took longer than most.
    pub(super) hedges: Counter,
    /// Second requests because the first was lost.
    pub(super) retries: Counter,
    /// Requests the hub made by itself, for what was owed.
    pub(super) background: Counter,
    /// Queries that may carry several households.
    pub(super) batches: Counter,
    /// Households that were asked about in them.
    pub(super) batched: Counter,
    /// Questions that were not sent because the breaker is open.
    pub(super) left_alone: Counter,
    /// 1 while the breaker is open.
    pub(super) open: Gauge,
    /// Questions that may be under way at once.
    pub(super) places: Gauge,
}

impl AdapterMeters {
    /// The meters of a department.
    pub(super) fn of(id: &DepartmentId) -> Self {
        let sent = |attempt: &'static str| metrics::counter!("hedui_department_requests_total", "department" => id.to_string(), "attempt" => attempt);
        Self {
            first: sent("first"),
            hedges: sent("hedge"),
            retries: sent("retry"),
            background: sent("background"),
            batches: metrics::counter!("hedui_department_batches_total", "department" => id.to_string()),
            batched: metrics::counter!("hedui_department_batched_households_total", "department" => id.to_string()),
            left_alone: metrics::counter!("hedui_department_left_alone_total", "department" => id.to_string()),
            open: metrics::gauge!("hedui_department_breaker_open", "department" => id.to_string()),
            places: metrics::gauge!("hedui_department_places", "department" => id.to_string()),
        }
    }
}

/// Meters of every department, registered once: looking one up by its labels at every answer costs more than counting.
pub(super) struct Meters(HashMap<DepartmentId, Meter>);

struct Meter {
    answered: Counter,
    gaps: [Counter; GapReason::ALL.len()],
    seconds: Histogram,
}

impl Meters {
    /// The meters of the catalogue's departments.
    pub(super) fn of(catalogue: &Catalogue) -> Self {
        let meter = |id: &DepartmentId| {
            let outcomes = |outcome: &'static str| metrics::counter!("hedui_department_outcomes_total", "department" => id.to_string(), "outcome" => outcome);
            Meter {
                answered: outcomes("answered"),
                gaps: GapReason::ALL.map(|reason| outcomes(reason.as_str())),
                seconds: metrics::histogram!("hedui_department_seconds", "department" => id.to_string()),
            }
        };
        Self(catalogue.departments().iter().map(|department| (department.id.clone(), meter(&department.id))).collect())
    }

    /// Counts an outcome.
    pub(super) fn count(&self, outcome: &DepartmentOutcome) {
        let Some(meter) = self.0.get(&outcome.department) else { return };
        match &outcome.result {
            Ok(_) => meter.answered.increment(1),
            Err(reason) => {
                let counters = GapReason::ALL.iter().zip(&meter.gaps);
                counters.filter(|(known, _)| *known == reason).for_each(|(_, counter)| counter.increment(1));
            }
        }
        meter.seconds.record(outcome.elapsed.as_secs_f64());
    }
}
