//! The job that publishes the head of the access log: signed at most every second, and at once when the log
//! was quiet; into the anchor when it is due. It never stands in the way of an answer.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::outage::{Outage, Place};
use super::witnessing::Witnesses;
use crate::access_log::publish::Publisher;
use crate::store::Store;

/// Shortest time between two signed heads.
const BETWEEN_HEADS: Duration = Duration::from_secs(1);

/// How often, and how long at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Intervals {
    /// Shortest time between two writes of the anchor.
    pub(super) anchor: Duration,
    /// How long the anchor may fail before new requests are refused.
    pub(super) refuse_after: Duration,
}

/// Publishes until the hub stops. `store` is told to accept nothing new while the anchor fails for too long.
pub(super) async fn run(publisher: Arc<Publisher>, store: Store, intervals: Intervals, stopping: CancellationToken) {
    let mut grown = publisher.sequence().watch();
    grown.mark_changed();
    let mut next_head = Instant::now();
    let mut anchoring = Anchoring::new(intervals);
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(intervals.anchor) => {}
            changed = grown.changed() => if changed.is_err() { return },
        }
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep_until(next_head) => {}
        }
        next_head = Instant::now() + BETWEEN_HEADS;
        publish(&publisher).await;
        if anchoring.is_due(publisher.head().checkpoint().size) {
            anchoring.write(&publisher, &store).await;
        }
    }
}

/// The last words: everything that was recorded is signed, cosigned and anchored.
pub(super) async fn finish(publisher: Arc<Publisher>, witnesses: Witnesses) {
    publish(&publisher).await;
    if let Err(error) = witnesses.ask(&publisher).await {
        tracing::error!(%error, "the last head of the access log was not cosigned");
    }
    if let Err(error) = write_anchor(&publisher).await {
        tracing::error!(error, "the last head of the access log could not be anchored");
    }
}

async fn publish(publisher: &Arc<Publisher>) {
    match publisher.publish().await {
        Ok(_) => {
            let head = publisher.head();
            #[expect(clippy::cast_precision_loss, reason = "a metric")]
            metrics::gauge!("hedui_access_log_signed_entries").set(head.checkpoint().size as f64);
        }
        Err(error) => tracing::error!(%error, "the head of the access log could not be signed"),
    }
}

/// What is known of the anchor.
struct Anchoring {
    every: Duration,
    written: Option<(u64, Instant)>,
    outage: Outage,
}

impl Anchoring {
    const fn new(intervals: Intervals) -> Self {
        let outage = Outage::new(Place::Anchor, intervals.refuse_after);
        Self { every: intervals.anchor, written: None, outage }
    }

    fn is_due(&self, size: u64) -> bool {
        let rested = |at: Instant| at.elapsed() >= self.every;
        let is_new = |anchored, at| anchored != size && (anchored == 0 || rested(at));
        self.outage.goes_on() || self.written.is_none_or(|(anchored, at)| is_new(anchored, at))
    }

    async fn write(&mut self, publisher: &Arc<Publisher>, store: &Store) {
        match write_anchor(publisher).await {
            Ok(size) => {
                self.written = Some((size, Instant::now()));
                self.outage.ended();
            }
            Err(error) => self.outage.failed(store, &error),
        }
    }
}

/// Writes the anchor on a thread of its own: a file system that hangs must hang nothing else. One that
/// hangs for longer than a minute counts as failed.
async fn write_anchor(publisher: &Arc<Publisher>) -> Result<u64, String> {
    let writing = Arc::clone(publisher);
    let size = publisher.head().checkpoint().size;
    let write = tokio::task::spawn_blocking(move || writing.write_anchor());
    match tokio::time::timeout(Duration::from_mins(1), write).await {
        Ok(Ok(Ok(anchored))) => Ok(anchored.unwrap_or(size)),
        Ok(Ok(Err(error))) => Err(error.to_string()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the file system of the anchor does not answer".to_owned()),
    }
}
