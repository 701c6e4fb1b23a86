//! What the verdict must be, written as the `expected` object of a case.
//!
//! The archetype says circle, countable income, rigid expenditure and flags; only what follows from
//! them by plain arithmetic (lines, benefit, review cycle) is worked out here.

use serde_json::{Value, json};

use super::draft::Draft;
use super::place::Place;
use crate::domain::household::{LabourCapacity, Stability};
use crate::domain::money::Money;
use crate::domain::period::age_on;
use crate::simulate::case::Member;

/// What an archetype knows of the verdict.
#[derive(Debug, Clone)]
pub enum Truth {
    /// A circle was determined.
    Circle(Circle),
    /// The only member is 特困, with this level of care.
    Tekun(&'static str),
    /// No department may be asked.
    Blocked,
    /// A person must look.
    ManualReview,
}

/// A determined circle. Amounts are fen.
#[derive(Debug, Clone)]
pub struct Circle {
    /// The household circle.
    pub circle: &'static str,
    /// The other circles whose conditions are met.
    pub also_meets: Vec<&'static str>,
    /// Positions of the members who do not count.
    pub removed: Vec<usize>,
    /// Countable income of twelve months, with support.
    pub income: i64,
    /// Rigid expenditure of the window.
    pub rigid: i64,
    /// The member who enters dibao alone: position, ground, own countable income.
    pub single: Option<(usize, &'static str, i64)>,
    /// The benefit paid until now, kept in the graduation period.
    pub kept_benefit: Option<i64>,
    /// Members who refused suitable work three times.
    pub refusing: i64,
    /// Why, in reason codes.
    pub reasons: Vec<&'static str>,
}

impl Circle {
    /// A circle on this countable income, nothing else.
    pub fn of(circle: &'static str, income: i64, reason: &'static str) -> Self {
        Self {
            circle,
            also_meets: Vec::new(),
            removed: Vec::new(),
            income,
            rigid: 0,
            single: None,
            kept_benefit: None,
            refusing: 0,
            reasons: vec![reason],
        }
    }
}

/// The number rounded half up to the fen; `numerator` is not negative.
const fn half_up(numerator: i64, denominator: i64) -> i64 {
    (2 * numerator + denominator) / (2 * denominator)
}

fn yuan(fen: i64) -> String {
    Money::from_fen(fen).yuan()
}

/// The `expected` object.
pub fn expected(draft: &Draft<'_>, truth: &Truth) -> Value {
    let flags: Vec<&String> = draft.flags.iter().collect();
    let overlay = draft.household.events.iter().any(|event| event.route.as_str() == "EMERGENCY");
    match truth {
        Truth::Blocked => json!({
            "status": "BLOCKED", "flags": flags,
            "reason_codes": ["AUTHORISATION_MISSING"], "deciding_clauses": ["MCA2021-57#9", "SC649#58", "PIPL#29"],
        }),
        Truth::ManualReview => json!({
            "status": "MANUAL_REVIEW", "flags": flags,
            "reason_codes": ["MEMBER_IN_TWO_HOUSEHOLDS"], "deciding_clauses": ["MCA2021-57#7"],
        }),
        Truth::Tekun(care_level) => json!({
            "status": "DETERMINED", "household_circle": "TEKUN",
            "member_outcomes": [{ "member_id": "m1", "circle": "TEKUN", "care_level": care_level }],
            "emergency_overlay": overlay, "computed": { "household_size": 1 }, "review_cycle_months": 12, "flags": flags,
            "reason_codes": ["TEKUN_NO_LIVELIHOOD", "TEKUN_NO_OBLIGOR"], "deciding_clauses": ["SC649#14"],
        }),
        Truth::Circle(circle) => determined(draft, circle, &flags, overlay),
    }
}

fn determined(draft: &Draft<'_>, truth: &Circle, flags: &[&String], overlay: bool) -> Value {
    let place = draft.place;
    let remaining: Vec<(usize, &Member)> =
        draft.household.members.iter().enumerate().filter(|(position, _)| !truth.removed.contains(position)).collect();
    let size = remaining.len();
    let outcomes: Vec<Value> = truth
        .single
        .iter()
        .map(|(position, ground, own)| {
            json!({
                "member_id": draft.reference(*position), "circle": "DIBAO_SINGLE", "ground": ground,
                "monthly_amount": yuan(half_up(place.line(1) - own, 12)),
            })
        })
        .collect();
    let mut expected = json!({
        "status": "DETERMINED",
        "household_circle": truth.circle,
        "also_meets": truth.also_meets,
        "member_outcomes": outcomes,
        "emergency_overlay": overlay,
        "computed": {
            "household_size": size,
            "countable_income_12m": yuan(truth.income),
            "dibao_line_12m": yuan(place.line(size)),
            "low_income_line_12m": yuan(place.low_income_line(size)),
            "rigid_expenditure_12m": yuan(truth.rigid),
            "financial_assets": yuan(financial_assets(draft)),
            "financial_asset_limit": yuan(place.asset_limit(size)),
        },
        "flags": flags,
        "reason_codes": truth.reasons,
        "deciding_clauses": clauses(truth),
    });
    let members = expected.as_object_mut().expect("it is written as an object above");
    if let Some(hint) = benefit(draft, truth, &remaining) {
        members.insert("benefit_hint".to_owned(), hint);
    }
    if truth.circle == "DIBAO" {
        members.insert("review_cycle_months".to_owned(), json!(review_months(draft, &remaining)));
    }
    expected
}

fn benefit(draft: &Draft<'_>, truth: &Circle, remaining: &[(usize, &Member)]) -> Option<Value> {
    let place = draft.place;
    if !matches!(truth.circle, "DIBAO" | "EXPENDITURE") {
        return None;
    }
    if let Some(kept) = truth.kept_benefit {
        return Some(json!({ "mode": "KEEP_PRIOR", "monthly_total": yuan(kept) }));
    }
    if place.is_tiered {
        return Some(json!({ "mode": "TIERED" }));
    }
    let line = place.line(remaining.len());
    if truth.circle == "EXPENDITURE" {
        let net = (truth.income - truth.rigid).max(0);
        return Some(json!({ "mode": "DIFFERENCE", "monthly_base": yuan(half_up((line - net).max(0), 12)) }));
    }
    let base = half_up((line - truth.income - place.line(1) * truth.refusing).max(0), 12);
    let topups: Vec<(usize, &str, i64, i64)> =
        remaining.iter().filter_map(|(position, member)| topup(draft, *position, member)).collect();
    let total = base + topups.iter().map(|(.., amount)| amount).sum::<i64>();
    let topups: Vec<Value> = topups
        .into_iter()
        .map(|(position, ground, percent, amount)| {
            json!({
                "member_id": draft.reference(position), "ground": ground,
                "percent": percent.to_string(), "monthly_amount": yuan(amount),
            })
        })
        .collect();
    Some(json!({
        "mode": "DIFFERENCE", "monthly_base": yuan(base), "topups": topups, "monthly_total": yuan(total),
    }))
}

/// The best of a member's grounds, as a percentage of one person's standard of a month.
fn topup(draft: &Draft<'_>, position: usize, member: &Member) -> Option<(usize, &'static str, i64, i64)> {
    let age = age_on(member.birth_date, draft.on);
    let [elderly, minor, illness, disability] = draft.place.topups;
    let grounds = [
        (age >= 60, "ELDERLY", elderly),
        (age < 18, "MINOR", minor),
        (member.severe_illness, "SEVERE_ILLNESS", illness),
        (member.disability.is_some_and(crate::domain::fact::Disability::is_severe), "SEVERE_DISABILITY", disability),
    ];
    let mut best: Option<(&str, i64)> = None;
    for (applies, ground, percent) in grounds {
        if applies && best.is_none_or(|(_, highest)| percent > highest) {
            best = Some((ground, percent));
        }
    }
    best.map(|(ground, percent)| (position, ground, percent, month_share(draft.place, percent)))
}

/// `percent` of one person's standard of a month.
fn month_share(place: &Place, percent: i64) -> i64 {
    half_up(place.line(1) * percent, 1200)
}

fn review_months(draft: &Draft<'_>, remaining: &[(usize, &Member)]) -> u8 {
    let somebody_can_work = remaining.iter().any(|(_, member)| {
        (16..=59).contains(&age_on(member.birth_date, draft.on)) && member.labour_capacity != LabourCapacity::None
    });
    if draft.household.income_stability == Stability::Unstable && somebody_can_work { 6 } else { 12 }
}

fn financial_assets(draft: &Draft<'_>) -> i64 {
    let assets = draft.household.assets.iter();
    assets.filter(|asset| matches!(asset.kind.as_str(), "DEPOSIT" | "FUND")).map(|asset| asset.value.fen()).sum()
}

fn clauses(truth: &Circle) -> Vec<&'static str> {
    let failed_by_property = truth.reasons.iter().any(|reason| reason.starts_with("PROPERTY_"));
    match truth.circle {
        "DIBAO" => vec!["SC649#9"],
        "LOW_INCOME" => vec!["MCA2021-57#8", "SEED-S12"],
        "EXPENDITURE" => vec!["SEED-S13"],
        _ if failed_by_property => vec!["LOCAL-PROPERTY"],
        _ => vec!["SEED-S12"],
    }
}

#[cfg(test)]
mod tests {
    use super::half_up;

    #[test]
    fn halves_round_up() {
        assert_eq!((half_up(17, 12), half_up(18, 12), half_up(0, 12), half_up(30, 12)), (1, 2, 0, 3));
    }
}
