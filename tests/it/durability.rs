//! The shipped executable, killed at any moment: nothing acknowledged is lost (promise P10).

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hedui::domain::clock::SystemRandomness;
use hedui::simulate::trial::{Trial, TrialFiles};
use serde_json::Value;
use tempfile::TempDir;

use super::hub::{Caller, DEPARTMENTS, adapter, append_adapters, listed, requests};
use super::stub::{Behaviour, Stub};

/// `hedui serve` as a process.
pub(crate) struct Hub(Child);

impl Hub {
    pub(crate) async fn start(config: &Path, address: SocketAddr) -> Self {
        Self::start_telling(config, address, Stdio::null()).await
    }

    /// The same with every line of its own log going to `log`.
    pub(crate) async fn start_telling(config: &Path, address: SocketAddr, log: Stdio) -> Self {
        let process = Command::new(env!("CARGO_BIN_EXE_hedui"))
            .args(["serve", "--config"])
            .arg(config)
            .env("RUST_LOG", "trace")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let hub = Self(process);
        for _ in 0..400 {
            if tokio::net::TcpStream::connect(address).await.is_ok() {
                return hub;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the hub does not listen");
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(mut self) -> std::process::ExitStatus {
        self.0.wait().unwrap()
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

pub(crate) fn free_port() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

pub(crate) fn trial(folder: &Path, hub: SocketAddr) -> TrialFiles {
    let policies = folder.join("policies");
    let trial = Trial {
        hub,
        monitor: free_port(),
        adapters: &[],
        policies: Some(&policies),
        catalogue: None,
        signed_answers: false,
        ask_timeout: "4s",
        per_second: 100_000,
    };
    trial.write(folder, &SystemRandomness).unwrap()
}

pub(crate) async fn simulated() -> TempDir {
    let folder = TempDir::new().unwrap();
    listed().write(folder.path()).await.unwrap();
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn p10_an_accepted_verification_outlives_kill_9_and_comes_to_its_end() {
    let folder = simulated().await;
    let address = free_port();
    let files = trial(folder.path(), address);
    let mut running = Vec::new();
    let mut addresses = Vec::new();
    for department in DEPARTMENTS.into_iter().filter(|department| *department != "hrss") {
        let adapter = adapter(folder.path(), department, &files).await;
        addresses.push((department, adapter.addr()));
        running.push(adapter);
    }
    // Slow enough that the hub dies while it waits.
    let slow = Stub::start("hrss", Behaviour::NoRecord(Duration::from_secs(2)), &folder.path().join("keys"));
    addresses.push(("hrss", slow.address));
    append_adapters(&files.config, &addresses, "4s");
    let documents = requests(folder.path());

    let hub = Hub::start(&files.config, address).await;
    let caller = Caller::new(&files, address);
    let key = [("prefer", "respond-async"), ("idempotency-key", "before-the-crash")];
    let accepted = caller.post("/v1/verifications", &documents["C01"], &key).await;
    assert_eq!(accepted.status, 202);
    let id = accepted.body["id"].as_str().unwrap().to_owned();
    hub.kill();

    let _hub = Hub::start(&files.config, address).await;
    let caller = Caller::new(&files, address);
    // The client asks again as clients do: same key, same body, same verification.
    let repeated = caller
        .post("/v1/verifications", &documents["C01"], &[("prefer", "wait=20"), ("idempotency-key", "before-the-crash")])
        .await;
    assert_eq!(repeated.body["id"], Value::String(id.clone()), "{}", repeated.body);
    assert_eq!(repeated.body["status"], "completed");
    assert_eq!(repeated.body["verdict"]["household_circle"], "DIBAO", "{}", repeated.body);
    let shown = caller.get(&format!("/v1/verifications/{id}")).await;
    assert_eq!(shown.body["verdict"], repeated.body["verdict"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn p10_no_answer_is_lost_over_twenty_kills_under_load() {
    // `make soak` asks for more of them.
    let kills: u64 = std::env::var("HEDUI_KILLS").map_or(20, |kills| kills.parse().expect("a number of kills"));
    let folder = simulated().await;
    let address = free_port();
    let files = trial(folder.path(), address);
    let mut running = Vec::new();
    let mut addresses = Vec::new();
    for department in DEPARTMENTS {
        let adapter = adapter(folder.path(), department, &files).await;
        addresses.push((department, adapter.addr()));
        running.push(adapter);
    }
    append_adapters(&files.config, &addresses, "4s");
    let documents = requests(folder.path());
    let mut answered: Vec<(String, Value, String)> = Vec::new();
    for round in 0..kills {
        let hub = Hub::start(&files.config, address).await;
        let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let mut callers = tokio::task::JoinSet::new();
        for index in 0..8 {
            let (caller, document) = (Caller::new(&files, address), documents["C08"].clone());
            let told = told.clone();
            callers.spawn(async move {
                let mut answers = Vec::new();
                for turn in 0..200 {
                    let request = caller
                        .http
                        .post(format!("{}/v1/verifications", caller.base))
                        .bearer_auth(&caller.token)
                        .header("content-type", "application/json")
                        .header("idempotency-key", format!("{round}-{index}-{turn}"))
                        .body(document.to_string());
                    // The hub dies under the callers: what was not answered was not promised.
                    let Ok(response) = request.send().await else { return answers };
                    let good = response.status().is_success();
                    let Ok(body) = response.json::<Value>().await else { return answers };
                    if good {
                        let text = |name: &str| body[name].as_str().unwrap().to_owned();
                        answers.push((text("id"), body["verdict"].clone(), text("receipt")));
                        told.send(()).ok();
                    }
                }
                answers
            });
        }
        // In the midst of answering, at another point each round, however fast the machine is today.
        for _ in 0..2 + round % 5 {
            tokio::time::timeout(Duration::from_secs(30), heard.recv()).await.expect("the load gets through");
        }
        tokio::time::sleep(Duration::from_millis(round % 20)).await;
        hub.kill();
        // A8, A11: whatever moment the hub died at, the log it left is whole and holds every answer.
        let verified = Command::new(env!("CARGO_BIN_EXE_hedui"))
            .args(["log", "verify", "--json", "--config"])
            .arg(&files.config)
            .output()
            .unwrap();
        assert!(verified.status.success(), "{round}: {}", String::from_utf8_lossy(&verified.stdout));
        answered.extend(callers.join_all().await.into_iter().flatten());
    }
    assert!(answered.len() > 20, "the load got through: {}", answered.len());
    let _hub = Hub::start(&files.config, address).await;
    let caller = Caller::new(&files, address);
    for (id, verdict, _) in &answered {
        let shown = caller.get(&format!("/v1/verifications/{id}")).await;
        assert_eq!(shown.body["verdict"], *verdict, "{id}");
    }
    // A7, P1: every answer that left has its released entry, and its receipt is that entry's id.
    let database = PathBuf::from(folder.path()).join("hedui.sqlite");
    let pool = sqlx::sqlite::SqlitePool::connect(&format!("sqlite://{}", database.display())).await.unwrap();
    let released: Vec<(String, String)> =
        sqlx::query_as("SELECT body ->> 'verification', id FROM access_event WHERE body ->> 'action' = 'released'")
            .fetch_all(&pool)
            .await
            .unwrap();
    let is_logged = |id: &String, receipt: &String| released.contains(&(id.clone(), receipt.clone()));
    let missing: Vec<_> = answered.iter().filter(|(id, _, receipt)| !is_logged(id, receipt)).collect();
    assert!(missing.is_empty(), "{} answers without entry", missing.len());
}
