//! The verbs of the registry from elsewhere than the hub's machine: over HTTPS, as a client of the hub. A department looks
//! after its own adapter so.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use serde_json::{Value, json};

use super::account::refused;
use super::list::limit;
use crate::cli::caller::{HubClient, Said};
use crate::cli::credentials::ClientArgs;
use crate::cli::obstacle::Obstacle;
use crate::cli::{Global, Lang, change};
use crate::domain::adapter::AdapterState;
use crate::domain::agreement::Agreement;
use crate::service::adapters::Change;
use crate::service::changes::Answer;

/// Where a verb acts: on the hub's machine, or at the hub, as one of its clients.
#[derive(Debug, clap::Args)]
pub(super) struct WhereArgs {
    /// The hub's configuration file, on the hub's machine.
    #[arg(long, default_value = "config/hedui.toml", value_name = "FILE", conflicts_with = "hub")]
    pub(super) config: PathBuf,
    /// For departments: the hub itself, `https://host:port`, asked as a client of it.
    #[arg(long, value_name = "URL")]
    hub: Option<String>,
    /// The authority of the hub's certificate, PEM; the machine's own authorities when absent.
    #[arg(long, value_name = "PEM", requires = "hub")]
    ca: Option<PathBuf>,
    #[command(flatten)]
    client: ClientArgs,
}

impl WhereArgs {
    /// The hub, where the verb is not for this machine.
    pub(super) async fn connect(&self) -> anyhow::Result<Option<HubClient>> {
        match &self.hub {
            Some(_) if !self.client.is_given() => bail!(Obstacle::new(
                "请说明以谁的身份：--client 编号 --client-key 私钥，或 --token-file 文件",
                "say as whom: --client ID --client-key FILE, or --token-file FILE",
            )),
            Some(hub) => self.client.connect(hub, self.ca.as_deref()).await,
            None if self.client.is_given() => bail!(Obstacle::new(
                "--client、--token-file 与 --hub 一起使用：--hub https://主机:端口",
                "--client and --token-file belong to --hub: give --hub https://host:port",
            )),
            None => Ok(None),
        }
    }
}

/// Has a hub make a change.
pub(super) async fn make(hub: &HubClient, change: &Change, global: &Global) -> anyhow::Result<ExitCode> {
    let said = match change {
        Change::Move { id, by, notice, .. } => {
            let mut document = json!({ "move": by });
            if let (Some(members), Some(notice)) = (document.as_object_mut(), notice) {
                members.insert("notice".to_owned(), json!(notice));
            }
            hub.send(&format!("{}/transitions", path_of(id)?), &document).await?
        }
        Change::Agree { id, agreement } => {
            hub.put(&format!("{}/agreement", path_of(id)?), &serde_json::to_value(agreement)?).await?
        }
        Change::Invite { .. } | Change::Demote { .. } | Change::Return { .. } => {
            bail!(Obstacle::new("该命令只在平台本机使用", "this verb is for the hub's own machine"))
        }
    };
    match said {
        Said::Verification(answer) => change::tell("adapter", &answer_of(&answer)?, global),
        Said::Problem(problem) => refused(&problem, global),
    }
}

/// Shows one adapter, or all that the client may see.
pub(super) async fn list(hub: &HubClient, id: Option<&str>, global: &Global) -> anyhow::Result<ExitCode> {
    let path = id.map_or_else(|| Ok("/v1/adapters".to_owned()), path_of)?;
    let shown = match hub.get(&path).await? {
        Said::Verification(shown) => shown,
        Said::Problem(problem) => return refused(&problem, global),
    };
    let mut out = std::io::stdout().lock();
    let adapters = shown.get("adapters").and_then(Value::as_array).cloned().unwrap_or_else(|| vec![shown]);
    if global.json {
        writeln!(out, "{}", Value::Array(adapters))?;
        return Ok(ExitCode::SUCCESS);
    }
    for adapter in &adapters {
        tell(&mut out, adapter, global.lang())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The path of an adapter. What is no id leads to no other path.
fn path_of(id: &str) -> anyhow::Result<String> {
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if !is_id {
        let id = id.escape_debug();
        bail!(Obstacle::new(
            format!("`{id}` 不是适配器编号；编号形如 housing-1，hedui adapter list 可列出全部"),
            format!("`{id}` is no adapter's id; one is written housing-1, and `hedui adapter list` shows all"),
        ))
    }
    Ok(format!("/v1/adapters/{id}"))
}

fn answer_of(answer: &Value) -> anyhow::Result<Answer> {
    let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
    let still = answer.get("still").and_then(Value::as_u64).and_then(|still| usize::try_from(still).ok());
    match (text("done"), text("waiting"), text("digest"), still) {
        (Some(done), ..) => Ok(Answer::Done(done)),
        (None, Some(proposal), Some(digest), Some(still)) => Ok(Answer::Waiting { proposal, digest, still }),
        _ => bail!(Obstacle::new(
            "平台的应答无法识别；请确认该地址是核对平台",
            "the hub's answer cannot be read; is this address a hub?",
        )),
    }
}

/// An adapter as the hub shows it: where it stands, how it does, its terms as `hedui adapter agree` reads them.
fn tell(out: &mut impl Write, adapter: &Value, lang: Lang) -> anyhow::Result<()> {
    let text = |name: &str| adapter.get(name).and_then(Value::as_str).unwrap_or_default();
    let state = AdapterState::ALL.into_iter().find(|state| state.as_str() == text("state"));
    let state = state.map_or_else(|| text("state"), |state| lang.pick(state.zh(), state.as_str()));
    let line = [text("id"), state, text("endpoint"), text("version")].join("  ");
    writeln!(out, "{}", line.trim_end())?;
    if let Some(notice) = adapter.get("notice") {
        let said = notice.get(lang.pick("zh", "en")).and_then(Value::as_str).unwrap_or_default();
        writeln!(out, "  {}{said}", lang.pick("告知 ", "notice "))?;
    }
    let figure = |name: &str| adapter.get("health")?.get(name)?.as_u64();
    if let (Some(half), Some(most)) = (figure("half_ms"), figure("most_ms")) {
        let zh = format!("半数答复 {half} 毫秒以内，二十次中十九次 {most} 毫秒以内");
        let en = format!("half of its answers within {half} ms, nineteen of twenty within {most} ms");
        writeln!(out, "  {}", lang.pick(&zh, &en))?;
    }
    for (quota, count) in adapter.get("used").and_then(Value::as_object).into_iter().flatten() {
        let quota = limit(quota, lang);
        writeln!(out, "  {}", lang.pick(&format!("已用 {count}（{quota}）"), &format!("used {count} ({quota})")))?;
    }
    terms(out, adapter.get("agreement"), lang.pick("现行约定：", "terms in force:"))?;
    terms(out, adapter.get("agreed"), lang.pick("可自行恢复到的约定：", "terms it may go back to by itself:"))?;
    Ok(())
}

fn terms(out: &mut impl Write, agreement: Option<&Value>, label: &str) -> anyhow::Result<()> {
    let Some(agreement) = agreement else { return Ok(()) };
    let agreement: Agreement = serde_json::from_value(agreement.clone())?;
    writeln!(out, "  {label}")?;
    for line in toml::to_string(&agreement)?.lines().filter(|line| !line.is_empty()) {
        writeln!(out, "    {line}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terms_that_are_shown_are_those_that_can_be_entered_again() {
        let text = "timeout_ms = 900\npromised_ms = 500\nper_second = 3\nburst = 4\nin_flight = 5\nhedge = false\n\
            shared_subjects = 7\nhours = [{ from = '06:00', until = '23:00' }]\n\
            [[quotas]]\nper = 'day'\ncount = 50\n\
            [[quotas]]\nof = { caller = 'wlht' }\npurpose = 'dibao'\nper = 'hour'\ncount = 2\nbetween = { from = '08:00', until = '18:00' }\n\
            [[maintenance]]\nfrom = '2026-12-05T14:00:00Z'\nuntil = '2026-12-05T20:00:00Z'\nnotice = { zh = '升级', en = 'upgrade' }";
        let agreement: Agreement = toml::from_str(text).unwrap();
        let mut shown = Vec::new();
        terms(&mut shown, Some(&json!(agreement)), "terms in force:").unwrap();
        let shown = String::from_utf8(shown).unwrap();
        let (label, rest) = shown.split_once('\n').unwrap();
        assert_eq!(label, "  terms in force:");
        assert_eq!(toml::from_str::<Agreement>(rest).unwrap(), agreement, "{shown}");
    }

    #[test]
    fn what_is_no_id_is_no_path() {
        assert_eq!(path_of("housing-1").unwrap(), "/v1/adapters/housing-1");
        for bad in ["", "../approvals", "housing-1/usage", "housing-1?x", "部门-1", "a b", "a\n"] {
            assert!(path_of(bad).is_err(), "{bad}");
        }
    }
}
