//! What operators ask for on the command line: into the database itself while no hub runs, and as a request in it while
//! one does, since the hub is the only writer of its log. Who knows the matter makes the change and its log entry durable.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::clients::{self, ClientRegistry, ClientsError};
use super::erasure::{Erasure, ErasureFault};
use super::sealing::{Position, Progress, Rewrap};
use crate::domain::problem::Text;
use crate::store::{Changes, Store, StoreError};

/// What an operator asks for, and who that is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Who asks, as the machine knows them.
    pub by: String,
    /// What for.
    pub change: Change,
}

/// A change that an operator asks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// Of clients, or of the keys of the hub's tokens.
    Client(clients::Change),
    /// Destroys the key of a verification or of an authorisation, for good.
    Erase {
        /// The id, `vf_…` or `au_…`.
        id: String,
        /// Why, for the access log.
        reason: String,
    },
    /// Wraps some thousands of data keys anew under the current sealing key, from this position on.
    Rewrap(Position),
}

/// What a running hub answers to a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Done: what the log says of it.
    Done(String),
    /// A part of a rewrap was done.
    Rewrapped(Progress),
    /// Not done, and why.
    Refused(Text),
}

impl Answer {
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("an answer holds only strings and numbers")
    }
}

/// Who makes the changes.
pub struct Operations {
    /// Where requests are left.
    pub store: Store,
    /// Clients and keys; none where the hub gives no tokens itself.
    pub clients: Option<Arc<ClientRegistry>>,
    /// Erases.
    pub erasure: Arc<Erasure>,
    /// Wraps anew.
    pub rewrap: Rewrap,
}

impl Operations {
    /// Takes up what operators left as requests.
    pub async fn take_up(&self) -> Result<(), ClientsError> {
        for request in self.store.change_requests().await? {
            let answer = match serde_json::from_str::<Request>(&request.body) {
                Ok(asked) => self.make(asked, Some(request.number)).await?,
                Err(_) => Answer::Refused(clients::ChangeFault::Form.text()),
            };
            if let Answer::Refused(_) = answer {
                self.answer(request.number, &answer).await?;
            }
        }
        Ok(())
    }

    /// Makes a change: durable with its log entry first, then in force. `request` is the number of the request it
    /// answers; the answer to one that is done stands in the database when this returns.
    pub async fn make(&self, asked: Request, request: Option<i64>) -> Result<Answer, ClientsError> {
        match asked.change {
            Change::Client(change) => {
                let Some(registry) = &self.clients else {
                    return Ok(Answer::Refused(Text::new(
                        "本平台不签发令牌：请先配置 [token_endpoint]。",
                        "this hub gives no tokens itself: add [token_endpoint] to its configuration.",
                    )));
                };
                let done = registry.change(&asked.by, change, request).await?;
                Ok(done.map_or_else(|fault| Answer::Refused(fault.text()), Answer::Done))
            }
            Change::Erase { id, reason } => match self.erasure.erase(&asked.by, &id, &reason).await {
                Ok(done) => {
                    let answer = Answer::Done(done);
                    // Told only when nothing is left in the file of pending writes either.
                    if let Some(number) = request {
                        self.answer(number, &answer).await?;
                    }
                    Ok(answer)
                }
                Err(ErasureFault::Store(error)) => Err(error.into()),
                Err(fault) => Ok(Answer::Refused(fault.text())),
            },
            Change::Rewrap(from) => match self.rewrap.go_on(&asked.by, from).await? {
                Ok(progress) => {
                    let answer = Answer::Rewrapped(progress);
                    if let Some(number) = request {
                        self.answer(number, &answer).await?;
                    }
                    Ok(answer)
                }
                Err(why) => Ok(Answer::Refused(why)),
            },
        }
    }

    async fn answer(&self, number: i64, answer: &Answer) -> Result<(), StoreError> {
        let answered = Some((number, answer.to_json()));
        self.store.change(Changes { answered, ..Changes::default() }, Vec::new()).await
    }
}
