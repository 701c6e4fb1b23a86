//! What one bad department costs the others, what a second request brings, what the hub adds, and what a stampede
//! costs: `cargo bench --bench gateway -- chaos`.
//!
//! Open loop: questions are asked at a steady rate whether or not answers come, and a latency counts from the moment at
//! which the question was due. Housing stands behind the proxies of `tests/it/chaos`, in the quiet time as well.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::backend::DEPARTMENTS;
use super::chaos_answers::{Department, Spoil};
use super::chaos_network::{Network, Toxic};
use super::load::Target;
use super::measure::{
    BACKEND_PORT, HUB_PORT, MONITOR_PORT, Process, quantile, sorted, start, until_listening, write_down,
};
use super::{household, hub};

/// What the departments take to answer.
const LATENCY_MS: u64 = 20;
/// Housing's place among the departments.
const HOUSING: u16 = 2;
/// Longest time a department is given.
const PATIENCE: &str = "1s";

/// How long each part takes, how many are asked a second, and which parts are wanted.
struct Wanted {
    seconds: u64,
    rate: u64,
    parts: Vec<String>,
}

/// A hub, its departments, and what stands before housing.
struct World {
    network: Network,
    housing: Department,
    target: Target,
    folder: PathBuf,
    _processes: [Process; 2],
}

/// One reply.
struct Told {
    latency: f64,
    /// What came of each department, and in how many milliseconds.
    departments: Vec<(String, bool, f64)>,
    verdict: Value,
}

/// Arguments: `seconds=`, `rate=`, and the parts `bad`, `hedge`, `added`, `stampede`; all of them when none is named.
pub(crate) async fn run(arguments: &[String]) {
    let number = |name: &str, otherwise| {
        let given = arguments.iter().find_map(|argument| argument.strip_prefix(name)?.strip_prefix('='));
        given.map_or(otherwise, |text| text.parse().expect("a number"))
    };
    let known = ["bad", "hedge", "added", "stampede"];
    let parts: Vec<_> = arguments.iter().filter(|argument| known.contains(&argument.as_str())).cloned().collect();
    let wanted = Wanted { seconds: number("seconds", 4), rate: number("rate", 200), parts };
    let is_wanted = |part: &str| wanted.parts.is_empty() || wanted.parts.iter().any(|it| it == part);
    let mut report = String::new();
    if is_wanted("bad") {
        report.push_str(&one_bad_department(&wanted).await);
    }
    if is_wanted("hedge") {
        report.push_str(&second_requests(&wanted).await);
    }
    if is_wanted("added") {
        report.push_str(&added(&wanted).await);
    }
    if is_wanted("stampede") {
        report.push_str(&stampede().await);
    }
    println!("{report}");
    // What is shown to others was measured at length and is whole.
    if wanted.seconds >= 60 && wanted.parts.is_empty() {
        write_down("chaos", &report);
    }
}

impl World {
    /// Starts a hub; one answer of `slow_one_in` takes 20 times as long, none when it is 0.
    async fn start(may_hedge: bool, slow_one_in: u64) -> Self {
        let folder = std::env::temp_dir().join(format!("hedui-chaos-{}", std::process::id()));
        let config = hub::write_trial(&folder, HUB_PORT, MONITOR_PORT, BACKEND_PORT).config;
        let keys = folder.join("keys");
        let own = std::env::current_exe().expect("this executable");
        let words = [
            &keys.to_string_lossy(),
            BACKEND_PORT.to_string().as_str(),
            &LATENCY_MS.to_string(),
            &slow_one_in.to_string(),
        ]
        .map(str::to_owned);
        let backend = start(1, &own, &[&["role-backend".to_owned()][..], &words[..]].concat(), &folder);
        until_listening(BACKEND_PORT + 15).await;
        let housing = Department::before(super::backend::loopback(BACKEND_PORT + HOUSING), &keys);
        let network = Network::before(housing.address).await;
        let text = std::fs::read_to_string(&config).expect("the configuration");
        let text = text
            .replace(
                &format!("https://127.0.0.1:{}\"", BACKEND_PORT + HOUSING),
                &format!("https://{}\"", network.address),
            )
            .replace("timeout = \"5s\"", &format!("timeout = \"{PATIENCE}\"\nhedge = {may_hedge}"));
        std::fs::write(&config, text).expect("the configuration is written");
        let program = PathBuf::from(env!("CARGO_BIN_EXE_hedui"));
        let arguments = ["serve".to_owned(), "--config".to_owned(), config.to_string_lossy().into_owned()];
        let hub = start(0, &program, &arguments, &folder);
        until_listening(HUB_PORT).await;
        let target = Target::hub(&keys, HUB_PORT);
        Self { network, housing, target, folder, _processes: [hub, backend] }
    }

    /// Asks about new households at a steady rate for some seconds.
    async fn load(&self, rate: u64, seconds: u64, first: u64) -> Vec<Told> {
        let bodies: Vec<_> =
            (first..first + rate * seconds).map(|index| household::request(index, index).to_string()).collect();
        let renewed = self.target.renewed(&self.folder.join("keys"));
        let begun = tokio::time::Instant::now();
        let mut asking = tokio::task::JoinSet::new();
        for (index, body) in (0..).zip(bodies) {
            let due = begun + Duration::from_nanos(1_000_000_000 / rate * index);
            tokio::time::sleep_until(due).await;
            let target = renewed.clone();
            asking.spawn(async move { Told::of(&target, body, due.into_std()).await });
        }
        asking.join_all().await
    }

    /// How many requests a department was sent, by the hub's own count.
    async fn requests(&self, department: &str) -> (u64, u64) {
        let page = reqwest::get(format!("http://127.0.0.1:{MONITOR_PORT}/metrics")).await.expect("the monitor answers");
        let page = page.text().await.expect("a page");
        let of = |attempt: &str| {
            let line = page.lines().find(|line| {
                line.starts_with("hedui_department_requests_total{")
                    && line.contains(&format!("department=\"{department}\""))
                    && line.contains(&format!("attempt=\"{attempt}\""))
            });
            line.and_then(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).unwrap_or(0)
        };
        (of("first"), of("hedge") + of("retry"))
    }

    fn end(self) {
        let folder = self.folder.clone();
        drop(self);
        std::fs::remove_dir_all(folder).expect("the bench folder is removed");
    }
}

impl Told {
    async fn of(target: &Target, body: String, due: Instant) -> Self {
        let request = target.http.post(&target.url).header("content-type", "application/json").body(body);
        let request = request.bearer_auth(target.token.as_deref().expect("the hub wants a token"));
        let response = request.send().await.expect("an answer");
        let status = response.status();
        let body = response.bytes().await.expect("a body");
        let latency = due.elapsed().as_secs_f64() * 1e3;
        assert!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&body));
        let mut body: Value = serde_json::from_slice(&body).expect("JSON");
        let row = |row: &Value| {
            let is_answer = matches!(row["status"].as_str(), Some("answered" | "no_record"));
            let name = row["department"].as_str().expect("a name").to_owned();
            (name, is_answer, row["elapsed_ms"].as_f64().expect("a time"))
        };
        let departments = body["departments"].as_array().expect("rows").iter().map(row).collect();
        Self { latency, departments, verdict: body["verdict"].take() }
    }

    fn answered(&self, department: &str) -> bool {
        self.departments.iter().any(|(name, is_answer, _)| name == department && *is_answer)
    }
}

fn latencies(told: &[Told]) -> Vec<f64> {
    sorted(told.iter().map(|told| told.latency))
}

/// How long the five others took.
fn others(told: &[Told]) -> Vec<f64> {
    let rows = told.iter().flat_map(|told| &told.departments);
    sorted(rows.filter(|(name, ..)| name != "housing").map(|(.., took)| *took))
}

/// Replies whose verdict is neither that of quiet times nor names housing as what is missing, and errors of the others.
fn wrong(told: &[Told], quiet: &Value) -> (usize, usize) {
    let is_wrong = |told: &&Told| {
        let blocking = &told.verdict["blocking_departments"];
        let is_right = if told.answered("housing") || told.verdict["status"] == "DETERMINED" {
            told.verdict["household_circle"] == quiet["household_circle"] && told.verdict["status"] == quiet["status"]
        } else {
            *blocking == serde_json::json!(["housing"])
        };
        !is_right
    };
    let errors = |told: &Told| {
        DEPARTMENTS.iter().filter(|department| **department != "housing" && !told.answered(department)).count()
    };
    (told.iter().filter(is_wrong).count(), told.iter().map(errors).sum())
}

async fn one_bad_department(wanted: &Wanted) -> String {
    let world = World::start(true, 0).await;
    let mut fresh = 2_000_000;
    // Warms everybody up, and shows the hub how long departments take.
    drop(world.load(wanted.rate, 2, 1_000_000).await);
    let mut text = String::from(
        "| housing | requests to it, of so many verifications | + 10/s | answered | p99 of the others, ms: quiet, bad, ratio | errors of the others | wrong verdicts | found again after |\n|---|---|---|---|---|---|---|---|\n",
    );
    for (name, toxic, spoil) in [
        ("hangs", Toxic::None, Spoil::Silence),
        ("answers 500", Toxic::None, Spoil::Status(500)),
        ("resets", Toxic::Reset, Spoil::Nothing),
        ("drips", Toxic::None, Spoil::Drip(Duration::from_millis(50))),
        ("sends garbage", Toxic::None, Spoil::Cut),
        ("answers about another person", Toxic::None, Spoil::WrongSubject),
    ] {
        let quiet = world.load(wanted.rate, wanted.seconds, fresh).await;
        fresh += wanted.rate * wanted.seconds;
        let before = world.requests("housing").await;
        world.network.spoil(toxic);
        world.housing.spoil(spoil);
        let bad = world.load(wanted.rate, wanted.seconds, fresh).await;
        fresh += wanted.rate * wanted.seconds;
        let after = world.requests("housing").await;
        world.network.spoil(Toxic::None);
        world.housing.spoil(Spoil::Nothing);
        let mended = Instant::now();
        while !world.load(1, 1, fresh).await.iter().all(|told| told.answered("housing")) {
            fresh += 1;
            assert!(mended.elapsed() < Duration::from_secs(30), "housing is found again");
        }
        fresh += 1;
        let (requests, asked) = (after.0 + after.1 - before.0 - before.1, bad.len());
        let most = 1.2 * asked as f64 + 10.0 * wanted.seconds as f64;
        let answered = bad.iter().filter(|told| told.answered("housing")).count();
        let (p99_quiet, p99_bad) = (quantile(&others(&quiet), 0.99), quantile(&others(&bad), 0.99));
        let (wrong, errors) = wrong(&bad, &quiet[0].verdict);
        writeln!(
            text,
            "| {name} | {requests} of {asked} | {most:.0} | {answered} | {p99_quiet:.0}, {p99_bad:.0}, {:.2} | {errors} | {wrong} | {:.1} s |",
            p99_bad / p99_quiet,
            mended.elapsed().as_secs_f64(),
        )
        .expect("text");
    }
    world.end();
    writeln!(
        text,
        "\n{} s each, {} verifications a second, departments answer in {LATENCY_MS} ms and have {PATIENCE}.\n",
        wanted.seconds, wanted.rate
    )
    .expect("text");
    text
}

async fn second_requests(wanted: &Wanted) -> String {
    let mut text = String::from("| second requests | verification p50 / p99, ms | requests more |\n|---|---|---|\n");
    for may_hedge in [false, true] {
        let world = World::start(may_hedge, 100).await;
        drop(world.load(wanted.rate, 2, 1_000_000).await);
        let mut before = (0, 0);
        for department in DEPARTMENTS {
            let (first, second) = world.requests(department).await;
            before = (before.0 + first, before.1 + second);
        }
        let told = world.load(wanted.rate, wanted.seconds, 2_000_000).await;
        let mut after = (0, 0);
        for department in DEPARTMENTS {
            let (first, second) = world.requests(department).await;
            after = (after.0 + first, after.1 + second);
        }
        let more = (after.1 - before.1) as f64 * 100.0 / (after.0 - before.0) as f64;
        let all = latencies(&told);
        writeln!(
            text,
            "| {} | {:.1} / {:.1} | {more:.1} % |",
            if may_hedge { "after the p95" } else { "none" },
            quantile(&all, 0.5),
            quantile(&all, 0.99),
        )
        .expect("text");
        world.end();
    }
    writeln!(
        text,
        "\n1 % of the answers of every department take 20 times as long; {} s at {}/s.\n",
        wanted.seconds, wanted.rate
    )
    .expect("text");
    text
}

async fn added(wanted: &Wanted) -> String {
    let world = World::start(true, 0).await;
    drop(world.load(wanted.rate, 2, 1_000_000).await);
    let told = world.load(wanted.rate, wanted.seconds, 2_000_000).await;
    world.end();
    let own = sorted(told.iter().map(|told| told.latency - LATENCY_MS as f64));
    // Departments sleep to the next millisecond of their timer and share one core with the load.
    let slowest = |told: &Told| told.departments.iter().map(|(.., took)| *took).fold(0.0, f64::max);
    let beyond = sorted(told.iter().map(|told| told.latency - slowest(told)));
    format!(
        "At {}/s with departments of {LATENCY_MS} ms, added to those {LATENCY_MS} ms: p50 {:.1} ms, p99 {:.1} ms; beyond the slowest department's answer as the hub saw it (whole milliseconds): p50 {:.1} ms, p99 {:.1} ms. {} verifications.\n\n",
        wanted.rate,
        quantile(&own, 0.5),
        quantile(&own, 0.99),
        quantile(&beyond, 0.5),
        quantile(&beyond, 0.99),
        told.len(),
    )
}

async fn stampede() -> String {
    const CALLERS: usize = 1_000;
    let world = World::start(true, 0).await;
    drop(world.load(50, 2, 1_000_000).await);
    let mut before = Vec::new();
    for department in DEPARTMENTS {
        before.push(world.requests(department).await);
    }
    let body = Arc::new(household::request(3_000_000, 0).to_string());
    let due = Instant::now();
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..CALLERS {
        let (target, body) = (world.target.clone(), Arc::clone(&body));
        asking.spawn(async move { Told::of(&target, body.to_string(), due).await });
    }
    let told = asking.join_all().await;
    let mut calls = Vec::new();
    for (department, (first, second)) in DEPARTMENTS.iter().zip(before) {
        let after = world.requests(department).await;
        calls.push(format!("{department} {} and {} second ones", after.0 - first, after.1 - second));
    }
    world.end();
    let all = latencies(&told);
    format!(
        "{CALLERS} callers about one household at once: requests to departments: {}; all answered after {:.0} ms (p50 {:.0} ms).\n\n",
        calls.join(", "),
        all[all.len() - 1],
        quantile(&all, 0.5)
    )
}
