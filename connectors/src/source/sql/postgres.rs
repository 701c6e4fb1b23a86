//! `PostgreSQL`: sessions that can only read, statements whose parameters take the type of their column.

mod value;

use futures_util::TryStreamExt;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Either, Executor, Row, SqlSafeStr, Statement};

use super::super::SourceError;
use super::super::trouble::{Rung, Trouble, Whereabouts};
use super::endpoint::Server;
use super::lines::Lines;
use super::plan::{Plan, Scan, plan_unreadable};
use super::powers::{Power, trusted, unreadable, writable};
use super::{Bound, Call, Login, Session};
use crate::connector::TlsMode;
use crate::native::{Native, Rows};
use value::Argument;

/// A database of `PostgreSQL`.
#[derive(Debug)]
pub(super) struct Postgres {
    options: PgConnectOptions,
    lines: Lines<PgConnection>,
    place: Whereabouts,
    session: Session,
}

/// What the account could change: as what, on what, by whose grant.
const POWERS: &str = r"
SELECT power, object, holder FROM (
  SELECT 1 AS rank, 'SUPERUSER' AS power, '' AS object, rolname::text AS holder
  FROM   pg_catalog.pg_roles WHERE rolname = current_user AND rolsuper
  UNION ALL
  SELECT 2, 'MEMBER', rolname::text, current_user::text FROM pg_catalog.pg_roles
  WHERE  rolname IN ('pg_write_all_data', 'pg_write_server_files', 'pg_execute_server_program')
  AND    pg_catalog.pg_has_role(oid, 'USAGE')
  UNION ALL
  SELECT 3, 'OWNER', pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.pg_get_userbyid(c.relowner)::text
  FROM   pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE  c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND    n.nspname !~ '^pg_(toast|temp)' AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
  UNION ALL
  SELECT 4, g.privilege_type, pg_catalog.format('%I.%I', n.nspname, c.relname),
         CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(g.grantee)::text END
  FROM   pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace,
         LATERAL (SELECT * FROM pg_catalog.aclexplode(c.relacl)
                  UNION SELECT x.* FROM pg_catalog.pg_attribute a, LATERAL pg_catalog.aclexplode(a.attacl) x
                        WHERE a.attrelid = c.oid AND NOT a.attisdropped) g
  WHERE  c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND    g.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE') AND g.grantee <> c.relowner
  AND    (g.grantee = 0 OR pg_catalog.pg_has_role(g.grantee, 'USAGE'))
) powers ORDER BY rank, object, holder, power LIMIT 100";

/// Has the server look now and then whether its caller is still there, and stop when not; since version 14.
const LOOK_FOR_CALLER: &str = "SELECT set_config(name, '500', false) FROM pg_catalog.pg_settings \
    WHERE name = 'client_connection_check_interval'";

/// The server, the protocol and cipher of the connection, the account.
const LOGIN: &str = "SELECT current_setting('server_version'), \
    COALESCE((SELECT version || ' ' || cipher FROM pg_catalog.pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl), ''), \
    current_user::text";

impl Postgres {
    pub(super) fn new(server: &Server, session: Session) -> Self {
        // Every field is set, so that nothing is taken from the environment or from a password file.
        let mut options = PgConnectOptions::new_without_pgpass()
            .host(&server.host)
            .port(server.port)
            .username(&server.user)
            .password(server.password.reveal())
            .database(&server.database)
            .application_name("hedui-adapter")
            .extra_float_digits(None)
            .statement_cache_capacity(session.statements)
            .ssl_mode(match server.tls.mode {
                TlsMode::VerifyFull => PgSslMode::VerifyFull,
                TlsMode::VerifyCa => PgSslMode::VerifyCa,
                TlsMode::Off => PgSslMode::Disable,
            })
            .disable_statement_logging();
        if let Some(socket) = server.socket() {
            options = options.socket(socket).ssl_mode(PgSslMode::Disable);
        }
        if let Some(ca) = &server.tls.ca {
            options = options.ssl_root_cert(ca);
        }
        if let Some((cert, key)) = &server.tls.identity {
            options = options.ssl_client_cert(cert).ssl_client_key(key);
        }
        Self { options, lines: Lines::new(session.connections), place: server.whereabouts(), session }
    }

    /// A connection that cannot write and stops by itself, whatever the account may do.
    async fn session(&self) -> Result<PgConnection, SourceError> {
        let mut connection = self.options.connect().await.map_err(|error| self.told(&error, Rung::Login))?;
        let timeout = self.session.timeout.as_millis();
        // Times with a zone are shown in China Standard Time, in which departments write them.
        let set = format!(
            "SET default_transaction_read_only = on; SET statement_timeout = {timeout}; SET lock_timeout = {lock}; \
             SET TIME ZONE 8; {LOOK_FOR_CALLER}",
            lock = timeout * 3 / 4
        );
        connection.execute(AssertSqlSafe(set)).await.map_err(|error| self.told(&error, Rung::Login))?;
        Ok(connection)
    }

    /// As [`Postgres::session`], of an account that could not write if it tried.
    async fn open(&self) -> Result<PgConnection, SourceError> {
        let mut connection = self.session().await?;
        let trouble = self.distrusted(&mut connection).await?;
        trusted(connection, trouble)
    }

    /// The trouble with an account that could change records, or of which that cannot be told.
    async fn distrusted(&self, connection: &mut PgConnection) -> Result<Option<Trouble>, SourceError> {
        let rows = self.rows_on(connection, &Call::plain(POWERS, 100)).await?;
        let powers: Option<Vec<_>> = rows.rows.iter().map(|row| Power::of(row)).collect();
        Ok(match powers {
            Some(powers) => writable(&powers, &self.place),
            None => Some(unreadable(None, &self.place)),
        })
    }

    /// Logs in and says as whom and how; then what the account could change.
    pub(super) async fn login(&self) -> Result<(Login, Option<Trouble>), SourceError> {
        let mut connection = self.session().await?;
        let rows = self.rows_on(&mut connection, &Call::plain(LOGIN, 1)).await?;
        let trouble = self.distrusted(&mut connection).await?;
        let login = Login::of("PostgreSQL", rows.rows.first().map(Vec::as_slice).unwrap_or_default());
        Ok((login, trouble))
    }

    /// Runs a statement.
    pub(super) async fn rows(&self, call: &Call<'_>) -> Result<Rows, SourceError> {
        let work = async |connection: &mut PgConnection| self.rows_on(connection, call).await;
        let done = self.lines.with(async || self.open().await, work, spoils).await;
        self.located(done).await
    }

    async fn rows_on(&self, connection: &mut PgConnection, call: &Call<'_>) -> Result<Rows, SourceError> {
        let failed = |error: sqlx::Error| self.told(&error, Rung::Answer);
        let text = AssertSqlSafe(call.text.clone()).into_sql_str();
        // Prepared without types, a parameter takes that of what it is compared with: a text compared with
        // a char(18) column would go past its index.
        let statement = connection.prepare_with(text, &[]).await.map_err(failed)?;
        let types = match statement.parameters() {
            Some(Either::Left(types)) => types,
            _ => &[],
        };
        let mut arguments = PgArguments::default();
        for (value, type_info) in call.values.iter().zip(types) {
            let argument = Argument::of(value, type_info).ok_or_else(|| {
                let words = format!("a parameter is compared with a column of type {type_info}, which it cannot be");
                SourceError::Statement(Box::new(Trouble::of_words(&words, Rung::Prepare, &self.place)))
            })?;
            sqlx::Arguments::add(&mut arguments, argument)
                .map_err(|error| self.told(&sqlx::Error::Encode(error), Rung::Prepare))?;
        }
        let mut found = Rows {
            columns: statement.columns().iter().map(|column| column.name().to_owned()).collect(),
            rows: Vec::new(),
            as_of: None,
        };
        let mut stream = statement.query_with(arguments).fetch(&mut *connection);
        while let Some(row) = stream.try_next().await.map_err(failed)? {
            if found.rows.len() >= call.max_rows {
                return Err(SourceError::TooManyRows(call.max_rows));
            }
            let read = |place| row.try_get_raw(place).map(|raw| value::native(&raw));
            found.rows.push((0..row.len()).map(read).collect::<Result<_, _>>().map_err(failed)?);
        }
        Ok(found)
    }

    /// The columns of a statement, which is prepared and not run.
    pub(super) async fn columns(&self, call: &Call<'_>) -> Result<Vec<String>, SourceError> {
        let text = AssertSqlSafe(call.text.clone()).into_sql_str();
        let work = async |connection: &mut PgConnection| {
            let prepared = connection.prepare_with(text, &[]).await;
            let statement = prepared.map_err(|error| self.told(&error, Rung::Prepare))?;
            Ok(statement.columns().iter().map(|column| column.name().to_owned()).collect())
        };
        let done = self.lines.with(async || self.open().await, work, spoils).await;
        self.located(done).await
    }

    /// The server says which table or function is not granted, and not in which schema; an administrator, who
    /// looks in other schemas, needs that as well.
    async fn located<T>(&self, done: Result<T, SourceError>) -> Result<T, SourceError> {
        let Err(SourceError::Statement(mut trouble)) = done else { return done };
        let visible = match trouble.code {
            "table_not_granted" => {
                "SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n \
                 ON n.oid = c.relnamespace WHERE c.relname = $1 AND pg_catalog.pg_table_is_visible(c.oid)"
            }
            "function_not_granted" => {
                "SELECT n.nspname || '.' || p.proname FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n \
                 ON n.oid = p.pronamespace WHERE p.proname = $1 AND pg_catalog.pg_function_is_visible(p.oid)"
            }
            _ => return Err(SourceError::Statement(trouble)),
        };
        let name = trouble.details.rsplit(' ').next().unwrap_or_default().to_owned();
        let call = Call::new(visible, vec![Bound::Text(name.as_str().into())], 1);
        let look = async |connection: &mut PgConnection| self.rows_on(connection, &call).await;
        let found = self.lines.with(async || self.open().await, look, spoils).await;
        if let Some(Native::Text(whole)) = found.as_ref().ok().and_then(|rows| rows.rows.first()?.first()) {
            let qualified = |command: String| command.replace(&format!(" {name} "), &format!(" {whole} "));
            trouble.command = trouble.command.map(qualified);
        }
        Err(SourceError::Statement(trouble))
    }

    /// What a statement would do, by the server's own plan.
    pub(super) async fn plan(&self, call: &Call<'_>) -> Result<Plan, SourceError> {
        let explain = call.with_text(format!("EXPLAIN (FORMAT JSON, VERBOSE) {}", call.text));
        let rows = self.rows(&explain).await?;
        let Some(Native::Text(json)) = rows.rows.first().and_then(|row| row.first()) else {
            return Err(plan_unreadable("EXPLAIN (FORMAT JSON)"));
        };
        let (cost, read) = read_plan(json)?;
        let mut scans = Vec::new();
        for (schema, table) in read {
            let rows = self.size(&schema, &table).await?;
            scans.push(Scan { table: format!("{schema}.{table}"), rows: Some(rows) });
        }
        Ok(Plan { scans, cost: Some(cost) })
    }

    /// About how many rows a table has: counted by the last ANALYZE, else guessed from its size.
    async fn size(&self, schema: &str, table: &str) -> Result<u64, SourceError> {
        let size = "SELECT CASE WHEN c.reltuples >= 0 THEN c.reltuples::bigint ELSE pg_catalog.pg_relation_size(c.oid) / 100 END \
                    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                    WHERE n.nspname = $1 AND c.relname = $2";
        let call = Call::new(size, vec![Bound::Text(schema.into()), Bound::Text(table.into())], 1);
        let rows = self.rows(&call).await?;
        let size = match rows.rows.first().and_then(|row| row.first()) {
            Some(Native::Integer(rows)) => u64::try_from(*rows).ok(),
            _ => None,
        };
        size.ok_or_else(|| plan_unreadable(&format!("{schema}.{table}: pg_class.reltuples")))
    }

    pub(super) async fn close(&self) {
        self.lines.close().await;
    }

    pub(super) const fn place(&self) -> &Whereabouts {
        &self.place
    }

    fn told(&self, error: &sqlx::Error, at: Rung) -> SourceError {
        let state = match error {
            sqlx::Error::Database(database) => database.code().unwrap_or_default().into_owned(),
            _ => String::new(),
        };
        let trouble = || Box::new(Trouble::of(error, at, &self.place));
        match state.as_str() {
            "57014" => SourceError::Timeout(self.session.timeout),
            "55P03" => SourceError::Locked,
            state if ["0A", "21", "22", "25", "26", "42"].iter().any(|class| state.starts_with(class)) => {
                SourceError::Statement(trouble())
            }
            _ => SourceError::Unavailable(trouble()),
        }
    }
}

/// After a refused statement the connection is as good as before; after anything else it may not be.
const fn spoils(error: &SourceError) -> bool {
    !matches!(error, SourceError::Statement(_))
}

/// The cost of a plan, and the schemas and names of the tables it reads from end to end.
fn read_plan(json: &str) -> Result<(u64, Vec<(String, String)>), SourceError> {
    let document: serde_json::Value =
        serde_json::from_str(json).map_err(|error| plan_unreadable(&error.to_string()))?;
    let root = document.pointer("/0/Plan").ok_or_else(|| plan_unreadable("/0/Plan"))?;
    let cost = root.get("Total Cost").filter(|cost| cost.is_number()).ok_or_else(|| plan_unreadable("Total Cost"))?;
    // Written with two places, of which the whole is all that a bound needs; what is too long for that is more
    // than any bound.
    let cost = cost.to_string().split('.').next().and_then(|whole| whole.parse().ok()).unwrap_or(u64::MAX);
    let mut found = Vec::new();
    walk(root, &mut found);
    Ok((cost, found.into_iter().map(|(schema, table)| (schema.to_owned(), table.to_owned())).collect()))
}

/// The tables that are read from end to end: by themselves, or by an index without a condition.
fn walk<'a>(node: &'a serde_json::Value, found: &mut Vec<(&'a str, &'a str)>) {
    let text = |key: &str| node.get(key).and_then(serde_json::Value::as_str);
    let whole = match text("Node Type") {
        Some("Seq Scan" | "Sample Scan") => true,
        Some("Index Scan" | "Index Only Scan" | "Bitmap Index Scan") => node.get("Index Cond").is_none(),
        _ => false,
    };
    if let (true, Some(schema), Some(table)) = (whole, text("Schema"), text("Relation Name"))
        && !found.contains(&(schema, table))
    {
        found.push((schema, table));
    }
    for child in node.get("Plans").and_then(serde_json::Value::as_array).into_iter().flatten() {
        walk(child, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_that_is_not_understood_is_not_taken_for_a_cheap_one() {
        for json in
            ["", "[]", "{}", "[{\"Plan\": {\"Node Type\": \"Seq Scan\"}}]", "[{\"Plan\": {\"Total Cost\": \"1\"}}]"]
        {
            let error = read_plan(json).unwrap_err();
            let trouble = error.trouble().unwrap();
            assert_eq!((trouble.code, trouble.rung), ("plan_unreadable", Rung::Cost), "{json}");
            assert!(trouble.mend.zh.contains("版本") && trouble.mend.en.contains("version"), "{trouble:?}");
        }
    }

    #[test]
    fn the_cost_and_the_whole_tables_of_a_plan_are_read() {
        let plan = |cost: &str| {
            format!(
                "[{{\"Plan\": {{\"Node Type\": \"Seq Scan\", \"Schema\": \"s\", \"Relation Name\": \"t\", \"Total Cost\": {cost}}}}}]"
            )
        };
        let table = vec![("s".to_owned(), "t".to_owned())];
        for (written, cost) in [("0.00", 0), ("12.34", 12), ("100000000000000000000000.00", u64::MAX)] {
            assert_eq!(read_plan(&plan(written)).unwrap(), (cost, table.clone()), "{written}");
        }
    }
}
