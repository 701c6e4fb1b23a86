//! The life of an adapter: its states, the moves between them, and who must agree to a move. Pure.
//!
//! `draft → sandbox → shadow → live ⇄ draining ⇄ suspended`, and `removed` at the end. Only a live adapter's answers count
//! and only a live or a shadow one is asked anything real.

use serde::{Deserialize, Serialize};

use super::problem::Text;

/// Where an adapter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdapterState {
    /// Registered by its department; nobody of the hub has looked at it.
    Draft,
    /// Accepted for trials with synthetic people.
    Sandbox,
    /// Asked a share of what the live adapter of its department is asked; its answers are compared and never used.
    Shadow,
    /// Asked, and its answers count.
    Live,
    /// Takes no new questions; those under way are answered.
    Draining,
    /// Not asked; callers are told its notice.
    Suspended,
    /// Gone for good; its record stays.
    Removed,
}

/// A step of an adapter's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Move {
    /// Let it be tried with synthetic people.
    Accept,
    /// Let it be asked a share of real questions, beside the live one.
    Shadow,
    /// End that, without going live.
    Withdraw,
    /// Let its answers count.
    GoLive,
    /// Give it no new questions.
    Drain,
    /// What was under way is done: the hub's own step.
    Drained,
    /// Ask it nothing any more, at once.
    Suspend,
    /// Let it be asked again.
    Resume,
    /// Its answers are not what they used to be: the hub's own step.
    Demote,
    /// In the place of one that was demoted: the hub's own step, to what two persons had agreed to.
    StandIn,
    /// Its answers are what they used to be: the hub's own step.
    Return,
    /// Take it away for good.
    Remove,
}

/// A move that does not begin where the adapter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an adapter that is `{}` cannot {}: {}", from.as_str(), by.en(), from.ways_on().en)]
pub struct IllegalMove {
    /// Where it stands.
    pub from: AdapterState,
    /// What was asked for.
    pub by: Move,
}

impl AdapterState {
    /// Every state.
    pub const ALL: [Self; 7] =
        [Self::Draft, Self::Sandbox, Self::Shadow, Self::Live, Self::Draining, Self::Suspended, Self::Removed];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Sandbox => "sandbox",
            Self::Shadow => "shadow",
            Self::Live => "live",
            Self::Draining => "draining",
            Self::Suspended => "suspended",
            Self::Removed => "removed",
        }
    }

    /// The name for people who read Chinese.
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Draft => "待接收",
            Self::Sandbox => "沙箱",
            Self::Shadow => "影子运行",
            Self::Live => "在用",
            Self::Draining => "排空中",
            Self::Suspended => "已暂停",
            Self::Removed => "已移除",
        }
    }

    /// Where a move leads from here.
    pub const fn after(self, by: Move) -> Result<Self, IllegalMove> {
        match (self, by) {
            (Self::Draft, Move::Accept) | (Self::Shadow, Move::Withdraw) => Ok(Self::Sandbox),
            (Self::Sandbox, Move::Shadow) => Ok(Self::Shadow),
            (Self::Shadow, Move::GoLive)
            | (Self::Draining | Self::Suspended, Move::Resume | Move::StandIn)
            | (Self::Suspended, Move::Return) => Ok(Self::Live),
            (Self::Live, Move::Drain) => Ok(Self::Draining),
            (Self::Draining, Move::Drained)
            | (Self::Live, Move::Demote)
            // One that is suspended already gets another notice, and does not return by itself.
            | (Self::Live | Self::Draining | Self::Suspended, Move::Suspend) => Ok(Self::Suspended),
            (Self::Draft | Self::Sandbox | Self::Shadow | Self::Suspended, Move::Remove) => Ok(Self::Removed),
            (from, by) => Err(IllegalMove { from, by }),
        }
    }

    /// What may be done with an adapter in this state, for whoever asked for something else.
    fn ways_on(self) -> Text {
        let ways = || Move::ALL.into_iter().filter(|by| !by.is_own() && self.after(*by).is_ok());
        if ways().next().is_none() {
            return Text::new("须另行登记", "register another one");
        }
        let zh: Vec<String> = ways().map(|by| format!("{}（{}）", by.zh(), by.asked_as())).collect();
        let en: Vec<String> = ways().map(|by| format!("{} ({})", by.en(), by.asked_as())).collect();
        Text::new(format!("现可{}", zh.join("、")), format!("from there it can {}", en.join(" or ")))
    }

    /// Whether an adapter in this state is asked about real people.
    pub const fn is_asked(self) -> bool {
        matches!(self, Self::Live | Self::Shadow | Self::Draining)
    }

    /// Whether it was live before and stands for its department where no other does: callers are told its notice.
    pub const fn is_paused(self) -> bool {
        matches!(self, Self::Draining | Self::Suspended)
    }
}

impl IllegalMove {
    /// The same in both languages.
    pub fn text(self) -> Text {
        let (from, by) = (self.from.zh(), self.by.zh());
        let zh = format!("该适配器处于「{from}」，不能{by}：{}。", self.from.ways_on().zh);
        Text::new(zh, format!("{self}."))
    }
}

impl Move {
    /// Every move.
    pub const ALL: [Self; 12] = [
        Self::Accept,
        Self::Shadow,
        Self::Withdraw,
        Self::GoLive,
        Self::Drain,
        Self::Drained,
        Self::Suspend,
        Self::Resume,
        Self::Demote,
        Self::StandIn,
        Self::Return,
        Self::Remove,
    ];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Shadow => "shadow",
            Self::Withdraw => "withdraw",
            Self::GoLive => "go_live",
            Self::Drain => "drain",
            Self::Drained => "drained",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Demote => "demote",
            Self::StandIn => "stand_in",
            Self::Return => "return",
            Self::Remove => "remove",
        }
    }

    /// The name for people who read Chinese.
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Accept => "接收到沙箱",
            Self::Shadow => "转入影子运行",
            Self::Withdraw => "结束影子运行",
            Self::GoLive => "上线",
            Self::Drain => "排空",
            Self::Drained => "完成排空",
            Self::Suspend => "暂停",
            Self::Resume => "恢复",
            Self::Demote => "降级",
            Self::StandIn => "顶替",
            Self::Return => "复位",
            Self::Remove => "移除",
        }
    }

    /// What it does to an adapter, in English, after "can" or "cannot".
    const fn en(self) -> &'static str {
        match self {
            Self::Accept => "be accepted into the sandbox",
            Self::Shadow => "go into shadow",
            Self::Withdraw => "leave the shadow",
            Self::GoLive => "go live",
            Self::Drain => "be drained",
            Self::Drained => "end its draining",
            Self::Suspend => "be suspended",
            Self::Resume => "be resumed",
            Self::Demote => "be demoted",
            Self::StandIn => "stand in for another",
            Self::Return => "return by itself",
            Self::Remove => "be removed",
        }
    }

    /// What an operator writes for it: the name on the wire, and where `hedui adapter` has another word that too.
    const fn asked_as(self) -> &'static str {
        match self {
            Self::Accept => "accept / promote ID sandbox",
            Self::Shadow => "shadow / promote ID shadow",
            Self::GoLive => "go_live / promote ID live",
            other => other.as_str(),
        }
    }

    /// Whether two persons must agree, whatever the settings say: from then on real people are asked about at an address
    /// that somebody registered.
    pub const fn needs_two_persons(self) -> bool {
        matches!(self, Self::Shadow | Self::GoLive)
    }

    /// Whether a conformance report must be on record.
    pub const fn needs_report(self) -> bool {
        matches!(self, Self::Shadow | Self::GoLive)
    }

    /// Whether it is the hub's own, and nobody may ask for it.
    pub const fn is_own(self) -> bool {
        matches!(self, Self::Drained | Self::Demote | Self::StandIn | Self::Return)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moves() -> impl Strategy<Value = Vec<Move>> {
        proptest::collection::vec(proptest::sample::select(Move::ALL.to_vec()), 0..40)
    }

    proptest! {
        /// Whatever is asked for in whatever order: nobody is asked about real people before two persons agreed to it, an
        /// adapter goes live by way of sandbox and shadow alone, and what was removed stays so.
        #[test]
        fn no_order_of_moves_leads_past_the_two_persons(moves in moves()) {
            let mut state = AdapterState::Draft;
            let (mut agreed, mut was) = (false, vec![state]);
            for by in moves {
                match state.after(by) {
                    Ok(next) => {
                        agreed |= by.needs_two_persons();
                        prop_assert!(by.needs_two_persons() <= by.needs_report());
                        if next == AdapterState::Live && !was.contains(&AdapterState::Live) {
                            prop_assert!(was.contains(&AdapterState::Sandbox) && was.contains(&AdapterState::Shadow));
                        }
                        state = next;
                    }
                    Err(illegal) => prop_assert_eq!(illegal, IllegalMove { from: state, by }),
                }
                prop_assert!(!state.is_asked() || agreed, "{state:?} was reached by nobody's leave");
                prop_assert!(!state.is_paused() || was.contains(&AdapterState::Live));
                prop_assert!(!was.contains(&AdapterState::Removed) || state == AdapterState::Removed);
                was.push(state);
            }
        }
    }

    #[test]
    fn every_state_can_be_reached_and_only_removal_is_an_end() {
        let mut reached = vec![AdapterState::Draft];
        let mut next = 0;
        while let Some(from) = reached.get(next).copied() {
            let to: Vec<AdapterState> = Move::ALL.into_iter().filter_map(|by| from.after(by).ok()).collect();
            assert_eq!(to.is_empty(), from == AdapterState::Removed, "{from:?}");
            for state in to {
                if !reached.contains(&state) {
                    reached.push(state);
                }
            }
            next += 1;
        }
        assert_eq!(reached.len(), AdapterState::ALL.len());
    }

    #[test]
    fn p12_who_asks_for_what_cannot_be_is_told_what_can_in_both_languages() {
        let told = AdapterState::Draft.after(Move::GoLive).unwrap_err().text();
        assert_eq!(
            told.zh,
            "该适配器处于「待接收」，不能上线：现可接收到沙箱（accept / promote ID sandbox）、移除（remove）。"
        );
        assert_eq!(
            told.en,
            "an adapter that is `draft` cannot go live: from there it can be accepted into the sandbox (accept / promote ID sandbox) or be removed (remove)."
        );
        let gone = AdapterState::Removed.after(Move::Resume).unwrap_err().text();
        assert!(gone.zh.ends_with("须另行登记。") && gone.en.ends_with("register another one."), "{gone:?}");
        let draining = AdapterState::Draining.after(Move::GoLive).unwrap_err().text();
        assert!(!draining.en.contains("drained"), "that step is the hub's own: {}", draining.en);
    }

    #[test]
    fn stopping_needs_nobody_else() {
        for by in [Move::Drain, Move::Suspend, Move::Withdraw, Move::Remove] {
            assert!(!by.needs_two_persons() && !by.needs_report(), "{by:?}");
        }
    }
}
