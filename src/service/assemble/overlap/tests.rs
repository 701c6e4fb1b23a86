//! One thing declared and found counts once, whatever it is; records only ever add.

use jiff::civil::date;

use super::*;
use crate::domain::dataset::DepartmentId;
use crate::domain::fact::IncomeCategory;

fn yuan(text: &str) -> Money {
    Money::parse(text).unwrap()
}

fn by(department: Option<&str>) -> Source {
    department.map_or(Source::Declared, |id| Source::Department(DepartmentId::parse(id).unwrap()))
}

fn income(evidence: u32, department: Option<&str>, kind: &str, amount: &str, key: Option<&str>) -> IncomeItem {
    IncomeItem {
        member: 0,
        category: IncomeCategory::Wage,
        kind: Kind::parse(kind).unwrap(),
        amount_12m: yuan(amount),
        basic_portion_12m: None,
        paid_after_death: false,
        dedupe_key: key.map(str::to_owned),
        source: by(department),
        evidence: EvidenceId(evidence),
    }
}

fn amounts(items: &[IncomeItem]) -> Vec<(bool, String)> {
    items.iter().map(|item| (is_declared(&item.source), item.amount_12m.yuan())).collect()
}

#[test]
fn of_one_wage_declared_and_found_the_larger_counts_and_never_both() {
    for (declared, found, left) in [
        ("18000.00", "24000.00", vec![(false, "24000.00")]),
        ("24000.00", "24000.00", vec![(false, "24000.00")]),
        ("30000.00", "24000.00", vec![(true, "6000.00"), (false, "24000.00")]),
    ] {
        let mut items =
            vec![income(1, None, "WAGE", declared, None), income(2, Some("hrss"), "WAGE", found, Some("k"))];
        let covered = of_incomes(&mut items);
        let left: Vec<_> = left.into_iter().map(|(own, amount)| (own, amount.to_owned())).collect();
        assert_eq!(amounts(&items), left, "{declared} {found}");
        assert_eq!(covered, [Covered { declared: EvidenceId(1), by: vec![EvidenceId(2)] }]);
    }
}

#[test]
fn other_kinds_other_members_and_keyed_payments_are_left_alone() {
    let mut other_member = income(3, Some("hrss"), "WAGE", "9000.00", None);
    other_member.member = 1;
    let mut items = vec![
        income(1, None, "BUSINESS", "5000.00", None),
        income(2, None, "WAGE", "4000.00", Some("WAGE:a")),
        other_member,
        income(4, Some("hrss"), "WAGE", "8000.00", Some("WAGE:b")),
        income(5, Some("hrss"), "PENSION_EMPLOYEE", "700.00", None),
    ];
    let before = items.clone();
    assert!(of_incomes(&mut items).is_empty());
    assert_eq!(items, before);
}

#[test]
fn a_record_with_the_key_of_one_declared_item_covers_no_other() {
    let mut items = vec![
        income(1, None, "WAGE", "4000.00", Some("WAGE:a")),
        income(2, None, "WAGE", "3000.00", None),
        income(3, Some("hrss"), "WAGE", "5000.00", Some("WAGE:a")),
    ];
    assert!(of_incomes(&mut items).is_empty());
    assert_eq!(items.len(), 3);
}

#[test]
fn a_record_that_the_rules_count_otherwise_covers_nothing() {
    // Declared as business and found as a wage: less the cost of work it would count for less than was declared.
    let business = IncomeItem { category: IncomeCategory::Operating, ..income(1, None, "FARMING", "9000.00", None) };
    let mut items = vec![business, income(2, Some("hrss"), "FARMING", "9000.00", None)];
    assert!(of_incomes(&mut items).is_empty());
    // Two departments name one payment differently: which of them stands is for the rules to say.
    let mut items = vec![
        income(1, None, "WAGE", "9000.00", None),
        income(2, Some("hrss"), "SCHOLARSHIP", "9000.00", Some("k")),
        income(3, Some("education"), "WAGE", "8000.00", Some("k")),
    ];
    assert!(of_incomes(&mut items).is_empty());
}

#[test]
fn a_payment_that_two_departments_report_covers_once_and_by_the_smaller() {
    let mut items = vec![
        income(1, None, "WAGE", "50000.00", None),
        income(2, Some("education"), "WAGE", "30000.00", Some("k")),
        income(3, Some("hrss"), "WAGE", "28000.00", Some("k")),
    ];
    of_incomes(&mut items);
    assert_eq!(amounts(&items)[0], (true, "22000.00".to_owned()));
}

#[test]
fn the_basic_portion_that_a_record_shows_is_not_taken_off_twice() {
    let mut declared = income(1, None, "PENSION_RESIDENT", "3600.00", None);
    declared.basic_portion_12m = Some(yuan("1500.00"));
    let mut found = income(2, Some("hrss"), "PENSION_RESIDENT", "3000.00", Some("k"));
    found.basic_portion_12m = Some(yuan("1500.00"));
    let mut items = vec![declared, found];
    of_incomes(&mut items);
    assert_eq!((items[0].amount_12m, items[0].basic_portion_12m), (yuan("600.00"), Some(Money::ZERO)));
}

fn asset(evidence: u32, department: Option<&str>, kind: &str, value: &str, count: u32, exempt: bool) -> AssetItem {
    AssetItem {
        kind: Kind::parse(kind).unwrap(),
        value: yuan(value),
        count,
        exempt_kind: exempt.then(|| Kind::of("DISASTER_COLLAPSED")),
        source: by(department),
        evidence: EvidenceId(evidence),
    }
}

#[test]
fn a_declared_dwelling_that_the_contracts_show_is_one_dwelling() {
    let mut items = vec![
        asset(1, None, "DWELLING", "0", 2, false),
        asset(2, None, "DEPOSIT", "3000.00", 1, false),
        asset(3, Some("housing"), "DWELLING", "0", 1, false),
    ];
    let covered = of_assets(&mut items);
    assert_eq!(covered.len(), 1);
    assert_eq!(items.iter().map(|item| item.count).collect::<Vec<_>>(), [1, 1, 1], "one of two is left as declared");
    let mut items =
        vec![asset(1, None, "DWELLING", "0", 1, false), asset(3, Some("housing"), "DWELLING", "0", 1, false)];
    of_assets(&mut items);
    assert_eq!(items.len(), 1);
    assert!(!is_declared(&items[0].source), "the record stands");
}

#[test]
fn a_ruin_covers_no_dwelling_that_counts() {
    let mut items =
        vec![asset(1, None, "DWELLING", "0", 1, false), asset(2, Some("emergency"), "DWELLING", "0", 1, true)];
    assert!(of_assets(&mut items).is_empty());
    assert_eq!(items.len(), 2);
}

fn spent(evidence: u32, department: Option<&str>, gross: &str, covered: &str, month: i8) -> ExpenditureItem {
    ExpenditureItem {
        member: 0,
        kind: ExpenditureKind::Medical,
        gross: yuan(gross),
        covered: yuan(covered),
        paid_on: date(2024, month, 8),
        public_benchmark: None,
        source: by(department),
        evidence: EvidenceId(evidence),
    }
}

#[test]
fn medical_bills_that_the_settlements_show_count_once_inside_the_window() {
    let window = Period { from: date(2024, 3, 1), to: date(2025, 2, 28) };
    let mut items = vec![
        spent(1, None, "60000.00", "10000.00", 10),
        spent(2, None, "900.00", "0", 1),
        spent(3, Some("medical_insurance"), "90000.00", "60000.00", 10),
    ];
    of_expenditures(&mut items, window);
    let left: Vec<_> = items.iter().map(|item| (item.gross.yuan(), item.covered.yuan())).collect();
    assert_eq!(
        left[0],
        ("30000.00".to_owned(), "10000.00".to_owned()),
        "20000.00 beyond the settlement stays declared"
    );
    assert_eq!(left[1].0, "900.00", "what lies outside the window is left to the rule of the window");
}

proptest::proptest! {
    /// The bounds of the verdict rest on it: an answer never makes the total smaller, and never counts twice.
    #[test]
    fn records_only_add_and_the_total_is_the_larger_side(
        declared in proptest::collection::vec((0_usize..2, 0_i64..5_000_000), 0..5),
        found in proptest::collection::vec((0_usize..2, 0_i64..5_000_000), 0..5),
    ) {
        let item = |evidence: usize, department, (member, fen): (usize, i64)| IncomeItem {
            member,
            amount_12m: Money::from_fen(fen),
            ..income(u32::try_from(evidence).unwrap(), department, "WAGE", "0", None)
        };
        let mut items: Vec<_> = declared.iter().enumerate().map(|(index, own)| item(index, None, *own)).collect();
        items.extend(found.iter().enumerate().map(|(index, own)| item(index + 10, Some("hrss"), *own)));
        of_incomes(&mut items);
        for member in 0..2 {
            let total = |all: &[(usize, i64)]| -> i64 { all.iter().filter(|own| own.0 == member).map(|own| own.1).sum() };
            let counted: i64 =
                items.iter().filter(|item| item.member == member).map(|item| item.amount_12m.fen()).sum();
            proptest::prop_assert_eq!(counted, total(&declared).max(total(&found)));
        }
    }
}
