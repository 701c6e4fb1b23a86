//! A made-up office whose records stand in `PostgreSQL` and in `MariaDB`: one connector, two dialects.

use std::path::PathBuf;

use connectors::adapter::{Adapter, Overrides};
use connectors::connector::Connector;
use connectors::ledger::Ledger;

use crate::servers::{PASSWORD, Server, mariadb, postgres};

pub(crate) const RELIEF: &str = "office.relief";
pub(crate) const INSURANCE: &str = "office.insurance";

/// One of the two kinds of server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Postgres,
    Mariadb,
}

/// An office with a database and an account of its own, so that tests do not meet.
pub(crate) struct Office {
    pub(crate) kind: Kind,
    pub(crate) server: &'static Server,
    /// The database, and the account that can only read.
    pub(crate) name: String,
    pub(crate) folder: tempfile::TempDir,
}

const POSTGRES: &str = "
CREATE SCHEMA house;
CREATE TYPE house.险种 AS ENUM ('310', '390');
CREATE TABLE house.relief (
  id_card char(18) NOT NULL, name varchar(50), amount numeric(16,2), extra numeric, paid_on date NOT NULL,
  payer text, ratio double precision, updated_at timestamptz, seq bigint);
CREATE INDEX ON house.relief (id_card);
CREATE TABLE house.insured (id_card varchar(18) PRIMARY KEY, name varchar(50), kind house.险种, code char(6), active boolean, level smallint);
INSERT INTO house.relief VALUES
  ('150000198605021015', '巴图', 1234.50, 100000000.05, '2024-03-01', '库伦旗民政局𠮷㐂', 0.5, '2024-03-01 16:20:00.123456+00', 1),
  ('150000198605021015', '巴图', 0, NULL, '2024-04-30', NULL, NULL, NULL, 9007199254740993),
  ('15000019700101109X', '斯琴', NULL, NULL, '2024-05-01', NULL, NULL, NULL, NULL);
INSERT INTO house.insured VALUES
  ('150000198605021015', '巴图', '390', 'B1', true, 2), ('150000198808191022', '阿拉坦·乌拉', '310', 'A', false, NULL);
CREATE TABLE house.big AS SELECT 'x' || n AS id_card, 'somebody' AS name, n AS n FROM generate_series(1, 30000) n;
ANALYZE;
";

const MARIADB: &str = "
CREATE TABLE relief (
  id_card char(18) NOT NULL, name varchar(50), amount decimal(16,2), extra decimal(20,2), paid_on date NOT NULL,
  payer text CHARACTER SET utf8mb4, ratio double, updated_at timestamp(6) NULL, seq bigint unsigned, KEY (id_card)) CHARACTER SET gbk;
CREATE TABLE insured (id_card varchar(18) COLLATE utf8mb4_bin PRIMARY KEY, name varchar(50), kind enum('310','390'), code char(6), active tinyint(1), level smallint) CHARACTER SET utf8mb4;
INSERT INTO relief VALUES
  ('150000198605021015', '巴图', 1234.50, 100000000.05, '2024-03-01', '库伦旗民政局𠮷㐂', 0.5, '2024-03-02 00:20:00.123456', 1),
  ('150000198605021015', '巴图', 0, NULL, '2024-04-30', NULL, NULL, NULL, 9007199254740993),
  ('15000019700101109X', '斯琴', NULL, NULL, '2024-05-01', NULL, NULL, NULL, 18446744073709551615);
INSERT INTO insured VALUES
  ('150000198605021015', '巴图', '390', 'B1', 1, 2), ('150000198808191022', '阿拉坦·乌拉', '310', 'A', 0, NULL);
CREATE TABLE big (id_card varchar(18), name varchar(50), n int) SELECT CONCAT('x', seq) AS id_card, 'somebody' AS name, seq AS n FROM seq_1_to_30000;
ANALYZE TABLE big;
";

impl Office {
    /// An office of this kind, filled; `None` where there is no server.
    pub(crate) async fn open(kind: Kind, name: &str) -> Option<Self> {
        let server = match kind {
            Kind::Postgres => postgres().await?,
            Kind::Mariadb => mariadb().await?,
        };
        match kind {
            Kind::Postgres => {
                server.run_postgres("postgres", &format!("CREATE DATABASE {name}")).await;
                server.run_postgres("postgres", &format!("CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")).await;
                server.run_postgres(name, POSTGRES).await;
                let grants = format!(
                    "GRANT USAGE ON SCHEMA house TO {name}; GRANT SELECT ON ALL TABLES IN SCHEMA house TO {name}; \
                     ALTER ROLE {name} SET search_path = house"
                );
                server.run_postgres(name, &grants).await;
            }
            Kind::Mariadb => {
                let make = format!(
                    "CREATE DATABASE {name}; CREATE USER '{name}'@'%' IDENTIFIED BY '{PASSWORD}'; \
                     GRANT SELECT ON {name}.* TO '{name}'@'%'"
                );
                server.run_mariadb("mysql", &make).await;
                // The session's clock decides what a timestamp that is written means.
                server.run_mariadb(name, &format!("SET time_zone = '+08:00'; {MARIADB}")).await;
            }
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("password"), PASSWORD).unwrap();
        Some(Self { kind, server, name: name.to_owned(), folder })
    }

    /// Both kinds, each under a name of its own; those there are.
    pub(crate) async fn both(name: &str) -> Vec<Self> {
        let mut offices = Vec::new();
        for (kind, suffix) in [(Kind::Postgres, "pg"), (Kind::Mariadb, "my")] {
            offices.extend(Self::open(kind, &format!("{name}_{suffix}")).await);
        }
        offices
    }

    /// Runs statements as the administrator.
    pub(crate) async fn admin(&self, sql: &str) {
        match self.kind {
            Kind::Postgres => self.server.run_postgres(&self.name, sql).await,
            Kind::Mariadb => self.server.run_mariadb(&self.name, sql).await,
        }
    }

    /// One whole number that the administrator asks for.
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        match self.kind {
            Kind::Postgres => {
                sqlx::query_scalar(sql).fetch_one(&mut self.server.postgres(&self.name).await).await.unwrap()
            }
            Kind::Mariadb => {
                sqlx::query_scalar(sql).fetch_one(&mut self.server.mariadb(&self.name).await).await.unwrap()
            }
        }
    }

    /// How many statements of the office's account run now.
    pub(crate) async fn running(&self) -> i64 {
        let name = &self.name;
        self.count(&match self.kind {
            Kind::Postgres => {
                format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{name}' AND state = 'active'")
            }
            Kind::Mariadb => format!(
                "SELECT count(*) FROM information_schema.processlist WHERE user = '{name}' AND command = 'Execute'"
            ),
        })
        .await
    }

    /// How many connections of the office's account there are.
    pub(crate) async fn connections(&self) -> i64 {
        let name = &self.name;
        self.count(&match self.kind {
            Kind::Postgres => format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{name}'"),
            Kind::Mariadb => format!("SELECT count(*) FROM information_schema.processlist WHERE user = '{name}'"),
        })
        .await
    }

    /// The connector file.
    pub(crate) fn text(&self) -> String {
        let driver = match self.kind {
            Kind::Postgres => "postgres",
            Kind::Mariadb => "mariadb",
        };
        let (port, name, ca) = (self.server.port, &self.name, self.server.ca());
        // A truth value is a word in PostgreSQL and a number in MariaDB.
        let (yes, no) = match self.kind {
            Kind::Postgres => ("true", "false"),
            Kind::Mariadb => ("1", "0"),
        };
        format!(
            r#"schema = "hedui.connector/1"

[adapter]
id = "office"
version = "1.0.0"
name = {{ zh = "办事处", en = "Office" }}
contact = "000"

[source]
kind = "sql"
driver = "{driver}"
host = "localhost"
port = {port}
database = "{name}"
user = "{name}"
password = {{ file = "password" }}
tls_ca = "{ca}"
statement_timeout = "5s"
max_connections = 2
max_rows = 1000

[quota]
per_second = 10
burst = 10

[[dataset]]
id = "office.relief"
fact = "income"
sql = """
SELECT id_card, name, amount, extra, paid_on, payer, updated_at, seq
FROM   relief
WHERE  id_card IN (:id_numbers) AND paid_on BETWEEN :first AND :last
"""
subject = "id_card"
name = "name"
as_of = {{ column = "updated_at", format = "%Y-%m-%d %H:%M:%S" }}

[dataset.parameters]
first = {{ of = "period.from", format = "%Y-%m-%d" }}
last = {{ of = "period.to", format = "%Y-%m-%d" }}

[dataset.map]
category = {{ value = "TRANSFER" }}
kind = {{ value = "SOCIAL_ASSISTANCE" }}
amount = {{ column = "amount", as = "yuan" }}
basic_portion = {{ column = "extra", as = "yuan", optional = true }}
from = {{ column = "paid_on", as = "date", format = "%Y-%m-%d" }}
to = {{ column = "paid_on", as = "date", format = "%Y-%m-%d" }}
payer = {{ column = "payer", as = "text", optional = true }}
dedupe_key = {{ template = "{{seq}}", optional = true }}

[[dataset]]
id = "office.insurance"
fact = "insurance"
sql = "SELECT id_card, name, kind, code, active, level FROM insured WHERE id_card IN (:id_numbers)"
subject = "id_card"
name = "name"

[dataset.map]
scheme = {{ column = "kind", codes = {{ "310" = "EMPLOYEE", "390" = "RESIDENT" }} }}
active = {{ column = "active", as = "boolean", true_values = ["{yes}"], false_values = ["{no}"] }}
"#,
            ca = ca.display()
        )
    }

    /// The connector file with parts of it replaced, written where it belongs.
    pub(crate) fn file(&self, changes: &[(&str, &str)]) -> PathBuf {
        let mut text = self.text();
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        let file = self.folder.path().join("connector.toml");
        std::fs::write(&file, text).unwrap();
        file
    }

    /// The adapter, with parts of its file replaced.
    pub(crate) fn adapter(&self, changes: &[(&str, &str)]) -> Adapter {
        let connector = Connector::read(&self.file(changes)).unwrap_or_else(|faults| panic!("{faults}"));
        Adapter::new(connector, Overrides { ledger: Ledger::Silent, ..Overrides::default() }).unwrap()
    }
}
