//! Minimal disclosure, step by step: which questions to ask next, what has been learned, what was spared.
//!
//! Pure: the asking itself is in `service/verify/inquest.rs`, whether a question can be spared in
//! [`crate::verdict::sparing`]. Answers are put together as asking everybody at once would have put them, so
//! that the verdict does not know in how many rounds it was reached.

mod foresee;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::assemble::{assemble, gaps};
use super::case::Case;
use crate::domain::dataset::{Catalogue, DepartmentId};
use crate::domain::disclosure::Disclosure;
use crate::domain::outcome::GapReason;
use crate::federation::ask::{DepartmentOutcome, MemberAnswers};
use crate::federation::plan::{DepartmentPlan, Plan, SubjectPlan};
use crate::policy::Parameters;
use crate::verdict::facts::{Facts, SparedQuestion};
use crate::verdict::sparing::order;
use crate::verdict::sparing::{Question, is_read};
pub(super) use foresee::Foreseen;

/// What the questions are about, known before anybody is asked.
#[derive(Clone, Copy)]
pub(super) struct Matter<'a> {
    /// The case.
    pub(super) case: &'a Case,
    /// Its rules.
    pub(super) parameters: &'a Parameters,
    /// The catalogue.
    pub(super) catalogue: &'a Catalogue,
    /// The time.
    pub(super) now: Timestamp,
}

/// How a verification was asked in minimal disclosure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct DisclosureSummary {
    /// The mode.
    pub mode: Disclosure,
    /// How many times questions went out.
    pub rounds: usize,
    /// Requests to departments; one that was asked again counts again.
    pub queries: usize,
    /// Requests that `full` would have made, with nothing at hand.
    pub queries_in_full: usize,
    /// Datasets asked, each about each member.
    pub questions: usize,
    /// Datasets that `full` would have asked, each about each member.
    pub questions_in_full: usize,
}

/// What came of asking a household's departments.
#[derive(Default)]
pub(super) struct Inquest {
    /// The outcomes, in the order of the catalogue.
    pub(super) outcomes: Vec<DepartmentOutcome>,
    /// What was spared.
    pub(super) spared: Vec<SparedQuestion>,
    /// How it was asked, in minimal disclosure.
    pub(super) summary: Option<DisclosureSummary>,
}

/// A dataset about a member, by their positions in catalogue and household.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Item {
    dataset: usize,
    member: usize,
}

/// A verification in minimal disclosure, from the first question to the last.
pub(super) struct Minimal<'a> {
    matter: Matter<'a>,
    /// What asking everybody would ask.
    full: Plan,
    /// Not asked, in the order of the catalogue.
    open: Vec<Item>,
    /// The departments that were asked and have not answered yet.
    awaited: Vec<DepartmentId>,
    outcomes: Vec<DepartmentOutcome>,
    summary: DisclosureSummary,
}

impl<'a> Minimal<'a> {
    /// Begins with everything open but what may not be asked, which is a gap already.
    pub(super) fn new(matter: Matter<'a>, full: Plan) -> Self {
        let may_be_asked = || full.departments.iter().filter(|department| department.gap.is_none());
        let mut open: Vec<Item> = may_be_asked().flat_map(items).collect();
        open.sort_unstable();
        let outcomes = full.departments.iter().filter_map(|department| {
            let result = Err(department.gap?);
            let (department, region) = (department.department.clone(), department.region.clone());
            Some(DepartmentOutcome { department, region, result, told: None, elapsed: <_>::default() })
        });
        let summary = DisclosureSummary {
            mode: Disclosure::Minimal,
            rounds: 0,
            queries: 0,
            queries_in_full: may_be_asked().count(),
            questions: 0,
            questions_in_full: open.len(),
        };
        Self { outcomes: outcomes.collect(), awaited: Vec::new(), matter, open, summary, full }
    }

    /// What is known so far.
    pub(super) fn facts(&self) -> Facts {
        let Matter { case, catalogue, now, .. } = self.matter;
        assemble(&case.request, &case.authorised, &self.outcomes, catalogue, case.window_months, now).facts
    }

    /// The open questions that some rule reads, to be looked up among the answers at hand.
    pub(super) fn readable(&self) -> Plan {
        let facts = self.facts();
        let is_read = |item: &Item| self.question(*item).is_some_and(|question| is_read(&facts, &question));
        self.plan(&self.open.iter().copied().filter(is_read).collect::<Vec<_>>())
    }

    /// The questions to ask next; none when the verdict stands. What is awaited is taken to confirm the declaration.
    /// `in_haste`, nothing waits for anything, and what is awaited is taken to stay silent as well.
    pub(super) fn next(&mut self, in_haste: bool) -> Option<Plan> {
        let open: Vec<Question<'_>> = self.open.iter().filter_map(|item| self.question(*item)).collect();
        let (facts, rules) = (self.facts(), self.matter.parameters.rules());
        let may_wait = !in_haste && self.summary.rounds < order::MOST_WAITING;
        let mut wanted = order::next(&facts, rules, &open, may_wait).map(|round| round.questions).unwrap_or_default();
        if in_haste && !self.awaited.is_empty() {
            wanted.extend(order::needed(&self.as_if_silent(facts), rules, &open));
        }
        let is_asked = |item: &Item| self.question(*item).is_some_and(|question| wanted.contains(&question));
        let items: Vec<Item> = self.open.iter().copied().filter(is_asked).collect();
        if items.is_empty() {
            return None;
        }
        let plan = self.plan(&items);
        self.open.retain(|item| !items.contains(item));
        self.awaited.extend(plan.departments.iter().map(|department| department.department.clone()));
        self.summary.rounds += 1;
        self.summary.queries += plan.departments.len();
        self.summary.questions += items.len();
        Some(plan)
    }

    /// The facts if nobody who is awaited ever answered.
    fn as_if_silent(&self, mut facts: Facts) -> Facts {
        let silent = self.awaited.iter().map(|id| DepartmentOutcome {
            department: id.clone(),
            region: None,
            result: Err(GapReason::Timeout),
            told: None,
            elapsed: <_>::default(),
        });
        let outcomes: Vec<DepartmentOutcome> = self.outcomes.iter().cloned().chain(silent).collect();
        facts.gaps = gaps(&outcomes, self.matter.catalogue);
        facts
    }

    /// Takes in answers that were at hand: their questions are not open any more.
    pub(super) fn found(&mut self, outcomes: Vec<DepartmentOutcome>) {
        let answered = |item: &Item| {
            let dataset = self.matter.catalogue.datasets().get(item.dataset);
            dataset.is_some_and(|dataset| {
                let members = outcomes.iter().filter_map(|outcome| outcome.result.as_ref().ok()).flatten();
                let mut own = members.filter(|answers| answers.member == item.member);
                own.any(|answers| answers.answers.iter().any(|(answer, _)| answer.dataset == dataset.id))
            })
        };
        let open = self.open.iter().copied().filter(|item| !answered(item)).collect();
        self.open = open;
        self.took(outcomes);
    }

    /// Takes in what came of a round.
    pub(super) fn took(&mut self, outcomes: Vec<DepartmentOutcome>) {
        for outcome in outcomes {
            if let Some(place) = self.awaited.iter().position(|id| *id == outcome.department) {
                self.awaited.swap_remove(place);
            }
            self.merge(outcome);
        }
        let place = |id: &DepartmentId| self.full.departments.iter().position(|own| own.department == *id);
        self.outcomes.sort_by_key(|outcome| (place(&outcome.department), outcome.result.is_err()));
    }

    /// Answers of a department asked again stand with its earlier ones, in the order of the catalogue.
    fn merge(&mut self, outcome: DepartmentOutcome) {
        let catalogue = self.matter.catalogue;
        let earlier = self
            .outcomes
            .iter_mut()
            .find(|known| is_same_part(known, &outcome) && known.result.is_ok() == outcome.result.is_ok());
        let Some(earlier) = earlier else { return self.outcomes.push(outcome) };
        earlier.elapsed += outcome.elapsed;
        let (Ok(known), Ok(more)) = (&mut earlier.result, outcome.result) else { return };
        for more in more {
            match known.iter_mut().find(|answers| answers.member == more.member) {
                Some(answers) => answers.answers.extend(more.answers),
                None => known.push(more),
            }
        }
        known.sort_by_key(|answers| answers.member);
        let place = |answers: &mut MemberAnswers| {
            answers.answers.sort_by_key(|(answer, _)| {
                catalogue.datasets().iter().position(|dataset| dataset.id == answer.dataset)
            });
        };
        known.iter_mut().for_each(place);
    }

    /// The end: what came of it all, and what was never asked.
    pub(super) fn finish(self) -> Inquest {
        let facts = self.facts();
        let mut spared: Vec<SparedQuestion> = Vec::new();
        for item in &self.open {
            let Some(question) = self.question(*item) else { continue };
            let is_read = is_read(&facts, &question);
            let same = |other: &&mut SparedQuestion| other.dataset == question.dataset.id && other.is_read == is_read;
            match spared.iter_mut().find(same) {
                Some(other) => other.members.push(item.member),
                None => spared.push(SparedQuestion {
                    department: question.department.id.clone(),
                    dataset: question.dataset.id.clone(),
                    fact: question.dataset.fact,
                    members: vec![item.member],
                    is_read,
                }),
            }
        }
        Inquest { outcomes: self.outcomes, spared, summary: Some(self.summary) }
    }

    fn question(&self, item: Item) -> Option<Question<'a>> {
        let dataset = self.matter.catalogue.datasets().get(item.dataset)?;
        let department = self.matter.catalogue.department(&dataset.department)?;
        Some(Question { department, dataset, member: item.member })
    }

    /// The part of the full plan that asks these questions.
    fn plan(&self, items: &[Item]) -> Plan {
        let departments = self.full.departments.iter().filter(|department| department.gap.is_none());
        let departments = departments.filter_map(|department| {
            let subjects = department.subjects.iter().filter_map(|subject| {
                let is_asked = |dataset: &&usize| items.contains(&Item { dataset: **dataset, member: subject.member });
                let datasets: Vec<usize> = subject.datasets.iter().filter(is_asked).copied().collect();
                (!datasets.is_empty()).then_some(SubjectPlan { member: subject.member, datasets })
            });
            let subjects: Vec<SubjectPlan> = subjects.collect();
            (!subjects.is_empty()).then(|| DepartmentPlan {
                department: department.department.clone(),
                gap: None,
                subjects,
                region: department.region.clone(),
            })
        });
        Plan { purpose: self.full.purpose, period: self.full.period, departments: departments.collect() }
    }
}

/// Whether two outcomes are of one department and of the members of one region.
fn is_same_part(one: &DepartmentOutcome, other: &DepartmentOutcome) -> bool {
    one.department == other.department && one.region == other.region
}

fn items(department: &DepartmentPlan) -> impl Iterator<Item = Item> {
    department
        .subjects
        .iter()
        .flat_map(|subject| subject.datasets.iter().map(|dataset| Item { dataset: *dataset, member: subject.member }))
}

#[cfg(test)]
mod tests;
