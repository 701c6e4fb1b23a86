//! What counts as income, and one payment reported twice.

use crate::domain::fact::IncomeCategory;
use crate::simulate::population::draft::{DECLARED, Draft};
use crate::simulate::population::person::Sex;
use crate::simulate::population::truth::{Circle, Truth};

/// The countable part alone is below the line; with the rest it would be far above it.
pub(super) fn exempt_incomes(draft: &mut Draft<'_>) -> Truth {
    let [head, spouse, child] = draft.family();
    let income = draft.share(3, 60, 92);
    draft.business(head, income);
    let tenth = draft.place.line(3) / 10;
    draft.exempt(spouse, "VETERAN_PREFERENTIAL", tenth * 3, DECLARED);
    draft.exempt(spouse, "DISABILITY_SUBSIDY", 138_000, DECLARED);
    draft.exempt(head, "FAMILY_PLANNING_REWARD", 96_000, "health");
    draft.exempt(head, "SOCIAL_ASSISTANCE", tenth, "emergency");
    let scholarship = draft.random.between(500, 5_000) * 100;
    draft.exempt(child, "SCHOLARSHIP", scholarship, "education");
    draft.ordinary_property(3);
    Truth::Circle(Circle::of("DIBAO", income, "INCOME_EXEMPT"))
}

/// A retired teacher and spouse, with a child who can spare nothing.
fn retired_teacher(draft: &mut Draft<'_>, by_hrss: i64, by_education: i64) {
    let teacher = draft.adult("02", Sex::Male, (61, 78));
    draft.adult("12", Sex::Female, (60, 76));
    for (source, fen) in [("hrss", by_hrss), ("education", by_education)] {
        let pension = draft.income(teacher, IncomeCategory::Transfer, "PENSION_EMPLOYEE", fen, source);
        pension.dedupe_key = Some("m1:pension".to_owned());
    }
    let line = draft.place.line(4);
    let earned = draft.random.between(line * 4 / 10, line);
    draft.obligor(4, earned);
    draft.ordinary_property(2);
}

/// Counted twice it would be in another circle.
pub(super) fn duplicate_pension(draft: &mut Draft<'_>) -> Truth {
    let pension = draft.share(2, 55, 92);
    retired_teacher(draft, pension, pension);
    draft.flag("INCOME_DUPLICATE_MERGED");
    Truth::Circle(Circle::of("DIBAO", pension, "INCOME_DUPLICATE_MERGED"))
}

/// The bureau of social security pays it, so it knows best: below the line or not is its word.
pub(super) fn conflicting_pension(draft: &mut Draft<'_>) -> Truth {
    let line = draft.place.line(2);
    let low = draft.share(2, 60, 95);
    let high = draft.random.between(line, line / 2 * 3 - 1);
    draft.flag("INCOME_CONFLICT_AUTHORITY_APPLIED");
    if draft.random.chance(50) {
        retired_teacher(draft, low, high);
        Truth::Circle(Circle::of("DIBAO", low, "INCOME_CONFLICT_AUTHORITY_APPLIED"))
    } else {
        retired_teacher(draft, high, low);
        Truth::Circle(Circle::of("LOW_INCOME", high, "INCOME_CONFLICT_AUTHORITY_APPLIED"))
    }
}

/// The medical contribution base is last year's, a tenth lower.
pub(super) fn conflicting_wage(draft: &mut Draft<'_>) -> Truth {
    let [head, ..] = draft.family();
    let target = draft.share(3, 50, 92);
    let countable = draft.wage(head, target, "hrss");
    draft.wage(head, target * 9 / 10, "medical_insurance");
    for income in &mut draft.household.incomes {
        income.dedupe_key = Some("m1:wage".to_owned());
    }
    draft.flag("INCOME_CONFLICT_AUTHORITY_APPLIED");
    draft.ordinary_property(3);
    Truth::Circle(Circle::of("DIBAO", countable, "INCOME_CONFLICT_AUTHORITY_APPLIED"))
}
