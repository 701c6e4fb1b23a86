//! Offering heads of the log to a witness (C2SP `tlog-witness`), and what its answers mean: a cosignature that
//! is kept, a witness that is silent, or one that knows another history of this log.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::anchor::replace;
use super::publish::Publisher;
use crate::egress::client::{Answer, AskError, Client};
use crate::store::StoreError;
use crate::tlog::checkpoint::SignedCheckpoint;
use crate::tlog::note::{NoteError, VerifierKey};
use crate::tlog::proof::Plan;
use crate::tlog::witness::{AddCheckpoint, read_answer, read_conflict};

/// How long a witness may take to answer.
const DEADLINE: Duration = Duration::from_secs(10);
/// Where a witness takes checkpoints, below its prefix.
pub const RESOURCE: &str = "/add-checkpoint";

/// A witness knows a history of this log that is not the one it is offered: a former state of the database was
/// restored, or the log was rewritten.
#[derive(Debug, thiserror::Error)]
#[error(
    "the witness {witness} knows another history of this access log: {why}. A former state of the database was restored, or the log was rewritten; nothing is recorded any more. {}; keep it, and restore the database that holds all entries",
    told(evidence)
)]
pub struct OtherHistory {
    /// The witness.
    pub witness: String,
    /// What shows it.
    pub why: String,
    /// Where it is kept; why it could not be, otherwise.
    pub evidence: Result<PathBuf, String>,
}

fn told(evidence: &Result<PathBuf, String>) -> String {
    match evidence {
        Ok(file) => format!("The evidence is in {}", file.display()),
        Err(error) => format!("The evidence could not be written ({error}): it is in the witness's state and log"),
    }
}

/// Why a head was not cosigned.
#[derive(Debug, thiserror::Error)]
pub enum OfferError {
    /// No answer.
    #[error("it does not answer: {0}")]
    Silent(#[from] AskError),
    /// No answer in time.
    #[error("it does not answer within {} s", DEADLINE.as_secs())]
    Late,
    /// An answer that is no cosignature.
    #[error("it answers {status}: {}", meaning(*.status))]
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// A cosignature that is not the witness's on this head.
    #[error("its cosignature cannot be believed: {0}; is the key in [[access_log.witness]] the one of this witness?")]
    Cosignature(#[from] NoteError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The witness knows another history.
    #[error(transparent)]
    OtherHistory(#[from] OtherHistory),
}

const fn meaning(status: u16) -> &'static str {
    match status {
        403 => "it knows this log by another public key; give it the one of `hedui log checkpoint --json`",
        404 => "it does not know this log, or the url is wrong; add the log's public key there",
        409 => "it cannot say what it cosigned last",
        _ => "the url is wrong, or the witness is out of order",
    }
}

/// A witness to offer heads to.
pub struct Offering {
    key: VerifierKey,
    client: Client,
    /// How many entries the last head had that it cosigned, as far as is known.
    last: AtomicU64,
    /// Where evidence goes: the beginning of the file's name.
    evidence: PathBuf,
}

impl Offering {
    /// Offers to the witness of this key, by a client that posts to its [`RESOURCE`]. `last` is the size of the
    /// newest head of it that is kept, 0 for none; evidence of another history goes into a file whose path
    /// begins with `evidence`.
    pub const fn new(key: VerifierKey, client: Client, last: u64, evidence: PathBuf) -> Self {
        Self { key, client, last: AtomicU64::new(last), evidence }
    }

    /// The public key of the witness.
    pub const fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// How many entries the newest head has that it cosigned.
    pub fn last(&self) -> u64 {
        self.last.load(Ordering::Acquire)
    }

    /// Offers the newest head, and keeps the cosignature. Says how many entries it covers.
    pub async fn offer(&self, publisher: &Publisher) -> Result<u64, OfferError> {
        let head = publisher.head();
        let size = head.checkpoint().size;
        let mut old = self.last();
        if old > size {
            let why = format!("it cosigned {old} entries, and the log has {size}");
            let request = AddCheckpoint { old, proof: Vec::new(), checkpoint: head.to_string() };
            return Err(self.other_history(publisher, &request, None, why).await.into());
        }
        // The witness says what it cosigned last, when it is not what this hub remembers; once is enough.
        let mut is_told = false;
        loop {
            let plan = Plan::consistency(old, size).map_err(|_| StoreError::Corrupt("head of the access log"))?;
            let proof = publisher.store().log().resolve(&plan).await?;
            let request = AddCheckpoint { old, proof, checkpoint: head.to_string() };
            let asked = self.client.post(request.to_string().into_bytes());
            let answer = tokio::time::timeout(DEADLINE, asked).await.map_err(|_| OfferError::Late)??;
            match answer.status {
                200 => return self.keep(publisher, &head, &answer).await,
                // From nothing there is nothing that a head could contradict.
                422 if old > 0 => {
                    let why = format!("the log of {size} entries does not go on from the {old} that it cosigned");
                    return Err(self.other_history(publisher, &request, Some(&answer), why).await.into());
                }
                409 => match conflict(&answer) {
                    Some(known) if known > size => {
                        let why = format!("it cosigned {known} entries, and the log has {size}");
                        return Err(self.other_history(publisher, &request, Some(&answer), why).await.into());
                    }
                    Some(known) if known == old && old == size => {
                        let why = format!("it cosigned other {size} entries than the log has");
                        return Err(self.other_history(publisher, &request, Some(&answer), why).await.into());
                    }
                    Some(known) if known != old && !is_told => {
                        is_told = true;
                        old = known;
                    }
                    _ => return Err(OfferError::Refused { status: 409 }),
                },
                status => return Err(OfferError::Refused { status }),
            }
        }
    }

    async fn keep(&self, publisher: &Publisher, head: &SignedCheckpoint, answer: &Answer) -> Result<u64, OfferError> {
        let text = std::str::from_utf8(&answer.body).map_err(|_| NoteError::Form("it is not UTF-8"))?;
        let cosignature = read_answer(text, head, &self.key)?;
        publisher.keep_cosigned(&self.key, head, cosignature).await?;
        let size = head.checkpoint().size;
        self.last.store(size, Ordering::Release);
        Ok(size)
    }

    /// Writes the evidence down. A file that is there already is left as it is.
    async fn other_history(
        &self,
        publisher: &Publisher,
        request: &AddCheckpoint,
        answer: Option<&Answer>,
        why: String,
    ) -> OtherHistory {
        let kept = publisher.store().log().cosigned().await.unwrap_or_default();
        let own = self.key.to_string();
        let kept = kept.into_iter().find(|row| row.witness == own).map(|row| row.checkpoint);
        let answered = answer
            .map_or_else(String::new, |answer| format!("{}\n{}", answer.status, String::from_utf8_lossy(&answer.body)));
        let text = format!(
            "{why}\n\n=== witness\n{own}\n\n=== log\n{}\n\n=== offered: the witness's last size, the proof from there, and the head that this log signed\n{request}\n=== answered\n{answered}\n=== the newest cosigned head that this hub keeps of the witness\n{}",
            publisher.verifier(),
            kept.unwrap_or_default(),
        );
        let mut file = self.evidence.clone().into_os_string();
        file.push(format!(".other-history-{}-{}", self.key.id(), request.old));
        let file = PathBuf::from(file);
        let written = if file.exists() { Ok(()) } else { replace(&file, text.as_bytes()) };
        let evidence = written.map(|()| file).map_err(|error| error.to_string());
        OtherHistory { witness: self.key.name().to_owned(), why, evidence }
    }
}

/// What a witness says that it cosigned last.
fn conflict(answer: &Answer) -> Option<u64> {
    answer.content_type().filter(|told| *told == "text/x.tlog.size").and_then(|_| read_conflict(&answer.body))
}
