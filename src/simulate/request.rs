//! The request document of a case (`POST /v1/verifications`): the household, what it declares, and
//! the authorisation. What a department holds is not in it.

use std::fmt::Write as _;

use aws_lc_rs::digest;
use jiff::Span;
use jiff::civil::Date;
use serde::Serialize;

use super::case::{Case, ParameterSet};
use crate::domain::authorisation::{Authorisation, Signature, SignerCapacity};
use crate::domain::declaration::{Declaration, Prior};
use crate::domain::division::DivisionCode;
use crate::domain::household::{MemberRef, Place, RelationCode};
use crate::domain::period::age_on;
use crate::domain::purpose::Purpose;

/// A request for a verification, as a caseworker's system sends it.
#[derive(Clone, Serialize)]
pub struct Request {
    /// What the question is for.
    pub purpose: Purpose,
    /// The day of the assessment.
    pub assessment_date: Date,
    /// Where the household applies.
    pub place: Place,
    /// Name of the policy pack, where several are in force for the place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pack: Option<String>,
    /// Only emergency relief is asked for.
    pub emergency_only: bool,
    /// The household.
    pub household: RequestHousehold,
    /// What it declares.
    pub declaration: Declaration,
    /// Its authorisation.
    pub authorisation: Authorisation,
    /// Its past, from civil affairs' own register.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prior: Option<Prior>,
}

/// The household of a request.
#[derive(Clone, Serialize)]
pub struct RequestHousehold {
    /// Where it is registered.
    pub hukou_region: DivisionCode,
    /// Its members.
    pub members: Vec<RequestMember>,
}

/// A member of a request. No `Debug`: it holds an identity number.
#[derive(Clone, Serialize)]
pub struct RequestMember {
    /// How the request names the member.
    #[serde(rename = "ref")]
    pub reference: MemberRef,
    /// Identity number as given, perhaps not valid.
    pub id_number: String,
    /// Name.
    pub name: String,
    /// Date of birth.
    pub birth_date: Date,
    /// Relation to the head of household.
    pub relation_code: RelationCode,
}

/// Makes the request of a case.
pub fn of_case(
    case: &Case,
    parameters: &ParameterSet,
    names: &[String],
    declaration: Declaration,
    pack: Option<String>,
) -> Request {
    let members = case
        .household
        .members
        .iter()
        .zip(names)
        .map(|(member, name)| RequestMember {
            reference: member.member_id.clone(),
            id_number: member.id_number.0.clone(),
            name: name.clone(),
            birth_date: member.birth_date,
            relation_code: member.relation_code,
        })
        .collect();
    Request {
        purpose: Purpose::Dibao,
        assessment_date: case.assessment_date,
        place: Place { division_code: parameters.region_code, urban_rural: parameters.urban_rural },
        pack,
        emergency_only: case.emergency_only,
        household: RequestHousehold { hukou_region: case.household.hukou_region, members },
        declaration,
        authorisation: authorisation(case),
        prior: case.prior.clone(),
    }
}

/// Signed a week before the assessment, for as long as assistance could last, so that a trial can be run
/// on any later day: an authorisation must hold on the day departments are asked. A guardian signs for minors and, as next of kin,
/// for the dead who are still listed; without a signature no department may be asked about a person.
fn authorisation(case: &Case) -> Authorisation {
    let signed_on = case.assessment_date.saturating_sub(Span::new().days(7));
    let signatures = case
        .household
        .members
        .iter()
        .filter(|member| member.authorised)
        .map(|member| {
            let is_minor = age_on(member.birth_date, case.assessment_date) < 18;
            let capacity =
                if is_minor || member.death_date.is_some() { SignerCapacity::Guardian } else { SignerCapacity::Own };
            Signature { reference: member.member_id.clone(), capacity }
        })
        .collect();
    Authorisation {
        number: format!("SQ-{}", case.id),
        signed_on,
        valid_until: signed_on.saturating_add(Span::new().years(30)).yesterday().unwrap_or(signed_on),
        departments: None,
        evidence_digest: evidence_digest(&case.id),
        signatures,
    }
}

fn evidence_digest(case_id: &str) -> String {
    let form = format!("synthetic authorisation form of {case_id}");
    let digest = digest::digest(&digest::SHA256, form.as_bytes());
    digest.as_ref().iter().fold("sha256:".to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
}
