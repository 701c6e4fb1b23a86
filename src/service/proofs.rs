//! Proofs of possession (DPoP): checked against this hub's addresses, and each one used once, whichever route it is for.

use std::sync::Arc;

use crate::auth::dpop::{Addresses, Expected, Proof, ProofError, check};
use crate::domain::clock::Clock;
use crate::store::{AssertionRow, Store, StoreError};

/// Under which name used proofs are kept beside used assertions. No client has it: ids begin with a letter or digit.
const KEPT_AS: &str = "/dpop";
/// How long a used proof is known after it could be used last, seconds: longer than the clock is likely to be set back.
const KEEP_USED: i64 = 600;

/// Why a request is not taken for one of the key's holder.
#[derive(Debug, thiserror::Error)]
pub enum ProofFault {
    /// By the rules of RFC 9449.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// It cannot be told whether the proof was used before.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Checks proofs.
pub struct Proofs {
    store: Store,
    addresses: Addresses,
    clock: Arc<dyn Clock>,
}

impl Proofs {
    /// Proofs for a hub at these addresses; used ones are kept in the store.
    pub fn new(store: Store, addresses: Addresses, clock: Arc<dyn Clock>) -> Self {
        Self { store, addresses, clock }
    }

    /// Checks a proof for a request and, where there is one, for a token: its SHA-256, and the thumbprint it is bound to.
    /// Nothing is used up yet.
    pub fn check(
        &self,
        proof: &[u8],
        method: &str,
        path: &str,
        token: Option<([u8; 32], &str)>,
    ) -> Result<Proof, ProofError> {
        check(proof, &Expected { method, path, addresses: &self.addresses, token }, self.clock.now())
    }

    /// Uses a proof, once and durably, so that it is not accepted again after a restart either.
    pub async fn use_up(&self, proof: &Proof) -> Result<(), ProofFault> {
        let now = self.clock.now().as_second();
        let row = AssertionRow {
            client_id: KEPT_AS.to_owned(),
            jti: proof.used,
            used_at: now,
            keep_until: proof.usable_until.max(now) + KEEP_USED,
        };
        if self.store.use_proof(row).await? { Ok(()) } else { Err(ProofError::Replayed.into()) }
    }
}
