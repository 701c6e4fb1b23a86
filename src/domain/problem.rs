//! Bilingual text and findings about bad input: what is wrong, where, and how to mend it.

use serde::{Deserialize, Serialize};

/// One sentence in Chinese and in English.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// 中文.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Text {
    /// A sentence in both languages.
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }
}

/// The RFC 6901 pointer of a serde path. A key that could carry a person's data is not repeated.
pub fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let is_plain =
        |key: &str| key.len() <= 40 && key.bytes().all(|byte| byte.is_ascii_lowercase() || b"_12".contains(&byte));
    path.iter().fold(String::new(), |pointer, segment| match segment {
        Segment::Seq { index } => format!("{pointer}/{index}"),
        Segment::Map { key } if is_plain(key) => format!("{pointer}/{key}"),
        Segment::Map { .. } | Segment::Enum { .. } | Segment::Unknown => pointer,
    })
}

/// One fault in a document: where (RFC 6901 JSON pointer), a stable code, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Finding {
    /// JSON pointer (RFC 6901) to the faulty value; to the object when a member is missing from it.
    pub pointer: String,
    /// Stable code of the fault.
    pub code: &'static str,
    /// What is wrong and how to mend it. Never repeats the value that was sent.
    pub detail: Text,
}
