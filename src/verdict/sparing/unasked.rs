//! What open questions could bring: the household as it is for certain, in how many ways its members could turn out,
//! and what of its sums is open. Nothing is decided here.

use crate::domain::dataset::{Department, DepartmentId, MissingEffect};
use crate::domain::fact::{Disability, EducationStage, FactKind, IncomeCategory, Kind, is_paid_out};
use crate::policy::Rules;
use crate::verdict::facts::{AssetItem, EvidenceId, ExpenditureItem, Facts, IncomeItem, MemberFacts, Source};
use crate::verdict::income::{PENSION_RESIDENT, authority};
use crate::verdict::members::{Members, Standing, standing};
use crate::verdict::sparing::{Question, is_read};
use crate::verdict::unknowns::Open;

/// What the open questions could bring about one member.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct OpenMember {
    death: bool,
    pub(super) stage: bool,
    /// How far the most trusted open source of income is trusted: the lower, the more.
    income: Option<usize>,
    /// Money paid out may come to light, which lowers income.
    pub(super) paid_out: bool,
    expenditure: bool,
    illness: bool,
    disability: bool,
    pub(super) employment: bool,
}

/// What all open questions could bring.
pub(super) struct Unasked<'a> {
    members: Vec<OpenMember>,
    /// The departments that could still tell of property.
    of_property: Vec<&'a DepartmentId>,
    /// A dwelling that counts may turn out a ruin.
    may_excuse_dwelling: bool,
}

impl<'a> Unasked<'a> {
    pub(super) fn of(facts: &Facts, rules: &Rules, open: &[Question<'a>]) -> Self {
        let mut unasked = Self {
            members: vec![OpenMember::default(); facts.members.len()],
            of_property: Vec::new(),
            may_excuse_dwelling: false,
        };
        for question in open.iter().filter(|question| is_read(facts, question)) {
            let Some(member) = unasked.members.get_mut(question.member) else { continue };
            match question.dataset.fact {
                FactKind::Income => {
                    let trust = authority(&Source::Department(question.department.id.clone()), rules);
                    member.income = Some(member.income.map_or(trust, |known| known.min(trust)));
                    member.paid_out |= question.dataset.may_lower_income;
                }
                FactKind::Asset => unasked.adds_to_property(question.department),
                FactKind::Expenditure => member.expenditure = true,
                FactKind::Enrolment => member.stage = true,
                FactKind::Death => member.death = true,
                FactKind::Diagnosis => member.illness = true,
                FactKind::Disability => member.disability = true,
                FactKind::Employment => member.employment = true,
                FactKind::Insurance | FactKind::Disaster | FactKind::Assistance => {}
            }
        }
        unasked
    }

    fn adds_to_property(&mut self, department: &'a Department) {
        if !self.of_property.contains(&&department.id) {
            self.of_property.push(&department.id);
        }
        self.may_excuse_dwelling |= department.if_missing.contains(&MissingEffect::DwellingMayPass);
    }

    pub(super) fn is_nothing(&self) -> bool {
        !self.may_tell_of_property() && self.members.iter().all(|open| *open == OpenMember::default())
    }

    /// Somebody could still tell of property.
    pub(super) fn may_tell_of_property(&self) -> bool {
        !self.of_property.is_empty()
    }

    /// A dwelling that counts may turn out a ruin.
    pub(super) fn may_excuse_dwelling(&self) -> bool {
        self.may_excuse_dwelling
    }

    pub(super) fn about(&self, member: usize) -> OpenMember {
        self.members.get(member).copied().unwrap_or_default()
    }

    /// Whether a member counts; `None` when an answer could decide it either way.
    pub(super) fn counts(&self, facts: &Facts, index: usize, member: &MemberFacts) -> Option<bool> {
        let is_counted = |member: &MemberFacts| standing(member, facts.assessed_on) == Standing::Counted;
        let (open, now) = (self.about(index), is_counted(member));
        let in_school = OpenMember { stage: open.stage, ..OpenMember::default() };
        let may_turn = (open.death && now) || ways(member, in_school).iter().any(|other| is_counted(other) != now);
        (!may_turn).then_some(now)
    }

    /// What of the household's sums is open: more income, more spending, property that fails or is excused.
    pub(super) fn open(&self, members: &Members) -> Open {
        let mut open = Open::NOTHING;
        let mut may = |is_open: bool, what: Open| {
            if is_open {
                open = open.and(what);
            }
        };
        may(self.may_tell_of_property(), Open::PROPERTY_MAY_FAIL);
        may(self.may_excuse_dwelling, Open::DWELLING_MAY_PASS);
        for (_, member) in self.members.iter().enumerate().filter(|(index, _)| members.remains(*index)) {
            may(member.income.is_some(), Open::INCOME);
            may(member.expenditure, Open::EXPENDITURE);
        }
        open
    }

    /// The facts less everything that an answer could take away: from here income, spending and property can only be
    /// more, but that a dwelling may turn out a ruin.
    pub(super) fn least(&self, facts: &Facts, rules: &Rules) -> Facts {
        let mut least = facts.clone();
        least.incomes.retain(|item| self.is_firm_income(item, rules));
        least.assets.retain(|asset| self.is_firm_asset(asset));
        // A bill as declared may turn out to be one that counts only up to what a public institution charges.
        let may_shrink =
            |item: &ExpenditureItem| item.source == Source::Declared && self.about(item.member).expenditure;
        least.expenditures.retain(|item| !may_shrink(item));
        least
    }

    /// The least facts with enough income of every member of whom income is open to reach the line of one person,
    /// whatever else the member has: of a kind that no list exempts, and with nothing that lowers it.
    pub(super) fn most(&self, least: &Facts, rules: &Rules) -> Facts {
        let mut most = least.clone();
        most.incomes.retain(|item| self.about(item.member).income.is_none() || !lowers_income(item));
        let earners = self.members.iter().enumerate().filter(|(_, open)| open.income.is_some());
        most.incomes.extend(earners.map(|(member, _)| IncomeItem {
            member,
            category: IncomeCategory::Other,
            kind: Kind::of("UNASKED"),
            amount_12m: rules.line_of_one,
            basic_portion_12m: None,
            paid_after_death: false,
            dedupe_key: None,
            source: Source::Declared,
            evidence: EvidenceId(0),
        }));
        most
    }

    /// A more trusted record of the same payment may stand instead, with any amount; of a declared resident pension a
    /// record may show a larger part to be exempt. Any other declared income stays, or a record of the same kind that
    /// counts for no less stands in its place. What lowers income stays, whatever becomes of it.
    fn is_firm_income(&self, item: &IncomeItem, rules: &Rules) -> bool {
        let Some(trust) = self.about(item.member).income else { return true };
        let may_be_overruled = item.dedupe_key.is_some() && trust <= authority(&item.source, rules);
        let may_be_exempt = item.source == Source::Declared && item.kind.as_str() == PENSION_RESIDENT;
        lowers_income(item) || !(may_be_overruled || may_be_exempt)
    }

    /// A department files one thing under each of its owners and the first record counts, so what it has said is certain
    /// once it has said everything. A record may say of a declared vehicle that it is of an exempt kind; any other
    /// declared thing stays, or a record of the same stands in its place.
    fn is_firm_asset(&self, asset: &AssetItem) -> bool {
        match &asset.source {
            Source::Declared => {
                !self.may_tell_of_property() || asset.kind.as_str() != "VEHICLE" || asset.exempt_kind.is_none()
            }
            Source::Department(id) => !self.of_property.contains(&id),
        }
    }

    /// The members in every way that the answers could show what this keeps of the questions, all in their next way at
    /// once: what follows for one of them does not depend on what is found of another. The first is as they are.
    pub(super) fn ways(
        &self,
        facts: &Facts,
        keep: impl Fn(&MemberFacts, OpenMember) -> OpenMember,
    ) -> Vec<Vec<MemberFacts>> {
        let each: Vec<Vec<MemberFacts>> = facts
            .members
            .iter()
            .enumerate()
            .map(|(index, member)| ways(member, keep(member, self.about(index))))
            .collect();
        let most = each.iter().map(Vec::len).max().unwrap_or_default();
        let way = |at: usize| each.iter().filter_map(|own| own.get(at).or(own.first()).cloned()).collect();
        (0..most).map(way).collect()
    }
}

impl OpenMember {
    /// What tells whether the member is fit for work or still in school, as the test for 特困 asks.
    pub(super) fn of_capacity(self, member: &MemberFacts) -> Self {
        let stage = self.stage && member.was_tekun;
        Self { stage, disability: self.disability, ..Self::default() }
    }

    /// What is a ground for more money.
    pub(super) fn of_grounds(self) -> Self {
        Self { illness: self.illness, disability: self.disability, ..Self::default() }
    }
}

/// It counts for less than nothing, if it counts.
fn lowers_income(item: &IncomeItem) -> bool {
    is_paid_out(item.category, &item.kind) || item.basic_portion_12m.is_some_and(|basic| basic > item.amount_12m)
}

const STAGES: [EducationStage; 10] = [
    EducationStage::Preschool,
    EducationStage::Primary,
    EducationStage::Junior,
    EducationStage::SeniorHigh,
    EducationStage::SecondaryVocational,
    EducationStage::Special,
    EducationStage::JuniorCollege,
    EducationStage::Bachelor,
    EducationStage::Master,
    EducationStage::Doctor,
];

/// One certificate of every kind that the rules tell apart: severe and without labour capacity, severe only, neither.
const CERTIFICATES: [Disability; 3] =
    [Disability { category: 1, grade: 1 }, Disability { category: 2, grade: 1 }, Disability { category: 3, grade: 4 }];

/// The member in every way that open questions of illness, disability and school could show.
fn ways(member: &MemberFacts, open: OpenMember) -> Vec<MemberFacts> {
    let mut all = vec![member.clone()];
    if open.illness {
        all.push(MemberFacts { severe_illness: true, ..member.clone() });
    }
    if open.disability {
        let with = |other: &MemberFacts, found| MemberFacts { disability: Some(found), ..other.clone() };
        let found: Vec<_> = all.iter().flat_map(|other| CERTIFICATES.map(|found| with(other, found))).collect();
        all.extend(found);
    }
    if open.stage {
        let with = |other: &MemberFacts, stage| MemberFacts { education_stage: Some(stage), ..other.clone() };
        let found: Vec<_> = all.iter().flat_map(|other| STAGES.map(|stage| with(other, stage))).collect();
        all.extend(found);
    }
    all
}
