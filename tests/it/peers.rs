//! Hubs of two regions (跨省核对): a household with members of both is verified across both, each hub asks its own
//! departments and logs its own part, and whatever one of them does costs the facts of its own people only.

mod abuse;
mod revocation;
mod settings;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use hedui::egress::KeyPin;
use hedui::simulate::Simulation;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};

use super::hub::{Setup, System, listed, listed_cases, requests, write_secret};
use super::stub::{Behaviour, Stub};

/// The names of the two hubs, and the division of the other one.
pub(super) const HERE: &str = "hub_here";
pub(super) const THERE: &str = "hub_there";
pub(super) const FAR: &str = "230103";

/// The regions of the listed cases, which are all the first hub's own.
const OWN: &str = r#"["150000", "210000", "450000", "652700"]"#;

/// Two hubs that know each other, each with departments of its own.
pub(super) struct Two {
    pub(super) here: System,
    pub(super) there: System,
}

/// The listed cases with what departments hold of some members only: of those for whom `is_held` says so.
fn part(is_held: impl Fn(&Value, usize) -> bool, holds_property: bool) -> Simulation {
    let mut file = listed_cases();
    for case in file["cases"].as_array_mut().unwrap() {
        let members = case["household"]["members"].as_array().unwrap().clone();
        let held = |reference: &Value| {
            members.iter().position(|member| member["member_id"] == *reference).is_some_and(|at| is_held(case, at))
        };
        let by_department = |item: &Value| item["source"] != "civil_affairs_declared";
        let mut household = case["household"].clone();
        for list in ["incomes", "rigid_expenditures"] {
            let items = household[list].as_array_mut().unwrap();
            items.retain(|item| !by_department(item) || held(&item["member_id"]));
        }
        if !holds_property {
            household["assets"].as_array_mut().unwrap().retain(|item| !by_department(item));
        }
        for member in household["members"].as_array_mut().unwrap() {
            if !held(&member["member_id"]) {
                for found in ["death_date", "disability", "education_stage"] {
                    member[found] = Value::Null;
                }
                for found in ["severe_illness", "employed"] {
                    member[found] = false.into();
                }
            }
        }
        case["household"] = household;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("part.json");
    std::fs::write(&path, file.to_string()).unwrap();
    Simulation::from_cases(&path).unwrap()
}

/// The last of several members lives far away.
fn is_far(case: &Value, member: usize) -> bool {
    let count = case["household"]["members"].as_array().unwrap().len();
    count > 1 && member + 1 == count
}

/// A request in which the last member's records lie far away.
pub(super) fn across(document: &Value) -> Value {
    let mut document = document.clone();
    let members = document["household"]["members"].as_array_mut().unwrap();
    if members.len() > 1 {
        members.last_mut().unwrap()["division"] = FAR.into();
    }
    document
}

fn pin(certificate: &Path) -> String {
    let pem = std::fs::read(certificate).unwrap();
    KeyPin::of(&CertificateDer::from_pem_slice(&pem).unwrap()).unwrap().as_str().to_owned()
}

pub(super) fn append(config: &Path, text: &str) {
    let before = std::fs::read_to_string(config).unwrap();
    std::fs::write(config, format!("{before}\n{text}")).unwrap();
}

/// A key of answers: its private half in a file of the folder, and the file of the public one.
fn answer_key(folder: &Path) -> (PathBuf, PathBuf) {
    let (private, public) = (folder.join("keys/peers.key"), folder.join("keys/peers.pem"));
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    write_secret(&private, &pair.serialize_pem());
    write_secret(&public, &pair.public_key_pem());
    (private, public)
}

/// What a hub writes of itself and of the one that may ask it.
pub(super) fn answering(own: &System, (name, divisions): (&str, &str), other: &System, asker: &str) -> String {
    let (key, _) = answer_key(own.folder.path());
    let keys = &other.files.keys;
    format!(
        "[peering]\nname = \"{name}\"\ndivisions = {divisions}\nanswer_key = \"{}\"\n\n\
         [peering.listen]\naddress = \"127.0.0.1:0\"\ncertificate = \"keys/server.pem\"\n\
         private_key = \"keys/server.key\"\nclient_ca = \"{}\"\n\n\
         [[peer]]\nname = \"{asker}\"\n[peer.may_ask]\ncertificate_keys = [\"{}\"]\ncontext_keys = \"{}\"\n\
         purposes = [\"dibao\", \"tekun\"]\nquota_per_second = 100000\nquota_burst = 100000\n",
        key.display(),
        keys.ca.display(),
        pin(&keys.hub),
        keys.hub_keys.display(),
    )
}

/// What a hub writes of the one that answers for another region.
pub(super) fn provided_by(name: &str, divisions: &str, (address, system): (SocketAddr, &System)) -> String {
    let key = system.folder.path().join("keys/peers.pem");
    format!(
        "[[peer]]\nname = \"{name}\"\n[peer.provides]\ndivisions = {divisions}\nendpoint = \"https://{address}\"\n\
         ca = \"{}\"\nanswer_key = \"{}\"\ntimeout = \"3s\"\nquota_per_second = 100000\nquota_burst = 100000\n",
        system.files.keys.ca.display(),
        key.display(),
    )
}

impl Two {
    /// The second hub with this setup.
    pub(super) async fn start(there: Setup) -> Self {
        Self::over(there, part(|case, member| !is_far(case, member), true), part(is_far, false)).await
    }

    /// Over these stores.
    async fn over(setup: Setup, near: Simulation, far: Simulation) -> Self {
        let here = System::start(Setup { own_packs: true, ..Setup::default() }, near).await;
        let there = System::start(Setup { own_packs: true, ..setup }, far).await;
        append(&there.files.config, &answering(&there, (THERE, "[\"230000\"]"), &here, HERE));
        let there = there.restart().await;
        let address = there.app.peer_address.unwrap();
        append(
            &here.files.config,
            &format!(
                "[peering]\nname = \"{HERE}\"\ndivisions = {OWN}\n\n{}",
                provided_by(THERE, "[\"230000\"]", (address, &there))
            ),
        );
        let here = here.restart().await;
        Self { here, there }
    }

    pub(super) async fn stop(self) {
        self.here.stop().await;
        self.there.stop().await;
    }
}

/// The entries of a hub's log, oldest first, without alerts.
pub(super) async fn entries(system: &System) -> Vec<Value> {
    let newest = system.app.verifications().store().log().newest(10_000).await.unwrap();
    let mut entries: Vec<Value> = newest.iter().map(|entry| serde_json::from_str(&entry.body).unwrap()).collect();
    entries.retain(|entry| entry["action"] != "alert_raised");
    entries.reverse();
    entries
}

fn of_action<'a>(entries: &'a [Value], action: &str) -> Vec<&'a Value> {
    entries.iter().filter(|entry| entry["action"] == action).collect()
}

/// The row of a department by way of a hub.
fn far_row<'a>(body: &'a Value, department: &str) -> &'a Value {
    let rows = body["departments"].as_array().unwrap();
    rows.iter().find(|row| row["department"] == department && row["hub"] == THERE).unwrap()
}

/// A verdict without its id: simulated stores that hold less number their records otherwise.
fn without_id(body: &Value) -> Value {
    let mut verdict = body["verdict"].clone();
    verdict.as_object_mut().unwrap().remove("id");
    verdict
}

/// The verdict across two hubs, each of which holds the records of its own people only, is that of one hub that holds
/// everything.
#[tokio::test(flavor = "multi_thread")]
async fn a_household_of_two_regions_gets_the_verdict_that_one_hub_holding_everything_gives() {
    let alone = System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await;
    let two = Two::start(Setup::default()).await;
    let documents = requests(alone.folder.path());
    let (mut compared, mut from_far) = (0, 0);
    for case in listed_cases()["cases"].as_array().unwrap() {
        let is_answered = case["department_status"].as_object().unwrap().values().all(|status| status == "OK");
        if !is_answered || case["household"]["members"].as_array().unwrap().len() < 2 {
            continue;
        }
        for disclosure in ["full", "minimal"] {
            let mut document = documents[case["id"].as_str().unwrap()].clone();
            document["disclosure"] = disclosure.into();
            let far = across(&document);
            let (one, both) = tokio::join!(alone.caller.verify(&document), two.here.caller.verify(&far));
            assert!(one.status.is_success() && both.status.is_success(), "{} {}", one.body, both.body);
            assert_eq!(without_id(&one.body), without_id(&both.body), "{} {disclosure}", case["id"]);
            let rows = both.body["departments"].as_array().unwrap();
            from_far += rows.iter().filter(|row| row["hub"] == THERE && row["records"].as_u64() > Some(0)).count();
            compared += 1;
        }
    }
    assert!(compared > 50 && from_far > 5, "{compared} compared, {from_far} with records from far away");
    alone.stop().await;
    two.stop().await;
}

/// P3: the same facts are the same verdict to the byte, its id included, whichever hub they came by.
#[tokio::test(flavor = "multi_thread")]
async fn p3_by_which_hub_facts_came_changes_no_byte_of_the_verdict() {
    let alone = System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await;
    let two = Two::over(Setup::default(), listed(), listed()).await;
    let documents = requests(alone.folder.path());
    for case in ["C20", "C21", "C39", "C60", "C64"] {
        let mut document = documents[case].clone();
        // Whoever it is that lives far away.
        for member in 0..document["household"]["members"].as_array().unwrap().len() {
            let place = document["household"]["members"][member].as_object_mut().unwrap();
            place.insert("division".to_owned(), FAR.into());
            let both = two.here.caller.verify(&document).await;
            let place = document["household"]["members"][member].as_object_mut().unwrap();
            place.remove("division");
            let one = alone.caller.verify(&document).await;
            assert!(
                both.body["departments"].as_array().unwrap().iter().any(|row| row["hub"] == THERE),
                "{}",
                both.body
            );
            assert_eq!(one.body["verdict"], both.body["verdict"], "{case} {member}");
        }
    }
    alone.stop().await;
    two.stop().await;
}

/// P1, P5, P7: each hub's log has its own part and only that, under pseudonyms of its own; the evidence says which
/// hub's department a figure is of, and the signature of that hub proves it.
#[tokio::test(flavor = "multi_thread")]
async fn p1_each_hub_logs_its_own_part_and_the_evidence_names_the_hub_that_signed() {
    let two = Two::start(Setup::default()).await;
    let document = across(&requests(two.here.folder.path())["C21"]);
    let done = two.here.caller.verify(&document).await;
    assert_eq!(done.verdict_status(), "DETERMINED", "{}", done.body);
    let id = done.body["id"].as_str().unwrap();
    assert_eq!(far_row(&done.body, "hrss")["members"], json!(["m2"]));
    assert_eq!(far_row(&done.body, "hrss")["status"], "answered");

    let (here, there) = (entries(&two.here).await, entries(&two.there).await);
    let released = *of_action(&here, "released").last().unwrap();
    let told = |hub: Option<&str>| {
        let rows = released["departments"].as_array().unwrap().iter();
        rows.filter(|row| row["hub"].as_str() == hub).map(|row| row["department"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(told(Some(THERE)), told(None), "here is told who was asked in which hub");
    assert!(of_action(&here, "peer_asked").is_empty());
    let far = released["questions"].as_array().unwrap().iter().find(|asked| asked["department"] == THERE).unwrap();
    assert_eq!(far["sent"].as_array().unwrap().len(), told(None).len(), "one question a department");

    // There: asked and answered, one question a department, about the one person of that region.
    let (asked, answered) = (of_action(&there, "peer_asked"), of_action(&there, "peer_answered"));
    assert_eq!((asked.len(), answered.len()), (told(None).len(), told(None).len()), "{there:#?}");
    assert!(of_action(&there, "granted").is_empty() && of_action(&there, "released").is_empty());
    for (asked, answered) in asked.iter().zip(&answered) {
        for entry in [asked, answered] {
            assert_eq!((&entry["actor"], &entry["role"]), (&json!(HERE), &json!("peer")));
            assert_eq!((&entry["organisation"], &entry["division"]), (&json!("测试民政局"), &json!(FAR)));
            assert_eq!((&entry["purpose"], &entry["authorisation"]), (&json!("dibao"), &json!("SQ-C21")));
            assert!(entry["object"].as_str().unwrap().starts_with(&format!("question/{id}.{THERE}.")), "{entry}");
            assert_eq!(entry["subjects"].as_array().unwrap().len(), 1, "the others are not asked about there");
        }
        assert!(asked["departments"].is_null());
        assert_eq!(answered["departments"].as_array().unwrap().len(), 1);
    }
    let pseudonyms = released["subjects"].as_array().unwrap();
    assert!(!pseudonyms.contains(&asked[0]["subjects"][0]), "each hub has pseudonyms of its own");

    // The account of a department over there has what was asked for the other hub; here the hub has one of its own.
    let today = hedui::domain::period::date_in_china(jiff::Timestamp::now());
    let days = format!("?from={}&to={}", today.yesterday().unwrap(), today.tomorrow().unwrap());
    let usage = async |system: &System, adapter: &str| {
        let token = super::hub::officer(&system.files, "officer", "000000");
        system.caller.with_token(token).get(&format!("/v1/adapters/{adapter}/usage{days}")).await
    };
    let (own, far) = (usage(&two.there, "hrss").await, usage(&two.here, THERE).await);
    assert_eq!(own.body["total"]["questions"], 1, "{}", own.body);
    assert_eq!(own.body["days"][0]["organisation"], "测试民政局");
    assert_eq!(far.body["total"]["questions"], told(None).len(), "{}", far.body);

    let shown = two.here.caller.get(&format!("/v1/verifications/{id}?expand=evidence")).await;
    let evidence = shown.body["evidence"].as_array().unwrap();
    let pension = evidence.iter().find(|item| item["member"] == "m2" && item["department"] == "hrss").unwrap();
    assert_eq!((&pension["hub"], &pension["freshness"]), (&json!(THERE), &json!("live")));
    assert!(pension["adapter_version"].as_str().unwrap().contains('.'));
    let near = evidence.iter().find(|item| item["member"] == "m1" && item["department"] == "hrss").unwrap();
    assert!(near["hub"].is_null());
    let proofs = shown.body["proofs"].as_array().unwrap().iter().filter(|proof| proof["department"] == THERE);
    let standings: Vec<&Value> = proofs.map(|proof| &proof["standing"]).collect();
    assert!(!standings.is_empty() && standings.iter().all(|standing| *standing == "valid"), "{standings:?}");
    let file = two.here.folder.path().join("evidence.json");
    std::fs::write(&file, shown.body.to_string()).unwrap();
    let verified = std::process::Command::new(env!("CARGO_BIN_EXE_hedui"))
        .args(["evidence", "verify", "--lang", "en", "--config"])
        .args([&two.here.files.config, &file])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success(), "{told} {}", String::from_utf8_lossy(&verified.stderr));
    assert!(told.contains(THERE) && !told.contains('✗'), "{told}");
    two.stop().await;
}

/// Every department of the other hub is a gap about this member, and every one of this hub's own answered.
fn assert_only_far_is_missing(body: &Value, member: &str) {
    let rows = body["departments"].as_array().unwrap();
    assert!(rows.iter().any(|row| row["hub"] == THERE) && rows.iter().any(|row| row["hub"].is_null()), "{rows:?}");
    for row in rows {
        let expected: &[&str] = if row["hub"] == THERE { &["unavailable"] } else { &["answered", "no_record"] };
        assert!(expected.contains(&row["status"].as_str().unwrap()), "{row}");
    }
    let gaps = body["verdict"]["gaps"].as_array().unwrap();
    assert!(!gaps.is_empty() && gaps.iter().all(|gap| gap["members"] == json!([member])), "{gaps:?}");
}

/// How many lines a department's own record of use has.
fn lines(system: &System, department: &str) -> usize {
    let ledger = system.folder.path().join(format!("{department}.ledger"));
    std::fs::read_to_string(ledger).unwrap_or_default().lines().count()
}

/// P2, P9: a hub that is away, slow or wrong costs the facts of its own people, with the reason, and nobody else's.
#[tokio::test(flavor = "multi_thread")]
async fn p9_whatever_the_other_hub_does_costs_the_facts_of_its_own_people_only() {
    let keys = super::faults::stub_keys();
    let stub = Stub::start("hrss", Behaviour::OtherPerson, keys.path());
    let there = Setup { elsewhere: [("hrss", stub.address)].into(), ask_timeout: Some("400ms"), ..Setup::default() };
    let two = Two::start(Setup { authority: Some(keys), ..there }).await;
    let document = across(&requests(two.here.folder.path())["C21"]);
    for (behaviour, reason) in [
        (Behaviour::OtherPerson, "mismatch"),
        (Behaviour::NameMismatch, "mismatch"),
        (Behaviour::Hang, "timeout"),
        (Behaviour::Status(429), "quota_exceeded"),
        (Behaviour::Status(403), "not_authorised"),
        (Behaviour::Status(500), "unavailable"),
        (Behaviour::Body(b"{}".to_vec()), "malformed"),
    ] {
        stub.behave(behaviour);
        let done = two.here.caller.verify(&document).await;
        let rows = done.body["departments"].as_array().unwrap();
        assert_eq!(far_row(&done.body, "hrss")["status"], reason, "{}", done.body);
        let others = rows.iter().filter(|row| !(row["department"] == "hrss" && row["hub"] == THERE));
        assert!(others.clone().count() >= 8, "{rows:?}");
        for row in others {
            assert!(["answered", "no_record"].contains(&row["status"].as_str().unwrap()), "{reason}: {row}");
        }
        let gaps = done.body["verdict"]["gaps"].as_array().unwrap();
        assert_eq!(gaps.len(), 1, "{gaps:?}");
        assert_eq!((&gaps[0]["reason"], &gaps[0]["members"]), (&json!(reason), &json!(["m2"])));
        let id = done.body["id"].as_str().unwrap();
        let report = two.here.caller.get(&format!("/v1/verifications/{id}/report?view=caseworker")).await;
        let told = report.body.to_string();
        assert!(told.contains("（仅 m2）") && told.contains("(of m2 only)"), "{told}");
    }
    // Away altogether: all of its departments are gaps, each about its own people.
    two.there.app.stop().await;
    let done = two.here.caller.verify(&across(&requests(two.here.folder.path())["C20"])).await;
    assert_only_far_is_missing(&done.body, "m3");
    two.here.stop().await;
}

/// The other hub waits for its departments no longer than it is waited for itself: what came in time is told, and what did
/// not is a gap with its reason, in both logs.
#[tokio::test(flavor = "multi_thread")]
async fn a_hub_answers_within_what_the_other_one_waits() {
    let keys = super::faults::stub_keys();
    let stub = Stub::start("hrss", Behaviour::Hang, keys.path());
    let elsewhere = [("hrss", stub.address)].into();
    let setup =
        Setup { elsewhere, ask_timeout: Some("60s"), deadline: Some("60s"), authority: Some(keys), ..Setup::default() };
    let two = Two::start(setup).await;
    let begun = std::time::Instant::now();
    let done = two.here.caller.verify(&across(&requests(two.here.folder.path())["C21"])).await;
    assert!(begun.elapsed().as_secs() < 4, "it is waited for 3 s");
    assert_eq!(far_row(&done.body, "hrss")["status"], "timeout");
    let there = entries(&two.there).await;
    let of_hrss = |entry: &&&Value| entry["departments"][0]["department"] == "hrss";
    let answered = of_action(&there, "peer_answered");
    let told = answered.iter().find(of_hrss).expect("it answered that it has no answer, before nobody waited any more");
    assert_eq!(told["departments"][0]["outcome"], "timeout");
    two.stop().await;
}

/// What another hub's department owes is asked for again about its own people only, and what came by a hub stays so.
#[tokio::test(flavor = "multi_thread")]
async fn what_another_hub_owes_is_asked_for_again_about_its_own_people_only() {
    let keys = super::faults::stub_keys();
    let stub = Stub::start("hrss", Behaviour::Status(500), keys.path());
    let setup = Setup { elsewhere: [("hrss", stub.address)].into(), authority: Some(keys), ..Setup::default() };
    let two = Two::start(setup).await;
    let open = two.here.caller.verify(&across(&requests(two.here.folder.path())["C21"])).await;
    assert_eq!(open.verdict_status(), "PENDING_DATA", "{}", open.body);
    let asked = lines(&two.here, "hrss");
    stub.behave(Behaviour::NoRecord(std::time::Duration::ZERO));
    let id = open.body["id"].as_str().unwrap();
    let refresh = format!("/v1/verifications/{id}/refresh");
    let later = two.here.caller.post(&refresh, &json!({}), &[("prefer", "wait=20")]).await;
    assert_eq!((later.verdict_status(), &later.body["version"]), ("DETERMINED", &json!(2)), "{}", later.body);
    assert_eq!(far_row(&later.body, "hrss")["status"], "no_record");
    assert_eq!(later.body["departments"].as_array().unwrap().len(), open.body["departments"].as_array().unwrap().len());
    assert_eq!(lines(&two.here, "hrss"), asked, "its own department had answered, and is not asked again");
    let released = entries(&two.here).await.into_iter().rfind(|entry| entry["action"] == "released").unwrap();
    let told = released["questions"].as_array().unwrap();
    assert!(told.len() == 1 && told[0]["department"] == THERE, "{released}");
    let shown = two.here.caller.get(&format!("/v1/verifications/{id}?expand=evidence")).await;
    let hubs: Vec<&Value> = shown.body["evidence"].as_array().unwrap().iter().map(|item| &item["hub"]).collect();
    assert!(hubs.iter().all(|hub| hub.is_null()), "no record is no evidence, and the rest is this hub's own: {hubs:?}");
    two.stop().await;
}

/// A hub that hangs, breaks, signs nothing or answers rubbish is a department that does: a gap of its own people.
#[tokio::test(flavor = "multi_thread")]
async fn p9_a_hub_that_is_no_hub_costs_the_facts_of_its_own_people_only() {
    let keys = super::faults::stub_keys();
    let stub = Stub::start(THERE, Behaviour::Hang, keys.path());
    let here = System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await;
    let (ca, key) = (keys.path().join("ca.pem"), keys.path().join("answers/hrss.pem"));
    // The stub asks who asks, and knows the authority of its own keys only.
    let both = [std::fs::read(&ca).unwrap(), std::fs::read(&here.files.keys.ca).unwrap()].concat();
    std::fs::write(&ca, both).unwrap();
    append(
        &here.files.config,
        &format!(
            "[peering]\nname = \"{HERE}\"\ndivisions = {OWN}\n\n[[peer]]\nname = \"{THERE}\"\n[peer.provides]\n\
             divisions = [\"230000\"]\nendpoint = \"https://{}\"\nca = \"{}\"\nanswer_key = \"{}\"\ntimeout = \"700ms\"\n",
            stub.address,
            ca.display(),
            key.display(),
        ),
    );
    let here = here.restart().await;
    let documents = requests(here.folder.path());
    for (case, behaviour, reason) in [
        ("C20", Behaviour::Hang, "timeout"),
        ("C21", Behaviour::NoRecord(std::time::Duration::ZERO), "malformed"),
        ("C23", Behaviour::OtherPerson, "malformed"),
    ] {
        stub.behave(behaviour);
        let done = here.caller.verify(&across(&documents[case])).await;
        let rows = done.body["departments"].as_array().unwrap();
        let far: Vec<&Value> = rows.iter().filter(|row| row["hub"] == THERE).collect();
        assert!(!far.is_empty(), "{rows:?}");
        // After seven failures in a row it is left alone for a while, as any adapter is.
        let is_expected = |row: &&Value| row["status"] == reason || row["status"] == "unavailable";
        assert!(far.iter().all(is_expected) && (case != "C20" || far[0]["status"] == reason), "{case}: {far:?}");
        let near = rows.iter().filter(|row| row["hub"].is_null());
        assert!(near.into_iter().all(|row| ["answered", "no_record"].contains(&row["status"].as_str().unwrap())));
    }
    here.stop().await;
}

/// P1: where the other hub cannot write its log it answers nothing.
#[tokio::test(flavor = "multi_thread")]
async fn p1_a_hub_whose_log_cannot_be_kept_answers_no_other_hub() {
    let two = Two::start(Setup::default()).await;
    let documents = requests(two.here.folder.path());
    let before = two.here.caller.verify(&across(&documents["C21"])).await;
    assert_eq!(far_row(&before.body, "hrss")["status"], "answered");
    let asked = |system: &System| lines(system, "education") + lines(system, "hrss") + lines(system, "housing");
    let asked_before = asked(&two.there);
    let held = two.there.app.verifications().store().hold();
    let done = two.here.caller.verify(&across(&documents["C20"])).await;
    assert_only_far_is_missing(&done.body, "m3");
    assert_eq!(asked(&two.there), asked_before, "no department over there was asked");
    drop(held);
    // Written no more between question and answer: what the departments said stays there.
    two.there.app.verifications().store().halt();
    let done = two.here.caller.verify(&across(&documents["C23"])).await;
    assert_only_far_is_missing(&done.body, "m3");
    let there = entries(&two.there).await;
    assert_eq!(of_action(&there, "peer_asked").len(), of_action(&there, "peer_answered").len());
    two.stop().await;
}

/// P2: whose division nobody answers for is a gap, and nobody is asked about them; the dry run and the catalogue say who
/// would be.
#[tokio::test(flavor = "multi_thread")]
async fn p2_p6_who_is_of_a_division_that_nobody_answers_for_is_asked_about_nowhere() {
    let two = Two::start(Setup::default()).await;
    let mut document = requests(two.here.folder.path())["C21"].clone();
    document["household"]["members"][1]["division"] = "310101".into();
    let planned = two.here.caller.post("/v1/verifications:plan", &document, &[]).await;
    let hrss = planned.body["departments"].as_array().unwrap().iter().find(|row| row["department"] == "hrss").unwrap();
    assert!(hrss["asked"].as_array().unwrap().iter().all(|asked| asked["members"] == json!(["m1"])), "{hrss}");
    assert!(hrss["not_asked"].as_array().unwrap().iter().any(|left| left["reason"] == "division"), "{hrss}");
    let planned = two.here.caller.post("/v1/verifications:plan", &across(&document), &[]).await;
    let hrss = planned.body["departments"].as_array().unwrap().iter().find(|row| row["department"] == "hrss").unwrap();
    let far = hrss["asked"].as_array().unwrap().iter().filter(|asked| asked["hub"] == THERE);
    assert!(far.clone().count() > 0 && far.into_iter().all(|asked| asked["members"] == json!(["m2"])), "{hrss}");

    let done = two.here.caller.verify(&document).await;
    let rows = done.body["departments"].as_array().unwrap();
    let nowhere: Vec<&Value> = rows.iter().filter(|row| row["members"] == json!(["m2"])).collect();
    assert!(nowhere.len() >= 5 && nowhere.iter().all(|row| row["status"] == "not_connected"), "{rows:?}");
    let gaps = done.body["verdict"]["gaps"].as_array().unwrap();
    assert!(!gaps.is_empty() && gaps.iter().all(|gap| gap["members"] == json!(["m2"])), "{gaps:?}");
    let (here, there) = (entries(&two.here).await, entries(&two.there).await);
    assert!(of_action(&there, "peer_asked").is_empty(), "the wrong region was asked");
    let released = *of_action(&here, "released").last().unwrap();
    let people = released["questions"].as_array().unwrap().iter().flat_map(|asked| asked["sent"].as_array().unwrap());
    assert!(people.into_iter().all(|sent| sent["people"] == 1), "{released}");

    let catalogue = two.here.caller.get("/v1/catalogue").await;
    assert_eq!(catalogue.body["hubs"], json!([{ "hub": THERE, "divisions": ["230000"], "state": "live" }]));
    two.stop().await;
}
