//! `hedui adapter usage`: what a department was asked and what it was spared, as the hub counts it from its access log.

use std::io::Write;
use std::process::ExitCode;

use serde_json::Value;

use super::account::{Days, refused};
use crate::cli::caller::Said;
use crate::cli::reach::HubArgs;
use crate::cli::token::department;
use crate::cli::{Global, Lang, told};
use crate::domain::actor::Role;

/// Arguments of `hedui adapter usage`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example, as the department itself:\n  hedui adapter usage housing --from 2026-11-01 --to 2026-11-30 --hub https://10.1.0.8:8443 --ca hub-ca.pem --client housing-office --client-key housing.key"
)]
pub struct UsageArgs {
    /// The department.
    department: String,
    #[command(flatten)]
    days: Days,
    #[command(flatten)]
    hub: HubArgs,
}

/// Shows what a department was asked.
pub(super) async fn show(args: &UsageArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let department = department(&args.department)?;
    let client = args.hub.client_as(Role::Operator).await?;
    let path = format!("/v1/adapters/{department}/usage?from={}&to={}", args.days.from, args.days.to);
    let report = match client.get(&path).await? {
        Said::Verification(report) => report,
        Said::Problem(problem) => return refused(&problem, global),
    };
    let (mut out, lang) = (std::io::stdout().lock(), global.lang());
    if global.json {
        writeln!(out, "{report}")?;
        return Ok(ExitCode::SUCCESS);
    }
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    writeln!(out, "{}  {} – {}", text(&report, "adapter"), text(&report, "from"), text(&report, "to"))?;
    if let Some(total) = report.get("total") {
        writeln!(out, "{}", lang.pick("合计", "all together"))?;
        told_use(&mut out, total, lang)?;
    }
    for row in report.get("days").and_then(Value::as_array).into_iter().flatten() {
        writeln!(out, "{}  {}  {}", text(row, "day"), text(row, "organisation"), text(row, "purpose"))?;
        told_use(&mut out, row.get("usage").unwrap_or(&Value::Null), lang)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn told_use(out: &mut impl Write, usage: &Value, lang: Lang) -> std::io::Result<()> {
    let count = |pointer: &str| usage.pointer(pointer).and_then(Value::as_i64).unwrap_or_default();
    let (questions, people, verifications) = (count("/questions"), count("/people"), count("/verifications"));
    let (cached, joined, unneeded) = (count("/spared/cached"), count("/spared/joined"), count("/spared/unneeded"));
    let zh = format!(
        "  查询 {questions} 次，涉及 {people} 人次，用于 {verifications} 次核对；免问 {} 次（缓存 {cached}、同时在问 {joined}、不影响结论 {unneeded}）",
        cached + joined + unneeded
    );
    let en = format!(
        "  {questions} question(s) about {people} person(s) for {verifications} verification(s); spared {} (at hand {cached}, asked just then {joined}, of no effect {unneeded})",
        cached + joined + unneeded
    );
    writeln!(out, "{}", lang.pick(&zh, &en))?;
    for (outcome, count) in usage.get("outcomes").and_then(Value::as_object).into_iter().flatten() {
        let what = if outcome == "answered" { lang.pick("已答复", "answered") } else { told::gap(outcome, lang) };
        writeln!(out, "    {what} {count}")?;
    }
    Ok(())
}
