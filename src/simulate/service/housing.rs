//! The interfaces of 住房和城乡建设局 on the sharing platform: one person a question, in pages.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sqlx::SqlitePool;

use super::signed::{Gate, refused};
use crate::domain::clock::Clock;

/// The most records a page has, whatever is asked for.
const PAGE: u32 = 50;

/// 网签备案: contracts of a buyer, cancelled ones too. A contract without a price is told with `0.00`, and a
/// dwelling that is in order without a word about its state.
const CONTRACTS: &str = "SELECT json_object('合同号', 合同号, '买受人姓名', 买受人姓名, '买受人证件号', 买受人证件号, '用途', 用途, \
     '建筑面积', 建筑面积, '合同总价', COALESCE(合同总价, '0.00'), '房屋现状', NULLIF(房屋现状, '正常'), '备案日期', 备案日期, \
     '注销标志', 注销标志, '更新日期', 更新日期) FROM 商品房买卖合同 WHERE 买受人证件号 = ?1 AND ?2 >= '' \
     ORDER BY 备案日期, 合同号";

/// 公租房: spells that had not ended before a day.
const PUBLIC: &str = "SELECT json_object('保障编号', 保障编号, '姓名', 姓名, '证件号', 证件号, '保障方式', 保障方式, \
     '月补贴额', 月补贴额, '起始日期', 起始日期, '更新日期', 更新日期) FROM 公租房保障 \
     WHERE 证件号 = ?1 AND (退出日期 IS NULL OR 退出日期 >= ?2) ORDER BY 起始日期, 保障编号";

/// 住房公积金: accounts, closed ones too.
const FUNDS: &str = "SELECT json_object('个人账号', 个人账号, '姓名', 姓名, '证件号', 证件号, '账户余额', 账户余额, \
     '最近缴存年月', 最近缴存年月, '账户状态', 账户状态) FROM 住房公积金账户 WHERE 证件号 = ?1 AND ?2 >= '' ORDER BY 个人账号";

struct Bureau {
    store: SqlitePool,
    gate: Gate,
}

/// What is asked.
#[derive(Deserialize)]
struct Question {
    zjhm: String,
    #[serde(default)]
    qsrq: String,
    start: u32,
    limit: u32,
}

pub(super) fn router(store: SqlitePool, key: String, clock: Arc<dyn Clock>) -> Router {
    let interface = |statement: &'static str| {
        post(async move |State(bureau): State<Arc<Bureau>>, headers: HeaderMap, body: Bytes| {
            bureau.answer(statement, &headers, &body).await
        })
    };
    Router::new()
        .route(
            "/key/day",
            get(async |State(bureau): State<Arc<Bureau>>, headers: HeaderMap| Json(bureau.gate.day_key(&headers))),
        )
        .route(
            "/key/secret",
            get(async |State(bureau): State<Arc<Bureau>>, headers: HeaderMap| Json(bureau.gate.secret(&headers))),
        )
        .route("/house/contract", interface(CONTRACTS))
        .route("/house/public", interface(PUBLIC))
        .route("/house/fund", interface(FUNDS))
        .with_state(Arc::new(Bureau { store, gate: Gate::new(key, clock) }))
}

impl Bureau {
    async fn answer(&self, statement: &'static str, headers: &HeaderMap, body: &[u8]) -> Response {
        let answer = match (self.gate.admit(headers), serde_json::from_slice::<Question>(body)) {
            (Err(refused), _) => refused,
            (Ok(()), Err(_)) => refused("40010", "参数缺失或格式不对"),
            (Ok(()), Ok(question)) => match self.records(statement, &question).await {
                Ok(found) => found,
                Err(error) => refused("50000", super::failed("housing", &error)),
            },
        };
        Json(answer).into_response()
    }

    async fn records(&self, statement: &'static str, question: &Question) -> Result<Value, sqlx::Error> {
        let rows: Vec<(String,)> =
            sqlx::query_as(statement).bind(&question.zjhm).bind(&question.qsrq).fetch_all(&self.store).await?;
        if rows.is_empty() {
            return Ok(refused("404", "查无此人"));
        }
        let (start, limit) = (question.start as usize, question.limit.min(PAGE) as usize);
        let page = rows.iter().skip(start).take(limit).map(|(row,)| RawValue::from_string(row.clone()));
        let page = page.collect::<Result<Vec<_>, _>>().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        let page = serde_json::to_value(page).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        Ok(json!({"code": "200", "msg": "成功", "data": {"total": rows.len(), "list": page}}))
    }
}
