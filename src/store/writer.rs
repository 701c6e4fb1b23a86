//! The writer: groups concurrent writes into one transaction and answers them after it is on disk.
//!
//! The store has one writer, so what it reads before a transaction is still true inside it: which
//! idempotency keys are known is asked first, and the group then goes to the database as one text of
//! statements. Each hand-over to the database's thread costs more than the rows it carries.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Sqlite, SqliteConnection, SqlitePool};
use tokio::sync::{mpsc, oneshot};

use super::StoreError;
use super::authorisation::{self, AuthorisationRow, Revocation};
use super::change::{self, Changes};
use super::client::{self, AssertionRow};
use super::erasure;
use super::event::{self, EventRow};
use super::follow_up::{self, Superseding};
use super::insertion::Insertions;
use super::log::{self, HeadChange};
use super::notice;
use super::pack::{self, PackRow};
use super::sequence::Sequence;
use super::verification::{self, NewVerification, Opened, OutcomeRow};

/// Largest number of writes in one transaction.
const GROUP: usize = 256;

/// A group of so many says that others are about to write too.
const COMPANY: usize = 4;

/// How long a group in company waits for more: about as long as a flush takes, whose cost it then shares.
const LINGER: Duration = Duration::from_millis(1);

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// Something to make durable, and whom to tell.
pub(super) enum Write {
    /// A verification, with its outcome when it is known already.
    Open {
        row: Box<NewVerification>,
        outcome: Option<Box<OutcomeRow>>,
        events: Vec<EventRow>,
        reply: Reply<Opened>,
    },
    Complete {
        row: Box<OutcomeRow>,
        events: Vec<EventRow>,
        reply: Reply<()>,
    },
    /// A later version of an outcome, in the place of the one before.
    Supersede {
        row: Box<Superseding>,
        events: Vec<EventRow>,
        reply: Reply<bool>,
    },
    /// Nothing, to see whether it could be made durable.
    Probe {
        reply: Reply<()>,
    },
    /// The authorisation of a household.
    Authorisation {
        row: Box<AuthorisationRow>,
        events: Vec<EventRow>,
        reply: Reply<()>,
    },
    /// That an authorisation does not hold any more.
    Revocation {
        row: Box<Revocation>,
        events: Vec<EventRow>,
        reply: Reply<()>,
    },
    Events {
        rows: Vec<EventRow>,
        reply: Reply<()>,
    },
    /// A head of the access log that was signed, or cosigned.
    Head {
        change: Box<HeadChange>,
        reply: Reply<bool>,
    },
    /// A pack that a verdict is about to rest on.
    Pack {
        row: Box<PackRow>,
        reply: Reply<()>,
    },
    /// Overwritten bytes are to leave the file of pending writes.
    Clear {
        reply: Reply<bool>,
    },
    /// What operators changed, or what was erased.
    Change {
        changes: Box<Changes>,
        events: Vec<EventRow>,
        reply: Reply<()>,
    },
    /// An assertion or a proof to be used once: the first event is written where it is, the second where it was used
    /// before.
    Assertion {
        row: Box<AssertionRow>,
        events: Option<Box<(EventRow, EventRow)>>,
        reply: Reply<bool>,
    },
}

pub(super) struct WriterHandle {
    pool: SqlitePool,
    queue: mpsc::Receiver<Write>,
    sequence: Sequence,
    /// Closed at the end, so that the database is one file again.
    read: SqlitePool,
    /// Held as long as this process writes the database.
    lock: std::fs::File,
}

impl WriterHandle {
    pub(super) const fn new(
        pool: SqlitePool,
        queue: mpsc::Receiver<Write>,
        sequence: Sequence,
        read: SqlitePool,
        lock: std::fs::File,
    ) -> Self {
        Self { pool, queue, sequence, read, lock }
    }

    pub(super) async fn run(mut self) {
        let mut group = Vec::with_capacity(GROUP);
        let mut kept = self.pool.acquire().await.ok();
        let mut before = 0;
        while self.queue.recv_many(&mut group, GROUP).await > 0 {
            self.join_ready(&mut group).await;
            if before >= COMPANY && group.len() < GROUP {
                tokio::time::sleep(LINGER).await;
                self.join_ready(&mut group).await;
            }
            before = group.len();
            let (result, after) = self.commit(&mut kept, &group).await;
            answer(group.drain(..), result, after);
        }
        drop(kept);
        self.read.close().await;
        self.pool.close().await;
        drop(self.lock);
    }

    /// Lets everybody join the group who is about to write: a flush costs the same for one as for many. Ends when
    /// those who could run have run and nobody came any more.
    async fn join_ready(&mut self, group: &mut Vec<Write>) {
        loop {
            let before = group.len();
            tokio::task::yield_now().await;
            while group.len() < GROUP
                && let Ok(write) = self.queue.try_recv()
            {
                group.push(write);
            }
            if group.len() == before || group.len() >= GROUP {
                return;
            }
        }
    }

    /// Commits a group, then does what comes after a commit: heads and clearing.
    ///
    /// The connection is kept from group to group, since giving it back has it tested, which costs a hand-over to the
    /// database's thread and back. One that failed is given back.
    async fn commit(
        &self,
        kept: &mut Option<PoolConnection<Sqlite>>,
        group: &[Write],
    ) -> (Result<Answers, StoreError>, After) {
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => match self.fresh_connection().await {
                Ok(connection) => connection,
                Err(error) => return (Err(error), Vec::new()),
            },
        };
        let result = commit(&mut connection, &self.sequence, group).await;
        let mut after = Vec::new();
        if result.is_ok() {
            for write in group {
                match write {
                    Write::Head { change, .. } => after.push(log::change_head(&mut connection, change).await),
                    Write::Clear { .. } => after.push(erasure::clear(&mut connection).await),
                    _ => {}
                }
            }
            *kept = Some(connection);
        }
        (result, after)
    }

    /// A connection after a group that failed: of that nobody can say whether it counts, so what the database holds
    /// is read.
    async fn fresh_connection(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        self.sequence.reload(&mut connection).await?;
        Ok(connection)
    }
}

/// Whether each head of a group took its place, and each clearing was done, in their order.
type After = Vec<Result<bool, StoreError>>;

/// What those who must know more than that it is durable are told, in their order.
#[derive(Default)]
struct Answers {
    opened: Vec<Opened>,
    fresh: Vec<bool>,
    superseded: Vec<bool>,
}

/// What a group writes, table by table.
#[derive(Default)]
struct Rows<'a> {
    verifications: Vec<&'a NewVerification>,
    outcomes: Vec<&'a OutcomeRow>,
    superseding: Vec<&'a Superseding>,
    events: Vec<&'a EventRow>,
    packs: Vec<&'a PackRow>,
    authorisations: Vec<&'a AuthorisationRow>,
    revocations: Vec<&'a Revocation>,
    changes: Vec<&'a Changes>,
    assertions: Vec<&'a AssertionRow>,
}

impl Rows<'_> {
    /// Whether there is nothing but what every verification writes.
    const fn are_only_insertions(&self) -> bool {
        let Self { packs, authorisations, revocations, changes, assertions, superseding, .. } = self;
        packs.is_empty()
            && superseding.is_empty()
            && authorisations.is_empty()
            && revocations.is_empty()
            && changes.is_empty()
            && assertions.is_empty()
    }
}

/// Writes a group in one transaction: all of it is on disk when this returns, or none of it counts.
async fn commit(
    connection: &mut SqliteConnection,
    sequence: &Sequence,
    group: &[Write],
) -> Result<Answers, StoreError> {
    if group.iter().all(|write| matches!(write, Write::Head { .. } | Write::Clear { .. })) {
        return Ok(Answers::default());
    }
    let mut known = verification::known(connection, group.iter().filter_map(keyed)).await?;
    let mut used = client::used(connection, group.iter().filter_map(assertion)).await?;
    let mut versions = follow_up::versions(connection, group.iter().filter_map(superseded)).await?;
    let mut rows = Rows::default();
    let mut answers = Answers::default();
    for write in group {
        match write {
            // A repeated request opens nothing; its own event is written when it is answered.
            Write::Open { row, outcome, events, .. } => {
                if let Some(existing) = existing(&mut known, row) {
                    answers.opened.push(existing);
                } else {
                    answers.opened.push(Opened::New);
                    rows.verifications.push(row);
                    rows.outcomes.extend(outcome.as_deref());
                    rows.events.extend(events);
                }
            }
            Write::Complete { row, events, .. } => {
                rows.outcomes.push(row);
                rows.events.extend(events);
            }
            Write::Supersede { row, events, .. } => {
                let version = versions.get_mut(&row.outcome.verification_id);
                let is_next = version.filter(|version| **version + 1 == row.version).map(|version| *version += 1);
                answers.superseded.push(is_next.is_some());
                if is_next.is_some() {
                    rows.superseding.push(row);
                    rows.events.extend(events);
                }
            }
            Write::Authorisation { row, events, .. } => {
                rows.authorisations.push(row);
                rows.events.extend(events);
            }
            Write::Revocation { row, events, .. } => {
                rows.revocations.push(row);
                rows.events.extend(events);
            }
            Write::Events { rows: events, .. } => rows.events.extend(events),
            Write::Head { .. } | Write::Probe { .. } | Write::Clear { .. } => {}
            Write::Pack { row, .. } => rows.packs.push(row),
            Write::Change { changes, events, .. } => {
                rows.changes.push(changes);
                rows.events.extend(events);
            }
            Write::Assertion { row, events, .. } => {
                let is_fresh = used.insert((row.client_id.clone(), row.jti.to_vec()));
                answers.fresh.push(is_fresh);
                if is_fresh {
                    rows.assertions.push(row);
                }
                rows.events
                    .extend(events.as_deref().map(|(granted, replayed)| if is_fresh { granted } else { replayed }));
            }
        }
    }
    let mut insertions = Insertions::after("-- store::writer::commit\nBEGIN IMMEDIATE;\n");
    verification::insert_opened(&mut insertions, &rows.verifications);
    verification::insert_outcomes(&mut insertions, &rows.outcomes);
    follow_up::insert_follow_ups(&mut insertions, &rows.outcomes);
    let grown = sequence.grow(&rows.events);
    if let Some(grown) = &grown {
        event::insert_events(&mut insertions, grown.first, &rows.events);
        log::insert_tiles(&mut insertions, &grown.full);
    }
    let is_probed = group.iter().any(|write| matches!(write, Write::Probe { .. }));
    // Other text is rare and depends on what it is about, so keeping it compiled would only push out what is of use.
    let owed: Vec<_> = rows.verifications.iter().filter_map(|row| row.notice.as_ref()).collect();
    let is_kept = insertions.is_kept() && rows.are_only_insertions() && owed.is_empty() && !is_probed;
    let mut statements = insertions.statements();
    notice::push_owed(&mut statements, &owed);
    follow_up::push_supersede(&mut statements, &rows.superseding);
    pack::push_keep(&mut statements, &rows.packs);
    authorisation::push_register(&mut statements, &rows.authorisations);
    authorisation::push_revoke(&mut statements, &rows.revocations);
    change::push_change(&mut statements, &rows.changes);
    client::push_used(&mut statements, &rows.assertions);
    if is_probed {
        // Writes the page it stands on, whatever stands there.
        statements.push("PRAGMA user_version = 1;\n");
    }
    statements.push("COMMIT");
    let result = statements.build().persistent(is_kept).execute(&mut *connection).await;
    if let Err(error) = result {
        // It fails where the transaction has ended already.
        drop(sqlx::query("-- store::writer::rollback\nROLLBACK").execute(connection).await);
        return Err(error.into());
    }
    if let Some(grown) = grown {
        sequence.take_grown(grown, &rows.events);
    }
    Ok(answers)
}

/// The client and idempotency key of a verification to be opened.
fn keyed(write: &Write) -> Option<(&str, &str)> {
    match write {
        Write::Open { row, .. } => Some((&row.client_id, row.idempotency_key.as_deref()?)),
        _ => None,
    }
}

/// The verification of a write that brings a later version.
fn superseded(write: &Write) -> Option<&str> {
    match write {
        Write::Supersede { row, .. } => Some(&row.outcome.verification_id),
        _ => None,
    }
}

/// The assertion of a write that uses one.
fn assertion(write: &Write) -> Option<&AssertionRow> {
    match write {
        Write::Assertion { row, .. } => Some(row),
        _ => None,
    }
}

/// The verification that this client's idempotency key stands for already. Otherwise it stands for this one from now on.
fn existing(known: &mut HashMap<(String, String), Opened>, row: &NewVerification) -> Option<Opened> {
    let key = (row.client_id.clone(), row.idempotency_key.clone()?);
    let new = || Opened::Existing { id: row.id.clone(), request_digest: row.request_digest.clone() };
    match known.entry(key) {
        std::collections::hash_map::Entry::Occupied(known) => Some(known.get().clone()),
        std::collections::hash_map::Entry::Vacant(entry) => {
            entry.insert(new());
            None
        }
    }
}

fn answer(group: impl Iterator<Item = Write>, result: Result<Answers, StoreError>, after: After) {
    let mut after = after.into_iter();
    let (answers, failure) = match result {
        Ok(answers) => (answers, None),
        Err(error) => (Answers::default(), Some(error)),
    };
    let (mut opened, mut fresh) = (answers.opened.into_iter(), answers.fresh.into_iter());
    let mut superseded = answers.superseded.into_iter();
    let missing = || failure.clone().unwrap_or(StoreError::Corrupt("group without its answer"));
    for write in group {
        // A caller that went away needs no answer; what it asked for is durable all the same.
        match write {
            Write::Open { reply, .. } => drop(reply.send(opened.next().ok_or_else(missing))),
            Write::Assertion { reply, .. } => drop(reply.send(fresh.next().ok_or_else(missing))),
            Write::Supersede { reply, .. } => drop(reply.send(superseded.next().ok_or_else(missing))),
            Write::Complete { reply, .. }
            | Write::Events { reply, .. }
            | Write::Pack { reply, .. }
            | Write::Change { reply, .. }
            | Write::Authorisation { reply, .. }
            | Write::Probe { reply }
            | Write::Revocation { reply, .. } => drop(reply.send(failure.clone().map_or(Ok(()), Err))),
            Write::Head { reply, .. } | Write::Clear { reply } => {
                drop(reply.send(after.next().unwrap_or_else(|| Err(missing()))));
            }
        }
    }
}
