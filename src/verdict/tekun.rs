//! 特困人员, person by person (SC649 第十四条; 43号; `semantics.md`, TEKUN).

use serde::Serialize;

use super::facts::{Facts, MemberFacts};
use super::income;
use super::members::{Members, Person};
use super::property::{Failures, Property};
use super::reasons::{Reasons, clause};
use crate::domain::declaration::Capability;
use crate::domain::exact::{Exact, Overflow};
use crate::domain::fact::EducationStage;
use crate::policy::Rules;

/// How much care a person needs, by failed activities of daily living.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CareLevel {
    /// 全自理.
    SelfCare,
    /// 半护理.
    PartialCare,
    /// 全护理.
    FullCare,
}

impl CareLevel {
    /// None failed, up to three, four and more.
    pub const fn of(adl_failed_count: u8) -> Self {
        match adl_failed_count {
            0 => Self::SelfCare,
            1..=3 => Self::PartialCare,
            _ => Self::FullCare,
        }
    }

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SelfCare => "SELF_CARE",
            Self::PartialCare => "PARTIAL_CARE",
            Self::FullCare => "FULL_CARE",
        }
    }

    const fn reason(self) -> &'static str {
        match self {
            Self::SelfCare => "TEKUN_SELF_CARE",
            Self::PartialCare => "TEKUN_PARTIAL_CARE",
            Self::FullCare => "TEKUN_FULL_CARE",
        }
    }
}

/// Why a person has no capacity to work, or goes on as 特困.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabourGround {
    /// Was 特困 and is still a minor.
    ContinuesMinor,
    /// Was 特困 and is still in a stage of education that lets it go on.
    Continues(EducationStage),
    /// 60 or older.
    Age60,
    /// Below the local age of minors.
    Minor,
    /// By category and grade of disability.
    Disability,
}

/// What one member's test came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Chose the orphan benefit instead.
    OrphanBenefitChosen,
    /// Can work, or has an obligor in the household: not the case 特困 is for.
    NotConcerned,
    /// An obligor outside the household can pay.
    ObligorAble,
    /// Own income reaches the line of one person.
    IncomeReachesLine,
    /// Property exceeds what one person may have, by these tests.
    PropertyFails(Failures),
    /// 特困.
    Tekun(LabourGround, CareLevel),
}

/// Tests one member, the cheap conditions first: most people are settled before any sum is needed.
fn test(
    facts: &Facts,
    (index, person, member): (usize, Person, &MemberFacts),
    members: &Members,
    property: &Property,
    rules: &Rules,
) -> Result<Finding, Overflow> {
    if member.chose_orphan_benefit {
        return Ok(Finding::OrphanBenefitChosen);
    }
    let Some(ground) = labour_ground(person, member, rules).filter(|_| !member.obligor_in_household) else {
        return Ok(Finding::NotConcerned);
    };
    let mut obligors = facts.obligors.iter().filter(|obligor| obligor.supports.contains(&member.reference));
    if obligors.any(|obligor| obligor.capability != Capability::Unable) {
        return Ok(Finding::ObligorAble);
    }
    if own_income(facts, members, rules, index)?.0 >= Exact::from(rules.line_of_one) {
        return Ok(Finding::IncomeReachesLine);
    }
    let for_one = property.failures(rules, rules.financial_limit(1)?);
    Ok(if for_one.none() {
        Finding::Tekun(ground, CareLevel::of(member.adl_failed_count))
    } else {
        Finding::PropertyFails(for_one)
    })
}

/// The own income of one member in this test, and what the test left out of it.
pub fn own_income(facts: &Facts, members: &Members, rules: &Rules, member: usize) -> Result<(Exact, Exact), Overflow> {
    let left_out = income::left_out_of_tekun_test(facts, members, rules, member)?;
    Ok((income::own_of(facts, members, rules, member)?.minus(left_out)?, left_out))
}

fn labour_ground(person: Person, member: &MemberFacts, rules: &Rules) -> Option<LabourGround> {
    if member.was_tekun {
        if person.age < 18 {
            return Some(LabourGround::ContinuesMinor);
        }
        if let Some(stage) = member.education_stage.filter(|stage| rules.tekun.continue_stages.contains(stage)) {
            return Some(LabourGround::Continues(stage));
        }
    }
    if person.age >= 60 {
        Some(LabourGround::Age60)
    } else if person.age < rules.tekun.minor_age_limit {
        Some(LabourGround::Minor)
    } else if member.disability.is_some_and(crate::domain::fact::Disability::takes_labour_capacity) {
        Some(LabourGround::Disability)
    } else {
        None
    }
}

/// Tests every counted member; those who are 特困 leave the household.
pub fn decide(facts: &Facts, members: &mut Members, property: &Property, rules: &Rules) -> Result<(), Overflow> {
    for (index, member) in facts.members.iter().enumerate() {
        let Some(person) = members.get(index).filter(|person| person.is_counted()) else { continue };
        let finding = test(facts, (index, person, member), members, property, rules)?;
        members.found(index, finding);
    }
    Ok(())
}

/// Notes what the tests came to.
pub fn explain(facts: &Facts, members: &Members, rules: &Rules, reasons: &mut Reasons) -> Result<(), Overflow> {
    for (index, person, member) in members.each_counted(facts) {
        if matches!(person.tekun, Finding::Tekun(..) | Finding::IncomeReachesLine)
            && income::left_out_of_tekun_test(facts, members, rules, index)? != Exact::ZERO
        {
            reasons.reason("TEKUN_INCOME_EXEMPT");
        }
        match person.tekun {
            Finding::NotConcerned => {}
            Finding::OrphanBenefitChosen => {
                reasons.flag("ORPHAN_BENEFIT_CHOSEN");
                reasons.rests_on(&[clause::TEKUN_ORPHAN]);
            }
            Finding::ObligorAble => {
                reasons.reason("TEKUN_OBLIGOR_ABLE");
                reasons.rests_on(&[clause::TEKUN]);
            }
            Finding::IncomeReachesLine => {
                reasons.reason("TEKUN_OWN_INCOME_GE_STANDARD");
                reasons.rests_on(&[clause::TEKUN, clause::TEKUN_LIVELIHOOD]);
            }
            Finding::PropertyFails(_) => {
                reasons.reason("TEKUN_PROPERTY_OVER_LIMIT");
                reasons.rests_on(&[clause::TEKUN, clause::TEKUN_LIVELIHOOD]);
            }
            Finding::Tekun(ground, care) => {
                reasons.reason(ground_reason(ground));
                reasons.reason("TEKUN_NO_LIVELIHOOD");
                reasons.rests_on(&[
                    clause::TEKUN_LAW,
                    clause::TEKUN,
                    clause::TEKUN_LABOUR,
                    clause::TEKUN_LIVELIHOOD,
                    clause::TEKUN_CARE,
                    clause::SEED_YEARLY,
                ]);
                match ground {
                    LabourGround::Minor => reasons.rests_on(&[clause::SEED_MINOR]),
                    LabourGround::ContinuesMinor => reasons.rests_on(&[clause::SEED_MINOR, clause::TEKUN_TERM]),
                    LabourGround::Continues(_) => reasons.rests_on(&[clause::TEKUN_TERM]),
                    LabourGround::Age60 | LabourGround::Disability => {}
                }
                if facts.obligors.iter().any(|obligor| obligor.supports.contains(&member.reference)) {
                    reasons.reason("TEKUN_OBLIGOR_UNABLE");
                    reasons.rests_on(&[clause::TEKUN_OBLIGOR]);
                } else {
                    reasons.reason("TEKUN_NO_OBLIGOR");
                }
                reasons.reason(care.reason());
            }
        }
    }
    Ok(())
}

/// The reason code of a ground.
pub const fn ground_reason(ground: LabourGround) -> &'static str {
    match ground {
        LabourGround::ContinuesMinor => "TEKUN_CONTINUES_MINOR",
        LabourGround::Continues(EducationStage::Preschool) => "TEKUN_CONTINUES_PRESCHOOL",
        LabourGround::Continues(EducationStage::Primary) => "TEKUN_CONTINUES_PRIMARY",
        LabourGround::Continues(EducationStage::Junior) => "TEKUN_CONTINUES_JUNIOR",
        LabourGround::Continues(EducationStage::SeniorHigh) => "TEKUN_CONTINUES_SENIOR_HIGH",
        LabourGround::Continues(EducationStage::SecondaryVocational) => "TEKUN_CONTINUES_VOCATIONAL",
        LabourGround::Continues(EducationStage::Special) => "TEKUN_CONTINUES_SPECIAL",
        LabourGround::Continues(EducationStage::JuniorCollege) => "TEKUN_CONTINUES_JUNIOR_COLLEGE",
        LabourGround::Continues(EducationStage::Bachelor) => "TEKUN_CONTINUES_BACHELOR",
        LabourGround::Continues(EducationStage::Master) => "TEKUN_CONTINUES_MASTER",
        LabourGround::Continues(EducationStage::Doctor) => "TEKUN_CONTINUES_DOCTOR",
        LabourGround::Age60 => "TEKUN_NO_LABOUR_AGE_60",
        LabourGround::Minor => "TEKUN_MINOR",
        LabourGround::Disability => "TEKUN_NO_LABOUR_DISABILITY",
    }
}
