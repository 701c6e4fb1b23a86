//! Flags, reason codes and clauses of one verdict, gathered while the rules run.
//!
//! A flag is something an officer should see; a reason code is a step of the reasoning; a clause is
//! the text that the step rests on. Every flag is also a reason.

use std::borrow::Cow;

/// A stable code, such as `INCOME_LT_STANDARD`.
pub type Code = Cow<'static, str>;

/// Id of a clause (`rules.md`, Clause identifiers), such as `MCA2021-57#13`.
pub type Clause = &'static str;

/// Clause ids, in one place so that a document is spelt one way; what each says is in [`super::clauses`].
pub mod clause {
    use super::Clause;

    macro_rules! clauses {
        ($($(#[$doc:meta])* $name:ident = $id:literal;)*) => {
            $($(#[$doc])* pub const $name: Clause = $id;)*

            /// Every clause a rule can cite.
            pub const ALL: &[Clause] = &[$($name),*];
        };
    }

    clauses! {
        /// 57号 of 2021, members living together.
        MEMBERS = "MCA2021-57#7";
        /// 57号, low-income band and single persons.
        LOW_INCOME = "MCA2021-57#8";
        /// 57号, authorisation.
        AUTHORISATION = "MCA2021-57#9";
        /// 57号, income.
        INCOME = "MCA2021-57#13";
        /// 57号, property.
        PROPERTY = "MCA2021-57#14";
        /// 57号, difference or tiers.
        BENEFIT = "MCA2021-57#23";
        /// 57号, graduation period.
        GRADUATION = "MCA2021-57#33";
        /// Local property rule.
        LOCAL_PROPERTY = "LOCAL-PROPERTY";
        /// Local rule of support.
        LOCAL_SUPPORT = "LOCAL-SUPPORT";
        /// Xing'an, cost of employment.
        EMPLOYMENT_COST = "XAM2025#15";
        /// 暂行办法, dibao condition.
        DIBAO = "SC649#9";
        /// 暂行办法, who sets the standard.
        STANDARD = "SC649#10";
        /// 暂行办法, monthly benefit.
        DIBAO_BENEFIT = "SC649#12";
        /// 暂行办法, 特困.
        TEKUN_LAW = "SC649#14";
        /// 暂行办法, employment assistance.
        EMPLOYMENT_AID = "SC649#42";
        /// 暂行办法, refusal of work.
        JOB_REFUSAL = "SC649#45";
        /// 暂行办法, temporary relief.
        TEMPORARY_RELIEF = "SC649#47";
        /// 暂行办法, request and mandate of the household.
        MANDATE = "SC649#58";
        /// 暂行办法, review and lawsuit against a decision.
        APPEAL = "SC649#65";
        /// 43号, conditions of 特困.
        TEKUN = "MCA2021-43#4";
        /// 43号, no labour capacity.
        TEKUN_LABOUR = "MCA2021-43#5";
        /// 43号, no livelihood.
        TEKUN_LIVELIHOOD = "MCA2021-43#6";
        /// 43号, obligors who cannot pay.
        TEKUN_OBLIGOR = "MCA2021-43#8";
        /// 43号, orphans.
        TEKUN_ORPHAN = "MCA2021-43#9";
        /// 43号, self-care.
        TEKUN_CARE = "MCA2021-43#ADL";
        /// 43号, continuation.
        TEKUN_TERM = "MCA2021-43#TERM";
        /// 民发〔2022〕83号.
        MCA_2022 = "MCA2022-83";
        /// 民政部 2024-05.
        MCA_2024_05 = "MCA2024-05";
        /// 民发〔2024〕57号, rigid expenditure.
        EXPENDITURE = "MCA2024-57";
        /// Inner Mongolia 2024.
        EXPENDITURE_IM = "IM2024-LR";
        /// Explanation of an automated decision, and the right to have a person decide.
        EXPLANATION = "PIPL#24";
        /// Sensitive data need separate consent.
        CONSENT = "PIPL#29";
        /// Identity numbers.
        ID_NUMBER = "GB11643";
        /// Bounds instead of guesses.
        MONOTONE = "DESIGN-MONOTONE";
        /// Which of two records of one payment stands.
        AUTHORITY = "DESIGN-AUTHORITY";
        /// Special assistance besides basic living.
        SEED_REFERRALS = "SEED-S03";
        /// Outer circle: anyone in an emergency.
        SEED_EMERGENCY = "SEED-S04";
        /// Application where one lives, by residence permit.
        SEED_RESIDENCE = "SEED-S09";
        /// Single persons of low-income households.
        SEED_SINGLE = "SEED-S10";
        /// Top-ups.
        SEED_TOP_UP = "SEED-S11";
        /// The low-income band.
        SEED_LOW_INCOME = "SEED-S12";
        /// Rigid expenditure.
        SEED_EXPENDITURE = "SEED-S13";
        /// Minors of 特困 up to 18.
        SEED_MINOR = "SEED-S14";
        /// First aid within 24 hours.
        SEED_FIRST_AID = "SEED-S16";
        /// Temporary relief by the normal procedure.
        SEED_NORMAL = "SEED-S17";
        /// Great events are decided case by case.
        SEED_CASE_BY_CASE = "SEED-S18";
        /// The place of the event helps.
        SEED_PLACE = "SEED-S20";
        /// Yearly review.
        SEED_YEARLY = "SEED-S25";
        /// Half-yearly review.
        SEED_HALF_YEARLY = "SEED-S26";
        /// Inside the cycle only a material change changes the amount.
        SEED_MATERIAL_CHANGE = "SEED-S27";
        /// Changes are to be reported.
        SEED_REPORT = "SEED-S29";
        /// Loss of the capacity to work.
        SEED_CAPACITY = "SEED-S36";
    }
}

/// What has been gathered so far.
#[derive(Debug)]
pub struct Reasons {
    flags: Vec<Code>,
    reasons: Vec<Code>,
    clauses: Vec<Clause>,
    codes_seen: Seen,
    clauses_seen: Seen,
}

/// Which texts may have been noted: one bit for many texts, so most of what is new is known to be new without
/// looking through a list.
#[derive(Debug, Default)]
struct Seen(u64);

impl Seen {
    /// Marks a text; false when it was certainly not marked before.
    fn mark(&mut self, text: &str) -> bool {
        let bytes = text.as_bytes();
        let byte = |at: usize| bytes.get(at).copied().unwrap_or_default();
        let mixed = byte(bytes.len().wrapping_sub(1)) ^ byte(bytes.len() / 2).rotate_left(3);
        let bit = 1 << ((usize::from(mixed) + bytes.len()) % 64);
        let was_marked = self.0 & bit != 0;
        self.0 |= bit;
        was_marked
    }
}

impl Default for Reasons {
    fn default() -> Self {
        // Room for what most verdicts say.
        Self {
            flags: Vec::new(),
            reasons: Vec::with_capacity(12),
            clauses: Vec::with_capacity(16),
            codes_seen: Seen::default(),
            clauses_seen: Seen::default(),
        }
    }
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
        if !self.codes_seen.mark(&code) || !self.reasons.contains(&code) {
            self.reasons.push(code);
        }
    }

    /// Notes clauses.
    pub fn rests_on(&mut self, clauses: &[Clause]) {
        for clause in clauses {
            if !self.clauses_seen.mark(clause) || !self.clauses.contains(clause) {
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
