//! Erasing by destroying keys: what was erased cannot be had back from the whole database with all keys, and the log
//! stays whole.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use hedui::app::App;
use hedui::config::Config;
use hedui::domain::clock::{SystemRandomness, TestClock};
use hedui::domain::purpose::Purpose;
use hedui::seal::Sealer;
use hedui::store::LogReader;
use serde_json::Value;

use super::authorisations::registration;
use super::hub::{Caller, Setup, System, listed, metrics, mint, requests};

/// `hedui case erase` as its users run it, beside the running hub. Exit code and what it printed.
pub(crate) async fn erase(system: &System, id: &str, reason: &str) -> (i32, Value) {
    let config = system.files.config.display().to_string();
    let (id, reason) = (id.to_owned(), reason.to_owned());
    let output = tokio::task::spawn_blocking(move || {
        Command::new(env!("CARGO_BIN_EXE_hedui"))
            .args(["--json", "case", "erase", &id, "--reason", &reason, "--config", &config])
            .output()
            .unwrap()
    });
    let output = output.await.unwrap();
    let told = serde_json::from_slice(&output.stdout);
    (output.status.code().unwrap(), told.unwrap_or_else(|_| String::from_utf8_lossy(&output.stderr).into()))
}

/// Every byte of the database and of the files beside it. Read by another process: a file that is closed here would take
/// the hub's locks on it along.
fn database(folder: &Path) -> Vec<u8> {
    let names = ["hedui.sqlite", "hedui.sqlite-wal", "hedui.sqlite-shm"].map(|name| folder.join(name));
    let read = Command::new("cat").args(names.iter().filter(|name| name.exists())).output().unwrap();
    assert!(read.status.success() && !read.stdout.is_empty());
    read.stdout
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    aho_corasick::AhoCorasick::new([part]).unwrap().is_match(bytes)
}

async fn assert_log_is_intact(folder: &Path) {
    let log = LogReader::open(&folder.join("hedui.sqlite")).await.unwrap();
    let report = hedui::access_log::audit::audit(&log, &[], &[], &[]).await.unwrap();
    assert!(report.is_intact, "{report:?}");
}

async fn events(app: &App, action: &str) -> Vec<Value> {
    let entries = app.verifications().store().log().newest(200).await.unwrap();
    let events = entries.iter().map(|entry| serde_json::from_str::<Value>(&entry.body).unwrap());
    events.filter(|event| event["action"] == action).collect()
}

/// How many entries there are that no rule wrote: those come when they come.
async fn beside_alerts(app: &App) -> usize {
    let entries = app.verifications().store().log().newest(200).await.unwrap();
    assert!(entries.len() < 200);
    entries.iter().filter(|entry| !entry.body.contains("\"action\":\"alert_raised\"")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_verification_is_gone_with_the_whole_database_and_all_keys_and_the_log_verifies() {
    let system = System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await;
    let documents = requests(system.folder.path());
    let key = [("idempotency-key", "once"), ("prefer", "wait=30")];
    let done = system.caller.post("/v1/verifications", &documents["C01"], &key).await;
    let kept = system.caller.verify(&documents["C08"]).await;
    let id = done.body["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/verifications/{id}");
    let row = system.app.verifications().store().verification(&id).await.unwrap().unwrap();
    let sealer = Sealer::from_hex(
        &std::fs::read_to_string(&Config::load(&system.files.config).unwrap().seal.key_file).unwrap(),
        Arc::new(SystemRandomness),
    )
    .unwrap();
    assert!(sealer.open_data_key(&id, &row.wrapped_key).is_ok(), "the key opens it before");
    let outcome = row.outcome.unwrap();
    let parts = [&row.wrapped_key[..], &row.request[..200], &outcome[..200]];
    let before = database(system.folder.path());
    assert!(parts.iter().all(|part| holds(&before, part)), "the scan finds what is there");

    for (id, reason) in [
        (id.as_str(), ""),
        (id.as_str(), "应150000198605021015申请"),
        (id.as_str(), "two\nlines"),
        ("vf_0", "order"),
        ("au_0", "order"),
        ("ev_0", "order"),
        ("核对", "order"),
        ("", "order"),
    ] {
        let (code, told) = erase(&system, id, reason).await;
        assert!(code == 1 && told["refused"]["zh"].is_string(), "{id} {reason}: {told}");
    }
    assert_eq!(system.caller.get(&path).await.status, 200);
    let (code, told) = erase(&system, &id, "destruction order 2026-17").await;
    assert_eq!((code, told["done"].as_str()), (0, Some(format!("{id}/erased").as_str())), "{told}");
    let after = database(system.folder.path());
    assert!(parts.iter().all(|part| !holds(&after, part)), "nothing of it is left in any file, while the hub runs");

    // Its own client is told, others see what they saw before: nothing.
    for route in ["", "/report", "/replay", "/events", "?expand=evidence"] {
        let gone = system.caller.get(&format!("{path}{route}")).await;
        assert_eq!((gone.status.as_u16(), gone.body["code"].as_str()), (410, Some("erased")), "{route}: {}", gone.body);
        let foreign = system.caller.with_token(mint(&system.files, "other", "000000", &Purpose::ALL));
        assert_eq!(foreign.get(&format!("{path}{route}")).await.status, 404, "{route}");
    }
    let again = system.caller.post("/v1/verifications", &documents["C01"], &key).await;
    assert_eq!(again.status, 410, "a retry does not ask the departments again: {}", again.body);
    let (code, told) = erase(&system, &id, "once more").await;
    assert_eq!(code, 0, "what is erased stays erased: {told}");
    let told = events(&system.app, "erased").await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((told[0]["verification"].as_str(), told[0]["role"].as_str()), (Some(id.as_str()), Some("operator")));
    assert_eq!(told[0]["reason"], "destruction order 2026-17");
    assert!(told[0]["actor"].as_str().unwrap().starts_with("uid:"));
    assert!(!told[0]["subjects"].as_array().unwrap().is_empty(), "an officer finds it by person");

    let system = system.restart().await;
    assert_eq!(system.caller.get(&path).await.status, 410);
    let other = system.caller.get(&format!("/v1/verifications/{}", kept.body["id"].as_str().unwrap())).await;
    assert_eq!((other.status.as_u16(), &other.body["verdict"]), (200, &kept.body["verdict"]), "others are untouched");
    let folder = system.folder.path().to_owned();
    system.app.stop().await;
    assert_log_is_intact(&folder).await;
    let cold = database(&folder);
    assert!(parts.iter().all(|part| !holds(&cold, part)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorisation_is_erased_only_when_it_does_not_hold_any_more() {
    let system = System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await;
    let document = registration(&requests(system.folder.path())["C01"]);
    let registered = system.caller.post("/v1/authorisations", &document, &[]).await;
    let id = registered.body["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/authorisations/{id}");
    assert_eq!(erase(&system, &id, "order").await.0, 1, "it holds");
    assert_eq!(system.caller.delete(&path).await.status, 200);
    let row = system.app.verifications().store().authorisation(&id).await.unwrap().unwrap();
    assert_eq!(erase(&system, &id, "order").await.0, 0);
    let bytes = database(system.folder.path());
    assert!(!holds(&bytes, &row.wrapped_key) && !holds(&bytes, &row.body[..200]));
    let gone = system.caller.get(&path).await;
    assert_eq!((gone.status.as_u16(), gone.body["code"].as_str()), (410, Some("erased")));
    assert_eq!(system.caller.delete(&path).await.status, 410);
    let foreign = system.caller.with_token(mint(&system.files, "other", "000000", &Purpose::ALL));
    assert_eq!(foreign.get(&path).await.status, 404);
    let again = system.caller.post("/v1/authorisations", &document, &[]).await;
    assert_eq!(again.status, 409, "its number is not given again: {}", again.body);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_long_enough_is_erased_within_one_sweep_and_nothing_earlier() {
    let settings = vec![("[egress]\n", "[retention]\nmax_clock_step = \"4000d\"\n\n[egress]\n".to_owned())];
    let mut system = System::start(Setup { own_packs: true, settings, ..Setup::default() }, listed()).await;
    let documents = requests(system.folder.path());
    let done = system.caller.verify(&documents["C01"]).await;
    let id = done.body["id"].as_str().unwrap().to_owned();
    let registered = system.caller.post("/v1/authorisations", &registration(&documents["C01"]), &[]).await;
    let authorisation = registered.body["id"].as_str().unwrap().to_owned();
    assert!(system.caller.delete(&format!("/v1/authorisations/{authorisation}")).await.status.is_success());
    let entries = beside_alerts(&system.app).await;
    for (days, is_erased) in [(1095, false), (1097, true)] {
        system.app.stop().await;
        let later = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days);
        let config = Config::load(&system.files.config).unwrap();
        system.app = App::start_at(&config, metrics(), Arc::new(TestClock::new(later))).await.unwrap();
        // Used assertions are looked for after the rest of a sweep, and its entries are durable before.
        let swept = tokio::time::timeout(std::time::Duration::from_secs(20), async {
            while is_erased && events(&system.app, "erased").await.len() < 2 {
                tokio::task::yield_now().await;
            }
        });
        swept.await.unwrap();
        let row = system.app.verifications().store().verification(&id).await.unwrap().unwrap();
        assert_eq!(row.erased_at.is_some(), is_erased, "after {days} days");
    }
    let told = events(&system.app, "erased").await;
    let objects: Vec<&Value> = told.iter().map(|event| &event["objects"][0]).collect();
    assert_eq!(objects, [authorisation.as_str(), id.as_str()], "{told:?}");
    assert_eq!(told[1]["reason"], "retention/verifications");
    assert!(told.iter().all(|event| event["role"] == "system" && event["objects"].as_array().unwrap().len() == 1));
    assert_eq!(beside_alerts(&system.app).await, entries + 2, "the log loses nothing");
    let system = system.restart().await;
    let caller = Caller::new(&system.files, system.app.address);
    assert_eq!(caller.get(&format!("/v1/verifications/{id}")).await.status, 410);
    let folder = system.folder.path().to_owned();
    system.app.stop().await;
    assert_log_is_intact(&folder).await;
}

/// A42: nothing is erased by a clock that jumped, however often the hub is started with it, until somebody looked at it.
#[tokio::test(flavor = "multi_thread")]
async fn a42_a_clock_that_jumped_ahead_erases_nothing_until_it_is_confirmed() {
    let mut system = System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await;
    let done = system.caller.verify(&requests(system.folder.path())["C01"]).await;
    let id = done.body["id"].as_str().unwrap().to_owned();
    let config = Config::load(&system.files.config).unwrap();
    let is_erased = async |system: &System| {
        system.app.verifications().store().verification(&id).await.unwrap().unwrap().erased_at.is_some()
    };
    let wrong = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * 4000);
    for _ in 0..2 {
        system.app.stop().await;
        system.app = App::start_at(&config, metrics(), Arc::new(TestClock::new(wrong))).await.unwrap();
        // Entries that are made by the wrong clock do not make it right.
        system.caller = Caller::new(&system.files, system.app.address);
        assert_eq!(system.caller.get("/v1/policies").await.status, 401, "and tokens are judged by it");
        let held = async {
            loop {
                let (_, page) = system.monitor("/metrics").await;
                if page.lines().any(|line| line == "hedui_sweeps_held 1") {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), held).await.expect("the sweep is held");
        assert!(!is_erased(&system).await);
    }
    let (code, told) = {
        let config = system.files.config.display().to_string();
        let output = tokio::task::spawn_blocking(move || {
            Command::new(env!("CARGO_BIN_EXE_hedui"))
                .args(["--json", "case", "confirm-clock", "--config", &config])
                .output()
                .unwrap()
        });
        let output = output.await.unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert!(code == 0 && told.contains("/confirmed"), "{told}");
    let swept = async {
        while !is_erased(&system).await {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), swept).await.expect("the next sweep erases");
    let told = events(&system.app, "erased").await;
    assert_eq!(told[0]["division"], "152201", "an officer of the division sees it: {told:?}");
    assert_eq!(events(&system.app, "clock_confirmed").await.len(), 1);
    system.stop().await;
}
