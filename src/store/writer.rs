//! The writer: groups concurrent writes into one transaction and answers them after it is on disk.

use sqlx::{Connection, SqliteConnection, SqlitePool};
use tokio::sync::{mpsc, oneshot};

use super::StoreError;
use super::event::{self, EventRow};
use super::verification::{self, NewVerification, Opened, OutcomeRow};

/// Largest number of writes in one transaction.
const GROUP: usize = 256;

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// Something to make durable, and whom to tell.
pub(super) enum Write {
    Open { row: Box<NewVerification>, events: Vec<EventRow>, reply: Reply<Opened> },
    Complete { row: Box<OutcomeRow>, events: Vec<EventRow>, reply: Reply<()> },
    Events { rows: Vec<EventRow>, reply: Reply<()> },
}

pub(super) struct WriterHandle {
    pool: SqlitePool,
    queue: mpsc::Receiver<Write>,
}

impl WriterHandle {
    pub(super) const fn new(pool: SqlitePool, queue: mpsc::Receiver<Write>) -> Self {
        Self { pool, queue }
    }

    pub(super) async fn run(mut self) {
        let mut group = Vec::with_capacity(GROUP);
        while self.queue.recv_many(&mut group, GROUP).await > 0 {
            let result = match self.pool.acquire().await {
                Ok(mut connection) => commit(&mut connection, &group).await,
                Err(error) => Err(error.into()),
            };
            answer(group.drain(..), result);
        }
        self.pool.close().await;
    }
}

/// Writes a group in one transaction: all of it is on disk when this returns, or none of it counts.
async fn commit(connection: &mut SqliteConnection, group: &[Write]) -> Result<Vec<Opened>, StoreError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let new: Vec<&NewVerification> = group
        .iter()
        .filter_map(|write| match write {
            Write::Open { row, .. } => Some(row.as_ref()),
            _ => None,
        })
        .collect();
    let opened = if new.is_empty() { Vec::new() } else { verification::open(&mut transaction, &new).await? };
    let outcomes: Vec<&OutcomeRow> = group
        .iter()
        .filter_map(|write| match write {
            Write::Complete { row, .. } => Some(row.as_ref()),
            _ => None,
        })
        .collect();
    verification::complete(&mut transaction, &outcomes).await?;
    let mut opened_in_order = opened.iter();
    let mut events: Vec<&EventRow> = Vec::new();
    for write in group {
        match write {
            // A repeated request opened nothing; its own event is written when it is answered.
            Write::Open { events: rows, .. } => {
                if opened_in_order.next() == Some(&Opened::New) {
                    events.extend(rows);
                }
            }
            Write::Complete { events: rows, .. } | Write::Events { rows, .. } => events.extend(rows),
        }
    }
    event::append(&mut transaction, &events).await?;
    transaction.commit().await?;
    Ok(opened)
}

fn answer(group: impl Iterator<Item = Write>, result: Result<Vec<Opened>, StoreError>) {
    let (mut opened, failure) = match result {
        Ok(opened) => (opened.into_iter(), None),
        Err(error) => (Vec::new().into_iter(), Some(error)),
    };
    for write in group {
        // A caller that went away needs no answer; what it asked for is durable all the same.
        match write {
            Write::Open { reply, .. } => {
                let answer = match &failure {
                    None => opened.next().ok_or(StoreError::Corrupt("group without its answer")),
                    Some(error) => Err(error.clone()),
                };
                drop(reply.send(answer));
            }
            Write::Complete { reply, .. } | Write::Events { reply, .. } => {
                drop(reply.send(failure.clone().map_or(Ok(()), Err)));
            }
        }
    }
}
