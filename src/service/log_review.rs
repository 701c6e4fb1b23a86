//! What a security officer asks of the access log. Every look is itself an entry of the log, durable before
//! it is answered. An officer sees the entries of the own division; foreign and absent are the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::error::ServiceError;
use super::ids::Ids;
use super::verify::Caller;
use crate::access_log::export::{ExportError, prove};
use crate::access_log::publish::Publisher;
use crate::access_log::{AccessEvent, Action};
use crate::auth::access::{self, Object, authorise};
use crate::domain::clock::Clock;
use crate::domain::division::DivisionCode;
use crate::domain::id_number::{IdNumber, SubjectKey};
use crate::seal::Sealer;
use crate::store::{EntryRow, LogQuery, Store, StoreError};
use crate::tlog::Hash;
use crate::tlog::proof::Plan;
use crate::tlog::tile::{TilePath, encode_bundle, encode_tile};

/// What an officer looks for; absent fields do not matter.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// What the store can compare. Its division is set from the officer's own.
    pub query: LogQuery,
    /// A person by identity number; only its pseudonym is searched for, logged and kept.
    pub id_number: Option<IdNumber>,
}

/// One entry of the log.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryView {
    /// Its index in the log.
    pub index: u64,
    /// Its leaf hash, base64.
    #[schema(value_type = String)]
    pub leaf: Hash,
    /// Whether the newest signed head covers it.
    pub is_signed: bool,
    /// The event, as `schemas/access-event.json` describes it.
    #[schema(value_type = Object)]
    pub event: Box<RawValue>,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct Found {
    /// The entries, newest first.
    pub entries: Vec<EntryView>,
    /// Where to go on, as `before`; absent when all was searched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_before: Option<u64>,
    /// The receipt of this search.
    pub receipt: String,
}

/// A proof that an entry is in the log.
#[derive(Debug, Serialize, ToSchema)]
pub struct InclusionView {
    /// The entry's index.
    pub index: u64,
    /// Its leaf hash, base64.
    #[schema(value_type = String)]
    pub leaf: Hash,
    /// From its sibling up to the child of the root, base64.
    #[schema(value_type = Vec<String>)]
    pub hashes: Vec<Hash>,
    /// The signed checkpoint that it leads to.
    pub checkpoint: String,
    /// The same as a file that needs nothing else (C2SP tlog-proof).
    pub tlog_proof: String,
}

/// A proof that the log went on from an earlier state.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsistencyView {
    /// How many entries it had.
    pub from: u64,
    /// How many it has.
    pub to: u64,
    /// The root over the earlier ones, base64.
    #[schema(value_type = String)]
    pub from_root: Hash,
    /// The root over all, base64.
    #[schema(value_type = String)]
    pub to_root: Hash,
    /// The proof (RFC 6962 section 2.1.2), base64.
    #[schema(value_type = Vec<String>)]
    pub hashes: Vec<Hash>,
}

/// The use cases of the access log.
pub struct LogReview {
    store: Store,
    publisher: Arc<Publisher>,
    clock: Arc<dyn Clock>,
    ids: Ids,
    log_key: SubjectKey,
}

impl LogReview {
    /// The use cases over these parts.
    pub fn new(store: Store, publisher: Arc<Publisher>, sealer: &Sealer, clock: Arc<dyn Clock>, ids: Ids) -> Self {
        Self { store, publisher, clock, ids, log_key: sealer.subject_key("access-log") }
    }

    /// Searches the log, newest first. One answer looks at a bounded stretch of it.
    pub async fn search(&self, caller: Caller<'_>, search: Search) -> Result<Found, ServiceError> {
        let mut query = search.query;
        if let Some(person) = &search.id_number {
            query.subject = Some(person.subject(&self.log_key).to_string());
        }
        let told = query.told();
        let division = caller.client.division;
        query.division_prefix = (division != DivisionCode::NATION).then(|| division.significant().to_owned());
        let page = self.store.log().search(&query).await?;
        let receipt = self.record(caller, Action::LogSearched, None, told).await?;
        let signed = self.publisher.head().checkpoint().size;
        // The prefix keeps foreign entries out of the search; what is shown is decided like every other access.
        let shown = page.entries.into_iter().filter(|row| may_see(caller, row));
        let entries = shown.map(|row| view(row, signed)).collect::<Result<_, _>>()?;
        Ok(Found { entries, next_before: page.next_before, receipt })
    }

    /// One entry.
    pub async fn entry(&self, caller: Caller<'_>, index: u64) -> Result<EntryView, ServiceError> {
        let row = visible(caller, self.store.log().entry(index).await?)?;
        self.looked(caller, &format!("access-log/{index}")).await?;
        view(row, self.publisher.head().checkpoint().size)
    }

    /// The proof that an entry, by index or receipt, is in the log as it is signed now.
    pub async fn inclusion(&self, caller: Caller<'_>, which: &str) -> Result<InclusionView, ServiceError> {
        let log = self.store.log();
        let row = match which.parse() {
            Ok(index) => log.entry(index).await?,
            Err(_) => log.entry_of(which).await?,
        };
        let row = visible(caller, row)?;
        let head = self.publisher.head();
        let proof = prove(&log, &head, &row).await.map_err(|error| match error {
            ExportError::NotSigned { .. } => ServiceError::NotSignedYet,
            ExportError::Store(error) => error.into(),
            _ => ServiceError::Store(StoreError::Corrupt("access log")),
        })?;
        self.looked(caller, &format!("access-log/proofs/inclusion/{}", row.index)).await?;
        Ok(InclusionView {
            index: row.index,
            leaf: Hash::leaf(row.body.as_bytes()),
            tlog_proof: proof.to_string(),
            hashes: proof.hashes,
            checkpoint: proof.checkpoint,
        })
    }

    /// The proof that the log of `to` entries goes on from that of `from`.
    pub async fn consistency(&self, caller: Caller<'_>, from: u64, to: u64) -> Result<ConsistencyView, ServiceError> {
        let signed = self.publisher.head().checkpoint().size;
        if from == 0 || from > to || to > signed {
            return Err(ServiceError::NoEntry);
        }
        let log = self.store.log();
        let plan = Plan::consistency(from, to).map_err(|_| ServiceError::NoEntry)?;
        let hashes = log.resolve(&plan).await?;
        let root = async |size| {
            let root = log.resolve(&Plan::root(size)).await?;
            Ok::<_, StoreError>(root.first().copied().unwrap_or_else(Hash::empty_root))
        };
        let (from_root, to_root) = (root(from).await?, root(to).await?);
        self.looked(caller, &format!("access-log/proofs/consistency/{from}/{to}")).await?;
        Ok(ConsistencyView { from, to, from_root, to_root, hashes })
    }

    /// The newest signed checkpoint, with the cosignatures on it; or, when `cosigned`, the newest one that a
    /// witness cosigned, which is often an earlier one.
    pub async fn checkpoint(&self, caller: Caller<'_>, cosigned: bool) -> Result<String, ServiceError> {
        let checkpoint = if cosigned {
            let rows = self.store.log().cosigned().await?;
            let newest = rows.into_iter().max_by_key(|row| row.size).ok_or(ServiceError::NoEntry)?;
            newest.checkpoint
        } else {
            self.publisher.head().to_string()
        };
        self.looked(caller, if cosigned { "access-log/checkpoint/cosigned" } else { "access-log/checkpoint" }).await?;
        Ok(checkpoint)
    }

    /// A tile or an entry bundle of the log as it is signed now. Bundles hold everybody's entries, so they are
    /// for officers of the whole country.
    pub async fn tile(&self, caller: Caller<'_>, path: TilePath) -> Result<Vec<u8>, ServiceError> {
        let exists = path.coordinate.width(self.publisher.head().checkpoint().size) >= path.width;
        let action = if path.entries { access::Action::CopyLog } else { access::Action::CheckLog };
        if !exists || !authorise(caller.client, action, &Object::Log).is_permit() {
            return Err(ServiceError::NoEntry);
        }
        let log = self.store.log();
        let bytes = if path.entries {
            let first = path.coordinate.index.saturating_mul(256);
            let rows = log.entries(first).await?;
            let bodies = rows.iter().take(path.width).map(|row| row.body.as_bytes());
            encode_bundle(bodies).map_err(|_| StoreError::Corrupt("access log"))?
        } else {
            let tile = log.tile(path.coordinate).await?;
            encode_tile(tile.get(..path.width).ok_or(StoreError::Corrupt("access log"))?)
        };
        self.looked(caller, &format!("access-log/tile/{path}")).await?;
        Ok(bytes)
    }

    async fn looked(&self, caller: Caller<'_>, object: &str) -> Result<(), StoreError> {
        self.record(caller, Action::Viewed, Some(object), BTreeMap::new()).await.map(drop)
    }

    /// Makes the officer's look durable. Its receipt.
    async fn record(
        &self,
        caller: Caller<'_>,
        action: Action,
        object: Option<&str>,
        search: BTreeMap<&'static str, String>,
    ) -> Result<String, StoreError> {
        let id = self.ids.next("ev");
        let mut event = AccessEvent::new(id.clone(), self.clock.now(), action, Some(caller.client), caller.request_id);
        event.object = object;
        event.search = search;
        self.store.record_events(vec![event.to_row()?]).await?;
        Ok(id)
    }
}

/// The entry, when the officer may see it.
fn visible(caller: Caller<'_>, row: Option<EntryRow>) -> Result<EntryRow, ServiceError> {
    row.filter(|row| may_see(caller, row)).ok_or(ServiceError::NoEntry)
}

fn may_see(caller: Caller<'_>, row: &EntryRow) -> bool {
    #[derive(serde::Deserialize)]
    struct Placed {
        division: Option<DivisionCode>,
    }
    let division = serde_json::from_str::<Placed>(&row.body).ok().and_then(|placed| placed.division);
    authorise(caller.client, access::Action::ReadLog, &Object::Entry { division }).is_permit()
}

fn view(row: EntryRow, signed: u64) -> Result<EntryView, ServiceError> {
    let leaf = Hash::leaf(row.body.as_bytes());
    let event = RawValue::from_string(row.body).map_err(|_| StoreError::Corrupt("entry of the access log"))?;
    Ok(EntryView { index: row.index, leaf, is_signed: row.index < signed, event })
}
