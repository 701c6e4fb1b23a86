//! Double-random samples over a running hub, and drawn again without one.

use std::process::Command;

use hedui::domain::actor::Role;
use serde_json::{Value, json};

use super::hub::{Caller, Setup, System, listed, mint_as, officer, requests};

/// A plan whose seed is known after so many entries more.
pub(crate) fn plan(ahead: u64) -> Value {
    json!({
        "from": "2020-01-01T00:00:00Z", "to": jiff::Timestamp::now(), "rate_percent": 10, "minimum": 4,
        "reviewers": [{ "id": "r1" }, { "id": "r2" }, { "id": "r3", "recused_from": ["别的单位"] }, { "id": "tester" }],
        "ahead": ahead, "dice": "1234567890"
    })
}

async fn with_accesses(count: u64) -> System {
    let review = Some("every = \"100ms\"".to_owned());
    let system = System::start(Setup { own_packs: true, review, ..Setup::default() }, listed()).await;
    let document = requests(system.folder.path())["C01"].clone();
    for number in 0..count {
        let mut document = document.clone();
        document["context"] = json!({ "operator": format!("op-{number}") });
        assert!(system.caller.verify(&document).await.status.is_success());
    }
    system
}

fn national(system: &System, name: &str) -> Caller {
    system.caller.with_token(officer(&system.files, name, "000000"))
}

async fn until_signed(system: &System, size: u64) {
    let begun = std::time::Instant::now();
    while system.app.verifications().store().log().head().await.unwrap().is_none_or(|head| head.size < size) {
        assert!(begun.elapsed().as_secs() < 20, "the head is signed every second");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

fn verify(arguments: &[&str]) -> (i32, Value) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_hedui")).args(["sample", "verify", "--json"]).args(arguments).output();
    let output = output.unwrap();
    let told =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| json!(String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap(), told)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_is_fixed_before_it_is_seen_and_anybody_can_draw_it_again() {
    let system = with_accesses(8).await;
    let (first, second) = (national(&system, "first"), national(&system, "second"));
    let frozen = first.post("/v1/samples", &plan(60), &[]).await;
    assert_eq!((frozen.status.as_u16(), &frozen.body["state"]), (201, &json!("frozen")), "{}", frozen.body);
    let id = frozen.body["id"].as_str().unwrap().to_owned();
    let size = frozen.body["plan"]["tree_size"].as_u64().unwrap();
    let at = |step: &str| format!("/v1/samples/{id}{step}");
    assert_eq!(
        first.post(&at("/draw"), &json!({}), &[]).await.body["code"],
        "sample_state",
        "the second dice are missing"
    );
    let own = first.post(&at("/dice"), &json!({ "dice": "1111111119" }), &[]).await;
    assert_eq!((own.status.as_u16(), &own.body["code"]), (403, &json!("four_eyes")));
    for wrong in ["", "123", "12345678901234567890123456789012345678901", "123456789a", "150000198605021015"] {
        assert_eq!(second.post(&at("/dice"), &json!({ "dice": wrong }), &[]).await.status, 422, "{wrong}");
    }
    let diced = second.post(&at("/dice"), &json!({ "dice": "0987654321" }), &[]).await;
    assert_eq!(diced.body["state"], "diced", "{}", diced.body);
    // The log goes on by itself: every look is an entry.
    while system.app.verifications().store().sequence().head().0 < size {
        assert!(first.get(&at("")).await.body["manifest"].is_null(), "nothing to be seen before it is drawn");
    }
    until_signed(&system, size).await;
    let drawn = second.post(&at("/draw"), &json!({}), &[]).await;
    assert_eq!((drawn.status.as_u16(), &drawn.body["state"]), (200, &json!("drawn")), "{}", drawn.body);
    let manifest = drawn.body["manifest"].clone();
    assert!(manifest["entries"].as_array().unwrap().len() >= 4);
    for entry in manifest["entries"].as_array().unwrap() {
        let reviewers = entry["reviewers"].as_array().unwrap();
        assert!(reviewers.len() == 2 && !reviewers.contains(&json!("tester")), "the actor reviews nothing of theirs");
    }
    let again = first.post(&at("/draw"), &json!({}), &[]).await;
    assert_eq!(again.body["manifest"], manifest, "drawn once");
    // The digest is in the log, at an index below every later look.
    let rows = system.app.verifications().store().log().newest(200).await.unwrap();
    let events: Vec<Value> = rows.iter().map(|row| serde_json::from_str(&row.body).unwrap()).collect();
    let logged = events.iter().find(|event| event["action"] == "sample_drawn").unwrap();
    assert_eq!(logged["sample"]["manifest"], drawn.body["manifest_digest"]);

    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("manifest.json");
    std::fs::write(&file, drawn.body.to_string()).unwrap();
    until_signed(&system, system.app.verifications().store().sequence().head().0).await;
    let original = hedui::config::Config::load(&system.files.config).unwrap().store.path;
    let System { folder: kept, app, adapters, .. } = system;
    app.stop().await;
    std::fs::copy(&original, folder.path().join("copy.sqlite")).unwrap();
    drop((kept, adapters));
    let copy = folder.path().join("copy.sqlite").display().to_string();
    let manifest_file = file.display().to_string();
    let (code, told) = verify(&["--manifest", &manifest_file, "--store", &copy]);
    assert_eq!((code, &told["is_same"]), (0, &json!(true)), "{told}");
    let exported = folder.path().join("export").display().to_string();
    let export = Command::new(env!("CARGO_BIN_EXE_hedui"))
        .args(["log", "export", "--store", &copy, "--out", &exported])
        .status();
    assert!(export.unwrap().success());
    let (code, told) = verify(&["--manifest", &manifest_file, "--export", &exported]);
    assert_eq!((code, &told["is_same"]), (0, &json!(true)), "{told}");
    // Somebody would rather have another entry reviewed.
    for (pointer, value) in [
        ("/entries/0/index", json!(1_000_000)),
        ("/entries/1/reviewers", json!(["r1", "friend"])),
        ("/dice/1/digits", json!("0987654322")),
        ("/plan/rate_percent", json!(1)),
        ("/seed", json!("0".repeat(64))),
    ] {
        let mut forged = manifest.clone();
        *forged.pointer_mut(pointer).unwrap() = value;
        std::fs::write(&file, forged.to_string()).unwrap();
        let (code, told) = verify(&["--manifest", &manifest_file, "--export", &exported]);
        assert_eq!((code, &told["is_same"]), (1, &json!(false)), "{pointer}: {told}");
        let codes: Vec<&str> =
            told["faults"].as_array().unwrap().iter().filter_map(|fault| fault["code"].as_str()).collect();
        assert!(codes.contains(&"digest_differs"), "{pointer}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_whose_second_dice_come_too_late_is_void() {
    let system = with_accesses(1).await;
    let (first, second) = (national(&system, "first"), national(&system, "second"));
    let frozen = first.post("/v1/samples", &plan(2), &[]).await;
    let id = frozen.body["id"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        first.get(&format!("/v1/samples/{id}")).await;
    }
    let late = second.post(&format!("/v1/samples/{id}/dice"), &json!({ "dice": "0987654321" }), &[]).await;
    assert_eq!(late.body["state"], "void", "{}", late.body);
    let drawn = second.post(&format!("/v1/samples/{id}/draw"), &json!({}), &[]).await;
    assert_eq!((drawn.status.as_u16(), &drawn.body["code"]), (409, &json!("sample_state")));
    // And one whose size lies far ahead is not drawn before.
    let far = first.post("/v1/samples", &plan(100_000), &[]).await;
    let id = far.body["id"].as_str().unwrap().to_owned();
    second.post(&format!("/v1/samples/{id}/dice"), &json!({ "dice": "0987654321" }), &[]).await;
    let early = second.post(&format!("/v1/samples/{id}/draw"), &json!({}), &[]).await;
    assert_eq!((early.status.as_u16(), &early.body["code"]), (409, &json!("sample_too_early")));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_plan_is_refused_by_name_and_samples_are_for_the_whole_country() {
    let system = with_accesses(1).await;
    let first = national(&system, "first");
    let mut unknown = plan(100);
    unknown["reviewers"][1] = json!({ "name": "r2" });
    let reply = first.post("/v1/samples", &unknown, &[]).await;
    let pointer = reply.body["errors"][0]["pointer"].as_str().unwrap();
    assert!(reply.status == 422 && pointer.starts_with("/reviewers/1"), "{}", reply.body);
    for (pointer, value) in [
        ("/to", json!("2100-01-01T00:00:00Z")),
        ("/to", json!("2019-01-01T00:00:00Z")),
        ("/rate_percent", json!(0)),
        ("/minimum", json!(0)),
        ("/ahead", json!(1)),
        ("/reviewers", json!([{ "id": "r1" }])),
        ("/reviewers", json!([{ "id": "r1" }, { "id": "r1" }])),
        ("/reviewers", json!([{ "id": "r1" }, { "id": "150000198605021015" }])),
        ("/dice", json!("12")),
    ] {
        let mut wrong = plan(100);
        *wrong.pointer_mut(pointer).unwrap() = value.clone();
        let reply = first.post("/v1/samples", &wrong, &[]).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.body["errors"][0]["pointer"]),
            (422, &json!(pointer)),
            "{value}: {}",
            reply.body
        );
    }
    let regional = system.caller.with_token(mint_as(&system.files, Role::Officer, "regional", "152200", &[]));
    assert_eq!(regional.post("/v1/samples", &plan(100), &[]).await.status, 404);
    assert_eq!(regional.get("/v1/samples").await.status, 404);
    system.stop().await;
}

/// What became of a case is told of own verifications only, and stands in the log.
#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_case_is_told_of_own_verifications() {
    let system = with_accesses(0).await;
    let document = requests(system.folder.path())["C01"].clone();
    let id = system.caller.verify(&document).await.body["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/verifications/{id}/case-events");
    let told = system.caller.post(&path, &json!({ "step": "decided", "operator": "zhang.san" }), &[]).await;
    assert_eq!(told.status, 201, "{}", told.body);
    let log = system.app.verifications().store().log();
    let entry = log.entry_of(told.body["receipt"].as_str().unwrap()).await.unwrap().unwrap();
    let event: Value = serde_json::from_str(&entry.body).unwrap();
    assert_eq!(
        (&event["action"], &event["state"], &event["verification"]),
        (&json!("case_acted"), &json!("decided"), &json!(id))
    );
    for wrong in [json!({ "step": "sold" }), json!({}), json!({ "step": "decided", "operator": "150000198605021015" })]
    {
        assert_eq!(system.caller.post(&path, &wrong, &[]).await.status, 422, "{wrong}");
    }
    let foreign = system.caller.with_token(mint_as(
        &system.files,
        Role::Caseworker,
        "foreign",
        "000000",
        &hedui::domain::purpose::Purpose::ALL,
    ));
    assert_eq!(foreign.post(&path, &json!({ "step": "decided" }), &[]).await.status, 404);
    system.stop().await;
}
