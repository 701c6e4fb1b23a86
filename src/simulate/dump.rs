//! What a database server loads to be a department's own: statements that make its tables and fill them.
//!
//! The shipped departments keep their records in `SQLite` files unless somebody brings servers. A dump makes a server
//! hold the same records in its own types; this executable itself writes to no server, so that nobody fills a real
//! department's by a wrong address.

use std::fmt::Write as _;

use serde_json::Value;

use super::department::{Table, education, hrss};

/// Rows in one statement: well below what a server takes in one message.
const ROWS: usize = 500;

/// A kind of database server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `PostgreSQL`, and what is made of it.
    Postgres,
    /// `MariaDB`, or `MySQL`.
    Mariadb,
}

impl Dialect {
    /// As a file name has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mariadb => "mariadb",
        }
    }
}

/// The departments that have a server of their own where there is one, each with its kind and its schema there.
pub const SERVERS: [(&str, Dialect, &str); 2] =
    [("education", Dialect::Mariadb, education::MARIADB_SCHEMA), ("hrss", Dialect::Postgres, hrss::POSTGRES_SCHEMA)];

/// The name of the file that a department's dump is in.
pub fn file_name(department: &str, dialect: Dialect) -> String {
    format!("{department}.{}.sql", dialect.name())
}

/// The statements: `schema`, then the rows of `tables`, all or nothing where the server can.
pub fn statements(dialect: Dialect, schema: &str, tables: &[Table]) -> String {
    let mut text = match dialect {
        Dialect::Postgres => "SET client_encoding = 'UTF8';\nBEGIN;\n".to_owned(),
        // A backslash stands for itself, as it does for everybody else.
        Dialect::Mariadb => {
            "SET NAMES utf8mb4;\nSET sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES');\n".to_owned()
        }
    };
    text.push_str(schema);
    if dialect == Dialect::Mariadb {
        // Its statements about tables end a transaction, so this one begins after them.
        text.push_str("BEGIN;\n");
    }
    for table in tables {
        for rows in table.rows.chunks(ROWS) {
            let rows: Vec<String> = rows.iter().map(row).collect();
            let _written = write!(text, "INSERT INTO {} VALUES\n{};\n", table.name, rows.join(",\n"));
        }
    }
    text.push_str("COMMIT;\n");
    if dialect == Dialect::Postgres {
        text.push_str("ANALYZE;\n");
    }
    text
}

fn row(row: &Value) -> String {
    let cells: Vec<String> = row.as_array().into_iter().flatten().map(cell).collect();
    format!("({})", cells.join(", "))
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::String(text) => format!("'{}'", text.replace('\'', "''")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_quoted_numbers_are_not_and_nothing_is_null() {
        let table = Table { name: "t", rows: vec![json!(["it's \\", 7, null])] };
        for dialect in [Dialect::Postgres, Dialect::Mariadb] {
            let text = statements(dialect, "CREATE TABLE t (a text, b int, c text);\n", std::slice::from_ref(&table));
            assert!(text.contains("INSERT INTO t VALUES\n('it''s \\', 7, NULL);\n"), "{text}");
        }
    }

    #[test]
    fn many_rows_are_many_statements() {
        let table = Table { name: "t", rows: vec![json!([1]); ROWS + 1] };
        let text = statements(Dialect::Postgres, "", &[table]);
        assert_eq!(text.matches("INSERT INTO").count(), 2);
        assert!(statements(Dialect::Postgres, "", &[Table { name: "t", rows: vec![] }]).contains("BEGIN;\nCOMMIT;"));
    }
}
