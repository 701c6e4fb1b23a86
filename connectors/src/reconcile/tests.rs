//! Ledgers and accounts that agree, and each way in which they do not.

use std::path::PathBuf;

use super::*;
use crate::context::{Case, ContextSigner, Disclosure, Question, digest_of};
use crate::keys::PrivateKey;
use crate::ledger::{Ledger, LedgerFile};
use crate::protocol::{Query, QueryAuthorisation, QueryCase, QueryPeriod, QuerySubject};

const DAY: Date = jiff::civil::date(2026, 11, 26);

struct World {
    folder: tempfile::TempDir,
    signer: ContextSigner,
    account: Account,
}

impl World {
    fn path(&self) -> PathBuf {
        self.folder.path().join("hrss.jsonl")
    }

    fn keys(&self) -> Vec<PublicKey> {
        vec![self.signer.public().clone()]
    }

    fn told(&self) -> Reconciliation {
        reconcile(&self.path(), &self.account, &self.keys()).unwrap()
    }

    fn codes(&self) -> Vec<&'static str> {
        let told = self.told();
        let faults = told.faults.iter().map(|fault| fault.code);
        faults.chain(told.differences.iter().map(|difference| difference.code)).collect()
    }

    /// Changes the text of the ledger.
    fn rewrite(&self, change: impl Fn(&mut Vec<String>)) {
        let text = std::fs::read_to_string(self.path()).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        change(&mut lines);
        std::fs::write(self.path(), lines.join("\n") + "\n").unwrap();
    }
}

fn query(verification: &str) -> Query {
    let subject = QuerySubject {
        reference: "m1".into(),
        id_number: "150000198605021015".into(),
        name: "白云".into(),
        datasets: None,
        division: None,
        case: None,
    };
    Query {
        request_id: verification.into(),
        purpose: "dibao".into(),
        authorisation: QueryAuthorisation { number: "SQ-1".into(), valid_until: "2027-01-01".into() },
        period: QueryPeriod { from: DAY, to: DAY },
        datasets: vec!["hrss.pension".into()],
        subjects: vec![subject],
        within_ms: None,
    }
}

/// A ledger of three questions, the second of which was asked twice, and the account of them.
async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let signer = ContextSigner::new(PrivateKey::from_seed(&[1; 32]).unwrap(), "https://hub.hedui.invalid");
    let ledger = Ledger::File(LedgerFile::open(&folder.path().join("hrss.jsonl"), 1 << 20).unwrap());
    for verification in ["vf_1", "vf_2", "vf_2", "vf_3"] {
        let case = Case {
            verification: verification.into(),
            authorisation: digest_of(b"SQ-1"),
            organisation: "试用民政局".into(),
            division: "150102".into(),
            via: None,
            question: None,
        };
        let (aud, jti) = ("hrss".into(), format!("{verification}.hrss.0"));
        let question = Question { aud, jti, digest: digest_of(b"{}"), cases: vec![case] };
        let disclosure = Disclosure::of(&question, [7; 16]);
        let text = signer.sign("dibao", [&disclosure].into_iter(), 1_760_000_000).with(&disclosure);
        let context = Context::prove(&text, &[signer.public().clone()]).unwrap();
        let mut entry = ledger.begin("hrss", Some(&query(verification)));
        entry.asked_by(&context);
        entry.finish("answered", Vec::new(), None).await.unwrap();
    }
    ledger.begin("hrss", None).finish("context_missing", Vec::new(), None).await.unwrap();
    let now: Timestamp = {
        let mut last = None;
        drop(ledger);
        read(&folder.path().join("hrss.jsonl"), |line| last = Some(line.unwrap().at)).unwrap();
        last.unwrap()
    };
    let today = Offset::constant(8).to_datetime(now).date();
    let question = |verification: &str, again| AccountedQuestion {
        id: format!("{verification}.hrss.0"),
        at: now,
        organisation: "试用民政局".into(),
        purpose: "dibao".into(),
        people: 1,
        again,
        outcome: "answered".into(),
    };
    let questions = vec![question("vf_1", 0), question("vf_2", 1), question("vf_3", 0)];
    let taken_at = now + SignedDuration::from_hours(1);
    let account = Account {
        adapter: "hrss".into(),
        from: today.yesterday().unwrap(),
        to: today.tomorrow().unwrap(),
        taken_at,
        questions,
    };
    World { folder, signer, account }
}

#[tokio::test]
async fn a_ledger_and_an_account_of_the_same_questions_agree() {
    let world = world().await;
    let told = world.told();
    assert!(told.agrees(), "{told:?}");
    assert_eq!((told.lines, told.confirmed, told.repeated, told.refused, told.signatures), (5, 3, 1, 1, 4));
}

#[tokio::test]
async fn what_one_side_has_and_the_other_has_not_is_named() {
    let mut world = world().await;
    let removed = world.account.questions.remove(0);
    assert_eq!(world.codes(), ["not_at_hub"]);
    assert_eq!(world.told().differences[0].subject, "vf_1.hrss.0");
    world
        .account
        .questions
        .extend([removed.clone(), AccountedQuestion { id: "vf_9.hrss.0".into(), ..removed.clone() }]);
    assert_eq!(world.codes(), ["not_in_ledger"]);
    // A question of which the hub says that nobody answered may never have reached the department.
    world.account.questions.pop();
    world.account.questions.push(AccountedQuestion { id: "vf_9.hrss.0".into(), outcome: "timeout".into(), ..removed });
    let told = world.told();
    assert!(told.agrees() && told.not_reached == 1, "{told:?}");
}

#[tokio::test]
async fn what_both_sides_tell_differently_is_named() {
    let mut world = world().await;
    world.account.questions[0].people = 2;
    world.account.questions[1].again = 0;
    world.account.questions[2].purpose = "tekun".into();
    assert_eq!(world.codes(), ["told_differently", "asked_more_often", "told_differently"]);
}

#[tokio::test]
async fn a_question_just_before_the_account_was_taken_is_no_difference() {
    let mut world = world().await;
    world.account.questions.clear();
    world.account.taken_at -= SignedDuration::from_hours(1);
    let told = world.told();
    assert!(told.agrees() && told.outside == 4, "{told:?}");
}

#[tokio::test]
async fn a_removed_or_changed_line_is_found() {
    let world = world().await;
    world.rewrite(|lines| drop(lines.remove(1)));
    assert_eq!(world.codes(), ["line_missing"]);

    let world = self::world().await;
    world.rewrite(|lines| lines[0] = lines[0].replace("\"subjects\":1", "\"subjects\":2"));
    assert_eq!(world.codes(), ["line_changed", "told_differently"]);

    // At the end the chain shows nothing; the account does.
    let world = self::world().await;
    world.rewrite(|lines| lines.truncate(3));
    assert_eq!(world.codes(), ["not_in_ledger"]);
}

#[tokio::test]
async fn a_ledger_that_was_rewritten_from_end_to_end_does_not_have_the_hubs_signatures() {
    let world = world().await;
    world.rewrite(|lines| {
        let mut prev = "0".repeat(64);
        for (place, line) in lines.iter_mut().enumerate() {
            let at = line.find("\"at\"").unwrap();
            let rest = line[at..].replace("试用民政局", "别处民政局");
            *line = format!("{{\"number\":{},\"prev\":\"{prev}\",{rest}", place + 1);
            prev = crate::ledger::chain::hash_of(line.as_bytes());
        }
    });
    let codes = world.codes();
    assert!(codes.contains(&"context_body") && codes.contains(&"not_in_ledger"), "{codes:?}");

    let strangers = [PrivateKey::from_seed(&[2; 32]).unwrap().public().clone()];
    let told = reconcile(&world.path(), &world.account, &strangers).unwrap();
    assert!(told.faults.iter().all(|fault| fault.code == "context_key_unknown") && told.signatures == 0, "{told:?}");
}

#[tokio::test]
async fn households_that_shared_a_query_asked_one_question_each() {
    let mut world = world().await;
    let (of, organisations) = (["vf_7", "vf_8"], ["试用民政局", "别处民政局"]);
    let mut query = query("vf_7");
    let subject = query.subjects.remove(0);
    let case = |verification: &str| QueryCase {
        request_id: verification.into(),
        authorisation: QueryAuthorisation { number: "SQ-1".into(), valid_until: "2027-01-01".into() },
    };
    // One person of the first household, two of the second.
    query.subjects = [of[0], of[1], of[1]].map(|of| QuerySubject { case: Some(case(of)), ..subject.clone() }).to_vec();
    let signed = of.iter().zip(organisations).map(|(verification, organisation)| Case {
        verification: (*verification).into(),
        authorisation: digest_of(b"SQ-1"),
        organisation: organisation.into(),
        division: "150102".into(),
        via: None,
        question: Some(format!("{verification}.hrss.0")),
    });
    let question =
        Question { aud: "hrss".into(), jti: "shared.hrss.1".into(), digest: digest_of(b"{}"), cases: signed.collect() };
    let disclosure = Disclosure::of(&question, [7; 16]);
    let text = world.signer.sign("dibao", [&disclosure].into_iter(), 1_760_000_000).with(&disclosure);
    let context = Context::prove(&text, &world.keys()).unwrap();
    assert!(context.is_of(&query));
    let mut other = query.clone();
    other.subjects[1].case.as_mut().unwrap().authorisation.number = "SQ-2".into();
    assert!(!context.is_of(&other), "each household is asked about on the authorisation that was signed for");
    let ledger = Ledger::File(LedgerFile::open(&world.path(), 1 << 20).unwrap());
    let mut entry = ledger.begin("hrss", Some(&query));
    entry.asked_by(&context);
    entry.finish("answered", Vec::new(), None).await.unwrap();
    drop(ledger);
    assert_eq!(world.codes(), ["not_at_hub", "not_at_hub"]);
    let asked = |place: usize, people| AccountedQuestion {
        id: format!("{}.hrss.0", of[place]),
        organisation: organisations[place].into(),
        people,
        ..world.account.questions[0].clone()
    };
    let both = [asked(0, 1), asked(1, 2)];
    world.account.questions.extend(both);
    let told = world.told();
    assert!(told.agrees() && told.confirmed == 5, "{told:?}");
    world.account.questions[4].people = 1;
    world.account.questions[3].organisation = "试验民政局".into();
    assert_eq!(world.codes(), ["told_differently", "told_differently"]);
    // What a line says of a case is held against what the hub signed.
    world.rewrite(|lines| {
        let last = lines.last_mut().unwrap();
        *last = last.replace("\"question\":\"vf_8.hrss.0\"", "\"question\":\"vf_9.hrss.0\"");
    });
    assert!(world.codes().contains(&"context_body"), "{:?}", world.codes());
}
