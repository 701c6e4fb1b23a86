//! The front door before anybody has said who they are: raw HTTP (A39, A58), slow callers (A38), too many of them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::hub::{Setup, System, listed, requests};

/// How long a test waits for what must come sooner.
const PATIENCE: Duration = Duration::from_secs(20);

fn connector(ca: &Path, versions: &[&'static rustls::SupportedProtocolVersion]) -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).unwrap() {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

async fn open(system: &System) -> std::io::Result<TlsStream<TcpStream>> {
    open_at(&system.files.keys.ca, system.app.address, &[&rustls::version::TLS13]).await
}

async fn open_at(
    ca: &Path,
    address: SocketAddr,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> std::io::Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(address).await?;
    connector(ca, versions).connect(ServerName::try_from("127.0.0.1").unwrap(), tcp).await
}

/// All that comes until the hub closes the connection.
async fn until_closed(stream: &mut TlsStream<TcpStream>) -> Vec<u8> {
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut buffer)).await.expect("the hub closes");
        match read {
            // Closed with or without a last word of TLS.
            Ok(0) | Err(_) => return all,
            Ok(count) => all.extend_from_slice(&buffer[..count]),
        }
    }
}

/// The status codes of the answers to raw bytes on a connection of their own.
pub(crate) async fn statuses(system: &System, bytes: &[u8]) -> Vec<u16> {
    let mut stream = open(system).await.unwrap();
    // Who has refused what came first may close while the rest is still being written.
    drop(stream.write_all(bytes).await);
    let text = String::from_utf8_lossy(&until_closed(&mut stream).await).into_owned();
    text.split("HTTP/1.1 ").skip(1).map(|answer| answer[..3].parse().unwrap()).collect()
}

async fn short_waits() -> System {
    let settings = vec![(
        "private_key = \"keys/server.key\"",
        "private_key = \"keys/server.key\"\narrival_timeout = \"1s\"\nmax_connections = 8".to_owned(),
    )];
    System::start(Setup { own_packs: true, settings, ..Setup::default() }, listed()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a39_a_raw_request_that_is_not_clean_http_gets_one_refusal_and_no_second_answer() {
    let system = short_waits().await;
    let token = &system.caller.token;
    let post = |headers: &str, body: &str| {
        format!(
            "POST /v1/verifications HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n{headers}\r\n{body}"
        )
    };
    // Hidden behind each: a request that would be answered if two programs disagreed where the first one ends.
    let hidden = format!("GET /v1/policies HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {token}\r\n\r\n");
    // More than the longest head and one more reading of as much.
    let long = "a".repeat(1_000_000);
    let many = "X-A: 1\r\n".repeat(200);
    let raw = [
        (
            "length and chunked",
            post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", &format!("0\r\n\r\n{hidden}")),
        ),
        ("chunked is not last", post("Transfer-Encoding: chunked, identity\r\n", &format!("0\r\n\r\n{hidden}"))),
        ("unknown coding", post("Transfer-Encoding: xchunked\r\n", &format!("0\r\n\r\n{hidden}"))),
        ("two lengths", post("Content-Length: 2\r\nContent-Length: 3\r\n", &format!("{{}}{hidden}"))),
        ("negative length", post("Content-Length: -2\r\n", &hidden)),
        ("signed length", post("Content-Length: +2\r\n", &format!("{{}}{hidden}"))),
        ("length in words", post("Content-Length: two\r\n", &hidden)),
        ("length list", post("Content-Length: 2, 3\r\n", &format!("{{}}{hidden}"))),
        ("length too large", post("Content-Length: 99999999999999999999999\r\n", &hidden)),
        ("chunk of no size", post("Transfer-Encoding: chunked\r\n", &format!("x\r\n{hidden}"))),
        ("chunk in hex notation", post("Transfer-Encoding: chunked\r\n", &format!("0x2\r\n{{}}\r\n0\r\n\r\n{hidden}"))),
        ("chunk too large", post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n{}\r\n0\r\n\r\n")),
        ("chunk longer than said", post("Transfer-Encoding: chunked\r\n", &format!("1\r\n{{}}\r\n0\r\n\r\n{hidden}"))),
        ("space before the colon", post("Content-Length : 2\r\n", &format!("{{}}{hidden}"))),
        ("folded line", post("X-A: 1\r\n 2\r\nContent-Length: 2\r\n", &format!("{{}}{hidden}"))),
        ("NUL in a value", post("X-A: a\0b\r\n", &hidden)),
        ("NUL in a name", post("X\0A: b\r\n", &hidden)),
        ("line without colon", post("nonsense\r\n", &hidden)),
        ("empty name", post(": b\r\n", &hidden)),
        ("name with a space", post("X A: b\r\n", &hidden)),
        ("too many lines", post(&many, &hidden)),
        ("a line too long", post(&format!("X-A: {long}\r\n"), &hidden)),
        ("version 0.9", "GET /v1/policies\r\n\r\n".to_owned()),
        ("version 1.2", "GET /v1/policies HTTP/1.2\r\nHost: hub\r\n\r\n".to_owned()),
        ("version 3", "GET /v1/policies HTTP/3.0\r\nHost: hub\r\n\r\n".to_owned()),
        ("no version", "GET /v1/policies HTTP\r\nHost: hub\r\n\r\n".to_owned()),
        ("no host", format!("GET /v1/policies HTTP/1.1\r\nAuthorization: Bearer {token}\r\n\r\n")),
        (
            "two hosts",
            format!("GET /v1/policies HTTP/1.1\r\nHost: hub\r\nHost: bank\r\nAuthorization: Bearer {token}\r\n\r\n"),
        ),
        (
            "two tokens",
            format!(
                "GET /v1/policies HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {token}\r\nAuthorization: Bearer x\r\n\r\n"
            ),
        ),
        ("two spaces", "GET  /v1/policies HTTP/1.1\r\nHost: hub\r\n\r\n".to_owned()),
        ("method of no letters", "G(T /v1/policies HTTP/1.1\r\nHost: hub\r\n\r\n".to_owned()),
        ("target of no path", "GET v1/policies HTTP/1.1\r\nHost: hub\r\n\r\n".to_owned()),
        ("target with NUL", "GET /v1/\0policies HTTP/1.1\r\nHost: hub\r\n\r\n".to_owned()),
        ("target too long", format!("GET /{long} HTTP/1.1\r\nHost: hub\r\n\r\n")),
        ("TLS in TLS", "\u{16}\u{3}\u{1}\u{2}\0".to_owned()),
        ("nothing but line ends", "\r\n\r\n\r\n".to_owned()),
        ("bytes of no meaning", "\u{7f}\u{1}\u{2}\u{3}\r\n\r\n".to_owned()),
    ];
    for (name, bytes) in raw {
        let statuses = statuses(&system, bytes.as_bytes()).await;
        assert!(statuses.len() <= 1, "{name}: {statuses:?}");
        assert!(statuses.iter().all(|status| (400..500).contains(status) || *status == 505), "{name}: {statuses:?}");
    }
    assert_eq!(system.caller.verify(&requests(system.folder.path())["C01"]).await.status, StatusCode::CREATED);
    system.stop().await;
}

/// Whoever is answered without their body having been read is told that the connection ends; nobody else is.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_over_an_unread_body_says_that_the_connection_ends() {
    let system = short_waits().await;
    let token = &system.caller.token;
    let head = |path: &str, more: &str, length: usize| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{more}\r\n"
        )
    };
    let good = format!("Authorization: Bearer {token}\r\n");
    let large = " ".repeat(100_000);
    for (name, head, body, is_told) in [
        ("no token", head("/v1/verifications", "", large.len()), &*large, true),
        ("no such path", head("/v1/nothing", &good, large.len()), &large, true),
        ("too large", head("/v1/verifications", &good, 2_000_000), &large, true),
        ("told to wait", head("/v1/verifications", "Expect: 100-continue\r\n", 10), "", true),
        ("read and refused", head("/v1/verifications", &good, large.len()), &large, false),
        ("small", head("/v1/verifications", "", 2), "{}", false),
    ] {
        let mut stream = open(&system).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        drop(stream.write_all(body.as_bytes()).await);
        let mut answer = Vec::new();
        while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
            let mut byte = [0];
            assert_eq!(stream.read(&mut byte).await.unwrap(), 1, "{name}: {}", String::from_utf8_lossy(&answer));
            answer.extend(byte);
        }
        let answer = String::from_utf8(answer).unwrap().to_lowercase();
        assert!(answer.starts_with("http/1.1 4"), "{name}: {answer}");
        assert_eq!(answer.contains("\r\nconnection: close\r\n"), is_told, "{name}: {answer}");
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a58_no_spelling_of_a_path_or_method_gets_around_the_door() {
    let system = short_waits().await;
    let token = &system.caller.token;
    for target in [
        "//v1/policies",
        "/V1/policies",
        "/v1/policies/",
        "/v1//policies",
        "/v1/%70olicies/x/..",
        "/v1/./policies",
        "/v1/x/../policies",
        "/v1/policies;a=b",
        "/v1/policies%00",
        "/v1/policies%2f",
        "/v1\\policies",
        "/",
        "*",
        "/metrics",
        "/livez",
        "/readyz",
        "/debug",
        "/.git/config",
        "/v1",
        "/v1/verifications:nothing",
    ] {
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");
        let statuses = statuses(&system, request.as_bytes()).await;
        assert!(matches!(statuses[..], [400 | 404 | 405]), "{target}: {statuses:?}");
    }
    for method in ["TRACE", "CONNECT", "TRACK", "PROPFIND", "DELETE", "PUT", "PATCH", "get", "OPTIONS"] {
        let request = format!(
            "{method} /v1/policies HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        let statuses = statuses(&system, request.as_bytes()).await;
        assert!(matches!(statuses[..], [400 | 404 | 405]), "{method}: {statuses:?}");
    }
    // Without a token nothing but the documents is shown.
    for (target, status) in [("/v1/policies", 401), ("/v1/access-log", 401), ("/openapi.json", 200)] {
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: hub\r\nX-Forwarded-For: 127.0.0.1\r\nConnection: close\r\n\r\n");
        assert_eq!(statuses(&system, request.as_bytes()).await, [status], "{target}");
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a38_who_says_little_is_shut_out_and_costs_nobody_else_anything() {
    let system = short_waits().await;
    let token = &system.caller.token;
    let body = format!(
        "POST /v1/verifications HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{{"
    );
    let idle = format!("GET /v1/policies HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {token}\r\n\r\n");
    // No handshake at all, no word, half a head, half a body, and nothing more after a good request.
    let mut mute = TcpStream::connect(system.app.address).await.unwrap();
    let mut slow = Vec::new();
    for first in ["", "POST /v1/verifications HTTP/1.1\r\nHost: hub\r\n", &body, &idle] {
        let mut stream = open(&system).await.unwrap();
        stream.write_all(first.as_bytes()).await.unwrap();
        slow.push((first, stream));
    }
    let good = requests(system.folder.path())["C01"].clone();
    assert_eq!(system.caller.verify(&good).await.status, StatusCode::CREATED);
    for (first, mut stream) in slow {
        let text = String::from_utf8_lossy(&until_closed(&mut stream).await).into_owned();
        let is_good = first == idle;
        assert_eq!(text.starts_with("HTTP/1.1 200"), is_good, "{first}: {text}");
        assert!(is_good || text.is_empty() || text.starts_with("HTTP/1.1 4"), "{first}: {text}");
    }
    let mut nothing = [0; 16];
    let read = tokio::time::timeout(PATIENCE, mute.read(&mut nothing)).await.expect("the hub closes");
    assert!(matches!(read, Ok(0) | Err(_)));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a38_more_connections_than_allowed_are_closed_and_a_free_place_is_taken_again() {
    let system = short_waits().await;
    let mut held = Vec::new();
    // The handshake of the first that finds no place fails; the setting says eight.
    let refused = loop {
        match open(&system).await {
            Ok(stream) => held.push(stream),
            Err(error) => break error,
        }
        assert!(held.len() <= 8, "the cap does not hold");
    };
    assert!(!held.is_empty(), "{refused}");
    drop(held);
    let again = async {
        while open(&system).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, again).await.expect("places come free");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_1_3_unless_the_operator_says_otherwise() {
    let old = &[&rustls::version::TLS12];
    let system = short_waits().await;
    assert!(open(&system).await.is_ok());
    assert!(open_at(&system.files.keys.ca, system.app.address, old).await.is_err());
    system.stop().await;
    let settings = vec![(
        "private_key = \"keys/server.key\"",
        "private_key = \"keys/server.key\"\ntls_version = \"1.2\"".to_owned(),
    )];
    let system = System::start(Setup { own_packs: true, settings, ..Setup::default() }, listed()).await;
    assert!(open(&system).await.is_ok());
    assert!(open_at(&system.files.keys.ca, system.app.address, old).await.is_ok());
    system.stop().await;
}
