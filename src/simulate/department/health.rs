//! 卫生健康委员会: death certificates, the register of severe illness, rewards. Days are 2024/12/20.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::{Payment, Person, Table, Unfiled, day, plain};
use crate::domain::fact::{IncomeCategory, Kind};

/// The native schema.
pub const SCHEMA: &str = include_str!("../../../connectors/health/fixtures/schema.sql");

/// Categories of 奖励扶助发放, all 转移净收入.
const REWARDS: [(&str, &str); 5] = [
    ("FAMILY_PLANNING_REWARD", "01"),
    ("CARE_REWARD", "11"),
    ("SOCIAL_ASSISTANCE", "12"),
    ("DISABILITY_SUBSIDY", "13"),
    ("AGE_ALLOWANCE", "14"),
];

/// The commission's books.
#[derive(Debug, Default)]
pub struct Health {
    deaths: Vec<Value>,
    illnesses: Vec<Value>,
    rewards: Vec<Value>,
}

impl Health {
    /// Books a payment, made once in the window.
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
        let (_, code) = REWARDS
            .into_iter()
            .find(|(name, _)| category == IncomeCategory::Transfer && *name == kind.as_str())
            .ok_or(Unfiled::NoCode)?;
        let (month, fen) = payment.once();
        self.rewards.push(json!([
            person.name,
            person.id_number,
            code,
            plain(fen),
            day(month, "%Y/%m/10"),
            payment.account
        ]));
        Ok(())
    }

    /// Certifies a death.
    pub fn certify_death(&mut self, person: &Person<'_>, died_on: Date) {
        let certificate = format!("SW{}-{:06}", died_on.year(), self.deaths.len() + 1);
        self.deaths.push(json!([
            certificate,
            person.name,
            person.id_number,
            day(died_on, "%Y-%m-%d 03:15"),
            "I21.9",
            "0",
            day(died_on.tomorrow().unwrap_or(died_on), "%Y/%m/%d"),
        ]));
    }

    /// Registers a severe illness of the local list.
    pub fn register_illness(&mut self, person: &Person<'_>) {
        let diagnosed_on = person.window.from.saturating_sub(jiff::Span::new().days(40));
        self.illnesses.push(json!([
            format!("ZB-{:06}", self.illnesses.len() + 1),
            person.name,
            person.id_number,
            person.pick("icd", &["C34.9", "C50.9", "N18.5", "I63.9", "D61.9", "C91.0"]),
            day(diagnosed_on.max(person.born_on), "%Y/%m/%d"),
            "是",
            person.pick("hospital", &["兴安盟人民医院", "内蒙古自治区人民医院", "市中心医院"]),
            "0",
            day(person.recorded_on(), "%Y/%m/%d"),
        ]));
    }

    /// The tables.
    pub fn tables(self) -> Vec<Table> {
        vec![
            Table { name: "死亡医学证明", rows: self.deaths },
            Table { name: "重大疾病登记", rows: self.illnesses },
            Table { name: "奖励扶助发放", rows: self.rewards },
        ]
    }
}
