//! `hedui policy show`: what holds at a place on a day, and where each figure comes from.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use jiff::civil::Date;
use serde_json::{Value, json};

use super::{Side, origin, usable};
use crate::cli::{Global, Lang};
use crate::domain::division::DivisionCode;
use crate::domain::household::{Place, UrbanRural};
use crate::policy::divisions::{self, Level};
use crate::policy::values::FIELDS;
use crate::policy::{Effective, Packs};

/// What to show.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  hedui policy show --place 152201 --on 2025-03-15
  hedui policy show --place 152202 --on 2025-03-15 --rural --packs config/policies

Each figure is told with its level, file and line, first day, status and source. Exit code 0: a verdict is possible;
1: parameters are missing, and they are named.")]
pub struct Args {
    /// Division code of GB/T 2260.
    #[arg(long, value_name = "CODE", value_parser = divisions::parse)]
    place: DivisionCode,
    /// The day; today in China when absent.
    #[arg(long, value_name = "DATE")]
    on: Option<Date>,
    /// Town (the default) or country.
    #[command(flatten)]
    side: Side,
    /// A variant, by its name or that of its pack.
    #[arg(long, value_name = "NAME")]
    pack: Option<String>,
    /// Folder of packs to use instead of the shipped ones.
    #[arg(long, value_name = "DIR")]
    packs: Option<PathBuf>,
}

/// Shows, and writes what there is to say.
pub fn run(args: &Args, global: &Global, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let packs = match &args.packs {
        Some(dir) => usable(Packs::load(dir), global)?,
        None => Packs::shipped(),
    };
    let on = args.on.unwrap_or_else(super::today);
    let place = Place { division_code: args.place, urban_rural: args.side.chosen().unwrap_or(UrbanRural::Urban) };
    let lang = global.lang();
    let effective = packs.effective_figures(place, on, args.pack.as_deref()).map_err(|unavailable| {
        let text = unavailable.text();
        anyhow::anyhow!(lang.pick(&text.zh, &text.en).to_owned())
    })?;
    let others = packs.choices(place, on);
    if global.json {
        serde_json::to_writer_pretty(&mut *out, &document(&effective, &others))?;
        writeln!(out)?;
    } else {
        tell(out, &effective, &others, lang)?;
    }
    Ok(ExitCode::from(u8::from(!effective.missing().is_empty())))
}

fn document(effective: &Effective, choices: &[String]) -> Value {
    let figures: Vec<Value> = FIELDS
        .iter()
        .filter_map(|field| {
            let provenance = effective.provenance.get(field)?;
            let level = provenance.division.map(Level::of);
            let value = effective.value(field)?;
            let mut figure = json!({"field": field, "value": value, "level": level, "line": provenance.line});
            let from = serde_json::to_value(provenance).expect("a provenance holds only strings and numbers");
            figure.as_object_mut()?.extend(from.as_object().cloned().unwrap_or_default());
            Some(figure)
        })
        .collect();
    let digest = effective.parameters().ok().map(|parameters| parameters.digest().to_owned());
    json!({
        "name": effective.name,
        "title": effective.title,
        "place": effective.place,
        "on": effective.on,
        "digest": digest,
        "missing": effective.missing(),
        "packs": choices,
        "figures": figures,
    })
}

fn tell(out: &mut impl Write, effective: &Effective, choices: &[String], lang: Lang) -> std::io::Result<()> {
    let place = effective.place.division_code;
    writeln!(out, "{}  {}  {place} {}  {}", effective.name, effective.title, divisions::name(place), effective.on)?;
    if divisions::find(place).is_none() {
        writeln!(out, "{}", lang.pick("GB/T 2260 没有这个代码", "this code is not in GB/T 2260"))?;
    }
    if let Ok(parameters) = effective.parameters() {
        writeln!(out, "sha-256 {}", parameters.digest())?;
    }
    if choices.len() > 1 {
        writeln!(out, "{} {}", lang.pick("该地可选：", "to choose from:"), choices.join(", "))?;
    }
    writeln!(out)?;
    let is_zh = lang == Lang::Zh;
    for field in FIELDS {
        let (Some(provenance), Some(value)) = (effective.provenance.get(field), effective.value(field)) else {
            continue;
        };
        writeln!(out, "  {field:<40} {}", in_words(&value, lang))?;
        let from = provenance.effective_from.map(|day| day.to_string()).unwrap_or_default();
        let to = provenance.effective_to.map(|day| format!(" – {day}")).unwrap_or_default();
        writeln!(out, "      {}  {from}{to}  {}", origin(provenance, is_zh), provenance.status)?;
        writeln!(out, "      {}", provenance.source.as_deref().unwrap_or_default())?;
        if let Some(note) = &provenance.note {
            writeln!(out, "      {}{note}", lang.pick("注：", "note: "))?;
        }
    }
    let missing = effective.missing();
    if missing.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n  {}",
        lang.pick("缺少，因此结论为 PENDING_PARAMETER：", "missing, so verdicts are PENDING_PARAMETER:")
    )?;
    for field in missing {
        let parameter = crate::policy::dictionary::find(field);
        let meaning = parameter.map_or("", |parameter| lang.pick(parameter.zh, parameter.en));
        writeln!(out, "  ✗ {field:<40} {meaning}")?;
    }
    Ok(())
}

/// A value in one line: a standard with its unit, everything else as it is published.
pub(super) fn in_words(value: &Value, lang: Lang) -> String {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    if let (Some(amount), Some(period)) = (text("amount"), text("period")) {
        let per = match period {
            "MONTH" => lang.pick("元/月", "yuan a month"),
            _ => lang.pick("元/年", "yuan a year"),
        };
        return format!("{amount} {per}");
    }
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(|item| in_words(item, lang)).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            let each = members.iter().map(|(name, value)| format!("{name} {}", in_words(value, lang)));
            each.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
