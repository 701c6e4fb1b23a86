//! Asks shadows: takes copies of what live adapters were asked, records that department data is requested, asks, and counts
//! how far both agree. Beside all verifications: nobody waits for it, and at most so many are under way.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::sustained::counter;
use crate::access_log::{AccessEvent, Action};
use crate::domain::actor::Role;
use crate::domain::clock::Clock;
use crate::domain::outcome::Missed;
use crate::domain::period::date_in_china;
use crate::federation::ask::Federation;
use crate::federation::shadow::{Compared, Copied};
use crate::service::ids::Ids;
use crate::service::verify::Verifications;
use crate::store::StoreError;

/// Copies that may wait.
pub const ROOM: usize = 256;
/// Shadow questions under way at once.
const AT_ONCE: usize = 8;

/// Asks shadows until the hub stops. What waits then is dropped: it was never asked.
pub async fn run(
    verifications: Arc<Verifications>,
    mut waiting: mpsc::Receiver<Copied>,
    clock: Arc<dyn Clock>,
    ids: Ids,
    stopping: CancellationToken,
) {
    let mut under_way = FuturesUnordered::new();
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            Some(()) = under_way.next(), if !under_way.is_empty() => {}
            copied = waiting.recv(), if under_way.len() < AT_ONCE => match copied {
                None => return,
                Some(copied) => under_way.push(ask(&verifications, copied, clock.as_ref(), &ids)),
            },
        }
    }
}

async fn ask(verifications: &Verifications, copied: Copied, clock: &dyn Clock, ids: &Ids) {
    let federation = verifications.federation();
    if let Err(missed) = federation.may_ask_shadow(&copied) {
        return count(federation, &copied, &Compared::Missed(missed), clock);
    }
    // INVARIANT: the entry is durable before anything leaves the hub (P1).
    if let Err(error) = record(verifications, &copied, clock, ids).await {
        tracing::error!(%error, "a shadow question could not be recorded; it is not asked");
        return;
    }
    count(federation, &copied, &federation.ask_shadow(&copied).await, clock);
}

async fn record(
    verifications: &Verifications,
    copied: &Copied,
    clock: &dyn Clock,
    ids: &Ids,
) -> Result<(), StoreError> {
    let request_id = ids.next("rq");
    let object = format!("adapter/{}", copied.shadow.way.owner);
    let mut event = AccessEvent::new(ids.next("ev"), clock.now(), Action::ShadowAsked, None, &request_id);
    // The id stands in the department's own record of use.
    let objects = [object.clone(), format!("question/{}", copied.question())];
    (event.role, event.object, event.objects) = (Some(Role::System), Some(object.as_str()), &objects);
    (event.verification, event.purpose) = (Some(copied.verification.as_str()), Some(copied.purpose));
    verifications.store().record_events(vec![event.to_row()?]).await
}

/// What came of it, in counts that outlive a restart.
fn count(federation: &Federation, copied: &Copied, compared: &Compared, clock: &dyn Clock) {
    let (counters, way) = (federation.registry().counters(), &copied.shadow.way);
    let (owner, today) = (way.owner.as_ref(), date_in_china(clock.now()));
    let add_today = |what: &str| counters.add(owner, &counter(today, what), 1);
    let was_asked = !matches!(compared, Compared::Missed(Missed { told: Some(_), .. }));
    if was_asked {
        add_today("asked");
        if !way.adapter.ailments().is_empty() {
            add_today("drifted");
        }
    }
    match compared {
        Compared::Missed(missed) => {
            counters.add(owner, &format!("shadow/missed/{}", missed.reason.as_str()), 1);
            // Over the quota it was not asked at all.
            counters.add(owner, "shadow/asked", u64::from(missed.told.is_none()));
        }
        Compared::Answered { datasets, took } => {
            add_today("answered");
            if *took > way.agreement.promise() {
                add_today("late");
            }
            counters.add(owner, "shadow/asked", 1);
            for (dataset, tally) in datasets {
                for (name, more) in [("agreed", tally.agreed), ("differed", tally.differed)] {
                    if more > 0 {
                        counters.add(owner, &format!("shadow/{dataset}/{name}"), more);
                    }
                }
            }
        }
    }
}
