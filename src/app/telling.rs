//! The job that tells other hubs of authorisations that were revoked.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::service::verify::Verifications;

/// How often it is looked whether somebody is to be told.
const LOOKS: Duration = Duration::from_millis(500);

/// Tells until the hub stops; who was not told by then is told after the next start.
pub(super) async fn run(verifications: Arc<Verifications>, stopping: CancellationToken) {
    let mut tick = tokio::time::interval(LOOKS);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            _ = tick.tick() => {}
        }
        let told = stopping.run_until_cancelled(verifications.tell_of_revocations()).await;
        if let Some(Err(error)) = told {
            tracing::error!(%error, "revocations that other hubs are to be told of cannot be looked for now");
        }
    }
}
