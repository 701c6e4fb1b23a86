//! One question on its way: within the quotas, together with other households' or alone, through the door, and copied to
//! a shadow where it is its turn.

use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use super::adapter::{Adapter, Sharing};
use super::ask::{Federation, Inquiry, Landed};
use super::batch::{BatchKey, Form, NotCarried, Terminal};
use super::client::Arrived;
use super::decode::{Asked, Rejected, decode_each};
use super::failure::{Failure, Sign};
use super::plan::Plan;
use super::round::{AskedPerson, Question, Round, party};
use super::shadow::Copied;
use crate::domain::dataset::DepartmentId;
use crate::domain::outcome::{Answer, GapReason, Missed};
use crate::domain::proof::AnswerProof;

impl Federation {
    /// Asks, within the quotas, and lets the shadow be asked the same where it is its turn.
    pub(super) async fn lead(
        &self,
        plan: &Plan,
        inquiry: &Inquiry<'_>,
        round: &Round,
        question: &Question<'_>,
        deadline: Instant,
    ) -> Result<Arc<Landed>, Missed> {
        let (entered, tally, id) = (&question.entered, inquiry.tally, &question.department.department);
        let adapter = &entered.way.adapter;
        self.registry.take(&entered.way, inquiry.caller, plan.purpose, self.clock.now())?;
        let carried = if adapter.gains_by_sharing(inquiry.class) {
            self.share(plan, inquiry, question, deadline).await
        } else {
            Err(NotCarried::AskAlone)
        };
        let result = match carried {
            Ok(landed) => Ok(landed),
            Err(NotCarried::Gap(reason)) => Err(reason),
            Err(NotCarried::AskAlone) => {
                let urgency = (inquiry.class, Sharing::Alone);
                let outgoing = || round.outgoing(&self.signing, plan, question);
                let sent = || tally.sent(id, question.number, question.known.people.len());
                let read = |arrived: Arrived| self.admit(adapter, inquiry, question, arrived);
                adapter.call(urgency, outgoing, deadline, sent, read).await.map_err(|failure| failure.reason)
            }
        };
        tally.ended(id, question.number, result.as_ref().err().copied());
        if let Ok(landed) = &result {
            for beside in entered.beside.iter().flatten().filter(|beside| beside.is_next()) {
                let answers = landed.iter().map(|(_, answers)| answers.clone());
                self.registry.copy(Copied::of(beside, plan, inquiry, question, answers));
            }
        }
        result.map_err(Missed::from)
    }

    /// Asks together with other households that have to wait as well.
    async fn share(
        &self,
        plan: &Plan,
        inquiry: &Inquiry<'_>,
        question: &Question<'_>,
        deadline: Instant,
    ) -> Result<Arc<Landed>, NotCarried> {
        let form = Form {
            department: question.department.department.clone(),
            catalogue: Arc::clone(&self.catalogue),
            signing: Arc::clone(&self.signing),
        };
        let terminal = Terminal { adapter: Arc::clone(&question.entered.way.adapter), form };
        let key = BatchKey { purpose: plan.purpose, period: plan.period };
        let carried = timeout_at(deadline, terminal.ask(inquiry.class, key, party(inquiry, question))).await;
        let answers = carried.unwrap_or(Err(NotCarried::Gap(GapReason::Timeout)))?;
        let answers = answers.into_iter().collect::<Result<Vec<_>, _>>().map_err(NotCarried::Gap)?;
        Ok(keep(&question.department.department, &question.known.people, answers))
    }

    /// Checks an answer at the door, and keeps it.
    fn admit(
        &self,
        adapter: &Adapter,
        inquiry: &Inquiry<'_>,
        question: &Question<'_>,
        arrived: Arrived,
    ) -> Result<Arc<Landed>, Failure> {
        let department = &question.department.department;
        let (people, now) = (&question.known.people, self.clock.now());
        let asked: Vec<Asked<'_>> = people
            .iter()
            .map(|asked| Asked {
                reference: asked.member.reference.as_str(),
                id_number: &asked.member.id_number,
                datasets: &asked.datasets,
            })
            .collect();
        let refused = |reason: GapReason, detail: &str| {
            tracing::warn!(%department, %reason, detail, "answer of a department was refused");
            reason
        };
        let signed = adapter
            .answer_keys
            .signed(&question.id, &question.digest, &arrived)
            .map_err(|detail| Failure { reason: refused(GapReason::Malformed, detail), sign: Sign::Broken })?;
        let proof = signed
            .map(|signed| Arc::new(AnswerProof::new(department.clone(), inquiry.verification.to_owned(), signed, now)));
        let no_use = |rejected: Rejected| {
            // A record about one person that is no use says nothing of the department: who asks about that person again
            // and again must not be able to shut it to everybody.
            let sign = if rejected.is_whole { Sign::Broken } else { Sign::Well };
            Failure { reason: refused(rejected.reason, &rejected.detail), sign }
        };
        let of_answer = (now, proof.as_ref());
        let each = decode_each(department.as_str(), inquiry.verification, &asked, &arrived.body, of_answer);
        let each = each.map_err(no_use)?;
        adapter.health.heard(&each);
        let answers = each.into_iter().collect::<Result<Vec<_>, _>>().map_err(no_use)?;
        if let Some(proof) = &proof {
            proof.hold_body(arrived.body);
            if !adapter.answer_keys.before_use {
                self.proving.take(proof);
            }
        }
        Ok(keep(department, people, answers))
    }
}

/// Keeps what was said of these people, in their order.
fn keep(department: &DepartmentId, people: &[AskedPerson<'_>], answers: Vec<Vec<Arc<Answer>>>) -> Arc<Landed> {
    let landed = people.iter().zip(answers).map(|(asked, answers)| {
        asked.person.keep(department, &answers);
        (asked.person.subject(), answers)
    });
    Arc::new(landed.collect())
}
