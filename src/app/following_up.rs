//! The job that asks departments again for what they owe.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::http::Hub;

/// How often it is looked whether somebody's time has come, at most and at least.
const LOOKS: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];

/// Looks until the hub stops; what is under way then is found again at the next start.
pub(super) async fn run(hub: Arc<Hub>, first_pause: Duration, stopping: CancellationToken) {
    let follow_up = || async {
        if let Err(error) = hub.verifications.follow_up_due().await {
            tracing::error!(%error, "what departments owe cannot be looked for now");
        }
    };
    look(first_pause, stopping, || hub.shedding.is_pressed(), follow_up).await;
}

/// Follows up now and then, but not while somebody who asks is turned away: nobody waits for it, and what is due stays so.
async fn look<F: Future<Output = ()>>(
    first_pause: Duration,
    stopping: CancellationToken,
    is_pressed: impl Fn() -> bool,
    follow_up: impl Fn() -> F,
) {
    let [shortest, longest] = LOOKS;
    let mut tick = tokio::time::interval((first_pause / 2).clamp(shortest, longest));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            _ = tick.tick() => {}
        }
        if !is_pressed() {
            follow_up().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_the_hub_asks_by_itself_waits_until_nobody_is_turned_away() {
        let (stopping, looks, followed_up) = (CancellationToken::new(), Cell::new(0), Cell::new(0));
        // Pressed at the first ten looks; stopped with the twentieth.
        let is_pressed = || {
            looks.set(looks.get() + 1);
            if looks.get() == 20 {
                stopping.cancel();
            }
            looks.get() <= 10
        };
        let follow_up = || async {
            assert!(looks.get() > 10, "at look {}", looks.get());
            followed_up.set(followed_up.get() + 1);
        };
        look(Duration::from_secs(1), stopping.clone(), is_pressed, follow_up).await;
        assert_eq!(followed_up.get(), 10, "each look after that");
    }
}
