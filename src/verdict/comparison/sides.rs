//! The two sides of a comparison: who says what, and who could have known.

use jiff::civil::Date;

use super::{Item, Said};
use crate::domain::dataset::{Authority, Catalogue, Dataset, DepartmentId};
use crate::domain::fact::{ExpenditureKind, FactKind, Kind};
use crate::domain::money::Money;
use crate::domain::period::Period;
use crate::verdict::facts::{EvidenceId, Facts, Source};

/// One statement about one item.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The item.
    pub item: Item,
    /// Equal keys mark one and the same payment or thing.
    pub key: Option<String>,
    /// What it says.
    pub said: Said,
    /// The department and what its record weighs; `None` for the household itself.
    pub record: Option<(DepartmentId, Authority)>,
    /// Its evidence, where it has one of its own.
    pub evidence: Option<EvidenceId>,
}

impl Statement {
    /// What the record weighs.
    pub fn authority(&self) -> Option<Authority> {
        self.record.as_ref().map(|(_, authority)| *authority)
    }

    fn is_hint(&self) -> bool {
        self.authority() == Some(Authority::Hint)
    }

    fn is_same_payment(&self, other: &Self) -> bool {
        self.item == other.item && self.key.is_some() && self.key == other.key
    }
}

/// What came of looking for an item in one dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    /// The department answered.
    Answered,
    /// It did not.
    Silent,
    /// It was not asked about this member.
    NotAsked,
}

/// A dataset that would show an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// Its department.
    pub department: DepartmentId,
    /// What its records weigh.
    pub authority: Authority,
    /// What came of looking.
    pub looked: Looked,
}

/// Everything said, and who could have known.
#[derive(Debug, Clone)]
pub struct Sides {
    /// First day of the window.
    pub from: Date,
    /// Its last day.
    pub to: Date,
    /// The day property is compared on.
    pub property_on: Date,
    /// The statements.
    pub statements: Vec<Statement>,
    /// For each item that is declared, who could have known.
    pub covers: Vec<(Item, Vec<Cover>)>,
    /// Whose record of one payment stands, most trusted first.
    pub trusted: Vec<DepartmentId>,
}

/// The statements of one row.
pub(super) struct Group<'a> {
    pub(super) item: &'a Item,
    key: Option<&'a str>,
    pub(super) declared: Vec<&'a Statement>,
    pub(super) found: Vec<&'a Statement>,
}

impl Group<'_> {
    pub(super) fn departments(&self) -> Vec<DepartmentId> {
        let mut departments: Vec<DepartmentId> = Vec::new();
        for (department, _) in self.found.iter().filter_map(|statement| statement.record.as_ref()) {
            if !departments.contains(department) {
                departments.push(department.clone());
            }
        }
        departments
    }
}

impl Sides {
    /// Who could have known of an item.
    pub(super) fn covers(&self, item: &Item) -> &[Cover] {
        self.covers.iter().find(|(own, _)| own == item).map_or(&[], |(_, covers)| covers)
    }

    /// The statements by row: what shares a key with the other side stands alone, the rest by item.
    pub(super) fn groups(&self) -> Vec<Group<'_>> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        let declared_first = |wanted: bool| self.statements.iter().filter(move |own| own.record.is_none() == wanted);
        for statement in declared_first(true).chain(declared_first(false)) {
            let is_declared = statement.record.is_none();
            let is_shared = declared_first(!is_declared).any(|other| statement.is_same_payment(other));
            let key = statement.key.as_deref().filter(|_| is_shared);
            let position = groups.iter().position(|group| *group.item == statement.item && group.key == key);
            let position = position.unwrap_or_else(|| {
                groups.push(Group { item: &statement.item, key, declared: Vec::new(), found: Vec::new() });
                groups.len() - 1
            });
            let Some(group) = groups.get_mut(position) else { continue };
            if is_declared {
                group.declared.push(statement);
            } else {
                group.found.push(statement);
            }
        }
        for group in &mut groups {
            self.keep_what_stands(&mut group.found);
        }
        groups
    }

    /// Of several records of one payment one stands; beside a conclusive record a hint says nothing.
    fn keep_what_stands(&self, found: &mut Vec<&Statement>) {
        if found.iter().any(|statement| !statement.is_hint()) {
            found.retain(|statement| !statement.is_hint());
        }
        let rank = |statement: &Statement| {
            let position = statement
                .record
                .as_ref()
                .and_then(|(department, _)| self.trusted.iter().position(|trusted| trusted == department));
            position.unwrap_or(self.trusted.len())
        };
        let all = found.clone();
        found.retain(|statement| {
            let same = all.iter().filter(|other| std::ptr::eq(**other, *statement) || statement.is_same_payment(other));
            // `min_by_key` keeps the first of equals.
            same.min_by_key(|other| rank(other)).is_some_and(|stands| std::ptr::eq(*stands, *statement))
        });
    }
}

/// How property of a kind is measured: by number, or by value.
pub(super) fn is_counted(kind: &str) -> bool {
    matches!(kind, "DWELLING" | "NON_RESIDENTIAL" | "VEHICLE")
}

impl Item {
    /// Property as it is compared, and what is said of it.
    pub fn asset(kind: &Kind, exempt: bool, value: Money, count: u32) -> (Self, Said) {
        let said = if is_counted(kind.as_str()) { Said::Count(count) } else { Said::Amount(value) };
        (Self::Asset { kind: kind.clone(), exempt }, said)
    }
}

/// What the household bore of a bill.
pub fn borne(gross: Money, covered: Money) -> Said {
    Said::Amount(Money::from_fen(gross.fen().saturating_sub(covered.fen()).max(0)))
}

const fn expenditure_kind(kind: ExpenditureKind) -> &'static str {
    match kind {
        ExpenditureKind::Medical => "MEDICAL",
        ExpenditureKind::DisabilityRehab => "DISABILITY_REHAB",
        ExpenditureKind::Education => "EDUCATION",
        ExpenditureKind::Accident => "ACCIDENT",
    }
}

/// The datasets that would show an item, and what came of looking in each.
pub fn covers(catalogue: &Catalogue, item: &Item, looked: impl Fn(&Dataset) -> Looked) -> Vec<Cover> {
    let (fact, kind) = match item {
        Item::Income { kind, .. } => (FactKind::Income, Some(kind.as_str())),
        Item::Asset { kind, .. } => (FactKind::Asset, Some(kind.as_str())),
        Item::Expenditure { kind, .. } => (FactKind::Expenditure, Some(expenditure_kind(*kind))),
        Item::Education { .. } => (FactKind::Enrolment, None),
        Item::Employment { .. } => (FactKind::Employment, None),
        Item::Death { .. } => (FactKind::Death, None),
        Item::Disability { .. } => (FactKind::Disability, None),
        Item::SevereIllness { .. } => (FactKind::Diagnosis, None),
    };
    let would_show = |dataset: &&Dataset| {
        dataset.fact == fact && kind.is_none_or(|kind| dataset.holds.iter().any(|held| held.as_str() == kind))
    };
    let cover = |dataset: &Dataset| Cover {
        department: dataset.department.clone(),
        authority: dataset.authority,
        looked: looked(dataset),
    };
    catalogue.datasets().iter().filter(would_show).map(cover).collect()
}

/// The sides as facts alone tell them: of income, property and expenditure, every record conclusive, every
/// department without a gap asked about everybody. For worked cases, which know no datasets.
pub fn of_facts(facts: &Facts, catalogue: &Catalogue, window: Period, trusted: &[DepartmentId]) -> Sides {
    let record = |source: &Source| match source {
        Source::Declared => None,
        Source::Department(department) => Some((department.clone(), Authority::Conclusive)),
    };
    let member = |index: usize| facts.members.get(index).map(|member| member.reference.clone());
    let mut statements = Vec::new();
    for income in &facts.incomes {
        let Some(member) = member(income.member) else { continue };
        statements.push(Statement {
            item: Item::Income { member, kind: income.kind.clone() },
            key: income.dedupe_key.clone(),
            said: Said::Amount(income.amount_12m),
            record: record(&income.source),
            evidence: Some(income.evidence),
        });
    }
    for asset in &facts.assets {
        let (item, said) = Item::asset(&asset.kind, asset.exempt_kind.is_some(), asset.value, asset.count);
        let evidence = Some(asset.evidence);
        statements.push(Statement { item, key: None, said, record: record(&asset.source), evidence });
    }
    for spent in facts.expenditures.iter().filter(|spent| window.contains(spent.paid_on)) {
        let Some(member) = member(spent.member) else { continue };
        statements.push(Statement {
            item: Item::Expenditure { member, kind: spent.kind },
            key: None,
            said: borne(spent.gross, spent.covered),
            record: record(&spent.source),
            evidence: Some(spent.evidence),
        });
    }
    let looked = |dataset: &Dataset| {
        let is_silent = facts.gaps.iter().any(|gap| gap.department == dataset.department);
        if is_silent { Looked::Silent } else { Looked::Answered }
    };
    let mut sides = Sides {
        from: window.from,
        to: window.to,
        property_on: facts.assessed_on,
        statements,
        covers: Vec::new(),
        trusted: trusted.to_vec(),
    };
    sides.find_covers(|item| covers(catalogue, item, looked));
    sides
}

impl Sides {
    /// Looks up who could have known of each declared item.
    pub fn find_covers(&mut self, covers_of: impl Fn(&Item) -> Vec<Cover>) {
        for statement in self.statements.iter().filter(|statement| statement.record.is_none()) {
            if !self.covers.iter().any(|(item, _)| *item == statement.item) {
                let covers = covers_of(&statement.item);
                self.covers.push((statement.item.clone(), covers));
            }
        }
    }
}
