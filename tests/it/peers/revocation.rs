//! A household revokes its authorisation at the hub that asked: the hub that answered is told, stops what runs under it and
//! forgets what was said, however long it was away; and nobody else's authorisations are touched by it.

use std::path::Path;
use std::time::Duration;

use connectors::context::ContextSigner;
use connectors::keys::PrivateKey;
use hedui::app::App;
use hedui::config::Config;
use hedui::domain::clock::SystemRandomness;
use hedui::simulate::keys::TrialKeys;
use serde_json::{Value, json};

use super::abuse::{Asker, Said, free_address, http, last, question, said};
use super::{FAR, HERE, THERE, Two, across, append, entries, far_row, lines, of_action, pin};
use crate::authorisations::{registration, resting_on};
use crate::hub::{Setup, System, change_settings, metrics, requests};
use crate::stub::{Behaviour, Stub};

const PATH: &str = "/v1/authorisations";
const REVOKE: &str = "/v1/authorisations:revoke";

/// Waits until an entry of this action stands in the log, and gives all entries.
async fn until(system: &System, action: &str) -> Vec<Value> {
    let found = async {
        loop {
            let all = entries(system).await;
            if !of_action(&all, action).is_empty() {
                return all;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), found).await.expect(action)
}

/// Two hubs, the second of which waits long for a department that never answers.
async fn hanging() -> (Stub, Two) {
    let keys = crate::faults::stub_keys();
    let stub = Stub::start("hrss", Behaviour::Hang, keys.path());
    let elsewhere = [("hrss", stub.address)].into();
    let setup = Setup {
        elsewhere,
        ask_timeout: Some("300s"),
        deadline: Some("300s"),
        authority: Some(keys),
        ..Setup::default()
    };
    (stub, Two::start(setup).await)
}

async fn until_asked(stub: &Stub) {
    let is_asked = async {
        while stub.times_asked() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), is_asked).await.expect("the department is asked");
}

/// The household of two regions, and the ids of authorisations of these numbers that it gave.
async fn registered<const N: usize>(two: &Two, numbers: [&str; N]) -> (Value, [Value; N]) {
    let document = across(&requests(two.here.folder.path())["C21"]);
    let mut ids = [const { Value::Null }; N];
    for (id, number) in ids.iter_mut().zip(numbers) {
        let mut registration = registration(&document);
        registration["number"] = number.into();
        let reply = two.here.caller.post(PATH, &registration, &[]).await;
        assert_eq!(reply.status, 201, "{}", reply.body);
        *id = reply.body["id"].clone();
    }
    (document, ids)
}

async fn revoke(two: &Two, id: &Value) -> Value {
    let revoked = two.here.caller.delete(&format!("{PATH}/{}", id.as_str().unwrap())).await;
    assert_eq!((revoked.status.as_u16(), &revoked.body["status"]), (200, &json!("revoked")), "{}", revoked.body);
    revoked.body
}

/// A24: what the other hub remembered of the household is forgotten with the revocation; both logs tell of it.
#[tokio::test(flavor = "multi_thread")]
async fn a24_what_the_other_hub_remembered_is_forgotten_with_the_revocation() {
    let two = Two::start(Setup::default()).await;
    let (document, [first, second]) = registered(&two, ["first", "second"]).await;
    let done = two.here.caller.verify(&resting_on(&document, &first)).await;
    assert_eq!(far_row(&done.body, "hrss")["status"], "answered", "{}", done.body);
    let asked = lines(&two.there, "hrss");
    // Over there it is at hand, for whoever asks.
    let (status, answer) = Asker::of(&two).ask(&question(&two), &said("vf_1.hub_there.0")).await;
    assert_eq!((status, &answer["results"][0]["provider"]["freshness"]), (200, &json!("cached")), "{answer}");
    assert_eq!(lines(&two.there, "hrss"), asked);

    revoke(&two, &first).await;
    let here = until(&two.here, "revocation_told").await;
    let there = entries(&two.there).await;
    let (told, taken) = (of_action(&here, "revocation_told"), of_action(&there, "peer_revoked"));
    assert_eq!((told.len(), taken.len()), (1, 1), "{there:#?}");
    let (told, taken) = (told[0], taken[0]);
    assert_eq!((&told["state"], &taken["state"]), (&json!("revoked"), &json!("revoked")));
    assert_eq!((&told["authorisation"], &taken["authorisation"]), (&json!("first"), &json!("first")));
    assert_eq!((&told["object"], &told["role"]), (&json!(format!("hub/{THERE}")), &json!("system")), "{told}");
    assert_eq!(told["objects"][0], taken["object"], "the officers of both find each other's entries");
    assert_eq!((&taken["actor"], &taken["role"], &taken["division"]), (&json!(HERE), &json!("peer"), &json!(FAR)));
    assert_eq!(taken["organisation"], "测试民政局");
    let asked_about = &of_action(&there, "peer_asked")[0]["subjects"];
    assert!(asked_about.is_array() && *asked_about == taken["subjects"], "{taken}");
    let shown = two.here.caller.get(&format!("{PATH}/{}", first.as_str().unwrap())).await;
    assert!(shown.body["hubs_to_tell"].is_null(), "{}", shown.body);

    // Under another authorisation the department is asked anew, and the revoked one does not pass any more.
    let fresh = two.here.caller.verify(&resting_on(&document, &second)).await;
    assert_eq!(far_row(&fresh.body, "hrss")["freshness"], "live", "{}", fresh.body);
    assert_eq!(lines(&two.there, "hrss"), asked + 1);
    two.stop().await;
}

/// A24: what runs over there under the authorisation is stopped, long before the department would have been given up.
#[tokio::test(flavor = "multi_thread")]
async fn a24_what_the_other_hub_asks_under_it_is_stopped() {
    let (stub, two) = hanging().await;
    // Here it is waited for as long as over there, and what was sent is not taken back by hanging up alone.
    let (_, [id]) = registered(&two, ["SQ-RUNS"]).await;
    let mut running = question(&two);
    running["authorisation"]["number"] = "sq runs".into();
    let asker = Asker::of(&two);
    let said_there = said("vf_1.hub_there.0");
    let asking = asker.ask(&running, &said_there);
    let telling = async {
        until_asked(&stub).await;
        tell(&asker, "SQ RUNS", &said("rv_1")).await
    };
    let both = async { tokio::join!(asking, telling) };
    let ((status, problem), (told, answer)) =
        tokio::time::timeout(Duration::from_secs(100), both).await.expect("it is stopped");
    assert_eq!((told, &answer["state"]), (200, &json!("revoked")), "{answer}");
    assert_eq!((status, &problem["code"]), (403, &json!("authorisation_revoked")), "{problem}");
    let there = entries(&two.there).await;
    let vain = of_action(&there, "asked_in_vain");
    assert_eq!((vain.len(), &vain[0]["problem"]), (1, &json!("authorisation_revoked")), "{there:#?}");
    assert_eq!(vain[0]["questions"][0]["department"], "hrss", "the department's ledger has it, so this log has it");
    assert!(of_action(&there, "peer_answered").is_empty());
    // Nothing more is asked under it, whatever the id.
    assert_eq!(asker.ask(&running, &said("vf_2.hub_there.0")).await.1["code"], "authorisation_revoked");
    assert_eq!((stub.times_asked(), &last(&two).await["problem"]), (1, &json!("authorisation_revoked")));
    // This hub's own household of that number is another one.
    assert_eq!(revoke(&two, &id).await["hubs_to_tell"], Value::Null, "nobody was asked under it");
    two.stop().await;
}

/// A24: the same with both hubs as they are: the one that asks lets go at once, and the other one is told.
#[tokio::test(flavor = "multi_thread")]
async fn a24_a_question_between_two_hubs_is_stopped_at_both_ends() {
    let (stub, two) = hanging().await;
    let longer =
        [("timeout = \"3s\"", "timeout = \"300s\""), ("[federation]\n", "[federation]\ndeadline = \"300s\"\n")];
    let longer = longer.map(|(line, instead)| (line, instead.to_owned()));
    change_settings(&two.here.files.config, &longer);
    let two = Two { here: two.here.restart().await, there: two.there };
    let (document, [id]) = registered(&two, ["SQ-BOTH"]).await;
    let resting = resting_on(&document, &id);
    let accepted = two.here.caller.post("/v1/verifications", &resting, &[("prefer", "respond-async")]).await;
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    until_asked(&stub).await;
    revoke(&two, &id).await;
    let there = until(&two.there, "asked_in_vain").await;
    let vain = of_action(&there, "asked_in_vain")[0];
    assert_eq!(
        (&vain["authorisation"], &vain["problem"]),
        (&json!("SQ-BOTH"), &json!("authorisation_revoked")),
        "{vain}"
    );
    let of_hrss = |entry: &&&Value| entry["departments"][0]["department"] == "hrss";
    assert!(!of_action(&there, "peer_answered").iter().any(|entry| of_hrss(&entry)), "{there:#?}");
    let here = until(&two.here, "released").await;
    assert_eq!(of_action(&here, "released")[0]["verdict"], "BLOCKED");
    two.stop().await;
}

/// P10, A24: a hub that is away is told when it is back, over restarts of the one that tells and of the one that is told.
#[tokio::test(flavor = "multi_thread")]
async fn p10_a24_a_hub_that_was_away_is_told_when_it_is_back() {
    let at = free_address().to_string();
    let mut two = Two::start(Setup::default()).await;
    let before = two.there.app.peer_address.unwrap().to_string();
    let fixed = |text: &Path, from: &str| {
        let sound = std::fs::read_to_string(text).unwrap();
        let (head, tail) = sound.split_once("[peering").unwrap();
        std::fs::write(text, format!("{head}[peering{}", tail.replace(from, &at))).unwrap();
    };
    fixed(&two.there.files.config, "127.0.0.1:0");
    fixed(&two.here.files.config, &before);
    two = Two { here: two.here.restart().await, there: two.there.restart().await };
    let (document, [id]) = registered(&two, ["away"]).await;
    let resting = resting_on(&document, &id);
    assert_eq!(far_row(&two.here.caller.verify(&resting).await.body, "hrss")["status"], "answered");

    two.there.app.stop().await;
    let revoked = two.here.caller.delete(&format!("{PATH}/{}", id.as_str().unwrap())).await;
    assert_eq!(revoked.body["hubs_to_tell"], json!([THERE]), "{}", revoked.body);
    let here = two.here.restart().await;
    let shown = here.caller.get(&format!("{PATH}/{}", id.as_str().unwrap())).await;
    assert_eq!(shown.body["hubs_to_tell"], json!([THERE]), "a restart forgets nobody");
    assert!(of_action(&entries(&here).await, "revocation_told").is_empty());
    let app = App::start(&Config::load(&two.there.files.config).unwrap(), metrics()).await.unwrap();
    let two = Two { here, there: System { app, ..two.there } };
    let told = until(&two.here, "revocation_told").await;
    assert_eq!(
        of_action(&told, "revocation_told")[0]["state"],
        "revoked",
        "what was asked before its restart is known"
    );
    let there = entries(&two.there).await;
    let taken = of_action(&there, "peer_revoked");
    assert_eq!((taken.len(), taken[0]["subjects"].as_array().unwrap().len()), (1, 1), "{taken:?}");
    two.stop().await;
}

/// A hub tells of a revocation.
async fn tell(asker: &Asker, number: &str, said: &Said<'_>) -> (u16, Value) {
    let body = json!({ "request_id": said.jti, "authorisation": { "number": number } });
    let context = asker.context(&body, body.to_string().as_bytes(), said);
    asker.send_to(REVOKE, body.to_string().into_bytes(), Some(context)).await
}

/// A65: a hub revokes what it asked under itself. Of another hub's it learns nothing and changes nothing, and told again
/// the answer is the same.
#[tokio::test(flavor = "multi_thread")]
async fn a65_a_hub_revokes_what_it_asked_under_itself_and_nothing_else() {
    let two = Two::start(Setup::default()).await;
    let third = TrialKeys::write(&two.here.folder.path().join("third"), &SystemRandomness).unwrap();
    let authorities = [&two.here.files.keys.ca, &third.ca].map(|file| std::fs::read(file).unwrap()).concat();
    std::fs::write(&two.here.files.keys.ca, authorities).unwrap();
    append(
        &two.there.files.config,
        &format!(
            "[[peer]]\nname = \"hub_third\"\n[peer.may_ask]\ncertificate_keys = [\"{}\"]\ncontext_keys = \"{}\"\npurposes = [\"dibao\"]\n",
            pin(&third.hub),
            third.hub_keys.display()
        ),
    );
    let two = Two { there: two.there.restart().await, here: two.here };
    let first = Asker::of(&two);
    let signer = ContextSigner::new(PrivateKey::read(&third.context_key).unwrap(), "https://third.hedui.invalid");
    let other =
        Asker { http: http(&two.there.files.keys.ca, &third.hub, &third.hub_key), base: first.base.clone(), signer };
    let sound = question(&two);
    assert_eq!(first.ask(&sound, &said("vf_1.hub_there.0")).await.0, 200);
    let asked = lines(&two.there, "hrss");

    // Another hub, with the right number and the right organisation; and the right hub with another number.
    for (asker, number) in [(&other, "SQ-C21"), (&first, "SQ-C22")] {
        for id in ["rv_1", "rv_2"] {
            let (status, answer) = tell(asker, number, &said(id)).await;
            assert_eq!((status, &answer), (200, &json!({ "request_id": id, "state": "unknown" })));
        }
        let entry = last(&two).await;
        assert_eq!((&entry["action"], &entry["state"]), (&json!("peer_revoked"), &json!("unknown")), "{entry}");
        assert!(entry["subjects"].is_null() && entry["object"] == "revocation/rv_2", "{entry}");
    }
    let (status, answer) = first.ask(&sound, &said("vf_2.hub_there.0")).await;
    assert_eq!((status, &answer["results"][0]["provider"]["freshness"]), (200, &json!("cached")), "{answer}");
    // A question that its revocation overtook is not asked, though nothing was known of it then.
    let mut overtaken = sound.clone();
    overtaken["authorisation"]["number"] = "sq-c22".into();
    assert_eq!(first.ask(&overtaken, &said("vf_3.hub_there.0")).await.1["code"], "authorisation_revoked");

    // What is not proven, not sound, or meant for something else is refused, and the log has it.
    let body = json!({ "request_id": "rv_3", "authorisation": { "number": "SQ-C21" } });
    let bytes = body.to_string().into_bytes();
    let by = |asker: &Asker, body: &Value, said: Said<'_>| asker.context(body, body.to_string().as_bytes(), &said);
    let with = |pointer: &str, value: Value| {
        let mut body = body.clone();
        match pointer {
            "" => body["subjects"] = value,
            _ => *body.pointer_mut(pointer).unwrap() = value,
        }
        body
    };
    let of_question = json!({ "purpose": "dibao", "request_id": "rv_3", "authorisation": { "number": "SQ-C21" } });
    let mut cases: Vec<(Value, Option<String>, u16, &str)> = vec![
        (body.clone(), None, 401, "context_missing"),
        (body.clone(), Some(by(&other, &body, said("rv_3"))), 401, "context_key_unknown"),
        (body.clone(), Some(by(&first, &body, Said { aud: "hub_else", ..said("rv_3") })), 403, "context_audience"),
        (body.clone(), Some(by(&first, &body, Said { iat: -500, ..said("rv_3") })), 401, "context_expired"),
        (body.clone(), Some(by(&first, &body, Said { via: Some("hub_third"), ..said("rv_3") })), 403, "peer_loop"),
        (body.clone(), Some(first.context(&of_question, &bytes, &said("rv_3"))), 403, "context_body"),
        (body.clone(), Some(by(&first, &body, said("rv_4"))), 422, "bad_query"),
        (with("/authorisation/number", "SQ-C20".into()), Some(by(&first, &body, said("rv_3"))), 403, "context_body"),
    ];
    for bad in [
        with("/authorisation/number", "SQ 150000198605021015".into()),
        with("/authorisation/number", "".into()),
        with("/authorisation/number", "x".repeat(101).into()),
    ] {
        let context = by(&first, &bad, said("rv_3"));
        cases.push((bad, Some(context), 422, "bad_query"));
    }
    for bad in
        [with("", json!([])), json!({ "request_id": "rv_3", "authorisation": { "number": "SQ-C21", "all": true } })]
    {
        let context = by(&first, &bad, said("rv_3"));
        cases.push((bad, Some(context), 400, "bad_query"));
    }
    for (body, context, status, code) in cases {
        let (told, problem) = first.send_to(REVOKE, body.to_string().into_bytes(), context).await;
        assert_eq!((told, &problem["code"]), (status, &json!(code)), "{body}: {problem}");
        let entry = last(&two).await;
        assert_eq!((&entry["action"], &entry["problem"]), (&json!("denied"), &json!(code)), "{entry}");
        assert!(!entry.to_string().contains("860502"), "a number is in the log: {entry}");
    }
    // A telling is no question, and a question tells of no revocation.
    let context = first.context(&body, &bytes, &said("rv_5"));
    assert_eq!(first.send_to("/v1/facts:query", bytes, Some(context)).await.1["code"], "bad_query");
    let context = first.context(&sound, sound.to_string().as_bytes(), &said("vf_4.hub_there.0"));
    assert_eq!(first.send_to(REVOKE, sound.to_string().into_bytes(), Some(context)).await.1["code"], "bad_query");
    assert_eq!(lines(&two.there, "hrss"), asked, "nothing was forgotten so far");

    // Its own: revoked at the first word, the same at every further one, and over a restart.
    let (status, answer) = tell(&first, "sq-c21 ", &said("rv_6")).await;
    assert_eq!((status, &answer["state"]), (200, &json!("revoked")), "{answer}");
    let two = Two { there: two.there.restart().await, here: two.here };
    let first = Asker { base: Asker::of(&two).base, ..first };
    let (_, again) = tell(&first, "SQ-C21", &said("rv_6")).await;
    assert_eq!(again, answer);
    let there = entries(&two.there).await;
    let taken = of_action(&there, "peer_revoked").into_iter().filter(|entry| entry["state"] == "revoked");
    assert_eq!(taken.count(), 1, "what was taken before is not taken again");
    assert_eq!(first.ask(&sound, &said("vf_5.hub_there.0")).await.1["code"], "authorisation_revoked");
    // A new form of the household is asked under as ever.
    let mut renewed = sound.clone();
    renewed["authorisation"]["number"] = "SQ-C21-2".into();
    assert_eq!(first.ask(&renewed, &said("vf_6.hub_there.0")).await.0, 200);
    two.stop().await;
}

/// A24: what is no answer of that hub ends nothing: it is told again until it answers.
#[tokio::test(flavor = "multi_thread")]
async fn a24_a_revocation_is_told_again_until_the_hub_itself_answers() {
    let two = Two::start(Setup::default()).await;
    let (document, [id]) = registered(&two, ["forged"]).await;
    assert!(two.here.caller.verify(&resting_on(&document, &id)).await.status.is_success());
    // Answers are held to another key than that hub's: what it says could be anybody's.
    let key = "keys/answers/hrss.pem".to_owned();
    let sound = std::fs::read_to_string(&two.here.files.config).unwrap();
    let peers = two.there.folder.path().join("keys/peers.pem").display().to_string();
    std::fs::write(&two.here.files.config, sound.replace(&peers, &key)).unwrap();
    let here = two.here.restart().await;
    let path = format!("{PATH}/{}", id.as_str().unwrap());
    here.caller.delete(&path).await;
    let two = Two { here, there: two.there };
    until(&two.there, "peer_revoked").await;
    let shown = two.here.caller.get(&path).await;
    assert_eq!(shown.body["hubs_to_tell"], json!([THERE]), "{}", shown.body);
    change_settings(&two.here.files.config, &[("keys/answers/hrss.pem", peers)]);
    let two = Two { here: two.here.restart().await, there: two.there };
    let told = until(&two.here, "revocation_told").await;
    assert_eq!(of_action(&told, "revocation_told")[0]["state"], "revoked");
    assert_eq!(of_action(&entries(&two.there).await, "peer_revoked").len(), 1);
    two.stop().await;
}
