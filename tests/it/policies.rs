//! Policy packs: documents are those the code makes, the guide is true, and the routes answer with packs and verdicts
//! and keep nothing.

use hedui::policy::handbook;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::hub::{Reply, Setup, System, listed, listed_cases, root};

/// A kept document is the one the code makes; `HEDUI_WRITE_SCHEMAS=1` writes it anew.
fn assert_kept(path: &str, made: &str) {
    let file = root().join(path);
    if std::env::var_os("HEDUI_WRITE_SCHEMAS").is_some() {
        std::fs::write(&file, made).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == made,
        "{path} is not what the code makes: HEDUI_WRITE_SCHEMAS=1 cargo test --test it policies, then read the difference"
    );
}

#[test]
fn the_schema_of_packs_is_the_one_that_is_kept() {
    assert_kept("schemas/policy.json", &(serde_json::to_string_pretty(&handbook::schema()).unwrap() + "\n"));
}

#[test]
fn the_page_of_parameters_is_the_one_that_is_kept() {
    assert_kept("docs/policy-parameters.md", &handbook::parameters_page());
}

/// The first block of TOML of a guide: the pack that a reader copies.
fn pack_of_guide(path: &str) -> String {
    let text = std::fs::read_to_string(root().join(path)).unwrap();
    let (_, rest) = text.split_once("```toml\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_pack_of_the_guide_is_sound_and_makes_verdicts_possible() {
    let guide = pack_of_guide("docs/guides/policy-packs.md");
    assert_eq!(guide, pack_of_guide("docs/guides/policy-packs.zh-CN.md"), "both languages show the same pack");
    let folder = tempfile::tempdir().unwrap();
    let packs = folder.path().join("my-policies");
    for division in std::fs::read_dir(root().join("config/policies")).unwrap().flatten() {
        let target = packs.join(division.file_name());
        std::fs::create_dir_all(&target).unwrap();
        for file in std::fs::read_dir(division.path()).unwrap().flatten() {
            std::fs::copy(file.path(), target.join(file.file_name())).unwrap();
        }
    }
    std::fs::create_dir(packs.join("152202")).unwrap();
    let file = packs.join("152202/2025-01-01.toml");
    std::fs::write(&file, &guide).unwrap();
    let hedui = |args: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_hedui"))
            .current_dir(folder.path())
            .env("HEDUI_LANG", "en")
            .args(["policy"])
            .args(args)
            .output()
            .unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let pack = "my-policies/152202/2025-01-01.toml";
    let (code, out) = hedui(&["check", pack, "--on", "2025-03-15"]);
    assert_eq!((code, out.lines().last()), (0, Some("as of 2025-03-15: 0 errors, 0 warnings")), "{out}");
    for side in ["--urban", "--rural"] {
        let show = ["show", "--packs", "my-policies", "--place", "152202", "--on", "2025-03-15", side];
        let (code, out) = hedui(&show);
        assert_eq!(code, 0, "{out}");
        assert!(out.contains("阿政发〔2025〕1号 第一条"), "{out}");
    }
    let (code, out) = hedui(&["diff", "152201@2025-03-15", "152202@2025-03-15", "--packs", "my-policies"]);
    assert!(code == 0 && out.contains("+11.00 yuan  +1.33 % (= 1100/829 %)"), "{out}");
    let from_to = ["--from", "152202@2024-12-31", "--to", pack, "--households", "200"];
    let (code, out) = hedui(&[&["impact", "--packs", "my-policies"], &from_to[..]].concat());
    assert!(code == 0 && out.contains("pending parameter → dibao"), "{out}");
    // The two slips that the guide shows, as it shows them.
    let guide_text = std::fs::read_to_string(root().join("docs/guides/policy-packs.md")).unwrap();
    for slip in ["{ amount = \"7,860\", period = \"MONTH\" }", "{ amount = \"7860\", period = \"MONTH\" }"] {
        std::fs::write(&file, guide.replace("{ amount = \"7860.00\", period = \"YEAR\" }", slip)).unwrap();
        let (_, out) = hedui(&["check", pack, "--on", "2025-03-15"]);
        let shown =
            out.lines().find(|line| line.starts_with("152202/2025-01-01.toml:18:") && line.contains(".value.amount"));
        assert!(guide_text.contains(shown.unwrap()), "the guide does not show: {shown:?}");
    }
}

async fn system() -> System {
    System::start(Setup::default(), listed()).await
}

/// A listed case as the document of an evaluation.
pub(crate) fn document(case: &Value, sets: &Value) -> Value {
    let set = case["parameter_set"].as_str().unwrap();
    let mut document = case.clone();
    for name in ["id", "title_en", "title_zh", "parameter_set", "expected", "note"] {
        document.as_object_mut().unwrap().remove(name);
    }
    document["urban_rural"] = sets[set]["urban_rural"].clone();
    document["pack"] = set.into();
    document
}

fn codes(reply: &Reply) -> (u16, &str) {
    (reply.status.as_u16(), reply.body["code"].as_str().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_listed_case_is_judged_from_facts_handed_over_and_nothing_is_kept() {
    let system = system().await;
    let file = listed_cases();
    let events = async || system.app.verifications().store().log().newest(1000).await;
    let before = events().await.unwrap().len();
    for case in file["cases"].as_array().unwrap() {
        let set = &file["parameter_sets"][case["parameter_set"].as_str().unwrap()];
        let path = format!("/v1/policies/{}/evaluate", set["region_code"].as_str().unwrap());
        let mut document = document(case, &file["parameter_sets"]);
        for member in document["household"]["members"].as_array_mut().unwrap() {
            member.as_object_mut().unwrap().remove("id_number");
        }
        let reply = system.caller.post(&path, &document, &[]).await;
        assert_eq!(reply.status, StatusCode::OK, "{}: {}", case["id"], reply.body);
        let verdict = &reply.body["verdict"];
        for field in
            ["status", "household_circle", "also_meets", "member_outcomes", "computed", "benefit_hint", "flags"]
        {
            let expected = &case["expected"][field];
            assert!(expected.is_null() || *expected == verdict[field], "{} {field}: {verdict}", case["id"]);
        }
        assert!(reply.body["notice"]["zh"].as_str().unwrap().contains("由人作出决定"));
    }
    assert_eq!(events().await.unwrap().len(), before, "a verdict on facts that were handed over discloses nothing");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_is_listed_and_told_with_the_source_of_every_figure() {
    let system = system().await;
    let list = system.caller.get("/v1/policies").await;
    let packs = list.body["packs"].as_array().unwrap();
    let ulanhot = packs.iter().find(|pack| pack["file"] == "152201/2024-01-01.toml").unwrap();
    assert_eq!((&ulanhot["level"], &ulanhot["division_name"]), (&json!("county"), &json!("乌兰浩特市")));
    let path = "/v1/policies/152201?on=2025-03-15&urban_rural=URBAN";
    let pack = system.caller.get(path).await;
    assert_eq!(pack.status, StatusCode::OK, "{}", pack.body);
    assert_eq!(pack.body["missing"], json!([]));
    assert_eq!(pack.body["packs"], json!(["IM_WLHT_URBAN", "IM_WLHT_URBAN_2024RULE"]));
    let figures = pack.body["figures"].as_array().unwrap();
    for figure in figures {
        for name in ["field", "value", "status", "source", "effective_from", "division", "level", "file", "line"] {
            assert!(!figure[name].is_null(), "{name} is missing: {figure}");
        }
    }
    let standard = figures.iter().find(|figure| figure["field"] == "dibao_standard").unwrap();
    assert_eq!(standard["value"], json!({"amount": "829.00", "period": "MONTH"}));
    assert_eq!((&standard["level"], &standard["file"]), (&json!("county"), &json!("152201/2024-01-01.toml")));
    let multiple = figures.iter().find(|figure| figure["field"] == "low_income_multiple").unwrap();
    assert_eq!((&multiple["level"], &multiple["division"]), (&json!("nation"), &json!("000000")));
    let file = listed_cases();
    let document = document(&file["cases"][0], &file["parameter_sets"]);
    let judged = system.caller.post("/v1/policies/152201/evaluate?expand=report,trace", &document, &[]).await;
    assert_eq!(judged.body["verdict"]["pack"]["digest"], pack.body["digest"], "the pack shown is the pack applied");
    assert_eq!(judged.body["trace"]["root"]["rule"], "verdict");
    assert!(judged.body["report"]["headline"]["zh"].is_string());
    let variant = system.caller.get(&format!("{path}&pack=IM_2024")).await;
    assert_eq!(variant.body["name"], "IM_WLHT_URBAN_2024RULE");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_pack_gives_a_standard_the_verdict_waits_for_it() {
    let system = system().await;
    let pack = system.caller.get("/v1/policies/152202?on=2025-03-15&urban_rural=RURAL").await;
    assert_eq!(pack.status, StatusCode::OK);
    assert!(pack.body["digest"].is_null());
    assert!(pack.body["missing"].as_array().unwrap().contains(&json!("dibao_standard")), "{}", pack.body);
    let file = listed_cases();
    let mut document = document(&file["cases"][0], &file["parameter_sets"]);
    document.as_object_mut().unwrap().remove("pack");
    let judged = system.caller.post("/v1/policies/152202/evaluate?expand=report,trace", &document, &[]).await;
    assert_eq!(judged.status, StatusCode::OK, "{}", judged.body);
    assert_eq!(judged.body["verdict"]["status"], "PENDING_PARAMETER");
    assert!(judged.body["unavailable"]["en"].as_str().unwrap().contains("dibao_standard"));
    assert!(judged.body["report"]["headline"]["en"].is_string() && judged.body["trace"].is_null());
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_requests_are_problems_with_pointers_and_every_refusal_is_in_the_log() {
    let system = system().await;
    let caller = &system.caller;
    let file = listed_cases();
    let good = document(&file["cases"][0], &file["parameter_sets"]);
    let evaluate = "/v1/policies/152201/evaluate";
    let mut wrong = good.clone();
    wrong["household"]["members"][0]["id_number"] = "150000198605021016".into();
    let number = caller.post(evaluate, &wrong, &[]).await;
    assert_eq!(codes(&number), (422, "invalid_request"));
    assert_eq!(number.body["errors"][0]["pointer"], "/household/members/0/id_number");
    assert!(!number.body.to_string().contains("15000019860502"), "an identity number leaks");
    wrong["household"]["incomes"][0]["amount_12m"] = 1.into();
    wrong["urban_rural"] = "SEASIDE".into();
    let two = caller.post(evaluate, &wrong, &[]).await;
    assert_eq!(two.body["errors"].as_array().unwrap().len(), 2, "{}", two.body);
    let mut unknown = good.clone();
    unknown["pack"] = "NOWHERE".into();
    let unknown = caller.post(evaluate, &unknown, &[]).await;
    assert_eq!((codes(&unknown), &unknown.body["errors"][0]["pointer"]), ((422, "invalid_request"), &json!("/pack")));
    let replies = [
        (number, 422),
        (unknown, 422),
        (caller.post_raw(evaluate, b"{".to_vec(), &[]).await, 400),
        (caller.post_raw(evaluate, vec![b' '; 1024 * 1024 + 1], &[]).await, 413),
        (caller.post(evaluate, &good, &[("content-type", "text/plain")]).await, 415),
        (caller.post(&format!("{evaluate}?expand=everything"), &good, &[]).await, 400),
        (caller.post("/v1/policies/Ulanhot/evaluate", &good, &[]).await, 400),
        (caller.get("/v1/policies/152201").await, 400),
        (caller.get("/v1/policies/152201?urban_rural=SEASIDE").await, 400),
        (caller.get("/v1/policies/152201?urban_rural=URBAN&on=2025-02-30").await, 400),
        (caller.get("/v1/policies/152201?urban_rural=URBAN&colour=1").await, 400),
        (caller.get("/v1/policies/152201?urban_rural=URBAN&pack=NOWHERE").await, 422),
        (caller.get("/v1/policies?page=2").await, 400),
        (caller.with_token("x".to_owned()).get("/v1/policies").await, 401),
        (caller.with_token("x".to_owned()).post(evaluate, &good, &[]).await, 401),
    ];
    let events = system.app.verifications().store().log().newest(50).await.unwrap();
    for (reply, status) in replies {
        assert_eq!(reply.status, status, "{}", reply.body);
        assert_eq!(reply.headers["content-type"], "application/problem+json");
        assert!(reply.body["fix"]["zh"].is_string() && reply.body["fix"]["en"].is_string());
        let id = reply.body["request_id"].as_str().unwrap();
        assert!(events.iter().any(|event| event.body.contains(id)), "no entry for the refusal: {}", reply.body);
    }
    system.stop().await;
}
