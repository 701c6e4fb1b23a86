//! `kind = "http"`: a service that answers in JSON. How it is asked, what its answers mean, and its bounds.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::auth::ServiceKey;
use super::checked::{At, Checker, at};
use super::condition::{Condition, ConditionTable, conditions};
use super::envelope::{self, EnvelopeInfo, EnvelopeTable};
use super::file::DatasetTable;
use super::request::{request_of, uses};
use super::source::secret_place;
use super::template::{Body, Place, Tree};
use super::web::{self, WebInfo};
use super::{Ask, Parameter, SourceInfo};
use crate::error::Text;
use crate::json_path::JsonPath;
use crate::protocol::MAX_SUBJECTS;
use crate::text::TextEncoding;

/// A service that answers in JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpInfo {
    /// Where it is, and how it is reached.
    pub web: WebInfo,
    /// What its text is encoded in.
    pub encoding: TextEncoding,
    /// How many rows one question may give; more is an error, never a cut-off answer.
    pub max_rows: usize,
    /// How many calls one question may need.
    pub max_calls: usize,
    /// What its answers mean, unless a dataset says otherwise.
    pub meaning: Meaning,
    /// What every call is wrapped in, where it is.
    pub envelope: Option<EnvelopeInfo>,
}

/// What an answer means. Whatever is neither sound nor said to be no record is an error.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Meaning {
    /// The answer is sound when all of these hold.
    pub ok_when: Vec<Condition>,
    /// It says that nothing is known of the person when one of these holds.
    pub no_record_when: Vec<Condition>,
    /// Where it says what is wrong; without it the usual names are looked at.
    pub error_message: Option<JsonPath>,
}

/// How a service is asked for a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAsk {
    /// `GET` or `POST`.
    pub post: bool,
    /// The path below the service's address.
    pub path: String,
    /// The query.
    pub query: Vec<(String, Place)>,
    /// Headers that are always the same.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    /// One element of `:persons`.
    pub person: Option<Tree>,
    /// The interface number of an envelope (`infno`).
    pub infno: Option<String>,
    /// Where the records are.
    pub records: JsonPath,
    /// The columns that are not plain members of a record, with their paths.
    pub columns: BTreeMap<String, JsonPath>,
    /// How many persons one call asks about.
    pub persons_per_call: usize,
    /// How an answer of several pages is read.
    pub paging: Paging,
    /// What its answers mean.
    pub meaning: Meaning,
    /// The parameters made from the period.
    pub parameters: BTreeMap<String, Parameter>,
    /// The interface and key of its own.
    pub service: Option<ServiceKey>,
}

/// How an answer of several pages is read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paging {
    /// How the next page is asked for.
    pub kind: PagingKind,
    /// How many records a page has at most.
    pub size: usize,
    /// Where the answer says how many records there are in all.
    pub total: Option<JsonPath>,
    /// The column that no two records have alike.
    pub key: Option<String>,
}

/// How the next page is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PagingKind {
    /// There is one page.
    #[default]
    None,
    /// By the place of its first record, counted from this one: `:start`.
    Start(u64),
    /// By its number, counted from this one: `:page`.
    Page(u64),
    /// By a token that stands here in the page before: `:token`.
    Token(JsonPath),
}

/// The keys of `[source]` that are its own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HttpTable {
    #[expect(dead_code, reason = "read before this table is")]
    pub(super) kind: String,
    pub(super) encoding: Option<String>,
    pub(super) max_rows: Option<usize>,
    pub(super) max_calls: Option<usize>,
    pub(super) answer: Option<AnswerTable>,
    pub(super) envelope: Option<EnvelopeTable>,
}

/// `[source.answer]` and `[dataset.answer]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AnswerTable {
    pub(super) ok_when: Option<Vec<ConditionTable>>,
    pub(super) no_record_when: Option<Vec<ConditionTable>>,
    pub(super) error_message: Option<String>,
}

/// `paging` of a dataset.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PagingTable {
    pub(super) kind: Option<String>,
    pub(super) size: Option<usize>,
    pub(super) first: Option<u64>,
    pub(super) total: Option<String>,
    pub(super) next: Option<String>,
    pub(super) key: Option<String>,
}

/// `service` of a dataset: an interface with a key of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceTable {
    pub(super) sid: String,
    pub(super) key: toml::Value,
}

/// Checks `[source]`.
pub(super) fn source(checker: &mut Checker<'_>, place: &At<'_>, mut table: toml::Table) -> Option<SourceInfo> {
    let web = web::web(checker, place, &mut table);
    let table: HttpTable = checker.read(place, table, web::KEY)?;
    let encoding = match &table.encoding {
        None => Some(TextEncoding::Utf8),
        Some(name) => TextEncoding::named(name),
    };
    if encoding.is_none() {
        checker.fault(
            "source_encoding",
            place,
            Text::new("不认识这个 encoding", "encoding is none that is read here"),
            Text::new("写 \"utf-8\" 或 \"gb18030\"（含 GBK）", "write \"utf-8\" or \"gb18030\" (which has GBK in it)"),
        );
    }
    let (max_rows, max_calls) = (table.max_rows.unwrap_or(20_000), table.max_calls.unwrap_or(2_000));
    let bounded = (1..=1_000_000).contains(&max_rows) && (1..=100_000).contains(&max_calls);
    if !bounded {
        checker.fault(
            "limit_out_of_range",
            place,
            Text::new("max_rows 或 max_calls 超出范围", "max_rows or max_calls is out of range"),
            Text::new(
                "max_rows 取 1 至 1000000，max_calls 取 1 至 100000",
                "max_rows is 1 to 1000000, max_calls 1 to 100000",
            ),
        );
    }
    let envelope = match table.envelope {
        None => Some(None),
        Some(table) => envelope::envelope(checker, place, table).map(Some),
    };
    let here = At { place: "source.answer", span: place.span.clone() };
    let usual = if matches!(envelope, Some(Some(_))) { envelope::meaning() } else { Meaning::default() };
    let meaning = meaning(checker, &here, table.answer.as_ref(), &usual);
    let info = HttpInfo { web: web?, encoding: encoding?, max_rows, max_calls, meaning: meaning?, envelope: envelope? };
    bounded.then_some(SourceInfo::Http(Box::new(info)))
}

fn meaning(checker: &mut Checker<'_>, place: &At<'_>, table: Option<&AnswerTable>, usual: &Meaning) -> Option<Meaning> {
    let Some(table) = table else { return Some(usual.clone()) };
    let mut given = |key, tables: &Option<Vec<ConditionTable>>, usual: &Vec<Condition>| match tables {
        None => Some(usual.clone()),
        Some(tables) => conditions(checker, place, key, tables),
    };
    let ok_when = given("ok_when", &table.ok_when, &usual.ok_when);
    let no_record_when = given("no_record_when", &table.no_record_when, &usual.no_record_when);
    let error_message = match &table.error_message {
        None => Some(usual.error_message.clone()),
        Some(text) => path(checker, place, "error_message", text).map(Some),
    };
    Some(Meaning { ok_when: ok_when?, no_record_when: no_record_when?, error_message: error_message? })
}

/// A path from the whole answer.
fn path(checker: &mut Checker<'_>, place: &At<'_>, key: &str, text: &str) -> Option<JsonPath> {
    let path = JsonPath::parse(text).filter(|path| !path.is_of_record());
    if path.is_none() {
        checker.fault(
            "path_form",
            place,
            Text::new(format!("{key} 不是可用的路径"), format!("{key} is no path that can be used")),
            Text::new(
                "写 \"$.data.list[*]\" 这样的路径：$、.名称、['名称']、[0]、[*]",
                "write a path such as \"$.data.list[*]\": $, .name, ['name'], [0] and [*]",
            ),
        );
    }
    path
}

/// Checks how a dataset is asked for.
pub(super) fn ask(
    checker: &mut Checker<'_>,
    place: &At<'_>,
    info: &HttpInfo,
    table: &DatasetTable,
    parameters: &BTreeMap<String, Parameter>,
) -> Option<Ask> {
    let Some(request) = &table.request else {
        checker.fault(
            "request_missing",
            place,
            Text::new("没有写 request", "`request` is missing"),
            Text::new(
                "写 request = { method = \"POST\", path = \"/…\", json = { sfzh = \":id_number\" } }",
                "write request = { method = \"POST\", path = \"/…\", json = { id = \":id_number\" } }",
            ),
        );
        return None;
    };
    let here = at(place.place, request.span());
    let records = table.records.as_ref().map(|text| {
        let here = at(place.place, text.span());
        path(checker, &here, "records", text.get_ref())
    });
    if records.is_none() {
        checker.fault(
            "records_missing",
            place,
            Text::new("没有写 records", "`records` is missing"),
            Text::new("写 records = \"$.data.list[*]\"", "write records = \"$.data.list[*]\""),
        );
    }
    let meaning = meaning(checker, place, table.answer.as_ref().map(Spanned::get_ref), &info.meaning);
    if meaning.as_ref().is_some_and(|meaning| meaning.ok_when.is_empty()) {
        checker.fault(
            "ok_when_missing",
            place,
            Text::new(
                "没有写 ok_when，无法分辨答复是不是出错",
                "`ok_when` is missing: without it an error cannot be told from an answer",
            ),
            Text::new(
                "在 [source.answer] 写 ok_when = [{ at = \"$.code\", equals = [\"0\"] }]",
                "write ok_when = [{ at = \"$.code\", equals = [\"0\"] }] into [source.answer]",
            ),
        );
        return None;
    }
    let persons_per_call = table.persons_per_call.unwrap_or(1);
    if !(1..=MAX_SUBJECTS).contains(&persons_per_call) {
        checker.fault(
            "limit_out_of_range",
            place,
            Text::new("persons_per_call 超出范围", "persons_per_call is out of range"),
            Text::new(format!("取 1 至 {MAX_SUBJECTS}"), format!("it is 1 to {MAX_SUBJECTS}")),
        );
        return None;
    }
    let service = match &table.service {
        None => Some(None),
        Some(service) => {
            let ServiceTable { sid, key } = service.get_ref();
            secret_place(checker, &at(place.place, service.span()), "key", key)
                .map(|key| Some(ServiceKey { id: sid.clone(), key }))
        }
    };
    let columns = columns(checker, place, &table.columns);
    let paging = paging(checker, place, table.paging.as_ref());
    let made = request_of(checker, &here, info, request.get_ref(), parameters)?;
    let sound = uses(checker, &here, &made, persons_per_call, paging.as_ref()?, parameters);
    let ask = HttpAsk {
        records: records??,
        columns: columns?,
        persons_per_call,
        paging: paging?,
        meaning: meaning?,
        service: service?,
        ..made
    };
    sound.then(|| Ask::Http(Box::new(ask)))
}

fn columns(
    checker: &mut Checker<'_>,
    place: &At<'_>,
    table: &BTreeMap<String, Spanned<String>>,
) -> Option<BTreeMap<String, JsonPath>> {
    let mut made = BTreeMap::new();
    for (name, text) in table {
        match JsonPath::parse(text.get_ref()).filter(|path| !path.is_many()) {
            Some(path) => {
                made.insert(name.clone(), path);
            }
            None => checker.fault(
                "path_form",
                &at(&format!("{}, columns.{name}", place.place), text.span()),
                Text::new("不是可用的路径", "no path that can be used"),
                Text::new(
                    "写 \"@.house.area\"（从记录开始）或 \"$.data.name\"（从整个答复开始），不用 [*]",
                    "write \"@.house.area\", from the record, or \"$.data.name\", from the whole answer, without [*]",
                ),
            ),
        }
    }
    (made.len() == table.len()).then_some(made)
}

fn paging(checker: &mut Checker<'_>, place: &At<'_>, table: Option<&Spanned<PagingTable>>) -> Option<Paging> {
    let Some(table) = table else { return Some(Paging::default()) };
    let here = at(place.place, table.span());
    let table = table.get_ref();
    let whole = |text: &Option<String>| match text {
        None => Some(None),
        Some(text) => JsonPath::parse(text).filter(|path| !path.is_of_record() && !path.is_many()).map(Some),
    };
    let (total, next) = (whole(&table.total), whole(&table.next));
    let counted = matches!(total, Some(Some(_)));
    let kind = match (table.kind.as_deref(), &next, table.first) {
        (None, Some(None), None) if counted || table.key.is_some() => Some(PagingKind::None),
        (Some("start"), Some(None), first) if counted => Some(PagingKind::Start(first.unwrap_or(0))),
        (Some("page"), Some(None), first) if counted => Some(PagingKind::Page(first.unwrap_or(1))),
        (Some("token"), Some(Some(next)), None) => Some(PagingKind::Token(next.clone())),
        _ => None,
    };
    let size = table.size.unwrap_or(100);
    if kind.is_none() || total.is_none() || !(1..=10_000).contains(&size) {
        checker.fault(
            "paging_form",
            &here,
            Text::new("paging 不可用", "paging cannot be used"),
            Text::new(
                "写 { kind = \"start\" 或 \"page\", size = 100, total = \"$.total\" }，或 { kind = \"token\", next = \"$.next\" }；total 用来核对是否取全",
                "write { kind = \"start\" or \"page\", size = 100, total = \"$.total\" }, or { kind = \"token\", next = \"$.next\" }; by total one knows that nothing is missing",
            ),
        );
        return None;
    }
    Some(Paging { kind: kind?, size, total: total?, key: table.key.clone() })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::connector::Connector;

    const AUTH: &str = "[source.auth]\nkind = \"signed\"\nrid = \"r\"\nsid = \"s\"\nkey = { file = \"k\" }\nday_key = { path = \"/d\", at = \"$.d\" }\nsecret = { path = \"/s\", at = \"$.s\" }\n";

    fn file(changes: &[(&str, &str)]) -> String {
        let mut text =
            include_str!("../../tests/fixtures/service.toml").replace("{port}", "8443").replace("# {auth}", AUTH);
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        text
    }

    #[test]
    fn what_is_wrong_with_a_service_is_told_by_its_code() {
        let sound = Connector::parse(&file(&[]), Path::new("c.toml"));
        assert!(sound.is_ok(), "{}", sound.unwrap_err());
        let json = "json = { sfzh = \":id_number\", xm = \":name\", start = \":start\", limit = \":limit\" }";
        for (from, to, code) in [
            ("https://localhost:8443/gateway", "https://u:p@localhost:8443", "source_address"),
            ("tls_ca = \"ca.pem\"", "insecure_http = \"yes\"", "source_insecure"),
            ("tls_ca = \"ca.pem\"", "tls = \"off\"", "source_tls"),
            ("tls_ca = \"ca.pem\"", "tls_pin = \"ab\"", "source_tls"),
            ("tls_ca = \"ca.pem\"", "tls_cert = \"c.pem\"", "source_tls"),
            ("tls_ca = \"ca.pem\"", "statement_timeout = \"2s\"", "source_field"),
            ("max_connections = 3", "max_connections = 0", "limit_out_of_range"),
            ("max_connections = 3", "max_calls = 0", "limit_out_of_range"),
            ("max_connections = 3", "encoding = \"big5\"", "source_encoding"),
            (AUTH, "", "auth_missing"),
            (AUTH, "[source.auth]\nkind = \"mtls\"\n", "auth_form"),
            (AUTH, "[source.auth]\nkind = \"basic\"\n", "auth_form"),
            (AUTH, "[source.auth]\nkind = \"oauth2\"\nclient_id = \"x\"\n", "auth_form"),
            ("key = { file = \"k\" }", "key = \"hunter2\"", "secret_literal"),
            ("rid = \"r\"", "message = [\"body\", \"x\"]\nrid = \"r\"", "auth_form"),
            ("at = \"$.d\"", "at = \"@.d\"", "auth_form"),
            ("equals = [\"200\"]", "equals = []", "condition_form"),
            ("ok_when = [{ at = \"$.code\", equals = [\"200\"] }]", "ok_when = []", "ok_when_missing"),
            ("error_message = \"$.msg\"", "error_message = \"msg\"", "path_form"),
            ("records = \"$.data.list[*]\"", "", "records_missing"),
            ("\"@.house.area\"", "\"house.area\"", "path_form"),
            (", total = \"$.data.total\"", "", "paging_form"),
            ("kind = \"start\"", "kind = \"page\"", "request_parameter"),
            (json, "json = { start = \":start\" }", "request_parameter"),
            (json, "json = { sfzh = \":id_numbr\", start = \":start\" }", "request_parameter"),
            (json, "json = { sfzh = \"id=:id_number\", start = \":start\" }", "request_parameter"),
            ("path = \"/house/contract\"", "path = \"house\"", "request_form"),
            ("path = \"/house/contract\"", "path = \"/h\", headers = { Host = \"x\" }", "request_form"),
            ("path = \"/house/contract\"", "path = \"/h\", infno = \"1101\"", "request_form"),
            ("subject = \"zjhm\"", "persons_per_call = 2\nsubject = \"zjhm\"", "request_parameter"),
            ("subject = \"zjhm\"", "sql = \"SELECT 1\"\nsubject = \"zjhm\"", "dataset_key"),
        ] {
            let faults = Connector::parse(&file(&[(from, to)]), Path::new("c.toml")).expect_err(to);
            let codes: Vec<_> = faults.faults.iter().map(|fault| fault.code).collect();
            assert!(codes.contains(&code), "{to}: {codes:?}");
            assert!(!faults.to_string().contains("hunter2"), "{faults}");
        }
    }

    #[test]
    fn p12_a_key_that_there_is_not_is_told_in_both_languages_whichever_table_it_is_in() {
        let folder = "kind = \"file\"\nfolder = \"d\"\nmax_age = \"40d\"\nmax_rows = 9";
        for (from, to) in [
            ("max_connections = 3", "max_connection = 3"),
            ("rid = \"r\"", "ridd = \"r\""),
            ("kind = \"http\"", "kind = \"soap\"\nridd = 1"),
            ("kind = \"http\"", folder),
        ] {
            let faults = Connector::parse(&file(&[(from, to)]), Path::new("c.toml")).expect_err(to);
            let told = |fault: &crate::error::Fault| {
                fault.what.zh.contains("不认识的键 `") && fault.what.en.contains("unknown field `")
            };
            assert!(faults.faults.iter().any(told), "{to}: {faults:?}");
        }
    }
}
