//! The registry of adapters over real TLS: a department registers itself, two persons bring its adapter on, and what runs
//! goes on (A17, A19, A55, A56).

mod answers;
mod conformance;
mod demotion;
mod department;
mod endpoints;
mod life;
mod shadow;
mod sustained;
mod terms;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use connectors::conform::{Counts, Report, ReportKey, SCHEMA, Subject};
use connectors::error::Text;
use hedui::domain::actor::Role;
use serde_json::{Value, json};

use super::hub::{Caller, Reply, Setup, System, listed, mint_as};

/// Lets departments register, by the trial's own authority.
pub(crate) fn registry_settings() -> Vec<(&'static str, String)> {
    vec![("[egress]\n", "[registry]\nca = \"keys/ca.pem\"\nshadow_percent = 100\n\n[egress]\n".to_owned())]
}

/// An operator of a system.
pub(crate) fn operator(system: &System) -> Caller {
    system.caller.with_token(mint_as(&system.files, Role::Operator, "operator", "000000", &[]))
}

/// An invitation for a department.
pub(crate) async fn invitation(system: &System, department: &str) -> String {
    let invited = operator(system).post("/v1/adapter-invitations", &json!({ "department": department }), &[]).await;
    assert_eq!(invited.status, 201, "{}", invited.body);
    invited.body["code"].as_str().unwrap().to_owned()
}

/// Registers what answers at an address, with this invitation.
pub(crate) async fn register_at(system: &System, code: &str, endpoint: &str, version: &str) -> Reply {
    let department = system.caller.with_token(code.to_owned());
    let key = report_key(system).id();
    let document = json!({ "endpoint": endpoint, "version": version, "report_key": key });
    department.post("/v1/adapters", &document, &[]).await
}

/// Registers the running adapter of a department. The id of the draft.
pub(crate) async fn registered(system: &System, department: &str) -> String {
    registered_at(system, department, system.adapters[department].addr()).await
}

pub(crate) async fn registered_at(system: &System, department: &str, address: SocketAddr) -> String {
    let code = invitation(system, department).await;
    let reply = register_at(system, &code, &format!("https://{address}"), &version(department)).await;
    assert_eq!(reply.status, 201, "{}", reply.body);
    assert_eq!(reply.body["state"], "draft");
    reply.body["id"].as_str().unwrap().to_owned()
}

/// Lets a department's adapters that start from now on sign nothing, so that a stub, which does not, can stand in for one.
pub(crate) fn without_signature(system: &System, department: &str) {
    std::fs::remove_file(system.files.keys.answer_key(department, "key")).unwrap();
}

/// The version of a department's connector file.
pub(crate) fn version(department: &str) -> String {
    let file = super::hub::root().join("connectors").join(department).join("connector.toml");
    connectors::connector::Connector::read(&file).unwrap().adapter.version
}

/// Whether a department was asked and answered; that it holds nothing is an answer.
pub(crate) fn answers(reply: &Reply, department: &str) -> bool {
    matches!(reply.department(department), "answered" | "no_record")
}

/// The key of a department's conformance reports.
pub(crate) fn report_key(system: &System) -> ReportKey {
    ReportKey::read_or_make(&system.folder.path().join("conformance.key")).unwrap().0
}

/// A conformance report of an adapter as it is shown, as the department's tool makes it of the running one.
pub(crate) fn report_of(shown: &Value, level: u8) -> Report {
    let text = |name: &str| shown[name].as_str().unwrap().to_owned();
    Report {
        schema: SCHEMA.to_owned(),
        adapter: Subject { id: text("department"), version: text("version"), name: Text::new("部门", "department") },
        connector_sha256: "00".repeat(32),
        program: "hedui-adapter".to_owned(),
        made_at: jiff::Timestamp::UNIX_EPOCH,
        against: Some(text("endpoint")),
        certificate_key: Some(shown["pins"][0].as_str().unwrap().to_owned()),
        asked_level: 4,
        level: Some(level),
        counts: Counts::default(),
        summary: Text::new("达到", "reached"),
        results: Vec::new(),
    }
}

/// A system whose registry is open, with two administrators.
pub(crate) struct Hub {
    pub system: System,
}

impl Hub {
    pub(crate) async fn start(setup: Setup) -> Self {
        let mut settings = registry_settings();
        settings.extend(setup.settings.clone());
        let system = System::start(Setup { own_packs: true, settings, ..setup }, listed()).await;
        let hub = Self { system };
        for person in ["wang", "li"] {
            let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
            std::fs::write(hub.file(&format!("{person}.key")), pair.serialize_pem()).unwrap();
            let public = hub.file(&format!("{person}.pem"));
            std::fs::write(&public, pair.public_key_pem()).unwrap();
            let public = public.display().to_string();
            let rest =
                ["--organisation", "测试民政局", "--division", "000000", "--role", "administrator", "--key", &public];
            let mut arguments = vec!["client", "create", person];
            arguments.extend(rest);
            let (code, told) = hub.run(&arguments).await;
            assert_eq!(code, 0, "{told}");
        }
        hub
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.system.folder.path().join(name)
    }

    /// A command as its users run it, beside the hub. Exit code and what it printed.
    pub(crate) async fn run(&self, arguments: &[&str]) -> (i32, Value) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hedui"));
        command.arg("--json").args(arguments).arg("--config").arg(&self.system.files.config);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let told = serde_json::from_slice(&output.stdout);
        (output.status.code().unwrap(), told.unwrap_or_else(|_| String::from_utf8_lossy(&output.stderr).into()))
    }

    /// What one administrator says of a change, on the command line.
    pub(crate) async fn say(&self, proposal: &str, person: &str) -> (i32, Value) {
        let key = self.file(&format!("{person}.key")).display().to_string();
        self.run(&["approval", "give", proposal, "--as", person, "--key", &key]).await
    }

    /// Asks for a move over HTTP.
    pub(crate) async fn bring(&self, id: &str, document: &Value) -> Reply {
        operator(&self.system).post(&format!("/v1/adapters/{id}/transitions"), document, &[]).await
    }

    /// Asks for a move and lets both administrators agree to it.
    pub(crate) async fn bring_with_two(&self, id: &str, document: &Value) {
        let asked = self.bring(id, document).await;
        assert_eq!(asked.status, 202, "{}", asked.body);
        let proposal = asked.body["waiting"].as_str().unwrap();
        for person in ["wang", "li"] {
            let (code, told) = self.say(proposal, person).await;
            assert_eq!(code, 0, "{told}");
        }
    }

    /// The signed conformance report of a registered adapter.
    pub(crate) async fn report(&self, id: &str, level: u8) -> Value {
        report_key(&self.system).sign(&report_of(&self.show(id).await, level))
    }

    /// Registers what answers at an address and brings it to shadow.
    pub(crate) async fn in_shadow(&self, department: &str, address: SocketAddr) -> String {
        let id = registered_at(&self.system, department, address).await;
        assert_eq!(self.bring(&id, &json!({ "move": "accept" })).await.status, 200);
        let report = self.report(&id, 3).await;
        self.bring_with_two(&id, &json!({ "move": "shadow", "report": report })).await;
        id
    }

    /// The same, and live.
    pub(crate) async fn live(&self, department: &str, address: SocketAddr) -> String {
        let id = self.in_shadow(department, address).await;
        self.bring_with_two(&id, &json!({ "move": "go_live" })).await;
        id
    }

    pub(crate) async fn show(&self, id: &str) -> Value {
        let reply = operator(&self.system).get(&format!("/v1/adapters/{id}")).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body
    }

    pub(crate) async fn state(&self, id: &str) -> String {
        self.show(id).await["state"].as_str().unwrap().to_owned()
    }

    /// Waits until an adapter is in a state.
    pub(crate) async fn until(&self, id: &str, state: &str) {
        let begun = std::time::Instant::now();
        while self.state(id).await != state {
            assert!(begun.elapsed().as_secs() < 15, "{id} does not become {state}");
        }
    }

    /// The row of a department in an answer.
    pub(crate) fn row<'a>(reply: &'a Reply, department: &str) -> &'a Value {
        let rows = reply.body["departments"].as_array().unwrap();
        rows.iter().find(|row| row["department"] == department).unwrap()
    }

    /// The log, oldest first.
    pub(crate) async fn log(&self) -> Vec<Value> {
        let rows = self.system.app.verifications().store().log().newest(1_000).await.unwrap();
        rows.iter().rev().map(|row| serde_json::from_str(&row.body).unwrap()).collect()
    }
}
