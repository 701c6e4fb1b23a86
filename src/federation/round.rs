//! The questions of one round, made before the first is sent: one signature says of all of them who asks and what for.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use connectors::context::{CONTEXT, Case, ContextSigner, Disclosure, Question as Disclosed, SignedContext, digest_of};
use connectors::signature::{CONTENT_DIGEST, digests};
use tokio::time::Instant;

use super::ask::{Inquiry, MemberAnswers, Wanted};
use super::batch::{Party, PartyMember};
use super::cache::Person;
use super::plan::{DepartmentPlan, Plan};
use super::question::{AuthorisationBody, CaseBody, PersonBody, query_body};
use super::registry::Entered;
use crate::domain::authorisation::Authorisation;
use crate::domain::class::Class;
use crate::domain::clock::{Clock, Randomness};
use crate::domain::dataset::{Dataset, DepartmentId};
use crate::domain::division::DivisionCode;
use crate::domain::household::Member;
use crate::domain::purpose::Purpose;
use crate::egress::client::Field;

/// What signs the questions of a hub.
pub struct Signing {
    /// The signer.
    pub signer: ContextSigner,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Salts.
    pub randomness: Arc<dyn Randomness>,
}

/// A person in a question, with what the question says of them.
pub(super) struct AskedPerson<'a> {
    pub(super) member: &'a Member,
    pub(super) person: &'a Person,
    pub(super) datasets: Vec<&'a Dataset>,
    /// The same by their positions in the catalogue.
    pub(super) places: &'a [usize],
}

impl AskedPerson<'_> {
    /// `household` is where the household is registered, where a hub is asked: it is told of each person's division.
    fn body(&self, household: Option<DivisionCode>) -> PersonBody<'_> {
        PersonBody {
            reference: self.member.reference.as_str(),
            id_number: self.member.id_number.reveal(),
            name: &self.member.name,
            datasets: &self.datasets,
            case: None,
            division: household.map(|household| self.member.division.unwrap_or(household)),
        }
    }
}

/// What a question is about, beside what is known already.
pub(super) struct Known<'a> {
    /// What is known already.
    pub(super) found: Vec<MemberAnswers>,
    /// Who is asked about.
    pub(super) wanted: Vec<Wanted<'a>>,
    /// The same with what the question says of each.
    pub(super) people: Vec<AskedPerson<'a>>,
}

/// A question to one department, ready to be sent.
pub(super) struct Question<'a> {
    pub(super) department: &'a DepartmentPlan,
    /// Who is asked: the adapter counts as having something under way as long as the question is held.
    pub(super) entered: Entered,
    pub(super) known: Known<'a>,
    /// Its number among those to this department for this verification.
    pub(super) number: usize,
    /// Its id, which the answer must name.
    pub(super) id: String,
    pub(super) body: Bytes,
    /// `Content-Digest` of the body.
    pub(super) digest: String,
    disclosure: Disclosure,
}

/// What is sent to an adapter.
#[derive(Clone)]
pub(super) struct Outgoing {
    /// The body.
    pub(super) body: Bytes,
    /// Context and digest.
    pub(super) fields: [Field; 2],
}

impl<'a> Question<'a> {
    /// The question to a department about these people in a case, which is the same for the whole round. `salt` hides it
    /// from the other departments of the round.
    pub(super) fn new(
        plan: &Plan,
        department: &'a DepartmentPlan,
        inquiry: &Inquiry<'_>,
        (entered, known): (Entered, Known<'a>),
        (case, salt): (&Case, [u8; 16]),
    ) -> Self {
        let within = department.hub().map(|_| within(inquiry, entered.way.adapter.timeout));
        let household = within.map(|_| inquiry.household.hukou_region);
        let people = known.people.iter().map(|asked| asked.body(household));
        let body = query_body((case_body(inquiry), within), plan.purpose, plan.period, people);
        let number = inquiry.tally.next(department.asked());
        let id = inquiry.tally.question_id(inquiry.verification, department.asked().as_str(), number);
        let (digest, told) = digests(&body);
        let aud = department.asked().to_string();
        let disclosure =
            Disclosure::of(&Disclosed { aud, jti: id.clone(), digest: told, cases: vec![case.clone()] }, salt);
        Self { department, entered, known, number, id, body: Bytes::from(body), digest, disclosure }
    }
}

/// For which verification of whom is asked.
pub(super) fn case(inquiry: &Inquiry<'_>) -> Case {
    Case {
        verification: inquiry.verification.to_owned(),
        authorisation: digest_of(inquiry.authorisation.number.as_bytes()),
        organisation: inquiry.organisation.to_owned(),
        division: inquiry.division.as_str().to_owned(),
        via: inquiry.via.map(ToString::to_string),
        question: None,
    }
}

fn case_body<'a>(inquiry: &Inquiry<'a>) -> CaseBody<'a> {
    let Authorisation { number, valid_until, .. } = inquiry.authorisation;
    CaseBody {
        request_id: inquiry.verification,
        authorisation: AuthorisationBody { number, valid_until: *valid_until },
    }
}

/// A household that shares a query.
pub(super) fn party(inquiry: &Inquiry<'_>, question: &Question<'_>) -> Party {
    let member = |asked: &AskedPerson<'_>| PartyMember {
        id_number: asked.member.id_number.clone(),
        name: asked.member.name.clone(),
        datasets: asked.places.to_vec(),
    };
    Party {
        case: Case { question: Some(question.id.clone()), ..case(inquiry) },
        authorisation: (inquiry.authorisation.number.clone(), inquiry.authorisation.valid_until),
        people: question.known.people.iter().map(member).collect(),
        tally: inquiry.tally.clone(),
        number: question.number,
    }
}

impl Outgoing {
    fn new(body: &Bytes, context: String, digest: &str) -> Self {
        let field = |name, value| Field::new(name, value).expect("base64 and points are visible ASCII");
        Self { body: body.clone(), fields: [field(CONTEXT, context), field(CONTENT_DIGEST, digest.to_owned())] }
    }
}

impl Signing {
    /// What is sent for a question that is of no round: with a signature of its own. Says besides what `Content-Digest` is.
    pub(super) fn alone(
        &self,
        purpose: Purpose,
        (aud, jti): (String, String),
        cases: Vec<Case>,
        body: &Bytes,
    ) -> (Outgoing, String) {
        let mut salt = [0_u8; 16];
        self.randomness.fill(&mut salt);
        let (digest, told) = digests(body);
        let disclosure = Disclosure::of(&Disclosed { aud, jti, digest: told, cases }, salt);
        let signed = self.signer.sign(purpose.as_str(), std::iter::once(&disclosure), self.clock.now().as_second());
        (Outgoing::new(body, signed.with(&disclosure), &digest), digest)
    }
}

/// The questions of one round by department, in the order of the plan, and the one signature over them.
pub(super) struct Round {
    disclosures: Vec<Disclosure>,
    signed: OnceLock<SignedContext>,
}

impl Round {
    /// The round of these questions. Nothing is signed until one of them is sent.
    pub(super) fn of<'a>(questions: impl Iterator<Item = &'a Question<'a>>) -> Self {
        Self { disclosures: questions.map(|question| question.disclosure.clone()).collect(), signed: OnceLock::new() }
    }

    /// What is sent for one of its questions.
    pub(super) fn outgoing(&self, signing: &Signing, plan: &Plan, question: &Question<'_>) -> Outgoing {
        let signed = self.signed.get_or_init(|| {
            signing.signer.sign(plan.purpose.as_str(), self.disclosures.iter(), signing.clock.now().as_second())
        });
        Outgoing::new(&question.body, signed.with(&question.disclosure), &question.digest)
    }
}

/// Equal only for the same department, purpose, window, authorisation, persons, names and datasets. Persons
/// are in it as keyed hashes; what has no fixed length is preceded by it.
pub(super) fn flight_key(
    plan: &Plan,
    department: &DepartmentId,
    inquiry: &Inquiry<'_>,
    people: &[AskedPerson<'_>],
) -> Box<[u8]> {
    let mut key = Vec::with_capacity(160);
    let text = |key: &mut Vec<u8>, text: &str| {
        key.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        key.extend_from_slice(text.as_bytes());
    };
    text(&mut key, department.as_str());
    text(&mut key, plan.purpose.as_str());
    for day in [plan.period.from, plan.period.to] {
        key.extend_from_slice(&day.year().to_be_bytes());
        key.extend_from_slice(&[day.month().unsigned_abs(), day.day().unsigned_abs()]);
    }
    text(&mut key, &inquiry.authorisation.number);
    // Who has somebody waiting does not wait for what is asked in passing.
    key.push(u8::from(inquiry.class == Class::Background));
    for person in people {
        text(&mut key, person.member.reference.as_str());
        key.extend_from_slice(person.person.subject().bytes());
        key.extend_from_slice(&person.datasets.len().to_be_bytes());
        for dataset in &person.datasets {
            text(&mut key, dataset.id.as_str());
        }
    }
    key.into_boxed_slice()
}

/// How long the answer to a question is waited for.
fn within(inquiry: &Inquiry<'_>, timeout: Duration) -> Duration {
    inquiry.deadline.saturating_duration_since(Instant::now()).min(timeout)
}
