//! Native rows to facts: formats, codes, templates, and what must be refused.

use proptest::prelude::*;

use super::*;

const BATU: &str = "150000198605021015";
const SIQIN: &str = "15000019700101109X";

fn text(text: &str) -> Native {
    Native::Text(text.to_owned())
}

/// Income: number, name, amount in fen, month, account, state.
fn mapping() -> Mapping {
    let column = |target: &str, column: &str, format, optional| Field {
        target: target.into(),
        from: From::Column { column: column.into(), format },
        optional,
    };
    let month = |day| Format::Date(DateFormat::new("%Y%m", Some(day)).unwrap());
    Mapping {
        subject: "AAC002".into(),
        name: Some("AAC003".into()),
        as_of: Some(("month".into(), DateFormat::new("%Y%m", Some(crate::date_format::Day::Last)).unwrap())),
        fields: vec![
            column("amount", "fen", Format::Fen, false),
            Field { target: "category".into(), from: From::Constant(Value::Text("TRANSFER".into())), optional: false },
            column("from", "month", month(crate::date_format::Day::First), false),
            column("payer", "payer", Format::Text, true),
        ],
        templates: vec![Template {
            target: "dedupe_key".into(),
            parts: vec![Part::Target("category".into()), Part::Literal(":".into()), Part::Column("account".into())],
            optional: true,
        }],
        skip: vec![Skip { column: "state".into(), equals: BTreeSet::from(["void".to_owned()]), and: BTreeMap::new() }],
        within: None,
        add: None,
    }
}

fn rows(rows: Vec<Vec<Native>>) -> Rows {
    let columns = ["AAC002", "AAC003", "fen", "month", "payer", "account", "state"];
    Rows { columns: columns.map(str::to_owned).into(), rows, as_of: None }
}

fn row(number: &str, name: &str, fen: i64, month: &str) -> Vec<Native> {
    vec![text(number), text(name), Native::Integer(fen), text(month), Native::Null, Native::Null, text("paid")]
}

const YEAR: QueryPeriod =
    QueryPeriod { from: jiff::civil::Date::constant(2024, 1, 1), to: jiff::civil::Date::constant(2024, 12, 31) };

const PERSONS: [Person<'static>; 2] =
    [Person { id_number: BATU, name: "巴图" }, Person { id_number: SIQIN, name: "斯琴·高娃" }];

fn map(given: Vec<Vec<Native>>) -> Vec<Outcome> {
    mapping().map(&rows(given), &PERSONS, YEAR).unwrap().into_iter().map(|mapped| mapped.outcome).collect()
}

#[test]
fn rows_become_canonical_facts_of_their_person() {
    let mut with_account = row(BATU, "巴图", 12_345, "202402");
    with_account[5] = text("6217");
    let outcomes = map(vec![row(BATU, "巴图", 5, "202401"), with_account]);
    let json = concat!(
        r#"[{"amount":"0.05","category":"TRANSFER","from":"2024-01-01"},"#,
        r#"{"amount":"123.45","category":"TRANSFER","dedupe_key":"TRANSFER:6217","from":"2024-02-01"}]"#
    );
    assert_eq!(outcomes[0], Outcome::Facts { json: json.into(), as_of: Some("2024-02-29".into()) });
    assert_eq!(outcomes[1], Outcome::NoRecord);
}

#[test]
fn the_number_a_row_is_filed_under_is_told_in_canonical_form() {
    let mapped =
        mapping().map(&rows(vec![row("15000019700101109x ", "斯琴・高娃", 1, "202401")]), &PERSONS, YEAR).unwrap();
    assert_eq!(mapped[1].filed_under.as_deref(), Some(SIQIN));
    assert!(matches!(mapped[1].outcome, Outcome::Facts { .. }));
    assert_eq!(mapped[0].filed_under, None);
}

#[test]
fn a_row_about_somebody_else_spoils_the_whole_dataset() {
    for stranger in [text("150000201409011041"), Native::Null, text(""), Native::Real] {
        let mut other = row(BATU, "巴图", 5, "202401");
        other[0] = stranger;
        let answer = mapping().map(&rows(vec![row(BATU, "巴图", 5, "202401"), other]), &PERSONS, YEAR);
        assert!(matches!(answer, Err(RowsError::Stranger)));
    }
}

#[test]
fn a_row_that_does_not_fit_makes_its_person_an_error_and_nobody_else() {
    for (place, native, misfit) in [
        (2, Native::Real, Misfit::Float),
        (2, Native::Integer(-5), Misfit::Amount),
        (2, Native::Null, Misfit::Empty),
        (3, text("202413"), Misfit::Date),
        (3, text("0"), Misfit::Empty),
        (4, Native::Bytes, Misfit::Bytes),
        (4, text("a\u{0}b"), Misfit::Text),
    ] {
        let mut bad = row(BATU, "巴图", 5, "202401");
        bad[place] = native;
        let outcomes = map(vec![row(BATU, "巴图", 5, "202402"), bad, row(SIQIN, "斯琴·高娃", 1, "202401")]);
        assert!(matches!(&outcomes[0], Outcome::Error(error) if error.misfit == misfit), "{place}: {:?}", outcomes[0]);
        assert!(matches!(outcomes[1], Outcome::Facts { .. }));
    }
}

#[test]
fn an_error_says_which_column_and_never_what_was_in_it() {
    let mut bad = row(BATU, "巴图", 5, "202401");
    bad[3] = text("秘密");
    let outcomes = map(vec![bad]);
    let Outcome::Error(error) = &outcomes[0] else { panic!("{outcomes:?}") };
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("month") && !shown.contains("秘密") && !shown.contains(BATU), "{shown}");
}

#[test]
fn one_row_under_another_name_is_a_mismatch() {
    let outcomes = map(vec![row(BATU, "巴图", 5, "202401"), row(BATU, "巴特尔", 5, "202402")]);
    assert_eq!(outcomes[0], Outcome::NameMismatch);
    let mut nameless = row(BATU, "", 5, "202401");
    nameless[1] = Native::Null;
    assert!(matches!(map(vec![nameless])[0], Outcome::Facts { .. }), "a record without a name names nobody else");
}

#[test]
fn rows_left_out_are_not_records() {
    let mut void = row(BATU, "巴特尔", -1, "void");
    void[6] = text("void");
    assert_eq!(map(vec![void.clone()])[0], Outcome::NoRecord);
    assert!(matches!(map(vec![void, row(BATU, "巴图", 5, "202401")])[0], Outcome::Facts { .. }));
}

#[test]
fn a_missing_column_is_named() {
    let mut rows = rows(vec![row(BATU, "巴图", 5, "202401")]);
    rows.columns[2] = "FEN".into();
    assert!(mapping().map(&rows, &PERSONS, YEAR).is_ok(), "ASCII case is not a difference");
    rows.columns[2] = "amount".into();
    assert_eq!(mapping().map(&rows, &PERSONS, YEAR).err(), Some(RowsError::ColumnMissing("fen".into())));
}

#[test]
fn rows_outside_the_period_are_left_out_and_one_without_a_day_is_an_error() {
    let within = Mapping {
        within: Some(("month".into(), DateFormat::new("%Y%m", Some(crate::date_format::Day::First)).unwrap())),
        ..mapping()
    };
    let told = |months: [&str; 2]| {
        let given = rows(months.map(|month| row(BATU, "巴图", 5, month)).into());
        within.map(&given, &PERSONS, YEAR).unwrap().swap_remove(0).outcome
    };
    assert_eq!(told(["202312", "202501"]), Outcome::NoRecord);
    assert!(matches!(told(["202312", "202412"]), Outcome::Facts { json, .. } if json.matches("amount").count() == 1));
    for (month, misfit) in [("", Misfit::Empty), ("000000", Misfit::Empty), ("2024-1", Misfit::Date)] {
        let expected = RowError { at: "within".into(), column: "month".into(), misfit };
        assert_eq!(told(["202312", month]), Outcome::Error(expected), "{month}");
    }
}

#[test]
fn facts_alike_but_for_the_amount_are_added_and_no_others() {
    let adding = Mapping { add: Some("amount".into()), ..mapping() };
    let mut other = row(BATU, "巴图", 7, "202401");
    other[4] = text("民政局");
    let given =
        vec![row(BATU, "巴图", 5, "202401"), other, row(BATU, "巴图", 100, "202401"), row(BATU, "巴图", 1, "202402")];
    let outcome = adding.map(&rows(given), &PERSONS, YEAR).unwrap().swap_remove(0).outcome;
    let json = concat!(
        r#"[{"amount":"0.01","category":"TRANSFER","from":"2024-02-01"},"#,
        r#"{"amount":"0.07","category":"TRANSFER","from":"2024-01-01","payer":"民政局"},"#,
        r#"{"amount":"1.05","category":"TRANSFER","from":"2024-01-01"}]"#
    );
    assert!(matches!(&outcome, Outcome::Facts { json: told, .. } if told == json), "{outcome:?}");
    let most = 1_000_000_000_000_000;
    let given = vec![row(BATU, "巴图", most, "202401"), row(BATU, "巴图", 1, "202401")];
    let outcome = adding.map(&rows(given), &PERSONS, YEAR).unwrap().swap_remove(0).outcome;
    assert!(matches!(outcome, Outcome::Error(RowError { misfit: Misfit::Amount, .. })), "a sum past all reason");
}

#[test]
fn a_row_is_skipped_when_every_column_of_the_rule_says_so() {
    let mut both = mapping();
    both.skip[0].and = BTreeMap::from([("account".to_owned(), BTreeSet::from(["0".to_owned()]))]);
    let with = |state: &str, account: &str| {
        let mut row = row(BATU, "巴图", 5, "202401");
        (row[6], row[5]) = (text(state), text(account));
        both.map(&rows(vec![row]), &PERSONS, YEAR).unwrap().swap_remove(0).outcome
    };
    assert_eq!(with("void", "0"), Outcome::NoRecord);
    assert_ne!(with("void", "1"), Outcome::NoRecord);
    assert_ne!(with("paid", "0"), Outcome::NoRecord);
}

proptest! {
    /// The bytes of an answer do not depend on the order in which a source gives its rows, every row is
    /// in it, and it is JSON.
    #[test]
    fn order_of_rows_is_no_difference(amounts in prop::collection::vec((0_i64..1_000_000, 1_u8..=12), 1..12)) {
        let forward: Vec<_> = amounts.iter().map(|(fen, month)| row(BATU, "巴图", *fen, &format!("2024{month:02}"))).collect();
        let backward: Vec<_> = forward.iter().rev().cloned().collect();
        let outcome = map(forward);
        prop_assert_eq!(&outcome, &map(backward));
        let Outcome::Facts { json, .. } = &outcome[0] else { return Err(TestCaseError::fail("not facts")) };
        let facts: Vec<serde_json::Value> = serde_json::from_str(json).unwrap();
        prop_assert_eq!(facts.len(), amounts.len());
    }

    /// Whatever a source returns, mapping it gives an answer and not a panic, and never facts from a float.
    #[test]
    fn no_row_makes_it_panic(cells in prop::collection::vec(prop_oneof![
        Just(Native::Null), Just(Native::Real), Just(Native::Bytes), any::<i64>().prop_map(Native::Integer),
        "\\PC{0,12}".prop_map(Native::Text), Just(Native::Text(BATU.to_owned())),
    ], 0..9)) {
        if let Ok(mapped) = mapping().map(&rows(vec![cells.clone()]), &PERSONS, YEAR) {
            let facts = mapped.iter().any(|mapped| matches!(mapped.outcome, Outcome::Facts { .. }));
            prop_assert!(!facts || cells.get(2) != Some(&Native::Real));
        }
    }
}

#[test]
fn an_old_number_counts_together_with_the_name_only() {
    let old = vec![row("150000700101109", "斯琴·高娃", 100, "202402"), row(SIQIN, "斯琴·高娃", 200, "202403")];
    let outcomes = map(old.clone());
    assert!(matches!(&outcomes[1], Outcome::Facts { json, .. } if json.contains("1.00") && json.contains("2.00")));
    assert_eq!(map(vec![row("150000700101109", "别人", 100, "202402")])[1], Outcome::NameMismatch);
    let nameless = Mapping { name: None, ..mapping() };
    assert_eq!(nameless.map(&rows(old), &PERSONS, YEAR).err(), Some(RowsError::Stranger));
}
