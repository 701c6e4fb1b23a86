//! Witnesses that are out of order: whatever they answer, the log is neither stopped nor taken for cosigned, and
//! only what shows another history stops it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use axum_server::tls_rustls::RustlsConfig;
use hedui::access_log::offer::{OfferError, Offering, RESOURCE};
use hedui::access_log::publish::Publisher;
use hedui::domain::clock::{SystemClock, SystemRandomness};
use hedui::egress::client::{Client, ClientOptions};
use hedui::egress::{Egress, Endpoint};
use hedui::simulate::keys::TrialKeys;
use hedui::tlog::checkpoint::SignedCheckpoint;
use hedui::tlog::note::{KeyKind, SignerKey};
use hedui::tlog::witness::{AddCheckpoint, cosign};
use tempfile::TempDir;

use super::witness_key;
use crate::access_log::{event, open, signer};

/// What the stub makes of a request: a status, a type and a body.
type Answers = dyn Fn(AddCheckpoint) -> (u16, &'static str, String) + Send + Sync;

/// A witness that answers as it is told to.
fn stub(keys: &TrialKeys, answers: Arc<Mutex<Arc<Answers>>>) -> (SocketAddr, axum_server::Handle<SocketAddr>) {
    use rustls::pki_types::pem::PemObject as _;
    let chain = rustls::pki_types::CertificateDer::pem_file_iter(&keys.server).unwrap().map(Result::unwrap).collect();
    let key = rustls::pki_types::PrivateKeyDer::from_pem_file(&keys.server_key).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let answer = move |body: axum::body::Bytes| async move {
        let answers = Arc::clone(&*answers.lock().unwrap());
        let (status, kind, body) = answers(AddCheckpoint::parse(&body).unwrap());
        if status == 0 {
            std::future::pending::<()>().await;
        }
        (StatusCode::from_u16(status).unwrap(), [(CONTENT_TYPE, kind)], body)
    };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let (address, handle) = (listener.local_addr().unwrap(), axum_server::Handle::new());
    let routes = Router::new().route(RESOURCE, post(answer)).into_make_service();
    let server = axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(Arc::new(tls))).unwrap();
    tokio::spawn(server.handle(handle.clone()).serve(routes));
    (address, handle)
}

fn offering(keys: &TrialKeys, address: SocketAddr, last: u64, evidence: &Path) -> Offering {
    let egress = Egress::new(vec!["127.0.0.0/8".parse().unwrap()], Vec::new());
    let client = Client::new(ClientOptions {
        endpoint: Endpoint::parse(&format!("https://{address}")).unwrap(),
        path: RESOURCE,
        content_type: "text/plain",
        ca: &std::fs::read_to_string(&keys.ca).unwrap(),
        identity: None,
        pins: &[],
        connect_timeout: Duration::from_secs(5),
        max_answer: 16 * 1024,
        egress: &egress,
    });
    Offering::new(witness_key().verifier().clone(), client.unwrap(), last, evidence.to_owned())
}

/// A good cosignature by this key on what a request offers.
fn line(request: &AddCheckpoint, key: &SignerKey) -> String {
    let head = SignedCheckpoint::open(request.checkpoint.as_bytes(), signer().verifier()).unwrap();
    format!("{}\n", cosign(&head, key, 1_790_000_000))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_is_out_of_order_neither_stops_the_log_nor_counts() {
    const SIZE: &str = "text/x.tlog.size";
    let folder = TempDir::new().unwrap();
    let keys = TrialKeys::write(&folder.path().join("keys"), &SystemRandomness).unwrap();
    let (store, writer) = open(&folder.path().join("log.sqlite")).await;
    let publisher = Publisher::open(store.clone(), signer(), &[], None, Arc::new(SystemClock)).await.unwrap();
    store.record_events((0..9).map(|number| event(number, "a")).collect()).await.unwrap();
    publisher.publish().await.unwrap();
    let answers: Arc<Mutex<Arc<Answers>>> = Arc::new(Mutex::new(Arc::new(|_| (500, "", String::new()))));
    let (address, handle) = stub(&keys, Arc::clone(&answers));
    let evidence = folder.path().join("evidence");
    let other = SignerKey::from_seed("witness.example/w1", KeyKind::Witness, &[77; 32]).unwrap();
    let plain =
        |status, kind, body: &'static str| -> Arc<Answers> { Arc::new(move |_| (status, kind, body.to_owned())) };
    // No answer of these is a cosignature, and none shows another history.
    let odd: Vec<(&str, Arc<Answers>)> = vec![
        ("500", plain(500, "", "")),
        ("503", plain(503, "", "the head cannot be kept\n")),
        ("403", plain(403, "", "")),
        ("404", plain(404, "text/html", "<html>")),
        ("301", plain(301, "", "")),
        ("200", plain(200, "", "")),
        ("200 with a page", plain(200, "text/html", "<html>login</html>")),
        ("200 by another key", Arc::new(move |request| (200, "", line(&request, &other)))),
        ("200 too long", Arc::new(|request| (200, "", line(&request, &witness_key()).repeat(1000)))),
        ("200 on another text", Arc::new(|_| (200, "", format!("{}\n", witness_key().sign("x\n", 7))))),
        ("422 from nothing", plain(422, "", "")),
        ("409 without a type", plain(409, "text/plain", "77\n")),
        ("409 without a size", plain(409, SIZE, "seven\n")),
        ("409 with what was said", plain(409, SIZE, "0\n")),
        ("409 that changes its mind", Arc::new(|request| (409, SIZE, format!("{}\n", request.old + 1)))),
    ];
    for (name, answer) in odd {
        *answers.lock().unwrap() = answer;
        let error = offering(&keys, address, 0, &evidence).offer(&publisher).await.unwrap_err();
        assert!(!matches!(error, OfferError::OtherHistory(_) | OfferError::Store(_)), "{name}: {error}");
    }
    assert!(store.log().cosigned().await.unwrap().is_empty());
    assert!(std::fs::read_dir(folder.path()).unwrap().flatten().all(|file| !file.path().starts_with(&evidence)));
    // These do.
    for (name, last, answer) in [
        ("it knows more", 0, plain(409, SIZE, "10\n")),
        ("it knows others of the same number", 9, plain(409, SIZE, "9\n")),
        ("no proof from what it knows", 5, plain(422, "", "")),
        (
            "no proof from what it says",
            0,
            Arc::new(
                |request: AddCheckpoint| {
                    if request.old == 0 { (409, SIZE, "4\n".to_owned()) } else { (422, "", String::new()) }
                },
            ),
        ),
        ("this hub once knew more", 10, plain(500, "", "")),
    ] {
        *answers.lock().unwrap() = answer;
        let error = offering(&keys, address, last, &evidence).offer(&publisher).await.unwrap_err();
        let OfferError::OtherHistory(other) = error else { panic!("{name}: {error}") };
        let written = std::fs::read_to_string(other.evidence.unwrap()).unwrap();
        assert!(written.contains(&other.why) || written.contains("it cosigned"), "{name}: {written}");
    }
    // A witness that lost what it knew is told again from there, and a lost answer is mended.
    for (last, known) in [(9, 3), (0, 9), (5, 7), (0, 0)] {
        *answers.lock().unwrap() = Arc::new(move |request| {
            if request.old == known {
                (200, "", line(&request, &witness_key()))
            } else {
                (409, SIZE, format!("{known}\n"))
            }
        });
        let offering = offering(&keys, address, last, &evidence);
        assert_eq!(offering.offer(&publisher).await.unwrap(), 9, "from {last}, known {known}");
        assert_eq!(offering.last(), 9);
    }
    assert_eq!(store.log().cosigned().await.unwrap()[0].size, 9);
    assert_eq!(publisher.head().witnesses(&[witness_key().verifier().clone()]).unwrap().len(), 1);
    handle.shutdown();
    drop((publisher, store));
    writer.await.unwrap();
}
