//! The shipped connectors on the database servers of such departments: their golden tests, asked of real ones.
//!
//! `test` runs them on `SQLite` in memory. One statement serves all three kinds, and this holds it to that.

use std::path::Path;

use connectors::adapter::{Adapter, Overrides};
use connectors::connector::Connector;
use connectors::ledger::Ledger;
use connectors::protocol::{Query, QueryPeriod};
use connectors::secret::Secret;
use serde_json::Value;

use crate::harness::{question, result};
use crate::servers::{PASSWORD, Server, mariadb, postgres};

/// The records of the golden tests, on a server in its own types.
fn records(department: &str, schema: &str) -> String {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join(department).join("fixtures");
    let read = |file: &str| std::fs::read_to_string(fixtures.join(file)).unwrap();
    format!("{}\n{}", read(schema), read("sample.sql"))
}

/// Asks a server what the golden tests ask, and wants what they want.
async fn answers_its_golden_tests(department: &str, scheme: &str, server: &Server) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(department).join("connector.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace("statement_timeout", &format!("tls_ca = \"{}\"\nstatement_timeout", server.ca().display()));
    let connector = Connector::parse(&text, &file).unwrap();
    let tests = connector.tests.clone();
    assert!(tests.len() > 9, "{department}");
    let name = format!("shipped_{department}");
    let overrides = Overrides {
        source_url: Some(Secret::new(server.url(scheme, &name))),
        ledger: Ledger::Silent,
        ..Overrides::default()
    };
    let adapter = Adapter::new(connector, overrides).unwrap();
    for test in tests {
        let given = &test.given;
        let persons: Vec<(&str, &str)> =
            given.persons.iter().map(|(number, name)| (number.as_str(), name.as_str())).collect();
        let query =
            Query { period: QueryPeriod { from: given.from, to: given.to }, ..question(&[&given.dataset], &persons) };
        let response = adapter.answer(&query).await.unwrap();
        for (index, (number, _)) in persons.iter().enumerate() {
            let expected = test.expect.iter().find(|expected| expected.id_number == *number).unwrap();
            let got = result(&response, &format!("m{}", index + 1), &given.dataset);
            let sorted = |facts: Vec<Value>| {
                let mut written: Vec<String> = facts.iter().map(Value::to_string).collect();
                written.sort();
                written
            };
            let facts: Vec<Value> = serde_json::from_str(got.facts.get()).unwrap();
            assert_eq!(got.status, expected.status, "{department}: {}", test.name);
            assert_eq!(sorted(facts), sorted(expected.facts.clone()), "{department}: {}", test.name);
        }
    }
    adapter.close().await;
}

#[tokio::test]
async fn human_resources_answer_their_golden_tests_from_postgresql() {
    let Some(server) = postgres().await else { return };
    let name = "shipped_hrss";
    server.run_postgres("postgres", &format!("CREATE DATABASE {name}")).await;
    server.run_postgres("postgres", &format!("CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")).await;
    let grant = format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}");
    server.run_postgres(name, &format!("{}; {grant}", records("hrss", "schema.postgres.sql"))).await;
    answers_its_golden_tests("hrss", "postgres", server).await;
}

#[tokio::test]
async fn education_answers_its_golden_tests_from_mariadb() {
    let Some(server) = mariadb().await else { return };
    let name = "shipped_education";
    let make = format!(
        "CREATE DATABASE {name} CHARACTER SET utf8mb4; CREATE USER '{name}'@'%' IDENTIFIED BY '{PASSWORD}'; \
         GRANT SELECT ON {name}.* TO '{name}'@'%'"
    );
    server.run_mariadb("mysql", &make).await;
    server.run_mariadb(name, &records("education", "schema.mariadb.sql")).await;
    answers_its_golden_tests("education", "mariadb", server).await;
}
