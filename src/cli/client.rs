//! `hedui client`: the systems that may get tokens at this hub. Registers, lists, gives another key, revokes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Subcommand;

use super::token::{department, purposes, role};
use super::{Global, Lang, change};
use crate::auth::clients::{Registration, SenderConstrained};
use crate::auth::key::PublicKey;
use crate::config::Config;
use crate::domain::actor::{Client, Role};
use crate::domain::clock::{Clock, SystemClock};
use crate::domain::dataset::duration_text;
use crate::domain::division::DivisionCode;
use crate::service::changes::Change;
use crate::service::clients;
use crate::store::ChangeDesk;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Register a client with its public key.
    Create(CreateArgs),
    /// List the registered clients.
    List(ListArgs),
    /// Give a client another key; the former ones are good for a while longer.
    Rotate(RotateArgs),
    /// Say whether a client's tokens must be bound to a certificate or a key.
    Constrain(ConstrainArgs),
    /// Take a client's right to ask, for good; its tokens are dead within seconds.
    Revoke(RevokeArgs),
    /// Give the hub another key for the tokens it signs.
    HubKey(HubKeyArgs),
}

/// Which hub.
#[derive(Debug, clap::Args)]
struct HubArgs {
    /// The hub's configuration file.
    #[arg(long, default_value = "config/hedui.toml", value_name = "FILE")]
    config: PathBuf,
}

/// Arguments of `hedui client create`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  openssl genpkey -algorithm ed25519 -out client.key && openssl pkey -in client.key -pubout -out client.pem\n  hedui client create wlht-jingban --organisation 乌兰浩特市民政局 --division 152201 --purposes dibao,low_income --key client.pem\n  hedui client create housing-office --role department --department housing --organisation 住房和城乡建设局 --division 150000 --key housing.pem\n\nThe private key stays with the client. What it does with it: docs/guides/tokens.md"
)]
pub struct CreateArgs {
    /// The client's id.
    id: String,
    /// The organisation it acts for.
    #[arg(long)]
    organisation: String,
    /// The division inside which it may ask (GB/T 2260).
    #[arg(long)]
    division: String,
    /// The purposes for which it may ask; only caseworkers need some.
    #[arg(long, value_delimiter = ',')]
    purposes: Vec<String>,
    /// What it is: caseworker, officer, operator, administrator or department.
    #[arg(long, value_parser = role, default_value = "caseworker", value_name = "ROLE")]
    role: Role,
    /// The department it acts for, as the catalogue names it; with `--role department` alone.
    #[arg(long, value_name = "DEPARTMENT", required_if_eq("role", "department"))]
    department: Option<String>,
    /// Its public key, P-256 or Ed25519, in PEM or as a JWK.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Whether its tokens must be bound to a certificate (mutual TLS) or to a key (`DPoP`).
    #[arg(long, value_enum, default_value_t = Constrained::Optional)]
    sender_constrained: Constrained,
    #[command(flatten)]
    hub: HubArgs,
}

/// Whether tokens must be bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Constrained {
    /// Where the client proves a certificate or a key.
    Optional,
    /// Without either there is no token.
    Required,
}

impl From<Constrained> for SenderConstrained {
    fn from(constrained: Constrained) -> Self {
        match constrained {
            Constrained::Optional => Self::Optional,
            Constrained::Required => Self::Required,
        }
    }
}

/// Arguments of `hedui client constrain`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  hedui client constrain wlht-jingban required\n\nWhere its tokens must be bound from now on, those it has are dead at once."
)]
pub struct ConstrainArgs {
    /// The client's id.
    id: String,
    /// Whether its tokens must be bound.
    sender_constrained: Constrained,
    #[command(flatten)]
    hub: HubArgs,
}

/// Arguments of `hedui client list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    hub: HubArgs,
}

/// Arguments of `hedui client rotate`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  hedui client rotate wlht-jingban --key client-2.pem --grace 1d\n\nAfter a theft: --grace 0s. The former keys and every token got with them are dead at once."
)]
pub struct RotateArgs {
    /// The client's id.
    id: String,
    /// Its new public key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// How long the former keys are good, at most 7d.
    #[arg(long, default_value = "1d")]
    grace: String,
    #[command(flatten)]
    hub: HubArgs,
}

/// Arguments of `hedui client revoke`.
#[derive(Debug, clap::Args)]
pub struct RevokeArgs {
    /// The client's id.
    id: String,
    #[command(flatten)]
    hub: HubArgs,
}

/// Arguments of `hedui client hub-key`.
#[derive(Debug, clap::Args)]
pub struct HubKeyArgs {
    /// Tokens of the key before are dead at once; otherwise they live to their end, ten minutes at most.
    #[arg(long)]
    at_once: bool,
    #[command(flatten)]
    hub: HubArgs,
}

/// Runs the command.
pub async fn run(command: Command, global: &Global) -> anyhow::Result<ExitCode> {
    let (hub, change) = match command {
        Command::List(args) => return list(&args.hub, global).await,
        Command::Create(args) => {
            let client = Client {
                id: args.id,
                organisation: args.organisation,
                division: DivisionCode::parse(&args.division)?,
                purposes: purposes(&args.purposes)?,
                role: args.role,
                department: args.department.as_deref().map(department).transpose()?,
            };
            let sender_constrained = args.sender_constrained.into();
            (args.hub, clients::Change::Register { client, jwk: key(&args.key)?, sender_constrained })
        }
        Command::Rotate(args) => {
            let grace = duration_text::parse(&args.grace)
                .and_then(|grace| u32::try_from(grace.as_secs()).ok())
                .with_context(|| format!("--grace `{}` is not a duration such as 0s, 12h or 7d", args.grace))?;
            (args.hub, clients::Change::Rotate { id: args.id, jwk: key(&args.key)?, grace_seconds: grace })
        }
        Command::Constrain(args) => {
            let sender_constrained = args.sender_constrained.into();
            (args.hub, clients::Change::Constrain { id: args.id, sender_constrained })
        }
        Command::Revoke(args) => (args.hub, clients::Change::Revoke { id: args.id }),
        Command::HubKey(args) => (args.hub, clients::Change::NewSigningKey { at_once: args.at_once }),
    };
    let config = Config::load(&hub.config)?;
    if config.token_endpoint.is_none() {
        bail!("this hub gives no tokens itself: add [token_endpoint] to its configuration (config/hedui.example.toml)")
    }
    let answer = change::ask(&config, Change::Client(change)).await?;
    change::tell("client", &answer, global)
}

fn key(file: &Path) -> anyhow::Result<serde_json::Value> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("the public key {} cannot be read", file.display()))?;
    let key = PublicKey::parse(&text).with_context(|| format!("the key {}", file.display()))?;
    Ok(key.to_jwk())
}

async fn list(hub: &HubArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let config = Config::load(&hub.config)?;
    let file = &config.store.path;
    std::fs::File::open(file).with_context(|| format!("the database {} cannot be read", file.display()))?;
    let rows = ChangeDesk::open(file).await?.clients().await?;
    let clients = rows
        .iter()
        .map(|row| serde_json::from_str(&row.body).context("a registered client cannot be read"))
        .collect::<anyhow::Result<Vec<Registration>>>()?;
    let mut out = std::io::stdout().lock();
    if global.json {
        writeln!(out, "{}", serde_json::to_string(&clients)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let lang = global.lang();
    if clients.is_empty() {
        writeln!(
            out,
            "{}",
            lang.pick(
                "没有登记客户端；hedui client create --help",
                "no client is registered; hedui client create --help"
            )
        )?;
    }
    for registration in &clients {
        told(&mut out, registration, lang)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn told(out: &mut impl Write, registration: &Registration, lang: Lang) -> anyhow::Result<()> {
    let client = &registration.client;
    let role = lang.pick(client.role.words().0, client.role.as_str());
    writeln!(out, "{}  {role}  {}  {}", client.id, client.division, client.organisation)?;
    if let Some(department) = &client.department {
        writeln!(out, "  {}{department}", lang.pick("部门 ", "department "))?;
    }
    let names: Vec<&str> = client.purposes.iter().map(|purpose| purpose.as_str()).collect();
    if !names.is_empty() {
        writeln!(out, "  {}{}", lang.pick("目的 ", "purposes "), names.join(", "))?;
    }
    if registration.sender_constrained == SenderConstrained::Required {
        writeln!(out, "  {}", lang.pick("令牌须绑定证书或密钥", "tokens must be bound to a certificate or a key"))?;
    }
    if let Some(at) = registration.revoked_at {
        writeln!(out, "  {}{at}", lang.pick("已注销 ", "revoked "))?;
    }
    let now = SystemClock.now();
    for key in &registration.keys {
        let state = match key.retires_at {
            None => lang.pick("在用", "in use").to_owned(),
            Some(at) if now < at => format!("{}{at}", lang.pick("有效至 ", "good until ")),
            Some(at) => format!("{}{at}", lang.pick("已停用 ", "retired ")),
        };
        writeln!(out, "  {}{}  {state}", lang.pick("密钥 ", "key "), key.id())?;
    }
    Ok(())
}
