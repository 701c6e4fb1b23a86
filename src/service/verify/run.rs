//! The way of one verification from plan to outcome: ask, assemble, judge, seal, record.

use jiff::Timestamp;
use serde::Serialize;

use super::super::answer::{DepartmentRow, VerificationAnswer, VerificationStatus, emergency_exemption, notice, rows};
use super::super::assemble::assemble;
use super::super::case::Case;
use super::super::disclosure::Inquest;
use super::super::judge;
use super::super::kept::{OutcomeParts, kept_outcome};
use super::super::provenance::kept_proofs;
use super::super::running::{Finished, Running};
use super::inquest::Planned;
use super::{Caller, FollowUpView, Verifications, questions, sealed_as};
use crate::access_log::{Action, DepartmentOutcome as LoggedOutcome};
use crate::domain::actor::{Client, Role};
use crate::domain::class::Class;
use crate::domain::dataset::DepartmentId;
use crate::federation::tally::{DepartmentTally, Tally};
use crate::policy::Parameters;
use crate::seal::{DataKey, Field};
use crate::store::{EventRow, OutcomeRow, StoreError};
use crate::verdict::comparison::compare;
use crate::verdict::gate::Gate;
use crate::verdict::{self, ENGINE_VERSION, Status, explain};

/// The end of a verification, before it is durable.
pub(super) struct Conclusion {
    /// The answer for the caller.
    pub(super) answer: Finished,
    /// The outcome, sealed.
    pub(super) outcome: OutcomeRow,
    /// The event that releases it.
    pub(super) released: EventRow,
    /// The status of its verdict.
    pub(super) status: &'static str,
    /// The departments of which nothing was asked.
    pub(super) not_asked: Vec<DepartmentRow>,
}

/// Counts a verification whose end is durable.
pub(super) fn count(status: &'static str) {
    metrics::counter!("hedui_verifications_total", "status" => status).increment(1);
}

/// A verification about to be concluded.
#[derive(Clone, Copy)]
pub(super) struct Concluding<'a> {
    pub(super) id: &'a str,
    pub(super) case: &'a Case,
    pub(super) opened_at: Timestamp,
    pub(super) key: &'a DataKey,
    /// Which version of the outcome it is, counted from 1.
    pub(super) version: u32,
    /// How often the hub has asked again by itself.
    pub(super) attempts: u32,
    pub(super) class: Class,
    /// What was asked.
    pub(super) asked: &'a [DepartmentTally],
    /// The name of the attempt that asked again.
    pub(super) attempt: Option<&'a str>,
}

impl Verifications {
    /// The way of one verification, from plan to durable outcome.
    pub(super) async fn run(
        &self,
        running: &Running,
        client: &Client,
        request_id: &str,
        key: &DataKey,
        planned: Option<Planned>,
    ) -> Result<Finished, StoreError> {
        let tally = Tally::default();
        let asked = async {
            if planned.is_some() || self.may_ask(&running.case) {
                self.ask(running, planned, (client, &tally)).await
            } else {
                Ok(Inquest::default())
            }
        };
        // What is on its way when the authorisation is revoked is not waited for, and what has come is not used.
        let asked = running.revoked.run_until_cancelled(asked).await.transpose()?;
        let inquest = asked.filter(|_| !running.revoked.is_cancelled());
        let revoked = inquest.is_none().then(|| running.case.revoked());
        let (case, inquest) = (revoked.as_ref().unwrap_or(&running.case), inquest.unwrap_or_default());
        let (opened_at, class, asked) = (running.opened_at, running.class, tally.counted());
        let (id, asked) = (&running.id, &asked);
        let concluding = Concluding { id, case, opened_at, key, version: 1, attempts: 0, class, asked, attempt: None };
        let conclusion = self.conclude(concluding, inquest, Caller { client, request_id, class })?;
        let Conclusion { answer, outcome, released, status, not_asked } = conclusion;
        self.keep_pack(&running.case).await?;
        self.parts.store.complete_verification(outcome, vec![released]).await?;
        // Why somebody was not asked tells of the verdict: only now may it be shown.
        running.departments.send_modify(|shown| shown.extend(not_asked));
        count(status);
        Ok(answer)
    }

    /// What stands in the way before anybody is asked: no authorisation, or a person in two households.
    pub(super) fn gate(&self, case: &Case) -> Option<Gate> {
        case.pack.as_deref()?;
        if case.request.prior.member_in_other_household.is_none() && !case.authorised.contains(&false) {
            return None;
        }
        let now = self.parts.clock.now();
        let catalogue = self.parts.federation.catalogue();
        let declared = assemble(&case.request, &case.authorised, &[], catalogue, case.window_months, now);
        verdict::gate(&declared.facts)
    }

    /// Facts, verdict, answer and event of a case whose departments have been asked.
    pub(super) fn conclude(
        &self,
        concluding: Concluding<'_>,
        inquest: Inquest,
        caller: Caller<'_>,
    ) -> Result<Conclusion, StoreError> {
        let Inquest { outcomes, spared, summary } = inquest;
        let Concluding { id, case, opened_at, key, version, class, asked, attempt, .. } = concluding;
        let (request, pack) = (&case.request, case.pack.as_deref());
        let now = self.parts.clock.now();
        let catalogue = self.parts.federation.catalogue();
        let mut assembled = assemble(request, &case.authorised, &outcomes, catalogue, case.window_months, now);
        assembled.facts.spared = spared;
        let trusted = pack.map_or(&[][..], |pack| &pack.rules().income_authority);
        let tolerance = pack.and_then(|pack| pack.values().declaration_tolerance);
        let comparison = compare(&assembled.sides(&outcomes, catalogue, trusted), tolerance);
        let to_verify = explain::questions(catalogue, &assembled.facts, &comparison);
        let verdict = judge::judge(&assembled.facts, pack, request.place);
        let departments = rows(&outcomes, &verdict.spared, catalogue, now);
        let receipt = self.parts.ids.next("ev");
        let answer = json(&VerificationAnswer {
            id,
            status: VerificationStatus::Completed,
            version,
            purpose: request.purpose,
            place: request.place,
            assessment_date: request.assessed_on,
            opened_at,
            completed_at: Some(now),
            receipt: Some(&receipt),
            exemption: case.exemption().map(|_| emergency_exemption()),
            notice_due_at: case.exemption().map(|_| self.notice_due_at(opened_at)),
            departments: &departments,
            disclosure: summary,
            verdict: Some(&verdict),
            to_verify: &to_verify,
            comparison: None,
            report: None,
            evidence: None,
            proofs: None,
            trace: None,
            follow_up: None,
            notice: notice(),
        });
        let proofs = kept_proofs(&outcomes, id);
        let kept = kept_outcome(&OutcomeParts {
            answer: &answer,
            evidence: &json(&assembled.evidence),
            facts: &json(&assembled.facts),
            comparison: &json(&comparison),
            proofs: &if proofs.is_empty() { Vec::new() } else { json(&proofs) },
            pack_digest: pack.map(Parameters::digest),
            engine: ENGINE_VERSION,
        });
        let body = self.parts.sealer.seal(key, &sealed_as(id, version), Field::Outcome, &kept);
        let body = body.map_err(|_| StoreError::Corrupt("outcome"))?;
        let logged: Vec<LoggedOutcome<'_>> = departments
            .iter()
            .filter(|row| row.was_asked())
            .map(|row| LoggedOutcome {
                department: row.department.as_str(),
                hub: row.hub.as_ref().map(DepartmentId::as_str),
                outcome: row.status,
            })
            .collect();
        let status = verdict.status.as_str();
        let mut released = case.event(receipt.clone(), now, Action::Released, caller.client, caller.request_id, id);
        released.departments = &logged;
        // What a later version did not ask about, the first did or spared.
        let rows = if attempt.is_none() { &departments[..] } else { &[] };
        let questions = questions::logged(rows, asked, attempt);
        released.questions = &questions;
        released.verdict = Some(status);
        if class == Class::Background {
            released.role = Some(Role::System);
        }
        let released = released.to_row()?;
        let follow_up = if verdict.status == Status::PendingData {
            // Where two are silent of whom each alone leaves the verdict open, neither blocks it, and both owe an answer.
            let open = verdict.gaps.iter().filter(|gap| gap.could_change);
            let owing: Vec<DepartmentId> = open.map(|gap| gap.department.clone()).collect();
            Some(Box::new(self.owed(concluding, &owing, &outcomes, &proofs)?))
        } else {
            None
        };
        let answer = FollowUpView::beside(follow_up.as_deref(), answer);
        let outcome =
            OutcomeRow { verification_id: id.to_owned(), completed_at: now.as_microsecond(), body, follow_up };
        let not_asked = departments.into_iter().filter(|row| !row.was_asked()).collect();
        Ok(Conclusion { answer: answer.into(), outcome, released, status, not_asked })
    }
}

/// The answer so far of a verification that is running.
pub(super) fn answer_so_far(running: &Running) -> Vec<u8> {
    let request = &running.case.request;
    json(&VerificationAnswer {
        id: &running.id,
        status: VerificationStatus::Running,
        version: 1,
        purpose: request.purpose,
        place: request.place,
        assessment_date: request.assessed_on,
        opened_at: running.opened_at,
        completed_at: None,
        receipt: None,
        exemption: None,
        notice_due_at: None,
        departments: &running.departments.borrow(),
        disclosure: None,
        verdict: None,
        to_verify: &[],
        comparison: None,
        report: None,
        evidence: None,
        proofs: None,
        trace: None,
        follow_up: None,
        notice: notice(),
    })
}

fn json(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(4096);
    serde_json::to_writer(&mut bytes, value)
        .expect("it holds only strings, numbers, lists and objects with string keys");
    bytes
}
