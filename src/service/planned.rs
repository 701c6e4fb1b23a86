//! The dry run: who would be asked what, and why not more.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::dataset::{Catalogue, DatasetId, DepartmentId};
use crate::domain::household::MemberRef;
use crate::domain::problem::Text;
use crate::federation::plan::{NotAsked, Question};
use crate::federation::registry::Registry;

/// Who would be asked what.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plan)]
pub struct PlanView {
    /// The status the verdict would have without asking anybody: authorisation missing, or a person in two households.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<&'static str>,
    /// The clause that makes asking lawful.
    pub legal_basis: &'static str,
    /// The window for dated facts, first and last day.
    #[schema(value_type = [String; 2], format = Date)]
    pub period: [jiff::civil::Date; 2],
    /// What each department would be asked, in the order of the catalogue.
    pub departments: Vec<DepartmentPlanView>,
}

/// What one department would be asked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DepartmentPlan)]
pub struct DepartmentPlanView {
    /// The department.
    pub department: DepartmentId,
    /// Its name.
    pub name: Text,
    /// An adapter is registered.
    pub connected: bool,
    /// The questions.
    pub asked: Vec<QuestionView>,
    /// What is left out, and why.
    pub not_asked: Vec<NotAskedView>,
}

/// One dataset about some members.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlannedQuestion)]
pub struct QuestionView {
    /// The dataset.
    pub dataset: DatasetId,
    /// The members.
    pub members: Vec<MemberRef>,
}

/// One dataset that is not asked about some members.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NotAsked)]
pub struct NotAskedView {
    /// The dataset.
    pub dataset: DatasetId,
    /// Why.
    pub reason: NotAsked,
    /// The members.
    pub members: Vec<MemberRef>,
}

impl PlanView {
    /// The dry run of a question. When it is refused, nobody would be asked.
    pub fn of(
        question: &Question<'_>,
        catalogue: &Catalogue,
        registry: &Registry,
        refused: Option<&'static str>,
    ) -> Self {
        let period = crate::domain::period::Period::months_before(question.assessed_on, question.window_months);
        let departments = catalogue
            .departments()
            .iter()
            .map(|department| {
                let (mut asked, mut not_asked): (Vec<QuestionView>, Vec<NotAskedView>) = (Vec::new(), Vec::new());
                for dataset in catalogue.datasets().iter().filter(|dataset| dataset.department == department.id) {
                    for (index, member) in question.household.members.iter().enumerate() {
                        let reference = member.reference.clone();
                        match question.wants(dataset, index) {
                            Ok(()) if refused.is_some() => {}
                            Ok(()) => match asked.iter_mut().find(|view| view.dataset == dataset.id) {
                                Some(view) => view.members.push(reference),
                                None => {
                                    asked.push(QuestionView { dataset: dataset.id.clone(), members: vec![reference] });
                                }
                            },
                            Err(reason) => {
                                let same =
                                    |view: &&mut NotAskedView| view.dataset == dataset.id && view.reason == reason;
                                match not_asked.iter_mut().find(same) {
                                    Some(view) => view.members.push(reference),
                                    None => not_asked.push(NotAskedView {
                                        dataset: dataset.id.clone(),
                                        reason,
                                        members: vec![reference],
                                    }),
                                }
                            }
                        }
                    }
                }
                DepartmentPlanView {
                    department: department.id.clone(),
                    name: Text::clone(&department.name),
                    connected: registry.get(&department.id).is_some(),
                    asked,
                    not_asked,
                }
            })
            .collect();
        Self { refused, legal_basis: question.purpose.legal_basis(), period: [period.from, period.to], departments }
    }
}
