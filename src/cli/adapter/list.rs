//! `hedui adapter list`: the adapters as the store keeps them, for an operator on the hub's machine. Counts and times only.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::obstacle::{self, Obstacle};
use crate::cli::{Global, Lang, told};
use crate::config::Config;
use crate::domain::adapter::AdapterState;
use crate::domain::clock::{Clock, SystemClock};
use crate::domain::period::{date_in_china, time_in_china};
use crate::service::adapters::{AdapterRecord, ShadowView, SustainedView, shadow_view, sustained, used_view};
use crate::store::{ChangeDesk, CounterRow};

/// Shows one adapter, or all.
pub(super) async fn show(config: &Config, id: Option<&str>, global: &Global) -> anyhow::Result<ExitCode> {
    let file = &config.store.path;
    obstacle::is_there(file, ("数据库", "database"))?;
    let desk = ChangeDesk::open(file).await?;
    let mut records: Vec<AdapterRecord> = Vec::new();
    for row in desk.adapters().await? {
        records.push(AdapterRecord::of(&row)?);
    }
    records.sort_by(|one, other| (&one.department, one.number).cmp(&(&other.department, other.number)));
    let counters = desk.counters().await?;
    let days = config.registry.as_ref().map_or(0, |registry| registry.sustained_days);
    let wanted: Vec<&AdapterRecord> = records.iter().filter(|record| id.is_none_or(|id| record.id == id)).collect();
    if let Some(id) = id.filter(|_| wanted.is_empty()) {
        anyhow::bail!(Obstacle::new(
            format!("没有编号为 `{}` 的已登记适配器；hedui adapter list 可列出全部", id.escape_debug()),
            format!("no adapter `{}` is registered; `hedui adapter list` shows all", id.escape_debug()),
        ))
    }
    let (mut out, lang) = (std::io::stdout().lock(), global.lang());
    if global.json {
        let all: Vec<Value> = wanted
            .iter()
            .map(|record| {
                let (used, shadow) = counts(&counters, record);
                json!({ "adapter": record, "used": used, "shadow": shadow, "sustained": held(&counters, record, days) })
            })
            .collect();
        writeln!(out, "{}", Value::Array(all))?;
        return Ok(ExitCode::SUCCESS);
    }
    for record in wanted {
        let (used, shadow) = counts(&counters, record);
        tell(&mut out, record, &used, shadow.as_ref(), lang)?;
        if let Some(held) = held(&counters, record, days) {
            writeln!(out, "  {}", lang.pick(&held.told.zh, &held.told.en))?;
        }
    }
    if id.is_none() {
        for adapter in &config.adapters {
            let (zh, en) = ("配置文件", "configuration file");
            writeln!(out, "{}-file  {}  {}", adapter.department, lang.pick(zh, en), adapter.endpoint)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// How far an adapter holds while it is a shadow.
fn held(counters: &[CounterRow], record: &AdapterRecord, days: u32) -> Option<SustainedView> {
    let own = counters.iter().filter(|row| row.owner == record.id);
    let counts = own.map(|row| (row.name.clone(), u64::try_from(row.value).unwrap_or_default())).collect();
    (record.state == AdapterState::Shadow).then(|| sustained(&counts, date_in_china(SystemClock.now()), days))
}

/// What is used of an adapter's quotas, and how far it agreed as a shadow.
fn counts(counters: &[CounterRow], record: &AdapterRecord) -> (BTreeMap<String, u64>, Option<ShadowView>) {
    let of = |owner: &str| -> BTreeMap<String, u64> {
        let own = counters.iter().filter(|row| row.owner == owner);
        own.map(|row| (row.name.clone(), u64::try_from(row.value).unwrap_or_default())).collect()
    };
    let own = of(&record.id);
    let used = record.quota_owner().map(|owner| used_view(of(owner))).unwrap_or_default();
    (used, shadow_view(&own))
}

/// A quota as its counter is named (`day/all/any`), in words.
pub(super) fn limit(quota: &str, lang: Lang) -> String {
    let word = |part: &str| match part {
        "hour" => lang.pick("每小时", "an hour").to_owned(),
        "day" => lang.pick("每日", "a day").to_owned(),
        "all" => lang.pick("全部调用方", "all callers").to_owned(),
        "each" | "caller" => lang.pick("调用方", "caller").to_owned(),
        "any" => lang.pick("各用途合计", "all purposes").to_owned(),
        other => other.to_owned(),
    };
    let words: Vec<String> = quota.split('/').map(word).collect();
    words.join(" ")
}

fn tell(
    out: &mut impl Write,
    record: &AdapterRecord,
    used: &BTreeMap<String, u64>,
    shadow: Option<&ShadowView>,
    lang: Lang,
) -> std::io::Result<()> {
    let state = lang.pick(record.state.zh(), record.state.as_str());
    writeln!(out, "{}  {state}  {}  {}", record.id, record.endpoint, record.version)?;
    if let Some(report) = &record.conformance {
        writeln!(
            out,
            "  {}L{}  {}",
            lang.pick("一致性 ", "conformance "),
            record.level().unwrap_or(report.level),
            time_in_china(report.made_at)
        )?;
    }
    if let Some(demotion) = record.demotion.as_ref().filter(|_| record.is_on_trial()) {
        let (zh, en) = demotion.stands_in.as_ref().map_or_else(
            || ("暂无版本顶替".to_owned(), "nobody stands in".to_owned()),
            |other| (format!("由 {other} 顶替"), format!("{other} stands in")),
        );
        let label = lang.pick("已自动降级，", "demoted by the hub, ");
        writeln!(out, "  {label}{}  {}", lang.pick(&zh, &en), time_in_china(demotion.at))?;
    }
    if let Some(notice) = record.notice.as_ref().filter(|_| record.state.is_paused()) {
        writeln!(out, "  {}{}", lang.pick("告知 ", "notice "), lang.pick(&notice.zh, &notice.en))?;
    }
    if record.agreed.is_some() {
        writeln!(out, "  {}", lang.pick("部门已自行收紧约定", "its department has tightened the terms by itself"))?;
    }
    for pin in &record.pins {
        writeln!(out, "  {}{}", lang.pick("公钥 ", "key "), pin.as_str())?;
    }
    if let Some(key) = &record.answer_key {
        writeln!(out, "  {}{}", lang.pick("答复签名公钥 ", "answers' key "), key.public().id())?;
    }
    for (quota, count) in used {
        let (zh, en) =
            (format!("已用 {count}（{}）", limit(quota, lang)), format!("used {count} ({})", limit(quota, lang)));
        writeln!(out, "  {}", lang.pick(&zh, &en))?;
    }
    if let Some(shadow) = shadow {
        let percent = shadow
            .agreement_permille
            .map_or_else(|| "–".to_owned(), |permille| format!("{}.{} %", permille / 10, permille % 10));
        let (zh, en) = (format!("提问 {} 次", shadow.asked), format!("asked {} times", shadow.asked));
        let label = lang.pick("影子一致率 ", "shadow agreement ");
        writeln!(out, "  {label}{percent}  ({})", lang.pick(&zh, &en))?;
        for (dataset, counted) in &shadow.datasets {
            let (agreed, differed) = (counted.agreed, counted.differed);
            let (zh, en) =
                (format!("一致 {agreed}，不一致 {differed}"), format!("agreed {agreed}, differed {differed}"));
            writeln!(out, "    {dataset}  {}", lang.pick(&zh, &en))?;
        }
        for (reason, count) in &shadow.missed {
            let why = told::gap(reason, lang);
            writeln!(out, "    {}{why} {count}", lang.pick("未答：", "missed: "))?;
        }
    }
    if let Some(step) = record.steps.last() {
        let by = if step.approvers.is_empty() {
            step.entered_by.clone()
        } else {
            step.approvers.join(lang.pick("、", ", "))
        };
        writeln!(out, "  {}  {by}", time_in_china(step.at))?;
    }
    Ok(())
}
