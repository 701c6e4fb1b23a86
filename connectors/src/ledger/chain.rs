//! Reading a ledger: its files in order, each line held against the one before.
//!
//! Every line names the SHA-256 of the line before it and its own number, so that a line that was changed, removed or
//! put in is found. What the chain cannot show is that lines at the very end were cut off: that is found against the
//! hub's account.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::Text;
use crate::keys::sha256;

/// What the first line of a chain names.
pub(super) const FIRST_PREV: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A line of a ledger. What it says of the question is absent where there was none that could be read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LedgerLine {
    /// Its place in the chain, from 1.
    pub number: u64,
    /// The hash of the line before.
    pub prev: String,
    /// When the question came.
    pub at: jiff::Timestamp,
    /// The adapter that was asked.
    pub adapter: String,
    /// The verification.
    pub request_id: Option<String>,
    /// The purpose.
    pub purpose: Option<String>,
    /// The households of a query that carries several.
    #[serde(default)]
    pub cases: Vec<LedgerCase>,
    /// The organisation of whoever asked the hub.
    pub organisation: Option<String>,
    /// The question's id.
    pub question: Option<String>,
    /// How many persons it was about.
    pub subjects: Option<u64>,
    /// `answered`, `abandoned`, or the code of a problem.
    pub status: String,
    /// The hub's signed context.
    pub context: Option<String>,
}

/// A household of a query that carries several.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LedgerCase {
    /// The verification.
    pub request_id: String,
    /// How many persons it was about.
    pub subjects: u64,
    /// The organisation of whoever asked the hub.
    pub organisation: Option<String>,
    /// What the hub calls its question.
    pub question: Option<String>,
}

/// What is wrong with a ledger, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerFault {
    /// Stable code: `line_unreadable`, `line_missing`, `line_changed`, …
    pub code: &'static str,
    /// File and line.
    pub place: String,
    /// What is wrong.
    pub what: Text,
}

/// The hash of a line without its end, hexadecimal.
pub(crate) fn hash_of(line: &[u8]) -> String {
    sha256(line).iter().fold(String::with_capacity(64), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing to a string cannot fail");
        hex
    })
}

/// The number that a line says it has.
pub(super) fn number_of(line: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Numbered {
        number: u64,
        #[serde(rename = "prev")]
        _prev: String,
    }
    serde_json::from_slice::<Numbered>(line).ok().map(|line| line.number)
}

/// The name of a file that is put aside, by the number of its first line.
pub(super) fn aside_name(path: &Path, first: u64) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{first:012}"));
    PathBuf::from(name)
}

/// The files of a ledger that were put aside, the oldest first.
pub(super) fn put_aside(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?.file_name();
        let suffix = entry.to_str().and_then(|entry| entry.strip_prefix(name)?.strip_prefix('.'));
        if suffix.is_some_and(|suffix| suffix.len() == 12 && suffix.bytes().all(|byte| byte.is_ascii_digit())) {
            found.push(folder.join(entry));
        }
    }
    found.sort();
    Ok(found)
}

/// Reads a ledger from its oldest file to its newest; `each` sees every line and every fault, in order.
pub fn read(path: &Path, mut each: impl FnMut(Result<LedgerLine, LedgerFault>)) -> std::io::Result<()> {
    let mut before: Option<(u64, String)> = None;
    for file in put_aside(path)?.into_iter().chain([path.to_owned()]) {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut lines = BufReader::new(File::open(&file)?);
        let mut line = Vec::new();
        for place in 1_u64.. {
            line.clear();
            if lines.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            let place = format!("{name}:{place}");
            if line.pop_if(|last| *last == b'\n').is_none() {
                each(Err(unfinished(place)));
                break;
            }
            match serde_json::from_slice::<LedgerLine>(&line) {
                Err(error) => {
                    each(Err(unreadable(place, error.column())));
                    // What follows is held against nothing: one fault is told once.
                    before = None;
                }
                Ok(read) => {
                    if let Some(fault) = before.as_ref().and_then(|before| break_between(before, &read, &place)) {
                        each(Err(fault));
                    }
                    before = Some((read.number, hash_of(&line)));
                    each(Ok(read));
                }
            }
        }
    }
    Ok(())
}

fn break_between((number, hash): &(u64, String), line: &LedgerLine, place: &str) -> Option<LedgerFault> {
    let fault =
        |code, zh: String, en: String| Some(LedgerFault { code, place: place.to_owned(), what: Text::new(zh, en) });
    let (expected, found) = (number + 1, line.number);
    if found > expected {
        let last = found - 1;
        return fault(
            "line_missing",
            format!("此行之前缺少第 {expected} 至 {last} 号记录"),
            format!("entries {expected} to {last} are missing before this line"),
        );
    }
    if found < expected {
        return fault(
            "line_out_of_order",
            format!("此处应为第 {expected} 号记录，却是第 {found} 号"),
            format!("entry {expected} belongs here, and this is entry {found}"),
        );
    }
    if line.prev == *hash {
        return None;
    }
    fault(
        "line_changed",
        format!("第 {number} 号记录写入后被改动：它的散列与本行所记不符"),
        format!("entry {number} was changed after it was written: its hash is not the one this line names"),
    )
}

fn unreadable(place: String, column: usize) -> LedgerFault {
    let what = Text::new(
        format!("第 {column} 列起不是台账的记录；其后的一条无从对照"),
        format!("not an entry of a ledger from column {column} on; the entry after it cannot be held against it"),
    );
    LedgerFault { code: "line_unreadable", place, what }
}

fn unfinished(place: String) -> LedgerFault {
    let what = Text::new(
        "最后一行没有写完：写入时中断，或被截断",
        "the last line is not finished: writing was interrupted, or it was cut",
    );
    LedgerFault { code: "line_unfinished", place, what }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(lines: u64) -> Vec<String> {
        let mut prev = FIRST_PREV.to_owned();
        (1..=lines)
            .map(|number| {
                let line = format!(
                    r#"{{"number":{number},"prev":"{prev}","at":"2026-11-26T05:00:00Z","event":"query","adapter":"hrss","status":"answered"}}"#
                );
                prev = hash_of(line.as_bytes());
                line
            })
            .collect()
    }

    fn faults(lines: &[String]) -> Vec<(&'static str, String)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l.jsonl");
        std::fs::write(&path, lines.join("\n") + "\n").unwrap();
        let mut faults = Vec::new();
        read(&path, |line| faults.extend(line.err().map(|fault| (fault.code, fault.place)))).unwrap();
        faults
    }

    #[test]
    fn a_changed_missing_moved_or_foreign_line_is_found_and_named() {
        let whole = ledger(5);
        assert_eq!(faults(&whole), []);
        let mut changed = whole.clone();
        changed[2] = changed[2].replace("answered", "abandoned");
        assert_eq!(faults(&changed), [("line_changed", "l.jsonl:4".to_owned())]);
        let mut missing = whole.clone();
        missing.drain(1..3);
        assert_eq!(faults(&missing), [("line_missing", "l.jsonl:2".to_owned())]);
        let mut moved = whole.clone();
        moved.swap(1, 2);
        assert_eq!(faults(&moved)[0], ("line_missing", "l.jsonl:2".to_owned()));
        let mut foreign = whole;
        foreign[1] = "{}".to_owned();
        assert_eq!(faults(&foreign), [("line_unreadable", "l.jsonl:2".to_owned())]);
    }

    #[test]
    fn every_changed_byte_of_any_line_but_the_last_is_found() {
        let whole = ledger(3);
        for place in 0..whole[1].len() {
            let mut changed = whole.clone();
            let mut bytes = changed[1].clone().into_bytes();
            bytes[place] ^= 1;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            if text.contains('\n') {
                continue;
            }
            changed[1] = text;
            assert!(!faults(&changed).is_empty(), "byte {place}");
        }
    }
}
