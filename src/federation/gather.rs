//! Running a plan: all departments side by side, each outcome handed on as it comes.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::ask::{DepartmentOutcome, Federation, Inquiry};
use super::plan::Plan;

impl Federation {
    /// Asks every department of the plan at once. `each` sees every outcome as it arrives; the outcomes
    /// are given back in catalogue order. Ends by the inquiry's deadline.
    pub async fn gather(
        &self,
        plan: &Plan,
        inquiry: &Inquiry<'_>,
        mut each: impl FnMut(&DepartmentOutcome),
    ) -> Vec<DepartmentOutcome> {
        let mut asks: FuturesUnordered<_> = plan
            .departments
            .iter()
            .enumerate()
            .map(|(place, department)| async move { (place, self.ask(plan, department, inquiry).await) })
            .collect();
        let mut outcomes = Vec::with_capacity(plan.departments.len());
        while let Some((place, outcome)) = asks.next().await {
            self.meters.count(&outcome);
            each(&outcome);
            outcomes.push((place, outcome));
        }
        outcomes.sort_by_key(|(place, _)| *place);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }
}
