//! The request document as it stands on the wire (`OpenAPI` `VerificationRequest`).

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::authorisation::Authorisation;
use crate::domain::context::AccessContext;
use crate::domain::declaration::{Declaration, Prior};
use crate::domain::disclosure::Disclosure;
use crate::domain::division::DivisionCode;
use crate::domain::household::{MemberRef, Place, RelationCode};
use crate::domain::purpose::Purpose;

/// A request to verify one household.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = VerificationRequest)]
#[serde(deny_unknown_fields)]
pub struct RequestDocument {
    /// What the verification is for.
    pub purpose: Purpose,
    /// The day of the assessment; today in China when absent. Never in the future.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub assessment_date: Option<Date>,
    /// Where the application is made; it chooses the standards.
    pub place: Place,
    /// Name of a policy pack, for a place where several are in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack: Option<String>,
    /// Only emergency relief is asked for; authorisations may follow later.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub emergency_only: bool,
    /// How much is asked: everything side by side (`full`, the default), or only what could still change the
    /// verdict (`minimal`).
    #[serde(default, skip_serializing_if = "Disclosure::is_full")]
    pub disclosure: Disclosure,
    /// The household.
    pub household: HouseholdDocument,
    /// What the household declares (申报).
    pub declaration: Declaration,
    /// The household's authorisation (核对授权书). Either this or `authorisation_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorisation: Option<Authorisation>,
    /// The id of an authorisation that was registered with `POST /v1/authorisations`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "au_01a216abdd5a7abb906377f77bd76213")]
    pub authorisation_id: Option<String>,
    /// What civil affairs' own register knows of the household's past.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior: Option<Prior>,
    /// Who asks and on which case, for the access log: what lets officers tell work from curiosity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<AccessContext>,
}

/// The household on the wire.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Household)]
#[serde(deny_unknown_fields)]
pub struct HouseholdDocument {
    /// Division in which the household is registered (户籍所在地).
    #[schema(value_type = String, pattern = "^[0-9]{6}$", example = "152201")]
    pub hukou_region: DivisionCode,
    /// The members living together, 1 to 30.
    #[schema(min_items = 1, max_items = 30)]
    pub members: Vec<MemberDocument>,
}

/// A member on the wire.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Member)]
#[serde(deny_unknown_fields)]
pub struct MemberDocument {
    /// How the rest of the request names the member.
    #[serde(rename = "ref")]
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{1,40}$", example = "m1")]
    pub reference: MemberRef,
    /// Identity number (GB 11643). Spaces, full-width digits and a lower-case x are forgiven.
    #[schema(example = "150000198605021015")]
    pub id_number: String,
    /// Name as registered, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Date of birth; compared with the identity number when given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub birth_date: Option<Date>,
    /// Relation to the head of household (GB/T 4761-2008).
    #[schema(value_type = String, pattern = "^[0-9]{2}$", example = "02")]
    pub relation_code: RelationCode,
    /// The division whose departments hold the member's records (户籍或参保所在地), where that is another than the
    /// household's `hukou_region`: its departments are asked, through the hub of that region where it is not this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = "^[0-9]{6}$", example = "230103")]
    pub division: Option<DivisionCode>,
}
