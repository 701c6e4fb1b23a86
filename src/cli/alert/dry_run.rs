//! `hedui alert rules dry-run`: which alerts rules would have raised over a log, rule by rule and day by day, against
//! what reviewers can carry. Nothing is written.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::bail;
use jiff::civil::Date;
use serde::Serialize;

use crate::app::alerting::people;
use crate::cli::log::{Source, configured_sealer};
use crate::cli::obstacle::Obstacle;
use crate::cli::{Global, Lang};
use crate::domain::problem::Text;
use crate::review::entry::{Entry, EntryRef};
use crate::review::evaluator::{Coverage, Evaluator, Health, NotEvaluated};
use crate::review::finding::Finding;
use crate::review::gathering::{Alert, key};
use crate::review::people::People;
use crate::review::rules::{Budget, RuleId, Rules, Severity};
use crate::store::{EntryRow, LogReader};
use crate::tlog::Hash;

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  hedui alert rules dry-run --store copy.sqlite --rules alert-rules.toml
  hedui alert rules dry-run --config config/hedui.toml --from 2026-10-01 --to 2026-11-01

Works on the database of a running hub or on a cold copy, and writes nothing. Staff and watch lists are identity
numbers; they can be compared with the log only under the hub's sealing key, so they are taken from --config alone.
Exit codes: 0 done, within the budget; 1 some day has more alerts than reviewers can carry, or the rules have faults;
2 the command is wrong; 3 a file cannot be read.")]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// The rules; those of --config, else the shipped ones, when absent.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Only alerts raised on this day or later; what lies before is still remembered.
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// Only alerts raised before this day.
    #[arg(long, value_name = "DATE")]
    to: Option<Date>,
    /// Also list the alerts, the highest score first.
    #[arg(long)]
    alerts: bool,
}

#[derive(Serialize)]
struct Report {
    coverage: Coverage,
    budget: Budget,
    a_day: u64,
    rules: Vec<OfRule>,
    days: BTreeMap<String, u64>,
    busiest_day: u64,
    is_within_budget: bool,
    flagged_accesses: usize,
    not_evaluated: Vec<NotEvaluated>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    alerts: Vec<Alert>,
}

#[derive(Serialize)]
struct OfRule {
    rule: RuleId,
    title: Text,
    severity: Severity,
    is_on: bool,
    alerts: usize,
    entries: usize,
    busiest_day: u64,
}

/// Runs the command.
pub(super) async fn run(args: Args, global: &Global) -> anyhow::Result<ExitCode> {
    let config = args.source.config()?;
    let from_config = config.as_ref().and_then(|config| config.review.rules.clone());
    let file = args.rules.clone().or(from_config);
    let rules = match super::read(file.as_ref())? {
        Ok(rules) => Arc::new(rules),
        Err(faults) => {
            super::tell(&mut std::io::stderr().lock(), &faults, file.as_ref(), global.lang())?;
            return Ok(ExitCode::from(1));
        }
    };
    if args.from.zip(args.to).is_some_and(|(from, to)| from >= to) {
        bail!(Obstacle::new("--from 的日期须早于 --to", "--from must be a day before --to"));
    }
    let log = args.source.open().await?.log;
    let people = match &config {
        Some(config) => people(config, &configured_sealer(config, &log).await?.subject_key("access-log"))?,
        None => People::default(),
    };
    let (alerts, evaluator) = evaluate(&log, &rules, people).await?;
    let inside = |alert: &Alert| {
        let day = rules.calendars.local(alert.raised_at).date();
        args.from.is_none_or(|from| from <= day) && args.to.is_none_or(|to| day < to)
    };
    let alerts: Vec<Alert> = alerts.into_iter().filter(inside).collect();
    let report = report(alerts, &evaluator, args.alerts);
    let mut out = std::io::stdout().lock();
    if global.json {
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
    } else {
        tell(&mut out, &report, global.lang())?;
    }
    Ok(if report.is_within_budget { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Reads the whole log.
async fn evaluate(log: &LogReader, rules: &Arc<Rules>, people: People) -> anyhow::Result<(Vec<Alert>, Evaluator)> {
    let mut evaluator = Evaluator::new(Arc::clone(rules), Arc::new(people));
    let mut alerts: BTreeMap<String, Alert> = BTreeMap::new();
    let mut take = |found: Vec<Finding>| {
        for finding in found {
            match alerts.entry(key(&finding)) {
                std::collections::btree_map::Entry::Occupied(mut known) => known.get_mut().gather(finding),
                std::collections::btree_map::Entry::Vacant(place) => drop(place.insert(Alert::of(finding, 0))),
            }
        }
    };
    let mut next = 0;
    loop {
        let rows = log.entries(next).await?;
        let Some(last) = rows.last() else { break };
        next = last.index + 1;
        for row in &rows {
            take(read(&mut evaluator, row));
        }
    }
    // What the newest entries bring once their time is up is not known yet, so time does not pass here.
    Ok((alerts.into_values().collect(), evaluator))
}

fn read(evaluator: &mut Evaluator, row: &EntryRow) -> Vec<Finding> {
    let at = jiff::Timestamp::from_microsecond(row.at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let is_sound = Hash::leaf(row.body.as_bytes()).as_bytes().as_slice() == row.leaf;
    let mut found = Vec::new();
    if let Ok(entry) = Entry::read(row.index, &row.body) {
        found.extend(evaluator.observe(&entry));
    } else {
        evaluator.pass_over(row.index);
        found.extend(altered(evaluator, row, at));
    }
    if !is_sound {
        found.extend(altered(evaluator, row, at));
    }
    found
}

fn altered(evaluator: &Evaluator, row: &EntryRow, at: jiff::Timestamp) -> Option<Finding> {
    evaluator.health(&Health::Altered { entry: EntryRef { index: row.index, id: row.id.as_str().into() } }, at)
}

fn report(mut alerts: Vec<Alert>, evaluator: &Evaluator, lists: bool) -> Report {
    let rules = evaluator.rules();
    let day = |alert: &Alert| rules.calendars.local(alert.raised_at).date().to_string();
    let mut days: BTreeMap<String, u64> = BTreeMap::new();
    for alert in alerts.iter().filter(|alert| alert.severity > Severity::Low) {
        *days.entry(day(alert)).or_default() += 1;
    }
    let of_rule = |rule: RuleId| {
        let own: Vec<&Alert> = alerts.iter().filter(|alert| alert.rule == rule).collect();
        let mut by_day: BTreeMap<String, u64> = BTreeMap::new();
        for alert in &own {
            *by_day.entry(day(alert)).or_default() += 1;
        }
        let entries: BTreeSet<u64> = own.iter().flat_map(|alert| &alert.entries).map(|entry| entry.index).collect();
        let (zh, en) = rule.name();
        OfRule {
            rule,
            title: Text::new(zh, en),
            severity: rules.severity(rule),
            is_on: rules.is_on(rule),
            alerts: own.len(),
            entries: entries.len(),
            busiest_day: by_day.into_values().max().unwrap_or(0),
        }
    };
    let told = RuleId::ALL.into_iter().map(of_rule).collect();
    let flagged: BTreeSet<u64> = alerts.iter().flat_map(|alert| &alert.entries).map(|entry| entry.index).collect();
    let busiest_day = days.values().max().copied().unwrap_or(0);
    alerts.sort_by(|left, right| (right.score, &left.id).cmp(&(left.score, &right.id)));
    let mut not_evaluated = evaluator.not_evaluated();
    let why = Text::new(
        "见证的沉默只有运行中的平台知道；历史中只检查缺号和被改动的记录。",
        "only a running hub knows that a witness is silent; in history missing and altered entries are found.",
    );
    not_evaluated.push(NotEvaluated { rule: RuleId::R15, is_partly: true, why });
    not_evaluated.sort_by_key(|not| not.rule);
    Report {
        coverage: *evaluator.coverage(),
        budget: rules.budget,
        a_day: rules.budget.a_day(),
        rules: told,
        days,
        busiest_day,
        is_within_budget: busiest_day <= rules.budget.a_day(),
        flagged_accesses: flagged.len(),
        not_evaluated,
        alerts: if lists { alerts } else { Vec::new() },
    }
}

fn tell(out: &mut impl Write, report: &Report, lang: Lang) -> std::io::Result<()> {
    let Coverage { entries, accesses, with_operator, with_case, .. } = report.coverage;
    match lang {
        Lang::Zh => writeln!(
            out,
            "日志 {entries} 条，其中查询 {accesses} 次；注明操作员 {with_operator} 次，注明案件 {with_case} 次"
        )?,
        Lang::En => writeln!(
            out,
            "{entries} entries, {accesses} accesses; {with_operator} name their operator, {with_case} a case"
        )?,
    }
    let head = lang.pick(
        "\n规则   等级       预警   记录   最多一天  名称",
        "\nrule  severity   alerts  entries  busiest day  name",
    );
    writeln!(out, "{head}")?;
    for of in &report.rules {
        let (rule, severity) = (of.rule.as_str(), of.severity.as_str());
        let title = if lang == Lang::Zh { &of.title.zh } else { &of.title.en };
        let off = if of.is_on { "" } else { lang.pick("（关闭）", " (off)") };
        writeln!(
            out,
            "{rule:<5} {severity:<9} {:>7} {:>8} {:>12}  {title}{off}",
            of.alerts, of.entries, of.busiest_day
        )?;
    }
    if !report.days.is_empty() {
        writeln!(out, "\n{}", lang.pick("每天的预警（不计低等级）", "alerts a day (without low ones)"))?;
        for (day, count) in &report.days {
            let over = if *count > report.a_day { lang.pick("  超出", "  over") } else { "" };
            writeln!(out, "{day} {count:>6}{over}")?;
        }
    }
    if !report.not_evaluated.is_empty() {
        writeln!(out, "\n{}", lang.pick("没有评估", "not evaluated"))?;
        for not in &report.not_evaluated {
            let partly = if not.is_partly { lang.pick("部分：", "partly: ") } else { "" };
            let why = if lang == Lang::Zh { &not.why.zh } else { &not.why.en };
            writeln!(out, "{:<5} {partly}{why}", not.rule.as_str())?;
        }
    }
    for alert in &report.alerts {
        let words = if lang == Lang::Zh { &alert.words.zh } else { &alert.words.en };
        let basis = if lang == Lang::Zh { &alert.arithmetic.basis.zh } else { &alert.arithmetic.basis.en };
        let who = alert.who.as_ref().map(ToString::to_string).unwrap_or_default();
        let (observed, threshold) = (alert.arithmetic.observed, alert.arithmetic.threshold);
        writeln!(out, "\n{:>3} {} {who} {}", alert.score, alert.rule.as_str(), alert.raised_at)?;
        writeln!(out, "    {words}\n    {observed} / {threshold}: {basis}")?;
        let indexes: Vec<String> = alert.entries.iter().take(10).map(|entry| entry.index.to_string()).collect();
        writeln!(out, "    {} {}", lang.pick("记录", "entries"), indexes.join(" "))?;
    }
    let Budget { reviewers, alerts_per_reviewer_and_day: each } = report.budget;
    let (busiest, a_day) = (report.busiest_day, report.a_day);
    let mark = if report.is_within_budget { "✓" } else { "✗" };
    match lang {
        Lang::Zh => writeln!(
            out,
            "\n{mark} 最多一天 {busiest} 条；{reviewers} 名审查人每人每天 {each} 条，可处理 {a_day} 条；涉及记录 {} 条",
            report.flagged_accesses
        ),
        Lang::En => writeln!(
            out,
            "\n{mark} at most {busiest} alerts in a day; {reviewers} reviewers with {each} each can carry {a_day}; {} entries are named",
            report.flagged_accesses
        ),
    }
}
