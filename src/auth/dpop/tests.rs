//! Proofs that must pass and proofs that must not (RFC 9449 section 4.3, abuse case A23).

use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::*;

const NOW: i64 = 1_760_000_000;
const HTU: &str = "https://hub.example/v1/verifications";
const TOKEN: [u8; 32] = [7; 32];

/// What is changed of a proof's header and claims.
type Change<'a> = &'a dyn Fn(&mut Value, &mut Value);

struct Holder {
    private: EncodingKey,
    jwk: Value,
    thumbprint: String,
}

fn holder() -> Holder {
    let pair = rcgen::KeyPair::generate().unwrap();
    let private = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
    let key = PublicKey::parse(&pair.public_key_pem()).unwrap();
    let mut jwk = key.to_jwk();
    let members = jwk.as_object_mut().unwrap();
    for member in ["use", "alg", "kid"] {
        members.remove(member);
    }
    Holder { private, jwk, thumbprint: key.id().to_owned() }
}

impl Holder {
    fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
        let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &self.private, Algorithm::ES256).unwrap();
        format!("{signed}.{signature}")
    }

    fn proof(&self, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let mut header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk });
        let mut claims =
            json!({ "jti": "p1", "htm": "POST", "htu": HTU, "iat": NOW, "ath": URL_SAFE_NO_PAD.encode(TOKEN) });
        change(&mut header, &mut claims);
        self.sign(&header, &claims)
    }

    fn check(&self, proof: &str) -> Result<Proof, ProofError> {
        check_for(proof, Some((TOKEN, &self.thumbprint)))
    }
}

fn check_for(proof: &str, token: Option<([u8; 32], &str)>) -> Result<Proof, ProofError> {
    let addresses =
        Addresses::new(["https://hub.example", "https://10.20.0.1:8443", "not an address", "http://hub.example"]);
    let expected = Expected { method: "POST", path: "/v1/verifications", addresses: &addresses, token };
    check(proof.as_bytes(), &expected, Timestamp::from_second(NOW).unwrap())
}

#[test]
fn a_good_proof_names_the_key_a_token_is_bound_to() {
    let holder = holder();
    let proof = holder.check(&holder.proof(|_, _| ())).unwrap();
    assert_eq!((proof.thumbprint.as_str(), proof.usable_until), (holder.thumbprint.as_str(), NOW + 70));
    // The same id again is the same proof, under another key it is another one.
    assert_eq!(holder.check(&holder.proof(|_, claims| claims["iat"] = json!(NOW - 5))).unwrap().used, proof.used);
    let other = self::holder();
    assert_ne!(other.check(&other.proof(|_, _| ())).unwrap().used, proof.used);
    let named = holder.proof(|header, _| header["jwk"]["kid"] = json!("another-name"));
    assert_eq!(holder.check(&named).unwrap().thumbprint, holder.thumbprint, "a key cannot choose its thumbprint");
    let asking = holder.proof(|_, claims| drop(claims.as_object_mut().unwrap().remove("ath")));
    assert!(check_for(&asking, None).is_ok(), "a token is asked for without one");
}

#[test]
fn an_address_is_compared_as_it_is_normalised() {
    let holder = holder();
    let told = |htu: &str| holder.check(&holder.proof(|_, claims| claims["htu"] = json!(htu)));
    for same in [
        HTU,
        "HTTPS://HUB.example:443/v1/verifications",
        "https://hub.example/v1/./x/../verifications",
        "https://hub.example/v1/verifications?wait=5#part",
        "https://10.20.0.1:8443/v1/verifications",
    ] {
        assert!(told(same).is_ok(), "{same}");
    }
    for other in [
        "",
        "/v1/verifications",
        "http://hub.example/v1/verifications",
        "https://hub.example:8443/v1/verifications",
        "https://hub.example.evil.example/v1/verifications",
        "https://evil.example/v1/verifications",
        "https://user@hub.example/v1/verifications",
        "https://hub.example/v1/verifications/",
        "https://hub.example/v1/Verifications",
        "https://hub.example/v1/verifications%2Fvf_1",
        "https://hub.example/",
        "https://10.20.0.1/v1/verifications",
        "ftp://hub.example/v1/verifications",
    ] {
        assert_eq!(told(other).err(), Some(ProofError::Request), "{other}");
    }
}

#[test]
fn every_fault_of_a_proof_is_found() {
    let (holder, other) = (holder(), holder());
    let faults: &[(Change<'_>, ProofError)] = &[
        (&|header, _| header["typ"] = json!("JWT"), ProofError::Form),
        (&|header, _| header["typ"] = json!("at+jwt"), ProofError::Form),
        (&|header, _| drop(header.as_object_mut().unwrap().remove("typ")), ProofError::Form),
        (&|header, _| drop(header.as_object_mut().unwrap().remove("jwk")), ProofError::Form),
        (&|header, _| header["jku"] = json!("https://evil.example"), ProofError::Form),
        (&|header, _| header["crit"] = json!(["exp"]), ProofError::Form),
        (&|header, _| header["jwk"] = json!({ "kty": "oct", "k": "c2VjcmV0" }), ProofError::Key),
        (&|header, _| header["jwk"] = json!("text"), ProofError::Key),
        (&|header, _| header["jwk"]["d"] = json!("AAAA"), ProofError::Key),
        (&|header, _| header["jwk"]["crv"] = json!("P-384"), ProofError::Key),
        (&|header, _| header["jwk"]["x"] = json!("AAAA"), ProofError::Key),
        (&|header, _| header["alg"] = json!("none"), ProofError::Signature),
        (&|header, _| header["alg"] = json!("EdDSA"), ProofError::Signature),
        (&|header, _| header["alg"] = json!("HS256"), ProofError::Signature),
        (&|_, claims| claims["htm"] = json!("GET"), ProofError::Request),
        (&|_, claims| claims["htm"] = json!("post"), ProofError::Request),
        (&|_, claims| claims["htm"] = json!(null), ProofError::Claims),
        (&|_, claims| claims["iat"] = json!(NOW - 61), ProofError::Lifetime),
        (&|_, claims| claims["iat"] = json!(NOW + 11), ProofError::Lifetime),
        (&|_, claims| claims["iat"] = json!(i64::MIN), ProofError::Lifetime),
        (&|_, claims| claims["iat"] = json!("now"), ProofError::Claims),
        (&|_, claims| claims["iat"] = json!(1.5e300), ProofError::Claims),
        (&|_, claims| claims["jti"] = json!(""), ProofError::Claims),
        (&|_, claims| claims["jti"] = json!("j".repeat(201)), ProofError::Claims),
        (&|_, claims| drop(claims.as_object_mut().unwrap().remove("jti")), ProofError::Claims),
        (&|_, claims| drop(claims.as_object_mut().unwrap().remove("htu")), ProofError::Claims),
        (&|_, claims| drop(claims.as_object_mut().unwrap().remove("ath")), ProofError::Token),
        (&|_, claims| claims["ath"] = json!(URL_SAFE_NO_PAD.encode([8; 32])), ProofError::Token),
    ];
    for (number, (change, fault)) in faults.iter().enumerate() {
        assert_eq!(holder.check(&holder.proof(change)).err(), Some(*fault), "fault {number}");
    }
    let foreign = holder.sign(
        &json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": other.jwk }),
        &json!({ "jti": "p1", "htm": "POST", "htu": HTU, "iat": NOW, "ath": URL_SAFE_NO_PAD.encode(TOKEN) }),
    );
    assert_eq!(holder.check(&foreign).err(), Some(ProofError::Signature), "signed with another key than it carries");
    assert_eq!(holder.check(&other.proof(|_, _| ())).err(), Some(ProofError::Token), "another holder's proof");
    let good = holder.proof(|_, _| ());
    for bad in ["", "a.b.c", &good[1..], &format!("{good}."), &"a".repeat(MAX_BYTES + 1)] {
        assert_eq!(holder.check(bad).err(), Some(ProofError::Form), "{bad:.40}");
    }
    let (body, signature) = good.rsplit_once('.').unwrap();
    let (header, claims) = body.split_once('.').unwrap();
    let twice = format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(r#"{"jti":"a","jti":"b"}"#));
    assert_eq!(holder.check(&twice).err(), Some(ProofError::Signature));
    assert!(holder.check(&format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode([0; 64]))).is_err(), "r = s = 0");
}
