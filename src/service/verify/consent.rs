//! Households' authorisations (核对授权书): registered, looked at, used by verifications, revoked.
//!
//! A revocation is durable before anything else; then what runs under it is stopped and what departments said
//! of its people is forgotten. A number that was revoked does not pass inside a request either.

use std::collections::{HashMap, HashSet};
use std::sync::{PoisonError, RwLock};

use aws_lc_rs::digest::{Context, SHA256, digest};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::error::ServiceError;
use super::super::request::document::{MemberDocument, RequestDocument};
use super::super::request::registration::Registration;
use super::{Caller, Verifications};
use crate::access_log::{AccessEvent, Action};
use crate::auth::access::{self, Object, authorise};
use crate::domain::actor::Client;
use crate::domain::authorisation::{Authorisation, Signature, Validity, canonical_number};
use crate::domain::dataset::DepartmentId;
use crate::domain::hex::hex;
use crate::domain::id_number::{IdNumber, Subject, SubjectKey};
use crate::domain::problem::{Finding, Text};
use crate::domain::purpose::Purpose;
use crate::seal::Field;
use crate::store::{AuthorisationRow, Revocation, StoreError};

/// Whether an authorisation may be used now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthorisationStatus {
    /// It holds.
    Valid,
    /// Its first day is still to come.
    NotYetValid,
    /// Its last day is past.
    Expired,
    /// It was revoked.
    Revoked,
}

/// A registered authorisation, as the client that registered it sees it. It names no person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RegisteredAuthorisation)]
pub struct AuthorisationView {
    /// Its id, for `authorisation_id` of a verification.
    pub id: String,
    /// Whether it may be used now.
    pub status: AuthorisationStatus,
    /// Number of the form.
    pub number: String,
    /// The day it was signed.
    #[schema(value_type = String, format = Date)]
    pub signed_on: Date,
    /// How long it holds, as the form says.
    pub validity: Validity,
    /// The last day it holds.
    #[schema(value_type = String, format = Date)]
    pub valid_until: Date,
    /// What the household may be verified for.
    pub purposes: Vec<Purpose>,
    /// The departments that may be asked; all of the catalogue when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub departments: Option<Vec<DepartmentId>>,
    /// Digest of the scanned form.
    pub evidence_digest: String,
    /// Keyed digest of the household's identity numbers and names: another household has another.
    pub household_digest: String,
    /// Who signed, by member.
    pub signatures: Vec<Signature>,
    /// When it was registered, UTC.
    #[schema(value_type = String, format = DateTime)]
    pub registered_at: Timestamp,
    /// When it was revoked, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
    /// The hubs of other regions that were asked under it and have not been told of its revocation yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hubs_to_tell: Vec<String>,
}

/// What the hub keeps at hand of authorisations.
pub(super) struct Consents {
    key: SubjectKey,
    /// Numbers that were revoked, by client.
    revoked: RwLock<HashMap<String, HashSet<String>>>,
    /// One registration at a time, so that a number is given once.
    registering: tokio::sync::Mutex<()>,
}

impl Consents {
    pub(super) fn new(key: SubjectKey) -> Self {
        Self { key, revoked: RwLock::default(), registering: tokio::sync::Mutex::default() }
    }

    /// The keyed digest of a household: its people under the names given, in whatever order.
    fn household<'a>(&self, people: impl Iterator<Item = (&'a IdNumber, &'a str)>) -> String {
        let mut subjects: Vec<Subject> = people.map(|(id, name)| id.subject_named(&self.key, name)).collect();
        subjects.sort_unstable_by_key(|subject| *subject.bytes());
        let mut all = Context::new(&SHA256);
        for subject in &subjects {
            all.update(subject.bytes());
        }
        hex(all.finish().as_ref())
    }
}

/// A request that rests on an authorisation that was revoked.
pub(super) fn revoked(pointer: &str) -> ServiceError {
    refused(
        pointer,
        "authorisation_revoked",
        Text::new(
            "该授权书已被撤销，不得再用于核对；请由家庭重新签署。",
            "this authorisation was revoked and may not be used any more; let the household sign a new one.",
        ),
    )
}

/// What is owed may not be asked for any more.
pub(super) fn not_covered() -> ServiceError {
    refused(
        "",
        "authorisation_ended",
        Text::new(
            "该核对所依据的授权书已撤销或到期，不得再向部门查询；请由家庭重新签署后发起新的核对。",
            "the authorisation of this verification was revoked or has ended, so departments may not be asked again; let the household sign a new one and ask for a new verification.",
        ),
    )
}

fn refused(pointer: &str, code: &'static str, detail: Text) -> ServiceError {
    ServiceError::Invalid(vec![Finding { pointer: pointer.to_owned(), code, detail }])
}

/// Whether an authorisation is there for this client.
fn may_use(client: &Client, row: &AuthorisationRow) -> bool {
    let object = Object::Authorisation { client: &row.client_id, division: row.division };
    authorise(client, access::Action::UseAuthorisation, &object).is_permit()
}

impl Verifications {
    /// Reads which authorisations were revoked; for the start, before requests are taken.
    pub async fn load_revocations(&self) -> Result<(), StoreError> {
        for (client, number) in self.parts.store.revoked_numbers().await? {
            self.note_revoked(client, number);
        }
        Ok(())
    }

    fn note_revoked(&self, client: String, number: String) {
        let number = canonical_number(&number);
        let mut revoked = self.consents.revoked.write().unwrap_or_else(PoisonError::into_inner);
        revoked.entry(client).or_default().insert(number);
    }

    /// Whether this client's authorisation of this number was revoked.
    pub(super) fn is_revoked(&self, client: &str, number: &str) -> bool {
        let revoked = self.consents.revoked.read().unwrap_or_else(PoisonError::into_inner);
        revoked.get(client).is_some_and(|numbers| numbers.contains(&canonical_number(number)))
    }

    /// Registers the authorisation of a household. The same document again is the same authorisation; `true` says
    /// that it is new.
    pub async fn register_authorisation(
        &self,
        caller: Caller<'_>,
        body: &[u8],
    ) -> Result<(AuthorisationView, bool), ServiceError> {
        let catalogue = self.parts.federation.catalogue();
        let registration = Registration::parse(body, catalogue).map_err(ServiceError::Invalid)?;
        registration.check_signers().map_err(ServiceError::Invalid)?;
        let object = Object::Registration { purposes: &registration.purposes };
        authorise(caller.client, access::Action::RegisterAuthorisation, &object).check()?;
        let digest = hex(digest(&SHA256, body).as_ref());
        let number = canonical_number(&registration.authorisation.number);
        let _alone = self.consents.registering.lock().await;
        let (client, division) = (&caller.client.id, caller.client.division);
        if let Some(row) = self.parts.store.authorisation_numbered(client, division, &number).await? {
            if row.erased_at.is_some() || row.digest != digest {
                return Err(ServiceError::AuthorisationNumberTaken);
            }
            self.record_authorisation(caller, Action::Viewed, &row, &registration).await?;
            return Ok((self.authorisation_view(&row, registration).await?, false));
        }
        let id = self.parts.ids.next("au");
        let (key, wrapped_key) = self.parts.sealer.new_data_key(&id)?;
        let row = AuthorisationRow {
            client_id: caller.client.id.clone(),
            division,
            number,
            digest,
            registered_at: self.parts.clock.now().as_microsecond(),
            wrapped_key,
            body: self.parts.sealer.seal(&key, &id, Field::Authorisation, body)?,
            revoked_at: None,
            valid_until: Some(registration.authorisation.valid_until.to_string()),
            erased_at: None,
            id,
        };
        let event = self.authorisation_event(caller, Action::AuthorisationRegistered, &row, &registration)?;
        self.parts.store.register_authorisation(row.clone(), vec![event]).await?;
        Ok((self.authorisation_view(&row, registration).await?, true))
    }

    /// An authorisation of this client.
    pub async fn authorisation(&self, caller: Caller<'_>, id: &str) -> Result<AuthorisationView, ServiceError> {
        let (row, registration) = self.own_authorisation(caller.client, id).await?;
        self.record_authorisation(caller, Action::Viewed, &row, &registration).await?;
        self.authorisation_view(&row, registration).await
    }

    /// Revokes an authorisation of this client. Verifications under it that run are stopped, what departments said of its
    /// people is forgotten, and the hubs of other regions that were asked under it are told to do the same. Revoked again, it stays revoked since the first time.
    pub async fn revoke_authorisation(&self, caller: Caller<'_>, id: &str) -> Result<AuthorisationView, ServiceError> {
        let (mut row, registration) = self.own_authorisation(caller.client, id).await?;
        if row.revoked_at.is_none() {
            let revoked_at = self.parts.clock.now().as_microsecond();
            let event = self.authorisation_event(caller, Action::AuthorisationRevoked, &row, &registration)?;
            let revocation = Revocation { id: row.id.clone(), revoked_at };
            self.parts.store.revoke_authorisation(revocation, vec![event]).await?;
            row.revoked_at = Some(revoked_at);
        }
        self.note_revoked(row.client_id.clone(), row.number.clone());
        for table in [&self.running, &self.follow_ups.again] {
            for running in table.resting_on(&row.client_id, &row.number) {
                running.revoked.cancel();
            }
        }
        self.parts.federation.forget(registration.members.iter());
        self.authorisation_view(&row, registration).await
    }

    /// The authorisation that a request names, as it covers this request's household; refused before anybody is
    /// asked when it is unknown, revoked, for another household or for other purposes.
    pub(super) async fn registered(
        &self,
        client: &Client,
        id: &str,
        document: &RequestDocument,
    ) -> Result<Authorisation, ServiceError> {
        let pointer = "/authorisation_id";
        let (row, registration) = match self.own_authorisation(client, id).await {
            Err(ServiceError::NoAuthorisation) => {
                let unknown =
                    Text::new("本系统没有登记过这份授权书。", "this client registered no authorisation of this id.");
                return Err(refused(pointer, "unknown_authorisation", unknown));
            }
            Err(ServiceError::AuthorisationErased) => {
                let erased = Text::new(
                    "该授权书已失效并销毁；请由家庭重新签署。",
                    "this authorisation had ended and was erased; let the household sign a new one.",
                );
                return Err(refused(pointer, "authorisation_erased", erased));
            }
            found => found?,
        };
        if row.revoked_at.is_some() {
            return Err(revoked(pointer));
        }
        if !registration.purposes.contains(&document.purpose) {
            return Err(refused(
                pointer,
                "purpose_not_authorised",
                Text::new(
                    "家庭没有授权以此目的核对。",
                    "the household did not authorise a verification for this purpose.",
                ),
            ));
        }
        let mut authorisation = registration.authorisation;
        let parsed = |member: &MemberDocument| IdNumber::parse(&member.id_number).ok();
        let Some(numbers) = document.household.members.iter().map(parsed).collect::<Option<Vec<_>>>() else {
            // The numbers themselves are wrong: that is told with the other faults of the request.
            return Ok(authorisation);
        };
        let asked = numbers.iter().zip(&document.household.members).map(|(id, member)| (id, member.name.trim()));
        let signed_for = registration.members.iter().map(|member| (&member.id_number, member.name.as_str()));
        if self.consents.household(asked) != self.consents.household(signed_for) {
            return Err(refused(
                pointer,
                "authorisation_of_another_household",
                Text::new(
                    "授权书是为另一个家庭签署的：成员、姓名或身份号码已有变化，原授权失效，请重新签署。",
                    "the authorisation was signed for another household: members, names or identity numbers differ, so it does not hold; let the household sign a new one.",
                ),
            ));
        }
        // The form and the request may name the members differently.
        for signature in &mut authorisation.signatures {
            let signer = registration.members.iter().find(|member| member.reference == signature.reference);
            let place = signer.and_then(|signer| numbers.iter().position(|number| *number == signer.id_number));
            if let Some(member) = place.and_then(|place| document.household.members.get(place)) {
                signature.reference = member.reference.clone();
            }
        }
        Ok(authorisation)
    }

    async fn own_authorisation(
        &self,
        client: &Client,
        id: &str,
    ) -> Result<(AuthorisationRow, Registration), ServiceError> {
        let row = self.parts.store.authorisation(id).await?.filter(|row| may_use(client, row));
        let row = row.ok_or(ServiceError::NoAuthorisation)?;
        if row.erased_at.is_some() {
            return Err(ServiceError::AuthorisationErased);
        }
        let key = self.parts.sealer.open_data_key(&row.id, &row.wrapped_key)?;
        let body = key.open(&row.id, Field::Authorisation, &row.body)?;
        let registration = Registration::parse(&body, self.parts.federation.catalogue())
            .map_err(|_| StoreError::Corrupt("authorisation"))?;
        Ok((row, registration))
    }

    async fn record_authorisation(
        &self,
        caller: Caller<'_>,
        action: Action,
        row: &AuthorisationRow,
        registration: &Registration,
    ) -> Result<(), StoreError> {
        let event = self.authorisation_event(caller, action, row, registration)?;
        self.parts.store.record_events(vec![event]).await
    }

    fn authorisation_event(
        &self,
        caller: Caller<'_>,
        action: Action,
        row: &AuthorisationRow,
        registration: &Registration,
    ) -> Result<crate::store::EventRow, StoreError> {
        let subjects: Vec<Subject> =
            registration.members.iter().map(|member| member.id_number.subject(&self.log_key)).collect();
        let at = self.parts.clock.now();
        let mut event = AccessEvent::new(self.parts.ids.next("ev"), at, action, Some(caller.client), caller.request_id);
        event.authorisation = Some(&registration.authorisation.number);
        event.object = Some(&row.id);
        event.subjects = &subjects;
        event.to_row()
    }

    async fn authorisation_view(
        &self,
        row: &AuthorisationRow,
        registration: Registration,
    ) -> Result<AuthorisationView, ServiceError> {
        let time = |at| Timestamp::from_microsecond(at).map_err(|_| StoreError::Corrupt("time"));
        let today = self.today();
        let people = registration.members.iter().map(|member| (&member.id_number, member.name.as_str()));
        let household_digest = self.consents.household(people);
        let authorisation = registration.authorisation;
        let status = match row.revoked_at {
            Some(_) => AuthorisationStatus::Revoked,
            None if today < authorisation.signed_on => AuthorisationStatus::NotYetValid,
            None if today > authorisation.valid_until => AuthorisationStatus::Expired,
            None => AuthorisationStatus::Valid,
        };
        let hubs_to_tell = match row.revoked_at {
            Some(_) => self.parts.store.hubs_to_tell(&row.client_id, &row.number).await?,
            None => Vec::new(),
        };
        Ok(AuthorisationView {
            id: row.id.clone(),
            status,
            number: authorisation.number,
            signed_on: authorisation.signed_on,
            validity: registration.validity,
            valid_until: authorisation.valid_until,
            purposes: registration.purposes,
            departments: authorisation.departments,
            evidence_digest: authorisation.evidence_digest,
            household_digest,
            signatures: authorisation.signatures,
            registered_at: time(row.registered_at)?,
            revoked_at: row.revoked_at.map(time).transpose()?,
            hubs_to_tell,
        })
    }
}
