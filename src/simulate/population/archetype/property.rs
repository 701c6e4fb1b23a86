//! Households that are poor by income, and what they own.

use crate::domain::fact::{IncomeCategory, Kind};
use crate::simulate::population::draft::{DECLARED, Draft};
use crate::simulate::population::truth::{Circle, Truth};

/// A family with little income, and nothing owned yet.
pub(super) fn poor_family(draft: &mut Draft<'_>) -> i64 {
    let [head, ..] = draft.family();
    let income = draft.share(3, 20, 90);
    draft.business(head, income);
    income
}

/// A fen above the limit of the whole household is above it, though nobody's share looks so.
pub(super) fn financial_over(draft: &mut Draft<'_>) -> Truth {
    let income = poor_family(draft);
    let excess = if draft.random.chance(40) { 1 } else { draft.random.between(1, 2_000_000) };
    let total = draft.place.asset_limit(3) + excess;
    let fund = if draft.random.chance(50) { total / 3 } else { 0 };
    draft.asset("DEPOSIT", total - fund, DECLARED);
    if fund > 0 {
        draft.asset("FUND", fund, DECLARED);
    }
    draft.dwellings(1);
    draft.flag("PROPERTY_FINANCIAL_OVER_LIMIT");
    Truth::Circle(Circle::of("NONE", income, "PROPERTY_FINANCIAL_OVER_LIMIT"))
}

pub(super) fn second_dwelling(draft: &mut Draft<'_>) -> Truth {
    let income = poor_family(draft);
    draft.dwellings(2);
    draft.flag("PROPERTY_DWELLINGS_OVER_LIMIT");
    Truth::Circle(Circle::of("NONE", income, "PROPERTY_DWELLINGS_OVER_LIMIT"))
}

/// The ruin does not count, and neither does the relief paid for it.
pub(super) fn disaster_ruin(draft: &mut Draft<'_>) -> Truth {
    let income = poor_family(draft);
    draft.dwellings(1);
    let ruin = draft.asset("DWELLING", 0, "emergency");
    ruin.count = Some(1);
    ruin.exempt_kind = Some(Kind::of("DISASTER_COLLAPSED"));
    let relief = draft.random.between(500, 6_000) * 100;
    draft.exempt(0, "SOCIAL_ASSISTANCE", relief, "emergency");
    Truth::Circle(Circle::of("DIBAO", income, "INCOME_LT_STANDARD"))
}

/// Vehicles are the traffic police's to know: only the declaration has them.
pub(super) fn car(draft: &mut Draft<'_>) -> Truth {
    let income = poor_family(draft);
    let value = draft.random.between(20_000, 150_000) * 100;
    draft.asset("VEHICLE", value, DECLARED).count = Some(1);
    draft.dwellings(1);
    draft.flag("PROPERTY_VEHICLE");
    Truth::Circle(Circle::of("NONE", income, "PROPERTY_VEHICLE"))
}

pub(super) fn motorcycle(draft: &mut Draft<'_>) -> Truth {
    let income = poor_family(draft);
    let value = draft.random.between(800, 6_000) * 100;
    draft.asset("VEHICLE", value, DECLARED).exempt_kind = Some(Kind::of("MOTORCYCLE_2_OR_3_WHEEL"));
    draft.dwellings(1);
    Truth::Circle(Circle::of("DIBAO", income, "INCOME_LT_STANDARD"))
}

/// A shop fails by being there; its rent is income like any other.
pub(super) fn shop(draft: &mut Draft<'_>) -> Truth {
    let income = poor_family(draft);
    let rent = draft.share(3, 1, 5);
    draft.income(0, IncomeCategory::Property, "RENT", rent, DECLARED);
    draft.dwellings(1);
    let shop = draft.asset("NON_RESIDENTIAL", 26_000_000, "housing");
    shop.count = Some(1);
    shop.area_m2 = Some("38.40".to_owned());
    draft.flag("PROPERTY_NON_RESIDENTIAL");
    Truth::Circle(Circle::of("NONE", income + rent, "PROPERTY_NON_RESIDENTIAL"))
}
