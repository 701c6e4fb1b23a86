//! The control file of a delivery: which files belong to it, how many records each has, and its digest.
//!
//! It is a CSV of its own, written last, so that its coming says that the rest is there:
//! `file,rows,sha256,as_of`, or in Chinese `文件名,记录数,SHA256,数据日期`; `sm3` may stand for `sha256`.

use jiff::civil::Date;
use sm3::Digest as _;

/// What a control file says of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    /// Its name, in the same folder.
    pub(super) file: String,
    /// How many records it has.
    pub(super) rows: u64,
    /// Its digest.
    pub(super) digest: Digest,
    /// The day its records are of, where it is said here.
    pub(super) as_of: Option<Date>,
}

/// A digest of the bytes of a file.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Digest {
    /// SHA-256 (FIPS 180-4).
    Sha256([u8; 32]),
    /// SM3 (GB/T 32905).
    Sm3([u8; 32]),
}

/// Why a control file cannot be used: the line, and which part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ControlFault {
    /// The line, from 1.
    pub(super) line: u64,
    /// The column that is missing or wrong; `csv` where it is no CSV.
    pub(super) part: &'static str,
}

const FILE: [&str; 3] = ["file", "文件名", "文件"];
const ROWS: [&str; 4] = ["rows", "count", "记录数", "条数"];
const SHA256: [&str; 2] = ["sha256", "sha-256"];
const SM3: [&str; 1] = ["sm3"];
const AS_OF: [&str; 3] = ["as_of", "数据日期", "截止日期"];

impl Digest {
    /// Whether it is that of these bytes.
    pub(super) fn fits(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Sha256(digest) => {
                aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref() == digest.as_slice()
            }
            Self::Sm3(digest) => sm3::Sm3::digest(bytes).as_slice() == digest.as_slice(),
        }
    }

    /// The algorithm's name.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Sha256(_) => "SHA-256",
            Self::Sm3(_) => "SM3",
        }
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Reads a control file.
pub(super) fn parse(text: &str) -> Result<Vec<Listed>, ControlFault> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let broken =
        |error: &csv::Error| ControlFault { line: error.position().map_or(1, csv::Position::line), part: "csv" };
    let header = reader.headers().map_err(|error| broken(&error))?.clone();
    let place =
        |names: &[&str]| header.iter().position(|name| names.iter().any(|known| name.eq_ignore_ascii_case(known)));
    let missing = |part| ControlFault { line: 1, part };
    let file = place(&FILE).ok_or_else(|| missing("file"))?;
    let rows = place(&ROWS).ok_or_else(|| missing("rows"))?;
    let (sha256, sm3, as_of) = (place(&SHA256), place(&SM3), place(&AS_OF));
    if sha256.is_none() && sm3.is_none() {
        return Err(missing("sha256"));
    }
    let mut listed = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| broken(&error))?;
        let line = record.position().map_or(1, csv::Position::line);
        let wrong = |part| ControlFault { line, part };
        let text = |place: Option<usize>| place.and_then(|place| record.get(place)).filter(|text| !text.is_empty());
        let digest = match (text(sha256), text(sm3)) {
            (Some(hex), _) => Digest::Sha256(bytes(hex).ok_or_else(|| wrong("sha256"))?),
            (None, Some(hex)) => Digest::Sm3(bytes(hex).ok_or_else(|| wrong("sm3"))?),
            (None, None) => return Err(wrong("sha256")),
        };
        let as_of = match text(as_of) {
            Some(text) => Some(day(text).ok_or_else(|| wrong("as_of"))?),
            None => None,
        };
        listed.push(Listed {
            file: text(Some(file)).ok_or_else(|| wrong("file"))?.to_owned(),
            rows: text(Some(rows)).and_then(|text| text.parse().ok()).ok_or_else(|| wrong("rows"))?,
            digest,
            as_of,
        });
    }
    if listed.is_empty() { Err(missing("file")) } else { Ok(listed) }
}

/// A day as `2025-03-01` or `20250301`.
pub(super) fn day(text: &str) -> Option<Date> {
    let day = match text.len() {
        8 => Date::strptime("%Y%m%d", text),
        10 => Date::strptime("%Y-%m-%d", text),
        _ => return None,
    };
    day.ok().filter(|day| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') && day.year() >= 1949)
}

fn bytes(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (byte, place) in bytes.iter_mut().zip((0..64).step_by(2)) {
        let pair = hex.get(place..place + 2).filter(|pair| pair.bytes().all(|it| it.is_ascii_hexdigit()))?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // Of the three letters `abc`: FIPS 180-4 and GB/T 32905, example 1 of both.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const ABC_SM3: &str = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0";

    #[test]
    fn both_languages_and_both_digests_are_read() {
        let listed = parse(&format!("file,rows,sha256,as_of\na.csv, 3 ,{ABC},20250301\n")).unwrap();
        assert_eq!((listed[0].file.as_str(), listed[0].rows), ("a.csv", 3));
        assert_eq!(listed[0].as_of, Some(jiff::civil::date(2025, 3, 1)));
        assert!(listed[0].digest.fits(b"abc") && !listed[0].digest.fits(b"abd"));
        let listed = parse(&format!(
            "文件名,记录数,SM3,数据日期\n台账.csv,0,{},2025-03-01\nb.csv,1,{ABC_SM3},\n",
            ABC_SM3.to_uppercase()
        ))
        .unwrap();
        assert!(listed[0].digest.fits(b"abc") && listed[1].as_of.is_none());
    }

    #[test]
    fn what_is_missing_or_wrong_is_named_with_its_line() {
        for (text, line, part) in [
            (String::new(), 1, "file"),
            ("file,rows\na,1\n".to_owned(), 1, "sha256"),
            ("file,sha256\n".to_owned(), 1, "rows"),
            (format!("file,rows,sha256\na.csv,3,{ABC}\nb.csv,-1,{ABC}\n"), 3, "rows"),
            (format!("file,rows,sha256\n,3,{ABC}\n"), 2, "file"),
            ("file,rows,sha256\na.csv,3,abc\n".to_owned(), 2, "sha256"),
            ("file,rows,sha256\na.csv,3,\n".to_owned(), 2, "sha256"),
            (format!("file,rows,sha256,as_of\na.csv,3,{ABC},2025-02-30\n"), 2, "as_of"),
            (format!("file,rows,sha256\na.csv,3,{ABC},9\n"), 2, "csv"),
            ("file,rows,sha256\n".to_owned(), 1, "file"),
        ] {
            assert_eq!(parse(&text), Err(ControlFault { line, part }), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(file|rows|sha256|as_of|,|\"|\n|[0-9a-f]{64}|\\PC){0,30}") {
            drop(parse(&text));
        }
    }
}
