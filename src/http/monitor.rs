//! `/livez`, `/readyz`, `/metrics`: on a listener of their own; no person and no version in them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;

use crate::service::verify::Verifications;

struct Monitor {
    verifications: Arc<Verifications>,
    metrics: PrometheusHandle,
    stopping: CancellationToken,
}

/// The routes of the monitoring listener.
pub fn monitor_router(
    verifications: Arc<Verifications>,
    metrics: PrometheusHandle,
    stopping: CancellationToken,
) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(|State(monitor): State<Arc<Monitor>>| async move { monitor.metrics.render() }))
        .with_state(Arc::new(Monitor { verifications, metrics, stopping }))
}

/// Ready means: not stopping, an adapter is registered, and an event can be made durable.
async fn readyz(State(monitor): State<Arc<Monitor>>) -> Response {
    let not_ready = |why: &'static str| (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response();
    if monitor.stopping.is_cancelled() {
        return not_ready("the hub is stopping");
    }
    if monitor.verifications.federation().registry().is_empty() {
        return not_ready("no adapter is registered: add an [[adapter]] to the configuration");
    }
    match tokio::time::timeout(Duration::from_secs(2), monitor.verifications.store().check_writable()).await {
        Ok(Ok(())) => "ready\n".into_response(),
        Ok(Err(_)) | Err(_) => not_ready("the store cannot be written: check the disk of [store] path"),
    }
}
