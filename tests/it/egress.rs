//! The egress guard in the whole system (A17, A18, A20): nobody makes the hub knock where it may not.

use std::net::{SocketAddr, TcpListener};

use hedui::app::{App, StartError};
use hedui::config::Config;
use hedui::domain::clock::SystemRandomness;
use hedui::simulate::trial::Trial;
use tempfile::TempDir;

use super::hub::{Setup, System, change_settings, listed, metrics, requests};

fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// What the hub says when it is to start with this endpoint of a department, and this list of networks.
async fn start_with(endpoint: &str, allow: &str, hub: SocketAddr) -> Result<App, String> {
    let folder = TempDir::new().unwrap();
    let adapters = [("hrss", free_port())];
    let trial = Trial {
        hub,
        monitor: "127.0.0.1:0".parse().unwrap(),
        adapters: &adapters,
        policies: None,
        catalogue: None,
        signed_answers: false,
        ask_timeout: "1s",
        per_second: 100,
    };
    let files = trial.write(folder.path(), &SystemRandomness).unwrap();
    let own = format!("https://{}", adapters[0].1);
    let text = std::fs::read_to_string(&files.config).unwrap();
    assert!(text.contains(&own));
    std::fs::write(&files.config, text.replace(&format!("{own:?}"), &format!("{endpoint:?}"))).unwrap();
    change_settings(&files.config, &[("allow = [\"127.0.0.0/8\"]", format!("allow = {allow}"))]);
    let config = Config::load(&files.config).map_err(|error| error.to_string())?;
    App::start(&config, metrics()).await.map_err(|error: StartError| error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn p11_a17_the_hub_does_not_start_with_an_adapter_where_it_may_not_connect() {
    let hub = free_port();
    let own = format!("https://{hub}");
    for (endpoint, allow, told) in [
        ("https://127.0.0.1:9101", "[]", "add \"127.0.0.1/32:9101\" to [egress] allow"),
        ("https://10.1.2.3:9101", "[\"10.1.0.0/16:443\"]", "add \"10.1.2.3/32:9101\" to [egress] allow"),
        ("https://[::1]:9101", "[\"127.0.0.0/8\"]", "add \"[::1/128]:9101\" to [egress] allow"),
        ("https://169.254.169.254", "[\"0.0.0.0/0\"]", "never connected to"),
        ("https://127.0.0.1:9101", "[\"0.0.0.0/0\"]", "is not allowed"),
        (&own, "[\"127.0.0.0/8\"]", "the hub's own listeners"),
        ("https://user:pw@127.0.0.1:9101", "[\"127.0.0.0/8\"]", "leave out name and password"),
        ("https://0x7f.1:9101", "[\"127.0.0.0/8\"]", "write the host plainly"),
        ("http://127.0.0.1:9101", "[\"127.0.0.0/8\"]", "only https://"),
        ("https://127.0.0.1:9101/x", "[\"127.0.0.0/8\"]", "leave out path"),
        ("https://127.0.0.1:9101", "[\"10.0.0.1/8\"]", "is not a network to allow"),
    ] {
        let Err(error) = start_with(endpoint, allow, hub).await else { panic!("{endpoint} {allow}: the hub starts") };
        assert!(error.contains(told), "{endpoint} {allow}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a18_a_name_that_leads_elsewhere_costs_its_department_and_nobody_is_knocked_at() {
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let port = canary.local_addr().unwrap().port();
    // Everything of loopback but the canary's port, which the resolver leads to.
    let allow = format!("allow = [\"127.0.0.0/8:1-{}\", \"127.0.0.0/8:{}-65535\"]", port - 1, port + 1);
    let setup = Setup {
        own_packs: true,
        unregistered: vec!["hrss"],
        settings: vec![(
            "allow = [\"127.0.0.0/8\"]",
            format!(
                "{allow}\n\n[[adapter]]\ndepartment = \"hrss\"\nendpoint = \"https://localhost:{port}\"\nca = \"keys/ca.pem\"\n"
            ),
        )],
        ..Setup::default()
    };
    let system = System::start(setup, listed()).await;
    let reply = system.caller.verify(&requests(system.folder.path())["C01"]).await;
    let rows = reply.body["departments"].as_array().unwrap();
    for row in rows {
        let is_hrss = row["department"] == "hrss";
        assert_eq!(row["status"] == "unavailable", is_hrss, "{row}");
    }
    assert_eq!(canary.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "somebody knocked at the canary");
    system.stop().await;
}
