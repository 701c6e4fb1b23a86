//! Trace of the sums: who counts, income, property, expenditure, item by item.

use super::{Node, Outcome, Value};
use crate::domain::exact::{Exact, Overflow};
use crate::domain::money::Money;
use crate::policy::Parameters;
use crate::verdict::assess::Assessment;
use crate::verdict::facts::Facts;
use crate::verdict::members::Standing;
use crate::verdict::property::{PropertyTest, is_financial};
use crate::verdict::reasons::clause;
use crate::verdict::{expenditure, income, rounded};

pub(super) fn code(of: &impl serde::Serialize) -> String {
    match serde_json::to_value(of) {
        Ok(serde_json::Value::String(text)) => text,
        _ => String::new(),
    }
}

pub(super) fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn members(facts: &Facts, assessment: &Assessment) -> Node {
    let members = facts.members.iter().enumerate().filter_map(|(index, member)| {
        let person = assessment.members.get(index)?;
        let standing = match person.standing {
            Standing::Counted => "COUNTED".to_owned(),
            Standing::Deceased => "DECEASED".to_owned(),
            Standing::Excluded => member
                .exclusion
                .as_ref()
                .map_or("EXCLUDED".to_owned(), |ground| format!("EXCLUDED_{}", ground.as_str())),
            Standing::Postgraduate => "POSTGRADUATE".to_owned(),
        };
        let mut node = Node::new("members.member", &[clause::MEMBERS], Outcome::Is(standing))
            .about(member.reference.as_str())
            .input("age", Value::Count(i64::from(person.age)))
            .input("relation_code", Value::Text(member.relation.as_str().to_owned()));
        if let Some(day) = member.death_date {
            node = node.input("death_date", Value::Date(day));
        }
        if let Some(stage) = member.education_stage {
            node = node.input("education_stage", Value::Text(code(&stage)));
        }
        Some(node)
    });
    let counted = Outcome::Count(count(assessment.members.counted()));
    Node::new("members", &[clause::MEMBERS], counted).with(members.collect::<Vec<_>>())
}

const fn treatment_code(treatment: income::Treatment) -> &'static str {
    match treatment {
        income::Treatment::Counted => "COUNTED",
        income::Treatment::NotOfHousehold => "NOT_OF_HOUSEHOLD",
        income::Treatment::DuplicateMerged => "DUPLICATE_MERGED",
        income::Treatment::ConflictOverruled => "CONFLICT_OVERRULED",
        income::Treatment::ExemptKind => "EXEMPT_KIND",
        income::Treatment::BasicPortionExempt => "BASIC_PORTION_EXEMPT",
        income::Treatment::BasicExemptionExpired => "BASIC_EXEMPTION_EXPIRED",
        income::Treatment::EmploymentCostDeducted => "EMPLOYMENT_COST_DEDUCTED",
        income::Treatment::PaidOut => "PAID_OUT",
    }
}

pub(super) fn income(facts: &Facts, parameters: &Parameters, assessment: &Assessment) -> Result<Node, Overflow> {
    let mut node = Node::new("income", &[clause::INCOME], Outcome::Amount(rounded(assessment.countable_income)?));
    for (item, line) in facts.incomes.iter().zip(&assessment.income.lines) {
        let owner = facts.members.get(item.member).map_or(String::new(), |member| member.reference.to_string());
        let mut child = Node::new("income.item", &[clause::INCOME], Outcome::Amount(rounded(line.counted)?))
            .about(owner)
            .fact("amount_12m", Value::Money(item.amount_12m), item.evidence, &item.source)
            .input("category", Value::Text(code(&item.category)))
            .input("kind", Value::Text(item.kind.as_str().to_owned()))
            .input("treatment", Value::Text(treatment_code(line.treatment).to_owned()));
        if let Some(basic) = item.basic_portion_12m {
            child = child.input("basic_portion_12m", Value::Money(basic));
        }
        child = match line.treatment {
            income::Treatment::ExemptKind => child.parameter(parameters, "exempt_income_kinds"),
            income::Treatment::BasicPortionExempt | income::Treatment::BasicExemptionExpired => {
                child.parameter(parameters, "basic_pension_exempt_until")
            }
            income::Treatment::EmploymentCostDeducted => {
                child.clauses.push(clause::EMPLOYMENT_COST);
                child.parameter(parameters, "employment_cost")
            }
            income::Treatment::DuplicateMerged | income::Treatment::ConflictOverruled => {
                child.clauses.push(clause::AUTHORITY);
                child.parameter(parameters, "income_authority")
            }
            _ => child,
        };
        node.children.push(child);
    }
    for (obligor, support) in facts.obligors.iter().zip(&assessment.income.support) {
        let basis = match support.basis {
            income::SupportBasis::NotOfHousehold => "NOT_OF_HOUSEHOLD",
            income::SupportBasis::Judgment => "JUDGMENT",
            income::SupportBasis::Unable => "UNABLE",
            income::SupportBasis::Formula => "FORMULA",
            income::SupportBasis::BelowLine => "BELOW_LINE",
        };
        let clauses = [clause::INCOME, clause::LOCAL_SUPPORT];
        let child = Node::new("income.support", &clauses, Outcome::Amount(rounded(support.amount)?))
            .about(obligor.obligor_id.clone())
            .input("basis", Value::Text(basis.to_owned()))
            .input("household_income_12m", Value::Money(obligor.household_income_12m))
            .input("household_size", Value::Count(i64::from(obligor.household_size)))
            .input("supported_total", Value::Count(i64::from(obligor.supported_total)))
            .parameter(parameters, "support_formula");
        node.children.push(child);
    }
    Ok(node)
}

pub(super) fn property(facts: &Facts, parameters: &Parameters, assessment: &Assessment) -> Result<Node, Overflow> {
    let rules = parameters.rules();
    let clauses = [clause::PROPERTY, clause::LOCAL_PROPERTY];
    let mut node = Node::new("property", &clauses, Outcome::Holds(assessment.failures.none()));
    for test in PropertyTest::ALL {
        let holds = Outcome::Holds(!assessment.failures.contains(test));
        let mut child = match test {
            PropertyTest::Financial => {
                let (value, limit) = (rounded(assessment.property.financial)?, rounded(assessment.lines.financial)?);
                let distance = assessment.lines.financial.minus(assessment.property.financial)?;
                Node::new("property.financial", &clauses, holds)
                    .parameter(parameters, "financial_asset_limit")
                    .parameter(parameters, "dibao_standard")
                    .compared(Value::Money(value), rules.financial_asset_limit.comparison.sign(), Value::Money(limit))
                    .margin(rounded(distance)?)
            }
            PropertyTest::Dwellings => {
                Node::new("property.dwellings", &clauses, holds).parameter(parameters, "dwelling_max").compared(
                    Value::Count(i64::try_from(assessment.property.dwellings).unwrap_or(i64::MAX)),
                    "<=",
                    Value::Count(i64::from(rules.dwelling_max)),
                )
            }
            PropertyTest::NonResidential => Node::new("property.non_residential", &clauses, holds),
            PropertyTest::Vehicle => {
                Node::new("property.vehicle", &clauses, holds).parameter(parameters, "vehicle_exempt_kinds")
            }
            PropertyTest::BusinessCapital => Node::new("property.business_capital", &clauses, holds)
                .parameter(parameters, "business_capital_limit")
                .parameter(parameters, "business_capital_comparison")
                .compared(
                    Value::Money(rounded(assessment.property.business)?),
                    rules.business_capital_comparison.sign(),
                    Value::Money(rules.business_capital_limit),
                ),
        };
        for asset in facts.assets.iter().filter(|asset| is_tested_by(asset.kind.as_str(), test)) {
            let value = match test {
                PropertyTest::Financial | PropertyTest::BusinessCapital => Value::Money(asset.value),
                _ => Value::Count(i64::from(asset.count)),
            };
            let name = if asset.exempt_kind.is_some() { "with_exempt_kind" } else { "owned" };
            child = child.fact(name, value, asset.evidence, &asset.source);
        }
        node.children.push(child);
    }
    Ok(node)
}

fn is_tested_by(kind: &str, test: PropertyTest) -> bool {
    match test {
        PropertyTest::Financial => is_financial(kind),
        PropertyTest::Dwellings => kind == "DWELLING",
        PropertyTest::NonResidential => kind == "NON_RESIDENTIAL",
        PropertyTest::Vehicle => kind == "VEHICLE",
        PropertyTest::BusinessCapital => kind == "BUSINESS_ENTITY",
    }
}

pub(super) fn expenditure(facts: &Facts, parameters: &Parameters, assessment: &Assessment) -> Result<Node, Overflow> {
    let counted = &assessment.expenditure;
    let clauses = [clause::SEED_EXPENDITURE, clause::EXPENDITURE];
    let mut node = Node::new("expenditure", &clauses, Outcome::Amount(rounded(counted.rigid)?))
        .input("window_from", Value::Date(counted.window.from))
        .input("window_to", Value::Date(counted.window.to))
        .input("medical_and_accident", Value::Money(rounded(counted.medical)?))
        .parameter(parameters, "income_window_months")
        .parameter(parameters, "window_rule");
    for (item, line) in facts.expenditures.iter().zip(&counted.lines) {
        let treatment = match line.treatment {
            expenditure::Treatment::Counted => "COUNTED",
            expenditure::Treatment::CappedAtBenchmark => "CAPPED_AT_BENCHMARK",
            expenditure::Treatment::OutsideWindow => "OUTSIDE_WINDOW",
            expenditure::Treatment::NotOfHousehold => "NOT_OF_HOUSEHOLD",
        };
        let owner = facts.members.get(item.member).map_or(String::new(), |member| member.reference.to_string());
        let mut child = Node::new("expenditure.item", &clauses, Outcome::Amount(line.counted))
            .about(owner)
            .fact("gross", Value::Money(item.gross), item.evidence, &item.source)
            .input("covered", Value::Money(item.covered))
            .input("kind", Value::Text(code(&item.kind)))
            .input("paid_on", Value::Date(item.paid_on))
            .input("treatment", Value::Text(treatment.to_owned()));
        if let Some(cap) = item.public_benchmark {
            child = child.input("public_benchmark", Value::Money(cap));
        }
        node.children.push(child);
    }
    Ok(node)
}

/// An amount for a comparison, rounded for print only.
pub(super) fn money(amount: Exact) -> Result<Value, Overflow> {
    rounded(amount).map(Value::Money)
}

/// The distance from a value to a limit, rounded for print only.
pub(super) fn distance(value: Exact, limit: Exact) -> Result<Money, Overflow> {
    rounded(limit.minus(value)?)
}
