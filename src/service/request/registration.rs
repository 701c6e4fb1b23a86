//! The registration of a household's authorisation (核对授权书): its document, and what must be true of it.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::document::HouseholdDocument;
use super::sound::{self, Findings};
use super::{diagnose, shape};
use crate::domain::authorisation::{Authorisation, Signature, Validity};
use crate::domain::dataset::{Catalogue, DepartmentId};
use crate::domain::household::Member;
use crate::domain::problem::Finding;
use crate::domain::purpose::Purpose;

/// The authorisation of a household, to be registered before it is verified.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = AuthorisationRegistration)]
#[serde(deny_unknown_fields)]
pub struct RegistrationDocument {
    /// Number of the form; a client registers a number once.
    #[schema(min_length = 1, max_length = 100)]
    pub number: String,
    /// The day it was signed.
    #[schema(value_type = String, format = Date)]
    pub signed_on: Date,
    /// How long it holds, as the form says.
    pub validity: Validity,
    /// The last day it holds, whatever `validity` says.
    #[schema(value_type = String, format = Date)]
    pub valid_until: Date,
    /// What the household may be verified for.
    pub purposes: Vec<Purpose>,
    /// The departments that may be asked; all of the catalogue when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub departments: Option<Vec<DepartmentId>>,
    /// Digest of the scanned form, `sha256:` and 64 hexadecimal digits.
    pub evidence_digest: String,
    /// The household it was signed for. A household that changed needs a new authorisation.
    pub household: HouseholdDocument,
    /// One signature a member.
    pub signatures: Vec<Signature>,
}

/// A sound registration.
pub(in crate::service) struct Registration {
    /// The authorisation as a verification uses it.
    pub(in crate::service) authorisation: Authorisation,
    /// How long it holds, as the form says.
    pub(in crate::service) validity: Validity,
    /// What the household may be verified for.
    pub(in crate::service) purposes: Vec<Purpose>,
    /// The members it was signed for.
    pub(in crate::service) members: Vec<Member>,
}

impl Registration {
    /// Parses and checks a registration; every fault is found.
    pub(in crate::service) fn parse(body: &[u8], catalogue: &Catalogue) -> Result<Self, Vec<Finding>> {
        let document: RegistrationDocument = match serde_json::from_slice(body) {
            Ok(document) => document,
            Err(error) => return Err(diagnose(body, &shape::REGISTRATION, &error)),
        };
        let mut findings = Findings::default();
        let members = sound::members(&document.household.members, &mut findings);
        if document.purposes.is_empty() {
            findings.add(
                "/purposes",
                "wrong_size",
                "至少写明一项核对目的。",
                "name at least one purpose the household agreed to.",
            );
        }
        let authorisation = Authorisation {
            number: document.number,
            signed_on: document.signed_on,
            valid_until: document.valid_until,
            departments: document.departments,
            evidence_digest: document.evidence_digest,
            signatures: document.signatures,
        };
        sound::authorisation("", &authorisation, catalogue, &mut findings);
        for (index, signature) in authorisation.signatures.iter().enumerate() {
            if !document.household.members.iter().any(|member| member.reference == signature.reference) {
                findings.unknown_reference(format!("/signatures/{index}/ref"));
            }
        }
        if authorisation.signatures.is_empty() {
            findings.add("/signatures", "wrong_size", "至少有一名成员签字。", "at least one member must have signed.");
        }
        findings.none_or(Self { authorisation, validity: document.validity, purposes: document.purposes, members })
    }

    /// Whether everybody who signed alone was old enough to; for what is registered now, not for what is read again.
    pub(in crate::service) fn check_signers(&self) -> Result<(), Vec<Finding>> {
        let mut findings = Findings::default();
        sound::signers(&self.authorisation, &self.members, &mut findings);
        findings.none_or(())
    }
}
