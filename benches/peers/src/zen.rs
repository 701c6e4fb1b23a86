//! The income test as a zen-engine decision table: income against two lines, nothing else.

use std::sync::Arc;

use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use zen_engine::{Decision, DecisionEngine, Variable};

use super::household::{Household, IncomeTest as Numbers};

/// The decision, compiled, and the runtime that its asynchronous interface asks for.
pub(crate) struct IncomeTest {
    decision: Decision,
    runtime: Runtime,
}

impl IncomeTest {
    pub(crate) fn new() -> Self {
        let content = serde_json::from_value(json!({
            "nodes": [
                { "id": "in", "name": "household", "type": "inputNode", "content": {} },
                {
                    "id": "test", "name": "income test", "type": "decisionTableNode",
                    "content": {
                        "hitPolicy": "first",
                        "inputs": [{ "id": "income", "name": "Countable income", "field": "income" }],
                        "outputs": [{ "id": "circle", "name": "Circle", "field": "circle" }],
                        "rules": [
                            { "_id": "1", "income": "< line", "circle": "'DIBAO'" },
                            { "_id": "2", "income": "< lowIncomeLine", "circle": "'LOW_INCOME'" },
                            { "_id": "3", "income": "", "circle": "'NONE'" }
                        ]
                    }
                },
                { "id": "out", "name": "verdict", "type": "outputNode", "content": {} }
            ],
            "edges": [
                { "id": "1", "sourceId": "in", "targetId": "test" },
                { "id": "2", "sourceId": "test", "targetId": "out" }
            ]
        }))
        .expect("the decision model");
        let mut decision = DecisionEngine::default().create_decision(Arc::new(content)).expect("a graph");
        decision.compile();
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        Self { decision, runtime }
    }

    fn context(numbers: Numbers) -> Variable {
        let Numbers { income, line, low_income_line } = numbers;
        json!({ "income": income, "line": line, "lowIncomeLine": low_income_line }).into()
    }

    /// The table gives the circle that two comparisons of whole fen give, for every household.
    pub(crate) fn check(&self, households: &[Household]) {
        for numbers in households.iter().filter_map(|household| household.income_test) {
            let wanted = if numbers.income < numbers.line {
                "DIBAO"
            } else if numbers.income < numbers.low_income_line {
                "LOW_INCOME"
            } else {
                "NONE"
            };
            let answer = self.runtime.block_on(self.decision.evaluate(Self::context(numbers))).expect("an answer");
            assert_eq!(answer.result, json!({ "circle": wanted }).into());
        }
    }

    /// The test of every household. The context is made for each, as facts have to be for every engine.
    pub(crate) fn decide(&self, households: &[Household]) {
        self.runtime.block_on(async {
            for numbers in households.iter().filter_map(|household| household.income_test) {
                std::hint::black_box(self.decision.evaluate(Self::context(numbers)).await.expect("an answer"));
            }
        });
    }
}
