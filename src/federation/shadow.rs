//! Shadow questions: a copy of what the live adapter was asked, put to another one of the same department, and how far its
//! answers agree. They are compared person by person and dataset by dataset in canonical form, counted, and thrown away: no
//! verdict, no cache and no caller ever sees them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use connectors::context::Case;
use tokio::time::Instant;

use super::adapter::Sharing;
use super::ask::{Federation, Inquiry};
use super::client::Arrived;
use super::decode::{Asked, Rejected, decode_each};
use super::failure::{Failure, Sign};
use super::plan::Plan;
use super::proving::{Evidence, SignatureState};
use super::registry::Shadow;
use super::round::{Question, case};
use crate::domain::class::Class;
use crate::domain::dataset::{Dataset, DatasetId, DepartmentId};
use crate::domain::id_number::IdNumber;
use crate::domain::outcome::{Answer, GapReason, Missed};
use crate::domain::purpose::Purpose;

/// The copy of a question that the live adapter has answered.
pub struct Copied {
    /// The department.
    pub department: DepartmentId,
    /// Who is to be asked too.
    pub shadow: Arc<Shadow>,
    /// The verification that asked.
    pub verification: String,
    /// The client that asked.
    pub caller: String,
    /// What it asked for.
    pub purpose: Purpose,
    /// Its own id: the verification, the adapter in whose name it is asked, and the number of the copied one.
    pub(super) question: String,
    /// For which verification of whom it is asked.
    pub(super) case: Case,
    /// The question, word by word.
    pub(super) body: Bytes,
    /// The people in it, with what the live adapter said of each.
    pub(super) people: Vec<CopiedPerson>,
}

/// A person of a copied question.
pub(super) struct CopiedPerson {
    pub(super) reference: String,
    pub(super) id_number: IdNumber,
    /// What is asked about the person, by positions in the catalogue.
    pub(super) datasets: Vec<usize>,
    /// What the live adapter said; nothing where there is none.
    pub(super) answers: Vec<Arc<Answer>>,
}

/// What came of one dataset of a shadow question, over all its people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// People of whom both said the same.
    pub agreed: u64,
    /// People of whom they said otherwise.
    pub differed: u64,
}

/// What came of a shadow question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared {
    /// It answered.
    Answered {
        /// How far it agrees, dataset by dataset.
        datasets: Vec<(DatasetId, Tally)>,
        /// How long it took.
        took: Duration,
    },
    /// It did not, or with nothing that is an answer.
    Missed(Missed),
}

impl Copied {
    /// The copy of a question that was answered; the answers are in the order of its people.
    pub(super) fn of(
        shadow: &Arc<Shadow>,
        plan: &Plan,
        inquiry: &Inquiry<'_>,
        question: &Question<'_>,
        answers: impl Iterator<Item = Vec<Arc<Answer>>>,
    ) -> Self {
        let people = question.known.people.iter().zip(answers).map(|(asked, answers)| CopiedPerson {
            reference: asked.member.reference.as_str().to_owned(),
            id_number: asked.member.id_number.clone(),
            datasets: asked.places.to_vec(),
            answers,
        });
        Self {
            department: question.department.department.clone(),
            shadow: Arc::clone(shadow),
            verification: inquiry.verification.to_owned(),
            caller: inquiry.caller.to_owned(),
            purpose: plan.purpose,
            question: inquiry.tally.question_id(inquiry.verification, &shadow.way.owner, question.number),
            case: case(inquiry),
            body: question.body.clone(),
            people: people.collect(),
        }
    }

    /// The id of the question as the department is told it.
    pub fn question(&self) -> &str {
        &self.question
    }
}

impl Federation {
    /// Whether the shadow may be asked this question: it is not shut, and its quotas leave room, of which this takes one.
    pub fn may_ask_shadow(&self, copied: &Copied) -> Result<(), Missed> {
        let (way, now) = (&copied.shadow.way, self.clock.now());
        match way.agreement.shut(now) {
            Some(told) => Err(Missed { reason: GapReason::Unavailable, told: Some(Arc::new(told)) }),
            None => self.registry().take(way, &copied.caller, copied.purpose, now),
        }
    }

    /// Puts a copied question to the shadow and compares what it says.
    pub async fn ask_shadow(&self, copied: &Copied) -> Compared {
        let adapter = &copied.shadow.way.adapter;
        let begun = Instant::now();
        let deadline = begun + adapter.timeout.min(Duration::from_mins(1));
        // The live one's context names its question, and may have come to its end meanwhile.
        let to = (copied.department.to_string(), copied.question.clone());
        let (outgoing, digest) = self.signing.alone(copied.purpose, to, vec![copied.case.clone()], &copied.body);
        let read = |arrived: Arrived| self.read_shadow(copied, &digest, &arrived);
        match adapter.call((Class::Single, Sharing::Alone), || outgoing, deadline, || {}, read).await {
            Ok(answers) => Compared::Answered { datasets: compare(&copied.people, &answers), took: begun.elapsed() },
            Err(failure) => Compared::Missed(failure.reason.into()),
        }
    }

    fn read_shadow(
        &self,
        copied: &Copied,
        question_digest: &str,
        arrived: &Arrived,
    ) -> Result<Vec<Vec<Arc<Answer>>>, Failure> {
        let broken = Failure { reason: GapReason::Malformed, sign: Sign::Broken };
        let keys = &copied.shadow.way.adapter.answer_keys;
        let signed = keys.signed(&copied.question, question_digest, arrived).map_err(|detail| {
            tracing::warn!(department = %copied.department, detail, "answer of a shadow was refused");
            broken
        })?;
        // Nobody waits for a shadow: its signatures are verified at once, so that a wrong one shows before it is live.
        if signed.is_some_and(|signed| Evidence::from(&signed).verify(&keys.keys).1 != SignatureState::Valid) {
            return Err(broken);
        }
        let catalogue = self.catalogue();
        let datasets_of = |person: &CopiedPerson| -> Vec<&Dataset> {
            person.datasets.iter().filter_map(|place| catalogue.datasets().get(*place)).collect()
        };
        let datasets: Vec<Vec<&Dataset>> = copied.people.iter().map(datasets_of).collect();
        let people = copied.people.iter().zip(&datasets);
        let asked: Vec<Asked<'_>> = people
            .map(|(person, datasets)| Asked { reference: &person.reference, id_number: &person.id_number, datasets })
            .collect();
        let no_use = |rejected: Rejected| Failure {
            reason: rejected.reason,
            sign: if rejected.is_whole { Sign::Broken } else { Sign::Well },
        };
        let (department, verification) = (copied.department.as_str(), &copied.verification);
        let each = decode_each(department, verification, &asked, &arrived.body, (self.clock.now(), None));
        let each = each.map_err(no_use)?;
        copied.shadow.way.adapter.health.heard(&each);
        each.into_iter().collect::<Result<_, _>>().map_err(no_use)
    }
}

/// How far two adapters agree on the same people.
fn compare(live: &[CopiedPerson], shadow: &[Vec<Arc<Answer>>]) -> Vec<(DatasetId, Tally)> {
    let mut found: Vec<(DatasetId, Tally)> = Vec::new();
    for (person, others) in live.iter().zip(shadow) {
        for answer in &person.answers {
            let other = others.iter().find(|other| other.dataset == answer.dataset);
            let agrees = other.is_some_and(|other| canonical(answer).is_some_and(|own| canonical(other) == Some(own)));
            let place = found.iter().position(|(dataset, _)| *dataset == answer.dataset).unwrap_or_else(|| {
                found.push((answer.dataset.clone(), Tally::default()));
                found.len() - 1
            });
            if let Some((_, counted)) = found.get_mut(place) {
                if agrees { counted.agreed += 1 } else { counted.differed += 1 }
            }
        }
    }
    found
}

/// The facts of an answer as texts in one order, whatever order and spelling the department chose; none where one of them
/// cannot be told, which then agrees with nothing.
fn canonical(answer: &Answer) -> Option<Vec<String>> {
    let texts = answer.facts.iter().map(|fact| serde_json_canonicalizer::to_string(fact).ok());
    let mut facts: Vec<String> = texts.collect::<Option<_>>()?;
    facts.sort_unstable();
    Some(facts)
}
