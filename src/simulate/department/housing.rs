//! 住房和城乡建设局: sale contracts, public housing, provident fund. Days are 2023年05月06日.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::{Person, Table, Unfiled, day, plain, separated, spread};
use crate::domain::fact::Kind;
use crate::domain::money::Money;
use crate::simulate::case::Asset;

/// The native schema.
pub const SCHEMA: &str = include_str!("../../../connectors/housing/fixtures/schema.sql");

const DAY: &str = "%Y年%m月%d日";

/// The bureau's books.
#[derive(Debug, Default)]
pub struct Housing {
    contracts: Vec<Value>,
    public: Vec<Value>,
    funds: Vec<Value>,
}

impl Housing {
    /// Registers property under a person: one contract a dwelling, one account of the fund.
    pub fn own(&mut self, person: &Person<'_>, asset: &Asset) -> Result<(), Unfiled> {
        let condition = match asset.exempt_kind.as_ref().map(Kind::as_str) {
            None => "正常",
            Some("DILAPIDATED_GRADE_D") => "D级危房",
            Some("EXPROPRIATED") => "已征收",
            Some("DISASTER_COLLAPSED") => "因灾倒塌",
            Some(_) => return Err(Unfiled::NoCode),
        };
        let used_for = match asset.kind.as_str() {
            "DWELLING" => "住宅",
            "NON_RESIDENTIAL" => "商业",
            "HOUSING_PROVIDENT_FUND" if asset.exempt_kind.is_none() && asset.count.is_none_or(|count| count == 1) => {
                self.save(person, asset.value);
                return Ok(());
            }
            _ => return Err(Unfiled::NoCode),
        };
        let count = usize::try_from(asset.count.unwrap_or(1)).unwrap_or(usize::MAX);
        if count > 100 {
            return Err(Unfiled::NoField);
        }
        let areas = match asset.area_m2.as_deref() {
            None => vec![None; count],
            Some(area) if count == 1 => vec![Some(area.to_owned())],
            // An area in square metres has two places, as yuan have.
            Some(area) => {
                let hundredths = Money::parse(area).map_err(|_| Unfiled::NoField)?.fen();
                spread(hundredths, count).into_iter().map(|part| Some(plain(part))).collect()
            }
        };
        for (value, area) in spread(asset.value.fen(), count).into_iter().zip(areas) {
            let number = self.contracts.len() + 1;
            let filed_on = filed_on(person, number);
            let price = if value == 0 { None } else { Some(separated(value)) };
            self.contracts.push(json!([
                format!("WQ{}-{number:07}", filed_on.year()),
                person.name,
                person.id_number,
                format!(
                    "{}{}号",
                    person.pick("street", &["都林街", "兴安南大路", "和平街", "胜利街"]),
                    number % 200 + 1
                ),
                area,
                used_for,
                price,
                condition,
                day(filed_on, DAY),
                "0",
                day(person.recorded_on(), DAY),
            ]));
        }
        Ok(())
    }

    /// Opens an account of the provident fund.
    pub fn save(&mut self, person: &Person<'_>, balance: Money) {
        self.funds.push(json!([
            format!("1501{:08}", self.funds.len() + 1),
            person.name,
            person.id_number,
            Value::Null,
            separated(balance.fen()),
            day(person.window.to, "%Y年%m月"),
            "正常",
        ]));
    }

    /// Lets public housing to a person (实物配租).
    pub fn house(&mut self, person: &Person<'_>, since: Date) {
        self.public.push(json!([
            format!("GZ-{:07}", self.public.len() + 1),
            person.name,
            person.id_number,
            "1",
            Value::Null,
            day(since, DAY),
            Value::Null,
            day(person.recorded_on(), DAY),
        ]));
    }

    /// The tables.
    pub fn tables(self) -> Vec<Table> {
        vec![
            Table { name: "商品房买卖合同", rows: self.contracts },
            Table { name: "公租房保障", rows: self.public },
            Table { name: "住房公积金账户", rows: self.funds },
        ]
    }
}

/// Some day in the twenty years before the window.
fn filed_on(person: &Person<'_>, number: usize) -> Date {
    let days = person.number(&format!("contract{number}")) % (20 * 365);
    let back = jiff::Span::new().days(i64::try_from(days).unwrap_or(0) + 30);
    person.window.from.saturating_sub(back)
}
