//! Proof of use: the department's ledger, the hub's account and the signed answers tell the same, and whoever meddles
//! between them is found.

use std::collections::BTreeMap;
use std::path::PathBuf;

use connectors::keys::PublicKey;
use connectors::ledger::chain::{LedgerLine, read};
use connectors::reconcile::{Account, Reconciliation, reconcile};
use futures_util::future::join_all;
use hedui::domain::actor::Role;
use hedui::domain::clock::SystemRandomness;
use hedui::domain::purpose::Purpose;
use hedui::simulate::keys::TrialKeys;
use serde_json::{Value, json};

use super::hub::{Caller, DEPARTMENTS, Reply, Setup, System, change_settings, listed, listed_cases, mint_as, requests};
use super::proxy::{Meddling, Proxy};
use super::stub::{Behaviour, Stub};

fn operator(system: &System) -> Caller {
    let purposes = Purpose::ALL;
    system.caller.with_token(mint_as(&system.files, Role::Operator, "operator", "000000", &purposes))
}

fn ledger(system: &System, department: &str) -> PathBuf {
    system.folder.path().join(format!("{department}.ledger"))
}

pub(crate) fn lines(system: &System, department: &str) -> Vec<LedgerLine> {
    let mut lines = Vec::new();
    read(&ledger(system, department), |line| lines.push(line.unwrap())).unwrap();
    lines
}

/// Requests that every department is asked about and answers, each about another household.
pub(crate) fn answered_by_all(system: &System) -> Vec<Value> {
    let documents = requests(system.folder.path());
    let cases = listed_cases();
    let is_answered = |case: &&Value| {
        let statuses = case["department_status"].as_object().unwrap();
        case["expected"]["status"] == "DETERMINED"
            && statuses.len() == DEPARTMENTS.len()
            && statuses.values().all(|status| status == "OK")
    };
    let found = cases["cases"].as_array().unwrap().iter().filter(is_answered);
    found.map(|case| documents[case["id"].as_str().unwrap()].clone()).collect()
}

/// Whether a department answered: with facts, or that it holds none.
pub(crate) fn is_answered(reply: &Reply, department: &str) -> bool {
    matches!(reply.department(department), "answered" | "no_record")
}

/// The days around now, in whatever zone.
fn days() -> (String, String) {
    let today = hedui::domain::period::date_in_china(jiff::Timestamp::now());
    (today.yesterday().unwrap().to_string(), today.tomorrow().unwrap().to_string())
}

async fn usage(system: &System, department: &str) -> Value {
    let (from, to) = days();
    let reply = operator(system).get(&format!("/v1/adapters/{department}/usage?from={from}&to={to}")).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.body
}

async fn account(system: &System, department: &str) -> Account {
    let (from, to) = days();
    let reply = operator(system).get(&format!("/v1/adapters/{department}/usage/questions?from={from}&to={to}")).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.body["next"], Value::Null, "a short log is one page");
    // An account that is taken now leaves the last minutes open; this one is taken as if it were later.
    let mut account: Account = serde_json::from_value(reply.body).unwrap();
    account.taken_at += jiff::SignedDuration::from_hours(24);
    account
}

pub(crate) async fn reconciled(system: &System, department: &str) -> Reconciliation {
    let keys = PublicKey::read_all(&system.files.keys.hub_keys).unwrap();
    reconcile(&ledger(system, department), &account(system, department).await, &keys).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_p10_ledger_and_account_tell_the_same_after_cold_warm_joined_and_minimal_verifications() {
    let system = System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await;
    let documents = answered_by_all(&system);
    let mut verifications = 0;
    for _ in 0..3 {
        assert!(system.caller.verify(&documents[0]).await.status.is_success());
        verifications += 1;
    }
    let same = join_all((0..8).map(|_| system.caller.verify(&documents[1]))).await;
    assert!(same.iter().all(|reply| reply.status.is_success()));
    verifications += same.len();
    let mut minimal = documents[2].clone();
    minimal["disclosure"] = "minimal".into();
    let spared = system.caller.verify(&minimal).await;
    assert!(spared.status.is_success(), "{}", spared.body);

    let mut not_asked = 0;
    for department in DEPARTMENTS {
        let told = usage(&system, department).await;
        let (total, seen) = (&told["total"], lines(&system, department));
        let count = |pointer: &str| usize::try_from(total.pointer(pointer).unwrap().as_i64().unwrap()).unwrap();
        assert_eq!(count("/questions") + count("/again"), seen.len(), "{department}: {told}");
        let people: u64 = seen.iter().map(|line| line.subjects.unwrap()).sum();
        if count("/again") == 0 {
            assert_eq!(u64::try_from(count("/people")).unwrap(), people, "{department}: {told}");
        }
        let unneeded = count("/spared/unneeded");
        not_asked += unneeded;
        let not_sent = count("/spared/cached") + count("/spared/joined") + unneeded;
        let is_minimal = |line: &&LedgerLine| line.request_id.as_deref() == spared.body["id"].as_str();
        let more_rounds = seen.iter().filter(is_minimal).count().saturating_sub(1);
        // Each verification asked the department once, or in minimal disclosure more often, or was answered without.
        assert_eq!(count("/questions") + not_sent, count("/verifications") + more_rounds, "{department}: {told}");
        if department == "hrss" {
            assert_eq!(count("/verifications"), verifications + 1, "it has something to say of every household");
        }
        assert_eq!(count("/outcomes/answered"), count("/questions"), "{department}: {told}");
        assert_eq!(told["days"][0]["organisation"], "测试民政局", "{told}");
        let reconciled = reconciled(&system, department).await;
        assert!(reconciled.agrees(), "{department}: {reconciled:?}");
        assert_eq!(reconciled.confirmed, u64::try_from(count("/questions")).unwrap());
        assert_eq!(reconciled.signatures, reconciled.lines, "the hub signed every question");
    }
    let rows = spared.body["departments"].as_array().unwrap();
    assert_eq!(rows.iter().filter(|row| row["status"] == "not_asked").count(), not_asked);
    // The same after a restart: what was counted is kept, and nothing is counted again.
    let before = usage(&system, "hrss").await;
    let system = system.restart().await;
    assert_eq!(usage(&system, "hrss").await["total"], before["total"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_line_that_is_gone_from_the_ledger_is_missed() {
    let system = System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await;
    for document in answered_by_all(&system).iter().take(3) {
        assert!(system.caller.verify(document).await.status.is_success());
    }
    assert!(reconciled(&system, "hrss").await.agrees());
    let whole = std::fs::read_to_string(ledger(&system, "hrss")).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let codes = |told: Reconciliation| {
        let faults = told.faults.iter().map(|fault| fault.code);
        faults.chain(told.differences.iter().map(|difference| difference.code)).collect::<Vec<_>>()
    };
    // In the middle, and at the end, where only the hub's account tells.
    std::fs::write(ledger(&system, "hrss"), format!("{}\n{}\n", lines[0], lines[2])).unwrap();
    assert_eq!(codes(reconciled(&system, "hrss").await), ["line_missing", "not_in_ledger"]);
    std::fs::write(ledger(&system, "hrss"), format!("{}\n{}\n", lines[0], lines[1])).unwrap();
    assert_eq!(codes(reconciled(&system, "hrss").await), ["not_in_ledger"]);
    let changed = lines[1].replace("\"subjects\":", "\"subjects\":1");
    std::fs::write(ledger(&system, "hrss"), format!("{}\n{changed}\n{}\n", lines[0], lines[2])).unwrap();
    assert_eq!(codes(reconciled(&system, "hrss").await), ["line_changed", "told_differently"]);
    system.stop().await;
}

/// A department's ledger is a file of its own and its account is a page for departments: neither is a place for persons.
#[tokio::test(flavor = "multi_thread")]
async fn p7_ledger_and_account_name_nobody() {
    let system = System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await;
    let documents = answered_by_all(&system);
    for document in documents.iter().take(3) {
        assert!(system.caller.verify(document).await.status.is_success());
    }
    let (from, to) = days();
    let operator = operator(&system);
    for department in DEPARTMENTS {
        let told = usage(&system, department).await;
        assert!(told["total"]["people"].as_i64().unwrap() > 0, "{department} was asked about somebody: {told}");
        let questions = format!("/v1/adapters/{department}/usage/questions?from={from}&to={to}");
        let kept = std::fs::read_to_string(ledger(&system, department)).unwrap();
        let all = [("usage", told.to_string()), ("questions", operator.get(&questions).await.body.to_string())];
        for (place, text) in all.into_iter().chain([("ledger", kept)]) {
            for member in
                documents.iter().take(3).flat_map(|document| document["household"]["members"].as_array().unwrap())
            {
                for of_person in ["id_number", "name"] {
                    let of_person = member[of_person].as_str().unwrap();
                    assert!(!text.contains(of_person), "{department}: {place}: {of_person}");
                }
            }
        }
    }
    system.stop().await;
}

/// The proofs of a verification by department.
pub(crate) async fn proofs(system: &System, id: &str) -> BTreeMap<String, Value> {
    let shown = system.caller.get(&format!("/v1/verifications/{id}?expand=evidence")).await;
    let proofs = shown.body["proofs"].as_array().unwrap().clone();
    proofs.into_iter().map(|proof| (proof["department"].as_str().unwrap().to_owned(), proof)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_every_answer_is_kept_with_its_signature_and_shown_to_whoever_asked() {
    let system = System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await;
    let documents = answered_by_all(&system);
    let first = system.caller.verify(&documents[0]).await;
    let again = system.caller.verify(&documents[0]).await;
    let id = |reply: &Reply| reply.body["id"].as_str().unwrap().to_owned();
    let own = proofs(&system, &id(&first)).await;
    assert_eq!(own.len(), DEPARTMENTS.len());
    for (department, proof) in &own {
        assert_eq!(proof["standing"], "valid", "{proof}");
        let body: Value = serde_json::from_str(proof["body"].as_str().unwrap()).unwrap();
        assert_eq!(body["adapter"]["id"], department.as_str());
        assert_eq!(proof["question"], format!("{}.{department}.0", id(&first)));
    }
    // Who was answered from the cache is told where the answer stands and that it is good, not what else is in it.
    for (department, proof) in proofs(&system, &id(&again)).await {
        assert_eq!((&proof["standing"], &proof["asked_in"]), (&json!("valid"), &json!(id(&first))), "{department}");
        assert_eq!((&proof["body"], &proof["digest"]), (&Value::Null, &own[&department]["digest"]));
    }
    system.stop().await;
}

/// A system in which somebody stands between the hub and `hrss`.
async fn meddled_with(check: &str) -> (System, Proxy) {
    let system = System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await;
    let proxy = Proxy::start(system.adapters["hrss"].addr(), &system.folder.path().join("keys"));
    let text = std::fs::read_to_string(&system.files.config).unwrap();
    let own = format!("endpoint = \"https://{}\"", system.adapters["hrss"].addr());
    assert!(text.contains(&own));
    let between = format!("endpoint = \"https://{}\"\ncheck_answers = \"{check}\"", proxy.address);
    std::fs::write(&system.files.config, text.replace(&own, &between)).unwrap();
    (system.restart().await, proxy)
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_p9_an_answer_that_was_changed_replayed_or_is_not_signed_is_malformed() {
    let (system, proxy) = meddled_with("before_use").await;
    let mut documents = answered_by_all(&system).into_iter();
    let mut verify = || {
        let (caller, document) = (system.caller.clone(), documents.next().unwrap());
        async move { caller.verify(&document).await }
    };
    assert!(is_answered(&verify().await, "hrss"));
    for (meddling, status) in [
        (Meddling::Body, "malformed"),
        (Meddling::BodyAndDigest, "malformed"),
        (Meddling::Replay, "malformed"),
        (Meddling::Unsigned, "malformed"),
        // The department itself refuses a question under a context that is not its own.
        (Meddling::OldContext, "not_authorised"),
    ] {
        proxy.meddle(meddling);
        let reply = verify().await;
        assert_eq!(reply.department("hrss"), status, "{meddling:?}: {}", reply.body);
        assert!(is_answered(&reply, "housing"), "{meddling:?} costs nobody else's facts");
    }
    let refused = lines(&system, "hrss").pop().unwrap();
    assert_eq!((refused.status.as_str(), refused.subjects), ("context_body", None));
    proxy.meddle(Meddling::Nothing);
    assert!(is_answered(&verify().await, "hrss"));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_p5_a_wrong_signature_that_is_found_afterwards_is_in_the_log_and_in_the_evidence() {
    let (system, proxy) = meddled_with("afterwards").await;
    let documents = answered_by_all(&system);
    proxy.meddle(Meddling::BodyAndDigest);
    let reply = system.caller.verify(&documents[0]).await;
    assert!(is_answered(&reply, "hrss"), "it is looked at beside the work");
    let id = reply.body["id"].as_str().unwrap();
    let begun = std::time::Instant::now();
    let disputed = loop {
        let newest = system.app.verifications().store().log().newest(20).await.unwrap();
        let mut entries = newest.iter().map(|entry| serde_json::from_str::<Value>(&entry.body).unwrap());
        if let Some(entry) = entries.find(|entry| entry["action"] == "answer_disputed") {
            break entry;
        }
        assert!(begun.elapsed().as_secs() < 10, "signatures are looked at within a second");
        tokio::task::yield_now().await;
    };
    assert_eq!((&disputed["object"], &disputed["verification"]), (&json!("adapter/hrss"), &json!(id)));
    let proofs = proofs(&system, id).await;
    assert_eq!((&proofs["hrss"]["standing"], &proofs["housing"]["standing"]), (&json!("invalid"), &json!("valid")));
    // The answer is not used again.
    proxy.meddle(Meddling::Nothing);
    let reply = system.caller.verify(&documents[0]).await;
    let rows = reply.body["departments"].as_array().unwrap();
    let freshness: BTreeMap<&str, &str> =
        rows.iter().map(|row| (row["department"].as_str().unwrap(), row["freshness"].as_str().unwrap())).collect();
    assert_eq!((freshness["hrss"], freshness["housing"]), ("live", "cached"));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_p5_what_is_asked_again_is_in_the_account_and_a_later_version_has_every_proof() {
    let (system, proxy) = meddled_with("before_use").await;
    let document = answered_by_all(&system).remove(0);
    proxy.meddle(Meddling::BodyAndDigest);
    let open = system.caller.verify(&document).await;
    assert_eq!(open.department("hrss"), "malformed", "{}", open.body);
    let id = open.body["id"].as_str().unwrap();
    let refresh = format!("/v1/verifications/{id}/refresh");
    // In vain, and then not.
    let vain = system.caller.post(&refresh, &Value::Null, &[]).await;
    assert_eq!((vain.status.as_u16(), &vain.body["version"]), (200, &json!(1)), "{}", vain.body);
    proxy.meddle(Meddling::Nothing);
    let settled = system.caller.post(&refresh, &Value::Null, &[]).await;
    assert_eq!(settled.body["version"], 2, "{}", settled.body);
    let told = reconciled(&system, "hrss").await;
    assert!(told.agrees(), "{told:?}");
    assert_eq!(told.confirmed, told.lines - told.repeated, "every question is in both");
    assert_eq!(told.confirmed, 3, "the first, the one in vain, and the one that was answered");
    let total = usage(&system, "hrss").await;
    assert_eq!((&total["total"]["verifications"], &total["total"]["questions"]), (&json!(1), &json!(3)), "{total}");
    let all = proofs(&system, id).await;
    assert_eq!(all.len(), DEPARTMENTS.len(), "{all:?}");
    assert!(all.values().all(|proof| proof["standing"] == "valid" && proof["body"].is_string()), "{all:?}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_a_department_that_does_not_sign_is_malformed_where_it_must() {
    let keys = tempfile::TempDir::new().unwrap();
    TrialKeys::write(keys.path(), &SystemRandomness).unwrap();
    let stub = Stub::start("hrss", Behaviour::NoRecord(std::time::Duration::ZERO), keys.path());
    let setup = Setup {
        own_packs: true,
        elsewhere: BTreeMap::from([("hrss", stub.address)]),
        authority: Some(keys),
        ..Setup::default()
    };
    let system = System::start(setup, listed()).await;
    let documents = answered_by_all(&system);
    assert_eq!(system.caller.verify(&documents[0]).await.department("hrss"), "no_record");
    super::hub::believe_answers_of(&system.files.config, "hrss");
    let system = system.restart().await;
    assert_eq!(system.caller.verify(&documents[1]).await.department("hrss"), "malformed");
    let key = "answer_key = \"keys/answers/hrss.pem\"";
    change_settings(&system.files.config, &[(key, format!("{key}\nsigned_answers = false"))]);
    let system = system.restart().await;
    assert_eq!(system.caller.verify(&documents[2]).await.department("hrss"), "no_record");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_questions_about_use_say_what_is_wrong() {
    let system = System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await;
    let operator = operator(&system);
    for (path, status) in [
        ("/v1/adapters/hrss/usage", 400),
        ("/v1/adapters/hrss/usage?from=2026-01-01", 400),
        ("/v1/adapters/hrss/usage?from=2026-01-02&to=2026-01-01", 400),
        ("/v1/adapters/hrss/usage?from=2024-01-01&to=2026-01-01", 400),
        ("/v1/adapters/hrss/usage?from=2026-02-30&to=2026-03-01", 400),
        ("/v1/adapters/hrss/usage?from=2026-01-01&to=2026-01-02&after=1", 400),
        ("/v1/adapters/nobody/usage?from=2026-01-01&to=2026-01-02", 404),
        ("/v1/adapters/%E4%BA%BA/usage?from=2026-01-01&to=2026-01-02", 404),
        ("/v1/adapters/hrss/usage/questions?from=2026-01-01&to=2026-01-02&after=99999999", 200),
        ("/v1/adapters/hrss/usage?from=0001-01-01&to=0001-01-02", 200),
    ] {
        assert_eq!(operator.get(path).await.status, status, "{path}");
    }
    let jwks = system.caller.get("/.well-known/jwks.json").await.body;
    let pinned = std::fs::read_to_string(&system.files.keys.hub_keys).unwrap();
    let pinned: Value = serde_json::from_str(&pinned).unwrap();
    assert!(jwks["keys"].as_array().unwrap().contains(&pinned["keys"][0]), "{jwks}");
    system.stop().await;
}

fn hedui(arguments: &[&str], lang: &str) -> (i32, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_hedui"))
        .args(arguments)
        .env("HEDUI_LANG", lang)
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), told)
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_evidence_is_verified_offline_and_every_change_of_it_is_found() {
    let system = System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await;
    // The first household of which a department knows something.
    let of_department = |shown: &Value| {
        let evidence = shown["evidence"].as_array().unwrap();
        evidence.iter().position(|item| item["basis"] == "DEPARTMENT")
    };
    let mut found = None;
    for document in answered_by_all(&system) {
        let id = system.caller.verify(&document).await.body["id"].as_str().unwrap().to_owned();
        let shown = system.caller.get(&format!("/v1/verifications/{id}?expand=evidence")).await.body;
        if let Some(figure) = of_department(&shown) {
            found = Some((shown, figure));
            break;
        }
    }
    let (shown, figure) = found.expect("a household of which a department knows something");
    let folder = system.folder.path();
    let keys: Vec<String> = DEPARTMENTS
        .iter()
        .map(|department| format!("{department}={}", system.files.keys.answer_key(department, "pem").display()))
        .collect();
    let verify = |document: &Value, lang: &str| {
        let file = folder.join("verification.json").display().to_string();
        std::fs::write(&file, document.to_string()).unwrap();
        let mut arguments = vec!["evidence", "verify", &file];
        arguments.extend(keys.iter().flat_map(|key| ["--answer-key", key]));
        hedui(&arguments, lang)
    };
    let (code, told) = verify(&shown, "en");
    assert_eq!(code, 0, "{told}");
    assert!(
        told.contains("6 answers proven, 0 not") && told.contains("facts of the evidence stand in what was signed")
    );
    let (code, told) = verify(&shown, "zh");
    assert!(code == 0 && told.contains("6 份答复已证实"), "{told}");

    let place = shown["proofs"].as_array().unwrap().iter().position(|proof| proof["department"] == "hrss").unwrap();
    let change = |pointer: &str, from: &str, to: &str| {
        let mut changed = shown.clone();
        let text = changed.pointer_mut(pointer).unwrap();
        let with = text.as_str().unwrap().replacen(from, to, 1);
        assert_ne!(text.as_str().unwrap(), with, "{pointer}");
        *text = with.into();
        verify(&changed, "en")
    };
    for (member, from, to, said) in [
        ("body", "\"ref\"", " \"ref\"", "not those that were signed"),
        ("signature_input", "created=1", "created=2", "the signature is wrong"),
        ("question", "hrss.0", "hrss.1", "the signature is wrong"),
        ("question_digest", "sha-256=:", "sha-256=:A", "the signature is wrong"),
        ("signature_input", "keyid=\"", "keyid=\"x", "not among the department's known keys"),
    ] {
        let (code, told) = change(&format!("/proofs/{place}/{member}"), from, to);
        assert!(code == 1 && told.contains(said) && told.contains("5 answers proven, 1 not"), "{member}: {told}");
    }
    // A figure that no department signed.
    let mut changed = shown.clone();
    let facts = changed["evidence"][figure]["facts"][0].as_object_mut().unwrap();
    let field = facts.values_mut().find(|value| value.is_string()).expect("a text or an amount");
    *field = format!("9{}", field.as_str().unwrap()).into();
    let (code, told) = verify(&changed, "en");
    assert!(code == 1 && told.contains("do not stand in what was signed"), "{told}");
    // A department that the evidence rests on and whose signed answer is left out.
    let mut changed = shown.clone();
    let rests_on = shown["evidence"][figure]["department"].as_str().unwrap();
    changed["proofs"].as_array_mut().unwrap().retain(|proof| proof["department"] != rests_on);
    for (lang, said) in [("en", "without a signed answer"), ("zh", "没有该部门签名的答复")] {
        let (code, told) = verify(&changed, lang);
        assert!(code == 1 && told.contains(&format!("✗ {rests_on}")) && told.contains(said), "{told}");
    }
    let nothing = json!({ "id": "vf_1" });
    assert_eq!(verify(&nothing, "en").0, 2);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reconciling_from_the_command_line_says_in_both_languages_what_differs() {
    let system = System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await;
    for document in answered_by_all(&system).iter().take(2) {
        assert!(system.caller.verify(document).await.status.is_success());
    }
    let (from, to) = days();
    let (file, folder) = (ledger(&system, "hrss").display().to_string(), system.folder.path());
    let (keys, ca) = (system.files.keys.hub_keys.display().to_string(), system.files.keys.ca.display().to_string());
    let key = system.files.keys.issuer_key.display().to_string();
    let hub = ["--hub", &system.caller.base, "--ca", &ca, "--key", &key];
    let days = ["--from", &from, "--to", &to];
    let of_hub =
        [&["adapter", "reconcile", "--ledger", &file, "--hub-keys", &keys, "--department", "hrss"][..], &days, &hub];
    let (code, told) = hedui(&of_hub.concat(), "en");
    assert!(code == 0 && told.contains("they agree"), "{code} {told}");

    let (code, account) = hedui(&[&["adapter", "account", "hrss"][..], &days, &hub].concat(), "en");
    assert_eq!(code, 0, "{account}");
    let mut account: Value = serde_json::from_str(&account).unwrap();
    account["questions"][1]["people"] = 9.into();
    let kept = folder.join("account.json").display().to_string();
    std::fs::write(&kept, account.to_string()).unwrap();
    let of_file = ["adapter", "reconcile", "--ledger", &file, "--hub-keys", &keys, "--account", &kept];
    let (code, told) = hedui(&of_file, "zh");
    assert!(code == 2 && told.contains("人数不一致") && told.contains("[told_differently]"), "{code} {told}");
    let (code, told) = hedui(&[&of_file[..], &["--json"]].concat(), "en");
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &told["agrees"], &told["reconciliation"]["confirmed"]), (2, &json!(false), &json!(1)), "{told}");
    for (wrong, code) in [("/none/account.json", 3), (keys.as_str(), 2)] {
        let of_file = ["adapter", "reconcile", "--ledger", &file, "--hub-keys", &keys, "--account", wrong];
        assert_eq!(hedui(&of_file, "en").0, code, "{wrong}");
    }
    system.stop().await;
}
