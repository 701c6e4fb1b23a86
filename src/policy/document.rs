//! A pack file as text: bytes to TOML with the line and column of everything in it.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Code, Fault, Spot};
use crate::domain::problem::Text;

/// Largest pack file: the largest shipped one has 20 KiB, a file a hundred times that is a mistake.
pub(super) const MAX_BYTES: u64 = 1024 * 1024;

/// A parsed file.
pub(super) struct Document<'t> {
    /// The file, relative to the folder of packs.
    pub(super) file: Arc<str>,
    /// Its root table: what could be read of it.
    pub(super) root: Spanned<DeTable<'t>>,
    /// Lines on which the text is not TOML.
    pub(super) broken_lines: BTreeSet<usize>,
    text: &'t str,
    line_starts: Vec<usize>,
}

/// The text of a file, or why it has none.
pub(super) fn decode<'b>(file: &Arc<str>, bytes: &'b [u8]) -> Result<&'b str, Fault> {
    // Windows editors put a byte order mark before UTF-8; it means nothing here.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let before = String::from_utf8_lossy(bytes.get(..error.valid_up_to()).unwrap_or_default());
        let (line, column) = end_of(&before);
        Fault::new(
            Code::FileNotUtf8,
            &Spot { file: Arc::clone(file), line, column },
            "",
            Text::new("不是 UTF-8 编码", "is not UTF-8 here"),
            Text::new(
                "请用编辑器另存为 UTF-8 编码（不是 GBK/GB18030）",
                "Save the file as UTF-8, not as GBK or GB18030",
            ),
        )
    })
}

/// The line and column just behind a text.
fn end_of(before: &str) -> (usize, usize) {
    let last_line = before.rsplit('\n').next().unwrap_or_default();
    (before.split('\n').count(), last_line.chars().count() + 1)
}

impl<'t> Document<'t> {
    /// Parses a text as far as it goes; every place where it is not TOML is a fault.
    pub(super) fn parse(file: &Arc<str>, text: &'t str, faults: &mut Vec<Fault>) -> Self {
        let (root, mut errors) = DeTable::parse_recoverable(text);
        errors.sort_by_key(|error| error.span().map_or(text.len(), |span| span.start));
        let line_starts = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1))
            .collect();
        let mut document = Self { file: Arc::clone(file), root, broken_lines: BTreeSet::new(), text, line_starts };
        for error in errors {
            let at = error.span().map_or(text.len(), |span| span.start);
            let spot = document.spot(at);
            // One slip can make the reader stumble several times in its line; the first time says it.
            if !document.broken_lines.insert(spot.line) {
                continue;
            }
            let (detail, fix) = document.syntax(at, error.message());
            faults.push(Fault::new(Code::Syntax, &spot, "", detail, fix));
        }
        document
    }

    fn syntax(&self, at: usize, message: &str) -> (Text, Text) {
        let index = self.line_starts.partition_point(|start| *start <= at).saturating_sub(1);
        let line_start = self.line_starts.get(index).copied().unwrap_or(0);
        let line = self.text.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let code = line.split('#').next().unwrap_or_default();
        if let Some(wide) = code.chars().find(|letter| "“”‘’＝，［］｛｝".contains(*letter)) {
            return (
                Text::new(format!("含全角符号 {wide}"), format!("has the full-width character {wide}")),
                Text::new("请改用半角符号：\" = , [ ] { }", "Use the ASCII characters \" = , [ ] { }"),
            );
        }
        (
            Text::new(format!("不是合法的 TOML（{message}）"), format!("is not TOML ({message})")),
            Text::new(
                "每行写 键 = 值，文字和金额加双引号；写法见 docs/guides/policy-packs.zh-CN.md",
                "Write key = value, with texts and amounts in double quotes; docs/guides/policy-packs.md shows how",
            ),
        )
    }

    /// The line and column of a byte.
    pub(super) fn spot(&self, at: usize) -> Spot {
        let at = at.min(self.text.len());
        let line = self.line_starts.partition_point(|start| *start <= at);
        let start = self.line_starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let column = self.text.get(start..at).map_or(1, |before| before.chars().count() + 1);
        Spot { file: Arc::clone(&self.file), line, column }
    }

    /// The line and column where a span begins.
    pub(super) fn spot_of(&self, span: &Range<usize>) -> Spot {
        self.spot(span.start)
    }
}

/// A member of a table, with the span of its key.
pub(super) fn member<'v, 't>(table: &'v DeTable<'t>, name: &str) -> Option<(Range<usize>, &'v Spanned<DeValue<'t>>)> {
    table.iter().find(|(key, _)| key.get_ref().as_ref() == name).map(|(key, value)| (key.span(), value))
}

/// The elements of an array of tables; what is not a table is left out.
pub(super) fn tables<'v, 't>(value: &'v Spanned<DeValue<'t>>) -> Vec<(Range<usize>, &'v DeTable<'t>)> {
    let items = value.get_ref().as_array().into_iter().flat_map(|items| items.iter());
    items.filter_map(|item| Some((item.span(), item.get_ref().as_table()?))).collect()
}

/// The value as JSON, for the parts of a file whose form is another module's: the cases.
pub(super) fn json_of(value: &DeValue<'_>) -> serde_json::Value {
    use serde_json::Value;
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => number.into(),
            Err(_) => Value::String(number.to_string()),
        },
        // A float is never an amount; as text it is refused by whatever wanted a number or a string of one.
        DeValue::Float(number) => Value::String(format!("{number} (float)")),
        DeValue::Boolean(yes) => Value::Bool(*yes),
        DeValue::Datetime(when) => Value::String(when.to_string()),
        DeValue::Array(items) => Value::Array(items.iter().map(|item| json_of(item.get_ref())).collect()),
        DeValue::Table(table) => Value::Object(
            table.iter().map(|(key, value)| (key.get_ref().to_string(), json_of(value.get_ref()))).collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Arc<str> {
        "152201/2024-01-01.toml".into()
    }

    #[test]
    fn lines_and_columns_are_those_of_an_editor() {
        let text = "a = 1\n盟 = \"x\"\nb = 2";
        let document = Document::parse(&file(), "a = 1\n\"盟\" = 1", &mut Vec::new());
        assert_eq!((document.spot(6).line, document.spot(6).column), (2, 1));
        assert_eq!((document.spot(11).line, document.spot(11).column), (2, 4), "columns count characters");
        let mut faults = Vec::new();
        Document::parse(&file(), text, &mut faults);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!((faults[0].line, faults[0].column), (Some(2), Some(1)));
    }

    #[test]
    fn every_broken_line_is_a_fault_and_full_width_characters_are_named() {
        let mut faults = Vec::new();
        let document = Document::parse(&file(), "a = “x”\nb = 1\nc = [1,\nd = = 2\n", &mut faults);
        assert!(faults.len() >= 2, "{faults:?}");
        assert!(faults[0].detail.zh.contains("全角符号 “"), "{:?}", faults[0]);
        assert!(member(document.root.get_ref(), "b").is_some(), "the rest is read");
        let mut none = Vec::new();
        Document::parse(&file(), "a = 1 # “quoted”\n", &mut none);
        assert!(none.is_empty());
    }

    #[test]
    fn text_that_is_not_utf8_is_told_where() {
        let error = decode(&file(), b"a = 1\nb = \"\xc4\xda\"").unwrap_err();
        assert_eq!((error.line, error.column, error.code), (Some(2), Some(6), Code::FileNotUtf8));
        assert_eq!(decode(&file(), b"\xef\xbb\xbfa = 1").unwrap(), "a = 1");
    }
}
