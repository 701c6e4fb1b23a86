//! Who counts: which of the listed members form the household (57号 第七条; `semantics.md`, Who counts).

use jiff::civil::Date;
use smallvec::SmallVec;

use super::facts::{Facts, MemberFacts};
use super::reasons::{Reasons, clause};
use super::tekun::Finding;
use crate::domain::fact::EducationStage;
use crate::domain::household::LabourCapacity;
use crate::domain::period::age_on;

/// Whether a listed member counts, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Counts.
    Counted,
    /// Died on or before the day of the assessment.
    Deceased,
    /// A ground for not counting was recorded.
    Excluded,
    /// A grown child in postgraduate study.
    Postgraduate,
}

/// One listed member.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    /// Age in completed years on the day of the assessment.
    pub age: i16,
    /// Whether the member counts.
    pub standing: Standing,
    /// What the test for 特困 came to; of a person who does not count, nothing.
    pub tekun: Finding,
}

impl Person {
    /// Counts.
    pub fn is_counted(self) -> bool {
        self.standing == Standing::Counted
    }

    /// Counts and is not 特困: one of those the household circle is about.
    pub fn remains(self) -> bool {
        self.is_counted() && !self.is_tekun()
    }

    /// Counts, and leaves the household as 特困.
    pub const fn is_tekun(self) -> bool {
        matches!(self.tekun, Finding::Tekun(..))
    }
}

/// The members with their standing, in the order of [`Facts::members`].
#[derive(Debug, Clone, Default)]
pub struct Members {
    persons: SmallVec<[Person; 8]>,
}

impl Members {
    /// Decides for each listed member whether it counts.
    pub fn decide(facts: &Facts) -> Self {
        let persons = facts.members.iter().map(|member| Person {
            age: age_on(member.born_on, facts.assessed_on),
            standing: standing(member, facts.assessed_on),
            tekun: Finding::NotConcerned,
        });
        Self { persons: persons.collect() }
    }

    /// The member at a position; `None` for a position that no member has.
    pub fn get(&self, index: usize) -> Option<Person> {
        self.persons.get(index).copied()
    }

    /// True when a member counts.
    pub fn is_counted(&self, index: usize) -> bool {
        self.get(index).is_some_and(Person::is_counted)
    }

    /// True when a member counts and is not 特困.
    pub fn remains(&self, index: usize) -> bool {
        self.get(index).is_some_and(Person::remains)
    }

    /// How many count.
    pub fn counted(&self) -> usize {
        self.persons.iter().filter(|person| person.is_counted()).count()
    }

    /// How many count and are not 特困.
    pub fn remaining(&self) -> usize {
        self.persons.iter().filter(|person| person.remains()).count()
    }

    /// The members that count, with their position.
    pub fn each_counted<'a>(&self, facts: &'a Facts) -> impl Iterator<Item = (usize, Person, &'a MemberFacts)> {
        self.persons
            .iter()
            .copied()
            .zip(&facts.members)
            .enumerate()
            .filter(|(_, (person, _))| person.is_counted())
            .map(|(index, (person, member))| (index, person, member))
    }

    /// The members that count and are not 特困, with their position.
    pub fn each_remaining<'a>(&self, facts: &'a Facts) -> impl Iterator<Item = (usize, Person, &'a MemberFacts)> {
        self.each_counted(facts).filter(|(_, person, _)| person.remains())
    }

    /// Every member, in the order of [`Facts::members`].
    pub fn each(&self) -> impl Iterator<Item = Person> {
        self.persons.iter().copied()
    }

    /// Keeps what the test for 特困 came to; a member who is 特困 leaves the household.
    pub fn found(&mut self, index: usize, finding: Finding) {
        if let Some(person) = self.persons.get_mut(index) {
            person.tekun = finding;
        }
    }

    /// True when a gap about these members, or about everybody where none are named, is about a remaining one of the
    /// ages it matters for. One that matters for all ages matters whoever is in the household.
    pub fn any_concerned(&self, members: &[usize], ages: Option<(i16, i16)>) -> bool {
        let Some((youngest, oldest)) = ages else { return true };
        let is_concerned = |index: &usize| members.is_empty() || members.contains(index);
        let mut concerned = self.persons.iter().enumerate().filter(|(index, _)| is_concerned(index));
        concerned.any(|(_, person)| person.remains() && (youngest..=oldest).contains(&person.age))
    }

    /// Notes who was taken out, and grown students who were kept.
    pub fn explain(&self, facts: &Facts, reasons: &mut Reasons) {
        for (person, member) in self.persons.iter().zip(&facts.members) {
            match (person.standing, &member.exclusion) {
                (Standing::Deceased, _) => {
                    reasons.flag("DECEASED_MEMBER_REMOVED");
                    reasons.rests_on(&[clause::MEMBERS, clause::SEED_REPORT]);
                }
                (Standing::Excluded, Some(ground)) => {
                    reasons.flag(format!("MEMBER_EXCLUDED_{}", ground.as_str()));
                    reasons.rests_on(&[clause::MEMBERS]);
                }
                (Standing::Postgraduate, _) => {
                    reasons.flag("ADULT_CHILD_POSTGRADUATE_NOT_COUNTED");
                    reasons.rests_on(&[clause::MEMBERS]);
                }
                (Standing::Counted | Standing::Excluded, _) => {
                    if person.age >= 18 && member.relation.is_child() && member.education_stage.is_some() {
                        reasons.reason("ADULT_STUDENT_COUNTED");
                        reasons.rests_on(&[clause::MEMBERS]);
                    }
                }
            }
        }
    }
}

/// The tests in their fixed order: death, exclusion, postgraduate study.
pub(super) fn standing(member: &MemberFacts, on: Date) -> Standing {
    let is_postgraduate = matches!(member.education_stage, Some(EducationStage::Master | EducationStage::Doctor));
    if member.death_date.is_some_and(|day| day <= on) {
        Standing::Deceased
    } else if member.exclusion.is_some() {
        Standing::Excluded
    } else if is_postgraduate && member.relation.is_child() && age_on(member.born_on, on) >= 18 {
        Standing::Postgraduate
    } else {
        Standing::Counted
    }
}

/// Of working age with some capacity to work.
pub fn can_work(person: Person, member: &MemberFacts) -> bool {
    (16..=59).contains(&person.age) && matches!(member.labour_capacity, LabourCapacity::Full | LabourCapacity::Partial)
}
