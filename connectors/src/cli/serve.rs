//! `serve`: the adapter answers until it is told to stop. What is done beside that stands in `keeper.rs`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::civil::Time;

use super::keeper::{Keeper, next_night};
use super::{FileArgs, OUTSIDE, ProofArgs, Style, WRONG};
use crate::adapter::{Adapter, LoadError, Overrides};
use crate::connector::{Connector, duration};
use crate::error::Text;
use crate::rehearsal::Rehearsal;
use crate::serve::TlsFiles;
use crate::source::{Disturbance, Source};
use crate::words;

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(2);

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
    /// When the golden tests run every night, in China Standard Time.
    #[arg(long, value_name = "HH:MM", default_value = "03:00")]
    pub golden_at: String,
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
    let Some(golden_at) = golden_at(&args.golden_at) else {
        let what = Text::new(
            "--golden-at 写成 00:00 至 23:59 的时刻，如 03:00（北京时间）",
            "write --golden-at as a time of day from 00:00 to 23:59, such as 03:00 (China Standard Time)",
        );
        style.failed("golden_time_form", &what);
        return WRONG;
    };
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
    overrides.remembers = true;
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
        waits_since: None,
        golden_at,
        night: next_night(overrides.clock.now(), golden_at),
        args,
        overrides,
        style,
    };
    keeper.run_golden(&running, "start").await;
    drop(adapter);
    // One wait for all rounds: a signal between two of them would be nobody's.
    let mut told = std::pin::pin!(told_to_stop());
    let ended = loop {
        tokio::select! {
            ended = running.finished() => break Some(ended),
            () = &mut told => break None,
            () = tokio::time::sleep(LOOK) => {}
        }
        // Whatever the keeper is at is given up: a source that does not answer holds nobody back from stopping.
        tokio::select! {
            () = &mut told => break None,
            () = keeper.look(&running) => {}
        }
    };
    if let Some(ended) = ended {
        style.failed("server_ended", &unexpected_end(ended));
        return OUTSIDE;
    }
    running.stop().await;
    0
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

/// A time of day of two digits each: `03:00`.
fn golden_at(text: &str) -> Option<Time> {
    Time::strptime("%H:%M", text).ok().filter(|_| text.len() == 5)
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

pub(super) async fn adapter(args: &ServeArgs, overrides: Overrides) -> Result<Adapter, LoadError> {
    let connector = Connector::read(&args.connector.file)?;
    match &args.simulate {
        None => Adapter::new(connector, overrides),
        Some(fixture) => {
            let source = Source::fixture(&connector, fixture).await?;
            Ok(Adapter::with(connector, source, overrides))
        }
    }
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
