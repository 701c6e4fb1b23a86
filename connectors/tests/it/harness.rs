//! Stores, connectors, certificates and questions for the tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use connectors::adapter::{Adapter, Overrides};
use connectors::connector::Connector;
use connectors::ledger::Ledger;
use connectors::protocol::{Query, QueryAuthorisation, QueryPeriod, QueryResult, QuerySubject, Response};
use connectors::rehearsal::Rehearsal;
use connectors::secret::Secret;
use connectors::serve::TlsPem;
use jiff::civil::date;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions};

pub(crate) use crate::authority::Authority;
use crate::servers::PASSWORD;

pub(crate) const BATU: &str = "150000198605021015";
pub(crate) const ALTAN: &str = "150000198808191022";
pub(crate) const QIQIGE: &str = "150000201409011041";
pub(crate) const SIQIN: &str = "15000019700101109X";

/// The folder of the seventh source.
pub(crate) fn seventh() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/seventh_source")
}

/// The executable, in English, with nothing of the environment but the password of an office.
pub(crate) fn executable(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hedui-adapter"));
    command.args(arguments).env_remove("HEDUI_LANG").env("LC_ALL", "C").env("OFFICE_PASSWORD", PASSWORD);
    command.env_remove("HEDUI_DISABLED_PERSONS_DATABASE");
    command
}

/// Runs the executable: its exit code, its output and its errors.
pub(crate) fn run(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = executable(arguments).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// The arguments of a trial about a person, and more of them.
pub(crate) fn trying<'a>(file: &'a str, dataset: &'a str, number: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["try", file, "--dataset", dataset, "--id-number", number];
    arguments.extend(["--from", "2024-03-01", "--to", "2025-02-28"]);
    arguments.extend(more);
    arguments
}

/// A folder with a store in it.
pub(crate) struct Store {
    pub(crate) folder: tempfile::TempDir,
}

impl Store {
    pub(crate) fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// The seventh source's records.
    pub(crate) async fn seventh() -> Self {
        let store = Self::empty();
        store.fill().await;
        store
    }

    pub(crate) async fn fill(&self) {
        let mut connection = self.writer().await;
        for file in ["schema.sql", "sample.sql"] {
            let text = std::fs::read_to_string(seventh().join(file)).unwrap();
            sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut connection).await.unwrap();
        }
        sqlx::Connection::close(connection).await.unwrap();
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("库.sqlite")
    }

    pub(crate) fn url(&self) -> String {
        format!("sqlite://{}", self.file().display())
    }

    pub(crate) async fn writer(&self) -> SqliteConnection {
        SqliteConnectOptions::new().filename(self.file()).create_if_missing(true).connect().await.unwrap()
    }

    pub(crate) fn overrides(&self) -> Overrides {
        Overrides { source_url: Some(Secret::new(self.url())), ledger: Ledger::Silent, ..Overrides::default() }
    }

    /// The adapter of the seventh source on this store.
    pub(crate) fn adapter(&self) -> Adapter {
        Adapter::load(&seventh().join("connector.toml"), self.overrides()).unwrap()
    }

    /// The same, with parts of the connector file replaced.
    pub(crate) fn adapter_with(&self, changes: &[(&str, &str)]) -> Adapter {
        let mut text = std::fs::read_to_string(seventh().join("connector.toml")).unwrap();
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        let connector = Connector::parse(&text, &seventh().join("connector.toml")).unwrap();
        Adapter::new(connector, self.overrides()).unwrap()
    }

    /// The same, keeping its ledger, with rehearsed persons.
    pub(crate) fn rehearsing(&self, behaviours: &[(&str, &str)]) -> (Adapter, Arc<Mutex<Vec<String>>>) {
        let entries: Vec<_> = behaviours
            .iter()
            .map(|(id_number, behaviour)| serde_json::json!({"id_number": id_number, "behaviour": behaviour}))
            .collect();
        let text = serde_json::json!({"behaviours": entries}).to_string();
        let lines = Arc::default();
        let overrides = Overrides {
            rehearsal: Rehearsal::parse(&text, Path::new("rehearsal.json")).unwrap(),
            ledger: Ledger::Kept(Arc::clone(&lines)),
            ..self.overrides()
        };
        (Adapter::load(&seventh().join("connector.toml"), overrides).unwrap(), lines)
    }
}

/// A question about persons, by number and name.
pub(crate) fn question(datasets: &[&str], persons: &[(&str, &str)]) -> Query {
    let subject = |(index, (id_number, name)): (usize, &(&str, &str))| QuerySubject {
        reference: format!("m{}", index + 1),
        id_number: (*id_number).to_owned(),
        name: (*name).to_owned(),
        datasets: None,
        division: None,
        case: None,
    };
    Query {
        request_id: "r-1".to_owned(),
        purpose: "dibao".to_owned(),
        authorisation: QueryAuthorisation { number: "HD-2025-0001".to_owned(), valid_until: "2026-02-28".to_owned() },
        period: QueryPeriod { from: date(2024, 3, 1), to: date(2025, 2, 28) },
        datasets: datasets.iter().map(|dataset| (*dataset).to_owned()).collect(),
        subjects: persons.iter().enumerate().map(subject).collect(),
        within_ms: None,
    }
}

pub(crate) const CERTIFICATE: &str = "disabled_persons.certificate";
pub(crate) const REHABILITATION: &str = "disabled_persons.rehabilitation";

/// The one result of a person and dataset.
pub(crate) fn result<'a>(response: &'a Response, reference: &str, dataset: &str) -> &'a QueryResult {
    let mut of = response.results.iter().filter(|result| result.reference == reference && result.dataset == dataset);
    let result = of.next().expect("a result for everybody and everything asked");
    assert!(of.next().is_none(), "one result only");
    result
}

impl Authority {
    /// A certificate of these contents, PEM.
    pub(crate) fn sign(&self, params: &CertificateParams, key: &KeyPair) -> String {
        params.clone().signed_by(key, &self.0).unwrap().pem()
    }

    pub(crate) fn server(&self, client_ca: &Self) -> TlsPem {
        let (cert, key) = self.issue(ExtendedKeyUsagePurpose::ServerAuth);
        TlsPem { cert, key, client_ca: client_ca.pem() }
    }
}

/// A caller that trusts `server` and has a certificate of `own`, or none.
#[expect(clippy::disallowed_methods, reason = "the test stands where the hub would")]
pub(crate) fn caller(server: &Authority, own: Option<&Authority>) -> reqwest::ClientBuilder {
    let root = reqwest::Certificate::from_pem(&server.pem()).unwrap();
    let builder = reqwest::Client::builder().tls_certs_only([root]).no_proxy();
    match own {
        None => builder,
        Some(own) => {
            let (mut cert, key) = own.issue(ExtendedKeyUsagePurpose::ClientAuth);
            cert.extend(key);
            builder.identity(reqwest::Identity::from_pem(&cert).unwrap())
        }
    }
}
