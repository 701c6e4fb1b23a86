//! What a department may do alone, on records.

use std::num::NonZeroU32;

use super::super::change::{self, tests::record};
use super::super::demoting::Demotion;
use super::super::record::StepTaken;
use super::*;
use crate::domain::agreement::Agreement;
use crate::domain::problem::Text;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn change(by: Move) -> Change {
    let notice = (by == Move::Suspend).then(|| Text::new("停机", "down"));
    Change::Move { id: "hrss-1".to_owned(), by, notice, conformance: None, about: None }
}

fn agree(per_second: u32) -> Change {
    let per_second = NonZeroU32::new(per_second).unwrap();
    Change::Agree { id: "hrss-1".to_owned(), agreement: Agreement { per_second, ..Agreement::default() } }
}

/// The adapter after somebody's changes, one after the other.
fn after(state: AdapterState, changes: &[(Change, bool)]) -> AdapterRecord {
    let mut adapter = record("hrss-1", AdapterState::Live);
    let step = |by, state, by_department| StepTaken {
        by,
        state,
        at: NOW,
        entered_by: "somebody".to_owned(),
        by_department,
        approvers: Vec::new(),
        replaced: None,
    };
    adapter.took(step(Some(Move::GoLive), AdapterState::Live, false));
    if state != AdapterState::Live {
        adapter = record("hrss-1", state);
    }
    for (change, by_department) in changes {
        if *by_department {
            assert_eq!(beyond(&adapter, change, NOW), None, "{change:?}");
        }
        let made = change::applied(&[adapter], change, 3, |by, state| step(by, state, *by_department));
        adapter = made.unwrap().remove(0);
        if matches!(change, Change::Move { by: Move::Demote, .. }) {
            adapter.demotion = Some(Box::new(demotion()));
        }
    }
    adapter
}

fn demotion() -> Demotion {
    Demotion { ailments: Vec::new(), usual: Vec::new(), stands_in: None, times: 1, at: NOW, ended_at: None }
}

fn may(adapter: &AdapterRecord, by: Move) -> bool {
    beyond(adapter, &change(by), NOW).is_none()
}

#[test]
fn a_department_resumes_what_it_took_off_itself_and_nothing_else() {
    let (own, others) = (true, false);
    for (steps, may_resume) in [
        (vec![(Move::Suspend, own)], true),
        (vec![(Move::Drain, own)], true),
        (vec![(Move::Drain, own), (Move::Drained, others)], true),
        (vec![(Move::Drain, own), (Move::Suspend, own), (Move::Suspend, own)], true),
        (vec![(Move::Suspend, others)], false),
        (vec![(Move::Drain, others), (Move::Suspend, own)], false),
        (vec![(Move::Suspend, own), (Move::Suspend, others)], false),
        (vec![(Move::Demote, others), (Move::Suspend, own)], false),
        // What was before it was live again does not count.
        (vec![(Move::Suspend, others), (Move::Resume, others), (Move::Suspend, own)], true),
    ] {
        let changes: Vec<(Change, bool)> = steps.iter().map(|(by, whose)| (change(*by), *whose)).collect();
        let adapter = after(AdapterState::Live, &changes);
        assert_eq!(may(&adapter, Move::Resume), may_resume, "{steps:?}");
        // Terms that were changed meanwhile are nobody's taking off.
        let terms = after(AdapterState::Live, &[changes, vec![(agree(100), true)]].concat());
        assert_eq!(may(&terms, Move::Resume), may_resume, "{steps:?}");
    }
}

#[test]
fn one_operator_alone_does_not_let_be_asked_what_the_department_took_off() {
    let (own, others) = (true, false);
    for (steps, takes_two) in [
        (vec![(Move::Suspend, own)], true),
        (vec![(Move::Drain, own), (Move::Drained, others)], true),
        (vec![(Move::Suspend, own), (Move::Suspend, others)], true),
        (vec![(Move::Suspend, others)], false),
        (vec![(Move::Suspend, own), (Move::Resume, own), (Move::Suspend, others)], false),
    ] {
        let changes: Vec<(Change, bool)> = steps.iter().map(|(by, whose)| (change(*by), *whose)).collect();
        let adapter = after(AdapterState::Live, &changes);
        for by in [Move::Resume, Move::Remove] {
            assert_eq!(is_against_department(&adapter, &change(by)), takes_two, "{by:?} after {steps:?}");
        }
        assert!(!is_against_department(&adapter, &change(Move::Suspend)));
        // Nor by pushing the department's step out of the record, nor by the department's own terms.
        let terms = |whose, times: usize| vec![(agree(100), whose); times];
        let pushed = after(AdapterState::Live, &[changes.clone(), terms(others, 200)].concat());
        assert!(is_against_department(&pushed, &change(Move::Resume)), "{steps:?}");
        let tight = after(AdapterState::Live, &[changes, terms(own, 1)].concat());
        assert_eq!(is_against_department(&tight, &change(Move::Resume)), takes_two, "{steps:?}");
    }
    assert!(!is_against_department(&record("hrss-1", AdapterState::Draft), &change(Move::Remove)));
}

#[test]
fn an_others_suspension_cannot_be_pushed_out_of_the_record() {
    let mut changes = vec![(change(Move::Suspend), false)];
    changes.extend((0..200).map(|turn| (agree(1 + turn % 2), true)));
    let adapter = after(AdapterState::Live, &changes);
    assert!(adapter.steps.iter().all(|step| step.by.is_none()), "the suspension is not in it any more");
    assert!(!may(&adapter, Move::Resume) && !may(&adapter, Move::Suspend) && !may(&adapter, Move::Remove));
}

#[test]
fn a_department_stops_whatever_it_likes_and_brings_nothing_on() {
    for state in AdapterState::ALL {
        let adapter = record("hrss-1", state);
        assert!(may(&adapter, Move::Drain) && may(&adapter, Move::Withdraw), "{state:?}");
        for by in Move::ALL.into_iter().filter(|by| by.needs_two_persons() || by.is_own() || *by == Move::Accept) {
            assert_eq!(beyond(&adapter, &change(by), NOW), Some(Beyond::BringingOn), "{by:?}");
        }
        // Others must not come to be asked in the place of what is gone.
        let was_live = state == AdapterState::Live || state.is_paused();
        assert_eq!(may(&adapter, Move::Remove), !was_live, "{state:?}");
    }
    let demoted = after(AdapterState::Live, &[(change(Move::Demote), false)]);
    assert!(demoted.is_on_trial() && may(&demoted, Move::Suspend), "it does not return by itself then");
    let others = after(AdapterState::Live, &[(change(Move::Suspend), false)]);
    assert!(!may(&others, Move::Suspend), "another's notice stays");
}

#[test]
fn terms_go_down_and_back_up_to_what_was_agreed_and_no_further() {
    let tight = after(AdapterState::Live, &[(agree(200), false), (agree(20), true), (agree(5), true)]);
    assert_eq!(tight.bound().per_second.get(), 200);
    assert_eq!(beyond(&tight, &agree(200), NOW), None);
    let more = beyond(&tight, &agree(201), NOW).unwrap();
    assert_eq!(more.code(), "beyond_agreement");
    assert!(more.text().en.contains("`per_second` is 201, and 200 was agreed to"), "{more}");
    let back = after(AdapterState::Live, &[(agree(200), false), (agree(20), true), (agree(200), true)]);
    assert_eq!((back.agreed.clone(), back.bound().per_second.get()), (None, 200));
    // What others put in force is the bound from then on, lower ones too.
    let lowered = after(AdapterState::Live, &[(agree(20), true), (agree(50), false)]);
    assert!(beyond(&lowered, &agree(51), NOW).is_some() && lowered.agreed.is_none());
    // So are the terms that two persons let it go live with.
    let live = after(AdapterState::Shadow, &[(agree(20), true), (change(Move::GoLive), false)]);
    assert!(beyond(&live, &agree(21), NOW).is_some() && live.agreed.is_none());
}
