//! The access log as it is stored: entries, tiles, the signed head. Read by the running hub and from cold copies.

use std::collections::BTreeMap;
use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::{Row, Sqlite, SqliteConnection};

use super::insertion::{Insertions, Table};
use super::writer::Write;
use super::{Store, StoreError};
use crate::tlog::Hash;
use crate::tlog::proof::Plan;
use crate::tlog::tile::{TILE_WIDTH, TileCoordinate, decode_tile, encode_tile};
use crate::tlog::tree::{FullTile, Tree, edge_width};

/// Entries read at once.
const CHUNK: u32 = 2048;

/// An entry as it is stored; nothing in it was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRow {
    /// Its index in the tree.
    pub index: u64,
    /// The event's id.
    pub id: String,
    /// When, microseconds since 1970, UTC.
    pub at: i64,
    /// The event.
    pub body: String,
    /// Its stored leaf hash.
    pub leaf: Vec<u8>,
}

/// The signed head as it is stored; nothing in it was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadRow {
    /// How many entries it covers.
    pub size: u64,
    /// The root over them.
    pub root: Vec<u8>,
    /// The signed checkpoint.
    pub checkpoint: String,
    /// The public key that verifies it.
    pub key: String,
}

/// The newest head that a witness cosigned, as it is stored; nothing in it was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosignedRow {
    /// The witness's public key.
    pub witness: String,
    /// How many entries the head covers.
    pub size: u64,
    /// The signed checkpoint, with the cosignature.
    pub checkpoint: String,
}

/// A full tile as it is stored; nothing in it was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileRow {
    /// Where it stands.
    pub coordinate: TileCoordinate,
    /// Its hashes.
    pub hashes: Vec<u8>,
    /// The root over them.
    pub root: Vec<u8>,
}

/// Reads a stored log. Cheap to clone.
#[derive(Clone)]
pub struct LogReader(pub(super) SqlitePool);

impl Store {
    /// Reads the log of this store.
    pub fn log(&self) -> LogReader {
        LogReader(self.read.clone())
    }

    /// Replaces the signed head, when it is still the one of `expected` entries and root (none for the first).
    /// False when it is another one: somebody else signs this log.
    pub async fn replace_head(&self, expected: Option<(u64, Hash)>, new: HeadRow) -> Result<bool, StoreError> {
        let change = HeadChange::Signed { expected, new };
        self.write_always(|reply| Write::Head { change: Box::new(change), reply }).await
    }

    /// Keeps a head that a witness cosigned, in place of an earlier one of the same witness.
    pub async fn keep_cosigned(&self, row: CosignedRow) -> Result<(), StoreError> {
        let change = HeadChange::Cosigned(row);
        self.write_always(|reply| Write::Head { change: Box::new(change), reply }).await.map(drop)
    }
}

impl LogReader {
    /// Opens the log in a database file that nobody writes: a cold copy. Leaves nothing beside it.
    pub async fn open(file: &Path) -> Result<Self, StoreError> {
        let mut journal = file.as_os_str().to_owned();
        journal.push("-wal");
        let is_alone = !Path::new(&journal).exists();
        let options = SqliteConnectOptions::new().filename(file).read_only(true).immutable(is_alone);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        Ok(Self(pool))
    }

    /// How many entries there are, by the last index.
    pub async fn size(&self) -> Result<u64, StoreError> {
        size(&mut *self.0.acquire().await?).await
    }

    /// The signed head.
    pub async fn head(&self) -> Result<Option<HeadRow>, StoreError> {
        let row = sqlx::query(
            "-- store::log::head
             SELECT size, root, checkpoint, key FROM access_head",
        )
        .fetch_optional(&self.0)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(HeadRow {
            size: unsigned(row.try_get(0)?)?,
            root: row.try_get(1)?,
            checkpoint: row.try_get(2)?,
            key: row.try_get(3)?,
        }))
    }

    /// The newest head that each witness cosigned.
    pub async fn cosigned(&self) -> Result<Vec<CosignedRow>, StoreError> {
        // A cold copy may be older than witnesses are.
        let is_known: bool = sqlx::query_scalar(
            "-- store::log::knows_witnesses
             SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'access_cosigned')",
        )
        .fetch_one(&self.0)
        .await?;
        if !is_known {
            return Ok(Vec::new());
        }
        let rows: Vec<(String, i64, String)> = sqlx::query_as(
            "-- store::log::cosigned
             SELECT witness, size, checkpoint FROM access_cosigned ORDER BY witness",
        )
        .fetch_all(&self.0)
        .await?;
        let row = |(witness, size, checkpoint)| Ok(CosignedRow { witness, size: unsigned(size)?, checkpoint });
        rows.into_iter().map(row).collect()
    }

    /// Entries from index `from` on, in order, at most 2,048.
    pub async fn entries(&self, from: u64) -> Result<Vec<EntryRow>, StoreError> {
        let rows = sqlx::query(
            "-- store::log::entries
             SELECT position, id, at, body, leaf FROM access_event WHERE position >= $1 ORDER BY position LIMIT $2",
        )
        .bind(signed(from))
        .bind(CHUNK)
        .fetch_all(&self.0)
        .await?;
        rows.iter().map(entry).collect()
    }

    /// An index before which nothing happened at `at` (microseconds since 1970) or later. Times of events follow their
    /// indexes closely and not strictly, so this lies some way before the first.
    pub async fn index_before(&self, at: i64) -> Result<u64, StoreError> {
        /// More entries than can be under way at one instant.
        const MARGIN: u64 = 10_000;
        let (mut low, mut high) = (0, self.size().await?);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.entry(middle).await? {
                Some(entry) if entry.at >= at => high = middle,
                _ => low = middle + 1,
            }
        }
        Ok(low.saturating_sub(MARGIN))
    }

    /// The newest entries, newest first, at most `limit`.
    pub async fn newest(&self, limit: u32) -> Result<Vec<EntryRow>, StoreError> {
        let rows = sqlx::query(
            "-- store::log::newest
             SELECT position, id, at, body, leaf FROM access_event ORDER BY position DESC LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.0)
        .await?;
        rows.iter().map(entry).collect()
    }

    /// The entry at an index.
    pub async fn entry(&self, index: u64) -> Result<Option<EntryRow>, StoreError> {
        let row = sqlx::query(
            "-- store::log::entry
             SELECT position, id, at, body, leaf FROM access_event WHERE position = $1",
        )
        .bind(signed(index))
        .fetch_optional(&self.0)
        .await?;
        row.as_ref().map(entry).transpose()
    }

    /// The entry of an event.
    pub async fn entry_of(&self, id: &str) -> Result<Option<EntryRow>, StoreError> {
        let row = sqlx::query(
            "-- store::log::entry_of
             SELECT position, id, at, body, leaf FROM access_event WHERE id = $1",
        )
        .bind(id)
        .fetch_optional(&self.0)
        .await?;
        row.as_ref().map(entry).transpose()
    }

    /// The tile at a place, full or as far as it goes.
    pub async fn tile(&self, coordinate: TileCoordinate) -> Result<Vec<Hash>, StoreError> {
        tile(&mut *self.0.acquire().await?, coordinate).await
    }

    /// The hashes that a plan for a proof or a root asks for.
    pub async fn resolve(&self, plan: &Plan) -> Result<Vec<Hash>, StoreError> {
        let mut connection = self.0.acquire().await?;
        let mut tiles = BTreeMap::new();
        for coordinate in plan.tiles() {
            tiles.insert(coordinate, tile(&mut connection, coordinate).await?);
        }
        plan.resolve(&tiles).map_err(|_| StoreError::Corrupt("access log without some of its tiles"))
    }

    /// The full tile stored at a place.
    pub async fn stored_tile(&self, coordinate: TileCoordinate) -> Result<Option<TileRow>, StoreError> {
        let row = sqlx::query(
            "-- store::log::stored_tile
             SELECT hashes, root FROM access_tile WHERE level = $1 AND number = $2",
        )
        .bind(coordinate.level)
        .bind(signed(coordinate.index))
        .fetch_optional(&self.0)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(TileRow { coordinate, hashes: row.try_get(0)?, root: row.try_get(1)? }))
    }

    /// How many full tiles are stored.
    pub async fn stored_tiles(&self) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar(
            "-- store::log::stored_tiles
             SELECT count(*) FROM access_tile",
        )
        .fetch_one(&self.0)
        .await?;
        unsigned(count)
    }

    /// The wrapped root of pseudonyms, which a log key may be derived from; none in a copy that is older than roots are.
    pub async fn pseudonym_root(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let is_known: bool = sqlx::query_scalar(
            "-- store::log::knows_roots
             SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'pseudonym_root')",
        )
        .fetch_one(&self.0)
        .await?;
        if is_known { super::sealing::pseudonym_root(&self.0).await } else { Ok(None) }
    }

    /// Lets go of the file.
    pub async fn close(self) {
        self.0.close().await;
    }
}

/// What changes of the heads that are kept.
pub(super) enum HeadChange {
    /// A new signed head, and the one it may replace.
    Signed { expected: Option<(u64, Hash)>, new: HeadRow },
    /// A head that a witness cosigned.
    Cosigned(CosignedRow),
}

/// Changes a head by the writer's connection. False when a signed head is no longer the expected one.
pub(super) async fn change_head(connection: &mut SqliteConnection, change: &HeadChange) -> Result<bool, StoreError> {
    let query = match change {
        HeadChange::Signed { expected: None, new } => bind_head(
            sqlx::query(
                "-- store::log::first_head
                 INSERT INTO access_head (only_row, size, root, checkpoint, key) VALUES (1, $1, $2, $3, $4)
                 ON CONFLICT DO NOTHING",
            ),
            new,
        ),
        HeadChange::Signed { expected: Some((size, root)), new } => bind_head(
            sqlx::query(
                "-- store::log::replace_head
                 UPDATE access_head SET size = $1, root = $2, checkpoint = $3, key = $4 WHERE size = $5 AND root = $6",
            ),
            new,
        )
        .bind(signed(*size))
        .bind(root.as_bytes().as_slice()),
        HeadChange::Cosigned(row) => sqlx::query(
            "-- store::log::keep_cosigned
             INSERT INTO access_cosigned (witness, size, checkpoint) VALUES ($1, $2, $3)
             ON CONFLICT (witness) DO UPDATE SET size = excluded.size, checkpoint = excluded.checkpoint",
        )
        .bind(&row.witness)
        .bind(signed(row.size))
        .bind(&row.checkpoint),
    };
    Ok(query.execute(connection).await?.rows_affected() == 1)
}

type Statement<'a> = sqlx::query::Query<'a, Sqlite, sqlx::sqlite::SqliteArguments>;

fn bind_head<'a>(statement: Statement<'a>, head: &'a HeadRow) -> Statement<'a> {
    statement.bind(signed(head.size)).bind(&head.root).bind(&head.checkpoint).bind(&head.key)
}

const TILES: Table = Table {
    head: "INSERT OR ROLLBACK INTO access_tile (level, number, hashes, root) ",
    row: "SELECT ?, ?, ?, ? WHERE ?",
    end: ";\n",
};

/// Stores tiles that filled up.
pub(super) fn insert_tiles(insertions: &mut Insertions, tiles: &[FullTile]) {
    insertions.insert(&TILES, tiles, |values, tile| {
        values.bind(tile.coordinate.level).bind(signed(tile.coordinate.index));
        values.bind(encode_tile(&tile.hashes)).bind(tile.root.as_bytes().as_slice());
    });
}

/// The tree of what is stored, from its unfinished tiles: reads at most 255 hashes a level, however long the
/// log is. The newest entries are hashed again, so that no altered one is signed.
pub(super) async fn load_tree(connection: &mut SqliteConnection) -> Result<Tree, StoreError> {
    let size = size(connection).await?;
    let mut edges = Vec::new();
    for level in TileCoordinate::levels(size) {
        let width = edge_width(level, size);
        let number = (size >> (u32::from(level) * 8)) / TILE_WIDTH as u64;
        let mut hashes = edge(connection, TileCoordinate { level, index: number }).await?;
        hashes.truncate(width);
        edges.push(hashes);
    }
    Tree::from_edges(size, edges)
        .map_err(|_| StoreError::Corrupt("access log whose tiles and entries do not fit together"))
}

/// Gives entries of before the tree their leaf hashes, and makes the tiles over them.
pub(super) async fn adopt(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let (mut tree, mut full) = (Tree::new(), Vec::new());
    loop {
        let rows: Vec<(i64, String)> = sqlx::query_as(
            "-- store::log::adopt
             SELECT position, body FROM access_event WHERE position >= $1 ORDER BY position LIMIT $2",
        )
        .bind(signed(tree.size()))
        .bind(CHUNK)
        .fetch_all(&mut *connection)
        .await?;
        if rows.is_empty() {
            return Ok(());
        }
        for (position, body) in rows {
            let leaf = Hash::leaf(body.as_bytes());
            sqlx::query(
                "-- store::log::adopt_leaf
                 UPDATE access_event SET leaf = $1 WHERE position = $2",
            )
            .bind(leaf.as_bytes().as_slice())
            .bind(position)
            .execute(&mut *connection)
            .await?;
            tree.append(leaf, &mut full);
        }
        if !full.is_empty() {
            let mut insertions = Insertions::after("-- store::log::adopt_tiles\n");
            insert_tiles(&mut insertions, &full);
            insertions.statements().build().persistent(false).execute(&mut *connection).await?;
            full.clear();
        }
    }
}

/// Whether there are entries of before the tree: they have no leaf hash, no tile and no head.
pub(super) async fn is_to_adopt(connection: &mut SqliteConnection) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar(
        "-- store::log::is_to_adopt
         SELECT EXISTS (SELECT 1 FROM access_event WHERE position = 0 AND leaf = x'')
            AND NOT EXISTS (SELECT 1 FROM access_tile) AND NOT EXISTS (SELECT 1 FROM access_head)",
    )
    .fetch_one(connection)
    .await?)
}

async fn size(connection: &mut SqliteConnection) -> Result<u64, StoreError> {
    let last: Option<i64> = sqlx::query_scalar(
        "-- store::log::size
         SELECT max(position) FROM access_event",
    )
    .fetch_one(connection)
    .await?;
    last.map_or(Ok(0), |last| unsigned(last).map(|last| last + 1))
}

async fn tile(connection: &mut SqliteConnection, coordinate: TileCoordinate) -> Result<Vec<Hash>, StoreError> {
    let full: Option<Vec<u8>> = sqlx::query_scalar(
        "-- store::log::tile
         SELECT hashes FROM access_tile WHERE level = $1 AND number = $2",
    )
    .bind(coordinate.level)
    .bind(signed(coordinate.index))
    .fetch_optional(&mut *connection)
    .await?;
    match full {
        Some(hashes) => decode_tile(&hashes).map_err(|_| StoreError::Corrupt("tile of the access log")),
        None => edge(connection, coordinate).await,
    }
}

/// The hashes of a tile from what stands below it: entries, or roots of full tiles.
async fn edge(connection: &mut SqliteConnection, coordinate: TileCoordinate) -> Result<Vec<Hash>, StoreError> {
    let first = signed(coordinate.index.saturating_mul(TILE_WIDTH as u64));
    let Some(below) = coordinate.level.checked_sub(1) else {
        let rows: Vec<(String, Vec<u8>)> = sqlx::query_as(
            "-- store::log::edge_of_entries
             SELECT body, leaf FROM access_event WHERE position >= $1 ORDER BY position LIMIT 256",
        )
        .bind(first)
        .fetch_all(connection)
        .await?;
        let checked = |(body, leaf): (String, Vec<u8>)| {
            let hash = Hash::leaf(body.as_bytes());
            let is_same = hash.as_bytes().as_slice() == leaf;
            is_same.then_some(hash).ok_or(StoreError::Corrupt("entry of the access log"))
        };
        return rows.into_iter().map(checked).collect();
    };
    let roots: Vec<Vec<u8>> = sqlx::query_scalar(
        "-- store::log::edge_of_tiles
         SELECT root FROM access_tile WHERE level = $1 AND number >= $2 ORDER BY number LIMIT 256",
    )
    .bind(below)
    .bind(first)
    .fetch_all(connection)
    .await?;
    let root = |bytes: Vec<u8>| Hash::from_slice(&bytes).ok_or(StoreError::Corrupt("tile of the access log"));
    roots.into_iter().map(root).collect()
}

pub(super) fn entry(row: &sqlx::sqlite::SqliteRow) -> Result<EntryRow, StoreError> {
    Ok(EntryRow {
        index: unsigned(row.try_get(0)?)?,
        id: row.try_get(1)?,
        at: row.try_get(2)?,
        body: row.try_get(3)?,
        leaf: row.try_get(4)?,
    })
}

pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::Corrupt("negative index in the access log"))
}
