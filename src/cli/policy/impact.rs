//! `hedui policy impact`: who of a population would move circle and money under other rules.

mod population;
mod report;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::bail;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use jiff::civil::Date;

use super::Side;
use super::selector::{HELP, Selected, Selector};
use crate::cli::Global;
use crate::domain::dataset::Catalogue;
use crate::domain::household::UrbanRural;
use crate::policy::Parameters;
use crate::service::policies::impact::{Impact, Rules};
use population::{Recorded, Synthetic};

/// What to weigh.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("\
Examples:
  hedui policy impact --from 150200@2022-12-31 --to 150200@2023-01-01 --households 100000
  hedui policy impact --from 152201@2024-12-31 --to config/policies/152201/2025-01-01.toml --population households.ndjson

{HELP}
Every household is judged by both packs on the same facts and the same day, so that only the rules differ. A population
file is a file of cases, or one case a line; what it says of other places is left out and counted. Without one, households
are drawn around the lines of the place from a seed: their shares are not those of a real county, but the same seed gives
the same figures. Nothing is kept of a household but its count, so any number takes the same memory."))]
pub struct Args {
    /// The rules now.
    #[arg(long, value_name = "A")]
    from: Selector,
    /// The rules to come.
    #[arg(long, value_name = "B")]
    to: Selector,
    /// Households with what is known of them, as cases.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["households", "seed"])]
    population: Option<PathBuf>,
    /// How many households to draw.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    households: u64,
    /// The seed they are drawn from.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// The day on which all are judged. When absent: each case's own day, and for drawn households the day of B.
    #[arg(long, value_name = "DATE")]
    on: Option<Date>,
    /// Town or country; both when absent.
    #[command(flatten)]
    side: Side,
    /// Folder of packs to use instead of the shipped ones.
    #[arg(long, value_name = "DIR")]
    packs: Option<PathBuf>,
    /// Threads; all cores when absent.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    threads: Option<u16>,
}

/// Both packs on one side.
struct Pair {
    side: UrbanRural,
    from: Option<Parameters>,
    to: Option<Parameters>,
}

impl Pair {
    const fn rules(&self) -> Rules<'_> {
        Rules { from: self.from.as_ref(), to: self.to.as_ref() }
    }
}

/// Weighs, and writes what there is to say.
pub fn run(args: &Args, global: &Global, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let from = Selected::find(&args.from, args.packs.as_deref(), global)?;
    let to = Selected::find(&args.to, args.packs.as_deref(), global)?;
    let lang = global.lang();
    if from.division != to.division {
        bail!("{}", lang.pick("--from 和 --to 应是同一地", "--from and --to must be of one place"));
    }
    let mut pairs = Vec::new();
    for side in args.side.all() {
        let (before, after) = (from.effective(side, global)?, to.effective(side, global)?);
        let pair = Pair { side, from: before.parameters().ok(), to: after.parameters().ok() };
        if pair.from.is_some() || pair.to.is_some() {
            pairs.push(pair);
        } else if args.side.chosen().is_some() || side == UrbanRural::Rural && pairs.is_empty() {
            let missing = after.missing().join(", ");
            let says = lang.pick("两套规则都不能作出结论，缺少", "neither pack gives a verdict, for want of");
            bail!("{} {says} {missing}", to.label);
        }
    }
    let threads = args.threads.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from);
    let started = Instant::now();
    let (impact, population) = if let Some(path) = &args.population {
        let recorded = Recorded { path, pairs: &pairs, division: to.division, on: args.on };
        let progress = progress(None);
        let judged = recorded.judge(threads, &Catalogue::shipped(), &progress)?;
        progress.finish_and_clear();
        (judged.impact, report::Population::File { path, elsewhere: judged.elsewhere, faults: judged.faults })
    } else {
        let synthetic = Synthetic::new(&pairs, to.division, args.on.unwrap_or(to.on), args.seed)?;
        let progress = progress(Some(args.households));
        let impact = draw_and_judge(&synthetic, args.households, threads, &progress);
        progress.finish_and_clear();
        (impact, report::Population::Drawn { seed: args.seed })
    };
    let report = report::Report {
        from: &from.label,
        to: &to.label,
        impact: &impact,
        population,
        elapsed: started.elapsed(),
        threads,
    };
    if global.json {
        serde_json::to_writer_pretty(&mut *out, &report.json())?;
        writeln!(out)?;
    } else {
        report.tell(out, lang)?;
    }
    let is_whole = !matches!(&report.population, report::Population::File { faults, .. } if faults.count > 0);
    Ok(ExitCode::from(u8::from(!is_whole)))
}

fn progress(households: Option<u64>) -> ProgressBar {
    // On standard error, and nothing at all where that is no terminal.
    let bar = households.map_or_else(ProgressBar::no_length, ProgressBar::new);
    let template = "{elapsed_precise} {wide_bar} {human_pos}/{human_len} {rate} {eta}";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style.with_key("rate", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        // A line that cannot be drawn is not worth a failure.
        write!(out, "{:.0}/s", state.per_sec()).unwrap_or_default();
    }))
}

/// Households drawn by one thread at a time.
const PART: u64 = 1_000;

fn draw_and_judge(synthetic: &Synthetic<'_>, households: u64, threads: usize, progress: &ProgressBar) -> Impact {
    let next = AtomicU64::new(0);
    let work = || {
        let mut impact = Impact::default();
        loop {
            let first = next.fetch_add(PART, Ordering::Relaxed);
            if first >= households {
                return impact;
            }
            let size = PART.min(households - first);
            synthetic.judge_part(first, size, &mut impact);
            progress.inc(size);
        }
    };
    let mut impact = Impact::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            impact.add(worker.join().expect("judging a household does not panic"));
        }
    });
    impact
}

#[cfg(test)]
mod tests;
