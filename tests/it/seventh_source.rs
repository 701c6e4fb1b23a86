//! A seventh source joins with files only: a catalogue entry, a connector, a line of configuration.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::hub::{Setup, System, append_adapters, listed, requests, root, serve_connector};

/// The shipped catalogue and the fixture's entries.
fn catalogue(folder: &std::path::Path) -> std::path::PathBuf {
    let shipped = std::fs::read_to_string(root().join("schemas/catalogue.toml")).unwrap();
    let seventh = std::fs::read_to_string(root().join("tests/fixtures/seventh_source/catalogue.toml")).unwrap();
    let file = folder.join("catalogue.toml");
    std::fs::write(&file, format!("{shipped}\n{seventh}")).unwrap();
    file
}

/// A store of the disabled persons' federation that holds one certificate.
async fn store(folder: &std::path::Path, id_number: &str, name: &str) -> String {
    let schema = std::fs::read_to_string(root().join("tests/fixtures/seventh_source/schema.sql")).unwrap();
    let file = folder.join("disabled_persons.sqlite");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let pool = sqlx::sqlite::SqlitePool::connect_with(options).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(schema)).execute(&pool).await.unwrap();
    let insert = "INSERT INTO 持证残疾人 (残疾人证号, 身份证号, 姓名, 残疾类别, 残疾等级, 证件状态, 更新时间) VALUES ($1 || '42', $1, $2, '肢体', '二级', '正常', '2025-01-09 16:20:00')";
    sqlx::query(insert).bind(id_number).bind(name).execute(&pool).await.unwrap();
    pool.close().await;
    format!("sqlite://{}", file.display())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seventh_source_needs_files_only_and_changes_the_verdict() {
    let extra = TempDir::new().unwrap();
    let setup = Setup { own_packs: true, catalogue: Some(catalogue(extra.path())), ..Setup::default() };
    let mut system = System::start(setup, listed()).await;
    // C34: a member with a disability of grade 2; nobody declares it any more.
    let mut document = requests(system.folder.path())["C34"].clone();
    for member in document["declaration"]["members"].as_array_mut().unwrap() {
        member["disability"] = Value::Null;
    }
    let before = system.caller.verify(&document).await;
    assert_eq!(before.body["verdict"]["member_outcomes"], json!([]), "{}", before.body);
    assert_eq!(before.department("disabled_persons"), "not_connected");

    let member = &document["household"]["members"][2];
    let url = store(extra.path(), member["id_number"].as_str().unwrap(), member["name"].as_str().unwrap()).await;
    let connector = root().join("tests/fixtures/seventh_source/connector.toml");
    let running = serve_connector(&connector, &url, &system.files).await;
    append_adapters(&system.files.config, &[("disabled_persons", running.addr())], "1500ms");
    system = system.restart().await;

    let after = system.caller.verify(&document).await;
    assert_eq!(after.department("disabled_persons"), "answered", "{}", after.body);
    let outcome = &after.body["verdict"]["member_outcomes"][0];
    assert_eq!((&outcome["member_id"], &outcome["circle"]), (&json!("m3"), &json!("DIBAO_SINGLE")), "{}", after.body);
    running.stop().await;
    system.stop().await;
}
