//! What is proposed for tables as departments have them.

use super::*;

fn relation(name: &str, columns: &[(&str, &str, &str)]) -> Relation {
    let columns = columns.iter().map(|(name, kind, comment)| ColumnInfo {
        name: (*name).to_owned(),
        written: (*name).to_owned(),
        type_name: (*kind).to_owned(),
        comment: (*comment).to_owned(),
        nulls: None,
        width: None,
        numbers: None,
    });
    Relation {
        name: name.to_owned(),
        kind: "table".to_owned(),
        columns: columns.collect(),
        records: None,
        sampled: None,
    }
}

fn proposed(adapter: &str, relation: &Relation, fact: Option<&str>) -> Result<Proposal, NoProposal> {
    propose(adapter, relation, Known { fact, ..Known::default() }, &mut Taken::default())
}

#[test]
fn a_table_is_not_proposed_twice_and_two_tables_do_not_get_one_id() {
    let columns = [("sfzh", "char(18)", ""), ("swrq", "char(8)", "")];
    let (table, view) = (relation("死亡登记", &columns), relation("死亡登记_2024", &columns));
    let mut taken = Taken::default();
    let first = propose("health", &table, Known::default(), &mut taken).unwrap();
    let second = propose("health", &view, Known::default(), &mut taken).unwrap();
    assert!(first.toml.contains("id = \"health.death\"") && second.toml.contains("id = \"health.death_2\""));
    let mut taken = Taken::of(&first.toml);
    assert_eq!(propose("health", &table, Known::default(), &mut taken), Err(NoProposal::AlreadyThere));
    assert!(propose("health", &view, Known::default(), &mut taken).unwrap().toml.contains("health.death_2"));
}

#[test]
fn the_field_standard_of_social_security_is_known() {
    let table = relation(
        "AC61",
        &[
            ("AAC002", "varchar(18)", ""),
            ("AAC003", "varchar(50)", ""),
            ("AAE140", "varchar(3)", ""),
            ("EAC064", "varchar(6)", ""),
            ("AAE019", "decimal(16,2)", ""),
            ("AAE036", "datetime", ""),
        ],
    );
    let proposal = proposed("hrss", &table, None).unwrap();
    assert_eq!(proposal.fact, "income");
    for line in [
        "id = \"hrss.ac61\"",
        "subject = \"AAC002\"",
        "name = \"AAC003\"",
        "as_of = { column = \"AAE036\", format = \"%Y-%m-%d %H:%M:%S\" }",
        "amount = { column = \"AAE019\", as = \"yuan\" }",
        "to = { column = \"EAC064\", as = \"date\", format = \"%Y%m\", day = \"last\" }",
        "# category = { value = \"…\" }",
        "WHERE AAC002 IN (:id_numbers) AND EAC064 BETWEEN :first AND :last",
        "first = { of = \"period.from\", format = \"%Y%m\" }",
    ] {
        assert!(proposal.toml.contains(line), "{line} in\n{}", proposal.toml);
    }
}

#[test]
fn chinese_names_and_comments_are_understood_and_a_table_about_nobody_is_not_proposed() {
    let table = relation("死亡登记", &[("公民身份号码", "text", ""), ("姓名", "text", ""), ("d", "date", "死亡日期")]);
    let proposal = proposed("health", &table, None).unwrap();
    assert_eq!(proposal.fact, "death");
    assert!(
        proposal.toml.contains("died_on = { column = \"d\", as = \"date\", format = \"%Y-%m-%d\" }"),
        "{}",
        proposal.toml
    );
    let codes = relation("codes", &[("code", "text", ""), ("name", "text", "")]);
    assert_eq!(proposed("health", &codes, None), Err(NoProposal::NoSubject));
}

#[test]
fn a_table_whose_columns_fit_no_fact_is_proposed_once_the_fact_is_said() {
    let table = relation("t", &[("sfzh", "text", ""), ("x1", "text", "")]);
    assert_eq!(proposed("health", &table, None), Err(NoProposal::NoFact));
    assert_eq!(proposed("health", &table, Some("death")).map(|proposal| proposal.fact), Ok("death"));
}

#[test]
fn the_columns_of_a_vehicle_registry_are_known() {
    for (subject, comment) in [("sfzmhm", ""), ("身份证明号码", ""), ("c1", "机动车所有人身份证明号码")]
    {
        let columns =
            [(subject, "varchar(18)", comment), ("syr", "text", ""), ("cllx", "text", ""), ("djrq", "date", "")];
        let proposal = proposed("vehicle", &relation("veh_info", &columns), None).unwrap();
        assert_eq!(proposal.fact, "asset");
        assert!(proposal.toml.contains(&format!("subject = \"{subject}\"")), "{}", proposal.toml);
        assert!(proposal.toml.contains("name = \"syr\""), "{}", proposal.toml);
    }
}

#[test]
fn a_complete_proposal_is_a_dataset_that_the_checker_takes() {
    let table = relation("death_reg", &[("sfzh", "char(18)", ""), ("xm", "text", ""), ("swrq", "char(8)", "")]);
    let proposal = proposed("health", &table, None).unwrap();
    let head = "schema = \"hedui.connector/1\"\n[adapter]\nid = \"health\"\nversion = \"1\"\nname = { zh = \"卫健\", en = \"Health\" }\ncontact = \"0\"\n[source]\nkind = \"sql\"\nurl = { env = \"X\" }\nstatement_timeout = \"2s\"\nmax_connections = 1\nmax_rows = 10\n[quota]\nper_second = 1\nburst = 1\n";
    let text = format!("{head}{}", proposal.toml);
    let connector = crate::connector::Connector::parse(&text, std::path::Path::new("connector.toml"));
    assert!(connector.is_ok(), "{}\n{text}", connector.unwrap_err());
}

#[test]
fn a_deposit_register_nobody_has_seen_is_proposed_whole() {
    let mut table = relation(
        "dep_acct_info",
        &[
            ("客户证件号码", "varchar(18)", ""),
            ("客户姓名", "varchar(60)", ""),
            ("账户余额", "decimal(18,2)", ""),
            ("开户日期", "varchar(10)", ""),
            ("账户状态", "char(1)", "0正常 1销户 2冻结 3已吊销"),
            ("数据日期", "date", ""),
        ],
    );
    table.columns[3].width = Some(8);
    let proposal = proposed("bank", &table, None).unwrap();
    assert_eq!(proposal.fact, "asset");
    for line in [
        "subject = \"客户证件号码\"",
        "name = \"客户姓名\"",
        "as_of = { column = \"数据日期\", format = \"%Y-%m-%d\" }",
        "skip = [{ column = \"账户状态\", equals = [\"1\", \"3\"] }]",
        "kind = { value = \"DEPOSIT\" }   #",
        "value = { column = \"账户余额\", as = \"yuan\" }",
        "as_of = { column = \"开户日期\", as = \"date\", format = \"%Y%m%d\", optional = true }",
    ] {
        assert!(proposal.toml.contains(line), "{line} in\n{}", proposal.toml);
    }
}

#[test]
fn codes_of_a_comment_stand_in_the_draft_with_what_they_mean_and_a_status_without_codes_is_asked_about() {
    let table = relation(
        "fw_owner",
        &[("sfzh", "text", ""), ("fwyt", "text", "房屋用途 10住宅 20商铺"), ("zj", "numeric", ""), ("zt", "text", "")],
    );
    let proposal = proposed("housing", &table, Some("asset")).unwrap();
    for line in [
        "codes = { \"10\" = \"OTHER\", \"20\" = \"OTHER\" } }   # 10 住宅，20 商铺，补全代码表",
        "# skip = [{ column = \"zt\", equals = [\"…\"] }]",
    ] {
        assert!(proposal.toml.contains(line), "{line} in\n{}", proposal.toml);
    }
}

#[test]
fn a_target_without_a_column_names_those_that_it_may_be() {
    let columns = [
        ("sfzh", "char(18)", ""),
        ("xm", "varchar(20)", ""),
        ("zxje1", "numeric(12,2)", ""),
        ("q1", "varchar(12)", "大小（元）"),
        ("d1", "date", ""),
    ];
    let proposal = proposed("office", &relation("t1", &columns), Some("income")).unwrap().toml;
    let line =
        |target: &str| proposal.lines().find(|line| line.starts_with(&format!("# {target} = "))).unwrap().to_owned();
    assert!(line("amount").contains("as = \"yuan\"") && line("amount").contains("可能是 zxje1、q1"), "{proposal}");
    assert!(line("from").contains("it may be d1"), "{proposal}");
    assert!(!proposal.contains("# name ="), "{proposal}");
    let nameless = proposed("office", &relation("t2", &columns[..1]), Some("asset")).unwrap().toml;
    assert!(nameless.contains("# name = \"…\""), "whoever reads it knows what is not compared: {nameless}");
}
