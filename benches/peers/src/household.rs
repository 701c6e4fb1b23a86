//! The random households, read once and kept as facts.

use std::path::Path;
use std::sync::Arc;

use hedui::domain::dataset::Catalogue;
use hedui::domain::money::Money;
use hedui::policy::{Packs, Parameters};
use hedui::verdict::cases::CaseFile;
use hedui::verdict::facts::Facts;
use hedui::verdict::{self};

/// One household, ready to be decided.
pub(crate) struct Household {
    pub(crate) facts: Facts,
    pub(crate) parameters: Arc<Parameters>,
    /// What an income test needs; absent when a gate stops the case or everybody is 特困.
    pub(crate) income_test: Option<IncomeTest>,
}

/// The numbers of an income test, fen.
#[derive(Clone, Copy)]
pub(crate) struct IncomeTest {
    pub(crate) income: i64,
    pub(crate) line: i64,
    pub(crate) low_income_line: i64,
}

/// The households of a case file; those whose identity numbers are wrong have no facts and are left out.
pub(crate) fn read(file: &Path) -> Vec<Household> {
    let text = std::fs::read_to_string(file).expect("the file of households");
    let cases: CaseFile = serde_json::from_str(&text).expect("the households parse");
    let sets = cases.parameter_sets.iter().map(|(name, set)| (name.as_str(), set));
    let packs = Packs::from_parameter_sets(sets).expect("packs");
    let catalogue = Catalogue::shipped();
    let household = |case: &verdict::cases::Case| {
        let facts = case.facts(&catalogue).ok()?;
        let parameters = packs.named(&case.parameter_set, case.assessment_date).expect("a pack for every case");
        let verdict = verdict::evaluate(&facts, &parameters).expect("the amounts are small");
        let computed = serde_json::to_value(verdict).expect("a verdict is JSON").get("computed").cloned();
        let income_test = computed.and_then(|computed| {
            // Amounts below zero are written with a sign, which `Money::parse` refuses; such a household is left out.
            let fen = |name: &str| Some(Money::parse(computed.get(name)?.as_str()?).ok()?.fen());
            Some(IncomeTest {
                income: fen("countable_income_12m")?,
                line: fen("dibao_line_12m")?,
                low_income_line: fen("low_income_line_12m")?,
            })
        });
        Some(Household { facts, parameters, income_test })
    };
    cases.cases.iter().filter_map(household).collect()
}
