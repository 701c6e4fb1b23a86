//! Which special assistance (专项救助) a household may be referred to, by its circle (SEED-S03).
//!
//! A referral opens a door and grants nothing: each department decides on its own assistance. Which circle opens which
//! door is a parameter; where the pack is silent none is named.

use super::circle::{Circle, CircleSet};
use super::decision::Decision;
use super::members::Person;
use super::reasons::{Code, Reasons, clause};
use crate::policy::values::{ReferralsByCircle, SpecialAssistance};

impl ReferralsByCircle {
    /// What one circle opens.
    fn of(&self, circle: Circle) -> &[SpecialAssistance] {
        let opened = match circle {
            Circle::Tekun => &self.tekun,
            Circle::Dibao | Circle::DibaoSingle => &self.dibao,
            Circle::LowIncome => &self.low_income,
            Circle::Expenditure => &self.expenditure,
            Circle::None => &None,
        };
        opened.as_deref().unwrap_or_default()
    }
}

impl Decision<'_> {
    /// The circles of the household and of its members, as far as they are settled.
    fn circles(&self) -> CircleSet {
        let mut circles = CircleSet::default();
        let Some(circle) = self.circle() else { return circles };
        circles.insert(circle);
        if let Some(settled) = self.household().and_then(|household| household.settled.as_ref()) {
            settled.finding.also_meets(self.parameters().rules()).for_each(|other| circles.insert(other));
            if settled.singles.iter().flatten().next().is_some() {
                circles.insert(Circle::DibaoSingle);
            }
        }
        if self.assessment().is_some_and(|assessment| assessment.members.each().any(Person::is_tekun)) {
            circles.insert(Circle::Tekun);
        }
        circles
    }

    /// The special assistance that may be applied for; `None` where the pack names none, or while the circle is open.
    pub fn referrals(&self) -> Option<impl Iterator<Item = SpecialAssistance>> {
        let by_circle = self.parameters().rules().referrals_by_circle.as_ref()?;
        self.circle()?;
        let circles = self.circles();
        let opens = move |kind: &SpecialAssistance| circles.iter().any(|circle| by_circle.of(circle).contains(kind));
        Some(SpecialAssistance::ALL.into_iter().filter(opens))
    }

    /// Notes what may be applied for.
    pub(super) fn explain_referrals(&self, reasons: &mut Reasons) {
        for kind in self.referrals().into_iter().flatten() {
            reasons.reason(reason(kind));
            reasons.rests_on(&[clause::SEED_REFERRALS]);
        }
    }
}

const fn reason(kind: SpecialAssistance) -> Code {
    Code::Borrowed(match kind {
        SpecialAssistance::Medical => "REFERRAL_MEDICAL",
        SpecialAssistance::Housing => "REFERRAL_HOUSING",
        SpecialAssistance::Education => "REFERRAL_EDUCATION",
        SpecialAssistance::Employment => "REFERRAL_EMPLOYMENT",
    })
}
