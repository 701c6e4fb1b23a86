//! `/v1/verifications/{id}/events`: departments as they answer, then the end, by server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use futures_util::stream::{self, Stream};

use super::front::{Admitted, Hub, Takes};
use super::problem::Problem;
use super::verifications::usable_id;
use crate::auth::access::Action;
use crate::domain::problem::Text;
use crate::service::running::Running;
use crate::service::verify::{Caller, Follow};

/// Follow a verification.
///
/// One `department` event for each department as it answers, then one `completed` event with the whole
/// answer (or `interrupted`, when nothing could be made durable: ask again). In minimal disclosure a
/// department that is asked for more is told again, and those that need not be asked come last, `not_asked`.
/// A comment every 15 seconds keeps the connection open. `Last-Event-ID` resumes. With `until=settled` the stream of an
/// open verdict goes on: another `completed` for each later version, as departments answer what they owe, until none will
/// come by itself any more.
#[utoipa::path(
    get, path = "/v1/verifications/{id}/events", tag = "verifications",
    params(
        ("id" = String, Path, description = "The verification's id"),
        ("until" = Option<String>, Query, description = "`settled`: go on until no later version will come by itself"),
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was received"),
    ),
    responses(
        (status = 200, description = "The events", content_type = "text/event-stream"),
        (status = 401, description = "No usable access token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such verification of this client", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "The verification was erased", body = Problem, content_type = "application/problem+json"),
    ),
    security(("access_token" = [])),
)]
pub(super) async fn follow(State(hub): State<Arc<Hub>>, Path(id): Path<String>, request: Request) -> Response {
    hub.admit(request, Takes::Nothing, Action::LookAtVerification, usable_id(&id), async |admitted| {
        let last = admitted.head.headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
        let settled = match admitted.head.uri.query().unwrap_or_default() {
            "" => false,
            "until=settled" => true,
            _ => return Err(Problem::query(Text::new("只接受 until=settled。", "Only until=settled is known."))),
        };
        let follow = hub.verifications.follow(admitted.caller(), &id).await.map_err(Problem::of)?;
        let told = if let Follow::Ended { version, .. } = &follow { *version } else { 1 };
        let later = settled.then(|| later(Arc::clone(&hub), admitted, id.clone(), told));
        let later = stream::iter(later).flatten();
        let mut response = match follow {
            Follow::Running(verification) => sse(running(verification, last.unwrap_or(0)).chain(later)),
            Follow::Ended { body, .. } => sse(stream::iter([Ok(completed(&body))]).chain(later)),
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

/// The versions after the one that was told, as they come.
fn later(
    hub: Arc<Hub>,
    admitted: &Admitted,
    id: String,
    told: u32,
) -> impl Stream<Item = Result<Event, Infallible>> + Send + use<> {
    let (client, request_id, class) = (Arc::clone(&admitted.client), admitted.request_id.clone(), admitted.class);
    stream::unfold((hub, id, told), move |(hub, id, told)| {
        let (client, request_id) = (Arc::clone(&client), request_id.clone());
        async move {
            let caller = Caller { client: &client, request_id: &request_id, class };
            match hub.verifications.next_version(caller, &id, told).await {
                Ok(Some((version, body))) => Some((Ok(completed(&body)), (hub, id, version))),
                Ok(None) => None,
                Err(error) => {
                    tracing::error!(verification = id, %error, "later versions cannot be told now");
                    None
                }
            }
        }
    })
}

fn completed(body: &[u8]) -> Event {
    Event::default().event("completed").data(String::from_utf8_lossy(body))
}

/// The events of a running verification after the first `sent` departments.
fn running(verification: Arc<Running>, sent: usize) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    let departments = verification.departments.subscribe();
    let end = verification.end.subscribe();
    // The verification stays in the state: were its channels closed when it ends, its end could be missed.
    let start = (verification, departments, end, sent, false);
    stream::unfold(start, |(verification, mut departments, mut end, sent, ended)| async move {
        if ended {
            return None;
        }
        loop {
            // The departments first: the end comes after all of them.
            let row = departments.borrow_and_update().get(sent).map(serde_json::to_string);
            if let Some(Ok(data)) = row {
                let event = Event::default().event("department").id((sent + 1).to_string()).data(data);
                return Some((Ok(event), (verification, departments, end, sent + 1, false)));
            }
            let told = match end.borrow_and_update().as_ref() {
                Some(Ok(body)) => Some(completed(body)),
                Some(Err(_)) => Some(Event::default().event("interrupted").data("{}")),
                None => None,
            };
            if let Some(event) = told {
                return Some((Ok(event), (verification, departments, end, sent, true)));
            }
            tokio::select! {
                changed = departments.changed() => changed.ok()?,
                changed = end.changed() => changed.ok()?,
            }
        }
    })
}
