//! Whoever shares a query with whomever, in whatever order: each asker gets the answers about its own people.

use connectors::context::{CONTEXT, Context, ContextSigner, digest_of};
use connectors::keys::PrivateKey;
use connectors::protocol::Query;
use futures_util::future::{join_all, select_all};
use jiff::Timestamp;
use jiff::civil::date;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::*;
use crate::domain::clock::{SystemRandomness, TestClock};
use crate::domain::dataset::DatasetId;
use crate::egress::client::Times;

const MOST: usize = 12;
const PENSION: &str = "hrss.pension";

fn number(person: usize) -> IdNumber {
    let days = jiff::Span::new().days(i64::try_from(person / 999).unwrap());
    IdNumber::compose("150000", date(1950, 1, 1) + days, u16::try_from(person % 999 + 1).unwrap()).unwrap()
}

/// The pension of a person, which nobody else has.
fn pension(id_number: &str) -> String {
    let digits: u64 = id_number
        .bytes()
        .filter(u8::is_ascii_digit)
        .fold(7, |sum, digit| sum.wrapping_mul(31).wrapping_add(u64::from(digit)) % 1_000_000_007);
    format!("{}.00", digits + 1)
}

fn form() -> Form {
    Form {
        department: DepartmentId::parse("hrss").unwrap(),
        catalogue: Arc::new(Catalogue::shipped()),
        signing: Arc::new(Signing {
            signer: signer(),
            clock: Arc::new(TestClock::new(Timestamp::from_second(1_760_000_000).unwrap())),
            randomness: Arc::new(SystemRandomness),
        }),
    }
}

fn signer() -> ContextSigner {
    ContextSigner::new(PrivateKey::from_seed(&[7; 32]).unwrap(), "https://hub.hedui.invalid")
}

/// A query that left, with what the hub signed for.
struct Left {
    query: Query,
    context: Context,
}

impl Left {
    fn of(outgoing: &Outgoing) -> Self {
        let value = outgoing.fields.iter().find_map(|field| field.value(CONTEXT)).unwrap();
        let context = Context::admit(Some(value), &[signer().public().clone()], "hrss", &outgoing.body, 1_760_000_000);
        Self { query: serde_json::from_slice(&outgoing.body).unwrap(), context: context.unwrap() }
    }
}

/// Reads an answer of a department that does not sign.
fn read(form: &Form, seats: &Seats, body: Vec<u8>) -> Result<Arrivals, Failure> {
    let arrived = Arrived { body, fields: [None, None, None], times: Times::default() };
    form.read((&AnswerKeys::default(), &Health::default()), seats, arrived)
}

fn key(purpose: Purpose) -> BatchKey {
    BatchKey { purpose, period: Period::months_before(date(2025, 3, 15), 12) }
}

fn party(household: usize, people: Range<usize>) -> Party {
    let catalogue = Catalogue::shipped();
    let id = DatasetId::parse(PENSION).unwrap();
    let dataset = catalogue.datasets().iter().position(|dataset| dataset.id == id).unwrap();
    let member =
        |person: usize| PartyMember {
            id_number: number(person), name: format!("某{person}"), datasets: vec![dataset]
        };
    Party {
        case: Case {
            verification: format!("vf_{household}"),
            authorisation: digest_of(format!("HD-{household}").as_bytes()),
            organisation: "试用民政局".to_owned(),
            division: "150102".to_owned(),
            via: None,
            question: Some(format!("vf_{household}.hrss.0")),
        },
        authorisation: (format!("HD-{household}"), date(2030, 1, 1)),
        people: people.map(member).collect(),
        tally: Tally::default(),
        number: 0,
    }
}

/// What the department makes of a query; `refuses` says of whom it has a record that is no use.
fn answer(query: &Query, reversed: bool, refuses: impl Fn(&str) -> bool) -> Vec<u8> {
    let mut results: Vec<Value> = query
        .subjects
        .iter()
        .map(|subject| {
            let status = if refuses(&subject.id_number) { "name_mismatch" } else { "ok" };
            let fact = json!({"category": "TRANSFER", "kind": "PENSION_EMPLOYEE", "amount": pension(&subject.id_number),
                "from": "2025-02-01", "to": "2025-02-28"});
            let facts = if status == "ok" { json!([fact]) } else { json!([]) };
            json!({"ref": subject.reference, "id_number": subject.id_number, "dataset": PENSION, "status": status, "facts": facts})
        })
        .collect();
    if reversed {
        results.reverse();
    }
    json!({"request_id": query.request_id, "adapter": {"id": "hrss", "version": "1"}, "results": results})
        .to_string()
        .into_bytes()
}

/// What was paid to each person of a party, or the reason of the gap.
fn told(of_party: OfParty) -> Vec<Result<String, GapReason>> {
    let amount =
        |answers: Vec<Arc<Answer>>| serde_json::to_value(&answers[0].facts[0]).unwrap()["income"]["amount"].to_string();
    of_party.into_iter().map(|person| person.map(amount)).collect()
}

fn expected(people: Range<usize>, refused: &[usize]) -> Vec<Result<String, GapReason>> {
    people
        .map(|person| {
            if refused.contains(&person) {
                Err(GapReason::Mismatch)
            } else {
                let amount = pension(number(person).reveal());
                Ok(Value::from(amount).to_string())
            }
        })
        .collect()
}

/// Runs households through a batcher. The queries that left, and what each asker got; `None` for who gave up.
async fn run(
    households: &[(usize, Purpose, bool)],
    reversed: bool,
    refused: &[usize],
) -> (Vec<Left>, Vec<Option<Result<OfParty, NotCarried>>>) {
    let batcher = Batcher::new(MOST);
    let (leave, left) = watch::channel(false);
    let queries = Arc::new(Mutex::new(Vec::new()));
    let refused: Vec<String> = refused.iter().map(|person| number(*person).reveal().to_owned()).collect();
    let mut first = 0;
    let rides: Vec<_> = households
        .iter()
        .enumerate()
        .map(|(household, (size, purpose, gives_up))| {
            let people = first..first + size;
            first += size;
            let (left, queries, refused) = (left.clone(), Arc::clone(&queries), refused.clone());
            let (key, form) = (key(*purpose), form());
            let fly = move |seats: Arc<Seats>| {
                let mut left = left.clone();
                async move {
                    left.wait_for(|left| *left).await.unwrap();
                    let left = Left::of(&form.question(key, &seats));
                    let answer = answer(&left.query, reversed, |id| refused.iter().any(|known| known == id));
                    queries.lock().unwrap().push(left);
                    read(&form, &seats, answer)
                }
                .boxed()
            };
            let (batcher, mut up) = (&batcher, leave.subscribe());
            let gives_up = *gives_up;
            async move {
                let ride = batcher.ride(key, party(household, people), fly).boxed_local();
                if gives_up {
                    // Boards, and leaves before the batch does.
                    let waits = async { drop(up.wait_for(|left| *left).await) };
                    let mut ride = ride;
                    let is_here = futures_util::poll!(ride.as_mut()).is_ready();
                    drop(ride);
                    waits.await;
                    assert!(!is_here);
                    None
                } else {
                    Some(ride.await)
                }
            }
        })
        .collect();
    let start = async {
        tokio::task::yield_now().await;
        leave.send_replace(true);
    };
    let (told, ()) = tokio::join!(join_all(rides), start);
    let queries = std::mem::take(&mut *queries.lock().unwrap());
    (queries, told)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn p6_each_asker_gets_its_own_people_and_nobody_elses(
        households in proptest::collection::vec((1_usize..=6, 0_usize..2, proptest::bool::weighted(0.2)), 1..40),
        reversed: bool,
        refused in proptest::collection::vec(0_usize..60, 0..5),
    ) {
        let purposes = [Purpose::Dibao, Purpose::Tekun];
        let households: Vec<_> = households.iter().map(|(size, purpose, gives_up)| (*size, purposes[*purpose], *gives_up)).collect();
        let (queries, told_each) = runtime().block_on(run(&households, reversed, &refused));
        for Left { query, context } in &queries {
            let cases = query.cases();
            prop_assert_eq!(context.question.cases.len(), cases.len().max(1), "every household's case is signed for");
            for (case, signed) in cases.iter().zip(&context.question.cases) {
                prop_assert_eq!(&case.request_id, &signed.verification);
                prop_assert_eq!(&signed.authorisation, &digest_of(case.authorisation.number.as_bytes()));
                prop_assert_eq!(signed.question.clone(), Some(format!("{}.hrss.0", case.request_id)));
            }
            prop_assert!(query.subjects.len() <= MOST, "{} people in a query", query.subjects.len());
            prop_assert!(!query.subjects.is_empty());
        }
        let mut first = 0;
        for ((household, (size, purpose, gives_up)), came) in households.iter().enumerate().zip(told_each) {
            let people = first..first + size;
            first += size;
            let about: Vec<&Query> = queries
                .iter()
                .map(|left| &left.query)
                .filter(|query| query.subjects.iter().any(|subject| people.clone().any(|person| subject.id_number == number(person).reveal())))
                .collect();
            if *gives_up {
                prop_assert!(about.is_empty(), "who gave up before the batch left is not asked about");
                prop_assert!(came.is_none());
                continue;
            }
            prop_assert_eq!(about.len(), 1, "asked about once");
            prop_assert_eq!(&about[0].purpose, purpose.as_str(), "purposes do not mix");
            for subject in &about[0].subjects {
                if people.clone().any(|person| subject.id_number == number(person).reveal()) {
                    let rests_on = subject.case.as_ref().map_or(&about[0].authorisation, |case| &case.authorisation);
                    prop_assert_eq!(&rests_on.number, &format!("HD-{household}"), "on its own authorisation");
                }
            }
            prop_assert_eq!(told(came.unwrap().unwrap()), expected(people, &refused));
        }
    }
}

#[tokio::test]
async fn who_gives_up_on_the_way_keeps_nobody_from_arriving() {
    let batcher = Batcher::new(MOST);
    let (answered, is_answered) = watch::channel(false);
    let left = Arc::new(Notify::new());
    let fly = |seats: Arc<Seats>| {
        let (mut answered, left, form) = (is_answered.clone(), Arc::clone(&left), form());
        async move {
            tokio::task::yield_now().await;
            let Left { query, .. } = Left::of(&form.question(key(Purpose::Dibao), &seats));
            assert_eq!(query.subjects.len(), 5, "both are on board");
            left.notify_one();
            answered.wait_for(|answered| *answered).await.unwrap();
            read(&form, &seats, answer(&query, false, |_| false))
        }
        .boxed()
    };
    let mut first = batcher.ride(key(Purpose::Dibao), party(0, 0..2), fly).boxed_local();
    let mut second = batcher.ride(key(Purpose::Dibao), party(1, 2..5), fly).boxed_local();
    // Both board; the one who opened the batch drives it, and goes away while the department thinks.
    assert!(futures_util::poll!(second.as_mut()).is_pending() && futures_util::poll!(first.as_mut()).is_pending());
    assert!(futures_util::poll!(second.as_mut()).is_pending());
    left.notified().await;
    drop(second);
    answered.send_replace(true);
    let (came, ..) = select_all([first]).await;
    assert_eq!(told(came.unwrap()), expected(0..2, &[]));
}

#[tokio::test]
async fn what_is_no_answer_to_several_lets_each_ask_alone_and_ends_sharing_for_a_while() {
    let batcher = Batcher::new(MOST);
    let fly = |seats: Arc<Seats>| {
        let form = form();
        async move {
            tokio::task::yield_now().await;
            let Left { mut query, .. } = Left::of(&form.question(key(Purpose::Dibao), &seats));
            // The department mixes two people up.
            let other = query.subjects[1].id_number.clone();
            query.subjects[0].id_number = other;
            read(&form, &seats, answer(&query, false, |_| false))
        }
        .boxed()
    };
    let (one, other) = tokio::join!(
        batcher.ride(key(Purpose::Dibao), party(0, 0..1), fly),
        batcher.ride(key(Purpose::Dibao), party(1, 1..2), fly)
    );
    assert_eq!((one.err(), other.err()), (Some(NotCarried::AskAlone), Some(NotCarried::AskAlone)));
    let now = Instant::now();
    assert!(!batcher.is_on(now) && batcher.is_on(now + REST + REST));
}
