//! Signed answers of verifications: looked at when somebody asks for the evidence, and beside the work.

use std::sync::Arc;

use connectors::keys::PublicKey;

use super::super::error::ServiceError;
use super::super::kept::Outcome;
use super::super::provenance::{KeptProof, ToldProof};
use super::Verifications;
use crate::access_log::{AccessEvent, Action};
use crate::domain::actor::Role;
use crate::domain::dataset::DepartmentId;
use crate::domain::proof::AnswerProof;
use crate::federation::proving::{Evidence, SignatureState};
use crate::store::{StoreError, VerificationRow};

impl Verifications {
    /// The signed answers that a verification rests on, each verified just now. An answer that another verification asked
    /// for is verified and not shown: it may be about other people too.
    pub(super) async fn told_proofs(
        &self,
        row: &VerificationRow,
        outcome: &Outcome,
    ) -> Result<Vec<ToldProof<'static>>, ServiceError> {
        let mut told = Vec::new();
        for proof in proofs(outcome)? {
            let proof = match proof.whole {
                Some(_) => proof,
                None if proof.asked_in == row.id => proof,
                None => self.elsewhere(proof).await?,
            };
            let keys = self.answer_keys(&proof.department);
            let mut verified = proof.verify(&keys);
            if verified.kept.asked_in != row.id
                && let Some(whole) = &mut verified.kept.whole
            {
                whole.body = None;
            }
            told.push(verified);
        }
        Ok(told)
    }

    /// The same proof as the verification that asked keeps it; as it is, where that has none of this digest.
    async fn elsewhere(&self, proof: KeptProof<'static>) -> Result<KeptProof<'static>, ServiceError> {
        let row = self.parts.store.verification(&proof.asked_in).await?.filter(|row| row.erased_at.is_none());
        let Some(row) = row else { return Ok(proof) };
        let Some(outcome) = self.outcome(&row)? else { return Ok(proof) };
        let is_same = |kept: &KeptProof<'static>| kept.question == proof.question && kept.digest == proof.digest;
        Ok(proofs(&outcome)?.into_iter().find(is_same).unwrap_or(proof))
    }

    fn answer_keys(&self, department: &DepartmentId) -> Arc<[PublicKey]> {
        self.parts.federation.registry().answer_keys(department)
    }

    /// Verifies the signature of an answer that was used already. One that is wrong is an entry of the log, and the
    /// answer is not used again.
    pub async fn prove(&self, proof: &Arc<AnswerProof>) -> Result<SignatureState, StoreError> {
        let (_, state) = Evidence::from(&**proof).verify(&self.answer_keys(&proof.department));
        let looked_at = |name| metrics::counter!("hedui_answer_signatures_total", "state" => name).increment(1);
        if state == SignatureState::Valid {
            looked_at("valid");
            return Ok(state);
        }
        proof.refute();
        tracing::error!(department = %proof.department, verification = proof.verification, question = proof.question,
            "the signature of an answer is wrong; the answer had been used");
        let (id, request_id) = (self.parts.ids.next("ev"), self.parts.ids.next("rq"));
        let object = format!("adapter/{}", proof.department);
        let mut event = AccessEvent::new(id, self.parts.clock.now(), Action::AnswerDisputed, None, &request_id);
        (event.role, event.object) = (Some(Role::System), Some(object.as_str()));
        event.verification = Some(&proof.verification);
        self.parts.store.record_events(vec![event.to_row()?]).await?;
        looked_at("invalid");
        Ok(state)
    }
}

fn proofs(outcome: &Outcome) -> Result<Vec<KeptProof<'static>>, StoreError> {
    match &outcome.proofs {
        None => Ok(Vec::new()),
        Some(kept) => serde_json::from_str(kept.get()).map_err(|_| StoreError::Corrupt("proofs")),
    }
}
