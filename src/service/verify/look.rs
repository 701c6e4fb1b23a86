//! Looking at a verification that has come to its end: what is asked for beside the answer, the report in one of
//! its views, and the replay. Texts, trace and verdict are made again from the kept facts and the kept pack.

use std::sync::{Arc, PoisonError};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::super::case::Case;
use super::super::error::ServiceError;
use super::super::judge::{self, raw};
use super::super::kept::{Outcome, with_members};
use super::super::replay::{Kept, Replay, replay};
use super::{Caller, Expand, FollowUpView, Verifications};
use crate::domain::actor::Client;
use crate::domain::household::Place;
use crate::domain::problem::Text;
use crate::policy::{Parameters, Unavailable};
use crate::store::{PackRow, StoreError, VerificationRow};
use crate::verdict::Verdict;
use crate::verdict::comparison::Comparison;
use crate::verdict::explain::{Matter, Report, View};
use crate::verdict::facts::Facts;

/// A report, and for the auditor the tree itself.
#[derive(Serialize)]
pub struct Told {
    /// The verification.
    pub verification: String,
    /// The text.
    #[serde(flatten)]
    pub report: Report,
    /// For caseworker and auditor: the declaration against what was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Box<RawValue>>,
    /// For the auditor: the tree of reasons, and what its clauses say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<Box<RawValue>>,
    /// For the auditor: the source of every figure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Box<RawValue>>,
}

/// What of an answer is read again.
#[derive(Deserialize)]
struct Answer {
    place: Place,
    verdict: Box<RawValue>,
}

/// The pack that a request names.
#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    pack: Option<String>,
}

/// A kept outcome, read.
struct Read {
    facts: Facts,
    answer: Answer,
    comparison: Option<Comparison>,
}

fn read(outcome: &Outcome) -> Result<Read, StoreError> {
    let corrupt = StoreError::Corrupt;
    let facts = serde_json::from_str(outcome.facts.get()).map_err(|_| corrupt("facts"))?;
    let answer = serde_json::from_str(outcome.answer.get()).map_err(|_| corrupt("answer"))?;
    let comparison = match &outcome.comparison {
        Some(kept) => Some(serde_json::from_str(kept.get()).map_err(|_| corrupt("comparison"))?),
        None => None,
    };
    Ok(Read { facts, answer, comparison })
}

impl Verifications {
    /// Keeps the pack of a case, once in the life of this process: it is durable before a verdict rests on it.
    pub(super) async fn keep_pack(&self, case: &Case) -> Result<(), StoreError> {
        let Some(pack) = case.pack.as_deref() else { return Ok(()) };
        if self.kept_packs.lock().unwrap_or_else(PoisonError::into_inner).contains(pack.digest()) {
            return Ok(());
        }
        let kept_at = self.parts.clock.now().as_microsecond();
        let row = PackRow { digest: pack.digest().to_owned(), kept_at, body: pack.to_kept() };
        self.parts.store.keep_pack(row).await?;
        self.kept_packs.lock().unwrap_or_else(PoisonError::into_inner).insert(pack.digest().to_owned());
        Ok(())
    }

    /// The pack that a kept verdict rests on: as kept, or the one in force when it is the same.
    async fn pack_of(
        &self,
        row: &VerificationRow,
        outcome: &Outcome,
        read: &Read,
    ) -> Result<Option<Arc<Parameters>>, ServiceError> {
        let Some(digest) = outcome.pack_digest.as_deref() else { return Ok(None) };
        if let Ok(pack) = self.pack_in_force(row, read, read.facts.assessed_on)
            && pack.digest() == digest
        {
            return Ok(Some(pack));
        }
        let kept = self.parts.store.pack(digest).await?.ok_or(ServiceError::PackChanged)?;
        match Parameters::from_kept(&kept, digest) {
            Ok(pack) => Ok(Some(Arc::new(pack))),
            Err(error) => {
                tracing::error!(digest, %error, "a kept pack cannot be used");
                Err(ServiceError::PackChanged)
            }
        }
    }

    /// The pack in force on a day for the place of a verification, under the name it asked for.
    fn pack_in_force(&self, row: &VerificationRow, read: &Read, on: Date) -> Result<Arc<Parameters>, Unavailable> {
        let name =
            self.kept_raw(row).ok().and_then(|kept| serde_json::from_str::<Named>(kept.request.get()).ok()?.pack);
        self.parts.packs.effective(read.answer.place, on, name.as_deref())
    }

    /// The stored answer with what is asked for beside it.
    pub(super) async fn expanded(
        &self,
        row: &VerificationRow,
        outcome: &Outcome,
        expand: Expand,
    ) -> Result<Vec<u8>, ServiceError> {
        let mut members: Vec<(&str, Box<RawValue>)> = Vec::new();
        if expand.version.is_none()
            && outcome.may_be_open()
            && let Some(owed) = self.parts.store.follow_up(&row.id).await?
        {
            members.push(("follow_up", raw(&FollowUpView::of(&owed))));
        }
        if expand.evidence {
            members.push(("evidence", outcome.evidence.clone()));
            members.push(("proofs", raw(&self.told_proofs(row, outcome).await?)));
        }
        if expand.comparison {
            members.push(("comparison", outcome.comparison.clone().unwrap_or_else(|| raw(&()))));
        }
        if expand.report || expand.trace {
            let read = read(outcome)?;
            let pack = self.pack_of(row, outcome, &read).await?;
            self.with_matter(&read, pack.as_deref(), |matter| {
                if expand.report {
                    members.push(("report", raw(&judge::tell(View::Caseworker, matter))));
                }
                if expand.trace {
                    members.push(("trace", raw(&judge::trace(matter))));
                }
            });
        }
        let members: Vec<(&str, &RawValue)> = members.iter().map(|(name, value)| (*name, value.as_ref())).collect();
        Ok(with_members(&outcome.answer, &members))
    }

    fn with_matter<T>(&self, read: &Read, pack: Option<&Parameters>, tell: impl FnOnce(&Matter<'_>) -> T) -> T {
        let verdict: Verdict = judge::judge(&read.facts, pack, read.answer.place);
        tell(&Matter {
            catalogue: self.parts.federation.catalogue(),
            facts: &read.facts,
            parameters: pack,
            verdict: &verdict,
            comparison: read.comparison.as_ref(),
        })
    }

    /// A verification of this client with this version of its outcome; with the newest where none is named.
    pub(super) async fn own_version(
        &self,
        client: &Client,
        id: &str,
        version: Option<u32>,
    ) -> Result<VerificationRow, ServiceError> {
        let mut row = self.own(client, id).await?;
        if let Some(version) = version.filter(|version| *version != row.version) {
            let earlier = self.parts.store.earlier_outcome(id, version).await?;
            let none = ServiceError::NoSuchVersion { asked: version, newest: row.version };
            (row.outcome, row.version) = (Some(earlier.ok_or(none)?), version);
        }
        Ok(row)
    }

    /// A verification of this client that has ended, and its outcome; the look is durable before anything is shown.
    async fn ended(
        &self,
        caller: Caller<'_>,
        id: &str,
        version: Option<u32>,
    ) -> Result<(VerificationRow, Outcome), ServiceError> {
        let row = self.own_version(caller.client, id, version).await?;
        let outcome = self.outcome(&row)?.ok_or(ServiceError::NotEnded)?;
        self.log_view(caller, id).await?;
        Ok((row, outcome))
    }

    /// The report on a verification of this client, in one of its views; on the newest version where none is named.
    pub async fn report(
        &self,
        caller: Caller<'_>,
        id: &str,
        version: Option<u32>,
        view: View,
    ) -> Result<Told, ServiceError> {
        let (row, outcome) = self.ended(caller, id, version).await?;
        let read = read(&outcome)?;
        let pack = self.pack_of(&row, &outcome, &read).await?;
        let is_auditor = view == View::Auditor;
        let (report, trace) = self.with_matter(&read, pack.as_deref(), |matter| {
            (judge::tell(view, matter), is_auditor.then(|| raw(&judge::trace(matter))))
        });
        Ok(Told {
            verification: id.to_owned(),
            report,
            comparison: outcome.comparison.filter(|_| view != View::Resident),
            trace,
            evidence: is_auditor.then_some(outcome.evidence),
        })
    }

    /// Judges a verification of this client again, in its newest version or this one, from its kept facts: by the pack it was judged by, and for
    /// `policy_as_of` by the pack in force on that day besides, as a counterfactual.
    pub async fn replay(
        &self,
        caller: Caller<'_>,
        id: &str,
        version: Option<u32>,
        policy_as_of: Option<Date>,
    ) -> Result<Replay, ServiceError> {
        let (row, outcome) = self.ended(caller, id, version).await?;
        let read = read(&outcome)?;
        let in_force = self.pack_in_force(&row, &read, read.facts.assessed_on).ok();
        let pack = match self.pack_of(&row, &outcome, &read).await {
            Ok(pack) => pack,
            // Judged before packs were kept: by the pack in force now, and the replay says so.
            Err(ServiceError::PackChanged) => in_force.clone(),
            Err(error) => return Err(error),
        };
        let then = match policy_as_of {
            None => None,
            Some(day) => Some((day, self.pack_then(&row, &read, day)?)),
        };
        Ok(replay(&Kept {
            verification: id,
            catalogue: self.parts.federation.catalogue(),
            facts: &read.facts,
            place: read.answer.place,
            verdict: &read.answer.verdict,
            engine: outcome.engine.as_deref(),
            pack_digest: outcome.pack_digest.as_deref(),
            pack: pack.as_deref(),
            in_force: in_force.as_deref(),
            then: then.as_ref().map(|(day, pack)| (*day, pack.as_deref())),
        }))
    }

    /// The pack in force on a day; `None` where there is no standard then.
    fn pack_then(
        &self,
        row: &VerificationRow,
        read: &Read,
        day: Date,
    ) -> Result<Option<Arc<Parameters>>, ServiceError> {
        match self.pack_in_force(row, read, day) {
            Ok(pack) => Ok(Some(pack)),
            Err(Unavailable::UnknownPack { name, known }) => Err(ServiceError::NoSuchPackThen(Text::new(
                format!("该地区在 {day} 没有名为 {name} 的政策包；有效的是 {}。", known.join("、")),
                format!(
                    "No pack named {name} is in force for the place on {day}; those in force are {}.",
                    known.join(", ")
                ),
            ))),
            Err(Unavailable::NoParameter { .. } | Unavailable::Unusable { .. }) => Ok(None),
        }
    }
}
