//! The hub's door: an adapter's answer is checked against what was asked and against its schema.
//!
//! INVARIANT: what does not fit is a gap with its reason, never a guess (promise P2); an answer filed
//! under another identity number than the one asked about is refused whole (abuse case A2).

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use connectors::protocol::{Provider, ResultStatus};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::dataset::{Dataset, DatasetId, DepartmentId};
use crate::domain::fact::Fact;
use crate::domain::id_number::IdNumber;
use crate::domain::outcome::{Answer, Freshness, GapReason, Via};
use crate::domain::proof::AnswerProof;

/// What was asked about one person.
pub struct Asked<'a> {
    /// How the query named the person.
    pub reference: &'a str,
    /// The person.
    pub id_number: &'a IdNumber,
    /// The datasets.
    pub datasets: &'a [&'a Dataset],
}

/// Why an answer is not accepted: the reason of the gap, and where in the document (for the operator's log; no values).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The reason of the gap.
    pub reason: GapReason,
    /// JSON pointer and what is wrong there.
    pub detail: String,
    /// True when this is no answer to the question at all; false when it is one, but a record in it is no use.
    pub is_whole: bool,
    /// For records that do not fit their type: the dataset, and where in a record.
    pub misfit: Option<(DatasetId, String)>,
}

/// What is said of one person: an answer for each dataset in the order asked, or why none is of use.
pub type OfPerson = Result<Vec<Arc<Answer>>, Rejected>;

#[derive(Deserialize)]
struct WireResponse<'a> {
    #[serde(borrow)]
    request_id: Cow<'a, str>,
    #[serde(borrow)]
    adapter: WireAdapter<'a>,
    #[serde(borrow)]
    results: Vec<WireResult<'a>>,
}

#[derive(Deserialize)]
struct WireAdapter<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    version: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireResult<'a> {
    #[serde(rename = "ref", borrow)]
    reference: Cow<'a, str>,
    #[serde(default, borrow)]
    id_number: Option<Cow<'a, str>>,
    #[serde(borrow)]
    dataset: Cow<'a, str>,
    status: ResultStatus,
    #[serde(default, borrow)]
    as_of: Option<Cow<'a, str>>,
    #[serde(borrow)]
    facts: &'a RawValue,
    #[serde(default)]
    reason: Option<GapReason>,
    #[serde(default)]
    provider: Option<Provider>,
}

/// Whether a text can be the version of a connector: it stands in the evidence.
fn is_version(text: &str) -> bool {
    (1..=100).contains(&text.chars().count()) && !text.chars().any(char::is_control) && !IdNumber::is_in(text)
}

/// By way of which hub a result came, of which version of the department's connector, and when that hub received it.
struct ByWay {
    via: Via,
    version: Arc<str>,
    received_at: Timestamp,
}

impl WireResult<'_> {
    /// How the result came, where a hub was asked. A department speaks for itself alone, and a hub says for which of its
    /// departments it speaks.
    fn by_way(&self, asked: &str, dataset: &Dataset) -> Result<Option<ByWay>, &'static str> {
        let Some(provider) = &self.provider else {
            return if asked == dataset.department.as_str() {
                Ok(None)
            } else {
                Err("a hub that does not say whose record it is")
            };
        };
        if provider.adapter.id != dataset.department.as_str() || asked == provider.adapter.id {
            return Err("a record of another department than the dataset's");
        }
        let freshness = match provider.freshness.as_str() {
            "live" => Freshness::Live,
            "cached" => Freshness::Cached,
            "stale" => Freshness::Stale,
            _ => return Err("a freshness that there is not"),
        };
        let hub = DepartmentId::parse(asked).map_err(|_| "a hub that there is not")?;
        if !is_version(&provider.adapter.version) {
            return Err("a version that is none");
        }
        let version = provider.adapter.version.as_str().into();
        Ok(Some(ByWay { via: Via { hub, freshness }, version, received_at: provider.received_at }))
    }
}

/// The answers to the question `request_id` about the people of one household, one list for each person in the order
/// asked, datasets in the order asked. What is no use about one of them is none about the household.
pub fn decode(
    department: &str,
    request_id: &str,
    asked: &[Asked<'_>],
    body: &[u8],
    of_answer: (Timestamp, Option<&Arc<AnswerProof>>),
) -> Result<Vec<Vec<Arc<Answer>>>, Rejected> {
    decode_each(department, request_id, asked, body, of_answer)?.into_iter().collect()
}

/// The answers, for each person in the order asked. A record that is no use costs its own person; what is no answer to
/// the question, or about anybody else, is refused whole.
pub fn decode_each(
    department: &str,
    request_id: &str,
    asked: &[Asked<'_>],
    body: &[u8],
    (received_at, proof): (Timestamp, Option<&Arc<AnswerProof>>),
) -> Result<Vec<OfPerson>, Rejected> {
    let now = received_at;
    let malformed = |detail: String| Rejected { reason: GapReason::Malformed, detail, is_whole: true, misfit: None };
    let no_use = |reason, detail: String| Rejected { reason, detail, is_whole: false, misfit: None };
    // Checked as UTF-8 once, not string by string.
    let text =
        std::str::from_utf8(body).map_err(|error| malformed(format!("byte {}: not UTF-8", error.valid_up_to())))?;
    let response: WireResponse<'_> = serde_json::from_str(text).map_err(|error| {
        malformed(format!("line {} column {}: not the form of an answer", error.line(), error.column()))
    })?;
    if response.adapter.id != department {
        let detail = "/adapter/id: another department".to_owned();
        return Err(Rejected { reason: GapReason::Mismatch, detail, is_whole: true, misfit: None });
    }
    // "No record" names nobody: only this tells it from what was answered about others.
    if response.request_id != request_id {
        let detail = "/request_id: the answer to another question".to_owned();
        return Err(Rejected { reason: GapReason::Mismatch, detail, is_whole: true, misfit: None });
    }
    if !is_version(&response.adapter.version) {
        return Err(malformed("/adapter/version: not 1 to 100 characters of a version".to_owned()));
    }
    let version: Arc<str> = Arc::from(response.adapter.version.as_ref());
    // Nothing in a "no record" is about its person, so those of one dataset are one.
    let mut no_records: Vec<Arc<Answer>> = Vec::new();
    let mut answers: Vec<Vec<Option<Arc<Answer>>>> =
        asked.iter().map(|person| vec![None; person.datasets.len()]).collect();
    let mut of_no_use: Vec<(usize, Rejected)> = Vec::new();
    let mut last = 0;
    for (index, result) in response.results.iter().enumerate() {
        let at = |what: &str| format!("/results/{index}: {what}");
        // Answers come mostly in the order of the question, so the search begins where the last one ended.
        let places = (last..asked.len()).chain(0..last);
        let mut named =
            places.filter(|place| asked.get(*place).is_some_and(|person| person.reference == result.reference));
        let place = named.next().and_then(|person| {
            let datasets = asked.get(person)?.datasets;
            Some((person, datasets.iter().position(|dataset| dataset.id.as_str() == result.dataset)?))
        });
        let (person, dataset) = place.ok_or_else(|| malformed(at("a person or dataset that was not asked about")))?;
        last = person;
        let (Some(asked), Some(slot)) =
            (asked.get(person), answers.get_mut(person).and_then(|slots| slots.get_mut(dataset)))
        else {
            return Err(malformed(at("a person or dataset that was not asked about")));
        };
        let Some(dataset) = asked.datasets.get(dataset) else {
            return Err(malformed(at("a person or dataset that was not asked about")));
        };
        if slot.is_some() {
            return Err(malformed(at("a second answer for the same person and dataset")));
        }
        let is_same_person = |number: &str| {
            number == asked.id_number.reveal() || IdNumber::parse(number).is_ok_and(|number| number == *asked.id_number)
        };
        if result.id_number.as_deref().is_some_and(|number| !is_same_person(number)) {
            return Err(Rejected {
                reason: GapReason::Mismatch,
                detail: at("about another person"),
                is_whole: true,
                misfit: None,
            });
        }
        let decoded = match result.status {
            ResultStatus::Ok if result.id_number.is_none() => {
                return Err(Rejected {
                    reason: GapReason::Mismatch,
                    detail: at("facts without the number they are filed under"),
                    is_whole: true,
                    misfit: None,
                });
            }
            ResultStatus::Ok => {
                let lowers = |fact: &Fact| matches!(fact, Fact::Income(income) if income.lowers_income());
                match Fact::decode(dataset.fact, result.facts.get()) {
                    Err(error) => {
                        let (at, fact) = (error.pointer, dataset.fact.as_str());
                        let detail = format!("/results/{index}/facts{at}: not a fact of type {fact}");
                        // Which of the records it was differs from answer to answer; the column does not.
                        let column =
                            at.trim_start_matches('/').trim_start_matches(|digit: char| digit.is_ascii_digit());
                        let misfit = Some((dataset.id.clone(), column.to_owned()));
                        Err(Rejected { misfit, ..no_use(GapReason::Malformed, detail) })
                    }
                    Ok(facts) if !dataset.may_lower_income && facts.iter().any(lowers) => {
                        let detail = at("less than nothing, in a dataset that may not lower income");
                        Err(no_use(GapReason::Malformed, detail))
                    }
                    Ok(facts) => Ok(facts),
                }
            }
            ResultStatus::NoRecord => Ok(Vec::new()),
            ResultStatus::Error if result.reason.is_some() && department == dataset.department.as_str() => {
                return Err(malformed(at("a reason that only a hub gives")));
            }
            ResultStatus::NameMismatch => Err(no_use(GapReason::Mismatch, at("known under another name"))),
            // What was a gap at another hub is the same gap here.
            ResultStatus::Error => {
                Err(no_use(result.reason.unwrap_or(GapReason::Unavailable), at("the department could not answer")))
            }
        };
        let facts = match decoded {
            Ok(facts) => facts,
            Err(rejected) => {
                of_no_use.push((person, rejected));
                continue;
            }
        };
        let by_way = result.by_way(department, dataset).map_err(|what| malformed(at(what)))?;
        // Where a hub kept the answer, its age counts from when that hub received it; never from later than now.
        let (via, version, received_at) = match by_way {
            None => (None, Arc::clone(&version), received_at),
            Some(by) => {
                let (received_at, mut via) = (by.received_at.min(received_at), by.via);
                let age = Duration::try_from(now.duration_since(received_at)).unwrap_or_default();
                if age > dataset.fresh.saturating_add(dataset.stale_while_error) {
                    of_no_use.push((person, no_use(GapReason::Malformed, at("older than this dataset may be"))));
                    continue;
                }
                if age > dataset.fresh {
                    via.freshness = Freshness::Stale;
                }
                (Some(Arc::new(via)), by.version, received_at)
            }
        };
        let as_of = result.as_of.as_deref();
        let same = |known: &&Arc<Answer>| {
            known.dataset == dataset.id
                && known.as_of.as_deref() == as_of
                && (known.received_at, &known.via) == (received_at, &via)
        };
        let known = if facts.is_empty() { no_records.iter().find(same) } else { None };
        let answer = known.map_or_else(
            || {
                Arc::new(Answer {
                    dataset: dataset.id.clone(),
                    as_of: as_of.map(|text| text.chars().take(40).collect()),
                    adapter_version: version,
                    received_at,
                    facts: facts.into(),
                    proof: proof.map(Arc::clone),
                    via,
                })
            },
            Arc::clone,
        );
        if answer.facts.is_empty() && known.is_none() {
            no_records.push(Arc::clone(&answer));
        }
        *slot = Some(answer);
    }
    let missing = || malformed("/results: an answer is missing for a person and dataset asked about".to_owned());
    let of_person =
        |(person, slots): (usize, Vec<Option<Arc<Answer>>>)| match of_no_use.iter().find(|(of, _)| *of == person) {
            Some((_, rejected)) => Ok(Err(rejected.clone())),
            None => slots.into_iter().collect::<Option<Vec<_>>>().map(Ok).ok_or_else(missing),
        };
    answers.into_iter().enumerate().map(of_person).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::dataset::Catalogue;

    const ID: &str = "150000198605021015";

    fn answer() -> Value {
        json!({"request_id": "q1", "adapter": {"id": "hrss", "version": "1.0.0"}, "results": [{
            "ref": "m1", "id_number": ID, "dataset": "hrss.pension", "status": "ok", "as_of": "2025-02-28",
            "facts": [{"category": "TRANSFER", "kind": "PENSION_EMPLOYEE", "amount": "1200.00", "from": "2025-02-01", "to": "2025-02-28"}]
        }]})
    }

    fn check(body: &Value) -> Result<usize, GapReason> {
        check_bytes(body.to_string().as_bytes())
    }

    fn check_bytes(body: &[u8]) -> Result<usize, GapReason> {
        let catalogue = Catalogue::shipped();
        let dataset = catalogue.dataset(&DatasetId::parse("hrss.pension").unwrap()).unwrap();
        let id_number = IdNumber::parse(ID).unwrap();
        let asked = [Asked { reference: "m1", id_number: &id_number, datasets: &[dataset] }];
        let now = Timestamp::from_second(1_760_000_000).unwrap();
        match decode("hrss", "q1", &asked, body, (now, None)) {
            Ok(answers) => Ok(answers[0][0].facts.len()),
            Err(rejected) => {
                assert!(!rejected.detail.contains("1986"), "a value leaks: {}", rejected.detail);
                Err(rejected.reason)
            }
        }
    }

    #[test]
    fn a_good_answer_gives_its_facts() {
        assert_eq!(check(&answer()), Ok(1));
    }

    #[test]
    fn an_answer_about_anybody_else_is_refused() {
        for (pointer, value, reason) in [
            ("/results/0/id_number", json!("150000198808191022"), GapReason::Mismatch),
            ("/results/0/id_number", json!("not a number"), GapReason::Mismatch),
            ("/results/0/id_number", Value::Null, GapReason::Mismatch),
            ("/results/0/ref", json!("m2"), GapReason::Malformed),
            ("/results/0/dataset", json!("hrss.employment"), GapReason::Malformed),
            ("/adapter/id", json!("housing"), GapReason::Mismatch),
            ("/results/0/status", json!("name_mismatch"), GapReason::Mismatch),
        ] {
            let mut body = answer();
            *body.pointer_mut(pointer).unwrap() = value;
            assert_eq!(check(&body), Err(reason), "{pointer}");
        }
    }

    #[test]
    fn garbage_is_malformed_and_never_zero() {
        let mut double = answer();
        let first = double["results"][0].clone();
        double["results"].as_array_mut().unwrap().push(first);
        assert_eq!(check(&double), Err(GapReason::Malformed));
        assert_eq!(
            check(&json!({"request_id": "q1", "adapter": {"id": "hrss", "version": "1"}, "results": []})),
            Err(GapReason::Malformed)
        );
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for text in ["", "null", "[]", "<html>", "{\"adapter\":{}}", "NaN", &deep] {
            assert_eq!(check_bytes(text.as_bytes()), Err(GapReason::Malformed));
        }
        assert_eq!(check_bytes(b"\xff\xfe{"), Err(GapReason::Malformed));
        for (pointer, value) in [
            ("/results/0/facts", json!(null)),
            ("/results/0/facts", json!({})),
            ("/results/0/facts/0/amount", json!(1200)),
            ("/results/0/facts/0/amount", json!("1e400")),
            ("/results/0/facts/0/from", json!("2025-02-30")),
            ("/results/0/facts/0/category", json!("SALARY")),
            ("/results/0/status", json!("fine")),
        ] {
            let mut body = answer();
            *body.pointer_mut(pointer).unwrap() = value;
            assert_eq!(check(&body), Err(GapReason::Malformed), "{pointer}");
        }
    }

    #[test]
    fn what_lowers_income_comes_only_from_a_dataset_that_may() {
        let mut more_than_all = answer();
        more_than_all["results"][0]["facts"][0]["basic_portion"] = "1200.01".into();
        assert_eq!(check(&more_than_all), Err(GapReason::Malformed));
        more_than_all["results"][0]["facts"][0]["basic_portion"] = "1200.00".into();
        assert_eq!(check(&more_than_all), Ok(1));
        for (category, kind) in [("TRANSFER_OUT", "SUPPORT_PAID"), ("TRANSFER", "TRANSFER_OUT")] {
            let mut body = answer();
            body["results"][0]["facts"][0]["category"] = category.into();
            body["results"][0]["facts"][0]["kind"] = kind.into();
            assert_eq!(check(&body), Err(GapReason::Malformed), "{category} {kind}");
        }
    }

    #[test]
    fn the_answer_to_another_question_is_refused_also_where_it_names_nobody() {
        let mut body = json!({"request_id": "q1", "adapter": {"id": "hrss", "version": "1"}, "results": [
            {"ref": "m1", "dataset": "hrss.pension", "status": "no_record", "facts": []}]});
        assert_eq!(check(&body), Ok(0));
        for other in ["q2", "q1 ", ""] {
            body["request_id"] = other.into();
            assert_eq!(check(&body), Err(GapReason::Mismatch), "{other}");
        }
        for none in [json!(1), json!(null)] {
            body["request_id"] = none;
            assert_eq!(check(&body), Err(GapReason::Malformed));
        }
        body.as_object_mut().unwrap().remove("request_id");
        assert_eq!(check(&body), Err(GapReason::Malformed), "an answer says which question it answers");
    }

    /// What a hub of another region answers for its department.
    fn by_hub() -> Value {
        let mut body = answer();
        body["adapter"]["id"] = "hub_there".into();
        body["results"][0]["provider"] = json!({
            "adapter": {"id": "hrss", "version": "3.1.0"}, "received_at": "2025-10-09T00:00:00Z", "freshness": "cached"
        });
        body
    }

    fn decoded(from: &str, body: &Value) -> Result<Arc<Answer>, GapReason> {
        let catalogue = Catalogue::shipped();
        let dataset = catalogue.dataset(&DatasetId::parse("hrss.pension").unwrap()).unwrap();
        let id_number = IdNumber::parse(ID).unwrap();
        let asked = [Asked { reference: "m1", id_number: &id_number, datasets: &[dataset] }];
        let now = Timestamp::from_second(1_760_000_000).unwrap();
        let answers = decode(from, "q1", &asked, body.to_string().as_bytes(), (now, None));
        answers.map(|answers| Arc::clone(&answers[0][0])).map_err(|rejected| rejected.reason)
    }

    #[test]
    fn p5_an_answer_by_way_of_a_hub_keeps_whose_it_is_and_how_old() {
        let answer = decoded("hub_there", &by_hub()).unwrap();
        assert_eq!(&*answer.adapter_version, "3.1.0");
        assert_eq!(answer.via.as_ref().unwrap().hub.as_str(), "hub_there");
        assert_eq!(answer.freshness_on_arrival(), Freshness::Cached);
        assert_eq!(answer.received_at, "2025-10-09T00:00:00Z".parse().unwrap(), "its age counts from the first hub");
        let mut from_the_future = by_hub();
        from_the_future["results"][0]["provider"]["received_at"] = "2100-01-01T00:00:00Z".into();
        let answer = decoded("hub_there", &from_the_future).unwrap();
        assert_eq!(answer.received_at, Timestamp::from_second(1_760_000_000).unwrap(), "never later than now");
    }

    #[test]
    fn p2_what_a_hub_kept_for_too_long_is_no_answer_whatever_it_calls_it() {
        let mut body = by_hub();
        body["results"][0]["provider"]["freshness"] = "live".into();
        body["results"][0]["provider"]["received_at"] = "1999-01-01T00:00:00Z".into();
        assert_eq!(decoded("hub_there", &body), Err(GapReason::Malformed));
        body["results"][0]["provider"]["received_at"] = "2025-10-06T00:00:00Z".into();
        assert_eq!(decoded("hub_there", &body).unwrap().freshness_on_arrival(), Freshness::Stale);
    }

    #[test]
    fn a_version_is_a_short_text_without_a_number_of_anybody() {
        for version in [String::new(), "v".repeat(101), "1\n2".to_owned(), format!("1.{ID}")] {
            let mut body = answer();
            body["adapter"]["version"] = version.clone().into();
            assert_eq!(check(&body), Err(GapReason::Malformed), "{version}");
            let mut body = by_hub();
            body["results"][0]["provider"]["adapter"]["version"] = version.clone().into();
            assert_eq!(decoded("hub_there", &body), Err(GapReason::Malformed), "{version}");
        }
    }

    #[test]
    fn p2_a_gap_at_a_hub_is_the_same_gap_here_and_never_no_record() {
        for reason in GapReason::ALL {
            let mut body = by_hub();
            body["results"][0] =
                json!({"ref": "m1", "dataset": "hrss.pension", "status": "error", "facts": [], "reason": reason});
            assert_eq!(decoded("hub_there", &body), Err(reason));
        }
        let mut body = by_hub();
        body["results"][0] =
            json!({"ref": "m1", "dataset": "hrss.pension", "status": "error", "facts": [], "reason": "tired"});
        assert_eq!(decoded("hub_there", &body), Err(GapReason::Malformed));
    }

    /// A67: a hostile hub cannot answer about others, for another hub's department, or without saying whose record it is;
    /// and a department cannot speak as if it were a hub.
    #[test]
    fn a67_what_a_hub_says_of_others_or_of_nobodys_record_is_refused() {
        let without = |pointer: &str| {
            let mut body = by_hub();
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            body.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
            body
        };
        let with = |pointer: &str, value: Value| {
            let mut body = by_hub();
            *body.pointer_mut(pointer).unwrap() = value;
            body
        };
        for (body, reason) in [
            (with("/results/0/id_number", json!("150000198808191022")), GapReason::Mismatch),
            (without("/results/0/id_number"), GapReason::Mismatch),
            (with("/adapter/id", json!("hrss")), GapReason::Mismatch),
            (with("/adapter/id", json!("hub_third")), GapReason::Mismatch),
            (without("/results/0/provider"), GapReason::Malformed),
            (with("/results/0/provider/adapter/id", json!("housing")), GapReason::Malformed),
            (with("/results/0/provider/adapter/id", json!("hub_there")), GapReason::Malformed),
            (with("/results/0/provider/freshness", json!("new")), GapReason::Malformed),
            (with("/results/0/provider/received_at", json!("yesterday")), GapReason::Malformed),
            (with("/results/0/ref", json!("m2")), GapReason::Malformed),
        ] {
            assert_eq!(decoded("hub_there", &body), Err(reason), "{body}");
        }
        let mut no_record = without("/results/0/provider");
        (no_record["results"][0]["status"], no_record["results"][0]["facts"]) = ("no_record".into(), json!([]));
        assert_eq!(decoded("hub_there", &no_record), Err(GapReason::Malformed), "whose register held nothing?");
        let mut department = answer();
        department["results"][0]["provider"] = by_hub()["results"][0]["provider"].clone();
        assert_eq!(decoded("hrss", &department), Err(GapReason::Malformed), "a department speaks for itself");
        let mut department = answer();
        department["results"][0] =
            json!({"ref": "m1", "dataset": "hrss.pension", "status": "error", "facts": [], "reason": "timeout"});
        assert_eq!(decoded("hrss", &department), Err(GapReason::Malformed), "what its error is, the hub says");
    }

    #[test]
    fn no_record_is_an_answer() {
        let body = json!({"request_id": "q1", "adapter": {"id": "hrss", "version": "1"}, "results": [
            {"ref": "m1", "dataset": "hrss.pension", "status": "no_record", "facts": []}]});
        assert_eq!(check(&body), Ok(0));
    }

    /// Every byte of an answer about two people, each with facts of their own, is changed in turn. What is still accepted
    /// gives each of them the facts that the document, read by itself, files under that person's number.
    #[test]
    fn an_answer_with_a_changed_byte_is_refused_or_still_about_whoever_was_asked_about() {
        let catalogue = Catalogue::shipped();
        let dataset = catalogue.dataset(&DatasetId::parse("hrss.pension").unwrap()).unwrap();
        let people = [("m1", IdNumber::parse(ID).unwrap()), ("m2", IdNumber::parse("150000198808191022").unwrap())];
        let datasets = [dataset];
        let asked = people.each_ref().map(|(reference, id_number)| Asked { reference, id_number, datasets: &datasets });
        let mut sound = answer();
        let mut second = sound["results"][0].clone();
        (second["ref"], second["id_number"]) = ("m2".into(), people[1].1.reveal().into());
        second["facts"][0]["amount"] = "7.00".into();
        sound["results"].as_array_mut().unwrap().push(second);
        let sound = sound.to_string().into_bytes();
        let now = Timestamp::from_second(1_760_000_000).unwrap();

        let (mut accepted, mut refused) = (0, 0);
        for at in 0..sound.len() {
            for byte in *b"\"\\{}[]:,. 0123xXamz\0\n\x7f\xff" {
                let mut body = sound.clone();
                body[at] = byte;
                let Ok(answers) = decode("hrss", "q1", &asked, &body, (now, None)) else {
                    refused += 1;
                    continue;
                };
                accepted += 1;
                let document: Value = serde_json::from_slice(&body).unwrap();
                assert_eq!(document["adapter"]["id"], "hrss");
                for ((reference, id_number), answers) in people.iter().zip(&answers) {
                    let results = document["results"].as_array().unwrap();
                    let theirs: Vec<_> = results.iter().filter(|result| result["ref"] == *reference).collect();
                    let ([theirs], [answer]) = (&theirs[..], &answers[..]) else { panic!("{document}") };
                    assert_eq!(IdNumber::parse(theirs["id_number"].as_str().unwrap()).as_ref(), Ok(id_number));
                    assert_eq!(theirs["dataset"], dataset.id.as_str());
                    let facts = Fact::decode(dataset.fact, &theirs["facts"].to_string()).unwrap();
                    assert_eq!(*answer.facts, *facts, "{document}");
                }
            }
        }
        assert!(accepted > 0 && refused > accepted, "{accepted} accepted, {refused} refused");
    }

    proptest::proptest! {
        #[test]
        fn decoding_never_panics(body in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            proptest::prop_assert_eq!(check_bytes(&body), Err(GapReason::Malformed));
        }
    }
}
