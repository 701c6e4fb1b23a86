//! Questions to one adapter over mutual TLS, and what its answers mean.

use std::time::Duration;

use connectors::signature::{CONTENT_DIGEST, SIGNATURE, SIGNATURE_INPUT};
use tokio::time::Instant;

use super::failure::{Failure, Sign};
use super::round::Outgoing;
use crate::domain::outcome::GapReason;
use crate::egress::client::{Answer, AskError, Client, ClientOptions as Options, Times};
#[cfg(test)]
use crate::egress::connect::Connect;
use crate::egress::{Egress, Endpoint, KeyPin};

pub use crate::egress::client::ClientError;

/// Where an adapter takes questions.
const FACTS: &str = "/v1/facts:query";

/// What an [`AdapterClient`] is made from.
pub struct ClientOptions<'a> {
    /// The adapter's address, `https://host[:port]`.
    pub endpoint: &'a str,
    /// The authority of the adapter's certificate, PEM.
    pub ca: &'a str,
    /// The hub's own certificate chain and key, PEM.
    pub identity: &'a str,
    /// The keys that the adapter may have; any that its authority vouches for when there are none.
    pub pins: &'a [KeyPin],
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// Largest answer, in bytes.
    pub max_answer: usize,
    /// What may be connected to.
    pub egress: &'a Egress,
}

impl<'a> ClientOptions<'a> {
    /// Those of a client of one of its paths.
    pub(super) fn to(&self, path: &'a str) -> Result<Options<'a>, ClientError> {
        Ok(Options {
            endpoint: Endpoint::parse(self.endpoint)?,
            path,
            content_type: "application/json",
            ca: self.ca,
            identity: Some(self.identity),
            pins: self.pins,
            connect_timeout: self.connect_timeout,
            max_answer: self.max_answer,
            egress: self.egress,
        })
    }
}

/// An answer as it arrived, with the fields that prove it where it has them.
pub(super) struct Arrived {
    pub(super) body: Vec<u8>,
    /// `Content-Digest`, `Signature-Input`, `Signature`.
    pub(super) fields: [Option<String>; 3],
    /// How long its steps took.
    pub(super) times: Times,
}

impl Arrived {
    fn of(answer: Answer) -> Self {
        let fields = [CONTENT_DIGEST, SIGNATURE_INPUT, SIGNATURE].map(|name| answer.field(name).map(str::to_owned));
        Self { body: answer.body, fields, times: answer.times }
    }
}

/// Asks one adapter.
pub struct AdapterClient(Client);

impl AdapterClient {
    /// A client that trusts only the given authority and presents the hub's certificate.
    pub fn new(options: &ClientOptions<'_>) -> Result<Self, ClientError> {
        let client = Client::new(options.to(FACTS)?)?;
        Ok(Self(client))
    }

    /// A client of a department in a simulation.
    #[cfg(test)]
    pub(super) fn simulated(way: Box<dyn Connect>, connect_timeout: Duration) -> Self {
        Self(Client::simulated(way, FACTS, connect_timeout))
    }

    /// Sends a query and reads the answer, at most `max_answer` bytes of it. The caller sets the deadline.
    /// `first_at` says of a second request when the first one was sent.
    pub(super) async fn query(&self, question: &Outgoing, first_at: Option<Instant>) -> Result<Arrived, Failure> {
        let failed = |reason, sign| Failure { reason, sign };
        let (body, fields) = (question.body.clone(), &question.fields);
        let answer = match first_at {
            None => self.0.post_with(body, fields).await,
            Some(first_at) => self.0.post_again(body, fields, first_at).await,
        };
        let answer = answer.map_err(|error| match error {
            AskError::Unavailable => Failure::LOST,
            AskError::TooLong => failed(GapReason::Malformed, Sign::Broken),
        })?;
        match answer.status {
            200 => Ok(Arrived::of(answer)),
            429 => Err(failed(GapReason::QuotaExceeded, Sign::Throttled)),
            // It refuses this question. One caller's questions say nothing of what it does with the next one's.
            400 | 401 | 403 | 413 | 422 => Err(failed(GapReason::NotAuthorised, Sign::Well)),
            502 => Err(Failure::LOST),
            503 => Err(failed(GapReason::Unavailable, Sign::Overloaded)),
            504 => Err(Failure::TIMEOUT),
            _ => Err(failed(GapReason::Unavailable, Sign::Broken)),
        }
    }
}
