//! Telling another hub that an authorisation was revoked under which it was asked: what is said, the way there, and what its
//! signed answer means.
//!
//! It goes the way of a question: over mutual TLS, under a signed context for that hub alone, and its answer is signed.

use std::time::Duration;

use bytes::Bytes;
use connectors::context::{CONTEXT, Case, Context, Disclosure, Question, digest_of};
use connectors::signature::{CONTENT_DIGEST, SIGNATURE, SIGNATURE_INPUT, digests};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::ask::Federation;
use super::client::{Arrived, ClientOptions};
use super::proving::AnswerKeys;
use crate::domain::dataset::DepartmentId;
use crate::domain::division::DivisionCode;
use crate::egress::client::{Client, ClientError, Field};

/// Where a hub is told.
pub const REVOKE: &str = "/v1/authorisations:revoke";
/// The purpose of a context under which a revocation is told: no question has it, and no question's context passes here.
pub const PURPOSE: &str = "authorisation_revocation";

/// That an authorisation was revoked, as one hub tells another. Whose it is stands in the signed context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// The id of this telling.
    pub request_id: String,
    /// The number of the form, as it was asked under.
    pub authorisation: Number,
}

/// The number of an authorisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Number {
    /// The number.
    pub number: String,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// Nothing is asked under it any more, and what was remembered is forgotten.
    Revoked,
    /// Nothing was asked under it there.
    Unknown,
}

impl Told {
    /// As the log writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Unknown => "unknown",
        }
    }
}

/// A hub's answer to being told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The id of the telling.
    pub request_id: String,
    /// What came of it.
    pub state: Told,
    /// Since when it has been revoked there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
}

/// Whose authorisation was revoked, as its hub says.
#[derive(Debug, Clone, Copy)]
pub struct Whose<'a> {
    /// The organisation that asked under it.
    pub organisation: &'a str,
    /// Its division.
    pub division: DivisionCode,
    /// The number of the form.
    pub number: &'a str,
}

/// Why a hub could not be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untold {
    /// No such hub stands in the settings any more.
    #[error("no [[peer]] of this name has [peer.provides] any more")]
    NotConfigured,
    /// It cannot be reached, or is too busy.
    #[error("it does not answer now")]
    Unavailable,
    /// It refuses.
    #[error("it refuses with status {0}: {1}")]
    Refused(u16, String),
    /// Its answer is not what it must be.
    #[error("its answer is no answer: {0}")]
    Answer(&'static str),
}

impl Untold {
    /// Whether the same would come of telling it something else now.
    pub const fn is_of_the_hub(&self) -> bool {
        matches!(self, Self::NotConfigured | Self::Unavailable)
    }
}

/// The way to a hub that is told.
pub struct HubLine {
    hub: DepartmentId,
    client: Client,
    answer_keys: AnswerKeys,
    patience: Duration,
}

impl HubLine {
    /// A line on the terms on which it is asked, waiting so long for each answer.
    pub fn new(
        hub: DepartmentId,
        options: &ClientOptions<'_>,
        answer_keys: AnswerKeys,
        patience: Duration,
    ) -> Result<Self, ClientError> {
        let client = Client::new(options.to(REVOKE)?)?;
        // It is rare, and what it says ends what is still to be told: its signature is verified at once.
        Ok(Self { hub, client, answer_keys: AnswerKeys { before_use: true, ..answer_keys }, patience })
    }
}

impl Federation {
    /// Tells a hub that an authorisation was revoked. `id` names the telling.
    pub async fn tell_revoked(&self, hub: &str, whose: Whose<'_>, id: &str) -> Result<Answer, Untold> {
        let line = self.lines.iter().find(|line| line.hub.as_str() == hub).ok_or(Untold::NotConfigured)?;
        let number = Number { number: whose.number.to_owned() };
        let said = Revocation { request_id: id.to_owned(), authorisation: number };
        let body = Bytes::from(serde_json::to_vec(&said).expect("texts are JSON"));
        let (digest, told) = digests(&body);
        let mut salt = [0_u8; 16];
        self.signing.randomness.fill(&mut salt);
        let case = Case {
            verification: id.to_owned(),
            authorisation: digest_of(whose.number.as_bytes()),
            organisation: whose.organisation.to_owned(),
            division: whose.division.as_str().to_owned(),
            via: None,
            question: None,
        };
        let question = Question { aud: hub.to_owned(), jti: id.to_owned(), digest: told, cases: vec![case] };
        let disclosure = Disclosure::of(&question, salt);
        let signed = self.signing.signer.sign(PURPOSE, std::iter::once(&disclosure), self.clock.now().as_second());
        let fields = [(CONTEXT, signed.with(&disclosure)), (CONTENT_DIGEST, digest.clone())];
        let fields: Vec<Field> = fields.into_iter().filter_map(|(name, value)| Field::new(name, value)).collect();
        let answer = timeout(line.patience, line.client.post_with(body, &fields)).await;
        let answer = answer.map_err(|_| Untold::Unavailable)?.map_err(|_| Untold::Unavailable)?;
        match answer.status {
            200 => {}
            429 | 500..=599 => return Err(Untold::Unavailable),
            status => return Err(Untold::Refused(status, code(&answer.body))),
        }
        let fields = [CONTENT_DIGEST, SIGNATURE_INPUT, SIGNATURE].map(|name| answer.field(name).map(str::to_owned));
        let arrived = Arrived { body: answer.body, fields, times: answer.times };
        line.answer_keys.signed(id, &digest, &arrived).map_err(Untold::Answer)?;
        let said: Answer = serde_json::from_slice(&arrived.body)
            .map_err(|_| Untold::Answer("it does not have the form that is agreed"))?;
        if said.request_id == id { Ok(said) } else { Err(Untold::Answer("it is the answer to something else")) }
    }
}

/// The code of a problem, as far as it is fit for a log.
fn code(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Problem {
        code: String,
    }
    let told = serde_json::from_slice::<Problem>(body).map(|problem| problem.code).unwrap_or_default();
    told.chars().filter(|character| character.is_ascii_alphanumeric() || *character == '_').take(60).collect()
}

/// Whether a proven context is of this revocation.
pub fn is_signed_for(context: &Context, revocation: &Revocation) -> bool {
    let number = digest_of(revocation.authorisation.number.as_bytes());
    let [case] = context.question.cases.as_slice() else { return false };
    context.claims.purpose == PURPOSE && case.verification == revocation.request_id && case.authorisation == number
}
