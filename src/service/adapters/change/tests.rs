//! Moves and terms on records, without store or network.

use super::*;
use crate::egress::KeyPin;

pub(in super::super) fn record(id: &str, state: AdapterState) -> AdapterRecord {
    let (department, number) = id.split_once('-').unwrap();
    AdapterRecord {
        id: id.to_owned(),
        department: DepartmentId::parse(department).unwrap(),
        number: number.parse().unwrap(),
        endpoint: "https://127.0.0.1:9101".to_owned(),
        version: "1".to_owned(),
        name: Text::new("人社", "HRSS"),
        contact: "duty".to_owned(),
        datasets: Vec::new(),
        pins: vec![KeyPin::try_from("0f".repeat(32)).unwrap(), KeyPin::try_from("ab".repeat(32)).unwrap()],
        answer_key: None,
        report_key: Some("k".to_owned()),
        state,
        notice: None,
        agreement: Agreement::default(),
        agreed: None,
        conformance: Some(report(3)),
        sustained_at: None,
        demotion: None,
        invited_by: "uid:0".to_owned(),
        registered_from: None,
        registered_at: Timestamp::UNIX_EPOCH,
        steps: Vec::new(),
    }
}

fn report(level: u8) -> Conformance {
    Conformance {
        digest: "0".repeat(64),
        level,
        department: "hrss".to_owned(),
        version: "1".to_owned(),
        made_at: Timestamp::UNIX_EPOCH,
        key: "k".to_owned(),
        endpoint: Some("https://127.0.0.1:9101".to_owned()),
        certificate_key: Some("0f".repeat(32)),
    }
}

fn moved(records: &[AdapterRecord], id: &str, by: Move) -> Result<Vec<(String, AdapterState)>, AdapterFault> {
    let notice = (by == Move::Suspend).then(|| Text::new("停机", "down"));
    make(records, &Change::Move { id: id.to_owned(), by, notice, conformance: None, about: None })
}

fn make(records: &[AdapterRecord], change: &Change) -> Result<Vec<(String, AdapterState)>, AdapterFault> {
    let step = |by, state| StepTaken {
        by,
        state,
        at: Timestamp::UNIX_EPOCH,
        entered_by: "uid:0".to_owned(),
        by_department: false,
        approvers: Vec::new(),
        replaced: None,
    };
    let changed = applied(records, change, 3, step)?;
    Ok(changed.into_iter().map(|record| (record.id, record.state)).collect())
}

#[test]
fn another_version_takes_the_place_of_the_live_one_which_is_drained() {
    let records = [record("hrss-1", AdapterState::Live), record("hrss-2", AdapterState::Shadow)];
    let changed = moved(&records, "hrss-2", Move::GoLive).unwrap();
    assert_eq!(changed, [("hrss-2".to_owned(), AdapterState::Live), ("hrss-1".to_owned(), AdapterState::Draining)]);
    // Departments are apart.
    let records = [record("health-1", AdapterState::Live), record("hrss-2", AdapterState::Shadow)];
    assert_eq!(moved(&records, "hrss-2", Move::GoLive).unwrap().len(), 1);
}

#[test]
fn two_of_one_department_are_neither_live_nor_shadows_at_once() {
    let records = [record("hrss-1", AdapterState::Live), record("hrss-2", AdapterState::Suspended)];
    let fault = moved(&records, "hrss-2", Move::Resume).unwrap_err();
    assert_eq!(fault, AdapterFault::Other { other: "hrss-1".to_owned(), state: AdapterState::Live });
    let records = [record("hrss-1", AdapterState::Shadow), record("hrss-2", AdapterState::Sandbox)];
    assert_eq!(moved(&records, "hrss-2", Move::Shadow).unwrap_err().code(), "another_adapter");
}

#[test]
fn nothing_real_is_asked_without_a_report_that_reaches_far_enough() {
    let with = |change: fn(&mut AdapterRecord)| {
        let mut record = record("hrss-1", AdapterState::Sandbox);
        change(&mut record);
        moved(&[record], "hrss-1", Move::Shadow).map_err(|fault| fault.code())
    };
    assert!(with(|_| {}).is_ok());
    assert_eq!(with(|record| record.conformance = None), Err("report_missing"));
    assert_eq!(with(|record| record.conformance = Some(report(2))), Err("report_level"));
    assert_eq!(with(|record| "2".clone_into(&mut record.version)), Err("report_other_adapter"));
    assert_eq!(with(|record| record.report_key = Some("other".to_owned())), Err("report_other_key"));
    assert_eq!(with(|record| record.report_key = None), Err("report_key_missing"));
    // Taken from another place, from none, or from one with another key; the keys it will rotate to are its own.
    let from = |change: fn(&mut Conformance)| {
        let mut record = record("hrss-1", AdapterState::Sandbox);
        change(record.conformance.as_mut().unwrap());
        moved(&[record], "hrss-1", Move::Shadow).map_err(|fault| fault.code())
    };
    assert_eq!(from(|report| report.endpoint = None), Err("report_other_endpoint"));
    assert_eq!(from(|report| report.endpoint = Some("https://127.0.0.1:9102".into())), Err("report_other_endpoint"));
    assert_eq!(from(|report| report.certificate_key = None), Err("report_other_certificate"));
    assert_eq!(from(|report| report.certificate_key = Some("0e".repeat(32))), Err("report_other_certificate"));
    assert!(from(|report| report.certificate_key = Some("ab".repeat(32))).is_ok());
}

#[test]
fn what_cannot_be_asked_for_is_refused_with_its_code() {
    let records = [record("hrss-1", AdapterState::Live)];
    assert_eq!(moved(&records, "hrss-9", Move::Drain).unwrap_err(), AdapterFault::Unknown);
    assert_eq!(moved(&records, "hrss-file", Move::Drain).unwrap_err(), AdapterFault::ByFile);
    assert_eq!(moved(&records, "hrss-1", Move::Accept).unwrap_err().code(), "illegal_move");
    for notice in [None, Some(Text::new("", "down")), Some(Text::new("150000198605021015", "down"))] {
        let change =
            Change::Move { id: "hrss-1".to_owned(), by: Move::Suspend, notice, conformance: None, about: None };
        assert_eq!(make(&records, &change).unwrap_err(), AdapterFault::Notice);
    }
    let agreement = Agreement { timeout_ms: 0, ..Agreement::default() };
    let change = Change::Agree { id: "hrss-1".to_owned(), agreement };
    assert_eq!(make(&records, &change).unwrap_err().code(), "invalid_agreement");
    let hour = Timestamp::from_second(3_600).unwrap();
    assert_eq!(invitation_fault(&"0".repeat(64), hour, Timestamp::UNIX_EPOCH), None);
    assert!(invitation_fault("0", hour, Timestamp::UNIX_EPOCH).is_some());
    assert!(invitation_fault(&"0".repeat(64), Timestamp::UNIX_EPOCH, hour).is_some());
}

#[test]
fn a56_terms_that_change_while_others_decide_are_not_what_they_agreed_to() {
    let mut records = vec![record("hrss-1", AdapterState::Shadow)];
    let about = Some(Box::new(AsEntered::of(&records[0])));
    let change = Change::Move { id: "hrss-1".to_owned(), by: Move::GoLive, notice: None, conformance: None, about };
    assert!(make(&records, &change).is_ok());
    records[0].agreement.per_second = std::num::NonZeroU32::MAX;
    assert_eq!(make(&records, &change), Err(AdapterFault::ChangedSince));
}
