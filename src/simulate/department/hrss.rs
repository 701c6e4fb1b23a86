//! 人力资源和社会保障局: pensions, contributions, other benefits, employment, in the fields of GB/T 40217.

use serde_json::{Value, json};

use super::{Payment, Person, Table, Unfiled, day, plain, spread};
use crate::domain::fact::{IncomeCategory, Kind};
use crate::domain::money::Money;

/// The native schema.
pub const SCHEMA: &str = include_str!("../../../connectors/hrss/fixtures/schema.sql");
/// The same on `PostgreSQL`.
pub const POSTGRES_SCHEMA: &str = include_str!("../../../connectors/hrss/fixtures/schema.postgres.sql");

/// Items of the table of other benefits (AAA036), with insurance type.
const BENEFITS: [(IncomeCategory, &str, &str, &str); 12] = [
    (IncomeCategory::Transfer, "FUNERAL_GRANT", "1104", "110"),
    (IncomeCategory::Transfer, "SURVIVOR_BENEFIT", "1105", "110"),
    (IncomeCategory::Transfer, "UNEMPLOYMENT_BENEFIT", "2101", "210"),
    (IncomeCategory::Transfer, "MATERNITY_ALLOWANCE", "2102", "210"),
    (IncomeCategory::Transfer, "SOCIAL_ASSISTANCE", "2104", "210"),
    (IncomeCategory::Transfer, "WORK_INJURY_BENEFIT", "4101", "410"),
    (IncomeCategory::Transfer, "WORK_INJURY_CARE", "4102", "410"),
    (IncomeCategory::Transfer, "COMPENSATION", "4103", "410"),
    (IncomeCategory::Transfer, "EMPLOYMENT_SUBSIDY", "9001", "900"),
    (IncomeCategory::Transfer, "TRAINING_ALLOWANCE", "9002", "900"),
    (IncomeCategory::Transfer, "INTERNSHIP_ALLOWANCE", "9003", "900"),
    (IncomeCategory::Wage, "WAGE", "9004", "900"),
];

/// The bureau's books.
#[derive(Debug, Default)]
pub struct Hrss {
    pensions: Vec<Value>,
    contributions: Vec<Value>,
    benefits: Vec<Value>,
    employment: Vec<Value>,
}

impl Hrss {
    /// Books a payment in the ledger of its kind.
    pub fn pay(
        &mut self,
        person: &Person<'_>,
        category: IncomeCategory,
        kind: &Kind,
        payment: &Payment,
    ) -> Result<(), Unfiled> {
        match (category, kind.as_str()) {
            (IncomeCategory::Transfer, "PENSION_RESIDENT") => self.resident_pension(person, payment),
            _ if payment.basic.is_some() => Err(Unfiled::NoField),
            (IncomeCategory::Transfer, "PENSION_EMPLOYEE") => {
                self.employee_pension(person, payment);
                Ok(())
            }
            (IncomeCategory::Wage, "WAGE") => {
                self.wage(person, payment);
                Ok(())
            }
            _ => self.benefit(person, category, kind, payment),
        }
    }

    /// Two items a month: the central basic pension, and what comes from the personal account.
    fn resident_pension(&mut self, person: &Person<'_>, payment: &Payment) -> Result<(), Unfiled> {
        let months = payment.months.len();
        let basic = payment.basic.map(Money::fen);
        let personal = payment.amount.fen() - basic.unwrap_or(0);
        if personal < 0 {
            return Err(Unfiled::NoField);
        }
        let basics = spread(basic.unwrap_or(0), months);
        let personals = spread(personal, months);
        for ((month, basic_fen), personal_fen) in payment.months.iter().zip(basics).zip(personals) {
            if basic.is_some() {
                self.pensions.push(pension_row(person, "170", *month, "1701", basic_fen, payment));
            }
            if personal_fen > 0 || basic.is_none() {
                self.pensions.push(pension_row(person, "170", *month, "1702", personal_fen, payment));
            }
        }
        Ok(())
    }

    /// Two items a month, six tenths of it the basic pension. Pensions that another department reports
    /// too are those of public bodies.
    fn employee_pension(&mut self, person: &Person<'_>, payment: &Payment) {
        let (scheme, basic_item, account_item) =
            if payment.shared { ("120", "1201", "1202") } else { ("110", "1101", "1102") };
        for (month, fen) in payment.monthly() {
            let basic = fen * 6 / 10;
            self.pensions.push(pension_row(person, scheme, month, basic_item, basic, payment));
            self.pensions.push(pension_row(person, scheme, month, account_item, fen - basic, payment));
        }
    }

    /// A wage stands under every scheme it is insured in.
    fn wage(&mut self, person: &Person<'_>, payment: &Payment) {
        for (month, fen) in payment.monthly() {
            for scheme in ["110", "210", "410"] {
                self.contributions.push(json!([
                    person.id_number,
                    name(person),
                    scheme,
                    day(month, "%Y%m"),
                    plain(fen),
                    payment.employer_code,
                    payment.employer(),
                    "1",
                    day(month, "%Y%m18"),
                ]));
            }
        }
    }

    fn benefit(
        &mut self,
        person: &Person<'_>,
        category: IncomeCategory,
        kind: &Kind,
        payment: &Payment,
    ) -> Result<(), Unfiled> {
        let (_, _, item, scheme) = BENEFITS
            .into_iter()
            .find(|(of, name, ..)| *of == category && *name == kind.as_str())
            .ok_or(Unfiled::NoCode)?;
        for (month, fen) in payment.monthly() {
            self.benefits.push(json!([
                person.id_number,
                name(person),
                scheme,
                day(month, "%Y%m"),
                item,
                plain(fen),
                payment.account,
                day(month, "%Y%m15"),
            ]));
        }
        Ok(())
    }

    /// Registers a person as employed by whoever makes `payment`, or by nobody known.
    pub fn employ(&mut self, person: &Person<'_>, payment: Option<&Payment>) {
        let since = payment.and_then(|payment| payment.months.first()).map(|month| day(*month, "%Y%m%d"));
        self.employment.push(json!([
            person.id_number,
            name(person),
            payment.map(Payment::employer),
            since.unwrap_or_else(|| "00000000".to_owned()),
            Value::Null,
            "1",
            day(person.recorded_on(), "%Y%m%d"),
        ]));
    }

    /// The tables.
    pub fn tables(self) -> Vec<Table> {
        vec![
            Table { name: "AC61", rows: self.pensions },
            Table { name: "AC43", rows: self.contributions },
            Table { name: "JC84", rows: self.benefits },
            Table { name: "CC20", rows: self.employment },
        ]
    }
}

/// The 金保 system writes minority names with a bullet where other departments have a middle dot.
fn name(person: &Person<'_>) -> String {
    person.name.replace('·', "•")
}

fn pension_row(
    person: &Person<'_>,
    scheme: &str,
    month: jiff::civil::Date,
    item: &str,
    fen: i64,
    payment: &Payment,
) -> Value {
    json!([
        person.id_number,
        name(person),
        scheme,
        day(month, "%Y%m"),
        item,
        plain(fen),
        payment.account,
        "0",
        day(month, "%Y%m10"),
    ])
}
