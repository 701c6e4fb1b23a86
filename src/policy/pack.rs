//! One pack file: its header, its rows, and the checks that each must pass before it can count.
//!
//! Reading and checking are one path: what loads is what `hedui policy check` finds no error in.

mod rows;
mod write;

use std::ops::Range;
use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use toml::de::{DeTable, DeValue};

use super::divisions;
use super::document::{Document, decode, member, tables};
use super::fault::{Code, Fault, Spot, in_reading_order};
use super::form::{Examiner, Form, Member, may, must};
use super::parameters::Provenance;
use super::values::Values;
use crate::domain::division::DivisionCode;
use crate::domain::household::{Place, UrbanRural};
use crate::domain::money::Money;
use crate::domain::problem::Text;

pub(super) use rows::{REFERENCE, ROW, STATUSES};

/// The header of a file.
pub(super) const HEADER: &[Member] = &[
    must("division", Form::Division, "The division, as the folder is named."),
    must("effective_from", Form::Date, "First day, as the file is named."),
    may("effective_to", Form::Date, "Last day, included."),
    may("variant", Form::Text, "Name of a second set of rules in force beside the default; absent for the default."),
    must("place_zh", Form::Text, "The place in words."),
    may("note", Form::Text, "What else should be known."),
    may(
        "division_source",
        Form::Text,
        "For a code that is not in the list of GB/T 2260 yet: the announcement that made it.",
    ),
    may(
        "names",
        Form::Table(&[may("URBAN", Form::Text, "城镇"), may("RURAL", Form::Text, "农村")]),
        "Names under which the urban and the rural parameters of this division are known.",
    ),
];

/// Faults told of one file. A file that has more is not a pack with mistakes but something else.
const MAX_FAULTS: usize = 1000;

const SECTIONS: [&str; 4] = ["pack", "parameter", "reference", "case"];

/// What a pack file is: whose, from when, under which names.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) division: DivisionCode,
    pub(super) effective_from: Date,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) effective_to: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) variant: Option<String>,
    pub(super) place_zh: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    division_source: Option<String>,
    #[serde(default)]
    pub(super) names: Names,
}

/// The names under which the urban and the rural parameters are known.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) struct Names {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) urban: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rural: Option<String>,
}

impl Names {
    pub(super) const fn of(&self, urban_rural: UrbanRural) -> Option<&String> {
        match urban_rural {
            UrbanRural::Urban => self.urban.as_ref(),
            UrbanRural::Rural => self.rural.as_ref(),
        }
    }
}

/// A published figure that no verdict uses: an average, a rate, a care standard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// What it is: `dibao`, `tekun_basic`, `minimum_wage`, …
    pub kind: String,
    /// `URBAN`, `RURAL` or finer, as published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urban_rural: Option<String>,
    /// Amounts in yuan; several for tiers, none for a rule in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amounts: Vec<Money>,
    /// `MONTH`, `YEAR` or `HOUR`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// A rule in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// From when, as published: a year, a month or a day.
    pub from: String,
    /// How far to trust it.
    pub status: String,
    /// The page.
    pub source: String,
    /// What else should be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A checked row.
#[derive(Debug, Clone)]
pub(super) struct Figure {
    pub(super) field: &'static str,
    pub(super) urban_rural: Option<UrbanRural>,
    pub(super) from: Date,
    pub(super) to: Option<Date>,
    pub(super) divisions: Vec<DivisionCode>,
    pub(super) value: Values,
    pub(super) provenance: Provenance,
    pub(super) spot: Spot,
    pub(super) key: String,
}

impl Figure {
    pub(super) fn holds(&self, place: Place, on: Date) -> bool {
        self.from <= on
            && self.to.is_none_or(|last| on <= last)
            && self.urban_rural.is_none_or(|side| side == place.urban_rural)
            && (self.divisions.is_empty() || self.divisions.contains(&place.division_code))
    }
}

/// A reference with the day it is from and where it stands.
#[derive(Debug, Clone)]
pub(super) struct DatedReference {
    pub(super) reference: Reference,
    pub(super) from: Date,
    pub(super) spot: Spot,
    pub(super) key: String,
}

/// A case inside a pack: what a household must be told under the rules of its place.
#[derive(Debug, Clone)]
pub struct PackCase {
    /// The case as JSON, in the format of the worked cases.
    pub json: serde_json::Value,
    /// Its key, such as `case[1]`.
    pub key: String,
    spots: Vec<(String, Spot)>,
}

impl PackCase {
    /// Where the value at a JSON pointer inside the case stands; the nearest value around it when there is none.
    pub fn spot(&self, pointer: &str) -> &Spot {
        let mut pointer = pointer;
        loop {
            if let Some((_, spot)) = self.spots.iter().find(|(at, _)| at == pointer) {
                return spot;
            }
            pointer = pointer.rsplit_once('/').map_or("", |(outer, _)| outer);
            if pointer.is_empty() {
                return &self.spots.first().expect("a case has a spot of its own").1;
            }
        }
    }
}

/// A checked pack file.
#[derive(Debug, Clone)]
pub(super) struct Pack {
    pub(super) file: Arc<str>,
    pub(super) header: Header,
    pub(super) spot: Spot,
    pub(super) figures: Vec<Figure>,
    pub(super) references: Vec<DatedReference>,
    pub(super) cases: Vec<PackCase>,
}

impl Pack {
    /// Reads and checks one file; `file` ends in `<division code>/<date>[.<variant>].toml`. Every mistake is
    /// added to `faults`. The pack holds what was sound; it is nothing when the header was not.
    pub(super) fn read(file: &Arc<str>, bytes: &[u8], faults: &mut Vec<Fault>) -> Option<Self> {
        let text = match decode(file, bytes) {
            Ok(text) => text,
            Err(fault) => {
                faults.push(fault);
                return None;
            }
        };
        let mut found = Vec::new();
        let document = Document::parse(file, text, &mut found);
        let mut examiner = Examiner::new(&document);
        let pack = read_document(&document, &mut examiner);
        found.append(&mut examiner.faults);
        in_reading_order(&mut found);
        if found.len() > MAX_FAULTS {
            let more = found.len() - MAX_FAULTS;
            found.truncate(MAX_FAULTS);
            let detail = Text::new(format!("还有 {more} 处未列出"), format!("has {more} more that are not listed"));
            let fix = Text::new("请先改正已列出的", "Mend those that are listed first");
            found.push(Fault::new(Code::MoreFaults, &Spot::file(file), "", detail, fix));
        }
        faults.append(&mut found);
        pack
    }

    /// True on the days the file holds.
    pub(super) fn is_in_force(&self, on: Date) -> bool {
        self.header.effective_from <= on && self.header.effective_to.is_none_or(|last| on <= last)
    }
}

fn read_document(document: &Document<'_>, examiner: &mut Examiner<'_, '_>) -> Option<Pack> {
    let root = document.root.get_ref();
    for (name, _) in root.iter().filter(|(name, _)| !SECTIONS.contains(&name.get_ref().as_ref())) {
        let text = name.get_ref();
        let detail = Text::new("没有这一节", "is not a part of a pack");
        let fix = super::form::instead(text, &SECTIONS);
        examiner.fault(Code::KeyUnknown, &name.span(), &super::form::shown(text), detail, fix);
    }
    let header = read_header(root, document, examiner);
    let sections = ["parameter", "reference", "case"].map(|name| section(root, name, examiner));
    let Some((header, span)) = header else {
        // Without a header nothing can be placed, but what is wrong with the rows can still be told.
        let [parameters, references, _] = sections;
        rows::examine(&parameters, &references, examiner);
        return None;
    };
    let [parameters, references, cases] = sections;
    let figures = parameters
        .iter()
        .enumerate()
        .filter_map(|(index, (span, table))| rows::figure(index, span, table, &header, examiner))
        .collect();
    let references = references
        .iter()
        .enumerate()
        .filter_map(|(index, (span, table))| rows::reference(index, span, table, examiner))
        .collect();
    let cases =
        cases.iter().enumerate().map(|(index, (span, table))| rows::case(index, span, table, document)).collect();
    let file = Arc::clone(&document.file);
    Some(Pack { file, header, spot: document.spot_of(&span), figures, references, cases })
}

/// The tables of `[[name]]`.
fn section<'v, 't>(
    root: &'v DeTable<'t>,
    name: &str,
    examiner: &mut Examiner<'_, '_>,
) -> Vec<(Range<usize>, &'v DeTable<'t>)> {
    let Some((span, value)) = member(root, name) else { return Vec::new() };
    let found = tables(value);
    let is_list = matches!(value.get_ref(), DeValue::Array(items) if items.len() == found.len());
    if !is_list {
        let detail = Text::new("应为若干行", "must be a list of tables");
        let fix =
            Text::new(format!("请写 [[{name}]]，两层方括号"), format!("Write [[{name}]], with two pairs of brackets"));
        examiner.fault(Code::ValueType, &span, name, detail, fix);
    }
    found
}

fn read_header(
    root: &DeTable<'_>,
    document: &Document<'_>,
    examiner: &mut Examiner<'_, '_>,
) -> Option<(Header, Range<usize>)> {
    let Some((span, value)) = member(root, "pack") else {
        if document.broken_lines.is_empty() {
            let fix = Text::new(
                "文件以 [pack] 开头，写 division、effective_from、place_zh",
                "Begin the file with [pack] and division, effective_from, place_zh",
            );
            examiner.push(Fault::new(
                Code::KeyMissing,
                &Spot::file(&document.file),
                "pack",
                Text::new("缺少", "is missing"),
                fix,
            ));
        }
        return None;
    };
    let Some(table) = value.get_ref().as_table() else {
        examiner.value(value, &Form::Table(HEADER), "pack");
        return None;
    };
    if !examiner.is_sound(|examiner| examiner.table(table, &span, HEADER, "pack")) {
        return None;
    }
    let header = Header::deserialize(toml::de::ValueDeserializer::from(value.clone()));
    let header = match header {
        Ok(header) => header,
        Err(error) => {
            let detail = Text::new(error.message(), error.message());
            let fix = Text::new("请对照指南改正", "Compare it with the guide");
            let span = error.span().unwrap_or(span);
            // On a line that is not TOML this says nothing new, and the file does not load anyway.
            examiner.fault(Code::ValueType, &span, "pack", detail, fix);
            return None;
        }
    };
    examiner
        .is_sound(|examiner| {
            check_names(&header, table, &span, document, examiner);
            check_division(&header, table, &span, examiner);
        })
        .then_some((header, span))
}

/// The span of a member's value, or of the whole table.
fn span_of(table: &DeTable<'_>, name: &str, whole: &Range<usize>) -> Range<usize> {
    member(table, name).map_or_else(|| whole.clone(), |(_, value)| value.span())
}

/// The header against the path of its file.
fn check_names(
    header: &Header,
    table: &DeTable<'_>,
    span: &Range<usize>,
    document: &Document<'_>,
    examiner: &mut Examiner<'_, '_>,
) {
    let mut parts = document.file.rsplit('/');
    let stem = parts.next().unwrap_or_default().trim_end_matches(".toml");
    let folder = parts.next().unwrap_or_default();
    if folder != header.division.as_str() {
        let detail = Text::new(
            format!("是 {}，而文件夹名是 {}", header.division, super::form::shown(folder)),
            format!("is {}, but the folder is {}", header.division, super::form::shown(folder)),
        );
        let fix = Text::new("请移动文件或更正代码", "Move the file or mend the code");
        examiner.fault(Code::DivisionMismatch, &span_of(table, "division", span), "pack.division", detail, fix);
    }
    let (date, suffix) = stem.split_once('.').map_or((stem, None), |(date, suffix)| (date, Some(suffix)));
    if date != header.effective_from.to_string() {
        let detail = Text::new(
            format!("是 {}，而文件名是 {}", header.effective_from, super::form::shown(date)),
            format!("is {}, but the file is named {}", header.effective_from, super::form::shown(date)),
        );
        let fix = Text::new("请改文件名或更正日期", "Rename the file or mend the date");
        let span = span_of(table, "effective_from", span);
        examiner.fault(Code::DateMismatch, &span, "pack.effective_from", detail, fix);
    }
    if header.variant.is_some() && suffix.is_none() {
        let detail = Text::new("是并行规则，文件名却没有后缀", "is a variant, but the file name has no suffix");
        let fix = Text::new(
            format!("请把文件命名为 {}.<后缀>.toml", header.effective_from),
            format!("Name the file {}.<suffix>.toml", header.effective_from),
        );
        examiner.fault(Code::VariantName, &span_of(table, "variant", span), "pack.variant", detail, fix);
    }
    if header.effective_to.is_some_and(|last| last < header.effective_from) {
        let detail = Text::new("早于 effective_from", "is before effective_from");
        let fix = Text::new("请核对两个日期，两端都包括在内", "Compare both days; both ends are included");
        examiner.fault(Code::PeriodReversed, &span_of(table, "effective_to", span), "pack.effective_to", detail, fix);
    }
}

/// The header's code against the list of GB/T 2260.
fn check_division(header: &Header, table: &DeTable<'_>, span: &Range<usize>, examiner: &mut Examiner<'_, '_>) {
    let span = span_of(table, "division", span);
    if header.division_source.is_none() {
        check_code(header.division, header.effective_from, &span, "pack.division", examiner);
    }
}

/// A code against the list of GB/T 2260, on the day it is used from.
fn check_code(code: DivisionCode, from: Date, span: &Range<usize>, key: &str, examiner: &mut Examiner<'_, '_>) {
    match divisions::find(code) {
        None => {
            let detail = Text::new(format!("GB/T 2260 没有代码 {code}"), format!("{code} is not a code of GB/T 2260"));
            let fix = Text::new(
                "请核对代码；新设区划请在 [pack] 中加 division_source = \"公告\"",
                "Mend the code; for a new division add division_source = \"announcement\" to [pack]",
            );
            examiner.fault(Code::DivisionUnknown, span, key, detail, fix);
        }
        Some(division) if division.withdrawn.is_some_and(|last| last < from.first_of_month()) => {
            let name = division.name;
            let detail =
                Text::new(format!("{code}（{name}）此前已撤销"), format!("{code} ({name}) was withdrawn before"));
            let fix = Text::new("请改用现行代码", "Use the code in force");
            examiner.fault(Code::DivisionWithdrawn, span, key, detail, fix);
        }
        Some(_) => {}
    }
}

#[cfg(test)]
mod tests;
