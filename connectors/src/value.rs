//! One native value → one value of a fact, exactly or not at all.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::amount;
use crate::date_format::DateFormat;
use crate::error::Text;
use crate::native::Native;

/// How a column is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// Text, trimmed.
    Text,
    /// A whole number of zero or more.
    Integer,
    /// A decimal, kept as text.
    Decimal,
    /// Yes for these values; no for those, or for every other when no list of those is given.
    Boolean {
        /// What means yes.
        true_values: BTreeSet<String>,
        /// What means no.
        false_values: Option<BTreeSet<String>>,
    },
    /// An amount in yuan, as text or whole number.
    Yuan,
    /// An amount in fen, a whole number.
    Fen,
    /// A date.
    Date(DateFormat),
    /// A code list. The code `""` stands for NULL and blank.
    Codes {
        /// Native code → value of the fact.
        codes: BTreeMap<String, String>,
        /// What every other code means; without it an unknown code is an error.
        other: Option<String>,
    },
}

/// A value of a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text: also dates, amounts and decimals.
    Text(String),
    /// A whole number.
    Count(u32),
    /// Yes or no.
    Boolean(bool),
}

/// Why a native value cannot be read. The value is not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// A required value is NULL or blank.
    #[error("empty: write optional = true where that is meant")]
    Empty,
    /// A floating-point number.
    #[error("a floating-point number: convert it in the statement, such as CAST(ROUND(x * 100) AS INTEGER) for fen")]
    Float,
    /// Bytes.
    #[error("bytes: convert them to text in the statement")]
    Bytes,
    /// Not an amount of zero or more with at most two places.
    #[error("not an amount of zero or more with at most two places: check `as`, or convert it in the statement")]
    Amount,
    /// Not a date in the format.
    #[error("not a date in the given format: check `format`")]
    Date,
    /// Not a whole number of zero or more.
    #[error("not a whole number: convert it in the statement")]
    Integer,
    /// Not a decimal of zero or more.
    #[error("not a decimal: convert it in the statement")]
    Decimal,
    /// Not in the code list.
    #[error("a code that is not in the list: add it to `codes`")]
    Code,
    /// In neither list of a boolean.
    #[error("neither a true nor a false value: add it to true_values or false_values")]
    Boolean,
    /// Longer than 500 characters, or with control characters.
    #[error("a text that is too long or has control characters: shorten or clean it in the statement")]
    Text,
}

impl Misfit {
    /// What is wrong, and what mends it, for people.
    pub fn text(self) -> Text {
        let zh = match self {
            Self::Empty => "为空：允许空时写 optional = true",
            Self::Float => "是浮点数：在语句里转换，如 CAST(ROUND(x * 100) AS INTEGER) 得到分",
            Self::Bytes => "是字节串：在语句里转成文本",
            Self::Amount => "不是至多两位小数的非负金额：核对 as，或在语句里转换",
            Self::Date => "不是该格式的日期：核对 format",
            Self::Integer => "不是整数：在语句里转换",
            Self::Decimal => "不是小数：在语句里转换",
            Self::Code => "代码不在表里：补进 codes",
            Self::Boolean => "既不算真也不算假：补进 true_values 或 false_values",
            Self::Text => "文本过长或含控制字符：在语句里截短或清理",
        };
        Text::new(zh, self.to_string())
    }
}

/// Longest text of a fact, in characters.
const MAX_TEXT: usize = 500;

impl Format {
    /// Reads a value; `Ok(None)` when there is none.
    pub fn read(&self, native: &Native) -> Result<Option<Value>, Misfit> {
        match native {
            Native::Real => return Err(Misfit::Float),
            Native::Bytes => return Err(Misfit::Bytes),
            Native::Null | Native::Integer(_) | Native::Text(_) => {}
        }
        let Some(text) = native.text() else { return Ok(self.read_blank()) };
        match self {
            Self::Text => checked_text(&text).map(Value::Text),
            Self::Integer => text.parse().map(Value::Count).map_err(|_| Misfit::Integer),
            Self::Decimal => amount::decimal(&text).map(Value::Text).map_err(|_| Misfit::Decimal),
            Self::Boolean { true_values, false_values } => {
                if true_values.contains(&*text) {
                    Ok(Value::Boolean(true))
                } else if false_values.as_ref().is_none_or(|values| values.contains(&*text)) {
                    Ok(Value::Boolean(false))
                } else {
                    Err(Misfit::Boolean)
                }
            }
            Self::Yuan => amount::yuan(&text).map(Value::Text).map_err(|_| Misfit::Amount),
            Self::Fen => {
                text.parse().ok().and_then(|fen| amount::from_fen(fen).ok()).map(Value::Text).ok_or(Misfit::Amount)
            }
            Self::Date(format) => {
                return match format.read(&text) {
                    Ok(date) => Ok(date.map(|date| Value::Text(date.to_string()))),
                    Err(_) => Err(Misfit::Date),
                };
            }
            Self::Codes { codes, other } => {
                codes.get(&*text).or(other.as_ref()).map(|value| Value::Text(value.clone())).ok_or(Misfit::Code)
            }
        }
        .map(Some)
    }

    fn read_blank(&self) -> Option<Value> {
        match self {
            Self::Codes { codes, .. } => codes.get("").map(|value| Value::Text(value.clone())),
            _ => None,
        }
    }
}

fn checked_text(text: &str) -> Result<String, Misfit> {
    if text.chars().any(char::is_control) || text.chars().count() > MAX_TEXT {
        return Err(Misfit::Text);
    }
    Ok(text.to_owned())
}

impl Value {
    /// The value as it stands in a template.
    pub fn as_text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => text.into(),
            Self::Count(number) => number.to_string().into(),
            Self::Boolean(yes) => yes.to_string().into(),
        }
    }

    /// Appends the value as JSON.
    pub fn write_json(&self, json: &mut String) {
        match self {
            Self::Text(text) => json.push_str(&serde_json::Value::String(text.clone()).to_string()),
            Self::Count(_) | Self::Boolean(_) => json.push_str(&self.as_text()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Native {
        Native::Text(text.to_owned())
    }

    #[test]
    fn a_float_is_refused_whatever_it_is_read_as() {
        let date = DateFormat::new("%Y%m%d", None).unwrap();
        for format in [Format::Yuan, Format::Fen, Format::Text, Format::Integer, Format::Decimal, Format::Date(date)] {
            assert_eq!(format.read(&Native::Real), Err(Misfit::Float), "{format:?}");
        }
    }

    #[test]
    fn null_and_blank_are_no_value_and_zero_is_one() {
        for native in [Native::Null, text(""), text("  ")] {
            for format in [Format::Yuan, Format::Fen, Format::Text, Format::Integer] {
                assert_eq!(format.read(&native), Ok(None), "{format:?}");
            }
        }
        assert_eq!(Format::Fen.read(&Native::Integer(0)), Ok(Some(Value::Text("0.00".into()))));
        assert_eq!(Format::Yuan.read(&text("0")), Ok(Some(Value::Text("0.00".into()))));
    }

    #[test]
    fn fen_are_whole_and_not_negative() {
        assert_eq!(Format::Fen.read(&Native::Integer(123_450)), Ok(Some(Value::Text("1234.50".into()))));
        assert_eq!(Format::Fen.read(&text("123450")), Ok(Some(Value::Text("1234.50".into()))));
        for native in [Native::Integer(-1), text("1234.50"), text("x"), Native::Integer(i64::MAX)] {
            assert_eq!(Format::Fen.read(&native), Err(Misfit::Amount));
        }
    }

    #[test]
    fn an_unknown_code_is_an_error_unless_the_file_says_what_it_means() {
        let codes = BTreeMap::from([("110".to_owned(), "PENSION_EMPLOYEE".to_owned())]);
        let strict = Format::Codes { codes: codes.clone(), other: None };
        assert_eq!(strict.read(&Native::Integer(110)), Ok(Some(Value::Text("PENSION_EMPLOYEE".into()))));
        assert_eq!(strict.read(&text("999")), Err(Misfit::Code));
        assert_eq!(strict.read(&Native::Null), Ok(None));
        let open = Format::Codes { codes, other: Some("OTHER".into()) };
        assert_eq!(open.read(&text("999")), Ok(Some(Value::Text("OTHER".into()))));
        assert_eq!(open.read(&Native::Null), Ok(None), "nothing is not a code");
        let blank = Format::Codes { codes: BTreeMap::from([(String::new(), "NONE".to_owned())]), other: None };
        assert_eq!(blank.read(&Native::Null), Ok(Some(Value::Text("NONE".into()))));
    }

    #[test]
    fn a_boolean_with_both_lists_refuses_a_third_value() {
        let one = || BTreeSet::from(["1".to_owned()]);
        let zero = BTreeSet::from(["0".to_owned()]);
        let open = Format::Boolean { true_values: one(), false_values: None };
        assert_eq!(open.read(&text("2")), Ok(Some(Value::Boolean(false))));
        let closed = Format::Boolean { true_values: one(), false_values: Some(zero) };
        assert_eq!(closed.read(&Native::Integer(1)), Ok(Some(Value::Boolean(true))));
        assert_eq!(closed.read(&text("2")), Err(Misfit::Boolean));
        assert_eq!(closed.read(&Native::Null), Ok(None));
    }

    #[test]
    fn json_is_escaped() {
        let mut json = String::new();
        Value::Text("库伦旗\"·\\".into()).write_json(&mut json);
        assert_eq!(json, r#""库伦旗\"·\\""#);
    }
}
