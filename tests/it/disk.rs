//! A disk that fails under the shipped executable (T3, A6): its system calls are made to fail one by one, then all.
//!
//! `strace` makes them fail. Where it is not installed and cannot be, or may not trace, the tests say so and
//! pass; `HEDUI_REQUIRE_STRACE` makes that a failure.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;
use tempfile::TempDir;

use super::durability::{Hub, free_port, simulated, trial};
use super::hub::{Caller, DEPARTMENTS, adapter, append_adapters, requests};

/// How long the hub may take to be well again.
const HEALED_WITHIN: Duration = Duration::from_secs(10);

/// Whether system calls can be made to fail here.
fn can_trace() -> bool {
    let traces = || {
        let probe = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
        probe.is_ok_and(|status| status.success())
    };
    let can = traces() || {
        let install = Command::new("apt-get").args(["install", "-y", "-qq", "strace"]).output();
        install.is_ok_and(|output| output.status.success()) && traces()
    };
    assert!(can || std::env::var_os("HEDUI_REQUIRE_STRACE").is_none(), "strace cannot trace here");
    if !can {
        eprintln!("not tried: strace cannot be installed, or may not trace");
    }
    can
}

/// System calls of a process that fail as long as this lives.
struct Failing(Child);

impl Failing {
    /// Lets `call` fail with `error` when strace says so: `2` is the second call of a thread, `1+` is all.
    fn begin(pid: u32, call: &str, error: &str, when: &str) -> Self {
        let mut strace = Command::new("strace")
            .args(["-f", "-o", "/dev/null", "-e", &format!("trace={call}")])
            .args(["-e", &format!("inject={call}:error={error}:when={when}"), "-p", &pid.to_string()])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = BufReader::new(strace.stderr.take().unwrap());
        let mut line = String::new();
        told.read_line(&mut line).unwrap();
        assert!(line.contains("attached"), "{line}");
        // Nobody reads on; strace must not wait for it.
        std::thread::spawn(move || std::io::copy(&mut told, &mut std::io::sink()));
        Self(strace)
    }
}

impl Drop for Failing {
    fn drop(&mut self) {
        // Asked, not killed: a killed strace would leave threads stopped.
        drop(Command::new("kill").args(["-INT", &self.0.id().to_string()]).status());
        drop(self.0.wait());
    }
}

/// A hub as a process, its adapters in this one.
struct Scene {
    folder: TempDir,
    config: std::path::PathBuf,
    caller: Caller,
    document: Value,
    hub: Hub,
    _adapters: Vec<super::hub::Department>,
}

impl Scene {
    async fn set() -> Self {
        let folder = simulated().await;
        let address = free_port();
        let files = trial(folder.path(), address);
        let mut adapters = Vec::new();
        let mut addresses = Vec::new();
        for department in DEPARTMENTS {
            let adapter = adapter(folder.path(), department, &files).await;
            addresses.push((department, adapter.addr()));
            adapters.push(adapter);
        }
        append_adapters(&files.config, &addresses, "4s");
        let document = requests(folder.path())["C08"].clone();
        let hub = Hub::start(&files.config, address).await;
        let caller = Caller::new(&files, address);
        Self { folder, config: files.config, caller, document, hub, _adapters: adapters }
    }

    async fn ask(&self, key: &str) -> super::hub::Reply {
        self.caller.post("/v1/verifications", &self.document, &[("idempotency-key", key), ("prefer", "wait=20")]).await
    }

    /// Asks until it is answered.
    async fn until_answered(&self, key: &str) -> Value {
        let answered = async {
            loop {
                let reply = self.ask(key).await;
                if reply.status.is_success() && reply.body["status"] == "completed" {
                    return reply.body;
                }
                assert!(reply.status == 503 || reply.status == 202 || reply.status.is_success(), "{}", reply.body);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(HEALED_WITHIN, answered).await.expect("the hub heals by itself")
    }

    /// What the log says of itself, after the process is gone, and the ids of verifications and receipts it holds.
    async fn left(self) -> (Vec<String>, Vec<String>) {
        self.hub.kill();
        let verified = Command::new(env!("CARGO_BIN_EXE_hedui"))
            .args(["log", "verify", "--json", "--config"])
            .arg(&self.config)
            .output()
            .unwrap();
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
        let database = format!("sqlite://{}", self.folder.path().join("hedui.sqlite").display());
        let pool = sqlx::sqlite::SqlitePool::connect(&database).await.unwrap();
        let whole: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&pool).await.unwrap();
        assert_eq!(whole, "ok");
        let verifications = sqlx::query_scalar("SELECT id FROM verification").fetch_all(&pool).await.unwrap();
        let receipts = sqlx::query_scalar("SELECT id FROM access_event WHERE body ->> 'action' = 'released'");
        let receipts = receipts.fetch_all(&pool).await.unwrap();
        pool.close().await;
        (verifications, receipts)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t3_each_system_call_of_a_write_fails_in_turn_and_nothing_is_lost_or_twice() {
    if !can_trace() {
        return;
    }
    let scene = Scene::set().await;
    scene.until_answered("before").await;
    let mut acknowledged = Vec::new();
    let mut refused = 0;
    let mut asked = 1;
    for call in ["pwrite64", "fsync", "fdatasync"] {
        for when in 1..=8 {
            let key = format!("{call}-{when}");
            let failing = Failing::begin(scene.hub.pid(), call, "EIO", &when.to_string());
            let reply = scene.ask(&key).await;
            match reply.status {
                StatusCode::SERVICE_UNAVAILABLE => refused += 1,
                status => assert!(status.is_success(), "{key}: {status} {}", reply.body),
            }
            drop(failing);
            let body = scene.until_answered(&key).await;
            if reply.status.is_success() {
                assert_eq!(reply.body["id"], body["id"], "{key}: one key, one verification");
            }
            acknowledged.push((body["id"].as_str().unwrap().to_owned(), body["receipt"].as_str().unwrap().to_owned()));
            asked += 1;
        }
    }
    assert!(refused > 0, "no call of a write was made to fail");
    let (verifications, receipts) = scene.left().await;
    assert_eq!(verifications.len(), asked, "one verification for each key");
    for (id, receipt) in acknowledged {
        assert!(verifications.contains(&id) && receipts.contains(&receipt), "{id} {receipt}: acknowledged and lost");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a6_on_a_full_disk_everything_is_503_and_the_hub_is_well_again_when_there_is_room() {
    if !can_trace() {
        return;
    }
    let scene = Scene::set().await;
    let before = scene.until_answered("before").await;
    let full = Failing::begin(scene.hub.pid(), "pwrite64", "ENOSPC", "1+");
    for turn in 0..10 {
        let asked = tokio::time::timeout(HEALED_WITHIN, scene.ask(&format!("full-{turn}"))).await.expect("no hang");
        assert_eq!(asked.status, 503, "{}", asked.body);
        assert!(asked.body["verdict"].is_null() && asked.body["departments"].is_null(), "{}", asked.body);
    }
    let monitor = hedui::config::Config::load(&scene.config).unwrap().monitor.address;
    let ready = async || reqwest::get(format!("http://{monitor}/readyz")).await.unwrap().status();
    assert_eq!(ready().await, 503, "what sends callers here must know");
    // A look at what was found before, and a refusal, would each need an entry.
    let path = format!("/v1/verifications/{}", before["id"].as_str().unwrap());
    assert_eq!(scene.caller.get(&path).await.status, 503);
    assert_eq!(scene.caller.with_token("x".to_owned()).get(&path).await.status, 503);
    drop(full);
    scene.until_answered("full-0").await;
    assert_eq!(scene.caller.get(&path).await.status, 200);
    assert_eq!(ready().await, 200);
    let (verifications, receipts) = scene.left().await;
    assert_eq!((verifications.len(), receipts.len()), (2, 2), "what was refused left nothing");
}
