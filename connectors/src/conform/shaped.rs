//! L1: every record of the golden persons has the form of its fact type, and every answer that of the protocol.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use serde_json::Value;

use super::report::{Exchange, Finding};
use super::stage::{GoldenRun, Stage};
use crate::error::Text;
use crate::facts::{FactType, Form, fact_type};
use crate::protocol::{Response, ResultStatus};

pub(super) fn findings(stage: &Stage) -> Vec<Finding> {
    let mut findings = vec![golden_for_each(stage)];
    for (id, part) in
        [("L1-02", Part::Members), ("L1-03", Part::Amounts), ("L1-04", Part::Dates), ("L1-05", Part::Codes)]
    {
        findings.push(records(stage, id, part));
    }
    findings.push(over_answers(stage, "L1-06", &mut |run, response| one_result_each(run, response)));
    let today = stage.now.to_zoned_datetime(TimeZone::fixed(Offset::constant(8))).date();
    findings.push(over_answers(stage, "L1-07", &mut |_, response| not_in_the_future(response, stage.now, today)));
    findings.push(over_answers(stage, "L1-08", &mut |run, _| kept_by_nobody(run)));
    findings
}

fn golden_for_each(stage: &Stage) -> Finding {
    let ids = stage.connector.datasets.iter().map(|dataset| dataset.id.as_str());
    let without: Vec<&str> = ids.filter(|id| !stage.samples.iter().any(|sample| sample.dataset.id == *id)).collect();
    if without.is_empty() {
        let count = stage.connector.datasets.len();
        return Finding::pass(
            "L1-01",
            Text::new(format!("{count} 个数据集都有"), format!("all {count} dataset(s) have")),
        );
    }
    let shown = without.join(", ");
    let finding = Finding::fail(
        "L1-01",
        Text::new(
            format!("没有查得到记录的金样测试：{shown}"),
            format!("without a golden test that finds a record: {shown}"),
        ),
    );
    let first = without.first().copied().unwrap_or_default();
    let file = stage.connector.file.display();
    finding.mended_by(Text::new(
        format!("对合成人员运行 hedui-adapter try {file} --dataset {first} --id-number 150000… --record rows.json --golden 名称"),
        format!(
            "run hedui-adapter try {file} --dataset {first} --id-number 150000… --record rows.json --golden NAME about a synthetic person"
        ),
    ))
}

/// A part of the form of a record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Members,
    Amounts,
    Dates,
    Codes,
}

impl Part {
    const fn of(form: Form) -> Self {
        match form {
            Form::Money | Form::Decimal | Form::Count => Self::Amounts,
            Form::Date => Self::Dates,
            Form::Kind | Form::OneOf(_) => Self::Codes,
            Form::Text | Form::Boolean => Self::Members,
        }
    }
}

/// Goes over the answers to all golden tests. A test without an answer is told where answers are compared.
fn over_answers(
    stage: &Stage,
    id: &'static str,
    fault: &mut dyn FnMut(&GoldenRun, &Response) -> Option<Text>,
) -> Finding {
    let mut seen = 0_usize;
    let mut shown: Vec<Exchange> = Vec::new();
    for run in &stage.golden {
        let Ok(response) = &run.answer else { continue };
        seen += 1;
        if let Some(what) = fault(run, response) {
            return Finding::fail(id, what.about(&run.test.name)).shown(run.exchange.clone());
        }
        if shown.is_empty() {
            shown.extend(run.exchange.clone());
        }
    }
    if seen == 0 {
        return Finding::after(id, "L1-01", Text::new("没有一个金样测试得到答复", "no golden test was answered"));
    }
    Finding::pass(id, Text::new(format!("看了 {seen} 个答复"), format!("{seen} answer(s) looked at"))).shown(shown)
}

fn records(stage: &Stage, id: &'static str, part: Part) -> Finding {
    let mut count = 0_usize;
    let finding = over_answers(stage, id, &mut |run, response| {
        let dataset = stage.connector.dataset(&run.test.given.dataset)?;
        let fact_type = fact_type(&dataset.fact)?;
        for result in response.results.iter().filter(|result| result.status == ResultStatus::Ok) {
            let facts: Vec<Value> = serde_json::from_str(result.facts.get()).unwrap_or_default();
            for (place, fact) in facts.iter().enumerate() {
                count += 1;
                let at = format!("{}/{place}", result.reference);
                if let Some(what) = misfit(fact_type, fact, part) {
                    return Some(what.about(&at));
                }
            }
        }
        None
    });
    if count == 0 && !finding.outcome.blocks() {
        return Finding::after(id, "L1-01", Text::new("金样测试没有查到一条记录", "no golden test finds a record"));
    }
    finding
}

/// What of a record does not fit, looking at one part of its form.
fn misfit(fact_type: &FactType, fact: &Value, part: Part) -> Option<Text> {
    let Some(members) = fact.as_object() else {
        return (part == Part::Members).then(|| Text::new("不是一个对象", "not an object"));
    };
    for target in fact_type.targets.iter().filter(|target| target.required && part == Part::Members) {
        if !members.contains_key(target.name) {
            return Some(Text::new(format!("缺少 {}", target.name), format!("{} is missing", target.name)));
        }
    }
    for (name, value) in members {
        let Some(target) = fact_type.target(name) else {
            if part == Part::Members {
                return Some(Text::new(format!("没有字段 {name}"), format!("there is no member {name}")));
            }
            continue;
        };
        if Part::of(target.form) == part && !fits(target.form, value) {
            let form = target.form.description();
            return Some(Text::new(
                format!("{name} 的形式不对；应为{}", form.zh),
                format!("{name} is not of its form; it is {}", form.en),
            ));
        }
    }
    let day = |name: &str| members.get(name)?.as_str()?.parse::<Date>().ok();
    if part == Part::Dates && day("from").zip(day("to")).is_some_and(|(from, to)| from > to) {
        return Some(Text::new("起日晚于止日", "it begins after it ends"));
    }
    None
}

fn fits(form: Form, value: &Value) -> bool {
    match form {
        Form::Boolean => value.is_boolean(),
        Form::Count => value.as_u64().is_some_and(|count| u32::try_from(count).is_ok()),
        _ => value.as_str().is_some_and(|text| form.takes_text(text)),
    }
}

fn one_result_each(run: &GoldenRun, response: &Response) -> Option<Text> {
    let persons = &run.test.given.persons;
    for (index, (number, _)) in persons.iter().enumerate() {
        let reference = format!("m{}", index + 1);
        let mut of = response.results.iter().filter(|result| result.reference == reference);
        let (first, second) = (of.next(), of.next());
        let Some(result) = first.filter(|_| second.is_none()) else {
            return Some(Text::new("不是恰有一个结果", "not exactly one result").about(&reference));
        };
        if result.dataset != run.test.given.dataset {
            return Some(Text::new("是别的数据集的结果", "a result of another dataset").about(&reference));
        }
        if result.id_number.as_ref().is_some_and(|filed| filed != number) {
            return Some(Text::new("记录在别的号码之下", "filed under another number").about(&reference));
        }
    }
    (response.results.len() > persons.len())
        .then(|| Text::new("有没有问到的人的结果", "a result about somebody who was not asked about"))
}

fn not_in_the_future(response: &Response, now: Timestamp, today: Date) -> Option<Text> {
    for result in &response.results {
        let Some(as_of) = &result.as_of else { continue };
        let future = match (as_of.parse::<Timestamp>(), as_of.parse::<Date>()) {
            (Ok(instant), _) => instant > now,
            (_, Ok(day)) => day > today,
            _ => return Some(Text::new("as_of 不是日期", "as_of is not a day or instant").about(&result.reference)),
        };
        if future {
            return Some(Text::new("as_of 在将来", "as_of is in the future").about(&result.reference));
        }
    }
    None
}

fn kept_by_nobody(run: &GoldenRun) -> Option<Text> {
    let headers = &run.raw.as_ref()?.headers;
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !header("content-type").starts_with("application/json") {
        return Some(Text::new("Content-Type 不是 application/json", "Content-Type is not application/json"));
    }
    (!header("cache-control").contains("no-store"))
        .then(|| Text::new("没有 Cache-Control: no-store", "Cache-Control: no-store is missing"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_part_of_the_form_sees_its_own_faults() {
        let income = fact_type("income").unwrap();
        let sound =
            json!({"category": "WAGE", "kind": "WAGE", "amount": "1.00", "from": "2024-03-01", "to": "2024-03-31"});
        let parts = [Part::Members, Part::Amounts, Part::Dates, Part::Codes];
        for part in parts {
            assert_eq!(misfit(income, &sound, part), None);
        }
        for (name, value, seen_by) in [
            ("amount", json!("1.005"), Part::Amounts),
            ("amount", json!(1), Part::Amounts),
            ("from", json!("2024-02-30"), Part::Dates),
            ("from", json!("2024-04-01"), Part::Dates),
            ("category", json!("SALARY"), Part::Codes),
            ("kind", json!("wage"), Part::Codes),
            ("payer", json!(""), Part::Members),
            ("secret", json!("x"), Part::Members),
        ] {
            let mut fact = sound.clone();
            fact[name] = value;
            for part in parts {
                assert_eq!(misfit(income, &fact, part).is_some(), part == seen_by, "{fact}");
            }
        }
        assert!(
            misfit(income, &json!({}), Part::Members).is_some() && misfit(income, &json!([]), Part::Members).is_some()
        );
    }
}
