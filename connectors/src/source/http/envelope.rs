//! The envelope of the medical insurance platform: numbered, timed and signed.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::OpenError;
use super::super::web::{keyed_digest, written};
use crate::connector::{Algorithm, Encoding, EnvelopeInfo, Field};
use crate::secret::Secret;

/// How many messages of one second a serial of four digits can tell apart.
const SERIALS: u32 = 10_000;
/// How far the clocks of China are ahead of UTC.
const CHINA: SignedDuration = SignedDuration::from_hours(8);

/// What every call is wrapped in, and the number of the last.
#[derive(Debug)]
pub(super) struct Envelope {
    info: EnvelopeInfo,
    key: Option<Secret>,
    /// The second of the last message, and its serial.
    last: Mutex<(i64, u32)>,
}

impl Envelope {
    pub(super) fn open(info: &EnvelopeInfo, folder: &Path) -> Result<Self, OpenError> {
        let key = info.sign_key.as_ref().map(|place| place.read(folder)).transpose()?;
        Ok(Self { info: info.clone(), key, last: Mutex::new((0, 0)) })
    }

    /// A call as it is sent.
    pub(super) fn wrap(&self, number: &str, input: &Value, now: Timestamp) -> String {
        let (second, serial) = self.number(now);
        let time = local(second);
        let message = format!("{}{}{serial:04}", self.info.code, time.strftime("%Y%m%d%H%M%S"));
        let info = &self.info;
        let time = time.strftime("%Y-%m-%d %H:%M:%S").to_string();
        let (kind, operator, name) = &info.operator;
        let mut envelope = json!({
            "infno": number,
            "msgid": message,
            "insuplc_admdvs": info.enrolled_at,
            "mdtrtarea_admvs": info.treated_at,
            "recer_sys_code": info.system,
            "signtype": "SM3",
            "infver": info.version,
            "opter_type": kind,
            "opter": operator,
            "opter_name": name,
            "inf_time": time,
            "fixmedins_code": info.code,
            "fixmedins_name": info.name,
            "sign_no": info.sign_no,
            "input": input,
        });
        if let (Some(key), Some(members)) = (&self.key, envelope.as_object_mut()) {
            let input = input.to_string();
            let signed = info.sign_message.iter().fold(String::new(), |text, field| {
                text + match field {
                    Field::Number => number,
                    Field::Message => &message,
                    Field::Time => &time,
                    Field::SignIn => &info.sign_no,
                    Field::Input => &input,
                }
            });
            let sign = keyed_digest(Algorithm::HmacSm3, key.reveal().as_bytes(), signed.as_bytes());
            members.insert(info.sign_field.clone(), written(&sign, Encoding::Hex).into());
        }
        envelope.to_string()
    }

    /// A second and serial that no message had before. When those of a second are used up, or the clock was set
    /// back, the next second of the numbers is taken: a number need not be exact, it must not come twice.
    fn number(&self, now: Timestamp) -> (i64, u32) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = match *last {
            (second, _) if now.as_second() > second => (now.as_second(), 0),
            (second, serial) if serial + 1 < SERIALS => (second, serial + 1),
            (second, _) => (second + 1, 0),
        };
        *last
    }
}

fn local(second: i64) -> jiff::civil::DateTime {
    let instant = Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH);
    let ahead = instant.saturating_add(CHINA).unwrap_or(instant);
    jiff::tz::Offset::UTC.to_datetime(ahead)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn envelope() -> Envelope {
        let info = EnvelopeInfo {
            code: "H15220100001".to_owned(),
            name: "核对中心".to_owned(),
            enrolled_at: "152201".to_owned(),
            treated_at: "152201".to_owned(),
            system: "HEDUI".to_owned(),
            version: "V1.0".to_owned(),
            operator: ("1".to_owned(), "001".to_owned(), "经办".to_owned()),
            sign_no: String::new(),
            sign_key: None,
            sign_message: vec![Field::Number, Field::Message, Field::Input],
            sign_field: "cainfo".to_owned(),
        };
        Envelope { info, key: Some(Secret::new("key")), last: Mutex::new((0, 0)) }
    }

    #[test]
    fn no_number_comes_twice_however_fast_and_whatever_the_clock_does() {
        let envelope = envelope();
        let now = Timestamp::from_second(1_793_500_000).unwrap();
        let back = Timestamp::from_second(1_793_400_000).unwrap();
        let mut seen = BTreeSet::new();
        for count in 0..25_000 {
            let at = if count % 2 == 0 { now } else { back };
            let sent: Value = serde_json::from_str(&envelope.wrap("1101", &json!({}), at)).unwrap();
            let message = sent["msgid"].as_str().unwrap().to_owned();
            assert_eq!(message.len(), 30, "{message}");
            assert!(message.starts_with("H15220100001"));
            assert!(seen.insert(message));
        }
    }

    #[test]
    fn the_signature_covers_the_input_and_the_time_is_that_of_china() {
        let envelope = envelope();
        let now = "2026-11-01T16:00:01Z".parse().unwrap();
        let sent = |input: Value| -> Value { serde_json::from_str(&envelope.wrap("1101", &input, now)).unwrap() };
        let (one, other) = (sent(json!({"data": {"certno": "1"}})), sent(json!({"data": {"certno": "2"}})));
        assert_eq!(one["inf_time"], "2026-11-02 00:00:01");
        assert_eq!(one["signtype"], "SM3");
        let text = format!("1101{}{}", one["msgid"].as_str().unwrap(), one["input"]);
        let expected = written(&keyed_digest(Algorithm::HmacSm3, b"key", text.as_bytes()), Encoding::Hex);
        assert_eq!(one["cainfo"], expected.as_str());
        assert_ne!(one["cainfo"], other["cainfo"]);
    }
}
