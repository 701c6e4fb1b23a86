//! The measurement: starts the contenders, runs the rounds, prints the table and writes it down.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use hedui::domain::dataset::Catalogue;
use hedui::domain::purpose::Purpose;

use super::load::{self, Run, Target};
use super::{household, hub};

pub(crate) const BACKEND_PORT: u16 = 19_100;
pub(crate) const BARE_PORT: u16 = 19_130;
pub(crate) const HUB_PORT: u16 = 19_131;
pub(crate) const MONITOR_PORT: u16 = 19_132;
/// Connections of the closed loop.
const CONNECTIONS: u64 = 32;
/// Households that the warm run asks again and again.
const WARM_HOUSEHOLDS: u64 = 50;

/// A process that ends with this value.
pub(crate) struct Process(Child);

impl Process {
    /// Its id.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Starts a process, pinned to a core where the machine can do that.
pub(crate) fn start(core: u8, program: &Path, arguments: &[String], folder: &Path) -> Process {
    start_with(core, program, arguments, folder, &[])
}

/// The same with settings in its environment.
pub(crate) fn start_with(
    core: u8,
    program: &Path,
    arguments: &[String],
    folder: &Path,
    settings: &[(&str, String)],
) -> Process {
    let pinned = Command::new("taskset").arg("--version").stdout(Stdio::null()).status().is_ok();
    let mut command = if pinned {
        let mut command = Command::new("taskset");
        command.arg("-c").arg(core.to_string()).arg(program);
        command
    } else {
        Command::new(program)
    };
    let name = arguments.first().map_or("process", String::as_str).rsplit('/').next().unwrap_or("process");
    let log = std::fs::File::create(folder.join(format!("{name}.log"))).expect("a log file");
    let settings = settings.iter().map(|(name, value)| (*name, value.as_str()));
    Process(
        command.args(arguments).envs(settings).stdout(Stdio::null()).stderr(log).spawn().expect("the process starts"),
    )
}

/// CPU time of a process and its threads so far, nanoseconds.
pub(crate) fn cpu_nanoseconds(pid: u32) -> u64 {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("the process lives");
    tasks
        .flatten()
        .filter_map(|task| std::fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(|text| text.split_whitespace().next()?.parse::<u64>().ok())
        .sum()
}

/// Resident memory of a process, MiB.
fn resident_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process lives");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line of resident memory");
    line.split_whitespace().nth(1).expect("a number").parse::<u64>().expect("a number") / 1024
}

pub(crate) async fn until_listening(port: u16) {
    for _ in 0..200 {
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nothing listens on port {port}; see the logs in the bench folder");
}

/// One contender in one round.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Contender {
    Bare,
    BareAgain,
    HubCold,
    HubWarm,
}

impl Contender {
    const ALL: [Self; 4] = [Self::Bare, Self::BareAgain, Self::HubCold, Self::HubWarm];

    const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare fan-out, plain HTTP, forwards and joins",
            Self::BareAgain => "the same again (A/A)",
            Self::HubCold => "hub, nothing cached: TLS, token, checks, verdict, sealed, durable",
            Self::HubWarm => "hub, everything cached: the same without asking",
        }
    }
}

/// Runs everything. A number among the arguments is the count of requests in a round. `cold` or `warm` runs
/// that contender alone, in one long round that a profiler can be attached to, and writes nothing down.
pub(crate) async fn run(arguments: &[String]) {
    let count: u64 = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(2000);
    let alone = arguments.iter().find_map(|argument| match argument.as_str() {
        "cold" => Some(Contender::HubCold),
        "warm" => Some(Contender::HubWarm),
        _ => None,
    });
    let rounds = if alone.is_some() { 1 } else { 5_u64 };
    let folder = std::env::temp_dir().join(format!("hedui-bench-{}", std::process::id()));
    let keys = folder.join("keys");
    let config = hub::write_trial(&folder, HUB_PORT, MONITOR_PORT, BACKEND_PORT).config;
    let own = std::env::current_exe().expect("this executable");
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let keys_text = keys.to_string_lossy().into_owned();
    let backend = start(1, &own, &words(&["role-backend", &keys_text, &BACKEND_PORT.to_string(), "0"]), &folder);
    until_listening(BACKEND_PORT + 15).await;
    let bare =
        start(0, &own, &words(&["role-bare", &BARE_PORT.to_string(), &(BACKEND_PORT + 10).to_string()]), &folder);
    let hub_program = PathBuf::from(env!("CARGO_BIN_EXE_hedui"));
    let hub = start(0, &hub_program, &words(&["serve", "--config", &config.to_string_lossy()]), &folder);
    until_listening(BARE_PORT).await;
    until_listening(HUB_PORT).await;
    let idle = resident_mib(hub.0.id());

    // A caller's system keeps its connections, so each contender has one client for the whole run.
    let targets = (Target::bare(BARE_PORT), Target::hub(&keys, HUB_PORT));
    let mut samples: Vec<(Contender, f64, Run)> = Vec::new();
    let mut fresh = 1_000_000_u64;
    for round in 0..=rounds {
        let mut order = Contender::ALL;
        // A new order every round, from the round's number.
        order.rotate_left(usize::try_from(round * 7 % 4).expect("small"));
        if round % 2 == 1 {
            order.reverse();
        }
        for contender in order.into_iter().filter(|contender| alone.is_none_or(|alone| *contender == alone)) {
            let (pid, target) = match contender {
                Contender::Bare | Contender::BareAgain => (bare.0.id(), targets.0.clone()),
                Contender::HubCold | Contender::HubWarm => (hub.0.id(), targets.1.clone()),
            };
            let from = fresh;
            if contender == Contender::HubWarm {
                let warm = load::run(
                    &target,
                    4,
                    WARM_HOUSEHOLDS,
                    Arc::new(|index| household::request(index, index).to_string().into_bytes()),
                )
                .await;
                assert_eq!(warm.answered, WARM_HOUSEHOLDS);
            }
            let warm = contender == Contender::HubWarm;
            fresh += count;
            // Written before the clock starts: the generator shares its core with the departments.
            let bodies: Vec<Vec<u8>> = if pid == bare.0.id() {
                vec![bare_query()]
            } else if warm {
                // The same households again, each time in another case, as one assistance follows the other.
                (from..fresh)
                    .map(|case| household::request(case % WARM_HOUSEHOLDS, case).to_string().into_bytes())
                    .collect()
            } else {
                (from..fresh).map(|index| household::request(index, index).to_string().into_bytes()).collect()
            };
            let bodies: Arc<dyn Fn(u64) -> Vec<u8> + Send + Sync> =
                Arc::new(move |index| bodies[usize::try_from(index).expect("an index") % bodies.len()].clone());
            let before = cpu_nanoseconds(pid);
            let run = load::run(&target, CONNECTIONS, count, bodies).await;
            let microseconds = (cpu_nanoseconds(pid) - before) as f64 / 1000.0 / run.answered as f64;
            // The first round warms the processes up.
            if round > 0 {
                samples.push((contender, microseconds, run));
            }
        }
    }
    if alone.is_some() {
        for (contender, microseconds, run) in &samples {
            let rate = run.answered as f64 / run.elapsed.as_secs_f64();
            println!("{}: {microseconds:.0} µs of CPU a verification, {rate:.0}/s", contender.name());
        }
        drop((bare, hub, backend));
        std::fs::remove_dir_all(&folder).expect("the bench folder is removed");
        return;
    }
    let busy = concurrent_memory(&keys, hub.0.id(), fresh).await;
    drop((bare, hub, backend));
    let report = report(&samples, rounds, count, idle, busy);
    println!("{report}");
    write_down("gateway", &report);
    std::fs::remove_dir_all(&folder).expect("the bench folder is removed");
}

/// Resident memory while 1,000 verifications run at once.
async fn concurrent_memory(keys: &Path, pid: u32, fresh: u64) -> u64 {
    let target = Target::hub(keys, HUB_PORT);
    let load = load::run(
        &target,
        1000,
        3000,
        Arc::new(move |index| household::request(fresh + index, fresh + index).to_string().into_bytes()),
    );
    tokio::pin!(load);
    let mut most = 0;
    loop {
        tokio::select! {
            _ = &mut load => return most,
            () = tokio::time::sleep(Duration::from_millis(20)) => most = most.max(resident_mib(pid)),
        }
    }
}

/// What the bare fan-out forwards: the hub's question for a household of three, so that the departments' answers are
/// those that the hub gets. The hub asks each department for its own datasets only; here they all stand in the one body.
pub(crate) fn bare_query() -> Vec<u8> {
    let datasets: Vec<_> = Catalogue::shipped()
        .datasets()
        .iter()
        // Nobody in the bench is of an age to be asked about for schooling.
        .filter(|dataset| {
            dataset.purposes.contains(&Purpose::Dibao) && dataset.ages.is_none_or(|(_, oldest)| oldest > 40)
        })
        .map(|dataset| dataset.id.as_str().to_owned())
        .collect();
    let subjects: Vec<_> = household::request(7, 7)["household"]["members"]
        .as_array()
        .expect("members")
        .iter()
        .map(|member| serde_json::json!({"ref": member["ref"], "id_number": member["id_number"], "name": member["name"]}))
        .collect();
    let query = serde_json::json!({
        "request_id": "bench", "purpose": "dibao", "authorisation": {"number": "bench", "valid_until": "2036-12-31"},
        "period": {"from": "2025-11-01", "to": "2026-10-31"},
        "datasets": datasets,
        "subjects": subjects
    });
    query.to_string().into_bytes()
}

/// These in order.
pub(crate) fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The value that so large a share of them does not exceed.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let index = ((sorted.len() - 1) as f64 * share).round() as usize;
    sorted[index]
}

fn report(samples: &[(Contender, f64, Run)], rounds: u64, count: u64, idle: u64, busy: u64) -> String {
    let mut text = String::new();
    writeln!(text, "| contender | CPU µs a verification, median | ratio to bare: median (min–max) | requests/s | p50 / p99 ms |\n|---|---|---|---|---|").expect("text");
    let of = |wanted: Contender| samples.iter().filter(move |(contender, ..)| *contender == wanted);
    for contender in Contender::ALL {
        let mut ratios: Vec<f64> =
            of(contender).zip(of(Contender::Bare)).map(|((_, own, _), (_, bare, _))| own / bare).collect();
        let mut microseconds: Vec<f64> = of(contender).map(|(_, microseconds, _)| *microseconds).collect();
        ratios.sort_by(f64::total_cmp);
        microseconds.sort_by(f64::total_cmp);
        let mut latencies: Vec<f64> = of(contender)
            .flat_map(|(_, _, run)| run.latencies.iter().map(|latency| latency.as_secs_f64() * 1000.0))
            .collect();
        latencies.sort_by(f64::total_cmp);
        let rate: f64 = of(contender).map(|(_, _, run)| run.answered as f64 / run.elapsed.as_secs_f64()).sum::<f64>()
            / rounds as f64;
        writeln!(
            text,
            "| {} | {:.0} | {:.2} ({:.2}–{:.2}) | {rate:.0} | {:.1} / {:.1} |",
            contender.name(),
            quantile(&microseconds, 0.5),
            quantile(&ratios, 0.5),
            quantile(&ratios, 0.0),
            quantile(&ratios, 1.0),
            quantile(&latencies, 0.5),
            quantile(&latencies, 0.99),
        )
        .expect("text");
    }
    writeln!(
        text,
        "\n{rounds} rounds of {count} requests, closed loop with {CONNECTIONS} connections, households of three persons, six departments on loopback without latency; \
         gateway on one core, everything else on the other. Hub: resident memory idle {idle} MiB, with 1,000 verifications at once {busy} MiB."
    )
    .expect("text");
    text
}

/// Puts a table between the markers of its name in `docs/performance.md`. What a debug build takes is nobody's figure.
pub(crate) fn write_down(name: &str, report: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
    let Ok(text) = std::fs::read_to_string(&file) else { return };
    if cfg!(debug_assertions) {
        return;
    }
    let (begin, end) = (format!("<!-- {name}:begin -->"), format!("<!-- {name}:end -->"));
    if let (Some((head, _)), Some((_, tail))) = (text.split_once(&begin), text.split_once(&end)) {
        let commit = Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
        let commit = commit.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let stamp = format!("Commit {commit}, machine with {cores} cores.");
        std::fs::write(&file, format!("{head}{begin}\n\n{report}\n{stamp}\n\n{end}{tail}"))
            .expect("docs/performance.md is written");
    }
}
