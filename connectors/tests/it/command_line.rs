//! The executable: what it prints and how it exits.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{Authority, BATU, CERTIFICATE, Store, caller, executable, question, run, seventh, trying};

fn connector() -> String {
    seventh().join("connector.toml").display().to_string()
}

#[test]
fn golden_tests_end_with_their_count() {
    let (code, out, _) = run(&["test", &connector()]);
    assert_eq!((code, out.lines().last()), (0, Some("4 passed, 0 failed")));
    let (code, out, _) = run(&["test", &connector(), "--json"]);
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, value["passed"].as_u64(), value["failed"].as_u64()), (0, Some(4), Some(0)));
}

#[test]
fn a_golden_test_that_is_not_met_fails_and_shows_the_difference() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["schema.sql", "sample.sql"] {
        std::fs::copy(seventh().join(file), folder.path().join(file)).unwrap();
    }
    let text = std::fs::read_to_string(seventh().join("connector.toml")).unwrap();
    let wrong = text.replace("gross = \"1234.50\"", "gross = \"1234.51\"");
    let file = folder.path().join("connector.toml");
    std::fs::write(&file, &wrong).unwrap();
    let (code, out, _) = run(&["test", file.to_str().unwrap()]);
    assert_eq!((code, out.lines().last()), (1, Some("3 passed, 1 failed")));
    assert!(out.contains("1234.50") && out.contains("1234.51") && out.contains("\nto mend it: "), "{out}");
    let (_, out, _) = run(&["test", file.to_str().unwrap(), "--lang", "zh"]);
    assert!(out.contains("应有而没有：{") && out.contains("有而不应有：{") && out.contains("\n修改: "), "{out}");

    std::fs::write(&file, text.replace("status = \"name_mismatch\"", "status = \"ok\"")).unwrap();
    let (code, out, _) = run(&["test", file.to_str().unwrap()]);
    assert_eq!((code, out.lines().last()), (1, Some("3 passed, 1 failed")));
    let (_, out, _) = run(&["test", file.to_str().unwrap(), "--lang", "zh"]);
    assert!(out.contains("应为 ok（") && !out.contains("expected") && !out.contains("NameMismatch"), "{out}");

    std::fs::remove_file(folder.path().join("schema.sql")).unwrap();
    let (code, out, _) = run(&["test", file.to_str().unwrap()]);
    assert_eq!((code, out.lines().last()), (1, Some("0 passed, 4 failed")));
    assert!(out.contains("schema.sql"), "{out}");
}

#[tokio::test]
async fn check_stops_at_the_first_broken_rung_and_says_what_mends_it() {
    let store = Store::seventh().await;
    let (code, out, _) = run(&["check", &connector(), "--source-url", &store.url()]);
    assert_eq!(code, 0, "{out}");
    assert!(!out.contains('✗') && out.matches('✓').count() == 13, "{out}");

    let (code, out, _) = run(&["check", &connector()]);
    assert_eq!(code, 3);
    assert!(out.contains("HEDUI_DISABLED_PERSONS_DATABASE"), "{out}");

    let (code, out, _) = run(&["check", &connector(), "--source-url", "oracle://root:hunter2@db/x", "--lang", "zh"]);
    assert_eq!(code, 3);
    assert!(out.contains("oracle:") && out.contains("修改") && !out.contains("hunter2"), "{out}");
    let (code, out, _) = run(&["check", &connector(), "--source-url", "oracle://root:hunter2@db/x", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, value["sound"].as_bool()), (3, Some(false)));
    let last = value["rungs"].as_array().unwrap().last().unwrap();
    assert_eq!((last["rung"].as_str(), last["code"].as_str()), (Some("secrets"), Some("source_url")));
    assert!(last["mend"]["zh"].is_string() && last["mend"]["en"].is_string(), "{last}");

    let text = std::fs::read_to_string(seventh().join("connector.toml")).unwrap();
    let file = store.folder.path().join("connector.toml");
    for (from, to, says, expected) in [
        ("FROM   康复服务", "FROM   康复", "no such table", 1),
        ("服务日期, 总费用,", "服务日期, 总费用 AS 费用,", "总费用", 1),
        ("WHERE  身份证号 IN (:id_numbers)\n", "WHERE  身份证号 IN (:id_numbers) OR 1\n", "WHERE clause", 1),
        ("as = \"yuan\"", "as = \"dollar\"", "as = \"fen\"", 1),
    ] {
        std::fs::write(&file, text.replacen(from, to, 1)).unwrap();
        let (code, out, _) = run(&["check", file.to_str().unwrap(), "--source-url", &store.url()]);
        assert_eq!(code, expected, "{out}");
        assert!(out.contains(says), "{says} in {out}");
        assert_eq!(out.matches('✗').count(), 1, "{out}");
        let broken = out.lines().position(|line| line.starts_with('✗')).unwrap();
        assert!(out.lines().skip(broken + 1).all(|line| line.starts_with("    ")), "it stops there: {out}");
        assert!(out.contains("\n    to mend it: "), "{out}");
    }
}

#[tokio::test]
async fn a_person_can_be_tried_without_the_number_on_the_command_line() {
    use std::io::Write as _;
    let store = Store::seventh().await;
    let (file, url) = (connector(), store.url());
    let arguments = trying(&file, CERTIFICATE, "-", &["--source-url", &url, "--name", "巴图", "--json"]);
    let mut child =
        executable(&arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{BATU}").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["response"]["results"][0]["facts"][0]["category"], "4");
    let ledger = String::from_utf8(output.stderr).unwrap();
    assert!(ledger.contains(r#""purpose":"try""#) && !ledger.contains(BATU), "{ledger}");
}

#[tokio::test]
async fn a_trial_without_a_name_compares_none_and_says_so() {
    let store = Store::seventh().await;
    let (file, url) = (connector(), store.url());
    let tried = |more: &[&str]| {
        let more: Vec<_> = ["--source-url", &url].into_iter().chain(more.iter().copied()).collect();
        run(&trying(&file, CERTIFICATE, BATU, &more))
    };
    let (code, out, _) = tried(&[]);
    assert!(code == 0 && out.contains("ok (facts were found)") && out.contains("add --name NAME"), "{out}");
    assert!(out.contains("→ category = 4") && out.contains("巴*"), "the record is shown, its name masked: {out}");
    let (_, out, _) = tried(&["--lang", "zh"]);
    assert!(out.contains("没有给姓名") && out.contains("成为事实") && out.contains("查到记录"), "{out}");
    let (code, out, _) = tried(&["--name", "别人", "--lang", "zh"]);
    assert_eq!(code, 1, "a mismatch is no good end");
    assert!(out.contains("号码相符而姓名不同") && out.contains("姓名与 --name 不同"), "{out}");
    assert!(!out.contains("NameMismatch") && !out.contains("没有给姓名") && !out.contains("category = 4"), "{out}");
    let (_, out, _) = tried(&["--name", "巴图", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((value["name"].as_str(), value["rows"][0]["outcome"].as_str()), (Some("compared"), Some("ok")));
}

#[test]
fn wrong_input_exits_with_two() {
    let (code, _, err) = run(&["test", "/none/connector.toml"]);
    assert_eq!(code, 2);
    assert!(err.contains("/none/connector.toml") && err.contains("to mend it"), "{err}");
    assert_eq!(run(&["serve"]).0, 2);
}

#[tokio::test]
async fn serve_answers_until_it_is_told_to_stop() {
    let store = Store::seventh().await;
    let (server_ca, client_ca) = (Authority::new("server CA"), Authority::new("client CA"));
    let tls = server_ca.server(&client_ca);
    let folder = store.folder.path();
    for (name, pem) in [("cert.pem", &tls.cert), ("key.pem", &tls.key), ("ca.pem", &tls.client_ca)] {
        std::fs::write(folder.join(name), pem).unwrap();
    }
    let path = |name: &str| folder.join(name).display().to_string();
    let (file, url, cert, key, ca) = (connector(), store.url(), path("cert.pem"), path("key.pem"), path("ca.pem"));
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let listen = free.to_string();
    let mut child = executable(&[
        "serve",
        &file,
        "--source-url",
        &url,
        "--listen",
        &listen,
        "--cert",
        &cert,
        "--key",
        &key,
        "--client-ca",
        &ca,
        "--accept-unsigned",
    ])
    .stdout(Stdio::null())
    .stderr(Stdio::null())
    .spawn()
    .unwrap();
    let hub = caller(&server_ca, Some(&client_ca)).build().unwrap();
    let ask = || {
        let query = question(&[CERTIFICATE], &[(BATU, "巴图")]);
        hub.post(format!("https://localhost:{}/v1/facts:query", free.port())).json(&query).send()
    };
    let began = Instant::now();
    let status = loop {
        match ask().await {
            Ok(answer) => break answer.status(),
            Err(_) if began.elapsed() < Duration::from_secs(20) => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(status, 200);
    drop(hub);
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    let ended = tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
    assert_eq!(ended.code(), Some(0));
}

#[test]
fn p12_a_command_line_that_cannot_be_read_is_told_in_chinese_where_that_is_asked_for() {
    let file = connector();
    for (arguments, words) in [
        (vec!["tset", &file], "没有命令 `tset`"),
        (vec!["try", &file], "缺少 --dataset <DATASET>"),
        (vec!["new", "x.toml", "--driver", "oracle"], "可用的有 postgres、mariadb"),
        (vec!["serve", &file, "--ledger-size", "9"], "`9` 不合格式：写一个在范围内的整数"),
        (
            vec!["try", &file, "--dataset", "a.b", "--id-number", "-", "--from", "soon", "--to", "2025-01-01"],
            "2025-03-01",
        ),
    ] {
        let (code, out, err) = run(&[&arguments[..], &["--lang", "zh"]].concat());
        assert!(code == 2 && out.is_empty() && err.contains(words) && err.contains("--help"), "{arguments:?}: {err}");
        assert!(!err.contains("error:"), "{err}");
        let (code, _, err) = run(&[&arguments[..], &["--lang", "en"]].concat());
        assert!(code == 2 && err.starts_with("error:"), "{err}");
    }
    let (code, out, _) = run(&["try", "--help", "--lang", "zh"]);
    assert!(code == 0 && out.contains("--dataset"), "help is given as it is: {out}");
}
