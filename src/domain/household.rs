//! The household that is verified: its members, their relation, and where it applies.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use super::division::DivisionCode;
use super::id_number::IdNumber;

/// How a request names a member, `m1`, `m2`, … 1 to 40 characters of letters, digits, `-` and `_`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct MemberRef(String);

/// The text is not a member reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a member reference is 1 to 40 letters, digits, - or _, such as m1")]
pub struct MemberRefError;

impl MemberRef {
    /// Parses a reference.
    pub fn parse(text: &str) -> Result<Self, MemberRefError> {
        let fits = (1..=40).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        // A reference that is itself an identity number would carry it into traces and logs (P7).
        if fits && IdNumber::parse(text).is_err() { Ok(Self(text.to_owned())) } else { Err(MemberRefError) }
    }

    /// The reference as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MemberRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for MemberRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for MemberRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Relation to the head of household (GB/T 4761-2008): two digits, the first one the kind of relation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(into = "String")]
pub struct RelationCode([u8; 2]);

/// The text is not a relation code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a relation code is two digits of GB/T 4761-2008, 01 to 99, such as 02 for the head of household")]
pub struct RelationCodeError;

impl RelationCode {
    /// Parses two digits, 01 to 99.
    pub fn parse(text: &str) -> Result<Self, RelationCodeError> {
        match text.as_bytes() {
            [b'0', b'0'] => Err(RelationCodeError),
            [first @ b'0'..=b'9', second @ b'0'..=b'9'] => Ok(Self([*first, *second])),
            _ => Err(RelationCodeError),
        }
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only ASCII digits were accepted")
    }

    /// The code as its two digits.
    pub const fn as_bytes(&self) -> &[u8; 2] {
        &self.0
    }

    /// A son or daughter: the first digit is 2 or 3.
    pub const fn is_child(self) -> bool {
        matches!(self.0, [b'2' | b'3', _])
    }
}

impl From<RelationCode> for String {
    fn from(code: RelationCode) -> Self {
        code.as_str().to_owned()
    }
}

impl fmt::Debug for RelationCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for RelationCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Urban or rural (城乡类别): which of two standards applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UrbanRural {
    /// 城镇.
    Urban,
    /// 农村.
    Rural,
}

/// Where the application is made: it chooses the standards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Division of the application.
    pub division_code: DivisionCode,
    /// Which standard of that division.
    pub urban_rural: UrbanRural,
}

/// A member living together with the household (共同生活的家庭成员).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// How the request names the member.
    pub reference: MemberRef,
    /// Identity number. Never leaves through `Debug` or `Serialize`.
    pub id_number: IdNumber,
    /// Name as registered.
    pub name: String,
    /// Relation to the head of household.
    pub relation: RelationCode,
    /// The division whose departments hold the member's records, where that is not the household's.
    pub division: Option<DivisionCode>,
}

/// The household of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Household {
    /// Where the household is registered (户籍所在地).
    pub hukou_region: DivisionCode,
    /// Its members, in the order of the request; never empty, references and identity numbers unique.
    pub members: Vec<Member>,
}

impl Household {
    /// The division whose departments hold the records of the member at this position.
    pub fn division_of(&self, member: usize) -> DivisionCode {
        self.members.get(member).and_then(|member| member.division).unwrap_or(self.hukou_region)
    }

    /// The position of a member.
    pub fn index_of(&self, reference: &MemberRef) -> Option<usize> {
        self.members.iter().position(|member| member.reference == *reference)
    }
}

/// A member's capacity to work (劳动能力).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LabourCapacity {
    /// 有劳动能力.
    Full,
    /// 部分丧失劳动能力.
    Partial,
    /// 无劳动能力.
    None,
}

/// Whether income comes steadily (收入来源是否固定).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Stability {
    /// Steady.
    Stable,
    /// 收入来源不固定.
    Unstable,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_never_an_identity_number() {
        assert!(MemberRef::parse("m1").is_ok());
        for bad in ["", "150000198605021015", "m 1", "m/1", &"m".repeat(41)] {
            assert_eq!(MemberRef::parse(bad), Err(MemberRefError), "{bad}");
        }
    }

    #[test]
    fn relation_codes_are_two_digits() {
        assert!(RelationCode::parse("21").unwrap().is_child() && RelationCode::parse("38").unwrap().is_child());
        assert!(!RelationCode::parse("02").unwrap().is_child());
        for bad in ["", "0", "00", "2a", "021"] {
            assert!(RelationCode::parse(bad).is_err(), "{bad}");
        }
    }
}
