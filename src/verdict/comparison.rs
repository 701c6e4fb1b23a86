//! Declared against found (申报与核对对照): item by item what the household says, what departments show, and
//! what follows from the difference.
//!
//! A comparison decides nothing. The verdict rests on conclusive records and on the declaration; a record that
//! is only a hint settles nothing, so a hint beyond the declaration becomes something to verify with the
//! household. What nobody looked for stays declared: it is never "passed" (promise P5).

mod sides;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use sides::{Cover, Looked, Sides, Statement, borne, covers, of_facts};

use super::facts::EvidenceId;
use crate::domain::dataset::{Authority, DepartmentId};
use crate::domain::exact::Exact;
use crate::domain::fact::{Disability, EducationStage, ExpenditureKind, Kind};
use crate::domain::household::MemberRef;
use crate::domain::money::Money;
use crate::policy::values::DeclarationTolerance;

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "item", rename_all = "snake_case")]
pub enum Item {
    /// Income of one kind of one member over the window.
    Income {
        /// The member.
        member: MemberRef,
        /// The kind.
        kind: Kind,
    },
    /// Property of one kind of the whole household: a number of dwellings, rooms or vehicles, else an amount.
    Asset {
        /// The kind.
        kind: Kind,
        /// It does not count, for a reason given with it.
        exempt: bool,
    },
    /// What one member paid of one kind of rigid expenditure, after reimbursement.
    Expenditure {
        /// The member.
        member: MemberRef,
        /// The kind.
        kind: ExpenditureKind,
    },
    /// Stage of education of a member.
    Education {
        /// The member.
        member: MemberRef,
    },
    /// A member is in work.
    Employment {
        /// The member.
        member: MemberRef,
    },
    /// Day of a member's death.
    Death {
        /// The member.
        member: MemberRef,
    },
    /// Disability certificate of a member.
    Disability {
        /// The member.
        member: MemberRef,
    },
    /// A member is on the local list of severe illness.
    SevereIllness {
        /// The member.
        member: MemberRef,
    },
}

impl Item {
    /// The member it is about; `None` for what the whole household owns.
    pub const fn member(&self) -> Option<&MemberRef> {
        match self {
            Self::Income { member, .. }
            | Self::Expenditure { member, .. }
            | Self::Education { member }
            | Self::Employment { member }
            | Self::Death { member }
            | Self::Disability { member }
            | Self::SevereIllness { member } => Some(member),
            Self::Asset { .. } => None,
        }
    }

    /// More of it speaks against assistance, as income does; of expenditure, illness and the like less does.
    fn weighs_against(&self) -> bool {
        match self {
            Self::Income { kind, .. } => kind.as_str() != "TRANSFER_OUT",
            Self::Asset { exempt, .. } => !exempt,
            Self::Employment { .. } | Self::Death { .. } | Self::Education { .. } => true,
            Self::Expenditure { .. } | Self::Disability { .. } | Self::SevereIllness { .. } => false,
        }
    }
}

/// What one side says of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// An amount in yuan.
    Amount(Money),
    /// A number of things.
    Count(u32),
    /// A day.
    On(Date),
    /// A stage of education.
    Stage(EducationStage),
    /// A certificate.
    Certificate(Disability),
    /// That it is so; what is not so is not said.
    Holds(bool),
}

impl Said {
    /// Two statements of one side taken together: amounts and numbers add up, of the rest the graver stands.
    fn and(self, other: &Self) -> Self {
        match (self, other) {
            (Self::Amount(one), Self::Amount(more)) => {
                Self::Amount(Money::from_fen(one.fen().saturating_add(more.fen())))
            }
            (Self::Count(one), Self::Count(more)) => Self::Count(one.saturating_add(*more)),
            (Self::On(one), Self::On(other)) => Self::On(one.min(*other)),
            (Self::Stage(one), Self::Stage(other)) => {
                Self::Stage(if (*other as u8) > (one as u8) { *other } else { one })
            }
            (Self::Certificate(one), Self::Certificate(other)) => {
                Self::Certificate(if other.grade < one.grade { *other } else { one })
            }
            (first, _) => first,
        }
    }
}

/// One side of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stated {
    /// What it says.
    #[serde(flatten)]
    pub said: Said,
    /// The evidence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EvidenceId>,
}

/// How the sides stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// Both say the same.
    Agrees,
    /// They differ by no more than the pack allows.
    WithinTolerance,
    /// More was found than declared.
    MoreFound,
    /// Less was found than declared.
    LessFound,
    /// They differ in something that has no more and less.
    Differs,
    /// Amounts differ, and the pack does not say how far they may: not judged.
    Unjudged,
    /// Found, and not declared.
    NotDeclared,
    /// Declared; who would know answered and has no record.
    NotFound,
    /// Declared, and looked for by nobody: it stays the household's own word, never "passed".
    NotChecked,
}

/// Why nobody looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unchecked {
    /// No connected department keeps a register of it.
    NobodyHolds,
    /// Who would know was not asked about this member.
    NotAsked,
    /// Who would know did not answer.
    Silent,
}

/// What to do about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FollowUp {
    /// Nothing.
    None,
    /// Ask the household and see papers: a hint, or a claim without a record. Nothing was concluded from it.
    Verify,
    /// A conclusive record beyond the declaration: it counts; the household may explain it or have it corrected.
    Explain,
    /// An officer judges whether the difference matters.
    Judge,
}

/// One item, declared against found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The item.
    #[serde(flatten)]
    pub item: Item,
    /// What the household says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<Stated>,
    /// What departments show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Stated>,
    /// Found less declared, in yuan; negative when less was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Money>,
    /// The same for numbers of things.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference_count: Option<i64>,
    /// How far the amounts may be apart, by the pack; absent when it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowance: Option<Money>,
    /// What the record weighs; absent when there is none and nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<Authority>,
    /// How the sides stand to each other.
    pub result: Outcome,
    /// For `NOT_CHECKED`: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unchecked: Option<Unchecked>,
    /// Who shows it; who has no record of it; who is silent.
    pub departments: Vec<DepartmentId>,
    /// What to do about it.
    pub follow_up: FollowUp,
}

/// The declaration against what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// First day of the window of income and expenditure.
    pub from: Date,
    /// Its last day.
    pub to: Date,
    /// The day property is compared on.
    pub property_on: Date,
    /// How far amounts may be apart, as the pack has it; absent when it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<DeclarationTolerance>,
    /// The items, in the order in which they are declared, then as found.
    pub rows: Vec<Row>,
}

impl Comparison {
    /// The rows to take up with the household.
    pub fn to_verify(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.follow_up == FollowUp::Verify)
    }
}

/// Compares the two sides.
///
/// Statements with equal keys are of one payment and are compared with each other. The others are compared by
/// item, in total: a declaration does not carry a department's account numbers. Records of one payment by
/// several departments count once. Where there is a conclusive record, hints about the same item say nothing.
pub fn compare(sides: &Sides, tolerance: Option<DeclarationTolerance>) -> Comparison {
    let rows = sides.groups().into_iter().map(|group| row(group, sides, tolerance)).collect();
    Comparison { from: sides.from, to: sides.to, property_on: sides.property_on, tolerance, rows }
}

fn row(group: sides::Group<'_>, sides: &Sides, tolerance: Option<DeclarationTolerance>) -> Row {
    let stated = |statements: &[&Statement]| {
        let (first, rest) = statements.split_first()?;
        let said = rest.iter().fold(first.said.clone(), |all, more| all.and(&more.said));
        Some(Stated { said, evidence: statements.iter().filter_map(|statement| statement.evidence).collect() })
    };
    let weight = group.found.first().and_then(|statement| statement.authority());
    let (declared, found) = (stated(&group.declared), stated(&group.found));
    let mut row = Row {
        item: group.item.clone(),
        difference: None,
        difference_count: None,
        allowance: None,
        weight,
        result: Outcome::Agrees,
        unchecked: None,
        departments: group.departments(),
        follow_up: FollowUp::None,
        declared,
        found,
    };
    match (&row.declared, &row.found) {
        (Some(declared), Some(found)) => {
            let (declared, found) = (declared.said.clone(), found.said.clone());
            difference(&mut row, &declared, &found, tolerance);
        }
        (None, Some(_)) => row.result = Outcome::NotDeclared,
        (Some(_), None) => looked_for(&mut row, sides.covers(group.item)),
        (None, None) => {}
    }
    row.follow_up = follow_up(&row);
    row
}

fn difference(row: &mut Row, declared: &Said, found: &Said, tolerance: Option<DeclarationTolerance>) {
    match (declared, found) {
        (Said::Amount(declared), Said::Amount(found)) => {
            let apart = found.fen().saturating_sub(declared.fen());
            row.difference = Some(Money::from_fen(apart));
            row.allowance = tolerance.map(|tolerance| allowance(tolerance, *declared));
            row.result = match row.allowance {
                _ if apart == 0 => Outcome::Agrees,
                None => Outcome::Unjudged,
                Some(allowance) if apart.saturating_abs() <= allowance.fen() => Outcome::WithinTolerance,
                Some(_) if apart > 0 => Outcome::MoreFound,
                Some(_) => Outcome::LessFound,
            };
        }
        (Said::Count(declared), Said::Count(found)) => {
            let apart = i64::from(*found) - i64::from(*declared);
            row.difference_count = Some(apart);
            row.result = match apart {
                0 => Outcome::Agrees,
                1.. => Outcome::MoreFound,
                _ => Outcome::LessFound,
            };
        }
        (declared, found) if declared == found => row.result = Outcome::Agrees,
        _ => row.result = Outcome::Differs,
    }
}

/// The larger of the two allowances; a share of a fen allows no fen.
fn allowance(tolerance: DeclarationTolerance, declared: Money) -> Money {
    let size = Exact::from_fen(declared.fen().saturating_abs());
    let share = tolerance.percent.and_then(|percent| percent.percent_of(size).ok()?.floor_fen().ok()).unwrap_or(0);
    tolerance.amount.unwrap_or(Money::ZERO).max(Money::from_fen(share))
}

/// Declared and not found: not found by whoever answered, or not looked for.
fn looked_for(row: &mut Row, covers: &[Cover]) {
    let by = |looked: Looked| covers.iter().filter(move |cover| cover.looked == looked);
    let named = |looked: Looked| -> Vec<DepartmentId> {
        let mut departments: Vec<DepartmentId> = by(looked).map(|cover| cover.department.clone()).collect();
        departments.dedup();
        departments
    };
    // One silent department might hold the record that the others do not.
    if by(Looked::Silent).next().is_some() {
        (row.result, row.unchecked) = (Outcome::NotChecked, Some(Unchecked::Silent));
        row.departments = named(Looked::Silent);
    } else if by(Looked::Answered).next().is_some() {
        row.result = Outcome::NotFound;
        row.departments = named(Looked::Answered);
        let is_conclusive = by(Looked::Answered).any(|cover| cover.authority == Authority::Conclusive);
        row.weight = Some(if is_conclusive { Authority::Conclusive } else { Authority::Hint });
    } else {
        let why = if covers.is_empty() { Unchecked::NobodyHolds } else { Unchecked::NotAsked };
        (row.result, row.unchecked) = (Outcome::NotChecked, Some(why));
    }
}

fn is_more(row: &Row) -> bool {
    row.difference.is_some_and(|apart| apart > Money::ZERO)
}

fn follow_up(row: &Row) -> FollowUp {
    let (is_hint, against) = (row.weight == Some(Authority::Hint), row.item.weighs_against());
    match row.result {
        // Nothing adverse, and nothing favourable either, rests on a hint: the household is asked.
        Outcome::Unjudged if is_hint && is_more(row) == against => FollowUp::Verify,
        Outcome::MoreFound | Outcome::NotDeclared | Outcome::Differs if is_hint => FollowUp::Verify,
        Outcome::LessFound | Outcome::NotFound if !against => FollowUp::Verify,
        Outcome::Unjudged => FollowUp::Judge,
        Outcome::Differs => FollowUp::Explain,
        Outcome::MoreFound | Outcome::NotDeclared if against && !matches!(row.item, Item::Education { .. }) => {
            FollowUp::Explain
        }
        _ => FollowUp::None,
    }
}

#[cfg(test)]
mod tests;
