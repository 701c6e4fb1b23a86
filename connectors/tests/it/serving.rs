//! `serve` and `status`: a running adapter takes a changed file over, says how it does, and rehearses trouble.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use connectors::keys::PrivateKey;
use connectors::protocol::{Manifest, Response, ResultStatus};
use rcgen::ExtendedKeyUsagePurpose;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::server::ParsedCertificate;

use crate::harness::{Authority, BATU, CERTIFICATE, Store, caller, executable, question, result, run, seventh};

/// An adapter that runs as a process, with certificates in files.
struct Process {
    child: Child,
    folder: PathBuf,
    url: String,
    ca: Authority,
    errors: Receiver<String>,
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Process {
    fn start(folder: &Path, file: &Path, more: &[&str]) -> Self {
        let ca = Authority::new("CA");
        let ((cert, key), (own, own_key)) =
            (ca.issue(ExtendedKeyUsagePurpose::ServerAuth), ca.issue(ExtendedKeyUsagePurpose::ClientAuth));
        for (name, pem) in
            [("ca.pem", ca.pem()), ("cert.pem", cert), ("key.pem", key), ("own.pem", own), ("own.key", own_key)]
        {
            std::fs::write(folder.join(name), pem).unwrap();
        }
        let path = |name: &str| folder.join(name).display().to_string();
        let (cert, key, ca_file) = (path("cert.pem"), path("key.pem"), path("ca.pem"));
        let mut arguments = vec!["serve", file.to_str().unwrap(), "--listen", "127.0.0.1:0"];
        if !more.contains(&"--hub-keys") {
            arguments.push("--accept-unsigned");
        }
        arguments.extend(["--cert", &cert, "--key", &key, "--client-ca", &ca_file]);
        arguments.extend(more);
        let mut child = executable(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (lines, errors) = channel();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let told = lines.clone();
        let (first, address) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                drop(first.send(line.clone()));
                drop(told.send(line));
            }
        });
        std::thread::spawn(move || {
            for line in BufReader::new(err).lines().map_while(Result::ok) {
                drop(lines.send(line));
            }
        });
        let line = address.recv_timeout(Duration::from_secs(30)).unwrap();
        let url = line.split_whitespace().find(|word| word.starts_with("https://")).unwrap();
        Self { child, folder: folder.to_owned(), url: url.trim_end_matches(':').to_owned(), ca, errors }
    }

    /// Waits for a line that holds this.
    fn says(&self, words: &str) -> String {
        let began = Instant::now();
        let mut seen = String::new();
        while began.elapsed() < Duration::from_secs(30) {
            let Ok(line) = self.errors.recv_timeout(Duration::from_secs(30)) else { break };
            if line.contains(words) {
                return line;
            }
            seen.push_str(&line);
        }
        panic!("{words} is not said in {seen}");
    }

    fn hub(&self) -> reqwest::Client {
        caller(&self.ca, Some(&self.ca)).build().unwrap()
    }

    async fn manifest(&self) -> Manifest {
        self.hub().get(format!("{}/v1/manifest", self.url)).send().await.unwrap().json().await.unwrap()
    }

    async fn health(&self) -> serde_json::Value {
        self.hub().get(format!("{}/v1/health", self.url)).send().await.unwrap().json().await.unwrap()
    }

    async fn ask(&self, number: &str, name: &str) -> reqwest::Response {
        let query = question(&[CERTIFICATE], &[(number, name)]);
        self.hub().post(format!("{}/v1/facts:query", self.url)).json(&query).send().await.unwrap()
    }

    fn status(&self, more: &[&str]) -> (i32, String, String) {
        let path = |name: &str| self.folder.join(name).display().to_string();
        let (cert, key, ca) = (path("own.pem"), path("own.key"), path("ca.pem"));
        let mut arguments = vec!["status", &self.url, "--cert", &cert, "--cert-key", &key, "--ca", &ca];
        arguments.extend(more);
        run(&arguments)
    }
}

/// A folder with the seventh source's file and fixtures.
fn department(folder: &Path) -> (PathBuf, String) {
    for file in ["schema.sql", "sample.sql"] {
        std::fs::copy(seventh().join(file), folder.join(file)).unwrap();
    }
    let text = std::fs::read_to_string(seventh().join("connector.toml")).unwrap();
    let file = folder.join("connector.toml");
    std::fs::write(&file, &text).unwrap();
    (file, text)
}

#[tokio::test]
async fn a_changed_file_is_taken_over_and_a_bad_one_leaves_the_old_one_in_use() {
    let store = Store::seventh().await;
    let (file, text) = department(store.folder.path());
    let url = store.url();
    let adapter = Process::start(store.folder.path(), &file, &["--source-url", &url]);
    assert_eq!(adapter.manifest().await.adapter.version, "1.0.0");

    std::fs::write(&file, text.replace("version = \"1.0.0\"", "version = \"1.1.0\"")).unwrap();
    adapter.says("version 1.1.0");
    assert_eq!(adapter.manifest().await.adapter.version, "1.1.0");

    for (from, to, says) in [
        ("[quota]", "[quotas]", "quotas"),
        ("FROM   持证残疾人", "FROM   没有的表", "no such table"),
        ("grade = \"2\"", "grade = \"3\"", "hedui-adapter test"),
        ("disabled_persons", "someone_else", "someone_else"),
    ] {
        std::fs::write(&file, text.replace(from, to).replace("version = \"1.0.0\"", "version = \"2.0.0\"")).unwrap();
        let line = adapter.says("file_refused");
        assert!(line.contains("is not used, the one before still is") && line.contains(says), "{says}: {line}");
        assert_eq!(adapter.manifest().await.adapter.version, "1.1.0", "{says}");
        let (code, out, _) = adapter.status(&["--lang", "zh"]);
        assert!(code == 1 && out.contains("仍用原来的"), "{out}");
        let health: serde_json::Value = adapter.health().await;
        assert_eq!((&health["status"], &health["trouble"]), (&"degraded".into(), &"connector_file_refused".into()));
    }
    // A file that is deployed without the records of its golden tests is taken over without them.
    std::fs::remove_file(file.with_file_name("sample.sql")).unwrap();
    std::fs::write(&file, text.replace("version = \"1.0.0\"", "version = \"1.2.0\"")).unwrap();
    adapter.says("version 1.2.0");
    let (code, out, err) = adapter.status(&[]);
    assert_eq!(code, 0, "{out}{err}");
}

#[tokio::test]
async fn a_running_adapter_says_how_it_does() {
    let store = Store::seventh().await;
    let (file, _) = department(store.folder.path());
    let url = store.url();
    let adapter = Process::start(store.folder.path(), &file, &["--source-url", &url]);
    for name in ["巴图", "巴图", "巴特尔"] {
        assert_eq!(adapter.ask(BATU, name).await.status(), 200);
    }
    let (code, out, err) = adapter.status(&[]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("3 answered, 0 refused, 0 failed; success 100.0%") && out.contains("4 passed, 0 failed"),
        "{out}"
    );
    assert!(out.contains("newest record of disabled_persons.certificate: 2025-01-09T16:20:00+08:00"), "{out}");
    let (_, out, _) = adapter.status(&["--json"]);
    let status: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(status["p95_ms"].as_u64().is_some() && status["source"] == "ok", "{status}");

    std::fs::rename(store.file(), store.folder.path().join("away")).unwrap();
    let answer = adapter.ask(BATU, "巴图").await.status().as_u16();
    let (code, out, _) = adapter.status(&["--lang", "zh"]);
    // SQLite goes on reading a file that was renamed under its open connections.
    assert!(answer == 200 && code == 0 || code == 1 && out.contains("check"), "{answer} {code} {out}");

    let path = |name: &str| store.folder.path().join(name).display().to_string();
    let (code, _, err) = run(&["status", &adapter.url, "--lang", "zh"]);
    assert!(code == 2 && err.contains("--cert-key"), "{err}");
    let nobody = "https://127.0.0.1:1";
    let (cert, key, ca) = (path("own.pem"), path("own.key"), path("ca.pem"));
    let (code, _, err) = run(&["status", nobody, "--cert", &cert, "--cert-key", &key, "--ca", &ca, "--lang", "zh"]);
    assert!(code == 3 && err.contains("adapter_unreachable") && err.contains("拒绝连接"), "{err}");
}

#[tokio::test]
async fn a_department_is_simulated_with_latency_and_errors() {
    let store = Store::empty();
    let (file, _) = department(store.folder.path());
    let sample = store.folder.path().join("sample.sql");
    let adapter = Process::start(
        store.folder.path(),
        &file,
        &["--simulate", sample.to_str().unwrap(), "--latency", "200ms", "--error", "50%"],
    );
    let mut failed = 0;
    for _ in 0..4 {
        let began = Instant::now();
        let answer = adapter.ask(BATU, "巴图").await;
        assert!(began.elapsed() >= Duration::from_millis(200));
        if answer.status() == 500 {
            failed += 1;
        } else {
            let response: Response = answer.json().await.unwrap();
            assert_eq!(result(&response, "m1", CERTIFICATE).status, ResultStatus::Ok);
        }
    }
    assert_eq!(failed, 2);
    // Somebody who could exist is not delayed and not failed.
    for _ in 0..4 {
        assert_eq!(adapter.ask("110101198605021018", "某").await.status(), 200);
    }
}

#[tokio::test]
async fn more_at_once_than_was_agreed_is_refused_at_once() {
    let store = Store::empty();
    let (file, text) = department(store.folder.path());
    let small = text.replace("per_second = 50", "per_second = 1").replace("burst = 100", "burst = 1");
    std::fs::write(&file, small).unwrap();
    let sample = store.folder.path().join("sample.sql");
    let adapter =
        Process::start(store.folder.path(), &file, &["--simulate", sample.to_str().unwrap(), "--latency", "1s"]);
    // One at once and one a second for the two seconds of the statement timeout are three.
    let answers = futures_util::future::join_all((0..8).map(|_| adapter.ask(BATU, "巴图"))).await;
    let (refused, answered): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status() == 429);
    assert_eq!((answered.len(), refused.len()), (3, 5));
    assert!(refused.iter().all(|answer| answer.headers().contains_key("retry-after")));
}

#[tokio::test]
async fn a_running_adapter_is_looked_at_from_outside() {
    let store = Store::seventh().await;
    let (file, text) = department(store.folder.path());
    let url = store.url();
    let adapter = Process::start(store.folder.path(), &file, &["--source-url", &url]);
    let path = |name: &str| store.folder.path().join(name).display().to_string();
    let (cert, key, ca) = (path("own.pem"), path("own.key"), path("ca.pem"));
    let conform = |more: &[&str]| {
        let mut arguments = vec!["conform", file.to_str().unwrap(), "--source-url", &url, "--level", "2"];
        arguments.extend(["--against", &adapter.url]);
        arguments.extend(more);
        run(&arguments)
    };
    let (code, out, err) = conform(&["--cert", &cert, "--cert-key", &key, "--ca", &ca]);
    assert!(code == 0 && out.contains("reaches L2"), "{out}{err}");
    let report = std::fs::read_to_string(store.folder.path().join("disabled_persons.conformance.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["against"], adapter.url.as_str());
    // The key of the certificate it showed, as the hub pins it.
    let certificate = CertificateDer::from_pem_file(path("cert.pem")).unwrap();
    let parsed = ParsedCertificate::try_from(&certificate).unwrap();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &parsed.subject_public_key_info());
    let pin = digest.as_ref().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    assert_eq!(report["certificate_key"], pin);

    // Another file than the one it runs from: a golden test that fails keeps it from being taken over.
    std::fs::write(&file, text.replace("grade = \"2\"", "grade = \"3\"")).unwrap();
    adapter.says("file_refused");
    let (code, out, _) = conform(&["--cert", &cert, "--cert-key", &key, "--ca", &ca]);
    assert!(code == 1 && out.contains("✗ L0-06") && out.contains("does not run from this file"), "{out}");

    let (code, _, err) = conform(&[]);
    assert!(code == 2 && err.contains("--cert"), "{err}");
    let stranger = Authority::new("CA");
    std::fs::write(store.folder.path().join("other.pem"), stranger.pem()).unwrap();
    let (code, out, _) = conform(&["--cert", &cert, "--cert-key", &key, "--ca", &path("other.pem"), "--lang", "zh"]);
    assert!(code == 1 && out.contains("✗ L0-05") && out.contains("还没有达到 L0（可达）"), "{out}");
}

#[tokio::test]
async fn an_adapter_that_tries_a_file_whose_source_does_not_answer_stops_when_it_is_told_to() {
    let store = Store::seventh().await;
    let (file, text) = department(store.folder.path());
    let place = store.folder.path().join("url");
    std::fs::write(&place, store.url()).unwrap();
    std::fs::set_permissions(&place, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let text = text.replace("url = { env = \"HEDUI_DISABLED_PERSONS_DATABASE\" }", "url = { file = \"url\" }");
    std::fs::write(&file, &text).unwrap();
    let mut adapter = Process::start(store.folder.path(), &file, &[]);
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    std::fs::write(&place, format!("mariadb://reader:x@{}/db", silent.local_addr().unwrap())).unwrap();
    std::fs::write(&file, text.replace("version = \"1.0.0\"", "version = \"1.1.0\"")).unwrap();
    // The rung of TCP, and the login that nobody answers.
    let _asked = [silent.accept().unwrap(), silent.accept().unwrap()];
    let id = adapter.child.id().to_string();
    let kill = |signal: &str| std::process::Command::new("kill").args([signal, &id]).status().unwrap().success();
    assert!(kill("-TERM"));
    let (tell, ended) = channel();
    std::thread::spawn(move || tell.send(adapter.child.wait().unwrap().code()));
    let ended = ended.recv_timeout(Duration::from_secs(30));
    assert!(ended == Ok(Some(0)) || !kill("-KILL"), "it goes on: {ended:?}");
}

/// As in production: it answers what its hub signed and signs its answers. What that hides from outside is tried on one of its
/// own, and the report says of what.
#[tokio::test]
async fn what_an_adapter_that_knows_its_hub_does_not_show_from_outside_is_tried_on_one_of_its_own_and_told_so() {
    let store = Store::seventh().await;
    let (file, _) = department(store.folder.path());
    let path = |name: &str| store.folder.path().join(name).display().to_string();
    let (url, hub_keys, answer_key) = (store.url(), path("hub-keys.json"), path("answers.pem"));
    let hub = PrivateKey::from_seed(&[1; 32]).unwrap().public().to_jwk();
    std::fs::write(&hub_keys, hub.to_string()).unwrap();
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    std::fs::write(&answer_key, key.serialize_pem()).unwrap();
    let flags = ["--source-url", &url, "--hub-keys", &hub_keys, "--answer-key", &answer_key];
    let adapter = Process::start(store.folder.path(), &file, &flags);
    let (cert, key, ca) = (path("own.pem"), path("own.key"), path("ca.pem"));
    for (lang, note) in [("zh", "另起的适配器上试"), ("en", "tried on one of its own")] {
        let mut arguments = vec!["conform", file.to_str().unwrap(), "--source-url", &url, "--lang", lang];
        arguments.extend(["--against", &adapter.url, "--cert", &cert, "--cert-key", &key, "--ca", &ca]);
        let (code, out, err) = run(&arguments);
        assert!(code == 0 && out.contains("✓ L0-06"), "{out}{err}");
        let report = std::fs::read_to_string(path("disabled_persons.conformance.json")).unwrap();
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        let is_noted = |result: &&serde_json::Value| result["what"][lang].as_str().unwrap().contains(note);
        let noted = report["results"].as_array().unwrap().iter().filter(is_noted);
        let noted: Vec<_> = noted.map(|result| (result["id"].as_str(), result["outcome"].as_str())).collect();
        let own = ["L4-06", "L4-07", "L4-08", "L4-09"].map(|id| (Some(id), Some("pass")));
        assert_eq!((&report["level"], noted), (&4.into(), own.to_vec()), "{out}");
    }
}

#[test]
fn p12_what_is_missing_to_serve_is_told_with_its_remedy_in_both_languages() {
    let file = seventh().join("connector.toml").display().to_string();
    let (code, _, err) = run(&["serve", &file, "--lang", "zh"]);
    assert!(code == 2 && err.contains("缺少 --cert, --key, --client-ca"), "{err}");
    let missing =
        ["--cert", "/none.pem", "--key", "/none.key", "--client-ca", "/none.ca", "--source-url", "sqlite:///x"];
    let with = |more: &[&'static str]| {
        let mut arguments = vec!["serve", file.as_str(), "--accept-unsigned"];
        arguments.extend(missing);
        arguments.extend(more);
        run(&arguments)
    };
    let (code, _, err) = with(&["--lang", "zh"]);
    assert!(code == 3 && err.contains("无法读取：不存在") && !err.contains("No such file"), "{err}");
    let (code, _, err) = with(&["--golden-at", "3am", "--lang", "zh"]);
    assert!(code == 2 && err.contains("golden_time_form") && err.contains("03:00"), "{err}");
    let (code, _, err) = with(&["--latency", "soon"]);
    assert!(code == 2 && err.contains("rehearsal_form"), "{err}");
    let (code, _, err) = with(&["--error", "101%", "--lang", "zh"]);
    assert!(code == 2 && err.contains("0% 至 100%"), "{err}");

    let folder = tempfile::tempdir().unwrap();
    let garbage = folder.path().join("garbage.txt");
    std::fs::write(&garbage, "garbage\n").unwrap();
    let garbage = garbage.to_str().unwrap();
    let tls = ["--cert", garbage, "--key", garbage, "--client-ca", garbage];
    for (more, code, told, mend) in [
        (vec!["--accept-unsigned", "--source-url", "sqlite:///x"], 2, "certificates_unusable", "平台运营方签发"),
        (vec!["--hub-keys", "/none.json"], 3, "key_unusable", "无法读取（不存在）：核对路径"),
        (
            vec!["--accept-unsigned", "--ledger", "/none/use.jsonl"],
            3,
            "ledger_unusable",
            "（不存在）：所在文件夹要已经建好",
        ),
        (vec!["--accept-unsigned", "--ledger", garbage], 2, "ledger_unusable", "作为证据保存"),
        (vec!["--accept-unsigned", "--simulate", "/none/sample.sql"], 3, "fixture", "核对测试数据的路径"),
    ] {
        let mut arguments = vec!["serve", file.as_str(), "--lang", "zh"];
        arguments.extend(tls);
        arguments.extend(more);
        let (found, out, err) = run(&arguments);
        let said = out + &err;
        assert!(found == code && said.contains(told) && said.contains(mend), "{code} {told}: {found} {said}");
        assert!(!said.contains("No such file"), "{said}");
    }
}
