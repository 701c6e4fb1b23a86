//! Each rule by itself, on a log that is written line by line.

use std::fmt::Write as _;

use super::*;

/// A log that is written line by line.
struct Log {
    evaluator: Evaluator,
    next: u64,
}

impl Log {
    fn new() -> Self {
        Self::with(People::default())
    }

    fn with(people: People) -> Self {
        Self { evaluator: Evaluator::new(Arc::new(Rules::shipped()), Arc::new(people)), next: 0 }
    }

    /// An entry of `c1/zhang` at an instant in China, with more members.
    fn entry(&mut self, action: &str, at: &str, more: &str) -> Vec<Finding> {
        let index = self.next;
        self.next += 1;
        let mut body = format!(
            r#"{{"action":"{action}","actor":"c1","at":"{}","id":"ev_{index}","organisation":"某局""#,
            at.parse::<Timestamp>().unwrap()
        );
        write!(body, "{more}}}").unwrap();
        self.evaluator.observe(&Entry::read(index, &body).unwrap())
    }

    /// A question about somebody, with a case or what stands instead.
    fn ask(&mut self, at: &str, subject: u8, context: &str) -> Vec<Finding> {
        let context = if context.is_empty() { String::new() } else { format!(",{context}") };
        let subject = format!("{subject:02x}").repeat(16);
        let index = self.next;
        let more = format!(
            r#","division":"152201","verification":"vf_{index}","subjects":["{subject}"],"context":{{"operator":"zhang"{context}}}"#
        );
        self.entry("granted", at, &more)
    }
}

const CASE: &str = r#""case":"DB-1","case_opened_at":"2026-10-01T00:00:00Z""#;

fn rules_of(found: &[Finding]) -> Vec<&'static str> {
    found.iter().map(|finding| finding.rule.as_str()).collect()
}

#[test]
fn a_case_that_was_open_before_explains_an_access() {
    let mut log = Log::new();
    assert!(log.ask("2026-11-02T10:00:00+08:00", 1, CASE).is_empty());
    let none = log.ask("2026-11-02T10:01:00+08:00", 2, "");
    assert_eq!(rules_of(&none), ["R1"]);
    assert_eq!((none[0].window.as_str(), none[0].score), ("2026-11-02", 40));
    let fresh = r#""case":"DB-2","case_opened_at":"2026-11-02T02:01:30Z","case_opened_by":"zhang""#;
    let found = log.ask("2026-11-02T10:02:00+08:00", 3, fresh);
    assert_eq!((found[0].arithmetic.observed, found[0].arithmetic.threshold), (30, 120));
    assert!(found[0].words.zh.contains("30 秒") && found[0].words.en.contains("30 seconds"), "{:?}", found[0].words);
    let by_another = fresh.replace("\"zhang\"", "\"window\"");
    assert!(log.ask("2026-11-02T10:02:00+08:00", 4, &by_another).is_empty());
    let closed = format!("{CASE},\"case_closed_at\":\"2026-10-20T00:00:00Z\"");
    assert_eq!(rules_of(&log.ask("2026-11-02T10:03:00+08:00", 5, &closed)), ["R1"]);
    // A registered authorisation is a document of the case; its id tells when it was registered.
    let id = |at: &str| format!("au_{:012x}7000800000000000000", at.parse::<Timestamp>().unwrap().as_millisecond());
    for (at, is_explained) in [("2026-11-02T09:00:00+08:00", true), ("2026-11-02T10:03:30+08:00", false)] {
        let more = format!(r#","division":"152201","object":"{}","context":{{"operator":"zhang"}}"#, id(at));
        assert_eq!(log.entry("granted", "2026-11-02T10:04:00+08:00", &more).is_empty(), is_explained, "{at}");
    }
}

#[test]
fn every_break_glass_is_an_alert_of_its_own_and_due_within_a_day() {
    let mut log = Log::new();
    for turn in 0..3 {
        let more =
            format!(r#","division":"152201","exemption":"emergency","verification":"vf_{turn}","context":{{{CASE}}}"#);
        let found = log.entry("granted", "2026-11-02T10:00:00+08:00", &more);
        assert_eq!((rules_of(&found), found[0].window.clone()), (vec!["R6"], format!("vf_{turn}")));
        assert_eq!(found[0].due_at, Some("2026-11-03T10:00:00+08:00".parse().unwrap()));
    }
}

#[test]
fn off_hours_are_those_of_the_calendar_in_china() {
    let mut log = Log::new();
    for (at, is_off) in [
        ("2026-11-02T07:29:00+08:00", true),
        ("2026-11-02T07:30:00+08:00", false),
        ("2026-11-02T19:29:00+08:00", false),
        ("2026-11-02T19:30:00+08:00", true),
        ("2026-11-01T10:00:00+08:00", true),
    ] {
        assert_eq!(rules_of(&log.ask(at, 1, CASE)).contains(&"R8"), is_off, "{at}");
    }
}

#[test]
fn volume_prints_how_its_threshold_came_about() {
    let mut log = Log::new();
    let mut subject = 0_u8;
    let mut ask = |log: &mut Log, at: &str| {
        subject = subject.wrapping_add(1);
        let case = format!(r#""case":"DB-{at}-{subject}","case_opened_at":"2026-09-01T00:00:00Z""#);
        log.ask(at, subject, &case)
    };
    for day in 1..=14 {
        for hour in 9..14 {
            ask(&mut log, &format!("2026-10-{:02}T{hour:02}:00:00+08:00", day + 4));
        }
    }
    let volume = |found: &[Finding]| found.iter().find(|finding| finding.rule == RuleId::R7).cloned();
    let found: Vec<Finding> =
        (0..20).filter_map(|minute| volume(&ask(&mut log, &format!("2026-10-20T10:{minute:02}:00+08:00")))).collect();
    // Five a day, one an hour: three in an hour would be three times the usual, and the least is fifteen.
    assert_eq!(found.len(), 5);
    let first = &found[0];
    assert_eq!((first.arithmetic.observed, first.arithmetic.threshold, first.entries.len()), (16, 15, 16));
    assert!(first.arithmetic.basis.en.contains("percentile 95 of 14 own active days is 1, times 3 is 3"), "{first:?}");
}

#[test]
fn more_than_the_most_in_a_day_is_an_alert_without_any_history() {
    let mut log = Log::new();
    let mut found = Vec::new();
    for turn in 0..201 {
        let at = format!("2026-11-02T{:02}:{:02}:00+08:00", 8 + turn / 20, turn % 20 * 3);
        found = log.ask(&at, u8::try_from(turn % 250).unwrap(), CASE);
        assert_eq!(rules_of(&found).contains(&"R7"), turn == 200, "{turn}");
    }
    let volume = found.iter().find(|finding| finding.rule == RuleId::R7).unwrap();
    assert_eq!((volume.arithmetic.observed, volume.arithmetic.threshold), (201, 200));
}

#[test]
fn one_person_again_and_again_without_anything_new() {
    let mut log = Log::new();
    let case = |number: u8| format!(r#""case":"DB-{number}","case_opened_at":"2026-10-01T00:00:00Z""#);
    for (day, number) in [(2, 1), (3, 2), (4, 3), (5, 4)] {
        assert!(
            log.ask(&format!("2026-11-0{day}T10:00:00+08:00"), 1, &case(number)).is_empty(),
            "a new case each time"
        );
    }
    let asks: Vec<bool> = (0..4)
        .map(|turn| rules_of(&log.ask(&format!("2026-11-1{}T10:00:00+08:00", turn % 3), 2, &case(9))).contains(&"R10"))
        .collect();
    assert_eq!(asks, [false, false, false, true], "the first belongs to the case, then three more");
    // After the window all is forgotten.
    assert!(log.ask("2026-12-21T10:00:00+08:00", 2, &case(9)).is_empty());
}

#[test]
fn a_new_region_is_told_once_and_a_refused_one_each_day() {
    let mut log = Log::new();
    for turn in 0..25 {
        log.ask(&format!("2026-11-02T10:{turn:02}:00+08:00"), turn, CASE);
    }
    let mut far = |at: &str| {
        let more = format!(r#","division":"110101","context":{{"operator":"zhang",{CASE}}}"#);
        rules_of(&log.entry("granted", at, &more)).contains(&"R9")
    };
    assert!(far("2026-11-03T10:00:00+08:00") && !far("2026-11-03T11:00:00+08:00"));
    // A14: what is foreign fails singly, and is counted.
    let found = log.entry("denied", "2026-11-03T12:00:00+08:00", r#","problem":"foreign_division""#);
    assert_eq!((rules_of(&found), found[0].arithmetic.observed), (vec!["R9"], 1));
}

#[test]
fn missing_and_altered_entries_and_silent_witnesses_are_log_health() {
    let mut log = Log::new();
    log.ask("2026-11-02T10:00:00+08:00", 1, CASE);
    log.next += 3;
    let found = log.ask("2026-11-02T10:01:00+08:00", 2, CASE);
    assert_eq!((rules_of(&found), found[0].arithmetic.observed), (vec!["R15"], 3));
    let now = "2026-11-02T10:02:00+08:00".parse().unwrap();
    let silent =
        |minutes| Health::WitnessSilent { witness: "w1".to_owned(), silent_for: SignedDuration::from_mins(minutes) };
    assert!(log.evaluator.health(&silent(5), now).is_none());
    assert_eq!(log.evaluator.health(&silent(6), now).unwrap().severity, super::super::rules::Severity::Critical);
    assert!(log.evaluator.health(&Health::Shorter { size: 3, before: 9 }, now).is_some());
}

#[test]
fn a_verdict_of_which_nothing_came_is_told_only_of_systems_that_say_what_comes() {
    let mut log = Log::new();
    let step = |log: &mut Log, turn: u8| {
        let index = log.next;
        log.ask("2026-11-02T10:00:00+08:00", turn, CASE);
        let more = format!(r#","verification":"vf_{index}","departments":[{{"outcome":"answered"}}]"#);
        log.entry("released", "2026-11-02T10:00:02+08:00", &more);
        format!(r#","verification":"vf_{index}""#)
    };
    let now = "2026-11-10T10:00:00+08:00".parse().unwrap();
    step(&mut log, 1);
    assert!(log.evaluator.pass(now).is_empty(), "this system never says");
    let mut log = Log::new();
    let acted = step(&mut log, 1);
    step(&mut log, 2);
    log.entry("case_acted", "2026-11-03T10:00:00+08:00", &acted);
    let found = log.evaluator.pass(now);
    assert_eq!((rules_of(&found), found[0].window.as_str()), (vec!["R13"], "2026-11-09"));
    assert!(log.evaluator.pass(now).is_empty(), "once");
}

#[test]
fn rules_without_their_data_say_so() {
    let mut log = Log::new();
    log.entry("granted", "2026-11-02T10:00:00+08:00", r#","division":"152201""#);
    let not: Vec<RuleId> =
        log.evaluator.not_evaluated().iter().filter(|not| !not.is_partly).map(|not| not.rule).collect();
    assert_eq!(not, [RuleId::R2, RuleId::R3, RuleId::R4, RuleId::R5, RuleId::R13, RuleId::R16]);
    assert!(log.evaluator.not_evaluated().iter().all(|not| !not.why.zh.is_empty() && !not.why.en.is_empty()));
}

/// A restart reads the windows again; what it finds afterwards is what it would have found without one.
#[test]
fn the_same_entries_give_the_same_findings() {
    let run = || {
        let mut log = Log::new();
        let mut found = Vec::new();
        for turn in 0..60_u8 {
            found.extend(log.ask(&format!("2026-11-02T{:02}:{turn:02}:00+08:00", 9 + turn % 14), turn % 7, ""));
        }
        found
    };
    assert!(!run().is_empty());
    assert_eq!(run(), run());
}
