//! Outcomes of single persons: 单人户, top-ups, 特困.

use crate::domain::fact::{Disability, IncomeCategory};
use crate::domain::household::LabourCapacity;
use crate::simulate::population::draft::{DECLARED, Draft};
use crate::simulate::population::person::Sex;
use crate::simulate::population::truth::{Circle, Truth};

/// A couple with a grown child who cannot work.
fn with_grown_child(draft: &mut Draft<'_>) -> [usize; 2] {
    let head = draft.adult("02", Sex::Male, (50, 59));
    draft.adult("12", Sex::Female, (48, 58));
    let sex = Sex::draw(draft.random);
    let child = draft.adult(if sex == Sex::Male { "20" } else { "30" }, sex, (20, 30));
    let member = draft.member(child);
    member.employed = false;
    member.labour_capacity = LabourCapacity::None;
    draft.ordinary_property(3);
    [head, child]
}

fn disable(draft: &mut Draft<'_>, member: usize) {
    const SEVERE: [(u8, u8); 6] = [(1, 1), (2, 2), (4, 2), (5, 3), (6, 3), (7, 1)];
    let (category, grade) = *draft.random.pick(&SEVERE);
    draft.member(member).disability = Some(Disability { category, grade });
}

fn in_band(draft: &mut Draft<'_>) -> i64 {
    let line = draft.place.line(3);
    draft.random.between(line, line / 2 * 3 - 1)
}

/// The household stays low-income, the disabled member enters dibao alone.
pub(super) fn severe_disability_in_band(draft: &mut Draft<'_>) -> Truth {
    let [head, child] = with_grown_child(draft);
    disable(draft, child);
    let income = in_band(draft);
    draft.business(head, income);
    if draft.random.chance(60) {
        draft.exempt(child, "DISABILITY_SUBSIDY", 138_000, DECLARED);
    }
    let circle = Circle::of("LOW_INCOME", income, "SINGLE_SEVERE_DISABILITY");
    Truth::Circle(Circle { single: Some((child, "SEVERE_DISABILITY", 0)), ..circle })
}

/// A small income of one's own is taken off.
pub(super) fn severe_illness_in_band(draft: &mut Draft<'_>) -> Truth {
    let [head, child] = with_grown_child(draft);
    draft.member(child).severe_illness = true;
    let income = in_band(draft);
    let own = if draft.random.chance(40) { draft.share(1, 5, 80) } else { 0 };
    draft.business(head, income - own);
    if own > 0 {
        draft.income(child, IncomeCategory::Transfer, "UNEMPLOYMENT_BENEFIT", own, "hrss");
    }
    let circle = Circle::of("LOW_INCOME", income, "SINGLE_SEVERE_ILLNESS");
    Truth::Circle(Circle { single: Some((child, "SEVERE_ILLNESS", own)), ..circle })
}

/// Own income at the standard of one person: nothing to add.
pub(super) fn disability_with_own_income(draft: &mut Draft<'_>) -> Truth {
    let [head, child] = with_grown_child(draft);
    disable(draft, child);
    let own = if draft.random.chance(30) { draft.place.line(1) } else { draft.share(1, 100, 120) };
    let income = in_band(draft).max(own);
    draft.business(head, income - own);
    draft.income(child, IncomeCategory::Transfer, "WORK_INJURY_BENEFIT", own, "hrss");
    Truth::Circle(Circle::of("LOW_INCOME", income, "SINGLE_OWN_INCOME_GE_STANDARD"))
}

/// In a dibao household the disabled member has the highest top-up.
pub(super) fn disability_in_dibao(draft: &mut Draft<'_>) -> Truth {
    let [head, child] = with_grown_child(draft);
    disable(draft, child);
    let income = draft.share(3, 20, 92);
    draft.business(head, income);
    Truth::Circle(Circle::of("DIBAO", income, "INCOME_LT_STANDARD"))
}

/// No obligor at all, and a pension below the line of one.
pub(super) fn childless_elder(draft: &mut Draft<'_>) -> Truth {
    let sex = Sex::draw(draft.random);
    let elder = draft.adult("02", sex, (60, 92));
    draft.member(elder).obligor_in_household = false;
    let (failed, care_level) = match draft.random.between(1, 3) {
        1 => (0, "SELF_CARE"),
        2 => (draft.random.between(1, 3), "PARTIAL_CARE"),
        _ => (draft.random.between(4, 6), "FULL_CARE"),
    };
    draft.member(elder).adl_failed_count = u8::try_from(failed).unwrap_or(0);
    draft.resident_pension(elder);
    draft.ordinary_property(1);
    Truth::Tekun(care_level)
}

/// Below eighteen counts as without labour capacity (the seed lifted it from sixteen).
pub(super) fn orphan_minor(draft: &mut Draft<'_>) -> Truth {
    let minor = draft.child(Some("02"), (6, 17));
    draft.member(minor).obligor_in_household = false;
    draft.ordinary_property(1);
    Truth::Tekun("SELF_CARE")
}
