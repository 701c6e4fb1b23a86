//! A hostile hub of another region: it asks for what is not its to ask, replays, sends on, floods, or is nobody.

use std::net::SocketAddr;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use connectors::context::{CONTEXT, Case, ContextSigner, Disclosure, Question, digest_of};
use connectors::keys::PrivateKey;
use hedui::domain::actor::Role;
use hedui::domain::clock::SystemRandomness;
use hedui::domain::purpose::Purpose;
use hedui::http::PEER_ROUTES;
use hedui::simulate::keys::TrialKeys;
use serde_json::{Value, json};

use super::{FAR, HERE, THERE, Two, across, answering, append, entries, lines, provided_by};
use crate::hub::{Setup, System, mint_as, requests};

/// A hub that asks, and can say what it likes.
pub(super) struct Asker {
    pub(super) http: reqwest::Client,
    pub(super) base: String,
    pub(super) signer: ContextSigner,
}

/// What a question says that a sound one does not.
pub(super) struct Said<'a> {
    pub(super) aud: &'a str,
    pub(super) jti: &'a str,
    pub(super) iat: i64,
    pub(super) via: Option<&'a str>,
}

pub(super) const fn said(jti: &str) -> Said<'_> {
    Said { aud: THERE, jti, iat: 0, via: None }
}

pub(super) fn http(ca: &Path, certificate: &Path, key: &Path) -> reqwest::Client {
    let read = |file: &Path| std::fs::read(file).unwrap();
    let identity = [read(certificate), read(key)].concat();
    reqwest::Client::builder()
        .tls_certs_only(reqwest::Certificate::from_pem_bundle(&read(ca)).unwrap())
        .identity(reqwest::Identity::from_pem(&identity).unwrap())
        .no_proxy()
        .build()
        .unwrap()
}

impl Asker {
    /// The first hub, as the second one knows it.
    pub(super) fn of(two: &Two) -> Self {
        let keys = &two.here.files.keys;
        Self {
            http: http(&two.there.files.keys.ca, &keys.hub, &keys.hub_key),
            base: format!("https://{}", two.there.app.peer_address.unwrap()),
            signer: ContextSigner::new(PrivateKey::read(&keys.context_key).unwrap(), "https://hub.hedui.invalid"),
        }
    }

    pub(super) fn context(&self, question: &Value, body: &[u8], said: &Said<'_>) -> String {
        let case = Case {
            verification: question["request_id"].as_str().unwrap().to_owned(),
            authorisation: digest_of(question["authorisation"]["number"].as_str().unwrap().as_bytes()),
            organisation: "外地民政局".to_owned(),
            division: "152201".to_owned(),
            via: said.via.map(str::to_owned),
            question: None,
        };
        let (aud, jti) = (said.aud.to_owned(), said.jti.to_owned());
        let disclosure = Disclosure::of(&Question { aud, jti, digest: digest_of(body), cases: vec![case] }, [7; 16]);
        let iat = jiff::Timestamp::now().as_second() + said.iat;
        // Every question has a purpose; what has none tells of a revocation.
        let purpose = question["purpose"].as_str().unwrap_or("authorisation_revocation");
        self.signer.sign(purpose, [&disclosure].into_iter(), iat).with(&disclosure)
    }

    async fn send(&self, body: Vec<u8>, context: Option<String>) -> (u16, Value) {
        self.send_to("/v1/facts:query", body, context).await
    }

    pub(super) async fn send_to(&self, path: &str, body: Vec<u8>, context: Option<String>) -> (u16, Value) {
        let mut request = self.http.post(format!("{}{path}", self.base)).body(body);
        if let Some(context) = context {
            request = request.header(CONTEXT, context);
        }
        told(request.send().await.unwrap()).await
    }

    pub(super) async fn ask(&self, question: &Value, said: &Said<'_>) -> (u16, Value) {
        let body = question.to_string().into_bytes();
        let context = self.context(question, &body, said);
        self.send(body, Some(context)).await
    }
}

async fn told(response: reqwest::Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default())
}

/// A sound question about somebody far away.
pub(super) fn question(two: &Two) -> Value {
    let document = &requests(two.here.folder.path())["C21"];
    let member = &document["household"]["members"][1];
    json!({
        "request_id": "vf_1", "purpose": "dibao", "datasets": ["hrss.pension"],
        "authorisation": { "number": "SQ-C21", "valid_until": "2050-01-01" },
        "period": { "from": "2024-03-01", "to": "2025-02-28" },
        "subjects": [{ "ref": "m2", "id_number": member["id_number"], "name": member["name"], "division": FAR }],
    })
}

/// What refused and what was answered stands in the log as a peer's.
pub(super) async fn last(two: &Two) -> Value {
    entries(&two.there).await.pop().unwrap()
}

/// P1, A65: outside its divisions, purposes and datasets nothing is answered and nobody is asked; the refusal is in the log
/// with whom it was about, what for and for whom, and with nothing that may not stand there.
#[tokio::test(flavor = "multi_thread")]
async fn p1_a65_a_hub_that_asks_for_what_is_not_its_to_ask_is_refused_and_logged() {
    let two = Two::start(Setup::default()).await;
    let (asker, sound) = (Asker::of(&two), question(&two));
    let (status, answer) = asker.ask(&sound, &said("vf_1.hub_there.0")).await;
    assert_eq!((status, &answer["results"][0]["status"]), (200, &json!("ok")), "{answer}");
    assert_eq!(answer["results"][0]["provider"]["adapter"]["id"], "hrss");
    assert_eq!((&answer["request_id"], &answer["adapter"]["id"]), (&json!("vf_1"), &json!(THERE)));
    let before = lines(&two.there, "hrss");
    let heard = last(&two).await;
    assert_eq!((&heard["action"], heard["subjects"].as_array().unwrap().len()), (&json!("peer_answered"), 1));
    for (pointer, value, status, code) in [
        ("/subjects/0/division", json!("152201"), 403, "outside_divisions"),
        ("/subjects/0/division", json!("000000"), 403, "outside_divisions"),
        ("/subjects/0/division", Value::Null, 422, "bad_query"),
        ("/purpose", json!("temporary_relief"), 403, "purpose_not_granted"),
        ("/purpose", json!("curiosity"), 422, "bad_query"),
        ("/datasets/0", json!("hrss.secrets"), 403, "unknown_dataset"),
        ("/authorisation/valid_until", json!("2020-01-01"), 403, "authorisation_expired"),
        ("/authorisation/number", json!("SQ 150000198605021015"), 422, "bad_query"),
        ("/authorisation/number", json!("SQ 150000\u{200b}198605021015"), 422, "bad_query"),
        ("/authorisation/number", json!("SQ 150102860502101"), 422, "bad_query"),
        ("/request_id", json!("150000198605021015"), 422, "bad_query"),
        ("/subjects/0/ref", json!("150000198605021015"), 422, "bad_query"),
        ("/subjects/0/id_number", json!("150000198605021016"), 422, "bad_query"),
        ("/subjects/0/name", json!(""), 422, "bad_query"),
        ("/subjects", json!([]), 422, "bad_query"),
        ("/datasets", json!([]), 422, "bad_query"),
        ("/period/from", json!("2000-01-01"), 422, "bad_query"),
        ("/within_ms", json!("soon"), 400, "bad_query"),
    ] {
        let mut question = sound.clone();
        match question.pointer_mut(pointer) {
            Some(place) => *place = value.clone(),
            None => question["within_ms"] = value.clone(),
        }
        let (told, problem) = asker.ask(&question, &said("vf_1.hub_there.1")).await;
        assert_eq!((told, &problem["code"]), (status, &json!(code)), "{pointer} {value}: {problem}");
        assert!(problem["title"].is_string() && problem["title_zh"].is_string(), "{problem}");
        assert!(!problem.to_string().contains("19860502"), "a value leaks: {problem}");
        let entry = last(&two).await;
        assert_eq!((&entry["action"], &entry["actor"]), (&json!("denied"), &json!(HERE)), "{entry}");
        assert_eq!((&entry["role"], &entry["problem"]), (&json!("peer"), &json!(code)), "{entry}");
        assert_eq!((&entry["request_id"], &entry["peer"]), (&problem["request_id"], &json!("127.0.0.1")), "{entry}");
        if pointer == "/within_ms" {
            continue;
        }
        assert_eq!(entry["object"], "question/vf_1.hub_there.1", "{entry}");
        assert_eq!(entry["organisation"], "外地民政局", "{entry}");
        let is_of = |place: &str| pointer == place;
        let people =
            if is_of("/subjects") || is_of("/subjects/0/id_number") { &Value::Null } else { &heard["subjects"] };
        assert_eq!(&entry["subjects"], people, "{entry}");
        let purpose = if is_of("/purpose") && status == 422 { Value::Null } else { question["purpose"].clone() };
        assert_eq!(entry["purpose"], purpose, "{entry}");
        let number = if is_of("/authorisation/number") { &Value::Null } else { &heard["authorisation"] };
        assert_eq!(&entry["authorisation"], number, "{entry}");
        assert!(!entry.to_string().contains("860502"), "a number is in the log: {entry}");
    }
    assert_eq!(lines(&two.there, "hrss"), before, "a department was asked");
    two.stop().await;
}

/// A66: a context stands for one question to one hub, by one hub, for a short time, and is used up.
#[tokio::test(flavor = "multi_thread")]
async fn a66_a_context_that_is_replayed_or_moved_is_refused() {
    let two = Two::start(Setup::default()).await;
    let (asker, sound) = (Asker::of(&two), question(&two));
    let body = sound.to_string().into_bytes();
    let context = asker.context(&sound, &body, &said("vf_1.hub_there.0"));
    let stranger = TrialKeys::write(&two.here.folder.path().join("stranger"), &SystemRandomness).unwrap();
    let signer = ContextSigner::new(PrivateKey::read(&stranger.context_key).unwrap(), "https://hub.hedui.invalid");
    let forged = Asker { signer, http: asker.http.clone(), base: asker.base.clone() };
    let mut other = sound.clone();
    other["subjects"][0]["ref"] = "m1".into();
    let by = |said: Said<'_>| asker.context(&sound, &body, &said);
    for (body, context, status, code) in [
        (body.clone(), None, 401, "context_missing"),
        (other.to_string().into_bytes(), Some(context.clone()), 403, "context_body"),
        (body.clone(), Some(by(Said { iat: -500, ..said("a") })), 401, "context_expired"),
        (body.clone(), Some(by(Said { aud: "hrss", ..said("a") })), 403, "context_audience"),
        (body.clone(), Some(forged.context(&sound, &body, &said("a"))), 401, "context_key_unknown"),
        (body.clone(), Some("x".repeat(9_000)), 401, "context_malformed"),
        (b"{".to_vec(), Some(asker.context(&sound, b"{", &said("a"))), 400, "bad_query"),
    ] {
        let (told, problem) = asker.send(body, context).await;
        assert_eq!((told, &problem["code"]), (status, &json!(code)), "{problem}");
        assert!(!problem.to_string().contains("adapter") && !problem.to_string().contains("[hub]"), "{problem}");
        let entry = last(&two).await;
        assert_eq!((&entry["problem"], &entry["request_id"]), (&json!(code), &problem["request_id"]));
        assert!(code == "bad_query" || problem["title_zh"].as_str().unwrap().contains("查询"), "{problem}");
        assert!(!problem["title_zh"].as_str().unwrap().contains("适配器"), "{problem}");
    }
    // Asked once, once more because the answer was lost, and never again.
    for expected in [200, 200, 403, 403] {
        assert_eq!(asker.send(body.clone(), Some(context.clone())).await.0, expected);
    }
    assert_eq!(last(&two).await["problem"], "context_used_up");
    two.stop().await;
}

/// A68: a question that came from a hub goes to no further hub, neither by what is configured nor by what is said.
#[tokio::test(flavor = "multi_thread")]
async fn a68_two_hubs_that_point_at_each_other_ask_in_no_circle() {
    let setup = || Setup { own_packs: true, ..Setup::default() };
    let (here, there) = (System::start(setup(), super::listed()).await, System::start(setup(), super::listed()).await);
    // Each says of the other that it answers for the same far division, which is neither's own.
    let (near, far_off) = (free_address(), free_address());
    let fixed = |text: String, address: SocketAddr| text.replace("127.0.0.1:0", &address.to_string());
    append(&there.files.config, &fixed(answering(&there, (THERE, "[\"310000\"]"), &here, HERE), far_off));
    append(&here.files.config, &fixed(answering(&here, (HERE, "[\"150000\"]"), &there, THERE), near));
    append(&here.files.config, &provided(THERE, far_off, &there));
    append(&there.files.config, &provided(HERE, near, &here));
    let (here, there) = (here.restart().await, there.restart().await);
    let two = Two { here, there };

    let document = across(&requests(two.here.folder.path())["C21"]);
    let done = two.here.caller.verify(&document).await;
    let far = done.body["departments"].as_array().unwrap().iter().filter(|row| row["hub"] == THERE);
    assert!(far.clone().count() > 3 && far.into_iter().all(|row| row["status"] == "not_authorised"), "{}", done.body);
    let is_asked = |entries: &[Value]| entries.iter().any(|entry| entry["action"] == "peer_asked");
    assert!(!is_asked(&entries(&two.there).await), "it is not that hub's own division");
    assert!(!is_asked(&entries(&two.here).await), "the question came back");
    assert_eq!(last(&two).await["problem"], "outside_divisions");

    // A hub that sends on what it was asked says so, and is refused; where it hides it, the question is its own.
    let mut sent_on = question(&two);
    sent_on["subjects"][0]["division"] = "310101".into();
    let asker = Asker::of(&two);
    let (status, problem) = asker.ask(&sent_on, &Said { via: Some("hub_third"), ..said("a") }).await;
    assert_eq!((status, &problem["code"]), (403, &json!("peer_loop")), "{problem}");
    assert_eq!(asker.ask(&sent_on, &said("a")).await.0, 200);
    // What its departments are told names the hub that the question came from.
    let ledger = std::fs::read_to_string(two.there.folder.path().join("hrss.ledger")).unwrap();
    let line: Value = serde_json::from_str(ledger.lines().last().unwrap()).unwrap();
    let context = line["context"].as_str().unwrap().split('~').nth(1).unwrap().to_owned();
    let disclosed = URL_SAFE_NO_PAD.decode(context).unwrap();
    let disclosed: Value = serde_json::from_slice(&disclosed).unwrap();
    assert_eq!(disclosed[2]["cases"][0]["via"], HERE, "{disclosed}");
    two.stop().await;
}

/// What a hub writes of the other one besides what it may ask: that it answers for what is far from both.
fn provided(name: &str, address: SocketAddr, other: &System) -> String {
    provided_by(name, "[\"230000\"]", (address, other)).replace(&format!("[[peer]]\nname = \"{name}\"\n"), "")
}

pub(super) fn free_address() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A69: a hub has its quota, and is told of it; what is too much is counted in the log and asked of nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a69_a_hub_that_floods_gets_its_quota_and_no_more() {
    let two = Two::start(Setup::default()).await;
    let text = std::fs::read_to_string(&two.there.files.config).unwrap();
    let quota = "purposes = [\"dibao\", \"tekun\"]\nquota_per_second = 1\nquota_burst = 5\n";
    let (kept, _) = text.rsplit_once("purposes = ").unwrap();
    let refusals = "[refusals]\nsingly = 10\nall_singly = 20\n";
    std::fs::write(&two.there.files.config, format!("{kept}{quota}\n{refusals}")).unwrap();
    let two = Two { there: two.there.restart().await, here: two.here };
    let (asker, sound) = (Asker::of(&two), question(&two));
    let before = lines(&two.there, "hrss");
    let mut answered = 0;
    for number in 0..60 {
        let (status, answer) = asker.ask(&sound, &said(&format!("vf_1.hub_there.{number}"))).await;
        match status {
            200 => answered += 1,
            429 => assert_eq!(answer["code"], "rate_limited"),
            other => panic!("{other}: {answer}"),
        }
    }
    assert!((5..=30).contains(&answered), "{answered}");
    assert!(lines(&two.there, "hrss") - before <= 1, "the department was asked once: the rest was at hand");
    let there = entries(&two.there).await;
    let of = |action: &str| there.iter().filter(|entry| entry["action"] == action).count();
    assert_eq!((of("peer_asked"), of("peer_answered")), (answered, answered));
    assert!(
        there.iter().any(|entry| entry["refusals"].is_object()),
        "what is too much is counted, not written one by one"
    );
    two.stop().await;
}

/// Every route for hubs as everybody: the known hub, another of the same authority, tokens of every role, nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a12_every_route_for_hubs_is_for_known_hubs_alone() {
    let two = Two::start(Setup::default()).await;
    // A certificate of the authority that the listener trusts, and of a key that no peer has.
    let stranger = TrialKeys::write(&two.here.folder.path().join("stranger"), &SystemRandomness).unwrap();
    let mut authorities = std::fs::read(&two.here.files.keys.ca).unwrap();
    authorities.extend(std::fs::read(&stranger.ca).unwrap());
    std::fs::write(&two.here.files.keys.ca, authorities).unwrap();
    let two = Two { there: two.there.restart().await, here: two.here };
    let there_ca = two.there.files.keys.ca.clone();
    let base = format!("https://{}", two.there.app.peer_address.unwrap());
    let unknown = http(&there_ca, &stranger.hub, &stranger.hub_key);
    let nobody = reqwest::Client::builder()
        .tls_certs_only(reqwest::Certificate::from_pem_bundle(&std::fs::read(&there_ca).unwrap()).unwrap())
        .no_proxy()
        .build()
        .unwrap();
    let (asker, sound) = (Asker::of(&two), question(&two).to_string());
    for (method, path) in PEER_ROUTES {
        let request = |client: &reqwest::Client| {
            let url = format!("{base}{path}");
            if method == "post" { client.post(url).body(sound.clone()) } else { client.get(url) }
        };
        assert!(request(&nobody).send().await.is_err(), "{path}: without a certificate there is no HTTP");
        let mut tokens = vec![None];
        tokens.extend(Role::OF_CLIENTS.map(|role| Some(mint_as(&two.there.files, role, "x", "000000", &Purpose::ALL))));
        for token in tokens {
            let mut sent = request(&unknown);
            if let Some(token) = &token {
                sent = sent.bearer_auth(token);
            }
            let (status, problem) = told(sent.send().await.unwrap()).await;
            assert_eq!((status, &problem["code"]), (403, &json!("unknown_peer")), "{method} {path}: {problem}");
            let entry = last(&two).await;
            assert_eq!((&entry["action"], &entry["problem"]), (&json!("denied"), &json!("unknown_peer")), "{entry}");
            assert!(entry["actor"].is_null() && entry["peer"] == "127.0.0.1", "{entry}");
        }
        // Known, and yet without a context there are no facts.
        let (status, answer) = told(request(&asker.http).send().await.unwrap()).await;
        let expected = if method == "post" { 401 } else { 200 };
        assert_eq!(status, expected, "{method} {path}: {answer}");
    }
    // No token has this role, and the callers' listener has none of these routes.
    let hub = two.there.caller.with_token(mint_as(&two.there.files, Role::Peer, HERE, FAR, &Purpose::ALL));
    assert_eq!(hub.get("/v1/catalogue").await.status, 401);
    assert_eq!(two.there.caller.get("/v1/manifest").await.status, 404);
    let manifest = asker.http.get(format!("{base}/v1/manifest")).send().await.unwrap().json::<Value>().await.unwrap();
    assert_eq!((&manifest["adapter"]["id"], &manifest["divisions"]), (&json!(THERE), &json!(["230000"])));
    assert!(manifest["answer_key"]["x"].is_string() && manifest["datasets"].as_array().unwrap().len() > 10);
    two.stop().await;
}
