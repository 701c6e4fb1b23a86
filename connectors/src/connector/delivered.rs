//! `[source]` when `kind = "file"`: a folder that a department puts its records into.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::checked::{At, Checker, at};
use super::source::duration;
use super::{Ask, SourceInfo};
use crate::error::Text;
use crate::text::TextEncoding;
use crate::xml::XmlPath;

/// The largest file unless the connector says otherwise, in bytes, and the largest it may say.
const MAX_BYTES: (u64, u64) = (64 * 1024 * 1024, 1024 * 1024 * 1024);

/// A folder of deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    /// The folder; a relative path starts at that of the connector file.
    pub folder: PathBuf,
    /// The name of the control file in it.
    pub control: String,
    /// How records are written.
    pub format: FileFormat,
    /// In which encoding, the control file too.
    pub encoding: TextEncoding,
    /// How many days old records may be; older ones are not answered from.
    pub max_age: u32,
    /// The largest file, in bytes. A file is held in memory as a whole.
    pub max_bytes: u64,
    /// How many rows one question may give; more is an error, never a cut-off answer.
    pub max_rows: usize,
    /// How many rows of a file may be without an identity number.
    pub max_unfiled: usize,
    /// Where the days of what was taken over are kept, over a restart; a relative path starts at the folder of the
    /// connector file, where it stands when nothing is said.
    pub memory: Option<PathBuf>,
    /// How long the first question, and a look at the health, waits for a delivery to be read.
    pub patience: Duration,
}

/// How records are written in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// CSV (RFC 4180) with a header.
    Csv {
        /// What stands between two values.
        delimiter: u8,
    },
    /// XML in the style of GB/T 40217: an element a record, in it an element a field.
    Xml,
}

/// The name of a file, in which `{date}` may stand for the day its records are of: `damage-{date}.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName {
    before: String,
    /// What stands after the day, where the name has one.
    after: Option<String>,
}

impl FileName {
    /// Reads a name; `None` when it is not that of a file in the folder.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (before, after) = match text.split_once("{date}") {
            Some((before, after)) => (before, Some(after)),
            None => (text, None),
        };
        let plain = |it: char| !it.is_control() && !matches!(it, '/' | '\\' | ':' | '{' | '}');
        let sound = text.chars().count() <= 100 && !text.starts_with('.') && !text.is_empty();
        let parts_plain = before.chars().chain(after.unwrap_or_default().chars()).all(plain);
        (sound && parts_plain).then(|| Self { before: before.to_owned(), after: after.map(str::to_owned) })
    }

    /// Whether a file of this name is meant.
    pub(crate) fn fits(&self, name: &str) -> bool {
        match &self.after {
            None => name == self.before,
            Some(_) => self.day(name).is_some(),
        }
    }

    /// The day in a name, as `20250301`.
    pub(crate) fn day(&self, name: &str) -> Option<jiff::civil::Date> {
        let day = name.strip_prefix(&self.before)?.strip_suffix(self.after.as_ref()?.as_str())?;
        let digits = day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| jiff::civil::Date::strptime("%Y%m%d", day).ok()).flatten()
    }

    /// The name as it is written in the connector file.
    pub(crate) fn written(&self) -> String {
        match &self.after {
            None => self.before.clone(),
            Some(after) => format!("{}{{date}}{after}", self.before),
        }
    }
}

/// `[source]` when `kind = "file"`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileTable {
    #[expect(dead_code, reason = "read before this table is")]
    pub(super) kind: String,
    pub(super) folder: PathBuf,
    pub(super) control: Option<String>,
    pub(super) format: Option<String>,
    pub(super) delimiter: Option<String>,
    pub(super) encoding: Option<String>,
    pub(super) max_age: String,
    pub(super) max_bytes: Option<String>,
    pub(super) max_rows: usize,
    pub(super) max_unfiled: Option<usize>,
    pub(super) memory: Option<PathBuf>,
    pub(super) patience: Option<String>,
}

pub(super) fn source(checker: &mut Checker<'_>, place: &At<'_>, table: toml::Table) -> Option<SourceInfo> {
    let mend = (
        "写 folder、max_age、max_rows；另有 control、format、delimiter、encoding、max_bytes、max_unfiled、memory、patience",
        "write folder, max_age and max_rows; there are also control, format, delimiter, encoding, max_bytes, max_unfiled, memory and patience",
    );
    let table: FileTable = checker.read(place, table, mend)?;
    let mut wrong = |what: (&str, &str), mend: (&str, &str)| {
        checker.fault("source_file", place, Text::new(what.0, what.1), Text::new(mend.0, mend.1));
    };
    let control = table.control.unwrap_or_else(|| "control.csv".to_owned());
    let control = FileName::parse(&control).filter(|name| name.after.is_none()).map(|_| control);
    if control.is_none() {
        wrong(
            ("control 不是文件名", "control is not the name of a file"),
            ("写 control = \"control.csv\"", "write control = \"control.csv\""),
        );
    }
    let delimiter = match table.delimiter.as_deref() {
        None => Some(b','),
        Some(text) => text.bytes().next().filter(|it| text.len() == 1 && b",;|\t".contains(it)),
    };
    let format = match (table.format.as_deref(), delimiter) {
        (None | Some("csv"), Some(delimiter)) => Some(FileFormat::Csv { delimiter }),
        (Some("xml"), _) if table.delimiter.is_none() => Some(FileFormat::Xml),
        _ => None,
    };
    if format.is_none() {
        wrong(
            ("format 或 delimiter 不可用", "format or delimiter cannot be used"),
            (
                "写 format = \"csv\"（delimiter 可写 , ; | 或制表符）或 format = \"xml\"",
                "write format = \"csv\", with delimiter one of , ; | and a tab, or format = \"xml\"",
            ),
        );
    }
    let encoding = TextEncoding::named(table.encoding.as_deref().unwrap_or("utf-8"));
    if encoding.is_none() {
        wrong(
            ("不认识这个 encoding", "encoding is not one this build reads"),
            (
                "写 encoding = \"utf-8\" 或 \"gb18030\"（包括 GBK）",
                "write encoding = \"utf-8\" or \"gb18030\", which GBK is part of",
            ),
        );
    }
    let max_age = days(&table.max_age);
    let patience = duration(table.patience.as_deref().unwrap_or("10s"))
        .filter(|patience| (Duration::from_millis(100)..=Duration::from_mins(5)).contains(patience));
    if max_age.is_none() || patience.is_none() {
        wrong(
            ("max_age 或 patience 不可用", "max_age or patience cannot be used"),
            (
                "max_age 写天数，如 \"40d\"（1 至 3660）；patience 写 \"100ms\" 至 \"5m\"",
                "max_age is a number of days, such as \"40d\" (1 to 3660); patience is \"100ms\" to \"5m\"",
            ),
        );
    }
    let max_bytes = match table.max_bytes.as_deref() {
        None => Some(MAX_BYTES.0),
        Some(text) => size(text).filter(|size| (1..=MAX_BYTES.1).contains(size)),
    };
    let bounded = (1..=1_000_000).contains(&table.max_rows) && max_bytes.is_some();
    if !bounded {
        checker.fault(
            "limit_out_of_range",
            place,
            Text::new("max_rows 或 max_bytes 超出范围", "max_rows or max_bytes is out of range"),
            Text::new(
                "max_rows 取 1 至 1000000，max_bytes 写 \"64MiB\" 这样的大小，至多 1GiB",
                "max_rows is 1 to 1000000, max_bytes a size such as \"64MiB\", at most 1GiB",
            ),
        );
    }
    let info = FileInfo {
        folder: table.folder,
        control: control?,
        format: format?,
        encoding: encoding?,
        max_age: max_age?,
        max_bytes: max_bytes?,
        max_rows: table.max_rows,
        max_unfiled: table.max_unfiled.unwrap_or(0),
        memory: table.memory,
        patience: patience?,
    };
    bounded.then_some(SourceInfo::File(info))
}

/// `file` and `records` of a dataset.
pub(super) fn ask(
    checker: &mut Checker<'_>,
    place: &At<'_>,
    format: FileFormat,
    file: Option<&Spanned<String>>,
    records: Option<&Spanned<String>>,
) -> Option<Ask> {
    let name = file.and_then(|file| FileName::parse(file.get_ref()));
    if name.is_none() {
        checker.fault(
            "dataset_file",
            &file.map_or_else(
                || At { place: place.place, span: place.span.clone() },
                |file| at(place.place, file.span()),
            ),
            Text::new("没有写 file，或它不是文件名", "`file` is missing, or is not the name of a file"),
            Text::new(
                "写 file = \"名称.csv\"；文件名带日期时写 file = \"名称-{date}.csv\"",
                "write file = \"name.csv\"; where the name has a day in it, file = \"name-{date}.csv\"",
            ),
        );
    }
    let records = match (format, records) {
        (FileFormat::Csv { .. }, None) => Some(None),
        (FileFormat::Xml, Some(path)) => XmlPath::parse(path.get_ref()).map(Some),
        _ => None,
    };
    if records.is_none() {
        checker.fault(
            "dataset_records",
            place,
            Text::new("records 不可用", "`records` cannot be used here"),
            Text::new(
                "XML 写 records = \"根/…/记录\"（从根元素起的路径）；CSV 不写",
                "for XML write records = \"root/…/record\", the path from the outermost element; for CSV leave it out",
            ),
        );
    }
    Some(Ask::File { file: name?, records: records? })
}

/// A number of days: `"40d"`.
fn days(text: &str) -> Option<u32> {
    text.strip_suffix('d')?.parse().ok().filter(|days| (1..=3660).contains(days))
}

/// A size in bytes: `"64MiB"`, `"1GiB"`, `"512KiB"`.
fn size(text: &str) -> Option<u64> {
    let text = text.replace(' ', "");
    let (number, factor) = [("KiB", 1_u64 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)]
        .into_iter()
        .find_map(|(unit, factor)| text.strip_suffix(unit).map(|number| (number.to_owned(), factor)))?;
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_have_a_day_in_it_and_no_path() {
        let name = FileName::parse("倒损-{date}.csv").unwrap();
        assert_eq!(name.day("倒损-20250301.csv"), Some(jiff::civil::date(2025, 3, 1)));
        for other in ["倒损-20250230.csv", "倒损-2025031.csv", "倒损-20250301.csv.bak", "x-20250301.csv", "倒损-.csv"]
        {
            assert!(!name.fits(other), "{other}");
        }
        assert_eq!(name.written(), "倒损-{date}.csv");
        let fixed = FileName::parse("a.csv").unwrap();
        assert!(fixed.fits("a.csv") && !fixed.fits("b.csv") && fixed.day("a.csv").is_none());
        for bad in ["", "../a.csv", "a/b.csv", ".a.csv", "{date}{date}.csv", "a{b}.csv", "c:\\x"] {
            assert_eq!(FileName::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn sizes_and_days_have_units() {
        assert_eq!(
            (size("64MiB"), size("1 GiB"), size("5"), size("99999999999999999999GiB")),
            (Some(64 << 20), Some(1 << 30), None, None)
        );
        assert_eq!((days("40d"), days("0d"), days("40"), days("9999d")), (Some(40), None, None, None));
    }
}
