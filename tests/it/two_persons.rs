//! Changes that one person alone cannot make (A56, A28): who enters one counts as nobody, nobody agrees twice, and no edit
//! of a file switches the rule off.

use std::path::Path;
use std::process::Command;

use hedui::app::{App, StartError};
use hedui::config::Config;
use hedui::simulate::trial::TrialFiles;
use hedui::store::LogReader;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::hub::{change_settings, hub_alone, metrics};

struct Hub {
    folder: TempDir,
    files: TrialFiles,
    app: Option<App>,
}

impl Hub {
    /// A hub where changes need two persons, and its first two administrators, who cannot be asked for leave yet.
    async fn with_administrators() -> Self {
        let folder = TempDir::new().unwrap();
        let files = hub_alone(folder.path());
        change_settings(&files.config, &[("[egress]\n", "[approval]\nrequired = true\n\n[egress]\n".to_owned())]);
        let mut hub = Self { folder, files, app: None };
        hub.start().await.unwrap();
        for person in ["wang", "li"] {
            let (code, told) = hub.create(person, "administrator").await;
            assert_eq!((code, &told["done"]), (0, &json!(format!("client/{person}/registered"))), "{told}");
        }
        hub
    }

    async fn start(&mut self) -> Result<(), StartError> {
        self.app = Some(App::start(&Config::load(&self.files.config).unwrap(), metrics()).await?);
        Ok(())
    }

    async fn stop(&mut self) {
        self.app.take().unwrap().stop().await;
    }

    /// A command as its users run it, beside the hub or without one. Exit code and what it printed.
    async fn run(&self, arguments: &[&str]) -> (i32, Value) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hedui"));
        command.arg("--json").args(arguments).arg("--config").arg(&self.files.config);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let told = serde_json::from_slice(&output.stdout);
        (output.status.code().unwrap(), told.unwrap_or_else(|_| String::from_utf8_lossy(&output.stderr).into()))
    }

    fn key(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    async fn create(&self, id: &str, role: &str) -> (i32, Value) {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        std::fs::write(self.key(&format!("{id}.key")), pair.serialize_pem()).unwrap();
        let public = self.key(&format!("{id}.pem"));
        std::fs::write(&public, pair.public_key_pem()).unwrap();
        let rest = ["--organisation", "测试民政局", "--division", "000000", "--role", role, "--key", &public];
        let mut arguments = vec!["client", "create", id];
        arguments.extend(rest);
        arguments.extend(if role == "caseworker" { &["--purposes", "dibao"][..] } else { &[] });
        self.run(&arguments).await
    }

    /// Lets a person agree, or refuse, with the key of this file.
    async fn say(&self, word: &str, proposal: &str, person: &str, key: &str) -> (i32, Value) {
        self.run(&["approval", word, proposal, "--as", person, "--key", &self.key(&format!("{key}.key"))]).await
    }

    async fn clients(&self) -> Vec<String> {
        let (_, listed) = self.run(&["client", "list"]).await;
        listed.as_array().unwrap().iter().map(|one| one["client"]["id"].as_str().unwrap().to_owned()).collect()
    }

    /// The log, oldest first.
    async fn log(&self) -> Vec<Value> {
        let rows = match &self.app {
            Some(app) => app.verifications().store().log().newest(500).await.unwrap(),
            None => read(self.folder.path()).await,
        };
        rows.iter().rev().map(|row| serde_json::from_str(&row.body).unwrap()).collect()
    }
}

async fn read(folder: &Path) -> Vec<hedui::store::EntryRow> {
    let log = LogReader::open(&folder.join("hedui.sqlite")).await.unwrap();
    let rows = log.newest(500).await.unwrap();
    log.close().await;
    rows
}

fn waiting(told: &(i32, Value)) -> String {
    assert_eq!(told.0, 0, "{}", told.1);
    told.1["waiting"].as_str().unwrap_or_else(|| panic!("{}", told.1)).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a56_a_change_counts_when_two_different_administrators_signed_for_it_and_not_before() {
    let mut hub = Hub::with_administrators().await;
    let proposal = waiting(&hub.create("snoop", "caseworker").await);
    assert!(!hub.clients().await.contains(&"snoop".to_owned()), "entered is not made");
    let (_, shown) = hub.run(&["approval", "show", &proposal]).await;
    assert_eq!(shown["change"]["client"]["register"]["client"]["id"], "snoop", "{shown}");

    let first = hub.say("give", &proposal, "wang", "wang").await;
    assert_eq!((first.0, &first.1["still"]), (0, &json!(1)), "{}", first.1);
    for (person, key) in [("wang", "wang"), ("li", "wang"), ("li", "snoop"), ("nobody", "li")] {
        let (code, told) = hub.say("give", &proposal, person, key).await;
        assert!(code == 1 && told["refused"]["zh"].is_string(), "{person} {key}: {told}");
    }
    assert!(!hub.clients().await.contains(&"snoop".to_owned()), "one person alone cannot");
    let (code, done) = hub.say("give", &proposal, "li", "li").await;
    assert_eq!((code, &done["done"]), (0, &json!("client/snoop/registered")), "{done}");
    assert!(hub.clients().await.contains(&"snoop".to_owned()));
    // A caseworker is nobody's approver, and what was made is not made again.
    let other = waiting(&hub.create("other", "caseworker").await);
    assert_eq!(hub.say("give", &other, "snoop", "snoop").await.0, 1);
    assert_eq!(hub.say("give", &proposal, "li", "li").await.0, 1);
    // A refusal ends a change.
    assert_eq!(hub.say("refuse", &other, "wang", "wang").await.0, 0);
    assert_eq!(hub.say("give", &other, "li", "li").await.0, 1);

    let told: Vec<(String, String)> = hub
        .log()
        .await
        .iter()
        .filter(|event| event["action"] != "settings_changed")
        .map(|event| {
            let what = if event["action"] == "denied" { &event["problem"] } else { &event["actor"] };
            (event["action"].as_str().unwrap().to_owned(), what.as_str().unwrap().to_owned())
        })
        .filter(|(action, _)| action != "key_changed")
        .collect();
    let told: Vec<(&str, &str)> = told.iter().map(|(action, what)| (action.as_str(), what.as_str())).collect();
    let [uid, ..] = told[..] else { panic!("{told:?}") };
    assert_eq!(
        told,
        [
            uid,
            uid,
            ("change_proposed", uid.1),
            ("change_approved", "wang"),
            ("denied", "same_person"),
            ("denied", "statement_unproven"),
            ("denied", "statement_unproven"),
            ("denied", "statement_unproven"),
            ("change_approved", "li"),
            ("client_changed", uid.1),
            ("change_proposed", uid.1),
            ("denied", "wrong_role"),
            ("denied", "no_such_change"),
            ("change_refused", "wang"),
            ("denied", "no_such_change"),
        ]
    );
    let log = hub.log().await;
    let made = log.iter().rfind(|event| event["action"] == "client_changed").unwrap();
    assert_eq!(made["approvers"], json!(["wang", "li"]));

    // Rights are taken away at once, but nobody gets below two administrators, so that the rule cannot be starved.
    assert_eq!(hub.run(&["client", "revoke", "snoop"]).await.0, 0);
    let (code, told) = hub.run(&["client", "revoke", "wang"]).await;
    assert!(code == 1 && told["refused"]["en"].as_str().unwrap().contains("two administrators"), "{told}");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a56_a_change_that_was_altered_while_it_waited_is_not_the_one_that_was_agreed_to() {
    let mut hub = Hub::with_administrators().await;
    let proposal = waiting(&hub.create("modest", "caseworker").await);
    assert_eq!(hub.say("give", &proposal, "wang", "wang").await.0, 0);
    hub.stop().await;
    // Whoever can write the database puts another change in its place, digest and all.
    let database = format!("sqlite://{}", hub.folder.path().join("hedui.sqlite").display());
    let pool = sqlx::sqlite::SqlitePool::connect(&database).await.unwrap();
    let body: String = sqlx::query_scalar("SELECT body FROM proposal").fetch_one(&pool).await.unwrap();
    let other = body.replace("\"caseworker\"", "\"administrator\"");
    assert_ne!(body, other);
    let digest = hedui::service::approvals::sha256(&other);
    let changed = sqlx::query("UPDATE proposal SET body = ?, digest = ?").bind(&other).bind(&digest);
    assert_eq!(changed.execute(&pool).await.unwrap().rows_affected(), 1);
    pool.close().await;
    // The second person sees and signs the other change; the first one signed for something else.
    let second = hub.say("give", &proposal, "li", "li").await;
    assert_eq!((second.0, &second.1["still"]), (0, &json!(1)), "{}", second.1);
    assert_eq!(hub.say("give", &proposal, "wang", "wang").await.0, 1, "no second word");
    assert!(!hub.clients().await.contains(&"modest".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a56_other_settings_are_not_started_with_until_two_agreed_and_no_edit_switches_that_off() {
    let mut hub = Hub::with_administrators().await;
    hub.stop().await;
    hub.start().await.expect("the same settings need nobody");
    hub.stop().await;
    let before = hub.log().await.len();
    for (line, instead) in [
        ("required = true", "required = false"),
        ("allow = [\"127.0.0.0/8\"]", "allow = [\"127.0.0.0/8\", \"10.0.0.0/8\"]"),
    ] {
        change_settings(&hub.files.config, &[(line, instead.to_owned())]);
        let refused = hub.start().await.unwrap_err();
        let StartError::Unapproved(unapproved) = &refused else { panic!("{refused}") };
        assert!(refused.to_string().contains("hedui approval give") && refused.text().zh.contains("两名"));
        let again = hub.start().await.unwrap_err();
        let StartError::Unapproved(second) = &again else { panic!("{again}") };
        assert_eq!(second.proposal, unapproved.proposal, "it is entered once");
        // Nor does a command beside the edited file fall for it.
        waiting(&hub.create("accomplice", "caseworker").await);
        let proposal = unapproved.proposal.clone();
        assert_eq!(hub.say("give", &proposal, "wang", "wang").await.0, 0);
        assert!(hub.start().await.is_err(), "one is not two");
        let (code, told) = hub.say("give", &proposal, "li", "li").await;
        assert_eq!(code, 0, "{told}");
        hub.start().await.expect("two agreed");
        hub.stop().await;
        hub.start().await.expect("and it stays in force");
        hub.stop().await;
        let log = hub.log().await;
        let changed: Vec<&Value> = log[before..].iter().filter(|event| event["action"] == "settings_changed").collect();
        let newest = changed.last().unwrap();
        assert_eq!((&newest["approvers"], newest["before"].is_string()), (&json!(["wang", "li"]), true), "{newest}");
        assert!(log.iter().any(|event| event["problem"] == "settings_not_approved"));
        if line.starts_with("required") {
            // Agreed to be off, it is off.
            assert_eq!(hub.create("lone", "caseworker").await.1["done"], "client/lone/registered");
            change_settings(&hub.files.config, &[(instead, line.to_owned())]);
            hub.start().await.expect("switching it on needs nobody");
            hub.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a56_settings_that_were_replaced_do_not_come_back_by_what_was_agreed_to_before() {
    let mut hub = Hub::with_administrators().await;
    hub.stop().await;
    let (narrow, wide) = ("allow = [\"127.0.0.0/8\"]", "allow = [\"127.0.0.0/8\", \"10.0.0.0/8\"]");
    for (line, instead) in [(narrow, wide), (wide, narrow)] {
        change_settings(&hub.files.config, &[(line, instead.to_owned())]);
        let proposal = waiting(&hub.run(&["approval", "settings"]).await);
        assert_eq!(waiting(&hub.run(&["approval", "settings"]).await), proposal, "it is entered once");
        for person in ["wang", "li"] {
            assert_eq!(hub.say("give", &proposal, person, person).await.0, 0);
        }
        hub.start().await.expect("two agreed");
        hub.stop().await;
        let listed = hub.run(&["approval", "list"]).await.1;
        assert!(listed.as_array().unwrap().iter().all(|one| one["state"] != "waiting"), "{listed}");
    }
    change_settings(&hub.files.config, &[(narrow, wide.to_owned())]);
    assert!(hub.start().await.is_err(), "they were agreed to once, and replaced since");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_change_are_told_by_the_log_also_where_one_person_may() {
    let mut hub = Hub::with_administrators().await;
    for reason in ["", "应150000198605021015申请"] {
        let (code, told) = hub.run(&["case", "erase", "vf_0199d0c2a1b27f3e8d4c5b6a79881122", "--reason", reason]).await;
        assert!(code == 1 && told["refused"]["zh"].is_string(), "what may not be written down does not wait: {told}");
    }
    assert_eq!(hub.create("wang", "caseworker").await.0, 1, "nor does what cannot be made");
    let unknown = hub.run(&["case", "erase", "vf_0199d0c2a1b27f3e8d4c5b6a79881122", "--reason", "order"]).await;
    assert!(unknown.0 == 1 && unknown.1["refused"]["zh"].is_string(), "nor what does not exist: {}", unknown.1);
    waiting(&hub.create("clerk", "caseworker").await);
    let listed = hub.run(&["approval", "list"]).await.1;
    assert_eq!((&listed[0]["state"], listed.as_array().unwrap().len()), (&json!("waiting"), 1), "{listed}");
    let (code, told) = hub.run(&["approval", "settings"]).await;
    assert!(code == 1 && told["refused"]["zh"].is_string(), "nor what is in force already: {told}");
    hub.stop().await;
    let log = hub.log().await;
    let first = log.iter().find(|event| event["action"] == "settings_changed").unwrap();
    assert!(first["before"].is_null() && first["object"].as_str().unwrap().starts_with("settings/"), "{first}");
}
