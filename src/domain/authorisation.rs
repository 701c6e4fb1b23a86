//! `Authorisation` (核对授权书): each adult's consent to be looked up, by department and purpose, for a time.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::dataset::DepartmentId;
use super::household::MemberRef;

/// In what capacity a signature was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SignerCapacity {
    /// The person signed.
    #[serde(rename = "SELF")]
    Own,
    /// A guardian signed for a minor or a person without full capacity.
    Guardian,
}

/// The signature of, or for, one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The member.
    #[serde(rename = "ref")]
    pub reference: MemberRef,
    /// Who signed.
    pub capacity: SignerCapacity,
}

/// How long an authorisation holds, as its form says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Validity {
    /// Until the decision on the application; whoever decides against it revokes the authorisation.
    Decision,
    /// As long as assistance is received.
    AssistancePeriod,
    /// Until a day.
    Date,
}

/// The household's authorisation for one verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Authorisation {
    /// Number of the form.
    pub number: String,
    /// The day it was signed.
    #[schema(value_type = String, format = Date)]
    pub signed_on: Date,
    /// The last day it holds.
    #[schema(value_type = String, format = Date)]
    pub valid_until: Date,
    /// The departments that may be asked; all of the catalogue when absent.
    #[serde(default)]
    pub departments: Option<Vec<DepartmentId>>,
    /// Digest of the scanned form, `sha256:` and 64 hexadecimal digits.
    pub evidence_digest: String,
    /// One signature a member.
    pub signatures: Vec<Signature>,
}

impl Authorisation {
    /// True when `member` signed, in person or through a guardian.
    pub fn is_signed_by(&self, member: &MemberRef) -> bool {
        self.signatures.iter().any(|signature| signature.reference == *member)
    }

    /// True when `department` may be asked.
    pub fn covers(&self, department: &DepartmentId) -> bool {
        self.departments.as_ref().is_none_or(|departments| departments.contains(department))
    }

    /// True on the days from signing to the last day, both included.
    pub fn is_valid_on(&self, day: Date) -> bool {
        self.signed_on <= day && day <= self.valid_until
    }
}

/// The number of a form without what makes no other form of it: spaces, width, case, what cannot be seen.
pub fn canonical_number(number: &str) -> String {
    let folded = number.chars().map(|character| match character {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character),
        other => other,
    });
    let seen = folded.filter(|character| {
        !character.is_whitespace()
            && !character.is_control()
            && !matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
    });
    seen.flat_map(char::to_lowercase).collect()
}
