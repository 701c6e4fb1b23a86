//! Which open questions to ask next, so that departments are asked least (`docs/decisions/0019-minimal-disclosure-keeps-the-verdict.md`).
//!
//! Two suppositions choose the order, and only the order; whether a question can be spared is [`stands()`]'s to say.
//! Departments confirm what is declared: what would be needed then is needed. One department comes up with a
//! surprise: where that would save requests to others, it is asked before them. The same facts and questions
//! give the same order.

use super::{Question, is_read, stands};
use crate::domain::dataset::{DepartmentId, MissingEffect, Sensitivity};
use crate::domain::fact::{EducationStage, ExpenditureKind, FactKind, IncomeCategory, Kind};
use crate::domain::money::Money;
use crate::domain::period::age_on;
use crate::policy::Rules;
use crate::verdict::expenditure::window;
use crate::verdict::facts::{AssetItem, EvidenceId, ExpenditureItem, Facts, IncomeItem, Source};

/// Income or spending that is above every line of any household there is: ten billion yuan.
const AMPLE: Money = Money::from_fen(1_000_000_000_000);

/// Questions to ask side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round<'a> {
    /// The questions.
    pub questions: Vec<Question<'a>>,
    /// The departments that wait because a surprise in the answers would spare them.
    pub might_spare: Vec<DepartmentId>,
}

/// How many rounds others may wait for: each costs the time of the slowest department in it.
pub const MOST_WAITING: usize = 3;

/// The questions to ask next; none when the verdict stands. Unless others `may_wait`, they go side by side.
pub fn next<'a>(facts: &Facts, rules: &Rules, open: &[Question<'a>], may_wait: bool) -> Option<Round<'a>> {
    let needed = needed(facts, rules, open);
    if needed.is_empty() {
        return None;
    }
    if may_wait && let Some((first, spared)) = deciders(facts, rules, &needed, open) {
        let is_asked = |question: &Question<'_>| first.contains(&&question.department.id);
        let questions = needed.iter().copied().filter(is_asked).collect();
        return Some(Round { questions, might_spare: spared.into_iter().cloned().collect() });
    }
    Some(Round { questions: needed, might_spare: Vec::new() })
}

/// The rounds there will be if every department only confirms what is declared.
pub fn foresee<'a>(facts: &Facts, rules: &Rules, open: &[Question<'a>]) -> Vec<Round<'a>> {
    let mut open = open.to_vec();
    let mut rounds = Vec::new();
    while let Some(round) = next(facts, rules, &open, rounds.len() < MOST_WAITING) {
        open.retain(|question| !round.questions.contains(question));
        rounds.push(round);
    }
    rounds
}

/// The questions without which the verdict would be open even if every department confirmed what is declared:
/// none of them can be left out. What is most sensitive is tried first to be spared.
pub fn needed<'a>(facts: &Facts, rules: &Rules, open: &[Question<'a>]) -> Vec<Question<'a>> {
    let mut sparing = Sparing { facts, rules, spared: Vec::new() };
    if sparing.can_do_without(open) {
        return Vec::new();
    }
    let read: Vec<Question<'a>> = open.iter().copied().filter(|question| is_read(facts, question)).collect();
    for department in by_sensitivity(&read) {
        let own: Vec<_> = read.iter().copied().filter(|question| question.department.id == *department).collect();
        if sparing.can_do_without(&own) {
            continue;
        }
        let mut datasets: Vec<_> = own.iter().map(|question| &question.dataset.id).collect();
        datasets.sort_unstable();
        datasets.dedup();
        for dataset in datasets {
            let about: Vec<_> = own.iter().copied().filter(|question| question.dataset.id == *dataset).collect();
            if about.len() > 1 && sparing.can_do_without(&about) {
                continue;
            }
            for question in about {
                sparing.can_do_without(&[question]);
            }
        }
    }
    read.into_iter().filter(|question| !sparing.spared.contains(question)).collect()
}

/// The departments of [`needed`], without looking for single questions that each could be spared.
fn needed_departments<'q>(facts: &Facts, rules: &Rules, open: &'q [Question<'_>]) -> Vec<&'q DepartmentId> {
    let mut sparing = Sparing { facts, rules, spared: Vec::new() };
    if sparing.can_do_without(open) {
        return Vec::new();
    }
    let read: Vec<Question<'_>> = open.iter().copied().filter(|question| is_read(facts, question)).collect();
    let mut needed = Vec::new();
    for department in by_sensitivity(open) {
        let own: Vec<_> = read.iter().copied().filter(|question| question.department.id == *department).collect();
        if !own.is_empty() && !sparing.can_do_without(&own) {
            needed.push(department);
        }
    }
    needed
}

/// Questions found to be needless so far, on what is known.
struct Sparing<'f, 'a> {
    facts: &'f Facts,
    rules: &'f Rules,
    spared: Vec<Question<'a>>,
}

impl<'a> Sparing<'_, 'a> {
    /// Spares these questions as well when the verdict stands without them and all that is spared already.
    /// Amounts too large to compute with spare nothing.
    fn can_do_without(&mut self, questions: &[Question<'a>]) -> bool {
        let before = self.spared.len();
        self.spared.extend_from_slice(questions);
        let can = stands(self.facts, self.rules, &self.spared).unwrap_or(false);
        if !can {
            self.spared.truncate(before);
        }
        can
    }
}

/// The departments of these questions, those with the most sensitive ones first; in the order of the questions
/// where they are alike.
fn by_sensitivity<'q>(questions: &'q [Question<'_>]) -> Vec<&'q DepartmentId> {
    let mut departments: Vec<(&DepartmentId, usize)> = Vec::new();
    for question in questions {
        let sensitive = usize::from(question.dataset.sensitivity == Sensitivity::Sensitive);
        match departments.iter_mut().find(|(known, _)| **known == question.department.id) {
            Some((_, count)) => *count += sensitive,
            None => departments.push((&question.department.id, sensitive)),
        }
    }
    departments.sort_by_key(|(_, sensitive)| std::cmp::Reverse(*sensitive));
    departments.into_iter().map(|(department, _)| department).collect()
}

/// Departments to ask first, and those that a surprise of theirs would spare.
type Deciders<'q> = (Vec<&'q DepartmentId>, Vec<&'q DepartmentId>);

/// A department that might come up with a surprise, and what it would save.
struct Candidate<'q> {
    department: &'q DepartmentId,
    /// Requests to departments that asking it first would save, and how many answers might hold the surprise.
    saved: (usize, usize),
    surprised: Facts,
}

/// The department whose surprise would save most requests, if it saves half as many as there are others, and with
/// it those that might save requests too and would be asked the same whatever it says. None when that is everybody.
fn deciders<'q>(
    facts: &Facts,
    rules: &Rules,
    needed: &'q [Question<'_>],
    open: &[Question<'_>],
) -> Option<Deciders<'q>> {
    let departments = departments_of(needed);
    let left_after = |asked: &dyn Fn(&Question<'_>) -> bool| -> Vec<Question<'_>> {
        open.iter().copied().filter(|question| !(asked(question) && needed.contains(question))).collect()
    };
    let others = departments.len() - 1;
    let left_after_all = left_after(&|_| true);
    let candidate = |department: &&'q DepartmentId| -> Option<Candidate<'q>> {
        let is_own = |question: &Question<'_>| question.department.id == **department;
        let left = left_after(&is_own);
        let own: Vec<&Question<'_>> = needed.iter().filter(|question| is_own(question)).collect();
        let candidates = surprises(facts, rules, &own).into_iter().filter_map(|(surprised, answers)| {
            // Everybody now and some again, against this one now and the rest as it is needed then.
            let again = needed_departments(&surprised, rules, &left_after_all).len();
            let still = needed_departments(&surprised, rules, &left).len();
            let saved = (others + again).checked_sub(still).filter(|saved| *saved > 0 && 2 * saved >= others)?;
            Some(Candidate { department, saved: (saved, answers), surprised })
        });
        candidates.max_by_key(|candidate| candidate.saved)
    };
    let candidates: Vec<Candidate<'q>> = departments.iter().filter_map(candidate).collect();
    // The last of equals is taken, so turned round it is the first in the order of the catalogue.
    let first = candidates.iter().rev().max_by_key(|candidate| candidate.saved)?;
    let left = left_after(&|question| question.department.id == *first.department);
    let then = self::needed(&first.surprised, rules, &left);
    let asked_of = |questions: &[Question<'_>], id: &DepartmentId| -> Vec<(String, usize)> {
        let own = questions.iter().filter(|question| question.department.id == *id);
        own.map(|question| (question.dataset.id.to_string(), question.member)).collect()
    };
    let is_first = |id: &&DepartmentId| {
        *id == first.department
            || (candidates.iter().any(|other| other.department == *id) && asked_of(&then, id) == asked_of(needed, id))
    };
    let asked: Vec<&DepartmentId> = departments.iter().copied().filter(is_first).collect();
    let is_spared = |id: &&DepartmentId| !asked.contains(id) && asked_of(&then, id).is_empty();
    let spared = departments.iter().copied().filter(is_spared).collect();
    (asked.len() < departments.len()).then_some((asked, spared))
}

/// The departments of these questions, in their order.
fn departments_of<'q>(questions: &'q [Question<'_>]) -> Vec<&'q DepartmentId> {
    let mut departments: Vec<&DepartmentId> = Vec::new();
    for question in questions {
        if !departments.contains(&&question.department.id) {
            departments.push(&question.department.id);
        }
    }
    departments
}

/// The facts after each telling answer that these questions of one department might have, with how many answers
/// might hold it: property that fails, income or spending above every line where the catalogue expects it, a death,
/// a child in postgraduate study.
fn surprises(facts: &Facts, rules: &Rules, questions: &[&Question<'_>]) -> Vec<(Facts, usize)> {
    let Some(department) = questions.first().map(|question| question.department) else { return Vec::new() };
    let source = || Source::Department(department.id.clone());
    let evidence = EvidenceId(0);
    let born_on = |member: usize| facts.members.get(member).map(|member| member.born_on);
    let is_of_age = |member: usize| {
        let age = born_on(member).map_or(0, |born_on| age_on(born_on, facts.assessed_on));
        department.if_missing_ages.is_none_or(|(youngest, oldest)| (youngest..=oldest).contains(&age))
    };
    let asked = |fact: FactKind| -> Vec<usize> {
        let of_type = questions.iter().filter(|question| question.dataset.fact == fact);
        of_type.map(|question| question.member).collect()
    };
    let expected = |effect, fact: FactKind| {
        if department.if_missing.contains(&effect) { asked(fact) } else { Vec::new() }
    };
    let mut all = Vec::new();
    let mut surprise = |answers: usize, change: &dyn Fn(&mut Facts)| {
        if answers > 0 {
            let mut facts = facts.clone();
            change(&mut facts);
            all.push((facts, answers));
        }
    };
    surprise(expected(MissingEffect::PropertyMayFail, FactKind::Asset).len(), &|facts| {
        let (kind, source) = (Kind::of("NON_RESIDENTIAL"), source());
        facts.assets.push(AssetItem { kind, value: Money::ZERO, count: 1, exempt_kind: None, source, evidence });
    });
    let earners = expected(MissingEffect::IncomeUp, FactKind::Income);
    surprise(earners.len(), &|facts| {
        facts.incomes.extend(earners.iter().map(|member| IncomeItem {
            member: *member,
            category: IncomeCategory::Other,
            kind: Kind::of("OTHER"),
            amount_12m: AMPLE,
            basic_portion_12m: None,
            paid_after_death: false,
            dedupe_key: None,
            source: source(),
            evidence,
        }));
    });
    let mut spenders = expected(MissingEffect::ExpenditureUp, FactKind::Expenditure);
    spenders.retain(|member| is_of_age(*member));
    let paid_on = window(facts, rules).to;
    surprise(spenders.len(), &|facts| {
        facts.expenditures.extend(spenders.iter().map(|member| ExpenditureItem {
            member: *member,
            kind: ExpenditureKind::Medical,
            gross: AMPLE,
            covered: Money::ZERO,
            paid_on,
            public_benchmark: None,
            source: source(),
            evidence,
        }));
    });
    let mortals = asked(FactKind::Death);
    let eldest = mortals.iter().copied().min_by_key(|member| born_on(*member));
    surprise(mortals.len(), &|facts| {
        let today = facts.assessed_on;
        if let Some(member) = eldest.and_then(|eldest| facts.members.get_mut(eldest)) {
            member.death_date = Some(today);
        }
    });
    let students = asked(FactKind::Enrolment);
    surprise(students.len(), &|facts| {
        for student in &students {
            if let Some(member) = facts.members.get_mut(*student) {
                member.education_stage = Some(EducationStage::Master);
            }
        }
    });
    all
}
