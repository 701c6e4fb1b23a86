//! Searching the stored access log by the fields of its events, newest first, a bounded stretch at a time.

use std::collections::BTreeMap;

use super::StoreError;
use super::log::{EntryRow, LogReader, entry, signed};

/// How many entries one search looks at, so that no question takes the database for long.
const STRETCH: u64 = 20_000;
/// Most entries in one answer.
pub const MAX_FOUND: u32 = 200;

/// What to search for; absent fields do not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// Only entries before this index.
    pub before: Option<u64>,
    /// At most so many entries; at most 200.
    pub limit: Option<u32>,
    /// The actor.
    pub actor: Option<String>,
    /// The actor's organisation.
    pub organisation: Option<String>,
    /// The division of the application, exactly.
    pub division: Option<String>,
    /// Only divisions that begin so: what the officer may see.
    pub division_prefix: Option<String>,
    /// The action.
    pub action: Option<String>,
    /// The purpose.
    pub purpose: Option<String>,
    /// The verification.
    pub verification: Option<String>,
    /// The event itself.
    pub receipt: Option<String>,
    /// A person, as the log's pseudonym.
    pub subject: Option<String>,
    /// Not before this instant, microseconds since 1970, UTC.
    pub from: Option<i64>,
    /// Before this instant, microseconds since 1970, UTC.
    pub to: Option<i64>,
}

/// What one search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    /// The entries, newest first.
    pub entries: Vec<EntryRow>,
    /// Where to go on; none when the beginning was reached.
    pub next_before: Option<u64>,
}

impl LogQuery {
    /// The fields that were asked for, as the log keeps them.
    pub fn told(&self) -> BTreeMap<&'static str, String> {
        let texts = [
            ("actor", &self.actor),
            ("organisation", &self.organisation),
            ("division", &self.division),
            ("action", &self.action),
            ("purpose", &self.purpose),
            ("verification", &self.verification),
            ("receipt", &self.receipt),
            ("subject", &self.subject),
        ];
        let numbers = [
            ("before", self.before.map(|number| number.to_string())),
            ("from", self.from.map(|number| number.to_string())),
            ("to", self.to.map(|number| number.to_string())),
        ];
        let texts = texts.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
        texts.chain(numbers.into_iter().filter_map(|(name, value)| Some((name, value?)))).collect()
    }
}

impl LogReader {
    /// Searches a stretch of the log, newest first.
    pub async fn search(&self, query: &LogQuery) -> Result<LogPage, StoreError> {
        let size = self.size().await?;
        let high = query.before.unwrap_or(size).min(size);
        let low = if query.receipt.is_some() { 0 } else { high.saturating_sub(STRETCH) };
        let limit = query.limit.unwrap_or(50).clamp(1, MAX_FOUND);
        let rows = sqlx::query(
            "-- store::log_search::search
             SELECT position, id, at, body, leaf FROM access_event
             WHERE position < $1 AND position >= $2
               AND ($3 IS NULL OR id = $3)
               AND ($4 IS NULL OR at >= $4) AND ($5 IS NULL OR at < $5)
               AND ($6 IS NULL OR body ->> '$.actor' = $6)
               AND ($7 IS NULL OR body ->> '$.organisation' = $7)
               AND ($8 IS NULL OR body ->> '$.division' = $8)
               AND ($9 IS NULL OR substr(body ->> '$.division', 1, length($9)) = $9)
               AND ($10 IS NULL OR body ->> '$.action' = $10)
               AND ($11 IS NULL OR body ->> '$.purpose' = $11)
               AND ($12 IS NULL OR body ->> '$.verification' = $12)
               AND ($13 IS NULL OR EXISTS (SELECT 1 FROM json_each(body, '$.subjects') WHERE value = $13))
             ORDER BY position DESC LIMIT $14",
        )
        .bind(signed(high))
        .bind(signed(low))
        .bind(&query.receipt)
        .bind(query.from)
        .bind(query.to)
        .bind(&query.actor)
        .bind(&query.organisation)
        .bind(&query.division)
        .bind(&query.division_prefix)
        .bind(&query.action)
        .bind(&query.purpose)
        .bind(&query.verification)
        .bind(&query.subject)
        .bind(limit)
        .fetch_all(&self.0)
        .await?;
        let entries = rows.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        let is_full = u32::try_from(entries.len()).is_ok_and(|found| found == limit);
        let reached = if is_full { entries.last().map_or(low, |last| last.index) } else { low };
        Ok(LogPage { entries, next_before: (reached > 0 && query.receipt.is_none()).then_some(reached) })
    }
}
