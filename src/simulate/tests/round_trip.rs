//! Through the shipped connectors and back: what a case says, its departments' adapters and its
//! declaration say together, each fact once, to the fen.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use connectors::adapter::{Adapter, Overrides};
use connectors::clock::Clock;
use connectors::ledger::Ledger;
use connectors::protocol::{Query, QueryAuthorisation, QueryPeriod, QuerySubject, ResultStatus};
use connectors::secret::Secret;
use jiff::civil::Date;
use serde_json::json;

use super::{listed, with};
use crate::domain::clock::{SystemClock, SystemRandomness};
use crate::domain::dataset::Catalogue;
use crate::domain::fact::{Fact, FactKind};
use crate::domain::money::Money;
use crate::domain::period::{Period, age_on};
use crate::simulate::case::{Case, DepartmentStatus};
use crate::simulate::department::DEPARTMENTS;
use crate::simulate::filing::Notice;
use crate::simulate::keys::TrialKeys;
use crate::simulate::native_store;
use crate::simulate::request::Request;
use crate::simulate::service::{self, Service};
use crate::simulate::{DEFAULT_DATE, Simulation};

/// What is known, by who says it and of what; amounts in fen, counts, or 1.
#[derive(Debug, Default, PartialEq, Eq)]
struct Known(BTreeMap<String, i64>);

impl Known {
    fn add(&mut self, what: String, amount: i64) {
        *self.0.entry(what).or_default() += amount;
    }
}

fn own_part(gross: Money, covered: Money) -> i64 {
    (gross.fen() - covered.fen()).max(0)
}

/// What the case says.
fn stated(case: &Case, notices: &[Notice]) -> Known {
    let mut known = Known::default();
    let source = |source: &str, pointer: String| {
        let is_held = DEPARTMENTS.contains(&source) && case.status_of(source) == DepartmentStatus::Ok;
        let pointer = format!("/household{pointer}");
        let is_noticed = notices.iter().any(|notice| notice.case == case.id && notice.pointer == pointer);
        if is_held && !is_noticed { source.to_owned() } else { "declared".to_owned() }
    };
    let household = &case.household;
    for (index, income) in household.incomes.iter().enumerate() {
        let by = source(&income.source, format!("/incomes/{index}"));
        let of = format!(
            "{by} {} {:?} {} {}",
            income.member_id,
            income.category,
            income.kind.as_str(),
            income.paid_after_death
        );
        known.add(format!("income {of}"), income.amount_12m.fen());
        if let Some(basic) = income.basic_portion_12m {
            known.add(format!("basic {of}"), basic.fen());
        }
    }
    for (index, asset) in household.assets.iter().enumerate() {
        let by = source(&asset.source, format!("/assets/{index}"));
        let of = format!("{by} {} {:?}", asset.kind.as_str(), asset.exempt_kind);
        known.add(format!("count {of}"), asset.count.unwrap_or(1).into());
        known.add(format!("value {of}"), asset.value.fen());
    }
    for (index, spent) in household.rigid_expenditures.iter().enumerate() {
        let by = source(&spent.source, format!("/rigid_expenditures/{index}"));
        let of = format!("{by} {} {:?} {} {:?}", spent.member_id, spent.kind, spent.paid_on, spent.public_benchmark);
        known.add(format!("spent {of}"), own_part(spent.gross, spent.covered));
    }
    for member in &household.members {
        if let Some(died_on) = member.death_date {
            known.add(format!("death {} {died_on}", member.member_id), 1);
        }
        if member.severe_illness {
            known.add(format!("illness {}", member.member_id), 1);
        }
        if let Some(stage) = member.education_stage {
            known.add(format!("stage {} {stage:?}", member.member_id), 1);
        }
    }
    known
}

/// What the declaration says.
fn declared(known: &mut Known, request: &Request) {
    let declaration = &request.declaration;
    for income in &declaration.incomes {
        let of = format!(
            "declared {} {:?} {} {}",
            income.reference,
            income.category,
            income.kind.as_str(),
            income.paid_after_death
        );
        known.add(format!("income {of}"), income.amount_12m.fen());
        if let Some(basic) = income.basic_portion_12m {
            known.add(format!("basic {of}"), basic.fen());
        }
    }
    for asset in &declaration.assets {
        let of = format!("declared {} {:?}", asset.kind.as_str(), asset.exempt_kind);
        known.add(format!("count {of}"), asset.count.unwrap_or(1).into());
        known.add(format!("value {of}"), asset.value.fen());
    }
    for spent in &declaration.expenditures {
        let of =
            format!("declared {} {:?} {} {:?}", spent.reference, spent.kind, spent.paid_on, spent.public_benchmark);
        known.add(format!("spent {of}"), own_part(spent.gross, spent.covered));
    }
    for member in &declaration.members {
        if let Some(died_on) = member.death_date {
            known.add(format!("death {} {died_on}", member.reference), 1);
        }
        if member.severe_illness {
            known.add(format!("illness {}", member.reference), 1);
        }
        if let Some(stage) = member.education_stage {
            known.add(format!("stage {} {stage:?}", member.reference), 1);
        }
    }
}

/// What one fact of a department says.
fn told(known: &mut Known, department: &str, member: &str, died_on: Option<Date>, fact: Fact) {
    match fact {
        Fact::Income(income) => {
            assert_eq!(
                (income.from, income.to),
                (income.from.first_of_month(), income.from.last_of_month()),
                "a month"
            );
            let after = died_on.is_some_and(|died_on| income.from > died_on);
            let of = format!("{department} {member} {:?} {} {after}", income.category, income.kind.as_str());
            known.add(format!("income {of}"), income.amount.fen());
            if let Some(basic) = income.basic_portion {
                known.add(format!("basic {of}"), basic.fen());
            }
        }
        // The fund is a hint that no case states.
        Fact::Asset(asset) if asset.kind.as_str() == "HOUSING_PROVIDENT_FUND" => {}
        Fact::Asset(asset) => {
            let of = format!("{department} {} {:?}", asset.kind.as_str(), asset.exempt_kind);
            known.add(format!("count {of}"), asset.count.unwrap_or(1).into());
            known.add(format!("value {of}"), asset.value.fen());
        }
        Fact::Expenditure(spent) => {
            let of = format!("{department} {member} {:?} {} {:?}", spent.kind, spent.paid_on, spent.benchmark);
            known.add(format!("spent {of}"), own_part(spent.gross, spent.covered));
        }
        Fact::Death(death) => known.add(format!("death {member} {}", death.died_on), 1),
        Fact::Diagnosis(diagnosis) if diagnosis.severe => known.add(format!("illness {member}"), 1),
        Fact::Enrolment(enrolment) => {
            assert!(enrolment.full_time);
            known.add(format!("stage {member} {:?}", enrolment.stage), 1);
        }
        Fact::Diagnosis(_)
        | Fact::Employment(_)
        | Fact::Insurance(_)
        | Fact::Assistance(_)
        | Fact::Disability(_)
        | Fact::Disaster(_) => {}
    }
}

struct Departments {
    catalogue: Catalogue,
    adapters: Vec<(&'static str, Adapter)>,
    _services: Vec<Service>,
}

impl Departments {
    async fn open(stores: &Path, today: Date) -> Self {
        let noon = jiff::tz::Offset::UTC.to_timestamp(today.at(12, 0, 0, 0)).unwrap();
        let keys = TrialKeys::write(&stores.join("keys"), &SystemRandomness).unwrap();
        let (mut adapters, mut services) = (Vec::new(), Vec::new());
        for department in DEPARTMENTS {
            let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("connectors/{department}/connector.toml"));
            let text = std::fs::read_to_string(&shipped).unwrap();
            let file = service::furnish(stores, department, &text, &keys, &SystemRandomness).unwrap();
            let service = Service::start(stores, department, &keys, Arc::new(SystemClock), None).await.unwrap();
            // What was delivered is of the day of the simulation; services go by the day it is.
            let clock = if service.is_some() { Clock::system() } else { Clock::new(move || noon) };
            let url = service.as_ref().map_or_else(|| native_store::url(stores, department), Service::url);
            services.extend(service);
            let (source_url, ledger) = (Some(Secret::new(url)), Ledger::Silent);
            let overrides = Overrides { source_url, ledger, clock, ..Overrides::default() };
            adapters.push((department, Adapter::load(&file, overrides).unwrap()));
        }
        Self { catalogue: Catalogue::shipped(), adapters, _services: services }
    }

    /// Asks every department what the catalogue lets it be asked about the household, by age.
    async fn ask(&self, case: &Case, request: &Request) -> (Known, BTreeMap<String, Vec<String>>) {
        let window = Period::months_before(case.assessment_date, 12);
        let mut known = Known::default();
        let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (department, adapter) in &self.adapters {
            let datasets: Vec<_> =
                self.catalogue.datasets().iter().filter(|dataset| dataset.department.as_str() == *department).collect();
            let subjects = request.household.members.iter().map(|member| {
                let age = age_on(member.birth_date, case.assessment_date);
                let fits =
                    datasets.iter().filter(|dataset| dataset.ages.is_none_or(|(from, to)| (from..=to).contains(&age)));
                QuerySubject {
                    reference: member.reference.to_string(),
                    id_number: member.id_number.clone(),
                    name: member.name.clone(),
                    datasets: Some(fits.map(|dataset| dataset.id.to_string()).collect()),
                    division: None,
                    case: None,
                }
            });
            let query = Query {
                request_id: case.id.clone(),
                purpose: "dibao".to_owned(),
                authorisation: QueryAuthorisation { number: "test".to_owned(), valid_until: window.to.to_string() },
                period: QueryPeriod { from: window.from, to: window.to },
                datasets: datasets.iter().map(|dataset| dataset.id.to_string()).collect(),
                subjects: subjects.collect(),
                within_ms: None,
            };
            let response = adapter.answer(&query).await.unwrap_or_else(|problem| panic!("{department}: {problem:?}"));
            for result in response.results {
                assert!(matches!(result.status, ResultStatus::Ok | ResultStatus::NoRecord), "{} {result:?}", case.id);
                let dataset = datasets.iter().find(|dataset| dataset.id.as_str() == result.dataset).unwrap();
                let member =
                    case.household.members.iter().find(|member| member.member_id.as_str() == result.reference).unwrap();
                let facts = Fact::decode(dataset.fact, result.facts.get()).unwrap();
                assert_eq!(facts.is_empty(), result.status == ResultStatus::NoRecord);
                for fact in facts {
                    if let Fact::Income(income) = &fact {
                        let key = income.dedupe_key.clone().expect("every simulated payment has an account");
                        let (payment, month) = key.split_once('@').unwrap();
                        assert_eq!(month, income.from.to_string());
                        let by = keys.entry(payment.to_owned()).or_default();
                        if !by.contains(&(*department).to_owned()) {
                            by.push((*department).to_owned());
                        }
                    }
                    told(&mut known, department, &result.reference, member.death_date, fact);
                }
            }
        }
        (known, keys)
    }
}

async fn assert_round_trip(simulation: &Simulation) {
    let folder = tempfile::tempdir().unwrap();
    simulation.write(folder.path()).await.unwrap();
    let prepared = simulation.prepare().unwrap();
    let departments = Departments::open(folder.path(), simulation.recorded_on()).await;
    for (case, (_, request)) in simulation.cases().iter().zip(&prepared.requests) {
        let (mut known, keys) = departments.ask(case, request).await;
        declared(&mut known, request);
        assert_eq!(known, stated(case, &prepared.notices), "{} {}", case.id, case.title_en);
        let shared = keys.values().filter(|departments| departments.len() > 1).count();
        let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
        for key in case.household.incomes.iter().filter_map(|income| income.dedupe_key.as_deref()) {
            *groups.entry(key).or_default() += 1;
        }
        assert_eq!(shared, groups.values().filter(|count| **count > 1).count(), "{}: payments reported twice", case.id);
    }
}

#[tokio::test]
async fn the_listed_cases_come_back_from_the_departments_to_the_fen() {
    assert_round_trip(&Simulation::from_cases(&listed()).unwrap()).await;
}

#[tokio::test]
async fn a_population_comes_back_from_the_departments_to_the_fen() {
    for (seed, on) in [(9, DEFAULT_DATE), (10, Date::constant(2024, 2, 29))] {
        assert_round_trip(&Simulation::population(130, seed, on).unwrap()).await;
    }
}

/// Every kind a department can pay, as (source, category, kinds).
const PAID: [(&str, &str, &[&str]); 12] = [
    ("education", "WAGE", &["WAGE"]),
    ("education", "OTHER", &["LABOUR_SERVICE"]),
    (
        "education",
        "TRANSFER",
        &[
            "PENSION_EMPLOYEE",
            "SURVIVOR_BENEFIT",
            "VETERAN_PREFERENTIAL",
            "FUNERAL_GRANT",
            "SOCIAL_ASSISTANCE",
            "SCHOLARSHIP",
            "STUDENT_AID",
            "BRAVERY_REWARD",
            "DISABILITY_SUBSIDY",
        ],
    ),
    ("hrss", "WAGE", &["WAGE"]),
    (
        "hrss",
        "TRANSFER",
        &[
            "PENSION_EMPLOYEE",
            "PENSION_RESIDENT",
            "FUNERAL_GRANT",
            "SURVIVOR_BENEFIT",
            "UNEMPLOYMENT_BENEFIT",
            "MATERNITY_ALLOWANCE",
            "SOCIAL_ASSISTANCE",
            "WORK_INJURY_BENEFIT",
        ],
    ),
    (
        "hrss",
        "TRANSFER",
        &["WORK_INJURY_CARE", "COMPENSATION", "EMPLOYMENT_SUBSIDY", "TRAINING_ALLOWANCE", "INTERNSHIP_ALLOWANCE"],
    ),
    (
        "health",
        "TRANSFER",
        &["FAMILY_PLANNING_REWARD", "CARE_REWARD", "SOCIAL_ASSISTANCE", "DISABILITY_SUBSIDY", "AGE_ALLOWANCE"],
    ),
    ("emergency", "TRANSFER", &["SOCIAL_ASSISTANCE", "SURVIVOR_BENEFIT", "BRAVERY_REWARD"]),
    ("emergency", "WAGE", &["WAGE"]),
    ("medical_insurance", "WAGE", &["WAGE"]),
    ("medical_insurance", "TRANSFER", &["MATERNITY_ALLOWANCE", "LONG_TERM_CARE_BENEFIT", "SOCIAL_ASSISTANCE"]),
    ("medical_insurance", "TRANSFER", &["DISABILITY_SUBSIDY", "PENSION_EMPLOYEE"]),
];

#[tokio::test]
async fn every_kind_a_department_pays_owns_or_bills_survives_the_round_trip() {
    let simulation = with(|file| {
        let mut case = file["cases"][0].clone();
        let household = &mut case["household"];
        let amounts = ["0.00", "0.05", "11.99", "12345.67", "1234567.01"];
        let incomes = PAID.iter().flat_map(|(source, category, kinds)| {
            kinds.iter().enumerate().map(move |(index, kind)| {
                json!({ "member_id": "m3", "category": category, "kind": kind, "amount_12m": amounts[index % amounts.len()], "source": source })
            })
        });
        household["incomes"] = incomes.collect();
        household["assets"] = json!([
            { "kind": "DWELLING", "value": "333.34", "count": 3, "area_m2": "100.01", "source": "housing" },
            { "kind": "DWELLING", "value": "0.00", "source": "housing", "exempt_kind": "DILAPIDATED_GRADE_D" },
            { "kind": "DWELLING", "value": "0.00", "source": "housing", "exempt_kind": "EXPROPRIATED" },
            { "kind": "NON_RESIDENTIAL", "value": "1000.00", "source": "housing" },
            { "kind": "DWELLING", "value": "0.00", "count": 2, "source": "emergency", "exempt_kind": "DISASTER_COLLAPSED" },
        ]);
        household["rigid_expenditures"] = json!([
            { "member_id": "m3", "kind": "EDUCATION", "gross": "12345.67", "covered": "1000.00", "paid_on": "2024-09-01", "source": "education", "public_benchmark": "600.00" },
            { "member_id": "m3", "kind": "DISABILITY_REHAB", "gross": "1.00", "covered": "0.00", "paid_on": "2024-03-01", "source": "education" },
            { "member_id": "m1", "kind": "MEDICAL", "gross": "10.01", "covered": "0.02", "paid_on": "2025-02-28", "source": "medical_insurance" },
            { "member_id": "m2", "kind": "MEDICAL", "gross": "10.00", "covered": "20.00", "paid_on": "2024-03-01", "source": "medical_insurance" },
            { "member_id": "m2", "kind": "DISABILITY_REHAB", "gross": "77.77", "covered": "0.00", "paid_on": "2024-05-05", "source": "medical_insurance" },
            { "member_id": "m1", "kind": "ACCIDENT", "gross": "5000.00", "covered": "4999.99", "paid_on": "2024-12-31", "source": "emergency" },
            { "member_id": "m1", "kind": "DISABILITY_REHAB", "gross": "5000.00", "covered": "0.00", "paid_on": "2024-12-31", "source": "emergency" },
        ]);
        file["cases"] = json!([case]);
    })
    .unwrap();
    assert_eq!(simulation.prepare().unwrap().notices, []);
    assert_round_trip(&simulation).await;
}

#[tokio::test]
async fn what_a_department_cannot_hold_is_declared_with_a_notice() {
    let simulation = with(|file| {
        let mut case = file["cases"][0].clone();
        let household = &mut case["household"];
        household["incomes"] = json!([
            { "member_id": "m1", "category": "TRANSFER", "kind": "RENT_SUBSIDY", "amount_12m": "100.00", "source": "housing" },
            { "member_id": "m1", "category": "PROPERTY", "kind": "RENT", "amount_12m": "100.00", "source": "hrss" },
            { "member_id": "m1", "category": "TRANSFER", "kind": "PENSION_RESIDENT", "amount_12m": "100.00", "basic_portion_12m": "100.01", "source": "hrss" },
            { "member_id": "m1", "category": "TRANSFER", "kind": "PENSION_RESIDENT", "amount_12m": "100.00", "source": "hrss", "paid_after_death": true },
        ]);
        household["assets"] = json!([
            { "kind": "VEHICLE", "value": "100.00", "source": "housing" },
            { "kind": "DWELLING", "value": "0.00", "source": "emergency" },
        ]);
        household["rigid_expenditures"] = json!([
            { "member_id": "m1", "kind": "MEDICAL", "gross": "1.00", "covered": "0.00", "paid_on": "2025-03-01", "source": "medical_insurance" },
            { "member_id": "m1", "kind": "MEDICAL", "gross": "1.00", "covered": "0.00", "paid_on": "2024-02-29", "source": "medical_insurance" },
            { "member_id": "m3", "kind": "MEDICAL", "gross": "1.00", "covered": "0.00", "paid_on": "2024-03-01", "source": "medical_insurance", "public_benchmark": "1.00" },
            { "member_id": "m1", "kind": "ACCIDENT", "gross": "1.00", "covered": "0.00", "paid_on": "2024-03-01", "source": "hrss" },
        ]);
        // Aged 43, an undergraduate: the register is not asked about somebody of this age.
        household["members"][0]["education_stage"] = json!("BACHELOR");
        household["members"][0]["birth_date"] = json!("1982-01-01");
        household["members"][0]["id_number"] =
            json!(crate::domain::id_number::IdNumber::compose("150000", Date::constant(1982, 1, 1), 7).unwrap().reveal());
        file["cases"] = json!([case]);
    })
    .unwrap();
    let notices = simulation.prepare().unwrap().notices;
    assert_eq!(notices.len(), 4 + 2 + 4 + 1, "{notices:?}");
    assert!(notices.iter().all(|notice| notice.detail.zh.contains("改由家庭申报")));
    assert_round_trip(&simulation).await;
}

#[test]
fn fact_types_of_the_catalogue_are_known_to_this_test() {
    let unknown = [FactKind::Disability, FactKind::Disaster];
    assert!(Catalogue::shipped().datasets().iter().all(|dataset| !unknown.contains(&dataset.fact)));
}
