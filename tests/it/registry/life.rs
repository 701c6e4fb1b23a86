//! Invited, registered, accepted, in shadow, live, drained, suspended, removed: and what callers see of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::super::hub::{Caller, Setup, System, adapter, requests, second_adapter};
use super::super::stub::{Behaviour, Stub};
use super::{Hub, answers, invitation, operator, register_at, registered_at, version, without_signature};

#[tokio::test(flavor = "multi_thread")]
async fn a_department_joins_by_itself_and_nothing_real_is_asked_before_two_persons_agreed() {
    let hub = Hub::start(Setup { unregistered: vec!["hrss"], ..Setup::default() }).await;
    let own = adapter(hub.system.folder.path(), "hrss", &hub.system.files).await;
    let request = requests(hub.system.folder.path())["C01"].clone();
    let before = hub.system.caller.verify(&request).await;
    assert_eq!(before.department("hrss"), "not_connected");

    let id = registered_at(&hub.system, "hrss", own.addr()).await;
    assert_eq!(id, "hrss-1");
    let seen = hub.show(&id).await;
    assert_eq!(seen["pins"][0].as_str().unwrap().len(), 64, "{seen}");
    assert!(seen["datasets"].as_array().unwrap().len() > 1 && seen["contact"].is_string());
    assert_eq!(hub.bring(&id, &json!({ "move": "accept" })).await.body["done"], "adapter/hrss-1/sandbox");
    assert_eq!(hub.system.caller.verify(&request).await.department("hrss"), "not_connected", "it is not asked yet");

    // Without a report, or with one that does not reach far enough, there is nothing to agree to.
    let asked = hub.bring(&id, &json!({ "move": "shadow" })).await;
    assert_eq!((asked.status.as_u16(), &asked.body["code"]), (422, &json!("report_missing")));
    let mut forged = hub.report(&id, 2).await;
    let low = hub.bring(&id, &json!({ "move": "shadow", "report": forged })).await;
    assert_eq!(low.body["code"], "report_level", "{}", low.body);
    forged["level"] = 4.into();
    let altered = hub.bring(&id, &json!({ "move": "shadow", "report": forged })).await;
    assert_eq!(altered.body["code"], "report_signature", "{}", altered.body);
    // Nor is a step left out.
    let leap = hub.bring(&id, &json!({ "move": "go_live" })).await;
    assert_eq!((leap.status.as_u16(), &leap.body["code"]), (409, &json!("illegal_move")));

    let good = hub.report(&id, 3).await;
    hub.bring_with_two(&id, &json!({ "move": "shadow", "report": good })).await;
    assert_eq!(
        hub.system.caller.verify(&request).await.department("hrss"),
        "not_connected",
        "a shadow is not asked for it"
    );
    hub.bring_with_two(&id, &json!({ "move": "go_live" })).await;
    let after = hub.system.caller.verify(&request).await;
    assert!(answers(&after, "hrss"));

    let log = hub.log().await;
    let steps: Vec<&Value> = log.iter().filter(|event| event["action"] == "adapter_changed").collect();
    let objects: Vec<&str> = steps.iter().map(|event| event["object"].as_str().unwrap()).collect();
    let told = ["hrss/invited", "hrss-1/draft", "hrss-1/sandbox", "hrss-1/shadow", "hrss-1/live"];
    assert_eq!(objects, told.map(|object| format!("adapter/{object}")));
    assert_eq!(steps[4]["approvers"], json!(["wang", "li"]));
    assert_eq!((&steps[4]["before"], &steps[0]["actor"]), (&json!("adapter/hrss-1/shadow"), &json!("operator")));
    assert!(steps[1]["peer"].is_string() && steps[1]["actor"].is_null(), "{}", steps[1]);

    let catalogue = hub.system.caller.get("/v1/catalogue").await;
    let departments = catalogue.body["departments"].as_array().unwrap();
    let hrss = departments.iter().find(|department| department["department"] == "hrss").unwrap();
    assert_eq!((&hrss["state"], &hrss["conformance_level"]), (&json!("live"), &json!(3)), "{hrss}");
    assert!(hrss["contact"].is_string() && hrss["datasets"][0]["fresh_seconds"].is_u64());
    let health = operator(&hub.system).get("/v1/adapters/hrss-1/health").await;
    assert_eq!(health.body["status"], "ok", "{}", health.body);
    hub.system.stop().await;
    own.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p12_the_command_says_what_is_wrong_before_anything_is_done() {
    let hub = Hub::start(Setup::default()).await;
    let id = registered_at(&hub.system, "hrss", hub.system.adapters["hrss"].addr()).await;
    let empty = hub.file("terms.toml");
    std::fs::write(&empty, "# nothing agreed\n").unwrap();
    let empty = empty.display().to_string();
    let cases: [(&[&str], i32, &str); 5] = [
        (&["adapter", "agree", &id, &empty], 2, "has no terms"),
        (&["adapter", "suspend", &id, "--notice-en", "upgrade"], 2, "--notice <TEXT>"),
        (&["adapter", "promote", &id, "live"], 1, "sandbox (accept / promote ID sandbox) or be removed (remove)"),
        (&["adapter", "invite", "hrsss"], 1, "no such department"),
        (&["adapter", "list", "hrss-9"], 2, "`hedui adapter list` shows all"),
    ];
    for (arguments, code, words) in cases {
        let (left, told) = hub.run(&[&["--lang", "en"], arguments].concat()).await;
        assert_eq!(left, code, "{arguments:?}: {told}");
        assert!(told.to_string().contains(words), "{arguments:?}: {told}");
    }
    let shown = hub.show(&id).await;
    assert_eq!((&shown["state"], shown["steps"].is_null()), (&json!("draft"), true), "{shown}");
    // Without a running hub the catalogue is asked just the same.
    let System { app, folder: _folder, files, .. } = hub.system;
    app.stop().await;
    let config = files.config.display().to_string();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_hedui"))
        .args(["--lang", "zh", "adapter", "invite", "hrsss", "--config", &config])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("目录中没有这个部门") && told.contains("(unknown_department)"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a56_terms_that_change_between_entry_and_signature_are_not_signed_unseen() {
    let hub = Hub::start(Setup::default()).await;
    let id = hub.in_shadow("hrss", hub.system.adapters["hrss"].addr()).await;
    let entered = hub.bring(&id, &json!({ "move": "go_live" })).await;
    assert_eq!(entered.status, 202, "{}", entered.body);
    let proposal = entered.body["waiting"].as_str().unwrap();
    assert_eq!(hub.say(proposal, "wang").await.0, 0);
    let terms = json!({ "per_second": 500 });
    let agreed = operator(&hub.system).put(&format!("/v1/adapters/{id}/agreement"), &terms).await;
    assert_eq!((agreed.status.as_u16(), &agreed.body["done"]), (200, &json!("adapter/hrss-1/agreement")));
    let (code, told) = hub.say(proposal, "li").await;
    assert_eq!((code, &told["refused"]["code"]), (1, &json!("changed_since")), "{told}");
    assert_eq!(hub.state(&id).await, "shadow");
    assert_eq!(hub.say(proposal, "li").await.0, 1, "it has ended");
    // Entered again, it is what stands now that they agree to.
    hub.bring_with_two(&id, &json!({ "move": "go_live" })).await;
    let live = hub.show(&id).await;
    assert_eq!((&live["state"], &live["agreement"]["per_second"]), (&json!("live"), &json!(500)), "{live}");
    hub.system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_good_once_and_guessing_is_stopped() {
    let hub = Hub::start(Setup::default()).await;
    let endpoint = format!("https://{}", hub.system.adapters["hrss"].addr());
    let code = invitation(&hub.system, "hrss").await;
    // What is wrong at the address does not use the invitation up.
    let wrong = register_at(&hub.system, &code, &endpoint, "no such version").await;
    assert_eq!(wrong.body["errors"][0]["code"], "other_version", "{}", wrong.body);
    let version = version("hrss");
    let tries = (0..5).map(|_| register_at(&hub.system, &code, &endpoint, &version));
    let statuses: Vec<u16> =
        futures_util::future::join_all(tries).await.iter().map(|reply| reply.status.as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    let again = register_at(&hub.system, &code, &endpoint, &version).await;
    assert_eq!((again.status.as_u16(), &again.body["code"]), (401, &json!("invalid_invitation")));
    // The code stands nowhere; its digest does.
    let stored = std::fs::read(hub.system.folder.path().join("hedui.sqlite")).unwrap();
    assert!(!stored.windows(code.len()).any(|window| window == code.as_bytes()));
    let other = invitation(&hub.system, "health").await;
    let foreign = register_at(&hub.system, &other, &endpoint, &version).await;
    assert_eq!(foreign.body["errors"][0]["code"], "other_department", "{}", foreign.body);
    let mut stopped = false;
    for guess in 0..12 {
        let reply = register_at(&hub.system, &format!("hi_{guess:064}"), &endpoint, "1").await;
        stopped |= reply.body["code"] == "too_many_registrations";
        assert!(stopped || reply.status == 401, "{}", reply.body);
    }
    assert!(stopped, "guessing goes on for ever");
    hub.system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a56_nobody_agrees_to_an_adapter_alone_whatever_the_settings_say() {
    let hub = Hub::start(Setup::default()).await;
    let id = registered_at(&hub.system, "hrss", hub.system.adapters["hrss"].addr()).await;
    assert_eq!(hub.bring(&id, &json!({ "move": "accept" })).await.status, 200);
    let good = hub.report(&id, 3).await;
    let asked = hub.bring(&id, &json!({ "move": "shadow", "report": good })).await;
    let proposal = asked.body["waiting"].as_str().unwrap().to_owned();
    assert_eq!(hub.say(&proposal, "wang").await.1["still"], 1);
    let again = hub.bring(&id, &json!({ "move": "shadow", "report": good })).await;
    let told = (&again.body["waiting"], &again.body["still"]);
    assert_eq!(
        told,
        (&json!(proposal), &json!(1)),
        "one change waits once, or two persons could agree to one copy each"
    );
    let (code, told) = hub.say(&proposal, "wang").await;
    assert!(code == 1 && told["refused"]["en"].as_str().unwrap().contains("another one must agree"), "{told}");
    assert_eq!(hub.state(&id).await, "sandbox");
    // Nor by sending the first one's word again over HTTP.
    let administrator = hub.system.caller.with_token(super::super::hub::mint_as(
        &hub.system.files,
        hedui::domain::actor::Role::Administrator,
        "clerk",
        "000000",
        &[],
    ));
    let shown = administrator.get(&format!("/v1/approvals/{proposal}")).await;
    assert_eq!(shown.body["decisions"][0]["person"], "wang", "{}", shown.body);
    let (digest, key) = (shown.body["digest"].as_str().unwrap(), std::fs::read(hub.file("wang.key")).unwrap());
    let word = |person: &str, key: &[u8]| {
        let said = hedui::auth::statement::Said { proposal: proposal.clone(), digest: digest.to_owned(), agrees: true };
        let issuer = hedui::simulate::keys::TRIAL_AUDIENCE;
        json!({ "statement": hedui::cli::approval::sign(key, person, issuer, &said).unwrap() })
    };
    let path = format!("/v1/approvals/{proposal}/decisions");
    for (person, status) in [("wang", 409), ("li", 409)] {
        let reply = administrator.post(&path, &word(person, &key), &[]).await;
        assert_eq!(reply.status, status, "{person}: {}", reply.body);
    }
    assert_eq!(hub.state(&id).await, "sandbox");
    let li = std::fs::read(hub.file("li.key")).unwrap();
    let other = "/v1/approvals/ch_00000000000000000000000000000000/decisions";
    let elsewhere = administrator.post(other, &word("li", &li), &[]).await;
    assert_eq!(elsewhere.status, 409, "a word is about one change");
    let done = administrator.post(&path, &word("li", &li), &[]).await;
    assert_eq!(done.body["done"], "adapter/hrss-1/shadow", "{}", done.body);
    assert_eq!(administrator.get("/v1/approvals").await.body["changes"][0]["state"], "made");
    hub.system.stop().await;
}

struct Load {
    stop: AtomicBool,
    asked: AtomicUsize,
}

/// Asks one household after another until it is told to stop, and holds every answer to be one.
async fn ask_on(caller: Caller, bodies: Vec<Value>, load: Arc<Load>, worker: usize) {
    for (turn, body) in bodies.iter().cycle().enumerate() {
        if load.stop.load(Ordering::Acquire) {
            return;
        }
        let mut body = body.clone();
        // A window of its own, so that the cache knows nothing.
        body["assessment_date"] = format!("2025-{:02}-15", 1 + (turn + worker * 3) % 12).into();
        let reply = caller.verify(&body).await;
        let rows = reply.body["departments"].as_array().cloned().unwrap_or_default();
        for row in rows.iter().filter(|row| row["department"] == "hrss") {
            let status = row["status"].as_str().unwrap();
            assert!(matches!(status, "answered" | "no_record"), "{row}");
            load.asked.fetch_add(1, Ordering::AcqRel);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_takes_over_under_load_and_no_verification_fails() {
    let hub = Hub::start(Setup::default()).await;
    let (other, _) = second_adapter(hub.system.folder.path(), "hrss", &hub.system.files).await;
    let first = hub.live("hrss", hub.system.adapters["hrss"].addr()).await;
    let second = hub.in_shadow("hrss", other.addr()).await;
    let load = Load { stop: AtomicBool::new(false), asked: AtomicUsize::new(0) };
    let (load, bodies) = (Arc::new(load), requests(hub.system.folder.path()).into_values().collect::<Vec<Value>>());
    let work = |worker| tokio::spawn(ask_on(hub.system.caller.clone(), bodies.clone(), Arc::clone(&load), worker));
    let workers: Vec<_> = (0..4).map(work).collect();
    // However fast the machine is: there is load before the other version takes over, and after.
    let until_asked = async |more: usize| {
        let before = load.asked.load(Ordering::Acquire);
        while load.asked.load(Ordering::Acquire) < before + more && !workers.iter().any(JoinHandle::is_finished) {
            tokio::task::yield_now().await;
        }
    };
    until_asked(8).await;
    hub.bring_with_two(&second, &json!({ "move": "go_live" })).await;
    assert_eq!(hub.state(&second).await, "live");
    hub.until(&first, "suspended").await;
    until_asked(8).await;
    load.stop.store(true, Ordering::Release);
    for worker in workers {
        worker.await.unwrap();
    }
    hub.system.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_when_an_adapter_is_drained_is_answered_and_nothing_new_is_asked() {
    let hub = Hub::start(Setup { unregistered: vec!["hrss"], ..Setup::default() }).await;
    without_signature(&hub.system, "hrss");
    let own = adapter(hub.system.folder.path(), "hrss", &hub.system.files).await;
    let id = hub.live("hrss", own.addr()).await;
    let (address, keys) = (own.addr(), hub.system.folder.path().join("keys"));
    own.stop().await;
    let slow = Stub::start_at("hrss", Behaviour::NoRecord(Duration::from_secs(3)), &keys, address);
    let all = requests(hub.system.folder.path());
    let (caller, first) = (hub.system.caller.clone(), all["C01"].clone());
    let under_way = tokio::spawn(async move { caller.verify(&first).await });
    while slow.times_asked() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(hub.bring(&id, &json!({ "move": "drain" })).await.status, 200);
    assert_eq!(hub.state(&id).await, "draining");
    let refused = hub.system.caller.verify(&all["C02"]).await;
    assert_eq!(Hub::row(&refused, "hrss")["notice"]["code"], "draining", "{}", refused.body);
    let answered = under_way.await.unwrap();
    assert!(answers(&answered, "hrss"), "{}", answered.body);
    hub.until(&id, "suspended").await;
    assert_eq!(slow.times_asked(), 1);
    hub.system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_p10_who_is_suspended_says_why_and_a_restart_forgets_nothing() {
    let mut hub = Hub::start(Setup::default()).await;
    let id = hub.live("hrss", hub.system.adapters["hrss"].addr()).await;
    let request = requests(hub.system.folder.path())["C02"].clone();
    let bare = hub.bring(&id, &json!({ "move": "suspend" })).await;
    assert_eq!((bare.status.as_u16(), &bare.body["code"]), (422, &json!("invalid_notice")));
    let (code, told) = hub
        .run(&["adapter", "suspend", &id, "--notice", "系统升级，周一恢复", "--notice-en", "upgrade, back on Monday"])
        .await;
    assert_eq!((code, &told["done"]), (0, &json!("adapter/hrss-1/suspended")), "{told}");
    for _ in 0..2 {
        let reply = hub.system.caller.verify(&request).await;
        let row = Hub::row(&reply, "hrss");
        assert_eq!((&row["status"], &row["notice"]["code"]), (&json!("unavailable"), &json!("suspended")), "{row}");
        assert_eq!(
            (&row["notice"]["zh"], &row["notice"]["en"]),
            (&json!("系统升级，周一恢复"), &json!("upgrade, back on Monday"))
        );
        let catalogue = hub.system.caller.get("/v1/catalogue").await;
        let departments = catalogue.body["departments"].as_array().unwrap();
        let hrss = departments.iter().find(|department| department["department"] == "hrss").unwrap();
        assert_eq!((&hrss["state"], &hrss["notice"]["zh"]), (&json!("suspended"), &json!("系统升级，周一恢复")));
        assert!(hrss["contact"].is_string(), "whom to call is asked most while it is down: {hrss}");
        hub.system = hub.system.restart().await;
    }
    let listed = operator(&hub.system).get("/v1/adapters").await;
    let ids: Vec<(&str, &str)> = listed.body["adapters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|adapter| (adapter["id"].as_str().unwrap(), adapter["state"].as_str().unwrap()))
        .collect();
    assert!(ids.contains(&("hrss-1", "suspended")) && ids.contains(&("health-file", "live")), "{ids:?}");
    let by_file = hub.bring("health-file", &json!({ "move": "drain" })).await;
    assert_eq!((by_file.status.as_u16(), &by_file.body["code"]), (409, &json!("by_file")));
    assert_eq!(hub.run(&["adapter", "resume", &id]).await.0, 0);
    assert!(answers(&hub.system.caller.verify(&request).await, "hrss"));
    assert_eq!(hub.run(&["adapter", "drain", &id]).await.0, 0);
    hub.until(&id, "suspended").await;
    let own = hub.log().await.into_iter().rfind(|event| event["action"] == "adapter_changed").unwrap();
    assert_eq!((&own["object"], &own["role"]), (&json!("adapter/hrss-1/suspended"), &json!("system")), "{own}");
    // Where the registered one is gone, the one of the configuration file is asked again.
    let removed = operator(&hub.system).delete(&format!("/v1/adapters/{id}")).await;
    assert_eq!(removed.body["done"], "adapter/hrss-1/removed", "{}", removed.body);
    assert!(answers(&hub.system.caller.verify(&request).await, "hrss"));
    let (code, status) = hub.run(&["adapter", "list", &id]).await;
    assert_eq!((code, &status[0]["adapter"]["state"]), (0, &json!("removed")), "{status}");
    hub.system.stop().await;
}
