//! Which sealing keys a database needs, and how one takes the place of another: start finds out whether all of them are
//! given, and the rewrap goes through everything that a former key wrapped.
//!
//! A key is noted in the database before it wraps anything there, so that start can tell at once which ones it needs
//! ([`open`]). The root of pseudonyms is made once, from the first key, and then only wrapped anew: pseudonyms and a
//! derived log key outlive every sealing key.

mod rewrap;

use std::sync::Arc;

use crate::access_log::{AccessEvent, Action};
use crate::domain::actor::Role;
use crate::domain::clock::{Clock, Randomness};
use crate::domain::problem::Text;
use crate::seal::wrap::{KeyId, Root, SealingKeys};
use crate::seal::{SealError, Sealer};
use crate::service::ids::Ids;
use crate::store::{Changes, EventRow, SealedTable, SealingKeyRow, Store, StoreError};
use crate::tlog::note::VerifierKey;

pub use rewrap::{Position, Progress, Rewrap};

/// Why what is stored cannot be opened with the configured keys.
#[derive(Debug, thiserror::Error)]
pub enum SealingError {
    /// A key that something is wrapped under is not given.
    #[error(
        "[seal] the database holds rows that are sealed under the key {0}, and neither key_file nor former_key_files gives it: name its file in former_key_files; after `hedui seal rewrap` it may be taken away"
    )]
    Missing(String),
    /// What was sealed before keys were noted does not open.
    #[error(
        "[seal] the database was sealed under another key than key_file gives: {0} does not open; give the key that sealed it in key_file, or in former_key_files"
    )]
    Unopened(String),
    /// The cipher.
    #[error("[seal] {0}")]
    Seal(#[from] SealError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SealingError {
    /// The error in both languages.
    pub fn text(&self) -> Text {
        let zh = match self {
            Self::Missing(id) => format!(
                "[seal] 数据库中有以密钥 {id} 封装的数据，而 key_file 和 former_key_files 都没有给出该密钥：请在 former_key_files 中写明其文件；执行 hedui seal rewrap 之后方可移除。"
            ),
            Self::Unopened(case) => format!(
                "[seal] 数据库是以另一把密钥封装的，不是 key_file 给出的密钥：{case} 无法解封；请在 key_file 或 former_key_files 中给出原来的密钥。"
            ),
            Self::Seal(_) => "[seal] 封装密钥不可用。".to_owned(),
            Self::Store(_) => "数据库不可用。".to_owned(),
        };
        Text::new(zh, self.to_string())
    }
}

/// What has to be noted in the database before anything is sealed with what [`open`] gave.
#[must_use]
pub struct Registration {
    changes: Changes,
    objects: Vec<String>,
}

/// The sealer of a database, and what has to be noted there. Writes nothing: the log is not proven yet when it is called.
pub async fn open(
    store: &Store,
    keys: SealingKeys,
    clock: &dyn Clock,
    randomness: Arc<dyn Randomness>,
) -> Result<(Sealer, Registration), SealingError> {
    let noted = store.sealing_keys().await?;
    let is_needed = |key: &&SealingKeyRow| key.retired_at.is_none();
    let is_missing = |key: &&SealingKeyRow| !KeyId::parse(&key.id).is_some_and(|id| keys.has(id));
    if let Some(missing) = noted.iter().filter(is_needed).find(is_missing) {
        return Err(SealingError::Missing(missing.id.clone()));
    }
    let now = clock.now().as_microsecond();
    let mut changes = Changes::default();
    let mut objects = Vec::new();
    let (root, first) = if let Some(wrapped) = store.pseudonym_root().await? {
        (opened_root(&keys, &wrapped)?, None)
    } else {
        let first = first_key(store, &keys).await?;
        let root = keys.first_root(first).unwrap_or_else(|| drawn_root(&keys, randomness.as_ref()));
        changes.pseudonym_root = Some(Sealer::wrap_root(&keys, &root, randomness.as_ref())?);
        (root, Some(first))
    };
    let is_used = |id: &KeyId| noted.iter().any(|key| key.retired_at.is_none() && key.id == id.to_string());
    let mut used: Vec<KeyId> = first.into_iter().chain([keys.current()]).collect();
    used.dedup();
    for id in used.into_iter().filter(|id| !is_used(id)) {
        let suite = keys.suite_of(id).ok_or(SealError::UnknownKey(id))?.to_string();
        changes.sealing_keys.push(SealingKeyRow { id: id.to_string(), suite, first_used_at: now, retired_at: None });
        // The first key of a database takes nobody's place.
        if id == keys.current() && (!noted.is_empty() || first.is_some_and(|first| first != id)) {
            objects.push(format!("sealing_key/{id}/in_use"));
        }
    }
    Ok((Sealer::new(Arc::new(keys), &root, randomness), Registration { changes, objects }))
}

impl Registration {
    /// Notes it, with its entry where a key takes the place of another.
    pub async fn record(self, store: &Store, ids: &Ids, clock: &dyn Clock) -> Result<(), StoreError> {
        if self.changes.sealing_keys.is_empty() && self.changes.pseudonym_root.is_none() {
            return Ok(());
        }
        let events = self.objects.iter().map(|object| event(ids, clock, None, object));
        store.change(self.changes.clone(), events.collect::<Result<_, _>>()?).await
    }
}

/// The root that a wrapped one is, told in words where its key is not given.
pub fn opened_root(keys: &SealingKeys, wrapped: &[u8]) -> Result<Root, SealingError> {
    match Sealer::open_root(keys, wrapped) {
        Ok((root, _)) => Ok(root),
        Err(SealError::UnknownKey(id)) => Err(SealingError::Missing(id.to_string())),
        Err(_) => Err(SealingError::Unopened("pseudonym_root".to_owned())),
    }
}

/// The root of a database that has none noted, as its first key made it.
pub fn unnoted_root(keys: &SealingKeys) -> Result<Root, SealingError> {
    keys.first_root(keys.current()).ok_or(SealingError::Seal(SealError::Key))
}

/// The key that sealed what is stored, in a database of before keys were noted; the current one where nothing is.
async fn first_key(store: &Store, keys: &SealingKeys) -> Result<KeyId, SealingError> {
    let mut first = None;
    for table in SealedTable::ALL {
        if let Some(row) = store.wrapped_after(table, i64::MIN, 1).await?.first() {
            let opened_by = keys.opened_by(&row.case, &row.wrapped_key);
            let opened_by = opened_by.map_err(|_| SealingError::Unopened(row.case.clone()))?;
            first = first.or(Some(opened_by));
        }
    }
    Ok(first.unwrap_or(keys.current()))
}

/// A root for keys that let nothing be derived from them.
fn drawn_root(keys: &SealingKeys, randomness: &dyn Randomness) -> Root {
    let mut secret = zeroize::Zeroizing::new([0_u8; crate::seal::suite::SECRET]);
    randomness.fill(secret.as_mut());
    Root { suite: keys.suite(), secret }
}

/// The event of a log key that took another's place. Both public keys stand in it: that is how a verifier who holds the
/// former one learns of the other.
pub fn log_key_changed(
    ids: &Ids,
    clock: &dyn Clock,
    former: &VerifierKey,
    current: &VerifierKey,
) -> Result<EventRow, StoreError> {
    let (request_id, object) = (ids.next("rq"), format!("log_key/{}/in_use", current.id()));
    let objects = [former.to_string(), current.to_string()];
    let mut event = AccessEvent::new(ids.next("ev"), clock.now(), Action::KeyChanged, None, &request_id);
    (event.role, event.object, event.objects) = (Some(Role::System), Some(object.as_str()), &objects);
    event.to_row()
}

/// The event of a sealing key that took another's place, or retired.
fn event(ids: &Ids, clock: &dyn Clock, by: Option<&str>, object: &str) -> Result<EventRow, StoreError> {
    let request_id = ids.next("rq");
    let mut event = AccessEvent::new(ids.next("ev"), clock.now(), Action::KeyChanged, None, &request_id);
    let role = if by.is_some() { Role::Operator } else { Role::System };
    (event.actor, event.role, event.object) = (by, Some(role), Some(object));
    event.to_row()
}
