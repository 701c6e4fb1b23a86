//! Rows of native values → facts of persons.
//!
//! A row that cannot be mapped makes its person's result an error: never a guess, never a list with
//! that row left out. A row about nobody who was asked about makes the whole dataset an error, because
//! then nothing in it can be trusted.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::amount;
use crate::date_format::DateFormat;
use crate::error::Text;
use crate::name;
use crate::native::{Native, Rows, find_column};
use crate::protocol::QueryPeriod;
use crate::synthetic;
use crate::value::{Format, Misfit, Value};

/// How the rows of a dataset become facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The column that says whose row it is.
    pub subject: String,
    /// The column with the person's name, where it is to be compared.
    pub name: Option<String>,
    /// The column with the day or instant the record is of, and its format.
    pub as_of: Option<(String, DateFormat)>,
    /// The targets read from columns and the constants, in the order of their names.
    pub fields: Vec<Field>,
    /// The targets made from others.
    pub templates: Vec<Template>,
    /// Rows to leave out.
    pub skip: Vec<Skip>,
    /// The column with the day that decides whether a row lies within the period of the question, and its format.
    /// Rows outside are left out; one without a day that can be read is an error.
    pub within: Option<(String, DateFormat)>,
    /// The amount that is added up: facts that are alike in everything else become one.
    pub add: Option<String>,
}

/// A target and what fills it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The target.
    pub target: String,
    /// What fills it.
    pub from: From,
    /// Left out when there is no value; otherwise having none is an error.
    pub optional: bool,
}

/// What fills a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// The same in every fact.
    Constant(Value),
    /// A column.
    Column {
        /// Its name.
        column: String,
        /// How it is read.
        format: Format,
    },
}

/// A target made from columns and other targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The target.
    pub target: String,
    /// Its parts.
    pub parts: Vec<Part>,
    /// Left out when a part has no value; otherwise that is an error.
    pub optional: bool,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text as it stands.
    Literal(String),
    /// The native value of a column.
    Column(String),
    /// A target that has been mapped.
    Target(String),
}

/// Rows to leave out: those whose column has one of these values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    /// The column.
    pub column: String,
    /// The values.
    pub equals: BTreeSet<String>,
    /// Further columns, all of which must have one of their values too.
    pub and: BTreeMap<String, BTreeSet<String>>,
}

/// A person asked about.
#[derive(Clone, Copy)]
pub struct Person<'a> {
    /// Canonical identity number.
    pub id_number: &'a str,
    /// Name as asked.
    pub name: &'a str,
}

/// What came of one person, and the number the rows were filed under.
#[derive(Clone, PartialEq, Eq)]
pub struct Mapped {
    /// The identity number as the rows have it, in canonical form; `None` without rows.
    pub filed_under: Option<String>,
    /// What came of the rows.
    pub outcome: Outcome,
}

/// What came of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Facts, as a JSON array.
    Facts {
        /// The array, in canonical form.
        json: String,
        /// The latest day or instant of the rows.
        as_of: Option<String>,
    },
    /// No row.
    NoRecord,
    /// A row under another name.
    NameMismatch,
    /// A row that cannot be mapped.
    Error(RowError),
}

/// Why a row cannot be mapped: which target or column, and what is wrong with it. Values are not part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{at}` (column `{column}`): {misfit}")]
pub struct RowError {
    /// The target, or `as_of`.
    pub at: String,
    /// The column it is read from.
    pub column: String,
    /// What is wrong.
    pub misfit: Misfit,
}

impl RowError {
    /// The error for people.
    pub fn text(&self) -> Text {
        Text::new(format!("`{}`（列 `{}`）：{}", self.at, self.column, self.misfit.text().zh), self.to_string())
    }
}

/// Why the answer of a source cannot be used at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowsError {
    /// The source does not give a column the mapping reads.
    #[error("the source gives no column `{0}`: have it given (a database: in SELECT), or change the mapping")]
    ColumnMissing(String),
    /// A row is about a person who was not asked about, or about nobody.
    #[error(
        "the source returned a row about a person who was not asked about: check `subject` (a database: and the WHERE clause)"
    )]
    Stranger,
}

impl RowsError {
    /// The error for people.
    pub fn text(&self) -> Text {
        let zh = match self {
            Self::ColumnMissing(column) => {
                format!("数据源没有给出列 `{column}`：请补上（数据库写进 SELECT），或改映射")
            }
            Self::Stranger => "数据源给出了没有问到的人的记录：检查 subject（数据库还有 WHERE 条件）".to_owned(),
        };
        Text::new(zh, self.to_string())
    }
}

impl Mapping {
    /// Every column the mapping reads, each once, with what reads it.
    pub fn columns(&self) -> BTreeMap<&str, String> {
        let mut columns = BTreeMap::new();
        let mut read = |column, by: String| {
            columns.entry(column).or_insert(by);
        };
        read(self.subject.as_str(), "subject".to_owned());
        if let Some(name) = &self.name {
            read(name, "name".to_owned());
        }
        if let Some((column, _)) = &self.as_of {
            read(column, "as_of".to_owned());
        }
        for field in &self.fields {
            if let From::Column { column, .. } = &field.from {
                read(column, format!("map.{}", field.target));
            }
        }
        for template in &self.templates {
            for part in &template.parts {
                if let Part::Column(column) = part {
                    read(column, format!("map.{}", template.target));
                }
            }
        }
        for skip in &self.skip {
            for column in std::iter::once(&skip.column).chain(skip.and.keys()) {
                read(column, "skip".to_owned());
            }
        }
        if let Some((column, _)) = &self.within {
            read(column, "within".to_owned());
        }
        columns
    }

    /// Every kind that its facts can have, as far as the file says them.
    pub fn kinds(&self) -> BTreeSet<&str> {
        let fields = self.fields.iter().filter(|field| field.target == "kind");
        fields
            .flat_map(|field| match &field.from {
                From::Constant(Value::Text(kind)) => vec![kind.as_str()],
                From::Column { format: Format::Codes { codes, other }, .. } => {
                    codes.values().chain(other).map(String::as_str).collect()
                }
                From::Constant(_) | From::Column { .. } => Vec::new(),
            })
            .collect()
    }

    /// The columns without which a record cannot be used: they say whose it is, whether it counts, and what every
    /// fact has.
    pub fn deciding_columns(&self) -> BTreeSet<&str> {
        let mut columns = BTreeSet::from([self.subject.as_str()]);
        columns.extend(self.name.as_deref());
        columns.extend(self.within.as_ref().map(|(column, _)| column.as_str()));
        for field in self.fields.iter().filter(|field| !field.optional) {
            if let From::Column { column, .. } = &field.from {
                columns.insert(column);
            }
        }
        for template in self.templates.iter().filter(|template| !template.optional) {
            columns.extend(template.parts.iter().filter_map(|part| match part {
                Part::Column(column) => Some(column.as_str()),
                Part::Literal(_) | Part::Target(_) => None,
            }));
        }
        for skip in &self.skip {
            columns.extend(std::iter::once(&skip.column).chain(skip.and.keys()).map(String::as_str));
        }
        columns
    }

    /// The columns that nothing but an optional target or `as_of` reads.
    pub fn optional_columns(&self) -> BTreeSet<&str> {
        let deciding = self.deciding_columns();
        self.columns().into_keys().filter(|column| !deciding.contains(column)).collect()
    }

    /// Maps the rows of a query about `period`; one entry a person, in their order.
    pub fn map(&self, rows: &Rows, persons: &[Person<'_>], period: QueryPeriod) -> Result<Vec<Mapped>, RowsError> {
        let records = self.records(rows, persons, period)?;
        let mapped = |person: &Person<'_>| match records.by_number.get_key_value(person.id_number) {
            Some((number, rows)) if !rows.is_empty() => {
                let rows: Vec<_> = rows.iter().map(|values| Row { places: &records.places, values }).collect();
                Mapped { filed_under: Some(number.clone()), outcome: self.person(person, &rows) }
            }
            _ => Mapped { filed_under: None, outcome: Outcome::NoRecord },
        };
        Ok(persons.iter().map(mapped).collect())
    }

    /// Sorts the rows by the person they are about, without those to be left out.
    fn records<'a>(
        &'a self,
        rows: &'a Rows,
        persons: &[Person<'_>],
        period: QueryPeriod,
    ) -> Result<Records<'a>, RowsError> {
        let mut records = Records::default();
        if rows.rows.is_empty() {
            return Ok(records);
        }
        for column in self.columns().into_keys() {
            let place =
                find_column(&rows.columns, column).ok_or_else(|| RowsError::ColumnMissing(column.to_owned()))?;
            records.places.insert(column, place);
        }
        let asked: BTreeSet<&str> = persons.iter().map(|person| person.id_number).collect();
        // An old number of 15 digits belongs to one person only as far as the name says so too, because some were given
        // twice: without a name that is compared it stays what it is.
        let by_old_form = LazyCell::new(|| {
            let compared = persons.iter().filter(|_| self.name.is_some());
            let old = compared.filter_map(|person| Some((synthetic::old_form(person.id_number)?, person.id_number)));
            old.collect::<BTreeMap<_, _>>()
        });
        let canonical = |number: &str| match number.len() {
            15 => by_old_form.get(number).map_or_else(|| number.to_owned(), |number| (*number).to_owned()),
            _ => number.to_ascii_uppercase(),
        };
        for values in &rows.rows {
            let row = Row { places: &records.places, values };
            let number = row.value(&self.subject).text().map(|number| canonical(&number));
            let number = number.filter(|number| asked.contains(number.as_str())).ok_or(RowsError::Stranger)?;
            // A row whose day cannot be read stays, and is an error below: it may lie within.
            let outside = self.day(&row).is_ok_and(|day| day.is_some_and(|day| !period.contains(day)));
            if !outside && !self.skip.iter().any(|skip| skip.leaves_out(&row)) {
                records.by_number.entry(number).or_default().push(values);
            }
        }
        Ok(records)
    }

    fn person(&self, person: &Person<'_>, rows: &[Row<'_>]) -> Outcome {
        if let Some(column) = &self.name {
            let differs = |row: &Row<'_>| {
                row.value(column)
                    .text()
                    .is_some_and(|native| name::normalised(&native) != name::normalised(person.name))
            };
            if rows.iter().any(differs) {
                return Outcome::NameMismatch;
            }
        }
        match self.facts(rows) {
            Ok((json, as_of)) => Outcome::Facts { json, as_of },
            Err(error) => Outcome::Error(error),
        }
    }

    fn facts(&self, rows: &[Row<'_>]) -> Result<(String, Option<String>), RowError> {
        let mut all = Vec::with_capacity(rows.len());
        let mut as_of = None;
        for row in rows {
            self.day(row)?;
            all.push(self.fact(row)?);
            as_of = as_of.max(self.as_of(row)?);
        }
        if let Some(target) = &self.add {
            all = added(target, all)?;
        }
        let mut facts: Vec<String> = all.iter().map(written).collect();
        // Sources give rows in no certain order; sorted, equal records are equal bytes.
        facts.sort_unstable();
        Ok((format!("[{}]", facts.join(",")), as_of))
    }

    fn as_of(&self, row: &Row<'_>) -> Result<Option<String>, RowError> {
        let Some((column, format)) = &self.as_of else { return Ok(None) };
        let error = |misfit| RowError { at: "as_of".to_owned(), column: column.clone(), misfit };
        match row.value(column) {
            Native::Real => Err(error(Misfit::Float)),
            Native::Bytes => Err(error(Misfit::Bytes)),
            native => match native.text() {
                Some(text) => format.read_instant(&text).map_err(|_| error(Misfit::Date)),
                None => Ok(None),
            },
        }
    }

    /// The day that decides whether a row lies within the period; `None` where nothing does.
    fn day(&self, row: &Row<'_>) -> Result<Option<Date>, RowError> {
        let Some((column, format)) = &self.within else { return Ok(None) };
        let error = |misfit| RowError { at: "within".to_owned(), column: column.clone(), misfit };
        let text = row.value(column).text().ok_or_else(|| error(Misfit::Empty))?;
        let day = format.read(&text).map_err(|_| error(Misfit::Date))?;
        day.map(Some).ok_or_else(|| error(Misfit::Empty))
    }

    /// The targets of one fact.
    fn fact(&self, row: &Row<'_>) -> Result<BTreeMap<&str, Value>, RowError> {
        let mut values: BTreeMap<&str, Value> = BTreeMap::new();
        for field in &self.fields {
            let value = match &field.from {
                From::Constant(value) => Some(value.clone()),
                From::Column { column, format } => {
                    let error = |misfit| RowError { at: field.target.clone(), column: column.clone(), misfit };
                    let value = format.read(row.value(column)).map_err(error)?;
                    if value.is_none() && !field.optional {
                        return Err(error(Misfit::Empty));
                    }
                    value
                }
            };
            if let Some(value) = value {
                values.insert(&field.target, value);
            }
        }
        for template in &self.templates {
            match template.text(row, &values) {
                Ok(text) => {
                    values.insert(&template.target, Value::Text(text));
                }
                Err(error) if error.misfit == Misfit::Empty && template.optional => {}
                Err(error) => return Err(error),
            }
        }
        Ok(values)
    }
}

/// A fact as canonical JSON: names in order, no blanks.
fn written(values: &BTreeMap<&str, Value>) -> String {
    let mut json = String::from("{");
    for (target, value) in values {
        if json.len() > 1 {
            json.push(',');
        }
        json.push('"');
        json.push_str(target);
        json.push_str("\":");
        value.write_json(&mut json);
    }
    json.push('}');
    json
}

/// Facts that are alike in everything but the amount of `target` become one with the sum of it.
fn added<'a>(target: &str, facts: Vec<BTreeMap<&'a str, Value>>) -> Result<Vec<BTreeMap<&'a str, Value>>, RowError> {
    let too_large = |_| RowError { at: target.to_owned(), column: "add".to_owned(), misfit: Misfit::Amount };
    let mut sums: BTreeMap<String, BTreeMap<&str, Value>> = BTreeMap::new();
    let mut without = Vec::new();
    for mut fact in facts {
        let Some((name, amount)) = fact.remove_entry(target) else {
            without.push(fact);
            continue;
        };
        let sum = sums.entry(written(&fact)).or_insert(fact);
        let fen = |value: Option<&Value>| value.map_or(Ok(0), |value| amount::fen(&value.as_text()));
        let both = fen(sum.get(name)).map_err(too_large)?.saturating_add(fen(Some(&amount)).map_err(too_large)?);
        sum.insert(name, Value::Text(amount::from_fen(both).map_err(too_large)?));
    }
    Ok(sums.into_values().chain(without).collect())
}

impl Template {
    fn text(&self, row: &Row<'_>, values: &BTreeMap<&str, Value>) -> Result<String, RowError> {
        let mut text = String::new();
        for part in &self.parts {
            let error = |column: &String, misfit| RowError { at: self.target.clone(), column: column.clone(), misfit };
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Target(target) => match values.get(target.as_str()) {
                    Some(value) => text.push_str(&value.as_text()),
                    None => return Err(error(target, Misfit::Empty)),
                },
                Part::Column(column) => match Format::Text.read(row.value(column)) {
                    Ok(Some(value)) => text.push_str(&value.as_text()),
                    Ok(None) => return Err(error(column, Misfit::Empty)),
                    Err(misfit) => return Err(error(column, misfit)),
                },
            }
        }
        Ok(text)
    }
}

impl Skip {
    fn leaves_out(&self, row: &Row<'_>) -> bool {
        let one_of = |column: &str, values: &BTreeSet<String>| {
            values.contains(row.value(column).text().as_deref().unwrap_or_default())
        };
        one_of(&self.column, &self.equals) && self.and.iter().all(|(column, values)| one_of(column, values))
    }
}

/// The rows of a query by the identity number they are filed under.
#[derive(Default)]
struct Records<'a> {
    places: BTreeMap<&'a str, usize>,
    by_number: BTreeMap<String, Vec<&'a [Native]>>,
}

/// One row with the places of the columns that are read.
struct Row<'a> {
    places: &'a BTreeMap<&'a str, usize>,
    values: &'a [Native],
}

impl Row<'_> {
    fn value(&self, column: &str) -> &Native {
        self.places.get(column).and_then(|place| self.values.get(*place)).unwrap_or(&Native::Null)
    }
}

#[cfg(test)]
mod tests;
