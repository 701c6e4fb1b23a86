//! Revocations and the hubs of other regions: which were asked under an authorisation, and that each of them is told when it
//! is revoked, however long it is away (`docs/decisions/0069-a-revocation-reaches-the-other-hub.md`).
//!
//! INVARIANT: that a hub is asked under an authorisation is durable before it is asked, and that it is to be told is durable
//! with the revocation. So a hub that is killed in between still tells.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use jiff::{SignedDuration, Timestamp};

use super::Verifications;
use crate::access_log::{AccessEvent, Action};
use crate::domain::actor::Role;
use crate::domain::authorisation::canonical_number;
use crate::domain::division::DivisionCode;
use crate::federation::ask::{DepartmentOutcome, Inquiry};
use crate::federation::plan::Plan;
use crate::federation::revocation::{Told, Untold, Whose};
use crate::store::{AskedHub, Changes, DueRevocation, EventRow, PeerChanges, StoreError};

/// How many tellings one look takes up.
const MOST: u32 = 200;
/// After the first failure it is tried again so soon; each pause is twice the one before, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(10);
/// So long after the revocation it is given up: what a hub remembers is past its freshness by then.
const GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_hours(24 * 30);

impl Verifications {
    /// Asks the departments of a plan. The hubs among them are on record as asked under this authorisation before.
    pub(super) async fn gather(
        &self,
        plan: &Plan,
        inquiry: &Inquiry<'_>,
        each: impl FnMut(&DepartmentOutcome),
    ) -> Result<Vec<DepartmentOutcome>, StoreError> {
        let federation = &self.parts.federation;
        let hubs = federation.hubs_to_ask(plan, inquiry.people);
        if !hubs.is_empty() {
            let asked = hubs.into_iter().map(|hub| AskedHub {
                client_id: inquiry.caller.to_owned(),
                number: canonical_number(&inquiry.authorisation.number),
                hub: hub.to_string(),
                organisation: inquiry.organisation.to_owned(),
                division: inquiry.division.to_string(),
                asked_at: self.parts.clock.now().as_microsecond(),
            });
            let peers = PeerChanges { asked: asked.collect(), ..PeerChanges::default() };
            self.parts.store.change(Changes { peers, ..Changes::default() }, Vec::new()).await?;
        }
        Ok(federation.gather(plan, inquiry, each).await)
    }

    /// Tells every hub what it is due to be told: hubs side by side, one thing after another to each.
    pub async fn tell_of_revocations(&self) -> Result<(), StoreError> {
        let now = self.parts.clock.now();
        let due = self.parts.store.due_revocations(now.as_microsecond(), MOST).await?;
        if !due.is_empty() {
            let mut hubs: Vec<Vec<DueRevocation>> = Vec::new();
            for one in due {
                let of_hub = hubs.iter_mut().find(|all| all.first().is_some_and(|of| of.asked.hub == one.asked.hub));
                match of_hub {
                    Some(all) => all.push(one),
                    None => hubs.push(vec![one]),
                }
            }
            let tellings = hubs.len();
            stream::iter(hubs)
                .for_each_concurrent(tellings, async |due| {
                    if let Err(error) = self.tell_hub(&due, now).await {
                        tracing::error!(%error, "what a hub was told of a revocation could not be made durable; it is told again");
                    }
                })
                .await;
        }
        let left = self.parts.store.count_due_revocations().await?;
        metrics::gauge!("hedui_revocations_to_tell").set(u32::try_from(left).unwrap_or(u32::MAX));
        Ok(())
    }

    /// Tells one hub, until it is clear that it cannot be told more now.
    async fn tell_hub(&self, due: &[DueRevocation], now: Timestamp) -> Result<(), StoreError> {
        for one in due {
            let DueRevocation { asked, revoked_at, attempts } = one;
            let division = DivisionCode::parse(&asked.division).map_err(|_| StoreError::Corrupt("division"))?;
            let whose = Whose { organisation: &asked.organisation, division, number: &asked.number };
            let id = self.parts.ids.next("rv");
            let untold = match self.parts.federation.tell_revoked(&asked.hub, whose, &id).await {
                Ok(answer) => {
                    self.was_told(one, answer.state.as_str(), &id).await?;
                    metrics::counter!("hedui_revocations_told_total", "state" => answer.state.as_str()).increment(1);
                    if answer.state == Told::Revoked {
                        tracing::info!(hub = asked.hub, telling = id, "the hub was told of a revocation");
                    }
                    continue;
                }
                Err(untold) => untold,
            };
            let since = Timestamp::from_microsecond(*revoked_at).map_err(|_| StoreError::Corrupt("time"))?;
            if now.duration_since(since) > GIVEN_UP_AFTER {
                tracing::error!(hub = asked.hub, %untold, "the hub could not be told of a revocation for 30 days; it is told no more");
                self.was_told(one, "given_up", &id).await?;
                metrics::counter!("hedui_revocations_told_total", "state" => "given_up").increment(1);
                continue;
            }
            if *attempts == 0 {
                tracing::warn!(hub = asked.hub, %untold, "the hub could not be told of a revocation; it is told again until it was");
            }
            if self.postpone_telling(one, &untold).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Puts off what could not be told; all of the hub's, where the same would come of it. Says whether it was all.
    async fn postpone_telling(&self, one: &DueRevocation, untold: &Untold) -> Result<bool, StoreError> {
        let now = self.parts.clock.now();
        let later = now.checked_add(pause(one.attempts)).unwrap_or(now).as_microsecond();
        let is_of_the_hub = untold.is_of_the_hub();
        let peers = if is_of_the_hub {
            let all = (one.asked.hub.clone(), now.as_microsecond(), later);
            PeerChanges { postponed_all: Some(all), ..PeerChanges::default() }
        } else {
            PeerChanges { postponed: Some((one.asked.clone(), later)), ..PeerChanges::default() }
        };
        self.parts.store.change(Changes { peers, ..Changes::default() }, Vec::new()).await?;
        Ok(is_of_the_hub)
    }

    /// Records how the telling of a hub ended.
    async fn was_told(&self, one: &DueRevocation, state: &str, id: &str) -> Result<(), StoreError> {
        let event = self.told_event(&one.asked, state, id)?;
        let peers = PeerChanges { told: Some(one.asked.clone()), ..PeerChanges::default() };
        self.parts.store.change(Changes { peers, ..Changes::default() }, vec![event]).await
    }

    fn told_event(&self, asked: &AskedHub, state: &str, id: &str) -> Result<EventRow, StoreError> {
        let (event_id, at, request_id) = (self.parts.ids.next("ev"), self.parts.clock.now(), self.parts.ids.next("rq"));
        let mut event = AccessEvent::new(event_id, at, Action::RevocationTold, None, &request_id);
        // The hub, and the id of the telling, which stands in that hub's own log.
        let (object, objects) = (format!("hub/{}", asked.hub), [format!("revocation/{id}")]);
        (event.role, event.object, event.objects) = (Some(Role::System), Some(object.as_str()), &objects);
        (event.authorisation, event.organisation) = (Some(asked.number.as_str()), Some(asked.organisation.as_str()));
        (event.division, event.state) = (DivisionCode::parse(&asked.division).ok(), Some(state));
        event.to_row()
    }
}

/// How long to wait after so many failures before this one.
fn pause(attempts: u32) -> SignedDuration {
    let pause = FIRST_PAUSE.saturating_mul(1 << attempts.min(20)).min(LONGEST_PAUSE);
    SignedDuration::try_from(pause).unwrap_or(SignedDuration::from_mins(10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_that_is_away_is_told_ever_more_rarely_and_no_more_rarely_than_that() {
        let mut before = SignedDuration::ZERO;
        for attempts in 0..12 {
            let next = pause(attempts);
            assert!(next > before || next == SignedDuration::from_mins(10), "{attempts}: {next}");
            before = next;
        }
        assert_eq!((pause(0), pause(u32::MAX)), (SignedDuration::from_secs(1), SignedDuration::from_mins(10)));
    }
}
