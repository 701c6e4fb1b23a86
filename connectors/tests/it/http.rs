//! Departments that are services, over real TLS: how they are asked, and what becomes of each way they fail.

use std::sync::atomic::Ordering;

use connectors::adapter::Adapter;
use connectors::protocol::{AdapterProblem, QueryResult, ResultStatus};
use serde_json::{Value, json};

use crate::harness::{ALTAN, BATU, QIQIGE, SIQIN, question};
use crate::services::{RID, Running, SID};

const CONTRACT: &str = "housing.sale_contract";
const PATH: &str = "/gateway/house/contract";

/// The header-signed style of the national sharing platform.
pub(crate) const SIGNED: &str = r#"
[source.auth]
kind = "signed"
rid = "rid-152201"
sid = "sid-house"
key = { file = "app.key" }
day_key = { path = "/key/day", at = "$.data.dayKey" }
secret = { path = "/key/secret", at = "$.data.secret" }
expired_when = [{ at = "$.code", equals = ["40101"] }]
"#;

pub(crate) const OAUTH2: &str = r#"
[source.auth]
kind = "oauth2"
token_url = "/oauth2/token"
client_id = "hedui"
client_secret = { file = "client.secret" }
"#;

pub(crate) const MTLS: &str = r#"
tls_cert = "client.pem"
tls_key = "client.key"
[source.auth]
kind = "mtls"
"#;

pub(crate) fn contract(number: &str, name: &str, contract: &str, price: Value) -> Value {
    let mut record = json!({"zjhm": number, "xm": name, "yt": "10", "hth": contract, "barq": "20160718", "house": {"area": "89.50"}});
    record["htzj"] = price;
    record
}

async fn ask(adapter: &Adapter, persons: &[(&str, &str)]) -> Result<Vec<QueryResult>, AdapterProblem> {
    adapter.answer(&question(&[CONTRACT], persons)).await.map(|response| response.results)
}

async fn status(adapter: &Adapter, person: (&str, &str)) -> ResultStatus {
    ask(adapter, &[person]).await.unwrap()[0].status
}

fn facts(result: &QueryResult) -> Value {
    serde_json::from_str(result.facts.get()).unwrap()
}

#[tokio::test]
async fn the_platform_is_asked_with_a_secret_that_two_stages_give_out() {
    let running = Running::start(false);
    running.keep(BATU, contract(BATU, "巴图", "WQ1", json!("286,000.00")));
    let adapter = running.adapter(SIGNED, &[]);
    let results = ask(&adapter, &[(BATU, "巴图"), (ALTAN, "阿拉坦")]).await.unwrap();
    let of = |id: &str| results.iter().find(|result| result.id_number.as_deref() == Some(id)).unwrap();
    assert_eq!(
        facts(of(BATU)),
        json!([{"kind": "DWELLING", "value": "286000.00", "area_m2": "89.50", "dedupe_key": "WQ1", "as_of": "2016-07-18"}])
    );
    assert!(results.iter().any(|result| result.status == ResultStatus::NoRecord), "the other one is no record");
    ask(&adapter, &[(BATU, "巴图")]).await.unwrap();
    assert_eq!((running.calls("/gateway/key/day"), running.calls("/gateway/key/secret")), (1, 1), "both are kept");
}

#[tokio::test]
async fn a_secret_is_renewed_ahead_of_its_thirty_minutes_and_the_key_of_the_day_is_kept() {
    let running = Running::start(false);
    running.keep(BATU, contract(BATU, "巴图", "WQ1", json!("1.00")));
    let adapter = running.adapter(SIGNED, &[]);
    for seconds in [0, 24 * 60, 2 * 60, 24 * 60] {
        running.pass(seconds);
        assert_eq!(status(&adapter, (BATU, "巴图")).await, ResultStatus::Ok);
    }
    assert_eq!((running.calls("/gateway/key/day"), running.calls("/gateway/key/secret")), (1, 2));
}

#[tokio::test]
async fn a_secret_that_ended_before_its_time_is_fetched_anew_once_and_the_key_of_the_day_too() {
    let running = Running::start(false);
    running.keep(BATU, contract(BATU, "巴图", "WQ1", json!("1.00")));
    let adapter = running.adapter(SIGNED, &[("equals = [\"40101\"]", "equals = [\"40101\", \"40004\"]")]);
    ask(&adapter, &[(BATU, "巴图")]).await.unwrap();
    for day_key in [false, true] {
        running.revoke(day_key);
        assert_eq!(status(&adapter, (BATU, "巴图")).await, ResultStatus::Ok, "{day_key}");
    }
    assert_eq!((running.calls("/gateway/key/day"), running.calls(PATH)), (2, 5), "one call more for each");
}

#[tokio::test]
async fn one_hundred_questions_at_once_fetch_one_secret() {
    let running = Running::start(false);
    running.keep(BATU, contract(BATU, "巴图", "WQ1", json!("1.00")));
    let adapter = running.adapter(SIGNED, &[]);
    let all = futures_util::future::join_all((0..100).map(|_| status(&adapter, (BATU, "巴图")))).await;
    assert!(all.iter().all(|status| *status == ResultStatus::Ok));
    assert_eq!((running.calls("/gateway/key/day"), running.calls("/gateway/key/secret")), (1, 1));
    assert!(running.service.most.load(Ordering::SeqCst) <= 3, "no more calls at once than max_connections");
}

#[tokio::test]
async fn a_refused_token_is_fetched_anew_once() {
    let running = Running::start(false);
    running.keep(BATU, contract(BATU, "巴图", "WQ1", json!("1.00")));
    let adapter = running.adapter(OAUTH2, &[]);
    assert_eq!(status(&adapter, (BATU, "巴图")).await, ResultStatus::Ok);
    running.revoke(false);
    assert_eq!(status(&adapter, (BATU, "巴图")).await, ResultStatus::Ok);
    running.pass(510);
    assert_eq!(status(&adapter, (BATU, "巴图")).await, ResultStatus::Ok);
    assert_eq!((running.calls("/gateway/oauth2/token"), running.calls(PATH)), (3, 4));
}

#[tokio::test]
async fn a_service_may_ask_for_a_certificate() {
    let running = Running::start(true);
    running.keep(BATU, contract(BATU, "巴图", "WQ1", json!("1.00")));
    assert_eq!(status(&running.adapter(MTLS, &[]), (BATU, "巴图")).await, ResultStatus::Ok);
    let none = running.adapter("[source.auth]\nkind = \"none\"", &[]);
    assert_eq!(ask(&none, &[(BATU, "巴图")]).await.unwrap_err().status, 503);
}

#[tokio::test]
async fn a_value_is_put_in_as_a_value_whatever_stands_in_it() {
    let running = Running::start(false);
    let name = "巴\"图\",\"sfzh\":\"150000198808191022";
    let changes = [("path = \"/house/contract\"", "path = \"/house/contract\", query = { xm = \":name\", v = \"1\" }")];
    let adapter = running.adapter(OAUTH2, &changes);
    ask(&adapter, &[(BATU, name)]).await.unwrap();
    let sent: Value = serde_json::from_str(&running.bodies(PATH)[0]).unwrap();
    assert_eq!(sent, json!({"sfzh": BATU, "xm": name, "start": 0, "limit": 2}));
}

#[tokio::test]
async fn pages_are_read_to_the_total_and_a_list_that_is_not_whole_is_an_error() {
    let running = Running::start(false);
    for number in 0..5 {
        running.keep(BATU, contract(BATU, "巴图", &format!("WQ{number}"), json!("1.00")));
    }
    let adapter = running.adapter(OAUTH2, &[]);
    let results = ask(&adapter, &[(BATU, "巴图")]).await.unwrap();
    assert_eq!((facts(&results[0]).as_array().unwrap().len(), running.calls(PATH)), (5, 3));
    let page = |total: usize, contracts: &[&str]| {
        let list: Vec<_> = contracts.iter().map(|one| contract(BATU, "巴图", one, json!("1.00"))).collect();
        json!({"code": "200", "data": {"total": total, "list": list}}).to_string()
    };
    for (pages, why) in [
        (vec![page(3, &["A", "B"]), page(3, &["A", "B"])], "a page that came twice"),
        (vec![page(3, &["A", "B"]), page(3, &["B"])], "a record that came twice"),
        (vec![page(3, &["A", "B"]), page(4, &["C"])], "a total that changed"),
        (vec![page(3, &["A"]), page(3, &[])], "a page that is missing"),
        (vec![page(1, &["A", "B"])], "more than there are"),
        (vec![json!({"code": "200", "data": {"list": []}, "total": 0}).to_string().replace("[]", "[{}]")], "no total"),
    ] {
        for page in pages {
            running.answer_next(PATH, 200, "application/json", page);
        }
        assert_eq!(status(&adapter, (BATU, "巴图")).await, ResultStatus::Error, "{why}");
        running.service.mood.answers.lock().unwrap().clear();
    }
}

#[tokio::test]
async fn p2_no_record_is_what_the_file_says_and_everything_else_is_an_error() {
    let running = Running::start(false);
    let adapter = running.adapter(OAUTH2, &[]);
    let whole = |list: Value| json!({"code": "200", "msg": "成功", "data": {"total": 0, "list": list}}).to_string();
    for (answer, expected) in [
        (whole(json!([])), ResultStatus::NoRecord),
        (json!({"code": "404", "msg": "查无此人"}).to_string(), ResultStatus::NoRecord),
        (json!({"code": "500", "msg": "系统内部错误", "data": {"list": []}}).to_string(), ResultStatus::Error),
        (json!({"code": "200", "data": {"total": 1, "rows": [{}]}}).to_string(), ResultStatus::NoRecord),
        (json!({"status": "ok"}).to_string(), ResultStatus::Error),
        ("[]".to_owned(), ResultStatus::Error),
        (whole(json!([{"zjhm": BATU}])).replace("\"total\":0", "\"total\":1"), ResultStatus::Error),
    ] {
        running.answer_next(PATH, 200, "application/json", answer.clone());
        assert_eq!(status(&adapter, (BATU, "巴图")).await, expected, "{answer}");
    }
}

#[tokio::test]
async fn what_services_write_is_read_exactly_or_not_at_all() {
    let running = Running::start(false);
    let adapter = running.adapter(OAUTH2, &[]);
    for (field, value, expected) in [
        ("htzj", json!("1,286,000.50"), Some(json!("1286000.50"))),
        ("htzj", json!(286_000), Some(json!("286000.00"))),
        ("htzj", json!("12,86.00"), None),
        ("htzj", Value::Null, None),
        ("yt", json!("99"), None),
        ("barq", json!("0000-00-00"), Some(Value::Null)),
        ("barq", json!("2016"), None),
        ("zjhm", json!("150000********1015"), None),
        ("zjhm", json!(ALTAN), None),
        ("house", json!({}), Some(json!("1.00"))),
        ("house", json!({"area": []}), None),
    ] {
        let mut record = contract(BATU, "巴图", "WQ1", json!("1.00"));
        record[field] = value.clone();
        let body = json!({"code": "200", "data": {"total": 1, "list": [record]}}).to_string();
        running.answer_next(PATH, 200, "application/json", body);
        let results = ask(&adapter, &[(BATU, "巴图")]).await.unwrap();
        match expected {
            None => assert_eq!(results[0].status, ResultStatus::Error, "{field} {value}"),
            Some(expected) => {
                let facts = facts(&results[0]);
                let shown = if field == "barq" { &facts[0]["as_of"] } else { &facts[0]["value"] };
                assert_eq!(*shown, expected, "{field} {value}");
            }
        }
    }
    // A number with a point keeps its digits, which no binary fraction has.
    let body = r#"{"code":"200","data":{"total":1,"list":[{"zjhm":"ID","xm":"巴图","yt":"10","hth":"A","htzj":9007199254740.93}]}}"#;
    running.answer_next(PATH, 200, "application/json", body.replace("ID", BATU));
    let results = ask(&adapter, &[(BATU, "巴图")]).await.unwrap();
    assert_eq!(facts(&results[0])[0]["value"], "9007199254740.93");
    running.keep(BATU, contract(BATU, "巴特尔", "WQ1", json!("1.00")));
    assert_eq!(status(&adapter, (BATU, "巴图")).await, ResultStatus::NameMismatch);
}

#[tokio::test]
async fn gbk_is_read_where_it_is_said_and_is_an_error_where_it_is_not() {
    let running = Running::start(false);
    let body = json!({"code": "200", "data": {"total": 1, "list": [contract(BATU, "巴图", "WQ1", json!("1.00"))]}})
        .to_string();
    let (gbk, _, _) = encoding_rs::GB18030.encode(&body);
    for (kind, changes, expected) in [
        ("application/json;charset=GBK", vec![], ResultStatus::Ok),
        (
            "application/json",
            vec![("kind = \"http\"\n", "kind = \"http\"\nencoding = \"gb18030\"\n")],
            ResultStatus::Ok,
        ),
        ("application/json", vec![], ResultStatus::Error),
    ] {
        running.answer_next(PATH, 200, kind, gbk.to_vec());
        assert_eq!(status(&running.adapter(OAUTH2, &changes), (BATU, "巴图")).await, expected, "{kind} {changes:?}");
    }
}

#[tokio::test]
async fn what_is_no_answer_to_a_question_is_an_error_and_a_quota_is_told_as_such() {
    let running = Running::start(false);
    let adapter = running.adapter(OAUTH2, &[("timeout = \"10s\"", "timeout = \"10s\"\nmax_answer = 4096")]);
    for (status, kind, body, expected) in [
        (429, "application/json|17", "{}", Some((429, "quota_exceeded", Some(17)))),
        (200, "application/json", r#"{"code":"1","msg":"今日调用次数已达上限"}"#, Some((429, "quota_exceeded", None))),
        (503, "text/plain|9", "down", Some((503, "source_unavailable", None))),
        (502, "text/html", "<html>", Some((503, "source_unavailable", None))),
        (403, "application/json", r#"{"msg":"IP不在白名单"}"#, Some((503, "source_unavailable", None))),
        (404, "text/html", "<html>", Some((500, "source_failed", None))),
        (302, "text/html", "", Some((500, "source_failed", None))),
        (500, "application/json", "{}", None),
        (200, "text/html", "<!doctype html><title>登录</title>", None),
        (200, "application/json", "", None),
        (200, "application/json", r#"{"code":"200","code":"404"}"#, None),
        (200, "application/json", r#"{"code":NaN}"#, None),
        (200, "application/json|gzip", "\u{1f}\u{8b}", None),
    ] {
        running.answer_next(PATH, status, kind, body);
        match (ask(&adapter, &[(BATU, "巴图")]).await, expected) {
            (Ok(results), None) => assert_eq!(results[0].status, ResultStatus::Error, "{body}"),
            (Err(problem), Some(expected)) => {
                assert_eq!((problem.status, problem.code.as_str(), problem.retry_after), expected, "{body}");
            }
            (got, expected) => panic!("{body}: {got:?}, expected {expected:?}"),
        }
    }
    running.answer_next(PATH, 200, "application/json", " ".repeat(5000));
    assert_eq!(status(&adapter, (BATU, "巴图")).await, ResultStatus::Error, "longer than max_answer");
    running.answer_next(PATH, 200, "application/json", "[".repeat(4000));
    assert_eq!(status(&adapter, (BATU, "巴图")).await, ResultStatus::Error);
}

#[tokio::test]
async fn p9_one_person_whose_answer_is_no_use_costs_nobody_else_theirs() {
    let running = Running::start(false);
    let persons = [(BATU, "巴图"), (ALTAN, "阿拉坦"), (QIQIGE, "其其格"), (SIQIN, "斯琴")];
    for (number, name) in persons {
        running.keep(number, contract(number, name, number, json!(if number == ALTAN { "?" } else { "1.00" })));
    }
    running.keep(QIQIGE, contract(BATU, "巴图", "other", json!("1.00")));
    let adapter = running.adapter(OAUTH2, &[]);
    let results = ask(&adapter, &persons).await.unwrap();
    let of = |place: usize| results.iter().find(|result| result.reference == format!("m{}", place + 1)).unwrap().status;
    assert_eq!([of(0), of(3)], [ResultStatus::Ok; 2]);
    assert_eq!([of(1), of(2)], [ResultStatus::Error; 2], "an amount that is none; a record about another");
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_given_up_and_costs_the_one_person_only() {
    let running = Running::start(false);
    for (number, name) in [(BATU, "巴图"), (ALTAN, "阿拉坦"), (QIQIGE, "其其格"), (SIQIN, "斯琴")] {
        running.keep(number, contract(number, name, number, json!("1.00")));
    }
    let adapter = running.adapter(OAUTH2, &[("timeout = \"10s\"", "timeout = \"400ms\"")]);
    *running.service.mood.silent_about.lock().unwrap() = Some(ALTAN);
    let alone = ask(&adapter, &[(ALTAN, "阿拉坦")]).await.unwrap_err();
    assert_eq!((alone.status, alone.code.as_str()), (504, "source_timeout"));
    let results = ask(&adapter, &[(ALTAN, "阿拉坦"), (BATU, "巴图"), (SIQIN, "斯琴")]).await.unwrap();
    let statuses: Vec<_> = results.iter().map(|result| result.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == ResultStatus::Ok).count(), 2, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == ResultStatus::Error).count(), 1, "{statuses:?}");
}

#[tokio::test]
async fn a_service_that_repeats_no_number_is_joined_where_the_file_says_so_and_calls_are_about_one_person() {
    let running = Running::start(false);
    let mut record = contract(BATU, "巴图", "WQ1", json!("1.00"));
    record.as_object_mut().unwrap().remove("zjhm");
    running.keep(BATU, record);
    let silent = status(&running.adapter(SIGNED, &[]), (BATU, "巴图")).await;
    assert_eq!(silent, ResultStatus::Error, "without a word of the file, nobody's record is anybody's");
    let adapter = running.adapter(SIGNED, &[("subject = \"zjhm\"", "subject = \":id_number\"")]);
    let results = ask(&adapter, &[(BATU, "巴图"), (ALTAN, "阿拉坦")]).await.unwrap();
    let batu = results.iter().find(|result| result.id_number.as_deref() == Some(BATU)).unwrap();
    assert_eq!(batu.status, ResultStatus::Ok);
    assert_eq!(status(&adapter, (BATU, "巴特尔")).await, ResultStatus::NameMismatch, "the name is compared still");
}

#[tokio::test]
async fn five_hundred_persons_are_a_bounded_number_of_calls_at_once() {
    let running = Running::start(false);
    let numbers: Vec<String> = (0..500).map(|number| format!("15000019860502{number:03}5")).collect();
    let persons: Vec<(&str, &str)> = numbers.iter().map(|number| (number.as_str(), "巴图")).collect();
    for number in &numbers {
        running.keep(number, contract(number, "巴图", number, json!("1.00")));
    }
    let adapter = running.adapter(SIGNED, &[]);
    let results = ask(&adapter, &persons).await.unwrap();
    assert!(results.iter().all(|result| result.status == ResultStatus::Ok) && results.len() == 500);
    assert!(running.service.most.load(Ordering::SeqCst) <= 3);
    assert_eq!(running.calls(PATH), 500);
    let together = running.adapter(
        OAUTH2,
        &[
            (
                "json = { sfzh = \":id_number\", xm = \":name\", start = \":start\", limit = \":limit\" }",
                "json = { sfzh = \":id_numbers\" }",
            ),
            ("paging = { kind = \"start\", size = 2, total", "persons_per_call = 100\npaging = { total"),
        ],
    );
    let before = running.calls(PATH);
    let results = ask(&together, &persons).await.unwrap();
    assert!(results.iter().all(|result| result.status == ResultStatus::Ok) && results.len() == 500);
    assert_eq!(running.calls(PATH) - before, 5, "a hundred persons a call");
    // Last: calls that are given up half-way may still arrive.
    let few = running.adapter(SIGNED, &[("timeout = \"10s\"", "timeout = \"10s\"\nmax_calls = 10")]);
    assert_eq!(ask(&few, &persons).await.unwrap_err().code, "statement_too_costly");
}

#[test]
fn the_fixture_of_the_platform_has_the_names_the_tests_go_by() {
    assert!(SIGNED.contains(RID) && SIGNED.contains(SID));
}
