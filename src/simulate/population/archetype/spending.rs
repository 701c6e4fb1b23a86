//! Rigid expenditure (刚性支出), by the rule of 2021 and that of 2024.

use jiff::Span;

use crate::domain::fact::ExpenditureKind;
use crate::domain::money::Money;
use crate::simulate::population::draft::{DECLARED, Draft};
use crate::simulate::population::truth::{Circle, Truth};

/// Income above every line, and bills that bring it below the first.
pub(super) fn illness(draft: &mut Draft<'_>) -> Truth {
    let [head, spouse, _] = draft.family();
    let upper = draft.place.low_income_line(3);
    let income = draft.random.between(upper, upper * 3 / 2);
    let net = draft.share(3, 10, 95);
    draft.business(head, income);
    draft.medical_bills(spouse, income - net);
    draft.ordinary_property(3);
    let circle = Circle::of("EXPENDITURE", income, "EXPENDITURE_NET_LT_STANDARD");
    Truth::Circle(Circle { rigid: income - net, ..circle })
}

/// What a private school charges counts only as far as a public one would have charged it.
pub(super) fn education_capped(draft: &mut Draft<'_>) -> Truth {
    let [head, _, child] = draft.family();
    let benchmark = draft.random.between(20, 60) * 10_000;
    let above = draft.random.between(0, benchmark - 10_000);
    let income = draft.place.line(3) + above;
    draft.business(head, income);
    let fee = benchmark + draft.random.between(8_000, 30_000) * 100;
    let paid_on = draft.september();
    draft.bill(child, ExpenditureKind::Education, fee, 0, paid_on, "education").public_benchmark =
        Some(Money::from_fen(benchmark));
    draft.flag("EDUCATION_CAPPED_AT_PUBLIC_BENCHMARK");
    draft.ordinary_property(3);
    let circle = Circle::of("EXPENDITURE", income, "EXPENDITURE_NET_LT_STANDARD");
    Truth::Circle(Circle { also_meets: vec!["LOW_INCOME"], rigid: benchmark, ..circle })
}

/// A bill of last year would help, and does not count.
pub(super) fn outside_window(draft: &mut Draft<'_>) -> Truth {
    let [head, spouse, _] = draft.family();
    let upper = draft.place.low_income_line(3);
    let income = draft.random.between(upper, upper * 2);
    draft.business(head, income);
    let inside = draft.share(3, 2, 8);
    draft.medical_bills(spouse, inside);
    let day_before = draft.window.from.saturating_sub(Span::new().days(1));
    draft.bill(spouse, ExpenditureKind::Medical, income, 0, day_before, DECLARED);
    draft.flag("EXPENDITURE_OUTSIDE_WINDOW");
    draft.ordinary_property(3);
    let circle = Circle::of("NONE", income, "EXPENDITURE_NET_GE_STANDARD");
    Truth::Circle(Circle { rigid: inside, ..circle })
}

/// More than seven tenths of an income that is above the band and below the region's mean.
pub(super) fn ratio_above_70(draft: &mut Draft<'_>) -> Truth {
    let [head, spouse, _] = draft.family();
    let upper = draft.place.low_income_line(3);
    let income = draft.random.between(upper, upper * 2);
    draft.business(head, income);
    let own = income / 100 * draft.random.between(72, 95);
    draft.medical_bills(spouse, own);
    draft.ordinary_property(3);
    let circle = Circle::of("EXPENDITURE", income, "EXPENDITURE_RATIO_ABOVE_70");
    Truth::Circle(Circle { rigid: own, ..circle })
}

/// Exactly seven tenths, and of it exactly six tenths medical: 超过 excludes both.
pub(super) fn ratio_exactly_70(draft: &mut Draft<'_>) -> Truth {
    let [head, spouse, child] = draft.family();
    let upper = draft.place.low_income_line(3);
    let income = draft.random.between(upper / 1000 + 1, upper * 2 / 1000) * 1000;
    draft.business(head, income);
    draft.medical_bills(spouse, income / 10 * 6);
    let paid_on = draft.september();
    draft.bill(child, ExpenditureKind::Education, income / 10, 0, paid_on, "education");
    draft.ordinary_property(3);
    let circle = Circle::of("NONE", income, "EXPENDITURE_RATIO_NOT_ABOVE_70");
    Truth::Circle(Circle { rigid: income / 10 * 7, ..circle })
}
