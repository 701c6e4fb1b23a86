//! `[dataset.map]`, `as_of`, `[[dataset.skip]]` → [`Mapping`], checked against the fact type.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;

use super::checked::{At, Checker, at};
use super::dataset::meant_of;
use super::file::{AsOfTable, DatasetTable, MapTable};
use crate::date_format::{DateFormat, DateFormatError, Day};
use crate::error::Text;
use crate::facts::{FactType, Form, Target};
use crate::mapping::{Field, From, Mapping, Part, Skip, Template};
use crate::value::{Format, Value};

pub(super) fn mapping(
    checker: &mut Checker<'_>,
    place: &str,
    span: Range<usize>,
    fact: Option<&'static FactType>,
    table: DatasetTable,
) -> Option<Mapping> {
    let fact = fact?;
    let mut sound = true;
    for target in fact.targets.iter().filter(|target| target.required && !table.map.contains_key(target.name)) {
        sound = false;
        let advice = target.form.description();
        checker.fault(
            "target_missing",
            &at(place, span.clone()),
            Text::new(
                format!("缺少 map.{}", target.name),
                format!("map.{} is missing, which every fact of type {} has", target.name, fact.name),
            ),
            advice,
        );
    }
    // Templates may use targets, so the names of all that are not templates come first.
    let plain: BTreeSet<String> = table
        .map
        .iter()
        .filter(|(_, entry)| entry.get_ref().template.is_none())
        .map(|(target, _)| target.clone())
        .collect();
    let (mut fields, mut templates) = (Vec::new(), Vec::new());
    for (name, entry) in table.map {
        let here = format!("{place}, map.{name}");
        let here = at(&here, entry.span());
        let Some(target) = fact.target(&name) else {
            sound = false;
            checker.fault(
                "target_unknown",
                &here,
                Text::new(
                    format!("事实类型 {} 没有这个字段", fact.name),
                    format!("facts of type {} have no such target", fact.name),
                ),
                meant_of(&name, fact.targets.iter().map(|target| target.name), &fact.names()),
            );
            continue;
        };
        match entry_of(checker, &here, target, &plain, entry.into_inner()) {
            Some(Entry::Field(field)) => fields.push(field),
            Some(Entry::Template(template)) => templates.push(template),
            None => sound = false,
        }
    }
    let as_of = day_column(checker, place, "as_of", table.as_of);
    let within = day_column(checker, place, "within", table.within);
    let add = add(checker, place, fact, table.add);
    let skip = skips(checker, place, table.skip);
    let subject = table.subject.map(Spanned::into_inner)?;
    let mapping = Mapping {
        subject,
        name: table.name,
        as_of: as_of.ok()?,
        fields,
        templates,
        skip: skip?,
        within: within.ok()?,
        add: add.ok()?,
    };
    sound.then_some(mapping)
}

/// What was written cannot be used, which has been told.
struct Told;

/// A column with a day, where the file names one.
fn day_column(
    checker: &mut Checker<'_>,
    place: &str,
    key: &str,
    table: Option<Spanned<AsOfTable>>,
) -> Result<Option<(String, DateFormat)>, Told> {
    let Some(table) = table else { return Ok(None) };
    let here = format!("{place}, {key}");
    let here = at(&here, table.span());
    let table = table.into_inner();
    let format = date_format(checker, &here, &table.format, table.day.as_deref()).ok_or(Told)?;
    Ok(Some((table.column, format)))
}

/// The amount that is added up, where the file names one.
fn add(
    checker: &mut Checker<'_>,
    place: &str,
    fact: &FactType,
    name: Option<Spanned<String>>,
) -> Result<Option<String>, Told> {
    let Some(name) = name else { return Ok(None) };
    if fact.target(name.get_ref()).is_some_and(|target| target.form == Form::Money) {
        return Ok(Some(name.into_inner()));
    }
    checker.fault(
        "add_target",
        &at(&format!("{place}, add"), name.span()),
        Text::new(
            format!("事实类型 {} 没有这个金额字段", fact.name),
            format!("facts of type {} have no amount of that name", fact.name),
        ),
        Text::new("写一个金额字段，如 add = \"amount\"", "name a target that is an amount, such as add = \"amount\""),
    );
    Err(Told)
}

fn skips(checker: &mut Checker<'_>, place: &str, tables: Vec<Spanned<super::file::SkipTable>>) -> Option<Vec<Skip>> {
    let mut sound = true;
    let mut skips = Vec::new();
    for table in tables {
        let span = table.span();
        let table = table.into_inner();
        if table.equals.is_empty() || table.and.values().any(Vec::is_empty) {
            sound = false;
            checker.fault(
                "skip_empty",
                &at(&format!("{place}, skip"), span),
                Text::new("equals 为空，跳过不了任何记录", "`equals` is empty, so nothing is left out"),
                Text::new("写 equals = [\"1\"]，或删掉", "write equals = [\"1\"], or remove it"),
            );
        }
        let and = table.and.into_iter().map(|(column, values)| (column, values.into_iter().collect()));
        skips.push(Skip { column: table.column, equals: table.equals.into_iter().collect(), and: and.collect() });
    }
    sound.then_some(skips)
}

enum Entry {
    Field(Field),
    Template(Template),
}

fn form_fault(checker: &mut Checker<'_>, here: &At<'_>, target: &Target) {
    let advice = target.form.description();
    checker.fault(
        "mapping_form",
        here,
        Text::new("这样写得不出该字段的值", "this does not give a value of the target's form"),
        Text::new(format!("该字段是{}", advice.zh), format!("this target is {}", advice.en)),
    );
}

fn entry_of(
    checker: &mut Checker<'_>,
    here: &At<'_>,
    target: &Target,
    plain: &BTreeSet<String>,
    table: MapTable,
) -> Option<Entry> {
    if table.optional && target.required {
        checker.fault(
            "target_required",
            here,
            Text::new("必有字段不能写 optional", "a target that every fact has cannot be optional"),
            Text::new("去掉 optional = true", "remove optional = true"),
        );
        return None;
    }
    let ways = [table.value.is_some(), table.column.is_some(), table.template.is_some()];
    if ways.into_iter().filter(|way| *way).count() != 1 {
        checker.fault(
            "mapping_form",
            here,
            Text::new(
                "value、column、template 三者须写且只写一个",
                "exactly one of value, column and template is needed",
            ),
            Text::new("留下一个", "keep one of them"),
        );
        return None;
    }
    let optional = table.optional;
    let name = target.name.to_owned();
    if let Some(value) = &table.value {
        let constant = if has_column_keys(&table) { None } else { constant(target.form, value) };
        if constant.is_none() {
            form_fault(checker, here, target);
        }
        return Some(Entry::Field(Field { target: name, from: From::Constant(constant?), optional }));
    }
    if let Some(template) = &table.template {
        if target.form != Form::Text || has_column_keys(&table) {
            form_fault(checker, here, target);
            return None;
        }
        let parts = parts(template, plain);
        if parts.is_none() {
            checker.fault(
                "template_form",
                here,
                Text::new("模板不可用", "the template cannot be used"),
                Text::new(
                    "写成 \"{列名}:{字段}\"，至少有一个花括号部分",
                    "write it as \"{column}:{target}\", with at least one part in braces",
                ),
            );
        }
        return Some(Entry::Template(Template { target: name, parts: parts?, optional }));
    }
    let format = column_format(checker, here, target, &table)?;
    let column = table.column.unwrap_or_default();
    Some(Entry::Field(Field { target: name, from: From::Column { column, format }, optional }))
}

/// True when a constant or template has keys that only a column has.
fn has_column_keys(table: &MapTable) -> bool {
    table.form.is_some()
        || table.format.is_some()
        || table.day.is_some()
        || table.codes.is_some()
        || table.other.is_some()
        || table.true_values.is_some()
        || table.false_values.is_some()
}

fn constant(form: Form, value: &toml::Value) -> Option<Value> {
    match value {
        toml::Value::Boolean(yes) if form == Form::Boolean => Some(Value::Boolean(*yes)),
        toml::Value::Integer(number) if form == Form::Count => u32::try_from(*number).ok().map(Value::Count),
        toml::Value::String(text) if form.takes_text(text) => Some(Value::Text(text.clone())),
        _ => None,
    }
}

fn column_format(checker: &mut Checker<'_>, here: &At<'_>, target: &Target, table: &MapTable) -> Option<Format> {
    let date_keys = table.format.is_some() || table.day.is_some();
    let code_keys = table.codes.is_some() || table.other.is_some();
    let boolean_keys = table.true_values.is_some() || table.false_values.is_some();
    let keys = (date_keys, code_keys, boolean_keys);
    let format = match (table.form.as_deref(), target.form, keys) {
        (Some("date"), Form::Date, (true, false, false)) => {
            let format = table.format.as_deref().unwrap_or_default();
            return date_format(checker, here, format, table.day.as_deref()).map(Format::Date);
        }
        (Some("boolean"), Form::Boolean, (false, false, true)) => match (&table.true_values, &table.false_values) {
            (Some(yes), no) if !yes.is_empty() => Some(Format::Boolean {
                true_values: yes.iter().cloned().collect(),
                false_values: no.as_ref().map(|no| no.iter().cloned().collect()),
            }),
            _ => None,
        },
        (None, Form::Text | Form::Kind | Form::OneOf(_), (false, true, false)) => {
            let codes = table.codes.clone().filter(|codes| !codes.is_empty());
            let fits = |text: &String| target.form.takes_text(text);
            codes
                .filter(|codes| codes.values().all(fits) && table.other.iter().all(fits))
                .map(|codes| Format::Codes { codes, other: table.other.clone() })
        }
        (Some("yuan"), Form::Money, (false, false, false)) => Some(Format::Yuan),
        (Some("fen"), Form::Money, (false, false, false)) => Some(Format::Fen),
        (Some("integer"), Form::Count, (false, false, false)) => Some(Format::Integer),
        (Some("decimal"), Form::Decimal, (false, false, false)) => Some(Format::Decimal),
        (Some("text"), Form::Text | Form::Kind | Form::OneOf(_), (false, false, false)) => Some(Format::Text),
        _ => None,
    };
    if format.is_none() {
        form_fault(checker, here, target);
    }
    format
}

pub(super) fn format_fault(checker: &mut Checker<'_>, here: &At<'_>, error: DateFormatError) {
    let zh = match error {
        DateFormatError::Directive => "日期格式只能用 %Y %m %d %H %M %S",
        DateFormatError::Incomplete => "日期格式须有 %Y 和 %m，各一次",
        DateFormatError::DayMissing => "格式里没有 %d，须写 day = \"first\" 或 \"last\"",
    };
    checker.fault(
        "format_bad",
        here,
        Text::new(zh, error.to_string()),
        Text::new(
            "例如 format = \"%Y%m%d\"，或 format = \"%Y%m\", day = \"first\"",
            "for example format = \"%Y%m%d\", or format = \"%Y%m\" with day = \"first\"",
        ),
    );
}

fn date_format(checker: &mut Checker<'_>, here: &At<'_>, pattern: &str, day: Option<&str>) -> Option<DateFormat> {
    let day = match day {
        None => Ok(None),
        Some("first") => Ok(Some(Day::First)),
        Some("last") => Ok(Some(Day::Last)),
        Some(_) => Err(DateFormatError::DayMissing),
    };
    match day.and_then(|day| DateFormat::new(pattern, day)) {
        Ok(format) => Some(format),
        Err(error) => {
            format_fault(checker, here, error);
            None
        }
    }
}

/// Takes a template apart; `None` when braces do not match or nothing is in them.
fn parts(template: &str, targets: &BTreeSet<String>) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((literal, tail)) = rest.split_once('{') {
        let (name, after) = tail.split_once('}')?;
        if literal.contains('}') || name.trim().is_empty() || name.contains('{') {
            return None;
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal.to_owned()));
        }
        parts.push(if targets.contains(name) { Part::Target(name.to_owned()) } else { Part::Column(name.to_owned()) });
        rest = after;
    }
    if rest.contains('}') || parts.is_empty() {
        return None;
    }
    if !rest.is_empty() {
        parts.push(Part::Literal(rest.to_owned()));
    }
    Some(parts)
}
