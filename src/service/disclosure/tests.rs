//! Minimal disclosure against asking everybody: the same verdict, whatever departments know and whoever is silent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::Span;
use jiff::civil::{Date, date};
use serde_json::{Value, json};

use super::*;
use crate::domain::dataset::Dataset;
use crate::domain::fact::{Fact, FactKind};
use crate::domain::id_number::{IdNumber, SubjectKey};
use crate::domain::outcome::{Answer, Freshness, GapReason};
use crate::domain::suite::SuiteId;
use crate::policy::ParameterSet;
use crate::service::judge::judge;
use crate::service::request::VerificationRequest;
use crate::simulate::random::Random;
use crate::verdict::Verdict;

const ON: Date = date(2025, 3, 15);

/// The shipped catalogue with the fixture's seventh source, which knows of disability.
static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let shipped = include_str!("../../../schemas/catalogue.toml");
    let seventh = include_str!("../../../tests/fixtures/seventh_source/catalogue.toml");
    Catalogue::parse(&format!("{shipped}\n{seventh}")).unwrap()
});

fn parameters(name: &str) -> Parameters {
    static LISTED: LazyLock<Value> =
        LazyLock::new(|| serde_json::from_str(include_str!("../../../tests/cases/listed.json")).unwrap());
    let set: ParameterSet = serde_json::from_value(LISTED["parameter_sets"][name].clone()).unwrap();
    set.parameters(name).unwrap()
}

/// One household, and everything that departments know of it.
struct World {
    case: Case,
    parameters: Arc<Parameters>,
    /// By dataset and member; `no_record` where there is nothing.
    known: BTreeMap<(String, usize), Vec<Fact>>,
    silent: BTreeSet<String>,
}

fn now() -> Timestamp {
    Timestamp::from_second(1_760_000_000).unwrap()
}

impl World {
    fn matter(&self) -> Matter<'_> {
        Matter { case: &self.case, parameters: &self.parameters, catalogue: &CATALOGUE, now: now() }
    }

    fn plan(&self) -> Plan {
        self.case.question().plan(&CATALOGUE)
    }

    /// What departments say to a plan.
    fn answers(&self, plan: &Plan) -> Vec<DepartmentOutcome> {
        let answer = |department: &DepartmentPlan| {
            let members = department.subjects.iter().map(|subject| {
                let answers = subject.datasets.iter().map(|index| {
                    let dataset = CATALOGUE.datasets()[*index].id.clone();
                    let facts = self.known.get(&(dataset.to_string(), subject.member)).cloned().unwrap_or_default();
                    let answer = Answer {
                        dataset,
                        as_of: None,
                        adapter_version: "1".into(),
                        received_at: now(),
                        facts: facts.into(),
                        proof: None,
                        via: None,
                    };
                    (Arc::new(answer), Freshness::Live)
                });
                MemberAnswers { member: subject.member, answers: answers.collect() }
            });
            let silent = self.silent.contains(department.department.as_str()).then_some(GapReason::Timeout);
            let result = department.gap.or(silent).map_or_else(|| Ok(members.collect()), Err);
            DepartmentOutcome {
                department: department.department.clone(),
                region: None,
                result,
                told: None,
                elapsed: Duration::ZERO,
            }
        };
        plan.departments.iter().map(answer).collect()
    }

    fn verdict(&self, outcomes: &[DepartmentOutcome], spared: Vec<SparedQuestion>) -> Verdict {
        let mut assembled = assemble(&self.case.request, &self.case.authorised, outcomes, &CATALOGUE, 12, now());
        assembled.facts.spared = spared;
        judge(&assembled.facts, Some(&self.parameters), self.case.request.place)
    }

    fn in_full(&self) -> Verdict {
        self.verdict(&self.answers(&self.plan()), Vec::new())
    }

    /// Minimal disclosure to its end. Haste begins after some rounds, whose answers come last then; some answers are at
    /// hand.
    fn in_minimal(&self, haste_after: usize, at_hand: u64) -> (Inquest, Vec<Vec<String>>) {
        let mut minimal = Minimal::new(self.matter(), self.plan());
        let mut kept = minimal.readable();
        for department in &mut kept.departments {
            for subject in &mut department.subjects {
                subject.datasets.retain(|dataset| at_hand & (1 << (dataset % 64)) != 0);
            }
            department.subjects.retain(|subject| !subject.datasets.is_empty());
        }
        kept.departments.retain(|department| {
            !department.subjects.is_empty() && !self.silent.contains(department.department.as_str())
        });
        minimal.found(self.answers(&kept));
        let mut rounds = Vec::new();
        let mut late = None;
        loop {
            let in_haste = rounds.len() >= haste_after;
            let Some(plan) = minimal.next(in_haste) else {
                let Some(answers) = late.take() else { break };
                minimal.took(answers);
                continue;
            };
            rounds.push(plan.departments.iter().map(|department| department.department.to_string()).collect());
            if rounds.len() == haste_after {
                late = Some(self.answers(&plan));
            } else {
                minimal.took(self.answers(&plan));
            }
        }
        (minimal.finish(), rounds)
    }
}

/// Everything of a verdict that minimal disclosure keeps.
fn kept(verdict: &Verdict) -> Value {
    json!({
        "status": verdict.status, "circle": verdict.household_circle, "also_meets": verdict.also_meets,
        "members": verdict.member_outcomes, "emergency": verdict.emergency_overlay, "benefit": verdict.benefit_hint,
        "review": verdict.review_cycle_months, "possible": verdict.possible_circles,
        "possibilities": verdict.possibilities, "blocking": verdict.blocking_departments, "referral": verdict.flags.iter().any(|flag| flag == "EMPLOYMENT_REFERRAL"),
    })
}

/// Random households, drawn so that every circle, every reason to spare and every kind of answer comes up.
struct Draw(Random);

impl Draw {
    fn yuan(&mut self) -> String {
        let edges = ["0.00", "0.01", "9948.00", "29844.00", "44766.00", "500000.00"];
        if self.0.chance(40) {
            (*self.0.pick(&edges)).to_owned()
        } else {
            format!("{}.{:02}", self.0.between(0, 60_000), self.0.between(0, 99))
        }
    }

    fn key(&mut self) -> Value {
        let keys = [json!("a@1"), json!("b@1")];
        if self.0.chance(40) { self.0.pick(&keys).clone() } else { Value::Null }
    }

    fn facts(&mut self, dataset: &Dataset) -> Vec<Fact> {
        let amount = self.yuan();
        let fact = match dataset.fact {
            FactKind::Income => {
                let kinds = [
                    ("TRANSFER", "PENSION_EMPLOYEE"),
                    ("WAGE", "WAGE"),
                    ("TRANSFER", "SCHOLARSHIP"),
                    ("TRANSFER", "PENSION_RESIDENT"),
                    ("WAGE", "BUSINESS"),
                    ("OPERATING", "BUSINESS"),
                ];
                let (category, kind) = *self.0.pick(&kinds);
                let basic = if kind == "PENSION_RESIDENT" { json!(amount) } else { Value::Null };
                json!({"category": category, "kind": kind, "amount": amount, "from": "2024-10-01", "to": "2024-10-31",
                    "basic_portion": basic, "dedupe_key": self.key()})
            }
            FactKind::Asset => {
                let kinds = ["DEPOSIT", "DWELLING", "DWELLING", "NON_RESIDENTIAL", "VEHICLE", "JEWELLERY", "JEWELLERY"];
                let exempt = *self.0.pick(&["", "", "DISASTER_COLLAPSED", "DISABILITY_AID"]);
                let exempt = if exempt.is_empty() { Value::Null } else { json!(exempt) };
                json!({"kind": self.0.pick(&kinds), "value": amount, "exempt_kind": exempt, "dedupe_key": self.key()})
            }
            FactKind::Expenditure => {
                let kinds = ["MEDICAL", "EDUCATION", "ACCIDENT"];
                let benchmark = if self.0.chance(30) { json!("600.00") } else { Value::Null };
                json!({"kind": self.0.pick(&kinds), "gross": amount, "covered": "0.00", "paid_on": "2024-10-08", "benchmark": benchmark})
            }
            FactKind::Enrolment => {
                let stages = ["JUNIOR", "SECONDARY_VOCATIONAL", "BACHELOR", "MASTER"];
                json!({"stage": self.0.pick(&stages), "full_time": true})
            }
            FactKind::Death => json!({"died_on": self.0.pick(&["2024-12-01", "2025-06-01"])}),
            FactKind::Diagnosis => json!({"code": "C50.9", "severe": self.0.chance(70)}),
            FactKind::Disability => {
                json!({"category": self.0.between(1, 7).to_string(), "grade": self.0.between(1, 4).to_string()})
            }
            FactKind::Employment => json!({"employed": self.0.chance(60)}),
            FactKind::Insurance => json!({"scheme": "RESIDENT_MEDICAL", "active": true}),
            FactKind::Disaster => json!({"kind": "FLOOD", "occurred_on": "2024-07-15"}),
            FactKind::Assistance => json!({"kind": "MEDICAL_AID", "from": "2024-10-08"}),
        };
        Fact::decode(dataset.fact, &json!([fact]).to_string()).unwrap()
    }

    fn request(&mut self, lean: bool) -> VerificationRequest {
        let size = usize::try_from(self.0.between(1, 4)).unwrap();
        let alone = size == 1 || self.0.chance(15);
        let (mut members, mut declared, mut signatures) = (Vec::new(), Vec::new(), Vec::new());
        for index in 0..size {
            let age = if self.0.chance(30) { self.0.between(60, 85) } else { self.0.between(1, 59) };
            let days = self.0.between(0, 360);
            let born_on = ON.saturating_sub(Span::new().years(age).days(days));
            let number = IdNumber::compose("150000", born_on, u16::try_from(index + 1).unwrap()).unwrap();
            let reference = format!("m{}", index + 1);
            let relation = if index == 0 { "02" } else { *self.0.pick(&["12", "20", "31", "50"]) };
            members.push(
                json!({"ref": reference, "id_number": number.reveal(), "name": "某某", "relation_code": relation}),
            );
            let stages = [Value::Null, Value::Null, json!("BACHELOR"), json!("MASTER")];
            declared.push(json!({
                "ref": reference, "labour_capacity": self.0.pick(&["FULL", "PARTIAL", "NONE"]), "employed": self.0.chance(40),
                "education_stage": self.0.pick(&stages), "obligor_in_household": !alone, "severe_illness": self.0.chance(15),
                "was_tekun": self.0.chance(15), "job_refusals": if self.0.chance(10) { 3 } else { 0 },
                "death_date": if self.0.chance(4) { json!("2025-01-01") } else { Value::Null },
                "exclusion": if self.0.chance(4) { json!("IN_PRISON") } else { Value::Null },
            }));
            // Who is declared not to count need not sign.
            if self.0.chance(96) && !(declared[index]["education_stage"] == "MASTER" && self.0.chance(50)) {
                signatures.push(json!({"ref": reference, "capacity": "SELF"}));
            }
        }
        // What is declared is often of a kind that departments know as well.
        let size = i64::try_from(size).unwrap();
        let mut incomes = Vec::new();
        for _ in 0..self.0.between(0, 3) {
            let who = format!("m{}", self.0.between(1, size));
            let key = if self.0.chance(20) { json!("a") } else { Value::Null };
            let kinds = [
                ("OPERATING", "BUSINESS"),
                ("WAGE", "WAGE"),
                ("TRANSFER", "PENSION_RESIDENT"),
                ("OTHER", "PENSION_EMPLOYEE"),
                ("TRANSFER_OUT", "SUPPORT_PAID"),
            ];
            let (category, kind) = kinds[usize::try_from(self.0.between(0, 4)).unwrap()];
            let amount = if lean { "5000.00".to_owned() } else { self.yuan() };
            incomes
                .push(json!({"ref": who, "category": category, "kind": kind, "amount_12m": amount, "dedupe_key": key}));
        }
        let mut assets = Vec::new();
        for _ in 0..self.0.between(0, if lean { 0 } else { 2 }) {
            let exempt = *self.0.pick(&["", "", "DISABILITY_AID", "HEIRLOOM"]);
            let exempt = if exempt.is_empty() { Value::Null } else { json!(exempt) };
            let kinds = ["DWELLING", "DWELLING", "VEHICLE", "DEPOSIT", "BUSINESS_ENTITY"];
            assets.push(json!({"kind": self.0.pick(&kinds), "value": self.yuan(), "count": self.0.between(0, 2), "exempt_kind": exempt}));
        }
        let mut expenditures = Vec::new();
        for _ in 0..self.0.between(0, 1) {
            let who = format!("m{}", self.0.between(1, size));
            expenditures.push(json!({"ref": who, "kind": self.0.pick(&["MEDICAL", "EDUCATION"]), "gross": self.yuan(), "covered": "0.00",
                "paid_on": self.0.pick(&["2024-10-08", "2023-10-08"])}));
        }
        let departments = if self.0.chance(15) { json!(["hrss", "housing", "health"]) } else { Value::Null };
        let emergency = self.0.chance(10);
        let event = json!({"type": "FIRE", "route": "EMERGENCY", "occurred_at": "2025-03-14T21:30:00+08:00",
            "reported_at": "2025-03-14T22:00:00+08:00", "place_region": "152201"});
        let graduating = self.0.chance(10);
        let document = json!({
            "purpose": self.0.pick(&["dibao", "dibao", "tekun", "temporary_relief"]), "assessment_date": ON.to_string(),
            "place": {"division_code": "152201", "urban_rural": "URBAN"}, "emergency_only": emergency && self.0.chance(50),
            "disclosure": "minimal",
            "household": {"hukou_region": "152201", "members": members},
            "declaration": {"income_stability": "UNSTABLE", "members": declared, "incomes": incomes, "assets": assets, "expenditures": expenditures,
                "events": if emergency { vec![event] } else { Vec::new() }},
            "authorisation": {"number": "SQ-1", "signed_on": "2025-03-01", "valid_until": "2027-02-28", "departments": departments,
                "evidence_digest": format!("sha256:{}", "0".repeat(64)), "signatures": signatures},
            "prior": if graduating { json!({"circle": "DIBAO", "exceeded_by_employment": true, "months_since_exceeded": 3, "monthly_total": "640.00"}) } else { Value::Null },
        });
        VerificationRequest::parse(document.to_string().as_bytes(), ON, &CATALOGUE).unwrap()
    }

    fn world(seed: u64) -> World {
        let mut draw = Self(Random::new(seed));
        let lean = draw.0.chance(60);
        let request = draw.request(lean);
        let sets = ["IM_WLHT_URBAN", "IM_WLHT_URBAN_2024RULE"];
        let parameters = Arc::new(parameters(sets[usize::from(draw.0.chance(50))]));
        // Most departments know nothing of most people.
        let share = *draw.0.pick(&[4, 12, 30]);
        let mut known = BTreeMap::new();
        for dataset in CATALOGUE.datasets() {
            for member in 0..request.household.members.len() {
                if draw.0.chance(share) {
                    known.insert((dataset.id.to_string(), member), draw.facts(dataset));
                }
            }
        }
        // For 特困 departments are asked for less than the catalogue says their silence leaves open, so asking everybody
        // may wait for a department that has nothing to say; minimal disclosure does not.
        let case = Case::of(request, Some(Arc::clone(&parameters)), ON, &SubjectKey::new(SuiteId::Intl, b"test"));
        let may_be_silent = case.request.purpose != crate::domain::purpose::Purpose::Tekun;
        let silence = if may_be_silent && draw.0.chance(30) { 30 } else { 0 };
        let ids = CATALOGUE.departments().iter().map(|department| department.id.to_string());
        let silent = ids.filter(|_| draw.0.chance(silence)).collect();
        World { case, parameters, known, silent }
    }
}

/// The verdict before anybody is asked; where it is a refusal nobody is.
fn is_refused(world: &World) -> bool {
    let declared = assemble(&world.case.request, &world.case.authorised, &[], &CATALOGUE, 12, now());
    crate::verdict::gate(&declared.facts).is_some()
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(600))]

    #[test]
    fn the_verdict_is_that_of_asking_everybody(
        seed in proptest::num::u64::ANY, haste_after in 0_usize..4, at_hand in proptest::option::weighted(0.4, proptest::num::u64::ANY),
    ) {
        let world = Draw::world(seed);
        if is_refused(&world) { return Ok(()); }
        let (inquest, rounds) = world.in_minimal(haste_after, at_hand.unwrap_or(0));
        let full = world.in_full();
        let minimal = world.verdict(&inquest.outcomes, inquest.spared.clone());
        proptest::prop_assert_eq!(kept(&minimal), kept(&full), "{:?}\nspared {:?}", rounds, inquest.spared);

        // What was spared is no gap and makes no noise, and everything was either asked, at hand or spared.
        let is_whole = |id: &str| !inquest.outcomes.iter().any(|outcome| outcome.department.as_str() == id);
        for finding in &minimal.spared {
            let id = finding.department.as_str();
            if is_whole(id) {
                proptest::prop_assert!(!minimal.gaps.iter().any(|gap| gap.department == finding.department));
                let noise = format!("MISSING_NOT_DECISIVE_{id}");
                proptest::prop_assert!(!minimal.flags.iter().any(|flag| *flag == noise), "{noise}");
            }
        }
        let summary = inquest.summary.unwrap();
        let answered: usize = inquest.outcomes.iter().filter_map(|outcome| outcome.result.as_ref().ok()).flatten()
            .map(|answers| answers.answers.len()).sum();
        let spared: usize = inquest.spared.iter().map(|spared| spared.members.len()).sum();
        if world.silent.is_empty() {
            proptest::prop_assert_eq!(answered + spared, summary.questions_in_full);
        }
        // Six departments and the seventh source, most of them asked once.
        proptest::prop_assert!(rounds.len() <= 8, "{rounds:?}");
        // The same input gives the same order.
        proptest::prop_assert_eq!(world.in_minimal(haste_after, at_hand.unwrap_or(0)).1, rounds);
    }
}
