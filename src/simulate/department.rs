//! What the six departments have in common: a person they keep records of, a payment they make, the
//! tables they keep. How each keeps them is its own file below.

pub mod education;
pub mod emergency;
pub mod health;
pub mod housing;
pub mod hrss;
pub mod medical_insurance;

use jiff::civil::Date;
use serde_json::Value;

use super::random::number_of;
use crate::domain::money::Money;
use crate::domain::period::Period;
use crate::domain::problem::Text;

/// The departments, in the catalogue's order.
pub const DEPARTMENTS: [&str; 6] = ["education", "hrss", "housing", "health", "emergency", "medical_insurance"];

/// How a department keeps its records.
#[derive(Debug, Clone, Copy)]
pub enum Native {
    /// In a database with this schema.
    Sqlite(&'static str),
    /// In files that it delivers, with these columns.
    Delivered(&'static [&'static [&'static str]]),
}

/// A table of a native store with its rows, each an array of the columns in the schema's order.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its rows.
    pub rows: Vec<Value>,
}

/// A person as a department's records name one. No `Debug`: it holds an identity number.
#[derive(Clone, Copy)]
pub struct Person<'a> {
    /// Identity number.
    pub id_number: &'a str,
    /// Name.
    pub name: &'a str,
    /// Date of birth.
    pub born_on: Date,
    /// Day of death.
    pub died_on: Option<Date>,
    /// Size of the household.
    pub household_size: usize,
    /// The day of the assessment.
    pub assessed_on: Date,
    /// The months that count.
    pub window: Period,
}

impl Person<'_> {
    /// The day the departments' records are of: the day before the assessment.
    pub fn recorded_on(&self) -> Date {
        self.assessed_on.yesterday().unwrap_or(self.assessed_on)
    }

    /// A number that is always the same for this person and `purpose`.
    pub fn number(&self, purpose: &str) -> u64 {
        number_of(&format!("{purpose}{}", self.id_number))
    }

    /// One of `choices`, always the same for this person.
    pub fn pick<'a, T: ?Sized>(&self, purpose: &str, choices: &[&'a T]) -> &'a T {
        let index = usize::try_from(self.number(purpose) % choices.len().max(1) as u64).unwrap_or(0);
        choices.get(index).copied().expect("lists of choices are not empty")
    }
}

/// Income as a department pays it out.
#[derive(Debug, Clone)]
pub struct Payment {
    /// The months it was paid for, by their first day; never empty.
    pub months: Vec<Date>,
    /// The whole amount.
    pub amount: Money,
    /// The centrally fixed basic pension in it.
    pub basic: Option<Money>,
    /// Account it goes to. Two departments that report one payment know the same account.
    pub account: String,
    /// Credit code of the employer, by which wages are known.
    pub employer_code: String,
    /// Reported by another department too.
    pub shared: bool,
}

impl Payment {
    /// The amount spread over the months, to the fen; months of nothing are left out.
    pub fn monthly(&self) -> Vec<(Date, i64)> {
        let spread = spread(self.amount.fen(), self.months.len());
        self.months.iter().copied().zip(spread).filter(|(_, fen)| *fen > 0 || self.amount == Money::ZERO).collect()
    }

    /// The amount in one month, in the middle of those it may be paid in.
    pub fn once(&self) -> (Date, i64) {
        let month = self.months.get(self.months.len() / 2).copied().unwrap_or(Date::MIN);
        (month, self.amount.fen())
    }

    /// Name of the employer.
    pub fn employer(&self) -> &'static str {
        const EMPLOYERS: [&str; 8] = [
            "红城食品加工厂",
            "兴安建筑劳务有限公司",
            "草原星乳业有限公司",
            "都林街超市",
            "平安物业服务中心",
            "绿野农牧专业合作社",
            "北疆汽车运输公司",
            "罕山宾馆",
        ];
        let index = number_of(&self.employer_code) % EMPLOYERS.len() as u64;
        usize::try_from(index).ok().and_then(|index| EMPLOYERS.get(index)).copied().unwrap_or("个体工商户")
    }
}

/// `total` in `parts` parts that differ by the rest of the division only, which the last one takes.
pub fn spread(total: i64, parts: usize) -> Vec<i64> {
    let count = i64::try_from(parts).unwrap_or(i64::MAX).max(1);
    let each = total / count;
    let mut all = vec![each; parts];
    if let Some(last) = all.last_mut() {
        *last += total - each * count;
    }
    all
}

/// Why a fact cannot stand in a department's records, so that the household declares it instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfiled {
    /// No code for this kind of payment, property or spending.
    NoCode,
    /// The dataset is not asked for persons of this age.
    NotAskedAtThisAge,
    /// Outside the window for which the department is asked.
    OutsideWindow,
    /// No month in which it could have been paid.
    NoMonth,
    /// The department's records have no field for a part of it.
    NoField,
    /// No living, counted member under whom it could be filed.
    NoHolder,
}

impl Unfiled {
    /// The reason for people.
    pub fn text(self) -> Text {
        match self {
            Self::NoCode => Text::new("该部门没有这一种类的代码", "the department has no code for this kind"),
            Self::NotAskedAtThisAge => {
                Text::new("该数据集不查询此年龄的人员", "the dataset is not asked for persons of this age")
            }
            Self::OutsideWindow => Text::new("日期在核对期之外", "it lies outside the window that is asked for"),
            Self::NoMonth => {
                Text::new("核对期内没有可发放的月份", "there is no month in which it could have been paid")
            }
            Self::NoField => {
                Text::new("该部门的记录没有对应字段", "the department's records have no field for a part of it")
            }
            Self::NoHolder => Text::new("没有可登记的在世计入成员", "no living, counted member could hold it"),
        }
    }
}

/// A day as a department writes it.
pub fn day(date: Date, format: &str) -> String {
    date.strftime(format).to_string()
}

/// An amount with two places: `1234.50`.
pub fn plain(fen: i64) -> String {
    Money::from_fen(fen).yuan()
}

/// An amount with thousands separators: `1,234.50`.
pub fn separated(fen: i64) -> String {
    let plain = plain(fen);
    let (whole, cents) = plain.split_once('.').unwrap_or((&plain, "00"));
    let mut text = String::with_capacity(plain.len() + 6);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text.push('.');
    text.push_str(cents);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_stand_before_every_third_digit() {
        for (fen, text) in [(0, "0.00"), (99_999, "999.99"), (100_000, "1,000.00"), (12_345_678_900, "123,456,789.00")]
        {
            assert_eq!(separated(fen), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn spreading_loses_no_fen(total in 0_i64..1_000_000_000_000, parts in 1_usize..13) {
            let spread = spread(total, parts);
            proptest::prop_assert_eq!(spread.len(), parts);
            proptest::prop_assert_eq!(spread.iter().sum::<i64>(), total);
            proptest::prop_assert!(spread.iter().all(|part| *part >= 0));
        }
    }
}
