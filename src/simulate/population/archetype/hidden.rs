//! Planted inconsistencies: the departments know what the declaration leaves out.

use super::property::poor_family;
use crate::simulate::filing::{Extra, Kept};
use crate::simulate::population::draft::Draft;
use crate::simulate::population::truth::{Circle, Truth};

/// The declaration alone would be dibao, and says that nobody has found work; with the wage that the
/// contributions show it is not.
pub(super) fn wage(draft: &mut Draft<'_>) -> Truth {
    let [head, spouse, _] = draft.family();
    let declared = draft.share(3, 20, 60);
    draft.business(head, declared);
    let (line, upper) = (draft.place.line(3), draft.place.low_income_line(3));
    let is_over = draft.random.chance(50);
    let target = if is_over { upper * 11 / 10 } else { line + line / 4 };
    let countable = draft.wage(spouse, target - declared, "hrss");
    draft.ordinary_property(3);
    let member = draft.reference(spouse);
    draft.extras.push(Extra { member, kept: Kept::DeniedWork });
    let income = declared + countable;
    if is_over {
        Truth::Circle(Circle::of("NONE", income, "INCOME_GE_1_5X"))
    } else {
        Truth::Circle(Circle::of("LOW_INCOME", income, "INCOME_IN_1_0_TO_1_5_BAND"))
    }
}

/// The declaration names no dwelling; the contracts show two.
pub(super) fn flat(draft: &mut Draft<'_>) -> Truth {
    let income = poor_family(draft);
    draft.dwellings(2);
    draft.flag("PROPERTY_DWELLINGS_OVER_LIMIT");
    Truth::Circle(Circle::of("NONE", income, "PROPERTY_DWELLINGS_OVER_LIMIT"))
}
