//! Tokens that must pass and tokens that must not (RFC 8725, abuse case A21).

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::*;
use crate::auth::clients::{RegisteredClient, RegisteredKey, Registration, SenderConstrained};
use crate::auth::key::{KeyAlgorithm, PublicKey};
use crate::auth::signing::{SigningKey, issuer_keys};

const AUDIENCE: &str = "https://hedui.example";
const ISSUER: &str = "https://issuer.example";
const NOW: i64 = 1_760_000_000;

struct Fixture {
    verifier: TokenVerifier,
    private_key: String,
    public_key: String,
}

fn fixture() -> Fixture {
    let pair = rcgen::KeyPair::generate().unwrap();
    let (private_key, public_key) = (pair.serialize_pem(), pair.public_key_pem());
    let verifier = TokenVerifier::new(AUDIENCE);
    let key = PublicKey::from_pem(&public_key, KeyAlgorithm::Es256).unwrap();
    verifier.trust_issuer(ISSUER, IssuerKeys::one(key));
    Fixture { verifier, private_key, public_key }
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "caseworker-1", "aud": AUDIENCE, "iat": NOW, "exp": NOW + 300, "jti": "t1",
        "client_id": "caseworker-1", "scope": "verification", "organisation": "乌兰浩特市民政局",
        "division_code": "152200", "purposes": ["dibao"]
    })
}

fn header() -> Header {
    Header { typ: Some("at+jwt".to_owned()), ..Header::new(Algorithm::ES256) }
}

impl Fixture {
    fn sign(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &EncodingKey::from_ec_pem(self.private_key.as_bytes()).unwrap()).unwrap()
    }

    fn verify(&self, token: &str) -> Result<Arc<Client>, TokenError> {
        self.verify_at(token, NOW + 1)
    }

    fn verify_at(&self, token: &str, now: i64) -> Result<Arc<Client>, TokenError> {
        let authorization = format!("Bearer {token}");
        let accredited =
            self.verifier.verify(Some(authorization.as_bytes()), None, Timestamp::from_second(now).unwrap())?;
        assert!(accredited.bound_to.is_none(), "a bearer token asks for no proof");
        Ok(accredited.client)
    }
}

#[test]
fn a_good_token_names_the_client() {
    let fixture = fixture();
    let client = fixture.verify(&fixture.sign(&header(), &claims())).unwrap();
    assert_eq!((client.id.as_str(), client.division.as_str()), ("caseworker-1", "152200"));
}

#[test]
fn a_remembered_token_still_expires() {
    let fixture = fixture();
    let token = fixture.sign(&header(), &claims());
    assert!(fixture.verify(&token).is_ok());
    assert_eq!(fixture.verify_at(&token, NOW + 311), Err(TokenError::Lifetime));
    assert_eq!(fixture.verify_at(&token, NOW - 11), Err(TokenError::Lifetime));
}

#[test]
fn claims_that_are_wrong_are_refused() {
    let fixture = fixture();
    for (claim, value, error) in [
        ("iss", json!("https://other.example"), TokenError::Issuer),
        ("iss", json!(""), TokenError::Issuer),
        ("aud", json!("https://other.example"), TokenError::Invalid),
        ("aud", json!(null), TokenError::Invalid),
        ("aud", json!([AUDIENCE, "https://other.example"]), TokenError::Invalid),
        ("aud", json!([]), TokenError::Invalid),
        ("cnf", json!({ "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" }), TokenError::Scheme),
        ("cnf", json!({ "jkt": "short" }), TokenError::Invalid),
        ("cnf", json!({}), TokenError::Invalid),
        ("cnf", json!({ "kid": "k1" }), TokenError::Invalid),
        ("cnf", json!({ "x5t#S256": "short" }), TokenError::Invalid),
        ("sub", json!("someone-else"), TokenError::Invalid),
        ("exp", json!(NOW + 601), TokenError::Lifetime),
        ("exp", json!(NOW), TokenError::Lifetime),
        ("exp", json!(i64::MAX), TokenError::Lifetime),
        ("iat", json!(i64::MIN), TokenError::Lifetime),
        ("exp", json!("soon"), TokenError::Invalid),
        ("nbf", json!(NOW + 60), TokenError::Lifetime),
        ("scope", json!("verifications"), TokenError::Scope),
        ("scope", json!(""), TokenError::Scope),
        ("purposes", json!(["curiosity"]), TokenError::Invalid),
        ("division_code", json!("15"), TokenError::Invalid),
        ("client_id", json!(""), TokenError::Invalid),
    ] {
        let mut claims = claims();
        claims[claim] = value.clone();
        assert_eq!(fixture.verify(&fixture.sign(&header(), &claims)).err(), Some(error), "{claim} = {value}");
    }
    for claim in
        ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope", "organisation", "division_code", "purposes"]
    {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(claim);
        assert!(fixture.verify(&fixture.sign(&header(), &claims)).is_err(), "without {claim}");
    }
}

#[test]
fn headers_that_are_wrong_are_refused() {
    let fixture = fixture();
    for typ in [None, Some("JWT"), Some("dpop+jwt"), Some("")] {
        let header = Header { typ: typ.map(str::to_owned), ..header() };
        assert_eq!(fixture.verify(&fixture.sign(&header, &claims())).err(), Some(TokenError::Form), "{typ:?}");
    }
    let header = Header { crit: Some(vec!["b64".to_owned()]), ..header() };
    assert_eq!(fixture.verify(&fixture.sign(&header, &claims())).err(), Some(TokenError::Form));
}

#[test]
fn algorithm_confusion_is_refused() {
    let fixture = fixture();
    let body = claims();
    let none = {
        use base64::Engine as _;
        let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let header = engine.encode(r#"{"alg":"none","typ":"at+jwt"}"#);
        format!("{header}.{}.", engine.encode(body.to_string()))
    };
    assert!(fixture.verify(&none).is_err());
    let secret = EncodingKey::from_secret(fixture.public_key.as_bytes());
    let header = Header { typ: Some("at+jwt".to_owned()), ..Header::new(Algorithm::HS256) };
    let hmac = jsonwebtoken::encode(&header, &body, &secret).unwrap();
    assert_eq!(fixture.verify(&hmac).err(), Some(TokenError::Invalid));
    let stranger = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let key = EncodingKey::from_ec_pem(stranger.as_bytes()).unwrap();
    let forged = jsonwebtoken::encode(&self::header(), &body, &key).unwrap();
    assert_eq!(fixture.verify(&forged).err(), Some(TokenError::Invalid));
}

#[test]
fn what_is_no_token_is_refused_without_a_panic() {
    let fixture = fixture();
    let good = fixture.sign(&header(), &claims());
    let mut altered = good.clone();
    altered.pop();
    for bad in ["", ".", "..", "...", "a.b.c", "é.é.é", &good[1..], &altered, &format!("{good}."), &"a".repeat(9000)]
    {
        assert!(fixture.verify(bad).is_err(), "{bad}");
    }
    for header in [None, Some(""), Some("Bearer"), Some("Basic abc"), Some("\u{fffd}")] {
        let now = Timestamp::from_second(NOW).unwrap();
        assert_eq!(fixture.verifier.verify(header.map(str::as_bytes), None, now).err(), Some(TokenError::Missing));
    }
}

#[test]
fn a_token_bound_to_a_certificate_is_good_over_that_connection_only() {
    let fixture = fixture();
    let mut claims = claims();
    claims["cnf"] = json!({ "x5t#S256": URL_SAFE_NO_PAD.encode([7; 32]) });
    let authorization = format!("Bearer {}", fixture.sign(&header(), &claims));
    let over = |certificate: Option<&Thumbprint>| {
        let now = Timestamp::from_second(NOW + 1).unwrap();
        fixture.verifier.verify(Some(authorization.as_bytes()), certificate, now).err()
    };
    // Twice, so that the remembered token is held to its certificate too.
    for _ in 0..2 {
        assert_eq!(over(Some(&[7; 32])), None);
        assert_eq!(over(Some(&[8; 32])), Some(TokenError::Binding));
        assert_eq!(over(None), Some(TokenError::Binding));
    }
}

fn registration(id: &str) -> Registration {
    let at = Timestamp::from_second(NOW - 100).unwrap();
    Registration {
        client: Client {
            id: id.to_owned(),
            organisation: "测试民政局".to_owned(),
            division: DivisionCode::parse("152200").unwrap(),
            purposes: vec![Purpose::Dibao],
            role: Role::Caseworker,
            department: None,
        },
        keys: Vec::<RegisteredKey>::new(),
        registered_at: at,
        tokens_from: None,
        sender_constrained: SenderConstrained::Optional,
        revoked_at: None,
    }
}

fn own(keys: &[SigningKey], registration: Registration) -> OwnIssuer {
    let clients = std::iter::once(RegisteredClient::new(registration).unwrap()).collect();
    OwnIssuer { name: "https://hub.example".to_owned(), keys: issuer_keys(keys), clients: Arc::new(clients) }
}

#[test]
fn a_revoked_client_is_out_although_its_token_was_accepted_before() {
    let fixture = fixture();
    let key = SigningKey::from_seed(1, &[1; 32], Timestamp::UNIX_EPOCH, None).unwrap();
    let mut told = claims();
    told["iss"] = json!("https://hub.example");
    let token = key.sign(&serde_json::from_value(told).unwrap());
    let registered = registration("caseworker-1");
    fixture.verifier.trust_own(own(std::slice::from_ref(&key), registered.clone()));
    assert!(fixture.verify(&token).is_ok());
    let revoked = Registration { revoked_at: Some(Timestamp::from_second(NOW).unwrap()), ..registered.clone() };
    fixture.verifier.trust_own(own(std::slice::from_ref(&key), revoked));
    assert_eq!(fixture.verify(&token).err(), Some(TokenError::Invalid));
    let withdrawn = Registration { tokens_from: Some(Timestamp::from_second(NOW).unwrap()), ..registered.clone() };
    fixture.verifier.trust_own(own(std::slice::from_ref(&key), withdrawn));
    assert_eq!(fixture.verify(&token).err(), Some(TokenError::Invalid));
    fixture.verifier.trust_own(own(std::slice::from_ref(&key), registered.clone()));
    assert!(fixture.verify(&token).is_ok());
    // A43: the key was replaced; its tokens are believed until it retires, remembered or not.
    let retiring = key.retiring(Timestamp::from_second(NOW + 60).unwrap());
    let next = SigningKey::from_seed(2, &[2; 32], Timestamp::UNIX_EPOCH, None).unwrap();
    fixture.verifier.trust_own(own(&[retiring, next], registered));
    assert!(fixture.verify_at(&token, NOW + 59).is_ok());
    assert!(fixture.verify_at(&token, NOW + 60 + LEEWAY_SECONDS).is_err());
}

#[test]
fn an_issuer_cannot_speak_for_a_client_that_is_registered_here() {
    let fixture = fixture();
    let token = fixture.sign(&header(), &claims());
    assert!(fixture.verify(&token).is_ok());
    fixture.verifier.trust_own(own(&[], registration("caseworker-1")));
    assert_eq!(fixture.verify(&token).err(), Some(TokenError::Invalid));
    fixture.verifier.trust_own(own(&[], registration("another")));
    assert!(fixture.verify(&token).is_ok());
}

#[test]
fn the_same_key_id_at_two_issuers_is_two_keys() {
    let (fixture, other) = (fixture(), self::fixture());
    let set = |public: &str| {
        let mut jwk = PublicKey::parse(public).unwrap().to_jwk();
        jwk["kid"] = json!("k1");
        IssuerKeys::parse(json!({ "keys": [jwk] }).to_string().as_bytes(), KeyAlgorithm::Es256).unwrap()
    };
    fixture.verifier.trust_issuer(ISSUER, set(&fixture.public_key));
    fixture.verifier.trust_issuer("https://second.example", set(&other.public_key));
    let header = Header { kid: Some("k1".to_owned()), ..header() };
    assert!(fixture.verify(&fixture.sign(&header, &claims())).is_ok());
    assert_eq!(fixture.verify(&other.sign(&header, &claims())).err(), Some(TokenError::Invalid));
    let unknown = Header { kid: Some("k2".to_owned()), ..header };
    assert_eq!(fixture.verify(&fixture.sign(&unknown, &claims())).err(), Some(TokenError::Invalid));
}
