//! Minimal disclosure over the wire (promise P6): less is asked, and every verdict is the one of asking everybody.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hedui::simulate::{DEFAULT_DATE, Simulation};
use serde_json::{Value, json};

use super::faults::stub_keys;
use super::hub::{Caller, DEPARTMENTS, Reply, Setup, System, listed, requests};
use super::stub::{Behaviour, Stub};

/// What minimal disclosure keeps of a verdict.
const KEPT: [&str; 10] = [
    "status",
    "household_circle",
    "also_meets",
    "member_outcomes",
    "emergency_overlay",
    "benefit_hint",
    "review_cycle_months",
    "possible_circles",
    "possibilities",
    "blocking_departments",
];

fn minimal(document: &Value) -> Value {
    let mut document = document.clone();
    document["disclosure"] = json!("minimal");
    document
}

/// What two answers to one household differ in, of what is kept.
fn differences(minimal: &Value, full: &Value) -> Vec<String> {
    let (minimal, full) = (&minimal["verdict"], &full["verdict"]);
    let mut differences: Vec<String> = KEPT
        .iter()
        .filter(|field| minimal[**field] != full[**field])
        .map(|field| format!("{field}: full {}, minimal {}", full[*field], minimal[*field]))
        .collect();
    let referral = |verdict: &Value| verdict["flags"].as_array().unwrap().contains(&json!("EMPLOYMENT_REFERRAL"));
    if referral(minimal) != referral(full) {
        differences.push("EMPLOYMENT_REFERRAL".to_owned());
    }
    differences
}

/// Asks minimally first, so that nothing is at hand, and then everybody.
async fn both(caller: &Caller, document: &Value) -> (Reply, Vec<String>) {
    let asked = caller.verify(&minimal(document)).await;
    let full = caller.verify(document).await;
    let differences = differences(&asked.body, &full.body);
    (asked, differences)
}

fn count(reply: &Reply, name: &str) -> u64 {
    reply.body["disclosure"][name].as_u64().unwrap_or_default()
}

#[derive(Default, Debug)]
struct Asked {
    households: u64,
    queries: u64,
    queries_in_full: u64,
    questions: u64,
    questions_in_full: u64,
    rounds: u64,
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_five_hundred_households_get_the_same_verdict_from_fewer_questions() {
    // What is compared is what departments say, not how long a busy machine takes: nobody is ever late.
    let setup = Setup { ask_timeout: Some("60s"), deadline: Some("60s"), ..Setup::default() };
    let system = System::start(setup, Simulation::population(500, 1, DEFAULT_DATE).unwrap()).await;
    let documents: Arc<Vec<(String, Value)>> = Arc::new(requests(system.folder.path()).into_iter().collect());
    assert_eq!(documents.len(), 500);
    let next = Arc::new(AtomicUsize::new(0));
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (documents, next, caller) = (Arc::clone(&documents), Arc::clone(&next), system.caller.clone());
        callers.spawn(async move {
            let (mut asked, mut failures) = (Asked::default(), Vec::new());
            while let Some((id, document)) = documents.get(next.fetch_add(1, Ordering::Relaxed)) {
                let (reply, differences) = both(&caller, document).await;
                failures.extend(differences.into_iter().map(|difference| format!("{id}: {difference}")));
                asked.households += 1;
                asked.queries += count(&reply, "queries");
                asked.queries_in_full += count(&reply, "queries_in_full");
                asked.questions += count(&reply, "questions");
                asked.questions_in_full += count(&reply, "questions_in_full");
                asked.rounds += count(&reply, "rounds");
            }
            (asked, failures)
        });
    }
    let mut all = Asked::default();
    let mut failures = Vec::new();
    for (asked, failed) in callers.join_all().await {
        all.households += asked.households;
        all.queries += asked.queries;
        all.queries_in_full += asked.queries_in_full;
        all.questions += asked.questions;
        all.questions_in_full += asked.questions_in_full;
        all.rounds += asked.rounds;
        failures.extend(failed);
    }
    assert!(failures.is_empty(), "{} differences\n{}", failures.len(), failures.join("\n"));
    let tenths = |of: u64, all: u64| format!("{}.{}", of / all, of * 10 / all % 10);
    let spared = |asked: u64, all: u64| format!("{} % of {all}", tenths(100 * (all - asked), all));
    eprintln!(
        "{} households, no verdict changed: {} requests to departments spared, {} questions spared, {} rounds a household",
        all.households,
        spared(all.queries, all.queries_in_full),
        spared(all.questions, all.questions_in_full),
        tenths(all.rounds, all.households),
    );
    assert_eq!(all.households, 500);
    assert!(all.queries * 100 < all.queries_in_full * 93, "a share of the requests is spared: {all:?}");
    assert!(all.questions * 100 < all.questions_in_full * 60, "a share of the questions is spared: {all:?}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_listed_cases_with_their_silent_departments_come_out_the_same() {
    // All of them ask at once, and three departments answer for one person at a time.
    let setup = Setup { own_packs: true, ask_timeout: Some("8s"), deadline: Some("20s"), ..Setup::default() };
    let system = System::start(setup, listed()).await;
    let documents = requests(system.folder.path());
    let mut callers = tokio::task::JoinSet::new();
    for (id, document) in documents {
        let caller = system.caller.clone();
        callers.spawn(async move {
            let (_, differences) = both(&caller, &document).await;
            differences.into_iter().map(|difference| format!("{id}: {difference}")).collect::<Vec<_>>()
        });
    }
    let failures: Vec<String> = callers.join_all().await.into_iter().flatten().collect();
    assert!(failures.is_empty(), "{failures:#?}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_over_a_limit_by_their_own_word_costs_no_department_a_question() {
    let system = System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await;
    let document = minimal(&requests(system.folder.path())["C17"]);
    let reply = system.caller.verify(&document).await;
    assert_eq!(reply.status, 201, "there is nothing to wait for");
    let path = format!("/v1/verifications/{}?expand=report,trace", reply.body["id"].as_str().unwrap());
    let shown = system.caller.get(&path).await;
    let verdict = &shown.body["verdict"];
    assert_eq!((&verdict["status"], &verdict["household_circle"]), (&json!("DETERMINED"), &json!("NONE")));
    assert_eq!(count(&shown, "queries"), 0, "{}", shown.body);
    assert_eq!(verdict["gaps"], json!([]), "what was not asked is no gap");
    for department in DEPARTMENTS {
        assert_eq!(shown.department(department), "not_asked");
        assert!(!verdict["flags"].to_string().contains(department), "{}", verdict["flags"]);
        let row =
            &shown.body["departments"].as_array().unwrap().iter().find(|row| row["department"] == department).unwrap();
        let reasons: Vec<&Value> = row["not_asked"].as_array().unwrap().iter().map(|it| &it["settled_by"]).collect();
        assert!(reasons.contains(&&json!("PROPERTY_FAILS")), "{row}");
    }
    // Nothing is claimed of what nobody asked about.
    let codes = verdict["reason_codes"].to_string();
    assert!(!codes.contains("INCOME_LT_STANDARD") && !codes.contains("PROPERTY_OK"), "{codes}");
    let sections = shown.body["report"]["sections"].as_array().unwrap();
    assert!(sections.iter().any(|section| section["id"] == "not_asked"), "{sections:?}");
    let sums = sections.iter().find(|section| section["id"] == "sums").unwrap().to_string();
    assert!(!sums.contains("Income below the dibao line") && !sums.contains("Dwellings within the limit"), "{sums}");
    assert_eq!(verdict["margins"], json!([]), "every comparison could turn");
    assert!(!shown.body["report"].to_string().contains("financial assets of"), "only the vehicle fails");
    let trace = &shown.body["trace"]["root"]["children"];
    assert!(trace.as_array().unwrap().iter().any(|node| node["rule"] == "spared"), "{trace}");
    // The log lists who was asked: nobody.
    let events = system.app.verifications().store().log().newest(10).await.unwrap();
    let released: Vec<Value> = events.iter().map(|event| serde_json::from_str(&event.body).unwrap()).collect();
    let released = released.iter().find(|event: &&Value| event["action"] == "released").unwrap();
    assert!(released["departments"].is_null(), "{released}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_that_settles_it_is_the_last_one_asked() {
    let system = System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await;
    let documents = requests(system.folder.path());
    // A second dwelling, which only the housing department knows of.
    let reply = system.caller.verify(&minimal(&documents["C14"])).await;
    assert_eq!(reply.body["verdict"]["household_circle"], "NONE");
    assert_eq!(reply.department("housing"), "answered");
    assert_eq!((count(&reply, "rounds"), reply.department("hrss")), (2, "not_asked"), "{}", reply.body);
    assert_eq!(reply.department("emergency"), "no_record", "a dwelling may turn out a ruin");
    assert_eq!(count(&reply, "queries"), 2);
    // Plain dibao: everybody with something that counts, housing first, and nobody about spending.
    let reply = system.caller.verify(&minimal(&documents["C01"])).await;
    assert_eq!(reply.body["verdict"]["household_circle"], "DIBAO");
    assert_eq!((count(&reply, "rounds"), count(&reply, "queries")), (3, 6), "{}", reply.body);
    let settlement = json!("medical_insurance.settlement");
    let spared = reply.body["verdict"]["spared"].as_array().unwrap();
    let finding = spared.iter().find(|it| it["datasets"].as_array().unwrap().contains(&settlement)).unwrap();
    assert_eq!(finding["settled_by"], "RESULT_STANDS");
    // The same again: everything that matters is at hand, and nobody is asked.
    let again = system.caller.verify(&minimal(&documents["C01"])).await;
    assert_eq!((count(&again, "queries"), count(&again, "rounds")), (0, 0), "{}", again.body);
    assert_eq!(again.body["verdict"]["benefit_hint"], reply.body["verdict"]["benefit_hint"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_says_the_order_and_who_is_spared_before_anybody_is_asked() {
    let system = System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await;
    let documents = requests(system.folder.path());
    let plan = async |document: &Value| system.caller.post("/v1/verifications:plan", document, &[]).await.body;
    assert!(plan(&documents["C01"]).await["minimal"].is_null(), "the usual way has no order");
    let dibao = plan(&minimal(&documents["C01"])).await;
    let last = ["education", "health", "emergency", "medical_insurance"];
    assert_eq!(dibao["minimal"]["rounds"], json!([["housing"], ["hrss"], last]), "{dibao}");
    let rest = ["education", "hrss", "health", "emergency", "medical_insurance"];
    assert_eq!(dibao["minimal"]["could_be_spared"], json!([{"by": ["housing"], "departments": rest}]));
    assert_eq!((&dibao["minimal"]["spared"], &dibao["minimal"]["only_if"]), (&json!([]), &json!([])));
    let medical =
        dibao["departments"].as_array().unwrap().iter().find(|it| it["department"] == "medical_insurance").unwrap();
    let asked: Vec<&Value> = medical["asked"].as_array().unwrap().iter().map(|it| &it["dataset"]).collect();
    assert_eq!(asked, [&json!("medical_insurance.benefit")]);
    let reason = |dataset: &str| {
        let not_asked = medical["not_asked"].as_array().unwrap();
        not_asked.iter().find(|it| it["dataset"] == dataset).map(|it| it["reason"].clone()).unwrap_or_default()
    };
    assert_eq!(reason("medical_insurance.medical_aid"), "spared");
    assert_eq!(reason("medical_insurance.settlement"), "only_if");

    let car = plan(&minimal(&documents["C17"])).await;
    assert_eq!(car["minimal"]["rounds"], json!([]));
    assert_eq!(car["minimal"]["spared"].as_array().unwrap().len(), 6, "{car}");
    let over = plan(&minimal(&documents["C60"])).await;
    assert!(!over["minimal"]["only_if"].as_array().unwrap().is_empty(), "{over}");
    let unsigned = plan(&minimal(&documents["C82"])).await;
    assert_eq!(unsigned["refused"], "BLOCKED");
    assert!(unsigned["minimal"].is_null());
    system.stop().await;
}

/// A system in which `department` is a stub and waits at most `deadline` for everybody.
async fn with_stub(department: &'static str, behaviour: Behaviour, deadline: &'static str) -> (System, Stub) {
    let keys = stub_keys();
    let stub = Stub::start(department, behaviour, keys.path());
    let setup = Setup {
        elsewhere: [(department, stub.address)].into(),
        own_packs: true,
        ask_timeout: Some("30s"),
        deadline: Some(deadline),
        authority: Some(keys),
        ..Setup::default()
    };
    (System::start(setup, listed()).await, stub)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_sees_who_was_asked_and_then_who_need_not_be() {
    let (system, _stub) = with_stub("emergency", Behaviour::NoRecord(Duration::from_millis(500)), "20s").await;
    let document = minimal(&requests(system.folder.path())["C14"]);
    let reply = system.caller.post("/v1/verifications", &document, &[("prefer", "respond-async")]).await;
    assert_eq!(reply.status, 202);
    let url = format!("{}/v1/verifications/{}/events", system.caller.base, reply.body["id"].as_str().unwrap());
    let events = system.caller.http.get(url).bearer_auth(&system.caller.token).send().await.unwrap();
    let text = events.text().await.unwrap();
    let told: Vec<Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str::<Value>(data).unwrap())
        .filter(|data| data["department"].is_string())
        .map(|row| json!([row["department"], row["status"]]))
        .collect();
    let expected = json!([
        ["housing", "answered"],
        ["emergency", "no_record"],
        ["education", "not_asked"],
        ["hrss", "not_asked"],
        ["health", "not_asked"],
        ["medical_insurance", "not_asked"]
    ]);
    assert_eq!(json!(told), expected, "{text}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_a_department_that_hangs_in_the_first_round_costs_the_others_nothing() {
    let (system, stub) = with_stub("housing", Behaviour::Hang, "3s").await;
    let document = requests(system.folder.path())["C01"].clone();
    let started = Instant::now();
    let reply = system.caller.verify(&minimal(&document)).await;
    assert!(started.elapsed() < Duration::from_secs(8), "one deadline for all rounds");
    assert_eq!(stub.times_asked(), 1);
    assert_eq!(reply.department("housing"), "timeout");
    for department in DEPARTMENTS.iter().filter(|department| **department != "housing") {
        assert!(matches!(reply.department(department), "answered" | "no_record"), "{department}: {}", reply.body);
    }
    let verdict = &reply.body["verdict"];
    assert_eq!(verdict["blocking_departments"], json!(["housing"]), "{}", reply.body);
    let full = system.caller.verify(&document).await;
    assert_eq!(differences(&reply.body, &full.body), Vec::<String>::new());
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_department_that_fails_leaves_what_its_failure_leaves_in_full() {
    for (department, failure) in
        [("housing", 503), ("hrss", 500), ("emergency", 429), ("health", 403), ("medical_insurance", 500)]
    {
        let (system, _stub) = with_stub(department, Behaviour::Status(failure), "20s").await;
        let documents = requests(system.folder.path());
        let mut callers = tokio::task::JoinSet::new();
        for id in ["C01", "C02", "C06", "C14", "C34", "C37", "C41", "C51", "C58", "C85"] {
            let (caller, document) = (system.caller.clone(), documents[id].clone());
            callers.spawn(async move { (id, both(&caller, &document).await) });
        }
        for (id, (reply, differences)) in callers.join_all().await {
            assert_eq!(differences, Vec::<String>::new(), "{department} {id}: {}", reply.body);
        }
        system.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_asked_is_a_gap_and_emergencies_wait_for_nothing() {
    let system = System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await;
    let documents = requests(system.folder.path());
    let mut document = documents["C01"].clone();
    document["authorisation"]["departments"] = json!(["education", "hrss", "health", "emergency", "medical_insurance"]);
    let (reply, differences) = both(&system.caller, &document).await;
    assert_eq!(differences, Vec::<String>::new());
    assert_eq!(reply.department("housing"), "not_authorised");
    assert_eq!(reply.body["verdict"]["blocking_departments"], json!(["housing"]));
    // Only emergency relief, not everybody has signed.
    let mut emergency = documents["C64"].clone();
    emergency["emergency_only"] = json!(true);
    emergency["authorisation"]["signatures"] = json!([]);
    let (reply, differences) = both(&system.caller, &emergency).await;
    assert_eq!(differences, Vec::<String>::new());
    assert_eq!(reply.body["verdict"]["emergency_overlay"], true);
    assert!(reply.body["exemption"].is_object());
    // Nobody may be asked at all: nobody is, and nothing is said of an order.
    let refused = system.caller.verify(&minimal(&documents["C82"])).await;
    assert_eq!(refused.verdict_status(), "BLOCKED");
    assert_eq!((&refused.body["departments"], &refused.body["disclosure"]), (&json!([]), &Value::Null));
    let mut wrong = documents["C01"].clone();
    wrong["disclosure"] = json!("least");
    let problem = system.caller.verify(&wrong).await;
    assert_eq!((problem.status.as_u16(), &problem.body["errors"][0]["pointer"]), (422, &json!("/disclosure")));
    system.stop().await;
}
