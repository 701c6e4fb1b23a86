//! Double-random samples of the access log (双随机): freeze, dice, draw. `review/sample.rs` draws; here it is made sure
//! that each step is in the log before the next one, and that the manifest is before anybody sees it.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use utoipa::ToSchema;

use super::error::ServiceError;
use super::ids::Ids;
use super::verify::Caller;
use crate::access_log::publish::Publisher;
use crate::access_log::{AccessEvent, Action};
use crate::auth::access::{self, Object, authorise};
use crate::domain::clock::Clock;
use crate::domain::hex::hex;
use crate::domain::problem::{Finding, Text};
use crate::review::entry::Entry;
use crate::review::sample::{Dice, DrawError, Frame, Framing, Manifest, Plan, REVIEWERS, Reviewer, Step, draw};
use crate::store::{Changes, SampleRow, Store, StoreError};
use crate::tlog::Hash;
use crate::tlog::proof::Plan as ProofPlan;

/// Most reviewers of one sample.
const MOST_REVIEWERS: usize = 50;

/// What an officer freezes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// Not before this instant (RFC 3339).
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// Before this instant; not in the future.
    #[schema(value_type = String, format = DateTime)]
    pub to: Timestamp,
    /// So many of a hundred are drawn.
    #[schema(minimum = 1, maximum = 100)]
    pub rate_percent: u64,
    /// At least so many are drawn, where there are so many.
    #[schema(minimum = 1, maximum = 10_000)]
    pub minimum: u64,
    /// Who may be drawn as a reviewer; 2 to 50.
    pub reviewers: Vec<Reviewer>,
    /// How many entries the log must grow by before the seed is known. The second officer types their dice before that.
    #[schema(minimum = 2, maximum = 1_000_000)]
    pub ahead: u64,
    /// 10 to 40 decimal digits that this officer threw.
    #[schema(pattern = "^[0-9]{10,40}$")]
    pub dice: String,
}

/// What the second officer typed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecondDice {
    /// 10 to 40 decimal digits that this officer threw.
    #[schema(pattern = "^[0-9]{10,40}$")]
    pub dice: String,
}

/// How far a sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SampleState {
    /// Waits for the dice of a second officer.
    Frozen,
    /// Waits for the log to reach its size.
    Diced,
    /// Drawn.
    Drawn,
    /// The log reached its size before the second dice were typed: freeze another one.
    Void,
}

/// A sample.
#[derive(Debug, Serialize, ToSchema)]
pub struct SampleView {
    /// Its id.
    pub id: String,
    /// How far it is.
    pub state: SampleState,
    /// What was frozen.
    pub plan: Plan,
    /// The dice that were typed.
    pub dice: Vec<Dice>,
    /// How many entries the signed log has; the seed is known from `plan.tree_size` on.
    pub signed: u64,
    /// What was drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Manifest>,
    /// SHA-256 of the manifest as canonical JSON, as the log has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest_digest: Option<String>,
}

/// Samples.
#[derive(Debug, Serialize, ToSchema)]
pub struct SampleList {
    /// The newest first, without their manifests.
    pub samples: Vec<SampleView>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    plan: Plan,
    dice: Vec<Dice>,
    /// Whether the second dice came too late.
    is_void: bool,
    manifest: Option<Manifest>,
}

/// The use cases of samples.
pub struct Samples {
    store: Store,
    publisher: Arc<Publisher>,
    clock: Arc<dyn Clock>,
    ids: Ids,
    desk: Mutex<()>,
}

impl Samples {
    /// The use cases over these parts.
    pub fn new(store: Store, publisher: Arc<Publisher>, clock: Arc<dyn Clock>, ids: Ids) -> Self {
        Self { store, publisher, clock, ids, desk: Mutex::default() }
    }

    /// Freezes a sample: from here on nobody can choose what will be drawn.
    pub async fn freeze(&self, caller: Caller<'_>, freeze: Freeze) -> Result<SampleView, ServiceError> {
        whole_log(caller)?;
        self.check(&freeze)?;
        let (size, _) = self.store.sequence().head();
        let plan = Plan {
            from: freeze.from,
            minimum: freeze.minimum,
            rate_percent: freeze.rate_percent,
            reviewers: freeze.reviewers,
            to: freeze.to,
            tree_size: size.saturating_add(freeze.ahead),
        };
        let id = self.ids.next("sa");
        let dice = Dice { by: caller.client.id.clone(), digits: freeze.dice };
        let step = Step { dice: Some(dice.digits.clone()), manifest: None, plan: Some(plan.clone()) };
        let kept = Kept { plan, dice: vec![dice], is_void: false, manifest: None };
        self.keep(caller, &id, self.clock.now().as_microsecond(), &kept, Action::SampleFrozen, &step).await?;
        Ok(self.view(id, kept))
    }

    /// Takes the dice of a second officer, as long as the log has not reached the size whose root goes into the seed.
    pub async fn dice(&self, caller: Caller<'_>, id: &str, second: SecondDice) -> Result<SampleView, ServiceError> {
        let _held = self.desk.lock().await;
        let (row, mut kept) = self.own(caller, id).await?;
        check_dice(&second.dice)?;
        if kept.dice.len() != 1 || kept.is_void {
            return Err(ServiceError::SampleState);
        }
        if kept.dice.iter().any(|dice| dice.by == caller.client.id) {
            return Err(ServiceError::FourEyes);
        }
        kept.dice.push(Dice { by: caller.client.id.clone(), digits: second.dice.clone() });
        let step = Step { dice: Some(second.dice), manifest: None, plan: None };
        let event = self.keep(caller, id, row.frozen_at, &kept, Action::SampleDiced, &step).await?;
        let index = self.store.log().entry_of(&event).await?.map_or(u64::MAX, |entry| entry.index);
        // INVARIANT: the root holds both dice, or whoever typed the second could have chosen them by the first.
        if index >= kept.plan.tree_size {
            kept.is_void = true;
            let samples = vec![SampleRow { body: body(&kept)?, ..row }];
            self.store.change(Changes { samples, ..Changes::default() }, Vec::new()).await?;
        }
        Ok(self.view(id.to_owned(), kept))
    }

    /// Draws, once the signed log has reached the size; what is drawn already stays as it is.
    pub async fn draw(&self, caller: Caller<'_>, id: &str) -> Result<SampleView, ServiceError> {
        let _held = self.desk.lock().await;
        let (row, mut kept) = self.own(caller, id).await?;
        if kept.manifest.is_some() {
            self.looked(caller, id).await?;
            return Ok(self.view(id.to_owned(), kept));
        }
        let ([first, second], false) = (kept.dice.as_slice(), kept.is_void) else {
            return Err(ServiceError::SampleState);
        };
        let dice = [first.clone(), second.clone()];
        let signed = self.publisher.head().checkpoint().size;
        if signed < kept.plan.tree_size {
            return Err(ServiceError::SampleTooEarly { signed, needed: kept.plan.tree_size });
        }
        let log = self.store.log();
        let root = log.resolve(&ProofPlan::root(kept.plan.tree_size)).await?;
        let root = root.first().copied().unwrap_or_else(Hash::empty_root).to_string();
        let frame = self.frame(id, &kept.plan).await?;
        let manifest = draw(id, &kept.plan, &root, dice, &frame).map_err(|error| cannot_draw(&error))?;
        let step = Step { dice: None, manifest: Some(manifest.digest()), plan: None };
        kept.manifest = Some(manifest);
        self.keep(caller, id, row.frozen_at, &kept, Action::SampleDrawn, &step).await?;
        Ok(self.view(id.to_owned(), kept))
    }

    /// One sample.
    pub async fn show(&self, caller: Caller<'_>, id: &str) -> Result<SampleView, ServiceError> {
        let (_, kept) = self.own(caller, id).await?;
        self.looked(caller, id).await?;
        Ok(self.view(id.to_owned(), kept))
    }

    /// All samples, the newest first.
    pub async fn list(&self, caller: Caller<'_>) -> Result<SampleList, ServiceError> {
        whole_log(caller)?;
        let rows = self.store.samples().await?;
        self.looked(caller, "").await?;
        let views = rows.into_iter().map(|row| {
            let mut view = self.view(row.id.clone(), read(&row)?);
            view.manifest = None;
            Ok(view)
        });
        Ok(SampleList { samples: views.collect::<Result<_, ServiceError>>()? })
    }

    async fn frame(&self, id: &str, plan: &Plan) -> Result<Frame, ServiceError> {
        let log = self.store.log();
        let mut framing = Framing::new(id, plan.clone());
        // Times follow indexes closely; whoever redoes the draw reads the whole log and would see a difference.
        let mut index = log.index_before(plan.from.as_microsecond()).await?;
        while index < plan.tree_size {
            let rows = log.entries(index).await?;
            let Some(last) = rows.last() else { break };
            index = last.index + 1;
            for row in rows {
                let entry =
                    Entry::read(row.index, &row.body).map_err(|_| StoreError::Corrupt("entry of the access log"))?;
                framing.see(&entry, &hex(Hash::leaf(row.body.as_bytes()).as_bytes()));
            }
            tokio::task::yield_now().await;
        }
        Ok(framing.finish().0)
    }

    async fn own(&self, caller: Caller<'_>, id: &str) -> Result<(SampleRow, Kept), ServiceError> {
        whole_log(caller)?;
        let row = self.store.sample(id).await?.ok_or(ServiceError::NoSample)?;
        let kept = read(&row)?;
        Ok((row, kept))
    }

    /// Makes a step durable with its entry. The entry's id.
    async fn keep(
        &self,
        caller: Caller<'_>,
        id: &str,
        frozen_at: i64,
        kept: &Kept,
        action: Action,
        step: &Step,
    ) -> Result<String, ServiceError> {
        let object = format!("samples/{id}");
        let event_id = self.ids.next("ev");
        let mut event =
            AccessEvent::new(event_id.clone(), self.clock.now(), action, Some(caller.client), caller.request_id);
        event.object = Some(&object);
        event.sample = Some(step);
        let samples = vec![SampleRow { id: id.to_owned(), frozen_at, body: body(kept)? }];
        self.store.change(Changes { samples, ..Changes::default() }, vec![event.to_row()?]).await?;
        Ok(event_id)
    }

    async fn looked(&self, caller: Caller<'_>, id: &str) -> Result<(), StoreError> {
        let object = format!("samples/{id}");
        let event_id = self.ids.next("ev");
        let mut event =
            AccessEvent::new(event_id, self.clock.now(), Action::Viewed, Some(caller.client), caller.request_id);
        event.object = Some(&object);
        self.store.record_events(vec![event.to_row()?]).await
    }

    fn view(&self, id: String, kept: Kept) -> SampleView {
        let (size, _) = self.store.sequence().head();
        let state = match (&kept.manifest, kept.dice.len()) {
            (Some(_), _) => SampleState::Drawn,
            _ if kept.is_void => SampleState::Void,
            (None, 1) if size >= kept.plan.tree_size => SampleState::Void,
            (None, 1) => SampleState::Frozen,
            (None, _) => SampleState::Diced,
        };
        SampleView {
            id,
            state,
            plan: kept.plan,
            dice: kept.dice,
            signed: self.publisher.head().checkpoint().size,
            manifest_digest: kept.manifest.as_ref().map(Manifest::digest),
            manifest: kept.manifest,
        }
    }

    fn check(&self, freeze: &Freeze) -> Result<(), ServiceError> {
        let mut findings = Vec::new();
        let mut fault = |pointer: &str, zh: &str, en: &str| {
            findings.push(Finding { pointer: pointer.to_owned(), code: "invalid_value", detail: Text::new(zh, en) });
        };
        if freeze.from >= freeze.to || freeze.to > self.clock.now() {
            fault("/to", "应晚于 from，且不晚于现在。", "must be after `from` and not in the future.");
        }
        if !(1..=100).contains(&freeze.rate_percent) {
            fault("/rate_percent", "应为 1 到 100。", "must be 1 to 100.");
        }
        if !(1..=10_000).contains(&freeze.minimum) {
            fault("/minimum", "应为 1 到 10000。", "must be 1 to 10,000.");
        }
        if !(2..=1_000_000).contains(&freeze.ahead) {
            fault("/ahead", "应为 2 到 1000000。", "must be 2 to 1,000,000.");
        }
        let ids: BTreeSet<&str> = freeze.reviewers.iter().map(|reviewer| reviewer.id.as_str()).collect();
        let is_text = |text: &str, most: usize| {
            !text.trim().is_empty()
                && text.chars().count() <= most
                && !crate::domain::id_number::IdNumber::is_in(text)
                && !text.chars().any(char::is_control)
        };
        let is_sound = |reviewer: &Reviewer| {
            is_text(&reviewer.id, 200)
                && reviewer.recused_from.len() <= 50
                && reviewer.recused_from.iter().all(|organisation| is_text(organisation, 400))
        };
        let count = freeze.reviewers.len();
        if !(REVIEWERS..=MOST_REVIEWERS).contains(&count)
            || ids.len() != count
            || !freeze.reviewers.iter().all(is_sound)
        {
            fault(
                "/reviewers",
                "应为 2 到 50 名互不相同的审计员，编号和回避单位不得为身份号码。",
                "must be 2 to 50 different officers; neither ids nor organisations hold an identity number.",
            );
        }
        if !findings.is_empty() {
            return Err(ServiceError::Invalid(findings));
        }
        check_dice(&freeze.dice)
    }
}

fn check_dice(digits: &str) -> Result<(), ServiceError> {
    let number = crate::domain::id_number::IdNumber::is_in(digits);
    if (10..=40).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit()) && !number {
        return Ok(());
    }
    let detail = Text::new(
        "应为 10 到 40 位十进制数字，用十面骰投出，且不得含身份号码。",
        "must be 10 to 40 decimal digits, thrown with ten-sided dice, and hold no identity number.",
    );
    Err(ServiceError::Invalid(vec![Finding { pointer: "/dice".to_owned(), code: "invalid_value", detail }]))
}

/// A sample is of the whole log, whose entries are everybody's.
fn whole_log(caller: Caller<'_>) -> Result<(), ServiceError> {
    let decision = authorise(caller.client, access::Action::DrawSamples, &Object::Log);
    if decision.is_permit() { Ok(()) } else { Err(ServiceError::NoSample) }
}

fn cannot_draw(error: &DrawError) -> ServiceError {
    let detail = match error {
        DrawError::Empty => Text::new("该时段内没有可抽的访问记录。", "the period has no accesses."),
        DrawError::Reviewers { index } => Text::new(
            format!("第 {index} 条记录回避后不足两名审查人：请以更多审查人重新冻结。"),
            format!(
                "entry {index} has fewer than two reviewers who need not stand back: freeze another sample with more."
            ),
        ),
    };
    ServiceError::Invalid(vec![Finding { pointer: "/reviewers".to_owned(), code: "cannot_draw", detail }])
}

fn read(row: &SampleRow) -> Result<Kept, ServiceError> {
    serde_json::from_str(&row.body).map_err(|_| StoreError::Corrupt("sample").into())
}

fn body(kept: &Kept) -> Result<String, ServiceError> {
    serde_json::to_string(kept).map_err(|_| StoreError::Corrupt("sample").into())
}
