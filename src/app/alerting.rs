//! The job that watches the access log: reads what is new within the configured time, and tells how many alerts there
//! are. What it says outside holds no personal data: a rule and a number.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use super::StartError;
use crate::config::{Config, read_setting_file};
use crate::domain::id_number::SubjectKey;
use crate::review::evaluator::Health;
use crate::review::people::People;
use crate::review::rules::Rules;
use crate::service::alerting::{Alerting, Parts};
use crate::store::{Store, StoreError};

/// For how long each witness has been silent; none for those that cosign.
#[derive(Debug, Clone, Default)]
pub(super) struct Silences(Arc<Mutex<BTreeMap<String, Duration>>>);

impl Silences {
    /// A witness did not cosign for so long.
    pub(super) fn goes_on(&self, witness: &str, silent_for: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(witness.to_owned(), silent_for);
    }

    /// A witness cosigns again.
    pub(super) fn ended(&self, witness: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(witness);
    }

    fn now(&self) -> BTreeMap<String, Duration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The rules of the configuration. What is wrong with a file is told line by line.
pub fn rules(config: &Config) -> Result<Rules, StartError> {
    let Some(file) = &config.review.rules else { return Ok(Rules::shipped()) };
    Rules::parse(&read_setting_file("review.rules", file)?).map_err(|faults| {
        let told = faults.iter().map(|fault| {
            format!("line {}: {}: [{}] {} {}", fault.line, fault.key, fault.code, fault.detail.en, fault.detail.zh)
        });
        StartError::Review(file.clone(), told.collect::<Vec<_>>().join("\n"))
    })
}

/// Staff and watched persons of the configuration, as pseudonyms.
pub fn people(config: &Config, key: &SubjectKey) -> Result<People, StartError> {
    let mut people = People::default();
    let wrong =
        |file: &PathBuf, error: crate::review::people::PeopleError| StartError::Review(file.clone(), error.to_string());
    if let Some(file) = &config.review.staff {
        people =
            people.with_staff(&read_setting_file("review.staff", file)?, key).map_err(|error| wrong(file, error))?;
    }
    if let Some(file) = &config.review.watch_list {
        let text = read_setting_file("review.watch_list", file)?;
        people = people.with_watch_list(&text, key).map_err(|error| wrong(file, error))?;
    }
    Ok(people)
}

/// Watches until the hub stops. What fails is tried again at the next time; nothing is lost, since the log is kept.
pub(super) async fn run(parts: Parts, silences: Silences, every: Duration, stopping: CancellationToken) {
    let mut alerting: Option<Alerting> = None;
    let mut told: BTreeSet<String> = BTreeSet::new();
    let mut tick = tokio::time::interval(every);
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = parts.store.sequence().many_to_follow() => {}
            _ = tick.tick() => {}
        }
        let watched = tokio::select! {
            // What was under way is durable as a whole or not at all, and is taken up again at the next start.
            () = stopping.cancelled() => return,
            watched = watch(&mut alerting, &parts, &silences, &mut told) => watched,
        };
        match watched {
            Ok(0) => {}
            Ok(raised) => {
                tracing::info!(raised, "alerts were raised over the access log: see /v1/alerts");
                measure(&parts.store).await;
            }
            Err(error) => {
                // What is remembered may be ahead of what is durable: it is read again from the log.
                alerting = None;
                tracing::error!(%error, "the access log cannot be watched now");
            }
        }
    }
}

async fn watch(
    alerting: &mut Option<Alerting>,
    parts: &Parts,
    silences: &Silences,
    told: &mut BTreeSet<String>,
) -> Result<usize, StoreError> {
    let watching = match alerting {
        Some(watching) => watching,
        None => alerting.insert(Alerting::open(parts.clone()).await?),
    };
    step(watching, silences, told).await
}

async fn step(alerting: &mut Alerting, silences: &Silences, told: &mut BTreeSet<String>) -> Result<usize, StoreError> {
    let mut raised = alerting.step().await?;
    let silent = silences.now();
    told.retain(|witness| silent.contains_key(witness));
    for (witness, silent_for) in silent {
        if told.contains(&witness) {
            continue;
        }
        let silent_for = SignedDuration::try_from(silent_for).unwrap_or(SignedDuration::MAX);
        let health = Health::WitnessSilent { witness: witness.clone(), silent_for };
        let new = alerting.health(&health).await?;
        if new > 0 {
            told.insert(witness);
        }
        raised += new;
    }
    Ok(raised)
}

async fn measure(store: &Store) {
    match store.open_alerts().await {
        Ok(open) => {
            for (rule, count) in open {
                #[expect(clippy::cast_precision_loss, reason = "a metric")]
                metrics::gauge!("hedui_alerts_open", "rule" => rule).set(count as f64);
            }
        }
        Err(error) => tracing::error!(%error, "open alerts cannot be counted"),
    }
}
