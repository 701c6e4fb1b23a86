//! `status`: how a running adapter does, as it says itself.

use std::time::Duration;

use clap::Args;
use jiff::tz::{Offset, TimeZone};

use super::conform::CallerArgs;
use super::{Lang, NO, OUTSIDE, Style, WRONG};
use crate::caller::{CallError, Caller};
use crate::error::Text;
use crate::vitals::Status;

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Where the adapter answers, such as <https://10.2.3.4:9101>.
    pub url: String,
    /// How it is called: with a certificate of the hub's CA.
    #[command(flatten)]
    pub caller: CallerArgs,
    /// Look again after so many seconds, until it is interrupted.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub watch: Option<u64>,
}

pub(super) async fn status(args: StatusArgs, style: Style) -> u8 {
    let caller = match args.caller.caller(&args.url) {
        Some(Ok(caller)) => caller,
        Some(Err(error)) => {
            style.failed(error.code(), &error.text());
            return WRONG;
        }
        None => {
            let what = Text::new(
                "缺少 --cert、--cert-key 或 --ca：适配器只答有平台 CA 证书的调用方",
                "--cert, --cert-key or --ca is missing: an adapter answers callers with a certificate of the hub's CA only",
            );
            style.failed("certificates_missing", &what);
            return WRONG;
        }
    };
    loop {
        let code = look(&caller, style).await;
        match args.watch {
            None => return code,
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
        }
    }
}

async fn look(caller: &Caller, style: Style) -> u8 {
    match ask(caller).await {
        Ok(status) => {
            style.vitals(&status);
            if faults(&status).is_empty() { 0 } else { NO }
        }
        Err(error) => {
            style.failed(error.code(), &error.text());
            OUTSIDE
        }
    }
}

async fn ask(caller: &Caller) -> Result<Status, CallError> {
    let answer = caller.waiting(Duration::from_secs(15)).get("/v1/status").await?;
    serde_json::from_slice(&answer.body)
        .map_err(|_| CallError::Http(format!("status {} and no figures: is it an older version?", answer.status)))
}

/// What is wrong with an adapter.
fn faults(status: &Status) -> Vec<Text> {
    let mut faults = Vec::new();
    if status.source != "ok" {
        let code = &status.source;
        faults.push(Text::new(
            format!("数据源不可用 [{code}]：在适配器的机器上运行 hedui-adapter check"),
            format!("its source cannot be asked [{code}]: run hedui-adapter check where it stands"),
        ));
    }
    if let Some(golden) = status.golden.filter(|golden| golden.failed > 0) {
        let failed = golden.failed;
        faults.push(Text::new(
            format!("{failed} 个金样测试不通过：运行 hedui-adapter test"),
            format!("{failed} golden test(s) fail: run hedui-adapter test"),
        ));
    }
    faults.extend(status.file_refused.clone());
    faults
}

impl Style {
    fn vitals(self, status: &Status) {
        let faults = faults(status);
        let china = TimeZone::fixed(Offset::constant(8));
        let shown = |at: jiff::Timestamp| at.to_zoned_datetime(china.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string();
        let (id, version, since) = (&status.adapter.id, &status.adapter.version, shown(status.since));
        let questions = status.answered + status.refused + status.failed;
        let tried = status.answered + status.failed;
        // Of a thousand, so that whole numbers tell it.
        let success = (status.answered * 1_000).checked_div(tried).map(|of| format!("{}.{}%", of / 10, of % 10));
        let success = success.unwrap_or_else(|| "—".to_owned());
        let took = |ms: Option<u64>| ms.map_or_else(|| "—".to_owned(), |ms| format!("{ms} ms"));
        let (p50, p95) = (took(status.p50_ms), took(status.p95_ms));
        let (answered, refused, failed) = (status.answered, status.refused, status.failed);
        let mark = if faults.is_empty() { '✓' } else { '✗' };
        let mut lines = match self.lang {
            Lang::Zh => vec![
                format!("{mark} {id} {version}，自 {since} 运行"),
                format!("  询问 {questions} 次：答复 {answered}，拒绝 {refused}，失败 {failed}；成功率 {success}"),
                format!("  用时 p50 {p50}，p95 {p95}"),
            ],
            Lang::En => vec![
                format!("{mark} {id} {version}, running since {since}"),
                format!(
                    "  {questions} question(s): {answered} answered, {refused} refused, {failed} failed; success {success}"
                ),
                format!("  took p50 {p50}, p95 {p95}"),
            ],
        };
        for (dataset, newest) in &status.newest {
            lines.push(format!("  {} {dataset}: {newest}", self.pick("最新记录", "newest record of")));
        }
        if let Some(golden) = status.golden {
            let (at, passed, failed) = (shown(golden.at), golden.passed, golden.failed);
            lines.push(match self.lang {
                Lang::Zh => format!("  金样测试 {at}：{passed} 个通过，{failed} 个不通过"),
                Lang::En => format!("  golden tests at {at}: {passed} passed, {failed} failed"),
            });
        }
        lines.extend(faults.iter().map(|fault| format!("✗ {}", fault.pick(self.lang))));
        self.out(&lines.join("\n"), || serde_json::json!(status));
    }
}
