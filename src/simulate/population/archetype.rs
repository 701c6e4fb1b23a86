//! The archetypes: each draws one kind of household and says what its verdict must be.

mod hidden;
mod incomes;
mod members;
mod ordinary;
mod persons;
mod process;
mod property;
mod spending;

use super::draft::Draft;
use super::place::Where;
use super::truth::Truth;

/// One kind of household.
pub struct Archetype {
    /// Stable name.
    pub name: &'static str,
    /// 说明.
    pub title_zh: &'static str,
    /// What it is.
    pub title_en: &'static str,
    /// How often it is drawn, relative to the others.
    pub weight: i64,
    /// Where it can be drawn.
    pub places: Where,
    /// Draws one and says what its verdict must be.
    pub draw: fn(&mut Draft<'_>) -> Truth,
}

const fn archetype(
    name: &'static str,
    title_zh: &'static str,
    title_en: &'static str,
    weight: i64,
    places: Where,
    draw: fn(&mut Draft<'_>) -> Truth,
) -> Archetype {
    Archetype { name, title_zh, title_en, weight, places, draw }
}

/// Every archetype. A population has each once before any comes twice.
pub static ARCHETYPES: [Archetype; 43] = [
    archetype(
        "couple_with_child",
        "普通低保家庭：夫妻带子女",
        "Plain dibao: couple with a child",
        14,
        Where::Any,
        ordinary::couple_with_child,
    ),
    archetype(
        "elderly_couple",
        "老年夫妻，子女无力赡养",
        "Elderly couple whose child has nothing to spare",
        7,
        Where::Any,
        ordinary::elderly_couple,
    ),
    archetype(
        "elders_with_able_child",
        "老年夫妻，按公式计算赡养费",
        "Elderly couple with support by formula",
        4,
        Where::Any,
        ordinary::elders_with_able_child,
    ),
    archetype(
        "elders_with_judgment",
        "老年夫妻，判决确定赡养费",
        "Elderly couple with support by judgment",
        2,
        Where::Any,
        ordinary::elders_with_judgment,
    ),
    archetype(
        "single_unemployed",
        "单身失业，不计虚拟收入",
        "Single and unemployed, no imputed wage",
        4,
        Where::Any,
        ordinary::single_unemployed,
    ),
    archetype(
        "unemployment_benefit",
        "单身，领取失业保险金",
        "Single on unemployment benefit",
        2,
        Where::Any,
        ordinary::unemployment_benefit,
    ),
    archetype(
        "wage_family",
        "工薪家庭，扣除就业成本后低于标准",
        "Wage family below the line after the cost of working",
        6,
        Where::Any,
        ordinary::wage_family,
    ),
    archetype(
        "band",
        "低收入家庭：1.0至1.5倍",
        "Low income: between 1.0 and 1.5 times the standard",
        7,
        Where::Any,
        ordinary::band,
    ),
    archetype("over", "收入不低于1.5倍", "Income at or above 1.5 times the standard", 8, Where::Any, ordinary::over),
    archetype(
        "financial_over",
        "金融资产超限",
        "Financial assets above the limit",
        3,
        Where::Any,
        property::financial_over,
    ),
    archetype("second_dwelling", "两套住房", "A second dwelling", 3, Where::Any, property::second_dwelling),
    archetype(
        "disaster_ruin",
        "第二套房因灾倒塌",
        "The second dwelling is a ruin of a disaster",
        2,
        Where::Any,
        property::disaster_ruin,
    ),
    archetype("car", "拥有小汽车", "An ordinary car", 2, Where::Any, property::car),
    archetype("motorcycle", "拥有豁免的摩托车", "A motorcycle, which is exempt", 1, Where::Any, property::motorcycle),
    archetype("shop", "拥有商铺", "A shop", 1, Where::Any, property::shop),
    archetype(
        "exempt_incomes",
        "多项不计入收入",
        "Several incomes that do not count",
        4,
        Where::Any,
        incomes::exempt_incomes,
    ),
    archetype(
        "duplicate_pension",
        "同一笔退休金两部门重复上报",
        "One pension reported by two departments",
        3,
        Where::Any,
        incomes::duplicate_pension,
    ),
    archetype(
        "conflicting_pension",
        "两部门上报的退休金金额不一致",
        "Two departments differ about one pension",
        2,
        Where::Any,
        incomes::conflicting_pension,
    ),
    archetype(
        "conflicting_wage",
        "人社与医保的工资基数不一致",
        "Social security and medical insurance differ about one wage",
        2,
        Where::Any,
        incomes::conflicting_wage,
    ),
    archetype(
        "deceased_listed",
        "已故成员仍在册且养老金仍在发放",
        "A deceased member still listed and still paid",
        3,
        Where::Any,
        members::deceased_listed,
    ),
    archetype(
        "postgraduate_child",
        "研究生子女不计入",
        "A postgraduate child does not count",
        2,
        Where::Any,
        members::postgraduate_child,
    ),
    archetype(
        "undergraduate_child",
        "全日制本科子女计入",
        "A full-time undergraduate child counts",
        4,
        Where::Any,
        members::undergraduate_child,
    ),
    archetype("member_in_prison", "成员服刑", "A member in prison", 2, Where::Any, members::member_in_prison),
    archetype(
        "severe_disability_in_band",
        "低收入家庭中的重度残疾人：单人户",
        "Severe disability in a low-income household",
        4,
        Where::Any,
        persons::severe_disability_in_band,
    ),
    archetype(
        "severe_illness_in_band",
        "低收入家庭中的重病患者：单人户",
        "Severe illness in a low-income household",
        4,
        Where::Any,
        persons::severe_illness_in_band,
    ),
    archetype(
        "disability_with_own_income",
        "重度残疾但本人收入达到标准",
        "Severe disability, own income at the standard or above",
        1,
        Where::Any,
        persons::disability_with_own_income,
    ),
    archetype(
        "disability_in_dibao",
        "低保家庭中的重度残疾人：分类增发",
        "Severe disability in a dibao household: top-up",
        2,
        Where::Any,
        persons::disability_in_dibao,
    ),
    archetype("childless_elder", "无子女老人：特困", "Childless elder: tekun", 4, Where::Any, persons::childless_elder),
    archetype("orphan_minor", "孤儿：特困", "Orphaned minor: tekun", 2, Where::Any, persons::orphan_minor),
    archetype(
        "illness_expenditure",
        "因病支出型困难",
        "Hardship by the cost of illness",
        5,
        Where::Rule2021,
        spending::illness,
    ),
    archetype(
        "education_expenditure",
        "因学支出型困难，民办学费按公办标准封顶",
        "Hardship by the cost of school, capped at the public benchmark",
        3,
        Where::Rule2021,
        spending::education_capped,
    ),
    archetype(
        "expenditure_outside_window",
        "部分医疗支出在核对期之外",
        "Some medical spending outside the window",
        1,
        Where::Rule2021,
        spending::outside_window,
    ),
    archetype(
        "ratio_above_70",
        "2024规则：刚性支出超过收入70%",
        "2024 rule: rigid spending above 70% of income",
        1,
        Where::Rule2024,
        spending::ratio_above_70,
    ),
    archetype(
        "ratio_exactly_70",
        "2024规则：恰为70%",
        "2024 rule: exactly 70%",
        1,
        Where::Rule2024,
        spending::ratio_exactly_70,
    ),
    archetype(
        "unsigned",
        "一名成员未签授权书",
        "A member has not signed the authorisation",
        2,
        Where::Any,
        process::unsigned,
    ),
    archetype(
        "in_two_households",
        "成员已在他户享受",
        "A member is in another assisted household",
        1,
        Where::Any,
        process::in_two_households,
    ),
    archetype(
        "graduation",
        "就业后渐退期内",
        "Graduation period after finding work",
        2,
        Where::Any,
        process::graduation,
    ),
    archetype(
        "refused_work",
        "三次拒绝介绍工作",
        "Suitable work refused three times",
        1,
        Where::Difference,
        process::refused_work,
    ),
    archetype(
        "fire_away_from_home",
        "异地遭遇火灾：急难救助",
        "A fire away from home: emergency relief",
        2,
        Where::Any,
        process::fire_away_from_home,
    ),
    archetype(
        "tiered_county",
        "分档救助地区",
        "A county with tiered benefit",
        2,
        Where::Tiered,
        ordinary::couple_with_child,
    ),
    archetype(
        "yearly_standard",
        "年标准地区恰等于标准",
        "Exactly the line where the standard is yearly",
        2,
        Where::Yearly,
        ordinary::exactly_the_line,
    ),
    archetype("undeclared_wage", "隐瞒就业和工资", "Work and wage not declared", 3, Where::Any, hidden::wage),
    archetype("undeclared_flat", "隐瞒第二套住房", "A second flat not declared", 2, Where::Any, hidden::flat),
];
