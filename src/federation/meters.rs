//! What is counted of departments: outcomes by reason, and how long they took.

use std::collections::HashMap;

use metrics::{Counter, Gauge, Histogram};

use super::ask::DepartmentOutcome;
use super::health::HealthView;
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

/// Shows how a department does; for now and then, not for every question.
pub(super) fn show(health: &HealthView) {
    let department = || health.department.to_string();
    let small = |value: u64| f64::from(u32::try_from(value).unwrap_or(u32::MAX));
    // Of whoever is live: shadows and demoted adapters have the department's name too, and may ail while it does well.
    metrics::gauge!("hedui_department_ailing", "department" => department()).set(u8::from(health.is_ailing));
    metrics::gauge!("hedui_department_well_percent", "department" => department()).set(health.well_percent);
    for times in &health.steps {
        for (quantile, micros) in [("0.5", times.p50_us), ("0.95", times.p95_us), ("0.99", times.p99_us)] {
            metrics::gauge!("hedui_department_step_seconds", "department" => department(), "step" => times.step.as_str(), "quantile" => quantile)
                .set(small(micros) / 1e6);
        }
    }
    for dataset in &health.datasets {
        let id = || dataset.dataset.to_string();
        metrics::gauge!("hedui_dataset_no_record_percent", "dataset" => id()).set(dataset.no_record_percent);
        metrics::gauge!("hedui_dataset_malformed_percent", "dataset" => id()).set(dataset.malformed_percent);
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::super::delays::Delays;
    use super::super::health::Health;
    use super::*;

    #[test]
    fn a_department_ails_while_whoever_is_live_there_does() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let mut health = Health::default().view(&DepartmentId::parse("hrss").unwrap(), &Delays::default(), false, 64);
        for (is_ailing, line) in [(true, "hedui_department_ailing{department=\"hrss\"} 1"), (false, "} 0")] {
            health.is_ailing = is_ailing;
            metrics::with_local_recorder(&recorder, || show(&health));
            let told = recorder.handle().render();
            assert!(told.lines().any(|told| told.contains("_ailing{") && told.ends_with(line)), "{told}");
        }
    }
}
