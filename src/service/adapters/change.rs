//! One change of the registry: what is asked, what it makes of the records, and why it is refused. Pure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::conformance::{Conformance, ReportFault};
use super::demoting::{self, Demotion};
use super::own::Beyond;
use super::record::{AdapterRecord, AsEntered, StepTaken};
use crate::domain::adapter::{AdapterState, IllegalMove, Move};
use crate::domain::agreement::{Agreement, AgreementFault, is_notice};
use crate::domain::dataset::DepartmentId;
use crate::domain::id_number::IdNumber;
use crate::domain::problem::Text;

/// A change of the registry.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// Lets a department register an adapter, once.
    Invite {
        /// The department.
        department: DepartmentId,
        /// SHA-256 of the code, hexadecimal: the code itself is told to the department and kept nowhere.
        digest: String,
        /// Until when.
        expires_at: Timestamp,
    },
    /// Brings an adapter to another state.
    Move {
        /// The adapter.
        id: String,
        /// How.
        by: Move,
        /// What callers are told while it is not asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        notice: Option<Text>,
        /// The conformance report it is let on with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        conformance: Option<Conformance>,
        /// The adapter as it stood when the change was entered, where others must agree: what they sign is what goes on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        about: Option<Box<AsEntered>>,
    },
    /// Asks an adapter no more whose answers are not what they used to be: the hub's own.
    Demote {
        /// The adapter.
        id: String,
        /// Why, and who stands in.
        demotion: Box<Demotion>,
    },
    /// Asks it again: the hub's own.
    Return {
        /// The adapter.
        id: String,
    },
    /// Puts other terms in force.
    Agree {
        /// The adapter.
        id: String,
        /// What its department agreed to.
        agreement: Agreement,
    },
}

/// Why a change of the registry is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdapterFault {
    /// No adapter of this id.
    #[error("there is no such adapter; `hedui adapter list` shows them")]
    Unknown,
    /// It stands in the configuration file.
    #[error("this adapter is named in the hub's configuration: change it there")]
    ByFile,
    /// The move does not begin where it stands.
    #[error("{0}")]
    Illegal(#[from] IllegalMove),
    /// Another version of the department is in this state.
    #[error("`{other}` of this department is {} already: {}", state.as_str(), way_out(*state).en)]
    Other {
        /// The other one.
        other: String,
        /// The state.
        state: AdapterState,
    },
    /// The conformance report.
    #[error("{0}")]
    Report(#[from] ReportFault),
    /// Nobody could agree.
    #[error(
        "two administrators must agree to this, and fewer are registered: hedui client create ID --role administrator --organisation NAME --division CODE --key FILE"
    )]
    NobodyToAgree,
    /// No notice, or one that cannot be shown.
    #[error(
        "say in Chinese and in English what callers are to be told, 1 to 600 bytes each, without an identity number"
    )]
    Notice,
    /// The terms.
    #[error("{0}")]
    Agreement(#[from] AgreementFault),
    /// Address, keys, datasets or terms are not those that were agreed to.
    #[error(
        "address, keys, datasets or terms of this adapter were changed after this was entered: enter it again, so that others agree to what stands now"
    )]
    ChangedSince,
    /// The hub has not seen it hold for long enough.
    #[error("{}", .0.en.trim_end_matches('.'))]
    NotSustained(Text),
    /// More than the department may do alone.
    #[error("{0}")]
    Beyond(#[from] Beyond),
    /// This hub takes no registrations.
    #[error("this hub takes no registrations: add [registry] to its configuration (config/hedui.example.toml)")]
    Closed,
    /// No such department.
    #[error("there is no such department in the catalogue; `GET /v1/catalogue` lists them")]
    Department,
    /// The digest or the time of an invitation.
    #[error("an invitation is good for a minute to thirty days, and its digest has 64 hexadecimal digits")]
    Invitation,
}

/// Longest time an invitation may be good.
const LONGEST_INVITATION_SECONDS: i64 = 30 * 86_400;

/// How to make room in a state that one version of a department alone may be in.
fn way_out(state: AdapterState) -> Text {
    if state == AdapterState::Shadow {
        return Text::new("请先结束其影子运行（withdraw）", "end its shadow first (withdraw)");
    }
    Text::new("请先将其排空或暂停（drain、suspend）", "drain or suspend it first (drain, suspend)")
}

impl AdapterFault {
    /// Stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "not_found",
            Self::ByFile => "by_file",
            Self::Illegal(_) => "illegal_move",
            Self::Other { .. } => "another_adapter",
            Self::Report(fault) => fault.code(),
            Self::NobodyToAgree => "nobody_to_agree",
            Self::Notice => "invalid_notice",
            Self::Agreement(_) => "invalid_agreement",
            Self::ChangedSince => "changed_since",
            Self::NotSustained(_) => "not_sustained",
            Self::Beyond(beyond) => beyond.code(),
            Self::Closed => "no_registrations",
            Self::Department => "unknown_department",
            Self::Invitation => "invalid_invitation",
        }
    }

    /// The fault in both languages.
    pub fn text(&self) -> Text {
        let zh = match self {
            Self::Unknown => "没有这个适配器；hedui adapter list 可列出全部。".to_owned(),
            Self::ByFile => "该适配器写在平台配置文件中，请在那里修改。".to_owned(),
            Self::Illegal(illegal) => return illegal.text(),
            Self::Other { other, state } => {
                format!("该部门的 {other} 已处于「{}」；{}。", state.zh(), way_out(*state).zh)
            }
            Self::Report(fault) => return fault.text(),
            Self::NobodyToAgree => {
                "此项须两名授权管理人员批准，而登记的不足两名：hedui client create 编号 --role administrator --organisation 名称 --division 区划代码 --key 公钥文件。".to_owned()
            }
            Self::Notice => "请用中英文写明对调用方的告知，各 1 到 600 字节，不得含身份号码。".to_owned(),
            Self::Agreement(fault) => return fault.text(),
            Self::ChangedSince => {
                "该适配器的地址、公钥、数据集或约定在本变更录入之后有改动；请重新录入，使批准人批准现行内容。".to_owned()
            }
            Self::NotSustained(told) => return told.clone(),
            Self::Beyond(beyond) => return beyond.text(),
            Self::Closed => "本平台未开放登记：请在配置中加入 [registry]（见 config/hedui.example.toml）。".to_owned(),
            Self::Department => "目录中没有这个部门；GET /v1/catalogue 可列出全部。".to_owned(),
            Self::Invitation => "邀请的有效期为一分钟到三十天，摘要为 64 位十六进制数字。".to_owned(),
        };
        Text::new(zh, format!("{self}."))
    }
}

impl Change {
    /// Whether one person alone cannot make it where changes need two persons. What only takes an adapter away is made at
    /// once.
    pub const fn needs_two_persons(&self) -> bool {
        match self {
            Self::Move { by, .. } => by.needs_two_persons(),
            Self::Agree { .. } => true,
            Self::Invite { .. } | Self::Demote { .. } | Self::Return { .. } => false,
        }
    }

    /// Whether it needs two persons whatever the settings say.
    pub const fn always_needs_two(&self) -> bool {
        matches!(self, Self::Move { by, .. } if by.needs_two_persons())
    }

    /// The adapter it is about; none of an invitation.
    pub(super) fn adapter(&self) -> Option<&str> {
        match self {
            Self::Invite { .. } => None,
            Self::Move { id, .. } | Self::Demote { id, .. } | Self::Return { id } | Self::Agree { id, .. } => Some(id),
        }
    }

    /// Why the hub demotes, where it does.
    pub(super) fn demotion(&self) -> Option<&Demotion> {
        match self {
            Self::Demote { demotion, .. } => Some(demotion),
            _ => None,
        }
    }

    /// What it changes, in a word for the log.
    pub fn told(&self) -> String {
        match self {
            Self::Invite { department, .. } => format!("adapter/{department}/invite"),
            Self::Move { id, by, .. } => format!("adapter/{id}/{}", by.as_str()),
            Self::Agree { id, .. } => format!("adapter/{id}/agree"),
            Self::Demote { id, .. } => format!("adapter/{id}/demote"),
            Self::Return { id } => format!("adapter/{id}/return"),
        }
    }
}

/// What a move or other terms make of the records: those that change, the one asked for first.
pub(super) fn applied(
    records: &[AdapterRecord],
    change: &Change,
    level: u8,
    step: impl Fn(Option<Move>, AdapterState) -> StepTaken,
) -> Result<Vec<AdapterRecord>, AdapterFault> {
    let (id, by) = match change {
        Change::Move { id, by, .. } => (id, Some(*by)),
        Change::Agree { id, .. } => (id, None),
        Change::Demote { .. } | Change::Return { .. } => return demoting::applied(records, change, step),
        Change::Invite { .. } => return Ok(Vec::new()),
    };
    let Some(record) = records.iter().find(|record| record.id == *id) else {
        return Err(if id.ends_with("-file") { AdapterFault::ByFile } else { AdapterFault::Unknown });
    };
    let mut next = record.clone();
    let mut changed = Vec::with_capacity(2);
    match change {
        Change::Agree { agreement, .. } => {
            agreement.check()?;
            if record.state == AdapterState::Removed {
                return Err(AdapterFault::Unknown);
            }
            next.agree(agreement, step(None, record.state));
        }
        Change::Move { by, notice, conformance, about, .. } => {
            if about.as_ref().is_some_and(|about| **about != AsEntered::of(record)) {
                return Err(AdapterFault::ChangedSince);
            }
            let state = record.state.after(*by)?;
            let in_the_way = |state: AdapterState| {
                let mut others =
                    records.iter().filter(|other| other.department == record.department && other.id != *id);
                others.find(|other| other.state == state)
            };
            let other = in_the_way(state);
            match (state, other, *by) {
                // Another version takes the place of the live one, which ends what it has begun.
                (AdapterState::Live, Some(former), Move::GoLive) => {
                    let mut former = former.clone();
                    let drained = former.state.after(Move::Drain)?;
                    former.notice = None;
                    former.took(step(Some(Move::Drain), drained));
                    changed.push(former);
                }
                (AdapterState::Live | AdapterState::Shadow, Some(other), _) => {
                    return Err(AdapterFault::Other { other: other.id.clone(), state });
                }
                _ => {}
            }
            if let Some(conformance) = conformance {
                next.conformance = Some(conformance.clone());
            }
            if by.needs_report() {
                let report = next.conformance.as_ref().ok_or(ReportFault::Missing)?;
                report.fault(record, level).map_or(Ok(()), Err)?;
            }
            match notice {
                Some(notice) if !is_notice(notice) || holds_number(notice) => return Err(AdapterFault::Notice),
                None if *by == Move::Suspend => return Err(AdapterFault::Notice),
                Some(notice) => next.notice = Some(notice.clone()),
                None if !state.is_paused() => next.notice = None,
                None => {}
            }
            if by.needs_two_persons() {
                // The terms in force are what both agreed to.
                next.agreed = None;
            }
            let taken = step(Some(*by), state);
            // Whoever decides about it decides for the hub.
            next.end_demotion(taken.at);
            next.took(taken);
        }
        Change::Invite { .. } | Change::Demote { .. } | Change::Return { .. } => {}
    }
    debug_assert!(by.is_none_or(|by| !by.is_own()) || next.state == AdapterState::Suspended);
    changed.insert(0, next);
    Ok(changed)
}

/// Whether an invitation can be made.
pub(super) fn invitation_fault(digest: &str, expires_at: Timestamp, now: Timestamp) -> Option<AdapterFault> {
    let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    let seconds = expires_at.duration_since(now).as_secs();
    // A minute less than asked for may be left when it is made.
    let is_good = is_digest && (30..=LONGEST_INVITATION_SECONDS).contains(&seconds);
    (!is_good).then_some(AdapterFault::Invitation)
}

fn holds_number(notice: &Text) -> bool {
    IdNumber::is_in(&notice.zh) || IdNumber::is_in(&notice.en)
}

#[cfg(test)]
pub(super) mod tests;
