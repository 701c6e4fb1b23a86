//! What comes of a file that changes and of golden tests at night, by a clock that is set.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use clap::Parser;
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::*;
use crate::clock::Clock;
use crate::ledger::Ledger;
use crate::secret::Secret;
use crate::serve::TlsPem;

#[derive(Parser)]
struct Serve {
    #[command(flatten)]
    args: ServeArgs,
}

/// An adapter that answers from the records of its golden tests, its keeper, a clock to set, and what it logs.
struct Kept {
    folder: tempfile::TempDir,
    running: Running,
    keeper: Keeper,
    now: Arc<Mutex<Timestamp>>,
    lines: Arc<Mutex<Vec<String>>>,
}

/// Half an hour before three in the morning in China.
const EVENING: &str = "2026-11-26T18:30:00Z";

impl Kept {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let seventh = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/seventh_source");
        for file in ["connector.toml", "schema.sql", "sample.sql"] {
            std::fs::copy(seventh.join(file), folder.path().join(file)).unwrap();
        }
        let (file, sample) = (folder.path().join("connector.toml"), folder.path().join("sample.sql"));
        let arguments = ["serve", file.to_str().unwrap(), "--simulate", sample.to_str().unwrap()];
        let args = Serve::parse_from(arguments).args;
        let now = Arc::new(Mutex::new(EVENING.parse().unwrap()));
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let told = Arc::clone(&now);
        let overrides = Overrides {
            ledger: Ledger::Kept(Arc::clone(&lines)),
            clock: Clock::new(move || *told.lock().unwrap()),
            ..Overrides::default()
        };
        let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let cert = key.cert.pem().into_bytes();
        let tls = TlsPem { cert: cert.clone(), key: key.signing_key.serialize_pem().into_bytes(), client_ca: cert };
        let serving = adapter(&args, overrides.clone()).await.unwrap();
        let running = serving.listen("127.0.0.1:0".parse().unwrap(), tls).await.unwrap();
        let golden_at = Time::constant(3, 0, 0, 0);
        let keeper = Keeper {
            id: "disabled_persons".to_owned(),
            seen: serving.connector().sha256.clone(),
            waits_since: None,
            night: next_night(EVENING.parse().unwrap(), golden_at),
            golden_at,
            args,
            overrides,
            style: Style { lang: Lang::Zh, json: false },
        };
        Self { folder, running, keeper, now, lines }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.file(name)).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(self.file(name), text.replace(from, to)).unwrap();
    }

    async fn look_at(&mut self, now: &str) {
        *self.now.lock().unwrap() = now.parse().unwrap();
        self.keeper.look(&self.running).await;
    }

    /// The events since they were last looked at.
    fn events(&self) -> Vec<Value> {
        let lines = std::mem::take(&mut *self.lines.lock().unwrap());
        lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[test]
fn the_night_is_at_its_hour_in_china_and_always_still_to_come() {
    let three = Time::constant(3, 0, 0, 0);
    for (now, at, night) in [
        ("2026-11-26T18:59:59Z", three, "2026-11-26T19:00:00Z"),
        ("2026-11-26T19:00:00Z", three, "2026-11-27T19:00:00Z"),
        ("2026-12-31T20:00:00Z", three, "2027-01-01T19:00:00Z"),
        ("2026-12-31T20:00:00Z", Time::constant(23, 30, 0, 0), "2027-01-01T15:30:00Z"),
    ] {
        assert_eq!(next_night(now.parse().unwrap(), at), night.parse::<Timestamp>().unwrap(), "{now}");
    }
}

#[tokio::test]
async fn golden_tests_run_once_a_night_and_a_failure_stays_told_until_they_pass() {
    let mut kept = Kept::start().await;
    kept.look_at("2026-11-26T18:59:58Z").await;
    assert_eq!(kept.events(), Vec::<Value>::new(), "not before its hour");
    kept.look_at("2026-11-26T19:00:00Z").await;
    kept.look_at("2026-11-26T19:00:02Z").await;
    let events = kept.events();
    assert_eq!(events.len(), 1, "once: {events:?}");
    let told = |event: &Value, of: &str| event[of].clone();
    assert_eq!([told(&events[0], "event"), told(&events[0], "occasion")], ["golden_tests", "night"]);
    assert_eq!([told(&events[0], "status"), told(&events[0], "at")], ["passed", "2026-11-26T19:00:00.000Z"]);
    assert_eq!(kept.running.vitals().trouble(), None);

    // What the tests rest on has changed under the adapter.
    kept.edit("sample.sql", "'肢体', '二级'", "'肢体', '三级'");
    kept.look_at("2026-11-27T19:00:00Z").await;
    let events = kept.events();
    assert_eq!(events[0]["status"], "failed", "{events:?}");
    let why = &events[0]["why"][0];
    assert!(why["zh"].as_str().unwrap().contains("不通过") && why["en"].as_str().unwrap().contains("fails"), "{why}");
    assert_eq!(kept.running.vitals().trouble(), Some("golden_test_failed"));

    kept.edit("sample.sql", "'肢体', '三级'", "'肢体', '二级'");
    kept.look_at("2026-11-28T19:00:00Z").await;
    assert_eq!((kept.events()[0]["status"].clone(), kept.running.vitals().trouble()), ("passed".into(), None));
}

#[tokio::test]
async fn a_file_whose_golden_tests_fail_is_not_taken_over_and_the_night_tries_the_one_that_runs() {
    let mut kept = Kept::start().await;
    kept.edit("connector.toml", "category = \"4\", grade = \"2\"", "category = \"4\", grade = \"3\"");
    kept.edit("connector.toml", "version = \"1.0.0\"", "version = \"1.1.0\"");
    kept.look_at(EVENING).await;
    let events = kept.events();
    assert_eq!((&events[0]["event"], &events[0]["status"]), (&"connector_file".into(), &"refused".into()));
    assert_eq!(events[0]["version"], "1.0.0", "what runs");
    let why = &events[0]["why"][0];
    assert!(why["zh"].as_str().unwrap().contains("仍用原来的"), "{why}");
    assert!(why["en"].as_str().unwrap().contains("the one before still is"), "{why}");
    assert_eq!(kept.running.version(), "1.0.0");
    assert_eq!(kept.running.vitals().trouble(), Some("connector_file_refused"));

    kept.look_at("2026-11-26T19:00:00Z").await;
    assert_eq!(kept.events()[0]["status"], "passed", "the file that runs is sound");
    assert_eq!(kept.running.vitals().trouble(), Some("connector_file_refused"));

    kept.edit("connector.toml", "category = \"4\", grade = \"3\"", "category = \"4\", grade = \"2\"");
    kept.look_at("2026-11-26T19:00:02Z").await;
    let events = kept.events();
    assert_eq!((&events[0]["status"], &events[0]["version"]), (&"taken_over".into(), &"1.1.0".into()));
    assert_eq!((kept.running.version().as_str(), kept.running.vitals().trouble()), ("1.1.0", None));
    assert_eq!(Connector::read(&kept.file("connector.toml")).unwrap().adapter.version, "1.1.0");
}

#[tokio::test]
async fn p7_nothing_that_a_golden_test_reads_is_logged() {
    let mut kept = Kept::start().await;
    // Somebody has put a real person's record there, and named the test after him.
    kept.edit("sample.sql", "'肢体', '二级'", "'肢体', '三级'");
    kept.edit("sample.sql", "'1,234.50'", "'5,678.90'");
    kept.edit("connector.toml", "有效的残疾人证", "150000198605021015 的残疾人证");
    kept.look_at(EVENING).await;
    let version = kept.running.connector().version();
    let refused = kept.running.vitals().status(version, String::new(), String::new()).file_refused;
    kept.look_at("2026-11-26T19:00:00Z").await;
    let events = kept.events();
    assert_eq!([&events[0]["status"], &events[1]["status"]], ["refused", "failed"]);
    let refused = refused.unwrap();
    for line in events.iter().map(Value::to_string).chain([refused.zh, refused.en]) {
        for read in ["150000198605021015", "巴图", "5678.90", "肢体", "grade"] {
            assert!(!line.contains(read), "{read} in {line}");
        }
        assert!(line.contains("hedui-adapter test"), "but how to see it: {line}");
    }
}

#[tokio::test]
async fn a_file_whose_source_is_away_is_tried_again_after_a_minute_of_the_clock_that_is_given() {
    let mut kept = Kept::start().await;
    let store = kept.file("store.sqlite");
    kept.keeper.args.simulate = None;
    kept.keeper.overrides.source_url = Some(Secret::new(format!("sqlite://{}", store.display())));
    kept.edit("connector.toml", "version = \"1.0.0\"", "version = \"1.1.0\"");
    kept.look_at(EVENING).await;
    assert_eq!(kept.events()[0]["status"], "refused");
    let options = SqliteConnectOptions::new().filename(&store).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    for name in ["schema.sql", "sample.sql"] {
        let text = std::fs::read_to_string(kept.file(name)).unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
    kept.look_at("2026-11-26T18:30:59Z").await;
    assert_eq!(kept.events(), Vec::<Value>::new(), "not yet");
    kept.look_at("2026-11-26T18:31:00Z").await;
    assert_eq!(kept.events()[0]["status"], "taken_over");
    assert_eq!((kept.running.version().as_str(), kept.running.vitals().trouble()), ("1.1.0", None));
}

#[tokio::test]
async fn tests_without_their_records_are_told_as_such() {
    let mut kept = Kept::start().await;
    for file in ["sample.sql", "schema.sql"] {
        std::fs::remove_file(kept.file(file)).unwrap();
    }
    kept.look_at("2026-11-26T19:00:00Z").await;
    assert_eq!(kept.events()[0]["status"], "without_records");
}
