//! The job that asks departments again for what they owe.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::service::verify::Verifications;

/// How often it is looked whether somebody's time has come, at most and at least.
const LOOKS: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];

/// Looks until the hub stops; what is under way then is found again at the next start.
pub(super) async fn run(verifications: Arc<Verifications>, first_pause: Duration, stopping: CancellationToken) {
    let [shortest, longest] = LOOKS;
    let mut tick = tokio::time::interval((first_pause / 2).clamp(shortest, longest));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            _ = tick.tick() => {}
        }
        if let Err(error) = verifications.follow_up_due().await {
            tracing::error!(%error, "what departments owe cannot be looked for now");
        }
    }
}
