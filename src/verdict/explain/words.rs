//! Words for codes, in Chinese and English. A code without words of its own stands as it is.

mod kinds;
mod reasons;
mod tree;

pub(super) use kinds::{disability, ground, kind, known_kind, not_counted, relation, stage, unit};
pub(super) use reasons::reason;
pub(super) use tree::{code, input, parameter, rule, status};

use crate::domain::outcome::GapReason;
use crate::domain::problem::Text;
use crate::verdict::circle::Circle;
use crate::verdict::tekun::CareLevel;

fn text((zh, en): (&str, &str)) -> Text {
    Text::new(zh, en)
}

/// A sign of comparison, as it is printed.
pub(super) fn sign(sign: &str) -> &str {
    match sign {
        "<=" => "≤",
        ">=" => "≥",
        other => other,
    }
}

/// A circle.
pub(super) fn circle(circle: Circle) -> Text {
    text(match circle {
        Circle::Dibao => ("最低生活保障家庭（低保）", "subsistence allowance (dibao)"),
        Circle::DibaoSingle => ("参照单人户纳入低保", "dibao as a single person"),
        Circle::Expenditure => ("刚性支出困难家庭（支出型）", "household in hardship by rigid expenditure"),
        Circle::LowIncome => ("低收入家庭（低保边缘）", "low-income household"),
        Circle::None => ("不符合各救助圈层", "no assistance circle"),
        Circle::Tekun => ("特困人员", "extreme hardship (tekun)"),
    })
}

/// A circle in a sentence.
pub(super) fn circle_short(circle: Circle) -> Text {
    text(match circle {
        Circle::Dibao => ("低保", "dibao"),
        Circle::DibaoSingle => ("单人户低保", "dibao as a single person"),
        Circle::Expenditure => ("刚性支出困难家庭", "hardship by rigid expenditure"),
        Circle::LowIncome => ("低收入家庭", "a low-income household"),
        Circle::None => ("不符合各救助圈层", "no assistance circle"),
        Circle::Tekun => ("特困人员", "extreme hardship (tekun)"),
    })
}

/// What follows: the circle a household would be in.
pub(super) fn circle_then(circle: Circle) -> Text {
    if circle == Circle::None {
        return text(("则不符合任何圈层", "no circle is met"));
    }
    Text::new(format!("则为{}", self::circle(circle).zh), format!("it would be {}", circle_short(circle).en))
}

/// A care level.
pub(super) fn care(level: CareLevel) -> Text {
    text(match level {
        CareLevel::SelfCare => ("具备生活自理能力", "can care for themselves"),
        CareLevel::PartialCare => ("部分丧失生活自理能力", "needs partial care"),
        CareLevel::FullCare => ("完全丧失生活自理能力", "needs full care"),
    })
}

/// Why facts are missing.
pub(super) fn gap_reason(reason: GapReason) -> Text {
    text(match reason {
        GapReason::Timeout => ("超时未答复", "did not answer in time"),
        GapReason::Unavailable => ("暂时不可用", "was not available"),
        GapReason::QuotaExceeded => ("查询配额已用完", "the agreed quota is used up"),
        GapReason::NotAuthorised => ("未授权查询", "refused the question"),
        GapReason::Malformed => ("答复格式不符", "gave an answer that does not fit its schema"),
        GapReason::Mismatch => ("答复与所查人员不符", "answered about another person or name"),
        GapReason::NotConnected => ("尚未接入", "is not connected"),
    })
}

/// What became of an income.
pub(super) fn income_treatment(code: &str) -> Text {
    text(match code {
        "COUNTED" => ("全额计入", "in full"),
        "NOT_OF_HOUSEHOLD" => ("该成员不计入家庭", "not a counted member"),
        "DUPLICATE_MERGED" => ("与另一部门记录重复", "the same payment is counted once"),
        "CONFLICT_OVERRULED" => ("以更权威部门的记录为准", "a more authoritative record stands"),
        "EXEMPT_KIND" => ("不计入收入的项目", "of a kind that does not count"),
        "BASIC_PORTION_EXEMPT" => ("基础养老金部分不计入", "less the basic portion"),
        "BASIC_EXEMPTION_EXPIRED" => {
            ("基础养老金豁免已到期，全额计入", "in full: the exemption of the basic portion has ended")
        }
        "EMPLOYMENT_COST_DEDUCTED" => ("扣除必要就业成本", "less the cost of employment"),
        "PAID_OUT" => ("支出，抵减收入", "paid out"),
        other => (other, other),
    })
}

/// What became of an expenditure.
pub(super) fn expenditure_treatment(code: &str) -> Text {
    text(match code {
        "COUNTED" => ("扣除报销后计入", "after reimbursement"),
        "CAPPED_AT_BENCHMARK" => ("以公办收费为限", "up to the public charge"),
        "OUTSIDE_WINDOW" => ("不在计算期内", "outside the window"),
        "NOT_OF_HOUSEHOLD" => ("该成员不计入家庭", "not a counted member"),
        other => (other, other),
    })
}

/// How support was found.
pub(super) fn support_basis(code: &str) -> Text {
    text(match code {
        "JUDGMENT" => ("按判决、协议或调解", "by judgment, agreement or mediation"),
        "UNABLE" => ("无履行能力", "cannot pay"),
        "FORMULA" => ("按当地公式计算", "by the local formula"),
        "BELOW_LINE" => ("义务人家庭收入未超过标准", "the obligor's household has no excess"),
        "NOT_OF_HOUSEHOLD" => ("所赡养、抚养、扶养的人不计入家庭", "supports no counted member"),
        other => (other, other),
    })
}

/// What a comparison tests; `None` for rules that compare nothing a reader would ask about.
pub(super) fn comparison(rule: &str) -> Option<Text> {
    Some(text(match rule {
        "circle.dibao" => ("收入低于低保标准", "Income below the dibao line"),
        "circle.dibao.deduction" => (
            "扣减因病因残刚性支出后的收入低于低保标准",
            "Income after costs of illness and disability below the dibao line",
        ),
        "circle.low_income.from" => ("收入达到低收入区间下限", "Income reaches the low-income band"),
        "circle.low_income.to" => ("收入在低收入标准之内", "Income within the low-income line"),
        "circle.expenditure.net" => {
            ("扣除刚性支出后的收入低于低保标准", "Income after rigid expenditure below the dibao line")
        }
        "circle.expenditure.ceiling" => ("收入低于上年人均可支配收入", "Income below last year's disposable income"),
        "circle.expenditure.ratio" => ("刚性支出超过收入的规定比例", "Rigid expenditure above the ratio of income"),
        "circle.expenditure.medical_ratio" => {
            ("医疗和意外支出超过收入的规定比例", "Medical and accident expenditure above its ratio")
        }
        "circle.graduation" => ("在渐退期内（月）", "Within the graduation period (months)"),
        "property.financial" => ("金融资产不超过限额", "Financial assets within the limit"),
        "property.dwellings" => ("住房不超过规定套数", "Dwellings within the limit"),
        "property.business_capital" => ("市场主体出资在限额内", "Business capital within the limit"),
        "tekun.member" => ("本人收入低于一人标准", "Own income below the line of one person"),
        _ => return None,
    }))
}
