//! The header-signed style of the national sharing platform (国家数据共享交换平台): two stages of keys, a
//! signature over interface, requester and time, and a clock that must agree.

use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::hmac;
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::domain::clock::Clock;

/// Who asks.
const REQUESTER: &str = "hedui-152200";
/// Which interface is asked.
const INTERFACE: &str = "zj-152200-0001";
/// How far a caller's clock may differ, in milliseconds.
const SKEW: u64 = 5 * 60 * 1000;
/// How long a working secret is good, in milliseconds.
const LIFE: i64 = 30 * 60 * 1000;

/// Who may ask, and the keys that were given out.
pub(super) struct Gate {
    key: String,
    clock: Arc<dyn Clock>,
    issued: Mutex<Issued>,
}

#[derive(Default)]
struct Issued {
    count: u64,
    day: String,
    /// The working secrets that are good still, with their end.
    secrets: Vec<(String, i64)>,
}

impl Gate {
    pub(super) fn new(key: String, clock: Arc<dyn Clock>) -> Self {
        Self { key, clock, issued: Mutex::default() }
    }

    fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    /// Gives out the key of the day.
    pub(super) fn day_key(&self, headers: &HeaderMap) -> Value {
        if let Err(refused) = self.check(headers, std::slice::from_ref(&self.key)) {
            return refused;
        }
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        if issued.day.is_empty() {
            issued.day = derived(&self.key, "day", 0);
        }
        json!({"code": "200", "msg": "成功", "data": {"dayKey": issued.day}})
    }

    /// Gives out a working secret, good for thirty minutes.
    pub(super) fn secret(&self, headers: &HeaderMap) -> Value {
        let day = self.issued.lock().unwrap_or_else(PoisonError::into_inner).day.clone();
        if let Err(refused) = self.check(headers, &[day]) {
            return refused;
        }
        let now = self.now();
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        issued.count += 1;
        let secret = derived(&self.key, "secret", issued.count);
        issued.secrets.retain(|(_, until)| now < *until);
        issued.secrets.push((secret.clone(), now + LIFE));
        json!({"code": "200", "msg": "成功", "data": {"secret": secret, "expire": LIFE / 1000}})
    }

    /// Lets a question in, or answers what is wrong with it.
    pub(super) fn admit(&self, headers: &HeaderMap) -> Result<(), Value> {
        let now = self.now();
        let issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        let good: Vec<String> =
            issued.secrets.iter().filter(|(_, until)| now < *until).map(|(secret, _)| secret.clone()).collect();
        drop(issued);
        if good.is_empty() {
            return Err(refused("40101", "秘钥已过期，请重新获取"));
        }
        self.check(headers, &good)
    }

    fn check(&self, headers: &HeaderMap, keys: &[String]) -> Result<(), Value> {
        let of = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (requester, interface, time) = (of("gjgxjhpt_rid"), of("gjgxjhpt_sid"), of("gjgxjhpt_rtime"));
        let shown = Shown { requester, interface, time, sign: of("gjgxjhpt_sign") };
        shown.check(INTERFACE, self.now(), keys).map_err(|(code, words)| refused(code, words))
    }
}

/// What a call shows, in headers or in the message: who asks, what, when, and the signature over the three.
pub(super) struct Shown<'a> {
    pub(super) requester: &'a str,
    pub(super) interface: &'a str,
    pub(super) time: &'a str,
    pub(super) sign: &'a str,
}

impl Shown<'_> {
    /// Whether it may ask for an interface at `now`, signing with one of `keys`; else the code and words of the refusal.
    pub(super) fn check(&self, interface: &str, now: i64, keys: &[String]) -> Result<(), (&'static str, &'static str)> {
        if self.requester != REQUESTER {
            return Err(("40001", "rid不存在"));
        }
        if self.interface != interface {
            return Err(("40002", "sid不存在或未授权该服务"));
        }
        if !self.time.parse::<i64>().is_ok_and(|time| time.abs_diff(now) <= SKEW) {
            return Err(("40003", "请求时间戳与服务器时间偏差过大"));
        }
        let sign = STANDARD.decode(self.sign).unwrap_or_default();
        let message = format!("{}{}{}", self.interface, self.requester, self.time);
        let fits = |key: &String| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
            hmac::verify(&key, message.as_bytes(), &sign).is_ok()
        };
        if keys.iter().any(fits) { Ok(()) } else { Err(("40004", "签名错误")) }
    }
}

/// A refusal, which this style tells with HTTP 200.
pub(super) fn refused(code: &str, words: &str) -> Value {
    json!({"code": code, "msg": words, "data": null})
}

/// A key made from another.
fn derived(key: &str, what: &str, number: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    STANDARD.encode(hmac::sign(&key, format!("{what}{number}").as_bytes()))
}
