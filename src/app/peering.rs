//! This hub among the hubs of other regions: the adapters it asks them by, and the listener where they ask it.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use axum::Router;
use axum_server::tls_rustls::RustlsConfig;
use connectors::keys::{KeyError, PrivateKey, PublicKey};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::{StartError, listener};
use crate::auth::rate_limit::ClientLimit;
use crate::config::{CheckAnswers, Config, MayAsk, Peering, Provides, TlsVersion, read_setting_file};
use crate::domain::actor::{Client, Role};
use crate::domain::clock::Randomness;
use crate::domain::dataset::{Catalogue, DepartmentId};
use crate::domain::division::DivisionCode;
use crate::domain::id_number::SubjectKey;
use crate::egress::Egress;
use crate::federation::adapter::Adapter;
use crate::federation::client::{AdapterClient, ClientOptions};
use crate::federation::proving::AnswerKeys;
use crate::federation::region::Regions;
use crate::federation::registry::Terms;
use crate::federation::revocation::HubLine;
use crate::http::{Hub, PeerDoor, peer_router};
use crate::seal::Sealer;
use crate::service::peers::{self, KnownPeer, Peers};

/// Who answers for which divisions.
pub(super) fn regions(config: &Config) -> Regions {
    let Some(own) = &config.peering else { return Regions::default() };
    let others = config.peers.iter().filter_map(|peer| Some((&peer.name, peer.provides.as_ref()?)));
    let others =
        others.flat_map(|(name, provides)| provides.divisions.iter().map(|division| (*division, name.clone())));
    Regions::new(own.divisions.iter().copied(), others)
}

/// The hubs of other regions as adapters: with their endpoints and authorities, for who looks at adapters.
pub(super) fn adapters(
    config: &Config,
    catalogue: &Catalogue,
    egress: &Egress,
    identity: &str,
    randomness: &Arc<dyn Randomness>,
) -> Result<Vec<(Adapter, String, String)>, StartError> {
    let names = config.peering.iter().map(|own| &own.name).chain(config.peers.iter().map(|peer| &peer.name));
    if let Some(name) = names.into_iter().find(|name| catalogue.department(name).is_some()) {
        return Err(StartError::HubName(name.to_string()));
    }
    let provided = config.peers.iter().filter_map(|peer| Some((&peer.name, peer.provides.as_ref()?)));
    let adapter = |(name, provides): (&DepartmentId, &Provides)| {
        let ca = read_setting_file("peer.provides.ca", &provides.ca)?;
        let client = AdapterClient::new(&way(config, provides, (&ca, identity), egress));
        let client = client.map_err(|error| StartError::Peer(name.to_string(), error))?;
        let answer_keys = held_to(name, provides)?;
        let terms = Terms {
            timeout: provides.timeout,
            per_second: provides.quota_per_second,
            burst: provides.quota_burst,
            in_flight: provides.in_flight,
            // A question to a hub is of one household, so that its log says which.
            shared_subjects: 1,
            may_hedge: provides.hedge,
        };
        let adapter = Adapter::new(name.clone(), (client, answer_keys), terms, Arc::clone(randomness));
        Ok((adapter, provides.endpoint.clone(), ca))
    };
    provided.map(adapter).collect()
}

/// The lines over which the hubs that answer for divisions are told of revocations.
pub(super) fn lines(config: &Config, egress: &Egress) -> Result<Vec<HubLine>, StartError> {
    let certificate = read_setting_file("federation.certificate", &config.federation.certificate)?;
    let key = read_setting_file("federation.private_key", &config.federation.private_key)?;
    let identity = format!("{certificate}\n{key}");
    let provided = config.peers.iter().filter_map(|peer| Some((&peer.name, peer.provides.as_ref()?)));
    let line = |(name, provides): (&DepartmentId, &Provides)| {
        let ca = read_setting_file("peer.provides.ca", &provides.ca)?;
        let options = way(config, provides, (&ca, &identity), egress);
        HubLine::new(name.clone(), &options, held_to(name, provides)?, provides.timeout)
            .map_err(|error| StartError::Peer(name.to_string(), error))
    };
    provided.map(line).collect()
}

/// The way to a hub.
fn way<'a>(
    config: &Config,
    provides: &'a Provides,
    (ca, identity): (&'a str, &'a str),
    egress: &'a Egress,
) -> ClientOptions<'a> {
    ClientOptions {
        endpoint: &provides.endpoint,
        ca,
        identity,
        pins: &provides.pins,
        connect_timeout: config.federation.connect_timeout,
        max_answer: config.federation.max_answer,
        egress,
    }
}

/// What its answers are held to.
fn held_to(name: &DepartmentId, provides: &Provides) -> Result<AnswerKeys, StartError> {
    Ok(AnswerKeys {
        keys: answer_keys(name, provides)?,
        are_required: true,
        before_use: provides.check_answers == CheckAnswers::BeforeUse,
    })
}

fn answer_keys(name: &DepartmentId, provides: &Provides) -> Result<Vec<PublicKey>, StartError> {
    let unusable = |error: KeyError| StartError::Key(format!("[[peer]] {name} provides.answer_key"), error);
    PublicKey::read_all(&provides.answer_key).map_err(unusable)
}

fn context_keys(name: &DepartmentId, may_ask: &MayAsk) -> Result<Vec<PublicKey>, StartError> {
    let unusable = |error: KeyError| StartError::Key(format!("[[peer]] {name} may_ask.context_keys"), error);
    PublicKey::read_all(&may_ask.context_keys).map_err(unusable)
}

/// The ids of the keys that the settings of hubs name by file, by what they prove.
pub(super) fn key_ids(config: &Config) -> Result<Vec<(String, Value)>, StartError> {
    let ids = |keys: Vec<PublicKey>| Value::from(keys.iter().map(|key| key.id().to_owned()).collect::<Vec<_>>());
    let mut all = Vec::new();
    for peer in &config.peers {
        let name = &peer.name;
        if let Some(provides) = &peer.provides {
            all.push((name.to_string(), ids(answer_keys(name, provides)?)));
        }
        if let Some(may_ask) = &peer.may_ask {
            all.push((format!("{name}/contexts"), ids(context_keys(name, may_ask)?)));
        }
    }
    Ok(all)
}

/// What answers to other hubs are signed with: the configured key, else one that is derived from the root of pseudonyms.
pub(super) fn answer_key(config: &Config, sealer: &Sealer) -> Result<PrivateKey, StartError> {
    let key = match config.peering.as_ref().and_then(|own| own.answer_key.as_deref()) {
        Some(file) => PrivateKey::read(file),
        None => PrivateKey::from_seed(sealer.answer_seed().as_ref()),
    };
    key.map_err(|error| StartError::Key("[peering] answer_key".to_owned(), error))
}

/// The listener for other hubs, where there is to be one.
pub(super) fn bind(config: &Config) -> Result<Option<(TcpListener, SocketAddr)>, StartError> {
    let listen = config.peering.as_ref().and_then(|own| own.listen.as_ref());
    listen.map(|listen| listener::bind("[peering.listen] address", listen.address)).transpose()
}

/// What the listener for other hubs shares with the hub.
pub(super) struct Among<'a> {
    pub(super) hub: &'a Arc<Hub>,
    pub(super) key: PrivateKey,
    pub(super) log_key: SubjectKey,
    pub(super) tracker: &'a TaskTracker,
}

/// TLS and routes of the listener for other hubs.
pub(super) fn open(config: &Config, among: Among<'_>) -> Result<(RustlsConfig, Router), StartError> {
    let Among { hub, key, log_key, tracker } = among;
    let missing = || StartError::Tls("[peering.listen] is missing".to_owned());
    let own = config.peering.as_ref().ok_or_else(missing)?;
    let listen = own.listen.as_ref().ok_or_else(missing)?;
    let files = listener::TlsFiles {
        certificate: ("peering.listen.certificate", &listen.certificate),
        private_key: ("peering.listen.private_key", &listen.private_key),
        client_ca: Some(("peering.listen.client_ca", &listen.client_ca)),
    };
    let tls = listener::tls(files, TlsVersion::Tls13)?;
    let may_ask = config.peers.iter().filter_map(|peer| Some((&peer.name, peer.may_ask.as_ref()?)));
    let known = may_ask.map(|(name, may_ask)| known(own, name, may_ask)).collect::<Result<_, _>>()?;
    let peers = Peers::new(peers::Parts {
        name: own.name.clone(),
        answer_key: key,
        known,
        verifications: Arc::clone(&hub.verifications),
        refusals: Arc::clone(&hub.refusals),
        log_key,
        clock: Arc::clone(&hub.clock),
        ids: hub.ids.clone(),
        deadline: config.federation.deadline,
    });
    let (tracker, ids) = (tracker.clone(), hub.ids.clone());
    let door = PeerDoor { peers, tracker, ids, arrival_timeout: config.listen.arrival_timeout };
    Ok((tls, peer_router(Arc::new(door))))
}

fn known(own: &Peering, name: &DepartmentId, may_ask: &MayAsk) -> Result<KnownPeer, StartError> {
    let divisions: Vec<DivisionCode> = may_ask.divisions.clone().unwrap_or_else(|| own.divisions.clone());
    let quota = (may_ask.quota_per_second, may_ask.quota_burst);
    Ok(KnownPeer {
        client: Client {
            id: name.to_string(),
            organisation: name.to_string(),
            // Its refusals are for officers of this hub's own divisions.
            division: own.divisions.first().copied().unwrap_or(DivisionCode::NATION),
            purposes: may_ask.purposes.clone(),
            role: Role::Peer,
            department: None,
        },
        certificate_keys: may_ask.certificate_keys.clone(),
        context_keys: context_keys(name, may_ask)?,
        divisions,
        datasets: may_ask.datasets.clone(),
        quota,
        limit: ClientLimit::new(quota.0, quota.1),
        places: Semaphore::new(
            usize::try_from(may_ask.in_flight.get()).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS),
        ),
    })
}
