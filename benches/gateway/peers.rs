//! Federation gateways beside the hub, over departments that answer the same in GraphQL:
//! `cargo bench --bench gateway -- peers FOLDER`.
//!
//! They merge, and nothing else: no TLS to departments, no token, no check of person or schema beyond types, no verdict,
//! nothing sealed or kept. `FOLDER` is what `make bench-peers` prepares; Hive Router is a contender where its executable is
//! in `FOLDER/bin`. What is compared is CPU time of the gateway process for each request.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::load::{self, Target};
use super::measure::{
    BACKEND_PORT, BARE_PORT, HUB_PORT, MONITOR_PORT, Process, bare_query, cpu_nanoseconds, quantile, sorted, start,
    start_with, until_listening, write_down,
};
use super::{household, hub};

const APOLLO_PORT: u16 = 19_140;
const HIVE_PORT: u16 = 19_141;
const CONNECTIONS: u64 = 32;
const ROUNDS: usize = 5;
/// Everything the departments hold of a household, of all six.
const QUESTION: &str = "{ education{...R} hrss{...R} housing{...R} health{...R} emergency{...R} medical_insurance{...R} } \
     fragment R on Answer { version results { ref id_number dataset status facts { category kind amount from to dedupe_key } } }";

/// A gateway and how it is asked.
struct Contender {
    name: &'static str,
    process: Process,
    target: Target,
    /// CPU microseconds a request and requests a second, for each round.
    rounds: Vec<(f64, f64)>,
}

/// Arguments: the folder, and how many requests a round has.
pub(crate) async fn run(arguments: &[String]) {
    let peers = PathBuf::from(arguments.first().expect("the folder with the peers"));
    let count: u64 = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(1000);
    let folder = std::env::temp_dir().join(format!("hedui-peers-{}", std::process::id()));
    let config = hub::write_trial(&folder, HUB_PORT, MONITOR_PORT, BACKEND_PORT).config;
    let keys = folder.join("keys");
    let own = std::env::current_exe().expect("this executable");
    let text = |port: u16| port.to_string();
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let backend =
        start(1, &own, &["role-backend".to_owned(), path(&keys), text(BACKEND_PORT), "0".to_owned()], &folder);
    until_listening(BACKEND_PORT + 15).await;
    let bare = start(0, &own, &["role-bare".to_owned(), text(BARE_PORT), text(BACKEND_PORT + 10)], &folder);
    let serve = ["serve".to_owned(), "--config".to_owned(), path(&config)];
    let hub = start(0, Path::new(env!("CARGO_BIN_EXE_hedui")), &serve, &folder);
    let supergraph = folder.join("supergraph.graphql");
    let apollo = [path(&peers.join("apollo.mjs")), text(APOLLO_PORT), text(BACKEND_PORT + 10), path(&supergraph)];
    let apollo = start_with(0, Path::new("node"), &apollo, &folder, &[("NODE_ENV", "production".to_owned())]);
    until_listening(APOLLO_PORT).await;
    until_listening(HUB_PORT).await;
    let graphql = |port: u16| {
        let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(2000).build().expect("a client");
        Target { url: format!("http://127.0.0.1:{port}/graphql"), http, token: None }
    };
    let contender = |name, process, target| Contender { name, process, target, rounds: Vec::new() };
    let mut contenders = vec![
        contender("bare fan-out, forwards and joins", bare, Target::bare(BARE_PORT)),
        contender("Apollo Gateway 2.14 on Node, merges", apollo, graphql(APOLLO_PORT)),
        contender(
            "hub, nothing cached: TLS, token, checks, verdict, sealed, durable",
            hub,
            Target::hub(&keys, HUB_PORT),
        ),
    ];
    let hive = peers.join("bin/hive_router");
    if hive.exists() {
        // All ask the same, which caseworkers do not: without this it would ask the departments once for several of them.
        let settings = folder.join("hive.yaml");
        std::fs::write(&settings, "traffic_shaping:\n  all:\n    dedupe_enabled: false\n").expect("its settings");
        let settings = [
            ("ROUTER_CONFIG_FILE_PATH", path(&settings)),
            ("HOST", "127.0.0.1".to_owned()),
            ("PORT", text(HIVE_PORT)),
            ("SUPERGRAPH_FILE_PATH", path(&supergraph)),
            ("ROUTER_HTTP_WORKERS", "1".to_owned()),
        ];
        let hive = start_with(0, &hive, &[], &folder, &settings);
        until_listening(HIVE_PORT).await;
        contenders.insert(1, contender("Hive Router 0.3, merges", hive, graphql(HIVE_PORT)));
    }
    let (question, bare_question) = (serde_json::json!({"query": QUESTION}).to_string().into_bytes(), bare_query());
    let mut fresh = 1_000_000;
    for round in 0..=ROUNDS {
        let places = contenders.len();
        for place in (0..places).map(|place| (place * if round % 2 == 1 { places - 1 } else { 1 } + round) % places) {
            let contender = &mut contenders[place];
            let bodies: Vec<Vec<u8>> = if contender.target.token.is_some() {
                fresh += count;
                (fresh - count..fresh).map(|index| household::request(index, index).to_string().into_bytes()).collect()
            } else if contender.target.url.ends_with("/graphql") {
                vec![question.clone()]
            } else {
                vec![bare_question.clone()]
            };
            let bodies: Arc<dyn Fn(u64) -> Vec<u8> + Send + Sync> =
                Arc::new(move |index| bodies[usize::try_from(index).expect("an index") % bodies.len()].clone());
            let before = cpu_nanoseconds(contender.process.id());
            let run = load::run(&contender.target, CONNECTIONS, count, bodies).await;
            let microseconds = (cpu_nanoseconds(contender.process.id()) - before) as f64 / 1e3 / run.answered as f64;
            // The first round warms everybody up.
            if round > 0 {
                contender.rounds.push((microseconds, run.answered as f64 / run.elapsed.as_secs_f64()));
            }
        }
    }
    let report = report(&contenders, count);
    println!("{report}");
    write_down("gateways", &report);
    drop((contenders, backend));
    std::fs::remove_dir_all(&folder).expect("the bench folder is removed");
}

fn report(contenders: &[Contender], count: u64) -> String {
    let hub = contenders.iter().find(|contender| contender.target.token.is_some()).expect("the hub runs");
    let mut text = String::from(
        "| gateway | CPU µs a request, median | times the hub's: median (min–max) | requests/s |\n|---|---|---|---|\n",
    );
    for contender in contenders {
        let own = sorted(contender.rounds.iter().map(|(microseconds, _)| *microseconds));
        let pairs = contender.rounds.iter().zip(&hub.rounds);
        let ratios = sorted(pairs.map(|((own, _), (hub, _))| own / hub));
        let rates = sorted(contender.rounds.iter().map(|(_, rate)| *rate));
        writeln!(
            text,
            "| {} | {:.0} | {:.2} ({:.2}–{:.2}) | {:.0} |",
            contender.name,
            quantile(&own, 0.5),
            quantile(&ratios, 0.5),
            quantile(&ratios, 0.0),
            quantile(&ratios, 1.0),
            quantile(&rates, 0.5),
        )
        .expect("text");
    }
    writeln!(text, "\n{ROUNDS} interleaved rounds of {count} requests over {CONNECTIONS} connections; each gateway on one core, departments and load on the other. All gateways are asked \
         the same again and again; that Hive Router joins equal questions under way is switched off.")
        .expect("text");
    text
}
