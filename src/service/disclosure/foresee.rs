//! What minimal disclosure would do, as far as the declaration tells: for the dry run.

use super::super::planned::{CouldBeSparedView, LeftOut, MinimalPlanView};
use super::{Matter, Minimal};
use crate::domain::dataset::{DatasetId, DepartmentId};
use crate::federation::plan::Plan;
use crate::verdict::sparing::order::{self, Round};
use crate::verdict::sparing::{Question, is_read};

/// The order there will be if every department only confirms what is declared.
pub(in crate::service) struct Foreseen<'a> {
    rounds: Vec<Round<'a>>,
    /// Questions that need not be asked whatever anybody answers.
    spared: Vec<Question<'a>>,
    /// The departments that could be asked at all, in the order of the catalogue.
    departments: Vec<&'a DepartmentId>,
    /// Those of them of which every question is spared.
    spared_departments: Vec<&'a DepartmentId>,
}

impl<'a> Foreseen<'a> {
    /// Foresees on the declaration alone; nobody is asked.
    pub(in crate::service) fn on_the_declaration(matter: Matter<'a>, full: Plan) -> Self {
        let minimal = Minimal::new(matter, full);
        let facts = minimal.facts();
        let open: Vec<Question<'a>> = minimal.open.iter().filter_map(|item| minimal.question(*item)).collect();
        let rounds = order::foresee(&facts, matter.parameters.rules(), &open);
        let is_settled = rounds.is_empty();
        let (spared, left): (Vec<_>, Vec<_>) =
            open.iter().copied().partition(|question| is_settled || !is_read(&facts, question));
        let all = matter.catalogue.departments().iter().map(|department| &department.id);
        let of = |questions: &[Question<'_>], id: &DepartmentId| {
            questions.iter().any(|question| question.department.id == *id)
        };
        let departments: Vec<_> = all.filter(|id| of(&open, id)).collect();
        let spared_departments = departments.iter().copied().filter(|id| !of(&left, id)).collect();
        Self { rounds, spared, departments, spared_departments }
    }

    /// Whether a dataset would be asked about a member.
    pub(in crate::service) fn of(&self, dataset: &DatasetId, member: usize) -> Result<(), LeftOut> {
        let is = |question: &Question<'_>| question.dataset.id == *dataset && question.member == member;
        if self.rounds.iter().flat_map(|round| &round.questions).any(is) {
            Ok(())
        } else if self.spared.iter().any(is) {
            Err(LeftOut::Spared)
        } else {
            Err(LeftOut::OnlyIf)
        }
    }

    /// The order for the caller.
    pub(in crate::service) fn view(&self) -> MinimalPlanView {
        let of_round = |round: &Round<'_>| -> Vec<DepartmentId> {
            let asked = |id: &&&DepartmentId| round.questions.iter().any(|question| question.department.id == ***id);
            self.departments.iter().filter(asked).copied().cloned().collect()
        };
        let rounds: Vec<Vec<DepartmentId>> = self.rounds.iter().map(of_round).collect();
        let is_settled = |id: &DepartmentId| {
            self.spared_departments.contains(&id) || rounds.iter().flatten().any(|asked| asked == id)
        };
        let only_if = self.departments.iter().copied().filter(|id| !is_settled(id)).cloned().collect();
        let deciding = self.rounds.iter().zip(&rounds).filter(|(round, _)| !round.might_spare.is_empty());
        let could_be_spared = deciding
            .map(|(round, by)| CouldBeSparedView { by: by.clone(), departments: round.might_spare.clone() })
            .collect();
        MinimalPlanView {
            spared: self.spared_departments.iter().copied().cloned().collect(),
            only_if,
            could_be_spared,
            rounds,
        }
    }
}
