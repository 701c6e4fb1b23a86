//! `check` on real servers, and on servers that are not what they should be: which rung breaks, and what is said.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

use connectors::adapter::Overrides;
use connectors::check::{Step, climb};
use connectors::{Rung, Trouble};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};

use crate::harness::Authority;
use crate::office::{Kind, Office};
use crate::servers::PASSWORD;

async fn climbed(office: &Office, changes: &[(&str, &str)]) -> Vec<Step> {
    climb(&office.file(changes), Overrides::default()).await
}

/// The first trouble of a ladder, which says what mends it in both languages. It is the end, but for the same
/// trouble of another dataset.
fn trouble(steps: &[Step]) -> Trouble {
    let broken: Vec<_> = steps.iter().skip_while(|step| step.holds()).collect();
    assert!(broken.iter().all(|step| !step.holds() && step.rung == broken[0].rung), "{steps:?}");
    let sound = &steps[..steps.len() - broken.len()];
    assert!(sound.windows(2).all(|pair| pair[0].rung <= pair[1].rung), "rungs in their order: {steps:?}");
    let trouble = broken[0].found.as_ref().expect_err("a rung is broken");
    assert!(!trouble.mend.zh.is_empty() && !trouble.mend.en.is_empty());
    let shown = format!("{trouble:?}");
    assert!(!shown.contains(PASSWORD) && !shown.contains("{host}") && !shown.contains("{name}"), "{shown}");
    (**trouble).clone()
}

/// Mends a trouble by the command that is printed with it.
const BY_ITS_COMMAND: &str = "by its command";

/// A trouble, how to make it, and how to mend it.
struct Case {
    /// What the administrator does first.
    make: &'static str,
    /// What is written in the connector file instead of what.
    changes: Vec<(&'static str, &'static str)>,
    rung: Rung,
    code: &'static str,
    /// What the administrator does at last.
    mend: &'static str,
}

/// A trouble that the administrator makes.
const fn made(make: &'static str, rung: Rung, code: &'static str, mend: &'static str) -> Case {
    Case { make, changes: Vec::new(), rung, code, mend }
}

/// A trouble that stands in the file.
fn filed(from: &'static str, to: &'static str, rung: Rung, code: &'static str) -> Case {
    Case { changes: vec![(from, to)], ..made("", rung, code, "") }
}

/// A trouble of a statement about the insured.
fn asked(statement: &'static str, rung: Rung, code: &'static str) -> Case {
    filed(INSURED, statement, rung, code)
}

/// As the administrator: makes the trouble, sees it, mends it.
async fn provoke(office: &Office, case: &Case) {
    let Case { make, changes, rung, code, mend } = case;
    if !make.is_empty() {
        office.admin(&make.replace("{me}", &office.name)).await;
    }
    let found = trouble(&climbed(office, changes).await);
    assert_eq!((found.rung, found.code), (*rung, *code), "{found:?}");
    if *mend == BY_ITS_COMMAND {
        office.admin(found.command.as_deref().unwrap()).await;
        let steps = climbed(office, changes).await;
        assert!(steps.iter().all(|step| step.holds() || step.rung > found.rung), "its command mends it: {steps:?}");
    } else if !mend.is_empty() {
        office.admin(&mend.replace("{me}", &office.name)).await;
    }
}

const INSURED: &str = "SELECT id_card, name, kind, code, active, level FROM insured WHERE id_card IN (:id_numbers)";

#[tokio::test]
async fn the_whole_ladder_holds_on_both_servers() {
    for office in Office::both("whole").await {
        let steps = climbed(&office, &[]).await;
        assert!(steps.iter().all(Step::holds), "{steps:?}");
        let rungs: BTreeSet<_> = steps.iter().map(|step| step.rung).collect();
        assert_eq!(rungs.len(), 14, "{rungs:?}");
        let tls = steps.iter().find(|step| step.rung == Rung::Tls).unwrap().found.as_ref().unwrap();
        assert!(tls.en.contains("TLS"), "the cipher is told: {tls:?}");
        let any_name = climbed(&office, &[("tls_ca", "tls = \"verify-ca\"\ntls_ca")]).await;
        assert!(any_name.iter().all(Step::holds), "{any_name:?}");
        let plain = climbed(&office, &[("tls_ca", "tls = \"off\"\ntls_ca")]).await;
        assert!(plain.iter().all(Step::holds), "{plain:?}");
        let tls = plain.iter().find(|step| step.rung == Rung::Tls).unwrap().found.as_ref().unwrap();
        assert!(tls.en.contains("not encrypted"), "{tls:?}");
    }
}

#[tokio::test]
async fn what_postgres_refuses_is_told_with_its_remedy() {
    let Some(office) = Office::open(Kind::Postgres, "refused_pg").await else { return };
    for case in [
        made("ALTER ROLE {me} PASSWORD 'other'", Rung::Login, "password_wrong", "ALTER ROLE {me} PASSWORD 'p@ss/w:rd'"),
        made("ALTER ROLE {me} PASSWORD 'p@ss/w:rd' NOLOGIN", Rung::Login, "account_may_not_log_in", BY_ITS_COMMAND),
        made("REVOKE CONNECT ON DATABASE {me} FROM PUBLIC", Rung::Login, "database_not_granted", BY_ITS_COMMAND),
        made(
            "ALTER ROLE {me} CONNECTION LIMIT 0",
            Rung::Login,
            "too_many_connections",
            "ALTER ROLE {me} CONNECTION LIMIT -1",
        ),
        filed("database = \"refused_pg\"", "database = \"nowhere\"", Rung::Login, "database_unknown"),
        made("GRANT INSERT ON house.big TO {me}", Rung::ReadOnly, "account_can_write", BY_ITS_COMMAND),
        Case {
            make: "REVOKE USAGE ON SCHEMA house FROM {me}",
            mend: BY_ITS_COMMAND,
            ..filed("FROM   relief", "FROM   house.relief", Rung::Permission, "schema_not_granted")
        },
        made("REVOKE SELECT ON house.insured FROM {me}", Rung::Permission, "table_not_granted", BY_ITS_COMMAND),
        Case {
            make: "CREATE FUNCTION house.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE EXECUTE ON FUNCTION house.f FROM PUBLIC",
            mend: BY_ITS_COMMAND,
            ..filed("FROM insured WHERE", "FROM insured WHERE f() = 1 AND", Rung::Permission, "function_not_granted")
        },
        asked(
            "SELECT id_card, name, kind, active FROM insurance WHERE id_card IN (:id_numbers)",
            Rung::Prepare,
            "table_unknown",
        ),
        asked(
            "SELECT id_card, name, kind, active FROM hous.insured WHERE id_card IN (:id_numbers)",
            Rung::Prepare,
            "table_unknown",
        ),
        asked(
            "SELECT id_card, name, sort AS kind, active FROM insured WHERE id_card IN (:id_numbers)",
            Rung::Prepare,
            "column_unknown",
        ),
        asked(
            "SELECT id_card, a.name, kind, active FROM insured a JOIN relief b USING (name) WHERE id_card IN (:id_numbers)",
            Rung::Prepare,
            "column_ambiguous",
        ),
        asked(
            "SELECT id_card, name, kind, active FROM insured WHERE id_card IN (:id_numbers) AN kind = '310'",
            Rung::Prepare,
            "sql_syntax",
        ),
        asked(
            "SELECT id_card, name, kind, nvl(active, false) AS active FROM insured WHERE id_card IN (:id_numbers)",
            Rung::Prepare,
            "function_unknown",
        ),
        asked(
            "SELECT id_card, name, kind, active FROM insured WHERE level = code AND id_card IN (:id_numbers)",
            Rung::Prepare,
            "types_differ",
        ),
        asked(
            "SELECT id_card, name, kind, active FROM insured WHERE id_card IN (:id_numbers) UNION SELECT id_card, name, kind, 1 FROM insured",
            Rung::Prepare,
            "types_differ_in_list",
        ),
        asked(
            "SELECT id_card, max(name) AS name, kind, active FROM insured WHERE id_card IN (:id_numbers) GROUP BY name",
            Rung::Prepare,
            "group_by_incomplete",
        ),
        filed("kind, code, active, level FROM", "kind, code FROM", Rung::Columns, "column_missing"),
        asked(
            "SELECT id_card, name, '390' AS kind, 'true' AS active FROM big WHERE id_card IN (:id_numbers)",
            Rung::Cost,
            "full_scan",
        ),
        filed("[quota]", "[source.explain]\nmax_cost = 0\n\n[quota]", Rung::Cost, "statement_cost"),
        asked(
            "SELECT id_card, name, kind, active FROM insured WHERE 1 / (length(current_user) - length(current_user)) = 1 AND id_card IN (:id_numbers)",
            Rung::Answer,
            "division_by_zero",
        ),
        asked(
            "SELECT id_card, name, kind, active FROM insured WHERE current_user::text::int = 1 OR id_card IN (:id_numbers)",
            Rung::Answer,
            "value_not_of_type",
        ),
        filed("id_card IN (:id_numbers) AND", "id_card IN (:id_numbers) OR", Rung::Answer, "answers_about_others"),
    ] {
        provoke(&office, &case).await;
    }
    let mut other = office.server.postgres(&office.name).await;
    sqlx::raw_sql("BEGIN; LOCK TABLE house.insured").execute(&mut other).await.unwrap();
    let found = trouble(&climbed(&office, &[("statement_timeout = \"5s\"", "statement_timeout = \"1s\"")]).await);
    assert_eq!(found.code, "source_locked", "{found:?}");
}

#[tokio::test]
async fn what_mariadb_refuses_is_told_with_its_remedy() {
    let Some(office) = Office::open(Kind::Mariadb, "refused_my").await else { return };
    for case in [
        made(
            "SET PASSWORD FOR {me} = PASSWORD('other')",
            Rung::Login,
            "mariadb_access_denied",
            "SET PASSWORD FOR {me} = PASSWORD('p@ss/w:rd')",
        ),
        made("ALTER USER {me} ACCOUNT LOCK", Rung::Login, "mariadb_account_locked", BY_ITS_COMMAND),
        made(
            "ALTER USER {me} WITH MAX_CONNECTIONS_PER_HOUR 1",
            Rung::Login,
            "mariadb_account_limit",
            "ALTER USER {me} WITH MAX_CONNECTIONS_PER_HOUR 0",
        ),
        Case {
            make: "ALTER USER {me} REQUIRE SSL",
            mend: "ALTER USER {me} REQUIRE NONE",
            ..filed("tls_ca", "tls = \"off\"\ntls_ca", Rung::Login, "mariadb_access_denied")
        },
        filed("database = \"refused_my\"", "database = \"nowhere\"", Rung::Login, "mariadb_database_not_granted"),
        Case {
            make: "GRANT SELECT ON *.* TO {me}",
            mend: "REVOKE SELECT ON *.* FROM {me}",
            ..filed("database = \"refused_my\"", "database = \"nowhere\"", Rung::Login, "mariadb_database_unknown")
        },
        made("GRANT DELETE ON {me}.big TO {me}", Rung::ReadOnly, "account_can_write", BY_ITS_COMMAND),
        Case {
            make: "CREATE DATABASE other_my; CREATE TABLE other_my.insured LIKE {me}.insured",
            mend: BY_ITS_COMMAND,
            ..filed("FROM insured", "FROM other_my.insured", Rung::Permission, "mariadb_table_not_granted")
        },
        Case {
            make: "CREATE DATABASE IF NOT EXISTS cols_my; CREATE TABLE cols_my.t (id_card varchar(18) primary key, name varchar(9), kind int, active int); GRANT SELECT (id_card, name, kind) ON cols_my.t TO {me}",
            mend: "",
            ..filed(
                "code, active, level FROM insured",
                "active FROM cols_my.t",
                Rung::Permission,
                "mariadb_column_not_granted",
            )
        },
        Case {
            make: "CREATE FUNCTION cols_my.f() RETURNS INT RETURN 1",
            mend: BY_ITS_COMMAND,
            ..filed(
                "FROM insured WHERE",
                "FROM insured WHERE cols_my.f() = 1 AND",
                Rung::Permission,
                "mariadb_routine_not_granted",
            )
        },
        Case {
            make: "CREATE TABLE gone (id_card varchar(18)); CREATE VIEW broken AS SELECT * FROM gone; DROP TABLE gone",
            mend: "",
            ..filed("FROM insured", "FROM broken", Rung::Prepare, "mariadb_view_broken")
        },
        asked(
            "SELECT id_card, name, kind, active FROM Insured WHERE id_card IN (:id_numbers)",
            Rung::Prepare,
            "mariadb_table_unknown",
        ),
        asked(
            "SELECT id_card, name, sort AS kind, active FROM insured WHERE id_card IN (:id_numbers)",
            Rung::Prepare,
            "mariadb_column_unknown",
        ),
        asked(
            "SELECT id_card, a.name, kind, active FROM insured a JOIN relief b USING (name) WHERE id_card IN (:id_numbers)",
            Rung::Prepare,
            "mariadb_column_ambiguous",
        ),
        asked(
            "SELECT id_card, name, kind, active FROM insured WHERE id_card IN (:id_numbers) AN kind = '310'",
            Rung::Prepare,
            "mariadb_sql_syntax",
        ),
        Case {
            make: "GRANT EXECUTE ON {me}.* TO {me}",
            mend: "REVOKE EXECUTE ON {me}.* FROM {me}",
            ..asked(
                "SELECT id_card, name, kind, nvl3(active, false) AS active FROM insured WHERE id_card IN (:id_numbers)",
                Rung::Prepare,
                "mariadb_function_unknown",
            )
        },
        asked(
            "SELECT id_card, name, kind, active FROM insured WHERE name COLLATE utf8mb4_bin = 'a' COLLATE utf8mb4_unicode_ci AND id_card IN (:id_numbers)",
            Rung::Prepare,
            "mariadb_collations_differ",
        ),
        asked(
            "SELECT id_card, name, '390' AS kind, '1' AS active FROM big WHERE id_card IN (:id_numbers)",
            Rung::Cost,
            "full_scan",
        ),
        filed("id_card IN (:id_numbers) AND", "id_card IN (:id_numbers) OR", Rung::Answer, "answers_about_others"),
    ] {
        provoke(&office, &case).await;
    }
}

#[tokio::test]
async fn the_way_to_a_server_is_told_apart() {
    for office in Office::both("way").await {
        let port = format!("port = {}", office.server.port);
        let nothing = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let nothing = format!("port = {nothing}");
        for (changes, rung, code) in [
            (vec![("host = \"localhost\"", "host = \"no-such-host.invalid\"")], Rung::Dns, None),
            (vec![(port.as_str(), nothing.as_str())], Rung::Tcp, Some("connection_refused")),
            (vec![("host = \"localhost\"", "host = \"/no/such/socket\"")], Rung::Tcp, Some("socket_or_file_missing")),
            (vec![("tls_ca = \"", "tls_ca = \"/none")], Rung::Secrets, Some("tls_file")),
            (vec![("file = \"password\"", "file = \"pass\"")], Rung::Secrets, Some("secret_missing")),
            (
                vec![("password = { file = \"password\" }", "password = \"hunter2\"")],
                Rung::Schema,
                Some("secret_literal"),
            ),
            (vec![("driver = ", "driver = 3 #")], Rung::Schema, Some("source_field")),
            (vec![("[quota]", "[quota")], Rung::Syntax, Some("connector_syntax")),
        ] {
            let found = trouble(&climbed(&office, &changes).await);
            assert_eq!(found.rung, rung, "{found:?}");
            assert!(code.is_none_or(|code| code == found.code), "{found:?}");
        }
        // No CA but the public ones.
        let ca = format!("tls_ca = \"{}\"", office.server.ca().display());
        let found = trouble(&climbed(&office, &[(&ca, "")]).await);
        assert_eq!((found.rung, found.code), (Rung::Tls, "tls_unknown_issuer"), "{found:?}");
    }
}

/// A server that greets as `PostgreSQL` does and then shows a certificate of ours, or does as it likes.
fn pretender(behave: impl Fn(std::net::TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || listener.incoming().flatten().for_each(behave));
    port
}

/// Reads the request for TLS, says this, and hangs up.
fn saying(words: &'static [u8]) -> impl Fn(std::net::TcpStream) + Send + 'static {
    move |mut stream| {
        if stream.read(&mut [0; 8]).is_ok() {
            // A caller that has gone by then has told what it makes of it.
            drop(stream.write_all(words));
        }
    }
}

fn showing(config: ServerConfig) -> impl Fn(std::net::TcpStream) + Send + 'static {
    let config = Arc::new(config);
    move |mut stream| {
        let mut request = [0; 8];
        if stream.read_exact(&mut request).is_ok() && stream.write_all(b"S").is_ok() {
            let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            // Whatever comes of it is the caller's to tell; a moment more lets it read the alert.
            while connection.is_handshaking() && connection.complete_io(&mut stream).is_ok() {}
            drop(stream.shutdown(std::net::Shutdown::Write));
            drop(stream.read(&mut [0; 64]));
        }
    }
}

fn config(ca: &Authority, change: impl FnOnce(&mut CertificateParams), client_ca: Option<&Authority>) -> ServerConfig {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let chain = vec![CertificateDer::from_pem_slice(ca.sign(&params, &key).as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
    match client_ca {
        None => builder.with_no_client_auth(),
        Some(ca) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(&ca.pem()).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    }
    .with_single_cert(chain, key)
    .unwrap()
}

#[tokio::test]
async fn each_fault_of_a_certificate_has_its_own_words() {
    let Some(office) = Office::open(Kind::Postgres, "certificates").await else { return };
    let (ca, stranger) = (Authority::new("a CA"), Authority::new("another CA"));
    std::fs::write(office.folder.path().join("ca.pem"), ca.pem()).unwrap();
    let known = format!("tls_ca = \"{}\"", office.server.ca().display());
    let port = format!("port = {}", office.server.port);
    let plain = |_: &mut CertificateParams| {};
    let cases: Vec<(u16, &str)> = vec![
        (pretender(showing(config(&stranger, plain, None))), "tls_unknown_issuer"),
        (
            pretender(showing(config(&ca, |params| params.not_after = rcgen::date_time_ymd(2021, 1, 1), None))),
            "tls_expired",
        ),
        (
            pretender(showing(config(&ca, |params| params.not_before = rcgen::date_time_ymd(2300, 1, 1), None))),
            "tls_not_valid_yet",
        ),
        (
            pretender(showing(config(
                &ca,
                |params| *params = CertificateParams::new(vec!["db.example".to_owned()]).unwrap(),
                None,
            ))),
            "tls_other_name",
        ),
        (
            pretender(showing(config(
                &ca,
                |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
                None,
            ))),
            "tls_wrong_purpose",
        ),
        (pretender(showing(config(&ca, plain, Some(&stranger)))), "tls_client_certificate_needed"),
        (pretender(saying(b"N")), "tls_not_offered"),
        (pretender(saying(b"HTTP/1.1 400")), "not_postgres"),
        (pretender(saying(b"SHTTP/1.1 400 Bad Request\r\n\r\n")), "tls_not_tls"),
        (pretender(saying(b"")), "connection_closed_at_once"),
    ];
    for (their_port, code) in cases {
        let theirs = format!("port = {their_port}");
        let changes = [(port.as_str(), theirs.as_str()), (known.as_str(), "tls_ca = \"ca.pem\"")];
        let found = trouble(&climbed(&office, &changes).await);
        assert_eq!(found.code, code, "{found:?}");
        assert!(found.rung <= Rung::Tls, "{found:?}");
    }
}
