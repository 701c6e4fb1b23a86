//! The connector file as TOML, before it is checked. Unknown keys are refused everywhere.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use crate::error::Text;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConnectorFile {
    pub(super) schema: Spanned<String>,
    pub(super) adapter: AdapterTable,
    pub(super) source: Spanned<toml::Table>,
    pub(super) quota: Spanned<QuotaTable>,
    #[serde(default)]
    pub(super) dataset: Vec<Spanned<DatasetTable>>,
    #[serde(default)]
    pub(super) test: Vec<Spanned<TestTable>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AdapterTable {
    pub(super) id: Spanned<String>,
    pub(super) version: Spanned<String>,
    pub(super) name: Spanned<Text>,
    pub(super) contact: Spanned<String>,
    pub(super) notice: Option<String>,
}

/// `[source]` when `kind = "sql"`. The URL is checked by hand, so that a literal gets its own advice.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SqlTable {
    #[expect(dead_code, reason = "read before this table is")]
    pub(super) kind: String,
    pub(super) url: toml::Value,
    pub(super) statement_timeout: String,
    pub(super) max_connections: u32,
    pub(super) max_rows: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QuotaTable {
    pub(super) per_second: u32,
    pub(super) burst: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DatasetTable {
    pub(super) id: Spanned<String>,
    pub(super) fact: Spanned<String>,
    pub(super) sql: Option<Spanned<String>>,
    pub(super) subject: Option<Spanned<String>>,
    pub(super) name: Option<String>,
    pub(super) as_of: Option<Spanned<AsOfTable>>,
    #[serde(default)]
    pub(super) parameters: BTreeMap<String, Spanned<ParameterTable>>,
    #[serde(default)]
    pub(super) map: BTreeMap<String, Spanned<MapTable>>,
    #[serde(default)]
    pub(super) skip: Vec<Spanned<SkipTable>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AsOfTable {
    pub(super) column: String,
    pub(super) format: String,
    pub(super) day: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ParameterTable {
    pub(super) of: String,
    pub(super) format: String,
    #[serde(rename = "as")]
    pub(super) form: Option<String>,
}

/// All keys an entry of `[dataset.map]` can have; which go together is checked later.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MapTable {
    pub(super) value: Option<toml::Value>,
    pub(super) column: Option<String>,
    #[serde(rename = "as")]
    pub(super) form: Option<String>,
    pub(super) format: Option<String>,
    pub(super) day: Option<String>,
    pub(super) codes: Option<BTreeMap<String, String>>,
    pub(super) other: Option<String>,
    pub(super) template: Option<String>,
    pub(super) true_values: Option<Vec<String>>,
    pub(super) false_values: Option<Vec<String>>,
    #[serde(default)]
    pub(super) optional: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SkipTable {
    pub(super) column: String,
    pub(super) equals: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TestTable {
    pub(super) name: String,
    pub(super) fixture: String,
    pub(super) given: GivenTable,
    pub(super) expect: Vec<ExpectTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GivenTable {
    pub(super) dataset: String,
    pub(super) id_numbers: Vec<String>,
    #[serde(default)]
    pub(super) names: Vec<String>,
    pub(super) from: toml::Value,
    pub(super) to: toml::Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectTable {
    pub(super) id_number: String,
    pub(super) status: String,
    pub(super) as_of: Option<toml::Value>,
    #[serde(default)]
    pub(super) facts: Vec<toml::Value>,
}

/// The line, from 1, at which a span begins.
pub(super) fn line_of(text: &str, span: Range<usize>) -> usize {
    text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1
}

/// TOML as JSON. Dates become text; a float has no place in a fact and gives `None`.
pub(super) fn toml_to_json(value: &toml::Value) -> Option<serde_json::Value> {
    Some(match value {
        toml::Value::String(text) => text.clone().into(),
        toml::Value::Integer(number) => (*number).into(),
        toml::Value::Boolean(yes) => (*yes).into(),
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Float(_) => return None,
        toml::Value::Array(items) => items.iter().map(toml_to_json).collect::<Option<Vec<_>>>()?.into(),
        toml::Value::Table(table) => table
            .iter()
            .map(|(key, value)| Some((key.clone(), toml_to_json(value)?)))
            .collect::<Option<serde_json::Map<_, _>>>()?
            .into(),
    })
}
