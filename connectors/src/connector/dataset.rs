//! `[[dataset]]` → [`Dataset`]: its id, fact type, statement and parameters.

use std::collections::BTreeMap;

use toml::Spanned;

use super::checked::{At, Checker, at, is_name};
use super::file::{DatasetTable, ParameterTable};
use super::{ASKED, Ask, Dataset, Parameter, PeriodDay, SourceInfo, delivered, http, mapped, soap};
use crate::date_format::DateFormat;
use crate::error::Text;
use crate::facts::{self, FACT_TYPES, FactType};
use crate::mapping::Mapping;
use crate::nearest::nearest;
use crate::sql_text::{ID_NUMBERS, SqlText, SqlTextError};

/// Checks a dataset. How its source is asked is checked where the source itself is sound.
pub(super) fn dataset(
    checker: &mut Checker<'_>,
    adapter: &str,
    source: Option<&SourceInfo>,
    table: Spanned<DatasetTable>,
) -> Option<Dataset> {
    let span = table.span();
    let mut table = table.into_inner();
    let place = format!("dataset {}", table.id.get_ref());
    let belongs = table.id.get_ref().split_once('.').is_some_and(|(owner, name)| owner == adapter && is_name(name));
    if !belongs {
        checker.fault(
            "dataset_id",
            &at(&place, table.id.span()),
            Text::new("数据集标识不属于本部门", "the id does not begin with that of the adapter"),
            Text::new(format!("写 {adapter}.名称"), format!("write {adapter}. and a name of a-z, 0-9 and _")),
        );
    }
    let fact = fact_type(checker, &place, &table.fact);
    let here = at(&place, span.clone());
    let ask = source.and_then(|source| {
        foreign_keys(checker, &here, source, &table);
        match source {
            SourceInfo::Sql(_) => statement(checker, &here, table.sql.take(), &table.parameters),
            SourceInfo::File(info) => {
                delivered::ask(checker, &here, info.format, table.file.as_ref(), table.records.as_ref())
            }
            SourceInfo::Soap(info) => {
                let parameters = parameters(checker, &place, &table.parameters);
                soap::ask(checker, &here, info, table.soap.as_ref(), table.records.as_ref(), parameters?)
            }
            SourceInfo::Http(info) => {
                let parameters = parameters(checker, &place, &table.parameters)?;
                http::ask(checker, &here, info, &table, &parameters)
            }
        }
    });
    if table.subject.as_ref().is_some_and(|subject| subject.get_ref() == ASKED) {
        let alone = match &ask {
            None => true,
            Some(Ask::Http(ask)) => ask.persons_per_call == 1,
            Some(Ask::Soap(ask)) => ask.persons_per_call == 1,
            Some(Ask::Sql { .. } | Ask::File { .. }) => false,
        };
        if !alone {
            checker.fault(
                "subject_asked",
                &here,
                Text::new(
                    "subject = \":id_number\" 只用于一次只问一个人的服务",
                    "subject = \":id_number\" is for a service that is asked about one person in a call",
                ),
                Text::new(
                    "写存放身份号码的列；服务的答复里确实没有号码时，写 persons_per_call = 1",
                    "write the column with the identity number; where the answers of a service have none, write persons_per_call = 1",
                ),
            );
        }
    }
    if table.subject.as_ref().is_none_or(|subject| subject.get_ref().trim().is_empty()) {
        checker.fault(
            "subject_missing",
            &at(&place, span.clone()),
            Text::new("没有写 subject", "`subject` is missing"),
            Text::new(
                "写 subject = \"存放身份号码的列\"，否则无法确认记录属于谁",
                "write subject = \"the column with the identity number\": it proves whose row it is",
            ),
        );
    }
    let id = table.id.get_ref().clone();
    let fact_name = table.fact.get_ref().clone();
    let mapping = mapped::mapping(checker, &place, span, fact, table);
    for kind in mapping.iter().flat_map(Mapping::kinds) {
        let known = facts::kinds(&fact_name);
        if let Some(meant) = nearest(kind, known.iter().copied()).filter(|_| !known.contains(&kind)) {
            checker.fault(
                "kind_misspelt",
                &here,
                Text::new(
                    format!("类别 {kind} 不在规则里：这样的记录不会计入"),
                    format!("the rules know no kind {kind}: such records would count for nothing"),
                ),
                Text::new(format!("是不是 {meant}？"), format!("did you mean {meant}?")),
            );
        }
    }
    belongs.then_some(Dataset { id, fact: fact_name, ask: ask?, mapping: mapping? })
}

/// Names the keys that belong to another kind of source.
fn foreign_keys(checker: &mut Checker<'_>, place: &At<'_>, source: &SourceInfo, table: &DatasetTable) {
    let is_sql = matches!(source, SourceInfo::Sql(_));
    let is_file = matches!(source, SourceInfo::File(_));
    let is_soap = matches!(source, SourceInfo::Soap(_));
    let is_http = matches!(source, SourceInfo::Http(_));
    for (key, there, fits) in [
        ("sql", table.sql.is_some(), is_sql),
        ("parameters", !table.parameters.is_empty(), !is_file),
        ("file", table.file.is_some(), is_file),
        ("records", table.records.is_some(), !is_sql),
        ("soap", table.soap.is_some(), is_soap),
        ("request", table.request.is_some(), is_http),
        ("columns", !table.columns.is_empty(), is_http),
        ("paging", table.paging.is_some(), is_http),
        ("answer", table.answer.is_some(), is_http),
        ("persons_per_call", table.persons_per_call.is_some(), is_http),
        ("service", table.service.is_some(), is_http),
    ] {
        if there && !fits {
            checker.fault(
                "dataset_key",
                place,
                Text::new(
                    format!("这种数据源的数据集没有 {key}"),
                    format!("a dataset of this kind of source has no `{key}`"),
                ),
                Text::new("删掉它，或改 source 的 kind", "remove it, or change `kind` of the source"),
            );
        }
    }
}

/// All parameters of a dataset.
fn parameters(
    checker: &mut Checker<'_>,
    place: &str,
    tables: &BTreeMap<String, Spanned<ParameterTable>>,
) -> Option<BTreeMap<String, Parameter>> {
    let mut made = BTreeMap::new();
    for (name, table) in tables {
        if let Some(parameter) = parameter(checker, place, name, table) {
            made.insert(name.clone(), parameter);
        }
    }
    (made.len() == tables.len()).then_some(made)
}

fn fact_type(checker: &mut Checker<'_>, place: &str, name: &Spanned<String>) -> Option<&'static FactType> {
    let fact = facts::fact_type(name.get_ref());
    if fact.is_none() {
        let known = FACT_TYPES.map(|fact| fact.name).join(", ");
        checker.fault(
            "fact_unknown",
            &at(place, name.span()),
            Text::new("没有这种事实类型", "there is no such fact type"),
            meant_of(name.get_ref(), FACT_TYPES.map(|fact| fact.name), &known),
        );
    }
    fact
}

/// What mends a name that is not one of those there are: the one that was probably meant, and all of them.
pub(super) fn meant_of<'a>(name: &str, all: impl IntoIterator<Item = &'a str>, listed: &str) -> Text {
    match nearest(name, all) {
        Some(meant) => {
            Text::new(format!("是不是 {meant}？可用：{listed}"), format!("did you mean {meant}? There are {listed}"))
        }
        None => Text::new(format!("可用：{listed}"), format!("one of {listed}")),
    }
}

fn statement(
    checker: &mut Checker<'_>,
    place: &At<'_>,
    sql: Option<Spanned<String>>,
    parameters: &BTreeMap<String, Spanned<ParameterTable>>,
) -> Option<Ask> {
    let Some(sql) = sql else {
        checker.fault(
            "sql_missing",
            place,
            Text::new("没有写 sql", "`sql` is missing"),
            Text::new("写 sql = \"SELECT …\"", "write sql = \"SELECT …\""),
        );
        return None;
    };
    let here = at(place.place, sql.span());
    let statement = match SqlText::parse(sql.get_ref()) {
        Ok(statement) => statement,
        Err(error) => {
            let (zh, mend_zh, mend_en) = match error {
                SqlTextError::NotAQuery => ("语句不以 SELECT 或 WITH 开头", "只写一条查询语句", "write one query"),
                SqlTextError::ManyStatements => ("分号之后还有内容", "只写一条查询语句", "write one query"),
                SqlTextError::Positional => ("用了无名参数", "参数写成 :名称", "write parameters as :name"),
                SqlTextError::Unclosed => ("引号或注释没有闭合", "补上闭合符号", "close it"),
                SqlTextError::Everybody => (
                    "没有 :id_numbers，会读出所有人",
                    "写 WHERE 证件号列 IN (:id_numbers)",
                    "write WHERE the_column IN (:id_numbers)",
                ),
            };
            checker.fault("sql_text", &here, Text::new(zh, error.to_string()), Text::new(mend_zh, mend_en));
            return None;
        }
    };
    let mut made = Vec::new();
    let mut sound = true;
    for name in statement.parameters() {
        let Some(table) = parameters.get(name) else {
            sound = false;
            checker.fault(
                "sql_parameter_unknown",
                &here,
                Text::new(format!("参数 :{name} 没有定义"), format!("the parameter :{name} is not defined")),
                Text::new(
                    format!("在 [dataset.parameters] 里定义 {name}，或改用 :{ID_NUMBERS}"),
                    format!("define {name} in [dataset.parameters], or use :{ID_NUMBERS}"),
                ),
            );
            continue;
        };
        match parameter(checker, place.place, name, table) {
            Some(parameter) => made.push(parameter),
            None => sound = false,
        }
    }
    for (name, table) in parameters {
        if !statement.parameters().contains(name) {
            sound = false;
            checker.fault(
                "parameter_unused",
                &at(&format!("{}, parameters.{name}", place.place), table.span()),
                Text::new("语句没有用到这个参数", "the statement does not use this parameter"),
                Text::new("删掉它，或在语句里使用", "remove it, or use it in the statement"),
            );
        }
    }
    sound.then_some(Ask::Sql { statement, parameters: made })
}

fn parameter(checker: &mut Checker<'_>, place: &str, name: &str, table: &Spanned<ParameterTable>) -> Option<Parameter> {
    let place = format!("{place}, parameters.{name}");
    let here = at(&place, table.span());
    let table = table.get_ref();
    let of = match table.of.as_str() {
        "period.from" => Some(PeriodDay::From),
        "period.to" => Some(PeriodDay::To),
        _ => None,
    };
    if of.is_none() {
        checker.fault(
            "parameter_source",
            &here,
            Text::new("参数只能来自查询期间", "a parameter is made from the query's period only"),
            Text::new("写 of = \"period.from\" 或 \"period.to\"", "write of = \"period.from\" or of = \"period.to\""),
        );
    }
    // Writing, unlike reading, needs no day, so the check stands in for one.
    let day = (!table.format.contains("%d") && !table.format.contains("%-d")).then_some(crate::date_format::Day::First);
    let format = DateFormat::new(&table.format, day);
    if let Err(error) = &format {
        mapped::format_fault(checker, &here, *error);
    }
    let integer = match table.form.as_deref() {
        None | Some("text") => Some(false),
        Some("integer") => Some(true),
        Some(_) => None,
    }
    .filter(|integer| {
        let sample = format.as_ref().map(|format| format.write(jiff::civil::date(2024, 3, 1)));
        !integer || sample.is_ok_and(|sample| sample.parse::<i64>().is_ok())
    });
    if integer.is_none() && format.is_ok() {
        checker.fault(
            "parameter_form",
            &here,
            Text::new("as 不可用", "`as` cannot be used here"),
            Text::new(
                "写 as = \"text\"；只有数字的格式也可写 as = \"integer\"",
                "write as = \"text\", or as = \"integer\" with a format of digits only",
            ),
        );
    }
    format.ok()?;
    Some(Parameter { of: of?, format: table.format.clone(), integer: integer? })
}
