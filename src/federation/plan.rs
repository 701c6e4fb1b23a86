//! The plan: who is asked what. Asked = authorisation ∩ purpose ∩ what the rules need for this member (P6).

use std::sync::Arc;

use super::region::Region;
use crate::domain::authorisation::Authorisation;
use crate::domain::dataset::{Catalogue, Dataset, DepartmentId};
use crate::domain::declaration::Declaration;
use crate::domain::household::Household;
use crate::domain::outcome::GapReason;
use crate::domain::period::{Period, age_on};
use crate::domain::purpose::Purpose;

/// Who is asked what, for one household.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What the questions are for.
    pub purpose: Purpose,
    /// The window for dated facts.
    pub period: Period,
    /// One entry for each department that has something to say, in catalogue order.
    pub departments: Vec<DepartmentPlan>,
}

/// What one department is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DepartmentPlan {
    /// The department.
    pub department: DepartmentId,
    /// Why it is not asked although its facts are wanted.
    pub gap: Option<GapReason>,
    /// The members asked about.
    pub subjects: Vec<SubjectPlan>,
    /// The members' region, where they are not all of this hub's own.
    pub region: Option<Arc<Region>>,
}

impl DepartmentPlan {
    /// The hub that is asked in the department's place, where the members are of another region.
    pub fn hub(&self) -> Option<&DepartmentId> {
        self.region.as_deref().and_then(Region::hub)
    }

    /// Whose adapter is asked: the department's, or that hub's.
    pub fn asked(&self) -> &DepartmentId {
        self.hub().unwrap_or(&self.department)
    }
}

/// What is asked about one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectPlan {
    /// Position of the member in the household.
    pub member: usize,
    /// Positions of the datasets in the catalogue.
    pub datasets: Vec<usize>,
}

/// Why a dataset is not asked about a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAsked {
    /// The dataset may not be used for this purpose.
    Purpose,
    /// The rules need it only for members of other ages.
    Age,
    /// The member is declared not to count.
    Excluded,
    /// The authorisation does not name the department.
    Authorisation,
}

/// Everything a plan depends on.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The household.
    pub household: &'a Household,
    /// What it declares.
    pub declaration: &'a Declaration,
    /// Its authorisation.
    pub authorisation: &'a Authorisation,
    /// The purpose.
    pub purpose: Purpose,
    /// The day of the assessment.
    pub assessed_on: jiff::civil::Date,
    /// Months of the window.
    pub window_months: u8,
}

/// What a plan needs to know of one member.
#[derive(Clone, Copy)]
struct Asked {
    excluded: bool,
    age: i16,
}

impl Question<'_> {
    /// Whether a dataset is asked about a member, and if not, why.
    pub fn wants(&self, dataset: &Dataset, member: usize) -> Result<(), NotAsked> {
        let asked = self.asked(member).ok_or(NotAsked::Excluded)?;
        self.wants_of(dataset, asked, self.authorisation.covers(&dataset.department))
    }

    fn asked(&self, member: usize) -> Option<Asked> {
        let member = self.household.members.get(member)?;
        let declared = self.declaration.members.iter().find(|declared| declared.reference == member.reference);
        Some(Asked {
            excluded: declared.is_some_and(|declared| declared.exclusion.is_some()),
            age: age_on(member.id_number.born_on(), self.assessed_on),
        })
    }

    fn wants_of(&self, dataset: &Dataset, member: Asked, is_authorised: bool) -> Result<(), NotAsked> {
        if member.excluded {
            return Err(NotAsked::Excluded);
        }
        if !dataset.purposes.contains(&self.purpose) {
            return Err(NotAsked::Purpose);
        }
        if dataset.ages.is_some_and(|(youngest, oldest)| !(youngest..=oldest).contains(&member.age)) {
            return Err(NotAsked::Age);
        }
        if is_authorised { Ok(()) } else { Err(NotAsked::Authorisation) }
    }

    /// The plan.
    pub fn plan(&self, catalogue: &Catalogue) -> Plan {
        let members: Vec<(usize, Asked)> =
            (0..self.household.members.len()).filter_map(|member| Some((member, self.asked(member)?))).collect();
        let departments = catalogue
            .departments()
            .iter()
            .filter_map(|department| {
                let mut withheld = false;
                let is_authorised = self.authorisation.covers(&department.id);
                let of_department: Vec<(usize, &Dataset)> = catalogue
                    .datasets()
                    .iter()
                    .enumerate()
                    .filter(|(_, dataset)| dataset.department == department.id)
                    .collect();
                let subjects: Vec<SubjectPlan> = members
                    .iter()
                    .filter_map(|(member, asked)| {
                        let datasets: Vec<usize> = of_department
                            .iter()
                            .filter(|(_, dataset)| {
                                let wanted = self.wants_of(dataset, *asked, is_authorised);
                                withheld |= wanted == Err(NotAsked::Authorisation);
                                wanted.is_ok()
                            })
                            .map(|(index, _)| *index)
                            .collect();
                        (!datasets.is_empty()).then_some(SubjectPlan { member: *member, datasets })
                    })
                    .collect();
                let gap = withheld.then_some(GapReason::NotAuthorised);
                (gap.is_some() || !subjects.is_empty()).then(|| DepartmentPlan {
                    department: department.id.clone(),
                    gap,
                    subjects,
                    region: None,
                })
            })
            .collect();
        Plan { purpose: self.purpose, period: Period::months_before(self.assessed_on, self.window_months), departments }
    }
}
