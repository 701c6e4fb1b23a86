//! A21: tokens that must never pass, at a running hub: 401, no failure of the hub, nothing fetched.

use std::net::TcpListener;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hedui::simulate::keys::{TRIAL_AUDIENCE, TRIAL_ISSUER};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::{Hub, Pair, fresh, now};

fn claims() -> Value {
    let now = now();
    json!({
        "iss": TRIAL_ISSUER, "sub": "c1", "aud": TRIAL_AUDIENCE, "iat": now, "exp": now + 300, "jti": fresh(),
        "client_id": "c1", "scope": "verification", "organisation": "测试民政局", "division_code": "000000",
        "purposes": ["dibao"]
    })
}

fn changed(change: impl FnOnce(&mut Value)) -> String {
    let mut claims = claims();
    change(&mut claims);
    claims.to_string()
}

fn b64(text: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

const HEADER: &str = r#"{"alg":"ES256","typ":"at+jwt"}"#;

/// An HS256 token with a secret that an attacker can guess or read.
fn hs256(secret: &[u8]) -> String {
    let signed = format!("{}.{}", b64(r#"{"alg":"HS256","typ":"at+jwt"}"#), b64(claims().to_string()));
    let key = EncodingKey::from_secret(secret);
    format!("{signed}.{}", jsonwebtoken::crypto::sign(signed.as_bytes(), &key, Algorithm::HS256).unwrap())
}

/// The signature of a good token as DER instead of two numbers of 32 bytes (RFC 7518 section 3.4).
fn der(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let raw = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let integer = |part: &[u8]| {
        let part = [vec![0], part.to_vec()].concat();
        [vec![2, u8::try_from(part.len()).unwrap()], part].concat()
    };
    let body = [integer(&raw[..32]), integer(&raw[32..])].concat();
    format!("{signed}.{}", b64([vec![0x30, u8::try_from(body.len()).unwrap()], body].concat()))
}

fn attacks(hub: &Hub, own: &Pair, canary: &str) -> Vec<(String, String)> {
    let public = std::fs::read_to_string(&hub.files.keys.issuer).unwrap();
    let good = own.sign(HEADER, &claims().to_string());
    let stranger = Pair::es256();
    let with = |header: Value| own.sign(&header.to_string(), &claims().to_string());
    let header = |name: &str, value: Value| with(json!({ "alg": "ES256", "typ": "at+jwt", name: value }));
    let mut list: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, token: String| list.push((name.to_owned(), token));
    for alg in ["none", "None", "NONE", "nOnE", "none ", "\u{0}none", ""] {
        let header = json!({ "alg": alg, "typ": "at+jwt" }).to_string();
        add(&format!("alg {alg:?}"), format!("{}.{}.", b64(header), b64(claims().to_string())));
    }
    let parts: Vec<&str> = good.split('.').collect();
    add("two parts", format!("{}.{}", parts[0], parts[1]));
    add("no signature", format!("{}.{}.", parts[0], parts[1]));
    add("four parts", format!("{good}.{}", parts[2]));
    add("null parts", "null.null.null".to_owned());
    let mut flipped = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
    flipped[10] ^= 1;
    add("bit flip", format!("{}.{}.{}", parts[0], parts[1], b64(flipped)));
    add("r = s = 0", format!("{}.{}.{}", parts[0], parts[1], b64([0; 64])));
    add("DER", der(&good));
    let swapped = changed(|claims| claims["division_code"] = json!("110000"));
    add("payload swap", format!("{}.{}.{}", parts[0], b64(swapped), parts[2]));
    add("HS256 with the public key", hs256(public.as_bytes()));
    add("HS256 with the public key, trimmed", hs256(public.trim().as_bytes()));
    add("HS256 with an empty key", hs256(b""));
    add("HS256 with `secret`", hs256(b"secret"));
    let jwk = hedui::auth::key::PublicKey::parse(&stranger.public).unwrap().to_jwk();
    let embedded = json!({ "alg": "ES256", "typ": "at+jwt", "jwk": jwk }).to_string();
    add("embedded jwk", stranger.sign(&embedded, &claims().to_string()));
    add("jku", header("jku", json!(canary)));
    add("x5u", header("x5u", json!(canary)));
    add("jku and unknown kid", with(json!({ "alg": "ES256", "typ": "at+jwt", "jku": canary, "kid": "unknown" })));
    for kid in [
        "../../../../../../dev/null",
        "/dev/null",
        "x' OR '1'='1",
        "x' UNION SELECT 'secret",
        "a\u{0}b",
        canary,
        &"k".repeat(9 * 1024),
    ] {
        add(&format!("kid {}", &kid[..kid.len().min(30)]), header("kid", json!(kid)));
    }
    for (name, claim, value) in [
        ("expired 120 s ago", "exp", json!(now() - 120)),
        ("nbf in 300 s", "nbf", json!(now() + 300)),
        ("iat in 300 s", "iat", json!(now() + 290)),
        ("exp as text", "exp", json!((now() + 300).to_string())),
        ("aud other", "aud", json!("https://other.invalid")),
        ("aud list", "aud", json!(["https://other.invalid", TRIAL_AUDIENCE])),
        ("iss other", "iss", json!("https://other.invalid")),
        ("iss prefix", "iss", json!(format!("{TRIAL_ISSUER}.evil.invalid"))),
    ] {
        add(name, own.sign(HEADER, &changed(|claims| claims[claim] = value)));
    }
    for claim in ["exp", "aud", "iss"] {
        add(
            &format!("no {claim}"),
            own.sign(HEADER, &changed(|claims| drop(claims.as_object_mut().unwrap().remove(claim)))),
        );
    }
    let huge = claims().to_string().replacen("\"exp\":", "\"exp\":1e400,\"was\":", 1);
    add("exp 1e400", own.sign(HEADER, &huge));
    add("an id token", with(json!({ "alg": "ES256", "typ": "JWT" })));
    add("a client assertion", with(json!({ "alg": "ES256", "typ": "client-authentication+jwt" })));
    add("crit unknown", header("crit", json!(["x-unknown"])));
    add("b64 = false", with(json!({ "alg": "ES256", "typ": "at+jwt", "b64": false, "crit": ["b64"] })));
    add("zip", header("zip", json!("DEF")));
    add("alg twice", own.sign(r#"{"alg":"none","typ":"at+jwt","alg":"ES256"}"#, &claims().to_string()));
    add("JSON serialisation", json!({ "protected": parts[0], "payload": parts[1], "signature": parts[2] }).to_string());
    add("256 KiB", format!("{}.{}.{}", parts[0], "A".repeat(256 * 1024), parts[2]));
    add("not base64", format!("{}.{}!.{}", parts[0], parts[1], parts[2]));
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    add("nesting 20,000", own.sign(HEADER, &deep));
    add("nesting 2,000", own.sign(HEADER, &format!("{{\"a\":{}{}}}", "[".repeat(2_000), "]".repeat(2_000))));
    add("empty", String::new());
    list
}

#[tokio::test(flavor = "multi_thread")]
async fn a21_no_attack_token_passes_and_none_makes_the_hub_fetch() {
    let hub = Hub::start(|_, config| config).await;
    let private = std::fs::read(&hub.files.keys.issuer_key).unwrap();
    let own = Pair {
        private: EncodingKey::from_ec_pem(&private).unwrap(),
        algorithm: Algorithm::ES256,
        public: std::fs::read_to_string(&hub.files.keys.issuer).unwrap(),
    };
    let good = own.sign(HEADER, &claims().to_string());
    assert_eq!(hub.status(&good).await, 200, "the tokens below differ from a good one by their attack only");
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let address = format!("https://{}/jwks.json", canary.local_addr().unwrap());
    let list = attacks(&hub, &own, &address);
    let mut refused = 0;
    for (name, token) in &list {
        let request = hub.http.get(hub.url("/v1/policies")).header("authorization", format!("Bearer {token}"));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401, "{name}");
        let challenge = response.headers()["www-authenticate"].to_str().unwrap();
        // An empty token is none: RFC 6750 section 3.1 has no error code for that.
        let says_wrong = challenge.starts_with("Bearer realm=\"hedui\", error=\"invalid_token\"");
        assert_eq!(says_wrong, !token.is_empty(), "{name}: {challenge}");
        assert!(challenge.contains("/.well-known/oauth-protected-resource"), "{challenge}");
        refused += 1;
    }
    let response = hub.http.get(hub.url(&format!("/v1/policies?access_token={good}"))).send().await.unwrap();
    assert_eq!(response.status(), 401, "a token in the query");
    let challenge = response.headers()["www-authenticate"].to_str().unwrap();
    assert!(!challenge.contains("error="), "who sent no token is not told that it was wrong: {challenge}");
    refused += 1;
    assert!(refused >= 55, "{refused}");
    assert!(canary.accept().is_err(), "a token made the hub connect");
    assert_eq!(hub.status(&good).await, 200);
    let denied = hub.log().await.iter().filter(|event| event["action"] == "denied").count();
    assert_eq!(denied, refused, "each refusal is in the log");
    hub.app.stop().await;
}
