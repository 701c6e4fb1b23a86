//! Identity numbers are nowhere in the clear (promise P7, T9, A25): a scan over everything the hub leaves behind.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use aws_lc_rs::digest::{self, digest};
use base64::Engine as _;
use serde_json::json;

use super::durability::{Hub, free_port, simulated, trial};
use super::hub::{Caller, DEPARTMENTS, adapter, append_adapters, requests};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            files(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}

/// Base64 at three offsets. The ends depend on the neighbours; the middle does not.
fn base64s(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..3).map(move |offset| {
        let padded = [&vec![b'x'; offset][..], bytes].concat();
        let encoded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(padded);
        encoded.as_bytes()[4..encoded.len() - 4].to_vec()
    })
}

fn each(number: &str, write: impl Fn(u8) -> String) -> Vec<u8> {
    number.bytes().map(write).collect::<Vec<_>>().concat().into_bytes()
}

/// A number as it might be written, each spelling with its name.
fn spellings(number: &str) -> Vec<(String, Vec<u8>)> {
    let body: u64 = number[..17].parse().unwrap();
    let mut all: Vec<(String, Vec<u8>)> = [
        ("plain", number.as_bytes().to_vec()),
        ("without check digit", number.as_bytes()[..17].to_vec()),
        ("reversed", number.bytes().rev().collect()),
        ("in groups", format!("{} {} {}", &number[..6], &number[6..14], &number[14..]).into_bytes()),
        ("with dashes", format!("{}-{}-{}", &number[..6], &number[6..14], &number[14..]).into_bytes()),
        ("of 15 digits", format!("{}{}", &number[..6], &number[8..17]).into_bytes()),
        ("hexadecimal", each(number, |byte| format!("{byte:02x}"))),
        ("HEXADECIMAL", each(number, |byte| format!("{byte:02X}"))),
        ("octal", each(number, |byte| format!("\\{byte:03o}"))),
        ("C escapes", each(number, |byte| format!("\\x{byte:02x}"))),
        ("JSON escapes", each(number, |byte| format!("\\u{byte:04x}"))),
        ("percent", each(number, |byte| format!("%{byte:02X}"))),
        ("HTML", each(number, |byte| format!("&#{byte};"))),
        ("a list of bytes", each(number, |byte| format!("{byte}, "))),
        ("a list of bytes, close", each(number, |byte| format!("{byte},"))),
        ("quoted-printable", each(number, |byte| format!("={byte:02X}"))),
        ("UTF-16LE", number.bytes().flat_map(|byte| [byte, 0]).collect()),
        ("UTF-16BE", number.bytes().flat_map(|byte| [0, byte]).collect()),
        ("UTF-32LE", number.bytes().flat_map(|byte| [byte, 0, 0, 0]).collect()),
        (
            "full width",
            each(number, |byte| char::from_u32(u32::from(byte) - 0x20 + 0xFF00).map_or_else(String::new, String::from)),
        ),
        (
            "packed decimal",
            number.as_bytes()[..16].chunks(2).map(|two| (two[0] - b'0') << 4 | (two[1] - b'0')).collect(),
        ),
        ("little-endian integer", body.to_le_bytes()[..7].to_vec()),
        ("big-endian integer", body.to_be_bytes()[1..].to_vec()),
    ]
    .into_iter()
    .map(|(name, bytes)| (name.to_owned(), bytes))
    .collect();
    all.extend(base64s(number.as_bytes()).map(|bytes| ("base64".to_owned(), bytes)));
    let unkeyed = [
        ("SHA-1", &digest::SHA1_FOR_LEGACY_USE_ONLY),
        ("SHA-256", &digest::SHA256),
        ("SHA-384", &digest::SHA384),
        ("SHA-512", &digest::SHA512),
        ("SHA3-256", &digest::SHA3_256),
    ];
    for (name, algorithm) in unkeyed {
        let hash = digest(algorithm, number.as_bytes());
        let hex = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        all.push((format!("{name}, hexadecimal"), hex.as_bytes()[..32].to_vec()));
        all.push((format!("{name}, raw"), hash.as_ref()[..16].to_vec()));
        all.extend(
            base64s(hash.as_ref()).map(|bytes| (format!("{name}, base64"), bytes[..bytes.len().min(20)].to_vec())),
        );
    }
    all
}

/// What the scan looks through: its name, and its bytes.
type Left = Vec<(String, Vec<u8>)>;

/// Asks well and badly, with numbers of people wherever a caller could put them. Gives every problem told.
async fn ask_in_every_way(
    caller: &Caller,
    documents: &std::collections::BTreeMap<String, serde_json::Value>,
    strange: &[String],
) -> Left {
    let path = "/v1/verifications";
    for id in ["C01", "C20", "C82", "C68"] {
        assert!(caller.verify(&documents[id]).await.status.is_success());
    }
    let good = &documents["C01"];
    let mut told = Vec::new();
    for (turn, number) in strange.iter().enumerate() {
        let mut wrong = good.clone();
        match turn % 5 {
            0 => wrong["household"]["members"][0]["id_number"] = format!("{number}9").into(),
            1 => wrong["household"]["members"][0]["ref"] = number.clone().into(),
            2 => wrong[number] = json!(1),
            3 => wrong["purpose"] = number.clone().into(),
            _ => wrong["authorisation"]["evidence_digest"] = number.clone().into(),
        }
        let headers = [("x-request-id", number.as_str()), ("idempotency-key", number.as_str())];
        for reply in [
            caller.post(path, &wrong, &[]).await,
            caller.post(path, good, &headers[turn % 2..=turn % 2]).await,
            caller.post_raw(path, format!("{{\"{number}\": {number}").into_bytes(), &[]).await,
            caller.get(&format!("{path}/{number}")).await,
            caller.get(&format!("{path}/vf_0?expand={number}")).await,
            caller.get(&format!("/{number}")).await,
            caller.get(&format!("/v1/policies/{number}")).await,
            caller.with_token(number.clone()).get(&format!("{path}/vf_0")).await,
        ] {
            told.push((format!("answer {}", reply.status), reply.body.to_string().into_bytes()));
            let headers = reply.headers.iter().map(|(name, value)| format!("{name}: {value:?}\n")).collect::<Vec<_>>();
            told.push((format!("headers {}", reply.status), headers.concat().into_bytes()));
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn p7_no_identity_number_is_on_disk_in_logs_errors_or_metrics_in_any_spelling() {
    let folder = simulated().await;
    let address = free_port();
    let files_of_trial = trial(folder.path(), address);
    let mut adapters = Vec::new();
    let mut addresses = Vec::new();
    for department in DEPARTMENTS {
        let adapter = adapter(folder.path(), department, &files_of_trial).await;
        addresses.push((department, adapter.addr()));
        adapters.push(adapter);
    }
    append_adapters(&files_of_trial.config, &addresses, "4s");
    let documents = requests(folder.path());
    let log = folder.path().join("hub.log");
    let hub =
        Hub::start_telling(&files_of_trial.config, address, Stdio::from(std::fs::File::create(&log).unwrap())).await;
    let caller = Caller::new(&files_of_trial, address);
    // Numbers that a caller puts where none belongs. Of people nobody else has.
    let strange: Vec<String> = (1..=20)
        .map(|sequence| {
            let born = jiff::civil::date(1961, 2, 3);
            hedui::domain::id_number::IdNumber::compose("150000", born, sequence).unwrap().reveal().to_owned()
        })
        .collect();
    let mut left = ask_in_every_way(&caller, &documents, &strange).await;
    let monitor = hedui::config::Config::load(&files_of_trial.config).unwrap().monitor.address;
    let metrics = reqwest::get(format!("http://{monitor}/metrics")).await.unwrap().text().await.unwrap();
    assert!(metrics.contains("hedui_verifications_total"), "{metrics}");
    left.push(("metrics".to_owned(), metrics.into_bytes()));
    hub.kill();
    let mut on_disk = Vec::new();
    files(folder.path(), &mut on_disk);
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("hedui.")
            || name == "hub.log"
            || path.parent().is_some_and(|parent| parent.ends_with("anchor"))
    };
    for path in on_disk.into_iter().filter(is_ours) {
        let bytes = std::fs::read(&path).unwrap();
        left.push((path.display().to_string(), bytes));
    }
    for wanted in ["hedui.sqlite", "hedui.sqlite-wal", "hub.log", "access-log.checkpoint", "metrics"] {
        assert!(
            left.iter().any(|(name, bytes)| name.ends_with(wanted) && !bytes.is_empty()),
            "the scan misses {wanted}"
        );
    }
    let people =
        ["C01", "C20", "C82", "C68"].iter().flat_map(|id| documents[*id]["household"]["members"].as_array().unwrap());
    let numbers = people.map(|member| member["id_number"].as_str().unwrap().to_owned()).chain(strange);
    let needles: Vec<(String, Vec<u8>)> = numbers.flat_map(|number| spellings(&number)).collect();
    assert!(needles.len() >= 500, "{} needles", needles.len());
    let searcher = aho_corasick::AhoCorasick::new(needles.iter().map(|(_, needle)| needle)).unwrap();
    assert!(searcher.is_match(documents["C01"].to_string().as_bytes()), "the scan finds what is there");
    for (name, bytes) in &left {
        if let Some(found) = searcher.find(bytes) {
            let around =
                String::from_utf8_lossy(&bytes[found.start().saturating_sub(200)..(found.end() + 50).min(bytes.len())])
                    .into_owned();
            panic!("{name} holds a number, {}: …{around}…", needles[found.pattern().as_usize()].0);
        }
    }
}
