//! A whole system in a folder: simulated stores, adapters over mutual TLS, the hub on `SQLite`, a caller.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use connectors::connector::Connector;
use connectors::context::Asker;
use connectors::keys::{PrivateKey, PublicKey};
use connectors::ledger::{Ledger, LedgerFile};
use connectors::rehearsal::Rehearsal;
use connectors::secret::Secret;
use connectors::serve::{Adapter, Overrides, Running, TlsFiles};
use hedui::app::App;
use hedui::cli::token;
use hedui::config::Config;
use hedui::domain::actor::Role;
use hedui::domain::clock::{SystemClock, SystemRandomness};
use hedui::domain::dataset::DepartmentId;
use hedui::domain::division::DivisionCode;
use hedui::domain::purpose::Purpose;
use hedui::simulate::Simulation;
use hedui::simulate::keys::{TRIAL_AUDIENCE, TRIAL_ISSUER};
use hedui::simulate::native_store;
use hedui::simulate::service::{self, Service};
use hedui::simulate::trial::{Trial, TrialFiles};
use metrics_exporter_prometheus::PrometheusHandle;
use reqwest::StatusCode;
use serde_json::Value;
use tempfile::TempDir;

use super::on_servers::{self, Place};

pub(crate) const DEPARTMENTS: [&str; 6] = ["education", "hrss", "housing", "health", "emergency", "medical_insurance"];

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A simulation of the listed cases.
pub(crate) fn listed() -> Simulation {
    Simulation::from_cases(&root().join("tests/cases/listed.json")).unwrap()
}

/// The listed cases.
pub(crate) fn listed_cases() -> Value {
    let text = std::fs::read_to_string(root().join("tests/cases/listed.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// One recorder for the whole test process.
pub(crate) fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| hedui::app::install_metrics().unwrap()).clone()
}

/// What is different from the usual system.
#[derive(Default)]
pub(crate) struct Setup {
    /// Departments that are asked at another address than their own adapter's.
    pub elsewhere: BTreeMap<&'static str, SocketAddr>,
    /// Departments that have a database server of their own are asked on it, where it can be started.
    pub on_servers: bool,
    /// Departments without adapter.
    pub unregistered: Vec<&'static str>,
    /// Use the packs that the simulator wrote.
    pub own_packs: bool,
    /// How long one question may take; 1500 ms when absent.
    pub ask_timeout: Option<&'static str>,
    /// How long a verification waits for departments; the hub's default when absent.
    pub deadline: Option<&'static str>,
    /// Catalogue file instead of the shipped one.
    pub catalogue: Option<PathBuf>,
    /// Further adapters: department, address.
    pub further: Vec<(&'static str, SocketAddr)>,
    /// What one client may ask a second.
    pub per_second: Option<u32>,
    /// Lines of the hub's configuration that are different: what stands there, what stands there instead.
    pub settings: Vec<(&'static str, String)>,
    /// What stands in the section `[review]`. When absent the log is hardly watched, so that no alert stands in the log
    /// of a test that is about something else.
    pub review: Option<String>,
    /// Keys whose authority the hub believes besides its own, for departments that are stubs.
    pub authority: Option<TempDir>,
}

/// A running system.
pub(crate) struct System {
    pub folder: TempDir,
    pub files: TrialFiles,
    pub adapters: BTreeMap<&'static str, Department>,
    pub app: App,
    pub caller: Caller,
}

/// The files of a hub that no department is registered at.
pub(crate) fn hub_alone(folder: &Path) -> TrialFiles {
    let trial = Trial {
        hub: "127.0.0.1:0".parse().unwrap(),
        monitor: "127.0.0.1:0".parse().unwrap(),
        adapters: &[],
        policies: None,
        catalogue: None,
        signed_answers: false,
        ask_timeout: "1500ms",
        per_second: 100_000,
    };
    trial.write(folder, &SystemRandomness).unwrap()
}

/// A department that answers: its adapter, and the service of its own that the adapter asks, where there is one.
pub(crate) struct Department {
    running: Running,
    service: Option<Service>,
}

impl Department {
    /// The address of its adapter.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.running.addr()
    }

    /// Where its adapter finds its records, where that is a service.
    pub(crate) fn service_url(&self) -> Option<String> {
        self.service.as_ref().map(Service::url)
    }

    /// Stops it.
    pub(crate) async fn stop(self) {
        self.running.stop().await;
        if let Some(service) = self.service {
            service.stop().await;
        }
    }
}

/// Serves a connector over the store of its department in `folder`.
pub(crate) async fn adapter(folder: &Path, department: &str, files: &TrialFiles) -> Department {
    adapter_at(folder, department, files, "127.0.0.1:0".parse().unwrap()).await
}

/// The same over the department's own database server, if it has one.
async fn adapter_on_server(folder: &Path, department: &str, files: &TrialFiles) -> Department {
    let Some(Place { connector, url }) = on_servers::place(folder, department).await else {
        return adapter(folder, department, files).await;
    };
    let rehearsal = folder.join("rehearsals").join(format!("{department}.json"));
    let ledger = folder.join(format!("{department}.ledger"));
    let at = ("127.0.0.1:0".parse().unwrap(), Some(ledger));
    let running = serve_connector_at(&connector, &url, Some(&rehearsal), files, at).await;
    Department { running, service: None }
}

/// The same at a given address.
pub(crate) async fn adapter_at(folder: &Path, department: &str, files: &TrialFiles, address: SocketAddr) -> Department {
    let ledger = folder.join(format!("{department}.ledger"));
    adapter_with(folder, department, files, (address, ledger)).await
}

/// A second adapter of a department, beside the one there is: with a record of use of its own, which is given besides.
pub(crate) async fn second_adapter(folder: &Path, department: &str, files: &TrialFiles) -> (Department, PathBuf) {
    let at = "127.0.0.1:0".parse().unwrap();
    let adapter = second_adapter_at(folder, department, files, at).await;
    (adapter, folder.join(format!("{department}-second.ledger")))
}

/// The same at a given address.
pub(crate) async fn second_adapter_at(
    folder: &Path,
    department: &str,
    files: &TrialFiles,
    address: SocketAddr,
) -> Department {
    let ledger = folder.join(format!("{department}-second.ledger"));
    adapter_with(folder, department, files, (address, ledger)).await
}

async fn adapter_with(
    folder: &Path,
    department: &str,
    files: &TrialFiles,
    (address, ledger): (SocketAddr, PathBuf),
) -> Department {
    let shipped = root().join("connectors").join(department).join("connector.toml");
    let service = asked_service(folder, department, files).await;
    let connector = if service.is_some() { service::home(folder, department).join("connector.toml") } else { shipped };
    let database = || native_store::url(folder, department);
    let url = service.as_ref().map_or_else(database, Service::url);
    let rehearsal = folder.join("rehearsals").join(format!("{department}.json"));
    // Each has the department's own record of use.
    let running = serve_connector_at(&connector, &url, Some(&rehearsal), files, (address, Some(ledger))).await;
    Department { running, service }
}

/// The service of a department that is asked through one.
async fn asked_service(folder: &Path, department: &str, files: &TrialFiles) -> Option<Service> {
    if !service::SERVED.contains(&department) {
        return None;
    }
    let shipped = root().join("connectors").join(department).join("connector.toml");
    let text = std::fs::read_to_string(shipped).unwrap();
    service::furnish(folder, department, &text, &files.keys, &SystemRandomness).unwrap();
    Service::start(folder, department, &files.keys, Arc::new(SystemClock), None).await.unwrap()
}

/// Serves any connector over any store.
pub(crate) async fn serve_connector(connector: &Path, url: &str, files: &TrialFiles) -> Running {
    serve_connector_at(connector, url, None, files, ("127.0.0.1:0".parse().unwrap(), None)).await
}

async fn serve_connector_at(
    connector: &Path,
    url: &str,
    rehearsal: Option<&Path>,
    files: &TrialFiles,
    (address, ledger): (SocketAddr, Option<PathBuf>),
) -> Running {
    let keys = &files.keys;
    let connector = Connector::read(connector).unwrap();
    let answer_key = keys.answer_key(&connector.adapter.id, "key");
    let overrides = Overrides {
        source_url: Some(Secret::new(url)),
        rehearsal: rehearsal.map_or_else(Rehearsal::default, |file| Rehearsal::read(file).unwrap()),
        ledger: ledger.map_or(Ledger::Silent, |file| Ledger::File(LedgerFile::open(&file, 1 << 20).unwrap())),
        // As in service: nobody is answered whom the hub did not sign for, and whoever has a key signs.
        asker: Asker::Hub(PublicKey::read_all(&keys.hub_keys).unwrap()),
        answer_key: answer_key.exists().then(|| PrivateKey::read(&answer_key).unwrap()),
        ..Overrides::default()
    };
    let adapter = Adapter::new(connector, overrides).unwrap();
    let tls = TlsFiles { cert: keys.server.clone(), key: keys.server_key.clone(), client_ca: keys.ca.clone() };
    adapter.listen(address, tls).await.unwrap()
}

fn trial(folder: &Path, setup: &Setup, adapters: &[(&str, SocketAddr)]) -> TrialFiles {
    let policies = folder.join("policies");
    let trial = Trial {
        hub: "127.0.0.1:0".parse().unwrap(),
        monitor: "127.0.0.1:0".parse().unwrap(),
        adapters,
        policies: setup.own_packs.then_some(policies.as_path()),
        catalogue: setup.catalogue.as_deref(),
        signed_answers: false,
        ask_timeout: setup.ask_timeout.unwrap_or("1500ms"),
        per_second: setup.per_second.unwrap_or(100_000),
    };
    trial.write(folder, &SystemRandomness).unwrap()
}

impl System {
    /// Starts a system over the stores of a simulation.
    pub(crate) async fn start(setup: Setup, simulation: Simulation) -> Self {
        let folder = TempDir::new().unwrap();
        simulation.write(folder.path()).await.unwrap();
        // The keys are needed to start the adapters, whose addresses the configuration needs.
        let files = trial(folder.path(), &setup, &[]);
        let mut adapters = BTreeMap::new();
        let mut addresses = setup.further.clone();
        if setup.on_servers {
            simulation.dump(folder.path()).unwrap();
        }
        for department in DEPARTMENTS {
            if setup.unregistered.contains(&department) {
                continue;
            }
            if let Some(address) = setup.elsewhere.get(department) {
                addresses.push((department, *address));
            } else {
                let running = match &setup {
                    Setup { on_servers: true, .. } => adapter_on_server(folder.path(), department, &files).await,
                    Setup { .. } => adapter(folder.path(), department, &files).await,
                };
                addresses.push((department, running.addr()));
                adapters.insert(department, running);
            }
        }
        Self::with(folder, setup, files, adapters, &addresses).await
    }

    async fn with(
        folder: TempDir,
        setup: Setup,
        files: TrialFiles,
        adapters: BTreeMap<&'static str, Department>,
        addresses: &[(&str, SocketAddr)],
    ) -> Self {
        if let Some(stub) = &setup.authority {
            let both =
                [std::fs::read(&files.keys.ca).unwrap(), std::fs::read(stub.path().join("ca.pem")).unwrap()].concat();
            std::fs::write(&files.keys.ca, both).unwrap();
        }
        if let Some(deadline) = setup.deadline {
            let text = std::fs::read_to_string(&files.config).unwrap();
            let text = text.replace("[federation]\n", &format!("[federation]\ndeadline = \"{deadline}\"\n"));
            std::fs::write(&files.config, text).unwrap();
        }
        let review = setup.review.as_deref().unwrap_or("every = \"60s\"");
        let text = std::fs::read_to_string(&files.config).unwrap();
        std::fs::write(&files.config, format!("{text}\n[review]\n{review}\n")).unwrap();
        append_adapters(&files.config, addresses, setup.ask_timeout.unwrap_or("1500ms"));
        for department in adapters.keys() {
            believe_answers_of(&files.config, department);
        }
        change_settings(&files.config, &setup.settings);
        let app = App::start(&Config::load(&files.config).unwrap(), metrics()).await.unwrap();
        let caller = Caller::new(&files, app.address);
        Self { folder, files, adapters, app, caller }
    }

    /// Stops the hub and starts it again on the same folder.
    pub(crate) async fn restart(mut self) -> Self {
        self.app.stop().await;
        self.app = App::start(&Config::load(&self.files.config).unwrap(), metrics()).await.unwrap();
        self.caller = Caller::new(&self.files, self.app.address);
        self
    }

    /// A page of the monitoring listener.
    pub(crate) async fn monitor(&self, path: &str) -> (StatusCode, String) {
        let response = reqwest::get(format!("http://{}{path}", self.app.monitor_address)).await.unwrap();
        (response.status(), response.text().await.unwrap())
    }

    /// Stops everything.
    pub(crate) async fn stop(self) {
        self.app.stop().await;
        for (_, adapter) in self.adapters {
            adapter.stop().await;
        }
    }
}

/// Writes a file that only its owner can read.
pub(crate) fn write_secret(file: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(file, text).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// Puts other lines into a configuration.
pub(crate) fn change_settings(config: &Path, settings: &[(&'static str, String)]) {
    let mut text = std::fs::read_to_string(config).unwrap();
    for (line, instead) in settings {
        assert!(text.contains(line), "the configuration has no line {line}");
        text = text.replace(line, instead);
    }
    std::fs::write(config, text).unwrap();
}

/// Adds adapters to a configuration that has none.
pub(crate) fn append_adapters(config: &Path, addresses: &[(&str, SocketAddr)], timeout: &str) {
    let mut text = std::fs::read_to_string(config).unwrap();
    for (department, address) in addresses {
        write!(
            text,
            "\n[[adapter]]\ndepartment = \"{department}\"\nendpoint = \"https://{address}\"\nca = \"keys/ca.pem\"\ntimeout = \"{timeout}\"\nquota_per_second = 100000\nquota_burst = 100000\n"
        )
        .unwrap();
    }
    std::fs::write(config, text).unwrap();
}

/// Holds the answers of a department to the key that the trial made for it.
pub(crate) fn believe_answers_of(config: &Path, department: &str) {
    let line = format!("department = \"{department}\"\n");
    let text = std::fs::read_to_string(config).unwrap();
    let with_key = format!("{line}answer_key = \"keys/answers/{department}.pem\"\n");
    std::fs::write(config, text.replace(&line, &with_key)).unwrap();
}

/// A caseworker system.
#[derive(Clone)]
pub(crate) struct Caller {
    pub http: reqwest::Client,
    pub base: String,
    pub token: String,
}

/// An answer of the hub.
#[derive(Debug)]
pub(crate) struct Reply {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Caller {
    pub(crate) fn new(files: &TrialFiles, address: SocketAddr) -> Self {
        let ca = reqwest::Certificate::from_pem_bundle(&std::fs::read(&files.keys.ca).unwrap()).unwrap();
        let http = reqwest::Client::builder().tls_certs_only(ca).no_proxy().build().unwrap();
        Self { http, base: format!("https://{address}"), token: mint(files, "tester", "000000", &Purpose::ALL) }
    }

    /// The same caller with another token.
    pub(crate) fn with_token(&self, token: String) -> Self {
        Self { token, ..self.clone() }
    }

    pub(crate) async fn post(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Reply {
        self.post_raw(path, body.to_string().into_bytes(), headers).await
    }

    pub(crate) async fn post_raw(&self, path: &str, body: Vec<u8>, headers: &[(&str, &str)]) -> Reply {
        let mut request = self.http.post(format!("{}{path}", self.base)).bearer_auth(&self.token).body(body);
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Reply::of(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        let request = self.http.get(format!("{}{path}", self.base)).bearer_auth(&self.token);
        Reply::of(request.send().await.unwrap()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Reply {
        let request = self.http.put(format!("{}{path}", self.base)).bearer_auth(&self.token);
        let request = request.header("content-type", "application/json").body(body.to_string());
        Reply::of(request.send().await.unwrap()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        let request = self.http.delete(format!("{}{path}", self.base)).bearer_auth(&self.token);
        Reply::of(request.send().await.unwrap()).await
    }

    /// Verifies a household and waits for the end.
    pub(crate) async fn verify(&self, body: &Value) -> Reply {
        self.post("/v1/verifications", body, &[("prefer", "wait=30")]).await
    }
}

impl Reply {
    async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.unwrap();
        Self { status, headers, body: serde_json::from_slice(&body).unwrap_or(Value::Null) }
    }

    /// The status of the verdict.
    pub(crate) fn verdict_status(&self) -> &str {
        self.body["verdict"]["status"].as_str().unwrap_or_default()
    }

    /// What a department's row says.
    pub(crate) fn department(&self, id: &str) -> &str {
        let rows = self.body["departments"].as_array().unwrap();
        rows.iter().find(|row| row["department"] == id).and_then(|row| row["status"].as_str()).unwrap_or_default()
    }
}

/// A token of the trial issuer for a caseworker system.
pub(crate) fn mint(files: &TrialFiles, client: &str, division: &str, purposes: &[Purpose]) -> String {
    mint_as(files, Role::Caseworker, client, division, purposes)
}

/// A token of the trial issuer for a security officer.
pub(crate) fn officer(files: &TrialFiles, client: &str, division: &str) -> String {
    mint_as(files, Role::Officer, client, division, &[])
}

/// A token of the trial issuer for an actor of any role; a department is `hrss`.
pub(crate) fn mint_as(files: &TrialFiles, role: Role, client: &str, division: &str, purposes: &[Purpose]) -> String {
    mint_with(files, role, client, division, purposes, (role == Role::Department).then_some("hrss"))
}

/// A token of the trial issuer for a department.
pub(crate) fn mint_department(files: &TrialFiles, client: &str, department: &str) -> String {
    mint_with(files, Role::Department, client, "000000", &[], Some(department))
}

/// A token of the trial issuer that says whatever it is told to.
pub(crate) fn mint_with(
    files: &TrialFiles,
    role: Role,
    client: &str,
    division: &str,
    purposes: &[Purpose],
    department: Option<&str>,
) -> String {
    let subject = token::Subject {
        client,
        organisation: "测试民政局",
        division: DivisionCode::parse(division).unwrap(),
        purposes: purposes.to_vec(),
        role,
        department: department.map(|department| DepartmentId::parse(department).unwrap()),
        lifetime: 600,
    };
    token::mint(&std::fs::read(&files.keys.issuer_key).unwrap(), TRIAL_ISSUER, TRIAL_AUDIENCE, &subject).unwrap()
}

/// The request documents that the simulator wrote, by name.
pub(crate) fn requests(folder: &Path) -> BTreeMap<String, Value> {
    std::fs::read_dir(folder.join("requests"))
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap())
        })
        .collect()
}
