//! Connector files that must load, and files that must be refused with every fault named.

use super::*;
use crate::date_format::DateFormat;
use crate::mapping::{From, Part};
use crate::value::{Format, Value};

const SOUND: &str = r#"
schema = "hedui.connector/1"
[adapter]
id = "hrss"
version = "1.0.0"
name = { zh = "人社局", en = "Human resources" }
contact = "0475"
[source]
kind = "sql"
url = { env = "HEDUI_HRSS_DATABASE" }
statement_timeout = "2s"
max_connections = 4
max_rows = 5000
[quota]
per_second = 200
burst = 400
[[dataset]]
id = "hrss.pension"
fact = "income"
sql = "SELECT * FROM AC61 WHERE AAC002 IN (:id_numbers) AND EAC064 BETWEEN :first_month AND :last_month"
subject = "AAC002"
name = "AAC003"
as_of = { column = "AAE036", format = "%Y%m%d" }
[dataset.parameters]
first_month = { of = "period.from", format = "%Y%m" }
last_month = { of = "period.to", format = "%Y%m", as = "integer" }
[dataset.map]
category = { value = "TRANSFER" }
kind = { column = "AAE140", codes = { "110" = "PENSION_EMPLOYEE" } }
amount = { column = "total_fen", as = "fen" }
from = { column = "first_month", as = "date", format = "%Y%m", day = "first" }
to = { column = "last_month", as = "date", format = "%Y%m", day = "last" }
dedupe_key = { template = "{kind}:{AAE010}", optional = true }
[[dataset.skip]]
column = "AAE100"
equals = ["0"]
[[test]]
name = "one"
fixture = "fixtures/sample.sql"
given = { dataset = "hrss.pension", id_numbers = ["150000198605021015"], from = "2024-03-01", to = 2025-02-28 }
expect = [{ id_number = "150000198605021015", status = "no_record" }]
"#;

fn faults(text: &str) -> Faults {
    Connector::parse(text, Path::new("connector.toml")).unwrap_err()
}

/// The codes of the faults once `from` has become `to`.
fn codes(from: &str, to: &str) -> Vec<&'static str> {
    assert!(SOUND.contains(from), "{from}");
    faults(&SOUND.replacen(from, to, 1)).faults.iter().map(|fault| fault.code).collect()
}

#[test]
fn a_sound_file_is_understood() {
    let connector = Connector::parse(SOUND, Path::new("hrss/connector.toml")).unwrap();
    assert_eq!(connector.folder(), Path::new("hrss"));
    let [dataset] = connector.datasets.as_slice() else { panic!("one dataset") };
    let Ask::Sql { statement, parameters } = &dataset.ask else { panic!("a statement") };
    assert_eq!(statement.parameters(), ["first_month", "last_month"]);
    assert_eq!(parameters.iter().map(|parameter| parameter.integer).collect::<Vec<_>>(), [false, true]);
    let mapping = &dataset.mapping;
    let to = mapping.fields.iter().find(|field| field.target == "to").unwrap();
    let last = DateFormat::new("%Y%m", Some(crate::date_format::Day::Last)).unwrap();
    assert_eq!(to.from, From::Column { column: "last_month".into(), format: Format::Date(last) });
    let category = mapping.fields.iter().find(|field| field.target == "category").unwrap();
    assert_eq!(category.from, From::Constant(Value::Text("TRANSFER".into())));
    let parts = [Part::Target("kind".into()), Part::Literal(":".into()), Part::Column("AAE010".into())];
    assert_eq!(mapping.templates.first().unwrap().parts, parts);
    assert_eq!(connector.manifest().quota_per_second, 200);
    assert_eq!(connector.tests.len(), 1);
}

#[test]
fn every_fault_is_named_at_once_with_its_line() {
    let text = SOUND
        .replace("hedui.connector/1", "hedui.connector/9")
        .replace("url = { env = \"HEDUI_HRSS_DATABASE\" }", "url = \"sqlite:///srv/secret.sqlite\"")
        .replace(
            "amount = { column = \"total_fen\", as = \"fen\" }",
            "amout = { column = \"total_fen\", as = \"fen\" }",
        )
        .replace(
            "as_of = { column = \"AAE036\", format = \"%Y%m%d\" }",
            "as_of = { column = \"AAE036\", format = \"%Y%q\" }",
        )
        .replace("subject = \"AAC002\"\n", "");
    let faults = faults(&text);
    let found: Vec<_> = faults.faults.iter().map(|fault| (fault.code, fault.line)).collect();
    for expected in [
        ("schema_version", Some(2)),
        ("secret_literal", Some(8)),
        ("subject_missing", Some(17)),
        ("target_missing", Some(17)),
        ("target_unknown", Some(29)),
        ("format_bad", Some(22)),
    ] {
        assert!(found.contains(&expected), "{expected:?} in {found:?}");
    }
    let shown = faults.to_string();
    assert!(!shown.contains("secret.sqlite"), "a secret in a message: {shown}");
    for fault in &faults.faults {
        assert!(!fault.mend.zh.is_empty() && !fault.mend.en.is_empty() && !fault.what.zh.is_empty(), "{fault:?}");
    }
}

#[test]
fn each_fault_has_its_code() {
    for (from, to, code) in [
        ("contact = \"0475\"", "contact = \"0475\"\ncolour = 1", "connector_syntax"),
        ("id = \"hrss\"", "id = \"HRSS\"", "adapter_id"),
        ("contact = \"0475\"", "contact = \"\"", "adapter_field_empty"),
        ("kind = \"sql\"", "kind = \"pigeon\"", "source_kind"),
        ("max_rows = 5000", "max_rows = 0", "limit_out_of_range"),
        ("max_rows = 5000", "rows = 5000", "source_field"),
        ("statement_timeout = \"2s\"", "statement_timeout = \"2h\"", "limit_out_of_range"),
        ("url = { env = \"HEDUI_HRSS_DATABASE\" }", "url = { env = \"A\", file = \"b\" }", "secret_form"),
        ("per_second = 200", "per_second = 0", "limit_out_of_range"),
        ("id = \"hrss.pension\"", "id = \"housing.pension\"", "dataset_id"),
        ("fact = \"income\"", "fact = \"wages\"", "fact_unknown"),
        ("SELECT *", "DELETE", "sql_text"),
        ("IN (:id_numbers)", "= '1'", "sql_text"),
        (":first_month AND", ":erster_monat AND", "sql_parameter_unknown"),
        (":first_month AND", "'202401' AND", "parameter_unused"),
        ("of = \"period.from\"", "of = \"today\"", "parameter_source"),
        ("format = \"%Y%m\" }", "format = \"%Y%m%x\" }", "format_bad"),
        ("format = \"%Y%m\", as = \"integer\"", "format = \"%Y-%m\", as = \"integer\"", "parameter_form"),
        ("value = \"TRANSFER\"", "value = \"GIFT\"", "mapping_form"),
        ("value = \"TRANSFER\"", "value = \"TRANSFER\", column = \"x\"", "mapping_form"),
        ("\"110\" = \"PENSION_EMPLOYEE\"", "\"110\" = \"pension\"", "mapping_form"),
        ("as = \"fen\"", "as = \"text\"", "mapping_form"),
        ("as = \"fen\"", "as = \"fen\", format = \"%Y\"", "mapping_form"),
        ("as = \"fen\"", "as = \"fen\", optional = true", "target_required"),
        ("day = \"first\"", "day = \"third\"", "format_bad"),
        (", day = \"first\"", "", "format_bad"),
        ("{kind}:{AAE010}", "kind", "template_form"),
        ("{kind}:{AAE010}", "{kind}:{AAE010", "template_form"),
        ("equals = [\"0\"]", "equals = []", "skip_empty"),
        ("given = { dataset = \"hrss.pension\"", "given = { dataset = \"hrss.wages\"", "test_form"),
        ("status = \"no_record\"", "status = \"fine\"", "test_form"),
        ("from = \"2024-03-01\", to = 2025-02-28", "from = \"2025-03-01\", to = 2025-02-28", "test_form"),
    ] {
        let found = codes(from, to);
        assert!(found.contains(&code), "{from} → {to}: {found:?}");
    }
}

#[test]
fn a_golden_test_about_a_real_person_is_refused() {
    let text = SOUND.replace("150000198605021015", "110101198605021018");
    let faults = faults(&text);
    assert_eq!(faults.faults.iter().map(|fault| fault.code).collect::<Vec<_>>(), ["test_form"]);
    assert!(!faults.to_string().contains("198605"), "{faults}");
}

#[test]
fn a_dataset_is_there_once() {
    let (head, dataset) = SOUND.split_once("[[dataset]]").unwrap();
    let (dataset, tests) = dataset.split_once("[[test]]").unwrap();
    let twice = format!("{head}[[dataset]]{dataset}[[dataset]]{dataset}[[test]]{tests}");
    assert_eq!(faults(&twice).faults.iter().map(|fault| fault.code).collect::<Vec<_>>(), ["dataset_twice"]);
    let none = head.to_owned();
    assert_eq!(faults(&none).faults.iter().map(|fault| fault.code).collect::<Vec<_>>(), ["dataset_none"]);
}

#[test]
fn the_example_of_the_readme_is_a_sound_file() {
    let readme = include_str!("../../README.md");
    let example = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let connector = Connector::parse(example, Path::new("connector.toml")).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(connector.tests.len(), 1);
}
