use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;

use super::*;

#[derive(Serialize)]
enum Shape {
    Unit,
    Newtype(u8),
    Tuple(u8, &'static str),
    Struct { a: u8, b: Option<&'static str> },
}

#[derive(Serialize)]
struct Wrapped(i64);

#[derive(Serialize)]
struct Pair(u8, ());

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct Flat {
    own: u16,
    #[serde(flatten)]
    others: BTreeMap<String, u8>,
}

#[derive(Serialize)]
struct All {
    shapes: [Shape; 4],
    wrapped: Wrapped,
    pair: Pair,
    unit: Unit,
    flat: Flat,
    #[serde(rename = "a \"name\"")]
    named: char,
    raw: Box<RawValue>,
    by_number: BTreeMap<i32, bool>,
    by_truth: BTreeMap<bool, Vec<()>>,
    least: i128,
    most: u128,
    half: f64,
    none: Option<u8>,
    empty: Vec<u8>,
    nothing: BTreeMap<String, u8>,
}

fn same(value: &impl Serialize) {
    let (own, other) = (to_vec(value).unwrap(), serde_json::to_vec(value).unwrap());
    assert_eq!(String::from_utf8(own).unwrap(), String::from_utf8(other).unwrap());
}

#[test]
fn every_kind_of_value_is_written_as_serde_json_writes_it() {
    same(&All {
        shapes: [Shape::Unit, Shape::Newtype(1), Shape::Tuple(2, "x"), Shape::Struct { a: 3, b: Some("\u{1}核对\n") }],
        wrapped: Wrapped(i64::MIN),
        pair: Pair(255, ()),
        unit: Unit,
        flat: Flat { own: 7, others: BTreeMap::from([("k\\".to_owned(), 1)]) },
        named: '\u{1f600}',
        raw: RawValue::from_string(r#"{"a" : [1, "\u00e9"]}"#.to_owned()).unwrap(),
        by_number: BTreeMap::from([(-1, true), (2, false)]),
        by_truth: BTreeMap::from([(true, vec![(), ()])]),
        least: i128::MIN,
        most: u128::MAX,
        half: 0.5,
        none: None,
        empty: Vec::new(),
        nothing: BTreeMap::new(),
    });
    let no_text: BTreeMap<Vec<u8>, u8> = BTreeMap::from([(vec![1], 1)]);
    assert!(to_vec(&no_text).is_err() && serde_json::to_vec(&no_text).is_err());
}

#[test]
fn every_character_below_two_bytes_is_escaped_where_it_must_be_at_every_place_of_a_text() {
    for code in 0..=0xff_u32 {
        for before in 0..9 {
            same(&format!("{}{}{}", "a".repeat(before), char::from_u32(code).unwrap(), "é".repeat(8 - before)));
        }
    }
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(".{0,20}", inner, 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_document_is_written_as_serde_json_writes_it(value in json()) {
        prop_assert_eq!(to_vec(&value).unwrap(), serde_json::to_vec(&value).unwrap());
    }
}
