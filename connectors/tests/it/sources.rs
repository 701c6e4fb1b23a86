//! What comes of a question when the database is well, missing, locked, slow, or says strange things.

use std::time::{Duration, Instant};

use connectors::protocol::ResultStatus;

use crate::harness::{ALTAN, BATU, CERTIFICATE, QIQIGE, REHABILITATION, SIQIN, Store, question, result};

#[tokio::test]
async fn a_household_is_answered_in_one_response() {
    let store = Store::seventh().await;
    let mut query = question(
        &[CERTIFICATE, REHABILITATION],
        &[(BATU, "巴图"), (ALTAN, "阿拉坦‧乌拉"), (QIQIGE, "其其格"), (SIQIN, "斯琴")],
    );
    query.subjects[2].datasets = Some(vec![REHABILITATION.to_owned()]);
    let response = store.adapter().answer(&query).await.unwrap();
    assert_eq!(response.results.len(), 7, "three persons for both datasets, one for one");
    assert!(!response.results.iter().any(|result| result.reference == "m3" && result.dataset == CERTIFICATE));
    let batu = result(&response, "m1", CERTIFICATE);
    assert_eq!((batu.status, batu.facts.get()), (ResultStatus::Ok, r#"[{"category":"4","grade":"2"}]"#));
    assert_eq!(batu.id_number.as_deref(), Some(BATU));
    assert_eq!(batu.as_of.as_deref(), Some("2025-01-09T16:20:00+08:00"));
    assert_eq!(result(&response, "m2", CERTIFICATE).status, ResultStatus::Ok, "a middle dot is a middle dot");
    let nothing = result(&response, "m3", REHABILITATION);
    assert_eq!((nothing.status, nothing.facts.get()), (ResultStatus::NoRecord, "[]"));
    assert_eq!(nothing.id_number, None);
    assert_eq!(result(&response, "m4", CERTIFICATE).status, ResultStatus::Error, "an unknown grade is not guessed");
}

#[tokio::test]
async fn five_hundred_persons_are_one_question() {
    let store = Store::seventh().await;
    let numbers: Vec<String> = (0..500).map(|index| format!("15000019860502{index:03}X")).collect();
    let mut persons: Vec<_> = numbers.iter().map(|number| (number.as_str(), "无")).collect();
    persons[499] = (BATU, "巴图");
    let response = store.adapter().answer(&question(&[CERTIFICATE], &persons)).await.unwrap();
    assert_eq!(response.results.len(), 500);
    assert_eq!(response.results.iter().filter(|result| result.status == ResultStatus::NoRecord).count(), 499);
    assert_eq!(result(&response, "m500", CERTIFICATE).status, ResultStatus::Ok);
}

#[tokio::test]
async fn a_row_about_somebody_else_makes_the_dataset_an_error() {
    let store = Store::seventh().await;
    let adapter = store.adapter_with(&[(
        "FROM   持证残疾人\nWHERE  身份证号 IN (:id_numbers)",
        "FROM   持证残疾人\nWHERE  身份证号 IN (:id_numbers) OR 残疾等级 = '二级'",
    )]);
    let query = question(&[CERTIFICATE, REHABILITATION], &[(ALTAN, "阿拉坦·乌拉")]);
    let response = adapter.answer(&query).await.unwrap();
    let spoilt = result(&response, "m1", CERTIFICATE);
    assert_eq!((spoilt.status, spoilt.facts.get()), (ResultStatus::Error, "[]"));
    assert_eq!(result(&response, "m1", REHABILITATION).status, ResultStatus::NoRecord, "the other one stands");
}

#[tokio::test]
async fn more_rows_than_agreed_are_an_error_and_never_a_short_list() {
    let store = Store::seventh().await;
    let query = question(&[REHABILITATION], &[(BATU, "巴图")]);
    let enough = store.adapter_with(&[("max_rows = 5000", "max_rows = 2")]);
    let response = enough.answer(&query).await.unwrap();
    assert_eq!(result(&response, "m1", REHABILITATION).status, ResultStatus::Ok);
    let short = store.adapter_with(&[("max_rows = 5000", "max_rows = 1")]);
    let response = short.answer(&query).await.unwrap();
    let cut = result(&response, "m1", REHABILITATION);
    assert_eq!((cut.status, cut.facts.get()), (ResultStatus::Error, "[]"));
}

#[tokio::test]
async fn a_float_in_the_database_is_an_error() {
    let store = Store::seventh().await;
    let adapter = store.adapter_with(&[("服务日期, 总费用, 补助金额 --", "服务日期, 86.5 AS 总费用, 补助金额 --")]);
    let response = adapter.answer(&question(&[REHABILITATION], &[(BATU, "巴图")])).await.unwrap();
    assert_eq!(result(&response, "m1", REHABILITATION).status, ResultStatus::Error);
}

#[tokio::test]
async fn a_database_that_is_missing_is_a_problem_until_it_is_there() {
    let store = Store::empty();
    let adapter = store.adapter();
    let query = question(&[CERTIFICATE], &[(BATU, "巴图")]);
    let problem = adapter.answer(&query).await.unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (503, "source_unavailable"));
    assert!(!store.file().exists(), "a reader makes no files");
    store.fill().await;
    assert_eq!(result(&adapter.answer(&query).await.unwrap(), "m1", CERTIFICATE).status, ResultStatus::Ok);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_a_problem() {
    let store = Store::empty();
    std::fs::write(store.file(), "not a database, and long enough to be looked at as one".repeat(40)).unwrap();
    let problem = store.adapter().answer(&question(&[CERTIFICATE], &[(BATU, "巴图")])).await.unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (503, "source_unavailable"));
}

#[tokio::test]
async fn a_locked_database_is_a_problem_in_bounded_time() {
    let store = Store::seventh().await;
    let mut writer = store.writer().await;
    sqlx::raw_sql("BEGIN EXCLUSIVE").execute(&mut writer).await.unwrap();
    let adapter = store.adapter();
    let query = question(&[CERTIFICATE, REHABILITATION], &[(BATU, "巴图")]);
    let began = Instant::now();
    let problem = adapter.answer(&query).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!((problem.status, problem.code.as_str()), (503, "source_locked"));
    sqlx::raw_sql("ROLLBACK").execute(&mut writer).await.unwrap();
    assert!(adapter.answer(&query).await.is_ok());
}

#[tokio::test]
async fn a_slow_statement_is_stopped_and_does_not_keep_the_only_connection() {
    let store = Store::seventh().await;
    let adapter = store.adapter_with(&[
        ("statement_timeout = \"2s\"", "statement_timeout = \"800ms\""),
        ("max_connections = 4", "max_connections = 1"),
        (
            "FROM   康复服务\n",
            "FROM   康复服务, (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n) AS 无尽\n",
        ),
    ]);
    let slow = question(&[REHABILITATION], &[(BATU, "巴图")]);
    for _ in 0..2 {
        let began = Instant::now();
        let problem = adapter.answer(&slow).await.unwrap_err();
        assert_eq!((problem.status, problem.code.as_str()), (504, "source_timeout"));
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
    // The connection must come back: were the endless statement still running on it, this would time out.
    let response = adapter.answer(&question(&[CERTIFICATE], &[(BATU, "巴图")])).await.unwrap();
    assert_eq!(result(&response, "m1", CERTIFICATE).status, ResultStatus::Ok);
}

#[tokio::test]
async fn a_source_cannot_be_written_to() {
    let store = Store::seventh().await;
    let adapter = store.adapter_with(&[(
        "FROM   持证残疾人\nWHERE  身份证号 IN (:id_numbers)",
        "FROM   持证残疾人\nWHERE  身份证号 IN (:id_numbers) AND load_extension('x') IS NULL",
    )]);
    let problem = adapter.answer(&question(&[CERTIFICATE], &[(BATU, "巴图")])).await.unwrap_err();
    assert_eq!(problem.code, "source_failed");
    assert!(!problem.title.contains("load_extension"), "what the database says stays with the department");
    let text = "WITH x AS (SELECT 1) DELETE FROM 持证残疾人 WHERE 身份证号 IN (:id_numbers) RETURNING *";
    let deleting = store.adapter_with(&[(
        "SELECT 身份证号, 姓名, 残疾类别, 残疾等级, 证件状态, 更新时间\nFROM   持证残疾人\nWHERE  身份证号 IN (:id_numbers)",
        text,
    )]);
    let problem = deleting.answer(&question(&[CERTIFICATE], &[(BATU, "巴图")])).await.unwrap_err();
    assert!(problem.status >= 500, "{}", problem.code);
    let response = store.adapter().answer(&question(&[CERTIFICATE], &[(BATU, "巴图")])).await.unwrap();
    assert_eq!(result(&response, "m1", CERTIFICATE).status, ResultStatus::Ok, "the record is still there");
}

#[tokio::test]
async fn wrong_questions_are_refused_before_the_database_is_asked() {
    let adapter = Store::empty().adapter();
    let sound = || question(&[CERTIFICATE], &[(BATU, "巴图"), (ALTAN, "阿拉坦·乌拉")]);
    let changed = |change: fn(&mut connectors::protocol::Query)| {
        let mut query = sound();
        change(&mut query);
        query
    };
    for (query, status, code) in [
        (changed(|query| query.subjects.clear()), 400, "bad_query"),
        (changed(|query| query.datasets.clear()), 400, "bad_query"),
        (changed(|query| query.datasets.push(CERTIFICATE.into())), 400, "bad_query"),
        (changed(|query| query.datasets.push("hrss.pension".into())), 422, "unknown_dataset"),
        (changed(|query| query.subjects[1].reference = "m1".into()), 400, "bad_query"),
        (changed(|query| query.subjects[1].id_number.push('0')), 400, "bad_query"),
        (changed(|query| query.subjects[1].id_number = "15000019700101109x".into()), 400, "bad_query"),
        (changed(|query| query.subjects[1].datasets = Some(vec![REHABILITATION.into()])), 400, "bad_query"),
        (changed(|query| std::mem::swap(&mut query.period.from, &mut query.period.to)), 400, "bad_query"),
        (changed(|query| query.purpose.clear()), 400, "bad_query"),
        (changed(|query| query.authorisation.number.clear()), 400, "bad_query"),
    ] {
        let problem = adapter.answer(&query).await.unwrap_err();
        assert_eq!((problem.status, problem.code.as_str()), (status, code), "{query:?}");
        assert!(!format!("{problem:?}").contains("1986"), "{problem:?}");
    }
    assert_eq!(
        adapter.answer(&sound()).await.unwrap_err().code,
        "source_unavailable",
        "a sound one gets as far as that"
    );
}
