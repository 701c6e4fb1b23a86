//! Regions: whose departments hold a person's records, this hub's own or those behind another hub
//! (`docs/decisions/0065-another-hub-answers-for-its-region.md`).
//!
//! The longest prefix wins. Who is of a division that nobody answers for is a gap, and is never asked about elsewhere.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::plan::{DepartmentPlan, Plan, SubjectPlan};
use crate::domain::dataset::DepartmentId;
use crate::domain::division::DivisionCode;
use crate::domain::household::{Household, MemberRef};
use crate::domain::outcome::GapReason;

/// Who answers for the departments of a division.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provided {
    /// This hub's own departments.
    Here,
    /// The hub of this name.
    By(DepartmentId),
    /// Nobody.
    Nowhere,
}

/// Members of one household whose records lie in one region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// Who answers for it.
    pub provided: Provided,
    /// Positions of the members in the household.
    pub members: Vec<usize>,
    /// The same members as the request names them.
    pub references: Vec<MemberRef>,
}

impl Region {
    /// The hub that answers, where it is another one.
    pub const fn hub(&self) -> Option<&DepartmentId> {
        match &self.provided {
            Provided::By(hub) => Some(hub),
            Provided::Here | Provided::Nowhere => None,
        }
    }
}

/// A division, and who answers for it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Route {
    division: DivisionCode,
    provided: Provided,
}

/// Which divisions this hub's departments answer for, and which another hub's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regions(Vec<Route>);

impl Default for Regions {
    /// Everything is this hub's own: there is no other.
    fn default() -> Self {
        Self(vec![Route { division: DivisionCode::NATION, provided: Provided::Here }])
    }
}

impl Regions {
    /// This hub's own divisions, and those of other hubs. No division stands twice.
    pub fn new(
        own: impl IntoIterator<Item = DivisionCode>,
        others: impl IntoIterator<Item = (DivisionCode, DepartmentId)>,
    ) -> Self {
        let own = own.into_iter().map(|division| Route { division, provided: Provided::Here });
        let others = others.into_iter().map(|(division, hub)| Route { division, provided: Provided::By(hub) });
        Self(own.chain(others).collect())
    }

    /// Who answers for a division: the route with the most digits in common that lies around it.
    pub fn provider(&self, division: DivisionCode) -> &Provided {
        let around = self.0.iter().filter(|route| division.is_inside(route.division));
        around
            .max_by_key(|route| route.division.significant().len())
            .map_or(&Provided::Nowhere, |route| &route.provided)
    }

    /// The hubs that answer for divisions, each with these.
    pub fn hubs(&self) -> Vec<(DepartmentId, Vec<DivisionCode>)> {
        let mut hubs: Vec<(DepartmentId, Vec<DivisionCode>)> = Vec::new();
        for route in &self.0 {
            let Provided::By(hub) = &route.provided else { continue };
            match hubs.iter_mut().find(|(known, _)| known == hub) {
                Some((_, divisions)) => divisions.push(route.division),
                None => hubs.push((hub.clone(), vec![route.division])),
            }
        }
        hubs
    }

    /// The regions of a household, this hub's own first; none where all of it is this hub's own.
    fn of(&self, household: &Household) -> Vec<Arc<Region>> {
        let mut regions: Vec<Region> = Vec::new();
        for (index, member) in household.members.iter().enumerate() {
            let provided = self.provider(household.division_of(index));
            let (position, reference) = (index, member.reference.clone());
            match regions.iter_mut().find(|region| region.provided == *provided) {
                Some(region) => {
                    region.members.push(position);
                    region.references.push(reference);
                }
                None => regions.push(Region {
                    provided: provided.clone(),
                    members: vec![position],
                    references: vec![reference],
                }),
            }
        }
        if let [Region { provided: Provided::Here, .. }] = regions.as_slice() {
            return Vec::new();
        }
        regions.sort_by_key(|region| match region.provided {
            Provided::Here => 0,
            Provided::By(_) => 1,
            Provided::Nowhere => 2,
        });
        regions.into_iter().map(Arc::new).collect()
    }

    /// The plan with each department's part split by region.
    pub(super) fn split(&self, mut plan: Plan, household: &Household) -> Plan {
        let regions = self.of(household);
        if regions.is_empty() {
            return plan;
        }
        plan.departments = plan.departments.into_iter().flat_map(|whole| parts(whole, &regions)).collect();
        plan
    }
}

/// A department's part of a plan, by region. What may not be asked at all is no region's.
fn parts(whole: DepartmentPlan, regions: &[Arc<Region>]) -> Vec<DepartmentPlan> {
    if whole.gap.is_some() {
        return vec![whole];
    }
    let of_region = |region: &Arc<Region>| {
        let is_here = |subject: &&SubjectPlan| region.members.contains(&subject.member);
        let subjects: Vec<SubjectPlan> = whole.subjects.iter().filter(is_here).cloned().collect();
        (!subjects.is_empty()).then(|| DepartmentPlan {
            department: whole.department.clone(),
            gap: (region.provided == Provided::Nowhere).then_some(GapReason::NotConnected),
            subjects,
            region: Some(Arc::clone(region)),
        })
    };
    regions.iter().filter_map(of_region).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> DivisionCode {
        DivisionCode::parse(text).unwrap()
    }

    fn hub(text: &str) -> DepartmentId {
        DepartmentId::parse(text).unwrap()
    }

    fn regions() -> Regions {
        let others = [(code("230000"), hub("hlj")), (code("230100"), hub("harbin")), (code("150221"), hub("banner"))];
        Regions::new([code("150200")], others)
    }

    #[test]
    fn the_longest_prefix_answers_and_nobody_answers_for_what_no_prefix_is_of() {
        let regions = regions();
        for (division, expected) in [
            ("150202", Provided::Here),
            ("150200", Provided::Here),
            ("150221", Provided::By(hub("banner"))),
            ("230103", Provided::By(hub("harbin"))),
            ("230200", Provided::By(hub("hlj"))),
            ("230000", Provided::By(hub("hlj"))),
            // Wider than what anybody answers for: it could be anywhere in it.
            ("150000", Provided::Nowhere),
            ("310101", Provided::Nowhere),
            ("000000", Provided::Nowhere),
        ] {
            assert_eq!(*regions.provider(code(division)), expected, "{division}");
        }
        assert_eq!(*Regions::default().provider(code("310101")), Provided::Here, "alone, a hub asks its own");
        assert_eq!(regions.hubs().len(), 3);
    }
}
