//! L3: the adapter bears what networks and callers do: slow statements, hung-up callers, too many at once, requests
//! that drip, are garbage or come twice, and a restart.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::report::{Exchange, Finding};
use super::stage::{AT_ONCE, QUERY, Served, Stage, ask, get, post, query};
use crate::caller::Caller;
use crate::check::{NOBODY, period};
use crate::connector::{Ask, Connector, Quota};
use crate::error::Text;
use crate::protocol::{MAX_SUBJECTS, Query};
use crate::source::{Disturbance, Simulated, Source};
use crate::sql_text::SqlText;

/// A statement timeout is tried as it stands, up to this long.
const LONGEST_TRIED: Duration = Duration::from_secs(3);
/// More questions at once than are admitted.
const BEYOND: usize = 8;
/// When a caller hangs up: long enough for the question to be under way.
const HANGS_UP: Duration = Duration::from_millis(1_500);
/// How long a request may drip until it is cut off.
const DRIP: Duration = Duration::from_secs(20);

pub(super) async fn findings(stage: &Stage) -> Vec<Finding> {
    // The drip takes longest and disturbs nobody.
    let (drip, mut findings) = tokio::join!(drip(stage), async {
        let mut findings = Vec::new();
        findings.extend(timeout(stage).await);
        findings.push(hang_up(stage).await);
        findings.push(overload(stage).await);
        findings.push(twice(stage).await);
        findings.push(restart(stage).await);
        findings.push(many(stage).await);
        findings.push(garbage(stage).await);
        findings
    });
    findings.push(drip);
    findings
}

/// A question about nobody to the first dataset.
fn question(stage: &Stage) -> Query {
    let first = stage.connector.datasets.first().map_or("", |dataset| dataset.id.as_str());
    query(&[first], &[(NOBODY, "某")], period())
}

/// The statement timeout, as far as it is waited for.
fn tried(stage: &Stage) -> Duration {
    stage.connector.source_timeout().min(LONGEST_TRIED)
}

/// The connector with a first statement that never ends, and the source it runs on. A source that is no database is
/// given a latency instead.
fn endless(stage: &Stage, limit: Duration, quota: Option<Quota>) -> Result<(Connector, Source, bool), Text> {
    let mut connector = stage.connector.clone();
    connector.quota = quota.unwrap_or(connector.quota);
    let source = stage.own_source()?;
    let Some(database) = source.database() else {
        let faults = Disturbance { latency: limit * 2, error_percent: 0, timeout: Some(limit) };
        return Ok((connector, Source::Simulated(Box::new(Simulated::new(source, faults))), false));
    };
    let statement = database.endless();
    if let Some(info) = connector.source.database_mut() {
        info.statement_timeout = limit;
    }
    if let (Some(dataset), Ok(statement)) = (connector.datasets.first_mut(), SqlText::parse(statement)) {
        dataset.ask = Ask::Sql { statement, parameters: Vec::new() };
    }
    let source = stage.source_of(&connector)?;
    Ok((connector, source, true))
}

/// The statement timeout, and that the source can be asked after it.
async fn timeout(stage: &Stage) -> Vec<Finding> {
    let failed = |why: &Text| vec![Finding::error("L3-01", why.clone()), Finding::error("L3-02", why.clone())];
    if let (Err(first), Err(second)) = (stage.needs_own("L3-01"), stage.needs_own("L3-02")) {
        return vec![first, second];
    }
    let (connector, source, real) = match endless(stage, tried(stage), None) {
        Ok(all) => all,
        Err(why) => return failed(&why),
    };
    if !real {
        let why = || Text::new("数据源没有语句可让它变慢", "the source has no statement that could be made slow");
        return vec![Finding::skip("L3-01", why()), Finding::skip("L3-02", why())];
    }
    let limit = connector.source_timeout();
    let served = match stage.on(connector, source).await {
        Ok(served) => served,
        Err(why) => return failed(&why),
    };
    let asked = ask(&served.caller, &question(stage)).await;
    let took = asked.raw.as_ref().map(|answer| answer.took);
    let shown = |took: Duration| {
        let (limit, took) = (limit.as_millis(), took.as_millis());
        Text::new(
            format!("限 {limit} 毫秒，{took} 毫秒后答复"),
            format!("answered after {took} ms, of {limit} allowed"),
        )
    };
    let first = match (&asked.raw, took) {
        (Some(answer), Some(took)) if answer.status == 504 && took < limit + AT_ONCE => {
            Finding::pass("L3-01", shown(took))
        }
        (Some(answer), Some(took)) => {
            let (status, seen) = (answer.status, shown(took));
            Finding::fail(
                "L3-01",
                Text::new(format!("状态 {status}；{}", seen.zh), format!("status {status}; {}", seen.en)),
            )
        }
        _ => Finding::fail("L3-01", Text::new("没有答复", "there was no answer")),
    }
    .shown([asked.exchange]);
    let began = Instant::now();
    let (health, exchange) = get(&served.caller, "/v1/health").await;
    let took = began.elapsed();
    let milliseconds = took.as_millis();
    let second = match health {
        Ok(answer) if answer.status == 200 && took < AT_ONCE => Finding::pass(
            "L3-02",
            Text::new(format!("{milliseconds} 毫秒后可用"), format!("asked again within {milliseconds} ms")),
        ),
        _ => Finding::fail("L3-02", Text::new("超时之后问不动", "after the timeout it cannot be asked")),
    }
    .shown([exchange]);
    vec![first, second]
}

async fn hang_up(stage: &Stage) -> Finding {
    if let Err(finding) = stage.needs_own("L3-03") {
        return finding;
    }
    let (connector, source, _) = match endless(stage, 10 * HANGS_UP, None) {
        Ok(all) => all,
        Err(why) => return Finding::error("L3-03", why),
    };
    let served = match stage.on(connector, source).await {
        Ok(served) => served,
        Err(why) => return Finding::error("L3-03", why),
    };
    let before = stage.ledger().len();
    let impatient = served.caller.waiting(HANGS_UP);
    let asked = ask(&impatient, &question(stage)).await;
    let abandoned = async {
        loop {
            let lines = stage.ledger();
            if lines.iter().skip(before).any(|line| line.contains(r#""status":"abandoned""#)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    match tokio::time::timeout(AT_ONCE, abandoned).await {
        Ok(()) => Finding::pass(
            "L3-03",
            Text::new(
                "挂断后马上取消，使用记录里记为 abandoned",
                "cancelled at once, and `abandoned` in the record of use",
            ),
        ),
        Err(_) => Finding::fail("L3-03", Text::new("挂断三秒后仍在查询", "it was still at it three seconds later")),
    }
    .shown([asked.exchange])
}

async fn overload(stage: &Stage) -> Finding {
    if let Err(finding) = stage.needs_own("L3-04") {
        return finding;
    }
    let (connector, source, _) = match endless(stage, tried(stage), Some(Quota { per_second: 1, burst: 1 })) {
        Ok(all) => all,
        Err(why) => return Finding::error("L3-04", why),
    };
    let limit = connector.source_timeout();
    let count = connector.admitted() + BEYOND;
    let served = match stage.on(connector, source).await {
        Ok(served) => served,
        Err(why) => return Finding::error("L3-04", why),
    };
    let query = question(stage);
    let asked = join_all((0..count).map(|_| ask(&served.caller, &query))).await;
    let (mut refused, mut answered) = (Vec::new(), 0_usize);
    for asked in asked {
        let Some(answer) = &asked.raw else {
            return Finding::fail("L3-04", Text::new("有请求没有答复", "a request was not answered"))
                .shown([asked.exchange]);
        };
        answered += usize::from(answer.took < limit + AT_ONCE);
        if matches!(answer.status, 429 | 503) && answer.headers.contains_key("retry-after") && answer.took < AT_ONCE {
            refused.push(asked.exchange);
        }
    }
    let (turned_away, enough) = (refused.len(), refused.len() >= BEYOND / 2);
    let what = Text::new(
        format!("同时 {count} 个请求：{answered} 个按时答复，其中 {turned_away} 个马上答 429 或 503"),
        format!("{count} requests at once: {answered} answered in time, {turned_away} of them with 429 or 503 at once"),
    );
    let finding = if answered == count && enough { Finding::pass("L3-04", what) } else { Finding::fail("L3-04", what) };
    finding.shown(refused.into_iter().take(1))
}

async fn drip(stage: &Stage) -> Finding {
    let caller = match stage.outside() {
        Ok(caller) => caller.clone(),
        Err(why) => return Finding::error("L3-05", why),
    };
    let began = Instant::now();
    let dripping = async {
        let mut stream = caller.connect().await.map_err(|error| error.text())?;
        let head = format!("POST {QUERY} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n");
        let broken = |_| Text::new("连接断了", "the connection broke");
        stream.write_all(head.as_bytes()).await.map_err(broken)?;
        let mut answer = [0_u8; 64];
        loop {
            tokio::select! {
                read = stream.read(&mut answer) => {
                    let count = read.unwrap_or(0);
                    let text = answer.get(..count).map(String::from_utf8_lossy).unwrap_or_default();
                    return Ok(text.lines().next().unwrap_or_default().to_owned());
                }
                () = tokio::time::sleep(Duration::from_millis(250)) => {
                    if stream.write_all(b" ").await.is_err() {
                        return Ok(String::new());
                    }
                }
            }
        }
    };
    let beside = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        get(&caller, "/v1/manifest").await
    };
    let (dripped, (health, exchange)) = tokio::join!(tokio::time::timeout(DRIP, dripping), beside);
    let seconds = began.elapsed().as_secs();
    let served = health.is_ok_and(|answer| answer.status == 200 && answer.took < AT_ONCE);
    match dripped {
        Err(_) => Finding::fail("L3-05", Text::new("20 秒后仍没有切断", "after 20 seconds it was not cut off")),
        Ok(Err(why)) => Finding::error("L3-05", why),
        Ok(Ok(_)) if !served => {
            Finding::fail("L3-05", Text::new("其间别的请求没有马上答复", "another request was not answered meanwhile"))
        }
        Ok(Ok(line)) => {
            let line = if line.is_empty() { "(closed)".to_owned() } else { line };
            Finding::pass(
                "L3-05",
                Text::new(format!("{seconds} 秒后切断：{line}"), format!("cut off after {seconds} s: {line}")),
            )
        }
    }
    .shown([exchange])
}

/// Asks twice, and tells both answers when they differ.
async fn same(first: &Caller, second: &Caller, query: &Query) -> Result<Exchange, (Text, Vec<Exchange>)> {
    let (one, two) = (ask(first, query).await, ask(second, query).await);
    let bytes = |asked: &super::stage::Asked| asked.raw.as_ref().map(|answer| (answer.status, answer.body.clone()));
    match (bytes(&one), bytes(&two)) {
        (Some(left), Some(right)) if left == right => Ok(two.exchange),
        _ => Err((Text::new("两次答复不同", "the answers differ"), vec![one.exchange, two.exchange])),
    }
}

async fn twice(stage: &Stage) -> Finding {
    let mut shown = Vec::new();
    for sample in &stage.samples {
        let source = match Source::fixture(&stage.connector, &sample.fixture).await {
            Ok(source) => source,
            Err(error) => return Finding::error("L3-06", error.text()),
        };
        let served = match stage.on(stage.connector.clone(), source).await {
            Ok(served) => served,
            Err(why) => return Finding::error("L3-06", why),
        };
        let query = query(&[&sample.dataset.id], &[(&sample.number, &sample.name)], sample.period);
        match same(&served.caller, &served.caller, &query).await {
            Ok(exchange) => shown.push(exchange),
            Err((what, exchanges)) => return Finding::fail("L3-06", what.about(&sample.dataset.id)).shown(exchanges),
        }
    }
    let own = match stage.needs_own("L3-06") {
        Ok(own) => own,
        Err(finding) => return finding,
    };
    match same(&own.caller, &own.caller, &question(stage)).await {
        Ok(exchange) => shown.push(exchange),
        Err((what, exchanges)) => return Finding::fail("L3-06", what).shown(exchanges),
    }
    let count = shown.len();
    Finding::pass("L3-06", Text::new(format!("{count} 个请求各送两次"), format!("{count} request(s), each sent twice")))
        .shown(shown.into_iter().take(1))
}

async fn restart(stage: &Stage) -> Finding {
    if let Err(finding) = stage.needs_own("L3-07") {
        return finding;
    }
    let failed = |why: Text| Finding::error("L3-07", why);
    let start = async |address| {
        let source = stage.own_source()?;
        match address {
            None => stage.on(stage.connector.clone(), source).await,
            Some(address) => stage.on_at(stage.connector.clone(), source, address).await,
        }
    };
    let before: Served = match start(None).await {
        Ok(served) => served,
        Err(why) => return failed(why),
    };
    let query = question(stage);
    let first = ask(&before.caller, &query).await;
    let address = before.address();
    before.stop().await;
    let away = ask(&first_caller(stage, address), &query).await;
    if away.raw.is_some() {
        return Finding::fail("L3-07", Text::new("停了还在答复", "it answers after it was stopped"))
            .shown([away.exchange]);
    }
    let after = match start(Some(address)).await {
        Ok(served) => served,
        Err(why) => return failed(why),
    };
    let second = ask(&after.caller, &query).await;
    let body = |asked: &super::stage::Asked| asked.raw.as_ref().map(|answer| (answer.status, answer.body.clone()));
    let finding = if body(&first).is_some() && body(&first) == body(&second) {
        Finding::pass(
            "L3-07",
            Text::new("停机时连不上，重启后答复相同", "no connection while it is down; the same answer after"),
        )
    } else {
        Finding::fail("L3-07", Text::new("重启前后答复不同", "the answers before and after differ"))
    };
    finding.shown([first.exchange, second.exchange])
}

fn first_caller(stage: &Stage, address: std::net::SocketAddr) -> Caller {
    let caller = Caller::new(&format!("https://{address}"), &stage.pki.hub);
    caller.expect("the certificates of this run have been used before").waiting(AT_ONCE)
}

async fn many(stage: &Stage) -> Finding {
    let own = match stage.needs_own("L3-08") {
        Ok(own) => own,
        Err(finding) => return finding,
    };
    // A source that is asked for each person by itself is not asked five hundred times for nothing.
    let is_database = stage.own_source().is_ok_and(|source| source.database().is_some());
    let count = if is_database { MAX_SUBJECTS } else { 1 };
    let numbers: Vec<String> = (0..=MAX_SUBJECTS).map(|place| format!("15000018500101{place:03}0")).collect();
    let persons: Vec<(&str, &str)> = numbers.iter().map(|number| (number.as_str(), "某")).collect();
    let first = stage.connector.datasets.first().map_or("", |dataset| dataset.id.as_str());
    let about = |count: usize| query(&[first], persons.get(..count).unwrap_or_default(), period());
    let full = ask(&own.caller, &about(count)).await;
    let beyond = ask(&own.caller, &about(MAX_SUBJECTS + 1)).await;
    let status = |asked: &super::stage::Asked| asked.raw.as_ref().map_or(0, |answer| answer.status);
    let (got, refused) = (status(&full), status(&beyond));
    let what = Text::new(
        format!("{count} 人：状态 {got}；{} 人：状态 {refused}", MAX_SUBJECTS + 1),
        format!("{count} person(s): status {got}; {}: status {refused}", MAX_SUBJECTS + 1),
    );
    let met = got == 200 && (400..500).contains(&refused);
    let finding = if met { Finding::pass("L3-08", what) } else { Finding::fail("L3-08", what) };
    finding.shown([full.exchange, beyond.exchange])
}

async fn garbage(stage: &Stage) -> Finding {
    let caller = match stage.outside() {
        Ok(caller) => caller,
        Err(why) => return Finding::error("L3-09", why),
    };
    let bodies = [
        Vec::new(),
        b"[]".to_vec(),
        b"{".to_vec(),
        vec![0xff; 64],
        "[".repeat(50_000).into_bytes(),
        vec![b' '; 1024 * 1024 + 1],
        json!({"request_id": 1, "subjects": "all"}).to_string().into_bytes(),
    ];
    let count = bodies.len();
    let mut shown = Vec::new();
    for body in bodies {
        let (answer, exchange) = post(caller, body).await;
        match answer {
            Ok(answer) if (400..500).contains(&answer.status) => shown.push(exchange),
            Ok(answer) => {
                let status = answer.status;
                let what = Text::new(
                    format!("不成形的请求得到状态 {status}"),
                    format!("a malformed request got status {status}"),
                );
                return Finding::fail("L3-09", what).shown([exchange]);
            }
            // One that is cut off while it still sends is refused as well.
            Err(_) => {}
        }
    }
    let (health, exchange) = get(caller, "/v1/manifest").await;
    if !health.is_ok_and(|answer| answer.status == 200) {
        return Finding::fail("L3-09", Text::new("之后不再应答", "afterwards it does not answer")).shown([exchange]);
    }
    Finding::pass("L3-09", Text::new(format!("{count} 个都被拒绝"), format!("all {count} are refused")))
        .shown(shown.into_iter().take(2))
}
