//! What a database holds: its tables and views, their columns and types, and how often a column is empty.
//! Never a value: a sample is counted inside the database and does not leave it.

use std::borrow::Cow;

use super::{Call, Database, SqlSource};
use crate::native::Native;
use crate::source::SourceError;

/// Rows that are looked at to tell how often a column is empty, and whether it has the form of an identity number.
const SAMPLED: u32 = 1_000;

/// Columns that are listed at most.
const MAX_COLUMNS: usize = 20_000;

/// Tables and views that are sampled at most, each for the time of one statement.
const MAX_SAMPLED: usize = 200;

/// A table or view that the account may read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Relation {
    /// Its name, as a statement writes it.
    pub name: String,
    /// `table` or `view`.
    pub kind: String,
    /// Its columns, in their order.
    pub columns: Vec<ColumnInfo>,
    /// The path of the records, for a file of XML.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<String>,
    /// How many rows were looked at; `None` where it could not be sampled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampled: Option<i64>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ColumnInfo {
    /// Its name.
    pub name: String,
    /// Its name as a statement writes it, quoted where it has to be.
    #[serde(skip)]
    pub written: String,
    /// Its type, as the database writes it.
    pub type_name: String,
    /// What its makers say of it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// In how many of the sampled rows it is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nulls: Option<i64>,
    /// How many characters each of its values has, where that is the same for all of them: how a date is written
    /// shows by it.
    #[serde(skip)]
    pub width: Option<i64>,
    /// In how many of the sampled rows it has the form of an identity number.
    #[serde(skip)]
    pub numbers: Option<i64>,
}

/// One row a column: relation, kind, column, type, comment.
const POSTGRES: &str = "SELECT CASE WHEN n.nspname = current_schema() THEN pg_catalog.quote_ident(c.relname) \
     ELSE pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) END, \
     CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'view' ELSE 'table' END, a.attname::text, \
     pg_catalog.format_type(a.atttypid, a.atttypmod), COALESCE(pg_catalog.col_description(c.oid, a.attnum), '') \
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema') \
     AND n.nspname !~ '^pg_(toast|temp)' AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') \
     AND pg_catalog.has_table_privilege(c.oid, 'SELECT') ORDER BY 1, a.attnum";

const MARIADB: &str = "SELECT c.TABLE_NAME, CASE t.TABLE_TYPE WHEN 'VIEW' THEN 'view' ELSE 'table' END, c.COLUMN_NAME, \
     c.COLUMN_TYPE, c.COLUMN_COMMENT FROM information_schema.COLUMNS c \
     JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME \
     WHERE c.TABLE_SCHEMA = DATABASE() ORDER BY c.TABLE_NAME, c.ORDINAL_POSITION";

const SQLITE: &str = "SELECT m.name, m.type, p.name, p.type, '' FROM sqlite_schema m, pragma_table_info(m.name) p \
     WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY m.name, p.cid";

impl SqlSource {
    /// The tables and views, with a sample of each that `wanted` says yes to.
    pub(in super::super) async fn relations(
        &self,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<Relation>, SourceError> {
        let text = match &self.database {
            Database::Sqlite(_) => SQLITE,
            Database::Postgres(_) => POSTGRES,
            Database::Mariadb(_) => MARIADB,
        };
        let rows = self.in_time(self.run(&Call::plain(text, MAX_COLUMNS))).await?;
        let mut relations: Vec<Relation> = Vec::new();
        for row in &rows.rows {
            let text = |place: usize| row.get(place).and_then(Native::text).map(Cow::into_owned).unwrap_or_default();
            let column = ColumnInfo {
                written: self.quoted(&text(2)),
                name: text(2),
                type_name: text(3),
                comment: text(4),
                nulls: None,
                width: None,
                numbers: None,
            };
            let name = match &self.database {
                Database::Postgres(_) => text(0),
                Database::Sqlite(_) | Database::Mariadb(_) => self.quoted(&text(0)),
            };
            match relations.last_mut().filter(|last| last.name == name) {
                Some(last) => last.columns.push(column),
                None => {
                    relations.push(Relation {
                        name,
                        kind: text(1),
                        columns: vec![column],
                        records: None,
                        sampled: None,
                    });
                }
            }
        }
        for relation in relations.iter_mut().filter(|relation| wanted(&relation.name)).take(MAX_SAMPLED) {
            self.sample(relation).await;
        }
        Ok(relations)
    }

    /// Counts what is empty in the first rows, and how long what is there is written. A relation that cannot be read in
    /// time is left without; one with a column that has no text is counted only.
    async fn sample(&self, relation: &mut Relation) {
        if !self.counted(relation, true).await {
            self.counted(relation, false).await;
        }
    }

    async fn counted(&self, relation: &mut Relation, with_widths: bool) -> bool {
        let (length, as_text) = match &self.database {
            Database::Sqlite(_) => ("LENGTH", "text"),
            Database::Postgres(_) => ("CHAR_LENGTH", "text"),
            Database::Mariadb(_) => ("CHAR_LENGTH", "char"),
        };
        let count = |ColumnInfo { written, .. }: &ColumnInfo| {
            let length = format!("{length}(CAST({written} AS {as_text}))");
            if with_widths {
                let number = self.has_form_of_a_number(&format!("CAST({written} AS {as_text})"));
                format!("COUNT({written}), MIN({length}), MAX({length}), COUNT(CASE WHEN {number} THEN 1 END)")
            } else {
                format!("COUNT({written}), NULL, NULL, NULL")
            }
        };
        let counts: Vec<String> = relation.columns.iter().map(count).collect();
        let text = format!(
            "SELECT COUNT(*), {} FROM (SELECT * FROM {} LIMIT {SAMPLED}) sampled",
            counts.join(", "),
            relation.name
        );
        let Ok(rows) = self.in_time(self.run(&Call::plain(&text, 1))).await else { return false };
        let counted: Vec<Option<i64>> = rows.rows.first().into_iter().flatten().map(whole).collect();
        let Some((Some(all), counted)) = counted.split_first() else { return false };
        relation.sampled = Some(*all);
        for (column, counted) in relation.columns.iter_mut().zip(counted.chunks_exact(4)) {
            if let [Some(filled), shortest, longest, numbers] = counted {
                column.nulls = Some(all - filled);
                column.width = shortest.filter(|shortest| Some(*shortest) == *longest);
                column.numbers = *numbers;
            }
        }
        true
    }

    /// The condition that a text has the form of an identity number, of 18 characters or of 15.
    fn has_form_of_a_number(&self, text: &str) -> String {
        let digits = |count: usize| "[0-9]".repeat(count);
        match &self.database {
            Database::Sqlite(_) => {
                format!("({text} GLOB '{}[0-9Xx]' OR {text} GLOB '{}')", digits(17), digits(15))
            }
            Database::Postgres(_) => format!("{text} ~ '^([0-9]{{17}}[0-9Xx]|[0-9]{{15}})$'"),
            Database::Mariadb(_) => format!("{text} REGEXP '^([0-9]{{17}}[0-9Xx]|[0-9]{{15}})$'"),
        }
    }

    async fn run(&self, call: &Call<'_>) -> Result<crate::native::Rows, SourceError> {
        match &self.database {
            Database::Sqlite(one) => one.rows(call).await,
            Database::Postgres(one) => one.rows(call).await,
            Database::Mariadb(one) => one.rows(call).await,
        }
    }

    /// A name as a statement writes it: quoted where it has to be.
    fn quoted(&self, name: &str) -> String {
        let folded = matches!(self.database, Database::Postgres(_));
        let fits = |character: char| match character {
            '_' | '0'..='9' | 'a'..='z' => true,
            // PostgreSQL reads a name without quotes in small letters.
            other => !folded && other.is_alphanumeric(),
        };
        let plain = name.chars().all(fits) && !name.starts_with(|first: char| first.is_ascii_digit());
        if plain && !is_reserved(name) {
            return name.to_owned();
        }
        match &self.database {
            Database::Mariadb(_) => format!("`{}`", name.replace('`', "``")),
            Database::Sqlite(_) | Database::Postgres(_) => format!("\"{}\"", name.replace('"', "\"\"")),
        }
    }
}

/// The few words of the language that are likely names.
fn is_reserved(name: &str) -> bool {
    [
        "order", "group", "select", "table", "index", "key", "from", "to", "values", "check", "status", "date", "type",
        "desc",
    ]
    .iter()
    .any(|word| name.eq_ignore_ascii_case(word))
}

fn whole(native: &Native) -> Option<i64> {
    match native {
        Native::Integer(number) => Some(*number),
        Native::Text(text) => text.parse().ok(),
        Native::Null | Native::Real | Native::Bytes => None,
    }
}
