//! The fact schemas, the Rust types and the sample documents say the same: every sample passes both
//! the schema and the type, every mutation of it is refused by both.

use jsonschema::Validator;
use serde_json::{Value, json};

use super::{Fact, FactKind};

/// The text of a file under `schemas/facts/`.
fn file(name: &str) -> String {
    let path = format!("{}/schemas/facts/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

struct Contract {
    kind: FactKind,
    schema: Value,
    validator: Validator,
    samples: Vec<Value>,
}

impl Contract {
    fn of(kind: FactKind) -> Self {
        let schema: Value = serde_json::from_str(&file(kind.as_str())).unwrap();
        assert!(jsonschema::meta::is_valid(&schema), "{} is a JSON Schema", kind.as_str());
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let samples = serde_json::from_str(&file(&format!("samples/{}", kind.as_str()))).unwrap();
        Self { kind, schema, validator, samples }
    }

    fn all() -> impl Iterator<Item = Self> {
        FactKind::ALL.into_iter().map(Self::of)
    }

    fn by_type(&self, document: &Value) -> bool {
        Fact::decode(self.kind, &format!("[{document}]")).is_ok()
    }

    fn assert_refused(&self, document: &Value, mutation: &str) {
        assert!(
            !self.validator.is_valid(document),
            "the schema of {} takes {mutation}: {document}",
            self.kind.as_str()
        );
        assert!(!self.by_type(document), "the type {} takes {mutation}: {document}", self.kind.as_str());
    }

    fn property(&self, member: &str) -> &Value {
        &self.schema["properties"][member]
    }

    fn is_required(&self, member: &str) -> bool {
        self.schema["required"].as_array().unwrap().iter().any(|name| name == member)
    }
}

/// The sample with one member replaced.
fn with(sample: &Value, member: &str, value: Value) -> Value {
    let mut document = sample.clone();
    document[member] = value;
    document
}

/// Every sample of every type with each of its members.
fn members() -> Vec<(Contract, Vec<(Value, String)>)> {
    Contract::all()
        .map(|contract| {
            let pairs = contract
                .samples
                .iter()
                .flat_map(|sample| {
                    sample
                        .as_object()
                        .unwrap()
                        .keys()
                        .map(|member| (sample.clone(), member.clone()))
                        .collect::<Vec<_>>()
                })
                .collect();
            (contract, pairs)
        })
        .collect()
}

#[test]
fn every_sample_passes_schema_and_type_and_comes_back_the_same() {
    for contract in Contract::all() {
        assert!(!contract.samples.is_empty());
        for sample in &contract.samples {
            assert!(contract.validator.is_valid(sample), "{sample}");
            let facts = Fact::decode(contract.kind, &format!("[{sample}]")).unwrap();
            let again = serde_json::to_value(&facts[0]).unwrap();
            let again = again.as_object().unwrap().values().next().unwrap();
            assert!(contract.validator.is_valid(again), "{again}");
        }
    }
}

#[test]
fn the_samples_show_every_member_of_every_type() {
    for contract in Contract::all() {
        for member in contract.schema["properties"].as_object().unwrap().keys() {
            assert!(
                contract.samples.iter().any(|sample| sample.get(member).is_some()),
                "{}.{member}",
                contract.kind.as_str()
            );
        }
    }
}

#[test]
fn every_schema_and_member_is_described_in_both_languages() {
    for contract in Contract::all() {
        let members = contract.schema["properties"].as_object().unwrap().values();
        for part in members.chain([&contract.schema]) {
            let title = part["title"].as_str().unwrap();
            assert!(title.contains(" · ") && !title.is_ascii(), "{title}");
            assert!(part["description"].is_string() || part["pattern"].is_string(), "{title}");
        }
    }
}

#[test]
fn a_document_without_a_required_member_is_refused() {
    for (contract, pairs) in members() {
        for (sample, member) in pairs.iter().filter(|(_, member)| contract.is_required(member)) {
            let mut document = sample.clone();
            document.as_object_mut().unwrap().remove(member);
            contract.assert_refused(&document, "a document without a required member");
            contract.assert_refused(&with(sample, member, Value::Null), "null for a required member");
        }
    }
}

#[test]
fn a_value_of_another_type_is_refused() {
    for (contract, pairs) in members() {
        for (sample, member) in &pairs {
            let wrong = match contract.property(member)["type"].as_str().unwrap() {
                "string" => vec![json!(7), json!(1234.5), json!(true), json!(["1.00"]), json!({})],
                "boolean" => vec![json!("true"), json!(1), json!([])],
                "integer" => vec![json!("3"), json!(1.5), json!(-1), json!(4_294_967_296_u64), json!(true)],
                other => panic!("no wrong values known for {other}"),
            };
            for value in wrong {
                contract.assert_refused(&with(sample, member, value), "a value of another type");
            }
        }
    }
}

#[test]
fn an_unknown_member_is_refused() {
    for contract in Contract::all() {
        for sample in &contract.samples {
            contract.assert_refused(&with(sample, "surplus", json!("1")), "an unknown member");
        }
    }
}

#[test]
fn impossible_dates_and_amounts_and_unknown_codes_are_refused() {
    let (date, money) = {
        let income = Contract::of(FactKind::Income);
        (income.property("from")["pattern"].clone(), income.property("amount")["pattern"].clone())
    };
    let (mut dates, mut amounts, mut codes) = (0, 0, 0);
    for (contract, pairs) in members() {
        for (sample, member) in &pairs {
            let property = contract.property(member);
            let wrong: &[&str] = if property["pattern"] == date {
                dates += 1;
                &[
                    "2024-02-30",
                    "2023-02-29",
                    "2100-02-29",
                    "2024-04-31",
                    "2024-13-01",
                    "2024-3-1",
                    "",
                    "2024-06",
                    "今天",
                ]
            } else if property["pattern"] == money {
                amounts += 1;
                &["1.234", "-1.00", "1,000.00", "1e3", "", ".5", "1.", "10000000000000.01", "１", "0x10"]
            } else if property["enum"].is_array() || property["pattern"] == "^[A-Z0-9_]{1,64}$" {
                codes += 1;
                &["lower_case", "", "工资", "A B"]
            } else {
                &[]
            };
            for value in wrong {
                contract.assert_refused(&with(sample, member, json!(value)), "an impossible value");
            }
        }
    }
    assert!(dates > 10 && amounts > 10 && codes > 10, "the patterns are found in the schemas");
}

#[test]
fn a_leap_day_exists_in_leap_years_only() {
    let contract = Contract::of(FactKind::Death);
    for (day, exists) in [("2024-02-29", true), ("2000-02-29", true), ("1900-02-29", false), ("2025-02-29", false)] {
        let document = json!({ "died_on": day });
        assert_eq!(contract.validator.is_valid(&document), exists, "{day}");
        assert_eq!(contract.by_type(&document), exists, "{day}");
    }
}

#[test]
fn a_disability_has_four_grades_and_seven_categories() {
    let contract = Contract::of(FactKind::Disability);
    contract.assert_refused(&json!({ "category": "4", "grade": "5" }), "a fifth grade");
    contract.assert_refused(&json!({ "category": "8", "grade": "1" }), "an eighth category");
}

proptest::proptest! {
    #[test]
    fn schema_and_type_take_the_same_amounts(whole in "0{0,2}[0-9]{0,15}", fraction in "(\\.[0-9]{0,3})?") {
        thread_local!(static ASSET: Contract = Contract::of(FactKind::Asset));
        let document = json!({ "kind": "DEPOSIT", "value": format!("{whole}{fraction}") });
        ASSET.with(|contract| {
            proptest::prop_assert_eq!(contract.validator.is_valid(&document), contract.by_type(&document), "{}", document);
            Ok(())
        })?;
    }

    #[test]
    fn schema_and_type_take_the_same_days(year in 0_u16..=9999, month in 0_u8..=13, day in 0_u8..=32) {
        thread_local!(static DEATH: Contract = Contract::of(FactKind::Death));
        let document = json!({ "died_on": format!("{year:04}-{month:02}-{day:02}") });
        DEATH.with(|contract| {
            proptest::prop_assert_eq!(contract.validator.is_valid(&document), contract.by_type(&document), "{}", document);
            Ok(())
        })?;
    }
}
