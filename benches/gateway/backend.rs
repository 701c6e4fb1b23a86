//! Six departments in one process: adapters over mutual TLS for the hub, and plain ones of the same
//! answers for the bare fan-out. About 610 bytes an answer for a household of three.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;
use axum_server::tls_rustls::RustlsConfig;
use connectors::protocol::Query;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};

use super::measure::bare_query;

/// The departments, in the order of their ports.
pub(crate) const DEPARTMENTS: [&str; 6] = ["education", "hrss", "housing", "health", "emergency", "medical_insurance"];

/// Arguments: folder of keys, first port, latency in milliseconds, and in how many answers one takes 20 times as long (0
/// or nothing: none). TLS on `port..`, plain on `port + 10..`.
pub(crate) async fn run(arguments: &[String]) {
    let keys = Path::new(&arguments[0]);
    let port: u16 = arguments[1].parse().expect("a port");
    let latency = Duration::from_millis(arguments[2].parse().expect("milliseconds"));
    let slow_one_in: u64 = arguments.get(3).map_or(0, |text| text.parse().expect("a number of answers"));
    let answered = Arc::new(AtomicU64::new(0));
    let tls = RustlsConfig::from_config(Arc::new(server_config(keys)));
    let mut servers = Vec::new();
    for (index, department) in DEPARTMENTS.iter().enumerate() {
        let offset = u16::try_from(index).expect("six departments");
        let routes =
            Router::new().route("/v1/facts:query", post(answer)).route("/graphql", post(graphql)).with_state(Role {
                department,
                latency,
                slow_one_in,
                answered: Arc::clone(&answered),
                graphql_answer: graphql_answer(department),
            });
        let (secure, plain) = (loopback(port + offset), loopback(port + 10 + offset));
        servers.push(tokio::task::spawn(
            axum_server::bind_rustls(secure, tls.clone()).serve(routes.clone().into_make_service()),
        ));
        servers.push(tokio::task::spawn(axum_server::bind(plain).serve(routes.into_make_service())));
    }
    for server in servers {
        server.await.expect("the server runs").expect("the server serves");
    }
}

/// What a department is.
#[derive(Clone)]
struct Role {
    department: &'static str,
    latency: Duration,
    slow_one_in: u64,
    /// Answers of all of them.
    answered: Arc<AtomicU64>,
    /// What it answers in GraphQL.
    graphql_answer: Bytes,
}

/// An address on this machine.
pub(crate) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn server_config(keys: &Path) -> rustls::ServerConfig {
    let read = |name: &str| std::fs::read(keys.join(name)).expect("a key file");
    let certificates: Vec<_> =
        CertificateDer::pem_slice_iter(&read("server.pem")).collect::<Result<_, _>>().expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(&read("server.key")).expect("a key");
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&read("ca.pem")) {
        roots.add(certificate.expect("a certificate")).expect("an authority");
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .expect("a verifier");
    rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS versions")
        .with_client_cert_verifier(verifier)
        .with_single_cert(certificates, key)
        .expect("a usable certificate")
}

async fn answer(State(role): State<Role>, body: Bytes) -> Vec<u8> {
    let department = role.department;
    if !role.latency.is_zero() {
        let number = role.answered.fetch_add(1, Ordering::Relaxed);
        let is_slow = role.slow_one_in > 0 && number.is_multiple_of(role.slow_one_in);
        tokio::time::sleep(role.latency * if is_slow { 20 } else { 1 }).await;
    }
    let query: Query = serde_json::from_slice(&body).expect("a query");
    let results = results(department, &query);
    let adapter = json!({"id": department, "version": "1.0.0"});
    serde_json::to_vec(&json!({"request_id": query.request_id, "adapter": adapter, "results": results})).expect("JSON")
}

/// The same answer to the bench's household as a federation gateway asks for it: whatever its plan, its question names
/// these fields.
fn graphql_answer(department: &str) -> Bytes {
    const FIELDS: [&str; 6] = ["category", "kind", "amount", "from", "to", "dedupe_key"];
    let query = serde_json::from_slice(&bare_query()).expect("a query");
    let mut results = results(department, &query);
    for result in &mut results {
        let facts = result["facts"].as_array().expect("facts");
        let whole = |fact: &Value| {
            Value::Object(FIELDS.map(|name| (name.to_owned(), fact[name].clone())).into_iter().collect())
        };
        let facts = facts.iter().map(whole).collect();
        result["id_number"] = result["id_number"].take();
        result["facts"] = facts;
    }
    Bytes::from(json!({"data": {department: {"version": "1.0.0", "results": results}}}).to_string())
}

async fn graphql(State(role): State<Role>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], role.graphql_answer)
}

fn results(department: &str, query: &Query) -> Vec<Value> {
    let mut results = Vec::new();
    for subject in &query.subjects {
        for dataset in subject.datasets.as_ref().unwrap_or(&query.datasets) {
            if !dataset.starts_with(department) {
                continue;
            }
            // One fact a household, where the dataset is of incomes; "no record" elsewhere.
            let fact = (subject.reference == "m1" && matches!(dataset.as_str(), "hrss.pension" | "education.staff_benefit")).then(|| {
                json!({"category": "TRANSFER", "kind": "PENSION_EMPLOYEE", "amount": "100.00", "from": "2026-10-01", "to": "2026-10-31", "dedupe_key": "PENSION_EMPLOYEE:6217@2026-10-01"})
            });
            // As adapters do: the number is that of the record, so there is none without a record.
            results.push(match fact {
                Some(fact) => json!({"ref": subject.reference, "id_number": subject.id_number, "dataset": dataset, "status": "ok", "facts": [fact]}),
                None => json!({"ref": subject.reference, "dataset": dataset, "status": "no_record", "facts": []}),
            });
        }
    }
    results
}
