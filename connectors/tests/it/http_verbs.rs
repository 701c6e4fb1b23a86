//! The verbs on a department that is a service: `new`, `discover`, `try`, `test` and `diff`.

use serde_json::json;

use crate::harness::{BATU, run, trying};
use crate::http::{OAUTH2, contract};
use crate::services::Running;

const CONTRACT: &str = "housing.sale_contract";

fn text(file: &std::path::Path) -> &str {
    file.to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_begun_and_its_fields_are_seen_without_a_value() {
    let running = Running::start(false);
    running.keep(BATU, contract(BATU, "巴图", "WQ1", json!("286,000.00")));
    let file = running.folder.path().join("new.toml");
    let url = format!("https://localhost:{}/gateway", running.address.port());
    let begin = |auth| {
        let names = ["--id", "housing", "--name-zh", "住建", "--name-en", "Housing", "--contact", "0"];
        let mut arguments =
            vec!["new", text(&file), "--from", "http", "--url", &url, "--auth", auth, "--non-interactive"];
        arguments.extend(names);
        run(&arguments)
    };
    for auth in ["signed", "hmac", "oauth2", "mtls", "none"] {
        let (code, _, err) = begin(auth);
        assert_eq!(code, 0, "{auth}: {err}");
        let written = std::fs::read_to_string(&file).unwrap();
        assert!(written.contains(&format!("kind = \"{auth}\"")), "{written}");
        assert!(toml::from_str::<toml::Table>(&written).is_ok(), "{written}");
        if auth != "none" {
            std::fs::remove_file(&file).unwrap();
        }
    }
    let written = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, written.replace("# tls_ca = ", "tls_ca = ")).unwrap();
    let request = r#"{ path = "/house/contract", json = { sfzh = ":id_number", xm = ":name", start = ":start", limit = ":limit" } }"#;
    let asking = ["discover", text(&file), "--id-number", BATU, "--name", "巴图", "--request", request];
    let (code, out, err) = run(&[&asking[..], &["--append"]].concat());
    assert_eq!(code, 0, "{out}{err}");
    for line in [
        "$.data.list[*] (list, 1 row(s) looked at)",
        "zjhm  text",
        "house.area  text",
        "records = \"$.data.list[*]\"",
        "columns = { \"house.area\" = \"@.house.area\" }",
        "subject = \"zjhm\"",
    ] {
        assert!(out.contains(line), "{line} in\n{out}");
    }
    for value in [BATU, "286,000", "巴图", "WQ1"] {
        assert!(!out.contains(value), "{out}");
    }
    assert!(std::fs::read_to_string(&file).unwrap().contains(request), "the request stands in the draft");
    let (code, _, err) = run(&["discover", text(&file), "--id-number", "150000198808191022", "--request", request]);
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("answer_has_no_list"), "{err}");
    let (code, _, err) = run(&[
        "discover",
        text(&file),
        "--id-number",
        BATU,
        "--request",
        "{ path = \"/x\", json = { a = \"x:id_number\" } }",
    ]);
    assert_eq!(code, 2, "{err}");
    let (code, _, err) = run(&["discover", text(&file)]);
    assert!(code == 2 && err.contains("--request"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_shows_native_values_masked_and_a_golden_test_rests_on_kept_answers() {
    let running = Running::start(false);
    running.keep(BATU, contract(BATU, "巴图", "WQ1", json!("286,000.00")));
    let file = running.file(OAUTH2, &[]);
    let (code, out, err) = run(&trying(text(&file), CONTRACT, BATU, &["--name", "巴图"]));
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("286,000.00") && out.contains("value = 286000.00") && !out.contains(BATU), "{out}");
    let answers = json!({"answers": [
        {"about": [BATU], "page": 0, "body": {"code": "200", "data": {"total": 3, "list": [contract(BATU, "巴图", "A", json!(1.5)), contract(BATU, "巴图", "B", json!("2"))]}}},
        {"about": [BATU], "page": 1, "body": {"code": "200", "data": {"total": 3, "list": [contract(BATU, "巴图", "C", json!(3))]}}},
        {"about": [BATU], "page": 2, "body": {"code": "200", "data": {"total": 3, "list": []}}},
        {"about": ["150000198808191022"], "status": 404, "body": {"code": "404"}},
    ]});
    std::fs::write(running.folder.path().join("answers.json"), answers.to_string()).unwrap();
    let golden = format!(
        "\n[[test]]\nname = \"pages\"\nfixture = \"answers.json\"\ngiven = {{ dataset = \"{CONTRACT}\", id_numbers = [\"{BATU}\", \"150000198808191022\"], names = [\"巴图\", \"阿拉坦\"], from = 2024-03-01, to = 2025-02-28 }}\nexpect = [{{ id_number = \"{BATU}\", status = \"ok\", facts = [{}] }}, {{ id_number = \"150000198808191022\", status = \"no_record\" }}]\n",
        [("A", "1.50"), ("B", "2.00"), ("C", "3.00")].map(|(key, value)| format!("{{ kind = \"DWELLING\", value = \"{value}\", area_m2 = \"89.50\", dedupe_key = \"{key}\", as_of = \"2016-07-18\" }}")).join(", ")
    );
    let whole = running.text(OAUTH2, &[]) + &golden;
    std::fs::write(&file, &whole).unwrap();
    let (code, out, _) = run(&["test", text(&file)]);
    assert_eq!((code, out.lines().last()), (0, Some("1 passed, 0 failed")), "{out}");
    std::fs::write(
        running.folder.path().join("answers.json"),
        answers.to_string().replace("\"total\":3", "\"total\":4"),
    )
    .unwrap();
    let (code, out, _) = run(&["test", text(&file), "--lang", "zh"]);
    assert!(code == 1 && out.contains("缺页"), "{out}");
    let new = running.folder.path().join("new.toml");
    std::fs::write(&new, whole.replace("/house/contract", "/house/contracts").replace("1.0.0", "1.0.1")).unwrap();
    let (code, out, _) = run(&["diff", text(&file), text(&new)]);
    assert!(code == 0 && out.contains("run hedui-adapter test"), "{out}");
    let (code, out, _) = run(&["check", text(&file), "--lang", "zh"]);
    assert!(code == 1 && out.contains("✓ 登录"), "{out}");
}
