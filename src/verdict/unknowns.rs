//! Unknowns by bounds: which circles are possible while departments are silent, and whose silence matters
//! (promise P2; `rules.md` section 7; `docs/decisions/0011-bounds-exact-over-the-effects.md`).
//!
//! Income, rigid expenditure and its medical part can only be more than known; property that passes may
//! fail, and dwellings too many may turn out ruins. The rule is constant between its breakpoints, so one
//! walk over them, with expenditure as known and with expenditure beyond every limit, meets every circle
//! there is. Where the dibao test takes off what illness costs, expenditure beyond every limit comes both ways: of
//! illness and of nothing but other things. No department is named here: a gap carries its effects from the catalogue.

use serde::Serialize;
use smallvec::SmallVec;

use super::assess::{Assessment, Known};
use super::circle::{Circle, CircleSet, Position};
use super::decision::Decision;
use super::facts::{FactGap, Facts};
use super::members::{Members, Person};
use super::tekun::Finding;
use crate::domain::dataset::{DepartmentId, MissingEffect};
use crate::domain::exact::{Exact, Overflow};
use crate::domain::household::MemberRef;
use crate::domain::outcome::GapReason;
use crate::policy::values::ExpenditureRule;

/// What is not known of the household circle: a set of effects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Open(u8);

impl Open {
    /// Income may be more.
    pub const INCOME: Self = Self(1);
    /// Rigid expenditure may be more.
    pub const EXPENDITURE: Self = Self(2);
    /// Property that passes may fail.
    pub const PROPERTY_MAY_FAIL: Self = Self(4);
    /// A dwelling that counts may be exempt.
    pub const DWELLING_MAY_PASS: Self = Self(8);

    /// Nothing.
    pub const NOTHING: Self = Self(0);

    const EACH: [Self; 4] = [Self::INCOME, Self::EXPENDITURE, Self::PROPERTY_MAY_FAIL, Self::DWELLING_MAY_PASS];

    const fn of(effect: MissingEffect) -> Self {
        match effect {
            MissingEffect::IncomeUp => Self::INCOME,
            MissingEffect::ExpenditureUp => Self::EXPENDITURE,
            MissingEffect::PropertyMayFail => Self::PROPERTY_MAY_FAIL,
            MissingEffect::DwellingMayPass => Self::DWELLING_MAY_PASS,
            MissingEffect::MemberIllnessUnknown => Self::NOTHING,
        }
    }

    /// What either leaves open.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What this leaves open and the other does not.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Any of these is open.
    pub const fn has(self, any: Self) -> bool {
        self.0 & any.0 != 0
    }

    /// All of these are open.
    pub const fn has_all(self, all: Self) -> bool {
        self.0 & all.0 == all.0
    }
}

/// What one gap leaves open for these members: nothing when none of them is of the ages it matters for.
pub fn open_by(gap: &FactGap, members: &Members) -> Open {
    if !members.any_concerned(&gap.members, gap.ages) {
        return Open::NOTHING;
    }
    effects(gap)
}

/// What one gap leaves open, whoever is in the household.
fn effects(gap: &FactGap) -> Open {
    gap.effects.iter().fold(Open::NOTHING, |open, effect| open.and(Open::of(*effect)))
}

/// True when a member may be severely ill without anybody having said so.
pub fn hides_illness(gap: &FactGap) -> bool {
    gap.effects.contains(&MissingEffect::MemberIllnessUnknown)
}

impl Known<'_> {
    /// Every circle that some completion of what is open leads to.
    pub(super) fn possible(&self, open: Open) -> Result<CircleSet, Overflow> {
        Reach::walk(self, open).map(|reach| reach.possible(open))
    }

    /// Property passes, or may turn out to.
    pub(super) const fn may_pass(&self, open: Open) -> bool {
        self.at.property_passes || (self.failures.only_dwellings() && open.has(Open::DWELLING_MAY_PASS))
    }

    /// Visits, where property passes, a position of every kind that what is open leads to, and what of it it takes: at
    /// any other the rule comes to the same as at one of these. Each income comes first with expenditure as known.
    pub(super) fn each_passing(
        &self,
        open: Open,
        mut visit: impl FnMut(Position, Open) -> Result<(), Overflow>,
    ) -> Result<(), Overflow> {
        let mut with = |income: Exact, takes: Open| -> Result<(), Overflow> {
            let at = Position { income, property_passes: true, ..self.at };
            visit(at, takes)?;
            if open.has(Open::EXPENDITURE) {
                let spent = self.with_any_expenditure(at)?;
                visit(spent, takes.and(Open::EXPENDITURE))?;
                if self.rule.rules.deduct_rigid_in_dibao_test {
                    visit(Position { deducted: spent.rigid, ..spent }, takes.and(Open::EXPENDITURE))?;
                }
            }
            Ok(())
        };
        with(self.at.income, Open::NOTHING)?;
        if open.has(Open::INCOME) {
            let mut last = self.at.income;
            for point in self.income_breakpoints()? {
                if point > last {
                    with(last.midpoint(point)?, Open::INCOME)?;
                    with(point, Open::INCOME)?;
                    last = point;
                }
            }
            with(last.plus(Exact::from_fen(1))?, Open::INCOME)?;
        }
        Ok(())
    }

    /// Expenditure large enough that more would change nothing: above income and above every ratio of it. None of it is
    /// of illness.
    pub(super) fn with_any_expenditure(&self, at: Position) -> Result<Position, Overflow> {
        let rules = self.rule.rules;
        let income = at.income.floored_at_zero();
        let mut ample = income.plus(at.rigid)?.plus(Exact::from_fen(1))?;
        if rules.expenditure_rule.is_ratio() {
            ample = ample.plus(rules.expenditure_ratio_percent.percent_of(income)?)?;
        }
        Ok(Position { rigid: ample, medical: ample, ..at })
    }

    /// The incomes at which some part of the rule changes its answer, ascending.
    pub(super) fn income_breakpoints(&self) -> Result<SmallVec<[Exact; 6]>, Overflow> {
        let lines = &self.rule.lines;
        let rules = self.rule.rules;
        let mut points = SmallVec::new();
        points.extend([lines.dibao, lines.low_income]);
        if self.at.deducted > Exact::ZERO {
            points.push(lines.dibao.plus(self.at.deducted)?);
        }
        match rules.expenditure_rule {
            ExpenditureRule::Seed2021 => points.push(lines.dibao.plus(self.at.rigid)?),
            ExpenditureRule::Im2024 | ExpenditureRule::National2024 => {
                points.extend(lines.disposable);
                points.extend(rules.expenditure_ratio_percent.whole_of(self.at.rigid)?);
                points.extend(rules.expenditure_medical_ratio_percent.whole_of(self.at.medical)?);
            }
        }
        points.sort_unstable();
        Ok(points)
    }
}

/// The circles a household can come to, by what it takes to get there. Met where property passes.
#[derive(Debug, Clone, Copy)]
struct Reach {
    /// Where property fails.
    failing: Circle,
    /// Property passes as known.
    passes: bool,
    /// Dwellings are all that fails.
    only_dwellings: bool,
    /// As known; with more income; with more expenditure; with more of both: by what of [`Open`] it takes.
    circles: [CircleSet; 4],
    /// More expenditure turns the circle: at the known income; at some higher one.
    spending_turns: [bool; 2],
    /// A low-income household is possible, in which members can be admitted alone.
    has_singles: bool,
}

impl Reach {
    /// Walks as far as `open` allows.
    fn walk(known: &Known<'_>, open: Open) -> Result<Self, Overflow> {
        let only_dwellings = known.failures.only_dwellings();
        let mut reach = Self {
            failing: known.rule.circle(Position { property_passes: false, ..known.at })?,
            passes: known.at.property_passes,
            only_dwellings,
            circles: [CircleSet::default(); 4],
            spending_turns: [false; 2],
            has_singles: false,
        };
        if !known.may_pass(open) {
            return Ok(reach);
        }
        let mut unspent = reach.failing;
        known.each_passing(open, |at, takes| {
            let finding = known.rule.apply(at)?;
            reach.has_singles |= finding.is_low_income();
            if let Some(circles) = reach.circles.get_mut(usize::from(takes.0)) {
                circles.insert(finding.circle);
            }
            if !takes.has(Open::EXPENDITURE) {
                unspent = finding.circle;
            } else if let Some(turns) = reach.spending_turns.get_mut(usize::from(takes.has(Open::INCOME))) {
                *turns |= finding.circle != unspent;
            }
            Ok(())
        })?;
        Ok(reach)
    }

    /// Property passes, or may turn out to.
    const fn may_pass(&self, open: Open) -> bool {
        self.passes || (self.only_dwellings && open.has(Open::DWELLING_MAY_PASS))
    }

    /// The circles possible where property passes.
    fn passing(&self, open: Open) -> CircleSet {
        if !self.may_pass(open) {
            return CircleSet::default();
        }
        let [here, earned, spent, both] = self.circles;
        let when = |needs: Open, circles: CircleSet| if open.has_all(needs) { circles } else { CircleSet::default() };
        here.union(when(Open::INCOME, earned))
            .union(when(Open::EXPENDITURE, spent))
            .union(when(Open::INCOME.and(Open::EXPENDITURE), both))
    }

    /// Every circle that some completion of what is open leads to.
    fn possible(&self, open: Open) -> CircleSet {
        let mut circles = self.passing(open);
        if !self.passes || open.has(Open::PROPERTY_MAY_FAIL) {
            circles.insert(self.failing);
        }
        circles
    }

    /// The part of what is open on which the circle depends: for each of them there are values of all the
    /// others with which it decides.
    ///
    /// Income: where several circles are possible, either income turns one into another with expenditure as
    /// known, or expenditure does at some income; then there is an expenditure just large enough at that
    /// income, and a higher income turns the circle back. Ruins: also of dwellings that are yet to be shown.
    fn decisive(&self, open: Open) -> Open {
        let passing = self.passing(open);
        let turns_on_property = passing.iter().any(|circle| circle != self.failing);
        let [here, earned] = self.spending_turns;
        let holds = |which: Open| match which {
            Open::INCOME => passing.len() > 1,
            Open::EXPENDITURE => here || (earned && open.has(Open::INCOME)),
            Open::PROPERTY_MAY_FAIL => turns_on_property,
            _ => turns_on_property && (!self.passes || open.has(Open::PROPERTY_MAY_FAIL)),
        };
        Open::EACH.into_iter().filter(|which| open.has(*which) && holds(*which)).fold(Open::NOTHING, Open::and)
    }
}

/// What the gaps of a household come to (`semantics.md`, Missing departments).
#[derive(Debug, Clone)]
pub struct Weighed {
    /// What each gap leaves open.
    opens: SmallVec<[Open; 8]>,
    /// What all of them leave open.
    pub open: Open,
    /// On what of it the circle depends.
    decisive: Open,
    /// Every circle that is possible.
    pub possible: CircleSet,
    /// Positions of the gaps that block: without them fewer circles would be possible.
    pub blocking: SmallVec<[usize; 4]>,
    /// A low-income household is possible, in which members can be admitted alone.
    has_singles: bool,
}

impl Weighed {
    /// Weighs every gap.
    pub fn of(facts: &Facts, assessment: &Assessment<'_>) -> Result<Self, Overflow> {
        let opens: SmallVec<[Open; 8]> = facts.gaps.iter().map(|gap| open_by(gap, &assessment.members)).collect();
        let open = opens.iter().copied().fold(Open::NOTHING, Open::and);
        let reach = Reach::walk(&assessment.known, open)?;
        let possible = reach.possible(open);
        let blocks = |index: &usize| {
            let others = opens.iter().enumerate().filter(|(other, _)| other != index);
            let without = others.fold(Open::NOTHING, |open, (_, other)| open.and(*other));
            without != open && reach.possible(without).len() < possible.len()
        };
        Ok(Self {
            blocking: (0..opens.len()).filter(blocks).collect(),
            decisive: reach.decisive(open),
            has_singles: reach.has_singles,
            possible,
            open,
            opens,
        })
    }

    /// A gap's answer can change the circle: there are answers of the other gaps with which it does.
    fn decides(&self, gap: usize) -> bool {
        self.opens.get(gap).is_some_and(|open| open.has(self.decisive))
    }
}

/// A gap as the verdict reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GapFinding {
    /// Whose facts are missing.
    pub department: DepartmentId,
    /// Why.
    pub reason: GapReason,
    /// Whose, where it is not everybody's: the members of a region whose hub is silent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<MemberRef>,
    /// They could change the household circle, alone or together with other missing facts; also by undoing a
    /// member's 特困, or bringing it about, which makes it another household.
    pub could_change: bool,
    /// They could change the outcome of a single member (特困, 单人户).
    pub could_change_members: bool,
}

impl GapFinding {
    /// The gaps of a verdict that weighed none: each could matter.
    pub(super) fn unweighed(facts: &Facts) -> Vec<Self> {
        facts.gaps.iter().map(|gap| Self::new(facts, gap, true, true)).collect()
    }

    fn new(facts: &Facts, gap: &FactGap, could_change: bool, could_change_members: bool) -> Self {
        let named = gap.members.iter().filter_map(|member| Some(facts.members.get(*member)?.reference.clone()));
        let (department, members) = (gap.department.clone(), named.collect());
        Self { department, reason: gap.reason, members, could_change, could_change_members }
    }
}

impl Decision<'_> {
    /// The gaps, and whether each could matter; none where a gate is shut.
    pub fn gaps(&self) -> Vec<GapFinding> {
        let facts = self.facts();
        let Some(assessment) = self.assessment().filter(|_| !facts.gaps.is_empty()) else { return Vec::new() };
        // More income or property undoes 特困; a ruin in place of a dwelling can bring it about.
        let turned_by = |person: Person| match person.tekun {
            Finding::Tekun(..) => Open::INCOME.and(Open::PROPERTY_MAY_FAIL),
            Finding::PropertyFails(failures) if failures.only_dwellings() => Open::DWELLING_MAY_PASS,
            _ => Open::NOTHING,
        };
        let turns_tekun = assessment.members.each().map(turned_by).fold(Open::NOTHING, Open::and);
        let may_be_another = facts.gaps.iter().any(|gap| effects(gap).has(turns_tekun));
        let weighed = self.household().and_then(|household| household.weighed.as_ref());
        // In the graduation period a household is of low income only where expenditure puts another circle first.
        let graduates = assessment.known.rule.graduates;
        let turns_singles = if graduates { Open::INCOME.and(Open::EXPENDITURE) } else { Open::INCOME };
        let has_singles = may_be_another || weighed.is_some_and(|weighed| weighed.has_singles);
        let finding = |(index, gap): (usize, &FactGap)| {
            let open = effects(gap);
            let by_rule = weighed.is_some_and(|weighed| weighed.decides(index));
            let could_change = by_rule || (may_be_another && open != Open::NOTHING);
            let touches_singles = has_singles && (open.has(turns_singles) || hides_illness(gap));
            GapFinding::new(facts, gap, could_change, open.has(turns_tekun) || touches_singles)
        };
        facts.gaps.iter().enumerate().map(finding).collect()
    }
}
