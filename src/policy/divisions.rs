//! The list of division codes (行政区划代码, GB/T 2260): which codes there are, their names, what lies inside what.
//!
//! A code issued after the list was made is entered with `division_source`, naming the announcement.

use std::sync::LazyLock;

use jiff::civil::Date;

use crate::domain::division::DivisionCode;

/// Code, name and last revision, sorted by code.
const LIST: &str = include_str!("gb2260.tsv");

/// A division of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Division {
    /// Its code.
    pub code: DivisionCode,
    /// Its name, as last revised.
    pub name: &'static str,
    /// The first day of the month in which it was last listed; none while it is in force.
    pub withdrawn: Option<Date>,
}

/// The levels along which rules are inherited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// 全国.
    Nation,
    /// 省、自治区、直辖市.
    Region,
    /// 盟、市、州.
    League,
    /// 旗、县、区、县级市.
    County,
}

impl Level {
    /// The level of a code.
    pub fn of(code: DivisionCode) -> Self {
        let text = code.as_str();
        match (text, text.ends_with("0000"), text.ends_with("00")) {
            ("000000", ..) => Self::Nation,
            (_, true, _) => Self::Region,
            (_, _, true) => Self::League,
            _ => Self::County,
        }
    }

    /// The level in words.
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Nation => ("全国", "nation"),
            Self::Region => ("省、自治区", "autonomous region or province"),
            Self::League => ("盟、市", "league or city"),
            Self::County => ("旗、县、区", "banner or county"),
        }
    }
}

/// The list, parsed once.
static ALL: LazyLock<Vec<Division>> = LazyLock::new(|| {
    let lines = LIST.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let mut fields = line.split('\t');
            let code = DivisionCode::parse(fields.next()?).ok()?;
            let name = fields.next()?;
            let withdrawn = fields.next().filter(|last| *last != "current").and_then(|last| {
                let (year, month) = last.split_at_checked(4)?;
                Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok()
            });
            Some(Division { code, name, withdrawn })
        })
        .collect()
});

/// The division of a code, when the code is in the list. The nation, `000000`, is not in GB/T 2260 but is known here.
pub fn find(code: DivisionCode) -> Option<Division> {
    if code == DivisionCode::NATION {
        return Some(Division { code, name: "全国", withdrawn: None });
    }
    let at = ALL.binary_search_by_key(&code, |division| division.code).ok()?;
    ALL.get(at).copied()
}

/// The name of a code, or nothing for a code that is not in the list.
pub fn name(code: DivisionCode) -> &'static str {
    find(code).map_or("", |division| division.name)
}

/// Reads a code as it is written on a command line; for a name, the fault tells the codes that go by it today.
pub fn parse(text: &str) -> Result<DivisionCode, String> {
    DivisionCode::parse(text).map_err(|error| {
        let named = ALL.iter().filter(|division| division.withdrawn.is_none() && division.name == text);
        let codes: Vec<String> = named.map(|division| division.code.to_string()).collect();
        if codes.is_empty() { error.to_string() } else { format!("{error}; {text}: {}", codes.join(", ")) }
    })
}

/// The banners, counties, districts and county-level cities inside `outer` that are in force today;
/// cities without counties, such as 东莞, count as their own.
pub fn counties_inside(outer: DivisionCode) -> Vec<Division> {
    let inside: Vec<Division> =
        ALL.iter().filter(|division| division.withdrawn.is_none() && division.code.is_inside(outer)).copied().collect();
    let has_county = |city: DivisionCode| {
        inside.iter().any(|other| Level::of(other.code) == Level::County && other.code.is_inside(city))
    };
    inside
        .iter()
        .filter(|division| match Level::of(division.code) {
            Level::County => true,
            Level::League => !has_county(division.code),
            Level::Nation | Level::Region => false,
        })
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn code(text: &str) -> DivisionCode {
        DivisionCode::parse(text).unwrap()
    }

    #[test]
    fn codes_are_known_with_their_names_and_withdrawn_ones_with_their_day() {
        assert_eq!(name(code("152201")), "乌兰浩特市");
        assert_eq!(name(code("450181")), "横州市");
        assert_eq!(find(code("450127")).unwrap().withdrawn, Some(date(2021, 12, 1)));
        assert_eq!(find(code("159999")), None);
        assert_eq!(find(DivisionCode::NATION).unwrap().name, "全国");
        assert!(parse("科尔沁右翼前旗").unwrap_err().ends_with("科尔沁右翼前旗: 152221"));
        assert_eq!(parse("152221"), Ok(code("152221")));
        assert!(ALL.len() > 7000);
        assert!(ALL.is_sorted_by(|left, right| left.code < right.code), "sorted and distinct");
    }

    #[test]
    fn inner_mongolia_has_its_banners_and_counties() {
        let counties = counties_inside(code("150000"));
        assert_eq!(counties.len(), 103);
        assert!(counties.iter().all(|division| Level::of(division.code) == Level::County));
        assert_eq!(counties_inside(code("441900")).len(), 1, "东莞 has no counties");
    }

    #[test]
    fn levels_follow_the_zeros() {
        for (text, level) in
            [("000000", Level::Nation), ("150000", Level::Region), ("152200", Level::League), ("152201", Level::County)]
        {
            assert_eq!(Level::of(code(text)), level, "{text}");
        }
    }
}
