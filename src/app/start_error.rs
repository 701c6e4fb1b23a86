//! Why a hub does not start, told in both languages.

use std::net::SocketAddr;

use connectors::keys::KeyError;

use super::{secrets, settings};
use crate::access_log::publish::LogError;
use crate::config::ConfigError;
use crate::domain::dataset::CatalogueError;
use crate::domain::problem::Text;
use crate::federation::client::ClientError;
use crate::policy::PolicyError;
use crate::seal::SealError;
use crate::service::clients::ClientsError;
use crate::service::sealing::SealingError;
use crate::store::StoreError;
use crate::tlog::note::NoteError;

/// Why the hub cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Secrets that are not kept as secrets are.
    #[error("{}", secrets_text(.0).en)]
    Secrets(Vec<secrets::Insecure>),
    /// The database.
    #[error("[store] path {0}: {1}")]
    Store(std::path::PathBuf, StoreError),
    /// The access log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A public key that the access log had before.
    #[error("[access_log] former_keys: `{0}`: {1}")]
    FormerLogKey(String, NoteError),
    /// The access log's key.
    #[error("[access_log] key_file: {0}")]
    LogKey(#[from] NoteError),
    /// A sealing key.
    #[error("[seal] key_file or former_key_files: {0}")]
    Seal(#[from] SealError),
    /// What is stored does not open with the sealing keys.
    #[error(transparent)]
    Sealing(#[from] SealingError),
    /// The catalogue.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// The policy packs.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// An adapter.
    #[error("[[adapter]] {0}: {1}")]
    Adapter(String, ClientError),
    /// A witness.
    #[error("[[access_log.witness]] {0}: {1}")]
    Witness(String, ClientError),
    /// A witness's key.
    #[error(
        "[[access_log.witness]] key `{0}`: it is not the public key of a witness, as `hedui witness keygen` prints it, or stands there twice: {1}"
    )]
    WitnessKey(String, NoteError),
    /// An adapter of a department that is not in the catalogue, or a second one of the same.
    #[error("[[adapter]] {0}: {1}")]
    Department(String, &'static str),
    /// A hub of another region.
    #[error("[[peer]] {0}: {1}")]
    Peer(String, ClientError),
    /// A hub named like a department of the catalogue.
    #[error("`{0}` is a department of the catalogue: give the hub another name, in [peering] or [[peer]]")]
    HubName(String),
    /// A key of questions or answers.
    #[error("{0}: {1}")]
    Key(String, KeyError),
    /// A token issuer's keys.
    #[error("[[auth.issuer]] {0}: {1}")]
    Issuer(String, String),
    /// The registered clients, or the hub's own signing key.
    #[error("[token_endpoint]: {0}")]
    Clients(#[from] ClientsError),
    /// Two persons must agree to the settings first.
    #[error(
        "two administrators must agree to these settings first (sha256 {}, before it {}); each of them looks at the change and signs: `hedui approval show {proposal}`, `hedui approval give {proposal} --as ID --key FILE`; then start again", .0.digest, .0.before, proposal = .0.proposal
    )]
    Unapproved(settings::Unapproved),
    /// The rules or lists by which the access log is watched.
    #[error("[review] {0}: {1}")]
    Review(std::path::PathBuf, String),
    /// The TLS certificate or key.
    #[error("the certificate or key of the listener cannot be used: {0}")]
    Tls(String),
    /// The address cannot be bound.
    #[error("{setting} {address} cannot be bound: {source}; is another program using it?")]
    Bind {
        /// The setting.
        setting: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

impl StartError {
    /// The error in both languages. What names a file or an address of the operator's is told in Chinese as well; other
    /// errors have the English text behind a Chinese heading.
    pub fn text(&self) -> Text {
        match self {
            Self::Secrets(faults) => secrets_text(faults),
            Self::Sealing(error) => error.text(),
            Self::Seal(SealError::Key) => Text::new(
                "[seal] 封装密钥应为 64 个十六进制数字（32 字节）：请以 openssl rand -hex 32 生成。",
                self.to_string(),
            ),
            Self::Seal(SealError::Twice(id)) => {
                Text::new(format!("[seal] 密钥 {id} 在 key_file 与 former_key_files 中重复出现。"), self.to_string())
            }
            Self::Bind { setting, address, source } => {
                Text::new(format!("{setting} {address} 无法监听：{source}；是否已有其他程序占用？"), self.to_string())
            }
            Self::Tls(why) => Text::new(format!("监听所用的证书或私钥不可用：{why}"), self.to_string()),
            Self::Config(error) => error.text(),
            Self::Peer(name, error) => {
                Text::new(format!("[[peer]] {name}：外地平台无法连接：{error}"), self.to_string())
            }
            Self::HubName(name) => Text::new(
                format!("{name} 是目录中的部门：请在 [peering] 或 [[peer]] 中为平台另取名称"),
                self.to_string(),
            ),
            Self::Key(setting, error) => Text::new(format!("{setting}：{}", error.text().zh), self.to_string()),
            Self::Unapproved(settings::Unapproved { digest, before, proposal }) => Text::new(
                format!(
                    "设置已变更，须先由两名授权管理人员批准（sha256 {digest}，此前为 {before}）；两人各自查看并签署：`hedui approval show {proposal}`、`hedui approval give {proposal} --as ID --key FILE`；然后重新启动。"
                ),
                self.to_string(),
            ),
            other => Text::new(format!("无法启动：{other}"), other.to_string()),
        }
    }
}

/// Faults of secrets, one a line.
fn secrets_text(faults: &[secrets::Insecure]) -> Text {
    let mut text = Text::new(
        "以下密钥或设置不安全，平台不予启动（仅限合成数据的试用可设 mode = \"trial\"，平台写在 [server] 中）：",
        "it does not start with secrets or settings that are not safe (for a trial with synthetic people only: mode = \"trial\", for a hub in [server]):",
    );
    for fault in faults {
        let told = fault.text();
        text.zh.push_str("\n  ");
        text.zh.push_str(&told.zh);
        text.en.push_str("\n  ");
        text.en.push_str(&told.en);
    }
    text
}
