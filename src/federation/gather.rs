//! Running a plan: all departments side by side, each outcome handed on as it comes.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use super::ask::{DepartmentOutcome, Federation, Inquiry, MemberAnswers, Part, Recalled};
use super::cache::{Person, PersonKey, Under};
use super::plan::{DepartmentPlan, Plan, SubjectPlan};
use super::round::Round;
use crate::domain::dataset::DepartmentId;
use crate::domain::household::{Household, Member};

/// The people of a household as the cache knows them, by position of the member; nobody for members not asked about.
pub struct People(Vec<Option<Arc<Person>>>);

impl People {
    /// The person at this position.
    pub(super) fn get(&self, member: usize) -> Option<&Arc<Person>> {
        self.0.get(member)?.as_ref()
    }

    /// Notes that another hub asks about them under an authorisation of its own.
    pub fn note_under(&self, under: Under) {
        self.0.iter().flatten().for_each(|person| person.note_under(under));
    }
}

impl Federation {
    /// Looks up the people a plan asks about, once for all its departments.
    pub fn people(&self, plan: &Plan, household: &Household) -> People {
        let is_asked = |member: usize| {
            plan.departments.iter().any(|department| department.subjects.iter().any(|subject| subject.member == member))
        };
        let person = |(member, person): (usize, &Member)| {
            is_asked(member).then(|| {
                let subject = person.id_number.subject_named(&self.subject_key, &person.name);
                self.cache.person(PersonKey { subject, purpose: plan.purpose, period: plan.period })
            })
        };
        People(household.members.iter().enumerate().map(person).collect())
    }

    /// Forgets what departments said of these people.
    pub fn forget<'a>(&self, people: impl Iterator<Item = &'a Member>) {
        let subjects = people.map(|person| person.id_number.subject_named(&self.subject_key, &person.name));
        self.cache.forget(subjects.collect());
    }

    /// An authorisation of another hub's, as the cache knows it.
    pub fn under(&self, hub: &str, organisation: &str, number: &str) -> Under {
        Under(self.subject_key.tag("asked-under", &[hub, organisation, number]))
    }

    /// Forgets what departments said of everybody whom a hub asked about under this authorisation.
    pub fn forget_under(&self, under: Under) {
        self.cache.forget_under(under);
    }

    /// The hubs of other regions that a plan would have asked now, each once: not those whose answers are at hand.
    pub fn hubs_to_ask<'a>(&self, plan: &'a Plan, people: &'a People) -> Vec<&'a DepartmentId> {
        let now = self.clock.now();
        let mut hubs = Vec::new();
        for department in &plan.departments {
            let Some(hub) = department.hub().filter(|hub| !hubs.contains(hub)) else { continue };
            if matches!(self.recalled(department, people, now), Recalled::Wanting { .. }) {
                hubs.push(hub);
            }
        }
        hubs
    }

    /// The outcomes of a plan that needs nobody asked: everything is known already, or withheld.
    /// `None` when a department has to be asked.
    pub fn recall(&self, plan: &Plan, people: &People) -> Option<Vec<DepartmentOutcome>> {
        let now = self.clock.now();
        let outcomes: Vec<DepartmentOutcome> = plan
            .departments
            .iter()
            .map(|department| match self.recalled(department, people, now) {
                Recalled::Settled(result) => Some(DepartmentOutcome {
                    department: department.department.clone(),
                    region: department.region.clone(),
                    result,
                    told: None,
                    elapsed: std::time::Duration::ZERO,
                }),
                Recalled::Wanting { .. } => None,
            })
            .collect::<Option<_>>()?;
        for outcome in &outcomes {
            self.meters.count(outcome);
        }
        Some(outcomes)
    }

    /// The fresh answers that are at hand to the questions of a plan: nobody is asked, and what is not at hand is not
    /// in it.
    pub fn at_hand(&self, plan: &Plan, people: &People) -> Vec<DepartmentOutcome> {
        let now = self.clock.now();
        let of_department = |department: &DepartmentPlan| -> Option<DepartmentOutcome> {
            let of_subject = |subject: &SubjectPlan| -> Option<MemberAnswers> {
                let person = people.get(subject.member)?;
                let datasets = subject.datasets.iter().filter_map(|index| self.catalogue.datasets().get(*index));
                let kept = datasets
                    .filter_map(|dataset| person.answers(department.asked(), std::iter::once(dataset), now, false));
                let answers: Vec<_> = kept.flatten().collect();
                (!answers.is_empty()).then_some(MemberAnswers { member: subject.member, answers })
            };
            let members: Vec<MemberAnswers> = department.subjects.iter().filter_map(of_subject).collect();
            (!members.is_empty()).then(|| DepartmentOutcome {
                department: department.department.clone(),
                region: department.region.clone(),
                result: Ok(members),
                told: None,
                elapsed: std::time::Duration::ZERO,
            })
        };
        plan.departments.iter().filter(|department| department.gap.is_none()).filter_map(of_department).collect()
    }

    /// Asks every department of the plan at once. `each` sees every outcome as it arrives; the outcomes
    /// are given back in catalogue order. Ends by the inquiry's deadline.
    pub async fn gather(
        &self,
        plan: &Plan,
        inquiry: &Inquiry<'_>,
        mut each: impl FnMut(&DepartmentOutcome),
    ) -> Vec<DepartmentOutcome> {
        let started = Instant::now();
        let parts = self.parts(plan, inquiry);
        let round = Round::of(parts.iter().filter_map(|part| match part {
            Part::Asking(question) => Some(&**question),
            Part::Settled(..) => None,
        }));
        let round = &round;
        let mut asks: FuturesUnordered<_> = parts
            .into_iter()
            .enumerate()
            .map(|(place, part)| async move {
                let (department, result) = match part {
                    Part::Settled(department, result) => (department, result),
                    Part::Asking(question) => (question.department, self.ask(plan, inquiry, round, *question).await),
                };
                let (result, told) = match result {
                    Ok(answers) => (Ok(answers), None),
                    Err(missed) => (Err(missed.reason), missed.told),
                };
                let (department, region) = (department.department.clone(), department.region.clone());
                (place, DepartmentOutcome { department, region, result, told, elapsed: started.elapsed() })
            })
            .collect();
        let mut outcomes = Vec::with_capacity(plan.departments.len());
        while let Some((place, outcome)) = asks.next().await {
            self.meters.count(&outcome);
            each(&outcome);
            outcomes.push((place, outcome));
        }
        outcomes.sort_unstable_by_key(|(place, _)| *place);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }
}
