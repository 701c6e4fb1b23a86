//! `hedui approval`: changes that need two persons. Lists and shows them, signs for or against them, enters settings.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Subcommand;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::credentials::{self, fresh};
use super::obstacle::{self, Obstacle};
use super::{Global, Lang, change};
use crate::app::sealing_keys;
use crate::app::settings::Effective;
use crate::auth::statement::{Said, TYPE};
use crate::config::Config;
use crate::domain::clock::{Clock, SystemClock};
use crate::policy::Packs;
use crate::service::approvals::sha256;
use crate::service::changes::Change;
use crate::store::{ChangeDesk, DecisionRow, ProposalRow};

/// Seconds a signed statement is good for.
const LIFETIME: i64 = 60;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the changes that wait, and those that were made or refused.
    List(ListArgs),
    /// Show what a change would change, and who said what of it.
    Show(ShowArgs),
    /// Agree to a change, with your own key. The second person who agrees makes it.
    Give(SayArgs),
    /// Refuse a change, with your own key. That ends it.
    Refuse(SayArgs),
    /// Enter the settings of a configuration file as a change, before the hub is started with it.
    Settings(ListArgs),
}

/// Which hub.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// The hub's configuration file.
    #[arg(long, default_value = "config/hedui.toml", value_name = "FILE")]
    config: PathBuf,
}

/// Which change.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// The change's id, `ch_…`.
    id: String,
    #[command(flatten)]
    hub: ListArgs,
}

/// Which change, and who speaks.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  hedui approval show ch_0199d0c2a1b27f3e8d4c5b6a79881122\n  hedui approval give ch_0199d0c2a1b27f3e8d4c5b6a79881122 --as wang-li --key wang-li.key\n\nThe person is registered with `hedui client create wang-li --role administrator …`; the private key stays with them."
)]
pub struct SayArgs {
    /// The change's id, `ch_…`.
    id: String,
    /// The person's client id.
    #[arg(long = "as", value_name = "ID")]
    person: String,
    /// The person's private key, P-256 or Ed25519, in PEM (PKCS#8).
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    hub: ListArgs,
}

/// Runs the command.
pub async fn run(command: Command, global: &Global) -> anyhow::Result<ExitCode> {
    match command {
        Command::List(args) => list(&Config::load(&args.config)?, global).await,
        Command::Show(args) => show(&Config::load(&args.hub.config)?, &args.id, global).await,
        Command::Give(args) => say(args, true, global).await,
        Command::Refuse(args) => say(args, false, global).await,
        Command::Settings(args) => {
            let config = Config::load(&args.config)?;
            let keys = sealing_keys(&config)?;
            let packs = match &config.verification.policies {
                Some(folder) => Packs::load(folder)?,
                None => Packs::shipped(),
            };
            let change = Effective::of(&config, &keys, &packs)?.change();
            change::tell("approval", &change::ask(&config, change).await?, global)
        }
    }
}

async fn say(args: SayArgs, agrees: bool, global: &Global) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.hub.config)?;
    let Some(endpoint) = &config.token_endpoint else {
        bail!(Obstacle::new(
            "该平台不登记任何人：请在配置中加入 [token_endpoint]（见 config/hedui.example.toml）",
            "this hub registers nobody: add [token_endpoint] to its configuration (config/hedui.example.toml)",
        ))
    };
    let (_, proposal) = proposal(&config, &args.id).await?;
    let key = obstacle::read(&args.key, ("私钥", "key"))?;
    let said = Said { proposal: proposal.id, digest: sha256(&proposal.body), agrees };
    let statement = sign(&key, &args.person, &endpoint.issuer, &said)?;
    change::tell("approval", &change::ask(&config, Change::Say(statement)).await?, global)
}

/// Signs a statement with a person's private key in PEM.
pub fn sign(key: &[u8], person: &str, issuer: &str, said: &Said) -> anyhow::Result<String> {
    let now = SystemClock.now().as_second();
    let claims = json!({
        "iss": person, "sub": person, "aud": issuer, "iat": now, "exp": now + LIFETIME, "jti": fresh("st"),
        "proposal": said.proposal, "digest": said.digest, "agrees": said.agrees,
    });
    credentials::sign(key, TYPE, &claims)
}

async fn desk(config: &Config) -> anyhow::Result<ChangeDesk> {
    let file: &Path = &config.store.path;
    obstacle::is_there(file, ("数据库", "database"))?;
    Ok(ChangeDesk::open(file).await?)
}

async fn proposal(config: &Config, id: &str) -> anyhow::Result<(ChangeDesk, ProposalRow)> {
    let desk = desk(config).await?;
    let found = desk.proposals().await?.into_iter().find(|row| row.id == id);
    let row = found.ok_or_else(|| {
        Obstacle::new(
            format!("没有编号为 `{id}` 的变更；`hedui approval list` 列出全部"),
            format!("there is no change `{id}`; `hedui approval list` shows them"),
        )
    })?;
    Ok((desk, row))
}

async fn list(config: &Config, global: &Global) -> anyhow::Result<ExitCode> {
    let desk = desk(config).await?;
    let (mut out, lang) = (std::io::stdout().lock(), global.lang());
    let rows = desk.proposals().await?;
    if rows.is_empty() && !global.json {
        writeln!(
            out,
            "{}",
            lang.pick("没有提出过需要两人批准的变更。", "no change that needs two persons was entered.")
        )?;
    }
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        let said = desk.decisions(&row.id).await?;
        if global.json {
            all.push(json(row, &said));
        } else {
            told(&mut out, row, &said, lang)?;
        }
    }
    if global.json {
        writeln!(out, "{}", Value::Array(all))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(config: &Config, id: &str, global: &Global) -> anyhow::Result<ExitCode> {
    let (desk, row) = proposal(config, id).await?;
    let said = desk.decisions(&row.id).await?;
    let change: Value = serde_json::from_str(&row.body)
        .with_context(|| Obstacle::new("变更的内容无法解析", "the change cannot be read"))?;
    let (mut out, lang) = (std::io::stdout().lock(), global.lang());
    if global.json {
        let mut all = json(&row, &said);
        if let Some(members) = all.as_object_mut() {
            members.insert("change".to_owned(), change);
        }
        writeln!(out, "{all}")?;
        return Ok(ExitCode::SUCCESS);
    }
    told(&mut out, &row, &said, lang)?;
    let before = desk.last_settings().await?.and_then(|last| serde_json::from_str::<Value>(&last.body).ok());
    match (change.pointer("/settings/settings"), before) {
        (Some(settings), Some(before)) => {
            writeln!(out, "{}", lang.pick("与现行设置的差别：", "what differs from the settings in force:"))?;
            differences(&mut out, &before, settings)?;
        }
        _ => writeln!(out, "{}", serde_json::to_string_pretty(&change)?)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn differences(out: &mut impl Write, before: &Value, after: &Value) -> std::io::Result<()> {
    let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
    flatten(before, String::new(), &mut old);
    flatten(after, String::new(), &mut new);
    for (pointer, value) in &old {
        if new.get(pointer) != Some(value) {
            writeln!(out, "  - {pointer} {value}")?;
        }
    }
    for (pointer, value) in &new {
        if old.get(pointer) != Some(value) {
            writeln!(out, "  + {pointer} {value}")?;
        }
    }
    Ok(())
}

fn flatten<'a>(value: &'a Value, pointer: String, found: &mut BTreeMap<String, &'a Value>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                flatten(member, format!("{pointer}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                flatten(item, format!("{pointer}/{index}"), found);
            }
        }
        value => {
            found.insert(pointer, value);
        }
    }
}

fn summary(row: &ProposalRow) -> String {
    serde_json::from_str::<Change>(&row.body).map_or_else(|_| "?".to_owned(), |change| change.told())
}

fn state(row: &ProposalRow) -> &str {
    match &row.ended {
        Some((how, _)) => how,
        None if row.expires_at <= SystemClock.now().as_microsecond() => "expired",
        None => "waiting",
    }
}

fn at(microseconds: i64) -> String {
    Timestamp::from_microsecond(microseconds).map_or_else(|_| "?".to_owned(), |at| at.to_string())
}

fn json(row: &ProposalRow, said: &[DecisionRow]) -> Value {
    let words = |word: &DecisionRow| json!({ "person": word.person, "agrees": word.agrees, "at": at(word.decided_at), "statement": word.statement });
    json!({
        "id": row.id, "change": summary(row), "digest": row.digest, "state": state(row),
        "proposed_by": row.proposed_by, "proposed_at": at(row.proposed_at), "expires_at": at(row.expires_at),
        "decisions": said.iter().map(words).collect::<Vec<_>>(),
    })
}

fn told(out: &mut impl Write, row: &ProposalRow, said: &[DecisionRow], lang: Lang) -> std::io::Result<()> {
    let state = match state(row) {
        "made" => lang.pick("已生效", "made"),
        "refused" => lang.pick("已拒绝", "refused"),
        "expired" => lang.pick("已过期", "expired"),
        _ => lang.pick("等待批准", "waiting"),
    };
    writeln!(out, "{}  {state}  {}", row.id, summary(row))?;
    writeln!(out, "  sha256 {}", row.digest)?;
    writeln!(
        out,
        "  {}",
        lang.pick(
            &format!("{} 于 {} 提出，{} 前有效", row.proposed_by, at(row.proposed_at), at(row.expires_at)),
            &format!("entered by {} at {}, good until {}", row.proposed_by, at(row.proposed_at), at(row.expires_at))
        )
    )?;
    for word in said {
        let (zh, en) = if word.agrees { ("同意", "agreed") } else { ("拒绝", "refused") };
        writeln!(
            out,
            "  {}",
            lang.pick(
                &format!("{} {zh} {}", word.person, at(word.decided_at)),
                &format!("{} {en} at {}", word.person, at(word.decided_at))
            )
        )?;
    }
    Ok(())
}
