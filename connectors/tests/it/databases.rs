//! What comes of a question on real servers of `PostgreSQL` and `MariaDB`: the same, whatever the dialect.

use std::time::{Duration, Instant};

use connectors::SourceError;
use connectors::protocol::ResultStatus;
use futures_util::future::join_all;

use crate::harness::{ALTAN, BATU, QIQIGE, SIQIN, question, result};
use crate::office::{INSURANCE, Kind, Office, RELIEF};

/// A condition that keeps a statement running, in each dialect.
const fn endless(kind: Kind) -> &'static str {
    match kind {
        Kind::Postgres => {
            "WHERE (SELECT count(*) FROM generate_series(1, 1000000000000)) > 0 AND id_card IN (:id_numbers) AND"
        }
        Kind::Mariadb => "WHERE BENCHMARK(1000000000000, MD5(id_card)) = 0 AND id_card IN (:id_numbers) AND",
    }
}

#[tokio::test]
async fn native_types_become_facts_exactly() {
    for office in Office::both("types").await {
        let adapter = office.adapter(&[]);
        let persons = [(BATU, "巴图"), (ALTAN, "阿拉坦•乌拉"), (QIQIGE, "其其格"), (SIQIN, "斯琴")];
        let response = adapter.answer(&question(&[RELIEF, INSURANCE], &persons)).await.unwrap();
        let batu = result(&response, "m1", RELIEF);
        assert_eq!(batu.status, ResultStatus::Ok, "{:?}", office.kind);
        let facts: serde_json::Value = serde_json::from_str(batu.facts.get()).unwrap();
        let expected = serde_json::json!([
            {"amount": "0.00", "category": "TRANSFER", "dedupe_key": "9007199254740993", "from": "2024-04-30",
             "kind": "SOCIAL_ASSISTANCE", "to": "2024-04-30"},
            {"amount": "1234.50", "basic_portion": "100000000.05", "category": "TRANSFER", "dedupe_key": "1",
             "from": "2024-03-01", "kind": "SOCIAL_ASSISTANCE", "payer": "库伦旗民政局𠮷㐂", "to": "2024-03-01"},
        ]);
        assert_eq!(facts, expected, "{:?}", office.kind);
        assert_eq!(batu.as_of.as_deref(), Some("2024-03-02T00:20:00+08:00"), "{:?}", office.kind);
        let insured = result(&response, "m1", INSURANCE);
        assert_eq!(insured.facts.get(), r#"[{"active":true,"scheme":"RESIDENT"}]"#, "{:?}", office.kind);
        let altan = result(&response, "m2", INSURANCE);
        assert_eq!(altan.facts.get(), r#"[{"active":false,"scheme":"EMPLOYEE"}]"#, "{:?}", office.kind);
        assert_eq!(result(&response, "m3", RELIEF).status, ResultStatus::NoRecord);
        assert_eq!(result(&response, "m4", RELIEF).status, ResultStatus::Error, "NULL is no amount of zero");
    }
}

#[tokio::test]
async fn a_float_is_refused_and_a_padded_code_is_read() {
    for office in Office::both("floats").await {
        let float = office.adapter(&[
            ("as = \"yuan\", optional = true", "as = \"yuan\", optional = true"),
            ("SELECT id_card, name, amount,", "SELECT id_card, name, ratio AS amount,"),
        ]);
        let response = float.answer(&question(&[RELIEF], &[(BATU, "巴图")])).await.unwrap();
        assert_eq!(result(&response, "m1", RELIEF).status, ResultStatus::Error, "{:?}", office.kind);
        let padded = office.adapter(&[(
            "column = \"kind\", codes = { \"310\" = \"EMPLOYEE\", \"390\"",
            "column = \"code\", codes = { \"A\" = \"EMPLOYEE\", \"B1\"",
        )]);
        let response = padded.answer(&question(&[INSURANCE], &[(BATU, "巴图")])).await.unwrap();
        assert_eq!(result(&response, "m1", INSURANCE).facts.get(), r#"[{"active":true,"scheme":"RESIDENT"}]"#);
    }
}

#[tokio::test]
async fn five_hundred_persons_are_one_statement() {
    for office in Office::both("many").await {
        let numbers: Vec<String> = (0..500).map(|index| format!("15000019860502{index:03}X")).collect();
        let mut persons: Vec<_> = numbers.iter().map(|number| (number.as_str(), "无")).collect();
        persons[499] = (BATU, "巴图");
        let response = office.adapter(&[]).answer(&question(&[RELIEF], &persons)).await.unwrap();
        assert_eq!(response.results.iter().filter(|result| result.status == ResultStatus::NoRecord).count(), 499);
        assert_eq!(result(&response, "m500", RELIEF).status, ResultStatus::Ok, "{:?}", office.kind);
    }
}

#[tokio::test]
async fn an_account_that_can_write_is_not_used_until_the_command_has_mended_it() {
    for office in Office::both("writer").await {
        let (name, query) = (&office.name, question(&[INSURANCE], &[(BATU, "巴图")]));
        office
            .admin(&match office.kind {
                Kind::Postgres => format!(
                    "GRANT INSERT, UPDATE (name) ON house.insured TO {name}; GRANT DELETE ON house.relief TO PUBLIC"
                ),
                Kind::Mariadb => format!(
                    "GRANT INSERT, UPDATE (name) ON {name}.insured TO '{name}'@'%'; GRANT FILE ON *.* TO '{name}'@'%'"
                ),
            })
            .await;
        let adapter = office.adapter(&[]);
        let problem = adapter.answer(&query).await.unwrap_err();
        assert_eq!((problem.status, problem.code.as_str()), (503, "source_writable"), "{:?}", office.kind);
        let Err(SourceError::Writable(trouble)) = adapter.health().await else { panic!("refused") };
        assert!(trouble.what.en.contains("INSERT") && trouble.what.zh.contains("INSERT"), "{trouble:?}");
        office.admin(trouble.command.as_deref().unwrap()).await;
        let response = adapter.answer(&query).await.unwrap();
        assert_eq!(result(&response, "m1", INSURANCE).status, ResultStatus::Ok, "{:?}: mended", office.kind);
    }
}

#[tokio::test]
async fn an_owner_or_superuser_is_told_to_use_another_account() {
    for office in Office::both("owner").await {
        let name = &office.name;
        let (make, says) = match office.kind {
            Kind::Postgres => (format!("ALTER TABLE house.insured OWNER TO {name}"), "OWNER house.insured"),
            Kind::Mariadb => (format!("GRANT ALL PRIVILEGES ON *.* TO '{name}'@'%'"), "ALL PRIVILEGES *.*"),
        };
        office.admin(&make).await;
        let Err(SourceError::Writable(trouble)) = office.adapter(&[]).health().await else { panic!("refused") };
        assert!(trouble.what.en.contains(says), "{trouble:?}");
        if office.kind == Kind::Postgres {
            office.admin(&format!("ALTER ROLE {name} SUPERUSER")).await;
            let Err(SourceError::Writable(trouble)) = office.adapter(&[]).health().await else { panic!("refused") };
            assert!(trouble.what.en.contains("SUPERUSER"), "{trouble:?}");
        }
    }
}

#[tokio::test]
async fn a_statement_that_writes_by_a_function_is_stopped_by_the_session() {
    for office in Office::both("sneak").await {
        let (name, condition) = (&office.name, "FROM insured WHERE sneak() > 0 AND id_card IN (:id_numbers)");
        // The function has its maker's rights, so the account's privileges do not stop it.
        office
            .admin(&match office.kind {
                Kind::Postgres => format!(
                    "CREATE FUNCTION house.sneak() RETURNS int LANGUAGE sql SECURITY DEFINER AS \
                     $$ UPDATE house.insured SET level = 9; SELECT 1 $$; GRANT EXECUTE ON FUNCTION house.sneak() TO {name}"
                ),
                Kind::Mariadb => format!(
                    "CREATE FUNCTION sneak() RETURNS INT MODIFIES SQL DATA BEGIN UPDATE insured SET level = 9; RETURN 1; END; \
                     GRANT EXECUTE ON FUNCTION {name}.sneak TO '{name}'@'%'"
                ),
            })
            .await;
        let adapter = office.adapter(&[("FROM insured WHERE id_card IN (:id_numbers)", condition)]);
        let problem = adapter.answer(&question(&[INSURANCE], &[(BATU, "巴图")])).await.unwrap_err();
        assert_eq!((problem.status, problem.code.as_str()), (500, "source_failed"), "{:?}", office.kind);
        assert_eq!(
            office
                .count(
                    "SELECT count(*) FROM insured WHERE level = 9"
                        .replace("insured", if office.kind == Kind::Postgres { "house.insured" } else { "insured" })
                        .as_str()
                )
                .await,
            0
        );
    }
}

#[tokio::test]
async fn a_slow_statement_is_stopped_by_the_server_and_the_only_connection_comes_back() {
    for office in Office::both("slow").await {
        let adapter = office.adapter(&[
            ("statement_timeout = \"5s\"", "statement_timeout = \"700ms\""),
            ("max_connections = 2", "max_connections = 1"),
            ("WHERE  id_card IN (:id_numbers) AND", endless(office.kind)),
        ]);
        for _ in 0..2 {
            let began = Instant::now();
            let problem = adapter.answer(&question(&[RELIEF], &[(BATU, "巴图")])).await.unwrap_err();
            assert_eq!((problem.status, problem.code.as_str()), (504, "source_timeout"), "{:?}", office.kind);
            assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        }
        nothing_runs(&office, 3).await;
        let response = adapter.answer(&question(&[INSURANCE], &[(BATU, "巴图")])).await.unwrap();
        assert_eq!(result(&response, "m1", INSURANCE).status, ResultStatus::Ok);
    }
}

#[tokio::test]
async fn a_statement_whose_caller_went_away_is_stopped() {
    for office in Office::both("gone").await {
        // MariaDB looks for its caller only when it has something to say; its own clock stops it.
        let timeout = if office.kind == Kind::Postgres { "60s" } else { "2s" };
        let adapter = office.adapter(&[
            ("statement_timeout = \"5s\"", &format!("statement_timeout = \"{timeout}\"")),
            ("WHERE  id_card IN (:id_numbers) AND", endless(office.kind)),
        ]);
        let query = question(&[RELIEF], &[(BATU, "巴图")]);
        let given_up = tokio::time::timeout(Duration::from_millis(900), adapter.answer(&query)).await;
        assert!(given_up.is_err());
        nothing_runs(&office, 10).await;
    }
}

/// Waits until no statement of the office runs on its server.
async fn nothing_runs(office: &Office, seconds: u64) {
    let began = Instant::now();
    while office.running().await > 0 {
        assert!(began.elapsed() < Duration::from_secs(seconds), "{:?}: still at work", office.kind);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_large_table_is_not_read_from_end_to_end() {
    for office in Office::both("scan").await {
        let table = if office.kind == Kind::Postgres { "house.big" } else { "big" };
        let on_big = [
            (
                "SELECT id_card, name, kind, code, active, level FROM insured",
                "SELECT id_card, name, '390' AS kind, '1' AS active FROM big",
            ),
            ("true_values = [\"true\"], false_values = [\"false\"]", "true_values = [\"1\"]"),
        ];
        let on_big = if office.kind == Kind::Postgres { &on_big[..] } else { &on_big[..1] };
        let adapter = office.adapter(on_big);
        let query = question(&[INSURANCE], &[(BATU, "巴图")]);
        let problem = adapter.answer(&query).await.unwrap_err();
        assert_eq!((problem.status, problem.code.as_str()), (500, "statement_too_costly"), "{:?}", office.kind);
        let allowed = [on_big, &[("[quota]", "[source.explain]\nmax_full_scan = 50000\n\n[quota]")]].concat();
        let response = office.adapter(&allowed).answer(&query).await.unwrap();
        assert_eq!(result(&response, "m1", INSURANCE).status, ResultStatus::NoRecord);
        office.admin(&format!("CREATE INDEX big_id ON {table} (id_card)")).await;
        let response = adapter.answer(&query).await.unwrap();
        assert_eq!(result(&response, "m1", INSURANCE).status, ResultStatus::NoRecord, "an index mends it");
    }
}

#[tokio::test]
async fn rows_and_connections_keep_to_their_bounds() {
    for office in Office::both("caps").await {
        let adapter = office.adapter(&[("max_rows = 1000", "max_rows = 1")]);
        let response = adapter.answer(&question(&[RELIEF], &[(BATU, "巴图")])).await.unwrap();
        let cut = result(&response, "m1", RELIEF);
        assert_eq!((cut.status, cut.facts.get()), (ResultStatus::Error, "[]"), "never a short list");
        let adapter = office.adapter(&[]);
        let query = question(&[RELIEF, INSURANCE], &[(BATU, "巴图")]);
        let answers = join_all((0..20).map(|_| adapter.answer(&query))).await;
        assert!(answers.iter().all(Result::is_ok), "{:?}", office.kind);
        // The adapter of before closes its connections when it is dropped; this one has two.
        let connections = office.connections().await;
        assert!((1..=3).contains(&connections), "{connections}");
    }
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_made_anew() {
    for office in Office::both("anew").await {
        let adapter = office.adapter(&[]);
        let query = question(&[INSURANCE], &[(BATU, "巴图")]);
        adapter.answer(&query).await.unwrap();
        let name = &office.name;
        match office.kind {
            Kind::Postgres => {
                office
                    .admin(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{name}'"))
                    .await;
            }
            Kind::Mariadb => office.admin(&format!("KILL USER '{name}'")).await,
        }
        // Long enough unused to be tried before it is asked.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let response = adapter.answer(&query).await.unwrap();
        assert_eq!(result(&response, "m1", INSURANCE).status, ResultStatus::Ok, "{:?}", office.kind);
    }
}

#[tokio::test]
async fn a_url_serves_as_well_as_fields() {
    for office in Office::both("url").await {
        let scheme = if office.kind == Kind::Postgres { "postgresql" } else { "mysql" };
        let (name, port) = (&office.name, office.server.port);
        std::fs::write(
            office.folder.path().join("url"),
            format!("{scheme}://{name}:p%40ss%2Fw%3Ard@localhost:{port}/{name}\n"),
        )
        .unwrap();
        let text = office.text();
        let (head, rest) = text.split_once("driver = ").unwrap();
        let (fields, tail) = rest.split_once("tls_ca").unwrap();
        assert!(fields.contains("password"));
        let file = office.folder.path().join("connector.toml");
        std::fs::write(&file, format!("{head}url = {{ file = \"url\" }}\ntls_ca{tail}")).unwrap();
        let adapter = connectors::adapter::Adapter::load(&file, connectors::adapter::Overrides::default()).unwrap();
        adapter.health().await.unwrap();
    }
}

#[tokio::test]
async fn a_backslash_in_a_text_stands_for_itself() {
    for office in Office::both("quotes").await {
        let adapter = office
            .adapter(&[("FROM insured WHERE id_card IN", "FROM insured WHERE name <> 'it''s \\\\' AND id_card IN")]);
        let response = adapter.answer(&question(&[INSURANCE], &[(BATU, "巴图")])).await.unwrap();
        assert_eq!(result(&response, "m1", INSURANCE).status, ResultStatus::Ok, "{:?}", office.kind);
    }
}
