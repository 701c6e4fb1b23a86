//! Alerts, and how far the rules have read the log.

use sqlx::{QueryBuilder, Row, Sqlite};

use super::log::signed;
use super::{Store, StoreError};

/// Most alerts in one answer.
pub const MOST_ALERTS: u32 = 200;

/// An alert as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRow {
    /// Its id.
    pub id: String,
    /// Rule, actor and window.
    pub key: String,
    /// How many alerts of the key were closed before.
    pub number: u32,
    /// The rule.
    pub rule: String,
    /// How much it matters.
    pub severity: String,
    /// 0 to 100.
    pub score: i64,
    /// Its state.
    pub state: String,
    /// The division.
    pub division: Option<String>,
    /// Whom it is about.
    pub actor: Option<String>,
    /// Microseconds since 1970, UTC.
    pub raised_at: i64,
    /// Words, arithmetic and evidence, JSON.
    pub body: String,
    /// What was done with it, JSON.
    pub steps: String,
}

/// Which alerts; absent fields do not matter.
#[derive(Debug, Clone, Default)]
pub struct AlertQuery {
    /// The state.
    pub state: Option<String>,
    /// The rule.
    pub rule: Option<String>,
    /// How much they matter.
    pub severity: Option<String>,
    /// Only divisions that begin so, and none without division.
    pub division_prefix: Option<String>,
    /// Nothing about this one.
    pub not_about: Option<String>,
    /// Only those ranked after this alert.
    pub after: Option<String>,
    /// At most so many; at most 200.
    pub limit: Option<u32>,
}

const COLUMNS: &str = "id, key, number, rule, severity, score, state, division, actor, raised_at, body, steps";

impl Store {
    /// Alerts, the highest score first.
    pub async fn alerts(&self, query: &AlertQuery) -> Result<Vec<AlertRow>, StoreError> {
        let mut statement =
            QueryBuilder::<Sqlite>::new(format!("-- store::alert::alerts\nSELECT {COLUMNS} FROM alert WHERE 1"));
        for (column, value) in [("state", &query.state), ("rule", &query.rule), ("severity", &query.severity)] {
            if let Some(value) = value {
                statement.push(format!(" AND {column} = ")).push_bind(value);
            }
        }
        if let Some(prefix) = &query.division_prefix {
            statement.push(" AND substr(division, 1, length(").push_bind(prefix).push(")) = ").push_bind(prefix);
        }
        if let Some(own) = &query.not_about {
            statement.push(" AND (actor IS NULL OR actor <> ").push_bind(own).push(")");
        }
        if let Some(after) = &query.after {
            statement.push(" AND (-score, id) > (SELECT -score, id FROM alert WHERE id = ").push_bind(after).push(")");
        }
        let limit = query.limit.unwrap_or(50).clamp(1, MOST_ALERTS);
        statement.push(" ORDER BY score DESC, id LIMIT ").push_bind(limit);
        let rows = statement.build().persistent(false).fetch_all(&self.read).await?;
        rows.iter().map(row).collect()
    }

    /// One alert.
    pub async fn alert(&self, id: &str) -> Result<Option<AlertRow>, StoreError> {
        let mut statement =
            QueryBuilder::<Sqlite>::new(format!("-- store::alert::alert\nSELECT {COLUMNS} FROM alert WHERE id = "));
        let found = statement.push_bind(id).build().fetch_optional(&self.read).await?;
        found.as_ref().map(row).transpose()
    }

    /// The newest alert of a key.
    pub async fn alert_of(&self, key: &str) -> Result<Option<AlertRow>, StoreError> {
        let mut statement =
            QueryBuilder::<Sqlite>::new(format!("-- store::alert::alert_of\nSELECT {COLUMNS} FROM alert WHERE key = "));
        let statement = statement.push_bind(key).push(" ORDER BY number DESC LIMIT 1");
        let found = statement.build().fetch_optional(&self.read).await?;
        found.as_ref().map(row).transpose()
    }

    /// How many alerts are not closed, by rule.
    pub async fn open_alerts(&self) -> Result<Vec<(String, i64)>, StoreError> {
        Ok(sqlx::query_as(
            "-- store::alert::open_alerts
             SELECT rule, count(*) FROM alert WHERE state NOT IN ('justified', 'escalated', 'dismissed') GROUP BY rule",
        )
        .fetch_all(&self.read)
        .await?)
    }

    /// The first index that the rules have not read; none where they never read any.
    pub async fn alert_cursor(&self) -> Result<Option<u64>, StoreError> {
        let next: Option<i64> = sqlx::query_scalar(
            "-- store::alert::alert_cursor
             SELECT next FROM alert_cursor",
        )
        .fetch_optional(&self.read)
        .await?;
        next.map(|next| u64::try_from(next).map_err(|_| StoreError::Corrupt("negative index"))).transpose()
    }
}

fn row(row: &sqlx::sqlite::SqliteRow) -> Result<AlertRow, StoreError> {
    Ok(AlertRow {
        id: row.try_get(0)?,
        key: row.try_get(1)?,
        number: row.try_get(2)?,
        rule: row.try_get(3)?,
        severity: row.try_get(4)?,
        score: row.try_get(5)?,
        state: row.try_get(6)?,
        division: row.try_get(7)?,
        actor: row.try_get(8)?,
        raised_at: row.try_get(9)?,
        body: row.try_get(10)?,
        steps: row.try_get(11)?,
    })
}

/// The statements that make alerts what they are now.
pub(super) fn push_alerts(statements: &mut QueryBuilder<Sqlite>, rows: &[AlertRow]) {
    // SQLite takes 32,766 values in one statement.
    for chunk in rows.chunks(2_000) {
        statements.push(format!("INSERT INTO alert ({COLUMNS}) "));
        statements.push_values(chunk, |mut values, row| {
            values.push_bind(&row.id).push_bind(&row.key).push_bind(row.number).push_bind(&row.rule);
            values.push_bind(&row.severity).push_bind(row.score).push_bind(&row.state).push_bind(&row.division);
            values.push_bind(&row.actor).push_bind(row.raised_at).push_bind(&row.body).push_bind(&row.steps);
        });
        statements.push(
            " ON CONFLICT (id) DO UPDATE SET severity = excluded.severity, score = excluded.score,
              state = excluded.state, body = excluded.body, steps = excluded.steps;\n",
        );
    }
}

/// The statement that says how far the rules have read.
pub(super) fn push_cursor(statements: &mut QueryBuilder<Sqlite>, next: u64) {
    statements.push("INSERT INTO alert_cursor (only_row, next) VALUES (1, ").push_bind(signed(next));
    statements.push(") ON CONFLICT (only_row) DO UPDATE SET next = excluded.next;\n");
}
