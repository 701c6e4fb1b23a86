//! `hedui peer`: this hub among the hubs of other regions. What another hub's operator needs of this one, and whether another
//! hub can be asked as it is configured here.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use connectors::keys::{PrivateKey, PublicKey};
use connectors::protocol::Manifest;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::Serialize;
use serde_json::json;

use super::obstacle::Obstacle;
use super::{Global, Lang};
use crate::config::{Config, Provides, read_setting_file};
use crate::domain::dataset::DepartmentId;
use crate::domain::division::DivisionCode;
use crate::domain::problem::Text;
use crate::egress::{Document, DocumentError, Egress, KeyPin};

/// Largest document that is read of another hub.
const MAX_DOCUMENT: usize = 256 * 1024;

/// What to do about hubs of other regions.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what another hub's operator enters there for this hub: names, divisions, keys. Nothing secret.
    Show(ShowArgs),
    /// Ask another hub how it is, and hold what it offers against what is configured here. Stops at the first broken rung.
    Check(CheckArgs),
}

/// Arguments of `hedui peer show`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  hedui peer show --config config/hedui.toml")]
pub struct ShowArgs {
    /// The configuration file.
    #[arg(long, default_value = "config/hedui.toml")]
    config: PathBuf,
}

/// Arguments of `hedui peer check`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  hedui peer check hub_2301 --config config/hedui.toml\n\nExit codes: 0 every rung holds, 1 one is broken, 2 the input is wrong."
)]
pub struct CheckArgs {
    /// The other hub's name, as its `[[peer]]` entry has it.
    name: String,
    /// The configuration file.
    #[arg(long, default_value = "config/hedui.toml")]
    config: PathBuf,
}

/// Runs the command.
pub async fn run(command: Command, global: &Global) -> anyhow::Result<ExitCode> {
    match command {
        Command::Show(args) => show(&args, global),
        Command::Check(args) => check(&args, global).await,
    }
}

fn show(args: &ShowArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.config)?;
    let Some(own) = &config.peering else {
        let obstacle = Obstacle::new(
            "配置中没有 [peering]：先写明本平台的名称 name 和行政区划 divisions（见 docs/guides/peer-hubs.zh-CN.md）",
            "the configuration has no [peering]: give this hub's `name` and `divisions` first (docs/guides/peer-hubs.md)",
        );
        return Err(obstacle.into());
    };
    let private = |setting: &str, file: &Option<PathBuf>| {
        file.as_deref().map(PrivateKey::read).transpose().map_err(|error| {
            let text = error.text();
            Obstacle::new(format!("{setting}：{}", text.zh), format!("{setting}: {}", text.en))
        })
    };
    let jwk = |key: Option<PrivateKey>| key.map(|key| key.public().to_jwk());
    let pin = certificate_pin("federation.certificate", &config.federation.certificate)?;
    let told = json!({
        "name": own.name,
        "divisions": own.divisions,
        "address": own.listen.as_ref().map(|listen| listen.address),
        "certificate_key": pin.as_str(),
        "context_key": jwk(private("[federation] context_key", &config.federation.context_key)?),
        "answer_key": jwk(private("[peering] answer_key", &own.answer_key)?),
    });
    let mut out = std::io::stdout().lock();
    if global.json {
        writeln!(out, "{told}")?;
        return Ok(ExitCode::SUCCESS);
    }
    let lang = global.lang();
    let key = |name: &str, else_zh: &'static str, else_en: &'static str| match told.get(name) {
        Some(key) if !key.is_null() => key.to_string(),
        _ => lang.pick(else_zh, else_en).to_owned(),
    };
    let divisions: Vec<&str> = own.divisions.iter().map(DivisionCode::as_str).collect();
    let context = key(
        "context_key",
        "由封装密钥派生：取自 GET /.well-known/jwks.json",
        "derived from the sealing key: take it from GET /.well-known/jwks.json",
    );
    let answers = key(
        "answer_key",
        "由封装密钥派生：取自对等监听地址的 GET /v1/manifest",
        "derived from the sealing key: take it from GET /v1/manifest of the listener for hubs",
    );
    for (zh, en, value) in [
        ("名称 [[peer]] name", "name ([[peer]] name)", own.name.as_str()),
        ("行政区划 provides.divisions", "divisions (provides.divisions)", &divisions.join(", ")),
        ("客户端证书公钥 may_ask.certificate_keys", "certificate key (may_ask.certificate_keys)", pin.as_str()),
        ("查询凭据公钥 may_ask.context_keys", "context key (may_ask.context_keys)", &context),
        ("答复签名公钥 provides.answer_key", "answer key (provides.answer_key)", &answers),
    ] {
        writeln!(out, "{}\n    {value}", lang.pick(zh, en))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn certificate_pin(setting: &'static str, file: &Path) -> anyhow::Result<KeyPin> {
    let pem = read_setting_file(setting, file)?;
    let pin = CertificateDer::from_pem_slice(pem.as_bytes()).ok().and_then(|certificate| KeyPin::of(&certificate));
    pin.ok_or_else(|| {
        let file = file.display();
        let (zh, en) = (format!("{file} 中没有 PEM 证书"), format!("{file} holds no certificate in PEM"));
        Obstacle::new(zh, en).into()
    })
}

/// One thing that must hold.
#[derive(Debug, Serialize)]
struct Rung {
    code: &'static str,
    holds: bool,
    told: Text,
}

impl Rung {
    fn good(code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { code, holds: true, told: Text::new(zh, en) }
    }

    fn broken(code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { code, holds: false, told: Text::new(zh, en) }
    }
}

async fn check(args: &CheckArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.config)?;
    let named = config.peers.iter().find(|peer| peer.name.as_str() == args.name);
    let Some((name, provides)) = named.and_then(|peer| Some((&peer.name, peer.provides.as_ref()?))) else {
        let known: Vec<&str> =
            config.peers.iter().filter(|peer| peer.provides.is_some()).map(|peer| peer.name.as_str()).collect();
        let known = if known.is_empty() { "–".to_owned() } else { known.join(", ") };
        let obstacle = Obstacle::new(
            format!("配置中没有带 [peer.provides] 的外地平台 {}；已有：{known}", args.name),
            format!("the configuration has no [[peer]] `{}` with [peer.provides]; there are: {known}", args.name),
        );
        return Err(obstacle.into());
    };
    let rungs = ladder(&config, name, provides).await?;
    let is_whole = rungs.iter().all(|rung| rung.holds);
    let mut out = std::io::stdout().lock();
    if global.json {
        writeln!(out, "{}", json!({ "hub": name, "holds": is_whole, "rungs": rungs }))?;
    } else {
        for rung in &rungs {
            let mark = if rung.holds { "✓" } else { "✗" };
            writeln!(out, "{mark} {}", global.lang().pick(&rung.told.zh, &rung.told.en))?;
        }
        if !is_whole && global.lang() == Lang::Zh {
            writeln!(out, "止于第一处不通：修好后再次运行")?;
        } else if !is_whole {
            writeln!(out, "stopped at the first broken rung: mend it and run this again")?;
        }
    }
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// What holds, up to the first that does not.
async fn ladder(config: &Config, name: &DepartmentId, provides: &Provides) -> anyhow::Result<Vec<Rung>> {
    let mut rungs = Vec::new();
    let ca = read_setting_file("peer.provides.ca", &provides.ca)?;
    let certificate = read_setting_file("federation.certificate", &config.federation.certificate)?;
    let key = read_setting_file("federation.private_key", &config.federation.private_key)?;
    let (identity, egress) = (format!("{certificate}\n{key}"), Egress::new(config.egress.allow.clone(), Vec::new()));
    let read = async |path: &str| {
        let url = format!("{}{path}", provides.endpoint);
        Document::mutual(&egress, &url, &ca, Some(&identity), &provides.pins, MAX_DOCUMENT)?.read().await
    };
    let manifest = match read("/v1/manifest").await {
        Ok(manifest) => manifest,
        Err(error) => {
            rungs.push(unreachable(provides, &error));
            return Ok(rungs);
        }
    };
    rungs.push(Rung::good(
        "reached",
        format!("{} 可达，双方证书有效，对方认得本平台", provides.endpoint),
        format!("{} is reached, both certificates are good, and it knows this hub", provides.endpoint),
    ));
    let manifest: Manifest = match serde_json::from_slice(&manifest) {
        Ok(manifest) => manifest,
        Err(error) => {
            rungs.push(Rung::broken(
                "manifest",
                format!(
                    "对方的 /v1/manifest 不合协议（第 {} 行第 {} 列）：核对地址与版本",
                    error.line(),
                    error.column()
                ),
                format!(
                    "its /v1/manifest does not fit the protocol (line {}, column {}): check address and version",
                    error.line(),
                    error.column()
                ),
            ));
            return Ok(rungs);
        }
    };
    for rung in [is_named(&manifest, name), answers_for(&manifest, provides), is_signed(&manifest, name, provides)?] {
        let holds = rung.holds;
        rungs.push(rung);
        if !holds {
            return Ok(rungs);
        }
    }
    let degraded = |health: &[u8]| {
        let health: serde_json::Value = serde_json::from_slice(health).unwrap_or_default();
        health.get("status").is_none_or(|status| status != "ok")
    };
    rungs.push(match read("/v1/health").await {
        Ok(health) if !degraded(&health) => {
            Rung::good("health", "运行正常，各部门均可查询", "it is well, and all its departments can be asked")
        }
        Ok(_) => Rung::good(
            "health",
            "可以查询，但对方有部门暂时无法查询（degraded）",
            "it can be asked; some department over there cannot be for now (degraded)",
        ),
        Err(error) => unreachable(provides, &error),
    });
    Ok(rungs)
}

fn unreachable(provides: &Provides, error: &DocumentError) -> Rung {
    let endpoint = &provides.endpoint;
    match error {
        DocumentError::Egress(error) if error.is_refusal() => Rung::broken(
            "not_allowed",
            format!("本平台的设置不允许连接 {endpoint}：{error}"),
            format!("this hub's settings do not allow {endpoint}: {error}"),
        ),
        DocumentError::Tls(why) => Rung::broken(
            "certificate",
            format!("{endpoint} 的证书不可信（{why}）：核对 provides.ca、provides.pins 与地址中的名称"),
            format!(
                "the certificate of {endpoint} is not believed ({why}): check provides.ca, provides.pins and the name in the address"
            ),
        ),
        DocumentError::Status(403) => Rung::broken(
            "unknown_here",
            "对方不认得本平台的证书：请对方运维把 hedui peer show 显示的证书公钥写入 may_ask.certificate_keys",
            "it does not know this hub's certificate: have its operator enter the certificate key that `hedui peer show` tells in may_ask.certificate_keys",
        ),
        DocumentError::Status(status) => Rung::broken(
            "status",
            format!("{endpoint} 答复状态 {status}：这里应为对方的 [peering.listen] 地址"),
            format!("{endpoint} answers {status}: this must be the other hub's [peering.listen] address"),
        ),
        error => Rung::broken(
            "unreachable",
            format!(
                "{endpoint} 无法到达（{error}）：核对地址、网络和对方的 [peering.listen]；若对方的 client_ca 不含本平台证书的签发者，也会在此中断"
            ),
            format!(
                "{endpoint} cannot be reached ({error}): check the address, the network and its [peering.listen]; it also breaks off here where its client_ca is not the authority of this hub's certificate"
            ),
        ),
    }
}

fn is_named(manifest: &Manifest, name: &DepartmentId) -> Rung {
    let own = &manifest.adapter.id;
    if own == name.as_str() {
        return Rung::good(
            "name",
            format!("对方自称 {own}，与本地设置一致"),
            format!("it calls itself {own}, as it is called here"),
        );
    }
    Rung::broken(
        "name",
        format!("对方自称 {own}，本地设置为 {name}：以对方 [peering] name 为准改写 [[peer]] name"),
        format!("it calls itself {own} and is called {name} here: write [[peer]] name as its [peering] name"),
    )
}

/// Every division that is configured here lies in one that it answers this hub for.
fn answers_for(manifest: &Manifest, provides: &Provides) -> Rung {
    let offered: Vec<DivisionCode> =
        manifest.divisions.iter().filter_map(|division| DivisionCode::parse(division).ok()).collect();
    let is_offered = |division: &&DivisionCode| !offered.iter().any(|around| division.is_inside(*around));
    let foreign: Vec<&str> = provides.divisions.iter().filter(is_offered).map(DivisionCode::as_str).collect();
    if foreign.is_empty() {
        let all = provides.divisions.iter().map(DivisionCode::as_str).collect::<Vec<_>>().join(", ");
        return Rung::good("divisions", format!("对方答复 {all} 的查询"), format!("it answers for {all}"));
    }
    let (foreign, offered) = (foreign.join(", "), manifest.divisions.join(", "));
    Rung::broken(
        "divisions",
        format!(
            "对方不向本平台答复 {foreign}（只答复 {offered}）：改 provides.divisions，或请对方扩大 may_ask.divisions"
        ),
        format!(
            "it does not answer this hub for {foreign} (but for {offered}): change provides.divisions, or have it widen may_ask.divisions"
        ),
    )
}

fn is_signed(manifest: &Manifest, name: &DepartmentId, provides: &Provides) -> anyhow::Result<Rung> {
    let known = PublicKey::read_all(&provides.answer_key).map_err(|error| {
        let (file, text) = (provides.answer_key.display(), error.text());
        Obstacle::new(
            format!("[[peer]] {name} provides.answer_key {file}：{}", text.zh),
            format!("[[peer]] {name} provides.answer_key {file}: {}", text.en),
        )
    })?;
    let told = manifest.answer_key.as_ref().map(ToString::to_string).unwrap_or_default();
    let own = PublicKey::parse_all(&told).ok().and_then(|keys| keys.first().map(|key| key.id().to_owned()));
    Ok(match own {
        Some(id) if known.iter().any(|key| key.id() == id) => Rung::good(
            "answer_key",
            format!("答复签名公钥 {id} 与本地一致"),
            format!("its answers are signed with the key that is known here, {id}"),
        ),
        Some(id) => Rung::broken(
            "answer_key",
            format!("对方以公钥 {id} 签名，不在 provides.answer_key 之中：电话核对后更新该文件"),
            format!(
                "it signs with {id}, which is not in provides.answer_key: compare it by telephone and update the file"
            ),
        ),
        None => {
            Rung::broken("answer_key", "对方没有给出答复签名公钥", "it tells no key that its answers are signed with")
        }
    })
}
