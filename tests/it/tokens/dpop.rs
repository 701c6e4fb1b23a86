//! A23: tokens that are bound to a key (`DPoP`, RFC 9449), over real sockets.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hedui::auth::key::PublicKey;
use hedui::simulate::keys::TRIAL_AUDIENCE;
use serde_json::{Value, json};

use super::{Hub, Pair, Told, form, fresh, now};
use crate::hub::mint;

/// A key that a caller proves, beside the one it is registered with.
struct Holder {
    pair: Pair,
    jwk: Value,
    alg: &'static str,
}

impl Holder {
    fn new(pair: Pair) -> Self {
        let mut jwk = PublicKey::parse(&pair.public).unwrap().to_jwk();
        let alg = if jwk["kty"] == "EC" { "ES256" } else { "EdDSA" };
        for member in ["use", "alg", "kid"] {
            jwk.as_object_mut().unwrap().remove(member);
        }
        Self { pair, jwk, alg }
    }

    /// A proof for a request, with changes.
    fn proof(&self, method: &str, path: &str, token: Option<&str>, change: impl FnOnce(&mut Value)) -> String {
        let header = json!({ "typ": "dpop+jwt", "alg": self.alg, "jwk": self.jwk });
        let mut claims =
            json!({ "jti": fresh(), "htm": method, "htu": format!("{TRIAL_AUDIENCE}{path}"), "iat": now() });
        if let Some(token) = token {
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
            claims["ath"] = json!(URL_SAFE_NO_PAD.encode(digest));
        }
        change(&mut claims);
        self.pair.sign(&header.to_string(), &claims.to_string())
    }
}

async fn ask(hub: &Hub, assertion: &str, proofs: &[&str]) -> Told {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form(assertion)).finish();
    let mut request =
        hub.http.post(hub.url("/oauth2/token")).header("content-type", "application/x-www-form-urlencoded");
    for proof in proofs {
        request = request.header("dpop", *proof);
    }
    Told::of(request.body(body).send().await.unwrap()).await
}

/// A request for the list of policies.
async fn get(hub: &Hub, authorization: &str, proofs: &[&str]) -> Told {
    let mut request = hub.http.get(hub.url("/v1/policies")).header("authorization", authorization);
    for proof in proofs {
        request = request.header("dpop", *proof);
    }
    Told::of(request.send().await.unwrap()).await
}

const PATH: &str = "/v1/policies";

fn challenge(told: &Told) -> &str {
    told.headers["www-authenticate"].to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_a_token_that_is_bound_to_a_key_is_good_with_a_fresh_proof_of_that_key_only() {
    let hub = Hub::start(|_, config| config).await;
    let pair = Pair::eddsa();
    hub.register("c1", &pair).await;
    for holder in [Holder::new(Pair::es256()), Holder::new(Pair::eddsa())] {
        let proof = holder.proof("POST", "/oauth2/token", None, |_| ());
        let told = ask(&hub, &pair.assertion("c1", |_, _| ()), &[&proof]).await;
        assert_eq!(told.body["token_type"], "DPoP", "{}", told.body);
        let token = told.token();
        let claims: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap();
        assert_eq!(claims["cnf"]["jkt"], PublicKey::parse(&holder.pair.public).unwrap().id(), "{claims}");
        let dpop = format!("DPoP {token}");
        for _ in 0..2 {
            let proof = holder.proof("GET", PATH, Some(&token), |_| ());
            let good = get(&hub, &dpop, &[&proof]).await;
            assert_eq!(good.status, 200, "{}", good.body);
            let again = get(&hub, &dpop, &[&proof]).await;
            assert_eq!((again.status.as_u16(), &again.body["code"]), (401, &json!("invalid_dpop_proof")), "used once");
        }
        // Under the address that is bound, too.
        let bound = holder.proof("GET", PATH, Some(&token), |claims| claims["htu"] = json!(hub.url(PATH)));
        assert_ne!(get(&hub, &dpop, &[&bound]).await.status, 401);

        let stranger = Holder::new(Pair::es256());
        let proof = |change: &dyn Fn(&mut Value)| holder.proof("GET", PATH, Some(&token), |claims| change(claims));
        let good = proof(&|_| ());
        for (bad, why) in [
            (proof(&|claims| claims["htm"] = json!("POST")), "another method"),
            (proof(&|claims| claims["htu"] = json!("https://hub.hedui.invalid/v1/verifications")), "another path"),
            (proof(&|claims| claims["htu"] = json!("https://evil.invalid/v1/policies")), "another host"),
            (proof(&|claims| claims["ath"] = json!(URL_SAFE_NO_PAD.encode([0; 32]))), "another token"),
            (proof(&|claims| drop(claims.as_object_mut().unwrap().remove("ath"))), "no token"),
            (proof(&|claims| claims["iat"] = json!(now() - 90)), "too old"),
            (proof(&|claims| claims["iat"] = json!(now() + 90)), "from the future"),
            (stranger.proof("GET", PATH, Some(&token), |_| ()), "another key"),
            (holder.proof("GET", "/oauth2/token", None, |_| ()), "for asking"),
            (String::new(), "empty"),
            ("a.b.c".to_owned(), "garbage"),
        ] {
            let told = get(&hub, &dpop, &[&bad]).await;
            assert_eq!(
                (told.status.as_u16(), &told.body["code"]),
                (401, &json!("invalid_dpop_proof")),
                "{why}: {}",
                told.body
            );
            let challenge = challenge(&told);
            assert!(
                challenge.starts_with("DPoP ") && challenge.contains("error=\"invalid_dpop_proof\""),
                "{challenge}"
            );
            assert!(challenge.contains("algs=\"ES256 EdDSA\""), "{challenge}");
            assert!(told.body["fix"]["zh"].is_string() && told.body["fix"]["en"].is_string());
        }
        assert_eq!(get(&hub, &dpop, &[]).await.body["code"], "invalid_dpop_proof", "no proof");
        assert_eq!(get(&hub, &dpop, &[&good, &good]).await.body["code"], "invalid_dpop_proof", "two proofs");
        let downgraded = get(&hub, &format!("Bearer {token}"), &[&good]).await;
        assert_eq!(
            (downgraded.status.as_u16(), &downgraded.body["code"]),
            (401, &json!("invalid_token")),
            "as a bearer token"
        );
        assert_ne!(get(&hub, &dpop, &[&good]).await.status, 401, "nothing refused above had used the proof up");
    }
    let bearer = hub.grant(&pair.assertion("c1", |_, _| ())).await.token();
    let holder = Holder::new(Pair::es256());
    let proof = holder.proof("GET", PATH, Some(&bearer), |_| ());
    assert_eq!(
        get(&hub, &format!("DPoP {bearer}"), &[&proof]).await.status,
        401,
        "a bearer token is not bound by its sender"
    );
    assert_ne!(
        get(&hub, &format!("Bearer {bearer}"), &[&proof]).await.status,
        401,
        "a proof that nobody asks for does no harm"
    );
    let foreign = mint(&hub.files, "other", "000000", &[]);
    assert_eq!(get(&hub, &format!("DPoP {foreign}"), &[&proof]).await.status, 401);
    let log = hub.log().await;
    assert!(log.iter().any(|event| event["action"] == "denied" && event["problem"] == "invalid_dpop_proof"));
    hub.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_of_twenty_parallel_replays_of_a_proof_one_is_accepted_also_after_a_restart() {
    let hub = Hub::start(|_, config| config).await;
    let pair = Pair::eddsa();
    hub.register("c1", &pair).await;
    let holder = Holder::new(Pair::es256());
    let proof = holder.proof("POST", "/oauth2/token", None, |_| ());
    let asked = (0..20).map(|_| {
        let assertion = pair.assertion("c1", |_, _| ());
        let (hub, proof) = (&hub, &proof);
        async move { ask(hub, &assertion, &[proof]).await }
    });
    let told = futures_util::future::join_all(asked).await;
    let given: Vec<&Told> = told.iter().filter(|told| told.status == 200).collect();
    assert_eq!(given.len(), 1);
    assert!(
        told.iter()
            .filter(|told| told.status != 200)
            .all(|told| told.status == 400 && told.error() == "invalid_dpop_proof")
    );
    let token = given[0].token();
    let proof = holder.proof("GET", PATH, Some(&token), |_| ());
    let dpop = format!("DPoP {token}");
    let proofs = [proof.as_str()];
    let shown = futures_util::future::join_all((0..20).map(|_| get(&hub, &dpop, &proofs))).await;
    assert_eq!(shown.iter().filter(|told| told.status != 401).count(), 1);
    let hub = hub.restart().await;
    assert_eq!(get(&hub, &dpop, &[&proof]).await.status, 401, "a restart forgets none");
    let fresh = holder.proof("GET", PATH, Some(&token), |_| ());
    assert_ne!(get(&hub, &dpop, &[&fresh]).await.status, 401);
    hub.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_whose_tokens_must_be_bound_gets_none_without_certificate_or_proof() {
    let hub = Hub::start(|_, config| config).await;
    let pair = Pair::eddsa();
    hub.register("c1", &pair).await;
    let before = hub.grant(&pair.assertion("c1", |_, _| ())).await.token();
    assert_eq!(hub.status(&before).await, 200);
    let constrained = tokio::task::block_in_place(|| hub.client(&["constrain", "c1", "required"]));
    assert_eq!((constrained.0, &constrained.1["done"]), (0, &json!("client/c1/sender_constrained")));
    assert_eq!(hub.status(&before).await, 401, "what was given unbound is dead");
    let assertion = pair.assertion("c1", |_, _| ());
    let told = hub.grant(&assertion).await;
    assert_eq!((told.status.as_u16(), told.error()), (400, "invalid_request"), "{}", told.body);
    assert!(told.body["detail"]["zh"].as_str().unwrap().contains("DPoP"));
    let holder = Holder::new(Pair::es256());
    for bad in [
        holder.proof("GET", "/oauth2/token", None, |_| ()),
        holder.proof("POST", "/v1/policies", None, |_| ()),
        holder.proof("POST", "/oauth2/token", None, |claims| claims["iat"] = json!(now() - 100)),
        "x".to_owned(),
    ] {
        let told = ask(&hub, &assertion, &[&bad]).await;
        assert_eq!((told.status.as_u16(), told.error()), (400, "invalid_dpop_proof"), "{}", told.body);
        let text = told.body["error_description"].as_str().unwrap();
        assert!(text.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b'"' && byte != b'\\'), "{text}");
    }
    let proof = holder.proof("POST", "/oauth2/token", None, |_| ());
    assert_eq!(ask(&hub, &assertion, &[&proof, &proof]).await.error(), "invalid_dpop_proof");
    let told = ask(&hub, &assertion, &[&proof]).await;
    assert_eq!(told.body["token_type"], "DPoP", "nothing refused above had used the assertion up: {}", told.body);
    let metadata = hub.json("/.well-known/oauth-authorization-server").await;
    assert_eq!(metadata["dpop_signing_alg_values_supported"], json!(["ES256", "EdDSA"]));
    let resource = hub.json("/.well-known/oauth-protected-resource").await;
    assert_eq!(resource["dpop_signing_alg_values_supported"], json!(["ES256", "EdDSA"]));
    hub.app.stop().await;
}
