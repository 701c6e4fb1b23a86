//! Forms in words, values as they are told to people, and the nearest known name to one that is not known.

use toml::de::DeValue;

use super::Form;
use crate::domain::money::Money;
use crate::domain::problem::Text;

/// The type of a value, Chinese and English.
pub(super) const fn type_of(value: &DeValue<'_>) -> (&'static str, &'static str) {
    match value {
        DeValue::String(_) => ("文字", "a text"),
        DeValue::Integer(_) => ("整数", "a whole number"),
        DeValue::Float(_) => ("小数", "a number with a point"),
        DeValue::Boolean(_) => ("true 或 false", "true or false"),
        DeValue::Datetime(_) => ("没有引号的日期", "a date without quotes"),
        DeValue::Array(_) => ("清单", "a list"),
        DeValue::Table(_) => ("表", "a table"),
    }
}

/// What was written, cut and made safe for a terminal.
pub(in crate::policy) fn shown(text: &str) -> String {
    let cut: String = text.chars().take(40).map(|letter| if letter.is_control() { '·' } else { letter }).collect();
    if text.chars().count() > 40 { format!("{cut}…") } else { cut }
}

/// The remedy for a name that is not known: the nearest known one, or all of them.
pub(in crate::policy) fn instead(text: &str, known: &[&str]) -> Text {
    let nearest = known.iter().map(|name| (distance(text, name), *name)).min();
    match nearest {
        Some((distance, name)) if distance <= 2.max(name.len() / 4) => {
            Text::new(format!("是否应为 {name}？"), format!("Did you mean {name}?"))
        }
        _ => Text::new(format!("可用的有：{}", known.join("、")), format!("Known are: {}", known.join(", "))),
    }
}

/// How many letters must be put in, taken out or changed to make one text the other (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, letter) in left.chars().take(80).enumerate() {
        let mut diagonal = above;
        let mut before = above + 1;
        for (slot, other) in row.iter_mut().skip(1).zip(&right) {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = *slot;
            before = changed.min(diagonal + 1).min(before + 1);
            *slot = before;
        }
        if let Some(first) = row.first_mut() {
            *first = above + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

impl Form {
    /// The form in words, Chinese and English.
    pub fn words(&self) -> (String, String) {
        let both = |zh: &str, en: &str| (zh.to_owned(), en.to_owned());
        match self {
            Self::Text => both("带双引号的文字", "a text in double quotes"),
            Self::Date => both("带双引号的日期", "a day in double quotes"),
            Self::Division => both("六位行政区划代码", "a division code of six digits"),
            Self::Amount { .. } => both("以元为单位、带双引号的金额", "an amount in yuan in double quotes"),
            Self::Factor { .. } => both("带双引号的倍数或百分比", "a factor or percentage in double quotes"),
            Self::Whole { .. } => both("不带引号的整数", "a whole number without quotes"),
            Self::Boolean => both("不带引号的 true 或 false", "true or false, without quotes"),
            Self::Choice(choices) => {
                (format!("下列之一：{}", choices.join("、")), format!("one of {}", choices.join(", ")))
            }
            Self::Kinds(_) => both("类别代码的清单", "a list of kinds"),
            Self::Departments(_) => both("部门标识的清单", "a list of departments"),
            Self::Some(known) => {
                (format!("清单，取自 {}", known.join("、")), format!("a list out of {}", known.join(", ")))
            }
            Self::Order(all) => {
                (format!("{} 的排列", all.join("、")), format!("{} in the order that holds", all.join(", ")))
            }
            Self::List(item) => {
                let (zh, en) = item.words();
                (format!("清单，每项为{zh}"), format!("a list, each {en}"))
            }
            Self::Table(_) => both("花括号中的表", "a table in braces"),
            Self::Any => both("任意值", "any value"),
        }
    }

    /// A value of this form as TOML.
    pub fn example(&self) -> String {
        match self {
            Self::Text => "\"…\"".to_owned(),
            Self::Date => "\"2025-01-01\"".to_owned(),
            Self::Division => "\"152201\"".to_owned(),
            Self::Amount { usual } if (usual.0..=usual.1).contains(&82_900) => "\"829.00\"".to_owned(),
            Self::Amount { usual } => format!("\"{}\"", Money::from_fen(i64::midpoint(usual.0, usual.1)).yuan()),
            Self::Factor { usual, .. } => format!("\"{}\"", usual.1),
            Self::Whole { usual, .. } => usual.1.to_string(),
            Self::Boolean => "true".to_owned(),
            Self::Choice(choices) => format!("\"{}\"", choices.first().unwrap_or(&"")),
            Self::Kinds(names) | Self::Departments(names) | Self::Some(names) => {
                format!("[\"{}\"]", names.first().unwrap_or(&""))
            }
            Self::Order(names) => format!("[\"{}\"]", names.join("\", \"")),
            Self::List(item) => format!("[{}]", item.example()),
            Self::Table(members) => {
                let required = members.iter().filter(|member| member.is_required);
                let inside: Vec<String> =
                    required.map(|member| format!("{} = {}", member.name, member.form.example())).collect();
                format!("{{ {} }}", inside.join(", "))
            }
            Self::Any => "…".to_owned(),
        }
    }
}
