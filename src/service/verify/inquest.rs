//! Asking the departments: everybody side by side, or in minimal disclosure round by round until the verdict
//! stands (promise P6).

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, timeout_at};

use super::super::answer::DepartmentRow;
use super::super::case::Case;
use super::super::disclosure::{Inquest, Matter, Minimal};
use super::super::running::Running;
use super::Verifications;
use crate::domain::actor::Client;
use crate::domain::disclosure::Disclosure;
use crate::federation::ask::{DepartmentOutcome, Inquiry};
use crate::federation::gather::People;
use crate::federation::plan::Plan;
use crate::federation::tally::Tally;
use crate::store::StoreError;

/// How much of the time that is left a round may take before the rest is asked without waiting for it: a third.
const PATIENCE: u32 = 3;

/// What is to be asked, and the people it is about as the cache knows them.
pub(super) struct Planned {
    plan: Plan,
    people: People,
}

impl Verifications {
    /// Without a standard, or with the gate shut, no answer could matter: nobody is asked (P6).
    pub(super) fn may_ask(&self, case: &Case) -> bool {
        case.pack.is_some() && self.gate(case).is_none()
    }

    /// What the questions of a case are about; `None` without a standard.
    pub(super) fn matter<'a>(&'a self, case: &'a Case) -> Option<Matter<'a>> {
        let parameters = case.pack.as_deref()?;
        Some(Matter { case, parameters, catalogue: self.parts.federation.catalogue(), now: self.parts.clock.now() })
    }

    /// The inquest of a case about which nobody has to be asked: because none may be, because everything is known
    /// already, or because nobody could change the verdict. `Err` when a department has to be asked, with what is to be
    /// asked where that is settled already.
    pub(super) fn known_inquest(&self, case: &Case) -> Result<Inquest, Option<Planned>> {
        if !self.may_ask(case) {
            return Ok(Inquest::default());
        }
        let federation = &self.parts.federation;
        let plan = federation.plan(&case.question());
        let people = federation.people(&plan, &case.request.household);
        if case.request.disclosure == Disclosure::Minimal {
            let (mut minimal, _) = self.begin(self.matter(case).ok_or(None)?, plan, &people);
            return if minimal.next(false).is_none() { Ok(minimal.finish()) } else { Err(None) };
        }
        match federation.recall(&plan, &people) {
            Some(outcomes) => Ok(Inquest { outcomes, ..Inquest::default() }),
            None => Err(Some(Planned { plan, people })),
        }
    }

    /// What departments are told of a verification that begins to ask them.
    pub(super) fn inquiry<'a>(
        &self,
        running: &'a Running,
        people: &'a People,
        (client, tally): (&'a Client, &'a Tally),
    ) -> Inquiry<'a> {
        let request = &running.case.request;
        Inquiry {
            household: &request.household,
            people,
            authorisation: &request.authorisation,
            verification: &running.id,
            caller: &running.client_id,
            organisation: &client.organisation,
            division: client.division,
            via: None,
            tally,
            class: running.class,
            deadline: Instant::now() + self.parts.deadline,
        }
    }

    /// Asks the departments of a case that may be asked about, showing each outcome to whoever follows.
    pub(super) async fn ask(
        &self,
        running: &Running,
        planned: Option<Planned>,
        (client, tally): (&Client, &Tally),
    ) -> Result<Inquest, StoreError> {
        let (federation, case) = (&self.parts.federation, &running.case);
        let Planned { plan, people } = planned.unwrap_or_else(|| {
            let plan = federation.plan(&case.question());
            let people = federation.people(&plan, &case.request.household);
            Planned { plan, people }
        });
        let inquiry = self.inquiry(running, &people, (client, tally));
        if let (Disclosure::Minimal, Some(matter)) = (case.request.disclosure, self.matter(case)) {
            let (minimal, at_hand) = self.begin(matter, plan, &people);
            for outcome in &at_hand {
                self.show(running, outcome);
            }
            return self.ask_minimally(running, minimal, &inquiry).await;
        }
        let outcomes = self.gather(&plan, &inquiry, |outcome| self.show(running, outcome)).await?;
        Ok(Inquest { outcomes, ..Inquest::default() })
    }

    /// Minimal disclosure begun, with what is at hand taken in: it costs nobody anything.
    fn begin<'a>(&self, matter: Matter<'a>, plan: Plan, people: &People) -> (Minimal<'a>, Vec<DepartmentOutcome>) {
        let mut minimal = Minimal::new(matter, plan);
        let at_hand = self.parts.federation.at_hand(&minimal.readable(), people);
        minimal.found(at_hand.clone());
        (minimal, at_hand)
    }

    /// Asks only what could still change the verdict. All rounds share the one deadline, and a department that is
    /// silent does not cost the others their time (P9): after a third of what is left, all that is needed is asked.
    pub(super) async fn ask_minimally(
        &self,
        running: &Running,
        mut minimal: Minimal<'_>,
        inquiry: &Inquiry<'_>,
    ) -> Result<Inquest, StoreError> {
        let show = |outcome: &DepartmentOutcome| self.show(running, outcome);
        let fly = |round: Plan| async move { self.gather(&round, inquiry, show).await };
        let mut in_haste = false;
        let mut flights: FuturesUnordered<_> = minimal.next(in_haste).into_iter().map(fly).collect();
        while !flights.is_empty() {
            let now = Instant::now();
            let patience = now + inquiry.deadline.saturating_duration_since(now) / PATIENCE;
            let landed = if in_haste { Ok(flights.next().await) } else { timeout_at(patience, flights.next()).await };
            match landed {
                Ok(outcomes) => minimal.took(outcomes.transpose()?.unwrap_or_default()),
                Err(_) => in_haste = true,
            }
            if in_haste || flights.is_empty() {
                flights.extend(minimal.next(in_haste).into_iter().map(fly));
            }
        }
        Ok(minimal.finish())
    }

    /// Shows an outcome to whoever follows.
    fn show(&self, running: &Running, outcome: &DepartmentOutcome) {
        let row = DepartmentRow::of(outcome, self.parts.federation.catalogue(), self.parts.clock.now());
        running.departments.send_modify(|departments| departments.push(row));
    }
}
