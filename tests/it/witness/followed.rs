//! A hub whose log is followed by a witness: cosigned heads are shown, kept and verified; a witness that is away
//! is told of and in the end holds new requests up; one that knows another history stops the log.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use hedui::app::witness::WitnessServer;
use hedui::app::{App, log_key};
use hedui::cli::Lang;
use hedui::config::Config;
use hedui::domain::clock::SystemRandomness;
use hedui::seal::Sealer;
use hedui::store::LogReader;
use hedui::tlog::checkpoint::SignedCheckpoint;
use hedui::tlog::note::{SignerKey, VerifierKey};
use serde_json::Value;

use super::{configure, start, witness_key};
use crate::access_log::independent_verifier;
use crate::hub::{Setup, System, listed, metrics, officer, requests};

/// The public key of a hub's log.
fn hub_key(config: &Path) -> VerifierKey {
    let config = Config::load(config).unwrap();
    let seal = std::fs::read_to_string(&config.seal.key_file).unwrap();
    let sealer = Sealer::from_hex(&seal, std::sync::Arc::new(SystemRandomness)).unwrap();
    log_key(&config, &sealer).unwrap().verifier().clone()
}

/// A hub that has answered nobody yet, and a witness beside it. The anchor is left out, so that only the witness
/// can know better.
struct Pair {
    system: System,
    witness: PathBuf,
    unwitnessed: String,
}

impl Pair {
    async fn new() -> Self {
        let system = System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await;
        let folder = system.folder.path().join("witness");
        let key = hub_key(&system.files.config);
        let witness = configure(&folder, "127.0.0.1:0", Some(&system.files.keys), &[&key]);
        let text = std::fs::read_to_string(&system.files.config).unwrap();
        let text = text.replace("anchor = \"anchor/access-log.checkpoint\"\n", "witness_every = \"20ms\"\n");
        std::fs::write(&system.files.config, &text).unwrap();
        Self { system, witness, unwitnessed: text }
    }

    /// Has the hub offer its heads to a witness at this address, from its next start on.
    fn offer_to(&self, address: SocketAddr) {
        let entry = format!(
            "\n[[access_log.witness]]\nkey = \"{}\"\nurl = \"https://{address}/w\"\nca = \"keys/ca.pem\"\n",
            witness_key().verifier()
        );
        std::fs::write(&self.system.files.config, format!("{}{entry}", self.unwitnessed)).unwrap();
    }

    /// Starts the witness and restarts the hub with it.
    async fn followed() -> (Self, WitnessServer) {
        let pair = Self::new().await;
        let server = start(&pair.witness);
        pair.offer_to(server.address);
        (pair.restart().await, server)
    }

    async fn restart(self) -> Self {
        Self { system: self.system.restart().await, ..self }
    }

    fn database(&self) -> PathBuf {
        self.system.folder.path().join("hedui.sqlite")
    }

    async fn verify(&self, name: &str) -> reqwest::StatusCode {
        self.system.caller.verify(&requests(self.system.folder.path())[name]).await.status
    }

    /// Stops the hub and leaves its files.
    async fn stop(self) -> Stopped {
        let database = self.database();
        let System { app, folder, files, adapters, .. } = self.system;
        app.stop().await;
        for beside in ["-wal", "-shm"] {
            drop(std::fs::remove_file(format!("{}{beside}", database.display())));
        }
        Stopped { database, config: files.config, _kept: (folder, adapters.into_values().collect()) }
    }
}

struct Stopped {
    database: PathBuf,
    config: PathBuf,
    _kept: (tempfile::TempDir, Vec<crate::hub::Department>),
}

impl Stopped {
    async fn start(&self) -> Result<App, String> {
        App::start(&Config::load(&self.config).unwrap(), metrics()).await.map_err(|error| error.to_string())
    }

    /// What the witness keeps as the newest head.
    async fn cosigned(&self) -> u64 {
        cosigned(&self.database).await
    }

    fn evidence(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.database.parent().unwrap()).unwrap().flatten();
        let files = files.map(|file| file.path());
        let evidence = files.filter(|file| file.to_string_lossy().contains("hedui.sqlite.evidence.other-history-"));
        evidence.map(|file| std::fs::read_to_string(file).unwrap()).collect()
    }
}

async fn cosigned(database: &Path) -> u64 {
    let log = LogReader::open(database).await.unwrap();
    let size = log.cosigned().await.unwrap().first().map_or(0, |row| row.size);
    log.close().await;
    size
}

/// Asks until the answer is the awaited one.
async fn until<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asked = async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), asked).await.expect("it comes in time")
}

fn hedui(arguments: &[&str], lang: Lang) -> Output {
    let lang = if lang == Lang::Zh { "zh" } else { "en" };
    Command::new(env!("CARGO_BIN_EXE_hedui")).args(arguments).env("HEDUI_LANG", lang).output().unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test(flavor = "multi_thread")]
async fn t2_the_head_is_cosigned_shown_kept_and_verified() {
    let (pair, server) = Pair::followed().await;
    assert!(pair.verify("C01").await.is_success());
    let officer = pair.system.caller.with_token(officer(&pair.system.files, "officer-1", "000000"));
    let get = async |path: &str| {
        let request = officer.http.get(format!("{}{path}", officer.base)).bearer_auth(&officer.token);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let (log, keys) = (hub_key(&pair.system.files.config), [witness_key().verifier().clone()]);
    let shown = until(async || {
        let (status, text) = get("/v1/access-log/checkpoint?cosigned=true").await;
        assert_eq!(status, 200, "{text}");
        let head = SignedCheckpoint::open(text.as_bytes(), &log).unwrap();
        (head.checkpoint().size >= 2).then_some(head)
    })
    .await;
    assert_eq!(shown.witnesses(&keys).unwrap().len(), 1);
    let (status, newest) = get("/v1/access-log/checkpoint").await;
    assert_eq!(status, 200);
    assert!(SignedCheckpoint::open(newest.as_bytes(), &log).unwrap().checkpoint().size >= shown.checkpoint().size);
    assert_eq!(get("/v1/access-log/checkpoint?cosigned=perhaps").await.0, 400);
    let measured = pair.system.monitor("/metrics").await.1;
    assert!(measured.contains("hedui_access_log_cosigned_entries{witness=\"witness.example/w1\"}"), "{measured}");
    // What was recorded last is cosigned before the hub is gone.
    let stopped = pair.stop().await;
    let (store, vkey, witness) = (stopped.database.display().to_string(), log.to_string(), keys[0].to_string());
    let verify = ["log", "verify", "--complete", "--store", &store, "--vkey", &vkey, "--witness", &witness];
    let good = hedui(&verify, Lang::En);
    assert!(good.status.success(), "{}", told(&good));
    let entries = stopped.cosigned().await;
    assert!(told(&good).contains(&format!("cosigned {entries} entries at 20")), "{}", told(&good));
    assert!(told(&good).contains(&format!("{entries} covered by the signed head")), "{}", told(&good));
    let zh = hedui(&verify, Lang::Zh);
    assert!(told(&zh).contains(&format!("联署，覆盖 {entries} 条")), "{}", told(&zh));
    let stranger = SignerKey::from_seed("witness.example/w1", hedui::tlog::note::KeyKind::Witness, &[9; 32]).unwrap();
    let stranger = stranger.verifier().to_string();
    let absent = hedui(&["log", "verify", "--store", &store, "--vkey", &vkey, "--witness", &stranger], Lang::En);
    assert_eq!(absent.status.code(), Some(1));
    assert!(told(&absent).contains("[not_cosigned]"), "{}", told(&absent));
    // Taken out, it satisfies a verifier in another language; without the cosignature it does not.
    let out = stopped.database.with_file_name("export").display().to_string();
    let exported = hedui(&["log", "export", "--store", &store, "--vkey", &vkey, "--out", &out], Lang::En);
    assert!(exported.status.success(), "{}", told(&exported));
    let checkpoint = Path::new(&out).join("checkpoint");
    let cosigned = std::fs::read(&checkpoint).unwrap();
    assert_eq!(SignedCheckpoint::open(&cosigned, &log).unwrap().witnesses(&keys).unwrap().len(), 1);
    if let Some(verifier) = independent_verifier() {
        let check = |witness: &str| Command::new(verifier).args([&out, &vkey, witness]).output().unwrap();
        assert!(check(&witness).status.success(), "{}", told(&check(&witness)));
        assert_eq!(check(&stranger).status.code(), Some(1));
        let kept = Path::new(&out).join(format!("witness/{}.checkpoint", keys[0].id()));
        let text = std::fs::read_to_string(&kept).unwrap();
        let mut altered = text.clone().into_bytes();
        let at = text.rfind(' ').unwrap() + 20;
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        std::fs::write(&kept, altered).unwrap();
        assert_eq!(check(&witness).status.code(), Some(1), "an altered cosignature");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a9_a_hub_restored_from_yesterday_does_not_start_while_its_witness_remembers() {
    let (pair, server) = Pair::followed().await;
    assert!(pair.verify("C01").await.is_success());
    let pair = pair.restart().await;
    let yesterday = std::fs::read(pair.database()).unwrap();
    assert!(pair.verify("C08").await.is_success());
    let stopped = pair.stop().await;
    let remembered = stopped.cosigned().await;
    let today = std::fs::read(&stopped.database).unwrap();
    std::fs::write(&stopped.database, yesterday).unwrap();
    let known = stopped.cosigned().await;
    assert!(known < remembered, "{known} {remembered}");
    let refused = stopped.start().await.err().expect("it does not start");
    assert!(refused.contains("witness.example/w1") && refused.contains("another history"), "{refused}");
    let evidence = stopped.evidence();
    assert_eq!(evidence.len(), 1);
    assert!(evidence[0].contains("409") && evidence[0].contains(&format!("\n{remembered}\n")), "{}", evidence[0]);
    // The right database is taken as it is.
    std::fs::write(&stopped.database, today).unwrap();
    let app = stopped.start().await.unwrap();
    app.stop().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_a_rewritten_log_is_stopped_by_the_witness_of_the_true_one() {
    let (pair, server) = Pair::followed().await;
    let pair = pair.restart().await;
    let before = std::fs::read(pair.database()).unwrap();
    assert!(pair.verify("C01").await.is_success());
    let stopped = pair.stop().await;
    let witnessed = std::fs::read_to_string(&stopped.config).unwrap();
    let truth = stopped.cosigned().await;
    // The log is taken back and goes on another way, longer than before, while nobody witnesses it.
    std::fs::write(&stopped.database, before).unwrap();
    let unwitnessed = witnessed.split("\n[[access_log.witness]]").next().unwrap();
    let (_, entry) = witnessed.split_at(unwitnessed.len());
    std::fs::write(&stopped.config, unwitnessed).unwrap();
    let app = stopped.start().await.unwrap();
    let store = app.verifications().store().clone();
    let events = (0..truth + 5).map(|number| crate::access_log::event(number, "lie")).collect();
    store.record_events(events).await.unwrap();
    drop(store);
    app.stop().await;
    assert!(stopped.evidence().is_empty());
    std::fs::write(&stopped.config, format!("{unwitnessed}{entry}")).unwrap();
    let refused = stopped.start().await.err().expect("it does not start");
    assert!(refused.contains("does not go on from"), "{refused}");
    let evidence = stopped.evidence();
    assert!(evidence.iter().any(|text| text.contains("422") && text.contains(&format!("old {truth}"))), "{evidence:?}");
    server.stop().await;
}

/// The witness comes back while the hub runs on a restored database.
#[tokio::test(flavor = "multi_thread")]
async fn a9_a_running_hub_stops_when_its_witness_comes_back_and_knows_better() {
    let (pair, server) = Pair::followed().await;
    assert!(pair.verify("C01").await.is_success());
    let pair = pair.restart().await;
    let yesterday = std::fs::read(pair.database()).unwrap();
    assert!(pair.verify("C08").await.is_success());
    assert!(pair.verify("C02").await.is_success());
    let Pair { system, witness, .. } = pair;
    let (address, folder) = (server.address, system.folder.path().to_owned());
    let System { app, adapters, files, folder: kept, .. } = system;
    app.stop().await;
    server.stop().await;
    for beside in ["-wal", "-shm"] {
        drop(std::fs::remove_file(folder.join(format!("hedui.sqlite{beside}"))));
    }
    std::fs::write(folder.join("hedui.sqlite"), yesterday).unwrap();
    let app = App::start(&Config::load(&files.config).unwrap(), metrics()).await.unwrap();
    let caller = crate::hub::Caller::new(&files, app.address);
    let documents = requests(&folder);
    assert!(caller.verify(&documents["C08"]).await.status.is_success(), "a witness that is away holds nothing up yet");
    crate::hub::change_settings(&witness, &[("127.0.0.1:0", address.to_string())]);
    let server = start(&witness);
    let refused = until(async || {
        let reply = caller.verify(&documents["C08"]).await;
        (!reply.status.is_success()).then_some(reply)
    })
    .await;
    assert_eq!(refused.status, 503, "{}", refused.body);
    assert_eq!(caller.get("/v1/verifications/vf_1").await.status, 503, "nothing is recorded, so nothing is told");
    app.stop().await;
    server.stop().await;
    drop((adapters, kept));
}

#[tokio::test(flavor = "multi_thread")]
async fn a54_a_witness_that_is_away_too_long_holds_up_new_requests() {
    let (pair, server) = Pair::followed().await;
    crate::hub::change_settings(
        &pair.system.files.config,
        &[("witness_every = \"20ms\"\n", "witness_every = \"20ms\"\nrefuse_after = \"0s\"\n".to_owned())],
    );
    let pair = pair.restart().await;
    assert!(pair.verify("C01").await.is_success());
    let address = server.address;
    server.stop().await;
    let accepted = async |accepted: bool| {
        let asked = async || {
            let status = pair.verify("C08").await;
            (status.is_success() == accepted).then_some(status)
        };
        until(asked).await
    };
    assert_eq!(accepted(false).await, 503);
    let measured = pair.system.monitor("/metrics").await.1;
    assert!(measured.contains("hedui_access_log_unwitnessed_seconds{witness=\"witness.example/w1\"}"), "{measured}");
    crate::hub::change_settings(&pair.witness, &[("127.0.0.1:0", address.to_string())]);
    let server = start(&pair.witness);
    accepted(true).await;
    pair.system.stop().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_says_what_is_wrong_with_a_witness_entry() {
    let pair = Pair::new().await;
    let text = pair.unwitnessed.clone();
    let good = witness_key().verifier().to_string();
    let log = hub_key(&pair.system.files.config).to_string();
    let stopped = pair.stop().await;
    for (key, url, ca, wrong) in [
        ("x", "https://127.0.0.1:1", "keys/ca.pem", "[[access_log.witness]] key `x`"),
        (&log, "https://127.0.0.1:1", "keys/ca.pem", "not the public key of a witness"),
        (&good, "http://127.0.0.1:1", "keys/ca.pem", "only https://"),
        (&good, "https://10.9.9.9:1", "keys/ca.pem", "[egress] allow"),
        (&good, "https://127.0.0.1:1/a/../b", "keys/ca.pem", "path plainly"),
        (&good, "https://127.0.0.1:1/w?x", "keys/ca.pem", "path plainly"),
        (&good, "https://127.0.0.1:1", "keys/none.pem", "keys/none.pem"),
    ] {
        let entry = format!("\n[[access_log.witness]]\nkey = \"{key}\"\nurl = \"{url}\"\nca = \"{ca}\"\n");
        std::fs::write(&stopped.config, format!("{text}{entry}")).unwrap();
        let error = stopped.start().await.err().expect("it does not start");
        assert!(error.contains(wrong), "{key} {url}: {error}");
    }
    std::fs::write(&stopped.config, text.replace("20ms", "2m")).unwrap();
    assert!(Config::load(&stopped.config).unwrap_err().to_string().contains("at most 60s"));
    // A witness that is away when the hub starts holds nothing up.
    let entry =
        format!("\n[[access_log.witness]]\nkey = \"{good}\"\nurl = \"https://127.0.0.1:1\"\nca = \"keys/ca.pem\"\n");
    std::fs::write(&stopped.config, format!("{text}{entry}")).unwrap();
    stopped.start().await.unwrap().stop().await;
}

/// A cosigned head in the store is checked like everything else there.
#[tokio::test(flavor = "multi_thread")]
async fn a8_an_altered_cosigned_head_is_found() {
    let (pair, server) = Pair::followed().await;
    assert!(pair.verify("C01").await.is_success());
    let stopped = pair.stop().await;
    let store = stopped.database.display().to_string();
    for (edit, code) in [
        ("UPDATE access_cosigned SET size = size - 1", "head_altered"),
        ("UPDATE access_cosigned SET checkpoint = replace(checkpoint, 'trial', 'tr1al')", "bad_signature"),
        ("UPDATE access_cosigned SET checkpoint = (SELECT checkpoint FROM access_head)", "bad_signature"),
    ] {
        let kept = std::fs::read(&stopped.database).unwrap();
        let pool = sqlx::sqlite::SqlitePool::connect(&format!("sqlite://{store}")).await.unwrap();
        sqlx::raw_sql(edit).execute(&pool).await.unwrap();
        pool.close().await;
        let bad = hedui(&["log", "verify", "--json", "--store", &store], Lang::En);
        assert_eq!(bad.status.code(), Some(1), "{edit}");
        let report: Value = serde_json::from_slice(&bad.stdout).unwrap();
        assert_eq!(report["faults"][0]["code"], code, "{report}");
        for beside in ["-wal", "-shm"] {
            drop(std::fs::remove_file(format!("{store}{beside}")));
        }
        std::fs::write(&stopped.database, kept).unwrap();
    }
    server.stop().await;
}
