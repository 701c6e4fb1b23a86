//! A58: methods and spellings that are no route's lead nowhere, whoever asks.

use std::net::SocketAddr;
use std::sync::Arc;

use hedui::domain::actor::Role;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{ACTORS, actor};
use crate::hub::{Setup, System, root};

/// The status line's code of the answer to these very bytes; none when the connection was closed without one.
async fn raw(address: SocketAddr, ca: &[u8], request: &str) -> Option<u16> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut stream = tokio_rustls::TlsConnector::from(config).connect(name, stream).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A peer that closes without a farewell has said what it had to say.
    let read = tokio::time::timeout(std::time::Duration::from_secs(5), stream.read_to_end(&mut answer)).await;
    drop(read);
    let line = String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned();
    line.split(' ').nth(1)?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a58_no_method_and_no_spelling_goes_round_the_door() {
    let people = hedui::simulate::Simulation::population(3, 1, hedui::simulate::DEFAULT_DATE).unwrap();
    let system = System::start(Setup::default(), people).await;
    let ca = std::fs::read(&system.files.keys.ca).unwrap();
    let address = system.app.address;
    let officer = actor(&system, (Role::Officer, "officer", "000000")).token;
    let caseworker = actor(&system, ACTORS[0]).token;
    let ask = async |method: &str, target: &str, token: Option<&str>| {
        let authorization = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nhost: hub\r\nconnection: close\r\ncontent-length: 0\r\n{authorization}\r\n"
        );
        raw(address, &ca, &head).await
    };
    assert_eq!(ask("GET", "/v1/access-log", Some(&officer)).await, Some(200), "the plain spelling works");
    assert_eq!(ask("GET", "/v1/access-log", Some(&caseworker)).await, Some(403));
    for target in [
        "//v1/access-log",
        "/v1//access-log",
        "/v1/access-log/",
        "/V1/access-log",
        "/v1/Access-Log",
        "/v1/./access-log",
        "/v1/policies/../access-log",
        "/v1/%2e%2e/v1/access-log",
        "/v1/policies/%2e%2e/access-log",
        "/v1%2faccess-log",
        "/v1/access%2dlog",
        "/v1/access-log;a=b",
        "/v1;a=b/access-log",
        "/v1/access-log%00",
        "/v1/access-log%20",
        "/v1\\access-log",
        "/v1/access-log#",
        "/v1/access-log/..",
        "/.well-known/../v1/access-log",
        "/admin",
        "/debug",
        "/metrics",
        "/v1",
        "/",
        "*",
        "https://other.invalid/v1/access-log",
    ] {
        for token in [None, Some(caseworker.as_str())] {
            let status = ask("GET", target, token).await;
            let is_refused = status.is_none_or(|status| (400..500).contains(&status));
            assert!(is_refused, "{target} with a token: {}: {status:?}", token.is_some());
        }
    }
    let document: Value = serde_json::from_slice(&std::fs::read(root().join("schemas/openapi.json")).unwrap()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path.replace('{', "").replace('}', "");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "X"] {
            let documented = item.get(method.to_lowercase()).is_some() && method != "get";
            for token in [None, Some(officer.as_str())] {
                let status = ask(method, &path, token).await;
                if !documented {
                    let is_refused = status.is_none_or(|status| matches!(status, 400 | 404 | 405));
                    assert!(is_refused, "{method} {path}: {status:?}");
                }
            }
        }
        // HEAD is GET without the body, and passes the same door.
        if path.starts_with("/v1/") {
            let status = ask("HEAD", &path, None).await;
            assert!(matches!(status, Some(401 | 405)), "HEAD {path}: {status:?}");
        }
    }
    let away = system.caller.get("/v1/nothing").await;
    assert_eq!((away.status.as_u16(), away.body["code"].as_str()), (404, Some("no_such_route")));
    assert_eq!(away.body["request_id"], away.headers["x-request-id"].to_str().unwrap());
    system.stop().await;
}
