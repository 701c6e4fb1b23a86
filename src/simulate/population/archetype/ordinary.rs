//! Ordinary households: what they earn decides.

use crate::domain::fact::IncomeCategory;
use crate::domain::household::{LabourCapacity, Stability};
use crate::domain::money::Money;
use crate::simulate::filing::{Extra, Kept};
use crate::simulate::population::draft::Draft;
use crate::simulate::population::person::Sex;
use crate::simulate::population::truth::{Circle, Truth};

/// Below the line by far more than rounding could hide.
pub(super) fn couple_with_child(draft: &mut Draft<'_>) -> Truth {
    let [head, spouse, _] = draft.family();
    if draft.random.chance(30) {
        let spouse = draft.member(spouse);
        spouse.employed = false;
        spouse.labour_capacity = LabourCapacity::Partial;
    }
    let income = draft.share(3, 15, 92);
    draft.business(head, income);
    draft.ordinary_property(3);
    Truth::Circle(Circle::of("DIBAO", income, "INCOME_LT_STANDARD"))
}

/// The standard is not an upper bound that includes itself: at the line is above it.
pub(super) fn exactly_the_line(draft: &mut Draft<'_>) -> Truth {
    let [head, ..] = draft.family();
    let income = draft.place.line(3);
    draft.business(head, income);
    draft.ordinary_property(3);
    Truth::Circle(Circle::of("LOW_INCOME", income, "INCOME_EQ_STANDARD"))
}

fn elders(draft: &mut Draft<'_>) -> i64 {
    let husband = draft.adult("02", Sex::Male, (62, 82));
    let wife = draft.adult("12", Sex::Female, (60, 80));
    draft.ordinary_property(2);
    draft.resident_pension(husband) + draft.resident_pension(wife)
}

/// The child's household has no more than its own line, so nothing is imputed; an able child keeps
/// the couple out of 特困 all the same.
pub(super) fn elderly_couple(draft: &mut Draft<'_>) -> Truth {
    let pensions = elders(draft);
    let rest = draft.place.line(2) * 92 / 100 - pensions;
    let farming = draft.random.between(0, rest.max(0));
    draft.business(0, farming);
    let line = draft.place.line(4);
    let earned = draft.random.between(line * 4 / 10, line);
    draft.obligor(4, earned);
    Truth::Circle(Circle::of("DIBAO", pensions + farming, "INCOME_LT_STANDARD"))
}

/// Half of what the child's household has above its line, divided by two parents, for two parents.
pub(super) fn elders_with_able_child(draft: &mut Draft<'_>) -> Truth {
    let pensions = elders(draft);
    let line = draft.place.line(2);
    let (circle, total, reason) = if draft.random.chance(60) {
        ("DIBAO", draft.share(2, 50, 92), "INCOME_LT_STANDARD")
    } else {
        ("LOW_INCOME", draft.random.between(line, line / 2 * 3 - 1), "INCOME_IN_1_0_TO_1_5_BAND")
    };
    let support = total - pensions;
    let excess = support * 100 / draft.place.support_percent;
    let own_line = draft.place.line(3);
    draft.obligor(3, own_line + excess);
    draft.flag("SUPPORT_IMPUTED_BY_FORMULA");
    Truth::Circle(Circle::of(circle, total, reason))
}

/// A judgment is taken as it stands, whatever the child earns.
pub(super) fn elders_with_judgment(draft: &mut Draft<'_>) -> Truth {
    let pensions = elders(draft);
    let total = draft.share(2, 50, 92);
    let earned = draft.share(3, 50, 300);
    draft.obligor(3, earned).judgment_12m = Some(Money::from_fen(total - pensions));
    draft.flag("SUPPORT_BY_JUDGMENT");
    Truth::Circle(Circle::of("DIBAO", total, "INCOME_LT_STANDARD"))
}

fn alone(draft: &mut Draft<'_>) -> usize {
    let sex = Sex::draw(draft.random);
    let member = draft.adult("02", sex, (24, 56));
    draft.member(member).employed = false;
    draft.member(member).obligor_in_household = false;
    draft.household.income_stability = Stability::Unstable;
    draft.ordinary_property(1);
    draft.flag("EMPLOYMENT_REFERRAL");
    member
}

/// Nobody is given an income that was not earned (民政部 2024-05).
pub(super) fn single_unemployed(draft: &mut Draft<'_>) -> Truth {
    alone(draft);
    Truth::Circle(Circle::of("DIBAO", 0, "INCOME_LT_STANDARD"))
}

pub(super) fn unemployment_benefit(draft: &mut Draft<'_>) -> Truth {
    let member = alone(draft);
    let benefit = draft.share(1, 20, 85);
    draft.income(member, IncomeCategory::Transfer, "UNEMPLOYMENT_BENEFIT", benefit, "hrss");
    Truth::Circle(Circle::of("DIBAO", benefit, "INCOME_LT_STANDARD"))
}

/// Half of these families are above the line before the cost of working is taken off.
pub(super) fn wage_family(draft: &mut Draft<'_>) -> Truth {
    let [head, ..] = draft.family();
    let target = if draft.random.chance(50) { draft.share(3, 91, 98) } else { draft.share(3, 30, 85) };
    let countable = draft.wage(head, target, "hrss");
    draft.ordinary_property(3);
    if draft.random.chance(40) {
        let balance = Money::from_fen(draft.random.between(10_000, 2_000_000));
        let member = draft.reference(head);
        draft.extras.push(Extra { member, kept: Kept::ProvidentFund(balance) });
    }
    Truth::Circle(Circle::of("DIBAO", countable, "INCOME_LT_STANDARD"))
}

/// From the line, included, to one and a half times it, not included.
pub(super) fn band(draft: &mut Draft<'_>) -> Truth {
    let [head, ..] = draft.family();
    let (line, upper) = (draft.place.line(3), draft.place.low_income_line(3));
    let income = match draft.random.between(1, 10) {
        1 => line,
        2 => upper - 1,
        _ => draft.random.between(line, upper - 1),
    };
    draft.business(head, income);
    draft.ordinary_property(3);
    Truth::Circle(Circle::of("LOW_INCOME", income, "INCOME_IN_1_0_TO_1_5_BAND"))
}

/// At one and a half times the line, or above.
pub(super) fn over(draft: &mut Draft<'_>) -> Truth {
    let [head, ..] = draft.family();
    let upper = draft.place.low_income_line(3);
    let income = if draft.random.chance(15) { upper } else { draft.random.between(upper, upper * 2) };
    draft.business(head, income);
    draft.ordinary_property(3);
    Truth::Circle(Circle::of("NONE", income, "INCOME_GE_1_5X"))
}
