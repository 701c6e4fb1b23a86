//! L2: answers mean what they say. Golden persons' rows are altered the way real records go wrong, and asked about
//! over the network.

use super::report::{Exchange, Finding};
use super::stage::{Asked, Sample, Stage, ask, query};
use crate::answer::Answered;
use crate::check::NOBODY;
use crate::error::Text;
use crate::golden;
use crate::mapping::{Field, From, Part};
use crate::native::{Native, Rows};
use crate::protocol::{QueryResult, Response, ResultStatus};
use crate::source::{Disturbance, Simulated, Source};
use crate::value::Format;

/// Somebody whose number ends in `X`, and was 15 digits long once. Nobody has it.
const ENDS_IN_X: &str = "15000019010101048X";
const ENDS_IN_SMALL_X: &str = "15000019010101048x";
const OF_15_DIGITS: &str = "150000010101048";
/// A text with characters that need four bytes in UTF-8, and the dot of minority names.
const RARE: &str = "库伦旗㐂𠮷㐀·苏木";

pub(super) async fn findings(stage: &Stage) -> Vec<Finding> {
    vec![
        golden_tests(stage),
        nobody(stage).await,
        failing_source(stage).await,
        each(stage, "L2-04", async |sample| one_misfit(stage, sample).await).await,
        each(stage, "L2-05", async |sample| empty_value(stage, sample).await).await,
        each(stage, "L2-06", async |sample| unknown_code(stage, sample).await).await,
        each(stage, "L2-07", async |sample| other_name(stage, sample).await).await,
        each(stage, "L2-08", async |sample| spellings(stage, sample).await).await,
        each(stage, "L2-09", async |sample| rare_names(stage, sample).await).await,
        each(stage, "L2-10", async |sample| rare_texts(stage, sample).await).await,
        each(stage, "L2-11", async |sample| kept_as(stage, sample, ENDS_IN_SMALL_X).await).await,
        each(stage, "L2-12", async |sample| old_number(stage, sample).await).await,
        each(stage, "L2-13", async |sample| stranger(stage, sample).await).await,
        each(stage, "L2-14", async |sample| household(stage, sample).await).await,
        each(stage, "L2-15", async |sample| all_skipped(stage, sample).await).await,
        echo(stage).await,
    ]
}

/// What came of a case on one dataset.
enum Seen {
    Met(Vec<Exchange>),
    Unmet(Text, Vec<Exchange>),
    /// It does not apply, and why.
    No(Text),
}

/// Tries a case on the golden person of each dataset.
async fn each(stage: &Stage, id: &'static str, case: impl AsyncFn(&Sample) -> Seen) -> Finding {
    if stage.samples.is_empty() {
        return Finding::after(id, "L1-01", Text::new("没有查得到记录的金样测试", "no golden test finds a record"));
    }
    let (mut met, mut reason, mut shown) = (Vec::new(), None, Vec::new());
    for sample in &stage.samples {
        match case(sample).await {
            Seen::Met(exchanges) => {
                met.push(sample.dataset.id.as_str());
                shown.extend(exchanges.into_iter().take(1));
            }
            Seen::Unmet(what, exchanges) => return Finding::fail(id, what.about(&sample.dataset.id)).shown(exchanges),
            Seen::No(why) => reason = Some(why),
        }
    }
    match reason {
        Some(why) if met.is_empty() => Finding::skip(id, why),
        _ => {
            let ids = met.join(", ");
            Finding::pass(id, Text::new(format!("试过 {ids}"), format!("tried on {ids}"))).shown(shown)
        }
    }
}

fn golden_tests(stage: &Stage) -> Finding {
    let count = stage.golden.len();
    if count == 0 {
        return Finding::after("L2-01", "L1-01", Text::new("文件里没有金样测试", "the file has no golden test"));
    }
    for run in &stage.golden {
        let differences = match &run.answer {
            Err(why) => vec![why.clone()],
            Ok(response) => match copy(response) {
                Some(response) => golden::differences(&run.test, &Answered { response, failures: Vec::new() }),
                None => Vec::new(),
            },
        };
        if let Some(first) = differences.into_iter().next() {
            return Finding::fail("L2-01", first.about(&run.test.name))
                .mended_by(golden::mend())
                .shown(run.exchange.clone());
        }
    }
    let first = stage.golden.first().and_then(|run| run.exchange.clone());
    Finding::pass("L2-01", Text::new(format!("{count} 个都通过"), format!("all {count} pass"))).shown(first)
}

fn copy(response: &Response) -> Option<Response> {
    serde_json::from_slice(&serde_json::to_vec(response).ok()?).ok()
}

async fn nobody(stage: &Stage) -> Finding {
    let own = match stage.needs_own("L2-02") {
        Ok(own) => own,
        Err(finding) => return finding,
    };
    let ids: Vec<&str> = stage.connector.datasets.iter().map(|dataset| dataset.id.as_str()).collect();
    let asked = ask(&own.caller, &query(&ids, &[(NOBODY, "查无此人")], crate::check::period())).await;
    let finding = match &asked.response {
        Err(why) => Finding::fail("L2-02", why.clone()),
        Ok(response) => {
            let other = response
                .results
                .iter()
                .find(|result| result.status != ResultStatus::NoRecord || result.facts.get() != "[]");
            match other {
                Some(result) => {
                    let status = result.status.text();
                    Finding::fail(
                        "L2-02",
                        Text::new(format!("答的是 {}", status.zh), format!("the answer is {}", status.en))
                            .about(&result.dataset),
                    )
                }
                None if response.results.len() == ids.len() => {
                    Finding::pass("L2-02", Text::new("每个数据集都答 no_record", "no_record of every dataset"))
                }
                None => Finding::fail("L2-02", Text::new("有数据集没有答复", "a dataset was not answered")),
            }
        }
    };
    finding.shown([asked.exchange])
}

async fn failing_source(stage: &Stage) -> Finding {
    let faults = Disturbance { error_percent: 100, ..Disturbance::default() };
    let source = Source::Simulated(Box::new(Simulated::new(Source::Recorded(Rows::default()), faults)));
    let served = match stage.on(stage.connector.clone(), source).await {
        Ok(served) => served,
        Err(why) => return Finding::error("L2-03", why),
    };
    let ids: Vec<&str> = stage.connector.datasets.iter().map(|dataset| dataset.id.as_str()).collect();
    let asked = ask(&served.caller, &query(&ids, &[(NOBODY, "某")], crate::check::period())).await;
    let status = asked.raw.as_ref().map(|answer| answer.status);
    let finding = match status {
        Some(500..=599) => {
            let status = status.unwrap_or_default();
            Finding::pass(
                "L2-03",
                Text::new(format!("状态 {status} 的问题"), format!("a problem with status {status}")),
            )
        }
        _ => Finding::fail("L2-03", Text::new("没有答成问题", "the answer is not a problem")),
    };
    finding.shown([asked.exchange])
}

/// The first result about `reference`, or why there is none.
fn about<'a>(asked: &'a Asked, reference: &str) -> Result<&'a QueryResult, Text> {
    let response = asked.response.as_ref().map_err(Clone::clone)?;
    let found = response.results.iter().find(|result| result.reference == reference);
    found.ok_or_else(|| Text::new("没有结果", "there is no result"))
}

/// Met when each of the persons has the status that is expected.
fn expecting(asked: Asked, statuses: &[ResultStatus]) -> Seen {
    for (index, expected) in statuses.iter().enumerate() {
        let reference = format!("m{}", index + 1);
        match about(&asked, &reference) {
            Err(why) => return Seen::Unmet(why, vec![asked.exchange]),
            Ok(result) if result.status != *expected => {
                let (wanted, got) = (expected.text(), result.status.text());
                let what = Text::new(
                    format!("应为 {}，得到 {}", wanted.zh, got.zh),
                    format!("expected {}, got {}", wanted.en, got.en),
                );
                return Seen::Unmet(what, vec![asked.exchange]);
            }
            Ok(_) => {}
        }
    }
    Seen::Met(vec![asked.exchange])
}

async fn rows(stage: &Stage, sample: &Sample, rows: Rows, persons: &[(&str, &str)]) -> Asked {
    stage.ask_of(sample, Source::Recorded(rows), persons).await
}

/// A target that a column fills and that every record must have.
fn required(sample: &Sample) -> Option<(&Field, &str)> {
    sample.dataset.mapping.fields.iter().find_map(|field| match &field.from {
        From::Column { column, format } if !field.optional => {
            let blank_has_a_meaning = matches!(format, Format::Codes { codes, .. } if codes.contains_key(""));
            (!blank_has_a_meaning).then_some((field, column.as_str()))
        }
        _ => None,
    })
}

fn no_column() -> Seen {
    Seen::No(Text::new("没有由列填写的必填字段", "no required target is filled by a column"))
}

async fn one_misfit(stage: &Stage, sample: &Sample) -> Seen {
    let Some((_, column)) = required(sample) else { return no_column() };
    let mut both = sample.rows.clone();
    let mut other = sample.with(column, &Native::Bytes);
    let Some(subject) = sample.place(&sample.dataset.mapping.subject) else { return no_column() };
    for row in &mut other.rows {
        if let Some(cell) = row.get_mut(subject) {
            *cell = Native::Text(NOBODY.to_owned());
        }
    }
    both.rows.extend(other.rows);
    let asked = rows(stage, sample, both, &[(&sample.number, &sample.name), (NOBODY, &sample.name)]).await;
    expecting(asked, &[ResultStatus::Ok, ResultStatus::Error])
}

async fn empty_value(stage: &Stage, sample: &Sample) -> Seen {
    let Some((_, column)) = required(sample) else { return no_column() };
    let asked = rows(stage, sample, sample.with(column, &Native::Null), &[(&sample.number, &sample.name)]).await;
    expecting(asked, &[ResultStatus::Error])
}

async fn unknown_code(stage: &Stage, sample: &Sample) -> Seen {
    let coded = sample.dataset.mapping.fields.iter().find_map(|field| match &field.from {
        From::Column { column, format: Format::Codes { other: None, .. } } => Some(column),
        _ => None,
    });
    let Some(column) = coded else {
        return Seen::No(Text::new("没有不写 other 的代码表", "there is no code list without `other`"));
    };
    let altered = sample.with(column, &Native::Text("没有这个代码".to_owned()));
    let asked = rows(stage, sample, altered, &[(&sample.number, &sample.name)]).await;
    expecting(asked, &[ResultStatus::Error])
}

/// The rows under a name, asked about under others.
async fn named(stage: &Stage, sample: &Sample, recorded: &str, asked_as: &[(&str, ResultStatus)]) -> Seen {
    let Some(column) = &sample.dataset.mapping.name else {
        return Seen::No(Text::new(
            "数据集不核对姓名（没有写 name）",
            "the dataset compares no names (it has no `name`)",
        ));
    };
    let altered = sample.with(column, &Native::Text(recorded.to_owned()));
    let mut shown = Vec::new();
    for (name, status) in asked_as {
        let asked = rows(stage, sample, altered.clone(), &[(&sample.number, name)]).await;
        match expecting(asked, &[*status]) {
            Seen::Met(exchanges) => shown.extend(exchanges),
            other => return other,
        }
    }
    Seen::Met(shown)
}

async fn other_name(stage: &Stage, sample: &Sample) -> Seen {
    let names = [("某某某", ResultStatus::NameMismatch), ("巴图", ResultStatus::Ok)];
    named(stage, sample, "巴图", &names).await
}

async fn spellings(stage: &Stage, sample: &Sample) -> Seen {
    let ok = ResultStatus::Ok;
    let names = [
        ("阿拉坦•乌拉", ok),
        ("阿拉坦．乌拉", ok),
        (" 阿拉坦 ・ 乌拉", ok),
        ("阿拉坦乌拉", ResultStatus::NameMismatch),
    ];
    named(stage, sample, "阿拉坦·乌拉", &names).await
}

async fn rare_names(stage: &Stage, sample: &Sample) -> Seen {
    let names = [
        ("㐀𠮷·龘", ResultStatus::Ok),
        ("㐁𠮷·龘", ResultStatus::NameMismatch),
        ("㐀?·龘", ResultStatus::NameMismatch),
    ];
    named(stage, sample, "㐀𠮷·龘", &names).await
}

async fn rare_texts(stage: &Stage, sample: &Sample) -> Seen {
    let mapping = &sample.dataset.mapping;
    let fact = crate::facts::fact_type(&sample.dataset.fact);
    let free = |target: &str| {
        let form = fact.and_then(|fact| fact.target(target)).map(|target| target.form);
        form == Some(crate::facts::Form::Text)
    };
    let field = mapping.fields.iter().find_map(|field| match &field.from {
        From::Column { column, format: Format::Text } if free(&field.target) => Some(column),
        _ => None,
    });
    let part = mapping.templates.iter().flat_map(|template| &template.parts).find_map(|part| match part {
        Part::Column(column) => Some(column),
        _ => None,
    });
    let Some(column) = field.or(part) else {
        return Seen::No(Text::new("数据集不给文本", "the dataset gives no text"));
    };
    let altered = sample.with(column, &Native::Text(RARE.to_owned()));
    let asked = rows(stage, sample, altered, &[(&sample.number, &sample.name)]).await;
    let facts = about(&asked, "m1").map(|result| result.facts.get().to_owned());
    match facts {
        Ok(facts) if facts.contains(RARE) => Seen::Met(vec![asked.exchange]),
        Ok(_) => Seen::Unmet(Text::new("文本变了样", "the text was changed"), vec![asked.exchange]),
        Err(why) => Seen::Unmet(why, vec![asked.exchange]),
    }
}

async fn old_number(stage: &Stage, sample: &Sample) -> Seen {
    if sample.dataset.mapping.name.is_none() {
        return Seen::No(Text::new(
            "数据集不核对姓名：有的 15 位号码发给过两个人，没有姓名就不认",
            "the dataset compares no names: some numbers of 15 digits were given twice, so without a name they do not count",
        ));
    }
    kept_as(stage, sample, OF_15_DIGITS).await
}

/// The record is kept under another spelling of the number: first as a row, then, where the fixture is loaded into a
/// database, in its tables, so that the statement has to find it.
async fn kept_as(stage: &Stage, sample: &Sample, number: &str) -> Seen {
    let subject = &sample.dataset.mapping.subject;
    let altered = sample.with(subject, &Native::Text(number.to_owned()));
    let asked = rows(stage, sample, altered, &[(ENDS_IN_X, &sample.name)]).await;
    let seen = expecting(asked, &[ResultStatus::Ok]);
    let Seen::Met(_) = seen else { return seen };
    match in_tables(stage, sample, number).await {
        Some(source) => {
            let asked = stage.ask_of(sample, source, &[(ENDS_IN_X, &sample.name)]).await;
            expecting(asked, &[ResultStatus::Ok])
        }
        None => seen,
    }
}

/// The fixture with the golden person's number written otherwise, in every table with the column of the subject.
async fn in_tables(stage: &Stage, sample: &Sample, number: &str) -> Option<Source> {
    let plain = Source::fixture(&stage.connector, &sample.fixture).await.ok()?;
    let relations = plain.relations(|_| false).await.ok()?;
    plain.close().await;
    let mut alterations = Vec::new();
    for relation in relations.iter().filter(|relation| relation.kind == "table") {
        let is_subject = |name: &str| name.eq_ignore_ascii_case(&sample.dataset.mapping.subject);
        for column in relation.columns.iter().filter(|column| is_subject(&column.name)) {
            let (table, column, old) = (&relation.name, &column.written, &sample.number);
            alterations.push(format!("UPDATE {table} SET {column} = '{number}' WHERE {column} = '{old}'"));
        }
    }
    if alterations.is_empty() {
        return None;
    }
    Source::altered_fixture(&stage.connector, &sample.fixture, &alterations.join(";\n")).await.ok()
}

async fn stranger(stage: &Stage, sample: &Sample) -> Seen {
    let mut all = sample.rows.clone();
    all.rows.extend(sample.with(&sample.dataset.mapping.subject, &Native::Text(NOBODY.to_owned())).rows);
    let asked = rows(stage, sample, all, &[(&sample.number, &sample.name)]).await;
    let gives_facts = about(&asked, "m1").is_ok_and(|result| result.facts.get() != "[]");
    if gives_facts {
        return Seen::Unmet(Text::new("仍给出了记录", "a record was given all the same"), vec![asked.exchange]);
    }
    expecting(asked, &[ResultStatus::Error])
}

async fn household(stage: &Stage, sample: &Sample) -> Seen {
    let persons = [(NOBODY, "甲"), (sample.number.as_str(), sample.name.as_str()), (ENDS_IN_X, "乙")];
    let asked = rows(stage, sample, sample.rows.clone(), &persons).await;
    expecting(asked, &[ResultStatus::NoRecord, ResultStatus::Ok, ResultStatus::NoRecord])
}

async fn all_skipped(stage: &Stage, sample: &Sample) -> Seen {
    let Some(skip) = sample.dataset.mapping.skip.first() else {
        return Seen::No(Text::new("数据集没有 [[dataset.skip]]", "the dataset has no [[dataset.skip]]"));
    };
    let value = skip.equals.iter().next().cloned().unwrap_or_default();
    let asked =
        rows(stage, sample, sample.with(&skip.column, &Native::Text(value)), &[(&sample.number, &sample.name)]).await;
    expecting(asked, &[ResultStatus::NoRecord])
}

async fn echo(stage: &Stage) -> Finding {
    if let Err(finding) = stage.needs_own("L2-16") {
        return finding;
    }
    let source = match stage.own_source() {
        Ok(source) => source,
        Err(why) => return Finding::error("L2-16", why),
    };
    let Some(database) = source.database() else {
        return Finding::skip("L2-16", Text::new("数据源不是数据库", "the source is not a database"));
    };
    let echoed = database.echo(RARE).await;
    source.close().await;
    match echoed {
        Ok(Some(text)) if text == RARE => {
            Finding::pass("L2-16", Text::new(format!("{RARE} 不变"), format!("{RARE} came back as it was")))
        }
        Ok(_) => Finding::fail("L2-16", Text::new(format!("{RARE} 变了样"), format!("{RARE} came back changed"))),
        Err(error) => Finding::fail("L2-16", error.text()),
    }
}
