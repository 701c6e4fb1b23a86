//! `[source]` → [`SourceInfo`]: where the records are, how the way to them is protected, and its bounds.

use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;

use super::checked::{At, Checker, at};
use super::file::{ExplainTable, SqlTable};
use super::{DatabasePlace, Driver, ExplainInfo, SourceInfo, SqlInfo, TlsInfo, TlsMode, delivered, http, soap};
use crate::error::Text;
use crate::secret::SecretPlace;

/// Rows of a table that a statement may read from end to end unless the file says otherwise: about what a
/// database reads in some milliseconds.
const MAX_FULL_SCAN: u64 = 10_000;

pub(super) fn source(checker: &mut Checker<'_>, table: Spanned<toml::Table>) -> Option<SourceInfo> {
    let place = at("source", table.span());
    match table.get_ref().get("kind").and_then(toml::Value::as_str) {
        Some("sql") => sql(checker, &place, table),
        Some("file") => delivered::source(checker, &place, table.into_inner()),
        Some("soap") => soap::source(checker, &place, table.into_inner()),
        Some("http") => http::source(checker, &place, table.into_inner()),
        _ => {
            checker.fault(
                "source_kind",
                &place,
                Text::new("不认识这个 kind", "this build does not read this kind"),
                Text::new(
                    "写 kind = \"sql\"（数据库）、\"file\"（交换文件夹）、\"http\"（JSON 接口）或 \"soap\"（XML 接口）",
                    "write kind = \"sql\" for a database, \"file\" for a folder of deliveries, \"http\" for a service that answers in JSON, or \"soap\" for one that answers in XML",
                ),
            );
            None
        }
    }
}

fn sql(checker: &mut Checker<'_>, place: &At<'_>, table: Spanned<toml::Table>) -> Option<SourceInfo> {
    let mend = (
        "写 url 或 driver、host、database、user、password，以及 statement_timeout、max_connections、max_rows",
        "write url, or driver, host, database, user and password; then statement_timeout, max_connections and max_rows",
    );
    let table: SqlTable = checker.read(place, table.into_inner(), mend)?;
    let database = database(checker, place, &table);
    let tls = tls(checker, place, &table);
    let statement_timeout = duration(&table.statement_timeout)
        .filter(|timeout| (Duration::from_millis(10)..=Duration::from_mins(1)).contains(timeout));
    if statement_timeout.is_none() {
        checker.fault(
            "limit_out_of_range",
            place,
            Text::new("statement_timeout 不可用", "statement_timeout cannot be used"),
            Text::new("写 \"10ms\" 至 \"60s\" 之间的时长", "write a duration from \"10ms\" to \"60s\", such as \"2s\""),
        );
    }
    let bounded = (1..=64).contains(&table.max_connections) && (1..=1_000_000).contains(&table.max_rows);
    if !bounded {
        checker.fault(
            "limit_out_of_range",
            place,
            Text::new("max_connections 或 max_rows 超出范围", "max_connections or max_rows is out of range"),
            Text::new(
                "max_connections 取 1 至 64，max_rows 取 1 至 1000000",
                "max_connections is 1 to 64, max_rows 1 to 1000000",
            ),
        );
    }
    let given = table.explain.is_some();
    let ExplainTable { max_full_scan, max_cost } =
        table.explain.unwrap_or(ExplainTable { max_full_scan: None, max_cost: None });
    let explain = ExplainInfo { max_full_scan: max_full_scan.unwrap_or(MAX_FULL_SCAN), max_cost, given };
    let info = SqlInfo {
        database: database?,
        tls: tls?,
        statement_timeout: statement_timeout?,
        max_connections: table.max_connections,
        max_rows: table.max_rows,
        explain,
    };
    bounded.then_some(SourceInfo::Sql(Box::new(info)))
}

fn database(checker: &mut Checker<'_>, place: &At<'_>, table: &SqlTable) -> Option<DatabasePlace> {
    let named = table.driver.is_some()
        || table.host.is_some()
        || table.port.is_some()
        || table.database.is_some()
        || table.user.is_some()
        || table.password.is_some();
    match (&table.url, named) {
        (Some(url), false) => secret_place(checker, place, "url", url).map(DatabasePlace::Url),
        (None, true) => fields(checker, place, table),
        (Some(_), true) | (None, false) => {
            checker.fault(
                "source_place",
                place,
                Text::new(
                    "数据库的位置要写 url，或写 driver、host、database、user、password，二者选一",
                    "say where the database is: either url, or driver, host, database, user and password",
                ),
                Text::new(
                    "写 url = { env = \"变量名\" }，或逐项写明并删去 url",
                    "write url = { env = \"VARIABLE\" }, or the fields one by one and no url",
                ),
            );
            None
        }
    }
}

fn fields(checker: &mut Checker<'_>, place: &At<'_>, table: &SqlTable) -> Option<DatabasePlace> {
    let driver = match table.driver.as_deref() {
        Some("postgres" | "postgresql") => Some(Driver::Postgres),
        Some("mariadb" | "mysql") => Some(Driver::Mariadb),
        _ => {
            checker.fault(
                "source_driver",
                place,
                Text::new("driver 缺失或不认识", "driver is missing, or not one this build knows"),
                Text::new(
                    "写 driver = \"postgres\" 或 \"mariadb\"（MySQL 也写 mariadb）；SQLite 写 url",
                    "write driver = \"postgres\" or \"mariadb\" (which reads MySQL as well); SQLite has a url",
                ),
            );
            None
        }
    };
    let mut text = |key: &str, value: &Option<String>| {
        let value = value.as_ref().filter(|value| !value.trim().is_empty()).cloned();
        if value.is_none() {
            checker.fault(
                "source_field_missing",
                place,
                Text::new(format!("没有写 {key}"), format!("{key} is missing")),
                Text::new(format!("写 {key} = \"…\""), format!("write {key} = \"…\"")),
            );
        }
        value
    };
    let (host, database, user) =
        (text("host", &table.host), text("database", &table.database), text("user", &table.user));
    let password = if let Some(value) = &table.password {
        secret_place(checker, place, "password", value)
    } else {
        checker.fault(
            "source_field_missing",
            place,
            Text::new("没有写 password", "password is missing"),
            Text::new(
                "写 password = { env = \"变量名\" } 或 password = { file = \"路径\" }",
                "write password = { env = \"VARIABLE\" } or password = { file = \"path\" }",
            ),
        );
        None
    };
    Some(DatabasePlace::Fields {
        driver: driver?,
        host: host?,
        port: table.port,
        database: database?,
        user: user?,
        password: password?,
    })
}

fn tls(checker: &mut Checker<'_>, place: &At<'_>, table: &SqlTable) -> Option<TlsInfo> {
    let mode = match table.tls.as_deref() {
        None | Some("verify-full") => Some(TlsMode::VerifyFull),
        Some("verify-ca") => Some(TlsMode::VerifyCa),
        Some("off") => Some(TlsMode::Off),
        Some(_) => None,
    };
    if mode.is_none() {
        checker.fault(
            "source_tls",
            place,
            Text::new("不认识这个 tls", "tls is not one of the modes"),
            Text::new(
                "写 \"verify-full\"（默认）、\"verify-ca\"（不核对主机名）或 \"off\"（不加密）；自签证书写进 tls_ca",
                "write \"verify-full\" (the default), \"verify-ca\" (any host name) or \"off\" (not encrypted); a self-signed certificate goes into tls_ca",
            ),
        );
    }
    let identity = match (&table.tls_cert, &table.tls_key) {
        (Some(cert), Some(key)) => Some(Some((cert.clone(), key.clone()))),
        (None, None) => Some(None),
        _ => {
            checker.fault(
                "source_tls",
                place,
                Text::new("tls_cert 与 tls_key 只写了一个", "tls_cert and tls_key belong together"),
                Text::new("两个都写，或都不写", "write both, or neither"),
            );
            None
        }
    };
    Some(TlsInfo { mode: mode?, ca: table.tls_ca.clone(), identity: identity? })
}

/// A secret as the file names it: never the secret itself.
pub(super) fn secret_place(
    checker: &mut Checker<'_>,
    place: &At<'_>,
    key: &str,
    value: &toml::Value,
) -> Option<SecretPlace> {
    let named = value.as_table().filter(|table| table.len() == 1).and_then(|table| {
        let text = |key| table.get(key).and_then(toml::Value::as_str).filter(|text| !text.trim().is_empty());
        text("env")
            .map(|name| SecretPlace::Env(name.to_owned()))
            .or_else(|| text("file").map(|path| SecretPlace::File(PathBuf::from(path))))
    });
    if named.is_none() {
        let code = if value.is_str() { "secret_literal" } else { "secret_form" };
        checker.fault(
            code,
            place,
            Text::new(
                format!("{key} 是机密，不能直接写在文件里"),
                format!("{key} is a secret: the file names where it is kept, and does not hold it"),
            ),
            Text::new(
                format!("写 {key} = {{ env = \"变量名\" }} 或 {key} = {{ file = \"路径\" }}"),
                format!("write {key} = {{ env = \"VARIABLE\" }} or {key} = {{ file = \"path\" }}"),
            ),
        );
    }
    named
}

/// A whole number with its unit: `"250ms"`, `"2s"`, `"1m"`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let split = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at(split);
    let number: u64 = number.parse().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        _ => None,
    }
}
