//! Flags, reason codes and clauses of one verdict, gathered while the rules run.
//!
//! A flag is something an officer should see; a reason code is a step of the reasoning; a clause is
//! the text that the step rests on. Every flag is also a reason.

use std::borrow::Cow;

/// A stable code, such as `INCOME_LT_STANDARD`.
pub type Code = Cow<'static, str>;

/// Id of a clause (`rules.md`, Clause identifiers), such as `MCA2021-57#13`.
pub type Clause = &'static str;

/// Clause ids, in one place so that a document is spelt one way.
pub mod clause {
    use super::Clause;

    /// 57号 of 2021, members living together.
    pub const MEMBERS: Clause = "MCA2021-57#7";
    /// 57号, low-income band and single persons.
    pub const LOW_INCOME: Clause = "MCA2021-57#8";
    /// 57号, authorisation.
    pub const AUTHORISATION: Clause = "MCA2021-57#9";
    /// 57号, income.
    pub const INCOME: Clause = "MCA2021-57#13";
    /// 57号, property.
    pub const PROPERTY: Clause = "MCA2021-57#14";
    /// 57号, difference or tiers.
    pub const BENEFIT: Clause = "MCA2021-57#23";
    /// 57号, graduation period.
    pub const GRADUATION: Clause = "MCA2021-57#33";
    /// Local property rule.
    pub const LOCAL_PROPERTY: Clause = "LOCAL-PROPERTY";
    /// Local rule of support.
    pub const LOCAL_SUPPORT: Clause = "LOCAL-SUPPORT";
    /// Xing'an, cost of employment.
    pub const EMPLOYMENT_COST: Clause = "XAM2025#15";
    /// 暂行办法, dibao condition.
    pub const DIBAO: Clause = "SC649#9";
    /// 暂行办法, who sets the standard.
    pub const STANDARD: Clause = "SC649#10";
    /// 暂行办法, monthly benefit.
    pub const DIBAO_BENEFIT: Clause = "SC649#12";
    /// 暂行办法, 特困.
    pub const TEKUN_LAW: Clause = "SC649#14";
    /// 暂行办法, employment assistance.
    pub const EMPLOYMENT_AID: Clause = "SC649#42";
    /// 暂行办法, refusal of work.
    pub const JOB_REFUSAL: Clause = "SC649#45";
    /// 暂行办法, temporary relief.
    pub const TEMPORARY_RELIEF: Clause = "SC649#47";
    /// 暂行办法, request and mandate of the household.
    pub const MANDATE: Clause = "SC649#58";
    /// 43号, conditions of 特困.
    pub const TEKUN: Clause = "MCA2021-43#4";
    /// 43号, no labour capacity.
    pub const TEKUN_LABOUR: Clause = "MCA2021-43#5";
    /// 43号, no livelihood.
    pub const TEKUN_LIVELIHOOD: Clause = "MCA2021-43#6";
    /// 43号, obligors who cannot pay.
    pub const TEKUN_OBLIGOR: Clause = "MCA2021-43#8";
    /// 43号, orphans.
    pub const TEKUN_ORPHAN: Clause = "MCA2021-43#9";
    /// 43号, self-care.
    pub const TEKUN_CARE: Clause = "MCA2021-43#ADL";
    /// 43号, continuation.
    pub const TEKUN_TERM: Clause = "MCA2021-43#TERM";
    /// 民发〔2022〕83号.
    pub const MCA_2022: Clause = "MCA2022-83";
    /// 民政部 2024-05.
    pub const MCA_2024_05: Clause = "MCA2024-05";
    /// 民发〔2024〕57号, rigid expenditure.
    pub const EXPENDITURE: Clause = "MCA2024-57";
    /// Inner Mongolia 2024.
    pub const EXPENDITURE_IM: Clause = "IM2024-LR";
    /// Sensitive data need separate consent.
    pub const CONSENT: Clause = "PIPL#29";
    /// Identity numbers.
    pub const ID_NUMBER: Clause = "GB11643";
    /// Bounds instead of guesses.
    pub const MONOTONE: Clause = "DESIGN-MONOTONE";
    /// Which of two records of one payment stands.
    pub const AUTHORITY: Clause = "DESIGN-AUTHORITY";
    /// Outer circle: anyone in an emergency.
    pub const SEED_EMERGENCY: Clause = "SEED-S04";
    /// Single persons of low-income households.
    pub const SEED_SINGLE: Clause = "SEED-S10";
    /// Top-ups.
    pub const SEED_TOP_UP: Clause = "SEED-S11";
    /// The low-income band.
    pub const SEED_LOW_INCOME: Clause = "SEED-S12";
    /// Rigid expenditure.
    pub const SEED_EXPENDITURE: Clause = "SEED-S13";
    /// Minors of 特困 up to 18.
    pub const SEED_MINOR: Clause = "SEED-S14";
    /// First aid within 24 hours.
    pub const SEED_FIRST_AID: Clause = "SEED-S16";
    /// Temporary relief by the normal procedure.
    pub const SEED_NORMAL: Clause = "SEED-S17";
    /// The place of the event helps.
    pub const SEED_PLACE: Clause = "SEED-S20";
    /// Yearly review.
    pub const SEED_YEARLY: Clause = "SEED-S25";
    /// Half-yearly review.
    pub const SEED_HALF_YEARLY: Clause = "SEED-S26";
    /// Changes are to be reported.
    pub const SEED_REPORT: Clause = "SEED-S29";
}

/// What has been gathered so far.
#[derive(Debug, Default)]
pub struct Reasons {
    flags: Vec<Code>,
    reasons: Vec<Code>,
    clauses: Vec<Clause>,
}

impl Reasons {
    /// Notes a flag, which is a reason too.
    pub fn flag(&mut self, code: impl Into<Code>) {
        let code = code.into();
        if !self.flags.contains(&code) {
            self.reason(code.clone());
            self.flags.push(code);
        }
    }

    /// Notes a reason.
    pub fn reason(&mut self, code: impl Into<Code>) {
        let code = code.into();
        if !self.reasons.contains(&code) {
            self.reasons.push(code);
        }
    }

    /// Notes clauses.
    pub fn rests_on(&mut self, clauses: &[Clause]) {
        for clause in clauses {
            if !self.clauses.contains(clause) {
                self.clauses.push(clause);
            }
        }
    }

    /// Flags sorted by name; reasons and clauses in the order of the rules.
    pub fn finish(mut self) -> (Vec<Code>, Vec<Code>, Vec<Clause>) {
        self.flags.sort_unstable();
        (self.flags, self.reasons, self.clauses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_once_and_flags_are_sorted() {
        let mut reasons = Reasons::default();
        reasons.flag("PROPERTY_VEHICLE");
        reasons.flag(format!("MEMBER_EXCLUDED_{}", "IN_PRISON"));
        reasons.flag("PROPERTY_VEHICLE");
        reasons.rests_on(&[clause::PROPERTY, clause::PROPERTY]);
        let (flags, codes, clauses) = reasons.finish();
        assert_eq!(flags, ["MEMBER_EXCLUDED_IN_PRISON", "PROPERTY_VEHICLE"]);
        assert_eq!(codes.len(), 2);
        assert_eq!(clauses, ["MCA2021-57#14"]);
    }
}
