//! The jobs that offer the head of the access log to its witnesses: one a witness, so that a slow one delays no other.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::StartError;
use super::alerting::Silences;
use super::outage::{Outage, Place};
use crate::access_log::offer::{OfferError, Offering, RESOURCE};
use crate::access_log::publish::{LogError, Publisher};
use crate::config::{Config, read_setting_file};
use crate::egress::client::{Client, ClientError, ClientOptions};
use crate::egress::{Egress, Endpoint};
use crate::store::Store;
use crate::tlog::note::{KeyKind, NoteError, VerifierKey};

/// How long connecting to a witness may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long start and stop wait for witnesses.
const PATIENCE: Duration = Duration::from_secs(5);
/// Largest answer of a witness, bytes: some signature lines.
const MAX_ANSWER: usize = 16 * 1024;

/// The witnesses of the hub's log.
pub(super) struct Witnesses {
    offerings: Vec<Arc<Offering>>,
    every: Duration,
    refuse_after: Duration,
}

impl Witnesses {
    /// Those of the settings.
    pub(super) async fn open(config: &Config, egress: &Egress, store: &Store) -> Result<Self, StartError> {
        let mut evidence = config.store.path.clone().into_os_string();
        evidence.push(".evidence");
        let kept = store.log().cosigned().await.map_err(LogError::from)?;
        let mut offerings: Vec<Arc<Offering>> = Vec::with_capacity(config.access_log.witnesses.len());
        for witness in &config.access_log.witnesses {
            let failed = |error| StartError::Witness(witness.key.clone(), error);
            let key = VerifierKey::parse(&witness.key)
                .ok()
                .filter(|key| key.kind() == KeyKind::Witness)
                .ok_or_else(|| StartError::WitnessKey(witness.key.clone(), NoteError::VerifierKey))?;
            if offerings.iter().any(|known| known.key().name() == key.name()) {
                return Err(StartError::WitnessKey(witness.key.clone(), NoteError::Name(key.name().to_owned())));
            }
            let (endpoint, prefix) =
                Endpoint::parse_with_path(&witness.url).map_err(|error| failed(ClientError::Endpoint(error)))?;
            let client = Client::new(ClientOptions {
                endpoint,
                path: &format!("{prefix}{RESOURCE}"),
                content_type: "text/plain; charset=utf-8",
                ca: &read_setting_file("access_log.witness.ca", &witness.ca)?,
                identity: None,
                pins: &[],
                connect_timeout: CONNECT,
                max_answer: MAX_ANSWER,
                egress,
            });
            let last = kept.iter().find(|row| row.witness == key.to_string()).map_or(0, |row| row.size);
            offerings.push(Arc::new(Offering::new(key, client.map_err(failed)?, last, evidence.clone().into())));
        }
        let refuse_after = config.access_log.refuse_after;
        Ok(Self { offerings, every: config.access_log.witness_every, refuse_after })
    }

    /// Asks every witness once, before anybody is served: whether it knows another history. One that is away
    /// holds nothing up.
    pub(super) async fn ask(&self, publisher: &Publisher) -> Result<(), LogError> {
        let asked = self.offerings.iter().map(|offering| tokio::time::timeout(PATIENCE, offering.offer(publisher)));
        for answer in join_all(asked).await {
            if let Ok(Err(OfferError::OtherHistory(other))) = answer {
                return Err(other.into());
            }
        }
        Ok(())
    }

    /// Starts the jobs.
    pub(super) fn spawn(
        &self,
        tracker: &TaskTracker,
        publisher: &Arc<Publisher>,
        store: &Store,
        silences: &Silences,
        stopping: &CancellationToken,
    ) {
        for offering in &self.offerings {
            let place = Place::Witness(offering.key().name().to_owned());
            let job = Job {
                offering: Arc::clone(offering),
                publisher: Arc::clone(publisher),
                store: store.clone(),
                every: self.every,
                outage: Outage::new(place, self.refuse_after),
                silences: silences.clone(),
            };
            tracker.spawn(job.run(stopping.clone()));
        }
    }
}

/// Offers to one witness until the hub stops.
struct Job {
    offering: Arc<Offering>,
    publisher: Arc<Publisher>,
    store: Store,
    every: Duration,
    outage: Outage,
    silences: Silences,
}

impl Job {
    async fn run(mut self, stopping: CancellationToken) {
        let mut heads = self.publisher.heads();
        heads.mark_changed();
        loop {
            if !self.outage.goes_on() {
                tokio::select! {
                    () = stopping.cancelled() => return,
                    changed = heads.changed() => if changed.is_err() { return },
                }
            }
            heads.mark_unchanged();
            let next = Instant::now() + self.every;
            if !self.offer().await {
                return;
            }
            tokio::select! {
                () = stopping.cancelled() => return,
                () = tokio::time::sleep_until(next) => {}
            }
        }
    }

    /// Offers the newest head. False when the log may not go on.
    async fn offer(&mut self) -> bool {
        let witness = self.offering.key().name();
        match self.offering.offer(&self.publisher).await {
            Ok(size) => {
                self.outage.ended();
                self.silences.ended(witness);
                #[expect(clippy::cast_precision_loss, reason = "a metric")]
                metrics::gauge!("hedui_access_log_cosigned_entries", "witness" => witness.to_owned()).set(size as f64);
            }
            Err(OfferError::OtherHistory(other)) => {
                self.store.halt();
                tracing::error!(%other, "the access log stops");
                return false;
            }
            Err(error) => {
                self.outage.failed(&self.store, &error.to_string());
                if let Some(silent_for) = self.outage.failing_for() {
                    self.silences.goes_on(witness, silent_for);
                }
            }
        }
        true
    }
}
