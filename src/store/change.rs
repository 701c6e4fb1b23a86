//! Changes of what the store keeps besides verifications: what operators ask for while a hub runs, and what a change
//! makes durable as a whole, whoever asked for it.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::{QueryBuilder, Sqlite};

use super::adapter::{self, AdapterChanges};
use super::alert::{self, AlertRow};
use super::client::{self, ClientRow, SigningKeyRow};
use super::clock;
use super::erasure::{self, ErasureRow};
use super::event::EventRow;
use super::follow_up::{self, Postponed};
use super::notice::{self, NoticeRow};
use super::peer::{self, PeerChanges};
use super::proposal::{self, ApprovalChanges};
use super::sample::{self, SampleRow};
use super::sealing::{self, Rewrapped, SealingKeyRow};
use super::usage::{self, UsageCounts};
use super::writer::Write;
use super::{Store, StoreError};

/// What an operator asks to be changed.
#[derive(Debug, Clone)]
pub struct ChangeRequest {
    /// Its number.
    pub number: i64,
    /// The change, JSON.
    pub body: String,
}

/// A change, made durable as a whole with the events that record it.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Clients as they are now.
    pub clients: Vec<ClientRow>,
    /// Signing keys that are new.
    pub signing_keys: Vec<SigningKeyRow>,
    /// Signing keys that retire: number, and when in microseconds since 1970.
    pub retired_keys: Vec<(u32, i64)>,
    /// Sealing keys that are used from now on, or retired.
    pub sealing_keys: Vec<SealingKeyRow>,
    /// The wrapped root of pseudonyms.
    pub pseudonym_root: Option<Vec<u8>>,
    /// Data keys that are wrapped anew.
    pub rewrapped: Vec<Rewrapped>,
    /// What is erased.
    pub erasures: Vec<ErasureRow>,
    /// When departments are asked again for what they owe.
    pub postponed: Vec<Postponed>,
    /// Households that were told.
    pub notices_given: Vec<NoticeRow>,
    /// Proposals, what persons said of them, and settings.
    pub approval: ApprovalChanges,
    /// Adapters, invitations to register one, and what is counted of them.
    pub adapters: AdapterChanges,
    /// Alerts as they are now.
    pub alerts: Vec<AlertRow>,
    /// How far the rules have read the log now.
    pub alert_cursor: Option<u64>,
    /// What was counted of departments' use.
    pub usage: Option<UsageCounts>,
    /// What was asked across hubs, and revoked.
    pub peers: PeerChanges,
    /// Samples as they are now.
    pub samples: Vec<SampleRow>,
    /// Used assertions that are not needed after this many seconds since 1970 are forgotten.
    pub assertions_before: Option<i64>,
    /// The time that the clock is believed to show, microseconds since 1970.
    pub believed_time: Option<i64>,
    /// The request this answers, and the answer, JSON.
    pub answered: Option<(i64, String)>,
}

impl Store {
    /// What operators asked for that was not answered yet, in its order.
    pub async fn change_requests(&self) -> Result<Vec<ChangeRequest>, StoreError> {
        let rows: Vec<(i64, String)> = sqlx::query_as(
            "-- store::change::change_requests
             SELECT number, body FROM change_request WHERE answer IS NULL ORDER BY number",
        )
        .fetch_all(&self.read)
        .await?;
        Ok(rows.into_iter().map(|(number, body)| ChangeRequest { number, body }).collect())
    }

    /// Makes changes and their events durable together.
    pub async fn change(&self, changes: Changes, events: Vec<EventRow>) -> Result<(), StoreError> {
        self.write(|reply| Write::Change { changes: Box::new(changes), events, reply }).await
    }
}

/// The operator's side of a database that a hub may be writing: reads clients, leaves requests, waits for answers.
pub struct ChangeDesk(pub(super) SqlitePool);

impl ChangeDesk {
    /// Opens the database beside the hub that writes it.
    pub async fn open(file: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new().filename(file).busy_timeout(Duration::from_secs(5));
        Ok(Self(SqlitePoolOptions::new().max_connections(1).connect_with(options).await?))
    }

    /// All registered clients.
    pub async fn clients(&self) -> Result<Vec<ClientRow>, StoreError> {
        client::clients(&self.0).await
    }

    /// Leaves a request. Its number.
    pub async fn ask(&self, asked_at: i64, body: &str) -> Result<i64, StoreError> {
        let done = sqlx::query(
            "-- store::change::ask
             INSERT INTO change_request (asked_at, body) VALUES ($1, $2)",
        )
        .bind(asked_at)
        .bind(body)
        .execute(&self.0)
        .await?;
        Ok(done.last_insert_rowid())
    }

    /// Every sealing key that was used here, the oldest first; none in a database that no hub has brought to the newest
    /// form yet.
    pub async fn sealing_keys(&self) -> Result<Vec<SealingKeyRow>, StoreError> {
        let is_known: bool = sqlx::query_scalar(
            "-- store::change::knows_sealing_keys
             SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'sealing_key')",
        )
        .fetch_one(&self.0)
        .await?;
        if is_known { sealing::sealing_keys(&self.0).await } else { Ok(Vec::new()) }
    }

    /// Forgets a request whose answer was read and that nobody will look for again.
    pub async fn forget(&self, number: i64) -> Result<(), StoreError> {
        sqlx::query(
            "-- store::change::forget
             DELETE FROM change_request WHERE number = $1 AND answer IS NOT NULL",
        )
        .bind(number)
        .execute(&self.0)
        .await?;
        Ok(())
    }

    /// The hub's answer to a request.
    pub async fn answer(&self, number: i64) -> Result<Option<String>, StoreError> {
        let answer: Option<Option<String>> = sqlx::query_scalar(
            "-- store::change::answer
             SELECT answer FROM change_request WHERE number = $1",
        )
        .bind(number)
        .fetch_optional(&self.0)
        .await?;
        Ok(answer.flatten())
    }

    /// Takes a request back, unless it was answered in the meantime: true when it will not be made any more.
    pub async fn withdraw(&self, number: i64) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "-- store::change::withdraw
             DELETE FROM change_request WHERE number = $1 AND answer IS NULL",
        )
        .bind(number)
        .execute(&self.0)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}

/// The statements of a change.
pub(super) fn push_change(statements: &mut QueryBuilder<Sqlite>, changes: &[&Changes]) {
    for change in changes {
        if !change.clients.is_empty() {
            // What stood before is kept.
            for row in &change.clients {
                statements.push("INSERT INTO former_client (id, replaced_at, body) SELECT id, ");
                statements.push_bind(row.changed_at).push(", body FROM client WHERE id = ").push_bind(&row.id);
                statements.push(";\n");
            }
            statements.push("INSERT INTO client (id, changed_at, body) ");
            statements.push_values(&change.clients, |mut values, row| {
                values.push_bind(&row.id).push_bind(row.changed_at).push_bind(&row.body);
            });
            statements
                .push(" ON CONFLICT (id) DO UPDATE SET changed_at = excluded.changed_at, body = excluded.body;\n");
        }
        if !change.signing_keys.is_empty() {
            statements.push("INSERT INTO signing_key (number, made_at, retires_at, wrapped_key, secret) ");
            statements.push_values(&change.signing_keys, |mut values, row| {
                values.push_bind(row.number).push_bind(row.made_at).push_bind(row.retires_at);
                values.push_bind(&row.wrapped_key).push_bind(&row.secret);
            });
            statements.push(";\n");
        }
        for (number, retires_at) in &change.retired_keys {
            statements.push("UPDATE signing_key SET retires_at = ").push_bind(*retires_at);
            statements.push(" WHERE number = ").push_bind(*number).push(";\n");
        }
        let root = change.pseudonym_root.as_ref();
        sealing::push_sealing(statements, &change.sealing_keys, root, &change.rewrapped);
        follow_up::push_postponed(statements, &change.postponed);
        erasure::push_erase(statements, &change.erasures);
        proposal::push(statements, &change.approval);
        adapter::push(statements, &change.adapters);
        notice::push_given(statements, &change.notices_given);
        if let Some(at) = change.believed_time {
            clock::push_mark(statements, at);
        }
        alert::push_alerts(statements, &change.alerts);
        if let Some(next) = change.alert_cursor {
            alert::push_cursor(statements, next);
        }
        if let Some(counts) = &change.usage {
            usage::push_usage(statements, counts);
        }
        peer::push(statements, &change.peers);
        sample::push_samples(statements, &change.samples);
        if let Some(before) = change.assertions_before {
            statements.push("DELETE FROM client_assertion WHERE keep_until < ").push_bind(before).push(";\n");
        }
        if let Some((number, answer)) = &change.answered {
            statements.push("UPDATE change_request SET answer = ").push_bind(answer);
            statements.push(" WHERE number = ").push_bind(*number).push(";\n");
        }
    }
}
