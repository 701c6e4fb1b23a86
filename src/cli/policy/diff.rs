//! `hedui policy diff`: two packs, parameter by parameter: old, new, change in yuan and percent, sources.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::selector::{HELP, Selected, Selector};
use super::show::in_words;
use super::{Side, origin, side_words};
use crate::cli::{Global, Lang};
use crate::policy::diff::{Change, Valued, diff};

/// What to compare.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("\
Examples:
  hedui policy diff 150200@2022-12-31 150200@2023-01-01
  hedui policy diff 152201@2024-12-31 config/policies/152201/2025-01-01.toml --rural

{HELP}
Exit code 0 whether or not they differ; --json gives exact fractions."))]
pub struct Args {
    /// The old pack.
    #[arg(value_name = "A")]
    old: Selector,
    /// The new pack.
    #[arg(value_name = "B")]
    new: Selector,
    /// Town or country; both when absent.
    #[command(flatten)]
    side: Side,
    /// Folder of packs to use instead of the shipped ones.
    #[arg(long, value_name = "DIR")]
    packs: Option<PathBuf>,
}

/// Compares, and writes what there is to say.
pub fn run(args: &Args, global: &Global, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let old = Selected::find(&args.old, args.packs.as_deref(), global)?;
    let new = Selected::find(&args.new, args.packs.as_deref(), global)?;
    let mut compared = Vec::new();
    for side in args.side.all() {
        let (before, after) = (old.effective(side, global)?, new.effective(side, global)?);
        compared.push((side, diff(&before, &after), (before.missing(), after.missing())));
    }
    if global.json {
        let sides: Vec<Value> = compared
            .iter()
            .map(|(side, changes, (old, new))| {
                json!({"urban_rural": side, "changes": changes, "missing": {"old": old, "new": new}})
            })
            .collect();
        serde_json::to_writer_pretty(&mut *out, &json!({"old": old.label, "new": new.label, "sides": sides}))?;
        writeln!(out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let lang = global.lang();
    writeln!(out, "{} → {}", old.label, new.label)?;
    for (side, changes, (before, after)) in &compared {
        let (zh, en) = side_words(*side);
        writeln!(out, "\n{}", lang.pick(zh, en))?;
        if changes.is_empty() {
            writeln!(out, "  {}", lang.pick("没有差别", "no difference"))?;
        }
        for change in changes {
            tell(out, change, lang)?;
        }
        for (label, missing) in [(&old.label, before), (&new.label, after)] {
            if !missing.is_empty() {
                let says = lang.pick("还不能作出结论，缺少", "gives no verdict yet, for want of");
                writeln!(out, "  {label}: {says} {}", missing.join(", "))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(out: &mut impl Write, change: &Change, lang: Lang) -> std::io::Result<()> {
    let absent = lang.pick("（无）", "(none)");
    let value = |valued: &Option<Valued>| {
        valued.as_ref().map_or_else(|| absent.to_owned(), |valued| in_words(&valued.value, lang))
    };
    if change.is_changed {
        writeln!(out, "  {}: {} → {}", change.field, value(&change.old), value(&change.new))?;
    } else {
        let same = lang.pick("数值不变，出处改变", "same value, other source");
        writeln!(out, "  {}: {} ({same})", change.field, value(&change.new))?;
    }
    for amount in &change.amounts {
        let percent = amount.percent.map(|percent| format!("  {percent}")).unwrap_or_default();
        let of = match (amount.of.as_str(), lang) {
            ("month", Lang::Zh) => "每月",
            ("year", Lang::Zh) => "每年",
            ("limit", Lang::Zh) => "上限",
            ("month", Lang::En) => "a month",
            ("year", Lang::En) => "a year",
            (other, _) => other,
        };
        writeln!(out, "      {} {}{percent}  ({of})", amount.change, lang.pick("元", "yuan"))?;
    }
    for (mark, valued) in [("-", &change.old), ("+", &change.new)] {
        let Some(Valued { provenance, .. }) = valued else { continue };
        let (from, source) = (origin(provenance, lang == Lang::Zh), provenance.source.as_deref().unwrap_or_default());
        writeln!(out, "      {mark} {from}  {}  {source}", provenance.status)?;
    }
    Ok(())
}
