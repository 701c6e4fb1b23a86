//! The hub is told to stop under load (A63), and somebody else holds the database (A44).

use std::process::Command;
use std::time::{Duration, Instant};

use hedui::store::LogReader;
use sqlx::Connection;

use super::durability::{Hub, free_port, simulated, trial};
use super::hub::{Caller, DEPARTMENTS, Setup, System, adapter, append_adapters, listed, requests};
use super::stub::{Behaviour, Stub};

fn terminate(pid: u32) {
    assert!(Command::new("kill").args(["-TERM", &pid.to_string()]).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a63_sigterm_under_load_and_once_more_lets_what_runs_end_and_be_logged() {
    let folder = simulated().await;
    let address = free_port();
    let files = trial(folder.path(), address);
    let (mut running, mut addresses) = (Vec::new(), Vec::new());
    for department in DEPARTMENTS.into_iter().filter(|department| *department != "hrss") {
        let adapter = adapter(folder.path(), department, &files).await;
        addresses.push((department, adapter.addr()));
        running.push(adapter);
    }
    let slow = Stub::start("hrss", Behaviour::NoRecord(Duration::from_secs(1)), &folder.path().join("keys"));
    addresses.push(("hrss", slow.address));
    append_adapters(&files.config, &addresses, "4s");
    let documents = requests(folder.path());
    let hub = Hub::start(&files.config, address).await;
    let caller = Caller::new(&files, address);
    let asked: Vec<_> = documents
        .values()
        .filter(|document| document["emergency_only"] != true)
        .take(12)
        .cloned()
        .map(|document| {
            let caller = caller.clone();
            tokio::spawn(async move { caller.verify(&document).await })
        })
        .collect();
    // Told to stop while departments are being asked, and told again by somebody impatient.
    let begun = async {
        while slow.times_asked() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), begun).await.expect("hrss is asked");
    let told = Instant::now();
    terminate(hub.pid());
    terminate(hub.pid());
    let status = tokio::task::spawn_blocking(move || hub.wait()).await.unwrap();
    assert!(status.success() && told.elapsed() < Duration::from_secs(30), "{status} after {:?}", told.elapsed());
    let mut answered = 0_u64;
    for reply in asked {
        // Who had not arrived by then was turned away, or found nobody.
        if let Ok(reply) = reply.await
            && reply.status.is_success()
        {
            assert_eq!(reply.body["status"], "completed", "{}", reply.body);
            answered += 1;
        }
    }
    assert!(answered > 0, "what was running was answered");
    let log = LogReader::open(&folder.path().join("hedui.sqlite")).await.unwrap();
    let report = hedui::access_log::audit::audit(&log, &[], &[], &[]).await.unwrap();
    assert!(report.is_intact && report.signed == report.entries, "{report:?}");
    let entries = log.newest(500).await.unwrap();
    let released = entries.iter().filter(|entry| entry.body.contains("\"action\":\"released\"")).count() as u64;
    assert!(released >= answered, "{released} of {answered}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a44_while_somebody_holds_the_database_there_are_503s_and_afterwards_all_is_well() {
    let system = System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await;
    let documents = requests(system.folder.path());
    let kept = system.caller.verify(&documents["C01"]).await;
    assert!(kept.status.is_success());
    let database = format!("sqlite://{}", system.folder.path().join("hedui.sqlite").display());
    let mut other = sqlx::sqlite::SqliteConnection::connect(&database).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let key = [("idempotency-key", "held"), ("prefer", "wait=30")];
    let begun = Instant::now();
    let stranger = system.caller.with_token("x".to_owned());
    let (held, refused) =
        tokio::join!(system.caller.post("/v1/verifications", &documents["C02"], &key), stranger.get("/v1/policies"));
    assert_eq!((held.status.as_u16(), refused.status.as_u16()), (503, 503), "{}", held.body);
    assert!(begun.elapsed() < Duration::from_secs(20), "nobody hangs: {:?}", begun.elapsed());
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    let again = system.caller.post("/v1/verifications", &documents["C02"], &key).await;
    assert!(again.status.is_success(), "{}", again.body);
    let path = format!("/v1/verifications/{}", kept.body["id"].as_str().unwrap());
    assert_eq!(system.caller.get(&path).await.body["verdict"], kept.body["verdict"], "nothing acknowledged is lost");
    other.close().await.unwrap();
    let folder = system.folder.path().to_owned();
    let keep = system.folder;
    system.app.stop().await;
    let log = LogReader::open(&folder.join("hedui.sqlite")).await.unwrap();
    assert!(hedui::access_log::audit::audit(&log, &[], &[], &[]).await.unwrap().is_intact);
    drop(keep);
}

/// A8: also in a log that is too long to be read before the hub starts.
#[tokio::test(flavor = "multi_thread")]
async fn a8_an_entry_of_a_long_log_that_was_altered_stops_the_hub_while_it_runs() {
    let settings = vec![("[access_log]\n", "[access_log]\nread_at_start = 10\n".to_owned())];
    let mut system = System::start(Setup { own_packs: true, settings, ..Setup::default() }, listed()).await;
    for _ in 0..300 {
        assert_eq!(system.caller.get("/v1/verifications/vf_0").await.status, 404);
    }
    system.app.stop().await;
    let database = format!("sqlite://{}", system.folder.path().join("hedui.sqlite").display());
    let mut other = sqlx::sqlite::SqliteConnection::connect(&database).await.unwrap();
    // Leaf hash and all, far behind the newest ones that every start hashes again.
    let body: String =
        sqlx::query_scalar("SELECT body FROM access_event WHERE position = 20").fetch_one(&mut other).await.unwrap();
    let forged = body.replace("\"tester\"", "\"nobody\"");
    assert_ne!(body, forged);
    let leaf = hedui::tlog::Hash::leaf(forged.as_bytes());
    let changed = sqlx::query("UPDATE access_event SET body = ?, leaf = ? WHERE position = 20");
    changed.bind(&forged).bind(leaf.as_bytes().as_slice()).execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    let config = hedui::config::Config::load(&system.files.config).unwrap();
    system.app = hedui::app::App::start(&config, super::hub::metrics()).await.expect("it is not read before");
    system.caller = Caller::new(&system.files, system.app.address);
    let stopped = async {
        while system.caller.get("/v1/verifications/vf_0").await.status != 503 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), stopped).await.expect("it is read beside the work");
    assert_eq!(system.monitor("/readyz").await.0, 503);
    assert!(system.monitor("/metrics").await.1.contains("hedui_access_log_altered 1"));
    let store = system.app.verifications().store().clone();
    let signed = store.log().head().await.unwrap().unwrap().size;
    drop(store);
    let folder = system.folder.path().to_owned();
    let keep = system.folder;
    system.app.stop().await;
    let log = LogReader::open(&folder.join("hedui.sqlite")).await.unwrap();
    assert_eq!(log.head().await.unwrap().unwrap().size, signed, "nothing is signed on top of it");
    drop(keep);
}
