//! `hedui log …` as its users run it, and verifiers that share no code with it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use super::stored::{record, signer};
use crate::hub::root;

fn hedui(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hedui")).args(arguments).env("HEDUI_LANG", "en").output().unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap() + &String::from_utf8_lossy(&output.stderr)
}

struct Fixture {
    folder: TempDir,
    store: String,
    vkey: String,
}

impl Fixture {
    async fn new(size: u64) -> Self {
        let folder = TempDir::new().unwrap();
        let store = folder.path().join("log.sqlite");
        record(&store, 0, size, "a", Some(&folder.path().join("elsewhere/checkpoint"))).await;
        let store = store.display().to_string();
        Self { folder, store, vkey: signer().verifier().to_string() }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn export(&self, name: &str) -> PathBuf {
        let out = self.path(name);
        let exported = hedui(&[
            "log",
            "export",
            "--store",
            &self.store,
            "--vkey",
            &self.vkey,
            "--out",
            &out,
            "--proof",
            "3",
            "--proof",
            &format!("ev_{:032x}", 299),
        ]);
        assert!(exported.status.success(), "{}", told(&exported));
        PathBuf::from(out)
    }
}

#[tokio::test]
async fn log_verify_says_yes_no_and_why() {
    let fixture = Fixture::new(300).await;
    let (store, anchor) = (fixture.store.as_str(), fixture.path("elsewhere/checkpoint"));
    let verify = ["log", "verify", "--store", store, "--vkey", &fixture.vkey, "--anchor", &anchor];
    let good = hedui(&verify);
    assert_eq!(good.status.code(), Some(0), "{}", told(&good));
    assert!(told(&good).contains("300 entries, 300 covered"), "{}", told(&good));
    let side_files = std::fs::read_dir(fixture.folder.path()).unwrap().flatten();
    assert!(
        !side_files.into_iter().any(|file| file.file_name().to_string_lossy().contains("-shm")),
        "nothing is left behind"
    );
    let other = hedui(&["log", "verify", "--store", store, "--vkey", &fixture.vkey.replace('+', "x+")]);
    assert_eq!(other.status.code(), Some(3), "a key that is neither key nor file: {}", told(&other));
    assert_eq!(hedui(&["log", "verify"]).status.code(), Some(2));
    assert_eq!(hedui(&["log", "verify", "--store", "/nowhere"]).status.code(), Some(3));
    let pool = sqlx::sqlite::SqlitePool::connect(&format!("sqlite://{store}")).await.unwrap();
    sqlx::query("UPDATE access_event SET body = replace(body, 'tester', 'nobody') WHERE position = 41")
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    let bad = hedui(&verify);
    assert_eq!(bad.status.code(), Some(1));
    assert!(told(&bad).contains("entry 41 [altered]"), "{}", told(&bad));
    let json = hedui(&[&verify[..], &["--json"]].concat());
    let report: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&report["is_intact"], &report["faults"][0]["index"]), (&Value::from(false), &Value::from(41)));
    let zh = Command::new(env!("CARGO_BIN_EXE_hedui")).args(verify).args(["--lang", "zh"]).output().unwrap();
    assert!(told(&zh).contains("第 41 条"), "{}", told(&zh));
    std::fs::write(store, b"this is no database at all, however long it may be").unwrap();
    assert_eq!(hedui(&verify).status.code(), Some(1), "a file that was destroyed");
}

#[tokio::test]
async fn log_proof_proves_one_entry_without_the_log() {
    let fixture = Fixture::new(300).await;
    let (proof, entry) = (fixture.path("7.tlog-proof"), fixture.path("7.json"));
    let made = hedui(&["log", "proof", "7", "--store", &fixture.store, "--out", &proof, "--entry", &entry]);
    assert_eq!(made.status.code(), Some(0), "{}", told(&made));
    let check = ["log", "verify", "--proof", &proof, "--entry", &entry, "--vkey", &fixture.vkey];
    assert_eq!(hedui(&check).status.code(), Some(0), "{}", told(&hedui(&check)));
    std::fs::write(&entry, std::fs::read_to_string(&entry).unwrap().replace("tester", "nobody")).unwrap();
    assert_eq!(hedui(&check).status.code(), Some(1));
    for absent in ["300", "ev_0", "x"] {
        let none = hedui(&["log", "proof", absent, "--store", &fixture.store]);
        assert_eq!(none.status.code(), Some(1), "{}", told(&none));
    }
}

#[test]
fn log_keygen_makes_a_key_that_only_its_owner_reads_and_overwrites_none() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("log.key");
    let command = ["log", "keygen", "--name", "hub.example/log", "--out", file.to_str().unwrap()];
    let made = hedui(&command);
    assert_eq!(made.status.code(), Some(0), "{}", told(&made));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let key = hedui::tlog::note::SignerKey::parse(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(String::from_utf8(made.stdout).unwrap().trim(), key.verifier().to_string());
    assert_eq!(hedui(&command).status.code(), Some(3), "an existing key is not touched");
    assert_eq!(hedui(&["log", "keygen", "--name", "a b", "--out", "/tmp/never"]).status.code(), Some(2));
}

/// Builds `tests/verifier`, once for all tests. `None` on a machine that has no Go and cannot install it;
/// `HEDUI_REQUIRE_VERIFIER`, which CI sets, makes that a failure.
pub(crate) fn independent_verifier() -> Option<&'static Path> {
    static BUILT: std::sync::OnceLock<Option<PathBuf>> = std::sync::OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let binary = Path::new(env!("CARGO_TARGET_TMPDIR")).join("independent-verifier");
        let built = Command::new(root().join("tests/verifier/build")).arg(&binary).output().unwrap();
        if built.status.code() == Some(3) && std::env::var_os("HEDUI_REQUIRE_VERIFIER").is_none() {
            return None;
        }
        assert!(built.status.success(), "{}", told(&built));
        Some(binary)
    });
    built.as_deref()
}

fn independently(verifier: &Path, folder: &Path, vkey: &str) -> Output {
    Command::new(verifier).arg(folder).arg(vkey).output().unwrap()
}

#[tokio::test]
async fn t5_an_exported_log_satisfies_the_original_implementation_in_another_language() {
    let Some(verifier) = independent_verifier() else { return };
    let fixture = Fixture::new(66_000).await;
    let folder = fixture.export("export");
    let good = independently(verifier, &folder, &fixture.vkey);
    assert!(good.status.success(), "{}", told(&good));
    assert!(told(&good).contains("66000 entries"));
    for (file, at) in [
        ("tile/entries/000", 700_usize),
        ("tile/entries/257.p/208", 40),
        ("tile/0/001", 0),
        ("tile/0/257.p/208", 64),
        ("tile/1/000", 32),
        ("tile/1/001.p/1", 0),
        ("tile/2/000.p/1", 5),
        ("checkpoint", 30),
    ] {
        let file = folder.join(file);
        let kept = std::fs::read(&file).unwrap();
        let mut altered = kept.clone();
        altered[at] ^= 1;
        std::fs::write(&file, altered).unwrap();
        let bad = independently(verifier, &folder, &fixture.vkey);
        assert_eq!(bad.status.code(), Some(1), "{} altered: {}", file.display(), told(&bad));
        std::fs::write(&file, kept).unwrap();
    }
    assert!(independently(verifier, &folder, &fixture.vkey).status.success());
}

#[tokio::test]
async fn an_exported_log_lists_its_files_and_goes_into_an_empty_folder_only() {
    let fixture = Fixture::new(300).await;
    let folder = fixture.export("export");
    let sums =
        Command::new("sha256sum").args(["--check", "--quiet", "SHA256SUMS"]).current_dir(&folder).output().unwrap();
    assert!(sums.status.success(), "{}", told(&sums));
    for file in [
        "checkpoint",
        "vkey",
        "verify.html",
        "proofs/3.json",
        "proofs/3.tlog-proof",
        "proofs/299.tlog-proof",
        "tile/entries/001.p/44",
    ] {
        assert!(folder.join(file).exists(), "{file}");
    }
    let page = std::fs::read_to_string(folder.join("verify.html")).unwrap();
    assert!(page.contains(&fixture.vkey) && page.contains("default-src 'none'"));
    assert!(!page.contains("http://") && !page.contains("https://"), "the page asks nobody");
    let again = hedui(&["log", "export", "--store", &fixture.store, "--out", folder.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(2), "{}", told(&again));
}
