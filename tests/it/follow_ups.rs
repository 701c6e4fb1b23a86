//! What departments owe is asked for again: by the hub with growing pauses, by the caller's wish, over a crash; each answer
//! makes a new version, and the ones before stay readable.

use std::time::Duration;

use hedui::simulate::{DEFAULT_DATE, Simulation};
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::durability::{Hub, free_port, simulated, trial};
use super::faults::stub_keys;
use super::hub::{Caller, DEPARTMENTS, Reply, Setup, System, adapter, append_adapters, listed, requests};
use super::stub::{Behaviour, Stub};

/// Something that stands in every trial configuration, to put settings beside it.
const MONITOR: &str = "[monitor]\n";
/// The last line of the federation's settings in the simulator's configuration.
const KEY: &str = "private_key = \"keys/hub.key\"";

fn often(attempts: u32) -> (&'static str, String) {
    let settings =
        format!("[follow_up]\nfirst_pause = \"100ms\"\nlongest_pause = \"400ms\"\nattempts = {attempts}\n\n");
    (MONITOR, settings + MONITOR)
}

/// A hub that asks housing, a stub, again so often; 0: only when it is asked to.
async fn with_housing(behaviour: Behaviour, attempts: u32) -> (System, Stub) {
    let keys = stub_keys();
    let stub = Stub::start("housing", behaviour, keys.path());
    let setup = Setup {
        elsewhere: [("housing", stub.address)].into(),
        own_packs: true,
        ask_timeout: Some("700ms"),
        settings: vec![often(attempts)],
        authority: Some(keys),
        ..Setup::default()
    };
    (System::start(setup, listed()).await, stub)
}

/// Follows a verification until it is settled. The answers, one a version.
async fn until_settled(caller: &Caller, id: &str) -> Vec<Value> {
    let url = format!("{}/v1/verifications/{id}/events?until=settled", caller.base);
    let events = caller.http.get(url).bearer_auth(&caller.token).send();
    let text = tokio::time::timeout(Duration::from_secs(20), async { events.await.unwrap().text().await.unwrap() });
    let text = text.await.expect("it is settled in time");
    let completed = text.split("\n\n").filter(|event| event.contains("event: completed"));
    completed
        .map(|event| event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap())
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

fn id(reply: &Reply) -> String {
    reply.body["id"].as_str().unwrap().to_owned()
}

/// What the log says of a verification, oldest first: action, role.
async fn entries(system: &System, verification: &str) -> Vec<(String, String)> {
    let newest = system.app.verifications().store().log().newest(200).await.unwrap();
    let mut events: Vec<(u64, Value)> =
        newest.iter().map(|entry| (entry.index, serde_json::from_str(&entry.body).unwrap())).collect();
    events.retain(|(_, event)| event["verification"] == verification);
    events.sort_by_key(|(index, _)| *index);
    let text = |event: &Value, name: &str| event[name].as_str().unwrap_or_default().to_owned();
    events.iter().map(|(_, event)| (text(event, "action"), text(event, "role"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_p3_a_department_that_comes_back_completes_an_open_verdict_and_the_earlier_one_stays_readable() {
    let (system, stub) = with_housing(Behaviour::Status(500), 100).await;
    let open = system.caller.verify(&requests(system.folder.path())["C01"]).await;
    assert_eq!((open.verdict_status(), &open.body["version"]), ("PENDING_DATA", &Value::from(1)), "{}", open.body);
    assert!(open.body["follow_up"]["next_at"].is_string(), "{}", open.body);
    let (id, caller) = (id(&open), system.caller.clone());
    let follower = {
        let id = id.clone();
        tokio::spawn(async move { until_settled(&caller, &id).await })
    };
    stub.behave(Behaviour::NoRecord(Duration::ZERO));
    let versions = follower.await.unwrap();
    let [first, second] = &versions[..] else { panic!("{} versions", versions.len()) };
    assert_eq!((&first["version"], &second["version"]), (&Value::from(1), &Value::from(2)));
    assert_eq!(second["verdict"]["status"], "DETERMINED", "{second}");
    assert_eq!(second["verdict"]["household_circle"], "DIBAO");
    assert_ne!(first["receipt"], second["receipt"], "each version has its own entry in the log");
    assert!(second["follow_up"].is_null());

    let newest = system.caller.get(&format!("/v1/verifications/{id}")).await;
    assert_eq!(newest.body["verdict"], second["verdict"]);
    let earlier = system.caller.get(&format!("/v1/verifications/{id}?version=1&expand=evidence")).await;
    assert_eq!(earlier.body["verdict"], open.body["verdict"], "what was told stays as it was told");
    assert!(earlier.body["evidence"].is_array());
    // Each version is made again as it was, and told on its own.
    let mut reports = Vec::new();
    for (version, told) in [(1, first), (2, second)] {
        let again = system.caller.get(&format!("/v1/verifications/{id}/replay?version={version}")).await;
        assert_eq!((&again.body["same"], &again.body["verdict"]), (&true.into(), &told["verdict"]), "{}", again.body);
        let report = system.caller.get(&format!("/v1/verifications/{id}/report?version={version}")).await;
        assert_eq!(report.status, 200, "{}", report.body);
        reports.push(report.body["sentence"].clone());
    }
    assert!(reports[0].is_object() && reports[0] != reports[1], "{reports:?}");
    let third = system.caller.get(&format!("/v1/verifications/{id}?version=3")).await;
    assert_eq!((third.status.as_u16(), third.body["code"].as_str()), (404, Some("no_such_version")), "{}", third.body);
    assert!(third.body["fix"]["en"].as_str().unwrap().contains("versions 1 to 2"), "{}", third.body);
    // Of another client's nothing is told, not how many there are either.
    let other = super::hub::mint(&system.files, "other", "000000", &hedui::domain::purpose::Purpose::ALL);
    let foreign = system.caller.with_token(other).get(&format!("/v1/verifications/{id}?version=3")).await;
    assert_eq!((foreign.status.as_u16(), foreign.body["code"].as_str()), (404, Some("not_found")), "{}", foreign.body);

    let entries = entries(&system, &id).await;
    let of = |action: &str| entries.iter().filter(|(known, _)| known == action).count();
    assert_eq!((of("granted"), of("released")), (1, 2), "{entries:?}");
    let asked = entries.iter().position(|(action, role)| action == "asked_again" && role == "system").unwrap();
    let released = entries.iter().rposition(|(action, _)| action == "released").unwrap();
    assert!(asked < released, "who is asked about is in the log before they are: {entries:?}");
    system.stop().await;
}

/// Where several are silent of whom each alone leaves the verdict open, none of them blocks it, and all are asked again.
#[tokio::test(flavor = "multi_thread")]
async fn p2_who_leaves_a_verdict_open_only_together_with_others_is_asked_again_too() {
    let keys = stub_keys();
    let stubs = DEPARTMENTS.map(|department| Stub::start(department, Behaviour::Status(500), keys.path()));
    let setup = Setup {
        elsewhere: DEPARTMENTS.into_iter().zip(stubs.iter().map(|stub| stub.address)).collect(),
        settings: vec![often(100)],
        authority: Some(keys),
        ..Setup::default()
    };
    let system = System::start(setup, Simulation::population(40, 1, DEFAULT_DATE).unwrap()).await;
    let mut blocked_by_nobody = 0;
    for (household, document) in requests(system.folder.path()) {
        let reply = system.caller.verify(&document).await;
        if reply.verdict_status() != "PENDING_DATA" {
            continue;
        }
        let blocking = reply.body["verdict"]["blocking_departments"].as_array().unwrap();
        blocked_by_nobody += usize::from(blocking.is_empty());
        assert!(reply.body["follow_up"]["next_at"].is_string(), "{household}: {}", reply.body);
    }
    assert!(blocked_by_nobody > 0, "no household of this population is of this kind");
    drop(stubs);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_who_answered_is_not_asked_again_even_without_a_cache() {
    let keys = stub_keys();
    let hrss = Stub::start("hrss", Behaviour::NoRecord(Duration::ZERO), keys.path());
    let housing = Stub::start("housing", Behaviour::Status(500), keys.path());
    let setup = Setup {
        elsewhere: [("housing", housing.address), ("hrss", hrss.address)].into(),
        own_packs: true,
        settings: vec![often(0), (KEY, format!("{KEY}\ncached_people = 0"))],
        authority: Some(keys),
        ..Setup::default()
    };
    let system = System::start(setup, listed()).await;
    for disclosure in ["full", "minimal"] {
        housing.behave(Behaviour::Status(500));
        let mut document = requests(system.folder.path())["C01"].clone();
        document["disclosure"] = disclosure.into();
        let open = system.caller.verify(&document).await;
        assert_eq!(open.verdict_status(), "PENDING_DATA", "{}", open.body);
        assert!(open.body["follow_up"]["next_at"].is_null(), "never by itself: {}", open.body);
        let asked = hrss.times_asked();
        assert!(asked > 0);
        housing.behave(Behaviour::NoRecord(Duration::ZERO));
        let path = format!("/v1/verifications/{}/refresh", id(&open));
        let settled = system.caller.post(&path, &Value::Null, &[]).await;
        assert_eq!((settled.status.as_u16(), settled.verdict_status()), (200, "DETERMINED"), "{}", settled.body);
        assert_eq!(settled.body["version"], 2);
        assert_eq!(hrss.times_asked(), asked, "{disclosure}: what it said is kept");
        // Nothing is owed any more: nobody is asked, and nothing changes.
        let asked = housing.times_asked();
        let again = system.caller.post(&path, &Value::Null, &[]).await;
        assert_eq!((again.status.as_u16(), &again.body["verdict"]), (200, &settled.body["verdict"]));
        assert_eq!((housing.times_asked(), &again.body["version"]), (asked, &Value::from(2)));
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_department_that_stays_silent_is_asked_so_often_and_no_more() {
    let (system, stub) = with_housing(Behaviour::Status(429), 3).await;
    let open = system.caller.verify(&requests(system.folder.path())["C01"]).await;
    let asked = stub.times_asked();
    let versions = until_settled(&system.caller, &id(&open)).await;
    assert_eq!(versions.len(), 1, "nothing changed");
    assert_eq!(stub.times_asked() - asked, 3);
    let given_up = system.caller.get(&format!("/v1/verifications/{}", id(&open))).await;
    assert_eq!(given_up.body["follow_up"]["attempts"], 3, "{}", given_up.body);
    assert!(given_up.body["follow_up"]["next_at"].is_null());
    // The caller may still wish it.
    stub.behave(Behaviour::NoRecord(Duration::ZERO));
    let path = format!("/v1/verifications/{}/refresh", id(&open));
    assert_eq!(system.caller.post(&path, &Value::Null, &[]).await.verdict_status(), "DETERMINED");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_opened_is_tried_so_often_and_no_more() {
    let (system, stub) = with_housing(Behaviour::Status(429), 3).await;
    let open = system.caller.verify(&requests(system.folder.path())["C01"]).await;
    assert_eq!(open.verdict_status(), "PENDING_DATA", "{}", open.body);
    let file = system.folder.path().join("hedui.sqlite");
    let mut disk = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
    sqlx::query("UPDATE follow_up SET body = x'00'").execute(&mut disk).await.unwrap();
    disk.close().await.unwrap();
    let asked = stub.times_asked();
    assert_eq!(until_settled(&system.caller, &id(&open)).await.len(), 1, "nothing changed");
    assert!(stub.times_asked() <= asked + 1, "nobody is asked for what could not be judged");
    let given_up = system.caller.get(&format!("/v1/verifications/{}", id(&open))).await;
    assert_eq!((given_up.status.as_u16(), &given_up.body["follow_up"]["attempts"]), (200, &Value::from(3)));
    assert!(given_up.body["follow_up"]["next_at"].is_null(), "{}", given_up.body);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_what_is_revoked_or_erased_is_not_asked_about_again() {
    let (system, stub) = with_housing(Behaviour::Status(429), 0).await;
    let mut document = requests(system.folder.path())["C01"].clone();
    let registration = super::authorisations::registration(&document);
    let registered = system.caller.post("/v1/authorisations", &registration, &[]).await;
    document.as_object_mut().unwrap().remove("authorisation");
    document["authorisation_id"] = registered.body["id"].clone();
    let open = system.caller.verify(&document).await;
    assert_eq!(open.verdict_status(), "PENDING_DATA", "{}", open.body);
    let path = format!("/v1/verifications/{}/refresh", id(&open));

    // Revoked while the department is being asked: what comes is not used.
    stub.behave(Behaviour::NoRecord(Duration::from_millis(500)));
    let asked = stub.times_asked();
    let refreshing = {
        let (caller, path) = (system.caller.clone(), path.clone());
        tokio::spawn(async move { caller.post(&path, &Value::Null, &[]).await })
    };
    while stub.times_asked() == asked {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let revoke = format!("/v1/authorisations/{}", registered.body["id"].as_str().unwrap());
    assert_eq!(system.caller.delete(&revoke).await.status, 200);
    let refreshed = refreshing.await.unwrap();
    assert_eq!((refreshed.verdict_status(), &refreshed.body["version"]), ("PENDING_DATA", &Value::from(1)));

    // From then on nobody is asked.
    let asked = stub.times_asked();
    let refused = system.caller.post(&path, &Value::Null, &[]).await;
    assert_eq!(
        (refused.status.as_u16(), refused.body["errors"][0]["code"].as_str()),
        (422, Some("authorisation_ended"))
    );
    assert_eq!(stub.times_asked(), asked);

    assert_eq!(super::erasure::erase(&system, &id(&open), "test").await.0, 0, "what has ended can be erased");
    assert_eq!(system.caller.post(&path, &Value::Null, &[]).await.status, 410);
    assert_eq!(system.app.verifications().store().follow_up(&id(&open)).await.unwrap(), None);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p10_what_is_owed_outlives_kill_9() {
    let folder = simulated().await;
    let address = free_port();
    let files = trial(folder.path(), address);
    super::hub::change_settings(&files.config, &[often(100)]);
    let mut running = Vec::new();
    let mut addresses = Vec::new();
    for department in DEPARTMENTS.into_iter().filter(|department| *department != "housing") {
        let adapter = adapter(folder.path(), department, &files).await;
        addresses.push((department, adapter.addr()));
        running.push(adapter);
    }
    let housing = Stub::start("housing", Behaviour::Status(429), &folder.path().join("keys"));
    addresses.push(("housing", housing.address));
    append_adapters(&files.config, &addresses, "4s");
    let document = requests(folder.path())["C01"].clone();

    let hub = Hub::start(&files.config, address).await;
    let open = Caller::new(&files, address).verify(&document).await;
    assert_eq!(open.verdict_status(), "PENDING_DATA", "{}", open.body);
    // In the midst of asking again.
    let asked = housing.times_asked();
    housing.behave(Behaviour::NoRecord(Duration::from_millis(700)));
    while housing.times_asked() == asked {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    hub.kill();

    let _hub = Hub::start(&files.config, address).await;
    let caller = Caller::new(&files, address);
    let versions = until_settled(&caller, &id(&open)).await;
    let newest = versions.last().unwrap();
    assert_eq!((&newest["version"], &newest["verdict"]["status"]), (&Value::from(2), &"DETERMINED".into()), "{newest}");
    let earlier = caller.get(&format!("/v1/verifications/{}?version=1", id(&open))).await;
    assert_eq!(earlier.body["verdict"], open.body["verdict"]);
}
