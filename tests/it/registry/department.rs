//! A department looks after its own adapter: with the shipped executable, with a client and a key of its own, and as
//! somebody who would like to do more than that.

use std::process::Command;

use hedui::domain::actor::Role;
use serde_json::{Value, json};

use super::super::hub::{Caller, Reply, Setup, mint_as, mint_department, requests};
use super::{Hub, answers, operator, registered};

/// A department's client, registered with a key that the hub never sees.
struct Office<'a> {
    hub: &'a Hub,
    id: String,
}

impl<'a> Office<'a> {
    /// Registers it as operators do; what the command said where it is refused.
    async fn open(hub: &'a Hub, department: &str) -> Result<Self, Value> {
        let id = format!("{department}-office");
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        std::fs::write(hub.file(&format!("{id}.key")), pair.serialize_pem()).unwrap();
        let public = hub.file(&format!("{id}.pem"));
        std::fs::write(&public, pair.public_key_pem()).unwrap();
        let public = public.display().to_string();
        let mut arguments = vec!["client", "create", &id, "--role", "department", "--department", department];
        arguments.extend(["--organisation", "人社局", "--division", "000000", "--key", &public]);
        let (code, told) = hub.run(&arguments).await;
        if code == 0 { Ok(Self { hub, id }) } else { Err(told) }
    }

    /// `hedui adapter …` at the department: exit code and what it printed.
    async fn run(&self, arguments: &[&str]) -> (i32, Value) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hedui"));
        let base = format!("https://{}", self.hub.system.app.address);
        command.args(["--json", "adapter"]).args(arguments).args(["--hub", &base, "--client", &self.id]);
        command.arg("--ca").arg(&self.hub.system.files.keys.ca);
        command.arg("--client-key").arg(self.hub.file(&format!("{}.key", self.id)));
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let told = serde_json::from_slice(&output.stdout);
        (output.status.code().unwrap(), told.unwrap_or_else(|_| String::from_utf8_lossy(&output.stderr).into()))
    }

    async fn done(&self, arguments: &[&str]) -> String {
        let (code, told) = self.run(arguments).await;
        assert_eq!(code, 0, "{arguments:?}: {told}");
        told["done"].as_str().unwrap().to_owned()
    }

    async fn refused(&self, arguments: &[&str]) -> String {
        let (code, told) = self.run(arguments).await;
        assert_eq!(code, 1, "{arguments:?}: {told}");
        told["code"].as_str().unwrap().to_owned()
    }

    /// Terms in a file of the department.
    fn terms(&self, text: &str) -> String {
        let file = self.hub.file("terms.toml");
        std::fs::write(&file, text).unwrap();
        file.display().to_string()
    }
}

fn as_department(hub: &Hub, department: &str) -> Caller {
    hub.system.caller.with_token(mint_department(&hub.system.files, &format!("{department}-x"), department))
}

fn refusal(reply: &Reply) -> (u16, &str) {
    (reply.status.as_u16(), reply.body["code"].as_str().unwrap_or_default())
}

/// What a reply says, without its request's id.
fn told(reply: &Reply) -> (u16, Value) {
    let mut body = reply.body.clone();
    body["request_id"] = Value::Null;
    (reply.status.as_u16(), body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_department_takes_its_adapter_off_and_on_again_by_itself_with_its_own_key() {
    // Its commands are processes of their own, which a machine that does much else may keep waiting.
    let settings = vec![("[listen]\n", "[listen]\narrival_timeout = \"1m\"\n".to_owned())];
    let hub = Hub::start(Setup { settings, ..Setup::default() }).await;
    let id = hub.live("hrss", hub.system.adapters["hrss"].addr()).await;
    registered(&hub.system, "housing").await;
    let nobodys = Office::open(&hub, "nobody").await.err().unwrap();
    assert_eq!(nobodys["refused"]["code"], "unknown_department", "{nobodys}");
    let office = Office::open(&hub, "hrss").await.unwrap();

    let (code, listed) = office.run(&["list"]).await;
    let ids: Vec<&str> = listed.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!((code, ids), (0, vec!["hrss-file", id.as_str()]), "{listed}");
    let request = requests(hub.system.folder.path())["C02"].clone();
    assert_eq!(
        office.done(&["suspend", &id, "--notice", "机房停电", "--notice-en", "power cut"]).await,
        "adapter/hrss-1/suspended"
    );
    let seen = hub.system.caller.verify(&request).await;
    let row = Hub::row(&seen, "hrss");
    assert_eq!((&row["notice"]["code"], &row["notice"]["zh"]), (&json!("suspended"), &json!("机房停电")), "{row}");
    assert_eq!(office.done(&["suspend", &id, "--notice", "机房仍停电"]).await, "adapter/hrss-1/suspended");
    // One operator does not undo that alone, on neither way in; two administrators could.
    let (code, entered) = hub.run(&["adapter", "resume", &id]).await;
    assert_eq!((code, &entered["still"]), (0, &json!(2)), "{entered}");
    assert_eq!(hub.bring(&id, &json!({ "move": "resume" })).await.body["waiting"], entered["waiting"]);
    assert_eq!(operator(&hub.system).delete(&format!("/v1/adapters/{id}")).await.status, 202);
    assert_eq!(hub.state(&id).await, "suspended");
    assert_eq!(office.done(&["resume", &id]).await, "adapter/hrss-1/live");
    assert!(answers(&hub.system.caller.verify(&request).await, "hrss"));
    assert_eq!(office.done(&["drain", &id]).await, "adapter/hrss-1/draining");
    hub.until(&id, "suspended").await;
    for person in ["wang", "li"] {
        assert_eq!(hub.state(&id).await, "suspended");
        assert_eq!(hub.say(entered["waiting"].as_str().unwrap(), person).await.0, 0);
    }
    assert_eq!(hub.state(&id).await, "live");

    let tight = office.terms("per_second = 1\nburst = 1\n");
    assert_eq!(office.done(&["agree", &id, &tight]).await, "adapter/hrss-1/agreement");
    let loose = office.terms("per_second = 100000\nburst = 1\n");
    assert_eq!(office.refused(&["agree", &id, &loose]).await, "beyond_agreement");
    assert_eq!(hub.show(&id).await["agreement"]["per_second"], 1);

    // What an operator took off stays off, with the operator's words, whatever the department does on top of it.
    assert_eq!(hub.run(&["adapter", "suspend", &id, "--notice", "数据有误，核查中"]).await.0, 0);
    assert_eq!(office.refused(&["resume", &id]).await, "taken_off_by_others");
    assert_eq!(office.refused(&["suspend", &id, "--notice", "一切正常"]).await, "taken_off_by_others");
    assert_eq!(office.refused(&["remove", &id]).await, "was_live");
    assert_eq!(hub.show(&id).await["notice"]["zh"], "数据有误，核查中");
    assert_eq!(hub.run(&["adapter", "resume", &id]).await.0, 0);

    // Each step is in the log, with the department as who it is.
    let log = hub.log().await;
    let own: Vec<&Value> = log.iter().filter(|event| event["actor"] == "hrss-office").collect();
    assert!(own.iter().all(|event| event["role"] == "department" && event["organisation"] == "人社局"), "{own:?}");
    let of = |action: &str| own.iter().filter(|event| event["action"] == action).count();
    assert_eq!((of("adapter_changed"), of("denied"), of("token_issued")), (5, 4, 10), "{own:?}");
    let suspended = own.iter().find(|event| event["object"] == "adapter/hrss-1/suspended").unwrap();
    assert_eq!((&suspended["before"], &suspended["reason"]), (&json!("adapter/hrss-1/live"), &json!("机房停电")));

    // It fetches the account of its own use by itself, and nobody else's.
    let days = ["--from", "2025-01-01", "--to", "2025-12-31"];
    let (code, account) = office.run(&[&["account", "hrss"], &days[..]].concat()).await;
    assert_eq!((code, &account["adapter"]), (0, &json!("hrss")), "{account}");
    let (code, usage) = office.run(&[&["usage", "hrss"], &days[..]].concat()).await;
    assert_eq!((code, &usage["adapter"]), (0, &json!("hrss")), "{usage}");
    for foreign in [["account", "housing"], ["usage", "housing"], ["usage", "nobody"]] {
        let (code, told) = office.run(&[&foreign, &days[..]].concat()).await;
        assert_eq!((code, &told["code"]), (1, &json!("not_found")), "{foreign:?}: {told}");
    }

    // What is no id leads to no other path; and revoked, it is nobody.
    let (code, told) = office.run(&["list", "../v1/access-log"]).await;
    assert_eq!(code, 2, "{told}");
    assert_eq!(hub.run(&["client", "revoke", "hrss-office"]).await.0, 0);
    let (code, told) = office.run(&["list"]).await;
    assert!(code == 2 && told.to_string().contains("gives no token"), "{code} {told}");
    hub.system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a70_a_department_tightens_its_terms_at_once_and_loosens_nothing_that_others_agreed_to() {
    let settings = vec![("[egress]\n", "[approval]\nrequired = true\n\n[egress]\n".to_owned())];
    let mut hub = Hub::start(Setup { settings, ..Setup::default() }).await;
    let id = hub.live("hrss", hub.system.adapters["hrss"].addr()).await;
    let path = format!("/v1/adapters/{id}/agreement");
    let agreed = hub.show(&id).await["agreement"].clone();
    let with = |changes: Value| {
        let mut terms = agreed.clone();
        terms.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        terms
    };
    let own = as_department(&hub, "hrss");
    // What the hub's people change waits for two of them; what a department takes back waits for nobody.
    assert_eq!(operator(&hub.system).put(&path, &with(json!({ "in_flight": 9 }))).await.status, 202);
    let tight = with(json!({
        "per_second": 1, "burst": 1, "hedge": false, "quotas": [{ "per": "day", "count": 0 }],
        "hours": [{ "from": "08:00", "until": "20:00" }],
        "maintenance": [{ "from": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z", "notice": { "zh": "搬迁", "en": "moving" } }],
    }));
    let done = own.put(&path, &tight).await;
    assert_eq!((done.status.as_u16(), &done.body["done"]), (200, &json!("adapter/hrss-1/agreement")), "{}", done.body);
    let request = requests(hub.system.folder.path())["C02"].clone();
    let seen = hub.system.caller.verify(&request).await;
    assert_eq!(Hub::row(&seen, "hrss")["notice"]["zh"], "搬迁", "{}", seen.body);
    let shown = own.get(&format!("/v1/adapters/{id}")).await.body;
    assert_eq!((&shown["agreed"], &shown["agreement"]["per_second"]), (&agreed, &json!(1)), "{shown}");
    assert_eq!(shown["steps"].as_array().unwrap().last().unwrap()["by_department"], true);

    hub.system = hub.system.restart().await;
    let own = as_department(&hub, "hrss");
    let more = agreed["per_second"].as_u64().unwrap() + 1;
    for (changes, words) in [
        (json!({ "per_second": more }), "per_second"),
        (json!({ "burst": 1_000_000 }), "burst"),
        (json!({ "in_flight": 1_000_000 }), "in_flight"),
        (json!({ "timeout_ms": 60_000 }), "timeout_ms"),
        (json!({ "shared_subjects": 500 }), "shared_subjects"),
    ] {
        let reply = own.put(&path, &with(changes)).await;
        assert_eq!(refusal(&reply), (403, "beyond_agreement"), "{}", reply.body);
        assert!(reply.body["fix"]["en"].as_str().unwrap().contains(words), "{}", reply.body);
        assert!(reply.body["fix"]["zh"].as_str().unwrap().contains(words), "{}", reply.body);
    }
    assert_eq!(own.put(&path, &json!({ "per_second": 0 })).await.status, 422, "what cannot be agreed to at all");
    // It goes back to what was agreed, and a restart has not forgotten what that was.
    let back = own.put(&path, &agreed).await;
    assert_eq!(back.status, 200, "{}", back.body);
    assert!(own.get(&format!("/v1/adapters/{id}")).await.body["agreed"].is_null());
    assert!(answers(&hub.system.caller.verify(&request).await, "hrss"));

    // Nor does it bring anything on, even where it could say that others should agree.
    let waiting = async || operator(&hub.system).get("/v1/approvals").await.body["changes"].as_array().unwrap().len();
    let before = waiting().await;
    for by in ["accept", "shadow", "go_live", "drained", "demote", "stand_in", "return"] {
        let reply = own.post(&format!("/v1/adapters/{id}/transitions"), &json!({ "move": by }), &[]).await;
        assert_eq!(refusal(&reply), (403, "operator_needed"), "{by}: {}", reply.body);
    }
    let invited = own.post("/v1/adapter-invitations", &json!({ "department": "hrss" }), &[]).await;
    assert_eq!(refusal(&invited), (403, "wrong_role"));
    assert_eq!(waiting().await, before, "nothing is entered in its name");
    hub.system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a70_another_department_is_not_there_and_nothing_else_is_a_departments() {
    let hub = Hub::start(Setup::default()).await;
    let id = registered(&hub.system, "hrss").await;
    let (own, other) = (as_department(&hub, "hrss"), as_department(&hub, "housing"));
    let read = async |caller: &Caller, id: &str| {
        let mut replies = Vec::new();
        for path in ["", "/health"] {
            replies.push(told(&caller.get(&format!("/v1/adapters/{id}{path}")).await));
        }
        replies
    };
    let change = async |caller: &Caller, id: &str| {
        let mut replies = Vec::new();
        for by in ["drain", "resume", "withdraw", "go_live", "drained"] {
            let reply = caller.post(&format!("/v1/adapters/{id}/transitions"), &json!({ "move": by }), &[]).await;
            replies.push(told(&reply));
        }
        replies.push(told(&caller.put(&format!("/v1/adapters/{id}/agreement"), &json!({ "per_second": 1 })).await));
        replies.push(told(&caller.delete(&format!("/v1/adapters/{id}")).await));
        replies
    };
    let absent = [read(&other, "hrss-9").await, change(&other, "hrss-9").await].concat();
    assert!(absent.iter().all(|(status, body)| (*status, &body["code"]) == (404, &json!("not_found"))), "{absent:?}");
    for foreign in [id.as_str(), "hrss-file", "nobody-file", "HRSS-1", "hrss-1%20", "-file"] {
        let replies = [read(&other, foreign).await, change(&other, foreign).await].concat();
        assert_eq!(replies, absent, "{foreign}");
    }
    // Its own is named as it is written, and one of the configuration file is changed there.
    for spelling in ["HRSS-1", "Hrss-1", "hrss-01"] {
        assert_eq!([read(&own, spelling).await, change(&own, spelling).await].concat(), absent, "{spelling}");
    }
    assert!(read(&own, "hrss-file").await.iter().all(|(status, _)| *status == 200));
    let by_file = own.post("/v1/adapters/hrss-file/transitions", &json!({ "move": "drain" }), &[]).await;
    assert_eq!(refusal(&by_file), (409, "by_file"));

    let days = "from=2025-01-01&to=2025-12-31";
    for kind in ["usage", "usage/questions"] {
        let usage =
            async |caller: &Caller, id: &str| told(&caller.get(&format!("/v1/adapters/{id}/{kind}?{days}")).await);
        assert_eq!(usage(&own, "hrss").await.0, 200);
        let nobody = usage(&other, "nobody").await;
        assert_eq!((nobody.0, &nobody.1["code"]), (404, &json!("not_found")));
        for foreign in ["hrss", "HRSS", "hrss-1"] {
            assert_eq!(usage(&other, foreign).await, nobody, "{foreign}");
        }
        assert_eq!(usage(&own, "HRSS").await, nobody);
    }
    let looked = hub.log().await.into_iter().filter(|event| event["object"] == "usage/hrss").collect::<Vec<_>>();
    assert_eq!(looked.len(), 2, "a look that is refused is no look");
    assert!(looked.iter().all(|event| (&event["actor"], &event["role"]) == (&json!("hrss-x"), &json!("department"))));

    // Everything that is nobody's adapter is not a department's either.
    for path in [
        "/v1/verifications/vf_00000000000000000000000000000000",
        "/v1/access-log",
        "/v1/access-log/checkpoint",
        "/v1/alerts",
        "/v1/samples",
        "/v1/approvals",
        "/v1/catalogue",
        "/v1/policies",
        "/v1/household-notices",
    ] {
        assert_eq!(refusal(&own.get(path).await), (403, "wrong_role"), "{path}");
    }
    let application = requests(hub.system.folder.path())["C02"].clone();
    assert_eq!(refusal(&own.verify(&application).await), (403, "wrong_role"));
    let caseworker = &hub.system.caller;
    for reply in
        [caseworker.get(&format!("/v1/adapters/{id}")).await, caseworker.delete(&format!("/v1/adapters/{id}")).await]
    {
        assert_eq!(refusal(&reply), (403, "wrong_role"));
    }
    assert_eq!(hub.state(&id).await, "draft", "none of it did anything");
    // A draft it may take back.
    assert_eq!(own.delete(&format!("/v1/adapters/{id}")).await.body["done"], "adapter/hrss-1/removed");
    hub.system.stop().await;
}

/// A token that says a role and no department, or a department and another role, is none.
#[tokio::test(flavor = "multi_thread")]
async fn a70_a_token_is_a_departments_whole_or_not_at_all() {
    let hub = Hub::start(Setup::default()).await;
    let mint = |role, department: Option<&str>| {
        hub.system.caller.with_token(super::super::hub::mint_with(
            &hub.system.files,
            role,
            "x",
            "000000",
            &[],
            department,
        ))
    };
    assert_eq!(mint(Role::Department, Some("hrss")).get("/v1/adapters").await.status, 200);
    assert_eq!(refusal(&mint(Role::Department, None).get("/v1/adapters").await).0, 401);
    for role in [Role::Operator, Role::Officer, Role::Administrator, Role::Caseworker] {
        assert_eq!(mint(role, Some("hrss")).get("/v1/policies").await.status, 401, "{role:?}");
        assert_eq!(mint_as_works(&hub, role).await, 200, "{role:?}");
    }
    hub.system.stop().await;
}

async fn mint_as_works(hub: &Hub, role: Role) -> u16 {
    let token = mint_as(&hub.system.files, role, "x", "000000", &[]);
    hub.system.caller.with_token(token).get("/v1/policies").await.status.as_u16()
}
