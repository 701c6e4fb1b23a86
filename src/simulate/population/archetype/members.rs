//! Who counts as a member.

use jiff::Span;

use crate::domain::fact::{EducationStage, ExpenditureKind, IncomeCategory, Kind};
use crate::domain::household::{LabourCapacity, RelationCode};
use crate::domain::money::Money;
use crate::simulate::population::draft::Draft;
use crate::simulate::population::person::Sex;
use crate::simulate::population::truth::{Circle, Truth};

/// With the dead it would be dibao for four; three have too much for it, or still little enough.
pub(super) fn deceased_listed(draft: &mut Draft<'_>) -> Truth {
    let dead = draft.adult("02", Sex::Male, (70, 90));
    let son = draft.adult("20", Sex::Male, (34, 48));
    draft.adult("38", Sex::Female, (32, 46));
    grandchild(draft);
    let days = draft.random.between(90, 250);
    let died_on = draft.window.from.saturating_add(Span::new().days(days));
    draft.member(dead).death_date = Some(died_on);
    // Paid while he lived, and paid on: a clue for the payer, and no income of the household.
    for after in [false, true] {
        let months = if after { 3 } else { 6 };
        let pension = draft.income(dead, IncomeCategory::Transfer, "PENSION_RESIDENT", 24_000 * months, "hrss");
        pension.basic_portion_12m = Some(Money::from_fen(14_300 * months));
        pension.paid_after_death = after;
    }
    let three = draft.place.line(3);
    let (circle, income, reason) = if draft.random.chance(60) {
        let most = draft.place.line(4).min(draft.place.low_income_line(3));
        ("LOW_INCOME", draft.random.between(three, most - 1), "INCOME_IN_1_0_TO_1_5_BAND")
    } else {
        ("DIBAO", draft.share(3, 30, 92), "INCOME_LT_STANDARD")
    };
    draft.business(son, income);
    draft.ordinary_property(3);
    draft.flag("DECEASED_MEMBER_REMOVED");
    draft.flag("PAYMENT_AFTER_DEATH");
    Truth::Circle(Circle { removed: vec![dead], ..Circle::of(circle, income, reason) })
}

/// A grandson or granddaughter, as the identity number has it.
fn grandchild(draft: &mut Draft<'_>) {
    let child = draft.child(None, (6, 15));
    let member = draft.member(child);
    let code = if member.sex_code.as_deref() == Some(Sex::Male.code()) { "41" } else { "42" };
    member.relation_code = RelationCode::parse(code).expect("41 and 42 are codes of GB/T 4761");
}

/// A couple of middle age with a grown child who studies.
fn student(draft: &mut Draft<'_>, ages: (i16, i16), stage: EducationStage) -> [usize; 2] {
    let head = draft.adult("02", Sex::Male, (46, 58));
    draft.adult("12", Sex::Female, (45, 57));
    let sex = Sex::draw(draft.random);
    let child = draft.adult(if sex == Sex::Male { "20" } else { "30" }, sex, ages);
    let member = draft.member(child);
    member.employed = false;
    member.education_stage = Some(stage);
    [head, child]
}

/// Two persons' line, not three's.
pub(super) fn postgraduate_child(draft: &mut Draft<'_>) -> Truth {
    let [head, child] = student(draft, (23, 27), EducationStage::Master);
    let two = draft.place.line(2);
    let (circle, income, reason) = if draft.random.chance(50) {
        ("LOW_INCOME", draft.random.between(two, two / 2 * 3 - 1), "INCOME_IN_1_0_TO_1_5_BAND")
    } else {
        ("DIBAO", draft.share(2, 30, 92), "INCOME_LT_STANDARD")
    };
    draft.business(head, income);
    draft.ordinary_property(2);
    draft.flag("ADULT_CHILD_POSTGRADUATE_NOT_COUNTED");
    Truth::Circle(Circle { removed: vec![child], ..Circle::of(circle, income, reason) })
}

/// Three persons' line; aid to the student is no income, fees are rigid spending.
pub(super) fn undergraduate_child(draft: &mut Draft<'_>) -> Truth {
    let stage = if draft.random.chance(60) { EducationStage::Bachelor } else { EducationStage::JuniorCollege };
    let [head, child] = student(draft, (18, 22), stage);
    let income = draft.share(3, 30, 92);
    draft.business(head, income);
    if draft.random.chance(50) {
        draft.exempt(child, "STUDENT_AID", 330_000, "education");
    }
    let fees = draft.random.between(40, 60) * 10_000;
    let waived = draft.random.between(0, 10) * 10_000;
    let paid_on = draft.september();
    draft.bill(child, ExpenditureKind::Education, fees, waived, paid_on, "education");
    draft.ordinary_property(3);
    Truth::Circle(Circle { rigid: fees - waived, ..Circle::of("DIBAO", income, "ADULT_STUDENT_COUNTED") })
}

/// Who serves a sentence does not live with the household (57号 第七条).
pub(super) fn member_in_prison(draft: &mut Draft<'_>) -> Truth {
    let [head, spouse, _] = draft.family();
    let prisoner = draft.member(spouse);
    prisoner.exclusion = Some(Kind::of("IN_PRISON"));
    prisoner.employed = false;
    prisoner.labour_capacity = LabourCapacity::Full;
    let income = draft.share(2, 20, 92);
    draft.business(head, income);
    draft.ordinary_property(2);
    draft.flag("MEMBER_EXCLUDED_IN_PRISON");
    Truth::Circle(Circle { removed: vec![spouse], ..Circle::of("DIBAO", income, "INCOME_LT_STANDARD") })
}
