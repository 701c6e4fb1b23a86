//! The HTTP surface of a witness (C2SP `tlog-witness`): `add-checkpoint`, and a page that says what it cosigned.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::access_log::offer::RESOURCE;
use crate::access_log::witness::{MAX_REQUEST, Uncosigned, Witness};
use crate::tlog::witness::Refusal;

/// The routes below a prefix, which is empty or begins with a slash.
pub fn witness_router(witness: Arc<Witness>, prefix: &str) -> Router {
    Router::new()
        .route(&format!("{prefix}{RESOURCE}"), post(add_checkpoint))
        .route(&format!("{prefix}/"), get(heads))
        .layer(DefaultBodyLimit::max(MAX_REQUEST))
        .with_state(witness)
}

async fn add_checkpoint(State(witness): State<Arc<Witness>>, body: Bytes) -> Response {
    // Comparing and keeping wait for the disk.
    let decided = tokio::task::spawn_blocking(move || witness.add_checkpoint(&body)).await;
    let (answer, status) = match decided {
        Ok(Ok(cosignature)) => ((StatusCode::OK, format!("{cosignature}\n")).into_response(), 200),
        Ok(Err(Uncosigned::Refused(refusal))) => (refused(&refusal), refusal.status()),
        Ok(Err(error @ Uncosigned::File { .. })) => {
            tracing::error!(%error, "not cosigned");
            ((StatusCode::SERVICE_UNAVAILABLE, "the head cannot be kept\n").into_response(), 503)
        }
        Err(error) => {
            tracing::error!(%error, "not cosigned");
            ((StatusCode::INTERNAL_SERVER_ERROR, "not decided\n").into_response(), 500)
        }
    };
    tracing::info!(status, "add-checkpoint");
    answer
}

fn refused(refusal: &Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    match refusal {
        Refusal::Conflict(size) | Refusal::Forked(size) => {
            (status, [(CONTENT_TYPE, "text/x.tlog.size")], format!("{size}\n")).into_response()
        }
        Refusal::Malformed => (status, "not a request, or the old size is above the checkpoint's\n").into_response(),
        Refusal::Unsigned => (status, "no known key of this log signed the checkpoint\n").into_response(),
        Refusal::UnknownLog => (status, "this log is not witnessed here\n").into_response(),
        Refusal::Inconsistent => (status, "the checkpoint does not go on from the one cosigned\n").into_response(),
    }
}

/// The public key, and the newest cosigned head of each log.
async fn heads(State(witness): State<Arc<Witness>>) -> String {
    let heads = witness
        .heads()
        .into_iter()
        .map(|(log, head)| head.map_or_else(|| format!("\n{log}\nnothing cosigned yet\n"), |head| format!("\n{head}")));
    format!("{}\n{}", witness.verifier(), heads.collect::<String>())
}
