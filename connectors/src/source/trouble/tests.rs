//! The tables as a whole: complete, unambiguous, and fit to be read by the one who has to act.

use std::collections::BTreeSet;

use super::*;

fn place() -> Whereabouts {
    Whereabouts {
        driver: Some(Driver::Mariadb),
        host: "db.example".to_owned(),
        port: 3306,
        user: "hedui_ro".to_owned(),
        account: None,
        database: "house".to_owned(),
    }
}

#[test]
fn every_entry_has_both_languages_a_code_of_its_own_and_a_way_out() {
    let mut codes = BTreeSet::new();
    for entry in tables() {
        let Entry { code, what, mend, .. } = entry;
        assert!(codes.insert(code), "{code} is there twice");
        for (zh, en) in [what, mend] {
            assert!(zh.chars().any(|character| character > '\u{2fff}'), "{code}: `{zh}` is not Chinese");
            assert!(en.is_ascii() && !en.is_empty(), "{code}: `{en}` is not English");
            assert!(!zh.ends_with(['。', '.']) && !en.ends_with('.'), "{code}: a message has no full stop");
        }
    }
    assert!(codes.len() >= 40, "{}", codes.len());
}

#[test]
fn what_is_known_of_the_place_is_filled_in() {
    let said = Said::Number(1142);
    let details = "1142: SELECT command denied to user 'hedui_ro'@'10.2.3.%' for table `house`.`owner`";
    let trouble = Trouble::known(&said, Rung::Prepare, &place(), details);
    assert_eq!((trouble.code, trouble.rung), ("mariadb_table_not_granted", Rung::Permission));
    // The host in the message is that of the connection, and may be none of the account's.
    let command = "GRANT SELECT ON `house`.`owner` TO 'hedui_ro'@'%';";
    assert_eq!(trouble.command.as_deref(), Some(command));
    let logged_in = Whereabouts { account: Some("`hedui_ro`@`10.2.%`".to_owned()), ..place() };
    let trouble = Trouble::known(&said, Rung::Prepare, &logged_in, details);
    assert!(trouble.command.unwrap().ends_with("TO `hedui_ro`@`10.2.%`;"));
    let refused = Trouble::of_io(&io::Error::from(io::ErrorKind::ConnectionRefused), Rung::Tcp, &place());
    assert!(refused.what.en.contains("db.example:3306") && refused.what.zh.contains("db.example:3306"));
    assert!(!format!("{refused:?}").contains('{') || !refused.what.en.contains('{'));
}

#[test]
fn words_that_are_not_in_the_tables_are_passed_on_without_identity_numbers() {
    let trouble = Trouble::of_words("never seen: 150000198605021015", Rung::Answer, &place());
    assert_eq!((trouble.code, trouble.rung), ("source_unknown_error", Rung::Answer));
    assert_eq!(trouble.details, "never seen: (hidden)");
}

#[test]
fn the_thing_a_message_is_about_is_found() {
    for (message, name) in [
        ("relation \"house.owner\" does not exist", Some("house.owner")),
        ("permission denied for table v_owner", Some("v_owner")),
        ("permission denied for schema house · a hint", Some("house")),
        ("Table 'house.ownr' doesn't exist", Some("house.ownr")),
        ("nothing is named here", None),
    ] {
        assert_eq!(name_in(message), name, "{message}");
    }
}
