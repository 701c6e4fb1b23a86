//! `new`, `discover`, `try` and `diff`, from nothing to an answer.

use std::path::Path;

use crate::harness::{BATU, Store, run, seventh, trying};
use crate::office::{Kind, Office, RELIEF};
use crate::servers::PASSWORD;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test]
async fn a_department_goes_from_nothing_to_a_sound_file_in_few_steps() {
    for office in Office::both("joining").await {
        let file = office.folder.path().join("office.toml");
        let driver = match office.kind {
            Kind::Postgres => "postgres",
            Kind::Mariadb => "mariadb",
        };
        let arguments = [
            "new",
            text(&file),
            "--driver",
            driver,
            "--id",
            "office",
            "--name-zh",
            "办事处",
            "--name-en",
            "Office",
            "--contact",
            "000",
            "--host",
            "localhost",
            "--database",
            &office.name,
            "--user",
            &office.name,
            "--secret-env",
            "OFFICE_PASSWORD",
            "--non-interactive",
        ];
        let (code, out, err) = run(&arguments);
        assert_eq!(code, 0, "{out}{err}");
        assert!(out.contains("discover"), "{out}");
        let (code, _, err) = run(&arguments);
        assert_eq!(code, 3, "an existing file is not overwritten");
        assert!(err.contains("file_exists") && err.contains("another name"), "{err}");
        // The port and CA of a test are its own.
        let begun = std::fs::read_to_string(&file).unwrap();
        let port = if office.kind == Kind::Postgres { "# port = 5432" } else { "# port = 3306" };
        assert!(begun.contains(port) && !begun.contains(PASSWORD), "{begun}");
        let ours = format!("port = {}\ntls_ca = \"{}\"", office.server.port, office.server.ca().display());
        std::fs::write(&file, begun.replace(port, &ours)).unwrap();

        let (code, out, err) = run(&["discover", text(&file), "--table", "relief", "--append"]);
        assert_eq!(code, 0, "{out}{err}");
        assert!(out.contains("id_card") && out.contains("empty 33%") && out.contains("relief (table"), "{out}");
        for value in [BATU, "巴图", "1234", "库伦旗", "2024-03-01"] {
            assert!(!out.contains(value), "never a value: {value} in {out}");
        }
        // What a person has to decide stands there as a comment; until then the file says what is missing.
        let (code, out, _) = run(&["check", text(&file)]);
        assert!(code == 1 && out.contains("map.category"), "{out}");
        let proposed = std::fs::read_to_string(&file).unwrap();
        let decided: String = proposed
            .lines()
            .map(|line| {
                if line.starts_with("# category = ") {
                    "category = { value = \"TRANSFER\" }\n".to_owned()
                } else if line.starts_with("# kind = ") {
                    "kind = { value = \"SOCIAL_ASSISTANCE\" }\n".to_owned()
                } else {
                    format!("{line}\n")
                }
            })
            .collect();
        std::fs::write(&file, &decided).unwrap();
        let (code, out, err) = run(&["check", text(&file)]);
        assert_eq!(code, 0, "{out}{err}\n{decided}");
        let lines =
            decided.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')).count();
        assert!(lines <= 40, "{lines} lines of TOML");
        let (code, out, err) = run(&trying(text(&file), RELIEF, BATU, &["--name", "巴图"]));
        assert_eq!(code, 0, "{out}{err}");
        assert!(out.contains("150000********1015") && out.contains("→ amount = 1234.50"), "{out}");
        assert!(!out.contains(BATU) && !out.contains("巴图") && !err.contains(BATU), "{out}{err}");
    }
}

#[tokio::test]
async fn rows_of_a_trial_become_a_golden_test() {
    let store = Store::seventh().await;
    let folder = store.folder.path();
    let text_of = std::fs::read_to_string(seventh().join("connector.toml")).unwrap();
    let (head, _) = text_of.split_once("# ---- 金样测试 ----").unwrap();
    let file = folder.join("connector.toml");
    std::fs::write(&file, head).unwrap();
    let (url, rows) = (store.url(), folder.join("rows.json"));
    let try_about = |number: &str| {
        let more = ["--source-url", &url, "--name", "巴图", "--record", text(&rows)];
        run(&trying(text(&file), "disabled_persons.certificate", number, &more))
    };
    let (code, _, err) = try_about("110101198605021015");
    assert!(code == 2 && !rows.exists() && err.contains("150000"), "no person's record goes into a file: {err}");
    let (code, out, err) = try_about(BATU);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("→ category = 4") && out.contains("→ name") && out.contains("巴*"), "{out}");
    let golden = format!(
        "{head}\n[[test]]\nname = \"recorded\"\nfixture = \"rows.json\"\n\
         given = {{ dataset = \"disabled_persons.certificate\", id_numbers = [\"{BATU}\"], names = [\"巴图\"], from = 2024-03-01, to = 2025-02-28 }}\n\
         expect = [{{ id_number = \"{BATU}\", status = \"ok\", facts = [{{ category = \"4\", grade = \"2\" }}] }}]\n"
    );
    std::fs::write(&file, &golden).unwrap();
    let (code, out, _) = run(&["test", text(&file)]);
    assert_eq!((code, out.lines().last()), (0, Some("1 passed, 0 failed")), "{out}");
    // The same without typing it, of a mismatch as well: what was answered is what is expected.
    let made = |name: &str, more: &[&str]| {
        let mut arguments = vec!["--source-url", &url, "--record", text(&rows), "--golden", name];
        arguments.extend(more);
        run(&trying(text(&file), "disabled_persons.certificate", BATU, &arguments))
    };
    let (code, _, err) = made("nobody", &["--lang", "zh"]);
    assert!(code == 2 && err.contains("--name"), "{err}");
    assert_eq!(made("a certificate \"as it is\"", &["--name", "巴图"]).0, 0);
    assert_eq!(made("another name", &["--name", "巴特尔"]).0, 0);
    let (code, out, _) = run(&["test", text(&file)]);
    assert_eq!((code, out.lines().last()), (0, Some("3 passed, 0 failed")), "{out}");
    std::fs::write(&rows, "{\"columns\": [\"a\"], \"rows\": [[1, 2]]}").unwrap();
    let (code, out, _) = run(&["test", text(&file)]);
    assert!(code == 1 && out.contains("rows.json"), "{out}");
}

/// A bank's table, whose names nobody would guess: what its values look like says whose row it is.
#[tokio::test]
async fn the_column_of_identity_numbers_is_known_by_its_form_or_named() {
    let columns = "acct varchar(32), holder_ref varchar(18), nm varchar(20), bal numeric(12,2), sts char(1)";
    let rows = format!("('6217 1', '{BATU}', '巴图', 12.50, 'N'), ('6217 2', '15000019700101109x', '斯琴', 1, 'C')");
    let old = "('6217 3', '150000860502101', '巴图', 3, 'N'), ('6217 4', NULL, '某', 3, 'N')";
    let made = |table: &str| {
        format!(
            "CREATE TABLE {table} ({columns}); INSERT INTO {table} VALUES {rows}, {old}; CREATE TABLE refs (code varchar(18), txt varchar(9)); INSERT INTO refs VALUES ('A1', 'x')"
        )
    };
    let mut places = Vec::new();
    for office in Office::both("odd").await {
        let (schema, grant) = match office.kind {
            Kind::Postgres => (
                "SET search_path = house; ",
                format!("; GRANT SELECT ON ALL TABLES IN SCHEMA house TO {}", office.name),
            ),
            Kind::Mariadb => ("", String::new()),
        };
        if office.kind == Kind::Mariadb {
            office.admin(&format!("ALTER DATABASE {} CHARACTER SET utf8mb4", office.name)).await;
        }
        office.admin(&format!("{schema}{}{grant}", made("t_dp_acc"))).await;
        let file = office.folder.path().join("connector.toml");
        std::fs::write(&file, office.text()).unwrap();
        places.push((file, None, office.folder));
    }
    let store = Store::empty();
    sqlx::raw_sql(sqlx::AssertSqlSafe(made("t_dp_acc"))).execute(&mut store.writer().await).await.unwrap();
    let url = store.url();
    places.push((seventh().join("connector.toml"), Some(url), store.folder));
    for (file, url, _folder) in &places {
        let discover = |more: &[&str]| {
            let mut arguments = vec!["discover", text(file), "--lang", "en"];
            arguments.extend(url.iter().flat_map(|url| ["--source-url", url.as_str()]));
            arguments.extend(more);
            run(&arguments)
        };
        let (code, out, err) = discover(&["--table", "t_dp_acc"]);
        assert_eq!(code, 0, "{out}{err}");
        for line in ["subject = \"holder_ref\"", "name = \"nm\"", "value = { column = \"bal\", as = \"yuan\" }"] {
            assert!(out.contains(line), "{line} in {out}");
        }
        assert!(!out.contains(BATU) && !out.contains("150000860502101"), "never a value: {out}");
        let (code, out, _) = discover(&["--table", "refs"]);
        assert!(code == 1 && out.contains("no_subject_column") && out.contains("--subject"), "{out}");
        let (code, out, _) =
            discover(&["--table", "refs", "--subject", "code", "--name-column", "txt", "--fact", "asset"]);
        assert!(code == 0 && out.contains("subject = \"code\"") && out.contains("name = \"txt\""), "{out}");
        let (code, out, _) = discover(&["--table", "refs", "--subject", "kode"]);
        assert!(code == 1 && out.contains("subject_column_unknown"), "{out}");
        let (code, out, _) =
            discover(&["--table", "refs", "--subject", "code", "--name-column", "text", "--fact", "asset"]);
        assert!(code == 1 && out.contains("name_column_unknown") && out.contains("those that are listed"), "{out}");
    }
}

#[tokio::test]
async fn a_file_is_discovered_without_a_server() {
    let store = Store::seventh().await;
    let connector = seventh().join("connector.toml");
    let (code, out, err) = run(&["discover", text(&connector), "--source-url", &store.url(), "--json"]);
    assert_eq!(code, 0, "{out}{err}");
    let found: serde_json::Value = serde_json::from_str(&out).unwrap();
    let relations = found["relations"].as_array().unwrap();
    assert!(relations.iter().any(|found| found["proposal"]["fact"] == "disability"), "{out}");
    assert!(!out.contains(BATU) && !out.contains("巴图"), "{out}");
    let (code, _, err) = run(&["discover", text(&connector), "--source-url", &store.url(), "--fact", "wealth"]);
    assert!(code == 2 && err.contains("income"), "{err}");
    let (code, out, _) = run(&["discover", text(&connector), "--source-url", &store.url(), "--table", "没有"]);
    assert!(code == 1 && out.contains("no table"), "{out}");
}

#[tokio::test]
async fn a_table_without_a_draft_is_told_with_the_reason_and_by_the_exit_code() {
    let store = Store::empty();
    let made = "CREATE TABLE codes (c text, n text); CREATE TABLE odd (sfzh text, x1 text)";
    sqlx::raw_sql(made).execute(&mut store.writer().await).await.unwrap();
    let file = store.folder.path().join("new.toml");
    let database = store.file();
    let start = |id: &str| {
        run(&[
            "new",
            text(&file),
            "--driver",
            "sqlite",
            "--host",
            text(&database),
            "--id",
            id,
            "--name-zh",
            "车",
            "--name-en",
            "Cars",
            "--contact",
            "1",
            "--non-interactive",
        ])
    };
    for (flag, value) in [("--port", "3306"), ("--tls-ca", "ca.pem")] {
        let plain = ["new", text(&file), "--driver", "sqlite", "--host", text(&database), "--id", "cars"];
        let names = ["--name-zh", "车", "--name-en", "Cars", "--contact", "1", "--non-interactive"];
        for (lang, words) in [("zh", "用不上"), ("en", "of no use here")] {
            let (code, _, err) = run(&[&plain[..], &names, &[flag, value, "--lang", lang]].concat());
            assert!(code == 2 && err.contains("flag_unused") && err.contains(words) && !file.exists(), "{err}");
        }
    }
    for id in ["Bad Id", "a", "车管", "9lives"] {
        let (code, _, err) = start(id);
        assert!(code == 2 && err.contains("adapter_id") && err.contains("a-z") && !file.exists(), "{id}: {err}");
    }
    let (code, out, err) = start("cars");
    assert_eq!(code, 0, "{out}{err}");
    let url = store.url();
    assert!(out.contains(&format!("export HEDUI_CARS_DATABASE='{url}'")), "{out}");
    let begun = std::fs::read_to_string(&file).unwrap();
    assert!(begun.contains(&url), "{begun}");
    let discover = |more: &[&str]| {
        let arguments = ["discover", text(&file), "--source-url", &url];
        run(&arguments.into_iter().chain(more.iter().copied()).collect::<Vec<_>>())
    };
    let (code, out, _) = discover(&["--append"]);
    assert!(code == 1 && out.contains("codes has no draft [no_subject_column]"), "{out}");
    assert!(out.contains("odd has no draft [no_fact_fits]") && out.contains("--fact income"), "{out}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), begun, "nothing was appended");
    let (_, out, _) = discover(&["--append", "--lang", "zh"]);
    assert!(out.contains("codes 没有草稿") && out.contains("odd 没有草稿") && out.contains("没有改动"), "{out}");
    let (code, out, _) = discover(&["--table", "odd", "--fact", "death", "--append"]);
    assert!(code == 0 && out.contains("appended 1 draft(s)"), "{out}");
    let appended = std::fs::read_to_string(&file).unwrap();
    assert!(appended.contains("fact = \"death\""));
    let (code, out, _) = discover(&["--table", "odd", "--fact", "death", "--append"]);
    assert!(code == 1 && out.contains("odd has no draft [dataset_already_there]"), "{out}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), appended, "no dataset is written twice");
}

#[test]
fn what_a_new_file_breaks_is_told_by_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let old = seventh().join("connector.toml");
    let text_of = std::fs::read_to_string(&old).unwrap();
    let new = folder.path().join("new.toml");
    for (from, to, code, says) in [
        ("version = \"1.0.0\"", "version = \"1.0.0\"", 0, "no difference"),
        ("\"四级\" = \"4\"", "\"四级\" = \"3\"", 2, "means 3"),
        ("\"四级\" = \"4\" } }", "\"四级\" = \"4\", \"五级\" = \"4\" } }", 0, "a new code"),
        ("per_second = 50", "per_second = 10", 2, "per_second was 50 and is 10"),
        ("name = \"姓名\"\nas_of", "as_of", 2, "names are no longer compared"),
        ("equals = [\"注销\", \"冻结\"]", "equals = [\"注销\"]", 2, "left out"),
    ] {
        assert!(text_of.contains(from), "{from}");
        std::fs::write(&new, text_of.replacen(from, to, 1)).unwrap();
        let (got, out, err) = run(&["diff", text(&old), text(&new)]);
        assert_eq!(got, code, "{from}: {out}{err}");
        assert!(out.contains(says), "{says} in {out}");
    }
    std::fs::write(&new, "not a connector").unwrap();
    assert_eq!(run(&["diff", text(&old), text(&new)]).0, 3);
    let (code, _, err) =
        run(&["new", text(&folder.path().join("x.toml")), "--driver", "postgres", "--non-interactive", "--lang", "zh"]);
    assert!(code == 2 && err.contains("--id"), "{err}");
}
