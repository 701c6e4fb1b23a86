//! 医疗保障局: enrolment, settlements, cash benefits and contribution bases, chronic diseases, medical aid.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::{Payment, Person, Table, Unfiled, day, plain};
use crate::domain::fact::{ExpenditureKind, IncomeCategory, Kind};
use crate::domain::money::Money;
use crate::simulate::case::Expenditure;

/// The native schema.
pub const SCHEMA: &str = include_str!("../../../connectors/medical_insurance/fixtures/schema.sql");

const INSTANT: &str = "%Y-%m-%d 09:30:00";

/// Types of `bnft_pay_d`.
const BENEFITS: [(IncomeCategory, &str, &str); 6] = [
    (IncomeCategory::Transfer, "MATERNITY_ALLOWANCE", "101"),
    (IncomeCategory::Transfer, "LONG_TERM_CARE_BENEFIT", "102"),
    (IncomeCategory::Transfer, "SOCIAL_ASSISTANCE", "103"),
    (IncomeCategory::Transfer, "DISABILITY_SUBSIDY", "104"),
    (IncomeCategory::Wage, "WAGE", "201"),
    (IncomeCategory::Transfer, "PENSION_EMPLOYEE", "202"),
];

/// The bureau's books.
#[derive(Debug, Default)]
pub struct MedicalInsurance {
    persons: Vec<Value>,
    schemes: Vec<Value>,
    settlements: Vec<Value>,
    benefits: Vec<Value>,
    chronic: Vec<Value>,
    aid: Vec<Value>,
}

impl MedicalInsurance {
    /// Enrols a person: employees and retired employees in 310, others in 390, the dead no longer.
    pub fn enrol(&mut self, person: &Person<'_>, is_employee: bool) {
        let number = psn_no(person);
        let updated = day(person.recorded_on(), "%Y-%m-%d 02:00:00");
        let scheme = if is_employee { "310" } else { "390" };
        let state = if person.died_on.is_some_and(|died_on| died_on <= person.assessed_on) { "4" } else { "1" };
        self.persons.push(json!([number, person.id_number, person.name, "1", updated]));
        self.schemes.push(json!([number, scheme, state, updated]));
    }

    /// Books a monthly benefit or contribution base.
    pub fn pay(
        &mut self,
        person: &Person<'_>,
        category: IncomeCategory,
        kind: &Kind,
        payment: &Payment,
    ) -> Result<(), Unfiled> {
        if payment.basic.is_some() {
            return Err(Unfiled::NoField);
        }
        let (.., code) = BENEFITS
            .into_iter()
            .find(|(of, name, _)| *of == category && *name == kind.as_str())
            .ok_or(Unfiled::NoCode)?;
        for (month, fen) in payment.monthly() {
            self.benefits.push(json!([
                psn_no(person),
                person.id_number,
                person.name,
                code,
                day(month, "%Y-%m"),
                plain(fen),
                payment.account,
                payment.employer_code,
                day(month, "%Y-%m-20 10:00:00"),
            ]));
        }
        Ok(())
    }

    /// Settles a bill. What the person bore is cash and personal account: here one tenth, rounded down, comes
    /// from the account.
    pub fn settle(&mut self, person: &Person<'_>, expenditure: &Expenditure) -> Result<(), Unfiled> {
        let (scheme, med_type) = match expenditure.kind {
            ExpenditureKind::Medical if expenditure.gross.fen() >= 200_000 => ("390", "21"),
            ExpenditureKind::Medical => ("390", "11"),
            ExpenditureKind::DisabilityRehab => ("390", "9103"),
            ExpenditureKind::Education | ExpenditureKind::Accident => return Err(Unfiled::NoCode),
        };
        if expenditure.public_benchmark.is_some() {
            return Err(Unfiled::NoField);
        }
        let gross = expenditure.gross.fen();
        let funds = expenditure.covered.fen().min(gross);
        let own = gross - funds;
        let account = own / 10;
        self.settlements.push(json!([
            format!("S{:010}", self.settlements.len() + 1),
            psn_no(person),
            person.id_number,
            person.name,
            scheme,
            med_type,
            day(expenditure.paid_on, INSTANT),
            plain(gross),
            plain(funds),
            plain(0),
            plain(account),
            plain(own - account),
            "0",
        ]));
        Ok(())
    }

    /// Registers a chronic disease of the out-patient list.
    pub fn register_chronic(&mut self, person: &Person<'_>) {
        let since = person.window.from.saturating_sub(jiff::Span::new().days(200)).max(person.born_on);
        self.chronic.push(json!([
            psn_no(person),
            person.id_number,
            person.name,
            person.pick("chronic", &["M01602", "M03900", "M05300", "M07101"]),
            day(since, "%Y-%m-%d 00:00:00"),
            Value::Null,
            day(person.recorded_on(), INSTANT),
        ]));
    }

    /// Pays medical aid: assistance, not income.
    pub fn aid(&mut self, person: &Person<'_>, amount: Money, on: Date) {
        self.aid.push(json!([person.id_number, person.name, "1", day(on, INSTANT), plain(amount.fen())]));
    }

    /// The tables.
    pub fn tables(self) -> Vec<Table> {
        vec![
            Table { name: "psn_info_b", rows: self.persons },
            Table { name: "psn_insu_d", rows: self.schemes },
            Table { name: "setl_d", rows: self.settlements },
            Table { name: "bnft_pay_d", rows: self.benefits },
            Table { name: "opsp_reg_d", rows: self.chronic },
            Table { name: "maf_d", rows: self.aid },
        ]
    }
}

/// The insurance's own number of a person, unlike the identity number.
fn psn_no(person: &Person<'_>) -> String {
    format!("15{:018}", person.number("psn_no") % 1_000_000_000_000_000_000)
}
