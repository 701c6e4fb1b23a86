//! The settings a hub starts with, against those it ran with before: other ones are an entry of the log before anybody is
//! served, and where changes need two persons the hub does not start until two agreed to them.
//!
//! "Settings" are all that decides what the hub does and that one person can edit: the configuration as it is written,
//! variables and all, the policy packs, the catalogue, and which keys seal and sign (their public halves and a mark of the
//! sealing key, never a secret). Whether two are needed is what the settings *before* say, so that no edit switches it off.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{StartError, peering, proving};
use crate::access_log::{AccessEvent, Action};
use crate::auth::clients::{Clients, RegisteredClient};
use crate::config::Config;
use crate::domain::actor::Role;
use crate::domain::clock::Clock;
use crate::domain::dataset::Catalogue;
use crate::policy::Packs;
use crate::seal::wrap::SealingKeys;
use crate::service::approvals::{self, PERSONS, sha256};
use crate::service::changes::Change;
use crate::service::ids::Ids;
use crate::store::{ApprovalChanges, Changes, ClientRow, SettingsRow, Store, StoreError};
use crate::tlog::note::SignerKey;

/// All settings, and their digest.
#[derive(Debug, Clone)]
pub struct Effective {
    /// The settings.
    pub settings: Value,
    /// SHA-256 of their canonical JSON, hexadecimal.
    pub digest: String,
    needs_two: bool,
}

impl Effective {
    /// Those of a configuration.
    pub fn of(config: &Config, keys: &SealingKeys, packs: &Packs) -> Result<Self, StartError> {
        let catalogue = match &config.verification.catalogue {
            None => Catalogue::SHIPPED.to_owned(),
            Some(file) => crate::config::read_setting_file("verification.catalogue", file)?,
        };
        // A key that is derived changes with the root of pseudonyms alone, which no setting holds.
        let log_key = match &config.access_log.key_file {
            None => None,
            Some(file) => {
                let key = SignerKey::parse(&crate::config::read_setting_file("access_log.key_file", file)?)?;
                Some(key.verifier().to_string())
            }
        };
        let mut settings = json!({
            "catalogue": sha256(&catalogue),
            "configuration": config.written,
            "log_key": log_key,
            "policy_packs": packs.digest(),
            "sealing_key": keys.current().to_string(),
        });
        // Keys that are named by file count by themselves: another key in the same file is another setting.
        if let Some(members) = settings.as_object_mut() {
            if let Some(file) = &config.federation.context_key {
                members.insert("context_key".to_owned(), proving::context_key(file)?.public().id().into());
            }
            let mut keys = serde_json::Map::new();
            for adapter in config.adapters.iter().filter(|adapter| adapter.answer_key.is_some()) {
                let ids: Vec<String> =
                    proving::answer_keys(adapter)?.keys.iter().map(|key| key.id().to_owned()).collect();
                keys.insert(adapter.department.to_string(), ids.into());
            }
            keys.extend(peering::key_ids(config)?);
            if !keys.is_empty() {
                members.insert("answer_keys".to_owned(), keys.into());
            }
        }
        let text = serde_json_canonicalizer::to_string(&settings).map_err(|_| StoreError::Corrupt("settings"));
        let digest = sha256(&text.map_err(|error| StartError::Store(config.store.path.clone(), error))?);
        Ok(Self { settings, digest, needs_two: config.approval.required })
    }

    /// The change that puts them in force.
    pub fn change(&self) -> Change {
        Change::Settings { digest: self.digest.clone(), settings: self.settings.clone() }
    }
}

/// Why the hub may not run with these settings yet.
#[derive(Debug)]
pub struct Unapproved {
    /// The digest of the settings.
    pub digest: String,
    /// Of those that it ran with last.
    pub before: String,
    /// The proposal that waits for two persons.
    pub proposal: String,
}

/// Takes note of the settings, durable before anybody is served. The inner error says that two persons must agree first.
pub(super) async fn check(
    effective: &Effective,
    config: &Config,
    store: &Store,
    ids: &Ids,
    clock: &dyn Clock,
) -> Result<Result<(), Unapproved>, StoreError> {
    let now = clock.now();
    let last = store.last_settings().await?;
    if last.as_ref().is_some_and(|last| last.digest == effective.digest) {
        return Ok(Ok(()));
    }
    let clients = registered(store).await?;
    let needs_two = last.as_ref().is_some_and(|last| last.needs_two) && administrators(&clients) >= PERSONS;
    let Found { open, agreed } = find(effective, store, &clients, now).await?;
    let mut approvers = Vec::new();
    if needs_two {
        let Some(by) = agreed else {
            let proposal = match open.into_iter().next_back() {
                Some(proposal) => proposal,
                None => propose(effective, config, store, ids, now).await?,
            };
            refuse(effective, &proposal, store, ids, now).await?;
            let before = last.map(|last| last.digest).unwrap_or_default();
            return Ok(Err(Unapproved { digest: effective.digest.clone(), before, proposal }));
        };
        approvers = by;
    }
    // Every proposal of these settings ends here. One that stayed open would let them come back later, after others were
    // in force, with nobody asked.
    let ended = open.into_iter().map(|proposal| (proposal, "made", now.as_microsecond())).collect();
    let (request_id, object) = (ids.next("rq"), format!("settings/{}", effective.digest));
    let before = last.map(|last| format!("settings/{}", last.digest));
    let mut event = AccessEvent::new(ids.next("ev"), now, Action::SettingsChanged, None, &request_id);
    (event.role, event.object, event.before) = (Some(Role::System), Some(object.as_str()), before.as_deref());
    event.approvers = &approvers;
    let row = SettingsRow {
        digest: effective.digest.clone(),
        in_force_from: now.as_microsecond(),
        needs_two: effective.needs_two,
        body: effective.settings.to_string(),
    };
    let approval = ApprovalChanges { settings: vec![row], ended, ..ApprovalChanges::default() };
    store.change(Changes { approval, ..Changes::default() }, vec![event.to_row()?]).await?;
    let told = if before.is_some() {
        "the hub runs with other settings than before"
    } else {
        "the hub runs with its first settings"
    };
    tracing::info!(digest = effective.digest, "{told}");
    Ok(Ok(()))
}

/// Who is registered.
async fn registered(store: &Store) -> Result<Clients, StoreError> {
    let rows = store.clients().await?;
    let client = |row: &ClientRow| RegisteredClient::new(serde_json::from_str(&row.body).ok()?).ok();
    rows.iter().map(|row| client(row).ok_or(StoreError::Corrupt("registered client"))).collect()
}

fn administrators(clients: &Clients) -> usize {
    clients.iter().filter(|client| client.is_active() && client.client().role == Role::Administrator).count()
}

/// What waits for these settings to be put in force.
#[derive(Default)]
struct Found {
    /// The proposals of them that are open and not too old, the oldest first.
    open: Vec<String>,
    /// Who agreed to one of these, where two did.
    agreed: Option<Vec<String>>,
}

/// The proposals of these settings.
async fn find(effective: &Effective, store: &Store, clients: &Clients, now: Timestamp) -> Result<Found, StoreError> {
    let mut found = Found::default();
    for row in store.open_proposals().await? {
        let is_it = matches!(
            serde_json::from_str(&row.body),
            Ok(Change::Settings { digest, settings })
                if digest == effective.digest && settings == effective.settings && sha256(&row.body) == row.digest
        );
        if !is_it || row.expires_at <= now.as_microsecond() {
            continue;
        }
        let by = approvals::agreed(&row, &store.decisions(&row.id).await?, clients, now);
        if by.len() >= PERSONS && found.agreed.is_none() {
            found.agreed = Some(by);
        }
        found.open.push(row.id);
    }
    Ok(found)
}

/// Enters the settings as a change, so that persons can agree to it.
async fn propose(
    effective: &Effective,
    config: &Config,
    store: &Store,
    ids: &Ids,
    now: Timestamp,
) -> Result<String, StoreError> {
    let change = effective.change();
    let row = approvals::proposal(ids, "hub", &change, now, config.approval.valid_for)?;
    let (id, event) = (row.id.clone(), approvals::proposed(ids, &row, &change.told(), now)?);
    let approval = ApprovalChanges { proposals: vec![row], ..ApprovalChanges::default() };
    store.change(Changes { approval, ..Changes::default() }, vec![event]).await?;
    Ok(id)
}

/// A start that is refused is an entry too.
async fn refuse(
    effective: &Effective,
    proposal: &str,
    store: &Store,
    ids: &Ids,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (request_id, objects) = (ids.next("rq"), [format!("settings/{}", effective.digest)]);
    let mut event = AccessEvent::new(ids.next("ev"), now, Action::Denied, None, &request_id);
    (event.role, event.object, event.objects) = (Some(Role::System), Some(proposal), &objects);
    event.problem = Some("settings_not_approved");
    store.record_events(vec![event.to_row()?]).await
}
