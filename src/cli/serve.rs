//! `hedui serve`: run the hub until it is told to stop.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use super::Global;
use crate::app::{App, install_metrics};
use crate::config::Config;

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  hedui serve --config config/hedui.toml\n\nEvery setting can be overridden: HEDUI__LISTEN__ADDRESS=0.0.0.0:8443 hedui serve"
)]
pub struct Args {
    /// The configuration file.
    #[arg(long, default_value = "config/hedui.toml")]
    config: PathBuf,
}

/// Runs the command.
pub async fn run(args: Args, global: &Global) -> anyhow::Result<ExitCode> {
    let config = match Config::load(&args.config) {
        Ok(config) => config,
        Err(error) => {
            let text = error.text();
            tell(&format!(
                "{}\nconfig/hedui.example.toml lists every setting.",
                global.lang().pick(&text.zh, &text.en)
            ))?;
            return Ok(ExitCode::from(2));
        }
    };
    log_to_stderr();
    let app = match App::start(&config, install_metrics().context("metrics")?).await {
        Ok(app) => app,
        Err(error) => {
            let text = error.text();
            tell(global.lang().pick(&text.zh, &text.en))?;
            return Ok(ExitCode::from(3));
        }
    };
    let mut out = std::io::stdout().lock();
    if global.json {
        let listening =
            serde_json::json!({ "address": app.address.to_string(), "monitor": app.monitor_address.to_string() });
        writeln!(out, "{listening}")?;
    } else {
        writeln!(out, "hedui {} listening on https://{}", env!("CARGO_PKG_VERSION"), app.address)?;
        writeln!(out, "health and metrics on http://{}", app.monitor_address)?;
    }
    out.flush()?;
    drop(out);
    until_stopped().await?;
    app.stop().await;
    Ok(ExitCode::SUCCESS)
}

fn tell(message: &str) -> std::io::Result<()> {
    writeln!(std::io::stderr().lock(), "hedui serve: {message}")
}

/// JSON lines on stderr; `RUST_LOG` chooses the level.
pub(super) fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_default_directive(tracing::level_filters::LevelFilter::INFO.into())
        .from_env_lossy();
    let result = tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).try_init();
    // Only the first subscriber counts; a second start in one process keeps it.
    drop(result);
}

/// Waits for Ctrl-C or a service manager's stop.
pub(super) async fn until_stopped() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
