//! The system of the chaos tests, callers that go on asking, and the judgement on every reply.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hedui::simulate::trial::TrialFiles;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::answers::Department;
use super::network::Network;
use crate::durability::{Hub, free_port, simulated, trial};
use crate::hub::{Caller, DEPARTMENTS, Reply, adapter, append_adapters, change_settings, requests};

/// Households that all six departments are asked about, with what housing knows of them.
pub(crate) const HOUSEHOLDS: [&str; 5] = ["C01", "C02", "C08", "C20", "C34"];
/// The last line of the federation's settings in the simulator's configuration.
const KEY: &str = "private_key = \"keys/hub.key\"";

/// A hub as a process, six adapters, and what stands before housing.
pub(crate) struct World {
    pub(crate) network: Network,
    pub(crate) housing: Department,
    pub(crate) folder: TempDir,
    pub(crate) files: TrialFiles,
    pub(crate) adapters: BTreeMap<&'static str, crate::hub::Department>,
    hub: Option<Hub>,
    caller: Caller,
    /// Each household: what is asked, and the verdict while nothing is spoiled.
    households: BTreeMap<&'static str, (Value, Value)>,
}

/// What came of one verification.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) household: &'static str,
    pub(crate) housing: String,
    pub(crate) body: Value,
    asked_at: Instant,
    told_at: Instant,
}

/// Callers who ask about one household after another.
pub(crate) struct Callers {
    told: Arc<Mutex<Vec<Told>>>,
    pub(crate) began_at: Instant,
    is_over: Arc<AtomicBool>,
    asking: JoinSet<()>,
}

impl World {
    /// Starts everything; housing may take `patience`.
    pub(crate) async fn start(patience: Duration) -> Self {
        let folder = simulated().await;
        let address = free_port();
        let files = trial(folder.path(), address);
        let mut adapters = BTreeMap::new();
        for department in DEPARTMENTS {
            adapters.insert(department, adapter(folder.path(), department, &files).await);
        }
        let housing = Department::before(adapters["housing"].addr(), &folder.path().join("keys"));
        let network = Network::before(housing.address).await;
        let addresses: Vec<_> = adapters
            .iter()
            .map(|(name, running)| (*name, if *name == "housing" { network.address } else { running.addr() }))
            .collect();
        // The machine may be busy: nobody else is to be late.
        let (housing_alone, others): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|(name, _)| *name == "housing");
        append_adapters(&files.config, &others, "6s");
        append_adapters(&files.config, &housing_alone, &format!("{}ms", patience.as_millis()));
        change_settings(&files.config, &[(KEY, format!("{KEY}\ncached_people = 0"))]);
        let hub = Hub::start(&files.config, address).await;
        let caller = Caller::new(&files, address);
        let documents = requests(folder.path());
        let mut households = BTreeMap::new();
        for name in HOUSEHOLDS {
            let reply = caller.verify(&documents[name]).await;
            assert_eq!(reply.department("housing"), "answered", "{name}: {}", reply.body);
            assert!(DEPARTMENTS.iter().all(|department| is_answer(reply.department(department))), "{}", reply.body);
            households.insert(name, (documents[name].clone(), reply.body["verdict"].clone()));
        }
        Self { network, housing, folder, files, adapters, hub: Some(hub), caller, households }
    }

    /// So many callers at once.
    pub(crate) fn callers(&self, count: usize) -> Callers {
        let (told, is_over) = (Arc::<Mutex<Vec<Told>>>::default(), Arc::new(AtomicBool::new(false)));
        let began_at = Instant::now();
        let mut asking = JoinSet::new();
        for index in 0..count {
            let (told, is_over, caller) = (Arc::clone(&told), Arc::clone(&is_over), self.caller.clone());
            let documents: Vec<_> = HOUSEHOLDS.map(|name| (name, self.households[name].0.clone())).into();
            asking.spawn(async move {
                for (household, document) in documents.iter().cycle().skip(index) {
                    if is_over.load(Ordering::SeqCst) {
                        return;
                    }
                    let asked_at = Instant::now();
                    let reply = caller.verify(document).await;
                    let told_at = Instant::now();
                    assert!(reply.status.is_success(), "{}: {}", reply.status, reply.body);
                    let housing = reply.department("housing").to_owned();
                    told.lock().unwrap().push(Told { household, housing, body: reply.body, asked_at, told_at });
                }
            });
        }
        Callers { told, began_at, is_over, asking }
    }

    /// Fails unless a reply is right: the other five answered, and the verdict is the undisturbed one, or names housing
    /// and nobody else as what is missing.
    pub(crate) fn judge(&self, told: &Told, when: &str) {
        let body = &told.body;
        let took = told.told_at - told.asked_at;
        assert!(took < super::AT_MOST, "{when}: {} took {took:?}", told.household);
        let reply = Reply {
            status: reqwest::StatusCode::OK,
            headers: reqwest::header::HeaderMap::default(),
            body: body.clone(),
        };
        for department in DEPARTMENTS.iter().filter(|department| **department != "housing") {
            assert!(is_answer(reply.department(department)), "{when}: {department}: {body}");
        }
        self.judge_verdict(told.household, &told.housing, &body["verdict"], when);
    }

    /// The same of the verdict alone, by what came of asking housing.
    pub(crate) fn judge_verdict(&self, household: &str, housing: &str, verdict: &Value, when: &str) {
        let undisturbed = &self.households[household].1;
        if is_answer(housing) {
            // The same facts give the same verdict to the byte (P3), so one byte of somebody else's would show.
            assert_eq!(verdict, undisturbed, "{when}: {household}");
        } else if verdict["status"] == "DETERMINED" {
            // The gap cannot change it, whatever housing knows.
            assert_eq!(undisturbed["status"], "DETERMINED", "{when}: {household}: {verdict}");
            assert_eq!(verdict["household_circle"], undisturbed["household_circle"], "{when}: {household}");
        } else {
            assert_eq!(verdict["blocking_departments"], json!(["housing"]), "{when}: {household}: {verdict}");
        }
    }

    /// What is asked about a household.
    pub(crate) fn document(&self, household: &str) -> &Value {
        &self.households[household].0
    }

    /// Whoever asks.
    pub(crate) const fn caller(&self) -> &Caller {
        &self.caller
    }

    fn pid(&self) -> u32 {
        self.hub.as_ref().unwrap().pid()
    }

    /// Most memory the hub ever held, MiB.
    pub(crate) fn most_memory_mib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
    }

    /// Files and sockets the hub holds.
    pub(crate) fn open_files(&self) -> usize {
        std::fs::read_dir(Path::new("/proc").join(self.pid().to_string()).join("fd")).unwrap().count()
    }

    /// Kills the hub and starts it again on the same folder.
    pub(crate) async fn kill_hub(&mut self) {
        let address = self.caller.base.trim_start_matches("https://").parse().unwrap();
        self.hub.take().unwrap().kill();
        self.hub = Some(Hub::start(&self.files.config, address).await);
        self.caller = Caller::new(&self.files, address);
    }

    /// Stops everything.
    pub(crate) async fn stop(self) {
        drop(self.hub);
        for (_, adapter) in self.adapters {
            adapter.stop().await;
        }
    }
}

/// Whether what is told of a department is an answer.
pub(crate) fn is_answer(status: &str) -> bool {
    matches!(status, "answered" | "no_record")
}

impl Callers {
    /// Waits until so many replies to questions asked since then say such a thing of housing.
    pub(crate) async fn until(&self, from: Instant, count: usize, is_such: impl Fn(&str) -> bool) {
        while self.since(from).iter().filter(|told| is_such(&told.housing)).count() < count {
            let said: Vec<_> = self.since(from).into_iter().map(|told| told.housing).collect();
            assert!(from.elapsed() < Duration::from_secs(40), "not seen {count} times in {said:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The replies to what was asked since then.
    pub(crate) fn since(&self, from: Instant) -> Vec<Told> {
        self.all().into_iter().filter(|told| told.asked_at >= from).collect()
    }

    /// The replies that came before `to` to what was asked since `from`.
    pub(crate) fn between(&self, from: Instant, to: Instant) -> Vec<Told> {
        self.since(from).into_iter().filter(|told| told.told_at <= to).collect()
    }

    /// Every reply.
    pub(crate) fn all(&self) -> Vec<Told> {
        self.told.lock().unwrap().clone()
    }

    /// Lets them end.
    pub(crate) async fn stop(self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.asking.join_all().await;
    }
}
