//! Reading a long log from end to end beside the hub's work, after every start: an altered entry anywhere stops the log.
//!
//! Nothing is kept of how far it got. A mark beside the entries could be altered by whoever alters the entries, and the
//! anchor vouches for the root, not for the bodies behind it; only reading them does.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::access_log::audit::audit_slowly;
use crate::store::Store;
use crate::tlog::note::VerifierKey;

/// How long it rests after each stretch of 2,048 entries, so that it takes a fraction of one processor.
const REST: Duration = Duration::from_millis(20);
/// How long it waits before it begins again after the database could not be read.
const AGAIN: Duration = Duration::from_mins(1);

/// Reads all that was signed once. Finds it altered: nothing is recorded or signed any more, so that everybody is
/// answered 503 and the hub is not ready.
pub(super) async fn run(store: Store, keys: Vec<VerifierKey>, stopping: CancellationToken) {
    let audit = async {
        loop {
            match audit_slowly(&store.log(), &keys, REST).await {
                Ok(report) => return report,
                Err(error) => {
                    tracing::error!(%error, "the access log cannot be read from end to end now");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    };
    let report = tokio::select! {
        () = stopping.cancelled() => return,
        report = audit => report,
    };
    let Some(fault) = report.faults.first() else {
        metrics::gauge!("hedui_access_log_altered").set(0.0);
        tracing::info!(entries = report.signed, "the access log was read from end to end: it is whole");
        return;
    };
    store.halt();
    metrics::gauge!("hedui_access_log_altered").set(1.0);
    tracing::error!(
        index = fault.index,
        code = fault.code,
        detail = fault.detail.en,
        "the access log was altered: nothing is recorded, answered or signed on top of it any more; `hedui log verify` says more"
    );
}
