//! A stored log without a hub, and what happens to it between two starts: A9, A10, A11.

use std::path::Path;
use std::sync::Arc;

use hedui::access_log::audit::{Anchor, Report, audit};
use hedui::access_log::publish::{LogError, Publisher};
use hedui::access_log::{AccessEvent, Action, anchor};
use hedui::domain::actor::{Client, Role};
use hedui::domain::clock::SystemClock;
use hedui::domain::division::DivisionCode;
use hedui::domain::purpose::Purpose;
use hedui::store::{LogReader, Store, StoreError, Writer};
use hedui::tlog::note::{KeyKind, SignerKey};
use jiff::Timestamp;
use tempfile::TempDir;

const ORIGIN: &str = "hub.hedui.invalid/test";

pub(crate) fn signer() -> SignerKey {
    SignerKey::from_seed(ORIGIN, KeyKind::Log, &[7; 32]).unwrap()
}

/// An event that no other is like.
pub(crate) fn event(number: u64, note: &str) -> hedui::store::EventRow {
    let client = Client {
        id: "tester".to_owned(),
        organisation: note.to_owned(),
        division: DivisionCode::NATION,
        purposes: Purpose::ALL.to_vec(),
        role: Role::Caseworker,
        department: None,
    };
    let at = Timestamp::from_second(1_790_000_000 + i64::try_from(number).unwrap()).unwrap();
    AccessEvent::new(format!("ev_{number:032x}"), at, Action::Viewed, Some(&client), "rq_1").to_row().unwrap()
}

/// Opens a store and drives its writer.
pub(crate) async fn open(file: &Path) -> (Store, tokio::task::JoinHandle<()>) {
    let (store, writer): (Store, Writer) = Store::open(file).await.unwrap();
    (store, tokio::spawn(writer.run()))
}

/// Appends events `from..to` to the log in `file`, signs them, and lets go of the file.
pub(crate) async fn record(file: &Path, from: u64, to: u64, note: &str, anchor: Option<&Path>) {
    let (store, writer) = open(file).await;
    let anchor = anchor.map(Path::to_owned);
    let publisher = Publisher::open(store.clone(), signer(), &[], anchor, Arc::new(SystemClock)).await.unwrap();
    let mut number = from;
    while number < to {
        // Groups of uneven size, as callers make them.
        let end = to.min(number + 1 + number % 97);
        store.record_events((number..end).map(|number| event(number, note)).collect()).await.unwrap();
        number = end;
    }
    publisher.publish().await.unwrap();
    publisher.write_anchor().unwrap();
    drop((publisher, store));
    writer.await.unwrap();
}

/// Audits the log in a file with the right key.
pub(crate) async fn audited(file: &Path, anchors: &[&Path]) -> Result<Report, StoreError> {
    let log = LogReader::open(file).await?;
    let anchors: Vec<Anchor> = anchors
        .iter()
        .map(|file| Anchor { name: file.display().to_string(), bytes: std::fs::read(file).unwrap() })
        .collect();
    let report = audit(&log, &[signer().verifier().clone()], &anchors, &[]).await;
    log.close().await;
    report
}

/// Tries to open the log in a file for signing.
async fn start(file: &Path, anchor: Option<&Path>) -> Result<(), LogError> {
    let (store, writer) = match Store::open(file).await {
        Ok((store, writer)) => (store, tokio::spawn(writer.run())),
        Err(error) => return Err(error.into()),
    };
    let opened = Publisher::open(store.clone(), signer(), &[], anchor.map(Path::to_owned), Arc::new(SystemClock)).await;
    drop(store);
    let result = opened.map(drop);
    writer.await.unwrap();
    result
}

#[tokio::test]
async fn a_log_goes_on_over_restarts_at_every_tile_border() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("log.sqlite");
    let mut size = 0;
    for next in [0, 1, 2, 255, 256, 257, 511, 512, 513, 700] {
        record(&file, size, next, "a", None).await;
        size = next;
        let report = audited(&file, &[]).await.unwrap();
        assert!(report.is_intact, "{report:?}");
        assert_eq!((report.entries, report.signed), (size, size));
    }
}

#[tokio::test]
async fn a9_a_restored_former_state_is_behind_its_anchor() {
    let folder = TempDir::new().unwrap();
    let (file, kept) = (folder.path().join("log.sqlite"), folder.path().join("elsewhere/checkpoint"));
    record(&file, 0, 300, "a", Some(&kept)).await;
    let yesterday = std::fs::read(&file).unwrap();
    record(&file, 300, 310, "a", Some(&kept)).await;
    assert!(start(&file, Some(&kept)).await.is_ok());
    std::fs::write(&file, yesterday).unwrap();
    let refused = start(&file, Some(&kept)).await.unwrap_err();
    assert!(matches!(refused, LogError::BehindAnchor { entries: 300, anchored: 310, .. }), "{refused}");
    assert!(audited(&file, &[]).await.unwrap().is_intact, "by itself it looks as it should");
    let report = audited(&file, &[&kept]).await.unwrap();
    assert_eq!((report.faults[0].code, report.faults[0].index), ("cut", 300));
}

#[tokio::test]
async fn a10_a_rewritten_and_signed_history_is_not_the_anchored_one() {
    let folder = TempDir::new().unwrap();
    let (file, kept) = (folder.path().join("log.sqlite"), folder.path().join("elsewhere/checkpoint"));
    record(&file, 0, 300, "truth", Some(&kept)).await;
    let rewritten = folder.path().join("rewritten.sqlite");
    record(&rewritten, 0, 280, "truth", None).await;
    record(&rewritten, 280, 400, "lie", None).await;
    assert!(audited(&rewritten, &[]).await.unwrap().is_intact, "its own key signed it");
    let report = audited(&rewritten, &[&kept]).await.unwrap();
    assert_eq!(report.faults[0].code, "root", "{report:?}");
    let refused = start(&rewritten, Some(&kept)).await.unwrap_err();
    assert!(matches!(refused, LogError::Rewritten { anchored: 300, .. }), "{refused}");
    let held = anchor::read(&kept, &[signer().verifier().clone()]).unwrap().unwrap();
    assert_eq!(held.checkpoint().size, 300, "the evidence is untouched");
}

#[tokio::test]
async fn a11_a_second_process_does_not_get_the_log() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("log.sqlite");
    let (store, writer) = open(&file).await;
    assert!(matches!(Store::open(&file).await, Err(StoreError::Locked(_))));
    drop(store);
    writer.await.unwrap();
    assert!(start(&file, None).await.is_ok(), "the lock goes with its holder");
}

/// Should the lock fail, as on some network file systems, the comparison of the head still stops a fork.
#[tokio::test]
async fn a11_a_head_that_somebody_else_signed_stops_the_log() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("log.sqlite");
    let (store, writer) = open(&file).await;
    let publisher = Publisher::open(store.clone(), signer(), &[], None, Arc::new(SystemClock)).await.unwrap();
    store.record_events(vec![event(0, "a")]).await.unwrap();
    publisher.publish().await.unwrap();
    let other = folder.path().join("other.sqlite");
    record(&other, 0, 2, "fork", None).await;
    let log = LogReader::open(&other).await.unwrap();
    let fork = log.head().await.unwrap().unwrap();
    let head = publisher.head();
    let expected = Some((head.checkpoint().size, head.checkpoint().root));
    assert!(store.replace_head(expected, fork).await.unwrap());
    store.record_events(vec![event(1, "a")]).await.unwrap();
    assert!(matches!(publisher.publish().await, Err(LogError::Forked)));
    assert!(matches!(store.record_events(vec![event(2, "a")]).await, Err(StoreError::Halted)));
    drop((publisher, store));
    writer.await.unwrap();
}

/// An answer of the store that was lost does not look like a fork.
#[tokio::test]
async fn a_head_that_was_stored_without_anybody_hearing_of_it_is_taken_up() {
    let folder = TempDir::new().unwrap();
    let (store, writer) = open(&folder.path().join("log.sqlite")).await;
    let here = Publisher::open(store.clone(), signer(), &[], None, Arc::new(SystemClock)).await.unwrap();
    let unheard = Publisher::open(store.clone(), signer(), &[], None, Arc::new(SystemClock)).await.unwrap();
    store.record_events(vec![event(0, "a")]).await.unwrap();
    unheard.publish().await.unwrap();
    store.record_events(vec![event(1, "a")]).await.unwrap();
    assert!(here.publish().await.unwrap());
    assert_eq!(here.head().checkpoint().size, 1);
    assert!(here.publish().await.unwrap());
    assert_eq!(here.head().checkpoint().size, 2);
    drop((here, unheard, store));
    writer.await.unwrap();
}

#[tokio::test]
async fn a_log_of_before_the_tree_is_taken_over_as_it_is() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("log.sqlite");
    let url = format!("sqlite://{}?mode=rwc", file.display());
    let pool = sqlx::sqlite::SqlitePool::connect(&url).await.unwrap();
    let first = include_str!("../../../migrations/sqlite/0001_verification.sql");
    let migration = sqlx::migrate::Migration::new(
        1,
        "verification".into(),
        sqlx::migrate::MigrationType::Simple,
        sqlx::SqlSafeStr::into_sql_str(first),
        false,
    );
    sqlx::migrate::Migrator::with_migrations(vec![migration]).run(&pool).await.unwrap();
    for number in 0..600 {
        let event = event(number, "old");
        sqlx::query("INSERT INTO access_event (id, at, body) VALUES ($1, $2, $3)")
            .bind(event.id())
            .bind((1_790_000_000 + i64::try_from(number).unwrap()) * 1_000_000)
            .bind(event.body())
            .execute(&pool)
            .await
            .unwrap();
    }
    pool.close().await;
    record(&file, 600, 610, "new", None).await;
    let report = audited(&file, &[]).await.unwrap();
    assert!(report.is_intact, "{report:?}");
    assert_eq!(report.entries, 610);
}
