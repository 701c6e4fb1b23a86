//! From a request and the departments' answers to the facts a verdict rests on.
//!
//! What a department says of a person stands beside what the household declares; each item keeps its
//! source and its evidence. Nothing is guessed: a missing answer is a gap, never an empty list. Only conclusive
//! records become facts: a hint settles nothing, it is compared with the declaration and no more.

mod overlap;
mod statements;

use jiff::Timestamp;
use jiff::civil::Date;

use self::overlap::Covered;
use self::statements::{declared_of, found_of, is_of_member};
use super::evidence::Evidence;
use super::request::VerificationRequest;
use crate::domain::dataset::{Authority, Catalogue, DatasetId, DepartmentId};
use crate::domain::declaration::DeclaredMember;
use crate::domain::fact::{Asset, Disability, EducationStage, Fact, Income};
use crate::domain::household::{LabourCapacity, Member, MemberRef};
use crate::domain::money::Money;
use crate::domain::outcome::{Answer, Freshness, GapReason};
use crate::domain::period::Period;
use crate::federation::ask::DepartmentOutcome;
use crate::federation::region::Region;
use crate::verdict::comparison::{self, Item, Looked, Sides, Statement};
use crate::verdict::facts::{AssetItem, EvidenceId, ExpenditureItem, FactGap, Facts, IncomeItem, MemberFacts, Source};

/// The facts, and the evidence of each item.
#[derive(Debug)]
pub struct Assembled<'a> {
    /// The facts.
    pub facts: Facts,
    /// Their evidence, in the order of its ids.
    pub evidence: Vec<Evidence<'a>>,
    /// Everything said, by household and departments, hints included.
    statements: Vec<Statement>,
    window: Period,
}

impl Assembled<'_> {
    /// The two sides, to be compared once: what was said, and for what is declared who could have known.
    pub fn sides(&mut self, outcomes: &[DepartmentOutcome], catalogue: &Catalogue, trusted: &[DepartmentId]) -> Sides {
        let answered = |department: &DepartmentId, dataset: &DatasetId, member: Option<usize>| {
            // A department that was asked twice may have answered first and been silent then.
            let own = || outcomes.iter().filter(|outcome| outcome.department == *department);
            let members = own().filter_map(|outcome| outcome.result.as_ref().ok()).flatten();
            let mut of_member = members.filter(|answers| member.is_none_or(|index| answers.member == index));
            if of_member.any(|answers| answers.answers.iter().any(|(answer, _)| answer.dataset == *dataset)) {
                Looked::Answered
            } else if own().any(|outcome| outcome.result.is_err() && is_about(outcome.region.as_deref(), member)) {
                Looked::Silent
            } else {
                Looked::NotAsked
            }
        };
        let facts = &self.facts;
        let mut sides = Sides {
            from: self.window.from,
            to: self.window.to,
            property_on: facts.assessed_on,
            statements: std::mem::take(&mut self.statements),
            covers: Vec::new(),
            trusted: trusted.to_vec(),
        };
        sides.find_covers(|item| {
            let member = item.member();
            let index = member.and_then(|member| facts.members.iter().position(|own| own.reference == *member));
            comparison::covers(catalogue, item, |dataset| answered(&dataset.department, &dataset.id, index))
        });
        sides
    }
}

/// Whether what was asked of a region was asked about this member; of no region, about everybody.
fn is_about(region: Option<&Region>, member: Option<usize>) -> bool {
    region.zip(member).is_none_or(|(region, member)| region.members.contains(&member))
}

/// One answer about one member.
struct Said<'a> {
    member: usize,
    person: &'a Member,
    department: &'a DepartmentId,
    authority: Authority,
    answer: &'a Answer,
    freshness: Freshness,
}

impl Said<'_> {
    const fn is_conclusive(&self) -> bool {
        matches!(self.authority, Authority::Conclusive)
    }
}

struct Assembly<'a> {
    request: &'a VerificationRequest,
    period: Period,
    used_at: Timestamp,
    evidence: Vec<Evidence<'a>>,
    statements: Vec<Statement>,
}

/// Puts the facts together. `authorised` says of each member whether a valid signature covers them.
pub fn assemble<'a>(
    request: &'a VerificationRequest,
    authorised: &[bool],
    outcomes: &'a [DepartmentOutcome],
    catalogue: &Catalogue,
    window_months: u8,
    used_at: Timestamp,
) -> Assembled<'a> {
    let mut said: Vec<Said<'a>> = outcomes
        .iter()
        .flat_map(|outcome| outcome.result.iter().flatten().map(move |answers| (&outcome.department, answers)))
        .flat_map(|(department, answers)| {
            let person = request.household.members.get(answers.member);
            // What holds no facts says nothing here; most answers are of this kind.
            let telling = answers.answers.iter().filter(|(answer, _)| !answer.facts.is_empty());
            telling.filter_map(move |(answer, freshness)| {
                let authority = catalogue.dataset(&answer.dataset)?.authority;
                Some(Said {
                    member: answers.member,
                    person: person?,
                    department,
                    authority,
                    answer,
                    freshness: *freshness,
                })
            })
        })
        .collect();
    if outcomes.iter().any(|outcome| outcome.region.is_some()) {
        // As one hub that holds everything would have put it together: which hub said it changes no verdict.
        let place = |id: &DepartmentId| catalogue.departments().iter().position(|own| own.id == *id);
        said.sort_by_key(|said| (place(said.department), said.member));
    }
    let mut assembly = Assembly {
        request,
        period: Period::months_before(request.assessed_on, window_months),
        used_at,
        evidence: Vec::new(),
        statements: Vec::new(),
    };
    let members: Vec<MemberFacts> = request
        .household
        .members
        .iter()
        .enumerate()
        .map(|(index, member)| {
            let of_member: Vec<&Said<'a>> = said.iter().filter(|said| said.member == index).collect();
            assembly.member(member, authorised.get(index).copied().unwrap_or(false), &of_member)
        })
        .collect();
    let incomes = assembly.incomes(&said, &members);
    let assets = assembly.assets(&said);
    let expenditures = assembly.expenditures(&said);
    let facts = Facts {
        assessed_on: request.assessed_on,
        hukou_region: request.household.hukou_region,
        emergency_only: request.emergency_only,
        stability: request.declaration.income_stability,
        members,
        incomes,
        assets,
        expenditures,
        obligors: request.declaration.obligors.clone(),
        events: request.declaration.events.clone(),
        prior: request.prior.clone(),
        gaps: gaps(outcomes, catalogue),
        spared: Vec::new(),
    };
    Assembled { facts, evidence: assembly.evidence, statements: assembly.statements, window: assembly.period }
}

/// The gaps, in catalogue order, each with what it leaves open.
pub(super) fn gaps(outcomes: &[DepartmentOutcome], catalogue: &Catalogue) -> Vec<FactGap> {
    let missing = |id: &DepartmentId| -> Option<(GapReason, Vec<usize>)> {
        // A department that was asked twice may have answered first and been silent then.
        let own = outcomes.iter().filter(|outcome| outcome.department == *id);
        let silent = own.filter_map(|outcome| Some((outcome.result.as_ref().err()?, outcome.region.as_deref())));
        let silent: Vec<(&GapReason, Option<&Region>)> = silent.collect();
        let (reason, _) = silent.first()?;
        let regions: Option<Vec<&Region>> = silent.iter().map(|(_, region)| *region).collect();
        // Each member is of one region. Without one, everybody was asked about together.
        let mut members: Vec<usize> = regions.iter().flatten().flat_map(|region| &region.members).copied().collect();
        members.sort_unstable();
        members.dedup();
        Some((**reason, members))
    };
    catalogue
        .departments()
        .iter()
        .filter_map(|department| {
            missing(&department.id).map(|(reason, members)| FactGap {
                department: department.id.clone(),
                reason,
                members,
                effects: department.if_missing.clone(),
                ages: department.if_missing_ages,
            })
        })
        .collect()
}

impl<'a> Assembly<'a> {
    fn declared(&mut self, pointer: String) -> EvidenceId {
        let id = self.next();
        self.evidence.push(Evidence::Declared { id, pointer, covered_by: Vec::new() });
        id
    }

    /// Notes beside declared evidence the records that speak of the same.
    fn note_covered(&mut self, covered: Vec<Covered>) {
        for Covered { declared, by } in covered {
            let own = self.evidence.iter_mut().find_map(|evidence| match evidence {
                Evidence::Declared { id, covered_by, .. } if *id == declared => Some(covered_by),
                _ => None,
            });
            if let Some(covered_by) = own {
                *covered_by = by;
            }
        }
    }

    fn state(&mut self, item: Item, said: comparison::Said, by: Option<&Said<'a>>, evidence: Option<EvidenceId>) {
        let record = by.map(|by| (by.department.clone(), by.authority));
        self.statements.push(Statement { item, key: None, said, record, evidence });
    }

    fn answered(&mut self, said: &Said<'a>, facts: Vec<&'a Fact>) -> EvidenceId {
        let id = self.next();
        let reference: &'a MemberRef = &said.person.reference;
        self.evidence.push(Evidence::of_answer(
            id,
            reference,
            said.department,
            (said.answer, said.authority),
            said.freshness,
            self.used_at,
            facts,
        ));
        id
    }

    fn next(&self) -> EvidenceId {
        EvidenceId(u32::try_from(self.evidence.len()).unwrap_or(u32::MAX))
    }

    /// What is known of a member: a conclusive record outweighs the declaration; a hint does not.
    fn member(&mut self, member: &Member, authorised: bool, said: &[&Said<'a>]) -> MemberFacts {
        let declared = self.request.declaration.members.iter().find(|declared| declared.reference == member.reference);
        for (item, said) in declared.map_or_else(Vec::new, declared_of) {
            self.state(item, said, None, None);
        }
        let mut death_date: Option<Date> = declared.and_then(|declared| declared.death_date);
        let mut severe_illness = declared.is_some_and(|declared| declared.severe_illness);
        let mut employed = declared.is_some_and(|declared| declared.employed);
        let mut disability: Option<Disability> = None;
        let mut stage: Option<EducationStage> = None;
        for said in said {
            let mut used = Vec::new();
            let mut found = Vec::new();
            for fact in said.answer.facts.iter() {
                if !is_of_member(fact) {
                    continue;
                }
                found.extend(found_of(&member.reference, fact));
                used.push(fact);
                if !said.is_conclusive() {
                    continue;
                }
                match fact {
                    Fact::Death(death) => {
                        death_date = Some(death_date.map_or(death.died_on, |known| known.min(death.died_on)));
                    }
                    Fact::Diagnosis(diagnosis) => severe_illness |= diagnosis.severe,
                    // Several certificates are graded by the most severe (GB/T 26341-2010).
                    Fact::Disability(other) if disability.is_none_or(|known| other.grade < known.grade) => {
                        disability = Some(*other);
                    }
                    Fact::Enrolment(enrolment) => {
                        stage = Some(stage.map_or(enrolment.stage, |known| later_stage(known, enrolment.stage)));
                    }
                    Fact::Employment(employment) => employed |= employment.employed,
                    _ => {}
                }
            }
            if !used.is_empty() {
                let evidence = self.answered(said, used);
                for (item, what) in found {
                    self.state(item, what, Some(said), Some(evidence));
                }
            }
        }
        let plain = |read: fn(&DeclaredMember) -> bool| declared.is_some_and(read);
        MemberFacts {
            reference: member.reference.clone(),
            born_on: member.id_number.born_on(),
            relation: member.relation,
            death_date,
            exclusion: declared.and_then(|declared| declared.exclusion.clone()),
            disability: disability.or_else(|| declared.and_then(|declared| declared.disability)),
            severe_illness,
            education_stage: stage.or_else(|| declared.and_then(|declared| declared.education_stage)),
            labour_capacity: declared.map_or(LabourCapacity::None, |declared| declared.labour_capacity),
            employed,
            authorised,
            obligor_in_household: plain(|declared| declared.obligor_in_household),
            adl_failed_count: declared.map_or(0, |declared| declared.adl_failed_count),
            was_tekun: plain(|declared| declared.was_tekun),
            chose_orphan_benefit: plain(|declared| declared.chose_orphan_benefit),
            job_refusals: declared.map_or(0, |declared| declared.job_refusals),
        }
    }

    /// Declared and found income. Payments of one series (one person, dataset, kind and account) become one item.
    fn incomes(&mut self, said: &[Said<'a>], members: &[MemberFacts]) -> Vec<IncomeItem> {
        let request = self.request;
        let mut items = Vec::new();
        for (index, income) in request.declaration.incomes.iter().enumerate() {
            let Some(member) = request.household.index_of(&income.reference) else { continue };
            let evidence = self.declared(format!("/declaration/incomes/{index}"));
            self.statements.push(Statement {
                item: Item::Income { member: income.reference.clone(), kind: income.kind.clone() },
                key: income.dedupe_key.clone(),
                said: comparison::Said::Amount(income.amount_12m),
                record: None,
                evidence: Some(evidence),
            });
            items.push(IncomeItem {
                member,
                category: income.category,
                kind: income.kind.clone(),
                amount_12m: income.amount_12m,
                basic_portion_12m: income.basic_portion_12m,
                paid_after_death: income.paid_after_death,
                dedupe_key: income.dedupe_key.clone(),
                source: Source::Declared,
                evidence,
            });
        }
        for said in said {
            let death = members.get(said.member).and_then(|member| member.death_date);
            let mut series: Vec<Series<'_>> = Vec::new();
            for fact in said.answer.facts.iter() {
                let Fact::Income(income) = fact else { continue };
                if income.to < self.period.from || income.from > self.period.to {
                    continue;
                }
                let after_death = death.is_some_and(|death| income.from > death.last_of_month());
                match series.iter_mut().find(|series| series.takes(income, after_death)) {
                    Some(series) => series.facts.push((fact, income)),
                    None => series.push(Series { after_death, facts: vec![(fact, income)] }),
                }
            }
            for series in series {
                let Some((_, first)) = series.facts.first().copied() else { continue };
                let evidence = self.answered(said, series.facts.iter().map(|(fact, _)| *fact).collect());
                let amount_12m = sum(series.facts.iter().map(|(_, income)| income.amount));
                let dedupe_key = series_key(first).map(str::to_owned);
                self.statements.push(Statement {
                    item: Item::Income { member: said.person.reference.clone(), kind: first.kind.clone() },
                    key: dedupe_key.clone(),
                    said: comparison::Said::Amount(amount_12m),
                    record: Some((said.department.clone(), said.authority)),
                    evidence: Some(evidence),
                });
                if !said.is_conclusive() {
                    continue;
                }
                items.push(IncomeItem {
                    member: said.member,
                    category: first.category,
                    kind: first.kind.clone(),
                    amount_12m,
                    basic_portion_12m: first
                        .basic_portion
                        .map(|_| sum(series.facts.iter().filter_map(|(_, income)| income.basic_portion))),
                    paid_after_death: series.after_death,
                    dedupe_key,
                    source: Source::Department(said.department.clone()),
                    evidence,
                });
            }
        }
        self.note_covered(overlap::of_incomes(&mut items));
        items
    }

    /// Declared and found property. One thing filed under several owners counts once.
    fn assets(&mut self, said: &[Said<'a>]) -> Vec<AssetItem> {
        let mut items = Vec::new();
        for (index, asset) in self.request.declaration.assets.iter().enumerate() {
            let evidence = self.declared(format!("/declaration/assets/{index}"));
            let count = asset.count.unwrap_or(1);
            let (item, said) = Item::asset(&asset.kind, asset.exempt_kind.is_some(), asset.value, count);
            self.state(item, said, None, Some(evidence));
            items.push(AssetItem {
                kind: asset.kind.clone(),
                value: asset.value,
                count,
                exempt_kind: asset.exempt_kind.clone(),
                source: Source::Declared,
                evidence,
            });
        }
        let mut counted: Vec<(&DepartmentId, &str, bool)> = Vec::new();
        for said in said {
            for fact in said.answer.facts.iter() {
                let Fact::Asset(asset) = fact else { continue };
                if let Some(key) = asset.dedupe_key.as_deref() {
                    // A hint is spoken for by a record of the same thing, never the other way round.
                    let is_counted = |as_record| counted.contains(&(said.department, key, as_record));
                    if is_counted(true) || is_counted(said.is_conclusive()) {
                        continue;
                    }
                    counted.push((said.department, key, said.is_conclusive()));
                }
                let evidence = self.answered(said, vec![fact]);
                let found = asset_item(asset, said.department, evidence);
                let (item, what) = Item::asset(&found.kind, found.exempt_kind.is_some(), found.value, found.count);
                self.state(item, what, Some(said), Some(evidence));
                if said.is_conclusive() {
                    items.push(found);
                }
            }
        }
        self.note_covered(overlap::of_assets(&mut items));
        items
    }

    fn expenditures(&mut self, said: &[Said<'a>]) -> Vec<ExpenditureItem> {
        let request = self.request;
        let mut items = Vec::new();
        for (index, expenditure) in request.declaration.expenditures.iter().enumerate() {
            let Some(member) = request.household.index_of(&expenditure.reference) else { continue };
            let evidence = self.declared(format!("/declaration/expenditures/{index}"));
            if self.period.contains(expenditure.paid_on) {
                let item = Item::Expenditure { member: expenditure.reference.clone(), kind: expenditure.kind };
                self.state(item, comparison::borne(expenditure.gross, expenditure.covered), None, Some(evidence));
            }
            items.push(ExpenditureItem {
                member,
                kind: expenditure.kind,
                gross: expenditure.gross,
                covered: expenditure.covered,
                paid_on: expenditure.paid_on,
                public_benchmark: expenditure.public_benchmark,
                source: Source::Declared,
                evidence,
            });
        }
        for said in said {
            for fact in said.answer.facts.iter() {
                let Fact::Expenditure(expenditure) = fact else { continue };
                let evidence = self.answered(said, vec![fact]);
                if self.period.contains(expenditure.paid_on) {
                    let member = said.person.reference.clone();
                    let item = Item::Expenditure { member, kind: expenditure.kind };
                    let borne = comparison::borne(expenditure.gross, expenditure.covered);
                    self.state(item, borne, Some(said), Some(evidence));
                }
                if !said.is_conclusive() {
                    continue;
                }
                items.push(ExpenditureItem {
                    member: said.member,
                    kind: expenditure.kind,
                    gross: expenditure.gross,
                    covered: expenditure.covered,
                    paid_on: expenditure.paid_on,
                    public_benchmark: expenditure.benchmark,
                    source: Source::Department(said.department.clone()),
                    evidence,
                });
            }
        }
        self.note_covered(overlap::of_expenditures(&mut items, self.period));
        items
    }
}

/// Payments that are one income: same kind and account, on the same side of a death.
struct Series<'a> {
    after_death: bool,
    facts: Vec<(&'a Fact, &'a Income)>,
}

impl Series<'_> {
    fn takes(&self, income: &Income, after_death: bool) -> bool {
        self.after_death == after_death
            && self.facts.first().is_some_and(|(_, first)| {
                first.category == income.category
                    && first.kind == income.kind
                    && first.basic_portion.is_some() == income.basic_portion.is_some()
                    && series_key(first) == series_key(income)
            })
    }
}

/// The part of a dedupe key that names the series: monthly payments carry `series@month`.
fn series_key(income: &Income) -> Option<&str> {
    income.dedupe_key.as_deref().map(|key| key.split_once('@').map_or(key, |(series, _)| series))
}

/// The sum of amounts, each at most 10^15 fen and few enough not to overflow; saturated all the same.
fn sum(amounts: impl Iterator<Item = Money>) -> Money {
    amounts.fold(Money::ZERO, |total, amount| total.checked_add(amount).unwrap_or(Money::from_fen(i64::MAX)))
}

fn asset_item(asset: &Asset, department: &DepartmentId, evidence: EvidenceId) -> AssetItem {
    AssetItem {
        kind: asset.kind.clone(),
        value: asset.value,
        count: asset.count.unwrap_or(1),
        exempt_kind: asset.exempt_kind.clone(),
        source: Source::Department(department.clone()),
        evidence,
    }
}

/// The later of two stages, in the order of [`EducationStage`].
fn later_stage(left: EducationStage, right: EducationStage) -> EducationStage {
    if (right as u8) > (left as u8) { right } else { left }
}

#[cfg(test)]
mod tests;
