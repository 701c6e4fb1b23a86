//! `hedui seal`: the sealing keys of a database. Wraps everything anew under the current one, and tells which are needed.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use serde_json::json;

use super::{Global, Lang, change, obstacle};
use crate::app::{StartError, sealing_keys};
use crate::config::Config;
use crate::seal::wrap::KeyId;
use crate::service::changes::{Answer, Change};
use crate::service::sealing::{Position, Progress, SealingError};
use crate::store::ChangeDesk;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Wrap the key of every case anew under the current sealing key, so that a former one can be taken away.
    Rewrap(Args),
    /// Tell which sealing keys the database needs, and which are given.
    Status(Args),
}

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  hedui seal status --config config/hedui.toml\n  hedui seal rewrap --config config/hedui.toml\n\nBefore: put the new key in [seal] key_file, the one of before in former_key_files, and restart the hub.\nThe hub may run. A rewrap that was broken off is begun again: what is done is passed over.\nExit codes: 0 done, 1 some cases do not open or a key is missing, 2 the command is wrong, 3 a file cannot be read."
)]
pub struct Args {
    /// The hub's configuration file.
    #[arg(long, default_value = "config/hedui.toml", value_name = "FILE")]
    config: PathBuf,
}

/// Runs the command.
pub async fn run(command: Command, global: &Global) -> anyhow::Result<ExitCode> {
    let ended = match command {
        Command::Rewrap(args) => rewrap(&Config::load(&args.config)?, global).await,
        Command::Status(args) => status(&Config::load(&args.config)?, global).await,
    };
    let missing = |error: &anyhow::Error| {
        let of_keys = error.downcast_ref::<StartError>().map(StartError::text);
        error.downcast_ref::<SealingError>().map(SealingError::text).or(of_keys)
    };
    if let Some(text) = ended.as_ref().err().and_then(missing) {
        writeln!(std::io::stderr().lock(), "hedui seal: {}", global.lang().pick(&text.zh, &text.en))?;
        return Ok(ExitCode::from(1));
    }
    ended
}

async fn rewrap(config: &Config, global: &Global) -> anyhow::Result<ExitCode> {
    let bar = if global.json { ProgressBar::hidden() } else { ProgressBar::no_length() };
    bar.set_style(ProgressStyle::with_template("  {pos}/{len} {wide_bar} {eta}")?);
    let under = Some(sealing_keys(config)?.current().to_string());
    let mut from = Position { under, ..Position::default() };
    loop {
        match change::ask(config, Change::Rewrap(from)).await? {
            Answer::Rewrapped(progress) if progress.is_done => {
                bar.finish_and_clear();
                return tell(&progress, global);
            }
            Answer::Rewrapped(progress) => {
                bar.set_length(progress.rows);
                bar.set_position(progress.position.seen);
                from = progress.position;
            }
            answer => return change::tell("seal", &answer, global),
        }
    }
}

fn tell(progress: &Progress, global: &Global) -> anyhow::Result<ExitCode> {
    let Progress { position, retired, is_cleared, .. } = progress;
    let is_good = position.unopened_count == 0;
    let mut out = std::io::stdout().lock();
    if global.json {
        writeln!(out, "{}", serde_json::to_string(progress)?)?;
    } else {
        let (seen, rewrapped, under) =
            (position.seen, position.rewrapped, position.under.as_deref().unwrap_or_default());
        let retired_keys = retired.join(", ");
        match global.lang() {
            Lang::Zh => {
                writeln!(out, "已查看 {seen} 把数据密钥，{rewrapped} 把改由密钥 {under} 封装")?;
                for case in &position.unopened {
                    writeln!(out, "✗ {case}：现有密钥均无法解封；可用 hedui case erase 销毁，或补上原密钥后重做")?;
                }
                match (is_good, retired.is_empty()) {
                    (true, true) => writeln!(out, "✓ 没有数据仍由其他密钥封装")?,
                    (true, false) => {
                        writeln!(out, "✓ 密钥 {retired_keys} 已停用，可从 former_key_files 移除")?;
                    }
                    (false, _) => writeln!(out, "✗ {} 项无法解封，旧密钥仍须保留", position.unopened_count)?,
                }
                if !is_cleared {
                    writeln!(
                        out,
                        "  注意：有程序正在读取数据库，旧的封装在 -wal 文件中多留一会儿；重做一次即可清除。"
                    )?;
                }
            }
            Lang::En => {
                writeln!(out, "{seen} data keys seen, {rewrapped} of them wrapped anew under the key {under}")?;
                for case in &position.unopened {
                    writeln!(
                        out,
                        "✗ {case} does not open with any key at hand; erase it with `hedui case erase`, or give its key and begin again"
                    )?;
                }
                match (is_good, retired.is_empty()) {
                    (true, true) => writeln!(out, "✓ nothing is wrapped under any other key")?,
                    (true, false) => writeln!(out, "✓ retired: {retired_keys}; take its file out of former_key_files")?,
                    (false, _) => writeln!(
                        out,
                        "✗ {} cases do not open, so the former keys stay needed",
                        position.unopened_count
                    )?,
                }
                if !is_cleared {
                    writeln!(
                        out,
                        "  note: something is reading the database, so what the former key wrapped stays in the -wal file for a while; run it again to clear that"
                    )?;
                }
            }
        }
    }
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn status(config: &Config, global: &Global) -> anyhow::Result<ExitCode> {
    let keys = sealing_keys(config)?;
    let file = &config.store.path;
    obstacle::is_there(file, ("数据库", "database"))?;
    let rows = ChangeDesk::open(file).await?.sealing_keys().await?;
    let current = keys.current().to_string();
    let mut is_good = true;
    let mut out = std::io::stdout().lock();
    for row in &rows {
        let is_given = KeyId::parse(&row.id).is_some_and(|id| keys.has(id));
        let is_needed = row.retired_at.is_none();
        is_good &= is_given || !is_needed;
        let since = Timestamp::from_microsecond(row.first_used_at)?;
        if global.json {
            let told = json!({
                "key": row.id, "suite": row.suite, "first_used_at": since,
                "is_needed": is_needed, "is_given": is_given, "is_current": row.id == current
            });
            writeln!(out, "{told}")?;
            continue;
        }
        let lang = global.lang();
        let state = match (row.id == current, is_needed, is_given) {
            (true, ..) => lang.pick("当前", "current"),
            (_, true, true) => {
                lang.pick("旧密钥，仍须保留；执行 hedui seal rewrap", "former, still needed; run `hedui seal rewrap`")
            }
            (_, true, false) => {
                lang.pick("✗ 缺失：请写入 former_key_files", "✗ missing: name its file in former_key_files")
            }
            (_, false, _) => lang.pick("已停用", "retired"),
        };
        writeln!(out, "{}  {:4}  {since}  {state}", row.id, row.suite)?;
    }
    if !global.json && !rows.iter().any(|row| row.id == current) {
        let next = global.lang().pick("下次启动时启用", "in use from the next start");
        writeln!(out, "{current}  {:4}  {next}", keys.suite())?;
    }
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
