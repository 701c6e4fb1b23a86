//! What a source hands over: rows of named native values.
//!
//! There is no float here. A source that keeps money in one says so by [`Native::Real`], which holds
//! no number: a mapping refuses it with the advice to convert it in the statement.

use std::fmt;

/// One native value. Its `Debug` shows its type only: values are people's records.
#[derive(Clone, PartialEq, Eq)]
pub enum Native {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(String),
    /// A floating-point number, which no mapping may read.
    Real,
    /// Bytes, which no mapping may read.
    Bytes,
}

impl Native {
    /// The value as trimmed text; `None` for nothing, for blank text, and for what has no exact text.
    pub fn text(&self) -> Option<std::borrow::Cow<'_, str>> {
        match self {
            Self::Integer(number) => Some(number.to_string().into()),
            Self::Text(text) => Some(text.trim()).filter(|text| !text.is_empty()).map(Into::into),
            Self::Null | Self::Real | Self::Bytes => None,
        }
    }
}

impl fmt::Debug for Native {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Null => "Null",
            Self::Integer(_) => "Integer(hidden)",
            Self::Text(_) => "Text(hidden)",
            Self::Real => "Real",
            Self::Bytes => "Bytes",
        })
    }
}

/// The answer of a source to one dataset of one query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// One value a column in each row.
    pub rows: Vec<Vec<Native>>,
    /// The day or instant that all of it is of, also where nothing is known of a person, when the source says one.
    pub as_of: Option<String>,
}

impl Rows {
    /// Reads rows from `{"columns": […], "rows": [[…]]}`, with `as_of` where a source says it of all of them, as
    /// [`Rows::to_json`] writes them; `None` when the text is no such thing.
    pub fn from_json(text: &str) -> Option<Self> {
        let file: RowsFile = serde_json::from_str(text).ok()?;
        let value = |value: serde_json::Value| {
            Some(match value {
                serde_json::Value::Null => Native::Null,
                serde_json::Value::String(text) => Native::Text(text),
                serde_json::Value::Number(number) => number.as_i64().map_or(Native::Real, Native::Integer),
                _ => return None,
            })
        };
        let row = |row: Vec<serde_json::Value>| {
            (row.len() == file.columns.len()).then(|| row.into_iter().map(value).collect::<Option<Vec<_>>>())?
        };
        let rows = file.rows.into_iter().map(row).collect::<Option<Vec<_>>>()?;
        Some(Self { columns: file.columns, rows, as_of: file.as_of })
    }

    /// The rows as JSON, for a golden test; floats and bytes become `null` with no number in it.
    pub fn to_json(&self) -> serde_json::Value {
        let value = |native: &Native| match native {
            Native::Integer(number) => (*number).into(),
            Native::Text(text) => text.clone().into(),
            Native::Null | Native::Real | Native::Bytes => serde_json::Value::Null,
        };
        let rows: Vec<Vec<_>> = self.rows.iter().map(|row| row.iter().map(value).collect()).collect();
        match &self.as_of {
            None => serde_json::json!({"columns": self.columns, "rows": rows}),
            Some(as_of) => serde_json::json!({"as_of": as_of, "columns": self.columns, "rows": rows}),
        }
    }
}

/// Rows as they stand in a file.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RowsFile {
    /// Of a source that says of all its rows of which day they are.
    #[serde(default)]
    as_of: Option<String>,
    columns: Vec<String>,
    rows: Vec<Vec<serde_json::Value>>,
}

/// Finds a column: by its exact name, else without regard to ASCII case (some databases lower names).
pub fn find_column(columns: &[String], name: &str) -> Option<usize> {
    columns
        .iter()
        .position(|column| column == name)
        .or_else(|| columns.iter().position(|column| column.eq_ignore_ascii_case(name)))
}
