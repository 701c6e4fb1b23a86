//! Telling households afterwards that they were looked up in an emergency (个人信息保护法 第十八条: 紧急情况消除后及时告知).
//!
//! Departments are asked without every member's signature only for emergency relief. That the household is owed a notice is
//! durable with the verification; it stays owed, and the verification is kept, until somebody records that it was given.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::error::ServiceError;
use super::super::request::not_json;
use super::{Caller, Verifications};
use crate::access_log::{AccessEvent, Action};
use crate::auth::access::{self, Object, authorise};
use crate::domain::division::DivisionCode;
use crate::domain::problem::{Finding, Text};
use crate::domain::unique::given_twice;
use crate::store::{GivenNotice, NoticeQuery, NoticeRow, StoreError};

/// Most notices of one answer.
const MAX_LISTED: u32 = 200;

/// How a household was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NoticeChannel {
    /// Face to face.
    InPerson,
    /// By telephone.
    Phone,
    /// By letter.
    Post,
    /// By message, or on a page of theirs.
    Electronic,
}

impl NoticeChannel {
    const fn as_str(self) -> &'static str {
        match self {
            Self::InPerson => "IN_PERSON",
            Self::Phone => "PHONE",
            Self::Post => "POST",
            Self::Electronic => "ELECTRONIC",
        }
    }
}

/// That a household was told.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticeDocument {
    /// When it was told, UTC: not before the verification and not in the future.
    #[schema(value_type = String, format = DateTime)]
    given_at: Timestamp,
    /// How.
    channel: NoticeChannel,
}

/// The notice that a household is or was owed. It names no person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct HouseholdNotice {
    /// The verification.
    pub verification: String,
    /// The client that asked for it.
    pub client: String,
    /// The division of the application.
    pub division: DivisionCode,
    /// When the verification was accepted, UTC.
    #[schema(value_type = String, format = DateTime)]
    pub opened_at: Timestamp,
    /// Until when the household is to be told, UTC.
    #[schema(value_type = String, format = DateTime)]
    pub due_at: Timestamp,
    /// Whether it was told: `owed`, `overdue` or `given`.
    pub status: &'static str,
    /// When it was told, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub given_at: Option<Timestamp>,
    /// How.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
}

/// The notices that are owed.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwedNotices {
    /// Those due first first, at most 200.
    pub notices: Vec<HouseholdNotice>,
}

impl Verifications {
    /// Until when the household of a verification that was accepted then is to be told.
    pub(super) fn notice_due_at(&self, opened_at: Timestamp) -> Timestamp {
        let within = SignedDuration::try_from(self.parts.notice_within).unwrap_or(SignedDuration::MAX);
        opened_at.saturating_add(within).unwrap_or(Timestamp::MAX)
    }

    /// Records that the household of an own verification was told. The first notice stands; said again, it is shown.
    pub async fn give_notice(
        &self,
        caller: Caller<'_>,
        id: &str,
        body: &[u8],
    ) -> Result<HouseholdNotice, ServiceError> {
        let row = self.parts.store.verification(id).await?.ok_or(ServiceError::NotFound)?;
        let object = Object::Verification { client: &row.client_id, division: row.division };
        authorise(caller.client, access::Action::GiveNotice, &object).check()?;
        let document = parse(body)?;
        let owed = self.parts.store.household_notice(id).await?.ok_or(ServiceError::NoNoticeOwed)?;
        let now = self.parts.clock.now();
        let opened_at = time(owed.opened_at)?;
        if document.given_at < opened_at || document.given_at > now {
            return Err(ServiceError::Invalid(vec![Finding {
                pointer: "/given_at".to_owned(),
                code: "date_out_of_range",
                detail: Text::new(
                    "告知时间不得早于核对受理，也不得晚于现在。",
                    "a notice is given after the verification was accepted, and not in the future.",
                ),
            }]));
        }
        if owed.given.is_some() {
            self.log_view(caller, id).await?;
            return view(owed, now);
        }
        let given = GivenNotice {
            at: document.given_at.as_microsecond(),
            by: caller.client.id.clone(),
            channel: document.channel.as_str().to_owned(),
        };
        let told = format!("household-notice/{}/{}", given.channel, document.given_at);
        let row = NoticeRow { given: Some(given), ..owed };
        let event_id = self.parts.ids.next("ev");
        let mut event =
            AccessEvent::new(event_id, now, Action::HouseholdNotified, Some(caller.client), caller.request_id);
        (event.division, event.object, event.verification) = (Some(row.division), Some(told.as_str()), Some(id));
        event.exemption = Some("emergency");
        self.parts.store.give_notice(row.clone(), vec![event.to_row()?]).await?;
        view(row, now)
    }

    /// The notices that are owed in an officer's division; with `overdue` only those that are late.
    pub async fn owed_notices(&self, caller: Caller<'_>, overdue: bool) -> Result<OwedNotices, ServiceError> {
        let now = self.parts.clock.now();
        let division = caller.client.division;
        let query = NoticeQuery {
            division_prefix: (division != DivisionCode::NATION).then(|| division.significant().to_owned()),
            due_before: overdue.then(|| now.as_microsecond()),
            ..NoticeQuery::default()
        };
        let rows = self.parts.store.owed_notices(&query, MAX_LISTED).await?;
        let (id, client) = (self.parts.ids.next("ev"), Some(caller.client));
        let mut event = AccessEvent::new(id, now, Action::Viewed, client, caller.request_id);
        event.object = Some(if overdue { "household-notices/overdue" } else { "household-notices" });
        self.parts.store.record_events(vec![event.to_row()?]).await?;
        let may_see = |row: &NoticeRow| {
            let object = Object::Entry { division: Some(row.division) };
            authorise(caller.client, access::Action::ReviewNotices, &object).is_permit()
        };
        let notices = rows.into_iter().filter(may_see).map(|row| view(row, now)).collect::<Result<_, _>>()?;
        Ok(OwedNotices { notices })
    }

    /// Tells whoever watches the hub how many households are still to be told.
    pub async fn measure_owed_notices(&self) -> Result<(), StoreError> {
        let (owed, overdue) = self.parts.store.count_owed_notices(self.parts.clock.now().as_microsecond()).await?;
        #[expect(clippy::cast_precision_loss, reason = "a metric")]
        for (name, count) in [("hedui_household_notices_owed", owed), ("hedui_household_notices_overdue", overdue)] {
            metrics::gauge!(name).set(count as f64);
        }
        Ok(())
    }
}

fn parse(body: &[u8]) -> Result<NoticeDocument, ServiceError> {
    let wrong = |finding| ServiceError::Invalid(vec![finding]);
    serde_json::from_slice(body).map_err(|_| match (serde_json::from_slice::<serde_json::Value>(body), given_twice(body)) {
        (Err(error), _) => wrong(not_json(&error)),
        (Ok(_), Some(finding)) => wrong(finding),
        (Ok(_), None) => wrong(Finding {
            pointer: String::new(),
            code: "invalid_value",
            detail: Text::new(
                "应为 {\"given_at\": \"2026-03-02T08:00:00Z\", \"channel\": \"IN_PERSON\"}；channel 为 IN_PERSON、PHONE、POST 或 ELECTRONIC，不得有其他成员。",
                "must be {\"given_at\": \"2026-03-02T08:00:00Z\", \"channel\": \"IN_PERSON\"}, where the channel is IN_PERSON, PHONE, POST or ELECTRONIC, and nothing else.",
            ),
        }),
    })
}

fn time(at: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(at).map_err(|_| StoreError::Corrupt("time"))
}

fn view(row: NoticeRow, now: Timestamp) -> Result<HouseholdNotice, ServiceError> {
    let due_at = time(row.due_at)?;
    let status = match &row.given {
        Some(_) => "given",
        None if due_at < now => "overdue",
        None => "owed",
    };
    let given_at = row.given.as_ref().map(|given| time(given.at)).transpose()?;
    Ok(HouseholdNotice {
        verification: row.verification_id,
        client: row.client_id,
        division: row.division,
        opened_at: time(row.opened_at)?,
        due_at,
        status,
        given_at,
        channel: row.given.map(|given| given.channel),
    })
}
