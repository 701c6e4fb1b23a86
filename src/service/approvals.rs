//! Changes that need two persons (两人原则): entered, agreed to or refused by registered administrators, made by the second
//! who agrees. Who enters a change counts as nobody: two different keys must have signed its digest.
//!
//! The rule holds once two administrators are registered, since before that nobody could be asked; after that no change of
//! one person takes it back (`Operations::make`, and `app/settings.rs` for the settings that say whether it holds).

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::{SignedDuration, Timestamp};

use super::changes::{Answer, Change};
use super::clients::ClientRegistry;
use super::ids::Ids;
use crate::access_log::{AccessEvent, Action};
use crate::auth::clients::Clients;
use crate::auth::statement::{self, Said, Statement};
use crate::domain::actor::{Client, Role};
use crate::domain::clock::Clock;
use crate::domain::hex::hex;
use crate::domain::problem::Text;
use crate::store::{ApprovalChanges, Changes, DecisionRow, ProposalRow, Store, StoreError};

/// How many persons must agree.
pub const PERSONS: usize = 2;

/// Why a word on a change does not count. Each is an entry of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalFault {
    /// The statement is not one, or nobody registered proves it.
    #[error(
        "the statement is not signed by a registered client with a key in use, or is older than a minute; check --as, --key and the clock"
    )]
    Unproven,
    /// The person is no administrator.
    #[error("only administrators agree to changes: register one with `hedui client create --role administrator`")]
    Role,
    /// No such change is open.
    #[error("no such change is waiting; `hedui approval list` shows those that are")]
    Unknown,
    /// It waited too long.
    #[error("the change waited too long; enter it again")]
    Expired,
    /// The person signed something else.
    #[error("the change is another one than the one that was signed; look at it again with `hedui approval show`")]
    OtherChange,
    /// The person had their word.
    #[error("this person has had their word on this change: another one must agree")]
    SamePerson,
}

impl ApprovalFault {
    /// Its code in the log.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unproven => "statement_unproven",
            Self::Role => "wrong_role",
            Self::Unknown => "no_such_change",
            Self::Expired => "change_expired",
            Self::OtherChange => "other_change",
            Self::SamePerson => "same_person",
        }
    }

    /// The fault in both languages.
    pub fn text(self) -> Text {
        let zh = match self {
            Self::Unproven => "声明没有已登记客户端在用密钥的签名，或已超过一分钟；请检查 --as、--key 和时钟。",
            Self::Role => "只有授权管理身份可以批准变更；用 hedui client create --role administrator 登记。",
            Self::Unknown => "没有等待批准的这项变更；hedui approval list 可列出全部。",
            Self::Expired => "该变更等待过久，已失效；请重新提出。",
            Self::OtherChange => "该变更与所签的不是同一内容；请用 hedui approval show 重新查看。",
            Self::SamePerson => "此人已对该变更表态，须由另一人批准。",
        };
        Text::new(zh, self.to_string())
    }
}

/// A change that both agreed to.
#[derive(Debug, Clone)]
pub struct Approved {
    /// The proposal.
    pub proposal: ProposalRow,
    /// Who agreed.
    pub approvers: Vec<String>,
}

/// What came of a word.
pub enum Heard {
    /// One of two agrees; the answer.
    Counted(Answer),
    /// Both do: the change is to be made.
    Agreed(Approved),
}

/// What [`Approvals`] is made from.
pub struct Parts {
    /// Where proposals are kept.
    pub store: Store,
    /// Who is registered; none where the hub gives no tokens itself.
    pub clients: Option<Arc<ClientRegistry>>,
    /// Whether changes need two persons.
    pub is_required: bool,
    /// How long a change may wait.
    pub valid_for: Duration,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids of proposals and events.
    pub ids: Ids,
}

/// The use cases of two persons.
pub struct Approvals(Parts);

impl Approvals {
    /// Over these parts.
    pub const fn new(parts: Parts) -> Self {
        Self(parts)
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Whether this change needs two persons now.
    pub fn are_needed_for(&self, change: &Change) -> bool {
        change.always_needs_two() || change.needs_two_persons() && self.are_in_force()
    }

    /// Whether two persons are registered who could agree.
    pub fn are_possible(&self) -> bool {
        self.administrators().len() >= PERSONS
    }

    /// Whether one more administrator must stay registered than would, were this one revoked.
    pub fn would_end_with(&self, revoked: &str) -> bool {
        let is_one = self.administrators().iter().any(|client| client.id == revoked);
        self.are_in_force() && is_one && self.administrators().len() <= PERSONS
    }

    /// Whether two persons are needed, and there.
    pub fn are_in_force(&self) -> bool {
        self.0.is_required && self.are_possible()
    }

    fn administrators(&self) -> Vec<Arc<Client>> {
        let clients = self.0.clients.as_ref().map(|registry| registry.clients());
        let clients = clients.iter().flat_map(|clients| clients.iter());
        let active = clients.filter(|client| client.is_active()).map(|client| Arc::clone(client.client()));
        active.filter(|client| client.role == Role::Administrator).collect()
    }

    /// Enters a change, durable with its log entry. `request` is the number of the request it answers.
    pub async fn propose(&self, by: &str, change: &Change, request: Option<i64>) -> Result<Answer, StoreError> {
        let now = self.0.clock.now();
        let row = proposal(&self.0.ids, by, change, now, self.0.valid_for)?;
        let event = proposed(&self.0.ids, &row, &change.told(), now)?;
        let answer = Answer::Waiting { proposal: row.id.clone(), digest: row.digest.clone(), still: PERSONS };
        let approval = ApprovalChanges { proposals: vec![row], ..ApprovalChanges::default() };
        let answered = request.map(|number| (number, answer.to_json()));
        self.0.store.change(Changes { approval, answered, ..Changes::default() }, vec![event]).await?;
        Ok(answer)
    }

    /// What is answered to a change whose proposal is open and not too old; `None` where it was not entered. Two copies of
    /// one change would let two persons agree to one each, and neither be made.
    pub async fn waiting(&self, change: &Change) -> Result<Option<Answer>, StoreError> {
        let Some(registry) = &self.0.clients else { return Ok(None) };
        let (body, now) = (body_of(change)?, self.0.clock.now());
        for row in self.0.store.open_proposals().await? {
            let is_same = match (change, serde_json::from_str(&row.body)) {
                (Change::Settings { digest, .. }, Ok(Change::Settings { digest: other, .. })) => *digest == other,
                _ => row.body == body,
            };
            if !is_same || sha256(&row.body) != row.digest || row.expires_at <= now.as_microsecond() {
                continue;
            }
            let by = agreed(&row, &self.0.store.decisions(&row.id).await?, &registry.clients(), now);
            match (PERSONS.saturating_sub(by.len()), change) {
                (0, Change::Settings { digest, .. }) => {
                    return Ok(Some(Answer::Done(format!("settings/{digest}/agreed"))));
                }
                // Both agreed and it was not made: that one is of no use any more.
                (0, _) => {}
                (still, _) => return Ok(Some(Answer::Waiting { proposal: row.id, digest: row.digest, still })),
            }
        }
        Ok(None)
    }

    /// Hears what a person says of a change: durable with its log entry before it counts, or refused, which is an entry too.
    pub async fn hear(
        &self,
        by: &str,
        signed: &str,
        request: Option<i64>,
    ) -> Result<Result<Heard, ApprovalFault>, StoreError> {
        let now = self.0.clock.now();
        let heard = self.understand(signed, now).await?;
        let (proposal, statement, before) = match heard {
            Ok(understood) => understood,
            Err((fault, proposal, person)) => {
                self.log_refusal(by, fault, proposal.as_deref(), person.as_deref(), now).await?;
                return Ok(Err(fault));
            }
        };
        let person = Arc::clone(statement.person.client());
        let agrees = statement.said.agrees;
        let request_id = self.0.ids.next("rq");
        let action = if agrees { Action::ChangeApproved } else { Action::ChangeRefused };
        let mut event = AccessEvent::new(self.0.ids.next("ev"), now, action, Some(&person), &request_id);
        event.object = Some(&proposal.id);
        let decision = DecisionRow {
            proposal_id: proposal.id.clone(),
            person: person.id.clone(),
            agrees,
            decided_at: now.as_microsecond(),
            statement: signed.to_owned(),
        };
        let mut approvers = before;
        approvers.push(person.id.clone());
        let still = PERSONS.saturating_sub(approvers.len());
        let answer = if agrees {
            Answer::Waiting { proposal: proposal.id.clone(), digest: proposal.digest.clone(), still }
        } else {
            Answer::Done(format!("{}/refused", proposal.id))
        };
        let is_agreed = agrees && still == 0;
        let ended = if agrees { Vec::new() } else { vec![(proposal.id.clone(), "refused", now.as_microsecond())] };
        let approval = ApprovalChanges { decisions: vec![decision], ended, ..ApprovalChanges::default() };
        let answered = request.filter(|_| !is_agreed).map(|number| (number, answer.to_json()));
        self.0.store.change(Changes { approval, answered, ..Changes::default() }, vec![event.to_row()?]).await?;
        Ok(Ok(if is_agreed { Heard::Agreed(Approved { proposal, approvers }) } else { Heard::Counted(answer) }))
    }

    /// Changes that both agreed to and that were not made yet: what a crash left behind. Settings are made by the next start.
    pub async fn left_agreed(&self) -> Result<Vec<Approved>, StoreError> {
        let mut left = Vec::new();
        let Some(registry) = &self.0.clients else { return Ok(left) };
        let now = self.0.clock.now();
        for proposal in self.0.store.open_proposals().await? {
            let approvers = agreed(&proposal, &self.0.store.decisions(&proposal.id).await?, &registry.clients(), now);
            if approvers.len() >= PERSONS {
                left.push(Approved { proposal, approvers });
            }
        }
        Ok(left)
    }

    /// A word that counts, on the proposal it is about, with those that were said before; or why it does not.
    async fn understand(
        &self,
        signed: &str,
        now: Timestamp,
    ) -> Result<Result<Understood, (ApprovalFault, Option<String>, Option<String>)>, StoreError> {
        let Some(registry) = &self.0.clients else { return Ok(Err((ApprovalFault::Unproven, None, None))) };
        let Ok(statement) = statement::check(signed.as_bytes(), &registry.clients(), registry.issuer(), now) else {
            return Ok(Err((ApprovalFault::Unproven, None, None)));
        };
        let person = statement.person.client().id.clone();
        let refused = |fault, proposal: Option<&ProposalRow>| {
            Ok(Err((fault, proposal.map(|proposal| proposal.id.clone()), Some(person.clone()))))
        };
        if statement.person.client().role != Role::Administrator {
            return refused(ApprovalFault::Role, None);
        }
        let open = self.0.store.proposal(&statement.said.proposal).await?.filter(|row| row.ended.is_none());
        let Some(proposal) = open else { return refused(ApprovalFault::Unknown, None) };
        if proposal.expires_at <= now.as_microsecond() {
            return refused(ApprovalFault::Expired, Some(&proposal));
        }
        // The body as it stands now, not the column beside it: whoever altered it signed for nothing.
        if statement.said.digest != sha256(&proposal.body) || proposal.digest != statement.said.digest {
            return refused(ApprovalFault::OtherChange, Some(&proposal));
        }
        let before = self.0.store.decisions(&proposal.id).await?;
        if before.iter().any(|decision| decision.person == person) {
            return refused(ApprovalFault::SamePerson, Some(&proposal));
        }
        let agreed = agreed(&proposal, &before, &registry.clients(), now);
        Ok(Ok((proposal, statement, agreed)))
    }

    async fn log_refusal(
        &self,
        by: &str,
        fault: ApprovalFault,
        proposal: Option<&str>,
        person: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let request_id = self.0.ids.next("rq");
        let mut event = AccessEvent::new(self.0.ids.next("ev"), now, Action::Denied, None, &request_id);
        (event.actor, event.object, event.problem) = (Some(person.unwrap_or(by)), proposal, Some(fault.code()));
        self.0.store.record_events(vec![event.to_row()?]).await
    }
}

type Understood = (ProposalRow, Statement, Vec<String>);

/// Who agreed to a proposal as it stands now. The rows are not believed, only what was signed: by an administrator who is
/// registered still, for this very body.
pub fn agreed(proposal: &ProposalRow, words: &[DecisionRow], clients: &Clients, now: Timestamp) -> Vec<String> {
    let said = Said { proposal: proposal.id.clone(), digest: sha256(&proposal.body), agrees: true };
    let mut persons: Vec<String> = Vec::with_capacity(words.len());
    for statement in words.iter().filter_map(|word| statement::reread(word.statement.as_bytes(), clients, now)) {
        let person = statement.person.client();
        if statement.said == said && person.role == Role::Administrator && !persons.contains(&person.id) {
            persons.push(person.id.clone());
        }
    }
    persons
}

/// A change as its proposal keeps it, word by word.
fn body_of(change: &Change) -> Result<String, StoreError> {
    serde_json_canonicalizer::to_string(change).map_err(|_| StoreError::Corrupt("change"))
}

/// A proposal of a change, to be made durable.
pub fn proposal(
    ids: &Ids,
    by: &str,
    change: &Change,
    now: Timestamp,
    valid_for: Duration,
) -> Result<ProposalRow, StoreError> {
    let body = body_of(change)?;
    let valid = SignedDuration::try_from(valid_for).unwrap_or(SignedDuration::ZERO);
    Ok(ProposalRow {
        id: ids.next("ch"),
        digest: sha256(&body),
        body,
        proposed_by: by.to_owned(),
        proposed_at: now.as_microsecond(),
        expires_at: now.saturating_add(valid).unwrap_or(now).as_microsecond(),
        ended: None,
    })
}

/// The event of a proposal; `told` says in a word what would be changed.
pub fn proposed(
    ids: &Ids,
    row: &ProposalRow,
    told: &str,
    now: Timestamp,
) -> Result<crate::store::EventRow, StoreError> {
    let (request_id, objects) = (ids.next("rq"), [told.to_owned(), format!("sha256/{}", row.digest)]);
    let mut event = AccessEvent::new(ids.next("ev"), now, Action::ChangeProposed, None, &request_id);
    (event.actor, event.role) = (Some(row.proposed_by.as_str()), Some(Role::Operator));
    (event.object, event.objects) = (Some(row.id.as_str()), &objects);
    event.to_row()
}

/// What a person signs of a text: its SHA-256, hexadecimal.
pub fn sha256(text: &str) -> String {
    hex(digest(&SHA256, text.as_bytes()).as_ref())
}
