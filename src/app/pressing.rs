//! The job that measures how hard the hub is pressed: how much later than it asked for it is woken, how long one would wait
//! for a place at the departments, and how many wait for the log.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::http::{Hub, Measured};

/// How often it is measured.
const EVERY: Duration = Duration::from_millis(20);
/// An interval has so many measurements.
const MEASUREMENTS: u32 = 5;

/// Measures until the hub stops. Who could run and waits, waits as long as this job does.
pub(super) async fn run(hub: Arc<Hub>, stopping: CancellationToken) {
    let (mut measured, mut turned_at, mut were_under_way) = (0, Instant::now(), 0);
    while !stopping.is_cancelled() {
        let asked_for = Instant::now() + EVERY;
        sleep(EVERY).await;
        measured += 1;
        hub.shedding.waited(asked_for.elapsed());
        if measured % MEASUREMENTS == 0 {
            let under_way = hub.verifications.under_way();
            let more = i64::try_from(under_way).unwrap_or(i64::MAX) - i64::try_from(were_under_way).unwrap_or(i64::MAX);
            let (interval, federation) = (turned_at.elapsed(), hub.verifications.federation());
            hub.shedding.turn(Measured {
                interval,
                under_way,
                more,
                queue: federation.queue(interval),
                to_log: hub.verifications.store().waiting_thousandths(),
                usual: federation.usual(),
            });
            (turned_at, were_under_way) = (Instant::now(), under_way);
        }
    }
}
