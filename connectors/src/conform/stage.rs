//! Where an adapter is tried: certificates for an hour, endpoints on loopback, and the golden persons.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};

use super::ConformError;
use super::report::{Exchange, Finding};
use super::told;
use crate::adapter::{Adapter, Overrides};
use crate::caller::{Answer, CallError, Caller, CallerPem};
use crate::check::{self, Step};
use crate::connector::{Connector, Dataset};
use crate::error::Text;
use crate::golden::GoldenTest;
use crate::ledger::Ledger;
use crate::mapping::{Outcome as RowOutcome, Person};
use crate::native::{Rows, find_column};
use crate::protocol::{Query, QueryPeriod, Response, ResultStatus};
use crate::serve::{Running, TlsPem};
use crate::source::{Question, Rung, Source, Trouble};

/// The path that answers questions.
pub(super) const QUERY: &str = "/v1/facts:query";

/// Everything an adapter is tried with.
pub(super) struct Stage {
    pub(super) connector: Connector,
    /// The ladder of `check`, without its golden tests.
    pub(super) steps: Vec<Step>,
    pub(super) now: Timestamp,
    pub(super) pki: Pki,
    /// The adapter on its own source, started here; or why it could not be.
    pub(super) own: Result<Served, Text>,
    /// The running adapter that was named.
    pub(super) named: Option<Caller>,
    /// What came of each golden test, over the network.
    pub(super) golden: Vec<GoldenRun>,
    pub(super) samples: Vec<Sample>,
    overrides: Overrides,
    ledger: Arc<Mutex<Vec<String>>>,
}

/// Certificates of this run: the adapter's, the hub's, and those of somebody else.
pub(super) struct Pki {
    server: TlsPem,
    pub(super) hub: CallerPem,
    /// A caller whose certificate is of another CA.
    pub(super) stranger: (Vec<u8>, Vec<u8>),
}

/// An endpoint on loopback.
pub(super) struct Served {
    running: Running,
    pub(super) caller: Caller,
}

/// A golden test, asked over the network.
pub(super) struct GoldenRun {
    pub(super) test: GoldenTest,
    /// The answer, or why there is none.
    pub(super) answer: Result<Response, Text>,
    /// The answer as it came.
    pub(super) raw: Option<Answer>,
    pub(super) exchange: Option<Exchange>,
}

/// A golden person of a dataset with the rows that become facts.
pub(super) struct Sample {
    pub(super) dataset: Dataset,
    pub(super) number: String,
    pub(super) name: String,
    pub(super) period: QueryPeriod,
    pub(super) rows: Rows,
    pub(super) fixture: std::path::PathBuf,
}

/// An answer to a question that was asked.
pub(super) struct Asked {
    pub(super) response: Result<Response, Text>,
    pub(super) raw: Option<Answer>,
    pub(super) exchange: Exchange,
}

impl Stage {
    pub(super) async fn set(
        connector: Connector,
        overrides: Overrides,
        named: Option<Caller>,
        now: Timestamp,
    ) -> Result<Self, ConformError> {
        let pki = Pki::new().map_err(|error| ConformError::Stage(error.to_string()))?;
        let mut steps = check::climb(&connector.file, overrides.clone()).await;
        steps.retain(|step| step.rung != Rung::Golden);
        let mut stage = Self {
            connector,
            steps,
            now,
            pki,
            own: Err(Text::same("")),
            named,
            golden: Vec::new(),
            samples: Vec::new(),
            overrides,
            ledger: Arc::default(),
        };
        stage.own = stage.on_own_source(stage.connector.clone()).await;
        for test in stage.connector.tests.clone() {
            let run = stage.run_golden(test).await;
            stage.golden.push(run);
        }
        stage.samples = stage.find_samples().await;
        Ok(stage)
    }

    /// Ends what was started.
    pub(super) async fn strike(self) {
        if let Ok(own) = self.own {
            own.running.stop().await;
        }
    }

    /// The adapter that is looked at from outside: the running one that was named, else our own.
    pub(super) fn outside(&self) -> Result<&Caller, Text> {
        match (&self.named, &self.own) {
            (Some(named), _) => Ok(named),
            (None, Ok(own)) => Ok(&own.caller),
            (None, Err(why)) => Err(why.clone()),
        }
    }

    /// As [`Stage::outside`], for questions that must get as far as being read: a running adapter that answers only what
    /// its hub signed refuses ours before it looks at them, and that would show nothing. Then our own is asked, from the same
    /// file and by the same program, and the second value says so.
    pub(super) async fn questioned(&self) -> Result<(&Caller, Option<Text>), Text> {
        let caller = self.outside()?;
        if self.named.is_none() {
            return Ok((caller, None));
        }
        let (answer, _) = post(caller, b"{}".to_vec()).await;
        if !answer.is_ok_and(|answer| answer.status == 401) {
            return Ok((caller, None));
        }
        let own = self.own.as_ref().map_err(Clone::clone)?;
        let note = Text::new(
            "正在运行的适配器只答平台签名的查询，这一项在用同一文件另起的适配器上试",
            "the running adapter answers only what its hub signed, so this was tried on one of its own from the same file",
        );
        Ok((&own.caller, Some(note)))
    }

    /// Lines of the ledger of every endpoint so far.
    pub(super) fn ledger(&self) -> Vec<String> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The connector's own source.
    pub(super) fn own_source(&self) -> Result<Source, Text> {
        self.source_of(&self.connector)
    }

    /// The source of a connector that was altered.
    pub(super) fn source_of(&self, connector: &Connector) -> Result<Source, Text> {
        Source::of(connector, &self.overrides).map_err(|error| error.text())
    }

    /// An endpoint whose records come from the connector's own source.
    pub(super) async fn on_own_source(&self, connector: Connector) -> Result<Served, Text> {
        let source = self.source_of(&connector)?;
        self.on(connector, source).await
    }

    /// An endpoint whose records come from `source`.
    pub(super) async fn on(&self, connector: Connector, source: Source) -> Result<Served, Text> {
        self.on_at(connector, source, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
    }

    /// The same at an address.
    pub(super) async fn on_at(
        &self,
        connector: Connector,
        source: Source,
        address: SocketAddr,
    ) -> Result<Served, Text> {
        let overrides = Overrides { ledger: Ledger::Kept(Arc::clone(&self.ledger)), ..self.overrides.clone() };
        let adapter = Adapter::with(connector, source, overrides);
        let running = adapter.listen(address, self.pki.server.clone()).await.map_err(|error| error.text())?;
        let caller =
            Caller::new(&format!("https://{}", running.addr()), &self.pki.hub).map_err(|error| error.text())?;
        Ok(Served { running, caller })
    }

    /// Asks an endpoint of these rows about persons, and lets it go again.
    pub(super) async fn ask_of(&self, sample: &Sample, source: Source, persons: &[(&str, &str)]) -> Asked {
        let query = query(&[&sample.dataset.id], persons, sample.period);
        match self.on(self.connector.clone(), source).await {
            Ok(served) => ask(&served.caller, &query).await,
            Err(why) => Asked { response: Err(why.clone()), raw: None, exchange: nothing(&why) },
        }
    }

    async fn run_golden(&self, test: GoldenTest) -> GoldenRun {
        let fixture = self.connector.folder().join(&test.fixture);
        let served = match Source::fixture(&self.connector, &fixture).await {
            Ok(source) => self.on(self.connector.clone(), source).await,
            Err(error) => Err(error.text()),
        };
        match served {
            Err(why) => GoldenRun { test, answer: Err(why), raw: None, exchange: None },
            Ok(served) => {
                let Asked { response, raw, exchange } = ask(&served.caller, &test.given.query()).await;
                GoldenRun { test, answer: response, raw, exchange: Some(exchange) }
            }
        }
    }

    /// For each dataset the first golden person who has a record, with the rows it is made of.
    async fn find_samples(&self) -> Vec<Sample> {
        let mut samples = Vec::new();
        for dataset in &self.connector.datasets {
            for test in self.connector.tests.iter().filter(|test| test.given.dataset == dataset.id) {
                if let Some(sample) = self.sample(dataset, test).await {
                    samples.push(sample);
                    break;
                }
            }
        }
        samples
    }

    async fn sample(&self, dataset: &Dataset, test: &GoldenTest) -> Option<Sample> {
        let found = |number: &String| {
            let known = |expected: &&crate::golden::Expected| expected.id_number == *number;
            let expected = test.expect.iter().find(known)?;
            (expected.status == ResultStatus::Ok && !expected.facts.is_empty()).then_some(())
        };
        let (number, name) = test.given.persons.iter().find(|(number, _)| found(number).is_some())?;
        let fixture = self.connector.folder().join(&test.fixture);
        let source = Source::fixture(&self.connector, &fixture).await.ok()?;
        let period = QueryPeriod { from: test.given.from, to: test.given.to };
        let rows = source.fetch(&dataset.id, &Question { id_numbers: vec![number], names: vec![name], period }).await;
        source.close().await;
        let mut rows = rows.ok()?.rows;
        let person = [Person { id_number: number, name }];
        let mut alone = rows.clone();
        let becomes_a_fact = |row: &Vec<crate::native::Native>| {
            alone.rows = vec![row.clone()];
            let mapped = dataset.mapping.map(&alone, &person, period);
            mapped.is_ok_and(|mapped| mapped.iter().any(|mapped| matches!(mapped.outcome, RowOutcome::Facts { .. })))
        };
        rows.rows.retain(becomes_a_fact);
        let sample =
            Sample { dataset: dataset.clone(), number: number.clone(), name: name.clone(), period, rows, fixture };
        (!sample.rows.rows.is_empty()).then_some(sample)
    }

    /// The first broken rung of the ladder.
    pub(super) fn broken(&self) -> Option<&Trouble> {
        self.steps.iter().find_map(|step| step.found.as_ref().err()).map(|trouble| &**trouble)
    }

    /// A finding of a requirement that needs our own adapter on its source.
    pub(super) fn needs_own(&self, id: &'static str) -> Result<&Served, Finding> {
        if let Some(trouble) = self.broken() {
            let rung = trouble.rung.name();
            let what = Text::new(format!("check 停在{}一级", rung.zh), format!("check stops at the rung {}", rung.en));
            return Err(Finding::after(id, "L0-01", what));
        }
        self.own.as_ref().map_err(|why| Finding::error(id, why.clone()))
    }
}

impl Served {
    pub(super) const fn address(&self) -> SocketAddr {
        self.running.addr()
    }

    pub(super) async fn stop(self) {
        self.running.stop().await;
    }
}

impl Sample {
    /// The place of a column in the rows.
    pub(super) fn place(&self, column: &str) -> Option<usize> {
        find_column(&self.rows.columns, column)
    }

    /// The rows with the values of a column replaced.
    pub(super) fn with(&self, column: &str, value: &crate::native::Native) -> Rows {
        let mut rows = self.rows.clone();
        if let Some(place) = self.place(column) {
            for row in &mut rows.rows {
                if let Some(cell) = row.get_mut(place) {
                    cell.clone_from(value);
                }
            }
        }
        rows
    }
}

/// Asks a caller's adapter.
pub(super) async fn ask(caller: &Caller, query: &Query) -> Asked {
    let body = serde_json::to_vec(query).expect("a query is JSON");
    let (answer, exchange) = post(caller, body).await;
    let response = match &answer {
        Err(error) => Err(error.text()),
        Ok(answer) if answer.status != 200 => {
            let status = answer.status;
            Err(Text::new(format!("答复的状态是 {status}"), format!("the answer has status {status}")))
        }
        Ok(answer) => serde_json::from_slice(&answer.body)
            .map_err(|_| Text::new("答复不合协议", "the answer does not fit the protocol")),
    };
    Asked { response, raw: answer.ok(), exchange }
}

/// Sends any body to where questions go.
pub(super) async fn post(caller: &Caller, body: Vec<u8>) -> (Result<Answer, CallError>, Exchange) {
    let answer = caller.post(QUERY, body.clone()).await;
    let exchange = told::exchange("POST", QUERY, &body, &answer);
    (answer, exchange)
}

/// Reads a path.
pub(super) async fn get(caller: &Caller, path: &str) -> (Result<Answer, CallError>, Exchange) {
    let answer = caller.get(path).await;
    let exchange = told::exchange("GET", path, &[], &answer);
    (answer, exchange)
}

/// A question about persons, by number and name.
pub(super) fn query(datasets: &[&str], persons: &[(&str, &str)], period: QueryPeriod) -> Query {
    Query::of_own("conformance", datasets, persons.iter().copied(), period)
}

fn nothing(why: &Text) -> Exchange {
    Exchange { request: String::new(), response: why.en.clone(), milliseconds: 0 }
}

impl Pki {
    fn new() -> Result<Self, rcgen::Error> {
        let (ours, other) = (Authority::new("Hedui conformance")?, Authority::new("somebody else")?);
        let (cert, key) = ours.issue(ExtendedKeyUsagePurpose::ServerAuth)?;
        let server = TlsPem { cert, key, client_ca: ours.pem() };
        let hub = CallerPem { identity: Some(ours.issue(ExtendedKeyUsagePurpose::ClientAuth)?), ca: ours.pem() };
        Ok(Self { server, hub, stranger: other.issue(ExtendedKeyUsagePurpose::ClientAuth)? })
    }
}

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        CertifiedIssuer::self_signed(params, KeyPair::generate()?).map(Self)
    }

    fn pem(&self) -> Vec<u8> {
        self.0.as_ref().pem().into_bytes()
    }

    fn issue(&self, purpose: ExtendedKeyUsagePurpose) -> Result<(Vec<u8>, Vec<u8>), rcgen::Error> {
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()])?;
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.0)?;
        Ok((certificate.pem().into_bytes(), key.serialize_pem().into_bytes()))
    }
}

/// How long something that must happen at once may take.
pub(super) const AT_ONCE: Duration = Duration::from_secs(3);
