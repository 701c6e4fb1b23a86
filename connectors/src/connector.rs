//! The connector file (`connector.toml`, schema `hedui.connector/1`): what a department writes to join.
//!
//! It names the source, the statement of each dataset and the mapping of its columns to facts. It is
//! checked as a whole when it is loaded: a [`Connector`] that exists is sound in itself, and every
//! fault of a file is named at once, with its line and what mends it.

mod auth;
mod checked;
mod condition;
mod dataset;
mod delivered;
mod envelope;
mod file;
mod http;
mod mapped;
mod request;
mod soap;
mod source;
mod template;
mod web;
mod xml_template;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use auth::{Algorithm, AuthInfo, Encoding, Life, Oauth2Info, Part, ServiceKey, ServicePath, SignedInfo, StageInfo};
pub(crate) use checked::{is_name, name_form, sha256};
pub use condition::{Condition, Is};
pub use delivered::{FileFormat, FileInfo, FileName};
pub use envelope::{EnvelopeInfo, Field};
pub use http::{HttpAsk, HttpInfo, Meaning, Paging, PagingKind};
pub(crate) use request::probe;
pub use soap::{AnswerPath, SoapAsk, SoapInfo, SoapMeaning, XmlCondition};
pub(crate) use source::duration;
pub use template::{Body, Place, Template, Tree};
pub(crate) use web::service_url;
pub use web::{UrlPlace, WebInfo, WebTls};
pub(crate) use xml_template::Filling;
pub use xml_template::{XmlTemplate, XmlValue};

use crate::error::{Fault, Faults, Text};
use crate::golden::GoldenTest;
use crate::mapping::Mapping;
use crate::protocol::{AdapterVersion, MAX_SUBJECTS, Manifest, ManifestDataset, QueryPeriod};
use crate::secret::SecretPlace;
use crate::sql_text::SqlText;
use crate::words;
use crate::xml::XmlPath;

/// The schema this build reads.
pub const SCHEMA: &str = "hedui.connector/1";

/// The subject of a dataset whose source does not say whose a record is: the person of the call, which asks about one.
pub const ASKED: &str = ":id_number";

/// A checked connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connector {
    /// Its file.
    pub file: PathBuf,
    /// SHA-256 of its text, in small hexadecimal digits.
    pub sha256: String,
    /// Who answers.
    pub adapter: AdapterInfo,
    /// Where the records are.
    pub source: SourceInfo,
    /// Whose questions are answered, and what is kept of them.
    pub hub: HubInfo,
    /// What the department agrees to answer; the hub keeps to it.
    pub quota: Quota,
    /// The datasets, in the order of the file.
    pub datasets: Vec<Dataset>,
    /// The golden tests.
    pub tests: Vec<GoldenTest>,
}

/// Who answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdapterInfo {
    /// The department's id.
    pub id: String,
    /// Version of the connector.
    pub version: String,
    /// Name for people.
    pub name: Text,
    /// Whom to call when it is down.
    pub contact: String,
    /// A notice to callers: maintenance and the like.
    pub notice: Option<String>,
}

/// Whose questions are answered, and what is kept of them. Paths are relative to the connector file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HubInfo {
    /// The public keys that the hub signs its questions with.
    pub keys: Option<PathBuf>,
    /// The private key that answers are signed with, PEM.
    pub answer_key: Option<PathBuf>,
    /// The department's record of use.
    pub ledger: Option<PathBuf>,
}

/// Where the records are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceInfo {
    /// A database.
    Sql(Box<SqlInfo>),
    /// A folder of deliveries.
    File(FileInfo),
    /// A service that answers in XML.
    Soap(Box<SoapInfo>),
    /// A service that answers in JSON.
    Http(Box<HttpInfo>),
}

/// A database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlInfo {
    /// Where it is, and as whom it is asked.
    pub database: DatabasePlace,
    /// How the connection to it is protected.
    pub tls: TlsInfo,
    /// How long one statement may take, waiting for a connection included.
    pub statement_timeout: Duration,
    /// How many connections are kept at most.
    pub max_connections: u32,
    /// How many rows one statement may give; more is an error, never a cut-off answer.
    pub max_rows: usize,
    /// What a statement may cost by the database's own plan.
    pub explain: ExplainInfo,
}

/// Where a database is, and as whom it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabasePlace {
    /// All of it in one URL, which is a secret because a password may be in it.
    Url(SecretPlace),
    /// Field by field; only the password is a secret, and it needs no percent-encoding.
    Fields {
        /// Which kind of database.
        driver: Driver,
        /// Name or address of its machine, or the folder or file of its socket when it begins with `/`.
        host: String,
        /// Its port; the usual one of the kind where none is given.
        port: Option<u16>,
        /// Name of the database.
        database: String,
        /// The account.
        user: String,
        /// Where the account's password is kept.
        password: SecretPlace,
    },
}

/// A kind of database that is asked over a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Driver {
    /// `PostgreSQL`.
    Postgres,
    /// `MariaDB` and `MySQL`.
    Mariadb,
}

/// How a connection is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsInfo {
    /// What must be shown.
    pub mode: TlsMode,
    /// The CA whose certificates the server may have, PEM; beside the public ones.
    pub ca: Option<PathBuf>,
    /// Certificate and key that are shown to the server, PEM.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// What a server must show. There is no mode that encrypts without looking at the certificate: whoever stands
/// between could then read everything, and nobody would know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// A certificate of a known CA that names the host.
    VerifyFull,
    /// A certificate of a known CA, whatever name is on it: for servers reached by address.
    VerifyCa,
    /// Nothing: the connection is not encrypted.
    Off,
}

/// What a statement may cost by the database's own plan (`EXPLAIN`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExplainInfo {
    /// The largest table, in rows, that a statement may read from end to end.
    pub max_full_scan: u64,
    /// The largest cost, in the units of `PostgreSQL`, where one is set.
    pub max_cost: Option<u64>,
    /// True when the file sets a bound. `SQLite`, which keeps no statistics, is held to one only then.
    pub given: bool,
}

impl Driver {
    /// Its usual port.
    pub const fn port(self) -> u16 {
        match self {
            Self::Postgres => 5432,
            Self::Mariadb => 3306,
        }
    }
}

/// What the department agrees to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Queries a second.
    pub per_second: u32,
    /// Queries that may come at once.
    pub burst: u32,
}

/// A dataset: how it is asked for and mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// Its id, such as `hrss.pension`.
    pub id: String,
    /// Its fact type.
    pub fact: String,
    /// How the source is asked.
    pub ask: Ask,
    /// How its rows become facts.
    pub mapping: Mapping,
}

/// How a source is asked for a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// By a statement.
    Sql {
        /// The statement.
        statement: SqlText,
        /// Its parameters, in the order of [`SqlText::parameters`].
        parameters: Vec<Parameter>,
    },
    /// By the identity numbers in a delivered file.
    File {
        /// The file.
        file: FileName,
        /// The path of its records, in XML.
        records: Option<XmlPath>,
    },
    /// By a message of XML.
    Soap(Box<SoapAsk>),
    /// By calls of a service.
    Http(Box<HttpAsk>),
}

/// A named parameter of a statement, made from the query's period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Which day of the period.
    pub of: PeriodDay,
    /// How the day is written; a strftime format.
    pub format: String,
    /// Bound as a whole number, for columns that keep months as numbers.
    pub integer: bool,
}

/// A day of the query's period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeriodDay {
    /// The first.
    From,
    /// The last.
    To,
}

impl SourceInfo {
    /// The database, where it is one, to be altered.
    pub(crate) const fn database_mut(&mut self) -> Option<&mut SqlInfo> {
        match self {
            Self::Sql(info) => Some(info),
            Self::File(_) | Self::Soap(_) | Self::Http(_) => None,
        }
    }
}

impl Ask {
    /// The statement, where it is asked by one.
    pub(crate) const fn statement(&self) -> Option<&SqlText> {
        match self {
            Self::Sql { statement, .. } => Some(statement),
            Self::File { .. } | Self::Soap(_) | Self::Http(_) => None,
        }
    }
}

impl Parameter {
    /// The day of the period, as it is written.
    pub(crate) fn written(&self, period: QueryPeriod) -> String {
        let day = match self.of {
            PeriodDay::From => period.from,
            PeriodDay::To => period.to,
        };
        day.strftime(&self.format).to_string()
    }
}

impl Connector {
    /// Reads and checks a connector file.
    pub fn read(file: &Path) -> Result<Self, Faults> {
        let text = Self::text(file)?;
        Self::parse(&text, file)
    }

    /// Reads who answers and from where, and leaves the datasets alone: for a file that has none yet.
    pub fn read_beginning(file: &Path) -> Result<Self, Faults> {
        checked::beginning(&Self::text(file)?, file)
    }

    fn text(file: &Path) -> Result<String, Faults> {
        std::fs::read_to_string(file).map_err(|cause| {
            Faults::one(
                file,
                Fault {
                    code: "connector_unreadable",
                    place: file.display().to_string(),
                    line: None,
                    what: Text::new(
                        format!("文件无法读取：{}", words::of_system(&cause)),
                        format!("the file cannot be read: {cause}"),
                    ),
                    mend: if cause.kind() == std::io::ErrorKind::InvalidData {
                        Text::new("另存为 UTF-8 编码", "save it in UTF-8")
                    } else {
                        Text::new("核对路径和读取权限", "check the path and the permission to read it")
                    },
                },
            )
        })
    }

    /// Checks the text of a connector file; `file` is where it stands, or its name where it does not.
    pub fn parse(text: &str, file: &Path) -> Result<Self, Faults> {
        checked::connector(text, file)
    }

    /// The folder of the file, from which relative paths in it start.
    pub fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new(""))
    }

    /// The dataset of this id.
    pub fn dataset(&self, id: &str) -> Option<&Dataset> {
        self.datasets.iter().find(|dataset| dataset.id == id)
    }

    /// How long the source may take over one dataset.
    pub(crate) const fn source_timeout(&self) -> Duration {
        match &self.source {
            SourceInfo::Sql(info) => info.statement_timeout,
            // An index in memory answers at once.
            SourceInfo::File(_) => Duration::from_secs(1),
            SourceInfo::Soap(info) => info.web.question_timeout,
            SourceInfo::Http(info) => info.web.question_timeout,
        }
    }

    /// How many queries may be under way at once: as many as a hub that keeps to the quota can have sent before the
    /// first of them is answered or given up.
    pub(crate) fn admitted(&self) -> usize {
        let seconds = u64::try_from(self.source_timeout().as_millis().div_ceil(1_000)).unwrap_or(u64::MAX);
        let sustained = u64::from(self.quota.per_second).saturating_mul(seconds);
        usize::try_from(sustained.saturating_add(self.quota.burst.into())).unwrap_or(usize::MAX)
    }

    /// Which adapter answers.
    pub fn version(&self) -> AdapterVersion {
        AdapterVersion { id: self.adapter.id.clone(), version: self.adapter.version.clone() }
    }

    /// What it offers.
    pub fn manifest(&self) -> Manifest {
        let dataset = |dataset: &Dataset| ManifestDataset { id: dataset.id.clone(), fact: dataset.fact.clone() };
        Manifest {
            adapter: self.version(),
            name_zh: self.adapter.name.zh.clone(),
            name_en: self.adapter.name.en.clone(),
            contact: self.adapter.contact.clone(),
            notice: self.adapter.notice.clone(),
            datasets: self.datasets.iter().map(dataset).collect(),
            quota_per_second: self.quota.per_second,
            quota_burst: self.quota.burst,
            connector_sha256: Some(self.sha256.clone()),
            max_subjects: MAX_SUBJECTS,
            answer_key: None,
            divisions: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
