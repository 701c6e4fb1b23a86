//! What is kept of a verification, before it is sealed: the request, to take it up again after a crash,
//! and the outcome, to show it again.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::domain::actor::Client;
use crate::domain::authorisation::Authorisation;

/// What is kept of a request, sealed: enough to take it up again after a crash.
#[derive(Serialize, Deserialize)]
pub(super) struct KeptRequest {
    /// The client that asked.
    pub(super) client: Client,
    /// The id of its request.
    pub(super) request_id: String,
    /// The registered authorisation that the body names, as it was then.
    #[serde(default)]
    pub(super) authorisation: Option<Authorisation>,
    /// The body.
    pub(super) request: Box<RawValue>,
}

/// What is kept of a request whose body was parsed before, and so is one JSON value; it stays as it is, to the byte.
pub(super) fn kept_request(
    client: &Client,
    request_id: &str,
    authorisation: Option<&Authorisation>,
    body: &[u8],
) -> Vec<u8> {
    #[derive(Serialize)]
    struct Asked<'a> {
        client: &'a Client,
        request_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        authorisation: Option<&'a Authorisation>,
    }
    let mut kept = Vec::with_capacity(body.len() + 400);
    serde_json::to_writer(&mut kept, &Asked { client, request_id, authorisation }).expect("names and codes are JSON");
    kept.pop();
    kept.extend_from_slice(b",\"request\":");
    kept.extend_from_slice(body.trim_ascii());
    kept.push(b'}');
    kept
}

/// A verification's outcome as it is sealed. Text and trace are not kept: they are made from the facts
/// when somebody asks for them.
#[derive(Serialize, Deserialize)]
pub(super) struct Outcome {
    /// The answer, without what is shown beside it on request.
    pub(super) answer: Box<RawValue>,
    /// The evidence.
    pub(super) evidence: Box<RawValue>,
    /// The facts, as the verdict's id was computed from them.
    pub(super) facts: Box<RawValue>,
    /// The declaration against what was found.
    #[serde(default)]
    pub(super) comparison: Option<Box<RawValue>>,
    /// The signed answers it rests on.
    #[serde(default)]
    pub(super) proofs: Option<Box<RawValue>>,
    /// The digest of the pack the verdict rests on; absent when there was none.
    pub(super) pack_digest: Option<String>,
    /// The version of the rules as programmed that gave the verdict.
    #[serde(default)]
    pub(super) engine: Option<String>,
}

impl Outcome {
    /// Whether departments may still owe something: never false where the verdict is open.
    pub(super) fn may_be_open(&self) -> bool {
        self.answer.get().contains("\"PENDING_DATA\"")
    }
}

/// The parts of an outcome, serialised already; each stays as it is, to the byte.
pub(super) struct OutcomeParts<'a> {
    pub(super) answer: &'a [u8],
    pub(super) evidence: &'a [u8],
    pub(super) facts: &'a [u8],
    pub(super) comparison: &'a [u8],
    /// Empty where no answer is signed.
    pub(super) proofs: &'a [u8],
    pub(super) pack_digest: Option<&'a str>,
    pub(super) engine: &'a str,
}

/// What is kept of an outcome.
pub(super) fn kept_outcome(parts: &OutcomeParts<'_>) -> Vec<u8> {
    let OutcomeParts { answer, evidence, facts, comparison, proofs, pack_digest, engine } = *parts;
    let lengths = [answer, evidence, facts, comparison, proofs].map(<[u8]>::len);
    let mut outcome = Vec::with_capacity(lengths.iter().sum::<usize>() + 200);
    for (name, value) in [
        (&b"{\"answer\":"[..], answer),
        (b",\"evidence\":", evidence),
        (b",\"facts\":", facts),
        (b",\"comparison\":", comparison),
    ] {
        outcome.extend_from_slice(name);
        outcome.extend_from_slice(value);
    }
    if !proofs.is_empty() {
        outcome.extend_from_slice(b",\"proofs\":");
        outcome.extend_from_slice(proofs);
    }
    outcome.extend_from_slice(b",\"pack_digest\":");
    match pack_digest {
        Some(digest) => outcome.extend_from_slice(format!("\"{digest}\"").as_bytes()),
        None => outcome.extend_from_slice(b"null"),
    }
    outcome.extend_from_slice(format!(",\"engine\":\"{engine}\"").as_bytes());
    outcome.push(b'}');
    outcome
}

/// An answer with members put beside its own.
pub(super) fn with_members(answer: &RawValue, members: &[(&str, &RawValue)]) -> Vec<u8> {
    let body = answer.get().as_bytes().to_vec();
    members.iter().fold(body, |body, (name, value)| with_member(body, name, value))
}

/// An answer with a member put beside its own.
pub(super) fn with_member(mut body: Vec<u8>, name: &str, value: &RawValue) -> Vec<u8> {
    if body.pop() == Some(b'}') {
        body.extend_from_slice(format!(",\"{name}\":").as_bytes());
        body.extend_from_slice(value.get().as_bytes());
        body.push(b'}');
    }
    body
}
