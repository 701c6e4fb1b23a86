//! Issuers whose keys are published as JWK sets.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use hedui::config::Config;
use serde_json::{Value, json};

use super::{Hub, Pair, now};

const ISSUER: &str = "https://jwks.hedui.invalid";

fn token(pair: &Pair, kid: Option<&str>) -> String {
    let now = now();
    let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": kid });
    let claims = json!({
        "iss": ISSUER, "sub": "x1", "aud": "https://hub.hedui.invalid", "iat": now, "exp": now + 300, "jti": super::fresh(),
        "client_id": "x1", "scope": "verification", "organisation": "外部", "division_code": "152200", "purposes": ["dibao"]
    });
    let header = if kid.is_some() { header } else { json!({ "alg": "ES256", "typ": "at+jwt" }) };
    pair.sign(&header.to_string(), &claims.to_string())
}

fn set(keys: &[(&str, &Pair)]) -> String {
    let keys: Vec<Value> = keys
        .iter()
        .map(|(kid, pair)| {
            let mut jwk = hedui::auth::key::PublicKey::parse(&pair.public).unwrap().to_jwk();
            jwk["kid"] = json!(kid);
            jwk
        })
        .collect();
    json!({ "keys": keys }).to_string()
}

async fn until(hub: &Hub, token: &str, status: u16) {
    let begun = Instant::now();
    while hub.status(token).await.as_u16() != status {
        assert!(begun.elapsed() < Duration::from_secs(10), "the keys are read again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_a_file_are_read_again_and_chosen_by_their_id() {
    let (first, second) = (Pair::es256(), Pair::es256());
    let document = set(&[("k1", &first)]);
    let hub = Hub::start(|folder, config| {
        std::fs::write(folder.join("jwks.json"), document).unwrap();
        config + &format!("\n[[auth.issuer]]\nname = \"{ISSUER}\"\njwks_file = \"jwks.json\"\nalgorithm = \"ES256\"\nrefresh_every = \"1s\"\n")
    })
    .await;
    assert_eq!(hub.status(&token(&first, Some("k1"))).await, 200);
    assert_eq!(hub.status(&token(&first, None)).await, 200, "a set of one key");
    assert_eq!(hub.status(&token(&first, Some("k2"))).await, 401);
    assert_eq!(hub.status(&token(&second, Some("k1"))).await, 401);
    let former = token(&first, Some("k1"));
    std::fs::write(hub.folder.path().join("jwks.json"), set(&[("k1", &first), ("k2", &second)])).unwrap();
    until(&hub, &token(&second, Some("k2")), 200).await;
    assert_eq!(hub.status(&token(&first, None)).await, 401, "two keys: a token says which");
    // No longer published: what was signed just before is good for one life of a token.
    std::fs::write(hub.folder.path().join("jwks.json"), set(&[("k2", &second)])).unwrap();
    until(&hub, &token(&second, None), 200).await;
    assert_eq!(hub.status(&former).await, 200);
    // Nonsense changes nothing.
    std::fs::write(hub.folder.path().join("jwks.json"), "nonsense").unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(hub.status(&token(&second, Some("k2"))).await, 200);
    hub.app.stop().await;
}

#[derive(Clone)]
struct Server {
    document: Arc<Mutex<String>>,
    asked: Arc<AtomicUsize>,
}

async fn serve(hub_keys: &std::path::Path, server: Server) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let tls =
        axum_server::tls_rustls::RustlsConfig::from_pem_file(hub_keys.join("server.pem"), hub_keys.join("server.key"));
    let tls = tls.await.unwrap();
    let answer = async |State(server): State<Server>| {
        server.asked.fetch_add(1, Ordering::SeqCst);
        server.document.lock().unwrap().clone()
    };
    let routes = Router::new().route("/jwks", get(answer)).with_state(server);
    tokio::spawn(axum_server::from_tcp_rustls(listener, tls).unwrap().serve(routes.into_make_service()));
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_an_address_are_fetched_when_it_is_due_and_never_for_a_token() {
    let pair = Pair::es256();
    let keys = tempfile::TempDir::new().unwrap();
    hedui::simulate::keys::TrialKeys::write(keys.path(), &hedui::domain::clock::SystemRandomness).unwrap();
    let server = Server { document: Arc::new(Mutex::new("not yet".to_owned())), asked: Arc::default() };
    let address = serve(keys.path(), server.clone()).await;
    let ca = keys.path().join("ca.pem").display().to_string();
    let hub = Hub::start(|_, config| {
        config + &format!("\n[[auth.issuer]]\nname = \"{ISSUER}\"\njwks_url = \"https://127.0.0.1:{}/jwks\"\njwks_ca = \"{ca}\"\nalgorithm = \"ES256\"\nrefresh_every = \"1s\"\n", address.port())
    })
    .await;
    assert!(server.asked.load(Ordering::SeqCst) >= 1, "read at start; what is no set does not stop the hub");
    assert_eq!(hub.status(&token(&pair, Some("k1"))).await, 401);
    *server.document.lock().unwrap() = set(&[("k1", &pair)]);
    until(&hub, &token(&pair, Some("k1")), 200).await;
    let asked = server.asked.load(Ordering::SeqCst);
    let begun = Instant::now();
    for number in 0..200 {
        assert_eq!(hub.status(&token(&pair, Some(&format!("unknown-{number}")))).await, 401);
    }
    let due = usize::try_from(begun.elapsed().as_secs()).unwrap() + 2;
    assert!(server.asked.load(Ordering::SeqCst) - asked <= due, "a token made the hub fetch");
    hub.app.stop().await;
}

#[test]
fn settings_that_leave_it_open_whose_keys_are_meant_are_refused() {
    let folder = tempfile::TempDir::new().unwrap();
    let good = std::fs::read_to_string(crate::hub::root().join("config/hedui.example.toml")).unwrap();
    let refused = |from: &str, to: &str, why: &str| {
        assert!(good.contains(from), "{from}");
        let file = folder.path().join("hedui.toml");
        std::fs::write(&file, good.replacen(from, to, 1)).unwrap();
        let error = Config::load(&file).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    };
    let key = "public_key = \"keys/issuer.pem\"";
    refused(key, &format!("{key}\njwks_file = \"x.json\""), "exactly one");
    refused(key, "", "exactly one");
    refused(key, "jwks_url = \"http://issuer.example/jwks\"", "https://");
    refused(key, &format!("{key}\njwks_ca = \"x.pem\""), "belong together");
    refused(key, "jwks_url = \"https://issuer.example/jwks\"", "belong together");
    refused("issuer = \"https://hub.hedui.invalid\"", "issuer = \"http://hub.hedui.invalid\"", "https://host");
    refused("issuer = \"https://hub.hedui.invalid\"", "issuer = \"https://hub.hedui.invalid/\"", "https://host");
    refused("issuer = \"https://hub.hedui.invalid\"", "issuer = \"https://issuer.hedui.invalid\"", "auth.issuer");
    refused("lifetime = \"5m\"", "lifetime = \"11m\"", "lifetime");
    refused("algorithm = \"ES256\"", "algorithm = \"HS256\"", "HS256");
    refused("algorithm = \"ES256\"", "algorithm = \"none\"", "none");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_set_outside_what_may_be_reached_stops_the_start_and_says_so() {
    let hub = Hub::start(|_, config| config).await;
    let Hub { folder, files, app, .. } = hub;
    app.stop().await;
    let config = std::fs::read_to_string(&files.config).unwrap();
    for (url, why) in [
        ("https://192.0.2.1/jwks", "is not allowed: add"),
        ("https://169.254.169.254/latest/meta-data", "never connected to"),
        ("https://user@127.0.0.1/jwks", "leave out name and password"),
        ("https://0x7f.1/jwks", "plainly"),
    ] {
        let issuer = format!(
            "\n[[auth.issuer]]\nname = \"{ISSUER}\"\njwks_url = \"{url}\"\njwks_ca = \"keys/ca.pem\"\nalgorithm = \"ES256\"\n"
        );
        std::fs::write(&files.config, config.clone() + &issuer).unwrap();
        let started = hedui::app::App::start(&Config::load(&files.config).unwrap(), crate::hub::metrics()).await;
        let error = started.err().unwrap().to_string();
        assert!(error.contains(ISSUER) && error.contains(why), "{url}: {error}");
    }
    drop(folder);
}
