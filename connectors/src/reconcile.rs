//! The department's ledger against the hub's account: what is in one and not in the other.
//!
//! Questions are matched by their ids. The ledger proves itself by its chain and by the hub's signatures in it; the
//! account is what `GET /v1/adapters/{id}/usage/questions` tells, or a file of it.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::context::{self, Context, ContextError};
use crate::error::Text;
use crate::keys::PublicKey;
use crate::ledger::chain::{LedgerCase, LedgerFault, LedgerLine, read};

/// A verification may end this long after it asked, and is accounted for by the day it ended on.
const LONGEST_VERIFICATION: SignedDuration = SignedDuration::from_mins(10);
/// Most differences that are told one by one.
const TOLD: usize = 100;

/// The hub's account of the questions to one adapter, from one day to another, both included; days are those of China.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The adapter.
    pub adapter: String,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// When the account was taken.
    pub taken_at: Timestamp,
    /// The questions.
    pub questions: Vec<AccountedQuestion>,
}

/// One question as the hub accounts for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountedQuestion {
    /// Its id.
    pub id: String,
    /// When its verification ended.
    pub at: Timestamp,
    /// The organisation that asked the hub.
    pub organisation: String,
    /// What for.
    pub purpose: String,
    /// How many persons it was about.
    pub people: u64,
    /// How often it was asked besides the first time: because the answer was slow, or lost.
    #[serde(default)]
    pub again: u64,
    /// `answered`, or why there was no answer.
    pub outcome: String,
}

/// A question that is told differently on both sides, or on one only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Stable code.
    pub code: &'static str,
    /// The question's id, or the line of the ledger.
    pub subject: String,
    /// What differs.
    pub what: Text,
}

/// What came of holding a ledger against an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Reconciliation {
    /// Lines of the ledger.
    pub lines: u64,
    /// The number of its first line; more than 1 where older files are kept elsewhere.
    pub first_line: u64,
    /// Questions of the hub that are in the ledger and its account alike.
    pub confirmed: u64,
    /// Lines of questions that were asked a second time.
    pub repeated: u64,
    /// Questions that the hub says were not answered, and that did not reach the ledger.
    pub not_reached: u64,
    /// Lines about questions outside the days of the account, or so close to their end that they may be told under the
    /// next.
    pub outside: u64,
    /// Questions that were refused.
    pub refused: u64,
    /// Signatures of the hub that were proven.
    pub signatures: u64,
    /// What is wrong with the ledger itself.
    pub faults: Vec<LedgerFault>,
    /// Where ledger and account differ.
    pub differences: Vec<Difference>,
    /// Differences and faults that are not told one by one.
    pub more: u64,
}

impl Reconciliation {
    /// Whether the ledger is whole and both sides tell the same.
    pub fn agrees(&self) -> bool {
        self.faults.is_empty() && self.differences.is_empty()
    }

    fn fault(&mut self, fault: LedgerFault) {
        if self.faults.len() < TOLD { self.faults.push(fault) } else { self.more += 1 }
    }

    fn differs(&mut self, code: &'static str, subject: &str, zh: String, en: String) {
        if self.differences.len() < TOLD {
            self.differences.push(Difference { code, subject: subject.to_owned(), what: Text::new(zh, en) });
        } else {
            self.more += 1;
        }
    }
}

/// What the ledger has of one question.
struct Seen {
    line: LedgerLine,
    times: u64,
}

/// Holds a ledger against an account. With keys the hub's signatures in the ledger are proven.
pub fn reconcile(ledger: &Path, account: &Account, keys: &[PublicKey]) -> std::io::Result<Reconciliation> {
    let mut told = Reconciliation::default();
    let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
    read(ledger, |line| match line {
        Err(fault) => told.fault(fault),
        Ok(line) => take(&mut told, &mut seen, line, &account.adapter, keys),
    })?;
    for question in &account.questions {
        match seen.remove(&question.id) {
            Some(seen) => compare(&mut told, question, &seen),
            None if question.outcome == "answered" => told.differs(
                "not_in_ledger",
                &question.id,
                format!("平台记有这次查询并得到答复（{}，{}），台账中没有", question.organisation, question.purpose),
                format!(
                    "the hub accounts for this question and had an answer ({}, {}); the ledger does not have it",
                    question.organisation, question.purpose
                ),
            ),
            None => told.not_reached += 1,
        }
    }
    let ends_at = end_of(account.to).min(account.taken_at) - LONGEST_VERIFICATION;
    let begins_at = end_of(account.from.yesterday().unwrap_or(account.from));
    for (id, Seen { line, times }) in seen {
        if line.at < begins_at || line.at > ends_at {
            told.outside += times;
            continue;
        }
        let organisation = line.organisation.as_deref().unwrap_or("?");
        told.differs(
            "not_at_hub",
            &id,
            format!("台账第 {} 号记录（{organisation}，{}）不在平台的账中", line.number, line.at),
            format!("entry {} of the ledger ({organisation}, {}) is not in the hub's account", line.number, line.at),
        );
    }
    Ok(told)
}

/// The instant at which a day ends in China.
fn end_of(day: Date) -> Timestamp {
    let next = day.tomorrow().unwrap_or(day).at(0, 0, 0, 0);
    Offset::constant(8).to_timestamp(next).unwrap_or(Timestamp::MAX)
}

/// Takes in one line of the ledger.
fn take(
    told: &mut Reconciliation,
    seen: &mut BTreeMap<String, Seen>,
    line: LedgerLine,
    adapter: &str,
    keys: &[PublicKey],
) {
    told.lines += 1;
    if told.first_line == 0 {
        told.first_line = line.number;
    }
    let place = line.number.to_string();
    if line.adapter != adapter {
        told.differs(
            "other_adapter",
            &place,
            format!("第 {place} 号记录属于适配器 {}，不是 {adapter}", line.adapter),
            format!("entry {place} is of the adapter {}, not of {adapter}", line.adapter),
        );
        return;
    }
    let Some(context) = &line.context else {
        if line.status == "answered" {
            told.differs(
                "answered_unsigned",
                &place,
                format!("第 {place} 号记录：回答了没有平台签名的查询"),
                format!("entry {place}: a question without the hub's signature was answered"),
            );
        } else {
            told.refused += 1;
        }
        return;
    };
    if !keys.is_empty() {
        let proven = Context::prove(context, keys).and_then(|context| says_the_same(&line, &context));
        match proven {
            Ok(()) => told.signatures += 1,
            Err(error) => {
                let text = error.text();
                told.fault(LedgerFault {
                    code: error.code(),
                    place,
                    what: Text::new(
                        format!("这条记录里的平台签名不成立：{}", text.zh),
                        format!("the hub's signature in this entry does not hold: {}", text.en),
                    ),
                });
                return;
            }
        }
    }
    let cases = line.cases.clone();
    if cases.is_empty() {
        return see(told, seen, line);
    }
    // Households that shared a query asked one question each.
    for LedgerCase { request_id, subjects, organisation, question } in cases {
        let (request_id, subjects) = (Some(request_id), Some(subjects));
        see(told, seen, LedgerLine { request_id, subjects, organisation, question, cases: Vec::new(), ..line.clone() });
    }
}

/// Takes in one household's question.
fn see(told: &mut Reconciliation, seen: &mut BTreeMap<String, Seen>, line: LedgerLine) {
    match line.question.clone() {
        None => told.refused += 1,
        Some(id) => match seen.get_mut(&id) {
            None => drop(seen.insert(id, Seen { line, times: 1 })),
            Some(seen) => {
                told.repeated += 1;
                seen.times += 1;
                // The line that tells of an answer is the one to compare.
                if line.status == "answered" {
                    seen.line = line;
                }
            }
        },
    }
}

/// A line that tells something else than the context in it was changed together with all that follow.
fn says_the_same(line: &LedgerLine, context: &Context) -> Result<(), ContextError> {
    let shown = |text: &str| Some(crate::ledger::shown(text));
    let cases = &context.question.cases;
    let is_case = |id: &String| cases.iter().any(|case| Some(id) == shown(&case.verification).as_ref());
    let is_told = |(line, case): (&LedgerCase, &context::Case)| {
        let question = case.question.as_deref().and_then(shown);
        Some(&line.request_id) == shown(&case.verification).as_ref()
            && (&line.organisation, &line.question) == (&shown(&case.organisation), &question)
    };
    let are_told =
        line.cases.is_empty() || line.cases.len() == cases.len() && line.cases.iter().zip(cases).all(is_told);
    let is_same = are_told
        && line.question == shown(&context.question.jti)
        && context.question.aud == line.adapter
        && line.organisation == shown(&context.organisations())
        && line.request_id.as_ref().is_none_or(is_case)
        && line.purpose.as_ref().is_none_or(|purpose| Some(purpose) == shown(&context.claims.purpose).as_ref());
    if is_same { Ok(()) } else { Err(ContextError::Body) }
}

fn compare(told: &mut Reconciliation, question: &AccountedQuestion, Seen { line, times }: &Seen) {
    let id = &question.id;
    let sides = [
        ("organisation", "机构", line.organisation.clone(), question.organisation.clone()),
        ("purpose", "目的", line.purpose.clone(), question.purpose.clone()),
        ("people", "人数", line.subjects.map(|people| people.to_string()), question.people.to_string()),
    ];
    let mut is_same = true;
    for (name, name_zh, ledger, hub) in sides {
        if ledger.as_deref().is_some_and(|ledger| ledger != hub) {
            let ledger = ledger.unwrap_or_default();
            is_same = false;
            told.differs(
                "told_differently",
                id,
                format!("{name_zh}不一致：台账为 {ledger}，平台为 {hub}"),
                format!("the {name} differs: {ledger} in the ledger, {hub} at the hub"),
            );
        }
    }
    if question.outcome == "answered" && line.status != "answered" && *times == question.again + 1 {
        is_same = false;
        told.differs(
            "outcome",
            id,
            format!("平台得到了答复，台账记为 {}", line.status),
            format!("the hub had an answer, the ledger says {}", line.status),
        );
    }
    if *times > question.again + 1 {
        is_same = false;
        told.differs(
            "asked_more_often",
            id,
            format!("台账有 {times} 条，平台只记 {} 次", question.again + 1),
            format!("the ledger has {times} entries, the hub accounts for {}", question.again + 1),
        );
    }
    if is_same {
        told.confirmed += 1;
    }
}

#[cfg(test)]
mod tests;
