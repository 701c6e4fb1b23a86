//! Plugs pulled while verifications run: an adapter killed, the hub killed, both started again (P9, P10).

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hedui::simulate::service;
use serde_json::Value;

use super::callers::{HOUSEHOLDS, World};
use super::network::Toxic;
use super::{PATIENCE, millis};
use crate::durability::free_port;

/// Housing's adapter as a process of the shipped executable.
struct Plug {
    process: Child,
    address: SocketAddr,
}

impl Plug {
    async fn in_at(world: &World, address: SocketAddr) -> Self {
        let folder = world.folder.path();
        let keys = folder.join("keys");
        let source = world.adapters["housing"].service_url().unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_hedui"))
            .args(["adapter", "serve"])
            .arg(service::home(folder, "housing").join("connector.toml"))
            .args(["--listen", &address.to_string()])
            .arg("--cert")
            .arg(keys.join("server.pem"))
            .arg("--key")
            .arg(keys.join("server.key"))
            .arg("--hub-keys")
            .arg(keys.join("hub-keys.json"))
            .arg("--answer-key")
            .arg(keys.join("answers/housing.key"))
            .arg("--client-ca")
            .arg(keys.join("ca.pem"))
            .args(["--source-url", &source])
            .arg("--rehearse")
            .arg(folder.join("rehearsals/housing.json"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let plug = Self { process, address };
        for _ in 0..400 {
            if tokio::net::TcpStream::connect(address).await.is_ok() {
                return plug;
            }
            tokio::time::sleep(millis(25)).await;
        }
        panic!("the adapter does not listen");
    }

    /// `kill -9`.
    fn pull(mut self) -> SocketAddr {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.address
    }
}

impl Drop for Plug {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_an_adapter_killed_while_it_is_asked_costs_its_own_facts_and_is_found_again() {
    let world = World::start(PATIENCE).await;
    let mut plug = Plug::in_at(&world, free_port()).await;
    world.network.lead_to(plug.address);
    let callers = world.callers(4);
    callers.until(callers.began_at, 30, |told| told == "answered").await;
    // Once the network tells at once that the adapter is gone, and once it takes its time.
    for toxic in [Toxic::None, Toxic::SlowClose(millis(300)), Toxic::None] {
        world.network.spoil(toxic);
        let from = Instant::now();
        let address = plug.pull();
        callers.until(from, 8, |told| told != "answered").await;
        plug = Plug::in_at(&world, address).await;
        let back = Instant::now();
        callers.until(back, 8, |told| told == "answered").await;
    }
    for reply in callers.all() {
        assert!(["answered", "unavailable", "timeout"].contains(&reply.housing.as_str()), "{}", reply.housing);
        world.judge(&reply, "plug pulled");
    }
    callers.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p10_every_acknowledged_verification_is_there_and_ends_whoever_is_killed() {
    let mut world = World::start(Duration::from_secs(3)).await;
    let plug = Plug::in_at(&world, free_port()).await;
    world.network.lead_to(plug.address);
    // Long enough on its way that everything is under way when the plugs are pulled.
    world.network.spoil(Toxic::Latency { delay: millis(400), jitter: millis(400) });
    let mut accepted = Vec::new();
    for round in 0..3 {
        for (index, household) in HOUSEHOLDS.into_iter().enumerate() {
            let key = format!("{round}-{index}");
            let headers = [("prefer", "respond-async"), ("idempotency-key", key.as_str())];
            let reply = world.caller().post("/v1/verifications", world.document(household), &headers).await;
            assert_eq!(reply.status, 202, "{}", reply.body);
            accepted.push((household, reply.body["id"].as_str().unwrap().to_owned()));
        }
    }
    let address = plug.pull();
    world.kill_hub().await;
    let _plug = Plug::in_at(&world, address).await;
    for (household, id) in accepted {
        let ended = async {
            loop {
                let shown = world.caller().get(&format!("/v1/verifications/{id}")).await;
                assert_eq!(shown.status, 200, "{id}: {}", shown.body);
                if shown.body["status"] == "completed" {
                    return shown;
                }
                tokio::time::sleep(millis(20)).await;
            }
        };
        let shown = tokio::time::timeout(Duration::from_secs(30), ended).await.expect("it comes to its end");
        let housing = shown.department("housing").to_owned();
        let verdict: &Value = &shown.body["verdict"];
        world.judge_verdict(household, &housing, verdict, "killed and started again");
    }
    world.stop().await;
}
