//! `conform`: what it finds, what it writes, and that its reports can be believed.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{BATU, Store, run, seventh};

/// The connector file of the seventh source with parts replaced, beside its fixtures, in a folder of its own.
fn copied(store: &Store, changes: &[(&str, &str)]) -> PathBuf {
    let folder = store.folder.path().join("department");
    std::fs::create_dir_all(&folder).unwrap();
    for file in ["schema.sql", "sample.sql"] {
        std::fs::copy(seventh().join(file), folder.join(file)).unwrap();
    }
    let mut text = std::fs::read_to_string(seventh().join("connector.toml")).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let file = folder.join("connector.toml");
    std::fs::write(&file, text).unwrap();
    file
}

fn conform(store: &Store, file: &Path, level: &str, more: &[&str]) -> (i32, String, String) {
    let url = store.url();
    let mut arguments = vec!["conform", file.to_str().unwrap(), "--level", level, "--source-url", &url];
    arguments.extend(more);
    run(&arguments)
}

fn report(file: &Path) -> Value {
    let report = file.with_file_name("disabled_persons.conformance.json");
    serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap()
}

fn outcomes(report: &Value) -> Vec<(String, String)> {
    let text = |result: &Value, name: &str| result[name].as_str().unwrap().to_owned();
    report["results"].as_array().unwrap().iter().map(|result| (text(result, "id"), text(result, "outcome"))).collect()
}

#[tokio::test]
async fn a_sound_adapter_reaches_every_level_and_its_report_is_signed() {
    let store = Store::seventh().await;
    let file = copied(&store, &[]);
    let (code, out, err) = conform(&store, &file, "4", &[]);
    assert_eq!(code, 0, "{out}{err}");
    let report = report(&file);
    assert_eq!(
        (&report["level"], &report["counts"]["fail"], &report["counts"]["error"]),
        (&4.into(), &0.into(), &0.into())
    );
    let last = out.lines().last().unwrap();
    assert!(last.contains("reaches L4 (private), with every requirement met"), "{last}");
    let text = report.to_string();
    for secret in [BATU, "巴图", "阿拉坦"] {
        assert!(!text.contains(secret) && !out.contains(secret), "{secret}");
    }
    for name in ["disabled_persons.conformance.json", "disabled_persons.conformance.html"] {
        let path = file.with_file_name(name);
        let (code, out, err) = run(&["conform", "--verify", path.to_str().unwrap()]);
        assert!(code == 0 && out.contains("the signature holds") && out.contains("thumbprint"), "{out}{err}");
        let (code, _, err) = run(&["conform", "--verify", path.to_str().unwrap(), "--signed-by", "somebody"]);
        assert!(code == 1 && err.contains("report_other_key"), "{err}");
        let sound = std::fs::read_to_string(&path).unwrap();
        let altered = sound.replace("with every requirement met", "with every requirement surpassed");
        assert_ne!(altered, sound, "{name}");
        std::fs::write(&path, altered).unwrap();
        let (code, _, err) = run(&["conform", "--verify", path.to_str().unwrap()]);
        assert!(code == 1 && (err.contains("report_altered") || err.contains("report_other_page")), "{name}: {err}");
    }
}

#[tokio::test]
async fn what_cannot_be_tried_says_what_has_to_be_met_first() {
    let store = Store::seventh().await;
    let file = copied(&store, &[]);
    let (code, out, _) =
        run(&["conform", file.to_str().unwrap(), "--source-url", "postgres://u:p@127.0.0.1:1/d", "--lang", "zh"]);
    assert_eq!(code, 1, "{out}");
    let report = report(&file);
    assert_eq!(report["level"], Value::Null);
    for (id, outcome) in outcomes(&report) {
        // What rests on the source cannot be tried; what rests on the golden persons can.
        let on_source =
            ["L2-02", "L2-16", "L3-01", "L3-02", "L3-03", "L3-04", "L3-06", "L3-07", "L3-08", "L4-02", "L4-04"];
        let expected = match id.as_str() {
            "L0-01" | "L0-06" => "fail",
            "L2-10" => "skip",
            id if on_source.contains(&id) => "error",
            _ => "pass",
        };
        assert_eq!(outcome, expected, "{id}: {out}");
    }
    assert!(
        out.contains("先满足 L0-01")
            && out.lines().last().unwrap().contains("还没有达到 L0（可达）；差 2 项：先是 L0-01"),
        "{out}"
    );

    let text = std::fs::read_to_string(seventh().join("connector.toml")).unwrap();
    let (head, _) = text.split_once("# ---- 金样测试 ----").unwrap();
    std::fs::write(&file, head).unwrap();
    let (code, out, _) = conform(&store, &file, "2", &[]);
    assert!(
        code == 1 && out.contains("first meet L1-01") && out.lines().last().unwrap().contains("reaches L0"),
        "{out}"
    );
}

#[tokio::test]
async fn each_fault_of_a_file_is_found_by_its_requirement_and_keeps_the_level_below() {
    let store = Store::seventh().await;
    for (changes, id, level) in [
        (("SELECT 身份证号, 姓名, 残疾类别", "SELECT 残疾人证号, 身份证号, 姓名, 残疾类别"), "L4-02", Some(3)),
        (("SELECT 身份证号, 姓名, 残疾类别, 残疾等级, 证件状态, 更新时间", "SELECT *"), "L4-03", Some(3)),
        (
            ("facts = [{ category = \"4\", grade = \"2\" }]", "facts = [{ category = \"4\", grade = \"3\" }]"),
            "L2-01",
            Some(1),
        ),
        (
            (
                "given = { dataset = \"disabled_persons.rehabilitation\", id_numbers = [\"150000198605021015\"]",
                "given = { dataset = \"disabled_persons.certificate\", id_numbers = [\"150000198605021015\"]",
            ),
            "L1-01",
            Some(0),
        ),
        (("FROM   持证残疾人", "FROM   没有的表"), "L0-01", None),
    ] {
        let file = copied(&store, &[changes]);
        let (code, out, err) = conform(&store, &file, "4", &["--lang", "zh"]);
        assert_eq!(code, 1, "{id}: {out}{err}");
        let report = report(&file);
        assert_eq!(report["level"].as_u64(), level, "{id}: {out}");
        let failed = outcomes(&report).into_iter().any(|(found, outcome)| found == id && outcome == "fail");
        assert!(failed && out.contains(&format!("✗ {id}")), "{id}: {out}");
        assert!(out.lines().last().unwrap().contains("修复："), "{out}");
    }
}
