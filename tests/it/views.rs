//! What people read of a verdict, and the verdict made again, through the wire.

use std::path::Path;

use hedui::domain::purpose::Purpose;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::hub::{Setup, System, listed, mint, requests};

async fn system() -> System {
    System::start(Setup { own_packs: true, ..Setup::default() }, listed()).await
}

/// Verifies a listed case and gives the id of the verification.
async fn verified(system: &System, case: &str) -> (String, Value) {
    let reply = system.caller.verify(&requests(system.folder.path())[case]).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{case}: {}", reply.body);
    (reply.body["id"].as_str().unwrap().to_owned(), reply.body)
}

fn report_path(id: &str, query: &str) -> String {
    format!("/v1/verifications/{id}/report{query}")
}

/// Changes a figure in every pack of the system that has it.
fn change_packs(folder: &Path, from: &str, to: &str) {
    let mut changed = 0;
    for division in std::fs::read_dir(folder.join("policies")).unwrap() {
        for file in std::fs::read_dir(division.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            changed += usize::from(text.contains(from));
            std::fs::write(&path, text.replace(from, to)).unwrap();
        }
    }
    assert!(changed > 0, "no pack has {from}");
}

#[tokio::test(flavor = "multi_thread")]
async fn three_views_of_one_verdict_are_told_in_three_forms() {
    let system = system().await;
    let (id, _) = verified(&system, "C13").await;
    let caseworker = system.caller.get(&report_path(&id, "")).await;
    assert_eq!(caseworker.status, StatusCode::OK, "{}", caseworker.body);
    assert_eq!(
        caseworker.body["sentence"]["zh"],
        "不符合各救助圈层：财产超过规定（金融资产59688.01元，限额59688.00元，超出0.01元）；只看收入，属于低保。"
    );
    assert!(caseworker.body["comparison"]["rows"].is_array());
    let resident = system.caller.get(&report_path(&id, "?view=resident")).await;
    assert_eq!(resident.body["title"]["zh"], "家庭经济状况核对告知书");
    for inside in ["trace", "evidence", "comparison", "sentence"] {
        assert!(resident.body.get(inside).is_none(), "a resident gets no {inside}");
    }
    let text = resident.body.to_string();
    assert!(text.contains("第二十四条") && text.contains("没有经过部门核实") && !text.contains("PROPERTY_"), "{text}");
    let auditor = system.caller.get(&report_path(&id, "?view=auditor")).await;
    assert_eq!(auditor.body["trace"]["root"]["rule"], "verdict");
    assert!(auditor.body["evidence"].is_array());
    let clauses = auditor.body["trace"]["clauses"].as_array().unwrap();
    let dibao = clauses.iter().find(|clause| clause["id"] == "SC649#9").unwrap();
    assert!(dibao["quote"].as_str().unwrap().contains("低于当地最低生活保障标准"));
    assert!(dibao["document"]["url"].as_str().unwrap().starts_with("https://www.gov.cn/"));

    let url = format!("{}{}", system.caller.base, report_path(&id, "?view=resident&format=html&lang=en"));
    let page = system.caller.http.get(url).bearer_auth(&system.caller.token).send().await.unwrap();
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers()["content-language"], "en");
    assert_eq!(page.headers()["cache-control"], "no-store");
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    let html = page.text().await.unwrap();
    assert!(html.starts_with("<!DOCTYPE html>") && html.contains("Your rights") && !html.contains("<script"));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_for_the_client_that_asked_and_every_look_is_logged() {
    let system = system().await;
    let (id, _) = verified(&system, "C01").await;
    let stranger = system.caller.with_token(mint(&system.files, "stranger", "000000", &Purpose::ALL));
    for path in [report_path(&id, "?view=auditor"), format!("/v1/verifications/{id}/replay")] {
        assert_eq!(stranger.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(system.caller.get(&path).await.status, StatusCode::OK, "{path}");
        let newest = system.app.verifications().store().log().newest(2).await.unwrap();
        let actions: Vec<Value> = newest.iter().map(|event| serde_json::from_str(&event.body).unwrap()).collect();
        assert_eq!((&actions[0]["action"], &actions[0]["verification"]), (&json!("viewed"), &json!(id)));
        assert_eq!((&actions[1]["action"], &actions[1]["problem"]), (&json!("denied"), &json!("not_found")));
    }
    for (path, code) in [
        (report_path(&id, "?format=jws"), "invalid_query"),
        (report_path(&id, "?view=all"), "invalid_query"),
        (format!("/v1/verifications/{id}/replay?policy_as_of=yesterday"), "invalid_query"),
        (report_path("vf_00000000000000000000000000000000", ""), "not_found"),
        (report_path("%3Cscript%3E", ""), "not_found"),
    ] {
        let reply = system.caller.get(&path).await;
        assert_eq!(reply.body["code"], code, "{path}");
        assert!(reply.body["fix"]["zh"].is_string() && reply.body["fix"]["en"].is_string());
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_wage_is_shown_against_the_declaration() {
    let system = system().await;
    let mut document = requests(system.folder.path())["C23"].clone();
    // The household declares less than the contributions show.
    document["declaration"]["incomes"] =
        json!([{"ref": "m1", "category": "WAGE", "kind": "WAGE", "amount_12m": "12000.00"}]);
    let reply = system.caller.verify(&document).await;
    let id = reply.body["id"].as_str().unwrap();
    let without = system.caller.verify(&requests(system.folder.path())["C23"]).await;
    assert_eq!(
        reply.body["verdict"]["computed"]["countable_income_12m"],
        without.body["verdict"]["computed"]["countable_income_12m"],
        "one wage, declared and found, is one wage"
    );
    let shown = system.caller.get(&format!("/v1/verifications/{id}?expand=comparison,report")).await;
    let rows = shown.body["comparison"]["rows"].as_array().unwrap();
    let wage = rows.iter().find(|row| row["kind"] == "WAGE").unwrap_or_else(|| panic!("{rows:#?}"));
    assert_eq!((&wage["weight"], &wage["result"]), (&json!("conclusive"), &json!("UNJUDGED")), "{wage}");
    assert!(wage["difference"].as_str().unwrap().parse::<f64>().unwrap() > 0.0, "{wage}");
    let sections = shown.body["report"]["sections"].as_array().unwrap();
    assert!(sections.iter().any(|section| section["id"] == "comparison"));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_a_verdict_is_replayed_to_the_byte_after_its_pack_was_changed() {
    let system = system().await;
    let (id, answer) = verified(&system, "C01").await;
    let path = format!("/v1/verifications/{id}/replay");
    let replay = system.caller.get(&path).await;
    assert_eq!(replay.body["same"], true, "{}", replay.body);
    assert_eq!(replay.body["pack_since"], json!([]));
    change_packs(system.folder.path(), "829.00", "929.00");
    let system = system.restart().await;
    let replay = system.caller.get(&path).await;
    assert_eq!(replay.body["same"], true, "{}", replay.body);
    assert_eq!(replay.body["verdict"], answer["verdict"]);
    assert_eq!(replay.body["kept"]["sha256"], replay.body["replayed"]["sha256"]);
    let since = replay.body["pack_since"].as_array().unwrap();
    assert_eq!(since.len(), 1, "{since:?}");
    assert_eq!((&since[0]["field"], &since[0]["after"]["amount"]), (&json!("dibao_standard"), &json!("929.00")));
    // Text and trace are those of the pack of that time.
    let shown = system.caller.get(&format!("/v1/verifications/{id}?expand=report,trace")).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.body);
    assert!(shown.body["report"]["sentence"]["zh"].as_str().unwrap().contains("29844.00元"));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counterfactual_is_marked_and_says_what_would_be_otherwise() {
    let system = System::start(Setup::default(), listed()).await;
    let mut document = requests(system.folder.path())["C01"].clone();
    document.as_object_mut().unwrap().remove("pack");
    let reply = system.caller.verify(&document).await;
    let (id, circle) = (reply.body["id"].as_str().unwrap(), &reply.body["verdict"]["household_circle"]);
    let path = |day: &str| format!("/v1/verifications/{id}/replay?policy_as_of={day}");
    let same_day = system.caller.get(&path("2025-03-15")).await;
    assert_eq!(same_day.body["counterfactual"]["differences"], json!([]), "{}", same_day.body);
    let before = system.caller.get(&path("2019-01-01")).await;
    assert_eq!(before.body["same"], true, "the verdict itself stands");
    let other = &before.body["counterfactual"];
    assert!(other["notice"]["zh"].as_str().unwrap().starts_with("假设测算，不是核对结论"));
    assert_eq!(other["outcome"]["status"], "PENDING_PARAMETER", "no standard is known for 2019: {other}");
    let differences = other["differences"].as_array().unwrap();
    let named = |field: &str| differences.iter().find(|change| change["field"] == field).unwrap();
    assert_eq!(&named("household_circle")["before"], circle);
    assert_eq!(named("status")["after"], "PENDING_PARAMETER");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_without_its_pack_says_precisely_what_changed() {
    let system = system().await;
    let (id, _) = verified(&system, "C01").await;
    // As a verdict looks that was kept before packs were.
    let database = system.folder.path().join("hedui.sqlite");
    let pool = sqlx::sqlite::SqlitePool::connect(&format!("sqlite://{}", database.display())).await.unwrap();
    sqlx::query("DELETE FROM policy_pack").execute(&pool).await.unwrap();
    pool.close().await;
    change_packs(system.folder.path(), "829.00", "429.00");
    let system = system.restart().await;
    let replay = system.caller.get(&format!("/v1/verifications/{id}/replay")).await;
    assert_eq!(replay.body["same"], false, "{}", replay.body);
    let changed = replay.body["changed"].as_array().unwrap();
    assert!(changed.iter().any(|change| change["what"] == "pack"), "{changed:?}");
    let circle = changed.iter().find(|change| change["field"] == "household_circle").unwrap();
    assert_eq!((&circle["before"], &circle["after"]), (&json!("DIBAO"), &json!("LOW_INCOME")));
    let shown = system.caller.get(&format!("/v1/verifications/{id}?expand=report")).await;
    assert_eq!(shown.body["code"], "pack_changed", "a report is never made by another pack");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_explains_and_replays_a_verification_of_a_hub() {
    let system = system().await;
    let (id, _) = verified(&system, "C13").await;
    let token = system.folder.path().join("token");
    std::fs::write(&token, mint(&system.files, "tester", "000000", &Purpose::ALL)).unwrap();
    let hedui = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_hedui"));
        command.args(args).args(["--hub", &system.caller.base, "--lang", "en", "--ca"]);
        let output = command.arg(&system.files.keys.ca).arg("--token-file").arg(&token).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, out, error) = hedui(&["verdict", "explain", &id]);
    assert_eq!(code, Some(0), "{error}");
    assert!(out.contains("by income alone it would be dibao"), "{out}");
    let (_, notice, _) = hedui(&["verdict", "explain", &id, "--view", "resident"]);
    assert!(notice.contains("Your rights"), "{notice}");
    let (code, out, error) = hedui(&["verdict", "replay", &id, "--policy-as-of", "2025-03-15"]);
    assert_eq!(code, Some(0), "{error}");
    assert!(out.contains("the same to the byte") && out.contains("A counterfactual, not a verdict"), "{out}");
    // A verdict that does not come out the same ends the command with 1.
    let database = system.folder.path().join("hedui.sqlite");
    let pool = sqlx::sqlite::SqlitePool::connect(&format!("sqlite://{}", database.display())).await.unwrap();
    sqlx::query("UPDATE policy_pack SET body = '{}'").execute(&pool).await.unwrap();
    pool.close().await;
    let (code, _, _) = hedui(&["verdict", "replay", &id]);
    assert_eq!(code, Some(0), "the pack in force is still the same one");
    let (code, _, error) = hedui(&["verdict", "replay", "vf_00000000000000000000000000000000"]);
    assert_eq!(code, Some(1));
    assert!(error.contains("not_found"), "{error}");
    system.stop().await;
}
