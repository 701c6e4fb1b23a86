//! The log of a running hub: A6, and what the hub signs while it answers.

use std::time::Duration;

use hedui::access_log::anchor;
use hedui::tlog::note::VerifierKey;
use serde_json::Value;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;

use super::stored::audited;
use crate::hub::{Setup, System, listed, requests};

async fn system() -> System {
    System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await
}

/// The public key that the hub's log names.
async fn key(system: &System) -> VerifierKey {
    let head = system.app.verifications().store().log().head().await.unwrap().unwrap();
    VerifierKey::parse(&head.key).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a6_when_the_log_cannot_be_written_nothing_leaves_and_it_heals_by_itself() {
    let system = system().await;
    let documents = requests(system.folder.path());
    assert!(system.caller.verify(&documents["C01"]).await.status.is_success());
    let file = system.folder.path().join("hedui.sqlite");
    let mut disk = SqliteConnectOptions::new().filename(&file).connect().await.unwrap();
    sqlx::raw_sql("CREATE TRIGGER full BEFORE INSERT ON access_event BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        .execute(&mut disk)
        .await
        .unwrap();
    let refused = system.caller.verify(&documents["C08"]).await;
    assert_eq!(refused.status, 503, "{}", refused.body);
    assert!(refused.body["departments"].is_null() && refused.body["verdict"].is_null(), "{}", refused.body);
    let unseen = system.caller.get("/v1/verifications/vf_1").await;
    assert_eq!(unseen.status, 503, "not even a refusal is told");
    let unknown = system.caller.with_token("x".to_owned()).get("/v1/verifications/vf_1").await;
    assert_eq!(unknown.status, 503);
    sqlx::raw_sql("DROP TRIGGER full").execute(&mut disk).await.unwrap();
    let healed = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            let reply = system.caller.verify(&documents["C08"]).await;
            if reply.status.is_success() {
                return reply;
            }
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(healed.await.unwrap().body["status"], "completed");
    let folder = system.folder.path().to_owned();
    let key = key(&system).await;
    system.app.stop().await;
    let log = hedui::store::LogReader::open(&folder.join("hedui.sqlite")).await.unwrap();
    let report = hedui::access_log::audit::audit(&log, &[key], &[], &[]).await.unwrap();
    assert!(report.is_intact, "{report:?}");
    assert_eq!(report.entries, 5, "the settings, and two of each verification; the refused ones left none");
    assert_eq!(report.signed, 5, "the last words are signed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a54_while_the_head_cannot_be_kept_elsewhere_nothing_new_is_accepted() {
    let system = system().await;
    let documents = requests(system.folder.path());
    let text = std::fs::read_to_string(&system.files.config).unwrap();
    let impatient = "anchor_every = \"100ms\"\nrefuse_after = \"0s\"\n\n[auth]";
    std::fs::write(&system.files.config, text.replace("[auth]", impatient)).unwrap();
    let system = system.restart().await;
    let done = system.caller.verify(&documents["C01"]).await;
    assert!(done.status.is_success(), "{}", done.body);
    // The folder of the anchor is gone, and a file stands in its place.
    let elsewhere = system.folder.path().join("anchor");
    std::fs::remove_dir_all(&elsewhere).unwrap();
    std::fs::write(&elsewhere, "").unwrap();
    let until = async |accepted: bool| {
        tokio::time::timeout(Duration::from_secs(10), async {
            loop {
                let reply = system.caller.verify(&documents["C08"]).await;
                if reply.status.is_success() == accepted {
                    return reply;
                }
            }
        })
        .await
        .unwrap()
    };
    assert_eq!(until(false).await.status, 503);
    let shown = system.caller.get(&format!("/v1/verifications/{}", done.body["id"].as_str().unwrap())).await;
    assert_eq!(shown.status, 200, "what was accepted is still told");
    std::fs::remove_file(&elsewhere).unwrap();
    until(true).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a9_the_anchor_follows_the_log_and_a_restored_hub_does_not_start() {
    let system = system().await;
    let documents = requests(system.folder.path());
    let folder = system.folder.path().to_owned();
    let (file, kept) = (folder.join("hedui.sqlite"), folder.join("anchor/access-log.checkpoint"));
    let done = system.caller.verify(&documents["C01"]).await;
    let key = key(&system).await;
    let system = system.restart().await;
    let yesterday = std::fs::read(&file).unwrap();
    assert_eq!(anchor::read(&kept, std::slice::from_ref(&key)).unwrap().unwrap().checkpoint().size, 3);
    // The receipt of the answer is an entry that can be proved.
    let log = system.app.verifications().store().log();
    let entry = log.entry_of(done.body["receipt"].as_str().unwrap()).await.unwrap().unwrap();
    let event: Value = serde_json::from_str(&entry.body).unwrap();
    assert_eq!((entry.index, &event["verification"]), (2, &done.body["id"]));
    assert!(system.caller.verify(&documents["C08"]).await.status.is_success());
    let files = system.files.clone();
    let System { app, adapters, folder: kept_folder, .. } = system;
    app.stop().await;
    // Two of the verification, and what the rules may have raised.
    assert!(anchor::read(&kept, std::slice::from_ref(&key)).unwrap().unwrap().checkpoint().size >= 5);
    for beside in ["hedui.sqlite-wal", "hedui.sqlite-shm"] {
        drop(std::fs::remove_file(folder.join(beside)));
    }
    std::fs::write(&file, yesterday).unwrap();
    let config = hedui::config::Config::load(&files.config).unwrap();
    let refused = hedui::app::App::start(&config, crate::hub::metrics()).await.err().expect("it does not start");
    assert!(refused.to_string().contains("behind its anchor"), "{refused}");
    let report = audited(&file, &[]).await;
    assert!(report.is_ok_and(|report| !report.is_intact), "another key than the log's does not fit either");
    drop((adapters, kept_folder));
}

#[tokio::test(flavor = "multi_thread")]
async fn a8_a_hub_does_not_start_on_an_altered_log() {
    let system = system().await;
    let documents = requests(system.folder.path());
    let done = system.caller.verify(&documents["C01"]).await;
    let path = format!("/v1/verifications/{}", done.body["id"].as_str().unwrap());
    // So many entries that the first ones stand in a tile that is full, which opening the log does not read.
    for _ in 0..260 {
        assert_eq!(system.caller.get(&path).await.status, 200);
    }
    let folder = system.folder.path().to_owned();
    let (config, kept) = (system.files.config.clone(), system.folder);
    system.app.stop().await;
    let mut disk = SqliteConnectOptions::new().filename(folder.join("hedui.sqlite")).connect().await.unwrap();
    for (edit, mend) in [
        ("replace(body, 'granted', 'Granted')", "replace(body, 'Granted', 'granted')"),
        ("replace(body, 'dibao', 'tekun')", "replace(body, 'tekun', 'dibao')"),
    ] {
        let set = async |disk: &mut sqlx::SqliteConnection, what: &str| {
            let sql = format!("UPDATE access_event SET body = {what} WHERE position = 1");
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(disk).await.unwrap();
        };
        set(&mut disk, edit).await;
        let settings = || hedui::config::Config::load(&config).unwrap();
        let start = async || hedui::app::App::start(&settings(), crate::hub::metrics()).await;
        let error = start().await.err().expect("the hub does not start").to_string();
        assert!(error.contains("altered") && error.contains("entry 1"), "{error}");
        set(&mut disk, mend).await;
        start().await.expect("as it was, it starts").stop().await;
    }
    drop(kept);
}
