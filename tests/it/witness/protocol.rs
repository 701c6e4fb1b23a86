//! C2SP `tlog-witness` over the wire: the scenarios that other implementations test (azul, litewitness), the
//! race of the specification, and kills.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use hedui::config::WitnessConfig;
use hedui::tlog::Hash;
use hedui::tlog::checkpoint::Checkpoint;
use hedui::tlog::note::{KeyKind, SignerKey};
use hedui::tlog::witness::{AddCheckpoint, read_answer, read_conflict};
use reqwest::Client;
use tempfile::TempDir;

use super::{LOG, Toy, configure, start, witness_key};

/// An answer: status, content type, body.
type Told = (u16, String, Vec<u8>);

/// A client that takes a fresh connection each time: one on which too much was sent is closed by the witness, at a moment
/// that a kept connection would learn of too late.
fn unpooled() -> Client {
    Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap()
}

async fn post(http: &Client, url: &str, body: impl Into<reqwest::Body>) -> Option<Told> {
    let response = http.post(format!("{url}/add-checkpoint")).body(body).send().await.ok()?;
    let status = response.status().as_u16();
    let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    Some((status, kind.unwrap_or_default(), response.bytes().await.ok()?.to_vec()))
}

#[tokio::test(flavor = "multi_thread")]
async fn t2_the_scenarios_of_other_witnesses() {
    let (folder, toy, http) = (TempDir::new().unwrap(), Toy::new(), unpooled());
    let config = configure(folder.path(), "127.0.0.1:0", None, &[toy.key.verifier()]);
    let server = start(&config);
    let url = format!("http://{}/w", server.address);
    let ask = async |body: String| post(&http, &url, body).await.unwrap();
    let status = async |body: String| ask(body).await.0;
    let page = async || http.get(format!("{url}/")).send().await.unwrap().text().await.unwrap();
    // It says who it is and what it witnesses.
    let identity = page().await;
    assert!(identity.starts_with(&witness_key().verifier().to_string()) && identity.contains(LOG), "{identity}");
    // The first checkpoint, and the next one: each answered with the cosignature on it.
    for (old, new) in [(0, 1), (1, 2)] {
        let (status, _, body) = ask(toy.request(old, new)).await;
        assert_eq!(status, 200);
        let text = String::from_utf8(body).unwrap();
        assert!(text.starts_with("— ") && text.ends_with('\n'), "{text}");
        read_answer(&text, &toy.checkpoint(new), witness_key().verifier()).unwrap();
    }
    // An old size that is not the one cosigned: the right one is told.
    for old in [0, 1, 3] {
        let (status, kind, body) = ask(toy.request(old, 4)).await;
        assert_eq!((status, kind.as_str(), read_conflict(&body)), (409, "text/x.tlog.size", Some(2)), "from {old}");
    }
    // An unknown log; a stranger's signature; the log's name and id on a signature that is not the log's.
    let foreign = SignerKey::from_seed("unknown.example/log", KeyKind::Log, &[8; 32]).unwrap();
    let unknown = Checkpoint::new("unknown.example/log", 1, Hash::leaf(b"x")).sign(&foreign, 0).to_string();
    assert_eq!(status(AddCheckpoint { old: 0, proof: Vec::new(), checkpoint: unknown }.to_string()).await, 404);
    let stranger = Toy { key: SignerKey::from_seed(LOG, KeyKind::Log, &[9; 32]).unwrap(), ..Toy::new() };
    assert_eq!(status(stranger.request(2, 4)).await, 403);
    let other = toy.key.sign("another text\n", 0).to_string();
    let spoilt = toy
        .request(2, 4)
        .lines()
        .map(|line| if line.starts_with("— ") { &other } else { line }.to_owned() + "\n")
        .collect();
    assert_eq!(status(spoilt).await, 403);
    // Signatures of strangers beside the log's are nothing to a witness.
    let beside = toy.request(2, 4) + &foreign.sign("x", 0).to_string() + "\n";
    // A proof that does not fit, is missing, or is too long.
    let checkpoint = toy.checkpoint(5).to_string();
    for proof in [vec![Hash::from_slice(&[0; 32]).unwrap(); toy.proof(2, 5).len()], Vec::new(), toy.proof(1, 5)] {
        let request = AddCheckpoint { old: 2, proof, checkpoint: checkpoint.clone() };
        assert_eq!(status(request.to_string()).await, 422);
    }
    let many = AddCheckpoint { old: 2, proof: vec![Hash::leaf(b"x"); 64], checkpoint: checkpoint.clone() };
    assert_eq!(status(many.to_string()).await, 400);
    // Backwards; and what is no request.
    let backwards = AddCheckpoint { old: 999, proof: Vec::new(), checkpoint: toy.checkpoint(1).to_string() };
    assert_eq!(status(backwards.to_string()).await, 400);
    for malformed in [
        String::new(),
        "old 0\n".to_owned(),
        format!("old 02\n\n{checkpoint}"),
        format!("OLD 2\n\n{checkpoint}"),
        format!("old 2\n{checkpoint}"),
        format!("old 2\nAAAA\n\n{checkpoint}"),
        format!("old -2\n\n{checkpoint}"),
        format!("old 2\r\n\r\n{checkpoint}"),
        "<html>\n\n</html>".to_owned(),
    ] {
        assert_eq!(status(malformed.clone()).await, 400, "{malformed}");
    }
    let (status_of_garbage, ..) = post(&http, &url, vec![0xff_u8; 100]).await.unwrap();
    assert_eq!(status_of_garbage, 400);
    assert_eq!(status("x".repeat(1024 * 1024)).await, 413);
    // None of it changed what is cosigned, and the log goes on.
    assert!(page().await.contains(&format!("{LOG}\n2\n")));
    assert_eq!(status(beside).await, 200);
    // The same head again; another history of the same size, and from the same size on.
    assert_eq!(status(toy.request(4, 4)).await, 200);
    let (fork, kind, body) = ask(Toy::forked(3).request(4, 4)).await;
    assert_eq!((fork, kind.as_str(), read_conflict(&body)), (409, "text/x.tlog.size", Some(4)));
    assert_eq!(status(Toy::forked(3).request(4, 9)).await, 422);
    // Only this is served, and only so.
    assert_eq!(http.get(format!("{url}/add-checkpoint")).send().await.unwrap().status(), 405);
    assert_eq!(http.get(format!("http://{}/", server.address)).send().await.unwrap().status(), 404);
    // All of it survives a restart.
    server.stop().await;
    let server = start(&config);
    let url = format!("http://{}/w", server.address);
    assert_eq!(post(&http, &url, toy.request(2, 9)).await.unwrap().0, 409);
    assert_eq!(post(&http, &url, toy.request(4, 9)).await.unwrap().0, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t2_of_two_histories_offered_at_the_same_time_one_is_cosigned() {
    let (folder, toy, http) = (TempDir::new().unwrap(), Toy::new(), unpooled());
    let server = start(&configure(folder.path(), "127.0.0.1:0", None, &[toy.key.verifier()]));
    let url = format!("http://{}/w", server.address);
    let mut old = 0;
    for round in 0..10_u64 {
        let mut offered = tokio::task::JoinSet::new();
        for number in 0..16_u64 {
            let new = old + 1 + (number + round) % 8;
            let teller = if number % 2 == 0 { Toy::new() } else { Toy::forked(old) };
            let (http, url, request) = (http.clone(), url.clone(), teller.request(old, new));
            offered.spawn(async move { (number, new, post(&http, &url, request).await.unwrap().0) });
        }
        let cosigned: Vec<_> = offered.join_all().await.into_iter().filter(|(.., status)| *status == 200).collect();
        assert_eq!(cosigned.len(), 1, "all went on from {old}");
        let (number, new, _) = cosigned[0];
        if number % 2 == 1 {
            // The fork won: it is what the witness holds the log to from now on, and the truth is refused.
            assert_eq!(post(&http, &url, toy.request(new, new + 1)).await.unwrap().0, 422);
            break;
        }
        old = new;
    }
    server.stop().await;
}

/// A witness in a process of its own.
fn spawn(config: &Path) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hedui"))
        .args(["witness", "serve", "--json", "--config", config.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let told: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(told["vkey"], witness_key().verifier().to_string());
    (child, told["url"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn t3_a_killed_witness_has_forgotten_nothing_that_it_cosigned() {
    let (folder, toy) = (TempDir::new().unwrap(), Toy::new());
    let config = configure(folder.path(), "127.0.0.1:0", None, &[toy.key.verifier()]);
    let (mut cosigned, mut size) = (0, 0);
    for round in 0..12_u64 {
        let (mut child, url) = spawn(&config);
        let http = unpooled();
        // What the witness kept is at least what it answered, and not more than it was offered.
        let (status, _, body) = post(&http, &url, toy.request(0, size + 1)).await.unwrap();
        let kept = if status == 200 { 0 } else { read_conflict(&body).unwrap() };
        assert!(kept >= cosigned && kept <= size, "kept {kept}, cosigned {cosigned}, offered {size}");
        size = if status == 200 { size + 1 } else { kept };
        cosigned = size;
        let killer = tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_micros(700 * round)).await;
            child.kill().unwrap();
            child.wait().unwrap();
        });
        while size < 250 {
            size += 1;
            match post(&http, &url, toy.request(size - 1, size)).await {
                Some((200, ..)) => cosigned = size,
                Some((status, ..)) => panic!("{status} for {size}"),
                None => break,
            }
        }
        killer.await.unwrap();
    }
    assert!(cosigned > 0);
}

#[test]
fn a_witness_is_configured_safely_or_not_at_all() {
    let folder = TempDir::new().unwrap();
    let key = Toy::new();
    for (line, instead, told) in [
        ("address = \"127.0.0.1:0\"", "address = \"0.0.0.0:0\"", "must be loopback"),
        ("prefix = \"/w\"", "prefix = \"w\"", "`prefix`"),
        ("prefix = \"/w\"", "prefix = \"/w/../x\"", "`prefix`"),
        ("prefix = \"/w\"", "prefix = \"/{w}\"", "`prefix`"),
        ("prefix = \"/w\"", "certificate = \"x.pem\"", "both"),
        ("prefix = \"/w\"", "surprise = true", "surprise"),
    ] {
        let file = configure(folder.path(), "127.0.0.1:0", None, &[key.key.verifier()]);
        crate::hub::change_settings(&file, &[(line, instead.to_owned())]);
        let error = WitnessConfig::load(&file).unwrap_err().to_string();
        assert!(error.contains(told), "{instead}: {error}");
    }
    for (logs, told) in [("[]", "no log is named"), ("[\"x\"]", "`x`"), ("[\"\"]", "not a public log key")] {
        let file = configure(folder.path(), "127.0.0.1:0", None, &[]);
        crate::hub::change_settings(&file, &[("logs = []", format!("logs = {logs}"))]);
        let output = Command::new(env!("CARGO_BIN_EXE_hedui"))
            .args(["witness", "serve", "--config", file.to_str().unwrap()])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(3), "{logs}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(told), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn witness_keygen_makes_a_key_that_cosigns() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("w.key");
    let arguments = ["witness", "keygen", "--name", "witness.example/w2", "--out", file.to_str().unwrap()];
    let made = Command::new(env!("CARGO_BIN_EXE_hedui")).args(arguments).output().unwrap();
    assert!(made.status.success());
    let key = SignerKey::parse(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!((key.verifier().kind(), key.verifier().name()), (KeyKind::Witness, "witness.example/w2"));
    assert_eq!(String::from_utf8(made.stdout).unwrap().trim(), key.verifier().to_string());
}
