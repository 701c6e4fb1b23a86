//! What a driver, a certificate or the network says, in words that lead on: a stable code, a sentence in
//! Chinese and English, what mends it, and the command that does. The words of the driver stay beside it.
//!
//! What a database says may repeat a value of the question. It is kept without whatever could be an identity
//! number, for the department's own operator; a caller gets the code of the protocol and no more.

mod delivery;
mod found;
mod mariadb;
mod network;
mod postgres;
mod sqlite;
mod web;

use std::io;

use hyper::header::{DATE, HeaderMap};
use jiff::Timestamp;
use serde::Serialize;

use crate::connector::Driver;
use crate::error::Text;
use crate::synthetic::without_identity_numbers;
pub(crate) use delivery::Flaw;
pub(crate) use found::Finding;

/// How far the clock of a service may differ from ours before that is told, in seconds.
const SKEW: i64 = 30;

/// A step on the way from a file to an answer, in the order in which they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// The file can be read and is TOML.
    Syntax,
    /// It says what a connector file says.
    Schema,
    /// Every secret it names is there.
    Secrets,
    /// The folder that deliveries are put into is there and may be read.
    Folder,
    /// The control file is there, and lists what the datasets read.
    Control,
    /// The files are whole: size, digest and number of records are what the control file says.
    Whole,
    /// They are text in the encoding agreed, and of the form agreed.
    Encoding,
    /// The name of the host has an address.
    Dns,
    /// Something listens there.
    Tcp,
    /// It shows a certificate that is believed.
    Tls,
    /// It lets the account in.
    Login,
    /// The account cannot change a record.
    ReadOnly,
    /// The account may read what the statements name.
    Permission,
    /// The statements can be prepared.
    Prepare,
    /// They give the columns the mapping reads.
    Columns,
    /// Every record can be found by an identity number.
    Records,
    /// The records are of a day that is not too long ago.
    Fresh,
    /// They cost no more than agreed.
    Cost,
    /// Asked about nobody, they answer nothing, in time.
    Answer,
    /// The golden tests pass.
    Golden,
}

impl Rung {
    /// Its name for people.
    pub fn name(self) -> Text {
        let (zh, en) = match self {
            Self::Syntax => ("语法", "syntax"),
            Self::Schema => ("格式", "schema"),
            Self::Secrets => ("机密", "secrets"),
            Self::Folder => ("文件夹", "folder"),
            Self::Control => ("控制文件", "control file"),
            Self::Whole => ("完整", "whole"),
            Self::Encoding => ("编码", "encoding"),
            Self::Dns => ("域名", "DNS"),
            Self::Tcp => ("连通", "TCP"),
            Self::Tls => ("加密", "TLS"),
            Self::Login => ("登录", "login"),
            Self::ReadOnly => ("只读", "read-only"),
            Self::Permission => ("授权", "permission"),
            Self::Prepare => ("语句", "prepare"),
            Self::Columns => ("列", "columns"),
            Self::Records => ("记录", "records"),
            Self::Fresh => ("新鲜", "fresh"),
            Self::Cost => ("代价", "cost"),
            Self::Answer => ("答复", "answer"),
            Self::Golden => ("金样", "golden tests"),
        };
        Text::new(zh, en)
    }
}

/// What is wrong, on which rung, and what mends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// Stable code, such as `password_wrong`.
    pub code: &'static str,
    /// The rung that is broken.
    pub rung: Rung,
    /// What is wrong.
    pub what: Text,
    /// What mends it.
    pub mend: Text,
    /// The command that mends it, or that shows more, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// What the driver said, word for word but for identity numbers; empty where it said nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub details: String,
}

/// Where a database is and as whom it is asked, as it may stand in a sentence: no password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Whereabouts {
    /// Which kind it is; `None` for a file.
    pub(crate) driver: Option<Driver>,
    /// Its host, or the path of its socket or file.
    pub(crate) host: String,
    /// Its port; 0 for a socket or file.
    pub(crate) port: u16,
    /// The account.
    pub(crate) user: String,
    /// The account as the database writes it, once it has been logged into.
    pub(crate) account: Option<String>,
    /// The database.
    pub(crate) database: String,
}

/// What an entry of the tables is known by.
enum Sign {
    /// A `SQLSTATE` of `PostgreSQL`.
    State(&'static str),
    /// A `SQLSTATE`, when the message has these words.
    StateSaying(&'static str, &'static str),
    /// An error number of `MariaDB` or `MySQL`.
    Number(u16),
    /// A result code of `SQLite`.
    Code(u32),
    /// A result code, when the message has these words.
    CodeSaying(u32, &'static str),
    /// An error of TLS.
    Tls(fn(&rustls::Error) -> bool),
    /// An error of the operating system.
    Io(io::ErrorKind),
    /// Words of the driver itself, which has no codes.
    Saying(&'static str),
    /// One of these in what a service says, whatever the case.
    Says(&'static [&'static str]),
    /// A status of HTTP.
    Status(u16),
    /// What we found ourselves.
    Found(Finding),
}

/// An entry of the tables. `{host}`, `{port}`, `{user}`, `{account}`, `{database}` and `{name}` are filled in.
struct Entry {
    sign: Sign,
    code: &'static str,
    rung: Rung,
    what: (&'static str, &'static str),
    mend: (&'static str, &'static str),
    command: &'static str,
}

/// A deadlock, which every server ends the same way, and what mends it.
const DEADLOCK: ((&str, &str), (&str, &str)) = (
    ("语句与别的程序互相等待，被取消", "the statement and another program waited for each other, and it was cancelled"),
    ("稍后再试；查询里不要加锁", "try again; a query has no need to lock"),
);

const fn entry(
    sign: Sign,
    code: &'static str,
    rung: Rung,
    what: (&'static str, &'static str),
    mend: (&'static str, &'static str),
    command: &'static str,
) -> Entry {
    Entry { sign, code, rung, what, mend, command }
}

/// The error of a driver, taken apart.
enum Said<'a> {
    State(&'a str, &'a str),
    Number(u16),
    Code(u32, &'a str),
    Tls(&'a rustls::Error),
    Io(&'a io::Error),
    Words(String),
    /// What a service says, in small letters.
    Service(String),
    Status(u16),
    Found(Finding),
}

fn tables() -> impl Iterator<Item = &'static Entry> {
    postgres::ENTRIES
        .iter()
        .chain(mariadb::ENTRIES)
        .chain(sqlite::ENTRIES)
        .chain(network::ENTRIES)
        .chain(web::ENTRIES)
        .chain(found::ENTRIES)
}

impl Trouble {
    /// The trouble behind an error of a driver. `at` is the rung that was being climbed.
    pub(crate) fn of(error: &sqlx::Error, at: Rung, place: &Whereabouts) -> Self {
        match error {
            sqlx::Error::Database(database) => {
                let message = database.message();
                if let Some(postgres) = database.try_downcast_ref::<sqlx::postgres::PgDatabaseError>() {
                    let more = [postgres.detail(), postgres.hint()].into_iter().flatten();
                    let details =
                        more.fold(format!("{}: {message}", postgres.code()), |all, part| format!("{all} · {part}"));
                    Self::known(&Said::State(postgres.code(), message), at, place, &details)
                } else if let Some(mariadb) = database.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
                    let details = format!("{}: {message}", mariadb.number());
                    Self::known(&Said::Number(mariadb.number()), at, place, &details)
                } else {
                    // The low byte of an extended result code is the result code (sqlite.org/rescode.html).
                    let code = database.code().and_then(|code| code.parse::<u32>().ok()).unwrap_or_default() & 0xff;
                    Self::known(&Said::Code(code, message), at, place, &format!("{code}: {message}"))
                }
            }
            sqlx::Error::Io(error) => Self::of_io(error, at, place),
            other => {
                let words = other.to_string();
                Self::known(&Said::Words(words.clone()), at, place, &words)
            }
        }
    }

    /// The trouble behind an error of the network, which may carry one of TLS.
    pub(crate) fn of_io(error: &io::Error, at: Rung, place: &Whereabouts) -> Self {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match tls {
            Some(tls) => Self::known(&Said::Tls(tls), at, place, &tls.to_string()),
            None => Self::known(&Said::Io(error), at, place, &error.to_string()),
        }
    }

    /// The trouble of these words of our own or of a driver without codes.
    pub(crate) fn of_words(words: &str, at: Rung, place: &Whereabouts) -> Self {
        Self::known(&Said::Words(words.to_owned()), at, place, words)
    }

    /// The trouble we found ourselves.
    pub(crate) fn found(finding: Finding, details: &str, place: &Whereabouts) -> Self {
        Self::known(&Said::Found(finding), Rung::Answer, place, details)
    }

    /// The same, about something that has a name.
    pub(crate) fn found_saying(finding: Finding, name: &str, details: &str, place: &Whereabouts) -> Self {
        Self::named(&Said::Found(finding), Rung::Answer, place, details, Some(name))
    }

    /// The trouble behind what a service says, in an answer of HTTP 200.
    pub(crate) fn of_service(words: &str, place: &Whereabouts) -> Self {
        let said = Said::Service(words.to_lowercase());
        let said = if tables().any(|entry| entry.sign.fits(&said)) { said } else { Said::Found(Finding::NotOk) };
        Self::known(&said, Rung::Answer, place, words)
    }

    /// The trouble behind a status that is no success: what the service says with it, where that is known.
    pub(crate) fn of_status(status: u16, words: &str, at: Rung, place: &Whereabouts) -> Self {
        let details = format!("HTTP {status} {words}").trim_end().to_owned();
        let said = Said::Service(words.to_lowercase());
        if tables().any(|entry| entry.sign.fits(&said)) {
            return Self::known(&said, at, place, &details);
        }
        let alike = match status {
            300..400 => 301,
            406 => 415,
            408 => 504,
            status if (500..600).contains(&status) && ![502, 503, 504].contains(&status) => 500,
            status if (400..500).contains(&status) && ![401, 403, 404, 405, 415, 422, 429].contains(&status) => 400,
            status => status,
        };
        Self::known(&Said::Status(alike), at, place, &details)
    }

    /// The same trouble, or that of the clocks when a refusal comes from a service whose clock says another time.
    pub(crate) fn skewed(self, headers: &HeaderMap, now: Timestamp, place: &Whereabouts) -> Self {
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        let theirs = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()).map(|date| date.timestamp());
        // A refusal that says why is believed; these may have a clock behind them.
        let refused =
            ["service_unauthorised", "service_secret_expired", "service_signature_wrong", "service_gave_no_key"]
                .contains(&self.code);
        match theirs {
            Some(theirs) if refused && theirs.duration_since(now).as_secs().abs() > SKEW => {
                let details = format!("{} · {theirs:.0} / {now:.0}", self.details);
                Self::found(Finding::Skew, &details, place)
            }
            _ => self,
        }
    }

    fn known(said: &Said<'_>, at: Rung, place: &Whereabouts, details: &str) -> Self {
        Self::named(said, at, place, details, None)
    }

    fn named(said: &Said<'_>, at: Rung, place: &Whereabouts, details: &str, name: Option<&str>) -> Self {
        let details = without_identity_numbers(details);
        let name = name.or_else(|| name_in(&details));
        let account = place.account();
        let fill = |text: &str| {
            text.replace("{host}", &place.host)
                .replace("{port}", &place.port.to_string())
                .replace("{user}", &place.user)
                .replace("{account}", &account)
                .replace("{database}", &place.database)
                .replace("{name}", name.unwrap_or("…"))
        };
        match tables().find(|entry| entry.sign.fits(said)) {
            Some(entry) => Self {
                code: entry.code,
                rung: entry.rung,
                what: Text::new(fill(entry.what.0), fill(entry.what.1)),
                mend: Text::new(fill(entry.mend.0), fill(entry.mend.1)),
                command: Some(fill(entry.command)).filter(|command| !command.is_empty()),
                details,
            },
            None => Self {
                code: "source_unknown_error",
                rung: at,
                what: Text::new("数据源报了一个没有收录的错误", "the source reports an error that is not in our table"),
                mend: Text::new(
                    "按下面的原文处理；请把这段原文告诉我们，好补进表里",
                    "go by the words below, and tell us of them, so that they get into the table",
                ),
                command: None,
                details,
            },
        }
    }

    /// Whether it is that the account may not see what a view reads, and so no plan of it either.
    pub(crate) fn hides_a_plan(&self) -> bool {
        self.code == "mariadb_view_plan_hidden"
    }

    /// What is wrong and what mends it, in one sentence of each language.
    pub fn sentence(&self) -> Text {
        Text::new(format!("{}；{}", self.what.zh, self.mend.zh), format!("{}; {}", self.what.en, self.mend.en))
    }
}

impl Whereabouts {
    /// No place at all: a fixture.
    pub(crate) fn nowhere() -> Self {
        let (host, user, database) = (String::new(), String::new(), String::new());
        Self { driver: None, host, port: 0, user, account: None, database }
    }

    /// The account as the database writes it.
    pub(crate) fn account(&self) -> String {
        match self.driver {
            _ if self.account.is_some() => self.account.clone().unwrap_or_default(),
            Some(Driver::Mariadb) => format!("'{}'@'%'", self.user),
            _ => self.user.clone(),
        }
    }
}

impl Sign {
    fn fits(&self, said: &Said<'_>) -> bool {
        match (self, said) {
            (Self::State(state), Said::State(said, _)) => state == said,
            (Self::StateSaying(state, words), Said::State(said, message)) => state == said && message.contains(words),
            (Self::Number(number), Said::Number(said)) => number == said,
            (Self::Code(code), Said::Code(said, _)) => code == said,
            (Self::CodeSaying(code, words), Said::Code(said, message)) => code == said && message.contains(words),
            (Self::Tls(fits), Said::Tls(error)) => fits(error),
            (Self::Io(kind), Said::Io(error)) => *kind == error.kind(),
            (Self::Saying(words), Said::Words(said)) => said.contains(words),
            (Self::Saying(words), Said::Io(error)) => error.to_string().contains(words),
            (Self::Says(words), Said::Service(said)) => words.iter().any(|words| said.contains(words)),
            (Self::Status(status), Said::Status(said)) => status == said,
            (Self::Found(finding), Said::Found(found)) => finding == found,
            _ => false,
        }
    }
}

/// What a message is about: what stands after "for table" and the like, else the first quoted name.
fn name_in(message: &str) -> Option<&str> {
    const KINDS: [&str; 8] = [
        " in table ",
        " for table ",
        " for view ",
        " for materialized view ",
        " for schema ",
        " for database ",
        " for function ",
        " for routine ",
    ];
    for kind in KINDS {
        if let Some((_, rest)) = message.split_once(kind) {
            let name = rest.split([' ', '·']).next().unwrap_or_default();
            return Some(name.trim_matches(['\'', '"'])).filter(|name| !name.is_empty());
        }
    }
    let open = message.find(['"', '\'', '`'])?;
    let quote = message.get(open..)?.chars().next()?;
    message.get(open + 1..)?.split(quote).next().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests;
