//! When an adapter is demoted, who stands in, and when it returns.

use super::super::change::tests::record;
use super::*;
use crate::domain::agreement::Agreement;

const RULES: DemotionRules =
    DemotionRules { is_on: true, after: Duration::from_mins(2), returns_after: Duration::from_mins(30) };

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

fn ailment(symptom: Symptom) -> Ailment {
    let dataset = Some(DatasetId::parse("hrss.pension").unwrap());
    Ailment { symptom, dataset, field: None, before: Some(40), now: 100 }
}

fn ailing(symptom: Symptom) -> Condition {
    Condition { ailments: vec![ailment(symptom)], usual: Vec::new(), heard: (500, 500) }
}

fn well(heard: u64) -> Condition {
    Condition { ailments: Vec::new(), usual: Vec::new(), heard: (heard, heard) }
}

fn step(by: Move, state: AdapterState, at: Timestamp, entered_by: &str) -> StepTaken {
    StepTaken {
        by: Some(by),
        state,
        at,
        entered_by: entered_by.to_owned(),
        by_department: false,
        approvers: Vec::new(),
        replaced: None,
    }
}

/// Two versions: the second went live, and the first gave way to it.
fn versions() -> Vec<AdapterRecord> {
    let (mut first, mut second) = (record("hrss-1", AdapterState::Live), record("hrss-2", AdapterState::Shadow));
    first.took(step(Move::GoLive, AdapterState::Live, at(-900), "operator"));
    second.took(step(Move::GoLive, AdapterState::Live, at(-100), "operator"));
    first.took(step(Move::Drain, AdapterState::Draining, at(-100), "operator"));
    first.took(step(Move::Drained, AdapterState::Suspended, at(-99), HUB));
    vec![first, second]
}

fn make(records: &mut [AdapterRecord], change: &Change, now: Timestamp) -> Result<(), AdapterFault> {
    for changed in applied(records, change, |by, state| step(by.unwrap(), state, now, HUB))? {
        let place = records.iter().position(|record| record.id == changed.id).unwrap();
        records[place] = changed;
    }
    Ok(())
}

fn states(records: &[AdapterRecord]) -> Vec<AdapterState> {
    records.iter().map(|record| record.state).collect()
}

#[test]
fn it_ails_for_a_time_before_it_is_demoted_and_is_well_for_longer_before_it_returns() {
    use AdapterState::{Draining, Live, Suspended};
    let (watched, mut records) = (Watched::default(), versions());
    let look = |records: &[AdapterRecord], condition, second| {
        watched.look(RULES, (records, &records[1]), condition, at(second))
    };
    assert!(look(&records, ailing(Symptom::Malformed), 0).is_none());
    assert!(look(&records, ailing(Symptom::Malformed), 119).is_none());
    assert!(look(&records, well(500), 119).is_none(), "well for a moment");
    assert!(look(&records, ailing(Symptom::Malformed), 120).is_none(), "the time begins anew");
    let demoted = look(&records, ailing(Symptom::Malformed), 240).unwrap();
    make(&mut records, &demoted, at(240)).unwrap();
    assert_eq!(states(&records), [Live, Suspended], "the version before stands in");
    assert!(records[1].is_on_trial() && records[1].notice.is_some() && records[0].notice.is_none());

    assert!(
        look(&records, well(10), 300).is_none() && look(&records, well(10), 9_000).is_none(),
        "too little was heard"
    );
    assert!(look(&records, well(64), 9_000).is_none());
    assert!(look(&records, ailing(Symptom::Malformed), 9_100).is_none());
    assert!(look(&records, well(64), 9_200).is_none() && look(&records, well(99), 10_999).is_none());
    let returned = look(&records, well(99), 11_000).unwrap();
    make(&mut records, &returned, at(11_000)).unwrap();
    assert_eq!(states(&records), [Draining, Live]);
    assert!(!records[1].is_on_trial());

    // Again within a day: twice as long, and the version that stood in does so again.
    assert!(look(&records, ailing(Symptom::MoreNoRecord), 12_000).is_none());
    let demoted = look(&records, ailing(Symptom::MoreNoRecord), 12_120).unwrap();
    make(&mut records, &demoted, at(12_120)).unwrap();
    assert_eq!((states(&records), records[1].demotion.as_ref().unwrap().times), (vec![Live, Suspended], 2));
    assert!(look(&records, well(99), 13_000).is_none() && look(&records, well(99), 16_599).is_none());
    assert!(look(&records, well(99), 16_600).is_some());
}

#[test]
fn p2_where_nobody_stands_in_only_what_misleads_takes_a_department_off() {
    let (watched, mut records) = (Watched::default(), versions());
    records.remove(0);
    for second in [0, 1_000] {
        for symptom in [Symptom::FailsOften, Symptom::Malformed] {
            assert!(watched.look(RULES, (&records, &records[0]), ailing(symptom), at(second)).is_none());
        }
    }
    for symptom in [Symptom::MoreNoRecord, Symptom::FewerNoRecord, Symptom::FieldLeftOut] {
        let (watched, mut records) = (Watched::default(), records.clone());
        assert!(watched.look(RULES, (&records, &records[0]), ailing(symptom), at(0)).is_none());
        let demoted = watched.look(RULES, (&records, &records[0]), ailing(symptom), at(120)).unwrap();
        make(&mut records, &demoted, at(120)).unwrap();
        assert_eq!(states(&records), [AdapterState::Suspended], "{symptom:?}");
    }
}

#[test]
fn nobody_stands_in_of_whom_an_operator_decided_otherwise() {
    let stands_in = |records: &[AdapterRecord]| former(records, &records[1]).map(|record| record.id.clone());
    assert_eq!(stands_in(&versions()).as_deref(), Some("hrss-1"));
    let mut suspended = versions();
    suspended[0].took(step(Move::Suspend, AdapterState::Suspended, at(-50), "operator"));
    assert_eq!(stands_in(&suspended), None);
    let mut earlier = versions();
    earlier[0].steps.clear();
    earlier[0].took(step(Move::Drain, AdapterState::Draining, at(-500), "operator"));
    assert_eq!(stands_in(&earlier), None, "it gave way to nobody");
    let mut removed = versions();
    removed[0].took(step(Move::Remove, AdapterState::Removed, at(-50), "operator"));
    assert_eq!(stands_in(&removed), None);
}

#[test]
fn a_version_that_two_persons_let_on_meanwhile_stands() {
    let mut records = versions();
    let demotion = Demotion {
        ailments: vec![ailment(Symptom::Malformed)],
        usual: Vec::new(),
        stands_in: Some("hrss-1".to_owned()),
        times: 1,
        at: at(0),
        ended_at: None,
    };
    let demote = Change::Demote { id: "hrss-2".to_owned(), demotion: Box::new(demotion) };
    make(&mut records, &demote, at(0)).unwrap();
    records[0].took(step(Move::Drain, AdapterState::Draining, at(10), "operator"));
    records.push(AdapterRecord { agreement: Agreement::default(), ..record("hrss-3", AdapterState::Live) });
    let refused = make(&mut records, &Change::Return { id: "hrss-2".to_owned() }, at(20));
    assert_eq!(refused, Err(AdapterFault::Other { other: "hrss-3".to_owned(), state: AdapterState::Live }));
}
