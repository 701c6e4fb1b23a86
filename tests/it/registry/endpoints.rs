//! Where an adapter may be, and who may answer there (A17, A19, A20, A55).

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use hedui::app::App;
use hedui::config::Config;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};

use super::super::hub::{Setup, adapter, metrics, requests};
use super::{Hub, answers, invitation, register_at, version};

async fn refused(hub: &Hub, endpoint: &str) -> (u16, String) {
    let code = invitation(&hub.system, "hrss").await;
    let reply = register_at(&hub.system, &code, endpoint, &version("hrss")).await;
    let code = reply.body["errors"][0]["code"].as_str().unwrap_or_default().to_owned();
    (reply.status.as_u16(), code)
}

/// A17, A20: metadata addresses, loopback in many spellings, other ports, what is no address.
#[tokio::test(flavor = "multi_thread")]
async fn p11_a17_no_registration_makes_the_hub_knock_where_it_may_not() {
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let port = canary.local_addr().unwrap().port();
    let allow = format!("allow = [\"127.0.0.0/8:1-{}\", \"127.0.0.0/8:{}-65535\"]", port - 1, port + 1);
    let hub = Hub::start(Setup { settings: vec![("allow = [\"127.0.0.0/8\"]", allow)], ..Setup::default() }).await;
    let own = format!("https://{}", hub.system.app.address);
    for endpoint in [
        "https://169.254.169.254",
        "https://[fe80::1]:443",
        "https://0.0.0.0:9101",
        "https://[::]:9101",
        "https://224.0.0.1",
        "https://10.1.2.3:9101",
        "https://[::1]:9101",
        "https://[::ffff:a01:203]:9101",
        "https://[64:ff9b::a9fe:a9fe]",
        &own,
        &format!("https://127.0.0.1:{port}"),
        &format!("https://localhost:{port}"),
    ] {
        assert_eq!(refused(&hub, endpoint).await, (422, "endpoint_not_allowed".to_owned()), "{endpoint}");
    }
    for spelling in [
        "127.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "0177.0.0.1",
        "127.0.1",
        "①②⑦.0.0.1",
        "127。0。0。1",
        "LOCALHOST",
        "localhost%00",
        "user@127.0.0.1",
        "127.0.0.1\\@10.0.0.1",
        "127.0.0.1/x",
        "127.0.0.1?x",
        "127.0.0.1#x",
        "127.0.0.1\r\nx",
        "[::ffff:7f00:1",
        "",
    ] {
        let (status, code) = refused(&hub, &format!("https://{spelling}")).await;
        assert_eq!((status, code.as_str()), (422, "invalid_endpoint"), "{spelling:?}");
    }
    for scheme in ["http://127.0.0.1:9101", "file:///etc/passwd", "gopher://127.0.0.1", "127.0.0.1:9101"] {
        assert_eq!(refused(&hub, scheme).await, (422, "invalid_endpoint".to_owned()), "{scheme}");
    }
    assert_eq!(refused(&hub, &"https://a".repeat(10_000)).await.0, 422);
    assert_eq!(canary.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "somebody knocked at the canary");
    let listed = super::operator(&hub.system).get("/v1/adapters").await;
    assert!(listed.body["adapters"].as_array().unwrap().iter().all(|adapter| adapter["by_file"] == true));
    hub.system.stop().await;
}

/// A server with a certificate of its own making that answers everything with this.
fn server(certificate: &str, key: &str, answer: axum::Router) -> (SocketAddr, axum_server::Handle<SocketAddr>) {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes()).collect::<Result<Vec<_>, _>>().unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap())
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let handle = axum_server::Handle::new();
    let tls = axum_server::tls_rustls::RustlsConfig::from_config(Arc::new(config));
    let server = axum_server::from_tcp_rustls(listener, tls).unwrap().handle(handle.clone());
    tokio::spawn(server.serve(answer.into_make_service()));
    (address, handle)
}

/// A19, A55: what does not come from the hub's authority, is not named for the address, or sends elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn a19_a55_who_answers_at_an_address_must_be_believed_and_nobody_is_followed_elsewhere() {
    let hub = Hub::start(Setup::default()).await;
    let inside = format!("https://{}/v1/manifest", hub.system.adapters["hrss"].addr());
    let elsewhere = move || async move { axum::response::Redirect::temporary(&inside) };
    let routes = || axum::Router::new().fallback(elsewhere.clone());
    let own = |name: &str| std::fs::read_to_string(hub.system.folder.path().join("keys").join(name)).unwrap();
    let (redirecting, first) = server(&own("server.pem"), &own("server.key"), routes());
    let (status, code) = refused(&hub, &format!("https://{redirecting}")).await;
    assert_eq!((status, code.as_str()), (422, "no_manifest"), "a redirect is no manifest");
    let stranger = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (pem, key) = (stranger.cert.pem(), stranger.signing_key.serialize_pem());
    let (unknown, second) = server(&pem, &key, routes());
    let (status, code) = refused(&hub, &format!("https://{unknown}")).await;
    assert_eq!((status, code.as_str()), (422, "certificate_refused"));
    // The trial's certificate names 127.0.0.1 and not 127.0.0.2.
    let other = hub.system.adapters["hrss"].addr().port();
    let (status, code) = refused(&hub, &format!("https://127.0.0.2:{other}")).await;
    assert!(status == 422 && (code == "certificate_refused" || code == "endpoint_unreachable"), "{code}");
    first.shutdown();
    second.shutdown();
    hub.system.stop().await;
}

/// A55: a certificate of the right authority with another key is not the one that was pinned.
#[tokio::test(flavor = "multi_thread")]
async fn a55_a_certificate_with_another_key_than_the_pinned_one_is_refused() {
    let hub = Hub::start(Setup { unregistered: vec!["hrss"], ..Setup::default() }).await;
    let own = adapter(hub.system.folder.path(), "hrss", &hub.system.files).await;
    let id = hub.live("hrss", own.addr()).await;
    let request = requests(hub.system.folder.path())["C01"].clone();
    assert!(answers(&hub.system.caller.verify(&request).await, "hrss"));
    let pinned = hub.show(&id).await["pins"][0].as_str().unwrap().to_owned();
    let Hub { system } = hub;
    system.app.stop().await;
    // Whoever can write the database pins another key; the department's is not believed any more.
    let database = format!("sqlite://{}", system.folder.path().join("hedui.sqlite").display());
    let pool = sqlx::sqlite::SqlitePool::connect(&database).await.unwrap();
    let changed = sqlx::query("UPDATE adapter SET body = replace(body, ?, ?)").bind(&pinned).bind("0".repeat(64));
    assert_eq!(changed.execute(&pool).await.unwrap().rows_affected(), 1);
    pool.close().await;
    let app = App::start(&Config::load(&system.files.config).unwrap(), metrics()).await.unwrap();
    let caller = super::super::hub::Caller::new(&system.files, app.address);
    let reply = caller.verify(&request).await;
    assert_eq!(reply.department("hrss"), "unavailable", "{}", reply.body);
    let operator = super::super::hub::mint_as(&system.files, hedui::domain::actor::Role::Operator, "o", "000000", &[]);
    let health: Value = caller.with_token(operator).get(&format!("/v1/adapters/{id}/health")).await.body;
    assert_eq!(health["status"], json!("certificate_refused"), "{health}");
    app.stop().await;
    own.stop().await;
}
