//! How far each comparison of the circle was from turning out the other way.

use serde::Serialize;

use super::assess::Assessment;
use super::facts::Facts;
use super::rounded;
use crate::domain::exact::{Exact, Overflow};
use crate::domain::fact::FactKind;
use crate::domain::money::Money;

/// How far one comparison was from turning out the other way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Margin {
    /// The comparison: `income_below_standard`, …
    pub test: &'static str,
    /// It holds.
    pub holds: bool,
    /// What was compared, rounded.
    pub value: Money,
    /// With what, rounded.
    pub limit: Money,
    /// `limit − value`, rounded; negative when the value is above.
    pub margin: Money,
    /// The same a head and month.
    pub per_head_month: Money,
}

/// The margins of the comparisons made, none for a household without members, and none that what was not asked could
/// turn.
pub fn margins(facts: &Facts, assessment: &Assessment<'_>) -> Result<Vec<Margin>, Overflow> {
    let known = &assessment.known;
    let (rules, lines) = (known.rule.rules, &known.rule.lines);
    let heads = i64::try_from(lines.persons).map_err(|_| Overflow)?;
    if heads == 0 {
        return Ok(Vec::new());
    }
    let margin = |test, holds, value: Exact, limit: Exact| -> Result<Margin, Overflow> {
        let distance = limit.minus(value)?;
        Ok(Margin {
            test,
            holds,
            value: rounded(value)?,
            limit: rounded(limit)?,
            margin: rounded(distance)?,
            per_head_month: distance.share(heads.checked_mul(12).ok_or(Overflow)?)?,
        })
    };
    let income = known.at.income;
    let dibao_income = known.at.dibao_income()?;
    let mut margins = Vec::with_capacity(6);
    margins.push(margin("income_below_standard", income < lines.dibao, income, lines.dibao)?);
    if known.at.deducted > Exact::ZERO {
        let holds = dibao_income < lines.dibao;
        margins.push(margin("income_after_deduction_below_standard", holds, dibao_income, lines.dibao)?);
    }
    if dibao_income >= lines.dibao {
        let holds = rules.low_income_upper_bound.admits(income, lines.low_income);
        margins.push(margin("income_within_low_income_line", holds, income, lines.low_income)?);
        if rules.expenditure_rule.is_ratio() {
            if let Some(ceiling) = lines.disposable {
                margins.push(margin("income_below_disposable", income < ceiling, income, ceiling)?);
            }
            let all = rules.expenditure_ratio_percent.percent_of(income)?;
            let medical = rules.expenditure_medical_ratio_percent.percent_of(income)?;
            let (rigid, part) = (known.at.rigid, known.at.medical);
            margins.push(margin("expenditure_above_ratio", rigid > all, rigid, all)?);
            margins.push(margin("medical_expenditure_above_ratio", part > medical, part, medical)?);
        } else {
            let net = income.minus(known.at.rigid)?.floored_at_zero();
            margins.push(margin("net_income_below_standard", net < lines.dibao, net, lines.dibao)?);
        }
    }
    let financial = assessment.property.financial;
    let holds = rules.financial_asset_limit.comparison.admits(financial, lines.financial);
    margins.push(margin("financial_assets_within_limit", holds, financial, lines.financial)?);
    margins.retain(|margin| is_certain(margin, facts, known.at.property_passes));
    Ok(margins)
}

/// The comparison comes out the same whatever the spared questions would have brought.
fn is_certain(margin: &Margin, facts: &Facts, property_passes: bool) -> bool {
    let spares_spending = facts.spares(FactKind::Expenditure);
    match margin.test {
        "financial_assets_within_limit" => !(margin.holds && facts.spares(FactKind::Asset)),
        // Property settled it, and income was perhaps not even asked.
        _ if !property_passes && (spares_spending || facts.spares(FactKind::Income)) => false,
        "expenditure_above_ratio" | "medical_expenditure_above_ratio" => margin.holds || !spares_spending,
        _ => true,
    }
}
