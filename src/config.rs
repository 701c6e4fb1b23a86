//! Settings: one tree, read once at start from a TOML file and `HEDUI__…` environment variables.
//!
//! Unknown settings are refused, units stand in the values (`"250ms"`, `"1 MiB"`), secrets are named
//! by file. Relative paths are relative to the configuration file.

mod answers;
mod approval;
mod auth;
mod follow_up;
mod limits;
mod load;
mod peering;
mod registry;
mod retention;
mod review;
mod units;
mod witness;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;

pub use answers::CheckAnswers;
pub use approval::Approval;
pub use auth::{Auth, Issuer, IssuerKeySource, TokenAlgorithm, TokenEndpoint};
pub use follow_up::FollowUp;
pub use limits::{RateLimit, Refusals};
pub use load::Load;
pub use peering::{MayAsk, Peer, PeerListen, Peering, Provides};
pub use registry::Registry;
pub use retention::Retention;
pub use review::Review;

use crate::domain::dataset::{DepartmentId, duration_text};
use crate::domain::problem::Text;
use crate::domain::suite::SuiteId;
use crate::egress::Allowed;

pub use witness::{Witness, WitnessConfig};

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Unreadable, not TOML, an unknown or missing setting, or a value of the wrong form.
    #[error("configuration {file}: {problem}")]
    Invalid {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file that a setting names cannot be read.
    #[error("`{setting}` names {file}, which cannot be read: {source}")]
    File {
        /// The setting.
        setting: &'static str,
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl ConfigError {
    /// The error in both languages. What the parser says of a value stands in English in both.
    pub fn text(&self) -> Text {
        let zh = match self {
            Self::Invalid { file, problem } => {
                format!("配置文件 {} 无法使用：{problem}（全部设置见 config/hedui.example.toml）", file.display())
            }
            Self::File { setting, file, source } => format!("`{setting}` 所指的 {} 无法读取：{source}", file.display()),
        };
        Text::new(zh, self.to_string())
    }
}

/// The whole tree.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What the hub is run for.
    #[serde(default)]
    pub server: Server,
    /// Where callers reach the hub.
    pub listen: Listen,
    /// Where the hub is watched from.
    pub monitor: Monitor,
    /// Where the hub keeps what it must not lose.
    pub store: Store,
    /// The key of sealing at rest.
    pub seal: Seal,
    /// Whose tokens are believed.
    pub auth: Auth,
    /// The hub as an issuer of tokens to clients that are registered here; none when absent.
    #[serde(default)]
    pub token_endpoint: Option<TokenEndpoint>,
    /// What one client may ask.
    #[serde(default)]
    pub rate_limit: RateLimit,
    /// Who is let in when not everybody can be served.
    #[serde(default)]
    pub load: Load,
    /// How many refusals have entries of their own in the access log.
    #[serde(default)]
    pub refusals: Refusals,
    /// What the hub may connect to.
    #[serde(default)]
    pub egress: Egress,
    /// How departments are asked.
    pub federation: Federation,
    /// Which verdicts are made with which rules.
    #[serde(default)]
    pub verification: Verification,
    /// When departments that did not answer are asked again.
    #[serde(default)]
    pub follow_up: FollowUp,
    /// How the access log is signed and where its head is kept besides.
    #[serde(default)]
    pub access_log: AccessLog,
    /// How the access log is watched.
    #[serde(default)]
    pub review: Review,
    /// How long what is kept.
    #[serde(default)]
    pub retention: Retention,
    /// Which changes one person alone cannot make.
    #[serde(default)]
    pub approval: Approval,
    /// Whether departments may register adapters themselves; they may not when absent.
    #[serde(default)]
    pub registry: Option<Registry>,
    /// The registered adapters, one a department.
    #[serde(default, rename = "adapter")]
    pub adapters: Vec<Adapter>,
    /// This hub among the hubs of other regions; it is alone when absent.
    #[serde(default)]
    pub peering: Option<Peering>,
    /// The hubs of other regions.
    #[serde(default, rename = "peer")]
    pub peers: Vec<Peer>,
    /// The settings as they were written, variables and all: what two persons agree to.
    #[serde(skip)]
    pub written: serde_json::Value,
}

/// What the hub is run for.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// How strict the hub is with the secrets it is given.
    pub mode: Mode,
}

/// How strict a hub or a witness is with the secrets it is given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It does not start with a secret that others can read, that nobody drew, or that is too short.
    #[default]
    Production,
    /// It says so and starts: for synthetic people only.
    Trial,
}

/// Where callers reach the hub: TLS only.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// Address and port.
    pub address: SocketAddr,
    /// Certificate chain, PEM.
    pub certificate: PathBuf,
    /// Private key, PEM.
    pub private_key: PathBuf,
    /// When set, callers must present a certificate of this authority (mutual TLS).
    #[serde(default)]
    pub client_ca: Option<PathBuf>,
    /// Largest request body.
    #[serde(default = "defaults::request_body", with = "units::bytes")]
    pub max_body: usize,
    /// How long a handshake, the head of a request and its body may each take to arrive, and how long a
    /// connection stays open without a request.
    #[serde(default = "defaults::request_arrival", with = "duration_text")]
    pub arrival_timeout: Duration,
    /// Connections at once; further ones are closed.
    #[serde(default = "defaults::connections")]
    pub max_connections: usize,
    /// The oldest version of TLS that is spoken.
    #[serde(default)]
    pub tls_version: TlsVersion,
    /// Proxies whose `X-Forwarded-For` says who is on the other side; nobody's word is believed when there are none.
    #[serde(default, with = "units::networks")]
    pub trusted_proxies: Vec<IpNet>,
}

/// The oldest version of TLS that callers may speak.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum TlsVersion {
    /// TLS 1.3 alone.
    #[default]
    #[serde(rename = "1.3")]
    Tls13,
    /// TLS 1.2 besides, for callers that cannot do better; authenticated ciphers with forward secrecy only.
    #[serde(rename = "1.2")]
    Tls12,
}

/// Health and metrics, on a listener of their own and in clear: bind it to a management address.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Monitor {
    /// Address and port.
    pub address: SocketAddr,
}

/// The embedded store.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// The database file.
    pub path: PathBuf,
}

/// The key of sealing at rest.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// A file of 64 hexadecimal digits. It wraps the keys of everything that is sealed from now on.
    pub key_file: PathBuf,
    /// The same of keys that sealed before, the newest first; needed until `hedui seal rewrap` is through.
    #[serde(default)]
    pub former_key_files: Vec<PathBuf>,
    /// What everything is sealed in from now on.
    #[serde(default)]
    pub suite: SuiteId,
}

/// What the hub may connect to. Nothing, unless it is named.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Egress {
    /// Networks and ports: `10.20.0.0/16:443`.
    pub allow: Vec<Allowed>,
}

/// How departments are asked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Federation {
    /// The hub's certificate towards adapters, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub private_key: PathBuf,
    /// The key that questions to departments are signed with: Ed25519, PEM. When absent it is derived from the sealing key.
    #[serde(default)]
    pub context_key: Option<PathBuf>,
    /// How long a verification waits for departments.
    #[serde(default = "defaults::deadline", with = "duration_text")]
    pub deadline: Duration,
    /// How long connecting to an adapter may take.
    #[serde(default = "defaults::connect", with = "duration_text")]
    pub connect_timeout: Duration,
    /// Largest answer of an adapter.
    #[serde(default = "defaults::answer", with = "units::bytes")]
    pub max_answer: usize,
    /// Of how many people the cache keeps answers; 0 turns it off.
    #[serde(default = "defaults::cached_people")]
    pub cached_people: u64,
}

/// Which verdicts are made with which rules.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Verification {
    /// How long a caller waits who does not say (`Prefer: wait=N`).
    #[serde(with = "duration_text")]
    pub default_wait: Duration,
    /// The longest a caller may wait.
    #[serde(with = "duration_text")]
    pub max_wait: Duration,
    /// Catalogue file; the shipped one when absent.
    pub catalogue: Option<PathBuf>,
    /// Folder of policy packs; the shipped ones when absent.
    pub policies: Option<PathBuf>,
    /// Within what time a household is to be told that it was looked up in an emergency.
    #[serde(with = "duration_text")]
    pub notice_within: Duration,
}

/// How the access log is signed and where its head is kept besides.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessLog {
    /// The log's private key, as `hedui log keygen` makes it. When absent the key is derived from the sealing key.
    pub key_file: Option<PathBuf>,
    /// The public keys that the log had before, the newest first, when its key was changed.
    pub former_keys: Vec<String>,
    /// The log's name in its checkpoints when there is no key file; a key file holds its own.
    pub origin: String,
    /// A file on another disk or machine that always holds the newest checkpoint.
    pub anchor: Option<PathBuf>,
    /// How often the anchor is written at most.
    #[serde(with = "duration_text")]
    pub anchor_every: Duration,
    /// How often the head is offered to a witness at most.
    #[serde(with = "duration_text")]
    pub witness_every: Duration,
    /// How long the anchor or a witness may fail before new requests are refused.
    #[serde(with = "duration_text")]
    pub refuse_after: Duration,
    /// The longest log, in entries, that is read from end to end before anybody is served; a longer one is read beside.
    pub read_at_start: u64,
    /// Who cosigns the head, each on a machine of its own.
    #[serde(rename = "witness")]
    pub witnesses: Vec<Witness>,
}

/// A registered adapter.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adapter {
    /// The department it answers for.
    pub department: DepartmentId,
    /// Its address: `https://…`, without path.
    pub endpoint: String,
    /// The authority that signed its certificate, PEM.
    pub ca: PathBuf,
    /// How long one question may take.
    #[serde(default = "defaults::ask", with = "duration_text")]
    pub timeout: Duration,
    /// Questions a second the department grants, in the long run.
    #[serde(default = "defaults::quota_per_second")]
    pub quota_per_second: std::num::NonZeroU32,
    /// Questions at once the department grants.
    #[serde(default = "defaults::quota_burst")]
    pub quota_burst: std::num::NonZeroU32,
    /// Questions that may be in flight to it at the same time, at most; more wait, within the deadline.
    #[serde(default = "defaults::in_flight")]
    pub in_flight: std::num::NonZeroU32,
    /// People in one query of several households, at most; 1: households never share a query.
    #[serde(default = "defaults::shared_subjects")]
    pub shared_subjects: usize,
    /// Whether a question may be asked a second time when its answer takes longer than most.
    #[serde(default = "defaults::hedge")]
    pub hedge: bool,
    /// The public keys of its answers: a JWK set, a JWK, or PEM (Ed25519).
    #[serde(default)]
    pub answer_key: Option<PathBuf>,
    /// Whether an answer without signature is refused; yes, where `answer_key` is given.
    #[serde(default)]
    pub signed_answers: Option<bool>,
    /// When the signature of an answer is verified.
    #[serde(default)]
    pub check_answers: CheckAnswers,
}

mod defaults {
    use std::num::NonZeroU32;
    use std::time::Duration;

    pub(super) const fn request_body() -> usize {
        1024 * 1024
    }
    pub(super) const fn request_arrival() -> Duration {
        Duration::from_secs(10)
    }
    pub(super) const fn connections() -> usize {
        10_000
    }
    pub(super) const fn deadline() -> Duration {
        Duration::from_secs(8)
    }
    pub(super) const fn connect() -> Duration {
        Duration::from_secs(2)
    }
    pub(super) const fn ask() -> Duration {
        Duration::from_secs(5)
    }
    pub(super) const fn answer() -> usize {
        1024 * 1024
    }
    pub(super) const fn cached_people() -> u64 {
        20_000
    }
    pub(super) const fn in_flight() -> NonZeroU32 {
        NonZeroU32::new(64).expect("64 is not zero")
    }
    pub(super) const fn shared_subjects() -> usize {
        1
    }
    pub(super) const fn hedge() -> bool {
        true
    }
    pub(super) const fn quota_per_second() -> NonZeroU32 {
        NonZeroU32::new(200).expect("200 is not zero")
    }
    pub(super) const fn quota_burst() -> NonZeroU32 {
        NonZeroU32::new(400).expect("400 is not zero")
    }
}

impl Default for Verification {
    fn default() -> Self {
        Self {
            default_wait: Duration::from_secs(10),
            max_wait: Duration::from_mins(1),
            catalogue: None,
            policies: None,
            notice_within: Duration::from_hours(24 * 10),
        }
    }
}

impl Default for AccessLog {
    fn default() -> Self {
        Self {
            key_file: None,
            former_keys: Vec::new(),
            origin: "hub.hedui.invalid/access-log".to_owned(),
            anchor: None,
            anchor_every: Duration::from_secs(5),
            witness_every: Duration::from_secs(10),
            refuse_after: Duration::from_hours(4),
            read_at_start: 50_000,
            witnesses: Vec::new(),
        }
    }
}

impl Config {
    /// Reads the file, lets `HEDUI__SECTION__SETTING` variables override it, and resolves paths.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let invalid = |problem: String| ConfigError::Invalid { file: file.to_owned(), problem };
        let text = std::fs::read_to_string(file).map_err(|error| invalid(error.to_string()))?;
        let mut config: Self = parse(&text, "HEDUI").map_err(invalid)?;
        config.written = parse(&text, "HEDUI").map_err(invalid)?;
        let base = file.parent().unwrap_or_else(|| Path::new(""));
        config.resolve_paths(base);
        config.check_amounts().map_err(&invalid)?;
        if config.access_log.anchor_every > Duration::from_mins(1) {
            return Err(invalid("access_log: `anchor_every` is at most 60s".to_owned()));
        }
        if config.access_log.witness_every > Duration::from_mins(1) {
            return Err(invalid("access_log: `witness_every` is at most 60s".to_owned()));
        }
        config.auth.check().map_err(&invalid)?;
        config.load.check().map_err(&invalid)?;
        config.follow_up.check().map_err(&invalid)?;
        config.retention.check().map_err(&invalid)?;
        config.refusals.check().map_err(&invalid)?;
        config.approval.check(config.token_endpoint.is_some()).map_err(&invalid)?;
        config.review.check().map_err(&invalid)?;
        config.registry.as_ref().map_or(Ok(()), Registry::check).map_err(&invalid)?;
        config.adapters.iter().try_for_each(Adapter::check).map_err(&invalid)?;
        peering::check(config.peering.as_ref(), &config.peers).map_err(&invalid)?;
        if let Some(endpoint) = &config.token_endpoint {
            endpoint.check(&config.auth).map_err(&invalid)?;
        }
        Ok(config)
    }

    /// What of nothing would let nobody in, or nobody be asked.
    fn check_amounts(&self) -> Result<(), String> {
        let zero = Duration::ZERO;
        let nothing = [
            ("listen: `max_connections`", self.listen.max_connections == 0),
            ("listen: `max_body`", self.listen.max_body == 0),
            ("listen: `arrival_timeout`", self.listen.arrival_timeout == zero),
            ("federation: `deadline`", self.federation.deadline == zero),
            ("federation: `connect_timeout`", self.federation.connect_timeout == zero),
            ("federation: `max_answer`", self.federation.max_answer == 0),
            ("verification: `max_wait`", self.verification.max_wait == zero),
            ("adapter: `timeout`", self.adapters.iter().any(|adapter| adapter.timeout == zero)),
        ];
        let most = connectors::protocol::MAX_SUBJECTS;
        if self.adapters.iter().any(|adapter| !(1..=most).contains(&adapter.shared_subjects)) {
            return Err(format!("adapter: `shared_subjects` is from 1 to {most} 合并查询人数为 1 至 {most}"));
        }
        match nothing.into_iter().find(|(_, is_nothing)| *is_nothing) {
            None => Ok(()),
            Some((setting, _)) => Err(format!("{setting} must be more than nothing 必须大于零")),
        }
    }

    fn resolve_paths(&mut self, base: &Path) {
        let required = [
            &mut self.listen.certificate,
            &mut self.listen.private_key,
            &mut self.store.path,
            &mut self.seal.key_file,
            &mut self.federation.certificate,
            &mut self.federation.private_key,
        ];
        let issuers = self.auth.issuers.iter_mut().flat_map(Issuer::files);
        let adapters = self
            .adapters
            .iter_mut()
            .flat_map(|adapter| std::iter::once(&mut adapter.ca).chain(&mut adapter.answer_key));
        let witnesses = self.access_log.witnesses.iter_mut().map(|witness| &mut witness.ca);
        let optional = [
            &mut self.listen.client_ca,
            &mut self.verification.catalogue,
            &mut self.verification.policies,
            &mut self.access_log.key_file,
            &mut self.access_log.anchor,
            &mut self.federation.context_key,
        ];
        let registry = self.registry.iter_mut().map(|registry| &mut registry.ca);
        let former = self.seal.former_key_files.iter_mut();
        let optional = optional.into_iter().flatten().chain(former);
        for path in required
            .into_iter()
            .chain(issuers)
            .chain(adapters)
            .chain(witnesses)
            .chain(registry)
            .chain(optional)
            .chain(self.review.files())
            .chain(self.peering.iter_mut().flat_map(Peering::files))
            .chain(self.peers.iter_mut().flat_map(Peer::files))
        {
            *path = base.join(&path);
        }
    }
}

/// Settings of a TOML text; `PREFIX__SECTION__SETTING` variables override them.
fn parse<T: serde::de::DeserializeOwned>(text: &str, prefix: &str) -> Result<T, String> {
    config::Config::builder()
        .add_source(config::File::from_str(text, config::FileFormat::Toml))
        .add_source(config::Environment::with_prefix(prefix).prefix_separator("__").separator("__").try_parsing(true))
        .build()
        .and_then(config::Config::try_deserialize)
        .map_err(|error| error.to_string())
}

/// Reads a file that a setting names.
pub fn read_setting_file(setting: &'static str, file: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(file).map_err(|source| ConfigError::File { setting, file: file.to_owned(), source })
}
