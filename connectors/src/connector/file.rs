//! The connector file as TOML, before it is checked. Unknown keys are refused everywhere.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::http::{AnswerTable, PagingTable, ServiceTable};
use super::request::RequestTable;
use super::soap::SoapAskTable;
use crate::error::Text;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConnectorFile {
    pub(super) schema: Spanned<String>,
    pub(super) adapter: AdapterTable,
    pub(super) source: Spanned<toml::Table>,
    #[serde(default)]
    pub(super) hub: HubTable,
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

/// `[source]` when `kind = "sql"`: `url`, or `driver` with the fields of an address. Secrets are checked by hand,
/// so that a literal gets its own advice.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SqlTable {
    #[expect(dead_code, reason = "read before this table is")]
    pub(super) kind: String,
    pub(super) url: Option<toml::Value>,
    pub(super) driver: Option<String>,
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) database: Option<String>,
    pub(super) user: Option<String>,
    pub(super) password: Option<toml::Value>,
    pub(super) tls: Option<String>,
    pub(super) tls_ca: Option<PathBuf>,
    pub(super) tls_cert: Option<PathBuf>,
    pub(super) tls_key: Option<PathBuf>,
    pub(super) statement_timeout: String,
    pub(super) max_connections: u32,
    pub(super) max_rows: usize,
    pub(super) explain: Option<ExplainTable>,
}

/// `[source.explain]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExplainTable {
    pub(super) max_full_scan: Option<u64>,
    pub(super) max_cost: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct HubTable {
    pub(super) keys: Option<PathBuf>,
    pub(super) answer_key: Option<PathBuf>,
    pub(super) ledger: Option<PathBuf>,
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
    pub(super) file: Option<Spanned<String>>,
    pub(super) records: Option<Spanned<String>>,
    pub(super) soap: Option<Spanned<SoapAskTable>>,
    pub(super) subject: Option<Spanned<String>>,
    pub(super) name: Option<String>,
    pub(super) as_of: Option<Spanned<AsOfTable>>,
    #[serde(default)]
    pub(super) parameters: BTreeMap<String, Spanned<ParameterTable>>,
    #[serde(default)]
    pub(super) map: BTreeMap<String, Spanned<MapTable>>,
    #[serde(default)]
    pub(super) skip: Vec<Spanned<SkipTable>>,
    pub(super) within: Option<Spanned<AsOfTable>>,
    pub(super) add: Option<Spanned<String>>,
    pub(super) request: Option<Spanned<RequestTable>>,
    #[serde(default)]
    pub(super) columns: BTreeMap<String, Spanned<String>>,
    pub(super) paging: Option<Spanned<PagingTable>>,
    pub(super) answer: Option<Spanned<AnswerTable>>,
    pub(super) persons_per_call: Option<usize>,
    pub(super) service: Option<Spanned<ServiceTable>>,
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
    #[serde(default)]
    pub(super) and: BTreeMap<String, Vec<String>>,
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde::de::DeserializeOwned;

    use super::super::auth::{AuthTable, StageTable};
    use super::super::condition::ConditionTable;
    use super::super::delivered::FileTable;
    use super::super::envelope::EnvelopeTable;
    use super::super::http::HttpTable;
    use super::super::soap::{SoapAnswerTable, SoapTable};
    use super::super::web::WebTable;
    use super::*;

    /// The keys a table can have, as the refusal of another one lists them.
    fn keys<T: DeserializeOwned + std::fmt::Debug>() -> BTreeSet<String> {
        let error = toml::from_str::<T>("no_such_key = 1").unwrap_err();
        let (_, list) = error.message().split_once("expected").expect("the keys are listed");
        list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn the_published_schema_knows_exactly_the_keys_that_are_read() {
        let text = include_str!("../../../schemas/connector.json");
        let schema: serde_json::Value = serde_json::from_str(text).unwrap();
        for (pointer, keys) in [
            ("/properties", keys::<ConnectorFile>()),
            ("/$defs/adapter/properties", keys::<AdapterTable>()),
            ("/$defs/sql_source/properties", keys::<SqlTable>()),
            ("/$defs/sql_source/properties/explain/properties", keys::<ExplainTable>()),
            ("/$defs/file_source/properties", keys::<FileTable>()),
            ("/$defs/soap_source/properties", &keys::<WebTable>() | &keys::<SoapTable>()),
            ("/$defs/soap_source/properties/answer/properties", keys::<SoapAnswerTable>()),
            ("/$defs/dataset/properties/soap/properties", keys::<SoapAskTable>()),
            ("/$defs/http_source/properties", &keys::<WebTable>() | &keys::<HttpTable>()),
            ("/$defs/auth/properties", keys::<AuthTable>()),
            ("/$defs/stage/properties", keys::<StageTable>()),
            ("/$defs/condition/properties", keys::<ConditionTable>()),
            ("/$defs/answer/properties", keys::<AnswerTable>()),
            ("/$defs/envelope/properties", keys::<EnvelopeTable>()),
            ("/$defs/dataset/properties/request/properties", keys::<RequestTable>()),
            ("/$defs/dataset/properties/paging/properties", keys::<PagingTable>()),
            ("/$defs/dataset/properties/service/properties", keys::<ServiceTable>()),
            ("/properties/hub/properties", keys::<HubTable>()),
            ("/$defs/quota/properties", keys::<QuotaTable>()),
            ("/$defs/dataset/properties", keys::<DatasetTable>()),
            ("/$defs/dataset/properties/as_of/properties", keys::<AsOfTable>()),
            ("/$defs/dataset/properties/within/properties", keys::<AsOfTable>()),
            ("/$defs/dataset/properties/skip/items/properties", keys::<SkipTable>()),
            ("/$defs/parameter/properties", keys::<ParameterTable>()),
            ("/$defs/entry/properties", keys::<MapTable>()),
            ("/$defs/test/properties", keys::<TestTable>()),
            ("/$defs/test/properties/given/properties", keys::<GivenTable>()),
            ("/$defs/test/properties/expect/items/properties", keys::<ExpectTable>()),
        ] {
            let known = schema.pointer(pointer).and_then(serde_json::Value::as_object).expect(pointer);
            assert_eq!(known.keys().cloned().collect::<BTreeSet<_>>(), keys, "{pointer}");
        }
    }
}
