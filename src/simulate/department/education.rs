//! 教育局: enrolment, student aid, fees, payments to teachers. Days are 20240901, amounts 1,234.50.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::{Payment, Person, Table, Unfiled, day, plain, separated};
use crate::domain::fact::{EducationStage, ExpenditureKind, IncomeCategory, Kind};
use crate::domain::money::Money;
use crate::simulate::case::Expenditure;

/// The native schema.
pub const SCHEMA: &str = include_str!("../../../connectors/education/fixtures/schema.sql");
/// The same on `MariaDB`.
pub const MARIADB_SCHEMA: &str = include_str!("../../../connectors/education/fixtures/schema.mariadb.sql");

/// Items of 教职工待遇, paid monthly.
const STAFF: [(IncomeCategory, &str, &str); 5] = [
    (IncomeCategory::Wage, "WAGE", "工资"),
    (IncomeCategory::Transfer, "PENSION_EMPLOYEE", "退休费"),
    (IncomeCategory::Transfer, "SURVIVOR_BENEFIT", "遗属补助"),
    (IncomeCategory::Transfer, "VETERAN_PREFERENTIAL", "优待抚恤"),
    (IncomeCategory::Other, "LABOUR_SERVICE", "讲课费"),
];
/// Items of 教职工待遇, paid once.
const STAFF_ONCE: [(IncomeCategory, &str, &str); 2] = [
    (IncomeCategory::Transfer, "FUNERAL_GRANT", "丧葬费"),
    (IncomeCategory::Transfer, "SOCIAL_ASSISTANCE", "困难慰问"),
];
/// Projects of 学生资助, paid in two terms.
const AID: [(IncomeCategory, &str, &str); 4] = [
    (IncomeCategory::Transfer, "SCHOLARSHIP", "国家励志奖学金"),
    (IncomeCategory::Transfer, "STUDENT_AID", "国家助学金"),
    (IncomeCategory::Transfer, "BRAVERY_REWARD", "见义勇为奖励"),
    (IncomeCategory::Transfer, "DISABILITY_SUBSIDY", "残疾学生补助"),
];

/// The bureau's books.
#[derive(Debug, Default)]
pub struct Education {
    enrolments: Vec<Value>,
    aid: Vec<Value>,
    fees: Vec<Value>,
    staff: Vec<Value>,
}

/// True for kinds that stand in 学生资助, which is asked for persons of some ages only.
pub fn is_student_aid(category: IncomeCategory, kind: &Kind) -> bool {
    code(&AID, category, kind).is_some()
}

fn code(list: &[(IncomeCategory, &str, &'static str)], category: IncomeCategory, kind: &Kind) -> Option<&'static str> {
    list.iter().find(|(of, name, _)| *of == category && *name == kind.as_str()).map(|(.., code)| *code)
}

impl Education {
    /// Books a payment as student aid or as a payment to staff.
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
        if let Some(project) = code(&AID, category, kind) {
            let (month, fen) = payment.once();
            let paid_on = day(month, "%Y%m15");
            self.aid.push(json!([
                person.id_number,
                person.name,
                project,
                separated(fen),
                paid_on,
                payment.account,
                paid_on
            ]));
            return Ok(());
        }
        let (item, payments) = match (code(&STAFF, category, kind), code(&STAFF_ONCE, category, kind)) {
            (Some(item), _) => (item, payment.monthly()),
            (None, Some(item)) => (item, vec![payment.once()]),
            (None, None) => return Err(Unfiled::NoCode),
        };
        for (month, fen) in payments {
            let paid_on = day(month, "%Y%m12");
            self.staff.push(json!([
                person.id_number,
                person.name,
                item,
                separated(fen),
                paid_on,
                payment.account,
                payment.employer_code,
                "市教育局",
                paid_on,
            ]));
        }
        Ok(())
    }

    /// Enrols a person full time (全日制).
    pub fn enrol(&mut self, person: &Person<'_>, stage: EducationStage) {
        let (name, entry_age, schools): (&str, i16, &[&str]) = match stage {
            EducationStage::Preschool => ("学前教育", 3, &["新区幼儿园", "都林幼儿园"]),
            EducationStage::Primary => ("小学", 6, &["胜利小学", "都林第一小学", "蒙古族小学"]),
            EducationStage::Junior => ("初中", 12, &["第三中学", "蒙古族初级中学"]),
            EducationStage::SeniorHigh => ("普通高中", 15, &["第一中学", "蒙古族中学"]),
            EducationStage::SecondaryVocational => ("中等职业学校", 15, &["职业技术学校", "农牧学校"]),
            EducationStage::Special => ("特殊教育", 7, &["特殊教育学校"]),
            EducationStage::JuniorCollege => ("专科", 18, &["兴安职业技术学院", "内蒙古机电职业技术学院"]),
            EducationStage::Bachelor => ("本科", 18, &["内蒙古大学", "内蒙古农业大学", "内蒙古民族大学"]),
            EducationStage::Master => ("硕士研究生", 22, &["内蒙古大学", "内蒙古师范大学"]),
            EducationStage::Doctor => ("博士研究生", 25, &["内蒙古大学"]),
        };
        let prefix = if entry_age < 15 { 'G' } else { 'L' };
        let boarding = if entry_age < 12 { "1" } else { "2" };
        self.enrolments.push(json!([
            format!("{prefix}{}", person.id_number),
            person.id_number,
            person.name,
            name,
            person.pick("school", schools),
            day(entry(person, entry_age), "%Y%m%d"),
            "在读",
            boarding,
            "全日制",
            day(person.recorded_on(), "%Y%m%d"),
        ]));
    }

    /// Books a bill of a school.
    pub fn bill(&mut self, person: &Person<'_>, expenditure: &Expenditure) -> Result<(), Unfiled> {
        let item = match expenditure.kind {
            ExpenditureKind::Education => "学费",
            ExpenditureKind::DisabilityRehab => "康复训练费",
            ExpenditureKind::Medical | ExpenditureKind::Accident => return Err(Unfiled::NoCode),
        };
        let paid_on = day(expenditure.paid_on, "%Y%m%d");
        self.fees.push(json!([
            person.id_number,
            person.name,
            item,
            separated(expenditure.gross.fen()),
            separated(expenditure.covered.fen()),
            expenditure.public_benchmark.map(Money::fen).map(plain),
            paid_on,
            paid_on,
        ]));
        Ok(())
    }

    /// The tables.
    pub fn tables(self) -> Vec<Table> {
        vec![
            Table { name: "学籍", rows: self.enrolments },
            Table { name: "学生资助", rows: self.aid },
            Table { name: "学杂费", rows: self.fees },
            Table { name: "教职工待遇", rows: self.staff },
        ]
    }
}

/// The first of September of the year in which the person reached the age of entry, or of the last
/// school year that has begun.
fn entry(person: &Person<'_>, age: i16) -> Date {
    let september = |year| Date::new(year, 9, 1).unwrap_or(person.assessed_on);
    let due = september(person.born_on.year() + age);
    if due <= person.assessed_on {
        return due;
    }
    let this_year = september(person.assessed_on.year());
    if this_year <= person.assessed_on { this_year } else { september(person.assessed_on.year() - 1) }
}
