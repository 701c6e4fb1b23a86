//! The rows of a pack file: figures that verdicts use, published figures that none uses, and cases.

use std::ops::Range;

use jiff::civil::Date;
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::{DatedReference, Figure, Header, PackCase, Reference, check_code, span_of};
use crate::domain::division::DivisionCode;
use crate::domain::household::UrbanRural;
use crate::domain::problem::Text;
use crate::policy::dictionary::{self, MONTHLY_STANDARD, YEARLY_STANDARD};
use crate::policy::document::{Document, json_of, member};
use crate::policy::fault::{Code, Spot};
use crate::policy::form::{Examiner, Form, Member, instead, may, must};
use crate::policy::parameters::Provenance;
use crate::policy::values::{FIELDS, StandardPeriod, Values};

/// The words a status begins with. What is not trusted at all does not belong among the parameters.
pub(in crate::policy) const STATUSES: [&str; 6] =
    ["verified", "borrowed", "assumed", "stand-in", "invented", "unstated"];

const SIDES: Form = Form::Choice(&["URBAN", "RURAL"]);

/// A figure that verdicts use.
pub(in crate::policy) const ROW: &[Member] = &[
    must("field", Form::Text, "Name of the parameter."),
    may("urban_rural", SIDES, "Which side the figure is for; both when absent."),
    must("value", Form::Any, "The value in its published form; its shape depends on `field`."),
    may("from", Form::Date, "First day; the file's when absent."),
    may("to", Form::Date, "Last day, included; the file's when absent."),
    may("divisions", Form::List(&Form::Division), "Only for these divisions inside the file's."),
    must("status", Form::Text, "How far to trust the figure: `verified`, or `borrowed: …`, `assumed: …` and the like."),
    must("source", Form::Text, "The document or page; for a figure that is not verified, what it was taken from."),
    may("note", Form::Text, "What else should be known."),
    may("year", Form::Whole { can: (1949, 2100), usual: (2000, 2100) }, "The year the figure is of."),
];

/// The kinds of published figure that no verdict uses.
pub(in crate::policy) const REFERENCE_KINDS: &[&str] = &[
    "dibao",
    "tekun_basic",
    "tekun_care_self",
    "tekun_care_partial",
    "tekun_care_full",
    "minimum_wage",
    "disposable_income_per_capita",
    "consumption_per_capita",
    "disability_living_subsidy",
    "disability_care_subsidy",
    "orphan_institution",
    "orphan_dispersed",
    "rule_multiple",
];

/// A published figure that no verdict uses.
pub(in crate::policy) const REFERENCE: &[Member] = &[
    must("kind", Form::Choice(REFERENCE_KINDS), "What it is."),
    may("urban_rural", Form::Text, "Which side, as published."),
    may("amounts", Form::List(&Form::Amount { usual: (0, 100_000_000) }), "Yuan; several for tiers."),
    may("unit", Form::Choice(&["MONTH", "YEAR", "HOUR"]), "Of the amounts."),
    may("rule", Form::Text, "A rule in words, instead of amounts."),
    must("from", Form::Text, "From when, as published: \"2024\", \"2024-10\", \"2024-10-01\", \"as of 2024-10-01\"."),
    must("status", Form::Text, "How far to trust it."),
    must("source", Form::Text, "The document or page."),
    may("note", Form::Text, "What else should be known."),
];

type Table<'v, 't> = (Range<usize>, &'v DeTable<'t>);

/// Names what is wrong with rows that cannot be placed, for want of a header.
pub(super) fn examine(parameters: &[Table<'_, '_>], references: &[Table<'_, '_>], examiner: &mut Examiner<'_, '_>) {
    for (index, (span, table)) in parameters.iter().enumerate() {
        let key = format!("parameter[{}]", index + 1);
        examiner.table(table, span, ROW, &key);
        field_of(table, &key, examiner);
    }
    for (index, (span, table)) in references.iter().enumerate() {
        examiner.table(table, span, REFERENCE, &format!("reference[{}]", index + 1));
    }
}

fn text<'v>(table: &'v DeTable<'_>, name: &str) -> Option<&'v str> {
    member(table, name)?.1.get_ref().as_str()
}

fn day(table: &DeTable<'_>, name: &str) -> Option<Date> {
    text(table, name)?.parse().ok()
}

/// The parameter a row is about, its value checked against the form of it.
fn field_of(table: &DeTable<'_>, key: &str, examiner: &mut Examiner<'_, '_>) -> Option<&'static str> {
    let (_, named) = member(table, "field")?;
    let written = named.get_ref().as_str()?;
    let Some(parameter) = dictionary::find(written) else {
        let detail = Text::new(format!("没有参数 {written}"), format!("names {written}, which is not a parameter"));
        let fix = instead(written, FIELDS);
        examiner.fault(Code::ParameterUnknown, &named.span(), &format!("{key}.field"), detail, fix);
        return None;
    };
    if let Some((_, value)) = member(table, "value") {
        examiner.value(value, &parameter.form, &format!("{key}.value"));
    }
    Some(parameter.field)
}

/// Reads a figure; nothing when it has an error.
pub(super) fn figure(
    index: usize,
    span: &Range<usize>,
    table: &DeTable<'_>,
    header: &Header,
    examiner: &mut Examiner<'_, '_>,
) -> Option<Figure> {
    let key = format!("parameter[{}]", index + 1);
    let mut field = None;
    let is_sound = examiner.is_sound(|examiner| {
        examiner.table(table, span, ROW, &key);
        field = field_of(table, &key, examiner);
        check_status(table, &key, examiner);
        check_period(table, span, header, &key, examiner);
        check_divisions(table, header, &key, examiner);
    });
    let field = field.filter(|_| is_sound)?;
    let (_, value) = member(table, "value")?;
    let parsed = parse_value(field, value);
    let parsed = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            let span = error.span().unwrap_or_else(|| value.span());
            let detail = Text::new(error.message(), error.message());
            let fix =
                Text::new("写法见 docs/policy-parameters.md", "docs/policy-parameters.md shows how it is written");
            examiner.fault(Code::ValueType, &span, &format!("{key}.value"), detail, fix);
            return None;
        }
    };
    if !examiner.is_sound(|examiner| {
        check_standard(&parsed, &value.span(), &key, examiner);
        check_tolerance(&parsed, &value.span(), &key, examiner);
    }) {
        return None;
    }
    let from = day(table, "from").unwrap_or(header.effective_from);
    let to = day(table, "to").or(header.effective_to);
    let spot = examiner.document.spot_of(&value.span());
    let owned = |name: &str| text(table, name).map(str::to_owned);
    let provenance = Provenance {
        status: owned("status")?,
        source: owned("source"),
        note: owned("note"),
        year: member(table, "year").and_then(|(_, year)| year.get_ref().as_integer()?.as_str().parse().ok()),
        effective_from: Some(from),
        effective_to: to,
        division: Some(header.division),
        file: Some(std::sync::Arc::clone(&examiner.document.file)),
        line: Some(spot.line),
    };
    let urban_rural = text(table, "urban_rural").map(|side| match side {
        "RURAL" => UrbanRural::Rural,
        _ => UrbanRural::Urban,
    });
    let divisions = divisions(table).into_iter().map(|(code, _)| code).collect();
    Some(Figure { field, urban_rural, from, to, divisions, value: parsed, provenance, spot, key })
}

/// The value under the name of its parameter, by the types themselves: the last word on what a value may be.
fn parse_value(field: &'static str, value: &Spanned<DeValue<'_>>) -> Result<Values, toml::de::Error> {
    let mut table = DeTable::new();
    table.insert(Spanned::new(value.span(), field.into()), value.clone());
    Values::deserialize(ValueDeserializer::from(Spanned::new(value.span(), DeValue::Table(table))))
}

fn check_status(table: &DeTable<'_>, key: &str, examiner: &mut Examiner<'_, '_>) {
    let Some((_, value)) = member(table, "status") else { return };
    let Some(status) = value.get_ref().as_str().filter(|status| !status.trim().is_empty()) else { return };
    let word: String = status.chars().take_while(|letter| letter.is_ascii_alphabetic() || *letter == '-').collect();
    if !STATUSES.contains(&word.as_str()) {
        let detail = Text::new("开头的词不在可选值之内", "does not begin with one of the words for it");
        let fix = Text::new(
            format!("请以 {} 之一开头；不能采用的数字放在 [[reference]] 里", STATUSES.join("、")),
            format!(
                "Begin with one of {}; a figure that cannot be used belongs under [[reference]]",
                STATUSES.join(", ")
            ),
        );
        examiner.fault(Code::StatusUnknown, &value.span(), &format!("{key}.status"), detail, fix);
    }
}

fn check_period(table: &DeTable<'_>, span: &Range<usize>, header: &Header, key: &str, examiner: &mut Examiner<'_, '_>) {
    let (from, to) = (day(table, "from"), day(table, "to"));
    let first = from.unwrap_or(header.effective_from);
    let mut outside = |name: &str, zh: String, en: String| {
        let fix = Text::new("请改日期，或改文件的有效期", "Mend the day, or the period of the file");
        let span = span_of(table, name, span);
        examiner.fault(Code::PeriodOutside, &span, &format!("{key}.{name}"), Text::new(zh, en), fix);
    };
    if from.is_some_and(|day| day < header.effective_from) {
        let start = header.effective_from;
        outside("from", format!("早于文件的生效日 {start}"), format!("is before the file's first day, {start}"));
    }
    if let Some(end) = header.effective_to {
        if to.is_some_and(|day| day > end) {
            outside("to", format!("晚于文件的截止日 {end}"), format!("is after the file's last day, {end}"));
        }
        if from.is_some_and(|day| day > end) {
            outside("from", format!("晚于文件的截止日 {end}"), format!("is after the file's last day, {end}"));
        }
    }
    if to.is_some_and(|last| last < first) {
        let detail = Text::new(format!("早于起期 {first}"), format!("is before the first day, {first}"));
        let fix = Text::new("请核对两个日期，两端都包括在内", "Compare both days; both ends are included");
        let span = span_of(table, "to", span);
        examiner.fault(Code::PeriodReversed, &span, &format!("{key}.to"), detail, fix);
    }
}

fn divisions(table: &DeTable<'_>) -> Vec<(DivisionCode, Range<usize>)> {
    let items = member(table, "divisions").and_then(|(_, value)| value.get_ref().as_array());
    let items = items.into_iter().flat_map(|items| items.iter());
    items.filter_map(|item| Some((DivisionCode::parse(item.get_ref().as_str()?).ok()?, item.span()))).collect()
}

fn check_divisions(table: &DeTable<'_>, header: &Header, key: &str, examiner: &mut Examiner<'_, '_>) {
    let listed = divisions(table);
    let from = day(table, "from").unwrap_or(header.effective_from);
    for (index, (code, span)) in listed.iter().enumerate() {
        let key = format!("{key}.divisions[{}]", index + 1);
        if listed.iter().take(index).any(|(other, _)| other == code) {
            let detail = Text::new(format!("{code} 重复"), format!("{code} stands twice"));
            examiner.fault(Code::ListInvalid, span, &key, detail, Text::new("请只保留一个", "Keep one"));
        } else if !code.is_inside(header.division) {
            let own = header.division;
            let detail = Text::new(format!("{code} 不在 {own} 之内"), format!("{code} is not inside {own}"));
            let fix = Text::new("请移到该区划自己的文件", "Move it to a file of that division");
            examiner.fault(Code::DivisionOutside, span, &key, detail, fix);
        } else {
            check_code(*code, from, span, &key, examiner);
        }
    }
}

/// A standard above zero, and in the range of its own unit: an annual figure entered as monthly stands out.
fn check_standard(values: &Values, span: &Range<usize>, key: &str, examiner: &mut Examiner<'_, '_>) {
    let Some(standard) = values.dibao_standard else { return };
    let fen = standard.amount.fen();
    let key = format!("{key}.value.amount");
    if fen == 0 {
        let fix = Text::new("请填公布的数额", "Give the published amount");
        examiner.fault(Code::OutOfRange, span, &key, Text::new("标准为零", "is zero"), fix);
        return;
    }
    let ((low, high), (zh, en), (other_zh, other)) = match standard.period {
        StandardPeriod::Month => (MONTHLY_STANDARD, ("月", "month"), ("年", "YEAR")),
        StandardPeriod::Year => (YEARLY_STANDARD, ("年", "year"), ("月", "MONTH")),
    };
    if (low..=high).contains(&fen) {
        return;
    }
    let yuan = |fen| crate::domain::money::Money::from_fen(fen).yuan();
    let amount = standard.amount.yuan();
    let detail = Text::new(
        format!("每{zh} {amount} 元不在通常的 {} 到 {} 元之内", yuan(low), yuan(high)),
        format!("{amount} yuan a {en} is not between the usual {} and {}", yuan(low), yuan(high)),
    );
    let fix = Text::new(
        format!("若公布的是每{other_zh}的标准，请写 period = \"{other}\""),
        format!("If the document gives it by the {}, write period = \"{other}\"", other.to_ascii_lowercase()),
    );
    examiner.fault(Code::ValueUnusual, span, &key, detail, fix);
}

/// A tolerance that says nothing is none.
fn check_tolerance(values: &Values, span: &Range<usize>, key: &str, examiner: &mut Examiner<'_, '_>) {
    if values.declaration_tolerance.is_some_and(|allowed| allowed.percent.is_none() && allowed.amount.is_none()) {
        let detail = Text::new("既没有百分比也没有金额", "has neither percent nor amount");
        let fix = Text::new("请至少写一项，或删去这一行", "Give one of them at least, or leave the row out");
        examiner.fault(Code::KeyMissing, span, &format!("{key}.value"), detail, fix);
    }
}

/// Reads a reference; nothing when it has an error.
pub(super) fn reference(
    index: usize,
    span: &Range<usize>,
    table: &DeTable<'_>,
    examiner: &mut Examiner<'_, '_>,
) -> Option<DatedReference> {
    let key = format!("reference[{}]", index + 1);
    let mut from = None;
    let is_sound = examiner.is_sound(|examiner| {
        examiner.table(table, span, REFERENCE, &key);
        let has = |name| member(table, name).is_some();
        if !(has("rule") || has("amounts") && has("unit")) {
            let fix = Text::new("请写 amounts 和 unit，或写 rule", "Give amounts and unit, or rule");
            examiner.fault(Code::KeyMissing, span, &key, Text::new("没有数额", "has no amounts"), fix);
        }
        if let Some((_, value)) = member(table, "from") {
            from = value.get_ref().as_str().and_then(published_day);
            if from.is_none() && value.get_ref().as_str().is_some() {
                let detail = Text::new("不是年、年-月或日期", "is not a year, a month or a day");
                let fix = Text::new("如 \"2024\"、\"2024-10\"", "Such as \"2024\" or \"2024-10\"");
                examiner.fault(Code::DateInvalid, &value.span(), &format!("{key}.from"), detail, fix);
            }
        }
    });
    let from = from.filter(|_| is_sound)?;
    let value = Spanned::new(span.clone(), DeValue::Table(table.clone()));
    let reference = Reference::deserialize(ValueDeserializer::from(value)).ok()?;
    Some(DatedReference { reference, from, spot: examiner.document.spot_of(span), key })
}

/// The first day of `2024`, `2024-10`, `2024-10-01`, `as of …`, `before …`, `2023?`.
fn published_day(text: &str) -> Option<Date> {
    if let Some(end) = text.strip_prefix("before ") {
        return published_day(end)?.yesterday().ok();
    }
    let text = text.strip_prefix("as of ").unwrap_or(text);
    let text = text.strip_suffix('?').unwrap_or(text);
    let parts: Vec<&str> = text.split('-').collect();
    let number = |part: &str, width: usize| {
        let fits = part.len() == width && part.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| part.parse::<i16>().ok())?
    };
    let small = |part: &str| number(part, 2).and_then(|number| i8::try_from(number).ok());
    match parts.as_slice() {
        [year] => Date::new(number(year, 4)?, 1, 1).ok(),
        [year, month] => Date::new(number(year, 4)?, small(month)?, 1).ok(),
        [year, month, day] => Date::new(number(year, 4)?, small(month)?, small(day)?).ok(),
        _ => None,
    }
}

/// A case as JSON, with the place of each of its values.
pub(super) fn case(index: usize, span: &Range<usize>, table: &DeTable<'_>, document: &Document<'_>) -> PackCase {
    fn walk(value: &DeValue<'_>, pointer: &str, document: &Document<'_>, spots: &mut Vec<(String, Spot)>) {
        let mut each = |name: String, value: &Spanned<DeValue<'_>>| {
            let pointer = format!("{pointer}/{name}");
            spots.push((pointer.clone(), document.spot_of(&value.span())));
            walk(value.get_ref(), &pointer, document, spots);
        };
        match value {
            DeValue::Table(table) => table.iter().for_each(|(key, value)| each(key.get_ref().to_string(), value)),
            DeValue::Array(items) => {
                items.iter().enumerate().for_each(|(index, value)| each(index.to_string(), value));
            }
            _ => {}
        }
    }
    let value = DeValue::Table(table.clone());
    let mut spots = vec![(String::new(), document.spot_of(span))];
    walk(&value, "", document, &mut spots);
    PackCase { json: json_of(&value), key: format!("case[{}]", index + 1), spots }
}
