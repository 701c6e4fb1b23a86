//! Conformance reports as the registry reads them: who signed what about which adapter, and how far it reaches.
//!
//! `hedui adapter conform` makes and signs them (`connectors/src/conform/`). The signature proves that nobody altered the
//! report; whose key it is, the department says when it registers (`report_key`), and which adapter it was taken from stands
//! in it: its address and the key of its certificate are those that are registered, or it says nothing of this adapter.

use connectors::conform::{SCHEMA, Verified, VerifyError, verify};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::record::AdapterRecord;
use crate::domain::problem::Text;
use crate::egress::Endpoint;
use crate::service::approvals::sha256;

/// What is kept of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Conformance {
    /// SHA-256 of the report's canonical JSON, signature and all, hexadecimal.
    pub digest: String,
    /// The level that is reached, 0 to 4.
    pub level: u8,
    /// The department it is about.
    pub department: String,
    /// The version of the connector it is about.
    pub version: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub made_at: Timestamp,
    /// Thumbprint (RFC 7638) of the key that signed it.
    pub key: String,
    /// Where the running adapter is that it was taken from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The key of the certificate that was shown there: SHA-256 (SPKI), hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_key: Option<String>,
}

/// Why a report does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportFault {
    /// Not a report.
    #[error(
        "this is no conformance report of the form `{SCHEMA}`: send the JSON file that `hedui adapter conform` wrote"
    )]
    Form,
    /// No signature that holds.
    #[error(
        "the report is not signed, or was altered after it was signed: send the file as `hedui adapter conform` wrote it"
    )]
    Signature,
    /// None is on record.
    #[error("no conformance report is on record for this adapter: add the one that `hedui adapter conform` wrote")]
    Missing,
    /// It is about something else.
    #[error(
        "the report is about another adapter or version than the one that is registered: run `hedui adapter conform` again"
    )]
    OtherAdapter,
    /// It is signed with another key.
    #[error(
        "the report is signed with another key than the one the department registered: run `hedui adapter conform` with that key, or register again"
    )]
    OtherKey,
    /// The department named no key that its reports are signed with.
    #[error(
        "the department named no key for its conformance reports, so a report proves nothing: have it register again with --report-key, the thumbprint that `hedui adapter conform` tells"
    )]
    NoKey,
    /// It was taken from somewhere else.
    #[error(
        "the report was not taken from the adapter that is registered: run `hedui adapter conform FILE --against {0}`"
    )]
    OtherEndpoint(String),
    /// What was tried there had another certificate.
    #[error(
        "the adapter that the report was taken from had a certificate of another key than those registered: run `hedui adapter conform` again, or register the adapter that has this key"
    )]
    OtherCertificate,
    /// It reaches no level at all.
    #[error("the report reaches no level: mend what it lists, and run `hedui adapter conform` again")]
    NoLevel,
    /// It does not reach far enough.
    #[error(
        "the report reaches level {reached}, and this hub asks for {asked}: mend what it lists, and run `hedui adapter conform` again"
    )]
    Level {
        /// What it reaches.
        reached: u8,
        /// What is needed.
        asked: u8,
    },
}

impl ReportFault {
    /// Stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Form => "report_form",
            Self::Signature => "report_signature",
            Self::Missing => "report_missing",
            Self::OtherAdapter => "report_other_adapter",
            Self::OtherKey => "report_other_key",
            Self::NoKey => "report_key_missing",
            Self::OtherEndpoint(_) => "report_other_endpoint",
            Self::OtherCertificate => "report_other_certificate",
            Self::Level { .. } | Self::NoLevel => "report_level",
        }
    }

    /// The fault in both languages.
    pub fn text(&self) -> Text {
        let zh = match self {
            Self::Form => format!("这不是 {SCHEMA} 格式的一致性报告；请提交 hedui adapter conform 写出的 JSON 文件。"),
            Self::Signature => "报告没有签名，或签名后被改动；请原样提交 hedui adapter conform 写出的文件。".to_owned(),
            Self::Missing => "该适配器还没有一致性报告；请附上 hedui adapter conform 写出的报告。".to_owned(),
            Self::OtherAdapter => "报告所述的适配器或版本与登记的不一致；请重新运行 hedui adapter conform。".to_owned(),
            Self::OtherKey => {
                "报告不是用该部门登记的密钥签名的；请用该密钥重新运行 hedui adapter conform，或重新登记。".to_owned()
            }
            Self::NoKey => {
                "该部门没有登记一致性报告的签名公钥，报告证明不了什么；请部门以 --report-key（hedui adapter conform 所示的指纹）重新登记。".to_owned()
            }
            Self::OtherEndpoint(endpoint) => format!(
                "报告不是对着所登记的适配器作出的；请运行 hedui adapter conform 文件 --against {endpoint}。"
            ),
            Self::OtherCertificate => {
                "作报告时适配器出示的证书公钥不在所登记的公钥之中；请重新运行 hedui adapter conform，或登记持有该公钥的适配器。".to_owned()
            }
            Self::NoLevel => "报告没有达到任何级别；请按所列各项改正后重新运行 hedui adapter conform。".to_owned(),
            Self::Level { reached, asked } => {
                format!("报告达到 L{reached}，本平台要求 L{asked}；请按所列各项改正后重新运行 hedui adapter conform。")
            }
        };
        Text::new(zh, format!("{self}."))
    }
}

impl Conformance {
    /// Reads a report whose signature holds.
    pub fn read(report: &Value) -> Result<Self, ReportFault> {
        let canonical = serde_json_canonicalizer::to_string(report).map_err(|_| ReportFault::Form)?;
        let Verified { report, key_id } = verify(canonical.as_bytes()).map_err(|error| match error {
            VerifyError::Unsigned | VerifyError::Altered | VerifyError::OtherKey => ReportFault::Signature,
            VerifyError::Form | VerifyError::OtherPage => ReportFault::Form,
        })?;
        Ok(Self {
            digest: sha256(&canonical),
            level: report.level.ok_or(ReportFault::NoLevel)?,
            department: report.adapter.id,
            version: report.adapter.version,
            made_at: report.made_at,
            key: key_id,
            endpoint: report.against,
            certificate_key: report.certificate_key,
        })
    }

    /// Why it does not let this adapter on, where at least `asked` is asked for.
    pub(super) fn fault(&self, record: &AdapterRecord, asked: u8) -> Option<ReportFault> {
        if self.department != record.department.as_str() || self.version != record.version {
            return Some(ReportFault::OtherAdapter);
        }
        match &record.report_key {
            None => return Some(ReportFault::NoKey),
            Some(key) if *key != self.key => return Some(ReportFault::OtherKey),
            Some(_) => {}
        }
        if !self.endpoint.as_ref().is_some_and(|endpoint| is_same_place(endpoint, &record.endpoint)) {
            return Some(ReportFault::OtherEndpoint(record.endpoint.clone()));
        }
        let is_pinned = |key: &String| record.pins.iter().any(|pin| pin.as_str() == key);
        if !self.certificate_key.as_ref().is_some_and(is_pinned) {
            return Some(ReportFault::OtherCertificate);
        }
        (self.level < asked).then_some(ReportFault::Level { reached: self.level, asked })
    }
}

/// Whether two spellings are of one place: 443 may be left out.
fn is_same_place(one: &str, other: &str) -> bool {
    match (Endpoint::parse(one), Endpoint::parse(other)) {
        (Ok(one), Ok(other)) => one.host() == other.host() && one.port() == other.port(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use connectors::conform::{Counts, Report, ReportKey, Subject};
    use connectors::error::Text as Told;
    use serde_json::json;

    use super::*;

    /// A report as a department's tool signs it.
    fn signed(level: Option<u8>) -> Value {
        let subject = Subject { id: "hrss".to_owned(), version: "1".to_owned(), name: Told::new("人社", "HRSS") };
        let report = Report {
            schema: SCHEMA.to_owned(),
            adapter: subject,
            connector_sha256: "00".repeat(32),
            program: "hedui-adapter".to_owned(),
            made_at: Timestamp::UNIX_EPOCH,
            against: Some("https://10.20.0.5:9101".to_owned()),
            certificate_key: Some("0f".repeat(32)),
            asked_level: 4,
            level,
            counts: Counts::default(),
            summary: Told::new("达到", "reached"),
            results: Vec::new(),
        };
        ReportKey::generate().unwrap().sign(&report)
    }

    #[test]
    fn one_place_is_one_place_however_its_port_is_written() {
        assert!(is_same_place("https://10.20.0.5", "https://10.20.0.5:443"));
        assert!(is_same_place("https://a.example:9101/", "https://a.example:9101"));
        for (one, other) in [
            ("https://10.20.0.5:9101", "https://10.20.0.5:9102"),
            ("https://10.20.0.5:9101", "https://10.20.0.6:9101"),
            ("https://a.example:9101", "https://b.example:9101"),
            ("nothing", "nothing"),
            ("https://a.example/x", "https://a.example/x"),
        ] {
            assert!(!is_same_place(one, other), "{one} {other}");
        }
    }

    #[test]
    fn a_report_is_believed_as_it_was_signed_and_no_longer_once_altered() {
        let report = signed(Some(3));
        let read = Conformance::read(&report).unwrap();
        assert_eq!((read.level, read.department.as_str(), read.version.as_str()), (3, "hrss", "1"));
        assert_eq!(read.endpoint.as_deref(), Some("https://10.20.0.5:9101"));
        let mut moved = report.clone();
        moved["against"] = "https://10.20.0.6:9101".into();
        assert_eq!(Conformance::read(&moved), Err(ReportFault::Signature));
        let mut raised = report.clone();
        raised["level"] = 4.into();
        assert_eq!(Conformance::read(&raised), Err(ReportFault::Signature));
        let mut unsigned = report;
        unsigned.as_object_mut().unwrap().remove("signature");
        assert_eq!(Conformance::read(&unsigned), Err(ReportFault::Signature));
        assert_eq!(Conformance::read(&signed(None)), Err(ReportFault::NoLevel));
        for garbage in [json!(null), json!([]), json!({ "schema": 1 })] {
            assert_eq!(Conformance::read(&garbage), Err(ReportFault::Form));
        }
    }
}
