//! The job that erases what was kept long enough, and stops when the clock cannot be believed.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::domain::clock::Clock;
use crate::service::erasure::{Erasure, Retention, Swept};

/// How often it is looked whether a sweep is due.
const LOOKS: Duration = Duration::from_secs(10);
/// How often what was kept long enough is looked for, by the hub's clock.
const SWEEPS: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);

/// Erases what was kept long enough: at the start, and then whenever it is due by the hub's clock.
pub(super) async fn run(
    erasure: Arc<Erasure>,
    retention: Retention,
    clock: Arc<dyn Clock>,
    stopping: CancellationToken,
) {
    let mut tick = tokio::time::interval(LOOKS);
    let mut swept_at: Option<jiff::Timestamp> = None;
    let mut held_at: Option<jiff::Timestamp> = None;
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            _ = tick.tick() => {}
        }
        let now = clock.now();
        if swept_at.is_some_and(|at| now.duration_since(at).abs() < SWEEPS) {
            continue;
        }
        match erasure.sweep(retention).await {
            Ok(Swept::Erased(erased)) => {
                swept_at = Some(now);
                metrics::gauge!("hedui_sweeps_held").set(0.0);
                if erased > 0 {
                    tracing::info!(erased, "erased what was kept long enough");
                }
            }
            Ok(Swept::Held { believed, now }) => {
                metrics::gauge!("hedui_sweeps_held").set(1.0);
                if held_at.is_none_or(|at| now.duration_since(at).abs() >= SWEEPS) {
                    held_at = Some(now);
                    tracing::error!(%believed, clock = %now, "the clock is too far ahead: nothing is erased until somebody looks at it and runs `hedui case confirm-clock`");
                }
            }
            Err(error) => tracing::error!(%error, "what was kept long enough cannot be erased now"),
        }
    }
}
