//! The hub's own token endpoint.

use std::time::{Duration, Instant};

use hedui::domain::clock::SystemRandomness;
use hedui::simulate::keys::TrialKeys;
use serde_json::{Value, json};

use super::{Hub, Pair, form, fresh, http, now};
use crate::hub::mint;

async fn hub() -> (Hub, Pair) {
    let hub = Hub::start(|_, config| config).await;
    let pair = Pair::eddsa();
    hub.register("c1", &pair).await;
    (hub, pair)
}

/// Runs a command that waits for the hub, which runs on this runtime.
fn blocking<T>(run: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(run)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_client_gets_a_token_and_the_log_knows() {
    let (hub, pair) = hub().await;
    let told = hub.grant(&pair.assertion("c1", |_, _| ())).await;
    let token = told.token();
    assert_eq!(told.headers["cache-control"], "no-store");
    assert_eq!((&told.body["token_type"], &told.body["scope"]), (&json!("Bearer"), &json!("verification")));
    assert_eq!(told.body["expires_in"], 300);
    assert_eq!(hub.status(&token).await, 200);
    let log = hub.log().await;
    let entry = log.iter().find(|event| event["action"] == "token_issued").unwrap();
    assert_eq!(entry["id"], told.body["receipt"]);
    assert_eq!((&entry["actor"], &entry["division"]), (&json!("c1"), &json!("152201")));
    assert!(log.iter().any(|event| event["action"] == "client_changed" && event["object"] == "client/c1/registered"));
    assert!(log.iter().any(|event| event["action"] == "key_changed"));
    assert!(!log.iter().any(|event| event.to_string().contains(&token)), "a token stands in the log");
    // RFC 9068, and the key that is published proves it.
    let header = jsonwebtoken::decode_header(&token).unwrap();
    assert_eq!(header.typ.as_deref(), Some("at+jwt"));
    let metadata = hub.json("/.well-known/oauth-authorization-server").await;
    assert_eq!(metadata["token_endpoint_auth_methods_supported"], json!(["private_key_jwt"]));
    assert_eq!(metadata["jwks_uri"], format!("{}/.well-known/jwks.json", metadata["issuer"].as_str().unwrap()));
    let jwks: jsonwebtoken::jwk::JwkSet = serde_json::from_value(hub.json("/.well-known/jwks.json").await).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(jwks.find(header.kid.as_deref().unwrap()).unwrap()).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::EdDSA);
    validation.set_audience(&["https://hub.hedui.invalid"]);
    let claims = jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap().claims;
    assert_eq!((&claims["client_id"], &claims["purposes"]), (&json!("c1"), &json!(["dibao"])));
    assert!(claims.get("cnf").is_none());
    let resource = hub.json("/.well-known/oauth-protected-resource").await;
    assert_eq!(resource["authorization_servers"], json!([metadata["issuer"], "https://issuer.hedui.invalid"]));
    hub.app.stop().await;
}

/// A22.
#[tokio::test(flavor = "multi_thread")]
async fn a22_of_twenty_parallel_replays_exactly_one_is_accepted_also_after_a_restart() {
    let (hub, pair) = hub().await;
    let assertion = pair.assertion("c1", |_, _| ());
    let told = futures_util::future::join_all((0..20).map(|_| hub.grant(&assertion))).await;
    assert_eq!(told.iter().filter(|told| told.status == 200).count(), 1);
    assert!(
        told.iter()
            .filter(|told| told.status != 200)
            .all(|told| told.status == 401 && told.error() == "invalid_client")
    );
    let replayed = |log: Vec<Value>| log.iter().filter(|event| event["problem"] == "assertion_replayed").count();
    assert_eq!(replayed(hub.log().await), 19);
    let hub = hub.restart().await;
    assert_eq!(hub.grant(&assertion).await.status, 401);
    // The same id from another client is another assertion.
    let other = Pair::es256();
    hub.register("c2", &other).await;
    let id = fresh();
    for (pair, client) in [(&pair, "c1"), (&other, "c2")] {
        let told = hub.grant(&pair.assertion(client, |_, claims| claims["jti"] = json!(id))).await;
        assert_eq!(told.status, 200, "{client}: {}", told.body);
    }
    hub.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_prove_the_client_is_refused_and_logged() {
    let (hub, pair) = hub().await;
    let stranger = Pair::eddsa();
    let access_token = mint(&hub.files, "c1", "000000", &[]);
    let bad = [
        pair.assertion("c1", |_, claims| claims["aud"] = json!("https://hub.hedui.invalid/oauth2/token")),
        pair.assertion("c1", |_, claims| claims["aud"] = json!(["https://hub.hedui.invalid"])),
        pair.assertion("c1", |_, claims| claims["aud"] = json!(["https://hub.hedui.invalid", "https://other.invalid"])),
        pair.assertion("c1", |_, claims| claims["exp"] = json!(now() + 61)),
        pair.assertion("c1", |_, claims| (claims["iat"], claims["exp"]) = (json!(now() - 75), json!(now() - 15))),
        pair.assertion("c1", |_, claims| (claims["iat"], claims["exp"]) = (json!(now() + 30), json!(now() + 60))),
        pair.assertion("c1", |_, claims| claims["nbf"] = json!(now() + 61)),
        pair.assertion("c1", |_, claims| drop(claims.as_object_mut().unwrap().remove("iat"))),
        pair.assertion("c1", |_, claims| drop(claims.as_object_mut().unwrap().remove("exp"))),
        pair.assertion("c1", |_, claims| drop(claims.as_object_mut().unwrap().remove("jti"))),
        pair.assertion("c1", |_, claims| claims["jti"] = json!("")),
        pair.assertion("c1", |_, claims| claims["jti"] = json!("j".repeat(201))),
        pair.assertion("c1", |_, claims| claims["sub"] = json!("c2")),
        pair.assertion("nobody", |_, _| ()),
        pair.assertion("c1", |header, _| header["typ"] = json!("JWT")),
        pair.assertion("c1", |header, _| header["typ"] = json!("at+jwt")),
        pair.assertion("c1", |header, _| header["kid"] = json!("another")),
        pair.assertion("c1", |header, _| header["crit"] = json!(["exp"])),
        pair.assertion("c1", |header, _| header["jwk"] = json!({})),
        pair.assertion("c1", |header, _| header["alg"] = json!("ES256")),
        stranger.assertion("c1", |_, _| ()),
        access_token,
        String::new(),
        "a.b.c".to_owned(),
    ];
    for assertion in &bad {
        let told = hub.grant(assertion).await;
        assert_eq!((told.status.as_u16(), told.error()), (401, "invalid_client"), "{assertion}: {}", told.body);
        assert!(told.headers.contains_key("www-authenticate"));
        assert!(told.body["detail"]["zh"].is_string() && told.body["request_id"].is_string());
        // RFC 6749 section 5.2: neither quotes nor backslashes, ASCII only.
        let text = told.body["error_description"].as_str().unwrap();
        assert!(text.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b'"' && byte != b'\\'), "{text}");
    }
    let good = pair.assertion("c1", |_, _| ());
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    for (form, status, error) in [
        (vec![("grant_type", "authorization_code")], 400, "unsupported_grant_type"),
        (vec![("scope", "verification")], 400, "invalid_request"),
        (vec![("grant_type", "client_credentials")], 401, "invalid_client"),
        (vec![("grant_type", "client_credentials"), ("grant_type", "client_credentials")], 400, "invalid_request"),
        (
            vec![("grant_type", "client_credentials"), ("client_id", "c1"), ("client_secret", "s")],
            400,
            "invalid_request",
        ),
        ([form(&good).to_vec(), vec![("scope", "access_log")]].concat(), 400, "invalid_scope"),
        ([form(&good).to_vec(), vec![("scope", "VERIFICATION")]].concat(), 400, "invalid_scope"),
        ([form(&good).to_vec(), vec![("scope", "verification verification")]].concat(), 400, "invalid_scope"),
        ([form(&good).to_vec(), vec![("client_id", "c2")]].concat(), 401, "invalid_client"),
        (vec![("grant_type", "client_credentials"), ("client_assertion_type", kind)], 401, "invalid_client"),
    ] {
        let told = hub.ask(&form).await;
        assert_eq!((told.status.as_u16(), told.error()), (status, error), "{form:?}: {}", told.body);
    }
    let whole = [form(&good).to_vec(), vec![("client_id", "c1"), ("scope", "verification"), ("extra", "1")]].concat();
    assert_eq!(hub.ask(&whole).await.status, 200, "nothing refused above had used the assertion up");
    let log = hub.log().await;
    let denied = log.iter().filter(|event| event["action"] == "denied").count();
    assert_eq!(denied, bad.len() + 10);
    let unproven = log.iter().filter(|event| event["object"] == "oauth2/token/unproven/c1").count();
    assert!(unproven >= 15, "who was named without proof stands apart from who acted: {unproven}");
    assert!(!log.iter().any(|event| event["action"] == "denied" && event["actor"] == "nobody"));
    let request = hub.http.post(hub.url("/oauth2/token")).header("content-type", "application/json").body("{}");
    assert_eq!(request.send().await.unwrap().status(), 415);
    let request = hub.http.post(hub.url("/oauth2/token")).header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(request.body("a".repeat(40_000)).send().await.unwrap().status(), 413);
    hub.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_client_and_a_withdrawn_key_are_out_within_seconds() {
    let (hub, pair) = hub().await;
    let token = hub.grant(&pair.assertion("c1", |_, _| ())).await.token();
    assert_eq!(hub.status(&token).await, 200);
    // Another key: the former one is good for its grace, and its tokens live on.
    let next = Pair::es256();
    let key = hub.key_file("next.pem", &next);
    let (code, told) = blocking(|| hub.client(&["rotate", "c1", "--key", &key, "--grace", "1d"]));
    assert_eq!((code, &told["done"]), (0, &json!("client/c1/key_rotated")));
    assert_eq!(hub.status(&token).await, 200);
    hub.grant(&pair.assertion("c1", |_, _| ())).await.token();
    hub.grant(&next.assertion("c1", |_, _| ())).await.token();
    // A theft: every key and token of before is dead.
    let last = Pair::eddsa();
    let key = hub.key_file("last.pem", &last);
    assert_eq!(blocking(|| hub.client(&["rotate", "c1", "--key", &key, "--grace", "0s"])).0, 0);
    assert_eq!(hub.status(&token).await, 401);
    for former in [&pair, &next] {
        assert_eq!(hub.grant(&former.assertion("c1", |_, _| ())).await.status, 401);
    }
    let token = hub.grant(&last.assertion("c1", |_, _| ())).await.token();
    assert_eq!(hub.status(&token).await, 200);
    let (code, told) = blocking(|| hub.client(&["rotate", "c1", "--key", &key]));
    assert_eq!(code, 1, "the same key again: {told}");
    let begun = Instant::now();
    assert_eq!(blocking(|| hub.client(&["revoke", "c1"])).0, 0);
    assert_eq!(hub.status(&token).await, 401);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(hub.grant(&last.assertion("c1", |_, _| ())).await.error(), "invalid_client");
    let hub = hub.restart().await;
    assert_eq!(hub.status(&token).await, 401);
    let (_, listed) = blocking(|| hub.client(&["list"]));
    assert!(listed[0]["revoked_at"].is_string() && listed[0]["keys"].as_array().unwrap().len() == 3);
    let done: Vec<String> = hub
        .log()
        .await
        .iter()
        .filter(|event| event["action"] == "client_changed")
        .map(|event| event["object"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(done, ["client/c1/revoked", "client/c1/key_rotated", "client/c1/key_rotated", "client/c1/registered"]);
    hub.app.stop().await;
}

/// A43.
#[tokio::test(flavor = "multi_thread")]
async fn a43_the_hubs_key_is_replaced_under_load_and_a_leaked_one_is_out_at_once() {
    let (hub, pair) = hub().await;
    let token = hub.grant(&pair.assertion("c1", |_, _| ())).await.token();
    assert_eq!(blocking(|| hub.client(&["hub-key"])).1["done"], "signing_key/2/made");
    // Beside those of tokens stands the key that questions to departments are signed with.
    assert_eq!(hub.json("/.well-known/jwks.json").await["keys"].as_array().unwrap().len(), 2 + 1);
    let second = hub.grant(&pair.assertion("c1", |_, _| ())).await.token();
    assert_ne!(jsonwebtoken::decode_header(&token).unwrap().kid, jsonwebtoken::decode_header(&second).unwrap().kid);
    assert_eq!((hub.status(&token).await, hub.status(&second).await), (http_ok(), http_ok()));
    let hub = hub.restart().await;
    assert_eq!((hub.status(&token).await, hub.status(&second).await), (http_ok(), http_ok()));
    assert_eq!(blocking(|| hub.client(&["hub-key", "--at-once"])).1["done"], "signing_key/3/made");
    assert_eq!(hub.json("/.well-known/jwks.json").await["keys"].as_array().unwrap().len(), 1 + 1);
    assert_eq!((hub.status(&token).await.as_u16(), hub.status(&second).await.as_u16()), (401, 401));
    let third = hub.grant(&pair.assertion("c1", |_, _| ())).await.token();
    assert_eq!(hub.status(&third).await, 200);
    hub.app.stop().await;
}

fn http_ok() -> reqwest::StatusCode {
    reqwest::StatusCode::OK
}

/// A23.
#[tokio::test(flavor = "multi_thread")]
async fn a23_a_token_got_over_mutual_tls_is_good_with_that_certificate_only() {
    let other = tempfile::TempDir::new().unwrap();
    let other = TrialKeys::write(other.path(), &SystemRandomness).map(|keys| (other, keys)).unwrap();
    let hub = Hub::start(|folder, config| {
        let own = std::fs::read(folder.join("keys/ca.pem")).unwrap();
        std::fs::write(folder.join("keys/clients.pem"), [own, std::fs::read(&other.1.ca).unwrap()].concat()).unwrap();
        config.replacen(
            "private_key = \"keys/server.key\"",
            "private_key = \"keys/server.key\"\nclient_ca = \"keys/clients.pem\"",
            1,
        )
    })
    .await;
    let pair = Pair::eddsa();
    hub.register("c1", &pair).await;
    assert!(hub.http.get(hub.url("/v1/policies")).send().await.is_err(), "no certificate, no connection");
    let own = http(&hub.files, Some((&hub.files.keys.hub, &hub.files.keys.hub_key)));
    let foreign = http(&hub.files, Some((&other.1.hub, &other.1.hub_key)));
    let told = hub.ask_over(&own, &form(&pair.assertion("c1", |_, _| ()))).await;
    let token = told.token();
    for _ in 0..2 {
        assert_eq!(hub.status_over(&own, &token).await, 200);
        assert_eq!(hub.status_over(&foreign, &token).await, 401);
    }
    let metadata: Value =
        own.get(hub.url("/.well-known/oauth-authorization-server")).send().await.unwrap().json().await.unwrap();
    assert_eq!(metadata["tls_client_certificate_bound_access_tokens"], true);
    hub.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_registered_while_no_hub_runs_and_refusals_say_why() {
    let (hub, _) = hub().await;
    let Hub { folder, files, app, http } = hub;
    app.stop().await;
    let pair = Pair::es256();
    let key = folder.path().join("cold.pem");
    std::fs::write(&key, &pair.public).unwrap();
    let (key, config) = (key.display().to_string(), files.config.display().to_string());
    let run = |arguments: &[&str], lang: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_hedui"));
        let output =
            command.args(["client"]).args(arguments).args(["--config", &config, "--lang", lang]).output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), told)
    };
    let create = |id: &str| {
        let arguments =
            ["create", id, "--organisation", "旗民政局", "--division", "152222", "--role", "officer", "--key", &key];
        (run(&arguments, "zh"), run(&arguments, "en"))
    };
    let ((first, told), (again, refused)) = create("sj-1");
    assert_eq!((first, again), (0, 1), "{told} {refused}");
    assert!(told.contains("已生效") && refused.contains("registered already"), "{told} {refused}");
    let (code, told) = run(&["create", "bad id", "--organisation", "x", "--division", "152222", "--key", &key], "zh");
    assert!(code == 1 && told.contains("客户端编号"), "{told}");
    let (code, told) = run(&["create", "c9", "--organisation", "x", "--division", "15", "--key", &key], "en");
    assert!(code == 2 && told.contains("six digits"), "{told}");
    let private = files.keys.issuer_key.display().to_string();
    let (code, told) = run(&["create", "c9", "--organisation", "x", "--division", "152222", "--key", &private], "en");
    assert!(code == 2 && told.contains("private key"), "{told}");
    let (code, told) = run(&["list"], "zh");
    assert!(code == 0 && told.contains("sj-1") && told.contains("审计"), "{told}");
    let app = hedui::app::App::start(&hedui::config::Config::load(&files.config).unwrap(), crate::hub::metrics())
        .await
        .unwrap();
    let hub = Hub { folder, files, app, http };
    let token = hub.grant(&pair.assertion("sj-1", |_, _| ())).await.token();
    let request = hub.http.get(hub.url("/v1/access-log")).bearer_auth(&token);
    assert_eq!(request.send().await.unwrap().status(), 200);
    let request = hub.http.get(hub.url("/v1/verifications/vf_1")).bearer_auth(&token);
    assert_eq!(request.send().await.unwrap().status(), 403, "an officer is no caseworker");
    hub.app.stop().await;
}
