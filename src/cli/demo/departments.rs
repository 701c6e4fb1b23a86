//! The six departments of the demo: adapter processes over simulated stores.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};

use super::super::Lang;
use super::super::caller::adapter_is_healthy;
use crate::domain::clock::{SystemClock, SystemRandomness};
use crate::domain::dataset::Catalogue;
use crate::simulate::keys::TrialKeys;
use crate::simulate::native_store;
use crate::simulate::service::{self, Service};

/// The connector files as they are shipped, so that the executable alone can run the demo.
pub(in crate::cli) const CONNECTORS: [(&str, &str); 6] = [
    ("education", include_str!("../../../connectors/education/connector.toml")),
    ("hrss", include_str!("../../../connectors/hrss/connector.toml")),
    ("housing", include_str!("../../../connectors/housing/connector.toml")),
    ("health", include_str!("../../../connectors/health/connector.toml")),
    ("emergency", include_str!("../../../connectors/emergency/connector.toml")),
    ("medical_insurance", include_str!("../../../connectors/medical_insurance/connector.toml")),
];

/// Addresses for the six, known before they run.
pub(super) struct Reserved(Vec<(&'static str, SocketAddr)>);

/// The six, running: the adapters, and the services that some of them ask.
pub(super) struct Departments(Vec<Department>, Vec<Service>);

struct Department {
    id: &'static str,
    address: SocketAddr,
    process: Child,
    log: PathBuf,
}

impl Departments {
    /// Finds six free ports on loopback.
    pub(super) fn reserve() -> anyhow::Result<Reserved> {
        let listeners: Vec<TcpListener> =
            CONNECTORS.iter().map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect::<Result<_, _>>()?;
        let addresses: Vec<SocketAddr> = listeners.iter().map(TcpListener::local_addr).collect::<Result<_, _>>()?;
        Ok(Reserved(CONNECTORS.iter().map(|(id, _)| *id).zip(addresses).collect()))
    }

    /// Waits until every adapter answers `/v1/health`.
    pub(super) async fn until_healthy(&mut self, keys: &TrialKeys) -> anyhow::Result<()> {
        for department in &mut self.0 {
            let mut tries = 0;
            while !adapter_is_healthy(department.address, keys).await {
                tries += 1;
                if tries > 200 || department.process.try_wait()?.is_some() {
                    let log = std::fs::read_to_string(&department.log).unwrap_or_default();
                    bail!("the adapter of {} does not run; it said:\n{log}", department.id);
                }
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
        }
        Ok(())
    }

    /// The departments with their process ids, for whoever wants to kill one.
    pub(super) fn list(&self, lang: Lang) -> String {
        let catalogue = Catalogue::shipped();
        let name = |id: &str| {
            catalogue
                .departments()
                .iter()
                .find(|department| department.id.as_str() == id)
                .map_or_else(String::new, |department| lang.pick(&department.name.zh, id).to_owned())
        };
        let shown: Vec<String> = self.0.iter().map(|it| format!("{} (pid {})", name(it.id), it.process.id())).collect();
        shown.join(lang.pick("、", ", "))
    }

    /// Ends the processes.
    pub(super) async fn stop(mut self) {
        self.end();
        for service in std::mem::take(&mut self.1) {
            service.stop().await;
        }
    }

    fn end(&mut self) {
        for department in &mut self.0 {
            // It may have been killed already: that is what the demo invites to.
            drop(department.process.kill());
            drop(department.process.wait());
        }
    }
}

impl Drop for Departments {
    fn drop(&mut self) {
        self.end();
    }
}

impl Reserved {
    /// The departments and their addresses.
    pub(super) fn addresses(&self) -> Vec<(&'static str, SocketAddr)> {
        self.0.clone()
    }

    /// Starts one adapter process for each department over the stores in `folder`.
    pub(super) async fn start(self, folder: &Path, keys: &TrialKeys) -> anyhow::Result<Departments> {
        let program = std::env::current_exe().context("the path of this executable is not known")?;
        let mut departments = Departments(Vec::new(), Vec::new());
        for ((id, address), (_, connector)) in self.0.into_iter().zip(CONNECTORS) {
            let file = service::furnish(folder, id, connector, keys, &SystemRandomness)?;
            let service = Service::start(folder, id, keys, Arc::new(SystemClock), None).await?;
            let database = || native_store::url(folder, id);
            let url = service.as_ref().map_or_else(database, Service::url);
            departments.1.extend(service);
            let log = file.with_file_name("adapter.log");
            let process = Command::new(&program)
                .args(["adapter", "serve"])
                .arg(&file)
                .args(["--listen", &address.to_string()])
                .arg("--cert")
                .arg(&keys.server)
                .arg("--key")
                .arg(&keys.server_key)
                .arg("--client-ca")
                .arg(&keys.ca)
                .arg("--hub-keys")
                .arg(&keys.hub_keys)
                .arg("--answer-key")
                .arg(keys.answer_key(id, "key"))
                .arg("--ledger")
                .arg(file.with_file_name("ledger.jsonl"))
                .arg("--source-url")
                .arg(url)
                .arg("--rehearse")
                .arg(folder.join("rehearsals").join(format!("{id}.json")))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(std::fs::File::create(&log)?)
                .spawn()
                .with_context(|| format!("the adapter of {id} cannot be started"))?;
            departments.0.push(Department { id, address, process, log });
        }
        Ok(departments)
    }
}
