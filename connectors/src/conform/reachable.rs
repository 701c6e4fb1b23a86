//! L0: the adapter can be reached, by those who may and in the way they may, and it is the one of this file.

use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::report::Finding;
use super::stage::{Stage, get};
use crate::caller::{Answer, CallError, Caller};
use crate::clock::Clock;
use crate::error::Text;
use crate::protocol::Manifest;

/// How far the clocks may be apart.
const SKEW: Duration = Duration::from_secs(5);

pub(super) async fn findings(stage: &Stage) -> Vec<Finding> {
    let mut findings = vec![ladder(stage)];
    match stage.outside() {
        Ok(caller) => {
            findings.push(versions(caller).await);
            findings.push(without_certificate(caller).await);
            findings.push(with_another_certificate(stage, caller).await);
            let (answer, exchange) = get(caller, "/v1/health").await;
            findings.push(certificate(&answer));
            findings.push(clock(&answer).shown([exchange]));
            findings.push(itself(stage, caller).await);
        }
        Err(why) => {
            let ids = ["L0-02", "L0-03", "L0-04", "L0-05", "L0-06", "L0-07"];
            findings.extend(ids.map(|id| Finding::error(id, why.clone())));
        }
    }
    findings
}

fn ladder(stage: &Stage) -> Finding {
    match stage.broken() {
        None => {
            let rungs: Vec<_> = stage.steps.iter().map(|step| step.rung.name()).collect();
            let mut zh: Vec<_> = rungs.iter().map(|rung| rung.zh.as_str()).collect();
            let mut en: Vec<_> = rungs.iter().map(|rung| rung.en.as_str()).collect();
            zh.dedup();
            en.dedup();
            Finding::pass("L0-01", Text::new(zh.join("、"), en.join(", ")))
        }
        Some(trouble) => {
            let rung = trouble.rung.name();
            let what =
                Text::new(format!("{}：{}", rung.zh, trouble.what.zh), format!("{}: {}", rung.en, trouble.what.en));
            let command = trouble.command.as_ref().map(|command| format!("：{command}")).unwrap_or_default();
            let fix = Text::new(
                format!("{}{command}", trouble.mend.zh),
                format!("{}{}", trouble.mend.en, command.replace('：', ": ")),
            );
            Finding::fail("L0-01", what).mended_by(fix)
        }
    }
}

/// A greeting in TLS 1.1, with nothing in it that a newer version would need.
const TLS_1_1_GREETING: &[u8] = &[
    22, 3, 1, 0, 47, // a handshake record of 47 bytes
    1, 0, 0, 43, 3, 2, // ClientHello of 43 bytes, version 1.1
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
    32, // random
    0, 0, 4, 0xc0, 0x14, 0x00, 0x35, // no session; ECDHE_RSA and RSA with AES-256-CBC-SHA
    1, 0, // no compression
];

async fn versions(caller: &Caller) -> Finding {
    let spoken = match caller.get("/v1/health").await {
        Ok(answer) => answer.tls,
        Err(error) => return Finding::error("L0-02", error.text()),
    };
    match greeted_in_1_1(caller).await {
        // 22 begins a handshake record: it would go on.
        Ok(Some(22)) => Finding::fail("L0-02", Text::new("TLS 1.1 的握手被接受", "a handshake in TLS 1.1 is accepted")),
        Ok(_) => Finding::pass(
            "L0-02",
            Text::new(format!("用 {spoken}；TLS 1.1 被拒绝"), format!("{spoken}; TLS 1.1 is refused")),
        ),
        Err(error) => Finding::error("L0-02", error.text()),
    }
}

/// The first byte of what is answered to a greeting in TLS 1.1; `None` when the connection is closed.
async fn greeted_in_1_1(caller: &Caller) -> Result<Option<u8>, CallError> {
    let mut stream = caller.connect_plain().await?;
    let spoken = async {
        stream.write_all(TLS_1_1_GREETING).await.ok()?;
        stream.read_u8().await.ok()
    };
    Ok(tokio::time::timeout(SKEW, spoken).await.unwrap_or_default())
}

async fn without_certificate(caller: &Caller) -> Finding {
    let what = Text::new("不出示证书的连接", "a connection without a certificate");
    refused("L0-03", caller, None, what).await
}

async fn with_another_certificate(stage: &Stage, caller: &Caller) -> Finding {
    let what = Text::new("持别家 CA 证书的连接", "a connection with a certificate of another CA");
    refused("L0-04", caller, Some(stage.pki.stranger.clone()), what).await
}

async fn refused(id: &'static str, caller: &Caller, identity: Option<(Vec<u8>, Vec<u8>)>, what: Text) -> Finding {
    let other = match caller.showing(identity) {
        Ok(other) => other,
        Err(error) => return Finding::error(id, error.text()),
    };
    let (answer, exchange) = get(&other, "/v1/health").await;
    match answer {
        Ok(answer) => {
            let status = answer.status;
            let what = Text::new(
                format!("{}得到了状态 {status} 的答复", what.zh),
                format!("{} was answered with status {status}", what.en),
            );
            Finding::fail(id, what).shown([exchange])
        }
        Err(CallError::Tls(_) | CallError::Http(_)) => {
            Finding::pass(id, Text::new(format!("{}被拒绝", what.zh), format!("{} is refused", what.en)))
        }
        Err(error) => Finding::error(id, error.text()).shown([exchange]),
    }
}

fn certificate(answer: &Result<Answer, CallError>) -> Finding {
    match answer {
        Ok(_) => Finding::pass(
            "L0-05",
            Text::new("证书由所信的 CA 签发，名字相符", "the certificate is of a believed CA and names the address"),
        ),
        Err(error @ CallError::Tls(_)) => Finding::fail("L0-05", error.text()),
        Err(error) => Finding::error("L0-05", error.text()),
    }
}

async fn itself(stage: &Stage, caller: &Caller) -> Finding {
    let (health, asked) = get(caller, "/v1/health").await;
    match health {
        Ok(answer) if answer.status == 200 => {}
        Ok(answer) => {
            let status = answer.status;
            let what = Text::new(format!("健康检查的状态是 {status}"), format!("the health check has status {status}"));
            let fix = Text::new("先满足 L0-01：数据源要问得到", "first meet L0-01: its source has to answer");
            return Finding::fail("L0-06", what).mended_by(fix).shown([asked]);
        }
        Err(error) => return Finding::error("L0-06", error.text()).shown([asked]),
    }
    let (answer, exchange) = get(caller, "/v1/manifest").await;
    let manifest: Option<Manifest> = answer.ok().and_then(|answer| serde_json::from_slice(&answer.body).ok());
    let finding = match manifest {
        None => Finding::fail("L0-06", Text::new("清单不合协议", "the manifest does not fit the protocol")),
        Some(manifest) if runs_from(stage, &manifest) => {
            let (id, version) = (&manifest.adapter.id, &manifest.adapter.version);
            Finding::pass("L0-06", Text::same(format!("{id} {version}")))
        }
        Some(manifest) => {
            let (id, version) = (&manifest.adapter.id, &manifest.adapter.version);
            Finding::fail(
                "L0-06",
                Text::new(
                    format!("应答的是 {id} {version}，不是由本文件（同一内容）运行的"),
                    format!("{id} {version} answers, which does not run from this file as it is now"),
                ),
            )
        }
    };
    finding.shown([asked, exchange])
}

/// Whether a manifest is that of the file. The key of its answers is not in the file: it has one only while it serves.
fn runs_from(stage: &Stage, manifest: &Manifest) -> bool {
    let answer_key = manifest.answer_key.clone();
    *manifest == Manifest { answer_key, ..stage.connector.manifest() }
}

fn clock(answer: &Result<Answer, CallError>) -> Finding {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Finding::error("L0-07", error.text()),
    };
    let date = answer.headers.get("date").and_then(|date| date.to_str().ok());
    let told = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
    let Some(told) = told else {
        return Finding::fail("L0-07", Text::new("答复没有 Date 头", "answers have no Date header"));
    };
    // The header has whole seconds.
    let apart = Clock::system().now().duration_since(told).unsigned_abs();
    let seconds = apart.as_secs();
    let what = Text::new(format!("相差 {seconds} 秒"), format!("{seconds} s apart"));
    if apart < SKEW { Finding::pass("L0-07", what) } else { Finding::fail("L0-07", what) }
}
