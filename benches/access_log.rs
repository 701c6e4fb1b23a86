//! Entries of the access log durable a second, with many writers at once, and what one costs in CPU (F5).

#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    reason = "a bench prints its figures and owns its tasks"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use hedui::access_log::audit::audit;
use hedui::access_log::publish::Publisher;
use hedui::access_log::{AccessEvent, Action};
use hedui::domain::actor::{Client, Role};
use hedui::domain::clock::{Clock, SystemClock, SystemRandomness};
use hedui::domain::division::DivisionCode;
use hedui::domain::purpose::Purpose;
use hedui::service::ids::Ids;
use hedui::store::{LogReader, Store};
use hedui::tlog::note::{KeyKind, SignerKey};

const RUN: Duration = Duration::from_secs(10);

/// How entries come.
#[derive(Clone, Copy)]
enum Load {
    /// So many writers, each recording its next event when the last one is durable.
    Closed(usize),
    /// So many events a second, each at its own time, whatever became of those before: what the log adds to a request.
    Open(u32),
}

impl std::fmt::Display for Load {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Closed(writers) => write!(formatter, "{writers:>4} writers"),
            Self::Open(rate) => write!(formatter, "{rate:>4} entries a second asked for"),
        }
    }
}

#[tokio::main]
async fn main() {
    for load in [Load::Closed(1), Load::Closed(64), Load::Closed(256), Load::Open(200), Load::Open(1_000)] {
        measure(load).await;
    }
}

/// What records events, as the hub does.
struct Recorder {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Ids,
    client: Client,
}

impl Recorder {
    fn of(store: Store, clock: Arc<dyn Clock>) -> Self {
        let client = Client {
            id: "caseworker-1".to_owned(),
            organisation: "试用民政局".to_owned(),
            division: DivisionCode::NATION,
            purposes: Purpose::ALL.to_vec(),
            role: Role::Caseworker,
            department: None,
        };
        let ids = Ids::new(Arc::clone(&clock), Arc::new(SystemRandomness));
        Self { store, clock, ids, client }
    }

    /// Records an event. How long it took until it was durable.
    async fn record(&self) -> Duration {
        let (ids, request) = (&self.ids, self.ids.next("rq"));
        let mut event =
            AccessEvent::new(ids.next("ev"), self.clock.now(), Action::Granted, Some(&self.client), &request);
        event.purpose = Some(Purpose::Dibao);
        event.verification = Some("vf_0198c1f0000070008000000000000000");
        let row = event.to_row().expect("it fits");
        let asked = Instant::now();
        self.store.record_events(vec![row]).await.expect("it is durable");
        asked.elapsed()
    }
}

/// Records events and waits until each is durable, while heads are signed every second.
async fn measure(load: Load) {
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("log.sqlite");
    let (store, writer) = Store::open(&file).await.expect("the store opens");
    let writer = tokio::spawn(writer.run());
    let key = SignerKey::from_seed("bench.hedui.invalid/log", KeyKind::Log, &[1; 32]).expect("a key");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let publisher = Publisher::open(store.clone(), key, &[], None, Arc::clone(&clock)).await.expect("the log opens");
    let publisher = Arc::new(publisher);
    let (cpu, started) = (cpu_time(), Instant::now());
    let signing = Arc::clone(&publisher);
    let heads = tokio::spawn(async move {
        while started.elapsed() < RUN {
            tokio::time::sleep(Duration::from_secs(1)).await;
            signing.publish().await.expect("the head is signed");
        }
    });
    let recorder = Arc::new(Recorder::of(store.clone(), clock));
    let mut waits = match load {
        Load::Closed(writers) => closed(&recorder, writers, started).await,
        Load::Open(rate) => open(&recorder, rate, started).await,
    };
    let (elapsed, cpu) = (started.elapsed(), cpu_time().saturating_sub(cpu));
    heads.await.expect("the publisher ends");
    waits.sort();
    let entries = waits.len();
    let wait = |per_mille: usize| waits.get(entries * per_mille / 1000).copied().unwrap_or_default();
    publisher.publish().await.expect("the head is signed");
    drop((publisher, recorder, store));
    writer.await.expect("the writer ends");
    let audited = Instant::now();
    let log = LogReader::open(&file).await.expect("the copy opens");
    let report = audit(&log, &[], &[], &[]).await.expect("the copy is read");
    assert!(report.is_intact && report.entries == entries as u64, "{report:?}");
    println!(
        "{load}: {:>7.0} entries/s durable, {:>5.1} µs CPU an entry, wait p50 {:?} p99 {:?}; {} entries audited in {:?}",
        entries as f64 / elapsed.as_secs_f64(),
        cpu.as_secs_f64() * 1e6 / entries as f64,
        wait(500),
        wait(990),
        entries,
        audited.elapsed(),
    );
}

async fn closed(recorder: &Arc<Recorder>, writers: usize, started: Instant) -> Vec<Duration> {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..writers {
        let recorder = Arc::clone(recorder);
        tasks.spawn(async move {
            let mut waits = Vec::new();
            while started.elapsed() < RUN {
                waits.push(recorder.record().await);
            }
            waits
        });
    }
    tasks.join_all().await.into_iter().flatten().collect()
}

async fn open(recorder: &Arc<Recorder>, rate: u32, started: Instant) -> Vec<Duration> {
    let mut tick = tokio::time::interval(Duration::from_secs(1) / rate);
    let mut tasks = tokio::task::JoinSet::new();
    while started.elapsed() < RUN {
        tick.tick().await;
        let recorder = Arc::clone(recorder);
        tasks.spawn(async move { recorder.record().await });
    }
    tasks.join_all().await
}

/// CPU time of this process so far, user and system, from `/proc/self/stat` (hundredths of a second).
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
