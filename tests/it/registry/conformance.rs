//! A conformance report lets on the adapter that it was taken from, and no other; and only where the department said whose key
//! signs its reports.

use serde_json::{Value, json};

use super::super::hub::{Setup, second_adapter};
use super::{Hub, invitation, registered_at, report_key, report_of, version};

#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_another_adapter_lets_nothing_on() {
    let hub = Hub::start(Setup::default()).await;
    let id = registered_at(&hub.system, "hrss", hub.system.adapters["hrss"].addr()).await;
    assert_eq!(hub.bring(&id, &json!({ "move": "accept" })).await.status, 200);
    let (shown, key) = (hub.show(&id).await, report_key(&hub.system));
    let other_key = connectors::conform::ReportKey::generate().unwrap();
    let sound = || report_of(&shown, 3);
    let with = |change: &dyn Fn(&mut connectors::conform::Report)| {
        let mut report = sound();
        change(&mut report);
        key.sign(&report)
    };
    for (report, code) in [
        // The department's own, taken elsewhere: from its test adapter, or from one that the command started itself.
        (with(&|report| report.against = Some("https://127.0.0.1:1".to_owned())), "report_other_endpoint"),
        (with(&|report| report.against = None), "report_other_endpoint"),
        // At the registered address, and what answered there had another key.
        (with(&|report| report.certificate_key = Some("0f".repeat(32))), "report_other_certificate"),
        (with(&|report| report.certificate_key = None), "report_other_certificate"),
        (with(&|report| report.adapter.version = "9.9.9".to_owned()), "report_other_adapter"),
        (with(&|report| report.schema = "hedui.conformance/1".to_owned()), "report_form"),
        (other_key.sign(&sound()), "report_other_key"),
    ] {
        let refused = hub.bring(&id, &json!({ "move": "shadow", "report": report })).await;
        assert_eq!((refused.status.as_u16(), &refused.body["code"]), (422, &json!(code)), "{}", refused.body);
        if code == "report_other_endpoint" {
            let remedy = format!("--against {}", shown["endpoint"].as_str().unwrap());
            for lang in ["zh", "en"] {
                assert!(refused.body["fix"][lang].as_str().unwrap().contains(&remedy), "{}", refused.body);
            }
        }
    }
    assert_eq!(hub.state(&id).await, "sandbox");
    hub.bring_with_two(&id, &json!({ "move": "shadow", "report": key.sign(&sound()) })).await;
    let let_on = hub.show(&id).await;
    assert_eq!(let_on["conformance"]["endpoint"], shown["endpoint"], "{let_on}");
    assert_eq!(let_on["conformance"]["certificate_key"], shown["pins"][0], "{let_on}");
    hub.system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_for_reports_nothing_real_is_asked_and_the_remedy_is_told() {
    let hub = Hub::start(Setup::default()).await;
    let endpoint = format!("https://{}", hub.system.adapters["hrss"].addr());
    let code = invitation(&hub.system, "hrss").await;
    let department = hub.system.caller.with_token(code);
    let document = json!({ "endpoint": endpoint, "version": version("hrss") });
    let reply = department.post("/v1/adapters", &document, &[]).await;
    assert_eq!(reply.status, 201, "{}", reply.body);
    let id = reply.body["id"].as_str().unwrap().to_owned();
    assert_eq!(hub.bring(&id, &json!({ "move": "accept" })).await.status, 200);
    let report = hub.report(&id, 4).await;
    let refused = hub.bring(&id, &json!({ "move": "shadow", "report": report })).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["code"]),
        (422, &json!("report_key_missing")),
        "{}",
        refused.body
    );
    for lang in ["zh", "en"] {
        assert!(refused.body["fix"][lang].as_str().unwrap().contains("--report-key"), "{}", refused.body);
    }
    let file = hub.file("report.json");
    std::fs::write(&file, report.to_string()).unwrap();
    let (left, told) = hub.run(&["adapter", "promote", &id, "shadow", "--report", &file.display().to_string()]).await;
    assert!(left == 1 && told.to_string().contains("--report-key"), "{told}");
    hub.system.stop().await;
}

/// From end to end with the department's own commands: registered with the key that signs, and let on with the report of the
/// running adapter, though it answers nobody but its hub.
#[tokio::test(flavor = "multi_thread")]
async fn a_department_registers_and_conforms_with_its_own_commands() {
    let hub = Hub::start(Setup::default()).await;
    let (twin, _) = second_adapter(hub.system.folder.path(), "hrss", &hub.system.files).await;
    let code = invitation(&hub.system, "hrss").await;
    let keys = &hub.system.files.keys;
    let connector = hub.file("joining/connector.toml");
    let shipped = super::super::hub::root().join("connectors/hrss");
    std::fs::create_dir_all(connector.parent().unwrap()).unwrap();
    std::fs::copy(shipped.join("connector.toml"), &connector).unwrap();
    let (endpoint, ca) = (format!("https://{}", twin.addr()), keys.ca.display().to_string());
    let mut register = std::process::Command::new(env!("CARGO_BIN_EXE_hedui"));
    register.args(["--json", "adapter", "register"]).arg(&connector);
    register.args(["--hub", &hub.system.caller.base, "--ca", &ca, "--endpoint", &endpoint, "--invitation", &code]);
    let output = tokio::task::spawn_blocking(move || register.output().unwrap()).await.unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && told.contains("conformance.key"), "{told}");
    let registered: Value = serde_json::from_slice(&output.stdout).unwrap();
    let key = connectors::conform::ReportKey::read_or_make(&connector.with_file_name("conformance.key")).unwrap();
    assert!(!key.1, "it was made by then");
    let id = registered["id"].as_str().unwrap();
    assert_eq!(hub.bring(id, &json!({ "move": "accept" })).await.status, 200);
    let report = key.0.sign(&report_of(&hub.show(id).await, 3));
    hub.bring_with_two(id, &json!({ "move": "shadow", "report": report })).await;
    assert_eq!(hub.state(id).await, "shadow");
    hub.system.stop().await;
    twin.stop().await;
}
