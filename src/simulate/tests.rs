//! The six silos give back through their connectors exactly what was filed, and the same seed gives
//! the same bytes.

mod round_trip;

use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::date;
use serde_json::{Value, json};

use super::*;

fn listed() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/listed.json")
}

fn listed_json() -> Value {
    serde_json::from_str(&std::fs::read_to_string(listed()).unwrap()).unwrap()
}

/// A simulation of a changed copy of the listed cases.
fn with(change: impl FnOnce(&mut Value)) -> Result<Simulation, SimulateError> {
    let mut file = listed_json();
    change(&mut file);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cases.json");
    std::fs::write(&path, file.to_string()).unwrap();
    Simulation::from_cases(&path)
}

/// Every file below a directory with its bytes.
fn bytes(directory: &Path) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                all.insert(path.strip_prefix(directory).unwrap().to_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    all
}

#[tokio::test]
async fn the_same_seed_gives_the_same_bytes_of_every_file() {
    let mut written = Vec::new();
    for seed in [3, 3, 4] {
        let folder = tempfile::tempdir().unwrap();
        Simulation::population(80, seed, DEFAULT_DATE).unwrap().write(folder.path()).await.unwrap();
        written.push(bytes(folder.path()));
    }
    let (first, second, other) = (&written[0], &written[1], &written[2]);
    assert_eq!(first.keys().collect::<Vec<_>>(), second.keys().collect::<Vec<_>>());
    for (path, content) in first {
        assert!(second[path] == *content, "{} differs between two runs", path.display());
    }
    assert!(first.len() > 6 + 6 + 80, "stores, rehearsals, requests");
    assert!(first[Path::new("hrss.sqlite")] != other[Path::new("hrss.sqlite")], "another seed is another population");
}

#[tokio::test]
async fn cases_are_kept_word_for_word_as_the_truth() {
    let folder = tempfile::tempdir().unwrap();
    Simulation::from_cases(&listed()).unwrap().write(folder.path()).await.unwrap();
    let truth = std::fs::read(folder.path().join("truth.json")).unwrap();
    assert_eq!(truth, std::fs::read(listed()).unwrap());
}

#[tokio::test]
async fn a_directory_that_is_not_a_simulation_is_never_touched() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("hrss.sqlite");
    std::fs::write(&store, "somebody's own").unwrap();
    let simulation = Simulation::population(1, 1, DEFAULT_DATE).unwrap();
    remove(folder.path()).unwrap();
    assert!(matches!(simulation.write(folder.path()).await, Err(SimulateError::NotEmpty { .. })));
    assert_eq!(std::fs::read_to_string(&store).unwrap(), "somebody's own");
}

#[tokio::test]
async fn an_earlier_simulation_can_be_replaced_and_other_files_stay() {
    let folder = tempfile::tempdir().unwrap();
    let simulation = Simulation::population(3, 1, DEFAULT_DATE).unwrap();
    simulation.write(folder.path()).await.unwrap();
    remove(folder.path()).unwrap();
    assert!(bytes(folder.path()).is_empty());
    simulation.write(folder.path()).await.unwrap();
    std::fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    remove(folder.path()).unwrap();
    assert_eq!(bytes(folder.path()).keys().collect::<Vec<_>>(), [Path::new("notes.txt")]);
}

#[test]
fn one_person_in_two_cases_is_refused_by_the_names_of_the_cases() {
    let error = with(|file| {
        file["cases"][3]["household"]["members"][0] = file["cases"][0]["household"]["members"][0].clone();
    })
    .unwrap_err();
    let (first, second) = (listed_json()["cases"][0]["id"].clone(), listed_json()["cases"][3]["id"].clone());
    assert!(
        matches!(&error, SimulateError::SharedPerson { first: one, second: two } if *one == first && *two == second)
    );
    assert!(!error.to_string().contains("150000"), "the number itself is not told");
}

#[test]
fn a_number_that_may_be_a_real_persons_is_refused() {
    let real = IdNumber::compose("152201", date(1986, 5, 2), 11).unwrap();
    let error =
        with(|file| file["cases"][0]["household"]["members"][0]["id_number"] = json!(real.reveal())).unwrap_err();
    assert!(matches!(&error, SimulateError::RealPerson { case, member } if case == "C01" && member == "m1"));
    assert!(!error.to_string().contains(real.reveal()) && !error.text().zh.contains(real.reveal()));
}

#[test]
fn what_a_case_refers_to_must_be_there() {
    let error = with(|file| file["cases"][0]["household"]["incomes"][0]["member_id"] = json!("m9")).unwrap_err();
    assert!(matches!(error, SimulateError::Member { .. }));
    let error = with(|file| file["cases"][0]["id"] = json!("../C01")).unwrap_err();
    assert!(matches!(error, SimulateError::CaseId { .. }));
    let error = with(|file| file["cases"][1]["id"] = json!("C01")).unwrap_err();
    assert!(matches!(error, SimulateError::CaseId { .. }));
    let simulation = with(|file| file["cases"][0]["parameter_set"] = json!("NOWHERE")).unwrap();
    assert!(matches!(simulation.prepare(), Err(SimulateError::ParameterSet { .. })));
}

#[test]
fn an_invalid_identity_number_is_asked_about_but_filed_nowhere() {
    let simulation = with(|file| {
        let case = file["cases"][0].clone();
        file["cases"] = json!([case]);
        file["cases"][0]["household"]["members"][0]["id_number"] = json!("150000198605021016");
    })
    .unwrap();
    let prepared = simulation.prepare().unwrap();
    assert!(prepared.stores.iter().all(|(_, _, tables)| tables.iter().all(|table| table.rows.is_empty())));
    let (_, request) = &prepared.requests[0];
    assert_eq!(request.household.members[0].id_number, "150000198605021016");
    assert_eq!(prepared.notices.len(), 1);
}

#[test]
fn only_members_who_authorised_have_a_signature_and_guardians_sign_for_minors() {
    let prepared = Simulation::from_cases(&listed()).unwrap().prepare().unwrap();
    let request = |id: &str| &prepared.requests.iter().find(|(case, _)| case == id).unwrap().1;
    let signed: Vec<_> =
        request("C82").authorisation.signatures.iter().map(|signature| signature.reference.as_str()).collect();
    assert_eq!(signed, ["m1"]);
    let capacities = serde_json::to_value(&request("C01").authorisation.signatures).unwrap();
    assert_eq!(capacities[2], json!({ "ref": "m3", "capacity": "GUARDIAN" }));
    assert_eq!(request("C60").pack.as_deref(), Some("IM_WLHT_URBAN_2024RULE"));
}

#[test]
fn a_department_that_must_fail_rehearses_it_for_the_whole_household() {
    let prepared = with(|file| {
        file["cases"][0]["department_status"] =
            json!({ "education": "QUOTA", "hrss": "NOT_AUTHORISED", "housing": "UNAVAILABLE", "health": "NO_RECORD", "emergency": "ERROR", "medical_insurance": "TIMEOUT" });
        let case = file["cases"][0].clone();
        file["cases"] = json!([case]);
    })
    .unwrap()
    .prepare()
    .unwrap();
    let expected = [
        ("education", "quota"),
        ("hrss", "not_authorised"),
        ("housing", "error"),
        ("emergency", "error"),
        ("medical_insurance", "timeout"),
    ];
    for (department, behaviour) in expected {
        let behaviours = &prepared.rehearsals[department].behaviours;
        assert_eq!(behaviours.len(), 3, "{department}");
        assert!(behaviours.iter().all(|entry| entry.behaviour == behaviour), "{department}");
    }
    assert!(prepared.rehearsals["health"].behaviours.is_empty(), "no record is an answer");
    assert!(prepared.stores.iter().all(|(_, _, tables)| tables.iter().all(|table| table.rows.is_empty())));
}
