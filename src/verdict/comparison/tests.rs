//! Declared against found: tolerance and sign, hints and records, what nobody looked for.

use jiff::civil::date;

use super::*;
use crate::domain::dataset::Catalogue;
use crate::policy::decimal::Decimal;

fn member() -> MemberRef {
    MemberRef::parse("m1").unwrap()
}

fn wage() -> Item {
    Item::Income { member: member(), kind: Kind::of("WAGE") }
}

fn department(id: &str) -> DepartmentId {
    DepartmentId::parse(id).unwrap()
}

fn amount(text: &str) -> Said {
    Said::Amount(Money::parse(text).unwrap())
}

fn declared(item: Item, said: Said) -> Statement {
    Statement { item, key: None, said, record: None, evidence: Some(EvidenceId(1)) }
}

fn found(item: Item, said: Said, authority: Authority) -> Statement {
    Statement { item, key: None, said, record: Some((department("hrss"), authority)), evidence: Some(EvidenceId(2)) }
}

fn keyed(statement: Statement, key: &str) -> Statement {
    Statement { key: Some(key.to_owned()), ..statement }
}

fn sides(statements: Vec<Statement>, silent: &[&str]) -> Sides {
    let mut sides = Sides {
        from: date(2024, 3, 1),
        to: date(2025, 2, 28),
        property_on: date(2025, 3, 15),
        statements,
        covers: Vec::new(),
        trusted: ["hrss", "medical_insurance", "education"].map(department).to_vec(),
    };
    let catalogue = Catalogue::shipped();
    sides.find_covers(|item| {
        covers(&catalogue, item, |dataset| {
            if silent.contains(&dataset.department.as_str()) { Looked::Silent } else { Looked::Answered }
        })
    });
    sides
}

fn tolerance(percent: Option<&str>, yuan: Option<&str>) -> DeclarationTolerance {
    DeclarationTolerance {
        percent: percent.map(|text| Decimal::parse(text).unwrap()),
        amount: yuan.map(|text| Money::parse(text).unwrap()),
    }
}

fn only(statements: Vec<Statement>, tolerance: Option<DeclarationTolerance>) -> Row {
    let rows = compare(&sides(statements, &[]), tolerance).rows;
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.into_iter().next().unwrap()
}

#[test]
fn the_tolerance_of_the_pack_judges_a_difference_and_its_sign() {
    let row = |said: &str, tolerance| {
        only(vec![declared(wage(), amount("18000.00")), found(wage(), amount(said), Authority::Conclusive)], tolerance)
    };
    let either = Some(tolerance(Some("5"), Some("600.00")));
    for (said, result, difference) in [
        ("18000.00", Outcome::Agrees, "0.00"),
        ("18900.00", Outcome::WithinTolerance, "900.00"),
        ("18900.01", Outcome::MoreFound, "900.01"),
        ("17100.00", Outcome::WithinTolerance, "-900.00"),
        ("17099.99", Outcome::LessFound, "-900.01"),
    ] {
        let row = row(said, either);
        assert_eq!((row.result, row.difference.unwrap().yuan().as_str()), (result, difference), "{said}");
        assert_eq!(row.allowance.unwrap().yuan(), "900.00", "five percent of 18000 is more than 600");
    }
    assert_eq!(row("18600.00", Some(tolerance(Some("1"), Some("600.00")))).result, Outcome::WithinTolerance);
    // A tolerance of nothing is a judgement; no tolerance is none.
    assert_eq!(row("18000.01", Some(tolerance(None, Some("0")))).result, Outcome::MoreFound);
    let unjudged = row("24000.00", None);
    assert_eq!((unjudged.result, unjudged.follow_up), (Outcome::Unjudged, FollowUp::Judge));
    assert_eq!(unjudged.difference.unwrap().yuan(), "6000.00");
    assert_eq!(row("18000.00", None).result, Outcome::Agrees, "equal amounts need no tolerance");
}

#[test]
fn a_hint_beyond_the_declaration_is_to_be_verified_and_a_record_to_be_explained() {
    let zero = Some(tolerance(None, Some("0")));
    let row = |authority| {
        only(vec![declared(wage(), amount("18000.00")), found(wage(), amount("24000.00"), authority)], zero)
    };
    assert_eq!((row(Authority::Hint).result, row(Authority::Hint).follow_up), (Outcome::MoreFound, FollowUp::Verify));
    assert_eq!(row(Authority::Conclusive).follow_up, FollowUp::Explain);
    let hidden = only(vec![found(Item::Employment { member: member() }, Said::Holds(true), Authority::Hint)], zero);
    assert_eq!((hidden.result, hidden.follow_up), (Outcome::NotDeclared, FollowUp::Verify));
}

#[test]
fn beside_a_conclusive_record_a_hint_says_nothing() {
    let row = only(
        vec![
            declared(wage(), amount("18000.00")),
            found(wage(), amount("99000.00"), Authority::Hint),
            found(wage(), amount("18000.00"), Authority::Conclusive),
        ],
        None,
    );
    assert_eq!((row.result, row.weight), (Outcome::Agrees, Some(Authority::Conclusive)));
}

#[test]
fn one_payment_reported_twice_is_found_once_by_the_more_trusted() {
    let mut education = keyed(found(wage(), amount("30000.00"), Authority::Conclusive), "k");
    education.record = Some((department("education"), Authority::Conclusive));
    let hrss = keyed(found(wage(), amount("24000.00"), Authority::Conclusive), "k");
    let row = only(vec![declared(wage(), amount("24000.00")), education, hrss], None);
    assert_eq!((row.result, row.departments), (Outcome::Agrees, vec![department("hrss")]));
}

#[test]
fn equal_keys_are_compared_with_each_other() {
    let statements = vec![
        keyed(declared(wage(), amount("100.00")), "a"),
        declared(wage(), amount("50.00")),
        keyed(found(wage(), amount("100.00"), Authority::Conclusive), "a"),
        keyed(found(wage(), amount("70.00"), Authority::Conclusive), "b"),
    ];
    let rows = compare(&sides(statements, &[]), None).rows;
    assert_eq!(rows.iter().map(|row| row.result).collect::<Vec<_>>(), [Outcome::Agrees, Outcome::Unjudged]);
    assert_eq!(rows[1].difference.unwrap().yuan(), "20.00");
}

#[test]
fn what_nobody_looked_for_stays_declared_and_is_never_found_wanting() {
    let deposit = || {
        let (item, said) = Item::asset(&Kind::of("DEPOSIT"), false, Money::from_fen(300_000), 1);
        declared(item, said)
    };
    let nobody = only(vec![deposit()], None);
    assert_eq!((nobody.result, nobody.unchecked), (Outcome::NotChecked, Some(Unchecked::NobodyHolds)));
    assert_eq!(nobody.follow_up, FollowUp::None);
    let pension = Item::Income { member: member(), kind: Kind::of("PENSION_EMPLOYEE") };
    let rows = |silent: &[&str]| compare(&sides(vec![declared(pension.clone(), amount("1.00"))], silent), None).rows;
    assert_eq!(rows(&[])[0].result, Outcome::NotFound);
    let silent = &rows(&["hrss"])[0];
    assert_eq!((silent.result, silent.unchecked), (Outcome::NotChecked, Some(Unchecked::Silent)));
    assert_eq!(silent.departments, [department("hrss")]);
}

#[test]
fn a_claim_without_a_record_is_verified_where_it_speaks_for_assistance_only() {
    let medical = Item::Expenditure { member: member(), kind: ExpenditureKind::Medical };
    assert_eq!(only(vec![declared(medical, amount("5000.00"))], None).follow_up, FollowUp::Verify);
    assert_eq!(only(vec![declared(wage(), amount("5000.00"))], None).follow_up, FollowUp::None);
}

#[test]
fn dwellings_are_compared_by_number_and_exactly() {
    let dwelling = |count| Item::asset(&Kind::of("DWELLING"), false, Money::ZERO, count);
    let of = |count| (dwelling(count).0, dwelling(count).1);
    let row = |own, shown| {
        let ((item, said), (other, shown)) = (of(own), of(shown));
        only(vec![declared(item, said), found(other, shown, Authority::Conclusive)], Some(tolerance(Some("100"), None)))
    };
    assert_eq!(
        (row(1, 1).result, row(1, 2).result, row(2, 1).result),
        (Outcome::Agrees, Outcome::MoreFound, Outcome::LessFound)
    );
    assert_eq!(row(1, 2).difference_count, Some(1));
}

#[test]
fn a_comparison_is_kept_and_read_again_as_it_was() {
    let statements = vec![
        declared(wage(), amount("18000.00")),
        found(wage(), amount("24000.00"), Authority::Conclusive),
        found(Item::Death { member: member() }, Said::On(date(2025, 1, 1)), Authority::Conclusive),
        declared(Item::Education { member: member() }, Said::Stage(EducationStage::Bachelor)),
    ];
    let comparison = compare(&sides(statements, &["education"]), Some(tolerance(Some("5"), None)));
    let kept = serde_json::to_string(&comparison).unwrap();
    assert_eq!(serde_json::from_str::<Comparison>(&kept).unwrap(), comparison);
    assert!(kept.contains(r#""item":"income","member":"m1","kind":"WAGE","declared":{"amount":"18000.00","#), "{kept}");
}
