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
    let mut turned_at = Instant::now();
    while !stopping.is_cancelled() {
        for _ in 0..MEASUREMENTS {
            let asked_for = Instant::now() + EVERY;
            sleep(EVERY).await;
            hub.shedding.waited(asked_for.elapsed());
        }
        let (interval, federation) = (turned_at.elapsed(), hub.verifications.federation());
        turned_at = Instant::now();
        hub.shedding.turn(Measured {
            interval,
            under_way: hub.verifications.under_way(),
            queue: federation.queue(interval),
            to_log: hub.verifications.store().waiting_thousandths(),
            half: federation.half(),
        });
    }
}
