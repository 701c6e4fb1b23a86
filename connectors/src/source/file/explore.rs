//! What a folder or a kept answer holds, for `discover`: files or records, their columns, what their values look
//! like and how often they are empty. Never a value.

use std::collections::BTreeMap;
use std::path::Path;

use super::delivery::{Table, checked_text, control_bytes, csv_table, listed, xml_table};
use crate::connector::{FileFormat, FileInfo};
use crate::source::trouble::Flaw;
use crate::source::{ColumnInfo, Relation};
use crate::synthetic::{from_old_form, is_canonical};
use crate::text::TextEncoding;
use crate::xml::{self, Element, XmlPath};

/// Records that are looked at in each file.
const SAMPLED: usize = 1_000;

/// Every file that the control file lists.
pub(super) fn relations(folder: &Path, info: &FileInfo) -> Result<Vec<Relation>, Flaw> {
    let entries = listed(&control_bytes(folder, info)?, info)?;
    let mut relations = Vec::new();
    for entry in entries {
        let text = checked_text(folder, info, &entry)?;
        let (table, records) = match info.format {
            FileFormat::Csv { delimiter } => (csv_table(&text, delimiter, &entry.file)?, None),
            FileFormat::Xml => {
                let root = xml::document(&text).map_err(|fault| Flaw::Xml(entry.file.clone(), fault))?;
                match repeated(&root) {
                    Some(path) => (xml_table(&text, &path, &entry.file)?, Some(path.written())),
                    None => (Table::default(), None),
                }
            }
        };
        relations.push(described(entry.file, "file", &table, records));
    }
    Ok(relations)
}

/// The records of one answer of a service of XML, which somebody kept in a file of this name.
pub(crate) fn of_answer(name: &str, bytes: &[u8], usual: TextEncoding) -> Result<Relation, Flaw> {
    let encoding = xml::declared_encoding(bytes).and_then(|named| TextEncoding::named(&named)).unwrap_or(usual);
    let text = encoding.decode(bytes).map_err(|fault| Flaw::NoText(name.to_owned(), encoding.name(), fault))?;
    let root = xml::document(&text).map_err(|fault| Flaw::Xml(name.to_owned(), fault))?;
    let (table, path) = match repeated(&root) {
        Some(path) => (xml_table(&text, &path, name)?, Some(path.written())),
        None => (Table::default(), None),
    };
    Ok(described(path.clone().unwrap_or_else(|| name.to_owned()), "answer", &table, path))
}

fn described(name: String, form: &str, table: &Table, records: Option<String>) -> Relation {
    let rows = || table.rows.iter().take(SAMPLED);
    let columns = table.columns.iter().enumerate().map(|(place, column)| {
        let values = || rows().filter_map(move |row| row.get(place)).map(str::trim);
        let filled = values().filter(|value| !value.is_empty()).count();
        ColumnInfo {
            name: column.clone(),
            written: column.clone(),
            type_name: kind(values().filter(|value| !value.is_empty())),
            comment: String::new(),
            nulls: i64::try_from(rows().count().saturating_sub(filled)).ok(),
            width: None,
            numbers: i64::try_from(values().filter(|value| is_number(value)).count()).ok(),
        }
    });
    let (columns, sampled) = (columns.collect(), i64::try_from(rows().count()).ok());
    Relation { name, kind: form.to_owned(), columns, records, sampled }
}

/// The form of an identity number, of 18 characters or of 15.
fn is_number(value: &str) -> bool {
    is_canonical(&value.to_ascii_uppercase()) || from_old_form(value).is_some()
}

/// What values look like, in the words of a database where it has some.
fn kind<'a>(values: impl Iterator<Item = &'a str>) -> String {
    let (mut width, mut digits, mut amount, mut any) = (None, true, true, false);
    let mut one_width = true;
    for value in values {
        any = true;
        one_width &= width.is_none_or(|width| width == value.len());
        width = Some(value.len());
        digits &= value.bytes().all(|byte| byte.is_ascii_digit());
        amount &= crate::amount::yuan(value).is_ok();
    }
    match width.filter(|_| any) {
        Some(width) if digits && one_width && matches!(width, 6 | 8) => format!("char({width})"),
        Some(_) if digits => "digits".to_owned(),
        Some(_) if amount => "decimal".to_owned(),
        _ => "text".to_owned(),
    }
}

/// The path of the element that holds fields and comes most often: that of the records.
fn repeated(root: &Element) -> Option<XmlPath> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut open = vec![(root.name.clone(), root)];
    while let Some((path, element)) = open.pop() {
        let is_record = element.children.iter().any(|child| child.children.is_empty());
        if is_record && path.contains('/') {
            *counts.entry(path.clone()).or_default() += 1;
        }
        open.extend(element.children.iter().map(|child| (format!("{path}/{}", child.name), child)));
    }
    let most = counts.into_iter().max_by_key(|(path, count)| (*count, std::cmp::Reverse(path.len())));
    most.and_then(|(path, _)| XmlPath::parse(&path))
}
