//! The dry run: who would be asked what, in which order, and why not more.

use serde::Serialize;
use utoipa::ToSchema;

use super::disclosure::Foreseen;
use crate::domain::dataset::{Dataset, DatasetId, DepartmentId};
use crate::domain::household::MemberRef;
use crate::domain::problem::Text;
use crate::federation::ask::Federation;
use crate::federation::plan::{NotAsked, Question};
use crate::federation::region::Provided;

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
    /// In minimal disclosure: in which order, and who is spared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimal: Option<MinimalPlanView>,
    /// What each department would be asked, in the order of the catalogue. In minimal disclosure: if every department
    /// only confirms what is declared; an answer that says otherwise may call for more, or spare more.
    pub departments: Vec<DepartmentPlanView>,
}

/// What minimal disclosure would do, as far as the declaration tells.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = MinimalPlan)]
pub struct MinimalPlanView {
    /// The departments asked side by side, round by round, if every one only confirms what is declared.
    #[schema(value_type = Vec<Vec<String>>)]
    pub rounds: Vec<Vec<DepartmentId>>,
    /// The departments that need not be asked whatever anybody answers.
    #[schema(value_type = Vec<String>)]
    pub spared: Vec<DepartmentId>,
    /// The departments that are asked only if an answer says otherwise than what is declared.
    #[schema(value_type = Vec<String>)]
    pub only_if: Vec<DepartmentId>,
    /// The departments of later rounds that a surprise in an earlier one would spare.
    pub could_be_spared: Vec<CouldBeSparedView>,
}

/// Departments whose answer could spare others.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CouldBeSpared)]
pub struct CouldBeSparedView {
    /// The departments whose answer decides.
    #[schema(value_type = Vec<String>)]
    pub by: Vec<DepartmentId>,
    /// The departments it would spare.
    #[schema(value_type = Vec<String>)]
    pub departments: Vec<DepartmentId>,
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
    /// The hub of another region that would be asked, where the members' records lie there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub hub: Option<DepartmentId>,
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
    pub reason: LeftOut,
    /// The members.
    pub members: Vec<MemberRef>,
}

/// Why a dataset is not asked about a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeftOut {
    /// The dataset may not be used for this purpose.
    Purpose,
    /// The rules need it only for members of other ages.
    Age,
    /// The member is declared not to count.
    Excluded,
    /// The authorisation does not name the department.
    Authorisation,
    /// No hub answers for the member's division: a gap.
    Division,
    /// In minimal disclosure: no rule reads it of this member, or none could matter any more.
    Spared,
    /// In minimal disclosure: asked only if an answer says otherwise than what is declared.
    OnlyIf,
}

impl From<NotAsked> for LeftOut {
    fn from(reason: NotAsked) -> Self {
        match reason {
            NotAsked::Purpose => Self::Purpose,
            NotAsked::Age => Self::Age,
            NotAsked::Excluded => Self::Excluded,
            NotAsked::Authorisation => Self::Authorisation,
        }
    }
}

impl PlanView {
    /// The dry run of a question. When it is refused, nobody would be asked.
    pub(super) fn of(
        question: &Question<'_>,
        federation: &Federation,
        refused: Option<&'static str>,
        foreseen: Option<&Foreseen<'_>>,
    ) -> Self {
        let (catalogue, registry) = (federation.catalogue(), federation.registry());
        let wants = |dataset: &Dataset, member: usize| -> Result<Option<&DepartmentId>, LeftOut> {
            question.wants(dataset, member)?;
            let hub = match federation.regions().provider(question.household.division_of(member)) {
                Provided::Here => None,
                Provided::By(hub) => Some(hub),
                Provided::Nowhere => return Err(LeftOut::Division),
            };
            foreseen.map_or(Ok(()), |foreseen| foreseen.of(&dataset.id, member))?;
            Ok(hub)
        };
        let period = crate::domain::period::Period::months_before(question.assessed_on, question.window_months);
        let departments = catalogue
            .departments()
            .iter()
            .map(|department| {
                let (mut asked, mut not_asked): (Vec<QuestionView>, Vec<NotAskedView>) = (Vec::new(), Vec::new());
                for dataset in catalogue.datasets().iter().filter(|dataset| dataset.department == department.id) {
                    for (index, member) in question.household.members.iter().enumerate() {
                        let reference = member.reference.clone();
                        match wants(dataset, index) {
                            Ok(_) if refused.is_some() => {}
                            Ok(hub) => {
                                let same =
                                    |view: &&mut QuestionView| view.dataset == dataset.id && view.hub.as_ref() == hub;
                                if let Some(view) = asked.iter_mut().find(same) {
                                    view.members.push(reference);
                                } else {
                                    let (dataset, hub) = (dataset.id.clone(), hub.cloned());
                                    asked.push(QuestionView { dataset, hub, members: vec![reference] });
                                }
                            }
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
                    connected: registry.is_connected(&department.id),
                    asked,
                    not_asked,
                }
            })
            .collect();
        Self {
            refused,
            legal_basis: question.purpose.legal_basis(),
            period: [period.from, period.to],
            minimal: foreseen.map(Foreseen::view),
            departments,
        }
    }
}
