//! The dictionary of parameters: what each means, its form, what is possible and usual, which rule leaves it open.
//!
//! `docs/policy-parameters.md` and `schemas/policy.json` are made from it; a test holds it and
//! [`super::values::Values`] together.

use super::form::{Form, Member, may, must};
use super::values::{ExpenditureRule, Values};

/// When a verdict needs a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Always: without it there is no verdict at the place.
    Always,
    /// Only under the ratio rule for rigid expenditure.
    RatioRule,
    /// Never: where it is absent the rule it belongs to is not applied.
    Never,
}

/// One parameter.
#[derive(Debug)]
pub struct Parameter {
    /// Its name in packs.
    pub field: &'static str,
    /// 含义.
    pub zh: &'static str,
    /// What it means.
    pub en: &'static str,
    /// The rule that leaves it open, and what that rule says.
    pub clause: &'static str,
    /// The form of its value.
    pub form: Form,
    /// When a verdict needs it.
    pub need: Need,
}

const fn parameter(
    field: &'static str,
    need: Need,
    form: Form,
    zh: &'static str,
    en: &'static str,
    clause: &'static str,
) -> Parameter {
    Parameter { field, zh, en, clause, form, need }
}

/// Yuan to fen.
const fn yuan(low: i64, high: i64) -> (i64, i64) {
    (low * 100, high * 100)
}

const fn amount(low: i64, high: i64) -> Form {
    Form::Amount { usual: yuan(low, high) }
}

const UPPER: Form = Form::Choice(&["LT", "LTE"]);

/// A subsistence standard a month, yuan: the lowest and highest published ones, with room.
pub const MONTHLY_STANDARD: (i64, i64) = yuan(100, 2_500);
/// The same a year.
pub const YEARLY_STANDARD: (i64, i64) = yuan(1_200, 30_000);

const TOP_UP: Form = Form::Factor { can: (0, 100), usual: (10, 30) };

const EXEMPT_INCOME: &[&str] = &[
    "VETERAN_PREFERENTIAL",
    "FAMILY_PLANNING_REWARD",
    "SCHOLARSHIP",
    "STUDENT_AID",
    "BRAVERY_REWARD",
    "SOCIAL_ASSISTANCE",
    "AGE_ALLOWANCE",
    "DISABILITY_SUBSIDY",
    "FUNERAL_GRANT",
    "BASIC_PENSION_CENTRAL",
    "BASIC_PENSION_REGIONAL",
];

/// What the list of 43号 第六条 names, the benefits of social insurance among it.
const EXEMPT_OF_TEKUN: &[&str] = &[
    "VETERAN_PREFERENTIAL",
    "AGE_ALLOWANCE",
    "BASIC_PENSION_CENTRAL",
    "BASIC_PENSION_REGIONAL",
    "LONG_TERM_CARE_BENEFIT",
    "WORK_INJURY_BENEFIT",
    "WORK_INJURY_CARE",
    "MATERNITY_ALLOWANCE",
    "UNEMPLOYMENT_BENEFIT",
];

const STAGES: &[&str] = &[
    "PRESCHOOL",
    "PRIMARY",
    "JUNIOR",
    "SENIOR_HIGH",
    "SECONDARY_VOCATIONAL",
    "SPECIAL",
    "JUNIOR_COLLEGE",
    "BACHELOR",
    "MASTER",
    "DOCTOR",
];

const SPECIAL: Form = Form::Some(&["MEDICAL", "HOUSING", "EDUCATION", "EMPLOYMENT"]);

static TIER: Form = Form::Table(TIER_MEMBERS);
const TIER_MEMBERS: &[Member] = &[
    must("tier", Form::Text, "name of the tier"),
    must("per_person_monthly", amount(50, 2_500), "yuan a person and month"),
];

/// Every parameter, in the order of [`super::values::FIELDS`].
pub static PARAMETERS: &[Parameter] = &[
    parameter(
        "dibao_standard",
        Need::Always,
        Form::Table(&[
            // What is usual depends on the unit, so the row is looked at as a whole (`pack/rows.rs`).
            must("amount", Form::Amount { usual: (0, i64::MAX) }, "the published amount, usually 100 to 2500 a month"),
            must("period", Form::Choice(&["MONTH", "YEAR"]), "the published unit; never convert it"),
        ]),
        "一个人的最低生活保障标准，按公布的单位（月或年）填写",
        "Subsistence standard of one person, in the unit it was published in",
        "《社会救助暂行办法》第十条：由省、自治区、直辖市或者设区的市级人民政府确定、公布",
    ),
    parameter(
        "low_income_multiple",
        Need::Always,
        Form::Factor { can: (1, 10), usual: (1, 2) },
        "低收入（低保边缘）家庭收入上限是低保标准的几倍",
        "The low-income line as a multiple of the standard",
        "民发〔2021〕57号 第八条：1.5倍；苏州、灌云等地 2 倍",
    ),
    parameter(
        "low_income_lower_bound",
        Need::Always,
        Form::Choice(&["GTE", "GT"]),
        "人均收入恰等于低保标准的家庭是否属于低收入家庭：GTE 属于，GT 不属于",
        "Whether a household exactly at the standard is low-income: GTE yes, GT no",
        "实施意见写“高于”，57号第八条写“不符合低保条件”，两者在恰等于标准时不同",
    ),
    parameter(
        "low_income_upper_bound",
        Need::Always,
        UPPER,
        "恰等于上限的家庭是否属于低收入家庭：LT 不属于（低于），LTE 属于（以下、不高于）",
        "Whether a household exactly at the multiple is low-income: LT no (低于), LTE yes (以下, 不高于)",
        "57号第八条“低于”；浙江“一点五倍以下”、河南“不高于”",
    ),
    parameter(
        "income_window_months",
        Need::Always,
        Form::Whole { can: (1, 60), usual: (6, 12) },
        "计算收入和刚性支出的月数",
        "Months of income and rigid expenditure that count",
        "实施意见：提出申请前12个月；诸暨等地 6 个月",
    ),
    parameter(
        "window_rule",
        Need::Always,
        Form::Choice(&["FULL_CALENDAR_MONTHS_BEFORE_APPLICATION_MONTH", "ROLLING_365"]),
        "这些月怎么数：申请月之前的完整自然月，或申请日之前的 365 天",
        "Which days those months are: full calendar months before the month of application, or the 365 days before the day",
        "没有文件写明；“前12个月”两种读法都有",
    ),
    parameter(
        "exempt_income_kinds",
        Need::Always,
        Form::Kinds(EXEMPT_INCOME),
        "不计入家庭收入的收入类别",
        "Kinds of income that do not count",
        "57号第十三条（一）（二）（四）：设区的市级以上地方人民政府可以增列",
    ),
    parameter(
        "basic_pension_exempt_until",
        Need::Never,
        Form::Date,
        "城乡居民基本养老保险基础养老金不计入收入的最后一天；没有这一行即从不豁免",
        "Last day on which the basic part of a resident pension does not count; without it there is no such exemption",
        "57号第十三条（三）：“十四五”期间；2025年后是否延续待核实",
    ),
    parameter(
        "employment_cost",
        Need::Never,
        Form::Table(&[
            must("mode", Form::Choice(&["PERCENT_OF_WAGE"]), "what the percentage is of"),
            must("percent", Form::Factor { can: (0, 100), usual: (0, 30) }, "the percentage"),
        ]),
        "必要的就业成本：工资的百分之几；没有这一行即不扣除",
        "Necessary cost of employment as a percentage of the wage; without it nothing is deducted",
        "57号第十三条：扣减必要的就业成本，比例由地方定；兴安盟 10%",
    ),
    parameter(
        "support_formula",
        Need::Never,
        Form::Table(&[
            must("mode", Form::Choice(&["EXCESS_OVER_STANDARD"]), "what the percentage is of"),
            must("percent", Form::Factor { can: (0, 100), usual: (10, 60) }, "the percentage"),
        ]),
        "赡养、抚养、扶养费推算：义务人家庭收入超过其低保线部分的百分之几；没有这一行即不推算",
        "Support imputed to an obligor: percentage of what its household has above its own line; without it none is imputed",
        "57号第十三条；各地公式不同（50%、40%、30%）",
    ),
    parameter(
        "financial_asset_limit",
        Need::Always,
        Form::Table(&[
            must("months", Form::Whole { can: (0, 600), usual: (6, 60) }, "months of the standard, a head"),
            must("comparison", UPPER, "whether the limit itself passes: LTE yes (不超过), LT no (低于)"),
        ]),
        "金融资产上限：人均相当于几个月的低保标准",
        "Limit of financial assets, in months of the standard a head",
        "57号第十二条：家庭财产条件由地方定；深圳、揭阳 24 个月",
    ),
    parameter(
        "dwelling_max",
        Need::Always,
        Form::Whole { can: (0, 10), usual: (1, 2) },
        "可以拥有几套住房",
        "Dwellings a household may own",
        "家庭财产条件由地方定；多数地方 1 套",
    ),
    parameter(
        "vehicle_exempt_kinds",
        Need::Always,
        Form::Kinds(&["DISABILITY_AID", "MOTORCYCLE_2_OR_3_WHEEL", "ELECTRIC_BICYCLE", "LIVELIHOOD_SMALL_COMMERCIAL"]),
        "不算机动车辆的车辆类别",
        "Kinds of vehicle that do not count",
        "家庭财产条件由地方定；残疾人代步车、二三轮摩托车通常豁免",
    ),
    parameter(
        "business_capital_limit",
        Need::Always,
        amount(0, 2_000_000),
        "市场主体认缴出资额合计的上限（元）",
        "Limit of the value of business entities, yuan",
        "家庭财产条件由地方定；诸暨 20 万元（不含）",
    ),
    parameter(
        "business_capital_comparison",
        Need::Always,
        UPPER,
        "恰等于该上限是否通过：LT 不通过，LTE 通过",
        "Whether that limit itself passes: LT no, LTE yes",
        "同上；“不含”即 LT",
    ),
    parameter(
        "expenditure_rule",
        Need::Always,
        Form::Choice(&["SEED_2021", "IM_2024", "NATIONAL_2024"]),
        "刚性支出困难家庭按哪一套规则：扣除支出后低于标准（SEED_2021），或支出占收入的比例（2024年规则）",
        "Which rule for households with rigid expenditure: income net of it below the standard (SEED_2021), or its ratio to income (2024)",
        "实施意见（三）；民发〔2024〕57号；内蒙古2024年认定办法",
    ),
    parameter(
        "expenditure_ratio_percent",
        Need::RatioRule,
        Form::Factor { can: (1, 1000), usual: (40, 100) },
        "比例规则：全部刚性支出须超过收入的百分之几",
        "Ratio rule: all rigid expenditure must exceed this percentage of income",
        "民发〔2024〕57号留给地方；内蒙古 70%，甘肃 60–90%，辽宁 80%",
    ),
    parameter(
        "expenditure_medical_ratio_percent",
        Need::RatioRule,
        Form::Factor { can: (1, 1000), usual: (40, 100) },
        "比例规则：或医疗和意外支出须超过收入的百分之几",
        "Ratio rule: or medical and accident expenditure this one",
        "内蒙古2024年认定办法：60%",
    ),
    parameter(
        "per_capita_disposable_income_prev_year",
        Need::RatioRule,
        amount(5_000, 150_000),
        "比例规则的收入上限：上年度当地人均可支配收入（元/年）",
        "Ratio rule: income a head must be below last year's local disposable income a head, yuan a year",
        "民发〔2024〕57号；每年由统计部门公布",
    ),
    parameter(
        "circle_precedence",
        Need::Always,
        Form::Order(&["DIBAO", "EXPENDITURE", "LOW_INCOME"]),
        "同时符合几个圈层时哪个在先",
        "Which circle comes first when several are met",
        "实施意见未写明；内蒙古2024年认定办法把低收入家庭排除在刚性支出之外",
    ),
    parameter(
        "benefit_mode",
        Need::Always,
        Form::Choice(&["DIFFERENCE", "TIERED"]),
        "补差救助还是分档救助",
        "Whether the benefit is the difference to the line or set by tier",
        "《社会救助暂行办法》第十二条；57号第二十三条：差额或分档",
    ),
    parameter(
        "benefit_rounding",
        Need::Always,
        Form::Choice(&["HALF_UP_FEN"]),
        "金额打印时如何取舍",
        "How printed amounts are rounded",
        "没有文件写明；四舍五入到分",
    ),
    parameter(
        "tiers",
        Need::Never,
        Form::List(&TIER),
        "分档地区的档次和每人每月金额",
        "Tiers and their amounts, where the benefit is set by tier",
        "57号第二十三条；精河县 A/B/C 三档",
    ),
    parameter(
        "topup_percent",
        Need::Always,
        Form::Table(&[
            may("ELDERLY", TOP_UP, "the elderly"),
            may("MINOR", TOP_UP, "minors"),
            may("SEVERE_ILLNESS", TOP_UP, "the severely ill"),
            may("SEVERE_DISABILITY", TOP_UP, "the severely disabled"),
        ]),
        "分类增发：各类对象按低保标准的百分之几增发",
        "Top-up by ground, as a percentage of the standard",
        "实施意见（一）：10%-30%",
    ),
    parameter(
        "topup_stacking",
        Need::Always,
        Form::Choice(&["MAX", "SUM"]),
        "一人符合几类时取最高还是相加",
        "Whether the highest of several grounds counts, or all",
        "实施意见未写明",
    ),
    parameter(
        "topup_elderly_age",
        Need::Always,
        Form::Whole { can: (50, 100), usual: (60, 80) },
        "增发所说的老年人从几岁起",
        "From which age a member is elderly for a top-up",
        "实施意见未写明；老年人权益保障法 60 岁，许多地方 70 岁",
    ),
    parameter(
        "single_person_benefit",
        Need::Always,
        Form::Choice(&["STANDARD_MINUS_OWN_INCOME"]),
        "参照单人户纳入低保的人怎么补",
        "What a member admitted as a single person gets",
        "实施意见：做好与现有低保对象待遇衔接；有的地方按标准的一定比例",
    ),
    parameter(
        "graduation_months",
        Need::Always,
        Form::Whole { can: (0, 60), usual: (0, 36) },
        "渐退期的月数",
        "Months of the graduation period",
        "地方规定；内蒙古脱贫攻坚期 12–24 个月",
    ),
    parameter(
        "tekun",
        Need::Always,
        Form::Table(&[
            must(
                "minor_age_limit",
                Form::Whole { can: (14, 21), usual: (16, 18) },
                "below this age a person is a minor",
            ),
            must("continue_stages", Form::Some(STAGES), "stages of education in which support goes on after 18"),
            may(
                "full_care_floor_ratio",
                Form::Factor { can: (0, 2), usual: (0, 1) },
                "least share of the minimum wage that full care should cost",
            ),
            may(
                "exempt_income_kinds",
                Form::Kinds(EXEMPT_OF_TEKUN),
                "kinds that do not count as own income in this test, besides those that never count",
            ),
            may(
                "basic_pension_exempt",
                Form::Boolean,
                "whether the basic part of a resident pension does not count in this test, on any day",
            ),
        ]),
        "特困人员：未成年人年龄、可继续享有的学段、全护理标准下限；认定无生活来源时，除家庭收入已不计入的以外，还有哪些本人收入不计入，居民养老金的基础部分是否一律不计入（没有后两项即与家庭收入同样计算）",
        "特困: age limit of minors, stages of education in which support goes on, floor of full care; which kinds of own income besides those exempt of every household are left out of the test, and whether the basic part of a resident pension is on any day (without these two, own income counts as that of a household does)",
        "民发〔2021〕43号第五条：16周岁；实施意见（四）：18周岁，全护理不低于最低工资的70%；43号第六条：中央确定的城乡居民基本养老保险基础养老金、基本医疗保险等社会保险和优待抚恤金、高龄津贴不计入",
    ),
    parameter(
        "minimum_wage_monthly",
        Need::Never,
        amount(1_000, 5_000),
        "当地月最低工资（元）；只用于核对全护理标准，不推定为收入",
        "Local minimum wage a month, yuan; checks the care floor, never imputed as income",
        "省级人民政府按档次公布",
    ),
    parameter(
        "emergency_first_aid_hours",
        Need::Always,
        Form::Whole { can: (1, 720), usual: (1, 24) },
        "急难型临时救助须在几小时内先行救助",
        "Hours within which first aid is given",
        "实施意见（五）：24小时",
    ),
    parameter(
        "emergency_clock_start",
        Need::Always,
        Form::Choice(&["REPORTED_AT", "OCCURRED_AT"]),
        "这些小时从接报还是从事发算起",
        "When those hours start",
        "实施意见未写明",
    ),
    parameter(
        "income_authority",
        Need::Always,
        Form::Departments(&["hrss", "medical_insurance", "education", "housing", "health", "emergency"]),
        "同一笔收入几处记载不同时以谁为准，在先者优先",
        "Whose record of one payment stands, most trusted first; then any other department, then the declaration",
        "没有文件写明；发放部门的记载最可靠",
    ),
    parameter(
        "declaration_tolerance",
        Need::Never,
        Form::Table(&[
            may("percent", Form::Factor { can: (0, 100), usual: (0, 20) }, "this many percent of the declared amount"),
            may("amount", amount(0, 5_000), "this amount over the window, yuan"),
        ]),
        "申报数与查得数可相差多少仍算一致，两项并列时取较大者；没有这一行即只列差额、不作判断",
        "How far a declared and a found amount may be apart and still agree; the larger allowance counts. Without it a difference is shown and not judged",
        "没有文件写明；由地方定",
    ),
    parameter(
        "referrals_by_circle",
        Need::Never,
        Form::Table(&[
            may("TEKUN", SPECIAL, "what tekun opens"),
            may("DIBAO", SPECIAL, "what dibao opens"),
            may("LOW_INCOME", SPECIAL, "what a low-income household is offered"),
            may("EXPENDITURE", SPECIAL, "what a household of rigid expenditure is offered"),
        ]),
        "各圈层可以转介的专项救助；没有这一行即不列",
        "Special assistance that each circle opens; without it none is named",
        "实施意见：给予基本生活救助或医疗、住房、教育、就业等专项救助",
    ),
    parameter(
        "single_grounds",
        Need::Never,
        Form::Some(&["NO_CAPACITY"]),
        "除重度残疾、重病外，低收入家庭成员可参照单人户的情形；没有这一行即只有这两种",
        "Grounds on which a member of a low-income household is admitted alone, besides severe disability and severe illness; without it there are only these two",
        "实施意见“等”字与“完全丧失劳动能力”；57号第八条（四）由县级以上另定",
    ),
    parameter(
        "significant_change_percent",
        Need::Never,
        Form::Factor { can: (0, 1000), usual: (5, 30) },
        "复核期内收入变化超过上次核定收入的百分之几，才算“明显变化”、调整救助金；没有这一行即不作判断",
        "Inside the review cycle the amount changes only where income moves by more than this percentage of what was found last; without it no change is judged",
        "实施意见“没有明显变化的，不再调整救助水平”；未写明多少算明显",
    ),
    parameter(
        "residence_permit_application",
        Need::Never,
        Form::Boolean,
        "持居住证人员可否在居住地申请；没有这一行即不可",
        "Whether holders of a residence permit may apply where they live; without it they may not",
        "实施意见：有条件的地区有序推进",
    ),
    parameter(
        "deduct_rigid_in_dibao_test",
        Need::Never,
        Form::Boolean,
        "计算期内医疗和残疾康复刚性支出（扣除报销后）是否先从收入中扣减，再与低保标准比较、计算差额救助金；低收入标准、单人户和特困人员的本人收入不扣减；没有这一行即不扣减",
        "Whether rigid expenditure of the window on medical care and rehabilitation, after reimbursement, is taken off income before it is compared with the dibao standard and before the difference is paid; the low-income line and the own income of single and tekun persons are compared without it; without it nothing is taken off",
        "57号第十三条末款：因残疾、患重病等增加的刚性支出，核算家庭收入时可按规定适当扣减；实施意见另设刚性支出困难家庭，故默认不扣减",
    ),
];

/// The parameters that a verdict needs and `values` lack.
pub fn missing(values: &Values) -> Vec<&'static str> {
    let held = values.held();
    let by_ratio = values.expenditure_rule.is_some_and(ExpenditureRule::is_ratio);
    let is_needed = |parameter: &&Parameter| match parameter.need {
        Need::Always => true,
        Need::RatioRule => by_ratio,
        Need::Never => false,
    };
    PARAMETERS.iter().filter(is_needed).map(|parameter| parameter.field).filter(|field| !held.contains(field)).collect()
}

/// The parameter of a field.
pub fn find(field: &str) -> Option<&'static Parameter> {
    PARAMETERS.iter().find(|parameter| parameter.field == field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::values::FIELDS;
    use crate::policy::{ParameterSet, Rules, RulesError};

    #[test]
    fn every_parameter_is_in_the_dictionary_once_and_in_order() {
        let listed: Vec<&str> = PARAMETERS.iter().map(|parameter| parameter.field).collect();
        assert_eq!(listed, FIELDS);
    }

    #[test]
    fn what_the_dictionary_calls_needed_is_what_the_rules_need() {
        let file: serde_json::Value = serde_json::from_str(include_str!("../../tests/cases/listed.json")).unwrap();
        for name in ["IM_WLHT_URBAN", "IM_WLHT_URBAN_2024RULE"] {
            let set: ParameterSet = serde_json::from_value(file["parameter_sets"][name].clone()).unwrap();
            let complete = set.parameters(name).unwrap();
            assert!(missing(complete.values()).is_empty());
            for parameter in PARAMETERS {
                let mut without = serde_json::to_value(complete.values()).unwrap();
                without.as_object_mut().unwrap().remove(parameter.field);
                let without: Values = serde_json::from_value(without).unwrap();
                let by_rules = match Rules::from_values(&without) {
                    Err(RulesError::Missing(field)) => vec![field],
                    other => {
                        other.unwrap();
                        Vec::new()
                    }
                };
                assert_eq!(missing(&without), by_rules, "{name} without {}", parameter.field);
            }
        }
    }
}
