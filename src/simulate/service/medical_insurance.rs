//! The interfaces of 医疗保障局 in the envelope of the medical insurance platform: numbered, timed and signed
//! with SM3; some answer about one person, others about many.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use sm3::Sm3;
use sqlx::SqlitePool;

use crate::domain::clock::Clock;

/// The institution that may ask.
const INSTITUTION: &str = "H15220000001";
/// How many messages are remembered, so that none is taken twice.
const REMEMBERED: usize = 100_000;
/// The most persons one call may ask about.
const MOST: usize = 100;

/// 1101 人员信息: the person, then the schemes.
const PERSON: &str = "SELECT json_object('psn_no', psn_no, 'certno', certno, 'psn_name', psn_name) FROM psn_info_b \
     WHERE certno = ?1 AND vali_flag = '1' ORDER BY psn_no";
const SCHEMES: &str = "SELECT json_object('insutype', i.insutype, 'psn_insu_stas', i.psn_insu_stas, 'updt_time', i.updt_time) \
     FROM psn_info_b p JOIN psn_insu_d i ON i.psn_no = p.psn_no WHERE p.certno = ?1 AND p.vali_flag = '1' ORDER BY i.insutype";

/// The interfaces about many persons: number, name of the list, statement. Amounts are numbers with two places.
const LISTS: [(&str, &str, &str); 4] = [
    (
        "5203",
        "setlinfo",
        "SELECT json_object('setl_id', setl_id, 'certno', certno, 'psn_name', psn_name, 'med_type', med_type, \
         'setl_time', setl_time, 'medfee_sumamt', json(medfee_sumamt), 'fund_pay_sumamt', json(fund_pay_sumamt), \
         'maf_pay', json(maf_pay), 'acct_pay', json(acct_pay), 'psn_cash_pay', json(psn_cash_pay), \
         'refd_setl_flag', refd_setl_flag) FROM setl_d \
         WHERE certno IN (SELECT value FROM json_each(?1)) AND setl_time BETWEEN ?2 AND ?3 ORDER BY setl_time, setl_id",
    ),
    (
        "N5601",
        "bnftinfo",
        // Wages are known by the employer, other payments by the account.
        "SELECT json_object('certno', certno, 'psn_name', psn_name, 'bnft_type', bnft_type, 'bnft_ym', bnft_ym, \
         'pay_amt', json(pay_amt), 'pmt_no', CASE WHEN bnft_type = '201' THEN emp_uscc ELSE bank_acct END, \
         'updt_time', updt_time) FROM bnft_pay_d WHERE certno IN (SELECT value FROM json_each(?1)) \
         AND bnft_ym BETWEEN substr(?2, 1, 7) AND substr(?3, 1, 7) ORDER BY bnft_ym, bnft_type, rowid",
    ),
    (
        "5301",
        "feedetail",
        "SELECT json_object('certno', certno, 'psn_name', psn_name, 'opsp_dise_code', opsp_dise_code, \
         'begndate', begndate, 'enddate', enddate, 'updt_time', updt_time) FROM opsp_reg_d \
         WHERE certno IN (SELECT value FROM json_each(?1)) AND ?2 >= '' AND (enddate IS NULL OR enddate >= ?3) \
         ORDER BY opsp_dise_code",
    ),
    (
        "N5602",
        "mafinfo",
        "SELECT json_object('certno', certno, 'psn_name', psn_name, 'maf_type', maf_type, 'maf_time', maf_time, \
         'maf_pay', json(maf_pay)) FROM maf_d WHERE certno IN (SELECT value FROM json_each(?1)) \
         AND maf_time BETWEEN ?2 AND ?3 ORDER BY maf_time, maf_type",
    ),
];

struct Bureau {
    store: SqlitePool,
    key: String,
    clock: Arc<dyn Clock>,
    messages: Mutex<BTreeSet<String>>,
}

/// A call. Other fields of the envelope are let be.
#[derive(Deserialize)]
struct Envelope<'a> {
    infno: String,
    msgid: String,
    insuplc_admdvs: String,
    mdtrtarea_admvs: String,
    recer_sys_code: String,
    signtype: String,
    infver: String,
    opter_type: String,
    opter: String,
    opter_name: String,
    inf_time: String,
    fixmedins_code: String,
    fixmedins_name: String,
    cainfo: String,
    #[serde(borrow)]
    input: &'a RawValue,
}

#[derive(Deserialize)]
struct Input {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    certno: String,
    #[serde(default)]
    certnos: Vec<String>,
    #[serde(default)]
    begntime: String,
    #[serde(default)]
    endtime: String,
}

pub(super) fn router(store: SqlitePool, key: String, clock: Arc<dyn Clock>) -> Router {
    let bureau = Arc::new(Bureau { store, key, clock, messages: Mutex::default() });
    let ask = async |State(bureau): State<Arc<Bureau>>, body: Bytes| bureau.answer(&body).await;
    Router::new().route("/fsi/api/query", post(ask)).with_state(bureau)
}

impl Bureau {
    async fn answer(&self, body: &[u8]) -> Response {
        let output = match serde_json::from_slice::<Envelope<'_>>(body) {
            Err(_) => Err("报文格式错误".to_owned()),
            Ok(envelope) => match self.admit(&envelope) {
                Err(words) => Err(words.to_owned()),
                Ok(()) => self.output(&envelope).await,
            },
        };
        let (code, words, output) = match output {
            Ok(output) => (0, String::new(), output),
            Err(words) => (-1, words, "null".to_owned()),
        };
        let (now, words) = (self.local().strftime("%Y%m%d%H%M%S"), Value::from(words));
        let answer = format!(r#"{{"infcode":{code},"err_msg":{words},"respond_time":"{now}","output":{output}}}"#);
        ([(CONTENT_TYPE, "application/json")], answer).into_response()
    }

    fn local(&self) -> jiff::civil::DateTime {
        let ahead = self.clock.now().saturating_add(SignedDuration::from_hours(8));
        jiff::tz::Offset::UTC.to_datetime(ahead.unwrap_or_else(|_| self.clock.now()))
    }

    /// Checks the envelope: its form, its number, its time, its signature.
    fn admit(&self, envelope: &Envelope<'_>) -> Result<(), &'static str> {
        let filled = [
            &envelope.insuplc_admdvs,
            &envelope.mdtrtarea_admvs,
            &envelope.recer_sys_code,
            &envelope.infver,
            &envelope.opter_type,
            &envelope.opter,
            &envelope.opter_name,
            &envelope.fixmedins_name,
        ];
        if filled.into_iter().any(|field| field.trim().is_empty()) {
            return Err("报文缺少必填字段");
        }
        let numbered = envelope.msgid.len() == 30
            && envelope.msgid.starts_with(INSTITUTION)
            && envelope.msgid.bytes().skip(INSTITUTION.len()).all(|byte| byte.is_ascii_digit());
        if envelope.fixmedins_code != INSTITUTION || !numbered {
            return Err("机构编码或msgid不合规");
        }
        let time = jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M:%S", &envelope.inf_time);
        let far = time.map_or(true, |time| time.duration_since(self.local()).abs() > SignedDuration::from_mins(5));
        if far {
            return Err("请求时间与平台时间偏差过大");
        }
        let mut mac = Hmac::<Sm3>::new_from_slice(self.key.as_bytes()).expect("a key of HMAC has any length");
        for part in [&envelope.infno, &envelope.msgid, &envelope.inf_time, envelope.input.get()] {
            mac.update(part.as_bytes());
        }
        let sign = mac.finalize().into_bytes().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        if envelope.signtype != "SM3" || envelope.cainfo != sign {
            return Err("签名验证失败");
        }
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        if !messages.insert(envelope.msgid.clone()) {
            return Err("msgid重复");
        }
        if messages.len() > REMEMBERED {
            messages.pop_first();
        }
        Ok(())
    }

    async fn output(&self, envelope: &Envelope<'_>) -> Result<String, String> {
        let Ok(Input { data }) = serde_json::from_str(envelope.input.get()) else {
            return Err("参数缺失或格式不对".to_owned());
        };
        let found = if envelope.infno == "1101" {
            self.person(&data).await
        } else {
            let Some((_, list, statement)) = LISTS.into_iter().find(|(number, ..)| *number == envelope.infno) else {
                return Err("没有这个交易".to_owned());
            };
            if data.certnos.is_empty() || data.certnos.len() > MOST {
                return Err(format!("一次查询1至{MOST}人"));
            }
            self.list(list, statement, &data).await
        };
        found
            .map_err(|error| super::failed("medical_insurance", &error).to_owned())?
            .ok_or_else(|| "未查询到人员信息".to_owned())
    }

    async fn person(&self, data: &Data) -> Result<Option<String>, sqlx::Error> {
        let person = self.rows(PERSON, &data.certno, data).await?;
        let Some(person) = person.first() else { return Ok(None) };
        let schemes = self.rows(SCHEMES, &data.certno, data).await?.join(",");
        Ok(Some(format!(r#"{{"baseinfo":{person},"insuinfo":[{schemes}]}}"#)))
    }

    async fn list(&self, list: &str, statement: &'static str, data: &Data) -> Result<Option<String>, sqlx::Error> {
        let persons = serde_json::to_string(&data.certnos).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
        let rows = self.rows(statement, &persons, data).await?;
        Ok(Some(format!(r#"{{"total":{},"{list}":[{}]}}"#, rows.len(), rows.join(","))))
    }

    /// The rows of a statement, each an object of JSON, which keeps the digits of its amounts.
    async fn rows(&self, statement: &'static str, persons: &str, data: &Data) -> Result<Vec<String>, sqlx::Error> {
        let rows: Vec<(String,)> = sqlx::query_as(statement)
            .bind(persons)
            .bind(&data.begntime)
            .bind(&data.endtime)
            .fetch_all(&self.store)
            .await?;
        Ok(rows.into_iter().map(|(row,)| row).collect())
    }
}
