//! How departments' answers are held to their signatures.

use serde::Deserialize;

use super::Adapter;

/// When the signature of an answer is verified.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckAnswers {
    /// After the answer was used, beside the work, and whenever somebody asks for the evidence.
    #[default]
    Afterwards,
    /// Before it is used: a wrong signature is a gap. Costs about 45 µs of CPU an answer.
    BeforeUse,
}

impl Adapter {
    /// Whether an answer without signature is refused.
    pub fn requires_signed_answers(&self) -> bool {
        self.signed_answers.unwrap_or(self.answer_key.is_some())
    }

    /// What of these settings contradicts itself.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.answer_key.is_some() || self.signed_answers != Some(true) {
            return Ok(());
        }
        let department = &self.department;
        Err(format!(
            "adapter {department}: `signed_answers = true` needs `answer_key`, the department's public key 要求答复签名须指定该部门的公钥 answer_key"
        ))
    }
}
