//! Bodies that are left unread: whoever is answered without their body having been taken in is told that the connection ends
//! with the answer, instead of finding it gone with the next request (RFC 9112 section 9.6).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::header::{CONNECTION, EXPECT};
use axum::http::{HeaderValue, Version};
use axum::response::Response;
use futures_util::future::{BoxFuture, Either};
use futures_util::{FutureExt, StreamExt, stream};
use tower::{Layer, Service};

use super::shedding::MAX_PASSED;

/// Says of each answer over a large body whether the connection goes on.
#[derive(Debug, Clone, Copy)]
pub(super) struct TellingUnread;

/// The same over a service.
#[derive(Debug, Clone)]
pub(super) struct Told<S>(S);

impl<S> Layer<S> for TellingUnread {
    type Service = Told<S>;

    fn layer(&self, inner: S) -> Told<S> {
        Told(inner)
    }
}

/// Whether a body may be left unread. One that has arrived with its head is taken in by the connection itself.
fn may_be_left(request: &Request) -> bool {
    let is_large = || request.body().size_hint().upper().is_none_or(|most| most > MAX_PASSED);
    // HTTP/2 ends the stream and goes on.
    request.version() <= Version::HTTP_11
        && !request.body().is_end_stream()
        && (request.headers().contains_key(EXPECT) || is_large())
}

impl<S, B> Service<Request> for Told<S>
where
    S: Service<Request, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: 'static,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = Either<S::Future, BoxFuture<'static, Result<Response<B>, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if !may_be_left(&request) {
            return Either::Left(self.0.call(request));
        }
        let is_read = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&is_read);
        let request = request.map(|body| {
            let end = stream::poll_fn(move |_| {
                ended.store(true, Ordering::Release);
                Poll::Ready(None)
            });
            Body::from_stream(body.into_data_stream().chain(end))
        });
        let answering = self.0.call(request);
        let answered = async move {
            let mut response = answering.await?;
            if !is_read.load(Ordering::Acquire) {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response)
        };
        Either::Right(answered.boxed())
    }
}
