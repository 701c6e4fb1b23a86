//! Alerts over a running hub: what is raised, who sees it, how it is closed, and that all of it is in the log.

use std::time::{Duration, Instant};

use hedui::domain::actor::Role;
use hedui::review::gathering::Alert;
use hedui::store::AlertQuery;
use serde_json::{Value, json};

use super::hub::{Caller, Setup, System, listed, mint_as, officer, requests};

const WHY: &str = "已与经办人核实，系正常业务";

/// Waits for an alert of a rule about an actor. The promise is 60 s from the access; tests watch every 100 ms.
pub(crate) async fn until_alert(system: &System, rule: &str, actor: &str) -> Alert {
    let begun = Instant::now();
    loop {
        let query = AlertQuery { rule: Some(rule.to_owned()), limit: Some(200), ..AlertQuery::default() };
        let rows = system.app.verifications().store().alerts(&query).await.unwrap();
        if let Some(row) = rows.iter().find(|row| row.actor.as_deref() == Some(actor)) {
            return serde_json::from_str(&row.body).unwrap();
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "no {rule} about {actor} within a minute");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn watched(review: &str) -> System {
    let review = Some(format!("every = \"100ms\"\n{review}"));
    System::start(Setup { own_packs: true, review, ..Setup::default() }, listed()).await
}

fn national(system: &System, name: &str) -> Caller {
    system.caller.with_token(officer(&system.files, name, "000000"))
}

async fn bring(caller: &Caller, alert: &str, to: &str, reason: &str) -> (u16, Value) {
    let reply =
        caller.post(&format!("/v1/alerts/{alert}/transitions"), &json!({ "to": to, "reason": reason }), &[]).await;
    (reply.status.as_u16(), reply.body)
}

/// An alert about an officer: they ask for entries that are not there.
async fn alert_about(system: &System, name: &str) -> Alert {
    let caller = national(system, name);
    for index in 0..11 {
        assert_eq!(caller.get(&format!("/v1/access-log/{}", 900_000 + index)).await.status, 404);
    }
    until_alert(system, "R11", name).await
}

/// A28: a reviewer closes an alert about themself, closes without a reason, deletes.
#[tokio::test(flavor = "multi_thread")]
async fn a28_nobody_closes_an_alert_about_themself_or_without_a_reason() {
    let system = watched("").await;
    let alert = alert_about(&system, "curious").await;
    let (own, other, third) = (national(&system, "curious"), national(&system, "other"), national(&system, "third"));
    let path = format!("/v1/alerts/{}", alert.id);
    assert_eq!(own.get(&path).await.status, 404);
    assert_eq!(bring(&own, &alert.id, "dismissed", WHY).await.0, 404);
    let listed = own.get("/v1/alerts?limit=200").await;
    assert!(!listed.body.to_string().contains(&alert.id), "not in the own list either");
    let seen = other.get(&path).await;
    assert_eq!((seen.status.as_u16(), &seen.body["state"]), (200, &json!("open")), "{}", seen.body);
    assert!(seen.body["arithmetic"]["observed"].as_u64() >= seen.body["arithmetic"]["threshold"].as_u64());
    let link = seen.body["links"][0]["proof"].as_str().unwrap();
    assert!(matches!(other.get(link).await.status.as_u16(), 200 | 409), "the evidence can be proved: {link}");
    for reason in ["", "      ", "aaaaaaaaaaaa", "ok", "查了 150000198605021015 没事"] {
        let (status, body) = bring(&other, &alert.id, "dismissed", reason).await;
        assert_eq!((status, &body["errors"][0]["pointer"]), (422, &json!("/reason")), "{reason}: {body}");
    }
    assert_eq!(other.delete(&path).await.status, 405);
    assert_eq!(other.get(&path).await.body["state"], "open", "nothing of this closed it");
    // High severity: two officers.
    let (status, body) = bring(&other, &alert.id, "dismissed", WHY).await;
    assert_eq!((status, &body["state"]), (200, &json!("dismissal_proposed")), "{body}");
    let (status, body) = bring(&other, &alert.id, "dismissed", WHY).await;
    assert_eq!((status, &body["code"]), (403, &json!("four_eyes")));
    let (status, body) = bring(&third, &alert.id, "dismissed", WHY).await;
    assert_eq!((status, &body["state"]), (200, &json!("dismissed")));
    assert_eq!(body["steps"].as_array().unwrap().len(), 2, "who, when and why stay with it");
    assert_eq!(bring(&other, &alert.id, "escalated", WHY).await.1["code"], "alert_state");
    // All of it is in the log: raised, looked at, changed.
    let rows = system.app.verifications().store().log().newest(60).await.unwrap();
    let about: Vec<Value> = rows
        .iter()
        .map(|row| serde_json::from_str::<Value>(&row.body).unwrap())
        .filter(|event| event["object"] == json!(format!("alerts/{}", alert.id)))
        .collect();
    let count = |action: &str| about.iter().filter(|event| event["action"] == action).count();
    assert_eq!((count("alert_raised"), count("alert_changed"), count("viewed")), (1, 2, 2));
    assert!(about.iter().any(|event| event["state"] == "dismissed" && event["reason"] == WHY));
    system.stop().await;
}

/// A29: break-glass without a reason is refused, a valid one alerts at once and is due within a day.
#[tokio::test(flavor = "multi_thread")]
async fn a29_break_glass_needs_a_reason_and_alerts_at_once() {
    let system = watched("").await;
    let documents = requests(system.folder.path());
    let mut document = documents["C64"].clone();
    document["emergency_only"] = json!(true);
    document["authorisation"]["signatures"] = json!([]);
    let events = document["declaration"]["events"].take();
    document["declaration"]["events"] = json!([]);
    assert_eq!(system.caller.verify(&document).await.status, 422, "without the emergency");
    document["declaration"]["events"] = events;
    document["context"] = json!({ "operator": "zhang.san", "reason": "aaaaaaaaaa" });
    let refused = system.caller.verify(&document).await;
    assert_eq!((refused.status.as_u16(), &refused.body["errors"][0]["code"]), (422, &json!("empty_reason")));
    document["context"]["reason"] = json!("房屋火灾，家庭无处居住");
    let begun = Instant::now();
    let done = system.caller.verify(&document).await;
    assert!(done.status.is_success(), "{}", done.body);
    let alert = until_alert(&system, "R6", "tester").await;
    assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", begun.elapsed());
    let due = alert.due_at.unwrap().duration_since(alert.raised_at);
    assert_eq!(due, jiff::SignedDuration::from_hours(24));
    assert_eq!(alert.window, done.body["id"].as_str().unwrap(), "each one by itself");
    system.stop().await;
}

/// A50: colleague, family, neighbour and watched persons are flagged, whatever the case says; nothing personal is told outside.
#[tokio::test(flavor = "multi_thread")]
async fn a50_lookups_of_people_one_knows_are_flagged() {
    let folder = tempfile::TempDir::new().unwrap();
    let documents = {
        let quiet = watched("").await;
        let documents = requests(quiet.folder.path());
        quiet.stop().await;
        documents
    };
    let mut document = documents["C01"].clone();
    let member = document["household"]["members"][0].clone();
    let (number, name) = (member["id_number"].as_str().unwrap(), member["name"].as_str().unwrap());
    let surname: String = name.chars().take(1).collect();
    let staff = folder.path().join("staff.csv");
    let own = "15000019700101109X";
    std::fs::write(&staff, format!("client,operator,id_number,name,address,relatives\ntester,kin,{own},{surname}五,幸福社区3栋101,\ntester,boss,{number},,,\n")).unwrap();
    let watch = folder.path().join("watch.txt");
    std::fs::write(&watch, format!("{number}\n")).unwrap();
    let system = watched(&format!("staff = \"{}\"\nwatch_list = \"{}\"", staff.display(), watch.display())).await;
    document["context"] = json!({
        "operator": "kin", "address": "幸福社区3栋502", "workstation": "pc-1",
        "case": { "number": "DB-1", "opened_at": "2025-03-01T00:00:00Z" }
    });
    assert!(system.caller.verify(&document).await.status.is_success());
    for rule in ["R2", "R3", "R5"] {
        let alert = until_alert(&system, rule, "tester").await;
        assert_eq!(alert.who.as_ref().unwrap().operator.as_deref(), Some("kin"), "{rule}");
        let told = serde_json::to_string(&alert).unwrap();
        assert!(!told.contains(number) && !told.contains(name) && !told.contains("幸福社区"), "{told}");
    }
    let page = national(&system, "officer").get("/v1/alerts?severity=high&limit=2").await;
    let alerts = page.body["alerts"].as_array().unwrap();
    assert_eq!(alerts.len(), 2);
    assert!(alerts[0]["score"].as_u64() >= alerts[1]["score"].as_u64(), "ranked");
    let after = page.body["next_after"].as_str().unwrap();
    let next = national(&system, "officer").get(&format!("/v1/alerts?severity=high&limit=2&after={after}")).await;
    assert!(!next.body["alerts"].to_string().contains(alerts[0]["id"].as_str().unwrap()));
    system.stop().await;
}

/// A51: one caller, a little every day, without cases; and nothing is raised twice by a restart.
#[tokio::test(flavor = "multi_thread")]
async fn a51_lookups_without_a_case_are_found_and_a_restart_raises_nothing_twice() {
    let mut system = watched("").await;
    let documents = requests(system.folder.path());
    for _ in 0..3 {
        let mut document = documents["C01"].clone();
        document["context"] = json!({ "operator": "slow" });
        assert!(system.caller.verify(&document).await.status.is_success());
    }
    let first = until_alert(&system, "R1", "tester").await;
    let repeated = until_alert(&system, "R10", "tester").await;
    assert_eq!((repeated.arithmetic.observed, repeated.arithmetic.threshold), (3, 3));
    let count = async |system: &System| {
        let query = AlertQuery { limit: Some(200), ..AlertQuery::default() };
        system.app.verifications().store().alerts(&query).await.unwrap().len()
    };
    let before = count(&system).await;
    for _ in 0..2 {
        system = system.restart().await;
    }
    let mut document = documents["C01"].clone();
    document["context"] = json!({ "operator": "another" });
    assert!(system.caller.verify(&document).await.status.is_success());
    let begun = Instant::now();
    while count(&system).await <= before {
        assert!(begun.elapsed() < Duration::from_mins(1), "it goes on watching after a restart");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let again = until_alert(&system, "R1", "tester").await;
    assert!(again.id == first.id || again.who != first.who);
    let raised = system.app.verifications().store().log().newest(200).await.unwrap();
    let raised = raised.iter().filter(|row| row.body.contains("\"action\":\"alert_raised\"")).count();
    assert_eq!(raised, count(&system).await, "one entry for each alert");
    system.stop().await;
}

/// A52: a reviewer who dismisses whatever comes is an alert to the others.
#[tokio::test(flavor = "multi_thread")]
async fn a52_a_reviewer_who_dismisses_everything_is_found() {
    let system = watched("").await;
    let documents = requests(system.folder.path());
    for number in 0..20 {
        let mut document = documents["C01"].clone();
        document["context"] = json!({ "operator": format!("friend-{number}") });
        assert!(system.caller.verify(&document).await.status.is_success());
    }
    let colluding = national(&system, "colluding");
    let begun = Instant::now();
    let open = loop {
        let page = colluding.get("/v1/alerts?rule=R1&state=open&limit=200").await;
        let alerts = page.body["alerts"].as_array().unwrap().clone();
        if alerts.len() >= 20 {
            break alerts;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "{}", alerts.len());
    };
    for alert in &open {
        assert_eq!(bring(&colluding, alert["id"].as_str().unwrap(), "dismissed", WHY).await.0, 200);
    }
    let drift = until_alert(&system, "R16", "colluding").await;
    assert!(drift.arithmetic.observed >= drift.arithmetic.threshold);
    let path = format!("/v1/alerts/{}", drift.id);
    assert_eq!(colluding.get(&path).await.status, 404, "not to themself");
    let other = system.caller.with_token(mint_as(&system.files, Role::Officer, "other", "000000", &[]));
    assert_eq!(other.get(&path).await.status, 200);
    system.stop().await;
}

/// Garbage in parameters and paths is refused by name, and never a failure of ours.
#[tokio::test(flavor = "multi_thread")]
async fn garbage_asked_of_alerts_is_refused() {
    let system = watched("").await;
    let officer = national(&system, "officer");
    for query in ["state=lost", "rule=R17", "severity=mild", "limit=0", "limit=201", "limit=x", "after=1", "who=me"] {
        assert_eq!(officer.get(&format!("/v1/alerts?{query}")).await.status, 400, "{query}");
    }
    for id in ["1", "al_", "al_zz000000000000000000000000000000", "..%2f", "al_00000000000000000000000000000000%00"] {
        assert_eq!(officer.get(&format!("/v1/alerts/{id}")).await.status, 404, "{id}");
    }
    let path = "/v1/alerts/al_00000000000000000000000000000000/transitions";
    for body in [json!([]), json!({ "to": "gone", "reason": WHY }), json!({ "to": "asked" }), json!(null)] {
        assert_eq!(officer.post(path, &body, &[]).await.status, 422, "{body}");
    }
    system.stop().await;
}
