//! One connection of HTTP/1.1. The call that uses it moves its bytes, so that no task is spawned.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::HeaderMap;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

/// The most that the head of an answer may take, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// What a connection is made of: TCP, or TLS on it.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

type Driver = http1::Connection<TokioIo<Box<dyn Stream>>, Full<Bytes>>;

/// One connection, and what moves its bytes.
pub(super) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: Pin<Box<Driver>>,
    pub(super) used_at: Instant,
}

/// What came back, and whether the connection may carry another call.
pub(super) struct Exchange {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) is_reusable: bool,
}

/// Why nothing came back that can be used.
pub(super) enum Broken {
    /// The connection ended before a byte of an answer came.
    Ended(hyper::Error),
    /// It broke, or what came is not HTTP.
    Failed(hyper::Error),
    /// The answer is longer than it may be.
    TooLong,
}

impl Connection {
    /// Begins HTTP on a stream.
    pub(super) async fn open(stream: Box<dyn Stream>) -> Result<Self, hyper::Error> {
        // Head and body in one TLS record.
        let (sender, driver) =
            http1::Builder::new().writev(false).max_buf_size(MAX_HEAD).handshake(TokioIo::new(stream)).await?;
        Ok(Self { sender, driver: Box::pin(driver), used_at: Instant::now() })
    }

    /// Looks once whether the other side has closed the connection since its last answer.
    pub(super) async fn is_open(&mut self) -> bool {
        poll_fn(|context| Poll::Ready(self.driver.as_mut().poll(context).is_pending())).await
    }

    /// Asks, and reads the answer up to `max_answer` bytes.
    pub(super) async fn ask(&mut self, request: Request<Full<Bytes>>, max_answer: usize) -> Result<Exchange, Broken> {
        let (driver, sender) = (&mut self.driver, &mut self.sender);
        let mut ended = false;
        let response: Response<_> = drive(driver, &mut ended, sender.send_request(request)).await.map_err(|error| {
            let is_gone = error.is_incomplete_message() || error.is_canceled() || error.is_closed();
            if is_gone { Broken::Ended(error) } else { Broken::Failed(error) }
        })?;
        let (head, mut frames) = response.into_parts();
        let mut body = Vec::with_capacity(2048);
        while let Some(frame) = drive(driver, &mut ended, frames.frame()).await {
            let Ok(chunk) = frame.map_err(Broken::Failed)?.into_data() else { continue };
            if body.len() + chunk.len() > max_answer {
                return Err(Broken::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        // Once more, so that the connection sees the end of the answer and is ready for another call.
        ended = ended || poll_fn(|context| Poll::Ready(driver.as_mut().poll(context).is_ready())).await;
        let is_reusable = !ended && sender.is_ready();
        Ok(Exchange { status: head.status.as_u16(), headers: head.headers, body, is_reusable })
    }
}

/// Runs a part of an exchange while moving the connection's bytes. Once the connection has ended it is not polled again.
async fn drive<F: Future>(driver: &mut Pin<Box<Driver>>, ended: &mut bool, part: F) -> F::Output {
    let mut part = pin!(part);
    poll_fn(|context| {
        if let Poll::Ready(output) = part.as_mut().poll(context) {
            return Poll::Ready(output);
        }
        if *ended {
            return Poll::Pending;
        }
        *ended = driver.as_mut().poll(context).is_ready();
        part.as_mut().poll(context)
    })
    .await
}
