//! `serve`: the adapter answers, takes a changed file over while it runs, and runs its golden tests every night.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::{Offset, TimeZone};

use super::{FileArgs, Lang, OUTSIDE, ProofArgs, Style, WRONG};
use crate::adapter::{Adapter, LoadError, Overrides};
use crate::check;
use crate::connector::{Connector, duration};
use crate::error::Text;
use crate::golden;
use crate::rehearsal::Rehearsal;
use crate::serve::{Running, TlsFiles};
use crate::source::{Disturbance, Rung, Source};
use crate::words;

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(2);
/// How long a file that was refused for what is outside it waits to be tried again.
const AGAIN: Duration = Duration::from_mins(1);

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The connector file and its source.
    #[command(flatten)]
    pub connector: FileArgs,
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:9101")]
    pub listen: SocketAddr,
    /// The adapter's certificate with its chain, PEM.
    #[arg(long, value_name = "PEM")]
    pub cert: Option<PathBuf>,
    /// Its private key, PEM.
    #[arg(long, value_name = "PEM")]
    pub key: Option<PathBuf>,
    /// The CA whose certificates callers must have, PEM.
    #[arg(long, value_name = "PEM")]
    pub client_ca: Option<PathBuf>,
    /// Whose questions are answered, and what is kept of them.
    #[command(flatten)]
    pub proof: ProofArgs,
    /// Rehearse failures: a JSON file of synthetic persons and behaviours.
    #[arg(long, value_name = "FILE")]
    pub rehearse: Option<PathBuf>,
    /// Rehearse slowness: answers about synthetic persons take this long more, such as `3s`.
    #[arg(long, value_name = "DURATION")]
    pub latency: Option<String>,
    /// Rehearse failures: so many of a hundred questions about synthetic persons are not answered, such as `5%`.
    #[arg(long, value_name = "PERCENT")]
    pub error: Option<String>,
    /// Answer from the records of a golden test instead of the source: the department, simulated.
    #[arg(long, value_name = "FIXTURE", conflicts_with = "source_url")]
    pub simulate: Option<PathBuf>,
}

pub(super) async fn serve(args: ServeArgs, style: Style) -> u8 {
    let tls = match tls(&args) {
        Ok(tls) => tls,
        Err(what) => {
            style.failed("certificates_missing", &what);
            return WRONG;
        }
    };
    let mut overrides = args.connector.overrides();
    overrides.rehearsal = match rehearsal(&args, style) {
        Ok(rehearsal) => rehearsal,
        Err(code) => return code,
    };
    let rehearsing = overrides.rehearsal.is_on();
    match Connector::read(&args.connector.file) {
        Err(faults) => return style.unloaded(&LoadError::File(faults)),
        Ok(connector) => {
            if let Err(code) = args.proof.apply(&connector, &mut overrides, style) {
                return code;
            }
        }
    }
    let adapter = match adapter(&args, overrides.clone()).await {
        Ok(adapter) => adapter,
        Err(error) => return style.unloaded(&error),
    };
    let mut running = match adapter.listen(args.listen, tls).await {
        Ok(running) => running,
        Err(error) => {
            style.failed(error.code(), &error.text());
            return if error.is_in_the_files() { WRONG } else { OUTSIDE };
        }
    };
    style.serving(&adapter, running.addr(), rehearsing);
    if let Err(error) = adapter.health().await {
        // Not fatal: the adapter answers again as soon as the database does.
        style.refused(&error);
    }
    let id = adapter.connector().adapter.id.clone();
    let mut keeper = Keeper {
        id,
        seen: adapter.connector().sha256.clone(),
        retry_at: None,
        night: next_night(overrides.clock.now()),
        args,
        overrides,
        style,
    };
    run_golden(adapter.connector(), &running, style).await;
    drop(adapter);
    loop {
        tokio::select! {
            ended = running.finished() => {
                style.failed("server_ended", &unexpected_end(ended));
                return OUTSIDE;
            }
            () = told_to_stop() => {
                running.stop().await;
                return 0;
            }
            () = tokio::time::sleep(LOOK) => keeper.look(&running).await,
        }
    }
}

/// That the server ended by itself, and why where the system says so.
fn unexpected_end(ended: std::io::Result<()>) -> Text {
    let (zh, en) = match ended {
        Ok(()) => Default::default(),
        Err(cause) => (format!("（{}）", words::of_system(&cause)), format!(" ({cause})")),
    };
    Text::new(
        format!("服务意外结束{zh}：请重新启动，最好由服务管理器（如 systemd 的 Restart=always）来做"),
        format!(
            "the server ended by itself{en}: start it again, best by a service manager (`Restart=always` of systemd)"
        ),
    )
}

fn tls(args: &ServeArgs) -> Result<TlsFiles, Text> {
    match (&args.cert, &args.key, &args.client_ca) {
        (Some(cert), Some(key), Some(client_ca)) => {
            Ok(TlsFiles { cert: cert.clone(), key: key.clone(), client_ca: client_ca.clone() })
        }
        (cert, key, client_ca) => {
            let given = [("--cert", cert.is_some()), ("--key", key.is_some()), ("--client-ca", client_ca.is_some())];
            let missing: Vec<&str> = given.iter().filter(|(_, given)| !given).map(|(name, _)| *name).collect();
            let missing = missing.join(", ");
            Err(Text::new(
                format!(
                    "缺少 {missing}：适配器只用双向 TLS 应答。--cert 和 --key 是适配器的证书和私钥，--client-ca 是平台的 CA，都由平台运营方签发"
                ),
                format!(
                    "{missing} missing: an adapter answers over mutual TLS only. --cert and --key are the adapter's certificate and key, --client-ca is the hub's CA; the hub's operator issues them"
                ),
            ))
        }
    }
}

fn rehearsal(args: &ServeArgs, style: Style) -> Result<Rehearsal, u8> {
    let rehearsal = match &args.rehearse {
        None => Rehearsal::default(),
        Some(file) => Rehearsal::read(file).map_err(|faults| {
            style.faults(&faults);
            WRONG
        })?,
    };
    let wrong = |what: Text| {
        style.failed("rehearsal_form", &what);
        WRONG
    };
    let latency = match &args.latency {
        None => Duration::ZERO,
        Some(text) => duration(text).filter(|latency| *latency <= Duration::from_mins(10)).ok_or_else(|| {
            wrong(Text::new(
                "--latency 写成 \"250ms\"、\"3s\" 或 \"1m\"，最长 10 分钟",
                "write --latency as \"250ms\", \"3s\" or \"1m\", ten minutes at most",
            ))
        })?,
    };
    let error_percent = match &args.error {
        None => 0,
        Some(text) => text.trim_end_matches('%').parse().ok().filter(|percent| *percent <= 100).ok_or_else(|| {
            wrong(Text::new("--error 写成 0% 至 100%，如 5%", "write --error as 0% to 100%, such as 5%"))
        })?,
    };
    Ok(rehearsal.disturbed(Disturbance { latency, error_percent, timeout: None }))
}

async fn adapter(args: &ServeArgs, overrides: Overrides) -> Result<Adapter, LoadError> {
    let connector = Connector::read(&args.connector.file)?;
    match &args.simulate {
        None => Adapter::new(connector, overrides),
        Some(fixture) => {
            let source = Source::fixture(&connector, fixture).await?;
            Ok(Adapter::with(connector, source, overrides))
        }
    }
}

/// What looks after a running adapter.
struct Keeper {
    /// Whose adapter it is; that cannot change while it runs.
    id: String,
    /// Digest of the file as it was last looked at, whatever came of it.
    seen: String,
    /// When a file that was refused for what is outside it is tried again.
    retry_at: Option<Instant>,
    /// When the golden tests run next.
    night: Timestamp,
    args: ServeArgs,
    overrides: Overrides,
    style: Style,
}

impl Keeper {
    /// Takes a changed file over, and runs the golden tests when it is time.
    async fn look(&mut self, running: &Running) {
        let file = &self.args.connector.file;
        // A file that is away for a moment is being replaced.
        let Ok(text) = std::fs::read_to_string(file) else { return };
        let sha256 = crate::connector::sha256(&text);
        let due = self.retry_at.is_some_and(|at| Instant::now() >= at);
        if sha256 != self.seen || due {
            self.seen = sha256;
            self.retry_at = None;
            self.take_over(running).await;
        }
        let now = self.overrides.clock.now();
        if now >= self.night {
            self.night = next_night(now);
            if let Ok(connector) = Connector::read(&self.args.connector.file) {
                run_golden(&connector, running, self.style).await;
            }
        }
    }

    async fn take_over(&mut self, running: &Running) {
        let file = self.args.connector.file.clone();
        let refused = |what: Text| {
            let what = Text::new(
                format!("新的 {} 没有换上，仍用原来的：{}", file.display(), what.zh),
                format!("{} as it is now is not used, the one before still is: {}", file.display(), what.en),
            );
            self.style.failed("file_refused", &what);
            running.vitals().file(Some(what));
        };
        // A simulated department has no source to climb to.
        let steps = match &self.args.simulate {
            None => check::climb(&file, self.overrides.clone()).await,
            Some(_) => Vec::new(),
        };
        // Its golden tests are run below, as far as their records are here.
        let mut rungs = steps.iter().filter(|step| step.rung != Rung::Golden);
        if let Some((step, trouble)) = rungs.find_map(|step| Some((step, step.found.as_ref().err()?))) {
            let rung = trouble.rung.name();
            refused(Text::new(
                format!("{}：{}；{}", rung.zh, trouble.what.zh, trouble.mend.zh),
                format!("{}: {}; {}", rung.en, trouble.what.en, trouble.mend.en),
            ));
            if step.outside {
                self.retry_at = Some(Instant::now() + AGAIN);
            }
            return;
        }
        let adapter = match adapter(&self.args, self.overrides.clone()).await {
            Ok(adapter) => adapter,
            Err(error) => return refused(Text::new(error.render(Lang::Zh), error.render(Lang::En))),
        };
        let id = &adapter.connector().adapter.id;
        if *id != self.id {
            let own = &self.id;
            return refused(Text::new(
                format!("它是 {id} 的，正在运行的是 {own} 的；换部门要另起一个适配器"),
                format!("it is of {id}, and what runs is of {own}; start another adapter for another department"),
            ));
        }
        let results = golden::run_with_records(adapter.connector()).await;
        running.tested(&results);
        if let Some(failed) = results.iter().find(|result| !result.passed()) {
            let first = failed.differences.first().cloned().unwrap_or_else(|| Text::same(""));
            return refused(first.about(&failed.name));
        }
        self.seen.clone_from(&adapter.connector().sha256);
        self.style.taken_over(&adapter);
        running.replace(adapter);
        running.vitals().file(None);
    }
}

async fn run_golden(connector: &Connector, running: &Running, style: Style) {
    let results = golden::run_with_records(connector).await;
    running.tested(&results);
    for failed in results.iter().filter(|result| !result.passed()) {
        let first = failed.differences.first().cloned().unwrap_or_else(|| Text::same(""));
        let what = Text::new(
            format!("金样测试“{}”不通过：{}", failed.name, first.zh),
            format!("the golden test `{}` fails: {}", failed.name, first.en),
        );
        style.failed("golden_test_failed", &what);
    }
}

/// Three in the morning in China, after `now`.
fn next_night(now: Timestamp) -> Timestamp {
    let china = TimeZone::fixed(Offset::constant(8));
    let here = now.to_zoned_datetime(china.clone());
    let three = |day: jiff::civil::Date| {
        china.to_timestamp(day.to_datetime(Time::constant(3, 0, 0, 0))).unwrap_or(Timestamp::MAX)
    };
    let today = three(here.date());
    if today > now { today } else { here.date().tomorrow().map_or(Timestamp::MAX, three) }
}

/// Resolves on an interrupt or a termination signal.
async fn told_to_stop() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}

impl Style {
    /// A changed file has been taken over.
    fn taken_over(self, adapter: &Adapter) {
        let connector = adapter.connector();
        let (file, version) = (connector.file.display(), &connector.adapter.version);
        let text = match self.lang {
            Lang::Zh => format!("已换上 {file}（版本 {version}）"),
            Lang::En => format!("now running from {file} (version {version})"),
        };
        self.out(&text, || serde_json::json!({"taken_over": connector.file, "version": version}));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_night_is_at_three_in_china_and_always_still_to_come() {
        for (now, night) in [
            ("2026-11-26T18:59:59Z", "2026-11-26T19:00:00Z"),
            ("2026-11-26T19:00:00Z", "2026-11-27T19:00:00Z"),
            ("2026-12-31T20:00:00Z", "2027-01-01T19:00:00Z"),
        ] {
            assert_eq!(next_night(now.parse().unwrap()), night.parse::<Timestamp>().unwrap(), "{now}");
        }
    }
}
