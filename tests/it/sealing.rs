//! What is sealed stays readable through a change of suite and of key, until nothing needs the former key any more; and a
//! hub does not start with secrets that are not kept as secrets.

mod secrets;

use std::path::Path;
use std::process::Command;

use hedui::app::App;
use hedui::config::Config;
use hedui::store::LogReader;
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use super::authorisations::registration;
use super::hub::{Caller, Setup, System, change_settings, listed, metrics, officer, requests, write_secret};

/// A key as `openssl rand -hex 32` draws them.
const SECOND: &str = "8f1c94a27be03d5566c0d9137a42fe81b75d0a6ec3984f12d86b27f95e41c03a";

/// `hedui seal …` as its users run it. Exit code and what it printed.
async fn seal(config: &Path, verb: &str) -> (i32, String) {
    run(&["--json", "seal", verb, "--config", &config.display().to_string()]).await
}

async fn run(args: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hedui"));
    command.args(args).env("HEDUI_LANG", "en");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let told = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(told).unwrap())
}

fn parsed(told: &str) -> Value {
    serde_json::from_str(told).unwrap_or_else(|error| panic!("{error}: {told}"))
}

async fn system() -> System {
    System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await
}

/// Puts a second sealing key in the first one's place, which becomes a former one.
fn give_second_key(config: &Path) {
    let keys = config.parent().unwrap().join("keys");
    write_secret(&keys.join("second.key"), SECOND);
    let instead = "key_file = \"keys/second.key\"\nformer_key_files = [\"keys/seal.key\"]".to_owned();
    change_settings(config, &[("key_file = \"keys/seal.key\"", instead)]);
}

fn take_former_key_away(config: &Path) {
    change_settings(config, &[("\nformer_key_files = [\"keys/seal.key\"]", String::new())]);
}

fn choose_suite(config: &Path, suite: &str) {
    change_settings(config, &[("[seal]\n", format!("[seal]\nsuite = \"{suite}\"\n"))]);
}

async fn started(config: &Path) -> Result<App, String> {
    App::start(&Config::load(config).unwrap(), metrics()).await.map_err(|error| error.to_string())
}

async fn database(config: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(config.with_file_name("hedui.sqlite")).connect().await.unwrap()
}

/// The events of the log about keys of one kind: what was told of them.
async fn told_of_keys(app: &App, kind: &str) -> Vec<String> {
    let entries = app.verifications().store().log().entries(0).await.unwrap();
    let objects = entries.iter().filter_map(|entry| {
        let event: Value = serde_json::from_str(&entry.body).unwrap();
        event["object"].as_str().filter(|object| object.starts_with(kind)).map(str::to_owned)
    });
    objects.collect()
}

/// Ids and verdicts of verifications.
type Seen = Vec<(String, Value)>;

async fn verified(system: &System, names: &[&str]) -> Seen {
    let documents = requests(system.folder.path());
    let mut seen = Seen::new();
    for name in names {
        let done = system.caller.verify(&documents[*name]).await;
        assert!(done.status.is_success(), "{}", done.body);
        seen.push((done.body["id"].as_str().unwrap().to_owned(), done.body["verdict"].clone()));
    }
    seen
}

async fn assert_readable(caller: &Caller, seen: &Seen) {
    for (id, verdict) in seen {
        let read = caller.get(&format!("/v1/verifications/{id}?expand=evidence,comparison")).await;
        assert_eq!((read.status.as_u16(), &read.body["verdict"]), (200, verdict), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_sealed_in_one_suite_is_read_and_added_to_in_the_other() {
    let mut system = system().await;
    let config = system.files.config.clone();
    let registered =
        system.caller.post("/v1/authorisations", &registration(&requests(system.folder.path())["C01"]), &[]).await;
    let mut seen = verified(&system, &["C01", "C08"]).await;
    for (suite, name) in [("sm", "C02"), ("intl", "C13")] {
        let text = std::fs::read_to_string(&config).unwrap().replace("suite = \"sm\"\n", "");
        std::fs::write(&config, text).unwrap();
        choose_suite(&config, suite);
        system = system.restart().await;
        assert_readable(&system.caller, &seen).await;
        seen.extend(verified(&system, &[name]).await);
        assert_readable(&system.caller, &seen).await;
    }
    let path = format!("/v1/authorisations/{}", registered.body["id"].as_str().unwrap());
    assert_eq!(system.caller.get(&path).await.body["household_digest"], registered.body["household_digest"]);
    let mut disk = database(&config).await;
    let forms: Vec<(String, i64)> =
        sqlx::query_as("SELECT hex(substr(wrapped_key, 1, 1)), count(*) FROM verification GROUP BY 1 ORDER BY 1")
            .fetch_all(&mut disk)
            .await
            .unwrap();
    assert_eq!(forms, [("01".to_owned(), 3), ("02".to_owned(), 1)], "each says the suite it is sealed in");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a43_a_former_sealing_key_can_be_taken_away_after_the_rewrap_and_not_before() {
    let system = system().await;
    let config = system.files.config.clone();
    let documents = requests(system.folder.path());
    let seen = verified(&system, &["C01", "C08"]).await;
    let erased = verified(&system, &["C02"]).await.remove(0).0;
    let told = run(&["case", "erase", &erased, "--reason", "order", "--config", &config.display().to_string()]).await;
    assert_eq!(told.0, 0, "{}", told.1);
    let by_person = json!({ "id_number": documents["C01"]["household"]["members"][0]["id_number"] });
    let found = |hub: &System| hub.caller.with_token(officer(&hub.files, "officer", "000000"));
    let before = found(&system).post("/v1/access-log:search", &by_person, &[]).await.body;
    let before = before["entries"].as_array().unwrap().len();
    assert!(before > 0);

    // The new key is given and the former one is not: the hub says which one it needs.
    give_second_key(&config);
    let both = std::fs::read_to_string(&config).unwrap();
    take_former_key_away(&config);
    let (code, told) = seal(&config, "rewrap").await;
    assert!(code == 1 && told.contains("restart the hub"), "the hub that runs has the former key still: {told}");
    let System { app, adapters, folder, files, .. } = system;
    app.stop().await;
    let refused = started(&config).await.err().unwrap();
    assert!(refused.contains("sealed under the key") && refused.contains("former_key_files"), "{refused}");
    let (code, told) = seal(&config, "rewrap").await;
    assert!(code == 1 && told.contains("former_key_files"), "{code} {told}");
    let (code, told) = seal(&config, "status").await;
    assert!(code == 1 && told.contains("\"is_given\":false"), "{told}");

    std::fs::write(&config, both).unwrap();
    let app = started(&config).await.unwrap();
    let caller = Caller::new(&files, app.address);
    let system = System { folder, files, adapters, app, caller };
    assert_readable(&system.caller, &seen).await;
    let newer = verified(&system, &["C13"]).await;
    let (code, told) = seal(&config, "rewrap").await;
    let progress = parsed(&told);
    assert_eq!(code, 0, "{told}");
    assert_eq!(progress["position"]["rewrapped"], 2, "two cases; the newer one is under the new key already: {told}");
    assert_eq!((&progress["position"]["unopened_count"], &progress["is_cleared"]), (&json!(0), &json!(true)), "{told}");
    assert_eq!(progress["retired"].as_array().unwrap().len(), 1, "{told}");
    let (code, again) = seal(&config, "rewrap").await;
    assert_eq!((code, &parsed(&again)["position"]["rewrapped"]), (0, &json!(0)), "once is enough: {again}");
    let told = told_of_keys(&system.app, "sealing_key/").await;
    assert!(told.len() == 2 && told[0].ends_with("/in_use") && told[1].ends_with("/retired"), "{told:?}");

    take_former_key_away(&config);
    std::fs::remove_file(config.with_file_name("keys").join("seal.key")).unwrap();
    let system = system.restart().await;
    assert_readable(&system.caller, &seen).await;
    assert_readable(&system.caller, &newer).await;
    assert_eq!(system.caller.get(&format!("/v1/verifications/{erased}")).await.status, 410, "erased stays erased");
    let after = found(&system).post("/v1/access-log:search", &by_person, &[]).await.body;
    let after = after["entries"].as_array().unwrap().len();
    assert!(after >= before, "entries of before are joined with the person: {after} of {before}");
    let store = system.app.verifications().store().clone();
    let row = store.verification(&erased).await.unwrap().unwrap();
    assert!(row.wrapped_key.iter().chain(&row.request).all(|byte| *byte == 0), "the rewrap brought nothing back");
    drop(store);
    let report = run(&["log", "verify", "--config", &config.display().to_string()]).await;
    assert_eq!(report.0, 0, "the log, whose key is derived, is the same log: {}", report.1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rewrap_that_was_killed_is_begun_again_and_every_case_opens_at_any_time() {
    let system = system().await;
    let config = system.files.config.clone();
    let seen = verified(&system, &["C01"]).await;
    let System { app, adapters, folder, files, .. } = system;
    app.stop().await;
    multiply(&config, &seen[0].0, 12_000).await;
    give_second_key(&config);
    let mut killed = 0;
    for delay in [20, 60, 110, 170, 240, 330] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hedui"));
        command.args(["--json", "seal", "rewrap", "--config", &config.display().to_string()]);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut child = command.spawn().unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(delay)).await;
        killed += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        let app = started(&config).await.unwrap();
        assert_readable(&Caller::new(&files, app.address), &seen).await;
        app.stop().await;
    }
    assert!(killed > 0, "some of them were killed under way");
    let (code, told) = seal(&config, "rewrap").await;
    let progress = parsed(&told);
    assert_eq!(code, 0, "{told}");
    assert_eq!(progress["position"]["seen"], 12_001, "{told}");
    let mut disk = database(&config).await;
    let keys: Vec<(String,)> = sqlx::query_as("SELECT DISTINCT hex(substr(wrapped_key, 2, 4)) FROM verification")
        .fetch_all(&mut disk)
        .await
        .unwrap();
    assert_eq!(keys.len(), 1, "everything is under one key: {keys:?}");
    disk.close().await.unwrap();
    take_former_key_away(&config);
    let app = started(&config).await.unwrap();
    assert_readable(&Caller::new(&files, app.address), &seen).await;
    app.stop().await;
    drop((adapters, folder));
}

/// Copies of one verification under ids of their own, which do not open as such: their keys are bound to the first one's
/// id. So each is wrapped for its own id here.
async fn multiply(config: &Path, id: &str, copies: u32) {
    use hedui::app::sealing_keys;
    use hedui::domain::clock::SystemRandomness;
    use hedui::seal::Sealer;
    let keys = sealing_keys(&Config::load(config).unwrap()).unwrap();
    let root = keys.first_root(keys.current()).unwrap();
    let sealer = Sealer::new(std::sync::Arc::new(keys), &root, std::sync::Arc::new(SystemRandomness));
    let mut disk = database(config).await;
    let mut transaction = disk.begin().await.unwrap();
    for number in 0..copies {
        let copy = format!("vf_copy{number:08}");
        let (_, wrapped) = sealer.new_data_key(&copy).unwrap();
        sqlx::query(
            "INSERT INTO verification (id, client_id, request_digest, opened_at, wrapped_key, request)
             SELECT $1, client_id, request_digest, opened_at, $2, x'00' FROM verification WHERE id = $3",
        )
        .bind(&copy)
        .bind(wrapped)
        .bind(id)
        .execute(&mut *transaction)
        .await
        .unwrap();
        sqlx::query("INSERT INTO outcome (verification_id, completed_at, body) VALUES ($1, 0, x'00')")
            .bind(&copy)
            .execute(&mut *transaction)
            .await
            .unwrap();
    }
    transaction.commit().await.unwrap();
    disk.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_body_that_was_moved_to_another_row_or_column_does_not_open() {
    let system = system().await;
    let config = system.files.config.clone();
    let seen = verified(&system, &["C01", "C08"]).await;
    let (one, other) = (&seen[0].0, &seen[1].0);
    for moved in [
        format!(
            "UPDATE outcome SET body = (SELECT body FROM outcome WHERE verification_id = '{other}') WHERE verification_id = '{one}'"
        ),
        format!(
            "UPDATE outcome SET body = (SELECT request FROM verification WHERE id = '{one}') WHERE verification_id = '{one}'"
        ),
        format!(
            "UPDATE verification SET wrapped_key = (SELECT wrapped_key FROM verification WHERE id = '{other}') WHERE id = '{one}'"
        ),
    ] {
        let mut disk = database(&config).await;
        let mut transaction = disk.begin().await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
            "CREATE TABLE kept AS SELECT v.wrapped_key, o.body FROM verification v, outcome o WHERE v.id = '{one}' AND o.verification_id = '{one}'; {moved};"
        )))
        .execute(&mut *transaction)
        .await
        .unwrap();
        transaction.commit().await.unwrap();
        let read = system.caller.get(&format!("/v1/verifications/{one}")).await;
        assert!(
            read.status.is_server_error() && read.body["verdict"].is_null(),
            "{moved}: {} {}",
            read.status,
            read.body
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
            "UPDATE verification SET wrapped_key = (SELECT wrapped_key FROM kept) WHERE id = '{one}';
             UPDATE outcome SET body = (SELECT body FROM kept) WHERE verification_id = '{one}'; DROP TABLE kept;"
        )))
        .execute(&mut disk)
        .await
        .unwrap();
        disk.close().await.unwrap();
        assert_readable(&system.caller, &seen).await;
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_sealed_nothing_here_does_not_start_on_a_database_of_before_keys_were_noted() {
    let system = system().await;
    let config = system.files.config.clone();
    let seen = verified(&system, &["C01"]).await;
    let System { app, adapters, folder, files, .. } = system;
    app.stop().await;
    let mut disk = database(&config).await;
    sqlx::raw_sql("DELETE FROM sealing_key; DELETE FROM pseudonym_root;").execute(&mut disk).await.unwrap();
    disk.close().await.unwrap();
    let first = std::fs::read_to_string(&config).unwrap();
    give_second_key(&config);
    take_former_key_away(&config);
    let refused = started(&config).await.err().unwrap();
    assert!(refused.contains("does not open"), "{refused}");
    std::fs::write(&config, first).unwrap();
    give_second_key(&config);
    let app = started(&config).await.unwrap();
    assert_readable(&Caller::new(&files, app.address), &seen).await;
    app.stop().await;
    let (code, told) = seal(&config, "rewrap").await;
    assert_eq!((code, &parsed(&told)["position"]["rewrapped"]), (0, &json!(1)), "{told}");
    drop((adapters, folder));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_with_a_wrapped_key_is_rewrapped() {
    let system = system().await;
    let mut disk = database(&system.files.config).await;
    let mut tables: Vec<String> = sqlx::query_scalar(
        "SELECT t.name FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table' AND c.name = 'wrapped_key'",
    )
    .fetch_all(&mut disk)
    .await
    .unwrap();
    let mut known: Vec<&str> = hedui::store::SealedTable::ALL.iter().map(|table| table.name()).collect();
    known.push("pseudonym_root");
    tables.sort();
    known.sort_unstable();
    assert_eq!(tables, known, "name the table in `store::SealedTable`, or its rows stay under a former key");
    disk.close().await.unwrap();
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a43_the_log_goes_on_under_another_key_and_its_old_part_still_verifies() {
    let system = system().await;
    let config = system.files.config.clone();
    let seen = verified(&system, &["C01"]).await;
    let System { app, adapters, folder, files, .. } = system;
    app.stop().await;
    let former = head_key(&config).await;
    let old_anchor = folder.path().join("old.checkpoint");
    std::fs::copy(folder.path().join("anchor/access-log.checkpoint"), &old_anchor).unwrap();
    let key = folder.path().join("keys/log.key").display().to_string();
    let made = run(&["log", "keygen", "--name", "hub.hedui.invalid/trial", "--out", &key]).await;
    assert_eq!(made.0, 0, "{}", made.1);
    let current = std::fs::read_to_string(format!("{key}.pub")).unwrap().trim().to_owned();
    change_settings(&config, &[("origin = \"hub.hedui.invalid/trial\"", "key_file = \"keys/log.key\"".to_owned())]);
    let refused = started(&config).await.err().unwrap();
    assert!(refused.contains("former_keys"), "{refused}");
    let named = format!("key_file = \"keys/log.key\"\nformer_keys = [\"{former}\"]");
    change_settings(&config, &[("key_file = \"keys/log.key\"", named)]);
    let app = started(&config).await.unwrap();
    let told = told_of_keys(&app, "log_key/").await;
    assert!(told.len() == 1 && told[0].ends_with("/in_use"), "{told:?}");
    assert_readable(&Caller::new(&files, app.address), &seen).await;
    app.stop().await;
    let app = started(&config).await.unwrap();
    assert_eq!(told_of_keys(&app, "log_key/").await.len(), 1, "it is told once");
    app.stop().await;
    assert_eq!(head_key(&config).await, current);

    let store = folder.path().join("hedui.sqlite").display().to_string();
    let anchor = old_anchor.display().to_string();
    let verify = async |more: &[&str]| {
        run(&[&["--json", "log", "verify", "--store", &store, "--anchor", &anchor], more].concat()).await
    };
    let (code, told) = verify(&["--vkey", &current, "--former-vkey", &former]).await;
    let report = parsed(&told);
    assert_eq!((code, &report["is_intact"]), (0, &json!(true)), "{told}");
    assert_eq!(report["key_changes"][0]["former"], former, "{told}");
    assert_eq!(report["key_changes"][0]["current"], current, "{told}");
    assert_eq!(verify(&["--vkey", &former]).await.0, 1, "the former key signs no head any more");
    assert_eq!(verify(&["--vkey", &former, "--former-vkey", &current]).await.0, 1);
    assert_eq!(verify(&["--vkey", &current]).await.0, 1, "the old anchor alone says nothing without its key");
    let stranger = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    assert_eq!(verify(&["--vkey", stranger, "--former-vkey", &former]).await.0, 1);
    let (code, told) = run(&["log", "verify", "--config", &config.display().to_string()]).await;
    assert!(code == 0 && told.contains("gave way"), "{told}");

    // Without the entry that tells of the change, the former key is worth nothing.
    let mut disk = database(&config).await;
    let log = LogReader::open(Path::new(&store)).await.unwrap();
    let size = log.size().await.unwrap();
    log.close().await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "UPDATE access_event SET body = replace(body, 'log_key/', 'log_kex/') WHERE position < {size}"
    )))
    .execute(&mut disk)
    .await
    .unwrap();
    disk.close().await.unwrap();
    let (code, told) = verify(&["--vkey", &current, "--former-vkey", &former]).await;
    assert!(code == 1 && told.contains("key_change_missing") && told.contains("altered"), "{told}");
    drop((adapters, folder));
}

/// The public key that the log names.
async fn head_key(config: &Path) -> String {
    let log = LogReader::open(&config.with_file_name("hedui.sqlite")).await.unwrap();
    let key = log.head().await.unwrap().unwrap().key;
    log.close().await;
    key
}
