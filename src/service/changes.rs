//! What operators ask for on the command line: into the database itself while no hub runs, and as a request in it while
//! one does, since the hub is the only writer of its log. Who knows the matter makes the change and its log entry durable.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::adapters::{self, AdapterFault, Adapters};
use super::approvals::{ApprovalFault, Approvals, Approved, Heard};
use super::clients::{self, ClientRegistry, ClientsError};
use super::erasure::{Erasure, ErasureFault};
use super::sealing::{Position, Progress, Rewrap};
use crate::domain::actor::Client;
use crate::domain::problem::Text;
use crate::store::{ApprovalChanges, Changes, Store, StoreError};

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
    /// Of adapters and of who may register one.
    Adapter(adapters::Change),
    /// Destroys the key of a verification or of an authorisation, for good.
    Erase {
        /// The id, `vf_…` or `au_…`.
        id: String,
        /// Why, for the access log.
        reason: String,
    },
    /// Wraps some thousands of data keys anew under the current sealing key, from this position on.
    Rewrap(Position),
    /// Puts other settings in force, at the next start.
    Settings {
        /// Their digest, as `app/settings.rs` makes it.
        digest: String,
        /// The settings themselves, for who agrees to them.
        settings: serde_json::Value,
    },
    /// What a person says of a change that waits: a signed statement (`auth/statement.rs`).
    Say(String),
    /// Confirms that the clock is right after a jump, so that what was kept long enough is erased again.
    ConfirmClock,
}

impl Change {
    /// Whether one person alone cannot make it. What only takes rights away, or gives the hub itself another key, is made
    /// at once: it must not wait for anybody when somebody got in.
    pub const fn needs_two_persons(&self) -> bool {
        match self {
            Self::Client(
                clients::Change::Register { .. } | clients::Change::Rotate { .. } | clients::Change::Constrain { .. },
            )
            | Self::Erase { .. }
            | Self::Settings { .. }
            | Self::ConfirmClock => true,
            Self::Adapter(change) => change.needs_two_persons(),
            Self::Client(clients::Change::Revoke { .. } | clients::Change::NewSigningKey { .. })
            | Self::Say(_)
            | Self::Rewrap(_) => false,
        }
    }

    /// Whether one person alone cannot make it whatever the settings say.
    pub const fn always_needs_two(&self) -> bool {
        matches!(self, Self::Adapter(change) if change.always_needs_two())
    }

    /// What it changes, in a word for the log.
    pub fn told(&self) -> String {
        match self {
            Self::Client(clients::Change::Register { client, .. }) => {
                format!("client/{}/register/{}", client.id, client.role.as_str())
            }
            Self::Client(clients::Change::Rotate { id, .. }) => format!("client/{id}/rotate_key"),
            Self::Client(clients::Change::Constrain { id, .. }) => format!("client/{id}/constrain"),
            Self::Client(clients::Change::Revoke { id }) => format!("client/{id}/revoke"),
            Self::Client(clients::Change::NewSigningKey { .. }) => "signing_key/make".to_owned(),
            Self::Adapter(change) => change.told(),
            Self::Erase { id, .. } => format!("{id}/erase"),
            Self::Settings { digest, .. } => format!("settings/{digest}"),
            Self::Rewrap(_) => "data_keys/rewrap".to_owned(),
            Self::Say(_) => "approval/say".to_owned(),
            Self::ConfirmClock => "clock/confirm".to_owned(),
        }
    }
}

/// On whose order a change is made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Order<'a> {
    /// Who entered it, as the machine knows them.
    pub by: &'a str,
    /// The department's client, where a department asks for itself: it may do less than whoever runs the hub.
    pub department: Option<&'a Client>,
    /// Who agreed, where two had to.
    pub approved: Option<&'a Approved>,
}

impl Order<'_> {
    /// Who agreed.
    pub fn approvers(&self) -> &[String] {
        self.approved.map_or(&[], |approved| &approved.approvers)
    }

    /// Says in what is made durable that the proposal was made.
    pub fn end(&self, now: jiff::Timestamp) -> ApprovalChanges {
        let ended = self.approved.map(|approved| (approved.proposal.id.clone(), "made", now.as_microsecond()));
        ApprovalChanges { ended: ended.into_iter().collect(), ..ApprovalChanges::default() }
    }
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
    Refused(Refusal),
    /// Entered; persons must agree to it first.
    Waiting {
        /// The proposal.
        proposal: String,
        /// What they sign.
        digest: String,
        /// How many more must agree.
        still: usize,
    },
}

/// Why a change is not made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The stable code of why, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Why, and what mends it.
    #[serde(flatten)]
    pub why: Text,
}

impl From<Text> for Refusal {
    fn from(why: Text) -> Self {
        Self { code: None, why }
    }
}

impl From<AdapterFault> for Refusal {
    fn from(fault: AdapterFault) -> Self {
        Self { code: Some(fault.code().to_owned()), why: fault.text() }
    }
}

impl From<ApprovalFault> for Refusal {
    fn from(fault: ApprovalFault) -> Self {
        Self { code: Some(fault.code().to_owned()), why: fault.text() }
    }
}

impl Answer {
    fn refused(why: impl Into<Refusal>) -> Self {
        Self::Refused(why.into())
    }

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
    /// Changes that need two persons.
    pub approvals: Approvals,
    /// Wraps anew.
    pub rewrap: Rewrap,
    /// Adapters.
    pub adapters: Arc<Adapters>,
    /// One change at a time, from the command line or over HTTP: what it is judged by is still so when it is durable.
    pub alone: tokio::sync::Mutex<()>,
}

impl Operations {
    /// Takes up what operators left as requests, and what both agreed to before a crash.
    pub async fn take_up(&self) -> Result<(), ClientsError> {
        for request in self.store.change_requests().await? {
            let answer = match serde_json::from_str::<Request>(&request.body) {
                Ok(asked) => self.make(asked, Some(request.number)).await?,
                Err(_) => Answer::refused(clients::ChangeFault::Form.text()),
            };
            if let Answer::Refused(_) = answer {
                self.answer(request.number, &answer).await?;
            }
        }
        Ok(())
    }

    /// Makes what both agreed to before the hub that heard them died.
    pub async fn make_left_agreed(&self) -> Result<(), ClientsError> {
        let _alone = self.alone.lock().await;
        for approved in self.approvals.left_agreed().await? {
            self.make_approved(&approved, None).await?;
        }
        Ok(())
    }

    /// Makes a change, or lets it wait for two persons: durable with its log entry first, then in force. `request` is the
    /// number of the request it answers; unless it is refused, the answer stands in the database when this returns.
    pub async fn make(&self, asked: Request, request: Option<i64>) -> Result<Answer, ClientsError> {
        let _alone = self.alone.lock().await;
        if self.approvals.are_needed_for(&asked.change) || self.is_against_department(&asked.change) {
            let asked = self.told_in_full(asked);
            if let Some(why) = self.fault_of(&asked.change).await {
                return Ok(Answer::refused(why));
            }
            if let Some(answer) = self.entered_before(&asked.change).await? {
                if let Some(number) = request.filter(|_| !matches!(answer, Answer::Refused(_))) {
                    self.answer(number, &answer).await?;
                }
                return Ok(answer);
            }
            return Ok(self.approvals.propose(&asked.by, &asked.change, request).await?);
        }
        let order = Order { by: &asked.by, ..Order::default() };
        match asked.change {
            Change::Say(statement) => match self.approvals.hear(&asked.by, &statement, request).await? {
                Ok(Heard::Counted(answer)) => Ok(answer),
                Ok(Heard::Agreed(approved)) => self.make_approved(&approved, request).await,
                Err(fault) => Ok(Answer::refused(fault)),
            },
            Change::Client(clients::Change::Revoke { id }) if self.approvals.would_end_with(&id) => {
                Ok(Answer::refused(Text::new(
                    "启用两人批准时至少须留有两名授权管理人员；请先登记另一名。",
                    "two administrators must stay registered while changes need two persons: register another one first.",
                )))
            }
            change => self.make_now(order, change, request).await,
        }
    }

    /// Makes a change of an adapter for its own department, which waits for nobody: what it may not do alone is refused.
    pub async fn make_for_department(
        &self,
        client: &Client,
        change: &adapters::Change,
    ) -> Result<Result<Answer, AdapterFault>, StoreError> {
        let _alone = self.alone.lock().await;
        let order = Order { by: &client.id, department: Some(client), approved: None };
        Ok(self.adapters.make(order, change, None).await?.map(Answer::Done))
    }

    fn is_against_department(&self, change: &Change) -> bool {
        matches!(change, Change::Adapter(change) if self.adapters.is_against_department(change))
    }

    /// What waits says in itself what others agree to.
    fn told_in_full(&self, asked: Request) -> Request {
        match asked.change {
            Change::Adapter(change) => Request { change: Change::Adapter(self.adapters.told_in_full(change)), ..asked },
            _ => asked,
        }
    }

    /// Why a change could not be made even if everybody agreed, so that what cannot be is not kept waiting; nor is what may
    /// not be written down (P7).
    async fn fault_of(&self, change: &Change) -> Option<Refusal> {
        match change {
            Change::Client(change) => {
                let fault = self.clients.as_ref()?.fault_of(change).map(|fault| fault.text().into());
                fault.or_else(|| self.nobodys_department(change))
            }
            Change::Erase { id, reason } => self.erasure.fault_of(id, reason).await.map(|fault| fault.text().into()),
            Change::Adapter(change) => self.adapter_fault_of(change).map(Refusal::from),
            Change::Settings { .. } | Change::Say(_) | Change::ConfirmClock | Change::Rewrap(_) => None,
        }
    }

    /// Why a client cannot be registered that acts for a department which is not there.
    fn nobodys_department(&self, change: &clients::Change) -> Option<Refusal> {
        let clients::Change::Register { client, .. } = change else { return None };
        let is_nobodys = client.department.as_ref().is_some_and(|department| !self.adapters.knows(department));
        is_nobodys.then(|| AdapterFault::Department.into())
    }

    /// Why a change of adapters could not be made, even if everybody agreed who must.
    pub fn adapter_fault_of(&self, change: &adapters::Change) -> Option<AdapterFault> {
        let fault = self.adapters.fault_of(change);
        let always = change.always_needs_two() || self.adapters.is_against_department(change);
        let is_nobody_there = always && !self.approvals.are_possible();
        fault.or_else(|| is_nobody_there.then_some(AdapterFault::NobodyToAgree))
    }

    /// What is answered to a change that need not be entered: to settings in force, and to what waits already.
    async fn entered_before(&self, change: &Change) -> Result<Option<Answer>, StoreError> {
        if let Change::Settings { digest, .. } = change
            && self.store.last_settings().await?.is_some_and(|last| last.digest == *digest)
        {
            return Ok(Some(Answer::refused(Text::new(
                "这些设置已在使用，无须批准。",
                "these settings are in force already: there is nothing to agree to.",
            ))));
        }
        self.approvals.waiting(change).await
    }

    /// Makes a change that both agreed to. One that cannot be made any more ends as refused.
    async fn make_approved(&self, approved: &Approved, request: Option<i64>) -> Result<Answer, ClientsError> {
        let Ok(change) = serde_json::from_str::<Change>(&approved.proposal.body) else {
            return Ok(Answer::refused(clients::ChangeFault::Form.text()));
        };
        if let Change::Settings { digest, .. } = &change {
            let answer = Answer::Done(format!("settings/{digest}/agreed"));
            if let Some(number) = request {
                self.answer(number, &answer).await?;
            }
            return Ok(answer);
        }
        let order = Order { by: &approved.proposal.proposed_by, approved: Some(approved), ..Order::default() };
        let answer = self.make_now(order, change, request).await?;
        if let Answer::Refused(_) = answer {
            let ended = vec![(approved.proposal.id.clone(), "refused", self.approvals.now().as_microsecond())];
            let approval = ApprovalChanges { ended, ..ApprovalChanges::default() };
            self.store.change(Changes { approval, ..Changes::default() }, Vec::new()).await?;
        }
        Ok(answer)
    }

    async fn make_now(&self, order: Order<'_>, change: Change, request: Option<i64>) -> Result<Answer, ClientsError> {
        match change {
            Change::Client(change) => {
                let Some(registry) = &self.clients else {
                    return Ok(Answer::refused(Text::new(
                        "本平台不签发令牌：请先配置 [token_endpoint]。",
                        "this hub gives no tokens itself: add [token_endpoint] to its configuration.",
                    )));
                };
                if let Some(refusal) = self.nobodys_department(&change) {
                    return Ok(Answer::refused(refusal));
                }
                let done = registry.change(order, change, request).await?;
                Ok(done.map_or_else(|fault| Answer::refused(fault.text()), Answer::Done))
            }
            Change::Adapter(change) => {
                let done = self.adapters.make(order, &change, request).await?;
                Ok(done.map_or_else(Answer::refused, Answer::Done))
            }
            Change::Erase { id, reason } => match self.erasure.erase(order, &id, &reason).await {
                Ok(done) => self.done(done, request).await,
                Err(ErasureFault::Store(error)) => Err(error.into()),
                Err(fault) => Ok(Answer::refused(fault.text())),
            },
            Change::ConfirmClock => {
                let done = self.erasure.confirm_clock(order).await?;
                self.done(done, request).await
            }
            Change::Settings { .. } => Ok(Answer::refused(Text::new(
                "当前设置的变更不需要两人批准：重启即生效。",
                "other settings need nobody's agreement now: restart the hub with them.",
            ))),
            Change::Say(_) => Ok(Answer::refused(clients::ChangeFault::Form.text())),
            Change::Rewrap(from) => match self.rewrap.go_on(order.by, from).await? {
                Ok(progress) => {
                    let answer = Answer::Rewrapped(progress);
                    if let Some(number) = request {
                        self.answer(number, &answer).await?;
                    }
                    Ok(answer)
                }
                Err(why) => Ok(Answer::refused(why)),
            },
        }
    }

    /// Told only when nothing is left to do.
    async fn done(&self, done: String, request: Option<i64>) -> Result<Answer, ClientsError> {
        let answer = Answer::Done(done);
        if let Some(number) = request {
            self.answer(number, &answer).await?;
        }
        Ok(answer)
    }

    async fn answer(&self, number: i64, answer: &Answer) -> Result<(), StoreError> {
        let answered = Some((number, answer.to_json()));
        self.store.change(Changes { answered, ..Changes::default() }, Vec::new()).await
    }
}
