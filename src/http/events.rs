//! `/v1/verifications/{id}/events`: departments as they answer, then the end, by server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use tokio::sync::watch;

use super::front::{Hub, Takes};
use super::problem::Problem;
use super::verifications::usable_id;
use crate::service::running::Progress;
use crate::service::verify::Follow;

/// Follow a verification.
///
/// One `department` event for each department as it answers, then one `completed` event with the whole
/// answer (or `interrupted`, when nothing could be made durable: ask again). A comment every 15 seconds
/// keeps the connection open. `Last-Event-ID` resumes.
#[utoipa::path(
    get, path = "/v1/verifications/{id}/events", tag = "verifications",
    params(
        ("id" = String, Path, description = "The verification's id"),
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was received"),
    ),
    responses(
        (status = 200, description = "The events", content_type = "text/event-stream"),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such verification of this client", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn follow(State(hub): State<Arc<Hub>>, Path(id): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, usable_id(&id), async |admitted| {
        let last = admitted.head.headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
        let follow = hub.verifications.follow(admitted.caller(), &id).await.map_err(Problem::of)?;
        let mut response = match follow {
            Follow::Running(progress) => sse(running(progress, last.unwrap_or(0))),
            Follow::Ended(body) => sse(stream::iter([Ok(completed(&body))])),
        };
        // Proxies must pass events on as they come.
        response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
        Ok(response)
    })
    .await
}

fn sse(events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> Response {
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response()
}

fn completed(body: &[u8]) -> Event {
    Event::default().event("completed").data(String::from_utf8_lossy(body))
}

/// The events of a running verification after the first `sent` departments.
fn running(progress: watch::Receiver<Progress>, sent: usize) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    stream::unfold((progress, sent, false), |(mut progress, sent, ended)| async move {
        if ended {
            return None;
        }
        let seen = progress.wait_for(|progress| progress.departments.len() > sent || progress.end.is_some()).await;
        let so_far = seen.map(|progress| progress.clone());
        let (event, ended) = match so_far {
            Err(_) => (Event::default().event("interrupted").data("{}"), true),
            Ok(so_far) => match (so_far.departments.get(sent), &so_far.end) {
                (Some(row), _) => {
                    let data = serde_json::to_string(row).unwrap_or_default();
                    (Event::default().event("department").id((sent + 1).to_string()).data(data), false)
                }
                (None, Some(Ok(body))) => (completed(body), true),
                (None, _) => (Event::default().event("interrupted").data("{}"), true),
            },
        };
        Some((Ok(event), (progress, sent + 1, ended)))
    })
}
