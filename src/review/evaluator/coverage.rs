//! What the rules could not be asked, and why: a rule whose data is absent says so.

use serde::Serialize;

use super::super::entry::{Entry, Kind};
use super::super::people::People;
use super::super::rules::{RuleId, Rules};
use crate::domain::problem::Text;

/// What was seen of what the rules need.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Entries.
    pub entries: u64,
    /// Questions about households.
    pub accesses: u64,
    /// Of these, with the person who asks.
    pub with_operator: u64,
    /// With a case.
    pub with_case: u64,
    /// With an address.
    pub with_address: u64,
    /// With a workstation.
    pub with_workstation: u64,
    /// What became of cases.
    pub case_actions: u64,
    /// What was done with alerts.
    pub alert_changes: u64,
}

/// A rule that was not evaluated, or not wholly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotEvaluated {
    /// The rule.
    pub rule: RuleId,
    /// Whether some of it was.
    pub is_partly: bool,
    /// Why.
    pub why: Text,
}

impl Coverage {
    /// Counts an entry.
    pub(super) fn see(&mut self, entry: &Entry) {
        self.entries += 1;
        let context = &entry.event.context;
        match entry.event.action {
            Kind::Granted => {
                self.accesses += 1;
                self.with_operator += u64::from(context.operator.is_some());
                self.with_case += u64::from(context.case.is_some());
                self.with_address += u64::from(context.address.is_some());
                self.with_workstation += u64::from(context.workstation.is_some());
            }
            Kind::CaseActed => self.case_actions += 1,
            Kind::AlertChanged => self.alert_changes += 1,
            _ => {}
        }
    }

    /// Which rules could not be asked, and why.
    pub(super) fn not_evaluated(&self, rules: &Rules, people: &People) -> Vec<NotEvaluated> {
        let (staff, with_address, watched) = people.counts();
        let mut told = Vec::new();
        let mut tell = |rule, is_partly, zh: &str, en: &str| {
            told.push(NotEvaluated { rule, is_partly, why: Text::new(zh, en) });
        };
        for rule in RuleId::ALL {
            if !rules.is_on(rule) {
                tell(rule, false, "规则已关闭。", "the rule is off.");
            }
        }
        let no_staff = ("没有提供工作人员名单（[review] staff）。", "no staff list was given ([review] staff).");
        let (no_operator_zh, no_operator_en) =
            ("没有一条查询注明操作员（context.operator）。", "no request names its operator (context.operator).");
        let is_silent = |seen: u64| self.accesses > 0 && seen == 0;
        if staff == 0 {
            for rule in [RuleId::R2, RuleId::R3, RuleId::R4] {
                tell(rule, false, no_staff.0, no_staff.1);
            }
        } else if is_silent(self.with_operator) {
            tell(RuleId::R2, true, no_operator_zh, no_operator_en);
            tell(RuleId::R3, false, no_operator_zh, no_operator_en);
            tell(RuleId::R4, false, no_operator_zh, no_operator_en);
        } else if with_address == 0 || is_silent(self.with_address) {
            let (zh, en) = (
                "名单或查询中没有住址（context.address）；只比对申报的亲属。",
                "the staff list or the requests hold no address (context.address); only declared relatives are compared.",
            );
            tell(RuleId::R3, true, zh, en);
            tell(RuleId::R4, false, zh, en);
        }
        if watched == 0 {
            tell(
                RuleId::R5,
                false,
                "没有提供重点关注名单（[review] watch_list）。",
                "no watch list was given ([review] watch_list).",
            );
        }
        if is_silent(self.with_case) {
            tell(
                RuleId::R1,
                true,
                "没有一条查询注明案件（context.case）；只能以已登记的授权书为准。",
                "no request names a case (context.case); only registered authorisations explain any.",
            );
        }
        if is_silent(self.with_workstation) {
            tell(
                RuleId::R12,
                true,
                "没有一条查询注明终端（context.workstation）；只检查凭据重放。",
                "no request names its workstation (context.workstation); only replayed assertions are found.",
            );
        }
        if self.case_actions == 0 {
            tell(
                RuleId::R13,
                false,
                "没有系统报送案件办理情况（POST /v1/verifications/{id}/case-events）。",
                "no system tells what becomes of its cases (POST /v1/verifications/{id}/case-events).",
            );
        }
        if self.alert_changes == 0 {
            tell(RuleId::R16, false, "日志中还没有预警的处理记录。", "the log holds no closings of alerts yet.");
        }
        if is_silent(self.with_operator) {
            for rule in [RuleId::R7, RuleId::R8, RuleId::R9, RuleId::R10, RuleId::R11, RuleId::R14] {
                tell(
                    rule,
                    true,
                    "没有操作员，只能按系统整体评估。",
                    "without operators only systems as a whole are judged.",
                );
            }
        }
        told.sort_by_key(|not| not.rule);
        told
    }
}
