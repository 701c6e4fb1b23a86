//! A62: secrets that others can read, that nobody drew or that are too short, and issuers without TLS.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::super::hub::{hub_alone, write_secret};

/// The files of a hub without departments.
fn trial() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let config = hub_alone(folder.path()).config;
    (folder, config)
}

/// What `hedui serve` says when it does not start, and its exit code; none where it starts.
fn refused(config: &Path, lang: &str) -> Option<(i32, String)> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hedui"))
        .args(["--lang", lang, "--json", "serve", "--config", &config.display().to_string()])
        .env("RUST_LOG", "warn")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
    if line.contains("address") {
        child.kill().unwrap();
        child.wait().unwrap();
        return None;
    }
    let output = child.wait_with_output().unwrap();
    Some((output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap()))
}

fn mode(file: &Path, mode: u32) {
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a62_a_hub_does_not_start_with_a_secret_that_others_can_read_and_says_what_mends_it() {
    let (folder, config) = trial();
    assert_eq!(refused(&config, "en"), None, "as the files are made, it starts");
    for name in ["seal.key", "server.key", "hub.key"] {
        let file = folder.path().join("keys").join(name);
        for open in [0o644, 0o640, 0o604, 0o620] {
            mode(&file, open);
            let (code, told) = refused(&config, "en").expect("it does not start");
            let command = format!("chmod 600 {}", file.display());
            assert!(code == 3 && told.contains(&command) && told.contains(&format!("{open:04o}")), "{told}");
            let (_, told) = refused(&config, "zh").unwrap();
            assert!(told.contains("可被其他账户读写") && told.contains(&command), "{told}");
        }
        // What the hub says it wants is enough.
        mode(&file, 0o600);
        assert_eq!(refused(&config, "en"), None);
    }
    for lang in ["en", "zh"] {
        mode(&folder.path().join("keys/seal.key"), 0o644);
        mode(&folder.path().join("keys/hub.key"), 0o666);
        let (_, told) = refused(&config, lang).unwrap();
        assert!(told.contains("seal.key") && told.contains("hub.key"), "all of them at once: {told}");
    }
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("[server]\nmode = \"trial\"\n\n{text}")).unwrap();
    assert_eq!(refused(&config, "en"), None, "on trial it starts and warns");
}

#[test]
fn a62_a_hub_does_not_start_with_a_key_that_nobody_drew_a_short_one_or_an_issuer_without_tls() {
    let (folder, config) = trial();
    let seal = folder.path().join("keys/seal.key");
    let drawn = std::fs::read_to_string(&seal).unwrap();
    for weak in ["0".repeat(64), "ab".repeat(32), "0123456789abcdef".repeat(4)] {
        write_secret(&seal, &weak);
        let (code, told) = refused(&config, "en").expect("it does not start");
        assert!(code == 3 && told.contains("openssl rand -hex 32"), "{told}");
        assert!(refused(&config, "zh").unwrap().1.contains("不是随机生成的"));
        assert!(!told.contains(&weak), "the key is not told");
    }
    write_secret(&seal, "");
    assert!(refused(&config, "en").unwrap().1.contains("64 hexadecimal digits"));
    write_secret(&seal, &drawn);

    let log = folder.path().join("keys/log.key");
    let weak = hedui::tlog::note::SignerKey::from_seed("log", hedui::tlog::note::KeyKind::Log, &[0; 32]).unwrap();
    write_secret(&log, &weak.reveal());
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("[access_log]\n", "[access_log]\nkey_file = \"keys/log.key\"\n")).unwrap();
    assert!(refused(&config, "en").unwrap().1.contains("hedui log keygen"));

    std::fs::write(&config, text.replace("https://issuer.", "http://issuer.")).unwrap();
    let (_, told) = refused(&config, "en").expect("it does not start");
    assert!(told.contains("http") && told.contains("[[auth.issuer]]"), "{told}");
    assert!(refused(&config, "zh").unwrap().1.contains("明文 http"));
    std::fs::write(&config, &text).unwrap();

    let (key, certificate) = (folder.path().join("keys/server.key"), folder.path().join("keys/server.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:1024", "-nodes", "-subj", "/CN=short", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .stderr(std::process::Stdio::null())
        .status();
    if made.is_ok_and(|made| made.success()) {
        mode(&key, 0o600);
        let (_, told) = refused(&config, "en").expect("it does not start");
        assert!(told.contains("1024 bits") && told.contains("2048"), "{told}");
    }
}
