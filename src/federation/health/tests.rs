//! What demotes a department, what brings it back, and what does neither.

use super::*;

fn pension() -> DatasetId {
    DatasetId::parse("hrss.pension").unwrap()
}

fn view(health: &Health) -> HealthView {
    health.view(&DepartmentId::parse("hrss").unwrap(), &Delays::default(), false, 64)
}

/// So many answers, of which a share in hundredths is "no record".
fn answers(health: &Health, count: usize, no_record: usize) -> Vec<Standing> {
    (0..count)
        .map(|index| {
            let said = if index % 100 < no_record { Said::NoRecord } else { Said::Facts(Some("2025-02-28"), &[]) };
            health.said(std::iter::once((&pension(), said)));
            health.asked(Ok(()))
        })
        .filter(|standing| *standing != Standing::Same)
        .collect()
}

#[test]
fn p2_a_table_that_was_emptied_ails_and_is_well_again_with_its_return() {
    let health = Health::default();
    assert_eq!(answers(&health, 1_000, 40), []);
    assert_eq!(answers(&health, 600, 100), [Standing::Ails], "all at once nobody has a record");
    let ill = view(&health);
    assert!(ill.is_ailing && ill.symptoms.is_empty());
    assert_eq!(ill.datasets[0].symptoms, [Symptom::MoreNoRecord]);
    assert_eq!(answers(&health, 5_000, 100), [], "what drifted does not become usual");
    assert_eq!(answers(&health, 600, 40), [Standing::Well]);
    let well = view(&health);
    assert!(!well.is_ailing && well.datasets[0].symptoms.is_empty());
    assert_eq!(well.datasets[0].newest.as_deref(), Some("2025-02-28"));
}

/// So many records of dwellings, of which a share in hundredths leaves out how much of it is owned.
fn dwellings(health: &Health, count: usize, left_out: usize) -> Vec<Standing> {
    let dataset = DatasetId::parse("housing.dwellings").unwrap();
    let record = |share: &str| {
        let json = format!(r#"[{{"kind":"DWELLING","value":"0.00","area_m2":"60.00"{share}}}]"#);
        Fact::decode(crate::domain::fact::FactKind::Asset, &json).unwrap()
    };
    let (whole, without) = (record(r#","share":"0.5""#), record(""));
    let one = |index: usize| {
        let facts = if index % 100 < left_out { &without } else { &whole };
        health.said(std::iter::once((&dataset, Said::Facts(None, facts))));
        health.asked(Ok(()))
    };
    (0..count).map(one).filter(|standing| *standing != Standing::Same).collect()
}

#[test]
fn p2_a_column_that_nobody_fills_any_more_ails_over_restarts_until_it_is_filled_again() {
    let health = Health::default();
    assert_eq!(dwellings(&health, 1_000, 10), []);
    assert_eq!(dwellings(&health, 600, 100), [Standing::Ails], "all dwellings are suddenly owned as a whole");
    let ill = view(&health);
    assert_eq!(ill.datasets[0].symptoms, [Symptom::FieldLeftOut]);
    let share = ill.datasets[0].fields.iter().find(|field| field.field == "share").unwrap();
    assert_eq!((share.left_out_percent_before, share.left_out_percent > 90), (Some(10), true), "{share:?}");
    let ailments = health.ailments();
    assert_eq!(ailments.len(), 1, "what was always left out is no drift: {ailments:?}");
    assert_eq!((ailments[0].field.as_deref(), ailments[0].before), (Some("share"), Some(10)));

    let restarted = Health::default();
    restarted.expect(&health.usual(), &ailments);
    // Nobody is called ill for a few records; for how long one must be well is the registry's to say.
    dwellings(&restarted, 200, 100);
    assert_eq!(restarted.ailments(), [Ailment { now: 100, ..ailments[0].clone() }]);
    assert_eq!(dwellings(&restarted, 2_000, 100), [], "what drifted does not become usual by starting anew");
    assert_eq!(dwellings(&restarted, 600, 10), [Standing::Well]);
    assert_eq!(dwellings(&restarted, 1_000, 0), [], "more than before is said by more and more");
}

#[test]
fn what_somebody_let_pass_is_usual_from_then_on() {
    let health = Health::default();
    answers(&health, 1_000, 40);
    assert_eq!(answers(&health, 600, 100), [Standing::Ails]);
    health.learn_anew();
    assert!(health.ailments().is_empty() && health.usual().is_empty());
    assert_eq!(answers(&health, 2_000, 100), [], "all are as they are");
    assert_eq!(answers(&health, 600, 40), [Standing::Ails], "and another change is one");
}

#[test]
fn what_changes_slowly_is_no_drift() {
    let health = Health::default();
    for share in (20..=90).step_by(2) {
        assert_eq!(answers(&health, 1_500, share), [], "{share}");
    }
}

#[test]
fn records_that_do_not_fit_any_more_are_told_with_their_place() {
    let health = Health::default();
    answers(&health, 300, 0);
    let mut standings = Vec::new();
    for _ in 0..300 {
        health.said(std::iter::once((&pension(), Said::Malformed("/kind"))));
        standings.push(health.asked(Err(GapReason::Malformed)));
    }
    assert!(standings.contains(&Standing::Ails));
    let ill = view(&health);
    assert_eq!(ill.datasets[0].malformed_at.as_deref(), Some("/kind"));
    assert_eq!(ill.datasets[0].symptoms, [Symptom::Malformed]);
    assert_eq!(ill.symptoms, [Symptom::FailsOften]);
    assert!(ill.gaps["malformed"] > 0);
}

#[test]
fn p9_refusals_and_unknown_names_ail_nobody() {
    let health = Health::default();
    for reason in [GapReason::NotAuthorised, GapReason::Mismatch] {
        for _ in 0..500 {
            assert_eq!(health.asked(Err(reason)), Standing::Same);
        }
    }
    assert_eq!(view(&health).well_percent, 100);
}

#[test]
fn each_step_has_its_times() {
    let health = Health::default();
    for _ in 0..200 {
        health.took(Step::FirstByte, Duration::from_millis(20));
        health.took(Step::Read, Duration::from_micros(300));
    }
    let times = view(&health).steps;
    let of = |step: Step| times.iter().find(|times| times.step == step);
    assert!(of(Step::Quota).is_none() && of(Step::Connect).is_none());
    assert!((20_000..26_000).contains(&of(Step::FirstByte).unwrap().p50_us));
    assert!(of(Step::Read).unwrap().p99_us < 400);
}

#[test]
fn p2_what_was_usual_before_a_restart_is_what_answers_are_held_against() {
    let health = Health::default();
    answers(&health, 1_000, 40);
    let usual = health.usual();
    assert_eq!(usual.len(), 1);
    let restarted = Health::default();
    restarted.expect(&usual, &[]);
    answers(&restarted, 200, 100);
    let ailments = restarted.ailments();
    assert_eq!(ailments[0].symptom, Symptom::MoreNoRecord);
    assert_eq!((ailments[0].before, ailments[0].now), (Some(usual[0].1), 100));
    assert_eq!(answers(&restarted, 600, 40), [Standing::Well]);
    assert!(restarted.ailments().is_empty());
    assert_eq!(restarted.heard_of([&pension()].into_iter()), (800, 800));
    let unheard = DatasetId::parse("hrss.employment").unwrap();
    assert_eq!(restarted.heard_of([&pension(), &unheard].into_iter()), (800, 0));
    assert_eq!(view(&restarted).datasets.len(), 1, "who is asked after is not heard of by it");
}
