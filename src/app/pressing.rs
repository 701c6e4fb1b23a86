//! The job that measures how hard the hub is pressed: how much later than it asked for it is woken.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::http::Hub;

/// How often it is measured.
const EVERY: Duration = Duration::from_millis(20);
/// An interval has so many measurements.
const MEASUREMENTS: u32 = 5;

/// Measures until the hub stops. Who could run and waits, waits as long as this job does.
pub(super) async fn run(hub: Arc<Hub>, stopping: CancellationToken) {
    let mut measured = 0;
    while !stopping.is_cancelled() {
        let asked_for = Instant::now() + EVERY;
        sleep(EVERY).await;
        measured += 1;
        hub.shedding.measured(asked_for.elapsed(), measured % MEASUREMENTS == 0);
    }
}
