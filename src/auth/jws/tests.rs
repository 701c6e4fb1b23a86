//! The JWS vectors of C2SP Wycheproof, and headers that must not be believed.

use serde_json::{Value, json};

use super::*;
use crate::auth::key::KeyAlgorithm;

/// Vectors that contradict the standard or themselves: two name PS256 keys for PS384 signatures (346, 350), two call
/// a good signature bad since the vector lost its padding (367, 370), two want `?` inside base64 accepted (372, 373).
const EXCLUDED: [u64; 6] = [346, 350, 367, 370, 372, 373];

#[test]
fn wycheproof_vectors_are_judged_as_they_say_for_every_key_that_is_accepted_here() {
    let vectors: Value = serde_json::from_str(include_str!("../../../tests/vectors/json_web_signature.json")).unwrap();
    let (mut seen, mut accepted, mut refused_keys) = (0, 0, 0);
    for group in vectors["testGroups"].as_array().unwrap() {
        let jwk = if group["public"].is_null() { &group["private"] } else { &group["public"] };
        let key = PublicKey::from_jwk(jwk);
        for test in group["tests"].as_array().unwrap() {
            let (id, is_valid) = (test["tcId"].as_u64().unwrap(), test["result"] == "valid");
            if EXCLUDED.contains(&id) {
                continue;
            }
            seen += 1;
            let text = test["jws"].as_str().map_or_else(|| test["jws"].to_string(), str::to_owned);
            let read = Jws::read(text.as_bytes());
            if let Ok(key) = &key {
                assert_eq!(key.algorithm(), KeyAlgorithm::Es256, "no other kind of key is in the vectors");
                let is_accepted = read.and_then(|jws| jws.verify(key)).is_ok();
                assert_eq!(is_accepted, is_valid, "{id} {}", test["comment"]);
                accepted += u32::from(is_accepted);
            } else {
                // Shared secrets, RSA, P-521, and P-256 keys for other uses: a token of theirs cannot be believed. The
                // form of a good one is read all the same.
                refused_keys += 1;
                assert!(!is_valid || read.is_ok(), "{id} {}", test["comment"]);
            }
        }
    }
    assert_eq!((seen, accepted), (395, 2));
    assert_eq!(refused_keys, 356);
}

fn jws(header: &str) -> String {
    format!("{}.{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode("{}"), URL_SAFE_NO_PAD.encode([0; 64]))
}

#[test]
fn a_header_that_chooses_its_key_or_is_ambiguous_is_refused() {
    assert!(Jws::read(jws(r#"{"alg":"ES256","typ":"at+jwt","kid":"k-1","x5t":"abc"}"#).as_bytes()).is_ok());
    for member in REFUSED_MEMBERS.into_iter().chain(["jwk"]) {
        let header = json!({ "alg": "ES256", member: null }).to_string();
        assert_eq!(Jws::read(jws(&header).as_bytes()).err(), Some(JwsError::Form), "{member}");
    }
    for header in [
        r#"{"alg":"none","alg":"ES256"}"#,
        r#"{"alg":"ES256","x":1,"x":2}"#,
        r#"{"typ":"at+jwt"}"#,
        r#"{"alg":["ES256"]}"#,
        r#"{"alg":"ES256","kid":1}"#,
        r#"{"alg":"ES256","kid":""}"#,
        r#"{"alg":"ES256","kid":"../../keys/server.key"}"#,
        r#"["ES256"]"#,
        "null",
        "",
    ] {
        assert!(Jws::read(jws(header).as_bytes()).is_err(), "{header}");
    }
}

#[test]
fn the_type_is_compared_as_media_types_are() {
    let is = |typ: &str| {
        let text = jws(&json!({ "alg": "ES256", "typ": typ }).to_string());
        Jws::read(text.as_bytes()).unwrap().is_of_type("at+jwt")
    };
    assert!(is("at+jwt") && is("AT+JWT") && is("application/at+jwt") && is("Application/At+Jwt"));
    assert!(!is("JWT") && !is("") && !is("text/at+jwt") && !is("application/application/at+jwt") && !is("核对+jwt"));
}
