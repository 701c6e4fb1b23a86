//! Trace of the sums: who counts, income, property, expenditure, item by item.

use super::node::Tree;
use super::{Outcome, Value};
use crate::domain::exact::{Exact, Overflow};
use crate::domain::fact::FactKind;
use crate::domain::money::Money;
use crate::policy::Parameters;
use crate::policy::values::Field;
use crate::verdict::assess::Assessment;
use crate::verdict::facts::Facts;
use crate::verdict::income::{SupportBasis, Treatment};
use crate::verdict::members::Standing;
use crate::verdict::property::{PropertyTest, is_financial};
use crate::verdict::reasons::{Clause, clause};
use crate::verdict::{expenditure, income, rounded};

pub(super) fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn members<'a>(tree: &mut Tree<'a>, facts: &'a Facts, assessment: &Assessment<'_>) {
    tree.open("members", &[clause::MEMBERS], Outcome::Count(count(assessment.members.counted())));
    for (index, member) in facts.members.iter().enumerate() {
        let Some(person) = assessment.members.get(index) else { continue };
        let standing = match (person.standing, &member.exclusion) {
            (Standing::Counted, _) => Outcome::is("COUNTED"),
            (Standing::Deceased, _) => Outcome::is("DECEASED"),
            (Standing::Excluded, Some(ground)) => Outcome::Is(format!("EXCLUDED_{}", ground.as_str()).into()),
            (Standing::Excluded, None) => Outcome::is("EXCLUDED"),
            (Standing::Postgraduate, _) => Outcome::is("POSTGRADUATE"),
        };
        tree.open("members.member", &[clause::MEMBERS], standing);
        tree.about(member.reference.as_str());
        tree.input("age", Value::Count(i64::from(person.age)));
        tree.input("relation_code", Value::Text(member.relation.as_str()));
        if let Some(day) = member.death_date {
            tree.input("death_date", Value::Date(day));
        }
        if let Some(stage) = member.education_stage {
            tree.input("education_stage", Value::Text(stage.as_str()));
        }
        tree.close();
    }
    tree.close();
}

/// How an item was treated: its code, the clauses, and the parameter by which.
const fn treated(treatment: Treatment) -> (&'static str, &'static [Clause], Option<Field>) {
    const PLAIN: &[Clause] = &[clause::INCOME];
    const BY_AUTHORITY: &[Clause] = &[clause::INCOME, clause::AUTHORITY];
    const AFTER_COST: &[Clause] = &[clause::INCOME, clause::EMPLOYMENT_COST];
    const AUTHORITY: Field = Field::named("income_authority");
    const EXEMPT_UNTIL: Field = Field::named("basic_pension_exempt_until");
    match treatment {
        Treatment::Counted => ("COUNTED", PLAIN, None),
        Treatment::NotOfHousehold => ("NOT_OF_HOUSEHOLD", PLAIN, None),
        Treatment::PaidOut => ("PAID_OUT", PLAIN, None),
        Treatment::DuplicateMerged => ("DUPLICATE_MERGED", BY_AUTHORITY, Some(AUTHORITY)),
        Treatment::ConflictOverruled => ("CONFLICT_OVERRULED", BY_AUTHORITY, Some(AUTHORITY)),
        Treatment::ExemptKind => ("EXEMPT_KIND", PLAIN, Some(Field::named("exempt_income_kinds"))),
        Treatment::BasicPortionExempt => ("BASIC_PORTION_EXEMPT", PLAIN, Some(EXEMPT_UNTIL)),
        Treatment::BasicExemptionExpired => ("BASIC_EXEMPTION_EXPIRED", PLAIN, Some(EXEMPT_UNTIL)),
        Treatment::EmploymentCostDeducted => {
            ("EMPLOYMENT_COST_DEDUCTED", AFTER_COST, Some(Field::named("employment_cost")))
        }
    }
}

/// How the trace names a member: as the request does.
fn owner(facts: &Facts, member: usize) -> &str {
    facts.members.get(member).map_or("", |member| member.reference.as_str())
}

pub(super) fn incomes<'a>(
    tree: &mut Tree<'a>,
    facts: &'a Facts,
    parameters: &'a Parameters,
    assessment: &Assessment<'_>,
) -> Result<(), Overflow> {
    tree.open("income", &[clause::INCOME], Outcome::Amount(rounded(assessment.known.at.income)?));
    let (members, rules) = (&assessment.members, parameters.rules());
    let apart = members.counted() - members.remaining();
    if apart > 0 {
        tree.input("tekun_members_apart", Value::Count(count(apart)));
    }
    for (index, item) in facts.incomes.iter().enumerate() {
        let treatment = income::treatment(facts, item, index, members, rules);
        let counts = treatment.counts(item, rules)?;
        let (treatment, clauses, field) = treated(treatment);
        tree.open("income.item", clauses, Outcome::Amount(rounded(counts)?));
        tree.about(owner(facts, item.member));
        tree.fact("amount_12m", Value::Money(item.amount_12m), item.evidence, &item.source);
        tree.input("category", Value::Text(item.category.as_str()));
        tree.input("kind", Value::Text(item.kind.as_str()));
        tree.input("treatment", Value::Text(treatment));
        if let Some(basic) = item.basic_portion_12m {
            tree.input("basic_portion_12m", Value::Money(basic));
        }
        if let Some(field) = field {
            tree.parameter(parameters, field);
        }
        tree.close();
    }
    for obligor in &facts.obligors {
        let support = income::support(obligor, facts, members, rules)?;
        let basis = match support.basis {
            SupportBasis::NotOfHousehold => "NOT_OF_HOUSEHOLD",
            SupportBasis::Judgment => "JUDGMENT",
            SupportBasis::Unable => "UNABLE",
            SupportBasis::Formula => "FORMULA",
            SupportBasis::BelowLine => "BELOW_LINE",
        };
        let amount = Outcome::Amount(rounded(support.amount)?);
        tree.open("income.support", &[clause::INCOME, clause::LOCAL_SUPPORT], amount);
        tree.about(&obligor.obligor_id);
        tree.input("basis", Value::Text(basis));
        tree.input("household_income_12m", Value::Money(obligor.household_income_12m));
        tree.input("household_size", Value::Count(i64::from(obligor.household_size)));
        tree.input("supported_total", Value::Count(i64::from(obligor.supported_total)));
        tree.parameter(parameters, const { Field::named("support_formula") });
        tree.close();
    }
    tree.close();
    Ok(())
}

pub(super) fn property<'a>(
    tree: &mut Tree<'a>,
    facts: &'a Facts,
    parameters: &'a Parameters,
    assessment: &Assessment<'_>,
) -> Result<(), Overflow> {
    const CLAUSES: &[Clause] = &[clause::PROPERTY, clause::LOCAL_PROPERTY];
    let (rules, property) = (parameters.rules(), &assessment.property);
    let failures = assessment.known.failures;
    // Where property was not asked about, what is known may fail and can never be told to pass (P5).
    let spares = facts.spares(FactKind::Asset);
    let result = |fails: bool| if spares && !fails { Outcome::Unknown } else { Outcome::Holds(!fails) };
    tree.open("property", CLAUSES, result(!failures.none()));
    for test in PropertyTest::ALL {
        let holds = result(failures.contains(test));
        match test {
            PropertyTest::Financial => {
                let limit = assessment.known.rule.lines.financial;
                tree.open("property.financial", CLAUSES, holds);
                tree.parameter(parameters, const { Field::named("financial_asset_limit") });
                tree.parameter(parameters, const { Field::named("dibao_standard") });
                let sign = rules.financial_asset_limit.comparison.sign();
                tree.compared(money(property.financial)?, sign, money(limit)?);
                tree.margin(distance(property.financial, limit)?);
            }
            PropertyTest::Dwellings => {
                tree.open("property.dwellings", CLAUSES, holds);
                tree.parameter(parameters, const { Field::named("dwelling_max") });
                let owned = i64::try_from(property.dwellings).unwrap_or(i64::MAX);
                tree.compared(Value::Count(owned), "<=", Value::Count(i64::from(rules.dwelling_max)));
            }
            PropertyTest::NonResidential => tree.open("property.non_residential", CLAUSES, holds),
            PropertyTest::Vehicle => {
                tree.open("property.vehicle", CLAUSES, holds);
                tree.parameter(parameters, const { Field::named("vehicle_exempt_kinds") });
            }
            PropertyTest::BusinessCapital => {
                tree.open("property.business_capital", CLAUSES, holds);
                tree.parameter(parameters, const { Field::named("business_capital_limit") });
                tree.parameter(parameters, const { Field::named("business_capital_comparison") });
                let sign = rules.business_capital_comparison.sign();
                tree.compared(money(property.business)?, sign, Value::Money(rules.business_capital_limit));
            }
        }
        for asset in facts.assets.iter().filter(|asset| is_tested_by(asset.kind.as_str(), test)) {
            let value = match test {
                PropertyTest::Financial | PropertyTest::BusinessCapital => Value::Money(asset.value),
                _ => Value::Count(i64::from(asset.count)),
            };
            let name = if asset.exempt_kind.is_some() { "with_exempt_kind" } else { "owned" };
            tree.fact(name, value, asset.evidence, &asset.source);
        }
        tree.close();
    }
    tree.close();
    Ok(())
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

pub(super) fn expenditures<'a>(
    tree: &mut Tree<'a>,
    facts: &'a Facts,
    parameters: &'a Parameters,
    assessment: &Assessment<'_>,
) -> Result<(), Overflow> {
    const CLAUSES: &[Clause] = &[clause::SEED_EXPENDITURE, clause::EXPENDITURE];
    let at = assessment.known.at;
    let window = expenditure::window(facts, parameters.rules());
    tree.open("expenditure", CLAUSES, Outcome::Amount(rounded(at.rigid)?));
    tree.input("window_from", Value::Date(window.from));
    tree.input("window_to", Value::Date(window.to));
    tree.input("medical_and_accident", money(at.medical)?);
    tree.parameter(parameters, const { Field::named("income_window_months") });
    tree.parameter(parameters, const { Field::named("window_rule") });
    for item in &facts.expenditures {
        let (treatment, counted) = expenditure::count(item, &assessment.members, &window)?;
        let treatment = match treatment {
            expenditure::Treatment::Counted => "COUNTED",
            expenditure::Treatment::CappedAtBenchmark => "CAPPED_AT_BENCHMARK",
            expenditure::Treatment::OutsideWindow => "OUTSIDE_WINDOW",
            expenditure::Treatment::NotOfHousehold => "NOT_OF_HOUSEHOLD",
        };
        tree.open("expenditure.item", CLAUSES, Outcome::Amount(counted));
        tree.about(owner(facts, item.member));
        tree.fact("gross", Value::Money(item.gross), item.evidence, &item.source);
        tree.input("covered", Value::Money(item.covered));
        tree.input("kind", Value::Text(item.kind.as_str()));
        tree.input("paid_on", Value::Date(item.paid_on));
        tree.input("treatment", Value::Text(treatment));
        if let Some(cap) = item.public_benchmark {
            tree.input("public_benchmark", Value::Money(cap));
        }
        tree.close();
    }
    tree.close();
    Ok(())
}

/// An amount for a comparison, rounded for print only.
pub(super) fn money(amount: Exact) -> Result<Value<'static>, Overflow> {
    rounded(amount).map(Value::Money)
}

/// The distance from a value to a limit, rounded for print only.
pub(super) fn distance(value: Exact, limit: Exact) -> Result<Money, Overflow> {
    rounded(limit.minus(value)?)
}
