//! The insertions that every verification makes.
//!
//! The database takes longer to compile an insertion of rows than to carry it out, so these are compiled once and kept.
//! Each has room for a power of two of rows, so that there are few texts; what it has no use for is left out by a
//! condition that each row has.

use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, Encode, QueryBuilder, Sqlite, Type};

/// Most rows of one insertion.
const MOST: usize = 64;
/// Text of more rows than this is not kept compiled: it is rare, and large.
const KEPT_ROWS: usize = 2 * MOST;

/// A table, as rows are inserted into it.
pub(super) struct Table {
    /// `INSERT INTO`, the table and its columns. `OR ROLLBACK`, because a group that fails is undone as a whole: the
    /// database need not write down how to undo a single statement.
    pub(super) head: &'static str,
    /// One row: a mark for each column, and one for the condition.
    pub(super) row: &'static str,
    /// What follows the rows.
    pub(super) end: &'static str,
}

/// Insertions, and the values they carry.
pub(super) struct Insertions {
    text: String,
    values: SqliteArguments,
    rows: usize,
}

/// The values of one row.
pub(super) struct Values<'a>(&'a mut SqliteArguments);

impl Values<'_> {
    /// Adds the value of the next column.
    pub(super) fn bind<'v, T: Encode<'v, Sqlite> + Type<Sqlite>>(&mut self, value: T) -> &mut Self {
        self.0.add(value).expect("texts, bytes and numbers are encoded without fail");
        self
    }
}

impl Insertions {
    /// Insertions after this text.
    pub(super) fn after(text: &str) -> Self {
        let mut all = String::with_capacity(4096);
        all.push_str(text);
        Self { text: all, values: SqliteArguments::default(), rows: 0 }
    }

    /// Inserts rows; `bind` gives the values of one, in the order of the columns.
    pub(super) fn insert<R>(&mut self, table: &Table, rows: &[R], mut bind: impl FnMut(&mut Values<'_>, &R)) {
        let marks = table.row.bytes().filter(|byte| *byte == b'?').count();
        for chunk in rows.chunks(MOST) {
            let room = chunk.len().next_power_of_two();
            self.rows += room;
            self.values.reserve(room * marks, 0);
            self.text.push_str(table.head);
            for place in 0..room {
                if place > 0 {
                    self.text.push_str(" UNION ALL ");
                }
                self.text.push_str(table.row);
                let mut values = Values(&mut self.values);
                match chunk.get(place) {
                    Some(row) => bind(&mut values, row),
                    None => (1..marks).for_each(|_| {
                        values.bind(None::<i64>);
                    }),
                }
                values.bind(place < chunk.len());
            }
            self.text.push_str(table.end);
        }
    }

    /// Whether the text may be kept compiled.
    pub(super) const fn is_kept(&self) -> bool {
        self.rows <= KEPT_ROWS
    }

    /// The statements so far, to be gone on with.
    pub(super) fn statements(self) -> QueryBuilder<Sqlite> {
        QueryBuilder::with_arguments(self.text, self.values)
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection as _, SqliteConnection};

    use super::*;

    const NUMBERS: Table = Table {
        head: "INSERT OR ROLLBACK INTO number (value, name) ",
        row: "SELECT ?, ? WHERE ?",
        end: " ON CONFLICT DO NOTHING;\n",
    };

    async fn insert(connection: &mut SqliteConnection, rows: &[(i64, Option<String>)]) -> Result<(), sqlx::Error> {
        let mut insertions = Insertions::after("BEGIN IMMEDIATE;\n");
        insertions.insert(&NUMBERS, rows, |values, (value, name)| {
            values.bind(*value).bind(name);
        });
        let mut statements = insertions.statements();
        statements.push("COMMIT");
        statements.build().execute(connection).await.map(drop)
    }

    #[tokio::test]
    async fn any_number_of_rows_is_inserted_once_and_a_bad_one_undoes_all() {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        sqlx::query("CREATE TABLE number (value INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL) STRICT")
            .execute(&mut connection)
            .await
            .unwrap();
        // Twice, so that kept statements are used again, and with values of the group before at hand.
        for _ in 0..2 {
            for count in (0..=9).chain([31, 64, 65, 130, 300]) {
                let rows: Vec<_> = (0..count).map(|value| (value, Some(format!("n{value}")))).collect();
                insert(&mut connection, &rows).await.unwrap();
                let kept: Vec<(i64, Option<String>)> = sqlx::query_as("SELECT value, name FROM number ORDER BY value")
                    .fetch_all(&mut connection)
                    .await
                    .unwrap();
                assert_eq!(kept, rows);
                sqlx::query("DELETE FROM number").execute(&mut connection).await.unwrap();
            }
        }
        let bad = [(1, Some("one".to_owned())), (2, None), (3, Some("three".to_owned()))];
        assert!(insert(&mut connection, &bad).await.is_err());
        let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM number").fetch_one(&mut connection).await.unwrap();
        assert_eq!(kept, 0);
        insert(&mut connection, &bad[..1]).await.unwrap();
    }
}
