//! The rewrap: every data key that a former sealing key wrapped is wrapped anew under the current one, some thousands a
//! call, so that a running hub goes on in between and a process that dies loses nothing. Bodies stay as they are.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::event;
use crate::domain::clock::Clock;
use crate::domain::problem::Text;
use crate::seal::Sealer;
use crate::service::ids::Ids;
use crate::store::{Changes, Rewrapped, SealedTable, SealingKeyRow, Store, StoreError};

/// How many rows one call goes through.
const ROWS: usize = 5_000;
/// How many rows one transaction changes.
const BATCH: u32 = 250;
/// How many cases that do not open are named.
const NAMED: usize = 20;

/// How far a rewrap has come. Told by each call, and given to the next one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// The key that everything is wrapped under anew; whatever the hub uses, where it is absent.
    #[serde(default)]
    pub under: Option<String>,
    /// How many tables are done.
    pub tables: usize,
    /// The last row of the next table that was seen.
    pub row: i64,
    /// How many rows were seen.
    pub seen: u64,
    /// How many were wrapped anew.
    pub rewrapped: u64,
    /// The first cases whose key does not open under any key at hand.
    pub unopened: Vec<String>,
    /// How many such cases there are.
    pub unopened_count: u64,
}

/// What one call did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// How far it is.
    pub position: Position,
    /// How many rows there are in all, erased ones among them.
    pub rows: u64,
    /// Everything was gone through.
    pub is_done: bool,
    /// The keys that nothing is wrapped under any more, by this call.
    pub retired: Vec<String>,
    /// Nothing of what was overwritten is left in the file of pending writes either.
    pub is_cleared: bool,
}

/// Wraps anew.
pub struct Rewrap {
    store: Store,
    sealer: Sealer,
    clock: Arc<dyn Clock>,
    ids: Ids,
}

impl Rewrap {
    /// Over these parts.
    pub const fn new(store: Store, sealer: Sealer, clock: Arc<dyn Clock>, ids: Ids) -> Self {
        Self { store, sealer, clock, ids }
    }

    /// Goes on from a position. Refused where the current key is another one than the position's: the hub was not started
    /// with it yet, or what was seen is wrapped under a key that is a former one by now.
    pub async fn go_on(&self, by: &str, from: Position) -> Result<Result<Progress, Text>, StoreError> {
        let current = self.sealer.keys().current().to_string();
        let mut position = from;
        if position.under.get_or_insert_with(|| current.clone()) != &current {
            return Ok(Err(Text::new(
                format!(
                    "平台使用的封装密钥是 {current}，不是配置中的密钥：请先重新启动平台，再执行 hedui seal rewrap。"
                ),
                format!(
                    "the hub seals under the key {current}, which is not the one of the configuration: restart the hub, then run `hedui seal rewrap` again."
                ),
            )));
        }
        let mut budget = ROWS;
        while let Some(table) = SealedTable::ALL.get(position.tables)
            && budget > 0
        {
            let seen = self.batch(*table, &mut position).await?;
            budget = budget.saturating_sub(seen.max(1));
            if seen == 0 {
                (position.tables, position.row) = (position.tables + 1, 0);
            }
        }
        let mut progress = Progress {
            rows: self.store.wrapped_rows().await?,
            is_done: position.tables >= SealedTable::ALL.len(),
            position,
            retired: Vec::new(),
            is_cleared: true,
        };
        if progress.is_done {
            self.finish(by, &current, &mut progress).await?;
        }
        Ok(Ok(progress))
    }

    /// One transaction's worth of a table. How many rows were seen.
    async fn batch(&self, table: SealedTable, position: &mut Position) -> Result<usize, StoreError> {
        let rows = self.store.wrapped_after(table, position.row, BATCH).await?;
        let seen = rows.len();
        let mut rewrapped = Vec::new();
        for row in rows {
            position.row = row.row;
            match self.sealer.rewrap(&row.case, &row.wrapped_key) {
                Ok(None) => {}
                Ok(Some(after)) => {
                    rewrapped.push(Rewrapped { table, row: row.row, before: row.wrapped_key, after });
                }
                Err(_) => {
                    position.unopened_count += 1;
                    if position.unopened.len() < NAMED {
                        position.unopened.push(row.case);
                    }
                }
            }
        }
        position.seen += seen as u64;
        position.rewrapped += rewrapped.len() as u64;
        if !rewrapped.is_empty() {
            self.store.change(Changes { rewrapped, ..Changes::default() }, Vec::new()).await?;
        }
        Ok(seen)
    }

    /// The root of pseudonyms follows; then former keys retire, unless something is still closed.
    async fn finish(&self, by: &str, current: &str, progress: &mut Progress) -> Result<(), StoreError> {
        let broken = |_| StoreError::Corrupt("root of pseudonyms");
        let root = self.store.pseudonym_root().await?.ok_or(StoreError::Corrupt("database without a root"))?;
        let pseudonym_root = self.sealer.rewrap_root(&root).map_err(broken)?;
        let now = self.clock.now().as_microsecond();
        let mut sealing_keys: Vec<SealingKeyRow> = Vec::new();
        if progress.position.unopened_count == 0 {
            sealing_keys = self.store.sealing_keys().await?;
            sealing_keys.retain(|key| key.retired_at.is_none() && key.id != current);
            for key in &mut sealing_keys {
                key.retired_at = Some(now);
            }
        }
        progress.retired = sealing_keys.iter().map(|key| key.id.clone()).collect();
        let objects = progress.retired.iter().map(|id| format!("sealing_key/{id}/retired"));
        let events = objects.map(|object| event(&self.ids, self.clock.as_ref(), Some(by), &object));
        let events = events.collect::<Result<Vec<_>, _>>()?;
        if !sealing_keys.is_empty() || pseudonym_root.is_some() {
            self.store.change(Changes { sealing_keys, pseudonym_root, ..Changes::default() }, events).await?;
        }
        // What a former key wrapped stands in the file of pending writes until that is folded in.
        progress.is_cleared = self.store.clear_pending_writes().await?;
        Ok(())
    }
}
