//! Households' authorisations (A24): what does not hold is refused before any department is asked, and a
//! revocation reaches what runs and what is remembered.

use std::time::Duration;

use hedui::domain::purpose::Purpose;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::hub::{Reply, Setup, System, listed, mint, requests};
use super::stub::{Behaviour, Stub};

const PATH: &str = "/v1/authorisations";

/// The registration of a request's own authorisation.
pub(crate) fn registration(request: &Value) -> Value {
    let mut document = request["authorisation"].clone();
    document["household"] = request["household"].clone();
    document["purposes"] = json!([request["purpose"]]);
    document["validity"] = "ASSISTANCE_PERIOD".into();
    document
}

/// The request resting on a registered authorisation.
pub(crate) fn resting_on(request: &Value, id: &Value) -> Value {
    let mut request = request.clone();
    request.as_object_mut().unwrap().remove("authorisation");
    request["authorisation_id"] = id.clone();
    request
}

fn assert_refused(reply: &Reply, code: &str) {
    assert_eq!(reply.status, 422, "{}", reply.body);
    assert_eq!(reply.body["errors"][0]["code"], code, "{}", reply.body);
}

/// A system whose hrss is a stub with keys the hub believes.
async fn with_hrss(behaviour: Behaviour, ask_timeout: &'static str) -> (System, Stub) {
    let folder = TempDir::new().unwrap();
    hedui::simulate::keys::TrialKeys::write(folder.path(), &hedui::domain::clock::SystemRandomness).unwrap();
    let hrss = Stub::start("hrss", behaviour, folder.path());
    let setup = Setup {
        own_packs: true,
        elsewhere: [("hrss", hrss.address)].into(),
        ask_timeout: Some(ask_timeout),
        authority: Some(folder),
        ..Setup::default()
    };
    (System::start(setup, listed()).await, hrss)
}

#[tokio::test(flavor = "multi_thread")]
async fn a24_an_authorisation_holds_for_its_household_purposes_and_departments_only() {
    let (system, hrss) = with_hrss(Behaviour::NoRecord(Duration::ZERO), "1500ms").await;
    let caller = &system.caller;
    let good = requests(system.folder.path())["C01"].clone();
    let inline = caller.verify(&good).await;
    let registered = caller.post(PATH, &registration(&good), &[]).await;
    assert_eq!(registered.status, 201, "{}", registered.body);
    let id = registered.body["id"].clone();
    assert_eq!(registered.headers["location"], format!("{PATH}/{}", id.as_str().unwrap()));
    assert_eq!(registered.body["status"], "valid");
    let text = registered.body.to_string();
    for member in good["household"]["members"].as_array().unwrap() {
        assert!(!text.contains(member["id_number"].as_str().unwrap()), "{text}");
    }

    // The same document is the same authorisation, another one under its number is none.
    let again = caller.post(PATH, &registration(&good), &[]).await;
    assert_eq!((again.status.as_u16(), &again.body), (200, &registered.body));
    let mut other = registration(&good);
    other["purposes"] = json!(["tekun", good["purpose"]]);
    // Also when the number is written another way.
    other["number"] = format!(" {}", other["number"].as_str().unwrap().to_uppercase()).into();
    let taken = caller.post(PATH, &other, &[]).await;
    assert_eq!((taken.status.as_u16(), taken.body["code"].as_str()), (409, Some("authorisation_number_taken")));

    // With it, the verdict is the one of the form inside the request.
    let resting = resting_on(&good, &id);
    assert_eq!(caller.verify(&resting).await.body["verdict"], inline.body["verdict"]);

    // The form names the members its own way; members are told by number.
    let mut renamed = registration(&good);
    renamed["number"] = "renamed".into();
    for list in ["/household/members", "/signatures"] {
        for member in renamed.pointer_mut(list).unwrap().as_array_mut().unwrap() {
            member["ref"] = format!("form-{}", member["ref"].as_str().unwrap()).into();
        }
    }
    let renamed = caller.post(PATH, &renamed, &[]).await.body["id"].clone();
    assert_eq!(caller.verify(&resting_on(&good, &renamed)).await.body["verdict"], inline.body["verdict"]);

    // Everything else is refused before anybody is asked.
    let asked = hrss.times_asked();
    let mut fewer = resting.clone();
    let gone = fewer["household"]["members"].as_array_mut().unwrap().pop().unwrap();
    fewer["declaration"]["members"].as_array_mut().unwrap().retain(|member| member["ref"] != gone["ref"]);
    let mut other_name = resting.clone();
    other_name["household"]["members"][0]["name"] = "别人".into();
    for changed in [fewer, other_name] {
        assert_refused(&caller.verify(&changed).await, "authorisation_of_another_household");
    }
    let mut purpose = resting.clone();
    purpose["purpose"] = "tekun".into();
    assert_refused(&caller.verify(&purpose).await, "purpose_not_authorised");
    let mut both = resting.clone();
    both["authorisation"] = good["authorisation"].clone();
    assert_refused(&caller.verify(&both).await, "given_twice");
    let mut neither = resting.clone();
    neither.as_object_mut().unwrap().remove("authorisation_id");
    assert_refused(&caller.verify(&neither).await, "missing_member");
    let foreign = caller.with_token(mint(&system.files, "other", "000000", &Purpose::ALL));
    let strip = |mut reply: Reply| {
        reply.body.as_object_mut().unwrap().remove("request_id");
        (reply.status, reply.body)
    };
    let unknown = resting_on(&good, &json!("au_00000000000000000000000000000000"));
    assert_refused(&caller.verify(&unknown).await, "unknown_authorisation");
    assert_eq!(strip(foreign.verify(&resting).await), strip(foreign.verify(&unknown).await), "foreign is absent");
    let path = format!("{PATH}/{}", id.as_str().unwrap());
    let absent = strip(foreign.get(&format!("{PATH}/au_0")).await);
    assert_eq!(strip(foreign.get(&path).await), absent);
    assert_eq!(strip(foreign.delete(&path).await), absent);
    assert_eq!(caller.get(&path).await.body, registered.body, "and nothing of it was changed");
    assert_eq!(hrss.times_asked(), asked, "nobody was asked");

    // Past its last day nobody is asked, and the verdict says why; a narrower one leaves out the others.
    let mut expired = registration(&good);
    (expired["number"], expired["signed_on"], expired["valid_until"]) =
        ("expired".into(), "2020-01-01".into(), "2020-12-31".into());
    let expired = caller.post(PATH, &expired, &[]).await;
    assert_eq!(expired.body["status"], "expired");
    let blocked = caller.verify(&resting_on(&good, &expired.body["id"])).await;
    assert_eq!(blocked.verdict_status(), "BLOCKED", "{}", blocked.body);
    assert_eq!(blocked.body["departments"], json!([]));
    let mut narrow = registration(&good);
    (narrow["number"], narrow["departments"]) = ("narrow".into(), json!(["housing"]));
    let narrow = caller.post(PATH, &narrow, &[]).await.body["id"].clone();
    let partial = caller.verify(&resting_on(&good, &narrow)).await;
    assert_eq!((partial.department("hrss"), partial.department("housing")), ("not_authorised", "answered"));
    assert_eq!(hrss.times_asked(), asked, "nobody was asked");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a24_a_revocation_stops_what_runs_and_holds_over_a_restart() {
    let (system, hrss) = with_hrss(Behaviour::Hang, "60s").await;
    let good = requests(system.folder.path())["C01"].clone();
    let id = system.caller.post(PATH, &registration(&good), &[]).await.body["id"].clone();
    let resting = resting_on(&good, &id);
    let accepted = system.caller.post("/v1/verifications", &resting, &[("prefer", "respond-async")]).await;
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    let asked = async {
        while hrss.times_asked() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), asked).await.expect("hrss is asked");
    let path = format!("{PATH}/{}", id.as_str().unwrap());
    let revoked = system.caller.delete(&path).await;
    assert_eq!((revoked.status.as_u16(), &revoked.body["status"]), (200, &json!("revoked")), "{}", revoked.body);
    let ended = async {
        loop {
            let shown =
                system.caller.get(&format!("/v1/verifications/{}", accepted.body["id"].as_str().unwrap())).await;
            if shown.body["status"] == "completed" {
                return shown;
            }
            tokio::task::yield_now().await;
        }
    };
    // Long before hrss would have been given up.
    let ended = tokio::time::timeout(Duration::from_secs(20), ended).await.expect("the verification is stopped");
    assert_eq!(ended.verdict_status(), "BLOCKED", "{}", ended.body);
    assert_eq!(ended.body["departments"], json!([]), "what had come is not used");

    let since = revoked.body["revoked_at"].clone();
    let system = system.restart().await;
    assert_refused(&system.caller.verify(&resting).await, "authorisation_revoked");
    assert_refused(&system.caller.verify(&good).await, "authorisation_revoked");
    // However the number is written.
    let number = good["authorisation"]["number"].as_str().unwrap();
    for variant in [format!(" {number}"), format!("{number}\u{3000}"), number.to_lowercase(), number.to_uppercase()] {
        let mut again = good.clone();
        again["authorisation"]["number"] = variant.into();
        assert_refused(&system.caller.verify(&again).await, "authorisation_revoked");
    }
    assert_refused(&system.caller.post("/v1/verifications:plan", &resting, &[]).await, "authorisation_revoked");
    assert_eq!(system.caller.delete(&path).await.body["revoked_at"], since, "the first revocation stands");
    let pool =
        sqlx::sqlite::SqlitePool::connect(&format!("sqlite://{}", system.folder.path().join("hedui.sqlite").display()))
            .await
            .unwrap();
    let count = "SELECT count(*) FROM access_event WHERE body ->> 'object' = ? AND body ->> 'action' = ?";
    for (action, times) in [("authorisation_registered", 1), ("authorisation_revoked", 1), ("granted", 1)] {
        let found: i64 =
            sqlx::query_scalar(count).bind(id.as_str().unwrap()).bind(action).fetch_one(&pool).await.unwrap();
        assert_eq!(found, times, "{action}");
    }
    pool.close().await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a24_what_departments_said_is_forgotten_with_the_revocation() {
    let (system, hrss) = with_hrss(Behaviour::NoRecord(Duration::ZERO), "1500ms").await;
    let good = requests(system.folder.path())["C01"].clone();
    let register = async |number: &str| {
        let mut document = registration(&good);
        document["number"] = number.into();
        system.caller.post(PATH, &document, &[]).await.body["id"].clone()
    };
    let (first, second) = (register("first").await, register("second").await);
    for id in [&first, &first, &second] {
        assert!(system.caller.verify(&resting_on(&good, id)).await.status.is_success());
    }
    assert_eq!(hrss.times_asked(), 1, "the answer is remembered");
    system.caller.delete(&format!("{PATH}/{}", first.as_str().unwrap())).await;
    let fresh = system.caller.verify(&resting_on(&good, &second)).await;
    assert_eq!(hrss.times_asked(), 2, "and forgotten");
    assert_eq!(fresh.body["departments"][1]["freshness"], "live", "{}", fresh.body);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_that_is_wrong_is_told_fault_by_fault() {
    let system = System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await;
    let good = registration(&requests(system.folder.path())["C01"]);
    let tekun_only = system.caller.with_token(mint(&system.files, "other", "000000", &[Purpose::Tekun]));
    assert_eq!(tekun_only.post(PATH, &good, &[]).await.body["code"], "foreign_purpose");
    for (pointer, value, code) in [
        ("/number", json!("\u{202e}x"), "invalid_text"),
        ("/valid_until", json!("2001-01-01"), "date_out_of_range"),
        ("/purposes", json!([]), "wrong_size"),
        ("/purposes/0", json!("curiosity"), "invalid_value"),
        ("/validity", json!("FOREVER"), "invalid_value"),
        ("/departments", json!(["customs"]), "unknown_department"),
        ("/evidence_digest", json!("sha256:x"), "invalid_value"),
        ("/household/members/0/id_number", json!("150000198605021016"), "id_number_invalid"),
        ("/signatures/0/ref", json!("m99"), "unknown_reference"),
        ("/signatures", json!([]), "wrong_size"),
        ("/status", json!("valid"), "unknown_member"),
        ("/id", json!("au_1"), "unknown_member"),
    ] {
        let mut bad = good.clone();
        match bad.pointer_mut(pointer) {
            Some(place) => *place = value,
            None => bad[&pointer[1..]] = value,
        }
        let reply = system.caller.post(PATH, &bad, &[]).await;
        assert_eq!(reply.status, 422, "{pointer}: {}", reply.body);
        let errors = reply.body["errors"].as_array().unwrap();
        let told = errors.iter().any(|error| {
            // An unknown member is told where it stands, with its name.
            let wanted = if code == "unknown_member" { "" } else { pointer };
            error["code"] == code && error["pointer"].as_str().unwrap().starts_with(wanted)
        });
        assert!(told, "{pointer} {code}: {}", reply.body);
    }
    assert_eq!(system.caller.post_raw(PATH, b"{".to_vec(), &[]).await.status, 400);
    system.stop().await;
}
