//! From an answer to rows: is it sound, does it say that nothing is known, and is it whole.
//!
//! An answer that is neither sound nor said to be no record is an error, and so is a list that is not whole, a
//! row about somebody else, and a record without a column that decides something.

use std::collections::{BTreeMap, BTreeSet};

use hyper::header::{CONTENT_TYPE, HeaderMap};
use jiff::Timestamp;

use super::super::SourceError;
use super::super::group::of_refusal;
use super::super::trouble::{Finding, Rung, Trouble, Whereabouts};
use super::super::web::{WebAnswer, words_of};
use crate::connector::{ASKED, HttpAsk, HttpInfo, Is, Meaning, Paging, PagingKind};
use crate::json::{Json, JsonError};
use crate::json_path::JsonPath;
use crate::mapping::Mapping;
use crate::native::{Native, find_column};
use crate::synthetic::is_number_of;
use crate::text::TextEncoding;

/// Reads the answers to one dataset.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    columns: Vec<Column>,
    subject: usize,
    /// Old numbers of 15 digits are read, because names are compared as well.
    old_numbers: bool,
    records: JsonPath,
    meaning: Meaning,
    paging: Paging,
    key: Option<usize>,
    encoding: TextEncoding,
    place: Whereabouts,
}

#[derive(Debug, Clone)]
struct Column {
    name: String,
    path: JsonPath,
    /// A record without it is an error: it decides whose the record is, whether it counts, or what it says.
    required: bool,
}

/// What an answer says.
pub(super) enum Meant {
    /// Nothing is known of the persons.
    NoRecord,
    /// Records stand in it.
    Records(Json),
}

/// The pages of one call, as they are read.
pub(super) struct Pages {
    /// Their rows.
    pub(super) rows: Vec<Vec<Native>>,
    /// Where each page begins in the rows.
    begins: Vec<usize>,
    keys: BTreeSet<String>,
    total: Option<u64>,
    token: Option<String>,
}

impl Reader {
    pub(super) fn new(mapping: &Mapping, ask: &HttpAsk, encoding: TextEncoding, place: Whereabouts) -> Self {
        let required = mapping.deciding_columns();
        let mut wanted: BTreeMap<&str, bool> = ask.columns.keys().map(|name| (name.as_str(), false)).collect();
        wanted.extend(ask.paging.key.as_deref().map(|key| (key, true)));
        for column in mapping.columns().into_keys() {
            wanted.insert(column, required.contains(column));
        }
        let columns: Vec<Column> = wanted
            .into_iter()
            .map(|(name, required)| {
                let path = ask.columns.get(name).cloned().unwrap_or_else(|| JsonPath::of_record(name));
                Column { name: name.to_owned(), path, required }
            })
            .collect();
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        let place_of = |name: &str| find_column(&names, name);
        Self {
            subject: place_of(&mapping.subject).unwrap_or_default(),
            old_numbers: mapping.name.is_some(),
            key: ask.paging.key.as_deref().and_then(place_of),
            columns,
            records: ask.records.clone(),
            meaning: ask.meaning.clone(),
            paging: ask.paging.clone(),
            encoding,
            place,
        }
    }

    /// A reader that knows what answers mean and nothing of their records.
    pub(super) fn bare(info: &HttpInfo, place: Whereabouts) -> Self {
        Self {
            columns: Vec::new(),
            subject: 0,
            old_numbers: false,
            records: JsonPath::of_record(""),
            meaning: info.meaning.clone(),
            paging: Paging::default(),
            key: None,
            encoding: info.encoding,
            place,
        }
    }

    /// The names of the columns.
    pub(super) fn columns(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }

    /// An answer that cannot be used.
    pub(super) fn wrong(&self, finding: Finding, details: &str) -> SourceError {
        SourceError::Answer(Box::new(Trouble::found(finding, details, &self.place)))
    }

    fn wrong_about(&self, finding: Finding, name: &str) -> SourceError {
        SourceError::Answer(Box::new(Trouble::found_saying(finding, name, "", &self.place)))
    }

    /// The sentence that says what is wrong.
    pub(super) fn words(&self, json: Option<&Json>) -> String {
        let told = self.meaning.error_message.as_ref().and_then(|path| path.one(json?)).and_then(Json::text);
        told.map_or_else(|| words_of(json), |text| text.chars().take(200).collect())
    }

    /// The JSON of a body.
    pub(super) fn decode(&self, answer: &WebAnswer) -> Result<Json, SourceError> {
        let first = answer.body.iter().find(|byte| !byte.is_ascii_whitespace());
        let shown = || kind_of(&answer.headers);
        match first {
            None => return Err(self.wrong(Finding::Blank, "")),
            Some(b'<') => return Err(self.wrong(Finding::Html, &shown())),
            Some(_) => {}
        }
        let encoding = said_encoding(&answer.headers).unwrap_or(self.encoding);
        let text = encoding.decode(&answer.body).map_err(|_| self.wrong(Finding::Encoding, &shown()))?;
        Json::parse(&text).map_err(|error| match error {
            JsonError::NameTwice => self.wrong(Finding::NameTwice, ""),
            error => self.wrong(Finding::NotJson, &format!("{} · {error}", shown())),
        })
    }

    /// What an answer of HTTP 200 means. `now` is our clock, where the answer came just now.
    pub(super) fn meant(
        &self,
        status: u16,
        headers: &HeaderMap,
        json: Json,
        now: Option<Timestamp>,
    ) -> Result<Meant, SourceError> {
        if self.is_no_record(&json, false) {
            return Ok(Meant::NoRecord);
        }
        if status == 200 && self.meaning.ok_when.iter().all(|condition| condition.holds(&json)) {
            return Ok(if self.is_no_record(&json, true) { Meant::NoRecord } else { Meant::Records(json) });
        }
        let words = self.words(Some(&json));
        let mut trouble = match status {
            200 => Trouble::of_service(&words, &self.place),
            status => Trouble::of_status(status, &words, Rung::Answer, &self.place),
        };
        if let Some(now) = now {
            trouble = trouble.skewed(headers, now, &self.place);
        }
        Err(of_refusal(trouble, None))
    }

    /// What an answer of another status means.
    pub(super) fn refused(
        &self,
        answer: &WebAnswer,
        json: Option<&Json>,
        now: Timestamp,
    ) -> Result<Meant, SourceError> {
        if json.is_some_and(|json| self.is_no_record(json, false)) {
            return Ok(Meant::NoRecord);
        }
        let trouble = Trouble::of_status(answer.status, &self.words(json), Rung::Answer, &self.place);
        Err(of_refusal(trouble.skewed(&answer.headers, now, &self.place), answer.retry_after()))
    }

    /// Whether an answer says that nothing is known. That something is empty says so in a sound answer only: of
    /// an error everything is empty.
    fn is_no_record(&self, json: &Json, sound: bool) -> bool {
        let looked_at = |is: &Is| matches!(is, Is::Empty) == sound;
        self.meaning.no_record_when.iter().any(|condition| looked_at(&condition.is) && condition.holds(json))
    }

    /// The rows of an answer, all about one of these persons.
    fn rows(&self, json: &Json, persons: &[&str]) -> Result<Vec<Vec<Native>>, SourceError> {
        let records =
            self.records.all(json).map_err(|_| self.wrong_about(Finding::NoRecords, &self.records.to_string()))?;
        let mut rows = Vec::with_capacity(records.len());
        for record in records {
            let mut row = Vec::with_capacity(self.columns.len());
            for column in &self.columns {
                if column.name == ASKED {
                    // The call was about this person alone: the file says that nothing else tells whose the record is.
                    row.push(persons.first().map_or(Native::Null, |person| Native::Text((*person).to_owned())));
                    continue;
                }
                let root = if column.path.is_of_record() { record } else { json };
                row.push(match column.path.one(root) {
                    Some(value) => value.native().ok_or_else(|| self.wrong_about(Finding::ColumnForm, &column.name))?,
                    None if column.required => return Err(self.wrong_about(Finding::NoColumn, &column.name)),
                    None => Native::Null,
                });
            }
            self.about(&row, persons)?;
            rows.push(row);
        }
        Ok(rows)
    }

    /// That a row is about one of the persons that were asked about.
    fn about(&self, row: &[Native], persons: &[&str]) -> Result<(), SourceError> {
        let number = row.get(self.subject).and_then(Native::text).unwrap_or_default();
        if persons.iter().any(|person| is_number_of(&number, person, self.old_numbers)) {
            return Ok(());
        }
        let masked = number.contains(['*', '＊', '×', '●']);
        Err(self.wrong(if masked { Finding::Masked } else { Finding::Stranger }, ""))
    }
}

impl Pages {
    /// Nothing read yet.
    pub(super) const fn new() -> Self {
        Self { rows: Vec::new(), begins: Vec::new(), keys: BTreeSet::new(), total: None, token: None }
    }

    /// Whether no page has been read.
    pub(super) const fn is_empty(&self) -> bool {
        self.begins.is_empty()
    }

    /// Takes a page in. `None` when it was the last one; else the token of the next, where pages have tokens.
    #[expect(clippy::option_option, reason = "whether there is a further page, and its token where there are tokens")]
    pub(super) fn take(
        &mut self,
        reader: &Reader,
        json: &Json,
        persons: &[&str],
    ) -> Result<Option<Option<String>>, SourceError> {
        let page = reader.rows(json, persons)?;
        self.whole(reader, json)?;
        if !page.is_empty() && self.is_known(&page) {
            return Err(reader.wrong(Finding::PageTwice, ""));
        }
        if let Some(key) = reader.key {
            for row in &page {
                let key = row.get(key).and_then(Native::text).unwrap_or_default().into_owned();
                if !self.keys.insert(key) {
                    return Err(reader.wrong(Finding::PageTwice, ""));
                }
            }
        }
        let read = page.len();
        self.begins.push(self.rows.len());
        self.rows.extend(page);
        let missing = match self.total {
            None => None,
            Some(total) => {
                let have = u64::try_from(self.rows.len()).unwrap_or(u64::MAX);
                let counts = || format!("{have} / {total}");
                let missing = total.checked_sub(have).ok_or_else(|| reader.wrong(Finding::PageTwice, &counts()))?;
                // A page that brings nothing, and one page that is to be all, leave the list as short as it is.
                if missing > 0 && (read == 0 || reader.paging.kind == PagingKind::None) {
                    return Err(reader.wrong(Finding::PageShort, &counts()));
                }
                Some(missing)
            }
        };
        match (&reader.paging.kind, missing) {
            (PagingKind::None, _) | (PagingKind::Start(_) | PagingKind::Page(_), Some(0) | None) => Ok(None),
            (PagingKind::Start(_) | PagingKind::Page(_), Some(_)) => Ok(Some(None)),
            (PagingKind::Token(path), missing) => {
                let token = path.one(json).and_then(Json::text).filter(|token| !token.trim().is_empty());
                match (token, missing) {
                    (None, Some(missing)) if missing > 0 => Err(reader.wrong(Finding::PageShort, &missing.to_string())),
                    (None, _) => Ok(None),
                    (Some(token), _) if self.token.as_deref() == Some(token) => {
                        Err(reader.wrong(Finding::PageTwice, ""))
                    }
                    (Some(token), _) => {
                        self.token = Some(token.to_owned());
                        Ok(Some(self.token.clone()))
                    }
                }
            }
        }
    }

    /// Takes in how many records there are in all, which every page says alike.
    fn whole(&mut self, reader: &Reader, json: &Json) -> Result<(), SourceError> {
        let Some(path) = &reader.paging.total else { return Ok(()) };
        let total = path.one(json).and_then(Json::text).and_then(|text| text.trim().parse().ok());
        let total: u64 = total.ok_or_else(|| reader.wrong(Finding::NoTotal, ""))?;
        match self.total.replace(total) {
            Some(before) if before != total => Err(reader.wrong(Finding::TotalChanged, &format!("{before} / {total}"))),
            _ => Ok(()),
        }
    }

    /// Whether this page was there before.
    fn is_known(&self, page: &[Vec<Native>]) -> bool {
        let ends = self.begins.iter().skip(1).copied().chain([self.rows.len()]);
        self.begins.iter().zip(ends).any(|(begin, end)| self.rows.get(*begin..end) == Some(page))
    }
}

/// The media type and encoding that an answer says it has.
fn kind_of(headers: &HeaderMap) -> String {
    headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().chars().take(80).collect()
}

/// The encoding that an answer says it has, where it is one that is read here.
fn said_encoding(headers: &HeaderMap) -> Option<TextEncoding> {
    let kind = kind_of(headers).to_ascii_lowercase();
    let (_, charset) = kind.split_once("charset=")?;
    TextEncoding::named(charset.trim_matches(['"', ' ', ';']))
}
