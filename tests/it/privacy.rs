//! Identity numbers are nowhere in the clear (promise P7): a scan over everything the hub leaves behind.

use super::hub::{Setup, System, listed, requests};

fn files(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            files(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}

/// A number as it might be written: plain, in base64 at three offsets, hexadecimal, reversed.
fn spellings(number: &str) -> Vec<Vec<u8>> {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD_NO_PAD;
    let hex: String = number.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut all = vec![number.as_bytes().to_vec(), hex.clone().into_bytes(), hex.to_uppercase().into_bytes()];
    all.push(number.bytes().rev().collect());
    for offset in 0..3 {
        let padded = format!("{}{number}", "x".repeat(offset));
        let encoded = engine.encode(padded);
        // The ends depend on the neighbours; the middle does not.
        all.push(encoded.as_bytes()[4..encoded.len() - 4].to_vec());
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn p7_no_identity_number_is_on_disk_or_in_metrics() {
    let system = System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await;
    let documents = requests(system.folder.path());
    for id in ["C01", "C20", "C82", "C68"] {
        assert!(system.caller.verify(&documents[id]).await.status.is_success());
    }
    let (_, metrics) = system.monitor("/metrics").await;
    let numbers: Vec<String> = ["C01", "C20", "C82", "C68"]
        .iter()
        .flat_map(|id| documents[*id]["household"]["members"].as_array().unwrap().clone())
        .map(|member| member["id_number"].as_str().unwrap().to_owned())
        .collect();
    let mut left = Vec::new();
    files(system.folder.path(), &mut left);
    let database: Vec<_> = left
        .into_iter()
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("hedui.sqlite")))
        .collect();
    assert!(!database.is_empty(), "the scan sees the database");
    for path in database {
        let bytes = std::fs::read(&path).unwrap();
        for number in &numbers {
            for needle in spellings(number) {
                assert!(
                    !bytes.windows(needle.len()).any(|window| window == needle),
                    "{} holds a number",
                    path.display()
                );
            }
        }
    }
    assert!(metrics.contains("hedui_verifications_total"), "{metrics}");
    assert!(numbers.iter().all(|number| !metrics.contains(number.as_str())));
    system.stop().await;
}
