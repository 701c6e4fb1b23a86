//! `hedui sample`: draw a double-random sample again from a log, without a hub, and say whether it is the same.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Subcommand;

use super::log::Source;
use super::obstacle::{self, Obstacle};
use super::{Global, Lang};
use crate::domain::hex::hex;
use crate::review::entry::Entry;
use crate::review::sample::{Framing, Manifest, draw};
use crate::tlog::Hash;
use crate::tlog::tile::{TILE_WIDTH, TileCoordinate, TilePath, decode_bundle};
use crate::tlog::tree::Tree;

/// What to do with samples.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Draw a sample again from a log and compare it with its manifest.
    Verify(Args),
}

/// Arguments of `hedui sample verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  hedui sample verify --manifest manifest.json --export access-log
  hedui sample verify --manifest manifest.json --store copy.sqlite

The manifest is the member `manifest` of `GET /v1/samples/{id}`, or the whole answer. First check the log itself with
`hedui log verify`, or SHA256SUMS and verify.html of an export.
Exit codes: 0 the same sample, 1 not the same (what differs is named), 2 the command is wrong, 3 a file cannot be read.")]
pub struct Args {
    /// The manifest.
    #[arg(long, value_name = "FILE")]
    manifest: PathBuf,
    /// A folder that `hedui log export` wrote.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["store", "config"])]
    export: Option<PathBuf>,
    #[command(flatten)]
    source: Source,
}

/// Runs the command.
pub async fn run(command: Command, global: &Global) -> anyhow::Result<ExitCode> {
    let Command::Verify(args) = command;
    let manifest = manifest(&args.manifest)?;
    let mut redo = Redo::new(&manifest);
    if let Some(folder) = &args.export {
        read_export(folder, &mut redo)?;
    } else {
        let log = args.source.open().await?.log;
        let mut next = 0;
        loop {
            let rows = log.entries(next).await?;
            let Some(last) = rows.last() else { break };
            next = last.index + 1;
            for row in &rows {
                redo.see(row.body.as_bytes());
            }
        }
    }
    let faults = redo.faults(&manifest);
    let mut out = std::io::stdout().lock();
    if global.json {
        writeln!(
            out,
            "{}",
            serde_json::json!({ "is_same": faults.is_empty(), "digest": manifest.digest(), "entries": manifest.entries.len(), "faults": faults })
        )?;
    } else {
        tell(&mut out, &manifest, &faults, global.lang())?;
    }
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn manifest(file: &Path) -> anyhow::Result<Manifest> {
    #[derive(serde::Deserialize)]
    struct Answer {
        manifest: Manifest,
    }
    let text = obstacle::read_text(file, ("清单", "manifest"))?;
    let whole = serde_json::from_str::<Answer>(&text).map(|answer| answer.manifest);
    whole
        .or_else(|_| serde_json::from_str(&text))
        .with_context(|| {
            let path = file.display();
            Obstacle::new(
                format!("{path} 不是抽查清单；应为 `GET /v1/samples/{{id}}` 的答复或其中的 `manifest`"),
                format!("{path} is not the manifest of a sample: it is the answer of `GET /v1/samples/{{id}}`, or its `manifest`"),
            )
        })
}

/// A draw that is done again while the log is read.
struct Redo {
    framing: Framing,
    tree: Tree,
    size: u64,
    root: Option<Hash>,
    unreadable: Option<u64>,
}

/// Something that is not as it must be.
#[derive(Debug, serde::Serialize)]
struct Fault {
    code: &'static str,
    zh: String,
    en: String,
}

impl Redo {
    fn new(manifest: &Manifest) -> Self {
        Self {
            framing: Framing::new(&manifest.sample, manifest.plan.clone()),
            tree: Tree::new(),
            size: manifest.plan.tree_size,
            root: None,
            unreadable: None,
        }
    }

    fn see(&mut self, body: &[u8]) {
        let (index, leaf) = (self.tree.size(), Hash::leaf(body));
        self.tree.append(leaf, &mut Vec::new());
        if self.tree.size() == self.size {
            self.root = Some(self.tree.root());
        }
        let entry = std::str::from_utf8(body).ok().and_then(|body| Entry::read(index, body).ok());
        if let Some(entry) = entry {
            self.framing.see(&entry, &hex(leaf.as_bytes()));
        } else {
            self.unreadable.get_or_insert(index);
        }
    }

    /// What of the manifest does not follow from the log.
    fn faults(self, manifest: &Manifest) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |code, zh: String, en: String| faults.push(Fault { code, zh, en });
        if let Some(index) = self.unreadable {
            fault(
                "unreadable_entry",
                format!("日志第 {index} 条无法读取。"),
                format!("entry {index} of the log cannot be read."),
            );
        }
        let Some(root) = self.root else {
            let size = self.tree.size();
            fault(
                "log_too_short",
                format!("日志只有 {size} 条，清单需要 {} 条。", self.size),
                format!("the log has {size} entries and the manifest needs {}.", self.size),
            );
            return faults;
        };
        let (frame, found) = self.framing.finish();
        match &found.plan {
            Some((index, plan)) if *plan == manifest.plan && *index < self.size => {}
            Some((index, _)) => fault(
                "plan_differs",
                format!("日志第 {index} 条冻结的是另一个方案。"),
                format!("entry {index} of the log froze another plan."),
            ),
            None => fault(
                "not_frozen",
                "日志中没有冻结这次抽查的记录。".to_owned(),
                "the log has no entry that froze this sample.".to_owned(),
            ),
        }
        let before: Vec<_> = found.dice.iter().filter(|(index, _)| *index < self.size).map(|(_, dice)| dice).collect();
        if !matches!(before.as_slice(), [first, second] if first.by != second.by && [*first, *second] == [&manifest.dice[0], &manifest.dice[1]])
        {
            fault(
                "dice_differ",
                "日志中在种子确定之前由两人投出的数字与清单不符。".to_owned(),
                "the dice that two people typed before the seed was known are not those of the manifest.".to_owned(),
            );
        }
        match &found.drawn {
            Some((_, digest)) if *digest == manifest.digest() => {}
            Some((index, _)) => fault(
                "digest_differs",
                format!("日志第 {index} 条记的是另一份清单的摘要。"),
                format!("entry {index} of the log has the digest of another manifest."),
            ),
            None => fault(
                "not_drawn",
                "日志中没有这份清单的摘要。".to_owned(),
                "the log has no digest of this manifest.".to_owned(),
            ),
        }
        match draw(&manifest.sample, &manifest.plan, &root.to_string(), manifest.dice.clone(), &frame) {
            Ok(again) => {
                if let Some((line, here, there)) = again.first_difference(manifest) {
                    fault(
                        "sample_differs",
                        format!("第 {line} 行不同：重抽为 {here}，清单为 {there}"),
                        format!("line {line} differs: drawn again it is {here}, in the manifest {there}"),
                    );
                }
            }
            Err(error) => {
                fault("cannot_draw", format!("无法重抽：{error}"), format!("it cannot be drawn again: {error}"));
            }
        }
        faults
    }
}

/// Reads the entries of an exported log, bundle by bundle.
fn read_export(folder: &Path, redo: &mut Redo) -> anyhow::Result<()> {
    let checkpoint = folder.join("checkpoint");
    let text = obstacle::read_text(&checkpoint, ("检查点", "checkpoint"))?;
    let Some(size) = text.lines().nth(1).and_then(|line| line.parse::<u64>().ok()) else {
        let path = checkpoint.display();
        bail!(Obstacle::new(format!("{path} 不是日志的检查点"), format!("{path} is no checkpoint of a log")));
    };
    let mut read = 0;
    while read < size {
        let coordinate = TileCoordinate { level: 0, index: read / TILE_WIDTH as u64 };
        let width = coordinate.width(size);
        let path = TilePath { entries: true, coordinate, width };
        let file = folder.join(format!("tile/{path}"));
        let bytes = obstacle::read(&file, ("日志文件", "file of the log"))?;
        let path = file.display();
        let entries = decode_bundle(&bytes).with_context(|| {
            Obstacle::new(format!("{path} 不是日志条目的文件"), format!("{path} is no bundle of entries"))
        })?;
        if entries.len() != width {
            let found = entries.len();
            bail!(Obstacle::new(
                format!("{path} 有 {found} 条，应为 {width} 条：导出不完整，请重新导出"),
                format!("{path} has {found} entries and should have {width}: the export is not whole, make it again"),
            ));
        }
        for entry in entries {
            redo.see(entry);
        }
        read += width as u64;
    }
    Ok(())
}

fn tell(out: &mut impl Write, manifest: &Manifest, faults: &[Fault], lang: Lang) -> std::io::Result<()> {
    let (sample, drawn, frame) = (&manifest.sample, manifest.entries.len(), manifest.frame);
    match lang {
        Lang::Zh => writeln!(out, "抽查 {sample}：{frame} 条中抽 {drawn} 条，清单摘要 {}", manifest.digest())?,
        Lang::En => writeln!(out, "sample {sample}: {drawn} of {frame} accesses, digest {}", manifest.digest())?,
    }
    for fault in faults {
        writeln!(out, "✗ [{}] {}", fault.code, if lang == Lang::Zh { &fault.zh } else { &fault.en })?;
    }
    let verdict = if faults.is_empty() {
        lang.pick("✓ 重抽结果与清单完全相同", "✓ drawn again it is the same, to the letter")
    } else {
        lang.pick("✗ 与清单不同", "✗ not the same")
    };
    writeln!(out, "{verdict}")
}
