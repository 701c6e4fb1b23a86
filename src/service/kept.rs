//! What is kept of a verification, before it is sealed: the request, to take it up again after a crash,
//! and the outcome, to show it again.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::error::ServiceError;
use super::verify::Expand;
use crate::domain::actor::Client;
use crate::store::StoreError;

/// What is kept of a request, sealed: enough to take it up again after a crash.
#[derive(Serialize, Deserialize)]
pub(super) struct KeptRequest {
    /// The client that asked.
    pub(super) client: Client,
    /// The id of its request.
    pub(super) request_id: String,
    /// The body.
    pub(super) request: Box<RawValue>,
}

/// What is kept of a request whose body was parsed before.
pub(super) fn kept_request(client: &Client, request_id: &str, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    #[derive(Serialize)]
    struct Borrowed<'a> {
        client: &'a Client,
        request_id: &'a str,
        request: &'a RawValue,
    }
    let request: &RawValue = serde_json::from_slice(body).map_err(|_| StoreError::Corrupt("request"))?;
    let sealed = Borrowed { client, request_id, request };
    Ok(serde_json::to_vec(&sealed).expect("a request holds only JSON"))
}

/// A verification's outcome as it is sealed.
#[derive(Serialize, Deserialize)]
pub(super) struct Outcome {
    /// The answer without evidence and trace.
    pub(super) answer: Box<RawValue>,
    evidence: Box<RawValue>,
    trace: Box<RawValue>,
}

/// What is kept of an outcome; the answer is serialised already and stays as it is, to the byte.
pub(super) fn kept_outcome(answer: &[u8], evidence: &RawValue, trace: &RawValue) -> Vec<u8> {
    let mut outcome = Vec::with_capacity(answer.len() + evidence.get().len() + trace.get().len() + 40);
    outcome.extend_from_slice(b"{\"answer\":");
    outcome.extend_from_slice(answer);
    outcome.extend_from_slice(b",\"evidence\":");
    outcome.extend_from_slice(evidence.get().as_bytes());
    outcome.extend_from_slice(b",\"trace\":");
    outcome.extend_from_slice(trace.get().as_bytes());
    outcome.push(b'}');
    outcome
}

/// The stored answer with evidence and trace beside it.
pub(super) fn expanded(outcome: &Outcome, expand: Expand) -> Vec<u8> {
    let mut body = outcome.answer.get().as_bytes().to_vec();
    for (wanted, name, value) in
        [(expand.evidence, "evidence", &outcome.evidence), (expand.trace, "trace", &outcome.trace)]
    {
        if wanted && body.pop() == Some(b'}') {
            body.extend_from_slice(format!(",\"{name}\":").as_bytes());
            body.extend_from_slice(value.get().as_bytes());
            body.push(b'}');
        }
    }
    body
}
