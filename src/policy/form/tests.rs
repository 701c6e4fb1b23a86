//! Forms and remedies that the files of packs do not show.

use super::words::instead;
use super::*;

fn faults(form: &Form, text: &str) -> Vec<&'static str> {
    let text = format!("v = {text}");
    let document = Document::parse(&"x".into(), &text, &mut Vec::new());
    let (_, value) = super::super::document::member(document.root.get_ref(), "v").unwrap();
    let mut examiner = Examiner::new(&document);
    examiner.value(value, form, "v");
    examiner.faults.iter().map(|fault| fault.code.as_str()).collect()
}

#[test]
fn ranges_tell_what_cannot_be_from_what_is_unusual() {
    let factor = Form::Factor { can: (1, 10), usual: (1, 2) };
    for (text, codes) in [
        ("\"1.5\"", &[][..]),
        ("\"2.000001\"", &["value_unusual"]),
        ("\"0.999999\"", &["out_of_range"]),
        ("\"10.01\"", &["out_of_range"]),
        ("1.5", &["factor_invalid"]),
        ("\"150%\"", &["factor_invalid"]),
    ] {
        assert_eq!(faults(&factor, text), codes, "{text}");
    }
    let whole = Form::Whole { can: (0, 10), usual: (1, 2) };
    for (text, codes) in [
        ("2", &[][..]),
        ("3", &["value_unusual"]),
        ("-1", &["out_of_range"]),
        ("99999999999999999999", &["out_of_range"]),
        ("\"2\"", &["value_type"]),
        ("2.0", &["value_type"]),
    ] {
        assert_eq!(faults(&whole, text), codes, "{text}");
    }
}

#[test]
fn lists_name_each_thing_once_and_an_order_names_all() {
    let order = Form::Order(&["DIBAO", "EXPENDITURE", "LOW_INCOME"]);
    assert!(faults(&order, "[\"LOW_INCOME\", \"DIBAO\", \"EXPENDITURE\"]").is_empty());
    assert_eq!(faults(&order, "[\"DIBAO\", \"DIBAO\", \"EXPENDITURE\"]"), ["list_invalid", "list_invalid"]);
    assert_eq!(faults(&order, "[\"DIBAO\", \"EXPENDITURE\", \"TEKUN\"]"), ["choice_unknown", "list_invalid"]);
    let kinds = Form::Kinds(&["SCHOLARSHIP"]);
    assert!(faults(&kinds, "[]").is_empty(), "an open list may be empty");
    assert_eq!(faults(&kinds, "[\"SCHOLARSHP\"]"), ["kind_unknown"], "it may be a new kind; it may be a slip");
    assert_eq!(faults(&kinds, "[\"scholarship\"]"), ["choice_unknown"]);
    assert_eq!(faults(&kinds, "[1]"), ["value_type"]);
}

#[test]
fn the_nearest_name_is_proposed_only_when_it_is_near() {
    assert_eq!(instead("dibao_standart", &["dibao_standard", "tiers"]).en, "Did you mean dibao_standard?");
    assert_eq!(instead("colour", &["tiers", "tekun"]).en, "Known are: tiers, tekun");
}

proptest::proptest! {
    /// What the form takes, the type takes, and the other way round.
    #[test]
    fn amounts_and_factors_are_what_their_types_take(text in "[0-9０-９]{0,4}[.．,，]{0,1}[0-9]{0,3}[元%]{0,1}") {
        let amount = faults(&Form::Amount { usual: (0, i64::MAX) }, &format!("\"{text}\""));
        proptest::prop_assert_eq!(amount.is_empty(), Money::parse(&text).is_ok());
        let wide = Form::Factor { can: (0, 999_999_999), usual: (0, 999_999_999) };
        proptest::prop_assert_eq!(faults(&wide, &format!("\"{text}\"")).is_empty(), Decimal::parse(&text).is_ok());
    }
}
