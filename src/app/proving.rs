//! The keys of questions and answers, and the signatures that are verified beside the work.

use std::sync::Arc;
use std::time::Duration;

use connectors::context::ContextSigner;
use connectors::keys::{KeyError, PrivateKey, PublicKey};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::StartError;
use crate::config::{self, CheckAnswers, Config};
use crate::domain::proof::AnswerProof;
use crate::federation::proving::AnswerKeys;
use crate::seal::Sealer;
use crate::service::verify::Verifications;

/// Answers that may wait for their signatures to be verified.
pub(super) const WAITING: usize = 1024;
/// So many signatures are verified in a row, each about 45 µs of CPU; then the work has the processor to itself. Together
/// at most 200 a second, which is less than a hundredth of a core.
const GROUP: usize = 20;
const PAUSE: Duration = Duration::from_millis(100);
/// A wrong signature that cannot be recorded is tried again after this. Others wait, and when they are too many, for
/// whoever asks for the evidence.
const AGAIN: Duration = Duration::from_secs(1);

/// What signs the hub's questions: the configured key, else one that is derived from the root of pseudonyms.
pub(super) fn context_signer(config: &Config, sealer: &Sealer) -> Result<ContextSigner, StartError> {
    let key = match &config.federation.context_key {
        Some(file) => context_key(file)?,
        None => PrivateKey::from_seed(sealer.context_seed().as_ref())
            .map_err(|error| StartError::Key("[federation] context_key".to_owned(), error))?,
    };
    let issuer = config.token_endpoint.as_ref().map_or(&config.auth.audience, |endpoint| &endpoint.issuer);
    Ok(ContextSigner::new(key, issuer))
}

/// The configured key of questions.
pub(super) fn context_key(file: &std::path::Path) -> Result<PrivateKey, StartError> {
    PrivateKey::read(file).map_err(|error| StartError::Key("[federation] context_key".to_owned(), error))
}

/// What the answers of an adapter must prove.
pub(super) fn answer_keys(adapter: &config::Adapter) -> Result<AnswerKeys, StartError> {
    let unusable = |error: KeyError| StartError::Key(format!("[[adapter]] {} answer_key", adapter.department), error);
    Ok(AnswerKeys {
        keys: adapter.answer_key.as_deref().map(PublicKey::read_all).transpose().map_err(unusable)?.unwrap_or_default(),
        are_required: adapter.requires_signed_answers(),
        before_use: adapter.check_answers == CheckAnswers::BeforeUse,
    })
}

/// Verifies the signatures of answers that were used already, at a bounded rate.
pub(super) async fn run(
    mut queue: mpsc::Receiver<Arc<AnswerProof>>,
    verifications: Arc<Verifications>,
    stopping: CancellationToken,
) {
    let mut group = Vec::with_capacity(GROUP);
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            taken = queue.recv_many(&mut group, GROUP) => if taken == 0 { return },
        }
        for proof in group.drain(..) {
            while let Err(error) = verifications.prove(&proof).await {
                tracing::error!(%error, "that the signature of an answer is wrong cannot be recorded now; trying again");
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = tokio::time::sleep(AGAIN) => {}
                }
            }
            tokio::task::yield_now().await;
        }
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}
