//! What a security officer sees of the log over HTTP, who does not, and that every look is logged.

use hedui::access_log::audit::{Anchor, audit};
use hedui::tlog::Hash;
use hedui::tlog::note::VerifierKey;
use hedui::tlog::offline::OfflineProof;
use hedui::tlog::proof::check_consistency;
use hedui::tlog::tile::{decode_bundle, decode_tile};
use serde_json::{Value, json};

use crate::hub::{Caller, Setup, System, listed, officer, requests};

async fn system() -> System {
    System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await
}

fn of(system: &System, division: &str) -> Caller {
    system.caller.with_token(officer(&system.files, "officer-1", division))
}

/// The newest event of the log.
async fn last(system: &System) -> Value {
    let newest = system.app.verifications().store().log().newest(1).await.unwrap();
    serde_json::from_str(&newest[0].body).unwrap()
}

/// Asks until the newest entries are signed, which takes a second at most.
async fn signed(officer: &Caller, path: &str) -> crate::hub::Reply {
    for _ in 0..2000 {
        let reply = officer.get(path).await;
        if reply.status != 409 {
            return reply;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("never signed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officer_finds_who_looked_at_whom_and_the_search_is_logged_first() {
    let system = system().await;
    let document = &requests(system.folder.path())["C01"];
    let done = system.caller.verify(document).await;
    let officer = of(&system, "000000");
    let number = &document["household"]["members"][0]["id_number"];
    let found = officer.post("/v1/access-log:search", &json!({"id_number": number, "action": "released"}), &[]).await;
    assert_eq!(found.status, 200, "{}", found.body);
    let entries = found.body["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 1, "{}", found.body);
    assert_eq!(entries[0]["event"]["verification"], done.body["id"]);
    assert_eq!(entries[0]["event"]["id"], done.body["receipt"]);
    let logged = last(&system).await;
    assert_eq!(
        (&logged["action"], &logged["role"], &logged["actor"]),
        (&json!("log_searched"), &json!("officer"), &json!("officer-1"))
    );
    assert_eq!(logged["id"], found.body["receipt"]);
    assert_eq!(logged["search"]["subject"], entries[0]["event"]["subjects"][0], "the person stands as a pseudonym");
    assert!(!logged.to_string().contains(number.as_str().unwrap()));
    for (query, count) in [
        (format!("receipt={}", done.body["receipt"].as_str().unwrap()), 1),
        (format!("verification={}", done.body["id"].as_str().unwrap()), 2),
        ("actor=tester&action=granted".to_owned(), 1),
        ("actor=tester&to=2020-01-01T00:00:00Z".to_owned(), 0),
        ("action=denied".to_owned(), 0),
        ("purpose=dibao&limit=1".to_owned(), 1),
        ("actor=%25".to_owned(), 0),
        ("actor=tester'%20OR%201=1--".to_owned(), 0),
    ] {
        let found = officer.get(&format!("/v1/access-log?{query}")).await;
        assert_eq!(found.body["entries"].as_array().map(Vec::len), Some(count), "{query}: {}", found.body);
    }
    for bad in ["actor=150000198605021015", "limit=0", "limit=201", "from=yesterday", "before=-1", "colour=red"] {
        let refused = officer.get(&format!("/v1/access-log?{bad}")).await;
        assert!(refused.status.is_client_error(), "{bad}: {}", refused.body);
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a16_caseworkers_do_not_see_the_log_and_officers_ask_for_nothing() {
    let system = system().await;
    let document = &requests(system.folder.path())["C01"];
    for path in [
        "/v1/access-log",
        "/v1/access-log/0",
        "/v1/access-log/checkpoint",
        "/v1/access-log/proofs/inclusion/0",
        "/v1/access-log/proofs/consistency/1/1",
        "/v1/access-log/tile/0/000",
    ] {
        let refused = system.caller.get(path).await;
        assert_eq!((refused.status.as_u16(), &refused.body["code"]), (403, &json!("wrong_role")), "{path}");
        let logged = last(&system).await;
        assert_eq!((&logged["action"], &logged["problem"]), (&json!("denied"), &json!("wrong_role")), "{path}");
        assert_eq!(logged["request_id"], refused.body["request_id"]);
    }
    let officer = of(&system, "000000");
    for path in ["/v1/verifications", "/v1/verifications:plan"] {
        assert_eq!(officer.post(path, document, &[]).await.status, 403, "{path}");
    }
    assert_eq!(officer.get("/v1/verifications/vf_1").await.status, 403);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a13_an_officer_sees_the_own_division_and_foreign_entries_are_absent() {
    let system = system().await;
    let document = &requests(system.folder.path())["C01"];
    let done = system.caller.verify(document).await;
    let receipt = done.body["receipt"].as_str().unwrap();
    let division = document["place"]["division_code"].as_str().unwrap();
    let own = of(&system, &format!("{}00", &division[..4]));
    let found = own.get(&format!("/v1/access-log?receipt={receipt}")).await;
    assert_eq!(found.body["entries"].as_array().unwrap().len(), 1, "{}", found.body);
    let index = found.body["entries"][0]["index"].as_u64().unwrap();
    assert_eq!(own.get(&format!("/v1/access-log/{index}")).await.status, 200);
    let foreign = of(&system, "440000");
    let nothing = foreign.get("/v1/access-log?actor=tester").await;
    assert_eq!(nothing.body["entries"], json!([]), "{}", nothing.body);
    let (theirs, absent) =
        (foreign.get(&format!("/v1/access-log/{index}")).await, foreign.get("/v1/access-log/99999").await);
    assert_eq!((theirs.status.as_u16(), &theirs.body["code"]), (404, &json!("not_found")));
    let but = |reply: &crate::hub::Reply| {
        let mut body = reply.body.clone();
        body["request_id"] = Value::Null;
        body
    };
    assert_eq!(but(&theirs), but(&absent), "foreign and absent are the same");
    assert_eq!(foreign.get(&format!("/v1/access-log/proofs/inclusion/{receipt}")).await.status, 404);
    assert_eq!(
        foreign.get("/v1/access-log/tile/entries/000.p/1").await.status,
        404,
        "a bundle holds everybody's entries"
    );
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_and_tiles_lead_to_the_signed_checkpoint() {
    let system = system().await;
    let document = &requests(system.folder.path())["C01"];
    let receipt = system.caller.verify(document).await.body["receipt"].as_str().unwrap().to_owned();
    let officer = of(&system, "000000");
    let head = system.app.verifications().store().log().head().await.unwrap().unwrap();
    let key = VerifierKey::parse(&head.key).unwrap();
    let proved = signed(&officer, &format!("/v1/access-log/proofs/inclusion/{receipt}")).await;
    assert_eq!(proved.status, 200, "{}", proved.body);
    let index = proved.body["index"].as_u64().unwrap();
    let entry = system.app.verifications().store().log().entry(index).await.unwrap().unwrap();
    let proof = OfflineProof::parse(proved.body["tlog_proof"].as_str().unwrap()).unwrap();
    let size = proof.verify(entry.body.as_bytes(), &key).unwrap().checkpoint().size;
    let consistent = officer.get(&format!("/v1/access-log/proofs/consistency/1/{size}")).await;
    let hash = |value: &Value| Hash::from_base64(value.as_str().unwrap()).unwrap();
    let hashes: Vec<Hash> = consistent.body["hashes"].as_array().unwrap().iter().map(hash).collect();
    let body = &consistent.body;
    assert_eq!(check_consistency((1, hash(&body["from_root"])), (size, hash(&body["to_root"])), &hashes), Ok(()));
    for bad in ["0/1", "2/1", "1/99999", "x/1"] {
        assert_eq!(officer.get(&format!("/v1/access-log/proofs/consistency/{bad}")).await.status, 404, "{bad}");
    }
    let fetch = async |path: String| {
        let request = officer.http.get(format!("{}{path}", officer.base)).bearer_auth(&officer.token);
        request.send().await.unwrap().error_for_status().unwrap().bytes().await.unwrap()
    };
    let checkpoint = fetch("/v1/access-log/checkpoint".to_owned()).await;
    let tile = fetch(format!("/v1/access-log/tile/0/000.p/{size}")).await;
    let bundle = fetch(format!("/v1/access-log/tile/entries/000.p/{size}")).await;
    let leaves: Vec<Hash> = decode_bundle(&bundle).unwrap().into_iter().map(Hash::leaf).collect();
    assert_eq!(decode_tile(&tile).unwrap(), leaves);
    for bad in ["0/001", "entries/000", "0/000.p/0", "0/../../x", "9/000"] {
        assert_eq!(officer.get(&format!("/v1/access-log/tile/{bad}")).await.status, 404, "{bad}");
    }
    let looked = last(&system).await;
    assert_eq!(looked["action"], "denied", "{looked}");
    // What was fetched is an anchor that the stored log goes on from.
    let folder = system.folder.path().to_owned();
    system.app.stop().await;
    let log = hedui::store::LogReader::open(&folder.join("hedui.sqlite")).await.unwrap();
    let anchor = Anchor { name: "fetched".to_owned(), bytes: checkpoint.to_vec() };
    let report = audit(&log, &[key], &[anchor], &[]).await.unwrap();
    assert!(report.is_intact, "{report:?}");
    // Every event that a running hub wrote fits the published schema.
    let schema: Value = serde_json::from_str(include_str!("../../../schemas/access-event.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for entry in log.entries(0).await.unwrap() {
        let event: Value = serde_json::from_str(&entry.body).unwrap();
        assert!(schema.is_valid(&event), "{event}");
        assert_eq!(serde_json_canonicalizer::to_string(&event).unwrap(), entry.body);
    }
}
