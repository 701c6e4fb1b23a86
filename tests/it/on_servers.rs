//! Departments whose records stand on real database servers: education on `MariaDB`, human resources on `PostgreSQL`.
//!
//! The shipped connector files are the same ones that read the embedded stores. What is different is what an operator
//! gives: the address, and the CA that the server's certificate is checked by.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use hedui::simulate::dump::{self, Dialect};

use super::hub::root;
use super::servers::{self, PASSWORD, Server};

/// Where a department is asked: its connector file, and the address of its records.
pub(crate) struct Place {
    pub(crate) connector: PathBuf,
    pub(crate) url: String,
}

/// Has a server load the dump of a department in `folder`, with an account that can only read. `None` for a department
/// that has no server, and where there is none.
pub(crate) async fn place(folder: &Path, department: &str) -> Option<Place> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let (_, dialect, _) = dump::SERVERS.into_iter().find(|(id, ..)| *id == department)?;
    let name = format!("{department}_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let dump = std::fs::read_to_string(folder.join(dump::file_name(department, dialect))).unwrap();
    let (server, scheme) = match dialect {
        Dialect::Postgres => (on_postgres(&name, &dump).await?, "postgres"),
        Dialect::Mariadb => (on_mariadb(&name, &dump).await?, "mariadb"),
    };
    Some(Place { connector: connector(folder, department, server), url: server.url(scheme, &name) })
}

/// The shipped connector file, with the CA of the server, and with time enough for a statement where many callers share
/// two processors with the server and everything else.
fn connector(folder: &Path, department: &str, server: &Server) -> PathBuf {
    let shipped = std::fs::read_to_string(root().join("connectors").join(department).join("connector.toml")).unwrap();
    let place = "statement_timeout = \"2s\"";
    assert_eq!(shipped.matches(place).count(), 1, "{department}");
    let own = shipped.replace(place, &format!("tls_ca = \"{}\"\nstatement_timeout = \"20s\"", server.ca().display()));
    let file = folder.join(format!("{department}.toml"));
    std::fs::write(&file, own).unwrap();
    file
}

async fn on_postgres(name: &str, dump: &str) -> Option<&'static Server> {
    let server = servers::postgres().await?;
    server.run_postgres("postgres", &format!("CREATE DATABASE {name}")).await;
    server.run_postgres("postgres", &format!("CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")).await;
    server.run_postgres(name, dump).await;
    server.run_postgres(name, &format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}")).await;
    Some(server)
}

async fn on_mariadb(name: &str, dump: &str) -> Option<&'static Server> {
    let server = servers::mariadb().await?;
    let make = format!(
        "CREATE DATABASE {name} CHARACTER SET utf8mb4; CREATE USER '{name}'@'%' IDENTIFIED BY '{PASSWORD}'; \
         GRANT SELECT ON {name}.* TO '{name}'@'%'"
    );
    server.run_mariadb("mysql", &make).await;
    server.run_mariadb(name, dump).await;
    Some(server)
}
