//! Words for reason codes and flags.

use super::super::department;
use super::{kind, not_counted, stage, text};
use crate::domain::dataset::Catalogue;
use crate::domain::problem::Text;

/// A reason code, with the department names of this catalogue. A code without words of its own stands as it is.
pub(in super::super) fn reason(catalogue: &Catalogue, code: &str) -> Text {
    if let Some(words) = reason_words(code) {
        return text(words);
    }
    let rest = |prefix: &str| code.strip_prefix(prefix);
    if let Some(id) = rest("MISSING_NOT_DECISIVE_") {
        let name = department(catalogue, id);
        return Text::new(
            format!("{}未答复，但不影响结果", name.zh),
            format!("{} did not answer, which does not matter", name.en),
        );
    }
    if let Some(ground) = rest("MEMBER_EXCLUDED_") {
        let ground = not_counted(ground);
        return Text::new(
            format!("有成员按规定不计入家庭：{}", ground.zh),
            format!("a member does not count: {}", ground.en),
        );
    }
    if let Some(of) = rest("INCOME_EXEMPT_") {
        let of = kind(of);
        return Text::new(format!("{}不计入收入", of.zh), format!("income of this kind does not count: {}", of.en));
    }
    if let Some(of) = rest("TEKUN_CONTINUES_") {
        let of = stage(of);
        return Text::new(format!("在{}就读，继续享受特困供养", of.zh), format!("goes on as tekun while in {}", of.en));
    }
    for (prefix, zh, en) in [
        ("EXPENDITURE_RATIO_MEDICAL_", "医疗和意外支出", "medical and accident expenditure"),
        ("EXPENDITURE_RATIO_", "刚性支出", "rigid expenditure"),
    ] {
        let Some(rest) = rest(prefix) else { continue };
        if let Some(percent) = rest.strip_prefix("NOT_ABOVE_") {
            return Text::new(
                format!("{zh}没有超过收入的{percent}%"),
                format!("{en} is not above {percent} % of income"),
            );
        }
        if let Some(percent) = rest.strip_prefix("ABOVE_") {
            return Text::new(format!("{zh}超过收入的{percent}%"), format!("{en} is above {percent} % of income"));
        }
    }
    Text::new(code, code)
}

fn reason_words(code: &str) -> Option<(&'static str, &'static str)> {
    Some(match code {
        "INCOME_LT_STANDARD" => ("家庭收入低于低保标准", "income is below the dibao line"),
        "RIGID_DEDUCTED_IN_DIBAO_TEST" => (
            "核算低保收入时已扣减因病因残的刚性支出",
            "costs of illness and disability were taken off income in the dibao test",
        ),
        "INCOME_AFTER_DEDUCTION_LT_STANDARD" => (
            "扣减因病因残的刚性支出后，家庭收入低于低保标准",
            "income after costs of illness and disability is below the dibao line",
        ),
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
        "TEKUN_INCOME_EXEMPT" => ("有在特困认定中不计入的收入", "some income does not count in the test for tekun"),
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
        "SINGLE_NO_CAPACITY" => {
            ("有完全丧失劳动能力的成员，可参照单人户", "a member without any capacity to work may be admitted alone")
        }
        "REFERRAL_MEDICAL" => ("可转介医疗救助", "medical assistance may be applied for"),
        "REFERRAL_HOUSING" => ("可转介住房救助", "housing assistance may be applied for"),
        "REFERRAL_EDUCATION" => ("可转介教育救助", "education assistance may be applied for"),
        "REFERRAL_EMPLOYMENT" => ("可转介就业救助", "employment assistance may be applied for"),
        "APPLIED_AT_RESIDENCE_WITH_PERMIT" => (
            "户籍不在本地：持居住证的可以在本地申请，请查验居住证",
            "registered elsewhere: may apply here with a residence permit; check the permit",
        ),
        "APPLIED_OUTSIDE_HUKOU_REGION" => (
            "户籍不在本地：本地不凭居住证受理，可受理后转户籍地办理",
            "registered elsewhere: this place takes no application by residence permit; take it in and pass it to the place of registration",
        ),
        "CASE_BY_CASE_DECISION" => {
            ("县级协调机制一事一议", "decided case by case by the coordination mechanism of the county")
        }
        "AMOUNT_KEPT_IN_REVIEW_CYCLE" => {
            ("复核期内没有明显变化，救助金不作调整", "no material change inside the review cycle: the amount stays")
        }
        "MATERIAL_CHANGE_IN_REVIEW_CYCLE" => (
            "复核期内有明显变化，救助金应当调整",
            "a material change inside the review cycle: the amount is to be adjusted",
        ),
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
        "PENDING" => ("等待部门答复", "waiting for departments to answer"),
        "PARAMETER_MISSING" => ("缺少当地标准", "the local standard is missing"),
        "AUTHORISATION_MISSING" => ("缺少授权", "an authorisation is missing"),
        "AMOUNT_TOO_LARGE" => {
            ("有金额过大，无法计算，请核对", "an amount is too large to compute with; please check it")
        }
        "ID_NUMBER_INVALID" => ("公民身份号码有误", "an identity number is not valid"),
        "MEMBER_IN_TWO_HOUSEHOLDS" => ("成员已在其他救助家庭", "a member is in another assisted household"),
        _ => return None,
    })
}
