//! Words for the nodes of a trace: rules, inputs, and the codes that come out.

use super::text;
use crate::domain::problem::Text;
use crate::verdict::sparing::SettledBy;

/// A rule of the tree.
pub(in super::super) fn rule(rule: &str) -> Text {
    text(match rule {
        "verdict" => ("核对结论", "Verdict"),
        "gate.one_household" => ("没有成员在其他救助家庭中", "No member is in another assisted household"),
        "gate.authorised" => ("成员已授权", "Members have authorised the check"),
        "members" => ("计入的家庭成员（人）", "Members who count"),
        "members.member" => ("成员", "Member"),
        "income" => ("计入收入", "Countable income"),
        "income.item" => ("收入", "Income"),
        "income.support" => ("赡养、抚养、扶养费", "Support by an obligor"),
        "tekun" => ("特困人员（人）", "Persons in extreme hardship"),
        "tekun.member" => ("特困条件", "Test for extreme hardship"),
        "property" => ("财产未超过规定", "Property keeps to the limits"),
        "property.financial" => ("金融资产不超过限额", "Financial assets within the limit"),
        "property.dwellings" => ("住房不超过规定套数", "Dwellings within the limit"),
        "property.non_residential" => ("没有非居住用房", "No non-residential property"),
        "property.vehicle" => ("没有应计入的车辆", "No vehicle that counts"),
        "property.business_capital" => ("市场主体出资在限额内", "Business capital within the limit"),
        "expenditure" => ("刚性支出", "Rigid expenditure"),
        "expenditure.item" => ("支出", "Expenditure"),
        "circle" => ("家庭圈层", "Household circle"),
        "circle.dibao" => ("收入低于低保标准且财产符合规定", "Income below the dibao line, property within the limits"),
        "circle.dibao.deduction" => {
            ("从收入中扣减的因病因残刚性支出", "Costs of illness and disability taken off income")
        }
        "circle.low_income" => ("低收入家庭", "Low-income household"),
        "circle.low_income.from" => ("收入达到低收入区间下限", "Income reaches the low-income band"),
        "circle.low_income.to" => ("收入在低收入标准之内", "Income within the low-income line"),
        "circle.expenditure" => ("刚性支出困难家庭", "Household of rigid expenditure"),
        "circle.expenditure.outside_others" => {
            ("收入不属于低保、低收入家庭的范围", "Income is neither that of dibao nor of a low-income household")
        }
        "circle.expenditure.from" => ("收入不低于低保标准", "Income not below the dibao line"),
        "circle.expenditure.net" => {
            ("扣除刚性支出后的收入低于低保标准", "Income after rigid expenditure below the dibao line")
        }
        "circle.expenditure.ceiling" => ("收入低于上年人均可支配收入", "Income below last year's disposable income"),
        "circle.expenditure.ratio" => ("刚性支出超过收入的规定比例", "Rigid expenditure above its ratio of income"),
        "circle.expenditure.medical_ratio" => {
            ("医疗和意外支出超过收入的规定比例", "Medical and accident expenditure above its ratio of income")
        }
        "circle.graduation" => ("在渐退期内", "Within the graduation period"),
        "emergency.event" => ("急难事件", "Event"),
        "single" => ("参照单人户，每月", "Admitted as a single person, monthly amount of"),
        "benefit" => ("救助金测算，每月", "Monthly benefit as computed"),
        "benefit.base" => ("差额，每月", "Monthly difference"),
        "benefit.top_up" => ("分类增发，每月", "Monthly top-up of"),
        "review_cycle" => ("核查周期（月）", "Months until the review"),
        "review_cycle.change" => {
            ("复核期内收入变化不超过限度", "Income changed within the limit since the last review")
        }
        "referrals" => ("可以转介的专项救助（项）", "Special assistance opened"),
        "acceptance" => ("户籍不在本地的申请可以受理", "May apply here although registered elsewhere"),
        "gap" => ("未取得的数据可能改变结果", "The missing data could change the result"),
        "spared" => ("未查询，原因", "Not asked, because"),
        other => (other, other),
    })
}

/// The name of an input.
pub(in super::super) fn input(name: &str) -> Text {
    text(match name {
        "age" => ("年龄", "age"),
        "relation_code" => ("与户主关系", "relation"),
        "death_date" => ("去世日期", "died on"),
        "education_stage" => ("在读", "in school"),
        "amount_12m" => ("金额", "amount"),
        "left_out_12m" => ("特困认定不计入的收入", "income that the test for tekun leaves out"),
        "basic_portion_12m" => ("其中基础养老金", "of which basic pension"),
        "tekun_members_apart" => ("特困成员（收入另计，人）", "tekun members, whose income is not in the sum"),
        "category" => ("类别", "category"),
        "kind" => ("种类", "kind"),
        "treatment" => ("处理", "treatment"),
        "basis" => ("依据", "basis"),
        "household_income_12m" => ("义务人家庭收入", "income of the obligor's household"),
        "household_size" => ("家庭人数", "household size"),
        "countable_income_12m" => ("计入收入", "countable income"),
        "supported_total" => ("赡养、抚养、扶养人数", "persons supported"),
        "owned" => ("拥有", "owned"),
        "with_exempt_kind" => ("拥有，申明豁免情形", "owned, with a ground of exemption"),
        "window_from" => ("计算期起", "window from"),
        "window_to" => ("计算期止", "window to"),
        "medical_and_accident" => ("其中医疗和意外", "of which medical and accident"),
        "gross" => ("总额", "bill"),
        "covered" => ("报销和救助", "reimbursed or aided"),
        "paid_on" => ("支付日期", "paid on"),
        "public_benchmark" => ("公办收费标准", "public charge"),
        "property_passes" => ("财产未超过规定", "property keeps to the limits"),
        "exceeded_by_employment" => ("因就业超过标准", "exceeded by employment"),
        "adl_failed_count" => ("不能自理的项数（共六项）", "activities that fail, of six"),
        "care_level" => ("自理能力", "care level"),
        "ground" => ("情形", "ground"),
        "mode" => ("方式", "mode"),
        "percent" => ("比例（%）", "percent"),
        "occurred_at" => ("发生时间", "occurred at"),
        "reported_at" => ("报告时间", "reported at"),
        "first_aid_at" => ("先行救助时间", "first aid at"),
        "place_region" => ("发生地区划", "division of the event"),
        "emergency_only" => ("只申请急难救助", "emergency relief only"),
        "not_signed" => ("未签署授权的成员", "has not signed"),
        "department" => ("部门", "department"),
        "reason" => ("原因", "reason"),
        "dataset" => ("数据", "dataset"),
        "opens" => ("可转介", "opens"),
        "place" => ("申请地区划", "division applied to"),
        "hukou_region" => ("户籍地区划", "division of registration"),
        "reviewed_on" => ("上次核定日期", "reviewed on"),
        "cycle_ends_on" => ("复核期止", "end of the cycle"),
        "income_then_12m" => ("上次核定收入", "income found then"),
        "income_now_12m" => ("现在计入收入", "countable income now"),
        "household_size_then" => ("上次核定人数", "members counted then"),
        "could_change_members" => ("可能改变个别成员的结果", "could change a member's outcome"),
        other => (other, other),
    })
}

/// A code as result or value; `None` for text that is no code of ours.
pub(in super::super) fn code(code: &str) -> Option<Text> {
    Some(text(match code {
        "DETERMINED" => ("已确定", "determined"),
        "PENDING_DATA" => ("待数据", "pending data"),
        "BLOCKED" => ("缺少授权", "blocked"),
        "MANUAL_REVIEW" => ("须人工处理", "for manual review"),
        "PENDING_PARAMETER" => ("缺少标准", "pending a standard"),
        "DIBAO" => ("低保", "dibao"),
        "DIBAO_SINGLE" => ("单人户低保", "dibao as a single person"),
        "LOW_INCOME" => ("低收入家庭", "low-income"),
        "EXPENDITURE" => ("刚性支出困难家庭", "rigid expenditure"),
        "TEKUN" => ("特困人员", "tekun"),
        "NONE" => ("不符合各圈层", "no circle"),
        "COUNTED" => ("计入", "counts"),
        "NOT_OF_HOUSEHOLD" => ("不属于计入的成员", "not of a counted member"),
        "DUPLICATE_MERGED" => ("重复，只计一次", "counted once"),
        "CONFLICT_OVERRULED" => ("以更权威的记录为准", "a more authoritative record stands"),
        "EXEMPT_KIND" => ("不计入的种类", "of an exempt kind"),
        "BASIC_PORTION_EXEMPT" => ("基础养老金不计入", "basic portion exempt"),
        "BASIC_EXEMPTION_EXPIRED" => ("豁免已到期", "exemption ended"),
        "EMPLOYMENT_COST_DEDUCTED" => ("扣除就业成本", "cost of employment deducted"),
        "PAID_OUT" => ("抵减收入", "paid out"),
        "CAPPED_AT_BENCHMARK" => ("以公办收费为限", "capped at the public charge"),
        "OUTSIDE_WINDOW" => ("不在计算期内", "outside the window"),
        "JUDGMENT" => ("判决、协议或调解", "judgment or agreement"),
        "UNABLE" => ("无履行能力", "cannot pay"),
        "FORMULA" => ("当地公式", "local formula"),
        "BELOW_LINE" => ("义务人家庭未超过标准", "obligor's household below its line"),
        "ORPHAN_BENEFIT_CHOSEN" => ("已选择孤儿保障", "orphan benefit chosen"),
        "NOT_CONCERNED" => {
            ("有劳动能力或者与法定义务人同住，不属于特困的情形", "can work or lives with an obligor: not concerned")
        }
        "OBLIGOR_ABLE" => ("义务人有履行能力", "an obligor can pay"),
        "OWN_INCOME_GE_STANDARD" => ("本人收入达到标准", "own income reaches the line"),
        "PROPERTY_OVER_LIMIT" => ("财产超过一人限额", "property above the limit of one"),
        "SELF_CARE" => ("具备自理能力", "self-care"),
        "PARTIAL_CARE" => ("部分丧失自理能力", "partial care"),
        "FULL_CARE" => ("完全丧失自理能力", "full care"),
        "DIFFERENCE" => ("差额", "difference"),
        "TIERED" => ("分档", "tiered"),
        "KEEP_PRIOR" => ("保持原待遇", "kept"),
        "FIRST_AID_OPEN" => ("先行救助尚未记录", "first aid not recorded"),
        "FIRST_AID_IN_TIME" => ("先行救助在时限内", "first aid in time"),
        "FIRST_AID_LATE" => ("先行救助超过时限", "first aid late"),
        "NORMAL_PROCEDURE" => ("按一般程序办理", "normal procedure"),
        "CASE_BY_CASE" => ("一事一议", "decided case by case"),
        "MEDICAL" => ("医疗救助", "medical assistance"),
        "HOUSING" => ("住房救助", "housing assistance"),
        "EDUCATION" => ("教育救助", "education assistance"),
        "EMPLOYMENT" => ("就业救助", "employment assistance"),
        "WAGE" => ("工资性收入", "wage"),
        "OPERATING" => ("经营净收入", "operating"),
        "TRANSFER" => ("转移净收入", "transfer"),
        "OTHER" => ("其他", "other"),
        other => return SettledBy::ALL.into_iter().find(|known| known.as_str() == other).map(SettledBy::text),
    }))
}

/// A parameter of a pack.
pub(in super::super) fn parameter(field: &str) -> Text {
    text(match field {
        "dibao_standard" => ("低保标准", "dibao standard"),
        "low_income_multiple" => ("低收入标准的倍数", "multiple of the low-income line"),
        "low_income_lower_bound" => ("低收入区间下限", "lower bound of the low-income band"),
        "low_income_upper_bound" => ("低收入区间上限", "upper bound of the low-income band"),
        "income_window_months" => ("计算期月数", "months of the window"),
        "window_rule" => ("计算期的算法", "rule of the window"),
        "exempt_income_kinds" => ("不计入收入的种类", "kinds of income that do not count"),
        "basic_pension_exempt_until" => ("基础养老金豁免截止日", "end of the exemption of the basic pension"),
        "employment_cost" => ("就业成本", "cost of employment"),
        "support_formula" => ("赡养、抚养、扶养费公式", "formula of support"),
        "financial_asset_limit" => ("金融资产限额", "limit of financial assets"),
        "dwelling_max" => ("住房套数上限", "dwellings allowed"),
        "vehicle_exempt_kinds" => ("豁免的车辆", "vehicles that do not count"),
        "business_capital_limit" => ("市场主体出资限额", "limit of business capital"),
        "business_capital_comparison" => {
            ("市场主体出资限额的比较方式", "comparison with the limit of business capital")
        }
        "expenditure_rule" => ("刚性支出规则", "rule of rigid expenditure"),
        "expenditure_ratio_percent" => ("刚性支出比例", "ratio of rigid expenditure"),
        "expenditure_medical_ratio_percent" => ("医疗和意外支出比例", "ratio of medical and accident expenditure"),
        "per_capita_disposable_income_prev_year" => ("上年人均可支配收入", "last year's disposable income a head"),
        "circle_precedence" => ("圈层的先后次序", "order of circles"),
        "benefit_mode" => ("救助金的发放方式", "mode of the benefit"),
        "benefit_rounding" => ("金额取整方式", "rounding of amounts"),
        "tiers" => ("救助金档次", "tiers of the benefit"),
        "topup_percent" => ("分类增发比例", "percentages of top-ups"),
        "topup_stacking" => ("多项增发的处理", "several top-ups"),
        "topup_elderly_age" => ("老年人增发年龄", "age of the elderly for a top-up"),
        "single_person_benefit" => ("单人户救助金", "benefit of a single person"),
        "graduation_months" => ("渐退期月数", "months of the graduation period"),
        "tekun" => ("特困人员认定参数", "figures of extreme hardship"),
        "minimum_wage_monthly" => ("最低工资", "minimum wage"),
        "emergency_first_aid_hours" => ("先行救助时限", "hours for first aid"),
        "emergency_clock_start" => ("先行救助时限的起点", "start of the hours for first aid"),
        "income_authority" => ("收入记录的权威次序", "order of authority of income records"),
        "declaration_tolerance" => ("申报误差", "tolerance of the declaration"),
        "referrals_by_circle" => ("各圈层的专项救助", "special assistance by circle"),
        "single_grounds" => ("单人户的其他情形", "further grounds of single persons"),
        "significant_change_percent" => ("明显变化的比例", "percentage of a material change"),
        "residence_permit_application" => ("凭居住证申请", "application by residence permit"),
        "deduct_rigid_in_dibao_test" => {
            ("低保收入核算中扣减因病因残支出", "costs of illness and disability taken off in the dibao test")
        }
        other => (other, other),
    })
}

/// How far a figure can be trusted; what the pack adds stands in the language of the pack.
pub(in super::super) fn status(status: &str) -> Text {
    let (word, rest) = status.split_once([' ', ':', ',']).unwrap_or((status, ""));
    let rest = rest.trim_start_matches([' ', ':', ',']).trim();
    let (zh, en) = match word {
        "verified" => ("已核实", "verified"),
        "borrowed" => ("借用其他地区", "borrowed from elsewhere"),
        "assumed" => ("暂定", "assumed"),
        "stand-in" => ("以相近数据代替", "a stand-in"),
        "invented" => ("虚构，仅供试验", "invented, for trials"),
        "unstated" => ("未注明来源", "source not stated"),
        other => (other, other),
    };
    if rest.is_empty() {
        return Text::new(zh, en);
    }
    Text::new(format!("{zh}（政策包原文：{rest}）"), format!("{en} ({rest})"))
}
