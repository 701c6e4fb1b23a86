//! `hedui log verify`: check a stored log, or one proof of it.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use jiff::Timestamp;

use super::{Source, Unreadable, verifier_key};
use crate::access_log::audit::{Anchor, Cosigned, KeyChange, Report, audit};
use crate::cli::{Global, Lang};
use crate::tlog::offline::OfflineProof;

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  hedui log verify --store hedui.sqlite --vkey access-log.pub --anchor /mnt/elsewhere/access-log.checkpoint\n  hedui log verify --config config/hedui.toml --witness witness.pub\n  hedui log verify --proof 7.tlog-proof --entry 7.json --vkey access-log.pub\n\nExit codes: 0 everything is as it was signed, 1 something is not (the first bad index is named), 2 the command is wrong, 3 a file cannot be read."
)]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// A checkpoint of this log that was kept elsewhere; may be given more than once.
    #[arg(long, value_name = "FILE")]
    anchor: Vec<PathBuf>,
    /// The public key of a witness, or a file that holds it: also fail unless it cosigned the log; may be given
    /// more than once.
    #[arg(long, value_name = "KEY|FILE")]
    witness: Vec<String>,
    /// Also fail when the newest entries are not signed yet, as after a crash.
    #[arg(long)]
    complete: bool,
    /// Check one proof instead of a log.
    #[arg(long, value_name = "FILE", requires = "entry", conflicts_with_all = ["store", "config", "anchor", "witness"])]
    proof: Option<PathBuf>,
    /// The entry that the proof is of.
    #[arg(long, value_name = "FILE", requires = "proof")]
    entry: Option<PathBuf>,
}

/// Runs the command.
pub(super) async fn run(args: Args, global: &Global) -> anyhow::Result<ExitCode> {
    if let (Some(proof), Some(entry)) = (&args.proof, &args.entry) {
        return one_proof(proof, entry, args.source.vkey.as_deref(), global);
    }
    let opened = match args.source.open().await {
        Ok(opened) => opened,
        Err(error) if error.is::<Unreadable>() => return unreadable(&error.to_string(), global),
        Err(error) => return Err(error),
    };
    let mut files = args.anchor.clone();
    if files.is_empty() {
        files.extend(opened.anchor.clone().filter(|file| file.exists()));
    }
    let anchors = files
        .iter()
        .map(|file| {
            let bytes = std::fs::read(file).with_context(|| format!("the anchor {} cannot be read", file.display()))?;
            Ok(Anchor { name: file.display().to_string(), bytes })
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let witnesses = if args.witness.is_empty() { &opened.witnesses } else { &args.witness };
    let witnesses = witnesses.iter().map(|text| verifier_key(text)).collect::<anyhow::Result<Vec<_>>>()?;
    // Former keys alone say nothing about who signs now.
    let former = opened.former.iter().filter(|_| opened.key.is_some());
    let keys: Vec<_> = opened.key.iter().chain(former).cloned().collect();
    let report = match audit(&opened.log, &keys, &anchors, &witnesses).await {
        Ok(report) => report,
        Err(error) => return unreadable(&error.to_string(), global),
    };
    let is_good = report.is_intact && (report.signed == report.entries || !args.complete);
    let mut out = std::io::stdout().lock();
    if global.json {
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
    } else {
        tell(&mut out, &report, is_good, global.lang())?;
    }
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn tell(out: &mut impl Write, report: &Report, is_good: bool, lang: Lang) -> std::io::Result<()> {
    let Report { origin, key, entries, signed, .. } = report;
    match lang {
        Lang::Zh => {
            writeln!(out, "日志 {origin}：{entries} 条，签名头覆盖 {signed} 条")?;
            writeln!(out, "公钥 {key}")?;
        }
        Lang::En => {
            writeln!(out, "log {origin}: {entries} entries, {signed} covered by the signed head")?;
            writeln!(out, "key {key}")?;
        }
    }
    for KeyChange { index, former, current } in &report.key_changes {
        match lang {
            Lang::Zh => writeln!(out, "第 {index} 条：公钥 {former} 由 {current} 接替")?,
            Lang::En => writeln!(out, "entry {index}: the key {former} gave way to {current}")?,
        }
    }
    if report.is_key_from_log {
        let note = lang.pick(
            "  注意：公钥取自日志本身，只能证明前后一致；请用 --vkey 给出另行保存的公钥。",
            "  note: the key is the one that the log names, which proves only that it agrees with itself; give the one you kept with --vkey",
        );
        writeln!(out, "{note}")?;
    }
    match (report.anchored, lang) {
        (Some(size), Lang::Zh) => writeln!(out, "锚点覆盖 {size} 条")?,
        (Some(size), Lang::En) => writeln!(out, "anchors cover {size} entries")?,
        (None, _) => {
            let note = lang.pick(
                "  注意：没有锚点，无法发现整体回退或重写；请用 --anchor 给出。",
                "  note: without an anchor nobody can see that the whole log was taken back or rewritten; give one with --anchor",
            );
            writeln!(out, "{note}")?;
        }
    }
    for Cosigned { witness, size, time, is_key_given } in &report.cosigned {
        let time = i64::try_from(*time).ok().and_then(|time| Timestamp::from_second(time).ok());
        let time = time.map_or_else(String::new, |time| time.to_string());
        match lang {
            Lang::Zh => writeln!(out, "见证 {witness} 于 {time} 联署，覆盖 {size} 条")?,
            Lang::En => writeln!(out, "witness {witness} cosigned {size} entries at {time}")?,
        }
        if !is_key_given {
            let note = lang.pick(
                "  注意：该见证的公钥取自日志本身；请用 --witness 给出另行保存的公钥。",
                "  note: the key of this witness is the one that the log names; give the one you kept with --witness",
            );
            writeln!(out, "{note}")?;
        }
    }
    if signed < entries && report.is_intact {
        match lang {
            Lang::Zh => {
                writeln!(out, "  注意：第 {signed} 条起的 {} 条尚未签名（运行中每秒签一次）", entries - signed)?;
            }
            Lang::En => writeln!(
                out,
                "  note: {} entries from {signed} on are not signed yet (a running hub signs every second)",
                entries - signed
            )?,
        }
    }
    for fault in &report.faults {
        let detail = if lang == Lang::Zh { &fault.detail.zh } else { &fault.detail.en };
        match lang {
            Lang::Zh => writeln!(out, "✗ 第 {} 条 [{}] {detail}", fault.index, fault.code)?,
            Lang::En => writeln!(out, "✗ entry {} [{}] {detail}", fault.index, fault.code)?,
        }
    }
    let verdict = if is_good {
        lang.pick("✓ 与签名一致，没有被改动", "✓ as it was signed; nothing was altered")
    } else if report.is_intact {
        lang.pick("✗ 尚有条目没有签名", "✗ some entries are not signed")
    } else {
        lang.pick("✗ 与签名不一致", "✗ not as it was signed")
    };
    writeln!(out, "{verdict}")
}

/// The file is there and does not read as a log: it was damaged, or is none.
fn unreadable(error: &str, global: &Global) -> anyhow::Result<ExitCode> {
    if global.json {
        let report = serde_json::json!({ "is_intact": false, "faults": [{ "index": 0, "code": "unreadable", "detail": { "zh": error, "en": error } }] });
        writeln!(std::io::stdout().lock(), "{report}")?;
    } else {
        let told = global.lang().pick("✗ 无法作为访问日志读取", "✗ cannot be read as an access log");
        writeln!(std::io::stdout().lock(), "{told}: {error}")?;
    }
    Ok(ExitCode::from(1))
}

fn one_proof(proof: &PathBuf, entry: &PathBuf, vkey: Option<&str>, global: &Global) -> anyhow::Result<ExitCode> {
    let Some(vkey) = vkey else { bail!("give the log's public key: --vkey KEY|FILE") };
    let key = verifier_key(vkey)?;
    let text = std::fs::read(proof).with_context(|| format!("the proof {} cannot be read", proof.display()))?;
    let entry = std::fs::read(entry).with_context(|| format!("the entry {} cannot be read", entry.display()))?;
    let checked = OfflineProof::parse(&String::from_utf8_lossy(&text))
        .and_then(|proof| proof.verify(&entry, &key).map(|head| (proof.index, head.checkpoint().size)));
    let mut out = std::io::stdout().lock();
    match (&checked, global.json, global.lang()) {
        (Ok((index, size)), true, _) => {
            writeln!(out, "{}", serde_json::json!({ "holds": true, "index": index, "size": size }))?;
        }
        (Ok((index, size)), false, Lang::Zh) => {
            writeln!(out, "✓ 该条是 {} 的第 {index} 条（共 {size} 条）", key.name())?;
        }
        (Ok((index, size)), false, Lang::En) => writeln!(out, "✓ this is entry {index} of {} (of {size})", key.name())?,
        (Err(error), true, _) => writeln!(out, "{}", serde_json::json!({ "holds": false, "why": error.to_string() }))?,
        (Err(error), false, lang) => {
            writeln!(out, "✗ {}: {error}", lang.pick("证明不成立", "the proof does not hold"))?;
        }
    }
    Ok(if checked.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
