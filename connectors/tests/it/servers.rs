//! Real database servers for the tests: private ones, on loopback ports, in temporary folders, gone with the tests.
//!
//! Where a server is not installed and cannot be, the tests that need it say so and pass;
//! `HEDUI_REQUIRE_DATABASES`, which CI sets, makes that a failure.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rcgen::ExtendedKeyUsagePurpose;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions};
use tokio::sync::OnceCell;

use crate::authority::Authority;

/// The password of administrators and of every account that a test makes.
pub(crate) const PASSWORD: &str = "p@ss/w:rd";

/// A running server.
pub(crate) struct Server {
    pub(crate) port: u16,
    folder: PathBuf,
    /// The server ends when this does: its keeper waits on the pipe between them.
    _keeper: Child,
}

impl Server {
    /// The CA of its certificate, PEM.
    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// The URL of a database that has the name of the account which reads it.
    pub(crate) fn url(&self, scheme: &str, name: &str) -> String {
        let password = PASSWORD.replace('@', "%40").replace('/', "%2F").replace(':', "%3A");
        format!("{scheme}://{name}:{password}@localhost:{}/{name}", self.port)
    }

    fn postgres_options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port)
            .username("admin")
            .password(PASSWORD)
            .database("postgres")
            .ssl_mode(PgSslMode::Disable)
            .disable_statement_logging()
    }

    pub(crate) async fn postgres(&self, database: &str) -> PgConnection {
        self.postgres_options().database(database).connect().await.unwrap()
    }

    fn mariadb_options(&self) -> MySqlConnectOptions {
        MySqlConnectOptions::new()
            .host("127.0.0.1")
            .port(self.port)
            .username("admin")
            .password(PASSWORD)
            .database("mysql")
            .ssl_mode(MySqlSslMode::Disabled)
            .disable_statement_logging()
    }

    pub(crate) async fn mariadb(&self, database: &str) -> MySqlConnection {
        self.mariadb_options().database(database).connect().await.unwrap()
    }

    pub(crate) async fn run_postgres(&self, database: &str, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut self.postgres(database).await).await.unwrap();
    }

    pub(crate) async fn run_mariadb(&self, database: &str, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut self.mariadb(database).await).await.unwrap();
    }
}

/// The `PostgreSQL` of these tests.
pub(crate) async fn postgres() -> Option<&'static Server> {
    static SERVER: OnceCell<Option<Server>> = OnceCell::const_new();
    let start = || tokio::task::spawn_blocking(|| start("PostgreSQL", "postgresql", postgres_programs, start_postgres));
    let ready = || async {
        let server = start().await.unwrap()?;
        let began = Instant::now();
        // It listens before it lets anybody in.
        while let Err(error) = server.postgres_options().connect().await {
            assert!(began.elapsed() < Duration::from_mins(2), "{error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Some(server)
    };
    SERVER.get_or_init(ready).await.as_ref()
}

/// The `MariaDB` of these tests.
pub(crate) async fn mariadb() -> Option<&'static Server> {
    static SERVER: OnceCell<Option<Server>> = OnceCell::const_new();
    let start = || tokio::task::spawn_blocking(|| start("MariaDB", "mariadb-server", mariadb_programs, start_mariadb));
    let ready = || async {
        let server = start().await.unwrap()?;
        let began = Instant::now();
        // It listens before it lets anybody in.
        while let Err(error) = server.mariadb_options().connect().await {
            assert!(began.elapsed() < Duration::from_mins(2), "{error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Some(server)
    };
    SERVER.get_or_init(ready).await.as_ref()
}

fn start(
    name: &str,
    package: &str,
    programs: fn() -> Option<PathBuf>,
    start: fn(&Path, &Path, u16) -> Child,
) -> Option<Server> {
    // One at a time: two installations would wait for each other's lock, and fail.
    static INSTALLING: Mutex<()> = Mutex::new(());
    let programs = {
        let _one = INSTALLING.lock().unwrap();
        programs().or_else(|| {
            install(package);
            programs()
        })
    };
    let Some(programs) = programs else {
        assert!(std::env::var_os("HEDUI_REQUIRE_DATABASES").is_none(), "{name} is needed: apt-get install {package}");
        eprintln!("not tried: {name} is not installed and cannot be: apt-get install {package}");
        return None;
    };
    let folder = tempfile::Builder::new().prefix("hedui-db-").tempdir().unwrap().keep();
    let ca = Authority::new("database CA");
    let (cert, key) = ca.issue(ExtendedKeyUsagePurpose::ServerAuth);
    for (file, pem) in [("ca.pem", ca.pem()), ("server.pem", cert), ("server.key", key)] {
        std::fs::write(folder.join(file), pem).unwrap();
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let keeper = start(&programs, &folder, port);
    let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    let began = Instant::now();
    while !answers(port) {
        assert!(began.elapsed() < Duration::from_mins(2), "{name} does not start:\n{}", log());
        std::thread::sleep(Duration::from_millis(50));
    }
    Some(Server { port, folder, _keeper: keeper })
}

#[expect(clippy::disallowed_methods, reason = "the test waits for the server it has started")]
fn answers(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

fn install(package: &str) {
    if !is_root() {
        return;
    }
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
        drop(command.output());
    };
    apt(&["update", "-qq"]);
    apt(&["install", "-y", "-qq", "--no-install-recommends", package]);
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

fn postgres_programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let folders = versions.flatten().map(|version| version.path().join("bin"));
    folders.filter(|folder| folder.join("initdb").exists()).max()
}

fn mariadb_programs() -> Option<PathBuf> {
    ["/usr/sbin", "/usr/local/sbin", "/usr/libexec"]
        .into_iter()
        .map(PathBuf::from)
        .find(|folder| folder.join("mariadbd").exists())
}

/// Starts `script` as `account`, with a pipe: when the tests end, however they end, the pipe closes, the
/// script stops the server and removes the folder.
fn keep(account: &str, folder: &Path, script: &str) -> Child {
    // Neither server runs as root.
    let mut command = if is_root() {
        assert!(Command::new("chown").args(["-R", account]).arg(folder).status().unwrap().success());
        let mut command = Command::new("setpriv");
        command.args([&format!("--reuid={account}"), &format!("--regid={account}"), "--clear-groups", "sh", "-c"]);
        command
    } else {
        let mut command = Command::new("sh");
        command.arg("-c");
        command
    };
    let script = format!("set -e; cd {folder}; umask 077; {script}", folder = folder.display());
    command.arg(script).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits on the pipe in front of the server that runs behind, then stops it at once.
fn until_the_tests_end(signal: &str) -> String {
    format!("server=$!; cat >/dev/null; kill -{signal} $server || true; wait $server || true")
}

fn start_postgres(programs: &Path, folder: &Path, port: u16) -> Child {
    std::fs::write(folder.join("password"), PASSWORD).unwrap();
    // `--locale=C.UTF-8`: the same on every machine. No `fsync`: nothing here is to outlive the tests.
    let script = format!(
        "chmod 600 server.key; \
         {bin}/initdb -D data -U admin --auth=scram-sha-256 --pwfile=password -E UTF8 --locale=C.UTF-8 >log 2>&1; \
         {bin}/postgres -D data -p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} \
           -c fsync=off -c ssl=on -c ssl_cert_file={folder}/server.pem -c ssl_key_file={folder}/server.key \
           </dev/null >>log 2>&1 & {until}; rm -rf {folder}",
        bin = programs.display(),
        folder = folder.display(),
        until = until_the_tests_end("INT")
    );
    keep("postgres", folder, &script)
}

fn start_mariadb(programs: &Path, folder: &Path, port: u16) -> Child {
    let folder_text = folder.display();
    let init = format!(
        "CREATE USER 'admin'@'%' IDENTIFIED BY '{PASSWORD}';\n\
         GRANT ALL PRIVILEGES ON *.* TO 'admin'@'%' WITH GRANT OPTION;\n"
    );
    std::fs::write(folder.join("init.sql"), init).unwrap();
    let script = format!(
        "chmod 600 server.key; \
         mariadb-install-db --no-defaults --datadir={folder_text}/data --skip-test-db >log 2>&1; \
         {bin}/mariadbd --no-defaults --datadir={folder_text}/data --port={port} --bind-address=127.0.0.1 \
           --socket={folder_text}/socket --pid-file={folder_text}/pid --init-file={folder_text}/init.sql \
           --skip-name-resolve --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=16M \
           --ssl-cert={folder_text}/server.pem --ssl-key={folder_text}/server.key \
           </dev/null >>log 2>&1 & {until}; rm -rf {folder_text}",
        bin = programs.display(),
        until = until_the_tests_end("TERM")
    );
    keep("mysql", folder, &script)
}
