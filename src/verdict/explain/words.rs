//! Words for codes, in Chinese and English. A code without words of its own stands as it is.

use crate::domain::outcome::GapReason;
use crate::domain::problem::Text;
use crate::verdict::circle::Circle;
use crate::verdict::tekun::CareLevel;

fn text((zh, en): (&str, &str)) -> Text {
    Text::new(zh, en)
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

/// A kind of income, expenditure or property.
pub(super) fn kind(kind: &str) -> Text {
    text(match kind {
        "WAGE" => ("工资", "wage"),
        "BUSINESS" => ("经营收入", "business income"),
        "FARMING" => ("种养收入", "farming income"),
        "PENSION_EMPLOYEE" => ("职工养老金", "employee pension"),
        "PENSION_RESIDENT" => ("居民养老金", "resident pension"),
        "UNEMPLOYMENT_BENEFIT" => ("失业保险金", "unemployment benefit"),
        "SCHOLARSHIP" => ("奖学金", "scholarship"),
        "STUDENT_AID" => ("助学金", "student aid"),
        "SOCIAL_ASSISTANCE" => ("社会救助款", "social assistance"),
        "FAMILY_PLANNING_REWARD" => ("计划生育奖扶", "family-planning reward"),
        "VETERAN_PREFERENTIAL" => ("优待抚恤金", "veterans' preferential payment"),
        "DISABILITY_SUBSIDY" => ("残疾人补贴", "disability subsidy"),
        "MEDICAL" => ("医疗", "medical"),
        "DISABILITY_REHAB" => ("残疾康复", "rehabilitation"),
        "EDUCATION" => ("教育", "education"),
        "ACCIDENT" => ("因灾因意外", "disaster or accident"),
        other => (other, other),
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
        "circle.low_income.from" => ("收入达到低收入区间下限", "Income reaches the low-income band"),
        "circle.low_income.to" => ("收入在低收入标准之内", "Income within the low-income line"),
        "circle.expenditure" => {
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

/// A reason code.
pub(super) fn reason(code: &str) -> Text {
    if let Some(words) = reason_words(code) {
        return text(words);
    }
    for (prefix, zh, en) in [
        (
            "MISSING_NOT_DECISIVE_",
            "该部门未答复，但不影响结果：",
            "this department did not answer, which does not matter: ",
        ),
        ("MEMBER_EXCLUDED_", "有成员按规定不计入家庭：", "a member does not count, by the ground "),
        ("INCOME_EXEMPT_", "该类收入不计入：", "income of this kind does not count: "),
        ("TEKUN_CONTINUES_", "在读，继续享受特困供养：", "goes on as tekun while in school: "),
        (
            "EXPENDITURE_RATIO_MEDICAL_",
            "医疗和意外支出占收入的比例：",
            "medical and accident expenditure against income: ",
        ),
        ("EXPENDITURE_RATIO_", "刚性支出占收入的比例：", "rigid expenditure against income: "),
    ] {
        if let Some(rest) = code.strip_prefix(prefix) {
            return Text::new(format!("{zh}{rest}"), format!("{en}{rest}"));
        }
    }
    Text::new(code, code)
}

fn reason_words(code: &str) -> Option<(&'static str, &'static str)> {
    Some(match code {
        "INCOME_LT_STANDARD" => ("家庭收入低于低保标准", "income is below the dibao line"),
        "INCOME_EQ_STANDARD" => {
            ("家庭收入正好等于低保标准，不属于低于", "income is exactly the dibao line, which is not below it")
        }
        "INCOME_IN_1_0_TO_1_5_BAND" => ("家庭收入在低收入区间内", "income is in the low-income band"),
        "INCOME_EQ_1_5X" => ("家庭收入正好等于低收入标准", "income is exactly the low-income line"),
        "INCOME_GE_1_5X" => ("家庭收入达到或超过低收入标准", "income reaches the low-income line"),
        "PROPERTY_OK" => ("按已知和申报的情况，财产符合规定", "property, as known and declared, keeps to the limits"),
        "PROPERTY_FINANCIAL_OVER_LIMIT" => ("金融资产超过限额", "financial assets exceed the limit"),
        "PROPERTY_DWELLINGS_OVER_LIMIT" => ("住房超过规定套数", "there are more dwellings than allowed"),
        "PROPERTY_NON_RESIDENTIAL" => ("有非居住类房屋", "there is non-residential property"),
        "PROPERTY_VEHICLE" => ("有不予豁免的车辆", "there is a vehicle that is not exempt"),
        "PROPERTY_BUSINESS_CAPITAL" => ("市场主体出资达到限额", "business capital reaches the limit"),
        "INCOME_EXEMPT" => ("有不计入收入的项目", "some income is exempt"),
        "BASIC_PENSION_PORTION_EXEMPT" => {
            ("基础养老金部分不计入收入", "the basic portion of the pension does not count")
        }
        "BASIC_PENSION_EXEMPTION_EXPIRED" => ("基础养老金豁免已到期", "the exemption of the basic pension has ended"),
        "EMPLOYMENT_COST_DEDUCTED" => ("已扣除必要就业成本", "the cost of employment was deducted"),
        "INCOME_DUPLICATE_MERGED" => {
            ("同一笔收入由多个部门报送，只计一次", "one payment was reported twice and is counted once")
        }
        "INCOME_CONFLICT_AUTHORITY_APPLIED" => (
            "部门数据不一致，以更权威的为准，差异应核对",
            "departments differ; the more authoritative record stands and the difference should be checked",
        ),
        "SUPPORT_IMPUTED_BY_FORMULA" => ("按公式计入赡养、抚养、扶养费", "support was imputed by the formula"),
        "SUPPORT_BY_JUDGMENT" => ("按判决、协议或调解计入赡养、抚养、扶养费", "support counts as judged or agreed"),
        "OBLIGOR_UNABLE" => ("义务人无履行能力", "an obligor cannot pay"),
        "PAYMENT_AFTER_DEATH" => ("去世后仍有发放，请核实", "a payment went on after death; please check"),
        "DECEASED_MEMBER_REMOVED" => ("去世成员不计入家庭", "a deceased member does not count"),
        "ADULT_CHILD_POSTGRADUATE_NOT_COUNTED" => {
            ("成年研究生子女不计入家庭", "a grown child in postgraduate study does not count")
        }
        "ADULT_STUDENT_COUNTED" => ("成年在读子女计入家庭", "a grown child still in school counts"),
        "HOUSEHOLD_EMPTY" => ("没有计入家庭的成员", "no member counts"),
        "SINGLE_SEVERE_DISABILITY" => {
            ("有重度残疾成员，可参照单人户", "a severely disabled member may be admitted alone")
        }
        "SINGLE_SEVERE_ILLNESS" => ("有重病成员，可参照单人户", "a severely ill member may be admitted alone"),
        "SINGLE_GROUND_ABSENT" => ("没有可参照单人户的成员", "no member has a ground to be admitted alone"),
        "SINGLE_OWN_INCOME_GE_STANDARD" => {
            ("成员本人收入达到标准，不能参照单人户", "the member's own income reaches the line")
        }
        "MEMBER_SINGLE_ILLNESS_UNKNOWN" => {
            ("重病情况未知，单人户结果可能改变", "severe illness is not known; a member's outcome may change")
        }
        "TEKUN_NO_LABOUR_AGE_60" => ("年满60周岁，无劳动能力", "is 60 or older"),
        "TEKUN_NO_LABOUR_DISABILITY" => ("残疾等级符合无劳动能力", "has no labour capacity by disability"),
        "TEKUN_MINOR" => ("未成年人", "is a minor"),
        "TEKUN_CONTINUES_MINOR" => ("未满18周岁，继续享受特困供养", "goes on as tekun until 18"),
        "TEKUN_NO_LIVELIHOOD" => ("无生活来源", "has no livelihood"),
        "TEKUN_NO_OBLIGOR" => ("无法定义务人", "has no legal obligor"),
        "TEKUN_OBLIGOR_UNABLE" => ("法定义务人无履行能力", "the legal obligors cannot pay"),
        "TEKUN_OBLIGOR_ABLE" => ("有履行能力的义务人，不是特困人员", "an obligor can pay, so not tekun"),
        "TEKUN_OWN_INCOME_GE_STANDARD" => {
            ("本人收入达到标准，不是特困人员", "own income reaches the line, so not tekun")
        }
        "TEKUN_PROPERTY_OVER_LIMIT" => {
            ("财产超过一人限额，不是特困人员", "property exceeds what one person may have, so not tekun")
        }
        "TEKUN_SELF_CARE" => ("具备生活自理能力", "can care for themselves"),
        "TEKUN_PARTIAL_CARE" => ("部分丧失生活自理能力", "needs partial care"),
        "TEKUN_FULL_CARE" => ("完全丧失生活自理能力", "needs full care"),
        "ORPHAN_BENEFIT_CHOSEN" => ("已选择孤儿基本生活费", "the orphan benefit was chosen instead"),
        "EXPENDITURE_NET_LT_STANDARD" => {
            ("扣除刚性支出后低于低保标准", "income after rigid expenditure is below the dibao line")
        }
        "EXPENDITURE_NET_EQ_STANDARD" => {
            ("扣除刚性支出后正好等于低保标准", "income after rigid expenditure is exactly the dibao line")
        }
        "EXPENDITURE_NET_GE_STANDARD" => {
            ("扣除刚性支出后仍不低于低保标准", "income after rigid expenditure still reaches the dibao line")
        }
        "EXPENDITURE_NET_FLOORED_AT_ZERO" => {
            ("刚性支出超过收入，净收入按零计算", "expenditure exceeds income; net income is taken as zero")
        }
        "EXPENDITURE_LOW_INCOME_EXCLUDED" => {
            ("低收入家庭不再认定为刚性支出困难家庭", "a low-income household is not also one of rigid expenditure")
        }
        "EXPENDITURE_INCOME_GE_DISPOSABLE" => {
            ("收入不低于上年人均可支配收入", "income reaches last year's disposable income")
        }
        "EXPENDITURE_OUTSIDE_WINDOW" => ("有支出不在计算期内", "some expenditure is outside the window"),
        "EDUCATION_CAPPED_AT_PUBLIC_BENCHMARK" => {
            ("教育支出以公办收费为限", "education is counted up to the public charge")
        }
        "TOPUP_ELDERLY" => ("老年人增发", "top-up for the elderly"),
        "TOPUP_MINOR" => ("未成年人增发", "top-up for a minor"),
        "TOPUP_SEVERE_ILLNESS" => ("重病患者增发", "top-up for severe illness"),
        "TOPUP_SEVERE_DISABILITY" => ("重度残疾人增发", "top-up for severe disability"),
        "BENEFIT_TIERED" => ("分档救助", "the benefit is set by tier"),
        "BENEFIT_ROUNDS_TO_ZERO" => ("差额不足一分，按零计算", "the difference rounds to zero"),
        "BENEFIT_STOPPED_JOB_REFUSALS" => (
            "三次无正当理由拒绝就业，减发本人部分",
            "a member refused work three times; that person's part is withheld",
        ),
        "EMPLOYMENT_REFERRAL" => {
            ("有劳动能力未就业，转介就业服务", "able to work and idle: referred to employment service")
        }
        "REVIEW_HALF_YEAR" => ("每半年核查一次", "reviewed every half year"),
        "REVIEW_YEAR" => ("每年核查一次", "reviewed every year"),
        "GRADUATION_PERIOD" => ("在渐退期内，保持原待遇", "in the graduation period the benefit is kept"),
        "EMERGENCY_FIRST_AID" => ("急难，先行救助", "emergency: first aid"),
        "EMERGENCY_FIRST_AID_OPEN" => ("先行救助尚未记录", "first aid is not recorded yet"),
        "EMERGENCY_SLA_MET" => ("先行救助在规定时限内", "first aid came in time"),
        "EMERGENCY_SLA_BREACHED" => ("先行救助超过规定时限", "first aid came too late"),
        "HANDLED_AT_PLACE_OF_EVENT" => ("由急难发生地办理", "handled at the place of the event"),
        "TEMPORARY_RELIEF_NORMAL_PROCEDURE" => {
            ("临时救助按审核确认程序办理", "temporary relief by the normal procedure")
        }
        "PENDING" => ("等待部门数据", "waiting for departments"),
        "PARAMETER_MISSING" => ("缺少当地标准", "the local standard is missing"),
        "AUTHORISATION_MISSING" => ("缺少授权", "an authorisation is missing"),
        "MEMBER_IN_TWO_HOUSEHOLDS" => ("成员已在其他救助家庭", "a member is in another assisted household"),
        _ => return None,
    })
}
