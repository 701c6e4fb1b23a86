//! A8, T1: a thousand random edits of a stored log are all found, at the right place, and clean copies pass.

use std::path::Path;

use hedui::domain::clock::SystemClock;
use hedui::store::Store;
use hedui::tlog::Hash;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;

use super::stored::{audited, record, signer};

/// One full tile and an unfinished one.
const SIZE: u64 = 300;
const EDITS: u64 = 1000;
const CLEAN: u64 = 100;

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Which entries a fault may be said to be at.
struct Edit {
    what: String,
    from: u64,
    to: u64,
}

async fn run(connection: &mut SqliteConnection, sql: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(connection).await.unwrap();
}

/// Makes one edit, as somebody with the database in his hands would, and says where it must be found.
async fn edit(connection: &mut SqliteConnection, dice: &mut Dice) -> Edit {
    let at = dice.below(SIZE);
    let other = (at + 1 + dice.below(SIZE - 1)) % SIZE;
    let (low, high) = (at.min(other), at.max(other));
    let exact = |what: &str, index: u64| Edit { what: format!("{what} {index}"), from: index, to: index };
    // Without its leaf hash an entry of the unfinished tile can only be found by the root over all.
    let signed = |what: &str, index: u64| Edit {
        what: format!("{what} {index}"),
        from: if index < 256 { index } else { 0 },
        to: index,
    };
    match dice.below(18) {
        0 => {
            run(
                connection,
                &format!("UPDATE access_event SET body = replace(body, 'tester', 'nobody') WHERE position = {at}"),
            )
            .await;
            exact("altered", at)
        }
        1 => {
            let body = format!("{{\"id\":\"ev_{at:032x}\",\"at\":\"2026-09-21T14:13:20Z\"}}");
            let leaf = hedui::domain::hex::hex(Hash::leaf(body.as_bytes()).as_bytes());
            run(
                connection,
                &format!("UPDATE access_event SET body = '{body}', leaf = x'{leaf}' WHERE position = {at}"),
            )
            .await;
            signed("altered with its leaf", at)
        }
        2 => {
            run(connection, &format!("DELETE FROM access_event WHERE position = {at}")).await;
            exact("deleted", at)
        }
        3 => {
            run(connection, &format!("UPDATE access_event SET body = (SELECT body FROM access_event WHERE position = {other}) WHERE position = {at}")).await;
            exact("copied over", at)
        }
        4 => {
            run(connection, &format!("UPDATE access_event SET position = -1 WHERE position = {low}; UPDATE access_event SET position = {low} WHERE position = {high}; UPDATE access_event SET position = {high} WHERE position = -1")).await;
            signed("swapped", low)
        }
        5 => {
            run(connection, &format!("DELETE FROM access_event WHERE position >= {at}")).await;
            exact("cut", at)
        }
        6 => {
            run(connection, &format!("UPDATE access_event SET id = 'ev_{:032x}' WHERE position = {at}", SIZE + 5))
                .await;
            exact("another receipt", at)
        }
        7 => {
            run(connection, &format!("UPDATE access_event SET at = at - 1 WHERE position = {at}")).await;
            exact("another time", at)
        }
        8 => {
            run(connection, &format!("UPDATE access_event SET leaf = randomblob(32) WHERE position = {at}")).await;
            exact("another leaf", at)
        }
        9 => {
            let at = at % 256;
            run(
                connection,
                &format!(
                    "UPDATE access_tile SET hashes = CAST(substr(hashes, 1, {}) || randomblob(32) || substr(hashes, {}) AS BLOB)",
                    at * 32,
                    at * 32 + 33
                ),
            )
            .await;
            exact("another hash in a tile", at)
        }
        10 => {
            run(connection, "UPDATE access_tile SET root = randomblob(32)").await;
            exact("another root of a tile", 0)
        }
        11 => {
            run(connection, "DELETE FROM access_tile").await;
            exact("no tile", 0)
        }
        12 => {
            let column = [
                "size = size - 1",
                "root = randomblob(32)",
                "checkpoint = replace(checkpoint, 'test', 'tess')",
                "key = replace(key, 'test', 'tess')",
            ][usize::try_from(dice.below(4)).unwrap()];
            run(connection, &format!("UPDATE access_head SET {column}")).await;
            exact(column, 0)
        }
        13 => {
            run(connection, "DELETE FROM access_head").await;
            exact("no head", 0)
        }
        14 => {
            run(connection, &format!("DELETE FROM access_event WHERE position = {at}; UPDATE access_event SET position = position - 1 WHERE position > {at}")).await;
            // Found by the tile; behind the last full one by the entry that is missing at the end.
            Edit { what: format!("closed up {at}"), from: at, to: if at < 256 { at } else { SIZE - 1 } }
        }
        15 => {
            run(connection, &format!("UPDATE access_event SET position = -position - 1 WHERE position >= {at}; UPDATE access_event SET position = -position WHERE position < 0; INSERT INTO access_event SELECT {at}, id || '0', at, body, leaf FROM access_event WHERE position = (SELECT max(position) FROM access_event)")).await;
            exact("put in", at)
        }
        16 => {
            run(connection, &format!("INSERT INTO access_event SELECT {SIZE}, id || '0', at, body, leaf FROM access_event WHERE position = {at}")).await;
            exact("put at the end", SIZE)
        }
        _ => {
            run(connection, "INSERT INTO access_tile SELECT 0, 1, hashes, root FROM access_tile").await;
            exact("one more tile", SIZE)
        }
    }
}

async fn connect(file: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(file).connect().await.unwrap()
}

#[tokio::test]
async fn a8_a_thousand_random_edits_are_all_found_and_a_hundred_clean_copies_pass() {
    let folder = TempDir::new().unwrap();
    let original = folder.path().join("log.sqlite");
    record(&original, 0, SIZE, "a", None).await;
    let clean = std::fs::read(&original).unwrap();
    let copy = folder.path().join("copy.sqlite");
    let mut dice = Dice(20_261_126);
    for round in 0..EDITS {
        std::fs::write(&copy, &clean).unwrap();
        let mut connection = connect(&copy).await;
        let made = edit(&mut connection, &mut dice).await;
        connection.close().await.unwrap();
        let report = audited(&copy, &[]).await.unwrap();
        assert!(!report.is_intact, "{round}: {} was not found", made.what);
        let first = &report.faults[0];
        assert!((made.from..=made.to).contains(&first.index), "{round}: {} was found at {first:?}", made.what);
    }
    for round in 0..CLEAN {
        std::fs::write(&copy, &clean).unwrap();
        assert!(audited(&copy, &[]).await.unwrap().is_intact, "{round}");
    }
}

/// Whoever edits the file without knowing what is in it is found too, or has not touched the log.
#[tokio::test]
async fn a8_no_byte_of_the_file_can_be_altered_so_that_the_log_changes_unseen() {
    let folder = TempDir::new().unwrap();
    let original = folder.path().join("log.sqlite");
    record(&original, 0, SIZE, "a", None).await;
    let clean = std::fs::read(&original).unwrap();
    let truth = audited(&original, &[]).await.unwrap();
    let copy = folder.path().join("copy.sqlite");
    let mut dice = Dice(7);
    let mut found = 0;
    for _ in 0..200 {
        let mut bytes = clean.clone();
        let at = usize::try_from(dice.below(bytes.len() as u64)).unwrap();
        bytes[at] ^= 1 << dice.below(8);
        std::fs::write(&copy, &bytes).unwrap();
        match audited(&copy, &[]).await {
            Ok(report) if report.is_intact => assert_eq!((report.entries, report.root), (truth.entries, truth.root)),
            _ => found += 1,
        }
    }
    assert!(found > 10, "a good part of the file is the log: {found}");
}

#[tokio::test]
async fn a8_nothing_is_signed_on_top_of_an_altered_log() {
    let folder = TempDir::new().unwrap();
    let original = folder.path().join("log.sqlite");
    record(&original, 0, SIZE, "a", None).await;
    let clean = std::fs::read(&original).unwrap();
    let copy = folder.path().join("copy.sqlite");
    for sql in [
        "UPDATE access_event SET body = replace(body, 'tester', 'nobody') WHERE position = 290",
        "DELETE FROM access_event WHERE position = 290",
        "DELETE FROM access_event WHERE position > 290",
        "UPDATE access_tile SET root = randomblob(32)",
        "DELETE FROM access_tile",
        "UPDATE access_head SET root = randomblob(32)",
        "UPDATE access_head SET checkpoint = replace(checkpoint, '300', '299'), size = 299",
    ] {
        std::fs::write(&copy, &clean).unwrap();
        let mut connection = connect(&copy).await;
        run(&mut connection, sql).await;
        connection.close().await.unwrap();
        let opened = Store::open(&copy).await;
        let refused = match opened {
            Err(_) => true,
            Ok((store, writer)) => {
                let writer = tokio::spawn(writer.run());
                let clock = std::sync::Arc::new(SystemClock);
                let publisher =
                    hedui::access_log::publish::Publisher::open(store.clone(), signer(), &[], None, clock).await;
                drop(store);
                let refused = publisher.is_err();
                drop(publisher);
                writer.await.unwrap();
                refused
            }
        };
        assert!(refused, "{sql}");
    }
}
