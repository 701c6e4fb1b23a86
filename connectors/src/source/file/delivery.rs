//! A delivery: data files that were checked against their control file and are held in memory, by identity number.
//!
//! Nothing of a file is believed before its digest, its encoding, its form and its number of records are what was
//! agreed. What was hashed is what is read: a file is taken into memory once, as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use csv::StringRecord;
use jiff::civil::Date;

use super::control::{self, Listed};
use super::folder::{self, MAX_CONTROL, Unread};
use crate::connector::{Dataset, FileFormat, FileInfo, FileName};
use crate::native::{Native, Rows, find_column};
use crate::source::trouble::Flaw;
use crate::synthetic::{from_old_form, is_canonical};
use crate::xml::{self, XmlPath, XmlWhy};

/// What a dataset reads.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// Its id.
    pub(super) dataset: String,
    /// The file.
    pub(super) file: FileName,
    /// Where the records are, in XML.
    pub(super) records: Option<XmlPath>,
    /// The column of the identity number.
    pub(super) subject: String,
    /// The columns that the mapping reads, and what reads them.
    pub(super) columns: BTreeMap<String, String>,
    /// Old numbers of 15 digits lead to their person, because the name says so too.
    pub(super) old_numbers: bool,
    /// Those of them that a fact can do without. In XML, what no record has is not there at all.
    pub(super) optional: BTreeSet<String>,
}

/// What was delivered, each dataset's part of it.
#[derive(Debug)]
pub(super) struct Delivery {
    parts: BTreeMap<String, Arc<Part>>,
}

/// The records of a file.
pub(super) struct Part {
    /// The file.
    pub(super) file: String,
    /// The day they are of.
    pub(super) as_of: Date,
    /// Its columns.
    pub(super) columns: Vec<String>,
    /// Its records with their lines.
    pub(super) rows: Vec<StringRecord>,
    /// Identity number and row, in their order.
    index: Vec<([u8; 18], u32)>,
    /// Rows that no identity number leads to.
    pub(super) unfiled: usize,
}

impl std::fmt::Debug for Part {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Part({} of {}, {} rows)", self.file, self.as_of, self.rows.len())
    }
}

impl Wanted {
    /// What a dataset reads, where it reads a file.
    pub(super) fn of(dataset: &Dataset) -> Option<Self> {
        let crate::connector::Ask::File { file, records } = &dataset.ask else { return None };
        let columns = dataset.mapping.columns();
        Some(Self {
            dataset: dataset.id.clone(),
            file: file.clone(),
            records: records.clone(),
            subject: dataset.mapping.subject.clone(),
            old_numbers: dataset.mapping.name.is_some(),
            columns: columns.into_iter().map(|(column, by)| (column.to_owned(), by)).collect(),
            optional: dataset.mapping.optional_columns().into_iter().map(str::to_owned).collect(),
        })
    }
}

impl Delivery {
    /// The part of a dataset.
    pub(super) fn part(&self, dataset: &str) -> Option<&Arc<Part>> {
        self.parts.get(dataset)
    }

    /// The parts, with their datasets.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&String, &Arc<Part>)> {
        self.parts.iter()
    }

    /// Reads and checks what the control file lists for the datasets.
    pub(super) fn read(folder: &Path, info: &FileInfo, wanted: &[Wanted], listed: &[Listed]) -> Result<Self, Flaw> {
        let mut parts = BTreeMap::new();
        let mut read: Vec<(&Listed, &Wanted, Arc<Part>)> = Vec::new();
        for one in wanted {
            let mut candidates = listed.iter().filter(|entry| one.file.fits(&entry.file));
            let entry = match (candidates.next(), candidates.count()) {
                (Some(entry), 0) => entry,
                (first, more) => return Err(Flaw::Listed(one.file.written(), more + usize::from(first.is_some()))),
            };
            // Datasets that read a file in the same way share its records.
            let alike = read.iter().find(|(of, by, _)| {
                *of == entry
                    && by.records == one.records
                    && by.subject == one.subject
                    && by.old_numbers == one.old_numbers
                    && by.file == one.file
            });
            let part = match alike {
                Some((.., part)) => Arc::clone(part),
                None => Arc::new(Part::read(folder, info, one, entry)?),
            };
            for (column, by) in &one.columns {
                let lacking = info.format == FileFormat::Xml && (part.rows.is_empty() || one.optional.contains(column));
                if !lacking && find_column(&part.columns, column).is_none() {
                    let (file, by) = (part.file.clone(), format!("{} {by}", one.dataset));
                    return Err(Flaw::Column(file, column.clone(), by, part.columns.clone()));
                }
            }
            read.push((entry, one, Arc::clone(&part)));
            parts.insert(one.dataset.clone(), part);
        }
        Ok(Self { parts })
    }
}

/// The bytes of a control file.
pub(super) fn control_bytes(folder: &Path, info: &FileInfo) -> Result<Vec<u8>, Flaw> {
    match folder::read(folder, &info.control, MAX_CONTROL) {
        Err(Unread::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(if folder.is_dir() { Flaw::ControlMissing } else { Flaw::FolderMissing })
        }
        read => read.map_err(|unread| flaw(&info.control, MAX_CONTROL, unread)),
    }
}

/// What a control file lists.
pub(super) fn listed(bytes: &[u8], info: &FileInfo) -> Result<Vec<Listed>, Flaw> {
    let text = info.encoding.decode(bytes);
    let text = text.map_err(|fault| Flaw::NoText(info.control.clone(), info.encoding.name(), fault))?;
    let listed = control::parse(&text).map_err(|fault| Flaw::ControlForm(fault.line, fault.part))?;
    if listed.iter().all(|entry| folder::is_plain(&entry.file)) { Ok(listed) } else { Err(Flaw::Name) }
}

/// The text of a listed file, whole and unchanged.
pub(super) fn checked_text(folder: &Path, info: &FileInfo, entry: &Listed) -> Result<String, Flaw> {
    let bytes = match folder::read(folder, &entry.file, info.max_bytes) {
        Err(Unread::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Flaw::FileMissing(entry.file.clone()));
        }
        read => read.map_err(|unread| flaw(&entry.file, info.max_bytes, unread))?,
    };
    if !entry.digest.fits(&bytes) {
        return Err(Flaw::Digest(entry.file.clone(), entry.digest.name()));
    }
    if matches!(info.format, FileFormat::Xml)
        && let Some(declared) = xml::declared_encoding(&bytes)
        && crate::text::TextEncoding::named(&declared) != Some(info.encoding)
    {
        return Err(Flaw::Prolog(entry.file.clone(), info.encoding.name()));
    }
    info.encoding.decode(&bytes).map_err(|fault| Flaw::NoText(entry.file.clone(), info.encoding.name(), fault))
}

fn flaw(name: &str, most: u64, unread: Unread) -> Flaw {
    match unread {
        Unread::Name => Flaw::Name,
        Unread::Kind => Flaw::Kind(name.to_owned()),
        Unread::Large(is) => Flaw::Large(name.to_owned(), is, most),
        Unread::Io(error) => Flaw::Unreadable(format!("{name}: {error}")),
    }
}

impl Part {
    fn read(folder: &Path, info: &FileInfo, wanted: &Wanted, entry: &Listed) -> Result<Self, Flaw> {
        let file = entry.file.clone();
        let as_of = entry.as_of.or_else(|| wanted.file.day(&file)).ok_or_else(|| Flaw::NoDay(file.clone()))?;
        let text = checked_text(folder, info, entry)?;
        let table = match (info.format, &wanted.records) {
            (FileFormat::Xml, Some(path)) => xml_table(&text, path, &file)?,
            (FileFormat::Csv { delimiter }, _) => csv_table(&text, delimiter, &file)?,
            (FileFormat::Xml, None) => Table::default(),
        };
        let found = u64::try_from(table.rows.len()).unwrap_or(u64::MAX);
        if found != entry.rows {
            return Err(Flaw::Count(file, entry.rows, found));
        }
        let Some(subject) = find_column(&table.columns, &wanted.subject) else {
            let by = format!("{} subject", wanted.dataset);
            // An XML file without records has no columns, and nobody is in it.
            if table.rows.is_empty() && info.format == FileFormat::Xml {
                return Ok(Self { file, as_of, columns: Vec::new(), rows: Vec::new(), index: Vec::new(), unfiled: 0 });
            }
            return Err(Flaw::Column(file, wanted.subject.clone(), by, table.columns));
        };
        let mut index = Vec::with_capacity(table.rows.len());
        let (mut unfiled, mut first) = (0, 0);
        for (place, row) in table.rows.iter().enumerate() {
            let written = row.get(subject).unwrap_or_default().trim();
            let old = Some(written).filter(|_| wanted.old_numbers).and_then(from_old_form);
            let number = old.unwrap_or_else(|| written.to_ascii_uppercase());
            let key = Some(number.as_bytes()).filter(|_| is_canonical(&number)).and_then(|it| it.try_into().ok());
            if let (Some(key), Ok(place)) = (key, u32::try_from(place)) {
                index.push((key, place));
                continue;
            }
            if unfiled == 0 {
                first = table.lines.get(place).copied().unwrap_or_default();
            }
            unfiled += 1;
        }
        if unfiled > info.max_unfiled {
            return Err(Flaw::Unfiled(file, unfiled, first));
        }
        index.sort_unstable();
        Ok(Self { file, as_of, columns: table.columns, rows: table.rows, index, unfiled })
    }

    /// The rows about these persons, with the columns that `wanted` says may be lacking; `None` when there are
    /// more than `most`.
    pub(super) fn rows_of(&self, wanted: &Wanted, id_numbers: &[&str], most: usize) -> Option<Rows> {
        let lacking = wanted.optional.iter().filter(|column| find_column(&self.columns, column).is_none());
        let lacking: Vec<String> = lacking.cloned().collect();
        let filled = |row: &StringRecord| {
            row.iter().map(native).chain(std::iter::repeat_n(Native::Null, lacking.len())).collect()
        };
        let mut rows = Vec::new();
        for number in id_numbers {
            let begin = self.index.partition_point(|(key, _)| key.as_slice() < number.as_bytes());
            let of = self.index.iter().skip(begin).take_while(|(key, _)| key.as_slice() == number.as_bytes());
            for (_, place) in of {
                let row = usize::try_from(*place).ok().and_then(|place| self.rows.get(place));
                rows.extend(row.map(filled));
                if rows.len() > most {
                    return None;
                }
            }
        }
        let columns = self.columns.iter().chain(&lacking).cloned().collect();
        Some(Rows { columns, rows, as_of: Some(self.as_of.to_string()) })
    }
}

fn native(text: &str) -> Native {
    if text.is_empty() { Native::Null } else { Native::Text(text.to_owned()) }
}

/// What a file holds.
#[derive(Default)]
pub(super) struct Table {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<StringRecord>,
    pub(super) lines: Vec<u64>,
}

/// The records of a CSV file, which are all as wide as its header.
pub(super) fn csv_table(text: &str, delimiter: u8, file: &str) -> Result<Table, Flaw> {
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
    let broken = |error: &csv::Error| Flaw::Csv(file.to_owned(), error.position().map_or(1, csv::Position::line));
    let header = reader.headers().map_err(|error| broken(&error))?;
    let columns: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
    let twice = |name: &String| columns.iter().filter(|other| other.eq_ignore_ascii_case(name)).count() > 1;
    if columns.is_empty() || columns.iter().any(|name| name.is_empty() || twice(name)) {
        return Err(Flaw::Header(file.to_owned()));
    }
    let mut table = Table { columns, ..Table::default() };
    for record in reader.into_records() {
        let record = record.map_err(|error| broken(&error))?;
        table.lines.push(record.position().map_or(0, csv::Position::line));
        table.rows.push(record);
    }
    if let Some(line) = unclosed(text, delimiter) {
        return Err(Flaw::Csv(file.to_owned(), line));
    }
    Ok(table)
}

/// The line at which a quote is opened that is never closed. A reader of CSV takes the rest of the file for its
/// value, which would be one record fewer than there are; and text after a closed quote for a part of it.
fn unclosed(text: &str, delimiter: u8) -> Option<u64> {
    let (mut line, mut opened) = (1, 1);
    let mut quoted = false;
    let mut bytes = text.bytes().peekable();
    let mut begins = true;
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' if quoted && bytes.peek() == Some(&b'"') => drop(bytes.next()),
            b'"' if quoted => {
                quoted = false;
                let ends = matches!(bytes.peek(), None | Some(b'\r' | b'\n'));
                if !ends && bytes.peek() != Some(&delimiter) {
                    return Some(line);
                }
            }
            b'"' if begins => {
                quoted = true;
                opened = line;
            }
            b'\n' => line += 1,
            _ => {}
        }
        begins = !quoted && (byte == delimiter || byte == b'\n' || byte == b'\r');
    }
    quoted.then_some(opened)
}

/// The records of an XML file, with the columns of all of them.
pub(super) fn xml_table(text: &str, path: &XmlPath, file: &str) -> Result<Table, Flaw> {
    let mut table = Table::default();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let read = xml::records(text, path, |line, element| {
        let mut row: Vec<&str> = vec![""; table.columns.len()];
        let fields = element.fields()?;
        for (name, value) in &fields {
            let next = places.len();
            let place = *places.entry(name.clone()).or_insert(next);
            if place == next {
                table.columns.push(name.clone());
                row.push("");
            }
            *row.get_mut(place).ok_or(XmlWhy::Record)? = value;
        }
        table.rows.push(StringRecord::from(row));
        table.lines.push(u64::try_from(line).unwrap_or(u64::MAX));
        Ok(())
    });
    read.map_err(|fault| Flaw::Xml(file.to_owned(), fault))?;
    let width = table.columns.len();
    for row in &mut table.rows {
        for _ in row.len()..width {
            row.push_field("");
        }
    }
    Ok(table)
}
