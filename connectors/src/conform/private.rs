//! L4: what need not leave does not leave, and whoever asks says why.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::report::{Exchange, Finding};
use super::stage::{QUERY, Stage, post, query};
use super::told;
use crate::caller::Caller;
use crate::check::{self, period};
use crate::connector::{Dataset, SourceInfo};
use crate::error::Text;
use crate::native::find_column;
use crate::source::Rung;

/// A whole identity number that nobody has: what must not be repeated has to be one that would be.
const NOBODY: &str = "15000019010101048X";

pub(super) async fn findings(stage: &Stage) -> Vec<Finding> {
    let mut findings =
        vec![declared_only(stage), nothing_unused(stage).await, no_star(stage), read_only(stage), secrets(stage)];
    findings.extend(questioned(stage).await);
    // Last, so that it sees what every question before left behind.
    findings.push(silent_log(stage));
    findings
}

/// What an adapter does with questions that must be read to be refused.
async fn questioned(stage: &Stage) -> Vec<Finding> {
    let (caller, note) = match stage.questioned().await {
        Ok(questioned) => questioned,
        Err(why) => return ["L4-06", "L4-07", "L4-08", "L4-09"].map(|id| Finding::error(id, why.clone())).into(),
    };
    let (purpose, authorisation) = (Text::new("用途", "purpose"), Text::new("授权书", "authorisation"));
    let empty = json!({"number": "", "valid_until": "2024-12-31"});
    let found = [
        quotes_nothing(stage, caller).await,
        refused(stage, caller, ("L4-07", "purpose"), (purpose, json!(""))).await,
        refused(stage, caller, ("L4-08", "authorisation"), (authorisation, empty)).await,
        unknown_dataset(stage, caller).await,
    ];
    let told = |finding: Finding| match &note {
        Some(note) => finding.noting(note),
        None => finding,
    };
    found.map(told).into()
}

/// The members of a result (`protocol.rs`).
const RESULT: [&str; 6] = ["ref", "id_number", "dataset", "status", "as_of", "facts"];

fn declared_only(stage: &Stage) -> Finding {
    let mut records = 0_usize;
    for run in &stage.golden {
        let Some(dataset) = stage.connector.dataset(&run.test.given.dataset) else { continue };
        let Some(raw) = &run.raw else { continue };
        let declared = targets(dataset);
        let body: Value = serde_json::from_slice(&raw.body).unwrap_or_default();
        for result in body.get("results").and_then(Value::as_array).into_iter().flatten() {
            let names = |value: &Value| value.as_object().map(|members| members.keys().cloned().collect::<Vec<_>>());
            let other = names(result).into_iter().flatten().find(|name| !RESULT.contains(&name.as_str()));
            let facts = result.get("facts").and_then(Value::as_array).into_iter().flatten();
            let other = other.or_else(|| {
                let mut all = facts.inspect(|_| records += 1).flat_map(|fact| names(fact).into_iter().flatten());
                all.find(|name| !declared.contains(name.as_str()))
            });
            if let Some(name) = other {
                let what = Text::new(format!("{name} 没有声明却离开了"), format!("{name} leaves and is not declared"));
                return Finding::fail("L4-01", what.about(&dataset.id)).shown(run.exchange.clone());
            }
        }
    }
    for sample in &stage.samples {
        if let Some((column, exchange)) = leaked(stage, sample) {
            let what = Text::new(
                format!("列 {column} 的值出现在答复里"),
                format!("the value of column {column} stands in an answer"),
            );
            return Finding::fail("L4-01", what.about(&sample.dataset.id)).shown(exchange);
        }
    }
    if records == 0 {
        return Finding::after(
            "L4-01",
            "L1-01",
            Text::new("金样测试没有查到一条记录", "no golden test finds a record"),
        );
    }
    Finding::pass("L4-01", Text::new(format!("看了 {records} 条记录"), format!("{records} record(s) looked at")))
}

fn targets(dataset: &Dataset) -> BTreeSet<&str> {
    let fields = dataset.mapping.fields.iter().map(|field| field.target.as_str());
    fields.chain(dataset.mapping.templates.iter().map(|template| template.target.as_str())).collect()
}

/// A column that the mapping does not read and whose value an answer to a golden test holds.
fn leaked(stage: &Stage, sample: &super::stage::Sample) -> Option<(String, Option<Exchange>)> {
    let read: Vec<String> = sample.dataset.mapping.columns().into_keys().map(str::to_owned).collect();
    let unused = sample.rows.columns.iter().enumerate().filter(|(_, column)| find_column(&read, column).is_none());
    for (place, column) in unused {
        let values = sample.rows.rows.iter().filter_map(|row| row.get(place)?.text().map(std::borrow::Cow::into_owned));
        // A short value stands in many places by chance.
        for value in values.filter(|value| value.chars().count() >= 6) {
            for run in stage.golden.iter().filter(|run| run.test.given.dataset == sample.dataset.id) {
                let holds = |body: &[u8]| std::str::from_utf8(body).is_ok_and(|body| body.contains(&value));
                if run.raw.as_ref().is_some_and(|raw| holds(&raw.body)) {
                    return Some((column.clone(), run.exchange.clone()));
                }
            }
        }
    }
    None
}

async fn nothing_unused(stage: &Stage) -> Finding {
    if matches!(stage.connector.source, SourceInfo::File(_)) {
        let what = Text::new(
            "交换文件有哪些列由部门决定，映射没有用到的列不会离开",
            "which columns a delivery has is the department's to say, and those that the mapping does not read do not leave",
        );
        return Finding::skip("L4-02", what);
    }
    if let Err(finding) = stage.needs_own("L4-02") {
        return finding;
    }
    let source = match stage.own_source() {
        Ok(source) => source,
        Err(why) => return Finding::error("L4-02", why),
    };
    let mut finding = None;
    for dataset in &stage.connector.datasets {
        let columns = match source.columns(&dataset.id).await {
            Ok(columns) => columns,
            Err(error) => {
                finding = Some(Finding::error("L4-02", error.text().about(&dataset.id)));
                break;
            }
        };
        let read: Vec<String> = dataset.mapping.columns().into_keys().map(str::to_owned).collect();
        let unused: Vec<&str> =
            columns.iter().filter(|column| find_column(&read, column).is_none()).map(String::as_str).collect();
        if !unused.is_empty() {
            let shown = unused.join(", ");
            let what = Text::new(format!("读了却没有用：{shown}"), format!("selected and not used: {shown}"));
            let fix = Text::new(
                format!("从 {} 的 SELECT 里去掉 {shown}", dataset.id),
                format!("remove {shown} from the SELECT of {}", dataset.id),
            );
            finding = Some(Finding::fail("L4-02", what.about(&dataset.id)).mended_by(fix));
            break;
        }
    }
    source.close().await;
    finding.unwrap_or_else(|| {
        let count = stage.connector.datasets.len();
        Finding::pass("L4-02", Text::new(format!("看了 {count} 个数据集"), format!("{count} dataset(s) looked at")))
    })
}

fn no_star(stage: &Stage) -> Finding {
    let mut statements = 0_usize;
    for dataset in &stage.connector.datasets {
        let Some(statement) = dataset.ask.statement() else { continue };
        statements += 1;
        if statement.selects_everything() {
            let what = Text::new("语句用了 SELECT *", "the statement has SELECT *");
            return Finding::fail("L4-03", what.about(&dataset.id));
        }
    }
    if statements == 0 {
        return Finding::skip("L4-03", Text::new("数据源不用语句", "the source is not asked by statements"));
    }
    Finding::pass(
        "L4-03",
        Text::new(format!("看了 {statements} 条语句"), format!("{statements} statement(s) looked at")),
    )
}

fn read_only(stage: &Stage) -> Finding {
    let found = stage.steps.iter().find(|step| step.rung == Rung::ReadOnly).map(|step| &step.found);
    match found {
        Some(Ok(what)) => Finding::pass("L4-04", what.clone()),
        Some(Err(trouble)) => {
            let command = trouble.command.clone().unwrap_or_default();
            let fix = Text::new(format!("{}：{command}", trouble.mend.zh), format!("{}: {command}", trouble.mend.en));
            Finding::fail("L4-04", trouble.what.clone()).mended_by(fix)
        }
        None if stage.own_source().is_ok_and(|source| source.database().is_none()) => Finding::skip(
            "L4-04",
            Text::new(
                "数据源不是数据库，没有可写的账号",
                "the source is no database and has no account that could write",
            ),
        ),
        None => {
            Finding::after("L4-04", "L0-01", Text::new("check 没有登到这一级", "check did not climb as far as this"))
        }
    }
}

/// Identity numbers and names of the golden persons.
fn secrets_of_persons(stage: &Stage) -> BTreeSet<&str> {
    let persons = stage.connector.tests.iter().flat_map(|test| &test.given.persons);
    let both = persons.flat_map(|(number, name)| [number.as_str(), name.as_str()]);
    both.chain([NOBODY]).filter(|text| text.chars().count() >= 2).collect()
}

fn silent_log(stage: &Stage) -> Finding {
    let lines = stage.ledger();
    let secrets = secrets_of_persons(stage);
    for line in &lines {
        if secrets.iter().any(|secret| line.contains(secret)) {
            let seen = Exchange { request: QUERY.to_owned(), response: told::masked(line.as_bytes()), milliseconds: 0 };
            let what = Text::new("使用记录里有身份号码或姓名", "the record of use holds an identity number or a name");
            return Finding::fail("L4-05", what).shown([seen]);
        }
    }
    if lines.is_empty() {
        return Finding::error("L4-05", Text::new("没有一条使用记录", "there is no line in the record of use"));
    }
    let count = lines.len();
    Finding::pass(
        "L4-05",
        Text::new(format!("看了 {count} 条使用记录"), format!("{count} line(s) of the record of use looked at")),
    )
}

/// A question of the first dataset as JSON, to be spoilt.
fn question(stage: &Stage) -> Value {
    let first = stage.connector.datasets.first().map_or("", |dataset| dataset.id.as_str());
    json!(query(&[first], &[(NOBODY, "查无此人")], period()))
}

async fn quotes_nothing(stage: &Stage, caller: &Caller) -> Finding {
    let sound = question(stage);
    let mut spoilt = Vec::new();
    for (pointer, value) in [
        ("/period/from", json!(NOBODY)),
        ("/subjects/0/id_number", json!(format!("{NOBODY}9"))),
        ("/datasets/0", json!(NOBODY)),
        ("/purpose", json!([NOBODY])),
        ("/subjects/0/ref", json!("")),
    ] {
        let mut question = sound.clone();
        if let Some(place) = question.pointer_mut(pointer) {
            *place = value;
        }
        spoilt.push(question.to_string());
    }
    spoilt.push(sound.to_string().replace("查无此人\"", "查无此人"));
    let mut shown = Vec::new();
    for body in spoilt {
        let (answer, exchange) = post(caller, body.into_bytes()).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Finding::error("L4-06", error.text()).shown([exchange]),
        };
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        if text.contains(NOBODY) || text.contains("查无此人") {
            return Finding::fail("L4-06", Text::new("答复重复了所问的内容", "an answer repeats what was asked"))
                .shown([exchange]);
        }
        if answer.status == 200 {
            return Finding::fail("L4-06", Text::new("不成形的询问得到了答复", "a malformed question was answered"))
                .shown([exchange]);
        }
        shown.push(exchange);
    }
    let count = shown.len();
    Finding::pass("L4-06", Text::new(format!("看了 {count} 个拒绝"), format!("{count} refusal(s) looked at")))
        .shown(shown.into_iter().take(2))
}

/// That a question is refused without a member of it, and with an empty one.
async fn refused(
    stage: &Stage,
    caller: &Caller,
    (id, member): (&'static str, &str),
    (what, empty): (Text, Value),
) -> Finding {
    let (mut without, mut blank) = (question(stage), question(stage));
    if let (Some(without), Some(blank)) = (without.as_object_mut(), blank.as_object_mut()) {
        without.remove(member);
        blank.insert(member.to_owned(), empty);
    }
    let mut shown = Vec::new();
    for body in [without, blank] {
        let (answer, exchange) = post(caller, body.to_string().into_bytes()).await;
        match answer {
            Ok(answer) if matches!(answer.status, 400 | 403 | 422) => shown.push(exchange),
            Ok(answer) => {
                let status = answer.status;
                let seen = Text::new(
                    format!("没有{}的询问得到状态 {status}", what.zh),
                    format!("a question without {} got status {status}", what.en),
                );
                return Finding::fail(id, seen).shown([exchange]);
            }
            Err(error) => return Finding::error(id, error.text()).shown([exchange]),
        }
    }
    Finding::pass(id, Text::new("缺少和为空都被拒绝", "refused when it is missing and when it is empty")).shown(shown)
}

async fn unknown_dataset(stage: &Stage, caller: &Caller) -> Finding {
    let other = format!("{}.no_such_dataset", stage.connector.adapter.id);
    let (answer, exchange) =
        post(caller, json!(query(&[&other], &[(NOBODY, "某")], period())).to_string().into_bytes()).await;
    match answer {
        Ok(answer) if matches!(answer.status, 403 | 404 | 422) => {
            let status = answer.status;
            Finding::pass("L4-09", Text::new(format!("状态 {status}"), format!("status {status}")))
        }
        Ok(answer) => {
            let status = answer.status;
            Finding::fail("L4-09", Text::new(format!("得到状态 {status}"), format!("it got status {status}")))
        }
        Err(error) => Finding::error("L4-09", error.text()),
    }
    .shown([exchange])
}

fn secrets(stage: &Stage) -> Finding {
    match check::open_secret(&stage.connector) {
        None => Finding::pass("L4-10", Text::new("机密只写了在哪里", "the file only says where its secrets are kept")),
        Some((path, mode)) => {
            let path = path.display();
            let what = Text::new(
                format!("`{path}`（权限 {mode:o}）本机任何账号都能用"),
                format!("`{path}` (mode {mode:o}) is open to every account of this machine"),
            );
            Finding::fail("L4-10", what)
                .mended_by(Text::new(format!("运行 chmod o-rwx '{path}'"), format!("run chmod o-rwx '{path}'")))
        }
    }
}
