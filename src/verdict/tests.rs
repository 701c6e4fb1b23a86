//! Tests of whole verdicts: `semantics.md` line by line, and the algebra that must always hold.

use std::sync::LazyLock;

use jiff::civil::{Date, date};

use super::facts::{AssetItem, EvidenceId, ExpenditureItem, FactGap, Facts, IncomeItem, MemberFacts, Source};
use super::{Verdict, evaluate};
use crate::domain::dataset::{Catalogue, DepartmentId};
use crate::domain::declaration::{Capability, Event, Obligor, Prior};
use crate::domain::division::DivisionCode;
use crate::domain::fact::{Disability, EducationStage, ExpenditureKind, IncomeCategory, Kind};
use crate::domain::household::{LabourCapacity, MemberRef, RelationCode, Stability};
use crate::domain::money::Money;
use crate::domain::outcome::GapReason;
use crate::policy::{ParameterSet, Parameters};

mod bounds;
mod completions;
mod identity;
mod open_rules;
mod outcomes;
mod properties;
mod semantics;
mod sparing;
mod told;
mod unknowns;
mod views;
mod words;

/// The inline set of the listed cases, changed by a test.
fn parameters_with(name: &str, change: impl FnOnce(&mut serde_json::Value)) -> Parameters {
    static LISTED: LazyLock<serde_json::Value> =
        LazyLock::new(|| serde_json::from_str(include_str!("../../tests/cases/listed.json")).unwrap());
    let mut set = LISTED["parameter_sets"][name].clone();
    change(&mut set);
    serde_json::from_value::<ParameterSet>(set).unwrap().parameters(name).unwrap()
}

fn urban() -> Parameters {
    static URBAN: LazyLock<Parameters> = LazyLock::new(|| parameters_with("IM_WLHT_URBAN", |_| {}));
    URBAN.clone()
}

fn yuan(text: &str) -> Money {
    match text.strip_prefix('-') {
        Some(rest) => Money::from_fen(-Money::parse(rest).unwrap().fen()),
        None => Money::parse(text).unwrap(),
    }
}

fn kind(text: &str) -> Kind {
    Kind::parse(text).unwrap()
}

fn department(text: &str) -> Source {
    Source::Department(DepartmentId::parse(text).unwrap())
}

/// A member as most are: grown, able, employed, with family in the household.
fn member(reference: &str, born_on: Date, relation: &str) -> MemberFacts {
    MemberFacts {
        reference: MemberRef::parse(reference).unwrap(),
        born_on,
        relation: RelationCode::parse(relation).unwrap(),
        death_date: None,
        exclusion: None,
        disability: None,
        severe_illness: false,
        education_stage: None,
        labour_capacity: LabourCapacity::Full,
        employed: true,
        authorised: true,
        obligor_in_household: true,
        adl_failed_count: 0,
        was_tekun: false,
        chose_orphan_benefit: false,
        job_refusals: 0,
    }
}

/// A person living alone, without family, without capacity to work.
fn alone(born_on: Date) -> Facts {
    let mut facts = household("0");
    facts.members = vec![MemberFacts {
        labour_capacity: LabourCapacity::None,
        employed: false,
        obligor_in_household: false,
        ..member("m1", born_on, "02")
    }];
    facts.incomes.clear();
    facts
}

fn income(member: usize, category: IncomeCategory, name: &str, amount: &str) -> IncomeItem {
    IncomeItem {
        member,
        category,
        kind: kind(name),
        amount_12m: yuan(amount),
        basic_portion_12m: None,
        paid_after_death: false,
        dedupe_key: None,
        source: Source::Declared,
        evidence: EvidenceId(1),
    }
}

fn asset(name: &str, value: &str) -> AssetItem {
    AssetItem {
        kind: kind(name),
        value: yuan(value),
        count: 1,
        exempt_kind: None,
        source: Source::Declared,
        evidence: EvidenceId(2),
    }
}

fn spent(kind: ExpenditureKind, gross: &str, covered: &str, paid_on: Date) -> ExpenditureItem {
    ExpenditureItem {
        member: 0,
        kind,
        gross: yuan(gross),
        covered: yuan(covered),
        paid_on,
        public_benchmark: None,
        source: department("medical_insurance"),
        evidence: EvidenceId(3),
    }
}

fn obligor(supports: &[&str], income: &str) -> Obligor {
    Obligor {
        obligor_id: "o1".to_owned(),
        relation_code: RelationCode::parse("20").unwrap(),
        supports: supports.iter().map(|reference| MemberRef::parse(reference).unwrap()).collect(),
        supported_total: 2,
        household_size: 3,
        household_income_12m: yuan(income),
        capability: Capability::Able,
        judgment_12m: None,
    }
}

fn event(route: &str, place: &str, first_aid_at: Option<&str>) -> Event {
    Event {
        kind: kind("FIRE"),
        route: kind(route),
        occurred_at: "2025-03-14T21:30:00+08:00".parse().unwrap(),
        reported_at: "2025-03-14T22:00:00+08:00".parse().unwrap(),
        first_aid_at: first_aid_at.map(|at| at.parse().unwrap()),
        place_region: DivisionCode::parse(place).unwrap(),
    }
}

/// What the catalogue says a department's silence leaves open.
fn silent(name: &str) -> FactGap {
    let catalogue = Catalogue::shipped();
    let department = catalogue.departments().iter().find(|department| department.id.as_str() == name).unwrap();
    FactGap {
        department: department.id.clone(),
        reason: GapReason::Timeout,
        effects: department.if_missing.clone(),
        ages: department.if_missing_ages,
        members: Vec::new(),
    }
}

/// A couple with a child in Ulanhot on 15 March 2025 with one income: the line is 29 844.00, the
/// low-income line 44 766.00, the limit of financial assets 59 688.00.
fn household(business_income: &str) -> Facts {
    let child = MemberFacts {
        labour_capacity: LabourCapacity::None,
        employed: false,
        education_stage: Some(EducationStage::Primary),
        ..member("m3", date(2014, 9, 1), "31")
    };
    Facts {
        assessed_on: date(2025, 3, 15),
        hukou_region: DivisionCode::parse("152201").unwrap(),
        emergency_only: false,
        stability: Stability::Stable,
        members: vec![member("m1", date(1986, 5, 2), "02"), member("m2", date(1988, 8, 19), "12"), child],
        incomes: vec![income(0, IncomeCategory::Operating, "BUSINESS", business_income)],
        assets: vec![asset("DEPOSIT", "3000.00"), asset("DWELLING", "0.00")],
        expenditures: Vec::new(),
        obligors: Vec::new(),
        events: Vec::new(),
        prior: Prior::default(),
        gaps: Vec::new(),
        spared: Vec::new(),
    }
}

const DISABLED: Disability = Disability { category: 4, grade: 2 };

/// The verdict as JSON, for comparisons with what goes on the wire.
fn wire(verdict: &Verdict) -> serde_json::Value {
    serde_json::to_value(verdict).unwrap()
}

fn verdict(facts: &Facts) -> Verdict {
    evaluate(facts, &urban()).unwrap()
}

fn circle(facts: &Facts) -> &'static str {
    verdict(facts).circle().map_or("PENDING", super::circle::Circle::as_str)
}

fn has_flag(verdict: &Verdict, flag: &str) -> bool {
    verdict.flags.iter().any(|own| own == flag)
}

fn has_reason(verdict: &Verdict, code: &str) -> bool {
    verdict.reason_codes.iter().any(|own| own == code)
}

fn counted(facts: &Facts) -> String {
    verdict(facts).computed.unwrap().sums.unwrap().countable_income_12m.yuan()
}
