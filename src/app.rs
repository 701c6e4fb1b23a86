//! `App`: builds every long-lived part once, hands out references, shuts down in order.

pub mod alerting;
mod auditing;
mod following_up;
mod issuers;
mod keys;
mod listener;
mod outage;
mod peering;
mod pressing;
mod proving;
mod publishing;
pub mod registry;
pub mod secrets;
pub mod settings;
mod start_error;
mod sweeping;
mod telling;
pub mod witness;
mod witnessing;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access_log::audit::audit;
use crate::access_log::publish::{LogError, Publisher};
use crate::auth::dpop::Addresses;
use crate::auth::peer::Proxies;
use crate::auth::rate_limit::ClientLimit;
use crate::auth::refusals::Allowance;
use crate::auth::token::TokenVerifier;
use crate::config::{Config, read_setting_file};
use crate::domain::clock::{Clock, Randomness, SystemClock, SystemRandomness};
use crate::domain::dataset::Catalogue;
use crate::egress::Egress;
use crate::federation::ask::Federation;
use crate::federation::proving::Proving;
use crate::federation::round::Signing;
use crate::http::{Hub, Published, Shedding, monitor_router, router};
use crate::policy::Packs;
use crate::seal::Sealer;
use crate::service::adapters::{Adapters, shadowing};
use crate::service::alerting as service_alerting;
use crate::service::alerts::Alerts;
use crate::service::approvals::{self, Approvals};
use crate::service::changes::Operations;
use crate::service::clients::{self, ClientRegistry};
use crate::service::erasure::{self, Erasure, Retention};
use crate::service::ids::Ids;
use crate::service::log_review::LogReview;
use crate::service::policies::Policies;
use crate::service::proofs::Proofs;
use crate::service::refusals::Refusals;
use crate::service::samples::Samples;
use crate::service::sealing::{self, Rewrap, SealingError};
use crate::service::tokens::{self, TokenEndpoint};
use crate::service::usage::Accounts;
use crate::service::verify::{FollowUpTerms, Parts, Verifications};
use crate::store::Store;
use crate::tlog::note::VerifierKey;
pub use keys::{former_log_keys, log_key, sealing_keys};
pub use start_error::StartError;
use witnessing::Witnesses;

/// How often accepted verifications that did not end are looked for, and idle clients forgotten.
const HOUSEKEEPING: Duration = Duration::from_secs(10);
/// How often changes of clients that operators ask for are looked for: a revoked client is out within that time.
const CHANGES: Duration = Duration::from_millis(500);
/// How long running requests may take to end at shutdown.
const DRAIN: Duration = Duration::from_secs(20);

/// A running hub.
pub struct App {
    /// Where callers reach it.
    pub address: SocketAddr,
    /// Where it is watched from.
    pub monitor_address: SocketAddr,
    /// Where hubs of other regions ask, where they may.
    pub peer_address: Option<SocketAddr>,
    tracker: TaskTracker,
    stopping: CancellationToken,
    servers: [axum_server::Handle<SocketAddr>; 3],
    writer: tokio::task::JoinHandle<()>,
    verifications: Arc<Verifications>,
    adapters: Arc<Adapters>,
    refusals: Arc<Refusals>,
    publisher: Arc<Publisher>,
    witnesses: Witnesses,
}

impl App {
    /// Builds everything and starts listening.
    pub async fn start(config: &Config, metrics: PrometheusHandle) -> Result<Self, StartError> {
        Self::start_at(config, metrics, Arc::new(SystemClock)).await
    }

    /// The same by another clock.
    pub async fn start_at(
        config: &Config,
        metrics: PrometheusHandle,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        // On the heap: with all it awaits it would make the future of whoever starts a hub several pages long.
        Box::pin(Self::assembled(config, metrics, clock)).await
    }

    async fn assembled(config: &Config, metrics: PrometheusHandle, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let randomness: Arc<dyn Randomness> = Arc::new(SystemRandomness);
        let tracker = TaskTracker::new();
        let stopping = CancellationToken::new();
        secrets::forbidding(secrets::of_hub(config), config.server.mode).map_err(StartError::Secrets)?;
        let ids = Ids::new(Arc::clone(&clock), Arc::clone(&randomness));
        let keys = sealing_keys(config)?;
        let catalogue = Arc::new(catalogue(config)?);
        let packs = Arc::new(match &config.verification.policies {
            Some(folder) => Packs::load(folder)?,
            None => Packs::shipped(),
        });
        let rules = Arc::new(alerting::rules(config)?);
        // Bound first: the hub never connects to itself, and its own addresses are known only now.
        let (listener, address) = listener::bind("[listen] address", config.listen.address)?;
        let (monitor_listener, monitor_address) = listener::bind("[monitor] address", config.monitor.address)?;
        let peer_listener = peering::bind(config)?;
        let own = [address, monitor_address].into_iter().chain(peer_listener.iter().map(|(_, address)| *address));
        let egress = Egress::new(config.egress.allow.clone(), own.collect());
        let policies = Policies::new(Arc::clone(&packs), Arc::clone(&catalogue), Arc::clone(&clock));
        let connecting = registry::connecting(config, &catalogue, &egress, &randomness)?;
        let tokens = Arc::new(TokenVerifier::new(&config.auth.audience));
        let refreshed = issuers::start(config, &egress, &tokens, clock.as_ref()).await?;
        let tls = listener::tls(listener::TlsFiles::of(config), config.listen.tls_version)?;
        let (store, writer) = Store::open(&config.store.path)
            .await
            .map_err(|error| StartError::Store(config.store.path.clone(), error))?;
        // The writer outlives the tracker's tasks: they must be able to make their last words durable.
        #[expect(clippy::disallowed_methods, reason = "App owns the handle and joins it last")]
        let writer = tokio::spawn(writer.run());
        let opened = async {
            // What is sealed and what is configured are compared before the keys go out of hand.
            let effective = settings::Effective::of(config, &keys, &packs)?;
            let (sealer, registration) = sealing::open(&store, keys, clock.as_ref(), Arc::clone(&randomness)).await?;
            let erasure = Arc::new(Erasure::new(erasure::Parts {
                store: store.clone(),
                sealer: sealer.clone(),
                clock: Arc::clone(&clock),
                ids: ids.clone(),
            }));
            let unreadable = |error| StartError::Store(config.store.path.clone(), error);
            // Before anything is recorded by this start's clock.
            erasure.load_believed_time().await.map_err(unreadable)?;
            let people = alerting::people(config, &sealer.subject_key("access-log"))?;
            let (publisher, witnesses) = open_log(config, &sealer, &egress, &store, &ids, &clock).await?;
            // Nothing is written on top of a log that was not proven.
            let agreed = settings::check(&effective, config, &store, &ids, clock.as_ref()).await;
            agreed.map_err(unreadable)?.map_err(StartError::Unapproved)?;
            registration.record(&store, &ids, clock.as_ref()).await.map_err(SealingError::from)?;
            Ok::<_, StartError>((sealer, erasure, people, publisher, witnesses))
        };
        let (sealer, erasure, people, publisher, witnesses) = match opened.await {
            Ok(opened) => opened,
            Err(error) => {
                // Who is told that the hub does not start finds the database closed.
                drop(store);
                drop(writer.await);
                return Err(error);
            }
        };
        if is_long(&store, config.access_log.read_at_start) {
            let mut keys = vec![publisher.verifier().clone()];
            keys.extend(former_log_keys(config)?);
            tracker.spawn(auditing::run(store.clone(), keys, stopping.clone()));
        }
        let silences = alerting::Silences::default();
        witnesses.spawn(&tracker, &publisher, &store, &silences, &stopping);
        let desks = Arc::clone(connecting.registry());
        let copies = desks.take_copies(shadowing::ROOM);
        let adapters = registry::open(config, connecting, &catalogue, &store, &clock, &ids).await?;
        let signer = proving::context_signer(config, &sealer)?;
        let context_key = signer.public().to_jwk();
        let (proofs, to_prove) = mpsc::channel(proving::WAITING);
        let federation = Federation::new(
            Arc::clone(&catalogue),
            desks,
            config.federation.cached_people,
            sealer.subject_key("cache"),
            Signing { signer, clock: Arc::clone(&clock), randomness: Arc::clone(&randomness) },
            Proving::new(proofs),
        );
        let federation = federation.among(peering::regions(config), peering::lines(config, &egress)?);
        let (peer_key, log_key) = (peering::answer_key(config, &sealer)?, sealer.subject_key("access-log"));
        let holding = store.clone();
        let clients = match &config.token_endpoint {
            Some(endpoint) => {
                let parts = clients::Parts {
                    store: store.clone(),
                    sealer: sealer.clone(),
                    tokens: Arc::clone(&tokens),
                    issuer: endpoint.issuer.clone(),
                    clock: Arc::clone(&clock),
                    randomness: Arc::clone(&randomness),
                    ids: ids.clone(),
                };
                Some(Arc::new(ClientRegistry::open(parts).await?))
            }
            None => None,
        };
        let token_endpoint = clients.clone().zip(config.token_endpoint.as_ref()).map(|(registry, endpoint)| {
            TokenEndpoint::new(tokens::Parts {
                registry,
                store: store.clone(),
                audience: config.auth.audience.clone(),
                lifetime: endpoint.lifetime,
                clock: Arc::clone(&clock),
                ids: ids.clone(),
            })
        });
        let allowance =
            Allowance { each: config.refusals.singly, all: config.refusals.all_singly, window: config.refusals.window };
        let refusals = Arc::new(Refusals::new(store.clone(), Arc::clone(&clock), ids.clone(), allowance));
        let proofs = Proofs::new(store.clone(), addresses(config, address), Arc::clone(&clock));
        let log_review =
            LogReview::new(store.clone(), Arc::clone(&publisher), &sealer, Arc::clone(&clock), ids.clone());
        let watching = service_alerting::Parts {
            store: store.clone(),
            rules,
            people: Arc::new(people),
            clock: Arc::clone(&clock),
            ids: ids.clone(),
            desk: service_alerting::Desk::default(),
        };
        let alerts = Alerts::new(store.clone(), Arc::clone(&clock), ids.clone(), Arc::clone(&watching.desk));
        let samples = Samples::new(store.clone(), Arc::clone(&publisher), Arc::clone(&clock), ids.clone());
        let hubs = config.peers.iter().map(|peer| peer.name.clone()).collect();
        let accounts =
            Accounts::new(store.clone(), Arc::clone(&catalogue), Arc::clone(&clock), ids.clone()).among(hubs);
        let approvals = Approvals::new(approvals::Parts {
            store: store.clone(),
            clients: clients.clone(),
            is_required: config.approval.required,
            valid_for: config.approval.valid_for,
            clock: Arc::clone(&clock),
            ids: ids.clone(),
        });
        let rewrap = Rewrap::new(store.clone(), sealer.clone(), Arc::clone(&clock), ids.clone());
        let operations = Arc::new(Operations {
            store: store.clone(),
            clients,
            erasure: Arc::clone(&erasure),
            rewrap,
            approvals,
            adapters: Arc::clone(&adapters),
            alone: tokio::sync::Mutex::default(),
        });
        let verifications = Verifications::new(Parts {
            store,
            sealer,
            federation,
            packs,
            clock: Arc::clone(&clock),
            ids: ids.clone(),
            tracker: tracker.clone(),
            stopping: stopping.clone(),
            deadline: config.federation.deadline,
            notice_within: config.verification.notice_within,
            follow_ups: FollowUpTerms {
                first_pause: config.follow_up.first_pause,
                longest_pause: config.follow_up.longest_pause,
                attempts: config.follow_up.attempts,
                at_once: config.follow_up.at_once,
            },
            randomness: Arc::clone(&randomness),
        });
        let unreadable = |error| StartError::Store(config.store.path.clone(), error);
        verifications.load_revocations().await.map_err(&unreadable)?;
        service_alerting::begin(verifications.store()).await.map_err(&unreadable)?;
        let hub = Arc::new(Hub {
            verifications: Arc::clone(&verifications),
            log_review: Arc::new(log_review),
            alerts,
            adapters: Arc::clone(&adapters),
            operations: Arc::clone(&operations),
            samples,
            accounts,
            policies,
            tokens: Arc::clone(&tokens),
            token_endpoint,
            proofs,
            published: published(config, context_key),
            shedding: Shedding::new(
                config.load.longest_delay,
                config.load.under_way,
                config.load.batch_clients.iter().cloned().collect(),
            ),
            limit: ClientLimit::new(config.rate_limit.per_second, config.rate_limit.burst),
            refusals: Arc::clone(&refusals),
            proxies: Proxies::new(config.listen.trusted_proxies.clone()),
            clock: Arc::clone(&clock),
            ids,
            randomness: Arc::new(SystemRandomness),
            max_body: config.listen.max_body,
            arrival_timeout: config.listen.arrival_timeout,
            default_wait: config.verification.default_wait,
            max_wait: config.verification.max_wait,
        });
        let servers = [axum_server::Handle::new(), axum_server::Handle::new(), axum_server::Handle::new()];
        let [main_handle, monitor_handle, peer_handle] = servers.clone();
        let peer_address = peer_listener.as_ref().map(|(_, address)| *address);
        if let Some((listener, _)) = peer_listener {
            let among = peering::Among { hub: &hub, key: peer_key, log_key, tracker: &tracker };
            let (peer_tls, routes) = peering::open(config, among)?;
            tracker.spawn(listener::serve_callers(
                listener,
                peer_tls,
                routes,
                listener::Limits::of(config),
                peer_handle,
            ));
        }
        let monitor = monitor_router(Arc::clone(&verifications), metrics.clone(), stopping.clone());
        let routes = router(Arc::clone(&hub));
        tracker.spawn(listener::serve_callers(listener, tls, routes, listener::Limits::of(config), main_handle));
        tracker.spawn(listener::serve_monitor(monitor_listener, monitor, monitor_handle));
        for set in refreshed {
            tracker.spawn(issuers::refresh(set, Arc::clone(&tokens), Arc::clone(&clock), stopping.clone()));
        }
        let first_pause = config.follow_up.first_pause;
        tracker.spawn(following_up::run(Arc::clone(&hub), first_pause, stopping.clone()));
        tracker.spawn(telling::run(Arc::clone(&verifications), stopping.clone()));
        tracker.spawn(pressing::run(Arc::clone(&hub), stopping.clone()));
        tracker.spawn(proving::run(to_prove, Arc::clone(&verifications), stopping.clone()));
        tracker.spawn(take_up_changes(operations, stopping.clone()));
        tracker.spawn(registry::settle(Arc::clone(&adapters), stopping.clone()));
        if let Some(copies) = copies {
            let (verifications, clock) = (Arc::clone(&verifications), Arc::clone(&clock));
            tracker.spawn(shadowing::run(verifications, copies, clock, hub.ids.clone(), stopping.clone()));
        }
        let retention = Retention {
            verifications: config.retention.verifications,
            authorisations: config.retention.authorisations,
            max_clock_step: config.retention.max_clock_step,
        };
        tracker.spawn(sweeping::run(erasure, retention, Arc::clone(&clock), stopping.clone()));
        tracker.spawn(alerting::run(watching, silences, config.review.every, stopping.clone()));
        tracker.spawn(housekeeping(Arc::clone(&hub), metrics, stopping.clone()));
        let intervals = publishing::Intervals {
            anchor: config.access_log.anchor_every,
            refuse_after: config.access_log.refuse_after,
        };
        tracker.spawn(publishing::run(Arc::clone(&publisher), holding, intervals, stopping.clone()));
        Ok(Self {
            address,
            monitor_address,
            peer_address,
            tracker,
            stopping,
            servers,
            writer,
            verifications,
            adapters,
            refusals,
            publisher,
            witnesses,
        })
    }

    /// The use cases, for tests and the demo.
    pub const fn verifications(&self) -> &Arc<Verifications> {
        &self.verifications
    }

    /// Stops: no new requests, running ones may end, what is accepted is durable, the database is closed.
    pub async fn stop(self) {
        self.stopping.cancel();
        for server in &self.servers {
            server.graceful_shutdown(Some(DRAIN));
        }
        self.tracker.close();
        if tokio::time::timeout(DRAIN, self.tracker.wait()).await.is_err() {
            tracing::warn!("some verifications did not end in time; they are taken up at the next start");
        }
        if let Err(error) = self.refusals.close(true).await {
            tracing::error!(%error, "how many refusals there were could not be recorded");
        }
        if let Err(error) = self.adapters.keep_counts().await {
            tracing::error!(%error, "what is counted of adapters could not be kept");
        }
        drop((self.verifications, self.adapters, self.refusals));
        publishing::finish(self.publisher, self.witnesses).await;
        // The writer ends when the last store is gone.
        if tokio::time::timeout(Duration::from_secs(5), self.writer).await.is_err() {
            tracing::warn!("the database was not closed in time; it recovers at the next start");
        }
    }
}

/// Takes up what a crash or a full disk left unfinished, forgets idle clients, keeps metrics small.
async fn housekeeping(hub: Arc<Hub>, metrics: PrometheusHandle, stopping: CancellationToken) {
    let mut tick = tokio::time::interval(HOUSEKEEPING);
    let mut started = false;
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            _ = tick.tick() => {}
        }
        let taken_up = if started { hub.verifications.retry().await } else { hub.verifications.resume().await };
        match taken_up {
            Ok(taken) => {
                started = true;
                if taken > 0 {
                    tracing::info!(taken, "took up accepted verifications that had not ended");
                }
            }
            Err(error) => tracing::error!(%error, "accepted verifications cannot be looked for"),
        }
        if let Err(error) = hub.refusals.close(false).await {
            tracing::error!(%error, "how many refusals there were cannot be recorded now");
        }
        if let Err(error) = hub.verifications.measure_owed_notices().await {
            tracing::error!(%error, "households that are still to be told cannot be counted");
        }
        if let Err(error) = hub.verifications.measure_follow_ups().await {
            tracing::error!(%error, "what departments owe cannot be counted");
        }
        hub.verifications.federation().health();
        if let Err(error) = hub.accounts.count().await {
            tracing::error!(%error, "what departments were asked cannot be counted now");
        }
        hub.limit.forget_idle_clients();
        metrics.run_upkeep();
    }
}

/// Makes the changes that operators ask for while the hub runs.
async fn take_up_changes(operations: Arc<Operations>, stopping: CancellationToken) {
    let mut tick = tokio::time::interval(CHANGES);
    if let Err(error) = operations.make_left_agreed().await {
        tracing::error!(%error, "changes that two persons agreed to cannot be made now");
    }
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            _ = tick.tick() => {}
        }
        if let Err(error) = operations.take_up().await {
            tracing::error!(%error, "changes that operators asked for cannot be made now");
        }
    }
}

fn published(config: &Config, context_key: serde_json::Value) -> Published {
    let own = config.token_endpoint.iter().map(|endpoint| endpoint.issuer.clone());
    let others = config.auth.issuers.iter().map(|issuer| issuer.name.clone());
    Published { issuers: own.chain(others).collect(), is_bound: config.listen.client_ca.is_some(), context_key }
}

/// Where callers reach the hub, as proofs of possession name it: what the settings say, and the address that is bound.
fn addresses(config: &Config, bound: SocketAddr) -> Addresses {
    let issuer = config.token_endpoint.as_ref().map(|endpoint| endpoint.issuer.clone());
    let bound = (!bound.ip().is_unspecified()).then(|| format!("https://{bound}"));
    let told: Vec<String> = issuer.into_iter().chain([config.auth.audience.clone()]).chain(bound).collect();
    Addresses::new(told.iter().map(String::as_str))
}

/// What the departments provide: as shipped, or as a file of the settings says.
pub(crate) fn catalogue(config: &Config) -> Result<Catalogue, StartError> {
    match &config.verification.catalogue {
        None => Ok(Catalogue::shipped()),
        Some(file) => Ok(Catalogue::parse(&read_setting_file("verification.catalogue", file)?)?),
    }
}

/// Reads a log that is not long from end to end: nothing is signed on top of an altered one. Reading a long one
/// would keep callers waiting; its newest part is checked when it is opened, and the whole beside the work (`auditing.rs`).
async fn check_whole(store: &Store, former: &[VerifierKey], longest: u64) -> Result<(), StartError> {
    let log = store.log();
    if log.head().await.map_err(LogError::from)?.is_none() {
        return Ok(());
    }
    if is_long(store, longest) {
        return Ok(());
    }
    // The newest head names its key, which is proven when the log is opened; what a witness cosigned last may be older.
    let named = log.head().await.map_err(LogError::from)?.and_then(|head| VerifierKey::parse(&head.key).ok());
    let keys: Vec<VerifierKey> = named.into_iter().chain(former.iter().cloned()).collect();
    let report = audit(&log, &keys, &[], &[]).await.map_err(LogError::from)?;
    match report.faults.first() {
        None => Ok(()),
        Some(fault) => Err(LogError::Tampered { index: fault.index, detail: fault.detail.en.clone() }.into()),
    }
}

/// Whether the log is too long to be read before anybody is served.
fn is_long(store: &Store, longest: u64) -> bool {
    store.sequence().head().0 > longest
}

/// Opens the log for signing, and asks whoever else keeps its head.
async fn open_log(
    config: &Config,
    sealer: &Sealer,
    egress: &Egress,
    store: &Store,
    ids: &Ids,
    clock: &Arc<dyn Clock>,
) -> Result<(Arc<Publisher>, Witnesses), StartError> {
    let (key, anchor) = (log_key(config, sealer)?, config.access_log.anchor.clone());
    let former = former_log_keys(config)?;
    check_whole(store, &former, config.access_log.read_at_start).await?;
    let publisher = Publisher::open(store.clone(), key, &former, anchor, Arc::clone(clock)).await?;
    if let Some(former) = publisher.gave_way() {
        let changed = sealing::log_key_changed(ids, clock.as_ref(), former, publisher.verifier());
        store.record_events(vec![changed.map_err(LogError::from)?]).await.map_err(LogError::from)?;
        publisher.publish().await?;
    }
    let witnesses = Witnesses::open(config, egress, store).await?;
    witnesses.ask(&publisher).await?;
    Ok((Arc::new(publisher), witnesses))
}

/// The process's metrics recorder. Call once.
pub fn install_metrics() -> Result<PrometheusHandle, metrics_exporter_prometheus::BuildError> {
    PrometheusBuilder::new().install_recorder()
}
