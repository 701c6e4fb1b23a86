//! TOML → [`Connector`], naming every fault.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::de::DeserializeOwned;

use super::file::{AdapterTable, ConnectorFile, HubTable, QuotaTable, TestTable, line_of, toml_to_json};
use super::{AdapterInfo, Connector, Dataset, HubInfo, Quota, SCHEMA, dataset, source};
use crate::error::{Fault, Faults, Text};
use crate::golden::{Expected, Given, GoldenTest};
use crate::protocol::ResultStatus;
use crate::synthetic;
use crate::words;

/// Collects faults while a file is checked.
pub(super) struct Checker<'a> {
    text: &'a str,
    faults: Vec<Fault>,
}

/// Where a fault is: its place in words, and the span of the text where there is one.
pub(super) struct At<'a> {
    pub(super) place: &'a str,
    pub(super) span: Option<Range<usize>>,
}

impl<'a> Checker<'a> {
    /// Nothing found yet in a text.
    pub(super) const fn of(text: &'a str) -> Self {
        Self { text, faults: Vec::new() }
    }

    /// Reads the keys of `[source]` that a kind has; `mend` says which there are, in Chinese and English.
    pub(super) fn read<T: DeserializeOwned>(
        &mut self,
        place: &At<'_>,
        table: toml::Table,
        mend: (&str, &str),
    ) -> Option<T> {
        let read = T::deserialize(table);
        read.map_err(|error| self.fault("source_field", place, words::of_form(&error), Text::new(mend.0, mend.1))).ok()
    }

    /// What was found.
    pub(super) fn faults(self) -> Vec<Fault> {
        self.faults
    }

    pub(super) fn fault(&mut self, code: &'static str, at: &At<'_>, what: Text, mend: Text) {
        let line = at.span.clone().map(|span| line_of(self.text, span));
        self.faults.push(Fault { code, place: at.place.to_owned(), line, what, mend });
    }
}

pub(super) fn at(place: &str, span: Range<usize>) -> At<'_> {
    At { place, span: Some(span) }
}

pub(super) fn connector(text: &str, path: &Path) -> Result<Connector, Faults> {
    let file: ConnectorFile =
        toml::from_str(text).map_err(|error| Faults::one(path, syntax_fault(text, path, &error)))?;
    let mut checker = Checker { text, faults: Vec::new() };
    if file.schema.get_ref() != SCHEMA {
        checker.fault(
            "schema_version",
            &at("schema", file.schema.span()),
            Text::new("本程序不认识这个 schema", "this build does not read this schema"),
            Text::new(format!("写 schema = \"{SCHEMA}\""), format!("write schema = \"{SCHEMA}\"")),
        );
    }
    let adapter = adapter(&mut checker, file.adapter);
    let source = source::source(&mut checker, file.source);
    let (hub, quota) = (hub(file.hub), quota(&mut checker, file.quota));
    let mut datasets: Vec<Dataset> = Vec::new();
    let mut ids = BTreeSet::new();
    if file.dataset.is_empty() {
        checker.fault(
            "dataset_none",
            &At { place: "dataset", span: None },
            Text::new("没有任何数据集", "there is no dataset"),
            Text::new(
                "至少写一个 [[dataset]]；hedui-adapter discover 会按库里的表提出草稿",
                "write at least one [[dataset]]; hedui-adapter discover proposes one for each table of the database",
            ),
        );
    }
    for table in file.dataset {
        let id = table.get_ref().id.clone();
        if !ids.insert(id.get_ref().clone()) {
            checker.fault(
                "dataset_twice",
                &at(&format!("dataset {}", id.get_ref()), id.span()),
                Text::new("数据集重复", "this dataset is there twice"),
                Text::new("改名或合并", "rename one, or make them one"),
            );
        }
        datasets.extend(dataset::dataset(&mut checker, &adapter.id, source.as_ref(), table));
    }
    let tests = file.test.into_iter().filter_map(|table| golden_test(&mut checker, &ids, table)).collect();
    match source {
        Some(source) if checker.faults.is_empty() => {
            Ok(Connector { file: path.to_owned(), sha256: sha256(text), adapter, source, hub, quota, datasets, tests })
        }
        _ => Err(Faults { file: path.to_owned(), faults: checker.faults }),
    }
}

/// A connector without datasets and tests, whatever the file has of them.
pub(super) fn beginning(text: &str, path: &Path) -> Result<Connector, Faults> {
    let file: ConnectorFile =
        toml::from_str(text).map_err(|error| Faults::one(path, syntax_fault(text, path, &error)))?;
    let mut checker = Checker { text, faults: Vec::new() };
    let adapter = adapter(&mut checker, file.adapter);
    let source = source::source(&mut checker, file.source);
    let (hub, quota) = (hub(file.hub), quota(&mut checker, file.quota));
    match source {
        Some(source) if checker.faults.is_empty() => {
            let (datasets, tests) = (Vec::new(), Vec::new());
            Ok(Connector { file: path.to_owned(), sha256: sha256(text), adapter, source, hub, quota, datasets, tests })
        }
        _ => Err(Faults { file: path.to_owned(), faults: checker.faults }),
    }
}

pub(crate) fn sha256(text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().fold(String::with_capacity(64), |hex, byte| hex + &format!("{byte:02x}"))
}

fn syntax_fault(text: &str, path: &Path, error: &toml::de::Error) -> Fault {
    let message = words::of_toml(error.message());
    Fault {
        code: "connector_syntax",
        place: path.file_name().map_or_else(|| "toml".to_owned(), |name| name.to_string_lossy().into_owned()),
        line: error.span().map(|span| line_of(text, span)),
        what: Text::new(
            format!("不是合乎格式的 TOML：{}", message.zh),
            format!("not TOML of the right form: {}", message.en),
        ),
        mend: Text::new(
            "按 connectors/README.md 的格式修改该行",
            "change the line to the form in connectors/README.md",
        ),
    }
}

fn adapter(checker: &mut Checker<'_>, table: AdapterTable) -> AdapterInfo {
    let id = table.id.get_ref();
    if !is_name(id) {
        checker.fault(
            "adapter_id",
            &at("adapter.id", table.id.span()),
            Text::new("不是部门标识", "not a department id"),
            name_form(),
        );
    }
    let name = table.name.get_ref();
    for (empty, place, span) in [
        (table.version.get_ref().trim().is_empty(), "adapter.version", table.version.span()),
        (table.contact.get_ref().trim().is_empty(), "adapter.contact", table.contact.span()),
        (name.zh.trim().is_empty() || name.en.trim().is_empty(), "adapter.name", table.name.span()),
    ] {
        if empty {
            checker.fault(
                "adapter_field_empty",
                &at(place, span),
                Text::new("不能为空", "empty"),
                Text::new("填写内容", "fill it in; callers see it"),
            );
        }
    }
    AdapterInfo {
        id: id.clone(),
        version: table.version.into_inner(),
        name: table.name.into_inner(),
        contact: table.contact.into_inner(),
        notice: table.notice.filter(|notice| !notice.trim().is_empty()),
    }
}

/// What mends a name that [`is_name`] refuses.
pub(crate) fn name_form() -> Text {
    Text::new(
        "用 2 至 40 个 a-z、0-9、_，以字母开头",
        "use 2 to 40 characters of a-z, 0-9 and _, beginning with a letter",
    )
}

/// A department or dataset name: as the hub's catalogue has them.
pub(crate) fn is_name(text: &str) -> bool {
    (2..=40).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn hub(table: HubTable) -> HubInfo {
    let HubTable { keys, answer_key, ledger } = table;
    HubInfo { keys, answer_key, ledger }
}

fn quota(checker: &mut Checker<'_>, table: toml::Spanned<QuotaTable>) -> Quota {
    let QuotaTable { per_second, burst } = *table.get_ref();
    if per_second == 0 || burst == 0 {
        checker.fault(
            "limit_out_of_range",
            &at("quota", table.span()),
            Text::new("配额不能为零", "a quota of zero answers nobody"),
            Text::new("per_second 和 burst 至少为 1", "per_second and burst are at least 1"),
        );
    }
    Quota { per_second, burst }
}

fn golden_test(
    checker: &mut Checker<'_>,
    datasets: &BTreeSet<String>,
    table: toml::Spanned<TestTable>,
) -> Option<GoldenTest> {
    let span = table.span();
    let test = table.into_inner();
    let place = format!("test {}", test.name);
    let place = at(&place, span);
    let given = test.given;
    let mut sound = true;
    let mut bad = |what: Text, mend: Text| {
        sound = false;
        checker.fault("test_form", &place, what, mend);
    };
    if !datasets.contains(&given.dataset) {
        bad(
            Text::new("given.dataset 不是本文件的数据集", "given.dataset is not a dataset of this file"),
            Text::new("写本文件某个 dataset 的 id", "write the id of a dataset of this file"),
        );
    }
    if given.id_numbers.is_empty() || !(given.names.is_empty() || given.names.len() == given.id_numbers.len()) {
        bad(
            Text::new("given 的人数不对", "given.id_numbers is empty, or given.names has another length"),
            Text::new("每个 id_numbers 对应一个 names", "write one name for each identity number, or no names"),
        );
    }
    let numbers = || given.id_numbers.iter().chain(test.expect.iter().map(|expected| &expected.id_number));
    if !numbers().all(|number| synthetic::is_synthetic(number)) {
        bad(
            Text::new("测试里有非合成的身份号码", "a test holds an identity number that is not synthetic"),
            Text::new(
                "只用以 150000 开头的 18 位号码，这个前缀从不发放",
                "use numbers of 18 characters beginning with 150000 only: that prefix is never issued",
            ),
        );
    }
    let asked: BTreeSet<_> = given.id_numbers.iter().collect();
    let expected: BTreeSet<_> = test.expect.iter().map(|expected| &expected.id_number).collect();
    if asked != expected || expected.len() != test.expect.len() || asked.len() != given.id_numbers.len() {
        bad(
            Text::new("expect 与 given 的人员不一致", "expect is not about the persons of given, each once"),
            Text::new("每个号码写一条 expect", "write one entry of expect for each identity number"),
        );
    }
    let period = day(&given.from).zip(day(&given.to)).filter(|(from, to)| from <= to);
    if period.is_none() {
        bad(
            Text::new("given.from、given.to 不是日期段", "given.from and given.to are not a span of days"),
            Text::new(
                "写 from = \"2024-03-01\", to = \"2025-02-28\"",
                "write from = \"2024-03-01\", to = \"2025-02-28\"",
            ),
        );
    }
    let expect: Option<Vec<Expected>> = test.expect.iter().map(expectation).collect();
    if expect.is_none() {
        bad(
            Text::new("expect 的 status 或 facts 不可用", "a status or fact of expect cannot be used"),
            Text::new(
                "status 取 ok、no_record、name_mismatch、error；金额写成文本",
                "status is ok, no_record, name_mismatch or error; amounts are texts, not numbers with a point",
            ),
        );
    }
    let ((from, to), expect) = (period?, expect?);
    let persons = given
        .id_numbers
        .iter()
        .enumerate()
        .map(|(index, number)| (number.clone(), given.names.get(index).cloned().unwrap_or_default()))
        .collect();
    let given = Given { dataset: given.dataset, persons, from, to };
    sound.then_some(GoldenTest { name: test.name, fixture: PathBuf::from(test.fixture), given, expect })
}

fn expectation(table: &super::file::ExpectTable) -> Option<Expected> {
    let status = match table.status.as_str() {
        "ok" => ResultStatus::Ok,
        "no_record" => ResultStatus::NoRecord,
        "name_mismatch" => ResultStatus::NameMismatch,
        "error" => ResultStatus::Error,
        _ => return None,
    };
    let as_of = match &table.as_of {
        None => None,
        Some(value) => Some(toml_to_json(value)?.as_str()?.to_owned()),
    };
    let facts = table.facts.iter().map(toml_to_json).collect::<Option<Vec<_>>>()?;
    Some(Expected { id_number: table.id_number.clone(), status, as_of, facts })
}

fn day(value: &toml::Value) -> Option<Date> {
    toml_to_json(value)?.as_str()?.parse().ok()
}
