//! What others rely on stays what it says: `OpenAPI`, example configuration, shipped packs and connectors.

use hedui::config::{Config, WitnessConfig};
use hedui::simulate::Simulation;
use hedui::tlog::note::VerifierKey;

use super::hub::{DEPARTMENTS, Setup, System, root};

/// `schemas/openapi.json` is generated; `HEDUI_WRITE_SCHEMAS=1` writes it anew.
#[test]
fn the_openapi_document_is_the_one_that_is_kept() {
    let made = hedui::http::openapi().to_pretty_json().unwrap() + "\n";
    let file = root().join("schemas/openapi.json");
    if std::env::var_os("HEDUI_WRITE_SCHEMAS").is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == made,
        "schemas/openapi.json is not what the code makes: HEDUI_WRITE_SCHEMAS=1 cargo test openapi, then read the difference"
    );
}

/// `docs/access-rules.md` is made from the rules that are applied; `HEDUI_WRITE_SCHEMAS=1` writes it anew.
#[test]
fn the_page_of_access_rules_is_the_one_that_is_kept() {
    let made = hedui::auth::access::page();
    let file = root().join("docs/access-rules.md");
    if std::env::var_os("HEDUI_WRITE_SCHEMAS").is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == made,
        "docs/access-rules.md is not what the rules say: HEDUI_WRITE_SCHEMAS=1 cargo test access_rules"
    );
}

#[test]
fn the_openapi_document_is_3_1_and_names_every_route() {
    let document: serde_json::Value = serde_json::from_str(&hedui::http::openapi().to_json().unwrap()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let paths: Vec<_> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        paths,
        [
            "/.well-known/jwks.json",
            "/.well-known/oauth-authorization-server",
            "/.well-known/oauth-protected-resource",
            "/oauth2/token",
            "/v1/access-log",
            "/v1/access-log/checkpoint",
            "/v1/access-log/proofs/consistency/{from}/{to}",
            "/v1/access-log/proofs/inclusion/{entry}",
            "/v1/access-log/tile/{path}",
            "/v1/access-log/{index}",
            "/v1/access-log:search",
            "/v1/adapter-invitations",
            "/v1/adapters",
            "/v1/adapters/{id}",
            "/v1/adapters/{id}/agreement",
            "/v1/adapters/{id}/health",
            "/v1/adapters/{id}/transitions",
            "/v1/adapters/{id}/usage",
            "/v1/adapters/{id}/usage/questions",
            "/v1/alerts",
            "/v1/alerts/{id}",
            "/v1/alerts/{id}/transitions",
            "/v1/approvals",
            "/v1/approvals/{id}",
            "/v1/approvals/{id}/decisions",
            "/v1/authorisations",
            "/v1/authorisations/{id}",
            "/v1/catalogue",
            "/v1/household-notices",
            "/v1/policies",
            "/v1/policies/{place}",
            "/v1/policies/{place}/evaluate",
            "/v1/samples",
            "/v1/samples/{id}",
            "/v1/samples/{id}/dice",
            "/v1/samples/{id}/draw",
            "/v1/verifications",
            "/v1/verifications/{id}",
            "/v1/verifications/{id}/case-events",
            "/v1/verifications/{id}/events",
            "/v1/verifications/{id}/household-notice",
            "/v1/verifications/{id}/refresh",
            "/v1/verifications/{id}/replay",
            "/v1/verifications/{id}/report",
            "/v1/verifications:plan"
        ]
    );
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(operation["security"].is_array(), "{method} {path} says whether it wants a token");
            let is_open = operation["security"] == serde_json::json!([{}]);
            assert_eq!(is_open, !path.starts_with("/v1/"), "{method} {path}: what lies under /v1/ wants a token");
            assert!(
                is_open || operation["responses"]["401"].is_object(),
                "{method} {path} says what happens without one"
            );
        }
    }
}

#[test]
fn the_example_configuration_is_understood() {
    let config = Config::load(&root().join("config/hedui.example.toml")).unwrap();
    assert_eq!(config.adapters.len(), 1);
    let broken = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    let text = std::fs::read_to_string(root().join("config/hedui.example.toml")).unwrap();
    std::fs::write(broken.path(), text.replace("max_body", "max_boddy")).unwrap();
    let error = Config::load(broken.path()).unwrap_err().to_string();
    assert!(error.contains("max_boddy"), "{error}");
    let witness = WitnessConfig::load(&root().join("config/witness.example.toml")).unwrap();
    assert!(VerifierKey::parse(&witness.logs[0]).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_shipped_connector_passes_its_golden_tests() {
    for department in DEPARTMENTS {
        let file = root().join("connectors").join(department).join("connector.toml");
        let connector =
            connectors::connector::Connector::read(&file).unwrap_or_else(|faults| panic!("{department}: {faults}"));
        let results = connectors::golden::run(&connector).await;
        assert!(results.len() >= 4, "{department} has golden tests");
        assert!(results.iter().all(connectors::golden::GoldenResult::passed), "{department}: {results:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_pages_say_what_is() {
    let system =
        System::start(Setup::default(), Simulation::population(3, 1, hedui::simulate::DEFAULT_DATE).unwrap()).await;
    assert_eq!(system.monitor("/livez").await.0, 200);
    assert_eq!(system.monitor("/readyz").await.0, 200);
    let document = system.caller.get("/openapi.json").await;
    assert_eq!(document.body["info"]["title"], "Hedui 居民家庭经济状况核对");
    system.stop().await;
}
