//! The service of 卫生健康委员会: SOAP in GB 18030, one person a question, signed in the header of the message.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use connectors::text::TextEncoding;
use connectors::xml::{Element, document};
use serde_json::{Map, Value};
use sqlx::SqlitePool;

use super::signed::Shown;
use crate::domain::clock::Clock;

/// Which service is asked.
const SERVICE: &str = "wj-152200-0001";

/// Each operation and its statement: a person, and the first and last day where it has them. The cause of a death is
/// in none.
const OPERATIONS: [(&str, &str); 3] = [
    (
        "queryDeath",
        "SELECT json_object('证明编号', 证明编号, '死者姓名', 死者姓名, '身份证号', 身份证号, '死亡时间', 死亡时间, '作废标志', 作废标志, \
         '签发日期', 签发日期) FROM 死亡医学证明 WHERE 身份证号 = ?1 AND ?2 >= '' AND ?3 >= '' ORDER BY 死亡时间, 证明编号",
    ),
    (
        "queryIllness",
        "SELECT json_object('登记号', 登记号, '姓名', 姓名, '身份证号', 身份证号, '诊断编码', 诊断编码, '诊断日期', 诊断日期, \
         '重特大疾病', 重特大疾病, '诊断机构', 诊断机构, '治愈标志', 治愈标志, '更新日期', 更新日期) FROM 重大疾病登记 \
         WHERE 身份证号 = ?1 AND ?2 >= '' AND ?3 >= '' ORDER BY 登记号",
    ),
    (
        "queryReward",
        "SELECT json_object('姓名', 姓名, '身份证号', 身份证号, '奖扶类别', 奖扶类别, '金额', 金额, '发放日期', 发放日期, \
         '银行账号', 银行账号) FROM 奖励扶助发放 WHERE 身份证号 = ?1 AND 发放日期 BETWEEN ?2 AND ?3 \
         ORDER BY 发放日期, 奖扶类别, 银行账号",
    ),
];

struct Commission {
    store: SqlitePool,
    key: String,
    clock: Arc<dyn Clock>,
}

pub(super) fn router(store: SqlitePool, key: String, clock: Arc<dyn Clock>) -> Router {
    let answer = async |State(commission): State<Arc<Commission>>, body: Bytes| commission.answer(&body).await;
    Router::new().route("/services/registry", post(answer)).with_state(Arc::new(Commission { store, key, clock }))
}

impl Commission {
    async fn answer(&self, body: &[u8]) -> Response {
        match self.asked(body).await {
            Ok(inside) => reply(StatusCode::OK, &inside),
            Err((code, words)) => reply(
                // SOAP 1.1, 6.2: a fault comes with 500.
                StatusCode::INTERNAL_SERVER_ERROR,
                &format!(
                    "<soapenv:Fault><faultcode>soapenv:{code}</faultcode><faultstring>{words}</faultstring></soapenv:Fault>"
                ),
            ),
        }
    }

    async fn asked(&self, body: &[u8]) -> Result<String, (&'static str, &'static str)> {
        let text = TextEncoding::Gb18030.decode(body).map_err(|_| ("Client", "报文编码不是GB18030"))?;
        let root = document(&text).map_err(|_| ("Client", "报文不是XML"))?;
        let header = child(&root, "Header").and_then(|header| child(header, "tongtechheader"));
        self.check(header.ok_or(("Client", "缺少tongtechheader"))?)?;
        let operation = child(&root, "Body").and_then(|body| body.children.first()).ok_or(("Client", "缺少操作"))?;
        let statement = OPERATIONS.iter().find(|(name, _)| *name == operation.name);
        let (_, statement) = statement.ok_or(("Client", "没有这个操作"))?;
        let person = text_of(operation, "sfzh");
        if person.is_empty() {
            return Err(("Client", "参数缺失"));
        }
        let failed = |error: &dyn std::fmt::Display| ("Server", super::failed("health", error));
        let rows: Vec<(String,)> = sqlx::query_as(*statement)
            .bind(person)
            .bind(text_of(operation, "ksrq"))
            .bind(text_of(operation, "jsrq"))
            .fetch_all(&self.store)
            .await
            .map_err(|error| failed(&error))?;
        if rows.is_empty() {
            return Ok(told("<code>1</code><message>查无记录</message>"));
        }
        let mut records = String::new();
        for (row,) in rows {
            let fields: Map<String, Value> = serde_json::from_str(&row).map_err(|error| failed(&error))?;
            records.push_str("<row>");
            // What is empty has no element.
            for (name, value) in fields.iter().filter_map(|(name, value)| Some((name, value.as_str()?))) {
                records = format!("{records}<{name}>{}</{name}>", escaped(value));
            }
            records.push_str("</row>");
        }
        Ok(told(&format!("<code>0</code><message>成功</message><rows>{records}</rows>")))
    }

    fn check(&self, header: &Element) -> Result<(), (&'static str, &'static str)> {
        let of = |name: &str| text_of(header, &format!("gjgxjhpt_{name}"));
        let (requester, interface, time, sign) = (of("rid"), of("sid"), of("rtime"), of("sign"));
        let shown = Shown { requester: &requester, interface: &interface, time: &time, sign: &sign };
        let now = self.clock.now().as_millisecond();
        shown.check(SERVICE, now, std::slice::from_ref(&self.key)).map_err(|(_, words)| ("Client", words))
    }
}

fn told(inside: &str) -> String {
    format!("<hea:answer xmlns:hea=\"urn:health:registry\"><return>{inside}</return></hea:answer>")
}

fn reply(status: StatusCode, inside: &str) -> Response {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"GB18030\"?>\n<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body>{inside}</soapenv:Body></soapenv:Envelope>"
    );
    (status, [(CONTENT_TYPE, "text/xml; charset=GB18030")], TextEncoding::Gb18030.encode(&text)).into_response()
}

fn child<'a>(element: &'a Element, name: &str) -> Option<&'a Element> {
    element.children.iter().find(|child| child.name == name)
}

fn text_of(element: &Element, name: &str) -> String {
    child(element, name).map(|child| child.text.trim().to_owned()).unwrap_or_default()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
