//! `[source.envelope]`: what the medical insurance platform (国家医疗保障信息平台) wraps every call in.

use serde::Deserialize;

use super::checked::{At, Checker};
use super::condition::{Condition, Is};
use super::http::Meaning;
use super::source::secret_place;
use crate::error::Text;
use crate::json_path::JsonPath;
use crate::secret::SecretPlace;

/// Length of an institution's code, which begins every `msgid`.
const CODE: usize = 12;

/// What every call is wrapped in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeInfo {
    /// The institution's code, `fixmedins_code`: twelve characters, the beginning of every `msgid`.
    pub code: String,
    /// Its name, `fixmedins_name`.
    pub name: String,
    /// Where the insured are enrolled, `insuplc_admdvs`.
    pub enrolled_at: String,
    /// Where they are treated, `mdtrtarea_admvs`.
    pub treated_at: String,
    /// The system that asks, `recer_sys_code`.
    pub system: String,
    /// Version of the interface, `infver`.
    pub version: String,
    /// The operator: `opter_type`, `opter`, `opter_name`.
    pub operator: (String, String, String),
    /// The number of the sign-in, `sign_no`; blank where none is asked for.
    pub sign_no: String,
    /// The key of the signature (HMAC-SM3), where calls are signed.
    pub sign_key: Option<SecretPlace>,
    /// What is signed, in this order.
    pub sign_message: Vec<Field>,
    /// The field of the signature.
    pub sign_field: String,
}

/// A field of the envelope that is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// `infno`.
    Number,
    /// `msgid`.
    Message,
    /// `inf_time`.
    Time,
    /// `sign_no`.
    SignIn,
    /// `input`, as it is sent.
    Input,
}

/// The keys as TOML.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EnvelopeTable {
    pub(super) fixmedins_code: String,
    pub(super) fixmedins_name: String,
    pub(super) insuplc_admdvs: String,
    pub(super) mdtrtarea_admvs: String,
    pub(super) recer_sys_code: String,
    pub(super) infver: Option<String>,
    pub(super) opter_type: String,
    pub(super) opter: String,
    pub(super) opter_name: String,
    pub(super) sign_no: Option<String>,
    pub(super) sign_key: Option<toml::Value>,
    pub(super) sign_message: Option<Vec<String>>,
    pub(super) sign_field: Option<String>,
}

/// Checks `[source.envelope]`.
pub(super) fn envelope(checker: &mut Checker<'_>, place: &At<'_>, table: EnvelopeTable) -> Option<EnvelopeInfo> {
    let here = At { place: "source.envelope", span: place.span.clone() };
    let key = match &table.sign_key {
        None => Some(None),
        Some(value) => secret_place(checker, &here, "sign_key", value).map(Some),
    };
    let message = table.sign_message.as_ref().map_or_else(
        || Some(vec![Field::Number, Field::Message, Field::Time, Field::Input]),
        |names| names.iter().map(|name| Field::named(name)).collect(),
    );
    let code = table.fixmedins_code;
    let plain = |text: &String| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let division = |text: &String| text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    let sound = code.len() == CODE
        && plain(&code)
        && [&table.insuplc_admdvs, &table.mdtrtarea_admvs].into_iter().all(division)
        && plain(&table.recer_sys_code);
    let field = table.sign_field.unwrap_or_else(|| "cainfo".to_owned());
    let (Some(sign_message), true) = (message.filter(|fields| !fields.is_empty()), sound && !field.is_empty()) else {
        checker.fault(
            "envelope_form",
            &here,
            Text::new("报文的写法不可用", "the envelope cannot be used"),
            Text::new(
                "fixmedins_code 是 12 位字母数字（msgid 以它开头）；insuplc_admdvs、mdtrtarea_admvs 是 6 位区划代码；recer_sys_code 是字母数字；sign_message 由 infno、msgid、inf_time、sign_no、input 组成",
                "fixmedins_code has 12 letters and digits (every msgid begins with it), insuplc_admdvs and mdtrtarea_admvs are division codes of 6 digits, recer_sys_code has letters and digits, sign_message is made of infno, msgid, inf_time, sign_no and input",
            ),
        );
        return None;
    };
    Some(EnvelopeInfo {
        code,
        name: table.fixmedins_name,
        enrolled_at: table.insuplc_admdvs,
        treated_at: table.mdtrtarea_admvs,
        system: table.recer_sys_code,
        version: table.infver.unwrap_or_else(|| "V1.0".to_owned()),
        operator: (table.opter_type, table.opter, table.opter_name),
        sign_no: table.sign_no.unwrap_or_default(),
        sign_key: key?,
        sign_message,
        sign_field: field,
    })
}

impl Field {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "infno" => Self::Number,
            "msgid" => Self::Message,
            "inf_time" => Self::Time,
            "sign_no" => Self::SignIn,
            "input" => Self::Input,
            _ => return None,
        })
    }
}

/// What an answer in an envelope means: `infcode` 0 is sound, anything else is told in `err_msg`.
pub(super) fn meaning() -> Meaning {
    let path = |text| JsonPath::parse(text).expect("the path is one");
    Meaning {
        ok_when: vec![Condition { at: path("$.infcode"), is: Is::Equal(["0".to_owned()].into()) }],
        no_record_when: Vec::new(),
        error_message: Some(path("$.err_msg")),
    }
}
