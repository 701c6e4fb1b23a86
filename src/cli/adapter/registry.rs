//! The verbs of the registry. `register` is the department's and speaks to the hub over HTTPS; inviting and bringing on are
//! the operator's, on the hub's machine, beside a running hub or without one; the others are either's (`remote.rs`).

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Subcommand, ValueEnum};
use connectors::conform::ReportKey;
use connectors::connector::Connector;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::remote::WhereArgs;
use super::{list, remote};
use crate::app::registry::rules;
use crate::cli::caller::{HubClient, Said};
use crate::cli::obstacle::{self, Obstacle};
use crate::cli::token::department;
use crate::cli::{Global, Lang, change};
use crate::config::Config;
use crate::domain::adapter::Move;
use crate::domain::agreement::Agreement;
use crate::domain::clock::{Clock, SystemClock, SystemRandomness};
use crate::domain::dataset::duration_text;
use crate::domain::period::time_in_china;
use crate::domain::problem::Text;
use crate::egress::KeyPin;
use crate::service::adapters::registering::{RegistrationDocument, invitation_code};
use crate::service::adapters::{Change, Conformance};
use crate::service::approvals::sha256;
use crate::service::changes::{self, Answer};

/// What to do with the registry.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Invite a department to register its adapter, once. Prints the code, which is kept nowhere.
    Invite(InviteArgs),
    /// For departments: register a running adapter at a hub, with an invitation.
    Register(RegisterArgs),
    /// Bring an adapter on: to the sandbox, into shadow, live. The last two need two administrators.
    Promote(PromoteArgs),
    /// Give an adapter no new questions; when what is under way is done, it is suspended.
    Drain(StopArgs),
    /// Ask an adapter nothing any more, at once. Callers are told the notice.
    Suspend(StopArgs),
    /// Let a draining or suspended adapter be asked again.
    Resume(IdArgs),
    /// End a shadow without going live.
    Withdraw(IdArgs),
    /// Take an adapter away for good. Its record stays.
    Remove(IdArgs),
    /// Put other terms in force: quotas, hours, maintenance windows.
    Agree(AgreeArgs),
    /// Show the adapters of a hub: states, terms, what is used of quotas, how far a shadow agrees.
    List(ListArgs),
}

/// Which hub.
#[derive(Debug, clap::Args)]
pub(super) struct HubArgs {
    /// The hub's configuration file.
    #[arg(long, default_value = "config/hedui.toml", value_name = "FILE")]
    config: PathBuf,
}

/// Whom to invite.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  hedui adapter invite hrss\n\nTell the code to the department on a way of its own.")]
pub struct InviteArgs {
    /// The department, as the catalogue names it.
    department: String,
    /// How long the invitation is good, at most 30d; the setting of `[registry]` when absent.
    #[arg(long, value_name = "DURATION")]
    valid_for: Option<String>,
    #[command(flatten)]
    hub: HubArgs,
}

/// What to register where.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  hedui adapter register hrss/connector.toml --hub https://10.1.0.8:8443 --ca hub-ca.pem --endpoint https://10.20.0.5:9101 --invitation -\n\nThe adapter must be running (hedui-adapter serve). `-` reads the code from standard input, so that it stays out of the shell's history."
)]
pub struct RegisterArgs {
    /// The connector file that runs there.
    file: PathBuf,
    /// The hub, `https://host:port`.
    #[arg(long, value_name = "URL")]
    hub: String,
    /// The authority of the hub's certificate, PEM.
    #[arg(long, value_name = "PEM")]
    ca: Option<PathBuf>,
    /// Where the hub reaches the adapter, `https://host:port`.
    #[arg(long, value_name = "URL")]
    endpoint: String,
    /// The code of the invitation, or `-` for standard input.
    #[arg(long, value_name = "CODE", env = "HEDUI_INVITATION", hide_env_values = true)]
    invitation: String,
    /// What the department agrees to answer, TOML; the connector's quota when absent.
    #[arg(long, value_name = "FILE")]
    agreement: Option<PathBuf>,
    /// The key that the adapter's certificate will have next: SHA-256 of the public key (SPKI), hexadecimal. Repeat for more.
    #[arg(long = "next-pin", value_name = "DIGITS")]
    next_pins: Vec<String>,
    /// Thumbprint of the key that signs the conformance reports; when absent that of `conformance.key` beside the connector
    /// file, which is made where there is none.
    #[arg(long, value_name = "THUMBPRINT")]
    report_key: Option<String>,
}

/// How far to bring an adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Stage {
    /// Tried with synthetic people.
    Sandbox,
    /// Asked a share of real questions, compared, unused.
    Shadow,
    /// Asked, and its answers count.
    Live,
}

/// Which adapter to bring on.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  hedui adapter promote hrss-2 sandbox\n  hedui adapter promote hrss-2 shadow --report hrss-report.json\n  hedui adapter promote hrss-2 live"
)]
pub struct PromoteArgs {
    /// The adapter's id.
    id: String,
    /// How far.
    to: Stage,
    /// The signed conformance report, JSON, as `hedui adapter conform` wrote it.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    hub: HubArgs,
}

/// Which adapter to stop, and what callers are told.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  hedui adapter suspend hrss-2 --notice 系统升级，预计周一恢复 --notice-en \"upgrade, back on Monday\"\n\nA department, of its own adapter:\n  hedui adapter suspend housing-1 --notice 机房停电 --hub https://10.1.0.8:8443 --ca hub-ca.pem --client housing-office --client-key housing.key"
)]
pub struct StopArgs {
    /// The adapter's id.
    id: String,
    /// What callers are told, in Chinese.
    #[arg(long, value_name = "TEXT")]
    notice: Option<String>,
    /// The same in English; the Chinese one when absent.
    #[arg(long, value_name = "TEXT", requires = "notice")]
    notice_en: Option<String>,
    #[command(flatten)]
    at: WhereArgs,
}

/// Which adapter.
#[derive(Debug, clap::Args)]
pub struct IdArgs {
    /// The adapter's id.
    id: String,
    #[command(flatten)]
    at: WhereArgs,
}

/// Which terms.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example of a file:\n  per_second = 20\n  burst = 40\n  quotas = [{ per = \"day\", count = 50000 }, { of = \"each_caller\", per = \"hour\", count = 500 }]\n  hours = [{ from = \"08:00\", until = \"20:00\" }]\n\nA department tightens by itself (--hub, --client, --client-key), and goes back to no more than was agreed to."
)]
pub struct AgreeArgs {
    /// The adapter's id.
    id: String,
    /// The terms, TOML.
    file: PathBuf,
    #[command(flatten)]
    at: WhereArgs,
}

/// What to show.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// One adapter; all when absent.
    id: Option<String>,
    #[command(flatten)]
    at: WhereArgs,
}

/// Runs the command.
pub(super) async fn run(command: Command, global: &Global) -> anyhow::Result<ExitCode> {
    let moved = |id, by, notice| Change::Move { id, by, notice, conformance: None, about: None };
    let (at, change) = match command {
        Command::Invite(args) => return invite(args, global).await,
        Command::Register(args) => return register(args, global).await,
        Command::List(args) => {
            let id = args.id.as_deref();
            return match args.at.connect().await? {
                Some(hub) => remote::list(&hub, id, global).await,
                None => list::show(&Config::load(&args.at.config)?, id, global).await,
            };
        }
        Command::Promote(args) => {
            return on_this_machine(&args.hub.config, promoted(args.id, args.to, args.report)?, global).await;
        }
        Command::Drain(args) => (args.at, moved(args.id, Move::Drain, notice(args.notice, args.notice_en))),
        Command::Suspend(args) => (args.at, moved(args.id, Move::Suspend, notice(args.notice, args.notice_en))),
        Command::Resume(args) => (args.at, moved(args.id, Move::Resume, None)),
        Command::Withdraw(args) => (args.at, moved(args.id, Move::Withdraw, None)),
        Command::Remove(args) => (args.at, moved(args.id, Move::Remove, None)),
        Command::Agree(args) => {
            let agreement = agreement(&args.file)?;
            (args.at, Change::Agree { id: args.id, agreement })
        }
    };
    match at.connect().await? {
        Some(hub) => remote::make(&hub, &change, global).await,
        None => on_this_machine(&at.config, change, global).await,
    }
}

async fn on_this_machine(config: &Path, change: Change, global: &Global) -> anyhow::Result<ExitCode> {
    let answer = change::ask(&Config::load(config)?, changes::Change::Adapter(change)).await?;
    change::tell("adapter", &answer, global)
}

fn notice(zh: Option<String>, en: Option<String>) -> Option<Text> {
    let zh = zh?;
    Some(Text::new(zh.clone(), en.unwrap_or(zh)))
}

fn promoted(id: String, to: Stage, report: Option<PathBuf>) -> anyhow::Result<Change> {
    let by = match to {
        Stage::Sandbox => Move::Accept,
        Stage::Shadow => Move::Shadow,
        Stage::Live => Move::GoLive,
    };
    let conformance = report.map(|file| {
        let text = obstacle::read(&file, ("报告", "report"))?;
        // What is no JSON is no report either; that is said where reports are read.
        let report: Value = serde_json::from_slice(&text).unwrap_or_default();
        Conformance::read(&report).map_err(|fault| {
            let text = fault.text();
            anyhow::Error::from(Obstacle::new(text.zh, text.en))
        })
    });
    Ok(Change::Move { id, by, notice: None, conformance: conformance.transpose()?, about: None })
}

fn agreement(file: &std::path::Path) -> anyhow::Result<Agreement> {
    let text = obstacle::read_text(file, ("约定", "agreement"))?;
    // What is not named has the usual terms; a file that was cut off would lift every quota.
    if text.parse::<toml::Table>().is_ok_and(|terms| terms.is_empty()) {
        bail!(Obstacle::new(
            format!("约定 {} 中没有任何条款；写法见 hedui adapter agree --help", file.display()),
            format!("the agreement {} has no terms; `hedui adapter agree --help` shows some", file.display()),
        ))
    }
    toml::from_str(&text).map_err(|error| {
        Obstacle::new(
            format!("约定 {} 无法使用：{}", file.display(), error.message()),
            format!("the agreement {} cannot be used: {}", file.display(), error.message()),
        )
        .into()
    })
}

async fn invite(args: InviteArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.hub.config)?;
    let department = department(&args.department)?;
    let usual = rules(&config).map_or(std::time::Duration::from_hours(24), |rules| rules.invitation_valid_for);
    let valid = match &args.valid_for {
        None => usual,
        Some(text) => duration_text::parse(text).ok_or_else(|| {
            Obstacle::new(
                format!("--valid-for `{}` 不是时长，例如 12h 或 7d", text.escape_debug()),
                format!("--valid-for `{}` is not a duration such as 12h or 7d", text.escape_debug()),
            )
        })?,
    };
    let valid = SignedDuration::try_from(valid).unwrap_or(SignedDuration::MAX);
    let expires_at = SystemClock.now().saturating_add(valid).unwrap_or(Timestamp::MAX);
    let code = invitation_code(&SystemRandomness);
    let invited = Change::Invite { department: department.clone(), digest: sha256(&code), expires_at };
    let answer = change::ask(&config, changes::Change::Adapter(invited)).await?;
    if !matches!(answer, Answer::Done(_)) {
        return change::tell("adapter", &answer, global);
    }
    let (mut out, lang) = (std::io::stdout().lock(), global.lang());
    if global.json {
        let told = json!({ "department": department, "code": code, "expires_at": expires_at });
        writeln!(out, "{told}")?;
    } else {
        let until = time_in_china(expires_at);
        writeln!(
            out,
            "{}",
            lang.pick(
                &format!("{code}\n{department} 的邀请码，{until} 前有效，只能使用一次；平台只保存其摘要。请另行转告该部门：\n  hedui adapter register connector.toml --hub https://… --endpoint https://… --invitation -"),
                &format!("{code}\nThe invitation of {department}, good once and until {until}; the hub keeps its digest only. Tell it to the department on another way:\n  hedui adapter register connector.toml --hub https://… --endpoint https://… --invitation -")
            )
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn register(args: RegisterArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let lang = global.lang();
    let connector = Connector::read(&args.file).map_err(|faults| {
        use connectors::error::Lang::{En, Zh};
        Obstacle::new(faults.render(Zh), faults.render(En))
    })?;
    let code = if args.invitation == "-" {
        let mut line = String::new();
        std::io::stdin()
            .read_line(&mut line)
            .with_context(|| Obstacle::new("无法读取标准输入", "standard input cannot be read"))?;
        let code = line.trim();
        if code.is_empty() {
            bail!(Obstacle::new(
                "标准输入中没有邀请码；请粘贴平台运维人员转告的 hi_…",
                "there is no invitation on standard input; paste the code `hi_…` that the hub's operator told"
            ))
        }
        code.to_owned()
    } else {
        args.invitation
    };
    let pin = |text: String| {
        KeyPin::try_from(text).map_err(|error| {
            Obstacle::new("--next-pin 应为证书公钥（SPKI）的 SHA-256，64 位小写十六进制数字：openssl pkey -in 新私钥 -pubout -outform der | openssl dgst -sha256", error.to_string())
        })
    };
    let report_key = match args.report_key {
        Some(thumbprint) => thumbprint,
        None => own_report_key(&args.file, lang)?,
    };
    let document = RegistrationDocument {
        endpoint: args.endpoint,
        version: connector.adapter.version.clone(),
        next_pins: args.next_pins.into_iter().map(pin).collect::<Result<_, _>>()?,
        report_key: Some(report_key),
        agreement: args.agreement.as_deref().map(agreement).transpose()?,
    };
    let hub = HubClient::new(&args.hub, args.ca.as_deref(), code)?;
    let mut out = std::io::stdout().lock();
    match hub.send("/v1/adapters", &serde_json::to_value(&document)?).await? {
        Said::Verification(adapter) => {
            if global.json {
                writeln!(out, "{adapter}")?;
            } else {
                registered(&mut out, &adapter, lang)?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Said::Problem(problem) => {
            if global.json {
                writeln!(out, "{problem}")?;
            } else {
                crate::cli::told::problem(&mut std::io::stderr().lock(), &problem, lang)?;
            }
            Ok(ExitCode::from(1))
        }
    }
}

/// The thumbprint of the key that `hedui adapter conform` signs with where nothing else is said.
fn own_report_key(connector: &Path, lang: Lang) -> anyhow::Result<String> {
    let file = connector.with_file_name("conformance.key");
    let (key, is_new) = ReportKey::read_or_make(&file).map_err(|error| {
        let (text, file) = (error.text(), file.display());
        Obstacle::new(format!("{file}：{}", text.zh), format!("{file}: {}", text.en))
    })?;
    if is_new {
        let (file, id) = (file.display(), key.id());
        let made = lang
            .pick(
                &format!("做了一致性报告的签名密钥 {file}（只有属主可读），指纹 {id}"),
                &format!("made the key of conformance reports {file} (readable by its owner only), thumbprint {id}"),
            )
            .to_owned();
        writeln!(std::io::stderr().lock(), "{made}")?;
    }
    Ok(key.id())
}

fn registered(out: &mut impl Write, adapter: &Value, lang: Lang) -> std::io::Result<()> {
    let text = |name: &str| adapter.get(name).and_then(Value::as_str).unwrap_or_default();
    let pin = adapter.pointer("/pins/0").and_then(Value::as_str).unwrap_or_default();
    let (key, id, endpoint) = (adapter.get("answer_key").and_then(Value::as_str), text("id"), text("endpoint"));
    let key_zh = key.map_or_else(|| "无（答复不签名）".to_owned(), str::to_owned);
    let key_en = key.map_or_else(|| "none (its answers are not signed)".to_owned(), str::to_owned);
    writeln!(
        out,
        "{}",
        lang.pick(
            &format!("已登记为 {id}（待接收）。平台看到的证书公钥：\n  {pin}\n答复签名公钥：\n  {key_zh}\n请与本机核对。下一步：hedui adapter conform 文件 --against {endpoint}，把报告交给平台运维人员。"),
            &format!("Registered as {id} (draft). The key of the certificate that the hub saw:\n  {pin}\nThe key of its answers:\n  {key_en}\nCompare both with your own. Next: hedui adapter conform FILE --against {endpoint}, and hand the report to the hub's operator.")
        )
    )
}
