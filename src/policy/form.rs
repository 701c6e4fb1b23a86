//! `Form`: what a value in a pack must look like, and every way in which one does not.
//!
//! One table of forms serves four readers: the checks here, the JSON Schema, the page of parameters and
//! the guide; so they cannot drift apart.

mod words;

use std::ops::Range;

use jiff::civil::Date;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::decimal::Decimal;
use super::document::Document;
use super::fault::{Code, Fault};
use crate::domain::dataset::DepartmentId;
use crate::domain::division::DivisionCode;
use crate::domain::fact::Kind;
use crate::domain::money::Money;
use crate::domain::problem::Text;

use words::type_of;
pub(super) use words::{instead, shown};

/// What a value must be. Ranges have both ends included.
#[derive(Debug)]
pub enum Form {
    /// A text that is not empty.
    Text,
    /// A day, `"YYYY-MM-DD"`.
    Date,
    /// Six digits of GB/T 2260.
    Division,
    /// Yuan, `"1234.50"`. Outside the usual range (fen) it is looked at.
    Amount {
        /// What is usual.
        usual: (i64, i64),
    },
    /// A factor or percentage, `"1.5"`.
    Factor {
        /// What can be.
        can: (i64, i64),
        /// What is usual.
        usual: (i64, i64),
    },
    /// A whole number, without quotes.
    Whole {
        /// What can be.
        can: (i64, i64),
        /// What is usual.
        usual: (i64, i64),
    },
    /// `true` or `false`, without quotes.
    Boolean,
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// A list of one of these each at most once; other kinds are possible and looked at.
    Kinds(&'static [&'static str]),
    /// A list of departments, each at most once; others than these are possible and looked at.
    Departments(&'static [&'static str]),
    /// A list of one of these each at most once; others are refused.
    Some(&'static [&'static str]),
    /// All of these, each once, in the order that is to hold.
    Order(&'static [&'static str]),
    /// A list of things of one form, not empty.
    List(&'static Form),
    /// A table of these members and no others.
    Table(&'static [Member]),
    /// Anything: checked elsewhere.
    Any,
}

/// A member of a table.
#[derive(Debug)]
pub struct Member {
    /// Its key.
    pub name: &'static str,
    /// Whether it must be there.
    pub is_required: bool,
    /// Its form.
    pub form: Form,
    /// What it says, in English.
    pub en: &'static str,
}

/// A member that must be there.
pub(super) const fn must(name: &'static str, form: Form, en: &'static str) -> Member {
    Member { name, is_required: true, form, en }
}

/// A member that may be left out.
pub(super) const fn may(name: &'static str, form: Form, en: &'static str) -> Member {
    Member { name, is_required: false, form, en }
}

/// Checks values of one file against forms, and keeps every fault.
pub(super) struct Examiner<'d, 't> {
    pub(super) document: &'d Document<'t>,
    pub(super) faults: Vec<Fault>,
    errors: usize,
}

impl<'d, 't> Examiner<'d, 't> {
    pub(super) const fn new(document: &'d Document<'t>) -> Self {
        Self { document, faults: Vec::new(), errors: 0 }
    }

    /// Adds a fault at a span. On a line that is not TOML it would only repeat that.
    pub(super) fn fault(&mut self, code: Code, span: &Range<usize>, key: &str, detail: Text, fix: Text) {
        let spot = self.document.spot_of(span);
        if !self.document.broken_lines.contains(&spot.line) {
            self.push(Fault::new(code, &spot, key, detail, fix));
        }
    }

    /// Adds a fault.
    pub(super) fn push(&mut self, fault: Fault) {
        self.errors += usize::from(fault.is_error());
        self.faults.push(fault);
    }

    /// True when `check` adds no error.
    pub(super) fn is_sound(&mut self, check: impl FnOnce(&mut Self)) -> bool {
        let before = self.errors;
        check(self);
        self.errors == before
    }

    /// Checks a table: members that are not known, members that are missing, and the form of each.
    pub(super) fn table(&mut self, table: &DeTable<'_>, span: &Range<usize>, members: &[Member], key: &str) {
        let below = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
        for (name, value) in table {
            let text = name.get_ref().as_ref();
            if let Some(member) = members.iter().find(|member| member.name == text) {
                self.value(value, &member.form, &below(text));
            } else {
                let known: Vec<&str> = members.iter().map(|member| member.name).collect();
                let fix = instead(text, &known);
                let detail = Text::new("没有这个键", "is not known");
                self.fault(Code::KeyUnknown, &name.span(), &below(&shown(text)), detail, fix);
            }
        }
        for member in members.iter().filter(|member| member.is_required) {
            let is_there = table.iter().any(|(name, _)| name.get_ref().as_ref() == member.name);
            // What is missing may stand on a line that could not be read.
            if is_there || !self.document.broken_lines.is_empty() {
                continue;
            }
            let code = if member.name == "source" { Code::SourceMissing } else { Code::KeyMissing };
            self.fault(code, span, &below(member.name), Text::new("缺少", "is missing"), missing_fix(member));
        }
    }

    /// Checks a value against a form.
    pub(super) fn value(&mut self, value: &Spanned<DeValue<'_>>, form: &Form, key: &str) {
        let span = value.span();
        match (form, value.get_ref()) {
            (Form::Any, _) | (Form::Boolean, DeValue::Boolean(_)) => {}
            (Form::Text, DeValue::String(text)) => {
                if text.trim().is_empty() {
                    let code = if key.ends_with(".source") { Code::SourceMissing } else { Code::TextEmpty };
                    let fix = Text::new("请填写内容", "Give it a text");
                    self.fault(code, &span, key, Text::new("是空的", "is empty"), fix);
                }
            }
            (Form::Date, DeValue::String(text)) => {
                if text.len() != 10 || text.parse::<Date>().is_err() {
                    let detail =
                        Text::new(format!("{} 不是日期", shown(text)), format!("{} is not a day", shown(text)));
                    self.fault(Code::DateInvalid, &span, key, detail, date_fix());
                }
            }
            (Form::Date, DeValue::Datetime(when)) => {
                let fix = Text::new(format!("请加双引号：\"{when}\""), format!("Put it in double quotes: \"{when}\""));
                let detail = Text::new("日期没有加引号", "is a date without quotes");
                self.fault(Code::DateInvalid, &span, key, detail, fix);
            }
            (Form::Division, DeValue::String(text)) => {
                if DivisionCode::parse(text).is_err() {
                    let detail = Text::new(
                        format!("{} 不是行政区划代码", shown(text)),
                        format!("{} is not a division code", shown(text)),
                    );
                    let fix = Text::new(
                        "请填 GB/T 2260 的六位数字，如 \"152201\"",
                        "Give six digits of GB/T 2260, such as \"152201\"",
                    );
                    self.fault(Code::DivisionUnknown, &span, key, detail, fix);
                }
            }
            (Form::Amount { usual }, found) => self.amount(found, *usual, &span, key),
            (Form::Factor { can, usual }, found) => self.factor(found, *can, *usual, &span, key),
            (Form::Whole { can, usual }, DeValue::Integer(number)) => {
                match i64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) if (can.0..=can.1).contains(&number) => {
                        if !(usual.0..=usual.1).contains(&number) {
                            self.unusual(&number.to_string(), (&usual.0.to_string(), &usual.1.to_string()), &span, key);
                        }
                    }
                    _ => self.out_of_range(&number.to_string(), *can, &span, key),
                }
            }
            (Form::Choice(choices), DeValue::String(text)) => {
                if !choices.contains(&text.as_ref()) {
                    self.not_a_choice(text, choices, &span, key);
                }
            }
            (Form::Kinds(known), DeValue::Array(items)) => {
                self.names(items, known, |text| Kind::parse(text).is_some(), key);
            }
            (Form::Departments(known), DeValue::Array(items)) => {
                self.names(items, known, |text| DepartmentId::parse(text).is_ok(), key);
            }
            (Form::Some(known), DeValue::Array(items)) => {
                if items.is_empty() {
                    self.empty_list(&span, key);
                }
                self.names(items, known, |_| false, key);
            }
            (Form::Order(all), DeValue::Array(items)) => {
                self.names(items, all, |_| false, key);
                let missing: Vec<&str> = all
                    .iter()
                    .filter(|name| !items.iter().any(|item| item.get_ref().as_str() == Some(name)))
                    .copied()
                    .collect();
                if !missing.is_empty() {
                    let names = missing.join(", ");
                    let detail = Text::new(format!("没有列出 {names}"), format!("does not name {names}"));
                    let fix = Text::new("请各列一次", "Name each of them once");
                    self.fault(Code::ListInvalid, &span, key, detail, fix);
                }
            }
            (Form::List(item_form), DeValue::Array(items)) => {
                if items.is_empty() {
                    self.empty_list(&span, key);
                }
                for (index, item) in items.iter().enumerate() {
                    self.value(item, item_form, &format!("{key}[{}]", index + 1));
                }
            }
            (Form::Table(members), DeValue::Table(table)) => self.table(table, &span, members, key),
            (form, found) => {
                let (zh, en) = form.words();
                let detail = Text::new(
                    format!("应为{zh}，却是{}", type_of(found).0),
                    format!("must be {en}, but is {}", type_of(found).1),
                );
                let fix = Text::new(format!("例如 {}", form.example()), format!("For example {}", form.example()));
                self.fault(Code::ValueType, &span, key, detail, fix);
            }
        }
    }

    fn amount(&mut self, found: &DeValue<'_>, usual: (i64, i64), span: &Range<usize>, key: &str) {
        let text = match found {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(_) | DeValue::Float(_) => {
                let digits = match found {
                    DeValue::Integer(number) => number.to_string(),
                    DeValue::Float(number) => number.to_string(),
                    _ => String::new(),
                };
                let detail = Text::new("金额没有加引号", "is an amount without quotes");
                let fix = Text::new(format!("请写 \"{digits}\""), format!("Write \"{digits}\""));
                return self.fault(Code::AmountInvalid, span, key, detail, fix);
            }
            _ => String::new(),
        };
        if let Ok(amount) = Money::parse(&text) {
            if !(usual.0..=usual.1).contains(&amount.fen()) {
                let yuan = |fen| Money::from_fen(fen).yuan();
                self.unusual(&amount.yuan(), (&yuan(usual.0), &yuan(usual.1)), span, key);
            }
            return;
        }
        let told = shown(&text);
        let detail = Text::new(format!("{told} 不是金额"), format!("{told} is not an amount"));
        let plain: String = text.chars().filter_map(plain_digit).collect();
        let fix = match Money::parse(&plain) {
            // A thousands separator, a unit or full-width digits: the amount meant is plain.
            Ok(_) => Text::new(
                format!("请只写数字和小数点：\"{plain}\""),
                format!("Write digits and the decimal point only: \"{plain}\""),
            ),
            Err(_) => Text::new(
                "请写以元为单位、至多两位小数、不为负的数，如 \"829.00\"",
                "Write yuan, not negative, at most two places, such as \"829.00\"",
            ),
        };
        self.fault(Code::AmountInvalid, span, key, detail, fix);
    }

    fn factor(&mut self, found: &DeValue<'_>, can: (i64, i64), usual: (i64, i64), span: &Range<usize>, key: &str) {
        let text = found.as_str().unwrap_or_default();
        match Decimal::parse(text) {
            Ok(factor) if Decimal::whole(can.0).exceeds(factor) || factor.is_above(can.1) => {
                self.out_of_range(text, can, span, key);
            }
            Ok(factor) => {
                if Decimal::whole(usual.0).exceeds(factor) || factor.is_above(usual.1) {
                    self.unusual(text, (&usual.0.to_string(), &usual.1.to_string()), span, key);
                }
            }
            Err(_) => {
                let told = if text.is_empty() { type_of(found).1.to_owned() } else { shown(text) };
                let detail =
                    Text::new(format!("{told} 不是倍数或百分比"), format!("{told} is not a factor or percentage"));
                let fix = Text::new(
                    "请写带双引号、不带 % 的数，如 \"1.5\" 或 \"10\"",
                    "Write a number in double quotes without %, such as \"1.5\" or \"10\"",
                );
                self.fault(Code::FactorInvalid, span, key, detail, fix);
            }
        }
    }

    /// Checks names in a list; one that is not known but `possible` is looked at.
    fn names(&mut self, items: &[Spanned<DeValue<'_>>], known: &[&str], possible: fn(&str) -> bool, key: &str) {
        for (index, item) in items.iter().enumerate() {
            let (span, key) = (item.span(), format!("{key}[{}]", index + 1));
            let Some(text) = item.get_ref().as_str() else {
                self.value(item, &Form::Text, &key);
                continue;
            };
            if items.iter().take(index).any(|other| other.get_ref().as_str() == Some(text)) {
                let detail = Text::new(format!("{} 重复", shown(text)), format!("{} stands twice", shown(text)));
                self.fault(Code::ListInvalid, &span, &key, detail, Text::new("请只保留一个", "Keep one"));
            } else if !known.contains(&text) {
                if possible(text) {
                    let detail = Text::new(
                        format!("{text} 不是这里通常用的名称"),
                        format!("{text} is not one of the names usual here"),
                    );
                    self.fault(Code::KindUnknown, &span, &key, detail, instead(text, known));
                } else {
                    self.not_a_choice(text, known, &span, &key);
                }
            }
        }
    }

    fn not_a_choice(&mut self, text: &str, choices: &[&str], span: &Range<usize>, key: &str) {
        let detail = Text::new(format!("{} 不在可选值之内", shown(text)), format!("{} is not a choice", shown(text)));
        self.fault(Code::ChoiceUnknown, span, key, detail, instead(text, choices));
    }

    fn empty_list(&mut self, span: &Range<usize>, key: &str) {
        let fix = Text::new("请列出，或删去整行", "List something, or leave the line out");
        self.fault(Code::ListInvalid, span, key, Text::new("清单为空", "is an empty list"), fix);
    }

    fn out_of_range(&mut self, text: &str, can: (i64, i64), span: &Range<usize>, key: &str) {
        let (least, most) = can;
        let detail = Text::new(format!("{text} 超出范围"), format!("{text} is out of range"));
        let fix = Text::new(format!("应在 {least} 到 {most} 之间"), format!("It must lie between {least} and {most}"));
        self.fault(Code::OutOfRange, span, key, detail, fix);
    }

    fn unusual(&mut self, text: &str, usual: (&str, &str), span: &Range<usize>, key: &str) {
        let (least, most) = usual;
        let detail = Text::new(
            format!("{text} 不在通常的 {least} 到 {most} 之内"),
            format!("{text} is not between the usual {least} and {most}"),
        );
        let fix = Text::new(
            "请对照原文核对数字和单位（月还是年）",
            "Compare number and unit (month or year) with the document",
        );
        self.fault(Code::ValueUnusual, span, key, detail, fix);
    }
}

/// What a digit, point or separator of an amount is in plain writing; nothing for what may be dropped.
fn plain_digit(letter: char) -> Option<char> {
    match letter {
        ',' | '，' | '_' | ' ' | '元' | '￥' | '¥' | '\u{3000}' => None,
        '０'..='９' => char::from_digit(u32::from(letter) - u32::from('０'), 10),
        '．' => Some('.'),
        other => Some(other),
    }
}

fn date_fix() -> Text {
    Text::new("请写 \"年-月-日\"，如 \"2025-01-01\"", "Write \"year-month-day\", such as \"2025-01-01\"")
}

fn missing_fix(member: &Member) -> Text {
    let example = format!("{} = {}", member.name, member.form.example());
    if member.name == "source" {
        return Text::new(
            "没有出处的数字不会被采用：请加 source = \"文号或网址\"；推定或借用的数字也要写明从何而来",
            "A figure without a source is not used: add source = \"document or address\"; also for an assumed or borrowed figure, which must say from where",
        );
    }
    Text::new(format!("请加一行，如 {example}"), format!("Add a line such as {example}"))
}

#[cfg(test)]
mod tests;
