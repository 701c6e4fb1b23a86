//! 应急管理局: ruined dwellings, relief payments, losses. Days are 2024.07.15. It has no database that could be
//! asked: it delivers its tables as files.

use serde_json::{Value, json};

use super::{Payment, Person, Table, Unfiled, day, plain};
use crate::domain::fact::{ExpenditureKind, IncomeCategory, Kind};
use crate::domain::money::Money;
use crate::simulate::case::{Asset, Expenditure};

/// The columns of each table, in which the bureau delivers them.
pub const COLUMNS: [&[&str]; 3] = [
    &[
        "编号",
        "户主姓名",
        "户主证件号",
        "家庭人口",
        "住址",
        "灾种",
        "受灾时间",
        "倒塌间数",
        "严重损坏间数",
        "一般损坏间数",
        "重建完成",
        "更新日期",
    ],
    &["姓名", "证件号", "救助类型", "金额", "发放日期", "开户账号"],
    &["登记号", "姓名", "证件号", "支出类别", "支出总额", "已获补偿额", "支出日期"],
];

const DAY: &str = "%Y.%m.%d";

/// Types of 救助资金发放台账.
const RELIEF: [(IncomeCategory, &str, &str); 4] = [
    (IncomeCategory::Transfer, "SOCIAL_ASSISTANCE", "冬春救助"),
    (IncomeCategory::Transfer, "SURVIVOR_BENEFIT", "遇难人员家属抚慰金"),
    (IncomeCategory::Transfer, "BRAVERY_REWARD", "见义勇为奖励"),
    (IncomeCategory::Wage, "WAGE", "护林防火补助"),
];

/// The bureau's books.
#[derive(Debug, Default)]
pub struct Emergency {
    dwellings: Vec<Value>,
    relief: Vec<Value>,
    losses: Vec<Value>,
}

impl Emergency {
    /// Books a relief payment, made once in the window.
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
        let (.., code) = RELIEF
            .into_iter()
            .find(|(of, name, _)| *of == category && *name == kind.as_str())
            .ok_or(Unfiled::NoCode)?;
        let (month, fen) = payment.once();
        self.relief.push(json!([
            person.name,
            person.id_number,
            code,
            plain(fen),
            day(month, "%Y.%m.20"),
            payment.account
        ]));
        Ok(())
    }

    /// Lists dwellings that collapsed, under the head of household.
    pub fn ruin(&mut self, person: &Person<'_>, asset: &Asset) -> Result<(), Unfiled> {
        let collapsed = asset.exempt_kind.as_ref().is_some_and(|kind| kind.as_str() == "DISASTER_COLLAPSED");
        if asset.kind.as_str() != "DWELLING" || !collapsed {
            return Err(Unfiled::NoCode);
        }
        let count = asset.count.unwrap_or(1);
        if asset.value != Money::ZERO || count > 100 {
            return Err(Unfiled::NoField);
        }
        for _ in 0..count {
            let number = self.dwellings.len() + 1;
            self.dwellings.push(json!([
                format!("DS-{}-{number:05}", person.window.from.year()),
                person.name,
                person.id_number,
                person.household_size,
                format!(
                    "{}嘎查{}号",
                    person.pick("village", &["察尔森", "居力很", "音德尔", "俄体"]),
                    number % 300 + 1
                ),
                person.pick("disaster", &["洪涝", "雪灾", "风雹", "火灾"]),
                day(person.window.from.saturating_add(jiff::Span::new().days(75)), DAY),
                3,
                1,
                0,
                "否",
                day(person.recorded_on(), DAY),
            ]));
        }
        Ok(())
    }

    /// Registers spending forced by a disaster or accident.
    pub fn lose(&mut self, person: &Person<'_>, expenditure: &Expenditure) -> Result<(), Unfiled> {
        let class = match expenditure.kind {
            ExpenditureKind::Accident => "抢险救治",
            ExpenditureKind::DisabilityRehab => "伤残康复",
            ExpenditureKind::Medical | ExpenditureKind::Education => return Err(Unfiled::NoCode),
        };
        if expenditure.public_benchmark.is_some() {
            return Err(Unfiled::NoField);
        }
        self.losses.push(json!([
            format!("SS-{:06}", self.losses.len() + 1),
            person.name,
            person.id_number,
            class,
            plain(expenditure.gross.fen()),
            plain(expenditure.covered.fen()),
            day(expenditure.paid_on, DAY),
        ]));
        Ok(())
    }

    /// The tables.
    pub fn tables(self) -> Vec<Table> {
        vec![
            Table { name: "因灾倒塌损坏住房户一览表", rows: self.dwellings },
            Table { name: "救助资金发放台账", rows: self.relief },
            Table { name: "灾害事故损失登记", rows: self.losses },
        ]
    }
}
