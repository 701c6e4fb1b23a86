//! What becomes of the hub when it is asked three times what it can answer, while all departments stall for ten seconds,
//! and afterwards. And what a household costs when many share queries.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::body::Bytes;

use super::lines::Lines;
use super::load::{self, Target};
use super::measure::{
    BACKEND_PORT, HUB_PORT, MONITOR_PORT, Process, cpu_nanoseconds, start, until_listening, write_down,
};
use super::{household, hub};

/// Seconds of the whole overload, of which the departments stall a quarter; half as many afterwards, at seven tenths of
/// what the hub can.
const OVERLOAD: u64 = 40;
/// Requests by which is measured what it can, and by which a household's cost is.
const COUNT: u64 = 6_000;
/// Connections by which is measured what it can, and most that the overload comes over.
const CONNECTIONS: u64 = 32;
const LINES: usize = 6_000;
/// Whoever is answered later than this has been kept waiting for nothing.
const USEFUL: Duration = Duration::from_secs(2);

/// What was seen in one second.
#[derive(Default)]
struct Second {
    sent: AtomicU64,
    /// Answered in time to be of use.
    answered: AtomicU64,
    late: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    /// The longest of those answered that were sent in it, microseconds.
    longest: AtomicU64,
}

/// Departments and a hub whose settings differ from the trial's.
struct Contenders {
    folder: PathBuf,
    backend: Process,
    hub: Process,
    target: Target,
}

async fn contenders(name: &str, change: impl Fn(&str) -> String) -> Contenders {
    let folder = std::env::temp_dir().join(format!("hedui-{name}-{}", std::process::id()));
    let config = hub::write_trial(&folder, HUB_PORT, MONITOR_PORT, BACKEND_PORT).config;
    let text = std::fs::read_to_string(&config).expect("the configuration");
    std::fs::write(&config, change(&text)).expect("the configuration is written");
    let own = std::env::current_exe().expect("this executable");
    let keys = folder.join("keys");
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let backend = words(&["role-backend", &keys.to_string_lossy(), &BACKEND_PORT.to_string(), "0"]);
    let backend = start(1, &own, &backend, &folder);
    until_listening(BACKEND_PORT + 15).await;
    let program = PathBuf::from(env!("CARGO_BIN_EXE_hedui"));
    let hub = start(0, &program, &words(&["serve", "--config", &config.to_string_lossy()]), &folder);
    until_listening(HUB_PORT).await;
    let target = Target::hub(&keys, HUB_PORT);
    Contenders { folder, backend, hub, target }
}

/// A number among the arguments: `name=…`.
fn number(arguments: &[String], name: &str, otherwise: u64) -> u64 {
    let given = arguments.iter().find_map(|argument| argument.strip_prefix(name)?.strip_prefix('='));
    given.map_or(otherwise, |text| text.parse().expect("a number"))
}

fn bodies(from: u64, count: u64) -> Arc<dyn Fn(u64) -> Vec<u8> + Send + Sync> {
    let bodies: Vec<Vec<u8>> =
        (from..from + count).map(|index| household::request(index, index).to_string().into_bytes()).collect();
    Arc::new(move |index| bodies[usize::try_from(index).expect("an index") % bodies.len()].clone())
}

fn signal(process: &Process, name: &str) {
    let sent = std::process::Command::new("kill").arg(name).arg(process.id().to_string()).status();
    assert!(sent.expect("kill runs").success());
}

/// Sends at a rate for so many seconds, whether or not anything comes back; `each` is called as a second begins. What a
/// request waits for a connection is part of how long it took.
async fn open_loop(
    lines: &Arc<Lines>,
    rate: f64,
    seconds: u64,
    fresh: u64,
    mut each: impl FnMut(u64),
) -> Vec<Arc<Second>> {
    let all: Vec<Arc<Second>> = (0..seconds).map(|_| Arc::default()).collect();
    let count = (rate * seconds as f64) as u64;
    let bodies: Vec<Bytes> =
        (fresh..fresh + count).map(|index| household::request(index, index).to_string().into_bytes().into()).collect();
    let mut asking = tokio::task::JoinSet::new();
    let begun = tokio::time::Instant::now();
    let mut second = u64::MAX;
    for (index, body) in bodies.into_iter().enumerate() {
        let due = Duration::from_secs_f64(index as f64 / rate);
        tokio::time::sleep_until(begun + due).await;
        if due.as_secs() != second {
            second = due.as_secs();
            each(second);
        }
        let (seen, lines) = (Arc::clone(&all[usize::try_from(second).expect("a second")]), Arc::clone(lines));
        asking.spawn(async move {
            seen.sent.fetch_add(1, Ordering::Relaxed);
            let status = lines.post(body).await;
            let took = (begun + due).elapsed();
            let counted = match status {
                Some(200..=299) if took <= USEFUL => &seen.answered,
                Some(200..=299) => &seen.late,
                Some(503) => &seen.refused,
                _ => &seen.failed,
            };
            counted.fetch_add(1, Ordering::Relaxed);
            if matches!(status, Some(200..=299)) {
                seen.longest.fetch_max(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
            }
        });
    }
    drop(tokio::time::timeout(Duration::from_secs(30), async { while asking.join_next().await.is_some() {} }).await);
    all
}

/// Three times overload with a stall, and back. Arguments: `seconds=`, `count=`; what is shorter than in full writes nothing.
pub(crate) async fn overload(arguments: &[String]) {
    let seconds = number(arguments, "seconds", OVERLOAD).max(8);
    let count = number(arguments, "count", COUNT);
    let (stall, afterwards) = ((seconds * 3 / 8, seconds * 5 / 8), seconds / 2);
    let own = contenders("overload", |text| text.replace("longest_delay = \"10s\"", "longest_delay = \"25ms\"")).await;
    let mut fresh = 1_000_000;
    let peak = load::run(&own.target, CONNECTIONS, count, bodies(fresh, count)).await;
    let peak_rate = peak.answered as f64 / peak.elapsed.as_secs_f64();
    let p99 = peak.latencies[peak.latencies.len() * 99 / 100];
    fresh += count;
    println!("peak {peak_rate:.0}/s, p99 {:.1} ms (closed loop, {CONNECTIONS} connections)", p99.as_secs_f64() * 1e3);
    let token = own.target.token.as_deref().expect("a token");
    let lines = Lines::to_hub(&own.folder.join("keys"), HUB_PORT, token, LINES);
    lines.open(LINES).await;
    let mut report = String::new();

    let backend = &own.backend;
    let stalled = |second: u64| {
        if second == stall.0 {
            signal(backend, "-STOP");
        } else if second == stall.1 {
            signal(backend, "-CONT");
        }
    };
    let rate = 3.0 * peak_rate;
    let over = open_loop(&lines, rate, seconds, fresh, stalled).await;
    fresh += (rate * seconds as f64) as u64;
    let after = open_loop(&lines, 0.7 * peak_rate, afterwards, fresh, |_| {}).await;

    println!("| second | sent | answered | late | refused | failed | longest ms |\n|---|---|---|---|---|---|---|");
    for (index, second) in over.iter().chain(&after).enumerate() {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        println!(
            "| {index} | {} | {} | {} | {} | {} | {:.0} |",
            of(&second.sent),
            of(&second.answered),
            of(&second.late),
            of(&second.refused),
            of(&second.failed),
            of(&second.longest) as f64 / 1000.0
        );
    }
    let goodput = |seconds: &[Arc<Second>]| {
        let answered: u64 = seconds.iter().map(|second| second.answered.load(Ordering::Relaxed)).sum();
        answered as f64 / seconds.len() as f64 / peak_rate * 100.0
    };
    let (from, until) = (usize::try_from(stall.0).expect("small"), usize::try_from(stall.1).expect("small"));
    let is_normal = |second: &Arc<Second>| {
        let unanswered = [&second.refused, &second.failed, &second.late];
        unanswered.iter().all(|count| count.load(Ordering::Relaxed) == 0)
            && Duration::from_micros(second.longest.load(Ordering::Relaxed)) < 4 * p99.max(Duration::from_millis(10))
    };
    let normal = after.iter().position(is_normal);
    let normal = normal.map_or_else(|| format!("more than {afterwards} s"), |second| format!("{second} s"));
    let parts = [
        ("before the stall", goodput(&over[from / 5..from]), "≥ 90 %"),
        ("while departments stall", goodput(&over[from..until]), "–"),
        ("after it, still overloaded", goodput(&over[until..]), "≥ 90 %"),
    ];
    writeln!(report, "| three times overload | goodput of peak | target |\n|---|---|---|").expect("text");
    for (part, goodput, target) in parts {
        writeln!(report, "| {part} | {goodput:.0} % | {target} |").expect("text");
    }
    writeln!(report, "| back to normal once the overload ends | {normal} | ≤ 10 s |").expect("text");
    writeln!(
        report,
        "\nPeak {peak_rate:.0} verifications a second with p99 {:.1} ms (closed loop, {CONNECTIONS} connections); then {rate:.0} a second for {seconds} s over {LINES} kept connections, \
         departments stopped from second {} to {}; then seven tenths of the peak for {afterwards} s. What is answered after more than {} s is not counted.",
        p99.as_secs_f64() * 1e3,
        stall.0,
        stall.1,
        USEFUL.as_secs()
    )
    .expect("text");
    println!("{report}");
    if seconds >= OVERLOAD && count >= COUNT {
        write_down("overload", &report);
    }
    clean(&own.folder);
}

/// CPU of the hub for a household that is one of many, with queries of its own and with shared ones. Arguments: `count=`.
pub(crate) async fn shared(arguments: &[String]) {
    let count = number(arguments, "count", COUNT);
    let mut report = String::from(
        "| many households at once | CPU of the hub a household | target | households/s | queries a household and department |\n\
         |---|---|---|---|---|\n",
    );
    for (told, terms) in [
        ("each its own queries", "in_flight = 4"),
        ("shared queries of up to 500 people", "in_flight = 4\nshared_subjects = 500"),
    ] {
        let target = if terms.contains("shared") { "≤ 80 µs" } else { "–" };
        let own = contenders("shared", |text| {
            let text = text.replace("quota_burst = 1000000", &format!("quota_burst = 1000000\n{terms}"));
            text.replace("longest_delay = \"10s\"", "longest_delay = \"10s\"\nbatch_clients = [\"bench\"]")
        })
        .await;
        load::run(&own.target, 256, count / 4, bodies(5_000_000, count / 4)).await;
        let before = cpu_nanoseconds(own.hub.id());
        let run = load::run(&own.target, 256, count, bodies(1_000_000, count)).await;
        let micros = (cpu_nanoseconds(own.hub.id()) - before) as f64 / 1000.0 / run.answered as f64;
        let metrics = reqwest::get(format!("http://127.0.0.1:{MONITOR_PORT}/metrics")).await.expect("metrics");
        let metrics = metrics.text().await.expect("text");
        let queries: f64 = metrics
            .lines()
            .filter(|line| line.starts_with("hedui_department_requests_total") && line.contains("\"first\""))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum();
        writeln!(
            report,
            "| {told} | {micros:.0} µs | {target} | {:.0} | {:.2} |",
            run.answered as f64 / run.elapsed.as_secs_f64(),
            queries / (run.answered + count / 4) as f64 / 6.0
        )
        .expect("text");
        drop(own.hub);
        drop(own.backend);
        clean(&own.folder);
    }
    println!("{report}");
    if count >= COUNT {
        write_down("shared", &report);
    }
}

fn clean(folder: &Path) {
    drop(std::fs::remove_dir_all(folder));
}
