//! Why a source did not answer, and why one cannot be set up.

use std::path::PathBuf;
use std::time::Duration;

use super::trouble::Trouble;
use crate::error::Text;
use crate::secret::SecretError;
use crate::words;

/// Why a source did not answer. Never holds a value of a question or of a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// Not within the statement timeout.
    #[error("no answer within {} ms: is an index missing, or the database busy?", .0.as_millis())]
    Timeout(Duration),
    /// More rows than `max_rows`.
    #[error("more than {0} rows: raise max_rows, or narrow the question")]
    TooManyRows(usize),
    /// It cannot be opened or reached.
    #[error("the source cannot be used: {}", .0.sentence().en)]
    Unavailable(Box<Trouble>),
    /// A service did not answer in time.
    #[error("{}", .0.sentence().en)]
    TimedOut(Box<Trouble>),
    /// A service takes no more questions for now.
    #[error("{}", .trouble.sentence().en)]
    QuotaExceeded {
        /// What is behind it.
        trouble: Box<Trouble>,
        /// After how many seconds it may be asked again, where it says so.
        retry_after: Option<u64>,
    },
    /// What it answered cannot be used. The same question would have the same answer.
    #[error("the source's answer cannot be used: {}", .0.sentence().en)]
    Answer(Box<Trouble>),
    /// Another program holds its lock.
    #[error("the source is locked by another program")]
    Locked,
    /// It refuses the statement.
    #[error("the source refuses the statement: {}", .0.sentence().en)]
    Statement(Box<Trouble>),
    /// The account could change records, or it is not known that it could not, so it is not used.
    #[error("{}", .0.sentence().en)]
    Writable(Box<Trouble>),
    /// Its records are older than agreed.
    #[error("{}", .0.sentence().en)]
    Stale(Box<Trouble>),
    /// By its plan, the statement costs more than agreed, or what it costs cannot be told, so it is not run.
    #[error("{}", .0.sentence().en)]
    TooCostly(Box<Trouble>),
}

impl SourceError {
    /// Stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Timeout(_) | Self::TimedOut(_) => "source_timeout",
            Self::TooManyRows(_) => "too_many_rows",
            Self::Unavailable(_) => "source_unavailable",
            Self::QuotaExceeded { .. } => "quota_exceeded",
            Self::Answer(_) => "source_answer_unusable",
            Self::Locked => "source_locked",
            Self::Statement(_) => "source_failed",
            Self::Writable(_) => "source_writable",
            Self::Stale(_) => "source_stale",
            Self::TooCostly(_) => "statement_too_costly",
        }
    }

    /// What is behind it, where a driver or a bound said more.
    pub const fn trouble(&self) -> Option<&Trouble> {
        match self {
            Self::Unavailable(trouble)
            | Self::TimedOut(trouble)
            | Self::QuotaExceeded { trouble, .. }
            | Self::Answer(trouble)
            | Self::Statement(trouble)
            | Self::Writable(trouble)
            | Self::Stale(trouble)
            | Self::TooCostly(trouble) => Some(trouble),
            Self::Timeout(_) | Self::TooManyRows(_) | Self::Locked => None,
        }
    }

    /// The error for people.
    pub fn text(&self) -> Text {
        let zh = match self {
            Self::Timeout(timeout) => format!("{} 毫秒内没有答复：是否缺索引，或数据库太忙？", timeout.as_millis()),
            Self::TooManyRows(limit) => format!("超过 {limit} 行：提高 max_rows，或收窄查询条件"),
            Self::Unavailable(trouble) => format!("数据源不可用：{}", trouble.sentence().zh),
            Self::Locked => "数据源被其他程序锁住".to_owned(),
            Self::Statement(trouble) => format!("数据源不接受该语句：{}", trouble.sentence().zh),
            Self::Answer(trouble) => format!("数据源的答复不可用：{}", trouble.sentence().zh),
            Self::Writable(trouble)
            | Self::Stale(trouble)
            | Self::TooCostly(trouble)
            | Self::TimedOut(trouble)
            | Self::QuotaExceeded { trouble, .. } => trouble.sentence().zh,
        };
        Text::new(zh, self.to_string())
    }
}

/// Why a source cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A secret of it cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The URL names a kind of database this build does not read. Holds the scheme only: the rest is secret.
    #[error("the source URL begins with `{0}:`; this build reads sqlite:, postgres: and mariadb: (or mysql:)")]
    Scheme(String),
    /// The URL cannot be understood.
    #[error(
        "the source URL is neither sqlite:///path/to/file nor postgres://user:password@host:port/database (or \
         mariadb:); in a password, @ : / ? # % are written %40 %3A %2F %3F %23 %25"
    )]
    Url,
    /// What stands in for the folder of a file source is no folder.
    #[error("the source of this file is a folder: give its path, such as file:///srv/drop")]
    Folder,
    /// The URL has options.
    #[error("the source URL has options after `?`; what protects the connection stands in the file (tls, tls_ca)")]
    Options,
    /// The address of a service cannot be used.
    #[error("the service's address is not https://host:port/path without account, password, ? and #")]
    Address,
    /// A service would be reached without TLS.
    #[error(
        "the service's address is http:, and only this machine itself is reached so (insecure_http = \"loopback\")"
    )]
    Plain,
    /// A certificate or key that the file names cannot be used.
    #[error("`{}` cannot be used as {key}: {cause}", .path.display())]
    TlsFile {
        /// The key of the connector file.
        key: &'static str,
        /// The file it names.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The records of a golden test cannot be loaded.
    #[error("the fixture cannot be loaded: {}", .0.en)]
    Fixture(Text),
}

impl OpenError {
    /// The error for people.
    pub fn text(&self) -> Text {
        let zh = match self {
            Self::Secret(error) => return error.text(),
            Self::Scheme(scheme) => {
                format!("数据源地址以 `{scheme}:` 开头；本程序认识 sqlite:、postgres: 和 mariadb:（或 mysql:）")
            }
            Self::Url => {
                "数据源地址既不是 sqlite:///路径/文件，也不是 postgres://用户:口令@主机:端口/数据库（或 mariadb:）；\
                          口令里的 @ : / ? # % 要写成 %40 %3A %2F %3F %23 %25"
                    .to_owned()
            }
            Self::Folder => "这个文件的数据源是文件夹：写它的路径，如 file:///srv/drop".to_owned(),
            Self::Options => "数据源地址的 ? 后面有选项；连接如何加密要写在文件里（tls、tls_ca）".to_owned(),
            Self::Address => "服务的地址不是 https://主机:端口/路径，或里面有账号、口令、? 或 #".to_owned(),
            Self::Plain => "服务的地址是 http:；不加密只许连本机（insecure_http = \"loopback\"）".to_owned(),
            Self::TlsFile { key, path, cause } => {
                format!("`{}` 不能用作 {key}：{}", path.display(), words::of_pem(cause))
            }
            Self::Fixture(cause) => format!("测试数据无法装入：{}", cause.zh),
        };
        Text::new(zh, self.to_string())
    }
}
