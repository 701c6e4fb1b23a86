//! Golden tests: what a connector must answer to known questions on known records.

use std::path::PathBuf;

use jiff::civil::Date;
use serde::Serialize;

use crate::adapter::{Adapter, Overrides};
use crate::answer::Answered;
use crate::connector::Connector;
use crate::error::Text;
use crate::ledger::Ledger;
use crate::protocol::{Query, QueryPeriod, ResultStatus};
use crate::source::Source;

/// A golden test of a connector file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoldenTest {
    /// What it shows.
    pub name: String,
    /// The records, relative to the connector file: as SQL, loaded after the `schema.sql` beside it; as a
    /// folder of deliveries; or as JSON, the rows that the source handed over.
    pub fixture: PathBuf,
    /// The question.
    pub given: Given,
    /// The answer, one entry a person.
    pub expect: Vec<Expected>,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The dataset.
    pub dataset: String,
    /// Identity numbers with names. Synthetic people only.
    pub persons: Vec<(String, String)>,
    /// First day of the period.
    pub from: Date,
    /// Last day of the period.
    pub to: Date,
}

/// What must come of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The person.
    pub id_number: String,
    /// The status.
    pub status: ResultStatus,
    /// The day or instant of the record, where the test says one.
    pub as_of: Option<String>,
    /// The facts, in any order.
    pub facts: Vec<serde_json::Value>,
}

/// What came of a golden test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GoldenResult {
    /// The test.
    pub name: String,
    /// Where the answer differs from what is expected; empty when the test passed.
    pub differences: Vec<Text>,
}

impl GoldenResult {
    /// True when the answer is what is expected.
    pub fn passed(&self) -> bool {
        self.differences.is_empty()
    }
}

/// What mends a golden test that is not met.
pub(crate) fn mend() -> Text {
    Text::new(
        "看差异：映射错了改 [dataset.map]，期望错了改 [[test]] 的 expect",
        "look at the difference: change [dataset.map] where the mapping is wrong, or `expect` of the [[test]] where that is",
    )
}

/// Runs the golden tests whose records stand beside the connector file: one that is deployed may come without them.
pub(crate) async fn run_with_records(connector: &Connector) -> Vec<GoldenResult> {
    let mut connector = connector.clone();
    let folder = connector.folder().to_owned();
    connector.tests.retain(|test| folder.join(&test.fixture).exists());
    run(&connector).await
}

/// Runs every golden test of a connector, each on its own records in memory.
pub async fn run(connector: &Connector) -> Vec<GoldenResult> {
    let mut results = Vec::with_capacity(connector.tests.len());
    for test in &connector.tests {
        let differences = match answer(connector, test).await {
            Ok(answered) => differences(test, &answered),
            Err(difference) => vec![difference],
        };
        results.push(GoldenResult { name: test.name.clone(), differences });
    }
    results
}

async fn answer(connector: &Connector, test: &GoldenTest) -> Result<Answered, Text> {
    let fixture = connector.folder().join(&test.fixture);
    let source = Source::fixture(connector, &fixture).await.map_err(|error| error.text())?;
    let overrides = Overrides { ledger: Ledger::Silent, ..Overrides::default() };
    let adapter = Adapter::with(connector.clone(), source, overrides);
    let answer = adapter.answered(&test.given.query()).await;
    adapter.close().await;
    answer.map_err(|problem| {
        let code = problem.code;
        Text::new(
            format!("适配器以问题 `{code}` 答复：{}", problem.title_zh),
            format!("the adapter answered with the problem `{code}`: {}", problem.title),
        )
    })
}

impl Given {
    /// The question as a caller asks it.
    pub(crate) fn query(&self) -> Query {
        let persons = self.persons.iter().map(|(number, name)| (number.as_str(), name.as_str()));
        Query::of_own("golden_test", &[&self.dataset], persons, QueryPeriod { from: self.from, to: self.to })
    }
}

/// Where an answer differs from what the test expects. Fixtures hold synthetic people, so facts are shown.
pub(crate) fn differences(test: &GoldenTest, answered: &Answered) -> Vec<Text> {
    let mut differences = Vec::new();
    for (index, (id_number, _)) in test.given.persons.iter().enumerate() {
        let reference = format!("m{}", index + 1);
        let expected = test.expect.iter().find(|expected| expected.id_number == *id_number);
        let got = answered.response.results.iter().find(|result| result.reference == reference);
        let (Some(expected), Some(got)) = (expected, got) else {
            differences.push(Text::new("没有结果", "no result").about(&reference));
            continue;
        };
        if got.status != expected.status {
            let (wanted, given) = (expected.status.text(), got.status.text());
            let difference = Text::new(
                format!("应为 {}，得到 {}", wanted.zh, given.zh),
                format!("expected {}, got {}", wanted.en, given.en),
            );
            differences.push(difference.about(&reference));
            differences.extend(answered.failures.iter().cloned());
            continue;
        }
        if expected.as_of.is_some() && got.as_of != expected.as_of {
            let day = |as_of: &Option<String>| as_of.clone().unwrap_or_else(|| "—".to_owned());
            let (wanted, given) = (day(&expected.as_of), day(&got.as_of));
            let difference = Text::new(
                format!("as_of 应为 {wanted}，得到 {given}"),
                format!("expected as_of {wanted}, got {given}"),
            );
            differences.push(difference.about(&reference));
        }
        let mut got: Vec<serde_json::Value> = serde_json::from_str(got.facts.get()).expect("facts are an array");
        for fact in &expected.facts {
            match got.iter().position(|other| other == fact) {
                Some(place) => drop(got.swap_remove(place)),
                None => differences.push(about_fact(&reference, "应有而没有", "expected, and not there", fact)),
            }
        }
        let unexpected = |fact| about_fact(&reference, "有而不应有", "there, and not expected", fact);
        differences.extend(got.iter().map(unexpected));
    }
    differences
}

fn about_fact(reference: &str, zh: &str, en: &str, fact: &serde_json::Value) -> Text {
    Text::new(format!("{zh}：{fact}"), format!("{en}: {fact}")).about(reference)
}
